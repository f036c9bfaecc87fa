package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// The content is described twice. The first time is before the multipart upload is finished, without a Type, because
// nobody can read bytes in parts: so whoever meets the object knows what it has to be. The second time is with the Type
// that the object's first bytes show. Catalog.Commit does not store a record that was last described without a Type, so
// a slow twin that describes it again removes no Type.

// Complete assembles the file from its parts and acknowledges it: the returned record is stored. If the person already
// has a file with the same folder, name and content, that one is returned and this one is removed. If the file is
// already stored, it is returned, provided that the checksums are its own. If the id no longer exists, a stored file of
// the person with these checksums is returned, so that Complete can be repeated when the file gave way to another.
//
// Errors: ErrIncomplete; ErrType; ErrCorrupt if parts or the whole are not what the sender computed (the file can be
// sent again under another id, or the wrong part again); ErrLost if it was given up meanwhile; ErrNotFound;
// ErrUnavailable: repeat the call.
func (s *Service) Complete(ctx context.Context, person PersonID, file FileID, sums Checksums) (File, error) {
	f, done, err := s.settled(ctx, person, file, &sums)
	if done || err != nil {
		return f, err
	}
	parts, err := s.objects.Parts(ctx, f.Key(), f.Multipart.UploadID)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.finished(ctx, f, &sums)
	case err != nil:
		return File{}, fmt.Errorf("list parts: %w", err)
	}
	if err := f.Multipart.whole(parts, sums.CRC64); err != nil {
		if s.ended(ctx, f) {
			return s.finished(ctx, f, &sums)
		}
		return File{}, err
	}
	content := Content{Size: f.Multipart.Size, SHA256: sums.SHA256, CRC64: sums.CRC64}
	switch err := s.catalog.Describe(ctx, person, file, content, s.time()); {
	case errors.Is(err, ErrLost):
		return s.finished(ctx, f, &sums)
	case err != nil:
		return File{}, fmt.Errorf("describe file: %w", err)
	}
	switch err := s.objects.Finish(ctx, f.Key(), f.Multipart.UploadID, parts, content.held()); {
	case errors.Is(err, ErrNotFound):
		return s.finished(ctx, f, &sums)
	case errors.Is(err, ErrCorrupt):
		if s.ended(ctx, f) {
			return s.finished(ctx, f, &sums)
		}
		return File{}, Errorf(CodeCorrupt, err, "A part differs from the original file. Send it again.")
	case errors.Is(err, ErrExists):
		// Only if an id was used a second time, and only some stores detect it.
		return File{}, Errorf(CodeCorrupt, err, "Another file already uses this ID. Send this one as a new file.")
	case err != nil:
		return File{}, fmt.Errorf("finish multipart upload: %w", err)
	}
	return s.finished(ctx, f, &sums)
}

// ended reports whether another call finished or dropped a multipart upload meanwhile, or is about to drop it. While it
// is ending, a store may show only some of its parts, so what was wrong with them may mean nothing.
func (s *Service) ended(ctx context.Context, f File) bool {
	if _, err := s.objects.Parts(ctx, f.Key(), f.Multipart.UploadID); errors.Is(err, ErrNotFound) {
		return true
	}
	now, err := s.catalog.File(ctx, f.Person, f.ID)
	return errors.Is(err, ErrNotFound) || err == nil && now.State != FileUploading
}

// settled reads the record and reports whether everything is done: the file is stored, or its twin is. Without sums any
// stored file will do, and its twin is not looked for. ErrNotFound; ErrLost if the record is being removed; ErrCorrupt
// if something else is stored.
func (s *Service) settled(ctx context.Context, person PersonID, file FileID, sums *Checksums) (f File, done bool,
	err error) {
	f, err = s.direct(ctx, person, file)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrLost):
		if sums == nil {
			return File{}, false, err
		}
		twin, found, look := s.twin(ctx, person, f.Path(), *sums)
		if found || look != nil {
			return twin, found, look
		}
		return File{}, false, err
	case err != nil:
		return File{}, false, err
	case f.State == FileUploading:
		return f, false, nil
	case sums != nil && !sums.are(f.Content):
		return File{}, false,
			Errorf(CodeCorrupt, nil, "Already stored with different content. Send this one as a new file.")
	case sums == nil:
		return f, true, nil
	}
	switch whole, err := s.intact(ctx, f); {
	case err != nil:
		return File{}, false, err
	case !whole:
		return File{}, false, Errorf(CodeConflict, nil, "The stored copy is damaged. Send this one as a new file.")
	}
	return f, true, nil
}

// twin looks for the stored file of a person, with that path if there is one, which has these checksums.
func (s *Service) twin(ctx context.Context, person PersonID, path string, sums Checksums) (File, bool, error) {
	for f, err := range allFiles(ctx, s.catalog, person) {
		if err != nil {
			return File{}, false, err
		}
		if f.State == FileStored && sums.are(f.Content) && (path == "" || path == f.Path()) {
			if whole, err := s.intact(ctx, f); whole || err != nil {
				return f, whole, err
			}
		}
	}
	return File{}, false, nil
}

// How long, and how often, finished looks for an object that another call is about to make; and how long after the
// content was last described it assumes that one is: S3 may take minutes to assemble the parts of a large object
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
const (
	finishWait  = 3 * time.Second
	finishLook  = 50 * time.Millisecond
	finishTrust = 15 * time.Minute
)

