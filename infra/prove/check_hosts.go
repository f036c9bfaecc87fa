package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// each has f say what is wrong with each host; nothing is an empty text.
func (l *look) each(ctx context.Context, expected string, f func(types.Instance) string) (answer, error) {
	hosts, err := l.hosts(ctx)
	if err != nil {
		return answer{}, err
	}
	if len(hosts) == 0 {
		return answer{}, absent("instance in the VPC")
	}
	var problems []string
	for _, h := range hosts {
		if wrong := f(h); wrong != "" {
			problems = append(problems, aws.ToString(h.InstanceId)+" "+wrong)
		}
	}
	return without(problems, expected)
}

func (l *look) isApp(h types.Instance) bool {
	return tagsOf(h.Tags)["aws:autoscaling:groupName"] == l.Stack.Outputs.Group
}

// eachHost is the point that nothing is wrong with any host.
func eachHost(expected string, f func(*look, types.Instance) string) func(context.Context, *look) (answer, error) {
	return func(ctx context.Context, l *look) (answer, error) {
		return l.each(ctx, expected, func(h types.Instance) string { return f(l, h) })
	}
}

var hostChecks = []check{
	{"hosts/metadata", "Every host gives its metadata by IMDSv2 alone, and to no container (EC2.8, EC2.170).",
		"replace the host: \"pulumi up --refresh\", and for one of the group's, an instance refresh",
		eachHost("required, 1 hop", func(l *look, h types.Instance) string {
			if o := h.MetadataOptions; o == nil || o.HttpTokens != types.HttpTokensStateRequired ||
				aws.ToInt32(o.HttpPutResponseHopLimit) != 1 {
				return "gives it by IMDSv1, too, or over more than a hop"
			}
			return ""
		})},
	{"hosts/addresses", "No instance of the app has a public address (EC2.9).",
		"the launch template asks for none: find out who gave it one",
		eachHost("none", func(l *look, h types.Instance) string {
			if l.isApp(h) && aws.ToString(h.PublicIpAddress) != "" {
				return "has " + aws.ToString(h.PublicIpAddress)
			}
			return ""
		})},
	{"hosts/volumes", "Every volume of a host is encrypted (EC2.3).", "replace the host",
		about((*look).hosts, func(ctx context.Context, l *look, hosts []types.Instance) (answer, error) {
			var ids []string
			for _, h := range hosts {
				for _, m := range h.BlockDeviceMappings {
					if m.Ebs != nil {
						ids = append(ids, aws.ToString(m.Ebs.VolumeId))
					}
				}
			}
			if len(ids) == 0 {
				return answer{}, absent("volume of a host")
			}
			out, err := l.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: ids})
			if err != nil {
				return answer{}, err
			}
			var problems []string
			for _, v := range out.Volumes {
				if !aws.ToBool(v.Encrypted) {
					problems = append(problems, aws.ToString(v.VolumeId)+" is not")
				}
			}
			return without(problems, "all encrypted")
		})},
	{"hosts/managed", "Systems Manager manages every running host (SSM.1).",
		"look at the agent's log on the host by EC2's serial console; the way out is network/private-routes",
		about((*look).managed,
			func(ctx context.Context, l *look, managed []ssmtypes.InstanceInformation) (answer, error) {
				online := map[string]bool{}
				for _, m := range managed {
					online[aws.ToString(m.InstanceId)] = m.PingStatus == ssmtypes.PingStatusOnline
				}
				return l.each(ctx, "all online", func(h types.Instance) string {
					if h.State != nil && h.State.Name == types.InstanceStateNameRunning &&
						!online[aws.ToString(h.InstanceId)] {
						return "is not online"
					}
					return ""
				})
			})},
	// A launch template's instances get no default tags of the provider, so these are the program's own.
	{"hosts/tags", "Instances of the app have the stack's tags, which allocate costs.",
		"replace the instances: an instance refresh",
		eachHost("Project, Stack and those of aws:defaultTags", func(l *look, h types.Instance) string {
			tags := tagsOf(h.Tags)
			for key, value := range l.Stack.Settings.HostTags() {
				if l.isApp(h) && key != "Name" && key != "Configuration" && tags[key] != value {
					return "does not"
				}
			}
			return ""
		})},
	{"hosts/jump", "The jump server is of its type, and runs or was stopped to save money.", refresh,
		about((*look).hosts, func(ctx context.Context, l *look, hosts []types.Instance) (answer, error) {
			for _, h := range hosts {
				if aws.ToString(h.InstanceId) == l.Stack.Outputs.JumpInstance {
					return equal(string(h.InstanceType), l.Stack.Settings.Jump.InstanceType)
				}
			}
			return answer{}, absent("jump server %s", l.Stack.Outputs.JumpInstance)
		})},
}

