package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// The types that rules here speak of more than once.
const (
	corsType           = "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2"
	distributionType   = "aws:cloudfront/distribution:Distribution"
	functionType       = "aws:lambda/function:Function"
	permissionType     = "aws:lambda/permission:Permission"
	httpAPIType        = "aws:apigatewayv2/api:Api"
	routeKeyType       = "aws:apigatewayv2/route:Route"
	stageType          = "aws:apigatewayv2/stage:Stage"
	integrationType    = "aws:apigatewayv2/integration:Integration"
	queueType          = "aws:sqs/queue:Queue"
	taskType           = "aws:ecs/taskDefinition:TaskDefinition"
	serviceType        = "aws:ecs/service:Service"
	repositoryType     = "aws:ecr/repository:Repository"
	scalingTargetType  = "aws:appautoscaling/target:Target"
	eventTargetType    = "aws:cloudwatch/eventTarget:EventTarget"
	sourceMappingType  = "aws:lambda/eventSourceMapping:EventSourceMapping"
	responseHeaderType = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
)

// costs is the kind of what makes a bill much higher, whatever else has a price.
const costs = "expensive"

// harmless judges an input whose change is shown, and stops, opens or weakens nothing.
func harmless(any, any) string { return "" }

// serviceRules judge the inputs of services that run without instances of the stack's own, and of what stands before
// them.
var serviceRules = slices.Concat(edgeRules, functionRules, apiRules, messageRules, containerRules, namingRules,
	wallRules, userRules)

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-web-values-specify.html
var edgeRules = []rule{
	{token: distributionType, path: "aliases", kind: stops,
		judge: fewer("it no longer answers under some of its names")},
	{token: distributionType, path: "originGroups", kind: stops, judge: other("requests go to another origin")},
	{token: distributionType, path: "defaultRootObject", kind: stops, judge: other("its root leads to another page")},
	{token: distributionType, path: "viewerCertificate.acmCertificateArn", kind: stops,
		judge: other("it presents another certificate")},
	{token: distributionType, path: "viewerCertificate.iamCertificateId", kind: stops,
		judge: other("it presents another certificate")},
	{token: distributionType, path: "viewerCertificate.minimumProtocolVersion", kind: weakens, judge: olderTLS},
	// https://aws.amazon.com/cloudfront/pricing/ (Dedicated IP Custom SSL)
	{token: distributionType, path: "viewerCertificate.sslSupportMethod", kind: costs, made: true,
		judge: to("addresses of its own cost $600 a month for each certificate", "vip")},
	{token: distributionType, path: "defaultCacheBehavior.responseHeadersPolicyId", kind: weakens,
		judge: other("answers carry other headers, or none, such as those for security")},
	{token: distributionType, path: "defaultCacheBehavior.trustedKeyGroups", kind: exposes,
		judge: fewer("it serves requests that are not signed by these keys")},
	{token: distributionType, path: "defaultCacheBehavior.trustedSigners", kind: exposes,
		judge: fewer("it serves requests that are not signed by these accounts")},
	{token: distributionType, path: "defaultCacheBehavior.allowedMethods", kind: stops,
		judge: fewer("requests by some methods are refused")},
	{token: distributionType, path: "defaultCacheBehavior.allowedMethods", kind: exposes,
		judge: further("requests by %s are passed on to the origin")},
	{token: distributionType, path: "defaultCacheBehavior.cachedMethods", judge: harmless},
	{token: distributionType, path: "defaultCacheBehavior.lambdaFunctionAssociations", kind: exposes,
		judge: always("other code sees and changes requests and answers")},
	{token: distributionType, path: "defaultCacheBehavior.functionAssociations", kind: exposes,
		judge: always("other code sees and changes requests and answers")},
	{token: distributionType, path: "defaultCacheBehavior.cachePolicyId", kind: weakens,
		judge: always("answers are kept by other parts of the request, so that one may get what is another's")},
	{token: distributionType, path: "defaultCacheBehavior.originRequestPolicyId", kind: stops,
		judge: always("its origins are told other parts of the request")},
	{token: distributionType, path: "defaultCacheBehavior.targetOriginId", kind: stops,
		judge: other("requests go to another origin")},
	{token: distributionType, path: "orderedCacheBehaviors", kind: stops,
		judge: always("requests for some paths are answered another way")},
	{token: distributionType, path: "orderedCacheBehaviors", kind: weakens, judge: plainPaths},
	{token: distributionType, path: "viewerCertificate.cloudfrontDefaultCertificate", kind: stops,
		judge: to("under its other names it presents CloudFront's own certificate, which clients refuse", "true")},
	{token: distributionType, path: "enabled", kind: exposes, fresh: true,
		judge: whenNew("anyone on the internet gets what its origins answer",
			func(now any) bool { return graph.Is(now, true) })},
	{token: "aws:cloudfront/originAccessControl:OriginAccessControl", path: "signingBehavior", kind: stops,
		judge: to("its requests are not signed, so that its origins refuse them", "never", "no-override")},
	{token: "aws:cloudfront/originAccessControl:OriginAccessControl", path: "signingProtocol", kind: stops,
		judge: other("its requests are signed another way")},
	{token: corsType, path: "corsRules", kind: exposes, made: true, judge: origins},
	{token: distributionType, path: "defaultCacheBehavior.defaultTtl", judge: harmless},
	{token: distributionType, path: "defaultCacheBehavior.minTtl", judge: harmless},
	{token: distributionType, path: "defaultCacheBehavior.maxTtl", judge: harmless},
	{token: distributionType, path: "defaultCacheBehavior.compress", judge: harmless},
	{token: distributionType, path: "priceClass", kind: shrinks,
		judge: func(old, now any) string {
			classes := []string{"PriceClass_100", "PriceClass_200", "PriceClass_All"}
			was, is := slices.Index(classes, graph.Text(old)), slices.Index(classes, graph.Text(now))
			if old == nil {
				was = len(classes) - 1
			}
			if is >= 0 && is < was {
				return "it serves from fewer places, and slower to some"
			}
			return ""
		}},
	{token: distributionType, path: "httpVersion", judge: harmless},
	{token: distributionType, path: "waitForDeployment", judge: harmless},
	{token: distributionType, path: "customErrorResponses", judge: harmless},
	{token: responseHeaderType, path: "securityHeadersConfig", kind: weakens,
		judge: other("answers carry other headers for security")},
	{token: responseHeaderType, path: "corsConfig", kind: exposes,
		judge: other("pages of other sites may read the answers")},
}

