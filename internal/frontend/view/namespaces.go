package view

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// Positions in linux.Namespaces.
const (
	nsUser = iota
	nsMount
	nsPID
	nsNet
	nsIPC
	nsUTS
	nsCgroup
	nsTime
)

type nsState uint8

const (
	nsShared nsState = iota
	nsNew
	nsJoined
)

// namespaces says of each namespace whether it is shared, new or joined.
type namespaces [len(linux.Namespaces)]struct {
	state nsState
	path  string // of a joined one
	from  source.Origin
}

func nsIndex(name string) int {
	for i := range linux.Namespaces {
		if linux.Namespaces[i].Name == name {
			return i
		}
	}
	return -1
}

func (b *builder) namespaces() error {
	if err := b.chooseNamespaces(); err != nil {
		return err
	}
	if err := b.joinNamespaces(); err != nil {
		return err
	}
	b.implyNamespaces()
	if err := b.needUserNamespace(); err != nil {
		return err
	}
	list := make([]specs.LinuxNamespace, 0, len(b.ns))
	for i := range b.ns {
		if b.ns[i].state != nsShared {
			list = append(list, specs.LinuxNamespace{Type: specs.LinuxNamespaceType(linux.Namespaces[i].OCI), Path: b.ns[i].path})
		}
	}
	b.linux.Namespaces = list
	b.field(spec.FieldNamespaces, "share", "ns", "join")
	b.doc.Ext.Init = b.ns[nsPID].state == nsNew
	b.doc.Ext.Loopback = b.ns[nsNet].state == nsNew
	if b.ns[nsMount].state != nsShared {
		b.linux.RootfsPropagation = "rprivate"
	}
	return nil
}

func (b *builder) chooseNamespaces() error {
	for i := range b.ns {
		b.ns[i].from = b.origin("")
		if !b.preset.open {
			b.ns[i].state = nsNew
		}
	}
	for _, name := range b.p.Share {
		if i := nsIndex(name); i >= 0 {
			b.ns[i].state, b.ns[i].from = nsShared, b.origin("share")
		}
	}
	for _, name := range b.p.NS {
		i := nsIndex(name)
		if i < 0 {
			continue
		}
		if holds(b.p.Share, name) {
			return &source.Error{From: b.origin("ns"), Text: "make namespace " + name + ": it is also shared", Hint: "name it once"}
		}
		b.ns[i].state, b.ns[i].from = nsNew, b.origin("ns")
	}
	return nil
}

func (b *builder) joinNamespaces() error {
	for _, j := range b.p.Join {
		i := nsIndex(j.NS)
		if i < 0 {
			continue
		}
		if holds(b.p.Share, j.NS) || holds(b.p.NS, j.NS) {
			return &source.Error{From: j.From, Text: "join namespace " + j.NS + ": it is also shared or made new", Hint: "name it once"}
		}
		path := j.Path
		if j.PID > 0 {
			path = "/proc/" + strconv.Itoa(j.PID) + "/ns/" + linux.ProcName(j.NS)
		} else if path = b.absolute(path); path == "" {
			return &source.Error{From: j.From, Text: "join namespace " + j.NS + ": the path is empty"}
		}
		if at := b.look("", path); at.Kind == host.Missing || at.Err != 0 {
			e := &source.Error{From: j.From, Text: "join namespace " + j.NS + ": " + path + ": " + why(&at)}
			if j.PID > 0 && at.Kind == host.Missing {
				e.Hint = "is there a process " + strconv.Itoa(j.PID) + "?"
			}
			return e
		}
		b.ns[i].state, b.ns[i].path, b.ns[i].from = nsJoined, path, j.From
	}
	return nil
}

// implyNamespaces makes the namespaces without which something that was asked for would change the host itself. Only a
// preset that makes none needs it.
func (b *builder) implyNamespaces() {
	if !b.preset.open {
		return
	}
	p := b.p
	b.imply(nsMount, len(p.FS) > 0 || p.Rootfs != "", "a file system of its own needs one")
	b.imply(nsUTS, p.Hostname != "" || p.Domainname != "", "a name of its own needs one")
	b.imply(nsTime, p.BoottimeOffset != nil || p.MonotonicOffset != nil, "a clock offset needs one")
	b.imply(nsUser, p.UID != nil || p.GID != nil || isTrue(p.Subids) || p.RootRange != nil, "ids of its own need one")
	made := 0
	for i := range b.ns {
		if b.ns[i].state == nsNew {
			made++
		}
	}
	b.imply(nsUser, made > 0 && b.env.Facts.UID != 0, "an ordinary user may make the others only inside one")
}

func (b *builder) imply(i int, when bool, because string) {
	name := linux.Namespaces[i].Name
	if !when || b.ns[i].state != nsShared || holds(b.p.Share, name) {
		return
	}
	b.ns[i].state, b.ns[i].from = nsNew, b.origin("ns")
	b.warn(b.ns[i].from, "a "+name+" namespace is added, because "+because)
}

// needUserNamespace refuses what can only fail: an ordinary user who shares the user namespace and wants others.
func (b *builder) needUserNamespace() error {
	if b.env.Facts.UID == 0 || b.ns[nsUser].state != nsShared {
		return nil
	}
	for i := range b.ns {
		if b.ns[i].state == nsNew {
			return &source.Error{From: b.origin("share"), Text: "share namespace user: an ordinary user may make the " + linux.Namespaces[i].Name +
				" namespace only inside a user namespace of its own", Hint: "share it too, or do not share user"}
		}
	}
	return nil
}

func holds(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}
