package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	// The driver that gorm's dialect for the people store uses too: one SQLite in the program. Without gorm here,
	// because the catalog is a dozen fixed statements whose wording and transactions are the point.
	"github.com/glebarez/go-sqlite"

	dossier "dossier.example/app"
	"dossier.example/app/migrations"
)

// SQLite keeps the records in an SQLite database file: the embedded twin of DynamoDB. Several processes may use the
// same file, on one machine (SQLite's locks and the write-ahead log do not work over a network file system).
//
// What Commit needs conditional writes and claims for over there is one transaction here: SQLite has one writer at a
// time, so no record is ever half-way committed, and Commit finds a stored twin or stores.
//
// The column name holds File.Path, folder and name, as the attribute of that name does in DynamoDB.
//
// A call that returned without error is on the disk (synchronous=FULL).
type SQLite struct {
	// write has one connection, so that writers of this process queue up in order and can be cancelled while they wait.
	// Only those of other processes meet in SQLite's own lock.
	write, read *sql.DB
	timeout     time.Duration
	page        int
}

const (
	// readers is how many reads run at once.
	readers = 4
	// busyMillis is how long SQLite itself waits for a lock. It cannot be cancelled in that time, so it is short and
	// tried again until the call's time is up.
	busyMillis = 50
	// retryEvery is the pause between two such tries; SQLite does not wait for every kind of lock.
	retryEvery = 5 * time.Millisecond
)

// OpenSQLite opens the database file, creating it when absent, and brings its schema (package migrations, set
// "catalog") up to date. Its folder must exist and be writable. An error names the folder and says how to mend it.
func OpenSQLite(ctx context.Context, path string) (*SQLite, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	if err := checkFolder(filepath.Dir(path)); err != nil {
		return nil, &dossier.Error{Code: dossier.CodeUnavailable, Err: fmt.Errorf("open the catalog: %w", err)}
	}
	// The records hold names: for the current user only, whatever the folder allows.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, &dossier.Error{Code: dossier.CodeUnavailable, Err: fmt.Errorf("open the catalog: %w", err)}
	}
	dsn := func(more string) string {
		file := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
		return file.String() +
			fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)", busyMillis) +
			more
	}
	s := &SQLite{timeout: defaultTimeout, page: defaultPage}
	if s.write, err = sql.Open("sqlite", dsn("&_txlock=immediate")); err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	if s.read, err = sql.Open("sqlite", dsn("")); err != nil {
		return nil, errors.Join(fmt.Errorf("open the catalog: %w", err), s.write.Close())
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	// An empty write shows a file that can be read but not written, now and not in the middle of the first submission.
	if err := s.change(ctx, "open the catalog "+path, func(context.Context, *sql.Tx) error { return nil }); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if _, err := migrations.Up(ctx, s.write, migrations.SQLite, migrations.Catalog); err != nil {
		return nil, errors.Join(sqliteFault(ctx, "bring the schema of the catalog "+path+" up to date", err), s.Close())
	}
	return s, nil
}

