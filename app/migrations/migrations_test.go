package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app/internal/servers"
	"dossier.example/app/migrations"
	"dossier.example/app/people"
	"github.com/gofrs/flock"
)

// place is where a set of migrations is run.
type place struct {
	dialect migrations.Dialect
	set     migrations.Set
	// fresh returns what opens pools of connections to one new, empty database.
	fresh func(t *testing.T) func(t *testing.T) *sql.DB
	// locked takes the lock that migrations of the database take.
	locked func(t *testing.T, db *sql.DB)
}

func TestSQLite(t *testing.T) {
	for _, set := range []migrations.Set{migrations.People, migrations.Catalog} {
		t.Run(string(set), func(t *testing.T) {
			suite(t, place{dialect: migrations.SQLite, set: set, fresh: func(t *testing.T) func(*testing.T) *sql.DB {
				path := filepath.Join(t.TempDir(), "test.db")
				return func(t *testing.T) *sql.DB {
					db, err := people.ConnectSQLite(t.Context(), path)
					return closing(t, db, err)
				}
			}, locked: func(t *testing.T, db *sql.DB) {
				var path string
				if err := db.QueryRow("SELECT file FROM pragma_database_list").Scan(&path); err != nil {
					t.Fatal(err)
				}
				lock := flock.New(path + ".migrate.lock")
				if ok, err := lock.TryLock(); !ok || err != nil {
					t.Fatalf("locking: %v, %v", ok, err)
				}
				t.Cleanup(func() { _ = lock.Unlock() })
			}})
		})
	}
	t.Run("both sets in one file", func(t *testing.T) {
		db, err := people.ConnectSQLite(t.Context(), filepath.Join(t.TempDir(), "test.db"))
		db = closing(t, db, err)
		for _, set := range []migrations.Set{migrations.People, migrations.Catalog} {
			if done, err := migrations.Up(t.Context(), db, migrations.SQLite, set); err != nil || len(done) == 0 {
				t.Errorf("Up of %s: applied %d, error %v", set, len(done), err)
			}
		}
	})
	t.Run("in memory", func(t *testing.T) {
		db, err := sql.Open("sqlite", ":memory:")
		db = closing(t, db, err)
		db.SetMaxOpenConns(1)
		if _, err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.Catalog); err != nil {
			t.Errorf("Up: %v", err)
		}
	})
	t.Run("a writer that is no migration is waited for", sqliteBusy)
	t.Run("catalog", catalogRules)
}

func TestMariaDB(t *testing.T) {
	server := servers.MariaDB(t)
	t.Run("people", func(t *testing.T) {
		suite(t, place{dialect: migrations.MySQL, set: migrations.People,
			fresh: func(t *testing.T) func(*testing.T) *sql.DB {
				name := newDatabase(t, server, "utf8mb4", migrations.Collation)
				return func(t *testing.T) *sql.DB { return connect(t, server, name) }
			}, locked: func(t *testing.T, db *sql.DB) {
				var name string
				if err := db.QueryRow("SELECT DATABASE()").Scan(&name); err != nil {
					t.Fatal(err)
				}
				release, err := migrations.LockSession(t.Context(), db, name)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := release(); err != nil {
						t.Errorf("releasing: %v", err)
					}
				})
			}})
	})
	t.Run("a statement that ran but was not entered", func(t *testing.T) { cutOff(t, server) })
	t.Run("a database with another collation", func(t *testing.T) { otherCollation(t, server) })
	t.Run("the catalog is for SQLite only", func(t *testing.T) {
		db := connect(t, server, newDatabase(t, server, "utf8mb4", migrations.Collation))
		if _, err := migrations.Up(t.Context(), db, migrations.MySQL, migrations.Catalog); err == nil {
			t.Error("Up of the catalog on MySQL: got no error")
		}
	})
	t.Run("without a database", func(t *testing.T) {
		_, err := migrations.Up(t.Context(), connect(t, server, ""), migrations.MySQL, migrations.People)
		wantError(t, "Up", err, "not open on a database")
	})
	t.Run("a pool of one connection", func(t *testing.T) {
		db := connect(t, server, newDatabase(t, server, "utf8mb4", migrations.Collation))
		db.SetMaxOpenConns(1)
		_, err := migrations.Up(t.Context(), db, migrations.MySQL, migrations.People)
		wantError(t, "Up", err, "two connections")
	})
	t.Run("databases do not wait for each other", func(t *testing.T) {
		one, other := newDatabase(t, server, "utf8mb4", migrations.Collation),
			newDatabase(t, server, "utf8mb4", migrations.Collation)
		release, err := migrations.LockSession(t.Context(), connect(t, server, ""), one)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if _, err := migrations.Up(t.Context(), connect(t, server, other), migrations.MySQL,
			migrations.People); err != nil {
			t.Errorf("Up while another database is being migrated: %v", err)
		}
	})
	provision(t, server)
}

