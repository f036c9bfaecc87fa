package moto

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	events "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// observeKinds are logs, alarms, dashboards, and who is told.
var observeKinds = map[string]kind{
	"aws:cloudwatch/logGroup:LogGroup": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			name := in.text("name")
			if _, err := a.logs.CreateLogGroup(ctx,
				&cloudwatchlogs.CreateLogGroupInput{LogGroupName: name}); err != nil {
				return nil, err
			}
			if days := in.number("retentionInDays"); days != nil {
				if _, err := a.logs.PutRetentionPolicy(ctx,
					&cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: name, RetentionInDays: days}); err != nil {
					return nil, err
				}
			}
			out, err := a.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: name})
			if err != nil {
				return nil, err
			}
			group, err := one(out.LogGroups)
			return made{"id": name, "arn": group.LogGroupArn}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &id})
			if err != nil {
				return nil, err
			}
			group, err := one(out.LogGroups)
			return fields{"name": group.LogGroupName, "retentionInDays": group.RetentionInDays}, err
		},
	},
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			metric := in.object("metricTransformation")
			_, err := a.logs.PutMetricFilter(ctx, &cloudwatchlogs.PutMetricFilterInput{
				LogGroupName: in.text("logGroupName"), FilterName: in.text("name"), FilterPattern: in.text("pattern"),
				MetricTransformations: []logs.MetricTransformation{{
					MetricNamespace: metric.text("namespace"), MetricName: metric.text("name"),
					MetricValue: metric.text("value"),
				}},
			})
			return made{"id": in.text("name")}, err
		},
		read: func(ctx context.Context, a *Account, id string, in values) (fields, error) {
			out, err := a.logs.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{
				LogGroupName: in.text("logGroupName"), FilterNamePrefix: &id})
			if err != nil {
				return nil, err
			}
			filter, err := one(out.MetricFilters)
			if err != nil {
				return nil, err
			}
			metric, err := one(filter.MetricTransformations)
			return fields{
				"name": filter.FilterName, "logGroupName": filter.LogGroupName, "pattern": filter.FilterPattern,
				"metricTransformation": fields{
					"namespace": metric.MetricNamespace, "name": metric.MetricName, "value": metric.MetricValue,
				},
			}, err
		},
	},
	"aws:cloudwatch/metricAlarm:MetricAlarm": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
				AlarmName: in.text("name"), AlarmDescription: in.text("alarmDescription"),
				Namespace: in.text("namespace"), MetricName: in.text("metricName"),
				Dimensions: pairs(in.object("dimensions"), dimension),
				Statistic:  types.Statistic(in.must("statistic")), ExtendedStatistic: in.text("extendedStatistic"),
				Threshold:          in.float("threshold"),
				ComparisonOperator: types.ComparisonOperator(in.must("comparisonOperator")),
				Period:             in.number("period"),
				EvaluationPeriods:  in.number("evaluationPeriods"), TreatMissingData: in.text("treatMissingData"),
				AlarmActions: in.texts("alarmActions"),
				OKActions:    in.texts("okActions"),
				Metrics: each(in.list("metricQueries"), func(query values) types.MetricDataQuery {
					q := types.MetricDataQuery{
						Id: query.text("id"), Expression: query.text("expression"), Label: query.text("label"),
						ReturnData: query.flag("returnData"),
					}
					if metric := query.object("metric"); metric != nil {
						q.MetricStat = &types.MetricStat{
							Metric: &types.Metric{
								Namespace: metric.text("namespace"), MetricName: metric.text("metricName"),
								Dimensions: pairs(metric.object("dimensions"), dimension),
							},
							Stat: metric.text("stat"), Period: metric.number("period"),
						}
						// The provider sends false where the program says nothing: one query alone returns data.
						if q.ReturnData == nil {
							q.ReturnData = aws.Bool(false)
						}
					}
					return q
				}),
			})
			return made{"id": in.text("name")}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{id}})
			if err != nil {
				return nil, err
			}
			alarm, err := one(out.MetricAlarms)
			var queries []fields
			for _, q := range alarm.Metrics {
				f := fields{"id": q.Id, "expression": q.Expression, "label": q.Label}
				if q.MetricStat != nil && q.MetricStat.Metric != nil {
					f["metric"] = fields{
						"namespace": q.MetricStat.Metric.Namespace, "metricName": q.MetricStat.Metric.MetricName,
						"dimensions": byKey(q.MetricStat.Metric.Dimensions, named), "stat": q.MetricStat.Stat,
						"period": q.MetricStat.Period,
					}
				} else {
					f["returnData"] = q.ReturnData
				}
				queries = append(queries, f)
			}
			return fields{
				"metricQueries": queries,
				"name":          alarm.AlarmName, "alarmDescription": alarm.AlarmDescription,
				"namespace": alarm.Namespace, "metricName": alarm.MetricName,
				"dimensions": byKey(alarm.Dimensions, named), "statistic": alarm.Statistic,
				"extendedStatistic": alarm.ExtendedStatistic, "threshold": alarm.Threshold,
				"comparisonOperator": alarm.ComparisonOperator,
				"period":             alarm.Period, "evaluationPeriods": alarm.EvaluationPeriods,
				"treatMissingData": alarm.TreatMissingData,
				"alarmActions":     alarm.AlarmActions, "okActions": alarm.OKActions,
			}, err
		},
	},
	"aws:cloudwatch/dashboard:Dashboard": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.alarms.PutDashboard(ctx,
				&cloudwatch.PutDashboardInput{DashboardName: in.text("dashboardName"),
					DashboardBody: in.text("dashboardBody")})
			if err != nil {
				return nil, err
			}
			for _, message := range out.DashboardValidationMessages {
				return nil, fmt.Errorf("AWS says: %s", aws.ToString(message.Message))
			}
			return made{"id": in.text("dashboardName")}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.alarms.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &id})
			if err != nil {
				return nil, err
			}
			return fields{"dashboardName": out.DashboardName, "dashboardBody": out.DashboardBody}, nil
		},
	},
	"aws:sns/topic:Topic": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			attributes := map[string]string{}
			if name := in.text("displayName"); name != nil {
				attributes["DisplayName"] = *name
			}
			out, err := a.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: in.text("name"), Attributes: attributes})
			if err != nil {
				return nil, err
			}
			return made{"id": out.TopicArn, "arn": out.TopicArn}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &id})
			if err != nil {
				return nil, err
			}
			return fields{"name": last(out.Attributes["TopicArn"], ":"), "displayName": out.Attributes["DisplayName"]},
				nil
		},
	},
	"aws:sns/topicPolicy:TopicPolicy": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
				TopicArn: in.text("arn"), AttributeName: aws.String("Policy"), AttributeValue: in.text("policy"),
			})
			return made{"id": in.text("arn")}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &id})
			if err != nil {
				return nil, err
			}
			return fields{"arn": out.Attributes["TopicArn"], "policy": out.Attributes["Policy"]}, nil
		},
	},
	"aws:sns/topicSubscription:TopicSubscription": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.sns.Subscribe(ctx, &sns.SubscribeInput{
				TopicArn: in.text("topic"), Protocol: in.text("protocol"), Endpoint: in.text("endpoint"),
				ReturnSubscriptionArn: true,
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.SubscriptionArn}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &id})
			if err != nil {
				return nil, err
			}
			return fields{"topic": out.Attributes["TopicArn"], "protocol": out.Attributes["Protocol"],
				"endpoint": out.Attributes["Endpoint"]}, nil
		},
	},
	"aws:cloudwatch/eventRule:EventRule": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.events.PutRule(ctx,
				&eventbridge.PutRuleInput{Name: in.text("name"), Description: in.text("description"),
					EventPattern: in.text("eventPattern")})
			if err != nil {
				return nil, err
			}
			return made{"id": in.text("name"), "arn": out.RuleArn}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &id})
			if err != nil {
				return nil, err
			}
			return fields{"name": out.Name, "description": out.Description, "eventPattern": out.EventPattern}, nil
		},
	},
	"aws:cloudwatch/eventTarget:EventTarget": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			// The provider makes up an id.
			id := in.must("rule") + "-target"
			out, err := a.events.PutTargets(ctx,
				&eventbridge.PutTargetsInput{Rule: in.text("rule"),
					Targets: []events.Target{{Id: &id, Arn: in.text("arn")}}})
			if err == nil && out.FailedEntryCount > 0 {
				err = fmt.Errorf("AWS says: %s", aws.ToString(out.FailedEntries[0].ErrorMessage))
			}
			return made{"id": &id}, err
		},
		read: func(ctx context.Context, a *Account, id string, in values) (fields, error) {
			out, err := a.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: in.text("rule")})
			if err != nil {
				return nil, err
			}
			target, err := one(out.Targets)
			if err == nil && aws.ToString(target.Id) != id {
				err = fmt.Errorf("its target is %s, not %s", aws.ToString(target.Id), id)
			}
			return fields{"rule": in.text("rule"), "arn": target.Arn}, err
		},
	},
}

func dimension(name, value *string) types.Dimension { return types.Dimension{Name: name, Value: value} }

func named(d types.Dimension) (name, value *string) { return d.Name, d.Value }
