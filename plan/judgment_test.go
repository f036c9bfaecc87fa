package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

const (
	deny = `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::a/*",` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	read = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`
)

func statements(list ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

// TestKinds: a case for each kind of what a change deletes, exposes, stops, weakens or hides, and for its opposite,
// which is none. A want is the kind and a part of the sentence.
func TestKinds(t *testing.T) {
	const trust = `{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`
	set := func(kind, name, path string, value any) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Set("aws:"+kind, name, path, value) }
	}
	one := func(kind string, inputs in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Add(kind, "x", inputs) }
	}
	remove := func(kind string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Remove(kind, "x") }
	}
	role := func(list ...string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(trust)})
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": statements(list...)})
		}
	}
	bucket := func(kind string, inputs in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			inputs["bucket"] = b.Add("s3/bucketV2:BucketV2", "files", in{}).ID
			b.Add(kind, "x", inputs)
		}
	}
	for _, c := range []struct {
		name          string
		build, change func(b *graphtest.Builder)
		want          [][2]string
	}{
		// Access.
		{"a Deny of a role is taken out", role(read, strings.Replace(deny, `"Principal":"*",`, "", 1)),
			set("iam/rolePolicy:RolePolicy", "x", "policy", statements(read)),
			[][2]string{{"no longer denied", "is no longer denied `s3:*` on `arn:aws:s3:::a/*`"}}},
		{"a role may do everything", role(read), func(b *graphtest.Builder) {
			b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "y",
				in{"role": "role-app", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
		}, [][2]string{{"wide permission", "may do **everything** in the account (`*` on `*`)"}}},
		{"a role may write logs", role(read), func(b *graphtest.Builder) {
			b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "y", in{"role": "role-app",
				"policyArn": "arn:aws-cn:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"})
		}, nil},
		{"a role gets a policy that is not known", role(read), func(b *graphtest.Builder) {
			b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "y",
				in{"role": "role-app", "policyArn": "arn:aws:iam::aws:policy/Unheard"})
		}, [][2]string{{"wide permission", "all that a policy of another owner allows"}}},
		{"clients are no longer sent to HTTPS", one("lb/listener:Listener", in{"port": 80, "defaultActions": []any{
			map[string]any{"type": "redirect", "redirect": map[string]any{"protocol": "HTTPS"}}}}),
			set("lb/listener:Listener", "x", "defaultActions", []any{map[string]any{"type": "forward",
				"targetGroupArn": "tg"}}),
			[][2]string{{"interruption", "requests go elsewhere"}, {"protection off", "may pass in the clear"}}},
		{"a Deny of a role that another one covers", role(`{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}`,
			`{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::a/*"}`),
			set("iam/rolePolicy:RolePolicy", "x", "policy",
				statements(`{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}`)), nil},
		{"a Deny of a bucket is taken out",
			bucket("s3/bucketPolicy:BucketPolicy", in{"policy": statements(deny, read)}),
			set("s3/bucketPolicy:BucketPolicy", "x", "policy", statements(read)),
			[][2]string{{"no longer denied", "no longer denies **everyone** `s3:*`"}}},
		{"a name that is still taken", one("iam/role:Role", in{"name": "app", "assumeRolePolicy": statements(trust)}),
			func(b *graphtest.Builder) {
				b.Remove("iam/role:Role", "x")
				b.Add("iam/role:Role", "y", in{"name": "app", "assumeRolePolicy": statements(trust)})
			}, [][2]string{{"interruption", "`x` is deleted"},
				{"refused by AWS", "is created under the name `app`, which `Role x` still has: AWS refuses"}}},
		{"a topic that is found instead of made", one("sns/topic:Topic", in{"name": "alarms"}),
			func(b *graphtest.Builder) {
				b.Remove("sns/topic:Topic", "x")
				b.Add("sns/topic:Topic", "y", in{"name": "alarms"})
			}, [][2]string{{"less is watched", "`x` is deleted"}, {"interruption", "it is deleted at the end"}}},
		{"everyone instead of one, who needs no word of his own",
			bucket("s3/bucketPolicy:BucketPolicy", in{"policy": statements(`{"Effect":"Allow","Principal":{"Service":` +
				`"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`)}),
			set("s3/bucketPolicy:BucketPolicy", "x", "policy", statements(`{"Effect":"Allow","Principal":"*",`+
				`"Action":"s3:Get*","Resource":"arn:aws:s3:::a/*"}`)),
			[][2]string{{"access opened", "newly allows **everyone** `s3:Get*`"}}},
		{"a bucket's policy is deleted", bucket("s3/bucketPolicy:BucketPolicy", in{"policy": statements(deny)}),
			remove("s3/bucketPolicy:BucketPolicy"), [][2]string{{"no longer denied", "no longer denies **everyone**"}}},
		{"a right to widen one's own", role(read), set("iam/rolePolicy:RolePolicy", "x", "policy", statements(read,
			`{"Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"arn:aws:iam::123456789012:role/app"}`)),
			[][2]string{{"more rights", "gets rights to widen rights: `iam:PutRolePolicy`"}}},
		{"a right to hide", role(read), set("iam/rolePolicy:RolePolicy", "x", "policy", statements(read,
			`{"Effect":"Allow","Action":"cloudtrail:StopLogging","Resource":"*"}`)),
			[][2]string{{"more rights", "to hide what happens"}}},
		{"a right to read", role(read), set("iam/rolePolicy:RolePolicy", "x", "policy", statements(read,
			`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::a"}`)), nil},
		{"a right that is taken", role(read, `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::a"}`),
			set("iam/rolePolicy:RolePolicy", "x", "policy", statements(read)),
			[][2]string{{stops, "may no longer `s3:ListBucket`"}}},
		{"a foreign account is trusted", role(read), set("iam/role:Role", "app", "assumeRolePolicy", statements(trust,
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"sts:AssumeRole"}`)),
			[][2]string{{"a foreign principal trusted", "999999999999"}}},
		{"people of another identity provider are trusted", role(read), set("iam/role:Role", "app", "assumeRolePolicy",
			statements(trust, `{"Effect":"Allow","Principal":{"Federated":`+
				`"arn:aws:iam::123456789012:oidc-provider/id.example.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`)),
			[][2]string{{"a foreign principal trusted", "whoever signs in by"}}},
		{"another service of AWS is trusted", role(read),
			set("iam/role:Role", "app", "assumeRolePolicy", statements(trust,
				`{"Effect":"Allow","Principal":{"Service":"ssm.amazonaws.com"},"Action":"sts:AssumeRole"}`)),
			[][2]string{{moreRights, "may now be taken by `ssm.amazonaws.com` as well"}}},
		{"a queue is open to everyone from the start", func(*graphtest.Builder) {}, one("sqs/queue:Queue", in{
			"policy": statements(`{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}`)}),
			[][2]string{{exposes, "newly allows **everyone** `sqs:SendMessage`"}}},
		{"a cache, whose price nobody knows, is created", func(*graphtest.Builder) {},
			one("elasticache/cluster:Cluster", in{}), [][2]string{{notJudged, "is created"}}},
		{"everyone but one is trusted", role(read), set("iam/role:Role", "app", "assumeRolePolicy", statements(trust,
			`{"Effect":"Allow","NotPrincipal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}`)),
			[][2]string{{"a foreign principal trusted", "everyone but `999999999999`"}}},
		{"a condition of a trust is taken out", func(b *graphtest.Builder) {
			b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":` +
				`{"AWS":"999999999999"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"a"}}}`)})
		}, set("iam/role:Role", "app", "assumeRolePolicy", statements(
			`{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}`)),
			[][2]string{{"a foreign principal trusted", "999999999999"}}},
		{"a key for a foreign account", one("kms/key:Key", in{"policy": statements(read)}),
			set("kms/key:Key", "x", "policy", statements(read,
				`{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"kms:Decrypt","Resource":"*"}`)),
			[][2]string{{exposes, "foreign account"}}},
		{"a group of nothing known lets everyone in", one("ec2/securityGroup:SecurityGroup", in{}),
			func(b *graphtest.Builder) {
				b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "all",
					in{"securityGroupId": "securitygroup-x",
						"ipProtocol": "tcp", "fromPort": 6379, "toPort": 6379, "cidrIpv4": "0.0.0.0/0"})
			}, [][2]string{{exposes, "lets the whole internet in on tcp 6379"}}},
		{"a group of nothing known lets a network in", one("ec2/securityGroup:SecurityGroup", in{}),
			func(b *graphtest.Builder) {
				b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "all",
					in{"securityGroupId": "securitygroup-x",
						"ipProtocol": "tcp", "fromPort": 6379, "toPort": 6379, "cidrIpv4": "10.0.0.0/8"})
			}, nil},
		{"a boundary is taken away", one("iam/role:Role", in{"assumeRolePolicy": statements(trust),
			"permissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess"}),
			set("iam/role:Role", "x", "permissionsBoundary", nil), [][2]string{{weakens, "nothing bounds any longer"}}},

		// Deleted, now or later.
		{"logs are kept for a day", one("cloudwatch/logGroup:LogGroup", in{"retentionInDays": 365}),
			set("cloudwatch/logGroup:LogGroup", "x", "retentionInDays", 1),
			[][2]string{{expires, "after 1 day instead of 365"}}},
		{"logs are no longer kept for ever", one("cloudwatch/logGroup:LogGroup", in{}),
			set("cloudwatch/logGroup:LogGroup", "x", "retentionInDays", 30),
			[][2]string{{expires, "after 30 days instead of without end"}}},
		{"logs are kept longer", one("cloudwatch/logGroup:LogGroup", in{"retentionInDays": 30}),
			set("cloudwatch/logGroup:LogGroup", "x", "retentionInDays", 0), nil},
		{"logs are renamed", one("cloudwatch/logGroup:LogGroup", in{"name": "a"}),
			set("cloudwatch/logGroup:LogGroup", "x", "name", "b"), [][2]string{{"data replaced", "its records"}}},
		{"a bucket's rule deletes objects", bucket("s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			in{"rules": []any{in{"id": "a", "status": "Enabled", "expiration": in{"days": 90}}}}),
			set("s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "x", "rules",
				[]any{in{"id": "a", "status": "Enabled", "expiration": in{"days": 7}}}),
			[][2]string{{expires, "deletes objects after 7 days instead of 90"}}},
		{"a rule for a bucket that is there", func(b *graphtest.Builder) {
			b.Add("s3/bucketV2:BucketV2", "files", in{})
		},
			one("s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", in{"bucket": "bucketv2-files",
				"rules": []any{in{"id": "a", "status": "Enabled",
					"noncurrentVersionExpiration": in{"noncurrentDays": 3}}}}),
			[][2]string{{expires, "replaced and deleted objects after 3 days"}}},
		{"a rule that is off", bucket("s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", in{}),
			set("s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "x", "rules",
				[]any{in{"id": "a", "status": "Disabled", "expiration": in{"days": 7}}}), nil},
		{"records with a time to live", one("dynamodb/table:Table", in{"hashKey": "a", "ttl": in{"enabled": false}}),
			set("dynamodb/table:Table", "x", "ttl.enabled", true), [][2]string{{expires, "when their time is over"}}},

		// Hidden.
		{"an alarm is deleted", one("cloudwatch/metricAlarm:MetricAlarm", in{}),
			remove("cloudwatch/metricAlarm:MetricAlarm"), [][2]string{{hides, "nobody is alarmed by it"}}},
		{"an alarm tells nobody", one("cloudwatch/metricAlarm:MetricAlarm", in{"alarmActions": []any{"a"}}),
			set("cloudwatch/metricAlarm:MetricAlarm", "x", "alarmActions", []any{}),
			[][2]string{{hides, "no longer tells everyone"}}},
		{"an alarm goes off later", one("cloudwatch/metricAlarm:MetricAlarm",
			in{"comparisonOperator": "LessThanThreshold", "threshold": 20}),
			set("cloudwatch/metricAlarm:MetricAlarm", "x", "threshold", 5),
			[][2]string{{hides, "at 5 instead of 20"}}},
		{"an alarm goes off earlier", one("cloudwatch/metricAlarm:MetricAlarm",
			in{"comparisonOperator": "GreaterThanThreshold", "threshold": 20}),
			set("cloudwatch/metricAlarm:MetricAlarm", "x", "threshold", 5), nil},
		{"a subscription is deleted", one("sns/topicSubscription:TopicSubscription", in{}),
			remove("sns/topicSubscription:TopicSubscription"),
			[][2]string{{hides, "its subscriber is no longer told"}}},
		{"a topic with its subscription", func(b *graphtest.Builder) {
			b.Add("sns/topicSubscription:TopicSubscription", "x", in{"topic": b.Add("sns/topic:Topic", "t", in{}).ID})
		}, func(b *graphtest.Builder) {
			b.Remove("sns/topicSubscription:TopicSubscription", "x").Remove("sns/topic:Topic", "t")
		}, [][2]string{{hides, "its subscribers are no longer told"}}},
		{"requests are no longer recorded", one("lb/loadBalancer:LoadBalancer", in{"accessLogs": in{"enabled": true}}),
			set("lb/loadBalancer:LoadBalancer", "x", "accessLogs.enabled", false),
			[][2]string{{hides, "requests are no longer recorded"}}},

		// Weakened.
		{"fewer instances", one("autoscaling/group:Group", in{"minSize": 3, "maxSize": 6}),
			set("autoscaling/group:Group", "x", "minSize", 1),
			[][2]string{{shrinks, "at least 1 instance instead of 3"}}},
		{"more instances", one("autoscaling/group:Group", in{"minSize": 1, "maxSize": 6}),
			set("autoscaling/group:Group", "x", "minSize", 3), nil},
		{"a smaller template", one("ec2/launchTemplate:LaunchTemplate", in{"instanceType": "t4g.large"}),
			set("ec2/launchTemplate:LaunchTemplate", "x", "instanceType", "t4g.small"),
			[][2]string{{shrinks, "a smaller size (t4g.large → t4g.small)"}}},
		{"a disk without encryption", one("ec2/launchTemplate:LaunchTemplate",
			in{"blockDeviceMappings": []any{in{"deviceName": "a", "ebs": in{"encrypted": true}}}}),
			set("ec2/launchTemplate:LaunchTemplate", "x", "blockDeviceMappings",
				[]any{in{"deviceName": "a", "ebs": in{"encrypted": false}}}),
			[][2]string{{weakens, "no longer encrypted"}}},
		{"a listener without encryption", one("lb/listener:Listener", in{"protocol": "HTTPS", "port": 443}),
			set("lb/listener:Listener", "x", "protocol", "HTTP"),
			[][2]string{{weakens, "connections are no longer encrypted"}}},
		{"public access is no longer blocked", bucket("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", in{}),
			remove("s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
			[][2]string{{exposes, "can be opened to everyone"}}},
		{"a bucket with all that is about it", bucket("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", in{}),
			func(b *graphtest.Builder) {
				b.Remove("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "x").Remove("s3/bucketV2:BucketV2",
					"files")
			}, [][2]string{{"data deleted", "its objects"}}},

		// Stopped.
		{"an instance is replaced", one("ec2/instance:Instance", in{"availabilityZone": "a"}),
			set("ec2/instance:Instance", "x", "availabilityZone", "b"),
			[][2]string{{stops, "its own disk goes with it"}}},
		{"a target group is replaced", one("lb/targetGroup:TargetGroup", in{"port": 80}),
			set("lb/targetGroup:TargetGroup", "x", "port", 81), [][2]string{{stops, "no healthy target until"}}},
		{"requests go elsewhere", one("lb/listener:Listener", in{"defaultActions": []any{in{"targetGroupArn": "a"}}}),
			set("lb/listener:Listener", "x", "defaultActions", []any{in{"targetGroupArn": "b"}}),
			[][2]string{{stops, "no target may be healthy yet"}}},

		// Refused.
		{"a database shrinks", one("rds/instance:Instance", in{"allocatedStorage": 100}),
			set("rds/instance:Instance", "x", "allocatedStorage", 50),
			[][2]string{{refused, "RDS does not shrink storage: 50 GB instead of 100"}}},
		{"a volume shrinks", one("ebs/volume:Volume", in{"size": 100}), set("ebs/volume:Volume", "x", "size", 99),
			[][2]string{{refused, "EC2 does not shrink a volume"}}},
		{"a volume grows", one("ebs/volume:Volume", in{"size": 100}), set("ebs/volume:Volume", "x", "size", 101), nil},
		{"an earlier minor version", one("rds/instance:Instance", in{"engine": "mysql", "engineVersion": "8.4.7"}),
			set("rds/instance:Instance", "x", "engineVersion", "8.4.6"),
			[][2]string{{refused, "earlier version"}}},
		{"a less exact version", one("rds/cluster:Cluster", in{"engineVersion": "16.3"}),
			set("rds/cluster:Cluster", "x", "engineVersion", "16"), nil},

		// Not known.
		{"a type that nothing judges is created", func(*graphtest.Builder) {},
			one("gamelift/fleet:Fleet", in{"fleetType": "SPOT"}), [][2]string{{notJudged, "is created"}}},
		{"a type that nothing judges is deleted", one("gamelift/fleet:Fleet", in{}), remove("gamelift/fleet:Fleet"),
			[][2]string{{notJudged, "is deleted"}}},
		{"a cluster is deleted", one("eks/cluster:Cluster", in{}), remove("eks/cluster:Cluster"),
			[][2]string{{stops, "everything that runs in it stops"}}},
		{"an input that nothing judges", one("lb/loadBalancer:LoadBalancer", in{"clientKeepAlive": 1}),
			set("lb/loadBalancer:LoadBalancer", "x", "clientKeepAlive", 2),
			[][2]string{{notJudged, "what changes in `clientKeepAlive`"}}},
		{"a text for people", one("lb/loadBalancer:LoadBalancer", in{"tags": in{"a": "b"}}),
			set("lb/loadBalancer:LoadBalancer", "x", "tags.a", "c"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			p := between(base, head)
			got := p.Environments[0].Dangers
			ok := len(got) == len(c.want)
			for i := range min(len(got), len(c.want)) {
				ok = ok && got[i].Kind == c.want[i][0] && strings.Contains(got[i].What, c.want[i][1])
			}
			if !ok {
				t.Errorf("got %+v\nwant %q", got, c.want)
			}
			if quiet := strings.Contains(p.Markdown(), "nothing found of data deleted"); quiet != (len(c.want) == 0) {
				t.Errorf("the title says that nothing was found: %t", quiet)
			}
		})
	}
}

// TestNotJudged: what nothing judges is counted in the title, and a resource that is made of it shown as it is.
func TestNotJudged(t *testing.T) {
	base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
		b.Add("elasticache/user:User", "a", in{"accessString": "on ~* +@all"})
		b.Add("gamelift/fleet:Fleet", "b", in{})
	})
	text := between(base, head).Markdown()
	for _, want := range []string{"## Plan: ❓ 2 changes that nothing here judges",
		"`accessString`: `on ~* +@all` added"} {
		if !strings.Contains(text, want) {
			t.Errorf("the comment lacks %q:\n%s", want, text)
		}
	}
}

// TestIgnored: nothing that the program says to ignore is charged, told as a danger or taken for a rule, and that the
// wish is lost is said; a replacement takes it.
func TestIgnored(t *testing.T) {
	build := func(b *graphtest.Builder) {
		b.Add("rds/instance:Instance", "db",
			in{"engine": "mysql", "instanceClass": "db.t4g.medium", "allocatedStorage": 100,
				"storageType": "gp3", "publiclyAccessible": false, "storageEncrypted": false,
				"tags": in{"a": "1", "b": "1"}}).Options.IgnoreChanges = []string{"instanceClass", "allocatedStorage",
			"publiclyAccessible", `tags["a"]`}
	}
	change := func(b *graphtest.Builder) {
		const db = "aws:rds/instance:Instance"
		b.Set(db, "db", "instanceClass", "db.t4g.micro").Set(db, "db", "allocatedStorage", 20).
			Set(db, "db", "publiclyAccessible", true).Set(db, "db", "tags.a", "2")
	}
	base, head := two(t, build, change)
	e := between(base, head).Environments[0]
	if len(e.Changes) != 0 || len(e.Dangers) != 0 || e.Cost.Before != e.Cost.After {
		t.Errorf("what is ignored is told as a change: %+v, %+v, $%g → $%g", e.Changes, e.Dangers, e.Cost.Before,
			e.Cost.After)
	}
	if len(e.Ignored) != 1 || len(e.Ignored[0].Properties) != 4 {
		t.Errorf("the wishes that are lost: %+v", e.Ignored)
	}
	if text := between(base, head).Markdown(); !strings.Contains(text, "AWS keeps what it has") ||
		!strings.Contains(text, "`allocatedStorage`: `100` → `20`") {
		t.Errorf("the comment does not say what is ignored:\n%s", text)
	}
	base, head = two(t, build, func(b *graphtest.Builder) {
		change(b)
		b.Set("aws:rds/instance:Instance", "db", "tags.b", "2")
	})
	if e = between(base, head).Environments[0]; len(e.Changes) != 1 || len(e.Changes[0].Properties) != 1 {
		t.Errorf("a tag beside one that is ignored: %+v", e.Changes)
	}
	base, head = two(t, build, func(b *graphtest.Builder) {
		change(b)
		b.Set("aws:rds/instance:Instance", "db", "storageEncrypted", true)
	})
	e = between(base, head).Environments[0]
	if len(e.Ignored) != 0 || e.Cost.After >= e.Cost.Before ||
		!slices.ContainsFunc(e.Dangers, func(d Danger) bool { return d.Kind == exposes }) {
		t.Errorf("a replacement takes what an update ignores: ignored %+v, $%g → $%g, %+v", e.Ignored, e.Cost.Before,
			e.Cost.After, e.Dangers)
	}
}

// TestOptions: an option that lets go of something is told, although AWS is asked for nothing.
func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after graph.Options
		kind, what    string
	}{
		{"protect", graph.Options{Protect: true}, graph.Options{}, weakens, "Pulumi no longer refuses"},
		{"protect on", graph.Options{}, graph.Options{Protect: true}, "", ""},
		{"retainOnDelete", graph.Options{RetainOnDelete: true}, graph.Options{}, weakens, "AWS no longer keeps it"},
		{"deleteBeforeReplace", graph.Options{}, graph.Options{DeleteBeforeReplace: true}, "options",
			"before there is a"},
		{"replaceOnChanges", graph.Options{}, graph.Options{ReplaceOnChanges: []string{"tags"}}, "options",
			"a change of `tags` replaces it"},
		{"ignoreChanges", graph.Options{IgnoreChanges: []string{"tags"}}, graph.Options{}, "options", "set by hand"},
		{"a provider's version", graph.Options{Version: "6.83.2"}, graph.Options{Version: "7.0.0"}, notJudged,
			"6.83.2` → `7.0.0"},
		{"another provider", graph.Options{}, graph.Options{
			Provider: "urn:pulumi:test::test::pulumi:providers:aws::other::id"}, "everything replaced", "other region"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("pulumi:providers:aws", "other", in{"region": "eu-west-1"}).URN =
					"urn:pulumi:test::test::pulumi:providers:aws::other"
				b.Add("ssm/parameter:Parameter", "x", in{"value": "a"}).Options = c.before
			}, func(b *graphtest.Builder) { b.Get("ssm/parameter:Parameter", "x").Options = c.after })
			p := between(base, head)
			e := p.Environments[0]
			if len(e.Changes) != 0 || (len(e.Options) != 1) != (c.before.Version != "") {
				t.Errorf("changes %+v, options %+v", e.Changes, e.Options)
			}
			switch {
			case c.kind == "" && len(e.Dangers) == 0:
			case len(e.Dangers) != 1 || e.Dangers[0].Kind != c.kind || !strings.Contains(e.Dangers[0].What, c.what):
				t.Errorf("got %+v, want %q: %q", e.Dangers, c.kind, c.what)
			}
		})
	}
	// What was kept in AWS stays there.
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("dynamodb/table:Table", "x", in{"hashKey": "a"}).Options.RetainOnDelete = true
	}, func(b *graphtest.Builder) { b.Set("aws:dynamodb/table:Table", "x", "hashKey", "b") })
	if got := between(base, head).Environments[0].Dangers; len(got) != 1 || got[0].Kind != "data left behind" {
		t.Errorf("a table that is replaced and kept: %+v", got)
	}
}

// TestRegion: another region replaces everything, and prices are of one.
func TestRegion(t *testing.T) {
	base, head := two(t, func(b *graphtest.Builder) { b.Add("ec2/natGateway:NatGateway", "x", in{}) },
		func(*graphtest.Builder) {})
	at := func(g *graph.Graph, region string) Revision {
		return Revision{Stacks: map[string]Stack{"e": {Project: "p", Graph: g, Config: map[string]string{
			"aws:region": region}}}}
	}
	p := Make(at(base, "us-east-1"), at(head, "eu-central-1"))
	got := p.Environments[0].Dangers
	if len(got) != 1 || got[0].Kind != "everything replaced" {
		t.Errorf("another region: %+v", got)
	}
	cost := p.Environments[0].Cost
	if !cost.NoPrices || !cost.Incomparable || cost.Difference != 0 || cost.After != 0 {
		t.Errorf("what has a price in the old region only is compared: %+v", cost)
	}
	if text := p.Markdown(); !strings.Contains(text, "**not known**, as there are no prices of `eu-central-1`") {
		t.Errorf("the comment does not say that there are no prices:\n%s", text)
	}
	if text := Make(at(base, "us-east-1"), at(head, "us-east-1")).Markdown(); strings.Contains(text, "no prices of") {
		t.Errorf("the stack is where the prices are:\n%s", text)
	}
	if text := Make(at(base, ""), at(head, "")).Markdown(); !strings.Contains(text, "sets no region") {
		t.Errorf("the comment does not say that the stack has no region:\n%s", text)
	}
}

// TestIncomparable: a price that one side lacks makes no difference with the wrong sign.
func TestIncomparable(t *testing.T) {
	for _, c := range []struct {
		class string
		want  string
	}{
		{"db.r7g.large", "**not comparable**"}, {"db.t4g.large", "(**+46.72**)"},
	} {
		base, head := two(t, func(b *graphtest.Builder) {
			b.Add("rds/instance:Instance", "x", in{"engine": "mysql", "instanceClass": "db.t4g.medium",
				"allocatedStorage": 20, "storageType": "gp3"})
		}, func(b *graphtest.Builder) { b.Set("aws:rds/instance:Instance", "x", "instanceClass", c.class) })
		line := ""
		for l := range strings.Lines(between(base, head).Markdown()) {
			if strings.HasPrefix(l, "| A month, idle") {
				line = l
			}
		}
		if !strings.Contains(line, c.want) {
			t.Errorf("to %s: got %q, want %q in it", c.class, line, c.want)
		}
	}
}
