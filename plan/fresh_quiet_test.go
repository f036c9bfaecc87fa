package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// quietly checks that a plan tells of no danger, and of nothing that is not judged.
func quietly(t *testing.T, build, change func(b *graphtest.Builder)) {
	t.Helper()
	base, head := two(t, build, change)
	p := between(base, head)
	tells(t, p.Environments[0].Dangers, nil)
	if title, _, _ := strings.Cut(p.Markdown(), "\n"); strings.Contains(title, "nothing here judges") {
		t.Errorf("something is not judged: %s", title)
	}
}

// TestFreshQuiet: changes that mean nothing to anybody, because AWS or its provider takes both for the same, or because
// they add what nobody misses.
func TestFreshQuiet(t *testing.T) {
	const (
		who = `"Principal":{"AWS":"arn:aws:iam::123456789012:role/a"},`
		of  = `"Resource":"arn:aws:s3:::a/*"`
		one = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + who + `"Action":"s3:GetObject",` + of + `}]}`
	)
	policy, trust := func(text string) in { return in{"bucket": "a", "policy": text} }, func(text string) in {
		return in{"assumeRolePolicy": text}
	}
	const ec2Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"ec2.amazonaws.com"},` +
		`"Action":"sts:AssumeRole"}]}`
	group := func(rules ...in) in { return in{"ingress": several(rules...)} }
	tcp := func(from, to int, protocol string, blocks ...string) in {
		return in{"protocol": protocol, "fromPort": from, "toPort": to, "cidrBlocks": blocks}
	}
	container := func(text string) in { return in{"family": "a", "containerDefinitions": text} }
	for _, c := range []struct {
		name, source, kind string
		was, is            in
	}{
		// The order of what has none.
		{"groups in another order", "ec2/ec2_instance.go: vpc_security_group_ids is a set", "ec2/instance:Instance",
			in{"vpcSecurityGroupIds": []string{"sg-1", "sg-2"}}, in{"vpcSecurityGroupIds": []string{"sg-2", "sg-1"}}},
		{"subnets of a database in another order", "rds/subnet_group.go: subnet_ids is a set",
			"rds/subnetGroup:SubnetGroup",
			in{"subnetIds": []string{"a", "b", "c"}}, in{"subnetIds": []string{"c", "a", "b"}}},
		{"subnets of a balancer in another order", "elbv2/load_balancer.go: subnets is a set",
			"lb/loadBalancer:LoadBalancer",
			in{"loadBalancerType": "network", "subnets": []string{"a", "b", "c"}},
			in{"loadBalancerType": "network", "subnets": []string{"c", "a", "b"}}},
		{"subnets of a cache in another order", "elasticache/subnet_group.go: subnet_ids is a set",
			"elasticache/subnetGroup:SubnetGroup", in{"subnetIds": []string{"a", "b"}}, in{"subnetIds": []string{"b",
				"a"}}},
		{"subnets of a group in another order", "autoscaling/group.go: vpc_zone_identifier is a set",
			"autoscaling/group:Group", in{"maxSize": 1, "minSize": 1, "vpcZoneIdentifiers": []string{"a", "b"}},
			in{"maxSize": 1, "minSize": 1, "vpcZoneIdentifiers": []string{"b", "a"}}},
		{"subnets of a function in another order", "lambda/function.go: subnet_ids is a set",
			"lambda/function:Function",
			in{"vpcConfig": in{"subnetIds": []string{"a", "b"}, "securityGroupIds": []string{"g"}}},
			in{"vpcConfig": in{"subnetIds": []string{"b", "a"}, "securityGroupIds": []string{"g"}}}},
		{"addresses of a name in another order", "route53/record.go: records is a set", "route53/record:Record",
			in{"name": "a.example", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.1",
				"192.0.2.2"}},
			in{"name": "a.example", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.2",
				"192.0.2.1"}}},
		{"names of a distribution in another order", "cloudfront/distribution.go: aliases is a set",
			"cloudfront/distribution:Distribution", in{"aliases": []string{"a.example", "b.example"}},
			in{"aliases": []string{"b.example", "a.example"}}},
		{"names of a certificate in another order", "acm/certificate.go: subject_alternative_names is a set",
			"acm/certificate:Certificate", in{"domainName": "a.example", "subjectAlternativeNames": []string{"b",
				"c"}},
			in{"domainName": "a.example", "subjectAlternativeNames": []string{"c", "b"}}},
		{"zones of a cluster in another order", "rds/cluster.go: availability_zones is a set", "rds/cluster:Cluster",
			in{"availabilityZones": []string{"us-east-1a", "us-east-1b"}},
			in{"availabilityZones": []string{"us-east-1b", "us-east-1a"}}},
		{"attributes of a table in another order", "dynamodb/table.go: attribute is a set", "dynamodb/table:Table",
			in{"hashKey": "a", "attributes": several(in{"name": "a", "type": "S"}, in{"name": "b", "type": "N"})},
			in{"hashKey": "a", "attributes": several(in{"name": "b", "type": "N"}, in{"name": "a", "type": "S"})}},
		{"rules of a filter in another order", "wafv2/web_acl.go: rule is a set", "wafv2/webAcl:WebAcl",
			in{"scope": "REGIONAL", "rules": several(in{"name": "a", "priority": 1, "action": in{"block": in{}}},
				in{"name": "b", "priority": 2, "action": in{"count": in{}}})},
			in{"scope": "REGIONAL", "rules": several(in{"name": "b", "priority": 2, "action": in{"count": in{}}},
				in{"name": "a", "priority": 1, "action": in{"block": in{}}})}},
		{"settings in another order", "rds/parameter_group.go: parameter is a set",
			"rds/parameterGroup:ParameterGroup",
			in{"parameters": several(in{"name": "a", "value": "1"}, in{"name": "b", "value": "2"})},
			in{"parameters": several(in{"name": "b", "value": "2"}, in{"name": "a", "value": "1"})}},
		{"conditions of a rule in another order", "elbv2/listener_rule.go: condition is a set",
			"lb/listenerRule:ListenerRule",
			in{"listenerArn": "l", "priority": 1, "conditions": several(in{"hostHeader": in{"values": []string{"a",
				"b"}}},
				in{"pathPattern": in{"values": []string{"/x"}}})},
			in{"listenerArn": "l", "priority": 1,
				"conditions": several(in{"pathPattern": in{"values": []string{"/x"}}},
					in{"hostHeader": in{"values": []string{"b", "a"}}})}},

		// Documents that say the same.
		{"a document with spaces",
			"IAM: reference_policies_grammar; s3/bucket_policy.go: SuppressEquivalentPolicyDiffs",
			"s3/bucketPolicy:BucketPolicy", policy(one), policy(strings.ReplaceAll(one, ",", ",\n  "))},
		{"a statement without a list", "IAM: reference_policies_elements_statement", "s3/bucketPolicy:BucketPolicy",
			policy(one), policy(strings.NewReplacer("[{", "{", "}]", "}").Replace(one))},
		{"an action in a list", "IAM: reference_policies_elements_action", "s3/bucketPolicy:BucketPolicy",
			policy(one),
			policy(strings.Replace(one, `"s3:GetObject"`, `["s3:GetObject"]`, 1))},
		{"an action in other letters", "IAM: reference_policies_elements_action (not case sensitive)",
			"s3/bucketPolicy:BucketPolicy", policy(one), policy(strings.Replace(one, "s3:GetObject", "S3:getobject",
				1))},
		{"a principal in a list", "IAM: reference_policies_elements_principal", "s3/bucketPolicy:BucketPolicy",
			policy(one),
			policy(strings.Replace(one, `"arn:aws:iam::123456789012:role/a"`, `["arn:aws:iam::123456789012:role/a"]`,
				1))},
		{"everyone, written in full", "IAM: reference_policies_elements_principal (\"*\" and {\"AWS\": \"*\"})",
			"sqs/queuePolicy:QueuePolicy", in{"queueUrl": "q", "policy": statements(
				`{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*",` +
					`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)},
			in{"queueUrl": "q", "policy": statements(
				`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":"*",` +
					`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)}},
		{"a truth without quotes", "IAM: reference_policies_elements_condition_operators (Boolean)",
			"s3/bucketPolicy:BucketPolicy", policy(statements(deny)), policy(statements(strings.Replace(deny,
				`"false"`,
				`false`, 1)))},
		{"a value in a list", "IAM: reference_policies_multi-value-conditions", "s3/bucketPolicy:BucketPolicy",
			policy(statements(deny)), policy(statements(strings.Replace(deny, `"false"`, `["false"]`, 1)))},
		{"a key of a condition in other letters",
			"IAM: reference_policies_elements_condition (keys: not case sensitive)",
			"s3/bucketPolicy:BucketPolicy", policy(statements(deny)),
			policy(statements(strings.Replace(deny, `aws:SecureTransport`, `aws:securetransport`, 1)))},
		{"two statements in one", "IAM: reference_policies_elements_statement", "s3/bucketPolicy:BucketPolicy",
			policy(statements(`{"Effect":"Allow",`+who+`"Action":"s3:GetObject",`+of+`}`,
				`{"Effect":"Allow",`+who+`"Action":"s3:PutObject",`+of+`}`)),
			policy(statements(`{"Effect":"Allow",` + who + `"Action":["s3:PutObject","s3:GetObject"],` + of + `}`))},
		{"a statement with a name", "IAM: reference_policies_elements_sid", "iam/role:Role", trust(ec2Trust),
			trust(strings.Replace(ec2Trust, `{"Effect"`, `{"Sid":"a","Effect"`, 1))},
		{"a document with an id", "IAM: reference_policies_elements_id", "kms/key:Key", in{"policy": one},
			in{"policy": strings.Replace(one, `{"Version"`, `{"Id":"a","Version"`, 1)}},
		{"a pattern of events with spaces", "events/rule.go: NormalizeJsonString", "cloudwatch/eventRule:EventRule",
			in{"eventPattern": `{"source":["aws.ec2"],"detail-type":["a"]}`},
			in{"eventPattern": "{\n \"detail-type\": [\"a\"],\n \"source\": [\"aws.ec2\"]\n}"}},
		{"a filter of messages with spaces", "sns/topic_subscription.go: SuppressEquivalentJSONDiffs",
			"sns/topicSubscription:TopicSubscription", in{"topic": "t", "filterPolicy": `{"a":["b"]}`},
			in{"topic": "t", "filterPolicy": `{ "a": [ "b" ] }`}},
		{"steps with spaces", "SFN: amazon-states-language (JSON)", "sfn/stateMachine:StateMachine",
			in{"definition": `{"StartAt":"a","States":{"a":{"Type":"Succeed"}}}`},
			in{"definition": `{"States": {"a": {"Type": "Succeed"}}, "StartAt": "a"}`}},
		{"failed messages, with a number", "sqs/queue.go: SuppressEquivalentJSONDiffs", "sqs/queue:Queue",
			in{"redrivePolicy": `{"deadLetterTargetArn":"d","maxReceiveCount":5}`},
			in{"redrivePolicy": `{"maxReceiveCount": "5", "deadLetterTargetArn": "d"}`}},
		{"input of a target with spaces", "events/target.go: input is JSON", "cloudwatch/eventTarget:EventTarget",
			in{"rule": "r", "arn": "a", "input": `{"a":1}`}, in{"rule": "r", "arn": "a", "input": `{ "a": 1 }`}},
		{"images that go, with spaces", "ecr/lifecycle_policy.go: suppressed where the rules are equal",
			"ecr/lifecyclePolicy:LifecyclePolicy", in{"repository": "r", "policy": `{"rules":[{"rulePriority":1}]}`},
			in{"repository": "r", "policy": `{"rules": [{"rulePriority": 1}]}`}},
		{"containers with spaces", "ecs/task_definition.go: containerDefinitionsAreEquivalent",
			"ecs/taskDefinition:TaskDefinition", container(`[{"name":"a","image":"b:1","memory":128}]`),
			container(`[ { "memory": 128, "image": "b:1", "name": "a" } ]`)},
		{"containers with what ECS takes anyway", "ecs/task_definition_equivalency.go",
			"ecs/taskDefinition:TaskDefinition",
			container(`[{"name":"a","image":"b:1","memory":128}]`),
			container(`[{"name":"a","image":"b:1","memory":128,"essential":true,"cpu":0,"environment":[],` +
				`"mountPoints":[]}]`)},

		// Rules that let in the same.
		{"a block of IPv6 in full", "ec2/vpc_security_group_rule.go; AWS keeps the short form",
			"ec2/securityGroup:SecurityGroup",
			group(in{"protocol": "tcp", "fromPort": 443, "toPort": 443, "ipv6CidrBlocks": []string{"2001:db8::/32"}}),
			group(in{"protocol": "tcp", "fromPort": 443, "toPort": 443,
				"ipv6CidrBlocks": []string{"2001:0db8:0::/32"}})},
		{"a protocol by its number", "ec2/vpc_security_group.go: ProtocolForValue", "ec2/securityGroup:SecurityGroup",
			group(tcp(443, 443, "tcp", "0.0.0.0/0")), group(tcp(443, 443, "6", "0.0.0.0/0"))},
		{"every protocol by its name", "ec2/vpc_security_group.go: ProtocolForValue (all: -1)",
			"ec2/securityGroup:SecurityGroup",
			group(tcp(0, 0, "-1", "10.0.0.0/8")), group(tcp(0, 0, "all", "10.0.0.0/8"))},
		{"a port in capitals", "ec2/vpc_security_group.go: ProtocolStateFunc", "ec2/securityGroup:SecurityGroup",
			group(tcp(443, 443, "tcp", "0.0.0.0/0")), group(tcp(443, 443, "TCP", "0.0.0.0/0"))},
		{"two blocks in two rules", "EC2: security-group-rules", "ec2/securityGroup:SecurityGroup",
			group(tcp(443, 443, "tcp", "10.0.0.0/8", "192.168.0.0/16")),
			group(tcp(443, 443, "tcp", "192.168.0.0/16"), tcp(443, 443, "tcp", "10.0.0.0/8"))},
		{"two ports in two rules", "EC2: security-group-rules", "ec2/securityGroup:SecurityGroup",
			group(tcp(80, 81, "tcp", "10.0.0.0/8")),
			group(tcp(80, 80, "tcp", "10.0.0.0/8"), tcp(81, 81, "tcp", "10.0.0.0/8"))},
		{"a word on a rule", "ec2/vpc_security_group.go: description of a rule", "ec2/securityGroup:SecurityGroup",
			group(tcp(443, 443, "tcp", "0.0.0.0/0")), group(in{"protocol": "tcp", "fromPort": 443, "toPort": 443,
				"cidrBlocks": []string{"0.0.0.0/0"}, "description": "the site"})},

		// Defaults, written out.
		{"a queue as it is", "sqs/queue.go: Default", "sqs/queue:Queue", in{"name": "a"},
			in{"name": "a", "visibilityTimeoutSeconds": 30, "delaySeconds": 0, "maxMessageSize": 262144,
				"receiveWaitTimeSeconds": 0, "messageRetentionSeconds": 345600, "fifoQueue": false,
				"contentBasedDeduplication": false}},
		{"a function as it is", "lambda/function.go: Default", "lambda/function:Function", in{"handler": "a",
			"role": "r"},
			in{"handler": "a", "role": "r", "memorySize": 128, "timeout": 3, "packageType": "Zip", "publish": false,
				"architectures": []string{"x86_64"}, "reservedConcurrentExecutions": -1}},
		{"a table as it is", "dynamodb/table.go: Default", "dynamodb/table:Table", in{"hashKey": "a",
			"readCapacity": 1},
			in{"hashKey": "a", "readCapacity": 1, "billingMode": "PROVISIONED", "streamEnabled": false,
				"tableClass": "STANDARD", "deletionProtectionEnabled": false,
				"pointInTimeRecovery":  in{"enabled": false},
				"serverSideEncryption": in{"enabled": false}, "ttl": in{"enabled": false}}},
		{"a database as it is", "rds/instance.go: Default", "rds/instance:Instance", in{"engine": "mysql"},
			in{"engine": "mysql", "multiAz": false, "publiclyAccessible": false, "storageEncrypted": false,
				"deletionProtection": false, "skipFinalSnapshot": false, "autoMinorVersionUpgrade": true,
				"backupRetentionPeriod": 0, "monitoringInterval": 0, "iamDatabaseAuthenticationEnabled": false,
				"performanceInsightsEnabled": false, "deleteAutomatedBackups": true, "copyTagsToSnapshot": false,
				"customerOwnedIpEnabled": false, "networkType": "IPV4", "dedicatedLogVolume": false}},
		{"a balancer as it is", "elbv2/load_balancer.go: Default", "lb/loadBalancer:LoadBalancer", in{},
			in{"internal": false, "idleTimeout": 60, "enableHttp2": true, "dropInvalidHeaderFields": false,
				"enableDeletionProtection": false, "desyncMitigationMode": "defensive", "ipAddressType": "ipv4",
				"preserveHostHeader": false, "xffHeaderProcessingMode": "append", "loadBalancerType": "application",
				"enableWafFailOpen": false, "enableXffClientPort": false,
				"enableTlsVersionAndCipherSuiteHeaders": false}},
		{"targets as they are", "elbv2/target_group.go: Default", "lb/targetGroup:TargetGroup",
			in{"port": 80, "protocol": "HTTP", "vpcId": "v"}, in{"port": 80, "protocol": "HTTP", "vpcId": "v",
				"deregistrationDelay": 300, "slowStart": 0, "targetType": "instance", "protocolVersion": "HTTP1",
				"loadBalancingAlgorithmType": "round_robin", "ipAddressType": "ipv4"}},
		{"a group as it is", "autoscaling/group.go: Default", "autoscaling/group:Group", in{"maxSize": 2,
			"minSize": 1},
			in{"maxSize": 2, "minSize": 1, "healthCheckGracePeriod": 300, "protectFromScaleIn": false,
				"forceDelete":        false,
				"metricsGranularity": "1Minute", "healthCheckType": "EC2", "capacityRebalance": false,
				"terminationPolicies": []string{"Default"}, "maxInstanceLifetime": 0}},
		{"an alarm as it is", "cloudwatch/metric_alarm.go; CloudWatch: API_PutMetricAlarm, DatapointsToAlarm",
			"cloudwatch/metricAlarm:MetricAlarm", in{"evaluationPeriods": 3, "threshold": 1},
			in{"evaluationPeriods": 3, "threshold": 1, "datapointsToAlarm": 3, "actionsEnabled": true,
				"treatMissingData": "missing"}},
		{"a log group as it is", "logs/group.go: Default", "cloudwatch/logGroup:LogGroup", in{"name": "a"},
			in{"name": "a", "retentionInDays": 0, "skipDestroy": false, "logGroupClass": "STANDARD"}},
		{"a bucket as it is", "s3/bucket.go", "s3/bucketV2:BucketV2", in{"bucket": "a"},
			in{"bucket": "a", "forceDestroy": false, "objectLockEnabled": false}},
		{"a service as it is", "ecs/service.go: Default", "ecs/service:Service", in{"cluster": "c",
			"desiredCount": 1},
			in{"cluster": "c", "desiredCount": 1, "deploymentMaximumPercent": 200,
				"deploymentMinimumHealthyPercent": 100,
				"enableExecuteCommand":            false, "schedulingStrategy": "REPLICA",
				"enableEcsManagedTags": false,
				"launchType":           "EC2", "deploymentController": in{"type": "ECS"}}},
		{"files as they are", "efs/file_system.go; EFS: API_CreateFileSystem", "efs/fileSystem:FileSystem", in{},
			in{"performanceMode": "generalPurpose", "throughputMode": "bursting", "encrypted": false}},
		{"a server as it is", "ec2/ec2_instance.go; EC2: API_RunInstances", "ec2/instance:Instance", in{"ami": "a"},
			in{"ami": "a", "ebsOptimized": false, "monitoring": false, "tenancy": "default", "sourceDestCheck": true,
				"disableApiTermination": false, "hibernation": false, "instanceInitiatedShutdownBehavior": "stop"}},
		{"a network as it is", "ec2/vpc_.go: Default", "ec2/vpc:Vpc", in{"cidrBlock": "10.0.0.0/16"},
			in{"cidrBlock": "10.0.0.0/16", "enableDnsSupport": true, "instanceTenancy": "default",
				"enableDnsHostnames": false, "assignGeneratedIpv6CidrBlock": false}},
		{"a subnet as it is", "ec2/vpc_subnet.go: Default", "ec2/subnet:Subnet", in{"vpcId": "v",
			"cidrBlock": "10.0.0.0/24"},
			in{"vpcId": "v", "cidrBlock": "10.0.0.0/24", "mapPublicIpOnLaunch": false, "ipv6Native": false,
				"assignIpv6AddressOnCreation": false, "enableDns64": false}},
		{"a key as it is", "kms/key.go: Default", "kms/key:Key", in{},
			in{"keyUsage": "ENCRYPT_DECRYPT", "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
				"deletionWindowInDays": 30,
				"isEnabled":            true, "multiRegion": false, "bypassPolicyLockoutSafetyCheck": false,
				"enableKeyRotation": false}},
		{"a stream as it is", "kinesis/stream.go: Default", "kinesis/stream:Stream", in{"shardCount": 1},
			in{"shardCount": 1, "retentionPeriod": 24, "encryptionType": "NONE", "enforceConsumerDeletion": false,
				"streamModeDetails": in{"streamMode": "PROVISIONED"}}},
		{"a distribution as it is", "cloudfront/distribution.go: Default", "cloudfront/distribution:Distribution",
			in{"enabled": true}, in{"enabled": true, "priceClass": "PriceClass_All", "httpVersion": "http2",
				"isIpv6Enabled": false, "waitForDeployment": true, "retainOnDelete": false, "staging": false}},
		{"a parameter as it is", "ssm/parameter.go", "ssm/parameter:Parameter", in{"name": "/a", "type": "String",
			"value": "v"},
			in{"name": "/a", "type": "String", "value": "v", "tier": "Standard", "dataType": "text"}},
		{"a trail as it is", "cloudtrail/trail.go: Default", "cloudtrail/trail:Trail", in{"s3BucketName": "b"},
			in{"s3BucketName": "b", "enableLogging": true, "includeGlobalServiceEvents": true,
				"isMultiRegionTrail":      false,
				"enableLogFileValidation": false, "isOrganizationTrail": false}},
		{"a repository as it is", "ecr/repository.go: Default", "ecr/repository:Repository", in{"name": "a"},
			in{"name": "a", "imageTagMutability": "MUTABLE", "forceDelete": false,
				"encryptionConfigurations": several(in{"encryptionType": "AES256"})}},
		{"a secret as it is", "secretsmanager/secret.go: Default", "secretsmanager/secret:Secret", in{"name": "a"},
			in{"name": "a", "recoveryWindowInDays": 30, "forceOverwriteReplicaSecret": false}},
		{"a role as it is", "iam/role.go: Default", "iam/role:Role", trust(ec2Trust),
			in{"assumeRolePolicy": ec2Trust, "path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": false}},
		{"users as they are", "cognitoidp/user_pool.go: Default", "cognito/userPool:UserPool", in{"name": "a"},
			in{"name": "a", "mfaConfiguration": "OFF", "deletionProtection": "INACTIVE"}},

		// Names that are the same.
		{"a name with a dot at its end", "route53/record.go: TrimTrailingPeriod", "route53/record:Record",
			in{"name": "a.example", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.1"}},
			in{"name": "a.example.", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.1"}}},
		{"a name in capitals", "route53/record.go: normalizeNameIntoAPIRequest", "route53/record:Record",
			in{"name": "a.example", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.1"}},
			in{"name": "A.example", "type": "A", "zoneId": "z", "ttl": 60, "records": []string{"192.0.2.1"}}},
		{"a zone with a dot at its end", "route53/zone.go: TrimTrailingPeriod", "route53/zone:Zone",
			in{"name": "a.example"},
			in{"name": "a.example."}},
		{"one target in two ways", "elbv2/listener.go: target_group_arn and forward", "lb/listener:Listener",
			in{"loadBalancerArn": "l", "port": 80, "defaultActions": several(in{"type": "forward",
				"targetGroupArn": "g"})},
			in{"loadBalancerArn": "l", "port": 80, "defaultActions": several(in{"type": "forward", "order": 1,
				"forward": in{"targetGroups": several(in{"arn": "g", "weight": 1})}})}},

		// What adds, or only describes.
		{"another word on a function", "lambda/function.go", "lambda/function:Function", in{"handler": "a"},
			in{"handler": "a", "description": "b", "tags": in{"a": "b"}}},
		{"another word on a template", "ec2/ec2_launch_template.go", "ec2/launchTemplate:LaunchTemplate",
			in{"imageId": "a"},
			in{"imageId": "a", "description": "b"}},
		{"a longer look back", "logs/group.go", "cloudwatch/logGroup:LogGroup", in{"retentionInDays": 30},
			in{"retentionInDays": 365}},
		{"objects are kept", "s3/bucket_lifecycle_configuration.go",
			"s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			in{"bucket": "b", "rules": several(in{"id": "a", "status": "Enabled", "expiration": in{"days": 30}})},
			in{"bucket": "b", "rules": several(in{"id": "a", "status": "Disabled", "expiration": in{"days": 30}})}},
		{"one more told", "cloudwatch/metric_alarm.go", "cloudwatch/metricAlarm:MetricAlarm",
			in{"threshold": 1, "alarmActions": []string{"a"}}, in{"threshold": 1, "alarmActions": []string{"a",
				"b"}}},
		{"a newer TLS of a distribution stays", "cloudfront/distribution.go", "cloudfront/distribution:Distribution",
			in{"enabled": true, "comment": "a"}, in{"enabled": true, "comment": "b", "tags": in{"a": "b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			quietly(t, func(b *graphtest.Builder) { b.Add(c.kind, "x", c.was) }, func(b *graphtest.Builder) {
				b.Remove(c.kind, "x")
				b.Add(c.kind, "x", c.is)
			})
		})
	}
}
