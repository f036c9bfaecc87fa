package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/backup"
	"dossier.example/app/config"
)

func (p *program) backupCommand() *cobra.Command {
	var flags copyFlags
	o := backup.Options{}
	c := &cobra.Command{
		Use:   "backup DIR",
		Short: "Back up the embedded stores to a folder, even while servers use them",
		Long: `Add a point in time to the backup in the folder DIR, which is created if missing: both databases as they are
at one moment, every file that they refer to, and the staff secret. Servers, uploads, deletions and reconciliation can
keep running.

Each file is compared with the size and checksum in its record while it is copied. Files that the backup already has are
not copied again. Files deleted while the backup runs are left out and counted. A stored file that is missing or differs
is reported by its IDs; the rest of the point is complete.

DIR contains everything that people sent and the secret that staff sign in with: protect it like the data folder, and
keep it on another disk. A deleted file leaves the backup with the last point that refers to it: see --keep.

With --json, each fault is a line of standard output:
  {"type":"fault","what":"missing","person":…,"file":…,"in_backup":…}
where "what" is "missing", "differs", "unreadable" or "damaged point". Once a run has started, its last line is always
  {"type":"summary","state":…,"error":…,"point":…,"people":…,"files":…,"bytes":…,
   "copied_files":…,"copied_bytes":…,"repaired_files":…,"deleted_files":…,"faulty_files":…,
   "missing_files":…,"points":…,"pruned_files":…,"damaged_points":…}
where "state" is "complete", "damaged", "failed" or "interrupted". Members may be added, but none of these is removed.

Exit status: 0 everything was backed up, 1 no point was made, or pruning failed, 3 damage that needs attention,
130 interrupted. An incomplete point is never restored; the next backup removes it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Dir = args[0]
			return p.backup(c.Context(), o, flags)
		},
	}
	c.Flags().IntVar(&o.Keep, "keep", 7,
		"how many points to keep, at least 1; older points and files that only they use are removed")
	c.Flags().BoolVar(&o.Verify, "verify", false, "reread files of the new point that the backup already has")
	flags.add(c)
	return c
}

func (p *program) restoreCommand() *cobra.Command {
	var flags copyFlags
	o := backup.RestoreOptions{}
	c := &cobra.Command{
		Use:   "restore DIR",
		Short: "Fill an empty data folder from a backup",
		Long: `Restore the embedded stores from the backup in the folder DIR into the data folder (DOSSIER_DATA), which
must be empty or missing. DIR is only read.

Everything is verified: the databases against the point's manifest, each file against the size and checksum in its
record. A file that is missing from the backup or differs is reported by its IDs; everything else is restored.

Until the restore succeeds, the data folder is marked and every command refuses it. After an interruption, run the same
command again: it resumes and verifies what was already restored.

With --json, each fault is a line of standard output, as with dossier backup. Once a run has started, its last line is
always
  {"type":"summary","state":…,"error":…,"point":…,"time":…,"people":…,"files":…,"bytes":…,
   "faulty_files":…,"resumed":…}
where "state" is "complete", "damaged", "failed" or "interrupted". Members may be added, but none of these is removed.

Exit status: 0 everything was restored, 1 the restore failed, 3 everything was restored except the reported files,
130 interrupted.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Dir = args[0]
			return p.restore(c.Context(), o, flags)
		},
	}
	c.Flags().StringVar(&o.Point, "point", "", "name of the point, such as 20261128T031500.000Z (default: the newest)")
	flags.add(c)
	return c
}

// copyFlags are what backup and restore have in common.
type copyFlags struct{ json, quiet bool }

func (f *copyFlags) add(c *cobra.Command) {
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON lines (see above)")
}

func (p *program) backup(ctx context.Context, o backup.Options, flags copyFlags) error {
	if o.Keep < 1 {
		return errors.New("--keep must be at least 1")
	}
	r, err := p.beginCopy(ctx, flags)
	if err != nil {
		return err
	}
	o.Data, o.Release, o.Progress, o.Fault = r.data, buildVersion(), &r.copied, r.fault
	o.Notice = func(text string) { r.say("%s", text) }
	stop := r.followCopy()
	s, err := backup.Make(ctx, o)
	stop()
	end := endOfCopy(ctx, err, s.Damaged())
	switch {
	case flags.json:
		r.print(struct {
			copyEnd
			backup.Summary
		}{end, s})
	case s.Point != "":
		p.showPoint(s)
	}
	if err == nil && s.Damaged() {
		err = errors.New("the data folder or the backup is damaged: see the lines above")
	}
	return end.exit(err, r.err)
}

