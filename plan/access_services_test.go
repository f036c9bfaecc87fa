package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestServices: a service of AWS acts for whoever a statement says, and for anyone where it says nothing
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
func TestServices(t *testing.T) {
	allow := func(service, action, condition string) string {
		if condition != "" {
			condition = `,"Condition":{` + condition + `}`
		}
		return statements(`{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"` + action +
			`","Resource":"*"` + condition + `}`)
	}
	equal := func(key, value string) string { return `"StringEquals":{"` + key + `":"` + value + `"}` }
	const (
		ours    = `"ArnLike":{"AWS:SourceArn":"arn:aws:cloudfront::123456789012:distribution/E1"}`
		theirs  = `"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:999999999999:t"}`
		anyones = "any account's"
	)
	account, foreign := equal("aws:SourceAccount", "123456789012"), equal("aws:SourceAccount", "999999999999")
	for _, c := range []struct {
		name, kind, service, action string
		was, is                     string // conditions; "none": there is no statement
		want                        string // part of what is opened; empty: nothing
	}{
		{"no distribution any longer", "s3/bucketPolicy:BucketPolicy", "cloudfront.amazonaws.com", "s3:GetObject",
			ours, "",
			anyones + " `cloudfront.amazonaws.com`** `s3:GetObject`"},
		{"no account any longer", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", account, "", anyones},
		{"another condition", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			`"Bool":{"aws:SecureTransport":"true"}`, anyones},
		{"all but an account", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			`"StringNotEquals":{"aws:SourceAccount":"999999999999"}`, anyones},
		{"every ARN", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			`"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:*"}`, anyones},
		{"every bucket of a name", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::prod-*"}`, anyones},
		{"every organization", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			`"StringLike":{"aws:SourceOrgID":"o-*"}`, anyones},
		{"the account of the caller", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			equal("aws:SourceAccount", "${aws:PrincipalAccount}"), anyones},
		{"every account", "sns/topic:Topic", "s3.amazonaws.com", "sns:Publish", account,
			`"StringLike":{"aws:SourceAccount":"*"}`, anyones},
		{"a key for every account's logs", "kms/key:Key", "logs.us-east-1.amazonaws.com", "kms:Decrypt",
			`"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:123456789012:*"}`, "", anyones},
		{"a key for every event", "kms/key:Key", "events.amazonaws.com", "kms:Decrypt", account, "", anyones},
		{"a new bucket's foreign account", "s3/bucketPolicy:BucketPolicy", "s3.amazonaws.com", "s3:PutObject", "none",
			foreign,
			"the foreign account `999999999999` by `s3.amazonaws.com`"},
		{"a foreign topic", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", account, theirs,
			"the foreign account `999999999999` by"},
		{"one foreign account more", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", account,
			`"StringEquals":{"aws:SourceAccount":["123456789012","999999999999"]}`,
			"the foreign account `999999999999`"},
		{"a new queue for every topic", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", "none", "", anyones},
		{"a new key for every bucket", "kms/keyPolicy:KeyPolicy", "s3.amazonaws.com", "kms:GenerateDataKey", "none",
			"", anyones},
		{"logs of every account", "s3/bucketPolicy:BucketPolicy", "delivery.logs.amazonaws.com", "s3:PutObject",
			account, "",
			anyones},

		{"the same", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", "", "", ""},
		{"held to the account", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", "", account, ""},
		{"a distribution of the stack's", "s3/bucketPolicy:BucketPolicy", "cloudfront.amazonaws.com", "s3:GetObject",
			"none",
			ours, ""},
		{"what is made with it", "s3/bucketPolicy:BucketPolicy", "cloudfront.amazonaws.com", "s3:GetObject", "none",
			`"StringEquals":{"aws:SourceArn":"{arn of Distribution d}"}`, ""},
		{"a bucket, which has no account", "sqs/queue:Queue", "s3.amazonaws.com", "sqs:SendMessage", "none",
			`"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::a"}`, ""},
		{"its organization", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", "none",
			equal("aws:SourceOrgID", "o-1"), ""},
		{"a foreign topic, for the account only", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", "none",
			theirs + "," + account, ""},
		{"where the service says it", "sqs/queue:Queue", "sns.amazonaws.com", "sqs:SendMessage", "none",
			`"StringEqualsIfExists":{"aws:SourceAccount":"123456789012"}`, ""},
		{"a key for the account's logs", "kms/key:Key", "logs.us-east-1.amazonaws.com", "kms:Decrypt", "none",
			`"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:123456789012:*"}`, ""},
		{"a key by its caller", "kms/key:Key", "s3.amazonaws.com", "kms:Decrypt", "none",
			equal("kms:CallerAccount", "123456789012"), ""},
		{"events for a topic, as documented", "sns/topic:Topic", "events.amazonaws.com", "sns:Publish", "none", "", ""},
		{"events for a key, as documented", "kms/key:Key", "events.amazonaws.com", "kms:Decrypt", "none", "", ""},
		{"a balancer's logs, as documented", "s3/bucketPolicy:BucketPolicy",
			"logdelivery.elasticloadbalancing.amazonaws.com",
			"s3:PutObject", "none", "", ""},
		{"logs, as documented", "s3/bucketPolicy:BucketPolicy", "delivery.logs.amazonaws.com", "s3:PutObject", "none",
			"", ""},
		{"logs of a bucket", "s3/bucketPolicy:BucketPolicy", "logging.s3.amazonaws.com", "s3:PutObject", "none", "",
			""},
		{"an ACL, for a trail", "s3/bucketPolicy:BucketPolicy", "cloudtrail.amazonaws.com", "s3:GetBucketAcl", "none",
			"", ""},
		{"what backups tell", "sns/topic:Topic", "backup.amazonaws.com", "SNS:Publish", "none", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			input := documents["aws:"+c.kind]
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add(c.kind, "x", in{"bucket": "a", "keyId": "k"})
				if c.was != "none" {
					b.Set(c.kind, "x", input, allow(c.service, c.action, c.was))
				}
			}, func(b *graphtest.Builder) { b.Set(c.kind, "x", input, allow(c.service, c.action, c.is)) })
			var want [][2]string
			if c.want != "" {
				want = [][2]string{{exposes, c.want}}
			}
			var got []Danger
			for _, d := range opened(base, head, nil) {
				if d.Kind == exposes { // what is no longer allowed is told beside it
					got = append(got, d)
				}
			}
			tells(t, got, want)
		})
	}

	// A trail writes for an account into the folder that has the account's number.
	folder := func(account string) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add("s3/bucketPolicy:BucketPolicy", "x", in{"bucket": "a", "policy": strings.Replace(allow(
				"cloudtrail.amazonaws.com", "s3:PutObject", ""), `"Resource":"*"`,
				`"Resource":"arn:aws:s3:::a/AWSLogs/`+account+`/*"`, 1)})
		}
	}
	base, head := two(t, func(*graphtest.Builder) {}, folder("123456789012"))
	tells(t, opened(base, head, nil), nil)
	base, head = two(t, func(*graphtest.Builder) {}, folder("999999999999"))
	tells(t, opened(base, head, nil), [][2]string{{exposes, anyones}})
}

