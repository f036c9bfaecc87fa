package prices

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// Line is one thing that is paid for by time.
type Line struct {
	// Resource is its name in the program.
	Resource string
	// What says what is paid for, how much of it, and its price.
	What string
	// Monthly is in dollars.
	Monthly float64
}

// Bill is what a stack costs a month while nobody uses it.
type Bill struct {
	// Lines are sorted, the dearest first.
	Lines []Line
	// Unpriced are what the table has no price for, with the reason: it is not in the sum.
	Unpriced []string
}

// Total is the sum of the lines, in dollars a month.
func (b Bill) Total() float64 {
	var sum float64
	for _, l := range b.Lines {
		sum += l.Monthly
	}
	return sum
}

// Knows reports whether a rule of the bill is about a type, be it that it costs nothing.
func Knows(token string) bool {
	g, err := graph.New("", "", &graph.Resource{Token: token, Name: "any", Custom: true})
	return err == nil && !slices.ContainsFunc(Idle(g).Unpriced, func(u string) bool {
		return strings.HasSuffix(u, ": type "+token)
	})
}

// Idle makes the bill of a graph. Resources that the program only looks up are somebody else's, and on no bill here.
func Idle(g *graph.Graph) Bill {
	b := &biller{graph: g, free: map[string]bool{}, public: map[string]bool{}, logged: map[[2]string]bool{}}
	for _, tokens := range Free() {
		for _, token := range tokens {
			b.free[token] = true
		}
	}
	b.addresses()
	for _, r := range g.Resources {
		if r.Custom && !r.Read && !strings.HasPrefix(r.Token, "pulumi:") {
			b.resource(r)
		}
	}
	b.watching()
	slices.SortStableFunc(b.Lines, func(x, y Line) int {
		return cmp.Or(cmp.Compare(y.Monthly, x.Monthly), cmp.Compare(x.Resource, y.Resource))
	})
	slices.Sort(b.Unpriced)
	return b.Bill
}

type biller struct {
	Bill
	graph *graph.Graph
	// free are the types of Free.
	free map[string]bool
	// public are the URNs of instances and groups whose instances have a public address of their own, which is no
	// Elastic IP.
	public map[string]bool
	// alarms and dashboards are counted before they are priced, and so are the metrics of instances with detailed
	// monitoring; tracking is how many of the alarms Auto Scaling makes.
	alarms, tracking, dashboards, detailed int
	// logged are the metrics that filters make of logs, by namespace and name: several filters may make one.
	logged map[[2]string]bool
}

// addresses finds who has a public address. An instance with an Elastic IP has no other one, and that is a resource of
// its own.
func (b *biller) addresses() {
	elastic := map[string]bool{}
	for _, r := range b.graph.ByType("aws:ec2/eipAssociation:EipAssociation", "aws:ec2/eip:Eip") {
		for _, path := range []string{"instanceId", "instance"} {
			if i := b.graph.Resolve(r.Input(path), "aws:ec2/instance:Instance"); i != nil {
				elastic[i.URN] = true
			}
		}
	}
	for _, p := range b.graph.Places() {
		b.public[p.Resource.URN] = p.PublicIP && !elastic[p.Resource.URN]
	}
}

