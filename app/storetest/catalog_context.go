package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// calls returns every method, applied to a described file.
func (c *catalogUnderTest) calls(f dossier.File) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Put":      func(ctx context.Context) error { return c.Put(ctx, c.file(f.Person, "new")) },
		"File":     func(ctx context.Context) error { return second(c.File(ctx, f.Person, f.ID)) },
		"Files":    func(ctx context.Context) error { return second(c.Files(ctx, f.Person, dossier.FileID{}, 1)) },
		"Describe": func(ctx context.Context) error { return c.Describe(ctx, f.Person, f.ID, fileContent(9), c.at(9)) },
		"Commit":   func(ctx context.Context) error { return second(c.Commit(ctx, f.Person, f.ID, c.at(9))) },
		"CommitAsPut": func(ctx context.Context) error {
			f, x := f, fileContent(9)
			f.Content = &x
			_, err := c.CommitAsPut(ctx, f, c.at(9))
			return err
		},
		"MarkDeleting": func(ctx context.Context) error {
			return c.MarkDeleting(ctx, f.Person, f.ID, c.at(9), dossier.FileUploading)
		},
		"SetScan": func(ctx context.Context) error {
			return second(c.SetScan(ctx, f.Person, f.ID, "", dossier.Scan{State: dossier.ScanClean}))
		},
		"Scans": func(ctx context.Context) error { return firstError(c.Scans(ctx, dossier.ScanWaiting)) },
		"SetTrash": func(ctx context.Context) error {
			return c.SetTrash(ctx, f.Person, f.ID, time.Time{}, dossier.Trash{At: c.at(9)})
		},
		"MarkTrashed": func(ctx context.Context) error {
			return c.MarkTrashed(ctx, f.Person, f.ID, c.at(8), c.at(9))
		},
		"TrashedFiles": func(ctx context.Context) error { return firstError(c.TrashedFiles(ctx)) },
		"Touch":        func(ctx context.Context) error { return c.Touch(ctx, f.Person, f.ID, c.at(9)) },
		"Remove":       func(ctx context.Context) error { return second(c.Remove(ctx, f.Person, f.ID, c.at(4))) },
		"Reserve": func(ctx context.Context) error {
			return second(c.Reserve(ctx, f.Person, dossier.Quota{Files: 1}, roomy, c.at(9)))
		},
		"Release": func(ctx context.Context) error {
			return c.Release(ctx, f.Person, dossier.Quota{Files: 1}, "epoch", c.at(9))
		},
		"Usage": func(ctx context.Context) error { return second(c.Usage(ctx, f.Person)) },
		"Recount": func(ctx context.Context) error {
			return c.Recount(ctx, dossier.Usage{Person: f.Person}, dossier.Quota{Files: 1}, c.at(9))
		},
		"Miscounted": func(ctx context.Context) error { return firstError(c.Miscounted(ctx)) },
		"Unfinished": func(ctx context.Context) error { return firstError(c.Unfinished(ctx, c.at(10))) },
		"All":        func(ctx context.Context) error { return firstError(c.All(ctx)) },
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
		wants(t, name+" after its deadline", call(ctx), dossier.ErrUnavailable)
	}
	c.holds(f.Person, f)
}

func catalogParallel(t *testing.T, c *catalogUnderTest) {
	AtOnce(12, func(i int) {
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