// TestServicesOfRoles: a service takes a role of the account that gives it to the service, so a new one need not say
// for whom; one that did is told when it no longer does.
func TestServicesOfRoles(t *testing.T) {
	const kind = "iam/role:Role"
	trust := func(services, condition string) string {
		return statements(`{"Effect":"Allow","Principal":{"Service":` + services + `},"Action":"sts:AssumeRole"` +
			condition + `}`)
	}
	account := func(number string) string {
		return `,"Condition":{"StringEquals":{"aws:SourceAccount":"` + number + `"}}`
	}
	const ours, theirs, taken = "123456789012", "999999999999", "a foreign principal trusted"
	for _, c := range []struct {
		name, was, is string // empty: there is no role
		want          [][2]string
	}{
		{"no account any longer", trust(`"s3.amazonaws.com"`, account(ours)), trust(`"s3.amazonaws.com"`, ""),
			[][2]string{{taken, "any account's `s3.amazonaws.com`"}}},
		{"a foreign account", trust(`"s3.amazonaws.com"`, account(ours)), trust(`"s3.amazonaws.com"`, account(theirs)),
			[][2]string{{taken, "the foreign account `999999999999` by `s3.amazonaws.com`"},
				{stops, "no longer be taken"}}},
		{"a new role for a foreign account", "", trust(`"scheduler.amazonaws.com"`, account(theirs)),
			[][2]string{{taken, "the foreign account `999999999999`"}}},
		{"another service, without", trust(`"s3.amazonaws.com"`, account(ours)),
			trust(`["s3.amazonaws.com","scheduler.amazonaws.com"]`, account(ours)),
			[][2]string{{moreRights, "may now be taken by `scheduler.amazonaws.com` as well"}}},
		{"a new service that needs none", trust(`"ec2.amazonaws.com"`, ""),
			trust(`["ec2.amazonaws.com","ssm.amazonaws.com"]`, ""),
			[][2]string{{moreRights, "may now be taken by `ssm.amazonaws.com` as well"}}},
		{"the whole account", trust(`"ec2.amazonaws.com"`, ""), statements(`{"Effect":"Allow","Principal":{"Service":` +
			`"ec2.amazonaws.com","AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}`),
			[][2]string{{moreRights, "may now be taken by `arn:aws:iam::{account}:root` as well"}}},
		{"the account by another name", statements(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":` +
			`"sts:AssumeRole"}`), statements(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},` +
			`"Action":"sts:AssumeRole"}`), nil},
		{"a service in two statements", trust(`["ec2.amazonaws.com","ssm.amazonaws.com"]`, ""),
			statements(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`,
				`{"Effect":"Allow","Principal":{"Service":"ssm.amazonaws.com"},"Action":"sts:AssumeRole"}`), nil},
		{"held to the account", trust(`"s3.amazonaws.com"`, ""), trust(`"s3.amazonaws.com"`, account(ours)),
			[][2]string{{stops, "no longer be taken"}}},
		{"new roles", "", trust(`["ec2.amazonaws.com","lambda.amazonaws.com","ecs-tasks.amazonaws.com",`+
			`"monitoring.rds.amazonaws.com","application-autoscaling.amazonaws.com","states.amazonaws.com",`+
			`"scheduler.amazonaws.com","vpc-flow-logs.amazonaws.com","backup.amazonaws.com"]`, ""), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				if c.was != "" {
					b.Add(kind, "x", in{"assumeRolePolicy": c.was})
				}
			}, func(b *graphtest.Builder) {
				if c.was == "" {
					b.Add(kind, "x", in{})
				}
				b.Set(kind, "x", "assumeRolePolicy", c.is)
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

// TestCallers: whom a permission lets call a function.
func TestCallers(t *testing.T) {
	const kind = "lambda/permission:Permission"
	permission := func(principal string, more in) in {
		inputs := in{"function": "f", "action": "lambda:InvokeFunction", "principal": principal}
		for key, v := range more {
			inputs[key] = v
		}
		return inputs
	}
	const gateway = "apigateway.amazonaws.com"
	arn := func(account string) in { return in{"sourceArn": "arn:aws:execute-api:us-east-1:" + account + ":a/*"} }
	for _, c := range []struct {
		name    string
		was, is in // nil: there is none
		want    [][2]string
	}{
		{"a new one for anyone", nil, permission(gateway, nil),
			[][2]string{{exposes,
				"lets **any account's `apigateway.amazonaws.com`** use the function (`lambda:InvokeFunction`)"}}},
		{"a new one for a foreign topic", nil,
			permission("sns.amazonaws.com", in{"sourceArn": "arn:aws:sns:us-east-1:999999999999:t"}),
			[][2]string{{exposes, "the foreign account `999999999999` by `sns.amazonaws.com`"}}},
		{"a new one for a foreign bucket", nil, permission("s3.amazonaws.com",
			in{"sourceArn": "arn:aws:s3:::a", "sourceAccount": "999999999999"}), [][2]string{{exposes,
			"999999999999"}}},
		{"a new one for a foreign account", nil, permission("999999999999", nil), [][2]string{{exposes,
			"the foreign account"}}},
		{"another account", permission(gateway, arn("123456789012")), permission(gateway, arn("999999999999")),
			[][2]string{{exposes, "the foreign account `999999999999`"}}},
		{"another service", permission(gateway, arn("123456789012")), permission("sns.amazonaws.com", nil),
			[][2]string{{exposes, "whatever it does so for"}}},
		{"for everyone", nil, permission("*", nil), [][2]string{{exposes, "lets **everyone** use"}}},
		{"for an organization", nil, permission("*", in{"principalOrgId": "o-a"}),
			[][2]string{{exposes, "lets **the organization `o-a`** use"}}},
		{"for everyone, not an organization", permission("*", in{"principalOrgId": "o-a"}), permission("*", nil),
			[][2]string{{exposes, "lets **everyone** use"}}},

		{"a new one for an API", nil, permission(gateway, arn("123456789012")), nil},
		{"a new one for a bucket", nil, permission("s3.amazonaws.com", in{"sourceArn": "arn:aws:s3:::a"}), nil},
		{"a new one for what another stack has", nil, permission("sns.amazonaws.com", in{"sourceArn": in{}}), nil},
		{"a new one for a skill", nil, permission("alexa-appkit.amazon.com", in{"eventSourceToken": "t"}), nil},
		{"a new one for its account", nil, permission("123456789012", nil), nil},
		{"the same name for it", permission(gateway, nil), permission(gateway, in{"statementId": "s"}), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				if c.was != nil {
					b.Add(kind, "x", c.was)
				}
			}, func(b *graphtest.Builder) {
				if c.was != nil {
					b.Remove(kind, "x")
				}
				b.Add(kind, "x", c.is)
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}
