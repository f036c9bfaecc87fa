package servicespec

import "maps"

// mapping says where the inputs of a type stand in CloudFormation, as far as their names do not.
type mapping struct {
	// cfn is the resource type, and at the property of it that the inputs are in: a bucket's versioning, a resource in
	// Pulumi, is a property of the bucket in CloudFormation.
	cfn, at string
	// names are the properties of inputs by their paths. "." is an object whose inputs stand beside it, a leading "/"
	// means the resource type, "AWS::…/" another one; dots lead on, through lists as well; "#" precedes the key in a
	// list of keys and values, and "[]" follows a list of which the input is an element.
	names map[string]string
	// absent are inputs that CloudFormation does not have, with the reason.
	absent map[string]string
	// made are properties that the provider fills in by itself, with where from.
	made map[string]string
}

// unknownToCloudFormation are resources of the AWS provider that CloudFormation has no type for.
var unknownToCloudFormation = map[string]string{
	"aws:acm/certificateValidation:CertificateValidation": "it waits for a certificate and makes nothing; in " +
		"CloudFormation the certificate itself waits",
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "it takes over the group that a VPC comes with, which " +
		"CloudFormation leaves alone",
	"aws:s3/bucketObjectv2:BucketObjectv2": "CloudFormation uploads no objects",
	"aws:cloudcontrol/resource:Resource":   "it is of another type, which its inputs name",
}

const (
	ofProvider = "a switch of the Terraform provider, about how it works and not about what there is"
	ofDeletion = "CloudFormation has it as DeletionPolicy, beside the properties"
)

