// Package storetest says in tests what the domain's store interfaces say in words: one suite for each, which every store must pass. Only
// tests of stores import it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// objectPartSize is the size, in bytes, around which a store that sends objects in parts changes its ways: the smallest part that S3
// takes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const objectPartSize = 5 << 20

// ErrRefused is matched by the error of a Send that the store refused.
var ErrRefused = errors.New("refused")

// Send makes a signed request as a client does, with body whatever the request says of it, so that the Content-Length is that of body: nil when the store
// took it, ErrRefused when it did not, dossier.ErrUnavailable when it could not, or the end of ctx. Any other error fails the test.
type Send func(ctx context.Context, request dossier.SignedRequest, body []byte) error

// Objects runs the conformance suite of dossier.Objects. open returns an empty store and what sends to it; it is called once for each test, at the same
// time as for others, and what it needs to clean up it leaves to t.Cleanup. The tests are parallel, so they end after Objects has returned,
// but before t has.
func Objects(t *testing.T, open func(t *testing.T) (dossier.Objects, Send)) {
	run := func(name string, test func(t *testing.T, s objectsUnderTest)) {
		t.Run(name, func(t *testing.T) {
			// Each has a store of its own, and stores mostly wait for disks.
			t.Parallel()
			// Bounds what hangs; nothing here takes nearly as long.
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			store, send := open(t)
			test(t, objectsUnderTest{t, ctx, store, send})
		})
	}
	run("holds what was put", testRoundTrip)
	run("absent", testAbsent)
	run("keys never made", testForeignKeys)
	run("invisible before Put returns", testInvisible)
	run("source fails", testSourceFails)
	run("cancelled while sending", testCancelledPut)
	run("cancelled before", testCancelledBefore)
	run("cancelled while reading", testCancelledRead)
	run("ranges", testRanges)
	run("list", testList)
	run("delete", testDelete)
	run("one person put and deleted at once", testOnePerson)
	run("put given up", testPutGivenUp)
	run("read while deleted", testReadWhileDeleted)
	run("parallel", testParallelObjects)
	runLinks(run)
	runMultipartUploads(run)
}

// objectsUnderTest is a store with the helpers that the tests share.
type objectsUnderTest struct {
	t     *testing.T
	ctx   context.Context
	store dossier.Objects
	send  Send
}

// in returns the same for a part of the test.
func (s objectsUnderTest) in(t *testing.T) objectsUnderTest {
	s.t = t
	return s
}

func newObjectKey() string { return dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()) }

// byteStream returns size pseudo-random bytes, the same for the same seed, without holding them.
func byteStream(seed uint64, size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}), size)
}

// heldOf returns what a store must say that it holds of byteStream(seed, size).
func heldOf(t *testing.T, seed uint64, size int64) dossier.Held {
	t.Helper()
	crc := dossier.NewCRC64()
	n, err := io.Copy(crc, byteStream(seed, size))
	if err != nil {
		t.Fatal(err)
	}
	return dossier.Held{Size: n, CRC64: crc.Sum64()}
}

func (s objectsUnderTest) put(key string, r io.Reader) {
	s.t.Helper()
	if err := s.store.Put(s.ctx, key, r); err != nil {
		s.t.Fatalf("Put: %v", err)
	}
}

