package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dossier.example/infra/internal/golden"
	"dossier.example/infra/parameters"
	"dossier.example/infra/rules"
	"dossier.example/infra/settings"
	"dossier.example/plan/graph"
	"dossier.example/plan/permissions"
)

// What is tested here is the program as a whole, recorded without a cloud: which resources there are, who can reach
// whom, what each role may do against what its programs call, and the rules of package rules. What the mocks do not
// prove, an engine's order and AWS's own refusals, is for the tests with the engine.

// recordings are those that are looked at: the two that the repository configures, one with everything that can be
// turned on, and one with the cheapest NAT.
var recordings = sync.OnceValues(func() (map[string]documented, error) {
	configured, err := documentedStacks()
	if err != nil {
		return nil, err
	}
	all := map[string]documented{"dev": configured["dev"], "prod": configured["prod"]}
	for name, object := range map[string]map[string]any{
		"maximal": {
			"preset":  "prod",
			"network": map[string]any{"zones": 4},
			"site": map[string]any{
				"domain": "files.example.org", "zoneId": "Z0123456789ABCDEFGHIJ",
				"webAcl":     "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/dossier/01234567-89ab-cdef-0123-456789abcdef",
				"apiOrigins": []any{"https://www.example.org", "http://localhost:3000"},
			},
			"jump":    map[string]any{"operatorCIDRs": []any{"203.0.113.0/24", "198.51.100.7/32"}},
			"observe": map[string]any{"email": "oncall@example.org"},
			"storage": map[string]any{"malwareProtection": true},
			"staff":   map[string]any{"pool": true, "poolDomain": "example-files", "poolOnly": true},
		},
		"cheap": {"network": map[string]any{"nat": "instance"},
			"jump": map[string]any{"operatorCIDRs": []any{"203.0.113.0/24"}}},
	} {
		if all[name], err = recordStack(name,
			map[string]any{"aws:region": "us-east-1", "dossier:settings": object}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
})

// recorded is one of them.
func recorded(t *testing.T, name string) documented {
	t.Helper()
	all, err := recordings()
	if err != nil {
		t.Fatal(err)
	}
	e, ok := all[name]
	if !ok {
		t.Fatalf("there is no environment %s", name)
	}
	return e
}

// recordedNames are their names, in the order of tables.
var recordedNames = []string{"dev", "prod", "maximal", "cheap"}

func eachRecorded(t *testing.T, test func(t *testing.T, e documented)) {
	for _, name := range recordedNames {
		t.Run(name, func(t *testing.T) { test(t, recorded(t, name)) })
	}
}

// TestResources: how many resources of each type every environment has. Whoever adds or removes one sees it in the
// table, which go test ./infra -run '^TestResources$' -update writes anew.
func TestResources(t *testing.T) {
	counts := map[string]map[string]int{}
	var tokens []string
	for _, name := range recordedNames {
		counts[name] = recorded(t, name).graph.Counts()
		tokens = slices.AppendSeq(tokens, maps.Keys(counts[name]))
	}
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	width := 0
	for _, token := range tokens {
		width = max(width, len(token))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%*s  %s\n", width, "", strings.Join(recordedNames, "  "))
	for _, token := range tokens {
		fmt.Fprintf(&b, "%-*s", width, token)
		for _, name := range recordedNames {
			cell := "-"
			if n := counts[name][token]; n > 0 {
				cell = strconv.Itoa(n)
			}
			fmt.Fprintf(&b, "  %*s", len(name), cell)
		}
		b.WriteString("\n")
	}
	golden.Compare(t, update, filepath.Join("testdata", "resources.txt"), b.String())
}

// TestReachability: the tables are the answer to "who can open a connection to whom"; what is not listed cannot.
// go test ./infra -run '^TestReachability$' -update writes them anew.
func TestReachability(t *testing.T) {
	var b strings.Builder
	for _, name := range recordedNames {
		fmt.Fprintf(&b, "%s\n", name)
		for _, r := range recorded(t, name).graph.Reachability() {
			fmt.Fprintf(&b, "  %s -> %s %s %s | %s\n", r.From, r.To, r.Protocol, r.Ports, r.Via)
		}
		b.WriteString("\n")
	}
	golden.Compare(t, update, filepath.Join("testdata", "reachability.txt"), strings.TrimSuffix(b.String(), "\n"))
}

// compareLines tells each line that is missing or too much.
func compareLines(t *testing.T, got []string, want string) {
	t.Helper()
	wanted := strings.Split(strings.TrimSpace(want), "\n")
	for _, line := range wanted {
		if !slices.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(wanted, line) {
			t.Errorf("not expected: %s", line)
		}
	}
}

func TestPolicies(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		report := rules.For(e.settings).Check(e.graph)
		for _, v := range report.Broken() {
			t.Error(v)
		}
		if t.Failed() {
			t.Log(report.Text())
		}
	})
}

// TestHostTags: what an organization asks for on all that is made is also on what the provider's default tags do not
// reach: the group, its instances, and all volumes. The names by which the stack knows its own stay.
func TestHostTags(t *testing.T) {
	tags := map[string]any{"Project": "webshop", "CostCenter": "17", "Name": "all", "Configuration": "none"}
	e, err := recordStack("dev", map[string]any{"aws:region": "us-east-1",
		"aws:defaultTags": map[string]any{"tags": tags},
		settings.Key:      map[string]any{"network": map[string]any{"nat": "instance"}}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what, name string, got map[string]any) {
		t.Helper()
		if got["Project"] != "webshop" || got["Stack"] != "dev" || got["CostCenter"] != "17" || got["Name"] != name ||
			what == "instance" && got["Configuration"] == "none" {
			t.Errorf("the %s of %s has the tags %v", what, name, got)
		}
	}
	group := map[string]any{}
	for _, tag := range e.graph.ByName("aws:autoscaling/group:Group", "dossier-app").Input("tags").([]any) {
		group[tag.(map[string]any)["key"].(string)] = tag.(map[string]any)["value"]
	}
	check("group", "dossier-dev-app", group)
	template := e.graph.ByName("aws:ec2/launchTemplate:LaunchTemplate", "dossier-app")
	for _, of := range template.Input("tagSpecifications").([]any) {
		spec := of.(map[string]any)
		check(spec["resourceType"].(string), "dossier-dev-app", spec["tags"].(map[string]any))
	}
	for resource, name := range map[string]string{
		"dossier-jump": "dossier-dev-jump", "dossier-network-nat-instance": "dossier-dev-nat-instance",
	} {
		host := e.graph.ByName("aws:ec2/instance:Instance", resource)
		check("volume", name, host.Input("volumeTags").(map[string]any))
	}
}

// A secret that stands somewhere without its mark would be shown by every preview.
func TestNoSecretLosesItsMark(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		for _, leak := range e.graph.Leaks {
			t.Errorf("a secret stands in the clear: %s, %s", leak.URN, leak.Property)
		}
		for _, name := range []string{"db/admin/password", "db/password", "staff/secret"} {
			p := parameter(t, e, name)
			if p.Input("type") != "SecureString" || p.Input("value") != graph.Secret {
				t.Errorf("parameter %s is of type %v with the value %v", name, p.Input("type"), p.Input("value"))
			}
		}
	})
}

