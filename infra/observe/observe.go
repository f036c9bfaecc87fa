// Package observe builds what shows on-call what is wrong, where, and since when: alarms to a topic, events of the
// group, and one dashboard. main.go imports it.
package observe

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/iam"
	"dossier.example/infra/settings"
	"dossier.example/infra/site"
)

// Args is what an Observe is built from.
type Args struct {
	// Prefix is the dashboard's name and the namespace of the app's own metrics, and begins descriptions:
	// dossier-<stack>.
	Prefix          string
	Region, Account string
	settings.Observe
	// Connections is the database's max_connections.
	Connections int
	Site        *site.Site
	Group       *autoscaling.Group
	Database    *rds.Instance
	Table       *dynamodb.Table
	// Logs is the name of the app's log group.
	Logs pulumi.StringInput
}

// Observe is the alarms and the dashboard.
type Observe struct {
	pulumi.ResourceState

	Topic *sns.Topic
	// Rollback are the names of the alarms that tell that a new release is bad.
	Rollback pulumi.StringArray
	// DashboardURL leads to the dashboard in the console.
	DashboardURL pulumi.StringOutput
}

// New builds an Observe.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Observe, error) {
	o := &Observe{}
	if err := ctx.RegisterComponentResource("dossier:observe:Observe", name, o, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(o)
	var err error
	if o.Topic, err = sns.NewTopic(ctx, name, &sns.TopicArgs{DisplayName: pulumi.String(args.Prefix)},
		parent); err != nil {
		return nil, err
	}
	own := pulumi.Map{"StringEquals": pulumi.StringMap{"aws:SourceAccount": pulumi.String(args.Account)}}
	if _, err := sns.NewTopicPolicy(ctx, name, &sns.TopicPolicyArgs{Arn: o.Topic.Arn, Policy: iam.Document(
		iam.Statement{
			Sid: "Alarms", Principal: iam.Service("cloudwatch.amazonaws.com"), Actions: []string{"sns:Publish"},
			Resources: []pulumi.StringInput{o.Topic.Arn}, Conditions: own,
		},
		iam.Statement{
			Sid: "Events", Principal: iam.Service("events.amazonaws.com"), Actions: []string{"sns:Publish"},
			Resources: []pulumi.StringInput{o.Topic.Arn},
		},
	)}, parent); err != nil {
		return nil, err
	}
	if args.Email != "" {
		if _, err := sns.NewTopicSubscription(ctx, name, &sns.TopicSubscriptionArgs{
			Topic: o.Topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(args.Email),
		}, parent); err != nil {
			return nil, err
		}
	}
	if err := o.addMetrics(ctx, name, args, parent); err != nil {
		return nil, err
	}
	if err := o.addAlarms(ctx, name, args, false, parent); err != nil {
		return nil, err
	}
	if err := o.addEvents(ctx, name, args, parent); err != nil {
		return nil, err
	}
	if _, err := cloudwatch.NewDashboard(ctx, name, &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(args.Prefix), DashboardBody: dashboard(args),
	}, parent); err != nil {
		return nil, err
	}
	o.DashboardURL = pulumi.Sprintf(
		"https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s", args.Region, args.Region,
		args.Prefix)
	return o, ctx.RegisterResourceOutputs(o, pulumi.Map{"topic": o.Topic.Arn})
}

// addEvents tells of what has no metric: refreshes that failed or were undone, instances that could not be launched.
func (o *Observe) addEvents(ctx *pulumi.Context, name string, args Args, parent pulumi.ResourceOption) error {
	rule, err := cloudwatch.NewEventRule(ctx, name+"-group", &cloudwatch.EventRuleArgs{
		Description: pulumi.String("Failed refreshes and launches of " + args.Prefix),
		// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
		EventPattern: pulumi.JSONMarshal(pulumi.Map{
			"source": pulumi.ToStringArray([]string{"aws.autoscaling"}),
			"detail-type": pulumi.ToStringArray([]string{
				"EC2 Auto Scaling Instance Refresh Failed", "EC2 Auto Scaling Instance Refresh Rollback Succeeded",
				"EC2 Auto Scaling Instance Refresh Rollback Failed", "EC2 Instance Launch Unsuccessful",
			}),
			"detail": pulumi.Map{"AutoScalingGroupName": pulumi.StringArray{args.Group.Name}},
		}),
	}, parent)
	if err != nil {
		return err
	}
	_, err = cloudwatch.NewEventTarget(ctx, name+"-group",
		&cloudwatch.EventTargetArgs{Rule: rule.Name, Arn: o.Topic.Arn}, parent)
	return err
}
