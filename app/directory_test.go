package dossier_test

import (
	"slices"
	"testing"

	"dossier.example/app"
)

func TestDirectoryPages(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	var newest []dossier.PersonID
	for range 7 {
		r := dossier.NewReceipt()
		if _, err := svc.Register(t.Context(), r, ada); err != nil {
			t.Fatal(err)
		}
		newest = append([]dossier.PersonID{r.Person}, newest...)
	}
	page := func(q dossier.PeopleQuery) (dossier.PeoplePage, []dossier.PersonID) {
		t.Helper()
		q.Limit = 3
		p, err := svc.People(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if p.Count != 7 || p.Capped {
			t.Errorf("%+v: counted %d, capped %v, want 7", q, p.Count, p.Capped)
		}
		var ids []dossier.PersonID
		for _, one := range p.People {
			ids = append(ids, one.ID)
		}
		return p, ids
	}
	first, one := page(dossier.PeopleQuery{})
	second, two := page(dossier.PeopleQuery{After: first.Next})
	third, three := page(dossier.PeopleQuery{After: second.Next})
	if all := slices.Concat(one, two, three); !slices.Equal(all, newest) {
		t.Errorf("three pages: got %v, want %v", all, newest)
	}
	if !first.Previous.IsZero() || second.Previous.IsZero() || third.Previous.IsZero() || !third.Next.IsZero() {
		t.Errorf("the ends: first %+v, second %+v, third %+v", first, second, third)
	}
	back, ids := page(dossier.PeopleQuery{Before: third.Previous})
	if !slices.Equal(ids, two) || back.Previous != second.Previous || back.Next != second.Next {
		t.Errorf("before the third: got %v, %v, %v, want the second", ids, back.Previous, back.Next)
	}
	back, ids = page(dossier.PeopleQuery{Before: back.Previous})
	if !slices.Equal(ids, one) || back.Previous != first.Previous || back.Next != first.Next {
		t.Errorf("before the second: got %v, %v, %v, want the first", ids, back.Previous, back.Next)
	}
	// Two stand in front of the first's last: the first page is full all the same.
	last := first.People[2]
	if _, ids = page(dossier.PeopleQuery{Before: dossier.Cursor{CreatedAt: last.CreatedAt,
		ID: last.ID}}); !slices.Equal(ids, one) {
		t.Errorf("before the first's last: got %v, want the first page", ids)
	}
	// Behind all.
	end := third.People[0]
	after, ids := page(dossier.PeopleQuery{After: dossier.Cursor{CreatedAt: end.CreatedAt, ID: end.ID}})
	if len(ids) != 0 || after.Previous.IsZero() || !after.Next.IsZero() {
		t.Errorf("behind the last: got %v, %+v", ids, after)
	}
}
