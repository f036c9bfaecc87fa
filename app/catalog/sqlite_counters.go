package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	dossier "dossier.example/app"
)

// Each change of a counter is one transaction, as those of records are.

// Reserve implements dossier.Counters.
func (s *SQLite) Reserve(ctx context.Context, person dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	var u dossier.Usage
	err := s.change(ctx, "count a person's files", func(ctx context.Context, tx *sql.Tx) (err error) {
		if u, err = counter(ctx, tx, person); err != nil {
			return err
		}
		if u.Files > most.Files-add.Files || u.Bytes > most.Bytes-add.Bytes {
			return errQuota
		}
		u.Files, u.Bytes = u.Files+add.Files, u.Bytes+add.Bytes
		if u.Epoch == "" {
			u.Epoch = rand.Text()
		}
		return setCounter(ctx, tx, &u, at)
	})
	if err != nil {
		return dossier.Usage{}, err
	}
	return u, nil
}

// Release implements dossier.Counters.
func (s *SQLite) Release(ctx context.Context, person dossier.PersonID, off dossier.Quota, epoch string,
	at time.Time) error {
	return s.change(ctx, "uncount a person's files", func(ctx context.Context, tx *sql.Tx) error {
		u, err := counter(ctx, tx, person)
		if err != nil {
			return err
		}
		if u.Epoch == "" || u.Epoch != epoch || u.Files < off.Files || u.Bytes < off.Bytes {
			return nil
		}
		u.Files, u.Bytes = u.Files-off.Files, u.Bytes-off.Bytes
		return setCounter(ctx, tx, &u, at)
	})
}

// Usage implements dossier.Counters.
func (s *SQLite) Usage(ctx context.Context, person dossier.PersonID) (u dossier.Usage, err error) {
	err = s.attempt(ctx, "read what a person has", func(ctx context.Context) (err error) {
		u, err = counter(ctx, s.read, person)
		return err
	})
	return u, err
}

// Recount implements dossier.Counters.
func (s *SQLite) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return s.change(ctx, "count a person's files anew", func(ctx context.Context, tx *sql.Tx) error {
		u, err := counter(ctx, tx, seen.Person)
		if err != nil {
			return err
		}
		if u.Revision != seen.Revision {
			return errLost
		}
		u.Quota, u.Epoch = to, rand.Text()
		return setCounter(ctx, tx, &u, at)
	})
}

// Miscounted implements dossier.Counters.
func (s *SQLite) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return func(yield func(dossier.PersonID, error) bool) {
		for last := ""; ; {
			page, err := s.miscounted(ctx, last)
			if err != nil {
				yield(dossier.PersonID{}, err)
				return
			}
			for _, person := range page {
				if !yield(person, nil) {
					return
				}
			}
			if len(page) < s.page {
				return
			}
			last = page[len(page)-1].String()
		}
	}
}

func (s *SQLite) miscounted(ctx context.Context, after string) (page []dossier.PersonID, err error) {
	const doing = "look for miscounted persons"
	err = s.attempt(ctx, doing, func(ctx context.Context) (err error) {
		page = nil
		// What records count is dossier.File.Counted. Both tables are read in the order of their keys: all of a large
		// catalog sorted anew would need a temporary file, for which a full disk has no room.
		rows, err := s.read.QueryContext(ctx,
			`SELECT person_id FROM files WHERE person_id > ?1 GROUP BY person_id
			 HAVING COUNT(*) <> COALESCE((SELECT u.files FROM usages u WHERE u.person_id = files.person_id), 0)
			     OR SUM(COALESCE(upload_size, size, 0)) <> COALESCE((SELECT u.bytes FROM usages u WHERE u.person_id = files.person_id), 0)
			 UNION ALL
			 SELECT person_id FROM usages WHERE person_id > ?1 AND (files <> 0 OR bytes <> 0)
			     AND NOT EXISTS (SELECT 1 FROM files f WHERE f.person_id = usages.person_id)
			 ORDER BY person_id LIMIT ?2`, after, s.page)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			person, err := dossier.ParsePersonID(text)
			if err != nil {
				return errors.New("the person's id is not a UUIDv7")
			}
			page = append(page, person)
		}
		return rows.Err()
	})
	return page, err
}

// counter returns a person's counter; zero but for Person where there is none.
func counter(ctx context.Context, q querier, person dossier.PersonID) (u dossier.Usage, err error) {
	u.Person = person
	rows, err := q.QueryContext(ctx, `SELECT files, bytes, epoch, revision, updated_at FROM usages WHERE person_id = ?`,
		person.String())
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var updated int64
		if err := rows.Scan(&u.Files, &u.Bytes, &u.Epoch, &u.Revision, &updated); err != nil {
			return u, fmt.Errorf("read what person %s has: %w", person, err)
		}
		u.UpdatedAt = instant(updated)
	}
	return u, rows.Err()
}

// setCounter writes a counter as a new revision, or removes it where it counts nothing.
func setCounter(ctx context.Context, tx *sql.Tx, u *dossier.Usage, at time.Time) (err error) {
	if u.Quota == (dossier.Quota{}) {
		_, err = tx.ExecContext(ctx, `DELETE FROM usages WHERE person_id = ?`, u.Person.String())
		return err
	}
	u.Revision, u.UpdatedAt = rand.Text(), instant(at.UnixMicro())
	_, err = tx.ExecContext(ctx,
		`INSERT INTO usages (person_id, files, bytes, epoch, revision, updated_at) VALUES (?, ?, ?, ?, ?, ?)
		 ON CONFLICT (person_id) DO UPDATE SET files = excluded.files, bytes = excluded.bytes, epoch = excluded.epoch,
		 revision = excluded.revision, updated_at = excluded.updated_at`,
		u.Person.String(), u.Files, u.Bytes, u.Epoch, u.Revision, at.UnixMicro())
	return err
}
