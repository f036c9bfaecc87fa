package moto

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const routeType = "aws:ec2/route:Route"

// networkKinds are the VPC and the ways in it.
var networkKinds = map[string]kind{
	"aws:ec2/vpc:Vpc": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateVpc(ctx,
				&ec2.CreateVpcInput{CidrBlock: in.text("cidrBlock"),
					TagSpecifications: tagged(types.ResourceTypeVpc, in)})
			if err != nil {
				return nil, err
			}
			// One attribute is changed at a time, and names need the resolver.
			for _, attribute := range []ec2.ModifyVpcAttributeInput{
				{EnableDnsSupport: attribute(in.flag("enableDnsSupport"))},
				{EnableDnsHostnames: attribute(in.flag("enableDnsHostnames"))},
			} {
				attribute.VpcId = out.Vpc.VpcId
				if _, err := a.ec2.ModifyVpcAttribute(ctx, &attribute); err != nil {
					return nil, err
				}
			}
			return made{"id": out.Vpc.VpcId}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
			if err != nil {
				return nil, err
			}
			vpc, err := one(out.Vpcs)
			if err != nil {
				return nil, err
			}
			support, err := a.ec2.DescribeVpcAttribute(ctx,
				&ec2.DescribeVpcAttributeInput{VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsSupport})
			if err != nil {
				return nil, err
			}
			names, err := a.ec2.DescribeVpcAttribute(ctx,
				&ec2.DescribeVpcAttributeInput{VpcId: &id, Attribute: types.VpcAttributeNameEnableDnsHostnames})
			if err != nil {
				return nil, err
			}
			return fields{
				"cidrBlock": vpc.CidrBlock, "enableDnsSupport": support.EnableDnsSupport.Value,
				"enableDnsHostnames": names.EnableDnsHostnames.Value,
				"tags":               tags(vpc.Tags),
			}, nil
		},
	},
	"aws:ec2/subnet:Subnet": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{
				VpcId: in.text("vpcId"), AvailabilityZone: in.text("availabilityZone"), CidrBlock: in.text("cidrBlock"),
				TagSpecifications: tagged(types.ResourceTypeSubnet, in),
			})
			if err != nil {
				return nil, err
			}
			_, err = a.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{
				SubnetId: out.Subnet.SubnetId, MapPublicIpOnLaunch: attribute(in.flag("mapPublicIpOnLaunch")),
			})
			return made{"id": out.Subnet.SubnetId}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
			if err != nil {
				return nil, err
			}
			subnet, err := one(out.Subnets)
			return fields{
				"vpcId": subnet.VpcId, "availabilityZone": subnet.AvailabilityZone, "cidrBlock": subnet.CidrBlock,
				"mapPublicIpOnLaunch": subnet.MapPublicIpOnLaunch, "tags": tags(subnet.Tags),
			}, err
		},
	},
	"aws:ec2/internetGateway:InternetGateway": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateInternetGateway(ctx,
				&ec2.CreateInternetGatewayInput{TagSpecifications: tagged(types.ResourceTypeInternetGateway, in)})
			if err != nil {
				return nil, err
			}
			id := out.InternetGateway.InternetGatewayId
			_, err = a.ec2.AttachInternetGateway(ctx,
				&ec2.AttachInternetGatewayInput{InternetGatewayId: id, VpcId: in.text("vpcId")})
			return made{"id": id}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeInternetGateways(ctx,
				&ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{id}})
			if err != nil {
				return nil, err
			}
			gateway, err := one(out.InternetGateways)
			if err != nil {
				return nil, err
			}
			attachment, err := one(gateway.Attachments)
			return fields{"vpcId": attachment.VpcId, "tags": tags(gateway.Tags)}, err
		},
	},
	"aws:ec2/eip:Eip": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{
				Domain: types.DomainType(in.must("domain")), TagSpecifications: tagged(types.ResourceTypeElasticIp, in),
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.AllocationId, "allocationId": out.AllocationId, "publicIp": out.PublicIp}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{id}})
			if err != nil {
				return nil, err
			}
			address, err := one(out.Addresses)
			return fields{"domain": address.Domain, "tags": tags(address.Tags)}, err
		},
	},
	"aws:ec2/eipAssociation:EipAssociation": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: in.text("allocationId"),
				InstanceId: in.text("instanceId")})
			if err != nil {
				return nil, err
			}
			return made{"id": out.AssociationId}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeAddresses(ctx,
				&ec2.DescribeAddressesInput{Filters: []types.Filter{{Name: aws.String("association-id"),
					Values: []string{id}}}})
			if err != nil {
				return nil, err
			}
			address, err := one(out.Addresses)
			return fields{"allocationId": address.AllocationId, "instanceId": address.InstanceId}, err
		},
	},
	"aws:ec2/natGateway:NatGateway": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{
				SubnetId: in.text("subnetId"), AllocationId: in.text("allocationId"),
				ConnectivityType:  types.ConnectivityType(in.must("connectivityType")),
				TagSpecifications: tagged(types.ResourceTypeNatgateway, in),
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.NatGateway.NatGatewayId}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
			if err != nil {
				return nil, err
			}
			gateway, err := one(out.NatGateways)
			if err != nil {
				return nil, err
			}
			address, err := one(gateway.NatGatewayAddresses)
			return fields{
				"subnetId": gateway.SubnetId, "allocationId": address.AllocationId,
				"connectivityType": gateway.ConnectivityType, "tags": tags(gateway.Tags),
			}, err
		},
	},
	"aws:ec2/routeTable:RouteTable": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{
				VpcId: in.text("vpcId"), TagSpecifications: tagged(types.ResourceTypeRouteTable, in),
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.RouteTable.RouteTableId}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			table, err := a.routeTable(ctx, id)
			return fields{"vpcId": table.VpcId, "tags": tags(table.Tags)}, err
		},
		beside: func(ctx context.Context, a *Account, id string, of related) error {
			table, err := a.routeTable(ctx, id)
			if err != nil {
				return err
			}
			var got []string
			for _, route := range table.Routes {
				// The VPC's own block is in every table, and gateway endpoints write their prefix lists.
				if aws.ToString(route.GatewayId) != "local" && route.DestinationPrefixListId == nil {
					got = append(got, routeID(id, aws.ToString(route.DestinationCidrBlock)))
				}
			}
			return only("route", got, of(routeType, "routeTableId"))
		},
	},
	routeType: {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.ec2.CreateRoute(ctx, &ec2.CreateRouteInput{
				RouteTableId: in.text("routeTableId"), DestinationCidrBlock: in.text("destinationCidrBlock"),
				GatewayId:    in.text("gatewayId"),
				NatGatewayId: in.text("natGatewayId"), NetworkInterfaceId: in.text("networkInterfaceId"),
			})
			return made{"id": aws.String(routeID(in.must("routeTableId"), in.must("destinationCidrBlock")))}, err
		},
		read: func(ctx context.Context, a *Account, _ string, in values) (fields, error) {
			table, err := a.routeTable(ctx, in.must("routeTableId"))
			if err != nil {
				return nil, err
			}
			for _, route := range table.Routes {
				if aws.ToString(route.DestinationCidrBlock) == in.must("destinationCidrBlock") {
					return fields{
						"routeTableId": table.RouteTableId, "destinationCidrBlock": route.DestinationCidrBlock,
						"gatewayId":    route.GatewayId,
						"natGatewayId": route.NatGatewayId, "networkInterfaceId": route.NetworkInterfaceId,
					}, nil
				}
			}
			return nil, fmt.Errorf("%s has no route to %s", in.must("routeTableId"), in.must("destinationCidrBlock"))
		},
	},
	"aws:ec2/routeTableAssociation:RouteTableAssociation": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.AssociateRouteTable(ctx,
				&ec2.AssociateRouteTableInput{RouteTableId: in.text("routeTableId"), SubnetId: in.text("subnetId")})
			if err != nil {
				return nil, err
			}
			return made{"id": out.AssociationId}, nil
		},
		read: func(ctx context.Context, a *Account, id string, in values) (fields, error) {
			// By the subnet: it can have one table, whichever was asked for.
			out, err := a.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{
				{Name: aws.String("association.subnet-id"), Values: []string{in.must("subnetId")}},
			}})
			if err != nil {
				return nil, err
			}
			table, err := one(out.RouteTables)
			if err != nil {
				return nil, err
			}
			for _, association := range table.Associations {
				if aws.ToString(association.RouteTableAssociationId) == id {
					return fields{"routeTableId": table.RouteTableId, "subnetId": association.SubnetId}, nil
				}
			}
			return nil, fmt.Errorf("%s has no association %s", aws.ToString(table.RouteTableId), id)
		},
	},
	"aws:ec2/vpcEndpoint:VpcEndpoint": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
				VpcId: in.text("vpcId"), VpcEndpointType: types.VpcEndpointType(in.must("vpcEndpointType")),
				ServiceName:   in.text("serviceName"),
				RouteTableIds: in.texts("routeTableIds"), PolicyDocument: in.text("policy"),
				TagSpecifications: tagged(types.ResourceTypeVpcEndpoint, in),
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.VpcEndpoint.VpcEndpointId}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
			if err != nil {
				return nil, err
			}
			endpoint, err := one(out.VpcEndpoints)
			return fields{
				"vpcId": endpoint.VpcId, "vpcEndpointType": endpoint.VpcEndpointType,
				"serviceName":   endpoint.ServiceName,
				"routeTableIds": endpoint.RouteTableIds, "policy": endpoint.PolicyDocument, "tags": tags(endpoint.Tags),
			}, err
		},
	},
	"aws:ec2/flowLog:FlowLog": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			bucket, _ := withoutFolder(in.must("logDestination"))
			out, err := a.ec2.CreateFlowLogs(ctx, &ec2.CreateFlowLogsInput{
				ResourceType: types.FlowLogsResourceTypeVpc, ResourceIds: []string{in.must("vpcId")},
				TrafficType:        types.TrafficType(in.must("trafficType")),
				LogDestinationType: types.LogDestinationType(in.must("logDestinationType")), LogDestination: &bucket,
				DeliverLogsPermissionArn: in.text("iamRoleArn"),
				MaxAggregationInterval:   in.number("maxAggregationInterval"),
				TagSpecifications:        tagged(types.ResourceTypeVpcFlowLog, in),
			})
			if err != nil {
				return nil, err
			}
			if len(out.Unsuccessful) > 0 {
				return nil, fmt.Errorf("AWS says: %s", aws.ToString(out.Unsuccessful[0].Error.Message))
			}
			id, err := one(out.FlowLogIds)
			return made{"id": &id}, err
		},
		read: func(ctx context.Context, a *Account, id string, in values) (fields, error) {
			_, folder := withoutFolder(in.must("logDestination"))
			out, err := a.ec2.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{FlowLogIds: []string{id}})
			if err != nil {
				return nil, err
			}
			log, err := one(out.FlowLogs)
			return fields{
				"vpcId": log.ResourceId, "trafficType": log.TrafficType, "logDestinationType": log.LogDestinationType,
				"logDestination": aws.ToString(log.LogDestination) + folder,
				"iamRoleArn":     log.DeliverLogsPermissionArn, "maxAggregationInterval": log.MaxAggregationInterval,
				"tags": tags(log.Tags),
			}, err
		},
	},
}

