package documents_test

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known is what documents may name.
type known struct {
	targets, keys, commands, variables, names, exports map[string]bool
	// groups are the first words of settings with a dot.
	groups []string
	// modules are the paths of the workspace's modules, by their folders.
	modules map[string]string
	// flags are those of a program: "dossier", or the path of its folder.
	flags map[string]map[string]bool
}

var (
	makeTarget   = regexp.MustCompile(`(?m)^([a-z][a-z-]*):.*?## `)
	settingRow   = regexp.MustCompile("(?m)^\\| `([A-Za-z0-9.]+)` \\|")
	logRow       = regexp.MustCompile("(?m)^\\| `/dossier/<stack>/([a-z]+)` \\|")
	nameRow      = regexp.MustCompile("(?m)^\\| `([a-z0-9/-]+)` \\|")
	cobraUse     = regexp.MustCompile(`Use:\s+"([a-z]+)[ "]`)
	flagVar      = regexp.MustCompile(`\.[A-Z][A-Za-z0-9]*(?:Var|VarP)\(&?[\w.]+, "([a-z-]+)"`)
	exported     = regexp.MustCompile(`ctx\.Export\("([A-Za-z]+)"`)
	rolloutInput = regexp.MustCompile(`"DOSSIER_ROLLOUT_([A-Z_]*[A-Z])"`)
	variableName = regexp.MustCompile(`DOSSIER_[A-Z0-9_]*[A-Z0-9]`)
	moduleLine   = regexp.MustCompile(`(?m)^module (\S+)$`)
)

func set(words ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return m
}

// firsts are the first groups of all matches.
func firsts(re *regexp.Regexp, text string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// flagsOf are flags as they are written on a command line.
func flagsOf(names []string) map[string]bool {
	m := set("--help")
	for _, n := range names {
		m["--"+n] = true
	}
	return m
}

// section is what stands between the marks of a generated part.
func section(t *testing.T, file, name string) string {
	t.Helper()
	_, text, begins := strings.Cut(read(t, file), "<!-- "+name+" -->")
	text, _, ends := strings.Cut(text, "<!-- /"+name+" -->")
	if !begins || !ends {
		t.Fatalf("%s has no generated part %q", file, name)
	}
	return text
}

// sources are the Go files of a folder, but for tests, as one text.
func sources(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files (%v)", folder, err)
	}
	var all strings.Builder
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			all.WriteString(read(t, path.Join(folder, filepath.Base(file))))
		}
	}
	return all.String()
}

// newKnown reads what exists from the sources, and from the tables that other tests hold against the programs.
func newKnown(t *testing.T) known {
	t.Helper()
	app, rollout := sources(t, "app/cmd/dossier"), sources(t, "infra/rollout")
	preflight, prove := sources(t, "infra/preflight"), sources(t, "infra/prove")
	settings := section(t, "docs/app-settings.md", "settings")
	parameters := firsts(nameRow, section(t, "docs/secrets.md", "parameters"))
	logs := firsts(logRow, section(t, "docs/watching.md", "logs"))
	k := known{
		targets: set(firsts(makeTarget, read(t, "Makefile"))...),
		keys:    set(firsts(settingRow, read(t, "docs/settings.md"))...),
		exports: set(firsts(exported, read(t, "infra/main.go"))...),
		// Those of commands that read no settings are in the command's source, those of tests in what runs them.
		variables: set(variableName.FindAllString(
			settings+rollout+preflight+app+read(t, "tools/test")+read(t, "Makefile")+
				read(t, "app/internal/servers/mysql.go"), -1)...),
		names:    set(append(parameters, logs...)...),
		commands: set(),
		modules:  map[string]string{},
	}
	for key := range k.keys {
		if group, _, nested := strings.Cut(key, "."); nested && !slices.Contains(k.groups, group) {
			k.groups = append(k.groups, group)
		}
	}
	for _, use := range firsts(cobraUse, app) {
		switch use {
		case "dossier":
		case "up", "status":
			k.commands["migrate "+use] = true
		default:
			k.commands[use] = true
		}
	}
	inputs := firsts(rolloutInput, rollout)
	for i, name := range inputs {
		inputs[i] = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	}
	k.flags = map[string]map[string]bool{
		"dossier":              flagsOf(firsts(flagVar, app)),
		"infra/cmd/runcommand": flagsOf(firsts(flagVar, sources(t, "infra/cmd/runcommand"))),
		"infra/cmd/rollout":    flagsOf(inputs),
		"infra/cmd/prove":      flagsOf(firsts(flagVar, prove)),
	}
	for _, folder := range []string{"app", "infra", "plan"} {
		k.modules[folder] = moduleLine.FindStringSubmatch(read(t, folder+"/go.mod"))[1]
	}
	all := []map[string]bool{k.targets, k.keys, k.commands, k.variables, k.names, k.exports}
	for m := range maps.Values(k.flags) {
		all = append(all, m)
	}
	for _, m := range all {
		if len(m) < 3 {
			t.Fatalf("what documents may name was not found: %+v", k)
		}
	}
	return k
}

// exists reports whether there is a file, or one for a pattern. What is installed is not looked for.
func exists(name string) bool {
	if strings.Contains(name, "node_modules") {
		return true
	}
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil && len(found) > 0
}

// program is the folder of a program that "go run" names, if its module is one of the workspace's.
func (k known) program(name string) (folder string, ours bool) {
	for folder, module := range k.modules {
		if rest, below := strings.CutPrefix(name, module+"/"); below {
			return folder + "/" + rest, true
		}
	}
	return "", false
}

// isProgram reports whether a folder holds a program.
func isProgram(folder string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(folder), "main.go"))
	return err == nil
}
