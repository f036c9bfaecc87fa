package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// small is a repository that has one of each.
var small = map[string]string{
	"Pulumi.yaml":          "name: ledger\ndescription: Ledger, an application\nruntime: go\n",
	"app/api/openapi.yaml": "openapi: 3.1.0\ninfo:\n  title: Ledger\n",
	"app/go.mod":           "module ledger.example/app\n\ngo 1.26.0\n",
	"app/go.sum":           "example.org/ledger v1.0.0 h1:ledger=\n",
	"app/cmd/ledger/main.go": `// Ledger keeps accounts.
package main

import (
	"ledger.example/app"
	"ledger.example/zoo"

	"aaa.example/zoo"
	ledger "ledger.example/app/web"
)

// wide and ledgerWide are aligned.
var (
	wide       = zoo.Wide
	ledgerWide = ledger.Wide
)
`,
	"infra/go.mod": `module ledger.example/infra

go 1.26.0

require (
	example.org/books v1.0.0
	ledger.example/app v0.0.0
)

replace ledger.example/app => ../app
`,
	"run":                            "#!/bin/sh\nexec ledger serve\n",
	"picture.png":                    "\x89PNG\x00ledger",
	"ca.pem":                         "YXRsYXM/atlas/quay=\n",
	"app/staff/common-passwords.txt": "atlas\nquay\n",
	"LICENSE":                        "Copyright (c) The Ledger authors\n",
	"words.md":                       "# Ledger\n\nSeveral Ledgers. Not a harbor.\n",
	".gitignore":                     "bin/\n",
}

// checkout makes a repository of Git with the files.
func checkout(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	fill(t, root, files)
	return root
}

