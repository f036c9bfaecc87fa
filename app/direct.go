package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gabriel-vasile/mimetype"
)

// The direct way in. The submitter's client sends the bytes to the object store itself, in parts; this program plans, signs and verifies.
// Nothing is held in memory between two calls, every call may be repeated, and two at once do no harm:
//
//  1. Register inserts the person and acknowledges the details.
//  2. Announce counts the file against the person's quota, starts a transfer and puts the record, in state FileUploading, with the
//     transfer's id; then it looks at the person once more, as a form does (see intake.go). Of two Announces at once one's record is put;
//     the other drops its transfer and finds it.
//  3. SignParts hands out requests for parts, each for its exact length and checksum, and marks the record as making progress.
//  4. Complete compares the parts that the store has with what was announced and with the whole's checksum; describes the content in the
//     record; finishes the transfer; compares what the store now holds; commits the record. Only then may the submitter be told.
//
// What ends between the steps of 4 is finished by whoever repeats the call, or by reconciliation. A Complete whose record was lost
// meanwhile (GiveUp, a deletion) removes the object that it made.
//
// The content is described twice: before the transfer is finished without a Type, for nobody can look at bytes in parts, so that whoever
// meets the object knows what it has to be; and with the Type that the object's first bytes show. Catalog.Commit does not store
// a record that was described without a Type last, so a slow twin that describes it anew takes no Type away.

// Announcement is a file that is to come.
type Announcement struct {
	// ID is made up by the sender, so that an announcement that is repeated is the same file. One whose file was given up, lost or
	// deleted is not used again: what still runs for that file would take the new one for it.
	ID FileID
	// Name as the sender has it; CleanFileName makes it fit.
	Name string
	// Size in bytes. An empty file has one part, of no bytes.
	Size int64
}

// Checksums are what the sender computed of a whole file.
type Checksums struct {
	CRC64  uint64
	SHA256 [32]byte
}

// The sizes of parts. 8 MiB is sent within a minute at 1.2 Mbit/s, so a phone that loses its network loses at most that; a request
// takes its round trip for it a few times a second at most; and a file of the default limit of 5 GiB has 640 parts, one of up to
// 78 GiB no larger ones.
const (
	leastPart = 8 << 20
	partStep  = 1 << 20
)

// PartSize returns the size of a file's parts but the last, for files of up to MaxParts × MaxPartSize: small enough that little is lost with one,
// large enough that MaxParts of them hold the file. It is a whole number of MiB, at least 8 and at most MaxPartSize.
func PartSize(size int64) int64 {
	if size <= MaxParts*leastPart {
		return leastPart
	}
	least := (size-1)/MaxParts + 1
	return min((least-1)/partStep+1, MaxPartSize/partStep) * partStep
}

// Parts returns the number of parts that the file has: at least one.
func (u Upload) Parts() int {
	if u.Size == 0 {
		return 1
	}
	return int((u.Size-1)/u.PartSize + 1)
}

// PartBytes returns the size of a part, in bytes; false for a number that the file does not have.
func (u Upload) PartBytes(number int) (int64, bool) {
	last := u.Parts()
	switch {
	case number < 1 || number > last:
		return 0, false
	case number < last:
		return u.PartSize, true
	}
	return u.Size - int64(last-1)*u.PartSize, true
}

// whole tells whether the parts that the store has are those of the file, and have its checksum together.
func (u Upload) whole(parts []Part, crc uint64) error {
	var sum uint64
	for i, p := range parts {
		size, ok := u.PartBytes(p.Number)
		switch {
		case ok && p.Number > i+1:
			return u.missing(i + 1)
		case !ok || p.Size != size:
			return Errorf(CodeCorrupt, nil, "Part %d arrived with %d bytes, and is to have %d. Send it again.", p.Number, p.Size, size)
		}
		sum = CombineCRC64(sum, p.CRC64, p.Size)
	}
	if len(parts) < u.Parts() {
		return u.missing(len(parts) + 1)
	}
	if sum != crc {
		return Errorf(CodeCorrupt, fmt.Errorf("the parts have the CRC-64 %016x, the sender's is %016x", sum, crc),
			"Is not what was to be sent: a part differs. Send it again.")
	}
	return nil
}

