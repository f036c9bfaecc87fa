package storetest

import (
	"testing"
	"time"

	dossier "dossier.example/app"
)

func catalogTrash(t *testing.T, c *catalogUnderTest) {
	ctx, person, never := t.Context(), dossier.NewPersonID(), time.Time{}
	trash := dossier.Trash{At: c.at(20), By: "Grace Hopper"}
	for _, state := range recordStates() {
		f := state.make(c, c.file(person, state.name))
		if f == nil {
			continue
		}
		if f.State == dossier.FileStored {
			c.deletes(*f)
			continue
		}
		c.wants("SetTrash of a record that is "+state.name, c.SetTrash(ctx, person, f.ID, never, trash),
			dossier.ErrLost)
		c.wants("MarkTrashed of a record that is "+state.name, c.MarkTrashed(ctx, person, f.ID, trash.At, c.at(30)),
			dossier.ErrLost)
		c.deletes(*f)
	}
	absent := dossier.NewFileID()
	c.wants("SetTrash of no record", c.SetTrash(ctx, person, absent, never, trash), dossier.ErrLost)
	c.wants("MarkTrashed of no record", c.MarkTrashed(ctx, person, absent, trash.At, c.at(30)), dossier.ErrLost)

	f, other := c.stored(c.file(person, "a"), fileContent(1)), c.stored(c.file(person, "b"), fileContent(2))
	c.wants("MarkTrashed of what is not there", c.MarkTrashed(ctx, person, f.ID, trash.At, c.at(30)), dossier.ErrLost)
	c.wants("SetTrash from a time of what is not there", c.SetTrash(ctx, person, f.ID, trash.At, dossier.Trash{}),
		dossier.ErrLost)
	c.trashed()
	c.wants("SetTrash", c.SetTrash(ctx, person, f.ID, never, trash), nil)
	f.Trash = trash
	c.holds(person, f, other)
	c.trashed(f)
	c.wants("SetTrash to what it has", c.SetTrash(ctx, person, f.ID, trash.At, trash), nil)
	c.holds(person, f, other)
	c.trashed(f)
	again := dossier.Trash{At: c.at(21), By: "somebody else"}
	c.wants("SetTrash of what is there", c.SetTrash(ctx, person, f.ID, never, again), dossier.ErrLost)
	for _, since := range []time.Time{never, c.at(21)} {
		c.wants("SetTrash from another time", c.SetTrash(ctx, person, f.ID, since, dossier.Trash{}), dossier.ErrLost)
	}
	c.wants("MarkTrashed from another time", c.MarkTrashed(ctx, person, f.ID, c.at(21), c.at(30)), dossier.ErrLost)
	c.holds(person, f, other)

	// The same content is still the stored file's.
	twin := c.described(c.file(person, "a"), fileContent(1))
	c.commits(twin, f)
	c.deletes(twin)

	c.wants("SetTrash back", c.SetTrash(ctx, person, f.ID, trash.At, dossier.Trash{}), nil)
	f.Trash = dossier.Trash{}
	c.holds(person, f, other)
	c.trashed()

	c.wants("SetTrash once more", c.SetTrash(ctx, person, f.ID, never, again), nil)
	f.Trash = again
	c.wants("MarkTrashed", c.MarkTrashed(ctx, person, f.ID, again.At, c.at(30)), nil)
	f.State, f.UpdatedAt = dossier.FileDeleting, c.at(30)
	c.holds(person, f, other)
	c.trashed()
	c.wants("SetTrash of what is removed", c.SetTrash(ctx, person, f.ID, again.At, dossier.Trash{}), dossier.ErrLost)
	c.removed(f)
	c.holds(person, other)

	c.wants("SetTrash of another", c.SetTrash(ctx, person, other.ID, never, trash), nil)
	c.wants("MarkDeleting in the trash",
		c.MarkDeleting(ctx, person, other.ID, c.at(31), dossier.FileStored), nil)
	c.trashed()
}

// What is in the trash is listed there, whatever else is known of it; and as what else it is, once it is back.
func catalogTrashAndMarks(t *testing.T, c *catalogUnderTest) {
	ctx := t.Context()
	trash := dossier.Trash{At: c.at(20), By: "x"}
	damage := &dossier.Damage{Kind: dossier.ObjectMissing, FoundAt: c.at(10)}
	f := c.file(dossier.NewPersonID(), "a")
	f.Scan = &dossier.Scan{State: dossier.ScanWaiting, At: c.at(0), Revision: "first"}
	f = c.stored(f, fileContent(1))
	set := func(since time.Time, t dossier.Trash) {
		c.Helper()
		c.wants("SetTrash", c.SetTrash(ctx, f.Person, f.ID, since, t), nil)
		f.Trash = t
	}
	scanned := func(state dossier.ScanState) {
		c.Helper()
		scan, err := c.SetScan(ctx, f.Person, f.ID, f.Scan.Revision, dossier.Scan{State: state, At: c.at(11)})
		c.wants("SetScan", err, nil)
		f.Scan = &scan
	}
	set(time.Time{}, trash)
	c.scans(dossier.ScanWaiting)
	c.trashed(f)
	scanned(dossier.ScanInfected)
	c.scans(dossier.ScanInfected)
	c.trashed(f)
	set(trash.At, dossier.Trash{})
	c.trashed()
	c.scans(dossier.ScanInfected, f)
	scanned(dossier.ScanClean)
	set(time.Time{}, trash)
	c.wants("SetDamage", c.SetDamage(ctx, f.Person, f.ID, damage), nil)
	f.Damage = damage
	c.damaged()
	c.trashed(f)
	set(trash.At, dossier.Trash{})
	c.damaged(f)
	c.wants("SetDamage", c.SetDamage(ctx, f.Person, f.ID, nil), nil)
	f.Damage = nil
	c.damaged()
	c.holds(f.Person, f)
}

// Of any number who put back and erase at once, one wins.
func catalogTrashAtOnce(t *testing.T, c *catalogUnderTest) {
	for range 3 {
		f := c.stored(c.file(dossier.NewPersonID(), "a"), fileContent(1))
		trash := dossier.Trash{At: c.at(20), By: "x"}
		c.wants("SetTrash", c.SetTrash(t.Context(), f.Person, f.ID, time.Time{}, trash), nil)
		oneWins(t, "out of the trash", 6, dossier.ErrLost, func(i int) error {
			if i%2 == 0 {
				return c.MarkTrashed(t.Context(), f.Person, f.ID, trash.At, c.at(30+i))
			}
			return c.SetTrash(t.Context(), f.Person, f.ID, trash.At, dossier.Trash{})
		})
		if now, err := c.File(t.Context(), f.Person, f.ID); err != nil ||
			now.State == dossier.FileStored && now.Trash != (dossier.Trash{}) {
			t.Errorf("in the end it is %s, %v", showFile(now), err)
		}
	}
}
