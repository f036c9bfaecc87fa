package preflight

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"dossier.example/infra/internal/refusal"
)

// taken notes that a fixed name is somebody else's.
func (l *look) taken(point, what string) {
	l.fault(point, "delete or import it, or rename the stack (\"pulumi stack rename\")",
		"%s already exists and does not belong to this stack", what)
}

func (l *look) databaseName(ctx context.Context) {
	const point = "name/database"
	name := l.prefix()
	out, err := l.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	switch {
	case refusal.Absent(err):
		return
	case err != nil:
		l.unseen(ctx, point, err)
		return
	}
	for _, d := range out.DBInstances {
		if !l.ours(tagMap(d.TagList, func(t rdstypes.Tag) (key, value *string) { return t.Key, t.Value })) {
			l.taken(point, "the database "+name)
		}
	}
}

func (l *look) groupName(ctx context.Context) {
	const point = "name/group"
	name := l.prefix() + "-app"
	out, err := l.scaling.DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	for _, g := range out.AutoScalingGroups {
		if !l.ours(tagMap(g.Tags, func(t scalingtypes.TagDescription) (key, value *string) { return t.Key, t.Value })) {
			l.taken(point, "the Auto Scaling group "+name)
		}
	}
}

// logGroups asks for those that nobody but the program makes. RDS makes its own again after they were deleted, so
// theirs say nothing.
func (l *look) logGroups(ctx context.Context) {
	const point = "name/log-groups"
	path := "/dossier/" + l.Settings.Stack + "/"
	out, err := l.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &path})
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	for _, g := range out.LogGroups {
		name := aws.ToString(g.LogGroupName)
		if rest := strings.TrimPrefix(name, path); rest != "app" && rest != "flow" {
			continue
		}
		// The ARN of a group ends in ":*" where it stands for the group's streams.
		tags, err := l.logs.ListTagsForResource(ctx,
			&cloudwatchlogs.ListTagsForResourceInput{ResourceArn: aws.String(strings.TrimSuffix(aws.ToString(g.Arn),
				":*"))})
		if err != nil {
			l.unseen(ctx, point, err)
			return
		}
		if !l.ours(tags.Tags) {
			l.taken(point, "the log group "+name)
		}
	}
}

func (l *look) parameters(ctx context.Context) {
	const point = "name/parameters"
	path := "/dossier/" + l.Settings.Stack
	// The values are not asked for: names are enough.
	out, err := l.ssm.DescribeParameters(ctx, &ssm.DescribeParametersInput{
		ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Path"), Option: aws.String("Recursive"),
			Values: []string{path}}},
		MaxResults: aws.Int32(1),
	})
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	for _, p := range out.Parameters {
		tags, err := l.parameterTags(ctx, aws.ToString(p.Name))
		if err != nil {
			l.unseen(ctx, point, err)
			return
		}
		if !l.ours(tags) {
			l.taken(point, "the parameter "+aws.ToString(p.Name))
		}
	}
}

// issuer asks whether staff sign in with an issuer that somebody set by hand (docs/sign-in.md) where the settings ask
// for a pool: the pool is written to the same parameters.
func (l *look) issuer(ctx context.Context) {
	const point = "staff.pool"
	if !l.Settings.Staff.Pool {
		return
	}
	name := "/dossier/" + l.Settings.Stack + "/staff/issuer"
	out, err := l.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	switch {
	case refusal.Absent(err):
		return
	case err != nil:
		l.unseen(ctx, point, err)
		return
	}
	tags, err := l.parameterTags(ctx, name)
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	value := aws.ToString(out.Parameter.Value)
	if !l.ours(tags) || !strings.HasPrefix(value, "https://cognito-idp."+l.Settings.Region+".amazonaws.com/") {
		l.fault(point, "remove staff.pool from the settings, or delete the parameters of that issuer: "+
			"aws ssm delete-parameters --names "+name+" and those beside it, client-id, client-secret, issuer-name, "+
			"issuer-only and role-claim", "staff sign in with another issuer, which the parameter %s names", name)
	}
}

// parameterTags are the tags of a parameter.
func (l *look) parameterTags(ctx context.Context, name string) (map[string]string, error) {
	listed, err := l.ssm.ListTagsForResource(ctx,
		&ssm.ListTagsForResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: &name})
	if err != nil {
		return nil, err
	}
	return tagMap(listed.TagList, func(t ssmtypes.Tag) (key, value *string) { return t.Key, t.Value }), nil
}

// tagMap is what a list of tags says; each service has a type of its own for a tag.
func tagMap[T any](tags []T, pair func(T) (key, value *string)) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		key, value := pair(t)
		m[aws.ToString(key)] = aws.ToString(value)
	}
	return m
}

// dashboard warns only: CloudWatch writes over a dashboard of the same name, and dashboards have no tags by which to
// know whose it is.
func (l *look) dashboard(ctx context.Context) {
	const point = "name/dashboard"
	name := l.prefix()
	_, err := l.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	switch {
	case refusal.Absent(err):
	case err != nil:
		l.unseen(ctx, point, err)
	case !l.exists:
		l.warn(point, "rename it if someone needs it", "the dashboard %s exists and will be overwritten", name)
	}
}
