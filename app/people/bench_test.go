package people

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"text/tabwriter"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
)

// ask is what BenchmarkSearch measures: one of several lists that cost about the same.
type ask struct {
	what string
	// goal is the 95th percentile with a million people.
	goal  time.Duration
	lists []dossier.Search
	// far: the page is the 1,000th, and is reached by the cursor at the end of the one before, as staff reach it.
	far bool
	// all is how many people are read, by pages of as many as an action on many people reads; 0: the first page.
	all int
}

// asks returns what BenchmarkSearch measures. Of a million people as fill makes them, so many have what begins with
// each word: a last name 20, city7 55,000, go and pdf 300,000 and 430,000, last1 220,000 with 11,000 different words,
// and s all, each another.
func asks(people int) []ask {
	last := func(nth int) string { return fmt.Sprintf("last%d", (people/5*nth*104729)%50000) }
	words := func(all ...string) dossier.Search {
		var q dossier.Search
		for _, w := range all {
			q.Words = append(q.Words, dossier.SearchWord{w})
		}
		return q
	}
	ages := dossier.Search{Ranges: []dossier.WordRange{{Low: "@age>020", High: "@age>030"}}}
	filtered := words("@technology:go")
	filtered.Ranges = ages.Ranges
	day := dossier.Search{From: time.UnixMicro(int64(people) * 500), Until: time.UnixMicro(int64(people) * 510)}
	by := func(q dossier.Search, field string) dossier.Search {
		q.Order = dossier.Order{By: "@" + field + ">", Ascending: true}
		return q
	}
	without := dossier.Search{Not: []dossier.SearchWord{{"@files"}}}
	const ms = time.Millisecond
	return []ask{
		{what: "the directory", goal: 50 * ms, lists: []dossier.Search{{}}},
		{what: "the directory, by name", goal: 50 * ms, lists: []dossier.Search{by(dossier.Search{}, "name")}},
		{what: "a filter: a location, ages, days, or no files", goal: 50 * ms,
			lists: []dossier.Search{words("@location:city7"), ages, day, without}},
		{what: "two filters: technology and ages", goal: 50 * ms, lists: []dossier.Search{filtered}},
		{what: "the same, by name", goal: 50 * ms, lists: []dossier.Search{by(filtered, "name"),
			by(words("@location:city7"), "name"), by(day, "name")}},
		{what: "a filter that one in 200 passes, by name", goal: 50 * ms,
			lists: []dossier.Search{by(words("@location:city77"), "name")}},
		{what: "no files, by name", goal: 50 * ms, lists: []dossier.Search{by(without, "name")}},
		{what: "one word, few have it", goal: 80 * ms,
			lists: []dossier.Search{words(last(1)), words(last(2)), words(last(3)), words(last(4))}},
		{what: "one word, many have it", goal: 80 * ms,
			lists: []dossier.Search{words("go"), words("pdf"), words("first5"), words("city7")}},
		{what: "one letter or beginning, many words have it", goal: 80 * ms,
			lists: []dossier.Search{words("s"), words("last1"), words("first"), words("c")}},
		{what: "two words, few have one", goal: 80 * ms, lists: []dossier.Search{words("city", last(1)),
			words(last(2), "c"), words(last(3), "s"), words("f", last(4))}},
		{what: "two words, many have each", goal: 80 * ms, lists: []dossier.Search{words("go", "pdf"),
			words("last1", "s"), words("city7", "report"), words("first5", "go")}},
		{what: "page 1,000", goal: 75 * ms, lists: []dossier.Search{{}}, far: true},
		{what: "page 1,000, by technology", goal: 75 * ms, lists: []dossier.Search{by(dossier.Search{}, "technology")},
			far: true},
		{what: "page 1,000 of a filter, by name", goal: 75 * ms, lists: []dossier.Search{by(words("@technology:go"),
			"name")}, far: true},
		{what: "a selection of 10,000", goal: 2 * time.Second, lists: []dossier.Search{{}}, all: 10_000},
		{what: "the same of a filter, by name", goal: 2 * time.Second,
			lists: []dossier.Search{by(words("@technology:go"), "name")}, all: 10_000},
	}
}

