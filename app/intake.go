package dossier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/gabriel-vasile/mimetype"
)

// The write path. Three stores share no transaction, so the order of the steps carries the promise:
//
//  1. Begin inserts the person, idempotently by id, in state PersonSubmitting.
//  2. AddFile counts the file against the person's quota and puts its record, in state FileUploading, then looks at the person once more. Whoever deletes a person marks it
//     first and lists its files afterwards. So either the deleter's list holds this record, or this look finds the mark: no file
//     can slip in behind a deletion.
//  3. AddFile sends the bytes. The record and the key belong to this attempt alone.
//  4. AddFile compares size and checksum with what the object store says that it holds, counts the bytes against the quota, and describes
//     the content in the record.
//  5. Acknowledge commits every described record (FileStored), then the person (PersonSubmitted). Only then may the submitter be told.
//
// What ends before step 5 was never acknowledged: Abandon removes it, or reconciliation does. A file of the same name and
// content that the person has already is found by Catalog.Commit, so a submission that is sent again, at the same time or later, leaves
// each file once.

// Submission is one attempt to hand in a person's details and files. It is used by one goroutine.
type Submission struct {
	svc     *Service
	person  Person
	files   []*attempt
	settled bool
}

// attempt is one file of a Submission on its way.
type attempt struct {
	file    File
	outcome Outcome
	// pending: described, to be committed by Acknowledge.
	pending bool
}

// Outcome is what became of one file of a submission.
type Outcome struct {
	// Name is the file's name after CleanFileName.
	Name string
	// File is the stored record; nil unless Acknowledge stored the file or found it stored.
	File *File
	// Err is why the file was not kept; nil until then. Its message is for the submitter.
	Err *Error
}

// Begin opens a submission: the person is inserted, or found where the same form was sent before.
//
// Errors: ErrInvalid with every faulty field; ErrConflict where the receipt's person belongs to another secret, has other details or
// is being deleted (nothing is told about which); ErrUnavailable.
func (s *Service) Begin(ctx context.Context, receipt Receipt, details Details) (*Submission, error) {
	if err := details.Clean(); err != nil {
		return nil, err
	}
	now := s.time()
	person := Person{
		ID: receipt.Person, Details: details, ReceiptHash: receipt.Hash(),
		State: PersonSubmitting, CreatedAt: now, UpdatedAt: now,
	}
	// The person may vanish between the steps, by a deletion that just finished; then it is inserted anew.
	for range 3 {
		err := s.people.Insert(ctx, person)
		if err == nil {
			return &Submission{svc: s, person: person}, nil
		}
		if !errors.Is(err, ErrExists) {
			return nil, fmt.Errorf("insert person: %w", err)
		}
		found, err := s.people.Person(ctx, person.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return nil, fmt.Errorf("read person: %w", err)
		case !receipt.Opens(found) || found.Details != details || found.State == PersonDeleting:
			return nil, conflict(nil)
		}
		if found.State == PersonSubmitting {
			// Tells reconciliation that somebody is at it.
			err := s.people.Move(ctx, found.ID, PersonSubmitting, now, PersonSubmitting)
			if err != nil && !errors.Is(err, ErrLost) {
				if errors.Is(err, ErrNotFound) {
					continue
				}
				return nil, fmt.Errorf("touch person: %w", err)
			}
		}
		return &Submission{svc: s, person: found}, nil
	}
	return nil, conflict(nil)
}

func conflict(cause error) *Error {
	return Errorf(CodeConflict, cause, "This form was already used for another submission, or that submission is being deleted. Send it as a new one.")
}

// Person returns the person that the submission is for.
func (sub *Submission) Person() Person { return sub.person }

// Outcomes returns what became of each file so far, in the order of AddFile.
func (sub *Submission) Outcomes() []Outcome {
	out := make([]Outcome, len(sub.files))
	for i, a := range sub.files {
		out[i] = a.outcome
	}
	return out
}

// Refuse records a file that was not taken at all, so that Outcomes tells of it.
func (sub *Submission) Refuse(name string, why *Error) {
	sub.files = append(sub.files, &attempt{outcome: Outcome{Name: CleanFileName(name), Err: why}})
}

// AddFile reads a file from r to its end and sends it to the object store. A fault of this file alone (too large, over the person's quota,
// changed on its way) is told in Outcomes and the returned error is nil: the next file may be added. An error means that the submission cannot go on:
// r's own error, wrapped; ErrConflict where the person is being deleted; ErrUnavailable; or that of ctx.
// The file counts as stored only after Acknowledge.
func (sub *Submission) AddFile(ctx context.Context, name string, r io.Reader) error {
	s, now := sub.svc, sub.svc.time()
	a := &attempt{file: File{
		Person: sub.person.ID, ID: NewFileID(), Name: CleanFileName(name), Author: sub.person.Name,
		State: FileUploading, CreatedAt: now, UpdatedAt: now,
	}}
	a.outcome.Name = a.file.Name
	sub.files = append(sub.files, a)
	usage, err := s.reserve(ctx, a.file.Person, a.file.Counted())
	if err == nil {
		if err = s.send(ctx, a, r, usage); err == nil {
			a.pending = true
			return nil
		}
		s.discard(ctx, a.file)
	}
	var fault *Error
	if !errors.As(err, &fault) {
		a.outcome.Err = Errorf(CodeUnavailable, err, "Did not arrive whole.")
		return err
	}
	a.outcome.Err = fault
	switch fault.Code {
	case CodeTooLarge, CodeQuota, CodeCorrupt, CodeLost:
		return nil
	}
	return err
}

