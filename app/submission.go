package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// A form is one way to send files: its bytes pass through this program. The three stores share no transaction, so the
// promise depends on the order of the steps:
//
// 1. Begin inserts the person, idempotently by id, in state PersonSubmitting. 2. AddFile counts the file against the
// person's quota and puts its record, in state FileUploading, then looks at the person once more. Whoever deletes a
// person marks it first and lists its files afterwards. So either the deleter's list contains this record, or this look
// finds the mark: no file can be added behind a deletion. 3. AddFile sends the bytes. The record and the key belong to
// this upload alone. 4. AddFile compares size and checksum with what the object store reports that it holds, counts the
// bytes against the quota, and describes the content in the record. 5. Acknowledge commits every described record
// (FileStored), then the person (PersonSubmitted). Only then may the submitter be told.
//
// A small file takes fewer steps (small.go), in the same order.
//
// What ends before step 5 was never acknowledged: Abandon or reconciliation removes it. If the person already has a
// file with the same folder, name and content, Catalog.Commit finds it. So a submission that is sent again, at the same
// time or later, stores each file once.

// Submission is one form being received: a person's details and files. It is used by one goroutine.
type Submission struct {
	svc     *Service
	person  Person
	files   []*incoming
	settled bool
	// opening returns the person once it is inserted or found; nil once that was waited for. refused is its error.
	opening func() (person Person, resumed bool, err error)
	refused error
	// resumed: the person existed when the submission was opened, maybe with files.
	resumed bool
}

// incoming is one file of a Submission.
type incoming struct {
	file    File
	outcome Outcome
	// pending: described, to be committed by Acknowledge.
	pending bool
	// whole: described by its Put, and by nobody since.
	whole bool
	// twin is the stored file that was sent again; nothing new was stored.
	twin *File
}

// Outcome is the result for one file of a submission.
type Outcome struct {
	// Folder and Name are the file's, after CleanPath.
	Folder, Name string
	// File is the stored record; nil unless Acknowledge stored the file or found it stored.
	File *File
	// Err is why the file was not kept; nil until then. Its message is for the submitter.
	Err *Error
}

// Begin opens a submission: the person is inserted, or found if the same form was sent before.
//
// Errors: ErrInvalid with every invalid field; ErrConflict if the receipt's person has another secret, has other
// details or is being deleted (which of these is not revealed); ErrDay; ErrUnavailable.
func (s *Service) Begin(ctx context.Context, receipt Receipt, details Details) (*Submission, error) {
	sub, err := s.Start(ctx, receipt, details)
	if err == nil {
		err = sub.begun()
	}
	if err != nil {
		return nil, err
	}
	return sub, nil
}

// Start is Begin that does not wait for the stores: the person is inserted while the first bytes come. Its only error
// is ErrInvalid; any other error of Begin is that of AddFile, AddFiles or Acknowledge. Abandon must be called.
func (s *Service) Start(ctx context.Context, receipt Receipt, details Details) (*Submission, error) {
	if err := details.Clean(); err != nil {
		return nil, err
	}
	now := s.time()
	person := Person{
		ID: receipt.Person, Details: details, ReceiptHash: receipt.Hash(),
		State: PersonSubmitting, CreatedAt: now, UpdatedAt: now,
	}
	if s.receiptLifetime > 0 {
		person.ReceiptExpires = now.Add(s.receiptLifetime)
	}
	var found Person
	var resumed bool
	wait := meanwhile(func() (err error) {
		found, resumed, err = s.enter(ctx, receipt, person)
		return err
	})
	return &Submission{svc: s, person: person, opening: func() (Person, bool, error) {
		err := wait()
		return found, resumed, err
	}}, nil
}

// begun waits until the person is inserted or found, and returns why it is neither.
func (sub *Submission) begun() error {
	if wait := sub.opening; wait != nil {
		sub.opening = nil
		person, resumed, err := wait()
		if err == nil {
			sub.person, sub.resumed = person, resumed
		}
		sub.refused = err
	}
	return sub.refused
}

