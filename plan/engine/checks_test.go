package engine

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// in are inputs.
type in map[string]any

func (i in) properties() resource.PropertyMap { return resource.NewPropertyMapFromMap(i) }

// with is the inputs with some others; what is nil is left out.
func (i in) with(more in) in {
	all := maps.Clone(i)
	for key, v := range more {
		if v == nil {
			delete(all, key)
			continue
		}
		all[key] = v
	}
	return all
}

// policy is a policy document with one statement.
func policyOf(statement string) string {
	return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
}

const (
	identity = `{"Sid":"A","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::files/*"]}`
	onBucket = `{"Sid":"A","Effect":"Deny","Principal":"*","Action":"s3:*",` +
		`"Resource":["arn:aws:s3:::files","arn:aws:s3:::files/*"]}`
	scanTrust = `{"Effect":"Allow","Principal":{"Service":"malware-protection-plan.guardduty.amazonaws.com"},` +
		`"Action":"sts:AssumeRole"}`
	scanIdentity = `{"Effect":"Allow","Action":["s3:ListBucket","s3:PutBucketNotification","s3:PutObject",` +
		`"events:PutRule","events:PutTargets"],"Resource":["arn:aws:s3:::files","arn:aws:s3:::files/*",` +
		`"arn:aws:events:us-east-1:123456789012:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"]}`
	trust = `{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`
)

func list(items ...any) []any { return items }

