// Package jump builds the jump server, the one host that operators can reach, and the command that creates the
// database's schema on it. main.go imports it.
package jump

import (
	"fmt"
	"maps"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/database"
	"dossier.example/infra/host/schema"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/iam"
	"dossier.example/infra/network"
	"dossier.example/infra/parameters"
	"dossier.example/infra/settings"
	"dossier.example/infra/storage"
)

// Args is what a Jump is built from.
type Args struct {
	// Prefix begins the Name tags: dossier-<stack>.
	Prefix string
	Region string
	// Environment is what the schema command needs to find the credentials, beside what is in Pulumi's own.
	Environment pulumi.StringMap
	settings.Jump
	// Image is the AMI. Newest tells that nobody named it: it is the newest of today, and tomorrow's is no change.
	Image      string
	Newest     bool
	Network    *network.Network
	Parameters *parameters.Parameters
	Storage    *storage.Storage
	Database   *database.Database
	// Migrations is the hash of what the schema command applies.
	Migrations string
	// Credentials counts the database's passwords.
	Credentials int
	// Boundary is the permissions boundary of the server's role, empty for none.
	Boundary string
	// VolumeTags are put on the server's volume, which a provider's default tags do not reach.
	VolumeTags map[string]string
}

// Jump is the jump server.
type Jump struct {
	pulumi.ResourceState

	Instance *ec2.Instance
	Role     *iam.Instance
	// Schema is the command: what reads the database waits for it.
	Schema pulumi.Resource
	// PrivateKey is what operators sign in with; secret, and empty where nobody may connect. HostKey is what they know
	// the server by, the public half in OpenSSH's form; empty likewise.
	PrivateKey, HostKey pulumi.StringOutput
	// Address is the public one: an Elastic IP where operators may connect, else the instance's own, which changes when
	// it is stopped and started.
	Address pulumi.StringOutput
}

// The schema command waits so long for the database, and so long in all.
const (
	databaseWait   = 10 * time.Minute
	commandTimeout = 30 * time.Minute
)

// User is the one that Amazon Linux makes for operators.
const User = "ec2-user"

