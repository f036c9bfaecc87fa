package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// The kinds of dangers that the tables below give.
const (
	expires = "data deleted later"
	exposes = "access opened"
	// deletedNow is of what goes with a resource that holds data.
	deletedNow = "data deleted"
	stops      = "interruption"
	weakens    = "protection off"
	shrinks    = "less capacity"
	hides      = "less is watched"
	refused    = "refused by AWS"
	notJudged  = "not judged"
	// moreRights is of who may do what nobody may overlook.
	moreRights = "more rights"
	// rulesBroken is of rules that base keeps.
	rulesBroken = "rules broken"
)

// loss is what goes with a resource of a type.
type loss struct{ kind, what string }

// losses are what is lost when a resource is deleted that holds no data and is not known outside. With stops it is also
// lost for a while when the resource is replaced.
var losses = map[string]loss{
	"aws:accessanalyzer/analyzer:Analyzer":         {hides, "nobody is told of what is open to others"},
	"aws:cfg/recorder:Recorder":                    {hides, "changes are no longer recorded"},
	"aws:cloudtrail/trail:Trail":                   {hides, "calls to AWS are no longer recorded"},
	"aws:cloudwatch/compositeAlarm:CompositeAlarm": {hides, "nobody is alarmed by it"},
	"aws:cloudwatch/dashboard:Dashboard":           {hides, "what it shows is no longer shown together"},
	"aws:cloudwatch/eventRule:EventRule":           {hides, "its events no longer reach anyone"},
	"aws:cloudwatch/eventTarget:EventTarget":       {hides, "events no longer reach this target"},
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": {hides,
		"its metric gets no values, and alarms on it see none"},
	"aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": {hides, "logs no longer reach this destination"},
	"aws:cloudwatch/metricAlarm:MetricAlarm":                     {hides, "nobody is alarmed by it"},
	"aws:ec2/flowLog:FlowLog":                                    {hides, "connections are no longer recorded"},
	"aws:guardduty/detector:Detector":                            {hides, "nobody looks for threats"},
	"aws:route53/healthCheck:HealthCheck":                        {hides, "its endpoint is no longer checked"},
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                     {hides, "access to the bucket is no longer recorded"},
	"aws:securityhub/account:Account":                            {hides, "findings are no longer gathered"},
	"aws:sns/topic:Topic":                                        {hides, "its subscribers are no longer told anything"},
	"aws:sns/topicSubscription:TopicSubscription":                {hides, "its subscriber is no longer told anything"},

	"aws:appautoscaling/policy:Policy": {shrinks,
		"capacity no longer follows the load"},
	"aws:appautoscaling/target:Target": {shrinks,
		"capacity no longer follows the load"},
	"aws:autoscaling/policy:Policy": {shrinks,
		"capacity no longer follows the load"},
	"aws:autoscaling/lifecycleHook:LifecycleHook": {weakens,
		"instances are no longer held back until they are ready"},
	"aws:backup/plan:Plan": {weakens, "no more backups are made by it"},
	"aws:backup/selection:Selection": {weakens,
		"what it selects is no longer backed up"},
	"aws:dlm/lifecyclePolicy:LifecyclePolicy": {weakens,
		"no more snapshots are made by it"},
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": {weakens,
		"files are no longer scanned for malware"},
	"aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": {exposes,
		"the account's buckets can be opened to everyone"},
	"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": {weakens,
		"new objects can be deleted at any time"},
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls": {weakens, "ACLs may count again in the bucket"},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {exposes, "the bucket can be opened to everyone"},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {weakens,
		"objects are encrypted by S3's own key, if by none of theirs"},
	"aws:s3/bucketVersioningV2:BucketVersioningV2": {weakens,
		"objects that are overwritten or deleted in the bucket are lost at once"},
	"aws:secretsmanager/secretRotation:SecretRotation": {weakens, "the secret is no longer rotated"},
	"aws:wafv2/webAcl:WebAcl":                          {weakens, "its rules no longer filter requests"},
	"aws:wafv2/webAclAssociation:WebAclAssociation":    {weakens, "requests are no longer filtered"},

	"aws:acm/certificate:Certificate":          {stops, "what presents it needs another one"},
	"aws:apigateway/restApi:RestApi":           {stops, "the API is gone, and its address"},
	"aws:apigatewayv2/api:Api":                 {stops, "the API is gone, and its address"},
	"aws:cloudfront/distribution:Distribution": {stops, "it serves no longer, and its name is gone"},
	"aws:ec2/eipAssociation:EipAssociation":    {stops, "the address no longer leads to it"},
	"aws:ec2/instance:Instance": {stops,
		"what runs on it stops, and its own disk goes with it"},
	"aws:ec2/internetGateway:InternetGateway": {stops,
		"nothing reaches the internet or is reached from there"},
	"aws:ec2/natGateway:NatGateway":                     {stops, "connections through it break"},
	"aws:ec2/vpcEndpoint:VpcEndpoint":                   {stops, "the service is no longer reached through it"},
	"aws:ec2/vpcPeeringConnection:VpcPeeringConnection": {stops, "the other network is no longer reached by it"},
	"aws:ec2/subnet:Subnet":                             {stops, "what is in it has to go first"},
	"aws:ecs/cluster:Cluster":                           {stops, "nothing runs in it any longer"},
	"aws:eks/cluster:Cluster": {stops,
		"everything that runs in it stops, and what it knows is gone"},
	"aws:eks/nodeGroup:NodeGroup":        {stops, "what runs on its nodes stops"},
	"aws:lambda/functionUrl:FunctionUrl": {stops, "its address is gone"},
	"aws:rds/clusterInstance:ClusterInstance": {stops,
		"connections to it break, and no writer is left if it is the last"},
	"aws:rds/proxy:Proxy":                     {stops, "connections through it break"},
	"aws:ecs/service:Service":                 {stops, "its tasks stop"},
	poolClientType:                            {stops, "nobody signs in to it any longer"},
	poolProviderType:                          {stops, "its people can no longer sign in"},
	poolDomainType:                            {stops, "nobody reaches the pages to sign in on"},
	poolGroupType:                             {stops, "its members lose what it gives them"},
	"aws:iam/accessKey:AccessKey":             {stops, "whoever uses it can no longer sign in"},
	"aws:iam/instanceProfile:InstanceProfile": {stops, "instances with it lose their role"},
	"aws:iam/role:Role":                       {stops, "whoever takes it may do nothing any longer"},
	"aws:iam/user:User":                       {stops, "whoever it is can no longer sign in"},
	"aws:lambda/eventSourceMapping:EventSourceMapping": {stops, "the function no longer gets these events"},
	"aws:lambda/function:Function":                     {stops, "nobody can call it any longer"},
	"aws:lb/listener:Listener":                         {stops, "nobody is served on its port"},
	"aws:lb/listenerRule:ListenerRule":                 {stops, "its requests go elsewhere"},
	"aws:lb/targetGroup:TargetGroup": {stops,
		"a new one has no healthy target until instances are registered with it and pass its checks"},
	"aws:lb/targetGroupAttachment:TargetGroupAttachment": {stops, "its target gets no requests"},
	"aws:ssm/parameter:Parameter":                        {stops, "whoever reads it fails"},
	permissionType:                                       {stops, "its principal may no longer call the function"},
	routeKeyType:                                         {stops, "its requests are refused"},
	stageType:                                            {stops, "nothing is served at its address"},
	integrationType:                                      {stops, "the requests of its routes lead nowhere"},
	responseHeaderType:                                   {weakens, "answers no longer carry its headers"},
	"aws:apigatewayv2/authorizer:Authorizer":             {stops, "routes that ask it refuse their callers"},
	"aws:cloudfront/originAccessControl:OriginAccessControl": {stops, "its origins no longer know the distribution"},

	"aws:autoscaling/attachment:Attachment": {stops, "the group's instances leave the target group"},
	"aws:autoscaling/schedule:Schedule":     {stops, "capacity no longer changes at its times"},
	"aws:cfg/recorderStatus:RecorderStatus": {hides, "changes are no longer recorded"},
	"aws:route53/queryLog:QueryLog":         {hides, "who asks for names is no longer recorded"},
	"aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {hides,
		"requests that it filters are no longer recorded"},
	"aws:backup/vaultLockConfiguration:VaultLockConfiguration": {weakens,
		"without its lock, whoever has the right deletes backups at any time"},
	eventsOfDatabase:                  {hides, "nobody is told of its events"},
	"aws:rds/proxyTarget:ProxyTarget": {stops, "the proxy leads nowhere"},
	grantType:                         {stops, "whoever had it may no longer use the key"},
	"aws:efs/accessPoint:AccessPoint": {stops, "whoever mounts the files by this access point fails"},
	"aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": {weakens,
		"its backups are no longer copied to another region"},
	"aws:kinesis/streamConsumer:StreamConsumer": {stops, "whoever reads the stream by it gets nothing more"},
	lambdaAliasType: {stops, "whoever calls the function by this name fails"},
	apiKeyType:      {stops, "whoever uses the key is refused"},
	cacheUserType:   {stops, "whoever signs in as it can no longer"},
	firehoseType:    {hides, "records are no longer passed on"},
	websiteType:     {stops, "its pages are no longer served as a site"},
	accelerateType:  {stops, "requests to the accelerated address are refused"},
	eksAccessType:   {stops, "its principal loses what the policy gives it"},
	"aws:ec2/networkAclAssociation:NetworkAclAssociation": {weakens, "its subnet is left to the default network ACL, " +
		"which lets everything through unless somebody changed it"},
	"aws:dynamodb/kinesisStreamingDestination:KinesisStreamingDestination": {stops,
		"changes of the table no longer reach the stream"},
	"aws:dynamodb/tableReplica:TableReplica":              {stops, "whoever reads the table in its region fails"},
	"aws:ec2/volumeAttachment:VolumeAttachment":           {stops, "the instance no longer has the volume"},
	"aws:efs/mountTarget:MountTarget":                     {stops, "what is in its subnet no longer reaches the files"},
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider": {stops, "nobody signs in by it any longer"},
	"aws:iam/samlProvider:SamlProvider":                   {stops, "nobody signs in by it any longer"},
	"aws:kms/alias:Alias":                                 {stops, "whoever asks for the key by this name fails"},
	"aws:iam/userGroupMembership:UserGroupMembership":     {stops, "the user loses the rights of its groups"},
	"aws:iam/groupMembership:GroupMembership":             {stops, "its users lose the rights of the group"},
	"aws:iam/groupPolicyAttachment:GroupPolicyAttachment": {stops, "the group loses the rights of the policy"},
	"aws:iam/userPolicyAttachment:UserPolicyAttachment":   {stops, "the user loses the rights of the policy"},
	"aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": {shrinks,
		"calls wait until the function has started"},
	"aws:lb/listenerCertificate:ListenerCertificate": {stops,
		"the listener no longer has this certificate, and clients refuse it under its names"},
	"aws:pipes/pipe:Pipe": {stops, "nothing is passed on any longer"},
	// https://github.com/hashicorp/terraform-provider-aws/issues/4500
	objectType: {deletedNow, "whoever asks for it gets nothing, and no older version of it is left"},
	"aws:route53/hostedZoneDnsSec:HostedZoneDnsSec": {stops, "names are no longer signed; as long as the parent zone " +
		"says that they are, resolvers that check it find none of them"},
	objectCopyType:                                {weakens, "its objects are no longer copied elsewhere"},
	objectEventType:                               {stops, "nobody is any longer told of its objects"},
	"aws:scheduler/schedule:Schedule":             {stops, "what it starts is no longer started"},
	"aws:sfn/stateMachine:StateMachine":           {stops, "nobody can start it any longer, and what runs of it ends"},
	"aws:ssm/maintenanceWindow:MaintenanceWindow": {weakens, "what it does is no longer done"},
	"aws:synthetics/canary:Canary":                {hides, "nobody tries any longer what it tries"},
	restAPIMethodType:                             {stops, "its requests are refused"},
	"aws:efs/backupPolicy:BackupPolicy":           {weakens, "whether the files are backed up is no longer said"},
	invokeConfigType: {weakens, "calls that fail are tried and kept as AWS does " +
		"without it"},
}

