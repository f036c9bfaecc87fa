package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// routeKey is what a route is known by: its table's URN, and where it leads.
type routeKey struct{ table, destination string }

// wayOut is where a route sends what it is about.
type wayOut struct {
	text string
	// internet tells a gateway by which the subnets are reached as well.
	internet bool
	of       *graph.Resource
}

// targets are the inputs by which a route names where it leads to.
var targets = []string{"gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcPeeringConnectionId",
	"vpcEndpointId", "egressOnlyGatewayId", "carrierGatewayId", "localGatewayId", "coreNetworkArn", "instanceId"}

// routesOf are the routes of all tables of a graph, those of their own and those within a table.
func routesOf(g *graph.Graph) map[routeKey]wayOut {
	found := map[routeKey]wayOut{}
	names := labels(g, nil)
	add := func(table string, of *graph.Resource, at func(string) any, destinations ...string) {
		var way wayOut
		for _, key := range targets {
			text := graph.Text(at(key))
			if text == "" {
				continue
			}
			way = wayOut{text: names.Replace(text), internet: key == "gatewayId" && strings.HasPrefix(text, "igw-"),
				of: of}
			if to := g.Resolve(at(key)); to != nil {
				way.text = to.String()
				way.internet = to.Token == "aws:ec2/internetGateway:InternetGateway"
			}
		}
		for _, key := range destinations {
			if text := graph.Text(at(key)); text != "" && way.of != nil {
				found[routeKey{table, text}] = way
			}
		}
	}
	for _, r := range g.ByType("aws:ec2/route:Route") {
		if r.Read {
			continue
		}
		table := graph.Text(r.Input("routeTableId"))
		if of := g.Resolve(table); of != nil {
			table = of.URN
		}
		add(table, r, r.Input, "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
	}
	for _, t := range g.ByType("aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable") {
		if t.Read {
			continue
		}
		for _, inline := range graph.Items(t.Input("routes")) {
			add(t.URN, t, func(key string) any { return graph.At(inline, key) }, "cidrBlock", "ipv6CidrBlock",
				"destinationPrefixListId")
		}
	}
	return found
}

// routed are the dangers of routes that go, come or lead elsewhere, in tables that stay.
func routed(base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	was, is := routesOf(base), routesOf(head)
	all := maps.Clone(was)
	maps.Copy(all, is)
	keys := slices.SortedFunc(maps.Keys(all), func(a, b routeKey) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.destination, b.destination))
	})
	var found []Danger
	for _, key := range keys {
		if table := head.ByURN(key.table); base.ByURN(key.table) != nil && table == nil ||
			table != nil && base.Was(table) == nil {
			continue // the table goes or comes with it
		}
		before, had := was[key]
		after, has := is[key]
		of := cmp.Or(after.of, before.of)
		tell := func(kind, format string, args ...any) {
			found = append(found, Danger{Kind: kind, Resource: of.String(),
				What: fmt.Sprintf("**%s** %s: ", of.Kind(), code(of.Name)) + fmt.Sprintf(format, args...) +
					"."})
		}
		switch {
		case had && !has:
			tell(stops, "nothing leads to %s any longer, which %s did", code(key.destination), code(before.text))
		case has && after.internet && !(had && before.internet):
			tell(exposes,
				"%s leads to an internet gateway (%s), so what is in its subnets and has a public address is "+
					"reached from there, and what has none no longer reaches the internet", code(key.destination),
				code(after.text))
		case !had:
			tell(exposes, "what is in its subnets reaches %s by way of %s", code(key.destination), code(after.text))
		case before.text != after.text:
			tell(stops, "%s is reached by %s instead of %s: open connections break, and others see another address",
				code(key.destination), code(after.text), code(before.text))
		}
	}
	return found
}

// tablesOf are the tables of routes that subnets have, by subnet: each with the association that says so.
func tablesOf(g *graph.Graph) map[string]*graph.Resource {
	found := map[string]*graph.Resource{}
	for _, r := range g.ByType("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		subnet := graph.Text(r.Input("subnetId"))
		if of := g.Resolve(subnet); of != nil && of != r {
			subnet = of.URN
		}
		if subnet != "" && !r.Read && found[subnet] == nil { // AWS refuses a second one
			found[subnet] = r
		}
	}
	return found
}

// rerouted are the dangers of subnets that get another table of routes, or none of their own.
func rerouted(base, head *graph.Graph, gone map[string]bool) []Danger {
	if base == nil {
		return nil
	}
	was, is := tablesOf(base), tablesOf(head)
	// public are the tables of a graph that lead to an internet gateway.
	public := func(g *graph.Graph) map[string]bool {
		found := map[string]bool{}
		for key, way := range routesOf(g) {
			found[key.table] = found[key.table] || way.internet
		}
		return found
	}
	wasPublic, isPublic := public(base), public(head)
	var found []Danger
	for _, subnet := range slices.Sorted(maps.Keys(was)) {
		old, now := was[subnet], is[subnet]
		tell := func(of *graph.Resource, kind, format string, args ...any) {
			found = append(found, Danger{Kind: kind, Resource: of.String(),
				What: fmt.Sprintf("**%s** %s: ", of.Kind(), code(of.Name)) + fmt.Sprintf(format, args...) + "."})
		}
		before := base.Resolve(old.Input("routeTableId"))
		switch {
		case gone[subnet] || now == nil && before != nil && gone[before.URN]:
		case now == nil:
			tell(old, stops, "its subnet is left to the main route table of its network, which may lead elsewhere")
		default:
			after := head.Resolve(now.Input("routeTableId"))
			switch {
			case before != nil && after != nil && base.Was(after) == before,
				before == nil && after == nil && old.Input("routeTableId") == now.Input("routeTableId"):
			case after != nil && isPublic[after.URN] && !(before != nil && wasPublic[before.URN]):
				tell(now, exposes, "its subnet gets a route table that leads to an internet gateway, so what is in "+
					"it and has a public address is reached from there, and what has none no longer reaches the "+
					"internet")
			default:
				tell(now, stops, "its subnet gets another route table, so what is in it reaches others by another "+
					"way, or not")
			}
		}
	}
	return found
}

// unknownRoles are the dangers of policies that are given to users, to groups, and to a role which the stack does not
// have, where nothing says what they may do otherwise.
func unknownRoles(e *Environment, base, head *graph.Graph) []Danger {
	var found []Danger
	for _, c := range e.Changes {
		now := head.ByURN(c.URN)
		if now == nil || c.Action == Delete {
			continue
		}
		what := ""
		switch c.Type {
		case "aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "aws:iam/userPolicyAttachment:UserPolicyAttachment":
			who := "group"
			if strings.Contains(c.Type, "userPolicy") {
				who = "user"
			}
			if c.Action == Update || base != nil && base.Was(now) != nil && c.Action != Replace {
				continue
			}
			found = append(found, c.danger(moreRights, " gives %s %s the policy %s.", who,
				code(orUnset(now.Input(who))), code(labels(head, nil).Replace(graph.Text(now.Input("policyArn"))))))
			continue
		case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
			what = "the policy " + code(labels(head, nil).Replace(graph.Text(now.Input("policyArn"))))
		case "aws:iam/rolePolicy:RolePolicy":
			what = "other rights"
		}
		role := now.Input("role")
		if what != "" && head.Resolve(role, "aws:iam/role:Role") == nil {
			found = append(found, c.danger(moreRights, " gives role %s, which is not of the stack, %s.",
				code(orUnset(role)), what))
		}
	}
	return append(found, attachedToAll(base, head)...)
}
