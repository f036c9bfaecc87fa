package graph

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Kind is what stands at a Place.
type Kind string

// The kinds of places.
const (
	KindLoadBalancer Kind = "load balancer"
	KindGroup        Kind = "app"
	KindInstance     Kind = "instance"
	KindNAT          Kind = "nat"
	KindDatabase     Kind = "database"
	KindEndpoint     Kind = "endpoint"
)

// Place is something in a VPC that opens connections or takes them.
type Place struct {
	// Name is how tables call it: the kind where there is one of it, an instance by the component that it belongs to,
	// without the project's name before it, NATs by their kind however many there are.
	Name     string
	Kind     Kind
	Resource *Resource
	// Subnets are those that it may stand in, sorted by URN; Groups are the ids of its security groups. A NAT gateway
	// has none.
	Subnets []*Resource
	Groups  []string
	// PublicIP reports whether it is given a public IPv4 address.
	PublicIP bool
}

// Places are everything in the graph that opens connections or takes them, sorted by name and URN.
func (g *Graph) Places() []Place {
	nats := g.natInstances()
	var places []Place
	for _, r := range g.ByType(tokenLoadBalancer) {
		refs := Texts(r.Input("subnets"))
		for _, mapping := range Items(r.Input("subnetMappings")) {
			refs = append(refs, Text(at(mapping, "subnetId")))
		}
		places = append(places, Place{Kind: KindLoadBalancer, Resource: r, Subnets: g.subnets(refs), Groups: Texts(r.Input("securityGroups")),
			PublicIP: !Is(r.Input("internal"), true)})
	}
	for _, r := range g.ByType(tokenGroup) {
		p := Place{Kind: KindGroup, Resource: r, Subnets: g.subnets(Texts(r.Input("vpcZoneIdentifiers")))}
		p.PublicIP = slices.ContainsFunc(p.Subnets, mapsPublicIP)
		if template := g.LaunchTemplate(r); template != nil {
			p.Groups = Texts(template.Input("vpcSecurityGroupIds"))
			for _, ni := range Items(template.Input("networkInterfaces")) {
				p.Groups = append(p.Groups, Texts(at(ni, "securityGroups"))...)
				if associate := at(ni, "associatePublicIpAddress"); associate != nil {
					p.PublicIP = !Is(associate, false)
				}
			}
		}
		places = append(places, p)
	}
	for _, r := range g.ByType(tokenInstance) {
		p := Place{Kind: KindInstance, Resource: r}
		if slices.Contains(nats, r) {
			p.Kind = KindNAT
		}
		if interfaces := g.interfacesOf(r); len(interfaces) > 0 {
			for _, ni := range interfaces {
				p.Subnets = append(p.Subnets, g.subnets([]string{Text(ni.Input("subnetId"))})...)
				p.Groups = append(p.Groups, Texts(ni.Input("securityGroups"))...)
				p.PublicIP = p.PublicIP || g.hasEIP(ni)
			}
		} else {
			p.Subnets = g.subnets([]string{Text(r.Input("subnetId"))})
			p.Groups = Texts(r.Input("vpcSecurityGroupIds"))
			if associate := r.Input("associatePublicIpAddress"); associate != nil {
				p.PublicIP = !Is(associate, false)
			} else {
				p.PublicIP = slices.ContainsFunc(p.Subnets, mapsPublicIP)
			}
		}
		p.PublicIP = p.PublicIP || g.hasEIP(r)
		places = append(places, p)
	}
	for _, r := range g.ByType(tokenNATGateway) {
		places = append(places, Place{Kind: KindNAT, Resource: r, Subnets: g.subnets([]string{Text(r.Input("subnetId"))}),
			PublicIP: Text(r.Input("connectivityType")) != "private" && r.Input("allocationId") != nil})
	}
	for _, r := range g.ByType(tokenDatabase) {
		var refs []string
		if group := g.Resolve(r.Input("dbSubnetGroupName"), tokenSubnetGroup); group != nil {
			refs = Texts(group.Input("subnetIds"))
		}
		places = append(places, Place{Kind: KindDatabase, Resource: r, Subnets: g.subnets(refs), Groups: Texts(r.Input("vpcSecurityGroupIds")),
			PublicIP: r.Input("publiclyAccessible") != nil && !Is(r.Input("publiclyAccessible"), false)})
	}
	for _, r := range g.ByType(tokenEndpoint) {
		if Text(r.Input("vpcEndpointType")) == "Interface" {
			places = append(places, Place{Kind: KindEndpoint, Resource: r, Subnets: g.subnets(Texts(r.Input("subnetIds"))), Groups: Texts(r.Input("securityGroupIds"))})
		}
	}
	g.nameAll(places)
	for i := range places {
		p := &places[i]
		for i, id := range p.Groups {
			p.Groups[i] = g.groupID(id)
		}
		slices.Sort(p.Groups)
		p.Groups = slices.Compact(p.Groups)
		// AWS puts what names no group into the default one of its VPC.
		if natGateway := p.Resource.Token == tokenNATGateway; len(p.Groups) == 0 && !natGateway && len(p.Subnets) > 0 {
			if vpc := g.Resolve(p.Subnets[0].Input("vpcId"), tokenVPC); vpc != nil {
				if id := Text(vpc.Output("defaultSecurityGroupId")); id != "" {
					p.Groups = []string{id}
				}
			}
		}
	}
	slices.SortFunc(places, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Resource.URN, b.Resource.URN))
	})
	return places
}

