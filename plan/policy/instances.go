package policy

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
)

// largestUserData is EC2's limit for user-data, in bytes before Base64
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html).
const largestUserData = 16 << 10

func instanceRules() []Rule {
	return needing([]Rule{
		{
			ID: "EC2.9", Also: []string{"CKV_AWS_88"},
			Says:  "Instances have no public address.",
			Needs: []string{instanceType, templateType},
			Check: func(g *graph.Graph, _ Environment) []Violation {
				var found []Violation
				for _, p := range g.Places() {
					if (p.Kind == graph.KindInstance || p.Kind == graph.KindNAT || p.Kind == graph.KindGroup) &&
						p.PublicIP && p.Resource.Token != natGatewayType {
						found = append(found,
							At(p.Resource, "set associatePublicIpAddress to false and give it no Elastic IP",
								"it is given a public address"))
					}
				}
				return found
			},
		},
		{
			ID:   "EC2.25",
			Says: "Launch templates give no public address to the instances of a group.",
			Check: Each(templateType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				const mend = "set associatePublicIpAddress to false on its network interface"
				var found []Violation
				for _, ni := range graph.Items(r.Input("networkInterfaces")) {
					if v := graph.At(ni, "associatePublicIpAddress"); v != nil && !graph.Is(v, false) {
						found = append(found, At(r, mend, "associatePublicIpAddress is %s", Shown(v)))
					}
				}
				for _, p := range g.Places() {
					if len(found) == 0 && p.Kind == graph.KindGroup && p.PublicIP && g.LaunchTemplate(p.Resource) == r {
						found = append(found,
							At(r, mend, "the subnets of its group give public addresses, and it does not say "+
								"otherwise"))
					}
				}
				return found
			}),
		},
		{
			ID: "EC2.170", Also: []string{"EC2.8", "CIS 5.7", "CKV_AWS_79"},
			Says: "Instances answer for their metadata by IMDSv2 only.",
			Check: eachMachine(func(_ *graph.Graph, r *graph.Resource) []Violation {
				if graph.Text(r.Input("metadataOptions.httpTokens")) == "required" || withoutMetadata(r) {
					return nil
				}
				return []Violation{At(r, "set metadataOptions.httpTokens to required",
					"metadataOptions.httpTokens is %s", Shown(r.Input("metadataOptions.httpTokens")))}
			}),
		},
		{
			ID:   "CKV_AWS_341",
			Says: "The metadata's answers go no further than the instance itself: a hop limit of 1.",
			Check: eachMachine(func(_ *graph.Graph, r *graph.Resource) []Violation {
				if n, ok := graph.Number(Held(r, "metadataOptions.httpPutResponseHopLimit")); ok && n == 1 ||
					withoutMetadata(r) {
					return nil
				}
				return []Violation{At(r, "set metadataOptions.httpPutResponseHopLimit to 1",
					"metadataOptions.httpPutResponseHopLimit is %s",
					Shown(r.Input("metadataOptions.httpPutResponseHopLimit")))}
			}),
		},
		{
			ID: "EC2.181", Also: []string{"CKV_AWS_8"},
			Says: "Every volume of an instance is encrypted, the root volume among them.",
			Check: eachMachine(func(_ *graph.Graph, r *graph.Resource) []Violation {
				root, others, encrypted := r.Input("rootBlockDevice"), r.Input("ebsBlockDevices"), "encrypted"
				if r.Token == templateType {
					root, others, encrypted = r.Input("blockDeviceMappings"), nil, "ebs.encrypted"
				}
				mend := "list its volumes with " + encrypted + " set to true"
				if len(graph.Items(root)) == 0 {
					return []Violation{At(r, mend, "it does not say that its root volume is encrypted")}
				}
				var found []Violation
				for _, device := range append(slices.Clone(graph.Items(root)), graph.Items(others)...) {
					// A disk of the host, which the host encrypts, or none.
					if r.Token == templateType && graph.At(device, "ebs") == nil &&
						(graph.At(device, "virtualName") != nil || graph.At(device, "noDevice") != nil) {
						continue
					}
					if v := graph.At(device, encrypted); !graph.Is(v, true) {
						found = append(found, At(r, mend, "%s of a volume is %s", encrypted, Shown(v)))
					}
				}
				return found
			}),
		},
		{
			ID: "CKV_AWS_46",
			Says: "No secret stands in user-data, which whoever may describe an instance, and every process on it, " +
				"can read.",
			Check: eachMachine(secretsInUserData),
		},
		{
			ID:   "Plan.EC2.1",
			Says: "User-data fits into the 16 KB that EC2 takes.",
			Check: eachMachine(func(_ *graph.Graph, r *graph.Resource) []Violation {
				raw, _, ok := graph.UserData(r)
				if !ok || len(raw) <= largestUserData {
					return nil // what cannot be read breaks CKV_AWS_46
				}
				return []Violation{At(r, "fetch from S3 what need not be in it",
					"its user-data has %d bytes, and EC2 takes %d", len(raw), largestUserData)}
			}),
		},
		{
			ID: "SSM.1",
			Says: "Every instance is managed by Systems Manager: its role lets the agent report and open its " +
				"channels.",
			Needs: []string{templateType, instanceType},
			Check: eachMachine(managedBySystemsManager),
		},
	}, templateType)
}

