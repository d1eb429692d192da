package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/seed-0dbaba02/carrel/internal/source"
)

// MarshalJSON returns the OCI document with Ext as a JSON text under the annotation Key, so that every tool that reads OCI
// documents reads this one. Origins are left out. The document itself is not changed.
func (d *Doc) MarshalJSON() ([]byte, error) {
	ext, err := plainJSON(d.Ext)
	if err != nil {
		return nil, err
	}
	oci := specs.Spec{}
	if d.OCI != nil {
		oci = *d.OCI
	}
	oci.Annotations = maps.Clone(oci.Annotations)
	if oci.Annotations == nil {
		oci.Annotations = make(map[string]string, 1)
	}
	oci.Annotations[Key] = string(ext)
	return plainJSON(&oci)
}

// plainJSON leaves <, > and & as they are: they are common in arguments, and nothing here is HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Parse reads an OCI document, with carrel's annotation or without. Unknown properties of the OCI part are ignored, as the
// runtime-spec (config.md, "Extensibility") demands; unknown keys of the annotation are errors. A document without the
// annotation gets what OCI means: a rootfs directory, no init, ids as its mappings say. The error is a *source.Error.
func Parse(data []byte, file string) (*Doc, error) {
	d := &Doc{OCI: &specs.Spec{}}
	if err := decode(data, d.OCI, false); err != nil {
		return nil, &source.Error{From: source.Origin{Input: file}, Text: "read OCI document: " + err.Error()}
	}
	text, ours := d.OCI.Annotations[Key]
	if ours {
		if err := decode([]byte(text), &d.Ext, true); err != nil {
			return nil, &source.Error{From: source.Origin{Input: file, Field: "annotations." + Key}, Text: "read annotation: " + err.Error(),
				Hint: "was it written by another version of carrel?"}
		}
		if delete(d.OCI.Annotations, Key); len(d.OCI.Annotations) == 0 {
			d.OCI.Annotations = nil
		}
	} else {
		d.Ext = foreign(d.OCI)
	}
	d.From = origins(file, len(d.OCI.Mounts))
	if err := d.check(file); err != nil {
		return nil, err
	}
	return d, nil
}

func decode(data []byte, v any, strict bool) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(v); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something stands behind the document")
	}
	return nil
}

// foreign returns what a document means that carrel has not written.
func foreign(oci *specs.Spec) Ext {
	e := Ext{Preset: "oci", Root: RootDir, CloseFDs: true, NewSession: true, DieWithParent: true}
	if oci.Root == nil {
		e.Root = RootHost
	}
	if oci.Linux == nil {
		return e
	}
	for _, n := range oci.Linux.Namespaces {
		e.Loopback = e.Loopback || n.Type == specs.NetworkNamespace && n.Path == ""
		if n.Type == specs.UserNamespace && n.Path == "" {
			e.IDs = IDs{Mode: IDRange, Setgroups: "clear"}
		}
	}
	return e
}

// fieldNames are the properties of an OCI document behind each Field, for errors.
var fieldNames = [NumFields]string{
	FieldNamespaces: "linux.namespaces", FieldIDs: "linux.uidMappings", FieldRootfs: "root", FieldWorkdir: "process.cwd",
	FieldHostname: "hostname", FieldDomainname: "domainname", FieldTime: "linux.timeOffsets", FieldLoopback: "linux.namespaces",
	FieldCapabilities: "process.capabilities", FieldNoNewPrivs: "process.noNewPrivileges", FieldSeccomp: "linux.seccomp",
	FieldLandlock: "annotations." + Key, FieldRlimits: "process.rlimits", FieldProgram: "process.args",
	FieldTerminal: "process.terminal", FieldFDs: "annotations." + Key,
}

func origins(file string, mounts int) Origins {
	var o Origins
	for i := range o.Fields {
		o.Fields[i] = source.Origin{Input: file, Field: fieldNames[i]}
	}
	for i := range mounts {
		o.Mounts = append(o.Mounts, source.Origin{Input: file, Field: "mounts[" + strconv.Itoa(i) + "]"})
	}
	return o
}

// check refuses what no host could make sense of.
func (d *Doc) check(file string) error {
	fail := func(field, text string) error {
		return &source.Error{From: source.Origin{Input: file, Field: field}, Text: text}
	}
	if !strings.HasPrefix(d.OCI.Version, "1.") {
		return fail("ociVersion", "read OCI document: version "+strconv.Quote(d.OCI.Version)+" is not 1.x")
	}
	switch d.Ext.Root {
	case RootFresh, RootHost:
	case RootDir:
		if d.OCI.Root == nil || d.OCI.Root.Path == "" {
			return fail("root", "read OCI document: there is no root.path")
		}
	default:
		return fail("annotations."+Key, "unknown kind of root "+strconv.Quote(string(d.Ext.Root)))
	}
	switch d.Ext.IDs.Mode {
	case "", IDSelf, IDRange, IDHelper:
	default:
		return fail("annotations."+Key, "unknown mode of ids "+strconv.Quote(d.Ext.IDs.Mode))
	}
	switch d.Ext.IDs.Setgroups {
	case "", "deny", "clear":
	default:
		return fail("annotations."+Key, "unknown value of setgroups "+strconv.Quote(d.Ext.IDs.Setgroups))
	}
	for _, fd := range d.Ext.FDs {
		if fd < 3 {
			return fail("annotations."+Key, "descriptor "+strconv.Itoa(fd)+" is not above 2")
		}
	}
	return d.checkEntries(file)
}

func (d *Doc) checkEntries(file string) error {
	at := 0
	for i := range d.Ext.Entries {
		e := &d.Ext.Entries[i]
		e.From = source.Origin{Input: file, Field: "entries[" + strconv.Itoa(i) + "]"}
		text := ""
		switch {
		case e.At < at || e.At > len(d.OCI.Mounts):
			text = "an entry before mount " + strconv.Itoa(e.At) + " is out of order"
		case !strings.HasPrefix(e.Path, "/"):
			text = "the path " + strconv.Quote(e.Path) + " is not absolute"
		case e.Kind == EntrySymlink && e.Target == "":
			text = "the link " + strconv.Quote(e.Path) + " has no target"
		case e.Kind != EntrySymlink && e.Kind != EntryDir && e.Kind != EntryFile && e.Kind != EntryHide:
			text = "unknown kind of entry " + strconv.Quote(string(e.Kind))
		}
		if text != "" {
			return &source.Error{From: e.From, Text: text}
		}
		at = e.At
	}
	return nil
}
