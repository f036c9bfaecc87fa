package dossier_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

// random returns bytes of no meaning.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// scripted is a scanner that finds "virus" in bytes, and does what a test tells it.
type scripted struct {
	mu sync.Mutex
	// down is the answer of Ping; do, if not nil, goes before the reading.
	down error
	do   func(key string, scan int) error
	// unread: the verdict comes from whoever reads the object by himself.
	unread bool
	scans  map[string]int
}

func (s *scripted) set(change func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *scripted) Ping(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

func (s *scripted) Scan(_ context.Context, key string, r io.Reader) (dossier.Verdict, error) {
	s.mu.Lock()
	if s.scans == nil {
		s.scans = map[string]int{}
	}
	s.scans[key]++
	n, do, unread := s.scans[key], s.do, s.unread
	s.mu.Unlock()
	if do != nil {
		if err := do(key, n); err != nil {
			return dossier.Verdict{}, err
		}
	}
	if unread {
		return dossier.Verdict{State: dossier.ScanClean}, nil
	}
	data, err := io.ReadAll(r)
	switch {
	case err != nil:
		return dossier.Verdict{}, err
	case bytes.Contains(data, []byte("virus")):
		return dossier.Verdict{State: dossier.ScanInfected, Detail: "Tëst\n" + strings.Repeat("x", 300)}, nil
	case bytes.Contains(data, []byte("encrypted")):
		return dossier.Verdict{State: dossier.ScanNone, Detail: "encrypted"}, nil
	}
	return dossier.Verdict{State: dossier.ScanClean}, nil
}

func (s *scripted) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.scans {
		n += k
	}
	return n
}

// scanning returns an instance that scans.
func (s stores) scanning(o dossier.Scanning) *dossier.Service {
	return dossier.New(s.people, s.catalog, s.objects, dossier.Options{Now: s.clock.now, Log: s.log, Scanning: o})
}

// states returns the states of the scan of a person's files, by name.
func (s stores) states(t *testing.T, person dossier.PersonID) map[string]dossier.ScanState {
	t.Helper()
	states := map[string]dossier.ScanState{}
	for _, f := range s.records(t, person) {
		states[f.Name] = f.ScanState()
	}
	return states
}

func mustBe(t *testing.T, what string, got, want map[string]dossier.ScanState) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: the files are %v, want %v", what, got, want)
	}
}

// turn scans until the index shows nothing that waits.
func turn(t *testing.T, svc *dossier.Service, s stores, person dossier.PersonID) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := svc.ScanTurn(t.Context()); err != nil {
			t.Fatalf("ScanTurn: %v", err)
		}
		waits := false
		for _, state := range s.states(t, person) {
			waits = waits || state == dossier.ScanWaiting
		}
		if !waits {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("files still wait")
		}
	}
}

func submitted(t *testing.T, svc *dossier.Service, files ...upload) dossier.Receipt {
	t.Helper()
	r := dossier.NewReceipt()
	if _, err := submit(t.Context(), svc, r, files); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestScanning(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		scanner := &scripted{}
		svc := s.scanning(dossier.Scanning{Scanner: scanner, MaxBytes: 1000})
		r := submitted(t, svc, upload{"clean", []byte("letter")}, upload{"empty", nil}, upload{"bad", []byte("a virus")},
			upload{"zip", []byte("encrypted")}, upload{"large", random(1001)})
		waiting := map[string]dossier.ScanState{"clean": "waiting", "empty": "waiting", "bad": "waiting", "zip": "waiting",
			"large": "waiting"}
		mustBe(t, "after the form", s.states(t, r.Person), waiting)
		turn(t, svc, s, r.Person)
		mustBe(t, "after a turn", s.states(t, r.Person), map[string]dossier.ScanState{"clean": "clean", "empty": "clean",
			"bad": "infected", "zip": "not_scanned", "large": "not_scanned"})
		for _, f := range s.records(t, r.Person) {
			want := map[string]string{"bad": "T?st?" + strings.Repeat("x", dossier.MaxScanDetail-5), "zip": "encrypted",
				"large": "larger than 1 kB"}[f.Name]
			if f.Scan.Detail != want || f.Scan.At.IsZero() || !f.Scan.Until.IsZero() || f.Scan.Tries != 0 {
				t.Errorf("%s: %+v, want %q", f.Name, *f.Scan, want)
			}
		}
		if n := scanner.count(); n != 4 {
			t.Errorf("%d scans, want 4: what is too large is not sent", n)
		}
		if err := svc.ScanTurn(t.Context()); err != nil || scanner.count() != 4 {
			t.Errorf("another turn: %d scans, %v", scanner.count(), err)
		}
	})
}

