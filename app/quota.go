package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Quota is a number of files and of their bytes.
type Quota struct {
	Files int64
	Bytes int64
}

func (q Quota) plus(more Quota) Quota { return Quota{q.Files + more.Files, q.Bytes + more.Bytes} }

// Usage is what a person's counter says.
type Usage struct {
	Person PersonID
	Quota
	// Epoch changes with every Recount, and Revision with every change. Both are opaque, never used twice, and empty if
	// there is no counter.
	Epoch, Revision string
	// UpdatedAt is when it was last changed.
	UpdatedAt time.Time
}

// quota is what one person may have.
func (l Limits) quota() Quota { return Quota{Files: int64(l.PersonFiles), Bytes: l.PersonBytes} }

// Counted is what the file counts for in its person's quota, in any state, from before its record is put until after
// the record is removed: one file, and its bytes once their number is known. That is from the beginning for a file in
// parts, otherwise after they have passed.
func (f File) Counted() Quota {
	switch {
	case f.Multipart != nil:
		return Quota{1, f.Multipart.Size}
	case f.Content != nil:
		return Quota{1, f.Content.Size}
	}
	return Quota{Files: 1}
}

// Counted returns how many files and bytes the quota counts for a person, including those being sent and those being
// removed. The cost does not depend on their number.
func (s *Service) Counted(ctx context.Context, person PersonID) (Quota, error) {
	usage, err := s.catalog.Usage(ctx, person)
	if err != nil {
		return Quota{}, fmt.Errorf("read what is counted: %w", err)
	}
	return usage.Quota, nil
}

// reserve counts something against a person's quota and the budgets above it, and what they may be exceeded by.
func (s *Service) reserve(ctx context.Context, person PersonID, add, spare Quota) (Usage, error) {
	if err := s.claim(ctx, add, spare); err != nil {
		return Usage{}, err
	}
	usage, err := s.catalog.Reserve(ctx, person, add, s.limits.quota().plus(spare), s.time())
	if err != nil {
		// The budgets count records, and none is put.
		s.unclaim(ctx, add)
	}
	switch {
	case errors.Is(err, ErrQuota):
		return usage, s.full(err)
	case err != nil:
		return usage, fmt.Errorf("count file: %w", err)
	}
	return usage, nil
}

// allowance returns about how many bytes more may come for a person of this usage, and what is wrong with more. It is
// looked at before bytes are sent; they are counted when they have passed.
func (s *Service) allowance(ctx context.Context, usage Usage, spare Quota) (bytes int64, over *Error) {
	bytes, over = s.limits.PersonBytes+spare.Bytes-usage.Bytes, s.full(nil)
	for _, a := range []*account{s.store, s.networks.of(SenderOf(ctx).Client)} {
		// Where a store does not answer, the counting afterwards tells.
		if left, err := a.left(ctx); err == nil && left.Bytes+spare.Bytes < bytes {
			bytes = left.Bytes + spare.Bytes
			over, _ = errors.AsType[*Error](a.short())
		}
	}
	return bytes, over
}

// tight reports whether a file that is about to be sent may find no room, or has.
func (s *Service) tight(ctx context.Context, usage Usage, err error) bool {
	if err != nil {
		return noRoom(err)
	}
	left, _ := s.allowance(ctx, usage, Quota{})
	return left < s.limits.FileBytes
}

// named returns the stored files of a person that have a path, and what those of them count for that are damaged: a
// copy that is to be replaced must not be what the new one has no room for. Only so many are looked at, since who sends
// is not to make the stores work for nothing; of others their marks decide.
func (s *Service) named(ctx context.Context, person PersonID, path string) (files []File, damaged Quota, err error) {
	for f, err := range allFiles(ctx, s.catalog, person) {
		if err != nil {
			return nil, Quota{}, err
		}
		if f.State == FileStored && f.Content != nil && f.Path() == path {
			files = append(files, f)
		}
	}
	for i := range files {
		if i < twinTries && files[i].Damage == nil {
			switch now, err := s.check(ctx, files[i]); {
			case errors.Is(err, ErrNotFound): // whoever is told so looks again
			case err != nil:
				return nil, Quota{}, fmt.Errorf("look at the file of the same path, which is stored: %w", err)
			default:
				files[i] = now
			}
		}
		if files[i].Damage != nil {
			damaged = damaged.plus(files[i].Counted())
		}
	}
	return files, damaged, nil
}

// resend compares what a form sends with files that are stored by that name, so that what the person has already is
// answered with it, though the quota takes no more.
type resend struct {
	files  []File
	digest digest
	raw    io.Reader
}

// reader returns the bytes of the form.
func (a *resend) reader() io.Reader { return io.TeeReader(a.raw, &a.digest) }

// stored reads what is left and returns the stored file that has these bytes; nil where there is none. The error is
// that of the form.
func (a *resend) stored() (*File, error) {
	var longest int64
	for _, f := range a.files {
		longest = max(longest, f.Content.Size)
	}
	// One byte more tells a longer file from one that ends.
	if left := longest + 1 - a.digest.size; left > 0 {
		if _, err := io.Copy(&a.digest, io.LimitReader(a.raw, left)); err != nil {
			return nil, err
		}
	}
	sent := a.digest.content()
	for _, f := range a.files {
		if sent.same(f) && sent.SHA256 == f.Content.SHA256 {
			return &f, nil
		}
	}
	return nil, nil
}

// full says that a person's quota does not take a file.
func (s *Service) full(cause error) *Error {
	return Errorf(CodeQuota, cause,
		"Over the limit: one person may have %d files, %s in total, including files still being sent.",
		s.limits.PersonFiles, FormatLimit(s.limits.PersonBytes))
}

// release uncounts what was reserved for a file and is in no record. It also works when ctx has ended; what fails is
// left to reconciliation, because it must not be done twice.
func (s *Service) release(ctx context.Context, f File, off Quota, epoch string) {
	ctx, cancel := detached(ctx)
	defer cancel()
	s.unclaim(ctx, off)
	if err := s.catalog.Release(ctx, f.Person, off, epoch, s.time()); err != nil {
		s.left(ctx, f, err)
	}
}
