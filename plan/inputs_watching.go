package plan

import (
	"slices"

	"dossier.example/plan/graph"
)

const trailType = "aws:cloudtrail/trail:Trail"

// watchingRules judge the inputs of what tells, records and runs by itself, beside those of stackRules.
var watchingRules = []rule{
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "redrivePolicy", kind: weakens, judge: redrive},
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "rawMessageDelivery", kind: stops,
		judge: always("its subscriber gets messages in another form")},
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "filterPolicyScope", kind: hides,
		judge: always("its subscriber is told of other messages")},
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "confirmationTimeoutInMinutes", judge: harmless},
	{token: "aws:sns/topic:Topic", path: "contentBasedDeduplication", kind: stops,
		judge: from("true", "messages that do not say what they are twice of are refused")},
	{token: "aws:sns/topic:Topic", path: "tracingConfig", kind: hides,
		judge: from("Active", "messages are no longer traced")},
	{token: queueType, path: "contentBasedDeduplication", kind: stops,
		judge: from("true", "messages that do not say what they are twice of are refused")},
	{token: queueType, path: "redriveAllowPolicy", kind: weakens,
		judge: always("other queues may set messages aside here")},
	{token: queueType, path: "kmsDataKeyReusePeriodSeconds", judge: harmless},

	// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
	{token: "aws:scheduler/schedule:Schedule", path: "state", kind: stops,
		judge: to("it no longer starts anything", "DISABLED")},
	{token: "aws:scheduler/schedule:Schedule", path: "scheduleExpression", kind: stops,
		judge: other("it runs at other times")},
	{token: "aws:scheduler/schedule:Schedule", path: "scheduleExpressionTimezone", kind: stops,
		judge: always("it runs at other times")},
	{token: "aws:scheduler/schedule:Schedule", path: "target", kind: stops,
		judge: other("it starts something else, or another way")},
	{token: "aws:scheduler/schedule:Schedule", path: "endDate", kind: stops, judge: always("it ends at another time")},
	{token: "aws:scheduler/schedule:Schedule", path: "flexibleTimeWindow", judge: harmless},
	{token: "aws:cloudwatch/eventArchive:EventArchive", path: "retentionDays", kind: expires,
		judge: noneIsEndless(lower(endless, "its events are deleted after %s days instead of %s"))},
	{token: "aws:cloudwatch/eventArchive:EventArchive", path: "eventPattern", kind: hides,
		judge: always("other events are kept")},
	{token: eventTargetType, path: "retryPolicy.maximumEventAgeInSeconds", kind: weakens,
		judge: lower(86400, "an event that is not taken is dropped after %s seconds instead of %s")},
	{token: eventTargetType, path: "retryPolicy.maximumRetryAttempts", kind: weakens,
		judge: lower(185, "an event that is not taken is tried again %s times instead of %s")},
	{token: eventTargetType, path: "roleArn", kind: stops, judge: other("events are passed on with other rights, or " +
		"none")},
	{token: "aws:pipes/pipe:Pipe", path: "desiredState", kind: stops,
		judge: to("it no longer passes anything on", "STOPPED")},
	{token: "aws:pipes/pipe:Pipe", path: "target", kind: stops, judge: other("it passes everything on elsewhere")},
	{token: "aws:sfn/stateMachine:StateMachine", path: "definition", judge: harmless},
	{token: "aws:sfn/stateMachine:StateMachine", path: "publish", judge: harmless},
	{token: "aws:sfn/stateMachine:StateMachine", path: "roleArn", kind: weakens,
		judge: other("its steps may do other things")},
	{token: "aws:sfn/stateMachine:StateMachine", path: "loggingConfiguration.level", kind: hides,
		judge: to("its steps are no longer recorded", "OFF")},
	{token: "aws:sfn/stateMachine:StateMachine", path: "loggingConfiguration", kind: hides,
		judge: fewer("its steps are no longer recorded")},
	{token: "aws:sfn/stateMachine:StateMachine", path: "tracingConfiguration.enabled", kind: hides,
		judge: from("true", "its steps are no longer traced")},

	{token: "aws:cloudwatch/compositeAlarm:CompositeAlarm", path: "actionsEnabled", kind: hides,
		judge: to("nobody is told when it goes off", "false")},
	{token: "aws:cloudwatch/compositeAlarm:CompositeAlarm", path: "alarmActions", kind: hides,
		judge: fewer("it no longer tells everyone when it goes off")},
	{token: "aws:cloudwatch/compositeAlarm:CompositeAlarm", path: "alarmRule", kind: hides,
		judge: other("it goes off on another condition")},
	{token: "aws:cloudwatch/compositeAlarm:CompositeAlarm", path: "actionsSuppressor", kind: hides,
		judge: always("others keep it from telling")},
	{token: "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", path: "filterPattern", kind: hides,
		judge: always("other records are passed on")},
	{token: "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", path: "destinationArn", kind: hides,
		judge: other("records go elsewhere")},
	{token: "aws:cloudwatch/logGroup:LogGroup", path: "skipDestroy", kind: weakens,
		judge: from("true", "AWS no longer keeps its records when it is deleted")},
	{token: "aws:cloudwatch/logMetricFilter:LogMetricFilter", path: "metricTransformation", kind: hides,
		judge: other("it counts otherwise, or into another metric")},
	{token: "aws:synthetics/canary:Canary", path: "startCanary", kind: hides, judge: from("true", "it no longer runs")},
	{token: "aws:synthetics/canary:Canary", path: "schedule", kind: hides, judge: other("it runs at other times")},
	{token: "aws:ssm/maintenanceWindow:MaintenanceWindow", path: "enabled", kind: weakens,
		judge: to("it no longer runs", "false")},
	{token: "aws:ssm/maintenanceWindow:MaintenanceWindow", path: "schedule", kind: weakens,
		judge: other("it runs at other times")},
	{token: trailType, path: "kmsKeyId", kind: weakens, judge: other("its records are encrypted by another key, or " +
		"by S3's own")},
	{token: trailType, path: "cloudWatchLogsGroupArn", kind: hides,
		judge: other("CloudWatch no longer gets its records, nor do alarms that count them")},
	{token: trailType, path: "s3BucketName", kind: hides, judge: other("its records go elsewhere")},
	{token: trailType, path: "includeGlobalServiceEvents", kind: hides,
		judge: to("calls of services without a region, such as IAM, are no longer recorded", "false")},
	{token: trailType, path: "isOrganizationTrail", kind: hides, judge: from("true",
		"calls in other accounts are no longer recorded")},
	{token: trailType, path: "eventSelectors", kind: hides, judge: other("other calls are recorded")},
	{token: trailType, path: "advancedEventSelectors", kind: hides, judge: other("other calls are recorded")},
	{token: trailType, path: "snsTopicName", kind: hides, judge: other("others are told of its records")},
	{token: "aws:wafv2/webAclAssociation:WebAclAssociation", path: "resourceArn", kind: weakens,
		judge: other("requests to the former one are no longer filtered")},
	{token: "aws:wafv2/webAclAssociation:WebAclAssociation", path: "webAclArn", kind: weakens,
		judge: other("requests are filtered by other rules")},
}

