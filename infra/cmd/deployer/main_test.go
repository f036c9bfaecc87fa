package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// call runs the command.
func call(args ...string) (status int, stdout, stderr string) {
	var out, errs strings.Builder
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestPrints(t *testing.T) {
	status, stdout, stderr := call("--stack", "dev", "--account", "123456789012", "--region", "us-east-1")
	var policies map[string]struct{ Statement []any }
	if err := json.Unmarshal([]byte(stdout), &policies); err != nil || status != 0 || stderr != "" {
		t.Fatalf("status %d, %q, %v", status, stderr, err)
	}
	for _, name := range []string{"dossier-dev-deploy-network", "dossier-dev-deploy-access", "dossier-dev-boundary"} {
		if len(policies[name].Statement) == 0 {
			t.Errorf("%s has no statement", name)
		}
	}
	if strings.Contains(stdout, "route53") || strings.Contains(stdout, "wafv2") {
		t.Error("a stack without a domain and a web ACL is allowed what they need")
	}
	_, stdout, _ = call("--stack", "prod", "--account", "123456789012", "--region", "us-east-1", "--domain",
		"files.example.org", "--zone", "Z0123456789ABCDEFGHIJ",
		"--web-acl",
		"arn:aws:wafv2:us-east-1:123456789012:regional/webacl/dossier/01234567-89ab-cdef-0123-456789abcdef")
	for _, want := range []string{"hostedzone/Z0123456789ABCDEFGHIJ", `"_*.files.example.org"`,
		"wafv2:AssociateWebACL"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%s does not stand in the policies of a stack with a domain and a web ACL", want)
		}
	}
}

func TestWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policies")
	status, stdout, stderr := call("--stack", "dev", "--account", "123456789012", "--region", "us-east-1", "--dir", dir)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, %q", status, stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		raw, err := os.ReadFile(file)
		if err != nil || !json.Valid(raw) {
			t.Errorf("%s: %v, %q", name, err, raw)
		}
		made := "aws iam create-policy --policy-name " + name + " --policy-document file://" + file + "\n"
		attached := "aws iam attach-role-policy --role-name dossier-deploy-dev --policy-arn " +
			"arn:aws:iam::123456789012:policy/" + name + "\n"
		if !strings.Contains(stdout, made) {
			t.Errorf("%q is not told", made)
		}
		if strings.Contains(stdout, attached) == (name == "dossier-dev-boundary") {
			t.Errorf("%q: all but the boundary are the role's", attached)
		}
	}
	if lines := strings.Split(stdout, "\n"); !slices.Contains(lines,
		"pulumi config set --stack dev --path dossier:settings.access.boundary "+
			"arn:aws:iam::123456789012:policy/dossier-dev-boundary") {
		t.Errorf("the setting is not told in %q", lines)
	}
}

func TestRefuses(t *testing.T) {
	status, stdout, stderr := call("--stack", "Dev", "--region", "Frankfurt", "--zone", "/hostedzone/Z1", "--web-acl",
		"dossier", "more")
	if status != 2 || stdout != "" {
		t.Errorf("status %d, output %q", status, stdout)
	}
	for _, want := range []string{`--stack is "Dev"`, `--account is ""`, `--region is "Frankfurt"`, "--zone is",
		"--web-acl is", "--domain and --zone go together", `"more"`} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not told in %q", want, stderr)
		}
	}
	if status, _, stderr := call("--dir", filepath.Join(os.DevNull, "x"), "--stack", "dev", "--account", "123456789012",
		"--region", "us-east-1"); status != 1 || !strings.Contains(stderr, "making the folder") {
		t.Errorf("a folder that cannot be: status %d, %q", status, stderr)
	}
	long := strings.Repeat("a", 65-len("dossier-deploy-"))
	if status, _, stderr := call("--stack", long, "--account", "123456789012", "--region", "us-east-1"); status != 2 ||
		!strings.Contains(stderr, "exceeds IAM's limit by 1 characters") {
		t.Errorf("a long name: status %d, %q", status, stderr)
	}
	if status, _, _ := call("--help"); status != 0 {
		t.Errorf("--help: status %d", status)
	}
}
