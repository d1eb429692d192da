package view

import "strings"

// in reports whether a clean absolute path is a directory or lies below it.
func in(name, dir string) bool {
	if dir == "/" {
		return true
	}
	return strings.HasPrefix(name, dir) && (len(name) == len(dir) || name[len(dir)] == '/')
}

// below returns what is left of a path under a directory, "" or beginning with a slash.
func below(name, dir string) string {
	if dir == "/" {
		if name == "/" {
			return ""
		}
		return name
	}
	return name[len(dir):]
}

// parent returns the directory of a clean absolute path, without a slash at its end: "" for the root and what lies in it.
func parent(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '/'))]
}

// tidy removes empty and "." parts of an absolute path, which changes nothing that it means.
func tidy(name string) string {
	if !strings.Contains(name, "//") && !strings.Contains(name, "/./") && !strings.HasSuffix(name, "/") && !strings.HasSuffix(name, "/.") {
		return name
	}
	out := make([]byte, 0, len(name))
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && part != "." {
			out = append(append(out, '/'), part...)
		}
	}
	if len(out) == 0 {
		return "/"
	}
	return string(out)
}

// hasDotDot reports whether a tidy path has a ".." part.
func hasDotDot(name string) bool {
	return strings.Contains(name, "/../") || strings.HasSuffix(name, "/..")
}

// lexical removes "." and ".." parts of a path whose earlier parts are known to hold no links.
func lexical(name string) string {
	name = tidy(name)
	if !hasDotDot(name) {
		return name
	}
	out := ""
	for part := range strings.SplitSeq(name[1:], "/") {
		if part == ".." {
			out = parent(out)
		} else {
			out += "/" + part
		}
	}
	return orName(out, "/")
}
