package dossier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Versions is an object store that still has what was deleted or overwritten.
type Versions interface {
	// Revive restores the bytes that want describes under key, from a version of that key that the store has kept, and
	// removes no version. ErrNotFound: there is no version with bytes. ErrCorrupt: there are versions, and none matches
	// want; nothing was changed. errors.ErrUnsupported if the store keeps no versions.
	Revive(ctx context.Context, key string, want Held) error
}

// PointOptions says what one run of ReconcileAt does.
type PointOptions struct {
	// At is the point in time that people and records were restored to.
	At time.Time
	// Settled is how long a person's counter must have been unchanged before it is recounted, unless the last change
	// was before At.
	Settled time.Duration
	// DryRun changes nothing and reports what would be done. It does not know whether a version of something missing
	// still exists.
	DryRun bool
}

// The kinds of Repair that only ReconcileAt reports. Those that begin with LEFT need a person.
const (
	// RepairRevived: the object of a stored file was missing or differed, and was restored from a version.
	RepairRevived = "brought back from a version"
	// PointTwin: an upload is complete, and the same file is already stored. Reconcile removes it.
	PointTwin = "left an upload whose file is stored already"
	// PointUncounted: a person's files are miscounted, and something was counted just now. Reconcile counts them again.
	PointUncounted = "left a count that changed just now"
	// PointNoPerson: a record whose person is missing.
	PointNoPerson = "LEFT: record without person"
	// PointNoRecord: an object without a record, older than the point.
	PointNoRecord = "LEFT: object without record"
	// PointLater: an object without a record that was made after the point, so no record was to be expected.
	PointLater = "LEFT: object without record, made after the point"
	// PointSubmitting: a person who has files and was not acknowledged by then, but may have been afterwards.
	PointSubmitting = "LEFT: submission with files, not acknowledged"
)

// PointReport is the result of a run of ReconcileAt.
type PointReport struct {
	At     time.Time `json:"at"`
	DryRun bool      `json:"dry_run"`
	// Counts contains the number of repairs and findings by What.
	Counts map[string]int `json:"counts"`
	// Verified is the number of stored files whose object matches the record, including restored ones.
	Verified int `json:"verified"`
	// Failures is the number of things that could not be checked or repaired this time.
	Failures int `json:"failures"`
}

// NeedsPerson reports whether something was found that only a person can decide.
func (r *PointReport) NeedsPerson() bool {
	n := 0
	for _, what := range []string{DamageMissing, DamageDiffers, PointNoPerson, PointNoRecord, PointLater,
		PointSubmitting} {
		n += r.Counts[what]
	}
	return n > 0
}

// ReconcileAt makes the three stores agree after they were restored: people and records to one point in time, objects
// by their kept versions. It removes nothing, whatever it finds:
//
//   - A stored file whose object is missing or differs gets it back from a version that matches the record. Keys are
//     never used again, so such a version holds the file's bytes, whenever it was written.
//   - An upload that began before the point, whose object is complete and whose person is acknowledged, is committed,
//     however recent it is. If its record was restored to a time before it was described, its object is
//     read to describe it.
//   - Counters are recounted, and the words by which people are found are rewritten where they are wrong.
//   - What has no owner is reported and left, because a store may be older than it should be. So are submissions with
//     files that were not acknowledged by then.
//
// It may be repeated, also after an interruption, and run beside servers: it handles only uploads that began before the
// point, and if a file is deleted meanwhile, it deletes again what it restored of it. Repairs are passed to done as
// those of Reconcile are, and failures are counted and returned in the same way.
func (s *Service) ReconcileAt(ctx context.Context, versions Versions, o PointOptions, done func(Repair)) (*PointReport,
	error) {
	if o.At.After(s.time()) {
		return nil, fmt.Errorf("the point %s is in the future", o.At.Format(time.RFC3339))
	}
	report := &PointReport{At: o.At, DryRun: o.DryRun, Counts: map[string]int{}}
	p := &pointReconciler{
		run:          run{Service: s, done: done, counts: report.Counts, failures: &report.Failures},
		PointOptions: o, versions: versions, report: report,
	}
	for _, step := range []func(context.Context) error{p.forgetSweep, p.records, p.objectsWithoutRecord, p.submissions,
		p.counters, p.everybodysWords} {
		p.failed(step(ctx))
		if ctx.Err() != nil {
			return p.report, fmt.Errorf("reconciliation stopped early: %w", context.Cause(ctx))
		}
	}
	return p.report, errors.Join(p.errs...)
}

