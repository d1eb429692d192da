// Package host learns what this machine and this caller can do, once, and hands it on as plain data.
//
// [Facts] are what the compiler needs for one start: cheap to read, printable as JSON, and an argument of a pure function,
// so that goldens can be made for hosts that are not at hand. What takes longer, and the reasons and fixes behind a
// refusal, are in [Examine] and [Diagnose]. The package changes nothing on the host.
package host

// Facts describe the host as far as compiling a document needs it.
type Facts struct {
	Arch        string     `json:"arch"`              // as GOARCH
	Kernel      Version    `json:"kernel"`            // of the running kernel
	UID         int        `json:"uid"`               // effective
	GID         int        `json:"gid"`               // effective
	Groups      []int      `json:"groups"`            // supplementary
	HostRoot    bool       `json:"hostRoot"`          // uid 0 of the initial user namespace: what is granted to it is granted to root
	LastCap     int        `json:"lastCap"`           // highest capability number that the kernel knows
	LandlockABI int        `json:"landlockABI"`       // 0: none
	TimeNS      bool       `json:"timeNS"`            // time namespaces exist
	Rlimits     [16]Rlimit `json:"rlimits"`           // by RLIMIT_ number
	SubUIDs     []Range    `json:"subUIDs,omitempty"` // the caller's ranges in /etc/subuid; read only when asked for
	SubGIDs     []Range    `json:"subGIDs,omitempty"`
	NewUIDMap   string     `json:"newuidmap,omitempty"` // absolute path of a root-owned newuidmap(1), "" where there is none
	NewGIDMap   string     `json:"newgidmap,omitempty"`
	Terminals   [3]bool    `json:"terminals"`       // which of descriptors 0 to 2 are terminals
	Paths       []Path     `json:"paths,omitempty"` // what was found at the paths that compile.Wants named, sorted as asked
}

// Version is a kernel version; the patch level never decides anything.
type Version struct {
	Major int `json:"major"`
	Minor int `json:"minor"`
}

// Less reports whether v is older than major.minor.
func (v Version) Less(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}

// Rlimit is one resource limit; ^0 means unlimited.
type Rlimit struct {
	Soft uint64 `json:"soft"`
	Hard uint64 `json:"hard"`
}

// Range is one line of /etc/subuid or /etc/subgid.
type Range struct {
	First int `json:"first"`
	Count int `json:"count"`
}

// Kind is what a path is.
type Kind uint8

// The kinds of path.
const (
	Missing Kind = iota
	Directory
	Regular
	Symlink // the path itself is a symbolic link
	Device  // character or block device
	Other   // FIFO or socket
)

// Path is what was found at a path of the host or inside a rootfs.
type Path struct {
	Root      string   `json:"root,omitempty"`      // the rootfs within which Name was looked up, "" for the host
	Name      string   `json:"name"`                // absolute
	Kind      Kind     `json:"kind"`                // of Name itself, links not followed
	Real      string   `json:"real,omitempty"`      // the path without links; differs from Name only for followed links
	Target    string   `json:"target,omitempty"`    // of a symbolic link
	To        Kind     `json:"to"`                  // of Real
	Exec      bool     `json:"exec,omitempty"`      // Real is executable by the caller
	Err       int      `json:"err,omitempty"`       // errno other than ENOENT and ENOTDIR that looking met, for instance EACCES
	Untrusted string   `json:"untrusted,omitempty"` // a link on the way that a program may have planted: not followed
	Names     []string `json:"names,omitempty"`     // entries of a directory, where they were asked for
}

// Find returns what was found at a path within a rootfs ("" for the host), or nil when nobody asked.
func (f *Facts) Find(root, name string) *Path {
	for i := range f.Paths {
		if f.Paths[i].Name == name && f.Paths[i].Root == root {
			return &f.Paths[i]
		}
	}
	return nil
}
