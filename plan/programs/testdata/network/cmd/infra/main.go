// The landing zone: one network, with a bastion in it.
package main

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"landing.example/components/vpc"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		conf := config.New(ctx, "")
		var offices []string
		conf.RequireObject("offices", &offices)
		net, err := vpc.New(ctx, "landing", vpc.Args{
			Block: "10.64.0.0/16", Zones: conf.RequireInt("zones"), NATPerZone: conf.GetBool("natPerZone"),
		})
		if err != nil {
			return err
		}
		door, err := ec2.NewSecurityGroup(ctx, "bastion", &ec2.SecurityGroupArgs{
			VpcId: net.ID, Description: pulumi.String("SSH from the offices"),
			Ingress: ec2.SecurityGroupIngressArray{&ec2.SecurityGroupIngressArgs{
				Protocol: pulumi.String("tcp"), FromPort: pulumi.Int(22), ToPort: pulumi.Int(22),
				CidrBlocks: pulumi.ToStringArray(offices),
			}},
			Egress: ec2.SecurityGroupEgressArray{&ec2.SecurityGroupEgressArgs{
				Protocol: pulumi.String("-1"), FromPort: pulumi.Int(0), ToPort: pulumi.Int(0),
				CidrBlocks: pulumi.ToStringArray([]string{"0.0.0.0/0"}),
			}},
		})
		if err != nil {
			return err
		}
		image, err := ec2.LookupAmi(ctx, &ec2.LookupAmiArgs{
			MostRecent: pulumi.BoolRef(true), Owners: []string{"amazon"},
			Filters: []ec2.GetAmiFilter{{Name: "name", Values: []string{"al2023-ami-2023.*-arm64"}}},
		})
		if err != nil {
			return err
		}
		key, err := ec2.NewKeyPair(ctx, "operators", &ec2.KeyPairArgs{
			PublicKey: pulumi.String("ssh-ed25519 " +
				"AAAAC3NzaC1lZDI1NTE5AAAAIDYyGXX7GsYYCSkJ3kaPzSyKzO1TjlpWpVKKh8pF7IV1"),
		})
		if err != nil {
			return err
		}
		bastion, err := ec2.NewInstance(ctx, "bastion", &ec2.InstanceArgs{
			Ami: pulumi.String(image.Id), InstanceType: pulumi.String("t4g.nano"), SubnetId: net.Public[0],
			KeyName: key.KeyName, VpcSecurityGroupIds: pulumi.StringArray{door.ID()},
			AssociatePublicIpAddress: pulumi.Bool(true),
			MetadataOptions:          &ec2.InstanceMetadataOptionsArgs{HttpTokens: pulumi.String("required")},
			RootBlockDevice:          &ec2.InstanceRootBlockDeviceArgs{Encrypted: pulumi.Bool(true)},
		}, pulumi.IgnoreChanges([]string{"ami"}))
		if err != nil {
			return err
		}
		ctx.Export("vpc", net.ID)
		ctx.Export("bastion", bastion.PublicIp)
		return nil
	})
}
