package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// fresh is a change of one resource, written down before the plan was asked, with where the truth is from: a file
// below internal/service of https://github.com/hashicorp/terraform-provider-aws, or a page of AWS's documentation.
type fresh struct {
	name, source string
	kind         string
	was, is      in // nil: there is none
	action       Action
	want         [][2]string
}

// became are two graphs between which the inputs of one resource become others. Without inputs there is none. What the
// program asks for of the later one may be added.
func became(t *testing.T, kind string, was, is in, also ...func(*graph.Resource)) (base, head *graph.Graph) {
	t.Helper()
	return two(t, func(b *graphtest.Builder) {
		if was != nil {
			b.Add(kind, "x", was)
		}
	}, func(b *graphtest.Builder) {
		if was != nil {
			b.Remove(kind, "x")
		}
		if is != nil {
			added := b.Add(kind, "x", is)
			for _, change := range also {
				change(added)
			}
		}
	})
}

func (c fresh) test(t *testing.T) {
	t.Helper()
	p := between(became(t, c.kind, c.was, c.is))
	e := p.Environments[0]
	if len(e.Changes) != 1 || e.Changes[0].Action != c.action {
		t.Errorf("got %+v, want %s (%s)", e.Changes, c.action, c.source)
	}
	tells(t, e.Dangers, c.want)
	text := p.Markdown()
	if quiet := strings.Contains(text, "nothing found of data deleted"); quiet != (len(c.want) == 0) {
		t.Errorf("the title says that nothing was found: %t", quiet)
	}
	unknown := slices.ContainsFunc(c.want, func(w [2]string) bool { return w[0] == notJudged })
	if title, _, _ := strings.Cut(text, "\n"); strings.Contains(title, "nothing here judges") != unknown {
		t.Errorf("what is not judged is not counted in %q", title)
	}
}

// several are entries of a list.
func several(entries ...in) []any {
	all := make([]any, len(entries))
	for i, e := range entries {
		all[i] = e
	}
	return all
}