func (g *Graph) nameAll(places []Place) {
	count := map[string]int{}
	for i := range places {
		p := &places[i]
		p.Name = string(p.Kind)
		if p.Kind == KindInstance {
			p.Name = p.Resource.Name
			if parent := g.ParentOf(p.Resource); parent != nil {
				p.Name = parent.Name
			}
			p.Name = strings.TrimPrefix(p.Name, g.Project+"-")
			if outsider(p.Name) {
				p.Name = string(p.Kind) + " " + p.Name
			}
		}
		count[p.Name]++
	}
	for i := range places {
		p := &places[i]
		if p.Kind != KindNAT && count[p.Name] > 1 {
			p.Name += " " + p.Resource.Name
		}
	}
	same := map[string][]*Place{}
	for i := range places {
		if p := &places[i]; p.Kind != KindNAT {
			same[p.Name] = append(same[p.Name], p)
		}
	}
	for _, all := range same {
		if len(all) == 1 {
			continue
		}
		slices.SortFunc(all, func(a, b *Place) int { return cmp.Compare(a.Resource.URN, b.Resource.URN) })
		for i, p := range all {
			p.Name += fmt.Sprintf(" (%d of %d)", i+1, len(all))
		}
	}
}

// outsider reports whether tables give a name to what stands outside the network, or to NATs.
func outsider(name string) bool {
	return slices.Contains([]string{Internet, Operators, string(KindNAT), "s3", "dynamodb"}, name) ||
		strings.HasPrefix(name, prefixList)
}

func mapsPublicIP(subnet *Resource) bool {
	v := subnet.Input("mapPublicIpOnLaunch")
	return v != nil && !Is(v, false)
}

// subnets resolves ids of subnets, sorted by URN.
func (g *Graph) subnets(ids []string) []*Resource {
	var found []*Resource
	for _, id := range ids {
		if s := g.Resolve(id, tokenSubnet); s != nil {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *Resource) int { return cmp.Compare(a.URN, b.URN) })
	return slices.Compact(found)
}

// LaunchTemplate is the launch template that an Auto Scaling group starts its instances from, or nil.
func (g *Graph) LaunchTemplate(group *Resource) *Resource {
	for _, path := range []string{
		"launchTemplate.id", "launchTemplate.name",
		"mixedInstancesPolicy.launchTemplate.launchTemplateSpecification.launchTemplateId",
		"mixedInstancesPolicy.launchTemplate.launchTemplateSpecification.launchTemplateName",
	} {
		if t := g.Resolve(group.Input(path), tokenLaunchTemplate); t != nil {
			return t
		}
	}
	return nil
}

