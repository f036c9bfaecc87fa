package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// refreshError is a refresh that ended otherwise than it should.
type refreshError struct{ refresh *types.InstanceRefresh }

func (e *refreshError) Error() string {
	return fmt.Sprintf("the instance refresh %s ended as %s: %s", aws.ToString(e.refresh.InstanceRefreshId),
		e.refresh.Status, reason(e.refresh))
}

// groupError is a group that cannot take the version as it is; mend says what to do.
type groupError struct{ problem, mend string }

func (e *groupError) Error() string { return e.problem }

// deploy brings the version onto the group: not at all where it is there, else by the refresh that is running for it,
// else by a new one.
func (r *run) deploy(ctx context.Context) error {
	following := ""
	cancelled := map[string]bool{}
	return r.until(ctx, func(ctx context.Context) (bool, error) {
		if following != "" {
			return r.follow(ctx, following, types.InstanceRefreshStatusSuccessful)
		}
		active, err := r.activeRefresh(ctx)
		if err != nil {
			return false, err
		}
		if active != nil && forward(active.Status) && desiredPin(active) == r.want {
			following = aws.ToString(active.InstanceRefreshId)
			r.result.Outcome, r.result.Refresh = "refreshed", following
			r.progress("the instance refresh %s to %s is already running: waiting for it, with the preferences it "+
				"was started with", following, r.want)
			r.show(active)
			return false, nil
		}
		if active != nil {
			return false, r.giveWay(ctx, active, cancelled)
		}
		group, err := r.describeGroup(ctx)
		if err != nil {
			return false, err
		}
		if err := r.prepare(ctx, group); err != nil {
			return false, err
		}
		if pinOf(group.LaunchTemplate) == r.want && len(r.others(group)) == 0 {
			r.result.Outcome = "unchanged"
			r.progress("%s already has %s: no instance refresh is needed", r.group, r.want)
			return true, nil
		}
		autoRollback := r.canRollBack(group)
		id, err := r.startRefresh(ctx, r.options, r.quiet(ctx), autoRollback)
		if _, running := errors.AsType[*types.InstanceRefreshInProgressFault](err); running {
			return false, nil // it began since it was looked for; the next look says whose it is
		}
		if err != nil {
			return false, err
		}
		following = id
		r.result.Outcome, r.result.Refresh = "refreshed", id
		r.progress("started the instance refresh %s of %s from %s to %s", id, r.group,
			describePin(pinOf(group.LaunchTemplate)), r.want)
		return false, nil
	})
}

// quiet returns the alarms that can tell that the version is bad: those that are not in ALARM before. The others would
// end the refresh of the very version that mends their cause.
func (r *run) quiet(ctx context.Context) []string {
	if len(r.alarms) == 0 {
		return nil
	}
	ringing, err := r.ringing(ctx, r.alarms)
	if err != nil {
		r.once("alarms", "%s; if one of them is in ALARM already, the refresh is given up at once", err)
		return r.alarms
	}
	var quiet []string
	for _, name := range r.alarms {
		if slices.Contains(ringing, name) {
			r.once("alarm "+name, "the alarm %s is in ALARM already, so it says nothing of %s: the refresh does not "+
				"watch it", name, r.want)
			continue
		}
		quiet = append(quiet, name)
	}
	return quiet
}

// giveWay waits for another refresh, or cancels it where this was asked for.
func (r *run) giveWay(ctx context.Context, active *types.InstanceRefresh, cancelled map[string]bool) error {
	id := aws.ToString(active.InstanceRefreshId)
	how := "waiting for it to end (--cancel-running cancels it)"
	if r.cancelRunning {
		how = "cancelling it"
	}
	r.once("other "+id, "another instance refresh, %s to %s, is %s: %s", id, describePin(desiredPin(active)),
		active.Status, how)
	if r.cancelRunning && !cancelled[id] && active.Status != types.InstanceRefreshStatusCancelling {
		if err := r.cancelRefresh(ctx); err != nil {
			return err
		}
		cancelled[id] = true
	}
	r.show(active)
	return nil
}

// follow looks at a refresh until it has ended; an end other than wanted is a *refreshError.
func (r *run) follow(ctx context.Context, id string, wanted types.InstanceRefreshStatus) (done bool, err error) {
	refresh, err := r.refresh(ctx, id)
	if err != nil || refresh == nil {
		return false, err // AWS may list a refresh a little after it was started
	}
	r.show(refresh)
	switch {
	case refresh.Status == wanted:
		return true, nil
	case ended(refresh.Status):
		return false, &refreshError{refresh}
	default:
		return false, nil
	}
}

