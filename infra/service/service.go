// Package service builds the app's own tier: what its instances are started from, the group that keeps as many as are
// needed, what they may do, and the rolling change to a new release. main.go imports it.
package service

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/host/release"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/iam"
	"dossier.example/infra/network"
	"dossier.example/infra/parameters"
	"dossier.example/infra/settings"
	"dossier.example/infra/site"
	"dossier.example/infra/storage"
)

// Args is what a Service is built from.
type Args struct {
	// Prefix begins names and Name tags, Path those of log groups: dossier-<stack> and /dossier/<stack>.
	Prefix, Path string
	// Tags are put on the group, instances and volumes, which a provider's default tags do not reach.
	Tags            map[string]string
	Region, Account string
	settings.Service
	// Image is the AMI. Newest tells that nobody named it: it is the newest of today, and tomorrow's is no change.
	Image      string
	Newest     bool
	Port       int
	Network    *network.Network
	Site       *site.Site
	Storage    *storage.Storage
	Parameters *parameters.Parameters
	Release    release.Release
	// Schema is what instances wait for, and Prepared when the account has the service-linked role of Auto Scaling.
	Schema, Prepared pulumi.Resource
	LogDays          int
	// Boundary is the permissions boundary of the instances' role, empty for none.
	Boundary string
}

// Service is the app on its instances.
type Service struct {
	pulumi.ResourceState

	Template *ec2.LaunchTemplate
	Group    *autoscaling.Group
	Role     *iam.Instance
	Logs     *cloudwatch.LogGroup
}

// hook is the name of the lifecycle hook by which an instance tells that it is ready.
const hook = "ready"

// New builds a Service.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Service, error) {
	s := &Service{}
	if err := ctx.RegisterComponentResource("dossier:service:Service", name, s, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(s)
	// The name is fixed because the instances' role and user-data hold it before the group is there.
	group := args.Prefix + "-app"
	var err error
	s.Logs, err = cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name: pulumi.String(args.Path + "/app"), RetentionInDays: pulumi.Int(args.LogDays),
	}, parent)
	if err != nil {
		return nil, err
	}
	if s.Role, err = iam.InstanceRole(ctx, name, "Instances of the app of "+args.Prefix, args.Boundary,
		statements(args, s.Logs, group), parent); err != nil {
		return nil, err
	}
	if s.Template, err = s.template(ctx, name, group, args, parent); err != nil {
		return nil, err
	}
	subnets := pulumi.StringArray{}
	for _, subnet := range args.Network.Private {
		subnets = append(subnets, subnet.ID())
	}
	ready := append(append(append(s.Role.Ready, args.Network.Ready...), args.Site.Ready...), args.Storage.Ready...)
	ready = append(append(ready, args.Parameters.All...), args.Schema, args.Prepared, s.Logs)
	s.Group, err = autoscaling.NewGroup(ctx, name, &autoscaling.GroupArgs{
		Name: pulumi.String(group), MinSize: pulumi.Int(args.Min), MaxSize: pulumi.Int(args.Max),
		DesiredCapacity:    pulumi.Int(args.Min),
		VpcZoneIdentifiers: subnets, TargetGroupArns: pulumi.StringArray{args.Site.Targets.Arn},
		LaunchTemplate: &autoscaling.GroupLaunchTemplateArgs{
			Id: s.Template.ID(), Version: pulumi.Sprintf("%d", s.Template.LatestVersion),
		},
		// The target group asks /livez, which no outage elsewhere fails: what is replaced here is really dead.
		HealthCheckType: pulumi.String("ELB"), HealthCheckGracePeriod: pulumi.Int(60),
		DefaultInstanceWarmup: pulumi.Int(60),
		InitialLifecycleHooks: autoscaling.GroupInitialLifecycleHookArray{&autoscaling.GroupInitialLifecycleHookArgs{
			Name: pulumi.String(hook), LifecycleTransition: pulumi.String("autoscaling:EC2_INSTANCE_LAUNCHING"),
			HeartbeatTimeout: seconds(args.BootTimeout), DefaultResult: pulumi.String("ABANDON"),
		}},
		// A replacement is in service before the instance that it replaces goes.
		InstanceMaintenancePolicy: &autoscaling.GroupInstanceMaintenancePolicyArgs{
			MinHealthyPercentage: pulumi.Int(MinHealthy), MaxHealthyPercentage: pulumi.Int(MaxHealthy),
		},
		// The rollout waits, and tells more when there is something to tell.
		WaitForCapacityTimeout: pulumi.String("0"),
		EnabledMetrics: pulumi.ToStringArray([]string{"GroupDesiredCapacity", "GroupInServiceInstances",
			"GroupPendingInstances", "GroupMaxSize"}),
		MetricsGranularity: pulumi.String("1Minute"),
		Tags:               groupTags(group, args.Tags),
	}, parent, pulumi.DependsOn(ready),
		// Scaling owns the size; the rollout owns the version, which AWS itself moves when a refresh succeeded, and
		// only then: what fails goes back to the version that the group still has.
		pulumi.IgnoreChanges([]string{"desiredCapacity", "launchTemplate.version", "initialLifecycleHooks"}),
		pulumi.DeleteBeforeReplace(true),
		// An instance that leaves may take the whole deregistration delay.
		pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: (args.DeregistrationDelay + 15*time.Minute).String()}))
	if err != nil {
		return nil, err
	}
	// The group's own hook is there before its first instance but cannot be changed later; this is the same one, and
	// can.
	if _, err := autoscaling.NewLifecycleHook(ctx, name, &autoscaling.LifecycleHookArgs{
		AutoscalingGroupName: s.Group.Name, Name: pulumi.String(hook),
		LifecycleTransition: pulumi.String("autoscaling:EC2_INSTANCE_LAUNCHING"),
		HeartbeatTimeout:    seconds(args.BootTimeout), DefaultResult: pulumi.String("ABANDON"),
	}, parent); err != nil {
		return nil, err
	}
	if err := s.scale(ctx, name, args, parent); err != nil {
		return nil, err
	}
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{"group": s.Group.Name})
}

