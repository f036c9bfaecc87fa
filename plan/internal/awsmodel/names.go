package awsmodel

import (
	"cmp"
	"strings"
)

// autoNameHex is how many random digits the providers put behind a name that they make.
const autoNameHex = 7

// Naming is how the AWS provider names a resource whose program does not.
type Naming struct {
	// Property holds the name; empty means that the type has no name of its own, or that the program must give it.
	Property string
	// Max is the longest name that the provider makes. Names that would be longer are refused, never cut.
	Max int
	// Lower tells that letters are made small.
	Lower bool
}

// Names returns how resources of a type are named. The limits are those of the provider's own table,
// provider/resources.go of https://github.com/pulumi/pulumi-aws, which follows AWS's.
func Names(token string) Naming {
	switch token {
	case "aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup":
		return Naming{Property: "name", Max: 32}
	case "aws:iam/role:Role":
		return Naming{Property: "name", Max: 64}
	case "aws:iam/instanceProfile:InstanceProfile", "aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy":
		return Naming{Property: "name", Max: 128}
	case "aws:ec2/launchTemplate:LaunchTemplate":
		return Naming{Property: "name", Max: 125}
	case "aws:ec2/securityGroup:SecurityGroup", "aws:autoscaling/group:Group", "aws:autoscaling/policy:Policy", "aws:dynamodb/table:Table",
		"aws:autoscaling/lifecycleHook:LifecycleHook", "aws:ssm/parameter:Parameter", "aws:cloudwatch/metricAlarm:MetricAlarm",
		"aws:cloudwatch/logMetricFilter:LogMetricFilter", "aws:cloudwatch/queryDefinition:QueryDefinition":
		return Naming{Property: "name", Max: 255}
	case "aws:cognito/userPool:UserPool", "aws:cognito/userPoolClient:UserPoolClient":
		return Naming{Property: "name", Max: 128}
	case "aws:cloudwatch/logGroup:LogGroup":
		return Naming{Property: "name", Max: 512}
	case "aws:cloudwatch/eventRule:EventRule":
		return Naming{Property: "name", Max: 64}
	case "aws:sns/topic:Topic":
		return Naming{Property: "name", Max: 256}
	case "aws:ec2/keyPair:KeyPair":
		return Naming{Property: "keyName", Max: 255}
	case "aws:rds/subnetGroup:SubnetGroup", "aws:rds/parameterGroup:ParameterGroup":
		return Naming{Property: "name", Max: 255, Lower: true}
	case "aws:rds/instance:Instance":
		return Naming{Property: "identifier", Max: 63, Lower: true}
	case "aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket":
		return Naming{Property: "bucket", Max: 63, Lower: true}
	}
	return Naming{}
}

// named are the inputs that the provider fills in with a name where a program gives none, of types that the model does
// not name, and where the input is not called "name": the fields with AutoName in provider/resources.go of
// https://github.com/pulumi/pulumi-aws, version 7.
var named = map[string]string{
	"aws:cloudwatch/eventTarget:EventTarget":            "targetId",
	"aws:codedeploy/deploymentConfig:DeploymentConfig":  "deploymentConfigName",
	"aws:efs/fileSystem:FileSystem":                     "creationToken",
	"aws:eks/fargateProfile:FargateProfile":             "fargateProfileName",
	"aws:eks/nodeGroup:NodeGroup":                       "nodeGroupName",
	"aws:elasticache/cluster:Cluster":                   "clusterId",
	"aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
	"aws:elasticsearch/domain:Domain":                   "domainName",
	"aws:lambda/permission:Permission":                  "statementId",
	"aws:mq/broker:Broker":                              "brokerName",
	"aws:opensearch/domain:Domain":                      "domainName",
}

// NameInput is the input that holds the name which the provider gives a resource whose program does not.
func NameInput(token string) string {
	return cmp.Or(Names(token).Property, named[token], "name")
}

// AutoName is the name that the AWS provider makes of a resource's name in the program and seven random hexadecimal
// digits. It may be longer than the type allows; the provider refuses such a name.
func AutoName(token, name, random string) string {
	if Names(token).Lower {
		name = strings.ToLower(name)
	}
	return name + "-" + random
}
