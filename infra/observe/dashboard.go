package observe

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// The grid of a dashboard is 24 units wide.
const (
	widgetWidth  = 8
	widgetHeight = 6
	perRow       = 24 / widgetWidth
)

// metric is one line of a chart.
type metric struct {
	namespace, name string
	dimensions      []any
	label, stat     string
}

// dashboard is the one page: the site, the instances, the database, the stores, and the last errors of the app.
func dashboard(args Args) pulumi.StringOutput {
	balancer := []any{"LoadBalancer", args.Site.Balancer.ArnSuffix}
	targets := []any{"TargetGroup", args.Site.Targets.ArnSuffix, "LoadBalancer", args.Site.Balancer.ArnSuffix}
	group := []any{"AutoScalingGroupName", args.Group.Name}
	database := []any{"DBInstanceIdentifier", args.Database.Identifier}
	table := []any{"TableName", args.Table.Name}
	throttled := func(operation string) metric {
		return metric{"AWS/DynamoDB", "ThrottledRequests", append(table[:2:2], "Operation", operation), "throttled " + operation, "Sum"}
	}
	charts := []struct {
		title string
		lines []metric
	}{
		{"Requests and errors", []metric{
			{"AWS/ApplicationELB", "RequestCount", balancer, "requests", "Sum"},
			{"AWS/ApplicationELB", "HTTPCode_Target_4XX_Count", targets, "4xx of the app", "Sum"},
			{"AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", targets, "5xx of the app", "Sum"},
			{"AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", balancer, "5xx of the load balancer", "Sum"},
		}},
		{"Time to answer", []metric{
			{"AWS/ApplicationELB", "TargetResponseTime", targets, "median", "p50"},
			{"AWS/ApplicationELB", "TargetResponseTime", targets, "95 %", "p95"},
			{"AWS/ApplicationELB", "TargetResponseTime", targets, "99 %", "p99"},
		}},
		{"Instances", []metric{
			{"AWS/ApplicationELB", "HealthyHostCount", targets, "healthy", "Minimum"},
			{"AWS/ApplicationELB", "UnHealthyHostCount", targets, "unhealthy", "Maximum"},
			{"AWS/AutoScaling", "GroupDesiredCapacity", group, "desired", "Maximum"},
			{"AWS/AutoScaling", "GroupMaxSize", group, "largest size", "Maximum"},
		}},
		{"CPU of the instances", []metric{
			{"AWS/EC2", "CPUUtilization", group, "average", "Average"},
			{"AWS/EC2", "CPUUtilization", group, "highest", "Maximum"},
		}},
		{"Database", []metric{
			{"AWS/RDS", "CPUUtilization", database, "CPU, percent", "Average"},
			{"AWS/RDS", "DatabaseConnections", database, "connections", "Maximum"},
		}},
		{"Database: storage and memory left", []metric{
			{"AWS/RDS", "FreeStorageSpace", database, "storage", "Minimum"},
			{"AWS/RDS", "FreeableMemory", database, "memory", "Minimum"},
		}},
		{"Records of files", []metric{
			{"AWS/DynamoDB", "ConsumedWriteCapacityUnits", table, "write units", "Sum"},
			{"AWS/DynamoDB", "ConsumedReadCapacityUnits", table, "read units", "Sum"},
			throttled("PutItem"), throttled("UpdateItem"), throttled("Query"),
		}},
		{"Custody of the files", []metric{
			{args.Prefix, damagedFiles, nil, "damaged files", "Maximum"},
			{args.Prefix, ownerless, nil, "without an owner", "Maximum"},
			{args.Prefix, removalsHeld, nil, "removals held back", "Maximum"},
		}},
		{"Bounds", []metric{
			{args.Prefix, saturated, nil, "bounds reached", "Maximum"},
			{args.Prefix, turnedAway, nil, "requests turned away", "Sum"},
		}},
		{"Scrub", []metric{
			{args.Prefix, scrubHoursSincePass, nil, "hours since the last complete pass", "Maximum"},
			{args.Prefix, scrubBytesLeft, nil, "bytes left of this pass", "Maximum"},
		}},
	}
	var widgets pulumi.Array
	for i, chart := range charts {
		var lines pulumi.Array
		for _, m := range chart.lines {
			line := pulumi.Array{pulumi.String(m.namespace), pulumi.String(m.name)}
			for _, d := range m.dimensions {
				line = append(line, pulumi.ToOutput(d))
			}
			lines = append(lines, append(line, pulumi.StringMap{"label": pulumi.String(m.label), "stat": pulumi.String(m.stat)}))
		}
		widgets = append(widgets, pulumi.Map{
			"type": pulumi.String("metric"), "x": pulumi.Int(i % perRow * widgetWidth), "y": pulumi.Int(i / perRow * widgetHeight),
			"width": pulumi.Int(widgetWidth), "height": pulumi.Int(widgetHeight),
			"properties": pulumi.Map{
				"title": pulumi.String(chart.title), "region": pulumi.String(args.Region), "view": pulumi.String("timeSeries"),
				"stacked": pulumi.Bool(false), "period": pulumi.Int(minute), "metrics": lines,
			},
		})
	}
	left := len(charts) % perRow * widgetWidth
	widgets = append(widgets, pulumi.Map{
		"type": pulumi.String("log"), "x": pulumi.Int(left), "y": pulumi.Int(len(charts) / perRow * widgetHeight),
		"width": pulumi.Int(perRow*widgetWidth - left), "height": pulumi.Int(widgetHeight),
		"properties": pulumi.Map{
			"title": pulumi.String("Last errors of the app"), "region": pulumi.String(args.Region), "view": pulumi.String("table"),
			"query": pulumi.Sprintf("SOURCE '%s' | fields @timestamp, msg, error | filter level = 'ERROR' | sort @timestamp desc | limit 50", args.Logs),
		},
	})
	return pulumi.JSONMarshal(pulumi.Map{"widgets": widgets})
}
