package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// zones returns the names of the zones to build in: those that the settings name, else those that the stack has and,
// for what is missing, the first of the region that offer every type of instance and the database's class. A zone that
// lacks a type stays where subnets are in it already: another one would replace them, and all that is in them.
func zones(ctx *pulumi.Context, args Args, parent pulumi.InvokeOption) ([]string, error) {
	if len(args.ZoneNames) > 0 {
		return args.ZoneNames, nil
	}
	have, err := present(ctx, args, parent)
	if err != nil {
		return nil, err
	}
	if len(have) == args.Zones {
		return have, nil
	}
	// Local zones and wavelength zones are left out: they have neither NAT gateways nor RDS.
	region, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		State:   pulumi.StringRef("available"),
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("reading the region's availability zones: %w", err)
	}
	offered, err := offering(ctx, args, parent)
	if err != nil {
		return nil, err
	}
	return choose(args.Zones, have, region.Names, offered)
}

// choose takes the zones that there are and fills up with others that offer everything. offered are the zones of each
// thing that is asked for.
func choose(number int, have, region []string, offered map[string][]string) ([]string, error) {
	chosen := slices.Clone(have)
	var lacking []string
	for _, zone := range region {
		if len(chosen) == number || slices.Contains(chosen, zone) {
			continue
		}
		lacks := ""
		for _, what := range slices.Sorted(maps.Keys(offered)) {
			if !slices.Contains(offered[what], zone) {
				lacks = what
				break
			}
		}
		if lacks == "" {
			chosen = append(chosen, zone)
		} else {
			lacking = append(lacking, zone+" lacks "+lacks)
		}
	}
	if len(chosen) < number {
		why := ""
		if len(lacking) > 0 {
			why = " (" + strings.Join(lacking, ", ") + ")"
		}
		return nil, fmt.Errorf("network.zones is %d, and %d of the region's %d availability zones offer what the "+
			"settings ask for%s; choose other types, fewer zones or another region",
			number, len(chosen), len(region), why)
	}
	return chosen[:number], nil
}

// present returns the zones of the subnets that the stack has, in the order of their numbers.
func present(ctx *pulumi.Context, args Args, parent pulumi.InvokeOption) ([]string, error) {
	var have []string
	for number := 1; number <= args.Zones; number++ {
		found, err := ec2.GetSubnets(ctx, &ec2.GetSubnetsArgs{
			Filters: []ec2.GetSubnetsFilter{{Name: "tag:Name",
				Values: []string{fmt.Sprintf("%s-private-%d", args.Prefix, number)}}},
		}, parent)
		if err != nil {
			return nil, fmt.Errorf("looking for the stack's subnets: %w", err)
		}
		if len(found.Ids) == 0 {
			return have, nil
		}
		subnet, err := ec2.LookupSubnet(ctx, &ec2.LookupSubnetArgs{Id: &found.Ids[0]}, parent)
		if err != nil {
			return nil, fmt.Errorf("looking at the subnet %s: %w", found.Ids[0], err)
		}
		have = append(have, subnet.AvailabilityZone)
	}
	return have, nil
}

// offering returns the zones that offer each type of instance, and the database's class.
func offering(ctx *pulumi.Context, args Args, parent pulumi.InvokeOption) (map[string][]string, error) {
	offered := map[string][]string{}
	for _, kind := range args.InstanceTypes {
		found, err := ec2.GetInstanceTypeOfferings(ctx, &ec2.GetInstanceTypeOfferingsArgs{
			LocationType: pulumi.StringRef("availability-zone"),
			Filters:      []ec2.GetInstanceTypeOfferingsFilter{{Name: "instance-type", Values: []string{kind}}},
		}, parent)
		if err != nil {
			return nil, fmt.Errorf("asking which availability zones offer %s: %w", kind, err)
		}
		offered[kind] = found.Locations
	}
	database, err := rds.GetOrderableDbInstance(ctx, &rds.GetOrderableDbInstanceArgs{
		Engine: "mysql", EngineLatestVersion: pulumi.BoolRef(true),
		PreferredInstanceClasses: []string{args.DatabaseClass}, Vpc: pulumi.BoolRef(true),
		// Each kind of storage has zones of its own.
		StorageType: pulumi.StringRef("gp3"),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("asking which availability zones offer %s for MySQL: %w", args.DatabaseClass, err)
	}
	offered[args.DatabaseClass] = database.AvailabilityZones
	return offered, nil
}
