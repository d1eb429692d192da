package seccomp

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestTables checks what find and last rely on.
func TestTables(t *testing.T) {
	for _, f := range families {
		for _, a := range f {
			for i := range a.calls {
				if i > 0 && a.calls[i-1].name >= a.calls[i].name {
					t.Errorf("%s: %s is out of order", a.scmp, a.calls[i].name)
				}
				if c := a.find(a.calls[i].name); c != &a.calls[i] {
					t.Errorf("%s: %s is not found", a.scmp, a.calls[i].name)
				}
			}
			if a.find("") != nil || a.find("zzz") != nil || a.find("openat3") != nil {
				t.Errorf("%s: a name that is not there is found", a.scmp)
			}
			for _, v := range []struct {
				kernel Version
				last   uint32
			}{{Version{5, 4}, 435}, {Version{5, 10}, 440}, {Version{6, 1}, 450}, {Version{6, 12}, 462}, {Version{6, 17}, 469}, {Version{7, 0}, 471}, {Version{}, 471}} {
				want := v.last
				if a == &abiX32 {
					want = 547
				}
				if have := a.last(v.kernel); have != want {
					t.Errorf("%s: the last call of %v is %d, want %d", a.scmp, v.kernel, have, want)
				}
			}
		}
	}
}

// TestHeaders compares the tables with the kernel headers that the machine has.
// The headers may be older; what they have must agree.
func TestHeaders(t *testing.T) {
	for path, a := range map[string]*abi{"unistd_64.h": &abiX8664, "unistd_32.h": &abiI386, "unistd_x32.h": &abiX32} {
		data, err := os.ReadFile("/usr/include/x86_64-linux-gnu/asm/" + path)
		if err != nil {
			t.Skipf("not exercised: %s (package linux-libc-dev on x86_64)", path)
		}
		n := 0
		for _, line := range strings.Split(string(data), "\n") {
			rest, ok := strings.CutPrefix(line, "#define __NR_")
			if !ok {
				continue
			}
			name, number, _ := strings.Cut(rest, " ")
			number = strings.TrimSuffix(strings.TrimPrefix(number, "(__X32_SYSCALL_BIT + "), ")")
			nr, err := strconv.ParseUint(number, 10, 32)
			if err != nil {
				t.Errorf("%s: %s: %v", path, line, err)
				continue
			}
			n++
			if c := a.find(name); c == nil || c.nr != uint32(nr) {
				t.Errorf("%s: %s is %d, the table has %+v", path, name, nr, c)
			}
		}
		if n < 300 {
			t.Errorf("%s: only %d numbers", path, n)
		}
	}
}

// TestNames checks that no profile in the tree names a call that no table has.
func TestNames(t *testing.T) {
	if warnings := DefaultProfile().unknownNames(); len(warnings) > 0 {
		t.Errorf("default.json: %v", warnings)
	}
	for i, n := range errnoNames {
		if v, ok := errnoByName(n); n != "" && (!ok || int(v) != i) {
			t.Errorf("%s is %d, not %d", n, i, v)
		}
	}
}
