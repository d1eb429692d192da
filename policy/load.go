package policy

import (
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/seed-0dbaba02/carrel/internal/source"
)

// maxExtends is how many files may extend each other in a chain.
const maxExtends = 16

// Load reads a policy file and all that it extends, and returns them laid over each other with Preset set to the preset
// at the bottom. The error is a *source.Error that names the file and, where there is one, the line.
func Load(path string) (*Policy, error) {
	return load(path, source.Origin{}, nil)
}

func load(path string, from source.Origin, chain []os.FileInfo) (*Policy, error) {
	data, info, err := readFile(path)
	if err != nil {
		return nil, &source.Error{From: from, Text: "read policy " + err.Error()}
	}
	for _, seen := range chain {
		if os.SameFile(seen, info) {
			return nil, &source.Error{From: from, Text: "extend " + path + ": the file extends itself, directly or through others"}
		}
	}
	if len(chain) >= maxExtends {
		return nil, &source.Error{From: from, Text: "extend " + path + ": more than " + strconv.Itoa(maxExtends) + " files extend each other"}
	}
	p, err := Parse(data, path)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Extends == "":
		return p, nil
	case IsPreset(p.Extends):
		p.Preset = p.Extends
		p.From = append(p.From, FieldOrigin{Word: "preset", From: p.From.Of("extends")})
		return p, nil
	}
	under, err := load(p.Extends, p.From.Of("extends"), append(chain, info))
	if err != nil {
		return nil, err
	}
	return Merge(under, p), nil
}

func readFile(path string) ([]byte, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		var e *os.PathError
		if errors.As(err, &e) {
			return nil, nil, errors.New(e.Path + ": " + e.Err.Error())
		}
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, errors.New(path + ": is a directory")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	return data, info, err
}
