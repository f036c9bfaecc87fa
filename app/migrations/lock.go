package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3/lock"
)

const (
	// lockWait is how long one run waits for another. Migrations of this size take seconds.
	lockWait = time.Minute
	// lockPoll is how often a file lock is tried again.
	lockPoll = 50 * time.Millisecond
	// unlockTime bounds the release of a lock, which is not cancelled with the run.
	unlockTime = 5 * time.Second
)

var errLocked = fmt.Errorf("another migration of this database has been running for more than %v; try again when it "+
	"has finished", lockWait)

// acquire keeps other runs away from the database until release is called.
//
// It is taken before goose is called, not by goose: goose looks at the version, and creates its table, before it takes
// the lock that it is given.
func acquire(ctx context.Context, db *sql.DB, dialect Dialect) (release func() error, err error) {
	if dialect == SQLite {
		return lockFile(ctx, db)
	}
	var name sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&name); err != nil {
		return nil, fmt.Errorf("asking for the database's name: %w", err)
	}
	return lockSession(ctx, db, name.String)
}

// lockSession takes the lock of a database that need not exist yet. It keeps one connection of the pool.
func lockSession(ctx context.Context, db *sql.DB, name string) (release func() error, err error) {
	if db.Stats().MaxOpenConnections == 1 {
		return nil, errors.New("two connections are needed, one of them for the lock, but the pool allows one")
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	locker := newSessionLocker(name)
	if err := locker.SessionLock(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		return errors.Join(locker.SessionUnlock(context.WithoutCancel(ctx), conn), conn.Close())
	}, nil
}

// sessionLocker is a lock.SessionLocker over MySQL's GET_LOCK, which ends with the connection, so a run that dies
// leaves no lock behind.
type sessionLocker struct{ lockName string }

// newSessionLocker returns the lock of a database. GET_LOCK's names belong to the whole server and have 64 characters
// at most (https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html), a database's may have as many: hence the
// hash.
func newSessionLocker(database string) sessionLocker {
	hash := sha256.Sum256([]byte(database))
	return sessionLocker{"dossier-migrate-" + hex.EncodeToString(hash[:16])}
}

var _ lock.SessionLocker = sessionLocker{}

// SessionLock waits for the lock, lockWait at most.
func (l sessionLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for deadline := time.Now().Add(lockWait); time.Now().Before(deadline); {
		// One second a try: a longer wait within the server could exceed the connection's read timeout.
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 1)", l.lockName).Scan(&got); err != nil {
			return fmt.Errorf("waiting for another migration: %w", err)
		}
		if got.Int64 == 1 {
			return nil
		}
	}
	return errLocked
}

// SessionUnlock releases the lock. It fails when the lock was lost meanwhile.
func (l sessionLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	var released sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT RELEASE_LOCK(?)", l.lockName).Scan(&released); err != nil {
		return fmt.Errorf("releasing the migration lock: %w", err)
	}
	if released.Int64 != 1 {
		return errors.New("the migration lock was lost during the migration")
	}
	return nil
}

// lockFile takes an operating system's lock on a file beside the database. It ends with the process. The file stays:
// removing it would let two runs hold locks on two files of the same name.
func lockFile(ctx context.Context, db *sql.DB) (release func() error, err error) {
	path, err := sqlitePath(ctx, db)
	if err != nil {
		return nil, err
	}
	if path == "" { // in memory, so nobody else's
		return func() error { return nil }, nil
	}
	file := flock.New(path+".migrate.lock", flock.SetPermissions(0o600))
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if _, err := file.TryLockContext(wait, lockPoll); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("locking %s: %w", file.Path(), err)
	}
	return file.Unlock, nil
}

// sqlitePath returns the path of the database's file; empty for one in memory.
func sqlitePath(ctx context.Context, db *sql.DB) (string, error) {
	var path string
	err := db.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path)
	if err != nil {
		return "", fmt.Errorf("finding the database's file: %w", err)
	}
	return path, nil
}