// enter inserts a person, or finds it as it is if the same form was sent before.
func (s *Service) enter(ctx context.Context, receipt Receipt, person Person) (found Person, resumed bool, err error) {
	network, one := s.networks.of(SenderOf(ctx).Client), amount{Persons: 1}
	charged := network.take(ctx, one, amount{})
	if charged != nil && !errors.Is(charged, ErrDay) {
		return Person{}, false, charged
	}
	inserted := false
	defer func() {
		if charged == nil && !inserted {
			network.put(ctx, one)
		}
	}()
	// The person may disappear between the steps, by a deletion that just finished; then it is inserted again.
	for range 3 {
		if charged != nil {
			// If the form was sent before, it creates no new person.
			if _, err := s.people.Person(ctx, person.ID); errors.Is(err, ErrNotFound) {
				return Person{}, false, charged
			} else if err != nil {
				return Person{}, false, fmt.Errorf("read person: %w", err)
			}
		}
		err := s.people.Insert(ctx, person)
		if err == nil {
			inserted = true
			return person, false, nil
		}
		if !errors.Is(err, ErrExists) {
			return Person{}, false, fmt.Errorf("insert person: %w", err)
		}
		found, err := s.people.Person(ctx, person.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return Person{}, false, fmt.Errorf("read person: %w", err)
		case !receipt.Opens(found) || found.Details != person.Details || found.State == PersonDeleting ||
			found.trashed():
			return Person{}, false, conflict(nil)
		case found.receiptExpired(person.CreatedAt):
			return Person{}, false, found.expired()
		}
		if found.State == PersonSubmitting {
			// Tells reconciliation that the submission is active.
			err := s.people.Move(ctx, found.ID, PersonSubmitting, person.CreatedAt, PersonSubmitting)
			if err != nil && !errors.Is(err, ErrLost) {
				if errors.Is(err, ErrNotFound) {
					continue
				}
				return Person{}, false, fmt.Errorf("touch person: %w", err)
			}
		}
		return found, true, nil
	}
	return Person{}, false, conflict(nil)
}

// Person returns the person that the submission is for.
func (sub *Submission) Person() Person { return sub.person }

// Outcomes returns the results of the files so far, in the order of AddFile.
func (sub *Submission) Outcomes() []Outcome {
	out := make([]Outcome, len(sub.files))
	for i, in := range sub.files {
		out[i] = in.outcome
	}
	return out
}

// Refuse records a file that was not accepted at all, so that Outcomes includes it.
func (sub *Submission) Refuse(path string, why *Error) {
	folder, name := CleanPath(path)
	sub.files = append(sub.files, &incoming{outcome: Outcome{Folder: folder, Name: name, Err: why}})
}

// AddFile reads a file, with a path as for CleanPath, from r to its end and sends it to the object store. A fault of
// this file alone (too large, of a wrong type, over the person's quota, changed on its way) is reported in Outcomes,
// and the returned error is nil: the next file may be added. An error means that the submission cannot continue: r's
// own error, wrapped; that of Begin; ErrConflict if the person is being deleted; ErrUnavailable; or that of ctx. The
// file counts as stored only after Acknowledge.
func (sub *Submission) AddFile(ctx context.Context, path string, r io.Reader) error {
	data, rest, err := ReadSmall(r)
	if err == nil && rest == nil {
		return sub.AddFiles(ctx, SmallFile{path, data})
	}
	in := sub.incoming(path)
	if err != nil {
		return in.failed(fmt.Errorf("read file: %w", err))
	}
	if err := sub.begun(); err != nil {
		return allFailed([]*incoming{in}, err)
	}
	return in.failed(sub.svc.accommodate(ctx, in, rest))
}

