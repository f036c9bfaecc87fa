package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"dossier.example/app"
)

func (p *program) scanCommand() *cobra.Command {
	var o dossier.ScanRequest
	var asJSON bool
	c := &cobra.Command{
		Use:   "scan",
		Short: "Check stored files for malware",
		Long: `Check stored files for malware with the scanner that DOSSIER_SCANNER selects: files that were never checked,
such as those stored before there was a scanner, files that are waiting for a check, and files whose check failed. It
can run beside servers. If interrupted, run it again: files that were checked are skipped.

With DOSSIER_SCANNER=guardduty, this only reads GuardDuty's results again. To have GuardDuty check an object, first run
"aws guardduty send-object-malware-scan", then this command with --unscanned.

A file keeps its state until there is a verdict, so files that can be downloaded stay available during the check.

Prints a line for each file that contains malware, and a summary. Exit status: 0 all files were checked, 1 some could
not be checked, 3 malware was found.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.scan(c.Context(), o, asJSON) },
	}
	f := c.Flags()
	f.BoolVar(&o.All, "all", false, "check every file again, for example after a signature update")
	f.BoolVar(&o.Unscanned, "unscanned", false,
		"also check files that could not be fully checked, for example after raising the limits")
	f.BoolVar(&asJSON, "json", false, "print JSON lines: the infected files, then the report")
	return c
}

func (p *program) scan(ctx context.Context, o dossier.ScanRequest, asJSON bool) error {
	cfg, log, s, err := p.openExisting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	enc := json.NewEncoder(p.stdout)
	infected := 0
	report, err := s.service(cfg, log).ScanStored(ctx, o, func(f dossier.File) {
		if f.ScanState() != dossier.ScanInfected {
			return
		}
		infected++
		if asJSON {
			_ = enc.Encode(struct {
				Person string `json:"person"`
				File   string `json:"file"`
				Found  string `json:"found"`
			}{f.Person.String(), f.ID.String(), f.Scan.Detail})
			return
		}
		fmt.Fprintf(p.stdout, "MALWARE: person %s, file %s: %s\n", f.Person, f.ID, f.Scan.Detail)
	})
	switch {
	case asJSON:
		_ = enc.Encode(report)
	case err == nil || report.Files > 0:
		fmt.Fprintf(p.stdout, "Of %d stored files:\n", report.Files)
		words := map[dossier.ScanState]string{dossier.ScanClean: "checked: nothing found",
			dossier.ScanInfected: "checked: MALWARE found", dossier.ScanNone: "could not be fully checked"}
		for _, state := range slices.Sorted(maps.Keys(report.Scanned)) {
			p.count(report.Scanned[state], words[state])
		}
		p.count(report.Unfinished, "not finished: see the log, then run this again")
	}
	switch {
	case err != nil:
		return err
	case report.Unfinished > 0:
		return errors.New("some files have not been checked yet")
	case infected > 0:
		return exit{exitDamaged, errors.New("malware was found: see the lines above")}
	}
	return nil
}
