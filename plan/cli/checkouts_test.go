package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLargeFiles: of files that Git LFS keeps, base has pointers where the work tree has them, and content where that
// is here. Nothing is fetched.
func TestLargeFiles(t *testing.T) {
	object := func(text string) (digest, pointer string) {
		sum := sha256.Sum256([]byte(text))
		digest = hex.EncodeToString(sum[:])
		return digest, fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", digest,
			len(text))
	}
	_, same := object("the same")
	digest, was := object("as it was")
	_, is := object("as it is")
	_, away := object("elsewhere")
	dir := committed(t, map[string]string{".gitattributes": "*.bin filter=lfs\n", "same.bin": same, "changed.bin": was,
		"away.bin": away, "pointer.bin": was})
	// As git lfs install has it, with a server that has nothing.
	gitIn(t, dir, "config", "filter.lfs.smudge", `sh -c 'test "$GIT_LFS_SKIP_SMUDGE" = 1 && cat'`)
	gitIn(t, dir, "config", "filter.lfs.required", "true")
	stored := filepath.Join(dir, ".git", "lfs", "objects", digest[:2], digest[2:4])
	if err := os.MkdirAll(stored, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{filepath.Join(stored, digest): "as it was",
		filepath.Join(dir, "same.bin"): "the same", filepath.Join(dir, "changed.bin"): "as it is",
		filepath.Join(dir, "pointer.bin"): is} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	base := filepath.Join(t.TempDir(), "base")
	if _, err := checkOut(t.Context(), dir, "main", base); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"same.bin": "the same", "changed.bin": "as it was", "away.bin": away,
		"pointer.bin": was} {
		if got, err := os.ReadFile(filepath.Join(base, name)); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "away.bin"), []byte("elsewhere"), 0o644); err != nil { // git lfs pull
		t.Fatal(err)
	}
	if _, err := checkOut(t.Context(), dir, "main", base); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(base, "away.bin")); string(got) != "elsewhere" {
		t.Errorf("what is fetched later: %q, %v", got, err)
	}
}

// TestSparse: what a sparse checkout leaves out is not taken for deleted, and a change in it is told. Without a root,
// it is the repository's, from any folder.
func TestSparse(t *testing.T) {
	dir := committed(t, map[string]string{"go.mod": "module example.org/it\n\ngo 1.26\n",
		"a/Pulumi.yaml": "name: a\nruntime: go\n", "a/main.go": "package main\n\nfunc main() {}\n",
		"b/Pulumi.yaml": "name: b\nruntime: go\n", "b/main.go": "package main\n\nfunc main() {}\n",
		"c/Pulumi.yaml": "name: c\nruntime: nodejs\n", "c/index.ts": ""})
	gitIn(t, dir, "checkout", "--quiet", "-b", "change")
	replaceIn(t, dir, "b/main.go", "{}", "{ println() }")
	gitIn(t, dir, "commit", "--quiet", "--all", "--message", "second")
	planOf(t, dir) // as a whole, which is kept
	gitIn(t, dir, "sparse-checkout", "set", "a")
	t.Chdir(filepath.Join(dir, "a"))
	var out, log bytes.Buffer
	if status := Run(t.Context(), Project{}, []string{"--base", "main"}, &out, &log); status == StatusFailed {
		t.Fatal(log.String())
	}
	says(t, "a sparse checkout", out.String(), "Project `b` in `b` is not looked at: `it is outside of this sparse "+
		"checkout`. **The change touches it, and nothing here judges that.**",
		"Project `c` in `c` is not looked at: `it is outside of this sparse checkout`.\n")
	if strings.Contains(out.String(), "dropped") {
		t.Errorf("it tells that something is gone:\n%s", out.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "a", ".stackplan")); err == nil {
		t.Error("it took the folder for the repository's root")
	}
}

