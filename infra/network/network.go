// Package network builds the ground that everything stands on: the VPC with its subnets, the ways in and out of it, the record of what
// flows, and the security groups, which say who may reach whom. main.go imports it.
package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/iam"
	"dossier.example/infra/settings"
)

// Args is what a Network is built from.
type Args struct {
	// Prefix begins the Name tags, and Path the names of log groups: dossier-<stack> and /dossier/<stack>.
	Prefix, Path string
	// Account is the AWS account's id.
	Account string
	// CIDR is the block of the VPC, a /24 or larger.
	CIDR netip.Prefix
	// Zones is the number of availability zones, each with a public and a private subnet.
	Zones int
	// NAT is the way from private subnets to the internet; the other two are for settings.NATInstance only.
	NAT             settings.NAT
	NATInstanceType string
	NATUserData     string
	// Image is the AMI of a NAT instance. Newest tells that nobody named it: it is the newest of today, and tomorrow's is no change.
	Image  string
	Newest bool
	// LogDays is the retention of the flow logs.
	LogDays int
	// AppPort is where the app listens.
	AppPort int
	// HTTPS tells whether browsers come by HTTPS too.
	HTTPS bool
	// Operators may reach the jump server by SSH.
	Operators []netip.Prefix
}

// Network is the VPC and what is in it.
type Network struct {
	pulumi.ResourceState

	VPC *ec2.Vpc
	// Public and Private are the subnets, by zone.
	Public, Private []*ec2.Subnet
	// PublicBlocks are the public subnets' address blocks, from which the load balancer speaks to the app.
	PublicBlocks []netip.Prefix
	Groups       Groups
	// Ready is what has to be there before an instance in a private subnet can reach AWS.
	Ready []pulumi.Resource
}

// New builds a Network.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Network, error) {
	n := &Network{}
	if err := ctx.RegisterComponentResource("dossier:network:Network", name, n, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(n)
	tags := func(what string) pulumi.StringMap {
		return pulumi.StringMap{"Name": pulumi.String(args.Prefix + "-" + what)}
	}

	public, private, err := subnetBlocks(args.CIDR, args.Zones)
	if err != nil {
		return nil, err
	}
	n.PublicBlocks = public
	// Local zones and wavelength zones are left out: they have neither NAT gateways nor RDS.
	zones, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		State:   pulumi.StringRef("available"),
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("reading the region's availability zones: %w", err)
	}
	if len(zones.Names) < args.Zones {
		return nil, fmt.Errorf("network.zones is %d, but the region %s has %d availability zones", args.Zones, zones.Id, len(zones.Names))
	}

	n.VPC, err = ec2.NewVpc(ctx, name, &ec2.VpcArgs{
		CidrBlock: pulumi.String(args.CIDR.String()), EnableDnsSupport: pulumi.Bool(true), EnableDnsHostnames: pulumi.Bool(true), Tags: tags("vpc"),
	}, parent)
	if err != nil {
		return nil, err
	}
	// The group that AWS makes with every VPC lets its members talk to each other. Nothing is in it, and it allows nothing.
	if _, err := ec2.NewDefaultSecurityGroup(ctx, name+"-default", &ec2.DefaultSecurityGroupArgs{VpcId: n.VPC.ID(), Tags: tags("default-closed")}, parent); err != nil {
		return nil, err
	}
	if n.Groups, err = newGroups(ctx, name, n.VPC, args, parent); err != nil {
		return nil, err
	}
	gateway, err := ec2.NewInternetGateway(ctx, name, &ec2.InternetGatewayArgs{VpcId: n.VPC.ID(), Tags: tags("internet")}, parent)
	if err != nil {
		return nil, err
	}
	publicRoutes, err := ec2.NewRouteTable(ctx, name+"-public", &ec2.RouteTableArgs{VpcId: n.VPC.ID(), Tags: tags("public")}, parent)
	if err != nil {
		return nil, err
	}
	internet, err := ec2.NewRoute(ctx, name+"-public", &ec2.RouteArgs{
		RouteTableId: publicRoutes.ID(), DestinationCidrBlock: pulumi.String("0.0.0.0/0"), GatewayId: gateway.ID(),
	}, parent)
	if err != nil {
		return nil, err
	}
	n.Ready = append(n.Ready, internet)

	tables := []*ec2.RouteTable{publicRoutes}
	var privateRoutes []*ec2.RouteTable
	for i := range args.Zones {
		zone, number := pulumi.String(zones.Names[i]), i+1
		subnet, err := ec2.NewSubnet(ctx, fmt.Sprintf("%s-public-%d", name, number), &ec2.SubnetArgs{
			VpcId: n.VPC.ID(), AvailabilityZone: zone, CidrBlock: pulumi.String(public[i].String()),
			// No address is given by default: the jump server and the NAT ask for theirs.
			MapPublicIpOnLaunch: pulumi.Bool(false), Tags: tags(fmt.Sprintf("public-%d", number)),
		}, parent)
		if err != nil {
			return nil, err
		}
		association, err := ec2.NewRouteTableAssociation(ctx, fmt.Sprintf("%s-public-%d", name, number), &ec2.RouteTableAssociationArgs{
			SubnetId: subnet.ID(), RouteTableId: publicRoutes.ID(),
		}, parent)
		if err != nil {
			return nil, err
		}
		n.Public, n.Ready = append(n.Public, subnet), append(n.Ready, association)

		subnet, err = ec2.NewSubnet(ctx, fmt.Sprintf("%s-private-%d", name, number), &ec2.SubnetArgs{
			VpcId: n.VPC.ID(), AvailabilityZone: zone, CidrBlock: pulumi.String(private[i].String()),
			MapPublicIpOnLaunch: pulumi.Bool(false), Tags: tags(fmt.Sprintf("private-%d", number)),
		}, parent)
		if err != nil {
			return nil, err
		}
		table, err := ec2.NewRouteTable(ctx, fmt.Sprintf("%s-private-%d", name, number), &ec2.RouteTableArgs{
			VpcId: n.VPC.ID(), Tags: tags(fmt.Sprintf("private-%d", number)),
		}, parent)
		if err != nil {
			return nil, err
		}
		association, err = ec2.NewRouteTableAssociation(ctx, fmt.Sprintf("%s-private-%d", name, number), &ec2.RouteTableAssociationArgs{
			SubnetId: subnet.ID(), RouteTableId: table.ID(),
		}, parent)
		if err != nil {
			return nil, err
		}
		n.Private, privateRoutes, n.Ready = append(n.Private, subnet), append(privateRoutes, table), append(n.Ready, association)
	}
	tables = append(tables, privateRoutes...)

	if err := n.addNAT(ctx, name, args, privateRoutes, gateway, parent); err != nil {
		return nil, err
	}
	if err := n.addEndpoints(ctx, name, tables, tags, parent); err != nil {
		return nil, err
	}
	if err := n.addFlowLog(ctx, name, args, parent); err != nil {
		return nil, err
	}
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{"vpcId": n.VPC.ID()})
}

