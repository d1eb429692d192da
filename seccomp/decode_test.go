package seccomp

import (
	"strings"
	"testing"
)

var golden = []struct{ name, arch, profile, want string }{
	{"three calls", "amd64", `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
			{"names":["read","write","exit_group"],"action":"SCMP_ACT_ALLOW"}]}`, `
   0  load arch
   1  if == 0xc000003e goto 3 else 2
   2  ret SCMP_ACT_KILL_PROCESS
   3  load nr
   4  if >= 0xe7 goto 7 else 5
   5  if >= 0x2 goto 6 else 8
   6  ret SCMP_ACT_ERRNO(1)
   7  if >= 0xe8 goto 9 else 8
   8  ret SCMP_ACT_ALLOW
   9  ret SCMP_ACT_ERRNO(38)
`},
	{"a list of denials on two ABIs", "amd64", `{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"syscalls":[
			{"names":["mmap"],"action":"SCMP_ACT_LOG","args":[{"index":2,"op":"SCMP_CMP_MASKED_EQ","value":4,"valueTwo":4}]},
			{"names":["kill"],"action":"SCMP_ACT_TRACE","errnoRet":9,"args":[{"index":0,"op":"SCMP_CMP_GT","value":5}]}]}`, `
   0  load arch
   1  if == 0xc000003e goto 7 else 2
   2  if == 0x40000003 goto 3 else 19
   3  load nr
   4  if >= 0x26 goto 6 else 5
   5  if == 0x25 goto 15 else 20
   6  if == 0x5a goto 11 else 20
   7  load nr
   8  if >= 0x40000000 goto 18 else 9
   9  if >= 0xa goto 14 else 10
  10  if == 0x9 goto 11 else 20
  11  load args[2].low
  12  if & 0x4 goto 13 else 20
  13  ret SCMP_ACT_LOG
  14  if == 0x3e goto 15 else 20
  15  load args[0].low
  16  if > 0x5 goto 17 else 20
  17  ret SCMP_ACT_TRACE(9)
  18  if >= 0xffffffff goto 20 else 19
  19  ret SCMP_ACT_KILL_PROCESS
  20  ret SCMP_ACT_ALLOW
`},
	{"wide argument", "arm64", `{"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[
			{"names":["mmap"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"op":"SCMP_CMP_LT","value":4294967296},{"index":0,"op":"SCMP_CMP_EQ","value":4096}]},
			{"names":["mmap"],"action":"SCMP_ACT_NOTIFY","args":[{"index":0,"op":"SCMP_CMP_EQ","value":8192}]}]}`, `
   0  load arch
   1  if == 0xc00000b7 goto 2 else 15
   2  load nr
   3  if == 0xde goto 4 else 15
   4  load args[0].high
   5  if == 0x0 goto 6 else 15
   6  load args[0].low
   7  if == 0x2000 goto 16 else 8
   8  if == 0x1000 goto 9 else 15
   9  load args[1].high
  10  if > 0x1 goto 15 else 11
  11  if == 0x1 goto 12 else 14
  12  load args[1].low
  13  if >= 0x0 goto 15 else 14
  14  ret SCMP_ACT_ALLOW
  15  ret SCMP_ACT_KILL_PROCESS
  16  ret SCMP_ACT_NOTIFY
`},
}

// TestDecode compares small profiles with the programs that they must become,
// instruction by instruction.
func TestDecode(t *testing.T) {
	for _, c := range golden {
		p, _, err := Parse([]byte(c.profile))
		if err != nil {
			t.Fatal(err)
		}
		f, err := Compile(p, Target{Arch: c.arch})
		if err != nil {
			t.Fatal(err)
		}
		if have := Decode(f.Insns); have != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s: have\n%s", c.name, have)
		}
	}
}
