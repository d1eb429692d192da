package launch

import (
	"strings"
	"testing"
)

// good returns a pair that Verify accepts and that uses most of what a program can: the cases below each spoil one thing.
func good() (setup, payload *Builder) {
	setup, payload = &Builder{}, &Builder{}
	setup.Do(Openat, "", I(-100), setup.Str("/"), I(0), I(0)).To(0)
	setup.Do(Spawn, "").To(1)
	setup.Do(Post, "", I(0))
	setup.Do(Wait, "", I(1))
	setup.Do(Dup3, "", H(HostStatus), I(0), I(0))
	setup.Do(Commit, "")
	setup.Do(Execveat, "", H(HostInit), setup.Str(""), setup.Vector([]string{"init"}), setup.Vector(nil), I(0x1000))
	payload.Do(Fchdir, "", S(0))
	payload.Do(Wait, "", I(0))
	payload.Do(Post, "", I(1))
	payload.Do(Umask, "", I(0)).To(Slots - 1)
	payload.Do(Await, "")
	payload.Do(Seccomp, "", I(1), I(0), payload.Counted(1, "\x06\x00\x00\x00\x00\x00\xff\x7f"))
	payload.Do(Execve, "", payload.Str("/bin/true"), payload.Vector([]string{"true", "x"}), payload.Vector(nil))
	return setup, payload
}

func TestVerifyAccepts(t *testing.T) {
	s, p := good()
	if err := Verify(Pair{&s.Program, &p.Program, HostFirst}); err != nil {
		t.Fatal(err)
	}
	var one Builder
	one.Do(Prctl, "", I(38), I(1), I(0), I(0), I(0))
	one.Do(Ioctl, "", I(0), I(0x540e), I(0))
	one.Do(Ioctl, "", I(0), I(0x8914), one.Words(0, 0, 0, 0, 0))
	one.Do(Setgroups, "", I(2), one.Raw("\x01\x00\x00\x00\x02\x00\x00\x00"))
	one.Do(LandlockCreateRuleset, "", one.Words(1, 2), I(16), I(0))
	one.Do(RtSigprocmask, "", I(2), one.Words(0), I(0), I(8))
	one.Do(Execve, "", one.Str("x"), one.Vector(nil), one.Vector(nil))
	if err := Verify(Pair{Setup: &one.Program}); err != nil {
		t.Fatal(err)
	}
}

// wrong is one thing that Verify must refuse, and the words in which it does.
type wrong struct {
	name  string
	want  string
	spoil func(s, p *Builder)
}

func at(b *Builder, c Call) *Op {
	for i := range b.Ops {
		if b.Ops[i].Call == c {
			return &b.Ops[i]
		}
	}
	panic("the good pair has no " + c.String())
}

// arg replaces an argument.
func (o *Op) arg(k int, a Arg) {
	o.Args[k] = a.Value
	o.kinds = o.kinds&^(3<<(2*k)) | uint16(a.Kind)<<(2*k)
}

// before puts an op in front of the first one of a kind.
func before(b *Builder, c Call, op Op) {
	for i := range b.Ops {
		if b.Ops[i].Call == c {
			b.Ops = append(b.Ops[:i], append([]Op{op}, b.Ops[i:]...)...)
			return
		}
	}
	panic("the good pair has no " + c.String())
}

func remove(b *Builder, c Call) {
	for i := range b.Ops {
		if b.Ops[i].Call == c {
			b.Ops = append(b.Ops[:i], b.Ops[i+1:]...)
			return
		}
	}
}

func op(c Call, args ...Arg) Op {
	var b Builder
	return *b.Do(c, "", args...)
}

