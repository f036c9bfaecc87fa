package dossier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What staff delete goes to the trash, from which it can be put back until reconciliation erases it. A person's move is
// one conditional change of the row, and a file's one of the record, so nothing is ever half in the trash:
//
//   - A person in the trash keeps state PersonSubmitted, its records and its objects. It has no words, so no search
//     finds it; Person, Find and ByReceipt do not return it; and no file begins or is acknowledged.
//   - A file in the trash keeps state FileStored and its object, so the promises about it hold as before. Lists leave
//     it out, and HandOut hands it out to nobody. If the same file is sent again, that takes it out of the trash,
//     because the response is the stored file.
//   - Whoever puts back and whoever erases do so on condition that it is still there since the time that they saw, so
//     of any number of them at once one wins.
//
// What is in the trash counts against quotas and budgets until it is erased: it takes the same space.
//
// A release that does not know the trash shows what is in it, and loses nothing.

// Trash is when and by whom something was moved to the trash; zero: it is not there.
type Trash struct {
	// At is UTC, whole microseconds.
	At time.Time
	// By is for staff: who moved it there.
	By string
}

// MaxTrashBy is the maximum length of Trash.By, in code points.
const MaxTrashBy = 200

// DefaultTrashTime is how long reconciliation leaves what is in the trash, unless it is told otherwise.
const DefaultTrashTime = 30 * 24 * time.Hour

// discarded returns the Trash of what somebody moves there now.
func (s *Service) discarded(by string) Trash {
	by = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if Hidden(r) {
			return -1
		}
		return r
	}, by), "\uFFFD")
	if utf8.RuneCountInString(by) > MaxTrashBy {
		by = FirstCodePoints(by, MaxTrashBy)
	}
	return Trash{At: s.time(), By: by}
}

// TrashPerson moves a person, with all files, to the trash. ErrNotFound if there is none, or it is there already.
func (s *Service) TrashPerson(ctx context.Context, id PersonID, by string) (Trash, error) {
	t := s.discarded(by)
	n, err := s.people.Trash(ctx, []PersonID{id}, t)
	switch {
	case err != nil:
		return Trash{}, fmt.Errorf("move person to the trash: %w", err)
	case n > 0:
		return t, nil
	}
	p, err := s.Person(ctx, id)
	switch {
	case err != nil:
		return Trash{}, err
	case p.State == PersonDeleting:
		return Trash{}, &Error{Code: CodeNotFound}
	}
	// It was put back this moment.
	return Trash{}, Errorf(CodeLost, nil, "Somebody changed this at the same time. Reload the page.")
}

// trashPage is how many people of the trash are read at once.
const trashPage = 100

// trashBatch is how many people TrashPeople moves at once. Their words go at the same time.
const trashBatch = 25

// Bulk is the result of a change of many people.
type Bulk struct {
	// Changed is how many people were changed, and Others how many were not, because they no longer exist or were
	// already as they should be.
	Changed, Others int
}