// good are inputs that are accepted, one for each type that has rules.
var good = map[string]in{
	vpcType:            {"cidrBlock": "10.0.0.0/16", "tags": in{"Name": "vpc"}},
	subnetType:         {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20"},
	securityGroupType:  {"vpcId": "vpc-1", "name": "lb", "description": "Load balancer of dossier-dev"},
	ingressType:        {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 80, "toPort": 80, "cidrIpv4": "0.0.0.0/0", "description": "Browsers"},
	egressType:         {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 80, "toPort": 80, "referencedSecurityGroupId": "sg-2"},
	routeType:          {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"},
	natType:            {"subnetId": "subnet-1", "allocationId": "eipalloc-1", "connectivityType": "public"},
	endpointType:       {"vpcId": "vpc-1", "vpcEndpointType": "Gateway", "serviceName": "com.amazonaws.us-east-1.s3", "routeTableIds": list("rtb-1")},
	flowLogType:        {"vpcId": "vpc-1", "trafficType": "REJECT", "logDestinationType": "cloud-watch-logs", "logDestination": "arn", "iamRoleArn": "arn", "maxAggregationInterval": 600},
	associationType:    {"subnetId": "subnet-1", "routeTableId": "rtb-1"},
	eipAssociationType: {"allocationId": "eipalloc-1", "instanceId": "i-1"},
	instanceType: {
		"ami": "ami-0123456789abcdef0", "instanceType": "t4g.nano", "subnetId": "subnet-1", "userData": "#!/bin/sh\n",
		"metadataOptions": in{"httpTokens": "required", "httpPutResponseHopLimit": 1}, "rootBlockDevice": in{"volumeType": "gp3", "volumeSize": 8},
	},
	templateType: {
		"imageId": "ami-0123456789abcdef0", "instanceType": "t4g.nano", "userData": base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")),
		"creditSpecification": in{"cpuCredits": "unlimited"}, "networkInterfaces": list(in{"associatePublicIpAddress": "false", "securityGroups": list("sg-1")}),
		"blockDeviceMappings": list(in{"deviceName": "/dev/xvda", "ebs": in{"volumeSize": 8, "encrypted": "true"}}),
		"tagSpecifications":   list(in{"resourceType": "instance", "tags": in{"Name": "app"}}),
	},
	keyPairType: {"publicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"},
	balancerType: {
		"loadBalancerType": "application", "subnets": list("subnet-1", "subnet-2"), "idleTimeout": 60, "accessLogs": in{"bucket": "logs", "prefix": "load-balancer", "enabled": true},
	},
	targetGroupType: {
		"vpcId": "vpc-1", "port": 8080, "protocol": "HTTP", "targetType": "instance", "deregistrationDelay": 3600,
		"healthCheck": in{"path": "/livez", "interval": 10, "timeout": 5, "healthyThreshold": 2, "matcher": "200"},
	},
	listenerType: {
		"loadBalancerArn": "arn", "port": 443, "protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06", "certificateArn": "arn",
		"defaultActions": list(in{"type": "forward", "targetGroupArn": "arn"}),
	},
	groupType: {
		"minSize": 1, "maxSize": 2, "desiredCapacity": 1, "launchTemplate": in{"id": "lt-1", "version": "1"}, "vpcZoneIdentifiers": list("subnet-1"), "healthCheckType": "ELB",
		"instanceMaintenancePolicy": in{"minHealthyPercentage": 100, "maxHealthyPercentage": 110}, "enabledMetrics": list("GroupMaxSize"),
		"tags": list(in{"key": "Name", "value": "app", "propagateAtLaunch": true}),
	},
	scalingPolicyType: {
		"autoscalingGroupName": "app", "policyType": "TargetTrackingScaling",
		"targetTrackingConfiguration": in{"targetValue": 50.5, "predefinedMetricSpecification": in{"predefinedMetricType": "ASGAverageCPUUtilization"}},
	},
	hookType: {"autoscalingGroupName": "app", "name": "ready", "lifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING", "heartbeatTimeout": 900, "defaultResult": "ABANDON"},
	databaseType: {
		"identifier": "dossier-dev", "instanceClass": "db.t4g.micro", "username": "dossier_admin", "password": "0123456789abcdef", "allocatedStorage": 20, "maxAllocatedStorage": 50,
		"backupRetentionPeriod": 3, "backupWindow": "02:00-03:00", "maintenanceWindow": "sun:03:30-sun:04:30", "enabledCloudwatchLogsExports": list("error"),
	},
	subnetGroupType:      {"subnetIds": list("subnet-1", "subnet-2")},
	parameterGroupType:   {"family": "mysql8.4", "parameters": list(in{"name": "slow_query_log", "value": "1", "applyMethod": "immediate"})},
	bucketType:           {"bucket": "dossier-files"},
	bucketObjectType:     {"bucket": "files", "key": "releases/1", "content": "x", "checksumAlgorithm": "SHA256"},
	bucketPolicyType:     {"bucket": "files", "policy": policyOf(onBucket)},
	bucketOwnershipType:  {"bucket": "files", "rule": in{"objectOwnership": "BucketOwnerEnforced"}},
	bucketEncryptionType: {"bucket": "files", "rules": list(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "AES256"}})},
	bucketVersioningType: {"bucket": "files", "versioningConfiguration": in{"status": "Enabled"}},
	bucketLifecycleType:  {"bucket": "files", "rules": list(in{"id": "expire", "status": "Enabled", "expiration": in{"days": 1}})},
	bucketCorsType:       {"bucket": "files", "corsRules": list(in{"allowedMethods": list("GET"), "allowedOrigins": list("https://files.example.org")})},
	malwarePlanType: {
		"role": "arn", "protectedResource": in{"s3Bucket": in{"bucketName": "files", "objectPrefixes": list("files/")}},
		"actions": list(in{"taggings": list(in{"status": "ENABLED"})}),
	},
	userPoolType: {
		"name": "staff", "mfaConfiguration": "ON", "softwareTokenMfaConfiguration": in{"enabled": true},
		"usernameAttributes": list("email"), "autoVerifiedAttributes": list("email"),
		"userAttributeUpdateSettings": in{"attributesRequireVerificationBeforeUpdates": list("email")},
		"accountRecoverySetting":      in{"recoveryMechanisms": list(in{"name": "verified_email", "priority": 1})},
		"passwordPolicy":              in{"minimumLength": 15, "temporaryPasswordValidityDays": 3},
		"adminCreateUserConfig": in{"allowAdminCreateUserOnly": true, "inviteMessageTemplate": in{
			"emailSubject": "Welcome", "emailMessage": "{username} {####}", "smsMessage": "{username} {####}"}},
		"userPoolTier": "ESSENTIALS", "deletionProtection": "ACTIVE",
	},
	poolClientType: {
		"userPoolId": "us-east-1_A1b2C3d4E", "name": "site", "generateSecret": true,
		"allowedOauthFlowsUserPoolClient": true, "allowedOauthFlows": list("code"),
		"allowedOauthScopes": list("openid"),
		"callbackUrls":       list("https://files.example.org/back", "http://localhost:8080/back"),
		"logoutUrls":         list("https://files.example.org/"), "authSessionValidity": 15, "idTokenValidity": 5,
		"refreshTokenValidity": 1, "tokenValidityUnits": in{"idToken": "minutes", "refreshToken": "hours"},
	},
	poolDomainType:   {"userPoolId": "us-east-1_A1b2C3d4E", "domain": "example-files", "managedLoginVersion": 2},
	poolGroupType:    {"userPoolId": "us-east-1_A1b2C3d4E", "name": "editor", "precedence": 1},
	cloudControlType: {"typeName": "AWS::Cognito::ManagedLoginBranding", "desiredState": `{"ClientId":"a"}`},

	tableType: {
		"billingMode": "PAY_PER_REQUEST", "hashKey": "person_id", "attributes": list(in{"name": "person_id", "type": "S"}), "ttl": in{"enabled": true, "attributeName": "expires_at"},
	},
	parameterType:   {"name": "/dossier/dev/db/host", "type": "String", "value": "db.example.org", "tier": "Standard"},
	roleType:        {"assumeRolePolicy": policyOf(trust), "description": "Instances"},
	rolePolicyType:  {"role": "app", "policy": policyOf(identity)},
	recordType:      {"zoneId": "Z0123456789", "name": "files.example.org", "type": "A", "records": list("192.0.2.1"), "ttl": 300},
	certificateType: {"domainName": "files.example.org", "validationMethod": "DNS", "keyAlgorithm": "EC_prime256v1"},
	logGroupType:    {"name": "/dossier/dev/app", "retentionInDays": 30},
	metricType: {
		"name": "damaged", "logGroupName": "/dossier/dev/app", "pattern": `{ ($.msg = "metrics") && ($.damaged = *) }`,
		"metricTransformation": in{"namespace": "dossier-dev", "name": "Damaged", "value": "$.damaged"},
	},
	alarmType:             {"metricName": "CPUUtilization", "namespace": "AWS/EC2", "period": 300, "threshold": 90, "statistic": "Average", "comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 3},
	dashboardType:         {"dashboardName": "dossier-dev", "dashboardBody": `{"widgets":[` + widget + `]}`},
	eventRuleType:         {"eventPattern": `{"source":["aws.autoscaling"]}`},
	eventTargetType:       {"rule": "failed", "arn": "arn"},
	topicType:             {"displayName": "dossier-dev"},
	topicPolicyType:       {"arn": "arn", "policy": policyOf(`{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"arn:aws:sns:us-east-1:123456789012:t"}`)},
	subscriptionType:      {"topic": "arn", "protocol": "email", "endpoint": "oncall@example.org"},
	localCommandType:      {"create": "true", "triggers": list("a", 1)},
	remoteCommandType:     {"create": "true", "connection": in{"host": "192.0.2.1", "user": "ec2-user", "privateKey": "key", "perDialTimeout": 10}},
	passwordType:          {"length": 32, "special": false, "minLower": 1},
	privateKeyType:        {"algorithm": "ED25519"},
	webACLAssociationType: {"resourceArn": "arn", "webAclArn": "arn"},
}

const widget = `{"type":"metric","x":0,"y":0,"width":8,"height":6,"properties":{"region":"us-east-1","metrics":[["AWS/EC2","CPUUtilization",{"stat":"Average"}]]}}`

// bad are changes of the good inputs, each of which is refused, and a part of what is said about it.
var bad = []struct {
	token string
	in    in
	want  string
}{
	// Names and types of inputs.
	{vpcType, in{"cidr": "10.0.0.0/16"}, "cidr is no input of this type"},
	{vpcType, in{"cidrBlock": 10}, "cidrBlock is number, and has to be a string"},
	{vpcType, in{"enableDnsSupport": "true"}, "has to be a bool"},
	{subnetType, in{"vpcId": nil}, "vpcId is required"},
	{ingressType, in{"fromPort": "80"}, "has to be an integer"},
	{ingressType, in{"fromPort": 80.5}, "is 80.5, and has to be an integer"},
	{alarmType, in{"threshold": "90"}, "has to be a number"},
	{balancerType, in{"subnets": "subnet-1"}, "subnets is string, and has to be a list"},
	{balancerType, in{"accessLogs": in{"bucket": "logs", "prefixes": "x"}}, "accessLogs.prefixes is no input"},
	{balancerType, in{"accessLogs": in{"enabled": true}}, "accessLogs.bucket is required"},
	{balancerType, in{"accessLogs": "logs"}, "has to be an object"},
	{groupType, in{"tags": list(in{"key": "a"})}, "tags[0].propagateAtLaunch is required"},
	{bucketObjectType, in{"content": nil, "source": "file"}, "has to be an asset or an archive"},
	{vpcType, in{"tags": "a"}, "has to be a map"},
	{webACLAssociationType, in{"webAclArn": nil}, "webAclArn is required"},

	// Tags and names.
	{vpcType, in{"tags": in{"aws:x": "y"}}, "AWS keeps aws: to itself"},
	{vpcType, in{"tags": in{"a": "b;c"}}, "allowed are letters, digits"},
	{vpcType, in{"tags": in{strings.Repeat("k", 129): "v"}}, "1 to 128 are allowed"},
	{vpcType, in{"tags": in{"k": strings.Repeat("v", 257)}}, "256 are allowed"},
	{vpcType, in{"tags": many(51)}, "has 51 elements"},
	{bucketObjectType, in{"tags": many(11)}, "has 11 elements"},
	{balancerType, in{"name": strings.Repeat("a", 33)}, "has 33 characters"},
	{balancerType, in{"name": "a-"}, "none at an end"},
	{securityGroupType, in{"name": "sg-1"}, "without sg- at its start"},
	{databaseType, in{"identifier": "a--b"}, "no two hyphens together"},
	{bucketType, in{"bucket": "Files"}, "lower-case"},
	{bucketType, in{"bucket": "files-s3alias"}, "AWS keeps to itself"},
	{bucketType, in{"bucket": "xn--files"}, "AWS keeps to itself"},

	// Network.
	{vpcType, in{"cidrBlock": "10.0.0.0/8"}, "/16 to /28"},
	{vpcType, in{"cidrBlock": "10.0.0.1/16"}, "its first address is 10.0.0.0/16"},
	{vpcType, in{"cidrBlock": "ten"}, "block of addresses"},
	{subnetType, in{"cidrBlock": "10.0.0.0/29"}, "/16 to /28"},
	{subnetType, in{"availabilityZone": "a", "availabilityZoneId": "b"}, "conflicts with"},
	{securityGroupType, in{"description": "The app's"}, "description is"},
	{securityGroupType, in{"ingress": list(in{"protocol": "tcp", "fromPort": 1, "toPort": 1})}, "fight with"},
	{ingressType, in{"description": "The app's queries"}, "description is"},
	{ingressType, in{"cidrIpv4": nil}, "or another end is required"},
	{ingressType, in{"referencedSecurityGroupId": "sg-2"}, "conflicts with"},
	{ingressType, in{"ipProtocol": "-1"}, "do not go with all protocols"},
	{ingressType, in{"fromPort": 81}, "above toPort"},
	{ingressType, in{"toPort": 70000}, "has to be -1 to 65535"},
	{egressType, in{"toPort": nil}, "toPort is required"},
	{routeType, in{"natGatewayId": "nat-1"}, "conflicts with"},
	{routeType, in{"gatewayId": nil}, "or another target is required"},
	{natType, in{"allocationId": nil}, "allocationId is required"},
	{endpointType, in{"serviceName": "com.amazonaws.us-east-1.ssm"}, "gateway endpoints are there for"},
	{endpointType, in{"vpcEndpointType": "Interface"}, "is for endpoints of type Gateway"},
	{flowLogType, in{"maxAggregationInterval": 300}, "60 or 600"},
	{flowLogType, in{"iamRoleArn": nil}, "iamRoleArn is required"},
	{associationType, in{"gatewayId": "igw-1"}, "conflicts with"},
	{eipAssociationType, in{"allocationId": nil}, "allocationId is required"},

	// Instances.
	{instanceType, in{"instanceType": "t3.nano"}, "Graviton"},
	{instanceType, in{"userData": "#!/bin/sh\n" + strings.Repeat("#", userDataBytes)}, "has 16394 bytes"},
	{instanceType, in{"userData": "echo"}, "begins with neither"},
	{instanceType, in{"metadataOptions": in{"httpTokens": "needed"}}, "has to be one of optional, required"},
	{instanceType, in{"rootBlockDevice": in{"volumeSize": 4}}, "has to be 8 to 16384"},
	{instanceType, in{"volumeTags": in{"aws:x": "y"}}, "AWS keeps aws: to itself"},
	{templateType, in{"userData": "#!/bin/sh"}, "is not in base64"},
	{templateType, in{"userData": base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n" + strings.Repeat("#", userDataBytes)))}, "has 16394 bytes"},
	{templateType, in{"instanceType": "m7g.large"}, "is for burstable instances"},
	{templateType, in{"vpcSecurityGroupIds": list("sg-1")}, "belong into networkInterfaces"},
	{templateType, in{"networkInterfaces": list(in{"associatePublicIpAddress": "no"})}, "true, false"},
	{templateType, in{"blockDeviceMappings": list(in{"ebs": in{"encrypted": "yes"}})}, "true, false"},
	{templateType, in{"tagSpecifications": list(in{"resourceType": "instances"})}, "has to be one of instance"},
	{keyPairType, in{"publicKey": "ecdsa-sha2-nistp256 AAAA"}, "RSA or ED25519"},

	// Load balancer and group.
	{balancerType, in{"idleTimeout": 4001}, "has to be 1 to 4000"},
	{balancerType, in{"subnets": list("subnet-1")}, "has 1 elements"},
	{balancerType, in{"accessLogs": in{"bucket": "logs", "prefix": "load-balancer/"}}, "without a slash at an end"},
	{balancerType, in{"accessLogs": in{"bucket": "logs", "prefix": "AWSLogs"}}, "is added by AWS"},
	{targetGroupType, in{"deregistrationDelay": 3601}, "has to be 0 to 3600"},
	{targetGroupType, in{"healthCheck": in{"interval": 10, "timeout": 10}}, "shorter than the interval"},
	{targetGroupType, in{"healthCheck": in{"path": "livez"}}, "begins with a slash"},
	{listenerType, in{"certificateArn": nil}, "certificateArn is required"},
	{listenerType, in{"protocol": "HTTP"}, "neither a certificate nor a TLS policy"},
	{listenerType, in{"defaultActions": list(in{"type": "forward"})}, "targetGroupArn is required"},
	{listenerType, in{"defaultActions": list(in{"type": "redirect", "redirect": in{"statusCode": "301"}})}, "HTTP_301"},
	{groupType, in{"minSize": 3}, "above maxSize"},
	{groupType, in{"desiredCapacity": 3}, "has to be minSize to maxSize"},
	{groupType, in{"launchTemplate": in{"id": "lt-1", "version": "$Latest"}}, "would not be seen as a change"},
	{groupType, in{"instanceMaintenancePolicy": in{"minHealthyPercentage": 100, "maxHealthyPercentage": 90}}, "has to be 100 to 200"},
	{groupType, in{"instanceMaintenancePolicy": in{"minHealthyPercentage": 0, "maxHealthyPercentage": 110}}, "by more than 100"},
	{groupType, in{"enabledMetrics": list("GroupSize")}, "no metric of groups"},
	{groupType, in{"initialLifecycleHooks": list(in{"name": "ready", "lifecycleTransition": "x"})}, "has to be one of autoscaling:EC2_INSTANCE_LAUNCHING"},
	{scalingPolicyType, in{"targetTrackingConfiguration": nil}, "is required"},
	{scalingPolicyType, in{"targetTrackingConfiguration": in{"targetValue": 1.0, "predefinedMetricSpecification": in{"predefinedMetricType": "ALBRequestCountPerTarget"}}}, "resourceLabel is required"},
	{scalingPolicyType, in{"targetTrackingConfiguration": in{"targetValue": 101.0, "predefinedMetricSpecification": in{"predefinedMetricType": "ASGAverageCPUUtilization"}}}, "is 101 percent"},
	{hookType, in{"heartbeatTimeout": 7201}, "has to be 30 to 7200"},
	{hookType, in{"lifecycleTransition": "launching"}, "has to be one of"},

	// Data.
	{databaseType, in{"username": "admin"}, "an attacker tries first"},
	{databaseType, in{"username": "seventeen_letters"}, "1 to 16"},
	{databaseType, in{"password": strings.Repeat("p", 42)}, "has 42 characters"},
	{databaseType, in{"password": "pass/word"}, "has one of"},
	{databaseType, in{"backupRetentionPeriod": 36}, "0 to 35"},
	{databaseType, in{"allocatedStorage": 10}, "20 to 65536"},
	{databaseType, in{"maxAllocatedStorage": 20}, "has to exceed allocatedStorage"},
	{databaseType, in{"enabledCloudwatchLogsExports": list("errors")}, "no log of MySQL"},
	{databaseType, in{"performanceInsightsEnabled": true}, "not to be had with db.t4g.micro"},
	{databaseType, in{"performanceInsightsRetentionPeriod": 7}, "goes with performanceInsightsEnabled"},
	{databaseType, in{"maintenanceWindow": "sunday"}, "ddd:hh24:mi"},
	{subnetGroupType, in{"subnetIds": list("subnet-1")}, "has 1 elements"},
	{parameterGroupType, in{"parameters": list(in{"name": "performance_schema", "value": "1", "applyMethod": "immediate"})}, "it is static"},
	{parameterGroupType, in{"parameters": list(in{"name": "a", "value": "1"}, in{"name": "a", "value": "2"})}, "is there already"},
	{bucketObjectType, in{"key": strings.Repeat("k", 1025)}, "has 1025 bytes"},
	{bucketObjectType, in{"checksumAlgorithm": "MD5"}, "has to be one of CRC32"},
	{bucketPolicyType, in{"policy": policyOf(identity)}, "there is no principal"},
	{bucketPolicyType, in{"policy": "{"}, "no valid JSON"},
	{bucketOwnershipType, in{"rule": in{"objectOwnership": "Owner"}}, "has to be one of"},
	{bucketEncryptionType, in{"rules": list(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "AES256", "kmsMasterKeyId": "k"}})}, "does not go with AES256"},
	{bucketVersioningType, in{"versioningConfiguration": in{"status": "On"}}, "has to be one of Enabled"},
	{bucketLifecycleType, in{"rules": list(in{"id": "a", "status": "Enabled"})}, "does nothing"},
	{bucketLifecycleType, in{"rules": list(in{"id": "a", "status": "Enabled", "expiration": in{"days": 0}})}, "has to be above 0"},
	{bucketLifecycleType, in{"rules": list(in{"id": "a", "status": "Enabled", "expiration": in{"days": 1, "expiredObjectDeleteMarker": true}})}, "conflicts with"},
	{bucketCorsType, in{"corsRules": list(in{"allowedMethods": list("PATCH"), "allowedOrigins": list("*")})}, `has "PATCH"`},
	{bucketCorsType, in{"corsRules": list(in{"allowedMethods": list("GET"), "allowedOrigins": list("https://a/")})}, "no slash at its end"},
	{userPoolType, in{"softwareTokenMfaConfiguration": nil}, "can't disable all MFAs"},
	{userPoolType, in{"softwareTokenMfaConfiguration": in{"enabled": false}}, "can't disable all MFAs"},
	{userPoolType, in{"mfaConfiguration": "REQUIRED"}, "one of OFF, ON, OPTIONAL"},
	{userPoolType, in{"userPoolTier": "FREE"}, "one of LITE"},
	{userPoolType, in{"deletionProtection": "ON"}, "one of ACTIVE"},
	{userPoolType, in{"aliasAttributes": list("email")}, "conflicts with aliasAttributes"},
	{userPoolType, in{"passwordPolicy": in{"minimumLength": 100}}, "6 to 99"},
	{userPoolType, in{"autoVerifiedAttributes": nil}, "which autoVerifiedAttributes lacks"},
	{userPoolType, in{"accountRecoverySetting": in{"recoveryMechanisms": list()}}, "may have 1 to 2"},
	{userPoolType, in{"adminCreateUserConfig": in{"inviteMessageTemplate": in{"emailMessage": "Welcome, {username}"}}},
		"lacks {username} or {####}"},
	{poolClientType, in{"allowedOauthFlowsUserPoolClient": false}, "goes with allowedOauthFlowsUserPoolClient"},
	{poolClientType, in{"allowedOauthFlows": list("password")}, `has "password"`},
	{poolClientType, in{"callbackUrls": nil}, "is required"},
	{poolClientType, in{"callbackUrls": list("http://files.example.org/back")}, "HTTPS is required"},
	{poolClientType, in{"logoutUrls": list("https://files.example.org/#top")}, "fragments are not taken"},
	{poolClientType, in{"idTokenValidity": 4}, "is 4 minutes"},
	{poolClientType, in{"accessTokenValidity": 25}, "is 1500 minutes"},
	{poolClientType, in{"authSessionValidity": 16}, "3 to 15"},
	{poolClientType, in{"preventUserExistenceErrors": "ON"}, "one of ENABLED"},
	{poolDomainType, in{"domain": "-files"}, "lower-case letters"},
	{poolDomainType, in{"domain": "my-cognito"}, "the reserved word cognito"},
	{poolDomainType, in{"managedLoginVersion": 3}, "1 to 2"},
	{poolGroupType, in{"precedence": -1}, "below 0"},
	{poolGroupType, in{"userPoolId": nil}, "is required"},
	{cloudControlType, in{"typeName": "Cognito"}, "a type of CloudFormation"},
	{cloudControlType, in{"desiredState": "{"}, "no valid JSON"},
	{tableType, in{"attributes": list(in{"name": "person_id", "type": "S"}, in{"name": "more", "type": "S"})}, "which no key uses"},
	{tableType, in{"rangeKey": "file_id"}, `lacks "file_id"`},
	{tableType, in{"readCapacity": 1}, "do not go with PAY_PER_REQUEST"},
	{parameterType, in{"value": strings.Repeat("v", 4097)}, "has 4097 bytes"},
	{parameterType, in{"value": ""}, "is empty"},
	{parameterType, in{"value": "{{x}}"}, "name of another parameter"},
	{parameterType, in{"name": "/aws/x"}, "kept by AWS"},
	{parameterType, in{"name": "/a b"}, "15 levels"},

	// Access.
	{malwarePlanType, in{"role": nil}, "is required"},
	{malwarePlanType,
		in{"protectedResource": in{"s3Bucket": in{"bucketName": "files",
			"objectPrefixes": list("1", "2", "3", "4", "5", "6")}}}, "may have 0 to 5"},
	{malwarePlanType, in{"protectedResource": in{"s3Bucket": in{"objectPrefixes": list("1")}}}, "is required"},
	{malwarePlanType, in{"actions": list(in{"taggings": list(in{"status": "on"})})}, "one of ENABLED, DISABLED"},
	{roleType, in{"assumeRolePolicy": policyOf(strings.Replace(trust, "ec2", strings.Repeat("e", trustPolicyChars), 1))}, "may have 2048"},
	{roleType, in{"description": "→"}, "Latin-1"},
	{roleType, in{"managedPolicyArns": list("arn")}, "fight with"},
	{rolePolicyType, in{"policy": policyOf(strings.Replace(identity, "files", strings.Repeat("f", inlinePolicyChars), 1))}, "may have 10240"},
	{rolePolicyType, in{"policy": policyOf(onBucket)}, "names no principal"},
	{rolePolicyType, in{"policy": strings.Replace(policyOf(identity), "2012-10-17", "2026-01-01", 1)}, "needs 2012-10-17"},
	{rolePolicyType, in{"policy": policyOf(strings.Replace(identity, "s3:GetObject", "GetObject", 1))}, "is no action"},
	{rolePolicyType, in{"policy": policyOf(strings.Replace(identity, "arn:aws:s3:::files/*", "files/*", 1))}, "is no ARN"},
	{rolePolicyType, in{"policy": policyOf(identity + "," + identity)}, "another has the same Sid"},
	{rolePolicyType, in{"policy": policyOf("")}, "has no statement"},

	// The rest.
	{recordType, in{"ttl": nil}, "ttl is required"},
	{recordType, in{"zoneId": "/hostedzone/Z1"}, "a hosted zone's id"},
	{recordType, in{"aliases": list(in{"name": "a", "zoneId": "Z1", "evaluateTargetHealth": false})}, "conflicts with"},
	{certificateType, in{"domainName": strings.Repeat("d", 65)}, "has 65 characters"},
	{logGroupType, in{"retentionInDays": 31}, "has to be one of"},
	{metricType, in{"pattern": strings.Repeat("x", 1025)}, "has 1025 characters"},
	{metricType, in{"name": "a:b"}, "without : and *"},
	{metricType, in{"metricTransformation": nil}, "is required"},
	{metricType, in{"metricTransformation": in{"namespace": "AWS/EC2", "name": "Damaged", "value": "1"}},
		"belongs to AWS"},
	{metricType, in{"metricTransformation": in{"namespace": "n", "name": "Damaged", "value": "$.other"}},
		"the pattern does not name"},
	{metricType, in{"metricTransformation": in{"namespace": "n", "name": "Damaged", "value": "damaged"}},
		"neither a number nor a field"},
	{metricType, in{"metricTransformation": in{"namespace": "n", "name": "Damaged", "value": "1", "defaultValue": "0",
		"dimensions": in{"a": "$.a"}}}, "conflicts with"},
	{alarmType, in{"alarmActions": list("a", "b", "c", "d", "e", "f")}, "has 6 elements"},
	{alarmType, in{"period": 90}, "multiple of 60"},
	{alarmType, in{"extendedStatistic": "p95"}, "conflicts with"},
	{alarmType, in{"statistic": nil}, "or extendedStatistic is required"},
	{alarmType, in{"statistic": nil, "extendedStatistic": "p1000"}, "such as p95"},
	{alarmType, in{"evaluationPeriods": 3000}, "a week at most"},
	{dashboardType, in{"dashboardBody": `{"widgets":[]}`}, "has 0 widgets"},
	{dashboardType, in{"dashboardBody": `{"widgets":[` + widget + `,` + widget + `]}`}, "covers widget 0"},
	{dashboardType, in{"dashboardBody": `{"widgets":[` + strings.Replace(widget, `"x":0`, `"x":20`, 1) + `]}`}, "the grid is 24 wide"},
	{dashboardType, in{"dashboardBody": `{"widgets":[` + strings.Replace(widget, `"AWS/EC2",`, "", 1) + `]}`}, "has a metric of 1 names"},
	{dashboardType, in{"dashboardName": "dossier dev"}, "letters, digits, underscores and hyphens"},
	{eventRuleType, in{"eventPattern": `{"source":"aws.autoscaling"}`}, "where a list has to stand"},
	{eventRuleType, in{"eventPattern": nil}, "or scheduleExpression is required"},
	{eventTargetType, in{"targetId": strings.Repeat("t", 65)}, "has 65 characters"},
	{topicType, in{"displayName": strings.Repeat("d", 101)}, "has 101 characters"},
	{topicPolicyType, in{"policy": policyOf(identity)}, "there is no principal"},
	{subscriptionType, in{"endpoint": "oncall"}, "an address"},
	{localCommandType, in{"create": " "}, "is empty"},
	{remoteCommandType, in{"connection": in{"host": "192.0.2.1"}}, "another way to sign in"},
	{remoteCommandType, in{"create": nil}, "create is required"},
	{passwordType, in{"length": 2, "minUpper": 2}, "below the 3 characters"},
	{privateKeyType, in{"algorithm": "DSA"}, "has to be one of RSA"},
}

func many(n int) in {
	tags := in{}
	for i := range n {
		tags["k"+strconv.Itoa(i)] = "v"
	}
	return tags
}

// refusals are the reasons for which inputs are refused.
func refusals(t *testing.T, token string, inputs in) []string {
	t.Helper()
	p := &provider{cloud: NewCloud()}
	_, found, err := p.check(token, "name", nil, inputs.properties(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, f := range found {
		reasons = append(reasons, f.GetReason())
	}
	return reasons
}

func TestCheck(t *testing.T) {
	for _, token := range slices.Sorted(maps.Keys(good)) {
		if reasons := refusals(t, token, good[token]); len(reasons) > 0 {
			t.Errorf("%s: good inputs are refused: %v", token, reasons)
		}
	}
	tried := map[string]bool{}
	for _, c := range bad {
		tried[c.token] = true
		reasons := refusals(t, c.token, good[c.token].with(c.in))
		if !slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(reason, c.want) }) {
			t.Errorf("%s with %v: refused for %q, want %q", c.token, c.in, reasons, c.want)
		}
	}
	for token := range limits {
		if !tried[token] {
			t.Errorf("no case breaks a limit of %s", token)
		}
	}
}

func TestCheckFillsIn(t *testing.T) {
	p := &provider{cloud: NewCloud(), tags: map[string]string{"Project": "dossier", "Stack": "dev"}}
	made, found, err := p.check(balancerType, "dossier-site", nil, good[balancerType].with(in{"tags": in{"Stack": "own"}}).properties(), []byte("seed"))
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	name := made["name"].StringValue()
	if !strings.HasPrefix(name, "dossier-site-") || len(name) != len("dossier-site-")+7 {
		t.Errorf("the name is %q, want dossier-site- and seven random digits", name)
	}
	if tags := made["tags"].ObjectValue(); tags["Project"].StringValue() != "dossier" || tags["Stack"].StringValue() != "own" {
		t.Errorf("the default tags should be there below the resource's own: %v", tags)
	}
	again, _, _ := p.check(balancerType, "dossier-site", made, good[balancerType].properties(), []byte("other"))
	if again["name"].StringValue() != name {
		t.Errorf("the name became %q of %q", again["name"].StringValue(), name)
	}
	if _, found, _ = p.check(balancerType, "a-name-that-is-too-long-for-it", nil, good[balancerType].properties(), nil); len(found) == 0 {
		t.Error("a made-up name of 38 characters is accepted for a load balancer")
	}
	if _, _, err = p.check("aws:sqs/queue:Queue", "q", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "add it to kinds") {
		t.Errorf("an unknown type should be refused with the way to add it: %v", err)
	}
}

// Every type that the SDK's arguments are known of can be looked into.
func TestKinds(t *testing.T) {
	for token, k := range kinds {
		declared := properties(argsType(k.args))
		if len(declared) == 0 && token != defaultGroupType {
			t.Errorf("%s: the SDK's arguments have no properties", token)
		}
		for path := range strings.FieldsSeq(k.replace + " " + k.unique) {
			top, _, _ := strings.Cut(path, ".")
			if _, has := declared[top]; !has && top != "*" {
				t.Errorf("%s has no input %s", token, top)
			}
		}
		for _, ref := range references[token] {
			top, _, _ := strings.Cut(ref.at, ".")
			if _, has := declared[strings.TrimSuffix(top, "[]")]; !has {
				t.Errorf("%s has no input %s", token, top)
			}
		}
	}
	for _, table := range []map[string]bool{keysOf(limits), keysOf(places), keysOf(references), keysOf(nameRules)} {
		for token := range table {
			if _, known := kinds[token]; !known {
				t.Errorf("there are rules for %s, which is not among kinds", token)
			}
		}
	}
}

func keysOf[V any](m map[string]V) map[string]bool {
	keys := map[string]bool{}
	for key := range m {
		keys[key] = true
	}
	return keys
}
