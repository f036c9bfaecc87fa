package prove

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"dossier.example/infra/internal/pages"
)

// look is one proof: the clients, and the answers that several points share.
type look struct {
	Prover
	acm     *acm.Client
	scaling *autoscaling.Client
	watch   *cloudwatch.Client
	logs    *cloudwatchlogs.Client
	dynamo  *dynamodb.Client
	ec2     *ec2.Client
	elb     *elb.Client
	events  *eventbridge.Client
	rds     *rds.Client
	route53 *route53.Client
	s3      *s3.Client
	// plainS3 sends its requests without TLS, which the buckets refuse.
	plainS3 *s3.Client
	sns     *sns.Client
	ssm     *ssm.Client
	sts     *sts.Client

	// answered are the answers that several points share, by the question.
	answered sync.Map
}

func newLook(p Prover) *look {
	return &look{
		Prover: p, acm: acm.NewFromConfig(p.Config), scaling: autoscaling.NewFromConfig(p.Config),
		watch: cloudwatch.NewFromConfig(p.Config),
		logs:  cloudwatchlogs.NewFromConfig(p.Config), dynamo: dynamodb.NewFromConfig(p.Config),
		ec2: ec2.NewFromConfig(p.Config),
		elb: elb.NewFromConfig(p.Config), events: eventbridge.NewFromConfig(p.Config), rds: rds.NewFromConfig(p.Config),
		route53: route53.NewFromConfig(p.Config), s3: s3.NewFromConfig(p.Config), sns: sns.NewFromConfig(p.Config),
		ssm:     ssm.NewFromConfig(p.Config),
		sts:     sts.NewFromConfig(p.Config),
		plainS3: s3.NewFromConfig(p.Config, func(o *s3.Options) { o.EndpointOptions.DisableHTTPS = true }),
	}
}

// shared is the answer to a question that several points have, which is asked once.
func shared[T any](ctx context.Context, l *look, question string, ask func(context.Context) (T, error)) (T, error) {
	known, _ := l.answered.LoadOrStore(question, once(ask))
	return known.(func(context.Context) (T, error))(ctx)
}

// about is a point that looks at one of them.
func about[T any](fact func(*look, context.Context) (T, error),
	judge func(ctx context.Context, l *look, fact T) (answer, error)) func(context.Context, *look) (answer, error) {
	return func(ctx context.Context, l *look) (answer, error) {
		v, err := fact(l, ctx)
		if err != nil {
			return answer{}, err
		}
		return judge(ctx, l, v)
	}
}

func (l *look) vpc(ctx context.Context) (types.Vpc, error) { return shared(ctx, l, "vpc", l.findVPC) }
func (l *look) subnets(ctx context.Context) ([]types.Subnet, error) {
	return shared(ctx, l, "subnets", l.listSubnets)
}
func (l *look) routeTables(ctx context.Context) ([]types.RouteTable, error) {
	return shared(ctx, l, "routeTables", l.listRouteTables)
}
func (l *look) securityGroups(ctx context.Context) ([]types.SecurityGroup, error) {
	return shared(ctx, l, "securityGroups", l.listSecurityGroups)
}
func (l *look) flowLog(ctx context.Context) (types.FlowLog, error) {
	return shared(ctx, l, "flowLog", l.findFlowLog)
}
func (l *look) hosts(ctx context.Context) ([]types.Instance, error) {
	return shared(ctx, l, "hosts", l.listHosts)
}
func (l *look) template(ctx context.Context) (template, error) {
	return shared(ctx, l, "template", l.readTemplate)
}
func (l *look) group(ctx context.Context) (scalingtypes.AutoScalingGroup, error) {
	return shared(ctx, l, "group", l.findGroup)
}
func (l *look) managed(ctx context.Context) ([]ssmtypes.InstanceInformation, error) {
	return shared(ctx, l, "managed", l.listManaged)
}
func (l *look) balancer(ctx context.Context) (elbtypes.LoadBalancer, error) {
	return shared(ctx, l, "balancer", l.findBalancer)
}
func (l *look) listeners(ctx context.Context) ([]elbtypes.Listener, error) {
	return shared(ctx, l, "listeners", l.listListeners)
}
func (l *look) certificate(ctx context.Context) (acmtypes.CertificateDetail, error) {
	return shared(ctx, l, "certificate", l.findCertificate)
}
func (l *look) database(ctx context.Context) (rdstypes.DBInstance, error) {
	return shared(ctx, l, "database", l.findDatabase)
}
func (l *look) parameters(ctx context.Context) (map[string]ssmtypes.Parameter, error) {
	return shared(ctx, l, "parameters", l.listParameters)
}
func (l *look) buckets(ctx context.Context) (buckets, error) {
	return shared(ctx, l, "buckets", l.findBuckets)
}
func (l *look) table(ctx context.Context) (tabletypes.TableDescription, error) {
	return shared(ctx, l, "table", l.findTable)
}
func (l *look) alarms(ctx context.Context) ([]watchtypes.MetricAlarm, error) {
	return shared(ctx, l, "alarms", l.listAlarms)
}
func (l *look) logGroups(ctx context.Context) ([]logstypes.LogGroup, error) {
	return shared(ctx, l, "logGroups", l.listLogGroups)
}

