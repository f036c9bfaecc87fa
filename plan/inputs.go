package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// inputRules judge inputs, beside guards and interruptions. An absent input counts as the default of AWS and the
// provider.
var inputRules = slices.Concat(stackRules, serviceRules, dataRules, servingRules, watchingRules, accessRules,
	closingRules, smallRules)

// stackRules are those of networks, instances, databases, buckets and what watches them.
var stackRules = []rule{
	// What is deleted later.
	{token: "aws:cloudwatch/logGroup:LogGroup", path: "retentionInDays", kind: expires,
		judge: noneIsEndless(lower(endless, "its records are deleted after %s days instead of %s"))},
	{token: "aws:dynamodb/table:Table", path: "ttl.enabled", kind: expires,
		judge: to("records are deleted when their time is over", "true")},
	{token: "aws:dynamodb/table:Table", path: "ttl.attributeName", kind: expires,
		judge: other("records are deleted by another attribute's time")},
	{token: "aws:sqs/queue:Queue", path: "messageRetentionSeconds", kind: expires,
		judge: lower(345600, "messages are deleted after %s seconds instead of %s")},
	{token: "aws:kinesis/stream:Stream", path: "retentionPeriod", kind: expires,
		judge: lower(24, "records are deleted after %s hours instead of %s")},
	{token: "aws:secretsmanager/secret:Secret", path: "recoveryWindowInDays", kind: weakens,
		judge: lower(30, "it can be restored for %s days after its deletion instead of %s")},
	{token: "aws:kms/key:Key", path: "deletionWindowInDays", kind: weakens,
		judge: lower(30, "its deletion can be called off for %s days instead of %s")},

	// Backups.
	{token: "aws:rds/instance:Instance", path: "backupRetentionPeriod", kind: weakens,
		judge: lower(0, "backups are kept for %s days instead of %s")},
	{token: "aws:rds/cluster:Cluster", path: "backupRetentionPeriod", kind: weakens,
		judge: lower(1, "backups are kept for %s days instead of %s")},
	{token: "aws:elasticache/replicationGroup:ReplicationGroup", path: "snapshotRetentionLimit", kind: weakens,
		judge: lower(0, "snapshots are kept for %s days instead of %s")},
	{token: "aws:elasticache/cluster:Cluster", path: "snapshotRetentionLimit", kind: weakens,
		judge: lower(0, "snapshots are kept for %s days instead of %s")},
	{token: "aws:s3/bucketVersioningV2:BucketVersioningV2", path: "versioningConfiguration.status", kind: weakens,
		judge: from("Enabled", "objects that are overwritten or deleted in the bucket are lost at once")},
	{token: "aws:sqs/queue:Queue", path: "redrivePolicy", kind: weakens,
		judge: redrive},

	// Capacity.
	{token: "aws:autoscaling/group:Group", path: "maxSize", kind: stops,
		judge: toNone("none of its instances runs any longer")},
	{token: "aws:dynamodb/table:Table", path: "globalSecondaryIndexes", kind: stops, judge: indexes},
	{token: "aws:autoscaling/group:Group", path: "healthCheckGracePeriod", kind: weakens, judge: higher(300,
		"an instance that does not answer is replaced %s seconds after its start at the earliest instead of %s")},
	{token: "aws:autoscaling/group:Group", path: "minSize", kind: shrinks,
		judge: lower(0, "at least %s instances instead of %s")},
	{token: "aws:autoscaling/group:Group", path: "maxSize", kind: shrinks,
		judge: lower(0, "at most %s instances instead of %s")},
	{token: "aws:autoscaling/group:Group", path: "desiredCapacity", kind: shrinks,
		judge: lower(0, "%s instances instead of %s")},
	{token: "aws:autoscaling/group:Group", path: "vpcZoneIdentifiers", kind: shrinks,
		judge: fewer("it no longer starts instances in some subnets")},
	{token: "aws:autoscaling/group:Group", path: "targetGroupArns", kind: stops,
		judge: fewer("its instances leave a target group")},
	{token: "aws:autoscaling/group:Group", path: "healthCheckType", kind: weakens,
		judge: from("ELB", "instances that do not answer are no longer replaced")},
	{token: "aws:autoscaling/group:Group", path: "suspendedProcesses", kind: weakens,
		judge: func(old, now any) string {
			if len(graph.Texts(now)) > len(graph.Texts(old)) {
				return "some of its processes are suspended"
			}
			return ""
		}},
	{token: "aws:ec2/launchTemplate:LaunchTemplate", path: "instanceType", kind: shrinks, judge: smaller},
	{token: "aws:ec2/instance:Instance", path: "instanceType", kind: shrinks, judge: smaller},
	{token: "aws:rds/instance:Instance", path: "instanceClass", kind: shrinks, judge: smaller},
	{token: "aws:rds/clusterInstance:ClusterInstance", path: "instanceClass", kind: shrinks, judge: smaller},
	{token: "aws:elasticache/replicationGroup:ReplicationGroup", path: "nodeType", kind: shrinks, judge: smaller},
	{token: "aws:elasticache/cluster:Cluster", path: "nodeType", kind: shrinks, judge: smaller},
	{token: "aws:elasticache/cluster:Cluster", path: "numCacheNodes", kind: shrinks,
		judge: lower(1, "%s nodes instead of %s")},
	{token: "aws:elasticache/replicationGroup:ReplicationGroup", path: "numCacheClusters", kind: shrinks,
		judge: lower(1, "%s nodes instead of %s")},
	{token: "aws:dynamodb/table:Table", path: "readCapacity", kind: shrinks,
		judge: lower(0, "%s reads a second instead of %s")},
	{token: "aws:dynamodb/table:Table", path: "writeCapacity", kind: shrinks,
		judge: lower(0, "%s writes a second instead of %s")},
	{token: "aws:dynamodb/table:Table", path: "billingMode", kind: shrinks,
		judge: from("PAY_PER_REQUEST", "its capacity no longer follows the load")},
	{token: "aws:dynamodb/table:Table", path: "streamEnabled", kind: stops,
		judge: from("true", "whoever reads its stream is told of no more changes")},
	{token: "aws:rds/instance:Instance", path: "iops", kind: shrinks,
		judge: lower(0, "%s operations of its storage a second instead of %s")},
	{token: "aws:rds/instance:Instance", path: "storageThroughput", kind: shrinks,
		judge: lower(0, "%s MB a second of its storage instead of %s")},
	{token: "aws:rds/instance:Instance", path: "maxAllocatedStorage", kind: shrinks,
		judge: lower(0, "its storage grows by itself to at most %s GB instead of %s (0: not at all)")},
	{token: "aws:ecs/service:Service", path: "desiredCount", kind: shrinks, judge: lower(0, "%s tasks instead of %s")},
	{token: "aws:ecs/service:Service", path: "deploymentMinimumHealthyPercent", kind: shrinks,
		judge: lower(100, "at least %s percent of its tasks serve during a deployment instead of %s")},
	{token: "aws:lambda/function:Function", path: "memorySize", kind: shrinks,
		judge: lower(128, "%s MB of memory instead of %s")},
	{token: "aws:lambda/function:Function", path: "timeout", kind: shrinks,
		judge: lower(3, "it is ended after %s seconds instead of %s")},
	{token: "aws:lambda/function:Function", path: "reservedConcurrentExecutions", kind: shrinks,
		judge: func(old, now any) string {
			// -1 and no word on it: no bound.
			bound := func(v any) any {
				if n, is := graph.Number(v); !is || n < 0 {
					return endless
				}
				return v
			}
			if n, is := graph.Number(now); is && n == 0 {
				return "" // told as what it is
			}
			return lower(endless, "it runs %s times at once instead of %s")(bound(old), bound(now))
		}},
	{token: "aws:lambda/function:Function", path: "deadLetterConfig", kind: weakens,
		judge: fewer("events that it fails on are no longer kept")},
	{token: "aws:kinesis/stream:Stream", path: "shardCount", kind: shrinks, judge: lower(0, "%s shards instead of %s")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "subnets", kind: shrinks,
		judge: fewer("it no longer serves in some subnets")},

	// What AWS refuses.
	{token: "aws:rds/instance:Instance", path: "allocatedStorage", kind: refused,
		judge: lower(0, "RDS does not shrink storage: %s GB instead of %s, so the deployment fails halfway")},
	{token: "aws:ebs/volume:Volume", path: "size", kind: refused,
		judge: lower(0, "EC2 does not shrink a volume: %s GB instead of %s, so the deployment fails halfway")},
	{token: "aws:ec2/instance:Instance", path: "rootBlockDevice.volumeSize", kind: refused,
		judge: lower(0, "EC2 does not shrink a volume: %s GB instead of %s, so the deployment fails halfway")},
	{token: "aws:fsx/lustreFileSystem:LustreFileSystem", path: "storageCapacity", kind: refused,
		judge: lower(0, "FSx does not shrink storage: %s GB instead of %s, so the deployment fails halfway")},
	{token: "aws:fsx/windowsFileSystem:WindowsFileSystem", path: "storageCapacity", kind: refused,
		judge: lower(0, "FSx does not shrink storage: %s GB instead of %s, so the deployment fails halfway")},
	{token: "aws:msk/cluster:Cluster", path: "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize", kind: refused,
		judge: lower(0, "MSK does not shrink storage: %s GB instead of %s, so the deployment fails halfway")},
	{token: "aws:eks/cluster:Cluster", path: "version", kind: refused, judge: func(old, now any) string {
		if earlier(old, now) {
			return fmt.Sprintf("EKS does not go back to an earlier version (%s → %s), so the deployment fails halfway",
				orUnset(old), orUnset(now))
		}
		return ""
	}},
	{token: "aws:rds/cluster:Cluster", path: "engineVersion", kind: refused, judge: func(old, now any) string {
		if earlier(old, now) {
			return fmt.Sprintf("RDS does not go back to an earlier version (%s → %s), so the deployment fails halfway",
				orUnset(old), orUnset(now))
		}
		return ""
	}},
	{token: "aws:elasticache/replicationGroup:ReplicationGroup", path: "engineVersion", kind: refused,
		judge: func(old, now any) string {
			if earlier(old, now) {
				return fmt.Sprintf("ElastiCache goes back to an earlier version only by a new, empty cluster (%s → %s)",
					orUnset(old), orUnset(now))
			}
			return ""
		}},

	// What is watched.
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "actionsEnabled", kind: hides,
		judge: to("nobody is told when it goes off", "false")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "alarmActions", kind: hides,
		judge: fewer("it no longer tells everyone when it goes off")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "evaluationPeriods", kind: hides,
		judge: higher(1, "it goes off after %s periods instead of %s")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "datapointsToAlarm", kind: hides,
		judge: higher(0, "it goes off at %s bad values instead of %s")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "period", kind: hides,
		judge: higher(0, "it looks every %s seconds instead of %s")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "treatMissingData", kind: hides,
		judge: from("breaching", "it stays silent when there are no values")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "comparisonOperator", kind: hides,
		judge: other("it goes off on another condition")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "metricName", kind: hides,
		judge: other("it watches something else")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "namespace", kind: hides,
		judge: other("it watches something else")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "dimensions", kind: hides,
		judge: other("it watches something else")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "metricQueries", kind: hides,
		judge: other("it watches something else")},
	{token: "aws:cloudwatch/logMetricFilter:LogMetricFilter", path: "pattern", kind: hides,
		judge: other("it counts other records")},
	{token: "aws:cloudwatch/eventRule:EventRule", path: "eventPattern", kind: hides,
		judge: other("it passes on other events")},
	{token: "aws:cloudwatch/eventRule:EventRule", path: "scheduleExpression", kind: stops,
		judge: other("it runs at other times")},
	{token: "aws:cloudwatch/eventRule:EventRule", path: "isEnabled", kind: hides,
		judge: to("its events no longer reach anyone", "false")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "statistic", kind: hides,
		judge: other("it looks at another number of what it watches")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "extendedStatistic", kind: hides,
		judge: other("it looks at another number of what it watches")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "okActions", kind: hides,
		judge: fewer("it no longer tells everyone when it is over")},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "insufficientDataActions", kind: hides,
		judge: fewer("it no longer tells everyone when it sees nothing")},
	{token: "aws:cloudwatch/logGroup:LogGroup", path: "kmsKeyId", kind: weakens,
		judge: other("its records are encrypted by another key, or by CloudWatch's own")},
	{token: "aws:ec2/flowLog:FlowLog", path: "trafficType", kind: hides,
		judge: from("ALL", "only some connections are recorded")},
	{token: "aws:ec2/flowLog:FlowLog", path: "logDestination", kind: hides,
		judge: other("connections are recorded elsewhere")},
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "endpoint", kind: hides,
		judge: other("somebody else is told, at an address of mail only once it is confirmed")},
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "protocol", kind: hides,
		judge: other("its subscriber is told another way")},
	{token: "aws:cloudwatch/eventRule:EventRule", path: "state", kind: hides,
		judge: to("its events no longer reach anyone", "DISABLED")},
	{token: "aws:sns/topicSubscription:TopicSubscription", path: "filterPolicy", kind: hides,
		judge: func(any, any) string { return "its subscriber is told of other messages" }},
	{token: "aws:cloudtrail/trail:Trail", path: "enableLogging", kind: hides,
		judge: to("calls to AWS are no longer recorded", "false")},
	{token: "aws:cloudtrail/trail:Trail", path: "isMultiRegionTrail", kind: hides,
		judge: from("true", "calls in other regions are no longer recorded")},
	{token: "aws:cloudtrail/trail:Trail", path: "enableLogFileValidation", kind: hides,
		judge: from("true", "nobody can prove that the records are whole")},
	{token: "aws:guardduty/detector:Detector", path: "enable", kind: hides,
		judge: to("nobody looks for threats", "false")},
	{token: "aws:rds/instance:Instance", path: "enabledCloudwatchLogsExports", kind: hides,
		judge: fewer("some of its logs are no longer kept")},
	{token: "aws:rds/instance:Instance", path: "performanceInsightsEnabled", kind: hides,
		judge: from("true", "nobody sees what it is busy with")},
	{token: "aws:rds/instance:Instance", path: "monitoringInterval", kind: hides,
		judge: unwatched},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "accessLogs.enabled", kind: hides,
		judge: from("true", "requests are no longer recorded")},
	{token: "aws:eks/cluster:Cluster", path: "enabledClusterLogTypes", kind: hides,
		judge: fewer("some of its logs are no longer kept")},

	// Encryption and access.
	{token: "aws:ec2/instance:Instance", path: "metadataOptions.httpTokens", kind: weakens,
		judge: from("required", "programs on it may take its credentials without a token")},
	{token: "aws:ec2/launchTemplate:LaunchTemplate", path: "metadataOptions.httpTokens", kind: weakens,
		judge: from("required", "programs on its instances may take their credentials without a token")},
	{token: "aws:ec2/launchTemplate:LaunchTemplate", path: "iamInstanceProfile", kind: weakens,
		judge: always("instances get another role, or none")},
	{token: "aws:ec2/instance:Instance", path: "iamInstanceProfile", kind: weakens,
		judge: always("programs on it get another role, or none")},
	{token: "aws:ec2/instance:Instance", path: "metadataOptions.httpPutResponseHopLimit", kind: weakens,
		judge: higher(1, "containers on it may take its credentials (%s hops instead of %s)")},
	{token: "aws:ec2/launchTemplate:LaunchTemplate", path: "metadataOptions.httpPutResponseHopLimit", kind: weakens,
		judge: higher(1, "containers on its instances may take their credentials (%s hops instead of %s)")},
	{token: "aws:ec2/vpc:Vpc", path: "enableDnsHostnames", kind: stops,
		judge: from("true", "what is in it gets no names any longer, which private endpoints need")},
	{token: "aws:ec2/vpc:Vpc", path: "enableDnsSupport", kind: stops,
		judge: to("names are no longer answered in it", "false")},
	{token: "aws:ec2/subnet:Subnet", path: "mapPublicIpOnLaunch", kind: exposes,
		judge: to("instances that are started in it get public addresses", "true")},
	{token: "aws:ec2/subnet:Subnet", path: "mapPublicIpOnLaunch", kind: stops,
		judge: from("true", "instances that are started in it get no public address")},
	{token: "aws:ec2/launchTemplate:LaunchTemplate", path: "monitoring.enabled", kind: hides,
		judge: from("true", "instances are watched every five minutes instead of every one")},
	{token: "aws:ec2/launchTemplate:LaunchTemplate", path: "blockDeviceMappings", kind: weakens,
		judge: func(old, now any) string {
			encrypted := func(v any) int {
				n := 0
				for _, m := range graph.Items(v) {
					if graph.Is(graph.At(m, "ebs.encrypted"), true) {
						n++
					}
				}
				return n
			}
			if encrypted(now) < encrypted(old) {
				return "a disk of its instances is no longer encrypted"
			}
			return ""
		}},
	{token: "aws:ec2/instance:Instance", path: "disableApiTermination", kind: weakens,
		judge: from("true", "AWS no longer refuses to delete it")},
	{token: "aws:iam/role:Role", path: "permissionsBoundary", kind: stops,
		judge: whenNewly("it may do nothing any longer that its boundary does not allow, too")},
	{token: "aws:iam/role:Role", path: "permissionsBoundary", kind: weakens,
		judge: other("the most that it may do is another")},
	{token: "aws:iam/user:User", path: "permissionsBoundary", kind: weakens,
		judge: other("the most that it may do is another")},
	{token: "aws:iam/role:Role", path: "maxSessionDuration", kind: weakens,
		judge: higher(3600, "whoever takes it keeps it for %s seconds instead of %s")},
	{token: "aws:iam/instanceProfile:InstanceProfile", path: "role", kind: weakens,
		judge: other("instances with it get another role")},
	{token: "aws:kms/key:Key", path: "enableKeyRotation", kind: weakens, judge: from("true", "it is no longer rotated")},
	{token: "aws:kms/key:Key", path: "isEnabled", kind: stops,
		judge: to("nothing encrypted with it can be read", "false")},
	{token: "aws:sqs/queue:Queue", path: "kmsMasterKeyId", kind: weakens,
		judge: other("messages are encrypted by another key, or by none")},
	{token: "aws:sqs/queue:Queue", path: "sqsManagedSseEnabled", kind: weakens,
		judge: to("messages are no longer encrypted by SQS", "false")},
	{token: "aws:sns/topic:Topic", path: "kmsMasterKeyId", kind: weakens,
		judge: other("messages are encrypted by another key, or by none")},
	{token: "aws:s3/bucketOwnershipControls:BucketOwnershipControls", path: "rule.objectOwnership", kind: weakens,
		judge: from("BucketOwnerEnforced", "ACLs count again in the bucket")},
	{token: "aws:s3/bucketLoggingV2:BucketLoggingV2", path: "targetBucket", kind: hides,
		judge: other("access is recorded elsewhere")},
	{token: "aws:s3/bucketAclV2:BucketAclV2", path: "acl", kind: exposes, made: true,
		judge: to("everyone can reach the bucket's objects", "public-read", "public-read-write", "authenticated-read")},
	{token: "aws:s3/bucket:Bucket", path: "acl", kind: exposes, made: true,
		judge: to("everyone can reach its objects", "public-read", "public-read-write", "authenticated-read")},
	{token: "aws:lambda/functionUrl:FunctionUrl", path: "authorizationType", kind: exposes, made: true,
		judge: to("everyone can call the function", "NONE")},
	{token: "aws:rds/instance:Instance", path: "publiclyAccessible", kind: exposes, made: true,
		judge: to("it gets a public address", "true")},
	{token: "aws:rds/clusterInstance:ClusterInstance", path: "publiclyAccessible", kind: exposes, made: true,
		judge: to("it gets a public address", "true")},
	{token: "aws:eks/cluster:Cluster", path: "vpcConfig.endpointPublicAccess", kind: exposes, made: true,
		judge: to("its API can be reached from outside", "true")},
	{token: "aws:eks/cluster:Cluster", path: "vpcConfig.endpointPublicAccess", kind: exposes,
		judge: from("false", "its API can be reached from outside")},
	{token: "aws:rds/cluster:Cluster", path: "storageEncrypted", kind: weakens,
		judge: from("true", "its storage is not encrypted")},
	{token: "aws:rds/instance:Instance", path: "iamDatabaseAuthenticationEnabled", kind: stops,
		judge: from("true", "whoever signs in by a role can no longer")},
	{token: "aws:rds/instance:Instance", path: "autoMinorVersionUpgrade", kind: weakens,
		judge: to("fixes are no longer installed by themselves", "false")},
	{token: "aws:rds/instance:Instance", path: "caCertIdentifier", kind: stops,
		judge: other("clients that do not know its new certificate authority no longer connect")},
	{token: "aws:rds/parameterGroup:ParameterGroup", path: "parameters", kind: weakens, judge: inTheClear},
	{token: "aws:rds/parameterGroup:ParameterGroup", path: "parameters", kind: stops, judge: settings},
	{token: "aws:rds/clusterParameterGroup:ClusterParameterGroup", path: "parameters", kind: weakens,
		judge: inTheClear},
	{token: "aws:rds/clusterParameterGroup:ClusterParameterGroup", path: "parameters", kind: stops, judge: settings},
	{token: "aws:rds/instance:Instance", path: "port", kind: stops, judge: other("it answers on another port")},
	{token: "aws:ecr/repository:Repository", path: "imageTagMutability", kind: weakens,
		judge: from("IMMUTABLE", "whoever may push can put another image in an image's place")},
	{token: "aws:ssm/parameter:Parameter", path: "type", kind: weakens,
		judge: from("SecureString", "its value is no longer encrypted")},

	// Who is served.
	{token: "aws:lb/listener:Listener", path: "protocol", kind: weakens,
		judge: func(old, now any) string {
			was, is := graph.Text(old), graph.Text(now)
			if (was == "HTTPS" || was == "TLS") && is != was {
				return fmt.Sprintf("connections are no longer encrypted (%s → %s)", was, is)
			}
			return ""
		}},
	{token: "aws:lb/listener:Listener", path: "port", kind: stops, judge: other("it serves on another port")},
	{token: "aws:lb/listener:Listener", path: "sslPolicy", kind: weakens, judge: olderCiphers},
	{token: "aws:lb/listener:Listener", path: "sslPolicy", kind: stops, judge: newerCiphers},
	{token: "aws:lb/listenerRule:ListenerRule", path: "priority", kind: stops,
		judge: other("it is asked in another order, so that its requests may be taken by another rule, or it takes " +
			"theirs")},
	{token: "aws:lb/listener:Listener", path: "certificateArn", kind: stops,
		judge: other("it presents another certificate")},
	{token: "aws:lb/listener:Listener", path: "defaultActions", kind: stops,
		judge: other("requests go elsewhere, where no target may be healthy yet")},
	{token: "aws:lb/listener:Listener", path: "defaultActions", kind: weakens, judge: noRedirect},
	{token: "aws:lb/listenerRule:ListenerRule", path: "actions", kind: weakens, judge: noRedirect},
	{token: "aws:lb/listenerRule:ListenerRule", path: "actions", kind: stops,
		judge: other("requests go elsewhere, where no target may be healthy yet")},
	{token: "aws:lb/listenerRule:ListenerRule", path: "conditions", kind: stops, judge: other("it takes other requests")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.enabled", kind: weakens,
		judge: to("targets are no longer checked", "false")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.matcher", kind: weakens,
		judge: always("targets count as healthy by other answers")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.path", kind: weakens,
		judge: always("targets are checked at another path")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.port", kind: weakens,
		judge: always("targets are checked at another port")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.protocol", kind: weakens,
		judge: always("targets are checked by another protocol")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.interval", kind: weakens,
		judge: higher(30, "targets are checked every %s seconds instead of %s")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.unhealthyThreshold", kind: weakens,
		judge: higher(3, "a target gets no more requests after %s failures instead of %s")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.unhealthyThreshold", kind: stops,
		judge: lower(3, "a target gets no more requests after %s failures instead of %s")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck.timeout", kind: stops,
		judge: lower(5, "a target has to answer in %s seconds instead of %s")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "healthCheck", judge: harmless},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "idleTimeout", kind: stops,
		judge: lower(60, "connections on which nothing happens are cut after %s seconds instead of %s")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "desyncMitigationMode", kind: weakens,
		judge: to("requests that desynchronize servers are passed on", "monitor")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "enableHttp2", judge: harmless},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "accessLogs.bucket", kind: hides,
		judge: other("requests are recorded elsewhere")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "ipAddressType", kind: exposes,
		judge: to("it is reached over IPv6, too", "dualstack", "dualstack-without-public-ipv4")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "enableCrossZoneLoadBalancing", kind: shrinks,
		judge: from("true", "a zone's requests go to the targets of that zone only")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "deregistrationDelay", kind: stops,
		judge: lower(300, "requests to a target that leaves are cut off after %s seconds instead of %s")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "dropInvalidHeaderFields", kind: weakens,
		judge: from("true", "headers that are not valid are passed on")},
	{token: "aws:route53/record:Record", path: "records", kind: stops, judge: other("the name leads elsewhere")},
	{token: "aws:route53/record:Record", path: "aliases", kind: stops, judge: aliasElsewhere},
	{token: "aws:route53/record:Record", path: "aliases", kind: weakens, judge: aliasUnchecked},
	{token: "aws:lambda/eventSourceMapping:EventSourceMapping", path: "enabled", kind: stops,
		judge: to("the function no longer gets these events", "false")},
	{token: "aws:cloudfront/distribution:Distribution", path: "enabled", kind: stops,
		judge: to("it no longer serves", "false")},
	{token: "aws:cloudfront/distribution:Distribution", path: "webAclId", kind: weakens,
		judge: other("other rules filter requests, or none")},
	{token: "aws:cloudfront/distribution:Distribution", path: "defaultCacheBehavior.viewerProtocolPolicy", kind: weakens,
		judge: to("connections need no encryption", "allow-all")},
	{token: "aws:cloudfront/distribution:Distribution", path: "loggingConfig", kind: hides,
		judge: fewer("requests are no longer recorded")},
}

