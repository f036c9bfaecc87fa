package catalog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	dossier "dossier.example/app"
	"dossier.example/app/storetest"
)

// testPage makes the suite's walks take several pages.
const testPage = 15

func openSQLite(t *testing.T, path string) *SQLite {
	t.Helper()
	s, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.page = testPage
	return s
}

func newSQLite(t *testing.T) (*SQLite, string) {
	t.Helper()
	// A name that a URL would read as something else.
	path := filepath.Join(t.TempDir(), "the #1 catalog? 100%.db")
	return openSQLite(t, path), path
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Catalog(t, func(t *testing.T) dossier.Catalog {
		s, _ := newSQLite(t)
		return s
	})
}

// Each call of the suite goes to another one of three handles on the same file, as three processes would have them.
func TestSQLiteSharedFile(t *testing.T) {
	t.Parallel()
	storetest.Catalog(t, func(t *testing.T) dossier.Catalog {
		s, path := newSQLite(t)
		return &turns{all: []dossier.Catalog{s, openSQLite(t, path), openSQLite(t, path)}}
	})
}

func newFile(t *testing.T) dossier.File {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	return dossier.File{
		Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Name: "a", Author: "b", State: dossier.FileUploading,
		CreatedAt: now, UpdatedAt: now,
	}
}

func TestSQLiteKeepsOverReopening(t *testing.T) {
	t.Parallel()
	s, path := newSQLite(t)
	f := newFile(t)
	if err := s.Put(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := openSQLite(t, path).File(t.Context(), f.Person, f.ID); err != nil || got != f {
		t.Fatalf("File after reopening: got %v, %v; want %v", got, err, f)
	}
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	s, path := newSQLite(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := s.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("PRAGMA %s: got %q, %v; want %q", pragma, got, err, want)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the database is not where it was asked for: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// Several processes that start at once on a new folder share the work of making the schema.
func TestSQLiteOpenedByManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.db")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := OpenSQLite(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Ping(t.Context()), s.Put(t.Context(), newFile(t)), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, err := range openSQLite(t, path).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 6 {
		t.Errorf("All: got %d records, want 6", n)
	}
}

// Ping looks for the table, not only for a file.
func TestSQLitePingWithoutTable(t *testing.T) {
	t.Parallel()
	s, _ := newSQLite(t)
	if _, err := s.write.Exec("DROP TABLE files"); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("Ping without the table: no error")
	}
}

func TestSQLiteCannotOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, wants string }{
		"folder is absent": {filepath.Join(dir, "absent", "c.db"), "the folder " + filepath.Join(dir, "absent") +
			" does not exist: create it, or set DOSSIER_DATA"},
		"folder is a file": {filepath.Join(plain, "c.db"), "the folder " + plain +
			" is not writable: make it writable"},
		"file is a folder":      {dir, dir},
		"file is no database":   {plain, plain},
		"nobody's own folder":   {"/proc/c.db", "the folder /proc is not writable: make it writable"},
		"path is out of bounds": {filepath.Join(dir, strings.Repeat("x", 300)), strings.Repeat("x", 300)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/proc"); name == "nobody's own folder" && err != nil {
				t.Skip("there is no /proc, which even root cannot write in")
			}
			s, err := OpenSQLite(t.Context(), test.path)
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, dossier.ErrUnavailable) || !strings.Contains(err.Error(), test.wants) {
				t.Errorf("OpenSQLite: got error %v, want ErrUnavailable with %q", err, test.wants)
			}
		})
	}
}

// until polls for something that happens soon.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// lock takes the write lock, as another process would that is in the middle of a change.
func lock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	other := openSQLite(t, path)
	tx, err := other.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

func TestSQLiteLocked(t *testing.T) {
	t.Parallel()
	s, path := newSQLite(t)
	s.timeout = 200 * time.Millisecond
	f := newFile(t)
	unlock := lock(t, path)
	if err := s.Put(t.Context(), f); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Put while locked: got error %v, want ErrUnavailable", err)
	}
	// Readers are not kept.
	if _, err := s.File(t.Context(), f.Person, f.ID); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("File while locked: got error %v, want ErrNotFound", err)
	}
	// A wait can be cancelled.
	s.timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Put(ctx, f) }()
	until(t, "Put waits for the lock", func() bool { return s.write.Stats().InUse > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Put, cancelled while it waits: got error %v, want context.Canceled", err)
	}
	// One that waits long enough gets its turn.
	go func() { done <- s.Put(t.Context(), f) }()
	until(t, "Put waits for the lock", func() bool { return s.write.Stats().InUse > 0 })
	unlock()
	if err := <-done; err != nil {
		t.Errorf("Put after the lock was released: %v", err)
	}
}

func TestSQLiteFull(t *testing.T) {
	t.Parallel()
	s, _ := newSQLite(t)
	// max_page_count is SQLite's own bound of the file; reaching it is SQLITE_FULL, as on a full disk.
	var pages int
	if err := s.write.QueryRow("PRAGMA max_page_count = 1").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	kept := []dossier.File{}
	var err error
	for err == nil && len(kept) < 10_000 {
		f := newFile(t)
		f.Name = strings.Repeat("x", dossier.MaxFileNameBytes)
		if err = s.Put(t.Context(), f); err == nil {
			kept = append(kept, f)
		}
	}
	if !errors.Is(err, dossier.ErrUnavailable) {
		t.Fatalf("Put into a full database: got error %v, want ErrUnavailable", err)
	}
	// What was told as kept is kept, and room can be made.
	for i, f := range kept {
		if got, err := s.File(t.Context(), f.Person, f.ID); err != nil || got != f {
			t.Fatalf("File %d: got %v, %v", i, got, err)
		}
		if err := s.MarkDeleting(t.Context(), f.Person, f.ID, f.UpdatedAt, dossier.FileUploading); err != nil {
			t.Fatalf("MarkDeleting: %v", err)
		}
		if _, err := s.Remove(t.Context(), f.Person, f.ID, f.UpdatedAt); err != nil {
			t.Fatalf("Remove: %v", err)
		}
	}
	if err := s.Put(t.Context(), newFile(t)); err != nil {
		t.Fatalf("Put after room was made: %v", err)
	}
}

func TestSQLiteReadOnly(t *testing.T) {
	t.Parallel()
	s, _ := newSQLite(t)
	if _, err := s.write.Exec("PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), newFile(t)); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Put into a read-only database: got error %v, want ErrUnavailable", err)
	}
}

// A statement that is wrong is not mistaken for an outage, which would be tried for ever.
func TestSQLiteProgramFault(t *testing.T) {
	t.Parallel()
	s, _ := newSQLite(t)
	f := newFile(t)
	if err := s.Put(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	err := s.Describe(t.Context(), f.Person, f.ID, dossier.Content{Size: -1}, f.UpdatedAt)
	if err == nil || coded(err) {
		t.Errorf("Describe with a negative size: got error %v, want one without a code", err)
	}
}