// accessRules judge the inputs that let somebody in, beside documents.
var accessRules = slices.Concat([]rule{
	{token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider", path: "clientIdLists", kind: exposes,
		judge: further("tokens for %s are taken")},
	{token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider", path: "clientIdLists", kind: stops,
		judge: fewer("tokens for some are refused")},
	{token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider", path: "thumbprintLists", kind: weakens,
		judge: other("it is known by another certificate")},
	{token: "aws:cognito/identityPool:IdentityPool", path: "allowUnauthenticatedIdentities", kind: exposes, made: true,
		judge: to("everyone gets credentials of its role for guests, without signing in", "true")},
	{token: "aws:cognito/identityPool:IdentityPool", path: "allowClassicFlow", kind: weakens,
		judge: to("whoever signs in may ask for credentials of any role that trusts it", "true")},
	{token: "aws:cognito/identityPool:IdentityPool", path: "cognitoIdentityProviders", kind: exposes,
		judge: always("people of other clients are let in")},
	{token: "aws:iam/samlProvider:SamlProvider", path: "samlMetadataDocument", kind: exposes,
		judge: other("it is known by other keys")},
	{token: "aws:iam/userGroupMembership:UserGroupMembership", path: "groups", kind: moreRights, made: true,
		judge: further("the user gets the rights of group %s")},
	{token: "aws:iam/userGroupMembership:UserGroupMembership", path: "groups", kind: stops,
		judge: fewer("the user loses the rights of some groups")},
	{token: "aws:iam/groupMembership:GroupMembership", path: "users", kind: moreRights, made: true,
		judge: further("%s gets the rights of the group")},
	{token: "aws:iam/groupMembership:GroupMembership", path: "users", kind: stops,
		judge: fewer("some users lose the rights of the group")},
	{token: "aws:iam/role:Role", path: "forceDetachPolicies", judge: harmless},
	{token: "aws:iam/user:User", path: "forceDestroy", kind: weakens,
		judge: to("it is deleted with its keys and its password instead of refusing deletion", "true")},
	// https://docs.aws.amazon.com/kms/latest/developerguide/alias-update.html
	{token: "aws:kms/alias:Alias", path: "targetKeyId", kind: weakens,
		judge: other("whoever encrypts by this name does so with another key, and needs rights for that")},
	{token: "aws:kms/key:Key", path: "rotationPeriodInDays", kind: weakens,
		judge: higher(365, "it is rotated every %s days instead of %s")},
	{token: "aws:cloudwatch/eventPermission:EventPermission", path: "principal", kind: exposes, made: true,
		judge: to("everyone may put events", "*")},
	{token: "aws:lambda/layerVersionPermission:LayerVersionPermission", path: "principal", kind: exposes, fresh: true,
		judge: newlyIn},
	{token: "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission", path: "accountId", kind: exposes,
		fresh: true, judge: newlyIn},
	{token: "aws:ec2/amiLaunchPermission:AmiLaunchPermission", path: "accountId", kind: exposes, fresh: true,
		judge: newlyIn},
	{token: "aws:ec2/amiLaunchPermission:AmiLaunchPermission", path: "group", kind: exposes, fresh: true,
		judge: newlyIn},
	{token: "aws:ec2/amiLaunchPermission:AmiLaunchPermission", path: "organizationArn", kind: exposes, fresh: true,
		judge: newlyIn},
}, passwordRules)

