package storetest

import (
	"slices"
	"strings"
	"testing"

	dossier "dossier.example/app"
)

// scanned sets a scan over the one that the file has, and returns the file as it is then.
func (c *catalogUnderTest) scanned(f dossier.File, scan dossier.Scan) dossier.File {
	c.Helper()
	revision := ""
	if f.Scan != nil {
		revision = f.Scan.Revision
	}
	got, err := c.SetScan(c.Context(), f.Person, f.ID, revision, scan)
	c.wants("SetScan", err, nil)
	if got.Revision == "" || got.Revision == revision {
		c.Fatalf("SetScan over revision %q: got revision %q", revision, got.Revision)
	}
	scan.Revision = got.Revision
	if got != scan {
		c.Fatalf("SetScan: got %+v, want %+v", got, scan)
	}
	f.Scan = &scan
	return f
}

func catalogScans(t *testing.T, c *catalogUnderTest) {
	one, two := dossier.NewPersonID(), dossier.NewPersonID()
	lost := func(doing string, f dossier.File, revision string) {
		t.Helper()
		_, err := c.SetScan(t.Context(), f.Person, f.ID, revision, dossier.Scan{State: dossier.ScanClean})
		c.wants("SetScan "+doing, err, dossier.ErrLost)
	}
	// It is there from the first moment, and found as soon as the file is stored.
	first := c.file(one, "first")
	first.Scan = &dossier.Scan{State: dossier.ScanWaiting, At: c.at(5), Revision: "first"}
	first = c.described(first, fileContent(1))
	c.holds(one, first)
	lost("of what is not stored", first, "first")
	c.scans(dossier.ScanWaiting)
	first = c.committed(first)
	c.holds(one, first)
	c.scans(dossier.ScanWaiting, first)

	// A record without one gets it, and each change wants the revision that the last one gave.
	second := c.stored(c.file(two, "second"), fileContent(2))
	c.scans(dossier.ScanWaiting, first)
	lost("over a scan that it does not have", second, "first")
	second = c.scanned(second, dossier.Scan{State: dossier.ScanWaiting, Until: c.at(7), Tries: 3})
	lost("as if it had none", second, "")
	c.scans(dossier.ScanWaiting, first, second)
	before := second.Scan.Revision
	second = c.scanned(second, dossier.Scan{State: dossier.ScanInfected, At: c.at(8),
		Detail: strings.Repeat("~", dossier.MaxScanDetail)})
	lost("over an older scan", second, before)
	c.holds(two, second)
	c.scans(dossier.ScanWaiting, first)
	c.scans(dossier.ScanInfected, second)
	first = c.scanned(first, dossier.Scan{State: dossier.ScanFailed, At: c.at(9)})
	c.scans(dossier.ScanWaiting)
	c.scans(dossier.ScanFailed, first)
	first = c.scanned(first, dossier.Scan{State: dossier.ScanNone, At: c.at(10), Detail: "too large"})
	c.scans(dossier.ScanFailed)
	first = c.scanned(first, dossier.Scan{State: dossier.ScanClean, At: c.at(11)})
	c.holds(one, first)

	// It is neither unfinished nor committed anew; and goes with the record.
	c.unfinished(c.at(1_000_000))
	c.commits(second, second)
	second = c.marked(second)
	lost("of what is deleting", second, second.Scan.Revision)
	c.scans(dossier.ScanInfected)
	c.unfinished(c.at(0), second)
	c.removed(second)
	lost("of what is absent", second, second.Scan.Revision)
	again := second
	again.Scan, again.Content, again.State, again.UpdatedAt = nil, nil, dossier.FileUploading, again.CreatedAt
	again = c.put(again)
	c.holds(two, again)
}

// catalogScansAndDamage has records with both marks, in each order.
func catalogScansAndDamage(t *testing.T, c *catalogUnderTest) {
	damage := &dossier.Damage{Kind: dossier.ObjectDiffers, FoundAt: c.at(10)}
	mark := func(f dossier.File, d *dossier.Damage) dossier.File {
		c.Helper()
		c.wants("SetDamage", c.SetDamage(t.Context(), f.Person, f.ID, d), nil)
		f.Damage = d
		return f
	}
	for i, state := range []dossier.ScanState{dossier.ScanWaiting, dossier.ScanFailed} {
		f := c.stored(c.file(dossier.NewPersonID(), "a"), fileContent(byte(i)))
		f = mark(c.scanned(f, dossier.Scan{State: state}), damage)
		c.scans(state)
		c.damaged(f)
		// Whoever scans it changes nothing of that.
		f = c.scanned(f, dossier.Scan{State: state, Tries: 1})
		c.damaged(f)
		c.holds(f.Person, f)
		f = mark(f, nil)
		c.damaged()
		c.scans(state, f)
		c.deletes(f)
	}
	f := c.stored(c.file(dossier.NewPersonID(), "b"), fileContent(9))
	f = c.scanned(mark(f, damage), dossier.Scan{State: dossier.ScanInfected})
	c.damaged()
	c.scans(dossier.ScanInfected, f)
	f = c.scanned(f, dossier.Scan{State: dossier.ScanClean})
	c.damaged(f)
	c.scans(dossier.ScanInfected)
	f = mark(c.scanned(f, dossier.Scan{State: dossier.ScanInfected}), nil)
	c.scans(dossier.ScanInfected, f)
	c.damaged()
}

func catalogScansMany(t *testing.T, c *catalogUnderTest) {
	f := c.stored(c.file(dossier.NewPersonID(), "a"), fileContent(1))
	revision := ""
	for range 5 {
		won := make([]string, 8)
		AtOnce(len(won)+1, func(i int) {
			if i == len(won) {
				// Another mark of the same record meanwhile.
				wants(t, "SetDamage", c.SetDamage(t.Context(), f.Person, f.ID, nil), nil)
				return
			}
			scan, err := c.SetScan(t.Context(), f.Person, f.ID, revision,
				dossier.Scan{State: dossier.ScanWaiting, Tries: i})
			if err == nil {
				won[i] = scan.Revision
			}
		})
		got, err := c.File(t.Context(), f.Person, f.ID)
		c.wants("File", err, nil)
		winners := slices.DeleteFunc(slices.Clone(won), func(r string) bool { return r == "" })
		if len(winners) != 1 || got.Scan == nil || got.Scan.Revision != winners[0] || won[got.Scan.Tries] != winners[0] {
			t.Fatalf("of many SetScans at once %q won, and the record has %+v", won, got.Scan)
		}
		revision = winners[0]
	}
}
