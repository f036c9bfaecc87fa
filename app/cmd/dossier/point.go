package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"dossier.example/app"
	"dossier.example/app/config"
)

const atUsage = "make the stores agree after they were restored to this time, as 2026-11-26T09:00:00Z; removes nothing"

// reconcileAt is reconcile --at.
func (p *program) reconcileAt(ctx context.Context, at string, dryRun, asJSON bool) error {
	point, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return fmt.Errorf("--at %q is not a time such as 2026-11-26T09:00:00Z: %w", at, err)
	}
	cfg, log, err := p.load(ctx, config.Reconcile)
	if err != nil {
		return err
	}
	s, err := openStores(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.close()
	enc := json.NewEncoder(p.stdout)
	options := dossier.PointOptions{At: point.UTC(), Settled: cfg.Reconcile.Age, DryRun: dryRun}
	report, err := s.service(cfg, log).ReconcileAt(ctx, s.objects, options, func(r dossier.Repair) {
		if asJSON {
			_ = enc.Encode(r)
			return
		}
		fmt.Fprintf(p.stdout, "%s: person %s", r.What, r.Person)
		if r.File != "" {
			fmt.Fprintf(p.stdout, ", file %s", r.File)
		}
		fmt.Fprintln(p.stdout)
	})
	if report != nil {
		if asJSON {
			_ = enc.Encode(report)
		} else {
			p.summarisePoint(report)
		}
	}
	switch {
	case err != nil:
		return err
	case report.NeedsPerson():
		return exit{exitDamaged, errors.New("the stores do not agree; see above, and docs/restore.md on what to do")}
	}
	return nil
}

func (p *program) summarisePoint(r *dossier.PointReport) {
	did := "Done"
	if r.DryRun {
		did = "Would be done; of what is missing, a version may be left"
	}
	fmt.Fprintf(p.stdout, "%s:\n%7d  stored files are whole\n", did, r.Verified)
	for _, what := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(p.stdout, "%7d  %s\n", r.Counts[what], what)
	}
	if r.Failures > 0 {
		fmt.Fprintf(p.stdout, "%7d  could not be looked at or mended\n", r.Failures)
	}
}
