// Package objects keeps the bytes of files: S3 in AWS, and Directory, a folder on a local disk, embedded. Both
// implement dossier.Objects and pass storetest.Objects, so which one is used is configuration.
//
// It imports the domain and is imported by cmd/dossier, which wires it, and by tests. Nothing else needs to know which
// kind is in use.
package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	dossier "dossier.example/app"
)

var (
	_ dossier.Objects = (*Directory)(nil)
	_ dossier.Objects = (*S3)(nil)
)

// errKey is a fault of the caller. The key is left out: what is no generated key could be anything, a user's file name
// too.
var errKey = errors.New("not a key that dossier.ObjectKey makes")

// checkKey keeps every other key away from the stores, so that none escapes from a folder or from what IAM allows.
func checkKey(key string) error {
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return errKey
	}
	return nil
}

// checkRead refuses what can name no bytes of an object: a key never made and, as a fault of the caller, a negative
// offset.
func checkRead(key string, offset int64) error {
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return fmt.Errorf("open object: %w", err)
	}
	if offset < 0 {
		return fmt.Errorf("open object: negative offset %d", offset)
	}
	return nil
}

// unavailable is dossier.Unavailable with the reason why ctx ended, where it did, in place of what became of the
// request: an SDK reports every end of a context as context.Canceled, which would make a stalled request look like a
// caller that left.
func unavailable(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if errors.Is(err, dossier.ErrFull) {
		return fmt.Errorf("%s: %w", doing, err) // refused beforehand, by Directory.Bound
	}
	return dossier.Unavailable(ctx, doing, err)
}

// checkSign refuses what Sign can sign nothing for: faults of the caller.
func checkSign(key, uploadID string, part dossier.Part, lifetime time.Duration) error {
	switch {
	case checkKey(key) != nil:
		return errKey
	case uploadID == "":
		return errors.New("no multipart upload named")
	case part.Number < 1 || part.Number > dossier.MaxParts:
		return fmt.Errorf("part %d; parts are numbered from 1 to %d", part.Number, dossier.MaxParts)
	case part.Size < 0 || part.Size > dossier.MaxPartSize:
		return fmt.Errorf("a part of %d bytes; the largest has %d", part.Size, int64(dossier.MaxPartSize))
	}
	return checkLifetime(lifetime)
}

// checkLifetime refuses what S3 takes for no lifetime of a signed request
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html), on behalf of every store.
func checkLifetime(lifetime time.Duration) error {
	if lifetime < time.Second || lifetime > 7*24*time.Hour {
		return fmt.Errorf("a lifetime of %s; 1 second to 7 days can be signed", lifetime)
	}
	return nil
}

// checkParts refuses parts that cannot be the whole, before any store is asked: ErrCorrupt where their sizes or
// checksums do not make up the whole's; else faults of the caller. Where it returns nil, a store that has exactly these
// parts has the whole.
func checkParts(parts []dossier.Part, whole dossier.Held) error {
	if len(parts) == 0 {
		return errors.New("no parts given; an empty object has one of no bytes")
	}
	var sum dossier.Held
	for i, p := range parts {
		switch {
		case p.Number < 1 || p.Number > dossier.MaxParts || i > 0 && p.Number <= parts[i-1].Number:
			return fmt.Errorf("part %d at place %d; parts are numbered from 1 to %d and given in that order", p.Number,
				i+1, dossier.MaxParts)
		case p.Size < 0 || p.Size > dossier.MaxPartSize || p.Size < dossier.MinPartSize && i < len(parts)-1:
			return fmt.Errorf("part %d of %d bytes; a part has %d to %d, only the last may have less", p.Number, p.Size,
				dossier.MinPartSize, int64(dossier.MaxPartSize))
		}
		sum = dossier.Held{Size: sum.Size + p.Size, CRC64: dossier.CombineCRC64(sum.CRC64, p.CRC64, p.Size)}
	}
	if sum != whole {
		return corrupt("parts make up %d bytes, CRC-64 %016x; the whole has %d, %016x", sum.Size, sum.CRC64, whole.Size,
			whole.CRC64)
	}
	return nil
}

// compareParts returns ErrCorrupt, naming the first difference, unless a store has exactly the parts that were given.
func compareParts(held, given []dossier.Part) error {
	for i := range max(len(held), len(given)) {
		switch {
		case i >= len(held):
			return corrupt("part %d is not there", given[i].Number)
		case i >= len(given):
			return corrupt("part %d is there, and is none of the object", held[i].Number)
		case held[i] != given[i]:
			return corrupt("part %d has %d bytes, CRC-64 %016x; the store holds part %d of %d, %016x",
				given[i].Number, given[i].Size, given[i].CRC64, held[i].Number, held[i].Size, held[i].CRC64)
		}
	}
	return nil
}

func corrupt(format string, args ...any) error {
	return &dossier.Error{Code: dossier.CodeCorrupt, Err: fmt.Errorf(format, args...)}
}

// lengthHeader is the header of a part for every store. A browser sets it itself, from the body.
func lengthHeader(p dossier.Part) map[string]string {
	return map[string]string{"Content-Length": strconv.FormatInt(p.Size, 10)}
}

// source is the reader of one Put, or of one part. It remembers the reader's own error, because what lies between (an
// SDK) may not wrap it, and it stops at the end of ctx. A Read that is under way is waited for: the reader belongs to
// the caller, who may use it again as soon as Put has returned.
type source struct {
	ctx   context.Context
	doing string // for errors
	r     io.Reader
	size  int64 // bytes read so far
	most  int64 // bytes that the store can take; 0: any number
	err   error // of r, unless io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	n, err := s.r.Read(p)
	s.size += int64(n)
	if s.most > 0 && s.size > s.most {
		err = dossier.Errorf(dossier.CodeTooLarge, nil, "Too large for the store.")
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// writeTo has from, which is the reader, write itself to w. It looks at ctx before each write.
func (s *source) writeTo(from io.WriterTo, w io.Writer) error {
	sink := &sourceWriter{s: s, w: w}
	_, err := from.WriteTo(sink)
	if err != nil && sink.err == nil {
		s.err = err
	}
	return err
}

// sourceWriter is what a source writes itself to.
type sourceWriter struct {
	s   *source
	w   io.Writer
	err error // of w, or the end of ctx
}

func (w *sourceWriter) Write(p []byte) (n int, err error) {
	if w.s.ctx.Err() != nil {
		err = context.Cause(w.s.ctx)
	} else {
		n, err = w.w.Write(p)
	}
	w.s.size += int64(n)
	w.err = err
	return n, err
}

// failure turns the error that ended the call into the one to return: it wraps the source's error, or tells the end of
// ctx, or else is err.
func (s *source) failure(err error) error {
	switch {
	case s.ctx.Err() != nil && s.err != nil:
		return fmt.Errorf("%w (source: %w)", unavailable(s.ctx, s.doing, err), s.err)
	case s.ctx.Err() != nil:
		return unavailable(s.ctx, s.doing, err)
	case s.err != nil:
		return fmt.Errorf("%s: read source: %w", s.doing, s.err)
	}
	return err
}
