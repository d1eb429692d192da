package host

import "strings"

// nextPart cuts the first part off a path, without its slashes; parts that mean the same place ("." and empty ones) are
// left out. It returns "" when nothing is left.
func nextPart(name string) (part, rest string) {
	for {
		i := 0
		for i < len(name) && name[i] == '/' {
			i++
		}
		name = name[i:]
		if name == "" {
			return "", ""
		}
		j := strings.IndexByte(name, '/')
		if j < 0 {
			j = len(name)
		}
		part, name = name[:j], name[j:]
		if part != "." {
			return part, name
		}
	}
}

// clean makes a path without empty parts, "." and "..". It is right only for a path without links.
func clean(name string) string {
	if isClean(name) {
		return name
	}
	return join("", name)
}

func isClean(name string) bool {
	return name != "" && name[0] == '/' && (len(name) == 1 || name[len(name)-1] != '/') &&
		!strings.Contains(name, "//") && !strings.Contains(name, "/./") && !strings.Contains(name, "/../") &&
		!strings.HasSuffix(name, "/.") && !strings.HasSuffix(name, "/..")
}

// join adds the parts of rest to a path without links.
func join(real, rest string) string {
	for {
		var part string
		part, rest = nextPart(rest)
		switch part {
		case "":
			if real == "" {
				return "/"
			}
			return real
		case "..":
			real = parentOf(real)
		default:
			real += "/" + part
		}
	}
}

// parentOf returns "" for what is directly below the root, and for the root, whose parent is itself.
func parentOf(real string) string {
	if i := strings.LastIndexByte(real, '/'); i > 0 {
		return real[:i]
	}
	return ""
}

// climb takes the ".." that rest begins with off real, which is a folder that exists.
func climb(real, rest string) (string, string) {
	for {
		part, after := nextPart(rest)
		if part != ".." {
			return real, rest
		}
		real, rest = parentOf(real), after
	}
}

// missing names the place of something that does not exist below real, or returns "" where a ".." behind a missing part
// means that it has none.
func missing(real, rest string) string {
	for after := rest; after != ""; {
		var part string
		if part, after = nextPart(after); part == ".." {
			return ""
		}
	}
	return join(real, rest)
}
