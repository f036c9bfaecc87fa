//go:build unix

package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"debug/elf"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// repository is this repository's root, seen from this package.
const repository = "../../.."

// cache gives the test a cache folder of its own, beside which Go keeps the one that it has.
func cache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("GOCACHE", strings.TrimSpace(string(out)))
	t.Setenv("XDG_CACHE_HOME", dir)
	if got, err := os.UserCacheDir(); err != nil || got != dir {
		t.Skip("the user's cache folder cannot be set on this system")
	}
	return dir
}

// copyApp copies the app's module into a new repository, with its own times and rights, and returns that repository's
// root.
func copyApp(t *testing.T, mode fs.FileMode, at time.Time) string {
	t.Helper()
	root := t.TempDir()
	from := filepath.Join(repository, "app")
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" || path == filepath.Join(from, "data") {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(root, "app", rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, content, mode); err != nil {
			return err
		}
		return os.Chtimes(to, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func mustBuild(t *testing.T, root, arch string) Release {
	t.Helper()
	r, err := Build(t.Context(), root, arch)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRelease builds this repository's app for each architecture, looks into the releases, and builds one again
// elsewhere.
func TestRelease(t *testing.T) {
	dir := cache(t)
	releases, bytesOf := map[string]Release{}, map[string][]byte{}
	for _, arch := range []string{"arm64", "amd64"} {
		releases[arch] = mustBuild(t, repository, arch)
		bytesOf[arch] = content(t, releases[arch])
	}
	for arch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64} {
		t.Run(arch, func(t *testing.T) { checkContent(t, bytesOf[arch], machine) })
	}
	t.Run("version", func(t *testing.T) { checkVersion(t, releases) })
	t.Run("the same source", func(t *testing.T) {
		if again := buildElsewhere(t); again != releases["arm64"] {
			t.Errorf("the same source gave %+v, then %+v", releases["arm64"], again)
		} else if !bytes.Equal(content(t, again), bytesOf["arm64"]) {
			t.Error("the same source gave other bytes")
		}
	})
	left, err := filepath.Glob(filepath.Join(dir, "dossier", "releases", "*"))
	want := []string{releases["arm64"].Path, releases["amd64"].Path}
	slices.Sort(want)
	if err != nil || !slices.Equal(left, want) {
		t.Errorf("the cache holds %q (%v), want the two releases and nothing else", left, err)
	}
}

// buildElsewhere builds the same source in another folder, by somebody whose machine is set differently.
func buildElsewhere(t *testing.T) Release {
	t.Helper()
	other := copyApp(t, 0o600, time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC))
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for name, value := range map[string]string{
		"TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "SOURCE_DATE_EPOCH": "1",
		"GOFLAGS": "-tags=other -race -mod=mod", "GOEXPERIMENT": "nogreenteagc", "GODEBUG": "http2client=0",
		"GOFIPS140": "latest",
		"GOOS":      "plan9", "GOARCH": "386", "GOAMD64": "v3", "GOARM64": "v9.0", "CGO_ENABLED": "1",
		"CGO_CFLAGS": "-DOTHER", "GO_EXTLINK_ENABLED": "1",
		"GOWORK": filepath.Join(other, "go.work"),
	} {
		t.Setenv(name, value)
	}
	// What "go env -w" keeps.
	settings := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(settings, []byte("GOEXPERIMENT=nogreenteagc\nGOFLAGS=-trimpath=false\nGOARM64=v8.2\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOENV", settings)
	return mustBuild(t, other, "arm64")
}

// content reads a release and checks what is said of it.
func content(t *testing.T, r Release) []byte {
	t.Helper()
	b, err := os.ReadFile(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	if hex.EncodeToString(sum[:]) != r.SHA256 || int64(len(b)) != r.Size ||
		r.Key != "releases/"+r.SHA256+"/release.tar.gz" {
		t.Errorf("%+v has %d bytes and the SHA-256 %x", r, len(b), sum)
	}
	return b
}

// add puts a text at the end of a file.
func add(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOtherVersion changes one thing of the app at a time.
func TestOtherVersion(t *testing.T) {
	cache(t)
	root := copyApp(t, 0o644, time.Now())
	last := version(t, root)
	for name, text := range map[string]string{
		"person_test.go": "\n// More.\n", "storetest/more.go": "package storetest\n", "../README.md": "More.\n",
	} {
		add(t, filepath.Join(root, "app", filepath.FromSlash(name)), text)
		if got := version(t, root); got != last {
			t.Errorf("%s, which is not in the program, changed the version", name)
		}
	}
	for name, text := range map[string]string{
		"person.go":              "\n// More.\n",
		"more.go":                "package dossier\n",
		"cmd/dossier/version.go": "\n// More.\n",
		"web/static/app.css":     "\n/* More. */\n",
		"migrations/people/00001_create_people.sql": "\n-- More.\n",
		"go.mod": "\ngodebug http2client=0\n",
	} {
		add(t, filepath.Join(root, "app", filepath.FromSlash(name)), text)
		got := version(t, root)
		if got == last {
			t.Errorf("%s changed, the version did not", name)
		}
		last = got
	}
}

// version is that of a repository's app.
func version(t *testing.T, root string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root, "app"))
	if err != nil {
		t.Fatal(err)
	}
	tool, err := newGo(t.Context(), dir, "arm64")
	if err != nil {
		t.Fatal(err)
	}
	v, err := sourceVersion(t.Context(), tool)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOtherSource takes a small program, which links quicker than the app.
func TestOtherSource(t *testing.T) {
	cache(t)
	const source = "package main\n\nvar version string\n\nfunc main() { println(version) }\n"
	root := app(t, source, "authorities")
	program := filepath.Join(root, "app/cmd/dossier")
	first := mustBuild(t, root, "arm64")
	add(t, filepath.Join(program, "main_test.go"), "// More.\n")
	add(t, filepath.Join(root, "README.md"), "More.\n")
	if got := mustBuild(t, root, "arm64"); got != first {
		t.Errorf("what is not in the program changed the release from %+v to %+v", first, got)
	}
	add(t, filepath.Join(program, "main.go"), "\n// More.\n")
	changed := mustBuild(t, root, "arm64")
	if changed.SHA256 == first.SHA256 {
		t.Error("the source changed, the release did not")
	}
	other, err := WithAuthorities(changed, authorityPEM(t))
	if err != nil {
		t.Fatal(err)
	}
	if other.SHA256 == changed.SHA256 {
		t.Error("other authorities, the same release")
	}
	if again, err := WithAuthorities(other, authorities); err != nil || again != changed {
		t.Errorf("with its own authorities again, the release is %+v, %v; want %+v", again, err, changed)
	}
	if _, err := WithAuthorities(changed, []byte("none")); err == nil ||
		!strings.Contains(err.Error(), "no PEM certificate") {
		t.Errorf("without authorities: error %v", err)
	}
}

// checkContent looks at every field of an archive, and at the program.
func checkContent(t *testing.T, packed []byte, machine elf.Machine) {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if h := zip.Header; h.Name != "" || h.Comment != "" || len(h.Extra) != 0 || !h.ModTime.IsZero() || h.OS != 255 {
		t.Errorf("the gzip header is %+v, want it empty", h)
	}
	archive := tar.NewReader(zip)
	files := map[string][]byte{}
	for _, want := range []struct {
		name string
		mode int64
	}{{"dossier", 0o755}, {"rds-ca.pem", 0o644}} {
		h, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != want.name || h.Mode != want.mode || h.Typeflag != tar.TypeReg || h.Uid != 0 || h.Gid != 0 ||
			h.Uname != "" || h.Gname != "" || h.ModTime.Unix() != 0 || len(h.PAXRecords) != 0 ||
			h.Format != tar.FormatUSTAR {
			t.Errorf("the entry is %+v, want %+v", h, want)
		}
		if files[h.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := archive.Next(); err != io.EOF {
		t.Errorf("after the two files: %v, want the end", err)
	}
	if rest, err := io.ReadAll(zip); err != nil || len(bytes.Trim(rest, "\x00")) > 0 {
		t.Errorf("after the archive: %d bytes, %v", len(rest), err)
	}
	if !bytes.Equal(files["rds-ca.pem"], authorities) {
		t.Error("rds-ca.pem is not the one that is committed")
	}
	checkProgram(t, files["dossier"], machine)
}

// checkProgram wants a static program for a machine, without marks of where and when it was built.
func checkProgram(t *testing.T, program []byte, machine elf.Machine) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != machine || f.Type != elf.ET_EXEC {
		t.Errorf("the program is %v for %v, want an executable for %v", f.Type, f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a segment %v: it is not static", p.Type)
		}
	}
	for _, section := range []string{".symtab", ".debug_info", ".zdebug_info"} {
		if f.Section(section) != nil {
			t.Errorf("the program has a section %s", section)
		}
	}
	where, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{where + "/", filepath.Join(home, "go") + "/", "vcs.revision", "vcs.time"} {
		if bytes.Contains(program, []byte(mark)) {
			t.Errorf("the program contains %q", mark)
		}
	}
}

// checkVersion runs the program of this machine's architecture.
func checkVersion(t *testing.T, releases map[string]Release) {
	t.Helper()
	arch, err := exec.Command("go", "env", "GOHOSTARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	r, built := releases[strings.TrimSpace(string(arch))]
	if !built {
		t.Skipf("there are no releases for this machine's architecture, %s", arch)
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", r.Path, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(dir, Program), "version").CombinedOutput()
	if err != nil {
		t.Fatalf("dossier version: %v\n%s", err, out)
	}
	want := version(t, repository)
	if len(want) != versionDigits || !strings.HasPrefix(string(out), "dossier "+want+" ") {
		t.Errorf("the program says %q, the sources' version is %q", out, want)
	}
}

// program writes a file to pack in place of the app, which is quicker.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, bytes.Repeat([]byte("program "), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConcurrent packs the same several times at once. What is replaced by itself is whole at every moment.
func TestConcurrent(t *testing.T) {
	cache(t)
	from := program(t)
	want, err := store(from, authorities)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if got, err := store(from, authorities); err != nil || got != want {
					t.Errorf("got %+v, %v; want %+v", got, err, want)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for packing := true; packing; {
		content(t, want)
		select {
		case <-done:
			packing = false
		default:
		}
	}
}

func TestDamagedReleaseIsReplaced(t *testing.T) {
	cache(t)
	from := program(t)
	r, err := store(from, authorities)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Path, []byte("half a rel"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err := store(from, authorities); err != nil || again != r {
		t.Errorf("got %+v, %v; want %+v", again, err, r)
	}
	content(t, r)
}

// TestPackFails leaves nothing in the cache.
func TestPackFails(t *testing.T) {
	dir := cache(t)
	if r, err := store(filepath.Join(dir, "absent"), authorities); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %+v, %v; want that the program is not there", r, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "dossier", "releases", "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %q, %v", left, err)
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"old.tar.gz": 31 * 24 * time.Hour, "new-1.tmp": 31 * 24 * time.Hour,
		"used.tar.gz": 29 * 24 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	prune(dir, now.Add(-keepUnused))
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "used.tar.gz" {
		t.Errorf("left: %q, %v; want used.tar.gz", left, err)
	}
}

func TestFailures(t *testing.T) {
	cache(t)
	broken := copyApp(t, 0o644, time.Now())
	if err := os.WriteFile(filepath.Join(broken, "app", "broken.go"),
		[]byte("package dossier\n\nvar broken int = \"text\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	unlisted := copyApp(t, 0o644, time.Now())
	if err := os.WriteFile(filepath.Join(unlisted, "app", "unlisted.go"),
		[]byte("package dossier\n\nimport _ \"example.com/nowhere\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		root, arch string
		want       []string
	}{
		"another architecture":   {repository, "386", []string{"arm64 or amd64"}},
		"not a repository":       {t.TempDir(), "arm64", []string{"not the repository's root"}},
		"a type error":           {broken, "arm64", []string{"broken.go:3", `"text"`}},
		"a module not in go.mod": {unlisted, "arm64", []string{"example.com/nowhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Build(t.Context(), c.root, c.arch)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %+v, %v; want an error with %q", r, err, want)
				}
			}
		})
	}
	t.Run("no Go", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Build(t.Context(), repository, "arm64"); !errors.Is(err, exec.ErrNotFound) ||
			!strings.Contains(err.Error(), "install Go") {
			t.Errorf("error %v, want one that says to install Go", err)
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Build(ctx, repository, "arm64"); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that it was cancelled", err)
		}
	})
	t.Run("cancelled in the middle", func(t *testing.T) {
		// A Go that says when it runs and then only waits for the end.
		dir := t.TempDir()
		started := filepath.Join(dir, "started")
		script := "#!/bin/sh\ntrap 'exit 130' INT\n: >'" + started + "'\nwhile :; do sleep 0.05; done\n"
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		result := make(chan error, 1)
		go func() {
			_, err := Build(ctx, repository, "arm64")
			result <- err
		}()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(started); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the build does not start")
			}
		}
		cancel()
		select {
		case err := <-result:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want that it was cancelled", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the build does not end")
		}
	})
}

func TestHead(t *testing.T) {
	h := &head{left: 5}
	for _, s := range []string{"abc", "def", "ghi"} {
		if n, err := h.Write([]byte(s)); n != 3 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if got, want := h.String(), "abcde\n(cut here)"; got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// strangerCertificate is a self-signed one for localhost.
func strangerCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
