package dossier

import (
	"context"
	"errors"
	"fmt"
)

// Removal goes from the outside in: mark, so that nothing new begins; bytes; record; last the person. Every step may be
// repeated and may be done by several at once; a removal that stopped half-way is taken up by reconciliation.

// DeleteFile removes one file. A file that is not there, or not stored, is ErrNotFound; one whose removal was begun before is
// removed to the end.
func (s *Service) DeleteFile(ctx context.Context, person PersonID, file FileID) error {
	err := s.catalog.MarkDeleting(ctx, person, file, s.time(), FileStored)
	if errors.Is(err, ErrLost) {
		return &Error{Code: CodeNotFound, Err: err}
	}
	if err != nil {
		return fmt.Errorf("mark file for deletion: %w", err)
	}
	return s.erase(ctx, File{Person: person, ID: file})
}

// erase removes the object and then the record of a file that is in state FileDeleting.
func (s *Service) erase(ctx context.Context, f File) error {
	if err := s.objects.Delete(ctx, f.Key()); err != nil {
		return fmt.Errorf("delete object: %w", err)
	}
	if err := s.catalog.Remove(ctx, f.Person, f.ID); err != nil {
		return fmt.Errorf("remove file record: %w", err)
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
		files, err := s.catalog.Files(ctx, id)
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
	if err := s.people.Delete(ctx, id); err != nil {
		return fmt.Errorf("delete person: %w", err)
	}
	return nil
}
