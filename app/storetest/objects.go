// Package storetest says in tests what the domain's store interfaces say in words: one suite for each, which every
// store must pass. Only tests of stores import it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// objectPartSize is the size, in bytes, around which a store that sends objects in parts changes its ways: the smallest
// part that S3 takes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const objectPartSize = 5 << 20

// ListedObjects is more than a page: a store that lists objects by pages must have them smaller under test.
const ListedObjects = 100

// ErrRefused is matched by the error of a Send that the store refused.
var ErrRefused = errors.New("refused")

// Send makes a signed request as a client does, with body whatever the request says of it, so that the Content-Length
// is that of body: nil when the store took it, ErrRefused when it did not, dossier.ErrUnavailable when it could not, or
// the end of ctx. Any other error fails the test.
type Send func(ctx context.Context, request dossier.SignedRequest, body []byte) error

// Objects runs the conformance suite of dossier.Objects. open returns an empty store and what sends to it; it is called
// once for each test, at the same time as for others, and what it needs to clean up it leaves to t.Cleanup. The tests
// are parallel, so they end after Objects has returned, but before t has.
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
	run("head", testHead)
	run("set aside", testSetAside)
	run("list", testList)
	run("delete", testDelete)
	run("one person put and deleted at once", testOnePerson)
	run("put given up", testPutGivenUp)
	run("read while deleted", testReadWhileDeleted)
	run("parallel", testParallelObjects)
	run("thumbnails", testThumbnails)
	run("thumbnails put and deleted at once", testThumbnailsAtOnce)
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
	answer, err := s.store.Put(s.ctx, key, r)
	must(s.t, "Put", err)
	if held, err := s.store.Stat(s.ctx, key); err != nil || held != answer {
		s.t.Errorf("Put answers that the store holds %+v; Stat %+v, %v", answer, held, err)
	}
}

func (s objectsUnderTest) keys(prefix string) []string {
	s.t.Helper()
	return s.keysAfter(prefix, "")
}

func (s objectsUnderTest) keysAfter(prefix, after string) []string {
	s.t.Helper()
	var keys []string
	for o, err := range s.store.List(s.ctx, prefix, after) {
		must(s.t, fmt.Sprintf("List(%q, %q)", prefix, after), err)
		keys = append(keys, o.Key)
	}
	return keys
}

// sees fails the test unless key has exactly the bytes of want.
func (s objectsUnderTest) sees(key string, want io.Reader) {
	s.t.Helper()
	r, err := s.store.Open(s.ctx, key, 0, -1)
	must(s.t, "Open", err)
	if n, err := sameBytes(r, want); err != nil {
		s.t.Errorf("reading the object back: at byte %d: %v", n, err)
	}
	wants(s.t, "Close", r.Close(), nil)
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
	return collect(s.t, "Unfinished", s.store.Unfinished(s.ctx, before))
}

func (s objectsUnderTest) drop(key, uploadID string) {
	s.t.Helper()
	must(s.t, "Drop", s.store.Drop(s.ctx, key, uploadID))
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

// putting starts a Put and returns when its reader has reached the gatedSource.
func (s objectsUnderTest) putting(ctx context.Context, key string, g *gatedSource) (result <-chan error) {
	s.t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := s.store.Put(ctx, key, g)
		done <- err
	}()
	select {
	case <-g.reached:
	case err := <-done:
		s.t.Fatalf("Put returned before its source ended: %v", err)
	}
	return done
}

func testRoundTrip(t *testing.T, s objectsUnderTest) {
	for i, size := range []int64{0, 1, objectPartSize - 1, objectPartSize, objectPartSize + 1, 3 * objectPartSize,
		20<<20 + 12345} {
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
		for o, err := range s.store.List(s.ctx, key, "") {
			must(t, "List", err)
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
		wants(t, fmt.Sprintf("Open(%d, %d)", r[0], r[1]), second(s.store.Open(s.ctx, key, r[0], r[1])),
			dossier.ErrNotFound)
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
		if _, err := s.store.Put(s.ctx, key, strings.NewReader("x")); err == nil {
			t.Errorf("Put(%q) succeeded", key)
		} else if len(key) > 6 && strings.Contains(err.Error(), key) {
			t.Errorf("Put(%q): the error has the key: %v", key, err)
		}
		wants(t, fmt.Sprintf("Stat(%q)", key), second(s.store.Stat(s.ctx, key)), dossier.ErrNotFound)
		wants(t, fmt.Sprintf("Open(%q)", key), second(s.store.Open(s.ctx, key, 0, -1)), dossier.ErrNotFound)
		if err := s.store.Delete(s.ctx, key); err == nil {
			t.Errorf("Delete(%q) succeeded", key)
		}
	}
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
		"Put": func() error {
			_, err := s.store.Put(ctx, other, strings.NewReader("x"))
			return err
		}(),
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
		"List":   first(s.store.List(ctx, dossier.ObjectPrefix, "")),
	} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s: %v; want context.Canceled, and not ErrUnavailable", name, err)
		}
	}
	s.invisible(other)
	s.sees(key, strings.NewReader("abc"))
	past, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
	defer cancel()
	wants(t, "Stat after its deadline", second(s.store.Stat(past, key)), dossier.ErrUnavailable)
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
				if _, err := s.store.Put(s.ctx, key, strings.NewReader(key)); err != nil {
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

func testParallelObjects(t *testing.T, s objectsUnderTest) {
	var wg sync.WaitGroup
	for i, size := range []int64{0, 10, 100_000, objectPartSize - 1, objectPartSize, objectPartSize + 1,
		2*objectPartSize + 1, 3} {
		wg.Go(func() {
			key, seed := newObjectKey(), uint64(100+i)
			if _, err := s.store.Put(s.ctx, key, byteStream(seed, size)); err != nil {
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
				wants(t, "Close", r.Close(), nil)
			}
			wants(t, "Delete", s.store.Delete(s.ctx, key), nil)
		})
	}
	wg.Wait()
	s.nothingLeft()
}
