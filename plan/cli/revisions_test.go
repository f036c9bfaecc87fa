package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dossier.example/plan"
)

// TestWhole: base has all files of its commit as they are, also those that git leaves out of archives or writes into.
func TestWhole(t *testing.T) {
	files := map[string]string{".gitattributes": "infra export-ignore\nabout.txt export-subst\n",
		"about.txt": "$Format:%H$\n", "infra/Pulumi.yaml": "name: it\nruntime: go\n", "infra/deep/ü ö.txt": "x\n",
		"infra/empty": "", "other.txt": "y"}
	dir := committed(t, files)
	script := filepath.Join(dir, "infra", "run")
	if err := errors.Join(os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755),
		os.Symlink("Pulumi.yaml", filepath.Join(dir, "infra", "link"))); err != nil {
		t.Skipf("this system has no links: %v", err)
	}
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "--quiet", "--message", "second")
	base := filepath.Join(t.TempDir(), "base")
	if _, err := checkOut(t.Context(), dir, "main", base); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(base, filepath.FromSlash(name))); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if info, err := os.Stat(filepath.Join(base, "infra", "run")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("an executable: %v, %v", info, err)
	}
	if to, err := os.Readlink(filepath.Join(base, "infra", "link")); to != "Pulumi.yaml" {
		t.Errorf("a link: %q, %v", to, err)
	}
}

// TestForeignRepository: files of a change that look like a repository have git start nothing, neither in the place of
// a submodule nor in the root folder.
func TestForeignRepository(t *testing.T) {
	library := committed(t, map[string]string{"one.txt": "one"})
	dir := committed(t, map[string]string{"main.txt": "one"})
	gitIn(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "deep/library")
	gitIn(t, dir, "commit", "--quiet", "--message", "second")
	started := filepath.Join(t.TempDir(), "started")
	for _, at := range []string{"deep/library", "root"} {
		to := filepath.Join(dir, filepath.FromSlash(at))
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		from := library
		if at == "root" {
			from = dir
		}
		gitIn(t, dir, "clone", "--quiet", "--bare", from, to)
		gitIn(t, to, "config", "filter.it.smudge", "touch '"+started+"'; cat")
		if err := errors.Join(os.MkdirAll(filepath.Join(to, "info"), 0o755),
			os.WriteFile(filepath.Join(to, "info", "attributes"), []byte("* filter=it\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	base := filepath.Join(t.TempDir(), "base")
	if it, err := checkOut(t.Context(), dir, "main", base); err != nil || len(it.notes) != 1 {
		t.Errorf("in the place of a submodule: %v, %v", it, err)
	}
	if _, err := checkOut(t.Context(), filepath.Join(dir, "root"), "main", base+"-root"); err == nil {
		t.Error("in the root folder: it is taken for the repository")
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("git started what the change says")
	}
}

// TestWorkFolder: what plans keep comes from no repository, and lies in no other place.
func TestWorkFolder(t *testing.T) {
	const wrong = ".stackplan is where plans keep what they build, and is in the repository"
	elsewhere := t.TempDir()
	for _, c := range []struct {
		name  string
		place func(dir string) error
		wrong string
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"of a former plan", func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, ".stackplan"), 0o755),
				os.WriteFile(filepath.Join(dir, ".stackplan", ".gitignore"), []byte("*\n"), 0o644))
		}, ""},
		{"what the change has base be", func(dir string) error {
			err := errors.Join(os.Mkdir(filepath.Join(dir, ".stackplan"), 0o755),
				os.WriteFile(filepath.Join(dir, ".stackplan", "base.commit"), []byte("x"), 0o644))
			gitIn(t, dir, "add", "--force", ".stackplan")
			return err
		}, wrong},
		{"the same in other letters", func(dir string) error {
			err := errors.Join(os.Mkdir(filepath.Join(dir, ".StackPlan"), 0o755),
				os.WriteFile(filepath.Join(dir, ".StackPlan", "base.commit"), []byte("x"), 0o644))
			gitIn(t, dir, "add", "--force", ".StackPlan")
			return err
		}, wrong},
		{"a link", func(dir string) error { return os.Symlink(elsewhere, filepath.Join(dir, ".stackplan")) }, wrong},
		{"a file", func(dir string) error { return os.WriteFile(filepath.Join(dir, ".stackplan"), nil, 0o644) }, wrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := committed(t, map[string]string{"main.txt": "one"})
			if err := c.place(dir); err != nil {
				t.Fatal(err)
			}
			_, err := workFolder(t.Context(), dir)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v, want %q", err, c.wrong)
			}
		})
	}
	if left, err := os.ReadDir(elsewhere); len(left) > 0 || err != nil {
		t.Errorf("it wrote %v elsewhere, %v", left, err)
	}
}

