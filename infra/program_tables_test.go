package main

// resourcesTable is how many resources of each type every environment has; the first line names the environments.
// TestResources.
const resourcesTable = `
                                                                                            dev  prod  maximal  cheap
aws:acm/certificate:Certificate                                                               -     1        1      -
aws:acm/certificateValidation:CertificateValidation                                           -     1        1      -
aws:autoscaling/group:Group                                                                   1     1        1      1
aws:autoscaling/lifecycleHook:LifecycleHook                                                   1     1        1      1
aws:autoscaling/policy:Policy                                                                 2     2        2      2
aws:cloudwatch/dashboard:Dashboard                                                            1     1        1      1
aws:cloudwatch/eventRule:EventRule                                                            1     1        1      1
aws:cloudwatch/eventTarget:EventTarget                                                        1     1        1      1
aws:cloudwatch/logGroup:LogGroup                                                              3     3        3      3
aws:cloudwatch/logMetricFilter:LogMetricFilter                                               11    11       11     11
aws:cloudwatch/metricAlarm:MetricAlarm                                                       19    19       19     19
aws:dynamodb/table:Table                                                                      1     1        1      1
aws:ec2/defaultSecurityGroup:DefaultSecurityGroup                                             1     1        1      1
aws:ec2/eip:Eip                                                                               1     3        5      2
aws:ec2/eipAssociation:EipAssociation                                                         -     -        1      2
aws:ec2/flowLog:FlowLog                                                                       1     1        1      1
aws:ec2/instance:Instance                                                                     1     1        1      2
aws:ec2/internetGateway:InternetGateway                                                       1     1        1      1
aws:ec2/keyPair:KeyPair                                                                       -     -        1      1
aws:ec2/launchTemplate:LaunchTemplate                                                         1     1        1      1
aws:ec2/natGateway:NatGateway                                                                 1     3        4      -
aws:ec2/route:Route                                                                           3     4        5      3
aws:ec2/routeTable:RouteTable                                                                 3     4        5      3
aws:ec2/routeTableAssociation:RouteTableAssociation                                           4     6        8      4
aws:ec2/securityGroup:SecurityGroup                                                           4     4        4      5
aws:ec2/subnet:Subnet                                                                         4     6        8      4
aws:ec2/vpc:Vpc                                                                               1     1        1      1
aws:ec2/vpcEndpoint:VpcEndpoint                                                               2     2        2      2
aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan                                     -     -        1      -
aws:iam/instanceProfile:InstanceProfile                                                       2     2        2      3
aws:iam/role:Role                                                                             2     2        3      3
aws:iam/rolePolicy:RolePolicy                                                                 2     2        3      3
aws:lb/listener:Listener                                                                      1     2        2      1
aws:lb/loadBalancer:LoadBalancer                                                              1     1        1      1
aws:lb/targetGroup:TargetGroup                                                                1     1        1      1
aws:rds/instance:Instance                                                                     1     1        1      1
aws:rds/parameterGroup:ParameterGroup                                                         1     1        1      1
aws:rds/subnetGroup:SubnetGroup                                                               1     1        1      1
aws:route53/record:Record                                                                     -     2        2      -
aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2                                    1     1        1      1
aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2                          3     3        3      3
aws:s3/bucketLoggingV2:BucketLoggingV2                                                        2     2        2      2
aws:s3/bucketObjectv2:BucketObjectv2                                                          1     1        1      1
aws:s3/bucketOwnershipControls:BucketOwnershipControls                                        3     3        3      3
aws:s3/bucketPolicy:BucketPolicy                                                              3     3        3      3
aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock                                        3     3        3      3
aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2    3     3        3      3
aws:s3/bucketV2:BucketV2                                                                      3     3        3      3
aws:s3/bucketVersioningV2:BucketVersioningV2                                                  2     2        2      2
aws:sns/topic:Topic                                                                           1     1        1      1
aws:sns/topicPolicy:TopicPolicy                                                               1     1        1      1
aws:sns/topicSubscription:TopicSubscription                                                   -     1        1      -
aws:ssm/parameter:Parameter                                                                  17    17       20     18
aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule                                       5     5        5      7
aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule                                     4     5        7      6
aws:wafv2/webAclAssociation:WebAclAssociation                                                 -     -        1      -
command:local:Command                                                                         3     3        2      2
command:remote:Command                                                                        -     -        1      1
dossier:database:Database                                                                     1     1        1      1
dossier:jump:Jump                                                                             1     1        1      1
dossier:network:Network                                                                       1     1        1      1
dossier:observe:Observe                                                                       1     1        1      1
dossier:parameters:Parameters                                                                 1     1        1      1
dossier:service:Service                                                                       1     1        1      1
dossier:site:Site                                                                             1     1        1      1
dossier:storage:Logs                                                                          1     1        1      1
dossier:storage:Storage                                                                       1     1        1      1
random:index/randomId:RandomId                                                                -     1        1      -
random:index/randomPassword:RandomPassword                                                    3     3        3      3
tls:index/privateKey:PrivateKey                                                               -     -        2      2
`

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