// TrashPeople moves people, such as those of Selected, to the trash, in batches, each of which is moved or is not. All
// of them get the same Trash. If it ends early, the report is of what was done until then; to call it again continues,
// because those in the trash are Others. done, if not nil, is told after each batch, and its error ends it.
func (s *Service) TrashPeople(ctx context.Context, selected iter.Seq2[Person, error], t Trash,
	done func(Bulk) error) (Bulk, error) {
	var sum Bulk
	ids := make([]PersonID, 0, trashBatch)
	for batch, err := range batches(selected, trashBatch) {
		if err != nil {
			return sum, fmt.Errorf("read the selection: %w", err)
		}
		ids = ids[:0]
		for _, p := range batch {
			ids = append(ids, p.ID)
		}
		n, err := s.people.Trash(ctx, ids, t)
		if err != nil {
			return sum, fmt.Errorf("move people to the trash: %w", err)
		}
		sum.Changed, sum.Others = sum.Changed+n, sum.Others+len(batch)-n
		if done != nil {
			if err := done(sum); err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
}

// PutBackPeople puts back those who came to the trash at one time, as TrashPeople moves them there. done, if not nil,
// is told after each, and its error ends it.
func (s *Service) PutBackPeople(ctx context.Context, at time.Time, done func(Bulk) error) (sum Bulk, err error) {
	err = each(s.trashedAt(ctx, at), func(b Bulk) error {
		sum = b
		if done == nil {
			return nil
		}
		return done(b)
	}, func(p Person) error {
		_, err := s.putBackPerson(ctx, p)
		return err
	})
	return sum, err
}

// TrashedPerson returns a person in the trash; ErrNotFound.
func (s *Service) TrashedPerson(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.people.Person(ctx, id)
	switch {
	case err != nil:
		return Person{}, fmt.Errorf("read person: %w", err)
	case !p.trashed():
		return Person{}, &Error{Code: CodeNotFound}
	}
	return p, nil
}

// trashed reports whether the person is in the trash.
func (p Person) trashed() bool { return p.State == PersonSubmitted && p.Trash != Trash{} }

// PutBackPerson puts a person back from the trash. It succeeds if somebody else did so before. ErrNotFound if there is
// none, or its erasure has begun.
func (s *Service) PutBackPerson(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.people.Person(ctx, id)
	switch {
	case err != nil:
		return Person{}, fmt.Errorf("read person: %w", err)
	case p.State != PersonSubmitted:
		return Person{}, &Error{Code: CodeNotFound}
	case !p.trashed():
		return p, nil
	}
	p, err = s.putBackPerson(ctx, p)
	if !errors.Is(err, ErrLost) {
		return p, err
	}
	// Put back or erased by somebody else.
	p, err = s.Person(ctx, id)
	if err == nil && p.State != PersonSubmitted {
		err = &Error{Code: CodeNotFound}
	}
	return p, err
}

func (s *Service) putBackPerson(ctx context.Context, p Person) (Person, error) {
	if err := s.people.PutBack(ctx, p.ID, p.Trash.At); err != nil {
		return Person{}, fmt.Errorf("put person back: %w", err)
	}
	p.Trash = Trash{}
	// From here on it is back. Without its words it is found by no search until reconciliation has written them.
	if _, err := s.rewriteWords(ctx, p.ID, false); err != nil {
		s.log.WarnContext(ctx, "words are left for reconciliation", "person", p.ID.String(), "err", err)
	}
	return p, nil
}

// ErasePerson removes a person in the trash for good, with all files. ErrNotFound if it is not there; after any other
// error, the person may be marked, and reconciliation or another call of DeletePerson removes the rest.
func (s *Service) ErasePerson(ctx context.Context, id PersonID) error {
	p, err := s.TrashedPerson(ctx, id)
	if err != nil {
		return err
	}
	err = s.erasePerson(ctx, p)
	if errors.Is(err, ErrLost) {
		return &Error{Code: CodeNotFound, Err: err}
	}
	return err
}

// erasePerson is ErasePerson of a person as it was seen in the trash: ErrLost if it was put back since.
func (s *Service) erasePerson(ctx context.Context, p Person) error {
	if err := s.people.MoveTrashed(ctx, p.ID, p.Trash.At, s.time()); err != nil {
		return fmt.Errorf("mark person for deletion: %w", err)
	}
	p.State = PersonDeleting
	return s.finishDeletion(ctx, p, removeForGood)
}

// TrashedPeople is a page of the people in the trash, those who came last first.
type TrashedPeople struct {
	People []Person
	// Next is where the next page begins; zero if this is the last.
	Next Cursor
}

// TrashedPeople returns up to limit people in the trash, after TrashedPeople.Next of the page before.
func (s *Service) TrashedPeople(ctx context.Context, after Cursor, limit int) (TrashedPeople, error) {
	limit = min(max(limit, 1), 100)
	people, err := s.people.Trashed(ctx, forever, after, limit+1)
	if err != nil {
		return TrashedPeople{}, fmt.Errorf("list the trash: %w", err)
	}
	page := TrashedPeople{People: people}
	if len(people) > limit {
		page.People = people[:limit]
		page.Next = Cursor{CreatedAt: people[limit-1].Trash.At, ID: people[limit-1].ID}
	}
	return page, nil
}

// forever is after every time that a store has.
var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// TrashFile moves a stored file to the trash, and returns it as it is there. ErrNotFound if there is none, or it is
// there already.
func (s *Service) TrashFile(ctx context.Context, person PersonID, file FileID, by string) (File, error) {
	f, err := s.File(ctx, person, file)
	if err != nil {
		return File{}, err
	}
	t := s.discarded(by)
	err = s.catalog.SetTrash(ctx, person, file, time.Time{}, t)
	switch {
	case errors.Is(err, ErrLost):
		return File{}, &Error{Code: CodeNotFound, Err: err}
	case err != nil:
		return File{}, fmt.Errorf("move file to the trash: %w", err)
	}
	f.Trash = t
	// It is in the trash, whatever becomes of its words: a search may find the person by them until a sweep.
	if err := s.forgetWords(ctx, f); err != nil {
		s.log.WarnContext(ctx, "words are left for reconciliation", "person", person.String(), "err", err)
	}
	return f, nil
}

// TrashedFile returns a file in the trash; ErrNotFound.
func (s *Service) TrashedFile(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.storedFile(ctx, person, file)
	if err == nil && f.Trash == (Trash{}) {
		return File{}, &Error{Code: CodeNotFound}
	}
	return f, err
}

// PutBackFile puts a file back from the trash. It succeeds if somebody else did so before. ErrNotFound if there is
// none, or its removal has begun.
func (s *Service) PutBackFile(ctx context.Context, person PersonID, file FileID) (File, error) {
	for range twinTries {
		f, err := s.storedFile(ctx, person, file)
		if err != nil || f.Trash == (Trash{}) {
			return f, err
		}
		// First, as before a file is stored.
		if err := s.addWords(ctx, person, f.words()); err != nil {
			return File{}, err
		}
		err = s.catalog.SetTrash(ctx, person, file, f.Trash.At, Trash{})
		if err == nil {
			f.Trash = Trash{}
			return f, nil
		}
		if !errors.Is(err, ErrLost) {
			return File{}, fmt.Errorf("put file back: %w", err)
		}
	}
	return File{}, &Error{Code: CodeUnavailable, Err: errors.New("put file back: others keep changing it")}
}

// EraseFile removes a file in the trash for good. ErrNotFound if it is not there.
func (s *Service) EraseFile(ctx context.Context, person PersonID, file FileID) error {
	f, err := s.TrashedFile(ctx, person, file)
	if err != nil {
		return err
	}
	err = s.eraseFile(ctx, f)
	if errors.Is(err, ErrLost) {
		return &Error{Code: CodeNotFound, Err: err}
	}
	return err
}

// eraseFile is EraseFile of a file as it was seen in the trash: ErrLost if it was put back since.
func (s *Service) eraseFile(ctx context.Context, f File) error {
	marked := s.time()
	if err := s.catalog.MarkTrashed(ctx, f.Person, f.ID, f.Trash.At, marked); err != nil {
		return fmt.Errorf("mark file for deletion: %w", err)
	}
	if err := s.forgetWords(ctx, f); err != nil {
		return err
	}
	return s.erase(ctx, f, marked, removeForGood)
}

// TrashedFile is a place in the list of files in the trash: behind the file that came at that time.
type TrashedFile struct {
	At time.Time
	ID FileID
}

// String returns the place as ParseTrashedFile reads it.
func (t TrashedFile) String() string {
	return strconv.FormatInt(t.At.UnixMicro(), 10) + "-" + t.ID.String()
}

// ParseTrashedFile reads a place: ErrMalformed.
func ParseTrashedFile(text string) (TrashedFile, error) {
	at, id, _ := strings.Cut(text, "-")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || micros <= 0 {
		return TrashedFile{}, &Error{Code: CodeMalformed, Err: err}
	}
	file, err := ParseFileID(id)
	if err != nil {
		return TrashedFile{}, &Error{Code: CodeMalformed, Err: err}
	}
	return TrashedFile{time.UnixMicro(micros).UTC(), file}, nil
}

// compare orders places as the list has them: who came last is the first.
func (t TrashedFile) compare(u TrashedFile) int {
	return cmp.Or(u.At.Compare(t.At), cmp.Compare(u.ID.String(), t.ID.String()))
}

// TrashedFiles returns up to limit files in the trash, those who came last first, behind a place (zero: from the
// first), and the place of the next page; zero if this is the last. It may be seconds behind the latest writes. The
// store has no order, so each page reads the whole list, and holds two pages of it.
func (s *Service) TrashedFiles(ctx context.Context, after TrashedFile, limit int) ([]File, TrashedFile, error) {
	place := func(f File) TrashedFile { return TrashedFile{f.Trash.At, f.ID} }
	order := func(a, b File) int { return place(a).compare(place(b)) }
	var files []File
	for f, err := range s.catalog.TrashedFiles(ctx) {
		if err != nil {
			return nil, TrashedFile{}, fmt.Errorf("list the files in the trash: %w", err)
		}
		if after != (TrashedFile{}) && place(f).compare(after) <= 0 {
			continue
		}
		if files = append(files, f); len(files) > 2*limit {
			slices.SortFunc(files, order)
			files = files[:limit+1]
		}
	}
	slices.SortFunc(files, order)
	if len(files) <= limit {
		return files, TrashedFile{}, nil
	}
	return files[:limit], place(files[limit-1]), nil
}

// trashDue returns since when something must have been in the trash to be erased now; false: nothing is.
func (r *reconciler) trashDue(ctx context.Context) (time.Time, bool, error) {
	keep := r.KeepTrash
	switch {
	case keep == 0:
		keep = DefaultTrashTime
	case keep < 0:
		keep = 0
	}
	last, err := r.lastSweep(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	late := last != nil && keep > 0 && r.time().Sub(last.At) > sweepLatest // see expire
	return r.time().Add(-keep), !late, nil
}

// trash erases what has been in the trash for long enough. Others may do the same, and what somebody puts back
// meanwhile stays.
func (r *reconciler) trash(ctx context.Context) error {
	due, ok, err := r.trashDue(ctx)
	if err != nil || !ok {
		return err
	}
	for p, err := range r.trashedBefore(ctx, due) {
		if err != nil {
			return err
		}
		r.repair(Repair{What: RepairErasedPerson, Person: p.ID.String()},
			func() error { return r.erasePerson(ctx, p) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for f, err := range r.trashedFilesBefore(ctx, due) {
		if err != nil {
			return err
		}
		r.repair(fileRepair(RepairErasedFile, f), func() error { return r.eraseFile(ctx, f) })
	}
	return nil
}

// after is the first moment behind a time in the trash, which is kept in microseconds.
func after(at time.Time) time.Time { return at.Add(time.Microsecond) }

// trashedBefore yields the people who came to the trash before a time, the last first. The loop's body may remove them.
func (s *Service) trashedBefore(ctx context.Context, before time.Time) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		for at := (Cursor{}); ; {
			people, err := s.people.Trashed(ctx, before, at, trashPage)
			if err != nil {
				yield(Person{}, fmt.Errorf("list the trash: %w", err))
				return
			}
			for _, p := range people {
				if !yield(p, nil) {
					return
				}
				at = Cursor{CreatedAt: p.Trash.At, ID: p.ID}
			}
			if len(people) < trashPage {
				return
			}
		}
	}
}

// trashedAt yields the people who came to the trash at a time.
func (s *Service) trashedAt(ctx context.Context, at time.Time) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		for p, err := range s.trashedBefore(ctx, after(at)) {
			if err == nil && !p.Trash.At.Equal(at) || !yield(p, err) {
				return // from here on they came earlier
			}
		}
	}
}

// trashedFilesBefore yields the files that came to the trash before a time. The loop's body may remove them.
func (s *Service) trashedFilesBefore(ctx context.Context, before time.Time) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for f, err := range s.catalog.TrashedFiles(ctx) {
			if err != nil {
				yield(File{}, fmt.Errorf("list the files in the trash: %w", err))
				return
			}
			if f.Trash.At.Before(before) && !yield(f, nil) {
				return
			}
		}
	}
}

// unlisted does for a stored file that a sweep sees in the trash what trash does, which finds files by an index: a
// release that knows no trash takes a record out of that when it marks a damage or a scan. A file whose time is not
// over is put back into the index. Of people there is no such index beside their rows. A dry run tells of what the
// index has alone, so that it tells of nothing twice.
func (r *reconciler) unlisted(ctx context.Context, f File, due time.Time, erases bool) {
	switch {
	case r.DryRun:
	case erases && f.Trash.At.Before(due):
		r.repair(fileRepair(RepairErasedFile, f), func() error { return r.eraseFile(ctx, f) })
	default:
		err := r.catalog.SetTrash(ctx, f.Person, f.ID, f.Trash.At, f.Trash)
		if err != nil && !errors.Is(err, ErrLost) { // lost: put back or erased meanwhile
			r.failed(fmt.Errorf("list file %s of person %s in the trash again: %w", f.ID, f.Person, err))
		}
	}
}
