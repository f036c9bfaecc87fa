package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"dossier.example/plan/internal/apart"
)

// committed makes a repository of files, with a commit on main.
func committed(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := repository(t, files)
	gitIn(t, dir, "init", "--quiet", "--initial-branch=main")
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "--quiet", "--message", "first")
	return dir
}

// needsIsolation skips a test where this system keeps no programs apart, which "make test" tells at its end. Where the
// system does that for others, it fails.
func needsIsolation(t *testing.T) {
	t.Helper()
	why := apart.Isolated()
	if why == "" {
		return
	}
	if err := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--net", "--pid", "--ipc",
		"--mount", "--fork", "mount", "-t", "tmpfs", "none", "/mnt").Run(); err == nil {
		t.Fatalf("this system keeps programs apart (unshare), and a plan does not: %s", why)
	}
	t.Skipf("this system keeps no programs apart, so nothing tests that a plan does: %s", why)
}

// TestCompileIsApart: what a program is compiled of is read in its repository alone, by no network, and runs nothing.
func TestCompileIsApart(t *testing.T) {
	needsIsolation(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	const hidden = "ghp_0123456789abcdef"
	for name, text := range map[string]string{secret: hidden + "\n", filepath.Join(outside, "lib", "go.mod"): hidden,
		filepath.Join(outside, "lib", "lib.go"): hidden} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755),
			os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	requests := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests[strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/@", 2)[0]]++
		http.NotFound(w, r)
	}))
	defer server.Close()
	t.Setenv("GOPROXY", server.URL)
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOFLAGS", "-toolexec="+filepath.Join(outside, "none"))
	const mod, main = "module example.org/it\n\ngo 1.26\n", "package main\n\nfunc main() {}\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		links map[string]string
		want  string
	}{
		{name: "nothing", files: map[string]string{"main.go": main}, want: "registered nothing"},
		{name: "a package that is no program", files: map[string]string{"main.go": "package it\n"}, want: notMain +
			"\nIf the program is made of another package"},
		{name: "a program elsewhere", files: map[string]string{"it.go": "package it\n", "cmd/it/main.go": main,
			"Pulumi.yaml":    "name: it\nruntime: {name: go, options: {binary: bin/it}}\n",
			"stackplan.yaml": "projects: [{folder: ., package: cmd/it}]"}, want: "registered nothing"},
		{name: "an assembler's include",
			files: map[string]string{"main.go": main, "it.s": "#include \"" + secret + "\"\n"},
			want:  secret + ": no such file"},
		{name: "C", files: map[string]string{"main.go": "package main\n\n// #include \"" + secret +
			"\"\nimport \"C\"\n\nfunc main() {}\n"},
			want: "A plan compiles no C, which these packages are made of: example.org/it"},
		{name: "a link as a source", files: map[string]string{"main.go": main},
			links: map[string]string{"it.go": secret},
			want:  "it.go"},
		{name: "a link as a module's file", links: map[string]string{"go.mod": secret}, files: map[string]string{
			"main.go": main}, want: "go.mod"},
		{name: "a module outside", files: map[string]string{"go.mod": mod + "require example.org/lib v0.0.0\nreplace " +
			"example.org/lib => " + filepath.Join(outside, "lib") + "\n",
			"main.go": "package main\n\nimport _ \"example.org/lib\"\n\nfunc main() {}\n"}, want: "lib"},
		{name: "what nobody requires", files: map[string]string{
			"main.go": "package main\n\nimport _ \"unheard.example/of\"\n\nfunc main() {}\n"},
			want: "unheard.example/of"},
		{name: "what is nowhere", files: map[string]string{"go.mod": mod + "require nowhere.example/it v1.0.0\n",
			"main.go": "package main\n\nimport _ \"nowhere.example/it\"\n\nfunc main() {}\n"},
			want: "Fetching what it requires:"},
		{name: "a project's file that is a link", files: map[string]string{"main.go": main},
			links: map[string]string{"Pulumi.yaml": secret}, want: ""},
		{name: "a configuration that is a link", files: map[string]string{"main.go": main},
			links: map[string]string{"stackplan.yaml": secret}, want: "escapes"},
		{name: "migrations that are links", files: map[string]string{"main.go": main,
			"stackplan.yaml": "projects: [{folder: ., migrations: '*.sql'}]"},
			links: map[string]string{"1.sql": secret}, want: "escapes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"Pulumi.yaml": "name: it\nruntime: go\n", "go.mod": mod}
			maps.Copy(files, c.files)
			dir := committed(t, files)
			for name, to := range c.links {
				if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			status, out, log := planOf(t, dir)
			if status == StatusClean || status == StatusPolicy {
				t.Errorf("status %d", status)
			}
			says(t, "the plan", out, c.want)
			if strings.Contains(out+log, hidden[:8]) {
				t.Errorf("it tells the secret: %s\n%s", out, log)
			}
			if strings.Contains(out, dir) {
				t.Errorf("it names folders of this machine: %s", out)
			}
		})
	}
	if requests["nowhere.example/it"] == 0 || requests["unheard.example/of"] != 0 {
		t.Errorf("the network was asked for %v", requests)
	}
}

