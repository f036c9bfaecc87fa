package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dossier.example/infra/internal/golden"
	"dossier.example/plan"
	"dossier.example/plan/cli"
)

// The command is tested on a small repository of the same form as this one: an app, a Pulumi program with the real
// settings, two stacks. It compiles in seconds, and what is between a revision and its plan is the same: git, two
// builds, two runs.

// program is the infra/main.go of the small repository.
const program = `package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/settings"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		env, err := settings.Load(ctx, settings.Names(os.Getenv(pulumi.EnvConfig)))
		if err != nil {
			return err
		}
		if os.Getenv("AWS_SECRET_ACCESS_KEY") != "" {
			panic("there are credentials")
		}
		var bucket, command pulumi.CustomResourceState
		if err := ctx.RegisterResource("aws:s3/bucketV2:BucketV2", "files", pulumi.Map{"forceDestroy": pulumi.Bool(!env.Protect)}, &bucket); err != nil {
			return err
		}
		file := os.Getenv("DOSSIER_PLAN_RELEASE")
		if err := ctx.RegisterResource("command:local:Command", "rollout", pulumi.Map{
			"create": pulumi.String("true"), "triggers": pulumi.Array{pulumi.String(file[len(file)-64:]), bucket.ID()},
		}, &command, pulumi.ReplaceOnChanges([]string{"triggers[*]"})); err != nil {
			return err
		}
		// WHAT FOLLOWS
		ctx.Export("release", pulumi.String(released(file)))
		return nil
	})
}
`

// released is what release.Open makes of a file, for the export.
const released = `package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
)

func released(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
`

// small is a small repository with one commit, on the branch main.
type small struct {
	t    *testing.T
	root string
}

func newSmall(t *testing.T) *small {
	t.Helper()
	s := &small{t, t.TempDir()}
	for from, to := range map[string]string{
		"../../go.mod": "infra/go.mod", "../../go.sum": "infra/go.sum", "../../../go.work.sum": "go.work.sum",
		"../../../Pulumi.yaml":          "Pulumi.yaml",
		"../../../stackplan.yaml":       "stackplan.yaml",
		"../../host/release/rds-ca.pem": "infra/host/release/rds-ca.pem",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		// Nothing of the small program is of the module plan.
		s.write(to, regexp.MustCompile(`(?m)^.*dossier\.example/plan.*\n`).ReplaceAllString(string(text), ""))
	}
	for _, dir := range []string{"infra/settings", "infra/host/userdata", "app/bounds", "app/setting"} {
		files, err := filepath.Glob("../../../" + dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if text, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			} else if !strings.HasSuffix(file, "_test.go") {
				s.write(dir+"/"+filepath.Base(file), string(text))
			}
		}
	}
	if err := os.CopyFS(filepath.Join(s.root, "infra/host/userdata/templates"),
		os.DirFS("../../host/userdata/templates")); err != nil {
		t.Fatal(err)
	}
	s.write("go.work", "go 1.26.0\n\nuse (\n\t./app\n\t./infra\n)\n")
	s.write("app/go.mod", "module dossier.example/app\n\ngo 1.26.0\n")
	s.write("app/cmd/dossier/main.go", "package main\n\nfunc main() {}\n")
	s.write("app/migrations/people/00001_create_people.sql",
		"-- +goose Up\nCREATE TABLE IF NOT EXISTS people (id CHAR(36) NOT NULL);\n")
	s.write("infra/main.go", program)
	s.write("infra/released.go", released)
	s.write("Pulumi.dev.yaml", "config:\n  aws:region: us-east-1\n  dossier:settings:\n    preset: dev\n")
	s.write("Pulumi.prod.yaml", "config:\n  aws:region: us-east-1\n  dossier:settings:\n    preset: prod\n    site: "+
		"{domain: files.example.org, zoneId: Z0123456789ABCDEFGHIJ}\n    observe: {email: a@example.org}\n")
	s.write(".gitignore", "/bin/\n")
	s.git("init", "--quiet", "--initial-branch=main")
	s.commit()
	return s
}

func (s *small) write(path, text string) {
	s.t.Helper()
	file := filepath.Join(s.root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// edit replaces a text that stands in a file once.
func (s *small) edit(path, old, now string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(path)))
	if err != nil || strings.Count(string(text), old) != 1 {
		s.t.Fatalf("%q stands in %s %d times: %v", old, path, strings.Count(string(text), old), err)
	}
	s.write(path, strings.Replace(string(text), old, now, 1))
}

