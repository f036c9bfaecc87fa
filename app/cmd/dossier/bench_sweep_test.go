package main

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// plainDetails gives a person few words: a sweep compares everybody's, and what loads them is not what is measured.
var plainDetails = dossier.Details{Name: "x", Location: "x", Age: 50, Technology: "x"}

// BenchmarkSweep measures what "dossier reconcile" takes, with a sweep and without, over the embedded stores with
// half of the people, and with all of them: 100,000, or as many as SCALE says. Each has a file, of no bytes. The last
// row is a sweep that is killed halfway, and continued. What is asserted is that memory does not grow with the number
// of people: half of them fill all buffers.
func BenchmarkSweep(b *testing.B) {
	many := scale(b, 100_000)
	bin, err := build()
	if err != nil {
		b.Fatal(err)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tpeople\ttime\tprocessor time\tpeak memory")
	memory := map[string]int64{}
	for _, n := range []int{many / 2, many} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			folder := b.TempDir()
			began := time.Now()
			loadSwept(b, folder, n)
			b.Logf("loaded %s people with a file each in %s", humanize.Comma(int64(n)), time.Since(began).Round(time.Second))
			r := sweepRuns{bin: bin, folder: folder}
			for round := 0; b.Loop(); round++ {
				if round == 0 { // a round takes minutes, and is the only one
					r.measure(b, table, n, n == many, memory)
				}
			}
		})
	}
	fmt.Printf("\n%s\n", processor())
	_ = table.Flush()
}

// measure makes each run once. memory is what runs of the same kind held with fewer people. With kill, one more sweep
// is killed.
func (r sweepRuns) measure(b *testing.B, table *tabwriter.Writer, n int, kill bool, memory map[string]int64) {
	b.Helper()
	var whole usage
	for _, c := range []struct {
		what string
		args []string
	}{{"reconcile", []string{"--sweep=false"}}, {"reconcile with a sweep", nil}} {
		whole = r.run(b, 0, c.args...)
		whole.row(table, c.what, n)
		if few := memory[c.what]; few > 0 && float64(whole.kib) > mostMemory*float64(few) {
			b.Errorf("MEMORY GROWS WITH THE PEOPLE: %s held %d KiB with %d people, and %d KiB with fewer", c.what, whole.kib,
				n, few)
		}
		memory[c.what] = max(memory[c.what], whole.kib)
	}
	if !kill {
		return
	}
	first := r.run(b, whole.took/2)
	second := r.run(b, 0, "--resume")
	if !second.report.Resumed && whole.took > 2*time.Second {
		b.Errorf("the sweep was not continued: %+v", second.report)
	}
	first.took, first.cpu, first.kib = first.took+second.took, first.cpu+second.cpu, max(first.kib, second.kib)
	first.row(table, "the same, killed halfway and continued", n)
}

// scale returns how many people there are to be: as many as SCALE says, or else the preset.
func scale(b *testing.B, preset int) int {
	b.Helper()
	text := cmp.Or(os.Getenv("SCALE"), strconv.Itoa(preset))
	n, err := strconv.Atoi(text)
	if err != nil || n < 100_000 || n%100_000 != 0 {
		b.Fatalf("SCALE=%s: enter a number of people, a multiple of 100000", text)
	}
	return n
}

// usage is what a run took.
type usage struct {
	took, cpu time.Duration
	kib       int64
	report    dossier.ReconcileReport
}

func (u usage) row(table *tabwriter.Writer, what string, people int) {
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d MiB\n", what, humanize.Comma(int64(people)), u.took.Round(100*time.Millisecond),
		u.cpu.Round(100*time.Millisecond), u.kib/1024)
}

// sweepRuns runs the command over embedded stores.
type sweepRuns struct{ bin, folder string }