// disposable are the types whose deletion, or replacement, takes nothing away that others need.
var disposable = []string{
	"aws:rds/parameterGroup:ParameterGroup", "aws:s3/bucketAclV2:BucketAclV2", taskType,
	networkACLType, ipSetType, payerType, prefixListType, templateType,
	"aws:ecr/lifecyclePolicy:LifecyclePolicy",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
}

// partOf are the inputs that tell what a resource is a part of: with the whole, the part is not missed.
var partOf = map[string]string{
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": "protectedResource.s3Bucket.bucketName",
	"aws:secretsmanager/secretRotation:SecretRotation":          "secretId",

	poolClientType: "userPoolId", poolProviderType: "userPoolId",
	poolDomainType: "userPoolId",
	poolGroupType:  "userPoolId",
	"aws:autoscaling/lifecycleHook:LifecycleHook":                            "autoscalingGroupName",
	"aws:autoscaling/policy:Policy":                                          "autoscalingGroupName",
	"aws:cloudwatch/eventTarget:EventTarget":                                 "rule",
	"aws:cloudwatch/logMetricFilter:LogMetricFilter":                         "logGroupName",
	"aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter":             "logGroup",
	"aws:ec2/eipAssociation:EipAssociation":                                  "instanceId",
	"aws:ec2/flowLog:FlowLog":                                                "vpcId",
	"aws:ec2/internetGateway:InternetGateway":                                "vpcId",
	"aws:ec2/subnet:Subnet":                                                  "vpcId",
	"aws:ec2/vpcEndpoint:VpcEndpoint":                                        "vpcId",
	"aws:iam/instanceProfile:InstanceProfile":                                "role",
	"aws:lb/listener:Listener":                                               "loadBalancerArn",
	"aws:lb/listenerRule:ListenerRule":                                       "listenerArn",
	permissionType:                                                           "function",
	routeKeyType:                                                             "apiId",
	stageType:                                                                "apiId",
	integrationType:                                                          "apiId",
	"aws:lb/targetGroupAttachment:TargetGroupAttachment":                     "targetGroupArn",
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                                 "bucket",
	"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": "bucket",
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                 "bucket",
	"aws:s3/bucketPolicy:BucketPolicy":                                       "bucket",
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                 "bucket",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "bucket",
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               "bucket",
	"aws:sns/topicPolicy:TopicPolicy":                                                            "arn",
	"aws:sns/topicSubscription:TopicSubscription":                                                "topic",
	"aws:sqs/queuePolicy:QueuePolicy":                                                            "queueUrl",
	"aws:wafv2/webAclAssociation:WebAclAssociation":                                              "resourceArn",

	"aws:autoscaling/attachment:Attachment":                                "autoscalingGroupName",
	"aws:autoscaling/schedule:Schedule":                                    "autoscalingGroupName",
	"aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration":      "resourceArn",
	"aws:route53/queryLog:QueryLog":                                        "zoneId",
	"aws:backup/selection:Selection":                                       "planId",
	"aws:backup/vaultLockConfiguration:VaultLockConfiguration":             "backupVaultName",
	"aws:dynamodb/kinesisStreamingDestination:KinesisStreamingDestination": "tableName",
	"aws:dynamodb/tableReplica:TableReplica":                               "globalTableArn",
	"aws:ec2/networkAclAssociation:NetworkAclAssociation":                  "networkAclId",
	"aws:rds/proxyTarget:ProxyTarget":                                      "dbProxyName",
	"aws:kms/grant:Grant":                                                  "keyId",
	"aws:efs/accessPoint:AccessPoint":                                      "fileSystemId",
	"aws:kinesis/streamConsumer:StreamConsumer":                            "streamArn",
	lambdaAliasType:                         "functionName",
	websiteType:                             "bucket",
	accelerateType:                          "bucket",
	eksAccessType:                           "clusterName",
	"aws:ec2/networkAclRule:NetworkAclRule": "networkAclId",
	"aws:ec2/volumeAttachment:VolumeAttachment":                            "volumeId",
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":                              "repository",
	"aws:ecr/repositoryPolicy:RepositoryPolicy":                            "repository",
	"aws:efs/backupPolicy:BackupPolicy":                                    "fileSystemId",
	"aws:efs/mountTarget:MountTarget":                                      "fileSystemId",
	"aws:iam/groupPolicyAttachment:GroupPolicyAttachment":                  "group",
	"aws:iam/userGroupMembership:UserGroupMembership":                      "user",
	"aws:iam/groupPolicy:GroupPolicy":                                      "group",
	"aws:iam/userPolicy:UserPolicy":                                        "user",
	"aws:kms/alias:Alias":                                                  "targetKeyId",
	"aws:iam/userPolicyAttachment:UserPolicyAttachment":                    "user",
	"aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": "functionName",
	"aws:lb/listenerCertificate:ListenerCertificate":                       "listenerArn",
	"aws:route53/hostedZoneDnsSec:HostedZoneDnsSec":                        "hostedZoneId",
	"aws:apigateway/restApiPolicy:RestApiPolicy":                           "restApiId",
	"aws:cloudwatch/eventBusPolicy:EventBusPolicy":                         "eventBusName",
	invokeConfigType:  "functionName",
	objectCopyType:    "bucket",
	objectEventType:   "bucket",
	objectType:        "bucket",
	restAPIMethodType: "restApi",
}

