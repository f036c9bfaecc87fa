package people

import (
	"cmp"
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

// mostSearch is the goal: how many times the directory's first page the first page of a search may take.
const mostSearch = 3

// searches returns what BenchmarkSearch measures. Of a million people as fill makes them, so many have what begins with
// each word: a last name 20, city7 55,000, go and pdf 300,000 and 430,000, last1 220,000 with 11,000 different words,
// and s all, each another.
func searches(people int) []search {
	last := func(nth int) string { return fmt.Sprintf("last%d", (people/5*nth*104729)%50000) }
	return []search{
		{"the directory", [][]string{nil}},
		{farPage, [][]string{nil}},
		{"one word, few have it", [][]string{{last(1)}, {last(2)}, {last(3)}, {last(4)}}},
		{"one word, many have it", [][]string{{"go"}, {"pdf"}, {"first5"}, {"city7"}}},
		{"one letter or beginning, many words have it", [][]string{{"s"}, {"last1"}, {"first"}, {"c"}}},
		{"two words, few have one", [][]string{{"city", last(1)}, {last(2), "c"}, {last(3), "s"}, {"f", last(4)}}},
		{"two words, many have each", [][]string{{"go", "pdf"}, {"last1", "s"}, {"city7", "report"}, {"first5", "go"}}},
	}
}

// farPage is a page far behind the first. It is reached by the cursor at the end of the one before, as staff reach it.
const farPage = "the directory, page 1,000"

type search struct {
	what  string
	words [][]string
}

// BenchmarkSearch measures the first page of searches, with its count, beside that of the directory: the median and the
// 95th percentile, of a store that is asked by one client. SEARCH sets how many people there are, instead of a million.
// Times are the machine's as much as the program's, so the ratio is what is to be looked at, and nothing is asserted.
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
	fmt.Fprintf(table, "%d people\tsearch\tmedian\t95th percentile\tratio, at most %d\n", people, mostSearch)
	for _, kind := range []struct {
		name string
		open func(b *testing.B, people int) *Store
	}{{"SQLite", benchSQLite}, {"MariaDB", benchMariaDB}} {
		b.Run(kind.name, func(b *testing.B) {
			s := kind.open(b, people)
			var directory time.Duration
			before := lastOf(b, s, 999)
			for _, c := range searches(people) {
				b.Run(c.what, func(b *testing.B) {
					var took []time.Duration
					var after dossier.Cursor
					if c.what == farPage {
						after = before
					}
					for _, words := range c.words { // what is read once is read now
						benchFind(b, s, words, after)
					}
					for b.Loop() {
						for range 15 {
							for _, words := range c.words {
								took = append(took, benchFind(b, s, words, after))
							}
						}
					}
					slices.Sort(took)
					median, most := took[len(took)/2], took[len(took)*95/100]
					directory = cmp.Or(directory, most)
					ratio := float64(most) / float64(directory)
					b.ReportMetric(float64(most.Microseconds()), "µs-p95")
					b.ReportMetric(ratio, "ratio")
					fmt.Fprintf(table, "%s\t%s\t%v\t%v\t%.2f\n", kind.name, c.what, median.Round(100*time.Microsecond),
						most.Round(100*time.Microsecond), ratio)
				})
			}
		})
	}
	_ = table.Flush()
}

// ways returns words that are each written in one way.
func ways(words []string) []dossier.SearchWord {
	var all []dossier.SearchWord
	for _, w := range words {
		all = append(all, dossier.SearchWord{w})
	}
	return all
}

// lastOf returns the end of the n-th page of the directory.
func lastOf(b *testing.B, s *Store, n int) (at dossier.Cursor) {
	b.Helper()
	for range n {
		found, err := s.Find(b.Context(), dossier.Search{Limit: 50, After: at})
		if err != nil {
			b.Fatal(err)
		}
		if found.Further.IsZero() {
			return at // there are fewer pages
		}
		at = found.Further
	}
	return at
}

func benchFind(b *testing.B, s *Store, words []string, after dossier.Cursor) time.Duration {
	b.Helper()
	began := time.Now()
	found, err := s.Find(b.Context(), dossier.Search{Words: ways(words), Limit: 50, Count: dossier.MaxCount, After: after})
	took := time.Since(began)
	if err != nil || len(found.People) == 0 {
		b.Fatalf("Find %q: got %d persons and error %v", words, len(found.People), err)
	}
	return took
}

func benchSQLite(b *testing.B, people int) *Store {
	s, err := OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "people.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	fill(b, s.DB(), people, "DROP INDEX words_newest", "printf('%08x-0000-7000-8000-000000000000', i)")
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

// fill makes people with eight words each, in the database itself. The newest have the highest numbers.
func fill(b *testing.B, db *sql.DB, people int, drop, id string) {
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
	began := time.Now()
	exec("CREATE TEMPORARY TABLE numbers (i BIGINT PRIMARY KEY)")
	exec("INSERT INTO numbers (i) VALUES (0)")
	for n := 1; n < people; n *= 2 {
		exec("INSERT INTO numbers (i) SELECT i + ? FROM numbers WHERE i + ? < ?", n, n, people)
	}
	exec("CREATE TEMPORARY TABLE kinds (k INT PRIMARY KEY)")
	exec("INSERT INTO kinds (k) VALUES (0), (1), (2), (3), (4), (5), (6), (7)")
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
				WHEN 2 THEN CONCAT('city', (i * 31) % 200)
				WHEN 3 THEN CONCAT('', 18 + i % 60)
				WHEN 4 THEN CASE WHEN i % 10 < 3 THEN 'go' WHEN i % 10 < 6 THEN 'java' ELSE 'rust' END
				WHEN 5 THEN CASE WHEN i % 7 < 3 THEN 'pdf' ELSE 'jpg' END
				WHEN 6 THEN CASE WHEN i % 11 < 4 THEN 'report' ELSE 'photo' END
				ELSE CONCAT('scan', i) END
			FROM numbers, kinds WHERE i >= ? AND i < ?`, from, from+step)
	}
	exec("CREATE INDEX words_newest ON words (word, created_at, person_id)")
	b.Logf("%d people in %v", people, time.Since(began).Round(time.Second))
}
