package audit_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dossier.example/app/audit"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/migrations"
	"dossier.example/app/people"
)

// store is a store in SQLite whose calls can fail, and whose rows can be tampered with.
type store struct {
	*people.Store

	mu sync.Mutex
	// wrong decides about each call of AppendEntries; nil: all go well.
	wrong func(entries []audit.Entry) (before, after error)
	calls int
}

func newStore(t testing.TB) *store {
	t.Helper()
	s, err := people.OpenSQLite(t.Context(), filepath.Join(teststores.Migrated(t), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &store{Store: s}
}

// AppendEntries implements audit.Store.
func (s *store) AppendEntries(ctx context.Context, entries []audit.Entry) error {
	s.mu.Lock()
	s.calls++
	wrong := s.wrong
	s.mu.Unlock()
	if wrong == nil {
		return s.Store.AppendEntries(ctx, entries)
	}
	before, after := wrong(entries)
	if before != nil {
		return before
	}
	if err := s.Store.AppendEntries(ctx, entries); err != nil {
		return err
	}
	return after
}

func (s *store) fail(wrong func([]audit.Entry) (before, after error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = wrong
}

// tamper changes rows as somebody who has the file can.
func (s *store) tamper(t *testing.T, statements ...string) {
	t.Helper()
	all := append(migrations.AuditUnguard(), statements...)
	for _, statement := range append(all, migrations.AuditGuards()...) {
		if _, err := s.DB().Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// clock is a clock that only a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock {
	return &clock{at: time.Date(2026, time.November, 20, 12, 0, 0, 123456789, time.UTC)}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newTrail(t testing.TB, s audit.Store, c *clock, log *teststores.Journal) *audit.Trail {
	t.Helper()
	o := audit.Options{Now: c.now}
	if log != nil {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	trail, err := audit.NewTrail(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

// view is the entry of a page that was looked at.
func view() audit.Entry {
	return audit.Entry{Actor: audit.Actor{ID: audit.Shared, Name: "shared key"}, Client: "192.0.2.7",
		Action: audit.PersonView, Result: audit.Allowed, Request: "REQUEST",
		Subject: audit.Subject{Kind: audit.KindPerson, ID: "01920000-0000-7000-8000-000000000001"}}
}

func appendViews(t *testing.T, trail *audit.Trail, n int) {
	t.Helper()
	for range n {
		if err := trail.Append(t.Context(), view()); err != nil {
			t.Fatalf("Append: %v", err)
		}
	}
}

func mustSeal(t *testing.T, trail *audit.Trail) audit.Entry {
	t.Helper()
	e, err := trail.Seal(t.Context())
	if err != nil || e.Sequence == 0 {
		t.Fatalf("Seal: got %v, %v", e, err)
	}
	return e
}

func mustVerify(t *testing.T, s audit.Store) audit.Report {
	t.Helper()
	r, err := audit.Verify(t.Context(), s, nil)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return r
}

func wantSound(t *testing.T, s audit.Store) audit.Report {
	t.Helper()
	r := mustVerify(t, s)
	if r.Wrong != 0 {
		t.Errorf("the trail is damaged: %v", r.Findings)
	}
	return r
}

func all(t *testing.T, s audit.Store) []audit.Entry {
	t.Helper()
	entries, err := s.EntriesAfter(t.Context(), audit.Seals, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
