package cli

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// program registers buckets, of the names that lib has.
const registering = `package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"example.org/sample/names"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		for _, name := range names.All {
			var bucket pulumi.CustomResourceState
			if err := ctx.RegisterResource("aws:s3/bucketV2:BucketV2", name, pulumi.Map{
				"forceDestroy": pulumi.Bool(config.GetBool(ctx, "empty")),
				"bucket": pulumi.String("sample-" + os.Getenv("BUCKET")),
			}, &bucket); err != nil {
				return err
			}
		}
		if os.Getenv("CODE") == "" {
			return nil
		}
		var object pulumi.CustomResourceState
		return ctx.RegisterResource("aws:s3/bucketObject:BucketObject", "code", pulumi.Map{
			"bucket": pulumi.String("sample"), "key": pulumi.String("code.zip"),
			"source": pulumi.NewFileArchive(os.Getenv("CODE")),
		}, &object)
	})
}
`

// ruling is a program with rules.
const ruling = `package main

import (
	"errors"

	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

func main() {
	policy.Main(func(stack policy.Stack) (policy.Set, error) {
		if stack.Config["web:wrong"] != "" {
			return policy.Set{}, errors.New("web:wrong is set")
		}
		return policy.Set{Rules: []policy.Rule{{
			ID: "Sample.1", Says: "Buckets have a name of ours.",
			Check: policy.Each("aws:s3/bucketV2:BucketV2",
				func(_ *graph.Graph, env policy.Environment, r *graph.Resource) []policy.Violation {
					if r.Name == "ours" {
						return nil
					}
					return []policy.Violation{policy.At(r, "call it ours", "in %s (%t) it is called %s", env.Name,
						env.Production, r.Name)}
				}),
		}, {
			ID: "Sample.2", Says: "Nothing.",
			Check: func(*graph.Graph, policy.Environment) []policy.Violation { return nil },
		}}}, nil
	})
}
`

// checkout is a repository with a commit on main, of several projects: one with its program in the root module, one
// with a module and a workspace of its own, one in another language; and rules.
func checkout(t *testing.T) string {
	t.Helper()
	module := func(name string) string {
		text, err := os.ReadFile("../go.mod")
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`(?m)^module .*$`).ReplaceAllLiteralString(string(text), "module "+name)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := repository(t, map[string]string{
		"stackplan.yaml": `rules: tools/rules
projects:
  - folder: web
    environment: {BUCKET: one, CODE: ../../../dist/code.zip}
    production: [prod]
    migrations: db
    artifacts: {dist/code.zip: [lambda, "*.json"]}
  - folder: services/api
  - folder: site
exceptions:
  - {rule: Sample.1, resource: "*s", stacks: [prod], reason: Old ones keep their names.}
`,
		"go.mod": module("example.org/sample"), "go.sum": string(sums),
		"names/names.go":     "package names\n\nvar All = []string{\"files\"}\n",
		"web/Pulumi.yaml":    "name: web\nruntime: go\nmain: cmd/infra\nconfig:\n  aws:region: us-east-1\n",
		"web/cmd/infra/x.go": registering, "web/Pulumi.dev.yaml": "config: {empty: true}",
		"web/Pulumi.prod.yaml":         "config: {empty: false}",
		"lambda/handler.js":            "exports.handler = 1",
		"db/1.sql":                     "CREATE TABLE t (id INT);",
		"services/go.work":             "go 1.26.0\n\nuse (\n\t./api\n\t./lib\n)\n",
		"services/api/go.mod":          module("example.org/api"),
		"services/api/go.sum":          string(sums),
		"services/api/Pulumi.yaml":     "name: api\nruntime:\n  name: go\n  options: {buildTarget: bin/api}\n",
		"services/api/Pulumi.dev.yaml": "config: {aws:region: eu-west-1}",
		"services/api/main.go":         strings.Replace(registering, "sample/names", "lib/names", 1),
		"services/lib/go.mod":          "module example.org/lib\n\ngo 1.26.0\n",
		"services/lib/names/x.go":      "package names\n\nvar All = []string{\"jobs\"}\n",
		"site/Pulumi.yaml":             "name: site\nruntime: nodejs\n",
		"site/index.ts":                "",
		"tools/rules/main.go":          ruling,
	})
	gitIn(t, dir, "init", "--quiet", "--initial-branch=main")
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "--quiet", "--message", "first")
	return dir
}

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=test", "-c",
		"user.email=test@example.org", "-c", "commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// replaceIn replaces a text that stands in a file once.
