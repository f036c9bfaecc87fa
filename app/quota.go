package dossier

import (
	"context"
	"errors"
	"fmt"
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
	// Epoch is another after every Recount, and Revision after every change: opaque, never used twice, empty where
	// there is no counter.
	Epoch, Revision string
	// UpdatedAt is when it was changed last.
	UpdatedAt time.Time
}

// quota is what one person may have.
func (l Limits) quota() Quota { return Quota{Files: int64(l.PersonFiles), Bytes: l.PersonBytes} }

// Counted is what the file counts for in its person's quota, in any state, from before its record is put until after
// that is gone: one file, and its bytes from when their number is known: of a file in parts from the beginning, else
// when they have passed.
func (f File) Counted() Quota {
	switch {
	case f.Multipart != nil:
		return Quota{1, f.Multipart.Size}
	case f.Content != nil:
		return Quota{1, f.Content.Size}
	}
	return Quota{Files: 1}
}

// Counted returns how many files and bytes a person has as the quota counts them, those on their way and on their way
// out among them: at the same cost however many they are.
func (s *Service) Counted(ctx context.Context, person PersonID) (Quota, error) {
	usage, err := s.catalog.Usage(ctx, person)
	if err != nil {
		return Quota{}, fmt.Errorf("read what is counted: %w", err)
	}
	return usage.Quota, nil
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
	return Errorf(CodeQuota, cause,
		"Does not fit any more: one person may have %d files, of %s together, and those that are being sent count too.",
		s.limits.PersonFiles, FormatBytes(s.limits.PersonBytes))
}

// release uncounts what was reserved for a file and is in no record. It also works when ctx has ended; what fails is
// left to reconciliation, because it must not be done twice.
func (s *Service) release(ctx context.Context, f File, off Quota, epoch string) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := s.catalog.Release(ctx, f.Person, off, epoch, s.time()); err != nil {
		s.left(ctx, f, err)
	}
}
