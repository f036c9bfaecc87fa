package dossier

import (
	"context"
	"errors"
	"fmt"
)

// Removal goes from the outside in: mark, so that nothing new begins; transfer and bytes; record; its place in the quota; last the
// person. Every step may be
// repeated and may be done by several at once; a removal that stopped half-way is taken up by reconciliation.

// DeleteFile removes one file. A file that is not there, or not stored, is ErrNotFound; one whose removal was begun before is
// removed to the end.
func (s *Service) DeleteFile(ctx context.Context, person PersonID, file FileID) error {
	// The record's transfer is needed where the removal was begun before the file was stored.
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
	return s.erase(ctx, f)
}

// erase removes the transfer, the object and then the record of a file that is in state FileDeleting by now; f is as it was before, or
// later. Last it uncounts the file, if it was this call that removed the record.
func (s *Service) erase(ctx context.Context, f File) error {
	// Before the object, so that none is made of the transfer afterwards. That of a stored file is gone.
	if f.Upload != nil && f.State != FileStored {
		if err := s.objects.Drop(ctx, f.Key(), f.Upload.Transfer); err != nil {
			return fmt.Errorf("drop transfer: %w", err)
		}
	}
	if err := s.objects.Delete(ctx, f.Key()); err != nil {
		return fmt.Errorf("delete object: %w", err)
	}
	// Read while the record is there: a recount after this look may have counted it or not, and Release does nothing then.
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
	if err := s.catalog.Release(ctx, f.Person, removed.Counted(), usage.Epoch, s.time()); err != nil {
		return fmt.Errorf("uncount file: %w", err)
	}
	return nil
}

// DeletePerson removes a person with all files. ErrNotFound if there is none; after any other error the person is marked and
// reconciliation, or another call, removes the rest.
func (s *Service) DeletePerson(ctx context.Context, id PersonID) error {
	err := s.people.Move(ctx, id, PersonDeleting, s.time(), PersonSubmitting, PersonSubmitted, PersonDeleting)
	if err != nil {
		return fmt.Errorf("mark person for deletion: %w", err)
	}
	return s.finishDeletion(ctx, id)
}

// finishDeletion removes a person in state PersonDeleting.
func (s *Service) finishDeletion(ctx context.Context, id PersonID) error {
	for {
		// Those of the page go, so the next one is the first again.
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
			if err := s.erase(ctx, f); err != nil {
				return err
			}
		}
	}
	// Lost: another removal came to this end before, and the same form was sent again since. That is a person of its own.
	if err := s.people.Delete(ctx, id); err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("delete person: %w", err)
	}
	return nil
}