// newlyIn judges whom a permission lets in.
func newlyIn(_, now any) string {
	switch who := graph.Text(now); who {
	case "":
		return ""
	case "*", "all":
		return "everyone may use it"
	default:
		return code(cut(who, longest)) + " may use it"
	}
}

const passwordType = "aws:iam/accountPasswordPolicy:AccountPasswordPolicy"

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
var passwordRules = []rule{
	{token: passwordType, path: "minimumPasswordLength", kind: weakens,
		judge: lower(6, "passwords have at least %s characters instead of %s")},
	{token: passwordType, path: "passwordReusePrevention", kind: weakens,
		judge: lower(0, "%s former passwords are refused instead of %s")},
	{token: passwordType, path: "maxPasswordAge", kind: weakens, judge: noneIsEndless(higher(endless,
		"passwords hold for %s days instead of %s"))},
	{token: passwordType, path: "requireSymbols", kind: weakens, judge: from("true", "passwords need no symbol")},
	{token: passwordType, path: "requireNumbers", kind: weakens, judge: from("true", "passwords need no digit")},
	{token: passwordType, path: "requireUppercaseCharacters", kind: weakens,
		judge: from("true", "passwords need no capital letter")},
	{token: passwordType, path: "requireLowercaseCharacters", kind: weakens,
		judge: from("true", "passwords need no small letter")},
	{token: passwordType, path: "hardExpiry", judge: harmless},
	{token: passwordType, path: "allowUsersToChangePassword", judge: harmless},
}
