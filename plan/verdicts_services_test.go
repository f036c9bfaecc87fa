package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestJudgedServices: what a change of a service of AWS's opens, loses or is refused for, and beside it what looks like
// it and is none of that.
func TestJudgedServices(t *testing.T) {
	const (
		client, pool, provider = "cognito/userPoolClient:UserPoolClient", "cognito/userPool:UserPool",
			"cognito/identityProvider:IdentityProvider"
		copies, bucket = "s3/bucketReplicationConfig:BucketReplicationConfig", "s3/bucket:Bucket"
		lifecycle      = "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
		rest, http     = "apigateway/restApi:RestApi", "apigatewayv2/api:Api"
		steps, server  = "sfn/stateMachine:StateMachine", "ec2/instance:Instance"
		listener, key  = "lb/listener:Listener", "kms/key:Key"
		documents      = "docdb/cluster:Cluster"
		one            = "arn:aws:lambda:us-east-1:111111111111:function:a"
		other          = "arn:aws:lambda:us-east-1:222222222222:function:b"
		ours           = "arn:aws:lambda:us-east-1:123456789012:function:a"
		root           = `{"Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::123456789012:root"},"Action":"kms:*",` +
			`"Resource":"*"}`
	)
	copied := func(more in) in {
		rule := in{"id": "a", "status": "Enabled", "filter": in{"prefix": ""},
			"deleteMarkerReplication": in{"status": "Disabled"}, "destination": in{"bucket": "arn:aws:s3:::d"}}
		for key, v := range more {
			rule[key] = v
		}
		return in{"bucket": "b", "rules": several(rule)}
	}
	to := func(more in) in {
		more["bucket"] = "arn:aws:s3:::d"
		return copied(in{"destination": more})
	}
	markers := func(status string) in { return copied(in{"deleteMarkerReplication": in{"status": status}}) }
	aborts := func(rules ...in) in { return in{"bucket": "b", "rules": several(rules...)} }
	abort := in{"id": "a", "status": "Enabled", "abortIncompleteMultipartUpload": in{"daysAfterInitiation": 7}}
	body := func(path, more string) in {
		return in{"body": `{"openapi":"3.0.1","components":{"securitySchemes":{"key":{"type":"apiKey"},` +
			`"bearer":{"type":"http"},"jwt":{"type":"oauth2","x-amazon-apigateway-authorizer":{"type":"jwt"}}}},` +
			`"paths":{"/a":{` + path + `}}` + more + `}`, "protocolType": "HTTP"}
	}
	get := func(scheme string) in { return body(`"get":{"security":[{"`+scheme+`":[]}]}`, "") }
	open := [][2]string{{exposes, "everyone can call `GET /a`"}}
	named := func(encrypted bool) in { return in{"clusterIdentifier": "c", "storageEncrypted": encrypted} }
	flows := func(names ...string) in { return in{"explicitAuthFlows": names} }
	lives := func(n int, unit string) in {
		return in{"accessTokenValidity": n, "tokenValidityUnits": in{"accessToken": unit}}
	}
	foreign := func(account string) [][2]string { return [][2]string{{exposes, account}} }
	for _, c := range []struct {
		name, kind string
		was, is    in
		want       [][2]string
	}{
		{"a second foreign function", steps, in{"definition": `{"a":"` + one + `"}`},
			in{"definition": `{"a":"` + one + `","b":"` + other + `"}`}, foreign("222222222222")},
		{"a second function of its own", steps, in{"definition": `{"a":"` + one + `"}`},
			in{"definition": `{"a":"` + one + `","b":"` + ours + `"}`}, nil},
		{"a second foreign image", server, in{"userData": "run 111111111111.dkr.ecr.eu-west-1.amazonaws.com/a"},
			in{"userData": "run 111111111111.dkr.ecr.eu-west-1.amazonaws.com/a 222222222222.dkr.ecr.eu-west-1." +
				"amazonaws.com/b"}, [][2]string{{exposes, "222222222222"}, {stops, "stopped and started"}}},

		{"passwords are sent", client, nil, flows("ALLOW_USER_PASSWORD_AUTH"),
			[][2]string{{weakens, "their password itself"}}},
		{"no passwords are sent", client, nil, flows("ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"), nil},
		{"tokens in addresses", client, nil, in{"allowedOauthFlows": []string{"code", "implicit"}},
			[][2]string{{weakens, "in the addresses"}}},
		{"codes", client, nil, in{"allowedOauthFlows": []string{"code"}}, nil},
		{"in the clear", client, in{"callbackUrls": []string{"https://a"}},
			in{"callbackUrls": []string{"https://a", "http://b:80/c"}},
			[][2]string{{exposes, "`http://b:80/c` gets"}, {refused, "`http` for localhost alone"}}},
		{"one's own machine", client, in{"callbackUrls": []string{"http://localhost:1"}},
			in{"callbackUrls": []string{"http://localhost:1/b"}},
			[][2]string{{exposes, "`http://localhost:1/b`"}, {stops, "nobody gets back"}}},
		{"tokens for longer", client, lives(60, "minutes"), lives(1, "days"),
			[][2]string{{weakens, "`accessToken` for 1440 minutes instead of 60"}}},
		{"the same time", client, lives(60, "minutes"), lives(1, "hours"), nil},
		{"tokens for less", client, in{}, lives(5, "minutes"), nil},
		{"another issuer", provider, in{"providerDetails": in{"oidc_issuer": "https://a"}},
			in{"providerDetails": in{"oidc_issuer": "https://b"}}, [][2]string{{exposes, "another issuer"}}},
		{"other attributes", provider, in{"attributeMapping": in{"email": "a"}},
			in{"attributeMapping": in{"email": "b"}},
			[][2]string{{weakens, "other attributes"}}},
		{"another word for it", provider, in{}, in{"idpIdentifiers": []string{"a"}}, nil},

		{"deletions are copied", copies, markers("Disabled"), markers("Enabled"),
			[][2]string{{weakens, "deleted in the copy as well"}}},
		{"deletions are not copied", copies, markers("Enabled"), markers("Disabled"),
			[][2]string{{stops, "stays in the copy"}}},
		{"a word on deletions", copies, copied(in{"deleteMarkerReplication": nil}), markers("Disabled"), nil},
		{"copies of a foreign account", copies, copied(nil), to(in{"account": "999999999999",
			"accessControlTranslation": in{"owner": "Destination"}}), foreign("of the foreign account `999999999999`")},
		{"copies of its own", copies, copied(nil), to(in{"account": "123456789012"}), nil},
		{"a cheaper copy", copies, copied(nil), to(in{"storageClass": "STANDARD_IA"}), nil},
		{"what a key encrypts", copies, copied(in{"sourceSelectionCriteria": in{"sseKmsEncryptedObjects": in{
			"status": "Enabled"}}}), copied(nil), [][2]string{{weakens, "no longer copied"}}},
		{"a copy without a key", copies, to(in{"encryptionConfiguration": in{"replicaKmsKeyId": "k"}}), to(in{}),
			[][2]string{{weakens, "S3's own key"}}},
		{"copies of a bucket elsewhere", bucket,
			in{"replicationConfiguration": copied(nil)},
			in{"replicationConfiguration": copied(in{"destination": in{"bucket": "arn:aws:s3:::e"}})},
			foreign("arn:aws:s3:::e")},
		{"uploads are kept", lifecycle, aborts(abort), aborts(in{"id": "a", "status": "Enabled"}),
			[][2]string{{costs, "nobody ended stay"}}},
		{"by another rule", lifecycle, aborts(abort), aborts(in{"id": "a", "status": "Enabled"}, in{"id": "b",
			"status": "Enabled", "abortIncompleteMultipartUpload": in{"daysAfterInitiation": 1}}), nil},

		{"an authorizer goes", rest, get("jwt"), body(`"get":{}`, ""), open},
		{"of an HTTP API", http, get("jwt"), body(`"get":{}`, ""), open},
		{"a scheme that nobody asks", http, get("jwt"), get("bearer"), open},
		{"optional", http, get("jwt"), body(`"get":{"security":[{}]}`, ""), open},
		{"of the whole, which REST APIs do not read", rest, get("jwt"),
			body(`"get":{}`, `,"security":[{"jwt":[]}]`), open},
		{"of the whole", http, get("jwt"), body(`"get":{}`, `,"security":[{"jwt":[]}]`), nil},
		{"a key", rest, get("jwt"), get("key"), nil},
		{"a new operation", http, get("jwt"), body(`"get":{"security":[{"jwt":[]}]},"post":{}`, ""),
			[][2]string{{exposes, "everyone can call `POST /a`"}}},
		{"a new operation for some", http, get("jwt"),
			body(`"get":{"security":[{"jwt":[]}]},"post":{"security":[{"jwt":[]}]}`, ""), nil},
		{"what browsers ask", http, get("jwt"), body(`"get":{"security":[{"jwt":[]}]},"options":{}`, ""), nil},
		{"a new API", http, nil, body(`"get":{}`, ""), open},
		{"a new API for some", http, nil, get("jwt"), nil},
		{"an operation goes", http, get("jwt"), body(``, ""), [][2]string{{stops, "`GET /a` is no longer served"}}},
		{"who calls is asked", http, body(`"get":{}`, ""), get("jwt"), [][2]string{{stops, "have to say who"}}},
		{"words", http, get("jwt"),
			body(`"get":{"security":[{"jwt":[]}],"summary":"a"}`, `,"info":{"title":"a"}`), nil},
		{"requests go elsewhere", http, get("jwt"),
			body(`"get":{"security":[{"jwt":[]}],"x-amazon-apigateway-integration":{"uri":"u"}}`, ""),
			[][2]string{{stops, "go elsewhere"}}},
		{"what nothing judges", rest, get("jwt"), body(`"get":{"security":[{"jwt":[]}]}`,
			`,"x-amazon-apigateway-endpoint-configuration":{}`), [][2]string{{notJudged, "endpoint-configuration"}}},
		{"no definition", http, get("jwt"), in{"body": ": [", "protocolType": "HTTP"},
			[][2]string{{notJudged, "cannot be read"}}},
		{"the policy of a definition", rest, get("jwt"), body(`"get":{"security":[{"jwt":[]}]}`,
			`,"x-amazon-apigateway-policy":`+statements(`{"Effect":"Allow","Principal":"*",`+
				`"Action":"execute-api:Invoke","Resource":"*"}`)),
			[][2]string{{exposes, "**everyone** `execute-api:Invoke`"}}},
		{"a function for everyone", http, nil, in{"protocolType": "HTTP", "target": ours},
			[][2]string{{exposes, "everyone can call what it leads to"}}},

		{"a policy as AWS writes it in China", key, in{}, in{"policy": statements(root)}, nil},
		{"a policy nobody knows", key, in{}, in{"policy": graph.Unknown},
			[][2]string{{notJudged, "only a deployment"}}},
		{"a policy nobody knew", key, in{"policy": graph.Unknown}, in{"policy": statements(root)},
			[][2]string{{notJudged, "before is not known"}}},
		{"ciphers nobody knew", listener, in{"sslPolicy": graph.Unknown},
			in{"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}, [][2]string{{notJudged, "before is not known"}}},
		{"a password nobody knew", "elasticache/user:User", in{"noPasswordRequired": graph.Unknown},
			in{"noPasswordRequired": true}, [][2]string{{weakens, "no password"}}},

		{"a cluster of a name", documents, named(false), named(true),
			[][2]string{{"data replaced", "its data"}, {refused, "under the same name `c`"}}},
		{"a cluster without", documents, in{"storageEncrypted": false}, in{"storageEncrypted": true},
			[][2]string{{"data replaced", "its data"}}},
		{"a group of a name, which goes first", "lb/targetGroup:TargetGroup", in{"name": "c", "port": 80},
			in{"name": "c", "port": 81}, [][2]string{{stops, "healthy target"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tells(t, between(became(t, c.kind, c.was, c.is)).Environments[0].Dangers, c.want)
		})
	}

	// A client, and a provider, of a pool that is there, or of a new one.
	for _, there := range []bool{true, false} {
		for kind, inputs := range map[string]in{client: {"callbackUrls": []string{"https://a", "https://b"}},
			provider: {"providerName": "Theirs"}} {
			base, head := two(t, func(b *graphtest.Builder) {
				if there {
					b.Add(pool, "p", in{"adminCreateUserConfig": in{"allowAdminCreateUserOnly": true}})
					b.Add(client, "first", in{"userPoolId": "userpool-p", "callbackUrls": []string{"https://a"}})
				}
			}, func(b *graphtest.Builder) {
				if !there {
					b.Add(pool, "p", in{"adminCreateUserConfig": in{"allowAdminCreateUserOnly": true}})
				}
				inputs["userPoolId"] = "userpool-p"
				b.Add(kind, "second", inputs)
			})
			var want [][2]string
			if there {
				want = [][2]string{{exposes, "a pool that is there"}}
			}
			dangers := between(base, head).Environments[0].Dangers
			tells(t, dangers, want)
			if len(dangers) == 1 && strings.Contains(dangers[0].What, "https://a") {
				t.Errorf("it tells of what another client has: %s", dangers[0].What)
			}
		}
	}
}
