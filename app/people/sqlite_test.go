package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/migrations"
	"dossier.example/app/staff"
	"dossier.example/app/storetest"
)

func openSQLite(t *testing.T, path string) *Store {
	t.Helper()
	s, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

// newPerson returns a valid person.
func newPerson(state dossier.PersonState) dossier.Person {
	r := dossier.NewReceipt()
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	return dossier.Person{
		ID: r.Person,
		Details: dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36,
			Technology: "Analytical Engine"},
		ReceiptHash: r.Hash(),
		State:       state,
		CreatedAt:   at,
		UpdatedAt:   at,
	}
}

func insert(t *testing.T, s *Store, state dossier.PersonState) dossier.Person {
	t.Helper()
	p := newPerson(state)
	if err := s.Insert(t.Context(), p); err != nil {
		t.Fatalf("Insert: %v", err)
	}
	return p
}

func wantPerson(t *testing.T, s *Store, want dossier.Person) {
	t.Helper()
	if got, err := s.Person(t.Context(), want.ID); err != nil || got != want {
		t.Errorf("Person: got %+v and error %v, want %+v", got, err, want)
	}
}

func wantError(t *testing.T, doing string, err, is error, parts ...string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) {
		t.Errorf("%s: got error %v, want one that is %v", doing, err, is)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: got error %q, want %q in it", doing, err, part)
		}
	}
	for _, secret := range []string{"Lovelace", "London", "Analytical"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %q tells a person's detail", doing, err)
		}
	}
}

func eventually(t *testing.T, what string, done func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := done()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 seconds: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestSQLite(t *testing.T) {
	storetest.People(t, func(t *testing.T) dossier.People {
		return openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	})
	for _, suite := range []func(*testing.T, func(*testing.T) staff.Store){storetest.Sessions, storetest.Accounts,
		storetest.Tokens} {
		suite(t, func(t *testing.T) staff.Store {
			return openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
		})
	}
	storetest.Audit(t, func(t *testing.T) storetest.AuditStore {
		s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
		return storetest.AuditStore{Store: s, Remover: s}
	})
	t.Run("release 0.1.0 serves", func(t *testing.T) {
		serves010(t, openSQLite(t, filepath.Join(t.TempDir(), "people.db")))
	})
}

// A fault of the program, or a statement that somebody smuggles in, does not reach the rows; pruning does, and leaves
// them guarded.
func TestSQLiteGuardsTheAuditTrail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	s := openSQLite(t, path)
	for n := range int64(3) {
		e := audit.Entry{Chain: audit.Chain{1}, Sequence: n + 1, At: time.Now(), Actor: audit.Actor{ID: audit.Shared},
			Action: audit.PersonView, Result: audit.Allowed}
		if err := s.AppendEntries(t.Context(), []audit.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	guarded := func(when string) {
		t.Helper()
		for _, statement := range []string{
			"UPDATE audit SET actor_name = 'nobody'",
			"UPDATE audit SET seq = 7 WHERE seq = 2",
			"DELETE FROM audit",
			"DELETE FROM audit WHERE seq = 2",
			"REPLACE INTO audit SELECT * FROM audit WHERE seq = 2",
			"INSERT OR REPLACE INTO audit SELECT * FROM audit",
			"INSERT INTO audit SELECT * FROM audit WHERE true ON CONFLICT DO UPDATE SET actor_name = 'nobody'",
		} {
			if _, err := s.DB().Exec(statement); err == nil || !strings.Contains(err.Error(), "only added") {
				t.Errorf("%s: %s: got error %v", when, statement, err)
			}
		}
	}
	guarded("at first")
	if n, err := s.RemoveEntries(t.Context(), audit.Chain{1}, 1, 10); err != nil || n != 1 {
		t.Fatalf("RemoveEntries: %d, %v", n, err)
	}
	guarded("after pruning")
	for _, statement := range migrations.AuditUnguard()[1:] {
		exec1(t, s.DB(), statement)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openSQLite(t, path)
	guarded("after a guard was removed and the database opened again")
	if got, err := s.FindEntries(t.Context(), audit.Query{Limit: 9}); err != nil || len(got) != 2 {
		t.Errorf("the trail has %v, error %v", got, err)
	}
}

func TestSQLiteKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "people.db")
	s := openSQLite(t, path)
	p := insert(t, s, dossier.PersonSubmitted)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openSQLite(t, path)
	wantPerson(t, s, p)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	wantError(t, "Insert again", s.Insert(t.Context(), p), dossier.ErrExists)
}

func TestSQLitePaths(t *testing.T) {
	for _, name := range []string{"with space", "a?b", "a#b", "a%20b", "a&b=c", "ünï", `a'b"c`, "file:x"} {
		dir := t.TempDir()
		s := openSQLite(t, filepath.Join(dir, name, name+".db"))
		p := insert(t, s, dossier.PersonSubmitted)
		wantPerson(t, s, p)
		if _, err := os.Stat(filepath.Join(dir, name, name+".db")); err != nil {
			t.Errorf("the file is not where it was asked for: %v", err)
		}
	}
	t.Chdir(t.TempDir())
	openSQLite(t, "relative.db")
	if _, err := os.Stat("relative.db"); err != nil {
		t.Errorf("the file is not in the working directory: %v", err)
	}
}

func TestSQLiteIsForTheUserOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openSQLite(t, filepath.Join(dir, "people.db"))
	insert(t, s, dossier.PersonSubmitted)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 3 { // the database, its log and its index
		t.Errorf("the folder holds %v", entries)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, and holds what is nobody else's business", entry.Name(), info.Mode())
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (error %v), want 0700", info.Mode(), err)
	}
}

