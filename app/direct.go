package dossier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The direct way is the other way to send files. The submitter's client sends the bytes to the object store itself, in
// parts; this program plans, signs and verifies. Nothing is held in memory between two calls, every call may be
// repeated, and two simultaneous calls do no harm:
//
// 1. Register inserts the person and acknowledges the details. 2. Announce counts the file against the person's quota,
// starts a multipart upload and puts the record, in state FileUploading, with the multipart upload's id; then it looks
// at the person once more, as a form does (see submission.go). Of two simultaneous Announces, one puts its record; the
// other drops its multipart upload and finds that record. 3. SignParts returns requests for parts, each for its exact
// length and checksum, and marks the record as making progress. 4. Complete compares the parts that the store has with
// what was announced and with the whole's checksum; describes the content in the record; finishes the multipart upload;
// compares what the store now holds; commits the record. Only then may the submitter be told.
//
// If a call ends between the steps of 4, a repeated call or reconciliation finishes them. A Complete whose record was
// lost meanwhile (GiveUp, a deletion) removes the object that it made.

// Announcement announces a file that a client is going to send.
type Announcement struct {
	// ID is chosen by the sender, so that a repeated announcement refers to the same file. The ID of a file that was
	// given up, lost or deleted is not used again for RemovedFor, because what still runs for that file would take the
	// new one for it.
	ID FileID
	// Folder and Name are as the sender has them; CleanFolder and CleanFileName are applied to them.
	Folder, Name string
	// Size in bytes. An empty file has one part, of no bytes.
	Size int64
}

// Register is Begin and Acknowledge of a person without files. It is idempotent by the receipt.
//
// Errors: those of Begin.
func (s *Service) Register(ctx context.Context, receipt Receipt, details Details) (Person, error) {
	sub, err := s.Begin(ctx, receipt, details)
	if err != nil {
		return Person{}, err
	}
	if err := sub.Acknowledge(ctx); err != nil {
		return Person{}, err
	}
	return sub.Person(), nil
}

// Announce begins a file of a person, or finds it if it was announced before, in any state but FileDeleting.
//
// Errors: ErrInvalid for an invalid id or size; ErrTooLarge; ErrQuota; ErrFull; ErrDay; ErrConflict if the id was used
// for another folder, name or size, or for a file that was removed, or the person is being deleted; ErrNotFound if the
// person does not exist or is not acknowledged, because its files would be removed with it; ErrUnavailable.
func (s *Service) Announce(ctx context.Context, person PersonID, a Announcement) (File, error) {
	if _, err := ParseFileID(a.ID.String()); err != nil || a.Size < 0 {
		return File{}, Errorf(CodeInvalid, err, "The file's ID must be a UUIDv7 and its size a number of bytes.")
	}
	if a.Size > min(s.limits.FileBytes, MaxParts*MaxPartSize) {
		return File{}, s.tooLarge()
	}
	a.Folder, a.Name = CleanFolder(a.Folder), CleanFileName(a.Name)
	found, err := s.catalog.File(ctx, person, a.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return File{}, fmt.Errorf("read file record: %w", err)
	}
	known := err == nil
	// An existing record was put by an Announce that may have ended before it looked at the person: so the look comes
	// after it here too.
	who, err := s.welcome(ctx, person)
	if err != nil {
		return File{}, err
	}
	if known {
		return a.is(found)
	}

	now := s.time()
	f := File{
		Person: person, ID: a.ID, Folder: a.Folder, Name: a.Name, Author: who.Name, State: FileUploading, CreatedAt: now,
		UpdatedAt: now, Multipart: &Multipart{Size: a.Size, PartSize: PartSize(a.Size)}, Scan: s.firstScan(),
	}
	usage, err := s.reserve(ctx, person, f.Counted(), Quota{})
	if noRoom(err) {
		_, damaged, look := s.named(ctx, person, f.Path())
		if look != nil {
			return File{}, look
		}
		usage, err = s.reserve(ctx, person, f.Counted(), damaged)
	}
	if err != nil {
		return File{}, err
	}
	if f.Multipart.UploadID, err = s.objects.Start(ctx, f.Key()); err != nil {
		s.release(ctx, f, f.Counted(), usage.Epoch)
		return File{}, fmt.Errorf("start multipart upload: %w", err)
	}
	switch err := s.catalog.Put(ctx, f); {
	case errors.Is(err, ErrExists):
		s.release(ctx, f, f.Counted(), usage.Epoch)
		s.drop(ctx, f)
		found, err := s.catalog.File(ctx, person, a.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			return File{}, removed(err)
		case err != nil:
			return File{}, fmt.Errorf("read file record: %w", err)
		}
		return a.is(found)
	case err != nil:
		// Whether the record was put is unknown. If it was, it needs what was reserved and started for it, and a
		// repeated call finds it; if not, reconciliation clears both away.
		return File{}, fmt.Errorf("put file record: %w", err)
	}
	if _, err := s.welcome(ctx, person); err != nil {
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) {
			s.discard(ctx, f)
		}
		// Otherwise the result is unknown, and a repeated call finds the record.
		return File{}, err
	}
	return f, nil
}

// is returns the record of an id if it matches this announcement.
func (a Announcement) is(f File) (File, error) {
	if f.State == FileDeleting {
		return File{}, removed(nil)
	}
	if f.Multipart == nil || f.Folder != a.Folder || f.Name != a.Name || f.Multipart.Size != a.Size {
		return File{},
			Errorf(CodeConflict, nil, "This ID already belongs to another file. Send this one as a new file.")
	}
	return f, nil
}

