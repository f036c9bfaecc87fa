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
	// OlderThan is how long an unfinished upload must have been inactive before it counts as abandoned. It must be
	// longer than the longest upload; an upload that is removed all the same fails cleanly and can be sent again.
	OlderThan time.Duration
	// Sweep also walks all objects and all records, to find objects without a record, records without a person and
	// people whose files are miscounted. It costs a listing of the bucket, four scans of the table and up to three
	// queries of it for each person; docs/scale.md has the sums.
	//
	// What has no owner is removed OlderThan after any sweep first saw it so, and only if it is not much: see Held.
	Sweep bool
	// Resume continues a sweep that did not reach its end lately, instead of beginning one.
	Resume bool
	// SweepEvery sweeps as an instance among others, if that is due: unless another instance is sweeping, or a sweep
	// ended less than this time ago. It continues a sweep that did not reach its end. 0: only Sweep decides.
	SweepEvery time.Duration
	// KeepRemoved is for how long what reconciliation removed can be put back; at least 1 second, default 30 days.
	KeepRemoved time.Duration
	// KeepTrash is how long what staff deleted stays in the trash; default DefaultTrashTime, negative: no time.
	KeepTrash time.Duration
	// KeepInfected is how long a file in which malware was found is kept; 0: forever.
	KeepInfected time.Duration
	// YesRemove is a person's permission to remove up to this many ownerless objects and records at once.
	YesRemove int
	// Verify also reads every stored file and compares it with its record.
	Verify bool
	// DryRun changes nothing and reports what would be done.
	DryRun bool
}

// Repair is one thing that Reconcile did, would do in a dry run, or found and cannot repair.
type Repair struct {
	// What is what was done: one of the Repair constants.
	What string `json:"what"`
	// Person, File and Key say what it was done to; empty where they do not apply.
	Person string `json:"person,omitempty"`
	File   string `json:"file,omitempty"`
	Key    string `json:"key,omitempty"`
}

// The kinds of Repair.
const (
	// RepairFinished: a complete upload was committed.
	RepairFinished = "finished upload"
	// RepairFound: an upload that the record does not describe, because the record was restored to an earlier time, was
	// described from its object and committed. Its sender may or may not have been told that it is stored.
	RepairFound = "finished upload that the record did not describe"
	// RepairConfirmed: a submission has files that only an acknowledged person can have, so the store of people was
	// rolled back: it is acknowledged again.
	RepairConfirmed = "confirmed submission that had been acknowledged"
	// RepairRemovedUpload: an unfinished upload was removed, record and object.
	RepairRemovedUpload = "removed unfinished upload"
	// RepairRemovedFile: the deletion of a file was completed.
	RepairRemovedFile = "finished deletion of file"
	// RepairRemovedSubmission: a submission that was never acknowledged was removed.
	RepairRemovedSubmission = "removed unacknowledged submission"
	// RepairRemovedPerson: the deletion of a person was completed.
	RepairRemovedPerson = "finished deletion of person"
	// RepairErasedPerson and RepairErasedFile: a person, or a file, was in the trash for long enough and was erased.
	RepairErasedPerson = "erased person in the trash"
	RepairErasedFile   = "erased file in the trash"
	// RepairRemovedRecord: a record whose person no longer exists was removed, with its object.
	RepairRemovedRecord = "removed record without person"
	// RepairRemovedObject: an object without a record was removed.
	RepairRemovedObject = "removed object without record"
	// RepairRemovedThumbnail: a thumbnail whose file no longer exists was removed.
	RepairRemovedThumbnail = "removed thumbnail without file"
	// RepairWords: the words by which somebody is found were written or corrected.
	RepairWords = "wrote words by which people are found"
	// RepairStrayWords: words of somebody who no longer exists were removed.
	RepairStrayWords = "removed words of a person who is gone"
	// RepairRecounted: a person's usage of the quota was recounted.
	RepairRecounted = "recounted files of person"
	// RepairSeenOwnerless: an object without a record, or a record without a person, was seen for the first time.
	RepairSeenOwnerless = "saw something without an owner"
	// RepairWhole: a file that was marked as damaged is intact again.
	RepairWhole = "found damaged file whole again"
	// DamageMissing: a stored file has no object. The file is marked; restore the object from a version or from a
	// backup, or have the file sent again.
	DamageMissing = "DAMAGE: stored file without object"
	// DamageDiffers: a stored file's object has another size or checksum. The file is marked.
	DamageDiffers = "DAMAGE: stored file differs from its object"
)

// damageOf is the Repair that reports a kind of damage.
var damageOf = map[DamageKind]string{ObjectMissing: DamageMissing, ObjectDiffers: DamageDiffers}

