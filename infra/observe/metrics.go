package observe

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// told is what the app's line "metrics" says once a minute from each instance. The numbers of the stored files are of
// the shared stores, so every instance tells the same ones: their maximum is what holds, and a sum would not.
// Saturation is the instance's own.
var told = []struct {
	// field is the number's name in the line, metric its name in CloudWatch.
	field, metric string
}{
	{"damaged_files", damagedFiles},
	{"ownerless", ownerless},
	{"removals_held", removalsHeld},
	{"infected_files", infectedFiles},
	{"scan_failed_files", scanFailedFiles},
	{"scan_waiting_minutes", scanWaitingMinutes},
	{"scrub_bytes_left", scrubBytesLeft},
	{"scrub_hours_since_pass", scrubHoursSincePass},
	{"budget_percent", budgetPercent},
	{"saturated", saturated},
	{"turned_away", turnedAway},
}

// The metrics of what is told.
const (
	damagedFiles        = "DamagedFiles"
	ownerless           = "Ownerless"
	removalsHeld        = "RemovalsHeld"
	infectedFiles       = "InfectedFiles"
	scanFailedFiles     = "ScanFailedFiles"
	scanWaitingMinutes  = "ScanWaitingMinutes"
	scrubBytesLeft      = "ScrubBytesLeft"
	scrubHoursSincePass = "ScrubHoursSincePass"
	budgetPercent       = "BudgetPercent"
	saturated           = "Saturated"
	turnedAway          = "TurnedAway"
)

// addMetrics makes metrics of the numbers in the app's log: one filter each, for a filter makes one metric
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html). They have no default
// value: it would be told for each minute that has lines of another kind alone, as if all were well.
//
// A value is taken only from a field that the pattern names
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html).
func (o *Observe) addMetrics(ctx *pulumi.Context, name string, args Args, parent pulumi.ResourceOption) error {
	for _, c := range told {
		value := "$." + c.field
		if _, err := cloudwatch.NewLogMetricFilter(ctx, name+"-"+c.metric, &cloudwatch.LogMetricFilterArgs{
			LogGroupName: args.Logs,
			Pattern:      pulumi.String(`{ ($.msg = "metrics") && (` + value + ` = *) }`),
			MetricTransformation: &cloudwatch.LogMetricFilterMetricTransformationArgs{
				Namespace: pulumi.String(args.Prefix), Name: pulumi.String(c.metric), Value: pulumi.String(value),
			},
		}, parent); err != nil {
			return err
		}
	}
	return nil
}