func replaceIn(t *testing.T, dir, name, old, now string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), old) != 1 {
		t.Fatalf("%q is in %s %d times: %v", old, name, strings.Count(string(text), old), err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, now, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRepository: a repository of several projects, with rules of its own, is planned as a whole.
func TestRepository(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	plan := func(what string, wanted int, args []string, wants ...string) string {
		t.Helper()
		var out, log bytes.Buffer
		status := Run(t.Context(), Project{}, append([]string{"--root", dir, "--base", "main"}, args...), &out, &log)
		if status != wanted {
			t.Errorf("%s: status %d, want %d\n%s\n%s", what, status, wanted, log.String(), out.String())
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: the plan does not say %q:\n%s", what, want, out.String())
			}
		}
		return out.String()
	}
	// Everywhere but in prod, which has an exception.
	out := plan("nothing", StatusClean, nil, "## Plan: nothing changes", "web/dev", "web/prod", "api/dev",
		"Project `site` in `site` is not looked at: `its program is not in Go: its runtime is nodejs`.",
		"in dev (false) it is called files", "in dev (true) it is called jobs", "Old ones keep their names.")
	if strings.Contains(out, "in prod") {
		t.Errorf("the exception is not heeded:\n%s", out)
	}
	plan("nothing, where what is inherited fails", StatusPolicy, []string{"--fail-inherited"},
		"## Plan: nothing changes",
		"**Inherited from main", "2 places where rules are broken")
	linked := func() fs.FileInfo {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, ".stackplan", "head-web"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	was := linked()
	replaceIn(t, dir, "stackplan.yaml", "rules: tools/rules", "failInherited: true\nrules: tools/rules")
	plan("the same by the file", StatusPolicy, nil)
	if !os.SameFile(was, linked()) {
		t.Error("a program was linked again after a change of a file that it is not made of")
	}
	gitIn(t, dir, "commit", "--quiet", "--all", "--message", "stricter")
	gitIn(t, dir, "checkout", "--quiet", "-b", "laxer")
	replaceIn(t, dir, "stackplan.yaml", "failInherited: true\n", "")
	plan("a change that turns it off", StatusPolicy, nil)
	gitIn(t, dir, "commit", "--quiet", "--all", "--message", "laxer")
	gitIn(t, dir, "branch", "--quiet", "--force", "main")
	gitIn(t, dir, "checkout", "--quiet", "main")

	replaceIn(t, dir, "services/lib/names/x.go", "jobs", "ours")
	replaceIn(t, dir, "site/index.ts", "", "export {}")
	if err := os.WriteFile(filepath.Join(dir, "db/2.sql"), []byte("DROP TABLE t;"), 0o644); err != nil {
		t.Fatal(err)
	}
	all := contents(t, dir)
	plan("a module of the workspace, a program in another language, a migration", StatusDangerous,
		[]string{"--project", "services/api", "--migrations", "db"}, "create BucketV2 `ours`",
		"**BucketV2** `jobs` is deleted",
		"`db/2.sql` is **not safe")
	unchanged(t, "a plan of a workspace without sums", dir, all)
	replaceIn(t, dir, "lambda/handler.js", "1", "2")
	plan("the same, of all, and sources of an artifact", StatusDangerous, nil, "BucketObject `code`",
		"**The change touches it, and nothing here judges that.**")
	plan("one stack", StatusDangerous, []string{"--project", "web", "--stack", "prod", "--set", "BUCKET=other"})
	plan("an artifact that nothing stands for", StatusProgram, []string{"--project", "web", "--set", "CODE=a.zip"},
		"reading a.zip: there is no such file here: if a build makes it")
	gitIn(t, dir, "checkout", "--quiet", ".")
	if err := os.Remove(filepath.Join(dir, "db/2.sql")); err != nil {
		t.Fatal(err)
	}

	replaceIn(t, dir, "tools/rules/main.go", `r.Name == "ours"`, `r.Name != "none"`)
	replaceIn(t, dir, "tools/rules/main.go", `"Sample.2"`, `"Sample.3"`)
	plan("rules", StatusDangerous, nil, "rules dropped in api/dev and web/dev and web/prod",
		"It is no longer held to `Sample.2`.")
	replaceIn(t, dir, "tools/rules/main.go", `r.Name != "none"`, `undefined()`)
	plan("rules that do not compile", StatusProgram, nil, ": its rules could not be asked**", "undefined: undefined")
	gitIn(t, dir, "checkout", "--quiet", ".")
	replaceIn(t, dir, "web/Pulumi.dev.yaml", "empty: true", "empty: true, wrong: x")
	plan("configuration that rules cannot use", StatusProgram, nil, "**web/dev: its rules could not be asked**",
		"web:wrong is set")
	gitIn(t, dir, "checkout", "--quiet", ".")
	replaceIn(t, dir, "stackplan.yaml", "rule: Sample.1", "rule: Sample.9")
	plan("an exception of no rule", StatusProgram, nil, "exceptions name rules that there are not: Sample.9",
		"`stackplan.yaml`, which says what is planned, is part of the change.")
	replaceIn(t, dir, "stackplan.yaml", "folder: site", "fodler: site")
	plan("a configuration that cannot be read", StatusFailed, nil, `there is no key "fodler"`)
}

// TestUnconfigured: without a configuration, every project is found, and held to the rules that fit any.
func TestUnconfigured(t *testing.T) {
	t.Parallel()
	dir := checkout(t)
	gitIn(t, dir, "rm", "--quiet", "-r", "stackplan.yaml", "services")
	gitIn(t, dir, "commit", "--quiet", "--message", "second")
	var out, log bytes.Buffer
	replaceIn(t, dir, "names/names.go", "files", "others")
	if status := Run(t.Context(), Project{}, []string{"--root", dir, "--base", "main"}, &out, &log); status !=
		StatusDangerous {
		t.Errorf("status %d\n%s", status, log.String())
	}
	for _, want := range []string{"dev and prod", "create BucketV2 `others`", "Project `site`", "S3.8"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, out.String())
		}
	}
	if ignored, err := exec.CommandContext(t.Context(), "git", "-C", dir, "status", "--short").Output(); err != nil ||
		strings.Contains(string(ignored), "stackplan/") {
		t.Errorf("git sees what the plan built: %s, %v", ignored, err)
	}
}

