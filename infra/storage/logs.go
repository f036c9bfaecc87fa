package storage

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/iam"
)

// The prefixes of the kinds of logs in their bucket. The load balancer and the flow log add AWSLogs/<account>/ to their
// own.
const (
	BalancerLogs = "load-balancer"
	FlowLogs     = "flow"
	serverLogs   = "s3/"
)

// LogsArgs is what a Logs is built from.
type LogsArgs struct {
	// Region and Account are the stack's; Account is the id of the AWS account.
	Region, Account string
	// Days is for how long logs are kept.
	Days int
}

// Logs is the bucket of access logs and flow logs.
type Logs struct {
	pulumi.ResourceState

	Bucket *s3.BucketV2
	// Ready is there when logs can be delivered: a load balancer writes a test object when its logs are turned on, and
	// S3 refuses to write to a bucket that does not let it.
	Ready pulumi.Resource
}

// NewLogs builds a Logs.
func NewLogs(ctx *pulumi.Context, name string, args LogsArgs, opts ...pulumi.ResourceOption) (*Logs, error) {
	l := &Logs{}
	if err := ctx.RegisterComponentResource("dossier:storage:Logs", name, l, opts...); err != nil {
		return nil, err
	}
	account := pulumi.StringMap{"aws:SourceAccount": pulumi.String(args.Account)}
	delivery := pulumi.Map{
		"StringEquals": account,
		"ArnLike": pulumi.StringMap{"aws:SourceArn": pulumi.String("arn:aws:logs:" + args.Region + ":" +
			args.Account + ":*")},
	}
	var err error
	l.Bucket, l.Ready, err = bucket{
		rules: s3.BucketLifecycleConfigurationV2RuleArray{expire(args.Days)},
		statements: func(arn pulumi.StringInput) []iam.Statement {
			return []iam.Statement{
				{
					// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
					Sid: "LoadBalancerLogs", Principal: iam.Service("logdelivery.elasticloadbalancing.amazonaws.com"),
					Actions: []string{"s3:PutObject"},
					Resources: []pulumi.StringInput{pulumi.Sprintf("%s/%s/AWSLogs/%s/*", arn, BalancerLogs,
						args.Account)},
				},
				{
					// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
					Sid: "FlowLogs", Principal: iam.Service("delivery.logs.amazonaws.com"),
					Actions:    []string{"s3:PutObject"},
					Resources:  []pulumi.StringInput{pulumi.Sprintf("%s/%s/AWSLogs/%s/*", arn, FlowLogs, args.Account)},
					Conditions: delivery,
				},
				{
					Sid: "FlowLogsCheck", Principal: iam.Service("delivery.logs.amazonaws.com"),
					Actions:   []string{"s3:GetBucketAcl", "s3:ListBucket"},
					Resources: []pulumi.StringInput{arn}, Conditions: delivery,
				},
				{
					// https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
					Sid: "ServerAccessLogs", Principal: iam.Service("logging.s3.amazonaws.com"),
					Actions:    []string{"s3:PutObject"},
					Resources:  []pulumi.StringInput{pulumi.Sprintf("%s/%s*", arn, serverLogs)},
					Conditions: pulumi.Map{"StringEquals": account},
				},
			}
		},
	}.create(ctx, name, pulumi.Parent(l))
	if err != nil {
		return nil, err
	}
	return l, ctx.RegisterResourceOutputs(l, pulumi.Map{"bucket": l.Bucket.ID()})
}
