package people

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f without root's right to write everywhere. The user of file accesses belongs to a thread in Linux, so
// only f is affected; the thread ends with f's goroutine.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Getuid() == 0 {
			runtime.LockOSThread()
			const nobody = 65534
			if _, err := unix.SetfsuidRetUid(nobody); err != nil {
				t.Error(err)
				return
			}
		}
		f()
	}()
	<-done
}

func TestSQLiteFolderNotWritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "people.db")
	s := openSQLite(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Passable for everybody on the way down.
	for _, passable := range []string{filepath.Dir(filepath.Dir(dir)), filepath.Dir(dir)} {
		if err := os.Chmod(passable, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700) // so that it can be removed
	for doing, path := range map[string]string{
		"a file that can be written in a folder that cannot": path,
		"a new file":   filepath.Join(dir, "new.db"),
		"a new folder": filepath.Join(dir, "new", "people.db"),
	} {
		var err error
		asNobody(t, func() {
			var s *Store
			if s, err = OpenSQLite(t.Context(), path); err == nil {
				_ = s.Close()
			}
		})
		wantError(t, "opening "+doing, err, nil, "cannot write in folder "+filepath.Dir(path),
			"let the current user write there, or set DOSSIER_DATA to another folder")
	}
}