// TestCrissCross: where two branches merged each other, what they are compared by is told to be one of several.
func TestCrissCross(t *testing.T) {
	dir := committed(t, map[string]string{"a.txt": "a\n"})
	gitIn(t, dir, "checkout", "--quiet", "-b", "change")
	gitIn(t, dir, "commit", "--quiet", "--allow-empty", "--message", "mine")
	gitIn(t, dir, "branch", "mine")
	gitIn(t, dir, "checkout", "--quiet", "main")
	gitIn(t, dir, "commit", "--quiet", "--allow-empty", "--message", "theirs")
	gitIn(t, dir, "branch", "theirs")
	gitIn(t, dir, "merge", "--quiet", "--no-edit", "mine")
	gitIn(t, dir, "checkout", "--quiet", "change")
	for want, merged := range []string{"theirs", "main"} {
		gitIn(t, dir, "merge", "--quiet", "--no-edit", merged)
		it, err := checkOut(t.Context(), dir, "main", filepath.Join(t.TempDir(), "base"))
		if err != nil || len(it.notes) != 1-want {
			t.Errorf("after merging %s: %v, %v", merged, it, err)
		}
	}
}

// TestByItself: a program of the Automation API is named as not looked at, and counted where what it is made of
// changes.
func TestByItself(t *testing.T) {
	const by = "package main\n\nimport (\n\t_ \"github.com/pulumi/pulumi/sdk/v3/go/auto\"\n\t_ " +
		"\"example.org/it/lib\"\n)\n"
	mod := "module example.org/it\n\ngo 1.26\n"
	alone := committed(t, map[string]string{"go.mod": mod, "main.go": by})
	if status, out, _ := planOf(t, alone); status != StatusFailed {
		t.Errorf("alone: status %d", status)
	} else {
		says(t, "alone", out, "no project here can be looked at: main in the root folder: it runs stacks by itself")
	}
	dir := committed(t, map[string]string{"go.mod": mod, "a/Pulumi.yaml": "name: a\nruntime: go\n",
		"a/main.go": "package main\n\nfunc main() {}\n", "deploy/main.go": by, "lib/lib.go": "package lib\n",
		"test/x_test.go": by})
	const named = "Project `deploy` in `deploy` is not looked at: `it runs stacks by itself"
	_, out, _ := planOf(t, dir)
	says(t, "beside another", out, named)
	if strings.Contains(out, "The change touches it") || strings.Contains(out, "`test`") {
		t.Errorf("beside another: it says more:\n%s", out)
	}
	replaceIn(t, dir, "lib/lib.go", "package lib\n", "package lib\n\nvar Size int\n")
	_, out, _ = planOf(t, dir)
	says(t, "what it imports", out, named, "**The change touches it, and nothing here judges that.**")
}

// TestCopiedProject: a copy of a project takes no stacks from the one that it was made of, though both have one name.
func TestCopiedProject(t *testing.T) {
	dir := committed(t, map[string]string{"go.mod": "module example.org/it\n\ngo 1.26\n",
		"a/Pulumi.yaml": "name: it\nruntime: go\n", "a/main.go": "package main\n\nfunc main() {}\n"})
	if err := os.CopyFS(filepath.Join(dir, "b"), os.DirFS(filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	_, out, _ := planOf(t, dir)
	says(t, "a copy", out, "it in a/dev", "it in b/dev")
	if strings.Contains(out, "dropped") {
		t.Errorf("a copy: something is gone:\n%s", out)
	}
}

// TestBrokenModule: a go.mod that Go does not read is why one program does not compile, and of base no reason to look
// at nothing.
func TestBrokenModule(t *testing.T) {
	dir := committed(t, map[string]string{"a/go.mod": "module example.org/it\n\ngo 1.26\n",
		"a/Pulumi.yaml": "name: it\nruntime: go\n", "a/main.go": "package main\n\nfunc main() {}\n"})
	replaceIn(t, dir, "a/go.mod", "go 1.26\n", "go 1.26\n\nrequire example.org/x v2.1.1\n")
	const wrong = "a/go.mod:5: require example.org/x: version \"v2.1.1\" invalid: should be v0 or v1, not v2"
	status, out, _ := planOf(t, dir)
	if status != StatusProgram {
		t.Errorf("of the change: status %d", status)
	}
	says(t, "of the change", out, "## Plan: the program does not compile", wrong)
	gitIn(t, dir, "commit", "--quiet", "--all", "--message", "second")
	replaceIn(t, dir, "a/go.mod", "\nrequire example.org/x v2.1.1\n", "")
	if status, out, _ = planOf(t, dir); status != StatusProgram {
		t.Errorf("of base: status %d", status)
	}
	says(t, "of base", out, "**Nothing is compared:** the program of main")
}
