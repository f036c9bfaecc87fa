package dossier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RepairRemovedInfected: a file was removed because malware was found in it long enough ago.
const RepairRemovedInfected = "removed file in which malware was found"

// infected removes files in which malware was found longer ago than KeepInfected. Like everything that is removed
// automatically, these removals are limited, because a wrong signature can condemn everything at once, and what is
// removed can be put back for a while.
func (r *reconciler) infected(ctx context.Context) error {
	if r.KeepInfected == 0 {
		return nil
	}
	for f, err := range r.catalog.Scans(ctx, ScanInfected) {
		if err != nil {
			return fmt.Errorf("list the files in which malware was found: %w", err)
		}
		if r.time().Sub(f.Scan.At) < r.KeepInfected {
			continue
		}
		if !r.DryRun {
			allowed, err := r.allow(ctx, infectedClass, 1, 0)
			if err != nil {
				return err
			}
			if !allowed {
				r.report.HeldInfected++
				continue
			}
		}
		r.repair(fileRepair(RepairRemovedInfected, f), func() error { return r.removeInfected(ctx, f) })
	}
	if r.report.HeldInfected > 0 {
		r.log.WarnContext(ctx,
			"files in which malware was found wait for another day to be removed: so many do not go "+
				"at once", "files", r.report.HeldInfected)
	}
	return nil
}

// removeInfected removes an infected file, unless a scan of it began or ended since f was read: ErrLost.
func (s *Service) removeInfected(ctx context.Context, f File) error {
	scan := *f.Scan
	scan.Until = s.time().Add(scanLease) // so that no scan begins
	if _, err := s.catalog.SetScan(ctx, f.Person, f.ID, scan.Revision, scan); err != nil {
		return err
	}
	return s.take(ctx, f, FileStored)
}

// ScanStatus is the state of scanning for malware.
type ScanStatus struct {
	// Infected are the files in which malware was found: the first MaxDamaged. More reports whether there are others.
	Infected []File `json:"-"`
	More     bool   `json:"-"`
	// InfectedFiles, WaitingFiles and FailedFiles are numbers, up to MaxDamaged each.
	InfectedFiles int `json:"infected_files"`
	WaitingFiles  int `json:"waiting_files"`
	FailedFiles   int `json:"failed_files"`
	// WaitingSince is when the oldest of the waiting files was stored; zero: none waits.
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	// Scanned reports whether files are scanned at all. If not, waiting and failed files are not counted.
	Scanned bool `json:"scanned"`
}

var errEnough = errors.New("the listing is full")

// scanStatus returns the state of scanning.
func (s *Service) scanStatus(ctx context.Context) (ScanStatus, error) {
	c := ScanStatus{Scanned: s.Scanned()}
	each := func(state ScanState, n *int, do func(File)) error {
		for f, err := range s.catalog.Scans(ctx, state) {
			if err != nil {
				return fmt.Errorf("list the files that are %s: %w", state, err)
			}
			if *n == MaxDamaged {
				return errEnough
			}
			*n++
			do(f)
		}
		return nil
	}
	err := each(ScanInfected, &c.InfectedFiles, func(f File) { c.Infected = append(c.Infected, f) })
	if c.More = err == errEnough; err != nil && !c.More {
		return c, err
	}
	if !c.Scanned {
		return c, nil
	}
	err = each(ScanWaiting, &c.WaitingFiles, func(f File) {
		if c.WaitingSince.IsZero() || f.UpdatedAt.Before(c.WaitingSince) {
			c.WaitingSince = f.UpdatedAt
		}
	})
	if err != nil && err != errEnough {
		return c, err
	}
	if err = each(ScanFailed, &c.FailedFiles, func(File) {}); err == errEnough {
		err = nil
	}
	return c, err
}
