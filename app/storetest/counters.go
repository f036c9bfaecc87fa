package storetest

import (
	"errors"
	"fmt"
	"math"
	"testing"

	dossier "dossier.example/app"
)

// roomy is a quota that no test here fills.
var roomy = dossier.Quota{Files: 1 << 40, Bytes: 1 << 60}

// counts wants a person's counter to say this.
func (c *catalogUnderTest) counts(person dossier.PersonID, want dossier.Quota) dossier.Usage {
	c.Helper()
	got, err := c.Usage(c.Context(), person)
	if err != nil || got.Person != person || got.Quota != want {
		c.Fatalf("Usage: got %+v, %v; want %+v", got, err, want)
	}
	if there := want != (dossier.Quota{}); (got.Epoch != "") != there || (got.Revision != "") != there ||
		got.UpdatedAt.IsZero() == there {
		c.Fatalf("Usage of %+v: got %+v, want an epoch, a revision and a time exactly where something is counted", want,
			got)
	}
	return got
}

func (c *catalogUnderTest) reserved(person dossier.PersonID, add dossier.Quota) dossier.Usage {
	c.Helper()
	u, err := c.Reserve(c.Context(), person, add, roomy, c.at(1))
	c.wants("Reserve", err, nil)
	if now := c.counts(person, u.Quota); now != u {
		c.Fatalf("Reserve returned %+v, Usage %+v", u, now)
	}
	return u
}

func countersReserve(t *testing.T, c *catalogUnderTest) {
	person, other := dossier.NewPersonID(), dossier.NewPersonID()
	most := dossier.Quota{Files: 3, Bytes: 100}
	var have dossier.Quota
	c.counts(person, have)
	for i, test := range []struct {
		add  dossier.Quota
		fits bool
	}{
		{dossier.Quota{Files: 4, Bytes: 0}, false},
		{dossier.Quota{Files: 1, Bytes: 101}, false},
		{dossier.Quota{Files: 1, Bytes: 60}, true},
		{dossier.Quota{Files: 1, Bytes: 41}, false},
		{dossier.Quota{Files: 3, Bytes: 1}, false},
		{dossier.Quota{Files: 0, Bytes: 40}, true},
		{dossier.Quota{Files: 0, Bytes: 1}, false},
		{dossier.Quota{Files: 2, Bytes: 0}, true},
		{dossier.Quota{Files: 1, Bytes: 0}, false},
		{dossier.Quota{Files: 0, Bytes: 0}, true},
	} {
		u, err := c.Reserve(t.Context(), person, test.add, most, c.at(i))
		if !test.fits {
			c.wants(fmt.Sprintf("Reserve %+v above %+v", test.add, have), err, dossier.ErrQuota)
			c.counts(person, have)
			continue
		}
		c.wants(fmt.Sprintf("Reserve %+v above %+v", test.add, have), err, nil)
		have = dossier.Quota{Files: have.Files + test.add.Files, Bytes: have.Bytes + test.add.Bytes}
		if now := c.counts(person, have); now != u || !now.UpdatedAt.Equal(c.at(i)) {
			t.Fatalf("Reserve returned %+v, Usage %+v", u, now)
		}
	}
	c.counts(other, dossier.Quota{})
	// A quota that was lowered since takes nothing more, and takes nothing away.
	_, err := c.Reserve(t.Context(), person, dossier.Quota{Files: 1}, dossier.Quota{Files: 1, Bytes: 1}, c.at(99))
	c.wants("Reserve above a lower quota", err, dossier.ErrQuota)
	c.counts(person, have)
}