// TestOrder looks at what has to wait for what; an engine test looks at whether it does.
func TestOrder(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		one := func(tokens ...string) *graph.Resource {
			t.Helper()
			found := e.graph.ByType(tokens...)
			if len(found) != 1 {
				t.Fatalf("%d resources of %v, want 1", len(found), tokens)
			}
			return found[0]
		}
		var schema, rollout, prepared *graph.Resource
		for _, r := range e.graph.ByType("command:local:Command", "command:remote:Command") {
			switch r.Name {
			case "dossier-jump-schema":
				schema = r
			case "dossier-rollout":
				rollout = r
			case "dossier-prepare":
				prepared = r
			default:
				t.Errorf("unexpected command %s", r.Name)
			}
		}
		group, database := one("aws:autoscaling/group:Group"), one("aws:rds/instance:Instance")
		for _, c := range []struct {
			why          string
			later, first *graph.Resource
		}{
			{"instances start only after the schema is there", group, schema},
			{"the schema command needs the database", schema, database},
			{"the rollout is the last step", rollout, group},
			{"a new account lacks the role of Auto Scaling", group, prepared},
			{"a new account lacks the role of RDS", database, prepared},
			{"a new account lacks the role of Elastic Load Balancing", one("aws:lb/loadBalancer:LoadBalancer"),
				prepared},
			{"before the first instance serves, no data is no fault",
				e.graph.ByName("aws:cloudwatch/metricAlarm:MetricAlarm", "dossier-observe-none-healthy"), rollout},
			{"an instance reads the database's password at its start", group, parameter(t, e, "db/password")},
			{"the schema command reads which release to run", schema, parameter(t, e, "release")},
		} {
			if !e.graph.DependsOn(c.later, c.first) {
				t.Errorf("%s does not wait for %s: %s", c.later, c.first, c.why)
			}
		}
		for _, token := range []string{"aws:ec2/route:Route", "aws:ec2/vpcEndpoint:VpcEndpoint",
			"aws:lb/listener:Listener", "aws:ssm/parameter:Parameter"} {
			for _, r := range e.graph.ByType(token) {
				if r.Name != "dossier-jump-jump-host-key" && !e.graph.DependsOn(group, r) {
					t.Errorf("the group does not wait for %s", r)
				}
			}
		}
	})
}

