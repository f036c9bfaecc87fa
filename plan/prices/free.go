package prices

import (
	"sync"
)

// freeTypes are the types of Free.
var freeTypes = sync.OnceValue(func() map[string]bool {
	types := map[string]bool{}
	for _, tokens := range Free() {
		for _, token := range tokens {
			types[token] = true
		}
	}
	return types
})

// Free are the types of resources that nobody pays for by time, by the reason. The source is AWS's page of prices for
// each service, https://aws.amazon.com/<service>/pricing/.
func Free() map[string][]string {
	return map[string][]string{
		"free of charge": {
			"aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation",
			"aws:appautoscaling/target:Target",
			"aws:autoscaling/attachment:Attachment", "aws:autoscaling/lifecycleHook:LifecycleHook",
			"aws:autoscaling/notification:Notification", "aws:autoscaling/schedule:Schedule",
			"aws:cloudwatch/eventBusPolicy:EventBusPolicy", "aws:cloudwatch/eventPermission:EventPermission",
			"aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget",
			"aws:ec2/defaultNetworkAcl:DefaultNetworkAcl", "aws:ec2/defaultRouteTable:DefaultRouteTable",
			"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:ec2/defaultSubnet:DefaultSubnet",
			"aws:ec2/defaultVpc:DefaultVpc", "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
			"aws:ec2/eipAssociation:EipAssociation", "aws:ec2/internetGateway:InternetGateway",
			"aws:ec2/internetGatewayAttachment:InternetGatewayAttachment", "aws:ec2/keyPair:KeyPair",
			"aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",
			"aws:ec2/managedPrefixList:ManagedPrefixList", "aws:ec2/networkAcl:NetworkAcl",
			"aws:ec2/networkAclRule:NetworkAclRule", "aws:ec2/networkInterface:NetworkInterface",
			"aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment",
			"aws:ec2/placementGroup:PlacementGroup", "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable",
			"aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/securityGroup:SecurityGroup",
			"aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/subnet:Subnet", "aws:ec2/tag:Tag",
			"aws:ec2/volumeAttachment:VolumeAttachment", "aws:ec2/vpc:Vpc", "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
			"aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation",
			"aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation",
			"aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
			"aws:ec2transitgateway/routeTable:RouteTable", "aws:ec2transitgateway/route:Route",
			"aws:ec2transitgateway/transitGateway:TransitGateway",
			"aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy",
			"aws:ecs/cluster:Cluster", "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
			"aws:ecs/taskDefinition:TaskDefinition",
			"aws:efs/accessPoint:AccessPoint", "aws:efs/mountTarget:MountTarget",
			"aws:elasticache/parameterGroup:ParameterGroup", "aws:elasticache/subnetGroup:SubnetGroup",
			"aws:iam/accessKey:AccessKey", "aws:iam/group:Group", "aws:iam/groupMembership:GroupMembership",
			"aws:iam/groupPolicy:GroupPolicy", "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
			"aws:iam/instanceProfile:InstanceProfile", "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
			"aws:iam/policy:Policy", "aws:iam/policyAttachment:PolicyAttachment", "aws:iam/role:Role",
			"aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
			"aws:iam/serviceLinkedRole:ServiceLinkedRole", "aws:iam/user:User", "aws:iam/userPolicy:UserPolicy",
			"aws:iam/userPolicyAttachment:UserPolicyAttachment",
			"aws:kms/alias:Alias", "aws:kms/grant:Grant",
			"aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/optionGroup:OptionGroup",
			"aws:rds/parameterGroup:ParameterGroup", "aws:rds/subnetGroup:SubnetGroup", "aws:route53/record:Record",
			"aws:secretsmanager/secretPolicy:SecretPolicy", "aws:secretsmanager/secretRotation:SecretRotation",
			"aws:secretsmanager/secretVersion:SecretVersion",
			"aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
			"aws:sns/topicPolicy:TopicPolicy",
			"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
			"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
			"aws:wafv2/ipSet:IpSet", "aws:wafv2/webAclAssociation:WebAclAssociation",
		},
		"charged with what they belong to": {
			"aws:alb/listener:Listener", "aws:alb/listenerRule:ListenerRule", "aws:alb/targetGroup:TargetGroup",
			"aws:apigateway/deployment:Deployment", "aws:apigateway/integration:Integration",
			"aws:apigateway/method:Method", "aws:apigateway/resource:Resource",
			"aws:apigatewayv2/apiMapping:ApiMapping", "aws:apigatewayv2/authorizer:Authorizer",
			"aws:apigatewayv2/deployment:Deployment", "aws:apigatewayv2/domainName:DomainName",
			"aws:apigatewayv2/integration:Integration", "aws:apigatewayv2/route:Route",
			"aws:apigatewayv2/stage:Stage",
			"aws:cloudcontrol/resource:Resource",
			"aws:cognito/userGroup:UserGroup", "aws:cognito/userPoolClient:UserPoolClient",
			"aws:cognito/userPoolDomain:UserPoolDomain",
			"aws:cloudfront/cachePolicy:CachePolicy", "aws:cloudfront/originAccessControl:OriginAccessControl",
			"aws:cloudfront/originAccessIdentity:OriginAccessIdentity",
			"aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
			"aws:docdb/cluster:Cluster", "aws:ec2/launchConfiguration:LaunchConfiguration",
			"aws:ec2/launchTemplate:LaunchTemplate",
			"aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation",
			"aws:elasticache/user:User", "aws:elasticache/userGroup:UserGroup",
			"aws:lambda/alias:Alias", "aws:lambda/eventSourceMapping:EventSourceMapping",
			"aws:lambda/functionUrl:FunctionUrl", "aws:lambda/permission:Permission",
			"aws:lb/listener:Listener", "aws:lb/listenerCertificate:ListenerCertificate",
			"aws:lb/listenerRule:ListenerRule", "aws:lb/targetGroup:TargetGroup",
			"aws:lb/targetGroupAttachment:TargetGroupAttachment",
			"aws:neptune/cluster:Cluster",
			"aws:s3/bucketAclV2:BucketAclV2", "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
			"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2",
			"aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
			"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			"aws:s3/bucketNotification:BucketNotification",
			"aws:s3/bucketOwnershipControls:BucketOwnershipControls", "aws:s3/bucketPolicy:BucketPolicy",
			"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
			"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			"aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2",
			"aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
			"aws:s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2",
			"aws:sqs/queuePolicy:QueuePolicy",
		},
		"billed by usage": {
			"aws:apigateway/restApi:RestApi", "aws:apigatewayv2/api:Api",
			"aws:cloudfront/distribution:Distribution", "aws:cloudfront/function:Function",
			"aws:cloudwatch/eventBus:EventBus", "aws:cloudwatch/logGroup:LogGroup",
			"aws:cognito/userPool:UserPool",
			"aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "aws:ec2/flowLog:FlowLog",
			"aws:ecr/repository:Repository",
			"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
			"aws:lambda/function:Function", "aws:lambda/layerVersion:LayerVersion",
			"aws:s3/bucket:Bucket", "aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketLoggingV2:BucketLoggingV2",
			"aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketV2:BucketV2",
			"aws:scheduler/schedule:Schedule", "aws:sfn/stateMachine:StateMachine",
			"aws:sns/topic:Topic", "aws:sns/topicSubscription:TopicSubscription", "aws:sqs/queue:Queue",
		},
		"not in AWS": {
			"command:local:Command", "command:remote:Command", "command:remote:CopyToRemote",
			"random:index/randomId:RandomId", "random:index/randomInteger:RandomInteger",
			"random:index/randomPassword:RandomPassword", "random:index/randomPet:RandomPet",
			"random:index/randomString:RandomString", "random:index/randomUuid:RandomUuid",
			"tls:index/certRequest:CertRequest", "tls:index/privateKey:PrivateKey",
			"tls:index/selfSignedCert:SelfSignedCert",
		},
	}
}