func (u Upload) missing(number int) *Error {
	return Errorf(CodeIncomplete, nil, "Part %d of %d did not arrive yet.", number, u.Parts())
}

// Register is Begin and Acknowledge of a person without files: idempotent by the receipt.
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

// Announce begins a file of a person, or finds it where it was announced before: in whatever state but FileDeleting.
//
// Errors: ErrInvalid for an id or a size that no file has; ErrTooLarge; ErrQuota; ErrConflict where the id was used for another name or size, or
// the person is being deleted; ErrNotFound for a person that is not there, or not acknowledged: its files would go with it; ErrUnavailable.
func (s *Service) Announce(ctx context.Context, person PersonID, a Announcement) (File, error) {
	if _, err := ParseFileID(a.ID.String()); err != nil || a.Size < 0 {
		return File{}, Errorf(CodeInvalid, err, "The file's id is to be a UUIDv7, its size a number of bytes.")
	}
	if a.Size > min(s.limits.FileBytes, MaxParts*MaxPartSize) {
		return File{}, s.tooLarge()
	}
	a.Name = CleanFileName(a.Name)
	found, err := s.catalog.File(ctx, person, a.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return File{}, fmt.Errorf("read file record: %w", err)
	}
	known := err == nil
	// A record that is there was put by an Announce that may have ended before it looked at the person: so the look comes after it here too.
	who, err := s.welcome(ctx, person)
	if err != nil {
		return File{}, err
	}
	if known {
		return a.is(found)
	}

	now := s.time()
	f := File{
		Person: person, ID: a.ID, Name: a.Name, Author: who.Name, State: FileUploading, CreatedAt: now, UpdatedAt: now,
		Upload: &Upload{Size: a.Size, PartSize: PartSize(a.Size)},
	}
	usage, err := s.reserve(ctx, person, f.Counted())
	if err != nil {
		return File{}, err
	}
	if f.Upload.Transfer, err = s.objects.Start(ctx, f.Key()); err != nil {
		s.release(ctx, f, f.Counted(), usage.Epoch)
		return File{}, fmt.Errorf("start transfer: %w", err)
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
		// Nobody knows whether the record was put. If so, it needs what was reserved and started for it, and this call repeated finds
		// it; if not, reconciliation clears both away.
		return File{}, fmt.Errorf("put file record: %w", err)
	}
	if _, err := s.welcome(ctx, person); err != nil {
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) {
			s.discard(ctx, f)
		}
		// Else nobody knows, and this call repeated finds the record.
		return File{}, err
	}
	return f, nil
}

// is returns the record of an id where it is that of this announcement.
func (a Announcement) is(f File) (File, error) {
	if f.State == FileDeleting {
		return File{}, removed(nil)
	}
	if f.Upload == nil || f.Name != a.Name || f.Upload.Size != a.Size {
		return File{}, Errorf(CodeConflict, nil, "This id was already used for another file. Send this one as a new one.")
	}
	return f, nil
}

func removed(cause error) *Error {
	return Errorf(CodeConflict, cause, "This file was removed. Send it as a new one.")
}

// welcome returns a person that takes files.
func (s *Service) welcome(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.people.Person(ctx, id)
	switch {
	case err != nil:
		return Person{}, fmt.Errorf("read person: %w", err)
	case p.State == PersonDeleting:
		return Person{}, conflict(nil)
	case p.State != PersonSubmitted:
		return Person{}, &Error{Code: CodeNotFound}
	}
	return p, nil
}

// drop gives up a transfer that no record names. It also works when ctx has ended; what fails is left to reconciliation.
func (s *Service) drop(ctx context.Context, f File) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.objects.Drop(ctx, f.Key(), f.Upload.Transfer); err != nil {
		s.left(ctx, f, err)
	}
}

