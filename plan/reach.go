package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
)

// end is who opens connections or takes them: a name, or a block of addresses outside, which is everyone where unknown
// tells that nobody knows whom a rule means.
type end struct {
	name    string
	block   netip.Prefix
	unknown bool
}

// everyone is the whole internet, by IPv4 and by IPv6.
var everyone = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(),
	0)}

// private are the blocks of addresses that no network routes outside its own (RFC 1918, RFC 4193).
var private = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}

// foreignGroup finds a security group of another account, as a rule names it.
var foreignGroup = regexp.MustCompile(`^group (\d{12})/`)

// outside reports whether it may be somebody else's: a list, whose entries are not known, a group of another account,
// or a block with an address that is not private.
func (e end) outside() bool {
	if e.block.IsValid() {
		return !slices.ContainsFunc(private, func(outer string) bool { return holds(outer, e.block.String()) })
	}
	account := foreignGroup.FindStringSubmatch(e.name)
	return strings.HasPrefix(e.name, "prefix list ") || account != nil && account[1] != awsmodel.Account
}

func (e end) world() bool { return e.block.IsValid() && e.block.Bits() == 0 }

// flow is what one end may open to another.
type flow struct {
	from, to end
	protocol string
	ports    graph.Ports
	// served tells that something listens there, as far as that is known; whole, that it holds in all subnets.
	served, whole bool
	// rule is the rule of a security group that says so, where no place is known that has the group.
	rule *graph.Resource
}

// covers reports whether whoever is meant by b is meant by a, which of an unknown one nobody can tell. A block of
// everything also holds those that are no places of the stack, such as a service of AWS or a list of blocks.
func (a end) covers(b end, places map[string]bool) bool {
	switch {
	case a.unknown && !b.unknown:
		return false
	case a.block.IsValid() && b.block.IsValid():
		return a.block.Bits() <= b.block.Bits() && a.block.Contains(b.block.Addr())
	case a.block.IsValid():
		return a.world() && !places[b.name]
	}
	return a == b
}

// uncovered are the ports of a flow that no other allows.
func (f flow) uncovered(by []flow, places map[string]bool) []graph.Ports {
	left := []graph.Ports{f.ports}
	for _, o := range by {
		if o.protocol != "all" && o.protocol != f.protocol || f.served && !o.served || f.whole && !o.whole ||
			!o.from.covers(f.from, places) || !o.to.covers(f.to, places) {
			continue
		}
		if o.protocol == "all" {
			return nil
		}
		var rest []graph.Ports
		for _, p := range left {
			for _, q := range []graph.Ports{{From: p.From, To: min(p.To, o.ports.From-1)},
				{From: max(p.From, o.ports.To+1), To: p.To}} {
				if q.From <= q.To {
					rest = append(rest, q)
				}
			}
		}
		left = rest
	}
	return left
}

var (
	toBlock = regexp.MustCompile(` to (\S+/\d+)`)
	ofAll   = regexp.MustCompile(`\(from (\d+) of (\d+) subnets\)`)
)

// flows are the lines of a table of who reaches whom. Names of places of base are those of head.
func flows(table []graph.Reach, named map[string]string) []flow {
	name := func(place string) string { return cmp.Or(named[place], place) }
	var found []flow
	for _, r := range table {
		ports := graph.AllPorts
		if first, last, is := strings.Cut(r.Ports, "-"); r.Ports != "all" {
			if !is {
				last = first
			}
			// They are written by Ports.String.
			ports.From, _ = strconv.Atoi(first)
			ports.To, _ = strconv.Atoi(last)
		}
		subnets, of := 0, 0
		vias := strings.Split(r.Via, "; ")
		for _, via := range vias {
			if share := ofAll.FindStringSubmatch(via); share != nil {
				n, _ := strconv.Atoi(share[1])
				of, _ = strconv.Atoi(share[2])
				subnets += n
			} else {
				subnets, of = 1, 1
			}
			if of == subnets {
				break
			}
		}
		for _, via := range vias {
			f := flow{from: end{name: name(r.From)}, to: end{name: name(r.To)}, protocol: r.Protocol, ports: ports,
				served: !strings.HasSuffix(via, "nothing served"), whole: subnets >= of}
			if r.From == graph.Internet || r.From == graph.Operators {
				block, err := netip.ParsePrefix(strings.Fields(via)[0])
				if err != nil {
					block = everyone[0]
				}
				f.from = end{block: block, unknown: strings.HasPrefix(via, graph.NotKnown)}
			}
			if r.To == graph.Internet {
				f.to = end{block: everyone[0]}
				if to := toBlock.FindStringSubmatch(via); to != nil {
					if block, err := netip.ParsePrefix(to[1]); err == nil {
						f.to.block = block
					}
				}
			}
			found = append(found, f)
		}
	}
	return joined(found)
}

