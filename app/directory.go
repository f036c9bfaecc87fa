package dossier

import (
	"context"
	"fmt"
	"strings"
)

// MaxCount is the number up to which the results of a search are counted.
const MaxCount = 10_000

// PeopleQuery asks for one page of the directory. At most one of After and Before is set; if neither is, the page is
// the newest.
type PeopleQuery struct {
	// Search contains words, each of which must begin a word of the details or of names of stored files; see
	// SearchWords. Empty: everybody.
	Search string
	// After is PeoplePage.Next of the previous page.
	After Cursor
	// Before is PeoplePage.Previous of the next page.
	Before Cursor
	// Limit is the maximum number of people, 1 to 100.
	Limit int
	// Uncounted leaves out PeoplePage.Count, for callers that read all pages.
	Uncounted bool
}

// PeoplePage is one page of the directory, newest first.
type PeoplePage struct {
	People []Person
	// Next is where the next page begins; zero if this is the last.
	Next Cursor
	// Previous is where the previous page ends; zero if this is the first.
	Previous Cursor
	// Count is the number of people that the search finds, on all pages, up to MaxCount. If Capped, there are more. It
	// can then be less than MaxCount if the search has several common words, because counting would take too long.
	Count  int
	Capped bool
}

// People returns a page of the people whose submission was acknowledged. ErrMalformed if the search has too many words.
func (s *Service) People(ctx context.Context, q PeopleQuery) (PeoplePage, error) {
	words := SearchWords(q.Search)
	switch {
	case len(words) > MaxSearchWords:
		return PeoplePage{}, Errorf(CodeMalformed, nil, "Search for at most %d words.", MaxSearchWords)
	case len(words) == 0 && strings.TrimSpace(q.Search) != "":
		return PeoplePage{}, nil // only signs, which are no words
	}
	search := Search{Words: words, After: q.After, Before: q.Before, Limit: min(max(q.Limit, 1), 100)}
	if !q.Uncounted {
		search.Count = MaxCount
	}
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
	page := PeoplePage{People: found.People, Count: found.Matches, Capped: found.Capped}
	switch n := len(found.People); {
	case !search.Before.IsZero():
		page.Previous, page.Next = found.Further, found.People[n-1].place()
	case search.After.IsZero():
		page.Next = found.Further
	case n > 0:
		page.Previous, page.Next = found.People[0].place(), found.Further
	default:
		page.Previous, page.Next = search.After, found.Further
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
