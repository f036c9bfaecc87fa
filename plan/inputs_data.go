package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// The types that hold data and that rules here speak of more than once.
const (
	databaseType    = "aws:rds/instance:Instance"
	auroraType      = "aws:rds/cluster:Cluster"
	auroraNodeType  = "aws:rds/clusterInstance:ClusterInstance"
	cacheType       = "aws:elasticache/replicationGroup:ReplicationGroup"
	tableType       = "aws:dynamodb/table:Table"
	bucketType      = "aws:s3/bucket:Bucket"
	searchType      = "aws:opensearch/domain:Domain"
	kafkaType       = "aws:msk/cluster:Cluster"
	warehouseType   = "aws:redshift/cluster:Cluster"
	filesType       = "aws:efs/fileSystem:FileSystem"
	objectLockType  = "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2"
	objectCopyType  = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
	objectEventType = "aws:s3/bucketNotification:BucketNotification"
)

// dataRules judge the inputs of what holds data, beside those of stackRules.
var dataRules = slices.Concat(databaseRules, cacheRules, tableRules, bucketRules, backupRules, clusterRules)

// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
var databaseRules = []rule{
	{token: databaseType, path: "blueGreenUpdate", judge: harmless},
	{token: databaseType, path: "monitoringRoleArn", judge: harmless},
	{token: databaseType, path: "dbSubnetGroupName", kind: stops,
		judge: other("the database moves to other subnets, and is down meanwhile")},
	{token: databaseType, path: "optionGroupName", kind: stops,
		judge: other("other options of its engine hold, some from its next restart")},
	{token: databaseType, path: "replicateSourceDb", kind: stops,
		judge: fewer("it becomes a database of its own, and no longer follows the one that it is a replica of")},
	// internal/service/rds/instance.go: "cannot elevate new source database for replication"
	{token: databaseType, path: "replicateSourceDb", kind: refused, judge: func(_, now any) string {
		if now == nil {
			return ""
		}
		return "a database does not become a replica of another one"
	}},
	{token: databaseType, path: "manageMasterUserPassword", kind: stops,
		judge: to("Secrets Manager makes another password, so that whoever signs in with the old one no longer can",
			"true")},
	{token: databaseType, path: "manageMasterUserPassword", kind: weakens,
		judge: from("true", "Secrets Manager no longer makes and rotates its password")},
	{token: databaseType, path: "performanceInsightsRetentionPeriod", kind: expires,
		judge: lower(7, "what its insights have recorded is deleted after %s days instead of %s")},

	{token: auroraType, path: "engineVersion", kind: stops, judge: newerEngine},
	{token: auroraType, path: "dbClusterParameterGroupName", kind: stops,
		judge: other("its instances have to restart for all of the other parameters")},
	{token: auroraType, path: "port", kind: stops, judge: other("it answers on another port")},
	{token: auroraType, path: "serverlessv2ScalingConfiguration.minCapacity", kind: shrinks,
		judge: lower(0, "at least %s units instead of %s")},
	{token: auroraType, path: "serverlessv2ScalingConfiguration.maxCapacity", kind: shrinks,
		judge: lower(0, "at most %s units instead of %s")},
	{token: auroraType, path: "serverlessv2ScalingConfiguration.secondsUntilAutoPause", judge: harmless},
	{token: auroraType, path: "enabledCloudwatchLogsExports", kind: hides,
		judge: fewer("some of its logs are no longer kept")},
	{token: auroraType, path: "iamDatabaseAuthenticationEnabled", kind: stops,
		judge: from("true", "whoever signs in by a role can no longer")},
	{token: auroraType, path: "enableHttpEndpoint", kind: exposes,
		judge: to("whoever AWS lets call its Data API reaches it, from any network", "true")},
	{token: auroraType, path: "enableHttpEndpoint", kind: stops,
		judge: from("true", "its Data API no longer answers")},
	{token: auroraType, path: "backtrackWindow", kind: weakens,
		judge: lower(0, "it can be set back by %s seconds instead of %s")},
	{token: auroraType, path: "allocatedStorage", kind: shrinks, judge: lower(0, "%s GB instead of %s")},
	{token: auroraType, path: "iops", kind: shrinks,
		judge: lower(0, "%s operations of its storage a second instead of %s")},
	// https://aws.amazon.com/rds/aurora/pricing/
	{token: auroraType, path: "storageType", kind: costs,
		judge: to("its instances and storage cost more, and its operations of storage nothing", "aurora-iopt1")},
	{token: auroraType, path: "performanceInsightsEnabled", kind: hides,
		judge: from("true", "nobody sees what it is busy with")},

	{token: auroraNodeType, path: "promotionTier", judge: harmless},
	{token: auroraNodeType, path: "performanceInsightsEnabled", kind: hides,
		judge: from("true", "nobody sees what it is busy with")},
	{token: auroraNodeType, path: "monitoringInterval", kind: hides, judge: unwatched},
	{token: auroraNodeType, path: "autoMinorVersionUpgrade", kind: weakens,
		judge: to("fixes are no longer installed by themselves", "false")},
	{token: auroraNodeType, path: "caCertIdentifier", kind: stops,
		judge: other("clients that do not know its new certificate authority no longer connect")},

	{token: "aws:rds/proxy:Proxy", path: "requireTls", kind: weakens,
		judge: from("true", "connections need no encryption")},
	{token: "aws:rds/proxy:Proxy", path: "idleClientTimeout", kind: stops,
		judge: lower(1800, "connections on which nothing happens are cut after %s seconds instead of %s")},
	{token: "aws:rds/proxy:Proxy", path: "debugLogging", judge: harmless},
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html (SubnetAlreadyInUse)
	{token: "aws:rds/subnetGroup:SubnetGroup", path: "subnetIds", kind: refused,
		judge: fewer("AWS refuses to take out a subnet that is in use by a database")},
	{token: "aws:elasticache/subnetGroup:SubnetGroup", path: "subnetIds", kind: refused,
		judge: fewer("AWS refuses to take out a subnet that is in use by a cache")},
	{token: "aws:docdb/cluster:Cluster", path: "engineVersion", kind: stops, judge: newerEngine},
	{token: "aws:docdb/cluster:Cluster", path: "backupRetentionPeriod", kind: weakens,
		judge: lower(1, "backups are kept for %s days instead of %s")},
	{token: "aws:docdb/cluster:Cluster", path: "enabledCloudwatchLogsExports", kind: hides,
		judge: fewer("some of its logs are no longer kept")},
	{token: "aws:neptune/cluster:Cluster", path: "backupRetentionPeriod", kind: weakens,
		judge: lower(1, "backups are kept for %s days instead of %s")},
	{token: "aws:neptune/cluster:Cluster", path: "engineVersion", kind: stops, judge: newerEngine},
}

