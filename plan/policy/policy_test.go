package policy

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy/policytest"
)

type in = graphtest.In

const (
	ingressType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	egressType  = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
)

// production is an environment in which every rule is asked.
var production = Environment{Name: "production", Production: true}

// checked checks a graph against the catalogue.
func checked(g *graph.Graph, env Environment) Report {
	return Set{Environment: env, Rules: Catalogue()}.Check(g)
}

// demanded are the ids of the controls that infrastructure of this kind is held to. What begins with Plan is not among
// them: those are rules of this package's own.
var demanded = strings.Fields(`
	EC2.2 EC2.6 EC2.9 EC2.15 EC2.25 EC2.18 EC2.19 CIS_5.3 EC2.170 CKV_AWS_341 EC2.181 CKV_AWS_46 CKV_AWS_23 CKV_AWS_382
	ELB.1 ELB.4 ELB.5 ELB.6 ELB.12 ELB.13 ELB.17 ELB.18 CKV_AWS_261 CKV2_AWS_28
	AutoScaling.1 AutoScaling.2 AutoScaling.9
	RDS.2 RDS.3 RDS.5 RDS.8 RDS.9 RDS.11 RDS.13 RDS.17 RDS.25 CKV2_AWS_69 CKV_AWS_353
	S3.8 S3.5 S3.9 S3.12 S3.13 S3.14
	DynamoDB.2 DynamoDB.6 Cognito.5 Cognito.6 SSM.1 IAM.21 CKV_AWS_290 CKV_AWS_355 CKV_AWS_66
	CKV_AWS_145 CKV_AWS_119 CKV_AWS_158 CKV_AWS_337 CKV_AWS_378 RDS.23`)

func TestEveryControlHasARule(t *testing.T) {
	var ids []string
	for _, rule := range Catalogue() {
		if slices.Contains(ids, rule.ID) {
			t.Errorf("two rules have the id %s", rule.ID)
		}
		ids = append(ids, rule.ID)
		if rule.Says == "" || rule.Check == nil {
			t.Errorf("%s says or checks nothing", rule.ID)
		}
		if rule.Production != (rule.Otherwise != "") {
			t.Errorf("%s: a rule for production only, and no other, says why it does not hold elsewhere", rule.ID)
		}
		if len(rule.Exceptions) > 0 || rule.Mend != "" {
			t.Errorf("%s has an exception or a mend, which are for repositories to add", rule.ID)
		}
	}
	for _, id := range demanded {
		if id = strings.Replace(id, "CIS_", "CIS ", 1); !slices.Contains(ids, id) {
			t.Errorf("no rule has the id %s", id)
		}
	}
}

// unkept are the rules that the stack breaks, as most stacks do: a repository argues an exception for each, or pays for
// it.
var unkept = map[string]bool{
	"EC2.9": true, "CKV_AWS_378": true, "RDS.23": true, "S3.9": true, "S3.14": true, "CKV_AWS_145": true,
	"CKV_AWS_119": true, "CKV_AWS_158": true, "CKV_AWS_337": true,
}

func TestAGoodStackKeepsEveryRule(t *testing.T) {
	report := checked(policytest.Stack(t).Graph(), production)
	for _, result := range report.Results {
		want := Kept
		switch {
		case unkept[result.Rule.ID]:
			want = Broken
		case result.Rule.Optional: // the stack has none of it
			want = NotAsked
		}
		if result.Verdict != want {
			t.Errorf("%s is %s, want %s: %v", result.Rule.ID, result.Verdict, want, result.Violations)
		}
	}
}