// send does steps 2 to 4 for one file that is counted, as usage says.
func (s *Service) send(ctx context.Context, a *attempt, r io.Reader, usage Usage) error {
	if err := s.catalog.Put(ctx, a.file); err != nil {
		return fmt.Errorf("put file record: %w", err)
	}
	person, err := s.people.Person(ctx, a.file.Person)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("read person: %w", err)
	}
	if err != nil || person.State == PersonDeleting {
		return conflict(err)
	}
	content, err := s.transfer(ctx, a.file.Key(), r, s.limits.PersonBytes-usage.Bytes)
	if err != nil {
		return err
	}
	held, err := s.objects.Stat(ctx, a.file.Key())
	if err != nil {
		if errors.Is(err, ErrNotFound) {
			return lost(err)
		}
		return fmt.Errorf("verify object: %w", err)
	}
	if held != content.held() {
		return Errorf(CodeCorrupt, fmt.Errorf("sent %d bytes, CRC-64 %016x; store holds %d, %016x", content.Size, content.CRC64, held.Size, held.CRC64),
			"Was changed on its way to the store and not kept. Send it again.")
	}
	bytes := Quota{Bytes: content.Size}
	if usage, err = s.reserve(ctx, a.file.Person, bytes); err != nil {
		return err
	}
	if err := s.catalog.Describe(ctx, a.file.Person, a.file.ID, content, s.time()); err != nil {
		if errors.Is(err, ErrLost) {
			// The record cannot be described any more, so whoever removes it uncounts the file alone.
			s.release(ctx, a.file, bytes, usage.Epoch)
			return lost(err)
		}
		return fmt.Errorf("describe file: %w", err)
	}
	a.file.Content = &content
	return nil
}

// reserve counts something against a person's quota.
func (s *Service) reserve(ctx context.Context, person PersonID, add Quota) (Usage, error) {
	usage, err := s.catalog.Reserve(ctx, person, add, s.limits.quota(), s.time())
	switch {
	case errors.Is(err, ErrQuota):
		return usage, s.full(err)
	case err != nil:
		return usage, fmt.Errorf("count file: %w", err)
	}
	return usage, nil
}

// full says that a person's quota does not take a file.
func (s *Service) full(cause error) *Error {
	return Errorf(CodeQuota, cause, "Does not fit any more: one person may have %d files, of %s together, and those that are being sent count too.",
		s.limits.PersonFiles, FormatBytes(s.limits.PersonBytes))
}

// release uncounts what was reserved for a file and is in no record. It also works when ctx has ended; what fails is left to
// reconciliation, because it must not be done twice.
func (s *Service) release(ctx context.Context, f File, off Quota, epoch string) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.catalog.Release(ctx, f.Person, off, epoch, s.time()); err != nil {
		s.left(ctx, f, err)
	}
}

// left logs what could not be put right.
func (s *Service) left(ctx context.Context, f File, err error) {
	s.log.WarnContext(ctx, "left for reconciliation", "person", f.Person.String(), "file", f.ID.String(), "err", err)
}

func lost(cause error) *Error {
	return Errorf(CodeLost, cause, "Was removed while it was being sent. Send it again.")
}

// transfer sends r's bytes to key and returns what was sent. It gives up where they are more than the limit for one file, or than is left of
// the person's quota.
func (s *Service) transfer(ctx context.Context, key string, r io.Reader, left int64) (Content, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m := &meter{r: r, sha: sha256.New(), crc: NewCRC64(), limit: s.limits.FileBytes, over: s.tooLarge(), stall: s.stall}
	if left < m.limit {
		m.limit, m.over = left, s.full(nil)
	}
	m.timer = time.AfterFunc(s.stall, func() {
		cancel(fmt.Errorf("object store took no byte for %s", s.stall))
	})
	defer m.stop()
	err := s.objects.Put(ctx, key, m)
	if readErr := m.failure(); readErr != nil {
		// Whatever the store made of it, the source is the reason.
		return Content{}, readErr
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
			return Content{}, &Error{Code: CodeUnavailable, Err: cause}
		}
		return Content{}, fmt.Errorf("put object: %w", err)
	}
	return m.content(), nil
}

func (s *Service) tooLarge() *Error {
	return Errorf(CodeTooLarge, nil, "Is larger than the limit of %s for one file.", FormatBytes(s.limits.FileBytes))
}

// sniffed is how many bytes at the beginning decide a file's type: what mimetype looks at by default.
const sniffed = 3072

