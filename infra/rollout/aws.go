package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// callTimeout bounds one call to AWS, the SDK's own repeats included.
const callTimeout = time.Minute

// groups is the part of Auto Scaling's API in use that says how a group is.
type groups interface {
	DescribeAutoScalingGroups(context.Context, *autoscaling.DescribeAutoScalingGroupsInput,
		...func(*autoscaling.Options)) (*autoscaling.DescribeAutoScalingGroupsOutput, error)
	DescribeInstanceRefreshes(context.Context, *autoscaling.DescribeInstanceRefreshesInput,
		...func(*autoscaling.Options)) (*autoscaling.DescribeInstanceRefreshesOutput, error)
}

// autoScaling is the part of Auto Scaling's API in use. Its methods are the IAM actions in the package comment; a test
// compares them.
type autoScaling interface {
	groups
	DescribeScalingActivities(context.Context, *autoscaling.DescribeScalingActivitiesInput,
		...func(*autoscaling.Options)) (*autoscaling.DescribeScalingActivitiesOutput, error)
	StartInstanceRefresh(context.Context, *autoscaling.StartInstanceRefreshInput,
		...func(*autoscaling.Options)) (*autoscaling.StartInstanceRefreshOutput, error)
	CancelInstanceRefresh(context.Context, *autoscaling.CancelInstanceRefreshInput,
		...func(*autoscaling.Options)) (*autoscaling.CancelInstanceRefreshOutput, error)
	RollbackInstanceRefresh(context.Context, *autoscaling.RollbackInstanceRefreshInput,
		...func(*autoscaling.Options)) (*autoscaling.RollbackInstanceRefreshOutput, error)
	UpdateAutoScalingGroup(context.Context, *autoscaling.UpdateAutoScalingGroupInput,
		...func(*autoscaling.Options)) (*autoscaling.UpdateAutoScalingGroupOutput, error)
}

// watching is the part of CloudWatch's API in use.
type watching interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput,
		...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// loadBalancing is the part of Elastic Load Balancing's API in use.
type loadBalancing interface {
	DescribeTargetHealth(context.Context, *elb.DescribeTargetHealthInput,
		...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error)
}

func loadAWS(ctx context.Context, region string) (aws.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var with []func(*config.LoadOptions) error
	if region != "" {
		with = append(with, config.WithRegion(region))
	}
	return config.LoadDefaultConfig(ctx, with...)
}

// transient reports whether it is worth asking again later: throttling, a fault on AWS's side, a connection lost, no
// answer in time, a group that is busy with itself.
func transient(err error) bool {
	_, busy := errors.AsType[*types.ScalingActivityInProgressFault](err)
	return busy || errors.Is(err, context.DeadlineExceeded) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// pin is a numbered version of a launch template.
type pin struct{ id, version string }

func (p pin) String() string { return "version " + p.version + " of " + p.id }

// numbered reports whether the version is a number, to which a rollback can go.
func (p pin) numbered() bool { return p.version != "" && !strings.HasPrefix(p.version, "$") }

// pinOf returns the version that spec names. AWS's API reads a specification without a version as $Default.
func pinOf(spec *types.LaunchTemplateSpecification) pin {
	if spec == nil {
		return pin{}
	}
	p := pin{aws.ToString(spec.LaunchTemplateId), aws.ToString(spec.Version)}
	if p.version == "" {
		p.version = "$Default"
	}
	return p
}

// reader asks AWS about one group.
type reader struct {
	groups    groups
	groupName string
}

// cloud asks AWS about one group and changes it.
type cloud struct {
	reader
	scaling     autoScaling
	balancing   loadBalancing
	watching    watching
	targetGroup string // ARN
}

// describeGroup returns the group.
func (c reader) describeGroup(ctx context.Context) (types.AutoScalingGroup, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.groups.DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{c.groupName}})
	if err != nil {
		return types.AutoScalingGroup{}, fmt.Errorf("describing the Auto Scaling group %s: %w", c.groupName, err)
	}
	if len(out.AutoScalingGroups) == 0 {
		return types.AutoScalingGroup{}, fmt.Errorf("no Auto Scaling group %s exists in this account and region",
			c.groupName)
	}
	return out.AutoScalingGroups[0], nil
}

// activeRefresh returns the refresh that has not ended, or nil; a group has one at most. AWS lists the newest first, so
// one page has it.
func (c reader) activeRefresh(ctx context.Context) (*types.InstanceRefresh, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.groups.DescribeInstanceRefreshes(ctx,
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: &c.groupName})
	if err != nil {
		return nil, fmt.Errorf("describing the instance refreshes of %s: %w", c.groupName, err)
	}
	for i := range out.InstanceRefreshes {
		if !ended(out.InstanceRefreshes[i].Status) {
			return &out.InstanceRefreshes[i], nil
		}
	}
	return nil, nil
}

// refresh returns the refresh with this id, or nil where AWS does not list it (yet).
func (c reader) refresh(ctx context.Context, id string) (*types.InstanceRefresh, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.groups.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{
		AutoScalingGroupName: &c.groupName, InstanceRefreshIds: []string{id},
	})
	if err != nil {
		return nil, fmt.Errorf("describing the instance refresh %s of %s: %w", id, c.groupName, err)
	}
	if len(out.InstanceRefreshes) == 0 {
		return nil, nil
	}
	return &out.InstanceRefreshes[0], nil
}

