package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	dossier "dossier.example/app"
)

func catalogBehind(t *testing.T, c *catalogUnderTest) {
	c.many(3, false)
	all := collect(c, "All", c.All(t.Context()))
	for _, limit := range []int{1, 7, len(all), len(all) + 1} {
		var got []dossier.File
		var last dossier.File
		for {
			page, err := c.Behind(t.Context(), last.Person, last.ID, limit)
			c.wants("Behind", err, nil)
			if len(page) > limit {
				t.Fatalf("Behind gave %d records, asked for %d", len(page), limit)
			}
			got = append(got, page...)
			if len(page) < limit {
				break
			}
			last = page[len(page)-1]
		}
		if !slices.EqualFunc(got, all, sameFile) {
			t.Fatalf("Behind by pages of %d: got %s, want those of All: %s", limit, showFiles(got), showFiles(all))
		}
	}
	// The place stays one when its record goes.
	at := len(all) / 2
	c.deletes(all[at])
	got, err := c.Behind(t.Context(), all[at].Person, all[at].ID, len(all))
	c.wants("Behind a record that is gone", err, nil)
	if !slices.EqualFunc(got, all[at+1:], sameFile) {
		t.Fatalf("Behind a record that is gone: got %s, want %s", showFiles(got), showFiles(all[at+1:]))
	}
}

func catalogDamage(t *testing.T, c *catalogUnderTest) {
	one, two := dossier.NewPersonID(), dossier.NewPersonID()
	a, b := c.stored(c.file(one, "a"), fileContent(1)), c.stored(c.file(two, "b"), fileContent(2))
	mark := func(f dossier.File, d *dossier.Damage, want error) dossier.File {
		c.Helper()
		c.wants("SetDamage", c.SetDamage(t.Context(), f.Person, f.ID, d), want)
		if want == nil {
			f.Damage = d
		}
		return f
	}
	missing := &dossier.Damage{Kind: dossier.ObjectMissing, FoundAt: c.at(10)}
	differs := &dossier.Damage{Kind: dossier.ObjectDiffers, FoundAt: c.at(11)}
	c.damaged()
	a, b = mark(a, missing, nil), mark(b, differs, nil)
	c.holds(one, a)
	c.damaged(a, b)
	// It is neither unfinished nor stored anew.
	c.unfinished(c.at(1_000_000))
	c.commits(a, a)
	a = mark(a, differs, nil)
	c.damaged(a, b)
	b = mark(mark(b, nil, nil), nil, nil)
	c.holds(two, b)
	c.damaged(a)

	// Only of what is stored; and gone when that ends.
	uploading := c.described(c.file(one, "uploading"), fileContent(3))
	mark(uploading, missing, dossier.ErrLost)
	mark(c.file(one, "absent"), missing, dossier.ErrLost)
	a.Damage = nil
	a = c.marked(a)
	mark(a, nil, dossier.ErrLost)
	c.holds(one, a, uploading)
	c.damaged()
	c.unfinished(c.at(0), a)
	c.removed(a)
	c.damaged()
	for person, err := range c.Miscounted(t.Context()) {
		if person != one && person != two {
			t.Fatalf("Miscounted: %s, %v", person, err)
		}
	}
}