// absent is the error of something that AWS lists, and does not list: a point that asks for it is wrong.
func absent(what string, args ...any) error {
	return &smithy.GenericAPIError{Code: "NotFound", Message: fmt.Sprintf("not found: "+what, args...)}
}

// shortened is the innermost part of an error of the SDK, which begins with the names of the operation and the request.
func shortened(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return err.Error()
}

func filter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func tagsOf(tags []types.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

func (l *look) findVPC(ctx context.Context) (types.Vpc, error) {
	name := l.Stack.prefix() + "-vpc"
	out, err := l.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: filter("tag:Name", name)})
	if err != nil {
		return types.Vpc{}, err
	}
	if len(out.Vpcs) != 1 {
		return types.Vpc{}, absent("VPC, or more than one, of the name %s", name)
	}
	return out.Vpcs[0], nil
}

// within is a filter for what is in the stack's VPC.
func (l *look) within(ctx context.Context) ([]types.Filter, error) {
	vpc, err := l.vpc(ctx)
	if err != nil {
		return nil, err
	}
	return filter("vpc-id", aws.ToString(vpc.VpcId)), nil
}

func (l *look) listSubnets(ctx context.Context) (list []types.Subnet, err error) {
	within, err := l.within(ctx)
	if err != nil {
		return nil, err
	}
	return pages.All(ctx, ec2.NewDescribeSubnetsPaginator(l.ec2, &ec2.DescribeSubnetsInput{Filters: within}),
		func(page *ec2.DescribeSubnetsOutput) []types.Subnet { return page.Subnets })
}

func (l *look) listRouteTables(ctx context.Context) (list []types.RouteTable, err error) {
	within, err := l.within(ctx)
	if err != nil {
		return nil, err
	}
	return pages.All(ctx, ec2.NewDescribeRouteTablesPaginator(l.ec2, &ec2.DescribeRouteTablesInput{Filters: within}),
		func(page *ec2.DescribeRouteTablesOutput) []types.RouteTable { return page.RouteTables })
}

func (l *look) listSecurityGroups(ctx context.Context) (list []types.SecurityGroup, err error) {
	within, err := l.within(ctx)
	if err != nil {
		return nil, err
	}
	return pages.All(ctx, ec2.NewDescribeSecurityGroupsPaginator(l.ec2,
		&ec2.DescribeSecurityGroupsInput{Filters: within}),
		func(page *ec2.DescribeSecurityGroupsOutput) []types.SecurityGroup { return page.SecurityGroups })
}

func (l *look) findFlowLog(ctx context.Context) (types.FlowLog, error) {
	vpc, err := l.vpc(ctx)
	if err != nil {
		return types.FlowLog{}, err
	}
	out, err := l.ec2.DescribeFlowLogs(ctx,
		&ec2.DescribeFlowLogsInput{Filter: filter("resource-id", aws.ToString(vpc.VpcId))})
	if err != nil {
		return types.FlowLog{}, err
	}
	if len(out.FlowLogs) == 0 {
		return types.FlowLog{}, absent("flow log of %s", aws.ToString(vpc.VpcId))
	}
	return out.FlowLogs[0], nil
}

// listHosts returns all instances in the VPC that are not gone: the app's, the jump server, a NAT instance, and any
// that should not be there.
func (l *look) listHosts(ctx context.Context) (list []types.Instance, err error) {
	within, err := l.within(ctx)
	if err != nil {
		return nil, err
	}
	there := filter("instance-state-name", "pending", "running", "stopping", "stopped")
	reservations, err := pages.All(ctx, ec2.NewDescribeInstancesPaginator(l.ec2,
		&ec2.DescribeInstancesInput{Filters: append(within, there...)}),
		func(page *ec2.DescribeInstancesOutput) []types.Reservation { return page.Reservations })
	for _, r := range reservations {
		list = append(list, r.Instances...)
	}
	return list, err
}

// template is what instances of the app are started from, with what their script installs.
type template struct {
	data                types.ResponseLaunchTemplateData
	bucket, key, sha256 string
}

