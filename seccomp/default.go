package seccomp

import (
	_ "embed" // for the directives below
	"sync"
)

//go:embed profiles/default.json
var defaultJSON string

//go:embed profiles/default_amd64.bpf
var defaultAmd64 string

//go:embed profiles/default_arm64.bpf
var defaultArm64 string

// DefaultJSON is the text of the default profile, as Parse reads it.
func DefaultJSON() string { return defaultJSON }

// DefaultFilter is the default profile compiled for a native architecture
// ("amd64", "arm64"), no capabilities and the newest kernel that the tables
// know: an array of struct sock_filter, ready for the kernel. Nothing is parsed
// or compiled at run time. It is false for any other architecture.
func DefaultFilter(arch string) (string, bool) {
	switch arch {
	case "amd64":
		return defaultAmd64, true
	case "arm64":
		return defaultArm64, true
	}
	return "", false
}

var (
	defaultOnce    sync.Once
	defaultProfile *Profile
)

// DefaultProfile is the default profile, parsed on first use. The caller must
// not change it.
func DefaultProfile() *Profile {
	defaultOnce.Do(func() {
		p, _, err := Parse([]byte(defaultJSON))
		if err != nil {
			panic("seccomp: the built-in profile is broken: " + err.Error())
		}
		defaultProfile = p
	})
	return defaultProfile
}