// incoming returns the next file of the form.
func (sub *Submission) incoming(path string) *incoming {
	now := sub.svc.time()
	folder, name := CleanPath(path)
	in := &incoming{file: File{
		Person: sub.person.ID, ID: NewFileID(), Folder: folder, Name: name, Author: sub.person.Name,
		State: FileUploading, CreatedAt: now, UpdatedAt: now, Scan: sub.svc.firstScan(),
	}}
	in.outcome.Folder, in.outcome.Name = folder, name
	sub.files = append(sub.files, in)
	return in
}

// failed notes why the file is not kept, and returns what the submission cannot continue after.
func (in *incoming) failed(err error) error {
	if err == nil {
		return nil
	}
	var fault *Error
	if !errors.As(err, &fault) {
		in.outcome.Err = Errorf(CodeUnavailable, err, "Arrived incomplete.")
		return err
	}
	in.outcome.Err = fault
	switch fault.Code {
	case CodeTooLarge, CodeType, CodeQuota, CodeDay, CodeCorrupt, CodeLost:
		return nil
	}
	return err
}

// accommodate counts a file and sends it or, if the quota allows no more, finds it stored.
func (s *Service) accommodate(ctx context.Context, in *incoming, r io.Reader) error {
	usage, err := s.reserve(ctx, in.file.Person, in.file.Counted(), Quota{})
	if !s.tight(ctx, usage, err) {
		if err != nil {
			return err
		}
		return s.send(ctx, in, r, usage, Quota{})
	}
	files, damaged, look := s.named(ctx, in.file.Person, in.file.Path())
	if look != nil {
		if err == nil {
			s.release(ctx, in.file, in.file.Counted(), usage.Epoch)
		}
		return look
	}
	again := &resend{files: files, digest: newDigest(), raw: r}
	if err != nil && damaged != (Quota{}) {
		usage, err = s.reserve(ctx, in.file.Person, in.file.Counted(), damaged)
	}
	if err == nil {
		if len(files) > 0 {
			r = again.reader()
		}
		err = s.send(ctx, in, r, usage, damaged)
	}
	if !noRoom(err) || len(files) == 0 {
		return err
	}
	twin, read := again.stored()
	switch {
	case read != nil:
		return fmt.Errorf("read file: %w", read)
	case twin == nil:
		return err
	}
	switch whole, look := s.intact(ctx, *twin); {
	case look != nil:
		return look
	case !whole:
		return Errorf(CodeQuota, err,
			"The stored copy of this file is damaged. Send the file again to replace it.")
	}
	in.twin = twin
	return nil
}

// send does steps 2 to 4 for one file that is counted, as usage says, and discards the result if it fails.
func (s *Service) send(ctx context.Context, in *incoming, r io.Reader, usage Usage, spare Quota) error {
	err := s.transmit(ctx, in, r, usage, spare)
	if err != nil {
		s.discard(ctx, in.file)
		return err
	}
	in.pending = true
	return nil
}

func (s *Service) transmit(ctx context.Context, in *incoming, r io.Reader, usage Usage, spare Quota) error {
	if err := s.catalog.Put(ctx, in.file); err != nil {
		return fmt.Errorf("put file record: %w", err)
	}
	if err := s.unmarked(ctx, in.file.Person); err != nil {
		return err
	}
	left, over := s.allowance(ctx, usage, spare)
	content, err := s.stream(ctx, in.file.Key(), r, left, over)
	if err != nil {
		return err
	}
	bytes := Quota{Bytes: content.Size}
	if usage, err = s.reserve(ctx, in.file.Person, bytes, spare); err != nil {
		return err
	}
	if err := s.catalog.Describe(ctx, in.file.Person, in.file.ID, content, s.time()); err != nil {
		if errors.Is(err, ErrLost) {
			// The record can no longer be described, so whoever removes it uncounts only the file.
			s.release(ctx, in.file, bytes, usage.Epoch)
			return lost(err)
		}
		return fmt.Errorf("describe file: %w", err)
	}
	in.file.Content = &content
	return nil
}

// unmarked is the second look at a person: ErrConflict if it is being deleted, or is gone.
func (s *Service) unmarked(ctx context.Context, id PersonID) error {
	person, err := s.people.Person(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("read person: %w", err)
	}
	if err != nil || person.State == PersonDeleting || person.trashed() {
		return conflict(err)
	}
	return nil
}

