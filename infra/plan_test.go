package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"dossier.example/infra/host/release"
	"dossier.example/infra/internal/golden"
	"dossier.example/infra/rules"
	"dossier.example/infra/settings"
	"dossier.example/plan"
	"dossier.example/plan/engine"
	"dossier.example/plan/graph"
)

// What is tested here is what a plan says of real changes: testdata/plans/nothing.md is a comment as a reviewer reads
// it, the other golden files leave out what they share with it, and each claim is held against what the engine then
// does. What the command itself does is tested beside it.

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
	// patch is a change of the program's source: a file, what stands there and what is put in its place. One program
	// has the patches of all cases, and patched(name) in it reports whether it runs for the case of that name.
	patch [3]string
	// stops is a part of what AWS says to a deployment that it does not take to its end, which no plan can know.
	stops string
	// oneWay is a change that AWS takes back for nobody.
	oneWay bool
}

func planCases() []planCase {
	return []planCase{
		{name: "nothing", stack: "dev"},
		{name: "instance-type", stack: "dev", after: values{"service.instanceType": "t4g.medium"}},
		{name: "migration", stack: "dev", migrations: true, files: []plan.File{
			{Path: "app/migrations/people/00005_add_people_phone.sql",
				Text: "-- A number to call.\n\n-- +goose Up\nALTER TABLE people ADD COLUMN phone VARCHAR(40) NULL;\n"},
			{Path: "app/migrations/people/00099_drop_people_age.sql",
				Text: "-- +goose Up\nALTER TABLE people DROP COLUMN age;\n"},
		}},
		{name: "bucket-renamed", stack: "dev",
			patch: [3]string{"storage/storage.go", `files.create(ctx, name+"-files", parent)`,
				`files.create(ctx, name+map[bool]string{false: "-files", true: "-uploads"}` +
					`[patched("bucket-renamed")], parent)`}},
		{name: "protection-off", stack: "prod", after: values{"protect": false}},
		{name: "port-22-to-the-world", stack: "dev", patch: [3]string{"network/groups.go", `	if args.HTTPS {`,
			`	if patched("port-22-to-the-world") { ` +
				`rules = append(rules, rule{internet, jump, 22, "From anywhere"}) }; if args.HTTPS {`}},
		{name: "mysql-version", stack: "prod",
			after: values{"database.version": "9.7", "database.allowMajorUpgrade": true}, oneWay: true},
		{name: "mysql-version-not-allowed", stack: "prod", after: values{"database.version": "9.7"},
			stops: "AllowMajorVersionUpgrade"},
		{name: "two-nats", stack: "dev", after: values{"network.nat": "per-zone"}},
		{name: "alarm-threshold", stack: "dev", after: values{"observe.latencySeconds": 7}},
		{name: "new-environment", without: "prod"},
		{name: "app-only", stack: "dev", release: true},
		{name: "network-block", stack: "dev", after: values{"network.cidr": "10.9.0.0/16"}, stops: "InvalidSubnet"},
		{name: "passwords", stack: "dev", after: values{"database.credentials": 2}},
		{name: "operators", stack: "dev", after: values{"jump.operatorCIDRs": []any{"203.0.113.0/24"}}},
		{name: "nat-instance-to-gateway", stack: "dev", before: values{"network.nat": "instance"}},
	}
}

// TestPlans compares each plan with its golden file, which go test ./infra -run '^TestPlans$/^comments$' -update writes
// anew, and then with the engine: it deploys each change, and takes it back. One stack serves all changes that leave it
// as it was.
func TestPlans(t *testing.T) {
	t.Parallel()
	// It is built when the first test needs it.
	dir := t.TempDir()
	patched := sync.OnceValues(func() (string, error) { return patchedProgram(dir, planCases()) })
	sides := func(t *testing.T, c planCase) (base, head side) {
		if c.patch[0] == "" {
			return c.sides(t, "")
		}
		program, err := patched()
		if err != nil {
			t.Fatal(err)
		}
		return c.sides(t, program)
	}
	t.Run("comments", func(t *testing.T) {
		t.Parallel()
		for _, c := range planCases() {
			t.Run(c.name, func(t *testing.T) {
				base, head := sides(t, c)
				c.comment(t, base, head)
			})
		}
	})
	for _, name := range []string{"dev", "prod"} {
		t.Run(name, func(t *testing.T) {
			endToEnd(t)
			t.Parallel()
			at, _ := planCase{}.sides(t, "")
			s := newStack(t, name, at.changed, at.from)
			succeed(t, s.Up())
			for _, c := range planCases() {
				if c.stack != name {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					base, head := sides(t, c)
					on := s
					if c.stops != "" || c.oneWay || c.before != nil {
						on = newStack(t, name, base.changed, base.from)
						succeed(t, on.Up())
					}
					c.holds(t, base, head, head.deploy(t, on, name))
					if c.stops == "" && !c.oneWay {
						c.holds(t, head, base, base.deploy(t, on, name))
					}
				})
			}
		})
	}
}

// comment compares the comment of a plan with its golden file.
func (c planCase) comment(t *testing.T, base, head side) {
	p := c.plan(t, base, head)
	text := p.Markdown()
	if again := c.plan(t, base, head).Markdown(); again != text {
		t.Error("the same change gave another plan")
	}
	if n := utf8.RuneCountInString(text); n > plan.Limit {
		t.Errorf("the plan has %d characters, and a comment takes %d", n, plan.Limit)
	}
	const whole = "testdata/plans/nothing.md"
	if c.name != "nothing" {
		nothing, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		text = apart(text, string(nothing))
	}
	golden.Compare(t, update, filepath.Join(filepath.Dir(whole), c.name+".md"), text)
}

