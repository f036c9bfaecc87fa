package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/backup"
	"dossier.example/app/config"
)

func (p *program) reconcileCommand() *cobra.Command {
	o := dossier.ReconcileOptions{}
	var olderThan time.Duration
	var asJSON, putBack bool
	var at string
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Finish or remove unfinished work, and report it",
		Long: `Finish or remove unfinished work: uploads, submissions that were never acknowledged, deletions, records without
a person, objects without a record. It also repairs the words by which staff find people. It can run beside servers and
beside other reconciliations.

A record without a person, or an object without a record, is removed once it has been ownerless long enough, but only
while few are: many are a sign that a store was emptied or rolled back. More are held back until you confirm with
--yes-delete N. Automatic removals can be undone: with embedded stores by --put-back, for DOSSIER_KEEP_REMOVED; in a
bucket from earlier versions.

Prints a line for each repair, a summary, and how far "dossier serve" has come in reading all stored files. Exit status:
0 everything is fine or was repaired, 1 something could not be checked or repaired, 3 something needs attention: a
stored file whose bytes are missing or differ (found with --verify and --put-back), or removals that are held back.

With --at, it makes stores agree that were restored to one point in time, and removes nothing: it restores objects from
their versions, finishes complete uploads, recounts, and reports what is left. Exit status then: 0 all stores agree, 1
and 3 as before, where 3 also covers items that have no owner or were not acknowledged.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if at != "" {
				return p.reconcileAt(c.Context(), at, o.DryRun, asJSON)
			}
			switch {
			case !c.Flags().Changed("older-than"):
				olderThan = -1
			case olderThan < 0:
				return fmt.Errorf("--older-than %s: enter a time of 0 or more, such as 24h", olderThan)
			}
			if o.YesRemove < 0 {
				return fmt.Errorf("--yes-delete %d: enter the number of items that the run before held back",
					o.YesRemove)
			}
			if o.YesRemove > 0 && !o.Sweep {
				return errors.New("--yes-delete needs the sweep: remove --sweep=false")
			}
			if o.Resume && !o.Sweep {
				return errors.New("--resume continues a sweep: remove --sweep=false")
			}
			return p.reconcile(c.Context(), o, olderThan, asJSON, putBack)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.DryRun, "dry-run", false, "report what would be done without changing anything")
	f.BoolVar(&o.Sweep, "sweep", true, "compare all records with all objects and people")
	f.BoolVar(&o.Resume, "resume", false,
		"continue the sweep of a run or of a server that was interrupted in the last 6 hours")
	f.BoolVar(&o.Verify, "verify", false, "read every byte of each stored file and compare it with its record")
	f.IntVar(&o.YesRemove, "yes-delete", 0, "remove up to this many ownerless items that are held back")
	f.BoolVar(&putBack, "put-back", false,
		"only put back what reconciliation removed and still keeps (embedded stores)")
	f.DurationVar(&olderThan, "older-than", 0,
		"how long an unfinished upload must have made no progress (default: DOSSIER_RECONCILE_AGE)")
	f.StringVar(&at, "at", "", atUsage)
	for _, other := range []string{"sweep", "resume", "verify", "older-than", "yes-delete", "put-back"} {
		c.MarkFlagsMutuallyExclusive("at", other)
	}
	for _, other := range []string{"dry-run", "sweep", "resume", "verify", "older-than", "yes-delete"} {
		c.MarkFlagsMutuallyExclusive("put-back", other)
	}
	for _, other := range []string{"dry-run", "verify"} {
		c.MarkFlagsMutuallyExclusive("resume", other)
	}
	f.BoolVar(&asJSON, "json", false, "print JSON lines: the repairs, then the report")
	return c
}

func (p *program) reconcile(ctx context.Context, o dossier.ReconcileOptions, olderThan time.Duration,
	asJSON, putBack bool) error {
	cfg, log, s, err := p.openExisting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	o.OlderThan = cfg.Reconcile.Age
	if olderThan >= 0 {
		o.OlderThan = olderThan
	}
	o.KeepRemoved, o.KeepInfected = cfg.Reconcile.KeepRemoved, cfg.Scan.KeepInfected
	o.KeepTrash = keepTrash(cfg.Reconcile.KeepTrash)
	svc, done := s.service(cfg, log), p.repairs(asJSON, o.DryRun)
	defer giveBack(ctx, svc, log)
	var report *dossier.ReconcileReport
	if putBack {
		report, err = svc.PutBack(ctx, done)
	} else {
		report, err = svc.Reconcile(ctx, o, done)
	}
	custody, look := svc.Custody(ctx)
	err = errors.Join(err, look)
	if asJSON {
		_ = json.NewEncoder(p.stdout).Encode(struct {
			*dossier.ReconcileReport
			Custody dossier.Custody `json:"custody"`
		}{report, custody})
	} else {
		p.summarize(report)
		p.scrubbed(custody)
	}
	switch {
	case err != nil:
		return err
	case report.NeedsPerson():
		return exit{exitDamaged, errors.New("action needed: see the lines above")}
	}
	return nil
}

// openExisting opens the stores for reconciliation, which is no reason to make any that are missing.
func (p *program) openExisting(ctx context.Context) (*config.Config, *slog.Logger, *stores, error) {
	cfg, log, err := p.load(ctx, config.Reconcile)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := checkStores(ctx, cfg); err != nil {
		return nil, nil, nil, err
	}
	if embedded(cfg) != (backup.Parts{}) {
		// Opening the stores would make it, and find nothing to do.
		if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, nil, fmt.Errorf("the data folder %s does not exist: set DOSSIER_DATA to the one that "+
				"\"dossier serve\" uses", cfg.Data)
		}
	}
	s, err := openStores(ctx, cfg)
	return cfg, log, s, err
}

// repairs returns what prints each repair as it is made, or would be.
func (p *program) repairs(asJSON, dryRun bool) func(dossier.Repair) {
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		return func(r dossier.Repair) {
			_ = enc.Encode(struct {
				dossier.Repair
				DryRun bool `json:"dry_run,omitempty"`
			}{r, dryRun})
		}
	}
	would := ""
	if dryRun {
		would = "dry run, nothing was changed: "
	}
	return func(r dossier.Repair) {
		file := ""
		if r.File != "" {
			file = ", file " + r.File
		}
		fmt.Fprintf(p.stdout, "%s%s: person %s%s\n", would, r.What, r.Person, file)
	}
}

// count prints a line of a summary, unless it is of nothing.
func (p *program) count(n int, what string) {
	if n > 0 {
		fmt.Fprintf(p.stdout, "%7d  %s\n", n, what)
	}
}

// counts prints how many repairs were made, by their kinds.
func (p *program) counts(of map[string]int) {
	for _, what := range slices.Sorted(maps.Keys(of)) {
		p.count(of[what], what)
	}
}

// failures prints how much of a reconciliation failed.
func (p *program) failures(n int) { p.count(n, "could not be checked or repaired") }

// scrubbed tells how far the reading of all stored files is.
func (p *program) scrubbed(c dossier.Custody) {
	if last := c.Scrub.Last; last != nil {
		fmt.Fprintf(p.stdout, "Last full read: %s in %d files, finished %s; %d damaged.\n",
			dossier.FormatBytes(last.Bytes), last.Files, last.EndedAt.Format(time.RFC3339), last.Found)
	}
	if now := c.Scrub.Current; now != nil {
		fmt.Fprintf(p.stdout, "Reading since %s: %s in %d files so far, about %s left; %d damaged.\n",
			now.StartedAt.Format(time.RFC3339), dossier.FormatBytes(now.Bytes), now.Files,
			dossier.FormatBytes(c.Scrub.BytesLeft), now.Found)
	}
	for _, f := range c.Damaged {
		fmt.Fprintf(p.stdout, "Damaged since %s: person %s, file %s, object %s\n",
			f.Damage.FoundAt.Format(time.RFC3339), f.Person, f.ID, f.Damage.Kind)
	}
	if c.More {
		fmt.Fprintln(p.stdout, "Not all damaged files are listed.")
	}
}

func (p *program) summarize(r *dossier.ReconcileReport) {
	did := "Done"
	if r.DryRun {
		did = "Would be done"
	}
	if len(r.Counts) == 0 && r.AbortedMultipartUploads == 0 && r.Failures == 0 &&
		r.Held+r.HeldUnacknowledged+r.HeldInfected+r.Recounting == 0 {
		fmt.Fprintln(p.stdout, "Nothing to do.")
	} else {
		fmt.Fprintf(p.stdout, "%s:\n", did)
	}
	p.counts(r.Counts)
	p.count(r.AbortedMultipartUploads, "aborted unfinished multipart upload")
	p.count(r.Ownerless, "without an owner, kept")
	p.count(r.Held,
		fmt.Sprintf("HELD BACK: due for removal, but too many to remove automatically. A store may have been "+
			"emptied or rolled back: restore it. To remove them all: dossier reconcile --yes-delete %d", r.Held))
	p.count(r.HeldInfected, "files with malware are kept for another day: too many to remove at once")
	p.count(r.HeldUnacknowledged,
		"files that were never acknowledged are kept for another day: too many to remove at once")
	p.count(r.Recounting,
		"people have wrong counts but changed recently: the next reconciliation recounts them")
	p.failures(r.Failures)
	p.count(r.Verified, "stored files verified")
}

// writeWords writes the words by which people are found. After an update there may be many who have none: they do not
// wait for a reconciliation.
func writeWords(ctx context.Context, svc *dossier.Service, log *slog.Logger) {
	n, err := svc.WriteWords(ctx)
	if n > 0 {
		log.Info("wrote the words by which people are found", "people", n)
	}
	if err != nil && ctx.Err() == nil {
		log.Error("not everybody is found: reconciliation tries again", "err", err)
	}
}

// reconcileLoop reconciles until ctx ends, at intervals that vary by half, so that instances started together drift
// apart.
func reconcileLoop(ctx context.Context, svc *dossier.Service, all *config.Config, log *slog.Logger) {
	cfg := all.Reconcile
	if cfg.Interval == 0 {
		return
	}
	for {
		pause := time.Duration(float64(cfg.Interval) * (0.5 + rand.Float64()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		report, err := svc.Reconcile(ctx,
			dossier.ReconcileOptions{OlderThan: cfg.Age, SweepEvery: cfg.Sweep, KeepRemoved: cfg.KeepRemoved,
				KeepInfected: all.Scan.KeepInfected, KeepTrash: keepTrash(cfg.KeepTrash)},
			func(r dossier.Repair) {
				log.Info("reconciled", "what", r.What, "person", r.Person, "file", r.File)
			})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Error("reconciliation failed in part", "failures", report.Failures, "err", err)
		}
		log.Info("reconciliation ended", "repairs", report.Counts, "aborted_transfers", report.AbortedMultipartUploads,
			"sweep", report.Swept, "resumed", report.Resumed, "ownerless", report.Ownerless, "held", report.Held)
	}
}

// keepTrash returns the retention of the trash as reconciliation takes it: without a trash, what an earlier setting
// left there goes at once.
func keepTrash(retention time.Duration) time.Duration {
	if retention == 0 {
		return -1
	}
	return retention
}