// securityPolicies are those of CloudFront, the weakest first
//
// (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html).
var securityPolicies = []string{"SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019",
	"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}

// olderTLS judges the oldest version of TLS that is taken; that of a distribution which does not say is TLSv1.
func olderTLS(old, now any) string {
	was, is := max(1, slices.Index(securityPolicies, graph.Text(old))), slices.Index(securityPolicies, graph.Text(now))
	if now == nil {
		is = 1
	}
	if is >= 0 && is < was {
		return fmt.Sprintf("clients may use older versions of TLS (%s → %s)", orUnset(old), orUnset(now))
	}
	return ""
}

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html,
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
var functionRules = []rule{
	{token: functionType, path: "code", judge: harmless},
	{token: functionType, path: "imageUri", judge: harmless},
	{token: functionType, path: "s3Bucket", judge: harmless},
	{token: functionType, path: "s3Key", judge: harmless},
	{token: functionType, path: "s3ObjectVersion", judge: harmless},
	{token: functionType, path: "sourceCodeHash", judge: harmless},
	{token: functionType, path: "environment", judge: harmless},
	{token: functionType, path: "layers", kind: exposes, made: true, judge: foreignLayers},
	{token: functionType, path: "reservedConcurrentExecutions", kind: stops,
		judge: toNone("every call of it is refused")},
	{token: functionType, path: "publish", judge: harmless},
	{token: functionType, path: "handler", judge: harmless},
	{token: functionType, path: "runtime", kind: refused,
		judge: to("AWS no longer takes functions of this runtime", retiredRuntimes...), made: true},
	{token: functionType, path: "architectures", kind: stops,
		judge: other("its code, and what it brings along, has to be for another processor")},
	{token: functionType, path: "role", kind: weakens, judge: other("it may do other things")},
	{token: functionType, path: "vpcConfig", kind: stops, judge: always("it is in another network, or in none, and " +
		"reaches from there what that reaches; a private subnet leads to the internet only by a NAT")},
	{token: functionType, path: "kmsKeyArn", kind: weakens,
		judge: other("its variables are encrypted by another key")},
	{token: functionType, path: "tracingConfig.mode", kind: hides,
		judge: from("Active", "its calls are no longer traced")},
	{token: permissionType, path: "principal", kind: exposes, made: true,
		judge: to("everyone can call the function", "*")},
	{token: permissionType, path: "sourceArn", kind: exposes,
		judge: fewer("its principal may call the function whatever it does so for")},
	{token: permissionType, path: "sourceAccount", kind: exposes,
		judge: fewer("its principal may call the function for any account")},
	{token: sourceMappingType, path: "batchSize", judge: harmless},
	{token: sourceMappingType, path: "maximumBatchingWindowInSeconds", judge: harmless},
	{token: sourceMappingType, path: "filterCriteria", kind: stops, judge: func(any, any) string {
		return "the function gets other events"
	}},
	{token: sourceMappingType, path: "functionName", kind: stops, judge: other("another function gets these events")},
	{token: sourceMappingType, path: "scalingConfig.maximumConcurrency", kind: shrinks,
		judge: lower(endless, "it runs %s times at once instead of %s")},
}

// retiredRuntimes are those for which functions can no longer be created
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated).
var retiredRuntimes = []string{
	"dotnet6", "dotnet5.0", "dotnetcore3.1", "dotnetcore2.1", "dotnetcore2.0", "dotnetcore1.0", "go1.x", "java8",
	"nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x",
	"nodejs16.x", "provided", "python2.7", "python3.6", "python3.7", "python3.8", "ruby2.5", "ruby2.7",
}

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes-routeid.html
var apiRules = []rule{
	{token: routeKeyType, path: "authorizationType", kind: exposes, judge: unauthorized},
	{token: routeKeyType, path: "authorizationType", kind: exposes, fresh: true, judge: whenNew("everyone can call it",
		func(now any) bool { return now == nil || graph.Text(now) == "NONE" })},
	{token: "aws:apigateway/method:Method", path: "authorization", kind: exposes, judge: unauthorized},
	{token: "aws:apigateway/method:Method", path: "authorizerId", kind: weakens,
		judge: other("callers are let in by another authorizer, or by none")},
	{token: methodSettingsType, path: "settings.throttlingRateLimit", kind: shrinks,
		judge: left(endless, "%s requests a second instead of %s")},
	{token: methodSettingsType, path: "settings.throttlingBurstLimit", kind: shrinks,
		judge: left(endless, "%s requests at once instead of %s")},
	{token: methodSettingsType, path: "settings.throttlingRateLimit", kind: weakens,
		judge: higher(endless, "requests a second that it lets through: %s instead of %s")},
	{token: methodSettingsType, path: "settings.throttlingRateLimit", kind: stops,
		judge: toNone("every request is refused")},
	{token: methodSettingsType, path: "settings.throttlingBurstLimit", kind: stops,
		judge: toNone("every request is refused")},
	{token: methodSettingsType, path: "settings.loggingLevel", kind: hides,
		judge: to("requests are no longer recorded", "OFF")},
	{token: methodSettingsType, path: "settings.metricsEnabled", kind: hides, judge: from("true",
		"requests are no longer counted")},
	{token: "aws:apigateway/method:Method", path: "apiKeyRequired", kind: exposes,
		judge: from("true", "it is called without a key")},
	{token: routeKeyType, path: "apiKeyRequired", kind: exposes, judge: from("true", "it is called without a key")},
	{token: routeKeyType, path: "authorizerId", kind: weakens,
		judge: other("callers are let in by another authorizer")},
	{token: routeKeyType, path: "authorizationScopes", kind: weakens,
		judge: fewer("callers need fewer scopes")},
	{token: routeKeyType, path: "routeKey", kind: stops, judge: other("it takes other requests")},
	{token: routeKeyType, path: "target", kind: stops, judge: other("requests go elsewhere")},
	{token: httpAPIType, path: "corsConfiguration.allowOrigins", kind: exposes, made: true, judge: openOrigins},
	{token: httpAPIType, path: "corsConfiguration.allowCredentials", kind: exposes,
		judge: to("pages of other sites may call it as whoever is signed in", "true")},
	{token: "aws:lambda/functionUrl:FunctionUrl", path: "cors.allowOrigins", kind: exposes, made: true,
		judge: openOrigins},
	{token: httpAPIType, path: "corsConfiguration", judge: harmless},
	{token: httpAPIType, path: "disableExecuteApiEndpoint", kind: stops,
		judge: to("it no longer answers at AWS's address", "true")},
	{token: stageType, path: "autoDeploy", kind: stops,
		judge: from("true", "changes of its routes are no longer served")},
	{token: stageType, path: "accessLogSettings", kind: hides, judge: fewer("requests are no longer recorded")},
	{token: stageType, path: "defaultRouteSettings.throttlingRateLimit", kind: shrinks,
		judge: left(endless, "%s requests a second instead of %s")},
	{token: stageType, path: "defaultRouteSettings.throttlingBurstLimit", kind: shrinks,
		judge: left(endless, "%s requests at once instead of %s")},
	{token: stageType, path: "defaultRouteSettings.throttlingRateLimit", kind: weakens,
		judge: higher(endless, "requests a second that it lets through: %s instead of %s")},
	{token: stageType, path: "defaultRouteSettings.throttlingBurstLimit", kind: weakens,
		judge: higher(endless, "requests at once that it lets through: %s instead of %s")},
	{token: stageType, path: "defaultRouteSettings.throttlingRateLimit", kind: stops,
		judge: toNone("every request is refused")},
	{token: stageType, path: "defaultRouteSettings.throttlingBurstLimit", kind: stops,
		judge: toNone("every request is refused")},
	{token: stageType, path: "defaultRouteSettings.detailedMetricsEnabled", kind: hides,
		judge: from("true", "its routes are no longer counted one by one")},
	{token: integrationType, path: "integrationUri", kind: stops, judge: other("requests go elsewhere")},
	{token: integrationType, path: "timeoutMilliseconds", kind: stops,
		judge: lower(30000, "requests are ended after %s milliseconds instead of %s")},
	{token: integrationType, path: "payloadFormatVersion", kind: stops,
		judge: other("what is called gets requests in another form")},
}

