package graph

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The types that Reachability and SecurityRules read.
const (
	tokenVPC                  = "aws:ec2/vpc:Vpc"
	tokenSubnet               = "aws:ec2/subnet:Subnet"
	tokenRouteTable           = "aws:ec2/routeTable:RouteTable"
	tokenDefaultRouteTable    = "aws:ec2/defaultRouteTable:DefaultRouteTable"
	tokenRoute                = "aws:ec2/route:Route"
	tokenTableAssociation     = "aws:ec2/routeTableAssociation:RouteTableAssociation"
	tokenMainTableAssociation = "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation"
	tokenNATGateway           = "aws:ec2/natGateway:NatGateway"
	tokenEIP                  = "aws:ec2/eip:Eip"
	tokenEIPAssociation       = "aws:ec2/eipAssociation:EipAssociation"
	tokenInstance             = "aws:ec2/instance:Instance"
	tokenInterface            = "aws:ec2/networkInterface:NetworkInterface"
	tokenInterfaceAttachment  = "aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment"
	tokenLaunchTemplate       = "aws:ec2/launchTemplate:LaunchTemplate"
	tokenGroup                = "aws:autoscaling/group:Group"
	tokenGroupAttachment      = "aws:autoscaling/attachment:Attachment"
	tokenSecurityGroup        = "aws:ec2/securityGroup:SecurityGroup"
	tokenDefaultSecurityGroup = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
	tokenIngressRule          = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	tokenEgressRule           = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	tokenOldRule              = "aws:ec2/securityGroupRule:SecurityGroupRule"
	tokenEndpoint             = "aws:ec2/vpcEndpoint:VpcEndpoint"
	tokenEndpointAssociation  = "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation"
	tokenLoadBalancer         = "aws:lb/loadBalancer:LoadBalancer"
	tokenListener             = "aws:lb/listener:Listener"
	tokenListenerRule         = "aws:lb/listenerRule:ListenerRule"
	tokenTargetGroup          = "aws:lb/targetGroup:TargetGroup"
	tokenTargetAttachment     = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
	tokenDatabase             = "aws:rds/instance:Instance"
	tokenSubnetGroup          = "aws:rds/subnetGroup:SubnetGroup"
)

// Direction is which way a rule of a security group lets traffic through.
type Direction string

// Ingress is into what carries the group, Egress out of it.
const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// Ports are those that a rule allows, or all of them.
type Ports struct{ From, To int }

// AllPorts is every port of a protocol that has ports.
var AllPorts = Ports{0, 65535}

func (p Ports) String() string {
	switch {
	case p == AllPorts:
		return "all"
	case p.From == p.To:
		return strconv.Itoa(p.From)
	}
	return strconv.Itoa(p.From) + "-" + strconv.Itoa(p.To)
}

// Contains reports whether the port is among them.
func (p Ports) Contains(port int) bool { return p.From <= port && port <= p.To }

func (p Ports) intersect(q Ports) (Ports, bool) {
	both := Ports{max(p.From, q.From), min(p.To, q.To)}
	return both, both.From <= both.To
}

// SecurityRule is one rule of a security group, in whichever of the three ways it is written: as a resource of its own,
// in the older form of one, or within the group. Exactly one of CIDR, Group and PrefixList is set, unless Opaque is.
type SecurityRule struct {
	// Resource is where the rule is written; Of is the id of the group that it belongs to.
	Resource  *Resource
	Of        string
	Direction Direction
	// Protocol is tcp, udp, icmp, icmpv6, all, or a protocol's number. Ports are AllPorts where the protocol has none.
	Protocol string
	Ports    Ports
	// The peer: an address block, the id of a security group or of a prefix list.
	CIDR       netip.Prefix
	Group      string
	PrefixList string
	// Opaque tells that the peer, the protocol or a port is not known, or not what AWS allows: the rule may let
	// anything through.
	Opaque      bool
	Description string
}

// World reports whether the peer is every address of the internet, or may be.
func (r SecurityRule) World() bool { return r.Opaque || r.CIDR.IsValid() && r.CIDR.Bits() == 0 }

// Allows reports whether the rule lets that TCP port through.
func (r SecurityRule) Allows(port int) bool {
	return r.Opaque || (r.Protocol == "all" || r.Protocol == "tcp") && r.Ports.Contains(port)
}