func countersRelease(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	release := func(off dossier.Quota, epoch string) {
		t.Helper()
		c.wants("Release", c.Release(t.Context(), person, off, epoch, c.at(2)), nil)
	}
	release(dossier.Quota{Files: 1, Bytes: 1}, "")
	release(dossier.Quota{Files: 1, Bytes: 1}, "of nobody")
	c.counts(person, dossier.Quota{})
	u := c.reserved(person, dossier.Quota{Files: 3, Bytes: 30})
	release(dossier.Quota{Files: 1, Bytes: 10}, u.Epoch)
	v := c.counts(person, dossier.Quota{Files: 2, Bytes: 20})
	if v.Epoch != u.Epoch || v.Revision == u.Revision || !v.UpdatedAt.Equal(c.at(2)) {
		t.Fatalf("Release of %+v: got %+v, want the same epoch and another revision", u, v)
	}
	release(dossier.Quota{Files: 3, Bytes: 0}, u.Epoch) // more than there is
	release(dossier.Quota{Files: 0, Bytes: 21}, u.Epoch)
	release(dossier.Quota{Files: 1, Bytes: 1}, "")
	release(dossier.Quota{Files: 1, Bytes: 1}, "another")
	c.counts(person, dossier.Quota{Files: 2, Bytes: 20})
	release(dossier.Quota{Files: 2, Bytes: 20}, u.Epoch)
	c.counts(person, dossier.Quota{})
	// One that begins anew has nothing of the old one.
	if w := c.reserved(person, dossier.Quota{Files: 1}); w.Epoch == u.Epoch {
		t.Fatal("a counter that was removed and begins anew has the old epoch")
	}
	release(dossier.Quota{Files: 1}, u.Epoch)
	c.counts(person, dossier.Quota{Files: 1})
}

func countersRecount(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	recount := func(seen dossier.Usage, to dossier.Quota, want error) {
		t.Helper()
		c.wants("Recount", c.Recount(t.Context(), seen, to, c.at(7)), want)
	}
	none := c.counts(person, dossier.Quota{})
	recount(none, dossier.Quota{}, nil)
	c.counts(person, dossier.Quota{})
	recount(none, dossier.Quota{Files: 2, Bytes: 7}, nil)
	first := c.counts(person, dossier.Quota{Files: 2, Bytes: 7})
	recount(none, dossier.Quota{Files: 1}, dossier.ErrLost)
	recount(none, dossier.Quota{}, dossier.ErrLost)
	second := c.reserved(person, dossier.Quota{Files: 1, Bytes: 1})
	recount(first, dossier.Quota{Files: 9}, dossier.ErrLost)
	recount(first, dossier.Quota{}, dossier.ErrLost)
	c.counts(person, dossier.Quota{Files: 3, Bytes: 8})
	recount(second, dossier.Quota{Files: 1}, nil)
	third := c.counts(person, dossier.Quota{Files: 1})
	if third.Epoch == second.Epoch || third.Revision == second.Revision || !third.UpdatedAt.Equal(c.at(7)) {
		t.Fatalf("Recount of %+v: got %+v, want another epoch and revision", second, third)
	}
	recount(third, dossier.Quota{}, nil)
	c.counts(person, dossier.Quota{})
	recount(third, dossier.Quota{Files: 5}, dossier.ErrLost)
	c.counts(person, dossier.Quota{})
}

func countersEpoch(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	before := c.reserved(person, dossier.Quota{Files: 5, Bytes: 50})
	c.wants("Recount", c.Recount(t.Context(), before, dossier.Quota{Files: 3, Bytes: 30}, c.at(2)), nil)
	c.wants("Release", c.Release(t.Context(), person, dossier.Quota{Files: 1, Bytes: 10}, before.Epoch, c.at(3)), nil)
	after := c.counts(person, dossier.Quota{Files: 3, Bytes: 30})
	c.wants("Release", c.Release(t.Context(), person, dossier.Quota{Files: 1, Bytes: 10}, after.Epoch, c.at(3)), nil)
	c.counts(person, dossier.Quota{Files: 2, Bytes: 20})
}

func countersAside(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	c.reserved(person, dossier.Quota{Files: 1, Bytes: 1})
	c.holds(person)
	catalogEmpty(t, c)
	f := c.stored(c.file(person, "a"), fileContent(1))
	c.holds(person, f)
	c.removed(c.marked(f))
	c.holds(person)
	c.counts(person, dossier.Quota{Files: 1, Bytes: 1})
	catalogEmpty(t, c)
}

