// Package deployer writes the IAM policies for deploying one environment: what Pulumi's AWS provider calls for the
// resources that the program registers, what the commands of a deployment call, and nothing else. It writes the
// permissions boundary too that the roles of the environment stay within, so that who may deploy cannot make a role
// that may do more.
//
// The tables of this package say what each type of resource and each command needs. Tests hold them against the
// program's resources, against the calls that are found in the commands' source, and against AWS's Service
// Authorization Reference.
package deployer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Stack is the environment that the policies are for.
type Stack struct {
	// Name is that of the Pulumi stack, Account the account's number, Region the region of the stack.
	Name, Account, Region string
	// Domain and Zone are site.domain and site.zoneId, WebACL is site.webAcl of the settings. Without them nothing is
	// allowed that they need.
	Domain, Zone, WebACL string
}

// The forms of what a Stack holds.
var (
	nameForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	domainForm  = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	zoneForm    = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	webACLForm  = regexp.MustCompile(
		`^arn:aws:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[A-Za-z0-9_-]+/[0-9a-f-]{36}$`)
)

// Check returns what is wrong with the stack, in sentences that name the options of the command.
func (s Stack) Check() (faults []string) {
	for _, c := range []struct {
		option, value string
		form          *regexp.Regexp
		optional      bool
		is            string
	}{
		{"--stack", s.Name, nameForm, false, "the name of a stack: small letters, digits and hyphens"},
		{"--account", s.Account, accountForm, false, "the 12 digits of an AWS account"},
		{"--region", s.Region, regionForm, false, "an AWS region such as us-east-1"},
		{"--domain", s.Domain, domainForm, true, "the site.domain of the settings, such as files.example.org"},
		{"--zone", s.Zone, zoneForm, true, "the site.zoneId of the settings, such as Z0123456789ABCDEFGHIJ"},
		{"--web-acl", s.WebACL, webACLForm, true, "the site.webAcl of the settings, the ARN of a regional web ACL"},
	} {
		if (!c.optional || c.value != "") && !c.form.MatchString(c.value) {
			faults = append(faults, fmt.Sprintf("%s is %q; give %s", c.option, c.value, c.is))
		}
	}
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	if n := len(s.Role()) - 64; n > 0 {
		faults = append(faults, fmt.Sprintf("the role's name %s exceeds IAM's limit by %d characters; "+
			"deploy a stack with such a long name as an administrator", s.Role(), n))
	}
	if (s.Domain == "") != (s.Zone == "") {
		faults = append(faults, "--domain and --zone go together: give both or neither")
	}
	return faults
}

// Boundary returns the ARN of the permissions boundary, the value of access.boundary in the settings.
func (s Stack) Boundary() string {
	return "arn:aws:iam::" + s.Account + ":policy/" + s.BoundaryName()
}

// BoundaryName is the name of that policy.
func (s Stack) BoundaryName() string { return "dossier-" + s.Name + "-boundary" }

// Role returns the name of the role that the policies are for.
func (s Stack) Role() string { return "dossier-deploy-" + s.Name }

// Policy is one managed policy.
type Policy struct {
	// Name is the policy's, Says what it is for.
	Name, Says string
	// Document is JSON, indented.
	Document string
}

// Limit is how many characters a managed policy may have without white space
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
const Limit = 6144

// subject is what one policy is about.
type subject struct {
	name, says string
	// services are those that it speaks of, by the first words of their actions.
	services []string
	// only picks some of their statements; nil takes all.
	only func(statement) bool
}

// own reports whether a statement is about what has the stack's tags.
func (st statement) own() bool { return st.Condition["StringEquals"][resourceTag("Stack")] != nil }

// subjects divide what is allowed into policies.
var subjects = []subject{
	{
		"network", "the stack's own network and instances", []string{"ec2"}, statement.own,
	},
	{
		"network-new", "making networks and instances, and looking at them", []string{"ec2"},
		func(st statement) bool { return !st.own() },
	},
	{
		"service", "the load balancer, the group and the site's name",
		[]string{"acm", "autoscaling", "elasticloadbalancing", "route53", "wafv2"}, nil,
	},
	{"data", "the buckets, the table and the database", []string{"dynamodb", "rds", "s3"}, nil},
	{"sign-in", "the user pool of staff", []string{"cloudformation", "cognito-idp"}, nil},
	{"scans", "scans of files for malware", []string{"guardduty"}, nil},
	{"access", "roles within the boundary, parameters, commands on instances", []string{"iam", "ssm"}, nil},
	{
		"watch", "logs, alarms, events, quotas",
		[]string{"cloudwatch", "events", "freetier", "logs", "servicequotas", "sns"}, nil,
	},
}

