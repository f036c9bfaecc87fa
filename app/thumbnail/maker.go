package thumbnail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// Maker makes thumbnails by children. It is safe for concurrent use; how many it runs at once is its callers' to bound.
type Maker struct {
	// Program and Args are what calls Main.
	Program string
	Args    []string
	// Patience is how long a child may take in all. Default 30 seconds.
	Patience time.Duration
}

// Self returns the maker whose children are this very program, which has to call Main.
func Self() *Maker { return &Maker{Program: self(), Args: []string{command}} }

// Make implements dossier.PictureMaker. A Read of the picture may still be under way when it returns.
func (m *Maker) Make(ctx context.Context, picture io.Reader) ([]byte, error) {
	limit := m.Patience
	if limit == 0 {
		limit = bounds.PictureTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLate)
	defer cancel()
	// The system kills a child with the thread that started it, so no other goroutine may end this one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	from := &source{r: picture}
	out := &bounded{most: dossier.MaxThumbnail + 1}
	said := &bounded{most: 4 << 10}
	cmd := exec.CommandContext(ctx, m.Program, m.Args...)
	// Nothing of the environment: it has secrets.
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, said
	attach(cmd)
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start what makes thumbnails: %w", err)
	}
	go func() {
		// Nobody waits for a store that still sends when the child has ended. That the child does not take what is sent
		// is seen by its end.
		_, _ = io.Copy(stdin, from)
		_ = stdin.Close()
	}()
	err = cmd.Wait()
	if fault := from.failure(); fault != nil {
		return nil, fmt.Errorf("read the picture: %w", fault)
	}
	// Where the runtime ends the process, more lines say what it was at.
	reason, _, _ := strings.Cut(strings.ToValidUTF8(string(said.b), "?"), "\n")
	var ended *exec.ExitError
	switch {
	case context.Cause(ctx) == errLate:
		return nil, fmt.Errorf("%w: not made within %s", dossier.ErrPictureKilled, limit)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("make a thumbnail: %w", context.Cause(ctx))
	case err == nil:
		return out.picture()
	case !errors.As(err, &ended):
		return nil, fmt.Errorf("make a thumbnail: %w", err)
	}
	switch status := ended.ExitCode(); status {
	case exitNone, exitMemory, exitTime:
		return nil, fmt.Errorf("%w: %s", dossier.ErrNoPicture, reason)
	case -1: // by a signal that nobody here sent
		return nil, fmt.Errorf("%w: %s", dossier.ErrPictureKilled, ended)
	default:
		return nil, fmt.Errorf("make a thumbnail: exit status %d: %s", status, reason)
	}
}

var errLate = errors.New("out of patience")

// source is a reader that remembers its error: a child that sees an early end cannot know better.
type source struct {
	r   io.Reader
	mu  sync.Mutex
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}
	return n, err
}

func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// bounded keeps what is written to it, up to so many bytes, and lets the rest go.
type bounded struct {
	b    []byte
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.b = append(b.b, p[:min(len(p), b.most-len(b.b))]...)
	return len(p), nil
}

// picture returns what a child wrote, unless it cannot be a thumbnail: the child read what a stranger sent, so it is
// not believed.
func (b *bounded) picture() ([]byte, error) {
	if !dossier.IsThumbnail(b.b) {
		return nil, fmt.Errorf("%w: %d bytes were made that are no thumbnail", dossier.ErrNoPicture, len(b.b))
	}
	return b.b, nil
}
