package graph

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
)

// Reach is one line of the table of who can open connections to whom.
type Reach struct {
	// From and To are names of places, or Internet, Operators, a service of AWS such as S3, or a prefix list.
	From, To string
	// Protocol is tcp, udp, icmp, all, or a protocol's number; Ports are numbers, a range or "all".
	Protocol, Ports string
	// Via is what carries or serves it, such as "NAT gateway" or "internet gateway, listener HTTPS 443".
	Via string
}

// Peers outside the VPC.
const (
	// Internet is any address of the internet.
	Internet = "internet"
	// Operators are the address blocks outside the VPC that a rule names; Via tells which.
	Operators = "operators"
)

// prefixList stands before the id of a list of address blocks.
const prefixList = "prefix list "

// Reachability is who can open connections to whom, sorted and without repetition. A line stands there when a rule of
// the source's groups lets the traffic out, one of the destination's lets it in, and a way exists: the VPC itself, or
// routes. From outside, the destination needs a public address and a route to an internet gateway as well. Listeners
// and target groups do not limit the table (rules that are wider than what is served are its business to show); they
// are told in Via.
//
// Not looked at: network ACLs, which can only take away; peered networks; what a service reaches through another's API.
func (g *Graph) Reachability() []Reach {
	t := &topology{
		g:         g,
		places:    g.Places(),
		rules:     append(g.SecurityRules(), g.implicitRules()...),
		routes:    g.allRoutes(),
		endpoints: g.gatewayEndpoints(),
		found:     map[Reach]map[string]bool{},
	}
	for _, to := range t.places {
		t.fromOutside(to)
		for _, from := range t.places {
			t.within(from, to)
		}
	}
	for _, from := range t.places {
		t.toServices(from)
		t.toOutside(from)
	}
	return t.table()
}

// implicitRules are those that the default group of a VPC has for as long as the program does not take charge of it.
func (g *Graph) implicitRules() []SecurityRule {
	var rules []SecurityRule
	for _, vpc := range g.ByType(tokenVPC) {
		id := Text(vpc.Output("defaultSecurityGroupId"))
		managed := slices.ContainsFunc(g.ByType(tokenDefaultSecurityGroup), func(r *Resource) bool {
			return g.Refers(r.Input("vpcId"), vpc) || r.ID == id
		})
		if id == "" || managed {
			continue
		}
		rules = append(rules,
			SecurityRule{Resource: vpc, Of: id, Direction: Ingress, Protocol: "all", Ports: AllPorts, Group: id},
			SecurityRule{Resource: vpc, Of: id, Direction: Egress, Protocol: "all", Ports: AllPorts, CIDR: netip.PrefixFrom(netip.IPv4Unspecified(), 0)},
		)
	}
	return rules
}

type topology struct {
	g         *Graph
	places    []Place
	rules     []SecurityRule
	routes    []route
	endpoints []gatewayEndpoint
	// found holds the ways of every line whose Via is still empty.
	found map[Reach]map[string]bool
}

func (t *topology) add(from, to string, protocol string, ports Ports, via string) {
	r := Reach{From: from, To: to, Protocol: protocol, Ports: ports.String()}
	if protocol != "tcp" && protocol != "udp" {
		r.Ports = "all"
	}
	if t.found[r] == nil {
		t.found[r] = map[string]bool{}
	}
	t.found[r][via] = true
}

func (t *topology) table() []Reach {
	var table []Reach
	for r, vias := range t.found {
		r.Via = strings.Join(slices.Sorted(maps.Keys(vias)), "; ")
		table = append(table, r)
	}
	slices.SortFunc(table, func(a, b Reach) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Ports, b.Ports))
	})
	return table
}

// of are the rules of a place in one direction. A NAT gateway has no security groups: it takes and sends everything.
func (t *topology) of(p Place, d Direction) []SecurityRule {
	if p.Resource.Token == tokenNATGateway {
		return []SecurityRule{{Direction: d, Protocol: "all", Ports: AllPorts, CIDR: netip.PrefixFrom(netip.IPv4Unspecified(), 0)}}
	}
	var rules []SecurityRule
	for _, r := range t.rules {
		if r.Direction == d && slices.Contains(p.Groups, r.Of) {
			rules = append(rules, r)
		}
	}
	return rules
}

// addresses are the blocks that a place's own address is out of.
func addresses(p Place) []netip.Prefix {
	var blocks []netip.Prefix
	for _, s := range p.Subnets {
		for _, key := range []string{"cidrBlock", "ipv6CidrBlock"} {
			if prefix, err := netip.ParsePrefix(Text(s.Either(key))); err == nil {
				blocks = append(blocks, prefix.Masked())
			}
		}
	}
	return blocks
}

