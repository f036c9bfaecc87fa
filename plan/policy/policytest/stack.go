// Package policytest builds the graph of a small three-tier stack for tests of rules. Only tests import it.
package policytest

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

type in = graphtest.In

// The types of the resources that Stack has more than one test's interest in.
const (
	balancerType          = "aws:lb/loadBalancer:LoadBalancer"
	blockType             = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
	bucketEncryptionType  = "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"
	bucketLifecycleType   = "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	bucketLoggingType     = "aws:s3/bucketLoggingV2:BucketLoggingV2"
	bucketOwnershipType   = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
	bucketPolicyType      = "aws:s3/bucketPolicy:BucketPolicy"
	bucketType            = "aws:s3/bucketV2:BucketV2"
	bucketVersioningType  = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	databaseType          = "aws:rds/instance:Instance"
	defaultGroupType      = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
	flowLogType           = "aws:ec2/flowLog:FlowLog"
	groupType             = "aws:autoscaling/group:Group"
	instanceType          = "aws:ec2/instance:Instance"
	listenerType          = "aws:lb/listener:Listener"
	logGroupType          = "aws:cloudwatch/logGroup:LogGroup"
	parameterGroupType    = "aws:rds/parameterGroup:ParameterGroup"
	parameterType         = "aws:ssm/parameter:Parameter"
	profileType           = "aws:iam/instanceProfile:InstanceProfile"
	remoteCommandType     = "command:remote:Command"
	rolePolicyType        = "aws:iam/rolePolicy:RolePolicy"
	roleType              = "aws:iam/role:Role"
	securityGroupType     = "aws:ec2/securityGroup:SecurityGroup"
	subnetGroupType       = "aws:rds/subnetGroup:SubnetGroup"
	subnetType            = "aws:ec2/subnet:Subnet"
	tableType             = "aws:dynamodb/table:Table"
	targetGroupType       = "aws:lb/targetGroup:TargetGroup"
	templateType          = "aws:ec2/launchTemplate:LaunchTemplate"
	vpcType               = "aws:ec2/vpc:Vpc"
	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"
)

// Stack returns a small stack that keeps every rule but those that need a key of its own in KMS, HTTPS to targets,
// another database port, no public address or logs of the logs. Tests break it in one place each.
func Stack(t *testing.T) *graphtest.Builder {
	t.Helper()
	b := graphtest.New(t)
	ground(b)
	buckets(b)
	site(b)
	machines(b)
	data(b)
	return b
}