// joined puts the blocks of flows together that are alike but for them, those outside apart from private ones, which
// count only where no block outside holds them. The rule with the widest one speaks for them.
func joined(flows []flow) []flow {
	type key struct {
		flow
		outside bool
	}
	from, to := func(f *flow) *end { return &f.from }, func(f *flow) *end { return &f.to }
	for _, side := range []func(*flow) *end{from, to} {
		alike := map[key][]netip.Prefix{}
		rules := map[key][]*graph.Resource{}
		var order []key
		var found []flow
		for _, f := range flows {
			e := side(&f)
			if !e.block.IsValid() || e.unknown {
				found = append(found, f)
				continue
			}
			block, rule, outside := e.block, f.rule, e.outside()
			e.block, f.rule = netip.Prefix{}, nil
			k := key{f, outside}
			if alike[k] == nil {
				order = append(order, k)
			}
			alike[k], rules[k] = append(alike[k], block), append(rules[k], rule)
		}
		for _, k := range order {
			for _, block := range mergedBlocks(alike[k]) {
				if !k.outside && slices.ContainsFunc(alike[key{k.flow, true}], func(p netip.Prefix) bool {
					return p.Overlaps(block)
				}) {
					continue
				}
				g, widest := k.flow, 1000
				side(&g).block = block
				for i, part := range alike[k] {
					if block.Overlaps(part) && part.Bits() < widest {
						g.rule, widest = rules[k][i], part.Bits()
					}
				}
				found = append(found, g)
			}
		}
		flows = found
	}
	return flows
}

// placeNames are the names that base's places have at head, by those at base.
func placeNames(base, head *graph.Graph) map[string]string {
	at := map[string]string{}
	for _, p := range head.Places() {
		at[p.Resource.URN] = p.Name
	}
	found := map[string]string{}
	for _, p := range base.Places() {
		if now := at[p.Resource.URN]; now != "" {
			found[p.Name] = now
		}
	}
	return found
}

// ruleFlows are what the rules of security groups let in and out, for whatever has the group.
func ruleFlows(g *graph.Graph) []flow {
	if g == nil {
		return nil
	}
	named := func(group string, r graph.SecurityRule) end {
		if of := g.Resolve(group, "aws:ec2/securityGroup:SecurityGroup",
			"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"); of != nil {
			return end{name: of.String()}
		}
		return end{name: "group " + group}
	}
	var found []flow
	for _, r := range g.SecurityRules() {
		it := named(r.Of, r)
		var peers []end
		switch {
		case r.Opaque:
			peers = []end{{block: everyone[0], unknown: true}, {block: everyone[1], unknown: true}}
		case r.CIDR.IsValid():
			peers = []end{{block: r.CIDR}}
		case r.Group != "":
			peers = []end{named(r.Group, r)}
		default:
			peers = []end{{name: "prefix list " + r.PrefixList}}
		}
		for _, peer := range peers {
			f := flow{from: peer, to: it, protocol: r.Protocol, ports: r.Ports, served: true, whole: true,
				rule: r.Resource}
			if r.Direction == graph.Egress {
				f.from, f.to = it, peer
			}
			found = append(found, f)
		}
	}
	return joined(found)
}

// said is an end for people.
func (e end) said() string {
	switch {
	case e.unknown:
		return "whoever is not known here"
	case e.world() && e.block.Addr().Is6():
		return "the internet over IPv6"
	case e.world():
		return "the internet"
	case e.block.IsValid():
		return e.block.String()
	}
	return e.name
}

// shown is an end within a sentence.
func (e end) shown() string {
	if e.world() { // or not known
		return e.said()
	}
	return code(e.said())
}

// portsOf are protocol and ports for people.
func portsOf(protocol string, ports []graph.Ports) string {
	if protocol == "all" {
		return "everything"
	}
	if protocol != "tcp" && protocol != "udp" {
		return protocol
	}
	var shown []string
	for _, p := range ports {
		shown = append(shown, p.String())
	}
	return protocol + " " + strings.Join(shown, ", ")
}

// gap is a difference between two tables: who reaches whom on what.
type gap struct {
	flow
	left []graph.Ports
}