func (b *biller) resource(r *graph.Resource) {
	switch r.Token {
	case "aws:ec2/instance:Instance":
		b.instance(r, r, 1)
		b.volume(r, r.Input("rootBlockDevice"), 1)
		for _, device := range graph.Items(r.Input("ebsBlockDevices")) {
			b.volume(r, device, 1)
		}
	case "aws:autoscaling/group:Group":
		b.group(r)
	case "aws:autoscaling/policy:Policy":
		if r.Input("policyType") == "TargetTrackingScaling" {
			b.alarms, b.tracking = b.alarms+trackingAlarms, b.tracking+trackingAlarms
		}
	case "aws:ec2/natGateway:NatGateway":
		b.hourly(r, "NAT gateway", 1, natGateway)
	case "aws:ec2/eip:Eip":
		b.hourly(r, "public IPv4 address", 1, publicIPv4)
	case "aws:ec2/vpcEndpoint:VpcEndpoint":
		b.endpoint(r)
	case "aws:lb/loadBalancer:LoadBalancer":
		b.balancer(r)
	case "aws:rds/instance:Instance":
		b.database(r)
	case "aws:dynamodb/table:Table":
		if mode := cmp.Or(graph.Text(r.Input("billingMode")), "PROVISIONED"); mode != "PAY_PER_REQUEST" {
			b.unpriced(r, fmt.Sprintf("capacity by %s", mode))
		}
	case "aws:ssm/parameter:Parameter":
		if tier := cmp.Or(graph.Text(r.Input("tier")), "Standard"); tier != "Standard" {
			b.unpriced(r, fmt.Sprintf("a parameter of tier %s", tier))
		}
	case "aws:route53/zone:Zone":
		b.monthly(r, "hosted zone", hostedZone)
	case "aws:kms/key:Key":
		b.monthly(r, "customer-managed key", customerKey)
	case "aws:cloudwatch/logMetricFilter:LogMetricFilter":
		b.filter(r)
	case "aws:cloudwatch/metricAlarm:MetricAlarm":
		b.alarm(r)
	case "aws:cloudwatch/dashboard:Dashboard":
		b.dashboards++
	default:
		if !b.free[r.Token] {
			b.unpriced(r, "type "+r.Token)
		}
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
	b.alarms += len(periods)
}

// filter counts the metric that a filter makes of logs, which is paid for as a custom metric, one for each value of its
// dimensions (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html).
func (b *biller) filter(r *graph.Resource) {
	if r.Input("metricTransformation.dimensions") != nil {
		b.unpriced(r, "a metric for each value of its dimensions")
		return
	}
	b.logged[[2]string{
		graph.Text(r.Input("metricTransformation.namespace")), graph.Text(r.Input("metricTransformation.name")),
	}] = true
}

// watching prices what an account has some of for nothing.
func (b *biller) watching() {
	if n := b.detailed + len(b.logged) - freeMetrics; n > 0 {
		what := fmt.Sprintf("%d metrics of detailed monitoring, %d made of logs; $%.2f per month each after the %d "+
			"that "+
			"an account has free", b.detailed, len(b.logged), customMetric, freeMetrics)
		b.Lines = append(b.Lines, Line{"custom metrics", what, float64(n) * customMetric})
	}
	if n := b.alarms - freeAlarms; n > 0 {
		what := fmt.Sprintf("%d alarms, %d of them by Auto Scaling for its policies; $%.2f per month each after the "+
			"%d that an account has free",
			b.alarms, b.tracking, alarm, freeAlarms)
		b.Lines = append(b.Lines, Line{"alarms", what, float64(n) * alarm})
	}
	if n := b.dashboards - freeDashboards; n > 0 {
		what := fmt.Sprintf("%d dashboards; $%.2f per month each after the %d that an account has free",
			b.dashboards, dashboard, freeDashboards)
		b.Lines = append(b.Lines, Line{"dashboards", what, float64(n) * dashboard})
	}
}

func (b *biller) hourly(r *graph.Resource, what string, number, price float64) {
	if number == 0 {
		return
	}
	b.Lines = append(b.Lines, Line{r.Name, fmt.Sprintf("%s%s, $%g per hour", times(number), what, price),
		number * price * Hours})
}

func (b *biller) monthly(r *graph.Resource, what string, price float64) {
	b.Lines = append(b.Lines, Line{r.Name, fmt.Sprintf("%s, $%.2f per month", what, price), price})
}

func (b *biller) stored(r *graph.Resource, gb float64, what string, price float64) {
	if gb == 0 {
		return
	}
	b.Lines = append(b.Lines, Line{r.Name, fmt.Sprintf("%g GB of %s, $%g per GB and month", gb, what, price),
		gb * price})
}

func times(number float64) string {
	if number == 1 {
		return ""
	}
	return fmt.Sprintf("%g × ", number)
}

func (b *biller) unpriced(r *graph.Resource, why string) {
	b.Unpriced = append(b.Unpriced, fmt.Sprintf("%s: %s", r, why))
}

// instance adds number instances of r, of the type that spec names.
func (b *biller) instance(r, spec *graph.Resource, number float64) {
	if b.public[r.URN] {
		b.hourly(r, "public IPv4 address", number, publicIPv4)
	}
	kind := graph.Text(spec.Input("instanceType"))
	price, ok := instances()[kind]
	if !ok {
		b.unpriced(r, fmt.Sprintf("%sinstance type %q", times(number), kind))
		return
	}
	b.hourly(r, "instance "+kind, number, price)
}

// volume adds number volumes.
func (b *biller) volume(r *graph.Resource, volume any, number float64) {
	size, ok := graph.Number(graph.At(volume, "volumeSize"))
	kind := graph.Text(graph.At(volume, "volumeType"))
	if !ok || kind != "gp3" || graph.At(volume, "iops") != nil || graph.At(volume, "throughput") != nil {
		b.unpriced(r, fmt.Sprintf("%svolume that is not a gp3 of known size and usual speed", times(number)))
		return
	}
	b.stored(r, number*size, "gp3 volumes", gp3)
}

func (b *biller) group(r *graph.Resource) {
	size, ok := graph.Number(r.Input("minSize"))
	template := b.graph.LaunchTemplate(r)
	if !ok || template == nil || r.Input("mixedInstancesPolicy") != nil {
		b.unpriced(r, "a group of unknown size or template, or of several types")
		return
	}
	b.instance(r, template, size)
	if graph.Is(template.Input("monitoring.enabled"), true) {
		b.detailed += instanceMetrics * int(size)
	}
	mappings := graph.Items(template.Input("blockDeviceMappings"))
	if len(mappings) == 0 {
		b.volume(r, nil, size)
	}
	for _, mapping := range mappings {
		b.volume(r, graph.At(mapping, "ebs"), size)
	}
}

// endpoint: those of the kind Gateway, which is the default, cost nothing.
func (b *biller) endpoint(r *graph.Resource) {
	switch kind := cmp.Or(graph.Text(r.Input("vpcEndpointType")), "Gateway"); kind {
	case "Gateway":
	case "Interface":
		b.hourly(r, "interface endpoint in a zone", float64(len(graph.Items(r.Input("subnetIds")))), interfaceEndpoint)
	default:
		b.unpriced(r, "an endpoint of kind "+kind)
	}
}

func (b *biller) balancer(r *graph.Resource) {
	if kind := cmp.Or(graph.Text(r.Input("loadBalancerType")), "application"); kind != "application" {
		b.unpriced(r, "a load balancer of kind "+kind)
		return
	}
	b.hourly(r, "load balancer", 1, loadBalancer)
	zones := len(graph.Items(r.Input("subnets"))) + len(graph.Items(r.Input("subnetMappings")))
	if !graph.Is(r.Input("internal"), true) {
		b.hourly(r, "public IPv4 address, at least one in each zone", float64(zones), publicIPv4)
	}
}

func (b *biller) database(r *graph.Resource) {
	number, zones := 1.0, ""
	if graph.Is(r.Input("multiAz"), true) {
		number, zones = standbyInstances, " (Multi-AZ)"
	}
	class, engine := graph.Text(r.Input("instanceClass")), graph.Text(r.Input("engine"))
	if price, ok := databases()[class]; ok && engine == "mysql" {
		b.hourly(r, "database "+class+zones, number, price)
	} else {
		b.unpriced(r, fmt.Sprintf("%sdatabase class %q of engine %q", times(number), class, engine))
	}
	gb, ok := graph.Number(r.Input("allocatedStorage"))
	if kind := graph.Text(r.Input("storageType")); ok && kind == "gp3" && r.Input("iops") == nil &&
		r.Input("storageThroughput") == nil {
		b.stored(r, number*gb, "database storage"+zones, databaseStorage)
	} else {
		b.unpriced(r, fmt.Sprintf("%sdatabase storage that is not gp3 of known size and usual speed", times(number)))
	}
	if r.Input("engineLifecycleSupport") != "open-source-rds-extended-support-disabled" {
		b.unpriced(r, "Extended Support, by the hour, from the day on which the version leaves standard support")
	}
	if days, _ := graph.Number(r.Input("performanceInsightsRetentionPeriod")); days > freeInsights {
		b.unpriced(r, fmt.Sprintf("Performance Insights kept for %g days", days))
	}
}
