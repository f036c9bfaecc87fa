package storetest

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	dossier "dossier.example/app"
)

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
	want = append(want, c.stored(c.file(person, "é"), fileContent(1)),
		c.stored(c.file(person, "e\u0301"), fileContent(1)))
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

// catalogFolders has one name and content in many folders, some of which a sloppy join with the name would confuse.
func catalogFolders(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	in := func(folder, name string) dossier.File {
		f := c.file(person, name)
		f.Folder = folder
		return f
	}
	var want []dossier.File
	for _, path := range [][2]string{
		{"", "b.txt"}, {"a", "b.txt"}, {"A", "b.txt"}, {"a/a", "b.txt"}, {"a/b.txt", "b.txt"}, {"b.txt", "b.txt"},
		{"", "a › b.txt"}, {"a › b.txt", "c"}, {"a", "b.txt › c"},
		{"résumé/名前/%_*[]{}$.#: \\ '", "b.txt"}, {strings.Repeat("x", dossier.MaxFolderBytes), "b.txt"},
		{strings.Repeat("x", dossier.MaxFolderBytes-1) + "y", "b.txt"},
	} {
		want = append(want, c.stored(in(path[0], path[1]), fileContent(1)))
	}
	c.holds(person, want...)
	// The same again, and in one of the folders with another content.
	for _, f := range want {
		again := c.described(in(f.Folder, f.Name), fileContent(1))
		c.commits(again, f)
		c.removed(c.marked(again))
	}
	want = append(want, c.stored(in("a", "b.txt"), fileContent(2)))
	c.holds(person, want...)
	// What is removed from one folder is not from another.
	c.removed(c.marked(want[1]))
	c.commits(c.described(in("", "b.txt"), fileContent(1)), want[0])
	c.stored(in("a", "b.txt"), fileContent(1))
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
			second = c.committed(second)
			third := c.described(c.file(person, "a"), fileContent(1))
			c.commits(third, second)
			// The first one's removal, late or repeated, takes nothing from the second.
			c.removed(first)
			c.removed(first)
			c.commits(third, second)
			c.holds(person, second, third)
			c.removed(c.marked(second))
			c.holds(person, c.committed(third))
		})
	}
}

func catalogCommitDescribedAgain(t *testing.T, c *catalogUnderTest) {
	person := dossier.NewPersonID()
	first := c.stored(c.file(person, "a"), fileContent(1))
	second := c.described(c.file(person, "a"), fileContent(1))
	c.commits(second, first)
	second = c.committed(c.describes(second, fileContent(2), c.at(4)))
	c.commits(c.described(c.file(person, "a"), fileContent(1)), first)
	c.commits(c.described(c.file(person, "a"), fileContent(2)), second)
}

// A record that is described by its Put is stored by CommitAsPut, whatever happened to it meanwhile, exactly as by
// Commit.
func catalogCommitAsPut(t *testing.T, c *catalogUnderTest) {
	person, x := dossier.NewPersonID(), fileContent(1)
	whole := func() dossier.File {
		f := c.file(person, "a")
		f.Content = &x
		return c.put(f)
	}
	commits := func(f, want dossier.File) {
		t.Helper()
		if got, err := c.CommitAsPut(t.Context(), f, c.at(2)); err != nil || !sameFile(got, want) {
			t.Fatalf("CommitAsPut: got %s, %v; want %s", showFile(got), err, showFile(want))
		}
	}
	first, second, third := whole(), whole(), whole()
	c.holds(person, first, second, third)
	stored := c.asStored(first)
	commits(first, stored)
	commits(first, stored) // again
	commits(second, stored)
	other := c.asStored(c.describes(third, fileContent(2), c.at(1)))
	commits(third, other)
	c.holds(person, stored, second, other)
	marked := c.marked(second)
	_, err := c.CommitAsPut(t.Context(), second, c.at(2))
	c.wants("CommitAsPut of a file that is deleting", err, dossier.ErrLost)
	c.removed(marked)
	_, err = c.CommitAsPut(t.Context(), second, c.at(2))
	c.wants("CommitAsPut of a file that is gone", err, dossier.ErrLost)
	c.removed(c.marked(stored))
	again := whole()
	commits(again, c.asStored(again))
}

