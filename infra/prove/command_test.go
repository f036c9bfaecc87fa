package prove_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/prove"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// lately has what a world says in times be of today, for the command has a clock.
func (w *world) lately() *world {
	living := w.live()
	return living.world
}

func TestReports(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		status int
		// says is what each form of the report says.
		table, markdown []string
		result          string
	}{
		{"good", func(*world) {}, 0, []string{"database/encrypted", "true", "0 wrong, 0 not seen"},
			[]string{"<details><summary>Proven: ", "<details><summary>Do not apply: "}, prove.Proven},
		{"wrong", func(w *world) {
			awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
				*out.DBInstances[0].StorageEncrypted = false
			})
		}, 1, []string{"database/encrypted: Its volume is encrypted (RDS.3).\n  false\n  fix: restore it from an " +
			"encrypted copy of a snapshot", "1 wrong, 0 not seen"},
			[]string{"\n### Wrong\n", "| `database/encrypted`: Its volume is encrypted (RDS.3). | false | true | " +
				"restore it from an encrypted copy of a snapshot |"}, prove.Wrong},
		{"denied", func(w *world) { w.Deny("s3.GetBucketCors") }, 3,
			[]string{"storage/cors", "not checked: access denied, needs s3:GetBucketCORS", "0 wrong, 1 not seen"},
			[]string{"\n### Not seen\n", "grant s3:GetBucketCORS to the credentials in use"}, prove.Unseen},
		{"words of others", func(w *world) {
			awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
				status := "a|b\n<img>"
				out.DBInstances[0] = with(out.DBInstances[0], &status)
			})
		}, 1, []string{"database/status"}, []string{`a\|b &lt;img&gt;`}, prove.Wrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			for format, words := range map[string][]string{"table": c.table, "markdown": c.markdown, "json": nil} {
				w := deployed(t, "dev").lately()
				c.change(w)
				got := w.call(context.Background(), nil, "--format", format)
				if got.status != c.status {
					t.Errorf("%s: status %d, expected %d\n%s\n%s", format, got.status, c.status, got.stdout, got.stderr)
				}
				for _, word := range words {
					if !strings.Contains(got.stdout, word) {
						t.Errorf("%s does not say %q:\n%s", format, word, got.stdout)
					}
				}
				if format != "json" {
					continue
				}
				var report prove.Report
				if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
					t.Fatal(err)
				}
				if report.Version != 1 || report.Stack != "dev" || report.Region != region ||
					len(report.Points) != len(prove.Points()) || report.Count(c.result) == 0 {
					t.Errorf("%+v", report)
				}
			}
		})
	}
}

func with(d rdstypes.DBInstance, status *string) rdstypes.DBInstance {
	d.DBInstanceStatus = status
	return d
}

func TestUsage(t *testing.T) {
	w := deployed(t, "dev")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--format", "pdf"}, `--format "pdf" is not table, json or markdown`},
		{[]string{"--drills", "replace,fire"}, `unknown drill "fire"`},
		{[]string{"other"}, "name one stack"},
		{[]string{"--fast"}, "flag provided but not defined"},
		{[]string{"--dir", "elsewhere"}, "reading the stack's settings"},
	} {
		if got := w.call(context.Background(), nil, c.args...); got.status != 2 ||
			!strings.Contains(got.stderr, c.says) {
			t.Errorf("%q: status %d, %s", c.args, got.status, got.stderr)
		}
	}
	w.stack.Outputs.Release = ""
	if got := w.call(context.Background(), nil); got.status != 2 ||
		!strings.Contains(got.stderr, `the stack dev has no output release: run "pulumi up" to its end first`) {
		t.Errorf("status %d, %s", got.status, got.stderr)
	}
	if got := w.call(context.Background(), nil, "--help"); got.status != 0 ||
		!strings.Contains(got.stdout, "  rollback ") || !strings.Contains(got.stdout, "Exit status: 0") {
		t.Errorf("status %d, %s", got.status, got.stdout)
	}
	if len(w.Calls()) > 0 {
		t.Errorf("called %q", w.Calls())
	}
}