func (s objectsUnderTest) keys(prefix string) []string {
	s.t.Helper()
	var keys []string
	for o, err := range s.store.List(s.ctx, prefix) {
		if err != nil {
			s.t.Fatalf("List(%q): %v", prefix, err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// sees fails the test unless key has exactly the bytes of want.
func (s objectsUnderTest) sees(key string, want io.Reader) {
	s.t.Helper()
	r, err := s.store.Open(s.ctx, key, 0, -1)
	if err != nil {
		s.t.Fatalf("Open: %v", err)
	}
	if n, err := sameBytes(r, want); err != nil {
		s.t.Errorf("reading the object back: at byte %d: %v", n, err)
	}
	if err := r.Close(); err != nil {
		s.t.Errorf("Close: %v", err)
	}
}

// sameBytes compares two readers to their ends and returns the offset up to which they agree.
func sameBytes(got, want io.Reader) (int64, error) {
	var at int64
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(got, a)
		m, errB := io.ReadFull(want, b)
		if errA != nil && errA != io.EOF && errA != io.ErrUnexpectedEOF {
			return at + int64(n), errA
		}
		if !bytes.Equal(a[:n], b[:m]) {
			return at, fmt.Errorf("other bytes, or another number of them (%d, want %d)", at+int64(n), at+int64(m))
		}
		at += int64(n)
		if errA != nil || errB != nil {
			return at, nil
		}
	}
}

// invisible fails the test if anything tells of key.
func (s objectsUnderTest) invisible(key string) {
	s.t.Helper()
	if h, err := s.store.Stat(s.ctx, key); !errors.Is(err, dossier.ErrNotFound) {
		s.t.Errorf("Stat = %+v, %v; want ErrNotFound", h, err)
	}
	if r, err := s.store.Open(s.ctx, key, 0, -1); !errors.Is(err, dossier.ErrNotFound) {
		s.t.Errorf("Open: %v; want ErrNotFound", err)
		if err == nil {
			_ = r.Close() // the failure is told
		}
	}
	if keys := s.keys(dossier.ObjectPrefix); slices.Contains(keys, key) {
		s.t.Errorf("List has it")
	}
}

// cleanUp gives up what cancelled multipart uploads have left. A server may still be at work on a request whose client
// left, and so bring back a multipart upload that was just aborted; but not for ever.
func (s objectsUnderTest) cleanUp() {
	s.t.Helper()
	for {
		left := s.unfinished(time.Now().Add(time.Hour))
		if len(left) == 0 {
			return
		}
		for _, tr := range left {
			s.drop(tr.Key, tr.ID)
		}
	}
}

// unfinished returns the multipart uploads that were started before the given time, in no order.
func (s objectsUnderTest) unfinished(before time.Time) []dossier.MultipartUpload {
	s.t.Helper()
	var found []dossier.MultipartUpload
	for tr, err := range s.store.Unfinished(s.ctx, before) {
		if err != nil {
			s.t.Fatalf("Unfinished: %v", err)
		}
		found = append(found, tr)
	}
	return found
}

func (s objectsUnderTest) drop(key, uploadID string) {
	s.t.Helper()
	if err := s.store.Drop(s.ctx, key, uploadID); err != nil {
		s.t.Fatalf("Drop: %v", err)
	}
}

// nothingLeft fails the test if a multipart upload that ended, by itself or by Drop, has left something.
func (s objectsUnderTest) nothingLeft() {
	s.t.Helper()
	if left := s.unfinished(time.Now().Add(time.Hour)); len(left) != 0 {
		s.t.Errorf("%d unfinished multipart uploads; want none", len(left))
	}
	if keys := s.keys(""); len(keys) != 0 {
		s.t.Errorf("List has %d objects; want none", len(keys))
	}
}

// gatedSource is a reader that stops before its second part until it is opened.
type gatedSource struct {
	first, second io.Reader
	reached       chan struct{} // closed when the first part has been read
	open          chan struct{}
	once          sync.Once
}

func newGatedSource(first, second io.Reader) *gatedSource {
	return &gatedSource{first: first, second: second, reached: make(chan struct{}), open: make(chan struct{})}
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

// putting starts a Put and returns when its reader has reached the gatedSource.
func (s objectsUnderTest) putting(ctx context.Context, key string, g *gatedSource) (result <-chan error) {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.store.Put(ctx, key, g) }()
	select {
	case <-g.reached:
	case err := <-done:
		s.t.Fatalf("Put returned before its source ended: %v", err)
	}
	return done
}

func testRoundTrip(t *testing.T, s objectsUnderTest) {
	for i, size := range []int64{0, 1, objectPartSize - 1, objectPartSize, objectPartSize + 1, 3 * objectPartSize, 20<<20 + 12345} {
		seed, key := uint64(i), newObjectKey()
		// LastModified of S3 has whole seconds.
		from := time.Now().Add(-2 * time.Second)
		s.put(key, byteStream(seed, size))
		to := time.Now().Add(2 * time.Second)
		want := heldOf(t, seed, size)
		if got, err := s.store.Stat(s.ctx, key); err != nil || got != want {
			t.Errorf("%d bytes: Stat = %+v, %v; want %+v", size, got, err, want)
		}
		s.sees(key, byteStream(seed, size))
		for o, err := range s.store.List(s.ctx, key) {
			if err != nil {
				t.Fatalf("List: %v", err)
			}
			if o.Key != key || o.Size != size {
				t.Errorf("%d bytes: listed as %+v", size, o)
			}
			if o.ModifiedAt.Before(from) || o.ModifiedAt.After(to) || o.ModifiedAt.Location() != time.UTC {
				t.Errorf("%d bytes: ModifiedAt = %v; want between %v and %v, in UTC", size, o.ModifiedAt, from, to)
			}
		}
	}
	if n := len(s.keys(dossier.ObjectPrefix)); n != 7 {
		t.Errorf("List has %d objects; want 7", n)
	}
	if left := s.unfinished(time.Now().Add(time.Hour)); len(left) != 0 {
		t.Errorf("%d unfinished multipart uploads after all were completed; want none", len(left))
	}
}

func testAbsent(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	s.invisible(key)
	for _, r := range [][2]int64{{0, 0}, {0, 1}, {10, 0}, {10, 1}, {10, -1}} {
		if _, err := s.store.Open(s.ctx, key, r[0], r[1]); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Open(%d, %d): %v; want ErrNotFound", r[0], r[1], err)
		}
	}
	if err := s.store.Delete(s.ctx, key); err != nil {
		t.Errorf("Delete: %v; want nil", err)
	}
	s.nothingLeft()
	// A neighbour of the same person changes nothing.
	person := dossier.NewPersonID()
	s.put(dossier.ObjectKey(person, dossier.NewFileID()), strings.NewReader("x"))
	s.invisible(dossier.ObjectKey(person, dossier.NewFileID()))
}

func testForeignKeys(t *testing.T, s objectsUnderTest) {
	person, file := dossier.NewPersonID().String(), dossier.NewFileID().String()
	for _, key := range []string{
		"", "/", "files", "files/", "files/" + person, "files/" + person + "/", "files/" + person + "/" + file + "/x",
		"files/" + person + "/../" + file, "../" + person + "/" + file, "/files/" + person + "/" + file,
		"files/" + strings.ToUpper(person) + "/" + file, "other/" + person + "/" + file, "files/" + person + "/a\x00b",
	} {
		if err := s.store.Put(s.ctx, key, strings.NewReader("x")); err == nil {
			t.Errorf("Put(%q) succeeded", key)
		} else if len(key) > 6 && strings.Contains(err.Error(), key) {
			t.Errorf("Put(%q): the error has the key: %v", key, err)
		}
		if _, err := s.store.Stat(s.ctx, key); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Stat(%q): %v; want ErrNotFound", key, err)
		}
		if _, err := s.store.Open(s.ctx, key, 0, -1); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Open(%q): %v; want ErrNotFound", key, err)
		}
		if err := s.store.Delete(s.ctx, key); err == nil {
			t.Errorf("Delete(%q) succeeded", key)
		}
	}
	s.nothingLeft()
}

