package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/config"
)

func (p *program) reconcileCommand() *cobra.Command {
	o := dossier.ReconcileOptions{}
	var olderThan time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Finish or remove what was left half-done, and report it",
		Long: `Finish or remove what was left half-done: uploads, submissions that were never acknowledged, deletions, records without a
person, objects without a record. It is safe beside running servers and beside itself.

Prints a line for each repair and a summary. Exit status: 0 all is well or mended, 1 something could not be looked at or
mended, 3 damage that needs a person: a stored file whose bytes are missing or differ (found with --verify).`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("older-than") {
				olderThan = -1
			}
			return p.reconcile(c.Context(), o, olderThan, asJSON)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.DryRun, "dry-run", false, "change nothing, report what would be done")
	f.BoolVar(&o.Sweep, "sweep", true, "compare all records with all objects and people")
	f.BoolVar(&o.Verify, "verify", false,
		"compare each stored file's size and checksum with its object (embedded: reads every byte)")
	f.DurationVar(&olderThan, "older-than", 0,
		"how long an unfinished upload must have shown no progress (default: DOSSIER_RECONCILE_AGE)")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line: repairs, then the report")
	return c
}

func (p *program) reconcile(ctx context.Context, o dossier.ReconcileOptions, olderThan time.Duration,
	asJSON bool) error {
	cfg, log, err := p.load(ctx, config.Reconcile)
	if err != nil {
		return err
	}
	s, err := openStores(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.close()
	o.OlderThan = cfg.Reconcile.Age
	if olderThan >= 0 {
		o.OlderThan = olderThan
	}
	enc := json.NewEncoder(p.stdout)
	report, err := s.service(cfg, log).Reconcile(ctx, o, func(r dossier.Repair) {
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
	if asJSON {
		_ = enc.Encode(report)
	} else {
		summarise(p, report)
	}
	switch {
	case err != nil:
		return err
	case report.Damaged():
		return exit{exitDamaged, errors.New("stored files are damaged; see above, restore their objects")}
	}
	return nil
}

func summarise(p *program, r *dossier.ReconcileReport) {
	did := "Done"
	if r.DryRun {
		did = "Would be done"
	}
	if len(r.Counts) == 0 && r.AbortedMultipartUploads == 0 && r.Failures == 0 {
		fmt.Fprintln(p.stdout, "Nothing to do.")
	} else {
		fmt.Fprintf(p.stdout, "%s:\n", did)
	}
	for _, what := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(p.stdout, "%7d  %s\n", r.Counts[what], what)
	}
	if r.AbortedMultipartUploads > 0 {
		fmt.Fprintf(p.stdout, "%7d  aborted unfinished multipart upload\n", r.AbortedMultipartUploads)
	}
	if r.Failures > 0 {
		fmt.Fprintf(p.stdout, "%7d  could not be looked at or mended\n", r.Failures)
	}
	if r.Verified > 0 {
		fmt.Fprintf(p.stdout, "%7d  stored files verified\n", r.Verified)
	}
}

// reconcileLoop reconciles until ctx ends, at intervals that vary by half, so that instances started together drift
// apart.
func reconcileLoop(ctx context.Context, svc *dossier.Service, cfg config.Reconciliation, log *slog.Logger) {
	if cfg.Interval == 0 {
		return
	}
	swept := time.Now()
	for {
		pause := time.Duration(float64(cfg.Interval) * (0.5 + rand.Float64()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		sweep := cfg.Sweep > 0 && time.Since(swept) >= cfg.Sweep
		report, err := svc.Reconcile(ctx, dossier.ReconcileOptions{OlderThan: cfg.Age, Sweep: sweep},
			func(r dossier.Repair) {
				log.Info("reconciled", "what", r.What, "person", r.Person, "file", r.File)
			})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Error("reconciliation left something undone", "failures", report.Failures, "err", err)
		}
		if sweep && err == nil {
			swept = time.Now()
		}
		log.Info("reconciliation ended", "repairs", report.Counts, "aborted_transfers", report.AbortedMultipartUploads,
			"sweep", sweep)
	}
}