// meant reports whether the peer of a rule includes the place.
func meant(r SecurityRule, p Place) bool {
	switch {
	case r.Opaque:
		return true
	case r.Group != "":
		return slices.Contains(p.Groups, r.Group)
	case r.CIDR.IsValid():
		return slices.ContainsFunc(addresses(p), r.CIDR.Overlaps)
	}
	return false
}

// both is what two rules allow together.
func both(a, b SecurityRule) (protocol string, ports Ports, ok bool) {
	if a.CIDR.IsValid() && b.CIDR.IsValid() && a.CIDR.Addr().Is4() != b.CIDR.Addr().Is4() {
		return "", Ports{}, false
	}
	switch {
	case a.Protocol == b.Protocol, b.Protocol == "all":
		protocol = a.Protocol
	case a.Protocol == "all":
		protocol = b.Protocol
	default:
		return "", Ports{}, false
	}
	ports, ok = a.Ports.intersect(b.Ports)
	return protocol, ports, ok
}

func (t *topology) within(from, to Place) {
	if from.Resource == to.Resource && from.Kind != KindGroup {
		return
	}
	// Gateways pass traffic on; nothing opens connections to or from them within the VPC.
	if from.Resource.Token == tokenNATGateway || to.Resource.Token == tokenNATGateway || !t.sameVPC(from, to) {
		return
	}
	for _, out := range t.of(from, Egress) {
		for _, in := range t.of(to, Ingress) {
			if !meant(out, to) || !meant(in, from) {
				continue
			}
			if protocol, ports, ok := both(out, in); ok {
				t.addServed(from, to, line{from.Name, protocol, ports, ""})
			}
		}
	}
}

func (t *topology) sameVPC(a, b Place) bool {
	if len(a.Subnets) == 0 || len(b.Subnets) == 0 {
		return false
	}
	vpc := Text(a.Subnets[0].Input("vpcId"))
	return vpc != "" && vpc == Text(b.Subnets[0].Input("vpcId"))
}

// outside reports whether a block is of the internet: not of a private network, which reaches no VPC over the internet.
func outside(block netip.Prefix) bool {
	return block.Bits() == 0 || !block.Addr().IsPrivate()
}

// NotKnown begins the ways of those who may be let in by a rule that is opaque.
const NotKnown = "addresses not known,"

// fromOutside adds who reaches a place over the internet.
func (t *topology) fromOutside(to Place) {
	for _, in := range t.of(to, Ingress) {
		var from, via string
		switch {
		case to.Resource.Token == tokenNATGateway:
			return // it takes no connection from outside
		case in.World():
			from = Internet
			switch {
			case in.Opaque:
				via = NotKnown + " "
			case in.CIDR.Addr().Is6():
				via = in.CIDR.String() + " "
			}
		case in.PrefixList != "":
			from = "prefix list " + in.PrefixList
		case in.CIDR.IsValid() && outside(in.CIDR):
			from, via = Operators, in.CIDR.String()+" "
		default:
			continue
		}
		if !t.publicFor(to, in) {
			continue
		}
		t.addServed(Place{}, to, line{from, in.Protocol, in.Ports, via + "internet gateway"})
	}
}

// publicFor reports whether the peers of a rule can reach the place at a public address.
func (t *topology) publicFor(p Place, r SecurityRule) bool {
	four := !r.CIDR.IsValid() || r.CIDR.Addr().Is4()
	for _, s := range p.Subnets {
		addressed := p.PublicIP
		if !four {
			addressed = Text(s.Either("ipv6CidrBlock")) != "" && (p.Kind != KindLoadBalancer || strings.HasPrefix(Text(p.Resource.Input("ipAddressType")), "dualstack"))
		}
		if !addressed {
			continue
		}
		for _, way := range t.ways(s, peerBlock(r)) {
			if way.internet {
				return true
			}
		}
	}
	return false
}