func TestSQLiteModes(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	for range sqliteConnections { // held until the end, so that each is another one
		conn, err := s.DB().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "50"} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("PRAGMA %s: got %q and error %v, want %q", pragma, got, err, want)
			}
		}
	}
}

func TestSQLiteFull(t *testing.T) {
	dir := t.TempDir()
	s := openSQLite(t, filepath.Join(dir, "people.db"))
	s.DB().SetMaxOpenConns(1) // the limit belongs to a connection
	kept := insert(t, s, dossier.PersonSubmitted)
	if _, err := s.DB().Exec("PRAGMA max_page_count = 1"); err != nil { // no fewer than there are
		t.Fatal(err)
	}
	var inserted []dossier.Person
	for {
		p := newPerson(dossier.PersonSubmitting)
		err := s.Insert(t.Context(), p)
		if err != nil {
			wantError(t, "Insert on a full disk", err, dossier.ErrUnavailable, "no space left in folder "+dir,
				"adding a person")
			if _, err := s.Person(t.Context(), p.ID); !errors.Is(err, dossier.ErrNotFound) {
				t.Errorf("the person who did not fit: got error %v, want ErrNotFound", err)
			}
			break
		}
		if inserted = append(inserted, p); len(inserted) > 10000 {
			t.Fatal("the disk does not fill up")
		}
	}
	for _, p := range append(inserted, kept) {
		wantPerson(t, s, p)
	}
	if _, err := s.DB().Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	insert(t, s, dossier.PersonSubmitting)
}

func TestSQLiteReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := openSQLite(t, filepath.Join(dir, "people.db"))
	s.DB().SetMaxOpenConns(1)
	p := insert(t, s, dossier.PersonSubmitted)
	if _, err := s.DB().Exec("PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Insert", s.Insert(t.Context(), newPerson(dossier.PersonSubmitting)), dossier.ErrUnavailable,
		"cannot write in folder "+dir)
	wantPerson(t, s, p)
}

// block begins a write of another process's making and returns what ends it.
func block(t *testing.T, path string) (release func()) {
	t.Helper()
	other, err := ConnectSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		_ = tx.Rollback()
		_ = other.Close()
	})
}

func TestSQLiteBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	s := openSQLite(t, path)
	p := insert(t, s, dossier.PersonDeleting)
	release := block(t, path)
	defer release()
	s.timeout = 300 * time.Millisecond

	wantPerson(t, s, p) // reading goes on
	fresh := newPerson(dossier.PersonSubmitting)
	for doing, call := range map[string]func() error{
		"Insert": func() error { return s.Insert(t.Context(), fresh) },
		"Move": func() error {
			return s.Move(t.Context(), p.ID, dossier.PersonDeleting, p.UpdatedAt, dossier.PersonDeleting)
		},
		"Delete": func() error { return s.Delete(t.Context(), p) },
	} {
		wantError(t, doing+" while another process writes", call(), dossier.ErrUnavailable, "SQLITE_BUSY")
	}
	// One in the database, one behind it.
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			wantError(t, "Insert among others", s.Insert(t.Context(), newPerson(dossier.PersonSubmitting)),
				dossier.ErrUnavailable)
		})
	}
	wg.Wait()

	release()
	s.timeout = time.Minute
	if err := s.Insert(t.Context(), fresh); err != nil {
		t.Errorf("Insert afterwards: %v", err)
	}
	wantPerson(t, s, p)
}

func TestSQLiteWaitsForOtherProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	s := openSQLite(t, path)
	s.timeout = time.Minute
	release := block(t, path)
	defer release()
	result := make(chan error)
	p := newPerson(dossier.PersonSubmitting)
	go func() { result <- s.Insert(t.Context(), p) }()
	eventually(t, "the insert has its turn", func() error {
		if len(s.writing) == 0 {
			return errors.New("it has not")
		}
		return nil
	})
	release()
	if err := <-result; err != nil {
		t.Errorf("Insert: %v", err)
	}
	wantPerson(t, s, p)
}

func TestSQLiteBusyCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	s := openSQLite(t, path)
	s.timeout = time.Hour // so that only cancelling ends a call
	release := block(t, path)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 { // one in the database, two behind it
		wg.Go(func() {
			err := s.Insert(ctx, newPerson(dossier.PersonSubmitting))
			if !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
				t.Errorf("Insert: got error %v, want context.Canceled, and no outage", err)
			}
		})
	}
	eventually(t, "an insert has its turn", func() error {
		if len(s.writing) == 0 {
			return errors.New("none has")
		}
		return nil
	})
	cancel()
	wg.Wait()
}