const natGatewayType = "aws:ec2/natGateway:NatGateway"

// eachMachine applies a test to whatever instances are started from.
func eachMachine(test func(g *graph.Graph, r *graph.Resource) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, _ Environment) []Violation {
		var found []Violation
		for _, r := range g.ByType(templateType, configurationType, instanceType) {
			found = append(found, test(g, r)...)
		}
		return found
	}
}

// What a secret looks like when it is written out.
var secretPatterns = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"an AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	// A value that is a variable, a command's output or a path is no secret.
	{"a password",
		regexp.MustCompile(`(?i)(?:passwd|password|secret|token|api_?key|credential)s?=["']?[^\s"'$/({<\[%@&|;,]{6,}`)},
	// After a colon prose may follow, so a digit is asked for.
	{"a password",
		regexp.MustCompile(
			`(?i)(?:passwd|password|secret|token|api_?key|credential)s?["']?\s*[=:]\s*["']?` +
				`[^\s"'$/({<\[%@&|;,0-9]*[0-9][^\s"'$/({<\[%@&|;,]{4,}`)},
	{"credentials in a URL", regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^\s/:@"'$]+:[^\s/:@"'$]{3,}@`)},
}

// secretsInUserData looks for what is known to be secret, what looks like it, and what is too random to be anything
// else.
func secretsInUserData(g *graph.Graph, r *graph.Resource) []Violation {
	const mend = "let the instance read it from Parameter Store with its own role"
	var found []Violation
	for _, leak := range g.Leaks {
		if leak.URN == r.URN && strings.HasPrefix(leak.Property, "userData") {
			found = append(found, At(r, mend, "%s holds the value of a secret of the program in plain", leak.Property))
		}
	}
	_, text, ok := graph.UserData(r)
	if !ok {
		if len(found) == 0 && (r.Input("userData") != nil || r.Input("userDataBase64") != nil) {
			found = append(found, At(r, mend, "its user-data cannot be looked at: it is secret, unknown or no Base64"))
		}
		return found
	}
	for _, p := range secretPatterns {
		if span := p.pattern.FindStringIndex(text); span != nil {
			found = append(found,
				At(r, mend, "line %d of its user-data looks like %s", 1+strings.Count(text[:span[0]], "\n"), p.what))
		}
	}
	for _, span := range wordPattern.FindAllStringIndex(text, -1) {
		if word := text[span[0]:span[1]]; generated(word) && !known(g, r, word) {
			found = append(found, At(r, mend, "line %d of its user-data has a text of %d random characters",
				1+strings.Count(text[:span[0]], "\n"), len(word)))
		}
	}
	return found
}

// wordPattern leaves out what joins words in paths, names and settings; it cuts a secret in Base64 in pieces, of which
// one is long.
var wordPattern = regexp.MustCompile(`[A-Za-z0-9+]{20,}`)

// leastEntropy is in bits per character. Generated passwords of 20 characters and more have at least 3.7 by far most of
// the time, words and paths stay below or lack one of the kinds of characters.
const leastEntropy = 3.7