// checkFolder reports whether files can be created in a folder: SQLite keeps its log and its locks beside the database.
func checkFolder(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the folder %s does not exist: create it, or set DOSSIER_DATA to another one: %w", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("the folder %s is not writable: make it writable for the user that runs this "+
			"program, "+
			"free some space on its disk, or set DOSSIER_DATA to another folder: %w", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Close ends all connections. Calls that still run fail.
func (s *SQLite) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Ping reports whether the database answers; ErrUnavailable.
func (s *SQLite) Ping(ctx context.Context) error {
	return s.attempt(ctx, "ask the catalog's database", func(ctx context.Context) error {
		var one int
		return s.read.QueryRowContext(ctx, "SELECT 1 FROM files UNION ALL SELECT 1 LIMIT 1").Scan(&one)
	})
}

// Put implements dossier.Catalog.
func (s *SQLite) Put(ctx context.Context, f dossier.File) error {
	var m multipart
	if f.Multipart != nil {
		m.uploadID = sql.NullString{String: f.Multipart.UploadID, Valid: true}
		m.size, m.partSize = sql.NullInt64{Int64: f.Multipart.Size, Valid: true},
			sql.NullInt64{Int64: f.Multipart.PartSize, Valid: true}
	}
	return s.change(ctx, "put a file record", func(ctx context.Context, tx *sql.Tx) error {
		if f.Multipart != nil {
			var there int
			err := tx.QueryRowContext(ctx,
				`SELECT COUNT(*) FROM removed WHERE person_id = ? AND file_id = ? AND until > ?`,
				f.Person.String(), f.ID.String(), f.UpdatedAt.UnixMicro()).Scan(&there)
			if err != nil {
				return err
			}
			if there > 0 {
				return errExists
			}
		}
		n, err := affected(tx.ExecContext(ctx,
			`INSERT INTO files (person_id, file_id, name, author, state, upload_transfer, upload_size,
			 upload_part_size, created_at, updated_at, size, sha256, crc64, content_type,
			 scan, scan_detail, scan_at, scan_tries, scan_until, scan_revision)
			 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			 ON CONFLICT (person_id, file_id) DO NOTHING`,
			slices.Concat([]any{f.Person.String(), f.ID.String(), f.Path(), f.Author, string(dossier.FileUploading),
				m.uploadID, m.size, m.partSize, f.CreatedAt.UnixMicro(), f.UpdatedAt.UnixMicro()},
				contentColumns(f.Content), scanColumns(f.Scan))...))
		if err == nil && n == 0 {
			return errExists
		}
		return err
	})
}

// File implements dossier.Catalog.
func (s *SQLite) File(ctx context.Context, person dossier.PersonID, file dossier.FileID) (dossier.File, error) {
	var f dossier.File
	err := s.attempt(ctx, "read a file record", func(ctx context.Context) (err error) {
		f, err = record(ctx, s.read, person, file)
		return err
	})
	return f, err
}

// Files implements dossier.Catalog.
func (s *SQLite) Files(ctx context.Context, person dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File,
	error) {
	return s.list(ctx, "list a person's file records", `WHERE person_id = ? AND file_id > ? ORDER BY file_id LIMIT ?`,
		person.String(), after.String(), limit)
}

// Describe implements dossier.Catalog.
func (s *SQLite) Describe(ctx context.Context, person dossier.PersonID, file dossier.FileID, c dossier.Content,
	at time.Time) error {
	return s.change(ctx, "describe a file", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx,
			`UPDATE files SET size = ?, sha256 = ?, crc64 = ?, content_type = ?, updated_at = ?
			 WHERE person_id = ? AND file_id = ? AND state = ?`,
			append(contentColumns(&c), at.UnixMicro(), person.String(), file.String(),
				string(dossier.FileUploading))...))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
}

// contentColumns returns what the columns size to content_type have of a record: NULL where it is not described.
func contentColumns(c *dossier.Content) []any {
	if c == nil {
		return make([]any, 4)
	}
	return []any{c.Size, formatSHA256(c.SHA256), formatCRC64(c.CRC64), c.Type}
}

// Touch implements dossier.Catalog.
func (s *SQLite) Touch(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time) error {
	return s.change(ctx, "touch a file record", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx,
			`UPDATE files SET updated_at = ? WHERE person_id = ? AND file_id = ? AND state = ?`,
			at.UnixMicro(), person.String(), file.String(), string(dossier.FileUploading)))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
}

// CommitAsPut implements dossier.Catalog. A look at the record is part of the transaction.
func (s *SQLite) CommitAsPut(ctx context.Context, f dossier.File, at time.Time) (dossier.File, error) {
	return s.Commit(ctx, f.Person, f.ID, at)
}

