package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"dossier.example/infra/graph"
	"dossier.example/infra/internal/engine"
	"dossier.example/infra/plan"
	"dossier.example/infra/release"
	"dossier.example/infra/settings"
)

// What is tested here is what a plan says of real changes: each golden file in testdata/plans is the comment that a reviewer reads, and each
// claim in it is held against what the engine then does. What the command itself does is tested beside it.

// planCase is a change of one thing.
type planCase struct {
	name string
	// stack is the one that the engine deploys; empty: none is.
	stack string
	// before and after are settings, of every stack or of the one that stack names.
	before, after values
	// release and migrations tell that they change.
	release, migrations bool
	// files are the migrations that are added.
	files []plan.File
	// without is a stack that base does not have.
	without string
	// patch is a change of the program's source: a file, what stands there and what is put in its place.
	patch [3]string
	// stops is a part of what AWS says to a deployment that it does not take to its end, which no plan can know.
	stops string
}

func planCases() []planCase {
	return []planCase{
		{name: "nothing", stack: "dev"},
		{name: "instance-type", stack: "dev", after: values{"service.instanceType": "t4g.medium"}},
		{name: "migration", stack: "dev", migrations: true, files: []plan.File{
			{Path: "app/migrations/people/00005_add_people_phone.sql", Text: "-- A number to call.\n\n-- +goose Up\nALTER TABLE people ADD COLUMN phone VARCHAR(40) NULL;\n"},
			{Path: "app/migrations/people/00006_drop_people_age.sql", Text: "-- +goose Up\nALTER TABLE people DROP COLUMN age;\n"},
		}},
		{name: "bucket-renamed", stack: "dev", patch: [3]string{"storage/storage.go", `}.create(ctx, name+"-files", parent)`, `}.create(ctx, name+"-uploads", parent)`}},
		{name: "protection-off", stack: "prod", after: values{"protect": false}},
		{name: "port-22-to-the-world", stack: "dev", patch: [3]string{"network/groups.go",
			`		{internet, lb, 80, "Browsers by HTTP"},`, `		{internet, lb, 80, "Browsers by HTTP"}, {internet, jump, 22, "From anywhere"},`}},
		{name: "mysql-version", stack: "prod", after: values{"database.version": "9.7"}},
		{name: "two-nats", stack: "dev", after: values{"network.nat": "per-zone"}},
		{name: "alarm-threshold", stack: "dev", after: values{"observe.latencySeconds": 7}},
		{name: "new-environment", without: "prod"},
		{name: "app-only", stack: "dev", release: true},
		{name: "network-block", stack: "dev", after: values{"network.cidr": "10.9.0.0/16"}, stops: "Resource.AlreadyAssociated"},
		{name: "passwords", stack: "dev", after: values{"database.credentials": 2}},
		{name: "operators", stack: "dev", after: values{"jump.operatorCIDRs": []any{"203.0.113.0/24"}}},
		{name: "nat-instance-and-back", stack: "dev", before: values{"network.nat": "instance"}},
	}
}

// TestPlans compares each plan with its golden file, go test ./infra -run '^TestPlans$' -update writes them anew, and with the engine.
func TestPlans(t *testing.T) {
	for _, c := range planCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			program := c.patched(t)
			p := c.plan(t, program)
			text := p.Markdown()
			if again := c.plan(t, program).Markdown(); again != text {
				t.Error("the same change gave another plan")
			}
			if n := utf8.RuneCountInString(text); n > plan.Limit {
				t.Errorf("the plan has %d characters, and a comment takes %d", n, plan.Limit)
			}
			golden(t, filepath.Join("testdata", "plans", c.name+".md"), text)
			if c.stack != "" {
				i := slices.IndexFunc(p.Environments, func(e plan.Environment) bool { return e.Name == c.stack })
				c.deploy(t, program, p.Environments[i])
			}
		})
	}
}

// golden compares a text with a file, or writes it.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text == string(want) {
		return
	}
	got, wanted := strings.Split(text, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("%s differs from line %d on; look at what -update makes of it\ngot\n%s\nwant\n%s", file, i+1,
				strings.Join(got[min(i, len(got)):min(i+6, len(got))], "\n"), strings.Join(wanted[min(i, len(wanted)):min(i+6, len(wanted))], "\n"))
		}
	}
}