// mappings are written by hand, from the references of both:
// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs and
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html.
var mappings = map[string]mapping{
	"aws:ec2/vpc:Vpc":       {cfn: "AWS::EC2::VPC"},
	"aws:ec2/subnet:Subnet": {cfn: "AWS::EC2::Subnet"},
	"aws:ec2/internetGateway:InternetGateway": {
		cfn: "AWS::EC2::InternetGateway", names: map[string]string{"vpcId": "AWS::EC2::VPCGatewayAttachment/VpcId"},
	},
	"aws:ec2/eip:Eip": {
		cfn: "AWS::EC2::EIP",
		absent: map[string]string{
			"vpc":                   "the older word for domain",
			"customerOwnedIpv4Pool": "CloudFormation has no addresses of an Outpost's own",
		},
	},
	"aws:ec2/eipAssociation:EipAssociation": {
		cfn:    "AWS::EC2::EIPAssociation",
		names:  map[string]string{"publicIp": "EIP"},
		absent: map[string]string{"allowReassociation": ofProvider},
	},
	"aws:ec2/natGateway:NatGateway": {
		cfn:   "AWS::EC2::NatGateway",
		names: map[string]string{"privateIp": "PrivateIpAddress"},
	},
	"aws:ec2/routeTable:RouteTable": {cfn: "AWS::EC2::RouteTable"},
	"aws:ec2/route:Route":           {cfn: "AWS::EC2::Route"},
	"aws:ec2/routeTableAssociation:RouteTableAssociation": {
		cfn:   "AWS::EC2::SubnetRouteTableAssociation",
		names: map[string]string{"gatewayId": "AWS::EC2::GatewayRouteTableAssociation/GatewayId"},
	},
	"aws:ec2/vpcEndpoint:VpcEndpoint": {cfn: "AWS::EC2::VPCEndpoint"},
	"aws:ec2/flowLog:FlowLog": {
		cfn: "AWS::EC2::FlowLog",
		names: map[string]string{
			"vpcId": "ResourceId", "subnetId": "ResourceId", "eniId": "ResourceId",
			"iamRoleArn": "DeliverLogsPermissionArn",
		},
		made: map[string]string{"ResourceType": "the provider takes it from which of vpcId, subnetId and eniId is " +
			"given"},
	},
	"aws:ec2/securityGroup:SecurityGroup": {
		cfn: "AWS::EC2::SecurityGroup", names: map[string]string{
			"name": "GroupName", "namePrefix": "GroupName", "description": "GroupDescription",
		},
	},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
		cfn: "AWS::EC2::SecurityGroupIngress",
		names: map[string]string{
			"securityGroupId": "GroupId", "cidrIpv4": "CidrIp", "prefixListId": "SourcePrefixListId",
			"referencedSecurityGroupId": "SourceSecurityGroupId",
		},
	},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
		cfn: "AWS::EC2::SecurityGroupEgress",
		names: map[string]string{
			"securityGroupId": "GroupId", "cidrIpv4": "CidrIp", "prefixListId": "DestinationPrefixListId",
			"referencedSecurityGroupId": "DestinationSecurityGroupId",
		},
	},
	"aws:ec2/instance:Instance": {
		cfn: "AWS::EC2::Instance",
		names: map[string]string{
			"ami": "ImageId", "associatePublicIpAddress": "NetworkInterfaces.AssociatePublicIpAddress",
			"cpuCoreCount":      "CpuOptions.CoreCount",
			"cpuThreadsPerCore": "CpuOptions.ThreadsPerCore", "ebsBlockDevices": "BlockDeviceMappings",
			"ebsBlockDevices.deleteOnTermination": "Ebs.DeleteOnTermination",
			"ebsBlockDevices.encrypted":           "Ebs.Encrypted", "ebsBlockDevices.iops": "Ebs.Iops",
			"ebsBlockDevices.kmsKeyId":   "Ebs.KmsKeyId",
			"ebsBlockDevices.snapshotId": "Ebs.SnapshotId", "ebsBlockDevices.volumeSize": "Ebs.VolumeSize",
			"ebsBlockDevices.volumeType": "Ebs.VolumeType",
			"ephemeralBlockDevices":      "BlockDeviceMappings", "hibernation": "HibernationOptions.Configured",
			"placementGroup":                        "PlacementGroupName",
			"networkInterfaces.deleteOnTermination": "DeleteOnTermination",
			"privateIp":                             "PrivateIpAddress", "rootBlockDevice": "BlockDeviceMappings.Ebs",
			"userDataBase64":      "UserData",
			"vpcSecurityGroupIds": "SecurityGroupIds",
		},
		absent: map[string]string{
			"userDataReplaceOnChange": ofProvider,
			"volumeTags": "only PropagateTagsToVolumeOnCreation, which gives volumes the instance's " +
				"own tags",
		},
	},
	"aws:ec2/launchTemplate:LaunchTemplate": {
		cfn: "AWS::EC2::LaunchTemplate", at: "LaunchTemplateData",
		names: map[string]string{
			"name": "/LaunchTemplateName", "namePrefix": "/LaunchTemplateName", "description": "/VersionDescription",
			"tags":                "/TagSpecifications.Tags",
			"vpcSecurityGroupIds": "SecurityGroupIds", "networkInterfaces.securityGroups": "Groups",
		},
		absent: map[string]string{"updateDefaultVersion": ofProvider,
			"defaultVersion": "CloudFormation has no default version to set"},
	},
	"aws:ec2/keyPair:KeyPair": {
		cfn: "AWS::EC2::KeyPair", names: map[string]string{
			"publicKey": "PublicKeyMaterial", "keyNamePrefix": "KeyName",
		},
	},

	"aws:lb/loadBalancer:LoadBalancer": {
		cfn: "AWS::ElasticLoadBalancingV2::LoadBalancer",
		names: map[string]string{
			"internal": "Scheme", "loadBalancerType": "Type", "namePrefix": "Name",
			"accessLogs": ".", "accessLogs.enabled": "/LoadBalancerAttributes#access_logs.s3.enabled",
			"accessLogs.bucket":        "/LoadBalancerAttributes#access_logs.s3.bucket",
			"accessLogs.prefix":        "/LoadBalancerAttributes#access_logs.s3.prefix",
			"clientKeepAlive":          "/LoadBalancerAttributes#client_keep_alive.seconds",
			"desyncMitigationMode":     "/LoadBalancerAttributes#routing.http.desync_mitigation_mode",
			"dropInvalidHeaderFields":  "/LoadBalancerAttributes#routing.http.drop_invalid_header_fields.enabled",
			"enableDeletionProtection": "/LoadBalancerAttributes#deletion_protection.enabled",
			"enableHttp2":              "/LoadBalancerAttributes#routing.http2.enabled",
			"idleTimeout":              "/LoadBalancerAttributes#idle_timeout.timeout_seconds",
			"preserveHostHeader":       "/LoadBalancerAttributes#routing.http.preserve_host_header.enabled",
			"xffHeaderProcessingMode":  "/LoadBalancerAttributes#routing.http.xff_header_processing.mode",
		},
		absent: map[string]string{"customerOwnedIpv4Pool": "CloudFormation has no balancers on an Outpost's own " +
			"addresses"},
	},
	"aws:lb/targetGroup:TargetGroup": {
		cfn: "AWS::ElasticLoadBalancingV2::TargetGroup",
		names: map[string]string{
			"namePrefix": "Name", "deregistrationDelay": "TargetGroupAttributes#deregistration_delay.timeout_seconds",
			"slowStart":                  "TargetGroupAttributes#slow_start.duration_seconds",
			"loadBalancingAlgorithmType": "TargetGroupAttributes#load_balancing.algorithm.type",
			"healthCheck":                ".", "healthCheck.enabled": "HealthCheckEnabled",
			"healthCheck.interval": "HealthCheckIntervalSeconds",
			"healthCheck.path":     "HealthCheckPath", "healthCheck.port": "HealthCheckPort",
			"healthCheck.protocol":           "HealthCheckProtocol",
			"healthCheck.timeout":            "HealthCheckTimeoutSeconds",
			"healthCheck.healthyThreshold":   "HealthyThresholdCount",
			"healthCheck.unhealthyThreshold": "UnhealthyThresholdCount", "healthCheck.matcher": "Matcher.HttpCode",
		},
	},
	"aws:lb/listener:Listener": {
		cfn: "AWS::ElasticLoadBalancingV2::Listener",
		names: map[string]string{
			"certificateArn": "Certificates.CertificateArn", "defaultActions.redirect": "RedirectConfig",
			"defaultActions.forward":                                "ForwardConfig",
			"defaultActions.fixedResponse":                          "FixedResponseConfig",
			"routingHttpResponseStrictTransportSecurityHeaderValue": "ListenerAttributes#routing.http.response.strict_transport_security.header_value",
			"routingHttpResponseServerEnabled":                      "ListenerAttributes#routing.http.response.server.enabled",
		},
	},

	"aws:autoscaling/group:Group": {
		cfn: "AWS::AutoScaling::AutoScalingGroup",
		names: map[string]string{
			"name": "AutoScalingGroupName", "namePrefix": "AutoScalingGroupName",
			"initialLifecycleHooks":      "LifecycleHookSpecificationList",
			"initialLifecycleHooks.name": "LifecycleHookName", "enabledMetrics": "MetricsCollection.Metrics",
			"metricsGranularity": "MetricsCollection.Granularity",
			"launchTemplate.id":  "LaunchTemplateId", "launchTemplate.name": "LaunchTemplateName",
		},
		absent: map[string]string{"waitForCapacityTimeout": ofProvider, "forceDelete": ofProvider},
	},
	"aws:autoscaling/policy:Policy": {
		cfn:    "AWS::AutoScaling::ScalingPolicy",
		absent: map[string]string{"name": "CloudFormation makes the name up"},
	},
	"aws:autoscaling/lifecycleHook:LifecycleHook": {
		cfn: "AWS::AutoScaling::LifecycleHook", names: map[string]string{"name": "LifecycleHookName"},
	},

	"aws:rds/instance:Instance": {
		cfn: "AWS::RDS::DBInstance",
		names: map[string]string{
			"identifier": "DBInstanceIdentifier", "identifierPrefix": "DBInstanceIdentifier",
			"username": "MasterUsername", "password": "MasterUserPassword",
			"instanceClass": "DBInstanceClass", "backupWindow": "PreferredBackupWindow",
			"maintenanceWindow":            "PreferredMaintenanceWindow",
			"caCertIdentifier":             "CACertificateIdentifier",
			"enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
			"parameterGroupName":           "DBParameterGroupName",
			"performanceInsightsEnabled":   "EnablePerformanceInsights",
			"vpcSecurityGroupIds":          "VPCSecurityGroups", "snapshotIdentifier": "DBSnapshotIdentifier",
			"replicateSourceDb": "SourceDBInstanceIdentifier",
		},
		absent: map[string]string{
			"skipFinalSnapshot": ofDeletion, "finalSnapshotIdentifier": ofDeletion,
			"restoreToPointInTime": "CloudFormation has it as several properties",
			"s3Import":             "CloudFormation restores from snapshots only",
		},
	},
	"aws:rds/subnetGroup:SubnetGroup": {
		cfn: "AWS::RDS::DBSubnetGroup", names: map[string]string{
			"name": "DBSubnetGroupName", "namePrefix": "DBSubnetGroupName", "description": "DBSubnetGroupDescription",
		},
	},
	"aws:rds/parameterGroup:ParameterGroup": {
		cfn: "AWS::RDS::DBParameterGroup", names: map[string]string{
			"name": "DBParameterGroupName", "namePrefix": "DBParameterGroupName",
		},
	},

	"aws:s3/bucketV2:BucketV2": {
		cfn: "AWS::S3::Bucket", names: map[string]string{"bucket": "BucketName", "bucketPrefix": "BucketNamePrefix"},
		absent: map[string]string{"forceDestroy": ofProvider},
	},
	"aws:s3/bucketPolicy:BucketPolicy": {
		cfn:   "AWS::S3::BucketPolicy",
		names: map[string]string{"policy": "PolicyDocument"},
	},
	"aws:s3/bucketVersioningV2:BucketVersioningV2": partOfBucket("VersioningConfiguration",
		map[string]string{"versioningConfiguration": "."}),
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": partOfBucket("PublicAccessBlockConfiguration", nil),
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls": partOfBucket("OwnershipControls",
		map[string]string{"rule": "Rules"}),
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": partOfBucket(
		"BucketEncryption",
		map[string]string{
			"rules": "ServerSideEncryptionConfiguration",
			"rules.applyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault",
		}),
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": partOfBucket("LifecycleConfiguration",
		map[string]string{
			"rules.filter": ".", "rules.filter.tag": "TagFilters", "rules.expiration": ".",
			"rules.expiration.days": "ExpirationInDays",
			"rules.expiration.date": "ExpirationDate",
			"rules.noncurrentVersionExpiration.newerNoncurrentVersions": "NewerNoncurrentVersions",
		}),
	"aws:s3/bucketLoggingV2:BucketLoggingV2": partOfBucket("LoggingConfiguration", map[string]string{
		"targetBucket": "DestinationBucketName", "targetPrefix": "LogFilePrefix",
	}),
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2": partOfBucket("CorsConfiguration", map[string]string{
		"corsRules.exposeHeaders": "ExposedHeaders", "corsRules.maxAgeSeconds": "MaxAge",
	}),

	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": {
		cfn: "AWS::GuardDuty::MalwareProtectionPlan", names: map[string]string{"actions.taggings": "Tagging"},
	},

	"aws:cognito/userPool:UserPool": {
		cfn: "AWS::Cognito::UserPool",
		names: map[string]string{
			"name": "UserPoolName", "tags": "UserPoolTags", "passwordPolicy": "Policies.PasswordPolicy",
			"signInPolicy": "Policies.SignInPolicy",
			"adminCreateUserConfig.inviteMessageTemplate.smsMessage": "SMSMessage",
			"userAttributeUpdateSettings.attributesRequireVerificationBeforeUpdates": "Attributes" +
				"RequireVerificationBeforeUpdate",
		},
		absent: map[string]string{
			"softwareTokenMfaConfiguration": "CloudFormation lists the factors in EnabledMfas",
			"emailMfaConfiguration":         "CloudFormation lists the factors in EnabledMfas",
		},
	},
	"aws:cognito/userPoolClient:UserPoolClient": {
		cfn: "AWS::Cognito::UserPoolClient", names: map[string]string{
			"name": "ClientName", "callbackUrls": "CallbackURLs", "logoutUrls": "LogoutURLs",
			"allowedOauthFlows": "AllowedOAuthFlows", "allowedOauthScopes": "AllowedOAuthScopes",
			"allowedOauthFlowsUserPoolClient": "AllowedOAuthFlowsUserPoolClient",
			"defaultRedirectUri":              "DefaultRedirectURI",
		},
	},
	"aws:cognito/userPoolDomain:UserPoolDomain": {
		cfn:   "AWS::Cognito::UserPoolDomain",
		names: map[string]string{"certificateArn": "CustomDomainConfig.CertificateArn"},
	},
	"aws:cognito/userGroup:UserGroup": {
		cfn: "AWS::Cognito::UserPoolGroup", names: map[string]string{"name": "GroupName"},
	},

	"aws:dynamodb/table:Table": {
		cfn: "AWS::DynamoDB::Table",
		names: map[string]string{
			"name": "TableName", "hashKey": "KeySchema.AttributeName", "rangeKey": "KeySchema.AttributeName",
			"attributes": "AttributeDefinitions", "attributes.name": "AttributeName",
			"attributes.type":             "AttributeType",
			"globalSecondaryIndexes.name": "IndexName", "globalSecondaryIndexes.hashKey": "KeySchema.AttributeName",
			"globalSecondaryIndexes.rangeKey":         "KeySchema.AttributeName",
			"globalSecondaryIndexes.projectionType":   "Projection.ProjectionType",
			"globalSecondaryIndexes.nonKeyAttributes": "Projection.NonKeyAttributes",
			"pointInTimeRecovery":                     "PointInTimeRecoverySpecification",
			"pointInTimeRecovery.enabled":             "PointInTimeRecoveryEnabled",
			"serverSideEncryption":                    "SSESpecification", "serverSideEncryption.enabled": "SSEEnabled",
			"ttl": "TimeToLiveSpecification",
		},
	},

	"aws:iam/role:Role": {
		cfn: "AWS::IAM::Role", names: map[string]string{
			"name": "RoleName", "namePrefix": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument",
		},
		absent: map[string]string{"forceDetachPolicies": ofProvider},
	},
	"aws:iam/rolePolicy:RolePolicy": {
		cfn: "AWS::IAM::RolePolicy",
		names: map[string]string{
			"name": "PolicyName", "namePrefix": "PolicyName", "role": "RoleName", "policy": "PolicyDocument",
		},
		made: map[string]string{"PolicyName": "the provider makes a name up"},
	},
	"aws:iam/instanceProfile:InstanceProfile": {
		cfn: "AWS::IAM::InstanceProfile", names: map[string]string{
			"name": "InstanceProfileName", "namePrefix": "InstanceProfileName", "role": "Roles[]",
		},
	},

	"aws:ssm/parameter:Parameter": {cfn: "AWS::SSM::Parameter", names: map[string]string{"insecureValue": "Value"}},

	"aws:route53/record:Record": {
		cfn: "AWS::Route53::RecordSet",
		names: map[string]string{
			"zoneId": "HostedZoneId", "records": "ResourceRecords", "aliases": "AliasTarget",
			"aliases.name": "DNSName", "aliases.zoneId": "HostedZoneId",
		},
		absent: map[string]string{"allowOverwrite": ofProvider},
	},
	"aws:acm/certificate:Certificate": {
		cfn:    "AWS::CertificateManager::Certificate",
		names:  map[string]string{"validationOptions": "DomainValidationOptions"},
		absent: map[string]string{"options": "CloudFormation has it as several properties"},
	},

	"aws:cloudwatch/logGroup:LogGroup": {
		cfn:    "AWS::Logs::LogGroup",
		names:  map[string]string{"name": "LogGroupName", "namePrefix": "LogGroupName"},
		absent: map[string]string{"skipDestroy": ofDeletion},
	},
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": {
		cfn: "AWS::Logs::MetricFilter",
		names: map[string]string{
			"name": "FilterName", "pattern": "FilterPattern", "metricTransformation": "MetricTransformations",
			"metricTransformation.name":      "MetricName",
			"metricTransformation.namespace": "MetricNamespace",
			"metricTransformation.value":     "MetricValue",
		},
	},
	"aws:cloudwatch/metricAlarm:MetricAlarm": {
		cfn: "AWS::CloudWatch::Alarm",
		names: map[string]string{
			"name": "AlarmName", "metricQueries": "Metrics", "metricQueries.metric": "MetricStat",
			"metricQueries.metric.metricName": "Metric.MetricName",
			"metricQueries.metric.namespace":  "Metric.Namespace",
			"metricQueries.metric.dimensions": "Metric.Dimensions",
		},
	},
	"aws:cloudwatch/dashboard:Dashboard": {cfn: "AWS::CloudWatch::Dashboard"},
	"aws:cloudwatch/eventRule:EventRule": {
		cfn:   "AWS::Events::Rule",
		names: map[string]string{"namePrefix": "Name"},
	},
	"aws:cloudwatch/eventTarget:EventTarget": {
		cfn: "AWS::Events::Rule", at: "Targets", names: map[string]string{
			"rule": "/Name", "targetId": "Id", "eventBusName": "/EventBusName",
		},
		made: map[string]string{"Id": "the provider makes one up"},
	},

	"aws:sns/topic:Topic": {
		cfn:   "AWS::SNS::Topic",
		names: map[string]string{"name": "TopicName", "namePrefix": "TopicName"},
	},
	"aws:sns/topicPolicy:TopicPolicy": {
		cfn:   "AWS::SNS::TopicPolicy",
		names: map[string]string{"arn": "Topics[]", "policy": "PolicyDocument"},
	},
	"aws:sns/topicSubscription:TopicSubscription": {
		cfn:   "AWS::SNS::Subscription",
		names: map[string]string{"topic": "TopicArn"},
	},

	"aws:wafv2/webAclAssociation:WebAclAssociation": {cfn: "AWS::WAFv2::WebACLAssociation"},
}

// partOfBucket is a resource that is a property of a bucket in CloudFormation.
func partOfBucket(property string, names map[string]string) mapping {
	all := map[string]string{"bucket": "/BucketName"}
	maps.Copy(all, names)
	return mapping{
		cfn: "AWS::S3::Bucket", at: property, names: all,
		absent: map[string]string{"expectedBucketOwner": "only a check of the provider's calls"},
	}
}