// peerBlock is the address block that stands for the peer of a rule when a route to it is looked for.
func peerBlock(r SecurityRule) netip.Prefix {
	if r.CIDR.IsValid() {
		return r.CIDR
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// ways are the routes from a subnet to a block: the most specific one that holds all of it, and those to parts of it.
func (t *topology) ways(subnet *Resource, block netip.Prefix) []route {
	table := t.g.tableOf(subnet)
	var ways []route
	var whole []route
	for _, r := range t.routes {
		if table == "" || r.table != table || !r.destination.Overlaps(block) {
			continue
		}
		if r.destination.Bits() > block.Bits() {
			ways = append(ways, r)
			continue
		}
		if len(whole) > 0 && whole[0].destination.Bits() > r.destination.Bits() {
			continue
		}
		if len(whole) > 0 && whole[0].destination.Bits() < r.destination.Bits() {
			whole = whole[:0]
		}
		whole = append(whole, r)
	}
	return append(ways, whole...)
}

// port is one that a listener or a target group serves.
type port struct {
	number int
	by     string
}

// served are the ports that the destination serves, and false where nothing tells: only load balancers do, for
// themselves and for those that they send to.
func (t *topology) served(from, to Place) (ports []port, told bool) {
	switch {
	case to.Kind == KindLoadBalancer:
		for _, l := range t.g.ByType(tokenListener) {
			if n, ok := Number(l.Input("port")); ok && t.g.Refers(l.Input("loadBalancerArn"), to.Resource) {
				ports = append(ports, port{int(n), "listener " + strings.TrimSpace(Text(l.Input("protocol"))+" "+Text(l.Input("port")))})
			}
		}
		return ports, true
	case from.Kind == KindLoadBalancer && to.Kind != KindNAT:
		for _, tg := range t.g.TargetGroups(from.Resource) {
			if n, ok := Number(tg.Input("port")); ok && t.g.Targets(tg, to.Resource) {
				ports = append(ports, port{int(n), "target group " + strings.TrimSpace(Text(tg.Input("protocol"))+" "+Text(tg.Input("port")))})
			}
		}
		return ports, true
	}
	return nil, false
}

// line is what rules let a source do.
type line struct {
	from, protocol string
	ports          Ports
	via            string
}

// addServed adds what rules allow, port by port where something tells what is served, and the rest as open for nothing.
func (t *topology) addServed(from, to Place, l line) {
	join := func(detail string) string {
		return cmp.Or(strings.Trim(l.via+", "+detail, ", "), "VPC")
	}
	protocol, ports := l.protocol, l.ports
	served, told := t.served(from, to)
	if !told {
		t.add(l.from, to.Name, protocol, ports, join(""))
		return
	}
	distinct := map[int]bool{}
	if protocol == "tcp" || protocol == "all" {
		for _, p := range served {
			if ports.Contains(p.number) {
				distinct[p.number] = true
				t.add(l.from, to.Name, "tcp", Ports{p.number, p.number}, join(p.by))
			}
		}
	}
	if protocol != "tcp" || len(distinct) < ports.To-ports.From+1 {
		t.add(l.from, to.Name, protocol, ports, join("nothing served"))
	}
}

// TargetGroups are those that the listeners of a load balancer send to, sorted by URN.
func (g *Graph) TargetGroups(balancer *Resource) []*Resource {
	var found []*Resource
	collect := func(actions any) {
		for _, a := range Items(actions) {
			refs := []any{at(a, "targetGroupArn")}
			for _, tg := range Items(at(a, "forward.targetGroups")) {
				refs = append(refs, at(tg, "arn"))
			}
			for _, ref := range refs {
				if r := g.Resolve(ref, tokenTargetGroup); r != nil && !slices.Contains(found, r) {
					found = append(found, r)
				}
			}
		}
	}
	for _, l := range g.ByType(tokenListener) {
		if !g.Refers(l.Input("loadBalancerArn"), balancer) {
			continue
		}
		collect(l.Input("defaultActions"))
		for _, rule := range g.ByType(tokenListenerRule) {
			if g.Refers(rule.Input("listenerArn"), l) {
				collect(rule.Input("actions"))
			}
		}
	}
	slices.SortFunc(found, func(a, b *Resource) int { return cmp.Compare(a.URN, b.URN) })
	return found
}

// Targets reports whether a target group sends to an Auto Scaling group or an instance.
func (g *Graph) Targets(targetGroup, to *Resource) bool {
	refers := func(v any) bool { return g.Refers(v, targetGroup) }
	if slices.ContainsFunc(Items(to.Input("targetGroupArns")), refers) {
		return true
	}
	for _, source := range Items(to.Input("trafficSources")) {
		if refers(at(source, "identifier")) {
			return true
		}
	}
	return slices.ContainsFunc(g.ByType(tokenGroupAttachment), func(a *Resource) bool {
		return refers(a.Input("lbTargetGroupArn")) && g.Refers(a.Input("autoscalingGroupName"), to)
	}) || slices.ContainsFunc(g.ByType(tokenTargetAttachment), func(a *Resource) bool {
		return refers(a.Input("targetGroupArn")) && g.Refers(a.Input("targetId"), to)
	})
}

// toServices adds the services of AWS that a place reaches through gateway endpoints.
func (t *topology) toServices(from Place) {
	for _, out := range t.of(from, Egress) {
		for _, e := range t.endpoints {
			if out.PrefixList != e.prefixList && !out.World() {
				continue
			}
			n := 0
			for _, s := range from.Subnets {
				if slices.Contains(e.tables, t.g.tableOf(s)) {
					n++
				}
			}
			if n > 0 && from.Resource.Token != tokenNATGateway {
				t.add(from.Name, e.service, out.Protocol, out.Ports, "gateway endpoint"+share(n, len(from.Subnets)))
			}
		}
	}
}

// share tells of how many of its subnets something holds, unless it is all.
func share(n, of int) string {
	if n == of {
		return ""
	}
	return fmt.Sprintf(" (from %d of %d subnets)", n, of)
}

// toOutside adds what a place reaches over the internet.
func (t *topology) toOutside(from Place) {
	for _, out := range t.of(from, Egress) {
		to, detail := Internet, ""
		covered := func(*Resource) bool { return false }
		switch {
		case out.PrefixList != "":
			to = prefixList + out.PrefixList
			for _, e := range t.endpoints {
				if e.prefixList == out.PrefixList {
					to = e.service
					covered = func(s *Resource) bool { return slices.Contains(e.tables, t.g.tableOf(s)) }
				}
			}
		case out.World():
		case out.CIDR.IsValid() && outside(out.CIDR):
			detail = " to " + out.CIDR.String()
		default:
			continue
		}
		type way struct {
			protocol string
			ports    Ports
			by       string
		}
		subnets := map[way]int{}
		for _, s := range from.Subnets {
			if covered(s) {
				continue
			}
			ways := map[way]bool{}
			for _, r := range t.ways(s, peerBlock(out)) {
				if r.internet && t.publicFor(from, out) {
					ways[way{out.Protocol, out.Ports, r.name}] = true
				}
				if r.outbound {
					ways[way{out.Protocol, out.Ports, r.name}] = true
				}
				if nat := t.nat(r); nat != nil && nat.Resource != from.Resource {
					for _, passed := range t.through(from, *nat, out) {
						ways[way{passed.Protocol, passed.Ports, r.name}] = true
					}
				}
			}
			for w := range ways {
				subnets[w]++
			}
		}
		for w, n := range subnets {
			t.add(from.Name, to, w.protocol, w.ports, w.by+detail+share(n, len(from.Subnets)))
		}
	}
}

// nat is the place of the NAT that a route leads to, or nil.
func (t *topology) nat(r route) *Place {
	target := cmp.Or(r.gateway, r.instance)
	if target == nil {
		return nil
	}
	for i := range t.places {
		if t.places[i].Resource == target {
			return &t.places[i]
		}
	}
	return nil
}

// through is what of a rule's traffic a NAT passes on: it must have a public address and a route to the internet
// itself; an instance must take traffic that is not for it, and its own rules hold too.
func (t *topology) through(from, nat Place, out SecurityRule) []SecurityRule {
	if !t.publicFor(nat, out) {
		return nil
	}
	if nat.Resource.Token == tokenNATGateway {
		return []SecurityRule{out}
	}
	checked := []*Resource{nat.Resource}
	if interfaces := t.g.interfacesOf(nat.Resource); len(interfaces) > 0 {
		checked = interfaces
	}
	for _, r := range checked {
		if !Is(r.Input("sourceDestCheck"), false) {
			return nil
		}
	}
	var passed []SecurityRule
	for _, in := range t.of(nat, Ingress) {
		if !meant(in, from) {
			continue
		}
		for _, on := range t.of(nat, Egress) {
			if !on.World() && (!on.CIDR.IsValid() || !on.CIDR.Overlaps(peerBlock(out))) {
				continue
			}
			// The peers of the two are no ends of one connection here, so that only protocols and ports are compared.
			protocol, ports, ok := both(SecurityRule{Protocol: out.Protocol, Ports: out.Ports}, SecurityRule{Protocol: in.Protocol, Ports: in.Ports})
			if !ok {
				continue
			}
			protocol, ports, ok = both(SecurityRule{Protocol: protocol, Ports: ports}, SecurityRule{Protocol: on.Protocol, Ports: on.Ports})
			if ok {
				passed = append(passed, SecurityRule{Protocol: protocol, Ports: ports})
			}
		}
	}
	return passed
}

// FormatReachability writes the table with aligned columns, a line each, for people and for comparison in tests.
func FormatReachability(table []Reach) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FROM\tTO\tPROTOCOL\tPORTS\tVIA")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.From, r.To, r.Protocol, r.Ports, r.Via)
	}
	w.Flush()
	return b.String()
}