// The group takes the template by its number, else Pulumi would not see a change and a rollback would find the same
// version again.
func TestGroupPinsItsTemplate(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		group := e.graph.ByType("aws:autoscaling/group:Group")[0]
		if v := group.Input("launchTemplate.version"); v != "1" {
			t.Errorf("the group's template version is %v, want the number of the first", v)
		}
		if group.Input("healthCheckType") != "ELB" {
			t.Errorf("the group's health check is %v", group.Input("healthCheckType"))
		}
		// An outage of the database makes every instance unready at once; none of them may be replaced for it.
		if path := e.graph.ByType("aws:lb/targetGroup:TargetGroup")[0].Input("healthCheck.path"); path != "/livez" {
			t.Errorf("the target group asks %v, and the group replaces whatever fails it", path)
		}
	})
}

// contract is what the app asks of the infrastructure.
type contract struct {
	Serve, Migrate []string
	Table          struct {
		AttributeDefinitions   []struct{ AttributeName, AttributeType string }
		KeySchema              []keySchema
		GlobalSecondaryIndexes []struct {
			IndexName  string
			KeySchema  []keySchema
			Projection struct{ ProjectionType string }
		}
	}
	Metrics []string
}

type keySchema struct{ AttributeName, KeyType string }

var appContract = sync.OnceValues(func() (contract, error) {
	var c contract
	cmd := exec.Command("go", "run", "./internal/contract")
	cmd.Dir = filepath.Join(repository, "app")
	out, err := cmd.Output()
	if err != nil {
		if failed, ok := err.(*exec.ExitError); ok {
			return c, fmt.Errorf("%s: %w: %s", cmd, err, failed.Stderr)
		}
		return c, err
	}
	return c, json.Unmarshal(out, &c)
})

func TestTableIsTheApps(t *testing.T) {
	t.Parallel()
	want, err := appContract()
	if err != nil {
		t.Fatal(err)
	}
	eachRecorded(t, func(t *testing.T, e documented) {
		table := e.graph.ByType("aws:dynamodb/table:Table")[0]
		attributes := map[string]string{}
		for _, a := range graph.Items(table.Input("attributes")) {
			a := a.(map[string]any)
			attributes[graph.Text(a["name"])] = graph.Text(a["type"])
		}
		if len(attributes) != len(want.Table.AttributeDefinitions) {
			t.Errorf("attributes %v, want %v", attributes, want.Table.AttributeDefinitions)
		}
		for _, a := range want.Table.AttributeDefinitions {
			if attributes[a.AttributeName] != a.AttributeType {
				t.Errorf("attribute %s is of type %q, want %s", a.AttributeName, attributes[a.AttributeName],
					a.AttributeType)
			}
		}
		keys := func(hash, sort any) []keySchema {
			return []keySchema{{graph.Text(hash), "HASH"}, {graph.Text(sort), "RANGE"}}
		}
		if got := keys(table.Input("hashKey"), table.Input("rangeKey")); !slices.Equal(got, want.Table.KeySchema) {
			t.Errorf("keys %v, want %v", got, want.Table.KeySchema)
		}
		indexes := graph.Items(table.Input("globalSecondaryIndexes"))
		if len(indexes) != 1 || len(want.Table.GlobalSecondaryIndexes) != 1 {
			t.Fatalf("indexes %v, want %v", indexes, want.Table.GlobalSecondaryIndexes)
		}
		index, wanted := indexes[0].(map[string]any), want.Table.GlobalSecondaryIndexes[0]
		if index["name"] != wanted.IndexName || index["projectionType"] != wanted.Projection.ProjectionType ||
			!slices.Equal(keys(index["hashKey"], index["rangeKey"]), wanted.KeySchema) {
			t.Errorf("index %v, want %v", index, wanted)
		}
	})
}