// newerEngine judges another version of a cluster's engine, unless one is only more exact than the other.
func newerEngine(old, now any) string {
	was, is := version(old), version(now)
	if earlier(old, now) {
		return "" // nothing goes back: refused, or replaced
	}
	if n := min(len(was), len(is)); n > 0 && slices.Equal(was[:n], is[:n]) {
		return ""
	}
	return fmt.Sprintf("the cluster is upgraded, which takes it down for a while and cannot be undone except with a "+
		"snapshot (%s → %s)", orUnset(old), orUnset(now))
}

// https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html
var cacheRules = []rule{
	{token: cacheType, path: "automaticFailoverEnabled", kind: weakens,
		judge: from("true", "no other node takes over when its writer fails")},
	{token: cacheType, path: "multiAzEnabled", kind: weakens,
		judge: from("true", "its nodes may all be in one zone, and no other node takes over when that fails")},
	{token: cacheType, path: "authToken", kind: weakens, judge: func(_, now any) string {
		if now == nil {
			return "clients need no password"
		}
		return ""
	}},
	{token: cacheType, path: "authToken", kind: stops, judge: func(_, now any) string {
		if now == nil {
			return ""
		}
		return "clients need another password, as authTokenUpdateStrategy says"
	}},
	{token: cacheType, path: "authTokenUpdateStrategy", judge: harmless},
	{token: cacheType, path: "transitEncryptionEnabled", kind: weakens,
		judge: from("true", "connections are no longer encrypted")},
	{token: cacheType, path: "transitEncryptionEnabled", kind: stops,
		judge: to("clients have to encrypt their connections", "true")},
	{token: cacheType, path: "transitEncryptionMode", kind: weakens,
		judge: to("connections need no encryption", "preferred")},
	{token: cacheType, path: "transitEncryptionMode", kind: stops,
		judge: to("clients that do not encrypt are refused", "required")},
	{token: cacheType, path: "numNodeGroups", kind: shrinks, judge: lower(1, "%s shards instead of %s")},
	{token: cacheType, path: "replicasPerNodeGroup", kind: shrinks,
		judge: lower(0, "%s replicas of each shard instead of %s")},
	{token: cacheType, path: "parameterGroupName", kind: stops,
		judge: other("it works otherwise, in part from its next restart")},
	{token: cacheType, path: "userGroupIds", kind: exposes, judge: other("other users may sign in")},
	{token: cacheType, path: "logDeliveryConfigurations", kind: hides,
		judge: fewer("some of its logs are no longer kept")},
	{token: cacheType, path: "autoMinorVersionUpgrade", kind: weakens,
		judge: to("fixes are no longer installed by themselves", "false")},
	{token: cacheType, path: "finalSnapshotIdentifier", kind: weakens,
		judge: fewer("no snapshot is left when it is deleted")},
	// https://valkey.io/topics/lru-cache/
	{token: "aws:elasticache/parameterGroup:ParameterGroup", path: "parameters", kind: expires, judge: evicts},
	{token: "aws:elasticache/parameterGroup:ParameterGroup", path: "parameters", kind: stops, judge: settings},
}