// TestSubmodules: base has the files of its submodules as they were; where the clone lacks them, that is said. A
// project that the change removes is told.
func TestSubmodules(t *testing.T) {
	t.Parallel()
	library := committed(t, map[string]string{"one.txt": "one"})
	dir := committed(t, map[string]string{"go.mod": "module example.org/it\n\ngo 1.26\n", "a/Pulumi.yaml": "name: a\n" +
		"runtime: go\n", "a/main.go": "package main\n\nfunc main() {}\n"})
	gitIn(t, dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "deep/library")
	gitIn(t, dir, "commit", "--quiet", "--message", "second")
	replaceIn(t, library, "one.txt", "one", "two")
	gitIn(t, library, "commit", "--quiet", "--all", "--message", "second")
	gitIn(t, filepath.Join(dir, "deep", "library"), "-c", "protocol.file.allow=always", "pull", "--quiet")
	base := filepath.Join(t.TempDir(), "base")
	if _, err := checkOut(t.Context(), dir, "main", base); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(base, "deep", "library", "one.txt")); string(text) != "one" {
		t.Errorf("base has %q, %v", text, err)
	}
	clone := filepath.Join(dir, ".git", "modules", "deep", "library")
	if err := os.Rename(clone, clone+"-away"); err != nil {
		t.Fatal(err)
	}
	if it, err := checkOut(t.Context(), dir, "main", filepath.Join(t.TempDir(), "base")); err != nil ||
		!strings.Contains(strings.Join(it.notes, ""), "cannot be read, so that is without it. Git says: `") ||
		!strings.Contains(strings.Join(it.notes, ""), "not a git repository") {
		t.Errorf("of a clone that git refuses: %+v, %v", it, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "deep")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	status, out, _ := planOf(t, dir)
	if status != StatusDangerous {
		t.Errorf("status %d", status)
	}
	says(t, "without the submodule and the project", out, "The submodule `deep/library` of main",
		"stack dropped in dev", "until `pulumi destroy`")
}