func testInvisible(t *testing.T, s objectsUnderTest) {
	for _, sizes := range [][2]int64{{0, 0}, {1000, 1000}, {objectPartSize, 0}, {objectPartSize + 1000, objectPartSize}} {
		key := newObjectKey()
		first, second := sizes[0], sizes[1]
		whole := byteStream(1, first+second)
		g := newGatedSource(io.LimitReader(whole, first), whole)
		done := s.putting(s.ctx, key, g)
		s.invisible(key)
		close(g.open)
		if err := <-done; err != nil {
			t.Fatalf("Put of %d and %d bytes: %v", first, second, err)
		}
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
	for _, at := range []int64{0, 1, 1000, objectPartSize - 1, objectPartSize, objectPartSize + 1, 2*objectPartSize + 1000} {
		broken := &brokenSource{at}
		for name, r := range map[string]io.Reader{
			"alone":           io.MultiReader(byteStream(2, at), failingSource{broken}),
			"with last bytes": &lastWords{byteStream(2, at), at, broken},
			"cut off":         io.MultiReader(byteStream(2, at), failingSource{fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, broken)}),
		} {
			key := newObjectKey()
			err := s.store.Put(s.ctx, key, r)
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
		if err := <-done; !errors.Is(err, dossier.ErrUnavailable) || !errors.Is(err, why) || errors.Is(err, context.Canceled) {
			t.Errorf("Put: %v; want ErrUnavailable with the cause, and not context.Canceled", err)
		}
		s.invisible(key)
	})
	s.cleanUp()
	s.nothingLeft()
}

