// Package migrations is the only place where the SQL schema is written: versioned SQL files, embedded in the binary and
// run by goose.
//
// There are two sets. People is written to run on MySQL 8.4, MariaDB 10.11 and later, and SQLite alike; Catalog is for
// the embedded catalog, on SQLite only. Each set counts its versions in a table of its own, so both may share a
// database.
//
// MySQL commits at every DDL statement, so a file holds one statement: then a run that was cut off leaves whole
// versions, and at most one whose statement ran but was not entered. Up finishes that one. Migrations only add; what is
// not used any more goes in a later release, because during a rollout the old release still serves.
//
// Commands that migrate, and stores that check or create what they open, may import it. It imports no store.
package migrations

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed people/*.sql catalog/*.sql
var files embed.FS

// Dialect is the kind of database that a *sql.DB speaks to.
type Dialect string

// The dialects. MySQL is MariaDB too.
const (
	MySQL  Dialect = "mysql"
	SQLite Dialect = "sqlite"
)

func (d Dialect) goose() database.Dialect {
	if d == SQLite {
		return database.DialectSQLite3
	}
	return database.DialectMySQL
}

// Set is one series of migrations.
type Set string

// The sets, named after their folders.
const (
	People  Set = "people"
	Catalog Set = "catalog"
)

// VersionTable returns the name of the table in which goose enters what was applied.
func (s Set) VersionTable() string { return "goose_" + string(s) }

// Migration is one version of a set.
type Migration struct {
	Version int64
	// Name is the file's name; empty for a version that this binary does not know, applied by a later release.
	Name string
	// AppliedAt is when it was applied (UTC, whole seconds); zero while it is pending.
	AppliedAt time.Time
}

// BehindError says that migrations of a set have not been applied.
type BehindError struct {
	Set Set
	// Found is the highest version applied (0: none), Wanted the highest that this binary knows.
	Found, Wanted int64
	// Missing are the versions to apply, in order.
	Missing []int64
}

// Error implements error.
func (e *BehindError) Error() string {
	missing := make([]string, len(e.Missing))
	for i, v := range e.Missing {
		missing[i] = strconv.FormatInt(v, 10)
	}
	return fmt.Sprintf("the database schema %q is behind: found version %d, this release needs version %d (missing: %s); run \"dossier migrate up\"",
		e.Set, e.Found, e.Wanted, strings.Join(missing, ", "))
}

// Check returns nil when every migration that this binary knows has been applied; a schema that is ahead is fine. A
// *BehindError says what is missing. It only reads, and needs no more than SELECT on the set's version table.
func Check(ctx context.Context, db *sql.DB, dialect Dialect, set Set) error {
	all, err := Status(ctx, db, dialect, set)
	if err != nil {
		return err
	}
	behind := &BehindError{Set: set}
	for _, m := range all {
		if m.Name != "" {
			behind.Wanted = m.Version
		}
		if m.AppliedAt.IsZero() {
			behind.Missing = append(behind.Missing, m.Version)
		} else {
			behind.Found = m.Version
		}
	}
	if behind.Missing != nil {
		return behind
	}
	return nil
}

// Status returns all versions in order: those of this binary, applied or pending, and those that a later release has
// applied. It only reads.
func Status(ctx context.Context, db *sql.DB, dialect Dialect, set Set) ([]Migration, error) {
	known, err := sources(set)
	if err != nil {
		return nil, err
	}
	applied, err := applied(ctx, db, dialect, set)
	if err != nil {
		return nil, fmt.Errorf("reading the version of schema %q: %w", set, err)
	}
	for i, m := range known {
		known[i].AppliedAt = applied[m.Version]
		delete(applied, m.Version)
	}
	for version, at := range applied {
		known = append(known, Migration{Version: version, AppliedAt: at})
	}
	slices.SortFunc(known, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	return known, nil
}

// sources returns the embedded migrations of a set in order.
func sources(set Set) ([]Migration, error) {
	entries, err := fs.ReadDir(files, string(set))
	if err != nil {
		return nil, fmt.Errorf("schema %q: %w", set, err)
	}
	var known []Migration
	for _, entry := range entries {
		version, err := goose.NumericComponent(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("schema %q: %s: %w", set, entry.Name(), err)
		}
		known = append(known, Migration{Version: version, Name: entry.Name()})
	}
	return known, nil
}

// applied returns the versions entered in the set's version table and when; none when there is no such table.
func applied(ctx context.Context, db *sql.DB, dialect Dialect, set Set) (map[int64]time.Time, error) {
	versions := map[int64]time.Time{}
	exists, err := tableExists(ctx, db, dialect, set.VersionTable())
	if err != nil || !exists {
		return versions, err
	}
	store, err := database.NewStore(dialect.goose(), set.VersionTable())
	if err != nil {
		return nil, err
	}
	list, err := store.ListMigrations(ctx, db)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.Version == 0 { // goose's mark for an empty schema
			continue
		}
		found, err := store.GetMigration(ctx, db, m.Version)
		if err != nil {
			return nil, err
		}
		versions[m.Version] = found.Timestamp.UTC()
	}
	return versions, nil
}

func tableExists(ctx context.Context, db *sql.DB, dialect Dialect, table string) (bool, error) {
	query := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	if dialect == SQLite {
		query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	}
	var n int
	err := db.QueryRowContext(ctx, query, table).Scan(&n)
	return n > 0, err
}

// Up applies what is missing and returns it, also beside an error. It waits while another Up, also of another process
// or machine, works on the same database: for a minute at most.
//
// On MySQL the db must be open on the database to migrate, scan times (parseTime) and allow two connections; the
// database's default collation must be utf8mb4_bin, which Provision sees to.
func Up(ctx context.Context, db *sql.DB, dialect Dialect, set Set) ([]Migration, error) {
	release, err := acquire(ctx, db, dialect)
	if err != nil {
		return nil, fmt.Errorf("migrating schema %q: %w", set, err)
	}
	done, err := up(ctx, db, dialect, set)
	if err = errors.Join(err, release()); err != nil {
		return done, fmt.Errorf("migrating schema %q: %w", set, err)
	}
	return done, nil
}

// up is Up for a caller that holds the lock.
func up(ctx context.Context, db *sql.DB, dialect Dialect, set Set) ([]Migration, error) {
	if set == Catalog && dialect != SQLite {
		return nil, errors.New("this schema is for SQLite only")
	}
	if dialect == MySQL {
		if err := checkDatabase(ctx, db); err != nil {
			return nil, err
		}
	}
	folder, err := fs.Sub(files, string(set))
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(dialect.goose(), db, folder,
		goose.WithTableName(set.VersionTable()), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, err
	}
	store, err := database.NewStore(dialect.goose(), set.VersionTable())
	if err != nil {
		return nil, err
	}

	var done []Migration
	add := func(results []*goose.MigrationResult) {
		for _, r := range results {
			done = append(done, Migration{Version: r.Source.Version, Name: r.Source.Path, AppliedAt: time.Now().UTC().Truncate(time.Second)})
		}
	}
	busy := time.Now().Add(lockWait)
	for {
		if err := prepareVersionTable(ctx, db, dialect, store); err != nil {
			if retry(ctx, err, busy) {
				continue
			}
			return done, fmt.Errorf("preparing table %s: %w", set.VersionTable(), err)
		}
		results, err := provider.Up(ctx)
		add(results)
		partial, ok := errors.AsType[*goose.PartialError](err)
		if ok {
			add(partial.Applied)
		}
		switch {
		case err == nil && dialect == SQLite && set == People:
			if err := guardAudit(ctx, db); err != nil {
				if retry(ctx, err, busy) {
					continue
				}
				return done, fmt.Errorf("guarding the audit trail: %w", err)
			}
			return done, nil
		case err == nil:
			return done, nil
		case retry(ctx, err, busy):
		case ok && dialect == MySQL && alreadyThere(err):
			// The one statement of this version ran, and the run ended before it was entered.
			if err := store.Insert(ctx, db, database.InsertRequest{Version: partial.Failed.Source.Version}); err != nil {
				return done, err
			}
			add([]*goose.MigrationResult{partial.Failed})
		case ok:
			return done, fmt.Errorf("%s: %w", partial.Failed.Source.Path, partial.Err)
		default:
			return done, err
		}
	}
}

// prepareVersionTable creates goose's table with its first entry. Goose does so too, but by two statements that MySQL
// commits one by one: a run that is cut off between them would leave a table that goose refuses for ever.
func prepareVersionTable(ctx context.Context, db *sql.DB, dialect Dialect, store database.Store) error {
	exists, err := tableExists(ctx, db, dialect, store.Tablename())
	if err != nil {
		return err
	}
	if !exists {
		if err := store.CreateVersionTable(ctx, db); err != nil {
			return err
		}
	}
	list, err := store.ListMigrations(ctx, db)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return nil
	}
	return store.Insert(ctx, db, database.InsertRequest{Version: 0})
}

// retry tells, after a pause, whether the same is worth another try: SQLite was busy with a writer that is no
// migration. What failed was rolled back whole.
func retry(ctx context.Context, err error, until time.Time) bool {
	sqlite, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	const busy = 5 // SQLITE_BUSY, the low byte of its kinds (https://www.sqlite.org/rescode.html)
	if !ok || sqlite.Code()&0xff != busy || time.Now().After(until) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(lockPoll):
		return true
	}
}

// alreadyThere tells that MySQL refused a statement because what it does was done before.
// Numbers: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html.
func alreadyThere(err error) bool {
	switch number(err) {
	case 1050, // ER_TABLE_EXISTS_ERROR
		1060, // ER_DUP_FIELDNAME
		1061, // ER_DUP_KEYNAME
		1091, // ER_CANT_DROP_FIELD_OR_KEY
		3822: // ER_CHECK_CONSTRAINT_DUP_NAME
		return true
	}
	return false
}

// number returns the number of the server's error; 0 for any other error.
func number(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}
