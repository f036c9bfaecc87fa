package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"dossier.example/app"
)

const (
	manyRecords = 1_000_000
	// mostItems is what the tests' DynamoDB server takes in a minute or so: it keeps its items in memory, and takes
	// some hundreds a second.
	mostItems = 20_000
	// oneByOne is how many submissions a round has, one after the other.
	oneByOne = 50
	// pagesEach is how often a round reads a page of the directory. A page has as many people as the site shows.
	pagesEach    = 15
	peopleOnPage = 50
	farPage      = 1_000

	mostSlower = 1.10
)

// BenchmarkRecords measures what takes longer where there are records of a million people and files already, or as many
// as SCALE says:
//
//   - a submission, beside one where there are none. Both servers run at the same time and are asked by turns;
//   - the first page of the directory, with its count, beside that of the few whom the benchmark submits;
//   - page 1,000 of the directory, beside its first page.
func BenchmarkRecords(b *testing.B) {
	records := scale(b, manyRecords)
	results := &results{}
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			empty, full := kind.open(b), kind.open(b)
			began := time.Now()
			files := full.load(b, records)
			b.Logf("loaded %s people and %s files in %v", humanize.Comma(int64(records)), humanize.Comma(int64(files)),
				time.Since(began).Round(time.Second))
			if full.data != "" {
				full.leave(b) // else the server looks for the object of each file before it serves
			}
			people := humanize.Comma(int64(records)) + " people"
			submission := comparison{
				what: fmt.Sprintf("a submission of %d KB; form: with %s and %s files", smallBytes/1000, people,
					humanize.Comma(int64(files))),
				unit: "µs", most: mostSlower,
			}
			first := comparison{what: "the directory's first page; form: with " + people, unit: "µs"}
			far := comparison{what: fmt.Sprintf("page %s of the directory, with %s; plain: its first page",
				humanize.Comma(farPage), people), unit: "µs"}
			none, many := empty.serve(b), full.serve(b)
			for range oneByOne { // what is read once is read now, and the first page is full
				submitOnce(b, none)
				submitOnce(b, many)
			}
			start := dossier.Cursor{}
			place := full.pageEnd(b, farPage-1)
			empty.directory(b, start)
			full.directory(b, start)
			full.directory(b, place)
			for b.Loop() {
				submission.round(oneByOne, func() float64 { return submitOnce(b, none) },
					func() float64 { return submitOnce(b, many) })
				first.round(pagesEach, func() float64 { return empty.directory(b, start) },
					func() float64 { return full.directory(b, start) })
				far.round(pagesEach, func() float64 { return full.directory(b, start) },
					func() float64 { return full.directory(b, place) })
			}
			none.kill()
			many.kill()
			results.add(b, kind.name, submission)
			results.row(kind.name, first)
			results.row(kind.name, far)
		})
	}
	results.print(os.Stdout)
}

// round measures each side some times, by turns, and adds their medians.
func (c *comparison) round(times int, plain, form func() float64) {
	var plains, forms []float64
	for range times {
		plains, forms = append(plains, plain()), append(forms, form())
	}
	c.plain, c.form = append(c.plain, median(plains)), append(c.form, median(forms))
}

// directory returns how many microseconds the store takes for a page of the directory, as the site asks for it.
func (s *subject) directory(b *testing.B, after dossier.Cursor) float64 {
	b.Helper()
	began := time.Now()
	found, err := s.stores.People.Find(b.Context(),
		dossier.Search{After: after, Limit: peopleOnPage, Count: dossier.MaxCount})
	took := time.Since(began)
	if err != nil || len(found.People) != peopleOnPage {
		b.Fatalf("a page of the directory has %d people: %v", len(found.People), err)
	}
	return float64(took.Microseconds())
}

// pageEnd returns the end of the n-th page of the directory, which staff reach by the pages before.
func (s *subject) pageEnd(b *testing.B, n int) dossier.Cursor {
	b.Helper()
	q := dossier.Search{Limit: peopleOnPage}
	for range n {
		found, err := s.stores.People.Find(b.Context(), q)
		if err != nil || found.Further.IsZero() {
			b.Fatalf("the directory has no %d pages: %v", n, err)
		}
		q.After = found.Further
	}
	return q.After
}