// ReconcileReport is the result of a run.
type ReconcileReport struct {
	DryRun bool `json:"dry_run"`
	// Swept reports whether the run swept, and Resumed whether it continued the sweep of another run. What follows then
	// counts what both saw, but only the repairs of this run.
	Swept   bool `json:"swept"`
	Resumed bool `json:"resumed,omitempty"`
	// Counts contains the number of repairs by What.
	Counts map[string]int `json:"counts"`
	// AbortedMultipartUploads is the number of multipart uploads that were dropped by themselves. Those that were
	// removed with an unfinished upload are among its repairs.
	AbortedMultipartUploads int `json:"aborted_transfers"`
	// Verified is the number of stored files that were read and found intact, and VerifiedBytes their size.
	Verified      int   `json:"verified"`
	VerifiedBytes int64 `json:"verified_bytes"`
	// Files is the number of records that a sweep saw.
	Files int `json:"files"`
	// Ownerless is the number of objects without a record and of records without a person that a sweep leaves: seen too
	// recently, or Held.
	Ownerless int `json:"ownerless"`
	// Held is the number of removals that are due and were not made, because so many are not removed automatically: a
	// person has to allow them, by YesRemove. HeldUnacknowledged is the same for what was never acknowledged, and
	// continues automatically another day.
	Held               int `json:"held"`
	HeldUnacknowledged int `json:"held_unacknowledged"`
	// HeldInfected is the same for files in which malware was found.
	HeldInfected int `json:"held_infected,omitempty"`
	// Recounting is the number of people whose counters are wrong and were changed so recently that they are left to
	// the next reconciliation: something may be being counted right now.
	Recounting int `json:"recounting"`
	// Failures is the number of things that could not be checked or repaired this time; the error of Reconcile gives
	// the reasons.
	Failures int `json:"failures"`
}

// NeedsPerson reports whether something was found that needs a person.
func (r *ReconcileReport) NeedsPerson() bool {
	return r.Counts[DamageMissing]+r.Counts[DamageDiffers]+r.Held > 0
}

// Reconcile finishes or removes what was left half-done. Any number of instances may run it at once, beside submissions
// and deletions: it removes something only after it won a conditional change of its state, and an upload that wakes up
// afterwards finds its record lost.
//
// Each repair is passed to done (unless nil) as it happens, so memory stays bounded. One failure does not end the run,
// but the end of ctx does; the returned error joins the first ten reasons.
func (s *Service) Reconcile(ctx context.Context, o ReconcileOptions, done func(Repair)) (*ReconcileReport, error) {
	r := newReconciler(s, o, done)
	sweep, err := r.beginSweep(ctx)
	r.failed(err)
	r.Sweep, r.report.Swept = sweep, sweep
	left := r.progress.Step != "" // what another run did of the sweep is left out
	for _, step := range r.steps() {
		switch {
		case step.sweep == "":
		case !sweep && !(r.Verify && step.sweep == stepRecords):
			continue
		case sweep && left && step.sweep != r.progress.Step:
			continue
		case sweep:
			left = false
			r.failed(r.enterStep(ctx, step.sweep))
		}
		err := step.do(ctx)
		r.failed(err)
		if ended := ctx.Err(); ended != nil || err != nil && step.sweep != "" {
			r.leaveSweep(ctx)
			if ended != nil {
				return r.report, fmt.Errorf("reconciliation stopped early: %w", context.Cause(ctx))
			}
		}
	}
	return r.report, errors.Join(r.errs...)
}

// step is a part of a run. If sweep is not empty, only a sweep makes it.
type step struct {
	sweep sweepStep
	do    func(context.Context) error
}

// steps returns everything that a run may do, in order.
func (r *reconciler) steps() []step {
	return []step{
		// This also comes first: what the other steps remove is uncounted, so wrong counters would stay wrong and look
		// as if something had just been counted.
		{stepCounters, r.miscounted},
		// People first: what happens to their uploads depends on them.
		{"", r.multipartUploads}, {"", r.trash}, {"", r.leftovers}, {"", r.unfinished}, {"", r.infected},
		{"", func(ctx context.Context) error { return r.unworded(ctx, r.DryRun) }},
		{stepObjects, r.objectsWithoutRecord},
		{stepRecords, r.records},
		{stepOwnerless, r.removeOwnerless},
		{stepThumbnails, r.thumbnails},
		{stepWords, r.everybodysWords},
		{stepRecount, r.miscounted},
		{stepEnd, r.expire}, {stepEnd, r.noteSweep}, {stepEnd, r.forgetDays}, {stepEnd, r.endSweep},
	}
}

