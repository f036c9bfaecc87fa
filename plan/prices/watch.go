package prices

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"dossier.example/plan/graph"
)

const (
	freeAlarms     = 10 // of an account
	freeMetrics    = 10 // of an account
	freeDashboards = 3  // of an account
	// instanceMetrics is what detailed monitoring of an instance counts as:
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html
	instanceMetrics = 7
	trackingAlarms  = 2 // Auto Scaling makes two for each policy of target tracking, one for each direction
)

// counts are of what an account has some of for nothing.
type counts struct {
	// The metrics of instances with detailed monitoring count, too; tracking is how many of the alarms Auto Scaling
	// makes.
	alarms, tracking, dashboards, detailed int
	// logged are the metrics that filters make of logs, by namespace and name: several filters may make one.
	logged map[[2]string]bool
}

// count returns the counts of a resource's region.
func (b *biller) count(r *graph.Resource) *counts {
	region := b.graph.Region(r, b.region)
	if b.counts[region] == nil {
		b.counts[region] = &counts{logged: map[[2]string]bool{}}
	}
	return b.counts[region]
}

var watchRules = map[string]func(*biller, *graph.Resource){
	"aws:autoscaling/policy:Policy":                  (*biller).scaling,
	"aws:appautoscaling/policy:Policy":               (*biller).scaling,
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": (*biller).filter,
	"aws:cloudwatch/metricAlarm:MetricAlarm":         (*biller).alarm,
	"aws:cloudwatch/dashboard:Dashboard":             func(b *biller, r *graph.Resource) { b.count(r).dashboards++ },
}

func (b *biller) scaling(r *graph.Resource) {
	if r.Input("policyType") == "TargetTrackingScaling" {
		b.count(r).alarms += trackingAlarms
		b.count(r).tracking += trackingAlarms
	}
}

// alarm counts an alarm as many times as it watches metrics
// (https://aws.amazon.com/cloudwatch/pricing/: an alarm is paid for by each metric that it looks at).
func (b *biller) alarm(r *graph.Resource) {
	periods := []any{r.Input("period")}
	if queries := graph.Items(r.Input("metricQueries")); len(queries) > 0 {
		periods = nil
		for _, query := range queries {
			if graph.At(query, "metric") != nil {
				periods = append(periods, graph.At(query, "metric.period"))
			}
		}
	}
	for _, period := range periods {
		if seconds, _ := graph.Number(period); seconds < 60 {
			b.unpriced(r, "an alarm within a minute")
			return
		}
	}
	b.count(r).alarms += len(periods)
}

// filter counts the metric that a filter makes of logs, which is paid for as a custom metric, one for each value of its
// dimensions (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html).
func (b *biller) filter(r *graph.Resource) {
	if r.Input("metricTransformation.dimensions") != nil {
		b.unpriced(r, "a metric for each value of its dimensions")
		return
	}
	b.count(r).logged[[2]string{
		graph.Text(r.Input("metricTransformation.namespace")), graph.Text(r.Input("metricTransformation.name")),
	}] = true
}

// watching prices what an account has some of for nothing: the stack's region first, then the others.
func (b *biller) watching() {
	regions := slices.SortedFunc(maps.Keys(b.counts), func(x, y string) int {
		return cmp.Or(-cmp.Compare(own(x, b.region), own(y, b.region)), cmp.Compare(x, y))
	})
	alarms, metrics, dashboards := freeAlarms, freeMetrics, freeDashboards
	for _, region := range regions {
		c := b.counts[region]
		add := func(name, key string, free *int, number int, what string) {
			paid := number - *free
			*free = max(0, *free-number)
			if paid <= 0 {
				return
			}
			price := b.table.Price(region, key)
			if region != b.region {
				name += " in " + cmp.Or(region, "a region that is not known")
			}
			if price == 0 {
				why := "no price in " + region
				if region == "" {
					why = "their region is not known"
				}
				b.Unpriced = append(b.Unpriced, Unpriced{Resource: name, Why: why})
				return
			}
			b.Lines = append(b.Lines, Line{"", name, fmt.Sprintf(what, price), float64(paid) * price})
		}
		add("custom metrics", "cloudwatch/metric", &metrics, c.detailed+len(c.logged),
			fmt.Sprintf("%d metrics of detailed monitoring, %d made of logs; $%%.2f per month each after the %d that "+
				"an account has free", c.detailed, len(c.logged), freeMetrics))
		add("alarms", "cloudwatch/alarm", &alarms, c.alarms,
			fmt.Sprintf("%d alarms, %d of them by Auto Scaling for its policies; $%%.2f per month each after the "+
				"%d that an account has free", c.alarms, c.tracking, freeAlarms))
		add("dashboards", "cloudwatch/dashboard", &dashboards, c.dashboards,
			fmt.Sprintf("%d dashboards; $%%.2f per month each after the %d that an account has free", c.dashboards,
				freeDashboards))
	}
}

func own(region, stack string) int {
	if region == stack {
		return 1
	}
	return 0
}

var keptRules = map[string]func(*biller, *graph.Resource){
	"aws:ssm/parameter:Parameter": func(b *biller, r *graph.Resource) {
		if tier := cmp.Or(graph.Text(r.Input("tier")), "Standard"); tier != "Standard" {
			b.unpriced(r, "a parameter of tier "+tier)
		}
	},
	"aws:secretsmanager/secret:Secret": func(b *biller, r *graph.Resource) {
		b.monthly(r, "secret", 1, "secret")
		if n := len(graph.Items(r.Input("replicas"))); n > 0 {
			b.unpriced(r, times(float64(n))+"replica in another region")
		}
	},
	"aws:route53/zone:Zone": func(b *biller, r *graph.Resource) { b.monthly(r, "hosted zone", 1, "route53/zone") },
	"aws:kms/key:Key":       func(b *biller, r *graph.Resource) { b.monthly(r, "customer-managed key", 1, "kms/key") },
	"aws:wafv2/webAcl:WebAcl": func(b *biller, r *graph.Resource) {
		if graph.Text(r.Input("scope")) != "REGIONAL" {
			b.unpriced(r, "a web ACL of CloudFront")
			return
		}
		b.monthly(r, "web ACL", 1, "waf/acl")
		b.monthly(r, "rule of a web ACL", float64(len(graph.Items(r.Input("rules")))), "waf/rule")
	},
}