// pointReconciler is one run.
type pointReconciler struct {
	run
	PointOptions
	versions Versions
	report   *PointReport
}

// forgetSweep has the next sweep begin again: what a former one saw was not in these stores.
func (p *pointReconciler) forgetSweep(ctx context.Context) error {
	if p.DryRun {
		return nil
	}
	return p.forgetProgress(ctx)
}

func (p *pointReconciler) everybodysWords(ctx context.Context) error {
	return p.allWords(ctx, Cursor{}, p.DryRun, func(Cursor) {})
}

// pointLooks is how many records are examined at once: most of the time, each waits for the object store.
const pointLooks = 16

// finding is the result for one record: what to report (empty: nothing), whether its object is as it should be, and
// what failed.
type finding struct {
	what     string
	verified bool
	err      error
}

// records examines every record, some at once, and reports them in their order.
func (p *pointReconciler) records(ctx context.Context) error {
	for batch, err := range batches(p.catalog.All(ctx), 100) {
		if err != nil {
			return fmt.Errorf("walk the catalog: %w", err)
		}
		there, err := p.owners(ctx, batch)
		if err != nil {
			return err
		}
		found := make([]finding, len(batch))
		free := make(chan struct{}, pointLooks)
		var wg sync.WaitGroup
		for i, f := range batch {
			free <- struct{}{}
			wg.Go(func() {
				defer func() { <-free }()
				found[i] = p.record(ctx, f, there[f.Person])
			})
		}
		wg.Wait()
		if ctx.Err() != nil {
			return nil // ReconcileAt says so
		}
		for i, f := range batch {
			if err := found[i].err; err != nil {
				p.failed(fmt.Errorf("file %s of person %s: %w", f.ID, f.Person, err))
			}
			if found[i].verified {
				p.report.Verified++
			}
			if found[i].what != "" {
				p.tell(fileRepair(found[i].what, f))
			}
		}
	}
	return nil
}

// record examines one record and repairs what it can. What somebody else changed meanwhile is left to them.
func (p *pointReconciler) record(ctx context.Context, f File, person bool) finding {
	var found finding
	switch {
	case !person:
		found.what = PointNoPerson
	case f.State == FileStored:
		found = p.stored(ctx, f)
	case f.State == FileUploading && !f.CreatedAt.After(p.At):
		found = p.upload(ctx, f)
	}
	if errors.Is(found.err, ErrLost) {
		return finding{}
	}
	return found
}

// stored compares a stored file with its object, and restores the object.
func (p *pointReconciler) stored(ctx context.Context, f File) finding {
	want := f.Content.held()
	held, err := p.objects.Stat(ctx, f.Key())
	kind := ObjectDiffers
	switch {
	case errors.Is(err, ErrNotFound):
		kind = ObjectMissing
	case err != nil:
		return finding{err: err}
	case held == want:
		return finding{verified: true}
	}
	// It may have been deleted between the walk and the look.
	if !p.still(ctx, f) {
		return finding{}
	}
	if p.DryRun {
		return finding{what: damageOf[kind]}
	}
	switch err := p.versions.Revive(ctx, f.Key(), want); {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrCorrupt), errors.Is(err, errors.ErrUnsupported):
		return p.marked(ctx, f, kind)
	case err != nil:
		return finding{err: err}
	}
	if !p.still(ctx, f) {
		// Deleted while it was being restored: whoever writes an object that has lost its record removes it.
		return finding{err: p.objects.Delete(ctx, f.Key())}
	}
	switch held, err := p.objects.Stat(ctx, f.Key()); {
	case err != nil:
		return finding{err: fmt.Errorf("look at what was brought back: %w", err)}
	case held != want:
		return p.marked(ctx, f, ObjectDiffers)
	}
	if whole := p.marked(ctx, f, ""); whole.err != nil {
		return whole
	}
	return finding{what: RepairRevived, verified: true}
}

