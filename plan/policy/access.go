package policy

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
)

// withoutResource are the actions that can be allowed on all resources only, because the service knows no resource for
// them: those with an empty column "Resource types" in the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html),
// in the pages of AWS Systems Manager, Message Gateway Service, Message Delivery Service, EC2, EC2 Auto Scaling,
// Elastic Load Balancing v2, CloudWatch and Security Token Service.
var withoutResource = []string{
	"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
	"autoscaling:DescribeInstanceRefreshes",
	"cloudwatch:PutMetricData",
	"ec2:DescribeAvailabilityZones", "ec2:DescribeImages", "ec2:DescribeInstances",
	"ec2:DescribeLaunchTemplateVersions", "ec2:DescribeTags", "ec2:DescribeVolumes",
	"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint",
	"ec2messages:GetMessages", "ec2messages:SendReply",
	"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetGroups",
	"elasticloadbalancing:DescribeTargetHealth",
	"ssm:UpdateInstanceInformation",
	"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
	"ssmmessages:OpenDataChannel",
	"sts:GetCallerIdentity",
}

func accessRules() []Rule {
	return []Rule{
		{
			ID: "IAM.21", Also: []string{"CKV_AWS_63"},
			Says: "Policies name the actions that they allow: no wildcard stands in one, and nothing is allowed by " +
				"leaving out what is not.",
			Needs: []string{rolePolicyType, policyType},
			Check: statements(func(d document, s iam.Statement) []Violation {
				const mend = "list the actions that are called"
				var found []Violation
				for _, action := range s.Action {
					if strings.ContainsAny(action, "*?") {
						found = append(found, At(d.of, mend, "its statement %s allows %s", name(s), action))
					}
				}
				if len(s.NotAction) > 0 {
					found = append(found, At(d.of, mend, "its statement %s allows all actions but some", name(s)))
				}
				return found
			}),
		},
		{
			ID: "CKV_AWS_355",
			Says: "Policies name the resources of what they allow wherever an ARN can stand; policies of AWS's " +
				"own, whose text is not ours, are not attached.",
			Needs: []string{rolePolicyType, policyType},
			Check: All(
				statements(func(d document, s iam.Statement) []Violation {
					const mend = "name the ARNs that it is meant for"
					if len(s.NotResource) > 0 {
						return []Violation{At(d.of, mend, "its statement %s allows all resources but some", name(s))}
					}
					var found []Violation
					for _, resource := range s.Resource {
						if !wide(resource) {
							continue
						}
						for _, action := range s.Action {
							if !slices.Contains(withoutResource, action) {
								found = append(found, At(d.of, mend, "its statement %s allows %s on %s", name(s),
									action, resource))
							}
						}
					}
					return found
				}),
				func(g *graph.Graph, _ Environment) []Violation {
					const mend = "write a policy with the actions and resources that are needed"
					var found []Violation
					for _, r := range g.ByType(rolePolicyAttachment, policyAttachmentType) {
						if g.Resolve(r.Input("policyArn"), policyType) == nil {
							found = append(found,
								At(r, mend, "it attaches %s, which is not of the stack", Shown(r.Input("policyArn"))))
						}
					}
					for _, r := range g.ByType(roleType) {
						for _, arn := range graph.Items(r.Input("managedPolicyArns")) {
							if g.Resolve(arn, policyType) == nil {
								found = append(found,
									At(r, mend, "it attaches %s, which is not of the stack", Shown(arn)))
							}
						}
					}
					return found
				},
			),
		},
		{
			ID:    "CKV_AWS_290",
			Says:  "What changes something is allowed on named resources, or under a condition.",
			Needs: []string{rolePolicyType, policyType},
			Check: statements(func(d document, s iam.Statement) []Violation {
				var found []Violation
				for _, action := range s.Action {
					if writes(action) && len(s.Condition) == 0 && slices.ContainsFunc(s.Resource, wide) &&
						!slices.Contains(withoutResource, action) {
						found = append(found, At(d.of, "name the ARNs that it is meant for, or add a condition",
							"its statement %s allows %s anywhere", name(s), action))
					}
				}
				return found
			}),
		},
		{
			ID: "Plan.IAM.1", Also: []string{"CKV_AWS_60", "CKV_AWS_61"},
			Says:  "Roles say who may assume them: a service or a named principal, never everyone or a whole account.",
			Needs: []string{roleType},
			Check: Each(roleType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				const mend = "name the service or role that is meant"
				statements, err := parseDocument(r.Input("assumeRolePolicy"))
				if err != nil {
					return []Violation{At(r, mend, "%v", err)}
				}
				var found []Violation
				for _, s := range statements {
					if s.Allows() && (everyone(s) || s.Principal.Account()) {
						found = append(found,
							At(r, mend, "its statement %s lets everyone, or a whole account, assume it", name(s)))
					}
				}
				return found
			}),
		},
		{
			ID:    "Plan.IAM.2",
			Says:  "There are no users and no access keys: what needs rights has a role.",
			Check: none("use a role", userType, accessKeyType),
		},
	}
}

