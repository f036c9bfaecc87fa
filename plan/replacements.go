package plan

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// generated is written from the provider's source and from what AWS publishes for CloudFormation; its first lines say
// from which, and internal/replacements how.
//
//go:embed replacements.txt
var generated string

// since is what the generated table has otherwise, because the source that it comes from is older than the provider
// that deploys, or tells it where the generator does not look: by type, inputs with their marks. It is taken from the
// reference of version 5.100 (https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs), on which v6 of the
// Pulumi provider is built, and for the other providers from theirs: nobody has read the source for these lines, and a
// plan names the reference as their origin (sourced are those that were read). A test compares the whole with the
// double of package engine, whose table somebody else wrote from that reference.
var since = map[string]string{
	"aws:alb/listener:Listener":                            listenerAttributes,
	"aws:lb/listener:Listener":                             listenerAttributes,
	"aws:apigateway/account:Account":                       "resetOnDelete",
	"aws:apigateway/domainName:DomainName":                 "policy",
	"aws:appautoscaling/target:Target":                     "suspendedState",
	"aws:backup/plan:Plan":                                 "rules.scheduleExpressionTimezone",
	"aws:cloudtrail/eventDataStore:EventDataStore":         "suspend",
	"aws:docdb/cluster:Cluster":                            "manageMasterUserPassword restoreToPointInTime!",
	"aws:dynamodb/tableReplica:TableReplica":               "deletionProtectionEnabled",
	"aws:opensearch/outboundConnection:OutboundConnection": "*!",
	// Turned on in place since 5.47, and from Redis to Valkey since 5.73; groups of nodes are compared one by one.
	"aws:elasticache/replicationGroup:ReplicationGroup": "engine? nodeGroupConfigurations? " +
		"transitEncryptionEnabled? transitEncryptionMode",
	"aws:elasticache/serverlessCache:ServerlessCache": "engine?",
	"aws:autoscaling/group:Group":                     "instanceRefresh.preferences.alarmSpecification",
	"aws:cloudfront/distribution:Distribution": "defaultCacheBehavior.grpcConfig orderedCacheBehaviors.grpcConfig " +
		"origins.vpcOriginConfig",
	"aws:cloudwatch/eventRule:EventRule":     "forceDestroy",
	"aws:cloudwatch/eventTarget:EventTarget": "appsyncTarget forceDestroy",
	"aws:cognito/userPool:UserPool": "emailMfaConfiguration passwordPolicy.passwordHistorySize " +
		"signInPolicy webAuthnConfiguration",
	"aws:dynamodb/table:Table": "pointInTimeRecovery.recoveryPeriodInDays restoreSourceTableArn?",
	// Rules stand in lists, which are changed entry by entry.
	"aws:ec2/networkAcl:NetworkAcl":               "egress ingress",
	"aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": "egress ingress",
	// Every change makes another version of the template.
	"aws:ec2/launchTemplate:LaunchTemplate": "blockDeviceMappings.ebs.volumeInitializationRate " +
		"instanceRequirements.maxSpotPriceAsPercentageOfOptimalOnDemandPrice " +
		"networkInterfaces.connectionTrackingSpecification " +
		"networkInterfaces.enaSrdSpecification networkInterfaces.primaryIpv6",
	"aws:ec2/vpcEndpoint:VpcEndpoint": "serviceRegion!",
	// Once it has been turned on, it is turned off with another one only.
	"aws:ec2/instance:Instance":                 "enablePrimaryIpv6?",
	"aws:ec2/networkInterface:NetworkInterface": "enablePrimaryIpv6?",
	"aws:fsx/lustreFileSystem:LustreFileSystem": "efaEnabled!",
	"aws:wafv2/apiKey:ApiKey":                   "scope! tokenDomains!",
	"aws:ecs/service:Service":                   "forceDelete",
	"aws:eks/cluster:Cluster": "bootstrapSelfManagedAddons! defaultAddonsToRemoves forceUpdateVersion " +
		"kubernetesNetworkConfig.elasticLoadBalancing",
	"aws:lb/loadBalancer:LoadBalancer":        "clientKeepAlive enableZonalShift ipamPools minimumLoadBalancerCapacity",
	"aws:lb/targetGroup:TargetGroup":          "targetGroupHealth targetHealthStates.unhealthyDrainingInterval",
	"aws:rds/cluster:Cluster":                 "caCertificateIdentifier",
	"aws:rds/clusterInstance:ClusterInstance": "forceDestroy",
	"aws:rds/optionGroup:OptionGroup":         "skipDestroy",
	"aws:rds/parameterGroup:ParameterGroup":   "skipDestroy",
	// The older word for dbName.
	"aws:rds/instance:Instance": "name! upgradeStorageConfig",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": "transitionDefaultMinimumObjectSize",
	"aws:wafv2/ipSet:IpSet":                     "namePrefix!",
	"aws:wafv2/regexPatternSet:RegexPatternSet": "namePrefix!",
	"aws:wafv2/webAcl:WebAcl":                   "namePrefix! ruleJson",

	// Of what the source marks as a whole, the provider updates these parts, each with AWS's call for it.
	"aws:batch/computeEnvironment:ComputeEnvironment": "computeResources.desiredVcpus computeResources.maxVcpus " +
		"computeResources.minVcpus",
	"aws:cloudformation/stackSet:StackSet": "autoDeployment.enabled autoDeployment.retainStacksOnAccountRemoval",
	"aws:ecs/capacityProvider:CapacityProvider": "autoScalingGroupProvider.managedDraining " +
		"autoScalingGroupProvider.managedScaling autoScalingGroupProvider.managedTerminationProtection",
	"aws:elasticsearch/domain:Domain": "vpcOptions.securityGroupIds vpcOptions.subnetIds",
	"aws:emr/cluster:Cluster":         "coreInstanceGroup.autoscalingPolicy coreInstanceGroup.instanceCount",
	"aws:msk/cluster:Cluster": "brokerNodeGroupInfo.connectivityInfo.publicAccess " +
		"brokerNodeGroupInfo.connectivityInfo.vpcConnectivity brokerNodeGroupInfo.storageInfo.ebsStorageInfo " +
		"encryptionInfo.encryptionInTransit.clientBroker",

	// Types that the source does not have, or of which it has the arguments elsewhere. Rules of groups are changed in
	// place by ModifySecurityGroupRules.
	"aws:iam/groupPoliciesExclusive:GroupPoliciesExclusive":                 "groupName! policyNames",
	"aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns roleName!",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":               groupRule,
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":             groupRule,

	// The other providers. What a command runs again for, its SDK tells with each registration; anything else runs it
	// again, too, or its update command.
	"command:local:Command":                      "*",
	"command:remote:Command":                     "*",
	"command:remote:CopyToRemote":                "*",
	"random:index/randomBytes:RandomBytes":       "*!",
	"random:index/randomId:RandomId":             "*!",
	"random:index/randomInteger:RandomInteger":   "*!",
	"random:index/randomPassword:RandomPassword": "*!",
	"random:index/randomPet:RandomPet":           "*!",
	"random:index/randomShuffle:RandomShuffle":   "*!",
	"random:index/randomString:RandomString":     "*!",
	"random:index/randomUuid:RandomUuid":         "*!",
	"tls:index/privateKey:PrivateKey":            "*!",
}