// interfacesOf are the network interfaces that are resources of their own and belong to the instance.
func (g *Graph) interfacesOf(instance *Resource) []*Resource {
	var found []*Resource
	for _, ni := range Items(instance.Input("networkInterfaces")) {
		if r := g.Resolve(at(ni, "networkInterfaceId"), tokenInterface); r != nil {
			found = append(found, r)
		}
	}
	for _, a := range g.ByType(tokenInterfaceAttachment) {
		if g.Refers(a.Input("instanceId"), instance) {
			if r := g.Resolve(a.Input("networkInterfaceId"), tokenInterface); r != nil {
				found = append(found, r)
			}
		}
	}
	for _, r := range g.ByType(tokenInterface) {
		for _, a := range Items(r.Input("attachments")) {
			if g.Refers(at(a, "instance"), instance) {
				found = append(found, r)
			}
		}
	}
	return found
}

func (g *Graph) hasEIP(r *Resource) bool {
	return slices.ContainsFunc(g.ByType(tokenEIP), func(e *Resource) bool {
		return g.Refers(e.Input("instance"), r) || g.Refers(e.Input("networkInterface"), r)
	}) || slices.ContainsFunc(g.ByType(tokenEIPAssociation), func(a *Resource) bool {
		return g.Refers(a.Input("instanceId"), r) || g.Refers(a.Input("networkInterfaceId"), r)
	})
}

// natInstances are the instances that a route leads to.
func (g *Graph) natInstances() []*Resource {
	var found []*Resource
	for _, r := range g.allRoutes() {
		if r.instance != nil && !slices.Contains(found, r.instance) {
			found = append(found, r.instance)
		}
	}
	return found
}

// route is one way out of a subnet.
type route struct {
	table       string // id of the route table
	destination netip.Prefix
	// The target: one of these. A target that is in no way known leaves all nil, and name tells it.
	internet bool
	outbound bool // an egress-only internet gateway
	gateway  *Resource
	instance *Resource
	name     string
}

// allRoutes are the routes of all tables but the local one, which every table has, and those of gateway endpoints.
func (g *Graph) allRoutes() []route {
	var routes []route
	add := func(table string, m map[string]any, cidr, cidr6 string) {
		for _, key := range []string{cidr, cidr6} {
			prefix, err := netip.ParsePrefix(Text(m[key]))
			if err != nil {
				continue
			}
			r := route{table: table, destination: prefix.Masked()}
			g.target(&r, m)
			if r.name != "local" {
				routes = append(routes, r)
			}
		}
	}
	for _, r := range g.ByType(tokenRoute) {
		if table := g.tableID(r.Input("routeTableId")); table != "" {
			add(table, r.Inputs, "destinationCidrBlock", "destinationIpv6CidrBlock")
		}
	}
	for _, t := range g.ByType(tokenRouteTable, tokenDefaultRouteTable) {
		table := t.ID
		if t.Token == tokenDefaultRouteTable {
			table = g.tableID(t.Input("defaultRouteTableId"))
		}
		for _, inline := range Items(t.Input("routes")) {
			if m, is := inline.(map[string]any); is {
				add(table, m, "cidrBlock", "ipv6CidrBlock")
			}
		}
	}
	return routes
}

// tableID is the id of the route table that a value names: the default table of a VPC goes by the id that the VPC
// tells.
func (g *Graph) tableID(v any) string {
	if t := g.Resolve(v, tokenRouteTable); t != nil {
		return t.ID
	}
	if t := g.Resolve(v, tokenDefaultRouteTable); t != nil {
		return Text(t.Input("defaultRouteTableId"))
	}
	return Text(v)
}

