package dossier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A twin is a stored file of the same person, folder, name and content. When a file is sent again, the response is its
// twin, and the new upload is dropped. The twin's object may have been damaged since it was stored, while the new one
// has just been verified. So the twin is checked first, and if it is damaged, the new one takes its place:
//
// 1. the twin's record is marked for deletion, provided that it is still stored; 2. the new record is committed: path
// and content are free by now, unless somebody else was faster; 3. the twin is removed, with what is left of its
// object.
//
// An interruption between 1 and 2 leaves a described upload with a complete object, which is then all that is left of
// an acknowledged file: so it is not abandoned (see heir), and reconciliation commits it. An interruption between 2 and
// 3 leaves a removal that reconciliation completes.

// twinTries limits how often a damaged twin gives way to another: each is stored by another sender of the same file.
const twinTries = 8

// commitOrTwin is Catalog.Commit with a check of the twin that it may return: the returned record is f's, or that of a
// file whose object is intact, as far as Check looks. A twin with another CRC-64 is returned unchanged: see
// Content.same. If f is known to be as it was put, that saves a look at it. After an error, heir reports that a twin
// may have been removed, so that f must not be.
func (s *Service) commitOrTwin(ctx context.Context, f File, content *Content,
	asPut bool) (stored File, heir bool, err error) {
	type replacement struct {
		File
		marked time.Time
	}
	var replaced []replacement
	defer func() {
		ctx, cancel := detached(ctx)
		defer cancel()
		for _, old := range replaced {
			if err := s.erase(ctx, old.File, old.marked, removeForGood); err != nil {
				s.left(ctx, old.File, err)
			}
		}
	}()
	for range twinTries {
		var stored File
		if asPut {
			stored, err = s.catalog.CommitAsPut(ctx, f, s.time())
		} else {
			stored, err = s.catalog.Commit(ctx, f.Person, f.ID, s.time())
		}
		if err == nil && stored.ScanState() == ScanWaiting {
			s.scanSoon()
		}
		if err != nil || stored.ID == f.ID || !content.same(stored) {
			return stored, heir, err
		}
		twin, err := s.check(ctx, stored)
		switch {
		case errors.Is(err, ErrNotFound):
			continue // deleted since
		case err != nil:
			return File{}, heir, fmt.Errorf("look at the same file, which is stored: %w", err)
		case twin.Damage == nil:
			if twin.Trash == (Trash{}) {
				return twin, false, nil
			}
			if twin, err = s.PutBackFile(ctx, twin.Person, twin.ID); errors.Is(err, ErrNotFound) {
				continue
			}
			return twin, heir && err != nil, err
		}
		heir = true
		marked := s.time()
		err = s.catalog.MarkDeleting(ctx, twin.Person, twin.ID, marked, FileStored)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrLost):
			continue
		case err != nil:
			return File{}, heir, fmt.Errorf("discard the damaged copy: %w", err)
		}
		replaced = append(replaced, replacement{twin, marked})
		s.log.WarnContext(ctx, "damaged file is replaced by one that was sent again", "person", f.Person.String(),
			"file", f.ID.String(), "replaced", twin.ID.String())
	}
	return File{}, heir,
		&Error{Code: CodeUnavailable, Err: errors.New("commit file: every copy found turned out to be damaged")}
}

// intact reports whether a stored file that is to be the response to its sender is intact, as far as Check looks. A
// file that no longer exists is not. It takes one out of the trash that is.
func (s *Service) intact(ctx context.Context, f File) (bool, error) {
	f, err := s.check(ctx, f)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || f.Damage != nil || f.Trash == (Trash{}) {
		return err == nil && f.Damage == nil, err
	}
	_, err = s.PutBackFile(ctx, f.Person, f.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
