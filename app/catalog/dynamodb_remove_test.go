//go:build unix

package catalog

import (
	"slices"
	"testing"

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
