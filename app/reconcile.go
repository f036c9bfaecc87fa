package dossier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// ReconcileOptions says what one run of Reconcile does.
type ReconcileOptions struct {
	// OlderThan is how long nothing must have happened to an unfinished upload before it counts as left behind. It must
	// be longer than the longest upload; one that is hit all the same fails cleanly and can be sent again.
	OlderThan time.Duration
	// Sweep also walks all objects and all records, to find objects without a record, records without a person and
	// persons whose files are miscounted. It costs a listing of the bucket and two scans of the table.
	Sweep bool
	// Verify also compares every stored file with what the object store says that it holds. With embedded stores that
	// reads every byte.
	Verify bool
	// DryRun changes nothing and reports what would be done.
	DryRun bool
}

// Repair is one thing that Reconcile did, would do in a dry run, or found and cannot mend.
type Repair struct {
	// What was done: one of the Repair constants.
	What string `json:"what"`
	// Person, File and Key name what it was done to; empty where it does not apply.
	Person string `json:"person,omitempty"`
	File   string `json:"file,omitempty"`
	Key    string `json:"key,omitempty"`
}

// The kinds of Repair.
const (
	// RepairFinished: an upload whose bytes were all there was committed.
	RepairFinished = "finished upload"
	// RepairRemovedUpload: an unfinished upload was removed, record and object.
	RepairRemovedUpload = "removed unfinished upload"
	// RepairRemovedFile: the deletion of a file was carried to its end.
	RepairRemovedFile = "finished deletion of file"
	// RepairRemovedSubmission: a submission that was never acknowledged was removed.
	RepairRemovedSubmission = "removed unacknowledged submission"
	// RepairRemovedPerson: the deletion of a person was carried to its end.
	RepairRemovedPerson = "finished deletion of person"
	// RepairRemovedRecord: a record whose person is gone was removed, with its object.
	RepairRemovedRecord = "removed record without person"
	// RepairRemovedObject: an object without a record was removed.
	RepairRemovedObject = "removed object without record"
	// RepairRecounted: what a person has for the quota was counted anew.
	RepairRecounted = "recounted files of person"
	// DamageMissing: a stored file has no object. Nothing is changed; restore the object from its version or from a
	// backup.
	DamageMissing = "DAMAGE: stored file without object"
	// DamageDiffers: a stored file's object has another size or checksum. Nothing is changed.
	DamageDiffers = "DAMAGE: stored file differs from its object"
)

// ReconcileReport tells what a run did.
type ReconcileReport struct {
	DryRun bool `json:"dry_run"`
	// Counts has the number of repairs by What.
	Counts map[string]int `json:"counts"`
	// AbortedMultipartUploads is the number of multipart uploads that were given up on their own. Those that went with
	// an unfinished upload are among its repairs.
	AbortedMultipartUploads int `json:"aborted_transfers"`
	// Verified is the number of stored files that were compared with their objects.
	Verified int `json:"verified"`
	// Failures is the number of things that could not be looked at or mended this time; the error of Reconcile has the
	// reasons.
	Failures int `json:"failures"`
}

// Damaged reports whether something was found that needs a person.
func (r *ReconcileReport) Damaged() bool {
	return r.Counts[DamageMissing]+r.Counts[DamageDiffers] > 0
}

// Reconcile finishes or removes what was left half-done. Any number of instances may run it at once, beside submissions
// and deletions: whatever it takes away it first wins by a conditional change of state, and an upload that wakes up
// afterwards finds its record lost.
//
// Each repair is handed to done as it happens (nil: to nobody), so memory stays bounded. One failure does not end the
// run, except an end of ctx; the returned error joins the first ten reasons.
func (s *Service) Reconcile(ctx context.Context, o ReconcileOptions, done func(Repair)) (*ReconcileReport, error) {
	r := &reconciler{
		Service: s, ReconcileOptions: o, done: done, before: s.time().Add(-o.OlderThan),
		report: &ReconcileReport{DryRun: o.DryRun, Counts: map[string]int{}},
	}
	steps := []func(context.Context) error{r.multipartUploads, r.unfinished, r.leftovers}
	if o.Sweep {
		steps = append(steps, r.orphanedObjects)
	}
	if o.Sweep || o.Verify {
		steps = append(steps, r.records)
	}
	if o.Sweep {
		steps = append(steps, r.miscounted)
	}
	for _, step := range steps {
		r.failed(step(ctx))
		if err := ctx.Err(); err != nil {
			return r.report, fmt.Errorf("reconciliation stopped half-way: %w", context.Cause(ctx))
		}
	}
	return r.report, errors.Join(r.errs...)
}

// reconciler is one run.
type reconciler struct {
	*Service
	ReconcileOptions
	before time.Time
	done   func(Repair)
	report *ReconcileReport
	errs   []error
}

func (r *reconciler) failed(err error) {
	if err == nil {
		return
	}
	r.report.Failures++
	if len(r.errs) < 10 {
		r.errs = append(r.errs, err)
	}
}

