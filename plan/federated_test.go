package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestFederated: whoever signs in by a provider is a stranger, whether the program makes the provider, names its ARN or
// a site, or gets it from elsewhere.
func TestFederated(t *testing.T) {
	const (
		trusted = "a foreign principal trusted"
		site    = "token.actions.githubusercontent.com"
		aud     = `"StringEquals":{"` + site + `:aud":"sts.amazonaws.com"}`
	)
	providers := map[string]func(b *graphtest.Builder) string{
		"of the program": func(b *graphtest.Builder) string {
			p := b.Add("iam/openIdConnectProvider:OpenIdConnectProvider", "gh", in{"url": "https://" + site})
			return p.Outputs["arn"].(string)
		},
		"SAML": func(b *graphtest.Builder) string {
			p := b.Add("iam/samlProvider:SamlProvider", "gh", in{"samlMetadataDocument": "x"})
			return p.Outputs["arn"].(string)
		},
		"an ARN": func(*graphtest.Builder) string { return "arn:aws:iam::123456789012:oidc-provider/" + site },
		"of another stack": func(*graphtest.Builder) string {
			return "{provider of StackReference}"
		},
	}
	sub := func(operator, value string) string {
		if operator == "StringEquals" {
			return `,"Condition":{` + strings.TrimSuffix(aud, "}") + `,"` + site + `:sub":"` + value + `"}}`
		}
		return `,"Condition":{` + aud + `,"` + operator + `":{"` + site + `:sub":"` + value + `"}}`
	}
	const onlyAud = `,"Condition":{` + aud + `}`
	narrow := sub("StringLike", "repo:example/dossier:*")
	for _, c := range []struct {
		name, was, is string // none: no role
		want          [][2]string
	}{
		{"every repository", narrow, sub("StringLike", "repo:*"), [][2]string{{trusted, "repo:*"}}},
		{"no subject", narrow, onlyAud, [][2]string{{trusted, "sts.amazonaws.com"}}},
		{"no condition", narrow, "", [][2]string{{trusted, "signs in by"}}},
		{"a subject only where there is one", narrow, sub("StringLikeIfExists", "repo:example/dossier:*"),
			[][2]string{{trusted, "IfExists"}}},
		{"every subject of none", narrow, sub("ForAllValues:StringLike", "repo:example/dossier:*"),
			[][2]string{{trusted, "ForAllValues"}}},
		{"a new role", "none", onlyAud, [][2]string{{trusted, "signs in by"}}},
		{"the same", narrow, narrow, nil},
		{"the same in another word", sub("StringEquals", "repo:example/dossier:ref:refs/heads/main"),
			sub("StringLike", "repo:example/dossier:ref:refs/heads/main"), nil},
		{"fewer", narrow, sub("StringEquals", "repo:example/dossier:ref:refs/heads/main"),
			[][2]string{{stops, "no longer be taken"}}},
	} {
		for kind, provider := range providers {
			t.Run(c.name+", "+kind, func(t *testing.T) {
				policy := func(arn, condition string) string {
					return statements(`{"Effect":"Allow","Principal":{"Federated":"` + arn +
						`"},"Action":"sts:AssumeRoleWithWebIdentity"` + condition + `}`)
				}
				var arn string
				base, head := two(t, func(b *graphtest.Builder) {
					arn = provider(b)
					if c.was != "none" {
						b.Add("iam/role:Role", "deploy", in{"assumeRolePolicy": policy(arn, c.was)})
					}
				}, func(b *graphtest.Builder) {
					if c.was == "none" {
						b.Add("iam/role:Role", "deploy", in{})
					}
					b.Set("iam/role:Role", "deploy", "assumeRolePolicy", policy(arn, c.is))
				})
				tells(t, between(base, head).Environments[0].Dangers, c.want)
			})
		}
	}
}

