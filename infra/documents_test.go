package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"dossier.example/infra/host/release"
	"dossier.example/infra/rollout"
	"dossier.example/infra/settings"
	"dossier.example/plan/drawing"
	"dossier.example/plan/graph"
	"dossier.example/plan/prices"
)

// The documents are kept true by what the program itself gives: go test ./infra -run '^TestDocuments$' -update
var update = flag.Bool("update", false, "write the generated parts of docs/ anew")

const repository = ".."

// documented is what a stack of the repository's own configuration is and creates.
type documented struct {
	settings settings.Settings
	graph    *graph.Graph
}

// noRelease stands in for the release: what is uploaded changes no document.
type noRelease struct{ path string }

func (n noRelease) Release(context.Context) (release.Release, error) {
	hash := strings.Repeat("0123456789abcdef", 4)
	return release.Release{Path: n.path, SHA256: hash, Key: "releases/" + hash + ".tar.gz", Size: 1}, nil
}
func (n noRelease) Migrations() (string, error) { return release.Migrations(repository) }

// recordStack runs the program of a stack with a configuration as Pulumi.<stack>.yaml holds it.
func recordStack(stackName string, config map[string]any) (documented, error) {
	var d documented
	flat := map[string]string{}
	for key, value := range config {
		text, is := value.(string)
		if !is {
			raw, err := json.Marshal(value)
			if err != nil {
				return d, err
			}
			text = string(raw)
		}
		flat[key] = text
	}
	dir, err := os.MkdirTemp("", "dossier-documents-")
	if err != nil {
		return d, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "release.tar.gz")
	if err := os.WriteFile(file, []byte("-"), 0o600); err != nil {
		return d, err
	}
	if d.settings, err = settings.Parse(stackName, flat["aws:region"], flat[settings.Key]); err != nil {
		return d, err
	}
	d.graph, err = graph.Record("dossier", stackName, flat, stack(noRelease{file}))
	return d, err
}

