package prices

import (
	"cmp"
	"strings"

	"dossier.example/plan/graph"
)

var networkRules = map[string]func(*biller, *graph.Resource){
	"aws:ec2/natGateway:NatGateway": func(b *biller, r *graph.Resource) { b.hourly(r, "NAT gateway", 1, "nat") },
	"aws:ec2/eip:Eip": func(b *biller, r *graph.Resource) {
		b.hourly(r, "public IPv4 address", 1, "ipv4")
	},
	"aws:ec2/vpcEndpoint:VpcEndpoint":   (*biller).endpoint,
	"aws:lb/loadBalancer:LoadBalancer":  (*biller).balancer,
	"aws:alb/loadBalancer:LoadBalancer": (*biller).balancer,
	"aws:elb/loadBalancer:LoadBalancer": func(b *biller, r *graph.Resource) {
		b.hourly(r, "Classic Load Balancer", 1, "lb/classic")
		b.balancerAddresses(r,
			max(len(graph.Items(r.Input("subnets"))), len(graph.Items(r.Input("availabilityZones")))))
	},
	"aws:ec2transitgateway/vpcAttachment:VpcAttachment": func(b *biller, r *graph.Resource) {
		b.hourly(r, "attachment of a transit gateway", 1, "tgw/attachment")
	},
	"aws:ec2/vpnConnection:VpnConnection": func(b *biller, r *graph.Resource) {
		b.hourly(r, "VPN connection", 1, "vpn/connection")
		if r.Input("transitGatewayId") != nil {
			b.hourly(r, "attachment of a transit gateway", 1, "tgw/vpn")
		}
	},
}

// endpoint: those of the kind Gateway, which is the default, cost nothing.
func (b *biller) endpoint(r *graph.Resource) {
	kind := cmp.Or(graph.Text(r.Input("vpcEndpointType")), "Gateway")
	switch kind {
	case "Gateway":
	case "Interface":
		b.hourly(r, "interface endpoint in a zone", float64(b.zones(r)), "endpoint/interface")
	case "GatewayLoadBalancer":
		b.hourly(r, "endpoint of kind GatewayLoadBalancer in a zone", float64(b.zones(r)),
			"endpoint/gatewayloadbalancer")
	default:
		b.unpriced(r, "an endpoint of kind "+kind)
	}
}

// zones is in how many zones an endpoint is: in those of its subnets, which may be resources of their own.
func (b *biller) zones(r *graph.Resource) int {
	n := max(len(graph.Items(r.Input("subnetIds"))), len(graph.Items(r.Input("subnetConfigurations"))))
	for _, a := range b.graph.ByType("aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation") {
		if b.graph.Refers(a.Input("vpcEndpointId"), r) {
			n++
		}
	}
	if n == 0 {
		b.unpriced(r, "an endpoint in subnets that are not known")
	}
	return n
}

func (b *biller) balancer(r *graph.Resource) {
	kind := cmp.Or(graph.Text(r.Input("loadBalancerType")), "application")
	names := map[string]string{"application": "load balancer", "network": "Network Load Balancer",
		"gateway": "Gateway Load Balancer"}
	if names[kind] == "" {
		b.unpriced(r, "a load balancer of kind "+kind)
		return
	}
	b.hourly(r, names[kind], 1, "lb/"+kind)
	zones := 0
	for _, mapping := range graph.Items(r.Input("subnetMappings")) {
		if graph.At(mapping, "allocationId") == nil { // an Elastic IP is a resource of its own
			zones++
		}
	}
	b.balancerAddresses(r, len(graph.Items(r.Input("subnets")))+zones)
}

// balancerAddresses adds the public addresses of a load balancer that is not internal.
func (b *biller) balancerAddresses(r *graph.Resource, zones int) {
	if !graph.Is(r.Input("internal"), true) && !strings.EqualFold(graph.Text(r.Input("loadBalancerType")), "gateway") {
		b.hourly(r, "public IPv4 address, at least one in each zone", float64(zones), "ipv4")
	}
}