// BenchmarkSearch measures pages of the directory, with their counts: the median and the 95th percentile, of a store
// that is asked by one client. SEARCH sets how many people there are, instead of a million. Times are the machine's as
// much as the program's, so nothing is asserted.
func BenchmarkSearch(b *testing.B) {
	people := 1_000_000
	if text := os.Getenv("SEARCH"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			b.Fatalf("SEARCH=%s: enter a number of people", text)
		}
		people = n
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%d people\tlist\tmedian\t95th percentile\tgoal\n", people)
	for _, kind := range []struct {
		name string
		open func(b *testing.B, people int) *Store
	}{{"SQLite", benchSQLite}, {"MariaDB", benchMariaDB}} {
		b.Run(kind.name, func(b *testing.B) {
			s := kind.open(b, people)
			for _, c := range asks(people) {
				b.Run(c.what, func(b *testing.B) {
					var took []time.Duration
					for i := range c.lists {
						if c.far {
							c.lists[i].After = lastOf(b, s, c.lists[i], 999)
						}
						c.take(b, s, c.lists[i]) // what is read once is read now
					}
					rounds := 15
					if c.all > 0 {
						rounds = 2
					}
					for b.Loop() {
						for range rounds {
							for _, q := range c.lists {
								took = append(took, c.take(b, s, q))
							}
						}
					}
					slices.Sort(took)
					median, most := took[len(took)/2], took[len(took)*95/100]
					b.ReportMetric(float64(most.Microseconds()), "µs-p95")
					fmt.Fprintf(table, "%s\t%s\t%v\t%v\t%v\n", kind.name, c.what, median.Round(100*time.Microsecond),
						most.Round(100*time.Microsecond), c.goal)
				})
			}
		})
	}
	_ = table.Flush()
}

// lastOf returns the end of the n-th page of a list.
func lastOf(b *testing.B, s *Store, q dossier.Search, n int) dossier.Cursor {
	b.Helper()
	q.Limit = 50
	for range n {
		found, err := s.Find(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		if found.Further.IsZero() {
			break // there are fewer pages
		}
		q.After = found.Further
	}
	return q.After
}

// take reads a list, and returns how long that took.
func (c ask) take(b *testing.B, s *Store, q dossier.Search) time.Duration {
	b.Helper()
	q.Limit, q.Count = 50, dossier.MaxCount
	if c.all > 0 {
		q.Limit, q.Count = 500, 0
	}
	began := time.Now()
	for n := 0; ; {
		found, err := s.Find(b.Context(), q)
		if err != nil || len(found.People) == 0 {
			b.Fatalf("Find %+v: got %d persons and error %v", q, len(found.People), err)
		}
		if n += len(found.People); n >= c.all || found.Further.IsZero() {
			return time.Since(began)
		}
		q.After = found.Further
	}
}

func benchSQLite(b *testing.B, people int) *Store {
	s, err := OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "people.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	fill(b, s.DB(), people, "DROP INDEX words_newest", "printf('%08x-0000-7000-8000-000000000000', i)")
	// The index was made in one transaction, and would be read from the log, which a server's checkpoints keep short.
	if _, err := s.DB().Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		b.Fatal(err)
	}
	return s
}

