package prove

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"dossier.example/infra/internal/pages"
)

// settled is after how long an alarm has to have data: a database that is minutes old has none yet.
const settled = 2 * time.Hour

// secrets are the parameters that are kept as SecureString; main.go has the others.
var secrets = []string{"db/admin/password", "db/password", "staff/secret"}

func (l *look) parameterNames() map[string]ssmtypes.ParameterType {
	want := map[string]ssmtypes.ParameterType{}
	for _, name := range []string{
		"bucket", "db/admin/user", "db/host", "db/max-connections", "db/name", "db/user", "max-file-size",
		"max-store-size", "public-url", "table", "timeout/shutdown", "timeout/upload", "trusted-proxies", "release",
	} {
		want[name] = ssmtypes.ParameterTypeString
	}
	for _, name := range secrets {
		want[name] = ssmtypes.ParameterTypeSecureString
	}
	if len(l.Stack.Settings.Site.APIOrigins) > 0 {
		want["api-origins"] = ssmtypes.ParameterTypeString
	}
	if len(l.Stack.Settings.Jump.OperatorCIDRs) > 0 {
		want["jump/host-key"] = ssmtypes.ParameterTypeSecureString
	}
	return want
}

var parameterChecks = []check{
	{"parameters/complete", "Parameter Store has all settings that hosts read.", refresh,
		about((*look).parameters,
			func(ctx context.Context, l *look, have map[string]ssmtypes.Parameter) (answer, error) {
				var problems []string
				for _, name := range slices.Sorted(maps.Keys(l.parameterNames())) {
					if _, ok := have[name]; !ok {
						problems = append(problems, name+" is missing")
					}
				}
				return without(problems, "all")
			})},
	{"parameters/secret", "Secrets are kept encrypted, and nothing else is.", refresh,
		about((*look).parameters,
			func(ctx context.Context, l *look, have map[string]ssmtypes.Parameter) (answer, error) {
				var problems []string
				for name, kind := range l.parameterNames() {
					if p, ok := have[name]; ok && p.Type != kind {
						problems = append(problems, fmt.Sprintf("%s is a %s", name, p.Type))
					}
				}
				return without(problems, "each of its type")
			})},
	{"parameters/release", "The jump server's release is the one that the instances have.", "run \"pulumi up\"",
		func(ctx context.Context, l *look) (answer, error) {
			value, err := l.value(ctx, "release")
			if err != nil {
				return answer{}, err
			}
			t, err := l.template(ctx)
			if err != nil {
				return answer{}, err
			}
			return equal(value, t.key+" "+t.sha256)
		}},
	{"parameters/url", "The app knows the site's URL.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			value, err := l.value(ctx, "public-url")
			if err != nil {
				return answer{}, err
			}
			return equal(value, l.Stack.Outputs.URL)
		}},
}

// watched are the services that an alarm watches. The app's own metrics are in the stack's namespace.
var watched = []string{"AWS/ApplicationELB", "AWS/DynamoDB", "AWS/RDS"}