// freshLogs is how old the last line of an instance may be: the app says something with each request, and the checks of
// site/ make some.
const freshLogs = 24 * time.Hour

var groupChecks = []check{
	{"group/version", "The group is on the numbered version of the launch template that was rolled out.",
		"run \"pulumi up\", or infra/cmd/rollout",
		about((*look).group, func(ctx context.Context, l *look, g scalingtypes.AutoScalingGroup) (answer, error) {
			seen := "no launch template"
			if t := g.LaunchTemplate; t != nil {
				seen = aws.ToString(t.LaunchTemplateId) + " version " + aws.ToString(t.Version)
			}
			return equal(seen,
				l.Stack.Outputs.Rollout[rolloutTemplate]+" version "+l.Stack.Outputs.Rollout[rolloutVersion])
		})},
	{"group/size", "The group's bounds are service.min and service.max.", refresh,
		about((*look).group, func(ctx context.Context, l *look, g scalingtypes.AutoScalingGroup) (answer, error) {
			return equal(fmt.Sprintf("%d to %d", aws.ToInt32(g.MinSize), aws.ToInt32(g.MaxSize)),
				fmt.Sprintf("%d to %d", l.Stack.Settings.Service.Min, l.Stack.Settings.Service.Max))
		})},
	{"group/instances", "As many instances as the group wants are in service, healthy, and of that version.",
		"look at the group's activities, and in the app's log group for a stream …/bootstrap-…",
		about((*look).group, func(ctx context.Context, l *look, g scalingtypes.AutoScalingGroup) (answer, error) {
			var problems []string
			serving := 0
			for _, i := range g.Instances {
				id := aws.ToString(i.InstanceId)
				switch {
				case i.LifecycleState != scalingtypes.LifecycleStateInService:
					problems = append(problems, id+" is "+string(i.LifecycleState))
				case aws.ToString(i.HealthStatus) != "Healthy":
					problems = append(problems, id+" is "+aws.ToString(i.HealthStatus))
				case i.LaunchTemplate == nil ||
					aws.ToString(i.LaunchTemplate.Version) != l.Stack.Outputs.Rollout[rolloutVersion]:
					problems = append(problems, id+" is of another version")
				default:
					serving++
				}
			}
			if want := int(aws.ToInt32(g.DesiredCapacity)); serving < want {
				problems = append(problems, fmt.Sprintf("%d of %d serve", serving, want))
			}
			return without(problems, "all that the group wants")
		})},
	{"group/health", "The group uses the load balancer's health checks (AutoScaling.1).", refresh,
		about((*look).group, func(ctx context.Context, l *look, g scalingtypes.AutoScalingGroup) (answer, error) {
			return equal(aws.ToString(g.HealthCheckType), "ELB")
		})},
	{"group/processes", "None of the group's processes is suspended.",
		"aws autoscaling resume-processes --auto-scaling-group-name <group>",
		about((*look).group, func(ctx context.Context, l *look, g scalingtypes.AutoScalingGroup) (answer, error) {
			var problems []string
			for _, p := range g.SuspendedProcesses {
				problems = append(problems, aws.ToString(p.ProcessName)+" is suspended")
			}
			return without(problems, "none")
		})},
	{"group/hook", "An instance that does not report ready is abandoned after service.bootTimeout.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			name := l.Stack.Outputs.Group
			out, err := l.scaling.DescribeLifecycleHooks(ctx,
				&autoscaling.DescribeLifecycleHooksInput{AutoScalingGroupName: &name})
			if err != nil {
				return answer{}, err
			}
			var seen []string
			for _, h := range out.LifecycleHooks {
				seen = append(seen, fmt.Sprintf("%s %d s %s", aws.ToString(h.LifecycleHookName),
					aws.ToInt32(h.HeartbeatTimeout), aws.ToString(h.DefaultResult)))
			}
			return equal(list(seen),
				fmt.Sprintf("ready %d s ABANDON", int(l.Stack.Settings.Service.BootTimeout.Seconds())))
		}},
	{"group/scaling", "The group is scaled for service.cpuTarget and service.requestsTarget.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			s := l.Stack.Settings.Service
			if s.Min == s.Max {
				return skip("service.min is service.max")
			}
			name := l.Stack.Outputs.Group
			out, err := l.scaling.DescribePolicies(ctx, &autoscaling.DescribePoliciesInput{AutoScalingGroupName: &name})
			if err != nil {
				return answer{}, err
			}
			var seen []string
			for _, p := range out.ScalingPolicies {
				if t := p.TargetTrackingConfiguration; t != nil && t.PredefinedMetricSpecification != nil &&
					(p.Enabled == nil || *p.Enabled) {
					seen = append(seen, fmt.Sprintf("%s %g", t.PredefinedMetricSpecification.PredefinedMetricType,
						aws.ToFloat64(t.TargetValue)))
				}
			}
			slices.Sort(seen)
			return equal(list(seen), fmt.Sprintf("ALBRequestCountPerTarget %d, ASGAverageCPUUtilization %d",
				s.RequestsTarget, s.CPUTarget))
		}},
	{"group/refresh", "The last instance refresh succeeded, and none is running.",
		"the refresh says why; see \"Going back\" in docs/releases.md",
		func(ctx context.Context, l *look) (answer, error) {
			name := l.Stack.Outputs.Group
			out, err := l.scaling.DescribeInstanceRefreshes(ctx,
				&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: &name, MaxRecords: aws.Int32(1)})
			if err != nil {
				return answer{}, err
			}
			if len(out.InstanceRefreshes) == 0 {
				return answer{seen: "none yet", expected: "Successful, or none yet"}, nil
			}
			r := out.InstanceRefreshes[0]
			return holds(r.Status == scalingtypes.InstanceRefreshStatusSuccessful,
				strings.TrimSpace(fmt.Sprintf("%s %s", r.Status, aws.ToString(r.StatusReason))),
				"Successful, or none yet")
		}},
	{"group/launches", "The group's last activity did not fail.",
		"the activity says why; a stream …/bootstrap-… of the app's log group has the instance's own reason",
		func(ctx context.Context, l *look) (answer, error) {
			name := l.Stack.Outputs.Group
			out, err := l.scaling.DescribeScalingActivities(ctx,
				&autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: &name, MaxRecords: aws.Int32(1)})
			if err != nil {
				return answer{}, err
			}
			if len(out.Activities) == 0 {
				return answer{}, absent("activity of the group")
			}
			a := out.Activities[0]
			bad := a.StatusCode == scalingtypes.ScalingActivityStatusCodeFailed ||
				a.StatusCode == scalingtypes.ScalingActivityStatusCodeCancelled
			return holds(!bad, strings.TrimSpace(fmt.Sprintf("%s %s", a.StatusCode, aws.ToString(a.StatusMessage))),
				"neither Failed nor Cancelled")
		}},
	{"group/logs", "Every instance in service ships its log.",
		"on the instance: systemctl status dossier-logs amazon-cloudwatch-agent",
		about((*look).group, func(ctx context.Context, l *look, g scalingtypes.AutoScalingGroup) (answer, error) {
			name := "/dossier/" + l.Stack.Settings.Stack + "/app"
			out, err := l.logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &name,
				OrderBy: logstypes.OrderByLastEventTime, Descending: aws.Bool(true)})
			if err != nil {
				return answer{}, err
			}
			last := map[string]time.Time{}
			for _, s := range out.LogStreams {
				at := l.Now() // a stream that is new has no such time for up to an hour
				if s.LastEventTimestamp != nil {
					at = time.UnixMilli(*s.LastEventTimestamp)
				}
				last[aws.ToString(s.LogStreamName)] = at
			}
			var problems []string
			for _, i := range g.Instances {
				id := aws.ToString(i.InstanceId)
				if i.LifecycleState != scalingtypes.LifecycleStateInService {
					continue
				}
				if at, ok := last[id]; !ok {
					problems = append(problems, "nothing of "+id)
				} else if age := l.Now().Sub(at); age > freshLogs {
					problems = append(problems,
						fmt.Sprintf("nothing of %s since %s", id, at.UTC().Format(time.DateTime)))
				}
			}
			return without(problems, "lines of the last day of each")
		})},
	{"group/refusals", "AWS refused the app nothing within a day: its role is sufficient.",
		"the line names the call; the role is in infra/service", func(ctx context.Context, l *look) (answer, error) {
			name := "/dossier/" + l.Stack.Settings.Stack + "/app"
			out, err := l.logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: &name, FilterPattern: aws.String("AccessDenied"),
				StartTime: aws.Int64(l.Now().Add(-freshLogs).UnixMilli()), Limit: aws.Int32(1),
			})
			if err != nil {
				return answer{}, err
			}
			var problems []string
			for _, e := range out.Events {
				problems = append(problems, cut(aws.ToString(e.Message)))
			}
			return without(problems, "no AccessDenied")
		}},
}

// cut bounds what others wrote.
func cut(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
