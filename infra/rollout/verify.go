package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// unverifiedError is what was not as it should be when the time was up.
type unverifiedError struct{ missing []string }

func (e *unverifiedError) Error() string { return strings.Join(e.missing, "; ") }

// activitiesSince is how far before its own start the command looks for failed launches: the first `pulumi up` creates
// the group a little earlier.
const activitiesSince = 15 * time.Minute

// verify waits until the version alone serves: the group is pinned to it, all instances in service have it and are
// healthy in the load balancer, as many as the group wants, no other target takes traffic, and the site answers.
func (r *run) verify(ctx context.Context) error {
	var missing []string
	err := r.until(ctx, func(ctx context.Context) (bool, error) {
		group, err := r.describeGroup(ctx)
		if err != nil {
			return false, err
		}
		if r.check {
			if err := r.deployed(ctx, group); err != nil {
				return false, err
			}
		}
		if aws.ToInt32(group.DesiredCapacity) == 0 {
			return false, r.scaledToZero()
		}
		targets, err := r.targets(ctx)
		if err != nil {
			return false, err
		}
		if missing = r.missing(group, targets); len(missing) == 0 {
			r.result.InService = countStage(group, serving)
			r.nameAside(group)
			return true, nil
		}
		r.progress("waiting: %s", strings.Join(missing, "; "))
		return false, r.tellFailures(ctx, group)
	})
	if err != nil {
		if len(missing) > 0 && errors.Is(err, errDeadline) {
			return &unverifiedError{missing}
		}
		return err
	}
	if r.site == nil {
		r.progress("no --url: the site itself is not checked")
		return nil
	}
	return r.askSite(ctx)
}

// deployed is the check that --check does not wait for: a group that nothing is moving to the version.
func (r *run) deployed(ctx context.Context, group types.AutoScalingGroup) error {
	now := pinOf(group.LaunchTemplate)
	if now == r.want {
		return nil
	}
	active, err := r.activeRefresh(ctx)
	if err != nil {
		return err
	}
	if active != nil && forward(active.Status) && desiredPin(active) == r.want {
		r.show(active)
		return nil
	}
	return &groupError{
		fmt.Sprintf("the group is pinned to %s, not to %s, and no refresh to it is running", describePin(now), r.want),
		"run pulumi up, or this command without --check",
	}
}

// missing compares the group and its targets with what is wanted.
func (r *run) missing(group types.AutoScalingGroup, targets []elbtypes.TargetHealthDescription) []string {
	var missing []string
	if now := pinOf(group.LaunchTemplate); now != r.want {
		missing = append(missing, "the group is pinned to "+describePin(now))
	}
	ready := map[string]bool{}
	for _, i := range group.Instances {
		id := aws.ToString(i.InstanceId)
		switch stage := stageOf(i); {
		case (stage == serving || stage == coming) && pinOf(i.LaunchTemplate) != r.want:
			missing = append(missing, fmt.Sprintf("%s has %s", id, describePin(pinOf(i.LaunchTemplate))))
		case stage == serving && aws.ToString(i.HealthStatus) != "Healthy":
			missing = append(missing,
				fmt.Sprintf("the group considers %s %s", id, strings.ToLower(aws.ToString(i.HealthStatus))))
		case stage == serving:
			ready[id] = true
		case stage == coming:
			missing = append(missing, fmt.Sprintf("%s is %s", id, i.LifecycleState))
		}
	}
	if desired := int(aws.ToInt32(group.DesiredCapacity)); len(ready) < desired {
		missing = append(missing, fmt.Sprintf("%d of %s in service", len(ready), count(desired, "instance")))
	}

	healthy := map[string]bool{}
	for _, t := range targets {
		id, state := targetOf(t)
		switch {
		case ready[id] && state == elbtypes.TargetHealthStateEnumHealthy:
			healthy[id] = true
		case ready[id]:
			missing = append(missing, fmt.Sprintf("the load balancer finds %s %s%s", id, state, why(t)))
		case state == elbtypes.TargetHealthStateEnumHealthy:
			missing = append(missing, fmt.Sprintf("the load balancer still sends requests to %s", id))
		}
	}
	for _, i := range group.Instances {
		if id := aws.ToString(i.InstanceId); ready[id] && !healthy[id] && !hasTarget(targets, id) {
			missing = append(missing, fmt.Sprintf("%s is not in the target group", id))
		}
	}
	return missing
}

func targetOf(t elbtypes.TargetHealthDescription) (id string, state elbtypes.TargetHealthStateEnum) {
	if t.Target != nil {
		id = aws.ToString(t.Target.Id)
	}
	if t.TargetHealth != nil {
		state = t.TargetHealth.State
	}
	return id, state
}

func hasTarget(targets []elbtypes.TargetHealthDescription, id string) bool {
	for _, t := range targets {
		if of, _ := targetOf(t); of == id {
			return true
		}
	}
	return false
}

// why returns what the load balancer says about a target that is not healthy.
func why(t elbtypes.TargetHealthDescription) string {
	if t.TargetHealth == nil || aws.ToString(t.TargetHealth.Description) == "" {
		return ""
	}
	return " (" + *t.TargetHealth.Description + ")"
}

func countStage(group types.AutoScalingGroup, wanted stage) (n int) {
	for _, i := range group.Instances {
		if stageOf(i) == wanted {
			n++
		}
	}
	return n
}

// nameAside names the instances in Standby with another version: whoever returns one to service returns its old
// version.
func (r *run) nameAside(group types.AutoScalingGroup) {
	for _, i := range group.Instances {
		if stageOf(i) == aside && pinOf(i.LaunchTemplate) != r.want {
			r.progress("note: %s is in Standby with %s and was left alone; terminate it rather than return it to "+
				"service",
				aws.ToString(i.InstanceId), describePin(pinOf(i.LaunchTemplate)))
		}
	}
}

// tellFailures prints the launches that failed, as they come, while instances lack.
func (r *run) tellFailures(ctx context.Context, group types.AutoScalingGroup) error {
	if countStage(group, serving) >= int(aws.ToInt32(group.DesiredCapacity)) {
		return nil
	}
	activities, err := r.failedActivities(ctx, r.started.Add(-activitiesSince), maxActivities)
	if err != nil {
		return err
	}
	for _, a := range activities {
		r.once("activity "+aws.ToString(a.ActivityId), "%s", activityLine(a))
	}
	return nil
}