var wrongs = []wrong{
	{"offset outside the data", "outside", func(s, _ *Builder) { at(s, Openat).arg(1, Arg{Data, 1 << 40}) }},
	{"offset at the end of the data", "outside", func(s, _ *Builder) { at(s, Openat).arg(1, Arg{Data, uint64(len(s.Data))}) }},
	{"string without an end", "no end", func(s, _ *Builder) {
		s.Data = append(s.Data, "abc"...)
		at(s, Openat).arg(1, Arg{Data, uint64(len(s.Data) - 3)})
	}},
	{"buffer longer than the data", "not all in", func(s, _ *Builder) { before(s, Spawn, op(Write, S(0), s.Str("abc"), I(1000))) }},
	{"buffer of a size that is read from a slot", "immediate", func(s, _ *Builder) { before(s, Spawn, op(Write, S(0), s.Str("abc"), S(0))) }},
	{"structure cut off", "not all in", func(s, _ *Builder) {
		before(s, Spawn, op(MountSetattr, I(-100), s.Str("."), I(0), s.Words(0, 0, 0), I(32)))
	}},
	{"mask that the kernel would write past the data", "not all in", func(s, _ *Builder) {
		before(s, Spawn, op(RtSigprocmask, I(0), I(0), s.Str(""), I(8)))
	}},
	{"limit that the kernel would write past the data", "not all in", func(s, _ *Builder) {
		before(s, Spawn, op(Prlimit, I(0), I(0), I(0), s.Words(0)))
	}},
	{"ids longer than the data", "not all in", func(s, _ *Builder) { before(s, Spawn, op(Setgroups, I(3), s.Words(0))) }},
	{"ids without end", "65536", func(s, _ *Builder) { before(s, Spawn, op(Setgroups, I(uint64(1)<<63), s.Words(0))) }},
	{"ruleset longer than the data", "not all in", func(s, _ *Builder) { before(s, Spawn, op(LandlockCreateRuleset, s.Words(0), I(16), I(0))) }},
	{"address that is not in the data", "not in the data", func(s, _ *Builder) { at(s, Openat).arg(1, I(0xc000000000)) }},
	{"address from a slot", "not in the data", func(_, p *Builder) { before(p, Wait, op(Chdir, S(0))) }},
	{"address from the host", "not in the data", func(s, _ *Builder) { before(s, Spawn, op(Chdir, H(0))) }},
	{"address for a number", "place of a number", func(s, _ *Builder) { before(s, Spawn, op(Close, Arg{Data, 0})) }},
	{"address behind the arguments", "place of a number", func(s, _ *Builder) { at(s, Openat).arg(5, Arg{Data, 0}) }},
	{"ioctl that nobody knows", "ioctl", func(s, _ *Builder) { before(s, Spawn, op(Ioctl, S(0), I(0x5413), s.Words(0))) }},
	{"ioctl with an address that is a number", "mixed up", func(s, _ *Builder) { before(s, Spawn, op(Ioctl, S(0), I(0x8914), I(4096))) }},
	{"ioctl with a number that is an address", "mixed up", func(s, _ *Builder) { before(s, Spawn, op(Ioctl, S(0), I(0x540e), s.Words(0))) }},
	{"ioctl structure cut off", "not all in", func(s, _ *Builder) { before(s, Spawn, op(Ioctl, S(0), I(0x8914), s.Words(0, 0, 0, 0))) }},
	{"prctl that writes to an address", "no such prctl request", func(s, _ *Builder) { before(s, Spawn, op(Prctl, I(2), I(4096))) }},
	{"fcntl that writes to an address", "no such fcntl request", func(s, _ *Builder) { before(s, Spawn, op(Fcntl, S(0), I(5), I(4096))) }},
	{"stage that ends the launch", "no such sync request", func(s, _ *Builder) { before(s, Spawn, op(Sync, I(0), H(0))) }},
	{"stage that nobody can let pass", "no such sync request", func(s, _ *Builder) { before(s, Spawn, op(Sync, I(256), H(0))) }},
	{"signals let through while init waits for them", "signals blocked", func(s, _ *Builder) {
		before(s, Spawn, op(RtSigprocmask, I(2), s.Words(0), I(0), I(8)))
	}},
	{"vector without NULL", "array has no end", func(_, p *Builder) {
		o := at(p, Execve)
		p.align()
		o.arg(2, Arg{Data, uint64(len(p.Data))})
		p.pointer(0)
	}},
	{"vector with a number in it", "no address", func(_, p *Builder) { at(p, Execve).arg(1, p.Words(77, 0)) }},
	{"vector off the grid", "aligned", func(_, p *Builder) { at(p, Execve).arg(1, Arg{Data, 1}) }},
	{"vector of a string without an end", "no end", func(_, p *Builder) {
		o := at(p, Execve)
		p.align()
		o.arg(1, Arg{Data, uint64(len(p.Data))})
		p.pointer(uint64(len(p.Data)) + 16)
		p.Words(0)
		p.Data = append(p.Data, 'x')
	}},
	{"filter without an address", "no address", func(_, p *Builder) { at(p, Seccomp).arg(2, p.Words(1, 0)) }},
	{"filter longer than the data", "not all in", func(_, p *Builder) { at(p, Seccomp).arg(2, p.Counted(60000, "12345678")) }},
	{"slot that was never set", "before it is set", func(s, _ *Builder) { before(s, Spawn, op(Close, S(5))) }},
	{"slot that is set later", "before it is set", func(s, _ *Builder) { before(s, Openat, op(Close, S(0))) }},
	{"slot that does not exist", "before it is set", func(s, _ *Builder) { before(s, Spawn, op(Close, S(Slots+1))) }},
	{"slot of the payload read by the set-up", "before it is set", func(s, _ *Builder) { before(s, Commit, op(Close, S(Slots-1))) }},
	{"slot that the set-up sets after the spawn", "before it is set", func(s, p *Builder) {
		before(s, Post, *(&Op{Call: Umask}).To(3))
		before(p, Await, op(Close, S(3)))
	}},
	{"slot of the other program written by the set-up", "not this program's", func(s, _ *Builder) { at(s, Openat).To(Slots / 2) }},
	{"slot of the other program written by the payload", "not this program's", func(_, p *Builder) { at(p, Umask).To(0) }},
	{"slot outside all", "not this program's", func(_, p *Builder) { at(p, Umask).To(Slots) }},
	{"slot where the interpreter reads none", "cannot be read from a slot", func(s, _ *Builder) {
		before(s, Spawn, op(Fsconfig, S(0), I(0), I(0), I(0), S(0)))
	}},
	{"slot where a pseudo call reads none", "cannot be read from a slot", func(s, _ *Builder) {
		before(s, Spawn, op(PathBeneath, S(0), S(0), S(0)))
	}},
	{"host value out of range", "host value", func(s, _ *Builder) { at(s, Dup3).arg(0, H(HostFirst)) }},
	{"missing execve", "not execve", func(_, p *Builder) { remove(p, Execve) }},
	{"missing execveat", "not execve", func(s, _ *Builder) { remove(s, Execveat) }},
	{"op after execve", "follows", func(_, p *Builder) { p.Do(Umask, "", I(0)) }},
	{"second execve", "follows", func(s, _ *Builder) { s.Ops = append(s.Ops, *at(s, Execveat)) }},
	{"no set-up ops", "exactly one spawn", func(s, _ *Builder) { s.Ops = nil }},
	{"no payload ops", "one await", func(_, p *Builder) { p.Ops = nil }},
	{"no call", "no such call", func(s, _ *Builder) { before(s, Spawn, op(None)) }},
	{"call that does not exist", "no such call", func(s, _ *Builder) { before(s, Spawn, op(numCalls)) }},
	{"privileged op after the filter", "after the seccomp filter", func(_, p *Builder) { before(p, Execve, op(Setresuid, I(0), I(0), I(0))) }},
	{"await after the filter", "after the seccomp filter", func(_, p *Builder) { remove(p, Await); before(p, Execve, op(Await)) }},
	{"second filter that the first may refuse", "after the seccomp filter", func(_, p *Builder) { before(p, Execve, op(Prctl, I(38), I(1))) }},
	{"relocation outside the data", "relocation", func(s, _ *Builder) { s.Relocs = append(s.Relocs, uint32(len(s.Data)&^7)) }},
	{"relocation off the grid", "relocation", func(s, _ *Builder) { s.Words(0, 0); s.Relocs = append(s.Relocs, uint32(len(s.Data)-12)) }},
	{"relocation to outside the data", "relocation", func(s, _ *Builder) { s.align(); s.pointer(1 << 30) }},
	{"relocation twice", "ascending", func(_, p *Builder) { p.Relocs = append(p.Relocs, p.Relocs[len(p.Relocs)-1]) }},
	{"spawn twice", "exactly one spawn", func(s, _ *Builder) { before(s, Commit, op(Spawn)) }},
	{"no spawn", "exactly one spawn", func(s, _ *Builder) { remove(s, Spawn) }},
	{"no commit", "one commit and one await", func(s, _ *Builder) { remove(s, Commit) }},
	{"commit twice", "one commit and one await", func(s, _ *Builder) { before(s, Execveat, op(Commit)) }},
	{"no await", "one commit and one await", func(_, p *Builder) { remove(p, Await) }},
	{"await in the set-up", "await in a set-up", func(s, _ *Builder) { before(s, Commit, op(Await)) }},
	{"spawn in the payload", "spawn in a payload", func(_, p *Builder) { before(p, Wait, op(Spawn)) }},
	{"wait without a post", "not posted once", func(s, _ *Builder) { remove(s, Post) }},
	{"post without a wait", "not posted once", func(_, p *Builder) { remove(p, Wait) }},
	{"post twice", "not posted once", func(s, _ *Builder) { before(s, Wait, op(Post, I(0))) }},
	{"wait twice", "not posted once", func(_, p *Builder) { before(p, Wait, op(Wait, I(0))) }},
	{"post to itself", "not posted once", func(s, _ *Builder) { before(s, Wait, op(Post, I(2))); before(s, Commit, op(Wait, I(2))) }},
	{"flag that does not exist", "no such flag", func(s, _ *Builder) { at(s, Post).arg(0, I(Flags)) }},
	{"flag from a slot", "no such flag", func(s, _ *Builder) { at(s, Post).arg(0, S(0)) }},
	{"each waits for the other", "for ever", func(s, _ *Builder) { remove(s, Post); before(s, Dup3, op(Post, I(0))) }},
	{"the payload posts only after the end", "for ever", func(_, p *Builder) { remove(p, Post); before(p, Seccomp, op(Post, I(1))) }},
	{"the set-up waits for a payload that is not born", "for ever", func(s, _ *Builder) { remove(s, Wait); before(s, Spawn, op(Wait, I(1))) }},
}

