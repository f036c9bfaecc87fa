package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app/setting"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/internal/golden"
	"dossier.example/infra/preflight"
	"dossier.example/infra/prove"
	"dossier.example/infra/settings"
	"dossier.example/plan/drawing"
	"dossier.example/plan/graph"
	"dossier.example/plan/markdown"
	"dossier.example/plan/prices"
)

// The documents are kept true by what the program itself gives: go test ./infra -run '^TestDocuments$' -update
var update = golden.Update()

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
	picture := "```mermaid\n" + drawing.Of(prod.graph).Mermaid() + "```\n"
	for _, part := range []struct{ file, name, want string }{
		{"docs/costs.md", "costs", prices.Builtin().Document(pricedRegion,
			prices.Environment{Name: "dev", Bill: prices.Builtin().Idle(dev.graph, pricedRegion)},
			prices.Environment{Name: "prod", Bill: prices.Builtin().Idle(prod.graph, pricedRegion)})},
		{"docs/releases.md", "timeouts", timeouts(dev.settings, prod.settings)},
		{"docs/scale.md", "scale", scaleTables(t, prod.settings)},
		{"docs/scale.md", "sweeps", sweepTable(t)},
		{"docs/secrets.md", "parameters", parameterTable(withOperators(t).graph)},
		{"docs/watching.md", "logs", logTable(dev.graph, prod.graph)},
		{"docs/watching.md", "alarms", alarmTable(dev.graph, prod.graph)},
		{"README.md", "drawing", picture},
		{"docs/architecture.md", "drawing", picture},
		{"docs/architecture.md", "reach", reachTable(prod.graph)},
		{"docs/architecture.md", "packages", packageTable(t)},
		{"docs/verification.md", "points", prove.Document()},
	} {
		t.Run(part.name, func(t *testing.T) {
			text := document(t, part.file)
			from, to, err := section(text, part.name)
			if err != nil {
				t.Fatalf("%s: %v", part.file, err)
			}
			golden.Compare(t, update, filepath.Join(repository, part.file), text[:from]+"\n\n"+part.want+"\n"+text[to:])
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
	speed := func(s settings.Settings) string {
		return fmt.Sprintf("%.1f MB/s", float64(s.Service.MaxFileBytes)/s.Service.UploadTimeout.Seconds()/1e6)
	}
	table := markdown.NewTable("Time", "Set by", "`dev`", "`prod`", "Must be")
	for _, row := range []struct {
		what, by, must string
		of             func(settings.Settings) string
	}{
		{"The load balancer closes an idle connection after", "`service.idleTimeout`",
			"shorter than the app's keep-alive",
			func(s settings.Settings) string { return setting.Short(s.Service.IdleTimeout) }},
		{"The app closes an idle connection after", "the app, fixed",
			"longer than the row above; otherwise clients see a 502 now and then",
			func(settings.Settings) string { return setting.Short(settings.AppKeepAlive) }},
		{"A submission by the plain form may take", "`service.uploadTimeout`",
			"shorter than the time for deregistration",
			func(s settings.Settings) string { return setting.Short(s.Service.UploadTimeout) }},
		{"So the largest file needs, by the plain form alone, a line of", "`service.maxFileSize`",
			"slow enough for users without JavaScript", speed},
		{"An instance that leaves stays, idle or not", "`service.deregistrationDelay`",
			"longer than a submission by the form, so that no rollout cuts one; short, because each replaced " +
				"instance takes it",
			func(s settings.Settings) string { return setting.Short(s.Service.DeregistrationDelay) }},
		{"After the stop signal, running requests get", "`service.shutdownTimeout`", "shorter than the row below, by " +
			setting.Short(userdata.StopMargin) + " at least",
			func(s settings.Settings) string { return setting.Short(s.Service.ShutdownTimeout) }},
		{"systemd kills the app after", "`service.stopTimeout`", "longer than the row above",
			func(s settings.Settings) string { return setting.Short(s.Service.StopTimeout) }},
		{"A new instance has, from launch to ready", "`service.bootTimeout`",
			"long enough for the slowest boot; then it is given up",
			func(s settings.Settings) string { return setting.Short(s.Service.BootTimeout) }},
		{"A rollout of the largest group may take",
			"the program: 15m and, for each instance, a boot and a deregistration",
			"waited for by whoever runs `pulumi up`",
			func(s settings.Settings) string {
				return setting.Short(15*time.Minute +
					time.Duration(s.Service.Max)*(s.Service.BootTimeout+s.Service.DeregistrationDelay))
			}},
	} {
		table.Row(row.what, row.by, row.of(dev), row.of(prod), row.must)
	}
	return table.String()
}

// parameterTable lists what Parameter Store holds.
func parameterTable(g *graph.Graph) string {
	table := markdown.NewTable("Below `/dossier/<stack>/`", "Kind")
	rows := map[string]string{}
	for _, p := range g.ByType("aws:ssm/parameter:Parameter") {
		kind := "readable"
		if p.Input("type") == "SecureString" {
			kind = "**secret**"
		}
		rows[strings.TrimPrefix(graph.Text(p.Input("name")), "/dossier/"+g.Stack+"/")] = kind
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		table.Row("`"+name+"`", rows[name])
	}
	return table.String()
}

// TestPreflightKnowsParameters: the names that the preflight looks for are those that the program writes.
func TestPreflightKnowsParameters(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		var written []string
		for _, p := range e.graph.ByType("aws:ssm/parameter:Parameter") {
			written = append(written, strings.TrimPrefix(graph.Text(p.Input("name")), "/dossier/"+e.settings.Stack+"/"))
		}
		slices.Sort(written)
		if known := slices.Sorted(slices.Values(preflight.Parameters(e.settings))); !slices.Equal(written, known) {
			t.Errorf("the program writes the parameters\n%v\nand preflight.Parameters has\n%v", written, known)
		}
	})
}