// Acknowledge commits what arrived and returns nil if the submitter may be told so: Outcomes then says which files are
// stored and why others are not. After an error, nothing may be reported as stored; sending the same form again is
// safe. Errors: ErrConflict if the person was deleted meanwhile; ErrUnavailable; or that of ctx.
func (sub *Submission) Acknowledge(ctx context.Context) error {
	s := sub.svc
	if err := sub.begun(); err != nil {
		return err
	}
	if sub.person.State == PersonSubmitted {
		if err := s.addWords(ctx, sub.person.ID, sub.words()); err != nil {
			return err
		}
	}
	sub.settled = true
	for _, in := range sub.files {
		if in.twin != nil {
			now, err := s.storedFile(ctx, in.twin.Person, in.twin.ID)
			switch {
			case errors.Is(err, ErrNotFound):
				in.outcome.Err = lost(err)
			case err != nil:
				sub.settled = false
				return err
			default:
				in.outcome.File = &now
			}
			continue
		}
		if !in.pending {
			continue
		}
		stored, heir, err := s.commitOrTwin(ctx, in.file, in.file.Content, in.whole)
		if errors.Is(err, ErrLost) {
			in.pending = false
			in.outcome.Err = lost(err)
			s.discard(ctx, in.file)
			continue
		}
		if err != nil {
			// What is already committed stays, unacknowledged: the same form sent again finds it, otherwise
			// reconciliation removes it with the person.
			sub.settled, in.pending = false, !heir
			return fmt.Errorf("commit file: %w", err)
		}
		in.pending = false
		if stored.ID != in.file.ID {
			s.discardTwin(ctx, in.file)
			if !in.file.Content.same(stored) {
				in.outcome.Err = differs()
				continue
			}
		}
		in.outcome.File = &stored
	}
	err := sub.confirm(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		for _, in := range sub.files {
			in.outcome.File = nil
		}
		return conflict(err)
	case err != nil:
		return fmt.Errorf("confirm person: %w", err)
	}
	sub.person.State = PersonSubmitted
	return nil
}

// confirm acknowledges the person, who can be found from then on.
func (sub *Submission) confirm(ctx context.Context) error {
	s := sub.svc
	words := sortedWords(append(sub.person.Details.words(), sub.words()...))
	if sub.person.State == PersonSubmitting {
		if sub.resumed {
			// An earlier form may have committed files.
			var err error
			if words, err = s.wordsOf(ctx, sub.person); err != nil {
				return err
			}
		}
		if err := s.people.Acknowledge(ctx, sub.person.ID, s.time(), words); !errors.Is(err, ErrLost) {
			return err
		}
	}
	// Acknowledged before, by this form or its twin; or being deleted.
	found, err := s.people.Person(ctx, sub.person.ID)
	if err == nil && (found.State != PersonSubmitted || found.trashed()) {
		err = &Error{Code: CodeNotFound}
	}
	if err == nil && sub.person.State == PersonSubmitting {
		// By the twin, which may not know of these files.
		err = s.addWords(ctx, sub.person.ID, words)
	}
	return err
}

// words returns the words of the files that are stored, or about to be.
func (sub *Submission) words() []string {
	var all []string
	for _, in := range sub.files {
		if in.pending || in.outcome.File != nil {
			all = append(all, in.file.words()...)
		}
	}
	return sortedWords(all)
}

// Abandon discards what Acknowledge did not commit. It also works when ctx has ended, within a time limit of its own;
// what it cannot remove is left to reconciliation. After an Acknowledge without error it does nothing.
func (sub *Submission) Abandon(ctx context.Context) {
	_ = sub.begun() // so that nothing is done behind the caller's back
	if sub.settled {
		return
	}
	sub.settled = true
	for _, in := range sub.files {
		if in.pending {
			in.pending = false
			sub.svc.discard(ctx, in.file)
		}
	}
}
