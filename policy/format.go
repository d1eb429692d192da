package policy

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// Format writes a policy as a file that Parse reads back to the same policy, origins apart. A text that YAML cannot hold,
// because it is not UTF-8, is written with U+FFFD in its place; paths stay as they are, so write the file where the paths
// lead where they should.
func Format(p *Policy) []byte {
	w := &writer{}
	w.text("extends", orText(p.Extends, p.Preset))
	w.words("share", p.Share)
	w.words("ns", p.NS)
	w.head("join", len(p.Join))
	for _, j := range p.Join {
		where := quote(j.Path)
		if j.PID > 0 {
			where = strconv.Itoa(j.PID)
		}
		w.line("  " + j.NS + ": " + where)
	}
	w.text("hostname", p.Hostname)
	w.text("domainname", p.Domainname)
	w.offset("boottime-offset", p.BoottimeOffset)
	w.offset("monotonic-offset", p.MonotonicOffset)
	w.number("uid", p.UID)
	w.number("gid", p.GID)
	w.bool("subids", p.Subids)
	if p.RootRange != nil {
		w.line("root-range: " + quote(strconv.Itoa(p.RootRange.First)+":"+strconv.Itoa(p.RootRange.Count)))
	}
	w.bool("allow-host-root", p.AllowHostRoot)
	w.entries(p.FS)
	w.text("rootfs", p.Rootfs)
	w.bool("writable-rootfs", p.WritableRootfs)
	w.text("workdir", p.Workdir)
	w.words("cap-add", p.CapAdd)
	w.text("seccomp", p.Seccomp)
	w.bool("landlock", p.Landlock)
	w.bool("no-new-privs", p.NNP)
	w.limits(p.Rlimits)
	w.head("fd", len(p.FDs))
	for _, fd := range p.FDs {
		w.line("  - " + strconv.Itoa(fd))
	}
	w.env(p.Env)
	w.words("pass-env", p.PassEnv)
	w.text("tty", p.TTY)
	w.bool("best-effort", p.BestEffort)
	return w.out
}

type writer struct{ out []byte }

func (w *writer) line(s string) { w.out = append(append(w.out, s...), '\n') }

func (w *writer) head(word string, n int) {
	if n > 0 {
		w.line(word + ":")
	}
}

func (w *writer) text(word, s string) {
	if s != "" {
		w.line(word + ": " + quote(s))
	}
}

func (w *writer) words(word string, list []string) {
	w.head(word, len(list))
	for _, s := range list {
		w.line("  - " + quote(s))
	}
}

func (w *writer) bool(word string, v *bool) {
	if v != nil {
		w.line(word + ": " + strconv.FormatBool(*v))
	}
}

func (w *writer) number(word string, v *int) {
	if v != nil {
		w.line(word + ": " + strconv.Itoa(*v))
	}
}

func (w *writer) offset(word string, o *Offset) {
	if o != nil {
		w.line(word + ": " + quote(o.String()))
	}
}

func (w *writer) entries(list []Entry) {
	w.head("fs", len(list))
	for i := range list {
		e := &list[i]
		w.line("  - " + string(e.Kind) + ": " + quote(e.Path))
		switch {
		case e.Kind == Symlink:
			w.line("    to: " + quote(e.Source))
		case e.Kind == File:
			w.line("    content: " + quote(e.Data))
		case e.Kind == Tmpfs && e.Size > 0:
			w.line("    size: " + strconv.FormatInt(e.Size, 10))
		case e.Source != "":
			w.line("    from: " + quote(e.Source))
		}
	}
}

// limits writes the last limit of each name: a mapping can hold one.
func (w *writer) limits(list []Rlimit) {
	w.head("limit", len(list))
	for i := range list {
		l := &list[i]
		again := false
		for j := i + 1; j < len(list); j++ {
			again = again || list[j].Name == l.Name
		}
		if again {
			continue
		}
		s := limitText(l.Soft)
		if l.Hard != l.Soft {
			s += ":" + limitText(l.Hard)
		}
		w.line("  " + l.Name + ": " + quote(s))
	}
}

// env writes the last value of each variable.
func (w *writer) env(list []Var) {
	w.head("env", len(list))
	last := make(map[string]int, len(list))
	for i := range list {
		last[list[i].Name] = i
	}
	for i := range list {
		if last[list[i].Name] == i {
			w.line("  " + quote(list[i].Name) + ": " + quote(list[i].Value))
		}
	}
}

func limitText(v uint64) string {
	if v == linux.RlimInfinity || v > math.MaxInt64 {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

// quote writes a text plain where that is safe and in double quotes where it is not.
func quote(s string) string {
	safe := s != "" && plainKind(s) == plainText
	for i := 0; i < len(s) && safe; i++ {
		c := s[i]
		safe = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '.' || c == '_' || c == '-' && i > 0
	}
	if safe {
		return s
	}
	out := []byte{'"'}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c == '\n':
			out = append(out, '\\', 'n')
		case c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c >= 0xfffe && c <= 0xffff:
			hex := strconv.FormatInt(int64(c)+0x10000, 16)
			out = append(append(out, '\\', 'u'), hex[len(hex)-4:]...)
		default:
			out = utf8.AppendRune(out, c)
		}
	}
	return string(append(out, '"'))
}

func orText(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
