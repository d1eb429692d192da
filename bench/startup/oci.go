package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// profile is the part of carrel's default seccomp profile that an OCI runtime
// can be given: conditions on capabilities and architectures are decided here.
type profile struct {
	DefaultAction   specs.LinuxSeccompAction `json:"defaultAction"`
	DefaultErrnoRet *uint                    `json:"defaultErrnoRet"`
	Syscalls        []struct {
		specs.LinuxSyscall
		Includes condition `json:"includes"`
		Excludes condition `json:"excludes"`
	} `json:"syscalls"`
}

type condition struct {
	Caps      []string `json:"caps"`
	Arches    []string `json:"arches"`
	MinKernel string   `json:"minKernel"`
}

// seccompFor turns the profile into what config.json takes, for a process
// without capabilities on an architecture (a Go name).
func seccompFor(text []byte, arch string) (*specs.LinuxSeccomp, error) {
	var p profile
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read the seccomp profile: %w", err)
	}
	q := &specs.LinuxSeccomp{DefaultAction: p.DefaultAction, DefaultErrnoRet: p.DefaultErrnoRet}
	switch arch {
	case "amd64":
		q.Architectures = []specs.Arch{specs.ArchX86_64, specs.ArchX86}
	case "arm64":
		q.Architectures = []specs.Arch{specs.ArchAARCH64, specs.ArchARM}
	}
	for _, r := range p.Syscalls {
		foreign := len(r.Includes.Arches) > 0 && !slices.Contains(r.Includes.Arches, arch)
		if len(r.Includes.Caps) > 0 || foreign || slices.Contains(r.Excludes.Arches, arch) {
			continue
		}
		q.Syscalls = append(q.Syscalls, r.LinuxSyscall)
	}
	if len(q.Syscalls) == 0 {
		return nil, fmt.Errorf("read the seccomp profile: no rule applies to %s", arch)
	}
	return q, nil
}

// bundles writes a bundle for the payload and one for the probe, and the same
// without a filter.
func (s *stage) bundles() error {
	text, err := os.ReadFile(filepath.Join(s.repo, "seccomp", "profiles", "default.json"))
	if err != nil {
		return err
	}
	filter, err := seccompFor(text, runtime.GOARCH)
	if err != nil {
		return err
	}
	pay, look := []string{"/bin/true"}, []string{"/bin/sh", "-c", probe}
	for name, config := range map[string]*specs.Spec{
		"payload": s.config(pay, filter), "payload-bare": s.config(pay, nil),
		"probe": s.config(look, filter), "probe-bare": s.config(look, nil),
	} {
		b, err := json.Marshal(config)
		if err != nil {
			return err
		}
		if err := os.Mkdir(s.path(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.path(name), "config.json"), b, 0o644); err != nil {
			return err
		}
	}
	return s.rootfs()
}

// rootfs makes the empty root with mount points and the host's links into /usr.
func (s *stage) rootfs() error {
	for _, d := range []string{"usr", "etc", "proc", "dev", "tmp", "run", "var/tmp", s.path("home"), s.path("work")} {
		if err := os.MkdirAll(filepath.Join(s.path("rootfs"), d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink("/run", filepath.Join(s.path("rootfs"), "var", "run")); err != nil {
		return err
	}
	for _, d := range []string{"bin", "sbin", "lib", "lib32", "lib64"} {
		if to, err := os.Readlink("/" + d); err == nil {
			if err := os.Symlink(to, filepath.Join(s.path("rootfs"), d)); err != nil {
				return err
			}
		}
	}
	return nil
}

// config is config.json with what the strict preset has, as far as OCI knows it.
func (s *stage) config(args []string, filter *specs.LinuxSeccomp) *specs.Spec {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	bind := func(p string) specs.Mount {
		return specs.Mount{Destination: p, Source: p, Type: "bind", Options: []string{"rbind", "ro", "nosuid", "nodev"}}
	}
	tmpfs := func(p, mode string) specs.Mount {
		return specs.Mount{Destination: p, Source: "tmpfs", Type: "tmpfs", Options: []string{"nosuid", "nodev", "mode=" + mode}}
	}
	var namespaces []specs.LinuxNamespace
	for _, n := range []specs.LinuxNamespaceType{specs.UserNamespace, specs.MountNamespace, specs.PIDNamespace,
		specs.NetworkNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.CgroupNamespace} {
		namespaces = append(namespaces, specs.LinuxNamespace{Type: n})
	}
	mounts := []specs.Mount{
		bind("/usr"), bind("/etc"),
		{Destination: "/proc", Source: "proc", Type: "proc", Options: []string{"nosuid", "nodev", "noexec"}},
		{Destination: "/dev", Source: "tmpfs", Type: "tmpfs", Options: []string{"nosuid", "mode=0755"}},
		{Destination: "/dev/pts", Source: "devpts", Type: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		tmpfs("/dev/shm", "1777"), tmpfs("/tmp", "1777"), tmpfs("/var/tmp", "1777"), tmpfs(s.path("home"), "0700"), bind(s.path("work")),
	}
	for _, d := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		if st, err := os.Lstat(d); err == nil && st.IsDir() {
			mounts = append(mounts, bind(d))
		}
	}
	limit := func(name string, n uint64) specs.POSIXRlimit { return specs.POSIXRlimit{Type: name, Hard: n, Soft: n} }
	return &specs.Spec{
		Version: "1.0.2", Hostname: "carrel", Mounts: mounts,
		Root: &specs.Root{Path: s.path("rootfs"), Readonly: true},
		Process: &specs.Process{
			Args: args, Cwd: s.path("work"), NoNewPrivileges: true, Capabilities: &specs.LinuxCapabilities{},
			Env:     []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + s.path("home"), "SHELL=/bin/sh", "LANG=C", "TMPDIR=/tmp"},
			Rlimits: []specs.POSIXRlimit{limit("RLIMIT_CORE", 0), limit("RLIMIT_NOFILE", 20000), limit("RLIMIT_NPROC", 1024)},
		},
		Linux: &specs.Linux{
			Namespaces: namespaces, UIDMappings: ids, GIDMappings: ids, Seccomp: filter, CgroupsPath: "/" + cgroupName(),
			MaskedPaths: []string{"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
				"/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"},
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}

// oci is the command line of a runtime. crun is told to leave cgroups alone;
// runc cannot be told so.
func (s *stage) oci(name, path, bundle string) []string {
	a := []string{path, "--root", s.path("state-" + name)}
	if name == "crun" {
		a = append(a, "--cgroup-manager=disabled")
	}
	return append(a, "run", "--bundle", s.path(bundle), "carrel-bench-"+name)
}

// cgroupName is a cgroup of this process alone, so that removing it is safe.
func cgroupName() string { return "carrel-bench-" + strconv.Itoa(os.Getpid()) }

// removeCgroups removes what a runtime that was interrupted left. Rmdir cannot
// remove a cgroup with processes in it.
func (s *stage) removeCgroups() {
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		found, _ := filepath.Glob(pattern + cgroupName())
		for _, d := range found {
			if err := os.Remove(d); err != nil {
				fmt.Fprintln(os.Stderr, "startup:", err)
			}
		}
	}
}
