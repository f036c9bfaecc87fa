package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dossier.example/app"
	"dossier.example/app/audit"
)

// AuditStore is a store of the audit trail, and what removes from it, which may be another user's.
type AuditStore struct {
	audit.Store
	audit.Remover
}

// Audit checks that a store does what audit.Store and audit.Remover promise. The open function returns an empty store
// that is closed with the test; it is called once for each part.
func Audit(t *testing.T, open func(t *testing.T) AuditStore) {
	suite(t, open, []part[AuditStore]{
		{"an entry comes back as appended", auditRoundTrip},
		{"a place is one entry's", auditTaken},
		{"a place is taken once by many at a time", auditTakenAtOnce},
		{"entries are appended together or not at all", auditTogether},
		{"the last of each chain", auditHeads},
		{"entries in the order of their chains", auditWalk},
		{"entries are found, the newest first", auditFind},
		{"a hundred append at once", auditMany},
		{"entries are removed by steps", auditRemove},
		{"the trail seals, verifies and prunes", auditWhole},
		{"a cancelled call does nothing", auditCancelled},
	})
}

// chainOf returns the nth chain of a test, in their order.
func chainOf(n int) audit.Chain {
	return audit.Chain(uuid.MustParse(fmt.Sprintf("%08x-0000-7000-8000-000000000000", n)))
}

// entryOf returns the entry at a place of a chain, n seconds after the epoch.
func entryOf(chain, sequence, n int) audit.Entry {
	e := audit.Entry{Chain: chainOf(chain), Sequence: int64(sequence),
		At:     peopleEpoch.Add(time.Duration(n)*time.Second + 123456*time.Microsecond),
		Actor:  audit.Actor{ID: audit.Shared, Name: "shared key", Session: chainOf(900 + n).String()},
		Client: fmt.Sprintf("2001:db8::%d", n), Action: audit.PersonView,
		Subject: audit.Subject{Kind: audit.KindPerson, ID: chainOf(100 + n).String()}, Result: audit.Allowed,
		Request: fmt.Sprintf("REQUEST%d", n), Count: int64(n)}
	e.Hash = e.Sum()
	return e
}

func appendEntries(t *testing.T, s audit.Store, entries ...audit.Entry) {
	t.Helper()
	must(t, "AppendEntries", s.AppendEntries(t.Context(), entries))
}

// wantEntries are the entries that a store has, in the order of their chains.
func wantEntries(t *testing.T, s audit.Store, want ...audit.Entry) {
	t.Helper()
	got, err := s.EntriesAfter(t.Context(), audit.Seals, 0, len(want)+1)
	must(t, "EntriesAfter", err)
	if !slices.Equal(got, want) {
		t.Errorf("the entries are\n%v\nwant\n%v", got, want)
	}
}

func auditRoundTrip(t *testing.T, s AuditStore) {
	short := audit.Entry{Chain: chainOf(1), Sequence: 1, At: peopleEpoch, Actor: audit.Actor{ID: audit.Nobody},
		Action: audit.SessionFail, Result: audit.Refused}
	id := chainOf(2).String()
	long := audit.Entry{Chain: chainOf(1), Sequence: 1 << 40, At: peopleEpoch.Add(999 * time.Microsecond),
		Actor:  audit.Actor{ID: id, Name: strings.Repeat("😀", audit.MaxName/4), Session: id},
		Client: strings.Repeat("f", audit.MaxClient), Action: audit.FileDownload,
		Subject: audit.Subject{Kind: audit.KindPerson, ID: id, File: id}, Result: audit.Refused,
		Request: strings.Repeat("R", audit.MaxRequest), Count: 1 << 50, Detail: strings.Repeat("é", audit.MaxDetail/2),
		Previous: audit.Hash{1, 2, 3}}
	short.Hash, long.Hash = short.Sum(), long.Sum()
	appendEntries(t, s, short, long)
	wantEntries(t, s, short, long)
	got, err := s.LastEntry(t.Context(), chainOf(1))
	if err != nil || got != long {
		t.Errorf("LastEntry: got %v, %v, want %v", got, err, long)
	}
	if got.Sum() != got.Hash {
		t.Error("what came back has another hash")
	}
	if got, err := s.LastEntry(t.Context(), chainOf(2)); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("LastEntry of a chain without entries: got %v, %v, want ErrNotFound", got, err)
	}
}

func auditTaken(t *testing.T, s AuditStore) {
	one := entryOf(1, 1, 1)
	appendEntries(t, s, one)
	for _, other := range []audit.Entry{one, entryOf(1, 1, 2)} {
		wants(t, "AppendEntries at a place that is taken", s.AppendEntries(t.Context(), []audit.Entry{other}),
			dossier.ErrExists)
	}
	wantEntries(t, s, one)
}

