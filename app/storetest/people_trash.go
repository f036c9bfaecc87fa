package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"dossier.example/app"
)

// peopleTrashed moves people to the trash, and returns them as they are there.
func peopleTrashed(t *testing.T, s dossier.People, at time.Time, list ...dossier.Person) []dossier.Person {
	t.Helper()
	ids := make([]dossier.PersonID, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	trash := dossier.Trash{At: at, By: "Grace Hopper"}
	if n, err := s.Trash(t.Context(), ids, trash); err != nil || n != len(list) {
		t.Fatalf("Trash: moved %d and error %v, want %d", n, err, len(list))
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].Trash = trash
		peopleIs(t, s, "in the trash", list[i])
	}
	return list
}

// Only who is in state PersonSubmitted and not there comes to the trash, all of a call at once, and without words.
func peopleTrash(t *testing.T, s dossier.People) {
	list := peopleWorded(t, s, "ada lovelace", "grace hopper", "bystander")
	submitting := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	deleting := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, submitting, deleting)
	at := peopleEpoch.Add(time.Hour)
	peopleTrashed(t, s, at, list[0])
	ids := []dossier.PersonID{list[0].ID, list[1].ID, submitting.ID, deleting.ID, dossier.NewPersonID()}
	again := dossier.Trash{At: at.Add(time.Hour), By: "somebody else"}
	if n, err := s.Trash(t.Context(), ids, again); n != 1 || err != nil {
		t.Errorf("Trash of one who is submitted, and others: moved %d and error %v, want 1", n, err)
	}
	if p := peopleGet(t, s, list[0].ID); !p.Trash.At.Equal(at) || p.Trash.By != "Grace Hopper" {
		t.Errorf("who was in the trash before is there as %+v", p.Trash)
	}
	for _, p := range []dossier.Person{submitting, deleting, list[2]} {
		peopleIs(t, s, "who was not to be moved", p)
	}
	if n, err := s.Trash(t.Context(), nil, dossier.Trash{At: at}); n != 0 || err != nil {
		t.Errorf("Trash of nobody: moved %d and error %v", n, err)
	}
	// Nobody finds who is there, in any way.
	found, err := s.Find(t.Context(), dossier.Search{Limit: 10, Count: 10})
	if err != nil || len(found.People) != 1 || found.People[0].ID != list[2].ID || found.Matches != 1 {
		t.Errorf("Find: %d people, %d counted, error %v; want the bystander", len(found.People), found.Matches, err)
	}
	for _, p := range list[:2] {
		peopleHasWords(t, "in the trash", s, p.ID)
		w, err := s.Words(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, "AddWords in the trash", s.AddWords(t.Context(), p.ID, []string{"x"}), dossier.ErrLost)
		wants(t, "SetWords in the trash", s.SetWords(t.Context(), w, []string{"x"}), dossier.ErrLost)
		wants(t, "RemoveWords in the trash", s.RemoveWords(t.Context(), p.ID), nil)
	}
	peopleHasWords(t, "a bystander", s, list[2].ID, "bystander")
	for id, err := range s.Unworded(t.Context()) {
		t.Errorf("Unworded: got %s and error %v, want none", id, err)
	}
	// Who is there can be deleted.
	wants(t, "Move from the trash",
		s.Move(t.Context(), list[0].ID, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted), nil)
	if p := peopleGet(t, s, list[0].ID); p.Trash.By != "Grace Hopper" || p.State != dossier.PersonDeleting {
		t.Errorf("whose deletion began in the trash is %+v", p)
	}
}

