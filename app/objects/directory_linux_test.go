package objects

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

// fullChild, in the environment, names the folder that the test's second process works in.
const fullChild = "DOSSIER_TEST_FULL_FOLDER"

// TestDirectoryFull puts more than there is room for: on a disk that is full, and in a process that may write no larger
// file.
func TestDirectoryFull(t *testing.T) {
	if folder := os.Getenv(fullChild); folder != "" {
		// Without this the first write beyond the limit ends the process.
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		testFull(t, folder, syscall.EFBIG)
		return
	}
	t.Run("file too large", func(t *testing.T) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDirectoryFull$", "-test.v")
		cmd.Env = append(os.Environ(), fullChild+"="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil ||
			!strings.Contains(string(out), "--- PASS: TestDirectoryFull") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("no space left", func(t *testing.T) {
		folder := servers.SmallDisk(t, 1<<20)
		testFull(t, folder, syscall.ENOSPC)
		filler := filepath.Join(folder, "filler")
		if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: %v", err)
		}
		d, err := OpenDirectory(folder)
		expectMend(t, d, err, folder)
		if !strings.Contains(err.Error(), "free some space") {
			t.Errorf("OpenDirectory on a full disk: %q; want it to say what to do", err)
		}
	})
}

func testFull(t *testing.T, folder string, want error) {
	t.Helper()
	d := openDirectory(t, folder)
	key := newKey()
	if _, err := d.Put(t.Context(), key, byteStream(4<<20)); !errors.Is(err, dossier.ErrUnavailable) ||
		!errors.Is(err, want) {
		t.Errorf("Put of more than there is room for: %v; want ErrUnavailable with %v", err, want)
	}
	if got := found(t, folder); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if _, err := d.Put(t.Context(), key, byteStream(1000)); err != nil {
		t.Errorf("Put of a small object afterwards: %v", err)
	}

	// The same in parts: one that is too large, and, on a full disk, a whole for which there is no room beside its
	// part.
	key = newKey()
	small := readAll(t, 600<<10)
	uploadID, parts, whole := sentParts(t, d, key, small)
	large := dossier.Part{Number: 2, Size: 4 << 20}
	before := found(t, folder)
	if err := d.Receive(t.Context(), signed(t, d, key, uploadID, large), large.Size,
		byteStream(large.Size)); !errors.Is(err, dossier.ErrUnavailable) || !errors.Is(err, want) {
		t.Errorf("Receive of more than there is room for: %v; want ErrUnavailable with %v", err, want)
	}
	if got := found(t, folder); !slices.Equal(got, before) {
		t.Errorf("left: %v; want %v", got, before)
	}
	if want == syscall.ENOSPC {
		if err := d.Finish(t.Context(), key, uploadID, parts, whole); !errors.Is(err, dossier.ErrUnavailable) ||
			!errors.Is(err, want) {
			t.Errorf("Finish where there is no room: %v; want ErrUnavailable with %v", err, want)
		}
		if got := found(t, folder); !slices.Equal(got, before) {
			t.Errorf("after Finish where there is no room: %v; want %v", got, before)
		}
	}
	if err := d.Drop(t.Context(), key, uploadID); err != nil {
		t.Errorf("Drop on a disk that is full: %v", err)
	}
}

// TestDirectoryReadOnly uses a folder that cannot be written: for root on a read-only file system, for all others by
// its mode, which does not bind root.
func TestDirectoryReadOnly(t *testing.T) {
	folder, root := t.TempDir(), os.Getuid() == 0
	if root {
		folder = servers.SmallDisk(t, 4<<20)
	}
	d := openDirectory(t, folder)
	key := newKey()
	if _, err := d.Put(t.Context(), key, byteStream(1000)); err != nil {
		t.Fatal(err)
	}
	begun, part := newKey(), partOf(2, []byte("x"))
	uploadID, parts, whole := sentParts(t, d, begun, []byte("y"))
	address := signed(t, d, begun, uploadID, part)
	name, _ := uploadName(begun, uploadID)
	want := error(syscall.EROFS)
	if root {
		if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatalf("remount: %v", err)
		}
	} else {
		want = syscall.EACCES
		dirs := []string{folder, filepath.Join(folder, partialDir), filepath.Join(folder, filesDir),
			filepath.Join(folder, name), filepath.Dir(filepath.Join(folder, key))}
		for _, dir := range dirs {
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.Chmod(dir, 0o700); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for name, err := range map[string]error{
		"Put":     func() error { _, err := d.Put(t.Context(), newKey(), byteStream(10)); return err }(),
		"Delete":  d.Delete(t.Context(), key),
		"Ping":    d.Ping(t.Context()),
		"Start":   func() error { _, err := d.Start(t.Context(), key); return err }(),
		"Receive": d.Receive(t.Context(), address, part.Size, strings.NewReader("x")),
		"Finish":  d.Finish(t.Context(), begun, uploadID, parts, whole),
		"Drop":    d.Drop(t.Context(), begun, uploadID),
	} {
		if !errors.Is(err, dossier.ErrUnavailable) || !errors.Is(err, want) {
			t.Errorf("%s: %v; want ErrUnavailable with %v", name, err, want)
		}
	}
	if h, err := d.Stat(t.Context(), key); err != nil || h.Size != 1000 {
		t.Errorf("Stat = %+v, %v; reading needs no write", h, err)
	}
	if got, err := d.Parts(t.Context(), begun, uploadID); err != nil || !slices.Equal(got, parts) {
		t.Errorf("Parts = %v, %v; reading needs no write", got, err)
	}
	again, err := OpenDirectory(folder)
	expectMend(t, again, err, folder)
	if !errors.Is(err, want) || !strings.Contains(err.Error(), "let the user that runs this program write there") {
		t.Errorf("OpenDirectory: %q; want what to do, and %v", err, want)
	}
	if root {
		below := filepath.Join(folder, "data")
		again, err := OpenDirectory(below)
		expectMend(t, again, err, below)
	}
}
