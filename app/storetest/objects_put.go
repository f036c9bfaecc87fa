package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// gatedSource is a reader that stops before its second part until it is opened.
type gatedSource struct {
	first, second io.Reader
	reached       chan struct{} // closed when the first part has been read
	open          chan struct{}
	once          sync.Once
}

func (g *gatedSource) Read(p []byte) (int, error) {
	n, err := g.first.Read(p)
	if n > 0 || err != io.EOF {
		return n, err
	}
	g.once.Do(func() { close(g.reached) })
	<-g.open
	return g.second.Read(p)
}

func newGatedSource(first, second io.Reader) *gatedSource {
	return &gatedSource{first: first, second: second, reached: make(chan struct{}), open: make(chan struct{})}
}

func testInvisible(t *testing.T, s objectsUnderTest) {
	for _, sizes := range [][2]int64{{0, 0}, {1000, 1000}, {objectPartSize, 0},
		{objectPartSize + 1000, objectPartSize}} {
		key := newObjectKey()
		first, second := sizes[0], sizes[1]
		whole := byteStream(1, first+second)
		g := newGatedSource(io.LimitReader(whole, first), whole)
		done := s.putting(s.ctx, key, g)
		s.invisible(key)
		close(g.open)
		must(t, fmt.Sprintf("Put of %d and %d bytes", first, second), <-done)
		s.sees(key, byteStream(1, first+second))
	}
}

// brokenSource is the error of a source; a type of its own, so that errors.As has something to find.
type brokenSource struct{ at int64 }

func (e *brokenSource) Error() string { return fmt.Sprintf("the source broke at byte %d", e.at) }

type failingSource struct{ err error }

func (r failingSource) Read([]byte) (int, error) { return 0, r.err }

// lastWords gives its error together with the last bytes, as io.Reader allows.
type lastWords struct {
	r   io.Reader
	n   int64
	err error
}

func (r *lastWords) Read(p []byte) (int, error) {
	n, _ := r.r.Read(p[:min(int64(len(p)), r.n)])
	if r.n -= int64(n); r.n == 0 {
		return n, r.err
	}
	return n, nil
}

func testSourceFails(t *testing.T, s objectsUnderTest) {
	for _, at := range []int64{0, 1, 1000, objectPartSize - 1, objectPartSize, objectPartSize + 1, 2*objectPartSize +
		1000} {
		broken := &brokenSource{at}
		for name, r := range map[string]io.Reader{
			"alone":           io.MultiReader(byteStream(2, at), failingSource{broken}),
			"with last bytes": &lastWords{byteStream(2, at), at, broken},
			"cut off": io.MultiReader(byteStream(2, at),
				failingSource{fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, broken)}),
		} {
			key := newObjectKey()
			_, err := s.store.Put(s.ctx, key, r)
			var found *brokenSource
			if !errors.Is(err, broken) || !errors.As(err, &found) {
				t.Errorf("error after %d bytes, %s: Put: %v; want the source's error in it", at, name, err)
			}
			if errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
				t.Errorf("error after %d bytes, %s: Put: %v; which blames somebody else", at, name, err)
			}
			s.invisible(key)
		}
	}
	s.nothingLeft()
}

// countedSource counts what is read of it.
type countedSource struct {
	r io.Reader
	n atomic.Int64
}

func (c *countedSource) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func testCancelledPut(t *testing.T, s objectsUnderTest) {
	const size = 3 * objectPartSize
	for _, at := range []int64{0, 1, objectPartSize - 1, objectPartSize + 1, 2*objectPartSize + 1, size} {
		for name, rest := range map[string]io.Reader{
			"goes on": byteStream(3, 50*objectPartSize),
			"ends":    strings.NewReader(""),
			// As the body of a request whose client left.
			"fails too": failingSource{&brokenSource{at}},
		} {
			t.Run(fmt.Sprintf("at byte %d, source %s", at, name), func(t *testing.T) {
				s := s.in(t)
				ctx, cancel := context.WithCancel(s.ctx)
				defer cancel()
				key := newObjectKey()
				late := &countedSource{r: rest}
				g := newGatedSource(byteStream(3, at), late)
				done := s.putting(ctx, key, g)
				cancel()
				close(g.open)
				if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
					t.Errorf("Put: %v; want context.Canceled, and not ErrUnavailable", err)
				}
				if n := late.n.Load(); n > objectPartSize {
					t.Errorf("Put read %d more bytes after it was cancelled", n)
				}
				s.invisible(key)
			})
		}
	}
	t.Run("for another reason than a caller that left", func(t *testing.T) {
		s := s.in(t)
		ctx, cancel := context.WithCancelCause(s.ctx)
		defer cancel(nil)
		key, why := newObjectKey(), errors.New("no byte was taken for too long")
		whole := byteStream(3, size)
		g := newGatedSource(io.LimitReader(whole, objectPartSize+1), whole)
		done := s.putting(ctx, key, g)
		cancel(why)
		close(g.open)
		if err := <-done; !errors.Is(err, dossier.ErrUnavailable) || !errors.Is(err, why) ||
			errors.Is(err, context.Canceled) {
			t.Errorf("Put: %v; want ErrUnavailable with the cause, and not context.Canceled", err)
		}
		s.invisible(key)
	})
	s.cleanUp()
	s.nothingLeft()
}

// testPutGivenUp drops the multipart upload by which a Put sends, while it does.
func testPutGivenUp(t *testing.T, s objectsUnderTest) {
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	const size = 3 * objectPartSize
	kept := newObjectKey()
	s.put(kept, byteStream(8, 2*objectPartSize))
	key := newObjectKey()
	whole := byteStream(7, size)
	g := newGatedSource(io.LimitReader(whole, objectPartSize+1000), whole)
	done := s.putting(s.ctx, key, g)
	if found := s.unfinished(past); len(found) != 0 {
		t.Errorf("%d unfinished multipart uploads that were started an hour ago; want none", len(found))
	}
	found := s.unfinished(future)
	if len(found) != 1 || found[0].Key != key {
		t.Fatalf("unfinished multipart uploads: %+v; want that of the Put", found)
	}
	for range 2 {
		s.drop(key, found[0].ID)
		if found := s.unfinished(future); len(found) != 0 {
			t.Errorf("%d unfinished multipart uploads after Drop; want none", len(found))
		}
	}
	close(g.open)
	wants(t, "Put that was given up meanwhile", <-done, dossier.ErrUnavailable)
	s.invisible(key)
	s.sees(kept, byteStream(8, 2*objectPartSize))
	must(t, "Delete", s.store.Delete(s.ctx, kept))
	s.nothingLeft()
	s.put(key, byteStream(7, size))
	s.sees(key, byteStream(7, size))
}
