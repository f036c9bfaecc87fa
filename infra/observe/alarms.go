package observe

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarm is one thing that on-call wants to know.
type alarm struct {
	label string
	// says is what is wrong and where to look first.
	says      string
	namespace string
	metric    string
	// statistic is Sum, Average, Maximum, Minimum or a percentile such as p95.
	statistic  string
	dimensions pulumi.StringMap
	// below turns the comparison around.
	below     bool
	threshold float64
	// periods of period seconds each have to be over the threshold.
	period, periods int
	// missing is what no data means: notBreaching where a metric is only there when something happens, breaching where
	// it always is, and its lack a fault. Of the latter kind are those that Watch makes. ignore leaves the alarm as it
	// is: where the app says nothing, what it said last still holds, and that it is silent is for other alarms.
	missing string
	// while names another pair of metrics, by the same dimensions and period: the alarm holds only while the first is
	// no less than the second.
	while [2]string
	// rollback sends a rollout back.
	rollback bool
}

const (
	gib    = 1 << 30
	minute = 60
	day    = 24 // hours
)

func alarms(args Args) []alarm {
	balancer := pulumi.StringMap{"LoadBalancer": args.Site.Balancer.ArnSuffix}
	targets := pulumi.StringMap{"LoadBalancer": args.Site.Balancer.ArnSuffix,
		"TargetGroup": args.Site.Targets.ArnSuffix}
	database := pulumi.StringMap{"DBInstanceIdentifier": args.Database.Identifier}
	group := pulumi.StringMap{"AutoScalingGroupName": args.Group.Name}
	table := func(operation string) pulumi.StringMap {
		return pulumi.StringMap{"TableName": args.Table.Name, "Operation": pulumi.String(operation)}
	}
	list := []alarm{
		{
			label: "errors-app", says: "The app returns 5xx. Look for lines of level error in its log group.",
			namespace: "AWS/ApplicationELB", metric: "HTTPCode_Target_5XX_Count", statistic: "Sum", dimensions: targets,
			threshold: float64(args.Errors5xx), period: 5 * minute, periods: 1, missing: "notBreaching", rollback: true,
		},
		{
			label: "errors-balancer",
			says: "The load balancer itself returns 5xx: no healthy instance, or instances that hang up or time " +
				"out.",
			namespace: "AWS/ApplicationELB", metric: "HTTPCode_ELB_5XX_Count", statistic: "Sum", dimensions: balancer,
			threshold: float64(args.Errors5xx), period: 5 * minute, periods: 1, missing: "notBreaching", rollback: true,
		},
		{
			label: "latency", says: "The slowest twentieth of requests is too slow. Uploads count until their " +
				"last byte: compare with what was uploaded.",
			namespace: "AWS/ApplicationELB", metric: "TargetResponseTime", statistic: "p95", dimensions: targets,
			threshold: args.LatencySeconds, period: 5 * minute, periods: 3, missing: "notBreaching",
		},
		{
			label: "unhealthy",
			says: "An instance does not respond to /livez. The group replaces it; look for the cause in the " +
				"app's log group.",
			namespace: "AWS/ApplicationELB", metric: "UnHealthyHostCount", statistic: "Maximum", dimensions: targets,
			threshold: 0, period: minute, periods: 5, missing: "notBreaching", rollback: true,
		},
		{
			label: "none-healthy", says: "No instance is healthy: the site is down.",
			namespace: "AWS/ApplicationELB", metric: "HealthyHostCount", statistic: "Minimum", dimensions: targets,
			below: true, threshold: 1, period: minute, periods: 3, missing: "breaching",
		},
		{
			label: "at-maximum",
			says: "The group is at its largest size and would grow further. Raise service.max, and the database " +
				"with it.",
			namespace: "AWS/EC2", metric: "CPUUtilization", statistic: "Average", dimensions: group,
			threshold: 90, period: 5 * minute, periods: 3, missing: "notBreaching",
			while: [2]string{"GroupInServiceInstances", "GroupMaxSize"},
		},
		{
			label: "database-cpu", says: "The database uses all of its CPU. Look at its slow query log.",
			namespace: "AWS/RDS", metric: "CPUUtilization", statistic: "Average", dimensions: database,
			threshold: float64(args.DatabaseCPU), period: 5 * minute, periods: 3, missing: "breaching",
		},
		{
			label: "database-storage",
			says: "The database's volume is nearly full. It grows automatically up to database.maxStorageGiB: raise " +
				"that.",
			namespace: "AWS/RDS", metric: "FreeStorageSpace", statistic: "Minimum", dimensions: database,
			below: true, threshold: float64(args.DatabaseFreeGiB) * gib, period: 5 * minute, periods: 1,
			missing: "breaching",
		},
		{
			label:     "database-connections",
			says:      "The database has few connections left. Instances that get none return 503.",
			namespace: "AWS/RDS", metric: "DatabaseConnections", statistic: "Maximum", dimensions: database,
			threshold: float64(args.Connections*args.DatabaseConnectionsPercent) / 100, period: minute, periods: 5,
			missing: "breaching",
		},
		{
			label: "database-memory", says: "The database is about to swap.",
			namespace: "AWS/RDS", metric: "SwapUsage", statistic: "Maximum", dimensions: database,
			threshold: 256 << 20, period: 5 * minute, periods: 3, missing: "notBreaching",
		},
		{
			label: "damaged-files",
			says: "Stored files whose object is missing or differs. dossier reconcile --verify --dry-run lists " +
				"them; restore them as described in docs/restore.md, or have them sent again.",
			namespace: args.Prefix, metric: damagedFiles, statistic: "Maximum",
			threshold: 0, period: 5 * minute, periods: 1, missing: "ignore",
		},
		{
			label: "removals-held",
			says: "Too many items are ownerless, so none of them is removed: a store may be empty or older than the " +
				"others. Find the cause first; to remove the items, run dossier reconcile --yes-delete.",
			namespace: args.Prefix, metric: removalsHeld, statistic: "Maximum",
			threshold: 0, period: 5 * minute, periods: 1, missing: "ignore",
		},
		{
			label: "scan-late",
			says: "Files have waited for their malware check for over an hour and cannot be downloaded: the scanner " +
				"does not respond, or is too slow. Nothing is lost. Look for the cause in the app's log.",
			namespace: args.Prefix, metric: scanWaitingMinutes, statistic: "Maximum",
			threshold: 60, period: 5 * minute, periods: 1, missing: "ignore",
		},
		{
			label: "scrub-late",
			says: "The last complete read of all stored files ended longer ago than observe.scrubDays. Look for " +
				"errors in the app's log; if there is more to read than allowed, raise scrub/bytes " +
				"(DOSSIER_SCRUB_BYTES), or observe.scrubDays.",
			namespace: args.Prefix, metric: scrubHoursSincePass, statistic: "Maximum",
			threshold: float64(args.ScrubDays * day), period: 5 * minute, periods: 1, missing: "ignore",
		},
		{
			label: "budget",
			says: "More than 80 % of the store's budget is used; once it is used up, no files are accepted. Delete " +
				"what is " +
				"not needed, look in the app's log for who sends so much, or raise service.maxStoreSize " +
				"(DOSSIER_MAX_STORE_FILES for the number of files).",
			namespace: args.Prefix, metric: budgetPercent, statistic: "Maximum",
			threshold: 80, period: 5 * minute, periods: 1, missing: "ignore",
		},
		{
			label: "saturated",
			says: "An instance has reached one of its limits, so clients are turned away. The app's log " +
				"says which (most_at_once) and which clients; docs/limits.md lists the limits.",
			namespace: args.Prefix, metric: saturated, statistic: "Maximum",
			threshold: 0, period: 5 * minute, periods: 2, missing: "notBreaching",
		},
	}
	for _, operation := range []string{"PutItem", "UpdateItem", "Query"} {
		list = append(list, alarm{
			label: "table-throttled-" + operation, says: "DynamoDB throttles the table of files' records.",
			namespace: "AWS/DynamoDB", metric: "ThrottledRequests", statistic: "Sum", dimensions: table(operation),
			threshold: 0, period: 5 * minute, periods: 1, missing: "notBreaching",
		})
	}
	return list
}

