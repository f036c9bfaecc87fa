package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
func limitLogGroup(l look) {
	days := []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	if v, known := l.number("retentionInDays"); known && !slices.Contains(days, int(v)) {
		l.refuse("retentionInDays", "is %v, and has to be one of %v", v, days)
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html,
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html; that a value is
// taken only from a field of the pattern:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
func limitMetricFilter(l look) {
	l.match("name", `^[^:*]{1,512}$`, "up to 512 characters, without : and *")
	l.length("pattern", 0, 1024)
	l.required("logGroupName", "metricTransformation")
	metric, given := l.object("metricTransformation")
	if !given {
		return
	}
	metric.required("namespace", "name", "value")
	for _, key := range []string{"namespace", "name"} {
		metric.match(key, `^[^:*$]{1,255}$`, "up to 255 characters, without :, * and $")
	}
	if namespace, known := metric.text("namespace"); known && strings.HasPrefix(namespace, "AWS/") {
		metric.refuse("namespace", "is %q, and what begins with AWS/ belongs to AWS", namespace)
	}
	metric.exclusive("dimensions", "defaultValue")
	value, known := metric.text("value")
	pattern, also := l.text("pattern")
	_, err := strconv.ParseFloat(value, 64)
	switch {
	case !known || !also || err == nil:
	case !strings.HasPrefix(value, "$"):
		metric.refuse("value", "is %q, which is neither a number nor a field of the line", value)
	case !slices.Contains(strings.FieldsFunc(pattern,
		func(r rune) bool { return strings.ContainsRune(" (){}[],=<>!", r) }), value):
		metric.refuse("value", "is %s, which the pattern does not name", value)
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func limitAlarm(l look) {
	l.length("alarmDescription", 0, 1024)
	l.count("dimensions", 0, 30)
	for _, key := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
		l.count(key, 0, 5)
	}
	l.exclusive("statistic", "extendedStatistic", "metricQueries")
	l.exclusive("metricName", "metricQueries")
	if l.given("metricName") {
		l.required("namespace", "period", "threshold")
		if !l.given("statistic") && !l.given("extendedStatistic") {
			l.refuse("statistic", "or extendedStatistic is required")
		}
	}
	l.oneOf("statistic", "SampleCount", "Average", "Sum", "Minimum", "Maximum")
	l.match("extendedStatistic", `^(p|tm|tc|ts|wm)(\d{1,2}(\.\d+)?|100)$`, "such as p95")
	l.oneOf("comparisonOperator", "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
		"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
	l.oneOf("treatMissingData", "breaching", "notBreaching", "ignore", "missing")
	period, one := l.number("period")
	if one && period != 10 && period != 20 && period != 30 && (period < 60 || int(period)%60 != 0) {
		l.refuse("period", "is %v seconds, and has to be 10, 20, 30 or a multiple of 60", period)
	}
	if periods, two := l.number("evaluationPeriods"); one && two && period*periods > 86400*7 {
		l.refuse("evaluationPeriods", "are %v of %v seconds: a week at most", periods, period)
	}
	if need, known := l.number("datapointsToAlarm"); known {
		if periods, known := l.number("evaluationPeriods"); known && need > periods {
			l.refuse("datapointsToAlarm", "is %v, above evaluationPeriods, %v", need, periods)
		}
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
func limitDashboard(l look) {
	l.match("dashboardName", `^[A-Za-z0-9_-]{1,255}$`, "letters, digits, underscores and hyphens")
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height *int
			Properties          map[string]any
		}
	}
	if !l.json("dashboardBody", &body) {
		return
	}
	if len(body.Widgets) == 0 || len(body.Widgets) > 500 {
		l.refuse("dashboardBody", "has %d widgets, and may have 1 to 500", len(body.Widgets))
	}
	taken := map[[2]int]int{}
	for i, w := range body.Widgets {
		bad := func(format string, args ...any) {
			l.refuse("dashboardBody", "has a widget %d that "+format, append([]any{i}, args...)...)
		}
		if w.X == nil || w.Y == nil || w.Width == nil || w.Height == nil {
			bad("has no place")
			continue
		}
		if *w.X < 0 || *w.Width < 1 || *w.X+*w.Width > 24 || *w.Height < 1 || *w.Height > 1000 {
			bad("is at %d, %d wide: the grid is 24 wide", *w.X, *w.Width)
		}
		for x := *w.X; x < *w.X+*w.Width; x++ {
			for y := *w.Y; y < *w.Y+*w.Height; y++ {
				if other, covered := taken[[2]int{x, y}]; covered && other != i {
					bad("covers widget %d", other)
					taken[[2]int{x, y}] = i
				}
				taken[[2]int{x, y}] = i
			}
		}
		switch w.Type {
		case "metric":
			metrics, is := w.Properties["metrics"].([]any)
			if !is || len(metrics) == 0 || len(metrics) > 500 {
				bad("has %d metrics, and may have 1 to 500", len(metrics))
			}
			for _, m := range metrics {
				line, is := m.([]any)
				if !is {
					bad("has a metric that is no list")
					continue
				}
				names := line
				if _, options := line[len(line)-1].(map[string]any); options {
					names = line[:len(line)-1]
				}
				if len(names) < 2 || len(names)%2 != 0 {
					bad("has a metric of %d names: a namespace, a name, and pairs of dimensions", len(names))
				}
				for _, name := range names {
					if text, is := name.(string); !is || text == "" {
						bad("has a metric with the name %v", name)
					}
				}
			}
			if region, _ := w.Properties["region"].(string); region == "" {
				bad("has no region")
			}
		case "log":
			query, _ := w.Properties["query"].(string)
			if !strings.HasPrefix(query, "SOURCE '") {
				bad("asks no log group: %q", query)
			}
			if region, _ := w.Properties["region"].(string); region == "" {
				bad("has no region")
			}
		case "text", "alarm", "explorer":
		default:
			bad("is of the type %q", w.Type)
		}
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func limitEventRule(l look) {
	l.length("description", 0, 512)
	if !l.given("eventPattern") && !l.given("scheduleExpression") {
		l.refuse("eventPattern", "or scheduleExpression is required")
	}
	if text, known := l.text("eventPattern"); known && len(text) > 4096 {
		l.refuse("eventPattern", "has %d characters, and may have 4096", len(text))
	}
	var pattern map[string]any
	if !l.json("eventPattern", &pattern) {
		return
	}
	checkPattern(l, "", pattern)
}

// checkPattern: the leaves of a pattern are lists (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html).
func checkPattern(l look, at string, pattern map[string]any) {
	for key, v := range pattern {
		switch v := v.(type) {
		case map[string]any:
			checkPattern(l, join(at, key), v)
		case []any:
			if len(v) == 0 {
				l.refuse("eventPattern", "has an empty list at %s", join(at, key))
			}
		default:
			l.refuse("eventPattern", "has %v at %s, where a list has to stand", v, join(at, key))
		}
	}
}

// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
func limitTopic(l look) {
	l.length("displayName", 0, 100)
}

// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
func limitSubscription(l look) {
	l.oneOf("protocol", "sqs", "sms", "lambda", "firehose", "application", "email", "email-json", "http", "https")
	if protocol, _ := l.text("protocol"); strings.HasPrefix(protocol, "email") {
		l.match("endpoint", `^[^@\s]+@[^@\s]+\.[^@\s]+$`, "an address")
	}
}

// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
func limitRecord(l look) {
	l.oneOf("type", "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT")
	l.exclusive("aliases", "records")
	l.exclusive("aliases", "ttl")
	if !l.given("aliases") {
		l.required("records", "ttl")
	}
	l.between("ttl", 0, 2147483647)
	l.match("zoneId", `^Z[A-Z0-9]{1,31}$`, "a hosted zone's id")
	for _, alias := range l.objects("aliases") {
		alias.required("name", "zoneId")
	}
}

// https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html: the first name has 64 characters at most.
func limitCertificate(l look) {
	l.required("domainName")
	l.length("domainName", 1, 64)
	l.oneOf("validationMethod", "DNS", "EMAIL")
	l.oneOf("keyAlgorithm", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")
}

// limitCommand: a command says what is to be done, and a change of what it takes would run nothing:
// https://www.pulumi.com/registry/packages/command/api-docs/local/command/.
func limitCommand(l look) {
	l.required("create")
	if text, known := l.text("create"); known && strings.TrimSpace(text) == "" {
		l.refuse("create", "is empty")
	}
}

// https://www.pulumi.com/registry/packages/command/api-docs/remote/command/
func limitRemoteCommand(l look) {
	limitCommand(l)
	connection, given := l.object("connection")
	if !given {
		return
	}
	connection.between("port", 1, 65535)
	if n, known := connection.number("perDialTimeout"); known && (n < 0 || n > time.Hour.Seconds()) {
		connection.refuse("perDialTimeout", "is %v, and is in seconds", n)
	}
	if !connection.given("privateKey") && !connection.given("password") && !connection.given("agentSocketPath") {
		connection.refuse("privateKey", "or another way to sign in is required")
	}
}

// https://registry.terraform.io/providers/hashicorp/random/latest/docs/resources/password
func limitPassword(l look) {
	l.between("length", 1, 1<<16)
	sum := 0.0
	for _, key := range []string{"minLower", "minUpper", "minNumeric", "minSpecial"} {
		n, _ := l.number(key)
		sum += n
	}
	if length, known := l.number("length"); known && sum > length {
		l.refuse("length", "is %v, below the %v characters that the classes need", length, sum)
	}
}
