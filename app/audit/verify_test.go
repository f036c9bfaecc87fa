package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app/audit"
	"dossier.example/app/internal/teststores"
)

// sealedTrail is a trail of three days by two instances, in which the last entries are not sealed: of the first 5, 3, 2
// and 1 entries, of the second, which began on the second day, 4, 2 and none.
func sealedTrail(t *testing.T) (*store, []audit.Chain, *clock) {
	t.Helper()
	s, c := newStore(t), newClock()
	first := newTrail(t, s, c, nil)
	appendViews(t, first, 5)
	mustSeal(t, first)
	c.move(24 * time.Hour)
	second := newTrail(t, s, c, nil)
	appendViews(t, first, 3)
	appendViews(t, second, 4)
	mustSeal(t, second)
	c.move(24 * time.Hour)
	appendViews(t, first, 2)
	appendViews(t, second, 2)
	mustSeal(t, first)
	appendViews(t, first, 1)
	heads, err := s.Heads(t.Context())
	if err != nil || len(heads) != 3 {
		t.Fatalf("Heads: %v, %v", heads, err)
	}
	return s, []audit.Chain{heads[1].Chain, heads[2].Chain}, c
}

func TestVerifyWhole(t *testing.T) {
	s, _, _ := sealedTrail(t)
	r := wantSound(t, s)
	r.LastSeal, r.SealedAt = "", time.Time{}
	want := audit.Report{Entries: 17, Chains: 2, Seals: 3, Unsealed: 1, Findings: []audit.Finding{}}
	if fmt.Sprint(r) != fmt.Sprint(want) {
		t.Errorf("the report is %+v, want %+v", r, want)
	}
	if r := wantSound(t, newStore(t)); r.Entries != 0 || r.LastSeal != "" {
		t.Errorf("the report of an empty trail is %+v", r)
	}
}

