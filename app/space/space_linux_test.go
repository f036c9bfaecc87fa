package space

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

// diskSize gives a reserve of 8 MiB, of which 4 are ballast.
const diskSize = 64 << 20

func open(t *testing.T, folder string) *Reserve {
	t.Helper()
	r, err := Open(folder, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func free(t *testing.T, folder string) int64 {
	t.Helper()
	d, err := look(folder)
	if err != nil {
		t.Fatal(err)
	}
	return d.free
}

// Many slow uploads at once, each of small steps, leave the reserve; and of many operations that fail at once on the
// full disk, one piece of ballast helps all.
func TestReserve(t *testing.T) {
	folder := servers.SmallDisk(t, diskSize)
	r := open(t, folder)
	var running, uploads sync.WaitGroup
	ctx := t.Context()
	if _, _, err := r.tend(ctx); err != nil || r.held != 4<<20 {
		t.Fatalf("made a ballast of %d bytes, %v", r.held, err)
	}
	for i := range 64 {
		uploads.Go(func() {
			f, err := os.Create(filepath.Join(folder, fmt.Sprint("upload-", i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for {
				if err := r.Take(16 << 10); errors.Is(err, dossier.ErrFull) {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
				if _, err := f.Write(make([]byte, 16<<10)); err != nil {
					t.Errorf("write what was allowed: %v", err)
					return
				}
			}
		})
	}
	uploads.Wait()
	if left := free(t, folder); left < 2<<20 || left > 5<<20 {
		t.Errorf("uploads left %d bytes free, want about 4 MiB", left)
	}
	if err := r.Fits(1); !errors.Is(err, dossier.ErrFull) {
		t.Errorf("Fits on a full disk: %v", err)
	}
	filler, err := os.Create(filepath.Join(folder, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	var together sync.WaitGroup
	together.Add(16)
	for i := range 16 {
		running.Go(func() {
			first := true
			err := r.Free(ctx, func() error {
				err := os.WriteFile(filepath.Join(folder, fmt.Sprint("mark-", i)), make([]byte, 4096), 0o600)
				if first {
					first = false
					together.Done()
					together.Wait() // all have failed before one is run again
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if r.given != 1 {
		t.Errorf("%d pieces were given back, want 1", r.given)
	}
	if err := r.Ping(ctx); err != nil {
		t.Errorf("Ping while there is ballast: %v", err)
	}
	for r.give(r.generation()) {
		for err = nil; err == nil; {
			_, err = filler.Write(make([]byte, 4096))
		}
	}
	if err := r.Ping(ctx); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Ping on a full disk without ballast: %v", err)
	}
	fails := func() error { return dossier.Unavailable(ctx, "write", syscall.ENOSPC) }
	if err := r.Free(ctx, fails); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Free without ballast: %v", err)
	}
}

// A store that fails for another reason gets no ballast, and neither does what is only refused.
func TestReserveIsKept(t *testing.T) {
	folder := servers.SmallDisk(t, diskSize)
	r := open(t, folder)
	if _, _, err := r.tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{dossier.Unavailable(t.Context(), "ask", errors.New("down")), dossier.ErrLost,
		errors.New("a fault")} {
		calls := 0
		if got := r.Free(t.Context(), func() error { calls++; return err }); got != err || calls != 1 {
			t.Errorf("Free of what fails with %v: %v, after %d calls", err, got, calls)
		}
	}
	if r.given != 0 {
		t.Errorf("%d pieces were given back", r.given)
	}
}

// The more is free, the more may be written before the disk is looked at again.
func TestLooks(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		spare, bytes int64
		looks        bool
	}{
		{6 * mib, mib - 1, false}, {64 * mib, mib - 1, false}, {64 * mib, mib, true},
		{640 * mib, 9 * mib, false}, {640 * mib, 10 * mib, true},
	} {
		r := open(t, t.TempDir())
		r.seen = disk{free: r.size + c.spare}
		later := time.Now().Add(time.Hour) // so that it is not looked at for its age
		r.at = later
		if err := r.Take(c.bytes); err != nil {
			t.Fatal(err)
		}
		if looked := !r.at.Equal(later); looked != c.looks {
			t.Errorf("%d bytes where %d are free beyond the reserve: looked %t, want %t", c.bytes, c.spare, looked,
				c.looks)
		}
	}
}

// A disk with few inodes left takes nothing new, and Keep makes no files on it.
func TestReserveInodes(t *testing.T) {
	folder := servers.SmallDisk(t, diskSize)
	if err := syscall.Mount("", folder, "tmpfs", syscall.MS_REMOUNT, "mode=0700,size=64m,nr_inodes=8192"); err != nil {
		t.Fatal(err)
	}
	r := open(t, folder)
	for i := 0; r.Fits(0) == nil; i++ {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatalf("after %d files: %v", i, err)
		}
		r.at = time.Time{}
	}
	if d, err := look(folder); err != nil || d.freeInodes < spentInodes || d.freeInodes > takingInodes {
		t.Errorf("%d inodes are left, %v", d.freeInodes, err)
	}
	if full, now, err := r.tend(t.Context()); !full || now.held != 0 || err != nil {
		t.Errorf("full %t, ballast of %d bytes, %v", full, now.held, err)
	}
}

// A nil Reserve reserves nothing: no store is embedded, or the system tells nothing of its disks.
func TestNoReserve(t *testing.T) {
	var r *Reserve
	failed := errors.New("failed")
	for name, err := range map[string]error{"Fits": r.Fits(1 << 60), "Take": r.Take(1 << 60),
		"Ping": r.Ping(t.Context())} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Free(t.Context(), func() error { return failed }); err != failed {
		t.Errorf("Free: %v", err)
	}
	if err := r.Opening(t.Context(), func() error { return failed }); err != failed {
		t.Errorf("Opening: %v", err)
	}
	r.Keep(t.Context(), slog.New(slog.DiscardHandler))
}

// fullOnce is a catalog whose calls fail for lack of room the first time, and answer the second time.
type fullOnce struct {
	dossier.Catalog
	dossier.People
	calls int
}

func (f *fullOnce) call() error {
	if f.calls++; f.calls%2 == 1 {
		return dossier.Unavailable(context.Background(), "write", syscall.ENOSPC)
	}
	return nil
}

func (f *fullOnce) Remove(context.Context, dossier.PersonID, dossier.FileID, time.Time) (*dossier.File, error) {
	return &dossier.File{Name: "a"}, f.call()
}

func (f *fullOnce) SetNote(context.Context, string, string, []byte) (dossier.Note, error) {
	return dossier.Note{Revision: "a"}, f.call()
}

func (f *fullOnce) Trash(context.Context, []dossier.PersonID, dossier.Trash) (int, error) {
	return 7, f.call()
}

// What frees and returns something is repeated with a piece of ballast, and returns what it did then.
func TestReserveReturns(t *testing.T) {
	r := open(t, servers.SmallDisk(t, diskSize))
	if _, _, err := r.tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := &fullOnce{}
	removed, err := r.Catalog(full).Remove(t.Context(), dossier.PersonID{}, dossier.FileID{}, time.Time{})
	if err != nil || removed == nil || removed.Name != "a" {
		t.Errorf("Remove: %v, %v", removed, err)
	}
	note, err := r.Catalog(full).SetNote(t.Context(), "sweep", "", nil)
	if err != nil || note.Revision != "a" {
		t.Errorf("SetNote: %v, %v", note, err)
	}
	if n, err := r.People(full).Trash(t.Context(), nil, dossier.Trash{}); err != nil || n != 7 {
		t.Errorf("Trash: %d, %v", n, err)
	}
	if full.calls != 6 || r.given != 3 {
		t.Errorf("%d calls, %d pieces were given back, want 6 and 3", full.calls, r.given)
	}
	// The place of the scrub is written so often that it would use the ballast up.
	if _, err := r.Catalog(full).SetNote(t.Context(), dossier.ScrubNote, "", nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("SetNote of the scrub's place: %v", err)
	}
}
