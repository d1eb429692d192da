//go:build linux

package seccomp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func nativeArch() string { return runtime.GOARCH }

// The test binary starts itself with childVariable set to do what must not
// happen in the process that runs the tests.
const childVariable = "CARREL_SECCOMP_TEST"

func TestMain(m *testing.M) {
	if task := os.Getenv(childVariable); task != "" {
		os.Unsetenv(childVariable)
		if err := child(task); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(task string) error {
	name, rest, _ := strings.Cut(task, " ")
	switch name {
	case "sweep":
		entry, profile, _ := strings.Cut(rest, " ")
		return liveSweep(entry, profile)
	case "int80":
		return probeI386()
	case "exec":
		return execFiltered(os.Args[1:])
	}
	return fmt.Errorf("unknown task %q", task)
}

// startChild runs the test binary again for one task. Preemption by signal is
// off, because a filtered thread cannot return from a signal handler.
func startChild(task string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), childVariable+"="+task, "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=4")
	return cmd
}

// probe is one call to make and the errno that the filter should answer with.
type probe struct {
	nr   uint32
	args [6]uint64
	want uint16
	have uint16
}

// answers turns every return value of a filter into an errno of its own, so
// that no call is ever carried out.
func answers(insns []Insn) (rewritten []Insn, errno map[uint32]uint16) {
	errno = map[uint32]uint16{}
	for _, i := range insns {
		if i.Code == opRet {
			if _, ok := errno[i.K]; !ok {
				errno[i.K] = uint16(200 + len(errno))
			}
			i.K = uint32(Errno) | uint32(errno[i.K])
		}
		rewritten = append(rewritten, i)
	}
	return rewritten, errno
}

// maxCalls bounds the calls of one sweep, which are all made before the first
// answer is looked at: 72 bytes each.
const maxCalls = 1 << 20

// liveProbes lists the calls to make through one entry of the kernel.
func liveProbes(entry string, d *refDoc) (a *abi, out []probe, err error) {
	a, bit := familyOf(nativeArch())[0], uint32(0)
	switch entry {
	case "x32":
		a, bit = &abiX32, x32Bit
	case "i386":
		a = &abiI386
	}
	for _, nr := range numbers() {
		// The kernel answers these two before it runs any filter.
		if entry == "native" && (nr >= x32Bit || a == &abiX8664 && (nr == 335 || nr == 336)) ||
			entry == "x32" && (nr < x32Bit || nr == 0xffffffff) {
			continue
		}
		var names []string
		if n := a.nameOf(nr - bit); n != "" {
			names = append(names, n)
		}
		for args := range d.probes(names) {
			if entry == "i386" {
				for i := range args {
					args[i] = uint64(uint32(args[i]))
				}
			}
			if len(out) == maxCalls {
				return nil, nil, fmt.Errorf("list calls: more than %d", maxCalls)
			}
			out = append(out, probe{nr: nr, args: args})
		}
	}
	return a, out, nil
}

func liveProfile(name string) (string, error) {
	switch name {
	case "default":
		return defaultJSON, nil
	case "ops":
		return opsJSON, nil
	case "overlap":
		return overlapJSON, nil
	case "deny":
		return denyJSON, nil
	}
	data, err := os.ReadFile("testdata/" + name + ".json")
	return string(data), err
}

// liveSweep loads the rewritten filter on one thread, makes every call there
// and compares the kernel's answers with Simulate.
func liveSweep(entry, profile string) error {
	text, err := liveProfile(profile)
	if err != nil {
		return err
	}
	p, _, err := Parse([]byte(text))
	if err != nil {
		return err
	}
	d := refParse(&testing.T{}, text)
	f, err := Compile(p, Target{Arch: nativeArch()})
	if err != nil {
		return err
	}
	rewritten, errno := answers(f.Insns)
	a, probes, err := liveProbes(entry, d)
	if err != nil {
		return err
	}
	for i := range probes {
		v, _ := Simulate(f.Insns, Data{Nr: probes[i].nr, Arch: a.audit, Args: probes[i].args})
		probes[i].want = errno[v]
	}
	call := callNative
	if entry == "i386" {
		call = callI386
	}
	debug.SetGCPercent(-1)
	var state atomic.Int32
	var failure error
	go func() {
		runtime.LockOSThread()
		if failure = loadFilter(rewritten); failure != nil {
			state.Store(2)
			select {}
		}
		// From here on the thread must not enter the scheduler.
		call(probes, &state)
	}()
	for state.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if state.Load() == 2 {
		return fmt.Errorf("load filter: %w", failure)
	}
	bad := 0
	for _, x := range probes {
		if x.have != x.want && bad < 20 {
			bad++
			fmt.Printf("%s nr %#x (%s) args %#x: the kernel answers %d, Simulate %d\n",
				entry, x.nr, a.nameOf(x.nr&^a.bit), x.args, x.have, x.want)
		}
	}
	fmt.Printf("%d calls\n", len(probes))
	if bad > 0 {
		return errors.New("the kernel and Simulate differ")
	}
	return nil
}

// callNative makes the calls and then spins: it has no point at which the
// scheduler could take the thread.
//
//go:nosplit
func callNative(probes []probe, state *atomic.Int32) {
	for i := range probes {
		x := &probes[i]
		_, _, e := syscall.RawSyscall6(uintptr(x.nr), uintptr(x.args[0]), uintptr(x.args[1]), uintptr(x.args[2]),
			uintptr(x.args[3]), uintptr(x.args[4]), uintptr(x.args[5]))
		x.have = uint16(e)
	}
	state.Store(1)
	for {
	}
}

// TestLiveKernel loads filters into the kernel and compares its answers with
// Simulate, call by call, for each way into it. Needs no privilege.
func TestLiveKernel(t *testing.T) {
	entries := []string{"native"}
	if nativeArch() == "amd64" {
		entries = append(entries, "x32", "i386")
	}
	for _, entry := range entries {
		t.Run(entry, func(t *testing.T) {
			if entry == "i386" {
				if out, err := startChild("int80").CombinedOutput(); err != nil {
					t.Skipf("not exercised: int 0x80 (%v %s)", err, firstLine(out))
				}
			}
			for _, profile := range []string{"default", "engine", "ops", "overlap", "deny"} {
				out, err := startChild("sweep " + entry + " " + profile).CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", profile, err, out)
					continue
				}
				t.Logf("%s: %s", profile, firstLine(out))
			}
		})
	}
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
