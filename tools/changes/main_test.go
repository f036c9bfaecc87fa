package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	small = "04-small"
	head  = "Change: A\nGoal: 1\nTest: go test ./x\n\n"
	// The offset of the hunk is not the one that Git would write.
	patch = head + "diff --git a/a.md b/a.md\n--- a/a.md\n+++ b/a.md\n@@ -3,3 +3,3 @@\n one\n-two\n+2\n three\n"
)

// opening is a repository with a change, and what calls the command there.
type opening struct {
	*testing.T
	root string
}

func newOpening(t *testing.T) opening {
	t.Helper()
	o := opening{t, t.TempDir()}
	for name, text := range map[string]string{".gitignore": "/bin/\n", "a.md": "one\ntwo\nthree\n", "docs/b.txt": "b\n",
		patches + "/" + small + ".patch": patch, patches + "/05-other.patch": patch} {
		o.write(name, text)
	}
	if _, err := (&tree{dir: o.root, ctx: t.Context()}).git("init", "--quiet"); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o opening) write(name, text string) {
	o.Helper()
	name = filepath.Join(o.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		o.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		o.Fatal(err)
	}
}

// has fails the test unless a file has that text.
func (o opening) has(name, want string) {
	o.Helper()
	if got, err := os.ReadFile(filepath.Join(o.root, name)); string(got) != want || err != nil {
		o.Errorf("%s has\n%s\n%v, want\n%s", name, got, err, want)
	}
}

// does fails the test unless the command does that, and says so.
func (o opening) does(said string, args ...string) {
	o.Helper()
	var out bytes.Buffer
	if err := run(o.Context(), o.root, args, &out); err != nil || !strings.Contains(out.String(), said) {
		o.Errorf("%q: %v, and it says %q, want %q", args, err, out.String(), said)
	}
}

// refuses fails the test unless the command fails, and says all of that.
func (o opening) refuses(args []string, said ...string) {
	o.Helper()
	var out bytes.Buffer
	err := run(o.Context(), o.root, args, &out)
	for _, want := range said {
		if err == nil || !strings.Contains(err.Error(), want) {
			o.Errorf("%q: %v, want %q\n%s", args, err, want, out.String())
		}
	}
}

const copied = "bin/changes/open/" + small + "/"

// TestNames: only the name of a change opens or keeps anything, and nothing is removed or written for another.
func TestNames(t *testing.T) {
	o := newOpening(t)
	o.write("bin/changes/open/05-other/a.md", "edited")
	o.write("docs.patch", patch)
	for _, name := range []string{"", ".", "..", "../../../docs", "04", small + "/", small + ".patch", "04-absent",
		"05-other/../" + small, "../../../../docs"} {
		for _, do := range []string{"open", "keep"} {
			want := "CHANGE=" + name + ": not the name of a change"
			if name == "" {
				want = "CHANGE is needed, as in make change CHANGE="
			}
			o.refuses([]string{do, name}, want, "choose one of\n  04-small\n  05-other")
		}
	}
	o.has("docs/b.txt", "b\n")
	o.has("bin/changes/open/05-other/a.md", "edited")
	if made, err := filepath.Glob(filepath.Join(o.root, patches, "*")); len(made) != 2 || err != nil {
		t.Errorf("there are %q, %v", made, err)
	}
	o.refuses([]string{"close", small}, "neither open nor keep")
	o.refuses([]string{"open"}, "usage: open CHANGE")
}

// TestOpen: a copy is made anew unless it has edits.
func TestOpen(t *testing.T) {
	o := newOpening(t)
	const changed = "one\n2\nthree\n"
	o.does("has the tree with the change", "open", small)
	o.has(copied+"a.md", changed)
	o.write("docs/b.txt", "c\n")
	o.does("has the tree with the change", "open", small)
	o.has(copied+"docs/b.txt", "c\n")

	for name, text := range map[string]string{"a.md": "one\n3\nthree\n", "new.md": "new"} {
		before, err := os.ReadFile(filepath.Join(o.root, copied+name))
		o.write(copied+name, text)
		o.refuses([]string{"open", small}, "has edits", "KEEP=yes", "rm -r "+filepath.Join(o.root, copied))
		o.has(copied+name, text)
		if err == nil {
			o.write(copied+name, string(before))
		} else if err := os.Remove(filepath.Join(o.root, copied+name)); err != nil {
			t.Fatal(err)
		}
	}
	o.does("has the tree with the change", "open", small)

	// Of a folder that is no copy, nothing is known.
	if err := os.RemoveAll(filepath.Join(o.root, copied, ".git")); err != nil {
		t.Fatal(err)
	}
	o.refuses([]string{"open", small}, "is in the way", "rm -r ")
	o.refuses([]string{"keep", small}, "is no copy that was opened")
	o.has(copied+"a.md", changed)
}

// TestKeep: edits get into the patch, and nothing else changes it.
func TestKeep(t *testing.T) {
	o := newOpening(t)
	const file = patches + "/" + small + ".patch"
	o.refuses([]string{"keep", small}, "open the change first (make change CHANGE=04-small)")
	o.does("", "open", small)
	o.does("the patch stays as it is", "keep", small)
	o.has(file, patch)

	o.write(copied+"a.md", "one\n3\nthree\n")
	const kept = head + "diff --git a/a.md b/a.md\n--- a/a.md\n+++ b/a.md\n@@ -1,3 +1,3 @@\n one\n-two\n+3\n three\n"
	o.does("is written anew", "keep", small)
	o.has(file, kept)
	// What is kept may be opened again.
	o.does("has the tree with the change", "open", small)
	o.has(copied+"a.md", "one\n3\nthree\n")

	o.write(copied+"a.md", "one\ntwo\nthree\n")
	o.refuses([]string{"keep", small}, "nothing of the change is left")
	o.has(file, kept)
}

// TestMisfits: what no longer fits is not lost from the patch before somebody finished it.
func TestMisfits(t *testing.T) {
	o := newOpening(t)
	const file = patches + "/" + small + ".patch"
	o.write("a.md", "one\n\nthree\n")
	o.does("the rest is in files *.rej", "open", small)
	o.refuses([]string{"keep", small}, "finish it there first", "a.md.rej")
	o.has(file, patch)
	o.write(copied+"a.md", "one\n2\nthree\n")
	o.does("is written anew", "keep", small)
	o.has(file, head+"diff --git a/a.md b/a.md\n--- a/a.md\n+++ b/a.md\n@@ -1,3 +1,3 @@\n one\n-\n+2\n three\n")
}
