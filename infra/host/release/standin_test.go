package release

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// app is a repository with an app that compiles and authorities.
func app(t *testing.T, source, authorities string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{
		"app/go.mod": "module dossier.example/app\n\ngo 1.26.0\n", "app/cmd/dossier/main.go": source,
		"app/cmd/dossier/main_test.go": "package main\n", "infra/host/release/" + Authorities: authorities,
	} {
		file := filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestSources(t *testing.T) {
	const program = "package main\n\nfunc main() {}\n"
	hash := func(root, arch string) string {
		t.Helper()
		h, err := Sources(t.Context(), root, arch)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	root := app(t, program, "a")
	first := hash(root, "arm64")
	if len(first) != 64 {
		t.Errorf("the hash is %q", first)
	}
	if hash(app(t, program, "a"), "arm64") != first {
		t.Error("another folder gives another hash")
	}
	if err := os.WriteFile(filepath.Join(root, "app/cmd/dossier/main_test.go"), []byte("package main\n\n// Another test.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if hash(root, "arm64") != first {
		t.Error("another test gives another hash")
	}
	for what, other := range map[string]string{
		"another program": hash(app(t, "package main\n\nfunc main() { println() }\n", "a"), "arm64"), "other authorities": hash(app(t, program, "b"), "arm64"),
		"another architecture": hash(root, "amd64"),
	} {
		if other == first {
			t.Errorf("%s gives the same hash", what)
		}
	}
	if _, err := Sources(t.Context(), t.TempDir(), "arm64"); err == nil {
		t.Error("a folder without an app has a hash")
	}
}

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stand-in")
	if err := os.WriteFile(file, []byte("sources"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(file)
	sum := sha256.Sum256([]byte("sources"))
	want := hex.EncodeToString(sum[:])
	if err != nil || r != (Release{Path: file, SHA256: want, Key: "releases/" + want + "/release.tar.gz", Size: 7}) {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is a release")
	}
}