// Of two instances, and of one that was killed, exactly one scans a file.
func TestScanningByMany(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		scanner := &scripted{}
		first := s.scanning(dossier.Scanning{Scanner: scanner, Workers: 4})
		var files []upload
		for i := range 24 {
			files = append(files, upload{fmt.Sprint(i), random(100)})
		}
		r := submitted(t, first, files...)
		atOnce(3, func(int) { turn(t, s.scanning(dossier.Scanning{Scanner: scanner, Workers: 4}), s, r.Person) })
		if n := scanner.count(); n != len(files) {
			t.Errorf("%d files were scanned %d times", len(files), n)
		}
	})
	s := fresh(t)
	scanner := &scripted{}
	svc := s.scanning(dossier.Scanning{Scanner: scanner})
	r := submitted(t, svc, upload{"a", []byte("letter")})
	f := s.records(t, r.Person)[0]
	// What a killed instance leaves: a lease.
	lease := *f.Scan
	lease.Until = s.clock.now().Add(time.Minute)
	if _, err := s.catalog.SetScan(t.Context(), f.Person, f.ID, f.Scan.Revision, lease); err != nil {
		t.Fatal(err)
	}
	if err := svc.ScanTurn(t.Context()); err != nil || scanner.count() != 0 {
		t.Fatalf("with the lease of another: %d scans, %v", scanner.count(), err)
	}
	s.clock.forward(time.Minute)
	turn(t, svc, s, r.Person)
}

