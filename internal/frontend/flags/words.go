package flags

// The long texts of the manual pages.

var manDescription = []string{
	"carrel runs a program in new namespaces (user, mount, pid, net, ipc, uts, cgroup and time), with no capabilities, no_new_privs, a seccomp filter, a Landlock ruleset and resource limits. It needs no privilege and refuses to run set-user-ID.",
	"The program sees the host's /usr, /bin, /sbin, /lib, /etc, /nix/store and /gnu/store, read-only, and the working directory; its /tmp, /var/tmp, home directory, /dev, /proc and /run are its own and empty or minimal. The working directory is not shown when it is the root, the home directory or what holds it, or lies in /proc, /sys, /dev or /run: then a note says so, and the program starts in its empty home directory.",
	"What is asked for and cannot be given ends the run before the program starts, unless --best-effort is given.",
	"The environment holds PATH (the parts of the caller's that exist inside), HOME, USER, SHELL, TERM, LANG and TMPDIR, and what --env and --pass-env add. Descriptors above 2 are closed unless --fd names them. When the standard input is a terminal, the program gets a terminal of its own.",
	"An ordinary user keeps the own ids inside. When the host's root is the caller, ids 0 to 65535 inside stand for 100000 to 165535 on the host, and the host's uid 0 is not inside unless --allow-host-root says so.",
	"When the network is shared or joined and /etc/resolv.conf is a link into a place that is empty inside, the file it leads to is shown, read-only.",
	"A time namespace shifts the clocks that count from boot. The wall clock is the same everywhere.",
}

// presetHelp says what each preset is, in the order of policy.Presets.
var presetHelp = [...]string{
	"The default: all that is described above, the working directory read-only, 1,024 processes, 20,000 descriptors, no core files.",
	"As strict, in an empty working directory (/work, or /tmp with --rootfs), with 300 s of CPU time, 100 processes, 20,000 descriptors, 100 MiB a file, 256 MiB in each writable place and no core files; the environment holds PATH, HOME, USER and SHELL.",
	"As strict, with the working directory writable.",
	"Nothing is closed until a flag asks for it. Namespaces are made with --ns; what else a flag needs is added with a note.",
}

type text struct{ code, line, help string }

// exits lists carrel's own exit codes.
var exits = [...]text{
	{code: "64", help: "the command line is wrong"},
	{code: "65", help: "what was asked for contradicts itself or names what is not there"},
	{code: "69", help: "the host cannot give a layer that was asked for"},
	{code: "70", help: "a fault in carrel"},
	{code: "71", help: "the set-up failed; the program never ran"},
	{code: "126", help: "the program is there and cannot be executed"},
	{code: "127", help: "the program is not there inside the sandbox"},
}

var examples = [...]text{
	{line: "carrel run -- python3 script.py", help: "run a script that can read its directory and change nothing"},
	{line: "carrel run --preset dev --share net -- npm install", help: "let a build write here and use the network"},
	{line: "carrel run --ro /data --tmpfs=1G /scratch -- tool /data", help: "show one more directory and give room to work in memory"},
	{line: "carrel run --rootfs ./debian --uid 0 --gid 0 -- bash", help: "use another root directory"},
	{line: "carrel run --preset none --ns pid,mount -- ps -e", help: "nothing but a process tree of its own"},
}

var manFileDescription = []string{
	"A policy file says what one run of carrel may see and do, in the same words as the flags. It is read only when --policy names it; flags win over it. Lists are joined, the file's entries first.",
	"The file is a part of YAML 1.2, in UTF-8: mappings, lists, words on one line, plain or quoted, text of several lines behind |, and comments. Anchors, aliases, tags, merge keys, folded text and several documents are refused, and so are unknown keys, keys that stand twice, and words that YAML libraries read in different ways, such as yes, 0755 and 1e3; put those in quotes. A file has at most 16 MiB.",
	"Relative paths start at the directory of the file. A chain of extends has at most 16 files.",
}

const fileExample = `extends: dev
share: [net]
fs:
  - ro: /data
  - rw: {path: /out, from: ./results}
  - tmpfs: /scratch
    size: 64MiB
  - file: /etc/motd
    content: |
      Please be quiet.
  - hide: .git
limit:
  nofile: 1024
env:
  MODE: test
pass-env: [CI]
`
