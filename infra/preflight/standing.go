package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"dossier.example/infra/internal/refusal"
	"dossier.example/infra/settings"
)

// What stands already cannot become everything that can be asked for.

// network compares the block and the zones of the stack's network with the settings. Pulumi would make another VPC,
// into which neither the load balancer nor the database can follow
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html), or another subnet with the
// addresses of one that is still there.
func (l *look) network(ctx context.Context) {
	if !l.exists {
		return
	}
	if want := l.Settings.Network.CIDR.String(); l.block != "" && l.block != want {
		l.fault("network.cidr", "set network.cidr to "+l.block+", or make a new stack and move the data",
			"it is %s, but the stack's VPC has %s, which cannot be changed", want, l.block)
	}
	if len(l.Settings.Network.ZoneNames) == 0 {
		return
	}
	zones, err := l.subnets(ctx)
	if err != nil {
		l.unseen(ctx, "network.zoneNames", err)
		return
	}
	for i, want := range l.Settings.Network.ZoneNames {
		if i < len(zones) && zones[i] != want {
			l.fault("network.zoneNames", fmt.Sprintf("make item %d %s, or remove network.zoneNames", i+1, zones[i]),
				"item %d is %s, but the stack's subnets number %d are in %s, and a subnet cannot move", i+1, want, i+1,
				zones[i])
		}
	}
}

// subnets returns the zones of the stack's private subnets, in the order of their numbers.
func (l *look) subnets(ctx context.Context) ([]string, error) {
	var zones []string
	for number := 1; number <= settings.MaxZones; number++ {
		name := fmt.Sprintf("%s-private-%d", l.prefix(), number)
		out, err := l.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: named("tag:Name", name)})
		if err != nil {
			return nil, err
		}
		if len(out.Subnets) == 0 {
			break
		}
		zones = append(zones, aws.ToString(out.Subnets[0].AvailabilityZone))
	}
	return zones, nil
}

// describeDatabases asks for the database of the stack's name.
func (l *look) describeDatabases(ctx context.Context) ([]types.DBInstance, error) {
	out, err := l.rds.DescribeDBInstances(ctx,
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(l.prefix())})
	if err != nil {
		return nil, err
	}
	return out.DBInstances, nil
}

// database asks whether somebody else has the database's name, and whether the stack's own can become what the settings
// ask for.
func (l *look) database(ctx context.Context) {
	const point = "name/database"
	name := l.prefix()
	databases, err := l.databases(ctx)
	switch {
	case refusal.Absent(err):
		return
	case err != nil:
		l.unseen(ctx, point, err)
		return
	}
	for _, d := range databases {
		inside := l.exists && d.DBSubnetGroup != nil && aws.ToString(d.DBSubnetGroup.VpcId) == l.vpc
		if !inside && !l.ours(tagMap(d.TagList, func(t types.Tag) (key, value *string) { return t.Key, t.Value })) {
			l.taken(point, "the database "+name)
			continue
		}
		l.storage(d)
		l.databaseZones(ctx, d)
	}
}

// storage compares the volume, which RDS enlarges and never makes smaller
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html).
func (l *look) storage(d types.DBInstance) {
	first, largest := l.Settings.Database.StorageGiB, l.Settings.Database.MaxStorageGiB
	have, limit := int(aws.ToInt32(d.AllocatedStorage)), int(aws.ToInt32(d.MaxAllocatedStorage))
	least := (have*11 + 9) / 10
	fixed := fmt.Sprintf("set database.storageGiB and database.maxStorageGiB to %d", have)
	switch {
	case largest == first && first < have:
		l.fault("database.storageGiB", fixed,
			"it is %d like database.maxStorageGiB, but the database's volume has grown to %d GiB and cannot shrink",
			first, have)
	case largest > first && largest != limit && largest < least:
		l.fault("database.maxStorageGiB", fmt.Sprintf("raise it to %d, or %s", least, fixed),
			"it is %d, but the database's volume has %d GiB, which RDS wants to be exceeded by a tenth", largest, have)
	}
}

// databaseZones asks whether the database is in a zone that the stack is to leave: a subnet that it uses stays in its
// subnet group (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html,
// SubnetAlreadyInUse).
func (l *look) databaseZones(ctx context.Context, d types.DBInstance) {
	const point = "network.zones"
	if !l.exists {
		return
	}
	zones, err := l.subnets(ctx)
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	number := l.Settings.Network.Zones
	if number >= len(zones) {
		return
	}
	for what, zone := range map[string]*string{
		"the database is": d.AvailabilityZone, "the database's standby is": d.SecondaryAvailabilityZone,
	} {
		if slices.Contains(zones[number:], aws.ToString(zone)) {
			l.fault(point, fmt.Sprintf("keep network.zones at %d", len(zones)),
				"%s in %s, whose subnets %d zones would remove", what, *zone, number)
		}
	}
}