// more are the flows that the others do not have, those alike as one.
func more(of, others []flow, places map[string]bool) []gap {
	var found []gap
	for _, f := range of {
		left := f.uncovered(others, places)
		if !f.served {
			// What is open and serves nothing: without what is told of the ports that do.
			served := slices.DeleteFunc(slices.Clone(of), func(o flow) bool { return !o.served })
			var rest []graph.Ports
			for _, p := range left {
				part := f
				part.ports = p
				rest = append(rest, part.uncovered(served, places)...)
			}
			left = rest
		}
		if len(left) == 0 || slices.ContainsFunc(found, func(g gap) bool {
			return g.from == f.from && g.to == f.to && g.protocol == f.protocol && slices.Equal(g.left, left)
		}) {
			continue
		}
		found = append(found, gap{f, left})
	}
	return found
}

// still are the parts of what is gone that others allow: a part of its blocks, or of all ports.
func (g gap) still(others []flow, places map[string]bool) []string {
	var found []string
	add := func(text string) {
		if !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	for _, o := range others {
		if g.served != o.served || g.protocol != "all" && o.protocol != g.protocol {
			continue
		}
		from, to := o.from.covers(g.from, places), o.to.covers(g.to, places)
		switch {
		case from && to && g.protocol == "all":
			add(portsOf(o.protocol, []graph.Ports{o.ports}))
		case to && !from && g.from.covers(o.from, places) && o.from.block.IsValid():
			add(o.from.shown())
		case from && !to && g.to.covers(o.to, places) && o.to.block.IsValid():
			add(o.to.shown())
		}
	}
	return found
}

// reached are the dangers of who reaches whom that did not, from outside, and of who no longer does.
func reached(base, head *graph.Graph) []Danger {
	places, carried := map[string]bool{}, map[string]bool{}
	groups := func(g *graph.Graph) {
		for _, p := range g.Places() {
			places[p.Name] = true
			for _, id := range p.Groups {
				if of := g.Resolve(id); of != nil {
					carried[of.String()] = true
				}
			}
		}
	}
	after := flows(head.Reachability(), nil)
	groups(head)
	var before []flow
	if base != nil {
		before = flows(base.Reachability(), placeNames(base, head))
		groups(base)
	}
	newly := more(after, before, places)
	var found []Danger
	if base != nil { // of what is all new, the table tells
		found = openings(newly, before, places)
	}
	// Of what is no place the rules of its groups tell; a block of everything then also has who is in a group.
	rulesBefore, rulesAfter := ruleFlows(base), ruleFlows(head)
	found = append(found, ruleOpenings(more(rulesAfter, rulesBefore, nil), newly)...)
	found = append(found, furtherOut(more(rulesAfter, rulesBefore, nil), rulesBefore, stood(base, head))...)
	var lost []string
	for _, g := range more(before, openly(after), places) {
		if g.served {
			text := fmt.Sprintf("%s → %s on %s", g.from.shown(), g.to.shown(), portsOf(g.protocol, g.left))
			if left := g.still(after, places); len(left) > 0 {
				text += " (still: " + strings.Join(few(left), "; ") + ")"
			}
			lost = append(lost, text)
		}
	}
	if len(lost) > 0 {
		found = append(found, Danger{Kind: stops, What: "No longer reached: " + strings.Join(few(lost), ", ") + "."})
	}
	found = append(found, ruleClosings(more(rulesBefore, openly(rulesAfter), nil), head, carried)...)
	return append(found, strangeGroups(base, head)...)
}

// grouped are the inputs with security groups of the types that no rule judges for them: who reaches whom tells what
// another group means.
var grouped = map[string][]string{
	"aws:alb/loadBalancer:LoadBalancer": {"securityGroups"},
	"aws:ec2/vpcEndpoint:VpcEndpoint":   {"securityGroupIds"},
	"aws:lb/loadBalancer:LoadBalancer":  {"securityGroups"},
	auroraType:                          {"vpcSecurityGroupIds"},
	databaseType:                        {"vpcSecurityGroupIds"},
	serverType:                          {"vpcSecurityGroupIds"},
	templateType: {"vpcSecurityGroupIds", "securityGroupNames",
		"networkInterfaces.securityGroups"},
}

// strangeGroups tell of what gets or loses security groups that the program does not make, so that who reaches whom
// knows nothing of them.
func strangeGroups(base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	// groups are those of a resource, by their resources where the program makes them; strange are the others.
	groups := func(g *graph.Graph, r *graph.Resource, path string) (all, strange []string) {
		key, _, _ := strings.Cut(path, ".")
		graph.Walk(key, r.Input(key), func(at string, v any) {
			if position.ReplaceAllString(at, "") != path || v == nil {
				return
			}
			if of := g.Resolve(v, "aws:ec2/securityGroup:SecurityGroup",
				"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"); of != nil && !of.Read {
				all = append(all, of.URN)
				return
			}
			all, strange = append(all, fmt.Sprint(v)), append(strange, fmt.Sprint(v))
		})
		return all, strange
	}
	var found []Danger
	for _, now := range head.Resources {
		old := base.Was(now)
		if now.Read {
			continue
		}
		for _, path := range grouped[now.Token] {
			is, come := groups(head, now, path)
			if old == nil {
				if len(come) > 0 {
					found = append(found, Danger{Kind: notJudged, Resource: now.String(),
						What: fmt.Sprintf("**%s** %s is created behind %s (%s): the program does not make these "+
							"security groups, and whom they let in is not known here.", now.Kind(), code(now.Name),
							strings.Join(few(without(come, nil)), ", "), code(path))})
				}
				continue
			}
			was, left := groups(base, old, path)
			var said []string
			for verb, list := range map[string][]string{"gets": without(come, was), "loses": without(left, is)} {
				if len(list) > 0 {
					said = append(said, verb+" "+strings.Join(few(list), ", "))
				}
			}
			slices.Sort(said)
			if len(said) > 0 {
				found = append(found, Danger{Kind: notJudged, Resource: now.String(),
					What: fmt.Sprintf("**%s** %s %s (%s): the program does not make these security groups, and whom "+
						"they let in is not known here.", now.Kind(), code(now.Name), strings.Join(said, " and "),
						code(path))})
			}
		}
	}
	return found
}

// openly takes whom nobody knows for everyone: what they may let through is not said to be gone.
func openly(flows []flow) []flow {
	all := slices.Clone(flows)
	for i := range all {
		all[i].from.unknown, all[i].to.unknown = false, false
	}
	return all
}

// openings tell who from outside reaches a place that did not.
func openings(newly []gap, before []flow, places map[string]bool) []Danger {
	var found []Danger
	seen := map[string]bool{}
	for _, g := range newly {
		list := strings.HasPrefix(g.from.name, "prefix list ")
		if !g.from.block.IsValid() && !list {
			continue
		}
		// All blocks of one opening are one sentence.
		on := portsOf(g.protocol, g.left)
		key := fmt.Sprint(g.from.world(), g.from.unknown, g.to, on, g.served)
		if seen[key] {
			continue
		}
		seen[key] = true
		var from []string
		six, four := false, false
		for _, o := range newly {
			if o.to == g.to && portsOf(o.protocol, o.left) == on && o.served == g.served &&
				(o.from.block.IsValid() || strings.HasPrefix(o.from.name, "prefix list ")) &&
				o.from.world() == g.from.world() && o.from.unknown == g.from.unknown {
				if text := o.from.shown(); !slices.Contains(from, text) {
					from = append(from, text)
				}
				six = six || o.from.world() && o.from.block.Addr().Is6()
				four = four || o.from.world() && o.from.block.Addr().Is4()
			}
		}
		who := "**Addresses outside** (" + strings.Join(few(from), ", ") + ")"
		switch {
		case g.from.unknown:
			who = "Anyone on the **internet** may now reach"
		case g.from.world():
			who = "Anyone on the **internet**"
			if six && !four {
				who += " can now, over IPv6, reach"
			} else {
				who += " can now reach"
			}
		default:
			who += " can now reach"
		}
		text := fmt.Sprintf("%s **%s** on %s", who, g.to.said(), on)
		if !g.served {
			text += ", where nothing is served"
		}
		var was []string
		for _, o := range before {
			if o.to == g.to && o.from.block.IsValid() && !o.from.covers(g.from, places) && g.from.covers(o.from,
				places) &&
				o.protocol == g.protocol && o.served == g.served && g.from.world() {
				if text := o.from.shown(); !slices.Contains(was, text) {
					was = append(was, text)
				}
			}
		}
		if g.from.unknown {
			text += ", because whom its security group lets in is not known here"
		}
		if len(was) > 0 {
			text += "; before, only " + strings.Join(few(was), ", ") + " could"
		}
		found = append(found, Danger{Kind: "open to the outside", What: text + "."})
	}
	return found
}

// ruleOpenings tell whom groups let in from outside that they did not, where what has them is not known or not
// reached.
func ruleOpenings(newly, told []gap) []Danger {
	var found []Danger
	for _, g := range newly {
		if !g.from.outside() {
			continue
		}
		known := slices.ContainsFunc(told, func(t gap) bool {
			return t.from.block == g.from.block && (g.from.block.IsValid() || t.from.name == g.from.name) &&
				t.protocol == g.protocol && slices.ContainsFunc(g.left,
				func(p graph.Ports) bool {
					return slices.ContainsFunc(t.left, func(q graph.Ports) bool {
						return p.From <= q.To &&
							q.From <= p.To
					})
				})
		})
		if known {
			continue
		}
		if g.from.unknown {
			// What is not known stands for both versions of the protocol.
			if g.from.block.Addr().Is4() {
				found = append(found, Danger{Kind: exposes, Resource: g.rule.String(),
					What: fmt.Sprintf("**%s** %s may let the whole internet in on %s, to whatever has its group: its "+
						"addresses, or its ports, are not known here.", g.rule.Kind(), code(g.rule.Name),
						portsOf(g.protocol, g.left))})
			}
			continue
		}
		who := "the whole internet"
		switch {
		case g.from.world() && g.from.block.Addr().Is6():
			who = "the whole internet over IPv6"
		case !g.from.world():
			who = g.from.shown()
		}
		found = append(found, Danger{Kind: exposes, Resource: g.rule.String(),
			What: fmt.Sprintf("**%s** %s lets %s in "+
				"on %s, to whatever has its group.", g.rule.Kind(), code(g.rule.Name), who,
				portsOf(g.protocol, g.left))})
	}
	return found
}

// stood are the security groups of head that base has as well, by the names of their ends.
func stood(base, head *graph.Graph) map[string]bool {
	found := map[string]bool{}
	for _, r := range head.ByType("aws:ec2/securityGroup:SecurityGroup",
		"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup") {
		if base != nil && base.Was(r) != nil {
			found[r.String()] = true
		}
	}
	return found
}

// furtherOut tells which groups newly let what has them reach the whole internet, of those that let it reach less
// before, or nobody.
func furtherOut(newly []gap, before []flow, stood map[string]bool) []Danger {
	var found []Danger
	told := map[string]bool{}
	for _, g := range newly {
		some := stood[g.from.name] || slices.ContainsFunc(before, func(f flow) bool { return f.from == g.from })
		on := portsOf(g.protocol, g.left)
		if !g.to.world() || g.to.unknown || !some || told[g.from.name+on] {
			continue
		}
		told[g.from.name+on] = true
		found = append(found, Danger{Kind: exposes, Resource: g.rule.String(),
			What: fmt.Sprintf("**%s** %s lets what has its group reach %s on %s: it was held to less.", g.rule.Kind(),
				code(g.rule.Name), g.to.shown(), on)})
	}
	return found
}

// ruleClosings tell what groups no longer let in or out, where no place of the stack is known that has them.
func ruleClosings(gone []gap, head *graph.Graph, carried map[string]bool) []Danger {
	type side struct{ group, way string }
	var order []side
	lost := map[side][]string{}
	add := func(s side, text string) {
		if lost[s] == nil {
			order = append(order, s)
		}
		lost[s] = append(lost[s], text)
	}
	stays := map[string]bool{}
	for _, r := range head.ByType("aws:ec2/securityGroup:SecurityGroup") {
		stays[r.String()] = true
	}
	for _, g := range gone {
		switch {
		case g.from.unknown && g.from.block.Addr().Is6(), g.to.unknown && g.to.block.Addr().Is6():
			// told of IPv4, as one
		case stays[g.to.name] && !carried[g.to.name]:
			add(side{g.to.name, "in"}, g.from.shown()+" on "+portsOf(g.protocol, g.left))
		case stays[g.from.name] && !carried[g.from.name]:
			add(side{g.from.name, "out"}, "to "+g.to.shown()+" on "+portsOf(g.protocol, g.left))
		}
	}
	var found []Danger
	for _, s := range order {
		kind, name, _ := strings.Cut(s.group, " ")
		text := fmt.Sprintf("**%s** %s no longer lets %s in", kind, code(name), strings.Join(few(lost[s]), ", "))
		if s.way == "out" {
			text = fmt.Sprintf("**%s** %s no longer lets what has it reach out %s", kind, code(name),
				strings.Join(few(lost[s]), ", "))
		}
		found = append(found, Danger{Kind: stops, Resource: s.group, What: text + "."})
	}
	return found
}