// marked judges a stored file, and reports its damage. There is nothing to report about a file that was deleted
// meanwhile.
func (p *pointReconciler) marked(ctx context.Context, f File, kind DamageKind) finding {
	switch _, err := p.judge(ctx, f, kind); {
	case errors.Is(err, ErrNotFound):
		return finding{}
	case err != nil:
		return finding{err: err}
	}
	return finding{what: damageOf[kind]}
}

// still reports whether a file is stored; if that cannot be determined, it assumes so.
func (p *pointReconciler) still(ctx context.Context, f File) bool {
	_, err := p.storedFile(ctx, f.Person, f.ID)
	return !errors.Is(err, ErrNotFound)
}

// upload commits an upload whose bytes are complete.
func (p *pointReconciler) upload(ctx context.Context, f File) finding {
	what, content, err := p.recoverable(ctx, f, true)
	if err != nil || content == nil {
		return finding{err: err}
	}
	if p.DryRun {
		return finding{what: what}
	}
	switch committed, err := p.commitFound(ctx, f, *content); {
	case err != nil:
		return finding{err: err}
	case committed.ID != f.ID:
		return finding{what: PointTwin}
	}
	return finding{what: what, verified: true}
}

// objectsWithoutRecord reports objects without a record. Reconcile reports those with foreign keys.
func (p *pointReconciler) objectsWithoutRecord(ctx context.Context) error {
	for o, err := range p.listAll(ctx, "") {
		switch {
		case err != nil:
			return err
		case o.foreign || o.recorded:
			continue
		}
		what := PointNoRecord
		if o.ModifiedAt.After(p.At) {
			what = PointLater
		}
		p.tell(Repair{What: what, Person: o.person.String(), File: o.file.String(), Key: o.Key})
	}
	return nil
}

// submissions reports people who have files, and were not acknowledged at the point.
func (p *pointReconciler) submissions(ctx context.Context) error {
	for person, err := range p.people.Leftovers(ctx, p.At) {
		if err != nil {
			p.failed(fmt.Errorf("list leftover people: %w", err))
			continue
		}
		if person.State != PersonSubmitting {
			continue
		}
		switch files, err := p.catalog.Files(ctx, person.ID, FileID{}, 1); {
		case err != nil:
			p.failed(fmt.Errorf("list files of person %s: %w", person.ID, err))
		case len(files) > 0:
			p.tell(Repair{What: PointSubmitting, Person: person.ID.String()})
		}
	}
	return nil
}

// counters recounts what people have.
func (p *pointReconciler) counters(ctx context.Context) error {
	before := p.time().Add(-p.Settled)
	if before.Before(p.At) {
		before = p.At
	}
	for person, err := range p.catalog.Miscounted(ctx) {
		if err != nil {
			return fmt.Errorf("look for miscounted persons: %w", err)
		}
		what, err := p.recount(ctx, person, before)
		if err != nil && !errors.Is(err, ErrLost) {
			p.failed(fmt.Errorf("count the files of person %s: %w", person, err))
		} else if what != "" {
			p.tell(Repair{What: what, Person: person.String()})
		}
	}
	return nil
}

// recount recounts one person's files, unless something was counted after before: its record may be about to be put.
func (p *pointReconciler) recount(ctx context.Context, person PersonID, before time.Time) (what string, err error) {
	seen, have, err := p.countAnew(ctx, person)
	if err != nil {
		return "", err
	}
	switch {
	case have == seen.Quota:
		return "", nil
	case seen.UpdatedAt.After(before):
		return PointUncounted, nil
	case p.DryRun:
		return RepairRecounted, nil
	}
	if err := p.catalog.Recount(ctx, seen, have, p.time()); errors.Is(err, ErrLost) {
		return PointUncounted, nil
	} else if err != nil {
		return "", err
	}
	return RepairRecounted, nil
}
