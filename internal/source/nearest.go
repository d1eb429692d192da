package source

// Nearest returns the known name that is closest to word by edit distance, or "" when none is close enough to be what was
// meant. Known names come from a function, so that callers need no slice of their table; n is their number.
func Nearest(word string, n int, known func(int) string) string {
	best, name := 3, ""
	if len(word) < 6 {
		best = 2
	}
	for i := range n {
		k := known(i)
		if d := distance(word, k, best); d <= best && d < len(k) && (d == 1 || d < len(word)) {
			if d < best || name == "" {
				best, name = d, k
			}
		}
	}
	if name != "" {
		return name
	}
	// A word cut short or carried on: "host" for "hostname".
	for i := range n {
		k := known(i)
		if len(word) >= 3 && len(k) > len(word) && k[:len(word)] == word {
			return k
		}
	}
	return ""
}

// distance is the number of letters to insert, remove, replace or swap with a neighbour that turn a into b; it gives up with
// limit+1 on words that are long or whose lengths alone differ by more.
func distance(a, b string, limit int) int {
	const longest = 40
	if len(a) > longest || len(b) > longest || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	var rows [3][longest + 1]int
	older, old, now := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(old[j]+1, now[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], older[j-2]+1)
			}
		}
		older, old, now = old, now, older
	}
	return old[len(b)]
}