// Policies returns the managed policies of the role that deploys, in the order of their names' subjects. Where one
// would exceed Limit it is divided.
func Policies(s Stack) ([]Policy, error) {
	all := statements(s)
	var policies []Policy
	for _, subject := range subjects {
		var own []statement
		for _, st := range all {
			if slices.Contains(subject.services, st.service()) && (subject.only == nil || subject.only(st)) {
				own = append(own, st)
			}
		}
		parts, err := divide(own)
		if err != nil {
			return nil, fmt.Errorf("the policy for %s: %w", subject.says, err)
		}
		for i, part := range parts {
			name := "dossier-" + s.Name + "-deploy-" + subject.name
			if i > 0 {
				name += fmt.Sprintf("-%d", i+1)
			}
			policies = append(policies, Policy{name, subject.says, document(part)})
		}
	}
	return policies, nil
}

// BoundaryPolicy returns the permissions boundary of the environment's roles: the most that any of them may do.
func BoundaryPolicy(s Stack) Policy {
	var list []statement
	for _, b := range boundary {
		st := statement{Sid: b.sid, Effect: "Allow", Action: b.actions, Condition: boundaryConditions[b.sid]}
		for _, r := range b.resources {
			st.Resource = append(st.Resource, s.fill(r))
		}
		list = append(list, st)
	}
	return Policy{s.BoundaryName(), "the most that a role of the environment may do", document(list)}
}

// statement is one statement of a policy, in the order in which IAM's own documents write it.
type statement struct {
	Sid       string                         `json:"Sid,omitempty"`
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// service is that of the first action; a statement speaks of one only.
func (st statement) service() string {
	service, _, _ := strings.Cut(st.Action[0], ":")
	return service
}

// statements are what the tables need for a stack, in their order. What is on the same resources under the same
// conditions is one statement. So is, for EC2, all under the same condition on tags: each action asks for resources of
// its own types, so that nothing more is allowed, and the policies stay small enough to be read.
func statements(s Stack) []statement {
	var list []statement
	for _, st := range grants(s) {
		i := slices.IndexFunc(list, func(other statement) bool {
			return other.service() == st.service() && other.Effect == st.Effect &&
				fmt.Sprint(other.Condition) == fmt.Sprint(st.Condition) &&
				(slices.Equal(other.Resource, st.Resource) || st.service() == "ec2" && st.Condition != nil)
		})
		if i < 0 || st.Effect == "Deny" {
			list = append(list, st)
			continue
		}
		list[i].Action = union(list[i].Action, st.Action...)
		list[i].Resource = union(list[i].Resource, st.Resource...)
	}
	for i := range list {
		slices.Sort(list[i].Action)
	}
	return list
}

// grants are the lines of the tables for a stack, one by one: a statement for each service of each.
func grants(s Stack) []statement {
	var list []statement
	for _, n := range slices.Concat(resources, functions, commands) {
		for _, g := range n.grants {
			st, ok := g.on.statement(s)
			if !ok {
				continue
			}
			of := map[string][]string{}
			for _, action := range g.actions {
				service, _, _ := strings.Cut(action, ":")
				of[service] = append(of[service], action)
			}
			for _, service := range slices.Sorted(maps.Keys(of)) {
				list = append(list, statement{Effect: "Allow", Action: of[service], Resource: st.Resource,
					Condition: st.Condition})
			}
		}
	}
	for _, d := range denials {
		st, _ := d.on.statement(s)
		list = append(list, statement{Sid: d.sid, Effect: "Deny", Action: d.actions, Resource: st.Resource,
			Condition: st.Condition})
	}
	return list
}

// union returns a list with what it lacks of others.
func union(list []string, others ...string) []string {
	list = slices.Clone(list)
	for _, other := range others {
		if !slices.Contains(list, other) {
			list = append(list, other)
		}
	}
	return list
}

// divide puts statements into as few documents as they fit, in order.
func divide(list []statement) ([][]statement, error) {
	var parts [][]statement
	for _, st := range list {
		if n := size([]statement{st}); n > Limit {
			return nil, fmt.Errorf("the statement that begins with %s has %d characters, and a policy takes %d",
				st.Action[0], n, Limit)
		}
		if last := len(parts) - 1; last >= 0 && size(append(slices.Clone(parts[last]), st)) <= Limit {
			parts[last] = append(parts[last], st)
			continue
		}
		parts = append(parts, []statement{st})
	}
	return parts, nil
}

// size is the number of characters without white space.
func size(list []statement) int {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(document(list))); err != nil {
		panic(err) // document writes JSON
	}
	return b.Len()
}

