package dossier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// sweeper sweeps stores by runs of which each has a limit of calls to the stores, after which it is killed: nothing
// that it calls then has an effect.
type sweeper struct {
	stores
	options dossier.ReconcileOptions
	// made counts the calls of all runs by their names.
	made map[string]int
}

var errKilled = errors.New("the process was killed")

// run returns the report, which is incomplete if the run was killed.
func (s *sweeper) run(t *testing.T, calls int) (report *dossier.ReconcileReport, killed bool) {
	t.Helper()
	ctx, kill := context.WithCancelCause(t.Context())
	defer kill(nil)
	var dead atomic.Bool
	left := calls
	all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.
		Intercept(func(ctx context.Context, call string, do func() error) error {
			if left--; left < 0 {
				dead.Store(true)
				kill(errKilled)
			}
			if dead.Load() {
				return dossier.Unavailable(ctx, call, errKilled)
			}
			s.made[call]++
			return do()
		})
	svc := dossier.New(all.People, all.Catalog, all.Objects, dossier.Options{Now: s.clock.now})
	report, err := svc.Reconcile(ctx, s.options, nil)
	if killed = dead.Load(); !killed && err != nil {
		t.Fatalf("reconcile: %v", err)
	}
	return report, killed
}

// peopled puts acknowledged people with a file and a thumbnail each, and the objects and records without an owner that
// a sweep counts.
func peopled(t *testing.T, s stores, people, strays int) {
	t.Helper()
	svc := s.service(dossier.DefaultLimits())
	for range people {
		r := dossier.NewReceipt()
		outcomes, err := submit(t.Context(), svc, r, []upload{{"a.txt", []byte("alpha")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.objects.PutThumbnail(t.Context(), r.Person, outcomes[0].File.ID, []byte("thumbnail")); err != nil {
			t.Fatal(err)
		}
	}
	for range strays {
		f := dossier.File{Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Name: "x", Author: "y",
			State: dossier.FileUploading, CreatedAt: s.clock.now(), UpdatedAt: s.clock.now()}
		f.CreatedAt, f.UpdatedAt = f.CreatedAt.Truncate(time.Microsecond), f.UpdatedAt.Truncate(time.Microsecond)
		if _, err := s.objects.Put(t.Context(), dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()),
			strings.NewReader("stray")); err != nil {
			t.Fatal(err)
		}
		if err := s.catalog.Put(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
}

// A sweep that is killed again and again comes to its end, sees what one run sees, and repeats little.
func TestSweepResumes(t *testing.T) {
	const people, strays = 800, 20
	prepared := inMemory()
	peopled(t, prepared, people, strays)
	options := dossier.ReconcileOptions{OlderThan: 24 * time.Hour, SweepEvery: 24 * time.Hour}

	whole := sweeper{prepared.copied(), options, map[string]int{}}
	want, killed := whole.run(t, 1<<30)
	if killed || !want.Swept || want.Resumed || want.Files != people+strays || want.Ownerless != 2*strays {
		t.Fatalf("a sweep in one run: %+v", want)
	}
	calls := 0
	for _, n := range whole.made {
		calls += n
	}

	parts := sweeper{prepared.copied(), options, map[string]int{}}
	var got *dossier.ReconcileReport
	runs := 0
	for killed = true; killed; runs++ {
		if runs > 40 {
			t.Fatalf("after %d runs the sweep has not ended: %v", runs, parts.made)
		}
		got, killed = parts.run(t, calls/5)
		parts.clock.forward(2 * time.Hour) // past the lease of whoever was killed
	}
	if runs < 5 || !got.Swept || !got.Resumed || got.Files != want.Files || got.Ownerless != want.Ownerless {
		t.Errorf("a sweep in %d runs: %+v, want the counts of %+v", runs, got, want)
	}
	// Each run may repeat what came after its last note, and what every run does.
	for _, call := range slices.Sorted(maps.Keys(whole.made)) {
		if most := whole.made[call] + runs*300; whole.made[call] > 500 && parts.made[call] > most {
			t.Errorf("%s was called %d times by %d runs, and %d times by one; want %d at most", call, parts.made[call],
				runs, whole.made[call], most)
		}
	}

	// What was noted is forgotten, and the next sweep is due when its time has come.
	if note, err := parts.catalog.Note(t.Context(), dossier.SweepProgressNote); err != nil || string(note.Value) != "{}" {
		t.Errorf("after the sweep its note is %s, %v; want an empty one", note.Value, err)
	}
	if got, _ := parts.run(t, 1<<30); got.Swept {
		t.Errorf("a sweep began 2 hours after another ended: %+v", got)
	}
	parts.clock.forward(24 * time.Hour)
	if got, _ := parts.run(t, 1<<30); !got.Swept || got.Resumed {
		t.Errorf("no sweep began a day after another ended: %+v", got)
	}
}

// Of several instances one sweeps, a run that is told to sweep begins at once, and what is too old is not continued.
func TestSweepIsShared(t *testing.T) {
	t.Parallel()
	options := dossier.ReconcileOptions{OlderThan: 24 * time.Hour, SweepEvery: 24 * time.Hour}
	prepared := inMemory()
	peopled(t, prepared, 400, 0)
	interrupted := func(t *testing.T) *sweeper {
		t.Helper()
		s := &sweeper{prepared.copied(), options, map[string]int{}}
		if _, killed := s.run(t, 600); !killed {
			t.Fatal("the run ended")
		}
		return s
	}
	told := options
	told.Sweep, told.SweepEvery = true, 0
	resume := told
	resume.Resume = true
	for _, test := range []struct {
		name           string
		after          time.Duration
		options        dossier.ReconcileOptions
		do             func(s *sweeper) error
		swept, resumed bool
	}{
		{"another has the lease", time.Minute, options, nil, false, false},
		{"the lease is over", 61 * time.Minute, options, nil, true, true},
		{"it is too old", 7 * time.Hour, options, nil, true, false},
		{"told to sweep", time.Minute, told, nil, true, false},
		{"told to resume", time.Minute, resume, nil, true, true},
		{"told to resume what is too old", 7 * time.Hour, resume, nil, true, false},
		{"the stores were restored", 61 * time.Minute, options, func(s *sweeper) error {
			_, err := s.service(dossier.DefaultLimits()).ReconcileAt(t.Context(), nil,
				dossier.PointOptions{At: s.clock.now(), Settled: time.Hour}, nil)
			return err
		}, true, false},
		{"nobody can read the note", 61 * time.Minute, options, func(s *sweeper) error {
			return s.note(t, `not JSON`)
		}, true, false},
		{"a later release has another step", 61 * time.Minute, options, func(s *sweeper) error {
			return s.note(t, fmt.Sprintf(`{"step":"another","at":%q}`, s.clock.now().Format(time.RFC3339Nano)))
		}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := interrupted(t)
			s.clock.forward(test.after)
			if test.do != nil {
				if err := test.do(s); err != nil {
					t.Fatal(err)
				}
			}
			s.options = test.options
			report, killed := s.run(t, 1<<30)
			if killed || report.Swept != test.swept || report.Resumed != test.resumed {
				t.Errorf("got %+v, want swept %v, resumed %v", report, test.swept, test.resumed)
			}
			if test.swept && report.Files != 400 {
				t.Errorf("the sweep saw %d files, want 400", report.Files)
			}
		})
	}
}

// note replaces the note of a sweep's progress.
func (s *sweeper) note(t *testing.T, value string) error {
	note, err := s.catalog.Note(t.Context(), dossier.SweepProgressNote)
	if err == nil {
		_, err = s.catalog.SetNote(t.Context(), dossier.SweepProgressNote, note.Revision, []byte(value))
	}
	return err
}

// A step that fails again and again keeps no other from being made: the sweep begins again.
func TestSweepBeginsAgainAfterAStepThatFails(t *testing.T) {
	t.Parallel()
	s := inMemory()
	peopled(t, s, 3, 0)
	broken := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.
		Intercept(func(ctx context.Context, call string, do func() error) error {
			if call == "objects.Thumbnails" {
				return dossier.Unavailable(ctx, call, errKilled)
			}
			return do()
		})
	svc := dossier.New(broken.People, broken.Catalog, broken.Objects, dossier.Options{Now: s.clock.now})
	var resumed []bool
	for range 4 {
		report, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: time.Hour, SweepEvery: time.Hour}, nil)
		if !errors.Is(err, dossier.ErrUnavailable) || !report.Swept || report.Files != 3 {
			t.Fatalf("reconcile: %+v, %v", report, err)
		}
		resumed = append(resumed, report.Resumed)
		s.clock.forward(2 * time.Hour)
	}
	if want := []bool{false, true, false, true}; !slices.Equal(resumed, want) {
		t.Errorf("sweeps continued: %v, want %v", resumed, want)
	}
}
