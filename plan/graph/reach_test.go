package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

type in = graphtest.In

// network is a VPC with a public and a private subnet in which nothing stands yet. The private one has no way out.
func network(b *graphtest.Builder) {
	vpc := b.Add("ec2/vpc:Vpc", "vpc", in{"cidrBlock": "10.0.0.0/16"})
	b.Add("ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", in{"vpcId": vpc.ID})
	igw := b.Add("ec2/internetGateway:InternetGateway", "igw", in{"vpcId": vpc.ID})
	for name, cidr := range map[string]string{"public": "10.0.0.0/24", "private": "10.0.1.0/24"} {
		subnet := b.Add("ec2/subnet:Subnet", name, in{"vpcId": vpc.ID, "cidrBlock": cidr})
		table := b.Add("ec2/routeTable:RouteTable", name, in{"vpcId": vpc.ID})
		b.Add("ec2/routeTableAssociation:RouteTableAssociation", name, in{"subnetId": subnet.ID, "routeTableId": table.ID})
	}
	b.Add("ec2/route:Route", "public", in{"routeTableId": "routetable-public", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": igw.ID})
}

func group(b *graphtest.Builder, name string) string {
	return b.Add("ec2/securityGroup:SecurityGroup", name, in{"vpcId": "vpc-vpc", "description": name}).ID
}

func rule(b *graphtest.Builder, direction, of string, port int, peer in) {
	kind, name := "vpc/securityGroupIngressRule:SecurityGroupIngressRule", of+"-in"
	if direction == "egress" {
		kind, name = "vpc/securityGroupEgressRule:SecurityGroupEgressRule", of+"-out"
	}
	name = fmt.Sprint(name, port)
	inputs := in{"securityGroupId": "securitygroup-" + of, "ipProtocol": "tcp", "fromPort": port, "toPort": port}
	for k, v := range peer {
		name += "-" + v.(string)
		inputs[k] = v
	}
	b.Add(kind, name, inputs)
}

func instance(b *graphtest.Builder, name, subnet string, public bool) *graph.Resource {
	return b.Add("ec2/instance:Instance", name, in{
		"subnetId": "subnet-" + subnet, "vpcSecurityGroupIds": []string{group(b, name)}, "associatePublicIpAddress": public,
	})
}

func natGateway(b *graphtest.Builder) {
	eip := b.Add("ec2/eip:Eip", "nat", in{"domain": "vpc"})
	nat := b.Add("ec2/natGateway:NatGateway", "nat", in{"subnetId": "subnet-public", "allocationId": eip.ID})
	b.Add("ec2/route:Route", "private", in{"routeTableId": "routetable-private", "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.ID})
}

var (
	world = in{"cidrIpv4": "0.0.0.0/0"}
	from  = func(group string) in { return in{"referencedSecurityGroupId": "securitygroup-" + group} }
)

func TestReachability(t *testing.T) {
	cases := []struct {
		name  string
		build func(b *graphtest.Builder)
		want  string
	}{
		{
			name: "SSH open to the world on an instance with a public address",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "public", true)
				rule(b, "ingress", "jump", 22, world)
			},
			want: "internet jump tcp 22 internet gateway",
		},
		{
			name: "the same in a private subnet: no route",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "private", true)
				rule(b, "ingress", "jump", 22, world)
			},
		},
		{
			name: "the same without a public address",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "public", false)
				rule(b, "ingress", "jump", 22, world)
			},
		},
		{
			name: "an elastic address is a public one",
			build: func(b *graphtest.Builder) {
				jump := instance(b, "jump", "public", false)
				b.Add("ec2/eip:Eip", "jump", in{"instance": jump.ID})
				rule(b, "ingress", "jump", 22, in{"cidrIpv4": "203.0.113.0/24"})
				rule(b, "ingress", "jump", 22, in{"cidrIpv4": "198.51.100.7/32"})
			},
			want: "operators jump tcp 22 198.51.100.7/32 internet gateway; 203.0.113.0/24 internet gateway",
		},
		{
			name: "the subnet gives public addresses when the instance does not say",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "public", false)
				b.Set("ec2/instance:Instance", "jump", "associatePublicIpAddress", nil)
				b.Set("ec2/subnet:Subnet", "public", "mapPublicIpOnLaunch", true)
				rule(b, "ingress", "jump", 22, world)
			},
			want: "internet jump tcp 22 internet gateway",
		},
		{
			name: "a subnet without association uses the main route table",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "private", true)
				b.Remove("ec2/routeTableAssociation:RouteTableAssociation", "private")
				b.Add("ec2/defaultRouteTable:DefaultRouteTable", "main", in{"defaultRouteTableId": "vpc-vpc-default-table",
					"routes": []any{in{"cidrBlock": "0.0.0.0/0", "gatewayId": "internetgateway-igw"}}})
				rule(b, "ingress", "jump", 22, world)
			},
			want: "internet jump tcp 22 internet gateway",
		},
		{
			name: "an unknown peer is taken for everyone",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "public", true)
				b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "rule",
					in{"securityGroupId": "securitygroup-jump", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": graph.Unknown})
			},
			want: "internet jump tcp 22 addresses not known, internet gateway",
		},
		{
			name: "rules within the group count like those of their own",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "public", true)
				b.Set("ec2/securityGroup:SecurityGroup", "jump", "ingress", []any{in{"protocol": "tcp", "fromPort": 20, "toPort": 23, "cidrBlocks": []string{"0.0.0.0/0"}}})
			},
			want: "internet jump tcp 20-23 internet gateway",
		},
		{
			name: "the older rule resource as well",
			build: func(b *graphtest.Builder) {
				instance(b, "jump", "public", true)
				b.Add("ec2/securityGroupRule:SecurityGroupRule", "old", in{"type": "ingress", "securityGroupId": "securitygroup-jump",
					"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": []string{"0.0.0.0/0"}})
			},
			want: "internet jump all all internet gateway",
		},
		{
			name: "what names no group stands in the default one, which lets all out when the program does not close it",
			build: func(b *graphtest.Builder) {
				b.Remove("ec2/defaultSecurityGroup:DefaultSecurityGroup", "default")
				instance(b, "jump", "public", true)
				b.Set("ec2/instance:Instance", "jump", "vpcSecurityGroupIds", nil)
			},
			want: "jump internet all all internet gateway",
		},
		{
			name: "both ends allow",
			build: func(b *graphtest.Builder) {
				instance(b, "one", "public", false)
				instance(b, "two", "private", false)
				rule(b, "egress", "one", 3306, from("two"))
				rule(b, "ingress", "two", 3306, from("one"))
			},
			want: "one two tcp 3306 VPC",
		},
		{
			name: "missing egress",
			build: func(b *graphtest.Builder) {
				instance(b, "one", "public", false)
				instance(b, "two", "private", false)
				rule(b, "ingress", "two", 3306, from("one"))
			},
		},
		{
			name: "missing ingress",
			build: func(b *graphtest.Builder) {
				instance(b, "one", "public", false)
				instance(b, "two", "private", false)
				rule(b, "egress", "one", 3306, from("two"))
			},
		},
		{
			name: "different ports",
			build: func(b *graphtest.Builder) {
				instance(b, "one", "public", false)
				instance(b, "two", "private", false)
				rule(b, "egress", "one", 3306, from("two"))
				rule(b, "ingress", "two", 3307, from("one"))
			},
		},
		{
			name: "address blocks of subnets meet addresses, not groups",
			build: func(b *graphtest.Builder) {
				instance(b, "one", "public", false)
				instance(b, "two", "private", false)
				rule(b, "egress", "one", 443, in{"cidrIpv4": "10.0.1.0/24"})
				rule(b, "ingress", "two", 443, in{"cidrIpv4": "10.0.0.0/24"})
				rule(b, "ingress", "one", 443, in{"cidrIpv4": "10.0.1.0/24"})
			},
			want: "one two tcp 443 VPC",
		},
		{
			name: "another VPC is out of reach",
			build: func(b *graphtest.Builder) {
				other := b.Add("ec2/vpc:Vpc", "other", in{"cidrBlock": "10.0.0.0/16"})
				b.Add("ec2/subnet:Subnet", "other", in{"vpcId": other.ID, "cidrBlock": "10.0.1.0/24"})
				instance(b, "one", "public", false)
				instance(b, "two", "other", false)
				rule(b, "egress", "one", 3306, from("two"))
				rule(b, "ingress", "two", 3306, from("one"))
			},
		},
		{
			name: "out of a private subnet without a NAT",
			build: func(b *graphtest.Builder) {
				instance(b, "one", "private", false)
				rule(b, "egress", "one", 443, world)
			},
		},
		{
			name: "out through a NAT gateway",
			build: func(b *graphtest.Builder) {
				natGateway(b)
				instance(b, "one", "private", false)
				rule(b, "egress", "one", 443, world)
			},
			want: "nat internet all all internet gateway\none internet tcp 443 NAT gateway",
		},
		{
			name: "a NAT gateway in a private subnet leads nowhere",
			build: func(b *graphtest.Builder) {
				natGateway(b)
				b.Set("ec2/natGateway:NatGateway", "nat", "subnetId", "subnet-private")
				instance(b, "one", "private", false)
				rule(b, "egress", "one", 443, world)
			},
		},
		{
			name: "out through a NAT instance: its own rules hold too",
			build: func(b *graphtest.Builder) {
				nat := instance(b, "box", "public", true)
				b.Set("ec2/instance:Instance", "box", "sourceDestCheck", false)
				b.Add("ec2/route:Route", "private", in{"routeTableId": "routetable-private", "destinationCidrBlock": "0.0.0.0/0",
					"networkInterfaceId": nat.Output("primaryNetworkInterfaceId")})
				rule(b, "ingress", "box", 443, in{"cidrIpv4": "10.0.1.0/24"})
				rule(b, "egress", "box", 443, world)
				instance(b, "one", "private", false)
				rule(b, "egress", "one", 443, world)
				rule(b, "egress", "one", 80, world)
			},
			want: "nat internet tcp 443 internet gateway\none internet tcp 443 NAT instance\none nat tcp 443 VPC",
		},
		{
			name: "a NAT instance that drops what is not for it",
			build: func(b *graphtest.Builder) {
				nat := instance(b, "box", "public", true)
				b.Add("ec2/route:Route", "private", in{"routeTableId": "routetable-private", "destinationCidrBlock": "0.0.0.0/0",
					"networkInterfaceId": nat.Output("primaryNetworkInterfaceId")})
				rule(b, "ingress", "box", 443, in{"cidrIpv4": "10.0.1.0/24"})
				rule(b, "egress", "box", 443, world)
				instance(b, "one", "private", false)
				rule(b, "egress", "one", 443, world)
			},
			want: "nat internet tcp 443 internet gateway\none nat tcp 443 VPC",
		},
		{
			name: "gateway endpoint by prefix list, in tables that lead to it",
			build: func(b *graphtest.Builder) {
				endpoint := b.Add("ec2/vpcEndpoint:VpcEndpoint", "s3", in{"vpcId": "vpc-vpc", "serviceName": "com.amazonaws.eu-central-1.s3",
					"routeTableIds": []string{"routetable-private"}})
				instance(b, "one", "private", false)
				instance(b, "two", "public", false)
				for _, name := range []string{"one", "two"} {
					rule(b, "egress", name, 443, in{"prefixListId": endpoint.Output("prefixListId")})
				}
			},
			want: "one S3 tcp 443 gateway endpoint",
		},
		{
			name: "without the endpoint's route the same prefix list goes through the NAT",
			build: func(b *graphtest.Builder) {
				natGateway(b)
				b.Add("ec2/vpcEndpoint:VpcEndpoint", "s3", in{"vpcId": "vpc-vpc", "serviceName": "com.amazonaws.eu-central-1.s3"})
				instance(b, "one", "private", false)
				rule(b, "egress", "one", 443, in{"prefixListId": "vpcendpoint-s3-list"})
			},
			want: "nat internet all all internet gateway\none S3 tcp 443 NAT gateway",
		},
		{
			name: "a load balancer, its targets and what nothing serves",
			build: func(b *graphtest.Builder) {
				lb := b.Add("lb/loadBalancer:LoadBalancer", "lb", in{"subnets": []string{"subnet-public"}, "securityGroups": []string{group(b, "lb")}})
				tg := b.Add("lb/targetGroup:TargetGroup", "app", in{"port": 8080, "protocol": "HTTP"})
				b.Add("lb/listener:Listener", "https", in{"loadBalancerArn": lb.Output("arn"), "port": 443, "protocol": "HTTPS",
					"defaultActions": []any{in{"type": "forward", "targetGroupArn": tg.Output("arn")}}})
				template := b.Add("ec2/launchTemplate:LaunchTemplate", "app", in{"vpcSecurityGroupIds": []string{group(b, "app")}})
				b.Add("autoscaling/group:Group", "app", in{"vpcZoneIdentifiers": []string{"subnet-private"},
					"targetGroupArns": []any{tg.Output("arn")}, "launchTemplate": in{"id": template.ID, "version": "1"}})
				rule(b, "ingress", "lb", 443, world)
				rule(b, "ingress", "lb", 80, world)
				rule(b, "egress", "lb", 8080, from("app"))
				rule(b, "ingress", "app", 8080, from("lb"))
				rule(b, "ingress", "app", 22, world)
			},
			want: "internet load balancer tcp 443 internet gateway, listener HTTPS 443\n" +
				"internet load balancer tcp 80 internet gateway, nothing served\n" +
				"load balancer app tcp 8080 target group HTTP 8080",
		},
		{
			name: "an internal load balancer is not for the internet",
			build: func(b *graphtest.Builder) {
				b.Add("lb/loadBalancer:LoadBalancer", "lb", in{"internal": true, "subnets": []string{"subnet-public"}, "securityGroups": []string{group(b, "lb")}})
				rule(b, "ingress", "lb", 443, world)
			},
		},
		{
			name: "a database in its subnet group; IPv6 rules are not for IPv4",
			build: func(b *graphtest.Builder) {
				subnets := b.Add("rds/subnetGroup:SubnetGroup", "db", in{"name": "db-subnets", "subnetIds": []string{"subnet-private"}})
				b.Add("rds/instance:Instance", "db", in{"dbSubnetGroupName": subnets.Input("name"), "publiclyAccessible": false, "vpcSecurityGroupIds": []string{group(b, "db")}})
				instance(b, "one", "public", false)
				rule(b, "egress", "one", 3306, in{"cidrIpv6": "::/0"})
				rule(b, "egress", "one", 3307, from("db"))
				rule(b, "ingress", "db", 3306, in{"cidrIpv4": "10.0.0.0/16"})
				rule(b, "ingress", "db", 3307, from("one"))
			},
			want: "one database tcp 3307 VPC",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := graphtest.New(t)
			network(b)
			c.build(b)
			var got []string
			for _, r := range b.Graph().Reachability() {
				got = append(got, strings.Join([]string{r.From, r.To, r.Protocol, r.Ports, r.Via}, " "))
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestFormatReachability(t *testing.T) {
	got := graph.FormatReachability([]graph.Reach{{From: "internet", To: "load balancer", Protocol: "tcp", Ports: "443", Via: "internet gateway"}})
	want := "FROM      TO             PROTOCOL  PORTS  VIA\ninternet  load balancer  tcp       443    internet gateway\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
