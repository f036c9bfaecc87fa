package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	dossier "dossier.example/app"
)

func testRanges(t *testing.T, s objectsUnderTest) {
	const large = 2*objectPartSize + 1000
	for _, size := range []int64{0, 1, 1000, large} {
		key := newObjectKey()
		s.put(key, byteStream(5, size))
		for _, r := range []struct{ offset, length int64 }{
			{0, -1}, {0, 0}, {0, 1}, {0, 999}, {0, 1000}, {0, 1001}, {1, -1}, {1, 1}, {500, 0}, {500, 100}, {999, 1},
			{999, 2}, {999, -1},
			{1000, -1}, {1000, 0}, {1000, 1}, {1001, -1}, {1001, 10}, {math.MaxInt64, 1}, {math.MaxInt64, -1},
			{0, math.MaxInt64}, {1, math.MaxInt64}, {999, math.MaxInt64}, {0, math.MinInt64},
			{objectPartSize - 10, 20}, {objectPartSize, 10}, {large - 1, 1}, {large - 10, -1}, {large, 1},
		} {
			want := Bytes(5, min(r.offset, size), size)
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
			wants(t, fmt.Sprintf("%d bytes: Open(%d, %d): Close", size, r.offset, r.length), got.Close(), nil)
		}
		if _, err := s.store.Open(s.ctx, key, -1, 1); err == nil || errors.Is(err, dossier.ErrNotFound) ||
			errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%d bytes: Open(-1, 1): %v; want an error that is a fault of the program", size, err)
		}
	}
	// A reader that is not read to its end leaves the store usable, however many there are.
	key := newObjectKey()
	s.put(key, byteStream(5, large))
	for range 50 {
		r, err := s.store.Open(s.ctx, key, 10, -1)
		must(t, "Open", err)
		if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
			t.Fatalf("Read: %v", err)
		}
		must(t, "Close", r.Close())
	}
}

func testList(t *testing.T, s objectsUnderTest) {
	if keys := s.keys(""); len(keys) != 0 {
		t.Fatalf("an empty store lists %d objects", len(keys))
	}
	all := s.fill(ListedObjects/25, 25)
	one := all[30][:len(dossier.ObjectPrefix)+36]
	for _, prefix := range []string{
		"", "f", "files", dossier.ObjectPrefix, all[0], all[len(all)-1], one, one + "/", one[:len(one)-1], one + "/0",
		one + "/z",
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
	for _, after := range []string{all[0], all[27], all[27] + "x", all[27][:len(all[27])-1], one, one + "/", one + "/z",
		one + "0", all[len(all)-1], "f", "files", "files0", "g"} {
		for _, prefix := range []string{"", dossier.ObjectPrefix, one} {
			var want []string
			for _, key := range all {
				if strings.HasPrefix(key, prefix) && key > after {
					want = append(want, key)
				}
			}
			if got := s.keysAfter(prefix, after); !slices.Equal(got, want) {
				t.Errorf("List(%q, %q) has %d objects, sorted %v; want %d", prefix, after, len(got), slices.IsSorted(got),
					len(want))
			}
		}
	}
	seen := 0
	for o, err := range s.store.List(s.ctx, dossier.ObjectPrefix, "") {
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
	for o, err := range s.store.List(s.ctx, dossier.ObjectPrefix, "") {
		must(t, fmt.Sprintf("List after %d objects were deleted", len(deleted)), err)
		deleted = append(deleted, o.Key)
		must(t, "Delete", s.store.Delete(s.ctx, o.Key))
	}
	if !slices.Equal(deleted, all) {
		t.Errorf("List whose loop deletes has %d objects, sorted %v; want %d", len(deleted), slices.IsSorted(deleted),
			len(all))
	}
	s.nothingLeft()
}

func testDelete(t *testing.T, s objectsUnderTest) {
	person := dossier.NewPersonID()
	a, b := dossier.ObjectKey(person, dossier.NewFileID()), dossier.ObjectKey(person, dossier.NewFileID())
	s.put(a, strings.NewReader("a"))
	s.put(b, byteStream(6, objectPartSize+1))
	for range 2 {
		must(t, "Delete", s.store.Delete(s.ctx, b))
		s.invisible(b)
	}
	s.sees(a, strings.NewReader("a"))
	// Many at once of the same one.
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() { errs <- s.store.Delete(s.ctx, a) }()
	}
	for range cap(errs) {
		wants(t, "Delete beside others", <-errs, nil)
	}
	s.invisible(a)
	s.nothingLeft()
}

// testOnePerson puts files of one person while others of the same are deleted, so that whatever a store keeps by person
// comes and goes all the time.
func testOnePerson(t *testing.T, s objectsUnderTest) {
	person := dossier.NewPersonID()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				key := dossier.ObjectKey(person, dossier.NewFileID())
				if _, err := s.store.Put(s.ctx, key, strings.NewReader(key)); err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if h, err := s.store.Stat(s.ctx, key); err != nil || h.Size != int64(len(key)) {
					t.Errorf("Stat = %+v, %v", h, err)
				}
				wants(t, "Delete", s.store.Delete(s.ctx, key), nil)
			}
		})
	}
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			for _, err := range s.store.List(s.ctx, dossier.ObjectPrefix, "") {
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

func testReadWhileDeleted(t *testing.T, s objectsUnderTest) {
	const size = 4 * objectPartSize
	key := newObjectKey()
	s.put(key, byteStream(9, size))
	r, err := s.store.Open(s.ctx, key, 0, -1)
	must(t, "Open", err)
	want := byteStream(9, size)
	if n, err := sameBytes(io.LimitReader(r, 1000), io.LimitReader(want, 1000)); err != nil {
		t.Fatalf("at byte %d: %v", n, err)
	}
	must(t, "Delete", s.store.Delete(s.ctx, key))
	s.invisible(key)
	// The rest may come or not. What comes is right, and an end that is told as one is the end.
	got := bytes.NewBuffer(make([]byte, 0, size))
	_, err = got.ReadFrom(r)
	read := got.Len()
	if n, diff := sameBytes(got, io.LimitReader(want, int64(read))); diff != nil {
		t.Errorf("at byte %d: %v", 1000+n, diff)
	}
	if err == nil && read != size-1000 {
		t.Errorf("read %d bytes without an error; want %d", read, size-1000)
	}
	if err != nil && !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Read: %v; want ErrUnavailable if anything", err)
	}
	wants(t, "Close", r.Close(), nil)
}

func testCancelledRead(t *testing.T, s objectsUnderTest) {
	key := newObjectKey()
	s.put(key, byteStream(4, 2*objectPartSize))
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	r, err := s.store.Open(ctx, key, 0, -1)
	must(t, "Open", err)
	if n, err := sameBytes(io.LimitReader(r, 1000), byteStream(4, 1000)); err != nil {
		t.Fatalf("reading the first 1000 bytes: at byte %d: %v", n, err)
	}
	cancel()
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("reading on: %d bytes, %v; want context.Canceled, and not ErrUnavailable", n, err)
	}
	wants(t, "Close", r.Close(), nil)
	// A listing ends too.
	s.put(newObjectKey(), strings.NewReader("x"))
	ctx, cancel = context.WithCancel(s.ctx)
	defer cancel()
	seen := 0
	for _, listErr := range s.store.List(ctx, dossier.ObjectPrefix, "") {
		if err = listErr; err == nil {
			seen++
			cancel()
		}
	}
	if seen != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("List cancelled at the first object yields %d, then %v; want 1, then context.Canceled", seen, err)
	}
}