// fill makes a folder a repository of Git with the files.
func fill(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		write(t, filepath.Join(root, name), text, mode)
	}
	gitDo(t, root, "init", "--quiet")
	commit(t, root)
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func gitDo(t *testing.T, root string, args ...string) string {
	t.Helper()
	args = append([]string{"-C", root, "-c", "user.name=test", "-c", "user.email=test@example.org",
		"-c", "core.autocrlf=false", "-c", "commit.gpgsign=false"}, args...)
	out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func commit(t *testing.T, root string) {
	t.Helper()
	gitDo(t, root, "add", "--all")
	gitDo(t, root, "commit", "--quiet", "--message", "State")
}

// calls runs the program as "make new" does.
func calls(t *testing.T, root string, args ...string) (string, error) {
	t.Helper()
	var said bytes.Buffer
	err := run(t.Context(), append([]string{"--root", root}, args...), &said, &said)
	return said.String(), err
}

func content(t *testing.T, root, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRename(t *testing.T) {
	root := checkout(t, small)
	said, err := calls(t, root, "--name", "atlas", "--module", "github.com/atlas/maps", "--title", "Atlas Maps")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Pulumi.yaml": "name: atlas\ndescription: Atlas Maps, an application\nruntime: go\n",
		"app/go.sum":  small["app/go.sum"], "LICENSE": small["LICENSE"], "picture.png": small["picture.png"],
		"run":      "#!/bin/sh\nexec atlas serve\n",
		"words.md": "# Atlas Maps\n\nSeveral Ledgers. Not a harbor.\n",
		"infra/go.mod": `module github.com/atlas/maps/infra

go 1.26.0

require (
	example.org/books v1.0.0
	github.com/atlas/maps/app v0.0.0
)

replace github.com/atlas/maps/app => ../app
`,
		"app/cmd/atlas/main.go": `// Atlas Maps keeps accounts.
package main

import (
	"atlas.example/zoo"
	"github.com/atlas/maps/app"

	"aaa.example/zoo"
	atlas "github.com/atlas/maps/app/web"
)

// wide and atlasWide are aligned.
var (
	wide      = zoo.Wide
	atlasWide = atlas.Wide
)
`,
	} {
		if got := content(t, root, name); got != want {
			t.Errorf("%s is now\n%s\nwant\n%s", name, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "app/cmd/ledger")); !os.IsNotExist(err) {
		t.Errorf("the folder app/cmd/ledger is still there: %v", err)
	}
	if info, err := os.Stat(filepath.Join(root, "run")); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("run cannot be run any more: %v, %v", info.Mode(), err)
	}
	for _, want := range []string{
		"Renamed ledger to atlas, the modules below ledger.example to github.com/atlas/maps, and",
		`"Ledger" to "Atlas Maps": 7 files changed, 1 moved.`, "part of other words. Check each:\n  words.md:3\n",
		"\n  LICENSE keeps its notice",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}

	// Away from the new names as well as from the old.
	commit(t, root)
	if _, err := calls(t, root, "--name", "quay", "--module", "quay.example"); err != nil {
		t.Fatal(err)
	}
	directly := strings.NewReplacer("Ledger", "Quay", "ledger", "quay").Replace(small["app/cmd/ledger/main.go"])
	if got := content(t, root, "app/cmd/quay/main.go"); squeezed(got) != squeezed(directly) {
		t.Errorf("after a second renaming it is\n%s\nwant\n%s", got, directly)
	}
	for _, name := range []string{"ca.pem", "app/staff/common-passwords.txt"} {
		if got := content(t, root, name); got != small[name] {
			t.Errorf("%s is now %q", name, got)
		}
	}
	if got, want := content(t, root, "words.md"), "# Quay\n\nSeveral Ledgers. Not a harbor.\n"; got != want {
		t.Errorf("after a second renaming it is %q, want %q", got, want)
	}
}

// squeezed is text without the spaces by which gofmt aligns.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// What gzip made is renamed as what it holds; what only has such a name stays.
func TestCompressed(t *testing.T) {
	packed, err := compress("ledger-network: Ledger\n")
	if err != nil {
		t.Fatal(err)
	}
	files := maps.Clone(small)
	files["state.gz"], files["broken.gz"] = string(packed), "ledger"
	root := checkout(t, files)
	said, err := calls(t, root, "--name", "atlas", "--module", "github.com/atlas/maps", "--title", "Atlas Maps")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	got, err := uncompress([]byte(content(t, root, "state.gz")))
	if want := "atlas-network: Atlas Maps\n"; string(got) != want || err != nil {
		t.Errorf("it holds %q, %v, want %q", got, err, want)
	}
	if got := content(t, root, "broken.gz"); got != "ledger" {
		t.Errorf("what gzip did not make is now %q", got)
	}
}

func TestRefusals(t *testing.T) {
	root := checkout(t, small)
	name := func(name string) []string { return []string{"--name", name, "--module", "github.com/acme/files"} }
	path := func(path string) []string { return []string{"--name", "acme", "--module", path} }
	title := func(title string) []string { return append(name("acme"), "--title", title) }
	for _, c := range []struct {
		what string
		args []string
		want string
	}{
		{"no name", []string{"--module", "github.com/acme/files"}, "NAME and MODULE are needed: make new NAME=acme"},
		{"no module", []string{"--name", "acme"}, "NAME and MODULE are needed"},
		{"a stray word", append(name("acme"), "files"), `unexpected argument "files"`},
		{"a hyphen", name("acme-files"), "which take no hyphen"},
		{"capitals", name("Acme"), "must be three or more lower-case letters and digits"},
		{"a digit first", name("3com"), "a letter first"},
		{"two letters", name("ab"), "three or more"},
		{"too long", name("acmeholding"),
			"at most 10 are allowed: the administrator of an RDS database, <name>_admin, has at most 16"},
		{"a keyword", name("chan"), "a keyword or predeclared in Go"},
		{"predeclared", name("uint"), "a keyword or predeclared in Go"},
		{"a user of Linux", name("nobody"), "is a user or a service of Amazon Linux"},
		{"what Parameter Store refuses", name("ssmthing"), "must not begin with aws or ssm"},
		{"a word in use", name("harbor"), "the repository already uses this word (words.md:3)"},
		{"a folder in use", name("cmd"), "the repository already uses this word (app/cmd/ledger/main.go)"},
		{"an address", path("https://github.com/acme/files"), "files: not a valid module path"},
		{"no host", path("acme/files"), "missing dot in first path element"},
		{"a slash at the end", path("github.com/acme/"), "not a valid module path"},
		{"a version", path("github.com/acme/files/v2"), "ends in a version"},
		{"a module in use", path("example.org/books"), "for something else (infra/go.mod:6)"},
		{"quotes in a title", title(`"Acme"`), "must be at most 40 ASCII letters"},
		{"a long title", title("A" + strings.Repeat("a", 40)), "must be at most 40 ASCII letters"},
		{"a title in use", title("Several"), "the repository already has it (words.md:3)"},
		{"all at once", []string{"--name", "Acme", "--module", "acme", "--title", "<b>"}, "MODULE=acme"},
		{"nothing to do", []string{"--name", "ledger", "--module", "ledger.example"},
			"the project is already called that"},
	} {
		t.Run(c.what, func(t *testing.T) {
			said, err := calls(t, root, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: it says %v, want %q\n%s", c.args, err, c.want, said)
			}
		})
	}
	if changes := gitDo(t, root, "status", "--porcelain"); changes != "" {
		t.Errorf("it refused, and changed\n%s", changes)
	}
}

// A checkout is renamed whole or not at all.
func TestUnfitCheckouts(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(t *testing.T, root string) (at string)
		want   string
	}{
		{"a change", func(t *testing.T, root string) string {
			write(t, filepath.Join(root, "run"), "changed", 0o755)
			return root
		}, "uncommitted changes ( M run); commit or stash them"},
		{"a new file", func(t *testing.T, root string) string {
			write(t, filepath.Join(root, "new"), "", 0o644)
			return root
		}, "uncommitted changes (?? new)"},
		{"a folder of it", func(_ *testing.T, root string) string {
			return filepath.Join(root, "app")
		}, "is not the root of a checkout"},
		{"no checkout", func(t *testing.T, _ string) string { return t.TempDir() }, "use a clone of the repository"},
		{"another repository", func(t *testing.T, _ string) string {
			return checkout(t, map[string]string{"README": "Hello"})
		}, "the checkout has no Pulumi.yaml"},
		{"modules that do not agree", func(t *testing.T, root string) string {
			write(t, filepath.Join(root, "infra/go.mod"), "module example.org/infra\n", 0o644)
			commit(t, root)
			return root
		}, "infra/go.mod: the module's path must be that of the others with its folder, ledger.example/infra"},
		{"a file in the way", func(t *testing.T, root string) string {
			write(t, filepath.Join(root, "app/cmd/atlas/main.go"), "package main\n", 0o644)
			write(t, filepath.Join(root, ".gitignore"), "app/cmd/a*/\n", 0o644)
			commit(t, root)
			return root
		}, "the file app/cmd/atlas/main.go exists; remove it"},
	} {
		t.Run(c.what, func(t *testing.T) {
			at := c.change(t, checkout(t, small))
			said, err := calls(t, at, "--name", "atlas", "--module", "github.com/atlas/maps")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %q\n%s", err, c.want, said)
			}
		})
	}
}
