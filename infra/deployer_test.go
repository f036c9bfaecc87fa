package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/infra/deployer"
	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
	"dossier.example/plan/permissions"
)

// What is tested here is package deployer against the program: whether who deploys may do what the program's resources
// and the commands of a deployment need, and whether the boundary of roles allows what they have and nothing else.

// deployerOf is the stack of a recording, for package deployer.
func deployerOf(e documented) deployer.Stack {
	return deployer.Stack{
		Name: e.settings.Stack, Account: "123456789012", Region: e.settings.Region, Domain: e.settings.Site.Domain,
		Zone:   e.settings.Site.ZoneID,
		WebACL: e.settings.Site.WebACL,
	}
}

// TestDeployerKnowsEveryType: the tables have a line for everything that the program registers, and none for anything
// else.
func TestDeployerKnowsEveryType(t *testing.T) {
	registered := map[string]bool{}
	eachRecorded(t, func(_ *testing.T, e documented) {
		for token := range e.graph.Counts() {
			if strings.HasPrefix(token, "aws:") {
				registered[token] = true
			}
		}
	})
	sameNames(t, "type", "resources", deployer.Types(), registered)
	sameNames(t, "function", "functions", deployer.Functions(), functionsCalled(t))
	commands := map[string]bool{}
	for _, program := range deployed {
		commands[strings.TrimPrefix(program, "dossier.example/")] = true
	}
	sameNames(t, "command", "commands", deployer.Commands(), commands)
}

func sameNames(t *testing.T, kind, table string, have []string, want map[string]bool) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(have, name) {
			t.Errorf("the %s %s is used, and deployer does not know what it needs: look it up and add it to %s", kind,
				name, table)
		}
	}
	for _, name := range have {
		if !want[name] {
			t.Errorf("deployer allows what the %s %s needs, which is not used any more", kind, name)
		}
	}
}

// functionsCalled are the tokens of the provider's functions that the components call: ec2.LookupAmi is
// aws:ec2/getAmi:getAmi.
func functionsCalled(t *testing.T) map[string]bool {
	t.Helper()
	called := map[string]bool{}
	sources(t, ".", func(f *ast.File) {
		packages := imported(f, "github.com/pulumi/pulumi-aws/sdk/v6/go/")
		ast.Inspect(f, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is {
				return true
			}
			module, name := selected(call.Fun)
			from, ours := packages[module]
			if !ours {
				return true
			}
			what, ok := strings.CutPrefix(name, "Lookup")
			if !ok {
				what, ok = strings.CutPrefix(name, "Get")
			}
			if ok {
				module = path.Base(from)
				if module == "aws" {
					module = "index"
				}
				called["aws:"+module+"/get"+what+":get"+what] = true
			}
			return true
		})
	})
	return called
}

