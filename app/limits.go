package dossier

import (
	"math"

	"dossier.example/app/bounds"
)

// Limits limits what one submission, and one person, may contain.
type Limits struct {
	// FileBytes is the size of the largest file accepted, in bytes.
	FileBytes int64
	// Files is the number of files accepted in one form.
	Files int
	// PersonFiles is the number of files that one person may have, whichever way they were sent, including unfinished
	// ones. Zero: 20 full forms, and at least 10,000.
	PersonFiles int
	// PersonBytes is the number of bytes that these files may have together. Zero: one form full of the largest files,
	// and at least 250 GiB.
	PersonBytes int64
	// Types are the media types of files that are accepted, as bytes show them: names such as application/pdf, or
	// image/* for a group, separated by commas. Empty, or */*: any.
	Types string
}

// DefaultLimits returns the limits that apply when the settings name none.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = bounds.FileBytes
	}
	if l.Files == 0 {
		l.Files = bounds.Files
	}
	if l.PersonFiles == 0 {
		l.PersonFiles = max(10_000, 20*l.Files)
	}
	if l.PersonBytes == 0 {
		full := int64(math.MaxInt64)
		if l.FileBytes <= full/int64(l.Files) {
			full = l.FileBytes * int64(l.Files)
		}
		l.PersonBytes = max(250<<30, full)
	}
	return l
}

// Limits returns what one submission, and one person, may contain.
func (s *Service) Limits() Limits { return s.limits }

func (s *Service) tooLarge() *Error {
	return Errorf(CodeTooLarge, nil, "Exceeds the limit of %s for one file.", FormatLimit(s.limits.FileBytes))
}