var watchChecks = []check{
	{"watch/alarms", "Alarms exist for the load balancer, the database, the table and the stored files.", refresh,
		about((*look).alarms, func(ctx context.Context, l *look, alarms []watchtypes.MetricAlarm) (answer, error) {
			var problems []string
			for _, namespace := range append(slices.Clone(watched), l.Stack.prefix()) {
				if !slices.ContainsFunc(alarms, func(a watchtypes.MetricAlarm) bool {
					return aws.ToString(a.Namespace) == namespace
				}) {
					problems = append(problems, "none for "+namespace)
				}
			}
			return without(problems, "one for each at least")
		})},
	{"watch/quiet", "No alarm is raised.", "each alarm's description says where to look first",
		eachAlarm("none", func(l *look, a watchtypes.MetricAlarm) string {
			if a.StateValue == watchtypes.StateValueAlarm {
				return "is raised: " + cut(aws.ToString(a.StateReason))
			}
			return ""
		})},
	// INSUFFICIENT_DATA after hours is a metric that does not exist under this name and these dimensions; one of the
	// app's own, a filter that finds nothing in its log.
	{"watch/data", "Every alarm has data, or treats missing data as good.",
		"an alarm that is new has none yet; else its metric or dimensions are wrong",
		eachAlarm("no INSUFFICIENT_DATA", func(l *look, a watchtypes.MetricAlarm) string {
			if a.StateValue == watchtypes.StateValueInsufficientData &&
				(a.AlarmConfigurationUpdatedTimestamp == nil ||
					l.Now().Sub(*a.AlarmConfigurationUpdatedTimestamp) > settled) {
				return "has no data"
			}
			return ""
		})},
	{"watch/actions", "Every alarm notifies the topic when it is raised.", refresh,
		eachAlarm("the topic", func(l *look, a watchtypes.MetricAlarm) string {
			if !aws.ToBool(a.ActionsEnabled) || len(a.AlarmActions) == 0 {
				return "tells nobody"
			}
			return ""
		})},
	{"watch/subscription", "The owner of observe.email has confirmed the subscription.",
		"open the email from AWS and confirm; to send it again, run aws sns subscribe",
		func(ctx context.Context, l *look) (answer, error) {
			email := l.Stack.Settings.Observe.Email
			if email == "" {
				return skip("observe.email is not set: nobody is notified")
			}
			topic, err := l.topic(ctx)
			if err != nil {
				return answer{}, err
			}
			seen := "no subscription"
			all, err := pages.All(ctx, sns.NewListSubscriptionsByTopicPaginator(l.sns,
				&sns.ListSubscriptionsByTopicInput{TopicArn: &topic}),
				func(page *sns.ListSubscriptionsByTopicOutput) []snstypes.Subscription { return page.Subscriptions })
			if err != nil {
				return answer{}, err
			}
			for _, s := range all {
				if aws.ToString(s.Endpoint) != email {
					continue
				}
				// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html has
				// PendingConfirmation in the place of an ARN.
				seen = "pending"
				if strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
					seen = "confirmed"
				}
			}
			return equal(seen, "confirmed")
		}},
	{"watch/events", "Failed refreshes and launches notify the topic.", refresh,
		about((*look).topic, func(ctx context.Context, l *look, topic string) (answer, error) {
			rules, err := l.events.ListRuleNamesByTarget(ctx,
				&eventbridge.ListRuleNamesByTargetInput{TargetArn: &topic})
			if err != nil {
				return answer{}, err
			}
			for _, name := range rules.RuleNames {
				out, err := l.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
				if err != nil {
					return answer{}, err
				}
				if strings.Contains(aws.ToString(out.EventPattern), `"`+l.Stack.Outputs.Group+`"`) {
					return equal(out.State, eventtypes.RuleStateEnabled)
				}
			}
			return holds(false, "no rule for the group", string(eventtypes.RuleStateEnabled))
		})},
	{"watch/dashboard", "The dashboard exists, and shows this stack.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			name := l.Stack.prefix()
			out, err := l.watch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
			if err != nil {
				return answer{}, err
			}
			shows := strings.Contains(aws.ToString(out.DashboardBody), `"`+l.Stack.Outputs.Group+`"`)
			return holds(shows,
				map[bool]string{true: "it shows " + l.Stack.Outputs.Group, false: "it shows something else"}[shows],
				"it shows "+l.Stack.Outputs.Group)
		}},
	{"watch/retention", "Logs are kept for exactly observe.logDays.", refresh,
		about((*look).logGroups, func(ctx context.Context, l *look, groups []logstypes.LogGroup) (answer, error) {
			days := map[string]int{}
			for _, g := range groups {
				days[aws.ToString(g.LogGroupName)] = int(aws.ToInt32(g.RetentionInDays))
			}
			var problems []string
			stack, database := "/dossier/"+l.Stack.Settings.Stack+"/", "/aws/rds/instance/"+l.Stack.prefix()+"/"
			for _, name := range []string{stack + "app", database + "error", database + "slowquery"} {
				kept, ok := days[name]
				switch {
				case !ok:
					problems = append(problems, name+" is missing")
				case kept != l.Stack.Settings.Observe.LogDays:
					problems = append(problems, fmt.Sprintf("%s keeps them for %d days", name, kept))
				}
			}
			return without(problems, fmt.Sprintf("%d days each", l.Stack.Settings.Observe.LogDays))
		})},
}

// eachAlarm is the point that nothing is wrong with any alarm.
func eachAlarm(expected string, f func(*look, watchtypes.MetricAlarm) string) func(context.Context,
	*look) (answer, error) {
	return about((*look).alarms, func(_ context.Context, l *look, alarms []watchtypes.MetricAlarm) (answer, error) {
		var problems []string
		for _, a := range alarms {
			if wrong := f(l, a); wrong != "" {
				problems = append(problems, aws.ToString(a.AlarmName)+" "+wrong)
			}
		}
		return without(problems, expected)
	})
}

// topic is the one that most alarms tell.
func (l *look) topic(ctx context.Context) (string, error) {
	alarms, err := l.alarms(ctx)
	if err != nil {
		return "", err
	}
	for _, a := range alarms {
		if len(a.AlarmActions) > 0 {
			return a.AlarmActions[0], nil
		}
	}
	return "", absent("topic that an alarm tells")
}