// TestUnbounded: a site at which everyone can sign in lets in anybody's people where nothing says whose.
func TestUnbounded(t *testing.T) {
	const cognito, google = "cognito-identity.amazonaws.com", "accounts.google.com"
	asks := func(operator, key, value string) string {
		return `,"Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}`
	}
	for _, c := range []struct {
		name, site, condition string
		want                  bool
	}{
		{"any pool", cognito, "", true},
		{"those who are signed in, of any pool", cognito, asks("ForAnyValue:StringLike", cognito+":amr",
			"authenticated"),
			true},
		{"one pool", cognito, asks("StringEquals", cognito+":aud", "us-east-1:1"), false},
		{"one pool, where one is told", cognito, asks("StringEqualsIfExists", cognito+":aud", "us-east-1:1"), true},
		{"all pools but one", cognito, asks("StringNotEquals", cognito+":aud", "us-east-1:1"), true},
		{"a pattern of every pool", cognito, asks("StringLike", cognito+":aud", "*"), true},
		{"any app", google, "", true},
		{"one app", google, asks("StringEquals", google+":aud", "1"), false},
		{"a key of another site", google, asks("StringEquals", cognito+":aud", "1"), true},
		{"every repository", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
			asks("StringLike", "token.actions.githubusercontent.com:sub", "repo:*"), true},
		{"those of one", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
			asks("StringLike", "token.actions.githubusercontent.com:sub", "repo:example/*"), false},
		{"a provider of one's own", "arn:aws:iam::123456789012:oidc-provider/login.example", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "r", in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":` +
					`{"Federated":"` + c.site + `"},"Action":"sts:AssumeRoleWithWebIdentity"` + c.condition + `}`)})
			})
			got := between(base, head).Environments[0].Dangers
			tells(t, got, [][2]string{{"a foreign principal trusted", "whoever signs in by"}})
			if len(got) > 0 && strings.Contains(got[0].What, "anybody's") != c.want {
				t.Errorf("anybody's is not %t: %s", c.want, got[0].What)
			}
		})
	}
}

// TestFederatedDocument: so it is with a document of a resource, and a provider of another issuer is another one.
func TestFederatedDocument(t *testing.T) {
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("iam/openIdConnectProvider:OpenIdConnectProvider", "gh", in{"url": "https://a.example"})
		b.Add("sqs/queue:Queue", "q", in{"policy": statements(read)})
	}, func(b *graphtest.Builder) {
		arn := b.Get("iam/openIdConnectProvider:OpenIdConnectProvider", "gh").Outputs["arn"].(string)
		b.Set("sqs/queue:Queue", "q", "policy", statements(read, `{"Effect":"Allow","Principal":{"Federated":"`+arn+
			`"},"Action":"sqs:SendMessage","Resource":"*"}`))
	})
	tells(t, between(base, head).Environments[0].Dangers,
		[][2]string{{exposes, "**whoever signs in by `{arn of OpenIdConnectProvider gh}`"}})

	base, head = two(t, func(b *graphtest.Builder) {
		b.Add("iam/openIdConnectProvider:OpenIdConnectProvider", "gh", in{"url": "https://a.example"})
	}, func(b *graphtest.Builder) {
		b.Set("iam/openIdConnectProvider:OpenIdConnectProvider", "gh", "url", "https://b.example")
	})
	tells(t, between(base, head).Environments[0].Dangers, [][2]string{{exposes, "another issuer"},
		{stops, "nobody signs in by it"}})
}