// A file that takes long holds up none that come after it, as long as a worker is free.
func TestScanningBesideASlowFile(t *testing.T) {
	s := fresh(t)
	began, slow := make(chan struct{}), make(chan struct{})
	scanner := &scripted{}
	svc := s.scanning(dossier.Scanning{Scanner: scanner, Workers: 2, Retry: 10 * time.Millisecond})
	r := submitted(t, svc, upload{"slow", []byte("letter")})
	key := s.records(t, r.Person)[0].Key()
	scanner.set(func(s *scripted) {
		s.do = func(k string, _ int) error {
			if k == key {
				close(began)
				<-slow
			}
			return nil
		}
	})
	var scanning sync.WaitGroup
	ctx, end := context.WithCancel(t.Context())
	scanning.Go(func() { svc.Scan(ctx) })
	release := sync.OnceFunc(func() { close(slow) })
	defer scanning.Wait()
	defer end()
	defer release()
	until := func(person dossier.PersonID, want dossier.ScanState) {
		t.Helper()
		for _, f := range s.records(t, person) {
			for wait := time.Now().Add(time.Minute); f.ScanState() != want; time.Sleep(time.Millisecond) {
				if time.Now().After(wait) {
					t.Fatalf("%s is %s, want %s", f.Name, f.ScanState(), want)
				}
				var err error
				if f, err = s.catalog.File(t.Context(), person, f.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	<-began
	for range 3 {
		later := submitted(t, svc, upload{"a", []byte("letter")}, upload{"b", []byte("another")})
		until(later.Person, dossier.ScanClean)
	}
	release()
	until(r.Person, dossier.ScanClean)
}

// Whatever fails, no file is called clean that was not scanned whole, and none is lost.
func TestScanningWithFaults(t *testing.T) {
	start := func(t *testing.T, o dossier.Scanning) (stores, *scripted, *dossier.Service, dossier.File) {
		s := fresh(t)
		scanner := &scripted{}
		o.Scanner, o.Retry = scanner, time.Second
		svc := s.scanning(o)
		r := submitted(t, svc, upload{"a", []byte("letter")})
		return s, scanner, svc, s.records(t, r.Person)[0]
	}
	now := func(t *testing.T, s stores, f dossier.File) dossier.File {
		t.Helper()
		f, err := s.catalog.File(t.Context(), f.Person, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	down := dossier.Unavailable(t.Context(), "ask", errors.New("connection refused"))

	t.Run("the scanner is down", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{})
		scanner.set(func(s *scripted) { s.down = down })
		for range 50 {
			if err := svc.ScanTurn(t.Context()); !errors.Is(err, dossier.ErrUnavailable) {
				t.Fatalf("ScanTurn: %v", err)
			}
		}
		if got := now(t, s, f); *got.Scan != *f.Scan {
			t.Errorf("an outage changed %+v to %+v", *f.Scan, *got.Scan)
		}
		scanner.set(func(s *scripted) { s.down = nil })
		turn(t, svc, s, f.Person)
	})
	t.Run("it falls silent in the middle", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{})
		scanner.set(func(s *scripted) {
			s.do = func(string, int) error { s.set(func(s *scripted) { s.down = down }); return down }
		})
		if err := svc.ScanTurn(t.Context()); !errors.Is(err, dossier.ErrUnavailable) {
			t.Fatalf("ScanTurn: %v", err)
		}
		if got := now(t, s, f); got.Scan.State != dossier.ScanWaiting || got.Scan.Tries != 1 {
			t.Errorf("the file is %+v", *got.Scan)
		}
		scanner.set(func(s *scripted) { s.down, s.do = nil, nil })
		s.clock.forward(time.Hour)
		turn(t, svc, s, f.Person)
	})
	t.Run("one file brings no verdict, and others pass it", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{Workers: 1})
		scanner.set(func(s *scripted) {
			s.do = func(key string, _ int) error {
				if key == f.Key() {
					return errors.New("cannot allocate memory")
				}
				return nil
			}
		})
		other := submitted(t, svc, upload{"b", []byte("letter")})
		for range 100 {
			if err := svc.ScanTurn(t.Context()); err != nil {
				t.Fatalf("ScanTurn: %v", err)
			}
			s.clock.forward(time.Minute)
		}
		mustBe(t, "the other", s.states(t, other.Person), map[string]dossier.ScanState{"b": "clean"})
		mustBe(t, "the one", s.states(t, f.Person), map[string]dossier.ScanState{"a": "failed"})
		if n := scanner.scans[f.Key()]; n != 5 {
			t.Errorf("it was tried %d times, want 5", n)
		}
		// On request it is tried again.
		scanner.set(func(s *scripted) { s.do = nil })
		report, err := svc.ScanStored(t.Context(), dossier.ScanRequest{}, nil)
		if err != nil || report.Scanned[dossier.ScanClean] != 1 || report.Files != 2 || report.Unfinished != 0 {
			t.Errorf("ScanStored: %+v, %v", report, err)
		}
	})
	t.Run("whoever reads the object has not yet", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{})
		scanner.set(func(s *scripted) {
			s.unread = true
			s.do = func(_ string, n int) error {
				if n < 20 {
					return &dossier.Error{Code: dossier.CodeIncomplete}
				}
				return nil
			}
		})
		for range 20 {
			mustBe(t, "meanwhile", s.states(t, f.Person), map[string]dossier.ScanState{"a": "waiting"})
			if err := svc.ScanTurn(t.Context()); err != nil {
				t.Fatalf("ScanTurn: %v", err)
			}
			s.clock.forward(time.Hour)
		}
		mustBe(t, "at last", s.states(t, f.Person), map[string]dossier.ScanState{"a": "clean"})
	})
	t.Run("whoever reads the object never does", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{})
		scanner.set(func(s *scripted) {
			s.do = func(string, int) error { return &dossier.Error{Code: dossier.CodeIncomplete} }
		})
		for end := f.UpdatedAt.Add(24 * time.Hour); s.clock.now().Before(end); s.clock.forward(15 * time.Second) {
			if got := now(t, s, f).Scan; got.State != dossier.ScanWaiting || got.Tries != 0 {
				t.Fatalf("before a day is over the file is %+v", *got)
			}
			if err := svc.ScanTurn(t.Context()); err != nil {
				t.Fatalf("ScanTurn: %v", err)
			}
			// At first he may answer within seconds, later hardly.
			waited := s.clock.now().Sub(f.UpdatedAt)
			if got := now(t, s, f).Scan.Until.Sub(s.clock.now()); got > max(time.Second, waited/8) {
				t.Fatalf("after %s he is asked again in %s", waited, got)
			}
		}
		if n := scanner.count(); n < 40 || n > 80 {
			t.Errorf("in a day it was asked for %d times, want often at first and then ever more seldom", n)
		}
		s.clock.forward(time.Hour)
		turn(t, svc, s, f.Person)
		if got := now(t, s, f).Scan; got.State != dossier.ScanNone || got.Detail != "no result within 24 hours" {
			t.Errorf("after a day the file is %+v", *got)
		}
		// He is asked again on request, and says so.
		scanner.set(func(s *scripted) { s.do, s.unread = nil, true })
		all := dossier.ScanRequest{All: true}
		if report, err := svc.ScanStored(t.Context(), all, nil); err != nil || report.Scanned[dossier.ScanClean] != 1 {
			t.Errorf("ScanStored: %+v, %v", report, err)
		}
		// What another said stands as long as he says nothing.
		scanner.set(func(s *scripted) {
			s.do = func(string, int) error { return &dossier.Error{Code: dossier.CodeIncomplete} }
		})
		if report, err := svc.ScanStored(t.Context(), all, nil); err != nil || report.Unfinished != 1 {
			t.Errorf("ScanStored: %+v, %v", report, err)
		}
		mustBe(t, "then", s.states(t, f.Person), map[string]dossier.ScanState{"a": "clean"})
	})
	for what, data := range map[string][]byte{"other bytes": []byte("lettes"), "fewer": []byte("lette"),
		"more": []byte("letters"), "none": nil} {
		t.Run("the object has "+what, func(t *testing.T) {
			s, _, svc, f := start(t, dossier.Scanning{})
			if err := s.objects.Delete(t.Context(), f.Key()); err != nil {
				t.Fatal(err)
			}
			if data != nil {
				if _, err := s.objects.Put(t.Context(), f.Key(), bytes.NewReader(data)); err != nil {
					t.Fatal(err)
				}
			}
			if err := svc.ScanTurn(t.Context()); err != nil {
				t.Fatalf("ScanTurn: %v", err)
			}
			if got := now(t, s, f); got.Scan.State != dossier.ScanWaiting || got.Damage == nil {
				t.Errorf("the file is %+v, its damage %v", *got.Scan, got.Damage)
			}
		})
	}
	t.Run("the scanner does not read all", func(t *testing.T) {
		s, _, _, f := start(t, dossier.Scanning{})
		lazy := &partly{}
		svc := s.scanning(dossier.Scanning{Scanner: lazy, Retry: time.Second})
		if err := svc.ScanTurn(t.Context()); err != nil {
			t.Fatalf("ScanTurn: %v", err)
		}
		if got := now(t, s, f); got.Scan.State != dossier.ScanWaiting || got.Scan.Tries != 1 {
			t.Errorf("the file is %+v", *got.Scan)
		}
	})
	t.Run("a store fails at each call", func(t *testing.T) {
		before := inMemory()
		scanner := &scripted{}
		r := submitted(t, before.scanning(dossier.Scanning{Scanner: scanner}), upload{"a", []byte("letter")},
			upload{"b", []byte("a virus")})
		for at := 0; ; at++ {
			s := before.copied()
			f := fault(at, []mode{failBefore, failAfter, dieBefore, dieAfter}[at%4])
			svc := s.through(f, dossier.Options{Now: s.clock.now,
				Scanning: dossier.Scanning{Scanner: scanner, Retry: time.Second, Workers: 1}})
			err := svc.ScanTurn(t.Context())
			s.clock.forward(2 * time.Hour)
			states := s.states(t, r.Person)
			if states["a"] != dossier.ScanClean && states["a"] != dossier.ScanWaiting ||
				states["b"] != dossier.ScanInfected && states["b"] != dossier.ScanWaiting {
				t.Fatalf("after fault %d (%v): %v", at, err, states)
			}
			turn(t, s.scanning(dossier.Scanning{Scanner: scanner}), s, r.Person)
			mustBe(t, "once the stores answer", s.states(t, r.Person),
				map[string]dossier.ScanState{"a": "clean", "b": "infected"})
			if len(f.Calls()) <= at {
				if at < 7 {
					t.Errorf("a turn makes %d calls of the stores: %v", len(f.Calls()), f.Calls())
				}
				break
			}
		}
	})
	t.Run("an instance ends in the middle", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{})
		ctx, cancel := context.WithCancel(t.Context())
		scanner.set(func(s *scripted) { s.do = func(string, int) error { cancel(); return ctx.Err() } })
		if err := svc.ScanTurn(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("ScanTurn: %v", err)
		}
		if got := now(t, s, f); got.Scan.State != dossier.ScanWaiting || !got.Scan.Until.IsZero() {
			t.Errorf("its lease was not given back: %+v", *got.Scan)
		}
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		s, scanner, svc, f := start(t, dossier.Scanning{})
		scanner.set(func(sc *scripted) {
			sc.do = func(string, int) error { return svc.DeleteFile(t.Context(), f.Person, f.ID) }
		})
		if err := svc.ScanTurn(t.Context()); err != nil {
			t.Fatalf("ScanTurn: %v", err)
		}
		if left := s.records(t, f.Person); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
	})
}

