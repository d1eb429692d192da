package ptytest

import (
	"strings"
	"testing"
)

func TestScreen(t *testing.T) {
	cases := []struct{ name, printed, want string }{
		{"lines", "one\r\ntwo\n three", "one\ntwo\n    three"},
		{"wrap", "0123456789ab", "0123456789\nab"},
		{"no wrap before the next character", "0123456789\r\nab", "0123456789\nab"},
		{"scroll", "1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5"},
		{"move", "\x1b[2;3Hx\x1b[Ay\x1b[10Dz\x1b[4dw", "z  y\n  x\n\n w"},
		{"backspace and tab", "ab\b\bc\td", "cb      d"},
		{"backspace at the margin", "0123456789\b!", "01234567!9"},
		{"erase line", "abcdef\x1b[3D\x1b[K", "abc"},
		{"erase to the cursor", "abcdef\x1b[4D\x1b[1K", "   def"},
		{"erase screen", "a\r\nb\x1b[2Jc", "\n c"},
		{"erase below", "a\r\nb\r\nc\x1b[2;1H\x1b[J", "a"},
		{"insert and delete characters", "abcdef\x1b[1;2H\x1b[2P\x1b[1@", "a def"},
		{"erase characters", "abcdef\x1b[1;2H\x1b[2X", "a  def"},
		{"insert line", "1\r\n2\r\n3\r\n4\x1b[2H\x1b[L", "1\n\n2\n3"},
		{"delete line", "1\r\n2\r\n3\r\n4\x1b[2H\x1b[M", "1\n3\n4"},
		{"scroll region", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3H\nx", "1\n3\nx\n4"},
		{"reverse index", "1\r\n2\x1b[H\x1bMx", "x\n1\n2"},
		{"colours, modes and titles", "\x1b[1;31mred\x1b[0m\x1b[?25l\x1b]0;title\x07!\x1b]2;t\x1b\\?\x1b(B", "red!?"},
		{"other screen", "shell\x1b[?1049hvim", "vim"},
		{"saved cursor", "ab\x1b7\r\n\ncd\x1b8!", "ab!\n\ncd"},
		{"utf-8", "h\xc3\xa9\xe2\x82\xac\xff", "hé€\ufffd"},
	}
	for _, c := range cases {
		for size := 1; size <= len(c.printed); size++ { // in whatever pieces it arrives
			var s screen
			s.resize(4, 10)
			for rest := c.printed; rest != ""; {
				n := min(size, len(rest))
				s.write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got := strings.TrimRight(s.String(), "\n"); got != c.want {
				t.Errorf("%s in pieces of %d:\n%q, want\n%q", c.name, size, got, c.want)
				break
			}
		}
	}
}

func FuzzScreen(f *testing.F) {
	f.Add([]byte("\x1b[9999;9999H\x1b[3;1r\x1b[99999999L\x1b[5T\x1bM\n\x1b[0;0r\x1b[99@\x1b[3K"))
	f.Fuzz(func(t *testing.T, printed []byte) {
		var s screen
		s.resize(4, 10)
		s.write(printed)
		if rows := strings.Count(s.String(), "\n") + 1; rows != 4 {
			t.Errorf("%d rows", rows)
		}
	})
}