func testCancelledBefore(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	s.put(key, strings.NewReader("abc"))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	first := func(list func(func(dossier.Object, error) bool)) (err error) {
		for _, e := range list {
			err = e
			break
		}
		return err
	}
	other := newObjectKey()
	for name, err := range map[string]error{
		"Put": s.store.Put(ctx, other, strings.NewReader("x")),
		"Stat": func() error {
			_, err := s.store.Stat(ctx, key)
			return err
		}(),
		"Open": func() error {
			_, err := s.store.Open(ctx, key, 0, -1)
			return err
		}(),
		"Open of nothing": func() error {
			_, err := s.store.Open(ctx, key, 0, 0)
			return err
		}(),
		"Delete": s.store.Delete(ctx, key),
		"List":   first(s.store.List(ctx, dossier.ObjectPrefix)),
	} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s: %v; want context.Canceled, and not ErrUnavailable", name, err)
		}
	}
	s.invisible(other)
	s.sees(key, strings.NewReader("abc"))
	past, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
	defer cancel()
	if _, err := s.store.Stat(past, key); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Stat after its deadline: %v; want ErrUnavailable", err)
	}
}

func testCancelledRead(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	s.put(key, byteStream(4, 2*objectPartSize))
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	r, err := s.store.Open(ctx, key, 0, -1)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if n, err := sameBytes(io.LimitReader(r, 1000), byteStream(4, 1000)); err != nil {
		t.Fatalf("reading the first 1000 bytes: at byte %d: %v", n, err)
	}
	cancel()
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("reading on: %d bytes, %v; want context.Canceled, and not ErrUnavailable", n, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	// A listing ends too.
	s.put(newObjectKey(), strings.NewReader("x"))
	ctx, cancel = context.WithCancel(s.ctx)
	defer cancel()
	seen := 0
	for _, listErr := range s.store.List(ctx, dossier.ObjectPrefix) {
		if err = listErr; err == nil {
			seen++
			cancel()
		}
	}
	if seen != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("List cancelled at the first object yields %d, then %v; want 1, then context.Canceled", seen, err)
	}
}