// rehash is what somebody does who knows how hashes are made: it makes them anew from a place on.
func rehash(t *testing.T, s *store, chain audit.Chain, from int64) {
	t.Helper()
	entries, err := s.EntriesAfter(t.Context(), chain, from-2, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	var previous audit.Hash
	if from > 1 {
		previous, entries = entries[0].Hash, entries[1:]
	}
	for _, e := range entries {
		if e.Chain != chain {
			break
		}
		e.Previous = previous
		previous = e.Sum()
		statements = append(statements, fmt.Sprintf("UPDATE audit SET previous_hash = '%s', entry_hash = '%s' "+
			"WHERE chain = '%s' AND seq = %d", e.Previous, previous, chain, e.Sequence))
	}
	s.tamper(t, statements...)
}

func TestVerifyFinds(t *testing.T) {
	type tampering struct {
		name string
		do   func(t *testing.T, s *store, c []audit.Chain)
		// want is what must be found, of what chain: 0 and 1 as above, 2 the seals'.
		want string
		of   int
	}
	sql := func(format string, chain int, args ...any) func(*testing.T, *store, []audit.Chain) {
		return func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			s.tamper(t, fmt.Sprintf(format, append([]any{append(c, audit.Seals)[chain]}, args...)...))
		}
	}
	cases := []tampering{
		{"an entry is removed", sql("DELETE FROM audit WHERE chain = '%s' AND seq = 3", 0), audit.FindingMissing, 0},
		{"the first entry is removed", sql("DELETE FROM audit WHERE chain = '%s' AND seq = 1", 1), audit.FindingMissing,
			1},
		{"a sealed tail is removed", sql("DELETE FROM audit WHERE chain = '%s' AND seq > 4", 0), audit.FindingTail, 0},
		{"a chain is removed", sql("DELETE FROM audit WHERE chain = '%s'", 1), audit.FindingGone, 1},
		{"a seal is removed", sql("DELETE FROM audit WHERE chain = '%s' AND seq = 3", 2), audit.FindingMissing, 2},
		{"a seal is changed", sql("UPDATE audit SET amount = 3 WHERE chain = '%s' AND seq = 1", 2),
			audit.FindingChanged, 2},
		{"two entries change places", func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			s.tamper(t, fmt.Sprintf("UPDATE audit SET seq = -seq WHERE chain = '%s' AND seq IN (2, 3)", c[0]),
				fmt.Sprintf("UPDATE audit SET seq = 5 + seq WHERE chain = '%s' AND seq < 0", c[0]))
		}, audit.FindingChanged, 0},
		{"an entry is changed, and its hash", func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			s.tamper(t, fmt.Sprintf("UPDATE audit SET client = 'x' WHERE chain = '%s' AND seq = 3", c[0]))
			e, err := s.EntriesAfter(t.Context(), c[0], 2, 1)
			if err != nil {
				t.Fatal(err)
			}
			s.tamper(t, fmt.Sprintf("UPDATE audit SET entry_hash = '%s' WHERE chain = '%s' AND seq = 3", e[0].Sum(),
				c[0]))
		}, audit.FindingBroken, 0},
		{"a sealed entry is changed, and all hashes behind it", func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			s.tamper(t, fmt.Sprintf("UPDATE audit SET client = 'x' WHERE chain = '%s' AND seq = 3", c[0]))
			rehash(t, s, c[0], 3)
		}, audit.FindingOther, 0},
		{"a sealed entry is removed, and those behind it move up", func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			s.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE chain = '%s' AND seq = 1", c[1]),
				fmt.Sprintf("UPDATE audit SET seq = -seq WHERE chain = '%s'", c[1]),
				fmt.Sprintf("UPDATE audit SET seq = -seq - 1 WHERE chain = '%s'", c[1]))
			rehash(t, s, c[1], 1)
		}, audit.FindingOther, 1},
		{"a time is changed, and all hashes of what is not sealed", func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			s.tamper(t, fmt.Sprintf("UPDATE audit SET recorded_at = 1 WHERE chain = '%s' AND seq = 11", c[0]))
			rehash(t, s, c[0], 11)
		}, audit.FindingTime, 0},
		{"entries are removed as if they had been pruned", func(t *testing.T, s *store, c []audit.Chain) {
			t.Helper()
			prune(t, s, c[1], 3, audit.Hash{7})
			s.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE chain = '%s' AND seq < 4", c[1]))
		}, audit.FindingPruned, 1},
		{"a chain is added to the past", func(t *testing.T, s *store, _ []audit.Chain) {
			t.Helper()
			past := newClock()
			past.move(time.Hour)
			trail, err := audit.NewTrail(s, audit.Options{Now: past.now})
			if err != nil {
				t.Fatal(err)
			}
			appendViews(t, trail, 1)
		}, audit.FindingLate, -1},
	}
	for _, column := range []string{"recorded_at", "amount"} {
		cases = append(cases, tampering{"changed " + column,
			sql("UPDATE audit SET %[2]s = %[2]s + 1 WHERE chain = '%[1]s' AND seq = 2", 0, column),
			audit.FindingChanged, 0})
	}
	for _, column := range []string{"actor_id", "actor_name", "session_id", "client", "action", "subject_kind",
		"subject_id", "file_id", "result", "request", "detail", "previous_hash", "entry_hash"} {
		cases = append(cases, tampering{"changed " + column,
			sql("UPDATE audit SET %[2]s = %[2]s || '0' WHERE chain = '%[1]s' AND seq = 2", 0, column),
			audit.FindingChanged, 0})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, chains, _ := sealedTrail(t)
			c.do(t, s, chains)
			r := mustVerify(t, s)
			if !slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
				return f.What == c.want && (c.of < 0 || f.Chain == append(chains, audit.Seals)[c.of].String())
			}) {
				t.Errorf("found %v, want %q", r.Findings, c.want)
			}
		})
	}
}

// prune enters in the seals that a chain was pruned.
func prune(t *testing.T, s *store, chain audit.Chain, sequence int64, hash audit.Hash) {
	t.Helper()
	last, err := s.LastEntry(t.Context(), audit.Seals)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []audit.Entry{
		{Action: audit.PruneHead, Subject: audit.Subject{Kind: audit.KindChain, ID: chain.String()}, Count: sequence,
			Detail: hash.String()},
		{Action: audit.PruneEntries, Count: sequence},
	} {
		e.Chain, e.Sequence, e.Previous, e.At = audit.Seals, last.Sequence+1, last.Hash, last.At
		e.Actor.ID, e.Result = audit.Program, audit.Done
		e.Hash = e.Sum()
		if err := s.AppendEntries(t.Context(), []audit.Entry{e}); err != nil {
			t.Fatal(err)
		}
		last = e
	}
}

// What cannot be found is not: an end that was not sealed yet, by somebody who leaves no gap. docs/audit.md says so.
func TestVerifyDoesNotFindAnUnsealedEnd(t *testing.T) {
	s, c, _ := sealedTrail(t)
	s.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE chain = '%s' AND seq = 11", c[0]))
	if r := wantSound(t, s); r.Unsealed != 0 {
		t.Errorf("%d entries are not sealed, want none", r.Unsealed)
	}
}