// evicts judges parameters of a cache by whether it takes out what it has when its memory is full.
func evicts(old, now any) string {
	const name = "maxmemory-policy"
	of := func(v any) string {
		for _, p := range graph.Items(v) {
			if graph.Text(graph.At(p, "name")) == name {
				return graph.Text(graph.At(p, "value"))
			}
		}
		return ""
	}
	was, is := of(old), of(now)
	if is == "" || is == "noeviction" || strings.HasPrefix(was, "allkeys") || was == is {
		return "" // of volatile ones, those of all keys take more
	}
	return fmt.Sprintf("it may evict entries when its memory is full (%s → %s)", orUnset(unset(was)), is)
}

// internal/service/dynamodb/table.go
var tableRules = []rule{
	{token: tableType, path: "replicas", kind: stops, judge: fewerRegions},
	{token: tableType, path: "replicas", kind: exposes, judge: moreRegions},
	{token: tableType, path: "streamViewType", kind: stops,
		judge: other("its stream is made anew with other contents, and whoever reads the old one gets nothing more")},
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.tableclasses.html
	{token: tableType, path: "tableClass", kind: costs, judge: func(_, now any) string {
		if graph.Text(now) == "STANDARD_INFREQUENT_ACCESS" {
			return "its reads and writes cost more, and its storage less"
		}
		return "its storage costs more, and its reads and writes less"
	}},
	{token: tableType, path: "serverSideEncryption", kind: weakens,
		judge: fewer("its records are encrypted by a key of AWS's, which no policy of the account guards")},
	{token: tableType, path: "serverSideEncryption.kmsKeyArn", kind: weakens,
		judge: other("its records are encrypted by another key")},
	{token: tableType, path: "serverSideEncryption.enabled", kind: weakens,
		judge: to("its records are encrypted by a key of AWS's, which no policy of the account guards", "false")},
	{token: tableType, path: "pointInTimeRecovery.recoveryPeriodInDays", kind: weakens,
		judge: lower(35, "it can be restored to the last %s days instead of %s")},
	{token: tableType, path: "globalSecondaryIndexes", kind: shrinks, judge: indexCapacity},
	{token: "aws:dynamodb/tableReplica:TableReplica", path: "pointInTimeRecovery", kind: weakens,
		judge: from("true", "it can no longer be restored to an earlier point in time")},
	{token: "aws:kinesis/stream:Stream", path: "encryptionType", kind: weakens,
		judge: from("KMS", "its records are no longer encrypted by a key")},
	{token: "aws:kinesis/stream:Stream", path: "kmsKeyId", judge: harmless},
}

// regions are the regions of a table's replicas.
func regions(v any) []string {
	var found []string
	for _, r := range graph.Items(v) {
		found = append(found, graph.Text(graph.At(r, "regionName")))
	}
	return found
}

// without are texts that others do not have, as code.
func without(texts, others []string) []string {
	var found []string
	for _, text := range texts {
		if !slices.Contains(others, text) {
			found = append(found, code(cut(text, longest)))
		}
	}
	return found
}

func fewerRegions(old, now any) string {
	gone := without(regions(old), regions(now))
	if len(gone) == 0 {
		return ""
	}
	return "its replica in " + strings.Join(gone, ", ") + " is deleted, and whoever reads it there fails"
}

func moreRegions(old, now any) string {
	come := without(regions(now), regions(old))
	if len(come) == 0 {
		return ""
	}
	return "its records are copied to " + strings.Join(come, ", ")
}

// indexCapacity judges what the indexes of a table can read and write.
func indexCapacity(old, now any) string {
	was, _ := byName(graph.Items(old), "name")
	is, _ := byName(graph.Items(now), "name")
	var found []string
	for name, index := range is {
		for _, of := range [][2]string{{"readCapacity", "reads"}, {"writeCapacity", "writes"}} {
			less := lower(0, "%s "+of[1]+" a second instead of %s")(graph.At(was[name], of[0]), graph.At(index, of[0]))
			if less != "" {
				found = append(found, "index "+code(name)+": "+less)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(found, ", ")
}
