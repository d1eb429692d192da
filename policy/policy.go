// Package policy holds the types of a policy file: what one run may see and do, in the same words as carrel's flags.
//
// A policy is data. Parse and Load read it strictly, from a part of YAML that means one thing to every reader: an unknown key
// is an error with its line. The package does not know what the host can do and starts nothing; a front-end turns a policy
// into the OCI document that is compiled and run.
package policy

import "github.com/seed-0dbaba02/carrel/internal/source"

// Policy is what a run was asked to be. The zero value of a field means that nobody asked, so that one policy can be laid
// over another with Merge.
type Policy struct {
	Extends string // preset name (strict, judge, dev, none) or the path of another policy file
	Preset  string // the preset at the bottom of the chain, once resolved

	Share []string // namespaces kept from the caller
	NS    []string // namespaces made on top of a preset that makes none
	Join  []Join   // existing namespaces to enter

	Hostname        string
	Domainname      string
	BoottimeOffset  *Offset
	MonotonicOffset *Offset

	UID           *int  // inside
	GID           *int  // inside
	Subids        *bool // whole ranges from /etc/subuid and /etc/subgid
	RootRange     *Range
	AllowHostRoot *bool

	FS             []Entry // in the order given; later wins
	Rootfs         string
	WritableRootfs *bool
	Workdir        string

	CapAdd   []string
	Seccomp  string // profile name, file, or "none"
	Landlock *bool
	NNP      *bool // no_new_privs

	Rlimits []Rlimit

	FDs     []int
	Env     []Var
	PassEnv []string
	TTY     string // "auto", "always" or "never"

	BestEffort *bool

	From Origins
}

// Origins says which flag or line set a field; keyed by the field's word as in flags ("hostname", "cap-add", …).
type Origins []FieldOrigin

// FieldOrigin is one element of Origins.
type FieldOrigin struct {
	Word string
	From source.Origin
}

// Of returns the origin of a word, or the zero Origin. The last one set wins.
func (o Origins) Of(word string) source.Origin {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Word == word {
			return o[i].From
		}
	}
	return source.Origin{}
}

// Join names an existing namespace by a path (a file below /proc/PID/ns or a bind of one) or by the pid of a process in it.
type Join struct {
	NS   string // user, mount, pid, net, ipc, uts, cgroup or time
	Path string // set, or
	PID  int    // set
	From source.Origin
}

// Offset is a time namespace's clock offset.
type Offset struct {
	Seconds int64
	Nanos   uint32 // 0 to 999,999,999
}

// Range is a range of host ids.
type Range struct {
	First int
	Count int
}

// Kind is the kind of a file system entry.
type Kind string

// The kinds of entry, as flags and keys spell them.
const (
	RO      Kind = "ro"      // bind, read-only
	RW      Kind = "rw"      // bind, writable
	Tmpfs   Kind = "tmpfs"   // empty, in memory
	Dev     Kind = "dev"     // a device node of the host
	Symlink Kind = "symlink" // a symbolic link
	Dir     Kind = "dir"     // an empty directory
	File    Kind = "file"    // a file with given content
	Hide    Kind = "hide"    // neither readable nor creatable
	Proc    Kind = "proc"    // a proc file system of the pid namespace
	Sys     Kind = "sys"     // the host's /sys, read-only
)

// Entry is one step of building what the program sees.
type Entry struct {
	Kind   Kind
	Path   string // where, as the program sees it
	Source string // host path of ro, rw and dev; target of a symlink; empty: the same as Path
	Data   string // content of a file
	Size   int64  // bytes of a tmpfs; 0: the preset's
	From   source.Origin
}

// Rlimit sets a soft and a hard limit; ^0 means unlimited.
type Rlimit struct {
	Name string // as in prlimit(1): nofile, nproc, core, …
	Soft uint64
	Hard uint64
	From source.Origin
}

// Var is one environment variable.
type Var struct {
	Name  string
	Value string
}
