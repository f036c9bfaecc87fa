package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dossier.example/app"
	"dossier.example/app/migrations"
	gosqlite "github.com/glebarez/go-sqlite"
	gormsqlite "github.com/glebarez/sqlite"
	"gorm.io/gorm"
)

const (
	// sqliteTimeout bounds one call: a local disk answers in milliseconds, unless another process writes for long.
	sqliteTimeout = 5 * time.Second
	// sqliteBusy is how long SQLite itself waits for another process's write. It is short because that wait does not
	// end with the context; the store tries again until its time is up.
	sqliteBusy = 50 * time.Millisecond
	// sqliteConnections bounds the readers; there is one writer at a time.
	sqliteConnections = 8
)

// OpenSQLite opens the database in the file, creates it and its folder where they are missing, and brings its schema up
// to date. Any number of processes may have the file open. What a call has written is on the disk when it returns.
func OpenSQLite(ctx context.Context, path string) (*Store, error) {
	db, err := ConnectSQLite(ctx, path)
	if err != nil {
		return nil, err
	}
	kind := sqliteServer{folder: filepath.Dir(path)}
	s, err := newStore(db, gormsqlite.Dialector{Conn: db}, sqliteTimeout, kind)
	if err == nil {
		s.writing = make(chan struct{}, 1)
		_, err = migrations.Up(ctx, db, migrations.SQLite, migrations.People)
	}
	if err != nil {
		return nil, errors.Join(kind.opening(ctx, path, err), db.Close())
	}
	return s, nil
}

// ConnectSQLite returns connections to the file as OpenSQLite uses them, whatever the schema, for migrations. The file
// and its folder are created where they are missing, for the current user only.
func ConnectSQLite(ctx context.Context, path string) (*sql.DB, error) {
	kind := sqliteServer{folder: filepath.Dir(path)}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the database in %s: %w", path, err)
	}
	if err := create(abs); err != nil {
		return nil, kind.opening(ctx, path, err)
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") { // a drive's letter
		slashed = "/" + slashed
	}
	// A URI, so that no character of the path is taken for the beginning of the settings
	// (https://www.sqlite.org/uri.html).
	uri := url.URL{Scheme: "file", OmitHost: true, Path: slashed, RawQuery: url.Values{
		"_txlock": {"immediate"}, // a transaction that turns to writing later could not wait for its turn
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", sqliteBusy.Milliseconds()),
			"journal_mode(WAL)",
			// In WAL mode the default, NORMAL, may lose the last commits when the machine loses power.
			"synchronous(FULL)",
			// Else a statement that replaces a row removes the former one past the guards of the audit trail
			// (https://www.sqlite.org/lang_conflict.html).
			"recursive_triggers(ON)",
		},
	}.Encode()}
	db, err := sql.Open(gormsqlite.DriverName, uri.String())
	if err != nil {
		return nil, kind.opening(ctx, path, err)
	}
	db.SetMaxOpenConns(sqliteConnections)
	db.SetMaxIdleConns(sqliteConnections)
	if err := kind.check(ctx, db); err != nil {
		return nil, errors.Join(kind.opening(ctx, path, err), db.Close())
	}
	return db, nil
}

// create makes the file and its folder, readable by the current user only. SQLite would make the file readable by all;
// the files that it puts beside it have the same mode.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// check makes sure of the modes that durability and several processes rely on.
func (k sqliteServer) check(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, sqliteTimeout)
	defer cancel()
	for {
		var journal string
		var synchronous int
		err := db.QueryRowContext(ctx,
			"SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous").Scan(&journal,
			&synchronous)
		if err == nil {
			const full = 2 // https://www.sqlite.org/pragma.html#pragma_synchronous
			if journal != "wal" || synchronous != full {
				return fmt.Errorf("SQLite uses journal mode %q and synchronous %d instead of \"wal\" and %d: put "+
					"the folder on a local disk",
					journal, synchronous, full)
			}
			return nil
		}
		// Several processes that create the file at once get in each other's way.
		if what, _ := k.judge(err); what != again {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(sqliteBusy):
		}
	}
}

// changeWithWords implements server.
func (k sqliteServer) changeWithWords(_ context.Context, db *gorm.DB, id dossier.PersonID, words []string,
	update string, args ...any) (changed bool, err error) {
	err = db.Transaction(func(tx *gorm.DB) error {
		done := tx.Exec(update, args...)
		if changed = done.RowsAffected > 0; done.Error != nil || !changed {
			return done.Error
		}
		return addWords(tx, id, words)
	})
	return changed, err
}

// sqliteServer is an SQLite file in a folder.
type sqliteServer struct{ folder string }

func (sqliteServer) close() error { return nil }

// The primary result codes, the low byte of a code (https://www.sqlite.org/rescode.html), and two extended ones.
const (
	sqlitePerm        = 3
	sqliteBusyCode    = 5
	sqliteLocked      = 6
	sqliteNoMem       = 7
	sqliteReadOnly    = 8
	sqliteInterrupt   = 9
	sqliteIOErr       = 10
	sqliteFull        = 13
	sqliteCantOpen    = 14
	sqliteProtocol    = 15
	sqlitePrimaryKey  = 1555
	sqliteUnique      = 2067
	sqlitePrimaryMask = 0xff
)

func (k sqliteServer) judge(err error) (verdict, error) {
	e, ok := errors.AsType[*gosqlite.Error](err)
	if !ok {
		return outage, err // no answer of SQLite: the pool is closed or the time is up
	}
	switch e.Code() {
	case sqlitePrimaryKey, sqliteUnique:
		return taken, err
	}
	switch e.Code() & sqlitePrimaryMask {
	case sqliteBusyCode, sqliteLocked,
		// The context has not ended: the driver interrupted the wrong statement, that of a call before this one on the
		// same connection.
		sqliteInterrupt:
		return again, err
	case sqliteFull:
		return outage, fmt.Errorf("no space left in folder %s: free some: %w", k.folder, err)
	case sqliteReadOnly, sqlitePerm, sqliteCantOpen:
		return outage, fmt.Errorf("cannot write in folder %s: let the current user write there, or set DOSSIER_DATA "+
			"to another folder: %w", k.folder, err)
	case sqliteNoMem, sqliteIOErr, sqliteProtocol:
		return outage, fmt.Errorf("files in folder %s: %w", k.folder, err)
	}
	return fault, err
}

// opening says why the database could not be opened, and the mend where it is known.
func (k sqliteServer) opening(ctx context.Context, path string, err error) error {
	if ctx.Err() == nil {
		switch {
		case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
			err = fmt.Errorf("cannot write in folder %s: let the current user write there, or set DOSSIER_DATA to "+
				"another folder: %w", k.folder, err)
		case errors.Is(err, syscall.ENOSPC):
			err = fmt.Errorf("no space left in folder %s: free some: %w", k.folder, err)
		default:
			_, err = k.judge(err)
		}
	}
	return fmt.Errorf("opening the database in %s: %w", path, err)
}
