package spec

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/source"
)

// Key is the annotation that holds Ext as a JSON object.
const Key = "dev.carrel.v1"

// Doc is an OCI runtime-spec with carrel's annotation beside it and the origin of what it asks for.
type Doc struct {
	OCI  *specs.Spec
	Ext  Ext
	From Origins
}

// Origins says who asked for what. It is not part of the printed document.
type Origins struct {
	Mounts []source.Origin // one for each element of OCI.Mounts
	Fields [NumFields]source.Origin
}

// Field names one part of the document that an op can come from.
type Field uint8

// The parts of a document.
const (
	FieldNamespaces Field = iota
	FieldIDs
	FieldRootfs
	FieldWorkdir
	FieldHostname
	FieldDomainname
	FieldTime
	FieldLoopback
	FieldCapabilities
	FieldNoNewPrivs
	FieldSeccomp
	FieldLandlock
	FieldRlimits
	FieldProgram
	FieldTerminal
	FieldFDs
	NumFields
)

// RootKind says what the program sees as its root directory.
type RootKind string

// The kinds of root.
const (
	RootFresh RootKind = "fresh" // an empty tmpfs, filled by mounts and entries, read-only in the end
	RootDir   RootKind = "dir"   // OCI root.path, a directory that its owner may have made hostile
	RootHost  RootKind = "host"  // the caller's own root, with mounts laid over it
)

// Ext is what OCI lacks.
type Ext struct {
	Preset        string   `json:"preset,omitempty"`            // the preset that the document started from; only told, never acted on
	Root          RootKind `json:"root"`                        // what "/" is
	Entries       []Entry  `json:"entries,omitempty"`           // symbolic links, directories, files and hidden paths
	Init          bool     `json:"init,omitempty"`              // process 1 of a new pid namespace is carrel's init, not the program
	Loopback      bool     `json:"loopback,omitempty"`          // bring lo up in a new network namespace
	Landlock      Landlock `json:"landlock,omitempty"`          // the second layer over the same file policy
	Seccomp       string   `json:"seccomp,omitempty"`           // a shipped profile by name, printed as linux.seccomp
	LockCaps      bool     `json:"lockCaps,omitempty"`          // securebits locked, so that no exec gives capabilities back
	NewSession    bool     `json:"newSession,omitempty"`        // setsid(2)
	CloseFDs      bool     `json:"closeFDs,omitempty"`          // only 0 to 2 and FDs stay open
	FDs           []int    `json:"fds,omitempty"`               // descriptors above 2 that the program keeps, at their numbers
	IDs           IDs      `json:"ids,omitempty"`               // how ids inside relate to ids on the host
	BestEffort    bool     `json:"bestEffort,omitempty"`        // go on without a layer that the host cannot give, and say so
	AllowHostRoot bool     `json:"allowHostRoot,omitempty"`     // the host's uid 0 may be inside
	DieWithParent bool     `json:"dieWithParent,omitempty"`     // SIGKILL for the sandbox when its supervisor dies
	Program       string   `json:"program,omitempty"`           // path of the program inside, found by looking args[0] up; empty: args[0] itself
	Gate          bool     `json:"gate,omitempty"`              // the program waits before its exec while a receipt is written
	Grants        []string `json:"grants,omitempty"`            // mount targets that the user granted by name; id-mapped when the caller is root
	Optional      []string `json:"optional,omitempty"`          // mount targets that a rootfs may lack
	MaxUserNS     *int     `json:"maxUserNamespaces,omitempty"` // user namespaces that may be made inside
}

// IDs says how the new user namespace's ids are mapped. The zero value means as OCI's mappings say.
type IDs struct {
	Mode      string `json:"mode,omitempty"`      // "self", "range" or ""
	Setgroups string `json:"setgroups,omitempty"` // "deny", "clear" or "" (leave)
}

// The values of IDs.Mode.
const (
	IDSelf   = "self"   // one id, written by the child itself: needs no privilege
	IDRange  = "range"  // ranges, written by a privileged parent
	IDHelper = "helper" // ranges from /etc/subuid, written by newuidmap(1) and newgidmap(1)
)

// Landlock asks for a ruleset derived from the mounts. The zero value asks for none.
type Landlock struct {
	Enable bool `json:"enable,omitempty"`
	Scopes bool `json:"scopes,omitempty"` // signals and abstract sockets stay inside, where the kernel can (ABI 6)
}

// EntryKind is the kind of an Entry.
type EntryKind string

// The kinds of entry that OCI mounts cannot express.
const (
	EntrySymlink EntryKind = "symlink"
	EntryDir     EntryKind = "dir"
	EntryFile    EntryKind = "file"
	EntryHide    EntryKind = "hide"
)

// Entry is one step of building the root that is not a mount. Steps run in the order given: an entry comes before
// mount number At.
type Entry struct {
	At     int           `json:"at"`
	Kind   EntryKind     `json:"kind"`
	Path   string        `json:"path"`             // where, as the program sees it; absolute and clean
	Target string        `json:"target,omitempty"` // of a symlink
	Data   string        `json:"data,omitempty"`   // content of a file
	Mode   uint32        `json:"mode,omitempty"`   // permissions of a directory or file
	From   source.Origin `json:"-"`
}

// Origin returns who asked for a part of the document.
func (d *Doc) Origin(f Field) source.Origin { return d.From.Fields[f] }

// MountOrigin returns who asked for mount i.
func (d *Doc) MountOrigin(i int) source.Origin {
	if i < len(d.From.Mounts) {
		return d.From.Mounts[i]
	}
	return source.Origin{}
}
