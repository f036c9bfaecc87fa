package dossier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Removal goes from the outside in: mark, so that nothing new begins; words; multipart upload and bytes; record; its
// place in the quota; last the person. Every step may be repeated and may be done by several callers at once;
// reconciliation continues a removal that stopped halfway.
//
// What was acknowledged is deleted (DeleteFile, DeletePerson). What was not is given up, by the submitter or by staff
// (GiveUp), or discarded by a write path that cannot continue (discard).
//
// A remover may be slow: when it gets to a file's object, somebody else may have removed the file long ago, and its
// sender may have announced it once more, under the same id. So that the object then is not the new one, the id of a
// removed file is not used again for RemovedFor, and a remover does not go on with a file that it marked more than
// removalTime ago. Likewise, when it lists a person's files once more, another person may have that id by now, because
// the form was sent again: so it looks at the person after each list, and goes on only if whoever has the id is being
// deleted, or nobody has it.

// RemovedFor is how long the id of a removed file is not used again. The client is told to send the file under a new
// one.
const RemovedFor = 7 * 24 * time.Hour

// removalTime is how long after its mark a file may be removed by whoever marked it. Afterwards somebody marks it
// again.
const removalTime = 10 * time.Minute

// DeleteFile removes one file. It returns ErrNotFound for a file that does not exist, is not stored or is in the trash;
// a removal that was started before is completed.
func (s *Service) DeleteFile(ctx context.Context, person PersonID, file FileID) error {
	// The record's multipart upload is needed if the removal began before the file was stored.
	f, err := s.catalog.File(ctx, person, file)
	if err != nil {
		return fmt.Errorf("read file record: %w", err)
	}
	if f.State == FileStored && f.Trash != (Trash{}) {
		return &Error{Code: CodeNotFound}
	}
	marked := s.time()
	err = s.catalog.MarkDeleting(ctx, person, file, marked, FileStored)
	if errors.Is(err, ErrLost) {
		return &Error{Code: CodeNotFound, Err: err}
	}
	if err != nil {
		return fmt.Errorf("mark file for deletion: %w", err)
	}
	if err := s.forgetWords(ctx, f); err != nil {
		return err
	}
	return s.erase(ctx, f, marked, removeForGood)
}

// DeletePerson removes a person with all files. ErrNotFound if there is none; after any other error the person is
// marked, and reconciliation or another call removes the rest.
func (s *Service) DeletePerson(ctx context.Context, id PersonID) error {
	err := s.people.Move(ctx, id, PersonDeleting, s.time(), PersonSubmitting, PersonSubmitted, PersonDeleting)
	if err != nil {
		return fmt.Errorf("mark person for deletion: %w", err)
	}
	p, err := s.people.Person(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil // somebody else was faster
	case err != nil:
		return fmt.Errorf("read person: %w", err)
	}
	return s.finishDeletion(ctx, p, removeForGood)
}

// finishDeletion removes a person in state PersonDeleting; nothing of a person in another state.
func (s *Service) finishDeletion(ctx context.Context, p Person, how removal) error {
	id := p.ID
	for p.State == PersonDeleting {
		// The files of the page are removed, so the next page is the first again.
		files, err := s.catalog.Files(ctx, id, FileID{}, MaxFilesPage)
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		if len(files) == 0 {
			// Lost: another removal finished before, and the same form has been sent again since. That is a new person.
			if err := s.people.Delete(ctx, p); err != nil && !errors.Is(err, ErrLost) {
				return fmt.Errorf("delete person: %w", err)
			}
			return nil
		}
		switch now, err := s.people.Person(ctx, id); {
		case err == nil:
			p = now
		case !errors.Is(err, ErrNotFound):
			return fmt.Errorf("read person: %w", err)
		}
		if p.State != PersonDeleting {
			break // likewise
		}
		for _, f := range files {
			marked := s.time()
			err := s.catalog.MarkDeleting(ctx, id, f.ID, marked, FileUploading, FileStored)
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrLost) {
				continue // somebody else was faster; the next list tells
			}
			if err != nil {
				return fmt.Errorf("mark file for deletion: %w", err)
			}
			if err := s.erase(ctx, f, marked, how); err != nil {
				return err
			}
		}
	}
	return nil
}

// GiveUp removes a file that is not stored, with its parts. It returns nil if the file does not exist, ErrLost if it is
// stored. Holders of a receipt and staff may call it, whichever way the file was being sent: an upload that is still
// running ends as lost and removes what it made.
func (s *Service) GiveUp(ctx context.Context, person PersonID, file FileID) error {
	f, err := s.catalog.File(ctx, person, file)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read file record: %w", err)
	}
	switch err := s.giveUp(ctx, f); {
	case errors.Is(err, ErrLost):
		return stored()
	case err != nil:
		return fmt.Errorf("discard file: %w", err)
	}
	return nil
}