// unwatched judges how often the operating system of a database is looked at; 0, as no word on it, is never.
func unwatched(old, now any) string {
	if numberOr(old, 0) > 0 && numberOr(now, 0) == 0 {
		return "its operating system is no longer watched"
	}
	return ""
}

// aliasElsewhere judges where an alias leads, and aliasUnchecked whether that has to be healthy.
func aliasElsewhere(old, now any) string {
	where := func(v any) string {
		var found []string
		for _, a := range graph.Items(v) {
			found = append(found, fmt.Sprint(graph.At(a, "name"), graph.At(a, "zoneId")))
		}
		return strings.Join(found, " ")
	}
	if old == nil || where(old) == where(now) {
		return ""
	}
	return "the name leads elsewhere"
}

func aliasUnchecked(old, now any) string {
	checked := func(v any) bool {
		return slices.ContainsFunc(graph.Items(v), func(a any) bool {
			return graph.Is(graph.At(a, "evaluateTargetHealth"), true)
		})
	}
	if checked(old) && now != nil && !checked(now) {
		return "the name leads there whether it is healthy or not"
	}
	return ""
}

// noRedirect judges the actions of a listener: of those that sent clients to HTTPS, none is left.
func noRedirect(old, now any) string {
	redirects := func(actions any) bool {
		return slices.ContainsFunc(graph.Items(actions), func(action any) bool {
			return graph.Text(graph.At(action, "redirect.protocol")) == "HTTPS"
		})
	}
	if redirects(old) && !redirects(now) {
		return "clients are no longer sent to HTTPS, and what they send may pass in the clear"
	}
	return ""
}