// sourced is as since, read in the source of a later version: each in the file that its line names, below
// internal/service of https://github.com/hashicorp/terraform-provider-aws.
var sourced = map[string]string{
	// ec2/ec2_eip_domain_name.go
	"aws:ec2/eipDomainName:EipDomainName": "allocationId! domainName",
	// ec2/vpc_security_group_vpc_association.go (it has no update)
	"aws:vpc/securityGroupVpcAssociation:SecurityGroupVpcAssociation": "securityGroupId! vpcId!",
	// ecr/account_setting.go
	"aws:ecr/accountSetting:AccountSetting": "name! value",
	// iam/openid_connect_provider.go: in place in version 6.4, by replacement in 5.46
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider": "clientIdLists?",
	// ecs/service.go (capacityProviderStrategyCustomizeDiff; it loops over what changed)
	"aws:ecs/service:Service": "capacityProviderStrategies?",
	// ecs/task_definition.go
	"aws:ecs/taskDefinition:TaskDefinition": "volumes.configureAtLaunch!",
	// guardduty/malware_protection_plan.go
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": "actions protectedResource " +
		"protectedResource.s3Bucket.bucketName! role tags",
	// iam/role_policies_exclusive.go
	"aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": "policyNames roleName!",
	// iam/group_policy_attachments_exclusive.go
	"aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": "groupName! policyArns",
	// iam/user_policies_exclusive.go
	"aws:iam/userPoliciesExclusive:UserPoliciesExclusive": "policyNames userName!",
	// iam/user_policy_attachments_exclusive.go
	"aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": "policyArns userName!",
	// kafka/single_scram_secret_association.go (it has no update)
	"aws:msk/singleScramSecretAssociation:SingleScramSecretAssociation": "clusterArn! secretArn!",
	// lambda/function_recursion_config.go
	"aws:lambda/functionRecursionConfig:FunctionRecursionConfig": "functionName! recursiveLoop",
	// lambda/runtime_management_config.go
	"aws:lambda/runtimeManagementConfig:RuntimeManagementConfig": "functionName! qualifier! runtimeVersionArn " +
		"updateRuntimeOn",
	// rds/cluster.go
	"aws:rds/cluster:Cluster": "restoreToPointInTime.sourceClusterResourceId!",
	// route53/records_exclusive.go
	"aws:route53/recordsExclusive:RecordsExclusive": "resourceRecordSets zoneId!",
}

