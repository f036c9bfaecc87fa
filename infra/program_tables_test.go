package main

// What the stacks hold, by type: TestResources.
const (
	devResources = `
1 aws:autoscaling/group:Group
1 aws:autoscaling/lifecycleHook:LifecycleHook
2 aws:autoscaling/policy:Policy
1 aws:cloudwatch/dashboard:Dashboard
1 aws:cloudwatch/eventRule:EventRule
1 aws:cloudwatch/eventTarget:EventTarget
4 aws:cloudwatch/logGroup:LogGroup
13 aws:cloudwatch/metricAlarm:MetricAlarm
1 aws:dynamodb/table:Table
1 aws:ec2/defaultSecurityGroup:DefaultSecurityGroup
1 aws:ec2/eip:Eip
1 aws:ec2/flowLog:FlowLog
1 aws:ec2/instance:Instance
1 aws:ec2/internetGateway:InternetGateway
1 aws:ec2/launchTemplate:LaunchTemplate
1 aws:ec2/natGateway:NatGateway
3 aws:ec2/route:Route
3 aws:ec2/routeTable:RouteTable
4 aws:ec2/routeTableAssociation:RouteTableAssociation
4 aws:ec2/securityGroup:SecurityGroup
4 aws:ec2/subnet:Subnet
1 aws:ec2/vpc:Vpc
2 aws:ec2/vpcEndpoint:VpcEndpoint
2 aws:iam/instanceProfile:InstanceProfile
3 aws:iam/role:Role
3 aws:iam/rolePolicy:RolePolicy
1 aws:lb/listener:Listener
1 aws:lb/loadBalancer:LoadBalancer
1 aws:lb/targetGroup:TargetGroup
1 aws:rds/instance:Instance
1 aws:rds/parameterGroup:ParameterGroup
1 aws:rds/subnetGroup:SubnetGroup
1 aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2
3 aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2
2 aws:s3/bucketLoggingV2:BucketLoggingV2
1 aws:s3/bucketObjectv2:BucketObjectv2
3 aws:s3/bucketOwnershipControls:BucketOwnershipControls
3 aws:s3/bucketPolicy:BucketPolicy
3 aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock
3 aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2
3 aws:s3/bucketV2:BucketV2
2 aws:s3/bucketVersioningV2:BucketVersioningV2
1 aws:sns/topic:Topic
1 aws:sns/topicPolicy:TopicPolicy
16 aws:ssm/parameter:Parameter
5 aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule
4 aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule
2 command:local:Command
1 dossier:database:Database
1 dossier:jump:Jump
1 dossier:network:Network
1 dossier:observe:Observe
1 dossier:parameters:Parameters
1 dossier:service:Service
1 dossier:site:Site
1 dossier:storage:Logs
1 dossier:storage:Storage
3 random:index/randomPassword:RandomPassword
`
	prodResources = `
1 aws:acm/certificate:Certificate
1 aws:acm/certificateValidation:CertificateValidation
1 aws:autoscaling/group:Group
1 aws:autoscaling/lifecycleHook:LifecycleHook
2 aws:autoscaling/policy:Policy
1 aws:cloudwatch/dashboard:Dashboard
1 aws:cloudwatch/eventRule:EventRule
1 aws:cloudwatch/eventTarget:EventTarget
4 aws:cloudwatch/logGroup:LogGroup
13 aws:cloudwatch/metricAlarm:MetricAlarm
1 aws:dynamodb/table:Table
1 aws:ec2/defaultSecurityGroup:DefaultSecurityGroup
3 aws:ec2/eip:Eip
1 aws:ec2/flowLog:FlowLog
1 aws:ec2/instance:Instance
1 aws:ec2/internetGateway:InternetGateway
1 aws:ec2/launchTemplate:LaunchTemplate
3 aws:ec2/natGateway:NatGateway
4 aws:ec2/route:Route
4 aws:ec2/routeTable:RouteTable
6 aws:ec2/routeTableAssociation:RouteTableAssociation
4 aws:ec2/securityGroup:SecurityGroup
6 aws:ec2/subnet:Subnet
1 aws:ec2/vpc:Vpc
2 aws:ec2/vpcEndpoint:VpcEndpoint
2 aws:iam/instanceProfile:InstanceProfile
3 aws:iam/role:Role
3 aws:iam/rolePolicy:RolePolicy
2 aws:lb/listener:Listener
1 aws:lb/loadBalancer:LoadBalancer
1 aws:lb/targetGroup:TargetGroup
1 aws:rds/instance:Instance
1 aws:rds/parameterGroup:ParameterGroup
1 aws:rds/subnetGroup:SubnetGroup
2 aws:route53/record:Record
1 aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2
3 aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2
2 aws:s3/bucketLoggingV2:BucketLoggingV2
1 aws:s3/bucketObjectv2:BucketObjectv2
3 aws:s3/bucketOwnershipControls:BucketOwnershipControls
3 aws:s3/bucketPolicy:BucketPolicy
3 aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock
3 aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2
3 aws:s3/bucketV2:BucketV2
2 aws:s3/bucketVersioningV2:BucketVersioningV2
1 aws:sns/topic:Topic
1 aws:sns/topicPolicy:TopicPolicy
1 aws:sns/topicSubscription:TopicSubscription
16 aws:ssm/parameter:Parameter
5 aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule
5 aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule
2 command:local:Command
1 dossier:database:Database
1 dossier:jump:Jump
1 dossier:network:Network
1 dossier:observe:Observe
1 dossier:parameters:Parameters
1 dossier:service:Service
1 dossier:site:Site
1 dossier:storage:Logs
1 dossier:storage:Storage
1 random:index/randomId:RandomId
3 random:index/randomPassword:RandomPassword
`
	maximalResources = `
1 aws:acm/certificate:Certificate
1 aws:acm/certificateValidation:CertificateValidation
1 aws:autoscaling/group:Group
1 aws:autoscaling/lifecycleHook:LifecycleHook
2 aws:autoscaling/policy:Policy
1 aws:cloudwatch/dashboard:Dashboard
1 aws:cloudwatch/eventRule:EventRule
1 aws:cloudwatch/eventTarget:EventTarget
4 aws:cloudwatch/logGroup:LogGroup
13 aws:cloudwatch/metricAlarm:MetricAlarm
1 aws:dynamodb/table:Table
1 aws:ec2/defaultSecurityGroup:DefaultSecurityGroup
4 aws:ec2/eip:Eip
1 aws:ec2/flowLog:FlowLog
1 aws:ec2/instance:Instance
1 aws:ec2/internetGateway:InternetGateway
1 aws:ec2/keyPair:KeyPair
1 aws:ec2/launchTemplate:LaunchTemplate
4 aws:ec2/natGateway:NatGateway
5 aws:ec2/route:Route
5 aws:ec2/routeTable:RouteTable
8 aws:ec2/routeTableAssociation:RouteTableAssociation
4 aws:ec2/securityGroup:SecurityGroup
8 aws:ec2/subnet:Subnet
1 aws:ec2/vpc:Vpc
2 aws:ec2/vpcEndpoint:VpcEndpoint
2 aws:iam/instanceProfile:InstanceProfile
3 aws:iam/role:Role
3 aws:iam/rolePolicy:RolePolicy
2 aws:lb/listener:Listener
1 aws:lb/loadBalancer:LoadBalancer
1 aws:lb/targetGroup:TargetGroup
1 aws:rds/instance:Instance
1 aws:rds/parameterGroup:ParameterGroup
1 aws:rds/subnetGroup:SubnetGroup
2 aws:route53/record:Record
1 aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2
3 aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2
2 aws:s3/bucketLoggingV2:BucketLoggingV2
1 aws:s3/bucketObjectv2:BucketObjectv2
3 aws:s3/bucketOwnershipControls:BucketOwnershipControls
3 aws:s3/bucketPolicy:BucketPolicy
3 aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock
3 aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2
3 aws:s3/bucketV2:BucketV2
2 aws:s3/bucketVersioningV2:BucketVersioningV2
1 aws:sns/topic:Topic
1 aws:sns/topicPolicy:TopicPolicy
1 aws:sns/topicSubscription:TopicSubscription
17 aws:ssm/parameter:Parameter
5 aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule
7 aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule
1 aws:wafv2/webAclAssociation:WebAclAssociation
1 command:local:Command
1 command:remote:Command
1 dossier:database:Database
1 dossier:jump:Jump
1 dossier:network:Network
1 dossier:observe:Observe
1 dossier:parameters:Parameters
1 dossier:service:Service
1 dossier:site:Site
1 dossier:storage:Logs
1 dossier:storage:Storage
1 random:index/randomId:RandomId
3 random:index/randomPassword:RandomPassword
2 tls:index/privateKey:PrivateKey
`
	cheapResources = `
1 aws:autoscaling/group:Group
1 aws:autoscaling/lifecycleHook:LifecycleHook
2 aws:autoscaling/policy:Policy
1 aws:cloudwatch/dashboard:Dashboard
1 aws:cloudwatch/eventRule:EventRule
1 aws:cloudwatch/eventTarget:EventTarget
4 aws:cloudwatch/logGroup:LogGroup
13 aws:cloudwatch/metricAlarm:MetricAlarm
1 aws:dynamodb/table:Table
1 aws:ec2/defaultSecurityGroup:DefaultSecurityGroup
1 aws:ec2/eip:Eip
1 aws:ec2/eipAssociation:EipAssociation
1 aws:ec2/flowLog:FlowLog
2 aws:ec2/instance:Instance
1 aws:ec2/internetGateway:InternetGateway
1 aws:ec2/keyPair:KeyPair
1 aws:ec2/launchTemplate:LaunchTemplate
3 aws:ec2/route:Route
3 aws:ec2/routeTable:RouteTable
4 aws:ec2/routeTableAssociation:RouteTableAssociation
5 aws:ec2/securityGroup:SecurityGroup
4 aws:ec2/subnet:Subnet
1 aws:ec2/vpc:Vpc
2 aws:ec2/vpcEndpoint:VpcEndpoint
3 aws:iam/instanceProfile:InstanceProfile
4 aws:iam/role:Role
4 aws:iam/rolePolicy:RolePolicy
1 aws:lb/listener:Listener
1 aws:lb/loadBalancer:LoadBalancer
1 aws:lb/targetGroup:TargetGroup
1 aws:rds/instance:Instance
1 aws:rds/parameterGroup:ParameterGroup
1 aws:rds/subnetGroup:SubnetGroup
1 aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2
3 aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2
2 aws:s3/bucketLoggingV2:BucketLoggingV2
1 aws:s3/bucketObjectv2:BucketObjectv2
3 aws:s3/bucketOwnershipControls:BucketOwnershipControls
3 aws:s3/bucketPolicy:BucketPolicy
3 aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock
3 aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2
3 aws:s3/bucketV2:BucketV2
2 aws:s3/bucketVersioningV2:BucketVersioningV2
1 aws:sns/topic:Topic
1 aws:sns/topicPolicy:TopicPolicy
17 aws:ssm/parameter:Parameter
7 aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule
6 aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule
1 command:local:Command
1 command:remote:Command
1 dossier:database:Database
1 dossier:jump:Jump
1 dossier:network:Network
1 dossier:observe:Observe
1 dossier:parameters:Parameters
1 dossier:service:Service
1 dossier:site:Site
1 dossier:storage:Logs
1 dossier:storage:Storage
3 random:index/randomPassword:RandomPassword
2 tls:index/privateKey:PrivateKey
`
)

