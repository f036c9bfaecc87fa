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

// quota returns what one person may have.
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

// reserve counts something against a person's quota and the budgets, each of which may be exceeded by spare.
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

// allowance returns roughly how many more bytes a person with this usage may send, and what is wrong with more. It is
// checked before bytes are sent; they are counted after they have passed.
func (s *Service) allowance(ctx context.Context, usage Usage, spare Quota) (bytes int64, over *Error) {
	bytes, over = s.limits.PersonBytes+spare.Bytes-usage.Bytes, s.full(nil)
	for _, a := range []*account{s.store, s.networks.of(SenderOf(ctx).Client)} {
		// If a store does not respond, counting afterwards decides.
		if left, err := a.left(ctx); err == nil && left.Bytes+spare.Bytes < bytes {
			bytes = left.Bytes + spare.Bytes
			over, _ = errors.AsType[*Error](a.short())
		}
	}
	return bytes, over
}

// tight reports whether a file that is about to be sent may exceed the quota, or has.
func (s *Service) tight(ctx context.Context, usage Usage, err error) bool {
	if err != nil {
		return noRoom(err)
	}
	left, _ := s.allowance(ctx, usage, Quota{})
	return left < s.limits.FileBytes
}

// named returns a person's stored files with a path, and what the damaged ones among them count for: a copy that is to
// be replaced must not leave no room for its replacement. The number of files examined is limited, so that senders
// cannot make the stores work for nothing; for others, their marks decide.
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

// resend compares what a form sends with files that are stored under that name, so that the response can be the file
// that the person already has, even if the quota allows no more.
type resend struct {
	files  []File
	digest digest
	raw    io.Reader
}

// reader returns the bytes of the form.
func (a *resend) reader() io.Reader { return io.TeeReader(a.raw, &a.digest) }

// stored reads what is left and returns the stored file that has these bytes; nil if there is none. The error is that
// of the form.
func (a *resend) stored() (*File, error) {
	var longest int64
	for _, f := range a.files {
		longest = max(longest, f.Content.Size)
	}
	// One more byte distinguishes a longer file from one that ends.
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

// full returns the error that a file exceeds a person's quota.
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
