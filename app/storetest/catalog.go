package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// CatalogRecords is more than a page: a catalog under test must read fewer records at once, so that walking them takes
// several pages.
const CatalogRecords = 50

// Catalog checks everything that dossier.Catalog promises. It calls open for each group of tests; open returns an empty catalog
// that is closed with the test.
func Catalog(t *testing.T, open func(t *testing.T) dossier.Catalog) {
	CatalogAlone(t, open)
	runCatalog(t, open, []catalogTest{
		{"Commit of many at once", catalogCommitMany},
		{"Commit of one record many times at once", catalogCommitSame},
		{"Commit against the deletion of its record", catalogCommitDeletion},
		{"Commit against the deletion of the stored one", catalogCommitStoredDeletion},
		{"Commit against the deletion of one that commits too", catalogCommitCommittingDeletion},
		{"Commit, Describe and deletion in a storm", catalogStorm},
		{"Put of one id by many at once", catalogPutMany},
		{"Remove of one record by many at once", catalogRemoveMany},
		{"Reserve by many at once", countersReserveMany},
		{"Reserve and Release by many at once", countersMany},
		{"parallel use", catalogParallel},
	})
}

// CatalogAlone is the part of Catalog in which each record has one user: all that can be asked of a server whose conditional
// writes are not atomic.
func CatalogAlone(t *testing.T, open func(t *testing.T) dossier.Catalog) {
	runCatalog(t, open, []catalogTest{
		{"states", catalogStates},
		{"values are kept exactly", catalogValues},
		{"Files has one person's records in order", catalogFiles},
		{"Files by pages", catalogFilesPages},
		{"MarkDeleting sets the time anew", catalogMarkAgain},
		{"Describe again replaces the content", catalogDescribeAgain},
		{"Commit stores a name and content once", catalogCommitOnce},
		{"Commit tells apart by person, name, SHA-256 and size only", catalogCommitApart},
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
		{"walks of nothing", catalogEmpty},
		{"walks that are broken off", catalogBreak},
		{"cancelled", catalogCancelled},
		{"cancelled in the middle of a walk", catalogCancelledWalk},
		{"deadline passed", catalogDeadline},
	})
}

type catalogTest struct {
	name string
	run  func(*testing.T, *catalogUnderTest)
}

func runCatalog(t *testing.T, open func(t *testing.T) dossier.Catalog, tests []catalogTest) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &catalogUnderTest{T: t, Catalog: open(t), base: time.Now().UTC().Truncate(time.Microsecond)})
		})
	}
}

// catalogUnderTest is a catalog under test with the steps that every test needs. Its times are base and some microseconds.
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
	if err := c.Put(c.Context(), f); err != nil {
		c.Fatalf("Put: %v", err)
	}
	return f
}

func (c *catalogUnderTest) described(f dossier.File, x dossier.Content) dossier.File {
	c.Helper()
	f = c.put(f)
	if err := c.Describe(c.Context(), f.Person, f.ID, x, c.at(1)); err != nil {
		c.Fatalf("Describe: %v", err)
	}
	f.Content, f.UpdatedAt = &x, c.at(1)
	return f
}

func (c *catalogUnderTest) stored(f dossier.File, x dossier.Content) dossier.File {
	c.Helper()
	f = c.described(f, x)
	f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
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
	if err := c.MarkDeleting(c.Context(), f.Person, f.ID, c.at(3), f.State); err != nil {
		c.Fatalf("MarkDeleting: %v", err)
	}
	f.State, f.UpdatedAt = dossier.FileDeleting, c.at(3)
	return f
}

func (c *catalogUnderTest) removed(f dossier.File) {
	c.Helper()
	if _, err := c.Remove(c.Context(), f.Person, f.ID); err != nil {
		c.Fatalf("Remove: %v", err)
	}
}