// side is what a stack is made of before or after a change.
type side struct {
	changed values
	from    made
	// program is the executable of a program that is not this one; empty for this one. patch is the case whose patch
	// it has.
	program, patch string
}

// sides are the two of a case, for the stack that it is about.
func (c planCase) sides(t *testing.T, program string) (base, head side) {
	t.Helper()
	first, second := c.sources(t)
	return side{changed: c.before, from: first}, side{changed: c.after, from: second, program: program, patch: c.name}
}

// record runs the program of a side.
func (s side) record(t *testing.T, name string, before graph.Before) plan.Stack {
	t.Helper()
	config := environment(t, name, s.changed)
	valid, err := settings.Parse(name, config["aws:region"], config[settings.Key])
	if err != nil {
		t.Fatal(err)
	}
	held := rules.For(valid)
	recorded := plan.Stack{Project: "dossier", Config: config, Policy: &held}
	if s.program == "" {
		recorded.Graph, err = graph.RecordAfter(before, "dossier", name, config, stack(s.from))
	} else {
		recorded.Graph,
			err = graph.Run(t.Context(),
			graph.Program{Path: s.program, Dir: ".", Tree: "..", Read: []string{s.from.release.Path},
				Env: append(os.Environ(), s.env()...)},
			before, "dossier", name, config, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

// deploy brings a stack to a side.
func (s side) deploy(t *testing.T, to *engine.Stack, name string) engine.Result {
	t.Helper()
	to.Configure(environment(t, name, s.changed))
	if s.program != "" {
		return to.UpExecutable(engine.Executable{Path: s.program, Dir: ".",
			Env: s.env()})
	}
	to.Program(stack(s.from))
	return to.Up()
}

// env is what a patched program is told beside what any is.
func (s side) env() []string {
	return []string{release.StandIn + "=" + s.from.release.Path, patchVariable + "=" + s.patch}
}

// plan makes the plan from one side to the other. Settings that change do in the stack that the case is about.
func (c planCase) plan(t *testing.T, base, head side) plan.Plan {
	t.Helper()
	applied := migrationFiles(t)
	was := plan.Revision{Name: "main (0123456789)", Stacks: map[string]plan.Stack{},
		Migrations: applied, Release: base.from.release.SHA256}
	is := plan.Revision{Name: "The working tree", Stacks: map[string]plan.Stack{},
		Migrations: slices.Concat(applied, c.files), Release: head.from.release.SHA256}
	for _, name := range []string{"dev", "prod"} {
		from, to := base, head
		if c.stack != "" && name != c.stack {
			from.changed, to.changed = nil, nil
		}
		var before graph.Before
		if name != c.without {
			was.Stacks[name] = from.record(t, name, graph.Before{})
			before = plan.After(was.Stacks[name].Graph)
		}
		is.Stacks[name] = to.record(t, name, before)
	}
	return plan.Make(was, is)
}

// sources are the releases and migrations of both sides. The text of the file is what a stand-in holds, so that patched
// programs name the same release.
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

// patchVariable tells the patched program the case that it runs for.
const patchVariable = "DOSSIER_TEST_PATCH"

// patchedProgram builds the program with the patches of the cases, without a change on disk, into a folder. To link it
// takes longer than anything else here: it is linked once for all of them, and go run keeps what it links.
func patchedProgram(dir string, cases []planCase) (string, error) {
	texts := map[string]string{}
	for _, c := range cases {
		if c.patch[0] == "" {
			continue
		}
		file, err := filepath.Abs(filepath.FromSlash(c.patch[0]))
		if err != nil {
			return "", err
		}
		if texts[file] == "" {
			source, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			texts[file] = string(source)
		}
		if n := strings.Count(texts[file], c.patch[1]); n != 1 {
			return "", fmt.Errorf("the patch is for a line that stands in %s %d times", c.patch[0], n)
		}
		texts[file] = strings.Replace(texts[file], c.patch[1], c.patch[2], 1)
		folder := filepath.Dir(file)
		texts[filepath.Join(folder, "patched.go")] = fmt.Sprintf("package %s\n\nimport \"os\"\n\n"+
			"func patched(name string) bool { return os.Getenv(%q) == name }\n", filepath.Base(folder), patchVariable)
	}
	replace := map[string]string{}
	for file, text := range texts {
		other := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[file] = other
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "program")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "run", "-buildvcs=false", "-overlay", overlay, "-exec", "cp", ".", program)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the patched program: %w\n%s", err, out)
	}
	return program, nil
}

// holds compares what the engine did on the way from one side to the other with what the plan says of it.
func (c planCase) holds(t *testing.T, base, head side, did engine.Result) {
	t.Helper()
	before := base.record(t, c.stack, graph.Before{})
	after := head.record(t, c.stack, plan.After(before.Graph))
	p := plan.Make(plan.Revision{Stacks: map[string]plan.Stack{c.stack: before}},
		plan.Revision{Stacks: map[string]plan.Stack{c.stack: after}})
	var said []string
	for _, change := range p.Environments[0].Changes {
		// The name in the program: the plan calls what shares it with another by more.
		name := change.URN[strings.LastIndex(change.URN, ":")+1:]
		said = append(said, fmt.Sprintf("%s %s %s", change.Action, change.Type, name))
	}
	switch {
	case c.stops != "":
		if did.Err == nil || !strings.Contains(did.Err.Error(), c.stops) {
			t.Errorf("the engine should have stopped with %q: %v", c.stops, did.Err)
		}
		for _, change := range did.Changes {
			if !slices.Contains(said, change) {
				t.Errorf("not in the plan: %s", change)
			}
		}
	case len(said) == 0:
		unchanged(t, "the deployment of nothing", did)
	default:
		changes(t, did, said...)
	}
}
