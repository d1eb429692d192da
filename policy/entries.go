package policy

import "strconv"

// entries reads the list of file system entries.
func (d *decoder) entries(row *key, v *node) error {
	if err := d.want(v, row.word, nodeList); err != nil {
		return err
	}
	d.p.FS = make([]Entry, 0, len(v.list))
	for i := range v.list {
		if err := d.entry(&v.list[i]); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one entry: the key that names its kind, with its path, and the key that may stand beside that.
func (d *decoder) entry(n *node) error {
	if err := d.want(n, "fs", nodeMap); err != nil {
		return err
	}
	var row *entryKind
	var at int
	for i := range n.keys {
		for j := range entryKinds {
			if entryWord(j) != n.keys[i].text {
				continue
			}
			if row != nil {
				return d.fail(&n.keys[i], "fs: one entry is both "+string(row.kind)+" and "+n.keys[i].text, "begin each entry with a dash")
			}
			row, at = &entryKinds[j], i
		}
	}
	if row == nil {
		if len(n.keys) == 0 {
			return d.fail(n, "fs: the entry is empty", "")
		}
		return d.fail(&n.keys[0], "fs: unknown kind of entry "+strconv.Quote(n.keys[0].text), nearest(n.keys[0].text, len(entryKinds), entryWord))
	}
	e := Entry{Kind: row.kind, From: d.at(&n.list[at])}
	beside := make([]*node, 0, 2)
	for i := range n.keys {
		if i != at {
			beside = append(beside, &n.keys[i], &n.list[i])
		}
	}
	path := &n.list[at]
	if path.kind == nodeMap && row.option == "from" {
		if len(beside) > 0 {
			return d.fail(beside[0], "fs: the key "+strconv.Quote(beside[0].text)+" does not belong beside "+string(row.kind), "put it inside, or write the path on the same line")
		}
		var err error
		if path, beside, err = d.nestedEntry(path); err != nil {
			return err
		}
	}
	if err := d.want(path, "fs "+string(row.kind), nodeText); err != nil {
		return err
	}
	var err error
	if e.Path, err = d.pathOf(path.text); err != nil {
		return d.wrap(path, "fs "+string(row.kind), err)
	}
	if err := d.options(row, &e, n, beside); err != nil {
		return err
	}
	d.p.FS = append(d.p.FS, e)
	return nil
}

// nestedEntry reads ro: {path: INSIDE, from: HOST}.
func (d *decoder) nestedEntry(n *node) (path *node, beside []*node, err error) {
	for i := range n.keys {
		if n.keys[i].text == "path" {
			path = &n.list[i]
		} else {
			beside = append(beside, &n.keys[i], &n.list[i])
		}
	}
	if path == nil {
		return nil, nil, d.fail(n, "fs: the entry has no path", "write {path: INSIDE, from: HOST}")
	}
	return path, beside, nil
}

// options reads the keys beside an entry's own: key, value, key, value.
func (d *decoder) options(row *entryKind, e *Entry, n *node, beside []*node) error {
	word := "fs " + string(row.kind)
	for i := 0; i < len(beside); i += 2 {
		k, v := beside[i], beside[i+1]
		if k.text != row.option {
			hint := ""
			if row.option != "" {
				hint = "the only key that does is " + row.option
			}
			return d.fail(k, word+": the key "+strconv.Quote(k.text)+" does not belong to it", hint)
		}
		if row.option == "size" {
			if err := d.want(v, word+" size", nodeText, nodeInt); err != nil {
				return err
			}
			size, err := ParseSize(v.text)
			if err == nil && size == 0 {
				return d.fail(v, word+": a size of 0 would mean no bound", "leave it out for the preset's size")
			}
			if err != nil {
				return d.wrap(v, word, err)
			}
			e.Size = size
			continue
		}
		if err := d.want(v, word+" "+row.option, nodeText); err != nil {
			return err
		}
		if err := d.option(row, e, v); err != nil {
			return d.wrap(v, word+" "+row.option, err)
		}
	}
	if row.must && len(beside) == 0 {
		return d.fail(n, word+": it needs the key "+row.option, "")
	}
	return nil
}

func (d *decoder) option(row *entryKind, e *Entry, v *node) (err error) {
	switch row.option {
	case "from":
		e.Source, err = d.pathOf(v.text)
	case "to":
		e.Source, err = ParsePath(v.text)
	case "content":
		e.Data = v.text
	}
	return err
}