// Every number that the app logs becomes a metric, and no filter waits for one that it does not log.
func TestMetricsAreTheApps(t *testing.T) {
	t.Parallel()
	want, err := appContract()
	if err != nil {
		t.Fatal(err)
	}
	eachRecorded(t, func(t *testing.T, e documented) {
		var got []string
		for _, f := range e.graph.ByType("aws:cloudwatch/logMetricFilter:LogMetricFilter") {
			field, ok := strings.CutPrefix(graph.Text(f.Input("metricTransformation.value")), "$.")
			if pattern := graph.Text(f.Input("pattern")); !ok ||
				pattern != `{ ($.msg = "metrics") && ($.`+field+` = *) }` {
				t.Errorf("%s takes %q of %q", f, field, pattern)
			}
			got = append(got, field)
		}
		slices.Sort(got)
		if wanted := slices.Sorted(slices.Values(want.Metrics)); !slices.Equal(got, wanted) {
			t.Errorf("metrics are made of %q, the app logs %q", got, wanted)
		}
	})
}

// Every parameter is one that somebody reads, and what the app cannot do without is there.
func TestParametersAreRead(t *testing.T) {
	t.Parallel()
	asked, err := appContract()
	if err != nil {
		t.Fatal(err)
	}
	eachRecorded(t, func(t *testing.T, e documented) {
		path := "/dossier/" + e.settings.Stack
		read := append(append([]string{}, asked.Serve...), asked.Migrate...)
		// By the scripts of the hosts.
		read = append(read, "/"+parameters.Release, "/"+parameters.JumpHostKey)
		for _, p := range e.graph.ByType("aws:ssm/parameter:Parameter") {
			name, below := strings.CutPrefix(graph.Text(p.Input("name")), path)
			if !below || !slices.Contains(read, name) {
				t.Errorf("nobody reads the parameter %s", p.Input("name"))
			}
		}
		for _, name := range []string{
			"bucket", "db/admin/password", "db/admin/user", "db/host", "db/max-connections", "db/name", "db/password",
			"db/user", "max-file-size", "max-store-size", "public-url", "staff/secret", "table",
			"timeout/shutdown", "timeout/upload", "trusted-proxies",
		} {
			if !slices.Contains(read, "/"+name) {
				t.Errorf("the app does not read %s any more", name)
			}
			parameter(t, e, name)
		}
	})
}

// Whose pages may use the API may also send to the bucket what the API signs for them, and nothing else.
func TestFilesAreSentFromTheSitesThatMay(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		own := "https://" + e.settings.Site.Domain
		if e.settings.Site.Domain == "" {
			own = "http://" + graph.Text(e.graph.ByType("aws:lb/loadBalancer:LoadBalancer")[0].Output("dnsName"))
		}
		if got := graph.Text(parameter(t, e, "public-url").Input("value")); got != own {
			t.Errorf("the site is at %q, want %q", got, own)
		}
		others := e.settings.Site.APIOrigins
		if e.settings.Stack == "maximal" && len(others) != 2 {
			t.Errorf("the settings have the origins %q", others)
		}
		for _, p := range e.graph.ByType("aws:ssm/parameter:Parameter") {
			if strings.HasSuffix(graph.Text(p.Input("name")), "/api-origins") && len(others) == 0 {
				t.Error("there is a parameter for no origins, and Parameter Store takes no empty one")
			}
		}
		if len(others) > 0 {
			if got := graph.Text(parameter(t, e, "api-origins").Input("value")); got != strings.Join(others, ",") {
				t.Errorf("the app is told the origins %q, want %q", got, others)
			}
		}
		all := e.graph.ByType("aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2")
		if len(all) != 1 ||
			!e.graph.Refers(all[0].Input("bucket"),
				e.graph.ByName("aws:s3/bucketV2:BucketV2", "dossier-storage-files")) {
			t.Fatalf("there are %d sets of CORS rules, want that of the files", len(all))
		}
		rules := graph.Items(all[0].Input("corsRules"))
		if len(rules) != 1 {
			t.Fatalf("there are %d rules, want one", len(rules))
		}
		for name, want := range map[string][]string{
			"allowedOrigins": append([]string{own}, others...), "allowedMethods": {"PUT"},
			"allowedHeaders": {"content-type", "x-amz-checksum-crc64nvme"},
			"exposeHeaders":  {"ETag", "x-amz-checksum-crc64nvme"},
		} {
			if got := graph.Texts(graph.At(rules[0], name)); !slices.Equal(got, want) {
				t.Errorf("%s are %q, want %q", name, got, want)
			}
		}
	})
}

