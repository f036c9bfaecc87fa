package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// maxActivities is how many failed launches are told.
const maxActivities = 5

// explain returns the reason of a failure with what AWS knows about it: why instances were given up, what serves now,
// and the mend.
func (r *run) explain(ctx context.Context, err error) string {
	var b strings.Builder
	mend := ""
	since := r.started.Add(-activitiesSince)
	what := r.want.String() + " was not rolled out on " + r.group
	if r.check {
		what = r.want.String() + " does not serve on " + r.group
	} else if r.rollback {
		what = "nothing was rolled back on " + r.group
	}

	if bad, ok := errors.AsType[*refreshError](err); ok {
		mend = refreshMend(bad.refresh.Status, r.rollback)
		if bad.refresh.StartTime != nil {
			since = *bad.refresh.StartTime
		}
	} else if bad, ok := errors.AsType[*groupError](err); ok {
		fmt.Fprintf(&b, "%s: %s\n  fix: %s", what, bad.problem, bad.mend)
		return b.String()
	} else if _, ok := errors.AsType[*unverifiedError](err); ok {
		err = fmt.Errorf("after %s: %w", r.timeout, err)
		mend = "find the cause (the instances' output is in the app's log group), fix it and run this again; " +
			r.ongoing()
	} else if _, ok := errors.AsType[*siteError](err); ok {
		mend = "the instances are healthy in the load balancer, so check what is in front of it (name, certificate, " +
			"listener) and what " +
			"/readyz checks beyond /livez (database, bucket, table); then run this again"
	} else if errors.Is(err, errDeadline) {
		err = fmt.Errorf("%w: it took longer than %s", err, r.timeout)
		mend = "use a longer --timeout and run this again, which joins the running refresh; " + r.ongoing()
	} else {
		// AWS refused, or cannot be asked: asking it further would only tell the same again.
		return fmt.Sprintf("%s: %s", what, err)
	}

	fmt.Fprintf(&b, "%s: %s", what, err)
	r.writeActivities(ctx, &b, since)
	r.writeServing(ctx, &b)
	fmt.Fprintf(&b, "\n  fix: %s", strings.TrimSuffix(mend, "; "))
	return b.String()
}

// ongoing says what goes on in AWS when waiting ends; empty where nothing does.
func (r *run) ongoing() string {
	if r.result.Refresh == "" {
		return ""
	}
	if r.rollback {
		return fmt.Sprintf("unless it has ended, the rollback of the instance refresh %s continues in AWS",
			r.result.Refresh)
	}
	return fmt.Sprintf("unless it has ended, the instance refresh %s continues in AWS; "+
		"to stop it: aws autoscaling cancel-instance-refresh --auto-scaling-group-name %s; to undo it: rollout "+
		"rollback --group %s",
		r.result.Refresh, r.group, r.group)
}

func (r *run) interrupted() string {
	why := "interrupted: stopped waiting for " + r.group
	if goes := r.ongoing(); goes != "" {
		return why + "; " + goes
	}
	return why + "; nothing started by this command is running in AWS"
}

func refreshMend(status types.InstanceRefreshStatus, rollback bool) string {
	const again = "fix the cause, then run pulumi up again (or this command, if the version itself is good)"
	switch status {
	case types.InstanceRefreshStatusRollbackSuccessful:
		return "the group serves the previous version; " + again
	case types.InstanceRefreshStatusRollbackFailed:
		return "the rollback failed too, so the group may hold both versions: deploy the earlier revision with " +
			"pulumi up, " +
			"or fix the cause and run this command again"
	case types.InstanceRefreshStatusCancelled:
		return "someone cancelled the refresh; the replaced instances stay. Run this command again to continue, or " +
			"deploy the earlier revision"
	case types.InstanceRefreshStatusSuccessful:
		if rollback {
			return "the refresh finished before it could be rolled back: deploy the earlier revision (check it out " +
				"and run pulumi up)"
		}
	}
	return "it was not rolled back, so the group may hold both versions; " + again
}

func (r *run) writeActivities(ctx context.Context, b *strings.Builder, since time.Time) {
	activities, err := r.failedActivities(ctx, since, maxActivities)
	if err != nil {
		fmt.Fprintf(b, "\n  why instances were abandoned could not be read: %s", err)
		return
	}
	if len(activities) == 0 {
		b.WriteString("\n  the group has no failed launch or termination since then")
		return
	}
	b.WriteString("\n  what failed in the group, newest first:")
	for _, a := range activities {
		b.WriteString("\n    " + activityLine(a))
	}
}

func activityLine(a types.Activity) string {
	line := fmt.Sprintf("%s %s: %s", aws.ToTime(a.StartTime).UTC().Format(time.RFC3339), a.StatusCode,
		aws.ToString(a.Description))
	if message := strings.TrimSpace(aws.ToString(a.StatusMessage)); message != "" {
		line += ": " + message
	}
	return line
}

func (r *run) writeServing(ctx context.Context, b *strings.Builder) {
	group, err := r.describeGroup(ctx)
	if err != nil {
		fmt.Fprintf(b, "\n  what serves now could not be read: %s", err)
		return
	}
	in := map[string]int{}
	for _, i := range group.Instances {
		if stageOf(i) == serving {
			in[describePin(pinOf(i.LaunchTemplate))]++
		}
	}
	parts := make([]string, 0, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		parts = append(parts, fmt.Sprintf("%s with %s", count(in[name], "instance"), name))
	}
	if len(parts) == 0 {
		parts = append(parts, "no instance")
	}
	fmt.Fprintf(b, "\n  what serves now: %s; the group is pinned to %s", strings.Join(parts, " and "),
		describePin(pinOf(group.LaunchTemplate)))
}