// closed are the types of which a new resource lets nobody in, or of which something here judges whom it lets in (by
// its inputs, by a rule, by a document, or by who reaches whom), and that either cost next to nothing while nobody uses
// them or are on the bill. All else that is created counts as not judged: a type that no table has, what may let others
// in by inputs that nothing looks at, and what runs, and is paid for, by the hour without a price here, such as a
// cache.
var closed = []string{
	eksAccessType, templateType,
	"aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation",
	"aws:appautoscaling/policy:Policy", "aws:appautoscaling/target:Target",
	"aws:autoscaling/group:Group", "aws:autoscaling/lifecycleHook:LifecycleHook", "aws:autoscaling/policy:Policy",
	"aws:cloudwatch/dashboard:Dashboard", "aws:cloudwatch/eventRule:EventRule",
	"aws:cloudwatch/eventTarget:EventTarget", "aws:cloudwatch/logGroup:LogGroup",
	"aws:cloudwatch/logMetricFilter:LogMetricFilter", "aws:cloudwatch/metricAlarm:MetricAlarm",
	userPoolType, poolClientType, poolProviderType, poolDomainType, poolGroupType,
	"aws:dynamodb/table:Table", "aws:ebs/volume:Volume", "aws:ec2/eip:Eip", "aws:ec2/flowLog:FlowLog",
	"aws:ec2/instance:Instance", "aws:ec2/internetGateway:InternetGateway", "aws:ec2/natGateway:NatGateway",
	"aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc", "aws:ec2/vpcEndpoint:VpcEndpoint",
	"aws:ecs/cluster:Cluster", "aws:elasticache/subnetGroup:SubnetGroup",
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
	"aws:iam/instanceProfile:InstanceProfile", "aws:iam/role:Role", keyType,
	"aws:lb/listener:Listener", "aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup",
	"aws:rds/instance:Instance", "aws:rds/parameterGroup:ParameterGroup",
	"aws:route53/record:Record", "aws:route53/zone:Zone",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
	"aws:s3/bucketLoggingV2:BucketLoggingV2", "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
	"aws:s3/bucketV2:BucketV2", "aws:s3/bucketVersioningV2:BucketVersioningV2",
	"aws:sns/topic:Topic", "aws:sns/topicSubscription:TopicSubscription", "aws:ssm/parameter:Parameter",
	"aws:wafv2/webAclAssociation:WebAclAssociation",

	"aws:apigatewayv2/authorizer:Authorizer", httpAPIType, integrationType, routeKeyType, stageType,
	corsType, distributionType, "aws:cloudfront/originAccessControl:OriginAccessControl", responseHeaderType,
	"aws:ec2/networkAcl:NetworkAcl", "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
	"aws:ecr/lifecyclePolicy:LifecyclePolicy", repositoryType, serviceType, taskType,
	functionType, "aws:lambda/functionUrl:FunctionUrl", permissionType, sourceMappingType,
	"aws:lb/listenerRule:ListenerRule", "aws:lb/targetGroupAttachment:TargetGroupAttachment",
	"aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance", "aws:route53/healthCheck:HealthCheck",
	"aws:s3/bucket:Bucket", "aws:s3/bucketAclV2:BucketAclV2",
	"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
	"aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretPolicy:SecretPolicy",
	"aws:secretsmanager/secretRotation:SecretRotation", "aws:secretsmanager/secretVersion:SecretVersion", queueType,
	"aws:wafv2/webAcl:WebAcl",

	"aws:autoscaling/attachment:Attachment", "aws:autoscaling/schedule:Schedule",
	"aws:cfg/recorderStatus:RecorderStatus", "aws:ebs/encryptionByDefault:EncryptionByDefault",
	"aws:route53/queryLog:QueryLog", "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
	"aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
	"aws:backup/plan:Plan", "aws:backup/selection:Selection", "aws:backup/vault:Vault",
	"aws:backup/vaultLockConfiguration:VaultLockConfiguration", "aws:cloudwatch/compositeAlarm:CompositeAlarm",
	"aws:cloudwatch/eventArchive:EventArchive", "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
	"aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission",
	"aws:ec2/volumeAttachment:VolumeAttachment", "aws:efs/backupPolicy:BackupPolicy",
	"aws:efs/mountTarget:MountTarget", "aws:iam/groupMembership:GroupMembership",
	"aws:iam/userGroupMembership:UserGroupMembership", invokeConfigType,
	"aws:lambda/layerVersionPermission:LayerVersionPermission", "aws:lb/listenerCertificate:ListenerCertificate",
	objectCopyType, objectEventType, "aws:scheduler/schedule:Schedule", "aws:sfn/stateMachine:StateMachine",

	// Documents of their own tell whom they let in.
	"aws:apigateway/restApiPolicy:RestApiPolicy", "aws:backup/vaultPolicy:VaultPolicy",
	"aws:cloudwatch/eventBusPolicy:EventBusPolicy", "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
	"aws:dynamodb/resourcePolicy:ResourcePolicy", "aws:ecr/registryPolicy:RegistryPolicy",
	"aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:efs/fileSystemPolicy:FileSystemPolicy",
	"aws:kinesis/resourcePolicy:ResourcePolicy", keyPolicyType,
	"aws:msk/clusterPolicy:ClusterPolicy", "aws:opensearch/domainPolicy:DomainPolicy",
	"aws:s3control/accessPointPolicy:AccessPointPolicy",
}

