package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"dossier.example/app"
)

// records are the databases of people and files on one connection: that of the catalog, with that of people attached.
//
// The statements stand here and not in the stores, because a store brings a database to the schema of its own release
// when it opens it. What is copied here may be in use by an older or a newer release, and a point of a backup is never
// changed. They ask for no column that came after release 0.1.0.
type records struct{ db *sql.DB }

// record is a stored file, as far as its object is concerned.
type record struct {
	person, file string
	size         int64
	crc64        uint64
}

func (r record) key() string { return dossier.ObjectPrefix + r.person + "/" + r.file }

// openRecords opens both databases.
func openRecords(ctx context.Context, people, catalog string) (records, error) {
	db, err := connect(catalog, false)
	if err != nil {
		return records{}, err
	}
	if _, err := db.ExecContext(ctx, "ATTACH DATABASE ? AS persons", people); err != nil {
		return records{}, errors.Join(err, db.Close())
	}
	return records{db}, nil
}

// trim removes what was not acknowledged, and what is being deleted: persons who are not submitted and what they have,
// and uploads on their way, of which the backup has no parts. What was known of damage, and how far the reading of
// everything was, is that of the live store: whoever serves a restored one reads all of it anew. So are the ids of
// removed files, which those who are still removing them need. A session that was ended since, a token that was
// revoked, or a link of an account that was used must not come back with a backup, so none is in it.
func (r records) trim(ctx context.Context) error {
	statements := []string{
		// What is removed is not in free pages either, of neither database.
		"PRAGMA secure_delete = ON",
		"BEGIN",
		`DELETE FROM main.files WHERE state <> 'stored'
		 OR person_id IN (SELECT id FROM persons.people WHERE state <> 'submitted')`,
		"DELETE FROM persons.people WHERE state <> 'submitted'",
	}
	marked, err := one[bool](ctx, r.db, "SELECT EXISTS (SELECT 1 FROM pragma_table_info('files') WHERE name = 'damage')")
	if err != nil {
		return err
	}
	if marked {
		statements = append(statements, "UPDATE main.files SET damage = NULL, damaged_at = NULL WHERE damage IS NOT NULL")
	}
	for _, table := range []string{"notes", "ownerless", "removed"} {
		there, err := hasTable(ctx, r.db, table)
		if err != nil {
			return err
		}
		if there {
			statements = append(statements, "DELETE FROM main."+table)
		}
	}
	for table, statement := range map[string]string{
		"sessions": "DELETE FROM persons.sessions",
		"tokens":   "DELETE FROM persons.tokens",
		"accounts": "UPDATE persons.accounts SET link_hash = NULL, link_expires_at = 0, revision = revision + 1 " +
			"WHERE link_hash IS NOT NULL",
	} {
		there, err := r.hasPersons(ctx, table)
		if err != nil {
			return err
		}
		if there {
			statements = append(statements, statement)
		}
	}
	return exec(ctx, r.db, append(statements, "COMMIT")...)
}

// hasPersons reports whether the database of people has a table.
func (r records) hasPersons(ctx context.Context, table string) (bool, error) {
	return one[bool](ctx, r.db,
		"SELECT EXISTS (SELECT 1 FROM persons.sqlite_master WHERE type = 'table' AND name = '"+table+"')")
}

// accounts reports whether there are accounts of staff.
func (r records) accounts(ctx context.Context) (bool, error) {
	there, err := r.hasPersons(ctx, "accounts")
	if err != nil || !there {
		return false, err
	}
	return one[bool](ctx, r.db, "SELECT EXISTS (SELECT 1 FROM persons.accounts)")
}

// forgetWords removes the words of persons who are not in the copy.
func (r records) forgetWords(ctx context.Context) error {
	there, err := r.hasPersons(ctx, "words")
	if err != nil || !there {
		return err
	}
	return exec(ctx, r.db, "DELETE FROM persons.words WHERE person_id NOT IN (SELECT id FROM persons.people)")
}