func benchMariaDB(b *testing.B, people int) *Store {
	m := &mariaDB{MySQL: servers.MariaDB(b)}
	app, c := m.app(b)
	s, err := OpenMySQL(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	admin := m.adminConfig(app.Database)
	admin.Timeout = time.Hour
	db, err := ConnectMySQL(b.Context(), admin)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	fill(b, db, people, "DROP INDEX words_newest ON words",
		"CONCAT(LPAD(LOWER(HEX(i)), 8, '0'), '-0000-7000-8000-000000000000')")
	if _, err := db.Exec("ANALYZE TABLE people, words"); err != nil {
		b.Fatal(err)
	}
	return s
}

// fill makes people with eight words and their labels each, in the database itself. The newest have the highest
// numbers.
func fill(b testing.TB, db *sql.DB, people int, drop, id string) {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	conn, err := db.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	exec := func(statement string, args ...any) {
		b.Helper()
		if _, err := conn.ExecContext(ctx, statement, args...); err != nil {
			b.Fatalf("%.60s: %v", statement, err)
		}
	}
	// A location says nothing of the other details. All people of a first name have the same technology, however.
	const mixed = "((i * 2654435761 % 4294967296) >> 12) % 200"
	began := time.Now()
	exec("CREATE TEMPORARY TABLE numbers (i BIGINT PRIMARY KEY)")
	exec("INSERT INTO numbers (i) VALUES (0)")
	for n := 1; n < people; n *= 2 {
		exec("INSERT INTO numbers (i) SELECT i + ? FROM numbers WHERE i + ? < ?", n, n, people)
	}
	exec("CREATE TEMPORARY TABLE kinds (k INT PRIMARY KEY)")
	exec("INSERT INTO kinds (k) VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), " +
		"(14), " +
		"(15), (16)")
	exec(drop)
	// By steps: a transaction holds its undo.
	const step = 100_000
	for from := 0; from < people; from += step {
		exec(`INSERT INTO people (id, name, location, age, technology, receipt_hash, state, name_key, created_at, updated_at,
			words_version) SELECT `+id+`, 'First Last', 'City', 36, 'Go', ?, 'submitted', 'first last', i * 1000, i * 1000, ?
			FROM numbers WHERE i >= ? AND i < ? ORDER BY i`,
			fmt.Sprintf("%064d", 0), dossier.WordsVersion, from, from+step)
		exec(`INSERT INTO words (person_id, created_at, word)
			SELECT `+id+`, i * 1000, CASE k
				WHEN 0 THEN CONCAT('first', (i * 7919) % 1000)
				WHEN 1 THEN CONCAT('last', (i * 104729) % 50000)
				WHEN 2 THEN CONCAT('city', `+mixed+`)
				WHEN 3 THEN CONCAT('', 18 + i % 60)
				WHEN 4 THEN CASE WHEN i % 10 < 3 THEN 'go' WHEN i % 10 < 6 THEN 'java' ELSE 'rust' END
				WHEN 5 THEN CASE WHEN i % 7 < 3 THEN 'pdf' ELSE 'jpg' END
				WHEN 6 THEN CASE WHEN i % 11 < 4 THEN 'report' ELSE 'photo' END
				WHEN 7 THEN CONCAT('scan', i)
				WHEN 8 THEN CONCAT('@name:first', (i * 7919) % 1000)
				WHEN 9 THEN CONCAT('@name:last', (i * 104729) % 50000)
				WHEN 10 THEN CONCAT('@name>first', (i * 7919) % 1000, ' last', (i * 104729) % 50000)
				WHEN 11 THEN CONCAT('@location:city', `+mixed+`)
				WHEN 12 THEN CONCAT('@location>city', `+mixed+`)
				WHEN 13 THEN CONCAT('@age>0', 18 + i % 60)
				WHEN 14 THEN CONCAT('@technology:', CASE WHEN i % 10 < 3 THEN 'go' WHEN i % 10 < 6 THEN 'java'
					ELSE 'rust' END)
				WHEN 15 THEN CONCAT('@technology>', CASE WHEN i % 10 < 3 THEN 'go' WHEN i % 10 < 6 THEN 'java'
					ELSE 'rust' END)
				ELSE '@files' END
			FROM numbers, kinds WHERE i >= ? AND i < ? AND NOT (k = 16 AND i % 100 = 7)`, from, from+step)
	}
	exec("CREATE INDEX words_newest ON words (word, created_at, person_id)")
	b.Logf("%d people in %v", people, time.Since(began).Round(time.Second))
}
