package backup

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// live makes a database in WAL mode.
func live(t *testing.T, name string, statements ...string) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	c, err := prepareEmpty(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := exec(t.Context(), c, append([]string{"PRAGMA journal_mode = WAL"}, statements...)...); err != nil {
		t.Fatal(err)
	}
	return path, c
}

func prepareEmpty(path string) (*sql.DB, error) {
	if err := writeFile(path, nil); err != nil {
		return nil, err
	}
	return connect(path, false)
}

// copyOf copies a database as a backup does, and returns connections to the copy.
func copyOf(t *testing.T, path string) *sql.DB {
	t.Helper()
	c, err := prepare(t.Context(), path, filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.db.Close() })
	if _, err := pinTogether(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := c.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c.db
}

// A copy has whatever schema there is, also of a later release.
func TestCopyOfSchemas(t *testing.T) {
	path, db := live(t, "db",
		"PRAGMA user_version = 41", "PRAGMA application_id = 42",
		"CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT)",
		"INSERT INTO numbered (what) VALUES ('one'), ('two'), ('three')", "DELETE FROM numbered WHERE id = 3",
		`CREATE TABLE IF NOT EXISTS "odd ""name" ("a b" TEXT, c BLOB, d REAL, PRIMARY KEY ("a b", c)) WITHOUT ROWID`,
		`INSERT INTO "odd ""name" VALUES ('ü', x'00ff', 1.5), ('v', x'', -0.25)`,
		"CREATE TABLE made (a INTEGER NOT NULL CHECK (a > 0), twice INTEGER AS (2 * a) STORED, thrice INTEGER AS (3 "+
			"* a), b TEXT DEFAULT 'x')",
		"INSERT INTO made (a, b) VALUES (1, NULL), (2, 'two')",
		"ALTER TABLE made ADD COLUMN later VARCHAR(3) NULL",
		"CREATE UNIQUE INDEX part ON made (a, lower(b)) WHERE b IS NOT NULL",
		"CREATE VIEW seen AS SELECT a, twice FROM made",
		"CREATE TRIGGER watch AFTER INSERT ON made BEGIN INSERT INTO numbered (what) VALUES ('watched'); END",
		"CREATE TABLE parent (id TEXT PRIMARY KEY)", "CREATE TABLE child (id TEXT REFERENCES parent (id))",
		"INSERT INTO child VALUES ('orphan')",
		"ANALYZE")
	copied := copyOf(t, path)
	for _, query := range []string{
		"SELECT type || ' ' || name || ': ' || COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE " +
			"'sqlite_stat%' ORDER BY type, name",
		"SELECT name || seq FROM sqlite_sequence ORDER BY name",
		"SELECT id || what FROM numbered ORDER BY id",
		`SELECT "a b" || hex(c) || d FROM "odd ""name" ORDER BY 1`,
		"SELECT a || ' ' || twice || ' ' || thrice || ' ' || quote(b) || quote(later) FROM made ORDER BY a",
		"SELECT a || twice FROM seen ORDER BY 1",
		"SELECT id FROM child",
		"SELECT user_version FROM pragma_user_version", "SELECT application_id FROM pragma_application_id",
		"SELECT page_size FROM pragma_page_size",
	} {
		want, err := collect[string](t.Context(), db, query)
		if err != nil || len(want) == 0 {
			t.Fatalf("%s: %v, %v", query, want, err)
		}
		if got, err := collect[string](t.Context(), copied, query); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
	if err := sound(t.Context(), copied, "integrity_check"); err != nil {
		t.Error(err)
	}
	// The next number is one that was never given.
	if err := exec(t.Context(), copied, "INSERT INTO numbered (what) VALUES ('four')"); err != nil {
		t.Fatal(err)
	}
	if id, err := one[int](t.Context(), copied, "SELECT MAX(id) FROM numbered"); err != nil || id != 4 {
		t.Errorf("the next number is %d, %v, want 4", id, err)
	}
	if err := exec(t.Context(), db, "CREATE VIRTUAL TABLE words USING fts5(text)"); err == nil {
		c, err := prepare(t.Context(), path, filepath.Join(t.TempDir(), "refused"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.db.Close()
		if err := c.pin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.finish(t.Context()); err == nil || !strings.Contains(err.Error(), "virtual table") {
			t.Errorf("a virtual table: %v", err)
		}
	}
}

// Two databases that are always written one after the other are copied at one point: the second has never more than the
// first, and lacks one at most. Writers go on while the copies are made.
func TestPinTogether(t *testing.T) {
	one1, first := live(t, "first", "CREATE TABLE n (n INTEGER)")
	two2, second := live(t, "second", "CREATE TABLE n (n INTEGER)")
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			for _, db := range []*sql.DB{first, second} {
				if _, err := db.Exec("INSERT INTO n VALUES (?)", n); err != nil {
					done <- err
					return
				}
			}
		}
	}()
	for range 20 {
		folder := t.TempDir()
		var copies []*copying
		for i, path := range []string{one1, two2} {
			c, err := prepare(t.Context(), path, filepath.Join(folder, fmt.Sprint(i)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.db.Close()
			copies = append(copies, c)
		}
		if _, err := pinTogether(t.Context(), copies...); err != nil {
			t.Fatal(err)
		}
		// The writer writes while the snapshots are held.
		counted := func() int {
			c, err := connect(two2, false)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			n, err := one[int](t.Context(), c, "SELECT COUNT(*) FROM n")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for before, until := counted(),
			time.Now().Add(time.Minute); counted() < before+3; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("the writer waits for the copies")
			}
		}
		var rows [2]int
		for i, c := range copies {
			if err := c.finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			var err error
			if rows[i], err = one[int](t.Context(), c.db, "SELECT COUNT(*) FROM n"); err != nil {
				t.Fatal(err)
			}
		}
		if lack := rows[0] - rows[1]; lack != 0 && lack != 1 {
			t.Fatalf("the copies have %d and %d rows", rows[0], rows[1])
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Errorf("the writer was refused: %v", err)
	}
}