// generated reports whether a word looks random: small and capital letters and digits mixed, none of them often. Hashes
// in hexadecimal are no secrets here and are left out by having one case only.
func generated(word string) bool {
	var small, capital, digit bool
	counts := map[rune]int{}
	for _, r := range word {
		small = small || 'a' <= r && r <= 'z'
		capital = capital || 'A' <= r && r <= 'Z'
		digit = digit || '0' <= r && r <= '9'
		counts[r]++
	}
	if !small || !capital || !digit {
		return false
	}
	var bits float64
	for _, n := range counts {
		p := float64(n) / float64(len(word))
		bits -= p * math.Log2(p)
	}
	return bits >= leastEntropy
}

// known reports whether a word is part of a value that another resource shows openly, such as the version id of an
// object.
func known(g *graph.Graph, of *graph.Resource, word string) bool {
	holds := false
	look := func(_ string, v any) {
		if text, is := v.(string); is && strings.Contains(text, word) {
			holds = true
		}
	}
	for _, r := range g.Resources {
		if r == of || r.Token == templateType || r.Token == instanceType {
			continue
		}
		graph.Walk("", r.Inputs, look)
		graph.Walk("", r.Outputs, look)
		if holds || strings.Contains(r.ID, word) {
			return true
		}
	}
	return false
}

// agentActions are what the agent of Systems Manager cannot do without
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html).
var agentActions = []string{
	"ssm:UpdateInstanceInformation",
	"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
	"ssmmessages:OpenDataChannel",
}

// agentPolicies are those of AWS that allow it.
var agentPolicies = []string{"AmazonSSMManagedInstanceCore", "AmazonSSMManagedEC2InstanceDefaultPolicy",
	"AmazonEC2RoleforSSM"}

// attached are the policies that are attached to a role, as they are named.
func attached(g *graph.Graph, role *graph.Resource) []string {
	arns := graph.Texts(role.Input("managedPolicyArns"))
	for _, r := range g.ByType(rolePolicyAttachment) {
		if g.Refers(r.Input("role"), role) {
			arns = append(arns, graph.Text(r.Input("policyArn")))
		}
	}
	for _, r := range g.ByType(policyAttachmentType) {
		if slices.ContainsFunc(graph.Items(r.Input("roles")), func(v any) bool { return g.Refers(v, role) }) {
			arns = append(arns, graph.Text(r.Input("policyArn")))
		}
	}
	return arns
}

// withoutMetadata reports whether an instance has no service of metadata.
func withoutMetadata(r *graph.Resource) bool {
	return graph.Text(r.Input("metadataOptions.httpEndpoint")) == "disabled"
}

func managedBySystemsManager(g *graph.Graph, r *graph.Resource) []Violation {
	const mend = "give it an instance profile whose role allows the agent's actions"
	ref := r.Input("iamInstanceProfile")
	if r.Token == templateType {
		if ref = r.Input("iamInstanceProfile.arn"); ref == nil {
			ref = r.Input("iamInstanceProfile.name")
		}
	}
	profile := g.Resolve(ref, profileType)
	if profile == nil && ref != nil {
		return []Violation{NotAskedOf(r, "its instance profile, %s, is not of the stack", Shown(ref))}
	}
	if profile == nil {
		return []Violation{At(r, mend, "it has no instance profile")}
	}
	role := g.Resolve(profile.Input("role"), roleType)
	if role == nil && profile.Input("role") != nil {
		return []Violation{NotAskedOf(r, "the role of its instance profile, %s, is not of the stack",
			Shown(profile.Input("role")))}
	}
	if role == nil {
		return []Violation{At(profile, mend, "it names no role")}
	}
	for _, arn := range attached(g, role) {
		if slices.Contains(agentPolicies, arn[strings.LastIndex(arn, "/")+1:]) && strings.Contains(arn, ":iam::aws:") {
			return nil
		}
	}
	var allowed []string
	for _, d := range documents(g) {
		if d.role != role {
			continue
		}
		for _, s := range d.statements {
			if s.Allows() && len(s.NotAction) == 0 {
				allowed = append(allowed, s.Action...)
			}
		}
	}
	var missing []string
	for _, action := range agentActions {
		if !slices.ContainsFunc(allowed, func(a string) bool { return iam.Covers(a, action) }) {
			missing = append(missing, action)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []Violation{At(r, mend, "%s does not allow %s", role, strings.Join(missing, ", "))}
}
