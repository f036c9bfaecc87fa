package network

import (
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/iam"
	"dossier.example/infra/settings"
)

// addNAT gives the private subnets a way to the internet, which the app needs for the AWS services without a gateway
// endpoint.
func (n *Network) addNAT(ctx *pulumi.Context, name string, args Args, tables []*ec2.RouteTable,
	gateway *ec2.InternetGateway, parent pulumi.ResourceOption) error {
	number := 1
	if args.NAT == settings.NATPerZone {
		number = args.Zones
	}
	routes := make([]ec2.RouteArgs, number)
	for i := range number {
		label := fmt.Sprintf("nat-%d", i+1)
		if args.NAT == settings.NATInstance {
			// An address of its own: while gateway and instance change places both are there, and AWS gives none that
			// something holds.
			label = "nat-instance"
		}
		tags := pulumi.StringMap{"Name": pulumi.String(args.Prefix + "-" + label)}
		address, err := ec2.NewEip(ctx, name+"-"+label, &ec2.EipArgs{Domain: pulumi.String("vpc"), Tags: tags}, parent,
			pulumi.DependsOn([]pulumi.Resource{gateway}))
		if err != nil {
			return err
		}
		if args.NAT == settings.NATInstance {
			instance, err := n.natInstance(ctx, name+"-"+label, args, tags, parent)
			if err != nil {
				return err
			}
			association, err := ec2.NewEipAssociation(ctx, name+"-"+label,
				&ec2.EipAssociationArgs{AllocationId: address.ID(), InstanceId: instance.ID()}, parent,
				pulumi.DeleteBeforeReplace(true))
			if err != nil {
				return err
			}
			n.Ready = append(n.Ready, association)
			routes[i] = ec2.RouteArgs{NetworkInterfaceId: instance.PrimaryNetworkInterfaceId}
			continue
		}
		nat, err := ec2.NewNatGateway(ctx, name+"-"+label, &ec2.NatGatewayArgs{
			SubnetId: n.Public[i].ID(), AllocationId: address.ID(), ConnectivityType: pulumi.String("public"),
			Tags: tags,
		}, parent, pulumi.DependsOn([]pulumi.Resource{gateway}),
			// Its address is taken while the old one is there.
			pulumi.DeleteBeforeReplace(true))
		if err != nil {
			return err
		}
		routes[i] = ec2.RouteArgs{NatGatewayId: nat.ID()}
	}
	for i, table := range tables {
		route := routes[i%number]
		route.RouteTableId, route.DestinationCidrBlock = table.ID(), pulumi.String("0.0.0.0/0")
		r, err := ec2.NewRoute(ctx, fmt.Sprintf("%s-private-%d", name, i+1), &route, parent)
		if err != nil {
			return err
		}
		n.Ready = append(n.Ready, r)
	}
	return nil
}

// natInstance is the cheap choice: no promise of availability, and a replacement cuts what passes through it.
func (n *Network) natInstance(ctx *pulumi.Context, name string, args Args, tags pulumi.StringMap,
	parent pulumi.ResourceOption) (*ec2.Instance, error) {
	// It runs no release and reads nothing: its role lets Systems Manager manage it, no more.
	role, err := iam.InstanceRole(ctx, name, "NAT instance of "+args.Prefix, args.Boundary, nil, parent)
	if err != nil {
		return nil, err
	}
	volume := pulumi.ToStringMap(args.VolumeTags)
	maps.Copy(volume, tags)
	// After its first start the Elastic IP is the address that it has.
	ignore := []string{"associatePublicIpAddress"}
	if args.Newest {
		ignore = append(ignore, "ami")
	}
	return ec2.NewInstance(ctx, name, &ec2.InstanceArgs{
		Ami: pulumi.String(args.Image), InstanceType: pulumi.String(args.NATInstanceType), SubnetId: n.Public[0].ID(),
		VpcSecurityGroupIds: pulumi.StringArray{n.Groups.NAT.ID()}, IamInstanceProfile: role.Profile.Name,
		// It needs its own way out at its first start, before the Elastic IP arrives.
		AssociatePublicIpAddress: pulumi.Bool(true),
		SourceDestCheck:          pulumi.Bool(false),
		UserData:                 pulumi.String(args.NATUserData), UserDataReplaceOnChange: pulumi.Bool(true),
		MetadataOptions: &ec2.InstanceMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"), HttpTokens: pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1),
		},
		RootBlockDevice: &ec2.InstanceRootBlockDeviceArgs{
			Encrypted: pulumi.Bool(true), VolumeType: pulumi.String("gp3"), VolumeSize: pulumi.Int(8),
			DeleteOnTermination: pulumi.Bool(true),
		},
		Tags: tags, VolumeTags: volume,
	}, parent, pulumi.DependsOn(append(role.Ready, n.Ready...)), pulumi.IgnoreChanges(ignore))
}