// MinHealthy and MaxHealthy are the bounds, in percent of the desired capacity, between which instances are replaced:
// never fewer than wanted, and a tenth more, but at least one, at a time.
const (
	MinHealthy = 100
	MaxHealthy = 110
)

func (s *Service) template(ctx *pulumi.Context, name, group string, args Args,
	parent pulumi.ResourceOption) (*ec2.LaunchTemplate, error) {
	// The object is among what is waited for, so that no version names a release before it is there.
	userData := pulumi.All(args.Storage.Releases.ID(), args.Storage.Release.Key).ApplyT(func(v []any) (string, error) {
		script, err := userdata.App{
			Region: args.Region, Bucket: string(v[0].(pulumi.ID)), Key: v[1].(string), SHA256: args.Release.SHA256,
			Parameters: args.Parameters.Path(), Group: group, Hook: hook, LogGroup: args.Path + "/app", Port: args.Port,
			ShutdownTimeout: args.ShutdownTimeout, StopTimeout: args.StopTimeout, BootTimeout: args.BootTimeout,
		}.UserData()
		if err != nil {
			return "", fmt.Errorf("the instances' user-data: %w", err)
		}
		return base64.StdEncoding.EncodeToString([]byte(script)), nil
	}).(pulumi.StringOutput)
	tags := pulumi.ToStringMap(args.Tags)
	tags["Name"] = pulumi.String(group)
	// Instances read their settings once, at their start. A changed value changes this tag, so the template, so the
	// instances.
	instance := maps.Clone(tags)
	instance["Configuration"] = args.Parameters.Configuration
	var ignore []string
	if args.Newest {
		ignore = []string{"imageId"}
	}
	return ec2.NewLaunchTemplate(ctx, name, &ec2.LaunchTemplateArgs{
		ImageId: pulumi.String(args.Image), InstanceType: pulumi.String(args.InstanceType), UserData: userData,
		Description: pulumi.String("Release " + args.Release.SHA256[:12]),
		// The rollout deletes old versions, and EC2 keeps the default one.
		UpdateDefaultVersion: pulumi.Bool(true),
		IamInstanceProfile:   &ec2.LaunchTemplateIamInstanceProfileArgs{Arn: s.Role.Profile.Arn},
		NetworkInterfaces: ec2.LaunchTemplateNetworkInterfaceArray{&ec2.LaunchTemplateNetworkInterfaceArgs{
			DeviceIndex: pulumi.Int(0), AssociatePublicIpAddress: pulumi.String("false"),
			DeleteOnTermination: pulumi.String("true"),
			SecurityGroups:      pulumi.StringArray{args.Network.Groups.App.ID()},
		}},
		MetadataOptions: &ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"), HttpTokens: pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1),
		},
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{&ec2.LaunchTemplateBlockDeviceMappingArgs{
			DeviceName: pulumi.String("/dev/xvda"),
			Ebs: &ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				VolumeType: pulumi.String("gp3"), VolumeSize: pulumi.Int(args.DiskGiB),
				Encrypted: pulumi.String("true"), DeleteOnTermination: pulumi.String("true"),
			},
		}},
		// By the minute: the five minutes that cost nothing are too slow to scale by
		// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html).
		Monitoring: &ec2.LaunchTemplateMonitoringArgs{Enabled: pulumi.Bool(true)},
		// A burst that goes on costs a little more instead of slowing uploads down.
		CreditSpecification: creditsOf(args.InstanceType),
		TagSpecifications: ec2.LaunchTemplateTagSpecificationArray{
			&ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("instance"), Tags: instance},
			&ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String("volume"), Tags: tags},
		},
	}, parent, pulumi.IgnoreChanges(ignore))
}

