package rules

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

const (
	balancerType = "aws:lb/loadBalancer:LoadBalancer"
	groupType    = "aws:autoscaling/group:Group"
	databaseType = "aws:rds/instance:Instance"
)

func (has promises) network() policy.Rule {
	return policy.Rule{
		ID: "Dossier.Network.1",
		Says: "Who can reach whom is: internet, or only some of its addresses, to load balancer on 80 and 443, load " +
			"balancer to app, app and jump server to database on 3306, operators to jump server on 22; and out, the " +
			"app, the jump server and the NAT on 443, to the site too. Nothing else.",
		Needs: []string{balancerType, groupType, databaseType},
		Check: has.reachOnly,
	}
}

// reachOnly compares the table of reachability with the one that the design allows.
func (has promises) reachOnly(g *graph.Graph, _ policy.Environment) []policy.Violation {
	kinds := map[string]graph.Kind{}
	for _, p := range g.Places() {
		kinds[p.Name] = p.Kind
	}
	allowed := func(r graph.Reach) bool {
		if r.Protocol != "tcp" {
			// A NAT gateway has no rules of its own; those of whoever sends through it were asked.
			return r.From == string(graph.KindNAT) && r.To == graph.Internet && natGateways(g)
		}
		from, to := kinds[r.From], kinds[r.To]
		switch {
		case to == graph.KindLoadBalancer && (r.From == graph.Internet || r.From == graph.Operators):
			// Named blocks of addresses are fewer than all.
			return (r.Ports == "80" || r.Ports == "443" && has.domain) && !strings.Contains(r.Via, "nothing served")
		case r.From == graph.Internet:
			return false
		case r.From == graph.Operators:
			return to == graph.KindInstance && r.Ports == "22" && has.operators
		case from == graph.KindLoadBalancer:
			return to == graph.KindGroup && !strings.Contains(r.Via, "nothing served")
		case to == graph.KindLoadBalancer:
			// Whoever may go out to the internet may go to the site, which is open to it.
			return from != graph.KindDatabase && (r.Ports == "80" || r.Ports == "443") &&
				!strings.Contains(r.Via, "nothing served")
		case to == graph.KindDatabase:
			return (from == graph.KindGroup || from == graph.KindInstance) && r.Ports == "3306"
		case to == "" || to == graph.KindNAT:
			return from != graph.KindDatabase && r.Ports == "443"
		}
		return false
	}
	var found []policy.Violation
	for _, r := range g.Reachability() {
		if !allowed(r) {
			found = append(found, policy.Violation{
				Message: fmt.Sprintf("%s reaches %s on %s %s (%s)", r.From, r.To, r.Protocol, r.Ports, r.Via),
				Mend:    "take away the rule, the route or the public address that makes it so",
			})
		}
	}
	for _, need := range []struct{ from, to graph.Kind }{{"", graph.KindLoadBalancer},
		{graph.KindLoadBalancer, graph.KindGroup}, {graph.KindGroup, graph.KindDatabase}} {
		if !slices.ContainsFunc(g.Reachability(), func(r graph.Reach) bool {
			return kinds[r.From] == need.from && kinds[r.To] == need.to
		}) {
			from := string(need.from)
			if from == "" {
				from = graph.Internet
			}
			found = append(found, policy.Violation{
				Message: fmt.Sprintf("%s does not reach %s", from, need.to),
				Mend:    "let it out of the one security group and into the other",
			})
		}
	}
	return found
}

func natGateways(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Places(), func(p graph.Place) bool {
		return p.Kind == graph.KindNAT && p.Resource.Token != "aws:ec2/instance:Instance"
	})
}
