package people

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"dossier.example/app/audit"
	"dossier.example/app/internal/servers"
	"gorm.io/gorm"
)

// The queries of the page of the trail, of a person's history and of a later page find their rows by an index, in
// order.
func TestSQLiteAuditPlans(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	for name, q := range auditQueries() {
		query := s.gorm.ToSQL(func(tx *gorm.DB) *gorm.DB {
			var rows []auditRow
			return findEntries(tx, q).Find(&rows)
		})
		got := explainSQLite(t, s.DB(), query)
		if !strings.Contains(got, "USING INDEX") || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s: plan is %q, want an index and no sorting", name, got)
		}
	}
}

// auditQueries are what pages ask for, of the trail that fillAudit makes.
func auditQueries() map[string]audit.Query {
	return map[string]audit.Query{
		"all": {Limit: 51},
		"a page far behind": {Limit: 51, After: audit.Cursor{At: time.UnixMicro(500_000), Chain: audit.Chain{1},
			Sequence: 1}},
		"a day":              {Limit: 51, From: time.UnixMicro(400_000), To: time.UnixMicro(500_000)},
		"of a person":        {Limit: 51, Subject: "00000007-0000-7000-8000-000000000000"},
		"by an actor":        {Limit: 51, Actor: "00000003-0000-7000-8000-000000000000"},
		"an action":          {Limit: 51, Action: audit.PersonDelete},
		"an action by actor": {Limit: 51, Action: audit.PersonDelete, Actor: "00000003-0000-7000-8000-000000000000"},
	}
}

// BenchmarkAudit measures an entry beside a bare insert of a row as large, by one client and by 16, and the queries of
// pages over a trail. AUDIT sets how many entries it has, instead of 200,000.
func BenchmarkAudit(b *testing.B) {
	entries := 200_000
	if text := os.Getenv("AUDIT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			b.Fatalf("AUDIT=%s: enter a number of entries", text)
		}
		entries = n
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%d entries\twhat\tmedian\t95th percentile\n", entries)
	row := func(kind, what string, took []time.Duration) {
		slices.Sort(took)
		fmt.Fprintf(table, "%s\t%s\t%v\t%v\n", kind, what, took[len(took)/2].Round(time.Microsecond),
			took[len(took)*95/100].Round(time.Microsecond))
	}
	for _, kind := range []struct {
		name string
		open func(*testing.B) (*Store, *sql.DB)
	}{{"SQLite", func(b *testing.B) (*Store, *sql.DB) {
		s, err := OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "people.db"))
		if err != nil {
			b.Fatal(err)
		}
		return s, s.DB()
	}}, {"MariaDB", func(b *testing.B) (*Store, *sql.DB) {
		m := &mariaDB{MySQL: servers.MariaDB(b)}
		app, c := m.app(b)
		s, err := OpenMySQL(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		admin := m.adminConfig(app.Database)
		admin.Timeout = time.Hour
		db, err := ConnectMySQL(b.Context(), admin)
		if err != nil {
			b.Fatal(err)
		}
		return s, db
	}}} {
		b.Run(kind.name, func(b *testing.B) {
			s, db := kind.open(b)
			defer s.Close()
			fillAudit(b, db, entries)
			for name, q := range auditQueries() {
				var took []time.Duration
				for range 30 {
					began := time.Now()
					if _, err := s.FindEntries(b.Context(), q); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				row(kind.name, name, took)
			}
			// As long a row, with one index, behind the same gate.
			if _, err := db.Exec("CREATE TABLE bare (id BIGINT PRIMARY KEY, content VARCHAR(600) NOT " +
				"NULL)"); err != nil {
				b.Fatal(err)
			}
			n := 0
			bare := timed(b, 300, func(ctx context.Context) error {
				n++
				if s.writing != nil {
					s.writing <- struct{}{}
					defer func() { <-s.writing }()
				}
				_, err := db.ExecContext(ctx, "INSERT INTO bare (id, content) VALUES (?, ?)", n,
					strings.Repeat("x", 500))
				return err
			})
			trail, err := audit.NewTrail(s, audit.Options{})
			if err != nil {
				b.Fatal(err)
			}
			one := func(ctx context.Context) error {
				return trail.Append(ctx, audit.Entry{Actor: audit.Actor{ID: audit.Shared, Name: "shared key",
					Session: audit.Seals.String()}, Client: "192.0.2.1", Action: audit.PersonView,
					Result:  audit.Allowed,
					Subject: audit.Subject{Kind: audit.KindPerson, ID: audit.Seals.String()}, Request: "REQUESTREQUES"})
			}
			alone := timed(b, 300, one)
			row(kind.name, "a bare insert", bare)
			row(kind.name, "an entry", alone)
			b.ReportMetric(float64(alone[len(alone)/2])/float64(bare[len(bare)/2]), "ratio")
			together := make(chan []time.Duration)
			began := time.Now()
			for range 16 {
				go func() { together <- timed(b, 100, one) }()
			}
			var all []time.Duration
			for range 16 {
				all = append(all, <-together...)
			}
			b.ReportMetric(float64(len(all))/time.Since(began).Seconds(), "entries/s")
			row(kind.name, "an entry, 16 at once", all)
		})
	}
	_ = table.Flush()
}

func timed(b *testing.B, n int, call func(context.Context) error) []time.Duration {
	took := make([]time.Duration, 0, n)
	for range n {
		began := time.Now()
		if err := call(b.Context()); err != nil {
			b.Error(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

// fillAudit makes entries, whose hashes nobody looks at, in the database itself.
func fillAudit(b *testing.B, db *sql.DB, entries int) {
	b.Helper()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	exec := func(statement string, args ...any) {
		b.Helper()
		if _, err := conn.ExecContext(b.Context(), statement, args...); err != nil {
			b.Fatalf("%.60s: %v", statement, err)
		}
	}
	exec("CREATE TEMPORARY TABLE numbers (i BIGINT PRIMARY KEY)")
	exec("INSERT INTO numbers (i) VALUES (0)")
	for n := 1; n < entries; n *= 2 {
		exec("INSERT INTO numbers (i) SELECT i + ? FROM numbers WHERE i + ? < ?", n, n, entries)
	}
	id := func(n string) string { return "CONCAT('0000000', " + n + ", '-0000-7000-8000-000000000000')" }
	exec(`INSERT INTO audit (chain, seq, recorded_at, actor_id, actor_name, session_id, client, action, subject_kind,
		subject_id, file_id, result, request, amount, detail, previous_hash, entry_hash)
		SELECT ` + id("i % 9") + `, i, i, ` + id("i % 7") + `, 'Ada', '', '192.0.2.1',
		CASE WHEN i % 1000 = 0 THEN 'person.delete' ELSE 'person.view' END, 'person', ` + id("i % 8") + `, '',
		'allowed', 'R', 0, '', '', '' FROM numbers`)
}
