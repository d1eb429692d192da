package source

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"hostname", "domainname", "ro", "rw", "share", "sys", "tmpfs", "boottime-offset", "net"}
	for word, want := range map[string]string{
		"hostnam": "hostname", "hsotname": "hostname", "hostname2": "hostname", "host": "hostname", "boottime": "boottime-offset", "shrae": "share",
		"r": "ro", "tmpf": "tmpfs", "nett": "net", "": "", "zzzzzz": "", "frobnicate": "", "xy": "",
		"a-word-much-longer-than-any-name-that-could-be-meant": "",
	} {
		if got := Nearest(word, len(known), func(i int) string { return known[i] }); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"abc", "xyz", 3}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b, 5); got != c.want {
			t.Errorf("%q to %q: got %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a, 5); got != c.want {
			t.Errorf("%q to %q: got %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
