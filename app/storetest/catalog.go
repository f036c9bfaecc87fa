package storetest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// CatalogRecords is more than a page: a catalog under test must read fewer records at once, so that walking them takes
// several pages.
const CatalogRecords = 50

// Catalog checks everything that dossier.Catalog promises. It calls open for each group of tests; open returns an empty
// catalog that is closed with the test.
func Catalog(t *testing.T, open func(t *testing.T) dossier.Catalog) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *catalogUnderTest)
	}{
		{"states", catalogStates},
		{"values are kept exactly", catalogValues},
		{"Files has one person's records in order", catalogFiles},
		{"Files by pages", catalogFilesPages},
		{"MarkDeleting sets the time anew", catalogMarkAgain},
		{"Describe again replaces the content", catalogDescribeAgain},
		{"Commit stores a path and content once", catalogCommitOnce},
		{"Commit tells apart by person, path, SHA-256 and size only", catalogCommitApart},
		{"a Folder is kept, and tells files apart", catalogFolders},
		{"Commit after the stored one is deleted", catalogCommitAfterDeletion},
		{"Commit answers for the content it has now", catalogCommitDescribedAgain},
		{"a Multipart stays as it was put", catalogMultipart},
		{"Touch shows progress", catalogTouch},
		{"Reserve up to the quota", countersReserve},
		{"Release takes off once, and never more than there is", countersRelease},
		{"Recount only where nothing moved", countersRecount},
		{"Release after a Recount does nothing", countersEpoch},
		{"counters are no records", countersAside},
		{"Miscounted finds what differs", countersMiscounted},
		{"Unfinished picks by state and time", catalogUnfinished},
		{"Unfinished by pages, with a body that removes", catalogUnfinishedRemoves},
		{"Unfinished with a body that changes", catalogUnfinishedChanges},
		{"All has every record once, those of a person together", catalogAll},
		{"All with a body that removes", catalogAllRemoves},
		{"Behind has what All has, from any place", catalogBehind},
		{"Damage of stored records", catalogDamage},
		{"Scan of records", catalogScans},
		{"Scan and Damage of the same record", catalogScansAndDamage},
		{"Trash of stored records", catalogTrash},
		{"Trash, Scan and Damage of the same record", catalogTrashAndMarks},
		{"out of the trash by many at once", catalogTrashAtOnce},
		{"notes of a revision", catalogNotes},
		{"what was seen without an owner", catalogOwnerless},
		{"walks of nothing", catalogEmpty},
		{"walks that are broken off", catalogBreak},
		{"cancelled", catalogCancelled},
		{"cancelled in the middle of a walk", catalogCancelledWalk},
		{"deadline passed", catalogDeadline},
		{"CommitAsPut", catalogCommitAsPut},
		{"Commit of many at once", catalogCommitMany},
		{"Commit of one record many times at once", catalogCommitSame},
		{"Commit against the deletion of its record", catalogCommitDeletion},
		{"Commit against the deletion of the stored one", catalogCommitStoredDeletion},
		{"Commit against the deletion of one that commits too", catalogCommitCommittingDeletion},
		{"Commit, Describe and deletion in a storm", catalogStorm},
		{"Put of one id by many at once", catalogPutMany},
		{"Remove of one record by many at once", catalogRemoveMany},
		{"the id of a removed file is not used again", catalogRetired},
		{"Reserve by many at once", countersReserveMany},
		{"Reserve and Release by many at once", countersMany},
		{"SetNote by many at once", catalogNotesMany},
		{"many SetScans at once", catalogScansMany},
		{"parallel use", catalogParallel},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &catalogUnderTest{T: t, Catalog: open(t), base: time.Now().UTC().Truncate(time.Microsecond)})
		})
	}
}

// catalogUnderTest is a catalog under test with the steps that every test needs. Its times are base and some
// microseconds.
type catalogUnderTest struct {
	*testing.T
	dossier.Catalog
	base time.Time
}

func (c *catalogUnderTest) at(micros int) time.Time {
	return c.base.Add(time.Duration(micros) * time.Microsecond)
}

// file returns a fresh file that is not in the catalog.
func (c *catalogUnderTest) file(person dossier.PersonID, name string) dossier.File {
	return dossier.File{
		Person: person, ID: dossier.NewFileID(), Name: name, Author: "Ada Lovelace", State: dossier.FileUploading,
		CreatedAt: c.at(0), UpdatedAt: c.at(0),
	}
}

