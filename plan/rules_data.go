package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// dataRules judge what holds data.
var dataRules = slices.Concat(
	on("aws:backup/plan:Plan",
		// https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRule.html
		input("rules", weakens, backups),
		input("rules", expires, keptBackups),
		input("advancedBackupSettings", weakens, other("backups of Windows are made another way"))),
	on("aws:backup/selection:Selection",
		input("resources", weakens, fewer("some of what it selects is no longer backed up")),
		input("notResources", weakens, further("%s is no longer backed up")),
		input("selectionTags", weakens, other("other resources are backed up")),
		input("conditions", weakens, always("other resources are backed up")),
		input("iamRoleArn", weakens, other("backups are made with other rights"))),
	on("aws:backup/vaultLockConfiguration:VaultLockConfiguration",
		input("minRetentionDays", weakens, lower(0, "backups can be deleted after %s days instead of %s")),
		input("changeableForDays", weakens, other("the lock becomes final at another time, or never"))),
	on("aws:docdb/cluster:Cluster",
		input("engineVersion", stops, newerEngine),
		input("backupRetentionPeriod", weakens, lower(1, "backups are kept for %s days instead of %s")),
		input("masterPassword", stops, anotherPassword)),
	on(tableType,
		input("ttl.enabled", expires, to("records are deleted when their time is over", "true")),
		input("ttl.attributeName", expires, other("records are deleted by another attribute's time")),
		input("globalSecondaryIndexes", stops, indexes),
		input("readCapacity", shrinks, lower(0, "%s reads a second instead of %s")),
		input("writeCapacity", shrinks, lower(0, "%s writes a second instead of %s")),
		input("billingMode", shrinks, from("PAY_PER_REQUEST", "its capacity no longer follows the load")),
		input("streamEnabled", stops, from("true", "whoever reads its stream is told of no more changes")),
		// internal/service/dynamodb/table.go
		input("replicas", stops, fewerRegions),
		input("replicas", exposes, moreRegions),
		input("streamViewType", stops,
			other("its stream is made anew with other contents, and whoever reads the old one gets nothing more")),
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.tableclasses.html
		input("tableClass", costs, func(_, now any) string {
			if graph.Text(now) == "STANDARD_INFREQUENT_ACCESS" {
				return "its reads and writes cost more, and its storage less"
			}
			return "its storage costs more, and its reads and writes less"
		}),
		input("serverSideEncryption", weakens,
			fewer("its records are encrypted by a key of AWS's, which no policy of the account guards")),
		input("serverSideEncryption.kmsKeyArn", weakens, other("its records are encrypted by another key")),
		input("serverSideEncryption.enabled", weakens,
			to("its records are encrypted by a key of AWS's, which no policy of the account guards", "false")),
		input("pointInTimeRecovery.recoveryPeriodInDays", weakens,
			lower(35, "it can be restored to the last %s days instead of %s")),
		input("globalSecondaryIndexes", shrinks, indexCapacity),
		input("onDemandThroughput.maxReadRequestUnits", shrinks, lower(endless, "%s reads a second instead of %s")),
		input("onDemandThroughput.maxWriteRequestUnits", shrinks, lower(endless, "%s writes a second instead of %s"))),
	on("aws:dynamodb/tableReplica:TableReplica",
		input("pointInTimeRecovery", weakens,
			from("true", "it can no longer be restored to an earlier point in time"))),
	on("aws:efs/backupPolicy:BackupPolicy",
		input("backupPolicy.status", weakens, to("its files are no longer backed up", "DISABLED"))),
	on(filesType,
		input("provisionedThroughputInMibps", shrinks, lower(0, "%s MB a second instead of %s")),
		input("throughputMode", shrinks, from("provisioned", "its speed follows what it holds, or what is used")),
		harmless("lifecyclePolicies")),
	on("aws:elasticache/cluster:Cluster",
		input("snapshotRetentionLimit", weakens, lower(0, "snapshots are kept for %s days instead of %s")),
		input("nodeType", shrinks, smaller),
		input("numCacheNodes", shrinks, lower(1, "%s nodes instead of %s"))),
	on("aws:elasticache/parameterGroup:ParameterGroup",
		// https://valkey.io/topics/lru-cache/
		input("parameters", expires, evicts),
		input("parameters", stops, settings)),
	on(cacheType,
		input("snapshotRetentionLimit", weakens, lower(0, "snapshots are kept for %s days instead of %s")),
		input("nodeType", shrinks, smaller),
		input("numCacheClusters", shrinks, lower(1, "%s nodes instead of %s")),
		input("engineVersion", refused,
			back("ElastiCache goes back to an earlier version only by a new, empty cluster (%s → %s)")),
		// https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html
		input("automaticFailoverEnabled", weakens, from("true", "no other node takes over when its writer fails")),
		input("multiAzEnabled", weakens,
			from("true", "its nodes may all be in one zone, and no other node takes over when that fails")),
		input("authToken", weakens, whenNew("clients need no password", isAbsent)),
		input("authToken", stops, whenNew("clients need another password, as authTokenUpdateStrategy says", isGiven)),
		input("transitEncryptionEnabled", weakens, from("true", "connections are no longer encrypted")),
		input("transitEncryptionEnabled", stops, to("clients have to encrypt their connections", "true")),
		input("transitEncryptionMode", weakens, to("connections need no encryption", "preferred")),
		input("transitEncryptionMode", stops, to("clients that do not encrypt are refused", "required")),
		input("numNodeGroups", shrinks, lower(1, "%s shards instead of %s")),
		input("replicasPerNodeGroup", shrinks, lower(0, "%s replicas of each shard instead of %s")),
		input("parameterGroupName", stops, other("it works otherwise, in part from its next restart")),
		input("userGroupIds", exposes, other("other users may sign in")),
		input("logDeliveryConfigurations", hides, fewer("some of its logs are no longer kept")),
		input("finalSnapshotIdentifier", weakens, fewer("no snapshot is left when it is deleted")),
		harmless("authTokenUpdateStrategy")),
	on("aws:elasticache/subnetGroup:SubnetGroup",
		input("subnetIds", refused, fewer("AWS refuses to take out a subnet that is in use by a cache"))),
	on(cacheUserType,
		input("accessString", moreRights, func(old, now any) string {
			return "other commands and keys are allowed: " + code(orUnset(old)) + " → " + code(orUnset(now))
		}),
		orNew("noPasswordRequired", weakens, to("it needs no password", "true"))),
	on("aws:fsx/lustreFileSystem:LustreFileSystem aws:fsx/windowsFileSystem:WindowsFileSystem",
		input("storageCapacity", refused,
			lower(0, "FSx does not shrink storage: %s GB instead of %s, so the deployment fails halfway"))),
	on(firehoseType, input("extendedS3Configuration.bucketArn destination", hides, other("records go elsewhere"))),
	on("aws:kinesis/stream:Stream",
		input("retentionPeriod", expires, lower(24, "records are deleted after %s hours instead of %s")),
		input("shardCount", shrinks, lower(0, "%s shards instead of %s")),
		input("streamModeDetails.streamMode", shrinks, from("ON_DEMAND", "its capacity no longer follows the load")),
		input("encryptionType", weakens, from("KMS", "its records are no longer encrypted by a key")),
		input("kmsKeyId", weakens, anotherKey("its records are", "AWS's"))),
	on(kafkaType,
		input("brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize", refused,
			lower(0, "MSK does not shrink storage: %s GB instead of %s, so the deployment fails halfway")),
		input("encryptionInfo.encryptionInTransit.clientBroker", weakens,
			to("connections need not be encrypted", "TLS_PLAINTEXT", "PLAINTEXT")),
		input("encryptionInfo.encryptionInTransit.clientBroker", stops,
			to("clients that do not encrypt are refused", "TLS")),
		orNew("brokerNodeGroupInfo.connectivityInfo.publicAccess.type", exposes,
			to("its brokers get public addresses", "SERVICE_PROVIDED_EIPS")),
		orNew("clientAuthentication.unauthenticated", exposes, to("everyone who reaches it may use it", "true")),
		input("clientAuthentication.sasl clientAuthentication.tls", stops, other("clients sign in another way")),
		input("kafkaVersion", stops, newerEngine),
		input("numberOfBrokerNodes", refused,
			lower(0, "MSK does not take out brokers that hold partitions: %s instead of %s")),
		input("brokerNodeGroupInfo.instanceType", shrinks, smaller),
		input("configurationInfo", stops, other("its brokers work otherwise")),
		input("loggingInfo", hides, fewer("its logs are no longer kept")),
		input("enhancedMonitoring", hides, rank("less of it is "+
			"counted", "DEFAULT", "DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"))),
	on("aws:neptune/cluster:Cluster",
		input("backupRetentionPeriod", weakens, lower(1, "backups are kept for %s days instead of %s")),
		input("engineVersion", stops, newerEngine)),
	on(searchType,
		// https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_UpdateDomainConfig.html,
		// https://docs.aws.amazon.com/msk/1.0/apireference/clusters-clusterarn-security.html,
		// https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyCluster.html
		input("clusterConfig.instanceCount", shrinks, lower(1, "%s nodes instead of %s")),
		input("clusterConfig.instanceType", shrinks, smaller),
		input("clusterConfig.dedicatedMasterEnabled", weakens, from("true", "no nodes of their own hold it together")),
		input("clusterConfig.dedicatedMasterCount", weakens, lower(0, "%s nodes hold it together instead of %s")),
		input("clusterConfig.zoneAwarenessEnabled", weakens, from("true", "it does not survive that its zone fails")),
		input("clusterConfig.multiAzWithStandbyEnabled", weakens, from("true", "no nodes stand by in another zone")),
		input("clusterConfig.warmEnabled", weakens, from("true", "nothing is kept warm")),
		input("ebsOptions.volumeSize", shrinks, lower(0, "%s GB for each node instead of %s")),
		input("ebsOptions.iops", shrinks, lower(0, "%s operations a second instead of %s")),
		input("domainEndpointOptions.enforceHttps", weakens, from("true", "connections need no encryption")),
		input("domainEndpointOptions.tlsSecurityPolicy", weakens,
			to("clients may use older versions of TLS", "Policy-Min-TLS-1-0-2019-07")),
		input("domainEndpointOptions.customEndpoint", stops, other("it no longer answers under its name")),
		input("advancedSecurityOptions.anonymousAuthEnabled", exposes,
			to("everyone who reaches it may use it", "true")),
		input("logPublishingOptions", hides, fewer("some of its logs are no longer kept")),
		input("engineVersion", stops, newerEngine),
		harmless("autoTuneOptions")),
	// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/vpc.html,
	// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/fgac.html
	on(searchType+" aws:elasticsearch/domain:Domain",
		input("vpcOptions", exposes, fewer("it gets an address on the internet")),
		input("advancedSecurityOptions.enabled", exposes,
			from("true", "whoever its policy lets in may do everything with its documents, and signs in no longer"))),
	on(auroraType,
		input("backupRetentionPeriod", weakens, lower(1, "backups are kept for %s days instead of %s")),
		input("engineVersion", refused,
			back("RDS does not go back to an earlier version (%s → %s), so the deployment fails halfway")),
		input("storageEncrypted", weakens, from("true", "its storage is not encrypted")),
		input("engineVersion", stops, newerEngine),
		input("dbClusterParameterGroupName", stops,
			other("its instances have to restart for all of the other parameters")),
		input("port", stops, other("it answers on another port")),
		input("serverlessv2ScalingConfiguration.minCapacity", shrinks, lower(0, "at least %s units instead of %s")),
		input("serverlessv2ScalingConfiguration.maxCapacity", shrinks, lower(0, "at most %s units instead of %s")),
		input("enableHttpEndpoint", exposes,
			to("whoever AWS lets call its Data API reaches it, from any network", "true")),
		input("enableHttpEndpoint", stops, from("true", "its Data API no longer answers")),
		input("backtrackWindow", weakens, lower(0, "it can be set back by %s seconds instead of %s")),
		input("allocatedStorage", shrinks, lower(0, "%s GB instead of %s")),
		input("iops", shrinks, lower(0, "%s operations of its storage a second instead of %s")),
		// https://aws.amazon.com/rds/aurora/pricing/
		input("storageType", costs,
			to("its instances and storage cost more, and its operations of storage nothing", "aurora-iopt1")),
		input("performanceInsightsEnabled", hides, from("true", "nobody sees what it is busy with")),
		input("masterPassword", stops, anotherPassword),
		harmless("serverlessv2ScalingConfiguration.secondsUntilAutoPause")),
	on(auroraNodeType,
		input("instanceClass", shrinks, smaller),
		input("performanceInsightsEnabled", hides, from("true", "nobody sees what it is busy with")),
		input("monitoringInterval", hides, unwatched),
		input("caCertIdentifier", stops,
			other("clients that do not know its new certificate authority no longer connect")),
		harmless("promotionTier")),
	on("aws:docdb/clusterParameterGroup:ClusterParameterGroup "+
		"aws:memorydb/parameterGroup:ParameterGroup aws:neptune/clusterParameterGroup:ClusterParameterGroup "+
		"aws:rds/clusterParameterGroup:ClusterParameterGroup aws:rds/parameterGroup:ParameterGroup "+
		"aws:redshift/parameterGroup:ParameterGroup",
		input("parameters", weakens, ends("connections need no encryption", asksForEncryption)),
		input("parameters", stops, settings)),
	on(eventsOfDatabase,
		input("enabled", hides, to("nobody is told of its events", "false")),
		input("snsTopic", hides, other("somebody else is told of its events")),
		input("eventCategories", hides, fewer("some events are no longer told")),
		input("sourceIds", hides, fewer("events of some are no longer told")),
		input("sourceType", hides, always("events of something else are told"))),
	on(databaseType,
		input("backupRetentionPeriod", weakens, lower(0, "backups are kept for %s days instead of %s")),
		input("instanceClass", shrinks, smaller),
		harmless("iops"), // judged with its size: operations
		input("storageThroughput", shrinks, lower(0, "%s MB a second of its storage instead of %s")),
		input("maxAllocatedStorage", shrinks,
			lower(0, "its storage grows by itself to at most %s GB instead of %s (0: not at all)")),
		input("allocatedStorage", refused,
			lower(0, "RDS does not shrink storage: %s GB instead of %s, so the deployment fails halfway")),
		input("performanceInsightsEnabled", hides, from("true", "nobody sees what it is busy with")),
		input("monitoringInterval", hides, unwatched),
		input("caCertIdentifier", stops,
			other("clients that do not know its new certificate authority no longer connect")),
		input("port", stops, other("it answers on another port")),
		// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html,
		// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
		input("dbSubnetGroupName", stops, other("the database moves to other subnets, and is down meanwhile")),
		input("optionGroupName", stops, other("other options of its engine hold, some from its next restart")),
		input("replicateSourceDb", stops,
			fewer("it becomes a database of its own, and no longer follows the one that it is a replica of")),
		// internal/service/rds/instance.go: "cannot elevate new source database for replication"
		input("replicateSourceDb", refused, whenNew("a database does not become a replica of another one", isGiven)),
		input("manageMasterUserPassword", stops, to("Secrets Manager makes another password, so that whoever signs "+
			"in with the old one no longer can", "true")),
		input("manageMasterUserPassword", weakens,
			from("true", "Secrets Manager no longer makes and rotates its password")),
		input("performanceInsightsRetentionPeriod", expires,
			lower(7, "what its insights have recorded is deleted after %s days instead of %s")),
		input("password", stops, anotherPassword),
		// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
		input("licenseModel", stops, other("it restarts under another licence")),
		input("domain", stops, other("whoever signs in by its former directory can no longer")),
		harmless("blueGreenUpdate monitoringRoleArn")),
	on("aws:rds/proxy:Proxy",
		input("requireTls", weakens, from("true", "connections need no encryption")),
		input("idleClientTimeout", stops,
			lower(1800, "connections on which nothing happens are cut after %s seconds instead of %s")),
		harmless("debugLogging")),
	on("aws:rds/subnetGroup:SubnetGroup",
		// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html (SubnetAlreadyInUse)
		input("subnetIds", refused, fewer("AWS refuses to take out a subnet that is in use by a database"))),
	on(warehouseType,
		input("encrypted", weakens, from("true", "its data is not encrypted")),
		input("numberOfNodes", shrinks, lower(1, "%s nodes instead of %s")),
		input("nodeType", shrinks, smaller),
		input("automatedSnapshotRetentionPeriod", weakens, lower(1, "backups are kept for %s days instead of %s")),
		input("enhancedVpcRouting", weakens, from("true", "what it loads and unloads no longer stays in its network")),
		input("clusterParameterGroupName", stops, other("it works otherwise from its next restart")),
		input("masterPassword", stops, anotherPassword)),
	on(bucketType,
		orNew("acl", exposes,
			to("everyone can reach its objects", "public-read", "public-read-write", "authenticated-read")),
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html and its neighbors
		input("versioning.enabled", weakens,
			from("true", "objects that are overwritten or deleted in it are lost at once")),
		input("versioning.mfaDelete", weakens, from("true", "versions are deleted without a second factor")),
		input("serverSideEncryptionConfiguration", weakens, encryptedOtherwise),
		input("serverSideEncryptionConfiguration", stops, keyNeeded),
		orNew("corsRules", exposes, origins),
		input("loggings logging", hides, fewer("access to it is no longer recorded")),
		input("replicationConfiguration", weakens, fewer("its objects are no longer copied elsewhere")),
		input("replicationConfiguration.role", weakens, other("objects are copied with other rights")),
		input("lifecycleRules", costs, unaborted),
		input("corsRules", stops, closedOrigins(bucketOrigins)),
		harmless("lifecycleRules")),
	on(bucketType, copyRulesJudged("replicationConfiguration.rules")...),
	on("aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", input("rules", costs, unaborted)),
	on(accelerateType, input("status", stops, to("requests to the accelerated address are refused", "Suspended"))),
	on("aws:s3/bucketAclV2:BucketAclV2",
		orNew("acl", exposes,
			to("everyone can reach the bucket's objects", "public-read", "public-read-write", "authenticated-read")),
		orNew("accessControlPolicy", exposes, begins("everyone can reach the bucket, or whoever has an account of AWS",
			grantsAll))),
	on(corsType,
		orNew("corsRules", exposes, origins),
		input("corsRules", stops, closedOrigins(bucketOrigins))),
	on("aws:s3/bucketLoggingV2:BucketLoggingV2", input("targetBucket", hides, other("access is recorded elsewhere"))),
	on(objectEventType,
		input("queues", stops, toldBy("queueArn")),
		input("topics", stops, toldBy("topicArn")),
		input("lambdaFunctions", stops, toldBy("lambdaFunctionArn")),
		input("eventbridge", stops, from("true", "EventBridge is no longer told of objects"))),
	on(objectLockType,
		input("rule", weakens, unlocked)),
	on(objectType,
		orNew("acl", exposes, to("everyone reads it", "public-read", "public-read-write", "authenticated-read")),
		input("objectLockMode", weakens, goneOr("it can be deleted at any time", "it is kept under another lock")),
		input("objectLockLegalHoldStatus", weakens, from("ON", "it may be deleted")),
		input("websiteRedirect", stops, always("whoever asks for it is sent elsewhere"))),
	on("aws:s3/bucketOwnershipControls:BucketOwnershipControls",
		input("rule.objectOwnership", weakens, from("BucketOwnerEnforced", "ACLs count again in the bucket")),
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html: else new buckets have neither
		onlyNew("rule.objectOwnership", weakens, whenNew("ACLs count in the bucket", func(now any) bool {
			return graph.Text(now) != "BucketOwnerEnforced"
		}))),
	on("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
		onlyNew("blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets", exposes,
			whenNew("the bucket can be opened to everyone", func(now any) bool { return !graph.Is(now, true) }))),
	on(objectCopyType, copyRulesJudged("rules")...),
	on(objectCopyType, input("role", weakens, other("objects are copied with other rights"))),
	on(payerType, input("payer", stops, to("whoever does not offer to pay for requests is refused", "Requester"))),
	on("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		input("rules", weakens, encryptedOtherwise),
		input("rules", stops, keyNeeded)),
	on("aws:s3/bucketVersioningV2:BucketVersioningV2",
		input("versioningConfiguration.status", weakens,
			from("Enabled", "objects that are overwritten or deleted in the bucket are lost at once")),
		// judged as a whole: lifecycle
		input("versioningConfiguration.mfaDelete", weakens,
			from("Enabled", "versions are deleted without a second factor")),
		harmless("mfa")),
	on(websiteType,
		input("indexDocument", stops, other("another page is the first one")),
		input("redirectAllRequestsTo", stops, always("requests lead elsewhere")),
		input("routingRules routingRuleDetails", stops, always("some requests lead elsewhere")),
		harmless("errorDocument")),
)

