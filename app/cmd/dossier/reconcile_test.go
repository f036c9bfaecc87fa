package main

import (
	"bytes"
	"strings"
	"testing"

	"dossier.example/app"
)

// Each line of a dry run says by itself that it was one.
func TestDryRunIsTold(t *testing.T) {
	done := dossier.Repair{What: dossier.RepairFinished, Person: "p", File: "f"}
	for _, c := range []struct {
		asJSON, dryRun bool
		want           string
	}{
		{false, false, "finished upload: person p, file f\n"},
		{false, true, "dry run, nothing was changed: finished upload: person p, file f\n"},
		{true, false, `{"what":"finished upload","person":"p","file":"f"}` + "\n"},
		{true, true, `{"what":"finished upload","person":"p","file":"f","dry_run":true}` + "\n"},
	} {
		var out bytes.Buffer
		p := program{stdout: &out}
		p.repairs(c.asJSON, c.dryRun)(done)
		if got := out.String(); got != c.want {
			t.Errorf("JSON %v, dry run %v: printed %q, want %q", c.asJSON, c.dryRun, strings.TrimSpace(got), c.want)
		}
	}
}