// repair does one repair, unless this is a dry run, and reports it. Work that somebody else did first is no failure and
// is not reported.
func (r *reconciler) repair(rep Repair, do func() error) {
	if !r.DryRun && do != nil {
		switch err := do(); {
		case errors.Is(err, ErrLost), errors.Is(err, ErrNotFound):
			return
		case err != nil:
			r.failed(fmt.Errorf("%s (person %s, file %s, key %s): %w", rep.What, rep.Person, rep.File, rep.Key, err))
			return
		}
	}
	r.report.Counts[rep.What]++
	if r.done != nil {
		r.done(rep)
	}
}

func fileRepair(what string, f File) Repair {
	return Repair{What: what, Person: f.Person.String(), File: f.ID.String(), Key: f.Key()}
}

// multipartUploads gives up old multipart uploads that nobody waits for.
func (r *reconciler) multipartUploads(ctx context.Context) error {
	for t, err := range r.objects.Unfinished(ctx, r.before) {
		if err != nil {
			return fmt.Errorf("list unfinished multipart uploads: %w", err)
		}
		waited, err := r.waited(ctx, t)
		if err == nil && !waited && !r.DryRun {
			err = r.objects.Drop(ctx, t.Key, t.ID)
		}
		switch {
		case err != nil:
			r.failed(fmt.Errorf("give up multipart upload to %s: %w", t.Key, err))
		case !waited:
			r.report.AbortedMultipartUploads++
		}
	}
	return nil
}

// waited reports whether a multipart upload is left alone: its record shows progress; or the record names it, so that
// both go together, by the step that wins the record first. A multipart upload without a record, or beside the one that
// the record names, is nobody's.
func (r *reconciler) waited(ctx context.Context, t MultipartUpload) (bool, error) {
	person, file, err := ParseObjectKey(t.Key)
	if err != nil {
		return false, nil // under ObjectPrefix by somebody's hand; it never became an object
	}
	f, err := r.catalog.File(ctx, person, file)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case f.State != FileUploading:
		return false, nil
	case f.Multipart != nil:
		return f.Multipart.UploadID == t.ID, nil
	}
	return !f.UpdatedAt.Before(r.before), nil
}

// unfinished takes up the records that are uploading and old, or deleting.
func (r *reconciler) unfinished(ctx context.Context) error {
	for f, err := range r.catalog.Unfinished(ctx, r.before) {
		if err != nil {
			// One damaged record is an error in the middle, an outage one at the end: the sequence knows.
			r.failed(fmt.Errorf("list unfinished files: %w", err))
			continue
		}
		if f.State == FileDeleting {
			r.repair(fileRepair(RepairRemovedFile, f), func() error { return r.erase(ctx, f) })
			continue
		}
		whole, err := r.arrived(ctx, f)
		if err != nil {
			r.failed(fmt.Errorf("look at unfinished file %s of person %s: %w", f.ID, f.Person, err))
			continue
		}
		if whole {
			r.repair(fileRepair(RepairFinished, f), func() error {
				stored, err := r.commit(ctx, f, *f.Content)
				if err == nil && stored.ID != f.ID {
					return r.take(ctx, f, FileUploading)
				}
				return err
			})
			continue
		}
		r.repair(fileRepair(RepairRemovedUpload, f), func() error { return r.take(ctx, f, FileUploading) })
	}
	return nil
}

// arrived reports whether an unfinished file only lacks its commit: its person is acknowledged and the object store
// holds what the record describes. Files of a person that is not acknowledged go with the person.
func (r *reconciler) arrived(ctx context.Context, f File) (bool, error) {
	if f.Content == nil {
		return false, nil
	}
	p, err := r.people.Person(ctx, f.Person)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || p.State != PersonSubmitted {
		return false, err
	}
	held, err := r.objects.Stat(ctx, f.Key())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && held == f.Content.held(), err
}

// take wins a record in one of the states from and removes it with its object.
func (r *reconciler) take(ctx context.Context, f File, from ...FileState) error {
	if err := r.catalog.MarkDeleting(ctx, f.Person, f.ID, r.time(), from...); err != nil {
		return err
	}
	return r.erase(ctx, f)
}

// leftovers removes submissions that were never acknowledged, and ends deletions of persons.
func (r *reconciler) leftovers(ctx context.Context) error {
	for p, err := range r.people.Leftovers(ctx, r.before) {
		if err != nil {
			r.failed(fmt.Errorf("list leftover people: %w", err))
			continue
		}
		if p.State == PersonDeleting {
			r.repair(Repair{What: RepairRemovedPerson, Person: p.ID.String()}, func() error {
				return r.finishDeletion(ctx, p.ID)
			})
			continue
		}
		r.repair(Repair{What: RepairRemovedSubmission, Person: p.ID.String()}, func() error {
			// A retry of the same form may be at work by now: it touched the person, so the state alone does not tell.
			now, err := r.people.Person(ctx, p.ID)
			if err != nil {
				return err
			}
			if !now.UpdatedAt.Equal(p.UpdatedAt) {
				return &Error{Code: CodeLost}
			}
			if err := r.people.Move(ctx, p.ID, PersonDeleting, r.time(), PersonSubmitting); err != nil {
				return err
			}
			return r.finishDeletion(ctx, p.ID)
		})
	}
	return nil
}