// logTable lists the log groups, with the days for which they keep what they are told.
func logTable(dev, prod *graph.Graph) string {
	const token = "aws:cloudwatch/logGroup:LogGroup"
	table := markdown.NewTable("Log group", "`dev` keeps", "`prod` keeps")
	days := func(g *graph.Resource) string {
		n, _ := graph.Number(g.Input("retentionInDays"))
		return fmt.Sprintf("%g days", n)
	}
	for _, g := range prod.ByType(token) {
		other := dev.ByName(token, g.Name)
		if other == nil {
			continue
		}
		name := strings.Replace(graph.Text(g.Input("name")), "dossier-"+prod.Stack+"/", "dossier-<stack>/", 1)
		name = strings.Replace(name, "/"+prod.Stack+"/", "/<stack>/", 1)
		table.Row("`"+name+"`", days(other), days(g))
	}
	return table.String()
}

// alarmTable lists the alarms with their thresholds.
func alarmTable(dev, prod *graph.Graph) string {
	const token = "aws:cloudwatch/metricAlarm:MetricAlarm"
	metric := func(a *graph.Resource) (name, statistic string, period float64) {
		name, statistic = graph.Text(a.Input("metricName")),
			cmp.Or(graph.Text(a.Input("statistic")), graph.Text(a.Input("extendedStatistic")))
		period, _ = graph.Number(a.Input("period"))
		for _, query := range graph.Items(a.Input("metricQueries")) {
			if graph.Is(graph.At(query, "returnData"), true) {
				name, statistic = graph.Text(graph.At(query, "label")), graph.Text(graph.At(query, "expression"))
			} else {
				period, _ = graph.Number(graph.At(query, "metric.period"))
			}
		}
		return name, statistic, period
	}
	when := func(a *graph.Resource) string {
		compare := ">"
		if a.Input("comparisonOperator") == "LessThanThreshold" {
			compare = "<"
		}
		_, _, period := metric(a)
		periods, _ := graph.Number(a.Input("evaluationPeriods"))
		threshold, _ := graph.Number(a.Input("threshold"))
		shown := strconv.FormatFloat(threshold, 'f', -1, 64)
		if threshold >= 1<<20 {
			shown = fmt.Sprintf("%g MiB", threshold/(1<<20))
		}
		return fmt.Sprintf("%s %s for %g min", compare, shown, period*periods/60)
	}
	table := markdown.NewTable("Alarm", "Metric", "`dev`", "`prod`", "Says")
	for _, a := range prod.ByType(token) {
		other := dev.ByName(token, a.Name)
		if other == nil {
			continue
		}
		_, says, _ := strings.Cut(graph.Text(a.Input("alarmDescription")), ": ")
		name, statistic, _ := metric(a)
		table.Row(strings.TrimPrefix(a.Name, "dossier-observe-"), name+", "+statistic, when(other), when(a), says)
	}
	return table.String()
}

// reachTable is who can open connections to whom.
func reachTable(g *graph.Graph) string {
	table := markdown.NewTable("From", "To", "Ports", "By way of")
	for _, r := range g.Reachability() {
		ports := strings.TrimSpace(r.Protocol + " " + r.Ports)
		if r.Protocol == "all" {
			ports = "all"
		}
		table.Row(r.From, r.To, ports, r.Via)
	}
	return table.String()
}
