package deployer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/infra/internal/golden"
)

var update = golden.Update()

// full is a stack with all that a stack can have, and with the longest names that are usual.
var full = Stack{
	Name: "production-europe", Account: "123456789012", Region: "ap-southeast-1",
	Domain: "files.of-many-people.example.org", Zone: "Z0123456789ABCDEFGHIJ",
	WebACL: "arn:aws:wafv2:ap-southeast-1:123456789012:regional/webacl/dossier/01234567-89ab-cdef-0123-456789abcdef",
}

// dev is the one whose policies stand in testdata.
var dev = Stack{Name: "dev", Account: "123456789012", Region: "us-east-1"}

// read returns the statements of a policy.
func read(t *testing.T, p Policy) []statement {
	t.Helper()
	var d struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal([]byte(p.Document), &d); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return d.Statement
}

func boundaryStatements(t *testing.T) []statement { return read(t, BoundaryPolicy(full)) }

func policies(t *testing.T, s Stack) []Policy {
	t.Helper()
	list, err := Policies(s)
	if err != nil {
		t.Fatal(err)
	}
	return append(list, BoundaryPolicy(s))
}

// TestSizes: a managed policy takes 6,144 characters without white space, a role 10 policies
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func TestSizes(t *testing.T) {
	longest := full
	longest.Name = strings.Repeat("a", 64-len("dossier-deploy-"))
	if faults := longest.Check(); len(faults) > 0 {
		t.Errorf("the longest name is refused: %q", faults)
	}
	for _, s := range []Stack{dev, full, longest} {
		list := policies(t, s)
		if n := len(list) - 1; n > 10 {
			t.Errorf("%s: %d policies for the role, and it takes 10", s.Name, n)
		}
		for _, p := range list {
			n := len(strings.Join(strings.Fields(p.Document), ""))
			if t.Logf("%s: %d characters", p.Name, n); n > Limit {
				t.Errorf("%s has %d characters, and a policy takes %d", p.Name, n, Limit)
			}
			if len(p.Name) > 128 {
				t.Errorf("the name %s is too long", p.Name)
			}
		}
	}
}

// TestAllStatementsStand: what is divided into policies is all that there is.
func TestAllStatementsStand(t *testing.T) {
	for _, s := range []Stack{dev, full} {
		var stand int
		for _, p := range policies(t, s) {
			if p.Name != s.BoundaryName() {
				stand += len(read(t, p))
			}
		}
		if want := len(statements(s)); stand != want {
			t.Errorf("%s: %d statements stand in the policies, want %d: a service is missing in subjects", s.Name,
				stand, want)
		}
	}
}

// TestGolden keeps the policies of dev, for who reviews a change of them.
func TestGolden(t *testing.T) {
	list := policies(t, dev)
	var names []string
	for _, p := range list {
		file := filepath.Join("testdata", p.Name+".json")
		names = append(names, filepath.Base(file))
		golden.Compare(t, update, file, p.Document)
	}
	there, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if !slices.Contains(names, f.Name()) {
			t.Errorf("testdata/%s is no policy any more: remove it", f.Name())
		}
	}
}

