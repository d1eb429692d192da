package view

// workdir says what a preset does with the caller's working directory.
type workdir uint8

const (
	workdirRO    workdir = iota // visible, read-only
	workdirRW                   // visible and writable
	workdirEmpty                // an empty directory at judgeDir instead
	workdirHost                 // as it is: the caller's own root is visible
)

// judgeDir is the empty working directory of preset judge. It depends on nothing of the caller's.
const judgeDir = "/work"

// judgeTmpfs bounds each writable place of preset judge, in bytes: what is written there is memory.
const judgeTmpfs = 256 << 20

// rootTmpfs bounds the root directory itself, in bytes. It holds mount points, links and the contents of --file.
const rootTmpfs = 64 << 20

// preset is what a run is before any flag. The figures are those of the documentation.
type preset struct {
	name   string
	open   bool // nothing is closed until a flag asks
	dir    workdir
	names  []string // variables that are set besides PATH
	tmpfs  int64    // bytes of each writable place; 0: the kernel's default, half of the memory
	limits []limit
}

type limit struct {
	name  string
	value uint64 // soft and hard
}

var presets = [...]preset{
	{name: "strict", dir: workdirRO, names: usualNames, limits: usualLimits},
	{name: "judge", dir: workdirEmpty, names: fewNames, limits: judgeLimits, tmpfs: judgeTmpfs},
	{name: "dev", dir: workdirRW, names: usualNames, limits: usualLimits},
	{name: "none", dir: workdirHost, open: true},
}

var (
	usualNames = []string{"HOME", "USER", "SHELL", "TERM", "LANG", "TMPDIR"}
	fewNames   = []string{"HOME", "USER", "SHELL"}
)

var usualLimits = []limit{{"core", 0}, {"nofile", 20000}, {"nproc", 1024}}

var judgeLimits = []limit{{"core", 0}, {"nofile", 20000}, {"nproc", 100}, {"fsize", 100 << 20}, {"cpu", 300}}

// maskedPaths and readonlyPaths are what container engines hide and protect in a container's /proc and /sys.
var maskedPaths = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
}

var maskedSys = []string{"/sys/devices/virtual/powercap", "/sys/firmware"}

var readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}

// hostDirs are the directories of the host that hold programs and what they need to start; a link stays a link.
var hostDirs = [...]string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store"}