// show prints where a refresh stands.
func (r *run) show(refresh *types.InstanceRefresh) {
	line := fmt.Sprintf("%s: %s", aws.ToString(refresh.InstanceRefreshId), refresh.Status)
	if refresh.PercentageComplete != nil {
		line += fmt.Sprintf(", %d %%", *refresh.PercentageComplete)
	}
	if refresh.InstancesToUpdate != nil && !ended(refresh.Status) {
		line += fmt.Sprintf(", %s left", count(int(*refresh.InstancesToUpdate), "instance"))
	}
	if why := reason(refresh); why != "" {
		line += ": " + why
	}
	r.progress("%s", line)
}

// reason returns what AWS says about the status, and about the rollback.
func reason(refresh *types.InstanceRefresh) string {
	why := strings.TrimSpace(aws.ToString(refresh.StatusReason))
	if refresh.RollbackDetails == nil {
		return why
	}
	back := strings.TrimSpace(aws.ToString(refresh.RollbackDetails.RollbackReason))
	switch {
	case back == "" || back == why:
		return why
	case why == "":
		return "rolled back: " + back
	default:
		return why + " (rolled back: " + back + ")"
	}
}

// prepare finds what keeps a group from being refreshed.
func (r *run) prepare(ctx context.Context, group types.AutoScalingGroup) error {
	switch {
	case aws.ToString(group.Status) != "":
		return &groupError{fmt.Sprintf("the group is being deleted (%s)", *group.Status),
			"wait until it is deleted and run pulumi up"}
	case group.LaunchTemplate == nil:
		return &groupError{
			"the group has a launch configuration or a mixed instances policy, not a launch template of its own",
			"it was changed outside Pulumi: run pulumi refresh and pulumi up",
		}
	}
	for _, process := range group.SuspendedProcesses {
		switch name := aws.ToString(process.ProcessName); name {
		case "Launch", "Terminate", "AddToLoadBalancer", "HealthCheck", "InstanceRefresh":
			r.once("suspended "+name, "the process %s of the group is suspended, so the refresh may stall: aws "+
				"autoscaling resume-processes --auto-scaling-group-name %s --scaling-processes %s",
				name, r.group, name)
		}
	}
	if aws.ToInt32(group.DesiredCapacity) > 0 {
		return nil
	}
	if pinOf(group.LaunchTemplate) != r.want {
		if err := r.pinGroup(ctx, r.want); err != nil {
			return err
		}
		r.progress("the group is scaled to zero: pinned it to %s, without a refresh", r.want)
	}
	return r.scaledToZero()
}

func (r *run) scaledToZero() error {
	return &groupError{
		fmt.Sprintf("the group is scaled to zero, so nothing serves and %s cannot be verified; the group is pinned "+
			"to it", r.want),
		"scale the group out (aws autoscaling set-desired-capacity --auto-scaling-group-name " + r.group +
			" --desired-capacity 1) and run this again",
	}
}

// canRollBack reports whether AutoRollback makes sense for the group, and says why where it does not.
func (r *run) canRollBack(group types.AutoScalingGroup) bool {
	switch now := pinOf(group.LaunchTemplate); {
	case now == r.want:
		r.once("rollback", "without automatic rollback: the group is already pinned to %s, so there is no earlier "+
			"version to roll back to", r.want)
		return false
	case !now.numbered():
		r.once("rollback",
			"without automatic rollback: the group follows %s, and AWS rolls back to numbered versions only",
			now.version)
		return false
	default:
		return true
	}
}

// others returns the instances that serve, or will, with another template or version.
func (r *run) others(group types.AutoScalingGroup) []types.Instance {
	var found []types.Instance
	for _, i := range group.Instances {
		if stage := stageOf(i); (stage == serving || stage == coming) && pinOf(i.LaunchTemplate) != r.want {
			found = append(found, i)
		}
	}
	return found
}

// stage is what an instance is to the load balancer.
type stage int

const (
	leaving stage = iota // terminating, detaching, or in a state unknown here
	coming
	serving
	aside // in Standby: part of the group, without traffic
)

func stageOf(i types.Instance) stage {
	switch i.LifecycleState {
	case types.LifecycleStateInService:
		return serving
	case types.LifecycleStatePending, types.LifecycleStatePendingWait, types.LifecycleStatePendingProceed:
		return coming
	case types.LifecycleStateStandby, types.LifecycleStateEnteringStandby:
		return aside
	default:
		return leaving
	}
}

func describePin(p pin) string {
	if p == (pin{}) {
		return "the group's own settings"
	}
	return p.String()
}
