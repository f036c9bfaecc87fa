package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRepository turns this repository into another project by the command that people type: nothing has the old name
// afterwards, all of it compiles, and the tests in which names matter pass.
func TestRepository(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the repository under another name")
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimRight(gitDo(t, repository, "ls-files", "-z"), "\x00"), "\x00") {
		// A file may be removed and still be in the index.
		if info, err := os.Lstat(filepath.Join(repository, name)); err == nil && info.Mode().IsRegular() {
			files[name] = content(t, repository, name)
		}
	}
	// The same folder each time: Go finds what it compiled there before.
	root := filepath.Join(repository, "bin", "rename")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	fill(t, root, files)
	before, err := open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	// The other project has this test, too.
	to := project{"acme", "github.com/acme/files", "Acme"}
	if before.project.name == to.name {
		to = project{"zebra", "zebra.example", "Zebra"}
	}

	command(t, root, "make", "new", "NAME="+to.name, "MODULE="+to.module)
	commit(t, root)
	after, err := open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if after.project != to {
		t.Errorf("the project is now %+v, want %+v", after.project, to)
	}
	old := before.project
	for _, f := range after.files {
		if strings.Contains(strings.ToLower(f.path), old.name) {
			t.Errorf("there is still a file %s", f.path)
		}
		i := 0
		for line := range strings.Lines(strings.ToLower(content(t, root, f.path))) {
			i++
			for _, name := range []string{old.name, strings.ToLower(old.title), old.module} {
				// The license requires that its notice stays.
				notice := f.path == "LICENSE" && strings.HasPrefix(line, "copyright ")
				if strings.Contains(line, name) && !notice {
					t.Errorf("%s:%d still has %q: %s", f.path, i, name, line[:min(len(line), 200)])
					break
				}
			}
		}
	}
	if unformatted := command(t, root, "gofmt", "-l", "app", "infra", "plan", "tools"); unformatted != "" {
		t.Errorf("not formatted:\n%s", unformatted)
	}
	if t.Failed() {
		return // What follows takes a minute, and would say less.
	}

	command(t, root, "env", "GOWORK=off", "go", "-C", "tools", "run", "./typecheck", "./app/...", "./plan/...",
		"./infra/...")
	// What is linked stays outside of the new checkout: Go links again only what differs from what it finds there.
	linking := []string{"test", "-vet=off", "-ldflags=-s", "-o", filepath.Join(repository, "bin", "renamed") + "/"}
	for _, tests := range [][]string{
		{"./app/config", "./infra/settings/...", "./infra/rules", "./plan/policy"},
		{"./infra/host/userdata", "-run", "Golden|Fields|Shellcheck"}, // without those that build a release for hosts
		{"./app", "-run", "Imports"},
	} {
		command(t, root, "go", slices.Concat(linking, tests)...)
	}
	command(t, root, "env", slices.Concat([]string{"GOWORK=off", "go", "-C", "tools"}, linking,
		[]string{"./documents", "./workflows"})...)
}

// command runs a command as in a checkout of its own, and returns what it says.
func command(t *testing.T, root, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	// The tests of tools run outside of the workspace, and make passes its own flags on.
	inherited := []string{"GOWORK", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PWD"}
	for _, v := range os.Environ() {
		if key, _, _ := strings.Cut(v, "="); !slices.Contains(inherited, key) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
