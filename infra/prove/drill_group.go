package prove

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"dossier.example/infra/internal/wait"
	"dossier.example/infra/rollout"
)

var replaceDrill = drill{
	name: "replace", does: "Ends one of the app's instances and waits until the group replaced it.",
	costs: "an instance for some minutes", takes: "ten minutes and the deregistration delay", changes: true,
	limit: 2 * time.Hour,
	says:  "The group replaces a lost instance, and the site keeps responding.",
	mend:  "look at the group's activities, and at the app's log group",
	run:   replace,
}

var rollbackDrill = drill{
	name: "rollback",
	does: "Rolls out a version of the launch template whose instances never become ready, and waits until the " +
		"group is back.",
	costs: "an instance for some minutes", takes: "about ten minutes and the deregistration delay", changes: true,
	limit: 3 * time.Hour,
	says:  "A release that does not start is rolled back, and the site keeps responding.",
	mend:  "see \"Going back\" in docs/releases.md",
	run:   rollBack,
}

var againDrill = drill{
	name: "again", does: "Compares AWS and the program with the state: pulumi preview --refresh --expect-no-changes.",
	costs: "nothing", takes: "a minute or two", limit: 30 * time.Minute,
	says: "A second \"pulumi up\" changes nothing.", mend: "the preview above names what would change",
	run: func(ctx context.Context, d *drilling) (answer, error) {
		err := d.execute(ctx, "pulumi", "preview", "--stack", d.Stack.Settings.Stack, "--non-interactive", "--refresh",
			"--diff", "--expect-no-changes")
		if err != nil && ctx.Err() != nil {
			return answer{}, err
		}
		return holds(err == nil,
			map[bool]string{true: "no changes", false: fmt.Sprintf("pulumi preview: %v", err)}[err == nil],
			"no changes")
	},
}

// asking asks the site every second until stop is called, which returns what was not as it should be.
func (d *drilling) asking(ctx context.Context) (stop func() (bad, all int, last string)) {
	ctx, cancel := context.WithCancel(ctx)
	var (
		done     sync.WaitGroup
		bad, all int
		last     string
	)
	done.Go(func() {
		for ctx.Err() == nil {
			got, err := d.look.get(ctx, d.Stack.Outputs.URL+"/livez")
			if ctx.Err() != nil {
				return
			}
			all++
			if err != nil {
				bad, last = bad+1, err.Error()
			} else if got.status != http.StatusOK {
				bad, last = bad+1, fmt.Sprint(got.status)
			}
			_ = wait.For(ctx, time.Second)
		}
	})
	return func() (int, int, string) {
		cancel()
		done.Wait()
		return bad, all, last
	}
}

// answered is the answer about the site after a drill.
func answered(did string, bad, all int, last string) (answer, error) {
	expected := did + "; the site kept responding"
	if bad > 0 {
		return holds(false, fmt.Sprintf("%s; %d of %d requests failed, the last: %s", did, bad, all, last), expected)
	}
	return equal(expected, expected)
}

