package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
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

// ByReceipt returns the person that a receipt opens. A wrong secret and an unknown person are the same ErrNotFound, after the same work.
func (s *Service) ByReceipt(ctx context.Context, r Receipt) (Person, error) {
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

// FilesQuery asks for one page of a person's files.
type FilesQuery struct {
	// After is FilesPage.Next of the page before; zero: the first file.
	After FileID
	// Limit is how many files at most, 1 to MaxFilesPage.
	Limit int
}

// MaxFilesPage is how many files a page has at most.
const MaxFilesPage = 1000

// FilesPage is one page of a person's files, in whatever state, in the order of their ids.
type FilesPage struct {
	Files []File
	// Next is where the next page begins; zero when this is the last.
	Next FileID
}

// Files returns a page of the files of a person whom Person or ByReceipt returned.
func (s *Service) Files(ctx context.Context, person PersonID, q FilesQuery) (FilesPage, error) {
	limit := min(max(q.Limit, 1), MaxFilesPage)
	// One more than shown tells whether there is a next page.
	files, err := s.catalog.Files(ctx, person, q.After, limit+1)
	if err != nil {
		return FilesPage{}, fmt.Errorf("list files: %w", err)
	}
	page := FilesPage{Files: files}
	if len(files) > limit {
		page.Files, page.Next = files[:limit], files[limit-1].ID
	}
	return page, nil
}

// Counted returns how many files and bytes a person has as the quota counts them, those on their way and on their way out among them: at the
// same cost however many they are.
func (s *Service) Counted(ctx context.Context, person PersonID) (Quota, error) {
	usage, err := s.catalog.Usage(ctx, person)
	if err != nil {
		return Quota{}, fmt.Errorf("read what is counted: %w", err)
	}
	return usage.Quota, nil
}

// allFiles walks the records of a person in the order of their ids. It holds a page of them, and no connection while the loop's body runs.
func allFiles(ctx context.Context, c Catalog, person PersonID) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for after := (FileID{}); ; {
			files, err := c.Files(ctx, person, after, MaxFilesPage)
			if err != nil {
				yield(File{}, fmt.Errorf("list files: %w", err))
				return
			}
			for _, f := range files {
				if !yield(f, nil) {
					return
				}
			}
			if len(files) < MaxFilesPage {
				return
			}
			after = files[len(files)-1].ID
		}
	}
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
	if _, err := s.ByReceipt(ctx, r); err != nil {
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
