package main

import (
	"context"
	"database/sql"
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

	mostSlower = 1.10
)

// BenchmarkRecords measures how long a submission takes where there are records of a million people and files already,
// or as many as SCALE says, beside one where there are none. Both servers run at the same time and are asked by turns.
func BenchmarkRecords(b *testing.B) {
	records := scale(b, manyRecords)
	results := &results{}
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			empty, full := kind.open(b), kind.open(b)
			files := full.load(b, records)
			c := comparison{
				what: fmt.Sprintf("a submission of %d KB; form: with %s people and %s files", smallBytes/1000,
					humanize.Comma(int64(records)), humanize.Comma(int64(files))),
				unit: "µs", most: mostSlower,
			}
			none, many := empty.serve(b), full.serve(b)
			for range oneByOne { // what is read once is read now
				submitOnce(b, none)
				submitOnce(b, many)
			}
			for b.Loop() {
				var plain, form []float64
				for range oneByOne {
					plain = append(plain, submitOnce(b, none))
					form = append(form, submitOnce(b, many))
				}
				c.plain, c.form = append(c.plain, median(plain)), append(c.form, median(form))
			}
			none.kill()
			many.kill()
			results.add(b, kind.name, c)
		})
	}
	results.print(os.Stdout)
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

// loadPeople inserts n persons.
func loadPeople(b *testing.B, db *sql.DB, n int) {
	b.Helper()
	insert(b, db, "people (id, name, location, age, technology, receipt_hash, state, name_key, created_at, "+
		"updated_at, words_version)", n, func(i int) []any {
		name := fmt.Sprintf("Person %d", i)
		return []any{dossier.NewPersonID().String(), name, "Arlington", 50, "COBOL", strings.Repeat("0", 64),
			"submitted", dossier.SearchKey(name), i, i,
			dossier.WordsVersion} // so that no server takes time to write them
	})
}

// loadFiles inserts n files, one of each person, and what each person has.
func loadFiles(b *testing.B, db *sql.DB, n int) {
	b.Helper()
	insert(b, db, "files (person_id, file_id, name, author, state, size, sha256, crc64, content_type, created_at, "+
		"updated_at)", n, func(i int) []any {
		return []any{dossier.NewPersonID().String(), dossier.NewFileID().String(), "file-0.bin", "Grace Hopper",
			"stored", smallBytes,
			fmt.Sprintf("%064x", i), fmt.Sprintf("%016x", i), "application/octet-stream", i, i}
	})
	insert(b, db, "usages (person_id, files, bytes, epoch, revision, updated_at)", n, func(i int) []any {
		return []any{dossier.NewPersonID().String(), 1, smallBytes, "e", fmt.Sprint(i), i}
	})
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
