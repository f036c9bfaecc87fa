package dossier

import (
	"context"
	"fmt"
)

// MaxCount is the number up to which the results of a search are counted.
const MaxCount = 10_000

// PeopleQuery asks for one page of the directory. At most one of After and Before is set; if neither is, the page is
// the first.
type PeopleQuery struct {
	Filter Filter
	Sort   Sort
	// After is PeoplePage.Next of the previous page.
	After Cursor
	// Before is PeoplePage.Previous of the next page.
	Before Cursor
	// Limit is the maximum number of people, 1 to 100.
	Limit int
}

// PeoplePage is one page of the directory.
type PeoplePage struct {
	People []Person
	// Next is where the next page begins; zero if this is the last.
	Next Cursor
	// Previous is where the previous page ends; zero if this is the first.
	Previous Cursor
	// Count is the number of people that the filter lets through, on all pages, up to MaxCount. If Capped, there are
	// more. It can then be less than MaxCount if several parts of the filter let many through, because counting would
	// take too long.
	Count  int
	Capped bool
	// Incomplete: some people lack the words of this release, and may be missing from the page, until reconciliation
	// has written them.
	Incomplete bool
}

// People returns a page of the people whose submission was acknowledged. ErrMalformed if the search has too many words.
func (s *Service) People(ctx context.Context, q PeopleQuery) (PeoplePage, error) {
	search, more, ok, err := s.search(ctx, q.Filter, q.Sort)
	if err != nil || !ok {
		return PeoplePage{}, err
	}
	search.After, search.Before = q.After, q.Before
	search.Limit, search.Count = min(max(q.Limit, 1), 100), MaxCount
	if !search.Before.IsZero() {
		search.After = Cursor{}
	}
	found, err := s.people.Find(ctx, search)
	if err == nil && !search.Before.IsZero() && (found.Further.IsZero() || len(found.People) == 0) {
		// The first page is full, wherever the next one begins.
		search.Before = Cursor{}
		found, err = s.people.Find(ctx, search)
	}
	if err != nil {
		return PeoplePage{}, fmt.Errorf("list people: %w", err)
	}
	page := PeoplePage{People: found.People, Count: found.Matches, Capped: found.Capped || more}
	switch n := len(found.People); {
	case !search.Before.IsZero():
		page.Previous, page.Next = found.Further, found.Places[n-1]
	case search.After.IsZero():
		page.Next = found.Further
	case n > 0:
		page.Previous, page.Next = found.Places[0], found.Further
	default:
		page.Previous, page.Next = search.After, found.Further
	}
	if len(search.Words)+len(search.Not)+len(search.Ranges) > 0 || search.Order.By != "" {
		for _, err := range s.people.Unworded(ctx) {
			if err != nil {
				return PeoplePage{}, fmt.Errorf("look for people without words: %w", err)
			}
			page.Incomplete = true
			break
		}
	}
	return page, nil
}

// Person returns an acknowledged person, or one that is being deleted, for staff. ErrNotFound, also if it is in the
// trash.
func (s *Service) Person(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.people.Person(ctx, id)
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	if p.State == PersonSubmitting || p.trashed() {
		return Person{}, &Error{Code: CodeNotFound}
	}
	return p, nil
}
