package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
)

const atUsage = "make stores that were restored to this time agree, for example 2026-11-26T09:00:00Z; removes nothing"

// reconcileAt is reconcile --at.
func (p *program) reconcileAt(ctx context.Context, at string, dryRun, asJSON bool) error {
	point, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return fmt.Errorf("--at %q is not a time such as 2026-11-26T09:00:00Z: %w", at, err)
	}
	cfg, log, s, err := p.openExisting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	options := dossier.PointOptions{At: point.UTC(), Settled: cfg.Reconcile.Age, DryRun: dryRun}
	svc := s.service(cfg, log)
	defer giveBack(ctx, svc, log)
	var report *dossier.PointReport
	agree := func() (err error) {
		report, err = svc.ReconcileAt(ctx, s.objects, options, p.repairs(asJSON, options.DryRun))
		return err
	}
	if dryRun {
		err = agree()
	} else {
		err = recordCommand(ctx, s.audit(cfg), audit.StoresRestore, "to "+point.UTC().Format(time.RFC3339),
			func(*audit.Entry) error { return agree() })
	}
	if report != nil {
		if asJSON {
			_ = json.NewEncoder(p.stdout).Encode(report)
		} else {
			p.summarizePoint(report)
		}
	}
	switch {
	case err != nil:
		return err
	case report.NeedsPerson():
		return exit{exitDamaged, errors.New("the stores do not agree: see the lines above and docs/restore.md")}
	}
	return nil
}

func (p *program) summarizePoint(r *dossier.PointReport) {
	did := "Done"
	if r.DryRun {
		did = "Would be done; an older version of what is missing may still exist"
	}
	fmt.Fprintf(p.stdout, "%s:\n%7d  stored files are intact\n", did, r.Verified)
	p.counts(r.Counts)
	p.failures(r.Failures)
}