// recount sets the counters of persons to what their records add up to, where it is something else.
func (r records) recount(ctx context.Context) error {
	counted, err := hasTable(ctx, r.db, "usages")
	if err != nil || !counted {
		return err
	}
	// What a record counts is dossier.File.Counted. The two random texts are new, as after any recount.
	return exec(ctx, r.db,
		"BEGIN",
		`CREATE TEMP TABLE counted AS SELECT person_id, COUNT(*) AS files, SUM(COALESCE(upload_size, size, 0)) AS bytes
		 FROM main.files GROUP BY person_id`,
		"CREATE UNIQUE INDEX temp.counted_person ON counted (person_id)",
		"DELETE FROM main.usages WHERE person_id NOT IN (SELECT person_id FROM counted)",
		`UPDATE main.usages SET files = counted.files, bytes = counted.bytes,
		 epoch = lower(hex(randomblob(16))), revision = lower(hex(randomblob(16)))
		 FROM counted WHERE counted.person_id = usages.person_id
		 AND (counted.files <> usages.files OR counted.bytes <> usages.bytes)`,
		"DROP TABLE temp.counted",
		"COMMIT")
}

// totals are what a point holds.
type totals struct {
	People int64 `json:"people"`
	Files  int64 `json:"files"`
	Bytes  int64 `json:"bytes"`
}

func (r records) totals(ctx context.Context) (t totals, err error) {
	if t.People, err = one[int64](ctx, r.db, "SELECT COUNT(*) FROM persons.people"); err != nil {
		return t, err
	}
	err = r.db.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM main.files WHERE state = 'stored'").
		Scan(&t.Files, &t.Bytes)
	return t, errors.Join(err, ctx.Err())
}

// batchSize is how many records are read, and objects copied, at once.
const batchSize = 256

// batch returns the next stored records in the order of their keys; none after the last.
func batch(ctx context.Context, db *sql.DB, after record) (list []record, err error) {
	// The plus keeps SQLite to the primary key: by the index of states it would sort all records for each batch.
	rows, err := db.QueryContext(ctx, `SELECT person_id, file_id, size, crc64 FROM files
		WHERE (person_id, file_id) > (?, ?) AND +state = 'stored' ORDER BY person_id, file_id LIMIT ?`,
		after.person, after.file, batchSize)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r record
		var sum string
		if err := rows.Scan(&r.person, &r.file, &r.size, &sum); err != nil {
			return nil, err
		}
		if r.crc64, err = strconv.ParseUint(sum, 16, 64); err != nil {
			return nil, fmt.Errorf("the record of file %s of person %s has an invalid checksum", r.file, r.person)
		}
		if _, _, err := dossier.ParseObjectKey(r.key()); err != nil {
			return nil, errors.New("a record has an invalid id")
		}
		list = append(list, r)
	}
	return list, errors.Join(rows.Err(), ctx.Err())
}

// stored reports whether a file is still there for people: its record is stored, and its person is neither gone nor
// going.
func (r records) stored(ctx context.Context, f record) (file, person bool, err error) {
	file, err = one[bool](ctx, r.db,
		"SELECT EXISTS (SELECT 1 FROM main.files WHERE person_id = ? AND file_id = ? AND state = 'stored')", f.person,
		f.file)
	if err != nil {
		return false, false, err
	}
	person, err = one[bool](ctx, r.db,
		"SELECT EXISTS (SELECT 1 FROM persons.people WHERE id = ? AND state <> 'deleting')", f.person)
	return file, person, err
}

// forget removes a file's record, or with it all of its person, and returns how many records that were.
func (r records) forget(ctx context.Context, f record, wholePerson bool) (int64, error) {
	query, args := "DELETE FROM main.files WHERE person_id = ? AND file_id = ?", []any{f.person, f.file}
	if wholePerson {
		if _, err := r.db.ExecContext(ctx, "DELETE FROM persons.people WHERE id = ?", f.person); err != nil {
			return 0, err
		}
		query, args = "DELETE FROM main.files WHERE person_id = ?", args[:1]
	}
	done, err := r.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return done.RowsAffected()
}
