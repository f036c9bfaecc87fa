package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	// The driver of the embedded stores: one SQLite in the program.
	"github.com/glebarez/go-sqlite"
)

const (
	// busyWait is how long SQLite waits for a lock before it gives up; a reader hardly ever needs one.
	busyWait = 5 * time.Second
	// lockWait is the same for a writer that holds a lock already.
	lockWait = 50 * time.Millisecond
	// lockPatience is how long it may take to get the write locks of two databases: much longer than any write lasts.
	lockPatience = time.Minute
)

// connect opens an SQLite file that exists, by one connection, so that what is said of a transaction holds for whatever
// follows. An immutable file is only read, without locks and without files beside it: nobody may change it meanwhile.
func connect(path string, immutable bool) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") { // a drive's letter
		slashed = "/" + slashed
	}
	query := url.Values{"mode": {"rw"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", busyWait.Milliseconds())}}
	if immutable {
		query.Set("mode", "ro")
		query.Set("immutable", "1")
	}
	uri := url.URL{Scheme: "file", OmitHost: true, Path: slashed, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", uri.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// exec runs statements one after the other. The driver skips a statement whose context has ended, without an error.
func exec(ctx context.Context, db *sql.DB, statements ...string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// one reads a single value.
func one[T any](ctx context.Context, db *sql.DB, query string, args ...any) (v T, err error) {
	err = db.QueryRowContext(ctx, query, args...).Scan(&v)
	if err == nil {
		err = ctx.Err()
	}
	return v, err
}

// collect reads all values of one column.
func collect[T any](ctx context.Context, db *sql.DB, query string, args ...any) (list []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, errors.Join(rows.Err(), ctx.Err())
}

// The result codes that are told apart here (https://www.sqlite.org/rescode.html).
const (
	codePerm      = 3
	codeBusy      = 5
	codeLocked    = 6
	codeReadOnly  = 8
	codeCorrupt   = 11
	codeFull      = 13
	codeCantOpen  = 14
	codeNotADB    = 26
	codeShortRead = 522 // the extended code of a file that ends too early
	codePrimary   = 0xff
)

func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// busy reports whether another process has the lock.
func busy(err error) bool {
	c := code(err) & codePrimary
	return c == codeBusy || c == codeLocked
}

// malformed reports whether an error says that the file is no whole database.
func malformed(err error) bool {
	c := code(err)
	return c == codeShortRead || c&codePrimary == codeCorrupt || c&codePrimary == codeNotADB
}

// sound returns an error where a pragma that checks a database finds something.
func sound(ctx context.Context, db *sql.DB, pragma string) error {
	found, err := collect[string](ctx, db, "PRAGMA "+pragma+"(3)")
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0] != "ok" {
		return &malformedError{strings.Join(found, "; ")}
	}
	return nil
}

// malformedError is what SQLite's own check of a database found.
type malformedError struct{ found string }

func (e *malformedError) Error() string { return "the database is malformed: " + e.found }

// copying is a copy of a database in the making: a new file, with the live database attached to its connection.
//
// Rows are copied by SQL, not pages by SQLite's online backup, which the driver does not offer to Go: so the copy holds
// what the tables hold, and nothing of what was deleted before.
type copying struct {
	db         *sql.DB
	live, path string
}

// prepare makes the file of a copy, which must not exist.
func prepare(ctx context.Context, live, path string) (c *copying, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := connect(path, false)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	abs, err := filepath.Abs(live)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "ATTACH DATABASE ? AS live", abs); err != nil {
		return nil, fmt.Errorf("open %s: %w", live, unwritten(live, err))
	}
	page, err := one[int64](ctx, db, "PRAGMA live.page_size")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", live, unwritten(live, err))
	}
	// Nobody reads the file before all of it is written and synced, so a journal would serve nothing yet.
	return &copying{db, live, path}, exec(ctx, db, fmt.Sprintf("PRAGMA main.page_size = %d", page),
		"PRAGMA main.journal_mode = OFF", "PRAGMA main.synchronous = OFF")
}

// unwritten adds to an error of reading a live database that SQLite locks it by files beside it.
func unwritten(live string, err error) error {
	switch code(err) & codePrimary {
	case codePerm, codeReadOnly, codeCantOpen:
		return fmt.Errorf("whoever backs up must be able to write in folder %s, where SQLite keeps its locks: %w",
			filepath.Dir(live), err)
	}
	return err
}

// pin begins a read transaction on the live database: whatever is read of it from now on is of this moment.
func (c *copying) pin(ctx context.Context) error {
	if err := exec(ctx, c.db, "BEGIN"); err != nil {
		return err
	}
	// A transaction takes its snapshot with its first read.
	_, err := one[int64](ctx, c.db, "SELECT COUNT(*) FROM live.sqlite_master")
	return err
}

// pinTogether pins all copies at one point in time: for that moment it holds the write locks of their live databases.
func pinTogether(ctx context.Context, copies ...*copying) (at time.Time, err error) {
	var lockers []*sql.DB
	defer func() {
		for _, l := range lockers {
			err = errors.Join(err, l.Close())
		}
	}()
	for _, c := range copies {
		l, err := connect(c.live, false)
		if err != nil {
			return at, err
		}
		lockers = append(lockers, l)
		if err := exec(ctx, l, fmt.Sprintf("PRAGMA busy_timeout = %d", lockWait.Milliseconds())); err != nil {
			return at, err
		}
	}
	if err := lockAll(ctx, lockers); err != nil {
		return at, fmt.Errorf("wait for the write locks of the databases: %w", err)
	}
	at = time.Now()
	for _, c := range copies {
		if err = c.pin(ctx); err != nil {
			err = fmt.Errorf("read %s: %w", c.live, err)
			break
		}
	}
	for _, l := range lockers {
		err = errors.Join(err, exec(context.WithoutCancel(ctx), l, "ROLLBACK"))
	}
	return at, err
}

// lockAll takes the write locks of several databases at once. It never holds one while it waits for another, so it
// keeps writers waiting for no longer than SQLite's own short wait.
func lockAll(ctx context.Context, lockers []*sql.DB) error {
	until := time.Now().Add(lockPatience)
	for {
		held := 0
		var err error
		for _, l := range lockers {
			if err = exec(ctx, l, "BEGIN IMMEDIATE"); err != nil {
				break
			}
			held++
		}
		if err == nil {
			return nil
		}
		for _, l := range lockers[:held] {
			err = errors.Join(err, exec(context.WithoutCancel(ctx), l, "ROLLBACK"))
		}
		if !busy(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockWait / 10):
		}
	}
}

