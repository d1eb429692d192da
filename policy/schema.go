package policy

import (
	"strconv"
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/linux"
)

// SchemaID is the identifier of the JSON Schema of a policy file; nothing is fetched from it.
const SchemaID = "urn:carrel:policy:1"

// Schema returns the JSON Schema (draft 2020-12) of a policy file, for editors. It is made from the same table as Parse.
// What a schema cannot say (a soft limit above the hard one, the sum of a range) only Parse refuses.
func Schema() []byte {
	var b strings.Builder
	b.WriteString("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"$id\": " + strconv.Quote(SchemaID) +
		",\n  \"title\": \"carrel policy\",\n  \"type\": \"object\",\n  \"additionalProperties\": false,\n  \"properties\": {")
	for i := range keys {
		k := &keys[i]
		comma(&b, i)
		b.WriteString("\n    " + strconv.Quote(k.word) + ": {\n      \"description\": " + jsonText(k.help) + ",\n      " + formSchema(k.form) + "\n    }")
	}
	b.WriteString("\n  },\n  \"$defs\": {\n    \"path\": {" + pathSchema + "}\n  }\n}\n")
	return []byte(b.String())
}

const (
	pathSchema = `"type": "string", "minLength": 1, "maxLength": 4095, "pattern": "^[^\\x00]+$"`
	pathRef    = `{"$ref": "#/$defs/path"}`
	timeForm   = `^[+-]?([0-9]+|([0-9]+(ns|us|ms|s|m|h|d))+)$`
	sizeForm   = `^0*[1-9][0-9]*(B|[Kk]|KiB|kB|KB|M|MiB|MB|G|GiB|GB|T|TiB|TB)?$`
	nameForm   = `^[^\\x00- /\\x7f]+$`
	varForm    = `^[^=\\x00]+$`
)

// formSchema returns the members of a schema object for a form of value.
func formSchema(f form) string {
	switch f {
	case formExtends:
		return `"type": "string", "minLength": 1, "maxLength": 4095, "pattern": "^(` + strings.Join(Presets[:], "|") + `|[^\\x00]*[/.][^\\x00]*)$"`
	case formNamespaces:
		return `"oneOf": [{"const": "all"}, {"type": "array", "items": {"enum": [` + namespaceWords() + `]}}]`
	case formJoin:
		return `"type": "object", "propertyNames": {"enum": [` + namespaceWords() + `]}, "additionalProperties": {"oneOf": [{"type": "integer", "minimum": 1, "maximum": 2147483647}, ` + pathRef + `]}`
	case formName:
		return `"type": "string", "minLength": 1, "maxLength": 64, "pattern": "` + nameForm + `"`
	case formTime:
		return `"oneOf": [{"type": "integer"}, {"type": "string", "pattern": "` + timeForm + `"}]`
	case formID:
		return `"type": "integer", "minimum": 0, "maximum": 4294967294`
	case formBool:
		return `"type": "boolean"`
	case formRange:
		return `"type": "string", "pattern": "^[0-9]+:0*[1-9][0-9]*$"`
	case formEntries:
		return `"type": "array", "items": {"oneOf": [` + entrySchemas() + "\n      ]}"
	case formCapabilities:
		return `"type": "array", "items": {"enum": ["all", ` + capabilityWords() + `]}`
	case formLimits:
		return `"type": "object", "additionalProperties": false, "properties": {` + limitSchemas() + `}`
	case formFDs:
		return `"type": "array", "items": {"type": "integer", "minimum": 3, "maximum": 1048576}`
	case formEnv:
		return `"type": "object", "propertyNames": {"pattern": "` + varForm + `"}, "additionalProperties": {"oneOf": [{"type": "string", "pattern": "^[^\\x00]*$"}, {"type": "integer"}]}`
	case formVarNames:
		return `"type": "array", "items": {"type": "string", "pattern": "` + varForm + `"}`
	case formTTY:
		return `"enum": ["auto", "always", "never"]`
	}
	return pathSchema // formPath, formSeccomp
}

func entrySchemas() string {
	var b strings.Builder
	for i := range entryKinds {
		row := &entryKinds[i]
		comma(&b, i)
		word := strconv.Quote(string(row.kind))
		path := pathRef
		if row.option == "from" {
			path = `{"oneOf": [` + pathRef + `, {"type": "object", "additionalProperties": false, "required": ["path"], "properties": {"path": ` + pathRef + `, "from": ` + pathRef + `}}]}`
		}
		b.WriteString("\n        {\"description\": " + jsonText(row.help) + `, "type": "object", "additionalProperties": false, "required": [` + word)
		if row.must {
			b.WriteString(", " + strconv.Quote(row.option))
		}
		b.WriteString(`], "properties": {` + word + ": " + path)
		if row.option != "" {
			b.WriteString(", " + strconv.Quote(row.option) + ": " + optionSchema(row.option))
		}
		b.WriteString("}")
		if row.option == "from" {
			b.WriteString(`, "if": {"required": ["from"]}, "then": {"properties": {` + word + `: {"type": "string"}}}`)
		}
		b.WriteString("}")
	}
	return b.String()
}

func optionSchema(option string) string {
	switch option {
	case "size":
		return `{"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "` + sizeForm + `"}]}`
	case "content":
		return `{"type": "string", "pattern": "^[^\\x00]*$"}`
	}
	return pathRef
}

func namespaceWords() string {
	out := ""
	for i := range linux.Namespaces {
		out += strconv.Quote(linux.Namespaces[i].Name) + ", "
	}
	return out + `"mnt", "network"`
}

func capabilityWords() string {
	out := ""
	for i, c := range linux.Capabilities {
		if i > 0 {
			out += ", "
		}
		out += strconv.Quote(c) + ", " + strconv.Quote(linux.OCICapability(i))
	}
	return out
}

func limitSchemas() string {
	var b strings.Builder
	for i, name := range linux.Rlimits {
		comma(&b, i)
		one := "unlimited|[0-9]+"
		switch name {
		case "fsize", "data", "stack", "core", "rss", "memlock", "as", "msgqueue":
			one += "(B|[Kk]|KiB|kB|KB|M|MiB|MB|G|GiB|GB|T|TiB|TB)?"
		case "cpu":
			one += "|([0-9]+(ns|us|ms|s|m|h|d))+"
		}
		b.WriteString("\n        " + strconv.Quote(name) + `: {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^(` + one + `)(:(` + one + `))?$"}]}`)
	}
	return b.String()
}

func comma(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

// jsonText quotes a help text: none holds more than ASCII and the ellipsis, which needs no escape in JSON.
func jsonText(s string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) + `"`
}
