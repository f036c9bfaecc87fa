package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// recordState is a state that a record can be in; make brings a fresh file into it, and returns the record, if there is
// one.
type recordState struct {
	name string
	make func(c *catalogUnderTest, f dossier.File) *dossier.File
}

// recordStates returns all of them.
func recordStates() []recordState {
	return []recordState{
		{"absent", func(c *catalogUnderTest, f dossier.File) *dossier.File { return nil }},
		{"uploading", func(c *catalogUnderTest, f dossier.File) *dossier.File { f = c.put(f); return &f }},
		{"described", func(c *catalogUnderTest, f dossier.File) *dossier.File {
			f = c.described(f, fileContent(1))
			return &f
		}},
		{"stored", func(c *catalogUnderTest, f dossier.File) *dossier.File {
			f = c.stored(f, fileContent(1))
			return &f
		}},
		{"deleting from uploading", func(c *catalogUnderTest, f dossier.File) *dossier.File {
			f = c.marked(c.put(f))
			return &f
		}},
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
}

// recordMethod is a method that is called on a record, with its error by state, nil where it has to work, and what it
// makes of the record then.
type recordMethod struct {
	name  string
	do    func(context.Context, dossier.File) error
	errs  string // one letter for each of recordStates: ok, Lost, Not found, eXists
	after func(*dossier.File) *dossier.File
}

// recordMethods returns all of them.
func recordMethods(c *catalogUnderTest) []recordMethod {
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
	stored := func(f *dossier.File) *dossier.File {
		if f.State == dossier.FileStored {
			return f
		}
		g := *f
		g.State, g.UpdatedAt = dossier.FileStored, c.at(9)
		return &g
	}
	return []recordMethod{
		{"Put", func(ctx context.Context, f dossier.File) error {
			x := fileContent(3)
			f.Name, f.Content = "another name", &x
			f.State = dossier.FileStored // must not be kept
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
		{"CommitAsPut", func(ctx context.Context, f dossier.File) error {
			// As if the record had been put like that; it was not.
			x := fileContent(1)
			f.State, f.Content = dossier.FileUploading, &x
			got, err := c.CommitAsPut(ctx, f, c.at(9))
			if err == nil && (got.ID != f.ID || got.State != dossier.FileStored) {
				return fmt.Errorf("answer %s", showFile(got))
			}
			return err
		}, "LLooLLLL", stored},
		{"Commit", func(ctx context.Context, f dossier.File) error {
			got, err := c.Commit(ctx, f.Person, f.ID, c.at(9))
			if err == nil && (got.ID != f.ID || got.State != dossier.FileStored) {
				return fmt.Errorf("answer %s", showFile(got))
			}
			return err
		}, "LLooLLLL", stored},
		{"MarkDeleting from no state", mark(), "NLLLoooN", deleting},
		{"MarkDeleting from uploading", mark(dossier.FileUploading), "NooLoooN", deleting},
		{"MarkDeleting from stored", mark(dossier.FileStored), "NLLooooN", deleting},
		{"MarkDeleting from deleting", mark(dossier.FileDeleting), "NLLLoooN", deleting},
		{"MarkDeleting from uploading or stored", mark(dossier.FileUploading, dossier.FileStored), "NooooooN",
			deleting},
		{"Touch", func(ctx context.Context, f dossier.File) error { return c.Touch(ctx, f.Person, f.ID, c.at(9)) },
			"LooLLLLL",
			func(f *dossier.File) *dossier.File {
				g := *f
				g.UpdatedAt = c.at(9)
				return &g
			}},
		{"Remove", func(ctx context.Context, f dossier.File) error {
			before, _ := c.File(ctx, f.Person, f.ID)
			removed, err := c.Remove(ctx, f.Person, f.ID, c.at(4))
			if removed != nil && !sameFile(*removed, before) ||
				(removed != nil) != (before.State == dossier.FileDeleting) {
				return fmt.Errorf("returned %v of %s", removed, showFile(before))
			}
			return err
		}, "oLLLoooo", func(*dossier.File) *dossier.File { return nil }},
	}
}

// catalogStates tries every method in every state.
func catalogStates(t *testing.T, c *catalogUnderTest) {
	errs := map[byte]error{'o': nil, 'L': dossier.ErrLost, 'N': dossier.ErrNotFound, 'X': dossier.ErrExists}
	for _, m := range recordMethods(c) {
		for i, s := range recordStates() {
			t.Run(m.name+" when "+s.name, func(t *testing.T) {
				c := &catalogUnderTest{T: t, Catalog: c.Catalog, base: c.base}
				f := c.file(dossier.NewPersonID(), "a.png")
				bystander := c.stored(c.file(f.Person, "b.png"), fileContent(1))
				record := s.make(c, f)
				want := errs[m.errs[i]]
				c.wants(m.name, m.do(t.Context(), f), want)
				switch {
				case m.name == "Put" && want == nil:
					x := fileContent(3)
					f.Name, f.Content = "another name", &x
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
		"a", "résumé.pdf", "👩‍👩‍👧‍👦 family 🏳️‍🌈.jpg", `it's a "quote" \ and ; -- '' .txt`, "claim#1", "~claim#1",
		"%_*[]{}$.#:", "مرحبا.txt", "名前.txt",
		long, strings.Repeat("😀", 63) + "abc",
	}
	contents := []dossier.Content{
		{Size: 0, SHA256: [32]byte{}, CRC64: 0, Type: "text/plain"},
		// the largest object of S3
		{Size: 5 << 40, SHA256: [32]byte{31: 1}, CRC64: 1, Type: "application/octet-stream"},
		{Size: 1, SHA256: [32]byte{0: 0xff, 31: 0xff}, CRC64: 1 << 63, Type: "text/plain; charset=utf-8"},
		{Size: 1<<63 - 1, SHA256: [32]byte{0: 1}, CRC64: ^uint64(0), Type: "x/" + strings.Repeat("y", 127)},
	}
	times := []time.Time{c.base, time.Date(2031, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2024, 2, 29, 0, 0, 0, 1000, time.UTC)}
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
			f = c.describes(f, x, at)
			c.holds(f.Person, f)
			c.holds(f.Person, c.committed(f))
		}
	}

	// A type with words of the file's own, as former releases kept it.
	dirty := fileContent(1)
	dirty.Type = "text/html; charset=x\u202E this file is safe"
	described := c.described(c.file(dossier.NewPersonID(), "a"), dirty)
	described.Content.Type = "text/html"
	c.holds(described.Person, described)

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
			mine[i] = c.committed(c.describes(mine[i], fileContent(byte(i)), c.at(1)))
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
			f = c.committed(c.describes(f, fileContent(byte(i)), c.at(1))) // Commit keeps more than the record
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
				t.Fatalf("Files by %d: a page of %d, %d in all; there are %d", limit, len(files), len(walked),
					len(mine))
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
	for i := len(gap) - 1; ; i-- { // the next record's id is larger by more than one
		if gap[i]++; gap[i] != 0 {
			break
		}
	}
	for _, test := range []struct {
		after dossier.FileID
		want  []dossier.File
	}{{mine[20].ID, mine[21:24]}, {gap, mine[31:34]}, {mine[len(mine)-1].ID, nil},
		{mine[len(mine)-3].ID, mine[len(mine)-2:]}} {
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
	f = c.describes(f, dossier.Content{}, c.at(5)) // zero values replace others too
	c.holds(f.Person, f)
	// A type that was taken away keeps a record from being stored until there is one again.
	_, err := c.Commit(t.Context(), f.Person, f.ID, c.at(6))
	c.wants("Commit without a type", err, dossier.ErrIncomplete)
	c.holds(f.Person, f)
	c.holds(f.Person, c.committed(c.describes(f, dossier.Content{Type: "text/plain"}, c.at(7))))
}

func catalogEmpty(t *testing.T, c *catalogUnderTest) {
	for f, err := range c.All(t.Context()) {
		t.Errorf("All: got %s, %v", showFile(f), err)
	}
	for f, err := range c.Unfinished(t.Context(), c.at(0)) {
		t.Errorf("Unfinished: got %s, %v", showFile(f), err)
	}
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
		f = c.describes(f, fileContent(1), c.at(1))
		c.holds(f.Person, f)
		f = c.marked(c.committed(f))
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
	f = c.describes(f, fileContent(1), c.at(51))
	c.wants("Touch", c.Touch(t.Context(), f.Person, f.ID, c.at(52)), nil)
	f.UpdatedAt = c.at(52)
	c.holds(f.Person, f)
	c.committed(f)
}

func catalogPutMany(t *testing.T, c *catalogUnderTest) {
	f := c.file(dossier.NewPersonID(), "")
	f.Name = fmt.Sprint(oneWins(t, "Put of one id", 8, dossier.ErrExists, func(i int) error {
		f := f
		f.Name = fmt.Sprint(i)
		return c.Put(t.Context(), f)
	}))
	c.holds(f.Person, f)
}

func catalogRemoveMany(t *testing.T, c *catalogUnderTest) {
	const n = 8
	for range 3 {
		f := c.marked(c.stored(c.file(dossier.NewPersonID(), "a"), fileContent(1)))
		removed, errs := make([]*dossier.File, n), make([]error, n)
		AtOnce(n, func(i int) { removed[i], errs[i] = c.Remove(t.Context(), f.Person, f.ID, c.at(4)) })
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

// catalogRetired: of a file in parts, whose sender chose the id, no record is put again for a while.
func catalogRetired(t *testing.T, c *catalogUnderTest) {
	ctx, person := t.Context(), dossier.NewPersonID()
	inParts := func(id dossier.FileID, at time.Time) dossier.File {
		f := c.file(person, "a")
		f.ID, f.CreatedAt, f.UpdatedAt = id, at, at
		f.Multipart = &dossier.Multipart{UploadID: "upload", Size: 7, PartSize: 8}
		return f
	}
	const most = dossier.RemovedFor
	for name, remove := range map[string]func(id dossier.FileID) error{
		"a record": func(id dossier.FileID) error {
			removed, err := c.Remove(ctx, person, c.marked(c.put(inParts(id, c.at(0)))).ID, c.at(4))
			if removed == nil {
				t.Error("Remove: no record")
			}
			return err
		},
		"twice": func(id dossier.FileID) error {
			c.removed(c.marked(c.put(inParts(id, c.at(0)))))
			_, err := c.Remove(ctx, person, id, c.at(4))
			return err
		},
		"what is not there": func(id dossier.FileID) error { return second(c.Remove(ctx, person, id, c.at(4))) },
	} {
		id := dossier.NewFileID()
		c.wants("Remove of "+name, remove(id), nil)
		for _, after := range []time.Duration{0, most / 2, most - time.Second} {
			c.wants(fmt.Sprint("Put ", after, " after Remove of ", name), c.Put(ctx, inParts(id, c.at(4).Add(after))),
				dossier.ErrExists)
		}
		c.holds(person)
		// The id of a form's file is drawn by this program; and what was removed automatically can be put back.
		form := inParts(id, c.at(5))
		form.Multipart = nil
		c.removed(c.marked(c.stored(form, fileContent(1))))
		// A little late, for stores that keep whole seconds.
		at := c.at(4).Add(most + 3*time.Second)
		f := c.described(inParts(id, at), fileContent(1))
		f, err := c.Commit(ctx, f.Person, f.ID, at)
		c.wants("Commit of a record of that id", err, nil)
		_, err = c.Remove(ctx, person, id, c.at(6))
		c.wants("Remove of a stored record", err, dossier.ErrLost)
		c.holds(person, f)
		c.removed(c.marked(f))
	}
}

// many puts CatalogRecords records, a part of them stored or deleting, as one person's or several persons'. Their ids
// end alike, as far as they may be used to spread records: then all are in one place.
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
