package audit_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/internal/teststores"
)

func TestChain(t *testing.T) {
	s, c := newStore(t), newClock()
	trail := newTrail(t, s, c, nil)
	appendViews(t, trail, 1)
	c.move(time.Second)
	appendViews(t, trail, 2)
	appendViews(t, newTrail(t, s, c, nil), 1)
	entries := all(t, s)
	if len(entries) != 4 || entries[0].Chain == entries[3].Chain {
		t.Fatalf("the entries of two instances are %v", entries)
	}
	previous := audit.Hash{}
	for i, e := range entries[:3] {
		if e.Chain != entries[0].Chain || e.Sequence != int64(i+1) || e.Previous != previous || e.Hash != e.Sum() {
			t.Errorf("entry %d is %+v, behind the hash %s", i, e, previous)
		}
		previous = e.Hash
	}
	if want := c.now().Truncate(time.Microsecond); !entries[2].At.Equal(want) {
		t.Errorf("the last is of %v, want %v", entries[2].At, want)
	}
	wantSound(t, s)
}

// Whatever an entry says counts for its hash.
func TestSumHasEverything(t *testing.T) {
	sum := view().Sum()
	for name, change := range map[string]func(*audit.Entry){
		"chain":    func(e *audit.Entry) { e.Chain[3]++ },
		"sequence": func(e *audit.Entry) { e.Sequence++ },
		"time":     func(e *audit.Entry) { e.At = e.At.Add(time.Microsecond) },
		"actor":    func(e *audit.Entry) { e.Actor.ID += "x" },
		"name":     func(e *audit.Entry) { e.Actor.Name += "x" },
		"session":  func(e *audit.Entry) { e.Actor.Session += "x" },
		"client":   func(e *audit.Entry) { e.Client += "x" },
		"action":   func(e *audit.Entry) { e.Action = audit.FileView },
		"kind":     func(e *audit.Entry) { e.Subject.Kind = audit.KindAccount },
		"subject":  func(e *audit.Entry) { e.Subject.ID += "x" },
		"file":     func(e *audit.Entry) { e.Subject.File += "x" },
		"result":   func(e *audit.Entry) { e.Result = audit.Refused },
		"request":  func(e *audit.Entry) { e.Request += "x" },
		"count":    func(e *audit.Entry) { e.Count++ },
		"detail":   func(e *audit.Entry) { e.Detail += "x" },
		"previous": func(e *audit.Entry) { e.Previous[0]++ },
		"moved from one text to the next": func(e *audit.Entry) {
			e.Actor.ID, e.Actor.Name = e.Actor.ID+e.Actor.Name[:1], e.Actor.Name[1:]
		},
	} {
		e := view()
		if change(&e); e.Sum() == sum {
			t.Errorf("%s: the hash is the same", name)
		}
	}
	e := view()
	if e.Hash[0]++; e.Sum() != sum {
		t.Error("the hash depends on itself")
	}
}

func TestAppendRefuses(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	for name, change := range map[string]func(*audit.Entry){
		"unknown action": func(e *audit.Entry) { e.Action = "person.look" },
		"no action":      func(e *audit.Entry) { e.Action = "" },
		"unknown result": func(e *audit.Entry) { e.Result = "ok" },
		"no actor":       func(e *audit.Entry) { e.Actor.ID = "" },
		"long subject":   func(e *audit.Entry) { e.Subject.ID = strings.Repeat("x", audit.MaxID+1) },
		"long file":      func(e *audit.Entry) { e.Subject.File = strings.Repeat("x", audit.MaxID+1) },
		"long request":   func(e *audit.Entry) { e.Request = strings.Repeat("x", audit.MaxRequest+1) },
		"long detail":    func(e *audit.Entry) { e.Detail = strings.Repeat("x", audit.MaxDetail+1) },
		"damaged detail": func(e *audit.Entry) { e.Detail = "\xff" },
	} {
		e := view()
		change(&e)
		if err := trail.Append(t.Context(), e); err == nil {
			t.Errorf("%s: was appended", name)
		}
	}
	e := view()
	e.Actor.Name, e.Client = strings.Repeat("😀", 100)+"\x00\n", strings.Repeat("f", 100)
	if err := trail.Append(t.Context(), e); err != nil {
		t.Fatalf("a long name: %v", err)
	}
	if got := all(t, s)[0]; got.Actor.Name != strings.Repeat("😀", 64) || len(got.Client) != audit.MaxClient {
		t.Errorf("a long name and client are kept as %q and %q", got.Actor.Name, got.Client)
	}
	wantSound(t, s)
}