func suite(t *testing.T, p place) {
	up := func(t *testing.T, db *sql.DB) []migrations.Migration {
		t.Helper()
		done, err := migrations.Up(t.Context(), db, p.dialect, p.set)
		if err != nil {
			t.Fatalf("Up: %v", err)
		}
		return done
	}
	status := func(t *testing.T, db *sql.DB) []migrations.Migration {
		t.Helper()
		all, err := migrations.Status(t.Context(), db, p.dialect, p.set)
		if err != nil {
			t.Fatalf("Status: %v", err)
		}
		return all
	}

	t.Run("from nothing", func(t *testing.T) {
		db := p.fresh(t)(t)
		pending := status(t, db)
		for i, m := range pending {
			if m.Version != int64(i+1) || m.Name == "" || !m.AppliedAt.IsZero() {
				t.Errorf("status of version %d before Up: %+v", i+1, m)
			}
		}
		err := migrations.Check(t.Context(), db, p.dialect, p.set)
		behind, ok := errors.AsType[*migrations.BehindError](err)
		if !ok || behind.Found != 0 || behind.Wanted != int64(len(pending)) || len(behind.Missing) != len(pending) {
			t.Fatalf("Check of an empty database: got %v", err)
		}
		wantError(t, "Check", err, "found version 0", fmt.Sprintf("needs version %d", len(pending)),
			`run "dossier migrate up"`)
		if tables := tables(t, db, p.dialect); len(tables) != 0 {
			t.Errorf("Status and Check created %v", tables)
		}

		done := up(t, db)
		if len(done) != len(pending) {
			t.Fatalf("Up applied %v, want %v", done, pending)
		}
		for i, m := range status(t, db) {
			if done[i].Version != m.Version || done[i].Name != m.Name || done[i].AppliedAt.IsZero() {
				t.Errorf("Up says %+v of version %d", done[i], m.Version)
			}
			if age := time.Since(m.AppliedAt); age < -5*time.Second || age > time.Hour {
				t.Errorf("version %d was applied at %v by its entry, want now", m.Version, m.AppliedAt)
			}
		}
		if err := migrations.Check(t.Context(), db, p.dialect, p.set); err != nil {
			t.Errorf("Check after Up: %v", err)
		}
		if again := up(t, db); len(again) != 0 {
			t.Errorf("a second Up applied %v, want nothing", again)
		}
	})

	t.Run("behind by one", func(t *testing.T) {
		db := p.fresh(t)(t)
		all := up(t, db)
		last := int64(len(all))
		undo(t, db, p, all[last-1])
		exec(t, db, "DELETE FROM "+p.set.VersionTable()+" WHERE version_id = ?", last)
		err := migrations.Check(t.Context(), db, p.dialect, p.set)
		behind, ok := errors.AsType[*migrations.BehindError](err)
		if !ok || behind.Found != last-1 || behind.Wanted != last || !slices.Equal(behind.Missing, []int64{last}) {
			t.Errorf("Check: got %v, want version %d to be missing", err, last)
		}
		if done := up(t, db); len(done) != 1 || done[0].Version != last {
			t.Errorf("Up applied %v, want version %d", done, last)
		}
		if err := migrations.Check(t.Context(), db, p.dialect, p.set); err != nil {
			t.Errorf("Check after Up: %v", err)
		}
	})

	t.Run("ahead", func(t *testing.T) {
		db := p.fresh(t)(t)
		all := up(t, db)
		exec(t, db, "INSERT INTO "+p.set.VersionTable()+" (version_id, is_applied) VALUES (99, ?)", true)
		if err := migrations.Check(t.Context(), db, p.dialect, p.set); err != nil {
			t.Errorf("Check: %v", err)
		}
		if done := up(t, db); len(done) != 0 {
			t.Errorf("Up applied %v, want nothing", done)
		}
		now := status(t, db)
		if last := now[len(now)-1]; len(now) != len(all)+1 || last.Version != 99 || last.Name != "" ||
			last.AppliedAt.IsZero() {
			t.Errorf("Status: got %+v, want the unknown version 99 at the end", now)
		}
	})

	t.Run("cut off after creating the version table", func(t *testing.T) {
		db := p.fresh(t)(t)
		all := up(t, db)
		made := map[migrations.Set][]string{migrations.People: {"people", "words", "sessions", "accounts",
			"tokens"},
			migrations.Catalog: {"files"}}
		for _, table := range made[p.set] {
			exec(t, db, "DROP TABLE "+table)
		}
		exec(t, db, "DELETE FROM "+p.set.VersionTable())
		if done := up(t, db); len(done) != len(all) {
			t.Errorf("Up applied %v, want all", done)
		}
	})

	t.Run("many at once", func(t *testing.T) {
		open := p.fresh(t)
		var mu sync.Mutex
		var done []int64
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 3 { // pools
			db := open(t)
			for range 2 {
				wg.Go(func() {
					<-start
					applied, err := migrations.Up(t.Context(), db, p.dialect, p.set)
					if err != nil {
						t.Errorf("Up among others: %v", err)
					}
					mu.Lock()
					defer mu.Unlock()
					for _, m := range applied {
						done = append(done, m.Version)
					}
				})
			}
		}
		close(start)
		wg.Wait()
		slices.Sort(done)
		db := open(t)
		var want []int64
		for _, m := range status(t, db) {
			want = append(want, m.Version)
		}
		if !slices.Equal(done, want) {
			t.Errorf("together they applied %v, want each of %v once", done, want)
		}
		if err := migrations.Check(t.Context(), db, p.dialect, p.set); err != nil {
			t.Errorf("Check: %v", err)
		}
	})

	t.Run("waits for a lock until its context ends", func(t *testing.T) {
		open := p.fresh(t)
		db := open(t)
		p.locked(t, open(t))
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := migrations.Up(ctx, db, p.dialect, p.set); err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Up while the lock is held: got error %v, want the context's", err)
		}
		if tables := tables(t, db, p.dialect); len(tables) != 0 {
			t.Errorf("Up without the lock created %v", tables)
		}
	})
}

func sqliteBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	open := func() *sql.DB {
		db, err := people.ConnectSQLite(t.Context(), path)
		return closing(t, db, err)
	}
	writer, db := open(), open()
	tx, err := writer.Begin() // BEGIN IMMEDIATE
	if err != nil {
		t.Fatal(err)
	}
	exec(t, tx, "CREATE TABLE other (x INTEGER)")
	result := make(chan error)
	go func() {
		_, err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.People)
		result <- err
	}()
	// Held until Up has its lock, and so is at work.
	lock := flock.New(path + ".migrate.lock")
	eventually(t, "Up takes its lock", func() bool {
		ok, err := lock.TryLock()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			_ = lock.Unlock()
		}
		return !ok
	})
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("Up: %v", err)
	}
}

// catalogRules checks what the tables themselves refuse.
func catalogRules(t *testing.T) {
	db, err := people.ConnectSQLite(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	db = closing(t, db, err)
	if _, err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.Catalog); err != nil {
		t.Fatal(err)
	}
	insert := func(person, file, name, state string, size, sha any) error {
		_, err := db.Exec(`INSERT INTO files (person_id, file_id, name, author, state, size, sha256, crc64, content_type, created_at, updated_at)
			VALUES (?, ?, ?, 'author', ?, ?, ?, ?, ?, 0, 0)`, person, file, name, state, size, sha, sha, sha)
		return err
	}
	set := func(change string) error {
		_, err := db.Exec("UPDATE files SET " + change + " WHERE person_id = 'p' AND file_id = '1'")
		return err
	}
	count := func(person string, files, bytes int) error {
		_, err := db.Exec("INSERT INTO usages (person_id, files, bytes, epoch, revision, updated_at) VALUES (?, ?, "+
			"?, 'e', 'r', 0)", person, files, bytes)
		return err
	}
	for _, c := range []struct {
		doing string
		err   error
		ok    bool
	}{
		{"uploading without content", insert("p", "1", "n", "uploading", nil, nil), true},
		{"the same id again", insert("p", "1", "m", "uploading", nil, nil), false},
		{"the same id of another person", insert("q", "1", "n", "uploading", nil, nil), true},
		{"uploading with content", insert("p", "2", "n", "uploading", 5, "aa"), true},
		{"stored", insert("p", "3", "n", "stored", 5, "aa"), true},
		{"stored twice", insert("p", "4", "n", "stored", 5, "aa"), false},
		{"stored by another name", insert("p", "5", "N", "stored", 5, "aa"), true},
		{"stored with another content", insert("p", "6", "n", "stored", 5, "ab"), true},
		{"stored with another size", insert("p", "7", "n", "stored", 6, "aa"), true},
		{"stored for another person", insert("q", "8", "n", "stored", 5, "aa"), true},
		{"deleting the same content", insert("p", "9", "n", "deleting", 5, "aa"), true},
		{"stored without content", insert("p", "10", "n", "stored", nil, nil), false},
		{"a negative size", insert("p", "11", "n", "uploading", -1, "aa"), false},
		{"an unknown state", insert("p", "12", "n", "STORED", 5, "cc"), false},
		{"a negative size announced", set("upload_size = -1"), false},
		{"parts of no size", set("upload_part_size = 0"), false},
		{"an empty file announced", set("upload_transfer = 't', upload_size = 0, upload_part_size = 1"), true},
		{"a counter", count("p", 0, 0), true},
		{"a second counter", count("p", 1, 1), false},
		{"a counter below zero", count("q", -1, 0), false},
		{"a counter of less than no bytes", count("r", 0, -1), false},
	} {
		if ok := c.err == nil; ok != c.ok {
			t.Errorf("%s: got error %v, want one: %v", c.doing, c.err, !c.ok)
		}
	}
}

