package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// prepare makes the scratch folder and measures in a process of an ordinary user, whose standard streams are files of this
// benchmark. It removes the folder when that process ends.
func prepare(o *options) (err error) {
	uid, gid, err := o.ordinary()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "carrel-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if e := os.RemoveAll(dir); e != nil && err == nil {
			err = e
		}
	}()
	if err := fill(dir, uid, gid); err != nil {
		return err
	}
	empty, err := os.Open(filepath.Join(dir, "empty"))
	if err != nil {
		return err
	}
	defer empty.Close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	c := exec.Command(filepath.Join(dir, "inprocess"), append(os.Args[1:len(os.Args):len(os.Args)], "-scratch", dir)...)
	c.Dir = filepath.Join(dir, "work")
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + filepath.Join(dir, "home"), "LANG=C"}
	c.Stdin, c.Stdout, c.Stderr = empty, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err = <-ended:
	case s := <-signals:
		_ = c.Process.Signal(s)
		err = <-ended
	}
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	return nil
}

// ordinary finds who measures.
func (o *options) ordinary() (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid(), nil
	}
	names := []string{o.user}
	if o.user == "" {
		names = []string{"carrel-bench", "nobody"}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return 0, 0, err
		}
		gid, err = strconv.Atoi(u.Gid)
		return uid, gid, err
	}
	return 0, 0, fmt.Errorf("look up the ordinary user %s: no such user", strings.Join(names, ", "))
}

// fill puts into the scratch folder what the ordinary user needs: this program and the filter for bwrap, because it may not
// reach the originals, and the folders that the sandboxes show.
func fill(dir string, uid, gid int) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, d := range []string{"work", "home"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chown(filepath.Join(dir, "home"), uid, gid); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o644); err != nil {
		return err
	}
	repo, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the root of the module: %w", err)
	}
	filter := filepath.Join(strings.TrimSpace(string(repo)), "seccomp", "profiles", "default_"+runtime.GOARCH+".bpf")
	if err := duplicate(filter, filepath.Join(dir, "filter"), 0o644); err != nil {
		return fmt.Errorf("copy the seccomp filter: %w", err)
	}
	return duplicate("/proc/self/exe", filepath.Join(dir, "inprocess"), 0o755)
}

func duplicate(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