// alarmThreshold judges an alarm's threshold by the side on which it goes off.
func alarmThreshold(old, now *graph.Resource) string {
	was, known := graph.Number(old.Input("threshold"))
	is, stays := graph.Number(now.Input("threshold"))
	if !known || !stays || was == is {
		return ""
	}
	above := len(graph.Text(now.Input("comparisonOperator"))) > 0 &&
		graph.Text(now.Input("comparisonOperator"))[0] == 'G'
	if above == (is < was) {
		return "" // it goes off earlier
	}
	return fmt.Sprintf("it goes off later, at %s instead of %s", plainNumber(is), plainNumber(was))
}

// lifecycle returns what the rules of a bucket delete that they did not.
func lifecycle(old, now *graph.Resource) []string {
	var was, is any
	key := func(r *graph.Resource) any {
		if v := r.Input("rules"); v != nil {
			return v
		}
		return r.Input("lifecycleRules")
	}
	if old != nil {
		was = key(old)
	}
	is = key(now)
	days := func(rules any, id, what string) (float64, bool) {
		for _, r := range graph.Items(rules) {
			if graph.Text(graph.At(r, "id")) != id || disabled(r) {
				continue
			}
			for _, name := range []string{"days", "noncurrentDays"} {
				if n, is := graph.Number(graph.At(r, what+"."+name)); is && n > 0 {
					return n, true
				}
			}
			if graph.Text(graph.At(r, what+".date")) != "" {
				return 0, true
			}
		}
		return 0, false
	}
	var found []string
	for _, r := range graph.Items(is) {
		id := graph.Text(graph.At(r, "id"))
		for _, what := range []struct{ path, of string }{
			{"expiration", "objects"}, {"noncurrentVersionExpiration", "replaced and deleted objects"},
		} {
			after, deletes := days(is, id, what.path)
			before, did := days(was, id, what.path)
			switch kept := newer(is, id, what.path); {
			case !deletes:
			case did && after >= before && kept < newer(was, id, what.path):
				found = append(found, singular(fmt.Sprintf("rule %s keeps %s newer versions instead of %s", code(id),
					plainNumber(kept), plainNumber(newer(was, id, what.path)))))
			case !did:
				found = append(found, singular(fmt.Sprintf("rule %s deletes %s after %s days", code(id), what.of,
					plainNumber(after))))
			case after < before:
				found = append(found, singular(fmt.Sprintf("rule %s deletes %s after %s days instead of %s", code(id),
					what.of, plainNumber(after), plainNumber(before))))
			case !sameFilter(was, is, id):
				found = append(found, fmt.Sprintf("rule %s deletes other %s", code(id), what.of))
			}
		}
	}
	return found
}

