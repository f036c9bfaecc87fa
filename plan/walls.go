package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

const wallRuleType = "aws:ec2/networkAclRule:NetworkAclRule"

// walled are the dangers of rules of network ACLs that are resources of their own, and of ACLs that go.
func walled(base, head *graph.Graph, deleted map[string]bool) []Danger {
	if base == nil {
		return nil
	}
	// of are the rules of a graph by what they say, each with its resource.
	of := func(g *graph.Graph) map[string]*graph.Resource {
		found := map[string]*graph.Resource{}
		for _, r := range g.ByType(wallRuleType) {
			if r.Read {
				continue
			}
			acl := graph.Text(r.Input("networkAclId"))
			if whole := g.Resolve(acl); whole != nil {
				acl = whole.URN
			}
			found[fmt.Sprint(acl, graph.Is(r.Input("egress"), true), strings.ToLower(graph.Text(r.Input("ruleAction"))),
				entry(r.Inputs))] = r
		}
		return found
	}
	was, is := of(base), of(head)
	gone := deletedWalls(base, head)
	var found []Danger
	tell := func(list, other map[string]*graph.Resource, newly bool) {
		for key, r := range list {
			if other[key] != nil || gone[r.URN] {
				continue
			}
			kind, does := wallWords(r, newly)
			found = append(found, Danger{Kind: kind, Resource: r.String(),
				What: fmt.Sprintf("**%s** %s: its network ACL %s %s.",
					r.Kind(), code(r.Name), does, entry(r.Inputs))})
		}
	}
	tell(was, is, false)
	tell(is, was, true)
	found = append(found, unwalled(base, deleted)...)
	slices.SortFunc(found, func(a, b Danger) int { return strings.Compare(a.What, b.What) })
	return found
}

// unwalled are the dangers of network ACLs that go: their subnets get the default one of their network, which lets
// everything through as AWS makes it (internal/service/ec2/vpc_network_acl.go, resourceNetworkACLDelete;
// https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html).
func unwalled(base *graph.Graph, deleted map[string]bool) []Danger {
	var found []Danger
	for _, acl := range base.ByType(networkACLType) {
		network := base.Resolve(acl.Input("vpcId"))
		if !deleted[acl.URN] || network != nil && network != acl && deleted[network.URN] {
			continue
		}
		// subnets are those behind it that stay.
		var subnets []any
		for _, subnet := range slices.Concat(graph.Items(acl.Input("subnetIds")), associated(base, acl)) {
			if of := base.Resolve(subnet); of == nil || !deleted[of.URN] {
				subnets = append(subnets, subnet)
			}
		}
		if len(subnets) > 0 {
			found = append(found, Danger{Kind: weakens, Resource: acl.String(),
				What: fmt.Sprintf("**%s** %s is deleted: its subnets are left to the default one of their network, "+
					"which lets everything through unless somebody changed it.", acl.Kind(), code(acl.Name))})
		}
	}
	return found
}

// associated are the subnets that resources of their own put behind a network ACL.
func associated(g *graph.Graph, acl *graph.Resource) []any {
	var subnets []any
	for _, r := range g.ByType("aws:ec2/networkAclAssociation:NetworkAclAssociation") {
		if g.Refers(r.Input("networkAclId"), acl) {
			subnets = append(subnets, r.Input("subnetId"))
		}
	}
	return subnets
}

// deletedWalls are the rules whose network ACL comes or goes with them.
func deletedWalls(base, head *graph.Graph) map[string]bool {
	found := map[string]bool{}
	for _, g := range []*graph.Graph{base, head} {
		for _, r := range g.ByType(wallRuleType) {
			if whole := g.Resolve(r.Input("networkAclId")); whole != nil && (base.ByURN(whole.URN) == nil ||
				head.ByURN(whole.URN) == nil) {
				found[r.URN] = true
			}
		}
	}
	return found
}

// wallWords tell what a rule that comes or goes means.
func wallWords(r *graph.Resource, newly bool) (kind, does string) {
	allows, out := strings.EqualFold(graph.Text(r.Input("ruleAction")), "allow"), graph.Is(r.Input("egress"), true)
	side := func(in, out_ string) string {
		if out {
			return out_
		}
		return in
	}
	switch {
	case allows && newly:
		return exposes, side("lets in", "lets out")
	case allows:
		return stops, side("no longer lets in", "no longer lets out")
	case newly:
		return stops, side("keeps out", "keeps in")
	}
	return weakens, side("no longer keeps out", "no longer keeps in")
}
