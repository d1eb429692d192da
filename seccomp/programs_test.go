//go:build linux

package seccomp

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// execFiltered loads the default filter and executes a program.
func execFiltered(args []string) error {
	text, ok := DefaultFilter(nativeArch())
	if !ok {
		return errors.New("no default filter")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := loadFilter(insnsOf(text)); err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}

// insnsOf reads the embedded form of a filter.
func insnsOf(text string) []Insn {
	out := make([]Insn, 0, len(text)/8)
	for i := 0; i+8 <= len(text); i += 8 {
		b := []byte(text[i : i+8])
		out = append(out, Insn{uint16(b[0]) | uint16(b[1])<<8, b[2], b[3],
			uint32(b[4]) | uint32(b[5])<<8 | uint32(b[6])<<16 | uint32(b[7])<<24})
	}
	return out
}

// TestPrograms runs ordinary programs under the default filter, as whoever runs
// the tests. Each line must end well and print what it says.
func TestPrograms(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"bash", `bash -c 'set -m; (echo a; sleep 0) | cat; x=$(echo $((6*7))); mkfifo f; echo $x'`, "42"},
		{"perl", `perl -e 'my $p=fork; if(!$p){exit 7} waitpid($p,0); print $?>>8, "\n"'`, "7"},
		{"tar", `mkdir d && echo hi > d/x && ln -s x d/l && tar cf - d | (mkdir o && cd o && tar xpf - && cat d/l)`, "hi"},
		{"git", `git init -q r && cd r && echo a > a && git add a && git -c user.name=n -c user.email=e@e commit -qm m && git log --format=%s && git gc -q`, "m"},
		{"gcc", `printf '#include <stdio.h>\nint main(){puts("built");}' > m.c && gcc -pipe -O2 m.c -o m && ./m`, "built"},
		{"python3", `python3 -c 'import threading,subprocess,multiprocessing as m,asyncio,socket,tempfile,ssl,ctypes
t=threading.Thread(target=lambda:None);t.start();t.join()
a,b=socket.socketpair();a.send(b"x")
s=socket.socket();s.bind(("127.0.0.1",0))
async def f(): return (await (await asyncio.create_subprocess_exec("echo","sub",stdout=-1)).communicate())[0]
assert asyncio.run(f())==b"sub\n"
with m.Pool(2) as p: print(sum(p.map(abs,[-1,-2])))'`, "3"},
		{"node", `node -e 'const w=require("worker_threads");if(w.isMainThread){new w.Worker(process.argv[1]||"1",{eval:true}).on("exit",()=>console.log(require("child_process").execSync("echo kid")+""))}'`, "kid"},
		{"go", `mkdir g && cd g && printf 'module m\ngo 1.21\n' > go.mod && printf 'package main\nimport "os"\nfunc main(){os.Stdout.WriteString("ok")}' > m.go && GOFLAGS=-mod=mod GOCACHE=$PWD/c CGO_ENABLED=0 go build -o x . && ./x 2>&1`, "ok"},
		{"java", `printf 'public class M{public static void main(String[] a)throws Exception{Thread t=new Thread(()->{});t.start();t.join();System.out.println(new String(new ProcessBuilder("echo","j").start().getInputStream().readAllBytes()));}}' > M.java && java M.java`, "j"},
		{"sqlite3", `sqlite3 t.db 'pragma journal_mode=wal; create table t(a); insert into t values(5); select a from t'`, "5"},
		{"gdb", `gdb -q -batch -ex 'set startup-with-shell off' -ex run --args true 2>&1 | grep -o 'exited normally'`, "exited normally"},
		{"strace", `strace -f -e trace=execve -o log sh -c 'true; /bin/true' && grep -c execve log`, ""},
		{"ip", `ip -o addr | grep -o 127.0.0.1`, "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.name); err != nil {
				t.Skipf("not exercised: the program %s", c.name)
			}
			cmd := startChild("exec", "sh", "-ec", c.script)
			out, err := runScript(t, cmd, cmd.Env)
			if err == nil && strings.Contains(out, c.want) {
				return
			}
			plain, plainErr := runScript(t, exec.Command("sh", "-ec", c.script), nil)
			if plainErr != nil || !strings.Contains(plain, c.want) {
				t.Skipf("not exercised: %s does not do this without a filter either: %v %s", c.name, plainErr, plain)
			}
			t.Errorf("%v\n%s", err, out)
		})
	}
}

// runScript runs a command in a directory of its own.
func runScript(t *testing.T, cmd *exec.Cmd, env []string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if env == nil {
		env = os.Environ()
	}
	if bin, err := filepath.EvalSymlinks("/proc/self/exe"); err == nil && cmd.Path == "/proc/self/exe" {
		cmd.Path = bin
	}
	cmd.Dir = dir
	cmd.Env = append(env, "GODEBUG=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestDenied is the control of TestPrograms: the filter is there, and a program
// sees what it denies.
func TestDenied(t *testing.T) {
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skip("not exercised: the program unshare")
	}
	status, err := exec.Command("cat", "/proc/self/status").Output()
	if err != nil || !strings.Contains(string(status), "Seccomp:") {
		t.Skip("not exercised: a kernel that reports Seccomp in /proc/self/status")
	}
	out, err := startChild("exec", "grep", "Seccomp:", "/proc/self/status").CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "2") {
		t.Errorf("have %q %v, want Seccomp: 2", out, err)
	}
	out, err = startChild("exec", "unshare", "--user", "true").CombinedOutput()
	if err == nil {
		t.Errorf("unshare --user worked: %s", out)
	}
}