// sources reads the Go files below a folder of infra, but for tests and what only tests use.
func sources(t *testing.T, folder string, look func(*ast.File)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "internal" || entry.Name() == "testdata" ||
			strings.HasSuffix(entry.Name(), "test")):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, filepath.FromSlash(name)), nil, 0)
		if err == nil {
			look(f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// imported are the packages of a file whose paths begin so, by the names that it uses.
func imported(f *ast.File, prefix string) map[string]string {
	names := map[string]string{}
	for _, spec := range f.Imports {
		from := strings.Trim(spec.Path.Value, `"`)
		if !strings.HasPrefix(from, prefix) {
			continue
		}
		name := path.Base(from)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = from
	}
	return names
}

// selected are the two names of an expression such as ec2.LookupAmi.
func selected(e ast.Expr) (of, name string) {
	s, is := e.(*ast.SelectorExpr)
	if !is {
		return "", ""
	}
	x, is := s.X.(*ast.Ident)
	if !is {
		return "", ""
	}
	return x.Name, s.Sel.Name
}

// allowed is what all policies of who deploys allow, as one document, and the conditions in it.
func allowed(t *testing.T, s deployer.Stack) (document string, conditions []string) {
	t.Helper()
	policies, err := deployer.Policies(s)
	if err != nil {
		t.Fatal(err)
	}
	type policy struct {
		Version   string
		Statement []json.RawMessage
	}
	var all policy
	for _, p := range policies {
		var part policy
		if err := json.Unmarshal([]byte(p.Document), &part); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		all.Version, all.Statement = part.Version, slices.Concat(all.Statement, part.Statement)
		for _, st := range statementsOf(t, p.Document) {
			if st.Condition != nil {
				conditions = append(conditions, st.Conditions())
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), conditions
}

// statementsOf are those of a policy document.
func statementsOf(t *testing.T, text string) iam.Statements {
	t.Helper()
	d, err := iam.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d.Statement
}

// mayAll fails for what the policies do not allow, by requests that meet the conditions: with the stack's tags, and its
// boundary.
func mayAll(t *testing.T, s deployer.Stack, need []permissions.Grant) {
	t.Helper()
	document, conditions := allowed(t, s)
	for i := range need {
		need[i].Meets, need[i].Avoids = conditions, conditions
	}
	missing, _, err := permissions.Compare(document, need)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		t.Errorf("who deploys %s may not %s", s.Name, m)
	}
}

// changesOf is what changes a resource of each type that has an ARN with the program's names in it.
var changesOf = map[string]string{
	"aws:acm/certificate:Certificate":                           "acm:DeleteCertificate",
	"aws:autoscaling/group:Group":                               "autoscaling:UpdateAutoScalingGroup",
	"aws:cloudwatch/eventRule:EventRule":                        "events:PutRule",
	"aws:cloudwatch/logGroup:LogGroup":                          "logs:PutRetentionPolicy",
	"aws:cloudwatch/metricAlarm:MetricAlarm":                    "cloudwatch:PutMetricAlarm",
	"aws:cognito/userPool:UserPool":                             "cognito-idp:UpdateUserPool",
	"aws:dynamodb/table:Table":                                  "dynamodb:UpdateTable",
	"aws:ec2/instance:Instance":                                 "ec2:TerminateInstances",
	"aws:ec2/keyPair:KeyPair":                                   "ec2:DeleteKeyPair",
	"aws:ec2/launchTemplate:LaunchTemplate":                     "ec2:CreateLaunchTemplateVersion",
	"aws:ec2/vpc:Vpc":                                           "ec2:DeleteVpc",
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": "guardduty:UpdateMalwareProtectionPlan",
	"aws:iam/instanceProfile:InstanceProfile":                   "iam:AddRoleToInstanceProfile",
	"aws:iam/role:Role":                                         "iam:CreateRole",
	"aws:lb/listener:Listener":                                  "elasticloadbalancing:ModifyListener",
	"aws:lb/loadBalancer:LoadBalancer":                          "elasticloadbalancing:ModifyLoadBalancerAttributes",
	"aws:lb/targetGroup:TargetGroup":                            "elasticloadbalancing:ModifyTargetGroup",
	"aws:rds/instance:Instance":                                 "rds:ModifyDBInstance",
	"aws:rds/parameterGroup:ParameterGroup":                     "rds:ModifyDBParameterGroup",
	"aws:rds/subnetGroup:SubnetGroup":                           "rds:ModifyDBSubnetGroup",
	"aws:s3/bucketV2:BucketV2":                                  "s3:PutBucketTagging",
	"aws:sns/topic:Topic":                                       "sns:SetTopicAttributes",
	"aws:ssm/parameter:Parameter":                               "ssm:PutParameter",
}

// TestDeployerMayChangeWhatThereIs: the patterns of the policies fit the names that the program gives.
func TestDeployerMayChangeWhatThereIs(t *testing.T) {
	seen := map[string]bool{}
	eachRecorded(t, func(t *testing.T, e documented) {
		var need []permissions.Grant
		for _, r := range e.graph.Resources {
			if action := changesOf[r.Token]; action != "" {
				seen[r.Token] = true
				need = append(need, permissions.Grant{Action: action, Resource: graph.Text(r.Output("arn"))})
			}
		}
		for _, r := range e.graph.ByType("aws:iam/role:Role") {
			need = append(need, permissions.Grant{Action: "iam:PassRole", Resource: graph.Text(r.Output("arn"))})
			// The services that roles may be passed to.
			service := "ec2.amazonaws.com"
			if r.Name == scanRole {
				service = "malware-protection-plan.guardduty.amazonaws.com"
			}
			if trust := graph.Text(r.Input("assumeRolePolicy")); !strings.Contains(trust,
				`"Service":"`+service+`"`) {
				t.Errorf("%s is not for %s: %s", r, service, trust)
			}
		}
		mayAll(t, deployerOf(e), need)
	})
	for token := range changesOf {
		if !seen[token] {
			t.Errorf("no stack has a %s", token)
		}
	}
}

// TestDeployerMayRunTheCommands holds the policies against the calls that are found in the source of what a deployment
// runs.
func TestDeployerMayRunTheCommands(t *testing.T) {
	t.Parallel()
	var calls []permissions.Call
	for _, program := range deployed {
		calls = append(calls, callsOf(t, program)...)
	}
	if len(calls) < 30 {
		t.Fatalf("only %d calls are found: %v", len(calls), calls)
	}
	eachRecorded(t, func(t *testing.T, e documented) {
		s := deployerOf(e)
		arn := func(service, rest string) string {
			return "arn:aws:" + service + ":" + s.Region + ":" + s.Account + ":" + rest
		}
		linked := "arn:aws:iam::" + s.Account + ":role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
		own := map[permissions.Kind][]string{
			permissions.Group: {arn("autoscaling",
				"autoScalingGroup:01234567:autoScalingGroupName/dossier-"+s.Name+"-app")},
			permissions.Document:       {"arn:aws:ssm:" + s.Region + "::document/AWS-RunShellScript"},
			permissions.Instance:       {arn("ec2", "instance/i-0123456789abcdef0")},
			permissions.Database:       {arn("rds", "db:dossier-"+s.Name)},
			permissions.Alarm:          {arn("cloudwatch", "alarm:dossier-observe-latency-0123456")},
			permissions.Dashboard:      {"arn:aws:cloudwatch::" + s.Account + ":dashboard/dossier-" + s.Name},
			permissions.LogGroup:       {arn("logs", "log-group:/aws/rds/instance/dossier-"+s.Name+"/error:*")},
			permissions.Parameter:      {arn("ssm", "parameter/dossier/"+s.Name+"/release")},
			permissions.Quota:          {arn("servicequotas", "ec2/L-1216C47A"), arn("servicequotas", "vpc/L-F678F1CE")},
			permissions.HostedZone:     {"arn:aws:route53:::hostedzone/" + s.Zone},
			permissions.Role:           {linked},
			permissions.LaunchTemplate: {arn("ec2", "launch-template/lt-0123456789abcdef0")},
			permissions.Bucket:         {"arn:aws:s3:::dossier-storage-releases-0123456"},
			permissions.Object:         {"arn:aws:s3:::dossier-storage-releases-0123456/releases/x.tar.gz"},
		}
		var need []permissions.Grant
		for _, c := range calls {
			if c.Service == "route53" && s.Zone == "" {
				continue // nothing is asked then
			}
			grants, err := permissions.Needs([]permissions.Call{c}, own)
			if err != nil {
				t.Error(err)
			}
			for _, g := range grants {
				switch {
				case g.Action == "iam:SimulatePrincipalPolicy":
					g.Resource = "arn:aws:iam::" + s.Account + ":role/" + s.Role()
				case g.Action == "iam:PassRole":
					g.Resource = "arn:aws:iam::" + s.Account + ":role/dossier-app-0123456"
				case g.Action == "ec2:RunInstances" || g.Action == "ec2:CreateTags":
					g.Resource = arn("ec2", "instance/*") // of what it launches
				}
				need = append(need, g)
			}
		}
		mayAll(t, s, need)
	})
}

// TestBoundary: the permissions boundary allows what the roles' own policies allow, and nothing else.
func TestBoundary(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		compareBoundary(t, deployerOf(e), e)
	})
	// One stack with all roles that there can be.
	all, err := recordStack("dev", map[string]any{"aws:region": "us-east-1", "dossier:settings": map[string]any{
		"network": map[string]any{"nat": "instance"}, "jump": map[string]any{"operatorCIDRs": []any{"203.0.113.0/24"}},
		"storage": map[string]any{"malwareProtection": true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, spare, err := permissions.Compare(deployer.BoundaryPolicy(deployerOf(all)).Document, compareBoundary(t,
		deployerOf(all), all))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range spare {
		t.Errorf("the boundary allows %s", s)
	}
}

// compareBoundary fails for what roles have and the boundary does not allow, and returns what they have, with the
// patterns of the boundary.
func compareBoundary(t *testing.T, s deployer.Stack, e documented) []permissions.Grant {
	t.Helper()
	document := deployer.BoundaryPolicy(s).Document
	var patterns []string
	for _, st := range statementsOf(t, document) {
		patterns = append(patterns, st.Resource...)
	}
	var have []permissions.Grant
	for _, role := range e.graph.ByType("aws:iam/role:Role") {
		for _, st := range statementsOf(t, rolePolicy(t, e, role.Name)) {
			var meets []string
			if st.Condition != nil {
				meets = []string{st.Conditions()}
			}
			for _, action := range st.Action {
				for _, resource := range st.Resource {
					if !st.Allows() {
						continue
					}
					// The random part of a name is a star in the boundary.
					within := ""
					for _, p := range patterns {
						if ok, err := path.Match(strings.ReplaceAll(p, "/", ":"), strings.ReplaceAll(resource, "/",
							":")); err == nil && ok && len(p) > len(within) {
							within = p
						}
					}
					have = append(have, permissions.Grant{Action: action, Resource: resource, Within: within,
						Meets: meets})
				}
			}
		}
	}
	missing, _, err := permissions.Compare(document, have)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		t.Errorf("a role of %s has what the boundary does not allow: %s", s.Name, m)
	}
	return have
}

// TestRolesHaveTheBoundary: where a setting names one, every role has it, and without nothing has.
func TestRolesHaveTheBoundary(t *testing.T) {
	const arn = "arn:aws:iam::123456789012:policy/dossier-dev-boundary"
	bounded, err := recordStack("dev", map[string]any{"aws:region": "us-east-1",
		"aws:defaultTags": map[string]any{"tags": map[string]any{"Project": "dossier", "Stack": "dev"}},
		"dossier:settings": map[string]any{
			"access": map[string]any{"boundary": arn}, "network": map[string]any{"nat": "instance"},
			"storage": map[string]any{"malwareProtection": true},
		}})
	if err != nil {
		t.Fatal(err)
	}
	if arn != deployerOf(bounded).Boundary() {
		t.Errorf("deployer calls the boundary %s", deployerOf(bounded).Boundary())
	}
	roles := bounded.graph.ByType("aws:iam/role:Role")
	for _, r := range roles {
		if got := r.Input("permissionsBoundary"); got != arn {
			t.Errorf("%s has the boundary %v", r, got)
		}
	}
	if len(roles) != 4 {
		t.Errorf("there are %d roles, want 4", len(roles))
	}
	eachRecorded(t, func(t *testing.T, e documented) {
		for _, r := range e.graph.ByType("aws:iam/role:Role") {
			if got := r.Input("permissionsBoundary"); got != nil {
				t.Errorf("%s has the boundary %v", r, got)
			}
		}
	})
}