func ground(b *graphtest.Builder) {
	vpc := b.Add(vpcType, "vpc", in{"cidrBlock": "10.0.0.0/16"})
	b.Add(defaultGroupType, "default", in{"vpcId": vpc.ID})
	log := b.Add(logGroupType, "flow", in{"name": "/dossier/flow", "retentionInDays": 30})
	b.Add(flowLogType, "flow", in{"vpcId": vpc.ID, "trafficType": "REJECT", "logDestination": log.Output("arn")})
	igw := b.Add("ec2/internetGateway:InternetGateway", "igw", in{"vpcId": vpc.ID})
	for name, cidr := range map[string]string{"public-a": "10.0.0.0/24", "public-b": "10.0.1.0/24",
		"private-a": "10.0.2.0/24", "private-b": "10.0.3.0/24"} {
		subnet := b.Add(subnetType, name, in{"vpcId": vpc.ID, "cidrBlock": cidr, "availabilityZone": name[len(name)-1:],
			"mapPublicIpOnLaunch": false})
		table := b.Add("ec2/routeTable:RouteTable", name, in{"vpcId": vpc.ID})
		b.Add("ec2/routeTableAssociation:RouteTableAssociation", name,
			in{"subnetId": subnet.ID, "routeTableId": table.ID})
		route := in{"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": igw.ID}
		if name[:3] == "pri" {
			route = in{"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "natgateway-nat"}
		}
		b.Add("ec2/route:Route", name, route)
	}
	eip := b.Add("ec2/eip:Eip", "nat", in{"domain": "vpc"})
	b.Add("ec2/natGateway:NatGateway", "nat", in{"subnetId": "subnet-public-a", "allocationId": eip.ID})

	for _, name := range []string{"lb", "app", "db", "jump"} {
		b.Add(securityGroupType, name, in{"vpcId": vpc.ID, "description": "Group of " + name})
	}
	Allow(b, "internet", "lb", 80)
	Allow(b, "internet", "lb", 443)
	Allow(b, "lb", "app", 8080)
	Allow(b, "app", "db", 3306)
	Allow(b, "jump", "db", 3306)
	Allow(b, "app", "internet", 443)
	Allow(b, "jump", "internet", 443)
	Allow(b, "203.0.113.0/24", "jump", 22)
}

const (
	ingressType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	egressType  = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
)

// Allow adds the rules that let one end reach the other.
func Allow(b *graphtest.Builder, from, to string, port int) {
	side := func(kind, of, peer, name string) {
		inputs := in{"securityGroupId": "securitygroup-" + of, "ipProtocol": "tcp", "fromPort": port, "toPort": port,
			"description": name}
		switch peer {
		case "internet":
			inputs["cidrIpv4"] = "0.0.0.0/0"
		case "lb", "app", "db", "jump", "nat":
			inputs["referencedSecurityGroupId"] = "securitygroup-" + peer
		default:
			inputs["cidrIpv4"] = peer
		}
		b.Add(kind, name, inputs)
	}
	name := from + " to " + to + " " + graph.Ports{From: port, To: port}.String()
	group := func(end string) bool {
		return end == "lb" || end == "app" || end == "db" || end == "jump" || end == "nat"
	}
	if group(to) {
		side(ingressType, to, from, name)
	}
	if group(from) {
		side(egressType, from, to, name)
	}
}

// PolicyText writes a policy document.
func PolicyText(statements ...in) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TLSOnly is the statement that refuses plain HTTP to a bucket.
func TLSOnly(arn string) in {
	return in{"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource":  []string{arn, arn + "/*"},
		"Condition": in{"Bool": in{"aws:SecureTransport": "false"}}}
}

func buckets(b *graphtest.Builder) {
	for _, name := range []string{"logs", "files"} {
		bucket := b.Add(bucketType, name, in{})
		arn := graph.Text(bucket.Output("arn"))
		b.Add(blockType, name, in{"bucket": bucket.ID, "blockPublicAcls": true, "blockPublicPolicy": true,
			"ignorePublicAcls": true, "restrictPublicBuckets": true})
		b.Add(bucketOwnershipType, name, in{"bucket": bucket.ID, "rule": in{"objectOwnership": "BucketOwnerEnforced"}})
		b.Add(bucketPolicyType, name, in{"bucket": bucket.ID, "policy": PolicyText(TLSOnly(arn))})
		b.Add(bucketEncryptionType, name,
			in{"bucket": bucket.ID,
				"rules": []any{in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "AES256"}}}})
		rules := []any{in{"id": "abort", "status": "Enabled", "filter": in{"prefix": ""},
			"abortIncompleteMultipartUpload": in{"daysAfterInitiation": 7}}}
		if name == "logs" {
			rules = append(rules, in{"id": "expire", "status": "Enabled", "filter": in{}, "expiration": in{"days": 90}})
		} else {
			rules = append(rules,
				in{"id": "forget", "status": "Enabled", "noncurrentVersionExpiration": in{"noncurrentDays": 30}})
			b.Add(bucketVersioningType, name,
				in{"bucket": bucket.ID, "versioningConfiguration": in{"status": "Enabled"}})
			b.Add(bucketLoggingType, name,
				in{"bucket": bucket.ID, "targetBucket": "bucketv2-logs", "targetPrefix": "s3/"})
		}
		b.Add(bucketLifecycleType, name, in{"bucket": bucket.ID, "rules": rules})
	}
}

