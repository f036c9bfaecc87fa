package dossier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Summary is what a person has, apart from what is being deleted or is in the trash.
type Summary struct {
	// Stored is the number of stored files and of their bytes, Damaged how many of them are known to be damaged.
	Stored  Quota
	Damaged int
	// Unfinished are the uploads that are being sent or were interrupted, oldest first, at most MaxUnfinished;
	// UnfinishedCount is the number of all. An upload of a form is not included if the same path was stored later:
	// sending a form again makes up for what was interrupted, one for one. An upload in parts always is.
	Unfinished      []File
	UnfinishedCount int
}

// MaxUnfinished is how many uploads a Summary lists.
const MaxUnfinished = 100

// Complete reports whether everything that was started is stored and not known to be damaged.
func (s Summary) Complete() bool { return s.UnfinishedCount == 0 && s.Damaged == 0 }

// Summary returns what a person whom Person or ByReceipt returned has. It walks the person's records once, and once
// more if a form was interrupted. Its memory grows with the number of unfinished uploads, which the quota limits.
func (s *Service) Summary(ctx context.Context, person PersonID) (Summary, error) {
	var sum Summary
	var unfinished []File
	forms := attempts{}
	for f, err := range allFiles(ctx, s.catalog, person) {
		switch {
		case err != nil:
			return Summary{}, err
		case f.State == FileUploading:
			unfinished = append(unfinished, f)
			if f.Multipart == nil {
				forms[f.Path()] = &tries{}
			}
		case f.State == FileStored && f.Content != nil && f.Trash == (Trash{}):
			sum.Stored = sum.Stored.plus(Quota{1, f.Content.Size})
			if f.Damage != nil {
				sum.Damaged++
			}
		}
	}
	if len(forms) > 0 {
		if err := forms.find(ctx, s.catalog, person); err != nil {
			return Summary{}, err
		}
	}
	slices.SortFunc(unfinished, func(a, b File) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	unfinished = slices.DeleteFunc(unfinished, func(f File) bool { return f.Multipart == nil && forms.madeGood(f) })
	sum.UnfinishedCount = len(unfinished)
	sum.Unfinished = slices.Clone(unfinished[:min(len(unfinished), MaxUnfinished)])
	return sum, nil
}

// AllUnfinished returns the uploads of all people that are being sent or were interrupted, up to most, and reports
// whether there are more. It may be seconds behind the latest writes, and their order is the store's.
func (s *Service) AllUnfinished(ctx context.Context, most int) (files []File, more bool, err error) {
	for f, err := range s.catalog.Unfinished(ctx, s.time()) {
		switch {
		case err != nil:
			return nil, false, fmt.Errorf("list unfinished uploads: %w", err)
		case f.State != FileUploading:
			continue
		case len(files) == most:
			return files, true, nil
		}
		files = append(files, f)
	}
	return files, false, nil
}

// attempts are the stored files of the paths whose uploads by a form were interrupted.
type attempts map[string]*tries

// tries are the times at which the stored files of one path were begun.
type tries struct{ stored []time.Time }

// find looks for the stored files of the paths.
func (a attempts) find(ctx context.Context, c Catalog, person PersonID) error {
	for f, err := range allFiles(ctx, c, person) {
		if err != nil {
			return err
		}
		if t := a[f.Path()]; t != nil && f.State == FileStored && f.Damage == nil {
			t.stored = append(t.stored, f.CreatedAt)
		}
	}
	for _, t := range a {
		slices.SortFunc(t.stored, time.Time.Compare)
	}
	return nil
}

// madeGood reports whether an unfinished upload of a form (asked about oldest first) was sent again and stored, and
// removes that stored file from the list: it makes up for no other.
func (a attempts) madeGood(f File) bool {
	t := a[f.Path()]
	// What was stored before this upload began was stored before all uploads that are asked about later.
	for len(t.stored) > 0 && !t.stored[0].After(f.CreatedAt) {
		t.stored = t.stored[1:]
	}
	if len(t.stored) == 0 {
		return false
	}
	t.stored = t.stored[1:]
	return true
}