// TestColdWorkspace: where nothing was downloaded before, a program of a workspace compiles, although a module that no
// go.mod lists might have a package that it imports.
func TestColdWorkspace(t *testing.T) {
	needsIsolation(t)
	const mod = "module %s\n\ngo 1.26\n"
	proxy := t.TempDir()
	for path, text := range map[string]string{
		"example.test/lib/sub": fmt.Sprintf(mod, "example.test/lib/sub"),
		"example.test/lib":     fmt.Sprintf(mod, "example.test/lib"),
		"example.test/old":     "module example.test/old\n\ngo 1.16\n\nrequire example.test/lib v1.0.0\n",
	} {
		dir := filepath.Join(proxy, path, "@v")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		from := t.TempDir()
		for name, text := range map[string]string{"go.mod": text, "it.go": "package it\n"} {
			if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var packed bytes.Buffer
		version := module.Version{Path: path, Version: "v1.0.0"}
		if err := errors.Join(zip.CreateFromDir(&packed, version, from),
			os.WriteFile(filepath.Join(dir, "v1.0.0.zip"), packed.Bytes(), 0o644),
			os.WriteFile(filepath.Join(dir, "v1.0.0.mod"), []byte(text), 0o644),
			os.WriteFile(filepath.Join(dir, "v1.0.0.info"), []byte(`{"Version": "v1.0.0"}`), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(proxy))
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Cleanup(func() {
		if err := exec.Command("go", "clean", "-modcache").Run(); err != nil {
			t.Error(err)
		}
	})
	dir := committed(t, map[string]string{
		"go.work":        "go 1.26\n\nuse (\n\t./it\n\t./other\n)\n",
		"it/Pulumi.yaml": "name: it\nruntime: go\n",
		"it/go.mod":      fmt.Sprintf(mod, "example.org/it") + "\nrequire example.test/lib/sub v1.0.0\n",
		"it/main.go":     "package main\n\nimport _ \"example.test/lib/sub\"\n\nfunc main() {}\n",
		"other/go.mod":   fmt.Sprintf(mod, "example.org/other") + "\nrequire example.test/old v1.0.0\n",
		"other/it.go":    "package it\n\nimport _ \"example.test/old\"\n",
	})
	_, out, _ := planOf(t, dir)
	says(t, "the plan", out, "registered nothing")
}

// contents are hashes of all files of a repository but what plans keep.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == ".stackplan" {
				return fs.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(file)
		info, infoErr := entry.Info()
		if err := errors.Join(err, infoErr); err != nil {
			return err
		}
		found[file] = fmt.Sprintf("%x %v %v", sha256.Sum256(text), info.Mode(), info.ModTime())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unchanged checks that a repository has the contents that it had.
func unchanged(t *testing.T, what, dir string, was map[string]string) {
	t.Helper()
	is := contents(t, dir)
	if maps.Equal(is, was) {
		return
	}
	for file := range is {
		if is[file] != was[file] {
			t.Errorf("%s: the plan changed %s", what, file)
		}
	}
	for file := range was {
		if is[file] == "" {
			t.Errorf("%s: the plan removed %s", what, file)
		}
	}
}

// interrupted: a plan that is interrupted or killed leaves the repository as it is, byte for byte, and nothing running.
func interrupted(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // nothing tells there what runs
	}
	was := contents(t, dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{os.Interrupt, os.Kill} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, self, "--root", dir, "--base", "main", "--stack", "hangs")
		cmd.Args[0] = "plan"
		said := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = said, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		waitFor(t, "the program runs", func() bool { return running(t, dir) || len(ended) > 0 })
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatalf("%v: %v\n%s", signal, err, said)
		}
		if err := <-ended; err == nil {
			t.Errorf("%v: it ended well", signal)
		}
		waitFor(t, "the program has ended", func() bool { return !running(t, dir) })
		unchanged(t, signal.String(), dir, was)
	}
}

// running reports whether a program that was built of a repository runs.
func running(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil &&
			strings.HasPrefix(string(text), filepath.Join(dir, ".stackplan", "head-")) {
			return true
		}
	}
	return false
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-t.Context().Done():
			t.Fatalf("it is not so that %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
