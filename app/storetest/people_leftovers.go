package storetest

import (
	"testing"
	"time"

	"dossier.example/app"
)

func peopleLeftovers(t *testing.T, s dossier.People) {
	before := peopleEpoch.Add(time.Hour)
	want := map[dossier.PersonID]dossier.Person{}
	for _, c := range []struct {
		state   dossier.PersonState
		updated time.Time
		left    bool
	}{
		{dossier.PersonSubmitting, before.Add(-24 * time.Hour), true},
		{dossier.PersonSubmitting, before.Add(-time.Microsecond), true},
		{dossier.PersonSubmitting, before, false},
		{dossier.PersonSubmitting, before.Add(time.Microsecond), false},
		{dossier.PersonSubmitted, before.Add(-24 * time.Hour), false},
		{dossier.PersonSubmitted, before.Add(time.Hour), false},
		{dossier.PersonDeleting, before.Add(-24 * time.Hour), true},
		{dossier.PersonDeleting, before, true},
		{dossier.PersonDeleting, before.Add(24 * time.Hour), true},
	} {
		p := peopleNew(c.state, before.Add(-48*time.Hour))
		p.UpdatedAt = c.updated
		peopleInsert(t, s, p)
		if c.left {
			want[p.ID] = p
		}
	}
	// A loop may be run again.
	leftovers := s.Leftovers(t.Context(), before)
	for range 2 {
		got := map[dossier.PersonID]dossier.Person{}
		for p, err := range leftovers {
			must(t, "Leftovers", err)
			if _, twice := got[p.ID]; twice {
				t.Errorf("Leftovers yielded %s twice", p.ID)
			}
			got[p.ID] = p
			if p != want[p.ID] {
				t.Errorf("Leftovers: got %+v, want %+v", p, want[p.ID])
			}
		}
		if len(got) != len(want) {
			t.Errorf("Leftovers: got %d persons, want %d", len(got), len(want))
		}
	}
}

func peopleLeftoversRemoved(t *testing.T, s dossier.People) {
	var list []dossier.Person
	for i := range 330 {
		state := dossier.PersonSubmitting
		if i%3 == 0 {
			state = dossier.PersonDeleting
		}
		list = append(list, peopleNew(state, peopleEpoch))
	}
	stays := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	peopleInsert(t, s, append(list, stays)...)
	before := peopleEpoch.Add(time.Hour)
	seen := map[dossier.PersonID]int{}
	for p, err := range s.Leftovers(t.Context(), before) {
		must(t, "Leftovers", err)
		seen[p.ID]++
		err := s.Move(t.Context(), p.ID, dossier.PersonDeleting, before, dossier.PersonSubmitting, dossier.PersonDeleting)
		must(t, "Move in the loop", err)
		if len(seen)%2 == 0 { // the others stay, being deleted
			must(t, "Delete in the loop", s.Delete(t.Context(), p))
		}
	}
	for _, p := range list {
		if seen[p.ID] != 1 {
			t.Errorf("Leftovers yielded person %s %d times, want once", p.ID, seen[p.ID])
		}
	}
	if len(seen) != len(list) {
		t.Errorf("Leftovers yielded %d persons, want %d", len(seen), len(list))
	}
	rest := 0
	for p, err := range s.Leftovers(t.Context(), before) {
		must(t, "Leftovers", err)
		rest++
		must(t, "Delete in the loop", s.Delete(t.Context(), p))
	}
	if rest != len(list)/2 {
		t.Errorf("Leftovers of a second loop: got %d, want %d", rest, len(list)/2)
	}
	for p, err := range s.Leftovers(t.Context(), before) {
		t.Fatalf("Leftovers after all were deleted: got %v and error %v, want none", p.ID, err)
	}
	peopleGet(t, s, stays.ID)
}

func peopleLeftoversBreak(t *testing.T, s dossier.People) {
	peopleInsert(t, s, peopleNew(dossier.PersonDeleting, peopleEpoch), peopleNew(dossier.PersonDeleting, peopleEpoch))
	// More often than any pool has connections.
	for range 50 {
		n := 0
		for _, err := range s.Leftovers(t.Context(), peopleEpoch) {
			must(t, "Leftovers", err)
			n++
			break
		}
		if n != 1 {
			t.Fatalf("a loop that ends at once got %d persons, want 1", n)
		}
	}
}
