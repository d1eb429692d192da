package policy

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
)

// The readers of single values are the same for a flag and for a key, so that both spell everything alike. Their errors say
// what is wrong with the value; the caller adds where it stood.

// Presets lists the names of the presets, the default first.
var Presets = [...]string{"strict", "judge", "dev", "none"}

// IsPreset reports whether a word names a preset.
func IsPreset(word string) bool {
	for _, p := range Presets {
		if p == word {
			return true
		}
	}
	return false
}

// ParsePreset checks the name of a preset.
func ParsePreset(word string) (string, error) {
	if IsPreset(word) {
		return word, nil
	}
	return "", unknown("preset", word, len(Presets), func(i int) string { return Presets[i] })
}

// ParseNamespaces reads a list such as "net,ipc"; "all" stands for all eight. "mnt" and "network" are understood.
func ParseNamespaces(list string) ([]string, error) {
	if list == "all" {
		return allNamespaces(), nil
	}
	var names []string
	for word := range strings.SplitSeq(list, ",") {
		name, err := parseNamespace(word)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func allNamespaces() []string {
	names := make([]string, 0, len(linux.Namespaces))
	for i := range linux.Namespaces {
		names = append(names, linux.Namespaces[i].Name)
	}
	return names
}

func parseNamespace(word string) (string, error) {
	for i := range linux.Namespaces {
		n := &linux.Namespaces[i]
		if word == n.Name || word == n.OCI || word == linux.ProcName(n.Name) {
			return n.Name, nil
		}
	}
	return "", unknown("namespace", word, len(linux.Namespaces), func(i int) string { return linux.Namespaces[i].Name })
}

// ParseJoin reads "net=/run/netns/x", "pid=1234" or, for several namespaces of one process, "net,mount=1234".
func ParseJoin(value string) ([]Join, error) {
	list, where, ok := strings.Cut(value, "=")
	if !ok {
		return nil, errors.New("want NAMESPACE=PATH or NAMESPACE=PID, for instance net=/run/netns/blue")
	}
	names, err := ParseNamespaces(list)
	if err != nil {
		return nil, err
	}
	return joins(names, where)
}

func joins(names []string, where string) ([]Join, error) {
	pid := 0
	if digits(where) {
		n, err := strconv.Atoi(where)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return nil, errors.New("process id " + where + " is out of range")
		}
		pid = n
	} else if where == "" {
		return nil, errors.New("names no path and no process id")
	} else if len(names) > 1 {
		return nil, errors.New("one path cannot be several namespaces; give each its own, or a process id")
	}
	var out []Join
	for _, n := range names {
		j := Join{NS: n, PID: pid}
		if pid == 0 {
			j.Path = where
		}
		out = append(out, j)
	}
	return out, nil
}

// ParseID reads a user or group id, 0 to 4294967294 (the highest number means "no id" to the kernel).
func ParseID(value string) (int, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n == math.MaxUint32 || !digits(value) {
		return 0, errors.New(strconv.Quote(value) + " is not a number from 0 to 4294967294")
	}
	return int(n), nil
}

// ParseFD reads the number of a descriptor above 2.
func ParseFD(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 3 || n > 1<<20 || !digits(value) {
		return 0, errors.New(strconv.Quote(value) + " is not a descriptor number from 3 to 1048576 (0 to 2 are always passed)")
	}
	return n, nil
}

// ParseRange reads FIRST:COUNT, a range of host ids.
func ParseRange(value string) (Range, error) {
	first, count, ok := strings.Cut(value, ":")
	f, err := ParseID(first)
	n, err2 := ParseID(count)
	if !ok || err != nil || err2 != nil || n == 0 || f+n > math.MaxUint32 {
		return Range{}, errors.New(strconv.Quote(value) + " is not FIRST:COUNT, for instance 100000:65536")
	}
	return Range{First: f, Count: n}, nil
}

// ParseBool reads true or false, and nothing else.
func ParseBool(value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New(strconv.Quote(value) + " is neither true nor false")
}

// ParseCapability returns a capability in the lower-case form of capabilities(7) without "cap_", or "all".
func ParseCapability(word string) (string, error) {
	if word == "all" {
		return word, nil
	}
	if n := linux.Capability(word); n >= 0 {
		return linux.Capabilities[n], nil
	}
	low := strings.TrimPrefix(strings.ToLower(word), "cap_")
	return "", unknown("capability", low, len(linux.Capabilities), func(i int) string { return linux.Capabilities[i] })
}

// ParseTTY reads auto, always or never.
func ParseTTY(word string) (string, error) {
	switch word {
	case "auto", "always", "never":
		return word, nil
	}
	return "", errors.New(strconv.Quote(word) + " is none of auto, always, never")
}

// ParseVarName checks the name of an environment variable: not empty, no "=", no NUL.
func ParseVarName(name string) (string, error) {
	if name == "" || strings.IndexByte(name, '=') >= 0 || strings.IndexByte(name, 0) >= 0 {
		return "", errors.New(strconv.Quote(name) + " is no name of a variable")
	}
	return name, nil
}

// ParseHostname checks a host or domain name: 1 to 64 bytes (sethostname(2)), no NUL, no slash, no white space.
func ParseHostname(name string) (string, error) {
	if name == "" || len(name) > 64 {
		return "", errors.New("a name has 1 to 64 bytes")
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] == '/' || name[i] == 0x7f {
			return "", errors.New(strconv.Quote(name) + " is no host name")
		}
	}
	return name, nil
}

// ParsePath checks a path: not empty, no NUL, no longer than the kernel takes (4,095 bytes). Everything else is literal.
func ParsePath(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("the path is empty")
	case len(name) > 4095:
		return "", errors.New("the path is longer than 4095 bytes")
	case strings.IndexByte(name, 0) >= 0:
		return "", errors.New("the path contains a NUL byte")
	}
	return name, nil
}

func unknown(what, word string, n int, known func(int) string) error {
	text := "unknown " + what + " " + strconv.Quote(word)
	if near := source.Nearest(word, n, known); near != "" {
		text += "; nearest is " + near
	}
	return errors.New(text)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
