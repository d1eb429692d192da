package policy

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// unit is a suffix of a quantity and what it multiplies by.
type unit struct {
	name string
	mult uint64
}

var byteUnits = [...]unit{
	{"", 1}, {"B", 1},
	{"K", 1 << 10}, {"k", 1 << 10}, {"KiB", 1 << 10}, {"kB", 1000}, {"KB", 1000},
	{"M", 1 << 20}, {"MiB", 1 << 20}, {"MB", 1000 * 1000},
	{"G", 1 << 30}, {"GiB", 1 << 30}, {"GB", 1000 * 1000 * 1000},
	{"T", 1 << 40}, {"TiB", 1 << 40}, {"TB", 1000 * 1000 * 1000 * 1000},
}

var timeUnits = [...]unit{
	{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9},
}

// ParseSize reads a number of bytes such as 64MiB, 1G or 4096; K, M, G and T are powers of 1024, KB, MB, GB and TB of 1000.
func ParseSize(value string) (int64, error) {
	n, rest, ok := leadingNumber(value)
	if ok {
		for _, u := range byteUnits {
			if u.name == rest && n <= math.MaxInt64/u.mult {
				return int64(n * u.mult), nil
			}
		}
	}
	return 0, errors.New(strconv.Quote(value) + " is no size; write for instance 64MiB")
}

// ParseOffset reads a clock offset such as 1h30m, -5s, 7d or 86400 (seconds).
func ParseOffset(value string) (Offset, error) {
	bad := errors.New(strconv.Quote(value) + " is no time; write for instance 1h30m, -5s or 86400")
	rest, negative := strings.CutPrefix(value, "-")
	if !negative {
		rest = strings.TrimPrefix(rest, "+")
	}
	if digits(rest) {
		rest += "s"
	}
	total, err := duration(rest)
	if err != nil || total > math.MaxInt64 {
		return Offset{}, bad
	}
	nanos := int64(total)
	if negative {
		nanos = -nanos
	}
	seconds, left := nanos/1e9, nanos%1e9
	if left < 0 {
		seconds, left = seconds-1, left+1e9
	}
	return Offset{Seconds: seconds, Nanos: uint32(left)}, nil
}

// duration reads a sum of numbers with units and returns nanoseconds.
func duration(rest string) (uint64, error) {
	var total uint64
	if rest == "" {
		return 0, errors.New("empty")
	}
	for rest != "" {
		n, after, ok := leadingNumber(rest)
		end := strings.IndexAny(after, "0123456789")
		if end < 0 {
			end = len(after)
		}
		mult := uint64(0)
		for _, u := range timeUnits {
			if u.name == after[:end] {
				mult = u.mult
			}
		}
		if !ok || mult == 0 || n > math.MaxInt64/mult || total > math.MaxInt64-n*mult {
			return 0, errors.New("not a duration")
		}
		total += n * mult
		rest = after[end:]
	}
	return total, nil
}

// String returns the offset as ParseOffset reads it, for instance "-5s" or "1s500000000ns".
func (o Offset) String() string {
	seconds, nanos, sign := o.Seconds, int64(o.Nanos), ""
	if seconds < 0 {
		sign = "-"
		if nanos > 0 {
			seconds, nanos = seconds+1, 1e9-nanos
		}
		seconds = -seconds
	}
	s := sign + strconv.FormatInt(seconds, 10) + "s"
	if nanos > 0 {
		s += strconv.FormatInt(nanos, 10) + "ns"
	}
	return s
}

// ParseRlimit reads NAME=VALUE or NAME=SOFT:HARD; see ParseLimit.
func ParseRlimit(value string) (Rlimit, error) {
	name, limit, ok := strings.Cut(value, "=")
	if !ok {
		return Rlimit{}, errors.New("want NAME=VALUE, for instance nofile=1024")
	}
	return ParseLimit(name, limit)
}

// ParseLimit reads the value of a resource limit of prlimit(2): VALUE for both, or SOFT:HARD. A value is "unlimited", a number
// in the resource's own unit, bytes with a unit (fsize=100MiB), or for cpu a time in whole seconds (cpu=5m).
func ParseLimit(name, value string) (Rlimit, error) {
	number := linux.Rlimit(name)
	if number < 0 {
		return Rlimit{}, unknown("limit", name, len(linux.Rlimits), func(i int) string { return linux.Rlimits[i] })
	}
	name = linux.Rlimits[number]
	soft, hard, two := strings.Cut(value, ":")
	if !two {
		hard = soft
	}
	s, err := limitValue(name, soft)
	if err != nil {
		return Rlimit{}, err
	}
	h, err := limitValue(name, hard)
	if err != nil {
		return Rlimit{}, err
	}
	if s > h {
		return Rlimit{}, errors.New(name + ": the soft limit " + soft + " is above the hard limit " + hard)
	}
	return Rlimit{Name: name, Soft: s, Hard: h}, nil
}

func limitValue(name, value string) (uint64, error) {
	if value == "unlimited" {
		return linux.RlimInfinity, nil
	}
	if digits(value) {
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return 0, errors.New(name + ": " + value + " is too large; write unlimited")
		}
		return n, nil
	}
	switch name {
	case "fsize", "data", "stack", "core", "rss", "memlock", "as", "msgqueue":
		n, err := ParseSize(value)
		if err != nil {
			return 0, errors.New(name + ": " + err.Error())
		}
		return uint64(n), nil
	case "cpu":
		if n, err := duration(value); err == nil && n%1e9 == 0 {
			return n / 1e9, nil
		}
		return 0, errors.New("cpu: " + strconv.Quote(value) + " is not a time in whole seconds, for instance 300 or 5m")
	}
	return 0, errors.New(name + ": " + strconv.Quote(value) + " is neither a number nor unlimited")
}

// leadingNumber splits a decimal number off the front; ok is false when there is none or it is too large.
func leadingNumber(s string) (n uint64, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(s[:i], 10, 63)
	return n, s[i:], err == nil
}
