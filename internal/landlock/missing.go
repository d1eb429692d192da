package landlock

import "math/bits"

// kind is one of the four sets of a ruleset.
type kind struct {
	names  []string
	known  func(*ABI) uint64
	effect func(bit uint64) string
	weaker uint64 // what makes the sandbox less tight by its absence
}

// Refer is no loss of safety: without it the kernel denies what it would grant. Flags decide what is logged; only a missing
// TSync leaves threads out.
var (
	fsKind    = kind{fsNames, knownFS, fsEffect, ^uint64(Refer)}
	netKind   = kind{netNames, knownNet, netEffect, ^uint64(0)}
	scopeKind = kind{scopeNames, knownScope, scopeEffect, ^uint64(0)}
	flagKind  = kind{flagNames, knownFlags, flagEffect, uint64(TSync)}
)

func knownFS(a *ABI) uint64    { return uint64(a.FS) }
func knownNet(a *ABI) uint64   { return uint64(a.Net) }
func knownScope(a *ABI) uint64 { return uint64(a.Scoped) }
func knownFlags(a *ABI) uint64 { return uint64(a.Flags) }

// lost adds one Missing for each bit of set.
func lost(missing []Missing, set uint64, k *kind) []Missing {
	for ; set != 0; set &= set - 1 {
		bit := set & -set
		m := Missing{Name: setString(bit, k.names), Weaker: k.weaker&bit != 0, Effect: "no kernel knows it"}
		if bits.TrailingZeros64(bit) < len(k.names) {
			m.Effect = k.effect(bit)
		}
		for i := range abis {
			if k.known(&abis[i])&bit != 0 {
				m.ABI, m.Kernel = i, abis[i].Kernel
				break
			}
		}
		missing = append(missing, m)
	}
	return missing
}

func fsEffect(bit uint64) string {
	switch AccessFS(bit) {
	case Execute:
		return "files can be executed wherever the mounts show them"
	case ReadFile, ReadDir:
		return "what the mounts show can be read"
	case Refer:
		return "files cannot be renamed or linked from one directory to another"
	case Truncate:
		return "files on writable mounts can be cut short without being opened for writing"
	case IoctlDev:
		return "ioctl reaches every device that can be opened"
	case ResolveUnix:
		return "sockets that the mounts show can be connected to"
	}
	return "what is on writable mounts can be changed"
}

func netEffect(bit uint64) string {
	switch AccessNet(bit) {
	case BindTCP:
		return "every tcp port of the network namespace can be bound"
	case ConnectTCP:
		return "every tcp port that the network namespace reaches can be connected to"
	case BindUDP:
		return "every udp port of the network namespace can be bound"
	}
	return "every udp port that the network namespace reaches can be sent to"
}

func scopeEffect(bit uint64) string {
	if Scope(bit) == ScopeSignal {
		return "signals reach every process that the pid namespace shows"
	}
	return "abstract unix sockets of the network namespace can be connected to"
}

func flagEffect(bit uint64) string {
	if RestrictFlags(bit) == TSync {
		return "only the calling thread is restricted"
	}
	return "which denials the audit log tells of is left to the kernel"
}