// document writes statements as a policy.
func document(list []statement) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", list}); err != nil {
		panic(err) // texts and lists of them
	}
	return b.String()
}

// fill puts the stack into an ARN.
func (s Stack) fill(arn string) string {
	return strings.NewReplacer("{stack}", s.Name, "{account}", s.Account, "{region}", s.Region, "{zone}", s.Zone,
		"{domain}", s.Domain,
		"{webacl}", s.WebACL, "{boundary}", s.Boundary(), "{role}", s.Role()).Replace(arn)
}

// place is where actions are allowed.
type place struct {
	arns []string
	// when is the condition: operator, key, values, with the same marks as the ARNs.
	when map[string]map[string][]string
	// needs is a mark that the stack has to have something for, beside those in the texts.
	needs string
}

// statement returns the place for a stack; false where the stack lacks what it is about.
func (p place) statement(s Stack) (statement, bool) {
	st := statement{}
	lacks := false
	fill := func(text string) string {
		lacks = lacks || s.Zone == "" && (strings.Contains(text, "{zone}") || strings.Contains(text, "{domain}")) ||
			s.WebACL == "" && strings.Contains(text, "{webacl}")
		return s.fill(text)
	}
	fill(p.needs)
	for _, arn := range p.arns {
		st.Resource = append(st.Resource, fill(arn))
	}
	for operator, keys := range p.when {
		for key, values := range keys {
			filled := make([]string, len(values))
			for i, v := range values {
				filled[i] = fill(v)
			}
			if st.Condition == nil {
				st.Condition = map[string]map[string][]string{}
			}
			if st.Condition[operator] == nil {
				st.Condition[operator] = map[string][]string{}
			}
			st.Condition[operator][key] = filled
		}
	}
	return st, !lacks
}

// and adds a condition.
func (p place) and(operator, key string, values ...string) place {
	when := map[string]map[string][]string{}
	for o, keys := range p.when {
		when[o] = maps.Clone(keys)
	}
	if when[operator] == nil {
		when[operator] = map[string][]string{}
	}
	when[operator][key] = values
	return place{p.arns, when, p.needs}
}

// anywhere is for actions that know no resource.
var anywhere = place{arns: []string{"*"}}

// exactly is what has the stack's name in its own.
func exactly(arns ...string) place { return place{arns: arns} }

// made is what a request makes, whatever its id: it has to give it the stack's tags.
func made(arns ...string) place {
	return place{arns: arns}.and("StringEquals", requestTag("Project"), "dossier").and("StringEquals",
		requestTag("Stack"), "{stack}")
}

// ours is what has an id of AWS's own: it has to have the stack's tags.
func ours(arns ...string) place {
	return place{arns: arns}.and("StringEquals", resourceTag("Project"), "dossier").and("StringEquals",
		resourceTag("Stack"), "{stack}")
}

// notOthers is what has a name that begins as the stack's do, but does not hold the stack's: it may have no tags of
// another stack. A service that tells tags late, or does not tell them to IAM at all, such as S3 as a rule, then keeps
// nobody from anything, nor the stacks of one account apart.
func notOthers(arns ...string) place {
	return place{arns: arns}.and("StringEqualsIfExists", resourceTag("Project"), "dossier").and("StringEqualsIfExists",
		resourceTag("Stack"), "{stack}")
}

func requestTag(key string) string  { return "aws:RequestTag/" + key }
func resourceTag(key string) string { return "aws:ResourceTag/" + key }

// grant is what is allowed somewhere.
type grant struct {
	on      place
	actions []string
}

func on(p place, actions ...string) grant { return grant{p, actions} }

// Types, Functions and Commands are what the tables speak of: the types of resources and the functions by their tokens,
// the commands by their folders.
func Types() []string     { return named(resources) }
func Functions() []string { return named(functions) }
func Commands() []string  { return named(commands) }

func named(needs []need) []string {
	names := make([]string, len(needs))
	for i, n := range needs {
		names[i] = n.of
	}
	return names
}

// need is what something needs.
type need struct {
	// of is a type of resource or a function as Pulumi names it, or a command.
	of string
	// source is where it is read: the file of the Terraform provider, or the package.
	source string
	grants []grant
}
