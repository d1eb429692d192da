package ptytest

import (
	"strings"
	"unicode/utf8"
)

// A screen is the part of a VT100 and of xterm that full-screen programs draw with: cursor movement, erasing, inserting
// and deleting, scroll regions. It ignores colours, modes and titles, and answers no questions.
type screen struct {
	rows, cols         int
	cells              [][]rune
	row, col           int
	top, bottom        int // scroll region, bottom exclusive
	savedRow, savedCol int
	parse              func(*screen, rune)
	params             []rune
	partial            []byte // the beginning of a UTF-8 sequence
}

func (s *screen) resize(rows, cols int) {
	s.rows, s.cols, s.row, s.col, s.top, s.bottom = rows, cols, 0, 0, 0, rows
	s.cells = make([][]rune, rows)
	for i := range s.cells {
		s.cells[i] = s.blank()
	}
}

func (s *screen) blank() []rune { return []rune(strings.Repeat(" ", s.cols)) }

// String returns the rows, without spaces at their ends.
func (s *screen) String() string {
	lines := make([]string, s.rows)
	for i, cells := range s.cells {
		lines[i] = strings.TrimRight(string(cells), " ")
	}
	return strings.Join(lines, "\n")
}

func (s *screen) write(b []byte) {
	b = append(s.partial, b...)
	s.partial = nil
	for len(b) > 0 {
		if !utf8.FullRune(b) {
			s.partial = append(s.partial, b...)
			return
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		if s.parse == nil {
			s.parse = (*screen).plain
		}
		s.parse(s, r)
	}
}

func (s *screen) plain(r rune) {
	switch {
	case r == 0x1b:
		s.parse = (*screen).escape
	case r == '\r':
		s.col = 0
	case r == '\n', r == '\v', r == '\f':
		s.lineFeed()
	case r == '\b':
		s.col = max(min(s.col, s.cols-1)-1, 0)
	case r == '\t':
		s.col = min((s.col/8+1)*8, s.cols-1)
	case r >= ' ' && r != 0x7f:
		if s.col >= s.cols {
			s.col = 0
			s.lineFeed()
		}
		s.cells[s.row][s.col] = r
		s.col++
	}
}

func (s *screen) lineFeed() {
	if s.row == s.bottom-1 {
		s.deleteLines(s.top, 1)
	} else if s.row < s.rows-1 {
		s.row++
	}
}

func (s *screen) escape(r rune) {
	s.parse = (*screen).plain
	switch r {
	case '[':
		s.params, s.parse = s.params[:0], (*screen).control
	case ']', 'P', '_', '^', 'X':
		s.parse = (*screen).text
	case '(', ')', '*', '+', '#', '%', ' ':
		s.parse = func(s *screen, _ rune) { s.parse = (*screen).plain }
	case '7':
		s.savedRow, s.savedCol = s.row, s.col
	case '8':
		s.row, s.col = s.savedRow, s.savedCol
	case 'D':
		s.lineFeed()
	case 'E':
		s.col = 0
		s.lineFeed()
	case 'M':
		if s.row == s.top {
			s.insertLines(s.top, 1)
		} else {
			s.row = max(s.row-1, 0)
		}
	case 'c':
		s.resize(s.rows, s.cols)
	}
}

// text skips a title or another string up to BEL or ESC \.
func (s *screen) text(r rune) {
	switch r {
	case 0x07:
		s.parse = (*screen).plain
	case 0x1b:
		s.parse = func(s *screen, _ rune) { s.parse = (*screen).plain }
	}
}

func (s *screen) control(r rune) {
	switch {
	case r == 0x1b:
		s.parse = (*screen).escape
	case r < ' ': // acts even inside a sequence
		s.plain(r)
	case r < '@':
		s.params = append(s.params, r)
	default:
		s.parse = (*screen).plain
		s.do(r)
	}
}

// param returns parameter number i, or otherwise if it is missing or zero.
func (s *screen) param(i, otherwise int) int {
	fields := strings.Split(string(s.params), ";")
	if i >= len(fields) {
		return otherwise
	}
	n := 0
	for _, c := range fields[i] {
		if c < '0' || c > '9' {
			return otherwise
		}
		n = min(n*10+int(c-'0'), 1<<15)
	}
	if n == 0 {
		return otherwise
	}
	return n
}

func (s *screen) do(final rune) {
	n := s.param(0, 1)
	if len(s.params) > 0 && strings.ContainsRune("?><=!", s.params[0]) {
		if mode := string(s.params); mode == "?1049" || mode == "?47" || mode == "?1047" {
			s.resize(s.rows, s.cols) // the other screen, which programs draw anew
		}
		return
	}
	switch final {
	case 'A':
		s.row -= n
	case 'B', 'e':
		s.row += n
	case 'C', 'a':
		s.col += n
	case 'D':
		s.col = min(s.col, s.cols-1) - n
	case 'E':
		s.row, s.col = s.row+n, 0
	case 'F':
		s.row, s.col = s.row-n, 0
	case 'G', '`':
		s.col = n - 1
	case 'H', 'f':
		s.row, s.col = n-1, s.param(1, 1)-1
	case 'd':
		s.row = n - 1
	case 'r':
		s.top, s.bottom = min(n-1, s.rows-1), min(s.param(1, s.rows), s.rows)
		s.row, s.col = 0, 0
	case 's':
		s.savedRow, s.savedCol = s.row, s.col
	case 'u':
		s.row, s.col = s.savedRow, s.savedCol
	default:
		s.edit(final, n)
		return
	}
	s.row, s.col = min(max(s.row, 0), s.rows-1), min(max(s.col, 0), s.cols-1)
}

func (s *screen) edit(final rune, n int) {
	line, col := s.cells[s.row], min(s.col, s.cols-1)
	n, room := min(n, s.rows*s.cols), s.cols-col
	switch final {
	case 'J':
		s.erase(s.param(0, 0), s.row*s.cols+col, 0, s.rows*s.cols)
	case 'K':
		s.erase(s.param(0, 0), s.row*s.cols+col, s.row*s.cols, (s.row+1)*s.cols)
	case 'X':
		copy(line[col:], s.blank()[:min(n, room)])
	case 'P':
		copy(line[col:], append(append([]rune{}, line[col+min(n, room):]...), s.blank()[:min(n, room)]...))
	case '@':
		copy(line[col:], append(s.blank()[:min(n, room)], append([]rune{}, line[col:]...)...))
	case 'L':
		s.insertLines(s.row, n)
	case 'M':
		s.deleteLines(s.row, n)
	case 'S':
		s.deleteLines(s.top, n)
	case 'T':
		s.insertLines(s.top, n)
	}
}

// erase blanks from the cursor to last (how 0), from first to the cursor (1), or both (2), in cells from the top left.
func (s *screen) erase(how, cursor, first, last int) {
	from, to := cursor, last
	switch how {
	case 1:
		from, to = first, cursor+1
	case 2, 3:
		from = first
	}
	for i := from; i < to; i++ {
		s.cells[i/s.cols][i%s.cols] = ' '
	}
}

func (s *screen) deleteLines(at, n int) {
	for range min(n, s.bottom-at) {
		copy(s.cells[at:s.bottom], s.cells[at+1:s.bottom])
		s.cells[s.bottom-1] = s.blank()
	}
}

func (s *screen) insertLines(at, n int) {
	for range min(n, s.bottom-at) {
		copy(s.cells[at+1:s.bottom], s.cells[at:s.bottom-1])
		s.cells[at] = s.blank()
	}
}
