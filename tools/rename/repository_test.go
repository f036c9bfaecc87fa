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
	for _, c := range []struct {
		what  string
		to    []project // the first that is not this one, for the other project has this test, too
		title bool
		tests func(renamed, *testing.T)
	}{
		{"a short name", []project{
			{"acme", "github.com/acme/files", "Acme"}, {"zebra", "zebra.example", "Zebra"},
		}, false, renamed.short},
		{"a long name and a title", []project{
			{"intakedesk", "github.com/intake/desk", "Intake Desk"}, {"zebradesks", "zebra.example", "Zebra Desks"},
		}, true, renamed.whole},
	} {
		t.Run(c.what, func(t *testing.T) {
			// The same folder each time: Go finds what it compiled there before.
			root := filepath.Join(repository, "bin", "rename", strings.Fields(c.what)[1])
			if err := os.RemoveAll(root); err != nil {
				t.Fatal(err)
			}
			fill(t, root, files)
			before, err := open(t.Context(), root)
			if err != nil {
				t.Fatal(err)
			}
			to := c.to[0]
			if before.project.name == to.name || before.project.title == to.title {
				to = c.to[1]
			}
			args := []string{"new", "NAME=" + to.name, "MODULE=" + to.module}
			if c.title {
				args = append(args, "TITLE="+to.title)
			}
			command(t, root, "make", args...)
			checkRenamed(t, root, before.project, to)
			if t.Failed() {
				return // What follows takes a minute, and would say less.
			}
			c.tests(renamed{repository, root, before.project, to}, t)
		})
	}
}

// checkRenamed fails the test if a checkout has another project's name.
func checkRenamed(t *testing.T, root string, old, to project) {
	t.Helper()
	commit(t, root)
	after, err := open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if after.project != to {
		t.Errorf("the project is now %+v, want %+v", after.project, to)
	}
	for _, f := range after.files {
		if strings.Contains(strings.ToLower(f.path), old.name) {
			t.Errorf("there is still a file %s", f.path)
		}
		if opaque(f.path) {
			continue // It may have any word.
		}
		text := content(t, root, f.path)
		if compressed(f.path) {
			text = f.text
		}
		i := 0
		for line := range strings.Lines(strings.ToLower(text)) {
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
}

// renamed is a checkout of this repository below another, under another name.
type renamed struct {
	repository, root string
	old, to          project
}

// short runs the test that cuts a text which begins with the name.
func (r renamed) short(t *testing.T) {
	r.run(t, "go", slices.Concat([]string{"test"}, r.flags(),
		[]string{"./app/web", "-run", "^TestStaffAPIWithoutAToken$"})...)
}

// whole compiles all, and runs the tests in which names matter.
func (r renamed) whole(t *testing.T) {
	command(t, r.root, "env", "GOWORK=off", "go", "-C", "tools", "run", "./typecheck", "./app/...", "./plan/...",
		"./infra/...")
	for _, tests := range [][]string{
		{"./app/config", "./infra/settings/...", "./infra/rules", "./infra/cmd/deployer", "./plan/policy"},
		{"./infra/host/userdata", "-run", "Golden|Fields|Shellcheck"}, // without those that build a release for hosts
		{"./app", "-run", "Imports"},
		{"./app/staff", "-run", "^(TestTokenText|TestCheckPassword)$"},
		{"./infra", "-run", "^TestEngineUpgrade$"},
	} {
		r.run(t, "go", slices.Concat([]string{"test"}, r.flags(), tests)...)
	}
	r.run(t, "env", slices.Concat([]string{"GOWORK=off", "go", "-C", "tools", "test"}, r.flags(),
		[]string{"./documents", "./workflows"})...)
}

// flags are those of go test. What is linked stays outside of the new checkout: Go links again only what differs from
// what it finds there.
func (r renamed) flags() []string {
	return []string{"-vet=off", "-ldflags=-s", "-o", filepath.Join(r.repository, "bin", "renamed", r.to.name) + "/"}
}

// run runs tests, with the programs that are installed for this project's and as strictly.
func (r renamed) run(t *testing.T, name string, args ...string) {
	t.Helper()
	const strict = "_TEST_REQUIRE"
	environment := []string{"PATH=" + filepath.Join(r.repository, ".tools", "bin") + ":" + os.Getenv("PATH"),
		strings.ToUpper(r.to.name) + strict + "=" + os.Getenv(strings.ToUpper(r.old.name)+strict)}
	out := command(t, r.root, "env", slices.Concat(environment, []string{name}, args)...)
	if strings.Contains(out, "no tests to run") {
		t.Errorf("%s %s: there are no such tests\n%s", name, strings.Join(args, " "), out)
	}
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