// fileContent returns a content that another seed would not have.
func fileContent(seed byte) dossier.Content {
	r := dossier.Content{Size: 1000 + int64(seed), CRC64: 0xfedc_ba98_7654_3210 ^ uint64(seed), Type: "image/png"}
	for i := range r.SHA256 {
		r.SHA256[i] = seed ^ byte(i)
	}
	return r
}

// The steps. Each fails the test when the step fails, and returns the file as it must be afterwards.

func (c *catalogUnderTest) put(f dossier.File) dossier.File {
	c.Helper()
	must(c, "Put", c.Put(c.Context(), f))
	return f
}

func (c *catalogUnderTest) described(f dossier.File, x dossier.Content) dossier.File {
	c.Helper()
	return c.describes(c.put(f), x, c.at(1))
}

func (c *catalogUnderTest) stored(f dossier.File, x dossier.Content) dossier.File {
	c.Helper()
	return c.committed(c.described(f, x))
}

// describes gives another content to a file that is being uploaded.
func (c *catalogUnderTest) describes(f dossier.File, x dossier.Content, at time.Time) dossier.File {
	c.Helper()
	c.wants("Describe", c.Describe(c.Context(), f.Person, f.ID, x, at), nil)
	f.Content, f.UpdatedAt = &x, at
	return f
}

// asStored returns a file as committed makes it.
func (c *catalogUnderTest) asStored(f dossier.File) dossier.File {
	f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
	return f
}

// committed commits a file that is the first of its path and content.
func (c *catalogUnderTest) committed(f dossier.File) dossier.File {
	c.Helper()
	f = c.asStored(f)
	c.commits(f, f)
	return f
}

// commits commits f and wants the answer to be want.
func (c *catalogUnderTest) commits(f, want dossier.File) {
	c.Helper()
	got, err := c.Commit(c.Context(), f.Person, f.ID, c.at(2))
	if err != nil || !reflect.DeepEqual(got, want) {
		c.Fatalf("Commit: got %s, %v; want %s", showFile(got), err, showFile(want))
	}
}

func (c *catalogUnderTest) marked(f dossier.File) dossier.File {
	c.Helper()
	must(c, "MarkDeleting", c.MarkDeleting(c.Context(), f.Person, f.ID, c.at(3), f.State))
	f.State, f.UpdatedAt = dossier.FileDeleting, c.at(3)
	return f
}

func (c *catalogUnderTest) removed(f dossier.File) {
	c.Helper()
	if _, err := c.Remove(c.Context(), f.Person, f.ID, c.at(4)); err != nil {
		c.Fatalf("Remove: %v", err)
	}
}

// holds wants exactly these records of a person, in the order of ids, one by one and as a list.
func (c *catalogUnderTest) holds(person dossier.PersonID, want ...dossier.File) {
	c.Helper()
	got, err := c.Files(c.Context(), person, dossier.FileID{}, math.MaxInt32)
	must(c, "Files", err)
	slices.SortFunc(want, byFileID)
	if !slices.EqualFunc(got, want, sameFile) {
		c.Fatalf("Files: got %s, want %s", showFiles(got), showFiles(want))
	}
	for _, f := range want {
		if got, err := c.File(c.Context(), f.Person, f.ID); err != nil || !sameFile(got, f) {
			c.Fatalf("File: got %s, %v; want %s", showFile(got), err, showFile(f))
		}
	}
}

func (c *catalogUnderTest) wants(doing string, err, want error) {
	c.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		c.Fatalf("%s: got error %v, want %v", doing, err, want)
	}
}

func sameFile(a, b dossier.File) bool { return reflect.DeepEqual(a, b) }

func byFileID(a, b dossier.File) int { return strings.Compare(a.ID.String(), b.ID.String()) }

func showFile(f dossier.File) string {
	s := fmt.Sprintf("{%s/%s %q %q %q %s %s %s", f.Person, f.ID, f.Folder, f.Name, f.Author, f.State,
		f.CreatedAt.Format(time.RFC3339Nano), f.UpdatedAt.Format(time.RFC3339Nano))
	if f.Content != nil {
		s += fmt.Sprintf(" %+v", *f.Content)
	}
	if f.Multipart != nil {
		s += fmt.Sprintf(" %+v", *f.Multipart)
	}
	if f.Damage != nil {
		s += fmt.Sprintf(" %+v", *f.Damage)
	}
	if f.Scan != nil {
		s += fmt.Sprintf(" %+v", *f.Scan)
	}
	return s + "}"
}

func showFiles(files []dossier.File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records", len(files))
	for _, f := range files[:min(len(files), 5)] {
		b.WriteString("\n\t" + showFile(f))
	}
	return b.String()
}