// AllowsEverywhere reports whether a policy allows an action of a service, such as "ssm", on every resource although
// resources can be named, or cannot be read.
func AllowsEverywhere(g *graph.Graph, service string) bool {
	return slices.ContainsFunc(documents(g), func(d document) bool {
		return d.fault != nil || slices.ContainsFunc(d.statements, func(s iam.Statement) bool {
			return s.Allows() && slices.ContainsFunc(s.Resource, wide) &&
				slices.ContainsFunc(s.Action, func(action string) bool {
					return !slices.Contains(withoutResource, action) &&
						(action == "*" || strings.HasPrefix(action, service+":"))
				})
		})
	})
}

// none demands that there be no resource of the types.
func none(mend string, tokens ...string) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, _ Environment) []Violation {
		var found []Violation
		for _, r := range g.ByType(tokens...) {
			found = append(found, At(r, mend, "it exists"))
		}
		return found
	}
}

// wide reports whether a resource of a policy is everything, or everything of one type: no part of it names anything.
// An instance's id is not known before the role that it runs as, so that type alone may stand for all.
func wide(resource string) bool {
	if strings.Contains(resource, ":instance/") {
		return false
	}
	service, name := "", resource
	if strings.HasPrefix(resource, "arn:") {
		parts := strings.SplitN(resource, ":", 6)
		if len(parts) < 6 {
			return true
		}
		service, name = parts[2], parts[5]
	}
	// table/*, parameter/*, log-group:* and * name nothing; table/files-* and log-group:/dossier/dev/*:* do.
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '/' || r == ':' }) {
		typed := service != "s3" && slices.Contains(resourceTypes, part) // an ARN of S3 begins with the bucket's name
		if strings.Trim(part, "*?") != "" && !typed {
			return false
		}
	}
	return true
}

// resourceTypes are the words in the last part of an ARN that name no resource but a type of it.
var resourceTypes = []string{
	"autoScalingGroup", "autoScalingGroupName", "document", "function", "instance-profile", "key", "launch-template",
	"listener", "loadbalancer", "log-group", "parameter", "policy",
	"role", "secret", "security-group", "subnet", "table", "targetgroup", "user", "volume", "vpc", "network-interface",
}

// writes reports whether an action changes something, by its verb.
func writes(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return !slices.ContainsFunc([]string{"Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet", "Search",
		"View", "Lookup"},
		func(read string) bool { return strings.HasPrefix(verb, read) })
}

// document is a policy document that allows somebody something.
type document struct {
	// of is where it is written, role whom it is for; nil for a policy that stands by itself.
	of         *graph.Resource
	role       *graph.Resource
	statements iam.Statements
	// fault tells why the document cannot be read.
	fault error
}

// name is how a message calls a statement.
func name(s iam.Statement) string {
	if s.Sid == "" {
		return "without Sid"
	}
	return s.Sid
}

// everyone reports whether a statement is about everyone, or everyone but some.
func everyone(s iam.Statement) bool { return s.Principal.Everyone() || s.NotPrincipal != nil }

// insecureOnly reports whether a statement is about requests that do not come by TLS, and about nothing less.
func insecureOnly(s iam.Statement) bool {
	return len(s.Condition) == 1 && len(s.Condition["Bool"]) == 1 &&
		fmt.Sprint(s.Condition["Bool"]["aws:SecureTransport"]) == "false"
}

// documents are the policies of roles and those that stand by themselves.
func documents(g *graph.Graph) []document {
	var list []document
	add := func(of, role *graph.Resource, v any) {
		read, err := parseDocument(v)
		list = append(list, document{of, role, read, err})
	}
	for _, r := range g.ByType(rolePolicyType) {
		add(r, g.Resolve(r.Input("role"), roleType), r.Input("policy"))
	}
	for _, r := range g.ByType(roleType) {
		for _, inline := range graph.Items(r.Input("inlinePolicies")) {
			if p := graph.At(inline, "policy"); p != nil {
				add(r, r, p)
			}
		}
	}
	for _, r := range g.ByType(policyType, "aws:iam/userPolicy:UserPolicy", "aws:iam/groupPolicy:GroupPolicy") {
		attached := false
		for _, a := range g.ByType(rolePolicyAttachment) {
			if g.Refers(a.Input("policyArn"), r) {
				attached = true
				add(r, g.Resolve(a.Input("role"), roleType), r.Input("policy"))
			}
		}
		if !attached {
			add(r, nil, r.Input("policy"))
		}
	}
	return list
}

// statements applies a test to every statement that allows something. A document that cannot be read breaks the rule.
func statements(test func(d document, s iam.Statement) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, _ Environment) []Violation {
		var found []Violation
		for _, d := range documents(g) {
			if d.fault != nil {
				found = append(found, At(d.of, "write the policy as JSON that is known before deployment", "%v",
					d.fault))
				continue
			}
			for _, s := range d.statements {
				if s.Allows() {
					found = append(found, test(d, s)...)
				}
			}
		}
		return found
	}
}

// parseDocument reads a policy document. The error tells that it is none, or unknown.
func parseDocument(v any) (iam.Statements, error) {
	text, is := v.(string)
	if !is {
		return nil, fmt.Errorf("its policy cannot be looked at: it is %s", Shown(v))
	}
	d, err := iam.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("its policy cannot be read: %w", err)
	}
	return d.Statement, nil
}