func site(b *graphtest.Builder) {
	lb := b.Add(balancerType, "lb", in{
		"internal": false, "subnets": []string{"subnet-public-a", "subnet-public-b"},
		"securityGroups":          []string{"securitygroup-lb"},
		"dropInvalidHeaderFields": true, "desyncMitigationMode": "defensive", "enableDeletionProtection": true,
		"accessLogs": in{"bucket": "bucketv2-logs", "enabled": true},
	})
	tg := b.Add(targetGroupType, "app", in{"port": 8080, "protocol": "HTTP", "healthCheck": in{"path": "/livez"}})
	b.Add(listenerType, "https", in{"loadBalancerArn": lb.Output("arn"), "port": 443, "protocol": "HTTPS",
		"certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/a",
		"sslPolicy":      "ELBSecurityPolicy-TLS13-1-2-2021-06",
		"defaultActions": []any{in{"type": "forward", "targetGroupArn": tg.Output("arn")}}})
	b.Add(listenerType, "http", in{"loadBalancerArn": lb.Output("arn"), "port": 80, "protocol": "HTTP",
		"defaultActions": []any{in{"type": "redirect",
			"redirect": in{"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}}})
	b.Add(webACLAssociationType, "lb",
		in{"resourceArn": lb.Output("arn"), "webAclArn": "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/b"})
}

const (
	userData = "#!/bin/sh\nset -eu\nfetch \"$(parameter db/password)\" " +
		"releases/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.tar.gz\n"
	TrustEC2   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	BucketName = "arn:aws:s3:::files/files/*"
)

func machines(b *graphtest.Builder) {
	for _, name := range []string{"app", "jump"} {
		role := b.Add(roleType, name, in{"assumeRolePolicy": TrustEC2})
		b.Add(rolePolicyType, name, in{"role": role.ID, "policy": PolicyText(
			in{"Sid": "Agent", "Effect": "Allow",
				"Action": []string{"ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel",
					"ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
					"ssmmessages:OpenDataChannel", "ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage",
					"ec2messages:FailMessage", "ec2messages:GetEndpoint",
					"ec2messages:GetMessages", "ec2messages:SendReply"}, "Resource": "*"},
			in{"Sid": "Files", "Effect": "Allow", "Action": []string{"s3:GetObject", "s3:PutObject"},
				"Resource": []string{BucketName}},
		)})
		b.Add(profileType, name, in{"role": role.ID})
	}
	metadata := in{"httpTokens": "required", "httpPutResponseHopLimit": 1}
	template := b.Add(templateType, "app", in{
		"metadataOptions": metadata, "userData": base64.StdEncoding.EncodeToString([]byte(userData)),
		"iamInstanceProfile": in{"arn": b.Get(profileType, "app").Output("arn")},
		"networkInterfaces": []any{in{"associatePublicIpAddress": "false",
			"securityGroups": []string{"securitygroup-app"}}},
		"blockDeviceMappings": []any{in{"deviceName": "/dev/xvda", "ebs": in{"encrypted": "true"}}},
	})
	group := b.Add(groupType, "app", in{
		"vpcZoneIdentifiers": []string{"subnet-private-a", "subnet-private-b"},
		"targetGroupArns":    []any{b.Get(targetGroupType, "app").Output("arn")},
		"launchTemplate":     in{"id": template.ID, "version": "3"}, "healthCheckType": "ELB", "desiredCapacity": 2,
	})
	group.Options.IgnoreChanges = []string{"desiredCapacity"}
	b.Add(instanceType, "jump", in{
		"subnetId": "subnet-public-a", "vpcSecurityGroupIds": []string{"securitygroup-jump"},
		"associatePublicIpAddress": true,
		"metadataOptions":          metadata, "rootBlockDevice": in{"encrypted": true},
		"iamInstanceProfile": b.Get(profileType, "jump").ID, "userData": userData,
	}, "jump")
	b.Add(remoteCommandType, "schema", in{
		"connection": in{"host": "192.0.2.1", "user": "ec2-user", "privateKey": graph.Secret,
			"hostKey": "ssh-ed25519 AAAA", "dialErrorLimit": 60, "perDialTimeout": 10},
		"create": "#!/bin/sh\n",
	})
}

func data(b *graphtest.Builder) {
	subnets := b.Add(subnetGroupType, "db",
		in{"name": "db-subnets", "subnetIds": []string{"subnet-private-a", "subnet-private-b"}})
	parameters := b.Add(parameterGroupType, "db",
		in{"name": "db-parameters", "parameters": []any{in{"name": "require_secure_transport", "value": "1"}}})
	for _, kind := range []string{"error", "slowquery"} {
		b.Add(logGroupType, kind, in{"name": "/aws/rds/instance/dossier/" + kind, "retentionInDays": 30})
	}
	b.Add(databaseType, "db", in{
		"identifier": "dossier", "engine": "mysql", "engineVersion": "8.4",
		"engineLifecycleSupport": "open-source-rds-extended-support-disabled",
		"instanceClass":          "db.m7g.large", "storageEncrypted": true, "multiAz": true,
		"publiclyAccessible": false,
		"username":           "dossier_admin", "password": graph.Secret,
		"dbSubnetGroupName": subnets.Input("name"), "vpcSecurityGroupIds": []string{"securitygroup-db"},
		"parameterGroupName":    parameters.Input("name"),
		"backupRetentionPeriod": 14, "autoMinorVersionUpgrade": true, "copyTagsToSnapshot": true,
		"enabledCloudwatchLogsExports": []string{"error", "slowquery"},
		"performanceInsightsEnabled":   true, "deletionProtection": true, "skipFinalSnapshot": false,
	})
	b.Add(tableType, "files", in{"pointInTimeRecovery": in{"enabled": true}, "deletionProtectionEnabled": true})
	b.Add(parameterType, "password", in{"type": "SecureString", "value": graph.Secret})
	b.Add(parameterType, "host", in{"type": "String", "value": "db.example.org"})
}