func TestWhatBreaksARule(t *testing.T) {
	set := func(kind, name, path string, value any) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Set(kind, name, path, value) }
	}
	remove := func(kind, name string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Remove(kind, name) }
	}
	userDataOf := func(text string) func(*graphtest.Builder) {
		return set(templateType, "app", "userData", base64.StdEncoding.EncodeToString([]byte(text)))
	}
	grant := func(statement in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			role := b.Add(roleType, "other", in{"assumeRolePolicy": policytest.TrustEC2})
			b.Add(rolePolicyType, "other", in{"role": role.ID, "policy": policytest.PolicyText(statement)})
		}
	}
	opening := func(of string, inputs in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			all := in{"securityGroupId": "securitygroup-" + of, "description": "opening"}
			for k, v := range inputs {
				all[k] = v
			}
			b.Add(ingressType, "opening", all)
		}
	}
	tcp := func(from, to int, peer string, address any) in {
		return in{"ipProtocol": "tcp", "fromPort": from, "toPort": to, peer: address}
	}
	cases := []struct {
		rule, name string
		change     func(*graphtest.Builder)
		// at is what the violation's resource must be; empty for one of something missing.
		at string
	}{
		{"EC2.2", "nothing in charge of the default group", remove(defaultGroupType, "default"), "Vpc vpc"},
		{"EC2.2", "a rule within it",
			set(defaultGroupType, "default", "ingress", []any{in{"protocol": "-1", "self": true}}),
			"DefaultSecurityGroup default"},
		{"EC2.2", "a rule beside it", func(b *graphtest.Builder) {
			b.Add(egressType, "extra", in{"securityGroupId": "vpc-vpc-default-group", "ipProtocol": "tcp",
				"fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/16", "description": "x"})
		}, "SecurityGroupEgressRule extra"},
		{"EC2.6", "no flow log", remove(flowLogType, "flow"), "Vpc vpc"},
		{"EC2.6", "only what was accepted", set(flowLogType, "flow", "trafficType", "ACCEPT"), "Vpc vpc"},
		{"EC2.9", "another instance with an address", func(b *graphtest.Builder) {
			b.Add(instanceType, "second",
				in{"subnetId": "subnet-public-a", "vpcSecurityGroupIds": []string{"securitygroup-app"},
					"associatePublicIpAddress": true})
		}, "EC2 Instance second"},
		{"EC2.9", "a jump server open to the internet", opening("jump", tcp(2222, 2222, "cidrIpv4", "0.0.0.0/0")),
			"EC2 Instance jump"},
		{"EC2.15", "a subnet that gives addresses", set(subnetType, "public-a", "mapPublicIpOnLaunch", true),
			"Subnet public-a"},
		{"EC2.15", "one that may", set(subnetType, "public-a", "mapPublicIpOnLaunch", graph.Unknown),
			"Subnet public-a"},
		{"EC2.18", "SSH for everyone", opening("jump", tcp(22, 22, "cidrIpv4", "0.0.0.0/0")),
			"SecurityGroupIngressRule opening"},
		{"EC2.18", "another port of the load balancer", opening("lb", tcp(8443, 8443, "cidrIpv6", "::/0")),
			"SecurityGroupIngressRule opening"},
		{"EC2.18", "HTTPS for everyone, but not to a load balancer",
			opening("app", tcp(443, 443, "cidrIpv4", "0.0.0.0/0")),
			"SecurityGroupIngressRule opening"},
		{"EC2.18", "an unknown peer", opening("app", tcp(443, 443, "cidrIpv4", graph.Unknown)),
			"SecurityGroupIngressRule opening"},
		{"EC2.19", "MySQL for everyone", opening("db", tcp(3300, 3310, "cidrIpv4", "0.0.0.0/0")),
			"SecurityGroupIngressRule opening"},
		{"CIS 5.3", "SSH over IPv6", opening("jump", tcp(22, 22, "cidrIpv6", "::/0")),
			"SecurityGroupIngressRule opening"},
		{"CIS 5.3", "everything", opening("jump", in{"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}),
			"SecurityGroupIngressRule opening"},
		{"EC2.25", "a template that gives addresses", func(b *graphtest.Builder) {
			b.Set(templateType, "app", "networkInterfaces",
				[]any{in{"associatePublicIpAddress": "true", "securityGroups": []string{"securitygroup-app"}}})
		}, "LaunchTemplate app"},
		{"EC2.25", "one that leaves it to a subnet that does", func(b *graphtest.Builder) {
			b.Set(templateType, "app", "networkInterfaces", []any{in{"securityGroups": []string{"securitygroup-app"}}})
			b.Set(subnetType, "private-a", "mapPublicIpOnLaunch", true)
		}, "LaunchTemplate app"},
		{"EC2.170", "IMDSv1", set(templateType, "app", "metadataOptions.httpTokens", "optional"), "LaunchTemplate app"},
		{"EC2.170", "IMDSv1 on the jump server", set(instanceType, "jump", "metadataOptions", nil),
			"EC2 Instance jump"},
		{"CKV_AWS_341", "two hops", set(templateType, "app", "metadataOptions.httpPutResponseHopLimit", 2),
			"LaunchTemplate app"},
		{"EC2.181", "a volume in clear",
			set(templateType, "app", "blockDeviceMappings", []any{in{"ebs": in{"encrypted": "false"}}}),
			"LaunchTemplate app"},
		{"EC2.181", "nothing said of volumes", set(instanceType, "jump", "rootBlockDevice", nil), "EC2 Instance jump"},
		{"EC2.181", "a second volume in clear",
			set(instanceType, "jump", "ebsBlockDevices", []any{in{"deviceName": "/dev/sdb"}}), "EC2 Instance jump"},
		{"CKV_AWS_46", "a password", userDataOf("#!/bin/sh\nexport DB_PASSWORD=correct-horse\n"), "LaunchTemplate app"},
		{"CKV_AWS_46", "a password in YAML", userDataOf("#cloud-config\npassword: hunter2hunter2\n"),
			"LaunchTemplate app"},
		{"CKV_AWS_46", "an access key", userDataOf("#!/bin/sh\nid=AKIAIOSFODNN7EXAMPLE\n"), "LaunchTemplate app"},
		{"CKV_AWS_46", "a private key", userDataOf("cat <<E\n-----BEGIN OPENSSH PRIVATE KEY-----\n"),
			"LaunchTemplate app"},
		{"CKV_AWS_46", "credentials in a URL", userDataOf("curl https://me:letmein@example.org/\n"),
			"LaunchTemplate app"},
		{"CKV_AWS_46", "random characters", userDataOf("#!/bin/sh\nlogin 7hQ2mXv9LpRz4KdTnB8w\n"),
			"LaunchTemplate app"},
		{"CKV_AWS_46", "secret user-data", set(instanceType, "jump", "userData", graph.Secret), "EC2 Instance jump"},
		{"CKV_AWS_46", "user-data in a form that nobody reads", set(templateType, "app", "userData", "#!/bin/sh"),
			"LaunchTemplate app"},
		{"CKV_AWS_46", "a value of the program's", func(b *graphtest.Builder) {
			b.Leak(templateType, "app", "userData")
		}, "LaunchTemplate app"},
		{"CKV_AWS_23", "a rule without a description", set(ingressType, "lb to app 8080", "description", nil),
			"SecurityGroupIngressRule lb to app 8080"},
		{"CKV_AWS_23", "a group with the provider's", set(securityGroupType, "app", "description", "Managed by Pulumi"),
			"SecurityGroup app"},
		{"CKV_AWS_382", "all ports out", set(egressType, "app to internet 443", "ipProtocol", "-1"),
			"SecurityGroupEgressRule app to internet 443"},
		{"CKV_AWS_382", "the database out", func(b *graphtest.Builder) { policytest.Allow(b, "db", "internet", 443) },
			"SecurityGroupEgressRule db to internet 443"},
		{"Plan.EC2.1", "too much user-data", userDataOf(strings.Repeat("# fill\n", 3000)), "LaunchTemplate app"},
		{"SSM.1", "no profile", set(instanceType, "jump", "iamInstanceProfile", nil), "EC2 Instance jump"},
		{"SSM.1", "a role without the agent's rights",
			set(rolePolicyType, "app", "policy",
				policytest.PolicyText(in{"Effect": "Allow", "Action": "s3:GetObject",
					"Resource": policytest.BucketName})),
			"LaunchTemplate app"},

		{"ELB.1", "HTTP that serves", set(listenerType, "http", "defaultActions", []any{in{"type": "forward"}}),
			"ELB Listener http"},
		{"ELB.1", "a redirect to HTTP",
			set(listenerType, "http", "defaultActions",
				[]any{in{"type": "redirect", "redirect": in{"protocol": "HTTP"}}}), "ELB Listener http"},
		{"ELB.4", "headers let through", set(balancerType, "lb", "dropInvalidHeaderFields", nil),
			"ELB LoadBalancer lb"},
		{"ELB.5", "logs off", set(balancerType, "lb", "accessLogs.enabled", false), "ELB LoadBalancer lb"},
		{"ELB.5", "logs to nowhere", set(balancerType, "lb", "accessLogs.bucket", "elsewhere"), "ELB LoadBalancer lb"},
		{"ELB.6", "no protection", set(balancerType, "lb", "enableDeletionProtection", false), "ELB LoadBalancer lb"},
		{"ELB.12", "monitor only", set(balancerType, "lb", "desyncMitigationMode", "monitor"), "ELB LoadBalancer lb"},
		{"ELB.13", "one zone", set(balancerType, "lb", "subnets", []string{"subnet-public-a"}), "ELB LoadBalancer lb"},
		{"ELB.17", "an old policy", set(listenerType, "https", "sslPolicy", "ELBSecurityPolicy-2016-08"),
			"ELB Listener https"},
		{"ELB.17", "one that takes TLS 1.0",
			set(listenerType, "https", "sslPolicy", "ELBSecurityPolicy-TLS13-1-0-2021-06"), "ELB Listener https"},
		{"ELB.18", "no certificate", set(listenerType, "https", "certificateArn", nil), "ELB Listener https"},
		{"ELB.18", "no listener for HTTPS", remove(listenerType, "https"), "ELB LoadBalancer lb"},
		{"CKV_AWS_261", "no health check", set(targetGroupType, "app", "healthCheck", nil), "ELB TargetGroup app"},
		{"CKV_AWS_378", "targets that others reach too", func(b *graphtest.Builder) {
			policytest.Allow(b, "jump", "app", 8080)
		}, "ELB TargetGroup app"},
		{"CKV_AWS_378", "targets in public subnets",
			set(groupType, "app", "vpcZoneIdentifiers", []string{"subnet-public-a", "subnet-public-b"}),
			"ELB TargetGroup app"},
		{"CKV2_AWS_28", "no firewall although one was chosen", remove(webACLAssociationType, "lb"),
			"ELB LoadBalancer lb"},

		{"AutoScaling.1", "EC2's checks only", set(groupType, "app", "healthCheckType", "EC2"),
			"Auto Scaling Group app"},
		{"AutoScaling.1", "no target group", set(groupType, "app", "targetGroupArns", nil), "Auto Scaling Group app"},
		{"AutoScaling.2", "one zone", set(groupType, "app", "vpcZoneIdentifiers", []string{"subnet-private-a"}),
			"Auto Scaling Group app"},
		{"AutoScaling.9", "no template", set(groupType, "app", "launchTemplate", nil), "Auto Scaling Group app"},
		{"AutoScaling.9", "a launch configuration",
			func(b *graphtest.Builder) { b.Add(configurationType, "old", in{}) }, "LaunchConfiguration old"},
		{"Plan.AutoScaling.1", "$Latest", set(groupType, "app", "launchTemplate.version", "$Latest"),
			"Auto Scaling Group app"},
		{"Plan.AutoScaling.3", "scaled by CPU without detailed monitoring", func(b *graphtest.Builder) {
			b.Add("aws:autoscaling/policy:Policy", "cpu",
				in{"autoscalingGroupName": b.Get(groupType, "app").ID, "targetTrackingConfiguration": in{
					"predefinedMetricSpecification": in{"predefinedMetricType": "ASGAverageCPUUtilization"}}})
		}, "Auto Scaling Group app"},
		{"Plan.AutoScaling.2", "capacity set back", func(b *graphtest.Builder) {
			b.Get(groupType, "app").Options.IgnoreChanges = nil
		}, "Auto Scaling Group app"},

		{"RDS.2", "public", set(databaseType, "db", "publiclyAccessible", true), "RDS Instance db"},
		{"RDS.2", "in a public subnet",
			set(subnetGroupType, "db", "subnetIds", []string{"subnet-private-a", "subnet-public-b"}),
			"RDS SubnetGroup db"},
		{"RDS.2", "in no known subnet", set(databaseType, "db", "dbSubnetGroupName", nil), "RDS Instance db"},
		{"RDS.3", "in clear", set(databaseType, "db", "storageEncrypted", nil), "RDS Instance db"},
		{"RDS.5", "one zone", set(databaseType, "db", "multiAz", false), "RDS Instance db"},
		{"RDS.8", "no protection", set(databaseType, "db", "deletionProtection", false), "RDS Instance db"},
		{"RDS.8", "no final snapshot", set(databaseType, "db", "skipFinalSnapshot", true), "RDS Instance db"},
		{"RDS.9", "no slow query log", set(databaseType, "db", "enabledCloudwatchLogsExports", []string{"error"}),
			"RDS Instance db"},
		{"RDS.11", "three days", set(databaseType, "db", "backupRetentionPeriod", 3), "RDS Instance db"},
		{"RDS.13", "no minor upgrades", set(databaseType, "db", "autoMinorVersionUpgrade", false), "RDS Instance db"},
		{"RDS.17", "no tags", set(databaseType, "db", "copyTagsToSnapshot", nil), "RDS Instance db"},
		{"RDS.23", "an open default port", func(b *graphtest.Builder) { policytest.Allow(b, "lb", "db", 3306) },
			"RDS Instance db"},
		{"RDS.25", "admin", set(databaseType, "db", "username", "Admin"), "RDS Instance db"},
		{"CKV2_AWS_69", "TLS as one likes",
			set(parameterGroupType, "db", "parameters", []any{in{"name": "require_secure_transport", "value": "0"}}),
			"RDS ParameterGroup db"},
		{"CKV2_AWS_69", "the default parameters", set(databaseType, "db", "parameterGroupName", "default.mysql8.4"),
			"RDS Instance db"},
		{"CKV_AWS_353", "off", set(databaseType, "db", "performanceInsightsEnabled", false), "RDS Instance db"},

		{"S3.5", "another bucket's statement",
			set(bucketPolicyType, "files", "policy", policytest.PolicyText(policytest.TLSOnly("arn:aws:s3:::other"))),
			"BucketV2 files"},
		{"S3.5", "with a second condition, which takes it back", func(b *graphtest.Builder) {
			s := policytest.TLSOnly(graph.Text(b.Get(bucketType, "files").Output("arn")))
			s["Condition"] = in{"Bool": in{"aws:SecureTransport": "false"},
				"StringEquals": in{"aws:PrincipalAccount": "1"}}
			b.Set(bucketPolicyType, "files", "policy", policytest.PolicyText(s))
		}, "BucketV2 files"},
		{"S3.5", "unknown", set(bucketPolicyType, "files", "policy", graph.Unknown), "S3 BucketPolicy files"},
		{"S3.8", "one way open", set(blockType, "files", "restrictPublicBuckets", false),
			"BucketPublicAccessBlock files"},
		{"S3.8", "no block", remove(blockType, "logs"), "BucketV2 logs"},
		{"S3.8", "a public policy", func(b *graphtest.Builder) {
			arn := graph.Text(b.Get(bucketType, "files").Output("arn"))
			b.Set(bucketPolicyType, "files", "policy",
				policytest.PolicyText(policytest.TLSOnly(arn),
					in{"Effect": "Allow", "Principal": in{"AWS": "*"}, "Action": "s3:GetObject", "Resource": arn +
						"/*"}))
		}, "S3 BucketPolicy files"},
		{"S3.9", "not logged", remove(bucketLoggingType, "files"), "BucketV2 files"},
		{"S3.9", "into itself", set(bucketLoggingType, "files", "targetBucket", "bucketv2-files"), "BucketV2 files"},
		{"S3.12", "ACLs may be used", set(bucketOwnershipType, "files", "rule.objectOwnership", "BucketOwnerPreferred"),
			"BucketV2 files"},
		{"S3.12", "an ACL", func(b *graphtest.Builder) {
			b.Add(bucketACLType, "files", in{"bucket": "bucketv2-files", "acl": "private"})
		}, "BucketAclV2 files"},
		{"S3.13", "unfinished uploads stay",
			set(bucketLifecycleType, "files", "rules", []any{in{"status": "Enabled", "expiration": in{"days": 1}}}),
			"BucketV2 files"},
		{"S3.13", "only below a prefix", set(bucketLifecycleType, "files", "rules", []any{
			in{"status": "Enabled", "filter": in{"prefix": "tmp/"},
				"abortIncompleteMultipartUpload": in{"daysAfterInitiation": 1}}}), "BucketV2 files"},
		{"S3.13", "turned off", set(bucketLifecycleType, "logs", "rules", []any{
			in{"status": "Disabled", "abortIncompleteMultipartUpload": in{"daysAfterInitiation": 1}}}),
			"BucketV2 logs"},
		{"S3.14", "no versions", remove(bucketVersioningType, "files"), "BucketV2 files"},
		{"S3.14", "versions for ever",
			set(bucketLifecycleType, "files", "rules",
				[]any{in{"status": "Enabled", "abortIncompleteMultipartUpload": in{"daysAfterInitiation": 1}}}),
			"BucketV2 files"},
		{"S3.14", "logs for ever",
			set(bucketLifecycleType, "logs", "rules",
				[]any{in{"status": "Enabled", "abortIncompleteMultipartUpload": in{"daysAfterInitiation": 1}}}),
			"BucketV2 logs"},
		{"CKV_AWS_145", "nothing said", remove(bucketEncryptionType, "files"), "BucketV2 files"},

		{"DynamoDB.2", "no recovery", set(tableType, "files", "pointInTimeRecovery", nil), "DynamoDB Table files"},
		{"DynamoDB.6", "no protection", set(tableType, "files", "deletionProtectionEnabled", false),
			"DynamoDB Table files"},

		{"Cognito.5", "a second factor for who wants one", func(b *graphtest.Builder) {
			b.Add(userPoolType, "users", in{"mfaConfiguration": "OPTIONAL", "deletionProtection": "ACTIVE"})
		}, "UserPool users"},
		{"Cognito.6", "no protection of users", func(b *graphtest.Builder) {
			b.Add(userPoolType, "users", in{"mfaConfiguration": "ON"})
		}, "UserPool users"},

		{"IAM.21", "every action of a service",
			grant(in{"Effect": "Allow", "Action": "s3:*", "Resource": policytest.BucketName}), "RolePolicy other"},
		{"IAM.21", "all but some",
			grant(in{"Effect": "Allow", "NotAction": "iam:*", "Resource": policytest.BucketName}), "RolePolicy other"},
		{"IAM.21", "no JSON", set(rolePolicyType, "app", "policy", "{"), "RolePolicy app"},
		{"CKV_AWS_355", "reading everything", grant(in{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
			"RolePolicy other"},
		{"CKV_AWS_355", "every table",
			grant(in{"Effect": "Allow", "Action": []string{"dynamodb:Query"},
				"Resource": []string{"arn:aws:dynamodb:eu-central-1:123456789012:table/*"}}), "RolePolicy other"},
		{"CKV_AWS_355", "all but some",
			grant(in{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a"}),
			"RolePolicy other"},
		{"CKV_AWS_355", "a policy of AWS's own", func(b *graphtest.Builder) {
			b.Add(rolePolicyAttachment, "core",
				in{"role": "role-app", "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"})
		}, "RolePolicyAttachment core"},
		{"CKV_AWS_355", "in a role itself",
			set(roleType, "app", "inlinePolicies",
				[]any{in{"name": "a",
					"policy": policytest.PolicyText(in{"Effect": "Allow", "Action": "ssm:GetParameters",
						"Resource": "*"})}}),
			"Role app"},
		{"CKV_AWS_290", "writing anywhere",
			grant(in{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::*/*"}), "RolePolicy other"},
		{"Plan.IAM.1", "everyone",
			set(roleType, "app", "assumeRolePolicy",
				policytest.PolicyText(in{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})),
			"Role app"},
		{"Plan.IAM.1", "a whole account",
			set(roleType, "app", "assumeRolePolicy",
				policytest.PolicyText(in{"Effect": "Allow", "Principal": in{"AWS": "arn:aws:iam::123456789012:root"},
					"Action": "sts:AssumeRole"})), "Role app"},
		{"Plan.IAM.2", "a user", func(b *graphtest.Builder) { b.Add(userType, "me", in{}) }, "IAM User me"},

		{"CKV_AWS_66", "for ever", set(logGroupType, "flow", "retentionInDays", nil), "LogGroup flow"},
		{"CKV_AWS_66", "a group that RDS would make", remove(logGroupType, "slowquery"), "RDS Instance db"},
		{"CKV_AWS_337", "a role that reads every parameter",
			grant(in{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}), "Parameter password"},
		{"Plan.Secrets.1", "a leak", func(b *graphtest.Builder) { b.Leak(parameterType, "host", "value") },
			"Parameter host"},
		{"Plan.Secrets.2", "a password in plain", set(databaseType, "db", "password", "correct horse"),
			"RDS Instance db"},
		{"Plan.Secrets.2", "a secret as String", set(parameterType, "host", "value", graph.Secret), "Parameter host"},
		{"Plan.Command.1", "any host", set(remoteCommandType, "schema", "connection.hostKey", nil), "Command schema"},
		{"Plan.Command.1", "no limit of dials", set(remoteCommandType, "schema", "connection.dialErrorLimit", -1),
			"Command schema"},
		{"Plan.Command.1", "no limit of time", set(remoteCommandType, "schema", "connection.perDialTimeout", 0),
			"Command schema"},
		{"Plan.Command.1", "a secret in the environment",
			set(remoteCommandType, "schema", "environment", in{"PASSWORD": graph.Secret}), "Command schema"},
	}
	tried := map[string]bool{}
	for _, c := range cases {
		tried[c.rule] = true
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			b := policytest.Stack(t)
			c.change(b)
			var found []Violation
			for _, v := range checked(b.Graph(), production).Broken() {
				if v.Rule == c.rule {
					found = append(found, v)
				}
			}
			if len(found) == 0 {
				t.Fatal("the rule is not broken")
			}
			if !slices.ContainsFunc(found, func(v Violation) bool { return v.Resource == c.at }) {
				t.Errorf("not found at %q: %v", c.at, found)
			}
			for _, v := range found {
				if v.Message == "" || v.Mend == "" || (v.Resource == "") != (v.URN == "") {
					t.Errorf("not all is said: %+v", v)
				}
			}
		})
	}
	for id := range unkept {
		tried[id] = true // by TestAGoodStackKeepsEveryRule
	}
	for _, rule := range Catalogue() {
		if !tried[rule.ID] {
			t.Errorf("nothing here breaks %s", rule.ID)
		}
	}
}

// A customer's own key keeps the rules that are kept by exceptions otherwise.
func TestOwnKeys(t *testing.T) {
	b := policytest.Stack(t)
	const key = "arn:aws:kms:eu-central-1:123456789012:key/a"
	b.Set(tableType, "files", "serverSideEncryption", in{"enabled": true, "kmsKeyArn": key})
	for _, name := range []string{"flow", "error", "slowquery"} {
		b.Set(logGroupType, name, "kmsKeyId", key)
	}
	b.Set(parameterType, "password", "keyId", key)
	for _, name := range []string{"files", "logs"} {
		b.Set(bucketEncryptionType, name, "rules",
			[]any{in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}}})
	}
	for _, result := range checked(b.Graph(), production).Results {
		if slices.Contains([]string{"CKV_AWS_119", "CKV_AWS_158", "CKV_AWS_337", "CKV_AWS_145"}, result.Rule.ID) &&
			result.Verdict != Kept {
			t.Errorf("%s is %s", result.Rule.ID, result.Verdict)
		}
	}
}

// TestNothingIsKeptByAbsence: a rule whose subject the stack lacks is not asked, and broken where the stack is meant to
// have it.
func TestNothingIsKeptByAbsence(t *testing.T) {
	empty := graphtest.New(t).Graph()
	free := []string{"Plan.IAM.2", "Plan.Secrets.1", "Plan.Secrets.2", "Plan.Command.1"}
	for _, set := range []Set{{Environment: production, Complete: true}, {Complete: true}, {Environment: production}} {
		set.Rules = Catalogue()
		env := set.Environment
		for _, result := range set.Check(empty).Results {
			want := Broken
			if !set.Complete {
				want = NotAsked
			}
			switch {
			case result.Rule.Optional:
				want = NotAsked
			case slices.Contains(free, result.Rule.ID):
				want = Kept // rules about what should not be there
			case result.Rule.Production && !env.Production:
				want = NotAsked
			}
			if result.Verdict != want {
				t.Errorf("%s is %s in an empty graph of %+v (complete %t), want %s", result.Rule.ID, result.Verdict,
					env,
					set.Complete, want)
			}
		}
	}
}

func TestVersionsAndIDsAreNoSecrets(t *testing.T) {
	b := policytest.Stack(t)
	const version = "7hQ2mXv9LpRz4KdTnB8wJc5Ys3Fg"
	b.Add("s3/bucketObjectv2:BucketObjectv2", "release", in{"versionId": version})
	b.Set(instanceType, "jump", "userData", "#!/bin/sh\nfetch "+version+"\nPASSWORD=$(parameter "+
		"db/password)\nToken: \"$TOKEN\"\n# The password: read from Parameter Store.\n")
	for _, v := range checked(b.Graph(), production).Broken() {
		if unkept[v.Rule] {
			continue
		}
		t.Error(v)
	}
}

func TestWide(t *testing.T) {
	cases := map[string]bool{
		"*":              true,
		"arn:aws:s3:::*": true,
		"arn:aws:dynamodb:eu-central-1:1:table/*":                                        true,
		"arn:aws:ssm:eu-central-1:1:parameter/*":                                         true,
		"arn:aws:logs:eu-central-1:1:log-group:*":                                        true,
		"arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:*:autoScalingGroupName/*":   true,
		"arn:aws:s3:::files/*":                                                           false,
		"arn:aws:s3:::table/*":                                                           false,
		"arn:aws:s3:::files":                                                             false,
		"arn:aws:ssm:eu-central-1:1:parameter/dossier":                                   false,
		"arn:aws:ssm:eu-central-1:1:parameter/dossier/dev/*":                             false,
		"arn:aws:logs:eu-central-1:1:log-group:/dossier/dev/app:*":                       false,
		"arn:aws:dynamodb:eu-central-1:1:table/files/index/*":                            false,
		"arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:*:autoScalingGroupName/app": false,
		"arn:aws:ec2:eu-central-1:1:instance/*":                                          false,
	}
	for resource, want := range cases {
		if got := wide(resource); got != want {
			t.Errorf("wide(%q) is %t", resource, got)
		}
	}
}

func TestReport(t *testing.T) {
	report := Set{Environment: Environment{Name: "dev"}, Rules: []Rule{
		{ID: "A.1", Says: "All is well.", Check: func(*graph.Graph, Environment) []Violation { return nil }},
		{ID: "A.2", Says: "It is <so>.", Check: func(g *graph.Graph, _ Environment) []Violation {
			return []Violation{At(&graph.Resource{Token: "a:b:Thing", Name: "x", URN: "u"}, "mend it", "is | bad")}
		}},
		{ID: "A.3", Production: true, Otherwise: "It costs."},
		{ID: "A.4", Check: func(*graph.Graph,
			Environment) []Violation {
			return []Violation{{Message: "m", Mend: "n"}}
		},
			Exceptions: []Exception{{Reason: "No.", When: "In dev.",
				Holds: func(_ *graph.Graph, env Environment, _ Violation) bool { return env.Name == "dev" }}}},
	}}.Check(graphtest.New(t).Graph())
	wantText := `dev: 4 rules, 1 kept, 1 excepted, 1 not asked, 1 broken
RULE  VERDICT    RESOURCE  REASON
A.1   kept       -         All is well.
A.2   broken     Thing x   is | bad; mend it
A.3   not asked  -         It costs.
A.4   excepted   -         No.
`
	if got := report.Text(); got != wantText {
		t.Errorf("got\n%swant\n%s", got, wantText)
	}
	wantMarkdown := `dev: 4 rules, 1 kept, 1 excepted, 1 not asked, 1 broken

| Rule | Verdict | Resource | Reason |
| --- | --- | --- | --- |
| A.1 | kept | | All is well. |
| A.2 | **broken** | Thing x | is \| bad; mend it |
| A.3 | not asked | | It costs. |
| A.4 | excepted | | No. |
`
	if got := report.Markdown(); got != wantMarkdown {
		t.Errorf("got\n%swant\n%s", got, wantMarkdown)
	}
	if got := report.Broken(); len(got) != 1 || got[0].String() != "A.2: Thing x: is | bad; mend it" {
		t.Errorf("broken: %v", got)
	}
}
