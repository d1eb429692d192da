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

// firstBytes keeps the beginning of an output, so that a program that goes wrong
// under the filter and complains without end does not fill the memory.
type firstBytes []byte

func (b *firstBytes) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), 1<<16-len(*b))]...)
	return len(p), nil
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
	var out firstBytes
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
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

// TestSetIDFiles asks the kernel itself: under the filter no program makes a
// set-user-ID or set-group-ID file, and what else it does with modes works. Each
// script prints the modes of the files that it leaves.
func TestSetIDFiles(t *testing.T) {
	for _, c := range []struct{ name, program, script, free, filtered string }{
		{"chmod", "chmod", `umask 022; touch f; chmod 4755 f || :; stat -c %a f`, "4755", "644"},
		{"chmod group", "chmod", `umask 022; touch f; chmod 2755 f || :; stat -c %a f`, "2755", "644"},
		{"chmod plain", "chmod", `umask 022; touch f; chmod 0751 f; mkdir d; chmod 1777 d; stat -c %a f d`, "751\n1777", "751\n1777"},
		{"open", "perl", `perl -e 'use Fcntl; umask 022; sysopen(F,"f",O_CREAT|O_WRONLY,04755); sysopen(F,"g",O_CREAT|O_WRONLY,0755)'
			stat -c %n%a ?`, "f4755\ng755", "g755"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				t.Skipf("not exercised: the program %s", c.program)
			}
			out, err := runScript(t, exec.Command("sh", "-ec", c.script), nil)
			if err != nil || strings.TrimSpace(out) != c.free {
				t.Skipf("not exercised: without a filter the files are %q and not %q (%v)", out, c.free, err)
			}
			cmd := startChild("exec", "sh", "-ec", c.script)
			out, err = runScript(t, cmd, cmd.Env)
			if err != nil || !strings.HasSuffix(strings.TrimSpace(out), c.filtered) || strings.Contains(out, c.free) && c.free != c.filtered {
				t.Errorf("have %q %v, want %q", out, err, c.filtered)
			}
		})
	}
}