// unauthorized judges how callers of a route are known: with no word on it they are not.
func unauthorized(old, now any) string {
	was, is := graph.Text(old), graph.Text(now)
	if was != "" && was != "NONE" && (is == "" || is == "NONE") {
		return fmt.Sprintf("everyone can call it (%s → %s)", was, orUnset(now))
	}
	return ""
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
var messageRules = []rule{
	{token: queueType, path: "visibilityTimeoutSeconds", kind: stops,
		judge: lower(30,
			"a message is handed out again after %s seconds instead of %s, while somebody may still work on "+
				"it")},
	{token: queueType, path: "maxMessageSize", kind: stops,
		judge: lower(262144, "messages of more than %s bytes are refused instead of %s")},
	{token: queueType, path: "delaySeconds", judge: harmless},
	{token: queueType, path: "receiveWaitTimeSeconds", judge: harmless},
	{token: eventTargetType, path: "arn", kind: stops, judge: other("events go elsewhere")},
	{token: eventTargetType, path: "input", kind: stops, judge: other("its target is told something else")},
	{token: eventTargetType, path: "inputTransformer", kind: stops, judge: other("its target is told something else")},
	{token: eventTargetType, path: "deadLetterConfig", kind: weakens,
		judge: fewer("events that cannot be delivered are no longer kept")},
}

// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html
var containerRules = []rule{
	{token: taskType, path: "cpu", kind: shrinks, judge: lower(0, "%s units of CPU instead of %s")},
	{token: taskType, path: "memory", kind: shrinks, judge: lower(0, "%s MB of memory instead of %s")},
	{token: taskType, path: "taskRoleArn", kind: weakens, judge: other("its containers may do other things")},
	{token: taskType, path: "containerDefinitions", kind: weakens,
		judge: containers("runs with all rights on its host", true, func(c map[string]any) bool {
			return c["privileged"] == true
		})},
	{token: taskType, path: "containerDefinitions", kind: hides,
		judge: containers("writes no log", false, func(c map[string]any) bool { return c["logConfiguration"] != nil })},
	{token: taskType, path: "containerDefinitions", kind: stops,
		judge: containers("gets no secrets", false, func(c map[string]any) bool { return !empty(c["secrets"]) })},
	{token: taskType, path: "containerDefinitions", kind: weakens, judge: containers("runs as root", true, rooted)},
	{token: taskType, path: "containerDefinitions", kind: weakens, judge: containers(
		"may write to its own files", false,
		func(c map[string]any) bool { return c["readonlyRootFilesystem"] == true })},
	{token: taskType, path: "containerDefinitions", kind: weakens, judge: containers("runs whatever image is called "+
		"`latest` when it starts", true, moving)},
	{token: taskType, path: "containerDefinitions", kind: exposes, judge: otherImages},
	{token: taskType, path: "containerDefinitions", kind: exposes, judge: revealed},
	{token: serviceType, path: "taskDefinition", judge: harmless},
	{token: serviceType, path: "networkConfiguration.assignPublicIp", kind: exposes, made: true,
		judge: to("its tasks get public addresses", "true")},
	{token: serviceType, path: "networkConfiguration.securityGroups", kind: stops,
		judge: other("its tasks are reached by others, or reach others")},
	{token: serviceType, path: "networkConfiguration.subnets", kind: stops,
		judge: other("its tasks move to other subnets")},
	{token: serviceType, path: "loadBalancers", kind: stops,
		judge: other("requests reach it another way, or not at all")},
	{token: serviceType, path: "enableExecuteCommand", kind: exposes, made: true,
		judge: to("whoever may run commands by ECS gets into its containers", "true")},
	{token: serviceType, path: "deploymentCircuitBreaker", kind: weakens,
		judge: fewer("a deployment that fails is no longer taken back")},
	{token: serviceType, path: "deploymentCircuitBreaker.enable", kind: weakens,
		judge: from("true", "a deployment that fails is no longer stopped")},
	{token: serviceType, path: "deploymentCircuitBreaker.rollback", kind: weakens,
		judge: from("true", "a deployment that fails is no longer taken back")},
	{token: serviceType, path: "desiredCount", kind: stops, judge: toNone("none of its tasks runs any longer")},
	{token: serviceType, path: "forceNewDeployment", judge: harmless},
	{token: serviceType, path: "healthCheckGracePeriodSeconds", judge: harmless},
	{token: serviceType, path: "platformVersion", judge: harmless},
	{token: serviceType, path: "deploymentMaximumPercent", judge: harmless},
	{token: "aws:ecs/cluster:Cluster", path: "settings", kind: hides,
		judge: other("its containers are watched another way")},
	{token: repositoryType, path: "imageScanningConfiguration.scanOnPush", kind: weakens,
		judge: from("true", "images are no longer scanned when they are pushed")},
	{token: "aws:ecr/lifecyclePolicy:LifecyclePolicy", path: "policy", kind: expires,
		judge: other("other images are deleted")},
	{token: scalingTargetType, path: "minCapacity", kind: shrinks, judge: lower(0, "at least %s instead of %s")},
	{token: scalingTargetType, path: "maxCapacity", kind: shrinks, judge: lower(0, "at most %s instead of %s")},
	{token: scalingTargetType, path: "maxCapacity", kind: stops, judge: toNone("it scales down to nothing")},
	{token: "aws:appautoscaling/policy:Policy", path: "targetTrackingScalingPolicyConfiguration.disableScaleIn",
		kind:  costs,
		judge: to("capacity that was added stays", "true")},
	{token: "aws:appautoscaling/policy:Policy", path: "targetTrackingScalingPolicyConfiguration.scaleInCooldown",
		judge: harmless},
	{token: "aws:appautoscaling/policy:Policy", path: "targetTrackingScalingPolicyConfiguration.scaleOutCooldown",
		kind:  shrinks,
		judge: higher(0, "it adds capacity again only after %s seconds instead of %s")},
	{token: "aws:appautoscaling/policy:Policy", path: "targetTrackingScalingPolicyConfiguration.targetValue",
		kind: shrinks, judge: higher(endless, "it adds capacity at %s instead of %s")},
}

const (
	methodSettingsType = "aws:apigateway/methodSettings:MethodSettings"
	recordType         = "aws:route53/record:Record"
	networkACLType     = "aws:ec2/networkAcl:NetworkAcl"
	webACLType         = "aws:wafv2/webAcl:WebAcl"
	rotationType       = "aws:secretsmanager/secretRotation:SecretRotation"
)

// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values.html
var namingRules = []rule{
	{token: recordType, path: "ttl", kind: weakens, judge: higher(endless,
		"whoever asked keeps the answer for %s seconds instead of %s, and learns of a later change only then")},
	{token: recordType, path: "weightedRoutingPolicies", kind: stops, judge: weights},
	{token: recordType, path: "failoverRoutingPolicies", kind: stops,
		judge: always("the name leads here in other cases")},
	{token: recordType, path: "geolocationRoutingPolicies", kind: stops,
		judge: always("the name leads here for others")},
	{token: recordType, path: "latencyRoutingPolicies", kind: stops, judge: always("the name leads here for others")},
	{token: recordType, path: "multivalueAnswerRoutingPolicy", kind: stops,
		judge: always("the name leads here in other cases")},
	{token: recordType, path: "healthCheckId", kind: weakens,
		judge: other("whether what the name leads to answers is checked another way, or not")},
}

// wallRules judge what keeps requests, connections and people out.
var wallRules = []rule{
	// https://docs.aws.amazon.com/waf/latest/APIReference/API_Rule.html
	{token: webACLType, path: "rules", kind: weakens, judge: filters},
	{token: webACLType, path: "rules", kind: stops, judge: newFilters},
	{token: webACLType, path: "rules", kind: stops, judge: tighter},
	{token: webACLType, path: "defaultAction.allow", kind: exposes,
		judge: func(old, now any) string {
			if old == nil && now != nil {
				return "requests that no rule names are let through"
			}
			return ""
		}},
	{token: webACLType, path: "defaultAction.block", kind: stops,
		judge: func(old, now any) string {
			if old == nil && now != nil {
				return "requests that no rule names are refused"
			}
			return ""
		}},
	{token: webACLType, path: "visibilityConfig.cloudwatchMetricsEnabled", kind: hides,
		judge: from("true", "requests that it filters are no longer counted")},
	{token: webACLType, path: "visibilityConfig.sampledRequestsEnabled", kind: hides,
		judge: from("true", "nobody sees which requests it filters")},
	// https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
	{token: networkACLType, path: "ingress", kind: weakens, judge: entries("deny", "it no longer keeps out", false)},
	{token: networkACLType, path: "ingress", kind: exposes, judge: entries("allow", "it lets in", true)},
	{token: networkACLType, path: "ingress", kind: stops, judge: entries("allow", "it no longer lets in", false)},
	{token: networkACLType, path: "ingress", kind: stops, judge: entries("deny", "it keeps out", true)},
	{token: networkACLType, path: "egress", kind: weakens, judge: entries("deny", "it no longer keeps in", false)},
	{token: networkACLType, path: "egress", kind: exposes, judge: entries("allow", "it lets out", true)},
	{token: networkACLType, path: "egress", kind: stops, judge: entries("allow", "it no longer lets out", false)},
	{token: networkACLType, path: "egress", kind: stops, judge: entries("deny", "it keeps in", true)},
	{token: networkACLType, path: "subnetIds", kind: stops, judge: always("other subnets are behind it")},
	{token: "aws:ec2/vpcPeeringConnection:VpcPeeringConnection", path: "peerVpcId", kind: exposes, fresh: true,
		judge: whenNew("another network is connected, where routes and groups let it",
			func(any) bool { return true })},
	// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
	{token: rotationType, path: "rotationRules.automaticallyAfterDays", kind: weakens,
		judge: higher(0, "the secret is rotated every %s days instead of %s")},
	{token: rotationType, path: "rotationRules.scheduleExpression", kind: weakens,
		judge: always("the secret is rotated at other times")},
	{token: rotationType, path: "rotationRules.duration", judge: harmless},
	{token: rotationType, path: "rotateImmediately", judge: harmless},
	{token: rotationType, path: "rotationLambdaArn", kind: exposes,
		judge: other("another function makes, and knows, the secret")},
}

func empty(v any) bool {
	list, is := v.([]any)
	return v == nil || is && len(list) == 0
}

// containers judges the containers of a task: those of which something holds that did not, or no longer does.
func containers(means string, becomes bool, holds func(map[string]any) bool) judge {
	return func(old, now any) string {
		was, is := containersOf(old), containersOf(now)
		var found []string
		for name, c := range is {
			before := was[name]
			did := before != nil && holds(before)
			if holds(c) == becomes && did != becomes && (before != nil || becomes) {
				found = append(found, code(name))
			}
		}
		if len(found) == 0 {
			return ""
		}
		slices.Sort(found)
		return fmt.Sprintf("container %s %s", strings.Join(found, ", "), means)
	}
}
