package host

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// Bounds of what is read of a tree that somebody else may have made.
const (
	MaxNames = 10000   // entries that List returns
	MaxSmall = 1 << 20 // bytes that ReadSmall returns
)

// ErrNotRegular is what [ReadSmall] says of a folder, a FIFO, a socket or a device.
var ErrNotRegular = errors.New("not a regular file")

// List returns the names in a folder of the host (root "") or within a rootfs, sorted, as opening it by that name would see
// them. It refuses a folder with more than [MaxNames] entries (E2BIG).
func List(root, name string) ([]string, error) { return listAtMost(root, name, MaxNames) }

func listAtMost(root, name string, limit int) ([]string, error) {
	fd, err := openPath(root, name, oPath|syscall.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	f, err := reopen(fd, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.Readdirnames(limit + 1)
	if len(entries) > limit {
		return nil, &syscallError{"list " + name, syscall.E2BIG}
	}
	if err != nil && len(entries) == 0 && !errors.Is(err, io.EOF) {
		return nil, &syscallError{"list " + name, err}
	}
	slices.Sort(entries)
	return entries, nil
}

// ReadSmall returns the content of a regular file of the host (root "") or within a rootfs. Anything else is refused without
// being opened for reading, so a FIFO cannot hold the caller up and a device does not notice; a file above
// [MaxSmall] is EFBIG.
func ReadSmall(root, name string) ([]byte, error) {
	fd, err := openPath(root, name, oPath)
	if err != nil {
		return nil, err
	}
	var st syscall.Stat_t
	if e := fstat(fd, &st); e != 0 || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		syscall.Close(fd)
		if e != 0 {
			return nil, &syscallError{"read " + name, e}
		}
		return nil, &syscallError{"read " + name, ErrNotRegular}
	}
	f, err := reopen(fd, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, name)
}

func readAtMost(f *os.File, name string) ([]byte, error) {
	var data []byte
	chunk := make([]byte, 4096)
	for {
		n, err := f.Read(chunk)
		data = append(data, chunk[:n]...)
		if len(data) > MaxSmall {
			return nil, &syscallError{"read " + name, syscall.EFBIG}
		}
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, &syscallError{"read " + name, err}
		}
		if n == len(chunk) && n < 64<<10 {
			chunk = make([]byte, 64<<10)
		}
	}
}

func openPath(root, name string, flags int) (int, error) {
	dir, resolve := atFdcwd, uint64(resolveNoMagiclinks)
	if root != "" {
		fd, e := openat2(atFdcwd, root, oPath|syscall.O_DIRECTORY, resolveNoMagiclinks)
		if e != 0 {
			return -1, &syscallError{"open rootfs " + root, e}
		}
		defer syscall.Close(fd)
		dir, resolve = fd, resolveInRoot|resolveNoMagiclinks
	}
	fd, e := openat2(dir, name, flags, resolve)
	if e != 0 {
		return -1, &syscallError{"open " + name, e}
	}
	return fd, nil
}

// reopen turns an O_PATH descriptor into one that reads the very same file, whatever its name refers to by now.
// It closes fd.
func reopen(fd int, name string) (*os.File, error) {
	defer syscall.Close(fd)
	real, err := syscall.Open("/proc/self/fd/"+strconv.Itoa(fd), syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &syscallError{"open " + name, err}
	}
	return os.NewFile(uintptr(real), name), nil
}