// Status returns a file with an Upload, in whatever state but FileDeleting, and the parts that the object store has of it: none any more
// when it is stored. A file that only lacks its commit is stored by it; one that cannot become whole any more, because its transfer
// was given up, is removed, and ErrNotFound. ErrNotFound also where there is none.
func (s *Service) Status(ctx context.Context, person PersonID, file FileID) (File, []Part, error) {
	f, err := s.direct(ctx, person, file)
	if errors.Is(err, ErrLost) {
		err = &Error{Code: CodeNotFound, Err: err}
	}
	if err != nil || f.State == FileStored {
		return f, nil, err
	}
	parts, err := s.objects.Parts(ctx, f.Key(), f.Upload.Transfer)
	if err == nil {
		return f, parts, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return File{}, nil, fmt.Errorf("list parts: %w", err)
	}
	f, err = s.finished(ctx, f, nil)
	if errors.Is(err, ErrLost) || errors.Is(err, ErrCorrupt) {
		err = &Error{Code: CodeNotFound, Err: err}
	}
	return f, nil, err
}

// direct returns the record of a file with an Upload: ErrNotFound, or ErrLost where it is being removed.
func (s *Service) direct(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.catalog.File(ctx, person, file)
	switch {
	case err != nil:
		return File{}, fmt.Errorf("read file record: %w", err)
	case f.Upload == nil:
		return File{}, &Error{Code: CodeNotFound}
	case f.State == FileDeleting:
		return f, lost(nil)
	}
	return f, nil
}

// MaxSigned is the number of parts that SignParts signs at once.
const MaxSigned = 100

// SignParts returns a request for each of the parts (1 to MaxSigned at once), which live for lifetime.
//
// Errors: ErrInvalid for a number or a size that the announcement does not have; ErrNotFound; ErrLost where the file is stored or going;
// ErrUnavailable.
func (s *Service) SignParts(ctx context.Context, person PersonID, file FileID, parts []Part, lifetime time.Duration) ([]SignedRequest, error) {
	if len(parts) < 1 || len(parts) > MaxSigned {
		return nil, Errorf(CodeInvalid, nil, "Ask for 1 to %d parts at once, not for %d.", MaxSigned, len(parts))
	}
	f, err := s.direct(ctx, person, file)
	if err != nil {
		return nil, err
	}
	if f.State == FileStored {
		return nil, stored()
	}
	for _, p := range parts {
		size, ok := f.Upload.PartBytes(p.Number)
		switch {
		case !ok:
			return nil, Errorf(CodeInvalid, nil, "The file has parts 1 to %d, and none of number %d.", f.Upload.Parts(), p.Number)
		case p.Size != size:
			return nil, Errorf(CodeInvalid, nil, "Part %d is to have %d bytes, not %d.", p.Number, size, p.Size)
		}
	}
	if err := s.catalog.Touch(ctx, person, file, s.time()); err != nil {
		if errors.Is(err, ErrLost) {
			return nil, lost(err)
		}
		return nil, fmt.Errorf("mark progress: %w", err)
	}
	signed := make([]SignedRequest, len(parts))
	for i, p := range parts {
		if signed[i], err = s.objects.Sign(ctx, f.Key(), f.Upload.Transfer, p, lifetime); err != nil {
			return nil, fmt.Errorf("sign part: %w", err)
		}
	}
	return signed, nil
}

func stored() *Error { return Errorf(CodeLost, nil, "Is stored already.") }

