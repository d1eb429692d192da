package flags

import (
	"strings"

	"github.com/seed-0dbaba02/carrel/internal/linux"
	"github.com/seed-0dbaba02/carrel/policy"
)

// Completion returns a completion script for bash, zsh or fish, or "" for another shell.
func Completion(shell string) string {
	switch shell {
	case "bash":
		return bash()
	case "zsh":
		return zsh()
	case "fish":
		return fish()
	}
	return ""
}

// words returns what a flag's value may be, separated by spaces; "" where a path, or nothing known, follows.
func words(wants string) string {
	var list []string
	switch wants {
	case "preset":
		list = policy.Presets[:]
	case "namespace":
		list = append(namespaces(), "all")
	case "join":
		for _, n := range namespaces() {
			list = append(list, n+"=")
		}
	case "capability":
		list = append([]string{"all"}, linux.Capabilities[:]...)
	case "seccomp":
		list = []string{"default", "none"}
	case "limit":
		for _, n := range linux.Rlimits {
			list = append(list, n+"=")
		}
	case "tty":
		list = []string{"auto", "always", "never"}
	}
	return strings.Join(list, " ")
}

func namespaces() []string {
	var list []string
	for i := range linux.Namespaces {
		list = append(list, linux.Namespaces[i].Name)
	}
	return list
}

func commandWords() string {
	var list []string
	for i := range commands {
		list = append(list, commands[i].word)
	}
	return strings.Join(list, " ")
}

// flagWords returns the flags of a command, with their dashes.
func flagWords(bit uint8) string {
	var list []string
	for i := range table {
		if table[i].on&bit != 0 {
			list = append(list, "--"+table[i].word)
		}
	}
	return strings.Join(list, " ")
}

// valued returns a shell pattern of the flags with n words behind them, for instance "--ro|--rw".
func valued(n uint8) string {
	var list []string
	for i := range table {
		if table[i].n == n {
			list = append(list, "--"+table[i].word)
		}
	}
	return strings.Join(list, "|")
}

func bash() string {
	var b strings.Builder
	b.WriteString(`# bash completion for carrel: source it, or put it into the directory of bash-completion.
_carrel() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i skip=0
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=($(compgen -W "` + commandWords() + ` --help --version" -- "$cur"))
        return
    fi
    case ${COMP_WORDS[1]} in
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")); return ;;
    man) COMPREPLY=($(compgen -W "carrel carrel.yaml" -- "$cur")); return ;;
    help) COMPREPLY=($(compgen -W "` + commandWords() + `" -- "$cur")); return ;;
    doctor) COMPREPLY=($(compgen -W "` + flagWords(onDoctor) + `" -- "$cur")); return ;;
    version) COMPREPLY=($(compgen -W "` + flagWords(onVersion) + `" -- "$cur")); return ;;
    run|spec|plan) ;;
    *) return ;;
    esac
    # Where does the program begin?
    for (( i = 2; i < COMP_CWORD; i++ )); do
        if (( skip > 0 )); then (( skip-- )); continue; fi
        case ${COMP_WORDS[i]} in
        --) (( i++ )); break ;;
        ` + valued(2) + `) skip=2 ;;
        ` + valued(1) + `) skip=1 ;;
        --*) ;;
        *) break ;;
        esac
    done
    if (( i < COMP_CWORD )); then
        COMPREPLY=($(compgen -f -- "$cur"))
        return
    fi
    if [[ ${COMP_WORDS[COMP_CWORD-1]} == -- && $skip == 0 ]]; then
        COMPREPLY=($(compgen -c -- "$cur"))
        return
    fi
    if (( skip > 0 )); then
        case $prev in
`)
	for i := range table {
		f := &table[i]
		if w := words(f.wants); w != "" {
			b.WriteString("        --" + f.word + ") COMPREPLY=($(compgen -W \"" + w + "\" -- \"$cur\")) ;;\n")
		}
	}
	b.WriteString(`        --pass-env) COMPREPLY=($(compgen -e -- "$cur")) ;;
        --rootfs|--workdir) COMPREPLY=($(compgen -d -- "$cur")) ;;
        *) COMPREPLY=($(compgen -f -- "$cur")) ;;
        esac
        return
    fi
    case $cur in
    -*) COMPREPLY=($(compgen -W "` + flagWords(onView|onRun) + ` --" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -c -- "$cur")) ;;
    esac
}
complete -o filenames -F _carrel carrel
`)
	return b.String()
}