func testRanges(t *testing.T, s objectsUnderTest) {
	const large = 2*objectPartSize + 1000
	for _, size := range []int64{0, 1, 1000, large} {
		key := newObjectKey()
		s.put(key, byteStream(5, size))
		for _, r := range []struct{ offset, length int64 }{
			{0, -1}, {0, 0}, {0, 1}, {0, 999}, {0, 1000}, {0, 1001}, {1, -1}, {1, 1}, {500, 0}, {500, 100}, {999, 1}, {999, 2}, {999, -1},
			{1000, -1}, {1000, 0}, {1000, 1}, {1001, -1}, {1001, 10}, {math.MaxInt64, 1}, {math.MaxInt64, -1},
			{0, math.MaxInt64}, {1, math.MaxInt64}, {999, math.MaxInt64}, {0, math.MinInt64},
			{objectPartSize - 10, 20}, {objectPartSize, 10}, {large - 1, 1}, {large - 10, -1}, {large, 1},
		} {
			want := byteStream(5, size)
			if _, err := io.CopyN(io.Discard, want, min(r.offset, size)); err != nil {
				t.Fatal(err)
			}
			if r.length >= 0 {
				want = io.LimitReader(want, r.length)
			}
			got, err := s.store.Open(s.ctx, key, r.offset, r.length)
			if err != nil {
				t.Errorf("%d bytes: Open(%d, %d): %v", size, r.offset, r.length, err)
				continue
			}
			if n, err := sameBytes(got, want); err != nil {
				t.Errorf("%d bytes: Open(%d, %d): at byte %d: %v", size, r.offset, r.length, n, err)
			}
			if err := got.Close(); err != nil {
				t.Errorf("%d bytes: Open(%d, %d): Close: %v", size, r.offset, r.length, err)
			}
		}
		if _, err := s.store.Open(s.ctx, key, -1, 1); err == nil || errors.Is(err, dossier.ErrNotFound) || errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%d bytes: Open(-1, 1): %v; want an error that is a fault of the program", size, err)
		}
	}
	// A reader that is not read to its end leaves the store usable, however many there are.
	key := newObjectKey()
	s.put(key, byteStream(5, large))
	for range 50 {
		r, err := s.store.Open(s.ctx, key, 10, -1)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
			t.Fatalf("Read: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

// fill puts small objects, files for each person, many at once, and returns their keys in order.
func (s objectsUnderTest) fill(persons, files int) []string {
	s.t.Helper()
	var keys []string
	for range persons {
		person := dossier.NewPersonID()
		for range files {
			keys = append(keys, dossier.ObjectKey(person, dossier.NewFileID()))
		}
	}
	// In no order, so that the store has to make one.
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	next := make(chan string)
	for range 16 {
		wg.Go(func() {
			for key := range next {
				if err := s.store.Put(s.ctx, key, strings.NewReader(key)); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	for _, key := range keys {
		next <- key
	}
	close(next)
	wg.Wait()
	if err := failed.Load(); err != nil {
		s.t.Fatalf("Put: %v", *err)
	}
	slices.Sort(keys)
	return keys
}

func testList(t *testing.T, s objectsUnderTest) {
	if keys := s.keys(""); len(keys) != 0 {
		t.Fatalf("an empty store lists %d objects", len(keys))
	}
	// More than a page of S3, which has 1,000.
	all := s.fill(44, 25)
	one := all[300][:len(dossier.ObjectPrefix)+36]
	for _, prefix := range []string{
		"", "f", "files", dossier.ObjectPrefix, all[0], all[len(all)-1], one, one + "/", one[:len(one)-1], one + "/0", one + "/z",
		all[0] + "x", "files0", "other/", one + "//", "/", "..",
	} {
		var want []string
		for _, key := range all {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		if got := s.keys(prefix); !slices.Equal(got, want) {
			t.Errorf("List(%q) has %d objects, sorted %v; want %d", prefix, len(got), slices.IsSorted(got), len(want))
		}
	}
	seen := 0
	for o, err := range s.store.List(s.ctx, dossier.ObjectPrefix) {
		if err != nil || o.Size != int64(len(o.Key)) {
			t.Fatalf("List: %+v, %v; want a size of %d", o, err, len(o.Key))
		}
		if seen++; seen == 10 {
			break
		}
	}
	if seen != 10 {
		t.Errorf("a loop that breaks at 10 saw %d", seen)
	}
	var deleted []string
	for o, err := range s.store.List(s.ctx, dossier.ObjectPrefix) {
		if err != nil {
			t.Fatalf("List after %d objects were deleted: %v", len(deleted), err)
		}
		deleted = append(deleted, o.Key)
		if err := s.store.Delete(s.ctx, o.Key); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	if !slices.Equal(deleted, all) {
		t.Errorf("List whose loop deletes has %d objects, sorted %v; want %d", len(deleted), slices.IsSorted(deleted), len(all))
	}
	s.nothingLeft()
}

func testDelete(t *testing.T, s objectsUnderTest) {
	person := dossier.NewPersonID()
	a, b := dossier.ObjectKey(person, dossier.NewFileID()), dossier.ObjectKey(person, dossier.NewFileID())
	s.put(a, strings.NewReader("a"))
	s.put(b, byteStream(6, objectPartSize+1))
	for range 2 {
		if err := s.store.Delete(s.ctx, b); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		s.invisible(b)
	}
	s.sees(a, strings.NewReader("a"))
	// Many at once of the same one.
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() { errs <- s.store.Delete(s.ctx, a) }()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Errorf("Delete beside others: %v", err)
		}
	}
	s.invisible(a)
	s.nothingLeft()
}

// testOnePerson puts files of one person while others of the same are deleted, so that whatever a store keeps by person comes
// and goes all the time.
func testOnePerson(t *testing.T, s objectsUnderTest) {
	person := dossier.NewPersonID()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				key := dossier.ObjectKey(person, dossier.NewFileID())
				if err := s.store.Put(s.ctx, key, strings.NewReader(key)); err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if h, err := s.store.Stat(s.ctx, key); err != nil || h.Size != int64(len(key)) {
					t.Errorf("Stat = %+v, %v", h, err)
				}
				if err := s.store.Delete(s.ctx, key); err != nil {
					t.Errorf("Delete: %v", err)
				}
			}
		})
	}
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			for _, err := range s.store.List(s.ctx, dossier.ObjectPrefix) {
				if err != nil {
					t.Errorf("List meanwhile: %v", err)
					return
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-watched
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
	if err := <-done; !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Put that was given up meanwhile: %v; want ErrUnavailable", err)
	}
	s.invisible(key)
	s.sees(kept, byteStream(8, 2*objectPartSize))
	if err := s.store.Delete(s.ctx, kept); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	s.nothingLeft()
	s.put(key, byteStream(7, size))
	s.sees(key, byteStream(7, size))
}

func testReadWhileDeleted(t *testing.T, s objectsUnderTest) {
	const size = 4 * objectPartSize
	key := newObjectKey()
	s.put(key, byteStream(9, size))
	r, err := s.store.Open(s.ctx, key, 0, -1)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	want := byteStream(9, size)
	if n, err := sameBytes(io.LimitReader(r, 1000), io.LimitReader(want, 1000)); err != nil {
		t.Fatalf("at byte %d: %v", n, err)
	}
	if err := s.store.Delete(s.ctx, key); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	s.invisible(key)
	// The rest may come or not. What comes is right, and an end that is told as one is the end.
	got, err := io.ReadAll(r)
	if n, diff := sameBytes(bytes.NewReader(got), io.LimitReader(want, int64(len(got)))); diff != nil {
		t.Errorf("at byte %d: %v", 1000+n, diff)
	}
	if err == nil && len(got) != size-1000 {
		t.Errorf("read %d bytes without an error; want %d", len(got), size-1000)
	}
	if err != nil && !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Read: %v; want ErrUnavailable if anything", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func testParallelObjects(t *testing.T, s objectsUnderTest) {
	var wg sync.WaitGroup
	for i, size := range []int64{0, 10, 100_000, objectPartSize - 1, objectPartSize, objectPartSize + 1, 2*objectPartSize + 1, 3} {
		wg.Go(func() {
			key, seed := newObjectKey(), uint64(100+i)
			if err := s.store.Put(s.ctx, key, byteStream(seed, size)); err != nil {
				t.Errorf("Put of %d bytes: %v", size, err)
				return
			}
			if got, err := s.store.Stat(s.ctx, key); err != nil || got != heldOf(t, seed, size) {
				t.Errorf("Stat of %d bytes = %+v, %v", size, got, err)
			}
			for range 3 {
				r, err := s.store.Open(s.ctx, key, 0, -1)
				if err != nil {
					t.Errorf("Open of %d bytes: %v", size, err)
					return
				}
				if n, err := sameBytes(r, byteStream(seed, size)); err != nil {
					t.Errorf("reading %d bytes: at byte %d: %v", size, n, err)
				}
				if err := r.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			if err := s.store.Delete(s.ctx, key); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
	}
	wg.Wait()
	s.nothingLeft()
}
