package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// reference is an input that names something else that has to be there.
type reference struct {
	// at is the path of the input; "[]" stands for every element of a list.
	at string
	// to is the type, and output which of its outputs is named; empty means the id.
	to, output string
	// soft lets what is named go first. What AWS itself lets go, but leaves something broken behind, is not soft.
	soft bool
	// when names an input and the value with which this one is such a name: "input value". Without the input it is,
	// too.
	when string
}

// holds reports whether the input of a resource is a name of this kind.
func (ref reference) holds(r *Resource) bool {
	input, value, _ := strings.Cut(ref.when, " ")
	return ref.when == "" || r.text(input) == "" || r.text(input) == value
}

// references are the inputs that name other resources, by type, with the document of what AWS does not let go. That
// what is named has to be there, the one of the call that names it says.
var references = map[string][]reference{
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
	subnetType:        {{at: "vpcId", to: vpcType}},
	securityGroupType: {{at: "vpcId", to: vpcType}},
	defaultGroupType:  {{at: "vpcId", to: vpcType, soft: true}},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
	ingressType: groupRuleReferences,
	egressType:  groupRuleReferences,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
	gatewayType:    {{at: "vpcId", to: vpcType}},
	routeTableType: {{at: "vpcId", to: vpcType}},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html: a route whose target is gone is a black
	// hole.
	routeType: {
		{at: "routeTableId", to: routeTableType, soft: true}, {at: "gatewayId", to: gatewayType, soft: true},
		{at: "natGatewayId", to: natType, soft: true},
		{at: "networkInterfaceId", to: instanceType, output: "primaryNetworkInterfaceId", soft: true},
	},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html
	associationType: {{at: "subnetId", to: subnetType, soft: true}, {at: "routeTableId", to: routeTableType}},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
	eipAssociationType: {{at: "allocationId", to: eipType}, {at: "instanceId", to: instanceType, soft: true}},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
	natType: {{at: "subnetId", to: subnetType}, {at: "allocationId", to: eipType}},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html,
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html: programs of a running
	// instance would lose their rights.
	instanceType: {
		{at: "subnetId", to: subnetType}, {at: "vpcSecurityGroupIds[]", to: securityGroupType},
		{at: "iamInstanceProfile", to: profileType},
		{at: "keyName", to: keyPairType, soft: true},
	},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html; of a route table, the endpoint's
	// routes would go with it unseen: https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html.
	endpointType: {{at: "vpcId", to: vpcType}, {at: "routeTableIds[]", to: routeTableType}},
	// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html: without its role or its log group a flow log
	// delivers nothing.
	flowLogType: {
		{at: "vpcId", to: vpcType, soft: true}, {at: "iamRoleArn", to: roleType, output: "arn"},
		{at: "logDestination", to: logGroupType, output: "arn", when: "logDestinationType cloud-watch-logs"},
	},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html checks nothing; instances
	// fail to start from what names what is gone:
	// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-launch-template.html.
	templateType: {
		{at: "iamInstanceProfile.arn", to: profileType, output: "arn"},
		{at: "networkInterfaces[].securityGroups[]", to: securityGroupType},
		{at: "vpcSecurityGroupIds[]", to: securityGroupType}, {at: "keyName", to: keyPairType, soft: true},
	},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html; of the bucket, logs are
	// lost: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html.
	balancerType: {
		{at: "subnets[]", to: subnetType}, {at: "securityGroups[]", to: securityGroupType},
		{at: "accessLogs.bucket", to: bucketType},
	},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
	targetGroupType: {{at: "vpcId", to: vpcType}},
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html,
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html: with its
	// listeners; https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html
	listenerType: {
		{at: "loadBalancerArn", to: balancerType, output: "arn", soft: true},
		{at: "certificateArn", to: certificateType, output: "arn"},
		{at: "defaultActions[].targetGroupArn", to: targetGroupType, output: "arn"},
	},
	// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-launch-template.html,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html,
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html
	groupType: {
		{at: "launchTemplate.id", to: templateType}, {at: "vpcZoneIdentifiers[]", to: subnetType},
		{at: "targetGroupArns[]", to: targetGroupType, output: "arn"},
	},
	// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html: with its policies and
	// hooks.
	scalingPolicyType: {{at: "autoscalingGroupName", to: groupType, soft: true}},
	hookType:          {{at: "autoscalingGroupName", to: groupType, soft: true}},
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup.html,
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBParameterGroup.html,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
	databaseType: {
		{at: "dbSubnetGroupName", to: subnetGroupType}, {at: "parameterGroupName", to: parameterGroupType},
		{at: "vpcSecurityGroupIds[]", to: securityGroupType},
	},
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html: RDS knows a subnet that
	// is gone no more than one that never was.
	subnetGroupType: {{at: "subnetIds[]", to: subnetType}},
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html: a bucket that holds something stays; its
	// settings go with it. Without the bucket for them, logs are lost:
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html.
	// What a bucket holds is asked of the bucket itself: see stored.
	bucketObjectType:     {{at: "bucket", to: bucketType, soft: true}},
	bucketPolicyType:     ofBucket,
	bucketBlockType:      ofBucket,
	bucketOwnershipType:  ofBucket,
	bucketEncryptionType: ofBucket,
	bucketVersioningType: ofBucket,
	bucketLifecycleType:  ofBucket,
	bucketCorsType:       ofBucket,
	bucketLoggingType:    {{at: "bucket", to: bucketType, soft: true}, {at: "targetBucket", to: bucketType}},
	// https://docs.aws.amazon.com/guardduty/latest/ug/malware-protection-s3-bucket-status-gdu.html: nobody asks, but
	// without its bucket or its role a plan is in Error.
	malwarePlanType: {
		{at: "protectedResource.s3Bucket.bucketName", to: bucketType}, {at: "role", to: roleType, output: "arn"},
	},
	// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain.html: a pool with a
	// domain is not deleted.
	poolDomainType: {{at: "userPoolId", to: userPoolType}},
	// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_DeleteUserPool.html: with all
	// that is in it.
	poolClientType: {{at: "userPoolId", to: userPoolType, soft: true}},
	poolGroupType:  {{at: "userPoolId", to: userPoolType, soft: true}},
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html: no policy, no profile may be left.
	rolePolicyType: {{at: "role", to: roleType}},
	profileType:    {{at: "role", to: roleType}},
	// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html: an
	// alias of what is gone answers with nothing, and Route 53 does not mind.
	recordType: {{at: "aliases[].name", to: balancerType, output: "dnsName"}},
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/acm_certificate_validation: it is
	// nothing in AWS.
	validationType: {{at: "certificateArn", to: certificateType, output: "arn", soft: true}},
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html: with its filters.
	metricType: {{at: "logGroupName", to: logGroupType, output: "name", soft: true}},
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: neither topics nor what
	// is measured are looked at; an alarm whose topic is gone tells nobody.
	alarmType: {
		{at: "alarmActions[]", to: topicType, output: "arn"}, {at: "okActions[]", to: topicType, output: "arn"},
		{at: "dimensions.LoadBalancer", to: balancerType, output: "arnSuffix", soft: true},
		{at: "dimensions.TargetGroup", to: targetGroupType, output: "arnSuffix", soft: true},
		{at: "dimensions.AutoScalingGroupName", to: groupType, output: "name", soft: true},
		{at: "dimensions.DBInstanceIdentifier", to: databaseType, output: "identifier", soft: true},
		{at: "dimensions.TableName", to: tableType, output: "name", soft: true},
	},
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html: no target may be left.
	eventTargetType: {{at: "rule", to: eventRuleType}, {at: "arn", to: topicType, output: "arn"}},
	// https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html: with its subscriptions, and what else belongs to
	// it.
	topicPolicyType:  {{at: "arn", to: topicType, output: "arn", soft: true}},
	subscriptionType: {{at: "topic", to: topicType, output: "arn", soft: true}},
	// https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html; a load balancer goes without
	// asking.
	webACLAssociationType: {{at: "resourceArn", to: balancerType, output: "arn", soft: true}},
	// https://www.pulumi.com/registry/packages/command/api-docs/remote/command/: a host is needed when something runs,
	// not later.
	remoteCommandType: {{at: "connection.host", to: eipType, output: "publicIp", soft: true}},
}