// finished continues when the multipart upload no longer exists: this call or another finished it, or is about to, or
// it was dropped. A twin of this call may have stored the file, or removed it for another with the same content; or it
// was given up or deleted, and what this call made is removed.
func (s *Service) finished(ctx context.Context, f File, sums *Checksums) (File, error) {
	for until := time.Now().Add(finishWait); ; {
		// Whoever finishes the multipart upload describes the content first. This look comes after that.
		now, done, err := s.settled(ctx, f.Person, f.ID, sums)
		switch {
		case done && now.ID != f.ID:
			s.discardTwin(ctx, f)
			return now, nil
		case done:
			return now, nil
		case errors.Is(err, ErrLost), errors.Is(err, ErrNotFound):
			return s.hopeless(ctx, f, err)
		case err != nil:
			return File{}, err
		case now.Content == nil:
			return s.hopeless(ctx, f, errors.New("the multipart upload no longer exists and was never completed"))
		case sums != nil && !sums.are(now.Content):
			return File{},
				Errorf(CodeCorrupt, nil, "Already completed with different checksums. Send it as a new file.")
		}
		held, err := s.objects.Stat(ctx, f.Key())
		if err == nil {
			var stored File
			stored, err = s.accept(ctx, now, held)
			if err == nil {
				return stored, nil
			}
		}
		// A record or an object disappeared: the next look shows why.
		again := errors.Is(err, ErrNotFound) || errors.Is(err, ErrLost)
		switch {
		case !again:
			return File{}, err
		case errors.Is(err, ErrNotFound) && s.time().Sub(now.UpdatedAt) > finishTrust:
			return s.hopeless(ctx, f, err)
		case time.Now().After(until):
			return File{},
				&Error{Code: CodeUnavailable,
					Err: fmt.Errorf("the multipart upload has ended, but its object is not visible yet: %w", err)}
		}
		select {
		case <-ctx.Done():
			return File{}, Unavailable(ctx, "wait for the object", ctx.Err())
		case <-time.After(finishLook):
		}
	}
}

// accept stores a described file whose object, according to the store, matches. Errors: those of commit; ErrCorrupt.
func (s *Service) accept(ctx context.Context, f File, held Held) (File, error) {
	content := *f.Content
	if held != content.held() {
		s.discard(ctx, f)
		return File{}, Errorf(CodeCorrupt, fmt.Errorf("the sender has %d bytes, CRC-64 %016x; the store holds %d, "+
			"%016x", content.Size, content.CRC64, held.Size, held.CRC64),
			"Damaged on the way to the store and discarded. Send it as a new file.")
	}
	if err := s.checkType(ctx, f, content); err != nil {
		return File{}, err
	}
	stored, err := s.commit(ctx, f, content)
	switch {
	case err != nil:
		return File{}, err
	case stored.ID != f.ID:
		s.discardTwin(ctx, f)
		if !content.same(stored) {
			return File{}, differs()
		}
	}
	return stored, nil
}

// checkType discards a file whose bytes are of a type that is not accepted, which no client can hide: ErrType. A form's
// file was checked as it arrived. What reconciliation finishes or puts back is kept, because it may be all that is left
// of something acknowledged.
func (s *Service) checkType(ctx context.Context, f File, content Content) error {
	if s.limits.Accept() == "" {
		return nil
	}
	if content.Type == "" {
		head, err := s.head(ctx, f, content)
		if err != nil {
			return err
		}
		content.Type = detectType(head)
	}
	if why := s.refusedType(content.Type); why != nil {
		s.discard(ctx, f)
		return why
	}
	return nil
}

// hopeless removes a file that can no longer become complete.
func (s *Service) hopeless(ctx context.Context, f File, cause error) (File, error) {
	s.discard(ctx, f)
	return File{}, lost(cause)
}

// typeTries limits how often commit describes a content again that a twin has just described without its Type. Each
// twin does so once.
const typeTries = 16

// commit stores a file whose object holds the content, and detects its Type if it is not known yet, never from what the
// sender says. Errors: those of Catalog.Commit, and ErrNotFound if the object no longer exists.
func (s *Service) commit(ctx context.Context, f File, content Content) (File, error) {
	if err := s.addWords(ctx, f.Person, f.words()); err != nil {
		return File{}, err
	}
	for range typeTries {
		if content.Type == "" {
			head, err := s.head(ctx, f, content)
			if err != nil {
				return File{}, err
			}
			content.Type = detectType(head)
			if err := s.catalog.Describe(ctx, f.Person, f.ID, content, s.time()); err != nil {
				return File{}, fmt.Errorf("describe file: %w", err)
			}
		}
		stored, _, err := s.commitOrTwin(ctx, f, &content, false)
		switch {
		case errors.Is(err, ErrIncomplete):
			content.Type = ""
			continue
		case err != nil:
			return File{}, fmt.Errorf("commit file: %w", err)
		}
		return stored, nil
	}
	return File{},
		&Error{Code: CodeUnavailable, Err: errors.New("commit file: other writers kept changing its description")}
}

// head returns a file's first bytes.
func (s *Service) head(ctx context.Context, f File, content Content) ([]byte, error) {
	if content.Size == 0 {
		return nil, nil
	}
	r, err := s.objects.Open(ctx, f.Key(), 0, sniffed)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, sniffed))
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return head, nil
}