// serving returns the instances that are in service and healthy in the target group.
func (d *drilling) serving(ctx context.Context) ([]string, error) {
	g, err := d.look.findGroup(ctx)
	if err != nil {
		return nil, err
	}
	arn := d.look.targetGroup()
	out, err := d.look.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &arn})
	if err != nil {
		return nil, err
	}
	healthy := map[string]bool{}
	for _, t := range out.TargetHealthDescriptions {
		if t.Target != nil && t.TargetHealth != nil && t.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
			healthy[aws.ToString(t.Target.Id)] = true
		}
	}
	var ids []string
	for _, i := range g.Instances {
		if id := aws.ToString(i.InstanceId); i.LifecycleState == scalingtypes.LifecycleStateInService && healthy[id] {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// settle waits until so many instances serve, none of them the one that was ended.
func (d *drilling) settle(ctx context.Context, number int, gone string) error {
	return until(ctx, func() (bool, error) {
		ids, err := d.serving(ctx)
		if err != nil {
			return false, err
		}
		n := 0
		for _, id := range ids {
			if id == gone {
				return false, nil
			}
			n++
		}
		d.progress("%d of %d instances serve", n, number)
		return n >= number, nil
	})
}

// replace ends an instance. Of a group with one, a second is added first: nothing can answer while the only one is
// replaced.
func replace(ctx context.Context, d *drilling) (answer, error) {
	g, err := d.look.findGroup(ctx)
	if err != nil {
		return answer{}, err
	}
	name, number := d.Stack.Outputs.Group, int(aws.ToInt32(g.DesiredCapacity))
	if number < 2 {
		if aws.ToInt32(g.MaxSize) < 2 {
			return skip("service.max is 1: nothing answers while the only instance is replaced")
		}
		before := int32(number)
		d.later(fmt.Sprintf("set the size of %s to %d again: aws autoscaling set-desired-capacity "+
			"--auto-scaling-group-name %s --desired-capacity %d", name, before, name, before),
			func(ctx context.Context) error { return d.resize(ctx, before) })
		if err := d.resize(ctx, 2); err != nil {
			return answer{}, err
		}
		number = 2
	}
	if err := d.settle(ctx, number, ""); err != nil {
		return answer{}, err
	}
	ids, err := d.serving(ctx)
	if err != nil {
		return answer{}, err
	}
	stop := d.asking(ctx)
	victim := ids[0]
	d.progress("ending %s", victim)
	_, err = d.look.scaling.TerminateInstanceInAutoScalingGroup(ctx,
		&autoscaling.TerminateInstanceInAutoScalingGroupInput{
			InstanceId: &victim, ShouldDecrementDesiredCapacity: aws.Bool(false),
		})
	if err == nil {
		err = d.settle(ctx, number, victim)
	}
	bad, all, last := stop()
	if err != nil {
		return answer{}, err
	}
	return answered("replaced", bad, all, last)
}

func (d *drilling) resize(ctx context.Context, to int32) error {
	name := d.Stack.Outputs.Group
	_, err := d.look.scaling.SetDesiredCapacity(ctx, &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &name,
		DesiredCapacity: &to, HonorCooldown: aws.Bool(false)})
	return err
}

// broken is the user-data of an instance that gives itself up at once, as one does whose release does not start. It
// asks for its name by IMDSv2.
const broken = `#!/bin/bash
token=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)
instance=$(curl -sS -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
aws autoscaling complete-lifecycle-action --region '%s' --auto-scaling-group-name '%s' --lifecycle-hook-name ready --instance-id "$instance" --lifecycle-action-result ABANDON
`

// rollBack rolls out what cannot start. The version is deleted in the end, so that nobody rolls it out again.
func rollBack(ctx context.Context, d *drilling) (answer, error) {
	id, good := d.Stack.Outputs.Rollout[rolloutTemplate], d.Stack.Outputs.Rollout[rolloutVersion]
	script := fmt.Sprintf(broken, d.Stack.Settings.Region, d.Stack.Outputs.Group)
	made, err := d.look.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &id, SourceVersion: &good, VersionDescription: aws.String("Drill: never gets ready"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{UserData: aws.String(base64.StdEncoding.EncodeToString(
			[]byte(script)))},
	})
	if err != nil {
		return answer{}, err
	}
	if made.LaunchTemplateVersion == nil || made.LaunchTemplateVersion.VersionNumber == nil {
		return answer{}, errors.New("EC2 answered without the number of the new version")
	}
	bad := fmt.Sprint(*made.LaunchTemplateVersion.VersionNumber)
	d.later(fmt.Sprintf("delete version %s of the launch template: aws ec2 delete-launch-template-versions "+
		"--launch-template-id %s --versions %s", bad, id, bad),
		func(ctx context.Context) error {
			out, err := d.look.ec2.DeleteLaunchTemplateVersions(ctx,
				&ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: &id, Versions: []string{bad}})
			if err == nil && len(out.UnsuccessfullyDeletedLaunchTemplateVersions) > 0 {
				err = fmt.Errorf("EC2 did not delete version %s", bad)
			}
			return err
		})
	group := d.Stack.Outputs.Group
	ended := false
	d.later("roll back what still runs: go run dossier.example/infra/cmd/rollout rollback --group "+group,
		func(ctx context.Context) error {
			if ended {
				return nil
			}
			return d.rollout(ctx, 0, "rollback", "--group", group, "--region", d.Stack.Settings.Region, "--timeout",
				"40m")
		})
	stop := d.asking(ctx)
	err = d.rollout(ctx, 1, d.flags(bad)...)
	if err == nil {
		ended = true
		err = d.rollout(ctx, 0, append(d.flags(good), "--check", "--timeout", "40m")...)
	}
	failed, all, last := stop()
	if err != nil {
		return answer{}, err
	}
	return answered("rolled back", failed, all, last)
}

func (d *drilling) flags(version string) []string {
	return []string{
		"--group", d.Stack.Outputs.Group, "--template", d.Stack.Outputs.Rollout[rolloutTemplate], "--version", version,
		"--target-group", d.look.targetGroup(), "--url", d.Stack.Outputs.URL, "--region", d.Stack.Settings.Region,
	}
}

// rollout runs the command that "pulumi up" ends with, and expects how it ends.
func (d *drilling) rollout(ctx context.Context, want int, args ...string) error {
	var stdout bytes.Buffer
	status := rollout.Command{
		Args: args, Stdout: &stdout, Stderr: d.stderr, Site: d.Network,
		AWS: func(context.Context, string) (aws.Config, error) { return d.Config, nil },
	}.Run(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case status == want:
		return nil
	case want == 1:
		return fmt.Errorf("a version that never gets ready was rolled out all the same: %s",
			bytes.TrimSpace(stdout.Bytes()))
	default:
		return fmt.Errorf("rollout %v ended with status %d", args, status)
	}
}
