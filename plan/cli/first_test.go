package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// single is a repository of one project in Go with stacks dev and prod and no configuration, with a commit on main.
func single(t *testing.T) string {
	t.Helper()
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	return committed(t, map[string]string{
		"go.mod": regexp.MustCompile(`(?m)^module .*$`).ReplaceAllLiteralString(string(module),
			"module example.org/sample"),
		"go.sum": string(sums), "main.go": registering, "names/names.go": "package names\n\nvar All = " +
			"[]string{\"files\"}\n",
		"Pulumi.yaml":      "name: web\nruntime: go\n",
		"Pulumi.dev.yaml":  "config: {aws:region: eu-west-1}\n",
		"Pulumi.prod.yaml": "config: {aws:region: eu-west-1}\n",
	})
}

// TestFirstConfiguration: a change that adds, narrows or removes the configuration hides no stack and no project, and
// excuses nothing unseen.
func TestFirstConfiguration(t *testing.T) {
	t.Parallel()
	dir := single(t)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const dev, both = "projects: [{folder: ., stacks: [dev]}]\n", "projects: [{folder: ., stacks: [dev, prod]}]\n"
	excused := func(list string) string {
		return list + "exceptions: [{rule: S3.8, resource: files, reason: It is a sample.}]\n"
	}
	const left = "Stack `prod` of project `web` in `.` is not looked at: `stackplan.yaml leaves it out`."
	const counted = left + " **The change touches it, and nothing here judges that.**"
	for _, c := range []struct {
		name, base, head string
		more             func()
		status           int
		wants, not       []string
	}{
		{"it comes and leaves out a stack that changes", "", dev,
			func() { write("Pulumi.prod.yaml", "config: {aws:region: us-east-1}\n") }, StatusDangerous,
			[]string{"1 change that nothing here judges", counted, "`stackplan.yaml`, which says what is planned, " +
				"comes"},
			[]string{"stack dropped"}},
		{"it comes with an exception", "", excused(both), nil, StatusClean,
			[]string{"## Plan: nothing changes in AWS; rules get exceptions", "comes with the change",
				"**S3.8** **(new)** (BucketV2 files): It is a sample."},
			[]string{"no longer found", "not looked at"}},
		{"it comes and says what is found anyway", "", "projects: [{folder: ., environment: {BUCKET: a}}]\n", nil,
			StatusClean, []string{"## Plan: nothing changes", "comes with the change"}, []string{"not looked at"}},
		{"it comes and says what is production", "", "projects: [{folder: ., production: [prod]}]\n", nil,
			StatusDangerous,
			[]string{"rules dropped in dev", "no longer a stack of production"}, nil},
		{"it is narrowed", both, dev, nil, StatusDangerous, []string{counted, "| no longer looked at |", "is part of"},
			[]string{"stack dropped", "removed", "pulumi destroy"}},
		{"it leaves out as it did", dev, dev, nil, StatusClean, []string{left, "## Plan: nothing changes"},
			[]string{"nothing here judges that"}},
		{"it leaves out as it did, and the stack changes", dev, dev,
			func() { write("Pulumi.prod.yaml", "config: {aws:region: us-east-1}\n") }, StatusDangerous,
			[]string{counted}, nil},
		{"it goes with its exception", excused(both), "", nil, StatusPolicy,
			[]string{"is gone with the change", "newly broken"}, []string{"not looked at"}},
		{"the program is in another language", "", "", func() { write("Pulumi.yaml", "name: web\nruntime: nodejs\n") },
			StatusDangerous, []string{"its runtime is nodejs", "no longer looked at"},
			[]string{"stack dropped", "removed"}},
		{"the project gets another name", "", "", func() { write("Pulumi.yaml", "name: shop\nruntime: go\n") },
			StatusPolicy, []string{"stack dropped in web/dev and web/prod", "is called `shop` instead of `web`"},
			[]string{"was removed"}},
	} {
		// One after the other: they share what is built.
		gitIn(t, dir, "checkout", "--quiet", "--force", "main")
		gitIn(t, dir, "clean", "--quiet", "-d", "--force")
		gitIn(t, dir, "checkout", "--quiet", "-B", "base")
		if c.base != "" {
			write("stackplan.yaml", c.base)
			gitIn(t, dir, "add", "-A")
			gitIn(t, dir, "commit", "--quiet", "--message", "base")
		}
		if write("stackplan.yaml", c.head); c.head == "" {
			if err := os.Remove(filepath.Join(dir, "stackplan.yaml")); err != nil {
				t.Fatal(err)
			}
		}
		if c.more != nil {
			c.more()
		}
		status, out, log := planOf(t, dir, "--base", "base")
		if status != c.status {
			t.Errorf("%s: status %d, want %d\n%s\n%s", c.name, status, c.status, log, out)
		}
		says(t, c.name, out, c.wants...)
		for _, not := range c.not {
			if strings.Contains(out, not) {
				t.Errorf("%s: it says %q:\n%s", c.name, not, out)
			}
		}
	}
}
