package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestNoStatement: a document without a statement allows and denies nothing, of each type that has one.
func TestNoStatement(t *testing.T) {
	const none = `{"Version":"2012-10-17","Statement":[]}`
	some := statements(`{"Effect":"Allow","Principal":"*","Action":"x:Read","Resource":"*"}`)
	for token := range documents {
		if token == endpointType {
			continue // it only narrows
		}
		t.Run(token, func(t *testing.T) {
			told := func(was, is string) []Danger {
				base, head := two(t, func(b *graphtest.Builder) { b.Add(token, "x", documentOf(token, was, "y")) },
					func(b *graphtest.Builder) { b.Set(token, "x", documents[token], is) })
				return opened(base, head, nil)
			}
			tells(t, told(some, none), [][2]string{{stops, "no longer allows **everyone** `x:Read`"}})
			tells(t, told(none, some), [][2]string{{exposes, "newly allows **everyone** `x:Read`"}})
			tells(t, told(none, `{"Statement":[]}`), nil)
			tells(t, told(none, `{"Statement":[`), [][2]string{{exposes, "not understood"}})
			tells(t, told(none, `{}`), [][2]string{{exposes, "not understood"}})
		})
	}
	// Neither does one of a role.
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("iam/role:Role", "app", in{"assumeRolePolicy": none})
		b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": none})
	}, func(b *graphtest.Builder) {
		b.Set("iam/rolePolicy:RolePolicy", "x", "policy",
			statements(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/b"}`))
	})
	tells(t, between(base, head).Environments[0].Dangers, nil)
	tells(t, between(head, base).Environments[0].Dangers, [][2]string{{stops, "may no longer `s3:GetObject`"}})
}

// TestNewDocuments: whom a new document of its own lets in is told once, and of one for the account nothing is.
func TestNewDocuments(t *testing.T) {
	of := func(who string) string {
		return statements(`{"Effect":"Allow","Principal":{"AWS":"` + who + `"},"Action":"x:Read","Resource":"*"}`)
	}
	types := []string{"aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "aws:ecr/registryPolicy:RegistryPolicy"}
	for token := range subjects {
		types = append(types, token)
	}
	for _, token := range types {
		t.Run(token, func(t *testing.T) {
			told := func(policy string) []Danger {
				base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
					b.Add(token, "x", documentOf(token, policy, "y"))
				})
				return between(base, head).Environments[0].Dangers
			}
			tells(t, told(of("*")), [][2]string{{exposes, "newly allows **everyone** `x:Read`"}})
			tells(t, told(of("arn:aws:iam::123456789012:role/a")), nil)
		})
	}
}

