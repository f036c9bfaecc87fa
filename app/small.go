package dossier

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/debug"
)

// A small file of a form is read to its end before anything is done about it. So its content is known when its record
// is put: it is counted once, described at once, and committed without a look. Several are counted together, and share
// the second look at the person.
//
// The record says what the object has to be before there is one, as that of a file in parts does while it is completed.
// Whoever finds such a record therefore looks at the object (Service.arrived).

// SmallBytes is the size of the largest SmallFile.
const SmallBytes = 32 << 10

// SmallFile is a whole file, of at most SmallBytes, with a path as for CleanPath.
type SmallFile struct {
	Path string
	Data []byte
}

// ReadSmall reads a file that may be small: data is all of it, and rest nil; or rest is a reader of all of it.
func ReadSmall(r io.Reader) (data []byte, rest io.Reader, err error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, SmallBytes+1))
	switch {
	case err != nil:
		return nil, nil, err
	case n > SmallBytes:
		return nil, io.MultiReader(&b, r), nil
	}
	return bytes.Clone(b.Bytes()), nil, nil
}

// AddFiles is AddFile for small files. If the submission cannot continue, some of them may still be kept: Outcomes
// tells.
func (sub *Submission) AddFiles(ctx context.Context, files ...SmallFile) error {
	s := sub.svc
	var group []*incoming
	data := map[*incoming][]byte{}
	var all Quota
	for _, f := range files {
		in := sub.incoming(f.Path)
		content, why := s.describe(f.Data)
		if why != nil {
			in.outcome.Err = why
			continue
		}
		in.file.Content = &content
		group, data[in], all = append(group, in), f.Data, all.plus(in.file.Counted())
	}
	if len(group) == 0 {
		return sub.begun()
	}
	usage, err := s.reserve(ctx, sub.person.ID, all, Quota{})
	if refused := sub.begun(); refused != nil {
		if err == nil {
			s.release(ctx, group[0].file, all, usage.Epoch)
		}
		return allFailed(group, refused)
	}
	if noRoom(err) {
		return s.squeeze(ctx, group, data)
	}
	if err != nil {
		return allFailed(group, err)
	}
	put, err := s.putRecords(ctx, group, usage.Epoch)
	if put == 0 {
		return err
	}
	// The bytes may be on their way while the person is looked at: what must come before the look is the record.
	look := meanwhile(func() error { return s.unmarked(ctx, sub.person.ID) })
	if failure := s.sendSmall(ctx, group[:put], data); err == nil {
		err = failure
	}
	if marked := look(); marked != nil {
		for _, in := range group[:put] {
			if in.pending {
				in.pending = false
				s.discard(ctx, in.file)
			}
		}
		return allFailed(group, marked)
	}
	return err
}

// describe returns the content of bytes, unless they are too many or of a type that is not accepted.
func (s *Service) describe(data []byte) (Content, *Error) {
	if int64(len(data)) > s.limits.FileBytes {
		return Content{}, s.tooLarge()
	}
	d := newDigest()
	_, _ = d.Write(data) // a digest never fails
	content := d.content()
	return content, s.refusedType(content.Type)
}

// allFailed notes for all of the files why they are not kept.
func allFailed(files []*incoming, err error) error {
	for _, in := range files {
		_ = in.failed(err)
	}
	return err
}

// squeeze adds files of which not all have room: one after the other, as larger ones, so that those that are stored
// already are found.
func (s *Service) squeeze(ctx context.Context, group []*incoming, data map[*incoming][]byte) error {
	for i, in := range group {
		in.file.Content = nil
		if err := in.failed(s.accommodate(ctx, in, bytes.NewReader(data[in]))); err != nil {
			return allFailed(group[i+1:], err)
		}
	}
	return nil
}

// putRecords puts the records of files that are counted, and returns how many it put, in order, before one failed.
func (s *Service) putRecords(ctx context.Context, group []*incoming, epoch string) (int, error) {
	for i, in := range group {
		err := s.catalog.Put(ctx, in.file)
		if err == nil {
			in.whole = true
			continue
		}
		err = fmt.Errorf("put file record: %w", err)
		s.discard(ctx, in.file) // it may have been put
		for _, left := range group[i+1:] {
			s.release(ctx, left.file, left.file.Counted(), epoch)
		}
		return i, allFailed(group[i:], err)
	}
	return len(group), nil
}

// sendSmall sends the bytes of files whose records are put. After one that the submission cannot continue after, the
// others are discarded.
func (s *Service) sendSmall(ctx context.Context, group []*incoming, data map[*incoming][]byte) error {
	for i, in := range group {
		_, err := s.stream(ctx, in.file.Key(), bytes.NewReader(data[in]), SmallBytes, nil)
		if err == nil {
			in.pending = true
			continue
		}
		s.discard(ctx, in.file)
		if err := in.failed(err); err != nil {
			for _, left := range group[i+1:] {
				s.discard(ctx, left.file)
			}
			return allFailed(group[i+1:], err)
		}
	}
	return nil
}

// PanicError is a panic in another goroutine, which is passed on to the one that waits for it.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error. The stack is not part of it.
func (p *PanicError) Error() string { return fmt.Sprint(p.Value) }

// meanwhile calls f in another goroutine. The function that it returns waits for it and returns its error, or panics
// with a PanicError.
func meanwhile(f func() error) (wait func() error) {
	done := make(chan struct{})
	var err error
	var panicked *PanicError
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				panicked = &PanicError{v, debug.Stack()}
			}
		}()
		err = f()
	}()
	return func() error {
		<-done
		if panicked != nil {
			panic(panicked)
		}
		return err
	}
}
