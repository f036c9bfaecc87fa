package plan

import "testing"

// TestFreshAgain: changes of all that the others look at, harmless ones among them.
func TestFreshAgain(t *testing.T) {
	const edge, task = "cloudfront/distribution:Distribution", "ecs/taskDefinition:TaskDefinition"
	all := statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
	trust := func(condition string) in {
		return in{"assumeRolePolicy": statements(
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"sts:AssumeRole"` +
				condition + `}`)}
	}
	alias := func(evaluate bool) in {
		return in{"name": "a.example", "type": "A", "aliases": several(in{"name": "lb", "zoneId": "z",
			"evaluateTargetHealth": evaluate})}
	}
	limit := func(n int) in {
		return in{"rules": several(in{"name": "rate", "priority": 1, "action": in{"block": in{}},
			"statement": in{"rateBasedStatement": in{"limit": n}}})}
	}
	for _, c := range []fresh{
		// Harmless.
		{"another tag of an image", "ECS: task_definition_parameters", task,
			in{"containerDefinitions": `[{"name":"web","image":"a.example/web:1"}]`},
			in{"containerDefinitions": `[{"name":"web","image":"a.example/web:2"}]`}, Replace, nil},
		{"more memory", "Lambda: API_UpdateFunctionConfiguration", "lambda/function:Function", in{"memorySize": 128},
			in{"memorySize": 256}, Update, nil},
		{"longer backups", "RDS: API_ModifyDBInstance", "rds/instance:Instance", in{"backupRetentionPeriod": 7},
			in{"backupRetentionPeriod": 30}, Update, nil},
		{"points in time", "DynamoDB: PointInTimeRecovery", "dynamodb/table:Table", in{"hashKey": "a"},
			in{"hashKey": "a", "pointInTimeRecovery": in{"enabled": true}}, Update, nil},
		{"a key that is rotated", "KMS: rotate-keys", "kms/key:Key", in{}, in{"enableKeyRotation": true}, Update, nil},
		{"versions", "S3: Versioning", "s3/bucketVersioning:BucketVersioning",
			in{"bucket": "b", "versioningConfiguration": in{"status": "Suspended"}},
			in{"bucket": "b", "versioningConfiguration": in{"status": "Enabled"}}, Update, nil},
		{"images that stay what they are", "ECR: image-tag-mutability", "ecr/repository:Repository",
			in{"imageTagMutability": "MUTABLE"}, in{"imageTagMutability": "IMMUTABLE",
				"imageScanningConfiguration": in{"scanOnPush": true}}, Update, nil},
		{"failover of a cache", "ElastiCache: AutoFailover", "elasticache/replicationGroup:ReplicationGroup", in{},
			in{"automaticFailoverEnabled": true, "multiAzEnabled": true}, Update, nil},
		{"more nodes of a search", "OpenSearch: API_UpdateDomainConfig", "opensearch/domain:Domain",
			in{"clusterConfig": in{"instanceCount": 2}}, in{"clusterConfig": in{"instanceCount": 3}}, Update, nil},
		{"backups that are kept longer", "Backup: API_Lifecycle", "backup/plan:Plan",
			in{"rules": several(in{"ruleName": "day", "lifecycle": in{"deleteAfter": 7}})},
			in{"rules": several(in{"ruleName": "day", "lifecycle": in{"deleteAfter": 365}}, in{"ruleName": "month"})},
			Update, nil},
		{"a name more", "CloudFront: CNAMEs", edge, in{"aliases": []string{"a.example"}},
			in{"aliases": []string{"a.example", "b.example"}}, Update, nil},
		{"an encrypted warehouse", "redshift/cluster.go", "redshift/cluster:Cluster", in{"encrypted": false},
			in{"encrypted": true}, Update, nil},
		{"guests no longer", "Cognito: identity-pools", "cognito/identityPool:IdentityPool",
			in{"allowUnauthenticatedIdentities": true}, in{"allowUnauthenticatedIdentities": false}, Update,
			[][2]string{{stops, "guests"}}},
		{"a trail that is whole", "cloudtrail/trail.go", "cloudtrail/trail:Trail", in{},
			in{"enableLogFileValidation": true},
			Update, nil},

		// Who may do what.
		{"everything for a user", "IAM: reference_policies_elements_action", "iam/userPolicy:UserPolicy",
			in{"user": "u", "policy": statements(read)}, in{"user": "u", "policy": all}, Update,
			[][2]string{{moreRights, "`*` on `*`"}}},
		{"all of a service for a group", "IAM: reference_policies_elements_action", "iam/groupPolicy:GroupPolicy", nil,
			in{"group": "g", "policy": statements(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)}, Create,
			[][2]string{{moreRights, "`s3:*` on `*`"}}},
		{"every secret for a user", "Secrets Manager: GetSecretValue", "iam/userPolicy:UserPolicy",
			in{"user": "u", "policy": statements(read)}, in{"user": "u", "policy": statements(read,
				`{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}`)}, Update,
			[][2]string{{moreRights, "`secretsmanager:GetSecretValue` on `*`"}}},
		{"a trust that asks for more", "IAM: id_roles_create_for-user_externalid", "iam/role:Role", trust(""),
			trust(`,"Condition":{"StringEquals":{"sts:ExternalId":"a"}}`), Update,
			[][2]string{{stops, "can no longer be taken by"}}},
		{"the account's buckets", "s3control/account_public_access_block.go",
			"s3/accountPublicAccessBlock:AccountPublicAccessBlock", in{"blockPublicPolicy": true,
				"restrictPublicBuckets": true},
			in{"blockPublicPolicy": false, "restrictPublicBuckets": true}, Update,
			[][2]string{{weakens, "opened to everyone"}}},
		{"disks in the clear", "ec2/ebs_encryption_by_default.go", "ebs/encryptionByDefault:EncryptionByDefault",
			in{"enabled": true}, in{"enabled": false}, Update, [][2]string{{weakens, "not encrypted"}}},

		{"a key without its name", "KMS: API_DeleteAlias", "kms/alias:Alias", in{"name": "alias/a", "targetKeyId": "k"},
			nil,
			Delete, [][2]string{{stops, "by this name"}}},
		{"a user without rights", "iam/user_policy.go", "iam/userPolicy:UserPolicy", in{"user": "u", "policy": all},
			nil,
			Delete, [][2]string{{stops, "no longer allows `*`"}}},

		// What serves.
		{"a target that may be sick", "Route 53: EvaluateTargetHealth", "route53/record:Record", alias(true),
			alias(false),
			Update, [][2]string{{weakens, "whether it is healthy or not"}}},
		{"a target that has to be healthy", "Route 53: EvaluateTargetHealth", "route53/record:Record", alias(false),
			alias(true),
			Update, nil},
		{"a tighter filter", "WAF: waf-rule-statement-type-rate-based", "wafv2/webAcl:WebAcl", limit(1000), limit(100),
			Update,
			[][2]string{{stops, "100 requests instead of 1000"}}},
		{"a site that may no longer", "S3: cors", "s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2",
			in{"bucket": "b", "corsRules": several(in{"allowedOrigins": []string{"https://a", "https://b"}})},
			in{"bucket": "b", "corsRules": several(in{"allowedOrigins": []string{"https://a"}})}, Update,
			[][2]string{{stops, "`https://b`"}}},
		{"tasks without an address", "ECS: fargate-task-networking", "ecs/service:Service",
			in{"networkConfiguration": in{"assignPublicIp": true, "subnets": []string{"s"}}},
			in{"networkConfiguration": in{"assignPublicIp": false, "subnets": []string{"s"}}}, Update,
			[][2]string{{stops, "no public address"}}},
		{"no more redirects", "CloudFront: viewer protocol policy", edge,
			in{"defaultCacheBehavior": in{"viewerProtocolPolicy": "redirect-to-https"}},
			in{"defaultCacheBehavior": in{"viewerProtocolPolicy": "https-only"}}, Update,
			[][2]string{{stops, "without encryption"}}},
		{"an old runtime's successor", "Lambda: lambda-runtimes", "lambda/function:Function",
			in{"runtime": "nodejs20.x"},
			in{"runtime": "nodejs22.x"}, Update, nil},
		{"requests that nobody records", "WAF: logging", "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
			in{"resourceArn": "w"}, nil, Delete, [][2]string{{hides, "recorded"}}},
		{"names that nobody records", "Route 53: query-logs", "route53/queryLog:QueryLog", in{"zoneId": "z"}, nil,
			Delete,
			[][2]string{{hides, "recorded"}}},
		{"a recorder that rests", "config/configuration_recorder_status.go", "cfg/recorderStatus:RecorderStatus",
			in{"isEnabled": true}, in{"isEnabled": false}, Update, [][2]string{{hides, "no longer recorded"}}},
		{"nothing at night", "autoscaling/schedule.go", "autoscaling/schedule:Schedule", nil,
			in{"autoscalingGroupName": "g", "minSize": 0, "maxSize": 0, "desiredCapacity": 0}, Create,
			[][2]string{{stops, "none of its instances"}}},
		{"a group that leaves its targets", "autoscaling/attachment.go", "autoscaling/attachment:Attachment",
			in{"autoscalingGroupName": "g", "lbTargetGroupArn": "t"}, nil, Delete, [][2]string{{stops, "target"}}},

		// What no table has is said to be not judged.
		{"a type of the future", "none", "orbit/satellite:Satellite", in{"version": "1"}, in{"version": "2"}, Update,
			[][2]string{{notJudged, "nothing here knows type"}}},
		{"a broker", "mq/broker.go", "mq/broker:Broker", in{"publiclyAccessible": false, "engineType": "RabbitMQ"},
			in{"publiclyAccessible": true, "engineType": "RabbitMQ"}, Replace,
			[][2]string{{exposes, "public address"}, {"data replaced", "its messages"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}