// encrypting are the names of inputs, or of the blocks that they are in, that encrypt where they are true; disabling
// are those that do where they are not.
var (
	encrypting = regexp.MustCompile(`[eE]ncrypt|[tT]lsEnabled`)
	disabling  = regexp.MustCompile(`[dD]isable`)
)

// encrypts reports whether the boolean input at a path says that something is encrypted, and by which value.
func encrypts(path string) (value, is bool) {
	names := strings.Split(position.ReplaceAllString(path, ""), ".")
	last := names[len(names)-1]
	switch {
	case encrypting.MatchString(last):
		return !disabling.MatchString(last), true
	case len(names) > 1 && encrypting.MatchString(names[len(names)-2]):
		return last != "disabled", last == "enabled" || last == "disabled" || last == "enforce" || last == "inCluster"
	}
	return false, false
}

// unciphered are the dangers of what is no longer encrypted, whatever its type is and whether it is replaced. What
// rules and guards judge is theirs to tell.
func unciphered(base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	var found []Danger
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil || now.Read {
			continue
		}
		was, is := ciphers(old), ciphers(now)
		at := maps.Clone(is)
		maps.Copy(at, was)
		var lost []string
		for _, place := range slices.Sorted(maps.Keys(at)) {
			path := position.ReplaceAllString(place, "")
			value, _ := encrypts(path)
			list, _, within := strings.Cut(place, "[")
			if within && len(graph.Items(old.Input(list))) != len(graph.Items(now.Input(list))) {
				continue // what is at a position may be another
			}
			if is[place] == nil && now.Input(path) == graph.Unknown {
				continue // told by toBeSeen
			}
			before, after := orDefault(now.Token, path, was[place]), orDefault(now.Token, path, is[place])
			unset := !value // what says "disabled" is false where it is not given
			if (graph.Is(before, value) || before == nil && unset) &&
				(graph.Is(after, !value) || after == nil && !unset) && !judges(now.Token, path) {
				lost = append(lost, fmt.Sprintf("%s: %s → %s", code(place), orUnset(was[place]), orUnset(is[place])))
			}
		}
		if len(lost) > 0 {
			found = append(found, Danger{Kind: weakens, Resource: now.String(),
				What: fmt.Sprintf("**%s** %s no longer "+
					"encrypts what it did (%s).", now.Kind(), code(now.Name), strings.Join(few(lost), "; "))})
		}
	}
	return found
}

// orDefault is a value of a boolean input, or what holds where it is not given, as far as that is known.
func orDefault(token, path string, v any) any {
	if v != nil {
		return v
	}
	switch unsetValues()[token+" "+path] {
	case "true":
		return true
	case "false":
		return false
	}
	return nil
}

// ciphers are the inputs of a resource that say whether something is encrypted, by their paths.
func ciphers(r *graph.Resource) map[string]any {
	found := map[string]any{}
	for key, v := range r.Inputs {
		graph.Walk(key, v, func(at string, v any) {
			if _, is := encrypts(at); is {
				found[at] = v
			}
		})
	}
	return found
}

// judges reports whether a rule or a guard judges the input at a path of a type.
func judges(token, path string) bool {
	return slices.ContainsFunc(guardsOf(token), func(g guard) bool { return g.path == path }) ||
		slices.ContainsFunc(inputRules, func(r rule) bool {
			return r.token == token && (r.path == path || strings.HasPrefix(path, r.path+".")) && r.kind == weakens
		})
}