// welcome returns a person that accepts files.
func (s *Service) welcome(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.people.Person(ctx, id)
	switch {
	case err != nil:
		return Person{}, fmt.Errorf("read person: %w", err)
	case p.State == PersonDeleting, p.trashed():
		return Person{}, conflict(nil)
	case p.State != PersonSubmitted:
		return Person{}, &Error{Code: CodeNotFound}
	}
	return p, nil
}

// Status returns a file in parts, in any state but FileDeleting, and the parts of it that the object store has: none
// once it is stored. If only its commit is missing, Status commits it; if it can no longer become complete, because its
// multipart upload was dropped, Status removes it and returns ErrNotFound. It also returns ErrNotFound if there is no
// such file.
func (s *Service) Status(ctx context.Context, person PersonID, file FileID) (File, []Part, error) {
	f, err := s.direct(ctx, person, file)
	if errors.Is(err, ErrLost) {
		err = &Error{Code: CodeNotFound, Err: err}
	}
	if err != nil || f.State == FileStored {
		return f, nil, err
	}
	parts, err := s.objects.Parts(ctx, f.Key(), f.Multipart.UploadID)
	if err == nil {
		return f, parts, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return File{}, nil, fmt.Errorf("list parts: %w", err)
	}
	f, err = s.finished(ctx, f, nil)
	if errors.Is(err, ErrLost) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrType) {
		err = &Error{Code: CodeNotFound, Err: err}
	}
	return f, nil, err
}

// Uploaded returns how many bytes of an unfinished file in parts the object store has, and changes nothing. ErrNotFound
// where the multipart upload no longer exists: it was completed or aborted a moment ago.
func (s *Service) Uploaded(ctx context.Context, f File) (sum int64, err error) {
	parts, err := s.objects.Parts(ctx, f.Key(), f.Multipart.UploadID)
	if err != nil {
		return 0, fmt.Errorf("list parts: %w", err)
	}
	for _, part := range parts {
		sum += part.Size
	}
	return sum, nil
}

// Announced returns the record of a file that is, or was, sent in parts, before anything is done with it: ErrNotFound,
// or ErrLost if it is being removed.
func (s *Service) Announced(ctx context.Context, person PersonID, file FileID) (File, error) {
	return s.direct(ctx, person, file)
}

// direct returns the record of a file in parts: ErrNotFound, or ErrLost if it is being removed.
func (s *Service) direct(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.catalog.File(ctx, person, file)
	switch {
	case err != nil:
		return File{}, fmt.Errorf("read file record: %w", err)
	case f.Multipart == nil:
		return File{}, &Error{Code: CodeNotFound}
	case f.State == FileDeleting:
		return f, lost(nil)
	}
	return f, nil
}

// MaxSigned is the number of parts that SignParts signs in one call.
const MaxSigned = 100

// progressEach is how often a record is marked with the progress of its upload. It must be far below the age from which
// reconciliation removes uploads without progress.
const progressEach = time.Minute

// SignParts returns a request for each of the parts (1 to MaxSigned) of a file that Announced returned, valid for
// lifetime. Who removes the file meanwhile aborts its multipart upload, for which the requests then do nothing.
//
// Errors: ErrInvalid for numbers or sizes that do not match the announcement, with each in Fields, such as
// "parts/0/size" for the first of parts; ErrLost if the file is stored or being removed; ErrUnavailable.
func (s *Service) SignParts(ctx context.Context, f File, parts []Part, lifetime time.Duration) ([]SignedRequest,
	error) {
	if len(parts) < 1 || len(parts) > MaxSigned {
		return nil, Errorf(CodeInvalid, nil, "Request 1 to %d parts at a time, not %d.", MaxSigned, len(parts))
	}
	if f.State == FileStored {
		return nil, stored()
	}
	var faults []FieldFault
	for i, p := range parts {
		size, ok := f.Multipart.PartBytes(p.Number)
		switch {
		case !ok:
			faults = append(faults, FieldFault{fmt.Sprintf("parts/%d/number", i),
				fmt.Sprintf("The file has parts 1 to %d; part %d does not exist.", f.Multipart.Parts(), p.Number)})
		case p.Size != size:
			faults = append(faults, FieldFault{fmt.Sprintf("parts/%d/size", i),
				fmt.Sprintf("Part %d must have %d bytes, not %d.", p.Number, size, p.Size)})
		}
	}
	if len(faults) > 0 {
		return nil, &Error{Code: CodeInvalid, Message: faults[0].Message, Fields: faults}
	}
	if now := s.time(); now.Sub(f.UpdatedAt) >= progressEach {
		if err := s.catalog.Touch(ctx, f.Person, f.ID, now); err != nil {
			if errors.Is(err, ErrLost) {
				return nil, lost(err)
			}
			return nil, fmt.Errorf("mark progress: %w", err)
		}
	}
	signed := make([]SignedRequest, len(parts))
	for i, p := range parts {
		var err error
		if signed[i], err = s.objects.Sign(ctx, f.Key(), f.Multipart.UploadID, p, lifetime); err != nil {
			return nil, fmt.Errorf("sign part: %w", err)
		}
	}
	return signed, nil
}
