package engine

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudcontrol"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cognito"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/guardduty"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
)

// The types that rules here speak of.
const (
	vpcType            = "aws:ec2/vpc:Vpc"
	defaultGroupType   = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
	securityGroupType  = "aws:ec2/securityGroup:SecurityGroup"
	ingressType        = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	egressType         = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	gatewayType        = "aws:ec2/internetGateway:InternetGateway"
	routeTableType     = "aws:ec2/routeTable:RouteTable"
	routeType          = "aws:ec2/route:Route"
	subnetType         = "aws:ec2/subnet:Subnet"
	associationType    = "aws:ec2/routeTableAssociation:RouteTableAssociation"
	eipType            = "aws:ec2/eip:Eip"
	eipAssociationType = "aws:ec2/eipAssociation:EipAssociation"
	natType            = "aws:ec2/natGateway:NatGateway"
	instanceType       = "aws:ec2/instance:Instance"
	endpointType       = "aws:ec2/vpcEndpoint:VpcEndpoint"
	flowLogType        = "aws:ec2/flowLog:FlowLog"
	templateType       = "aws:ec2/launchTemplate:LaunchTemplate"
	keyPairType        = "aws:ec2/keyPair:KeyPair"

	balancerType    = "aws:lb/loadBalancer:LoadBalancer"
	targetGroupType = "aws:lb/targetGroup:TargetGroup"
	listenerType    = "aws:lb/listener:Listener"

	groupType         = "aws:autoscaling/group:Group"
	scalingPolicyType = "aws:autoscaling/policy:Policy"
	hookType          = "aws:autoscaling/lifecycleHook:LifecycleHook"

	databaseType       = "aws:rds/instance:Instance"
	subnetGroupType    = "aws:rds/subnetGroup:SubnetGroup"
	parameterGroupType = "aws:rds/parameterGroup:ParameterGroup"

	bucketType           = "aws:s3/bucketV2:BucketV2"
	bucketObjectType     = "aws:s3/bucketObjectv2:BucketObjectv2"
	bucketPolicyType     = "aws:s3/bucketPolicy:BucketPolicy"
	bucketBlockType      = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
	bucketOwnershipType  = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
	bucketEncryptionType = "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"
	bucketVersioningType = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	bucketLifecycleType  = "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	bucketLoggingType    = "aws:s3/bucketLoggingV2:BucketLoggingV2"
	bucketCorsType       = "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2"

	malwarePlanType = "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan"

	userPoolType     = "aws:cognito/userPool:UserPool"
	poolClientType   = "aws:cognito/userPoolClient:UserPoolClient"
	poolDomainType   = "aws:cognito/userPoolDomain:UserPoolDomain"
	poolGroupType    = "aws:cognito/userGroup:UserGroup"
	cloudControlType = "aws:cloudcontrol/resource:Resource"

	tableType = "aws:dynamodb/table:Table"

	roleType       = "aws:iam/role:Role"
	rolePolicyType = "aws:iam/rolePolicy:RolePolicy"
	profileType    = "aws:iam/instanceProfile:InstanceProfile"

	parameterType = "aws:ssm/parameter:Parameter"

	recordType      = "aws:route53/record:Record"
	certificateType = "aws:acm/certificate:Certificate"
	validationType  = "aws:acm/certificateValidation:CertificateValidation"

	logGroupType    = "aws:cloudwatch/logGroup:LogGroup"
	metricType      = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
	alarmType       = "aws:cloudwatch/metricAlarm:MetricAlarm"
	dashboardType   = "aws:cloudwatch/dashboard:Dashboard"
	eventRuleType   = "aws:cloudwatch/eventRule:EventRule"
	eventTargetType = "aws:cloudwatch/eventTarget:EventTarget"

	topicType        = "aws:sns/topic:Topic"
	topicPolicyType  = "aws:sns/topicPolicy:TopicPolicy"
	subscriptionType = "aws:sns/topicSubscription:TopicSubscription"

	webACLAssociationType = "aws:wafv2/webAclAssociation:WebAclAssociation"

	localCommandType  = "command:local:Command"
	remoteCommandType = "command:remote:Command"
	passwordType      = "random:index/randomPassword:RandomPassword"
	randomIDType      = "random:index/randomId:RandomId"
	privateKeyType    = "tls:index/privateKey:PrivateKey"
)

// kind is what is known of one type.
type kind struct {
	// args is the SDK's own type of arguments, from which names and types of the inputs are taken.
	args any
	// replace names the inputs, separated by spaces, whose change needs another resource; a dot leads into an object; *
	// means all.
	replace string
	// unique names the inputs that no two resources of the type may share, where the id does not see to it already.
	unique string
	// imaginary is a resource that is nothing in AWS: ids may repeat and nothing is deleted.
	imaginary bool
}

