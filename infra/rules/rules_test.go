package rules

import (
	"slices"
	"testing"

	"dossier.example/app/docstest"
	"dossier.example/infra/settings"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy"
	"dossier.example/plan/policy/policytest"
)

type in = graphtest.In

// The types of the resources that are changed here.
const (
	ingressType           = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	instanceType          = "aws:ec2/instance:Instance"
	listenerType          = "aws:lb/listener:Listener"
	rolePolicyType        = "aws:iam/rolePolicy:RolePolicy"
	roleType              = "aws:iam/role:Role"
	securityGroupType     = "aws:ec2/securityGroup:SecurityGroup"
	tableType             = "aws:dynamodb/table:Table"
	targetGroupType       = "aws:lb/targetGroup:TargetGroup"
	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"
)

// all is an environment for which every rule is asked and no exception for what is left out applies.
var all = promises{production: true, domain: true, webACL: true, operators: true}

// excepted are the rules that the stack keeps by an exception.
var excepted = map[string]bool{
	"EC2.9": true, "CKV_AWS_378": true, "RDS.23": true, "S3.9": true, "S3.14": true, "CKV_AWS_145": true,
	"CKV_AWS_119": true, "CKV_AWS_158": true, "CKV_AWS_337": true,
}

func TestAGoodStackKeepsEveryRule(t *testing.T) {
	for _, result := range all.set("production").Check(policytest.Stack(t).Graph()).Results {
		want := policy.Kept
		switch {
		case excepted[result.Rule.ID]:
			want = policy.Excepted
		case result.Rule.Optional: // the stack has none of it
			want = policy.NotAsked
		}
		if result.Verdict != want {
			t.Errorf("%s is %s, want %s: %v", result.Rule.ID, result.Verdict, want, result.Violations)
		}
	}
}

// What is Dossier's own names rules that exist, and says all that the document needs.
func TestRules(t *testing.T) {
	ids := map[string]bool{}
	for _, rule := range all.set("production").Rules {
		if ids[rule.ID] {
			t.Errorf("two rules have the id %s", rule.ID)
		}
		ids[rule.ID] = true
		if rule.Says == "" || rule.Check == nil {
			t.Errorf("%s says or checks nothing", rule.ID)
		}
		for _, e := range rule.Exceptions {
			if e.Reason == "" || e.When == "" || e.Holds == nil {
				t.Errorf("%s has an exception without a reason or a condition", rule.ID)
			}
		}
	}
	for id := range all.exceptions() {
		if !ids[id] {
			t.Errorf("there is an exception to %s, which is no rule", id)
		}
	}
	for id := range mends {
		if !ids[id] {
			t.Errorf("there is a mend for %s, which is no rule", id)
		}
	}
}

func TestMends(t *testing.T) {
	b := policytest.Stack(t).Set(databaseType, "db", "multiAz", false)
	for _, v := range all.set("production").Check(b.Graph()).Broken() {
		if v.Rule == "RDS.5" && v.Mend == "set database.multiAZ to true" {
			return
		}
	}
	t.Error("the mend of RDS.5 does not name the setting")
}

