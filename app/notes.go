package dossier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// editNote changes a note, and repeats the change if somebody else changed the note meanwhile. If change returns nil,
// the note stays as it is.
func (s *Service) editNote(ctx context.Context, name string, change func(value []byte) ([]byte, error)) error {
	const tries = 40
	for n := range tries {
		note, err := s.catalog.Note(ctx, name)
		if err != nil {
			return err
		}
		value, err := change(note.Value)
		if err != nil || value == nil {
			return err
		}
		if _, err = s.catalog.SetNote(ctx, name, note.Revision, value); !errors.Is(err, ErrLost) {
			return err
		}
		select {
		case <-ctx.Done():
			return Unavailable(ctx, "change a note", context.Cause(ctx))
		case <-time.After(rand.N(time.Millisecond << min(n, 7))):
		}
	}
	return &Error{Code: CodeUnavailable,
		Err: fmt.Errorf("change a note: other writers changed it %d times in the meantime", tries)}
}
