package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Custody is the state of everything that is stored: for staff, for metrics and for whoever reconciles.
type Custody struct {
	// Damaged are stored files whose objects are known to be missing or to differ: the first MaxDamaged. More reports
	// whether there are others.
	Damaged []File `json:"-"`
	More    bool   `json:"-"`
	// DamagedFiles is their number, up to MaxDamaged.
	DamagedFiles int `json:"damaged_files"`
	// Scrub is the progress of reading everything.
	Scrub ScrubStatus `json:"scrub"`
	// Budget is how much of the budget for all people is used; nil if there is no limit.
	Budget *BudgetStatus `json:"budget,omitempty"`
	// Scan is the state of scanning for malware.
	Scan ScanStatus `json:"scan"`
	// Sweep is the result of the last comparison of all records with all objects; nil if there was none.
	Sweep *SweepStatus `json:"sweep,omitempty"`
}

// MaxDamaged is how many damaged files Custody lists.
const MaxDamaged = 1000

// ScrubStatus is the progress of the scrub.
type ScrubStatus struct {
	// Since is when the first pass began; zero if none has.
	Since time.Time `json:"since,omitzero"`
	// Last is the last pass that ended, and Current the running one; nil if there is none.
	Last    *ScrubPass `json:"last,omitempty"`
	Current *ScrubPass `json:"current,omitempty"`
	// BytesLeft is roughly how many bytes the running pass still has to read: as many as the last sweep saw, or else
	// the last pass, less what was read.
	BytesLeft int64 `json:"bytes_left"`
}

// SweepStatus is the result of a sweep.
type SweepStatus struct {
	At time.Time `json:"at"`
	// Files and Bytes count the records in any state.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Ownerless and Held are those of ReconcileReport.
	Ownerless int `json:"ownerless"`
	Held      int `json:"held"`
}

const sweepNote = "sweep"

// noteSweep stores the result of a sweep for Custody.
func (r *reconciler) noteSweep(ctx context.Context) error {
	if r.DryRun || r.sweep.walks < 2 {
		return nil
	}
	value, err := json.Marshal(SweepStatus{At: r.time(), Files: r.report.Files, Bytes: r.sweep.bytes,
		Ownerless: r.report.Ownerless, Held: r.report.Held})
	if err != nil {
		return fmt.Errorf("note what was seen: %w", err)
	}
	note, err := r.catalog.Note(ctx, sweepNote)
	if err == nil {
		_, err = r.catalog.SetNote(ctx, sweepNote, note.Revision, value)
	}
	// Of two simultaneous sweeps, either result is good enough.
	if err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("note what was seen: %w", err)
	}
	return nil
}

// lastSweep returns the stored result of the last sweep; nil if there is none, or it can no longer be parsed.
func (s *Service) lastSweep(ctx context.Context) (*SweepStatus, error) {
	note, err := s.catalog.Note(ctx, sweepNote)
	if err != nil {
		return nil, fmt.Errorf("read what the last sweep saw: %w", err)
	}
	if len(note.Value) == 0 {
		return nil, nil
	}
	saw := &SweepStatus{}
	if err := json.Unmarshal(note.Value, saw); err != nil {
		s.log.WarnContext(ctx, "nobody can read what the last sweep saw: the next one notes it anew", "err", err)
		return nil, nil
	}
	return saw, nil
}

// Custody returns the state of everything that is stored, at a cost that does not depend on how much that is.
func (s *Service) Custody(ctx context.Context) (Custody, error) {
	var c Custody
	for f, err := range s.catalog.Damaged(ctx) {
		if err != nil {
			return c, fmt.Errorf("list the damaged files: %w", err)
		}
		if c.More = len(c.Damaged) == MaxDamaged; c.More {
			break
		}
		c.Damaged = append(c.Damaged, f)
	}
	c.DamagedFiles = len(c.Damaged)
	var err error
	if c.Scan, err = s.scanStatus(ctx); err != nil {
		return c, err
	}
	if c.Sweep, err = s.lastSweep(ctx); err != nil {
		return c, err
	}
	if c.Budget, err = s.budgetStatus(ctx); err != nil {
		return c, err
	}
	_, state, err := s.scrubState(ctx)
	if err != nil {
		return c, err
	}
	c.Scrub = ScrubStatus{Since: state.Since, Last: state.Last, Current: state.Current}
	if p := state.Current; p != nil {
		switch {
		case c.Sweep != nil:
			c.Scrub.BytesLeft = max(c.Sweep.Bytes-p.Bytes, 0)
		case state.Last != nil:
			c.Scrub.BytesLeft = max(state.Last.Bytes-p.Bytes, 0)
		}
	}
	return c, nil
}

// Metrics returns the numbers that serving instances log, as flat attributes of whole numbers. The stack turns them
// into metrics by their keys.
func (c Custody) Metrics(now time.Time) []slog.Attr {
	var sweep SweepStatus
	if c.Sweep != nil {
		sweep = *c.Sweep
	}
	var budget BudgetStatus
	if c.Budget != nil {
		budget = *c.Budget
	}
	return []slog.Attr{
		slog.Int("damaged_files", c.DamagedFiles), slog.Int("ownerless", sweep.Ownerless),
		slog.Int("removals_held", sweep.Held), slog.Int("infected_files", c.Scan.InfectedFiles),
		slog.Int("scan_failed_files", c.Scan.FailedFiles), slog.Int("scan_waiting_minutes", c.waitingMinutes(now)),
		slog.Int64("scrub_bytes_left", c.Scrub.BytesLeft),
		slog.Int("scrub_hours_since_pass", c.hoursSincePass(now)), slog.Int("budget_percent", budget.Percent),
	}
}

// waitingMinutes returns for how many whole minutes the oldest file has been waiting for a scanner.
func (c Custody) waitingMinutes(now time.Time) int {
	if c.Scan.WaitingSince.IsZero() {
		return 0
	}
	return int(max(now.Sub(c.Scan.WaitingSince), 0).Minutes())
}

// hoursSincePass returns the whole hours since the last complete pass of the scrub ended, or since the first began.
func (c Custody) hoursSincePass(now time.Time) int {
	since := c.Scrub.Since
	if c.Scrub.Last != nil {
		since = c.Scrub.Last.EndedAt
	}
	if since.IsZero() {
		return 0
	}
	return int(max(now.Sub(since), 0).Hours())
}
