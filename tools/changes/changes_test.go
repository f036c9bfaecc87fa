package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/ten-changes.md anew")

const page = "docs/ten-changes.md"

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func changes(t *testing.T) []change {
	t.Helper()
	all, err := readChanges(repository(t))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestChanges makes each change in a copy of the tree, as docs/ten-changes.md says: it counts the files that are
// written by hand, generates the others by the commands that stand there, looks for what does not compile, and runs the
// tests that it concerns. They follow each other in one folder, so that each compiles only what it changes.
func TestChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the repository with each change")
	}
	root := repository(t)
	in, err := copyTree(t.Context(), root, filepath.Join(root, "bin", "changes", "tried"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(in.seenAt(root), os.MkdirAll(filepath.Join(root, linked), 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes(t) {
		t.Run(c.name, func(t *testing.T) {
			if err := c.try(root, in); err != nil {
				t.Error(err)
			}
		})
	}
}

// try makes the change in a tree, and leaves it as it was.
func (c change) try(root string, in *tree) (err error) {
	if len(c.files) > c.goal {
		return fmt.Errorf("%d files are written by hand, %d are the goal: %s", len(c.files), c.goal,
			strings.Join(c.files, " "))
	}
	in.linked = path.Join(linked, c.name)
	start, err := in.git("rev-parse", "HEAD")
	if err != nil {
		return err
	}
	defer func() {
		if _, failed := in.git("reset", "--quiet", "--hard", strings.TrimSpace(start)); failed != nil {
			err = errors.Join(err, failed)
		}
		if _, failed := in.git("clean", "--quiet", "-d", "--force"); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	if _, err := in.git("apply", "--whitespace=nowarn", c.path(root)); err != nil {
		return fmt.Errorf("the code that the change is for has changed. \"make change CHANGE=%s\" opens it in a "+
			"copy; mend it there, and keep it with \"make change CHANGE=%s KEEP=yes\": %w", c.name, c.name, err)
	}
	if err := in.commit("by hand"); err != nil {
		return err
	}
	for _, line := range c.generate {
		if err := in.run(line); err != nil {
			return err
		}
	}
	generated, err := in.changed()
	if err != nil {
		return err
	}
	if err := c.compareGenerated(generated); err != nil {
		return err
	}
	var packages []string
	for _, module := range []string{"app", "infra", "plan"} {
		if slices.ContainsFunc(c.files, func(file string) bool { return strings.HasPrefix(file, module+"/") }) {
			packages = append(packages, "./"+module+"/...")
		}
	}
	lines := c.tests
	if len(packages) > 0 {
		lines = append([]string{"GOWORK=off go -C tools run ./typecheck " + strings.Join(packages, " ")}, lines...)
	}
	for _, line := range lines {
		if err := in.run(line); err != nil {
			return err
		}
	}
	return nil
}

// compareGenerated compares the files that commands wrote with those that the change names.
func (c change) compareGenerated(files []string) error {
	var faults []error
	used := map[string]bool{}
	for _, file := range files {
		i := slices.IndexFunc(c.generated, func(pattern string) bool {
			matched, err := path.Match(pattern, file)
			return err == nil && matched
		})
		if i < 0 {
			faults = append(faults, fmt.Errorf("%s is generated, and \"Generated\" does not name it", file))
			continue
		}
		used[c.generated[i]] = true
	}
	for _, pattern := range c.generated {
		if !used[pattern] {
			faults = append(faults, fmt.Errorf("\"Generated\" names %s, which stays as it is", pattern))
		}
	}
	return errors.Join(faults...)
}

// TestPage: docs/ten-changes.md has the table that the patches make up, and each change's section names the files that
// it writes and the commands that follow. GOWORK=off go -C tools test ./changes -run '^TestPage$' -update writes the
// table anew.
func TestPage(t *testing.T) {
	root := repository(t)
	raw, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	all := changes(t)
	const from, to = "<!-- changes -->\n", "\n<!-- /changes -->"
	before, rest, begins := strings.Cut(text, from)
	have, after, ends := strings.Cut(rest, to)
	if !begins || !ends {
		t.Fatalf("%s has no table between %q and %q", page, from, to)
	}
	want := "\n" + changeTable(all)
	switch {
	case have == want:
	case *update:
		if err := os.WriteFile(filepath.Join(root, page), []byte(before+from+want+to+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has the table\n%s\nwant\n%s\n-update writes it anew", page, have, want)
	}
	if len(all) != 10 {
		t.Errorf("there are %d changes, want ten", len(all))
	}
	for _, c := range all {
		_, section, found := strings.Cut(after, "\n## "+c.title+"\n")
		if !found {
			t.Errorf("%s has no section %q", page, c.title)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for _, named := range slices.Concat(c.files, c.generate, c.tests, []string{c.name + ".patch"}) {
			if !strings.Contains(section, named) {
				t.Errorf("%s, %q does not name %s", page, c.title, named)
			}
		}
	}
}

func changeTable(all []change) string {
	var b strings.Builder
	b.WriteString("| Change | Files, at most | Written by hand | Generated |\n| --- | --- | --- | --- |\n")
	list := func(names, created []string) string {
		var cells []string
		for _, name := range names {
			if slices.Contains(created, name) {
				cells = append(cells, "new: "+name) // no reference yet to a file that exists
				continue
			}
			cells = append(cells, "`"+name+"`")
		}
		return cmp.Or(strings.Join(cells, "<br>"), "nothing")
	}
	for _, c := range all {
		anchor := strings.ReplaceAll(strings.ToLower(strings.ReplaceAll(c.title, ",", "")), " ", "-")
		fmt.Fprintf(&b, "| [%s](#%s) | %d of %d | %s | %s |\n", c.title, anchor, len(c.files), c.goal,
			list(c.files, c.created), list(c.generated, nil))
	}
	return b.String()
}

// TestSeen: commands run in the copy, with what is installed, also where they see it in place of the repository, and
// change nothing there.
func TestSeen(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "bin", "copy")
	for name, text := range map[string]string{"a": "repository", ".gitignore": "/bin/\n/.tools\nnode_modules\n",
		".tools/bin/it": "tool", "tools/node_modules/it": "module", linked + "/it": "link", "tools/b": ""} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755),
			os.WriteFile(filepath.Join(root, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (&tree{dir: root, ctx: t.Context()}).git("init", "--quiet"); err != nil {
		t.Fatal(err)
	}
	in, err := copyTree(t.Context(), root, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.seenAt(root); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	line := `echo "$(cat a .tools/bin/it tools/node_modules/it ` + linked + `/it) in $PWD" >said`
	if err := in.run(line); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(filepath.Join(dir, "said"))
	if want := "copytoolmodulelink in " + cmp.Or(in.at, dir) + "\n"; string(said) != want || err != nil {
		t.Errorf("it says %q, %v, want %q", said, err, want)
	}
	if _, err := os.Stat(filepath.Join(root, "said")); err == nil {
		t.Error("the repository is changed")
	}
	if files, err := in.changed(); !slices.Equal(files, []string{"a", "said"}) || err != nil {
		t.Errorf("the copy differs in %q, %v", files, err)
	}
	if err := in.run("exit 3"); err == nil {
		t.Error("a command that fails is one that does not")
	}
}

// TestLinked: tests are linked again only if they differ, and run each time.
func TestLinked(t *testing.T) {
	dir := t.TempDir()
	write := func(test string) {
		t.Helper()
		for name, text := range map[string]string{"go.mod": "module it.example\n\ngo 1.26\n",
			"it_test.go": "package it\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\n" +
				"func TestIt(t *testing.T) {\n\t" + test + "\n}\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	in := &tree{dir: dir, ctx: t.Context(), linked: "kept/here"}
	var was fs.FileInfo
	for i, c := range []struct {
		test   string
		same   bool
		failed bool
	}{
		{test: `if os.Chdir("absent") == nil { t.Error() }`},
		{test: `if os.Chdir("absent") == nil { t.Error() }`, same: true},
		{test: `if os.Chdir("absent") != nil { t.Error() }`, failed: true},
		{test: `if os.Chdir("absent") != nil { t.Error() }`, failed: true, same: true},
	} {
		write(c.test)
		if err := in.run("go test -count=1 ."); (err != nil) != c.failed {
			t.Errorf("%d: %v", i, err)
		}
		is, err := os.Stat(filepath.Join(dir, "kept", "here", "it.example.test"))
		if err != nil {
			t.Fatal(err)
		}
		if was != nil && os.SameFile(was, is) != c.same {
			t.Errorf("%d: it is linked again: %t", i, c.same)
		}
		was = is
	}
}

// TestRead: a patch file that lacks something is refused, and what one says is read.
func TestRead(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, patches), 0o755); err != nil {
		t.Fatal(err)
	}
	const diff = "\ndiff --git a/x/a.go b/x/a.go\n--- a/x/a.go\n+++ b/x/a.go\n@@ -1 +1 @@\n-a\n+b\n" +
		"diff --git a/b.md b/b.md\nnew file mode 100644\n"
	for name, text := range map[string]string{
		"no-diff": "Change: A\nGoal: 1\nTest: go test ./x\n",
		"no-test": "Change: A\nGoal: 1\nTest: true\n" + diff,
		"no-goal": "Change: A\nTest: go test ./x\n" + diff,
		"number":  "Change: A\nGoal: few\nTest: go test ./x\n" + diff,
		"unknown": "Change: A\nGoal: 1\nTest: go test ./x\nOwner: me\n" + diff,
	} {
		if err := os.WriteFile((change{name: name}).path(root), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := readChange(root, name); err == nil {
			t.Errorf("%s is read as %+v", name, c)
		}
	}
	text := "Change: A\nGoal: 2\nGenerate: make it\nGenerated: a b/*\nTest: go test ./x: y\n" + diff
	if err := os.WriteFile((change{name: "good"}).path(root), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readChange(root, "good")
	if err != nil {
		t.Fatal(err)
	}
	want := change{name: "good", title: "A", goal: 2, files: []string{"x/a.go", "b.md"},
		created: []string{"b.md"}, generate: []string{"make it"}, generated: []string{"a", "b/*"},
		tests: []string{"go test ./x: y"}}
	if fmt.Sprint(c) != fmt.Sprint(want) {
		t.Errorf("read %+v, want %+v", c, want)
	}
	if err := c.compareGenerated([]string{"a", "b/c"}); err != nil {
		t.Error(err)
	}
	for _, files := range [][]string{{"a"}, {"a", "b/c", "d"}} {
		if c.compareGenerated(files) == nil {
			t.Errorf("%q pass for %q", files, c.generated)
		}
	}
}