// withoutFolder parts a flow log's destination into the bucket's ARN and the folder in it. EC2 takes both
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html); Moto takes all that follows the
// fifth colon for the bucket's name (https://github.com/getmoto/moto/blob/master/moto/ec2/models/flow_logs.py).
func withoutFolder(destination string) (bucket, folder string) {
	at := strings.Index(destination, "/")
	if at < 0 {
		return destination, ""
	}
	return destination[:at], destination[at:]
}

func (a *Account) routeTable(ctx context.Context, id string) (types.RouteTable, error) {
	out, err := a.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{id}})
	if err != nil {
		return types.RouteTable{}, err
	}
	return one(out.RouteTables)
}

// routeID stands for the id that a route has nowhere but in Pulumi's state.
func routeID(table, destination string) string { return table + " to " + destination }

func attribute(flag *bool) *types.AttributeBooleanValue {
	if flag == nil {
		return nil
	}
	return &types.AttributeBooleanValue{Value: flag}
}

// tagged are the tags of a resource of EC2 in the making.
func tagged(kind types.ResourceType, in values) []types.TagSpecification {
	return taggedBy(kind, in.object("tags"))
}

func taggedBy(kind types.ResourceType, object values) []types.TagSpecification {
	if len(object) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: kind, Tags: pairs(object, ec2Tag)}}
}

func ec2Tag(key, value *string) types.Tag { return types.Tag{Key: key, Value: value} }

func tags(list []types.Tag) fields {
	return byKey(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
}