// Who can open a connection to whom: TestReachability.
const (
	devReachability = `
app -> DynamoDB tcp 443 | gateway endpoint
app -> S3 tcp 443 | gateway endpoint
app -> database tcp 3306 | VPC
app -> internet tcp 443 | NAT gateway
internet -> load balancer tcp 80 | internet gateway, listener HTTP 80
jump -> DynamoDB tcp 443 | gateway endpoint
jump -> S3 tcp 443 | gateway endpoint
jump -> database tcp 3306 | VPC
jump -> internet tcp 443 | internet gateway
load balancer -> app tcp 8080 | target group HTTP 8080
nat -> internet all all | internet gateway
`
	prodReachability = `
app -> DynamoDB tcp 443 | gateway endpoint
app -> S3 tcp 443 | gateway endpoint
app -> database tcp 3306 | VPC
app -> internet tcp 443 | NAT gateway
app -> load balancer tcp 443 | listener HTTPS 443
internet -> load balancer tcp 443 | internet gateway, listener HTTPS 443
internet -> load balancer tcp 80 | internet gateway, listener HTTP 80
jump -> DynamoDB tcp 443 | gateway endpoint
jump -> S3 tcp 443 | gateway endpoint
jump -> database tcp 3306 | VPC
jump -> internet tcp 443 | internet gateway
jump -> load balancer tcp 443 | listener HTTPS 443
load balancer -> app tcp 8080 | target group HTTP 8080
nat -> internet all all | internet gateway
`
	maximalReachability = `
app -> DynamoDB tcp 443 | gateway endpoint
app -> S3 tcp 443 | gateway endpoint
app -> database tcp 3306 | VPC
app -> internet tcp 443 | NAT gateway
app -> load balancer tcp 443 | listener HTTPS 443
internet -> load balancer tcp 443 | internet gateway, listener HTTPS 443
internet -> load balancer tcp 80 | internet gateway, listener HTTP 80
jump -> DynamoDB tcp 443 | gateway endpoint
jump -> S3 tcp 443 | gateway endpoint
jump -> database tcp 3306 | VPC
jump -> internet tcp 443 | internet gateway
jump -> load balancer tcp 443 | listener HTTPS 443
load balancer -> app tcp 8080 | target group HTTP 8080
nat -> internet all all | internet gateway
operators -> jump tcp 22 | 198.51.100.7/32 internet gateway; 203.0.113.0/24 internet gateway
`
	cheapReachability = `
app -> DynamoDB tcp 443 | gateway endpoint
app -> S3 tcp 443 | gateway endpoint
app -> database tcp 3306 | VPC
app -> internet tcp 443 | NAT instance
app -> nat tcp 443 | VPC
internet -> load balancer tcp 80 | internet gateway, listener HTTP 80
jump -> DynamoDB tcp 443 | gateway endpoint
jump -> S3 tcp 443 | gateway endpoint
jump -> database tcp 3306 | VPC
jump -> internet tcp 443 | internet gateway
load balancer -> app tcp 8080 | target group HTTP 8080
nat -> DynamoDB tcp 443 | gateway endpoint
nat -> S3 tcp 443 | gateway endpoint
nat -> internet tcp 443 | internet gateway
operators -> jump tcp 22 | 203.0.113.0/24 internet gateway
`
)
