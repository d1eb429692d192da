package view

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
)

// limits sets the preset's resource limits, with the user's over them, none above what the caller may have.
func (b *builder) limits() error {
	b.field(spec.FieldRlimits, "limit")
	var set [len(linux.Rlimits)]struct {
		on         bool
		soft, hard uint64
		from       source.Origin
	}
	for _, l := range b.preset.limits {
		if l.name == "nproc" && !b.countsInside() {
			b.warn(b.origin(""), "the limit of "+strconv.FormatUint(l.value, 10)+
				" processes is left out: without a new user namespace on Linux 5.14 or later it would count the caller's own")
			continue
		}
		s := &set[linux.Rlimit(l.name)]
		s.on, s.soft, s.hard, s.from = true, l.value, l.value, b.origin("")
	}
	for _, l := range b.p.Rlimits {
		n := linux.Rlimit(l.Name)
		if n < 0 {
			return &source.Error{From: l.From, Text: "unknown limit " + strconv.Quote(l.Name)}
		}
		s := &set[n]
		s.on, s.soft, s.hard, s.from = true, l.Soft, l.Hard, l.From
	}
	known := b.env.Facts.Rlimits != [len(linux.Rlimits)]hostRlimit{}
	for n := range set {
		s := &set[n]
		if !s.on {
			continue
		}
		if most := b.env.Facts.Rlimits[n].Hard; known && s.hard > most {
			b.warn(s.from, "the limit "+linux.Rlimits[n]+" is "+limitText(most)+" instead of "+limitText(s.hard)+": the caller's own hard limit is no higher")
			s.hard, s.soft = most, min(s.soft, most)
		}
		b.proc.Rlimits = append(b.proc.Rlimits, specs.POSIXRlimit{Type: ociRlimit(n), Soft: s.soft, Hard: s.hard})
	}
	return nil
}

// countsInside reports whether RLIMIT_NPROC counts the processes of the sandbox alone: since Linux 5.14 it is kept for each
// user and user namespace.
func (b *builder) countsInside() bool {
	return b.ns[nsUser].state == nsNew && !b.env.Facts.Kernel.Less(5, 14)
}

func limitText(v uint64) string {
	if v == linux.RlimInfinity {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

func ociRlimit(n int) string {
	out := []byte("RLIMIT_" + linux.Rlimits[n])
	for i := len("RLIMIT_"); i < len(out); i++ {
		out[i] -= 'a' - 'A'
	}
	return string(out)
}