// assignment finds what the script of package userdata says of the release.
var assignment = regexp.MustCompile(`(?m)^(bucket|key|sha256)='([^'\n]*)'$`)

func (l *look) readTemplate(ctx context.Context) (template, error) {
	id, version := l.Stack.Outputs.Rollout[rolloutTemplate], l.Stack.Outputs.Rollout[rolloutVersion]
	out, err := l.ec2.DescribeLaunchTemplateVersions(ctx,
		&ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id, Versions: []string{version}})
	if err != nil {
		return template{}, err
	}
	if len(out.LaunchTemplateVersions) != 1 || out.LaunchTemplateVersions[0].LaunchTemplateData == nil {
		return template{}, absent("version %s of the launch template %s", version, id)
	}
	t := template{data: *out.LaunchTemplateVersions[0].LaunchTemplateData}
	script, err := base64.StdEncoding.DecodeString(aws.ToString(t.data.UserData))
	if err != nil {
		return t, fmt.Errorf("decoding the user-data of %s: %w", id, err)
	}
	for _, m := range assignment.FindAllStringSubmatch(string(script), -1) {
		switch m[1] {
		case "bucket":
			t.bucket = m[2]
		case "key":
			t.key = m[2]
		case "sha256":
			t.sha256 = m[2]
		}
	}
	if t.bucket == "" || t.key == "" || t.sha256 == "" {
		return t, absent("release in the user-data of version %s of %s", version, id)
	}
	return t, nil
}

func (l *look) findGroup(ctx context.Context) (scalingtypes.AutoScalingGroup, error) {
	name := l.Stack.Outputs.Group
	out, err := l.scaling.DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil {
		return scalingtypes.AutoScalingGroup{}, err
	}
	if len(out.AutoScalingGroups) != 1 {
		return scalingtypes.AutoScalingGroup{}, absent("Auto Scaling group %s", name)
	}
	return out.AutoScalingGroups[0], nil
}

func (l *look) listManaged(ctx context.Context) (list []ssmtypes.InstanceInformation, err error) {
	input := &ssm.DescribeInstanceInformationInput{}
	return pages.All(ctx, ssm.NewDescribeInstanceInformationPaginator(l.ssm, input),
		func(page *ssm.DescribeInstanceInformationOutput) []ssmtypes.InstanceInformation {
			return page.InstanceInformationList
		})
}

func (l *look) targetGroup() string { return l.Stack.Outputs.Rollout[rolloutTargetGroup] }

func (l *look) findBalancer(ctx context.Context) (elbtypes.LoadBalancer, error) {
	groups, err := l.elb.DescribeTargetGroups(ctx,
		&elb.DescribeTargetGroupsInput{TargetGroupArns: []string{l.targetGroup()}})
	if err != nil {
		return elbtypes.LoadBalancer{}, err
	}
	if len(groups.TargetGroups) != 1 || len(groups.TargetGroups[0].LoadBalancerArns) != 1 {
		return elbtypes.LoadBalancer{}, absent("load balancer with the target group %s", l.targetGroup())
	}
	out, err := l.elb.DescribeLoadBalancers(ctx,
		&elb.DescribeLoadBalancersInput{LoadBalancerArns: groups.TargetGroups[0].LoadBalancerArns})
	if err != nil {
		return elbtypes.LoadBalancer{}, err
	}
	if len(out.LoadBalancers) != 1 {
		return elbtypes.LoadBalancer{}, absent("load balancer %s", groups.TargetGroups[0].LoadBalancerArns[0])
	}
	return out.LoadBalancers[0], nil
}

func (l *look) listListeners(ctx context.Context) ([]elbtypes.Listener, error) {
	balancer, err := l.balancer(ctx)
	if err != nil {
		return nil, err
	}
	out, err := l.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: balancer.LoadBalancerArn})
	if err != nil {
		return nil, err
	}
	return out.Listeners, nil
}

func (l *look) findCertificate(ctx context.Context) (acmtypes.CertificateDetail, error) {
	listeners, err := l.listeners(ctx)
	if err != nil {
		return acmtypes.CertificateDetail{}, err
	}
	for _, listener := range listeners {
		if listener.Protocol == elbtypes.ProtocolEnumHttps && len(listener.Certificates) > 0 {
			out, err := l.acm.DescribeCertificate(ctx,
				&acm.DescribeCertificateInput{CertificateArn: listener.Certificates[0].CertificateArn})
			if err != nil {
				return acmtypes.CertificateDetail{}, err
			}
			if out.Certificate == nil {
				break
			}
			return *out.Certificate, nil
		}
	}
	return acmtypes.CertificateDetail{}, absent("listener with a certificate")
}

