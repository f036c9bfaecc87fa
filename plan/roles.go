package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
)

// Difference tells on which side of a comparison something stands.
type Difference string

// The sides.
const (
	Same    Difference = ""
	Added   Difference = "added"
	Removed Difference = "removed"
)

// Role is what a role may do.
type Role struct {
	Name   string  `json:"name"`
	Grants []Grant `json:"grants"`
}

// Changed reports whether the role may do something that it might not, or the other way round.
func (r Role) Changed() bool {
	return slices.ContainsFunc(r.Grants, func(g Grant) bool { return g.Change != Same })
}

// Grant is one action on one resource. An action of the form "assumed by" tells who may take the role.
type Grant struct {
	Change    Difference `json:"change,omitempty"`
	Effect    string     `json:"effect"`
	Action    string     `json:"action"`
	Resource  string     `json:"resource"`
	Condition string     `json:"condition,omitempty"`
}

// Wide tells a grant of which nobody can say what it allows: with a wildcard in its action, to everyone, or by a policy
// whose text is not known. What is allowed on every resource is for the rules: some actions know no other.
func (g Grant) Wide() bool {
	return g.Effect == "Allow" && (strings.ContainsAny(g.Action, "*?") || strings.Contains(g.Action, " policy ") ||
		g.Action == assumed && g.Resource == "*" && taker(g).stranger(nil) != "")
}

// assumed is the action of those who may take a role.
const assumed = "assumed by"

// roles compares what each role may do.
func roles(base, head *graph.Graph) []Role {
	before, after := grants(base, head), grants(head, nil)
	names := maps.Clone(before)
	maps.Copy(names, after)
	var found []Role
	for _, name := range slices.Sorted(maps.Keys(names)) {
		role := Role{Name: name}
		all := map[Grant]bool{}
		for g := range before[name] {
			all[g] = true
		}
		for g := range after[name] {
			all[g] = true
		}
		for g := range all {
			switch {
			case base == nil || before[name][g] && after[name][g]:
			case after[name][g]:
				g.Change = Added
			default:
				g.Change = Removed
			}
			role.Grants = append(role.Grants, g)
		}
		slices.SortFunc(role.Grants, func(a, b Grant) int {
			return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Effect, b.Effect),
				cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.Change, b.Change))
		})
		found = append(found, role)
	}
	return found
}

// grants are those of each role of a graph, by the role's name in the program. later names what the graph only speaks
// of, such as the ARN of a resource that is made later.
func grants(g, later *graph.Graph) map[string]map[Grant]bool {
	found := map[string]map[Grant]bool{}
	if g == nil {
		return found
	}
	// Names of what is replaced are told apart elsewhere: here a policy that only follows a new id has not changed.
	names := labels(both(g, later), nil)
	const roleType = "aws:iam/role:Role"
	add := func(role *graph.Resource, grants []Grant) {
		if role == nil {
			return
		}
		if found[role.Name] == nil {
			found[role.Name] = map[Grant]bool{}
		}
		for _, grant := range grants {
			found[role.Name][grant] = true
		}
	}
	for _, r := range g.ByType(roleType) {
		if r.Read {
			continue // only what the program gives it
		}
		add(r, document(r.Input("assumeRolePolicy"), names))
		for _, inline := range graph.Items(r.Input("inlinePolicies")) {
			add(r, document(graph.At(inline, "policy"), names))
		}
		for _, arn := range graph.Items(r.Input("managedPolicyArns")) {
			add(r, attached(g, arn, names))
		}
	}
	for _, r := range g.ByType("aws:iam/rolePolicy:RolePolicy") {
		add(g.Resolve(r.Input("role"), roleType), document(r.Input("policy"), names))
	}
	for _, r := range g.ByType("aws:iam/rolePolicyAttachment:RolePolicyAttachment") {
		add(g.Resolve(r.Input("role"), roleType), attached(g, r.Input("policyArn"), names))
	}
	for _, r := range g.ByType("aws:iam/policyAttachment:PolicyAttachment") {
		for _, role := range graph.Items(r.Input("roles")) {
			add(g.Resolve(role, roleType), attached(g, r.Input("policyArn"), names))
		}
	}
	return found
}