// reconciler is one run.
type reconciler struct {
	run
	ReconcileOptions
	before time.Time
	report *ReconcileReport
	sweep  sweep
	// progress is this run's part in the sweep.
	progress sweeping
}

func newReconciler(s *Service, o ReconcileOptions, done func(Repair)) *reconciler {
	report := &ReconcileReport{DryRun: o.DryRun, Counts: map[string]int{}}
	return &reconciler{
		run:              run{Service: s, done: done, counts: report.Counts, failures: &report.Failures},
		ReconcileOptions: o, before: s.time().Add(-o.OlderThan), report: report,
	}
}

// repair does one repair, unless this is a dry run, and reports it. Work that somebody else did first is not a failure
// and is not reported.
func (r *reconciler) repair(rep Repair, do func() error) {
	if !r.DryRun {
		switch err := do(); {
		case errors.Is(err, ErrLost), errors.Is(err, ErrNotFound):
			return
		case err != nil:
			r.failed(fmt.Errorf("%s (person %s, file %s, key %s): %w", rep.What, rep.Person, rep.File, rep.Key, err))
			return
		}
	}
	r.tell(rep)
}

func fileRepair(what string, f File) Repair {
	return Repair{What: what, Person: f.Person.String(), File: f.ID.String(), Key: f.Key()}
}

// multipartUploads drops old multipart uploads that nobody waits for.
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
			r.failed(fmt.Errorf("abort multipart upload to %s: %w", t.Key, err))
		case !waited:
			r.report.AbortedMultipartUploads++
		}
	}
	return nil
}

// waited reports whether a multipart upload is left alone: its record shows progress; or the record names it, so that
// both are removed together, by the step that wins the record first. A multipart upload without a record, or beside the
// one that the record names, belongs to nobody.
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

// unfinished handles the records that are uploading and old, or deleting.
func (r *reconciler) unfinished(ctx context.Context) error {
	for f, err := range r.catalog.Unfinished(ctx, r.before) {
		if err != nil {
			// One damaged record is an error in the middle of the sequence, an outage one at its end.
			r.failed(fmt.Errorf("list unfinished files: %w", err))
			continue
		}
		if f.State == FileDeleting {
			// Marked again, because the list may be old.
			r.repair(fileRepair(RepairRemovedFile, f), func() error {
				return r.takeAs(ctx, f, undoable(f.Trash), FileDeleting)
			})
			continue
		}
		what, content, err := r.recoverable(ctx, f, false)
		if err != nil {
			r.failed(fmt.Errorf("look at unfinished file %s of person %s: %w", f.ID, f.Person, err))
			continue
		}
		if content != nil {
			r.repair(fileRepair(what, f), func() error { return r.finish(ctx, f, *content) })
			continue
		}
		n, err := r.objectsOf(ctx, f)
		if err != nil {
			r.failed(err)
			continue
		}
		if allowed, err := r.mayRemove(ctx, n); !allowed {
			r.failed(err)
			continue
		}
		r.repair(fileRepair(RepairRemovedUpload, f), func() error { return r.take(ctx, f, FileUploading) })
	}
	return nil
}

// finish commits an unfinished file, or removes it if the same file is stored.
func (r *reconciler) finish(ctx context.Context, f File, content Content) error {
	stored, err := r.commitFound(ctx, f, content)
	if err == nil && stored.ID != f.ID {
		f.Content = &content
		return r.take(ctx, f, FileUploading)
	}
	return err
}

// objectsOf returns how many objects a file has: one or none.
func (r *reconciler) objectsOf(ctx context.Context, f File) (int, error) {
	switch _, err := r.objects.Head(ctx, f.Key()); {
	case err == nil:
		return 1, nil
	case !errors.Is(err, ErrNotFound):
		return 0, fmt.Errorf("look at unfinished file %s of person %s: %w", f.ID, f.Person, err)
	}
	return 0, nil
}

// mayRemove reports whether files that were never acknowledged, with n objects, may be removed now. Removing a file
// without an object costs nobody anything, and is not counted.
func (r *reconciler) mayRemove(ctx context.Context, n int) (bool, error) {
	if n == 0 || r.DryRun {
		return true, nil
	}
	allowed, err := r.allow(ctx, unacknowledgedClass, n, 0)
	if err == nil && !allowed {
		r.report.HeldUnacknowledged += n
	}
	return allowed, err
}

// take wins a record in one of the states from and removes it with its object.
func (s *Service) take(ctx context.Context, f File, from ...FileState) error {
	return s.takeAs(ctx, f, keepForUndo, from...)
}