// holds wants exactly these records of a person, in the order of ids, one by one and as a list.
func (c *catalogUnderTest) holds(person dossier.PersonID, want ...dossier.File) {
	c.Helper()
	got, err := c.Files(c.Context(), person, dossier.FileID{}, math.MaxInt32)
	if err != nil {
		c.Fatalf("Files: %v", err)
	}
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
	s := fmt.Sprintf("{%s/%s %q %q %s %s %s", f.Person, f.ID, f.Name, f.Author, f.State,
		f.CreatedAt.Format(time.RFC3339Nano), f.UpdatedAt.Format(time.RFC3339Nano))
	if f.Content != nil {
		s += fmt.Sprintf(" %+v", *f.Content)
	}
	if f.Multipart != nil {
		s += fmt.Sprintf(" %+v", *f.Multipart)
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

// catalogStates tries every method in every state.
func catalogStates(t *testing.T, c *catalogUnderTest) {
	states := []struct {
		name string
		make func(c *catalogUnderTest, f dossier.File) *dossier.File
	}{
		{"absent", func(c *catalogUnderTest, f dossier.File) *dossier.File { return nil }},
		{"uploading", func(c *catalogUnderTest, f dossier.File) *dossier.File { f = c.put(f); return &f }},
		{"described", func(c *catalogUnderTest, f dossier.File) *dossier.File { f = c.described(f, fileContent(1)); return &f }},
		{"stored", func(c *catalogUnderTest, f dossier.File) *dossier.File { f = c.stored(f, fileContent(1)); return &f }},
		{"deleting from uploading", func(c *catalogUnderTest, f dossier.File) *dossier.File { f = c.marked(c.put(f)); return &f }},
		{"deleting from described", func(c *catalogUnderTest, f dossier.File) *dossier.File {
			f = c.marked(c.described(f, fileContent(1)))
			return &f
		}},
		{"deleting from stored", func(c *catalogUnderTest, f dossier.File) *dossier.File {
			f = c.marked(c.stored(f, fileContent(1)))
			return &f
		}},
		{"removed", func(c *catalogUnderTest, f dossier.File) *dossier.File {
			c.removed(c.marked(c.stored(f, fileContent(1))))
			return nil
		}},
	}
	// A method's error by state, nil where it has to work; what it makes of the record then.
	deleting := func(f *dossier.File) *dossier.File {
		g := *f
		g.State, g.UpdatedAt = dossier.FileDeleting, c.at(9)
		return &g
	}
	mark := func(from ...dossier.FileState) func(context.Context, dossier.File) error {
		return func(ctx context.Context, f dossier.File) error {
			return c.MarkDeleting(ctx, f.Person, f.ID, c.at(9), from...)
		}
	}
	unchanged := func(f *dossier.File) *dossier.File { return f }
	methods := []struct {
		name  string
		do    func(context.Context, dossier.File) error
		errs  string // one letter for each state: ok, Lost, Not found, eXists
		after func(*dossier.File) *dossier.File
	}{
		{"Put", func(ctx context.Context, f dossier.File) error {
			f.Name, f.Content = "another name", &dossier.Content{} // must not be kept
			f.State = dossier.FileStored
			return c.Put(ctx, f)
		}, "oXXXXXXo", func(f *dossier.File) *dossier.File {
			return nil // seen to below: Put has nothing to start from
		}},
		{"File", func(ctx context.Context, f dossier.File) error {
			_, err := c.File(ctx, f.Person, f.ID)
			return err
		}, "NooooooN", unchanged},
		{"Describe", func(ctx context.Context, f dossier.File) error {
			return c.Describe(ctx, f.Person, f.ID, fileContent(7), c.at(9))
		}, "LooLLLLL", func(f *dossier.File) *dossier.File {
			g, x := *f, fileContent(7)
			g.Content, g.UpdatedAt = &x, c.at(9)
			return &g
		}},
		{"Commit", func(ctx context.Context, f dossier.File) error {
			got, err := c.Commit(ctx, f.Person, f.ID, c.at(9))
			if err == nil && (got.ID != f.ID || got.State != dossier.FileStored) {
				return fmt.Errorf("answer %s", showFile(got))
			}
			return err
		}, "LLooLLLL", func(f *dossier.File) *dossier.File {
			if f.State == dossier.FileStored {
				return f
			}
			g := *f
			g.State, g.UpdatedAt = dossier.FileStored, c.at(9)
			return &g
		}},
		{"MarkDeleting from no state", mark(), "NLLLoooN", deleting},
		{"MarkDeleting from uploading", mark(dossier.FileUploading), "NooLoooN", deleting},
		{"MarkDeleting from stored", mark(dossier.FileStored), "NLLooooN", deleting},
		{"MarkDeleting from deleting", mark(dossier.FileDeleting), "NLLLoooN", deleting},
		{"MarkDeleting from uploading or stored", mark(dossier.FileUploading, dossier.FileStored), "NooooooN", deleting},
		{"Touch", func(ctx context.Context, f dossier.File) error { return c.Touch(ctx, f.Person, f.ID, c.at(9)) }, "LooLLLLL",
			func(f *dossier.File) *dossier.File {
				g := *f
				g.UpdatedAt = c.at(9)
				return &g
			}},
		{"Remove", func(ctx context.Context, f dossier.File) error {
			before, _ := c.File(ctx, f.Person, f.ID)
			removed, err := c.Remove(ctx, f.Person, f.ID)
			if removed != nil && !sameFile(*removed, before) || (removed != nil) != (before.State == dossier.FileDeleting) {
				return fmt.Errorf("returned %v of %s", removed, showFile(before))
			}
			return err
		}, "oLLLoooo", func(*dossier.File) *dossier.File { return nil }},
	}
	errs := map[byte]error{'o': nil, 'L': dossier.ErrLost, 'N': dossier.ErrNotFound, 'X': dossier.ErrExists}
	for _, m := range methods {
		for i, s := range states {
			t.Run(m.name+" when "+s.name, func(t *testing.T) {
				c := &catalogUnderTest{T: t, Catalog: c.Catalog, base: c.base}
				f := c.file(dossier.NewPersonID(), "a.png")
				bystander := c.stored(c.file(f.Person, "b.png"), fileContent(1))
				record := s.make(c, f)
				want := errs[m.errs[i]]
				c.wants(m.name, m.do(t.Context(), f), want)
				switch {
				case m.name == "Put" && want == nil:
					f.Name = "another name"
					record = &f
				case want == nil && record != nil:
					record = m.after(record)
				}
				if record == nil {
					c.holds(f.Person, bystander)
					return
				}
				c.holds(f.Person, bystander, *record)
			})
		}
	}
}

func catalogValues(t *testing.T, c *catalogUnderTest) {
	long := strings.Repeat("é", 127) + "x" // 255 bytes
	names := []string{
		"a", "résumé.pdf", "👩‍👩‍👧‍👦 family 🏳️‍🌈.jpg", `it's a "quote" \ and ; -- '' .txt`, "claim#1", "~claim#1", "%_*[]{}$.#:", "مرحبا.txt", "名前.txt",
		long, strings.Repeat("😀", 63) + "abc",
	}
	contents := []dossier.Content{
		{Size: 0, SHA256: [32]byte{}, CRC64: 0, Type: "text/plain"},
		{Size: 5 << 40, SHA256: [32]byte{31: 1}, CRC64: 1, Type: "application/octet-stream"}, // the largest object of S3
		{Size: 1, SHA256: [32]byte{0: 0xff, 31: 0xff}, CRC64: 1 << 63, Type: "text/plain; charset=utf-8"},
		{Size: 1<<63 - 1, SHA256: [32]byte{0: 1}, CRC64: ^uint64(0), Type: "x/" + strings.Repeat("y", 200)},
	}
	times := []time.Time{c.base, time.Date(2031, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(2024, 2, 29, 0, 0, 0, 1000, time.UTC)}
	for i, name := range names {
		for j, x := range contents {
			f := c.file(dossier.NewPersonID(), name)
			f.Author = name
			if j > 0 {
				f.Multipart = &dossier.Multipart{UploadID: name, Size: x.Size, PartSize: 1<<63 - 1 - int64(i)}
			}
			f.CreatedAt, f.UpdatedAt = times[(i+j)%len(times)], times[(i+j+1)%len(times)]
			c.put(f)
			c.holds(f.Person, f)
			at := times[(i+j+2)%len(times)]
			c.wants("Describe", c.Describe(t.Context(), f.Person, f.ID, x, at), nil)
			f.Content, f.UpdatedAt = &x, at
			c.holds(f.Person, f)
			f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
			c.commits(f, f)
			c.holds(f.Person, f)
		}
	}

	// A time that is finer than what is kept, and in another zone.
	f := c.file(dossier.NewPersonID(), "a")
	odd := f
	odd.CreatedAt = c.base.Add(999 * time.Nanosecond).In(time.FixedZone("odd", 3*3600))
	odd.UpdatedAt = odd.CreatedAt
	c.put(odd)
	c.holds(f.Person, f)
}

func catalogFiles(t *testing.T, c *catalogUnderTest) {
	person, other := dossier.NewPersonID(), dossier.NewPersonID()
	if files, err := c.Files(t.Context(), person, dossier.FileID{}, math.MaxInt32); err != nil || len(files) != 0 {
		t.Fatalf("Files of nobody: got %s, %v", showFiles(files), err)
	}
	if _, err := c.File(t.Context(), person, dossier.NewFileID()); !errors.Is(err, dossier.ErrNotFound) {
		t.Fatalf("File of nobody: got error %v, want ErrNotFound", err)
	}
	// Ids from both ends of what a UUIDv7 can be, put in any order.
	var mine []dossier.File
	for i := range CatalogRecords {
		f := c.file(person, fmt.Sprint("file ", i))
		f.ID[0] = byte(i * 255 / (CatalogRecords - 1))
		mine = append(mine, f)
	}
	rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
	for i := range mine {
		c.put(mine[i])
		if i%7 == 0 {
			x := fileContent(byte(i))
			c.wants("Describe", c.Describe(t.Context(), person, mine[i].ID, x, c.at(1)), nil)
			mine[i].Content, mine[i].State, mine[i].UpdatedAt = &x, dossier.FileStored, c.at(2)
			c.commits(mine[i], mine[i])
		}
		if i%11 == 1 {
			mine[i] = c.marked(mine[i])
		}
	}
	theirs := c.stored(c.file(other, "file 0"), fileContent(0))
	c.holds(person, mine...)
	c.holds(other, theirs)
	// The same file id under another person is another record.
	twin := theirs
	twin.Person = dossier.NewPersonID()
	if _, err := c.File(t.Context(), twin.Person, twin.ID); !errors.Is(err, dossier.ErrNotFound) {
		t.Fatalf("File under another person: got error %v, want ErrNotFound", err)
	}
	twin.State, twin.Content = dossier.FileUploading, nil
	c.put(twin)
	c.holds(twin.Person, twin)
	c.holds(other, theirs)
}

func catalogFilesPages(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	var mine []dossier.File
	for i := range CatalogRecords {
		f := c.put(c.file(person, fmt.Sprint("file ", i)))
		if i%3 == 0 {
			x := fileContent(byte(i)) // Commit keeps more than the record
			c.wants("Describe", c.Describe(t.Context(), person, f.ID, x, c.at(1)), nil)
			f.Content, f.State, f.UpdatedAt = &x, dossier.FileStored, c.at(2)
			c.commits(f, f)
		}
		mine = append(mine, f)
	}
	_, err := c.Reserve(t.Context(), person, dossier.Quota{Files: 1}, roomy, c.at(1)) // nor is a counter a file
	c.wants("Reserve", err, nil)
	c.put(c.file(dossier.NewPersonID(), "another's"))
	slices.SortFunc(mine, byFileID)
	page := func(after dossier.FileID, limit int) []dossier.File {
		t.Helper()
		files, err := c.Files(t.Context(), person, after, limit)
		c.wants("Files", err, nil)
		return files
	}
	for _, limit := range []int{1, 7, 10, CatalogRecords - 1, CatalogRecords, CatalogRecords + 1, 1 << 20} {
		var walked []dossier.File
		for after := (dossier.FileID{}); ; {
			files := page(after, limit)
			walked = append(walked, files...)
			if len(files) < limit {
				break
			}
			if len(files) > limit || len(walked) > len(mine) {
				t.Fatalf("Files by %d: a page of %d, %d in all; there are %d", limit, len(files), len(walked), len(mine))
			}
			after = files[len(files)-1].ID
		}
		if !slices.EqualFunc(walked, mine, sameFile) {
			t.Fatalf("Files by %d: got %s, want %s", limit, showFiles(walked), showFiles(mine))
		}
	}
	// A page begins behind an id of which there is no record, or not any more.
	c.deletes(mine[20])
	gap := mine[30].ID
	gap[len(gap)-1]++ // the next record differs before that
	for _, test := range []struct {
		after dossier.FileID
		want  []dossier.File
	}{{mine[20].ID, mine[21:24]}, {gap, mine[31:34]}, {mine[len(mine)-1].ID, nil}, {mine[len(mine)-3].ID, mine[len(mine)-2:]}} {
		if got := page(test.after, 3); !slices.EqualFunc(got, test.want, sameFile) {
			t.Fatalf("Files after %s: got %s, want %s", test.after, showFiles(got), showFiles(test.want))
		}
	}
}

func catalogMarkAgain(t *testing.T, c *catalogUnderTest) {
	f := c.marked(c.put(c.file(dossier.NewPersonID(), "a")))
	c.wants("MarkDeleting again", c.MarkDeleting(t.Context(), f.Person, f.ID, c.at(8), dossier.FileUploading), nil)
	f.UpdatedAt = c.at(8)
	c.holds(f.Person, f)
}

func catalogDescribeAgain(t *testing.T, c *catalogUnderTest) {
	f := c.described(c.file(dossier.NewPersonID(), "a"), fileContent(1))
	x := dossier.Content{} // zero values replace others too
	c.wants("Describe again", c.Describe(t.Context(), f.Person, f.ID, x, c.at(5)), nil)
	f.Content, f.UpdatedAt = &x, c.at(5)
	c.holds(f.Person, f)
	// A type that was taken away keeps a record from being stored until there is one again.
	_, err := c.Commit(t.Context(), f.Person, f.ID, c.at(6))
	c.wants("Commit without a type", err, dossier.ErrIncomplete)
	c.holds(f.Person, f)
	x.Type = "text/plain"
	c.wants("Describe with a type", c.Describe(t.Context(), f.Person, f.ID, x, c.at(7)), nil)
	f.Content, f.UpdatedAt = &x, c.at(7)
	f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
	c.commits(f, f)
	c.holds(f.Person, f)
}

func catalogCommitOnce(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	first := c.stored(c.file(person, "a.png"), fileContent(1))
	second := c.described(c.file(person, "a.png"), fileContent(1))
	third := c.described(c.file(person, "a.png"), fileContent(1))
	c.commits(second, first)
	c.commits(third, first)
	c.commits(second, first)
	c.commits(first, first)
	c.holds(person, first, second, third)
	// What was not stored can be deleted, without harm to the stored one.
	c.removed(c.marked(second))
	c.commits(third, first)
	c.holds(person, first, third)
}

func catalogCommitApart(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	want := []dossier.File{
		c.stored(c.file(person, "a.png"), fileContent(1)),
		c.stored(c.file(person, "A.png"), fileContent(1)),
		c.stored(c.file(person, "a.png "), fileContent(1)),
		c.stored(c.file(person, "a.png"), fileContent(2)),
	}
	// NFD beside NFC, and names that a sloppy join of name and checksum would confuse.
	want = append(want, c.stored(c.file(person, "é"), fileContent(1)), c.stored(c.file(person, "e\u0301"), fileContent(1)))
	x := fileContent(1)
	x.Size++
	want = append(want, c.stored(c.file(person, "a.png"), x))
	c.holds(person, want...)

	other := c.stored(c.file(dossier.NewPersonID(), "a.png"), fileContent(1))
	c.holds(other.Person, other)

	// Type and CRC-64 follow from the bytes: they make no difference.
	x = fileContent(1)
	x.Type, x.CRC64 = "application/pdf", 1
	c.commits(c.described(c.file(person, "a.png"), x), want[0])
}

func catalogCommitAfterDeletion(t *testing.T, c *catalogUnderTest) {
	for _, test := range []struct {
		name    string
		removed bool
	}{{"marked", false}, {"removed", true}} {
		t.Run(test.name, func(t *testing.T) {
			c := &catalogUnderTest{T: t, Catalog: c.Catalog, base: c.base}
			person := dossier.NewPersonID()
			first := c.stored(c.file(person, "a"), fileContent(1))
			second := c.described(c.file(person, "a"), fileContent(1))
			c.commits(second, first)
			first = c.marked(first)
			if test.removed {
				c.removed(first)
			}
			second.State, second.UpdatedAt = dossier.FileStored, c.at(2)
			c.commits(second, second)
			third := c.described(c.file(person, "a"), fileContent(1))
			c.commits(third, second)
			// The first one's removal, late or repeated, takes nothing from the second.
			c.removed(first)
			c.removed(first)
			c.commits(third, second)
			c.holds(person, second, third)
			c.removed(c.marked(second))
			third.State, third.UpdatedAt = dossier.FileStored, c.at(2)
			c.commits(third, third)
			c.holds(person, third)
		})
	}
}

func catalogCommitDescribedAgain(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	first := c.stored(c.file(person, "a"), fileContent(1))
	second := c.described(c.file(person, "a"), fileContent(1))
	c.commits(second, first)
	x := fileContent(2)
	c.wants("Describe", c.Describe(t.Context(), person, second.ID, x, c.at(4)), nil)
	second.Content, second.State, second.UpdatedAt = &x, dossier.FileStored, c.at(2)
	c.commits(second, second)
	c.commits(c.described(c.file(person, "a"), fileContent(1)), first)
	c.commits(c.described(c.file(person, "a"), fileContent(2)), second)
}

// allAtOnce runs do n times at once, all released at the same moment, and waits for all.
func allAtOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

func catalogCommitMany(t *testing.T, c *catalogUnderTest) {
	const n = 16
	for range 3 {
		person := dossier.NewPersonID()
		files, answers, errs := make([]dossier.File, n), make([]dossier.File, n), make([]error, n)
		for i := range files {
			files[i] = c.described(c.file(person, "a"), fileContent(1))
		}
		allAtOnce(n, func(i int) { answers[i], errs[i] = c.Commit(t.Context(), person, files[i].ID, c.at(2)) })
		for i := range n {
			if errs[i] != nil || !sameFile(answers[i], answers[0]) {
				t.Fatalf("Commit %d of %d: got %s, %v; another got %s", i, n, showFile(answers[i]), errs[i], showFile(answers[0]))
			}
		}
		for i := range files {
			if files[i].ID == answers[0].ID {
				files[i].State, files[i].UpdatedAt = dossier.FileStored, c.at(2)
				if !sameFile(answers[0], files[i]) {
					t.Fatalf("Commit: got %s, want %s", showFile(answers[0]), showFile(files[i]))
				}
			}
		}
		c.holds(person, files...)
	}
}

func catalogCommitSame(t *testing.T, c *catalogUnderTest) {
	const n = 8
	f := c.described(c.file(dossier.NewPersonID(), "a"), fileContent(1))
	answers, errs := make([]dossier.File, n), make([]error, n)
	allAtOnce(n, func(i int) { answers[i], errs[i] = c.Commit(t.Context(), f.Person, f.ID, c.at(2)) })
	f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
	for i := range n {
		if errs[i] != nil || !sameFile(answers[i], f) {
			t.Errorf("Commit %d of %d: got %s, %v; want %s", i, n, showFile(answers[i]), errs[i], showFile(f))
		}
	}
	c.holds(f.Person, f)
}

func catalogCommitDeletion(t *testing.T, c *catalogUnderTest) {
	for round := range 12 {
		person := dossier.NewPersonID()
		f := c.described(c.file(person, "a"), fileContent(1))
		from := []dossier.FileState{dossier.FileUploading, dossier.FileStored}[:1+round%2]
		var answer dossier.File
		var commitErr, markErr error
		allAtOnce(2, func(i int) {
			if i == 0 {
				answer, commitErr = c.Commit(t.Context(), person, f.ID, c.at(2))
			} else {
				markErr = c.MarkDeleting(t.Context(), person, f.ID, c.at(3), from...)
			}
		})
		wasStored := f
		wasStored.State, wasStored.UpdatedAt = dossier.FileStored, c.at(2)
		if commitErr == nil && !sameFile(answer, wasStored) || commitErr != nil && !errors.Is(commitErr, dossier.ErrLost) {
			t.Fatalf("Commit: got %s, %v; want the file stored, or ErrLost", showFile(answer), commitErr)
		}
		switch {
		case markErr == nil:
			f.State, f.UpdatedAt = dossier.FileDeleting, c.at(3)
			if len(from) == 1 && commitErr == nil {
				t.Fatal("the record was stored by one and won as uploading by the other")
			}
			c.holds(person, f)
		case len(from) == 1 && errors.Is(markErr, dossier.ErrLost) && commitErr == nil:
			c.holds(person, wasStored)
			continue
		default:
			t.Fatalf("MarkDeleting from %v: %v; Commit: %v", from, markErr, commitErr)
		}
		// Nothing of it may stand in the way of the next.
		c.stored(c.file(person, "a"), fileContent(1))
		c.removed(f)
	}
}

func catalogCommitStoredDeletion(t *testing.T, c *catalogUnderTest) {
	for range 12 {
		person := dossier.NewPersonID()
		first := c.stored(c.file(person, "a"), fileContent(1))
		second := c.described(c.file(person, "a"), fileContent(1))
		var answer dossier.File
		var err error
		allAtOnce(2, func(i int) {
			if i == 0 {
				answer, err = c.Commit(t.Context(), person, second.ID, c.at(2))
			} else {
				c.deletes(first)
			}
		})
		stored := second
		stored.State, stored.UpdatedAt = dossier.FileStored, c.at(2)
		if err != nil || !sameFile(answer, first) && !sameFile(answer, stored) {
			t.Fatalf("Commit: got %s, %v; want one of the two, stored", showFile(answer), err)
		}
		if sameFile(answer, first) {
			c.holds(person, second)
			c.commits(second, stored)
		}
		c.holds(person, stored)
	}
}

// deletes marks and removes a file. Unlike the steps it may run in any goroutine.
func (c *catalogUnderTest) deletes(f dossier.File) {
	c.Helper()
	err := c.MarkDeleting(c.Context(), f.Person, f.ID, c.at(3), dossier.FileUploading, dossier.FileStored)
	if err == nil {
		_, err = c.Remove(c.Context(), f.Person, f.ID)
	}
	if err != nil {
		c.Errorf("deletion: %v", err)
	}
}

func catalogCommitCommittingDeletion(t *testing.T, c *catalogUnderTest) {
	for range 12 {
		person := dossier.NewPersonID()
		first := c.described(c.file(person, "a"), fileContent(1))
		second := c.described(c.file(person, "a"), fileContent(1))
		var answers [2]dossier.File
		var errs [2]error
		var markErr error
		allAtOnce(3, func(i int) {
			switch i {
			case 0:
				answers[0], errs[0] = c.Commit(t.Context(), person, first.ID, c.at(2))
			case 1:
				answers[1], errs[1] = c.Commit(t.Context(), person, second.ID, c.at(2))
			case 2:
				if markErr = c.MarkDeleting(t.Context(), person, first.ID, c.at(3), dossier.FileUploading); markErr == nil {
					_, markErr = c.Remove(t.Context(), person, first.ID)
				}
			}
		})
		first.State, first.UpdatedAt = dossier.FileStored, c.at(2)
		stored := second
		stored.State, stored.UpdatedAt = dossier.FileStored, c.at(2)
		switch {
		case errors.Is(markErr, dossier.ErrLost):
			// The first was stored before it could be won.
			if errs != [2]error{} || !sameFile(answers[0], first) || !sameFile(answers[1], first) {
				t.Fatalf("Commits: got %s, %v and %s, %v; want both the first", showFile(answers[0]), errs[0], showFile(answers[1]), errs[1])
			}
			c.holds(person, first, second)
		case markErr == nil:
			// The first was never stored, so nobody may have been answered with it. Its own Commit may have found the second.
			if errs[0] == nil && !sameFile(answers[0], stored) || errs[0] != nil && !errors.Is(errs[0], dossier.ErrLost) {
				t.Fatalf("Commit of the deleted: got %s, %v; want ErrLost or the second", showFile(answers[0]), errs[0])
			}
			if errs[1] != nil || !sameFile(answers[1], stored) {
				t.Fatalf("Commit of the second: got %s, %v; want itself", showFile(answers[1]), errs[1])
			}
			c.holds(person, stored)
		default:
			t.Fatalf("deletion: %v", markErr)
		}
	}
}

// catalogStorm lets everything happen to a few records at once and looks at what is left.
func catalogStorm(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	files := make([]dossier.File, 12)
	for i := range files {
		files[i] = c.described(c.file(person, "a"), fileContent(byte(i%2)))
	}
	allAtOnce(8, func(worker int) {
		r := rand.New(rand.NewPCG(uint64(worker), 1))
		for range 20 {
			f := files[r.IntN(len(files))]
			var err error
			switch p := r.IntN(100); {
			case p < 60:
				var answer dossier.File
				if answer, err = c.Commit(t.Context(), person, f.ID, c.at(2)); err == nil && answer.State != dossier.FileStored {
					t.Errorf("Commit: got %s, want a stored file", showFile(answer))
				}
			case p < 75:
				err = c.Describe(t.Context(), person, f.ID, fileContent(byte(r.IntN(2))), c.at(1))
			case p < 90:
				err = c.MarkDeleting(t.Context(), person, f.ID, c.at(3), dossier.FileUploading, dossier.FileStored)
			default:
				_, err = c.Remove(t.Context(), person, f.ID)
			}
			if err != nil && !errors.Is(err, dossier.ErrLost) && !errors.Is(err, dossier.ErrNotFound) {
				t.Errorf("in the storm: %v", err)
			}
		}
	})
	left, err := c.Files(t.Context(), person, dossier.FileID{}, math.MaxInt32)
	c.wants("Files", err, nil)
	var stored [2]int
	for _, f := range left {
		if f.State == dossier.FileStored {
			stored[f.Content.Size-fileContent(0).Size]++
		}
	}
	if stored[0] > 1 || stored[1] > 1 {
		t.Fatalf("one name and content is stored more than once: %s", showFiles(left))
	}
	for i := range stored {
		// What is stored is found; where nothing is, the next one is stored.
		f := c.described(c.file(person, "a"), fileContent(byte(i)))
		answer, err := c.Commit(t.Context(), person, f.ID, c.at(2))
		if err != nil || answer.State != dossier.FileStored || *answer.Content != fileContent(byte(i)) || (answer.ID == f.ID) != (stored[i] == 0) {
			t.Fatalf("Commit after the storm, with %d stored: got %s, %v", stored[i], showFile(answer), err)
		}
		if now, err := c.File(t.Context(), person, answer.ID); err != nil || !sameFile(now, answer) {
			t.Fatalf("Commit answered %s, but there is %s, %v", showFile(answer), showFile(now), err)
		}
	}
}

func catalogPutMany(t *testing.T, c *catalogUnderTest) {
	const n = 8
	f := c.file(dossier.NewPersonID(), "")
	errs := make([]error, n)
	allAtOnce(n, func(i int) {
		f := f
		f.Name = fmt.Sprint(i)
		errs[i] = c.Put(t.Context(), f)
	})
	for i, err := range errs {
		if err == nil {
			if f.Name != "" {
				t.Fatal("more than one Put of one id succeeded")
			}
			f.Name = fmt.Sprint(i)
		} else if !errors.Is(err, dossier.ErrExists) {
			t.Fatalf("Put: got error %v, want ErrExists", err)
		}
	}
	c.holds(f.Person, f)
}

// unfinished wants Unfinished to have exactly these, in any order, each once, after a while.
func (c *catalogUnderTest) unfinished(before time.Time, want ...dossier.File) {
	c.Helper()
	slices.SortFunc(want, byFileID)
	c.eventually(func() error {
		var got []dossier.File
		for f, err := range c.Unfinished(c.Context(), before) {
			if err != nil {
				c.Fatalf("Unfinished: %v", err)
			}
			got = append(got, f)
		}
		slices.SortFunc(got, byFileID)
		if !slices.EqualFunc(got, want, sameFile) {
			return fmt.Errorf("unfinished records: got %s, want %s", showFiles(got), showFiles(want))
		}
		return nil
	})
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
	x := fileContent(2)
	c.wants("Describe", c.Describe(t.Context(), one, uploading.ID, x, c.at(100)), nil)
	uploading.Content, uploading.UpdatedAt = &x, c.at(100)
	described.State, described.UpdatedAt = dossier.FileStored, c.at(2)
	c.commits(described, described)
	c.unfinished(c.at(100), marked, markedStored)
	c.unfinished(c.at(101), marked, markedStored, uploading)
	c.removed(marked)
	c.unfinished(c.at(101), markedStored, uploading)
}

// many puts CatalogRecords records, a part of them stored or deleting, as one person's or several persons'. Their ids end alike, as far as
// they may be used to spread records: then all are in one place.
func (c *catalogUnderTest) many(persons int, unfinishedOnly bool) []dossier.File {
	c.Helper()
	ids := make([]dossier.PersonID, persons)
	for i := range ids {
		ids[i] = dossier.NewPersonID()
	}
	var files []dossier.File
	for i := range CatalogRecords {
		f := c.file(ids[i%persons], fmt.Sprint("file ", i))
		f.ID[15] = 0
		f.CreatedAt, f.UpdatedAt = c.at(-i/3), c.at(-i/3) // some share a time
		switch {
		case i%5 == 1 && !unfinishedOnly:
			f = c.stored(f, fileContent(byte(i)))
		case i%5 == 2 && !unfinishedOnly:
			f = c.marked(c.put(f))
		default:
			c.put(f)
		}
		files = append(files, f)
	}
	return files
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

// catalogUnfinishedChanges gives every record a later time in the body, as one does whose work then fails: the walk must not
// run after them.
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

func catalogEmpty(t *testing.T, c *catalogUnderTest) {
	for f, err := range c.All(t.Context()) {
		t.Errorf("All: got %s, %v", showFile(f), err)
	}
	for f, err := range c.Unfinished(t.Context(), c.at(0)) {
		t.Errorf("Unfinished: got %s, %v", showFile(f), err)
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

// calls returns every method, applied to a described file.
func (c *catalogUnderTest) calls(f dossier.File) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Put":      func(ctx context.Context) error { return c.Put(ctx, c.file(f.Person, "new")) },
		"File":     func(ctx context.Context) error { _, err := c.File(ctx, f.Person, f.ID); return err },
		"Files":    func(ctx context.Context) error { _, err := c.Files(ctx, f.Person, dossier.FileID{}, 1); return err },
		"Describe": func(ctx context.Context) error { return c.Describe(ctx, f.Person, f.ID, fileContent(9), c.at(9)) },
		"Commit":   func(ctx context.Context) error { _, err := c.Commit(ctx, f.Person, f.ID, c.at(9)); return err },
		"MarkDeleting": func(ctx context.Context) error {
			return c.MarkDeleting(ctx, f.Person, f.ID, c.at(9), dossier.FileUploading)
		},
		"Touch":  func(ctx context.Context) error { return c.Touch(ctx, f.Person, f.ID, c.at(9)) },
		"Remove": func(ctx context.Context) error { _, err := c.Remove(ctx, f.Person, f.ID); return err },
		"Reserve": func(ctx context.Context) error {
			_, err := c.Reserve(ctx, f.Person, dossier.Quota{Files: 1}, roomy, c.at(9))
			return err
		},
		"Release": func(ctx context.Context) error {
			return c.Release(ctx, f.Person, dossier.Quota{Files: 1}, "epoch", c.at(9))
		},
		"Usage": func(ctx context.Context) error { _, err := c.Usage(ctx, f.Person); return err },
		"Recount": func(ctx context.Context) error {
			return c.Recount(ctx, dossier.Usage{Person: f.Person}, dossier.Quota{Files: 1}, c.at(9))
		},
		"Miscounted": func(ctx context.Context) error {
			var last error
			for _, err := range c.Miscounted(ctx) {
				last = cmp.Or(last, err)
			}
			return last
		},
		"Unfinished": func(ctx context.Context) error {
			var last error
			for _, err := range c.Unfinished(ctx, c.at(10)) {
				last = cmp.Or(last, err)
			}
			return last
		},
		"All": func(ctx context.Context) error {
			var last error
			for _, err := range c.All(ctx) {
				last = cmp.Or(last, err)
			}
			return last
		},
	}
}

func catalogCancelled(t *testing.T, c *catalogUnderTest) {
	f := c.described(c.file(dossier.NewPersonID(), "a"), fileContent(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range c.calls(f) {
		if err := call(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s with a cancelled context: got error %v, want context.Canceled", name, err)
		}
	}
	c.holds(f.Person, f)
}

func catalogCancelledWalk(t *testing.T, c *catalogUnderTest) {
	files := c.many(1, true)
	c.unfinished(c.at(10), slices.Clone(files)...)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	for _, err := range c.All(ctx) {
		if cancel(); err != nil {
			if !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
				t.Fatalf("All: got error %v, want context.Canceled", err)
			}
			return
		}
		n++
	}
	t.Fatalf("All went on to its end, %d records, after it was cancelled", n)
}

func catalogDeadline(t *testing.T, c *catalogUnderTest) {
	f := c.described(c.file(dossier.NewPersonID(), "a"), fileContent(1))
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, call := range c.calls(f) {
		if err := call(ctx); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s after its deadline: got error %v, want ErrUnavailable", name, err)
		}
	}
	c.holds(f.Person, f)
}

func catalogParallel(t *testing.T, c *catalogUnderTest) {
	allAtOnce(12, func(i int) {
		person := dossier.NewPersonID()
		for j := range 3 {
			f := c.file(person, fmt.Sprint(j))
			x := fileContent(byte(i))
			err := c.Put(t.Context(), f)
			if err == nil {
				err = c.Describe(t.Context(), person, f.ID, x, c.at(1))
			}
			var got dossier.File
			if err == nil {
				got, err = c.Commit(t.Context(), person, f.ID, c.at(2))
			}
			f.Content, f.State, f.UpdatedAt = &x, dossier.FileStored, c.at(2)
			if err != nil || !sameFile(got, f) {
				t.Errorf("a file's way: got %s, %v; want %s", showFile(got), err, showFile(f))
				return
			}
			files, err := c.Files(t.Context(), person, dossier.FileID{}, math.MaxInt32)
			if err != nil || len(files) != 1 || !sameFile(files[0], f) {
				t.Errorf("Files: got %s, %v; want %s", showFiles(files), err, showFile(f))
			}
			c.deletes(f)
		}
	})
}

func catalogMultipart(t *testing.T, c *catalogUnderTest) {
	for _, u := range []dossier.Multipart{
		{UploadID: "2~vd.A_-x", Size: 0, PartSize: 8 << 20},
		{UploadID: strings.Repeat("x", 1024), Size: 48 << 40, PartSize: 5 << 30},
	} {
		f := c.file(dossier.NewPersonID(), "a")
		f.Multipart = &u
		c.put(f)
		c.holds(f.Person, f)
		// Nor does one who changes his own copy change what is kept.
		again := f
		again.Multipart = &dossier.Multipart{UploadID: "another", Size: 1, PartSize: 1}
		c.wants("Put again", c.Put(t.Context(), again), dossier.ErrExists)
		c.wants("Touch", c.Touch(t.Context(), f.Person, f.ID, c.at(1)), nil)
		x := fileContent(1)
		c.wants("Describe", c.Describe(t.Context(), f.Person, f.ID, x, c.at(1)), nil)
		f.Content, f.UpdatedAt = &x, c.at(1)
		c.holds(f.Person, f)
		f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
		c.commits(f, f)
		f = c.marked(f)
		c.holds(f.Person, f)
		c.unfinished(c.at(0), f)
		for got, err := range c.All(t.Context()) {
			if err != nil || !sameFile(got, f) {
				t.Fatalf("All: got %s, %v; want %s", showFile(got), err, showFile(f))
			}
		}
		c.removed(f)
	}
}

func catalogTouch(t *testing.T, c *catalogUnderTest) {
	f := c.put(c.file(dossier.NewPersonID(), "a"))
	c.wants("Touch", c.Touch(t.Context(), f.Person, f.ID, c.at(50)), nil)
	f.UpdatedAt = c.at(50)
	c.holds(f.Person, f)
	c.unfinished(c.at(50))
	c.unfinished(c.at(51), f)
	// It leaves a description as it is, also for a Commit.
	x := fileContent(1)
	c.wants("Describe", c.Describe(t.Context(), f.Person, f.ID, x, c.at(51)), nil)
	c.wants("Touch", c.Touch(t.Context(), f.Person, f.ID, c.at(52)), nil)
	f.Content, f.UpdatedAt = &x, c.at(52)
	c.holds(f.Person, f)
	f.State, f.UpdatedAt = dossier.FileStored, c.at(2)
	c.commits(f, f)
}

func catalogRemoveMany(t *testing.T, c *catalogUnderTest) {
	const n = 8
	for range 3 {
		f := c.marked(c.stored(c.file(dossier.NewPersonID(), "a"), fileContent(1)))
		removed, errs := make([]*dossier.File, n), make([]error, n)
		allAtOnce(n, func(i int) { removed[i], errs[i] = c.Remove(t.Context(), f.Person, f.ID) })
		winners := 0
		for i := range n {
			c.wants("Remove", errs[i], nil)
			if removed[i] == nil {
				continue
			}
			winners++
			if !sameFile(*removed[i], f) {
				t.Errorf("Remove: got %s, want %s", showFile(*removed[i]), showFile(f))
			}
		}
		if winners != 1 {
			t.Errorf("%d of %d Removes of one record returned it, want one", winners, n)
		}
	}
}

// roomy is a quota that no test here fills.
var roomy = dossier.Quota{Files: 1 << 40, Bytes: 1 << 60}

// counts wants a person's counter to say this.
func (c *catalogUnderTest) counts(person dossier.PersonID, want dossier.Quota) dossier.Usage {
	c.Helper()
	got, err := c.Usage(c.Context(), person)
	if err != nil || got.Person != person || got.Quota != want {
		c.Fatalf("Usage: got %+v, %v; want %+v", got, err, want)
	}
	if there := want != (dossier.Quota{}); (got.Epoch != "") != there || (got.Revision != "") != there || got.UpdatedAt.IsZero() == there {
		c.Fatalf("Usage of %+v: got %+v, want an epoch, a revision and a time exactly where something is counted", want, got)
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
	const n = 20
	for _, test := range []struct {
		most dossier.Quota
		fit  int64
	}{{dossier.Quota{Files: 7, Bytes: 1000}, 7}, {dossier.Quota{Files: 1000, Bytes: 59}, 5}} {
		person := dossier.NewPersonID()
		errs := make([]error, n)
		allAtOnce(n, func(i int) {
			_, errs[i] = c.Reserve(t.Context(), person, dossier.Quota{Files: 1, Bytes: 10}, test.most, c.at(i))
		})
		var fit int64
		for _, err := range errs {
			if err == nil {
				fit++
			} else if !errors.Is(err, dossier.ErrQuota) {
				t.Errorf("Reserve: got error %v, want ErrQuota", err)
			}
		}
		if fit != test.fit {
			t.Errorf("%d of %d files fitted in %+v, want %d", fit, n, test.most, test.fit)
		}
		c.counts(person, dossier.Quota{Files: fit, Bytes: 10 * fit})
	}
}

func countersMany(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	most := dossier.Quota{Files: 4, Bytes: 40}
	allAtOnce(8, func(int) {
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
			if err != nil {
				t.Errorf("Reserve and Release: %v", err)
			}
		}
	})
	c.counts(person, dossier.Quota{})
}