// webACLAssociationArgs stands for the SDK's package for WAF, which is larger than all the others together.
type webACLAssociationArgs struct {
	ResourceArn string `pulumi:"resourceArn"`
	WebACLArn   string `pulumi:"webAclArn"`
}

// kinds is all that the program may use. What needs another resource is marked "Forces new resource" in the Terraform
// AWS provider's reference, on which the Pulumi provider is built
// (https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs); of commands, it is said in
// https://www.pulumi.com/registry/packages/command/api-docs/.
var kinds = map[string]kind{
	vpcType:           {args: ec2.VpcArgs{}, replace: "cidrBlock ipv4IpamPoolId ipv4NetmaskLength"},
	defaultGroupType:  {args: ec2.DefaultSecurityGroupArgs{}, replace: "vpcId", imaginary: true},
	securityGroupType: {args: ec2.SecurityGroupArgs{}, replace: "description name namePrefix vpcId", unique: "name vpcId"},
	ingressType:       {args: vpc.SecurityGroupIngressRuleArgs{}, replace: "securityGroupId"},
	egressType:        {args: vpc.SecurityGroupEgressRuleArgs{}, replace: "securityGroupId"},
	gatewayType:       {args: ec2.InternetGatewayArgs{}},
	routeTableType:    {args: ec2.RouteTableArgs{}, replace: "vpcId"},
	routeType: {
		args: ec2.RouteArgs{}, replace: "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
		unique: "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
	},
	subnetType:         {args: ec2.SubnetArgs{}, replace: "vpcId cidrBlock availabilityZone availabilityZoneId ipv6Native outpostArn"},
	associationType:    {args: ec2.RouteTableAssociationArgs{}, replace: "subnetId gatewayId", unique: "subnetId gatewayId"},
	eipType:            {args: ec2.EipArgs{}, replace: "domain networkBorderGroup publicIpv4Pool address ipamPoolId"},
	eipAssociationType: {args: ec2.EipAssociationArgs{}, replace: "*"},
	natType:            {args: ec2.NatGatewayArgs{}, replace: "allocationId connectivityType privateIp subnetId secondaryPrivateIpAddressCount"},
	instanceType: {
		args: ec2.InstanceArgs{},
		replace: "ami associatePublicIpAddress availabilityZone keyName subnetId placementGroup privateIp tenancy hostId hibernation securityGroups " +
			"ephemeralBlockDevices networkInterfaces rootBlockDevice.encrypted rootBlockDevice.kmsKeyId ebsBlockDevices",
	},
	endpointType: {args: ec2.VpcEndpointArgs{}, replace: "vpcId serviceName vpcEndpointType serviceRegion"},
	flowLogType: {
		args:    ec2.FlowLogArgs{},
		replace: "deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination logDestinationType logFormat maxAggregationInterval subnetId trafficType vpcId",
	},
	templateType: {args: ec2.LaunchTemplateArgs{}, replace: "name namePrefix", unique: "name"},
	keyPairType:  {args: ec2.KeyPairArgs{}, replace: "keyName keyNamePrefix publicKey"},

	balancerType:    {args: lb.LoadBalancerArgs{}, replace: "name namePrefix internal loadBalancerType customerOwnedIpv4Pool", unique: "name"},
	targetGroupType: {args: lb.TargetGroupArgs{}, replace: "name namePrefix port protocol protocolVersion targetType vpcId ipAddressType", unique: "name"},
	listenerType:    {args: lb.ListenerArgs{}, replace: "loadBalancerArn", unique: "loadBalancerArn port"},

	groupType:         {args: autoscaling.GroupArgs{}, replace: "name namePrefix"},
	scalingPolicyType: {args: autoscaling.PolicyArgs{}, replace: "autoscalingGroupName name"},
	hookType:          {args: autoscaling.LifecycleHookArgs{}, replace: "name"},

	databaseType: {
		args: rds.InstanceArgs{}, unique: "identifier",
		replace: "availabilityZone backupTarget characterSetName dbName engine kmsKeyId ncharCharacterSetName restoreToPointInTime s3Import snapshotIdentifier " +
			"storageEncrypted timezone username",
	},
	subnetGroupType:    {args: rds.SubnetGroupArgs{}, replace: "name namePrefix"},
	parameterGroupType: {args: rds.ParameterGroupArgs{}, replace: "name namePrefix family description"},

	bucketType:           {args: s3.BucketV2Args{}, replace: "bucket bucketPrefix objectLockEnabled"},
	bucketObjectType:     {args: s3.BucketObjectv2Args{}, replace: "bucket key"},
	bucketPolicyType:     {args: s3.BucketPolicyArgs{}, replace: "bucket"},
	bucketBlockType:      {args: s3.BucketPublicAccessBlockArgs{}, replace: "bucket"},
	bucketOwnershipType:  {args: s3.BucketOwnershipControlsArgs{}, replace: "bucket"},
	bucketEncryptionType: {args: s3.BucketServerSideEncryptionConfigurationV2Args{}, replace: "bucket expectedBucketOwner"},
	bucketVersioningType: {args: s3.BucketVersioningV2Args{}, replace: "bucket expectedBucketOwner"},
	bucketLifecycleType:  {args: s3.BucketLifecycleConfigurationV2Args{}, replace: "bucket expectedBucketOwner"},
	bucketLoggingType:    {args: s3.BucketLoggingV2Args{}, replace: "bucket expectedBucketOwner"},
	bucketCorsType:       {args: s3.BucketCorsConfigurationV2Args{}, replace: "bucket expectedBucketOwner"},

	malwarePlanType: {args: guardduty.MalwareProtectionPlanArgs{}, replace: "protectedResource.s3Bucket.bucketName"},

	userPoolType: {
		args:    cognito.UserPoolArgs{},
		replace: "aliasAttributes name usernameAttributes usernameConfiguration.caseSensitive",
	},
	poolClientType: {args: cognito.UserPoolClientArgs{}, replace: "generateSecret userPoolId"},
	poolDomainType: {args: cognito.UserPoolDomainArgs{}, replace: "domain userPoolId"},
	poolGroupType:  {args: cognito.UserGroupArgs{}, replace: "name userPoolId"},
	// The provider asks CloudFormation which of the properties need another resource.
	cloudControlType: {args: cloudcontrol.ResourceArgs{}, replace: "typeName"},

	tableType: {args: dynamodb.TableArgs{}, replace: "name hashKey rangeKey localSecondaryIndexes"},

	roleType:       {args: iam.RoleArgs{}, replace: "name namePrefix path"},
	rolePolicyType: {args: iam.RolePolicyArgs{}, replace: "name namePrefix role"},
	profileType:    {args: iam.InstanceProfileArgs{}, replace: "name namePrefix path"},

	parameterType: {args: ssm.ParameterArgs{}, replace: "name"},

	recordType:      {args: route53.RecordArgs{}, replace: "name zoneId"},
	certificateType: {args: acm.CertificateArgs{}, replace: "certificateAuthorityArn domainName keyAlgorithm subjectAlternativeNames validationMethod validationOptions"},
	validationType:  {args: acm.CertificateValidationArgs{}, replace: "*", imaginary: true},

	logGroupType:    {args: cloudwatch.LogGroupArgs{}, replace: "name namePrefix logGroupClass"},
	metricType:      {args: cloudwatch.LogMetricFilterArgs{}, replace: "logGroupName name"},
	alarmType:       {args: cloudwatch.MetricAlarmArgs{}, replace: "name"},
	dashboardType:   {args: cloudwatch.DashboardArgs{}, replace: "dashboardName"},
	eventRuleType:   {args: cloudwatch.EventRuleArgs{}, replace: "name namePrefix eventBusName"},
	eventTargetType: {args: cloudwatch.EventTargetArgs{}, replace: "rule targetId eventBusName"},

	topicType:        {args: sns.TopicArgs{}, replace: "name namePrefix fifoTopic"},
	topicPolicyType:  {args: sns.TopicPolicyArgs{}, replace: "arn"},
	subscriptionType: {args: sns.TopicSubscriptionArgs{}, replace: "endpoint protocol topic"},

	webACLAssociationType: {args: webACLAssociationArgs{}, replace: "*", unique: "resourceArn"},

	localCommandType:  {args: local.CommandArgs{}, replace: "triggers", imaginary: true},
	remoteCommandType: {args: remote.CommandArgs{}, replace: "triggers", imaginary: true},
	passwordType:      {args: random.RandomPasswordArgs{}, replace: "*", imaginary: true},
	randomIDType:      {args: random.RandomIdArgs{}, replace: "*", imaginary: true},
	privateKeyType:    {args: tls.PrivateKeyArgs{}, replace: "*", imaginary: true},
}

// replaces reports whether a change at the path needs another resource.
func (k kind) replaces(path string) bool {
	for name := range strings.FieldsSeq(k.replace) {
		if name == "*" || path == name || strings.HasPrefix(path, name+".") || strings.HasPrefix(path, name+"[") {
			return true
		}
		// Where an object as a whole comes or goes, so does what is in it.
		if strings.HasPrefix(name, path+".") {
			return true
		}
	}
	return false
}
