package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// thumbnails returns which files have one.
func (s objectsUnderTest) thumbnails() []dossier.ThumbnailOf {
	s.t.Helper()
	return collect(s.t, "Thumbnails", s.store.Thumbnails(s.ctx, ""))
}

func testThumbnails(t *testing.T, s objectsUnderTest) {
	person, file := dossier.NewPersonID(), dossier.NewFileID()
	if b, err := s.store.Thumbnail(s.ctx, person, file); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Thumbnail of nothing: %d bytes, %v; want ErrNotFound", len(b), err)
	}
	wants(t, "DeleteThumbnail of nothing", s.store.DeleteThumbnail(s.ctx, person, file), nil)
	if of := s.thumbnails(); len(of) != 0 {
		t.Errorf("Thumbnails of nothing: %v", of)
	}
	key := dossier.ObjectKey(person, file)
	s.put(key, byteStream(1, 1000))
	for _, size := range []int{dossier.MaxThumbnail, 0, 1} {
		want := bytes.Repeat([]byte{byte(size)}, size)
		must(t, fmt.Sprintf("PutThumbnail of %d bytes", size), s.store.PutThumbnail(s.ctx, person, file, want))
		if b, err := s.store.Thumbnail(s.ctx, person, file); err != nil || !bytes.Equal(b, want) {
			t.Errorf("Thumbnail of %d bytes: %d, %v", size, len(b), err)
		}
	}
	if err := s.store.PutThumbnail(s.ctx, person, file, make([]byte, dossier.MaxThumbnail+1)); err == nil {
		t.Error("PutThumbnail took more than a thumbnail can have")
	}
	other := dossier.ThumbnailOf{Person: person, File: dossier.NewFileID()}
	must(t, "PutThumbnail", s.store.PutThumbnail(s.ctx, other.Person, other.File, []byte("other")))
	mine := dossier.ThumbnailOf{Person: person, File: file}
	if of := s.thumbnails(); len(of) != 2 || !slices.Contains(of, mine) || !slices.Contains(of, other) {
		t.Errorf("Thumbnails: %v, want those of both files", of)
	}
	keys := []string{dossier.ThumbnailKey(mine.Person, mine.File), dossier.ThumbnailKey(other.Person, other.File)}
	slices.Sort(keys)
	for i, after := range []string{dossier.ThumbnailPrefix, keys[0], keys[1]} {
		var got []string
		for of, err := range s.store.Thumbnails(s.ctx, after) {
			must(t, fmt.Sprintf("Thumbnails after %q", after), err)
			got = append(got, dossier.ThumbnailKey(of.Person, of.File))
		}
		if !slices.Equal(got, keys[i:]) {
			t.Errorf("Thumbnails after %q: %q, want %q", after, got, keys[i:])
		}
	}

	// It is no object, and no way of one leads to it.
	if keys := s.keys(dossier.ObjectPrefix); len(keys) != 1 || keys[0] != key {
		t.Errorf("List of the objects: %q, want the file's alone", keys)
	}
	thumb := dossier.ThumbnailKey(person, file)
	if _, err := s.store.Put(s.ctx, thumb, byteStream(1, 5)); err == nil {
		t.Error("Put took the key of a thumbnail")
	}
	if _, err := s.store.Start(s.ctx, thumb); err == nil {
		t.Error("Start took the key of a thumbnail")
	}
	if _, err := s.store.Sign(s.ctx, thumb, "upload", dossier.Part{Number: 1, Size: 1}, time.Minute); err == nil {
		t.Error("Sign took the key of a thumbnail")
	}
	if _, err := s.store.Link(s.ctx, thumb, dossier.ResponseHeader{}, time.Minute); err == nil {
		t.Error("Link took the key of a thumbnail")
	}
	if err := s.store.SetAside(s.ctx, key, nil); err != nil {
		t.Fatal(err)
	}
	if of := s.thumbnails(); len(of) != 2 {
		t.Errorf("Thumbnails after SetAside of the object: %v", of)
	}

	for of := range s.store.Thumbnails(s.ctx, "") {
		must(t, "DeleteThumbnail while listing", s.store.DeleteThumbnail(s.ctx, of.Person, of.File))
	}
	if of := s.thumbnails(); len(of) != 0 {
		t.Errorf("Thumbnails after deletion: %v", of)
	}
}

func testThumbnailsAtOnce(t *testing.T, s objectsUnderTest) {
	person, file := dossier.NewPersonID(), dossier.NewFileID()
	whole := [][]byte{bytes.Repeat([]byte("a"), 30_000), bytes.Repeat([]byte("b"), 60_000)}
	var wg sync.WaitGroup
	for _, b := range whole {
		for range 4 {
			wg.Go(func() {
				for range 5 {
					wants(t, "PutThumbnail", s.store.PutThumbnail(s.ctx, person, file, b), nil)
					got, err := s.store.Thumbnail(s.ctx, person, file)
					if !errors.Is(err, dossier.ErrNotFound) &&
						(err != nil || !bytes.Equal(got, whole[0]) && !bytes.Equal(got, whole[1])) {
						t.Errorf("Thumbnail: %d bytes, %v; want one of those that were put", len(got), err)
					}
					wants(t, "DeleteThumbnail", s.store.DeleteThumbnail(s.ctx, person, file), nil)
				}
			})
		}
	}
	wg.Wait()
	if of := s.thumbnails(); len(of) != 0 {
		t.Errorf("Thumbnails after deletion: %v", of)
	}
}