// The rules that are Dossier's own, and those of the catalogue that an exception does not excuse.
func TestWhatBreaksARule(t *testing.T) {
	set := func(kind, name, path string, value any) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Set(kind, name, path, value) }
	}
	remove := func(kind, name string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Remove(kind, name) }
	}
	for _, c := range []struct {
		rule, name string
		change     func(*graphtest.Builder)
		// at is what the violation's resource must be; empty for one of something missing.
		at string
	}{
		{"EC2.9", "a jump server open to the internet", func(b *graphtest.Builder) {
			policytest.Allow(b, "internet", "jump", 2222)
		}, "EC2 Instance jump"},
		{"Dossier.Network.1", "the app reaches the jump server", func(b *graphtest.Builder) {
			policytest.Allow(b, "app", "jump", 22)
		}, ""},
		{"Dossier.Network.1", "some addresses reach the load balancer on another port", func(b *graphtest.Builder) {
			policytest.Allow(b, "203.0.113.0/24", "lb", 8443)
		}, ""},
		{"Dossier.Network.1", "nobody outside reaches the load balancer", func(b *graphtest.Builder) {
			b.Remove(ingressType, "internet to lb 80")
			b.Remove(ingressType, "internet to lb 443")
		}, ""},
		{"Dossier.Network.1", "the load balancer does not reach the app", remove(ingressType, "lb to app 8080"), ""},
		{"Dossier.Network.1", "nothing listens where the internet may come in", remove(listenerType, "http"), ""},
		{"CKV_AWS_378", "targets that others reach too", func(b *graphtest.Builder) {
			policytest.Allow(b, "jump", "app", 8080)
		}, "ELB TargetGroup app"},
		{"CKV_AWS_378", "targets in public subnets",
			set(groupType, "app", "vpcZoneIdentifiers", []string{"subnet-public-a", "subnet-public-b"}),
			"ELB TargetGroup app"},
		{"CKV2_AWS_28", "no firewall although one was chosen", remove(webACLAssociationType, "lb"),
			"ELB LoadBalancer lb"},
		{"RDS.23", "an open default port", func(b *graphtest.Builder) { policytest.Allow(b, "lb", "db", 3306) },
			"RDS Instance db"},
		{"Dossier.RDS.1", "MySQL 8.0", set(databaseType, "db", "engineVersion", "8.0.40"), "RDS Instance db"},
		{"Dossier.RDS.1", "Extended Support", set(databaseType, "db", "engineLifecycleSupport", nil),
			"RDS Instance db"},
		{"S3.14", "logs for ever",
			set(bucketLifecycleType, "logs", "rules",
				[]any{in{"status": "Enabled", "abortIncompleteMultipartUpload": in{"daysAfterInitiation": 1}}}),
			"BucketV2 logs"},
		{"CKV_AWS_145", "nothing said", remove(bucketEncryptionType, "files"), "BucketV2 files"},
		{"Dossier.SignIn.1", "everyone makes an account", pool(func(pool, _ in) {
			pool["adminCreateUserConfig"] = in{"allowAdminCreateUserOnly": false}
		}), "UserPool staff"},
		{"Dossier.SignIn.1", "codes by text message", pool(func(pool, _ in) {
			pool["smsConfiguration"] = in{"externalId": "a", "snsCallerArn": "arn"}
		}), "UserPool staff"},
		{"Dossier.SignIn.1", "no codes of an app", pool(func(pool, _ in) {
			pool["softwareTokenMfaConfiguration"] = in{"enabled": false}
		}), "UserPool staff"},
		{"Dossier.SignIn.1", "a client without a secret", pool(func(_, client in) {
			client["generateSecret"] = false
		}), "UserPoolClient staff"},
		{"Dossier.SignIn.1", "tokens in addresses", pool(func(_, client in) {
			client["allowedOauthFlows"] = []string{"code", "implicit"}
		}), "UserPoolClient staff"},
		{"Dossier.SignIn.1", "codes for another site", pool(func(_, client in) {
			client["callbackUrls"] = []string{"https://files.example.org.attacker.example/staff"}
		}), "UserPoolClient staff"},
		{"Dossier.SignIn.1", "another site after signing out", pool(func(_, client in) {
			client["logoutUrls"] = []string{"http://files.example.org/staff"}
		}), "UserPoolClient staff"},
		{"CKV_AWS_337", "a role that reads every parameter", func(b *graphtest.Builder) {
			role := b.Add(roleType, "other", in{"assumeRolePolicy": policytest.TrustEC2})
			b.Add(rolePolicyType, "other", in{"role": role.ID, "policy": policytest.PolicyText(
				in{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"})})
		}, "Parameter password"},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			b := policytest.Stack(t)
			c.change(b)
			found := all.set("production").Check(b.Graph()).Broken()
			if !slices.ContainsFunc(found, func(v policy.Violation) bool {
				return v.Rule == c.rule && v.Resource == c.at && v.Message != "" && v.Mend != ""
			}) {
				t.Errorf("not broken at %q: %v", c.at, found)
			}
		})
	}
}

// pool adds a user pool that keeps every rule, but for what a change makes of it.
func pool(change func(pool, client in)) func(*graphtest.Builder) {
	return func(b *graphtest.Builder) {
		users := in{"mfaConfiguration": "ON", "deletionProtection": "ACTIVE",
			"softwareTokenMfaConfiguration": in{"enabled": true},
			"adminCreateUserConfig":         in{"allowAdminCreateUserOnly": true}}
		client := in{"generateSecret": true, "allowedOauthFlows": []string{"code"},
			"callbackUrls": []string{"https://files.example.org/staff/sign-in/issuer/callback"},
			"logoutUrls":   []string{"https://files.example.org/staff/sign-in"}}
		change(users, client)
		b.Add(userPoolType, "staff", users)
		b.Add(poolClientType, "staff", client)
		b.Add("acm/certificate:Certificate", "pool", in{"domainName": "files.example.org"})
	}
}

func TestAGoodPool(t *testing.T) {
	b := policytest.Stack(t)
	pool(func(in, in) {})(b)
	for _, v := range all.set("production").Check(b.Graph()).Broken() {
		t.Error(v)
	}
}

// A site may be for one office alone.
func TestTheLoadBalancerMayServeSomeAddresses(t *testing.T) {
	b := policytest.Stack(t)
	for _, port := range []string{"80", "443"} {
		b.Remove(ingressType, "internet to lb "+port)
	}
	policytest.Allow(b, "203.0.113.0/24", "lb", 443)
	for _, result := range all.set("production").Check(b.Graph()).Results {
		if result.Rule.ID == "Dossier.Network.1" && result.Verdict != policy.Kept {
			t.Errorf("%s is %s: %v", result.Rule.ID, result.Verdict, result.Violations)
		}
	}
}

func TestExceptionsAreBoundToTheirConditions(t *testing.T) {
	verdict := func(b *graphtest.Builder, has promises, id string) policy.Verdict {
		for _, result := range has.set("test").Check(b.Graph()).Results {
			if result.Rule.ID == id {
				return result.Verdict
			}
		}
		t.Fatalf("no rule %s", id)
		return ""
	}
	plain := func() *graphtest.Builder {
		b := policytest.Stack(t)
		b.Remove(listenerType, "https")
		b.Set(listenerType, "http", "defaultActions",
			[]any{in{"type": "forward", "targetGroupArn": b.Get(targetGroupType, "app").Output("arn")}})
		return b
	}
	for _, id := range []string{"ELB.1", "ELB.17", "ELB.18"} {
		for _, c := range []struct {
			has  promises
			want policy.Verdict
		}{
			{promises{}, policy.Excepted},
			{promises{domain: true}, policy.Broken},
			{promises{production: true}, policy.Broken},
		} {
			if got := verdict(plain(), c.has, id); got != c.want {
				t.Errorf("%s over plain HTTP in %+v is %s, want %s", id, c.has, got, c.want)
			}
		}
	}
	if got := verdict(policytest.Stack(t).Remove(webACLAssociationType, "lb"), promises{production: true, domain: true},
		"CKV2_AWS_28"); got != policy.Excepted {
		t.Errorf("no firewall where none was chosen is %s", got)
	}
	unprotected := policytest.Stack(t).
		Set(databaseType, "db", "deletionProtection", false).
		Set(databaseType, "db", "multiAz", false).
		Set(tableType, "files", "deletionProtectionEnabled", false).
		Set(balancerType, "lb", "enableDeletionProtection", false)
	for _, id := range []string{"RDS.8", "RDS.5", "DynamoDB.6", "ELB.6"} {
		if got := verdict(unprotected, promises{}, id); got != policy.NotAsked {
			t.Errorf("%s outside of production is %s", id, got)
		}
	}
	if got := verdict(policytest.Stack(t).Set(databaseType, "db", "backupRetentionPeriod", 1), promises{},
		"RDS.11"); got != policy.Kept {
		t.Errorf("a day of backups outside of production is %s", got)
	}
	if got := verdict(policytest.Stack(t), promises{production: true, domain: true},
		"Dossier.Network.1"); got != policy.Broken {
		t.Errorf("SSH for operators whom the settings do not name is %s", got)
	}
	small := policytest.Stack(t).
		Set(databaseType, "db", "instanceClass", "db.t4g.micro").
		Set(databaseType, "db", "performanceInsightsEnabled", false)
	if got := verdict(small, all, "CKV_AWS_353"); got != policy.Kept {
		t.Errorf("no Performance Insights on a class without it is %s", got)
	}
}

// A NAT instance has a public address by an exception of its own.
func TestNATInstance(t *testing.T) {
	build := func() *graphtest.Builder {
		b := policytest.Stack(t).Remove("ec2/natGateway:NatGateway", "nat")
		nat := b.Add(instanceType, "nat", in{
			"subnetId": "subnet-public-a",
			"vpcSecurityGroupIds": []string{b.Add(securityGroupType, "nat",
				in{"vpcId": "vpc-vpc", "description": "NAT"}).ID},
			"associatePublicIpAddress": true, "sourceDestCheck": false,
		})
		for _, name := range []string{"private-a", "private-b"} {
			b.Set("ec2/route:Route", name, "natGatewayId", nil).Set("ec2/route:Route", name, "networkInterfaceId",
				nat.Output("primaryNetworkInterfaceId"))
		}
		policytest.Allow(b, "nat", "internet", 443)
		policytest.Allow(b, "app", "nat", 443)
		return b
	}
	asked := []string{"EC2.9", "Dossier.Network.1"}
	for _, v := range all.set("production").Check(build().Graph()).Broken() {
		if slices.Contains(asked, v.Rule) {
			t.Error(v)
		}
	}
	open := build()
	policytest.Allow(open, "internet", "nat", 443)
	var broken []string
	for _, v := range all.set("production").Check(open.Graph()).Broken() {
		broken = append(broken, v.Rule)
	}
	for _, id := range asked {
		if !slices.Contains(broken, id) {
			t.Errorf("a NAT instance open to the internet does not break %s", id)
		}
	}
}

func TestFor(t *testing.T) {
	if got := For(settings.Settings{Stack: "a",
		Preset: settings.Dev}).Environment; got != (policy.Environment{Name: "a"}) {
		t.Errorf("dev is %+v", got)
	}
	for _, s := range []settings.Settings{{Preset: settings.Prod}, {Preset: settings.Dev, Protect: true}} {
		if !For(s).Environment.Production {
			t.Errorf("%+v is not production", s)
		}
	}
	s := settings.Settings{Site: settings.Site{Domain: "example.org", WebACL: "arn"}}
	if got := promised(s); got != (promises{domain: true, webACL: true}) {
		t.Errorf("the site promises %+v", got)
	}
}

func TestDocument(t *testing.T) {
	docstest.File(t, "../../docs/policies.md", Document())
}