// orphanedObjects removes objects without a record. An object's record is put before its bytes are sent and its key is
// never used again, so an object whose record is absent can never get one.
func (r *reconciler) orphanedObjects(ctx context.Context) error {
	var person PersonID
	known := map[FileID]bool{}
	for o, err := range r.objects.List(ctx, ObjectPrefix) {
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		p, id, err := ParseObjectKey(o.Key)
		if err != nil {
			// Not ours: somebody put it there by hand. It is named, so that somebody looks, and left.
			r.failed(fmt.Errorf("object %q under %s is not one that this program makes; remove it by hand", o.Key, ObjectPrefix))
			continue
		}
		if !o.ModifiedAt.Before(r.before) {
			continue
		}
		if p != person {
			person = p
			clear(known)
			for f, err := range allFiles(ctx, r.catalog, p) {
				if err != nil {
					return fmt.Errorf("person %s: %w", p, err)
				}
				known[f.ID] = true
			}
		}
		if known[id] {
			continue
		}
		r.repair(Repair{What: RepairRemovedObject, Person: p.String(), File: id.String(), Key: o.Key}, func() error {
			// The listing of records is older than the listing of objects. A look at this one record decides.
			switch _, err := r.catalog.File(ctx, p, id); {
			case err == nil:
				return &Error{Code: CodeLost}
			case !errors.Is(err, ErrNotFound):
				return err
			}
			return r.objects.Delete(ctx, o.Key)
		})
	}
	return nil
}

// records removes records whose person is gone and, when asked, compares stored files with their objects.
func (r *reconciler) records(ctx context.Context) error {
	for batch, err := range batches(r.catalog.All(ctx), 100) {
		if err != nil {
			return fmt.Errorf("walk the catalog: %w", err)
		}
		ids := map[PersonID]bool{}
		for _, f := range batch {
			ids[f.Person] = true
		}
		list := make([]PersonID, 0, len(ids))
		for id := range ids {
			list = append(list, id)
		}
		there, err := r.people.Existing(ctx, list)
		if err != nil {
			return fmt.Errorf("look up people: %w", err)
		}
		for _, f := range batch {
			switch {
			case !there[f.Person] && r.Sweep:
				// The person was inserted before the record and is deleted after it: what is left is nobody's. It is
				// taken in the state that it was seen in, before the person was looked for: should the same form begin
				// anew in between and its file be stored and acknowledged, that file is left alone.
				r.repair(fileRepair(RepairRemovedRecord, f), func() error { return r.take(ctx, f, f.State) })
			case there[f.Person] && r.Verify && f.State == FileStored:
				if err := r.verify(ctx, f); err != nil {
					r.failed(err)
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// miscounted counts anew what persons have, where nothing moved for long: a file that is counted just now, and whose
// record is about to be put, must not be taken for one that is gone.
func (r *reconciler) miscounted(ctx context.Context) error {
	for person, err := range r.catalog.Miscounted(ctx) {
		if err != nil {
			return fmt.Errorf("look for miscounted persons: %w", err)
		}
		if err := r.recount(ctx, person); err != nil {
			r.failed(fmt.Errorf("count the files of person %s: %w", person, err))
		}
	}
	return nil
}

// recount counts one person's files anew.
func (r *reconciler) recount(ctx context.Context, person PersonID) error {
	// In this order: what changes after this look makes Recount fail.
	seen, err := r.catalog.Usage(ctx, person)
	if err != nil || !seen.UpdatedAt.Before(r.before) {
		return err
	}
	var have Quota
	for f, err := range allFiles(ctx, r.catalog, person) {
		if err != nil {
			return err
		}
		have = have.plus(f.Counted())
	}
	if have != seen.Quota {
		r.repair(Repair{What: RepairRecounted, Person: person.String()}, func() error {
			return r.catalog.Recount(ctx, seen, have, r.time())
		})
	}
	return nil
}

// verify compares one stored file with its object.
func (r *reconciler) verify(ctx context.Context, f File) error {
	held, err := r.objects.Stat(ctx, f.Key())
	what := DamageDiffers
	switch {
	case errors.Is(err, ErrNotFound):
		what = DamageMissing
	case err != nil:
		return fmt.Errorf("verify file %s of person %s: %w", f.ID, f.Person, err)
	case f.Content != nil && held == f.Content.held():
		r.report.Verified++
		return nil
	}
	// It may have been deleted between the walk and the look.
	if _, err := r.File(ctx, f.Person, f.ID); errors.Is(err, ErrNotFound) {
		return nil
	}
	r.repair(fileRepair(what, f), nil)
	return nil
}

// batches groups a sequence into slices of at most n, which are reused.
func batches[T any](seq iter.Seq2[T, error], n int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		batch := make([]T, 0, n)
		for v, err := range seq {
			if err != nil {
				yield(nil, err)
				return
			}
			if batch = append(batch, v); len(batch) == n {
				if !yield(batch, nil) {
					return
				}
				batch = batch[:0]
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