func (l *look) findDatabase(ctx context.Context) (rdstypes.DBInstance, error) {
	name := l.Stack.prefix()
	out, err := l.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	if err != nil {
		return rdstypes.DBInstance{}, err
	}
	if len(out.DBInstances) != 1 {
		return rdstypes.DBInstance{}, absent("database %s", name)
	}
	return out.DBInstances[0], nil
}

// listParameters returns the parameters by name below the stack's path. Secrets stay encrypted.
func (l *look) listParameters(ctx context.Context) (map[string]ssmtypes.Parameter, error) {
	path := l.Stack.Outputs.Parameters
	all, err := pages.All(ctx, ssm.NewGetParametersByPathPaginator(l.ssm,
		&ssm.GetParametersByPathInput{Path: &path, Recursive: aws.Bool(true), WithDecryption: aws.Bool(false)}),
		func(page *ssm.GetParametersByPathOutput) []ssmtypes.Parameter { return page.Parameters })
	list := map[string]ssmtypes.Parameter{}
	for _, p := range all {
		list[strings.TrimPrefix(aws.ToString(p.Name), path+"/")] = p
	}
	return list, err
}

// value returns a parameter that is no secret.
func (l *look) value(ctx context.Context, name string) (string, error) {
	list, err := l.parameters(ctx)
	if err != nil {
		return "", err
	}
	p, ok := list[name]
	if !ok {
		return "", absent("parameter %s/%s", l.Stack.Outputs.Parameters, name)
	}
	return aws.ToString(p.Value), nil
}

// buckets are the names of the three.
type buckets struct{ files, releases, logs string }

func (b buckets) all() []string { return []string{b.files, b.releases, b.logs} }

// findBuckets finds each where it is used: that of files in the app's settings, that of releases in the instances'
// user-data, that of logs in what the load balancer writes to.
func (l *look) findBuckets(ctx context.Context) (b buckets, err error) {
	if b.files, err = l.value(ctx, "bucket"); err != nil {
		return b, err
	}
	t, err := l.template(ctx)
	if err != nil {
		return b, err
	}
	attributes, err := l.balancerAttributes(ctx)
	if err != nil {
		return b, err
	}
	b.releases, b.logs = t.bucket, attributes["access_logs.s3.bucket"]
	if b.logs == "" {
		return b, absent("bucket that the load balancer writes its access logs to")
	}
	return b, nil
}

func (l *look) balancerAttributes(ctx context.Context) (map[string]string, error) {
	balancer, err := l.balancer(ctx)
	if err != nil {
		return nil, err
	}
	out, err := l.elb.DescribeLoadBalancerAttributes(ctx,
		&elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: balancer.LoadBalancerArn})
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, a := range out.Attributes {
		m[aws.ToString(a.Key)] = aws.ToString(a.Value)
	}
	return m, nil
}

func (l *look) findTable(ctx context.Context) (tabletypes.TableDescription, error) {
	name, err := l.value(ctx, "table")
	if err != nil {
		return tabletypes.TableDescription{}, err
	}
	out, err := l.dynamo.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return tabletypes.TableDescription{}, err
	}
	if out.Table == nil {
		return tabletypes.TableDescription{}, absent("table %s", name)
	}
	return *out.Table, nil
}

// listAlarms returns the stack's: their names are the program's with letters of Pulumi's, their descriptions begin with
// the stack's name.
func (l *look) listAlarms(ctx context.Context) ([]watchtypes.MetricAlarm, error) {
	list, err := pages.All(ctx, cloudwatch.NewDescribeAlarmsPaginator(l.watch,
		&cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String("dossier-observe")}),
		func(page *cloudwatch.DescribeAlarmsOutput) []watchtypes.MetricAlarm { return page.MetricAlarms })
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(a watchtypes.MetricAlarm) bool {
		return !strings.HasPrefix(aws.ToString(a.AlarmDescription), l.Stack.prefix()+": ")
	})
	if len(list) == 0 {
		return nil, absent("alarm of the stack")
	}
	return list, nil
}

func (l *look) listLogGroups(ctx context.Context) (list []logstypes.LogGroup, err error) {
	for _, prefix := range []string{"/dossier/" + l.Stack.Settings.Stack + "/", "/aws/rds/instance/" +
		l.Stack.prefix() + "/"} {
		groups, err := pages.All(ctx, cloudwatchlogs.NewDescribeLogGroupsPaginator(l.logs,
			&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix}),
			func(page *cloudwatchlogs.DescribeLogGroupsOutput) []logstypes.LogGroup { return page.LogGroups })
		if err != nil {
			return nil, err
		}
		list = append(list, groups...)
	}
	return list, nil
}