// undo takes back what the statement of a migration added.
func undo(t *testing.T, db *sql.DB, p place, m migrations.Migration) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(string(p.set), m.Name))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []struct{ added, undo string }{
		{`CREATE TABLE IF NOT EXISTS (\w+)`, "DROP TABLE $1"},
		{`CREATE (?:UNIQUE )?INDEX (\w+) ON (\w+)`, map[migrations.Dialect]string{
			migrations.SQLite: "DROP INDEX $1", migrations.MySQL: "DROP INDEX $1 ON $2"}[p.dialect]},
		{`ALTER TABLE (\w+) ADD COLUMN (\w+)`, "ALTER TABLE $1 DROP COLUMN $2"},
	} {
		pattern := regexp.MustCompile(`(?m)^` + kind.added)
		if found := pattern.FindSubmatchIndex(text); found != nil {
			exec(t, db, string(pattern.Expand(nil, []byte(kind.undo), text, found)))
			return
		}
	}
	t.Fatalf("%s adds nothing that this test can take back", m.Name)
}

func cutOff(t *testing.T, server *servers.MySQL) {
	db := connect(t, server, newDatabase(t, server, "utf8mb4", migrations.Collation))
	all, err := migrations.Up(t.Context(), db, migrations.MySQL, migrations.People)
	if err != nil {
		t.Fatal(err)
	}
	for from := len(all); from >= 1; from-- {
		exec(t, db, "DELETE FROM "+migrations.People.VersionTable()+" WHERE version_id >= ?", from)
		done, err := migrations.Up(t.Context(), db, migrations.MySQL, migrations.People)
		if err != nil || len(done) != len(all)-from+1 {
			t.Errorf("Up after the entries from version %d on were lost: applied %v, error %v", from, done, err)
		}
	}
	if err := migrations.Check(t.Context(), db, migrations.MySQL, migrations.People); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func otherCollation(t *testing.T, server *servers.MySQL) {
	name := newDatabase(t, server, "utf8mb4", "utf8mb4_general_ci")
	db := connect(t, server, name)
	_, err := migrations.Up(t.Context(), db, migrations.MySQL, migrations.People)
	wantError(t, "Up", err, "utf8mb4_general_ci", "ALTER DATABASE `"+name+"`")
	if tables := tables(t, db, migrations.MySQL); len(tables) != 0 {
		t.Errorf("Up created %v in it", tables)
	}
}

// What follows serves all tests of the package.

type execer interface {
	Exec(query string, args ...any) (sql.Result, error)
}

func exec(t *testing.T, db execer, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func closing(t *testing.T, db *sql.DB, err error) *sql.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func tables(t *testing.T, db *sql.DB, dialect migrations.Dialect) []string {
	t.Helper()
	query := "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	if dialect == migrations.SQLite {
		query = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	return column(t, db, query)
}

func column(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func wantError(t *testing.T, doing string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want one with %q", doing, parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: got error %q, want %q in it", doing, err, part)
		}
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 seconds", what)
		}
		time.Sleep(time.Millisecond)
	}
}