func auditTakenAtOnce(t *testing.T, s AuditStore) {
	oneWins(t, "AppendEntries at one place", 8, dossier.ErrExists, func(n int) error {
		return s.AppendEntries(t.Context(), []audit.Entry{entryOf(1, 1, n)})
	})
}

func auditTogether(t *testing.T, s AuditStore) {
	for _, n := range []int{3, 350} {
		var all []audit.Entry
		for i := range n {
			all = append(all, entryOf(n, i+1, i))
		}
		last := all[n-1]
		appendEntries(t, s, last)
		wants(t, fmt.Sprintf("AppendEntries of %d, the last of which is there", n), s.AppendEntries(t.Context(), all),
			dossier.ErrExists)
		if got, err := s.EntriesAfter(t.Context(), chainOf(n), 0, n); err != nil || len(got) != 1 {
			t.Errorf("after %d were refused: %d are there, error %v", n, len(got), err)
		}
		appendEntries(t, s, all[:n-1]...)
		if got, err := s.EntriesAfter(t.Context(), chainOf(n), 0, n); err != nil || !slices.Equal(got, all) {
			t.Errorf("of %d, %d came back, error %v", n, len(got), err)
		}
	}
}

func auditHeads(t *testing.T, s AuditStore) {
	if got, err := s.Heads(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Heads of an empty store: got %v, %v", got, err)
	}
	seal := entryOf(0, 1, 1)
	appendEntries(t, s, entryOf(2, 1, 1), entryOf(1, 1, 2), entryOf(1, 2, 3), seal)
	got, err := s.Heads(t.Context())
	want := []audit.Place{seal.Place(), entryOf(1, 2, 3).Place(), entryOf(2, 1, 1).Place()}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Heads: got %v, %v, want %v", got, err, want)
	}
}

func auditWalk(t *testing.T, s AuditStore) {
	all := []audit.Entry{entryOf(0, 1, 9), entryOf(0, 2, 8), entryOf(1, 1, 7), entryOf(2, 1, 6), entryOf(2, 2, 5),
		entryOf(2, 10, 4), entryOf(3, 1, 3)}
	mixed := slices.Clone(all)
	slices.Reverse(mixed)
	appendEntries(t, s, mixed...)
	for limit := 1; limit <= len(all)+1; limit++ {
		var got []audit.Entry
		var last audit.Entry
		for {
			page, err := s.EntriesAfter(t.Context(), last.Chain, last.Sequence, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("EntriesAfter: got %d with a limit of %d, error %v", len(page), limit, err)
			}
			got = append(got, page...)
			if len(page) < limit {
				break
			}
			last = page[len(page)-1]
		}
		if !slices.Equal(got, all) {
			t.Errorf("by pages of %d: got %v, want %v", limit, got, all)
		}
	}
}

func auditFind(t *testing.T, s AuditStore) {
	var all []audit.Entry // the newest first
	for n := 11; n >= 0; n-- {
		e := entryOf(1+n%3, n/3+1, n/2) // two have the same time
		if n%2 == 0 {
			e.Actor.ID = chainOf(7).String()
		}
		if n%4 == 0 {
			e.Subject.ID = chainOf(8).String()
		}
		if n > 6 {
			e.Action, e.Result = audit.PersonDelete, audit.Begun
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b audit.Entry) int {
		return -cmpEntries(a, b)
	})
	mixed := slices.Clone(all)
	slices.SortFunc(mixed, func(a, b audit.Entry) int { return strings.Compare(a.Client, b.Client) })
	appendEntries(t, s, mixed...)
	for name, c := range map[string]struct {
		query audit.Query
		is    func(audit.Entry) bool
	}{
		"all": {audit.Query{}, func(audit.Entry) bool { return true }},
		"by actor": {audit.Query{Actor: chainOf(7).String()},
			func(e audit.Entry) bool { return e.Actor.ID == chainOf(7).String() }},
		"of person": {audit.Query{Subject: chainOf(8).String()},
			func(e audit.Entry) bool { return e.Subject.ID == chainOf(8).String() }},
		"by action": {audit.Query{Action: audit.PersonDelete},
			func(e audit.Entry) bool { return e.Action == audit.PersonDelete }},
		"by result": {audit.Query{Result: audit.Allowed},
			func(e audit.Entry) bool { return e.Result == audit.Allowed }},
		"from": {audit.Query{From: all[5].At}, func(e audit.Entry) bool { return !e.At.Before(all[5].At) }},
		"to":   {audit.Query{To: all[5].At}, func(e audit.Entry) bool { return e.At.Before(all[5].At) }},
		"several": {audit.Query{Actor: chainOf(7).String(), Subject: chainOf(8).String(), Action: audit.PersonView,
			Result: audit.Allowed, From: all[11].At, To: all[3].At}, func(e audit.Entry) bool {
			return e.Actor.ID == chainOf(7).String() && e.Subject.ID == chainOf(8).String() &&
				e.Action == audit.PersonView && e.At.Before(all[3].At)
		}},
		"nothing": {audit.Query{Actor: "x' OR '1'='1"}, func(audit.Entry) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []audit.Entry
			for _, e := range all {
				if c.is(e) {
					want = append(want, e)
				}
			}
			for _, limit := range []int{1, 5, 100} {
				var got []audit.Entry
				q := c.query
				for q.Limit = limit; ; q.After = audit.CursorOf(got[len(got)-1]) {
					page, err := s.FindEntries(t.Context(), q)
					if err != nil || len(page) > limit {
						t.Fatalf("FindEntries: got %d with a limit of %d, error %v", len(page), limit, err)
					}
					if got = append(got, page...); len(page) < limit {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("by pages of %d: got %d entries\n%v\nwant %d\n%v", limit, len(got), got, len(want), want)
				}
			}
		})
	}
}

