//go:build unix

// Package servers starts the real servers that tests run against: MariaDB (or MySQL), an S3 server (versitygw), a
// DynamoDB server (dynalite) and clamd, finds the browser, and mounts disks that are soon full. What only ever met a
// fake is not tested.
//
// Test code may import it, and the local cloud (app/internal/cloud), which is for trying things; a test of this package
// checks that no program that is shipped depends on it. It runs on Unix, because it pauses processes by signal.
//
// Each server is a private instance: on loopback, on a port of its own, with its data in a temporary folder, and with
// random credentials. It ends with the test, also when the test's process is killed.
//
// Programs are looked for where tools/install puts them (.tools/bin and tools/node_modules/.bin below the repository's
// root; their versions are pinned), then on PATH, then where systems keep daemons.
//
// Plain "go test" starts none, so that a change of the app is tested within a minute: a test that needs a server is
// skipped, as is one that takes long (EndToEnd). Where DOSSIER_TEST_REQUIRE=1 is set, as "make test" does, all of them
// run, and one whose program is missing fails.
package servers

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// T is what a server belongs to: a test, or something that lasts as one does. Fatal, Fatalf and Skip do not return. The
// functions given to Cleanup are called at its end, the last one first; Context is done just before them.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// remedy ends every message about a missing program.
const remedy = `; "make test-tools" installs it`

// remedyQuick ends every message about a test that plain "go test" leaves out.
const remedyQuick = `; DOSSIER_TEST_REQUIRE=1 runs it, as "make test" does`

// Chromium returns the path of the browser's executable: Chromium, Chrome or one of their headless shells.
func Chromium(t T) string {
	t.Helper()
	names := []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"chromium-headless-shell", "chrome-headless-shell", "headless-shell",
	}
	if runtime.GOOS == "darwin" {
		names = append(names,
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	}
	return require(t, "Chromium or Chrome", names...)
}

// AxeCore returns the path of axe-core's script, which finds what shuts people out of a page. It is run inside the
// page.
func AxeCore(t T) string {
	t.Helper()
	if root, ok := root(); ok {
		path := filepath.Join(root, "tools", "node_modules", "axe-core", "axe.min.js")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	Missing(t, "axe-core is not installed")
	return ""
}

// require returns the first program that exists, or ends the test; plain "go test" ends it in any case.
func require(t T, what string, names ...string) string {
	t.Helper()
	if testing.Testing() && !everything() {
		t.Skip("needs " + what + remedyQuick)
	}
	if path, ok := find(names...); ok {
		return path
	}
	Missing(t, what+" is not installed")
	return ""
}

// Missing ends the test because of what "make test-tools" would install, as Unable does.
func Missing(t T, what string) {
	t.Helper()
	Unable(t, what+remedy)
}

// everything reports whether every test has to run, those that need a server or take long among them.
func everything() bool { return os.Getenv("DOSSIER_TEST_REQUIRE") == "1" }

// EndToEnd ends a test that takes long even without a server: as skipped, unless everything has to run.
func EndToEnd(t T) {
	t.Helper()
	if !everything() {
		t.Skip("an end-to-end test that takes long" + remedyQuick)
	}
}

// Unable ends a test that cannot run here: as failed where everything has to run, else as skipped.
func Unable(t T, why string) {
	t.Helper()
	if everything() {
		t.Fatal(why)
	}
	t.Skip(why)
}

// find returns the first of the programs that is installed.
func find(names ...string) (string, bool) {
	for _, name := range names {
		if filepath.IsAbs(name) {
			if path, err := exec.LookPath(name); err == nil {
				return path, true
			}
			continue
		}
		for _, dir := range pinned() {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path, true
			}
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
		for _, dir := range daemonDirs {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path, true
			}
		}
	}
	return "", false
}

// daemonDirs are folders that hold servers but are often not on the PATH of an ordinary user.
var daemonDirs = []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin"}

// pinned returns the folders that tools/install fills with programs.
func pinned() []string {
	root, ok := root()
	if !ok {
		return nil
	}
	return []string{filepath.Join(root, ".tools", "bin"), filepath.Join(root, "tools", "node_modules", ".bin")}
}

// root returns the repository's root: the nearest folder above the working directory (for a test: its package) that
// holds go.work. The place of the source is no guide in a binary built with -trimpath.
func root() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// secret returns 26 random letters and digits. Being unknown to any other server it also proves, when a server accepts
// it, that the right one answers on a port.
func secret() string { return rand.Text() }
