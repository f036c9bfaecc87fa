package plan

import (
	"testing"
)

// TestFreshWatching: changes of what tells, watches and runs by itself.
func TestFreshWatching(t *testing.T) {
	for _, c := range []fresh{
		{"messages that fail are dropped", "SNS: sns-dead-letter-queues", "sns/topicSubscription:TopicSubscription",
			in{"topic": "t", "redrivePolicy": "{}"},
			in{"topic": "t"}, Update, [][2]string{{weakens, "no longer set aside"}}},
		{"messages in another form", "SNS: sns-large-payload-raw-message-delivery",
			"sns/topicSubscription:TopicSubscription", in{"topic": "t"},
			in{"topic": "t", "rawMessageDelivery": true}, Update, [][2]string{{stops, "another form"}}},
		{"messages twice", "SQS: FIFO-queues-exactly-once-processing", "sqs/queue:Queue",
			in{"fifoQueue": true, "contentBasedDeduplication": true}, in{"fifoQueue": true},
			Update, [][2]string{{stops, "refused"}}},
		{"a timetable that rests", "EventBridge Scheduler: API_UpdateSchedule, State", "scheduler/schedule:Schedule",
			in{"scheduleExpression": "rate(1 day)", "state": "ENABLED"},
			in{"scheduleExpression": "rate(1 day)", "state": "DISABLED"}, Update, [][2]string{{stops, "no longer"}}},
		{"events for a week", "events/archive.go", "cloudwatch/eventArchive:EventArchive", in{"retentionDays": 365},
			in{"retentionDays": 7}, Update,
			[][2]string{{expires, "7 days instead of 365"}}},
		{"events tried for a minute", "EventBridge: eb-rule-retry-policy", "cloudwatch/eventTarget:EventTarget",
			in{"rule": "r", "retryPolicy": in{"maximumEventAgeInSeconds": 86400}},
			in{"rule": "r", "retryPolicy": in{"maximumEventAgeInSeconds": 60}}, Update,
			[][2]string{{weakens, "60 seconds instead of 86400"}}},
		{"a pipe that rests", "pipes/pipe.go", "pipes/pipe:Pipe", in{"desiredState": "RUNNING"},
			in{"desiredState": "STOPPED"}, Update, [][2]string{{stops, "no longer"}}},
		{"an alarm of alarms that is mute", "cloudwatch/composite_alarm.go", "cloudwatch/compositeAlarm:CompositeAlarm",
			in{"alarmName": "a", "alarmRule": "ALARM(a)"},
			in{"alarmName": "a", "alarmRule": "FALSE", "actionsEnabled": false}, Replace,
			[][2]string{{hides, "nobody is told"}}},
		{"a canary that rests", "synthetics/canary.go", "synthetics/canary:Canary", in{"startCanary": true},
			in{"startCanary": false}, Update, [][2]string{{hides, "no longer runs"}}},
		{"other logs are passed " +
			"on", "logs/subscription_filter.go", "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
			in{"logGroup": "g", "filterPattern": ""},
			in{"logGroup": "g", "filterPattern": "ERROR"}, Update, [][2]string{{hides, "other records"}}},
		{"logs go elsewhere", "logs/subscription_filter.go: ForceNew",
			"cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", in{"logGroup": "g", "destinationArn": "a"},
			in{"logGroup": "g", "destinationArn": "b"}, Replace, [][2]string{{hides, "elsewhere"}}},
		{"hosts that are not patched", "ssm/maintenance_window.go", "ssm/maintenanceWindow:MaintenanceWindow",
			in{"enabled": true}, in{"enabled": false}, Update,
			[][2]string{{weakens, "no longer runs"}}},
		{"steps that are not recorded", "sfn/state_machine.go", "sfn/stateMachine:StateMachine",
			in{"definition": "{}", "loggingConfiguration": in{"level": "ALL"}},
			in{"definition": "{}", "loggingConfiguration": in{"level": "OFF"}}, Update,
			[][2]string{{hides, "recorded"}}},
		{"other steps", "sfn/state_machine.go", "sfn/stateMachine:StateMachine", in{"definition": `{"StartAt":"a"}`},
			in{"definition": `{"StartAt":"b"}`}, Update, nil},
		{"a trail by AWS's own key", "cloudtrail/trail.go", "cloudtrail/trail:Trail",
			in{"kmsKeyId": "k", "cloudWatchLogsGroupArn": "g"}, in{}, Update,
			[][2]string{{weakens, "key"}, {hides, "CloudWatch"}}},
		{"a filter for something else", "wafv2/web_acl_association.go: ForceNew",
			"wafv2/webAclAssociation:WebAclAssociation", in{"webAclArn": "w", "resourceArn": "a"},
			in{"webAclArn": "w", "resourceArn": "b"}, Replace, [][2]string{{weakens, "no longer filtered"}}},
		{"a cluster for everyone", "EKS: cluster-endpoint", "eks/cluster:Cluster",
			in{"vpcConfig": in{"endpointPublicAccess": true, "publicAccessCidrs": []string{"192.0.2.0/24"}}},
			in{"vpcConfig": in{"endpointPublicAccess": true, "publicAccessCidrs": []string{"0.0.0.0/0"}}}, Update,
			[][2]string{{exposes, "`0.0.0.0/0`"}}},
		{"fewer nodes", "eks/node_group.go", "eks/nodeGroup:NodeGroup",
			in{"scalingConfig": in{"minSize": 3, "maxSize": 6, "desiredSize": 3}},
			in{"scalingConfig": in{"minSize": 1, "maxSize": 6, "desiredSize": 3}}, Update,
			[][2]string{{shrinks, "1 node instead of 3"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}