// parameter is the one of that name below the stack's path.
func parameter(t *testing.T, e documented, name string) *graph.Resource {
	t.Helper()
	full := "/dossier/" + e.settings.Stack + "/" + name
	for _, p := range e.graph.ByType("aws:ssm/parameter:Parameter") {
		if p.Input("name") == full {
			return p
		}
	}
	t.Fatalf("there is no parameter %s", full)
	return nil
}

// TestRoles holds what each role may do against what runs with it: neither a missing nor a spare permission passes.
func TestRoles(t *testing.T) {
	t.Parallel()
	called := callsOf(t, app)
	asked, err := appContract()
	if err != nil {
		t.Fatal(err)
	}
	eachRecorded(t, func(t *testing.T, e documented) {
		prefix := "arn:aws:ssm:us-east-1:123456789012:parameter/dossier/" + e.settings.Stack
		arn := func(token string) string {
			t.Helper()
			return graph.Text(e.graph.ByType(token)[0].Output("arn"))
		}
		bucket := func(name string) string {
			t.Helper()
			return graph.Text(e.graph.ByName("aws:s3/bucketV2:BucketV2", name).Output("arn"))
		}
		table, logs := arn("aws:dynamodb/table:Table"),
			graph.Text(e.graph.ByName("aws:cloudwatch/logGroup:LogGroup", "dossier-app").Output("arn"))
		group := e.graph.ByType("aws:autoscaling/group:Group")[0]
		groupARN := "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/" +
			graph.Text(group.Input("name"))
		files := map[permissions.Kind][]string{
			permissions.Bucket: {bucket("dossier-storage-files")},
			permissions.Object: {bucket("dossier-storage-files") + "/files/*"},
			permissions.Source: {bucket("dossier-storage-files") + "/files/*"},
			permissions.Table:  {table}, permissions.Index: {table + "/index/unfinished"},
		}
		// What the app calls on files in one request it calls on thumbnails too.
		thumbnails := map[permissions.Kind][]string{
			permissions.Bucket: files[permissions.Bucket],
			permissions.Object: {bucket("dossier-storage-files") + "/thumbs/*"},
		}
		host := map[permissions.Kind][]string{
			permissions.Object: {bucket("dossier-storage-releases") + "/releases/*"}, permissions.Group: {groupARN},
			permissions.LogGroup: {logs + ":*"}, permissions.LogStream: {logs + ":log-stream:*"},
		}
		// settings are the parameters that a command asks for, each by its name; the policy may name a group of them.
		settings := func(names []string, within func(name string) string) []permissions.Grant {
			var grants []permissions.Grant
			for _, name := range names {
				grants = append(grants, permissions.Grant{Action: "ssm:GetParameters", Resource: prefix + name,
					Within: prefix + within(name)})
			}
			return grants
		}
		below := func(name string) string { return name[:strings.LastIndexByte(name, '/')] + "/*" }
		need := func(calls []permissions.Call, on map[permissions.Kind][]string,
			holds ...permissions.Condition) []permissions.Grant {
			t.Helper()
			grants, err := permissions.Needs(calls, on, holds...)
			if err != nil {
				t.Fatal(err)
			}
			return grants
		}
		without := func(calls []permissions.Call, service, operation string) []permissions.Call {
			return slices.DeleteFunc(slices.Clone(calls), func(c permissions.Call) bool {
				return c.Service == service && c.Operation == operation
			})
		}
		inOne := func(calls []permissions.Call) []permissions.Call {
			return slices.DeleteFunc(slices.Clone(calls), func(c permissions.Call) bool {
				return c.Service != "s3" || !slices.Contains([]string{"PutObject", "GetObject", "DeleteObject"}, c.Operation)
			})
		}
		script := func(text string) []permissions.Call {
			t.Helper()
			calls, err := permissions.ScriptCalls(text)
			if err != nil {
				t.Fatal(err)
			}
			return calls
		}
		agent := need(permissions.SystemsManagerAgent(), nil)

		template := e.graph.ByType("aws:ec2/launchTemplate:LaunchTemplate")[0]
		userData, err := base64.StdEncoding.DecodeString(graph.Text(template.Input("userData")))
		if err != nil {
			t.Fatal(err)
		}
		calls := without(called, "ssm", "GetParameters")
		// What GuardDuty found is asked for where it scans, and only there.
		if !e.settings.Storage.MalwareProtection {
			calls = without(calls, "s3", "GetObjectTagging")
		}
		app := slices.Concat(
			// All commands: whoever signs in on an instance runs them with the instance's rights.
			need(calls, files, permissions.TellAbsent),
			need(inOne(called), thumbnails, permissions.TellAbsent),
			settings(asked.Serve, func(string) string { return "/*" }),
			need(script(string(userData)), host), agent,
		)
		checkRole(t, e, "dossier-app", app)
		// The administrator's password opens every table, and the host key makes an impostor of whoever has it.
		for _, secret := range []string{"/db/admin/password", "/db/admin/user", "/jump/host-key"} {
			for _, action := range []string{"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath",
				"ssm:GetParameterHistory"} {
				missing, _, err := permissions.Compare(rolePolicy(t, e, "dossier-app"),
					[]permissions.Grant{{Action: action, Resource: prefix + secret}})
				if err != nil || len(missing) != 1 {
					t.Errorf("the app's role may %s %s: %v %v", action, secret, missing, err)
				}
			}
		}

		jump := e.graph.ByName("aws:ec2/instance:Instance", "dossier-jump")
		own := map[permissions.Kind][]string{permissions.Parameter: {prefix + "/jump/host-key"}}
		schema := map[permissions.Kind][]string{
			permissions.Object:    {bucket("dossier-storage-releases") + "/releases/*"},
			permissions.Parameter: {prefix + "/release"},
		}
		checkRole(t, e, "dossier-jump", slices.Concat(
			need(script(graph.Text(jump.Input("userData"))), own), need(script(schemaScript(t, e)), schema),
			settings(asked.Migrate, below), agent,
		))

		if e.settings.Network.NAT == "instance" {
			nat := e.graph.ByName("aws:ec2/instance:Instance", "dossier-network-nat-instance")
			checkRole(t, e, "dossier-network-nat-instance",
				slices.Concat(need(script(graph.Text(nat.Input("userData"))), nil), agent))
		}

		if e.settings.Storage.MalwareProtection {
			checkRole(t, e, scanRole, scanNeeds(bucket("dossier-storage-files")))
		}

		var roles []string
		for _, r := range e.graph.ByType("aws:iam/role:Role") {
			roles = append(roles, r.Name)
		}
		want := []string{"dossier-app", "dossier-jump"}
		if e.settings.Network.NAT == "instance" {
			want = append(want, "dossier-network-nat-instance")
		}
		if e.settings.Storage.MalwareProtection {
			want = append(want, scanRole)
		}
		slices.Sort(roles)
		if !slices.Equal(roles, want) {
			t.Errorf("roles %v, want %v: each has to be compared above", roles, want)
		}
	})
}

