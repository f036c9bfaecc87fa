// Package database builds RDS for MySQL, its passwords and its logs. main.go imports it.
package database

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/settings"
)

// AdminUser is the master user: not a name that RDS reserves, nor one that an attacker tries first.
const AdminUser = "dossier_admin"

// Name is the database's name on the server.
const Name = "dossier"

// Args is what a Database is built from.
type Args struct {
	// Identifier is the instance's name, of which RDS makes those of its log groups: up to 63 letters, digits and
	// hyphens.
	Identifier string
	// Subnets are private, in two zones at least.
	Subnets []*ec2.Subnet
	// Group is the security group.
	Group *ec2.SecurityGroup
	settings.Database
	// Protect turns on deletion protection and keeps a final snapshot.
	Protect bool
	// LogDays is the retention of the logs.
	LogDays int
	// Prepared is when the account has the service-linked role of RDS, and no log group is left of a database that had
	// the name before.
	Prepared pulumi.Resource
}

// Database is RDS for MySQL.
type Database struct {
	pulumi.ResourceState

	Instance *rds.Instance
	// User is the app's own, which the schema command makes. Its name counts with the credentials, so that old and new
	// work side by side while instances change over.
	User string
	// AdminPassword and Password are secret.
	AdminPassword, Password pulumi.StringOutput
	// Address is the host name.
	Address pulumi.StringOutput
}

// passwordLength is within the 41 characters that RDS allows a master password for MySQL
// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html). Letters and digits alone make
// 190 bits.
const passwordLength = 32