// SecurityRules are the rules of all security groups, sorted by group, direction and what they allow. Those that the
// program only reads are others'.
func (g *Graph) SecurityRules() []SecurityRule {
	made := func(tokens ...string) []*Resource {
		return slices.DeleteFunc(g.ByType(tokens...), func(r *Resource) bool { return r.Read })
	}
	var rules []SecurityRule
	for _, r := range made(tokenIngressRule, tokenEgressRule) {
		rule := SecurityRule{Resource: r, Of: Text(r.Input("securityGroupId")), Direction: Ingress, Description: Text(r.Input("description"))}
		if r.Token == tokenEgressRule {
			rule.Direction = Egress
		}
		rule.protocol(r.Input("ipProtocol"), r.Input("fromPort"), r.Input("toPort"))
		rules = append(rules, rule.withPeers(peers{
			cidrs:  []any{r.Input("cidrIpv4"), r.Input("cidrIpv6")},
			groups: []any{r.Input("referencedSecurityGroupId")},
			lists:  []any{r.Input("prefixListId")},
		})...)
	}
	for _, r := range made(tokenOldRule) {
		rule := SecurityRule{Resource: r, Of: Text(r.Input("securityGroupId")), Direction: Direction(Text(r.Input("type"))), Description: Text(r.Input("description"))}
		rule.protocol(r.Input("protocol"), r.Input("fromPort"), r.Input("toPort"))
		rules = append(rules, rule.withPeers(inlinePeers(r.Inputs, "sourceSecurityGroupId", rule.Of))...)
	}
	for _, r := range made(tokenSecurityGroup, tokenDefaultSecurityGroup) {
		for _, direction := range []Direction{Ingress, Egress} {
			v := r.Input(string(direction))
			if mark, is := v.(Mark); is {
				v = []any{mark}
			}
			for _, inline := range Items(v) {
				rule := SecurityRule{Resource: r, Of: r.ID, Direction: direction, Description: Text(at(inline, "description"))}
				rule.protocol(at(inline, "protocol"), at(inline, "fromPort"), at(inline, "toPort"))
				m, _ := inline.(map[string]any)
				rules = append(rules, rule.withPeers(inlinePeers(m, "securityGroups", rule.Of))...)
			}
		}
	}
	for i := range rules {
		rules[i].Of, rules[i].Group = g.groupID(rules[i].Of), g.groupID(rules[i].Group)
	}
	slices.SortStableFunc(rules, func(a, b SecurityRule) int {
		return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Resource.URN, b.Resource.URN),
			cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Ports.From, b.Ports.From), cmp.Compare(a.peer(), b.peer()))
	})
	return rules
}

func (r SecurityRule) peer() string {
	if r.CIDR.IsValid() {
		return r.CIDR.String()
	}
	return r.Group + r.PrefixList
}

// protocol reads protocol and ports. "-1" is every protocol, and then ports have no meaning.
func (r *SecurityRule) protocol(protocol, from, to any) {
	r.Protocol, r.Ports = strings.ToLower(Text(protocol)), AllPorts
	switch r.Protocol {
	case "-1", "all":
		r.Protocol = "all"
		return
	case "6":
		r.Protocol = "tcp"
	case "17":
		r.Protocol = "udp"
	case "1", "icmp":
		r.Protocol = "icmp"
		return
	case "58", "icmpv6":
		r.Protocol = "icmpv6"
		return
	case "":
		r.Protocol, r.Opaque = "all", true
		return
	}
	if r.Protocol != "tcp" && r.Protocol != "udp" {
		return
	}
	first, okFrom := Number(from)
	last, okTo := Number(to)
	if !okFrom || !okTo || first < 0 || last > 65535 || first > last {
		r.Opaque = true
		return
	}
	r.Ports = Ports{int(first), int(last)}
}

type peers struct{ cidrs, groups, lists []any }

// inlinePeers reads the peers as rules within a group and the older resource name them.
func inlinePeers(m map[string]any, groupsKey, self string) peers {
	list := func(key string) []any {
		switch v := m[key].(type) {
		case nil:
			return nil
		case []any:
			return v
		default:
			return []any{v}
		}
	}
	p := peers{cidrs: append(list("cidrBlocks"), list("ipv6CidrBlocks")...), groups: list(groupsKey), lists: list("prefixListIds")}
	if Is(m["self"], true) {
		p.groups = append(p.groups, self)
	}
	return p
}

// withPeers makes a rule for each peer. A peer that is unknown, or none at all, makes the rule opaque: it is taken to
// allow everyone.
func (r SecurityRule) withPeers(p peers) []SecurityRule {
	var rules []SecurityRule
	for _, v := range p.cidrs {
		if v == nil {
			continue
		}
		rule := r
		prefix, err := netip.ParsePrefix(Text(v))
		rule.CIDR = prefix.Masked()
		rule.Opaque = rule.Opaque || err != nil
		rules = append(rules, rule)
	}
	named := func(peers []any, name func(*SecurityRule) *string) {
		for _, v := range peers {
			if v == nil {
				continue
			}
			rule := r
			*name(&rule) = Text(v)
			rule.Opaque = rule.Opaque || *name(&rule) == ""
			rules = append(rules, rule)
		}
	}
	named(p.groups, func(rule *SecurityRule) *string { return &rule.Group })
	named(p.lists, func(rule *SecurityRule) *string { return &rule.PrefixList })
	if len(rules) == 0 {
		r.Opaque = true
		rules = append(rules, r)
	}
	return rules
}