// finish copies what was pinned and unpins it. Changes of the copy are safe against crashes from then on.
func (c *copying) finish(ctx context.Context) error {
	if err := c.tables(ctx); err != nil {
		return fmt.Errorf("copy %s: %w", c.live, err)
	}
	for _, pragma := range []string{"user_version", "application_id"} {
		n, err := one[int64](ctx, c.db, "PRAGMA live."+pragma)
		if err != nil {
			return fmt.Errorf("copy %s: %w", c.live, err)
		}
		if err := exec(ctx, c.db, fmt.Sprintf("PRAGMA main.%s = %d", pragma, n)); err != nil {
			return fmt.Errorf("copy %s: %w", c.live, err)
		}
	}
	return exec(ctx, c.db, "COMMIT", "DETACH DATABASE live", "PRAGMA main.journal_mode = DELETE",
		"PRAGMA main.synchronous = FULL")
}

// tables copies the schema, whichever release made it, and the rows. Indexes follow the rows, because so they are made
// in one go.
func (c *copying) tables(ctx context.Context) error {
	const own = ` FROM live.sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND sql IS NOT NULL AND `
	tables, err := collect[string](ctx, c.db, "SELECT sql"+own+"type = 'table' ORDER BY rowid")
	if err != nil {
		return err
	}
	for _, s := range tables {
		if strings.HasPrefix(strings.ToUpper(s), "CREATE VIRTUAL") {
			return errors.New("it has a virtual table, which this release cannot copy; use the release that made it")
		}
	}
	if err := exec(ctx, c.db, tables...); err != nil {
		return err
	}
	names, err := collect[string](ctx, c.db, "SELECT name"+own+"type = 'table' ORDER BY rowid")
	if err != nil {
		return err
	}
	for _, table := range names {
		// Generated columns are not among those that are not hidden.
		columns, err := collect[string](ctx, c.db,
			"SELECT name FROM pragma_table_xinfo(?, 'live') WHERE hidden = 0 ORDER BY cid", table)
		if err != nil {
			return err
		}
		for i := range columns {
			columns[i] = quote(columns[i])
		}
		list := strings.Join(columns, ", ")
		if err := exec(ctx, c.db, fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM live.%s", quote(table), list,
			list, quote(table))); err != nil {
			return err
		}
	}
	// The numbers that AUTOINCREMENT must not give again; the table is there with the first such column.
	numbered, err := one[bool](ctx, c.db,
		"SELECT EXISTS (SELECT 1 FROM live.sqlite_master WHERE name = 'sqlite_sequence')")
	if err == nil && numbered {
		err = exec(ctx, c.db, "DELETE FROM main.sqlite_sequence",
			"INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM live.sqlite_sequence")
	}
	if err != nil {
		return err
	}
	rest, err := collect[string](ctx, c.db,
		"SELECT sql"+own+"type <> 'table' ORDER BY CASE type WHEN 'index' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, rowid")
	if err != nil {
		return err
	}
	return exec(ctx, c.db, rest...)
}

// quote writes an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