// elsewhere are the types that are judged as a whole: by who reaches whom (network), by what roles may do and whom
// documents let in (access), by the exchange of instances that the table tells, or because what they are is shown and
// nothing depends on more.
var elsewhere = []string{
	"aws:acm/certificateValidation:CertificateValidation",
	"aws:cloudwatch/dashboard:Dashboard",
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:ec2/eipAssociation:EipAssociation",
	"aws:ec2/keyPair:KeyPair", "aws:ec2/route:Route",
	"aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation",
	"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/tag:Tag",
	"aws:ec2/networkAclRule:NetworkAclRule",
	"aws:iam/groupPolicy:GroupPolicy", "aws:iam/policy:Policy",
	"aws:iam/policyAttachment:PolicyAttachment", "aws:iam/rolePolicy:RolePolicy",
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/userPolicy:UserPolicy",
	"aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "aws:iam/userPolicyAttachment:UserPolicyAttachment",
	"aws:kms/alias:Alias", "aws:rds/subnetGroup:SubnetGroup",
	objectType,
	"aws:s3/bucketPolicy:BucketPolicy", "aws:sns/topicPolicy:TopicPolicy", "aws:sqs/queuePolicy:QueuePolicy",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
	"command:local:Command", "command:remote:Command", "command:remote:CopyToRemote",
	"random:index/randomId:RandomId", "random:index/randomPassword:RandomPassword",
	"random:index/randomString:RandomString", "random:index/randomPet:RandomPet",
	"random:index/randomUuid:RandomUuid", "random:index/randomInteger:RandomInteger",
	"tls:index/privateKey:PrivateKey",
}