func checkRole(t *testing.T, e documented, name string, need []permissions.Grant) {
	t.Helper()
	missing, spare, err := permissions.Compare(rolePolicy(t, e, name), need)
	if err != nil {
		t.Fatalf("role %s: %v", name, err)
	}
	for _, m := range missing {
		t.Errorf("role %s may not %s", name, m)
	}
	for _, s := range spare {
		t.Errorf("role %s may %s", name, s)
	}
}

// rolePolicy is the one policy of a role.
func rolePolicy(t *testing.T, e documented, role string) string {
	t.Helper()
	var text string
	for _, p := range e.graph.ByType("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy",
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment") {
		of := e.graph.Resolve(p.Input("role"), "aws:iam/role:Role")
		switch {
		case of == nil:
			t.Fatalf("%s belongs to no role", p)
		case of.Name != role:
		case text != "":
			t.Fatalf("role %s has more than one policy", role)
		default:
			text = graph.Text(p.Input("policy"))
		}
	}
	if text == "" {
		t.Fatalf("role %s has no policy", role)
	}
	return text
}

// schemaScript is the script of the schema command, by whichever way it goes.
func schemaScript(t *testing.T, e documented) string {
	t.Helper()
	if r := e.graph.ByName("command:remote:Command", "dossier-jump-schema"); r != nil {
		return graph.Text(r.Input("create"))
	}
	r := e.graph.ByName("command:local:Command", "dossier-jump-schema")
	if r == nil {
		t.Fatal("there is no schema command")
	}
	return graph.Text(r.Input("stdin"))
}

