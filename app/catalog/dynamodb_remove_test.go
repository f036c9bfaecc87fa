//go:build unix

package catalog

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// A Remove that dies at any request is found again and ends well; meanwhile the content can be committed anew.
func TestDynamoDBRemoveDies(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, chosen func(i, of int) bool) {
		if !chosen(0, 3) {
			return
		}
		for n := 1; ; n++ {
			if n == maxRequests {
				b.Fatal("Remove never ends")
			}
			ended := false
			for _, effect := range []bool{false, true} {
				person, own, _ := make()
				b.commit(own)
				b.mark(own)
				b.wire.crash(n, effect)
				err := removes(b.tested, own)
				made := b.wire.mend()
				if ended = made < n; ended == (err != nil) {
					b.Fatalf("Remove that died at request %d of %d: got error %v", n, made, err)
				}
				b.sane(person)
				_, err = b.sound.File(b.Context(), person, own.ID)
				if _, claims := b.items(person); err != nil && slices.ContainsFunc(claims, func(c *item) bool {
					return c.Owner == own.ID.String()
				}) {
					b.Error("the record is gone, its claim is not")
				}
				if answer := b.commit(b.described(person)); answer.ID == own.ID {
					b.Error("Commit answers with a file that is deleting")
				}
				b.must(removes(b.sound, own))
				b.sane(person)
				b.empties(person)
				if b.Failed() {
					b.Fatalf("that was: Remove that died at request %d (took effect: %v)", n, effect)
				}
			}
			if ended {
				return
			}
		}
	})
}

// A claim that nobody owns any more goes with the next Remove of any file of the person, and one that has an owner
// stays.
func TestDynamoDBRemoveClearsClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	person := dossier.NewPersonID()
	orphan := b.claimed(person)
	b.must(b.sound.remove(t.Context(), "test", person.String(), orphan.ID.String(), inState(dossier.FileUploading)))
	kept := newFile(t)
	kept.Person, kept.Name = person, "kept"
	b.must(b.sound.Put(t.Context(), kept))
	b.describe(kept, 0)
	b.commit(kept)
	bystander := b.described(person)
	b.remove(bystander)
	if _, claims := b.items(person); len(claims) != 1 || claims[0].Owner != kept.ID.String() {
		t.Errorf("after Remove there are %d claims, want that of the stored file only", len(claims))
	}
	b.empties(person)
}

// A Remove that walks slowly meets the claim of a file that was put behind its back: it keeps its hands off.
func TestDynamoDBRemoveSparesNewClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	b.tested.page = 1
	for n := 1; ; n++ {
		if n == maxRequests {
			t.Fatal("Remove never ends")
		}
		person := dossier.NewPersonID()
		f := b.described(person)
		b.mark(f)
		b.wire.stepIn(n, func() {
			early := newFile(t)
			early.Person, early.ID[0] = person, 0 // sorts before f
			b.must(b.sound.Put(t.Context(), early))
			b.describe(early, 0)
			b.commit(early)
		})
		b.must(removes(b.tested, f))
		if b.wire.mend() < n {
			return
		}
		b.sane(person)
		b.empties(person)
		if b.Failed() {
			t.Fatalf("that was: a file committed before request %d of Remove", n)
		}
	}
}

// A Put that sleeps before any of its requests, while somebody else puts the same id and the file is removed: either it
// fails, or its record cannot be stored.
func TestDynamoDBPutSleepsThroughARemoval(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	for n := 1; ; n++ {
		if n == maxRequests {
			t.Fatal("Put never ends")
		}
		f := newFile(t)
		f.Multipart = &dossier.Multipart{UploadID: "one", Size: 7, PartSize: 8}
		content := dossier.Content{Size: 7, SHA256: [32]byte{1}, CRC64: 1, Type: "image/png"}
		b.wire.stepIn(n, func() {
			other := f
			other.Multipart = &dossier.Multipart{UploadID: "other", Size: 7, PartSize: 8}
			b.must(b.sound.Put(t.Context(), other))
			b.remove(other)
		})
		err := b.tested.Put(t.Context(), f)
		if b.wire.mend() < n {
			b.must(err)
			return
		}
		if err == nil {
			b.must(b.sound.Describe(t.Context(), f.Person, f.ID, content, f.UpdatedAt))
			_, err = b.sound.Commit(t.Context(), f.Person, f.ID, f.UpdatedAt)
			if !errors.Is(err, dossier.ErrLost) {
				t.Errorf("Commit of what was put: %v, want ErrLost", err)
			}
			b.sane(f.Person)
		} else if !errors.Is(err, dossier.ErrExists) {
			t.Errorf("Put that slept before request %d: %v, want ErrExists", n, err)
		}
		b.empties(f.Person)
	}
}

// What keeps an id from being used again is no record for any walk, of this release or an older one, and time to live
// removes it.
func TestDynamoDBRetiredIsNoRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	f := b.described(dossier.NewPersonID())
	b.remove(f)
	found, err := b.sound.get(t.Context(), "test", f.Person.String(), retiredKey(f.ID.String()))
	b.must(err)
	if found == nil || found.ExpiresAt == nil ||
		*found.ExpiresAt < f.UpdatedAt.Add(dossier.RemovedFor).Unix() ||
		*found.ExpiresAt > f.UpdatedAt.Add(dossier.RemovedFor+time.Minute).Unix() {
		t.Fatalf("the id of a removed file is kept as %+v", found)
	}
	if !strings.HasPrefix(found.File, besides) || found.Unfinished != "" || found.Path != "" || found.Author != "" {
		t.Errorf("the id of a removed file is kept as %+v", found)
	}
	if files, err := b.sound.Files(t.Context(), f.Person, dossier.FileID{}, 10); err != nil || len(files) > 0 {
		t.Errorf("Files: %v, %v; want none", files, err)
	}
}
