package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFreshKinds: changes of one resource that mean something, each by another kind of input.
func TestFreshKinds(t *testing.T) {
	const (
		database, balancer, function = "rds/instance:Instance", "lb/loadBalancer:LoadBalancer", "lambda/function:Function"
		groups, site, table          = "autoscaling/group:Group", "cloudfront/distribution:Distribution", "dynamodb/table:Table"
		lifecycle                    = "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	)
	rule := func(rule in) in {
		rule["id"], rule["status"] = "a", "Enabled"
		return in{"bucket": "b", "rules": several(rule)}
	}
	for _, c := range []fresh{
		// Who signs in, and how.
		{"another password", "rds/instance.go: MasterUserPassword, at once", database, in{"password": "a"},
			in{"password": "b"}, Update, [][2]string{{stops, "password"}}},
		{"another password of Aurora", "rds/cluster.go: MasterUserPassword", "rds/cluster:Cluster",
			in{"engine": "aurora-mysql", "masterPassword": "a"}, in{"engine": "aurora-mysql", "masterPassword": "b"}, Update,
			[][2]string{{stops, "password"}}},
		{"another password of a warehouse", "redshift/cluster.go: MasterUserPassword", "redshift/cluster:Cluster",
			in{"masterPassword": "a"}, in{"masterPassword": "b"}, Update, [][2]string{{stops, "password"}}},
		{"another name to sign in with", "rds/instance.go: username, ForceNew", database, in{"username": "a"},
			in{"username": "b"}, Replace, [][2]string{{"data replaced", "its data"}}},
		{"a database from a snapshot", "rds/instance.go: snapshot_identifier, ForceNew", database, in{},
			in{"snapshotIdentifier": "s"}, Replace, [][2]string{{"data replaced", "with what `snapshotIdentifier` gives"}}},
		{"a database in another zone", "rds/instance.go: availability_zone, ForceNew", database,
			in{"availabilityZone": "us-east-1a"}, in{"availabilityZone": "us-east-1b"}, Replace,
			[][2]string{{"data replaced", "its data"}}},
		{"a database with another key", "rds/instance.go: kms_key_id, ForceNew", database,
			in{"storageEncrypted": true, "kmsKeyId": "a"}, in{"storageEncrypted": true, "kmsKeyId": "b"}, Replace,
			[][2]string{{"data replaced", "its data"}}},
		{"a slower kind of disk", "RDS: CHAP_Storage (io1, gp2)", database, in{"storageType": "io1", "iops": 3000},
			in{"storageType": "gp2"}, Update, [][2]string{{stops, "storage is converted"}, {shrinks, "0 operations"}}},
		{"another licence", "RDS: API_ModifyDBInstance, LicenseModel (an outage)", database,
			in{"engine": "oracle-ee", "licenseModel": "license-included"},
			in{"engine": "oracle-ee", "licenseModel": "bring-your-own-license"}, Update, [][2]string{{stops, "licence"}}},
		{"a database that leaves its directory", "RDS: API_ModifyDBInstance, Domain", database, in{"domain": "d"}, in{}, Update,
			[][2]string{{stops, "director"}}},
		{"events of databases that nobody gets", "rds/event_subscription.go", "rds/eventSubscription:EventSubscription",
			in{"snsTopic": "t", "enabled": true}, in{"snsTopic": "t", "enabled": false}, Update, [][2]string{{hides, "events"}}},
		{"no events of databases", "rds/event_subscription.go", "rds/eventSubscription:EventSubscription",
			in{"snsTopic": "t"}, nil, Delete, [][2]string{{hides, "events"}}},
		{"nothing behind a proxy", "rds/proxy_target.go", "rds/proxyTarget:ProxyTarget", in{"dbProxyName": "p"}, nil, Delete,
			[][2]string{{stops, "proxy"}}},
		{"a copy of a database goes", "rds/instance_automated_backups_replication.go",
			"rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication", in{"sourceDbInstanceArn": "d"}, nil,
			Delete, [][2]string{{weakens, "backups"}}},

		// DynamoDB.
		{"another key of records", "dynamodb/table.go: hash_key, ForceNew", table, in{"hashKey": "a"}, in{"hashKey": "b"},
			Replace, [][2]string{{"data replaced", "its records"}}},
		{"an index by another key", "dynamodb/table.go, updateDiffGSI", table,
			in{"hashKey": "a", "globalSecondaryIndexes": several(in{"name": "i", "hashKey": "b", "projectionType": "ALL"})},
			in{"hashKey": "a", "globalSecondaryIndexes": several(in{"name": "i", "hashKey": "c", "projectionType": "ALL"})},
			Update, [][2]string{{stops, "`i` until it is built anew"}}},
		{"a ceiling on demand", "DynamoDB: on-demand-capacity-mode-max-throughput", table, in{"hashKey": "a"},
			in{"hashKey": "a", "onDemandThroughput": in{"maxReadRequestUnits": 10}}, Update, [][2]string{{shrinks, "10"}}},

		// S3.
		{"all objects expire, not some", "S3: intro-lifecycle-filters", lifecycle,
			rule(in{"filter": in{"prefix": "tmp/"}, "expiration": in{"days": 30}}), rule(in{"filter": in{"prefix": ""},
				"expiration": in{"days": 30}}), Update, [][2]string{{expires, "other objects"}}},
		{"objects expire without their tag", "S3: intro-lifecycle-filters", lifecycle,
			rule(in{"filter": in{"tag": in{"key": "a", "value": "b"}}, "expiration": in{"days": 30}}),
			rule(in{"filter": in{}, "expiration": in{"days": 30}}), Update, [][2]string{{expires, "other objects"}}},
		{"old versions sooner", "S3: NoncurrentVersionExpiration", lifecycle,
			rule(in{"noncurrentVersionExpiration": in{"noncurrentDays": 90}}),
			rule(in{"noncurrentVersionExpiration": in{"noncurrentDays": 7}}), Update, [][2]string{{expires, "7 days"}}},
		{"who asks pays", "s3/bucket_request_payment_configuration.go",
			"s3/bucketRequestPaymentConfigurationV2:BucketRequestPaymentConfigurationV2",
			in{"bucket": "b", "payer": "BucketOwner"}, in{"bucket": "b", "payer": "Requester"}, Update, [][2]string{{stops, "pay"}}},
		{"another first page", "s3/bucket_website_configuration.go",
			"s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2",
			in{"bucket": "b", "indexDocument": in{"suffix": "index.html"}}, in{"bucket": "b", "indexDocument": in{"suffix": "a.html"}},
			Update, [][2]string{{stops, "page"}}},
		{"copies go to somebody else", "s3/bucket_replication_configuration.go: destination.account",
			"s3/bucketReplicationConfig:BucketReplicationConfig",
			in{"bucket": "b", "role": "r", "rules": several(in{"id": "a", "status": "Enabled", "destination": in{"bucket": "arn:aws:s3:::c"}})},
			in{"bucket": "b", "role": "r", "rules": several(in{"id": "a", "status": "Enabled", "destination": in{
				"bucket": "arn:aws:s3:::d", "account": "999999999999"}})}, Update, [][2]string{{exposes, "copied to"}}},
		{"no quick way in", "s3/bucket_accelerate_configuration.go",
			"s3/bucketAccelerateConfigurationV2:BucketAccelerateConfigurationV2", in{"bucket": "b", "status": "Enabled"},
			in{"bucket": "b", "status": "Suspended"}, Update, [][2]string{{stops, "accelerat"}}},
		{"an object for everyone", "s3/object.go: acl", "s3/bucketObjectv2:BucketObjectv2", in{"bucket": "b", "key": "k"},
			in{"bucket": "b", "key": "k", "acl": "public-read"}, Update, [][2]string{{exposes, "everyone"}}},

		// KMS, secrets.
		{"a right to a key goes", "kms/grant.go", "kms/grant:Grant", in{"keyId": "k", "granteePrincipal": "p",
			"operations": []string{"Decrypt"}}, nil, Delete, [][2]string{{stops, "key"}}},
		{"a key's copy goes", "kms/replica_key.go", "kms/replicaKey:ReplicaKey", in{"primaryKeyArn": "k"}, nil, Delete,
			[][2]string{{"data deleted", "key"}}},
		{"a secret gone at once", "secretsmanager/secret.go: recovery_window_in_days", "secretsmanager/secret:Secret",
			in{"name": "a"}, in{"name": "a", "recoveryWindowInDays": 0}, Update, [][2]string{{weakens, "0 days"}}},
		{"a parameter in the clear", "ssm/parameter.go: type", "ssm/parameter:Parameter",
			in{"name": "/a", "type": "SecureString", "value": "v"}, in{"name": "/a", "type": "String", "value": "v"}, Update,
			[][2]string{{weakens, "encrypt"}}},

		// Instances.
		{"instances judged before they are up", "Auto Scaling: health-check-grace-period", groups,
			in{"maxSize": 1, "minSize": 1, "healthCheckGracePeriod": 300}, in{"maxSize": 1, "minSize": 1, "healthCheckGracePeriod": 0},
			Update, [][2]string{{stops, "0 seconds"}}},
		{"no warm instances", "autoscaling/group.go: warm_pool", groups, in{"maxSize": 1, "minSize": 1,
			"warmPool": in{"poolState": "Stopped"}}, in{"maxSize": 1, "minSize": 1}, Update, [][2]string{{shrinks, "warm"}}},
		{"a template's new address", "ec2/ec2_launch_template.go: network_interfaces", "ec2/launchTemplate:LaunchTemplate",
			in{"networkInterfaces": several(in{"securityGroups": []string{"g"}})},
			in{"networkInterfaces": several(in{"securityGroups": []string{"g"}, "associatePublicIpAddress": "true"})}, Update,
			[][2]string{{exposes, "public address"}}},
		{"a server's own address goes to another", "ec2/ec2_eip_association.go: ForceNew", "ec2/eipAssociation:EipAssociation",
			in{"allocationId": "e", "instanceId": "i-1"}, in{"allocationId": "e", "instanceId": "i-2"}, Replace,
			[][2]string{{stops, "address"}}},
		{"a NAT without a way out", "ec2/vpc_nat_gateway.go: connectivity_type, ForceNew", "ec2/natGateway:NatGateway",
			in{"subnetId": "s", "allocationId": "e"}, in{"subnetId": "s", "connectivityType": "private"}, Replace,
			[][2]string{{stops, "connections through it break"}}},
		{"a list that stands for everybody", "ec2/vpc_managed_prefix_list.go", "ec2/managedPrefixList:ManagedPrefixList",
			in{"addressFamily": "IPv4", "maxEntries": 5, "entries": several(in{"cidr": "10.0.0.0/8"})},
			in{"addressFamily": "IPv4", "maxEntries": 5, "entries": several(in{"cidr": "10.0.0.0/8"}, in{"cidr": "0.0.0.0/0"})},
			Update, [][2]string{{exposes, "0.0.0.0/0"}}},
		{"a way less to a service", "ec2/vpc_endpoint.go: route_table_ids", "ec2/vpcEndpoint:VpcEndpoint",
			in{"vpcId": "v", "serviceName": "s3", "routeTableIds": []string{"a", "b"}},
			in{"vpcId": "v", "serviceName": "s3", "routeTableIds": []string{"a"}}, Update, [][2]string{{stops, "route table"}}},

		// What is served.
		{"the first page of a site", "cloudfront/distribution.go: default_root_object", site,
			in{"enabled": true, "defaultRootObject": "index.html"}, in{"enabled": true}, Update, [][2]string{{stops, "page"}}},
		{"older TLS of a site", "CloudFront: secure-connections-supported-viewer-protocols-ciphers", site,
			in{"enabled": true, "viewerCertificate": in{"acmCertificateArn": "a", "minimumProtocolVersion": "TLSv1.2_2021"}},
			in{"enabled": true, "viewerCertificate": in{"acmCertificateArn": "a", "minimumProtocolVersion": "TLSv1"}}, Update,
			[][2]string{{weakens, "TLS"}}},
		{"pages without a signature", "CloudFront: private-content-trusted-signers", site,
			in{"enabled": true, "defaultCacheBehavior": in{"trustedKeyGroups": []string{"k"}}},
			in{"enabled": true, "defaultCacheBehavior": in{}}, Update, [][2]string{{exposes, "sign"}}},
		{"names that resolvers keep for a day", "Route 53: resource-record-sets-values-basic (TTL)", "route53/record:Record",
			in{"name": "a.example", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.1"}},
			in{"name": "a.example", "type": "A", "zoneId": "z", "ttl": 86400, "records": []string{"192.0.2.1"}}, Update,
			[][2]string{{weakens, "86400"}}},
		{"an alias that may be sick", "Route 53: resource-record-sets-values-alias-common", "route53/record:Record",
			in{"name": "a.example", "type": "A", "zoneId": "z", "aliases": several(in{"name": "n", "zoneId": "y", "evaluateTargetHealth": true})},
			in{"name": "a.example", "type": "A", "zoneId": "z", "aliases": several(in{"name": "n", "zoneId": "y", "evaluateTargetHealth": false})},
			Update, [][2]string{{weakens, "health"}}},
		{"nobody has to sign in at the door", "elbv2/listener_rule.go: authenticate-oidc", "lb/listenerRule:ListenerRule",
			in{"listenerArn": "l", "priority": 1, "actions": several(in{"type": "authenticate-oidc", "authenticateOidc": in{"issuer": "i"}},
				in{"type": "forward", "targetGroupArn": "g"})},
			in{"listenerArn": "l", "priority": 1, "actions": several(in{"type": "forward", "targetGroupArn": "g"})}, Update,
			[][2]string{{exposes, "sign"}, {stops, "requests go elsewhere"}}},
		{"every request is refused", "elbv2/listener.go: fixed-response", "lb/listener:Listener",
			in{"loadBalancerArn": "l", "port": 443, "defaultActions": several(in{"type": "forward", "targetGroupArn": "g"})},
			in{"loadBalancerArn": "l", "port": 443, "defaultActions": several(in{"type": "fixed-response", "fixedResponse": in{"statusCode": "503"}})},
			Update, [][2]string{{stops, "request"}}},
		{"weaker targets", "elbv2/target_group.go: protocol, ForceNew", "lb/targetGroup:TargetGroup",
			in{"port": 443, "protocol": "HTTPS"}, in{"port": 443, "protocol": "HTTP"}, Replace,
			[][2]string{{stops, "no healthy target"}, {weakens, "encrypt"}}},

		// Functions, queues, topics.
		{"a function without a variable", "lambda/function.go: environment", function,
			in{"handler": "a", "environment": in{"variables": in{"A": "1", "B": "2"}}},
			in{"handler": "a", "environment": in{"variables": in{"A": "1"}}}, Update, nil},
		{"another program to start", "lambda/function.go: handler", function, in{"handler": "a.b"}, in{"handler": "c.d"}, Update, nil},
		{"a function that sleeps", "lambda/function.go: reserved_concurrent_executions", function,
			in{"handler": "a"}, in{"handler": "a", "reservedConcurrentExecutions": 0}, Update, [][2]string{{stops, "call"}}},
		{"a layer less", "lambda/function.go: layers", function, in{"handler": "a", "layers": []string{"l:1"}}, in{"handler": "a"},
			Update, nil},
		{"another version behind a name", "lambda/alias.go: function_version", "lambda/alias:Alias",
			in{"functionName": "f", "name": "live", "functionVersion": "7"}, in{"functionName": "f", "name": "live", "functionVersion": "6"},
			Update, [][2]string{{stops, "version"}}},
		{"a queue with an order", "sqs/queue.go: fifo_queue, ForceNew", "sqs/queue:Queue", in{}, in{"fifoQueue": true}, Replace,
			[][2]string{{"data replaced", "its messages"}}},
		{"a topic with an order", "sns/topic.go: fifo_topic, ForceNew", "sns/topic:Topic", in{}, in{"fifoTopic": true}, Replace,
			[][2]string{{hides, "told"}}},
		{"a queue without a key", "sqs/queue.go: kms_master_key_id", "sqs/queue:Queue", in{"kmsMasterKeyId": "k"}, in{}, Update,
			[][2]string{{weakens, "key"}}},

		// Tasks, APIs, users.
		{"a cluster that nobody looks into", "ecs/cluster.go: setting", "ecs/cluster:Cluster",
			in{"settings": several(in{"name": "containerInsights", "value": "enabled"})},
			in{"settings": several(in{"name": "containerInsights", "value": "disabled"})}, Update, [][2]string{{hides, "watched another way"}}},
		{"an administrator of a cluster", "eks/access_policy_association.go", "eks/accessPolicyAssociation:AccessPolicyAssociation",
			nil, in{"clusterName": "c", "principalArn": "p",
				"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"}, Create,
			[][2]string{{moreRights, "AmazonEKSClusterAdminPolicy"}}},
		{"nodes of another type", "eks/node_group.go: instance_types, ForceNew", "eks/nodeGroup:NodeGroup",
			in{"clusterName": "c", "instanceTypes": []string{"m6i.large"}}, in{"clusterName": "c", "instanceTypes": []string{"m6i.xlarge"}},
			Replace, [][2]string{{stops, "nodes"}}},
		{"a key that is asked no longer", "apigateway/method.go: authorization", "apigateway/method:Method",
			in{"restApi": "a", "authorization": "AWS_IAM"}, in{"restApi": "a", "authorization": "NONE"}, Update,
			[][2]string{{exposes, "every"}}},
		{"an API key that rests", "apigateway/api_key.go: enabled", "apigateway/apiKey:ApiKey", in{"enabled": true},
			in{"enabled": false}, Update, [][2]string{{stops, "key"}}},
		{"users with another name of their pool", "cognitoidp/user_pool.go (015edb133ea6): name, ForceNew",
			"cognito/userPool:UserPool", in{"name": "a"}, in{"name": "b"}, Replace, [][2]string{{"data replaced", "its users"}}},
		{"no second factor", "Cognito: user-pool-settings-mfa", "cognito/userPool:UserPool", in{"name": "a", "mfaConfiguration": "ON"},
			in{"name": "a"}, Update, [][2]string{{weakens, "second factor"}}},

		// What is watched, kept and filtered.
		{"an alarm in another unit", "cloudwatch/metric_alarm.go: unit", "cloudwatch/metricAlarm:MetricAlarm",
			in{"threshold": 1, "unit": "Seconds"}, in{"threshold": 1, "unit": "Milliseconds"}, Update, [][2]string{{hides, "unit"}}},
		{"backups, less often", "Backup: API_BackupRule, ScheduleExpression", "backup/plan:Plan",
			in{"name": "a", "rules": several(in{"ruleName": "r", "targetVaultName": "v", "schedule": "cron(0 5 ? * * *)"})},
			in{"name": "a", "rules": several(in{"ruleName": "r", "targetVaultName": "v", "schedule": "cron(0 5 1 * ? *)"})}, Update,
			[][2]string{{weakens, "times"}}},
		{"backups without a copy", "Backup: API_CopyAction", "backup/plan:Plan",
			in{"name": "a", "rules": several(in{"ruleName": "r", "targetVaultName": "v", "copyActions": several(in{"destinationVaultArn": "w"})})},
			in{"name": "a", "rules": several(in{"ruleName": "r", "targetVaultName": "v"})}, Update, [][2]string{{weakens, "cop"}}},
		{"an address less that is kept out", "wafv2/ip_set.go", "wafv2/ipSet:IpSet",
			in{"scope": "REGIONAL", "ipAddressVersion": "IPV4", "addresses": []string{"192.0.2.0/24", "198.51.100.0/24"}},
			in{"scope": "REGIONAL", "ipAddressVersion": "IPV4", "addresses": []string{"192.0.2.0/24"}}, Update,
			[][2]string{{weakens, "198.51.100.0/24"}}},
		{"records go elsewhere", "firehose/delivery_stream.go: extended_s3_configuration",
			"kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
			in{"destination": "extended_s3", "extendedS3Configuration": in{"bucketArn": "a", "roleArn": "r"}},
			in{"destination": "extended_s3", "extendedS3Configuration": in{"bucketArn": "b", "roleArn": "r"}}, Update,
			[][2]string{{hides, "elsewhere"}}},
		{"a stream's reader goes", "kinesis/stream_consumer.go", "kinesis/streamConsumer:StreamConsumer", in{"streamArn": "s"}, nil,
			Delete, [][2]string{{stops, "read"}}},
		{"a user of a cache may do all", "elasticache/user.go: access_string", "elasticache/user:User",
			in{"userId": "u", "engine": "REDIS", "accessString": "on ~app:* +get"},
			in{"userId": "u", "engine": "REDIS", "accessString": "on ~* +@all"}, Update, [][2]string{{moreRights, "+@all"}}},
		{"files by no door", "efs/access_point.go", "efs/accessPoint:AccessPoint", in{"fileSystemId": "f"}, nil, Delete,
			[][2]string{{stops, "access point"}}},
		{"a search that need not be encrypted", "opensearch/domain.go: enforce_https, Default: true", "opensearch/domain:Domain",
			in{"domainEndpointOptions": in{"customEndpointEnabled": false}}, in{"domainEndpointOptions": in{
				"customEndpointEnabled": false, "enforceHttps": false}}, Update, [][2]string{{weakens, "encryption"}}},
		{"an access key that rests", "iam/access_key.go: status", "iam/accessKey:AccessKey", in{"user": "u", "status": "Active"},
			in{"user": "u", "status": "Inactive"}, Update, [][2]string{{stops, "sign in"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}

// TestFreshCommands: what a command does on its machine nobody here sees.
func TestFreshCommands(t *testing.T) {
	const local = "command:local:Command"
	for _, c := range []struct {
		name, source string
		was, is      in
		want         [][2]string
	}{
		{"another command", "pulumi-command: create runs again", in{"create": "make a"}, in{"create": "make b"},
			[][2]string{{notJudged, "what it does"}}},
		{"other variables", "pulumi-command: environment", in{"create": "a", "environment": in{"A": "1"}},
			in{"create": "a", "environment": in{"A": "2"}}, [][2]string{{notJudged, "what it does"}}},
		{"a command at the end", "pulumi-command: delete", in{"create": "a"}, in{"create": "a", "delete": "rm -r /data"},
			[][2]string{{notJudged, "what it does"}}},
		{"once more", "pulumi-command: triggers", in{"create": "a", "triggers": []string{"1"}},
			in{"create": "a", "triggers": []string{"2"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) { b.Add(local, "x", c.was) }, func(b *graphtest.Builder) {
				b.Remove(local, "x")
				b.Add(local, "x", c.is)
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}