// plan makes the plan of a case. Program is the patched one, where there is a patch.
func (c planCase) plan(t *testing.T, program string) plan.Plan {
	t.Helper()
	first, second := c.sources(t)
	applied := migrationFiles(t)
	base := plan.Revision{Name: "main (0123456789)", Stacks: map[string]plan.Stack{}, Migrations: applied, Release: first.release.SHA256}
	head := plan.Revision{Name: "The working tree", Stacks: map[string]plan.Stack{}, Migrations: slices.Concat(applied, c.files), Release: second.release.SHA256}
	for _, name := range []string{"dev", "prod"} {
		var was graph.Before
		if name != c.without {
			s := planned(t, name, c.changed(name, c.before))
			var err error
			if s.Graph, err = graph.Record("dossier", name, s.Config, stack(first)); err != nil {
				t.Fatal(err)
			}
			base.Stacks[name] = s
			was = plan.After(s.Graph)
		}
		s := planned(t, name, c.changed(name, c.after))
		var err error
		if program == "" {
			s.Graph, err = graph.RecordAfter(was, "dossier", name, s.Config, stack(second))
		} else {
			s.Graph, err = graph.Run(t.Context(), graph.Program{Path: program, Dir: ".", Env: append(os.Environ(), release.StandIn+"="+second.release.Path)},
				was, "dossier", name, s.Config, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		head.Stacks[name] = s
	}
	return plan.Make(base, head)
}

// changed are the settings of a stack in a case.
func (c planCase) changed(name string, changed values) values {
	if c.stack != "" && name != c.stack {
		return nil
	}
	return changed
}

// sources are the releases and migrations of both sides. The text of the file is what a stand-in holds, so that patched programs name the
// same release.
func (c planCase) sources(t *testing.T) (first, second made) {
	t.Helper()
	first = fixed(t, "first release")
	second = first
	if c.release {
		second = fixed(t, "second release")
	}
	hash, err := release.Migrations(repository)
	if err != nil {
		t.Fatal(err)
	}
	first.migrations, second.migrations = hash, hash
	if c.migrations {
		second.migrations = "more migrations"
	}
	return first, second
}

func planned(t *testing.T, name string, changed values) plan.Stack {
	t.Helper()
	config := environment(t, name, changed)
	valid, err := settings.Parse(name, config["aws:region"], config[settings.Key])
	if err != nil {
		t.Fatal(err)
	}
	return plan.Stack{Config: config, Settings: &valid}
}

func migrationFiles(t *testing.T) (files []plan.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, "app/migrations/people/*.sql"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, plan.File{Path: strings.TrimPrefix(filepath.ToSlash(path), "../"), Text: string(text)})
	}
	return files
}

// patched builds the program with the patch, without a change on disk; empty where there is none.
func (c planCase) patched(t *testing.T) string {
	t.Helper()
	if c.patch[0] == "" {
		return ""
	}
	file, err := filepath.Abs(filepath.FromSlash(c.patch[0]))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), c.patch[1]); n != 1 {
		t.Fatalf("the patch is for a line that stands in %s %d times", c.patch[0], n)
	}
	dir := t.TempDir()
	other, overlay, program := filepath.Join(dir, "patched.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "program")
	raw, err := json.Marshal(map[string]any{"Replace": map[string]string{file: other}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{other: strings.Replace(string(source), c.patch[1], c.patch[2], 1), overlay: string(raw)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-overlay", overlay, "-o", program, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the patched program: %v\n%s", err, out)
	}
	return program
}

// deploy deploys base, then head, and compares what the engine does with what the plan says.
func (c planCase) deploy(t *testing.T, program string, planned plan.Environment) {
	t.Helper()
	first, second := c.sources(t)
	s := newStack(t, c.stack, c.changed(c.stack, c.before), first)
	succeed(t, s.Up())
	s.Configure(environment(t, c.stack, c.changed(c.stack, c.after)))
	var did engine.Result
	if program == "" {
		s.Program(stack(second))
		did = s.Up()
	} else {
		did = s.UpExecutable(engine.Executable{Path: program, Dir: ".", Env: []string{release.StandIn + "=" + second.release.Path}})
	}
	var said []string
	for _, change := range planned.Changes {
		said = append(said, fmt.Sprintf("%s %s %s", change.Action, change.Type, change.Name))
	}
	if c.stops != "" {
		if did.Err == nil || !strings.Contains(did.Err.Error(), c.stops) {
			t.Errorf("the engine should have stopped with %q: %v", c.stops, did.Err)
		}
		for _, change := range did.Changes {
			if !slices.Contains(said, change) {
				t.Errorf("not in the plan: %s", change)
			}
		}
		return
	}
	succeed(t, did)
	if len(said) == 0 {
		unchanged(t, "the deployment of nothing", did)
		return
	}
	compareLines(t, did.Changes, strings.Join(said, "\n"))
}