// Somebody who may change the whole table makes all hashes and seals anew. Only a seal that was noted elsewhere tells.
func TestVerifyAgainstNotedSeals(t *testing.T) {
	s, c := newStore(t), newClock()
	log := &teststores.Journal{}
	trail := newTrail(t, s, c, log)
	appendViews(t, trail, 3)
	first := mustSeal(t, trail)
	c.move(24 * time.Hour)
	appendViews(t, trail, 1)
	second := mustSeal(t, trail)
	noted := fmt.Sprintf("seal=%d:%s", second.Sequence, second.Hash)
	if !strings.Contains(log.String(), noted) {
		t.Errorf("the log lacks %q:\n%s", noted, log)
	}
	verify := func(seals map[int64]audit.Hash) audit.Report {
		t.Helper()
		r, err := audit.Verify(t.Context(), s, seals)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	both := map[int64]audit.Hash{first.Sequence: first.Hash, second.Sequence: second.Hash}
	if r := verify(both); r.Wrong != 0 || r.LastSeal != strings.TrimPrefix(noted, "seal=") {
		t.Errorf("with both seals: %+v", r)
	}
	s.tamper(t, "DELETE FROM audit")
	trail = newTrail(t, s, newClock(), nil)
	appendViews(t, trail, 2)
	mustSeal(t, trail)
	wantSound(t, s)
	r := verify(both)
	want := []audit.Finding{{Chain: audit.Seals.String(), Sequence: first.Sequence, What: audit.FindingSeal},
		{Chain: audit.Seals.String(), Sequence: second.Sequence, What: audit.FindingTail}}
	if !slices.Equal(r.Findings, want) {
		t.Errorf("found %v, want %v", r.Findings, want)
	}
}

func TestVerifyCountsWhatHasNoEnd(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	for _, e := range []struct {
		request string
		action  audit.Action
		result  audit.Result
	}{
		{"A", audit.PersonDelete, audit.Begun}, {"B", audit.PersonDelete, audit.Begun},
		{"C", audit.FileDelete, audit.Begun}, {"A", audit.PersonDelete, audit.Done},
		{"C", audit.FileDelete, audit.Failed}, {"D", audit.PersonView, audit.Allowed},
		{"E", audit.PersonView, audit.Refused}, {"F", audit.PersonLink, audit.Begun},
		{"F", audit.PersonDelete, audit.Done},
	} {
		one := view()
		one.Request, one.Action, one.Result = e.request, e.action, e.result
		if err := trail.Append(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if r := wantSound(t, s); r.Unfinished != 2 {
		t.Errorf("%d changes have no end, want those of B and F", r.Unfinished)
	}
}

func TestVerifyListsSomeOfMany(t *testing.T) {
	s := newStore(t)
	trail := newTrail(t, s, newClock(), nil)
	appendViews(t, trail, 150)
	s.tamper(t, "UPDATE audit SET client = 'x'")
	if r := mustVerify(t, s); len(r.Findings) != 100 || r.Wrong != 150 {
		t.Errorf("%d findings are listed and %d counted, want 100 and 150", len(r.Findings), r.Wrong)
	}
}

func TestSealOnceADay(t *testing.T) {
	s, c := newStore(t), newClock()
	trail := newTrail(t, s, c, nil)
	if e, err := trail.Seal(t.Context()); err != nil || e.Sequence != 0 {
		t.Errorf("an empty trail was sealed: %v, %v", e, err)
	}
	appendViews(t, trail, 1)
	first := mustSeal(t, trail)
	c.move(11 * time.Hour) // the same day
	if e, err := trail.Seal(t.Context()); err != nil || e.Sequence != 0 {
		t.Errorf("a second seal of a day: %v, %v", e, err)
	}
	c.move(time.Hour)
	// A day on which nothing happened has a seal, too: so nobody adds to it.
	if e := mustSeal(t, trail); e.Count != 0 || e.Previous != first.Hash {
		t.Errorf("the seal of an empty day is %+v", e)
	}
	wantSound(t, s)
}

func TestSealByOneOfMany(t *testing.T) {
	s, c := newStore(t), newClock()
	var trails []*audit.Trail
	for range 6 {
		trails = append(trails, newTrail(t, s, c, nil))
		appendViews(t, trails[len(trails)-1], 2)
	}
	var mu sync.Mutex
	made := 0
	var wg sync.WaitGroup
	for _, trail := range trails {
		wg.Go(func() {
			e, err := trail.Seal(t.Context())
			if err != nil {
				t.Errorf("Seal: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if e.Sequence > 0 {
				made++
			}
		})
	}
	wg.Wait()
	if r := wantSound(t, s); made != 1 || r.Seals != 1 || r.Unsealed != 0 {
		t.Errorf("%d of 6 made a seal; %+v", made, r)
	}
}

// sealedBetween is a store in which another instance makes the seal of the day after one has looked for it.
type sealedBetween struct {
	*store
	other *audit.Trail
}

func (s sealedBetween) LastEntry(ctx context.Context, chain audit.Chain) (audit.Entry, error) {
	last, errLast := s.store.LastEntry(ctx, chain)
	if _, err := s.other.Seal(ctx); err != nil {
		return audit.Entry{}, err
	}
	return last, errLast
}

func TestSealMadeSinceOneLooked(t *testing.T) {
	s, c := newStore(t), newClock()
	other := newTrail(t, s, c, nil)
	appendViews(t, other, 2)
	late, err := audit.NewTrail(sealedBetween{s, other}, audit.Options{Now: c.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := late.Seal(t.Context()); err != nil || e.Sequence != 0 {
		t.Errorf("a second seal of the day: %+v, %v", e, err)
	}
	if r := wantSound(t, s); r.Seals != 1 {
		t.Errorf("%+v", r)
	}
}

// More heads than one statement takes.
func TestSealOfManyChains(t *testing.T) {
	s, c := newStore(t), newClock()
	for range 230 {
		appendViews(t, newTrail(t, s, c, nil), 1)
	}
	if e := mustSeal(t, newTrail(t, s, c, nil)); e.Count != 230 || e.Sequence != 231 {
		t.Errorf("the seal is %+v", e)
	}
	wantSound(t, s)
}

func TestPrune(t *testing.T) {
	s, chains, c := sealedTrail(t)
	prune := func(before time.Time, want int64) {
		t.Helper()
		if n, err := audit.Prune(t.Context(), s, s, before, c.now()); err != nil || n != want {
			t.Errorf("Prune of what was sealed before %v: %d, %v, want %d", before, n, err, want)
		}
	}
	prune(c.now().Add(-49*time.Hour), 0)
	if last, err := s.LastEntry(t.Context(), audit.Seals); err != nil || last.Action != audit.Seal {
		t.Errorf("nothing was due, and the last entry of the seals is %v, %v", last, err)
	}
	prune(c.now().Add(-47*time.Hour), 5)
	wantSound(t, s)
	prune(c.now().Add(-23*time.Hour), 3+4)
	wantSound(t, s)
	prune(c.now().Add(time.Hour), 2+2)
	r := wantSound(t, s)
	if r.Entries != 1 || r.Pruned != 16 || r.Unsealed != 1 {
		t.Errorf("the report is %+v", r)
	}
	// What is left is as safe as before.
	s.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE chain = '%s'", chains[0]))
	wantSound(t, s) // the one entry was not sealed
}

func TestPruneFindsTampering(t *testing.T) {
	s, chains, c := sealedTrail(t)
	s.tamper(t, fmt.Sprintf("UPDATE audit SET client = 'x' WHERE chain = '%s' AND seq = 2", chains[0]))
	var damaged *audit.DamagedError
	if n, err := audit.Prune(t.Context(), s, s, c.now(), c.now()); n != 0 || !errors.As(err, &damaged) {
		t.Errorf("Prune of a damaged trail: %d, %v", n, err)
	}
}

// Somebody removes entries and enters that they were pruned: more than was, or others.
func TestPruningIsNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		sequence int64
		want     string
	}{
		"not the sealed entry": {4, audit.FindingPruned},
		"what was not sealed":  {6, audit.FindingPruned},
	} {
		t.Run(name, func(t *testing.T) {
			s, chains, _ := sealedTrail(t)
			e, err := s.EntriesAfter(t.Context(), chains[1], c.sequence-1, 1)
			if err != nil {
				t.Fatal(err)
			}
			hash := e[0].Hash
			if c.sequence == 4 {
				hash[0]++
			} else {
				c.sequence--
			}
			prune(t, s, chains[1], c.sequence, hash)
			s.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE chain = '%s' AND seq <= %d", chains[1], c.sequence))
			r := mustVerify(t, s)
			if !slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.What == c.want }) {
				t.Errorf("found %v, want %q", r.Findings, c.want)
			}
		})
	}
}

// A run that broke off, at any step, leaves a trail that is sound, and the next completes it.
func TestPruneBreaksOff(t *testing.T) {
	for at := range 4 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			s, chains, c := sealedTrail(t)
			// What a run has entered, and removed of it: up to a number of the entries of each chain.
			e, err := s.EntriesAfter(t.Context(), chains[0], 4, 1)
			if err != nil {
				t.Fatal(err)
			}
			prune(t, s, chains[0], 5, e[0].Hash)
			s.tamper(t, fmt.Sprintf("DELETE FROM audit WHERE chain = '%s' AND seq <= %d", chains[0], at*5/3))
			wantSound(t, s)
			if n, err := audit.Prune(t.Context(), s, s, c.now().Add(-47*time.Hour), c.now()); err != nil ||
				n != int64(5-at*5/3) {
				t.Errorf("the next run removed %d, error %v", n, err)
			}
			if r := wantSound(t, s); r.Entries != 12 {
				t.Errorf("%d entries are left, want 12", r.Entries)
			}
		})
	}
}
