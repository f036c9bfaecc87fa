package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestJudge has a row for each source and each form of the table. Each names where the fact is from.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		token, path string
		want        Word
		source      string
	}{
		// The provider's source: ForceNew, of an input and of one within another.
		{"aws:ecs/service:Service", "launchType", Replaces, "provider's source"},
		{"aws:ecs/service:Service", "desiredCount", InPlace, "provider's source"},
		{"aws:ecs/service:Service", "deploymentController.type", Replaces, "provider's source"},
		{"aws:ecs/taskDefinition:TaskDefinition", "containerDefinitions[0].image", Replaces, "provider's source"},
		{"aws:lambda/function:Function", "name", Replaces, "provider's source"},
		{"aws:lambda/function:Function", "memorySize", InPlace, "provider's source"},
		{"aws:lambda/permission:Permission", "function", Replaces, "provider's source"},
		{"aws:lambda/layerVersion:LayerVersion", "code", Replaces, "provider's source"},
		{"aws:apigateway/resource:Resource", "restApi", Replaces, "provider's source"},
		{"aws:apigatewayv2/api:Api", "protocolType", Replaces, "provider's source"},
		{"aws:sqs/queue:Queue", "fifoQueue", Replaces, "provider's source"},
		{"aws:sns/topicSubscription:TopicSubscription", "endpoint", Replaces, "provider's source"},
		{"aws:dynamodb/table:Table", "hashKey", Replaces, "provider's source"},
		{"aws:dynamodb/table:Table", "billingMode", InPlace, "provider's source"},
		{"aws:cloudfront/distribution:Distribution", "origins[0].domainName", InPlace, "provider's source"},
		{"aws:elasticache/replicationGroup:ReplicationGroup", "atRestEncryptionEnabled", Replaces, "provider's source"},
		{"aws:eks/cluster:Cluster", "roleArn", Replaces, "provider's source"},
		{"aws:eks/cluster:Cluster", "version", InPlace, "provider's source"},
		{"aws:eks/nodeGroup:NodeGroup", "instanceTypes", Replaces, "provider's source"},
		{"aws:kms/key:Key", "customerMasterKeySpec", Replaces, "provider's source"},
		{"aws:kinesis/stream:Stream", "name", Replaces, "provider's source"},
		{"aws:redshift/cluster:Cluster", "masterUsername", Replaces, "provider's source"},
		{"aws:cognito/userPool:UserPool", "usernameAttributes", Replaces, "provider's source"},
		{"aws:sfn/stateMachine:StateMachine", "type", Replaces, "provider's source"},
		{"aws:wafv2/webAcl:WebAcl", "scope", Replaces, "provider's source"},
		{"aws:backup/vault:Vault", "kmsKeyArn", Replaces, "provider's source"},
		{"aws:route53/record:Record", "name", Replaces, "provider's source"},
		{"aws:route53/record:Record", "aliases[0].evaluateTargetHealth", InPlace, "provider's source"},
		{"aws:acm/certificate:Certificate", "domainName", Replaces, "provider's source"},
		{"aws:rds/cluster:Cluster", "engineMode", Replaces, "provider's source"},
		{"aws:iam/role:Role", "assumeRolePolicy.Statement[0].Action", InPlace, "provider's source"},
		{"aws:s3/bucketVersioningV2:BucketVersioningV2", "bucket", Replaces, "provider's source"},
		// The same, by the name that version 7 of the Pulumi provider has for it.
		{"aws:s3/bucketVersioning:BucketVersioning", "bucket", Replaces, "provider's source"},
		{"aws:s3/bucket:Bucket", "bucket", Replaces, "provider's source"},
		// The newer framework: RequiresReplace.
		{"aws:s3/directoryBucket:DirectoryBucket", "location.name", Replaces, "provider's source"},
		// CustomizeDiff.
		{"aws:ec2/instance:Instance", "instanceType", MayReplace, "provider's source"},
		// A list that is marked, of which the parts are not.
		{"aws:rds/instance:Instance", "restoreToPointInTime.restoreTime", MayReplace, "provider's source"},
		// CloudFormation, for what is younger than the source.
		{"aws:s3tables/table:Table", "tableBucketArn", Replaces, "AWS CloudFormation"},
		{"aws:ec2/natGateway:NatGateway", "tags.Name", InPlace, "provider's source"},
		// By hand.
		{"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "cidrIpv4", InPlace, "provider's reference"},
		{"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "securityGroupId", Replaces,
			"provider's reference"},
		{"random:index/randomPassword:RandomPassword", "length", Replaces, "provider's reference"},
		// An argument that every resource has in version 7.
		{"aws:sqs/queue:Queue", "region", Replaces, "provider's source"},
		{"aws:msk/cluster:Cluster", "brokerNodeGroupInfo.storageInfo.ebsStorageInfo", InPlace, "provider's reference"},
		// All of a type that the source tells elsewhere.
		{"aws:opensearch/outboundConnection:OutboundConnection", "connectionAlias", Replaces, "provider's reference"},
		// What nobody says.
		{"aws:sqs/queue:Queue", "colour", UnknownInput, ""},
		{"aws:glue/job:Job", "sourceControlDetails", UnknownInput, ""},
		{"aws:orbit/satellite:Satellite", "version", UnknownType, ""},
		{"vault:index/mount:Mount", "path", UnknownType, ""},
	} {
		if got := Judge(c.token, c.path); got != (Verdict{Word: c.want, Source: c.source}) {
			t.Errorf("%s %s: %s (%s), want %s (%s)", c.token, c.path, got.Word, got.Source, c.want, c.source)
		}
	}
}

