// Package plan holds what the compiler hands to the supervisor: the launch programs for the child and a short list of things
// that the parent does on the host before, during and after. A plan is data: it can be printed and compared, and it makes
// no system call.
package plan

import (
	"strconv"

	"github.com/seed-0dbaba02/carrel/internal/launch"
	"github.com/seed-0dbaba02/carrel/internal/source"
)

// Plan is one sandbox start, decided.
type Plan struct {
	Programs launch.Pair
	Clone    uint64 // CLONE_NEW* flags of the first clone
	NoInit   bool   // the set-up program ends in the user's program
	Reaper   bool   // the set-up process becomes a reaper outside the pid namespace and needs the payload's pidfd
	Fork     bool   // the child must not share the caller's memory
	Descs    []Desc // descriptors to open, in the order of their host values
	IDMap    *IDMap // written by the parent at stage StageIDs; nil when the child writes its own
	PTY      PTY
	Gate     bool    // the payload waits before its exec until the parent has looked at it
	Layers   []Layer // what was asked and how it will be enforced, for the receipt
	Warnings []source.Warning
	KeepFDs  []int // descriptors of the caller that the program keeps
}

// The stages at which a child waits for its parent.
const (
	StageIDs  = 1 // id maps and id-mapped mounts
	StagePTY  = 2 // the terminal's other end is ready in a slot
	StageGate = 3 // announced only: the payload is about to load its filter and wait at the gate
)

// DescKind says how the parent gets a descriptor.
type DescKind uint8

// The kinds of descriptor.
const (
	DescNamespace DescKind = iota // an existing namespace, opened for setns(2); Path, CloneFlag
	DescTree                      // a detached, id-mapped copy of a mount tree; Path, Attr; made at StageIDs
	DescTerminal                  // the program's side of a pty of the host
)

// Desc is one descriptor that the parent opens for the child.
type Desc struct {
	Kind      DescKind
	Path      string
	PID       int    // DescNamespace: of the process to join, instead of Path
	NS        string // DescNamespace: the namespace's name
	CloneFlag uint64 // DescNamespace: the kind that it must be
	Attr      uint64 // DescTree: MOUNT_ATTR_* to set
	File      bool   // DescTree: the source is not a directory
	From      source.Origin
}

// IDMap is what the parent writes for the child's user namespace.
type IDMap struct {
	UID, GID  []IDLine
	Helper    bool   // by newuidmap(1) and newgidmap(1) instead of directly
	UIDHelper string // absolute paths
	GIDHelper string
	From      source.Origin
}

// IDLine is one line of a map.
type IDLine struct {
	Inside  int `json:"inside"`
	Outside int `json:"outside"`
	Count   int `json:"count"`
}

// PTY says how the program's terminal comes about.
type PTY struct {
	Want  bool
	Slot  int     // set-up slot that holds the master when it is made in the child; -1 when the parent makes it
	Host  int     // host value that holds the terminal's side when the parent makes it
	Stdio [3]bool // which of 0 to 2 the terminal replaces
}

// MapText returns the lines as uid_map and gid_map take them (user_namespaces(7)).
func MapText(lines []IDLine) string {
	var b []byte
	for _, l := range lines {
		b = strconv.AppendInt(b, int64(l.Inside), 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(l.Outside), 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(l.Count), 10)
		b = append(b, '\n')
	}
	return string(b)
}

// Layer is one row of the receipt: what was asked, and how it is enforced.
type Layer struct {
	Name     string        `json:"layer"`              // namespace.pid, mount, capabilities, seccomp, …
	Asked    string        `json:"asked"`              // in words
	How      string        `json:"how"`                // kernel mechanism, in words
	Degraded string        `json:"degraded,omitempty"` // why it is weaker than asked, with --best-effort
	From     source.Origin `json:"-"`
	Shows    string        `json:"shows,omitempty"` // what the kernel shows; filled in while the child waits
}