// elsewhere are the actions that are allowed on what neither has the stack's name in its own nor has to have its tags,
// by the resource, with the reason. What only reads is no fault.
var elsewhere = map[string]map[string]string{
	"arn:aws:ec2:{region}:{account}:volume/*": {
		"ec2:RunInstances": "the instance that it is launched with has to have the tags",
		"ec2:CreateTags":   "in a launch, or on one that is named as those of the stack's own hosts",
		"ec2:DeleteTags":   "on one that is named as those of the stack's own hosts",
	},
	"arn:aws:ec2:{region}:{account}:network-interface/*": {
		"ec2:RunInstances":        "the instance that it is launched with has to have the tags",
		"ec2:CreateTags":          "in a launch only",
		"ec2:AssociateAddress":    "the address has to have the tags",
		"ec2:DisassociateAddress": "the address has to have the tags",
	},
	"arn:aws:ec2:{region}:{account}:instance/*": {"ec2:CreateTags": "in a launch only, whose instance has to have " +
		"the tags"},
	"arn:aws:ec2:{region}::image/*": {"ec2:RunInstances": "images of Amazon's only"},
	optionGroup: {"rds:CreateDBInstance": "RDS's own group of that name",
		"rds:ModifyDBInstance": "RDS's own group of that name"},
	hostedZone: {"route53:ChangeResourceRecordSets": "the one zone, and in it the site's names only"},
	"{webacl}": {"wafv2:AssociateWebACL": "the one web ACL"},
	balancer: {"wafv2:AssociateWebACL": "AWS WAF knows no tags of load balancers",
		"wafv2:DisassociateWebACL": "AWS WAF knows no tags of load balancers"},
	"arn:aws:ssm:{region}::document/AWS-RunShellScript": {"ssm:SendCommand": "AWS's own document, and the instance " +
		"has to have the tags"},
	linked[0]: {"iam:CreateServiceLinkedRole": "for the one service"},
	linked[1]: {"iam:CreateServiceLinkedRole": "for the one service"},
	linked[2]: {"iam:CreateServiceLinkedRole": "for the one service"},
	roles[0]:  {"iam:PassRole": "IAM does not tell the tags of a role that is passed; to EC2 only"},
	roles[1]:  {"iam:PassRole": "IAM does not tell the tags of a role that is passed; to EC2 only"},
	roles[2]:  {"iam:PassRole": "IAM does not tell the tags of a role that is passed; to EC2 only"},
	roles[3]:  {"iam:PassRole": "IAM does not tell the tags of a role that is passed; to GuardDuty's scans only"},
}

// TestNarrow: no action has a wildcard, and what changes something is allowed on what is the stack's, by its name or
// its tags. "*" stands only for actions that know no resource, which TestReference holds against AWS's own list.
func TestNarrow(t *testing.T) {
	excused := map[string]map[string]bool{}
	reasons := map[string]map[string]string{}
	for arn, actions := range elsewhere {
		reasons[full.fill(arn)] = actions
		excused[full.fill(arn)] = map[string]bool{}
	}
	for _, st := range statements(full) {
		if st.Effect != "Allow" {
			continue
		}
		tagged := false
		for _, operator := range []string{"StringEquals", "StringEqualsIfExists"} {
			for _, k := range []string{"aws:RequestTag/Stack", "aws:ResourceTag/Stack", "ssm:resourceTag/Stack"} {
				// A condition that holds where there are no tags is enough for a name only.
				wide := slices.ContainsFunc(st.Resource, func(arn string) bool {
					return strings.HasSuffix(arn, "/*") &&
						!strings.Contains(arn, "dossier-")
				})
				tagged = tagged || slices.Equal(st.Condition[operator][k], []string{full.Name}) &&
					(operator == "StringEquals" || !wide)
			}
		}
		bound := slices.Equal(st.Condition["StringEquals"]["iam:PermissionsBoundary"], []string{full.Boundary()})
		for _, action := range st.Action {
			_, verb, _ := strings.Cut(action, ":")
			reads := slices.ContainsFunc([]string{"Get", "List", "Describe", "Simulate"},
				func(v string) bool { return strings.HasPrefix(verb, v) })
			for _, arn := range st.Resource {
				switch {
				case strings.ContainsAny(action, "*?"):
					t.Errorf("%s has a wildcard", action)
				case arn == "*" && reads, strings.Contains(arn, full.Name), tagged, bound, reads:
				case arn == "*" && noResource[action] != "":
				case reasons[arn][action] != "":
					excused[arn][action] = true
				default:
					t.Errorf("%s is allowed on %s, whoever it belongs to (%v)", action, arn, st.Condition)
				}
			}
		}
	}
	for arn, actions := range reasons {
		for action := range actions {
			if !excused[arn][action] {
				t.Errorf("%s on %s needs no reason any more", action, arn)
			}
		}
	}
}