// Commit implements dossier.Catalog.
func (s *SQLite) Commit(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (stored dossier.File, err error) {
	err = s.change(ctx, "commit a file", func(ctx context.Context, tx *sql.Tx) error {
		own, err := record(ctx, tx, person, file)
		switch {
		case errors.Is(err, errNotFound):
			return errLost
		case err != nil:
			return err
		case own.State == dossier.FileStored:
			stored = own
			return nil
		case own.State != dossier.FileUploading || own.Content == nil:
			return errLost
		case own.Content.Type == "":
			return errIncomplete
		}
		twins, err := records(ctx, tx,
			`WHERE person_id = ? AND name = ? AND sha256 = ? AND size = ? AND state = 'stored'`,
			person.String(), own.Path(), formatSHA256(own.Content.SHA256), own.Content.Size)
		if err != nil {
			return err
		}
		if len(twins) > 0 {
			stored = twins[0]
			return nil
		}
		own.State, own.UpdatedAt = dossier.FileStored, instant(at.UnixMicro())
		stored = own
		return setState(ctx, tx, own)
	})
	if err != nil {
		return dossier.File{}, err
	}
	return stored, nil
}

// MarkDeleting implements dossier.Catalog.
func (s *SQLite) MarkDeleting(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time,
	from ...dossier.FileState) error {
	return s.change(ctx, "mark a file for deletion", func(ctx context.Context, tx *sql.Tx) error {
		f, err := record(ctx, tx, person, file)
		if err != nil {
			return err
		}
		for _, state := range append(from[:len(from):len(from)], dossier.FileDeleting) {
			if f.State == state {
				f.State, f.UpdatedAt = dossier.FileDeleting, at
				return setState(ctx, tx, f)
			}
		}
		return errLost
	})
}

// Remove implements dossier.Catalog.
func (s *SQLite) Remove(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (removed *dossier.File, err error) {
	err = s.change(ctx, "remove a file record", func(ctx context.Context, tx *sql.Tx) error {
		removed = nil
		f, err := record(ctx, tx, person, file)
		switch {
		case errors.Is(err, errNotFound):
			return retire(ctx, tx, person, file, at)
		case err != nil:
			return err
		case f.State != dossier.FileDeleting:
			return errLost
		}
		if err := retire(ctx, tx, person, file, at); err != nil {
			return err
		}
		removed = &f
		_, err = tx.ExecContext(ctx, `DELETE FROM files WHERE person_id = ? AND file_id = ?`, person.String(),
			file.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// SetTrash implements dossier.Catalog.
func (s *SQLite) SetTrash(ctx context.Context, person dossier.PersonID, file dossier.FileID, since time.Time,
	t dossier.Trash) error {
	var at, by any
	if !t.At.IsZero() {
		at, by = t.At.UnixMicro(), t.By
	}
	return s.change(ctx, "move a file to or from the trash", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE files SET trashed_at = ?, trashed_by = ?
			WHERE person_id = ? AND file_id = ? AND state = 'stored' AND COALESCE(trashed_at, 0) = ?`,
			at, by, person.String(), file.String(), micros(since)))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
}

// MarkTrashed implements dossier.Catalog.
func (s *SQLite) MarkTrashed(ctx context.Context, person dossier.PersonID, file dossier.FileID, since,
	at time.Time) error {
	return s.change(ctx, "mark a file in the trash for deletion", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE files SET state = ?, updated_at = ?
			WHERE person_id = ? AND file_id = ? AND state = 'stored' AND trashed_at = ?`,
			string(dossier.FileDeleting), at.UnixMicro(), person.String(), file.String(), since.UnixMicro()))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
}

// TrashedFiles implements dossier.Catalog.
func (s *SQLite) TrashedFiles(ctx context.Context) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		s.pages(func(last *dossier.File) ([]dossier.File, error) {
			if last == nil {
				last = &dossier.File{}
			}
			return s.list(ctx, "list the files in the trash",
				`WHERE trashed_at IS NOT NULL AND state = 'stored' AND (person_id, file_id) > (?, ?)
				 ORDER BY person_id, file_id LIMIT ?`, last.Person.String(), last.ID.String(), s.page)
		}, yield)
	}
}

// forgotten is how many ids of removed files are forgotten at most when one is added: more than one, so that their
// number falls back after many were removed.
const forgotten = 8

// retire keeps an id from being used again for a while, and forgets some of those whose time is over.
func retire(ctx context.Context, tx *sql.Tx, person dossier.PersonID, file dossier.FileID, at time.Time) error {
	_, err := tx.ExecContext(ctx,
		`INSERT INTO removed (person_id, file_id, until) VALUES (?, ?, ?)
		 ON CONFLICT (person_id, file_id) DO UPDATE SET until = MAX(until, excluded.until)`,
		person.String(), file.String(), at.Add(dossier.RemovedFor).UnixMicro())
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM removed WHERE (person_id, file_id) IN
		(SELECT person_id, file_id FROM removed WHERE until <= ? ORDER BY until LIMIT ?)`, at.UnixMicro(), forgotten)
	return err
}

// Unfinished implements dossier.Catalog. The order is that of DynamoDB.Unfinished, for the same reasons.
func (s *SQLite) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		const doing = "list unfinished files"
		for _, state := range []dossier.FileState{dossier.FileDeleting, dossier.FileUploading} {
			first, args := `WHERE state = ?`, []any{string(state)}
			if state == dossier.FileUploading {
				first, args = first+` AND updated_at < ?`, append(args, ceilMicro(before))
			}
			const order = ` ORDER BY updated_at DESC, person_id DESC, file_id DESC`
			page := func(last *dossier.File) ([]dossier.File, error) {
				if last == nil {
					return s.list(ctx, doing, first+order+` LIMIT ?`, append(args[:len(args):len(args)], s.page)...)
				}
				return s.list(ctx, doing,
					`WHERE state = ? AND (updated_at, person_id, file_id) < (?, ?, ?)`+order+` LIMIT ?`,
					string(state), last.UpdatedAt.UnixMicro(), last.Person.String(), last.ID.String(), s.page)
			}
			if !s.pages(page, yield) {
				return
			}
		}
	}
}

// All implements dossier.Catalog.
func (s *SQLite) All(ctx context.Context) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		s.pages(func(last *dossier.File) ([]dossier.File, error) {
			if last == nil {
				last = &dossier.File{}
			}
			return s.Behind(ctx, last.Person, last.ID, s.page)
		}, yield)
	}
}

// Behind implements dossier.Catalog.
func (s *SQLite) Behind(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	limit int) ([]dossier.File, error) {
	return s.list(ctx, "walk the file records",
		`WHERE (person_id, file_id) > (?, ?) ORDER BY person_id, file_id LIMIT ?`, person.String(), file.String(),
		limit)
}

// SetDamage implements dossier.Catalog.
func (s *SQLite) SetDamage(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	d *dossier.Damage) error {
	var kind, at any
	if d != nil {
		kind, at = string(d.Kind), d.FoundAt.UnixMicro()
	}
	return s.change(ctx, "mark a file's damage", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx,
			`UPDATE files SET damage = ?, damaged_at = ? WHERE person_id = ? AND file_id = ? AND state = 'stored'`,
			kind, at, person.String(), file.String()))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
}

// Damaged implements dossier.Catalog.
func (s *SQLite) Damaged(ctx context.Context) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		s.pages(func(last *dossier.File) ([]dossier.File, error) {
			if last == nil {
				last = &dossier.File{}
			}
			return s.list(ctx, "list the damaged files",
				`WHERE damage IS NOT NULL AND state = 'stored' AND trashed_at IS NULL
				 AND COALESCE(scan, '') <> 'infected'
				 AND (person_id, file_id) > (?, ?) ORDER BY person_id, file_id LIMIT ?`, last.Person.String(),
				last.ID.String(), s.page)
		}, yield)
	}
}

// scanColumns returns what the columns scan… have of a record: NULL where it has no Scan.
func scanColumns(s *dossier.Scan) []any {
	if s == nil {
		return make([]any, 6)
	}
	return []any{string(s.State), s.Detail, micros(s.At), s.Tries, micros(s.Until), s.Revision}
}

// SetScan implements dossier.Catalog.
func (s *SQLite) SetScan(ctx context.Context, person dossier.PersonID, file dossier.FileID, revision string,
	scan dossier.Scan) (dossier.Scan, error) {
	scan.Revision = rand.Text()
	err := s.change(ctx, "note the scan of a file", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx,
			`UPDATE files SET scan = ?, scan_detail = ?, scan_at = ?, scan_tries = ?, scan_until = ?, scan_revision = ?
			 WHERE person_id = ? AND file_id = ? AND state = 'stored' AND COALESCE(scan_revision, '') = ?`,
			append(scanColumns(&scan), person.String(), file.String(), revision)...))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
	if err != nil {
		return dossier.Scan{}, err
	}
	return scan, nil
}

// Scans implements dossier.Catalog.
func (s *SQLite) Scans(ctx context.Context, state dossier.ScanState) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		s.pages(func(last *dossier.File) ([]dossier.File, error) {
			if last == nil {
				last = &dossier.File{}
			}
			// The first condition is that of the index.
			return s.list(ctx, "list the files by what scanners found",
				`WHERE scan IN ('waiting', 'failed', 'infected') AND scan = ? AND state = 'stored'
				 AND trashed_at IS NULL AND (damage IS NULL OR scan = 'infected') AND (person_id, file_id) > (?, ?)
				 ORDER BY person_id, file_id LIMIT ?`,
				string(state), last.Person.String(), last.ID.String(), s.page)
		}, yield)
	}
}

// pages walks by pages, each of which begins behind the last record of the one before; no connection is held while the
// body runs. It returns false when the walk is over: the body broke off or there was an error.
func (s *SQLite) pages(page func(last *dossier.File) ([]dossier.File, error),
	yield func(dossier.File, error) bool) bool {
	var last *dossier.File
	for {
		files, err := page(last)
		if err != nil {
			yield(dossier.File{}, err)
			return false
		}
		for _, f := range files {
			if !yield(f, nil) {
				return false
			}
		}
		if len(files) < s.page {
			return true
		}
		last = &files[len(files)-1]
	}
}

// querier is a transaction, or the pool of readers.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// record returns one record; errNotFound.
func record(ctx context.Context, q querier, person dossier.PersonID, file dossier.FileID) (dossier.File, error) {
	files, err := records(ctx, q, `WHERE person_id = ? AND file_id = ?`, person.String(), file.String())
	switch {
	case err != nil:
		return dossier.File{}, err
	case len(files) == 0:
		return dossier.File{}, errNotFound
	}
	return files[0], nil
}

// records returns all records that the rest of a SELECT statement picks.
func records(ctx context.Context, q querier, rest string, args ...any) (files []dossier.File, err error) {
	rows, err := q.QueryContext(ctx,
		`SELECT person_id, file_id, name, author, state, size, sha256, crc64, content_type, upload_transfer, upload_size,
		 upload_part_size, created_at, updated_at, damage, damaged_at,
		 scan, scan_detail, scan_at, scan_tries, scan_until, scan_revision, trashed_at, trashed_by
		 FROM files `+rest, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		f, err := scan(rows)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, rows.Err()
}

func scan(rows *sql.Rows) (f dossier.File, err error) {
	var (
		person, file, path       string
		size                     sql.NullInt64
		sha256, crc64, mediaType sql.NullString
		m                        multipart
		created, updated         int64
		damage                   sql.NullString
		damaged                  sql.NullInt64
		state, detail, revision  sql.NullString
		at, tries, until         sql.NullInt64
		trashed                  sql.NullInt64
		by                       sql.NullString
	)
	err = rows.Scan(&person, &file, &path, &f.Author, (*string)(&f.State), &size, &sha256, &crc64, &mediaType,
		&m.uploadID, &m.size, &m.partSize, &created, &updated, &damage, &damaged,
		&state, &detail, &at, &tries, &until, &revision, &trashed, &by)
	if err != nil {
		return f, err
	}
	if f.Person, f.ID, err = parseKey(person, file); err != nil {
		return f, fmt.Errorf("read a file record: %w", err)
	}
	f.Folder, f.Name = dossier.SplitPath(path)
	f.CreatedAt, f.UpdatedAt = instant(created), instant(updated)
	if size.Valid {
		if f.Content, err = parseContent(size.Int64, sha256.String, crc64.String, mediaType.String); err != nil {
			return f, fmt.Errorf("read the record of file %s of person %s: %w", file, person, err)
		}
	}
	if m.uploadID.Valid {
		f.Multipart = &dossier.Multipart{UploadID: m.uploadID.String, Size: m.size.Int64, PartSize: m.partSize.Int64}
	}
	if damage.Valid && f.State == dossier.FileStored {
		f.Damage = &dossier.Damage{Kind: dossier.DamageKind(damage.String), FoundAt: instant(damaged.Int64)}
	}
	if trashed.Valid {
		f.Trash = dossier.Trash{At: instant(trashed.Int64), By: by.String}
	}
	if state.Valid {
		f.Scan = &dossier.Scan{State: dossier.ScanState(state.String), Detail: detail.String, At: moment(at.Int64),
			Tries: int(tries.Int64), Until: moment(until.Int64), Revision: revision.String}
	}
	return f, nil
}

// multipart is a record's Multipart as the table has it: all three, or none.
type multipart struct {
	uploadID       sql.NullString
	size, partSize sql.NullInt64
}

func setState(ctx context.Context, tx *sql.Tx, f dossier.File) error {
	_, err := tx.ExecContext(ctx, `UPDATE files SET state = ?, updated_at = ? WHERE person_id = ? AND file_id = ?`,
		string(f.State), f.UpdatedAt.UnixMicro(), f.Person.String(), f.ID.String())
	return err
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (s *SQLite) list(ctx context.Context, doing, rest string, args ...any) (files []dossier.File, err error) {
	err = s.attempt(ctx, doing, func(ctx context.Context) (err error) {
		files, err = records(ctx, s.read, rest, args...)
		return err
	})
	return files, err
}

// change runs a transaction that has the only write lock from its beginning (BEGIN IMMEDIATE), so what it reads stays
// true until it ends.
func (s *SQLite) change(ctx context.Context, doing string, do func(context.Context, *sql.Tx) error) error {
	return s.attempt(ctx, doing, func(ctx context.Context) error {
		tx, err := s.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		err = do(ctx, tx)
		if err == nil {
			// The driver skips a statement whose ctx has ended, without an error: nothing may be committed then.
			err = ctx.Err()
		}
		if err != nil {
			// The failure is what counts: a transaction that cannot even be rolled back is dropped with its connection.
			_ = tx.Rollback()
			return err
		}
		return tx.Commit()
	})
}

// attempt runs do within the time limit, again and again while another process has the lock. What failed has changed
// nothing.
func (s *SQLite) attempt(ctx context.Context, doing string, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for {
		err := do(limited)
		if !passing(err) {
			return sqliteFault(ctx, doing, err)
		}
		select {
		case <-limited.Done():
			return sqliteFault(ctx, doing, err)
		case <-time.After(retryEvery):
		}
	}
}

// passing tells a failure that may be over at once: somebody else has the lock; or the driver interrupted this call
// because another one, that had the connection before, was cancelled just as it ended.
func passing(err error) bool {
	switch resultCode(err) {
	case sqliteBusy, sqliteLocked, sqliteInterrupt:
		return true
	}
	return false
}

// The primary result codes of SQLite that are told apart here (https://www.sqlite.org/rescode.html).
const (
	sqliteError      = 1
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteInterrupt  = 9
	sqliteConstraint = 19
	sqliteMismatch   = 20
	sqliteMisuse     = 21
	sqliteRange      = 25
)

func resultCode(err error) int {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// sqliteFault sorts an error: an answer of this package, a statement that is wrong and would stay so, or (all else:
// locked, full, read-only, damaged, out of time) a store that cannot be used now.
func sqliteFault(ctx context.Context, doing string, err error) error {
	if err == nil || coded(err) {
		return err
	}
	switch resultCode(err) {
	case sqliteError, sqliteConstraint, sqliteMismatch, sqliteMisuse, sqliteRange:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return dossier.Unavailable(ctx, doing, err)
}