// Complete makes the file of its parts and acknowledges it: the returned record is stored. Where the person has a file of the same name
// and content already, that one is returned and this one is gone. A file that is stored already is returned, if the checksums are its own.
// So is, for an id that is gone, a stored file of the person that has these checksums: that is how a Complete is repeated whose file
// gave way to another.
//
// Errors: ErrIncomplete; ErrCorrupt where parts or the whole are not what the sender computed (the file can be sent again under another id, or the
// wrong part anew); ErrLost where it was given up meanwhile; ErrNotFound; ErrUnavailable: repeat the call.
func (s *Service) Complete(ctx context.Context, person PersonID, file FileID, sums Checksums) (File, error) {
	f, done, err := s.settled(ctx, person, file, &sums)
	if done || err != nil {
		return f, err
	}
	parts, err := s.objects.Parts(ctx, f.Key(), f.Upload.Transfer)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.finished(ctx, f, &sums)
	case err != nil:
		return File{}, fmt.Errorf("list parts: %w", err)
	}
	if err := f.Upload.whole(parts, sums.CRC64); err != nil {
		if s.ended(ctx, f) {
			return s.finished(ctx, f, &sums)
		}
		return File{}, err
	}
	content := Content{Size: f.Upload.Size, SHA256: sums.SHA256, CRC64: sums.CRC64}
	switch err := s.catalog.Describe(ctx, person, file, content, s.time()); {
	case errors.Is(err, ErrLost):
		return s.finished(ctx, f, &sums)
	case err != nil:
		return File{}, fmt.Errorf("describe file: %w", err)
	}
	switch err := s.objects.Finish(ctx, f.Key(), f.Upload.Transfer, parts, content.held()); {
	case errors.Is(err, ErrNotFound):
		return s.finished(ctx, f, &sums)
	case errors.Is(err, ErrCorrupt):
		if s.ended(ctx, f) {
			return s.finished(ctx, f, &sums)
		}
		return File{}, Errorf(CodeCorrupt, err, "Is not what was to be sent: a part differs. Send it again.")
	case errors.Is(err, ErrExists):
		// Only where an id was used a second time, and only some stores tell.
		return File{}, Errorf(CodeCorrupt, err, "There is another object of this id. Send it as a new one.")
	case err != nil:
		return File{}, fmt.Errorf("finish transfer: %w", err)
	}
	return s.finished(ctx, f, &sums)
}

// ended tells whether another call finished or dropped a transfer meanwhile, or is about to drop it. While it ends a store may show a part of its
// parts, so what was wrong with them may mean nothing.
func (s *Service) ended(ctx context.Context, f File) bool {
	if _, err := s.objects.Parts(ctx, f.Key(), f.Upload.Transfer); errors.Is(err, ErrNotFound) {
		return true
	}
	now, err := s.catalog.File(ctx, f.Person, f.ID)
	return errors.Is(err, ErrNotFound) || err == nil && now.State != FileUploading
}

// settled reads the record and tells whether all is done: the file is stored, or its twin is. Without sums any that is stored will do, and none
// is looked for. ErrNotFound; ErrLost where the record is being removed; ErrCorrupt where what is stored is something else.
func (s *Service) settled(ctx context.Context, person PersonID, file FileID, sums *Checksums) (f File, done bool, err error) {
	f, err = s.direct(ctx, person, file)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrLost):
		if sums == nil {
			return File{}, false, err
		}
		twin, found, look := s.twin(ctx, person, f.Name, *sums)
		if found || look != nil {
			return twin, found, look
		}
		return File{}, false, err
	case err != nil:
		return File{}, false, err
	case f.State == FileUploading:
		return f, false, nil
	case sums != nil && !sums.are(f.Content):
		return File{}, false, Errorf(CodeCorrupt, nil, "Is stored already, with other bytes. Send this one as a new one.")
	}
	return f, true, nil
}

// twin looks for the stored file of a person, of that name where there is one, which has these checksums.
func (s *Service) twin(ctx context.Context, person PersonID, name string, sums Checksums) (File, bool, error) {
	for f, err := range allFiles(ctx, s.catalog, person) {
		if err != nil {
			return File{}, false, err
		}
		if f.State == FileStored && sums.are(f.Content) && (name == "" || name == f.Name) {
			return f, true, nil
		}
	}
	return File{}, false, nil
}

func (c Checksums) are(content *Content) bool {
	return content != nil && c == Checksums{CRC64: content.CRC64, SHA256: content.SHA256}
}

// How long finished waits for an object that another call is about to make, looking every so often; and how long after the content was described
// last it believes that one is: S3 may take minutes to put the parts of a large object together
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
const (
	finishWait  = 3 * time.Second
	finishLook  = 50 * time.Millisecond
	finishTrust = 15 * time.Minute
)

