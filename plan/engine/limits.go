package engine

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// limits are the rules of AWS that inputs alone can break, by type. Each names the document that states it.
var limits = map[string]func(look){
	vpcType:           limitVPC,
	subnetType:        limitSubnet,
	securityGroupType: limitSecurityGroup,
	ingressType:       limitGroupRule,
	egressType:        limitGroupRule,
	routeType:         limitRoute,
	natType:           limitNAT,
	endpointType:      limitEndpoint,
	flowLogType:       limitFlowLog,
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html: either of them.
	associationType: func(l look) { l.exclusive("subnetId", "gatewayId") },
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html: either of them, not both.
	eipAssociationType: func(l look) { l.exclusive("instanceId", "networkInterfaceId"); l.required("allocationId") },
	instanceType:       limitInstance,
	templateType:       limitTemplate,
	keyPairType:        limitKeyPair,
	balancerType:       limitBalancer,
	targetGroupType:    limitTargetGroup,
	listenerType:       limitListener,
	groupType:          limitGroup,
	scalingPolicyType:  limitScalingPolicy,
	hookType:           limitHook,

	databaseType:         limitDatabase,
	subnetGroupType:      limitSubnetGroup,
	parameterGroupType:   limitParameterGroup,
	bucketType:           limitBucket,
	bucketObjectType:     limitObject,
	bucketPolicyType:     limitBucketPolicy,
	bucketOwnershipType:  limitOwnership,
	bucketEncryptionType: limitEncryption,
	bucketVersioningType: limitVersioning,
	bucketLifecycleType:  limitLifecycle,
	bucketCorsType:       limitCORS,
	malwarePlanType:      limitMalwarePlan,
	userPoolType:         limitUserPool,
	poolClientType:       limitPoolClient,
	poolDomainType:       limitPoolDomain,
	poolGroupType:        limitPoolGroup,
	cloudControlType:     limitCloudControl,
	tableType:            limitTable,
	parameterType:        limitParameter,

	roleType:       limitRole,
	rolePolicyType: limitRolePolicy,

	recordType:      limitRecord,
	certificateType: limitCertificate,
	logGroupType:    limitLogGroup,
	metricType:      limitMetricFilter,
	alarmType:       limitAlarm,
	dashboardType:   limitDashboard,
	eventRuleType:   limitEventRule,
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
	eventTargetType: func(l look) { l.length("targetId", 1, 64); l.required("rule", "arn") },
	topicType:       limitTopic,
	// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html: 30 KB.
	topicPolicyType:  func(l look) { policyDocument(l, "policy", resourcePolicy, 30720) },
	subscriptionType: limitSubscription,

	localCommandType:  limitCommand,
	remoteCommandType: limitRemoteCommand,
	passwordType:      limitPassword,
	// https://registry.terraform.io/providers/hashicorp/tls/latest/docs/resources/private_key
	privateKeyType: func(l look) { l.oneOf("algorithm", "RSA", "ECDSA", "ED25519") },
}

// checkLimits refuses inputs that AWS would refuse whatever else there is.
func checkLimits(token string, inputs resource.PropertyMap, faults *faults) {
	l := look{in: inputs, faults: faults}
	checkTags(token, l, "tags")
	checkName(token, l)
	if limit, known := limits[token]; known {
		limit(l)
	}
}

// tagText are the characters that every service allows in tags.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags keeps https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices and,
// of objects, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html.
func checkTags(token string, l look, key string) {
	v := l.value(key)
	if !v.IsObject() {
		return
	}
	most := 50
	if token == bucketObjectType {
		most = 10
	}
	l.count(key, 0, most)
	for name, v := range v.ObjectValue() {
		checkTag(l, key, string(name), awsmodel.Text(v))
	}
}

// checkTag keeps https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions.
func checkTag(l look, key, name, value string) {
	switch {
	case name == "" || utf8.RuneCountInString(name) > 128:
		l.refuse(key, "has a key %q of %d characters: 1 to 128 are allowed", name, utf8.RuneCountInString(name))
	case strings.HasPrefix(strings.ToLower(name), "aws:"):
		l.refuse(key, "has the key %q: AWS keeps aws: to itself", name)
	case !tagText.MatchString(name), !tagText.MatchString(value):
		l.refuse(key, "has %q=%q: allowed are letters, digits, spaces and _ . : / = + - @", name, value)
	case utf8.RuneCountInString(value) > 256:
		l.refuse(key, "has a value of %d characters for %q: 256 are allowed", utf8.RuneCountInString(value), name)
	}
}

// checkName keeps a name within the provider's limits, which are in provider/resources.go of pulumi/pulumi-aws, and its
// characters within AWS's, which nameRules has.
func checkName(token string, l look) {
	naming := awsmodel.Names(token)
	if naming.Property == "" {
		return
	}
	l.length(naming.Property, 1, naming.Max)
	rule, has := nameRules[token]
	if has {
		l.match(naming.Property, rule.pattern, rule.what)
	}
}

// nameRules are the characters of names.
var nameRules = map[string]struct{ pattern, what string }{
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
	balancerType:    {`^(internal$|i$|in$|[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$)`, "letters, digits and hyphens, none at an end"},
	targetGroupType: {`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`, "letters, digits and hyphens, none at an end"},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html; "sg-" begins ids.
	securityGroupType: {`^([^s]|s$|s[^g]|sg$|sg[^-])[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*$`, "without sg- at its start and of a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*"},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
	templateType: {`^[a-zA-Z0-9().\-/_]{3,}$`, "3 characters at least of a-z, A-Z, 0-9 and ().-/_"},
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	bucketType: {`^[a-z0-9]([a-z0-9-]|\.[a-z0-9])+[a-z0-9]$`, "3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends"},
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
	databaseType: {`^[a-zA-Z](-?[a-zA-Z0-9])*$`, "letters, digits and hyphens, with a letter first, no two hyphens together and none last"},
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBParameterGroup.html
	parameterGroupType: {`^[a-z](-?[a-z0-9])*$`, "lower-case letters, digits and hyphens, with a letter first, no two hyphens together and none last"},
	subnetGroupType:    {`^[a-z0-9 ._-]+$`, "lower-case letters, digits, spaces, periods, underscores and hyphens"},
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	roleType:       {`^[\w+=,.@-]+$`, "letters, digits and +=,.@_-"},
	rolePolicyType: {`^[\w+=,.@-]+$`, "letters, digits and +=,.@_-"},
	profileType:    {`^[\w+=,.@-]+$`, "letters, digits and +=,.@_-"},
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
	tableType: {`^[a-zA-Z0-9_.-]{3,255}$`, "3 to 255 letters, digits, underscores, hyphens and periods"},
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
	logGroupType: {`^[.\-_/#A-Za-z0-9]+$`, "letters, digits and ._-/#"},
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
	eventRuleType: {`^[.\-_A-Za-z0-9]+$`, "letters, digits, periods, hyphens and underscores"},
	// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
	topicType: {`^[A-Za-z0-9_-]+(\.fifo)?$`, "letters, digits, underscores and hyphens"},
}