// neutral are inputs whose change nobody has to be told as a danger: texts for people, of any type (under ""), and what
// a type has beyond them. That they change is shown all the same.
var neutral = map[string][]string{
	"": {"alarmDescription", "comment", "description", "displayName", "tags", "tagsAll"},

	"aws:autoscaling/group:Group": {"instanceRefresh", "launchTemplate", "metricsGranularity",
		"waitForCapacityTimeout"},
	"aws:dynamodb/table:Table":                {"attributes"},
	"aws:ec2/instance:Instance":               {"volumeTags", "vpcSecurityGroupIds"},
	"aws:ec2/vpcEndpoint:VpcEndpoint":         {"policy", "routeTableIds", "securityGroupIds", "subnetIds"},
	"aws:iam/instanceProfile:InstanceProfile": {"role"},
	"aws:iam/role:Role":                       {"assumeRolePolicy", "inlinePolicies", "managedPolicyArns"},
	keyType:                                   {"policy"},
	"aws:lb/loadBalancer:LoadBalancer":        {"securityGroups"},
	"aws:rds/instance:Instance": {"allowMajorVersionUpgrade", "applyImmediately", "backupWindow", "copyTagsToSnapshot",
		"engineLifecycleSupport", "finalSnapshotIdentifier", "maintenanceWindow", "vpcSecurityGroupIds"},
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {"rules",
		"transitionDefaultMinimumObjectSize"},
	"aws:rds/parameterGroup:ParameterGroup": {"family", "name", "namePrefix"},
	"aws:s3/bucketV2:BucketV2":              {"policy"},
	"aws:secretsmanager/secret:Secret":      {"policy"},
	// The table tells that instances get another one.
	templateType: {"imageId", "securityGroupNames", "tagSpecifications", "updateDefaultVersion",
		"vpcSecurityGroupIds"},
	auroraType: {"allowMajorVersionUpgrade", "applyImmediately", "copyTagsToSnapshot", "finalSnapshotIdentifier",
		"preferredBackupWindow", "preferredMaintenanceWindow", "vpcSecurityGroupIds"},
	auroraNodeType: {"applyImmediately", "copyTagsToSnapshot", "preferredBackupWindow", "preferredMaintenanceWindow"},
	bucketType:     {"policy"},
	cacheType:      {"applyImmediately", "maintenanceWindow", "snapshotWindow"},
	"aws:docdb/cluster:Cluster": {"allowMajorVersionUpgrade", "applyImmediately", "finalSnapshotIdentifier",
		"preferredBackupWindow", "preferredMaintenanceWindow"},
	warehouseType: {"applyImmediately", "finalSnapshotIdentifier",
		"preferredMaintenanceWindow"},
	"aws:sns/topic:Topic":         {"policy"},
	"aws:sqs/queue:Queue":         {"policy"},
	"aws:ssm/parameter:Parameter": {"value", "overwrite"},
}