const groupRule = "cidrIpv4 cidrIpv6 description fromPort ipProtocol prefixListId referencedSecurityGroupId " +
	"securityGroupId! tags toPort"

// listenerAttributes are changed in place by ModifyListenerAttributes.
const listenerAttributes = "routingHttpRequestXAmznMtlsClientcertHeaderName " +
	"routingHttpRequestXAmznMtlsClientcertIssuerHeaderName " +
	"routingHttpRequestXAmznMtlsClientcertLeafHeaderName " +
	"routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName " +
	"routingHttpRequestXAmznMtlsClientcertSubjectHeaderName " +
	"routingHttpRequestXAmznMtlsClientcertValidityHeaderName " +
	"routingHttpRequestXAmznTlsCipherSuiteHeaderName routingHttpRequestXAmznTlsVersionHeaderName " +
	"routingHttpResponseAccessControlAllowCredentialsHeaderValue " +
	"routingHttpResponseAccessControlAllowHeadersHeaderValue " +
	"routingHttpResponseAccessControlAllowMethodsHeaderValue " +
	"routingHttpResponseAccessControlAllowOriginHeaderValue " +
	"routingHttpResponseAccessControlExposeHeadersHeaderValue " +
	"routingHttpResponseAccessControlMaxAgeHeaderValue " +
	"routingHttpResponseContentSecurityPolicyHeaderValue routingHttpResponseServerEnabled " +
	"routingHttpResponseStrictTransportSecurityHeaderValue " +
	"routingHttpResponseXContentTypeOptionsHeaderValue routingHttpResponseXFrameOptionsHeaderValue " +
	"tcpIdleTimeoutSeconds"

// A Word says what becomes of a resource when one of its inputs changes.
type Word string

