// Package network builds the network that everything runs in: the VPC with its subnets, the ways in and out of it, the
// record of what flows, and the security groups, which say who may reach whom. main.go imports it.
package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/settings"
	"dossier.example/infra/storage"
)

// Args is what a Network is built from.
type Args struct {
	// Prefix begins the Name tags: dossier-<stack>.
	Prefix string
	// CIDR is the block of the VPC, a /24 or larger.
	CIDR netip.Prefix
	// Zones is the number of availability zones, each with a public and a private subnet. ZoneNames are theirs; empty
	// means to choose.
	Zones     int
	ZoneNames []string
	// InstanceTypes and DatabaseClass have to be offered in zones that are chosen.
	InstanceTypes []string
	DatabaseClass string
	// NAT is the way from private subnets to the internet; the other two are for settings.NATInstance only.
	NAT             settings.NAT
	NATInstanceType string
	NATUserData     string
	// Boundary is the permissions boundary of a NAT instance's role, empty for none.
	Boundary string
	// Image is the AMI of a NAT instance. Newest tells that nobody named it: it is the newest of today, and tomorrow's
	// is no change.
	Image  string
	Newest bool
	// VolumeTags are put on the volume of a NAT instance, which a provider's default tags do not reach.
	VolumeTags map[string]string
	// Logs receives the flow logs.
	Logs *storage.Logs
	// AppPort is where the app listens.
	AppPort int
	// HTTPS reports whether browsers come by HTTPS too.
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
	names, err := zones(ctx, args, parent)
	if err != nil {
		return nil, err
	}

	n.VPC, err = ec2.NewVpc(ctx, name, &ec2.VpcArgs{
		CidrBlock: pulumi.String(args.CIDR.String()), EnableDnsSupport: pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true), Tags: tags("vpc"),
	}, parent)
	if err != nil {
		return nil, err
	}
	// The group that AWS makes with every VPC lets its members talk to each other. Nothing is in it, and it allows
	// nothing.
	if _, err := ec2.NewDefaultSecurityGroup(ctx, name+"-default",
		&ec2.DefaultSecurityGroupArgs{VpcId: n.VPC.ID(), Tags: tags("default-closed")}, parent); err != nil {
		return nil, err
	}
	if n.Groups, err = newGroups(ctx, name, n.VPC, args, parent); err != nil {
		return nil, err
	}
	gateway, err := ec2.NewInternetGateway(ctx, name,
		&ec2.InternetGatewayArgs{VpcId: n.VPC.ID(), Tags: tags("internet")}, parent)
	if err != nil {
		return nil, err
	}
	publicRoutes, err := ec2.NewRouteTable(ctx, name+"-public",
		&ec2.RouteTableArgs{VpcId: n.VPC.ID(), Tags: tags("public")}, parent)
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
		zone, number := pulumi.String(names[i]), i+1
		subnet, err := ec2.NewSubnet(ctx, fmt.Sprintf("%s-public-%d", name, number), &ec2.SubnetArgs{
			VpcId: n.VPC.ID(), AvailabilityZone: zone, CidrBlock: pulumi.String(public[i].String()),
			// No address is given by default: the jump server and the NAT ask for theirs.
			MapPublicIpOnLaunch: pulumi.Bool(false), Tags: tags(fmt.Sprintf("public-%d", number)),
		}, parent)
		if err != nil {
			return nil, err
		}
		association, err := ec2.NewRouteTableAssociation(ctx, fmt.Sprintf("%s-public-%d", name, number),
			&ec2.RouteTableAssociationArgs{
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
		association, err = ec2.NewRouteTableAssociation(ctx, fmt.Sprintf("%s-private-%d", name, number),
			&ec2.RouteTableAssociationArgs{
				SubnetId: subnet.ID(), RouteTableId: table.ID(),
			}, parent)
		if err != nil {
			return nil, err
		}
		n.Private, privateRoutes, n.Ready = append(n.Private, subnet), append(privateRoutes, table),
			append(n.Ready, association)
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

// addEndpoints lets traffic to S3 and DynamoDB pass by the NAT: it costs nothing and keeps file bytes within AWS's
// network.
func (n *Network) addEndpoints(ctx *pulumi.Context, name string, tables []*ec2.RouteTable,
	tags func(string) pulumi.StringMap, parent pulumi.ResourceOrInvokeOption) error {
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
			VpcId: n.VPC.ID(), VpcEndpointType: pulumi.String("Gateway"),
			ServiceName:   pulumi.String("com.amazonaws." + region.Name + "." + service),
			RouteTableIds: ids, Tags: tags(service),
		}, parent)
		if err != nil {
			return err
		}
		n.Ready = append(n.Ready, endpoint)
	}
	return nil
}

// addFlowLog records what is refused, in the bucket of logs. To CloudWatch Logs it would go by a role, and a flow log
// that begins before IAM knows the role's policy everywhere stays in "Access error" until somebody makes it anew
// (https://github.com/hashicorp/terraform-provider-aws/issues/29323); the bucket's policy is S3's own, and there at
// once.
func (n *Network) addFlowLog(ctx *pulumi.Context, name string, args Args, parent pulumi.ResourceOption) error {
	_, err := ec2.NewFlowLog(ctx, name, &ec2.FlowLogArgs{
		// What was refused is what an investigation asks for; what was accepted is most of the volume, and of the
		// price.
		VpcId: n.VPC.ID(), TrafficType: pulumi.String("REJECT"), LogDestinationType: pulumi.String("s3"),
		LogDestination:         pulumi.Sprintf("%s/%s/", args.Logs.Bucket.Arn, storage.FlowLogs),
		MaxAggregationInterval: pulumi.Int(600),
		Tags:                   pulumi.StringMap{"Name": pulumi.String(args.Prefix + "-flow")},
	}, parent, pulumi.DependsOn([]pulumi.Resource{args.Logs.Ready}))
	return err
}
