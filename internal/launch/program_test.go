package launch

import (
	"encoding/binary"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-0dbaba02/carrel/internal/source"
)

// stringAt returns the string that the relocated word at off points to.
func stringAt(t *testing.T, p *Program, off uint64) string {
	t.Helper()
	if !slices.Contains(p.Relocs, uint32(off)) {
		t.Fatalf("the word at %d is no address", off)
	}
	rest := p.Data[binary.LittleEndian.Uint64(p.Data[off:]):]
	return string(rest[:slices.Index(rest, 0)])
}

func TestVector(t *testing.T) {
	for _, in := range [][]string{nil, {""}, {"a"}, {"", "", "b"}, {"a", "bc", "a longer one", "\xff\n"}} {
		var b Builder
		b.Str("odd") // so that nothing is aligned by chance
		a := b.Vector(in)
		if a.Kind != Data || a.Value%8 != 0 {
			t.Fatalf("%q: %+v", in, a)
		}
		for i, want := range in {
			if got := stringAt(t, &b.Program, a.Value+uint64(8*i)); got != want {
				t.Errorf("element %d of %q: %q", i, in, got)
			}
		}
		end := a.Value + uint64(8*len(in))
		if binary.LittleEndian.Uint64(b.Data[end:]) != 0 || slices.Contains(b.Relocs, uint32(end)) || len(b.Data) != int(end)+8 {
			t.Errorf("%q does not end in NULL", in)
		}
	}
}

// TestVectorFirst is the case in which the first string lies at offset 0, whose word looks like NULL.
func TestVectorFirst(t *testing.T) {
	var b Builder
	b.Do(Execve, "", b.Vector([]string{"x"}), b.Vector([]string{"x", "y"}), b.Vector(nil))
	at(&b, Execve).arg(0, Arg{Data, 0})
	if err := Verify(Pair{Setup: &b.Program}); err != nil {
		t.Fatal(err)
	}
	b = Builder{}
	v := b.Vector([]string{"x", "y"})
	b.Do(Execve, "", Arg{Data, 0}, v, b.Vector(nil))
	if text := b.Format(); !strings.Contains(text, "x [2] [0]") {
		t.Errorf("got %q", text)
	}
}

func TestCounted(t *testing.T) {
	var b Builder
	b.Str("odd")
	const raw = "12345678abcdefgh"
	a := b.Counted(2, raw)
	if a.Value%8 != 0 || binary.LittleEndian.Uint64(b.Data[a.Value:]) != 2 || !slices.Contains(b.Relocs, uint32(a.Value+8)) {
		t.Fatalf("%+v, relocations %v", a, b.Relocs)
	}
	body := binary.LittleEndian.Uint64(b.Data[a.Value+8:])
	if body%8 != 0 || string(b.Data[body:body+16]) != raw {
		t.Errorf("the body is at %d: %q", body, b.Data[body:])
	}
}

func TestWordsAndRawAreAligned(t *testing.T) {
	var b Builder
	b.Str("odd")
	w := b.Words(1, ^uint64(0))
	b.Str("x")
	r := b.Raw("raw")
	if w.Value%8 != 0 || r.Value%8 != 0 || binary.LittleEndian.Uint64(b.Data[w.Value+8:]) != ^uint64(0) || string(b.Data[r.Value:]) != "raw" {
		t.Errorf("%v %v in %q", w, r, b.Data)
	}
	if b.Str("s").Kind != Data || b.Data[len(b.Data)-1] != 0 {
		t.Error("a string has no NUL")
	}
}

func TestArguments(t *testing.T) {
	var b Builder
	o := b.Do(Openat2, "", I(-100), H(3), S(31), Arg{Data, 9}, I(uint32(7)), I(uint64(1)<<63))
	for i, want := range []Arg{{Imm, ^uint64(99)}, {Host, 3}, {Slot, 31}, {Data, 9}, {Imm, 7}, {Imm, 1 << 63}} {
		if got := o.Arg(i); got != want {
			t.Errorf("argument %d: got %+v, want %+v", i, got, want)
		}
	}
	if o.Out != NoSlot || o.Okay != 0 {
		t.Errorf("a new op has a result or an accepted errno: %+v", o)
	}
	if o.To(4).Out != 4 || o.Accept(syscall.EEXIST).Okay != syscall.EEXIST {
		t.Errorf("%+v", o)
	}
}

// TestOrigins holds that every op knows who asked, with memory that was handed over and without.
func TestOrigins(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		var b Builder
		if reuse {
			b.Reuse(make([]Op, 5), make([]byte, 3), make([]source.Origin, 2))
		}
		b.Do(Umask, "", I(0))
		b.Asked(source.Flag("ro"))
		b.Do(Umask, "", I(0))
		b.Asked(source.Flag("ro"))
		b.Do(Umask, "", I(0))
		b.Asked(source.Origin{Input: "p.yaml", Line: 3})
		b.Do(Umask, "", I(0))
		b.Asked(source.Origin{})
		b.Do(Umask, "", I(0))
		for i, want := range []string{"", "--ro", "--ro", "p.yaml:3", ""} {
			if got := b.From(i).String(); got != want {
				t.Errorf("reuse %v: op %d comes from %q, want %q", reuse, i, got, want)
			}
		}
		if len(b.Origins) != 3 {
			t.Errorf("origins %v", b.Origins)
		}
	}
}

func TestFormat(t *testing.T) {
	var b Builder
	b.Do(Openat, "/a b", I(-100), b.Str("a\nb"), I(0x80000), I(0o644)).To(3)
	b.Do(Write, "", S(3), b.Raw("hello"), I(5))
	b.Do(Mkdirat, "/x", I(-100), b.Str("x"), I(0o755)).Accept(syscall.EEXIST)
	b.Asked(source.Flag("tmpfs"))
	b.Do(Mount, "/x", b.Str("tmpfs"), b.Str(""), I(0), I(6), b.Str("size=1k"))
	b.Do(Prctl, "odd\x1bname", I(38), I(1), I(0), I(0), I(0))
	b.Do(Prlimit, "", I(0), I(7), b.Words(1, 2), I(0))
	b.Do(Sync, "", I(1), H(HostReport))
	b.Do(Setns, "", H(HostFirst+1), I(0x40000000))
	b.Do(Seccomp, "", I(1), I(0), b.Counted(2, "0123456789abcdef"))
	b.Do(Execve, "", b.Str("/bin/sh"), b.Vector([]string{"sh", "-c", "secret"}), b.Vector(nil))
	want := `  0 openat cwd "a\nb" 0x80000 0644 -> $3                        # /a b
  1 write $3 hello 5
  2 mkdirat cwd x 0755 or errno 17                              # /x
  3 mount tmpfs "" - 0x6 size=1k                                # /x  [--tmpfs]
  4 prctl NO_NEW_PRIVS 0x1 0x0 0x0 0x0                          # "odd\x1bname"  [--tmpfs]
  5 prlimit 0 nofile {0x1 0x2} -                                # ""  [--tmpfs]
  6 sync 1                                                      # ""  [--tmpfs]
  7 setns host:1 0x40000000                                     # ""  [--tmpfs]
  8 seccomp 1 0x0 {2 instructions}                              # ""  [--tmpfs]
  9 execve /bin/sh [3] [0]                                      # ""  [--tmpfs]
`
	if got := b.Format(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
