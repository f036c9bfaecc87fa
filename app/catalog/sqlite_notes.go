package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"iter"
	"time"

	dossier "dossier.example/app"
)

// Note implements dossier.Notes.
func (s *SQLite) Note(ctx context.Context, name string) (n dossier.Note, err error) {
	err = s.attempt(ctx, "read a note", func(ctx context.Context) error {
		n = dossier.Note{}
		err := s.read.QueryRowContext(ctx, `SELECT value, revision FROM notes WHERE name = ?`, name).
			Scan(&n.Value, &n.Revision)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return n, err
}

// SetNote implements dossier.Notes.
func (s *SQLite) SetNote(ctx context.Context, name, revision string, value []byte) (dossier.Note, error) {
	noted := dossier.Note{Value: value, Revision: rand.Text()}
	err := s.change(ctx, "write a note", func(ctx context.Context, tx *sql.Tx) error {
		write := `UPDATE notes SET value = ?, revision = ? WHERE name = ? AND revision = ?`
		args := []any{value, noted.Revision, name, revision}
		if revision == "" {
			write, args = `INSERT INTO notes (value, revision, name) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`,
				args[:3]
		}
		n, err := affected(tx.ExecContext(ctx, write, args...))
		if err == nil && n == 0 {
			return errLost
		}
		return err
	})
	if err != nil {
		return dossier.Note{}, err
	}
	return noted, nil
}

// SeeOwnerless implements dossier.Notes.
func (s *SQLite) SeeOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (time.Time, error) {
	var since int64
	err := s.change(ctx, "note what has no owner", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO ownerless (person_id, file_id, since) VALUES (?, ?, ?)
			ON CONFLICT (person_id, file_id) DO NOTHING`, person.String(), file.String(), at.UnixMicro())
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT since FROM ownerless WHERE person_id = ? AND file_id = ?`,
			person.String(), file.String()).Scan(&since)
	})
	return instant(since), err
}

// ForgetOwnerless implements dossier.Notes.
func (s *SQLite) ForgetOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return s.change(ctx, "forget what had no owner", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM ownerless WHERE person_id = ? AND file_id = ?`, person.String(),
			file.String())
		return err
	})
}

// Ownerless implements dossier.Notes.
func (s *SQLite) Ownerless(ctx context.Context) iter.Seq2[dossier.Ownerless, error] {
	return func(yield func(dossier.Ownerless, error) bool) {
		for person, file := "", ""; ; {
			page, err := s.ownerless(ctx, person, file)
			if err != nil {
				yield(dossier.Ownerless{}, err)
				return
			}
			for _, o := range page {
				if !yield(o, nil) {
					return
				}
			}
			if len(page) < s.page {
				return
			}
			last := page[len(page)-1]
			person, file = last.Person.String(), last.File.String()
		}
	}
}

func (s *SQLite) ownerless(ctx context.Context, person, file string) (page []dossier.Ownerless, err error) {
	err = s.attempt(ctx, "list what has no owner", func(ctx context.Context) (err error) {
		page = nil
		rows, err := s.read.QueryContext(ctx, `SELECT person_id, file_id, since FROM ownerless
			WHERE (person_id, file_id) > (?, ?) ORDER BY person_id, file_id LIMIT ?`, person, file, s.page)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var p, f string
			var since int64
			if err := rows.Scan(&p, &f, &since); err != nil {
				return err
			}
			o := dossier.Ownerless{Since: instant(since)}
			if o.Person, o.File, err = parseKey(p, f); err != nil {
				return err
			}
			page = append(page, o)
		}
		return rows.Err()
	})
	return page, err
}