// judge tells what a difference of one input means; empty: nothing bad.
type judge func(old, now any) string

// rule judges one input of a type.
type rule struct {
	token, path, kind string
	judge             judge
	// made tells that the rule also holds for a resource that is created, whose input was absent before; fresh, that it
	// holds for no other.
	made, fresh bool
}

// inputRules judge inputs, beside guards and interruptions. An absent input counts as the default of AWS and the
// provider. Those of a type stand together: who is told of several reads them in this order.
var inputRules = slices.Concat(frontRules, computeRules, dataRules, watchRules, accessRules)

// on are the rules of one type, or of several, which a space parts. A rule of several paths is one for each.
func on(types string, rules ...rule) []rule {
	var found []rule
	for _, token := range strings.Fields(types) {
		for _, r := range rules {
			for _, path := range strings.Fields(r.path) {
				r.token, r.path = token, path
				found = append(found, r)
			}
		}
	}
	return found
}

// input is the rule of inputs that change; orNew also holds for what is created, and onlyNew for nothing else.
func input(paths, kind string, judge judge) rule { return rule{path: paths, kind: kind, judge: judge} }
func orNew(paths, kind string, judge judge) rule {
	return rule{path: paths, kind: kind, judge: judge, made: true}
}
func onlyNew(paths, kind string, judge judge) rule {
	return rule{path: paths, kind: kind, judge: judge, fresh: true}
}