// groupTags are the tags of the group itself. Its instances have theirs from the template.
func groupTags(name string, tags map[string]string) autoscaling.GroupTagArray {
	list := autoscaling.GroupTagArray{&autoscaling.GroupTagArgs{
		Key: pulumi.String("Name"), Value: pulumi.String(name), PropagateAtLaunch: pulumi.Bool(true),
	}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if key != "Name" {
			list = append(list, &autoscaling.GroupTagArgs{
				Key: pulumi.String(key), Value: pulumi.String(tags[key]), PropagateAtLaunch: pulumi.Bool(false),
			})
		}
	}
	return list
}

func creditsOf(instanceType string) ec2.LaunchTemplateCreditSpecificationPtrInput {
	if instanceType[0] != 't' {
		return nil
	}
	return &ec2.LaunchTemplateCreditSpecificationArgs{CpuCredits: pulumi.String("unlimited")}
}

func (s *Service) scale(ctx *pulumi.Context, name string, args Args, parent pulumi.ResourceOption) error {
	if args.Min == args.Max {
		return nil
	}
	track := func(label string, target int,
		metric *autoscaling.PolicyTargetTrackingConfigurationPredefinedMetricSpecificationArgs) error {
		_, err := autoscaling.NewPolicy(ctx, name+"-"+label, &autoscaling.PolicyArgs{
			AutoscalingGroupName: s.Group.Name, PolicyType: pulumi.String("TargetTrackingScaling"),
			TargetTrackingConfiguration: &autoscaling.PolicyTargetTrackingConfigurationArgs{
				TargetValue: pulumi.Float64(float64(target)), PredefinedMetricSpecification: metric,
			},
		}, parent)
		return err
	}
	if err := track("cpu", args.CPUTarget,
		&autoscaling.PolicyTargetTrackingConfigurationPredefinedMetricSpecificationArgs{
			PredefinedMetricType: pulumi.String("ASGAverageCPUUtilization"),
		}); err != nil {
		return err
	}
	return track("requests", args.RequestsTarget,
		&autoscaling.PolicyTargetTrackingConfigurationPredefinedMetricSpecificationArgs{
			PredefinedMetricType: pulumi.String("ALBRequestCountPerTarget"),
			ResourceLabel:        pulumi.Sprintf("%s/%s", args.Site.Balancer.ArnSuffix, args.Site.Targets.ArnSuffix),
		})
}

func seconds(d time.Duration) pulumi.Int { return pulumi.Int(int(d / time.Second)) }