// documentedStacks are dev and prod, as the repository configures them.
var documentedStacks = sync.OnceValues(func() (map[string]documented, error) {
	all := map[string]documented{}
	for _, name := range []string{"dev", "prod"} {
		raw, err := os.ReadFile(filepath.Join(repository, "Pulumi."+name+".yaml"))
		if err != nil {
			return nil, err
		}
		var file struct{ Config map[string]any }
		if err := yaml.Unmarshal(raw, &file); err != nil {
			return nil, fmt.Errorf("Pulumi.%s.yaml: %w", name, err)
		}
		if all[name], err = recordStack(name, file.Config); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func stacks(t *testing.T) (dev, prod documented) {
	t.Helper()
	all, err := documentedStacks()
	if err != nil {
		t.Fatal(err)
	}
	return all["dev"], all["prod"]
}

// withOperators is a stack named prod with operators, who make a few more resources.
func withOperators(t *testing.T) documented {
	t.Helper()
	d, err := recordStack("prod", map[string]any{"aws:region": "us-east-1", settings.Key: map[string]any{
		"jump": map[string]any{"operatorCIDRs": []string{"203.0.113.0/24"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func document(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestDocuments: the generated parts of the documents are what the program gives.
func TestDocuments(t *testing.T) {
	dev, prod := stacks(t)
	for _, part := range []struct{ file, name, want string }{
		{"docs/deploy.md", "costs", prices.Document(prices.Environment{Name: "dev", Bill: prices.Idle(dev.graph)}, prices.Environment{Name: "prod", Bill: prices.Idle(prod.graph)})},
		{"docs/deploy.md", "timeouts", timeouts(dev.settings, prod.settings)},
		{"docs/deploy.md", "parameters", parameterTable(withOperators(t).graph)},
		{"docs/deploy.md", "alarms", alarmTable(dev.graph, prod.graph)},
		{"docs/architecture.md", "drawing", "```mermaid\n" + drawing.Of(prod.graph).Mermaid() + "```\n"},
		{"docs/architecture.md", "reach", reachTable(prod.graph)},
		{"docs/architecture.md", "packages", packageTable(t)},
	} {
		t.Run(part.name, func(t *testing.T) {
			text := document(t, part.file)
			from, to, err := section(text, part.name)
			if err != nil {
				t.Fatalf("%s: %v", part.file, err)
			}
			want := "\n\n" + part.want + "\n"
			if text[from:to] == want {
				return
			}
			if !*update {
				t.Errorf("%s: what stands between the marks of %q is not what the program gives; go test ./infra -run '^TestDocuments$' -update writes it anew\ngot\n%s\nwant\n%s",
					part.file, part.name, text[from:to], want)
				return
			}
			if err := os.WriteFile(filepath.Join(repository, part.file), []byte(text[:from]+want+text[to:]), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// section is what stands between the marks of a generated part.
func section(text, name string) (from, to int, err error) {
	open, end := "<!-- "+name+" -->", "<!-- /"+name+" -->"
	from, to = strings.Index(text, open)+len(open), strings.Index(text, end)
	if strings.Count(text, open) != 1 || strings.Count(text, end) != 1 || to < from {
		return 0, 0, fmt.Errorf("%s and %s do not stand there once, in this order", open, end)
	}
	return from, to, nil
}

// timeouts are the times that must agree, from the browser to the end of an instance.
func timeouts(dev, prod settings.Settings) string {
	short := func(d time.Duration) string {
		s := d.String()
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		return s
	}
	speed := func(s settings.Settings) string {
		return fmt.Sprintf("%.1f MB/s", float64(s.Service.MaxFileBytes)/s.Service.UploadTimeout.Seconds()/1e6)
	}
	var b strings.Builder
	b.WriteString("| What | Set by | `dev` | `prod` | Must |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range []struct {
		what, by, must string
		of             func(settings.Settings) string
	}{
		{"The load balancer keeps a connection on which nothing moves", "`service.idleTimeout`", "be shorter than the app's keep-alive",
			func(s settings.Settings) string { return short(s.Service.IdleTimeout) }},
		{"The app keeps a connection on which no request runs", "the app, fixed", "be longer than the line above: else clients see a 502 now and then",
			func(settings.Settings) string { return short(settings.AppKeepAlive) }},
		{"A submission may take, in all", "`service.uploadTimeout`", "be shorter than the time for deregistration",
			func(s settings.Settings) string { return short(s.Service.UploadTimeout) }},
		{"So the slowest line on which the largest file arrives has", "`service.maxFileSize`", "be slow enough for your users", speed},
		{"Requests of an instance that leaves may go on", "`service.deregistrationDelay`", "be longer than a submission: no rollout cuts an upload (AWS: an hour at most)",
			func(s settings.Settings) string { return short(s.Service.DeregistrationDelay) }},
		{"After the stop signal running requests get", "`service.shutdownTimeout`", "be shorter than systemd's patience by five seconds",
			func(s settings.Settings) string { return short(s.Service.ShutdownTimeout) }},
		{"systemd kills the app after", "`service.stopTimeout`", "be longer than the line above",
			func(s settings.Settings) string { return short(s.Service.StopTimeout) }},
		{"A new instance has, from launch to ready", "`service.bootTimeout`", "be long enough for the slowest boot; then it is given up",
			func(s settings.Settings) string { return short(s.Service.BootTimeout) }},
		{"A rollout of the largest group may take", "the program: 15m and, for each instance, a boot and a deregistration", "be waited for by whoever runs `pulumi up`",
			func(s settings.Settings) string {
				return short(15*time.Minute + time.Duration(s.Service.Max)*(s.Service.BootTimeout+s.Service.DeregistrationDelay))
			}},
	} {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.what, row.by, row.of(dev), row.of(prod), row.must)
	}
	return b.String()
}

// parameterTable lists what Parameter Store holds.
func parameterTable(g *graph.Graph) string {
	var b strings.Builder
	b.WriteString("| Below `/dossier/<stack>/` | Kind |\n| --- | --- |\n")
	rows := map[string]string{}
	for _, p := range g.ByType("aws:ssm/parameter:Parameter") {
		kind := "readable"
		if p.Input("type") == "SecureString" {
			kind = "**secret**"
		}
		rows[strings.TrimPrefix(graph.Text(p.Input("name")), "/dossier/"+g.Stack+"/")] = kind
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, rows[name])
	}
	return b.String()
}

// alarmTable lists the alarms with their thresholds.
func alarmTable(dev, prod *graph.Graph) string {
	const token = "aws:cloudwatch/metricAlarm:MetricAlarm"
	when := func(a *graph.Resource) string {
		compare := ">"
		if a.Input("comparisonOperator") == "LessThanThreshold" {
			compare = "<"
		}
		period, _ := graph.Number(a.Input("period"))
		periods, _ := graph.Number(a.Input("evaluationPeriods"))
		threshold, _ := graph.Number(a.Input("threshold"))
		shown := strconv.FormatFloat(threshold, 'f', -1, 64)
		if threshold >= 1<<20 {
			shown = fmt.Sprintf("%g MiB", threshold/(1<<20))
		}
		return fmt.Sprintf("%s %s for %g min", compare, shown, period*periods/60)
	}
	var b strings.Builder
	b.WriteString("| Alarm | Metric | `dev` | `prod` | Says |\n| --- | --- | --- | --- | --- |\n")
	for _, a := range prod.ByType(token) {
		other := dev.ByName(token, a.Name)
		if other == nil {
			continue
		}
		_, says, _ := strings.Cut(graph.Text(a.Input("alarmDescription")), ": ")
		statistic := cmp.Or(graph.Text(a.Input("statistic")), graph.Text(a.Input("extendedStatistic")))
		fmt.Fprintf(&b, "| %s | %s, %s | %s | %s | %s |\n", strings.TrimPrefix(a.Name, "dossier-observe-"), graph.Text(a.Input("metricName")), statistic,
			when(other), when(a), says)
	}
	return b.String()
}

// reachTable is who can open connections to whom.
func reachTable(g *graph.Graph) string {
	var b strings.Builder
	b.WriteString("| From | To | Ports | By way of |\n| --- | --- | --- | --- |\n")
	for _, r := range g.Reachability() {
		ports := strings.TrimSpace(r.Protocol + " " + r.Ports)
		if r.Protocol == "all" {
			ports = "all"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.From, r.To, ports, r.Via)
	}
	return b.String()
}

// programFile is a source file of infra or plan that is not for tests alone.
type programFile struct {
	*ast.File
	// dir is its folder within the repository.
	dir string
}

func (f programFile) imports() (all []string) {
	for _, spec := range f.Imports {
		all = append(all, strings.Trim(spec.Path.Value, `"`))
	}
	return all
}

// programFiles reads the sources of infra and plan, but for those of tests and of packages that only tests import: these are below a folder
// internal, end in "test", or are in testPackages.
func programFiles(t *testing.T) (all []programFile) {
	t.Helper()
	for _, module := range []string{"infra", "plan"} {
		err := fs.WalkDir(os.DirFS(repository), module, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir():
				if entry.Name() == "testdata" || entry.Name() == "internal" || strings.HasSuffix(entry.Name(), "test") || testPackages[file] {
					return fs.SkipDir
				}
				return nil
			case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, filepath.FromSlash(file)), nil, parser.ImportsOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			all = append(all, programFile{f, path.Dir(file)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// testPackages are the packages that only tests import and whose names do not say so.
var testPackages = map[string]bool{"plan/engine": true, "plan/moto": true, "plan/permissions": true}

// packageTable lists the packages of infra and plan that are not for tests alone: the first sentence of their documentation, and which of the
// others they import. A package stands before all that it imports.
func packageTable(t *testing.T) string {
	t.Helper()
	const workspace = "dossier.example/"
	type pkg struct {
		says    string
		imports []string
	}
	packages := map[string]pkg{}
	for _, f := range programFiles(t) {
		p := packages[f.dir]
		if doc := strings.Join(strings.Fields(f.Doc.Text()), " "); doc != "" {
			sentence, _, _ := strings.Cut(doc, ". ")
			sentence, _, _ = strings.Cut(sentence, ": ")
			p.says = strings.TrimPrefix(strings.TrimSuffix(sentence, "."), "Package "+f.Name.Name+" ")
		}
		for _, imported := range f.imports() {
			if other, ok := strings.CutPrefix(imported, workspace); ok && !slices.Contains(p.imports, other) {
				p.imports = append(p.imports, other)
			}
		}
		packages[f.dir] = p
	}
	depths := map[string]int{}
	var depth func(name string) int
	depth = func(name string) int {
		if _, known := depths[name]; !known {
			deepest := -1
			for _, other := range packages[name].imports {
				deepest = max(deepest, depth(other))
			}
			depths[name] = deepest + 1
		}
		return depths[name]
	}
	module := func(name string) string { first, _, _ := strings.Cut(name, "/"); return first }
	order := slices.Collect(maps.Keys(packages))
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(module(a), module(b)), cmp.Compare(depth(b), depth(a)), cmp.Compare(a, b))
	})
	var b strings.Builder
	b.WriteString("| Package | What it is | Imports |\n| --- | --- | --- |\n")
	for _, name := range order {
		p := packages[name]
		slices.Sort(p.imports)
		if p.says == "" {
			t.Errorf("package %s has no documentation", name)
		}
		var imports []string
		for _, other := range p.imports {
			imports = append(imports, strings.TrimPrefix(other, module(name)+"/"))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, p.says, strings.Join(imports, ", "))
	}
	return b.String()
}

// TestImports keeps the rooms apart: what looks at stacks knows no stack, and the stack does not know what looks at it, so that a rule cannot
// share a component's mistake. The plan of Dossier's changes and its rules are where both meet.
func TestImports(t *testing.T) {
	for _, f := range programFiles(t) {
		for _, imported := range f.imports() {
			other, ours := strings.CutPrefix(imported, "dossier.example/")
			if !ours {
				continue
			}
			from, _, _ := strings.Cut(f.dir, "/")
			to, _, _ := strings.Cut(other, "/")
			switch {
			case from == to, f.dir == "infra/cmd/plan" || f.dir == "infra/rules":
			default:
				t.Errorf("%s imports %s", f.dir, imported)
			}
		}
	}
}

// TestDependencies: docs/architecture.md gives a reason for each module that the programs of infra import, and for no other.
func TestDependencies(t *testing.T) {
	_, table, found := strings.Cut(document(t, "docs/architecture.md"), "### Dependencies of the stack\n")
	if !found {
		t.Fatal("docs/architecture.md has no heading \"Dependencies of the stack\"")
	}
	table, _, _ = strings.Cut(table, "\n#")
	var named []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.Contains(cells[1], "/") {
			named = append(named, strings.Trim(cells[1], " `"))
		}
	}
	imported := map[string]bool{}
	for _, f := range programFiles(t) {
		for _, name := range f.imports() {
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") && first != "dossier.example" {
				imported[name] = true
			}
		}
	}
	used := map[string]bool{}
	for name := range imported {
		i := slices.IndexFunc(named, func(n string) bool { return strings.HasPrefix(name, n+"/") || name == n })
		if i < 0 {
			t.Errorf("%s is imported, and docs/architecture.md gives no reason for it", name)
			continue
		}
		used[named[i]] = true
	}
	for _, n := range named {
		if !used[n] {
			t.Errorf("docs/architecture.md gives a reason for %s, which nothing imports", n)
		}
	}
}

// TestPrices: what the presets create has a price or costs nothing by time, and the list of what costs nothing holds what is created.
func TestPrices(t *testing.T) {
	dev, prod := stacks(t)
	graphs := []*graph.Graph{dev.graph, prod.graph}
	for _, more := range []map[string]any{
		{"jump": map[string]any{"operatorCIDRs": []string{"203.0.113.0/24"}}, "site": map[string]any{
			"webAcl": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/01234567-89ab-cdef-0123-456789abcdef",
		}},
		{"network": map[string]any{"nat": "instance"}},
	} {
		d, err := recordStack("other", map[string]any{"aws:region": "us-east-1", settings.Key: more})
		if err != nil {
			t.Fatal(err)
		}
		graphs = append(graphs, d.graph)
	}
	created := map[string]bool{}
	for _, g := range graphs {
		bill := prices.Idle(g)
		if len(bill.Unpriced) > 0 {
			t.Errorf("stack %s: without a price: %q", g.Stack, bill.Unpriced)
		}
		if bill.Total() < 10 {
			t.Errorf("stack %s costs %g", g.Stack, bill.Total())
		}
		for _, r := range g.Resources {
			created[r.Token] = true
		}
	}
	for reason, tokens := range prices.Free() {
		for _, token := range tokens {
			if !created[token] {
				t.Errorf("%s is free (%s), and nothing creates it", token, reason)
			}
		}
	}
	d, err := recordStack("large", map[string]any{"aws:region": "us-east-1", settings.Key: map[string]any{
		"service": map[string]any{"instanceType": "c7g.large"}, "database": map[string]any{"class": "db.m7g.large"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	unpriced := strings.Join(prices.Idle(d.graph).Unpriced, "\n")
	for _, want := range []string{"c7g.large", "db.m7g.large"} {
		if !strings.Contains(unpriced, want) {
			t.Errorf("%s is not named as without a price: %q", want, unpriced)
		}
	}
}

// TestDrawing: the parts that the design asks for are in the pictures of the repository's stacks, and lead to each other.
func TestDrawing(t *testing.T) {
	dev, prod := stacks(t)
	operators, err := recordStack("operators", map[string]any{"aws:region": "us-east-1", settings.Key: map[string]any{
		"jump": map[string]any{"operatorCIDRs": []string{"203.0.113.0/24"}}, "network": map[string]any{"nat": "instance"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	common := []string{
		"load_balancer app HTTP 8080", "app database 3306", "jump database 3306", "app nat 443", "jump outgoing 443",
		"app s3 443 by gateway endpoint", "app dynamodb 443 by gateway endpoint", "internet load_balancer HTTP 80",
		"app parameters reads", "jump parameters reads", "app watching logs", "database watching logs", "load_balancer s3 access logs",
		"load_balancer watching metrics", "app watching metrics", "database watching metrics", "dynamodb watching metrics",
		"watching told alarms", "watching told events",
	}
	for _, test := range []struct {
		of    documented
		wants []string
		not   []string
	}{
		{dev, nil, []string{"internet load_balancer HTTPS 443", "names load_balancer name", "operators jump 22"}},
		{prod, []string{"internet load_balancer HTTPS 443", "names load_balancer name"}, []string{"operators jump 22"}},
		{operators, []string{"operators jump 22", "nat outgoing 443"}, []string{"internet jump 22"}},
	} {
		got := map[string]bool{}
		d := drawing.Of(test.of.graph)
		for _, e := range d.Edges {
			for _, label := range e.Labels {
				got[e.From+" "+e.To+" "+label] = true
			}
		}
		for _, want := range append(slices.Clone(common), test.wants...) {
			if !got[want] {
				t.Errorf("stack %s: there is no %q in\n%s", test.of.graph.Stack, want, d.Mermaid())
			}
		}
		for _, not := range test.not {
			if got[not] {
				t.Errorf("stack %s: there is %q", test.of.graph.Stack, not)
			}
		}
	}
}

// TestReferences: what the documents name exists.
func TestReferences(t *testing.T) {
	k := newKnown(t)
	files, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil || len(files) < 5 {
		t.Fatalf("docs holds %q (%v)", files, err)
	}
	for _, file := range append(files, filepath.Join(repository, "README.md")) {
		name, err := filepath.Rel(repository, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, dead := range k.dead(filepath.ToSlash(name), document(t, name)) {
			t.Error(dead)
		}
	}
}

// TestDeadReferences: each kind of dead reference is found, and nothing else is.
func TestDeadReferences(t *testing.T) {
	k := newKnown(t)
	for text, want := range map[string]string{
		"`make nothing`":                  "make nothing",
		"```\nmake run && make fly\n```":  "make fly",
		"`make test` and making things":   "",
		"# make no such target is a head": "",
		"`infra/nothing.go`":              "infra/nothing.go",
		"`infra/main.go`, `plan/policy`": "",
		"`app/cmd/*/main.go`":             "",
		"`tools/*.nothing`":               "tools/*.nothing",
		"`Pulumi.test.yaml`":              "Pulumi.test.yaml",
		"`Pulumi.dev.yaml`":               "",
		"`network.zone`":                  "network.zone",
		"`network.zones`":                 "",
		"```\npulumi config set --path dossier:settings.network.zone 3\n```":            "network.zone",
		"```\npulumi config set --path 'dossier:settings.jump.operatorCIDRs[0]' x\n```": "",
		"`dossier fly`":                  "dossier fly",
		"`dossier migrate down`":         "dossier migrate down",
		"`dossier migrate up --wait 5m`": "",
		"`dossier migrate up --fast`":    "--fast",
		"`dossier serve`":                "",
		"`DOSSIER_NOTHING`":              "DOSSIER_NOTHING",
		"`DOSSIER_LISTEN`, `DOSSIER_ROLLOUT_GROUP`, `DOSSIER_ROLLOUT_GROUPS`":      "DOSSIER_ROLLOUT_GROUPS",
		"`/dossier/dev/staff/secrets`":                                             "/dossier/dev/staff/secrets",
		"`/dossier/<stack>/staff/secret` and `/dossier/prod/app`":                  "",
		"`pulumi stack output address`":                                            "address",
		"```\ncurl \"$(pulumi stack output url)/readyz\"\n```":                     "",
		"`go run dossier.example/infra/cmd/fly`":                                   "infra/cmd/fly",
		"`go run dossier.example/infra/cmd/rollout --cheek`":                       "--cheek",
		"`go run dossier.example/infra/cmd/rollout --check --region eu-central-1`": "",
		"`go run dossier.example/infra/cmd/runcommand --instance i --what`":        "--what",
		"`go run dossier.example/infra/cmd/runcommand --instance i`":               "",
		"[a](nothing.md)":                     "nothing.md",
		"[a](settings.md)":                    "",
		"[a](settings.md#network)":            "",
		"[a](settings.md#no-such-heading)":    "#no-such-heading",
		"## One, two\n[a](#one-two)":          "",
		"[a](https://docs.aws.amazon.com/x)":  "",
		"a word network.zone outside of code": "",
	} {
		got := k.dead("docs/test.md", text)
		switch {
		case want == "" && len(got) > 0:
			t.Errorf("%q: found %q", text, got)
		case want != "" && (len(got) != 1 || !strings.Contains(got[0], want)):
			t.Errorf("%q: found %q, want one that names %q", text, got, want)
		}
	}
}

// known is what documents may name.
type known struct {
	targets, keys, commands, variables, names, exports map[string]bool
	groups                                             []string
	// flags are those of a program: "dossier", or the path of its folder.
	flags map[string]map[string]bool
}

var (
	makeTarget    = regexp.MustCompile(`(?m)^([a-z][a-z-]*):.*?## `)
	settingRow    = regexp.MustCompile("(?m)^\\| `([A-Za-z0-9.]+)` \\|")
	cobraUse      = regexp.MustCompile(`Use:\s+"([a-z]+)[ "]`)
	flagVar       = regexp.MustCompile(`\.[A-Z][A-Za-z0-9]*(?:Var|VarP)\(&?[\w.]+, "([a-z-]+)"`)
	variableName  = regexp.MustCompile(`DOSSIER_[A-Z0-9_]*[A-Z0-9]`)
	settingPath   = regexp.MustCompile(`dossier:settings\.([A-Za-z0-9.]+)`)
	parameterName = regexp.MustCompile(`/dossier/(?:<stack>|dev|prod)(/[a-z0-9/-]*[a-z0-9])`)
	stackOutput   = regexp.MustCompile(`pulumi stack output (?:--[a-z-]+ )*([A-Za-z]+)`)
	goRun         = regexp.MustCompile(`go run dossier\.example/([a-z/]+)([^|<>&;]*)`)
	makeCall      = regexp.MustCompile(`(?:^|&& )make ((?:[a-z-]+ ?)+)`)
	programCall   = regexp.MustCompile(`(?:^|&& |; )(?:bin/)?dossier((?: [a-z]+)*)((?: \[?--?[^\s\]]+\]?| \S+)*)`)
	flagName      = regexp.MustCompile(`--[a-z][a-z-]*`)
	filePath      = regexp.MustCompile(`^(?:(?:app|infra|plan|tools|docs|\.github|\.ci)(?:/[\w.*-]+)+/?|Makefile|Dockerfile|README\.md|go\.work|Pulumi(?:\.\w+)?\.yaml)$`)
	link          = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan      = regexp.MustCompile("`([^`]+)`")
	notInAnchors  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func set(words ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return m
}

// firsts are the first groups of all matches.
func firsts(re *regexp.Regexp, text string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func newKnown(t *testing.T) known {
	t.Helper()
	dev, prod := stacks(t)
	operators := withOperators(t)
	k := known{
		targets: set(firsts(makeTarget, document(t, "Makefile"))...), keys: set(firsts(settingRow, settings.Document())...),
		commands: set(), variables: set(), names: set(), exports: set(slices.Collect(maps.Keys(prod.graph.Exports))...), flags: map[string]map[string]bool{},
	}
	for key := range k.keys {
		if group, _, nested := strings.Cut(key, "."); nested && !slices.Contains(k.groups, group) {
			k.groups = append(k.groups, group)
		}
	}
	_, table, _ := strings.Cut(document(t, "README.md"), "<!-- settings -->")
	table, _, _ = strings.Cut(table, "<!-- /settings -->")
	var usage bytes.Buffer
	if status := (rollout.Command{Args: []string{"--help"}, Stdout: &usage, Stderr: &usage}).Run(t.Context()); status != 0 {
		t.Fatalf("rollout --help: status %d\n%s", status, usage.String())
	}
	k.variables = set(variableName.FindAllString(table+usage.String(), -1)...)
	for _, g := range []*graph.Graph{dev.graph, prod.graph, operators.graph} {
		for _, r := range g.ByType("aws:ssm/parameter:Parameter", "aws:cloudwatch/logGroup:LogGroup") {
			if rest, ok := strings.CutPrefix(graph.Text(r.Input("name")), "/dossier/"+g.Stack); ok {
				k.names[rest] = true
			}
		}
	}
	sources := func(dir string) string {
		files, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(dir), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no Go files (%v)", dir, err)
		}
		var all strings.Builder
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				all.WriteString(document(t, strings.TrimPrefix(filepath.ToSlash(file), repository+"/")))
			}
		}
		return all.String()
	}
	app := sources("app/cmd/dossier")
	maps.Copy(k.variables, set(variableName.FindAllString(app, -1)...)) // those of commands that read no settings
	for _, use := range firsts(cobraUse, app) {
		switch use {
		case "dossier":
		case "up", "status":
			k.commands["migrate "+use] = true
		default:
			k.commands[use] = true
		}
	}
	withDashes := func(names []string) map[string]bool {
		m := set("--help")
		for _, n := range names {
			m["--"+n] = true
		}
		return m
	}
	k.flags["dossier"] = withDashes(firsts(flagVar, app))
	k.flags["infra/cmd/runcommand"] = withDashes(firsts(flagVar, sources("infra/cmd/runcommand")))
	k.flags["infra/cmd/rollout"] = set(append(flagName.FindAllString(usage.String(), -1), "--help")...)
	for _, m := range []map[string]bool{k.targets, k.keys, k.commands, k.variables, k.names, k.exports, k.flags["dossier"], k.flags["infra/cmd/runcommand"]} {
		if len(m) < 3 {
			t.Fatalf("what documents may name was not found: %+v", k)
		}
	}
	return k
}

// dead are the references of a document that lead nowhere, with their line.
func (k known) dead(name, text string) []string {
	var found []string
	for _, f := range fragments(text) {
		problems := k.code
		if f.prose {
			problems = func(line string) []string { return links(name, text, line) }
		}
		for _, problem := range problems(f.text) {
			found = append(found, fmt.Sprintf("%s:%d: %s", name, f.line, problem))
		}
	}
	return found
}

// fragment is a piece of a document: a line of a block of code, a span of code, or a line of prose, in which only links count.
type fragment struct {
	line  int
	text  string
	prose bool
}

func fragments(text string) (all []fragment) {
	block := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			block = !block
		case block:
			code, _, _ := strings.Cut(" "+line, " #") // a comment
			all = append(all, fragment{i + 1, strings.TrimSpace(code), false})
		default:
			all = append(all, fragment{i + 1, line, true})
			for _, span := range firsts(codeSpan, line) {
				all = append(all, fragment{i + 1, span, false})
			}
		}
	}
	return all
}

// code checks a piece of code.
func (k known) code(code string) (dead []string) {
	add := func(format string, args ...any) { dead = append(dead, fmt.Sprintf(format, args...)) }
	for _, m := range firsts(makeCall, code) {
		for target := range strings.FieldsSeq(m) {
			if !k.targets[target] {
				add("there is no target make %s", target)
			}
		}
	}
	for _, m := range programCall.FindAllStringSubmatch(code, -1) {
		words := strings.Fields(m[1])
		switch {
		case len(words) == 0 && strings.TrimSpace(m[2]) == "":
		case len(words) > 0 && !k.commands[words[0]] || len(words) > 1 && words[0] == "migrate" && !k.commands["migrate "+words[1]]:
			add("there is no command dossier %s", strings.Join(words, " "))
		default:
			for _, flag := range flagName.FindAllString(m[2], -1) {
				if !k.flags["dossier"][flag] {
					add("dossier %s has no flag %s", strings.Join(words, " "), flag)
				}
			}
		}
	}
	for _, m := range goRun.FindAllStringSubmatch(code, -1) {
		if _, err := os.Stat(filepath.Join(repository, filepath.FromSlash(m[1]), "main.go")); err != nil {
			add("there is no program %s", m[1])
			continue
		}
		for _, flag := range flagName.FindAllString(m[2], -1) {
			if flags, told := k.flags[m[1]]; told && !flags[flag] {
				add("%s has no flag %s", m[1], flag)
			}
		}
	}
	for _, variable := range variableName.FindAllString(code, -1) {
		if !k.variables[variable] {
			add("there is no variable %s", variable)
		}
	}
	for _, key := range firsts(settingPath, code) {
		if !k.keys[key] && !slices.Contains(k.groups, key) {
			add("there is no setting %s", key)
		}
	}
	for _, rest := range firsts(parameterName, code) {
		if !k.names[rest] {
			add("there is no parameter and no log group %s", parameterName.FindString(code))
		}
	}
	for _, output := range firsts(stackOutput, code) {
		if !k.exports[output] {
			add("there is no output %s", output)
		}
	}
	for word := range strings.FieldsFuncSeq(code, func(r rune) bool { return strings.ContainsRune(" \t\"'(),;=", r) }) {
		word = strings.TrimPrefix(strings.TrimRight(word, ":."), "./")
		if group, rest, nested := strings.Cut(word, "."); nested && slices.Contains(k.groups, group) && regexp.MustCompile(`^[a-z]\w*$`).MatchString(rest) && !k.keys[word] {
			add("there is no setting %s", word)
		}
		if filePath.MatchString(word) && !exists(word) {
			add("there is no file %s", word)
		}
	}
	return dead
}

// exists tells whether there is a file, or one for a pattern. What is installed is not looked for.
func exists(name string) bool {
	if strings.Contains(name, "node_modules") {
		return true
	}
	found, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(name)))
	return err == nil && len(found) > 0
}

// links checks the links of a line of prose.
func links(name, text, line string) (dead []string) {
	for _, target := range firsts(link, line) {
		file, anchor, _ := strings.Cut(target, "#")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		if file != "" {
			file = path.Join(path.Dir(name), file)
			if !exists(file) {
				dead = append(dead, "there is no file "+file)
				continue
			}
			raw, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(file)))
			if err != nil {
				continue // a folder
			}
			text = string(raw)
		}
		if anchor != "" && !slices.Contains(anchors(text), anchor) {
			dead = append(dead, fmt.Sprintf("there is no heading #%s in %s", anchor, cmp.Or(file, name)))
		}
	}
	return dead
}

// anchors are what GitHub makes of the headings of a document.
func anchors(text string) (all []string) {
	for line := range strings.Lines(text) {
		if heading := strings.TrimLeft(line, "#"); heading != line && strings.HasPrefix(heading, " ") {
			all = append(all, strings.ReplaceAll(strings.ToLower(notInAnchors.ReplaceAllString(strings.TrimSpace(heading), "")), " ", "-"))
		}
	}
	return all
}