// The store fails, before or after it took effect: the next entry goes behind what is there.
func TestAppendAfterFailures(t *testing.T) {
	down := dossier.Unavailable(t.Context(), "testing", errors.New("injected"))
	for name, c := range map[string]struct {
		before, after error
		there         int64
	}{
		"before": {down, nil, 2},
		"after":  {nil, down, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			trail := newTrail(t, s, newClock(), nil)
			appendViews(t, trail, 1)
			s.fail(func([]audit.Entry) (error, error) { return c.before, c.after })
			if err := trail.Append(t.Context(), view()); !errors.Is(err, dossier.ErrUnavailable) {
				t.Errorf("Append with the store down: %v, want ErrUnavailable", err)
			}
			s.fail(nil)
			appendViews(t, trail, 1)
			if r := wantSound(t, s); r.Entries != c.there {
				t.Errorf("there are %d entries, want %d", r.Entries, c.there)
			}
		})
	}
}

// A write that the store was given up on has effect late, when the next entry has its place already, or just before it.
func TestAppendBesideALateWrite(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	appendViews(t, trail, 1)
	var late []audit.Entry
	s.fail(func(entries []audit.Entry) (error, error) {
		late = append([]audit.Entry(nil), entries...)
		return dossier.Unavailable(context.Background(), "testing", errors.New("injected")), nil
	})
	if err := trail.Append(t.Context(), view()); err == nil {
		t.Fatal("an entry was appended although the store failed")
	}
	first := true
	s.fail(func([]audit.Entry) (error, error) {
		if first {
			first = false
			return s.Store.AppendEntries(context.Background(), late), nil
		}
		return nil, nil
	})
	appendViews(t, trail, 1)
	if r := wantSound(t, s); r.Entries != 3 {
		t.Errorf("there are %d entries, want 3", r.Entries)
	}
	if err := s.Store.AppendEntries(t.Context(), late); !errors.Is(err, dossier.ErrExists) {
		t.Errorf("a write that comes too late: got %v, want ErrExists", err)
	}
}

func TestAppendTakesNoPlaceOfOthers(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	s.fail(func([]audit.Entry) (error, error) { return dossier.ErrExists, nil })
	if err := trail.Append(t.Context(), view()); !errors.Is(err, dossier.ErrExists) {
		t.Errorf("Append where every place is taken: %v, want ErrExists", err)
	}
	if s.calls != 3 {
		t.Errorf("it was tried %d times, want 3", s.calls)
	}
}

func TestClockThatGoesBack(t *testing.T) {
	s, c, log := newStore(t), newClock(), &teststores.Journal{}
	trail := newTrail(t, s, c, log)
	appendViews(t, trail, 1)
	c.move(-3 * time.Hour)
	appendViews(t, trail, 2)
	if n := strings.Count(log.String(), "clock"); n != 1 {
		t.Errorf("it was told %d times that the clock is behind, want once:\n%s", n, log)
	}
	c.move(4 * time.Hour)
	appendViews(t, trail, 1)
	mustSeal(t, trail)
	// Another instance whose clock is behind the seal, as soon as it has looked for one.
	slow := &clock{at: c.now().Add(-5 * time.Hour)}
	other := newTrail(t, s, slow, nil)
	if e, err := other.Seal(t.Context()); err != nil || e.Sequence != 0 {
		t.Errorf("an instance whose clock is behind made a seal: %v, %v", e, err)
	}
	appendViews(t, other, 1)
	wantSound(t, s)
}

// Those that come while others are written share a statement, and nobody waits for the context of another.
func TestAppendTogether(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.fail(func([]audit.Entry) (error, error) {
		once.Do(func() { close(entered); <-release })
		return nil, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- trail.Append(ctx, view()) }()
	<-entered
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := trail.Append(t.Context(), view()); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
	}
	for audit.Waiting(trail) < 50 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("Append whose context ended: %v", err)
	}
	close(release)
	wg.Wait()
	if r := wantSound(t, s); r.Entries != 51 || s.calls != 2 {
		t.Errorf("%d entries by %d statements, want 51 by 2", r.Entries, s.calls)
	}
}

func TestAppendIsBounded(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.fail(func([]audit.Entry) (error, error) {
		once.Do(func() { close(entered); <-release })
		return nil, nil
	})
	var wg sync.WaitGroup
	wg.Go(func() { _ = trail.Append(t.Context(), view()) })
	<-entered
	for range audit.MostWaiting {
		wg.Go(func() { _ = trail.Append(t.Context(), view()) })
	}
	for audit.Waiting(trail) < audit.MostWaiting {
		time.Sleep(time.Millisecond)
	}
	if err := trail.Append(t.Context(), view()); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Append behind %d others: %v, want ErrUnavailable", audit.MostWaiting, err)
	}
	close(release)
	wg.Wait()
	wantSound(t, s)
}
