package view

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/host"
	"github.com/seed-0dbaba02/carrel/internal/source"
	"github.com/seed-0dbaba02/carrel/internal/spec"
	"github.com/seed-0dbaba02/carrel/policy"
)

// Env is the caller's side of a start.
type Env struct {
	Cwd     string   // working directory as getcwd(2) returns it: absolute, without links
	Environ []string // the caller's environment
	Facts   *host.Facts
	Args    []string // the program and its arguments

	// Profile reads a seccomp profile from a file. It is only called when the policy names a file.
	Profile func(path string) (*specs.LinuxSeccomp, error)
}

// Look says what is found at an absolute path, either of the host (root "") or inside a rootfs, whose links then stay inside
// and whose Path.Name and Path.Real are paths inside.
type Look func(root, name string) host.Path

// builder carries one document through the steps of Document.
type builder struct {
	p      *policy.Policy
	env    Env
	look   Look
	preset *preset
	doc    *spec.Doc
	linux  *specs.Linux
	proc   *specs.Process
	ns     namespaces
	rootfs string // host path of the rootfs, "" for the fresh or the host's root
	home   string // the program's home directory
	real   string // the caller's home directory without links, "" when there is none
	warns  []source.Warning
}

// Document returns the document for a policy, and what the user should know about it. The error is a *source.Error, a
// *NotFoundError or a *NotExecutableError; nothing has been touched when it is returned.
func Document(p *policy.Policy, env Env, look Look) (*spec.Doc, []source.Warning, error) {
	b := &builder{p: p, env: env, look: look}
	if err := b.start(); err != nil {
		return nil, nil, err
	}
	for _, step := range [...]func(*builder) error{
		(*builder).namespaces,
		(*builder).ids,
		(*builder).root,
		(*builder).workdir,
		(*builder).entries,
		(*builder).settle,
		(*builder).environ,
		(*builder).limits,
		(*builder).privileges,
		(*builder).names,
		(*builder).program,
	} {
		if err := step(b); err != nil {
			return nil, nil, err
		}
	}
	return b.doc, b.warns, nil
}

func (b *builder) start() error {
	name := b.p.Preset
	if name == "" && policy.IsPreset(b.p.Extends) {
		name = b.p.Extends
	}
	if name == "" {
		name = presets[0].name
	}
	for i := range presets {
		if presets[i].name == name {
			b.preset = &presets[i]
		}
	}
	if b.preset == nil {
		_, err := policy.ParsePreset(name)
		return &source.Error{From: b.p.From.Of("preset"), Text: err.Error()}
	}
	if len(b.env.Args) == 0 || b.env.Args[0] == "" {
		return &source.Error{Text: "run: no program is named", Hint: "write it after --, for instance carrel run -- ls"}
	}
	b.linux = &specs.Linux{}
	b.proc = &specs.Process{Args: b.env.Args}
	b.doc = &spec.Doc{
		OCI: &specs.Spec{Version: specs.Version, Process: b.proc, Linux: b.linux},
		Ext: spec.Ext{Preset: name, Root: spec.RootFresh, DieWithParent: true},
	}
	b.doc.OCI.Mounts = make([]specs.Mount, 0, 24)
	b.doc.From.Mounts = make([]source.Origin, 0, 24)
	for i := range b.doc.From.Fields {
		b.doc.From.Fields[i] = b.origin("")
	}
	b.field(spec.FieldProgram, "")
	return nil
}

// origin returns who set a word, or the preset.
func (b *builder) origin(word string) source.Origin {
	if word != "" {
		if o := b.p.From.Of(word); !o.IsZero() {
			return o
		}
	}
	return source.Preset(b.preset.name)
}

// field records who asked for a part of the document: the last of the words that somebody set, or the preset.
func (b *builder) field(f spec.Field, words ...string) {
	for _, w := range words {
		if o := b.p.From.Of(w); w != "" && !o.IsZero() {
			b.doc.From.Fields[f] = o
		}
	}
}

func (b *builder) warn(from source.Origin, text string) {
	b.warns = append(b.warns, source.Warning{From: from, Text: text})
}

func isTrue(v *bool) bool { return v != nil && *v }