// settled waits until a database is on the disk: what is on its way there would delay the submissions that are
// measured. It returns how many bytes are in its file, and in its log.
func settled(b *testing.B, path string) (size int64) {
	b.Helper()
	for _, name := range []string{path, path + "-wal"} {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		info, err := f.Stat()
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// submitOnce returns how many microseconds a submission took.
func submitOnce(b *testing.B, c *client) float64 {
	b.Helper()
	began := time.Now()
	if _, err := c.submit(b.Context(), smallBytes); err != nil {
		b.Fatal(err)
	}
	return float64(time.Since(began).Microseconds())
}

func openSQLite(b testing.TB, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(60000)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// filler makes rows in the database itself, which takes a fraction of sending them. person and file are the ids of the
// i-th person and its file, and grow with i as the program's grow with the time; padded is i with eight digits.
type filler struct {
	db                   *sql.DB
	person, file, padded string
}

// fillSQLite fills a file of SQLite's. What it loads need not survive the machine.
func fillSQLite(b testing.TB, path string) filler {
	b.Helper()
	db := openSQLite(b, path)
	db.SetMaxOpenConns(1) // which has the pragmas
	if _, err := db.ExecContext(b.Context(), "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536"); err != nil {
		b.Fatal(err)
	}
	return filler{db, sqlPerson, sqlFile, "printf('%08d', i)"}
}

// fillMySQL fills a database of MariaDB or MySQL.
func fillMySQL(db *sql.DB) filler {
	const begin = "CONCAT(LPAD(LOWER(HEX(i)), 8, '0'), '-0000-7000-8000-"
	return filler{db, begin + "000000000000')", begin + "000000000001')", "LPAD(i, 8, '0')"}
}

// fill inserts n rows, a multiple of 100,000, whose values are expressions of i. Each statement makes as many as that:
// a transaction holds its undo, or its log.
func (f filler) fill(b testing.TB, n int, into, values string, args ...any) {
	b.Helper()
	const digit = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL " +
		"SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS "
	const step = 100_000
	for first := 1; first <= n; first += step {
		numbers := fmt.Sprintf("(SELECT %d + v.d + 10 * w.d + 100 * x.d + 1000 * y.d + 10000 * z.d AS i FROM ", first) +
			digit + "v, " + digit + "w, " + digit + "x, " + digit + "y, " + digit + "z) AS numbers"
		_, err := f.db.ExecContext(b.Context(),
			"INSERT INTO "+into+" SELECT "+values+" FROM "+numbers+" ORDER BY i", args...)
		if err != nil {
			b.Fatalf("insert rows into %.40s: %v", into, err)
		}
	}
}

// people inserts n persons who have submitted. They have no words, and count as if they had, so that no server takes
// time to write them.
func (f filler) people(b testing.TB, n int) {
	b.Helper()
	f.fill(b, n, "people (id, name, location, age, technology, receipt_hash, state, name_key, created_at, updated_at, "+
		"words_version)",
		f.person+", CONCAT('Person ', "+f.padded+"), 'Arlington', 50, 'COBOL', ?, 'submitted', CONCAT('person ', "+
			f.padded+"), i, i, ?",
		strings.Repeat("0", 64), dossier.WordsVersion)
}

// files inserts the stored files of n persons, one of each, and what each person has.
func (f filler) files(b testing.TB, n int) {
	b.Helper()
	f.fill(b, n, "files (person_id, file_id, name, author, state, size, sha256, crc64, content_type, created_at, "+
		"updated_at)",
		f.person+", "+f.file+", 'file-0.bin', 'Grace Hopper', 'stored', ?, printf('%064x', i), printf('%016x', i), "+
			"'application/octet-stream', i, i", smallBytes)
	f.fill(b, n, "usages (person_id, files, bytes, epoch, revision, updated_at)",
		f.person+", 1, ?, 'e', printf('%d', i), i", smallBytes)
}

// insert inserts n rows, many with each statement.
func insert(b testing.TB, db *sql.DB, into string, n int, row func(i int) []any) {
	b.Helper()
	const each = 1000
	one := "(?" + strings.Repeat(", ?", strings.Count(into, ",")) + ")"
	err := func() error {
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		statement, err := tx.PrepareContext(b.Context(),
			"INSERT INTO "+into+" VALUES "+one+strings.Repeat(", "+one, each-1))
		if err != nil {
			return err
		}
		defer statement.Close()
		for i := 0; i < n; i += each {
			var values []any
			for j := range each {
				values = append(values, row(i+j)...)
			}
			if _, err := statement.ExecContext(b.Context(), values...); err != nil {
				return err
			}
		}
		return tx.Commit()
	}()
	if err != nil {
		b.Fatalf("insert %d rows into %s: %v", n, into, err)
	}
}

// loadCatalog puts n records of files, one of each person.
func loadCatalog(b *testing.B, c dossier.Catalog, n int) int {
	b.Helper()
	ctx, stop := context.WithCancelCause(b.Context())
	defer stop(nil)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range smallClients {
		wg.Go(func() {
			for range numbers {
				now := time.Now()
				f := dossier.File{
					Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Name: "file-0.bin", Author: "Grace Hopper",
					State:     dossier.FileUploading,
					CreatedAt: now, UpdatedAt: now,
				}
				if err := c.Put(ctx, f); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	for i := range n {
		select {
		case numbers <- i:
		case <-ctx.Done():
		}
	}
	close(numbers)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		b.Fatalf("put %d records: %v", n, err)
	}
	return n
}
