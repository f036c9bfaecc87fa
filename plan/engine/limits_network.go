package engine

import (
	"net/netip"

	"dossier.example/plan/internal/awsmodel"
)

// block reads a block of addresses. One whose address is not its first is refused by the provider, in
// internal/verify/validate.go of hashicorp/terraform-provider-aws; EC2 itself would change it
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html).
func block(l look, key string) (netip.Prefix, bool) {
	v, known := l.text(key)
	if !known {
		return netip.Prefix{}, false
	}
	prefix, err := netip.ParsePrefix(v)
	switch {
	case err != nil:
		l.refuse(key, "is %q, and has to be a block of addresses such as 10.0.0.0/16", v)
		return prefix, false
	case prefix != prefix.Masked():
		l.refuse(key, "is %s: its first address is %s", v, prefix.Masked())
		return prefix, false
	}
	return prefix, true
}

// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
func limitVPC(l look) {
	if b, known := block(l, "cidrBlock"); known && (!b.Addr().Is4() || b.Bits() < 16 || b.Bits() > 28) {
		l.refuse("cidrBlock", "is %s, and has to be a /16 to /28", b)
	}
	l.oneOf("instanceTenancy", "default", "dedicated")
}

// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
func limitSubnet(l look) {
	l.required("cidrBlock")
	if b, known := block(l, "cidrBlock"); known && (b.Bits() < 16 || b.Bits() > 28) {
		l.refuse("cidrBlock", "is %s, and has to be a /16 to /28", b)
	}
	l.exclusive("availabilityZone", "availabilityZoneId")
}

// describes bounds the descriptions of groups and rules:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html.
func describes(l look) {
	l.length("description", 0, 255)
	l.match("description", `^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*$`, "of a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*")
}

// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/vpc_security_group_ingress_rule: not
// both.
func limitSecurityGroup(l look) {
	describes(l)
	if len(l.list("ingress"))+len(l.list("egress")) > 0 {
		l.refuse("ingress", "and egress within a group fight with rules that are resources of their own")
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
func limitGroupRule(l look) {
	describes(l)
	ends := []string{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"}
	l.exclusive(ends...)
	any := false
	for _, end := range ends {
		any = any || l.given(end)
	}
	if !any {
		l.refuse("cidrIpv4", "or another end is required: cidrIpv6, prefixListId, referencedSecurityGroupId")
	}
	block(l, "cidrIpv4")
	protocol, known := l.text("ipProtocol")
	if known && protocol == "-1" {
		if l.given("fromPort") || l.given("toPort") {
			l.refuse("fromPort", "and toPort do not go with all protocols")
		}
		return
	}
	l.required("fromPort", "toPort")
	l.between("fromPort", -1, 65535)
	l.between("toPort", -1, 65535)
	from, one := l.number("fromPort")
	to, two := l.number("toPort")
	if one && two && from > to {
		l.refuse("fromPort", "is %v, above toPort, %v", from, to)
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
func limitRoute(l look) {
	block(l, "destinationCidrBlock")
	targets := []string{"gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcPeeringConnectionId", "vpcEndpointId", "egressOnlyGatewayId"}
	l.exclusive(targets...)
	l.exclusive("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
	for _, target := range targets {
		if l.given(target) {
			return
		}
	}
	l.refuse("gatewayId", "or another target is required")
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html
func limitNAT(l look) {
	kind, known := l.text("connectivityType")
	if !known {
		kind = "public"
	}
	if kind == "public" {
		l.required("allocationId")
	}
	l.oneOf("connectivityType", "public", "private")
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
func limitEndpoint(l look) {
	l.oneOf("vpcEndpointType", "Gateway", "Interface", "GatewayLoadBalancer")
	kind, known := l.text("vpcEndpointType")
	if known && kind != "Gateway" && l.given("routeTableIds") {
		l.refuse("routeTableIds", "is for endpoints of type Gateway")
	}
	service, known := l.text("serviceName")
	if known && kind == "Gateway" && service != "com.amazonaws."+awsmodel.Region+".s3" && service != "com.amazonaws."+awsmodel.Region+".dynamodb" {
		l.refuse("serviceName", "is %q: gateway endpoints are there for S3 and DynamoDB of the region", service)
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
func limitFlowLog(l look) {
	l.exclusive("vpcId", "subnetId", "eniId", "transitGatewayId")
	if n, known := l.number("maxAggregationInterval"); known && n != 60 && n != 600 {
		l.refuse("maxAggregationInterval", "is %v, and has to be 60 or 600", n)
	}
	if !l.given("eniId") && !l.given("transitGatewayId") {
		l.required("trafficType")
	}
	l.oneOf("trafficType", "ACCEPT", "REJECT", "ALL")
	if kind, _ := l.text("logDestinationType"); kind == "cloud-watch-logs" {
		l.required("iamRoleArn", "logDestination")
	}
}
