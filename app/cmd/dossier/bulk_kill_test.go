package main

import (
	"cmp"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// bulkPeople is how many people TestKillBulk moves, by the variable, for a run by hand with very many.
func bulkPeople(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("DOSSIER_TEST_BULK_PEOPLE"), "3000"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKillBulkEmbedded(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	data := teststores.Migrated(t)
	killBulk(t, []string{"DOSSIER_DATA=" + data}, teststores.Embedded(t, data), func() string {
		key, err := os.ReadFile(filepath.Join(data, "staff-secret"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(key))
	})
}

func TestKillBulkReal(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	c := teststores.Cloud(t)
	killBulk(t, c.Environ(), c.Stores(t), func() string { return teststores.StaffSecret })
}

// killBulk kills the server in the middle of a move of everybody to the trash: the next one tells of it, goes on, and
// the audit trail has all of it.
func killBulk(t *testing.T, env []string, stores teststores.Stores, secret func() string) {
	many := bulkPeople(t)
	insertPeople(t, stores, many)
	svc := dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{})
	trashed := func() int {
		n, err := svc.CountJob(t.Context(), dossier.JobOrder{Kind: dossier.JobEmpty,
			Trash: dossier.Trash{At: time.Now().UTC()}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	listen := freeAddress(t)
	p := start(t, listen, env)
	staff := signedIn(t, p.base, secret())
	_, page := staff.get("/people")
	form := url.Values{"csrf": {staff.token()}, "do": {"trash"}, "all": {"yes"}, "view": {""},
		"confirmed": {strconv.Itoa(many)},
		"asked":     {regexp.MustCompile(`name="asked" value="([^"]+)"`).FindStringSubmatch(page)[1]}}
	answered := make(chan int, 1)
	begun := time.Now()
	go func() {
		status, _ := staff.post("/people/selected", form)
		answered <- status
	}()
	// The kill comes in the middle: of few, as soon as there is a page of them in the trash; of very many, once the job
	// is noted to have done a tenth.
	within(t, "the move is under way", func() bool {
		jobs, err := svc.Jobs(t.Context())
		if err != nil || len(jobs) != 1 {
			return false
		}
		page, err := svc.TrashedPeople(t.Context(), dossier.Cursor{}, 100)
		return err == nil && !page.Next.IsZero() && (many < 20_000 || jobs[0].Changed > many/10)
	})
	p.kill()
	// A request is answered after a while, and the server continues: then it was the continuation that was killed.
	if status := <-answered; status != 0 && many < 20_000 {
		t.Fatalf("the move was answered with status %d before the server was killed", status)
	}
	half := trashed()
	if half == 0 || half == many {
		t.Fatalf("the kill came when %d of %d were moved", half, many)
	}
	t.Logf("killed after %s, when %d of %d were moved", time.Since(begun).Round(time.Millisecond), half, many)

	// The next server tells of it, and goes on.
	p = start(t, listen, env)
	restarted := time.Now()
	staff = signedIn(t, p.base, secret())
	all := humanize.Comma(int64(many))
	if _, page = staff.get("/people"); !strings.Contains(page, "Moving "+all+" people to the trash") &&
		!strings.Contains(page, "No one yet") {
		t.Errorf("after the restart, the directory does not tell of the move:\n%s", page)
	}
	var job dossier.Job
	within(t, "the move goes on to its end", func() bool {
		jobs, err := svc.Jobs(t.Context())
		if err != nil || len(jobs) != 1 {
			t.Fatalf("the jobs are %+v, %v", jobs, err)
		}
		job = jobs[0]
		return job.State != dossier.JobRunning
	})
	t.Logf("done %s after the restart", time.Since(restarted).Round(time.Millisecond))
	if job.State != dossier.JobDone || job.Changed != many || job.Interrupted != 1 || trashed() != many {
		t.Errorf("the job ended as %+v, with %d in the trash, want all %d", job, trashed(), many)
	}
	_, page = staff.get("/people/jobs/" + job.ID)
	undo := regexp.MustCompile(`action="(/trash/moves/[0-9]+/put-back)"`).FindStringSubmatch(page)
	if undo == nil || !strings.Contains(page, all+" people were moved to the trash.") {
		t.Fatalf("the page of the job has no undo, or does not say how it ended:\n%s", page)
	}

	// The end is in the trail, with the request of the beginning, and who asked.
	column := func(row []string, name string) string { return row[slices.Index(audit.Columns, name)] }
	var trail []string
	request := ""
	within(t, "the end is recorded", func() bool {
		trail = nil
		for _, row := range exported(t, env) {
			switch audit.Action(column(row, "action")) {
			case audit.PeopleDelete, audit.JobContinue:
				trail = append(trail, strings.Join([]string{column(row, "actor"), column(row, "action"),
					column(row, "result"), column(row, "count"), column(row, "detail")}, " "))
				request = cmp.Or(request, column(row, "request"))
				if got := column(row, "request"); got != request {
					t.Errorf("%q is of the request %s, not %s", trail, got, request)
				}
			}
		}
		return len(trail) >= 3
	})
	slices.Sort(trail)
	n := strconv.Itoa(many)
	want := []string{"program job.continue allowed " + strconv.Itoa(half) + " people.delete of " + n,
		"shared people.delete begun 0 trash", "shared people.delete done " + n + " trash"}
	if !slices.Equal(trail, want) {
		t.Errorf("the trail has\n%s\nwant\n%s", strings.Join(trail, "\n"), strings.Join(want, "\n"))
	}
	if r := verified(t, env, exitOK); r.Unfinished != 0 || r.Wrong != 0 {
		t.Errorf("a verification says %+v, want no change without an end", r)
	}

	// One undo brings back both halves.
	back := time.Now()
	if status, page := staff.post(undo[1], url.Values{"csrf": {staff.token()}}); status != http.StatusOK {
		t.Errorf("the undo: status %d\n%s", status, page)
	}
	within(t, "all are back", func() bool { return trashed() == 0 })
	t.Logf("all were back after %s", time.Since(back).Round(time.Millisecond))
}

// insertPeople adds people, as their submissions would.
func insertPeople(t *testing.T, stores teststores.Stores, many int) {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Microsecond)
	var left atomic.Int64
	left.Store(int64(many))
	var adding sync.WaitGroup
	for range 8 {
		adding.Go(func() {
			for left.Add(-1) >= 0 {
				p := dossier.Person{ID: dossier.NewPersonID(), State: dossier.PersonSubmitting, CreatedAt: at,
					UpdatedAt: at,
					Details:   dossier.Details{Name: "Ada Lovelace", Location: "London", Technology: "Analytical Engine"}}
				err := stores.People.Insert(t.Context(), p)
				if err == nil {
					err = stores.People.Acknowledge(t.Context(), p.ID, at, []string{"ada", "lovelace", "london",
						"analytical", "engine"})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	if adding.Wait(); t.Failed() {
		t.FailNow()
	}
}

// signedIn signs in with the shared key.
func signedIn(t *testing.T, base, key string) *audited {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &audited{t, &http.Client{Jar: jar, Timeout: 5 * time.Minute}, base}
	if status, _ := a.post("/staff/sign-in", url.Values{"key": {key}}); status != http.StatusOK {
		t.Fatalf("sign in: status %d", status)
	}
	return a
}

// within is eventually for what takes longer than a lease.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("does not happen: %s", what)
		}
	}
}