// Putting back and erasing depend on since when somebody is in the trash.
func peopleFromTrash(t *testing.T, s dossier.People) {
	list := peopleWorded(t, s, "ada lovelace", "grace hopper")
	at, later := peopleEpoch.Add(time.Hour), peopleEpoch.Add(2*time.Hour)
	calls := map[string]func(context.Context, dossier.PersonID, time.Time) error{
		"PutBack": s.PutBack,
		"MoveTrashed": func(ctx context.Context, id dossier.PersonID, since time.Time) error {
			return s.MoveTrashed(ctx, id, since, later)
		},
	}
	for name, call := range calls {
		wants(t, name+" of nobody", call(t.Context(), dossier.NewPersonID(), at), dossier.ErrNotFound)
		wants(t, name+" of who is not there", call(t.Context(), list[0].ID, at), dossier.ErrLost)
	}
	there := peopleTrashed(t, s, at, list...)
	for name, call := range calls {
		wants(t, name+" of who came at another time", call(t.Context(), there[0].ID, later), dossier.ErrLost)
		peopleIs(t, s, "after a refused "+name, there[0])
	}
	wants(t, "PutBack", s.PutBack(t.Context(), there[0].ID, at), nil)
	peopleIs(t, s, "put back", list[0])
	unworded := collect(t, "Unworded", s.Unworded(t.Context()))
	if !slices.Equal(unworded, []dossier.PersonID{list[0].ID}) {
		t.Errorf("Unworded: got %v, want who was put back", unworded)
	}
	w, err := s.Words(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "SetWords of who was put back", s.SetWords(t.Context(), w, []string{"ada"}), nil)
	for name, call := range calls {
		wants(t, name+" of who was put back", call(t.Context(), list[0].ID, at), dossier.ErrLost)
	}
	wants(t, "MoveTrashed", s.MoveTrashed(t.Context(), there[1].ID, at, later), nil)
	there[1].State, there[1].UpdatedAt = dossier.PersonDeleting, later
	peopleIs(t, s, "marked", there[1])
	for name, call := range calls {
		wants(t, name+" of who is being deleted", call(t.Context(), there[1].ID, at), dossier.ErrLost)
	}
}

// The trash is listed in pages, the last first, and what was there before a time.
func peopleTrashList(t *testing.T, s dossier.People) {
	var list []dossier.Person
	for i := range 25 {
		list = append(list, peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(-time.Duration(i)*time.Hour)))
	}
	peopleInsert(t, s, list...)
	peopleInsert(t, s, peopleNew(dossier.PersonSubmitted, peopleEpoch))
	for i := 0; i < len(list); i += 5 { // several come at the same time
		copy(list[i:], peopleTrashed(t, s, peopleEpoch.Add(time.Duration(i)*time.Minute), list[i:i+5]...))
	}
	slices.SortFunc(list, func(a, b dossier.Person) int {
		if c := b.Trash.At.Compare(a.Trash.At); c != 0 {
			return c
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	for before, want := range map[time.Time][]dossier.Person{
		peopleEpoch.AddDate(100, 0, 0): list, list[5].Trash.At: list[10:],
		list[5].Trash.At.Add(time.Microsecond): list[5:], peopleEpoch: nil,
	} {
		for _, limit := range []int{1, 7, 25, 26} {
			var got []dossier.Person
			for after := (dossier.Cursor{}); ; {
				page, err := s.Trashed(t.Context(), before, after, limit)
				if err != nil || len(page) > limit {
					t.Fatalf("Trashed: %d people and error %v", len(page), err)
				}
				got = append(got, page...)
				if len(page) < limit {
					break
				}
				last := page[len(page)-1]
				after = dossier.Cursor{CreatedAt: last.Trash.At, ID: last.ID}
			}
			if !slices.Equal(got, want) {
				t.Errorf("in the trash before %s, in pages of %d: %d people, want %d", before, limit, len(got),
					len(want))
			}
		}
	}
}

// Of any number who move, put back and erase at once, one wins.
func peopleTrashAtOnce(t *testing.T, s dossier.People) {
	for range 3 {
		p := peopleWorded(t, s, "ada")[0]
		at := peopleEpoch.Add(time.Hour)
		oneWins(t, "Trash", 6, errAnother, func(int) error {
			n, err := s.Trash(t.Context(), []dossier.PersonID{p.ID}, dossier.Trash{At: at, By: "x"})
			if err == nil && n == 0 {
				return errAnother
			}
			return err
		})
		winner := oneWins(t, "out of the trash", 6, dossier.ErrLost, func(i int) error {
			if i%2 == 0 {
				return s.MoveTrashed(t.Context(), p.ID, at, at)
			}
			return s.PutBack(t.Context(), p.ID, at)
		})
		got := peopleGet(t, s, p.ID)
		if (got.State == dossier.PersonDeleting) != (winner%2 == 0) {
			t.Errorf("in the end it is %+v", got)
		}
	}
}
