// Package vpc makes networks.
package vpc

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args say what a network is like.
type Args struct {
	// Block is its block of addresses, a /16.
	Block string
	// Zones is the number of its availability zones.
	Zones int
	// NATPerZone gives each zone a NAT gateway of its own.
	NATPerZone bool
}

// Vpc is a network with public and private subnets.
type Vpc struct {
	pulumi.ResourceState

	ID              pulumi.IDOutput
	Public, Private pulumi.StringArray
}

// New makes a network.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Vpc, error) {
	v := &Vpc{}
	if err := ctx.RegisterComponentResource("landing:network:Vpc", name, v, opts...); err != nil {
		return nil, err
	}
	mine := pulumi.Parent(v)
	tags := func(kind string) pulumi.StringMap {
		return pulumi.StringMap{"Name": pulumi.String(name + "-" + kind), "Owner": pulumi.String("platform")}
	}
	made, err := ec2.NewVpc(ctx, name, &ec2.VpcArgs{
		CidrBlock: pulumi.String(args.Block), EnableDnsSupport: pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true), Tags: tags("vpc"),
	}, mine, pulumi.Protect(true))
	if err != nil {
		return nil, err
	}
	v.ID = made.ID()
	gateway, err := ec2.NewInternetGateway(ctx, name, &ec2.InternetGatewayArgs{VpcId: made.ID(), Tags: tags("igw")},
		mine)
	if err != nil {
		return nil, err
	}
	zones, err := aws.GetAvailabilityZones(ctx, nil, mine)
	if err != nil {
		return nil, err
	}
	table := func(kind string) (*ec2.RouteTable, error) {
		return ec2.NewRouteTable(ctx, name+"-"+kind, &ec2.RouteTableArgs{VpcId: made.ID(), Tags: tags(kind)}, mine)
	}
	public, err := table("public")
	if err != nil {
		return nil, err
	}
	_, err = ec2.NewRoute(ctx, name+"-public", &ec2.RouteArgs{
		RouteTableId: public.ID(), DestinationCidrBlock: pulumi.String("0.0.0.0/0"), GatewayId: gateway.ID(),
	}, mine)
	if err != nil {
		return nil, err
	}
	var nat *ec2.NatGateway
	var tables pulumi.StringArray
	for i := range args.Zones {
		zone := fmt.Sprintf("%d", i+1)
		subnet := func(kind string, third int, open bool, to *ec2.RouteTable) (*ec2.Subnet, error) {
			made, err := ec2.NewSubnet(ctx, name+"-"+kind+"-"+zone, &ec2.SubnetArgs{
				VpcId: made.ID(), CidrBlock: pulumi.Sprintf("10.64.%d.0/20", third*16),
				AvailabilityZone: pulumi.String(zones.Names[i]), MapPublicIpOnLaunch: pulumi.Bool(open),
				Tags: tags(kind + "-" + zone),
			}, mine)
			if err != nil {
				return nil, err
			}
			_, err = ec2.NewRouteTableAssociation(ctx, name+"-"+kind+"-"+zone, &ec2.RouteTableAssociationArgs{
				SubnetId: made.ID(), RouteTableId: to.ID(),
			}, mine)
			return made, err
		}
		outside, err := subnet("public", i, true, public)
		if err != nil {
			return nil, err
		}
		v.Public = append(v.Public, outside.ID())
		if nat == nil || args.NATPerZone {
			address, err := ec2.NewEip(ctx, name+"-nat-"+zone, &ec2.EipArgs{
				Domain: pulumi.String("vpc"), Tags: tags("nat-" + zone),
			}, mine)
			if err != nil {
				return nil, err
			}
			nat, err = ec2.NewNatGateway(ctx, name+"-"+zone, &ec2.NatGatewayArgs{
				SubnetId: outside.ID(), AllocationId: address.ID(), Tags: tags("nat-" + zone),
			}, mine, pulumi.DependsOn([]pulumi.Resource{gateway}))
			if err != nil {
				return nil, err
			}
		}
		private, err := table("private-" + zone)
		if err != nil {
			return nil, err
		}
		tables = append(tables, private.ID())
		_, err = ec2.NewRoute(ctx, name+"-private-"+zone, &ec2.RouteArgs{
			RouteTableId: private.ID(), DestinationCidrBlock: pulumi.String("0.0.0.0/0"), NatGatewayId: nat.ID(),
		}, mine)
		if err != nil {
			return nil, err
		}
		inside, err := subnet("private", 8+i, false, private)
		if err != nil {
			return nil, err
		}
		v.Private = append(v.Private, inside.ID())
	}
	region, err := aws.GetRegion(ctx, nil, mine)
	if err != nil {
		return nil, err
	}
	_, err = ec2.NewVpcEndpoint(ctx, name+"-s3", &ec2.VpcEndpointArgs{
		VpcId: made.ID(), ServiceName: pulumi.String("com.amazonaws." + region.Name + ".s3"), RouteTableIds: tables,
	}, mine)
	if err != nil {
		return nil, err
	}
	if err := flowLogs(ctx, name, made, mine); err != nil {
		return nil, err
	}
	return v, ctx.RegisterResourceOutputs(v, pulumi.Map{"id": v.ID})
}

// flowLogs keeps who spoke with whom.
func flowLogs(ctx *pulumi.Context, name string, of *ec2.Vpc, mine pulumi.ResourceOption) error {
	group, err := cloudwatch.NewLogGroup(ctx, name+"-flows", &cloudwatch.LogGroupArgs{
		RetentionInDays: pulumi.Int(365),
	}, mine)
	if err != nil {
		return err
	}
	role, err := iam.NewRole(ctx, name+"-flows", &iam.RoleArgs{
		AssumeRolePolicy: pulumi.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	}, mine)
	if err != nil {
		return err
	}
	_, err = iam.NewRolePolicy(ctx, name+"-flows", &iam.RolePolicyArgs{
		Role: role.ID(),
		Policy: pulumi.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream",`+
				`"logs:PutLogEvents","logs:DescribeLogStreams"],"Resource":"%s:*"}]}`, group.Arn),
	}, mine)
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(ctx, name, &ec2.FlowLogArgs{
		VpcId: of.ID(), TrafficType: pulumi.String("ALL"), LogDestination: group.Arn, IamRoleArn: role.Arn,
	}, mine)
	return err
}
