package compile

import (
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/plan"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// Room is memory that a one-shot command hands over so that its only plan needs little heap. The zero Room works too.
type Room struct {
	Setup, Payload []launch.Op
	Data           [2][]byte
	Origins        [2][]source.Origin
}

// The slots of the set-up program.
const (
	slotRoot = iota
	slotSource
	slotTarget
	slotFS
	slotMaster
	slotTerminal
	slotPayload
	slotOld
	slotInside
	slotScratch
)

// The slots of the payload program.
const (
	slotRuleset = launch.Slots/2 + iota
	slotPath
)

// Numbers of the kernel's interfaces that the ops use.
const (
	atFDCWD     = ^uint64(99)
	atEmptyPath = 0x1000
	atRecursive = 0x8000

	oCloexec  = syscall.O_CLOEXEC
	oPath     = 0x200000
	oNofollow = syscall.O_NOFOLLOW
	oNoctty   = syscall.O_NOCTTY

	resolveNoMagiclinks = 0x02
	resolveNoSymlinks   = 0x04
	resolveInRoot       = 0x10

	openTreeClone        = 1
	openTreeCloexec      = oCloexec
	moveMountFromEmpty   = 0x04
	moveMountToEmpty     = 0x40
	fsconfigFlag         = 0
	fsconfigString       = 1
	fsconfigCreate       = 6
	attrRDONLY           = 0x1
	attrNOSUID           = 0x2
	attrNODEV            = 0x4
	attrNOEXEC           = 0x8
	attrNOATIME          = 0x10
	attrNOSYMFOLLOW      = 0x200000
	sizeMountAttr        = 32
	sizeOpenHow          = 24
	closeRangeCloexec    = 4
	mntDetach            = 2
	sigSetmask           = 2
	prSetPdeathsig       = 1
	prSetDumpable        = 4
	prCapbsetDrop        = 24
	prSetSecurebits      = 28
	prSetNoNewPrivs      = 38
	prCapAmbient         = 47
	prCapAmbientRaise    = 2
	prCapAmbientClear    = 4
	capabilityVersion3   = 0x20080522
	seccompModeFilter    = 1
	ioctlTIOCSCTTY       = 0x540e
	ioctlTIOCSPGRP       = 0x5410
	ioctlTIOCSPTLCK      = 0x40045431
	ioctlTIOCGPTPEER     = 0x5441
	ioctlSIOCSIFFLAGS    = 0x8914
	iffUpRunningLoopback = 0x1 | 0x40 | 0x8
)

// compiler is one compilation in progress.
type compiler struct {
	doc  *spec.Doc
	f    *host.Facts
	p    *plan.Plan
	lay  *layout
	b    launch.Builder // the set-up program
	u    launch.Builder // the payload program; the same as b when there is no separate one
	news uint64         // CLONE_NEW* flags of namespaces that are made
	join uint64         // and of those that are entered

	rootIn                 bool // a new root is being assembled: the working directory is its top
	scratch                bool // the tmpfs for single files exists
	hidden                 bool // and in it the file that stands for hidden ones
	files                  int
	trees                  int
	unshared               uint64 // made by unshare in the child instead of by the clone
	spawned, terminalReady bool
	ownTerminal            bool // it lies in a devpts that the set-up program made
	contained              bool // the new root is the process's root while it is built
	maskedProc             bool // the masks below /proc are in place
	late                   bool // the payload makes the network namespace itself
}

// Compile turns the document into a plan for a host with these facts. An error is a *source.Error that names the layer or
// the path, or a *launch.VerifyError, which is a fault of this package.
func Compile(d *spec.Doc, f *host.Facts, room *Room) (*plan.Plan, error) {
	facts := *f // paths may be added; the caller's stay as they are
	facts.Paths = f.Paths[:len(f.Paths):len(f.Paths)]
	c := &compiler{doc: d, f: &facts, p: &plan.Plan{Gate: d.Ext.Gate}, lay: newLayout(d)}
	if room != nil {
		c.b.Reuse(room.Setup, room.Data[0], room.Origins[0])
		c.u.Reuse(room.Payload, room.Data[1], room.Origins[1])
	}
	if d.OCI == nil || d.OCI.Process == nil || len(d.OCI.Process.Args) == 0 {
		return nil, &source.Error{Text: "compile: the document has no program to run"}
	}
	if f.Kernel.Less(5, 12) {
		return nil, &source.Error{Text: "compile: this kernel is older than 5.12", Hint: "carrel needs mount_setattr(2), openat2(2) and clone3(2)", Host: true}
	}
	steps := [...]func() error{c.namespaces, c.start, c.ids, c.joins, c.spawn, c.mounts, c.terminal, c.spawn, c.finish}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	c.p.Programs.Setup = &c.b.Program
	if !c.p.NoInit {
		c.p.Programs.Payload = &c.u.Program
	}
	c.p.Programs.Hosts = launch.HostFirst + len(c.p.Descs)
	if err := launch.Verify(c.p.Programs); err != nil {
		return nil, err
	}
	return c.p, nil
}

// namespaces decides which namespaces are made and which are entered.
func (c *compiler) namespaces() error {
	l := c.doc.OCI.Linux
	if l == nil {
		l = &specs.Linux{}
	}
	from := c.doc.Origin(spec.FieldNamespaces)
	for i := range l.Namespaces {
		n := &l.Namespaces[i]
		ns := namespace(string(n.Type))
		if ns == nil {
			return &source.Error{From: from, Text: "make namespace " + string(n.Type) + ": no such kind", Hint: "the kinds are user, mount, pid, network, ipc, uts, cgroup and time"}
		}
		if n.Path != "" {
			c.join |= ns.Flag
			c.p.Descs = append(c.p.Descs, plan.Desc{Kind: plan.DescNamespace, Path: n.Path, NS: ns.Name, CloneFlag: ns.Flag, From: from})
			c.layer("namespace."+ns.Name, "enter "+n.Path, "setns(2)", from)
			continue
		}
		if ns.Flag == linux.CloneNewtime && !c.timeReady() {
			if err := c.missing("namespace.time", "make namespace time", c.noTime(), from); err != nil {
				return err
			}
			continue
		}
		c.news |= ns.Flag
		c.layer("namespace."+ns.Name, "a new one", "clone3(2)", from)
	}
	if c.join&linux.CloneNewtime != 0 {
		c.p.Fork = true // setns refuses a time namespace to a process that shares its memory
	}
	c.p.Clone = c.news
	if c.join&linux.CloneNewtime != 0 && c.news&linux.CloneNewuser != 0 {
		return &source.Error{From: from, Text: "enter namespace time: after a new user namespace is made, the kernel does not let a process enter it", Hint: "join the user namespace that owns it too, or keep the caller's with --share user"}
	}
	if c.join&linux.CloneNewuser != 0 && c.news&linux.CloneNewpid != 0 {
		return &source.Error{From: from, Text: "make namespace pid: a joined user namespace cannot be given a new one by the process that joins it", Hint: "join its pid namespace too, or keep the caller's with --share pid"}
	}
	if c.join&linux.CloneNewuser != 0 {
		c.p.Clone, c.unshared = 0, c.news
	}
	c.p.NoInit = !c.doc.Ext.Init
	if c.late = !c.p.NoInit && c.p.Clone&linux.CloneNewnet != 0 && !c.p.Fork; c.late {
		c.p.Clone &^= linux.CloneNewnet
		for i := range c.p.Layers {
			if c.p.Layers[i].Name == "namespace.net" {
				c.p.Layers[i].How = "unshare(2), by the payload while the root is built"
			}
		}
	}
	c.p.Reaper = c.doc.Ext.Init && c.p.Clone&linux.CloneNewpid == 0
	return nil
}

func (c *compiler) timeReady() bool { return c.f.TimeNS && !c.f.Kernel.Less(6, 1) }

func (c *compiler) noTime() string {
	if !c.f.TimeNS {
		return "this kernel was built without time namespaces"
	}
	return "a kernel before 6.1 does not move a program into its time namespace at exec"
}

// namespace finds a kind by its name in the runtime-spec.
func namespace(oci string) *linux.Namespace {
	for i := range linux.Namespaces {
		if linux.Namespaces[i].OCI == oci {
			return &linux.Namespaces[i]
		}
	}
	return nil
}

// missing is what every layer says that the host cannot give: a refusal, or a degraded layer under best effort.
func (c *compiler) missing(layer, what, why string, from source.Origin) error {
	if !c.doc.Ext.BestEffort {
		return &source.Error{From: from, Text: what + ": " + why, Hint: "leave it out by name (--help says how), or allow a weaker sandbox with --best-effort", Host: true}
	}
	c.p.Layers = append(c.p.Layers, plan.Layer{Name: layer, Asked: what, How: "nothing", Degraded: why, From: from})
	c.p.Warnings = append(c.p.Warnings, source.Warning{From: from, Text: layer + " is missing: " + why})
	return nil
}

func (c *compiler) layer(name, asked, how string, from source.Origin) {
	c.p.Layers = append(c.p.Layers, plan.Layer{Name: name, Asked: asked, How: how, From: from})
}

// start is what the child does before anything else: it must not outlive its supervisor.
func (c *compiler) start() error {
	if !c.doc.Ext.DieWithParent {
		return nil
	}
	c.dieWithParent()
	if c.p.NoInit {
		return nil
	}
	// The parent may have died before the line above. Only it reads the status pipe, so a write tells; the message says
	// "stopped by signal 0", which every reader ignores.
	c.b.Do(launch.Close, "the status pipe", launch.H(launch.HostStatusRead))
	c.b.Do(launch.Write, "the status pipe", launch.H(launch.HostStatus), c.b.Raw("\x7f\x00\x00\x00"), launch.I(4))
	return nil
}

func (c *compiler) dieWithParent() {
	c.b.Do(launch.Prctl, "parent death signal", launch.I(prSetPdeathsig), launch.I(uint64(syscall.SIGKILL)), launch.I(0), launch.I(0), launch.I(0))
}

// The flags by which the two programs wait for each other.
const (
	flagView    = 0 // raised by the set-up program: the new root is in place
	flagNetwork = 1 // raised by the payload: its network namespace is there
)

// spawn starts the payload as soon as ids are settled, so that what only concerns it (a network namespace takes the kernel
// longer than all mounts together) happens while the set-up program builds the root.
func (c *compiler) spawn() error {
	if c.p.NoInit || c.spawned || c.wantTerminal() && !c.terminalReady {
		return nil // a process gets its controlling terminal at birth, so with one of its own it must be born later
	}
	c.spawned = true
	c.b.Asked(source.Origin{})
	c.b.Do(launch.RtSigprocmask, "all signals", launch.I(sigSetmask), c.b.Words(^uint64(0)), launch.I(0), launch.I(8))
	c.b.Do(launch.Spawn, "the program's process").To(slotPayload)
	return c.early(&c.u)
}

// early is what the payload does before it needs the new root.
func (c *compiler) early(b *launch.Builder) error {
	if c.late {
		b.Asked(c.doc.Origin(spec.FieldNamespaces))
		b.Do(launch.Unshare, "network namespace", launch.I(linux.CloneNewnet))
		c.loopback(b)
		b.Asked(source.Origin{})
		b.Do(launch.Post, "network namespace", launch.I(flagNetwork))
	}
	if err := c.capabilities(b); err != nil {
		return err
	}
	if c.doc.OCI.Process.NoNewPrivileges {
		b.Asked(c.doc.Origin(spec.FieldNoNewPrivs))
		b.Do(launch.Prctl, "no_new_privs", launch.I(prSetNoNewPrivs), launch.I(1), launch.I(0), launch.I(0), launch.I(0))
		c.layer("no_new_privs", "no exec gives more rights", "prctl(2)", c.doc.Origin(spec.FieldNoNewPrivs))
	}
	return nil
}

// finish ends the set-up program and writes the rest of the payload program.
func (c *compiler) finish() error {
	b := &c.b
	if c.p.NoInit {
		c.names(b)
		c.loopback(b)
		if err := c.early(b); err != nil {
			return err
		}
		return c.program(b)
	}
	b.Asked(source.Origin{})
	b.Do(launch.Post, "the new root", launch.I(flagView))
	c.u.Asked(source.Origin{})
	c.u.Do(launch.Wait, "the new root", launch.I(flagView))
	if c.rootIn {
		c.dropOldRoot()
	}
	c.names(b)
	if c.late {
		b.Asked(c.doc.Origin(spec.FieldNamespaces))
		b.Do(launch.Wait, "network namespace", launch.I(flagNetwork))
		b.Do(launch.Setns, "network namespace", launch.S(slotPayload), launch.I(linux.CloneNewnet))
	} else {
		c.loopback(b)
	}
	c.becomeInit()
	return c.program(&c.u)
}

// becomeInit ends the set-up process as a few hundred bytes of code that hold nothing. Its capabilities go first, because a
// process that cannot read the file it executes is not dumpable, and so neither readable nor traceable from inside.
func (c *compiler) becomeInit() {
	b := &c.b
	b.Asked(source.Origin{})
	mode := []string{"init"}
	if c.p.Reaper {
		mode = []string{"init", "", "reaper"}
		b.Do(launch.Dup3, "the payload's pidfd", launch.S(slotPayload), launch.I(1), launch.I(0))
	}
	b.Do(launch.Dup3, "the status pipe", launch.H(launch.HostStatus), launch.I(0), launch.I(0))
	last := uint64(len(mode))/3 + 1
	b.Do(launch.CloseRange, "descriptors", launch.I(last), launch.I(uint64(^uint32(0))), launch.I(closeRangeCloexec))
	if c.news&linux.CloneNewuser != 0 {
		b.Do(launch.Prctl, "securebits", launch.I(prSetSecurebits), launch.I(securebits), launch.I(0), launch.I(0), launch.I(0))
		b.Do(launch.Capset, "capabilities", b.Words(capabilityVersion3), b.Words(0, 0, 0))
	}
	b.Do(launch.Commit, "the set-up")
	b.Do(launch.Execveat, "init", launch.H(launch.HostInit), b.Str(""), b.Vector(mode), b.Vector(nil), launch.I(atEmptyPath))
}

// names sets the host name and the domain name of a new UTS namespace.
func (c *compiler) names(b *launch.Builder) {
	if h := c.doc.OCI.Hostname; h != "" {
		b.Asked(c.doc.Origin(spec.FieldHostname))
		b.Do(launch.Sethostname, h, b.Str(h), launch.I(len(h)))
	}
	if h := c.doc.OCI.Domainname; h != "" {
		b.Asked(c.doc.Origin(spec.FieldDomainname))
		b.Do(launch.Setdomainname, h, b.Str(h), launch.I(len(h)))
	}
}

// loopback brings lo up in a new network namespace.
func (c *compiler) loopback(b *launch.Builder) {
	if !c.doc.Ext.Loopback || c.news&linux.CloneNewnet == 0 {
		return
	}
	slot := slotFS
	if b == &c.u {
		slot = slotPath
	}
	b.Asked(c.doc.Origin(spec.FieldLoopback))
	b.Do(launch.Socket, "loopback", launch.I(syscall.AF_INET), launch.I(syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC), launch.I(0)).To(slot)
	b.Do(launch.Ioctl, "loopback up", launch.S(slot), launch.I(ioctlSIOCSIFFLAGS), b.Words(0x6f6c, 0, iffUpRunningLoopback, 0, 0))
	b.Do(launch.Close, "loopback", launch.S(slot))
}