// The words.
const (
	Replaces     Word = "replaces"
	MayReplace   Word = "may replace"
	InPlace      Word = "updates in place"
	UnknownInput Word = "unknown for this property"
	UnknownType  Word = "unknown for this type"
)

// A Verdict is what is known of the change of an input.
type Verdict struct {
	Word Word
	// Source is where that comes from, and so how sure it is; empty where nothing is known.
	Source string
}

// The sources, the surest first.
const (
	fromOption         = "option replaceOnChanges"
	fromProvider       = "provider's source"
	fromReference      = "provider's reference"
	fromCloudFormation = "AWS CloudFormation"
)

// marks are the verdicts of a type by path, with * for any.
type marks map[string]Verdict

// replacements are the marks by type. A type that is not there is one that nothing is known of.
var replacements = sync.OnceValue(func() map[string]marks {
	table := map[string]marks{}
	add := func(token, source string, entries []string) {
		if table[token] == nil {
			table[token] = marks{}
		}
		for _, entry := range entries {
			path := strings.TrimRight(entry, "!?-")
			table[token][path] = Verdict{map[string]Word{"!": Replaces, "?": MayReplace, "": InPlace,
				"-": UnknownInput}[entry[len(path):]], source}
		}
	}
	for line := range strings.Lines(generated) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case fields[0] == "cfn":
			add(fields[1], fromCloudFormation, fields[2:])
		default:
			add(fields[0], fromProvider, fields[1:])
		}
	}
	for token, entries := range since {
		add(token, fromReference, strings.Fields(entries))
	}
	for token, entries := range sourced {
		add(token, fromProvider, strings.Fields(entries))
	}
	return table
})

// known are the marks of a type; nil where nothing is known of it.
func known(token string) marks {
	if m := replacements()[token]; m != nil {
		return m
	}
	// From version 7 of the Pulumi provider on, S3's types have the names that those without "V2" had before.
	if name, is := strings.CutPrefix(token, "aws:s3/bucket"); is {
		module, kind, _ := strings.Cut(name, ":")
		return replacements()["aws:s3/bucket"+module+"V2:"+kind+"V2"]
	}
	return nil
}

// Replacements are the inputs of a type whose change needs another resource; * stands for all, a dot leads into an
// object. known is false for a type of which that is not known here.
func Replacements(token string) (inputs []string, known bool) {
	m := replacements()[token]
	for path, verdict := range m {
		if verdict.Word == Replaces {
			inputs = append(inputs, path)
		}
	}
	slices.Sort(inputs)
	return inputs, m != nil
}

// Judge says what becomes of a resource of a type when the input at a path changes; what a plan says besides depends on
// the values.
func Judge(token, path string) Verdict {
	m := known(token)
	if m == nil {
		return Verdict{Word: UnknownType}
	}
	path = position.ReplaceAllString(path, "")
	for at := path; at != ""; at = at[:max(0, strings.LastIndexByte(at, '.'))] {
		if verdict, is := m[at]; is && verdict.Word != UnknownInput {
			return verdict
		} else if is {
			break
		}
	}
	if verdict, is := m["*"]; is {
		return verdict
	}
	// Since version 6 of the Terraform provider, on which 7 of Pulumi's is built, every resource of a region has one
	// (internal/provider/sdkv2, forceNewIfRegionChanges).
	if path == "region" && strings.HasPrefix(token, "aws:") {
		return Verdict{Replaces, fromProvider}
	}
	return Verdict{Word: UnknownInput}
}

var position = regexp.MustCompile(`\[[^\]]*\]`)

// within reports whether one of the inputs is at the path, leads to it, or is a part of what changed as a whole there.
func within(path string, inputs []string) bool {
	path = position.ReplaceAllString(path, "")
	return slices.ContainsFunc(inputs, func(input string) bool {
		input = position.ReplaceAllString(input, "")
		return input == "*" || path == input || strings.HasPrefix(path, input+".") || strings.HasPrefix(input, path+".")
	})
}