// New builds a Jump.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Jump, error) {
	none := pulumi.String("").ToStringOutput()
	j := &Jump{PrivateKey: none, HostKey: none}
	if err := ctx.RegisterComponentResource("dossier:jump:Jump", name, j, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(j)
	ssh := len(args.OperatorCIDRs) > 0

	var login, host *tls.PrivateKey
	instance := &ec2.InstanceArgs{}
	hostKeyParameter := ""
	if ssh {
		var err error
		if login, err = tls.NewPrivateKey(ctx, name+"-login", &tls.PrivateKeyArgs{Algorithm: pulumi.String("ED25519")},
			parent); err != nil {
			return nil, err
		}
		if host, err = tls.NewPrivateKey(ctx, name+"-host", &tls.PrivateKeyArgs{Algorithm: pulumi.String("ED25519")},
			parent); err != nil {
			return nil, err
		}
		if err := args.Parameters.Add(ctx, name, parameters.JumpHostKey, host.PrivateKeyOpenssh, true); err != nil {
			return nil, err
		}
		key, err := ec2.NewKeyPair(ctx, name, &ec2.KeyPairArgs{PublicKey: login.PublicKeyOpenssh}, parent)
		if err != nil {
			return nil, err
		}
		instance.KeyName = key.KeyName
		hostKeyParameter = args.Parameters.Path() + "/" + parameters.JumpHostKey
		j.PrivateKey, j.HostKey = pulumi.ToSecret(login.PrivateKeyOpenssh).(pulumi.StringOutput), host.PublicKeyOpenssh
	}
	userData, err := userdata.Jump{Region: args.Region, HostKeyParameter: hostKeyParameter}.UserData()
	if err != nil {
		return nil, fmt.Errorf("the jump server's user-data: %w", err)
	}
	if j.Role, err = iam.InstanceRole(ctx, name, "Jump server of "+args.Prefix, args.Boundary, statements(args, ssh),
		parent); err != nil {
		return nil, err
	}
	tags := pulumi.StringMap{"Name": pulumi.String(args.Prefix + "-jump")}
	instance.Ami, instance.InstanceType = pulumi.String(args.Image), pulumi.String(args.InstanceType)
	instance.SubnetId = args.Network.Public[0].ID()
	instance.VpcSecurityGroupIds = pulumi.StringArray{args.Network.Groups.Jump.ID()}
	instance.AssociatePublicIpAddress = pulumi.Bool(true)
	instance.IamInstanceProfile = j.Role.Profile.Name
	instance.UserData, instance.UserDataReplaceOnChange = pulumi.String(userData), pulumi.Bool(true)
	instance.MetadataOptions = &ec2.InstanceMetadataOptionsArgs{
		HttpEndpoint: pulumi.String("enabled"), HttpTokens: pulumi.String("required"),
		HttpPutResponseHopLimit: pulumi.Int(1),
	}
	instance.RootBlockDevice = &ec2.InstanceRootBlockDeviceArgs{
		Encrypted: pulumi.Bool(true), VolumeType: pulumi.String("gp3"), VolumeSize: pulumi.Int(8),
		DeleteOnTermination: pulumi.Bool(true),
	}
	volume := pulumi.ToStringMap(args.VolumeTags)
	maps.Copy(volume, tags)
	instance.Tags, instance.VolumeTags = tags, volume
	ready := append(append(j.Role.Ready, args.Network.Ready...), args.Parameters.All...)
	// A server that was stopped to save money has no public address, which would else replace it
	// (https://github.com/hashicorp/terraform-provider-aws/issues/33775).
	ignore := []string{"associatePublicIpAddress"}
	if args.Newest {
		ignore = append(ignore, "ami")
	}
	j.Instance, err = ec2.NewInstance(ctx, name, instance, parent, pulumi.DependsOn(ready),
		pulumi.IgnoreChanges(ignore))
	if err != nil {
		return nil, err
	}
	var reachable pulumi.Resource = j.Instance

	j.Address = j.Instance.PublicIp
	if ssh {
		// What operators and the schema command connect to stays while the server is stopped, and comes back with it.
		address, err := ec2.NewEip(ctx, name, &ec2.EipArgs{Domain: pulumi.String("vpc"), Tags: tags}, parent,
			pulumi.DependsOn(args.Network.Ready))
		if err != nil {
			return nil, err
		}
		association, err := ec2.NewEipAssociation(ctx, name,
			&ec2.EipAssociationArgs{AllocationId: address.ID(), InstanceId: j.Instance.ID()}, parent,
			pulumi.DeleteBeforeReplace(true))
		if err != nil {
			return nil, err
		}
		j.Address, reachable = address.PublicIp, association
	}

	script := pulumi.All(args.Storage.Releases.ID()).ApplyT(func(v []any) (string, error) {
		return schema.Script{
			Region: args.Region, Bucket: string(v[0].(pulumi.ID)), Parameters: args.Parameters.Path(),
			ReleaseParameter: args.Parameters.Path() + "/" + parameters.Release, Wait: databaseWait,
		}.Render()
	}).(pulumi.StringOutput)
	// What makes the command run again, beside another jump server or another script, which change nothing in the
	// database. The release is not among it: the script finds the present one by its parameter, so a new release
	// without new migrations changes nothing here.
	triggers := pulumi.Array{pulumi.String(args.Migrations), args.Database.Instance.ResourceId,
		pulumi.Int(args.Credentials)}
	wait := pulumi.DependsOn(append([]pulumi.Resource{reachable, args.Database.Instance, args.Storage.Release},
		args.Parameters.All...))
	timeouts := pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "40m", Update: "40m"})
	if ssh {
		j.Schema, err = remote.NewCommand(ctx, name+"-schema", &remote.CommandArgs{
			Connection: remote.ConnectionArgs{
				Host: j.Address, User: pulumi.String(User), PrivateKey: login.PrivateKeyOpenssh,
				HostKey: host.PublicKeyOpenssh,
				// Until the server has its host key, a minute or two after its start, connections are refused: so many
				// times at most.
				DialErrorLimit: pulumi.Int(60), PerDialTimeout: pulumi.Int(10),
			},
			Create: script, Triggers: triggers, AddPreviousOutputInEnv: pulumi.Bool(false),
		}, parent, wait, timeouts)
	} else {
		j.Schema, err = local.NewCommand(ctx, name+"-schema", &local.CommandArgs{
			Create: pulumi.Sprintf("go run dossier.example/infra/cmd/runcommand --instance %s --region %s --timeout %s",
				j.Instance.ID(), args.Region, commandTimeout.String()),
			Environment: args.Environment, Stdin: script, Triggers: triggers, AddPreviousOutputInEnv: pulumi.Bool(false),
		}, parent, wait, timeouts)
	}
	if err != nil {
		return nil, err
	}
	return j, ctx.RegisterResourceOutputs(j, pulumi.Map{"instanceId": j.Instance.ID()})
}

// statements is what the jump server may do: get the release, and read what the schema command and its own start need.
func statements(args Args, ssh bool) []iam.Statement {
	read := []pulumi.StringInput{args.Parameters.ARN(parameters.Release)}
	if ssh {
		read = append(read, args.Parameters.ARN(parameters.JumpHostKey))
	}
	return []iam.Statement{
		{
			Sid: "Release", Actions: []string{"s3:GetObject"},
			Resources: []pulumi.StringInput{pulumi.Sprintf("%s/releases/*", args.Storage.Releases.Arn)},
		},
		{Sid: "Start", Actions: []string{"ssm:GetParameter"}, Resources: read},
		// The settings of "dossier migrate" and "dossier audit prune", the administrator's among them.
		{
			Sid: "Settings", Actions: []string{"ssm:GetParameters"},
			Resources: []pulumi.StringInput{args.Parameters.ARN("db/*"), args.Parameters.ARN("log/*"),
				args.Parameters.ARN("timeout/*"), args.Parameters.ARN("audit-retention")},
		},
	}
}