// noResource are the actions that change something and know no resource, with what they can do elsewhere.
var noResource = map[string]string{
	"cloudformation:CreateResource":  "Cloud Control acts with the caller's own rights",
	"cloudformation:DeleteResource":  "Cloud Control acts with the caller's own rights",
	"cloudformation:UpdateResource":  "Cloud Control acts with the caller's own rights",
	"elasticloadbalancing:SetWebACL": "it is asked beside wafv2:AssociateWebACL, which names both",
	"logs:CreateLogDelivery":         "it writes to what the flow log names, whose policy has to allow it",
	"logs:DeleteLogDelivery":         "it can end another's delivery of logs",
	"ssm:CancelCommand":              "it can cancel another's command",
}

// TestBoundaryCannotBeLeft: roles can be made and given policies within the boundary only, and nobody changes it.
func TestBoundaryCannotBeLeft(t *testing.T) {
	within := map[string][]string{"iam:PermissionsBoundary": {full.Boundary()}}
	for _, st := range statements(full) {
		for _, action := range st.Action {
			switch action {
			case "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy",
				"iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy":
				if st.Effect == "Allow" && (len(st.Condition) != 1 ||
					!slices.Equal(st.Condition["StringEquals"]["iam:PermissionsBoundary"],
						within["iam:PermissionsBoundary"])) {
					t.Errorf("%s is allowed under %v", action, st.Condition)
				}
			case "iam:PassRole":
				to := "ec2.amazonaws.com"
				if slices.Equal(st.Resource, []string{full.fill(scanRoles[0])}) {
					to = scanService
				}
				if !slices.Equal(st.Condition["StringEquals"]["iam:PassedToService"], []string{to}) {
					t.Errorf("the roles %v may be passed under %v", st.Resource, st.Condition)
				}
			}
			// Whoever could make these would hold what no boundary bounds.
			for _, unbounded := range []string{"User", "Group", "Policy", "AccessKey", "LoginProfile", "SAML",
				"OpenID"} {
				_, verb, _ := strings.Cut(action, ":")
				if st.Effect == "Allow" && st.service() == "iam" && strings.Contains(verb, unbounded) &&
					!slices.Contains([]string{
						"PutRolePolicy", "DeleteRolePolicy", "GetRolePolicy", "UpdateAssumeRolePolicy",
						"SimulatePrincipalPolicy",
					}, verb) {
					t.Errorf("%s is allowed", action)
				}
			}
		}
		for _, arn := range st.Resource {
			if st.Effect == "Allow" && arn == full.Boundary() {
				t.Errorf("%v is allowed on the boundary", st.Action)
			}
			// Its own role has a name like those that it makes.
			if st.Effect == "Allow" && st.service() == "iam" && overlap(arn,
				full.fill("arn:aws:iam::{account}:role/{role}")) && !slices.Equal(st.Action,
				[]string{"iam:SimulatePrincipalPolicy"}) {
				t.Errorf("%v is allowed on the deployer's own role", st.Action)
			}
		}
	}
	denied := map[string]bool{}
	for _, st := range statements(full) {
		if st.Effect == "Deny" {
			for _, action := range st.Action {
				denied[action] = true
			}
		}
	}
	for _, action := range []string{"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy",
		"iam:DeleteRolePermissionsBoundary", "s3:GetObject", "s3:PutObjectTagging"} {
		if !denied[action] {
			t.Errorf("%s is not denied", action)
		}
	}
}

// TestRecords: of the hosted zone, only the records of the site and of its certificate are changed.
func TestRecords(t *testing.T) {
	found := false
	for _, st := range statements(full) {
		if !slices.Contains(st.Action, "route53:ChangeResourceRecordSets") {
			continue
		}
		found = true
		names := st.Condition["ForAllValues:StringLike"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"]
		kinds := st.Condition["ForAllValues:StringEquals"]["route53:ChangeResourceRecordSetsRecordTypes"]
		if !slices.Equal(names, []string{full.Domain, "_*." + full.Domain}) ||
			!slices.Equal(kinds, []string{"A", "CNAME"}) {
			t.Errorf("records are changed under %v", st.Condition)
		}
	}
	if !found {
		t.Error("no record is changed")
	}
}