// cmpEntries compares by time and then by place.
func cmpEntries(a, b audit.Entry) int {
	if d := a.At.Compare(b.At); d != 0 {
		return d
	}
	if d := strings.Compare(a.Chain.String(), b.Chain.String()); d != 0 {
		return d
	}
	return int(a.Sequence - b.Sequence)
}

func auditMany(t *testing.T, s AuditStore) {
	var wg sync.WaitGroup
	const instances, each = 4, 25
	for range instances {
		trail, err := audit.NewTrail(s, audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range each {
			wg.Go(func() {
				e := audit.Entry{Actor: audit.Actor{ID: audit.Shared}, Action: audit.PersonView, Result: audit.Allowed}
				wants(t, "Append", trail.Append(t.Context(), e), nil)
			})
		}
	}
	wg.Wait()
	r, err := audit.Verify(t.Context(), s, nil)
	if err != nil || r.Wrong != 0 || r.Entries != instances*each || r.Chains != instances {
		t.Errorf("Verify after %d at once of each of %d instances: %+v, %v", each, instances, r, err)
	}
}

func auditRemove(t *testing.T, s AuditStore) {
	var all []audit.Entry
	for n := range 10 {
		all = append(all, entryOf(1+n/6, 1+n%6, n))
	}
	appendEntries(t, s, all...)
	for _, want := range []int{2, 2, 1, 0} {
		n, err := s.RemoveEntries(t.Context(), chainOf(1), 5, 2)
		if err != nil || n != want {
			t.Errorf("RemoveEntries: got %d, %v, want %d", n, err, want)
		}
		all = all[want:]
		wantEntries(t, s, all...)
	}
}

func auditWhole(t *testing.T, s AuditStore) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	for day := range 3 {
		trail, err := audit.NewTrail(s, audit.Options{Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		for range 1200 / (day + 1) {
			e := audit.Entry{Actor: audit.Actor{ID: audit.Shared}, Action: audit.PersonView, Result: audit.Allowed}
			must(t, "Append", trail.Append(t.Context(), e))
		}
		if e, err := trail.Seal(t.Context()); err != nil || e.Sequence == 0 {
			t.Fatalf("Seal: got %v, %v", e, err)
		}
		now = now.Add(24 * time.Hour)
	}
	n, err := audit.Prune(t.Context(), s, s, now.Add(-36*time.Hour), now)
	if err != nil || n != 1800 {
		t.Errorf("Prune: removed %d, error %v, want 1,800", n, err)
	}
	r, err := audit.Verify(t.Context(), s, nil)
	if err != nil || r.Wrong != 0 || r.Entries != 400 || r.Pruned != 1800 || r.Seals != 3 {
		t.Errorf("Verify of what is left: %+v, %v", r, err)
	}
}

func auditCancelled(t *testing.T, s AuditStore) {
	one := entryOf(1, 1, 1)
	appendEntries(t, s, one)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"AppendEntries": func() error { return s.AppendEntries(ctx, []audit.Entry{entryOf(1, 2, 2)}) },
		"LastEntry":     func() error { return second(s.LastEntry(ctx, one.Chain)) },
		"Heads":         func() error { return second(s.Heads(ctx)) },
		"EntriesAfter":  func() error { return second(s.EntriesAfter(ctx, audit.Seals, 0, 1)) },
		"FindEntries":   func() error { return second(s.FindEntries(ctx, audit.Query{Limit: 1})) },
		"RemoveEntries": func() error { return second(s.RemoveEntries(ctx, one.Chain, 1, 1)) },
	} {
		wants(t, name, call(), context.Canceled)
	}
	wantEntries(t, s, one)
}