func TestVerifyRejects(t *testing.T) {
	for _, w := range wrongs {
		s, p := good()
		w.spoil(s, p)
		err := Verify(Pair{&s.Program, &p.Program, HostFirst})
		if err == nil || !strings.Contains(err.Error(), w.want) {
			t.Errorf("%s: got %v, want %q", w.name, err, w.want)
		}
	}
}

func TestVerifyRejectsPairs(t *testing.T) {
	s, p := good()
	var plain Builder
	plain.Do(Execve, "", plain.Str("x"), plain.Vector(nil), plain.Vector(nil))
	many := &Program{Ops: make([]Op, MaxOps+1)}
	for _, c := range []struct {
		name, want string
		pair       Pair
	}{
		{"nothing", "no set-up program", Pair{}},
		{"payload alone", "no set-up program", Pair{Payload: &p.Program}},
		{"spawn without a payload", "spawn without a payload", Pair{Setup: &s.Program, Hosts: HostFirst}},
		{"payload without a spawn", "exactly one spawn", Pair{&plain.Program, &p.Program, HostFirst}},
		{"no ops", "no ops", Pair{Setup: &Program{}}},
		{"too many ops", "more than", Pair{Setup: many}},
	} {
		if err := Verify(c.pair); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestVerifyNamesTheOp holds that an error says which op is wrong, counted as the text form counts.
func TestVerifyNamesTheOp(t *testing.T) {
	var b Builder
	b.Do(Umask, "", I(0))
	b.Do(Close, "", S(1))
	b.Do(Execve, "", b.Str("x"), b.Vector(nil), b.Vector(nil))
	err := Verify(Pair{Setup: &b.Program})
	if e, ok := err.(*VerifyError); !ok || e.Op != 1 || e.Error() != "launch program: op 1: argument 0 reads slot 1 before it is set" {
		t.Errorf("got %v", err)
	}
}
