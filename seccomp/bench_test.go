package seccomp

import "testing"

// BenchmarkCompile compiles the largest profile here for three ABIs.
func BenchmarkCompile(b *testing.B) {
	p := engineProfile(b)
	for b.Loop() {
		if _, err := Compile(p, Target{Arch: "amd64", Caps: dockerCaps()}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParse reads the same profile.
func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, _, err := Parse([]byte(defaultJSON)); err != nil {
			b.Fatal(err)
		}
	}
}