// partly is a scanner that calls clean what it read a byte of.
type partly struct{ scripted }

func (p *partly) Scan(_ context.Context, _ string, r io.Reader) (dossier.Verdict, error) {
	_, err := io.ReadFull(r, make([]byte, 1))
	return dossier.Verdict{State: dossier.ScanClean}, err
}

// Files of before there was a scanner are scanned on request, beside those that were.
func TestScanStored(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		old := submitted(t, s.service(dossier.Limits{}), upload{"clean", []byte("letter")}, upload{"bad", []byte("virus")},
			upload{"zip", []byte("encrypted")})
		mustBe(t, "before", s.states(t, old.Person), map[string]dossier.ScanState{"clean": "not_scanned",
			"bad": "not_scanned", "zip": "not_scanned"})
		if _, err := s.service(dossier.Limits{}).ScanStored(t.Context(), dossier.ScanRequest{},
			nil); !errors.Is(err, dossier.ErrInvalid) {
			t.Errorf("without a scanner: %v", err)
		}
		scanner := &scripted{}
		svc := s.scanning(dossier.Scanning{Scanner: scanner})
		if err := svc.ScanTurn(t.Context()); err != nil || scanner.count() != 0 {
			t.Errorf("without a request: %d scans, %v", scanner.count(), err)
		}
		scanned := 0
		request := func(o dossier.ScanRequest, clean, infected, none int) {
			t.Helper()
			report, err := svc.ScanStored(t.Context(), o, func(dossier.File) { scanned++ })
			if err != nil || report.Files != 3 || report.Unfinished != 0 || report.Scanned[dossier.ScanClean] != clean ||
				report.Scanned[dossier.ScanInfected] != infected || report.Scanned[dossier.ScanNone] != none {
				t.Fatalf("ScanStored(%+v): %+v, %v", o, report, err)
			}
		}
		request(dossier.ScanRequest{}, 1, 1, 1)
		request(dossier.ScanRequest{}, 0, 0, 0)
		request(dossier.ScanRequest{Unscanned: true}, 0, 0, 1)
		infectedAt := func() time.Time {
			for _, f := range s.records(t, old.Person) {
				if f.Name == "bad" {
					return f.Scan.At
				}
			}
			return time.Time{}
		}
		at := infectedAt()
		request(dossier.ScanRequest{All: true}, 1, 1, 1)
		if now := infectedAt(); !now.Equal(at) {
			t.Errorf("another scan moved the time at which malware was found from %s to %s", at, now)
		}
		if scanned != 7 || scanner.count() != 7 {
			t.Errorf("%d were told, %d scanned, want 7", scanned, scanner.count())
		}
		// A wrong alarm is taken back by better signatures.
		scanner.set(func(s *scripted) { s.unread = true })
		request(dossier.ScanRequest{All: true}, 3, 0, 0)
	})
}

