package plan

import "dossier.example/plan/graph"

// closingRules judge the inputs that let somebody in from their other side: who was let in and no longer is.
var closingRules = []rule{
	{token: corsType, path: "corsRules", kind: stops, judge: closedOrigins(bucketOrigins)},
	{token: bucketType, path: "corsRules", kind: stops, judge: closedOrigins(bucketOrigins)},
	{token: httpAPIType, path: "corsConfiguration.allowOrigins", kind: stops, judge: closedOrigins(graph.Texts)},
	{token: urlType, path: "cors.allowOrigins", kind: stops, judge: closedOrigins(graph.Texts)},
	{token: urlType, path: "authorizationType", kind: stops,
		judge: from("NONE", "callers that do not sign are refused")},
	{token: serviceType, path: "networkConfiguration.assignPublicIp", kind: stops,
		judge: from("true", "its tasks get no public address, and reach the internet, their images too, only by a NAT "+
			"or an endpoint")},
	{token: distributionType, path: "defaultCacheBehavior.viewerProtocolPolicy", kind: stops,
		judge: to("requests without encryption are refused, not sent on to HTTPS", "https-only")},
	{token: distributionType, path: "defaultCacheBehavior.trustedKeyGroups", kind: stops, judge: whenNewly(unsigned)},
	{token: distributionType, path: "defaultCacheBehavior.trustedSigners", kind: stops, judge: whenNewly(unsigned)},
	{token: distributionType, path: "webAclId", kind: stops,
		judge: whenNewly("requests are filtered, and some that are meant may be refused")},
	{token: "aws:cognito/identityPool:IdentityPool", path: "allowUnauthenticatedIdentities", kind: stops,
		judge: from("true", "guests get no credentials any longer")},
	{token: routeKeyType, path: "authorizationType", kind: stops, judge: guarded},
	{token: restAPIMethodType, path: "authorization", kind: stops, judge: guarded},
	{token: routeKeyType, path: "apiKeyRequired", kind: stops, judge: to("callers without a key are refused", "true")},
	{token: restAPIMethodType, path: "apiKeyRequired", kind: stops,
		judge: to("callers without a key are refused", "true")},
	{token: databaseType, path: "publiclyAccessible", kind: stops, judge: unreached},
	{token: auroraNodeType, path: "publiclyAccessible", kind: stops, judge: unreached},
	{token: warehouseType, path: "publiclyAccessible", kind: stops, judge: unreached},
	{token: "aws:eks/cluster:Cluster", path: "vpcConfig.endpointPublicAccess", kind: stops,
		judge: to("its API is reached only from within its network", "false")},
	{token: serverType, path: "metadataOptions.httpTokens", kind: stops,
		judge: to("programs on it that ask without a token get no credentials", "required")},
	{token: templateType, path: "metadataOptions.httpTokens", kind: stops,
		judge: to("programs on its instances that ask without a token get no credentials", "required")},

	{token: "aws:ebs/encryptionByDefault:EncryptionByDefault", path: "enabled", kind: weakens,
		judge: to("new disks are not encrypted unless they say so", "false")},
	{token: "aws:cfg/recorderStatus:RecorderStatus", path: "isEnabled", kind: hides,
		judge: from("true", "changes are no longer recorded")},
	{token: "aws:autoscaling/schedule:Schedule", path: "maxSize", kind: stops, made: true,
		judge: toNone("from its time on none of its instances runs")},
	{token: "aws:autoscaling/schedule:Schedule", path: "minSize", kind: shrinks,
		judge: lower(0, "at least %s instances instead of %s")},
	{token: "aws:autoscaling/schedule:Schedule", path: "maxSize", kind: shrinks,
		judge: lower(0, "at most %s instances instead of %s")},
	{token: "aws:autoscaling/schedule:Schedule", path: "desiredCapacity", kind: shrinks,
		judge: lower(0, "%s instances instead of %s")},
	{token: "aws:autoscaling/schedule:Schedule", path: "recurrence", kind: stops,
		judge: other("it happens at other times")},
	{token: "aws:autoscaling/schedule:Schedule", path: "startTime", kind: stops,
		judge: other("it happens at other times")},
	{token: "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", path: "loggingFilter", kind: hides,
		judge: always("other requests are recorded")},
	{token: "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", path: "redactedFields", kind: exposes,
		judge: other("other parts of requests are recorded")},
}

const urlType = "aws:lambda/functionUrl:FunctionUrl"

const unsigned = "requests that are not signed are refused"

// whenNewly judges what was not there.
func whenNewly(means string) judge {
	return func(old, now any) string {
		if empty(old) && !empty(now) {
			return means
		}
		return ""
	}
}

// guarded judges how callers are known that were not asked before.
func guarded(old, now any) string {
	if now == nil {
		return ""
	}
	return to("callers that are not known are refused", "AWS_IAM", "JWT", "CUSTOM", "COGNITO_USER_POOLS")(old, now)
}

// unreached judges a public address that is taken away.
func unreached(old, now any) string {
	return from("true", "it loses its public address, and is no longer reached from outside its network")(old, now)
}