// undoable returns how an interrupted removal is finished: what was in the trash is removed for good, because a person
// decided that, and of others nobody knows.
func undoable(t Trash) removal {
	if t != (Trash{}) {
		return removeForGood
	}
	return keepForUndo
}

// takeAs is take that says what happens to the object.
func (s *Service) takeAs(ctx context.Context, f File, how removal, from ...FileState) error {
	marked := s.time()
	if err := s.catalog.MarkDeleting(ctx, f.Person, f.ID, marked, from...); err != nil {
		return err
	}
	if err := s.forgetWords(ctx, f); err != nil {
		return err
	}
	return s.erase(ctx, f, marked, how)
}

// leftovers removes submissions that were never acknowledged, and completes deletions of people.
func (r *reconciler) leftovers(ctx context.Context) error {
	for p, err := range r.people.Leftovers(ctx, r.before) {
		if err != nil {
			r.failed(fmt.Errorf("list leftover people: %w", err))
			continue
		}
		if p.State == PersonDeleting {
			r.repair(Repair{What: RepairRemovedPerson, Person: p.ID.String()}, func() error {
				return r.finishDeletion(ctx, p, undoable(p.Trash))
			})
			continue
		}
		acknowledged, n, err := r.submitting(ctx, p.ID)
		if err != nil {
			r.failed(err)
			continue
		}
		if acknowledged {
			r.repair(Repair{What: RepairConfirmed, Person: p.ID.String()}, func() error {
				words, err := r.wordsOf(ctx, p)
				if err != nil {
					return err
				}
				return r.people.Acknowledge(ctx, p.ID, r.time(), words)
			})
			continue
		}
		if allowed, err := r.mayRemove(ctx, n); !allowed {
			r.failed(err)
			continue
		}
		r.repair(Repair{What: RepairRemovedSubmission, Person: p.ID.String()}, func() error {
			// A retry of the same form may be running by now. It touched the person, so the state alone does not show
			// it.
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
			now.State = PersonDeleting
			return r.finishDeletion(ctx, now, keepForUndo)
		})
	}
	return nil
}

// submitting returns how many objects a person has who is not acknowledged, and whether that person must have been:
// files are announced only for acknowledged people, so a file that was stored that way shows that the store of people
// was rolled back.
func (r *reconciler) submitting(ctx context.Context, person PersonID) (acknowledged bool, objects int, err error) {
	for f, err := range allFiles(ctx, r.catalog, person) {
		if err != nil {
			return false, 0, fmt.Errorf("person %s: %w", person, err)
		}
		if f.State == FileStored && f.Multipart != nil {
			return true, 0, nil
		}
		n, err := r.objectsOf(ctx, f)
		if err != nil {
			return false, 0, err
		}
		objects += n
	}
	return false, objects, nil
}

// sweepLatest is longer than the time between two sweeps of a running program whose clock is right.
const sweepLatest = 45 * 24 * time.Hour

// expire permanently removes what was set aside long ago.
func (r *reconciler) expire(ctx context.Context) error {
	if r.DryRun {
		return nil
	}
	keep := r.KeepRemoved
	if keep == 0 {
		keep = 30 * 24 * time.Hour
	}
	last, err := r.lastSweep(ctx)
	if err != nil {
		return err
	}
	if last != nil && r.time().Sub(last.At) > sweepLatest {
		// The last sweep was long ago, or a clock jumped: then what is kept seems old, and the next sweep decides.
		return nil
	}
	n, err := r.objects.Expire(ctx, r.time().Add(-keep))
	if n > 0 {
		r.log.InfoContext(ctx, "removed for good what was set aside", "objects", n, "kept", keep)
	}
	if err != nil {
		return fmt.Errorf("permanently remove what was set aside: %w", err)
	}
	return nil
}

// miscounted recounts what people have, if nothing changed for long: a file that has just been counted, and whose
// record is about to be put, must not be taken for one that no longer exists.
func (r *reconciler) miscounted(ctx context.Context) error {
	r.report.Recounting = 0
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

// recount recounts one person's files.
func (r *reconciler) recount(ctx context.Context, person PersonID) error {
	seen, have, err := r.countAnew(ctx, person)
	if err != nil {
		return err
	}
	if have == seen.Quota {
		return nil
	}
	if !seen.UpdatedAt.Before(r.before) {
		r.report.Recounting++
		return nil
	}
	r.repair(Repair{What: RepairRecounted, Person: person.String()}, func() error {
		return r.catalog.Recount(ctx, seen, have, r.time())
	})
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
