package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"dossier.example/infra/internal/pages"
	"dossier.example/infra/internal/refusal"
	"dossier.example/infra/settings"
)

// taken notes that a fixed name is somebody else's.
func (l *look) taken(point, what string) {
	l.fault(point, "delete or import it, or rename the stack (\"pulumi stack rename\")"+l.retagged(),
		"%s already exists and does not belong to this stack", what)
}

// retagged is what else to do about what another stack's tag is on: a stack that exists may have been made under it,
// and by its name alone nothing tells.
func (l *look) retagged() string {
	if !l.mayExist() {
		return ""
	}
	return fmt.Sprintf("; if this stack made it under another tag Stack, run once with %s=%s", Switch, Off)
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

// Parameters are the names, below the stack's path, of the parameters that the program writes by these settings. Others
// there are set by hand (docs/app-settings.md), and no name of theirs is taken.
func Parameters(s settings.Settings) []string {
	names := []string{"bucket", "db/admin/password", "db/admin/user", "db/host", "db/max-connections", "db/name",
		"db/password", "db/user", "max-file-size", "max-store-size", "public-url", "release", "staff/secret", "table",
		"timeout/shutdown", "timeout/upload", "trusted-proxies"}
	if len(s.Site.APIOrigins) > 0 {
		names = append(names, "api-origins")
	}
	if len(s.Jump.OperatorCIDRs) > 0 {
		names = append(names, "jump/host-key")
	}
	if s.Storage.MalwareProtection {
		names = append(names, "scanner")
	}
	if s.Staff.Pool {
		names = append(names, "staff/client-id", "staff/client-secret", "staff/issuer", "staff/issuer-name",
			"staff/issuer-only", "staff/role-claim")
	}
	return names
}

func (l *look) parameters(ctx context.Context) {
	const point = "name/parameters"
	path := "/dossier/" + l.Settings.Stack
	written := Parameters(l.Settings)
	// The values are not asked for: names are enough. A page may be empty although another one follows
	// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html).
	pager := ssm.NewDescribeParametersPaginator(l.ssm, &ssm.DescribeParametersInput{
		ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Path"), Option: aws.String("Recursive"),
			Values: []string{path}}},
		MaxResults: aws.Int32(50),
	})
	all, err := pages.All(ctx, pager, func(page *ssm.DescribeParametersOutput) []ssmtypes.ParameterMetadata {
		return page.Parameters
	})
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	var taken []string
	for _, p := range all {
		name := aws.ToString(p.Name)
		if !slices.Contains(written, strings.TrimPrefix(name, path+"/")) {
			continue
		}
		tags, err := l.parameterTags(ctx, name)
		if err != nil {
			l.unseen(ctx, point, err)
			return
		}
		if !l.ours(tags) {
			taken = append(taken, name)
		}
	}
	if len(taken) > 0 {
		l.taken(point, "the parameter "+strings.Join(taken, ", "))
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
			"issuer-only and role-claim"+l.retagged(),
			"staff sign in with another issuer, which the parameter %s names", name)
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