// harmless are inputs whose change is shown, and stops, opens or weakens nothing.
func harmless(paths string) rule { return input(paths, "", func(any, any) string { return "" }) }

// lower judges a number that goes down, where an absent one is unset: the meaning takes the new and the old one.
func lower(unset float64, format string) judge {
	return func(old, now any) string {
		was, is := numberOr(old, unset), numberOr(now, unset)
		if is >= was {
			return ""
		}
		return singular(fmt.Sprintf(format, plainNumber(is), plainNumber(was)))
	}
}

// oneOf is a 1 before what it counts.
var oneOf = regexp.MustCompile(`(^| )1 (days|hours|instances|nodes|operations|periods|reads|requests|seconds|shards|` +
	`tasks|times|` +
	`writes|attempts|failures|units|objects|messages|years|characters|replicas|newer versions)\b`)

// singular puts what is counted into the singular after a 1.
func singular(text string) string {
	return oneOf.ReplaceAllStringFunc(text, func(counted string) string { return strings.TrimSuffix(counted, "s") })
}

// higher is lower the other way.
func higher(unset float64, format string) judge {
	return func(old, now any) string {
		was, is := numberOr(old, unset), numberOr(now, unset)
		if is <= was {
			return ""
		}
		return singular(fmt.Sprintf(format, plainNumber(is), plainNumber(was)))
	}
}