// Watch makes the alarms for which missing data is a fault, once there is data: before its first instance serves, or
// its database is there, an environment is not broken but new. after is what has to be done before.
func (o *Observe) Watch(ctx *pulumi.Context, name string, args Args, after pulumi.Resource) error {
	return o.addAlarms(ctx, name, args, true, pulumi.Parent(o), pulumi.DependsOn([]pulumi.Resource{after}))
}

// addAlarms makes the alarms for which missing data is a fault, or the others.
func (o *Observe) addAlarms(ctx *pulumi.Context, name string, args Args, fault bool,
	options ...pulumi.ResourceOption) error {
	for _, a := range alarms(args) {
		if fault != (a.missing == "breaching") {
			continue
		}
		made, err := cloudwatch.NewMetricAlarm(ctx, name+"-"+a.label, o.metricAlarm(args, a), options...)
		if err != nil {
			return err
		}
		if a.rollback {
			o.Rollback = append(o.Rollback, made.Name)
		}
	}
	return nil
}

func (o *Observe) metricAlarm(args Args, a alarm) *cloudwatch.MetricAlarmArgs {
	comparison := "GreaterThanThreshold"
	if a.below {
		comparison = "LessThanThreshold"
	}
	m := &cloudwatch.MetricAlarmArgs{
		AlarmDescription:   pulumi.String(args.Prefix + ": " + a.says),
		ComparisonOperator: pulumi.String(comparison), Threshold: pulumi.Float64(a.threshold),
		EvaluationPeriods: pulumi.Int(a.periods), TreatMissingData: pulumi.String(a.missing),
		AlarmActions: pulumi.Array{o.Topic.Arn}, OkActions: pulumi.Array{o.Topic.Arn},
	}
	if a.while[0] != "" {
		m.MetricQueries = a.queries()
		return m
	}
	m.Namespace, m.MetricName, m.Dimensions, m.Period = pulumi.String(a.namespace), pulumi.String(a.metric),
		a.dimensions, pulumi.Int(a.period)
	if a.statistic[0] == 'p' {
		m.ExtendedStatistic = pulumi.String(a.statistic)
	} else {
		m.Statistic = pulumi.String(a.statistic)
	}
	return m
}

// queries are the metrics of an alarm that holds only while one of a group's sizes is no less than another: the metric
// itself then, else nothing.
func (a alarm) queries() cloudwatch.MetricAlarmMetricQueryArray {
	query := func(id, namespace, metric, statistic string) *cloudwatch.MetricAlarmMetricQueryArgs {
		return &cloudwatch.MetricAlarmMetricQueryArgs{Id: pulumi.String(id),
			Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
				Namespace: pulumi.String(namespace), MetricName: pulumi.String(metric), Dimensions: a.dimensions,
				Stat: pulumi.String(statistic), Period: pulumi.Int(a.period),
			}}
	}
	return cloudwatch.MetricAlarmMetricQueryArray{
		query("watched", a.namespace, a.metric, a.statistic),
		query("size", "AWS/AutoScaling", a.while[0], "Minimum"),
		query("most", "AWS/AutoScaling", a.while[1], "Maximum"),
		&cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String("holds"), Expression: pulumi.String("IF(size >= most, watched, 0)"),
			Label:      pulumi.String(a.metric + " at the largest size"),
			ReturnData: pulumi.Bool(true),
		},
	}
}
