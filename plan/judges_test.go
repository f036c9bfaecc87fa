package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestStrange: changes of kinds that other repositories make, each with all that is said of it; what is empty is said
// to be nothing.
func TestStrange(t *testing.T) {
	const (
		trust = `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`
	)
	list := func(entries ...in) []any {
		all := []any{}
		for _, e := range entries {
			all = append(all, e)
		}
		return all
	}
	acl := func(no int, action, protocol string, from, to int, block string) in {
		return in{"ruleNo": no, "action": action, "protocol": protocol, "fromPort": from, "toPort": to,
			"cidrBlock": block}
	}
	block, count := in{"block": in{}}, in{"count": in{}}
	limit := func(n int, action in) in {
		return in{"name": "rate", "priority": 2, "action": action,
			"statement": in{"rateBasedStatement": in{"limit": n}}}
	}
	common := in{"name": "common", "priority": 1, "overrideAction": in{"none": in{}},
		"statement": in{"managedRuleGroupStatement": in{"name": "Common"}}}
	containerOf := func(rest string) string { return `[{"name":"web","image":"a.example/web:1"` + rest + `}]` }
	role := func(statement string) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(trust)})
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": statements(statement)})
		}
	}
	for _, c := range []struct {
		name, kind string
		was, is    in
		want       [][2]string
	}{
		{"set aside at once", "sqs/queue:Queue", in{"redrivePolicy": `{"deadLetterTargetArn":"a","maxReceiveCount":5}`},
			in{"redrivePolicy": `{"deadLetterTargetArn":"a","maxReceiveCount":1}`},
			[][2]string{{weakens, "set aside after 1 attempt instead of 5"}}},
		{"set aside later", "sqs/queue:Queue", in{"redrivePolicy": `{"deadLetterTargetArn":"a","maxReceiveCount":1}`},
			in{"redrivePolicy": `{"deadLetterTargetArn":"a","maxReceiveCount":5}`}, nil},
		{"set aside elsewhere", "sqs/queue:Queue",
			in{"redrivePolicy": `{"deadLetterTargetArn":"a","maxReceiveCount":5}`},
			in{"redrivePolicy": `{"deadLetterTargetArn":"b","maxReceiveCount":5}`},
			[][2]string{{weakens, "set aside elsewhere"}}},
		{"an index less", "dynamodb/table:Table", in{"globalSecondaryIndexes": list(in{"name": "i", "hashKey": "a"})},
			in{},
			[][2]string{{stops, "queries by index `i` fail"}}},
		{"an index more", "dynamodb/table:Table", in{}, in{"globalSecondaryIndexes": list(in{"name": "i",
			"hashKey": "a"})},
			nil},
		{"another key of an index", "dynamodb/table:Table",
			in{"globalSecondaryIndexes": list(in{"name": "i", "hashKey": "a"})},
			in{"globalSecondaryIndexes": list(in{"name": "i", "hashKey": "b"})},
			[][2]string{{stops, "`i` until it is built anew"}}},
		{"no call at all", "lambda/function:Function", in{"reservedConcurrentExecutions": 5},
			in{"reservedConcurrentExecutions": 0}, [][2]string{{stops, "every call of it is refused (5 → 0)"}}},
		{"into a network", "lambda/function:Function", in{}, in{"vpcConfig": in{"subnetIds": []string{"s"}}},
			[][2]string{{stops, "it is in another network"}}},
		{"somebody else's code", "lambda/function:Function", in{},
			in{"layers": []string{"arn:aws:lambda:us-east-1:999999999999:layer:a:1"}},
			[][2]string{{exposes, "code of the foreign account `999999999999`"}}},
		{"its own code", "lambda/function:Function", in{},
			in{"layers": []string{"arn:aws:lambda:us-east-1:123456789012:layer:a:1"}}, nil},
		{"no throttling", "apigatewayv2/stage:Stage", in{"defaultRouteSettings": in{"throttlingRateLimit": 20}}, in{},
			[][2]string{{weakens, "lets through: without end instead of 20"}}},
		{"nothing but throttling", "apigatewayv2/stage:Stage",
			in{"defaultRouteSettings": in{"throttlingRateLimit": 20}},
			in{"defaultRouteSettings": in{"throttlingRateLimit": 0}}, [][2]string{{stops, "every request is refused"}}},
		{"an origin with a wildcard", "apigatewayv2/api:Api",
			in{"corsConfiguration": in{"allowOrigins": []string{"https://a"}}},
			in{"corsConfiguration": in{"allowOrigins": []string{"https://*"}}},
			[][2]string{{exposes, "pages of `https://*` may use it"}}},
		{"origins of a bucket", "s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2",
			in{"corsRules": list(in{"allowedOrigins": []string{"https://a"}})},
			in{"corsRules": list(in{"allowedOrigins": []string{"*"}})}, [][2]string{{exposes, "pages of every site"}}},
		{"another number", "cloudwatch/metricAlarm:MetricAlarm", in{"statistic": "Maximum"}, in{"statistic": "Minimum"},
			[][2]string{{hides, "another number of what it watches"}}},
		{"somebody else is told", "sns/topicSubscription:TopicSubscription", in{"endpoint": "a@a.example"},
			in{"endpoint": "b@b.example"}, [][2]string{{hides, "somebody else is told"}}},
		{"a rule that rests", "cloudwatch/eventRule:EventRule", in{}, in{"isEnabled": false},
			[][2]string{{hides, "no longer reach anyone"}}},
		{"unsigned", "cloudfront/originAccessControl:OriginAccessControl", in{"signingBehavior": "always"},
			in{"signingBehavior": "never"}, [][2]string{{stops, "not signed"}}},
		{"a path in the clear", "cloudfront/distribution:Distribution", in{},
			in{"orderedCacheBehaviors": list(in{"pathPattern": "/a", "viewerProtocolPolicy": "allow-all"})},
			[][2]string{{weakens, "for `/a` connections need no encryption"}}},
		{"other code", "cloudfront/distribution:Distribution", in{},
			in{"defaultCacheBehavior": in{"lambdaFunctionAssociations": list(in{"lambdaArn": "a"})}},
			[][2]string{{exposes, "other code sees"}}},
		{"writing", "cloudfront/distribution:Distribution",
			in{"defaultCacheBehavior": in{"allowedMethods": []string{"GET"}}},
			in{"defaultCacheBehavior": in{"allowedMethods": []string{"GET", "PUT"}}},
			[][2]string{{exposes, "requests by `PUT` are passed on"}}},
		{"a name for a day", "route53/record:Record", in{"ttl": 60}, in{"ttl": 86400},
			[][2]string{{weakens, "86400 seconds instead of 60"}}},
		{"a name for a minute", "route53/record:Record", in{"ttl": 86400}, in{"ttl": 60}, nil},
		{"no share", "route53/record:Record", in{"weightedRoutingPolicies": list(in{"weight": 50})},
			in{"weightedRoutingPolicies": list(in{"weight": 0})}, [][2]string{{stops, "weight 50 → 0"}}},
		{"newer TLS", "lb/listener:Listener", in{"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
			in{"sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"}, [][2]string{{stops,
				"older versions of TLS are refused"}}},
		{"older TLS", "lb/listener:Listener", in{"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
			in{"sslPolicy": "ELBSecurityPolicy-2016-08"}, [][2]string{{weakens, "clients may use older versions"}}},
		{"a TLS policy that nobody knows", "lb/listener:Listener",
			in{"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
			in{"sslPolicy": "Mine"}, [][2]string{{weakens, "other versions or ciphers"}}},
		{"from a TLS policy that nobody knows", "lb/listener:Listener", in{"sslPolicy": "Mine"},
			in{"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}, [][2]string{{weakens,
				"other versions or ciphers"}}},
		{"checked more often", "lb/targetGroup:TargetGroup", in{"healthCheck": in{"interval": 15}},
			in{"healthCheck": in{"interval": 5}}, nil},
		{"checked loosely", "lb/targetGroup:TargetGroup", in{"healthCheck": in{"path": "/healthz"}},
			in{"healthCheck": in{"path": "/", "matcher": "200-499", "unhealthyThreshold": 10}},
			[][2]string{{weakens, "by other answers (`healthCheck.matcher`); targets are checked at another path"}}},
		{"another order", "lb/listenerRule:ListenerRule", in{"priority": 1}, in{"priority": 9},
			[][2]string{{stops, "asked in another order"}}},
		{"a breaker that is off", "ecs/service:Service", in{"deploymentCircuitBreaker": in{"enable": true}},
			in{"deploymentCircuitBreaker": in{"enable": false}}, [][2]string{{weakens, "no longer stopped"}}},
		{"no task", "ecs/service:Service", in{"desiredCount": 2}, in{"desiredCount": 0},
			[][2]string{{shrinks, "0 tasks instead of 2"}, {stops, "none of its tasks runs"}}},
		{"as root", "ecs/taskDefinition:TaskDefinition", in{"containerDefinitions": containerOf("")},
			in{"containerDefinitions": containerOf(`,"user":"0:0"`)}, [][2]string{{weakens,
				"container `web` runs as root"}}},
		{"whatever is newest", "ecs/taskDefinition:TaskDefinition", in{"containerDefinitions": containerOf("")},
			in{"containerDefinitions": `[{"name":"web","image":"a.example/web"}]`},
			[][2]string{{weakens, "whatever image is called `latest`"}}},
		{"another registry", "ecs/taskDefinition:TaskDefinition", in{"containerDefinitions": containerOf("")},
			in{"containerDefinitions": `[{"name":"web","image":"b.example:5000/web@sha256:1"}]`},
			[][2]string{{exposes, "an image of another repository"}}},
		{"a secret in the clear", "ecs/taskDefinition:TaskDefinition",
			in{"containerDefinitions": containerOf(`,"secrets":[{"name":"KEY","valueFrom":"a"}]`)},
			in{"containerDefinitions": containerOf(`,"environment":[{"name":"KEY","value":"a"}]`)},
			[][2]string{{stops, "gets no secrets"}, {exposes, "stands in the clear in the task"}}},
		{"rotated once a year", "secretsmanager/secretRotation:SecretRotation",
			in{"rotationRules": in{"automaticallyAfterDays": 30}},
			in{"rotationRules": in{"automaticallyAfterDays": 365}},
			[][2]string{{weakens, "every 365 days instead of 30"}}},
		{"counted, not blocked", "wafv2/webAcl:WebAcl", in{"rules": list(common, limit(500, block))},
			in{"rules": list(common, limit(500, count))}, [][2]string{{weakens,
				"rule `rate` no longer keeps requests out"}}},
		{"a filter less", "wafv2/webAcl:WebAcl", in{"rules": list(common, limit(500, block))},
			in{"rules": list(limit(500, block))}, [][2]string{{weakens, "rule `common` is gone"}}},
		{"a filter more", "wafv2/webAcl:WebAcl", in{"rules": list(common)}, in{"rules": list(common, limit(500,
			block))},
			[][2]string{{stops, "rule `rate` may keep out"}}},
		{"a wider filter", "wafv2/webAcl:WebAcl", in{"rules": list(limit(500, block))}, in{"rules": list(limit(5000,
			block))},
			[][2]string{{weakens, "5000 requests instead of 500"}}},
		{"a wall that opens", "ec2/networkAcl:NetworkAcl",
			in{"ingress": list(acl(90, "deny", "tcp", 22, 22, "0.0.0.0/0"), acl(100, "allow", "-1", 0, 0,
				"10.0.0.0/8"))},
			in{"ingress": list(acl(100, "allow", "-1", 0, 0, "0.0.0.0/0"))},
			[][2]string{{weakens, "no longer keeps out tcp 22 of `0.0.0.0/0`"}, {exposes,
				"lets in everything of `0.0.0.0/0`"},
				{stops, "no longer lets in everything of `10.0.0.0/8`"}}},
		{"some connections", "ec2/flowLog:FlowLog", in{"trafficType": "ALL"}, in{"trafficType": "REJECT"},
			[][2]string{{hides, "only some connections"}}},
		{"hops", "ec2/instance:Instance", in{}, in{"metadataOptions": in{"httpPutResponseHopLimit": 2}},
			[][2]string{{weakens, "2 hops instead of 1"}}},
		{"a role", "ec2/instance:Instance", in{}, in{"iamInstanceProfile": "admin"},
			[][2]string{{weakens, "get another role"}}},
		{"public addresses", "ec2/subnet:Subnet", in{}, in{"mapPublicIpOnLaunch": true},
			[][2]string{{exposes, "get public addresses"}}},
		{"no names", "ec2/vpc:Vpc", in{}, in{"enableDnsSupport": false}, [][2]string{{stops,
			"names are no longer answered"}}},
		{"in the clear", "rds/parameterGroup:ParameterGroup",
			in{"parameters": list(in{"name": "require_secure_transport", "value": "1"})},
			in{"parameters": list(in{"name": "require_secure_transport", "value": "OFF"})},
			[][2]string{{weakens, "connections need no encryption"}, {stops, "`require_secure_transport` (1 → OFF)"}}},
		{"another authority", "rds/instance:Instance", in{"caCertIdentifier": "a"}, in{"caCertIdentifier": "b"},
			[][2]string{{stops, "certificate authority"}}},
		{"a boundary", "iam/role:Role", in{"assumeRolePolicy": statements(trust)},
			in{"assumeRolePolicy": statements(trust), "permissionsBoundary": "arn:a"},
			[][2]string{{stops, "that its boundary does not allow"}}},
		{"an endpoint that lets less through", "ec2/vpcEndpoint:VpcEndpoint", in{}, in{"policy": statements(
			`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`)},
			[][2]string{{stops, "no longer allows **everyone** `*` on `*`"}}},
		{"the same in other words", "sqs/queue:Queue",
			in{"policy": statements(`{"Effect":"Allow","Principal":{"Service":` +
				`"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":` +
				`{"aws:SourceArn":` +
				`"arn:a"},"StringLike":{"aws:SourceAccount":"1"}}}`)},
			in{"policy": statements(`{"Effect":"Allow","Principal":` +
				`{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnLike":` +
				`{"aws:SourceArn":"arn:a"},"StringEquals":{"aws:SourceAccount":"1"}}}`)}, nil},
		{"a condition with a wildcard", "sqs/queue:Queue",
			in{"policy": statements(`{"Effect":"Allow","Principal":"*",` +
				`"Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"a":"b"}}}`)},
			in{"policy": statements(`{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*",` +
				`"Condition":{"StringLike":{"a":"b*"}}}`)},
			[][2]string{{exposes, "newly allows"}}},
		{"less for everyone", "sqs/queue:Queue",
			in{"policy": statements(`{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}`)},
			in{"policy": statements(`{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}`)},
			[][2]string{{stops, "no longer allows **everyone** `sqs:*`"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) { b.Add(c.kind, "x", c.was) },
				func(b *graphtest.Builder) { b.Remove(c.kind, "x"); b.Add(c.kind, "x", c.is) })
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
	// What roles may do, where all but some is allowed.
	for _, c := range []struct {
		name, was, is string
		want          [][2]string
	}{
		{"all but some holds what was allowed", `{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*"}`,
			`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`,
			[][2]string{{"wide permission", "may `* but iam:*, sts:*` on `*`"}}},
		{"all but some lacks what was allowed", `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`,
			`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`,
			[][2]string{{"wide permission", "* but iam:*"}, {stops, "may no longer `iam:PassRole`"}}},
		{"a part of everything", `{"Effect":"Allow","Action":"*","Resource":"*"}`,
			`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, [][2]string{{stops, "may no longer `*` on `*`"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, role(c.was), func(b *graphtest.Builder) {
				b.Set("aws:iam/rolePolicy:RolePolicy", "x", "policy", statements(c.is))
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

// TestUnknownRoles: rights that are given to a role of somebody else's are told, though nothing says what it may.
func TestUnknownRoles(t *testing.T) {
	base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
		b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "x",
			in{"role": "theirs", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
	})
	tells(t, between(base, head).Environments[0].Dangers, [][2]string{{"more rights",
		"gives role `theirs`, which is not of the stack, the policy `arn:aws:iam::aws:policy/AdministratorAccess`"}})
}