// TestConditions: what the provider decides from values, as its source does.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name, token string
		old, now    in
		want        Action
		unsure      bool
	}{
		{"another size", "ec2/instance:Instance", in{"instanceType": "t3.micro"}, in{"instanceType": "m7i-flex.large"},
			Update, false},
		{"another processor", "ec2/instance:Instance", in{"instanceType": "t3.micro"}, in{"instanceType": "t4g.micro"},
			Replace, false},
		{"from Arm to Arm", "ec2/instance:Instance", in{"instanceType": "a1.large"}, in{"instanceType": "x2gd.large"},
			Update, false},
		{"graphics are not Graviton", "ec2/instance:Instance", in{"instanceType": "g4dn.xlarge"},
			in{"instanceType": "g5.xlarge"},
			Update, false},
		{"user-data that is run again", "ec2/instance:Instance", in{"userData": "a", "userDataReplaceOnChange": true},
			in{"userData": "b", "userDataReplaceOnChange": true}, Replace, false},
		{"user-data", "ec2/instance:Instance", in{"userData": "a"}, in{"userData": "b"}, Update, false},
		{"a volume within", "ec2/instance:Instance", in{}, in{"ebsBlockDevices": []any{in{"deviceName": "/dev/sdf"}}},
			Replace, false},
		{"the root's tags alone", "ec2/instance:Instance", in{}, in{"rootBlockDevice": in{"tags": in{"a": "b"}}},
			Update,
			false},
		{"the root encrypted", "ec2/instance:Instance", in{}, in{"rootBlockDevice": in{"encrypted": true}}, Replace,
			false},
		{"own hardware", "ec2/vpc:Vpc", in{}, in{"instanceTenancy": "dedicated"}, Replace, false},
		{"own hardware no longer", "ec2/vpc:Vpc", in{"instanceTenancy": "dedicated"}, in{}, Update, false},
		{"a subnet less of an ALB", "lb/loadBalancer:LoadBalancer", in{"subnets": []any{"a", "b", "c"}},
			in{"subnets": []any{"a", "b"}},
			Update, false},
		{"a subnet less of an NLB", "lb/loadBalancer:LoadBalancer", in{"subnets": []any{"a", "b", "c"},
			"loadBalancerType": "network"},
			in{"subnets": []any{"a", "b"}, "loadBalancerType": "network"}, Replace, false},
		{"a subnet more of an NLB", "lb/loadBalancer:LoadBalancer", in{"subnets": []any{"a"},
			"loadBalancerType": "network"},
			in{"subnets": []any{"a", "b"}, "loadBalancerType": "network"}, Update, false},
		{"another address of an NLB", "lb/loadBalancer:LoadBalancer",
			in{"subnetMappings": []any{in{"subnetId": "a", "allocationId": "1"}}, "loadBalancerType": "network"},
			in{"subnetMappings": []any{in{"subnetId": "a", "allocationId": "2"}}, "loadBalancerType": "network"},
			Replace,
			false},
		{"another subnet of an NLB, with an address", "lb/loadBalancer:LoadBalancer",
			in{"subnetMappings": []any{in{"subnetId": "a"}}, "loadBalancerType": "network"},
			in{"subnetMappings": []any{in{"subnetId": "a"}, in{"subnetId": "b"}}, "loadBalancerType": "network"},
			Update,
			false},
		{"a subnet less of an ALB, by its mapping", "lb/loadBalancer:LoadBalancer",
			in{"subnetMappings": []any{in{"subnetId": "a"}, in{"subnetId": "b"}, in{"subnetId": "c"}}},
			in{"subnetMappings": []any{in{"subnetId": "a"}, in{"subnetId": "c"}}}, Update, false},
		{"another version of a template", "ec2/instance:Instance", in{"launchTemplate": in{"id": "lt", "version": "1"}},
			in{"launchTemplate": in{"id": "lt", "version": "2"}}, Replace, false},
		{"the latest version of a template", "ec2/instance:Instance",
			in{"launchTemplate": in{"id": "lt", "version": "1"}},
			in{"launchTemplate": in{"id": "lt", "version": "$Latest"}}, Update, true},
		{"the first group of an NLB", "lb/loadBalancer:LoadBalancer", in{"loadBalancerType": "network"},
			in{"securityGroups": []any{"sg"}, "loadBalancerType": "network"}, Replace, false},
		{"a newer Redis", "elasticache/replicationGroup:ReplicationGroup", in{"engineVersion": "6.2"},
			in{"engineVersion": "7.0"},
			Update, false},
		{"an older Redis", "elasticache/replicationGroup:ReplicationGroup", in{"engineVersion": "7.0"},
			in{"engineVersion": "6.2"},
			Replace, false},
		{"some Redis", "elasticache/replicationGroup:ReplicationGroup", in{"engineVersion": "6.x"},
			in{"engineVersion": "6.2"},
			Update, true},
		{"to Valkey", "elasticache/replicationGroup:ReplicationGroup", in{"engine": "redis"}, in{"engine": "valkey"},
			Update, false},
		{"back to Redis", "elasticache/replicationGroup:ReplicationGroup", in{"engine": "valkey"},
			in{"engine": "redis"},
			Replace, false},
		{"an old Redis encrypted", "elasticache/replicationGroup:ReplicationGroup", in{"engineVersion": "6.2"},
			in{"engineVersion": "6.2", "transitEncryptionEnabled": true}, Replace, false},
		{"a new Redis encrypted", "elasticache/replicationGroup:ReplicationGroup", in{"engineVersion": "7.1"},
			in{"engineVersion": "7.1", "transitEncryptionEnabled": true}, Update, false},
		{"some Redis encrypted", "elasticache/replicationGroup:ReplicationGroup", in{"engineVersion": "7.0"},
			in{"engineVersion": "7.0", "transitEncryptionEnabled": true}, Update, true},
		{"a bigger memcached", "elasticache/cluster:Cluster", in{"engine": "memcached", "nodeType": "cache.t4g.micro"},
			in{"engine": "memcached", "nodeType": "cache.t4g.small"}, Replace, false},
		{"an older Kafka", "msk/cluster:Cluster", in{"kafkaVersion": "3.10.0"}, in{"kafkaVersion": "3.9.0"}, Replace,
			false},
		{"secrets encrypted", "eks/cluster:Cluster", in{}, in{"encryptionConfig": in{"resources": []any{"secrets"}}},
			Update, false},
		{"secrets no longer encrypted", "eks/cluster:Cluster",
			in{"encryptionConfig": in{"resources": []any{"secrets"}}},
			in{},
			Replace, false},
		{"encryption off", "opensearch/domain:Domain", in{"encryptAtRest": in{"enabled": true}},
			in{"encryptAtRest": in{"enabled": false}}, Replace, false},
		{"encryption on", "opensearch/domain:Domain", in{"encryptAtRest": in{"enabled": false}},
			in{"encryptAtRest": in{"enabled": true}}, Update, true},
		{"other providers of capacity", "ecs/service:Service",
			in{"capacityProviderStrategies": []any{in{"capacityProvider": "FARGATE"}}},
			in{"capacityProviderStrategies": []any{in{"capacityProvider": "FARGATE_SPOT"}}}, Replace, false},
		{"the same with a new deployment", "ecs/service:Service",
			in{"capacityProviderStrategies": []any{in{"capacityProvider": "FARGATE"}}, "forceNewDeployment": true},
			in{"capacityProviderStrategies": []any{in{"capacityProvider": "FARGATE_SPOT"}}, "forceNewDeployment": true},
			Update, false},
		{"a smaller parameter", "ssm/parameter:Parameter", in{"tier": "Advanced"}, in{"tier": "Standard"}, Replace,
			false},
		{"storage of Aurora", "rds/cluster:Cluster", in{"engine": "aurora-mysql"}, in{"engine": "aurora-mysql",
			"storageType": "aurora-iopt1"},
			Update, false},
		{"storage of MySQL", "rds/cluster:Cluster", in{"engine": "mysql", "storageType": "io1"}, in{"engine": "mysql",
			"storageType": "io2"},
			Replace, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) { b.Add(c.token, "x", c.old) },
				func(b *graphtest.Builder) {
					b.Get(c.token, "x").Inputs = graphtest.New(t).Add(c.token, "x", c.now).Inputs
				})
			changes := between(base, head).Environments[0].Changes
			if len(changes) != 1 || changes[0].Action != c.want || changes[0].Unsure != c.unsure {
				t.Errorf("got %+v, want %s, unsure %t", changes, c.want, c.unsure)
			}
		})
	}
}

// TestGoesFirst: what goes before its successor is made leaves a gap.
func TestGoesFirst(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, now in
		first    bool
	}{
		{"the program's name", in{"name": "a", "port": 80}, in{"name": "a", "port": 81}, true},
		{"another name", in{"name": "a", "port": 80}, in{"name": "b", "port": 81}, false},
		{"the provider's name", in{"port": 80}, in{"port": 81}, false},
	} {
		base, head := two(t, func(b *graphtest.Builder) { b.Add("lb/targetGroup:TargetGroup", "x", c.old) },
			func(b *graphtest.Builder) {
				b.Get("lb/targetGroup:TargetGroup", "x").Inputs = graphtest.New(t).Add("lb/targetGroup:TargetGroup",
					"x",
					c.now).Inputs
			})
		changes := between(base, head).Environments[0].Changes
		if len(changes) != 1 || changes[0].Action != Replace || changes[0].First != c.first {
			t.Errorf("%s: got %+v", c.name, changes)
		}
	}
}
