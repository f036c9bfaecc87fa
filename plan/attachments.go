package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// attachmentType gives a policy to a list of users, groups and roles, and to nobody else in the account: whoever has it
// otherwise is read as one too many, from whom the next deployment takes it (internal/service/iam/policy_attachment.go,
// Read and Update, of https://github.com/hashicorp/terraform-provider-aws; the provider's reference warns of it).
const attachmentType = "aws:iam/policyAttachment:PolicyAttachment"

// holder is who has a policy: a user, a group, or a role.
type holder struct{ kind, who, policy string }

// holders are those of a graph, with the resource that says so. Roles of the program are compared by all that they may.
func holders(g *graph.Graph) map[holder]*graph.Resource {
	found := map[holder]*graph.Resource{}
	if g == nil {
		return found
	}
	names := labels(g, nil)
	add := func(r *graph.Resource, kind string, who any) {
		if kind == "role" && g.Resolve(who, "aws:iam/role:Role") != nil || r.Read {
			return
		}
		h := holder{kind, names.Replace(orUnset(who)), names.Replace(graph.Text(r.Input("policyArn")))}
		if of := g.Resolve(who); of != nil {
			h.who = of.String()
		}
		if found[h] == nil || r.Token == attachmentType {
			found[h] = r
		}
	}
	for kind, token := range map[string]string{"user": "aws:iam/userPolicyAttachment:UserPolicyAttachment",
		"group": "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
		"role":  "aws:iam/rolePolicyAttachment:RolePolicyAttachment"} {
		for _, r := range g.ByType(token) {
			add(r, kind, r.Input(kind))
		}
	}
	for _, r := range g.ByType(attachmentType) {
		for _, kind := range []string{"user", "group", "role"} {
			for _, who := range graph.Items(r.Input(kind + "s")) {
				add(r, kind, who)
			}
		}
	}
	return found
}

// attachedToAll are the dangers of policies that a list gives and takes, and of those whom it does not name.
func attachedToAll(base, head *graph.Graph) []Danger {
	was, is := holders(base), holders(head)
	var found []Danger
	tell := func(list, other map[holder]*graph.Resource, kind, format string) {
		of := map[*graph.Resource][]string{}
		policy := map[*graph.Resource]string{}
		for h, r := range list {
			if other[h] == nil && r.Token == attachmentType {
				of[r] = append(of[r], h.kind+" "+code(h.who))
				policy[r] = h.policy
			}
		}
		for r, who := range of {
			slices.Sort(who)
			found = append(found, Danger{Kind: kind, Resource: r.String(), What: fmt.Sprintf("**%s** %s "+format,
				r.Kind(), code(r.Name), strings.Join(few(who), ", "), code(policy[r]))})
		}
	}
	tell(is, was, moreRights, "gives %s the policy %s.")
	tell(was, is, stops, "no longer gives %s the policy %s.")
	for _, r := range head.ByType(attachmentType) {
		var old *graph.Resource
		if base != nil {
			old = base.Was(r)
		}
		policy := head.Resolve(r.Input("policyArn"), "aws:iam/policy:Policy")
		same := old != nil && (policy == nil && old.Input("policyArn") == r.Input("policyArn") ||
			policy != nil && base.Was(policy) != nil && base.Refers(old.Input("policyArn"), base.Was(policy)))
		if r.Read || same || policy != nil && !policy.Read && (base == nil || base.Was(policy) == nil) {
			continue // nobody else has a policy that is new
		}
		found = append(found, Danger{Kind: stops, Resource: r.String(), What: fmt.Sprintf("**%s** %s gives the policy "+
			"%s to nobody but those it names: the next deployment takes it from every other user, group and role in "+
			"the account.", r.Kind(), code(r.Name), code(labels(head, nil).Replace(graph.Text(r.Input("policyArn")))))})
	}
	slices.SortFunc(found, func(a, b Danger) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.What, b.What))
	})
	return found
}