// TestFreshData: changes of what holds data.
func TestFreshData(t *testing.T) {
	const (
		database, aurora, node = "rds/instance:Instance", "rds/cluster:Cluster", "rds/clusterInstance:ClusterInstance"
		cache, table           = "elasticache/replicationGroup:ReplicationGroup", "dynamodb/table:Table"
	)
	rules := func(rule in) in { rule["id"], rule["status"] = "a", "Enabled"; return in{"rules": several(rule)} }
	index := func(more in) in {
		more["name"], more["hashKey"] = "i", "a"
		return in{"hashKey": "a", "globalSecondaryIndexes": several(more)}
	}
	for _, c := range []fresh{
		// RDS.
		{"an upgrade behind a blue/green deployment", "rds/instance.go, blueGreenUpdate; RDS: blue-green-deployments",
			database, in{"engine": "mysql", "engineVersion": "8.0.40", "allowMajorVersionUpgrade": true,
				"blueGreenUpdate": in{"enabled": true}},
			in{"engine": "mysql", "engineVersion": "8.4.3", "allowMajorVersionUpgrade": true,
				"blueGreenUpdate": in{"enabled": true}},
			Update, [][2]string{{stops, "switches over"}}},
		{"another subnet group", "rds/instance.go: no ForceNew; RDS: API_ModifyDBInstance, DBSubnetGroupName", database,
			in{"dbSubnetGroupName": "a"}, in{"dbSubnetGroupName": "b"}, Update,
			[][2]string{{stops, "moves to other subnets"}}},
		{"a replica stands alone", "rds/instance.go: PromoteReadReplica", database,
			in{"replicateSourceDb": "a"}, in{}, Update, [][2]string{{stops, "no longer follows"}}},
		{"a database becomes a replica", "rds/instance.go: cannot elevate new source database for replication",
			database,
			in{}, in{"replicateSourceDb": "a"}, Update, [][2]string{{refused, "replica"}}},
		{"a password that Secrets Manager makes", "RDS: rds-secrets-manager", database,
			in{"password": "a"}, in{"manageMasterUserPassword": true}, Update, [][2]string{{stops, "password"}}},
		{"insights for a week", "RDS: API_ModifyDBInstance, PerformanceInsightsRetentionPeriod", database,
			in{"performanceInsightsEnabled": true, "performanceInsightsRetentionPeriod": 731},
			in{"performanceInsightsEnabled": true, "performanceInsightsRetentionPeriod": 7}, Update,
			[][2]string{{expires, "7 days instead of 731"}}},
		{"a setting for the next restart", "RDS: USER_WorkingWithParamGroups (static parameters)",
			"rds/parameterGroup:ParameterGroup",
			in{"parameters": several(in{"name": "innodb_log_file_size", "value": "1",
				"applyMethod": "pending-reboot"})},
			in{"parameters": several(in{"name": "innodb_log_file_size", "value": "2",
				"applyMethod": "pending-reboot"})},
			Update, [][2]string{{stops, "from its next restart"}}},
		{"a subnet less in a group", "RDS: API_ModifyDBSubnetGroup, SubnetAlreadyInUse", "rds/subnetGroup:SubnetGroup",
			in{"subnetIds": []string{"a", "b", "c"}}, in{"subnetIds": []string{"a", "b"}}, Update,
			[][2]string{{refused, "in use"}}},
		{"a newer Aurora", "Aurora: AuroraMySQL.Updates.Patching", aurora,
			in{"engine": "aurora-mysql", "engineVersion": "8.0.mysql_aurora.3.04.0"},
			in{"engine": "aurora-mysql", "engineVersion": "8.0.mysql_aurora.3.08.0"}, Update,
			[][2]string{{stops, "upgraded"}}},
		{"an older Aurora", "Aurora: downgrades are not supported", aurora,
			in{"engine": "aurora-mysql", "engineVersion": "8.0.mysql_aurora.3.08.0"},
			in{"engine": "aurora-mysql", "engineVersion": "8.0.mysql_aurora.3.04.0"}, Update,
			[][2]string{{refused, "earlier version"}}},
		{"a major Aurora that nobody allowed", "RDS: API_ModifyDBCluster, AllowMajorVersionUpgrade", aurora,
			in{"engine": "aurora-postgresql", "engineVersion": "15.4"},
			in{"engine": "aurora-postgresql", "engineVersion": "16.1"},
			Update, [][2]string{{stops, "upgraded"}, {refused, "allowMajorVersionUpgrade"}}},
		{"a bigger writer", "Aurora: Aurora.Modifying (DB instance class: an outage)", node,
			in{"engine": "aurora-mysql", "instanceClass": "db.r6g.large"},
			in{"engine": "aurora-mysql", "instanceClass": "db.r6g.xlarge"},
			Update, [][2]string{{stops, "restarts"}}},
		{"a lower ceiling", "Aurora: aurora-serverless-v2.setting-capacity", aurora,
			in{"serverlessv2ScalingConfiguration": in{"minCapacity": 2, "maxCapacity": 16}},
			in{"serverlessv2ScalingConfiguration": in{"minCapacity": 2, "maxCapacity": 4}}, Update,
			[][2]string{{shrinks, "4 units instead of 16"}}},
		{"a cluster without a last snapshot", "rds/cluster.go", aurora, in{"skipFinalSnapshot": false},
			in{"skipFinalSnapshot": true},
			Update, [][2]string{{weakens, "no snapshot is left"}}},
		{"logs of a cluster", "rds/cluster.go", aurora, in{"enabledCloudwatchLogsExports": []string{"audit", "error"}},
			in{"enabledCloudwatchLogsExports": []string{"error"}}, Update, [][2]string{{hides, "logs"}}},
		{"a cluster without roles", "Aurora: UsingWithRDS.IAMDBAuth", aurora,
			in{"iamDatabaseAuthenticationEnabled": true}, in{},
			Update, [][2]string{{stops, "signs in by a role"}}},
		{"a cluster's settings", "Aurora: USER_WorkingWithDBClusterParamGroups (a reboot)", aurora,
			in{"dbClusterParameterGroupName": "a"},
			in{"dbClusterParameterGroupName": "b"}, Update, [][2]string{{stops, "restart"}}},
		{"a cluster's windows", "rds/cluster.go", aurora, in{"preferredBackupWindow": "01:00-02:00"},
			in{"preferredBackupWindow": "03:00-04:00"},
			Update, nil},
		{"no way back in time", "Aurora: AuroraMySQL.Managing.Backtrack", aurora,
			in{"engine": "aurora-mysql", "backtrackWindow": 86400},
			in{"engine": "aurora-mysql", "backtrackWindow": 0}, Update,
			[][2]string{{weakens, "0 seconds instead of 86400"}}},
		{"another network of a cluster", "rds/cluster.go: ForceNew", aurora, in{"dbSubnetGroupName": "a"},
			in{"dbSubnetGroupName": "b"},
			Replace, [][2]string{{"data replaced", "its data"}}},
		{"a writer that nobody watches", "rds/cluster_instance.go: Default: 0", node, in{"monitoringInterval": 60},
			in{}, Update, [][2]string{{hides, "no longer watched"}}},
		{"a proxy in the clear", "RDS: API_ModifyDBProxy, RequireTLS", "rds/proxy:Proxy", in{"requireTls": true},
			in{"requireTls": false},
			Update, [][2]string{{weakens, "encryption"}}},

		// ElastiCache.
		{"no failover of a cache", "ElastiCache: API_ModifyReplicationGroup", cache,
			in{"automaticFailoverEnabled": true, "multiAzEnabled": true},
			in{"automaticFailoverEnabled": false, "multiAzEnabled": false}, Update,
			[][2]string{{weakens, "no other node takes over"}}},
		{"a cache without a password", "elasticache/replication_group.go", cache, in{"authToken": "a"}, in{}, Update,
			[][2]string{{weakens, "password"}}},
		{"a cache in the clear", "elasticache/replication_group.go (7.0.5 and later: in place)", cache,
			in{"engineVersion": "7.1", "transitEncryptionEnabled": true},
			in{"engineVersion": "7.1", "transitEncryptionEnabled": false},
			Update, [][2]string{{weakens, "encrypt"}}},
		{"a bigger cache", "ElastiCache: Scaling", cache, in{"nodeType": "cache.t4g.small"},
			in{"nodeType": "cache.t4g.medium"}, Update, nil},
		{"fewer shards and replicas", "ElastiCache: API_ModifyReplicationGroupShardConfiguration", cache,
			in{"numNodeGroups": 3, "replicasPerNodeGroup": 2}, in{"numNodeGroups": 1, "replicasPerNodeGroup": 0},
			Update,
			[][2]string{{shrinks, "1 shard instead of 3"}}},
		{"a cache without its slow log", "elasticache/replication_group.go: log_delivery_configuration", cache,
			in{"logDeliveryConfigurations": several(in{"logType": "slow-log", "destination": "a"},
				in{"logType": "engine-log", "destination": "b"})},
			in{"logDeliveryConfigurations": several(in{"logType": "engine-log", "destination": "b"})}, Update,
			[][2]string{{hides, "logs are no longer kept (1 of 2)"}}},
		{"a cache elsewhere", "elasticache/replication_group.go: ForceNew", cache, in{"subnetGroupName": "a"},
			in{"subnetGroupName": "b"},
			Replace, [][2]string{{"data replaced", "its data"}}},
		{"a cache without a last snapshot", "elasticache/replication_group.go", cache,
			in{"finalSnapshotIdentifier": "a"}, in{}, Update,
			[][2]string{{weakens, "no snapshot is left"}}},
		{"a cache that evicts", "Redis: maxmemory-policy", "elasticache/parameterGroup:ParameterGroup",
			in{"parameters": several(in{"name": "maxmemory-policy", "value": "noeviction"})},
			in{"parameters": several(in{"name": "maxmemory-policy", "value": "allkeys-lru"})}, Update,
			[][2]string{{expires, "evict"}, {stops, "`maxmemory-policy` (noeviction → allkeys-lru)"}}},

		// DynamoDB.
		{"a replica less", "dynamodb/table.go: deleteReplicas", table,
			in{"hashKey": "a", "replicas": several(in{"regionName": "eu-west-1"},
				in{"regionName": "us-west-2"})}, in{"hashKey": "a", "replicas": several(in{"regionName": "us-west-2"})},
			Update,
			[][2]string{{stops, "`eu-west-1`"}}},
		{"another class of table", "DynamoDB: WorkingWithTables.tableclasses", table, in{"hashKey": "a"},
			in{"hashKey": "a", "tableClass": "STANDARD_INFREQUENT_ACCESS"}, Update,
			[][2]string{{costs, "reads and writes cost more"}}},
		{"less in a stream", "dynamodb/table.go: the stream is made anew", table,
			in{"hashKey": "a", "streamEnabled": true, "streamViewType": "NEW_AND_OLD_IMAGES"},
			in{"hashKey": "a", "streamEnabled": true, "streamViewType": "KEYS_ONLY"}, Update,
			[][2]string{{stops, "stream"}}},
		{"another key of a table", "DynamoDB: encryption.usagenotes", table,
			in{"hashKey": "a", "serverSideEncryption": in{"enabled": true, "kmsKeyArn": "k"}},
			in{"hashKey": "a"}, Update, [][2]string{{weakens, "encrypted"}}},
		{"a local index", "dynamodb/table.go: ForceNew", table, in{"hashKey": "a"},
			in{"hashKey": "a", "localSecondaryIndexes": several(in{"name": "l",
				"rangeKey": "b", "projectionType": "ALL"})}, Replace, [][2]string{{"data replaced", "its records"}}},
		{"another projection", "dynamodb/table.go, updateDiffGSI: deleted and made anew", table,
			index(in{"projectionType": "ALL"}),
			index(in{"projectionType": "KEYS_ONLY"}), Update, [][2]string{{stops, "`i` until it is built anew"}}},
		{"an index with less", "dynamodb/table.go, updateDiffGSI: UpdateTable", table,
			index(in{"projectionType": "ALL", "readCapacity": 50}),
			index(in{"projectionType": "ALL", "readCapacity": 5}), Update,
			[][2]string{{shrinks, "5 reads a second instead of 50"}}},
		{"a day back", "DynamoDB: PointInTimeRecovery, RecoveryPeriodInDays", table,
			in{"hashKey": "a", "pointInTimeRecovery": in{"enabled": true}},
			in{"hashKey": "a", "pointInTimeRecovery": in{"enabled": true, "recoveryPeriodInDays": 1}}, Update,
			[][2]string{{weakens, "1 day instead of 35"}}},
		{"no copy to Kinesis", "dynamodb/kinesis_streaming_destination.go",
			"dynamodb/kinesisStreamingDestination:KinesisStreamingDestination",
			in{"tableName": "t", "streamArn": "s"}, nil, Delete, [][2]string{{stops, "stream"}}},

		// S3.
		{"objects in the deep", "S3: " +
			"restoring-objects", "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			rules(in{"expiration": in{"days": 900}}), rules(in{"expiration": in{"days": 900},
				"transitions": several(in{"days": 30, "storageClass": "DEEP_ARCHIVE"})}),
			Update, [][2]string{{stops, "restored"}}},
		{"objects in a cheaper class", "S3: " +
			"storage-class-intro", "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			rules(in{"expiration": in{"days": 900}}), rules(in{"expiration": in{"days": 900},
				"transitions": several(in{"days": 30, "storageClass": "STANDARD_IA"})}),
			Update, nil},
		{"one version is kept", "S3: " +
			"NoncurrentVersionExpiration", "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			rules(in{"noncurrentVersionExpiration": in{"noncurrentDays": 30, "newerNoncurrentVersions": 10}}),
			rules(in{"noncurrentVersionExpiration": in{"noncurrentDays": 30, "newerNoncurrentVersions": 1}}), Update,
			[][2]string{{expires, "1 newer version instead of 10"}}},
		{"uploads that nobody ended", "S3: mpu-abort-incomplete-mpu-lifecycle-config",
			"s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			rules(in{"expiration": in{"days": 900}}), rules(in{"expiration": in{"days": 900},
				"abortIncompleteMultipartUpload": in{"daysAfterInitiation": 7}}),
			Update, nil},
		{"no copies", "s3/bucket_replication_configuration.go", "s3/bucketReplicationConfig:BucketReplicationConfig",
			in{"bucket": "b", "rules": several(in{"id": "all", "status": "Enabled"})},
			in{"bucket": "b", "rules": several(in{"id": "all", "status": "Disabled"})},
			Update, [][2]string{{weakens, "no longer copied"}}},
		{"copies are dropped", "s3/bucket_replication_configuration.go",
			"s3/bucketReplicationConfig:BucketReplicationConfig",
			in{"bucket": "b"}, nil, Delete, [][2]string{{weakens, "no longer copied"}}},
		{"a lock of a day", "S3: object-lock", "s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
			in{"bucket": "b", "rule": in{"defaultRetention": in{"mode": "COMPLIANCE", "days": 365}}},
			in{"bucket": "b", "rule": in{"defaultRetention": in{"mode": "GOVERNANCE", "days": 1}}}, Update,
			[][2]string{{weakens, "1 day instead of 365"}}},
		{"a queue is told nothing", "s3/bucket_notification.go", "s3/bucketNotification:BucketNotification",
			in{"bucket": "b", "queues": several(in{"id": "q", "queueArn": "a"})}, in{"bucket": "b"}, Update,
			[][2]string{{stops, "no longer told"}}},
		{"nobody is told", "s3/bucket_notification.go", "s3/bucketNotification:BucketNotification",
			in{"bucket": "b", "queues": several(in{"id": "q", "queueArn": "a"})}, nil, Delete,
			[][2]string{{stops, "nobody is any longer told"}}},
		{"a key of the bucket", "S3: bucket-key (the same encryption)",
			"s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			in{"bucket": "b", "rules": several(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "aws:kms",
				"kmsMasterKeyId": "k"}})},
			in{"bucket": "b", "rules": several(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "aws:kms",
				"kmsMasterKeyId": "k"}, "bucketKeyEnabled": true})},
			Update, nil},
		{"no versions, written in the bucket", "s3/bucket.go", "s3/bucket:Bucket",
			in{"versioning": in{"enabled": true}}, in{"versioning": in{"enabled": false}},
			Update, [][2]string{{weakens, "lost at once"}}},
		{"a bucket that goes with its objects", "s3/bucket.go", "s3/bucket:Bucket", in{}, in{"forceDestroy": true},
			Update,
			[][2]string{{weakens, "emptied and deleted"}}},
		{"a Deny, written in the bucket", "s3/bucket.go", "s3/bucket:Bucket", in{"policy": statements(deny)}, in{},
			Update,
			[][2]string{{"no longer denied", "`s3:*`"}}},
		{"versions by the name of version 7", "pulumi-aws: v7 migration guide", "s3/bucketVersioning:BucketVersioning",
			in{"bucket": "b", "versioningConfiguration": in{"status": "Enabled"}},
			in{"bucket": "b", "versioningConfiguration": in{"status": "Suspended"}},
			Update, [][2]string{{weakens, "lost at once"}}},
		{"CORS by the name of version 7", "pulumi-aws: v7 migration guide",
			"s3/bucketCorsConfiguration:BucketCorsConfiguration",
			in{"bucket": "b", "corsRules": several(in{"allowedOrigins": []string{"https://a"}})},
			in{"bucket": "b", "corsRules": several(in{"allowedOrigins": []string{"*"}})},
			Update, [][2]string{{exposes, "every site"}}},
		{"encryption by the name of version 7 is deleted", "pulumi-aws: v7 migration guide",
			"s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", in{"bucket": "b"},
			nil, Delete,
			[][2]string{{weakens, "S3's own key"}}},

		// Secrets, registries, files, backups.
		{"a secret's new value", "secretsmanager/secret_version.go: ForceNew; AWSPREVIOUS stays",
			"secretsmanager/secretVersion:SecretVersion",
			in{"secretId": "s", "secretString": "a"}, in{"secretId": "s", "secretString": "b"}, Replace,
			[][2]string{{stops, "another value"}}},
		{"a secret less far", "secretsmanager/secret.go: removeSecretReplicas", "secretsmanager/secret:Secret",
			in{"replicas": several(in{"region": "eu-west-1"})}, in{}, Update, [][2]string{{stops, "replica"}}},
		{"images are deleted", "ECR: LifecyclePolicies (applied within 24 hours)",
			"ecr/lifecyclePolicy:LifecyclePolicy", nil,
			in{"repository": "theirs", "policy": `{"rules":[]}`}, Create, [][2]string{{expires, "images"}}},
		{"an encrypted registry", "ecr/repository.go: ForceNew", "ecr/repository:Repository", in{},
			in{"encryptionConfigurations": several(in{"encryptionType": "KMS"})},
			Replace, [][2]string{{"data replaced", "its images"}}},
		{"files are no longer backed up", "EFS: API_PutBackupPolicy", "efs/backupPolicy:BackupPolicy",
			in{"fileSystemId": "f", "backupPolicy": in{"status": "ENABLED"}},
			in{"fileSystemId": "f", "backupPolicy": in{"status": "DISABLED"}}, Update,
			[][2]string{{weakens, "backed up"}}},
		{"files that nobody reaches", "EFS: API_DeleteMountTarget", "efs/mountTarget:MountTarget",
			in{"fileSystemId": "f", "subnetId": "s"}, nil, Delete,
			[][2]string{{stops, "reach"}}},
		{"slower files", "EFS: API_UpdateFileSystem", "efs/fileSystem:FileSystem",
			in{"throughputMode": "provisioned", "provisionedThroughputInMibps": 100},
			in{"throughputMode": "provisioned", "provisionedThroughputInMibps": 10}, Update,
			[][2]string{{shrinks, "10 MB a second instead of 100"}}},
		{"backups for a week", "Backup: API_Lifecycle", "backup/plan:Plan",
			in{"rules": several(in{"ruleName": "day", "lifecycle": in{"deleteAfter": 365}},
				in{"ruleName": "month"})},
			in{"rules": several(in{"ruleName": "day", "lifecycle": in{"deleteAfter": 7}})}, Update,
			[][2]string{{weakens, "rule `month` is gone"}, {expires, "7 days instead of 365"}}},
		{"less is backed up", "backup/selection.go: ForceNew", "backup/selection:Selection",
			in{"planId": "p", "resources": []string{"a", "b"}},
			in{"planId": "p", "resources": []string{"a"}}, Replace, [][2]string{{weakens, "backed up"}}},
		{"a vault without a lock", "Backup: vault-lock", "backup/vaultLockConfiguration:VaultLockConfiguration",
			in{"backupVaultName": "v", "minRetentionDays": 30},
			nil, Delete, [][2]string{{weakens, "lock"}}},
		{"a vault that goes with its backups", "backup/vault.go", "backup/vault:Vault", in{}, in{"forceDestroy": true},
			Update,
			[][2]string{{weakens, "with all its backups"}}},

		// Search, streams, warehouses.
		{"a smaller search", "opensearch/domain.go", "opensearch/domain:Domain",
			in{"clusterConfig": in{"instanceCount": 3, "zoneAwarenessEnabled": true},
				"domainEndpointOptions": in{"enforceHttps": true}}, in{"clusterConfig": in{"instanceCount": 1,
				"zoneAwarenessEnabled": false},
				"domainEndpointOptions": in{"enforceHttps": false}}, Update,
			[][2]string{{shrinks, "1 node instead of 3"}, {weakens, "zone"}}},
		{"a search without its slow log", "opensearch/domain.go: log_publishing_options", "opensearch/domain:Domain",
			in{"logPublishingOptions": several(in{"logType": "INDEX_SLOW_LOGS"})}, in{}, Update,
			[][2]string{{hides, "logs are no longer kept"}}},
		{"a search elsewhere", "opensearch/domain.go: ForceNew", "opensearch/domain:Domain",
			in{"vpcOptions": in{"subnetIds": []string{"s"}}}, in{},
			Replace, [][2]string{{"data replaced", "its documents"}, {exposes, "on the internet"}}},
		{"Kafka in the clear", "kafka/cluster.go", "msk/cluster:Cluster",
			in{"encryptionInfo": in{"encryptionInTransit": in{"clientBroker": "TLS"}}},
			in{"encryptionInfo": in{"encryptionInTransit": in{"clientBroker": "TLS_PLAINTEXT"}}}, Update,
			[][2]string{{weakens, "encrypt"}}},
		{"Kafka that counts less", "kafka/cluster.go: Default: EnhancedMonitoringDefault", "msk/cluster:Cluster",
			in{"enhancedMonitoring": "PER_TOPIC_PER_BROKER"}, in{}, Update,
			[][2]string{{hides, "less of it is counted"}}},
		{"Kafka for everyone", "kafka/cluster.go", "msk/cluster:Cluster",
			in{"brokerNodeGroupInfo": in{"connectivityInfo": in{"publicAccess": in{"type": "DISABLED"}}}},
			in{"brokerNodeGroupInfo": in{"connectivityInfo": in{"publicAccess": in{"type": "SERVICE_PROVIDED_EIPS"}}}},
			Update, [][2]string{{exposes, "public"}}},
		{"a warehouse in the open", "redshift/cluster.go", "redshift/cluster:Cluster",
			in{"encrypted": true, "publiclyAccessible": false, "numberOfNodes": 4},
			in{"encrypted": false, "publiclyAccessible": true, "numberOfNodes": 2}, Update,
			[][2]string{{exposes, "public address"}, {weakens, "not encrypted"}, {shrinks, "2 nodes instead of 4"}}},
		{"a stream without encryption", "kinesis/stream.go", "kinesis/stream:Stream",
			in{"encryptionType": "KMS", "kmsKeyId": "k"}, in{"encryptionType": "NONE"},
			Update, [][2]string{{weakens, "encrypted"}}},
		{"a log group that AWS keeps", "logs/group.go: skip_destroy", "cloudwatch/logGroup:LogGroup",
			in{"name": "a", "skipDestroy": true}, nil, Delete, nil},
		{"another class of logs", "logs/group.go: ForceNew", "cloudwatch/logGroup:LogGroup",
			in{"logGroupClass": "STANDARD"}, in{"logGroupClass": "INFREQUENT_ACCESS"},
			Replace, [][2]string{{"data replaced", "its records"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}