// ended reports whether status is final. A status that this program does not know is taken for one of work going on.
func ended(status types.InstanceRefreshStatus) bool {
	switch status {
	case types.InstanceRefreshStatusSuccessful, types.InstanceRefreshStatusFailed, types.InstanceRefreshStatusCancelled,
		types.InstanceRefreshStatusRollbackSuccessful, types.InstanceRefreshStatusRollbackFailed:
		return true
	default:
		return false
	}
}

// forward reports whether a refresh with this status is on its way to its desired configuration, not giving it up.
func forward(status types.InstanceRefreshStatus) bool {
	return !ended(status) && status != types.InstanceRefreshStatusCancelling &&
		status != types.InstanceRefreshStatusRollbackInProgress
}

func desiredPin(r *types.InstanceRefresh) pin {
	if r.DesiredConfiguration == nil {
		return pin{}
	}
	return pinOf(r.DesiredConfiguration.LaunchTemplate)
}

// ringing returns which of the alarms are in ALARM.
func (c cloud) ringing(ctx context.Context, alarms []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.watching.DescribeAlarms(ctx,
		&cloudwatch.DescribeAlarmsInput{AlarmNames: alarms, StateValue: cloudwatchtypes.StateValueAlarm})
	if err != nil {
		return nil, fmt.Errorf("describing the alarms %s: %w", strings.Join(alarms, ", "), err)
	}
	var names []string
	for _, a := range out.MetricAlarms {
		names = append(names, aws.ToString(a.AlarmName))
	}
	return names, nil
}

// startRefresh starts a refresh that these alarms end.
func (c cloud) startRefresh(ctx context.Context, o options, alarms []string, autoRollback bool) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &autoscaling.StartInstanceRefreshInput{
		AutoScalingGroupName: &c.groupName,
		Strategy:             types.RefreshStrategyRolling,
		DesiredConfiguration: &types.DesiredConfiguration{
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: &o.want.id, Version: &o.want.version},
		},
		Preferences: &types.RefreshPreferences{
			MinHealthyPercentage:      &o.minHealthy,
			MaxHealthyPercentage:      &o.maxHealthy,
			InstanceWarmup:            aws.Int32(int32(o.warmup / time.Second)),
			BakeTime:                  aws.Int32(int32(o.bake / time.Second)),
			SkipMatching:              aws.Bool(true),
			AutoRollback:              &autoRollback,
			ScaleInProtectedInstances: types.ScaleInProtectedInstancesRefresh,
			StandbyInstances:          types.StandbyInstancesIgnore,
		},
	}
	if len(alarms) > 0 {
		in.Preferences.AlarmSpecification = &types.AlarmSpecification{Alarms: alarms}
	}
	out, err := c.scaling.StartInstanceRefresh(ctx, in)
	if err != nil {
		return "", fmt.Errorf("starting the instance refresh of %s to %s: %w", c.groupName, o.want, err)
	}
	return aws.ToString(out.InstanceRefreshId), nil
}

// cancelRefresh cancels the refresh that is running; that none is running any more is no error.
func (c cloud) cancelRefresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.scaling.CancelInstanceRefresh(ctx,
		&autoscaling.CancelInstanceRefreshInput{AutoScalingGroupName: &c.groupName})
	if _, over := errors.AsType[*types.ActiveInstanceRefreshNotFoundFault](err); err != nil && !over {
		return fmt.Errorf("cancelling the instance refresh of %s: %w", c.groupName, err)
	}
	return nil
}

func (c cloud) rollbackRefresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := c.scaling.RollbackInstanceRefresh(ctx,
		&autoscaling.RollbackInstanceRefreshInput{AutoScalingGroupName: &c.groupName}); err != nil {
		return fmt.Errorf("rolling back the instance refresh of %s: %w", c.groupName, err)
	}
	return nil
}

// pinGroup changes the group's version without replacing anything.
func (c cloud) pinGroup(ctx context.Context, to pin) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.scaling.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &c.groupName,
		LaunchTemplate:       &types.LaunchTemplateSpecification{LaunchTemplateId: &to.id, Version: &to.version},
	})
	if err != nil {
		return fmt.Errorf("pinning the Auto Scaling group %s to %s: %w", c.groupName, to, err)
	}
	return nil
}

// failedActivities returns the launches and terminations since then that failed or were given up, newest first, at most
// limit.
func (c cloud) failedActivities(ctx context.Context, since time.Time, limit int) ([]types.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.scaling.DescribeScalingActivities(ctx,
		&autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: &c.groupName})
	if err != nil {
		return nil, fmt.Errorf("describing the scaling activities of %s: %w", c.groupName, err)
	}
	failed := slices.DeleteFunc(out.Activities, func(a types.Activity) bool {
		bad := a.StatusCode == types.ScalingActivityStatusCodeFailed ||
			a.StatusCode == types.ScalingActivityStatusCodeCancelled
		return !bad || a.StartTime == nil || a.StartTime.Before(since)
	})
	return failed[:min(len(failed), limit)], nil
}

// targets returns the targets of the target group.
func (c cloud) targets(ctx context.Context) ([]elbtypes.TargetHealthDescription, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.balancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup})
	if err != nil {
		return nil, fmt.Errorf("describing the health of the targets of %s: %w", c.targetGroup, err)
	}
	return out.TargetHealthDescriptions, nil
}