// showPoint prints what a new point holds.
func (p *program) showPoint(s backup.Summary) {
	fmt.Fprintf(p.stdout, "point %s: %d people, %d files, %s; %d new files, %s\n", s.Point, s.People, s.Files,
		dossier.FormatBytes(s.Bytes), s.CopiedFiles, dossier.FormatBytes(s.CopiedBytes))
	for _, n := range []struct {
		count int64
		text  string
	}{
		{s.RepairedFiles, "differed in the backup and were copied again"},
		{s.DeletedFiles, "were deleted during the backup and are not included"},
		{s.PrunedFiles, "were removed from the backup because no remaining point uses them"},
		{s.FaultyFiles, "are missing or differ in the data folder"},
		{s.MissingFiles, "of these are not in the backup either"},
	} {
		if n.count > 0 {
			fmt.Fprintf(p.stdout, "%7d files %s\n", n.count, n.text)
		}
	}
}

func (p *program) restore(ctx context.Context, o backup.RestoreOptions, flags copyFlags) error {
	r, err := p.beginCopy(ctx, flags)
	if err != nil {
		return err
	}
	o.Data, o.Progress, o.Fault = r.data, &r.copied, r.fault
	stop := r.followCopy()
	s, err := backup.Restore(ctx, o)
	stop()
	if err == nil {
		err = recordRestore(ctx, r.data, s.Point)
	}
	end := endOfCopy(ctx, err, s.FaultyFiles > 0)
	switch {
	case flags.json:
		r.print(struct {
			copyEnd
			backup.Restored
		}{end, s})
	case err == nil:
		fmt.Fprintf(p.stdout, "restored point %s into %s: %d people, %d files, %s\n", s.Point, r.data, s.People,
			s.Files, dossier.FormatBytes(s.Bytes))
	}
	if err == nil && s.FaultyFiles > 0 {
		err = fmt.Errorf("%d files were not restored because the backup lacks them or has different content: see "+
			"the lines "+
			"above. If many are missing, serve refuses the folder unless started with --despite-losses", s.FaultyFiles)
	}
	return end.exit(err, r.err)
}

// embeddedData returns the data folder where all three stores are in it.
func (p *program) embeddedData(ctx context.Context) (string, error) {
	cfg, _, err := p.load(ctx, config.Reconcile) // which reads where the stores are
	if err != nil {
		return "", err
	}
	if parts := embedded(cfg); parts != (backup.Parts{People: true, Catalog: true, Objects: true}) {
		return "", errors.New("this command handles embedded stores only, but DOSSIER_DB_HOST, DOSSIER_BUCKET or " +
			"DOSSIER_TABLE is set: see docs/restore.md on backing up and restoring RDS, S3 and DynamoDB")
	}
	return cfg.Data, nil
}

// copyEnd is how a run ended, and how its last line of JSON begins.
type copyEnd struct {
	status int
	Type   string `json:"type"`
	State  string `json:"state"`
	Error  string `json:"error,omitempty"`
}

func endOfCopy(ctx context.Context, err error, damaged bool) copyEnd {
	e := copyEnd{exitOK, "summary", "complete", ""}
	switch {
	case err != nil && ctx.Err() != nil:
		e.status, e.State = exitInterrupted, "interrupted"
	case err != nil:
		e.status, e.State = exitFailed, "failed"
	case damaged:
		e.status, e.State = exitDamaged, "damaged"
	}
	if err != nil {
		e.Error = err.Error()
	}
	return e
}

// exit ends the command with what is wrong, if anything, and with what could not be printed.
func (e copyEnd) exit(err, unprinted error) error {
	if err = errors.Join(err, unprinted); err == nil {
		return nil
	}
	if e.status == exitOK {
		e.status = exitFailed
	}
	return exit{e.status, err}
}

// copyReport shows a backup or a restore: progress and faults on stderr, the outcome on stdout.
type copyReport struct {
	progress
	data   string // the data folder
	copied backup.Progress
	json   bool
	stdout io.Writer
	err    error // of writing the outcome
}

// beginCopy begins a backup or a restore of the embedded stores.
func (p *program) beginCopy(ctx context.Context, flags copyFlags) (*copyReport, error) {
	data, err := p.embeddedData(ctx)
	return &copyReport{progress: progress{stderr: p.stderr, quiet: flags.quiet}, data: data, json: flags.json,
		stdout: p.stdout}, err
}

func (r *copyReport) followCopy() (stop func()) {
	return r.follow(func() (e extent) {
		e.doneFiles, e.files = r.copied.Files()
		e.doneBytes, e.bytes = r.copied.Bytes()
		return e
	})
}

// fault tells of something that is damaged.
func (r *copyReport) fault(f backup.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json {
		r.print(struct {
			Type string `json:"type"`
			backup.Fault
		}{"fault", f})
		return
	}
	switch {
	case f.Point != "":
		r.line("%s: %s", f.What, f.Point)
	case f.InBackup:
		r.line("%s: person %s, file %s (an earlier point of the backup has it)", f.What, f.Person, f.File)
	default:
		r.line("%s: person %s, file %s", f.What, f.Person, f.File)
	}
}

// print writes a line of JSON. What cannot be told is an error of the command.
func (r *copyReport) print(v any) {
	if err := json.NewEncoder(r.stdout).Encode(v); err != nil && r.err == nil {
		r.err = fmt.Errorf("write the outcome: %w", err)
	}
}
