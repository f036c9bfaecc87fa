//go:build unix

package servers

import (
	"os"
	"path/filepath"
	"runtime/debug"
)

// tempDir makes a folder for a server. It is not testing's TempDir, which lies in a folder that only the test's own
// user can enter, while the database may have to run as another; its name is short, because a socket's path has 104
// bytes at most.
func tempDir(t T, kind string) string {
	t.Helper()
	dir, err := os.MkdirTemp(tempBase(), "dossier-"+kind+"-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TempInMemory makes the temporary folders of a package's tests be in memory, where that is possible: stores force each
// write to the disk, and tests would mostly wait for it. TestMain calls it.
func TempInMemory() {
	if folder := memoryFolder(); folder != "" {
		_ = os.Setenv("TMPDIR", folder) // it has no NUL, which is all that could be wrong with it
	}
}

// Run runs the tests of a package, for TestMain: with temporary folders in memory, and with a garbage collector that
// lets the heap grow to 32 MB first. Tests drop much and keep little, so it would run all the time. A package that
// measures its heap calls TempInMemory alone.
func Run(m interface{ Run() int }) int {
	TempInMemory()
	debug.SetGCPercent(800)
	return m.Run()
}

// tempBase returns the folder in memory, or the first temporary folder that every user can reach, or the system's
// where there is none. TMPDIR takes precedence.
func tempBase() string {
	if folder := memoryFolder(); folder != "" && os.Getenv("TMPDIR") == "" {
		return folder
	}
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if os.Getuid() != 0 || reachable(base) {
			return base
		}
	}
	return os.TempDir()
}

// reachable reports whether any user may pass through the folder and all above it.
func reachable(dir string) bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
