package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
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
	// One more than shown tells whether there is a next page.
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

// Person returns an acknowledged person, or one that is being deleted, with all file records for staff. ErrNotFound.
func (s *Service) Person(ctx context.Context, id PersonID) (Person, []File, error) {
	p, err := s.people.Person(ctx, id)
	if err != nil {
		return Person{}, nil, fmt.Errorf("read person: %w", err)
	}
	if p.State == PersonSubmitting {
		return Person{}, nil, &Error{Code: CodeNotFound}
	}
	return s.withFiles(ctx, p)
}

// ByReceipt returns the receipt's person and file records. A wrong secret and an unknown person are the same ErrNotFound,
// after the same work.
func (s *Service) ByReceipt(ctx context.Context, r Receipt) (Person, []File, error) {
	p, err := s.opened(ctx, r)
	if err != nil {
		return Person{}, nil, err
	}
	return s.withFiles(ctx, p)
}

// PersonByReceipt returns the receipt's person alone: what ByReceipt returns, at less cost where nobody asks for the files.
func (s *Service) PersonByReceipt(ctx context.Context, r Receipt) (Person, error) {
	return s.opened(ctx, r)
}

// opened returns the person that a receipt opens.
func (s *Service) opened(ctx context.Context, r Receipt) (Person, error) {
	p, err := s.people.Person(ctx, r.Person)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	// An absent person is zero and opens for no receipt: no secret hashes to zeros.
	if !r.Opens(p) || p.State == PersonDeleting {
		return Person{}, &Error{Code: CodeNotFound}
	}
	return p, nil
}

func (s *Service) withFiles(ctx context.Context, p Person) (Person, []File, error) {
	files, err := s.catalog.Files(ctx, p.ID)
	if err != nil {
		return Person{}, nil, fmt.Errorf("list files: %w", err)
	}
	return p, files, nil
}

// File returns the record of a stored file of an acknowledged person, for staff. ErrNotFound.
func (s *Service) File(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.catalog.File(ctx, person, file)
	if err != nil {
		return File{}, fmt.Errorf("read file record: %w", err)
	}
	if f.State != FileStored {
		return File{}, &Error{Code: CodeNotFound}
	}
	return f, nil
}

// FileByReceipt returns the record of a stored file of the receipt's person. ErrNotFound.
func (s *Service) FileByReceipt(ctx context.Context, r Receipt, file FileID) (File, error) {
	if _, err := s.opened(ctx, r); err != nil {
		return File{}, err
	}
	return s.File(ctx, r.Person, file)
}

// Open returns a stored file's bytes from offset on, length of them at most (negative: to the end). The ctx governs the reading too.
// ErrNotFound where the file was deleted meanwhile.
func (s *Service) Open(ctx context.Context, f File, offset, length int64) (io.ReadCloser, error) {
	r, err := s.objects.Open(ctx, f.Key(), offset, length)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	return r, nil
}

// Link returns the request by which a client reads a stored file from the object store itself, which answers it with the headers of as. It is a
// secret until it expires: who has it needs no other proof. errors.ErrUnsupported where the store offers none, so that Open is the only way.
func (s *Service) Link(ctx context.Context, f File, as ResponseHeader, lifetime time.Duration) (SignedRequest, error) {
	link, err := s.objects.Link(ctx, f.Key(), as, lifetime)
	if err != nil {
		return SignedRequest{}, fmt.Errorf("link object: %w", err)
	}
	return link, nil
}