// finished goes on where the transfer is gone: this call finished it, or another did or is about to; or it was dropped. A twin of this call may
// have stored the file, or removed it for another of the same content; or it was given up or deleted, and what this call made is
// removed.
func (s *Service) finished(ctx context.Context, f File, sums *Checksums) (File, error) {
	for until := time.Now().Add(finishWait); ; {
		// Whoever finishes the transfer describes the content first. This look comes after that.
		now, done, err := s.settled(ctx, f.Person, f.ID, sums)
		switch {
		case done && now.ID != f.ID:
			s.discard(ctx, f)
			return now, nil
		case done:
			return now, nil
		case errors.Is(err, ErrLost), errors.Is(err, ErrNotFound):
			return s.hopeless(ctx, f, err)
		case err != nil:
			return File{}, err
		case now.Content == nil:
			return s.hopeless(ctx, f, errors.New("the transfer is gone, and nobody finished it"))
		case sums != nil && !sums.are(now.Content):
			return File{}, Errorf(CodeCorrupt, nil, "Was completed with other checksums. Send it as a new one.")
		}
		held, err := s.objects.Stat(ctx, f.Key())
		if err == nil {
			var stored File
			stored, err = s.accept(ctx, now, held)
			if err == nil {
				return stored, nil
			}
		}
		// A record or an object that was there and is not: the next look tells why.
		again := errors.Is(err, ErrNotFound) || errors.Is(err, ErrLost)
		switch {
		case !again:
			return File{}, err
		case errors.Is(err, ErrNotFound) && s.time().Sub(now.UpdatedAt) > finishTrust:
			return s.hopeless(ctx, f, err)
		case time.Now().After(until):
			return File{}, &Error{Code: CodeUnavailable, Err: fmt.Errorf("the transfer is gone, and its object not there yet: %w", err)}
		}
		select {
		case <-ctx.Done():
			return File{}, Unavailable(ctx, "wait for the object", ctx.Err())
		case <-time.After(finishLook):
		}
	}
}

// accept stores a file that is described, whose object the store says is so. Errors: those of commit; ErrCorrupt.
func (s *Service) accept(ctx context.Context, f File, held Held) (File, error) {
	content := *f.Content
	if held != content.held() {
		s.discard(ctx, f)
		return File{}, Errorf(CodeCorrupt, fmt.Errorf("the sender has %d bytes, CRC-64 %016x; the store holds %d, %016x", content.Size, content.CRC64, held.Size, held.CRC64),
			"Was changed on its way to the store and not kept. Send it as a new one.")
	}
	stored, err := s.commit(ctx, f, content)
	switch {
	case err != nil:
		return File{}, err
	case stored.ID != f.ID:
		s.discard(ctx, f)
		if !content.same(stored) {
			return File{}, differs()
		}
	}
	return stored, nil
}

// hopeless removes a file that cannot become whole any more.
func (s *Service) hopeless(ctx context.Context, f File, cause error) (File, error) {
	s.discard(ctx, f)
	return File{}, lost(cause)
}

// typeTries bounds how often commit describes a content again that a twin, just before, described without its Type. Each twin does so once.
const typeTries = 16

// commit stores a file whose object holds the content, and finds out its Type where it is not known yet: never from what the sender says.
// Errors: those of Catalog.Commit, and ErrNotFound where the object is gone.
func (s *Service) commit(ctx context.Context, f File, content Content) (File, error) {
	for range typeTries {
		if content.Type == "" {
			head, err := s.head(ctx, f, content)
			if err != nil {
				return File{}, err
			}
			content.Type = mimetype.Detect(head).String()
			if err := s.catalog.Describe(ctx, f.Person, f.ID, content, s.time()); err != nil {
				return File{}, fmt.Errorf("describe file: %w", err)
			}
		}
		stored, err := s.catalog.Commit(ctx, f.Person, f.ID, s.time())
		switch {
		case errors.Is(err, ErrIncomplete):
			content.Type = ""
			continue
		case err != nil:
			return File{}, fmt.Errorf("commit file: %w", err)
		}
		return stored, nil
	}
	return File{}, &Error{Code: CodeUnavailable, Err: errors.New("commit file: others describe it all the time")}
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

// GiveUp removes a file that is not stored, with its parts: nil when it is absent, ErrLost when it is stored.
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
		return fmt.Errorf("give file up: %w", err)
	}
	return nil
}
