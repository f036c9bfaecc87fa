package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"dossier.example/app/backup"
)

// startsEach is how often each server is started in a round.
const startsEach = 1

// startRecords is how many people and files there are.
const startRecords = 1_000_000

// mostStart is the goal for a start, in milliseconds.
const mostStart = 200

// BenchmarkStart measures how long a server with the embedded stores takes from its start to its first page, where
// there are records of many people and files already, beside one where there are none. Both folders are as a server
// leaves them that stops: after it was killed, the next one inspects every file, which takes longer the more there are.
func BenchmarkStart(b *testing.B) {
	results := &results{}
	b.Run("embedded", func(b *testing.B) {
		empty, full := openEmbedded(b), openEmbedded(b)
		files := full.load(b, startRecords)
		c := comparison{
			what: fmt.Sprintf("a start with %s people and %s files; plain: with none",
				humanize.Comma(startRecords), humanize.Comma(int64(files))),
			unit: "ms", most: mostSlower,
		}
		empty.start(b) // what is made once is made now
		full.start(b)
		for b.Loop() {
			var plain, form []float64
			for range startsEach {
				plain = append(plain, empty.start(b))
				form = append(form, full.start(b))
			}
			c.plain, c.form = append(c.plain, median(plain)), append(c.form, median(form))
		}
		if took := median(c.form); took > mostStart {
			b.Logf("a start takes %.0f ms, at most %d are the goal", took, mostStart)
		}
		results.add(b, "embedded", c)
	})
	results.print(os.Stdout)
}

// start returns how many milliseconds a server takes to its first page.
func (s *subject) start(b *testing.B) float64 {
	b.Helper()
	if _, err := build(); err != nil {
		b.Fatal(err)
	}
	s.leave(b)
	began := time.Now()
	client := s.serve(b)
	res, err := client.http.Get(client.base + "/")
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("the first page: %s, %v", res.Status, err)
	}
	client.kill()
	return float64(took.Microseconds()) / 1000
}

// leave leaves the folder as a server does that stops.
func (s *subject) leave(b *testing.B) {
	b.Helper()
	for _, name := range []string{"people.db", "catalog.db"} {
		// The benchmark has the databases open, so nothing else brings what is new into their files.
		db := openSQLite(b, filepath.Join(s.data, name))
		if _, err := db.ExecContext(b.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			b.Fatal(err)
		}
	}
	if err := backup.MarkInspected(s.data); err != nil {
		b.Fatal(err)
	}
	if !backup.Inspected(s.data) {
		b.Fatal("the folder would be inspected")
	}
}