// run reconciles, and kills the process after a time, if that is not 0. A run that ends finds nothing to mend.
func (r sweepRuns) run(b *testing.B, kill time.Duration, args ...string) usage {
	b.Helper()
	c := exec.Command(r.bin, append([]string{"reconcile", "--json"}, args...)...)
	c.Env = []string{"DOSSIER_DATA=" + r.folder, "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	began := time.Now()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	if kill > 0 {
		defer time.AfterFunc(kill, func() { _ = c.Process.Kill() }).Stop()
	}
	err := c.Wait()
	u := usage{took: time.Since(began), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if spent, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.kib = int64(spent.Maxrss)
	}
	exit, _ := errors.AsType[*exec.ExitError](err)
	if kill > 0 && exit != nil && exit.ExitCode() == -1 {
		return u
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &u.report)
	}
	if err != nil || len(u.report.Counts) > 0 || u.report.Ownerless > 0 {
		b.Fatalf("reconcile %v: %v: %.2000s%s", args, err, out.String(), errs.String())
	}
	return u
}

// loadSwept puts n people with a file each into embedded stores, as a sweep wants them.
func loadSwept(b testing.TB, folder string, n int) {
	b.Helper()
	stores := teststores.Embedded(b, folder)
	svc := dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{})
	// One by the service: all others have its words.
	receipt := dossier.NewReceipt()
	sub, err := svc.Begin(b.Context(), receipt, plainDetails)
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Abandon(b.Context())
	err = errors.Join(sub.AddFile(b.Context(), "x", bytes.NewReader([]byte("x"))), sub.Acknowledge(b.Context()))
	if err != nil {
		b.Fatal(err)
	}
	worded, err := stores.People.Words(b.Context(), receipt.Person)
	if err != nil {
		b.Fatal(err)
	}
	loadPersons(b, openSQLite(b, filepath.Join(folder, "people.db")), n, worded.Words)
	loadRecords(b, openSQLite(b, filepath.Join(folder, "catalog.db")), n)
	for i := 1; i <= n; i++ {
		// As sqlPerson and sqlFile make them.
		dir := filepath.Join(folder, "objects", "files", fmt.Sprintf("%08x-0000-7000-8000-000000000000", i))
		name := fmt.Sprintf("%08x-0000-7000-8000-000000000001", i)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
			b.Fatal(err)
		}
	}
}

// The ids of the i-th person and its file, and all numbers up to the first argument: the database makes the rows
// itself, which takes a fraction of sending them.
const (
	sqlPerson  = "printf('%08x-0000-7000-8000-000000000000', i)"
	sqlFile    = "printf('%08x-0000-7000-8000-000000000001', i)"
	sqlNumbers = "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?) "
)

// fillTable runs one statement.
func fillTable(b testing.TB, db *sql.DB, statement string, args ...any) {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), sqlNumbers+statement, args...); err != nil {
		b.Fatalf("%.60s: %v", statement, err)
	}
}

// loadPersons inserts n acknowledged people who have the words.
func loadPersons(b testing.TB, db *sql.DB, n int, words []string) {
	b.Helper()
	fillTable(b, db, `INSERT INTO people (id, name, location, age, technology, receipt_hash, state, name_key, created_at,
		updated_at, words_version) SELECT `+sqlPerson+`, 'x', 'x', 50, 'x', printf('%064d', 0), 'submitted', 'x', i, i, ?
		FROM numbers`, n, dossier.WordsVersion)
	for _, word := range words {
		fillTable(b, db, "INSERT INTO words (person_id, word, created_at) SELECT "+sqlPerson+", ?, i FROM numbers", n, word)
	}
}

// loadRecords inserts the record of a file of each of n people, and their counters.
func loadRecords(b testing.TB, db *sql.DB, n int) {
	b.Helper()
	fillTable(b, db, `INSERT INTO files (person_id, file_id, name, author, state, size, sha256, crc64, content_type,
		created_at, updated_at) SELECT `+sqlPerson+", "+sqlFile+`, 'x', 'x', 'stored', 0, printf('%064x', i),
		printf('%016x', i), 'application/octet-stream', i, i FROM numbers`, n)
	fillTable(b, db, `INSERT INTO usages (person_id, files, bytes, epoch, revision, updated_at)
		SELECT `+sqlPerson+`, 1, 0, 'e', printf('%d', i), i FROM numbers`, n)
}