// newer is how many replaced objects a rule of a bucket keeps, however old they are.
func newer(rules any, id, path string) float64 {
	for _, r := range graph.Items(rules) {
		if graph.Text(graph.At(r, "id")) == id {
			return numberOr(graph.At(r, path+".newerNoncurrentVersions"), 0)
		}
	}
	return 0
}

// frozen returns what the rules of a bucket move to where nobody reads it before it is restored, which takes minutes to
// days (https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html).
func frozen(old, now *graph.Resource) []string {
	of := func(r *graph.Resource) map[string]float64 {
		moved := map[string]float64{}
		if r == nil {
			return moved
		}
		for _, rule := range append(graph.Items(r.Input("rules")), graph.Items(r.Input("lifecycleRules"))...) {
			for _, t := range append(graph.Items(graph.At(rule, "transitions")),
				graph.Items(graph.At(rule, "noncurrentVersionTransitions"))...) {
				class := graph.Text(graph.At(t, "storageClass"))
				if !disabled(rule) && (class == "GLACIER" || class == "DEEP_ARCHIVE") {
					days := numberOr(graph.At(t, "days"), numberOr(graph.At(t, "noncurrentDays"), 0))
					moved[fmt.Sprintf("rule %s moves objects to %s", code(graph.Text(graph.At(rule, "id"))),
						class)] = days
				}
			}
		}
		return moved
	}
	was, is := of(old), of(now)
	var found []string
	for text, days := range is {
		if before, did := was[text]; !did || days < before {
			found = append(found, singular(fmt.Sprintf("%s after %s days, where they have to be restored before "+
				"anybody reads them", text, plainNumber(days))))
		}
	}
	slices.Sort(found)
	return found
}

func disabled(rule any) bool {
	return graph.Text(graph.At(rule, "status")) == "Disabled" || graph.Is(graph.At(rule, "enabled"), false)
}

// sameFilter reports whether a rule of a bucket's lifecycle is about the same objects.
func sameFilter(old, now any, id string) bool {
	about := func(rules any) string {
		for _, r := range graph.Items(rules) {
			if graph.Text(graph.At(r, "id")) == id {
				return fmt.Sprint(graph.At(r, "filter"), graph.At(r, "prefix"), graph.At(r, "tags"))
			}
		}
		return ""
	}
	return about(old) == about(now)
}

// earlier reports whether a version comes before another, as far as both are given.
func earlier(old, now any) bool {
	was, is := version(old), version(now)
	n := min(len(was), len(is))
	return slices.Compare(is[:n], was[:n]) < 0
}

// version is the numbers of a version.
func version(v any) []int {
	var numbers []int
	for part := range strings.SplitSeq(graph.Text(v), ".") {
		if part == "mysql_aurora" {
			continue // 8.0.mysql_aurora.3.08.0
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		numbers = append(numbers, n)
	}
	return numbers
}
