package web

import (
	"context"
	"sync"

	"dossier.example/app"
)

// single lets one call for a file run at a time. Others wait: what it does is then done, and they only find it so.
type single struct {
	mu    sync.Mutex
	files map[dossier.FileID]*turn
}

type turn struct {
	free  chan struct{} // holds a value while nobody has the turn
	users int
}

// lock waits for the turn, which done ends; the error is that of ctx.
func (s *single) lock(ctx context.Context, file dossier.FileID) (done func(), err error) {
	s.mu.Lock()
	if s.files == nil {
		s.files = map[dossier.FileID]*turn{}
	}
	t := s.files[file]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		s.files[file] = t
	}
	t.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(s.files, file)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, dossier.Unavailable(ctx, "wait for another completion of the file", ctx.Err())
	}
}