// both is a graph with what only a later one has.
func both(g, later *graph.Graph) *graph.Graph {
	if later == nil {
		return g
	}
	resources := slices.Clone(g.Resources)
	for _, r := range later.Resources {
		if g.ByURN(r.URN) == nil {
			resources = append(resources, r)
		}
	}
	joined, err := graph.New(g.Project, g.Stack, resources...)
	if err != nil {
		return g // two of one name, which no graph has
	}
	return joined
}

func attached(g *graph.Graph, arn any, names *strings.Replacer) []Grant {
	if p := g.Resolve(arn, "aws:iam/policy:Policy"); p != nil && !p.Read {
		return document(p.Input("policy"), names)
	}
	if actions := ofAWS(graph.Text(arn)); actions != nil {
		var found []Grant
		for _, action := range actions {
			found = append(found, Grant{Effect: "Allow", Action: action, Resource: "*"})
		}
		return found
	}
	return []Grant{{Effect: "Allow", Action: "all that a policy of another owner allows", Resource: graph.Text(arn)}}
}

// but stands before what is left out of everything.
const but = "* but "

// allBut adds to texts what stands for everything without some.
func allBut(texts, without []string) []string {
	if len(without) == 0 {
		return texts
	}
	return append(texts, but+strings.Join(without, ", "))
}

// coversAction is covers for actions, which are the same in any letters
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html).
func coversAction(pattern, other string) bool {
	return covers(strings.ToLower(pattern), strings.ToLower(other))
}

// covers is iam.Covers for texts that may be everything without some.
func covers(pattern, other string) bool {
	without, is := strings.CutPrefix(pattern, but)
	if !is {
		return iam.Covers(pattern, other)
	}
	if pattern == other {
		return true
	}
	spared := strings.Split(without, ", ")
	if rest, is := strings.CutPrefix(other, but); is { // what is spared here has to be spared there
		return !slices.ContainsFunc(spared, func(w string) bool {
			return !slices.ContainsFunc(strings.Split(rest, ", "), func(o string) bool { return iam.Covers(o, w) })
		})
	}
	return !slices.ContainsFunc(spared, func(w string) bool { return iam.Overlap(w, other) })
}

// document are the grants of a policy document. One that is not known or not understood is a grant of its own, so that
// it is not overlooked.
func document(v any, names *strings.Replacer) []Grant {
	text, is := v.(string)
	if !is {
		return []Grant{{Effect: "Allow", Action: "a policy that is not known before the deployment", Resource: fmt.Sprint(v)}}
	}
	d, err := iam.Parse(text)
	if err != nil && allowsNothing(text) {
		return nil
	}
	if err != nil {
		return []Grant{{Effect: "Allow", Action: "a policy that is not understood here", Resource: cut(text, longest)}}
	}
	var found []Grant
	for _, s := range d.Statement {
		actions, resources := slices.Clone(s.Action), slices.Clone(s.Resource)
		actions, resources = allBut(actions, s.NotAction), allBut(resources, s.NotResource)
		if s.Principal != nil {
			actions, resources = []string{assumed}, nil
			for _, kind := range slices.Sorted(maps.Keys(s.Principal)) {
				resources = append(resources, principals(kind, s.Principal[kind])...)
			}
		}
		if s.NotPrincipal != nil {
			actions, resources = []string{assumed}, nil
			var names []string
			for _, kind := range slices.Sorted(maps.Keys(s.NotPrincipal)) {
				names = append(names, s.NotPrincipal[kind]...)
			}
			resources = allBut(nil, names)
		}
		for _, action := range actions {
			for _, resource := range resources {
				found = append(found, Grant{Effect: s.Effect, Action: action, Resource: names.Replace(resource),
					Condition: names.Replace(s.Conditions())})
			}
		}
	}
	return found
}
