package dossier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// control keeps what it is told of jobs.
type control struct {
	continued, ended []dossier.Job
	// fail is what it answers.
	fail error
	// forbids says when a job that has changed so many is no longer allowed; nil: never.
	forbids func(changed int) (bool, error)
}

func (w *control) JobAllowed(_ context.Context, j dossier.Job) (bool, error) {
	if w.forbids == nil {
		return true, nil
	}
	forbidden, err := w.forbids(j.Changed)
	return !forbidden, err
}

func (w *control) JobContinues(_ context.Context, j dossier.Job) error {
	w.continued = append(w.continued, j)
	return w.fail
}

func (w *control) JobEnded(_ context.Context, j dossier.Job) error {
	w.ended = append(w.ended, j)
	return w.fail
}

// registered adds people, and returns their ids.
func (s stores) registered(t *testing.T, n int) (ids []dossier.PersonID) {
	t.Helper()
	for range n {
		r := dossier.NewReceipt()
		if _, err := s.service(dossier.Limits{}).Register(t.Context(), r, ada); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.Person)
	}
	return ids
}

// listed returns how many people the directory has, and inTrash how many the trash.
func (s stores) listed(t *testing.T) int {
	t.Helper()
	page, err := s.service(dossier.Limits{}).People(t.Context(), dossier.PeopleQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return page.Count
}

func (s stores) inTrash(t *testing.T) int {
	t.Helper()
	n, err := s.service(dossier.Limits{}).CountJob(t.Context(),
		dossier.JobOrder{Kind: dossier.JobEmpty, Trash: dossier.Trash{At: s.clock.now()}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// job returns the only job that is noted.
func (s stores) job(t *testing.T) dossier.Job {
	t.Helper()
	all, err := s.service(dossier.Limits{}).Jobs(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("the jobs are %+v, %v, want one", all, err)
	}
	return all[0]
}

// order returns an order with what it is about counted.
func (s stores) order(t *testing.T, o dossier.JobOrder) dossier.JobOrder {
	t.Helper()
	var err error
	if o.Found, err = s.service(dossier.Limits{}).CountJob(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// do starts a job, and works on it to its end.
func do(t *testing.T, svc *dossier.Service, o dossier.JobOrder, w *control) dossier.Job {
	t.Helper()
	j, err := svc.StartJob(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if j, err = svc.RunJob(t.Context(), j, time.Time{}, w); err != nil || j.State != dossier.JobDone {
		t.Fatalf("the job is %+v, %v, want it done", j, err)
	}
	return j
}

// Each kind does what it is for, is told once, and forgets whom it was about.
func TestJobs(t *testing.T) { onEachKind(t, jobs) }

func jobs(t *testing.T, s stores) {
	svc, w := s.service(dossier.Limits{}), &control{}
	const n = 130 // more than a page of the trash
	ids := s.registered(t, n)
	trash := do(t, svc, s.order(t, dossier.JobOrder{Kind: dossier.JobTrash, Trash: dossier.Trash{By: "Grace Hopper"},
		Selection: dossier.Selection{Filter: dossier.Filter{Search: "ada"}}, Asker: []byte(`"who"`)}), w)
	if trash.Changed != n || s.listed(t) != 0 || s.inTrash(t) != n {
		t.Errorf("trash: %+v, %d are listed and %d in the trash", trash, s.listed(t), s.inTrash(t))
	}
	noted := s.job(t)
	if noted.State != dossier.JobDone || noted.Selection.Filter.Search != "" || noted.Changed != n ||
		string(noted.Asker) != `"who"` {
		t.Errorf("what is kept of a job that has ended: %+v", noted)
	}
	back := do(t, svc, s.order(t, dossier.JobOrder{Kind: dossier.JobPutBack, Trash: trash.Trash}), w)
	if back.Changed != n || s.listed(t) != n {
		t.Errorf("put back: %+v, %d are listed", back, s.listed(t))
	}
	some := dossier.Selection{IDs: ids[:3]}
	gone := do(t, svc, s.order(t, dossier.JobOrder{Kind: dossier.JobDelete, Selection: some}), w)
	if gone.Changed != 3 || s.listed(t) != n-3 || s.inTrash(t) != 0 {
		t.Errorf("delete: %+v, %d are listed and %d in the trash", gone, s.listed(t), s.inTrash(t))
	}

	// Emptying erases people and files up to a time, and nothing that came later.
	r := dossier.NewReceipt()
	out, err := submit(t.Context(), svc, r, twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.TrashFile(t.Context(), r.Person, out[0].File.ID, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.TrashPerson(t.Context(), ids[3], "x"); err != nil {
		t.Fatal(err)
	}
	until := s.clock.now()
	if _, err := svc.TrashPerson(t.Context(), ids[4], "x"); err != nil {
		t.Fatal(err)
	}
	// Of files, a store may be seconds behind.
	var empty dossier.JobOrder
	for range 100 {
		empty = s.order(t, dossier.JobOrder{Kind: dossier.JobEmpty, Trash: dossier.Trash{At: until}})
		if empty.Found == 2 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if gone := do(t, svc, empty, w); gone.Changed != 2 || gone.Found != 2 || s.inTrash(t) != 1 {
		t.Errorf("empty: %+v, %d are in the trash", gone, s.inTrash(t))
	}
	if _, err := svc.TrashedPerson(t.Context(), ids[4]); err != nil {
		t.Errorf("who came to the trash later: %v", err)
	}
	if _, err := svc.File(t.Context(), r.Person, out[1].File.ID); err != nil {
		t.Errorf("a file that was not in the trash: %v", err)
	}
	if len(w.ended) != 4 || len(w.continued) != 0 {
		t.Errorf("the witness was told of %d ends and %d continuations, want 4 and none", len(w.ended),
			len(w.continued))
	}
}

// Whatever call fails or is the last of a process: nothing is begun, or all is done and told.
func TestJobAfterFault(t *testing.T) {
	const people = 55
	for _, kind := range []dossier.JobKind{dossier.JobTrash, dossier.JobDelete, dossier.JobPutBack, dossier.JobEmpty} {
		t.Run(string(kind), func(t *testing.T) {
			n := people
			if kind != dossier.JobTrash {
				n = 3 // each is a step
			}
			prepare := func(t *testing.T) (stores, dossier.JobOrder) {
				s := fresh(t)
				s.registered(t, n)
				o := dossier.JobOrder{Kind: kind}
				if kind == dossier.JobPutBack || kind == dossier.JobEmpty {
					all := s.order(t, dossier.JobOrder{Kind: dossier.JobTrash})
					o.Trash = do(t, s.service(dossier.Limits{}), all, &control{}).Trash
				}
				return s, s.order(t, o)
			}
			attempt := func(ctx context.Context, svc *dossier.Service, o dossier.JobOrder, w *control) error {
				j, err := svc.StartJob(ctx, o)
				if err == nil {
					_, err = svc.RunJob(ctx, j, time.Time{}, w)
				}
				return err
			}
			s, o := prepare(t)
			clean := noFault()
			if err := attempt(t.Context(), s.faulty(clean), o, &control{}); err != nil {
				t.Fatal(err)
			}
			faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
				s, o := prepare(t)
				w := &control{}
				first := attempt(t.Context(), s.faulty(f), o, w)
				for range 3 {
					s.clock.forward(31 * time.Second)
					if err := s.service(dossier.Limits{}).ContinueJobs(t.Context(), w); err != nil {
						t.Fatalf("ContinueJobs: %v", err)
					}
				}
				all, err := s.service(dossier.Limits{}).Jobs(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				begun := len(all) > 0 && all[0].Kind == o.Kind
				left, err := s.service(dossier.Limits{}).CountJob(t.Context(), o)
				switch {
				case err != nil:
					t.Fatal(err)
				case !begun && (first == nil || left != n || len(w.ended) != 0):
					t.Errorf("it is not noted, the first attempt says %v, %d of %d are left and %d ends told", first,
						left, n, len(w.ended))
				case begun && (left != 0 || all[0].State != dossier.JobDone || all[0].Changed != n ||
					len(w.ended) == 0 || w.ended[len(w.ended)-1].Changed != n):
					t.Errorf("%d are left, the job is %+v, and the ends told are %+v", left, all[0], w.ended)
				}
			})
		})
	}
}

// A job is left to whoever works on it, until that one is gone; then it is told, and goes on only if that can be
// recorded.
func TestJobIsTakenOver(t *testing.T) {
	s := inMemory()
	s.registered(t, 60)
	o := s.order(t, dossier.JobOrder{Kind: dossier.JobTrash})
	// It dies after the first batch.
	clean := noFault()
	other := inMemory()
	other.registered(t, 60)
	_ = do(t, other.faulty(clean), o, &control{})
	dying := s.faulty(failing(t, clean.Calls(), dieAfter, "people.Trash", 1))
	j, err := dying.StartJob(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dying.RunJob(t.Context(), j, time.Time{}, &control{}); !errors.Is(err, errInjected) {
		t.Fatalf("the run that dies: %v", err)
	}
	if s.listed(t) != 35 {
		t.Fatalf("%d are left", s.listed(t))
	}
	w := &control{}
	again := func() error { return s.service(dossier.Limits{}).ContinueJobs(t.Context(), w) }
	if err := again(); err != nil || s.listed(t) != 35 || s.job(t).Interrupted != 0 {
		t.Errorf("while it may still run: %v, %d are left, %+v", err, s.listed(t), s.job(t))
	}
	s.clock.forward(31 * time.Second)
	w.fail = dossier.ErrUnavailable
	if err := again(); !errors.Is(err, dossier.ErrUnavailable) || s.listed(t) != 35 || !s.job(t).Waiting {
		t.Errorf("while it cannot be recorded: %v, %d are left, %+v", err, s.listed(t), s.job(t))
	}
	if err := again(); err != nil {
		t.Errorf("in the pause: %v", err)
	}
	s.clock.forward(11 * time.Second)
	w.fail = nil
	if err := again(); err != nil || s.listed(t) != 0 {
		t.Errorf("at last: %v, %d are left", err, s.listed(t))
	}
	done := s.job(t)
	if done.State != dossier.JobDone || done.Changed != 60 || done.Interrupted != 1 {
		t.Errorf("the job is %+v", done)
	}
	if len(w.continued) != 1 || w.continued[0].Changed != 25 || len(w.ended) != 1 || w.ended[0].Changed != 60 {
		t.Errorf("told were %+v and %+v", w.continued, w.ended)
	}
	// All have one Trash, so that one undo brings them back.
	if n, err := s.service(dossier.Limits{}).CountJob(t.Context(),
		dossier.JobOrder{Kind: dossier.JobPutBack, Trash: done.Trash}); err != nil || n != 60 {
		t.Errorf("%d would be put back, %v", n, err)
	}
}

// A run that hangs is taken over, also by its own instance, and then ends: two runs that count would both be wrong.
func TestJobThatHangsIsTakenOver(t *testing.T) {
	s := inMemory()
	s.registered(t, 60)
	var svc *dossier.Service
	var w control
	var batches atomic.Int32
	paused, first, second := make(chan bool), make(chan bool), make(chan error, 1)
	all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.Intercept(
		func(ctx context.Context, call string, do func() error) error {
			if call == "people.Trash" {
				switch batches.Add(1) {
				case 1: // it hangs until the other run is in the middle
					s.clock.forward(16 * time.Second)
					go func() { second <- svc.ContinueJobs(t.Context(), &w) }()
					<-paused
				case 3: // the other run's second
					close(paused)
					<-first
				}
			}
			return do()
		})
	svc = dossier.New(all.People, all.Catalog, all.Objects, dossier.Options{Now: s.clock.now})
	j, err := svc.StartJob(t.Context(), s.order(t, dossier.JobOrder{Kind: dossier.JobTrash}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.RunJob(t.Context(), j, time.Time{}, &w); !errors.Is(err, dossier.ErrLost) {
		t.Errorf("the run that hung: %v, want ErrLost", err)
	}
	close(first)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if done := s.job(t); done.State != dossier.JobDone || done.Changed != 60 || len(w.ended) != 1 ||
		w.ended[0].Changed != 60 {
		t.Errorf("the job is %+v, told were %+v", done, w.ended)
	}
}

// What nobody has worked on for long is not begun again: the stores may be of an earlier time.
func TestJobIsGivenUp(t *testing.T) {
	s := inMemory()
	s.registered(t, 3)
	o := s.order(t, dossier.JobOrder{Kind: dossier.JobTrash})
	if _, err := s.service(dossier.Limits{}).StartJob(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.clock.forward(time.Hour + time.Minute)
	w := &control{fail: dossier.ErrUnavailable}
	if err := s.service(dossier.Limits{}).ContinueJobs(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if got := s.job(t); got.State != dossier.JobFailed || s.listed(t) != 3 || len(w.ended) != 1 {
		t.Errorf("the job is %+v, %d are listed, told %d times", got, s.listed(t), len(w.ended))
	}
	// What could not be told is told again, and then no more.
	w.fail = nil
	for range 3 {
		s.clock.forward(31 * time.Second)
		if err := s.service(dossier.Limits{}).ContinueJobs(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.ended) != 2 || w.ended[1].State != dossier.JobFailed {
		t.Errorf("told were %+v", w.ended)
	}
}

// An order that comes twice is one job, whatever became of it.
func TestOrderGivenTwice(t *testing.T) {
	s := inMemory()
	s.registered(t, 3)
	o := s.order(t, dossier.JobOrder{Kind: dossier.JobTrash, As: "once"})
	svc := s.service(dossier.Limits{})
	first, err := svc.StartJob(t.Context(), o)
	if err != nil || first.ID != "once" {
		t.Fatalf("the job is %q, %v", first.ID, err)
	}
	// A call that fails takes back what it may have noted, and leaves the job that another call has begun.
	failed := false
	all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.Intercept(
		func(ctx context.Context, call string, do func() error) error {
			if call == "catalog.Note" && !failed {
				failed = true
				return dossier.Unavailable(ctx, call, errKilled)
			}
			return do()
		})
	broken := dossier.New(all.People, all.Catalog, all.Objects, dossier.Options{Now: s.clock.now, Log: s.log})
	if _, err := broken.StartJob(t.Context(), o); !errors.Is(err, dossier.ErrUnavailable) || !failed {
		t.Fatalf("the call that fails got %v", err)
	}
	again := func(state dossier.JobState) {
		t.Helper()
		j, err := s.service(dossier.Limits{}).StartJob(t.Context(), o)
		if !errors.Is(err, dossier.ErrExists) || j.ID != first.ID || j.State != state {
			t.Errorf("given again, the order is the job %q, %s, %v, want the one of before, %s", j.ID, j.State, err,
				state)
		}
		if all, err := svc.Jobs(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("there are the jobs %+v, %v, want one", all, err)
		}
	}
	again(dossier.JobRunning)
	if _, err := svc.RunJob(t.Context(), first, time.Time{}, &control{}); err != nil {
		t.Fatal(err)
	}
	again(dossier.JobDone)
}

// A job is left to an instance whose clock is a little ahead, and not to one whose clock is wrong.
func TestJobOfClockAhead(t *testing.T) {
	for ahead, taken := range map[time.Duration]bool{time.Millisecond: false, 10 * time.Second: false,
		time.Minute: true} {
		s := inMemory()
		s.registered(t, 3)
		first := dossier.New(s.people, s.catalog, s.objects, dossier.Options{Log: s.log,
			Now: func() time.Time { return s.clock.now().Add(ahead) }})
		if _, err := first.StartJob(t.Context(), s.order(t, dossier.JobOrder{Kind: dossier.JobTrash})); err != nil {
			t.Fatal(err)
		}
		var w control
		if err := s.service(dossier.Limits{}).ContinueJobs(t.Context(), &w); err != nil {
			t.Fatal(err)
		}
		if (len(w.ended) > 0) != taken {
			t.Errorf("the clock is %s ahead: another instance has ended the jobs %+v", ahead, w.ended)
		}
	}
}

func TestStopJob(t *testing.T) {
	s := inMemory()
	s.registered(t, 60)
	svc := s.service(dossier.Limits{})
	j, err := svc.StartJob(t.Context(), s.order(t, dossier.JobOrder{Kind: dossier.JobTrash}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.StopJob(t.Context(), "another"); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("to stop a job that there is not: %v", err)
	}
	// The time of the run is over after the first batch, and somebody stops the job.
	w := &control{}
	j, err = svc.RunJob(t.Context(), j, s.clock.now().Add(-time.Second), w)
	if err != nil || j.State != dossier.JobRunning {
		t.Fatalf("the run whose time is over: %+v, %v", j, err)
	}
	if _, err := svc.StopJob(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := svc.ContinueJobs(t.Context(), w); err != nil || len(w.continued) != 0 {
		t.Errorf("ContinueJobs: %v, told were %+v", err, w.continued)
	}
	got := s.job(t)
	if got.State != dossier.JobStopped || len(w.ended) != 1 || w.ended[0].State != dossier.JobStopped ||
		got.Changed != 60-s.listed(t) {
		t.Errorf("the job is %+v, %d are left, told were %+v", got, s.listed(t), w.ended)
	}
	if got, err := svc.StopJob(t.Context(), j.ID); err != nil || got.State != dossier.JobStopped {
		t.Errorf("stopped again: %+v, %v", got, err)
	}
}

// A job goes on for as long as whoever asked for it may have it done; while nobody knows, it waits.
func TestJobIsRevoked(t *testing.T) {
	s := inMemory()
	s.registered(t, 60)
	svc, w := s.service(dossier.Limits{}), &control{}
	start := func() dossier.Job {
		t.Helper()
		j, err := svc.StartJob(t.Context(), s.order(t, dossier.JobOrder{Kind: dossier.JobTrash}))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}

	// Nobody knows at first, and then the asker may not.
	w.forbids = func(int) (bool, error) { return false, dossier.ErrUnavailable }
	if _, err := svc.RunJob(t.Context(), start(), time.Time{}, w); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("where nobody knows whether it is allowed: %v", err)
	}
	if j := s.job(t); !j.Waiting || s.listed(t) != 60 {
		t.Errorf("while nobody knows: %+v, %d are listed", j, s.listed(t))
	}
	w.forbids = func(int) (bool, error) { return true, nil }
	s.clock.forward(11 * time.Second)
	if err := svc.ContinueJobs(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if j := s.job(t); j.State != dossier.JobRevoked || s.listed(t) != 60 || len(w.ended) != 1 ||
		w.ended[0].State != dossier.JobRevoked {
		t.Errorf("before it begins: %+v, %d are listed, told were %+v", j, s.listed(t), w.ended)
	}

	// The asker may no longer after the first people.
	w.forbids = func(changed int) (bool, error) {
		s.clock.forward(2 * time.Second)
		return changed > 0, nil
	}
	ended, err := svc.RunJob(t.Context(), start(), time.Time{}, w)
	if err != nil || ended.State != dossier.JobRevoked || ended.Changed == 0 || ended.Changed != 60-s.listed(t) ||
		s.listed(t) == 0 {
		t.Errorf("in the middle: %+v, %v, %d are listed", ended, err, s.listed(t))
	}
	if len(w.ended) != 2 || w.ended[1].Changed != ended.Changed {
		t.Errorf("told were %+v", w.ended)
	}
}

// Only so many run at once, and the note of them stays small.
func TestTooManyJobs(t *testing.T) {
	s := inMemory()
	svc := s.service(dossier.Limits{})
	var ids []dossier.PersonID
	for range 400 {
		ids = append(ids, dossier.NewPersonID())
	}
	o := dossier.JobOrder{Kind: dossier.JobTrash, Selection: dossier.Selection{IDs: ids}}
	started := 0
	var err error
	for err == nil && started < 100 {
		if _, err = svc.StartJob(t.Context(), o); err == nil {
			started++
		}
	}
	if started < 2 || started > 6 || !strings.Contains(fmt.Sprint(err), "Too many changes") {
		t.Errorf("%d were started, then: %v", started, err)
	}
	note, err := s.catalog.Note(t.Context(), dossier.JobsNote)
	if err != nil || len(note.Value) > 64<<10 {
		t.Errorf("the note has %d bytes, %v", len(note.Value), err)
	}
	for range 30 {
		w := &control{}
		s.clock.forward(31 * time.Second)
		if err := svc.ContinueJobs(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		_ = do(t, svc, dossier.JobOrder{Kind: dossier.JobEmpty, Trash: dossier.Trash{At: s.clock.now()}}, w)
	}
	if all, err := svc.Jobs(t.Context()); err != nil || len(all) > 20 || all[0].Kind != dossier.JobEmpty {
		t.Errorf("%d jobs are remembered, %v", len(all), err)
	}
}
