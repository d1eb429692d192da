package compile

import (
	"strconv"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// program writes what the payload does between its birth and its exec. Where there is no separate payload it is the end of
// the set-up program.
func (c *compiler) program(b *launch.Builder) error {
	proc := c.doc.OCI.Process
	if err := c.privileged(); err != nil {
		return err
	}
	c.stdio(b)
	if c.rootIn || proc.Cwd != "" {
		b.Asked(c.doc.Origin(spec.FieldWorkdir))
		b.Do(launch.Chdir, "working directory "+workdir(proc), b.Str(workdir(proc)))
	}
	if err := c.landlock(b); err != nil {
		return err
	}
	if err := c.rlimits(b); err != nil { // late: a low limit of descriptors would get in Landlock's way
		return err
	}
	c.descriptors(b)
	b.Asked(source.Origin{})
	b.Do(launch.RtSigprocmask, "no signals blocked", launch.I(sigSetmask), b.Words(0), launch.I(0), launch.I(8))
	if b == &c.u {
		b.Do(launch.Await, "process 1")
	}
	if c.p.Gate {
		b.Do(launch.Sync, "the receipt", launch.I(plan.StageGate), launch.H(launch.HostReport), launch.I(1))
	}
	if err := c.filter(b); err != nil {
		return err
	}
	if c.p.Gate {
		b.Do(launch.Gate, "the receipt")
	}
	b.Asked(c.doc.Origin(spec.FieldProgram))
	path := c.doc.Ext.Program
	if path == "" {
		path = proc.Args[0]
	}
	b.Do(launch.Execve, path, b.Str(path), b.Vector(proc.Args), b.Vector(proc.Env))
	return nil
}

// privileged refuses what the kernel would: without no_new_privs, Landlock and seccomp need CAP_SYS_ADMIN, which is gone by
// then.
func (c *compiler) privileged() error {
	p := c.doc.OCI.Process
	filtered := c.doc.Ext.Seccomp != "" || c.doc.OCI.Linux != nil && c.doc.OCI.Linux.Seccomp != nil
	if p.NoNewPrivileges || p.Capabilities == nil || contains(p.Capabilities.Effective, "CAP_SYS_ADMIN") || !c.doc.Ext.Landlock.Enable && !filtered {
		return nil
	}
	return &source.Error{From: c.doc.Origin(spec.FieldNoNewPrivs), Text: "allow new privileges: the kernel takes Landlock rules and seccomp filters only together with no_new_privs", Hint: "add --no-landlock --seccomp none, or keep no_new_privs"}
}

func workdir(p *specs.Process) string {
	if p.Cwd == "" {
		return "/"
	}
	return p.Cwd
}

// descriptors closes at exec what the program was not given.
func (c *compiler) descriptors(b *launch.Builder) {
	if !c.doc.Ext.CloseFDs {
		return
	}
	b.Asked(c.doc.Origin(spec.FieldFDs))
	b.Do(launch.CloseRange, "descriptors", launch.I(3), launch.I(uint64(^uint32(0))), launch.I(closeRangeCloexec))
	for _, fd := range c.doc.Ext.FDs {
		if fd > 2 {
			b.Do(launch.Fcntl, "descriptor "+strconv.Itoa(fd), launch.I(fd), launch.I(syscall.F_SETFD), launch.I(0))
		}
	}
	asked := "0 to 2"
	for _, fd := range c.doc.Ext.FDs {
		asked += ", " + strconv.Itoa(fd)
	}
	c.layer("descriptors", asked, "close_range(2)", c.doc.Origin(spec.FieldFDs))
}

// rlimits sets what prlimit(2) can.
func (c *compiler) rlimits(b *launch.Builder) error {
	for i := range c.doc.OCI.Process.Rlimits {
		r := &c.doc.OCI.Process.Rlimits[i]
		n := linux.Rlimit(r.Type)
		from := c.doc.Origin(spec.FieldRlimits)
		if n < 0 {
			return &source.Error{From: from, Text: "set limit " + r.Type + ": no such limit"}
		}
		if r.Soft > r.Hard {
			return &source.Error{From: from, Text: "set limit " + linux.Rlimits[n] + ": the soft limit is above the hard one"}
		}
		b.Asked(from)
		b.Do(launch.Prlimit, "limit "+linux.Rlimits[n], launch.I(0), launch.I(n), b.Words(r.Soft, r.Hard), launch.I(0))
		c.layer("limit."+linux.Rlimits[n], limitWords(r.Soft), "prlimit(2)", from)
	}
	return nil
}

func limitWords(v uint64) string {
	if v == linux.RlimInfinity {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

// securebits: no exec by uid 0 and no change of uid gives capabilities, none can be kept over one, none raised; all locked.
const securebits = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80

// capabilities leaves exactly the named ones.
func (c *compiler) capabilities(b *launch.Builder) error {
	caps := c.doc.OCI.Process.Capabilities
	if caps == nil {
		return nil
	}
	from := c.doc.Origin(spec.FieldCapabilities)
	b.Asked(from)
	var sets [5]uint64 // bounding, permitted, effective, inheritable, ambient
	for i, list := range [5][]string{caps.Bounding, caps.Permitted, caps.Effective, caps.Inheritable, caps.Ambient} {
		for _, name := range list {
			n := linux.Capability(name)
			if n < 0 {
				return &source.Error{From: from, Text: "keep capability " + name + ": no such capability"}
			}
			if n <= c.f.LastCap {
				sets[i] |= 1 << n
			}
		}
	}
	for n := 0; n <= c.f.LastCap; n++ {
		if sets[0]&(1<<n) == 0 {
			b.Do(launch.Prctl, capName(n)+" from the bounding set", launch.I(prCapbsetDrop), launch.I(n))
		}
	}
	const setpcap = 1 << 8
	header := b.Words(capabilityVersion3)
	if sets[4] != 0 {
		c.capset(b, header, sets[1]|setpcap, sets[2]|setpcap, sets[3])
		for n := 0; n <= c.f.LastCap; n++ {
			if sets[4]&(1<<n) != 0 {
				b.Do(launch.Prctl, capName(n)+" into the ambient set", launch.I(prCapAmbient), launch.I(prCapAmbientRaise), launch.I(n), launch.I(0), launch.I(0))
			}
		}
	} else {
		b.Do(launch.Prctl, "the ambient set", launch.I(prCapAmbient), launch.I(prCapAmbientClear), launch.I(0), launch.I(0), launch.I(0))
	}
	how := "bounding set, capset(2)"
	if c.doc.Ext.LockCaps {
		b.Do(launch.Prctl, "securebits", launch.I(prSetSecurebits), launch.I(securebits), launch.I(0), launch.I(0), launch.I(0))
		how += ", securebits locked"
	}
	c.capset(b, header, sets[1], sets[2], sets[3])
	asked := "none"
	if sets[1] != 0 {
		asked = capWords(sets[1])
	}
	c.layer("capabilities", asked, how, from)
	return nil
}

func (c *compiler) capset(b *launch.Builder, header launch.Arg, permitted, effective, inheritable uint64) {
	low := func(v uint64) uint64 { return v & 0xffffffff }
	b.Do(launch.Capset, "capabilities", header, b.Words(low(effective)|low(permitted)<<32, low(inheritable)|effective>>32<<32, permitted>>32|inheritable>>32<<32))
}

func capName(n int) string {
	if n < len(linux.Capabilities) {
		return linux.Capabilities[n]
	}
	return "capability " + strconv.Itoa(n)
}

func capWords(set uint64) string {
	s := ""
	for n := range 64 {
		if set&(1<<n) != 0 {
			if s != "" {
				s += ", "
			}
			s += capName(n)
		}
	}
	return s
}
