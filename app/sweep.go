package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A sweep of a large store takes hours, and instances do not live forever. So how far it is stands in a note, which the
// sweep writes as it goes: another run continues from there, with the counts of what was seen before. The walks that
// ask for each person (objects, thumbnails, words) continue behind the last object, thumbnail or person; the other
// steps, which only scan, begin again. Whatever is done twice has the same result.

// The limits of the note of a sweep's progress.
const (
	// sweepNoteItems and sweepNoteTime are how much is swept between two notes.
	sweepNoteItems = 250
	sweepNoteTime  = time.Minute
	// sweepLease is how long other instances leave a sweep to the one that wrote the note. It is longer than a scan of
	// ten million records, during which no note is written.
	sweepLease = time.Hour
	// sweepStale is the age at which a note no longer counts, and the sweep begins again: the stores that it saw may
	// have been restored to an earlier time since.
	sweepStale = 6 * time.Hour
)

// sweepStep is a step of a sweep, as the note names it.
type sweepStep string

// The steps, in order.
const (
	stepCounters   sweepStep = "counters"
	stepObjects    sweepStep = "objects"
	stepRecords    sweepStep = "records"
	stepOwnerless  sweepStep = "ownerless"
	stepThumbnails sweepStep = "thumbnails"
	stepWords      sweepStep = "words"
	stepRecount    sweepStep = "recount"
	stepEnd        sweepStep = "end"
)

func (s sweepStep) known() bool {
	switch s {
	case stepCounters, stepObjects, stepRecords, stepOwnerless, stepThumbnails, stepWords, stepRecount, stepEnd:
		return true
	}
	return false
}

// SweepProgressNote is the name of the note of a sweep's progress, which may be lost.
const SweepProgressNote = "sweep-progress"

