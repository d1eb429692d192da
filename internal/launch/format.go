package launch

import (
	"strconv"
	"strings"
)

// Format returns the program as text: an op a line, with its result slot, its subject and who asked for it. Runs of the same
// call with the same subject kind are not folded: the text has exactly one line for each op, numbered as errors number them.
func (p *Program) Format() string {
	var b strings.Builder
	for i := range p.Ops {
		p.formatOp(&b, i)
	}
	return b.String()
}

func (p *Program) formatOp(b *strings.Builder, i int) {
	o := &p.Ops[i]
	var line strings.Builder
	n := strconv.Itoa(i)
	line.WriteString(strings.Repeat(" ", max(0, 3-len(n))))
	line.WriteString(n)
	line.WriteByte(' ')
	line.WriteString(o.Call.String())
	sig := calls[o.Call].sig
	for k := range len(sig) {
		line.WriteByte(' ')
		p.formatArg(&line, o, k, sig[k])
	}
	if o.Out != NoSlot {
		line.WriteString(" -> $")
		line.WriteString(strconv.Itoa(int(o.Out)))
	}
	if o.Okay != 0 {
		line.WriteString(" or errno ")
		line.WriteString(strconv.Itoa(int(o.Okay)))
	}
	text := line.String()
	b.WriteString(text)
	from := p.From(i).String()
	if o.Subject != "" || from != "" {
		b.WriteString(strings.Repeat(" ", max(1, 64-len(text))))
		b.WriteString("# ")
		b.WriteString(printable(o.Subject))
		if from != "" {
			b.WriteString("  [" + printable(from) + "]")
		}
	}
	b.WriteByte('\n')
}

// formatArg prints one argument by the letter of its signature.
func (p *Program) formatArg(b *strings.Builder, o *Op, k int, letter byte) {
	a := o.Arg(k)
	switch a.Kind {
	case Slot:
		b.WriteString("$" + strconv.FormatUint(a.Value, 10))
	case Host:
		b.WriteString("host:" + hostName(a.Value))
	case Data:
		p.formatData(b, o, k, letter)
	default:
		formatNumber(b, a.Value, letter)
	}
}

var hostNames = [...]string{"report", "status", "init", "status-read", "socket"}

func hostName(n uint64) string {
	if n < uint64(len(hostNames)) {
		return hostNames[n]
	}
	return strconv.FormatUint(n-HostFirst, 10)
}

func formatNumber(b *strings.Builder, v uint64, letter byte) {
	switch {
	case letter == 'D' && int64(v) == -100:
		b.WriteString("cwd")
	case (isPointer(letter) || letter == 'i') && v == 0:
		b.WriteString("-")
	case letter == 'o':
		b.WriteString("0" + strconv.FormatUint(v, 8))
	case letter == 'P' && prctlName(v) != "":
		b.WriteString(prctlName(v))
	case letter == 'R' && v < 16:
		b.WriteString(rlimitName(v))
	case letter == 'd' || letter == 'D':
		b.WriteString(strconv.FormatInt(int64(v), 10))
	default:
		b.WriteString("0x" + strconv.FormatUint(v, 16))
	}
}

func (p *Program) formatData(b *strings.Builder, o *Op, k int, letter byte) {
	d := p.Data[min(o.Args[k], uint64(len(p.Data))):]
	switch letter {
	case 'p':
		b.WriteString(printable(cString(d)))
	case 'b':
		n := len(d)
		if k < 5 && o.Arg(k+1).Kind == Imm {
			n = int(min(o.Args[k+1], uint64(n)))
		}
		s := printable(string(d[:n]))
		if len(s) > 40 {
			s = s[:36] + "…\""
		}
		b.WriteString(s)
	case 'A', 'H', 'L', 'C', 'G', 'U', 'm', 'a', 'h', 'i':
		words := 1
		switch letter {
		case 'A', 'H', 'C':
			words = 3
		case 'L':
			words = 2
		case 'U':
			words = int(min(o.Args[k+1]/8, 8))
		}
		b.WriteByte('{')
		for i := range words {
			if len(d) < 8*(i+1) {
				break
			}
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString("0x" + strconv.FormatUint(word(d, 8*i), 16))
		}
		b.WriteByte('}')
	case 'S':
		b.WriteString("{" + strconv.FormatUint(word(d, 0), 10) + " instructions}")
	case 'V':
		p.formatVector(b, d)
	default:
		b.WriteString("+" + strconv.FormatUint(o.Args[k], 10))
	}
}

// formatVector prints the number of strings only: argv and envp can be long and secret.
func (p *Program) formatVector(b *strings.Builder, d []byte) {
	n := 0
	first := len(p.Data) - len(d)
	for len(d) >= 8*(n+1) && (word(d, 8*n) != 0 || relocated(p, uint64(first+8*n))) {
		n++
	}
	b.WriteString("[" + strconv.Itoa(n) + "]")
}

func cString(d []byte) string {
	for i, c := range d {
		if c == 0 {
			return string(d[:i])
		}
	}
	return string(d)
}

// printable quotes a string when it holds anything but plain visible characters.
func printable(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return strconv.QuoteToASCII(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

// prctlName names the options of prctl(2) that a program may use, none of which takes an address; "" for any other.
func prctlName(v uint64) string {
	switch v {
	case 1:
		return "PDEATHSIG"
	case 4:
		return "DUMPABLE"
	case 24:
		return "CAPBSET_DROP"
	case 28:
		return "SECUREBITS"
	case 38:
		return "NO_NEW_PRIVS"
	case 47:
		return "CAP_AMBIENT"
	}
	return ""
}

func rlimitName(v uint64) string {
	names := [16]string{"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"}
	return names[v]
}