// What is infected goes after a while, within bounds, and can be put back.
func TestInfectedFilesGo(t *testing.T) {
	s := fresh(t)
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	scanner := &scripted{}
	svc := s.scanning(dossier.Scanning{Scanner: scanner})
	r := submitted(t, svc, upload{"bad", []byte("virus")}, upload{"good", []byte("letter")})
	turn(t, svc, s, r.Person)
	if !strings.Contains(log.String(), "level=ERROR msg=\"malware was found") {
		t.Errorf("the log tells nobody of malware:\n%s", &log)
	}
	reconcile := func(keep time.Duration, dry bool) *dossier.ReconcileReport {
		t.Helper()
		report, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: time.Hour, KeepInfected: keep,
			DryRun: dry}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	reconcile(time.Hour, false)
	s.clock.forward(2 * time.Hour)
	reconcile(0, false)
	if n := reconcile(time.Hour, true).Counts[dossier.RepairRemovedInfected]; n != 1 {
		t.Errorf("a dry run would remove %d", n)
	}
	if got := s.states(t, r.Person); len(got) != 2 {
		t.Fatalf("it went too soon: %v", got)
	}
	if n := reconcile(time.Hour, false).Counts[dossier.RepairRemovedInfected]; n != 1 {
		t.Errorf("%d were removed, want 1", n)
	}
	mustBe(t, "afterwards", s.states(t, r.Person), map[string]dossier.ScanState{"good": "clean"})
	if report, err := svc.PutBack(t.Context(), nil); err != nil || report.Counts[dossier.RepairPutBack] != 1 {
		t.Errorf("PutBack: %+v, %v", report, err)
	}
	mustBe(t, "put back", s.states(t, r.Person), map[string]dossier.ScanState{"good": "clean", "bad": "waiting"})
	s.checkInvariants(t, true)
}
