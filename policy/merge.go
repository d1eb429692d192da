package policy

import "slices"

// Merge lays one policy over another and returns the result; neither is changed. A single value of over replaces that of
// base. Lists are joined, base first, so that the later entry wins where order decides. A namespace that over shares, makes
// or joins is taken out of what base says of it.
func Merge(base, over *Policy) *Policy {
	m := *base
	m.FS = slices.Concat(base.FS, over.FS)
	m.CapAdd = slices.Concat(base.CapAdd, over.CapAdd)
	m.Rlimits = slices.Concat(base.Rlimits, over.Rlimits)
	m.FDs = slices.Concat(base.FDs, over.FDs)
	m.Env = slices.Concat(base.Env, over.Env)
	m.PassEnv = slices.Concat(base.PassEnv, over.PassEnv)
	m.From = slices.Concat(base.From, over.From)
	mergeNamespaces(&m, base, over)
	text(&m.Extends, over.Extends)
	text(&m.Preset, over.Preset)
	text(&m.Hostname, over.Hostname)
	text(&m.Domainname, over.Domainname)
	text(&m.Rootfs, over.Rootfs)
	text(&m.Workdir, over.Workdir)
	text(&m.Seccomp, over.Seccomp)
	text(&m.TTY, over.TTY)
	set(&m.BoottimeOffset, over.BoottimeOffset)
	set(&m.MonotonicOffset, over.MonotonicOffset)
	set(&m.UID, over.UID)
	set(&m.GID, over.GID)
	set(&m.Subids, over.Subids)
	set(&m.RootRange, over.RootRange)
	set(&m.AllowHostRoot, over.AllowHostRoot)
	set(&m.WritableRootfs, over.WritableRootfs)
	set(&m.Landlock, over.Landlock)
	set(&m.NNP, over.NNP)
	set(&m.BestEffort, over.BestEffort)
	return &m
}

func mergeNamespaces(m, base, over *Policy) {
	said := func(name string) bool {
		return slices.Contains(over.Share, name) || slices.Contains(over.NS, name) ||
			slices.ContainsFunc(over.Join, func(j Join) bool { return j.NS == name })
	}
	m.Share, m.NS, m.Join = nil, nil, nil
	for _, name := range base.Share {
		if !said(name) {
			m.Share = append(m.Share, name)
		}
	}
	for _, name := range base.NS {
		if !said(name) {
			m.NS = append(m.NS, name)
		}
	}
	for _, j := range base.Join {
		if !said(j.NS) {
			m.Join = append(m.Join, j)
		}
	}
	m.Share = append(m.Share, over.Share...)
	m.NS = append(m.NS, over.NS...)
	m.Join = append(m.Join, over.Join...)
}

func text(to *string, from string) {
	if from != "" {
		*to = from
	}
}

func set[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}