func catalogNotes(t *testing.T, c *catalogUnderTest) {
	get := func(name string) dossier.Note {
		c.Helper()
		n, err := c.Note(t.Context(), name)
		c.wants("Note", err, nil)
		return n
	}
	set := func(name, revision, value string, want error) dossier.Note {
		c.Helper()
		n, err := c.SetNote(t.Context(), name, revision, []byte(value))
		c.wants("SetNote", err, want)
		if want == nil && (string(n.Value) != value || n.Revision == "" || n.Revision == revision) {
			t.Fatalf("SetNote: got %q, %q", n.Value, n.Revision)
		}
		return n
	}
	if n := get("scrub"); n.Revision != "" || n.Value != nil {
		t.Fatalf("Note of nothing: %+v", n)
	}
	set("scrub", "another", "x", dossier.ErrLost)
	first := set("scrub", "", "one", nil)
	set("scrub", "", "two", dossier.ErrLost)
	if n := get("scrub"); string(n.Value) != "one" || n.Revision != first.Revision {
		t.Fatalf("Note: got %+v, want %+v", n, first)
	}
	large := string(bytes.Repeat([]byte("\x00\xff long "), 8000))
	second := set("scrub", first.Revision, large, nil)
	set("scrub", first.Revision, "late", dossier.ErrLost)
	set("sweep", "", "another name", nil)
	if n := get("scrub"); string(n.Value) != large || n.Revision != second.Revision {
		t.Fatalf("Note: got %d bytes, %s", len(n.Value), n.Revision)
	}
	// It is no record, and counts nothing.
	catalogEmpty(t, c)
	c.miscounted(nil)
}

func catalogNotesMany(t *testing.T, c *catalogUnderTest) {
	for round := range 5 {
		before, err := c.Note(t.Context(), "n")
		c.wants("Note", err, nil)
		won := make([]bool, 8)
		AtOnce(len(won), func(i int) {
			_, err := c.SetNote(t.Context(), "n", before.Revision, fmt.Append(nil, round, i))
			won[i] = err == nil
		})
		after, err := c.Note(t.Context(), "n")
		c.wants("Note", err, nil)
		winner := slices.Index(won, true)
		if winner < 0 || slices.Contains(won[winner+1:], true) || string(after.Value) != fmt.Sprint(round, winner) {
			t.Fatalf("of many SetNotes at once %v won, and %q is noted", won, after.Value)
		}
	}
}

func catalogOwnerless(t *testing.T, c *catalogUnderTest) {
	see := func(o dossier.Ownerless, at time.Time) {
		c.Helper()
		since, err := c.SeeOwnerless(t.Context(), o.Person, o.File, at)
		c.wants("SeeOwnerless", err, nil)
		if !since.Equal(o.Since) {
			t.Fatalf("SeeOwnerless: since %s, want %s", since, o.Since)
		}
	}
	noted := func(want map[dossier.Ownerless]bool) {
		c.Helper()
		n := 0
		for o, err := range c.Ownerless(t.Context()) {
			c.wants("Ownerless", err, nil)
			if n++; !want[o] {
				t.Fatalf("Ownerless: %+v is not wanted", o)
			}
		}
		if n != len(want) {
			t.Fatalf("Ownerless: %d are noted, want %d", n, len(want))
		}
	}
	want := map[dossier.Ownerless]bool{}
	noted(want)
	person := dossier.NewPersonID()
	record := c.stored(c.file(person, "record"), fileContent(1))
	for i := range CatalogRecords + 1 {
		o := dossier.Ownerless{Person: person, File: dossier.NewFileID(), Since: c.at(i)}
		if i%2 == 0 {
			o.Person = dossier.NewPersonID()
		}
		see(o, o.Since)
		see(o, c.at(1000+i))
		want[o] = true
	}
	noted(want)
	// They stand beside the records of the same person and change nothing of them.
	c.holds(person, record)
	c.deletes(record)
	noted(want)
	for o, err := range c.Ownerless(t.Context()) {
		c.wants("Ownerless", err, nil)
		c.wants("ForgetOwnerless", c.ForgetOwnerless(t.Context(), o.Person, o.File), nil)
		c.wants("ForgetOwnerless again", c.ForgetOwnerless(t.Context(), o.Person, o.File), nil)
		delete(want, o)
	}
	if len(want) != 0 {
		t.Fatalf("Ownerless with a body that forgets: %d were not seen", len(want))
	}
	noted(want)
	again := dossier.Ownerless{Person: person, File: dossier.NewFileID(), Since: c.at(7)}
	see(again, c.at(7))
	noted(map[dossier.Ownerless]bool{again: true})
}
