package plan

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestOnto: what is created onto something that exists changes it, and what newly names a foreign account hands it
// something.
func TestOnto(t *testing.T) {
	const (
		acl, wall = "ec2/networkAcl:NetworkAcl", "ec2/networkAclRule:NetworkAclRule"
		rule      = "lb/listenerRule:ListenerRule"
		record    = "route53/record:Record"
		theirs    = "999999999999"
	)
	subnet := func(b *graphtest.Builder) {
		b.Add("ec2/vpc:Vpc", "v", in{"cidrBlock": "10.0.0.0/16"})
		b.Add("ec2/subnet:Subnet", "s", in{"vpcId": "vpc-v", "cidrBlock": "10.0.1.0/24"})
	}
	every := in{"protocol": "-1", "ruleNo": 100, "action": "allow", "cidrBlock": "0.0.0.0/0", "fromPort": 0,
		"toPort": 0}
	some := in{"protocol": "tcp", "ruleNo": 100, "action": "allow", "cidrBlock": "10.0.0.0/8", "fromPort": 443,
		"toPort": 443}
	walls := func(inputs in) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			inputs["vpcId"] = "vpc-v"
			b.Add(acl, "n", inputs)
		}
	}
	listener := func(b *graphtest.Builder) {
		b.Add("lb/listener:Listener", "l", in{"loadBalancerArn": "a", "port": 443, "defaultActions": several(
			in{"type": "authenticate-oidc", "authenticateOidc": in{"issuer": "i"}},
			in{"type": "forward", "targetGroupArn": "g"})})
	}
	rules := func(path string, actions ...any) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add(rule, "r", in{"listenerArn": "listener-l", "priority": 1, "actions": actions,
				"conditions": several(in{"pathPattern": in{"values": []string{path}}})})
		}
	}
	name := func(of, weight string) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add(record, of, in{"zoneId": "Z", "name": "www.example", "type": "A", "ttl": 60, "setIdentifier": of,
				"records": []string{"192.0.2.1"}, "weightedRoutingPolicies": several(in{"weight": weight})})
		}
	}
	bucket := func(b *graphtest.Builder) { b.Add("s3/bucketV2:BucketV2", "b", in{}) }
	copies := func(to any, more in) func(b *graphtest.Builder) {
		more["bucket"] = to
		return func(b *graphtest.Builder) {
			b.Add("s3/bucketReplicationConfig:BucketReplicationConfig", "c", in{"bucket": "bucketv2-b", "role": "r",
				"rules": several(in{"status": "Enabled", "destination": more})})
		}
	}
	nothing := func(*graphtest.Builder) {}
	forward := in{"type": "forward", "targetGroupArn": "g"}
	for _, c := range []struct {
		name          string
		build, change func(b *graphtest.Builder)
		want          [][2]string
	}{
		{"a wall without entries", subnet, walls(in{"subnetIds": []string{"subnet-s"}}),
			[][2]string{{stops, "(`Subnet s`), and it lets nothing in or out"}}},
		{"a wall by an association", subnet, func(b *graphtest.Builder) {
			walls(in{})(b)
			b.Add("ec2/networkAclAssociation:NetworkAclAssociation", "a", in{"networkAclId": "networkacl-n",
				"subnetId": "subnet-s"})
		}, [][2]string{{stops, "lets nothing in or out"}, {notJudged, "NetworkAclAssociation"}}},
		{"a wall that lets nothing out", subnet, walls(in{"subnetIds": []string{"subnet-s"},
			"ingress": several(every)}),
			[][2]string{{stops, "lets nothing out"}}},
		{"a wall of few entries", subnet, walls(in{"subnetIds": []string{"subnet-s"}, "ingress": several(some),
			"egress": several(every)}), [][2]string{{stops, "only what its entries say"}}},
		{"a wall that lets everything through", subnet, walls(in{"subnetIds": []string{"subnet-s"},
			"ingress": several(every), "egress": several(every)}), nil},
		{"a wall by rules apart", subnet, func(b *graphtest.Builder) {
			walls(in{"subnetIds": []string{"subnet-s"}, "ingress": several(every)})(b)
			b.Add(wall, "out", in{"networkAclId": "networkacl-n", "egress": true, "ruleAction": "allow",
				"protocol":  "-1",
				"cidrBlock": "0.0.0.0/0", "ruleNumber": 1})
		}, nil},
		{"a wall around what is new", nothing, func(b *graphtest.Builder) {
			subnet(b)
			walls(in{"subnetIds": []string{"subnet-s"}})(b)
		}, nil},

		{"a way around signing in", listener, rules("/*", forward), [][2]string{{exposes, "nobody has to sign in"},
			{stops, "every request"}}},
		{"a way for some around signing in", listener, rules("/a/*", forward),
			[][2]string{{exposes, "nobody has to sign in"}}},
		{"a rule that refuses", listener, rules("/a/*", in{"type": "fixed-response", "fixedResponse": in{
			"statusCode": "503", "contentType": "text/plain"}}), [][2]string{{stops, "answered with `503`"}}},
		{"a rule that leads away", listener, rules("/*", in{"type": "redirect", "redirect": in{"host": "b.example",
			"statusCode": "HTTP_302"}}), [][2]string{{stops, "are led to `b.example`"}}},
		{"a rule that leads to another path", listener, rules("/a", in{"type": "redirect", "redirect": in{"path": "/b",
			"statusCode": "HTTP_302"}}), nil},
		{"some who sign in", listener, rules("/a/*", in{"type": "authenticate-oidc", "authenticateOidc": in{
			"issuer": "i"}}, forward), nil},
		{"a rule of a new listener", nothing, func(b *graphtest.Builder) {
			listener(b)
			rules("/*", forward)(b)
		}, nil},

		{"a name beside another", name("a", "10"), name("b", "250"), [][2]string{{stops, "beside `Record a`"}}},
		{"a name in place of a foreign one", nothing, func(b *graphtest.Builder) {
			b.Add(record, "a", in{"zoneId": "Z", "name": "www.example", "type": "A", "ttl": 60, "allowOverwrite": true,
				"records": []string{"192.0.2.1"}})
		}, [][2]string{{stops, "takes the place"}}},
		{"another name", name("a", "10"), func(b *graphtest.Builder) {
			b.Add(record, "b", in{"zoneId": "Z", "name": "b.example", "type": "A", "ttl": 60,
				"records": []string{"192.0.2.1"}})
		}, nil},

		{"a door to somebody else's service", nothing, func(b *graphtest.Builder) {
			b.Add("ec2/vpcEndpoint:VpcEndpoint", "e", in{"vpcId": "v", "vpcEndpointType": "Interface",
				"serviceName": "com.amazonaws.vpce.us-east-1.vpce-svc-0"})
		}, [][2]string{{exposes, "a service of somebody else's"}}},
		{"a door to AWS", nothing, func(b *graphtest.Builder) {
			b.Add("ec2/vpcEndpoint:VpcEndpoint", "e", in{"vpcId": "v", "serviceName": "com.amazonaws.us-east-1.s3"})
		}, nil},
		{"copies to a foreign account", bucket, copies("arn:aws:s3:::theirs", in{"account": theirs}),
			[][2]string{{exposes, "`arn:aws:s3:::theirs`, which is not of the stack"}}},
		{"copies to a bucket of the stack", func(b *graphtest.Builder) {
			bucket(b)
			b.Add("s3/bucketV2:BucketV2", "copy", in{})
		}, copies("arn:aws:test:eu-central-1:123456789012:bucketv2-copy", in{}), nil},

		{"news for a foreign queue", func(b *graphtest.Builder) { b.Add("sns/topic:Topic", "t", in{}) },
			func(b *graphtest.Builder) {
				b.Add("sns/topicSubscription:TopicSubscription", "s", in{"topic": "topic-t", "protocol": "sqs",
					"endpoint": "arn:aws:sqs:us-east-1:" + theirs + ":q"})
			}, [][2]string{{exposes, "foreign account `" + theirs + "` (`endpoint`)"}}},
		{"news for a queue of the account", func(b *graphtest.Builder) { b.Add("sns/topic:Topic", "t", in{}) },
			func(b *graphtest.Builder) {
				b.Add("sns/topicSubscription:TopicSubscription", "s", in{"topic": "topic-t", "protocol": "sqs",
					"endpoint": "arn:aws:sqs:us-east-1:123456789012:q"})
			}, nil},
		{"objects told to a foreign queue", bucket, func(b *graphtest.Builder) {
			b.Add("s3/bucketNotification:BucketNotification", "n", in{"bucket": "bucketv2-b", "queues": several(in{
				"queueArn": "arn:aws:sqs:us-east-1:" + theirs + ":q", "events": []string{"s3:ObjectCreated:*"}})})
		}, [][2]string{{exposes, "(`queues[0].queueArn`)"}}},
		{"backups in a foreign vault", nothing, func(b *graphtest.Builder) {
			b.Add("backup/plan:Plan", "p", in{"name": "p", "rules": several(in{"ruleName": "r",
				"targetVaultName": "v", "copyActions": several(in{
					"destinationVaultArn": "arn:aws:backup:us-east-1:" + theirs + ":backup-vault:v"})})})
		}, [][2]string{{exposes, "(`rules[0].copyActions[0].destinationVaultArn`)"}}},
		{"the same foreign account as before", func(b *graphtest.Builder) {
			b.Add("sns/topicSubscription:TopicSubscription", "s", in{"topic": "t", "protocol": "sqs",
				"endpoint": "arn:aws:sqs:us-east-1:" + theirs + ":q"})
		}, func(b *graphtest.Builder) {
			b.Set("sns/topicSubscription:TopicSubscription", "s", "rawMessageDelivery", true)
		}, [][2]string{{stops, "messages"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

// TestKeysInPlain: a key in plain is told where it is new, and one of the program's, a secret or a name of one is not.
func TestKeysInPlain(t *testing.T) {
	const function, half = "lambda/function:Function", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	with := func(value any) in { return in{"environment": in{"variables": in{"A": value}}} }
	told := [][2]string{{exposes, "a secret in plain (`environment.variables.A`)"}}
	private := func(of string) string {
		return "#!/bin/sh\n-----BEGIN RSA PRIVATE KEY-----\nMIIE" + strings.Repeat(of, 60) + "\nqqQQ" +
			strings.Repeat(of, 60) + "\n-----END RSA PRIVATE KEY-----\n"
	}
	for _, c := range []struct {
		name    string
		was, is in
		want    [][2]string
	}{
		{"an access key", with("x"), with("AKIAIOSFODNN7EXAMPLE:" + half), told},
		{"of a new function", nil, with("key=AKIAIOSFODNN7EXAMPLE;" + half), told},
		{"the name of one", with("x"), with("AKIAIOSFODNN7EXAMPLE"), nil},
		{"a hash beside it", with("x"), with("AKIAIOSFODNN7EXAMPLE 356a192b7913b04c54574d18c28d46e6395428ab"), nil},
		{"a private key", with("x"), with("-----BEGIN RSA PRIVATE KEY-----\nMIIE"), told},
		{"another private key", with(private("a")), with(private("b")), told},
		{"another one in a line", with(strings.Repeat("x", 30) + "-----BEGIN RSA PRIVATE KEY-----MIIEaaaaaaaaaaaaaaaa"),
			with(strings.Repeat("x", 30) + "-----BEGIN RSA PRIVATE KEY-----MIIEbbbbbbbbbbbbbbbb"), told},
		{"another line after one", with(private("a") + "echo a"), with(private("a") + "echo b"), nil},
		{"a token in user data", with("x"), with(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nexport T=ghp_" +
			strings.Repeat("a", 36)))), told},
		{"a token where a long text is cut", with("x"), with(strings.Repeat("x", 120) + " ghp_" +
			strings.Repeat("a", 36)), told},
		{"a token", with("x"), with("ghp_" + strings.Repeat("a", 36)), told},
		{"the one that was there", with("ghp_" + strings.Repeat("a", 36)), in{"environment": in{"variables": in{
			"A": "ghp_" + strings.Repeat("a", 36), "B": "b"}}}, nil},
		{"a secret", with("x"), with(graph.Secret), nil},
		{"a public key", with("x"), with("-----BEGIN PUBLIC KEY-----\nMIIE"), nil},
		{"a word", with("x"), with("AKIAIOSFODNN7EXAMPLES"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := became(t, function, c.was, c.is)
			p := between(base, head)
			tells(t, p.Environments[0].Dangers, c.want)
			shown, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			text := string(shown) + p.Markdown()
			for _, key := range []string{`AKIAIOSFODNN7EXAMPLE"`, "RSA PRIVATE KEY", "MIIE", "qqQQ", "ghp_", half} {
				if c.name != "a public key" && strings.Contains(text, key) {
					t.Errorf("%s is shown", key)
				}
			}
		})
	}
	_, head := became(t, function, nil, with("ghp_"+strings.Repeat("a", 36)))
	first := Make(Revision{Name: "base"}, Revision{Name: "head", Stacks: map[string]Stack{"e": {Graph: head}}})
	if !slices.ContainsFunc(first.Environments[0].Dangers, func(d Danger) bool {
		return d.Kind == exposes && strings.Contains(d.What, "a secret in plain")
	}) {
		t.Errorf("of a new stack it says %+v", first.Environments[0].Dangers)
	}
	failed := Make(Revision{}, Revision{Stacks: map[string]Stack{"e": {Fault: &Fault{Kind: FaultProgram,
		Said: "the key AKIAIOSFODNN7EXAMPLE is not valid"}}}})
	if said := failed.Markdown(); strings.Contains(said, "AKIA") || !strings.Contains(said, "[secret] is not valid") {
		t.Errorf("of a program that fails it says %s", said)
	}
}