// sweepProgress is the note: empty between two sweeps.
type sweepProgress struct {
	// Step is the step that is being made, and After what it has come to: an object's key, a thumbnail's, or a person's
	// cursor. Empty: its beginning.
	Step  sweepStep `json:"step,omitempty"`
	After string    `json:"after,omitempty"`
	// The rest is what the sweep saw up to there; see sweep.
	Objects   int   `json:"objects,omitempty"`
	Files     int   `json:"files,omitempty"`
	Bytes     int64 `json:"bytes,omitempty"`
	Walks     int   `json:"walks,omitempty"`
	Ownerless int   `json:"ownerless,omitempty"`
	// Kept and Held are ReconcileReport's Ownerless and Held.
	Kept int `json:"kept,omitempty"`
	Held int `json:"held,omitempty"`
	// Holder wrote this At, and others leave the sweep to it until Until.
	Holder string    `json:"holder,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Until  time.Time `json:"until,omitzero"`
}

// sweeping is a run's part in a sweep.
type sweeping struct {
	sweepProgress
	// noted means that this run writes the note, which has revision.
	noted    bool
	revision string
	// unnoted is how much was swept since the last note.
	unnoted int
	lease   time.Duration
	// resumed is where this run continued the sweep of another.
	resumed sweepProgress
}

// beginSweep decides whether this run sweeps, and where it begins.
func (r *reconciler) beginSweep(ctx context.Context) (bool, error) {
	shared := !r.Sweep
	if shared && r.SweepEvery <= 0 || r.DryRun {
		return r.Sweep, nil
	}
	note, err := r.catalog.Note(ctx, SweepProgressNote)
	if err != nil {
		return r.Sweep, fmt.Errorf("read how far the sweep is: %w", err)
	}
	var left sweepProgress
	if len(note.Value) > 0 && json.Unmarshal(note.Value, &left) != nil {
		r.log.WarnContext(ctx, "nobody can read how far the sweep is: it begins again")
		left = sweepProgress{}
	}
	now := r.time()
	age := now.Sub(left.At)
	unfinished := left.Step.known() && age >= 0 && age < sweepStale
	if shared {
		// A lease that is too long to be real is that of another clock.
		if wait := left.Until.Sub(now); unfinished && left.Holder != r.instance && wait > 0 && wait <= sweepLease {
			return false, nil
		}
		last, err := r.lastSweep(ctx)
		if err != nil {
			return false, err
		}
		if !unfinished && last != nil && now.Sub(last.At) >= 0 && now.Sub(last.At) < r.SweepEvery {
			return false, nil
		}
	}
	p := &r.progress
	p.lease, p.revision, p.noted = sweepLease, note.Revision, true
	if shared {
		p.lease = min(sweepLease, r.SweepEvery)
	}
	if unfinished && (shared || r.Resume) {
		p.sweepProgress, p.resumed = left, left
		r.sweep.objects, r.sweep.bytes, r.sweep.walks = left.Objects, left.Bytes, left.Walks
		r.sweep.ownerless, r.report.Files, r.report.Resumed = left.Ownerless, left.Files, true
		r.report.Ownerless, r.report.Held = left.Kept, left.Held
		r.log.InfoContext(ctx, "sweep continues", "step", left.Step, "objects", left.Objects, "files", left.Files)
	} else {
		p.sweepProgress = sweepProgress{Step: stepCounters}
	}
	err = r.noteProgress(ctx, p.lease)
	return p.noted || !shared, err
}

// enterStep notes that a step begins.
func (r *reconciler) enterStep(ctx context.Context, step sweepStep) error {
	p := &r.progress
	if p.Step == step {
		return nil // it continues, or the note says so already
	}
	p.Step = step
	r.saw("")
	return r.noteProgress(ctx, p.lease)
}

// reached notes, now and then, that a step has come to something: all before it, and it, is done.
func (r *reconciler) reached(ctx context.Context, after string) error {
	p := &r.progress
	r.saw(after)
	if p.unnoted++; p.unnoted < sweepNoteItems && r.time().Sub(p.At) < sweepNoteTime {
		return nil
	}
	return r.noteProgress(ctx, p.lease)
}

// saw takes down what this run has come to, and what was seen up to there.
func (r *reconciler) saw(after string) {
	p := &r.progress
	p.After, p.Objects, p.Bytes, p.Walks = after, r.sweep.objects, r.sweep.bytes, r.sweep.walks
	p.Ownerless, p.Files, p.Kept, p.Held = r.sweep.ownerless, r.report.Files, r.report.Ownerless, r.report.Held
}

// noteProgress writes the note. If another run has written it since, that run sweeps now, and this one continues
// without a note.
func (r *reconciler) noteProgress(ctx context.Context, lease time.Duration) error {
	p := &r.progress
	if p.unnoted = 0; !p.noted {
		return nil
	}
	if p.Step != "" {
		p.Holder, p.At = r.instance, r.time()
		p.Until = p.At.Add(lease)
	}
	value, err := json.Marshal(p.sweepProgress)
	if err != nil {
		return fmt.Errorf("note how far the sweep is: %w", err)
	}
	note, err := r.catalog.SetNote(ctx, SweepProgressNote, p.revision, value)
	switch {
	case errors.Is(err, ErrLost):
		p.noted = false
		return nil
	case err != nil:
		return fmt.Errorf("note how far the sweep is: %w", err)
	}
	p.revision = note.Revision
	return nil
}

// leaveSweep lets another run continue at once, and writes no more notes. If a step failed where it had failed before,
// the next sweep begins again: the rest must not wait for that step.
func (r *reconciler) leaveSweep(ctx context.Context) {
	p := &r.progress
	if !p.noted {
		return
	}
	if ctx.Err() == nil && p.Step == p.resumed.Step && p.After == p.resumed.After {
		p.sweepProgress = sweepProgress{}
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := r.noteProgress(ctx, 0); err != nil {
		r.log.DebugContext(ctx, "how far the sweep is could not be noted", "err", err)
	}
	p.noted = false
}

// endSweep empties the note, so that the id of a person who is deleted before the next sweep is kept nowhere.
func (r *reconciler) endSweep(ctx context.Context) error {
	r.progress.sweepProgress = sweepProgress{}
	return r.noteProgress(ctx, 0)
}

// forgetProgress empties the note of a sweep's progress: the stores are no longer those that it saw.
func (s *Service) forgetProgress(ctx context.Context) error {
	err := s.editNote(ctx, SweepProgressNote, func(value []byte) ([]byte, error) {
		if empty, _ := json.Marshal(sweepProgress{}); len(value) > len(empty) {
			return empty, nil
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("forget how far a sweep was: %w", err)
	}
	return nil
}