// noneIsEndless judges numbers of which 0 has no bound, as has no number.
func noneIsEndless(judge judge) judge {
	bound := func(v any) any {
		if n, _ := graph.Number(v); n == 0 {
			return endless
		}
		return v
	}
	return func(old, now any) string { return judge(bound(old), bound(now)) }
}

// minusIsEndless judges numbers of which one below 0 has no bound, as has no number.
func minusIsEndless(judge judge) judge {
	bound := func(v any) any {
		if n, is := graph.Number(v); !is || n < 0 {
			return endless
		}
		return v
	}
	return func(old, now any) string { return judge(bound(old), bound(now)) }
}

// back judges a version that comes before the former one.
func back(means string) judge {
	return func(old, now any) string {
		if !earlier(old, now) {
			return ""
		}
		return fmt.Sprintf(means, orUnset(old), orUnset(now))
	}
}

// from judges a value that is no longer the one that protects.
func from(value, means string) judge {
	return func(old, now any) string {
		if graph.Text(old) != value || graph.Text(now) == value {
			return ""
		}
		return fmt.Sprintf("%s (%s → %s)", means, value, orUnset(now))
	}
}

// to judges a value that becomes the one that opens or endangers, in whatever case it is written.
func to(means string, values ...string) judge {
	among := func(v any) bool {
		return slices.ContainsFunc(values, func(value string) bool { return strings.EqualFold(value, graph.Text(v)) })
	}
	return func(old, now any) string {
		if among(old) || !among(now) {
			return ""
		}
		return fmt.Sprintf("%s (%s → %s)", means, orUnset(old), graph.Text(now))
	}
}

// fewer judges a list, or an object, that loses something; of objects in a list, only how many there are.
func fewer(means string) judge {
	return func(old, now any) string {
		if old == nil {
			return ""
		}
		had, is := old.([]any)
		if !is {
			if now == nil {
				return means
			}
			return ""
		}
		lost := max(len(without(graph.Texts(old), graph.Texts(now))), len(had)-len(graph.Items(now)))
		if lost == 0 {
			return ""
		}
		return fmt.Sprintf("%s (%d of %d)", means, lost, len(had))
	}
}

// other judges any difference of a value that was there.
func other(means string) judge {
	return func(old, now any) string {
		if old == nil {
			return ""
		}
		return means
	}
}

func numberOr(v any, unset float64) float64 {
	if n, is := graph.Number(v); is {
		return n
	}
	return unset
}

// endless stands for what has no bound, such as logs that are kept for ever.
const endless = 1e12

func plainNumber(n float64) string {
	if n >= endless {
		return "without end"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.12g", n), ".")
}

// sizes are the sizes of instance types and classes, the smallest first.
var sizes = []string{"nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "3xlarge", "4xlarge", "6xlarge",
	"8xlarge", "9xlarge", "10xlarge", "12xlarge", "16xlarge", "18xlarge", "24xlarge", "32xlarge", "48xlarge"}

// smaller judges a type or class of instances by its size.
func smaller(old, now any) string {
	was, is := graph.Text(old), graph.Text(now)
	if was == "" || is == "" {
		return ""
	}
	size := func(of string) int { return slices.Index(sizes, of[strings.LastIndexByte(of, '.')+1:]) }
	if size(was) < 0 || size(is) < 0 {
		return fmt.Sprintf("another size, which may be a smaller one (%s → %s)", was, is)
	}
	if size(is) >= size(was) {
		return ""
	}
	return fmt.Sprintf("a smaller size (%s → %s)", was, is)
}
