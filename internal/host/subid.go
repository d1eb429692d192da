package host

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"syscall"
)

// SubIDs adds the caller's ranges of subordinate ids, subuid(5) and subgid(5), and the programs that may map them,
// newuidmap(1) and newgidmap(1). Lines count that name the caller or give its number. A missing file means no range and is no
// error. Ranges that only a name service knows are not found.
func SubIDs(f *Facts) error { return subIDs("", f) }

func subIDs(root string, f *Facts) error {
	var name []byte
	passwd, err := ReadSmall(root, "/etc/passwd")
	if err == nil {
		name = userName(passwd, f.UID)
	} else if !errors.Is(err, syscall.ENOENT) {
		return err
	}
	if f.SubUIDs, err = readRanges(root, "/etc/subuid", name, f.UID); err != nil {
		return err
	}
	if f.SubGIDs, err = readRanges(root, "/etc/subgid", name, f.UID); err != nil {
		return err
	}
	f.NewUIDMap = mapper("newuidmap")
	f.NewGIDMap = mapper("newgidmap")
	return nil
}

// userName returns the name of a user id in the text of a passwd(5) file, or nil.
func userName(passwd []byte, uid int) []byte {
	for line := range bytes.Lines(passwd) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		_, rest, _ = bytes.Cut(rest, []byte(":"))
		number, _, ok := bytes.Cut(rest, []byte(":"))
		if n, valid := parseID(number); ok && valid && n == uid && len(name) > 0 {
			return name
		}
	}
	return nil
}

func readRanges(root, file string, name []byte, uid int) ([]Range, error) {
	text, err := ReadSmall(root, file)
	if err != nil {
		if errors.Is(err, syscall.ENOENT) {
			return nil, nil
		}
		return nil, err
	}
	return parseRanges(text, name, uid), nil
}

// parseRanges leaves out lines that newuidmap would not accept either: no number, no ids, ids beyond 32 bits.
func parseRanges(text, name []byte, uid int) []Range {
	var ranges []Range
	number := strconv.AppendInt(nil, int64(uid), 10)
	for line := range bytes.Lines(text) {
		owner, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if len(owner) == 0 || !bytes.Equal(owner, name) && !bytes.Equal(owner, number) {
			continue
		}
		a, b, ok := bytes.Cut(rest, []byte(":"))
		first, okFirst := parseID(a)
		count, okCount := parseID(b)
		if ok && okFirst && okCount && count > 0 && first <= math.MaxUint32-count {
			ranges = append(ranges, Range{First: first, Count: count})
		}
	}
	return ranges
}

// parseID reads a decimal id below 2³²-1, which itself means "no id".
func parseID(text []byte) (int, bool) {
	n := 0
	if len(text) == 0 || len(text) > 10 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n < math.MaxUint32
}

// mapperFolders are the only places looked at: PATH belongs to the caller's environment, and this program is set-user-ID.
var mapperFolders = [...]string{"/usr/bin", "/bin", "/usr/local/bin"}

// mapper returns the path, without links, of a program that root owns and nobody else can change, or "".
func mapper(name string) string {
	for _, folder := range mapperFolders {
		p := Look("", folder+"/"+name)
		if p.Err == 0 && p.Untrusted == "" && p.To == Regular && p.Exec && onlyRootWrites(p.Real) {
			return p.Real
		}
	}
	return ""
}

// onlyRootWrites reports whether root owns a path and all folders above it and the mode lets nobody else write there.
func onlyRootWrites(name string) bool {
	for {
		var st syscall.Stat_t
		at := name
		if at == "" {
			at = "/"
		}
		if syscall.Lstat(at, &st) != nil || st.Uid != 0 || st.Mode&0o022 != 0 {
			return false
		}
		if at == "/" {
			return true
		}
		name = parentOf(name)
	}
}