func catalogCommitMany(t *testing.T, c *catalogUnderTest) {
	const n = 16
	for range 3 {
		person := dossier.NewPersonID()
		files, answers, errs := make([]dossier.File, n), make([]dossier.File, n), make([]error, n)
		for i := range files {
			files[i] = c.described(c.file(person, "a"), fileContent(1))
		}
		AtOnce(n, func(i int) { answers[i], errs[i] = c.Commit(t.Context(), person, files[i].ID, c.at(2)) })
		for i := range n {
			if errs[i] != nil || !sameFile(answers[i], answers[0]) {
				t.Fatalf("Commit %d of %d: got %s, %v; another got %s", i, n, showFile(answers[i]), errs[i],
					showFile(answers[0]))
			}
		}
		for i := range files {
			if files[i].ID == answers[0].ID {
				files[i] = c.asStored(files[i])
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
	AtOnce(n, func(i int) { answers[i], errs[i] = c.Commit(t.Context(), f.Person, f.ID, c.at(2)) })
	f = c.asStored(f)
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
		AtOnce(2, func(i int) {
			if i == 0 {
				answer, commitErr = c.Commit(t.Context(), person, f.ID, c.at(2))
			} else {
				markErr = c.MarkDeleting(t.Context(), person, f.ID, c.at(3), from...)
			}
		})
		wasStored := c.asStored(f)
		if commitErr == nil && !sameFile(answer, wasStored) ||
			commitErr != nil && !errors.Is(commitErr, dossier.ErrLost) {
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
		AtOnce(2, func(i int) {
			if i == 0 {
				answer, err = c.Commit(t.Context(), person, second.ID, c.at(2))
			} else {
				c.deletes(first)
			}
		})
		stored := c.asStored(second)
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
		_, err = c.Remove(c.Context(), f.Person, f.ID, c.at(4))
	}
	wants(c, "deletion", err, nil)
}

func catalogCommitCommittingDeletion(t *testing.T, c *catalogUnderTest) {
	for range 12 {
		person := dossier.NewPersonID()
		first := c.described(c.file(person, "a"), fileContent(1))
		second := c.described(c.file(person, "a"), fileContent(1))
		var answers [2]dossier.File
		var errs [2]error
		var markErr error
		AtOnce(3, func(i int) {
			switch i {
			case 0:
				answers[0], errs[0] = c.Commit(t.Context(), person, first.ID, c.at(2))
			case 1:
				answers[1], errs[1] = c.Commit(t.Context(), person, second.ID, c.at(2))
			case 2:
				if markErr = c.MarkDeleting(t.Context(), person, first.ID, c.at(3),
					dossier.FileUploading); markErr == nil {
					_, markErr = c.Remove(t.Context(), person, first.ID, c.at(4))
				}
			}
		})
		first, stored := c.asStored(first), c.asStored(second)
		switch {
		case errors.Is(markErr, dossier.ErrLost):
			// The first was stored before it could be won.
			if errs != [2]error{} || !sameFile(answers[0], first) || !sameFile(answers[1], first) {
				t.Fatalf("Commits: got %s, %v and %s, %v; want both the first", showFile(answers[0]), errs[0],
					showFile(answers[1]), errs[1])
			}
			c.holds(person, first, second)
		case markErr == nil:
			// The first was never stored, so nobody may have been answered with it. Its own Commit may have found the
			// second.
			if errs[0] == nil && !sameFile(answers[0], stored) ||
				errs[0] != nil && !errors.Is(errs[0], dossier.ErrLost) {
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
	AtOnce(8, func(worker int) {
		r := rand.New(rand.NewPCG(uint64(worker), 1))
		for range 20 {
			f := files[r.IntN(len(files))]
			var err error
			switch p := r.IntN(100); {
			case p < 60:
				var answer dossier.File
				if answer, err = c.Commit(t.Context(), person, f.ID, c.at(2)); err == nil &&
					answer.State != dossier.FileStored {
					t.Errorf("Commit: got %s, want a stored file", showFile(answer))
				}
			case p < 75:
				err = c.Describe(t.Context(), person, f.ID, fileContent(byte(r.IntN(2))), c.at(1))
			case p < 90:
				err = c.MarkDeleting(t.Context(), person, f.ID, c.at(3), dossier.FileUploading, dossier.FileStored)
			default:
				_, err = c.Remove(t.Context(), person, f.ID, c.at(4))
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
		if err != nil || answer.State != dossier.FileStored || *answer.Content != fileContent(byte(i)) ||
			(answer.ID == f.ID) != (stored[i] == 0) {
			t.Fatalf("Commit after the storm, with %d stored: got %s, %v", stored[i], showFile(answer), err)
		}
		if now, err := c.File(t.Context(), person, answer.ID); err != nil || !sameFile(now, answer) {
			t.Fatalf("Commit answered %s, but there is %s, %v", showFile(answer), showFile(now), err)
		}
	}
}