// discard removes a file that was never acknowledged: its record, if it can still be won, its multipart upload and its
// object. The object's key belongs to this file alone, so removing it harms nobody, unless somebody else finished the
// record: a twin's Commit may have returned it.
func (s *Service) discard(ctx context.Context, f File) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.giveUp(ctx, f); err != nil && !errors.Is(err, ErrLost) {
		s.left(ctx, f, err)
	}
}

// discardTwin is discard for a file that gave way to a stored one of the same name, whose words stay.
func (s *Service) discardTwin(ctx context.Context, f File) {
	ctx, cancel := detached(ctx)
	defer cancel()
	marked := s.time()
	err := s.win(ctx, f, marked)
	if err == nil {
		err = s.erase(ctx, f, marked, removeForGood)
	}
	if err != nil && !errors.Is(err, ErrLost) {
		s.left(ctx, f, err)
	}
}

// giveUp is discard that reports its result: ErrLost if the file is stored.
func (s *Service) giveUp(ctx context.Context, f File) error {
	marked := s.time()
	if err := s.win(ctx, f, marked); err != nil {
		return err
	}
	if err := s.forgetWords(ctx, f); err != nil {
		return err
	}
	return s.erase(ctx, f, marked, removeForGood)
}

// win marks the record of a file that is not stored for deletion: ErrLost if it is stored. It succeeds even if the
// record no longer exists, because of what arrived after its removal; then its id is not used again for as long as that
// is being removed, no record is removed and nothing uncounted.
func (s *Service) win(ctx context.Context, f File, marked time.Time) error {
	err := s.catalog.MarkDeleting(ctx, f.Person, f.ID, marked, FileUploading)
	if errors.Is(err, ErrNotFound) {
		_, err = s.catalog.Remove(ctx, f.Person, f.ID, marked)
	}
	return err
}

// removal says what happens to the object of a removed file.
type removal int

const (
	// removeForGood: a person asked for it, or nobody was ever told that it is stored.
	removeForGood removal = iota
	// keepForUndo: no person decided it, and it may turn out to be wrong.
	keepForUndo
)

// errLate: a remover took so long that the file's id may be another file's.
var errLate = errors.New("the removal took too long and is left to the next one")

// erase removes the multipart upload, the object and then the record of a file that was marked FileDeleting, by the
// caller, at the given time; f is as it was before, or later. Finally it uncounts the file, if this call removed the
// record.
func (s *Service) erase(ctx context.Context, f File, marked time.Time, how removal) error {
	ctx, cancel := context.WithTimeout(ctx, removalTime)
	defer cancel()
	// A process that was suspended finds its context unchanged, and by the clock that days have passed.
	if s.time().Sub(marked) > removalTime {
		return errLate
	}
	// Before the object, so that none is made of the multipart upload afterwards. A stored file has none any more.
	if f.Multipart != nil && f.State != FileStored {
		if err := s.objects.Drop(ctx, f.Key(), f.Multipart.UploadID); err != nil {
			return fmt.Errorf("abort multipart upload: %w", err)
		}
	}
	if how == keepForUndo {
		if err := s.objects.SetAside(ctx, f.Key(), about(f)); err != nil {
			return fmt.Errorf("set object aside: %w", err)
		}
	} else if err := s.objects.Delete(ctx, f.Key()); err != nil {
		return fmt.Errorf("delete object: %w", err)
	}
	// If the type of the bytes is unknown, there may be a thumbnail too.
	if f.Content == nil || f.Content.Picture() {
		if err := s.objects.DeleteThumbnail(ctx, f.Person, f.ID); err != nil {
			return fmt.Errorf("delete thumbnail: %w", err)
		}
	}
	// Read while the record exists: a recount after this may or may not have counted it, and Release does nothing then.
	usage, err := s.catalog.Usage(ctx, f.Person)
	if err != nil {
		return fmt.Errorf("read what is counted: %w", err)
	}
	removed, err := s.catalog.Remove(ctx, f.Person, f.ID, s.time())
	if err != nil {
		return fmt.Errorf("remove file record: %w", err)
	}
	if removed == nil {
		return nil
	}
	s.store.put(ctx, removed.Counted().amount())
	if err := s.catalog.Release(ctx, f.Person, removed.Counted(), usage.Epoch, s.time()); err != nil {
		return fmt.Errorf("uncount file: %w", err)
	}
	return nil
}

// drop drops a multipart upload that no record names. It also works when ctx has ended; what fails is left to
// reconciliation.
func (s *Service) drop(ctx context.Context, f File) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.objects.Drop(ctx, f.Key(), f.Multipart.UploadID); err != nil {
		s.left(ctx, f, err)
	}
}

// left logs what could not be cleaned up.
func (s *Service) left(ctx context.Context, f File, err error) {
	s.log.WarnContext(ctx, "left for reconciliation", "person", f.Person.String(), "file", f.ID.String(), "err", err)
}