func zsh() string {
	var b strings.Builder
	b.WriteString("#compdef carrel\n# zsh completion for carrel: put it as _carrel into a directory of fpath.\n_carrel() {\n    local -a commands flags\n    commands=(\n")
	for i := range commands {
		b.WriteString("        " + single(commands[i].word+":"+commands[i].help) + "\n")
	}
	b.WriteString("    )\n    flags=(\n")
	for i := range table {
		f := &table[i]
		if f.on&onView == 0 && f.on&onRun == 0 {
			continue
		}
		line := "*--" + f.word + "[" + strings.NewReplacer("[", "(", "]", ")", ":", "\\:").Replace(f.help) + "]"
		for j, arg := range strings.Fields(f.args) {
			if j < int(f.n) {
				line += ":" + strings.NewReplacer("[", "(", "]", ")", ":", " ").Replace(arg) + ":" + zshAction(f.wants)
			}
		}
		b.WriteString("        " + single(line) + "\n")
	}
	b.WriteString(`    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    case $words[2] in
    run|spec|plan)
        shift words
        (( CURRENT-- ))
        _arguments -S $flags '*::program: _normal'
        ;;
    completion) _values shell bash zsh fish ;;
    man) _values page carrel carrel.yaml ;;
    help) _describe command commands ;;
    doctor|version) _values flag --json --help ;;
    esac
}
_carrel "$@"
`)
	return b.String()
}

func zshAction(wants string) string {
	switch wants {
	case "file", "path":
		return "_files"
	case "dir":
		return "_files -/"
	case "variable":
		return "_parameters -g \"*export*\""
	}
	if w := words(wants); w != "" {
		return "(" + w + ")"
	}
	return " "
}

func fish() string {
	var b strings.Builder
	b.WriteString("# fish completion for carrel: put it as carrel.fish into ~/.config/fish/completions.\ncomplete -c carrel -f\n")
	first := "-n __fish_use_subcommand"
	for i := range commands {
		b.WriteString("complete -c carrel " + first + " -a " + commands[i].word + " -d " + single(commands[i].help) + "\n")
	}
	b.WriteString("complete -c carrel -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n")
	b.WriteString("complete -c carrel -n '__fish_seen_subcommand_from man' -a 'carrel carrel.yaml'\n")
	b.WriteString("complete -c carrel -n '__fish_seen_subcommand_from help' -a '" + commandWords() + "'\n")
	for i := range table {
		f := &table[i]
		var on []string
		for j := range commands {
			if commands[j].bit&f.on != 0 {
				on = append(on, commands[j].word)
			}
		}
		line := "complete -c carrel -n '__fish_seen_subcommand_from " + strings.Join(on, " ") + "' -l " + f.word + " -d " + single(f.help)
		if f.n > 0 {
			line += " -r"
		}
		switch w := words(f.wants); {
		case w != "":
			line += " -f -a '" + w + "'"
		case f.wants == "file" || f.wants == "path":
			line += " -F"
		case f.wants == "dir":
			line += " -f -a '(__fish_complete_directories)'"
		case f.wants == "variable":
			line += " -f -a '(set -nx)'"
		}
		b.WriteString(line + "\n")
	}
	b.WriteString("complete -c carrel -n '__fish_seen_subcommand_from run spec plan' -a '(__fish_complete_subcommand --fcs-skip=2)'\n")
	return b.String()
}

// single puts a text into single quotes for a shell.
func single(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
