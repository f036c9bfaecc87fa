package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// VersionedObjects is a store of objects that keeps versions.
type VersionedObjects interface {
	dossier.Objects
	dossier.Versions
}

// Versions runs the conformance suite of dossier.Versions, for stores that keep versions. open returns an empty store
// that keeps none yet, and what has it begin; it is called as that of Objects is.
func Versions(t *testing.T, open func(t *testing.T) (store VersionedObjects, begin func())) {
	for name, test := range map[string]func(versionsUnderTest){
		"deleted":                    testReviveDeleted,
		"overwritten":                testReviveOverwritten,
		"from before there were any": testReviveFromBefore,
		"none that fits":             testReviveNone,
		"as it is":                   testReviveAsItIs,
		"at once":                    testReviveAtOnce,
		"refused":                    testReviveRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			store, begin := open(t)
			test(versionsUnderTest{objectsUnderTest{t, ctx, store, nil}, store, begin})
		})
	}
}

type versionsUnderTest struct {
	objectsUnderTest
	versions dossier.Versions
	begin    func()
}

// content is byteStream(seed, size), as it is put and asked for.
type content struct {
	seed uint64
	size int64
}

func (v versionsUnderTest) write(key string, c content) {
	v.t.Helper()
	v.put(key, byteStream(c.seed, c.size))
}

func (v versionsUnderTest) delete(key string) {
	v.t.Helper()
	must(v.t, "Delete", v.store.Delete(v.ctx, key))
	v.invisible(key)
}

func (v versionsUnderTest) revive(key string, c content) error {
	v.t.Helper()
	return v.versions.Revive(v.ctx, key, heldOf(v.t, c.seed, c.size))
}

// comesBack revives the content and wants its bytes, and what the store says of them.
func (v versionsUnderTest) comesBack(key string, c content) {
	v.t.Helper()
	if err := v.revive(key, c); err != nil {
		v.t.Errorf("Revive of %+v: %v", c, err)
		return
	}
	v.sees(key, byteStream(c.seed, c.size))
	if held, err := v.store.Stat(v.ctx, key); err != nil || held != heldOf(v.t, c.seed, c.size) {
		v.t.Errorf("Stat of %+v after Revive: %+v, %v", c, held, err)
	}
	if left := v.unfinished(time.Now().Add(time.Hour)); len(left) > 0 {
		v.t.Errorf("Revive of %+v left multipart uploads: %v", c, left)
	}
}

func testReviveDeleted(v versionsUnderTest) {
	v.begin()
	for _, size := range []int64{0, 1, 1000, objectPartSize, 2*objectPartSize + 1000} {
		key, c := newObjectKey(), content{1, size}
		v.write(key, c)
		v.delete(key)
		v.comesBack(key, c)
		// Deleted again, and once more where there is nothing: a delete marker above another.
		v.delete(key)
		v.delete(key)
		v.comesBack(key, c)
	}
}

func testReviveOverwritten(v versionsUnderTest) {
	v.begin()
	key := newObjectKey()
	// Of one size, so that only their bytes tell them apart; and another.
	list := []content{{1, 1000}, {2, 1000}, {3, 999}, {4, 1000}, {5, 2*objectPartSize + 10}, {6, 1000}}
	for _, c := range list {
		v.write(key, c)
	}
	for _, c := range list {
		v.comesBack(key, c)
	}
	v.delete(key)
	for _, c := range list {
		v.comesBack(key, c)
	}
}

func testReviveFromBefore(v versionsUnderTest) {
	kept, replaced, deleted := newObjectKey(), newObjectKey(), newObjectKey()
	before := content{1, 1000}
	for _, key := range []string{kept, replaced, deleted} {
		v.write(key, before)
	}
	v.begin()
	v.comesBack(kept, before)
	v.write(replaced, content{2, 1000})
	v.comesBack(replaced, before)
	v.comesBack(replaced, content{2, 1000})
	v.delete(deleted)
	v.comesBack(deleted, before)
}

func testReviveNone(v versionsUnderTest) {
	v.begin()
	never, other := newObjectKey(), newObjectKey()
	// Keys of the same person are no versions of this one.
	person := dossier.NewPersonID()
	v.write(dossier.ObjectKey(person, dossier.NewFileID()), content{1, 10})
	for _, key := range []string{never, dossier.ObjectKey(person, dossier.NewFileID())} {
		wants(v.t, "Revive of what never was", v.revive(key, content{1, 10}), dossier.ErrNotFound)
		v.invisible(key)
	}
	v.write(other, content{1, 10})
	for _, c := range []content{{2, 10}, {1, 11}, {1, 0}} {
		wants(v.t, fmt.Sprintf("Revive of %+v where there is only another", c), v.revive(other, c), dossier.ErrCorrupt)
	}
	v.sees(other, byteStream(1, 10))
	v.delete(other)
	wants(v.t, "Revive of something else than was deleted", v.revive(other, content{2, 10}), dossier.ErrCorrupt)
	v.invisible(other)
}

func testReviveAsItIs(v versionsUnderTest) {
	v.begin()
	key, c := newObjectKey(), content{1, 1000}
	v.write(key, c)
	for range 3 {
		v.comesBack(key, c)
	}
	v.delete(key)
	v.comesBack(key, c)
	v.comesBack(key, c)
}

func testReviveAtOnce(v versionsUnderTest) {
	v.begin()
	key, c := newObjectKey(), content{1, objectPartSize + 1}
	v.write(key, c)
	v.delete(key)
	var wg sync.WaitGroup
	want := heldOf(v.t, c.seed, c.size)
	for range 4 {
		wg.Go(func() {
			wants(v.t, "Revive", v.versions.Revive(v.ctx, key, want), nil)
		})
	}
	wg.Wait()
	v.comesBack(key, c)
}

func testReviveRefused(v versionsUnderTest) {
	v.begin()
	key := newObjectKey()
	v.put(key, strings.NewReader("abc"))
	v.delete(key)
	ctx, cancel := context.WithCancel(v.ctx)
	cancel()
	if err := v.versions.Revive(ctx, key, dossier.Held{Size: 3}); !errors.Is(err, context.Canceled) ||
		errors.Is(err, dossier.ErrUnavailable) {
		v.t.Errorf("Revive when cancelled: %v; want context.Canceled, and not ErrUnavailable", err)
	}
	for _, key := range []string{"", "files/", "other", "files/../x"} {
		if err := v.versions.Revive(v.ctx, key, dossier.Held{}); err == nil {
			v.t.Errorf("Revive of the key %q: no error", key)
		}
	}
	v.invisible(key)
}
