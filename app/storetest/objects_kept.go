package storetest

import (
	"testing"
	"time"

	dossier "dossier.example/app"
)

func testHead(t *testing.T, s objectsUnderTest) {
	for _, size := range []int64{0, 1, objectPartSize + 1} {
		key, want := newObjectKey(), heldOf(t, 1, size)
		s.put(key, byteStream(1, size))
		head, err := s.store.Head(s.ctx, key)
		if err != nil || head.Size != size || head.CRC64 != nil && *head.CRC64 != want.CRC64 {
			t.Errorf("Head of %d bytes: %+v, %v", size, head, err)
		}
	}
	wants(t, "Head of nothing", second(s.store.Head(s.ctx, newObjectKey())), dossier.ErrNotFound)
	wants(t, "Head of a key that is never made", second(s.store.Head(s.ctx, "other/key")), dossier.ErrNotFound)
}

func testSetAside(t *testing.T, s objectsUnderTest) {
	person := dossier.NewPersonID()
	key, other := dossier.ObjectKey(person, dossier.NewFileID()), dossier.ObjectKey(person, dossier.NewFileID())
	s.put(key, byteStream(1, 1000))
	s.put(other, byteStream(2, 10))
	before := time.Now().Add(-time.Minute)
	must(t, "SetAside", s.store.SetAside(s.ctx, key, []byte("about it")))
	must(t, "SetAside of nothing", s.store.SetAside(s.ctx, key, []byte("again")))
	wants(t, "Stat of what was set aside", second(s.store.Stat(s.ctx, key)), dossier.ErrNotFound)
	if keys := s.keys(""); len(keys) != 1 || keys[0] != other {
		t.Errorf("List: %q, want the other alone", keys)
	}
	kept := s.kept()
	if len(kept) == 0 {
		// The store keeps former versions itself.
		wants(t, "PutBack where nothing is kept", s.store.PutBack(s.ctx, key), dossier.ErrNotFound)
		return
	}
	k := kept[0]
	if len(kept) != 1 || k.Key != key || string(k.About) != "about it" || k.At.Before(before) ||
		k.At.After(time.Now().Add(time.Minute)) {
		t.Fatalf("Kept: %+v", kept)
	}
	if n, err := s.store.Expire(s.ctx, k.At); n != 0 || err != nil {
		t.Errorf("Expire of older ones: %d, %v", n, err)
	}
	// Whoever puts it back may be gone before it is forgotten: then it is put back, or set aside, once more.
	for _, about := range []string{"about it", "once more"} {
		for range 2 {
			must(t, "PutBack", s.store.PutBack(s.ctx, key))
			s.sees(key, byteStream(1, 1000))
			if kept := s.kept(); len(kept) != 1 || string(kept[0].About) != about {
				t.Errorf("Kept after PutBack: %+v", kept)
			}
		}
		must(t, "SetAside", s.store.SetAside(s.ctx, key, []byte("once more")))
		wants(t, "Stat of what was set aside once more", second(s.store.Stat(s.ctx, key)), dossier.ErrNotFound)
	}
	must(t, "PutBack", s.store.PutBack(s.ctx, key))
	for range 2 {
		must(t, "ForgetKept", s.store.ForgetKept(s.ctx, key))
	}
	s.sees(key, byteStream(1, 1000))
	wants(t, "PutBack of what was forgotten", s.store.PutBack(s.ctx, key), dossier.ErrNotFound)
	if kept := s.kept(); len(kept) != 0 {
		t.Errorf("Kept after ForgetKept: %+v", kept)
	}

	// What is deleted is kept nowhere, whoever set it aside before.
	for _, back := range []bool{false, true} {
		must(t, "SetAside", s.store.SetAside(s.ctx, key, nil))
		if back {
			must(t, "PutBack", s.store.PutBack(s.ctx, key))
		}
		must(t, "Delete", s.store.Delete(s.ctx, key))
		if kept := s.kept(); len(kept) != 0 {
			t.Errorf("Kept after Delete: %+v", kept)
		}
		s.put(key, byteStream(1, 1000))
	}

	// A key that has an object again keeps it; and the last one of a person takes the folder with it.
	for _, key := range []string{key, other} {
		must(t, "SetAside", s.store.SetAside(s.ctx, key, nil))
	}
	if keys := s.keys(""); len(keys) != 0 {
		t.Errorf("List: %q, want none", keys)
	}
	s.put(key, byteStream(3, 5))
	wants(t, "PutBack over an object", s.store.PutBack(s.ctx, key), dossier.ErrExists)
	s.sees(key, byteStream(3, 5))
	if n, err := s.store.Expire(s.ctx, time.Now().Add(time.Minute)); n != 2 || err != nil {
		t.Errorf("Expire: %d, %v, want both", n, err)
	}
	if kept := s.kept(); len(kept) != 0 {
		t.Errorf("Kept after Expire: %+v", kept)
	}
	s.sees(key, byteStream(3, 5))
}

func (s objectsUnderTest) kept() []dossier.Kept {
	s.t.Helper()
	return collect(s.t, "Kept", s.store.Kept(s.ctx))
}
