package landlock

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestTable holds what each ABI knows against testdata/abi.golden, which is there to be read beside landlock(7).
func TestTable(t *testing.T) {
	text := ""
	for abi := 0; abi <= Newest; abi++ {
		a := At(abi)
		full, missing := Downgrade(everything(), abi)
		text += "abi " + strconv.Itoa(abi) + " linux " + a.Kernel + " attr " + strconv.Itoa(len(full.Attr(abi))) + "\n" + full.String()
		for _, m := range missing {
			safety := "not weaker"
			if m.Weaker {
				safety = "weaker"
			}
			text += "missing " + m.Name + " (abi " + strconv.Itoa(m.ABI) + ", linux " + m.Kernel + ", " + safety + "): " + m.Effect + "\n"
		}
		text += "\n"
	}
	const golden = "testdata/abi.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("the table differs from %s (-update writes it):\n%s", golden, text)
	}
}

func everything() Ruleset {
	a := abis[Newest]
	return Ruleset{HandledFS: a.FS, HandledNet: a.Net, Scoped: a.Scoped, Flags: a.Flags, Rules: []Rule{
		{"/usr", ReadOnly}, {"/work", ReadWrite}, {"/dev/null", ReadWriteFile}, {"/new\nline", ReadOnlyFile}, {"/only", IoctlDev},
	}}
}

// TestNumbers compares each bit with golang.org/x/sys, which takes them from the kernel's header.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		name       string
		have, want uint64
	}{
		{"execute", uint64(Execute), unix.LANDLOCK_ACCESS_FS_EXECUTE},
		{"write_file", uint64(WriteFile), unix.LANDLOCK_ACCESS_FS_WRITE_FILE},
		{"read_file", uint64(ReadFile), unix.LANDLOCK_ACCESS_FS_READ_FILE},
		{"read_dir", uint64(ReadDir), unix.LANDLOCK_ACCESS_FS_READ_DIR},
		{"remove_dir", uint64(RemoveDir), unix.LANDLOCK_ACCESS_FS_REMOVE_DIR},
		{"remove_file", uint64(RemoveFile), unix.LANDLOCK_ACCESS_FS_REMOVE_FILE},
		{"make_char", uint64(MakeChar), unix.LANDLOCK_ACCESS_FS_MAKE_CHAR},
		{"make_dir", uint64(MakeDir), unix.LANDLOCK_ACCESS_FS_MAKE_DIR},
		{"make_reg", uint64(MakeReg), unix.LANDLOCK_ACCESS_FS_MAKE_REG},
		{"make_sock", uint64(MakeSock), unix.LANDLOCK_ACCESS_FS_MAKE_SOCK},
		{"make_fifo", uint64(MakeFIFO), unix.LANDLOCK_ACCESS_FS_MAKE_FIFO},
		{"make_block", uint64(MakeBlock), unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK},
		{"make_sym", uint64(MakeSym), unix.LANDLOCK_ACCESS_FS_MAKE_SYM},
		{"refer", uint64(Refer), unix.LANDLOCK_ACCESS_FS_REFER},
		{"truncate", uint64(Truncate), unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{"ioctl_dev", uint64(IoctlDev), unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
		{"resolve_unix", uint64(ResolveUnix), unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX},
		{"bind_tcp", uint64(BindTCP), unix.LANDLOCK_ACCESS_NET_BIND_TCP},
		{"connect_tcp", uint64(ConnectTCP), unix.LANDLOCK_ACCESS_NET_CONNECT_TCP},
		{"bind_udp", uint64(BindUDP), unix.LANDLOCK_ACCESS_NET_BIND_UDP},
		{"connect_send_udp", uint64(ConnectSendUDP), unix.LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP},
		{"abstract_unix_socket", uint64(ScopeAbstractUnixSocket), unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET},
		{"signal", uint64(ScopeSignal), unix.LANDLOCK_SCOPE_SIGNAL},
		{"log_same_exec_off", uint64(LogSameExecOff), unix.LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF},
		{"log_new_exec_on", uint64(LogNewExecOn), unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON},
		{"log_subdomains_off", uint64(LogSubdomainsOff), unix.LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF},
		{"tsync", uint64(TSync), unix.LANDLOCK_RESTRICT_SELF_TSYNC},
		{"version", CreateVersion, unix.LANDLOCK_CREATE_RULESET_VERSION},
		{"path beneath", RulePathBeneath, unix.LANDLOCK_RULE_PATH_BENEATH},
		{"create_ruleset", SysCreateRuleset, unix.SYS_LANDLOCK_CREATE_RULESET},
		{"add_rule", SysAddRule, unix.SYS_LANDLOCK_ADD_RULE},
		{"restrict_self", SysRestrictSelf, unix.SYS_LANDLOCK_RESTRICT_SELF},
	} {
		if c.have != c.want {
			t.Errorf("%s is %#x, the kernel's is %#x", c.name, c.have, c.want)
		}
	}
}

func TestDowngradeKeepsItsArgument(t *testing.T) {
	r := everything()
	before := r.String()
	Downgrade(r, 1)
	if r.String() != before {
		t.Errorf("was:\n%s\nis:\n%s", before, r)
	}
}

func TestVersionsOnlyAdd(t *testing.T) {
	for i := 1; i <= Newest; i++ {
		a, b := abis[i-1], abis[i]
		if a.FS&^b.FS != 0 || a.Net&^b.Net != 0 || a.Scoped&^b.Scoped != 0 || a.Flags&^b.Flags != 0 || a.Size > b.Size {
			t.Errorf("abi %d lacks something of abi %d", i, i-1)
		}
	}
	if At(-1) != At(0) || At(Newest+5) != At(Newest) {
		t.Error("an abi outside the table is not treated as the nearest")
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for i := range fsNames {
		a := AccessFS(1<<i) | Execute
		if back, unknown := ParseFS(a.String()); back != a || unknown != "" {
			t.Errorf("%s read back as %s, unknown %q", a, back, unknown)
		}
	}
	if s := AccessFS(1<<40 | 1).String(); s != "execute,bit_40" {
		t.Errorf("an unknown bit prints as %q", s)
	}
	if _, unknown := ParseFS("execute,fly,read_file"); unknown != "fly" {
		t.Errorf("unknown name: %q", unknown)
	}
	if set, unknown := ParseFS("none"); set != 0 || unknown != "" {
		t.Errorf("none read as %s, unknown %q", set, unknown)
	}
}

func TestPathBeneath(t *testing.T) {
	b := PathBeneath(Execute|ResolveUnix, -2)
	want := [PathBeneathSize]byte{1, 0, 1, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff}
	if b != want {
		t.Errorf("got % x, want % x", b, want)
	}
}