// TestNoRevision: where git knows no revision, it is said why.
func TestNoRevision(t *testing.T) {
	outside, empty := t.TempDir(), t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(outside))
	gitIn(t, empty, "init", "--quiet", "--initial-branch=main")
	for dir, want := range map[string]string{
		outside: "name another one with --root, or do what git says: exit status 128: fatal: not a git repository",
		empty:   "this repository has no commit yet",
		committed(t, map[string]string{"a": "b"}): `there is no revision "origin/main" here: fetch it (in a ` +
			"workflow: fetch-depth: 0 for actions/checkout), or name another one with --base",
	} {
		if _, err := leftAt(t.Context(), dir, "origin/main"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	t.Setenv("PATH", outside)
	_, err := leftAt(t.Context(), empty, "main")
	if err == nil || !strings.Contains(err.Error(), "install it (https") ||
		!errors.Is(exec.Command("git").Err, exec.ErrNotFound) {
		t.Errorf("without git: %v", err)
	}
}

// TestPlainly: of what a failed program says, there is left what its author needs, without folders of this machine.
func TestPlainly(t *testing.T) {
	head := t.TempDir()
	base := &program{tree: &tree{dir: filepath.Join(head, ".stackplan", "base"), past: true, head: head}}
	for _, c := range []struct {
		name string
		of   *program
		said string
		want string
	}{
		{"an error", &program{tree: &tree{dir: head}}, "reading " + head + "/a.txt: no such file",
			"reading a.txt: no such file"},
		{"an answer", &program{tree: &tree{dir: head}}, "waiting for RPCs: rpc error: code = Unknown " +
			"desc = reading what aws:lambda/function:Function it takes: rpc error: code = Unknown desc = " +
			"reading a.zip: there is no such file",
			"reading what aws:lambda/function:Function it takes: reading a.zip: there is no such file"},
		{"a panic", &program{tree: &tree{dir: head}}, "panic: boom\n\ngoroutine 1 [running]:\nexample.org/lib.F()\n\t" +
			"/root/go/pkg/mod/example.org/lib@v1/x.go:3 +0x1\nmain.main()\n\t" + head + "/infra/main.go:10 +0x50\n" +
			"main.other()\n\t" + head + "/infra/main.go:90\n", "panic: boom\nat infra/main.go:10"},
		{"a panic elsewhere", &program{tree: &tree{dir: head}},
			"panic: boom\n\ngoroutine 7 [select]:\nx()\n\t/a/b.go:1\n", "panic: boom"},
		{"base, built of the same as head", base, "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t" + head +
			"/main.go:2 +0x5\n", "panic: boom\nat main.go:2"},
		{"base", base, head + "/.stackplan/base/a.txt: no such file", "a.txt: no such file"},
	} {
		if got := c.of.plainly(c.said); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for said, want := range map[string]string{
		"panic: Missing required configuration variable 'web:size'\n\tplease set a value": "web:size",
		"error: missing required configuration variable 'size'; run `pulumi config`":      "size",
	} {
		if got := missingKey.FindStringSubmatch(said); got == nil || got[1] != want {
			t.Errorf("%q lacks %q, want %q", said, got, want)
		}
	}
}

// TestMends: where a program does not compile for want of something around it, what to do is said.
func TestMends(t *testing.T) {
	const fetching = "Fetching what it requires:\n"
	for said, want := range map[string]string{
		"go: go.mod requires go >= 1.99.0 (running go 1.26.8; GOTOOLCHAIN=local)":    "GOTOOLCHAIN=auto",
		"go: download go1.99 for linux/amd64: toolchain not available":               "GOTOOLCHAIN=auto",
		"a.go:4:2: missing go.sum entry for module providing package example.org/x":  "go mod tidy",
		"a.go:4:2: no required module provides package example.org/x; to add it":     "go mod tidy",
		"go: updates to go.mod needed; to update it:":                                "go mod tidy",
		"go: inconsistent vendoring in the repository:":                              "Run go mod vendor",
		fetching + "go: example.org/x@v1: reading https://proxy/x: 404 Not Found":    "GOPRIVATE",
		fetching + "fatal: could not read Username for 'https://github.com': no tty": "GOPRIVATE",
		fetching + "git@github.com: Permission denied (publickey).":                  "GOPRIVATE",
		"e.go:5:12: pattern dist/app.js: no matching files found":                    "commit a file that matches",
		"package example.org/x: build constraints exclude all Go files in x":         "tags of the project",
		"a.go:4:8: example.org/x@v0.0.0: replacement directory ../x does not exist":  "in this repository",
		"no Go files in infra":   "package of the project",
		notMain:                  "package of the project",
		"a.go:3:2: undefined: x": "",
		"a.go:3:2: cannot use \"404 Not Found\" (untyped string constant) as int value": "",
	} {
		c := &compiler{of: &program{tree: &tree{dir: t.TempDir()}}}
		if err := c.fault(said); err != nil {
			t.Fatal(err)
		}
		got := strings.TrimPrefix(c.of.fault.Said, said)
		if c.of.fault.Kind != plan.FaultBuild || !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q: it adds %q, want %q", said, got, want)
		}
	}
}

// missingConfiguration: a program that lacks a key of its configuration is one whose settings cannot be used, and
// which key it is is said.
func missingConfiguration(t *testing.T, dir string) {
	t.Helper()
	status, out, log := planOf(t, dir, "--stack", "needs")
	if status != StatusSettings {
		t.Errorf("status %d\n%s", status, log)
	}
	says(t, "the plan", out, "The program needs the configuration behaving:size, which no file here sets: add it to "+
		"Pulumi.needs.yaml.", "add it to config of the project in stackplan.yaml", "at main.go:")
	if strings.Contains(out, dir) || strings.Contains(out, "goroutine") || strings.Contains(out, "pkg/mod") {
		t.Errorf("it names folders of this machine, or calls: %s", out)
	}
}