// helperPath, set in the environment, makes the test binary the second process of TestSQLiteTwoProcesses.
const helperPath = "DOSSIER_TEST_SQLITE"

const personsEach = 40

func TestSQLiteSecondProcess(t *testing.T) {
	path := os.Getenv(helperPath)
	if path == "" {
		return // not that process
	}
	s := openSQLite(t, path)
	for range personsEach {
		fmt.Println("inserted", insert(t, s, dossier.PersonSubmitted).ID)
	}
}

func TestSQLiteTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db") // nobody has created it: they race for that too
	var outputs [2]strings.Builder
	var commands []*exec.Cmd
	for i := range outputs {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSQLiteSecondProcess$", "-test.v")
		cmd.Env = append(os.Environ(), helperPath+"="+path)
		cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		commands = append(commands, cmd)
	}
	s := openSQLite(t, path)
	var want []dossier.PersonID
	for range personsEach {
		want = append(want, insert(t, s, dossier.PersonSubmitted).ID)
	}
	for i, cmd := range commands {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("process %d: %v\n%s", i, err, outputs[i].String())
		}
		for line := range strings.Lines(outputs[i].String()) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), "inserted "); ok {
				id, err := dossier.ParsePersonID(text)
				if err != nil {
					t.Fatalf("process %d printed %q", i, line)
				}
				want = append(want, id)
			}
		}
	}
	if len(want) != 3*personsEach {
		t.Fatalf("three processes inserted %d persons, want %d", len(want), 3*personsEach)
	}
	for _, id := range want {
		if _, err := s.Person(t.Context(), id); err != nil {
			t.Errorf("Person(%s): %v", id, err)
		}
	}
}

func TestSQLiteTwoPools(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	stores := []*Store{openSQLite(t, path), openSQLite(t, path)}
	var wg sync.WaitGroup
	for round := range 20 {
		p := newPerson(dossier.PersonSubmitting)
		results := make([]error, len(stores))
		for i, s := range stores {
			wg.Go(func() { results[i] = s.Insert(t.Context(), p) })
		}
		wg.Wait()
		if (results[0] == nil) == (results[1] == nil) || !errors.Is(errors.Join(results...), dossier.ErrExists) {
			t.Fatalf("round %d: inserts of one id by two pools: got %v, want one nil and one ErrExists", round, results)
		}
		for _, s := range stores { // a read sees what the other wrote
			wantPerson(t, s, p)
		}
	}
}

func TestSQLiteAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	s := openSQLite(t, path)
	p := insert(t, s, dossier.PersonSubmitted)
	for _, statement := range []string{
		"INSERT INTO " + migrations.People.VersionTable() + " (version_id, is_applied) VALUES (99, 1)",
		"ALTER TABLE people ADD COLUMN later TEXT NULL",
	} {
		if _, err := s.DB().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	s = openSQLite(t, path)
	wantPerson(t, s, p)
	wantPerson(t, s, insert(t, s, dossier.PersonSubmitting))
}

func TestSQLiteNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is a text\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSQLite(t.Context(), path)
	wantError(t, "OpenSQLite of a text", err, nil, path, "not a database")
}

func TestSQLiteDamagedRow(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	damaged, whole := insert(t, s, dossier.PersonDeleting), insert(t, s, dossier.PersonDeleting)
	if _, err := s.DB().Exec("UPDATE people SET receipt_hash = 'xyz' WHERE id = ?", damaged.ID.String()); err != nil {
		t.Fatal(err)
	}
	_, err := s.Person(t.Context(), damaged.ID)
	wantError(t, "Person", err, nil, damaged.ID.String(), "receipt hash")
	faults, found := 0, 0
	for p, err := range s.Leftovers(t.Context(), time.Now()) {
		if err != nil {
			faults++
		} else if p == whole {
			found++
		}
	}
	if faults != 1 || found != 1 {
		t.Errorf("Leftovers: got %d errors and the whole person %d times, want 1 and 1", faults, found)
	}
}

func TestSQLiteClosed(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Ping of a closed store", s.Ping(t.Context()), dossier.ErrUnavailable)
}

func TestSQLitePlans(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	covered := len(coveredPlans())
	for i, q := range slices.Concat(coveredPlans(), plans()) {
		got := explainSQLite(t, s.DB(), q.sql(s))
		if table, is := strings.CutSuffix(q.index, "_key"); is {
			q.index = "sqlite_autoindex_" + table + "_1"
		}
		if !strings.Contains(got, "USING INDEX "+q.index+" ") &&
			!strings.Contains(got, "USING COVERING INDEX "+q.index+" ") {
			t.Errorf("%s: plan is %q, want index %s", q.name, got, q.index)
		}
		if q.ordered && strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s: plan is %q, want no sorting", q.name, got)
		}
		if i < covered && !strings.Contains(got, "USING COVERING INDEX ") {
			t.Errorf("%s: plan is %q, want the index alone", q.name, got)
		}
	}
}

func explainSQLite(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.Query("EXPLAIN QUERY PLAN " + query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	return strings.Join(plan, "; ")
}