var (
	// A group takes its own rules with it, but not those of others that name it.
	groupRuleReferences = []reference{{at: "securityGroupId", to: securityGroupType, soft: true},
		{at: "referencedSecurityGroupId", to: securityGroupType}}
	// A bucket's settings go with it.
	ofBucket = []reference{{at: "bucket", to: bucketType, soft: true}}
)

// named is what a reference names; nil when it is not there.
func (c *Cloud) named(ref reference, value string) *Resource {
	for _, r := range c.resources {
		if r.Token != ref.to {
			continue
		}
		if ref.output == "" && r.ID == value ||
			ref.output != "" && awsmodel.Text(r.Outputs[resource.PropertyKey(ref.output)]) == value {
			return r
		}
	}
	return nil
}

// checkReferences answers as AWS does when something names what is not there.
func (c *Cloud) checkReferences(r *Resource) error {
	for _, ref := range references[r.Token] {
		if !ref.holds(r) {
			continue
		}
		for _, value := range textsAt(r.Inputs, ref.at) {
			if c.named(ref, value) == nil {
				return fmt.Errorf("%s %q does not exist, which %s names", ref.to, value, ref.at)
			}
		}
	}
	return nil
}

// checkUnused answers as AWS does when something that is in use is to be deleted.
func (c *Cloud) checkUnused(gone *Resource) error {
	for _, r := range c.resources {
		if r == gone {
			continue
		}
		for _, ref := range references[r.Token] {
			if ref.soft || ref.to != gone.Token || !ref.holds(r) {
				continue
			}
			name := gone.ID
			if ref.output != "" {
				name = awsmodel.Text(gone.Outputs[resource.PropertyKey(ref.output)])
			}
			if slices.Contains(textsAt(r.Inputs, ref.at), name) {
				return fmt.Errorf("DependencyViolation: %s %s is in use: %s of %s %s names it", gone.Token, gone.ID,
					ref.at, r.Token, r.ID)
			}
		}
	}
	return nil
}

// textsAt are the known texts at a path.
func textsAt(in resource.PropertyMap, path string) []string {
	values := []resource.PropertyValue{resource.NewProperty(in)}
	for step := range strings.SplitSeq(path, ".") {
		key, each := strings.CutSuffix(step, "[]")
		var next []resource.PropertyValue
		for _, v := range values {
			if v = awsmodel.Plain(v); !v.IsObject() {
				continue
			}
			found := awsmodel.Plain(v.ObjectValue()[resource.PropertyKey(key)])
			switch {
			case each && found.IsArray():
				next = append(next, found.ArrayValue()...)
			case !each:
				next = append(next, found)
			}
		}
		values = next
	}
	var texts []string
	for _, v := range values {
		if text := awsmodel.Text(v); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}
