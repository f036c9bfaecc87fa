// Package objects keeps the bytes of files: S3 in AWS, and Directory, a folder on a local disk, embedded. Both implement
// dossier.Objects and pass storetest.Objects, so which one is used is configuration.
//
// It imports the domain and is imported by cmd/dossier, which wires it, and by tests. Nothing else needs to know which kind is in use.
package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	dossier "dossier.example/app"
)

var (
	_ dossier.Objects = (*Directory)(nil)
	_ dossier.Objects = (*S3)(nil)
)

// errKey is a fault of the caller. The key is left out: what is no generated key could be anything, a user's file name too.
var errKey = errors.New("not a key that dossier.ObjectKey makes")

// checkKey keeps every other key away from the stores, so that none escapes from a folder or from what IAM allows.
func checkKey(key string) error {
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return errKey
	}
	return nil
}

// checkRead refuses what can name no bytes of an object: a key never made and, as a fault of the caller, a negative offset.
func checkRead(key string, offset int64) error {
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return fmt.Errorf("open object: %w", err)
	}
	if offset < 0 {
		return fmt.Errorf("open object: negative offset %d", offset)
	}
	return nil
}

// unavailable is dossier.Unavailable with the reason why ctx ended, where it did, in place of what became of the request: an
// SDK reports every end of a context as context.Canceled, which would make a stalled transfer look like a caller that left.
func unavailable(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return dossier.Unavailable(ctx, doing, err)
}

// source is the reader of one Put. It remembers the reader's own error, because what lies between (an SDK) may not wrap it, and it
// stops at the end of ctx. A Read that is under way is waited for: the reader belongs to the caller, who may use it
// again as soon as Put has returned.
type source struct {
	ctx  context.Context
	r    io.Reader
	size int64 // bytes read so far
	most int64 // bytes that the store can take; 0: any number
	err  error // of r, unless io.EOF
	// at is called once, when so many bytes were read; 0: never.
	at    int64
	reach func()
}

func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	n, err := s.r.Read(p)
	s.size += int64(n)
	if s.at > 0 && s.size >= s.at {
		s.at = 0
		s.reach()
	}
	if s.most > 0 && s.size > s.most {
		err = dossier.Errorf(dossier.CodeTooLarge, nil, "Is larger than the store can take.")
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// failure turns the error that ended a Put into the one to return: it wraps the source's error, or tells the end of ctx, or else is err.
func (s *source) failure(err error) error {
	const doing = "put object"
	switch {
	case s.ctx.Err() != nil && s.err != nil:
		return fmt.Errorf("%w (source: %w)", unavailable(s.ctx, doing, err), s.err)
	case s.ctx.Err() != nil:
		return unavailable(s.ctx, doing, err)
	case s.err != nil:
		return fmt.Errorf("%s: read source: %w", doing, s.err)
	}
	return err
}
