package lawtest

import (
	"bufio"
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// A Routine is one function of a disassembly.
type Routine struct {
	Name     string // as the linker has it: a wrapper keeps its suffix
	Assembly bool   // written in a .s file
	Targets  []string
	Indirect []string // call instructions whose target is not a name
	Size     int      // instructions
}

// ParseObjdump reads the output of "go tool objdump": per function, the names
// it calls or jumps to outside itself and the calls through a register or
// memory.
func ParseObjdump(out []byte) (map[string]*Routine, error) {
	routines := make(map[string]*Routine)
	var current *Routine
	scanner := bufio.NewScanner(bytes.NewReader(out))
	for scanner.Scan() {
		line := scanner.Text()
		if rest, ok := strings.CutPrefix(line, "TEXT "); ok {
			name, file, _ := strings.Cut(rest, "(SB) ")
			if routines[name] != nil {
				return nil, fmt.Errorf("read disassembly: %s is there twice: one would hide the other", name)
			}
			current = &Routine{Name: name, Assembly: strings.HasSuffix(file, ".s")}
			routines[name] = current
			continue
		}
		// "  file.go:12\t0x4a1f20\t\te8db1affff\t\tCALL name(SB)\t"
		fields := strings.Fields(line)
		if current == nil || len(fields) < 4 {
			continue
		}
		current.Size++
		current.add(fields[3:])
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read disassembly: %w", err)
	}
	if len(routines) == 0 {
		return nil, fmt.Errorf("read disassembly: it holds no function")
	}
	return routines, nil
}

// add notes what an instruction calls. A system call instruction is not a call,
// and a branch to an address is one inside the function.
func (r *Routine) add(instruction []string) {
	operands := strings.Join(instruction[1:], " ")
	if at := strings.Index(operands, "(SB)"); at >= 0 && isTransfer(instruction[0]) {
		name := operands[:at]
		if name = name[strings.LastIndexByte(name, ' ')+1:]; name != r.Name {
			r.Targets = append(r.Targets, name)
		}
		return
	}
	if instruction[0] == "CALL" || instruction[0] == "BL" || instruction[0] == "BLR" {
		r.Indirect = append(r.Indirect, strings.Join(instruction, " "))
	}
}

func isTransfer(mnemonic string) bool {
	switch mnemonic {
	case "CALL", "BL", "B", "CBZ", "CBNZ", "TBZ", "TBNZ":
		return true
	}
	return strings.HasPrefix(mnemonic, "J") || strings.HasPrefix(mnemonic, "B.") ||
		len(mnemonic) == 3 && mnemonic[0] == 'B' // arm64 conditions: BEQ, BNE, ...
}

// A Go function that assembly calls is in the binary twice: under its name, and
// with this suffix as a wrapper that passes arguments the way assembly does.
const wrapper = ".abi0"

// Calls follows every call and jump from the given functions through the
// package of the given path and reports each that leaves it for a function
// that is not allowed. The Go runtime splits stacks, writes barriers and
// reports bad indexes through calls, so a function that passes does none of
// these. Assembly may call through a register, Go may not: there it would be
// an interface or a function value.
func Calls(routines map[string]*Routine, pkg string, from, allowed []string) []string {
	var problems []string
	seen := make(map[string]bool)
	var queue []string
	for _, name := range from {
		plain, wrapped := pkg+"."+name, pkg+"."+name+wrapper
		if routines[wrapped] != nil {
			queue = append(queue, wrapped)
		}
		if routines[plain] != nil || routines[wrapped] == nil { // assembly has the suffix only
			queue = append(queue, plain)
		}
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		routine := routines[name]
		if routine == nil || routine.Size == 0 {
			problems = append(problems, name+": not in the binary: renamed, inlined or never called")
			continue
		}
		if !routine.Assembly {
			for _, call := range routine.Indirect {
				problems = append(problems, fmt.Sprintf("%s: calls through a value: %s", name, call))
			}
		}
		for _, target := range routine.Targets {
			switch {
			case contains(allowed, strings.TrimSuffix(target, wrapper)):
			case strings.HasPrefix(target, pkg+"."):
				queue = append(queue, target)
			default:
				problems = append(problems, fmt.Sprintf("%s: calls %s", name, target))
			}
		}
	}
	sort.Strings(problems)
	return problems
}