// TestHeldTo: everyone whom a condition holds to the account is not everyone, and one that holds to others names them.
func TestHeldTo(t *testing.T) {
	asks := func(operator, key, value string) string {
		return `,"Condition":{"` + operator + `":{"` + key + `":` + value + `}}`
	}
	for _, c := range []struct{ name, condition, who string }{
		{"the account", asks("StringEquals", "aws:PrincipalAccount", `"123456789012"`), ""},
		{"a topic of the account", asks("ArnEquals", "aws:SourceArn", `"arn:aws:sns:eu-central-1:123456789012:t"`), ""},
		{"a bucket", asks("ArnLike", "aws:SourceArn", `"arn:aws:s3:::b"`), ""},
		{"a role", asks("ArnEquals", "aws:PrincipalArn", `["arn:aws:iam::123456789012:role/a"]`), ""},
		{"by a service of the account", asks("StringEquals", "kms:CallerAccount", `"123456789012"`), ""},
		{"the organization", asks("StringEquals", "aws:PrincipalOrgID", `"o-a"`), "the organization `o-a`"},
		{"a part of it", asks("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", `"o-a/r-b/*"`),
			"the organization `o-a`"},
		{"a network", asks("StringEquals", "aws:SourceVpc", `"vpc-1"`), "whoever comes by `vpc-1`"},
		{"another account", asks("StringEquals", "aws:SourceAccount", `["123456789012","999999999999"]`),
			"the foreign account `999999999999`"},
		{"any account", asks("StringLike", "aws:PrincipalAccount", `"*"`), "everyone"},
		{"a role of any account", asks("ArnLike", "aws:PrincipalArn", `"arn:aws:iam::*:role/a"`), "everyone"},
		{"the caller's own account", asks("StringEquals", "aws:PrincipalAccount", `"${aws:PrincipalAccount}"`),
			"everyone"},
		{"the caller itself", asks("StringLike", "aws:PrincipalArn", `"${aws:PrincipalArn}"`), "everyone"},
		{"a role of the caller's account", asks("ArnLike", "aws:PrincipalArn",
			`"arn:aws:iam::${aws:PrincipalAccount}:role/a"`), "everyone"},
		{"the account of the resource", asks("StringEquals", "aws:PrincipalAccount", `"${aws:ResourceAccount}"`), ""},
		{"the organization of the resource", asks("StringEquals", "aws:PrincipalOrgID", `"${aws:ResourceOrgID}"`),
			"the organization `{organization}`"},
		{"a part of it", asks("StringEquals", "aws:PrincipalOrgPaths", `"${aws:ResourceOrgPaths}"`),
			"the organization `{organization}`"},
		{"the caller's own organization", asks("StringEquals", "aws:PrincipalOrgID", `"${aws:PrincipalOrgID}"`),
			"everyone"},
		{"the caller's own network", asks("StringEquals", "aws:SourceVpc", `"${aws:SourceVpc}"`), "everyone"},
		{"a role's own path", asks("ArnLike", "aws:PrincipalArn", `"arn:aws:iam::123456789012:role/${aws:username}"`),
			""},
		{"a role in a pattern over all", asks("StringLike", "aws:PrincipalArn", `"arn:aws:iam????????????????role/x"`),
			"everyone"},
		{"buckets of a name", asks("ArnLike", "aws:SourceArn", `"arn:aws:s3:::prod-*"`), "everyone"},
		{"buckets of a letter", asks("ArnLike", "aws:SourceArn", `"arn:aws:s3:::prod-?"`), "everyone"},
		{"zones of anybody", asks("ArnLike", "aws:SourceArn", `"arn:aws:route53:::hostedzone/*"`), "everyone"},
		{"what is in a bucket", asks("ArnLike", "aws:SourceArn", `"arn:aws:s3:::prod/*"`), ""},
		{"organizations", asks("StringLike", "aws:SourceOrgID", `"o-*"`), "everyone"},
		{"where it is told", asks("StringEqualsIfExists", "aws:PrincipalAccount", `"123456789012"`), "everyone"},
		{"all of none", asks("ForAllValues:StringEquals", "aws:PrincipalAccount", `"123456789012"`), "everyone"},
		{"all but one", asks("StringNotEquals", "aws:PrincipalAccount", `"999999999999"`), "everyone"},
		{"what a browser says", asks("StringLike", "aws:Referer", `"https://a.example/*"`), "everyone"},
		{"what whoever encrypts says", asks("StringEquals", "kms:EncryptionContext:a",
			`"arn:aws:s3:eu-central-1:123456789012:b"`), "everyone"},
	} {
		policy := statements(`{"Effect":"Allow","Principal":"*","Action":"x:Read","Resource":"*"` + c.condition + `}`)
		trust := statements(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"` + c.condition + `}`)
		base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
			b.Add("sqs/queuePolicy:QueuePolicy", "x", in{"queueUrl": "q", "policy": policy})
			b.Add("iam/role:Role", "r", in{"assumeRolePolicy": trust})
		})
		t.Run(c.name, func(t *testing.T) {
			var want [][2]string
			if c.who != "" {
				want = [][2]string{{exposes, "newly allows **" + c.who + "** `x:Read`"},
					{"a foreign principal trusted", "taken by **" + c.who + "**"}}
			}
			tells(t, between(base, head).Environments[0].Dangers, want)
		})
	}
}

// TestKeyPolicy: a key without a policy has AWS's own, by which the account's policies give rights to it: another one
// that leaves that out shuts the account out.
func TestKeyPolicy(t *testing.T) {
	root := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`
	only := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/a"},"Action":"kms:Encrypt",` +
		`"Resource":"*"}`
	shut := [][2]string{{stops, "no longer allows `arn:aws:iam::{account}:root` `kms:*`"}}
	build := func(b *graphtest.Builder) { b.Add("kms/key:Key", "k", in{}) }
	for _, c := range []struct {
		policy string
		want   [][2]string
	}{{statements(root), nil}, {statements(root, only), nil}, {statements(only), shut}} {
		base, head := two(t, build, func(b *graphtest.Builder) { b.Set("kms/key:Key", "k", "policy", c.policy) })
		tells(t, between(base, head).Environments[0].Dangers, c.want)
		base, head = two(t, build, func(b *graphtest.Builder) {
			b.Add("kms/keyPolicy:KeyPolicy", "p", in{"keyId": "key-k", "policy": c.policy})
		})
		tells(t, between(base, head).Environments[0].Dangers, c.want)
	}
	base, head := two(t, func(b *graphtest.Builder) {
		build(b)
		b.Add("kms/keyPolicy:KeyPolicy", "p", in{"keyId": "key-k", "policy": statements(root)})
	}, func(b *graphtest.Builder) { b.Remove("kms/keyPolicy:KeyPolicy", "p") })
	tells(t, between(base, head).Environments[0].Dangers, nil)
}
