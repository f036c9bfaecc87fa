package storetest

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// lists wants a walk to have exactly these, in any order, each once, after a while.
func (c *catalogUnderTest) lists(what string, walk iter.Seq2[dossier.File, error], want []dossier.File) {
	c.Helper()
	slices.SortFunc(want, byFileID)
	c.eventually(func() error {
		got := collect(c, what, walk)
		slices.SortFunc(got, byFileID)
		if !slices.EqualFunc(got, want, sameFile) {
			return fmt.Errorf("%s: got %s, want %s", what, showFiles(got), showFiles(want))
		}
		return nil
	})
}

// What Unfinished, Damaged, Scans and TrashedFiles have to have.

func (c *catalogUnderTest) unfinished(before time.Time, want ...dossier.File) {
	c.Helper()
	c.lists("Unfinished", c.Unfinished(c.Context(), before), want)
}

func (c *catalogUnderTest) damaged(want ...dossier.File) {
	c.Helper()
	c.lists("Damaged", c.Damaged(c.Context()), want)
}

func (c *catalogUnderTest) scans(state dossier.ScanState, want ...dossier.File) {
	c.Helper()
	c.lists("Scans of those that are "+string(state), c.Scans(c.Context(), state), want)
}

func (c *catalogUnderTest) trashed(want ...dossier.File) {
	c.Helper()
	c.lists("TrashedFiles", c.TrashedFiles(c.Context()), want)
}

// eventually repeats a check for as long as an index may be behind.
func (c *catalogUnderTest) eventually(check func() error) {
	c.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.Fatal(err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-c.Context().Done():
			c.Fatal(err)
		}
	}
}

func catalogUnfinished(t *testing.T, c *catalogUnderTest) {
	one, two := dossier.NewPersonID(), dossier.NewPersonID()
	uploading := c.put(c.file(one, "uploading")) // at 0
	described := c.described(c.file(two, "described"), fileContent(1))
	c.stored(c.file(one, "stored"), fileContent(1))
	marked := c.marked(c.put(c.file(two, "marked")))
	markedStored := c.marked(c.stored(c.file(one, "was stored"), fileContent(1)))
	c.removed(c.marked(c.put(c.file(one, "removed"))))

	c.unfinished(c.at(-5), marked, markedStored)
	c.unfinished(c.at(0), marked, markedStored)
	c.unfinished(c.at(0).Add(time.Nanosecond), marked, markedStored, uploading)
	c.unfinished(c.at(1), marked, markedStored, uploading)
	c.unfinished(c.at(2), marked, markedStored, uploading, described)
	c.unfinished(c.at(1_000_000), marked, markedStored, uploading, described)
	c.unfinished(time.Time{}, marked, markedStored)

	// Describe and Commit move a record out of reach.
	uploading = c.describes(uploading, fileContent(2), c.at(100))
	c.committed(described)
	c.unfinished(c.at(100), marked, markedStored)
	c.unfinished(c.at(101), marked, markedStored, uploading)
	c.removed(marked)
	c.unfinished(c.at(101), markedStored, uploading)
}

func catalogUnfinishedRemoves(t *testing.T, c *catalogUnderTest) {
	files := c.many(3, true)
	for i, f := range files {
		if i%2 == 0 {
			files[i] = c.marked(f)
		}
	}
	c.unfinished(c.at(10), slices.Clone(files)...)
	seen := map[dossier.FileID]int{}
	for f, err := range c.Unfinished(t.Context(), c.at(10)) {
		c.wants("Unfinished", err, nil)
		seen[f.ID]++
		if f.State == dossier.FileUploading {
			f = c.marked(f)
		}
		c.removed(f)
	}
	for _, f := range files {
		// An index that is behind may show a record twice, as it was and as it became.
		if n := seen[f.ID]; n < 1 || n > 2 {
			t.Errorf("a record was seen %d times", n)
		}
	}
	if len(seen) != len(files) {
		t.Errorf("saw %d records, want %d", len(seen), len(files))
	}
	c.unfinished(c.at(10))
}

// catalogUnfinishedChanges gives every record a later time in the body, as one does whose work then fails: the walk
// must not run after them.
func catalogUnfinishedChanges(t *testing.T, c *catalogUnderTest) {
	files := c.many(2, true)
	for i, f := range files {
		if i%2 == 0 {
			files[i] = c.marked(f)
		}
	}
	c.unfinished(c.at(10), slices.Clone(files)...)
	seen, steps := map[dossier.FileID]bool{}, 0
	for f, err := range c.Unfinished(t.Context(), c.at(10_000)) {
		c.wants("Unfinished", err, nil)
		if steps++; steps > 2*len(files) {
			t.Fatal("the walk does not end")
		}
		seen[f.ID] = true
		if f.State == dossier.FileDeleting {
			err = c.MarkDeleting(t.Context(), f.Person, f.ID, c.at(10+steps))
		} else {
			err = c.Describe(t.Context(), f.Person, f.ID, fileContent(1), c.at(10+steps))
		}
		c.wants("change", err, nil)
	}
	if len(seen) != len(files) {
		t.Errorf("saw %d records, want %d", len(seen), len(files))
	}
}

func catalogAll(t *testing.T, c *catalogUnderTest) {
	files := c.many(9, false)
	want := map[dossier.FileID]dossier.File{}
	for _, f := range files {
		want[f.ID] = f
	}
	done := map[dossier.PersonID]bool{}
	var person dossier.PersonID
	for f, err := range c.All(t.Context()) {
		c.wants("All", err, nil)
		if !sameFile(f, want[f.ID]) {
			t.Fatalf("All: got %s, want %s, once", showFile(f), showFile(want[f.ID]))
		}
		delete(want, f.ID)
		if f.Person != person {
			done[person], person = true, f.Person
			if done[person] {
				t.Fatal("All: a person's records are not together")
			}
		}
	}
	if len(want) > 0 {
		t.Fatalf("All: %d records are missing", len(want))
	}
}

func catalogAllRemoves(t *testing.T, c *catalogUnderTest) {
	files, seen := c.many(4, false), 0
	for f, err := range c.All(t.Context()) {
		c.wants("All", err, nil)
		seen++
		c.deletes(f)
	}
	if seen != len(files) {
		t.Errorf("All: saw %d records, want %d", seen, len(files))
	}
	for f, err := range c.All(t.Context()) {
		t.Fatalf("All after all are removed: got %s, %v", showFile(f), err)
	}
}

func catalogBreak(t *testing.T, c *catalogUnderTest) {
	files := c.many(2, true)
	c.unfinished(c.at(10), slices.Clone(files)...)
	for range 3 {
		n := 0
		for _, err := range c.All(t.Context()) {
			c.wants("All", err, nil)
			if n++; n == 3 {
				break
			}
		}
		for _, err := range c.Unfinished(t.Context(), c.at(10)) {
			c.wants("Unfinished", err, nil)
			if n++; n == 6 {
				break
			}
		}
		if n != 6 {
			t.Fatalf("saw %d records, want 6", n)
		}
	}
	// A walk is walked again from its beginning.
	all, walked := c.All(t.Context()), [2]int{}
	for i := range walked {
		for _, err := range all {
			c.wants("All", err, nil)
			walked[i]++
		}
	}
	if want := [2]int{len(files), len(files)}; walked != want {
		t.Fatalf("All, twice: got %v records, want %v", walked, want)
	}
}
