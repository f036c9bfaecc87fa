package dossier

import (
	"context"
	"errors"
	"fmt"
)

// Removal goes from the outside in: mark, so that nothing new begins; words; multipart upload and bytes; record; its
// place in the quota; last the person. Every step may be repeated and may be done by several callers at once;
// reconciliation continues a removal that stopped halfway.
//
// What was acknowledged is deleted (DeleteFile, DeletePerson). What was not is given up, by the submitter or by staff
// (GiveUp), or discarded by a write path that cannot continue (discard).

// DeleteFile removes one file. It returns ErrNotFound for a file that does not exist or is not stored; a removal that
// was started before is completed.
func (s *Service) DeleteFile(ctx context.Context, person PersonID, file FileID) error {
	// The record's multipart upload is needed if the removal began before the file was stored.
	f, err := s.catalog.File(ctx, person, file)
	if err != nil {
		return fmt.Errorf("read file record: %w", err)
	}
	err = s.catalog.MarkDeleting(ctx, person, file, s.time(), FileStored)
	if errors.Is(err, ErrLost) {
		return &Error{Code: CodeNotFound, Err: err}
	}
	if err != nil {
		return fmt.Errorf("mark file for deletion: %w", err)
	}
	if err := s.forgetWords(ctx, f); err != nil {
		return err
	}
	return s.erase(ctx, f, removeForGood)
}

// DeletePerson removes a person with all files. ErrNotFound if there is none; after any other error the person is
// marked, and reconciliation or another call removes the rest.
func (s *Service) DeletePerson(ctx context.Context, id PersonID) error {
	err := s.people.Move(ctx, id, PersonDeleting, s.time(), PersonSubmitting, PersonSubmitted, PersonDeleting)
	if err != nil {
		return fmt.Errorf("mark person for deletion: %w", err)
	}
	return s.finishDeletion(ctx, id, removeForGood)
}

// finishDeletion removes a person in state PersonDeleting.
func (s *Service) finishDeletion(ctx context.Context, id PersonID, how removal) error {
	for {
		// The files of the page are removed, so the next page is the first again.
		files, err := s.catalog.Files(ctx, id, FileID{}, MaxFilesPage)
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		if len(files) == 0 {
			break
		}
		for _, f := range files {
			err := s.catalog.MarkDeleting(ctx, id, f.ID, s.time(), FileUploading, FileStored)
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrLost) {
				continue // somebody else was faster; the next list tells
			}
			if err != nil {
				return fmt.Errorf("mark file for deletion: %w", err)
			}
			if err := s.erase(ctx, f, how); err != nil {
				return err
			}
		}
	}
	// Lost: another removal finished before, and the same form has been sent again since. That is a new person.
	if err := s.people.Delete(ctx, id); err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("delete person: %w", err)
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
	err := s.catalog.MarkDeleting(ctx, f.Person, f.ID, s.time(), FileUploading)
	if err == nil || errors.Is(err, ErrNotFound) {
		err = s.erase(ctx, f, removeForGood)
	}
	if err != nil && !errors.Is(err, ErrLost) {
		s.left(ctx, f, err)
	}
}

// giveUp is discard that reports its result: ErrLost if the file is stored.
func (s *Service) giveUp(ctx context.Context, f File) error {
	err := s.catalog.MarkDeleting(ctx, f.Person, f.ID, s.time(), FileUploading)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := s.forgetWords(ctx, f); err != nil {
		return err
	}
	// Even if the record no longer exists, for what arrived after its removal. Then no record is removed and nothing
	// uncounted.
	return s.erase(ctx, f, removeForGood)
}

// removal says what happens to the object of a removed file.
type removal int

const (
	// removeForGood: a person asked for it, or nobody was ever told that it is stored.
	removeForGood removal = iota
	// keepForUndo: no person decided it, and it may turn out to be wrong.
	keepForUndo
)

// erase removes the multipart upload, the object and then the record of a file that is in state FileDeleting by now; f
// is as it was before, or later. Finally it uncounts the file, if this call removed the record.
func (s *Service) erase(ctx context.Context, f File, how removal) error {
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
	removed, err := s.catalog.Remove(ctx, f.Person, f.ID)
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
