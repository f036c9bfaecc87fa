package dossier

import (
	"context"
	"errors"
	"fmt"
)

// sweep is what one walk over all objects and all records saw.
type sweep struct {
	objects int
	// bytes is the size of all recorded files.
	bytes int64
	// walks is the number of completed walks: of objects, and of records.
	walks int
	// ownerless is how much has no owner, and due how much of that was already seen so an age ago.
	ownerless, due int
}

// objectsWithoutRecord looks for objects without a record. An object's record is put before its bytes are sent, and its
// key is never used again, so an object without a record can never get one, except from a backup.
func (r *reconciler) objectsWithoutRecord(ctx context.Context) error {
	for o, err := range r.listAll(ctx, r.progress.After) {
		switch {
		case err != nil:
			return err
		case o.foreign:
			// Not ours: somebody put it there manually. It is reported, so that somebody looks, and left.
			r.failed(fmt.Errorf("object %q under %s was not made by this program; remove it by hand", o.Key,
				ObjectPrefix))
			continue
		}
		r.sweep.objects++
		if !o.recorded {
			r.see(ctx, File{Person: o.person, ID: o.file})
		}
		r.failed(r.reached(ctx, o.Key))
	}
	r.sweep.walks++
	return nil
}

// records looks for records whose person no longer exists and, when asked, reads stored files. It counts what is
// recorded.
func (r *reconciler) records(ctx context.Context) error {
	began, err := r.budgetNow(ctx)
	if err != nil {
		return fmt.Errorf("read what is used of the budget: %w", err)
	}
	due, erases, err := r.trashDue(ctx)
	if err != nil {
		return err
	}
	for batch, err := range batches(r.catalog.All(ctx), 100) {
		if err != nil {
			return fmt.Errorf("walk the catalog: %w", err)
		}
		there, err := r.owners(ctx, batch)
		if err != nil {
			return err
		}
		for _, f := range batch {
			r.report.Files++
			r.sweep.bytes += f.Counted().Bytes
			if there[f.Person] && r.Sweep && f.State == FileStored && f.Trash != (Trash{}) {
				r.unlisted(ctx, f, due, erases)
			}
			switch {
			case !there[f.Person] && r.Sweep:
				r.see(ctx, f)
			case there[f.Person] && r.Verify && f.State == FileStored:
				r.failed(r.verify(ctx, f))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	r.sweep.walks++
	return r.budgeted(ctx, began, amount{Files: int64(r.report.Files), Bytes: r.sweep.bytes})
}

// see notes that a file's object, or its record, has no owner.
func (r *reconciler) see(ctx context.Context, f File) {
	r.sweep.ownerless++
	if r.DryRun {
		return
	}
	now := r.time()
	since, err := r.catalog.SeeOwnerless(ctx, f.Person, f.ID, now)
	switch {
	case err != nil:
		r.failed(fmt.Errorf("note that %s has no owner: %w", f.Key(), err))
	case since.Equal(now):
		r.tell(fileRepair(RepairSeenOwnerless, f))
	}
}

// removeOwnerless removes what was seen without an owner an age ago and still has none, unless that is too much to be
// removed automatically; and forgets what has an owner again.
func (r *reconciler) removeOwnerless(ctx context.Context) error {
	r.report.Ownerless = r.sweep.ownerless
	if r.sweep.walks < 2 {
		return nil // the walks were cut off, so nobody knows how much of all this is
	}
	if err := r.countDue(ctx); err != nil {
		return err
	}
	if r.sweep.due == 0 {
		return nil
	}
	if held, err := r.hold(ctx); held || err != nil {
		return err
	}
	left := r.sweep.due // others may have noted more meanwhile, which was not asked for
	for o, err := range r.catalog.Ownerless(ctx) {
		if err != nil {
			return fmt.Errorf("list what has no owner: %w", err)
		}
		if !o.Since.Before(r.before) {
			continue
		}
		f, what, err := r.stillOwnerless(ctx, o)
		if err == nil && what != "" {
			if left == 0 {
				break
			}
			left--
			r.repair(fileRepair(what, f), func() error {
				if what == RepairRemovedObject {
					// First, so that no record is put that has this key.
					if _, err := r.catalog.Remove(ctx, f.Person, f.ID, r.time()); err != nil {
						return err
					}
					return r.objects.SetAside(ctx, f.Key(), about(f))
				}
				// Taken only in the state in which it was seen, before the person was looked for: if the same form
				// begins again in between and its file is stored and acknowledged, that file is left alone.
				return r.take(ctx, f, f.State)
			})
			r.report.Ownerless--
		}
		if err == nil && !r.DryRun {
			err = r.catalog.ForgetOwnerless(ctx, o.Person, o.File)
		}
		if err != nil {
			r.failed(fmt.Errorf("look at what has no owner, file %s of person %s: %w", o.File, o.Person, err))
		}
	}
	return nil
}

// countDue counts what was seen without an owner an age ago and still has none, and forgets what has one again: even if
// the rest is held back, since what was repaired must hold nothing back.
func (r *reconciler) countDue(ctx context.Context) error {
	for o, err := range r.catalog.Ownerless(ctx) {
		if err != nil {
			return fmt.Errorf("list what has no owner: %w", err)
		}
		_, what, err := r.stillOwnerless(ctx, o)
		switch {
		case err != nil:
		case what != "" && o.Since.Before(r.before):
			r.sweep.due++
		case what == "" && !r.DryRun:
			err = r.catalog.ForgetOwnerless(ctx, o.Person, o.File)
		}
		if err != nil {
			r.failed(fmt.Errorf("look at what has no owner, file %s of person %s: %w", o.File, o.Person, err))
		}
	}
	return nil
}

// hold reports whether what is due is held back, and logs it as an error.
func (r *reconciler) hold(ctx context.Context) (bool, error) {
	s, all := r.sweep, max(r.sweep.objects, r.report.Files)
	most := ownerlessClass.most(all)
	switch {
	case s.due <= r.YesRemove:
		return false, nil
	case !tooMuch(s.ownerless, all) && s.ownerless <= most:
		if r.DryRun {
			return false, nil
		}
		allowed, err := r.allow(ctx, ownerlessClass, s.due, all)
		if allowed || err != nil {
			return false, err
		}
	}
	r.report.Held = s.due
	r.log.ErrorContext(ctx,
		"removals are held back: so much has no owner that a store may have been emptied or set back",
		"ownerless", s.ownerless, "due", s.due, "of", all, "most", most,
		"mend", fmt.Sprintf("restore what is missing; or, if all of it is to go: dossier reconcile --yes-delete %d",
			s.due))
	return true, nil
}

// stillOwnerless returns the repair that removes what was seen without an owner, and its record, or what is known of it
// without one. No repair: it has an owner by now, or no longer exists.
func (r *reconciler) stillOwnerless(ctx context.Context, o Ownerless) (f File, what string, err error) {
	f, err = r.catalog.File(ctx, o.Person, o.File)
	switch {
	case err == nil:
		what = RepairRemovedRecord
		if _, err = r.people.Person(ctx, o.Person); err == nil {
			return f, "", nil
		}
	case errors.Is(err, ErrNotFound):
		f, what = File{Person: o.Person, ID: o.File}, RepairRemovedObject
		if _, err = r.objects.Head(ctx, f.Key()); err == nil {
			return f, what, nil
		}
		what = ""
	}
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return f, what, err
}

// verify reads one stored file and compares it with its record.
func (r *reconciler) verify(ctx context.Context, f File) error {
	kind, err := r.examine(ctx, f, true)
	if err != nil {
		return fmt.Errorf("verify file %s of person %s: %w", f.ID, f.Person, err)
	}
	if !r.DryRun {
		// It may have been deleted between the walk and the look.
		if _, err := r.judge(ctx, f, kind); err != nil {
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			return fmt.Errorf("verify file %s of person %s: %w", f.ID, f.Person, err)
		}
	} else if _, err := r.storedFile(ctx, f.Person, f.ID); errors.Is(err, ErrNotFound) {
		return nil
	}
	if kind != "" {
		r.tell(fileRepair(damageOf[kind], f))
		return nil
	}
	r.report.Verified++
	r.report.VerifiedBytes += f.Content.Size
	if f.Damage != nil {
		r.tell(fileRepair(RepairWhole, f))
	}
	return nil
}
