package dossier

import (
	"context"
	"fmt"
)

// PeopleQuery asks for one page of the directory.
type PeopleQuery struct {
	// Search is what the name begins with; case and accents are ignored. Empty: everybody.
	Search string
	// After is PeoplePage.Next of the page before; zero: the newest.
	After Cursor
	// Limit is how many persons at most, 1 to 100.
	Limit int
}

// PeoplePage is one page of the directory, newest first.
type PeoplePage struct {
	People []Person
	// Next is where the next page begins; zero when this is the last.
	Next Cursor
}

// People returns a page of those whose submission was acknowledged.
func (s *Service) People(ctx context.Context, q PeopleQuery) (PeoplePage, error) {
	limit := min(max(q.Limit, 1), 100)
	// One more than is shown says that there is a next page.
	people, err := s.people.List(ctx, SearchKey(q.Search), q.After, limit+1)
	if err != nil {
		return PeoplePage{}, fmt.Errorf("list people: %w", err)
	}
	page := PeoplePage{People: people}
	if len(people) > limit {
		page.People = people[:limit]
		last := people[limit-1]
		page.Next = Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
	}
	return page, nil
}

// Person returns an acknowledged person, or one that is being deleted, for staff. ErrNotFound.
func (s *Service) Person(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.people.Person(ctx, id)
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	if p.State == PersonSubmitting {
		return Person{}, &Error{Code: CodeNotFound}
	}
	return p, nil
}
