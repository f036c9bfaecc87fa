package dossier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dustin/go-humanize"

	"dossier.example/app/bounds"
)

// Selection is whom an action on many people is about: some, by their ids, or all that a list shows.
type Selection struct {
	// IDs are the people who were chosen one by one; nil: all that Filter lets through.
	IDs    []PersonID
	Filter Filter
	// Sort is the order in which they are taken.
	Sort Sort
	// Asked is the moment of the list that was looked at: who came into it later was not seen, and is not among them.
	// Zero: nobody has looked.
	Asked time.Time
}

// selectionPage is how many people are read at once.
const selectionPage = 500

// Selected yields the people of a selection who are in the directory when it comes to them. The loop's body may remove
// whom it is given. An error is the last that it yields.
func (s *Service) Selected(ctx context.Context, sel Selection) iter.Seq2[Person, error] {
	if sel.IDs != nil {
		return s.chosen(ctx, sel.IDs)
	}
	return func(yield func(Person, error) bool) {
		q, more, ok, err := s.search(ctx, sel.Filter, sel.Sort)
		if err == nil && more {
			err = tooMany(MaxAmong)
		}
		if err != nil {
			yield(Person{}, err)
			return
		}
		for q.Limit = selectionPage; ok; {
			found, err := s.people.Find(ctx, q)
			if err != nil {
				yield(Person{}, fmt.Errorf("list people: %w", err))
				return
			}
			for _, p := range found.People {
				// Who is acknowledged changes only by leaving the list, or coming back into it.
				if !sel.Asked.IsZero() && p.UpdatedAt.After(sel.Asked) {
					continue
				}
				if !yield(p, nil) {
					return
				}
			}
			q.After, ok = found.Further, !found.Further.IsZero()
		}
	}
}

// chosen yields people by their ids.
func (s *Service) chosen(ctx context.Context, ids []PersonID) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		for _, id := range ids {
			p, err := s.people.Person(ctx, id)
			switch {
			case errors.Is(err, ErrNotFound) || err == nil && (p.State != PersonSubmitted || p.trashed()):
				continue
			case err != nil:
				yield(Person{}, fmt.Errorf("read person: %w", err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Select returns the ids of a selection that is small enough to be taken as a whole: ErrTooLarge if there are more than
// bounds.BulkPeople.
func (s *Service) Select(ctx context.Context, sel Selection) ([]PersonID, error) {
	var ids []PersonID
	for p, err := range s.Selected(ctx, sel) {
		if err != nil {
			return nil, err
		}
		if len(ids) == bounds.BulkPeople {
			return nil, tooMany(bounds.BulkPeople)
		}
		ids = append(ids, p.ID)
	}
	return ids, nil
}

func tooMany(most int) *Error {
	return Errorf(CodeTooLarge, nil, "This takes up to %s people at once. Narrow the list with filters, or choose "+
		"fewer.",
		humanize.Comma(int64(most)))
}