// New builds a Database.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Database, error) {
	d := &Database{User: "dossier_" + strconv.Itoa(args.Credentials)}
	if err := ctx.RegisterComponentResource("dossier:database:Database", name, d, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(d)
	password := func(what string) (pulumi.StringOutput, error) {
		p, err := random.NewRandomPassword(ctx, name+"-"+what, &random.RandomPasswordArgs{
			Length: pulumi.Int(passwordLength), Special: pulumi.Bool(false), MinLower: pulumi.Int(1),
			MinUpper: pulumi.Int(1), MinNumeric: pulumi.Int(1),
			Keepers: pulumi.StringMap{"credentials": pulumi.String(strconv.Itoa(args.Credentials))},
		}, parent)
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		return p.Result, nil
	}
	var err error
	if d.AdminPassword, err = password("admin"); err != nil {
		return nil, err
	}
	if d.Password, err = password("app"); err != nil {
		return nil, err
	}
	ids := pulumi.StringArray{}
	for _, s := range args.Subnets {
		ids = append(ids, s.ID())
	}
	subnets, err := rds.NewSubnetGroup(ctx, name,
		&rds.SubnetGroupArgs{SubnetIds: ids, Description: pulumi.String("Private subnets of " + args.Identifier)},
		parent)
	if err != nil {
		return nil, err
	}
	// A major version is a family of its own; a new group is made before the old one goes.
	parameters, err := rds.NewParameterGroup(ctx, name, &rds.ParameterGroupArgs{
		Family: pulumi.String("mysql" + args.Version), Description: pulumi.String("Settings of " + args.Identifier),
		Parameters: rds.ParameterGroupParameterArray{
			parameter("require_secure_transport", "1"),
			parameter("max_connections", strconv.Itoa(args.Connections)),
			parameter("slow_query_log", "1"),
			parameter("long_query_time", "1"),
			parameter("log_output", "FILE"),
		},
	}, parent)
	if err != nil {
		return nil, err
	}
	// RDS would make the log groups itself, and keep them for ever.
	var logs []pulumi.Resource
	exported := []string{"error", "slowquery"}
	for _, kind := range exported {
		group, err := cloudwatch.NewLogGroup(ctx, name+"-"+kind, &cloudwatch.LogGroupArgs{
			Name:            pulumi.Sprintf("/aws/rds/instance/%s/%s", args.Identifier, kind),
			RetentionInDays: pulumi.Int(args.LogDays),
		}, parent, pulumi.DependsOn([]pulumi.Resource{args.Prepared}))
		if err != nil {
			return nil, err
		}
		logs = append(logs, group)
	}
	instance := &rds.InstanceArgs{
		Identifier: pulumi.String(args.Identifier), Engine: pulumi.String("mysql"),
		EngineVersion: pulumi.String(args.Version),
		// Without this AWS bills for support of a version that went out of it.
		EngineLifecycleSupport: pulumi.String("open-source-rds-extended-support-disabled"),
		InstanceClass:          pulumi.String(args.Class),
		StorageType:            pulumi.String("gp3"), AllocatedStorage: pulumi.Int(args.StorageGiB),
		StorageEncrypted:  pulumi.Bool(true),
		DbSubnetGroupName: subnets.Name, VpcSecurityGroupIds: pulumi.StringArray{args.Group.ID()},
		PubliclyAccessible: pulumi.Bool(false),
		MultiAz:            pulumi.Bool(args.MultiAZ), Username: pulumi.String(AdminUser), Password: d.AdminPassword,
		ParameterGroupName: parameters.Name, CaCertIdentifier: pulumi.String("rds-ca-rsa2048-g1"),
		BackupRetentionPeriod: pulumi.Int(args.BackupDays), BackupWindow: pulumi.String("02:00-03:00"),
		MaintenanceWindow:       pulumi.String("sun:03:30-sun:04:30"),
		AutoMinorVersionUpgrade: pulumi.Bool(true), AllowMajorVersionUpgrade: pulumi.Bool(args.AllowMajorUpgrade),
		CopyTagsToSnapshot:           pulumi.Bool(true),
		EnabledCloudwatchLogsExports: pulumi.ToStringArray(exported),
		PerformanceInsightsEnabled:   pulumi.Bool(args.PerformanceInsights),
		DeletionProtection:           pulumi.Bool(args.Protect), SkipFinalSnapshot: pulumi.Bool(!args.Protect),
		DeleteAutomatedBackups: pulumi.Bool(!args.Protect),
		// What "pulumi up" says is done is done, not waiting for next Sunday; the reviewer decides when to run it.
		ApplyImmediately: pulumi.Bool(true),
	}
	if args.MaxStorageGiB > args.StorageGiB {
		instance.MaxAllocatedStorage = pulumi.Int(args.MaxStorageGiB)
	}
	if args.PerformanceInsights {
		instance.PerformanceInsightsRetentionPeriod = pulumi.Int(7) // days; what costs nothing
	}
	if args.Protect {
		// The name of a snapshot is taken until somebody deletes it.
		suffix, err := random.NewRandomId(ctx, name+"-final-snapshot", &random.RandomIdArgs{ByteLength: pulumi.Int(4)},
			parent)
		if err != nil {
			return nil, err
		}
		instance.FinalSnapshotIdentifier = pulumi.Sprintf("%s-final-%s", args.Identifier, suffix.Hex)
	}
	d.Instance, err = rds.NewInstance(ctx, name, instance, parent, pulumi.Protect(args.Protect),
		pulumi.DependsOn(append(logs, args.Prepared)),
		// RDS enlarges the storage by itself.
		pulumi.IgnoreChanges(growing(args)),
		// Its fixed name is taken while the old one is there.
		pulumi.DeleteBeforeReplace(true),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "90m", Update: "120m", Delete: "90m"}))
	if err != nil {
		return nil, fmt.Errorf("the database instance: %w", err)
	}
	d.Address = d.Instance.Address
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{"address": d.Address})
}

func growing(args Args) []string {
	if args.MaxStorageGiB > args.StorageGiB {
		return []string{"allocatedStorage"}
	}
	return nil
}

func parameter(name, value string) *rds.ParameterGroupParameterArgs {
	return &rds.ParameterGroupParameterArgs{Name: pulumi.String(name), Value: pulumi.String(value),
		ApplyMethod: pulumi.String("immediate")}
}
