package dossier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// selected returns the names of a selection.
func selected(t *testing.T, svc *dossier.Service, sel dossier.Selection) (names []string) {
	t.Helper()
	for p, err := range svc.Selected(t.Context(), sel) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Name)
	}
	return names
}

func TestSelected(t *testing.T) { onEachKind(t, selection) }

func selection(t *testing.T, s stores) {
	ctx, svc := t.Context(), s.service(dossier.DefaultLimits())
	ids := map[string]dossier.PersonID{}
	register := func(name string) {
		t.Helper()
		r, d := dossier.NewReceipt(), ada
		d.Name = name
		if _, err := svc.Register(ctx, r, d); err != nil {
			t.Fatal(err)
		}
		ids[name] = r.Person
	}
	for _, name := range []string{"ann", "bob", "cid"} {
		register(name)
	}
	// Somebody who began before the list was looked at, and comes into it afterwards.
	began := dossier.NewReceipt()
	late := ada
	late.Name = "late"
	sub, err := svc.Begin(ctx, began, late)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Abandon(ctx)
	asked := s.clock.now()
	if err := sub.Acknowledge(ctx); err != nil {
		t.Fatal(err)
	}
	register("new")

	byName := dossier.Sort{By: "name"}
	for what, c := range map[string]struct {
		dossier.Selection
		want []string
	}{
		"all at the moment": {dossier.Selection{Sort: byName, Asked: asked}, []string{"ann", "bob", "cid"}},
		"all now":           {dossier.Selection{Sort: byName}, []string{"ann", "bob", "cid", "late", "new"}},
		"newest first":      {dossier.Selection{Asked: asked}, []string{"cid", "bob", "ann"}},
		"a filter's":        {dossier.Selection{Filter: filterOf(t, "name=b"), Asked: asked}, []string{"bob"}},
		"nobody's":          {dossier.Selection{Filter: filterOf(t, "q=!")}, nil},
		"none":              {dossier.Selection{IDs: []dossier.PersonID{}}, nil},
		"two, in this order": {dossier.Selection{IDs: []dossier.PersonID{ids["cid"], dossier.NewPersonID(),
			ids["ann"]}}, []string{"cid", "ann"}},
	} {
		if got := selected(t, svc, c.Selection); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
	// Whoever is taken may be removed at once.
	for p, err := range svc.Selected(ctx, dossier.Selection{Sort: byName, Asked: asked}) {
		if err == nil {
			err = svc.DeletePerson(ctx, p.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := selected(t, svc, dossier.Selection{Sort: byName}); !slices.Equal(got, []string{"late", "new"}) {
		t.Errorf("left: %q", got)
	}
	if got := selected(t, svc, dossier.Selection{IDs: []dossier.PersonID{ids["ann"]}}); got != nil {
		t.Errorf("selected by id, and deleted: %q", got)
	}
}

// queue is a directory in which people are listed as they stand there.
type queue struct {
	dossier.People
	people []dossier.Person
}

func (l queue) Find(_ context.Context, q dossier.Search) (found dossier.Found, err error) {
	from := 0
	for q.After.ID != (dossier.PersonID{}) {
		from++
		if l.people[from-1].ID == q.After.ID {
			break
		}
	}
	to := min(len(l.people), from+q.Limit)
	if found.People = l.people[from:to]; to < len(l.people) {
		found.Further = dossier.Cursor{CreatedAt: l.people[to-1].CreatedAt, ID: l.people[to-1].ID}
	}
	return found, nil
}

// What is taken as a whole has a bound, and so has what is read of it.
func TestSelectIsBounded(t *testing.T) {
	s := inMemory()
	var people []dossier.Person
	for i := range bounds.BulkPeople + 1 {
		at := time.UnixMicro(int64(i)).UTC()
		people = append(people, dossier.Person{ID: dossier.NewPersonID(), Details: ada, State: dossier.PersonSubmitted,
			CreatedAt: at, UpdatedAt: at})
	}
	s.people = queue{s.people, people}
	svc := s.service(dossier.DefaultLimits())
	ids, err := svc.Select(t.Context(), dossier.Selection{Asked: time.UnixMicro(bounds.BulkPeople - 1)})
	if err != nil || len(ids) != bounds.BulkPeople {
		t.Errorf("as many as there may be: got %d, %v", len(ids), err)
	}
	if ids, err = svc.Select(t.Context(), dossier.Selection{}); !errors.Is(err, dossier.ErrTooLarge) || ids != nil ||
		!strings.Contains(fmt.Sprint(err), "10,000 people") {
		t.Errorf("one more: got %d, %v", len(ids), err)
	}
}