// addEndpoints lets traffic to S3 and DynamoDB pass by the NAT: it costs nothing and keeps file bytes within AWS's network.
func (n *Network) addEndpoints(ctx *pulumi.Context, name string, tables []*ec2.RouteTable, tags func(string) pulumi.StringMap, parent pulumi.ResourceOrInvokeOption) error {
	region, err := aws.GetRegion(ctx, nil, parent)
	if err != nil {
		return fmt.Errorf("reading the region: %w", err)
	}
	ids := pulumi.StringArray{}
	for _, table := range tables {
		ids = append(ids, table.ID())
	}
	for _, service := range []string{"s3", "dynamodb"} {
		endpoint, err := ec2.NewVpcEndpoint(ctx, name+"-"+service, &ec2.VpcEndpointArgs{
			VpcId: n.VPC.ID(), VpcEndpointType: pulumi.String("Gateway"), ServiceName: pulumi.String("com.amazonaws." + region.Name + "." + service),
			RouteTableIds: ids, Tags: tags(service),
		}, parent)
		if err != nil {
			return err
		}
		n.Ready = append(n.Ready, endpoint)
	}
	return nil
}

func (n *Network) addFlowLog(ctx *pulumi.Context, name string, args Args, parent pulumi.ResourceOrInvokeOption) error {
	group, err := cloudwatch.NewLogGroup(ctx, name+"-flow", &cloudwatch.LogGroupArgs{
		Name: pulumi.String(args.Path + "/flow"), RetentionInDays: pulumi.Int(args.LogDays),
	}, parent)
	if err != nil {
		return err
	}
	role, err := iam.ServiceRole(ctx, name+"-flow", "vpc-flow-logs.amazonaws.com", "Writes the flow logs of "+args.Prefix, args.Account, []iam.Statement{{
		Sid:       "Write",
		Actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
		Resources: []pulumi.StringInput{pulumi.Sprintf("%s:*", group.Arn)},
	}}, parent)
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(ctx, name, &ec2.FlowLogArgs{
		// What was refused is what an investigation asks for; what was accepted is most of the volume, and of the price.
		VpcId: n.VPC.ID(), TrafficType: pulumi.String("REJECT"), LogDestinationType: pulumi.String("cloud-watch-logs"),
		LogDestination: group.Arn, IamRoleArn: role.Arn, MaxAggregationInterval: pulumi.Int(600),
		Tags: pulumi.StringMap{"Name": pulumi.String(args.Prefix + "-flow")},
	}, parent)
	return err
}