func (s *small) git(args ...string) {
	s.t.Helper()
	cmd := exec.Command("git",
		append([]string{"-C", s.root, "-c", "user.name=test", "-c", "user.email=test@example.org", "-c",
			"commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (s *small) commit() {
	s.t.Helper()
	s.git("add", "-A")
	s.git("commit", "--quiet", "--message", "change")
}

// plan runs the command against main.
func (s *small) plan(args ...string) (status int, out, log string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	status = cli.Run(s.t.Context(), project, append([]string{"--root", s.root, "--base", "main"}, args...), &stdout,
		&stderr)
	return status, stdout.String(), stderr.String()
}

// wants checks a plan.
func (s *small) wants(what string, wanted int, wants ...string) string {
	s.t.Helper()
	status, out, log := s.plan()
	if status != wanted {
		s.t.Errorf("%s: status %d, want %d\n%s\n%s", what, status, wanted, log, out)
	}
	for _, want := range wants {
		if !strings.Contains(out, want) {
			s.t.Errorf("%s: the plan does not say %q:\n%s", what, want, out)
		}
	}
	return out
}

// commitName is how the plan calls base; what could be a link to a commit is code.
var commitName = regexp.MustCompile("main \\(`?[0-9a-f]{10}`?\\)")

// TestMain sets what no program may see.
func TestMain(m *testing.M) {
	if err := os.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestPlan(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	// The rules are about stacks that are whole, which the small one is not: most are broken, before and after.
	out := s.wants("nothing", cli.StatusClean, "## Plan: nothing changes", "Migrations: none. App: unchanged.")
	if again := s.wants("nothing, again", cli.StatusClean); again != out {
		t.Error("the same gave another plan")
	}
	if !commitName.MatchString(out) {
		t.Error("the plan does not name the commit that it is against")
	}

	s.write("app/cmd/dossier/main.go", "package main\n\nfunc main() { println() }\n")
	s.wants("the app", cli.StatusClean, "App: another release.", "run again Command `rollout`",
		"### Changes in dev and prod")

	s.write("app/migrations/people/00002_drop.sql", "-- +goose Up\nDROP TABLE people;\n")
	s.wants("a migration", cli.StatusDangerous, "`app/migrations/people/00002_drop.sql` is **not safe",
		"DROP is no statement that only adds")
	s.git("checkout", "--quiet", "HEAD", "--", "app")
	if err := os.Remove(filepath.Join(s.root, "app/migrations/people/00002_drop.sql")); err != nil {
		t.Fatal(err)
	}

	s.edit("infra/main.go", `"files", pulumi.Map{`, `"uploads", pulumi.Map{`)
	s.wants("the program", cli.StatusDangerous, "**BucketV2** `files` is deleted, and its objects with it",
		"create BucketV2 `uploads`",
		"`triggers`: `[\"{id of BucketV2 files}\"]` → `[\"{id of BucketV2 uploads}\"]`")
	s.files()
	s.edit("infra/main.go", `// WHAT FOLLOWS`, `undefined()`)
	out = s.wants("a program that does not compile", cli.StatusProgram, "## Plan: the program does not compile",
		"undefined: undefined")
	golden.Compare(t, update, "testdata/does-not-compile.md", commitName.ReplaceAllString(out, "main (0123456789)"))
	s.edit("infra/main.go", `undefined()`, `panic("on purpose")`)
	s.wants("a program that fails", cli.StatusProgram, "**dev, prod: the program fails**", "on purpose",
		"no plan for dev and prod")
	s.git("checkout", "--quiet", "HEAD", "--", "infra")

	s.edit("Pulumi.prod.yaml", "preset: prod", "preset: prod\n    network: {zones: 9}\n    servise: {min: 2}")
	out = s.wants("settings", cli.StatusSettings, "no plan for prod", "network.zones = 9", "servise", "| dev | prod |")
	golden.Compare(t, update, "testdata/settings.md", commitName.ReplaceAllString(out, "main (0123456789)"))
	s.git("checkout", "--quiet", "HEAD", "--", ".")

	s.edit("Pulumi.prod.yaml", "preset: prod", "preset: prod\n    protect: false")
	s.wants("protection", cli.StatusDangerous,
		"> [!CAUTION]\n> - prod: **BucketV2** `files`: it is emptied and deleted instead of refusing deletion")
	s.git("checkout", "--quiet", "HEAD", "--", ".")

	s.git("rm", "--quiet", "Pulumi.prod.yaml")
	s.write("Pulumi.other.yaml", "config:\n  aws:region: us-east-1\n")
	s.wants("environments", cli.StatusPolicy, "**other is new:**", "what is deployed stays until `pulumi destroy`",
		"- create BucketV2 `files` with ", "- create Command `rollout` with ")
}

// files: JSON has all of it.
func (s *small) files() {
	s.t.Helper()
	status, out, log := s.plan("--format", "json")
	if status != cli.StatusDangerous {
		s.t.Fatalf("status %d: %s", status, log)
	}
	var p plan.Plan
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		s.t.Fatal(err)
	}
	if p.Version != plan.Version || len(p.Environments) != 2 || len(p.Environments[0].Changes) != 3 ||
		p.Environments[0].Changes[0].Action != plan.Delete {
		s.t.Errorf("the plan is %+v", p)
	}
	if !strings.Contains(log, "plan: made in ") || !strings.Contains(log, "running the programs") {
		s.t.Errorf("it does not tell how long it took: %s", log)
	}
}

// TestBase: a base that cannot be compared is told, and head is looked at all the same.
func TestBase(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	s.git("branch", "--quiet", "change")
	for _, c := range []struct {
		name     string
		old, now string
		wants    []string
	}{
		{"does not compile", `// WHAT FOLLOWS`, `undefined()`,
			[]string{"**Nothing is compared:** the program of main", "does not compile"}},
		{"fails", `// WHAT FOLLOWS`, `panic("on purpose")`,
			[]string{"**dev and prod are not compared:**", "the program fails", "on purpose"}},
		{"is older than plans", `released(file)`, `"0123"`,
			[]string{"is older than plans are and builds the app itself"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &small{t, s.root}
			s.git("checkout", "--quiet", "-f", "change")
			s.git("branch", "--quiet", "-f", "main", "HEAD")
			s.git("checkout", "--quiet", "main")
			s.edit("infra/main.go", c.old, c.now)
			if c.name == "is older than plans" {
				// It takes what it is given, or nothing, and tells another hash either way.
				s.edit("infra/main.go", `file[len(file)-64:]`, `file`)
			}
			s.commit()
			s.git("checkout", "--quiet", "-b", "head-"+strings.ReplaceAll(c.name, " ", "-"))
			if c.name != "is older than plans" {
				s.edit("infra/main.go", c.now, c.old)
			}
			// What a base that runs breaks is inherited.
			status := cli.StatusPolicy
			if c.name == "is older than plans" {
				status = cli.StatusClean
			}
			s.wants(c.name, status, c.wants...)
		})
	}
}

// TestWithout: a base that has no program yet is one without stacks.
func TestWithout(t *testing.T) {
	t.Parallel()
	s := newSmall(t)
	for _, missing := range []string{"infra", "Pulumi.yaml"} {
		s.git("checkout", "--quiet", "-f", "-B", "main", "main~0")
		s.git("rm", "--quiet", "-r", missing)
		s.commit()
		s.git("checkout", "--quiet", "-b", "with-"+missing)
		s.git("revert", "--no-edit", "HEAD")
		s.wants("a base without "+missing, cli.StatusPolicy,
			"has no program of project `dossier`, so every stack of it is a new one.",
			"**dev and prod are new:** everything is created.", "- create BucketV2 `files` with ")
		s.git("checkout", "--quiet", "-f", "-B", "main")
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		status int
		log    string
	}{
		{"help", []string{"-h"}, cli.StatusClean, "-base"},
		{"another format", []string{"--format", "html"}, cli.StatusUsage, "the format is markdown, json or sarif"},
		{"an unknown flag", []string{"--bass", "x"}, cli.StatusUsage, "-bass"},
		{"an argument", []string{"main"}, cli.StatusUsage, "nothing follows the flags"},
		{"a flag as the base", []string{"--base=--all"}, cli.StatusUsage, "the base a revision"},
		{"no repository", []string{"--root", t.TempDir()}, cli.StatusFailed,
			"the root folder is in no repository that git can use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, log bytes.Buffer
			if status := cli.Run(t.Context(), project, c.args, &out, &log); status != c.status {
				t.Errorf("status %d, want %d\n%s", status, c.status, log.String())
			}
			wrote := ""
			if c.status == cli.StatusFailed {
				wrote = "## Plan: there is none\n"
			}
			if !strings.Contains(log.String(), c.log) || !strings.HasPrefix(out.String(), wrote) ||
				(wrote == "") != (out.Len() == 0) {
				t.Errorf("it wrote %q and said %q, want %q", out.String(), log.String(), c.log)
			}
		})
	}
}

var update = golden.Update()
