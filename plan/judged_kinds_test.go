package plan

import (
	"testing"

	"dossier.example/plan/graph"
)

// TestJudgedKinds: what a change means, and that its harmless counterpart means nothing.
func TestJudgedKinds(t *testing.T) {
	const (
		function, task = "lambda/function:Function", "ecs/taskDefinition:TaskDefinition"
		cipher, lock   = "s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			"s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2"
		blocked, owned = "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			"s3/bucketOwnershipControls:BucketOwnershipControls"
		settings, table, stream = "apigateway/methodSettings:MethodSettings", "dynamodb/table:Table",
			"kinesis/stream:Stream"
		own     = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/"
		foreign = "999999999999.dkr.ecr.eu-central-1.amazonaws.com/"
	)
	by := func(algorithm, key string) in {
		return in{"rules": several(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": algorithm,
			"kmsMasterKeyId": key}})}
	}
	locked := func(mode, unit string, n int) in {
		return in{"rule": in{"defaultRetention": in{"mode": mode, unit: n}}}
	}
	limit := func(n int) in { return in{"settings": in{"throttlingRateLimit": n}} }
	containers := func(images ...string) in {
		text := ""
		for i, image := range images {
			text += `,{"name":"` + string(rune('a'+i)) + `","image":"` + image + `"}`
		}
		return in{"family": "f", "containerDefinitions": "[" + text[1:] + "]"}
	}
	all := in{"bucket": "b", "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true,
		"restrictPublicBuckets": true}
	index := several(in{"name": "i", "hashKey": "b", "projectionType": "ALL", "readCapacity": 5})
	for _, c := range []struct {
		name, kind string
		was, is    in
		want       [][2]string
	}{
		{"a foreign image", function, in{"imageUri": own + "a:1"}, in{"imageUri": foreign + "a:1"},
			[][2]string{{exposes, "another repository"}, {exposes, "999999999999"}}},
		{"a new function of a foreign image", function, nil, in{"imageUri": foreign + "a:1"},
			[][2]string{{exposes, "999999999999"}}},
		{"a new task of which one image is foreign", task, nil, containers(own+"a:1", foreign+"b:1"),
			[][2]string{{exposes, "999999999999"}}},
		{"a new task with images of AWS's own", task, nil, containers(
			"602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/coredns:1",
			"763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-inference:2"), nil},
		{"another version", function, in{"imageUri": own + "a:1"}, in{"imageUri": own + "a:2"}, nil},
		{"code of another bucket", function, in{"s3Bucket": "a"}, in{"s3Bucket": "b"},
			[][2]string{{exposes, "another bucket"}}},
		{"a container from elsewhere", task, containers(own + "a:1"), containers(own+"a:1", "evil.example/b:1"),
			[][2]string{{exposes, "container `b` (from `evil.example`) is new"}}},
		{"a container from Docker Hub", task, containers(own + "a:1"), containers(own+"a:1", "envoy/envoy:1"),
			[][2]string{{exposes, "(from `docker.io`)"}}},
		{"a container from the same", task, containers(own + "a:1"), containers(own+"a:1", own+"b:1"), nil},
		{"a new task", task, nil, containers(own+"a:1", "evil.example/b:1"), nil},
		{"a new task with all rights", task, nil, in{"containerDefinitions": `[{"name":"a","privileged":true}]`},
			[][2]string{{weakens, "with all rights on its host"}}},

		{"S3's own key", cipher, by("aws:kms", "k"), by("AES256", ""), [][2]string{{weakens, "by S3's own key"}}},
		{"a key", cipher, by("AES256", ""), by("aws:kms", "k"), [][2]string{{stops, "needs rights for their key"}}},
		{"another key", cipher, by("aws:kms", "k"), by("aws:kms", "l"), [][2]string{{weakens, "by another key"},
			{stops, "needs rights"}}},
		{"unlocked", lock, locked("COMPLIANCE", "days", 30), in{}, [][2]string{{weakens, "only where they say so"}}},
		{"locked for what nobody knows", lock, locked("COMPLIANCE", "days", 30), in{"rule": in{"defaultRetention": in{
			"mode": "COMPLIANCE", "days": graph.Unknown}}}, [][2]string{{notJudged, "only a deployment knows"}}},
		{"a key where none was", "sns/topic:Topic", in{"kmsMasterKeyId": ""}, in{"kmsMasterKeyId": "k"}, nil},
		{"locked for less", lock, locked("COMPLIANCE", "years", 1), locked("COMPLIANCE", "days", 30),
			[][2]string{{weakens, "30 days instead of 365"}}},
		{"locked for more", lock, locked("COMPLIANCE", "years", 1), locked("COMPLIANCE", "days", 400), nil},
		{"locked less firmly", lock, locked("COMPLIANCE", "days", 30), locked("GOVERNANCE", "days", 60),
			[][2]string{{weakens, "in spite of their lock"}}},
		{"a bucket that may be opened", blocked, nil, in{"bucket": "b"}, [][2]string{{exposes,
			"opened to everyone (`blockPublicAcls`, `blockPublicPolicy`, `ignorePublicAcls`, `restrict"}}},
		{"a bucket that may not", blocked, nil, all, nil},
		{"ACLs", owned, nil, in{"bucket": "b", "rule": in{"objectOwnership": "ObjectWriter"}},
			[][2]string{{weakens, "ACLs count"}}},
		{"no ACLs", owned, nil, in{"bucket": "b", "rule": in{"objectOwnership": "BucketOwnerEnforced"}}, nil},

		{"more is allowed with a key", "kms/grant:Grant", in{"keyId": "k", "operations": []string{"Encrypt"}},
			in{"keyId": "k", "operations": []string{"Encrypt", "Decrypt"}},
			[][2]string{{moreRights, "`Decrypt` is allowed"}}},
		{"names are not signed", "route53/hostedZoneDnsSec:HostedZoneDnsSec", in{"signingStatus": "SIGNING"},
			in{"signingStatus": "NOT_SIGNING"}, [][2]string{{stops, "no longer signed"}}},
		{"names are signed", "route53/hostedZoneDnsSec:HostedZoneDnsSec", in{"signingStatus": "NOT_SIGNING"},
			in{"signingStatus": "SIGNING"}, nil},
		{"DocumentDB without TLS", "docdb/clusterParameterGroup:ClusterParameterGroup",
			in{"parameters": several(in{"name": "tls", "value": "enabled"})},
			in{"parameters": several(in{"name": "tls", "value": "disabled"})},
			[][2]string{{weakens, "need no encryption"}, {stops, "`tls` (enabled → disabled)"}}},
		{"a snapshot goes", "rds/clusterSnapshot:ClusterSnapshot", in{"dbClusterIdentifier": "a"}, nil,
			[][2]string{{"data deleted", "the snapshot"}}},

		{"no limit", settings, limit(10), limit(-1), [][2]string{{weakens, "without end instead of 10"}}},
		{"a limit", settings, limit(-1), limit(10),
			[][2]string{{shrinks, "10 requests a second instead of without end"}}},
		{"a table that scales by itself", table, in{"hashKey": "a", "billingMode": "PROVISIONED", "readCapacity": 5,
			"globalSecondaryIndexes": index}, in{"hashKey": "a", "billingMode": "PAY_PER_REQUEST",
			"globalSecondaryIndexes": several(in{"name": "i", "hashKey": "b", "projectionType": "ALL"})}, nil},
		{"a stream that scales by itself", stream, in{"shardCount": 2},
			in{"streamModeDetails": in{"streamMode": "ON_DEMAND"}}, nil},
		{"a stream that no longer does", stream, in{"streamModeDetails": in{"streamMode": "ON_DEMAND"}},
			in{"shardCount": 2}, [][2]string{{shrinks, "no longer follows the load"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tells(t, between(became(t, c.kind, c.was, c.is)).Environments[0].Dangers, c.want)
		})
	}
}
