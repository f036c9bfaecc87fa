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
		Long: `Check stored files for malware by the scanner that DOSSIER_SCANNER names: those that none ever checked, as are
files that are older than the scanner; those that wait for their check; and those whose check failed. It can run beside
servers, and be ended and repeated: what was checked is left out the next time.

With DOSSIER_SCANNER=guardduty this reads again what GuardDuty said, and has it check nothing: for that send
"aws guardduty send-object-malware-scan" for each object before, then run this with --unscanned.

A file keeps its state until there is a verdict, so nothing that is handed out is withheld meanwhile.

Prints a line for each file in which malware was found, and a summary. Exit status: 0 all were checked, 1 some could not
be, 3 malware was found.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.scan(c.Context(), o, asJSON) },
	}
	f := c.Flags()
	f.BoolVar(&o.All, "all", false, "check every file, also those that were checked, as after new signatures")
	f.BoolVar(&o.Unscanned, "unscanned", false, "check also files that were not checked as a whole, as after new limits")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line: infected files, then the report")
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
	if asJSON {
		_ = enc.Encode(report)
	} else {
		fmt.Fprintf(p.stdout, "Of %d stored files:\n", report.Files)
		words := map[dossier.ScanState]string{dossier.ScanClean: "checked: nothing found",
			dossier.ScanInfected: "checked: MALWARE found", dossier.ScanNone: "could not be checked as a whole"}
		for _, state := range slices.Sorted(maps.Keys(report.Scanned)) {
			p.count(report.Scanned[state], words[state])
		}
		p.count(report.Unfinished, "not finished: see the log, or run this again")
	}
	switch {
	case err != nil:
		return err
	case report.Unfinished > 0:
		return errors.New("some files are not checked yet")
	case infected > 0:
		return exit{exitDamaged, errors.New("malware was found: see the lines above")}
	}
	return nil
}