// groupID is the id of a security group that a value names. The default group of a VPC has one id on AWS, whether it is
// asked of the VPC or of the resource that takes charge of it; a model may give two.
func (g *Graph) groupID(id string) string {
	if r := g.ByID(tokenDefaultSecurityGroup, id); r != nil {
		if vpc := g.Resolve(r.Input("vpcId"), tokenVPC); vpc != nil && Text(vpc.Output("defaultSecurityGroupId")) != "" {
			return Text(vpc.Output("defaultSecurityGroupId"))
		}
	}
	return id
}

func (g *Graph) target(r *route, m map[string]any) {
	if v := m["natGatewayId"]; v != nil {
		r.gateway = g.Resolve(v, tokenNATGateway)
		r.name = "NAT gateway"
		return
	}
	if v := m["egressOnlyGatewayId"]; v != nil {
		r.outbound, r.name = true, "egress-only internet gateway"
		return
	}
	if v := m["gatewayId"]; v != nil {
		switch {
		case v == "local":
			r.name = "local"
		case g.Resolve(v, "aws:ec2/vpnGateway:VpnGateway") != nil:
			r.name = "VPN gateway"
		default:
			// A gateway that the graph does not know is taken for one to the internet, which is the open case.
			r.internet, r.name = true, "internet gateway"
		}
		return
	}
	for _, key := range []string{"networkInterfaceId", "instanceId"} {
		v := m[key]
		if v == nil {
			continue
		}
		r.name = "NAT instance"
		r.instance = g.Resolve(v, tokenInstance)
		if ni := g.Resolve(v, tokenInterface); ni != nil {
			for _, instance := range g.ByType(tokenInstance) {
				if slices.Contains(g.interfacesOf(instance), ni) {
					r.instance = instance
				}
			}
		}
		return
	}
	r.name = "another network"
}

// tableOf is the id of the route table of a subnet: the one associated, else the main one of its VPC.
func (g *Graph) tableOf(subnet *Resource) string {
	for _, a := range g.ByType(tokenTableAssociation) {
		if g.Refers(a.Input("subnetId"), subnet) {
			return g.tableID(a.Input("routeTableId"))
		}
	}
	vpc := g.Resolve(subnet.Input("vpcId"), tokenVPC)
	if vpc == nil {
		return ""
	}
	for _, a := range g.ByType(tokenMainTableAssociation) {
		if g.Refers(a.Input("vpcId"), vpc) {
			return g.tableID(a.Input("routeTableId"))
		}
	}
	return Text(vpc.Output("defaultRouteTableId"))
}

// Public reports whether a route leads from the subnet to an internet gateway: what makes a subnet a public one.
func (g *Graph) Public(subnet *Resource) bool {
	table := g.tableOf(subnet)
	return slices.ContainsFunc(g.allRoutes(), func(r route) bool { return r.table == table && r.internet })
}

// gatewayEndpoint is a gateway endpoint of a VPC: what it leads to, its prefix list and the route tables that lead to
// it.
type gatewayEndpoint struct {
	service    string
	prefixList string
	tables     []string
}

func (g *Graph) gatewayEndpoints() []gatewayEndpoint {
	var endpoints []gatewayEndpoint
	for _, r := range g.ByType(tokenEndpoint) {
		if kind := Text(r.Input("vpcEndpointType")); kind != "" && kind != "Gateway" {
			continue
		}
		e := gatewayEndpoint{prefixList: Text(r.Output("prefixListId"))}
		name := Text(r.Input("serviceName"))
		e.service = name[strings.LastIndexByte(name, '.')+1:]
		switch e.service {
		case "s3":
			e.service = "S3"
		case "dynamodb":
			e.service = "DynamoDB"
		}
		for _, v := range Items(r.Input("routeTableIds")) {
			e.tables = append(e.tables, g.tableID(v))
		}
		for _, a := range g.ByType(tokenEndpointAssociation) {
			if g.Refers(a.Input("vpcEndpointId"), r) {
				e.tables = append(e.tables, g.tableID(a.Input("routeTableId")))
			}
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}