// TestSizesAreMeasured: Auto Scaling tells only the sizes that a group enables
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html), and an alarm on one that it
// does not tell would never be raised.
func TestSizesAreMeasured(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		enabled := graph.Texts(e.graph.ByType("aws:autoscaling/group:Group")[0].Input("enabledMetrics"))
		watched := map[string]bool{}
		for _, query := range graph.Items(e.graph.ByName("aws:cloudwatch/metricAlarm:MetricAlarm",
			"dossier-observe-at-maximum").Input("metricQueries")) {
			if graph.At(query, "metric.namespace") == "AWS/AutoScaling" {
				watched[graph.Text(graph.At(query, "metric.metricName"))] = true
			}
		}
		if !watched["GroupMaxSize"] || !watched["GroupDesiredCapacity"] && !watched["GroupInServiceInstances"] {
			t.Errorf("the alarm at-maximum compares no sizes: %v", watched)
		}
		for metric := range watched {
			if !slices.Contains(enabled, metric) {
				t.Errorf("the group does not tell %s, which at-maximum watches: %v", metric, enabled)
			}
		}
	})
}

// TestCustodyIsMeasured: an alarm on a metric of the stack's own that no filter makes of the app's log would never be
// raised.
func TestCustodyIsMeasured(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		made := map[string]bool{}
		for _, f := range e.graph.ByType("aws:cloudwatch/logMetricFilter:LogMetricFilter") {
			if group, want := graph.Text(f.Input("logGroupName")), "/dossier/"+e.graph.Stack+"/app"; group != want {
				t.Errorf("%s looks at the log group %s, want %s", f, group, want)
			}
			value := graph.Text(f.Input("metricTransformation.value"))
			if got, want := f.Input("pattern"), `{ ($.msg = "metrics") && (`+value+` = *) }`; got != want {
				t.Errorf("%s looks for %v, want %s", f, got, want)
			}
			if v := f.Input("metricTransformation.defaultValue"); v != nil {
				t.Errorf("%s tells %v where the app says nothing", f, v)
			}
			made[graph.Text(f.Input("metricTransformation.namespace"))+" "+
				graph.Text(f.Input("metricTransformation.name"))] = true
		}
		watched := 0
		for _, a := range e.graph.ByType("aws:cloudwatch/metricAlarm:MetricAlarm") {
			namespace := graph.Text(a.Input("namespace"))
			if namespace == "" || strings.HasPrefix(namespace, "AWS/") {
				continue
			}
			watched++
			if metric := namespace + " " + graph.Text(a.Input("metricName")); !made[metric] {
				t.Errorf("%s watches %s, which nothing makes: %v", a, metric, made)
			}
			// Of the stored files every instance tells the same numbers, which hold until others are told. How much is
			// under way an instance tells of itself, and one that is gone has nothing under way.
			missing := "ignore"
			if a.Input("metricName") == "Saturated" {
				missing = "notBreaching"
			}
			if a.Input("statistic") != "Maximum" || a.Input("treatMissingData") != missing {
				t.Errorf("%s takes the %v, and a lack of data for %v; want the Maximum, and %s", a,
					a.Input("statistic"), a.Input("treatMissingData"), missing)
			}
		}
		if watched != 6 {
			t.Errorf("%d alarms watch what the app tells, want 6", watched)
		}
	})
}

// TestProfile: the provider takes aws:profile from the configuration. The commands would use other credentials, and so
// might roll out in another account.
func TestProfile(t *testing.T) {
	for _, profile := range []string{"", "files-dev"} {
		config := environment(t, "dev", nil)
		if profile != "" {
			config["aws:profile"] = profile
		}
		g, err := graph.Record("dossier", "dev", config, stack(fixed(t, "first release")))
		if err != nil {
			t.Fatal(err)
		}
		commands := g.ByType("command:local:Command")
		if len(commands) != 3 {
			t.Errorf("%d commands run here, want preparation, schema and rollout", len(commands))
		}
		for _, c := range commands {
			if got := graph.Text(c.Input("environment.AWS_PROFILE")); got != profile {
				t.Errorf("with the profile %q: %s runs with %q", profile, c, got)
			}
		}
	}
}