// meter reads a file's bytes once and keeps what must be known of them. While the store is at work between two reads a timer runs;
// while the source is being read it does not, because waiting for the sender is not the store's fault. It does not run after the last
// byte either.
type meter struct {
	r     io.Reader
	sha   hash.Hash
	crc   hash.Hash64
	head  []byte
	size  int64
	limit int64
	over  *Error // what is wrong with more bytes than limit

	stall   time.Duration
	timer   *time.Timer
	mu      sync.Mutex // the store may read from one goroutine and return from another
	stopped bool
	err     error
}

func (m *meter) Read(p []byte) (int, error) {
	m.timer.Stop()
	n, err := m.r.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sha.Write(p[:n])
	m.crc.Write(p[:n])
	if free := sniffed - len(m.head); free > 0 {
		m.head = append(m.head, p[:min(n, free)]...)
	}
	m.size += int64(n)
	if m.size > m.limit {
		err = m.over
	}
	if err != nil && err != io.EOF {
		if m.err == nil {
			m.err = err
		}
		return 0, err
	}
	// After the last byte the store has limits of its own: S3 may take minutes to put the parts of a large object together.
	if !m.stopped && err == nil {
		m.timer.Reset(m.stall)
	}
	return n, err
}

// stop ends the timer for good, also against a Read that is still under way in a store that was cancelled.
func (m *meter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	m.timer.Stop()
}

// failure returns the source's error, if that ended the reading.
func (m *meter) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *meter) content() Content {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Content{
		Size: m.size, SHA256: [32]byte(m.sha.Sum(nil)), CRC64: m.crc.Sum64(), Type: mimetype.Detect(m.head).String(),
	}
}

// Acknowledge commits what arrived and returns nil when the submitter may be told so: Outcomes then says which files are
// stored and why others are not. After an error nothing may be told as stored; the same form sent again ends well.
// Errors: ErrConflict where the person was deleted meanwhile; ErrUnavailable; or that of ctx.
func (sub *Submission) Acknowledge(ctx context.Context) error {
	s := sub.svc
	sub.settled = true
	for _, a := range sub.files {
		if !a.pending {
			continue
		}
		stored, err := s.catalog.Commit(ctx, a.file.Person, a.file.ID, s.time())
		if errors.Is(err, ErrLost) {
			a.pending = false
			a.outcome.Err = lost(err)
			s.discard(ctx, a.file)
			continue
		}
		if err != nil {
			// What is committed by now stays, unacknowledged: the same form sent again finds it, else reconciliation
			// removes it with the person.
			sub.settled = false
			return fmt.Errorf("commit file: %w", err)
		}
		a.pending = false
		if stored.ID != a.file.ID {
			s.discard(ctx, a.file)
			if !a.file.Content.same(stored) {
				a.outcome.Err = differs()
				continue
			}
		}
		a.outcome.File = &stored
	}
	err := s.people.Move(ctx, sub.person.ID, PersonSubmitted, s.time(), PersonSubmitting)
	if errors.Is(err, ErrLost) {
		// Acknowledged before, by this form or its twin; or being deleted.
		var found Person
		if found, err = s.people.Person(ctx, sub.person.ID); err == nil && found.State != PersonSubmitted {
			err = &Error{Code: CodeNotFound}
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		for _, a := range sub.files {
			a.outcome.File = nil
		}
		return conflict(err)
	case err != nil:
		return fmt.Errorf("confirm person: %w", err)
	}
	sub.person.State = PersonSubmitted
	return nil
}

// Abandon gives up what Acknowledge did not commit. It also works when ctx has ended, within a bound of its own; what it cannot remove is
// left to reconciliation. After an Acknowledge without error it does nothing.
func (sub *Submission) Abandon(ctx context.Context) {
	if sub.settled {
		return
	}
	sub.settled = true
	for _, a := range sub.files {
		if a.pending {
			a.pending = false
			sub.svc.discard(ctx, a.file)
		}
	}
}

// same tells whether a stored file that Commit answered with has this content indeed. Commit goes by the SHA-256, and that of a file with an
// Upload is only what its sender said.
func (c *Content) same(stored File) bool {
	return stored.Content != nil && c.held() == stored.Content.held()
}

func differs() *Error {
	return Errorf(CodeCorrupt, nil, "You have a file of this name already, with this SHA-256 but other bytes: one of the two was computed wrongly. "+
		"Delete that file, or send this one by another name.")
}

// discard removes a file that was never acknowledged: its record, if it can still be won, its transfer and its object. The object's key
// belongs to this file alone, so removing it harms nobody, unless somebody else finished the record: a twin's Commit may have
// answered with it.
func (s *Service) discard(ctx context.Context, f File) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.giveUp(ctx, f); err != nil && !errors.Is(err, ErrLost) {
		s.left(ctx, f, err)
	}
}

// giveUp is discard that tells how it went: ErrLost where the file is stored.
func (s *Service) giveUp(ctx context.Context, f File) error {
	err := s.catalog.MarkDeleting(ctx, f.Person, f.ID, s.time(), FileUploading)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	// Also where the record is gone, for what came to lie after that. Then nothing is removed and nothing uncounted.
	return s.erase(ctx, f)
}