// miscounted wants Miscounted to have exactly these, each once.
func (c *catalogUnderTest) miscounted(want map[dossier.PersonID]bool) {
	c.Helper()
	got := map[dossier.PersonID]bool{}
	for person, err := range c.Miscounted(c.Context()) {
		c.wants("Miscounted", err, nil)
		if got[person] || !want[person] {
			c.Fatalf("Miscounted: got %s (before: %v), want it %v", person, got[person], want[person])
		}
		got[person] = true
	}
	if len(got) != len(want) {
		c.Fatalf("Miscounted: got %d persons, want %d", len(got), len(want))
	}
}

func countersMiscounted(t *testing.T, c *catalogUnderTest) {
	c.miscounted(nil)
	wrong := map[dossier.PersonID]bool{}
	for i := range CatalogRecords {
		// Files of each kind, whose counts are 1 and 0, 1 and 1001, 1 and 1001, 1 and 500.
		person := dossier.NewPersonID()
		c.put(c.file(person, "uploading"))
		c.described(c.file(person, "described"), fileContent(1))
		c.stored(c.file(person, "stored"), fileContent(1))
		direct := c.file(person, "direct")
		direct.Multipart = &dossier.Multipart{UploadID: "t", Size: 500, PartSize: 500}
		c.marked(c.put(direct))
		counted := dossier.Quota{Files: 4, Bytes: 2502}
		switch i % 5 {
		case 0:
			c.reserved(person, counted)
			continue
		case 1:
			counted.Files++
		case 2:
			counted.Bytes--
		case 3: // records without a counter
			wrong[person] = true
			continue
		case 4: // and a counter without records: nothing else leads to it
			wrong[person] = true
			person = dossier.NewPersonID()
		}
		c.reserved(person, counted)
		wrong[person] = true
	}
	c.miscounted(wrong)
	n := 0
	for range c.Miscounted(t.Context()) {
		if n++; n == 3 {
			break
		}
	}
	// The loop's body may mend what it is given.
	for person, err := range c.Miscounted(t.Context()) {
		c.wants("Miscounted", err, nil)
		seen, err := c.Usage(t.Context(), person)
		c.wants("Usage", err, nil)
		files, err := c.Files(t.Context(), person, dossier.FileID{}, math.MaxInt32)
		c.wants("Files", err, nil)
		var have dossier.Quota
		for _, f := range files {
			have.Files, have.Bytes = have.Files+f.Counted().Files, have.Bytes+f.Counted().Bytes
		}
		c.wants("Recount", c.Recount(t.Context(), seen, have, c.at(3)), nil)
	}
	c.miscounted(nil)
}

func countersReserveMany(t *testing.T, c *catalogUnderTest) {
	for _, test := range []struct {
		most dossier.Quota
		fit  int
	}{{dossier.Quota{Files: 7, Bytes: 1000}, 7}, {dossier.Quota{Files: 1000, Bytes: 59}, 5}} {
		person := dossier.NewPersonID()
		fit := len(tried(t, "Reserve", 20, dossier.ErrQuota, func(i int) error {
			return second(c.Reserve(t.Context(), person, dossier.Quota{Files: 1, Bytes: 10}, test.most, c.at(i)))
		}))
		if fit != test.fit {
			t.Errorf("%d files fitted in %+v, want %d", fit, test.most, test.fit)
		}
		c.counts(person, dossier.Quota{Files: int64(fit), Bytes: 10 * int64(fit)})
	}
}

func countersMany(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	most := dossier.Quota{Files: 4, Bytes: 40}
	AtOnce(8, func(int) {
		for range 10 {
			u, err := c.Reserve(t.Context(), person, dossier.Quota{Files: 1, Bytes: 10}, most, c.at(1))
			if errors.Is(err, dossier.ErrQuota) {
				continue
			}
			if err == nil && (u.Files < 1 || u.Files > most.Files || u.Bytes != 10*u.Files) {
				t.Errorf("Reserve: got %+v", u)
			}
			if err == nil {
				err = c.Release(t.Context(), person, dossier.Quota{Files: 1, Bytes: 10}, u.Epoch, c.at(2))
			}
			wants(t, "Reserve and Release", err, nil)
		}
	})
	c.counts(person, dossier.Quota{})
}