// TestFamiliar: a role for a service account of the cluster, or for a repository that another role lets in already,
// lets nobody new in.
func TestFamiliar(t *testing.T) {
	const (
		site, cluster = "token.actions.githubusercontent.com", "oidc.eks.eu-central-1.amazonaws.com/id/A"
		stranger      = "whoever signs in by"
	)
	foreign := [][2]string{{"a foreign principal trusted", stranger}}
	trust := func(site, operator, sub string) in {
		return in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":{"Federated":` +
			`"arn:aws:iam::123456789012:oidc-provider/` + site + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
			`"Condition":{"` + operator + `":{"` + site + `:sub":"` + sub + `"}}}`)}
	}
	for _, c := range []struct {
		name string
		role in
		want [][2]string
	}{
		{"the same repository", trust(site, "StringEquals", "repo:me/mine:environment:prod"), nil},
		{"the same branch", trust(site, "StringEquals", "repo:me/mine:ref:refs/heads/main"), nil},
		{"all of it", trust(site, "StringLike", "repo:me/mine:*"), foreign},
		{"whoever opens a pull request there", trust(site, "StringEquals", "repo:me/mine:pull_request"), foreign},
		{"all of its branches", trust(site, "StringLike", "repo:me/mine:ref:refs/heads/*"), foreign},
		{"a branch of one that all are let in of", trust(site, "StringEquals", "repo:me/wide:pull_request"), nil},
		{"another one", trust(site, "StringEquals", "repo:me/other:environment:prod"),
			[][2]string{{"a foreign principal trusted", stranger}}},
		{"all of its owner's", trust(site, "StringLike", "repo:me/*"),
			[][2]string{{"a foreign principal trusted", stranger}}},
		{"where it is told", trust(site, "StringEqualsIfExists", "repo:me/mine:environment:prod"),
			[][2]string{{"a foreign principal trusted", stranger}}},
		{"the same name elsewhere", trust("git.example", "StringEquals", "repo:me/mine:environment:prod"),
			[][2]string{{"a foreign principal trusted", stranger}}},
		{"a service account", trust(cluster, "StringEquals", "system:serviceaccount:app:web"), nil},
		{"a service account of anybody's cluster", trust("oidc.eks.eu-central-1.amazonaws.com/id/B", "StringEquals",
			"system:serviceaccount:app:web"), foreign},
		{"what another site calls a service account", trust("idp.example", "StringEquals",
			"system:serviceaccount:app:web"), foreign},
		{"what a repository's site calls one", trust(site, "StringEquals", "system:serviceaccount:app:web"), foreign},
		{"what a cluster calls otherwise", trust(cluster, "StringEquals", "x:environment:prod"), foreign},
		{"one that was denied", trust(site, "StringEquals", "repo:me/denied:environment:prod"), foreign},
		{"any service account", trust(cluster, "StringLike", "system:serviceaccount:*:*"),
			[][2]string{{"a foreign principal trusted", stranger}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "build", trust(site, "StringEquals", "repo:me/mine:ref:refs/heads/main"))
				b.Add("iam/role:Role", "wide", trust(site, "StringLike", "repo:me/wide:*"))
				b.Add("iam/role:Role", "denied", in{"assumeRolePolicy": strings.Replace(trust(site, "StringLike",
					"repo:me/denied:*")["assumeRolePolicy"].(string), "Allow", "Deny", 1)})
				b.Add("iam/role:Role", "dns", trust(cluster, "StringEquals", "system:serviceaccount:app:dns"))
			}, func(b *graphtest.Builder) { b.Add("iam/role:Role", "deploy", c.role) })
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
	// That a role itself lets in more of its repository is told.
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("iam/role:Role", "build", trust(site, "StringEquals", "repo:me/mine:ref:refs/heads/main"))
	}, func(b *graphtest.Builder) {
		b.Set("iam/role:Role", "build", "assumeRolePolicy",
			trust(site, "StringLike", "repo:me/mine:*")["assumeRolePolicy"])
	})
	tells(t, between(base, head).Environments[0].Dangers,
		[][2]string{{"a foreign principal trusted", "repo:me/mine:*"}})
}

// TestFamiliarCluster: a provider is the account's own cluster if the program makes it from one.
func TestFamiliarCluster(t *testing.T) {
	const provider = "iam/openIdConnectProvider:OpenIdConnectProvider"
	stranger := [][2]string{{"a foreign principal trusted", "whoever signs in by"}}
	for _, c := range []struct {
		name string
		url  any
		of   string
		want [][2]string
	}{
		{"of a cluster", graph.Unknown, "eks/cluster:Cluster", nil},
		{"of something else", graph.Unknown, "sqs/queue:Queue", stranger},
		{"written out beside a cluster", "https://oidc.eks.eu-central-1.amazonaws.com/id/B", "eks/cluster:Cluster",
			stranger},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				of := b.Add(c.of, "c", in{})
				p := b.Add(provider, "p", in{"url": c.url})
				p.PropertyDependencies = map[string][]string{"url": {of.URN}}
				// Another one that is of a cluster says nothing of this one.
				other := b.Add(provider, "other", in{"url": graph.Unknown})
				other.PropertyDependencies = map[string][]string{"url": {b.Add("eks/cluster:Cluster", "d", in{}).URN}}
			}, func(b *graphtest.Builder) {
				arn := b.Get(provider, "p").Outputs["arn"].(string)
				b.Add("iam/role:Role", "r", in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":` +
					`{"Federated":"` + arn + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":` +
					`{"StringEquals":{"x:sub":"system:serviceaccount:app:web"}}}`)})
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}
