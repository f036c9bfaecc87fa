package plan

import (
	"dossier.example/plan/graph"
)

// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html,
// https://docs.aws.amazon.com/apigateway/latest/api/API_DomainName.html and its neighbors
var callRules = []rule{
	{token: functionType, path: "codeSigningConfigArn", kind: weakens,
		judge: other("its code need not be signed by the same")},
	{token: functionType, path: "loggingConfig.logGroup", kind: hides, judge: other("its records go elsewhere")},
	{token: functionType, path: "loggingConfig.applicationLogLevel", kind: hides,
		judge: to("less of what it does is recorded", "WARN", "ERROR", "FATAL")},
	{token: functionType, path: "loggingConfig.systemLogLevel", kind: hides,
		judge: to("less of its calls is recorded", "WARN")},
	{token: functionType, path: "loggingConfig.logFormat", kind: hides, judge: other("its records have another form")},
	{token: functionType, path: "ephemeralStorage.size", kind: shrinks,
		judge: lower(512, "%s MB for files instead of %s")},
	{token: functionType, path: "fileSystemConfig", kind: stops, judge: other("it has other files, or none")},
	{token: functionType, path: "imageConfig", judge: harmless},
	{token: functionType, path: "packageType", judge: harmless},
	{token: functionType, path: "snapStart", judge: harmless},
	{token: invokeConfigType, path: "maximumRetryAttempts", kind: weakens,
		judge: lower(2, "a call that fails is tried again %s times instead of %s")},
	{token: invokeConfigType, path: "maximumEventAgeInSeconds", kind: weakens,
		judge: lower(21600, "an event is dropped after %s seconds instead of %s")},
	{token: invokeConfigType, path: "destinationConfig.onFailure", kind: weakens,
		judge: other("events that it fails on go elsewhere, or are no longer kept")},
	{token: invokeConfigType, path: "destinationConfig.onSuccess", kind: stops,
		judge: other("what it gives goes elsewhere")},
	{token: invokeConfigType, path: "destinationConfig", kind: weakens,
		judge: fewer("what it gives, and what it fails on, is no longer kept")},
	{token: "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
		path: "provisionedConcurrentExecutions", kind: shrinks, judge: lower(0, "%s are kept ready instead of %s")},
	{token: sourceMappingType, path: "destinationConfig", kind: weakens,
		judge: fewer("events that the function fails on are no longer kept")},
	{token: sourceMappingType, path: "maximumRetryAttempts", kind: weakens, judge: func(old, now any) string {
		bound := func(v any) any {
			if n, is := graph.Number(v); !is || n < 0 {
				return endless
			}
			return v
		}
		return lower(endless, "events are tried again %s times instead of %s, and then dropped")(bound(old), bound(now))
	}},
	{token: sourceMappingType, path: "bisectBatchOnFunctionError", judge: harmless},
	{token: sourceMappingType, path: "parallelizationFactor", kind: shrinks,
		judge: lower(1, "%s at once instead of %s")},
	{token: sourceMappingType, path: "functionResponseTypes", kind: stops,
		judge: always("what the function answers of events that it failed on counts otherwise")},

	{token: restAPIType, path: "endpointConfiguration.types", kind: exposes,
		judge: from("PRIVATE", "it is reached from the internet")},
	{token: restAPIType, path: "endpointConfiguration.types", kind: stops,
		judge: to("it is reached only from networks that have an endpoint for it", "PRIVATE")},
	{token: restAPIType, path: "disableExecuteApiEndpoint", kind: stops,
		judge: to("it no longer answers at AWS's address", "true")},
	{token: restAPIType, path: "binaryMediaTypes", judge: harmless},
	{token: restAPIType, path: "minimumCompressionSize", judge: harmless},
	{token: "aws:apigateway/domainName:DomainName", path: "securityPolicy", kind: weakens,
		judge: from("TLS_1_2", "clients may use older versions of TLS")},
	{token: "aws:apigateway/domainName:DomainName", path: "mutualTlsAuthentication", kind: exposes,
		judge: fewer("clients need no certificate")},
	{token: "aws:apigatewayv2/domainName:DomainName", path: "mutualTlsAuthentication", kind: exposes,
		judge: fewer("clients need no certificate")},
	{token: "aws:apigatewayv2/domainName:DomainName", path: "domainNameConfiguration.certificateArn", kind: stops,
		judge: other("it presents another certificate")},
	{token: "aws:apigatewayv2/authorizer:Authorizer", path: "jwtConfiguration.audiences", kind: exposes,
		judge: further("tokens for %s are taken")},
	{token: "aws:apigatewayv2/authorizer:Authorizer", path: "jwtConfiguration.audiences", kind: stops,
		judge: fewer("tokens for some are refused")},
	{token: "aws:apigatewayv2/authorizer:Authorizer", path: "jwtConfiguration.issuer", kind: exposes,
		judge: other("tokens of another issuer are taken")},
	{token: "aws:apigatewayv2/authorizer:Authorizer", path: "authorizerUri", kind: exposes,
		judge: other("another function lets callers in")},
	{token: "aws:apigatewayv2/authorizer:Authorizer", path: "authorizerResultTtlInSeconds", kind: weakens,
		judge: higher(300, "callers are known for %s seconds instead of %s")},
	{token: "aws:apigateway/authorizer:Authorizer", path: "authorizerUri", kind: exposes,
		judge: other("another function lets callers in")},
	{token: "aws:apigateway/authorizer:Authorizer", path: "providerArns", kind: exposes,
		judge: further("people of %s are let in")},
	{token: "aws:apigateway/usagePlan:UsagePlan", path: "quotaSettings.limit", kind: weakens,
		judge: higher(endless, "requests that it lets through: %s instead of %s")},
	{token: "aws:apigateway/usagePlan:UsagePlan", path: "quotaSettings.limit", kind: shrinks,
		judge: lower(endless, "requests that it lets through: %s instead of %s")},
	{token: "aws:apigateway/usagePlan:UsagePlan", path: "throttleSettings.rateLimit", kind: weakens,
		judge: higher(endless, "requests a second that it lets through: %s instead of %s")},
	{token: "aws:apigateway/usagePlan:UsagePlan", path: "throttleSettings.rateLimit", kind: shrinks,
		judge: lower(endless, "requests a second that it lets through: %s instead of %s")},
	{token: "aws:apigateway/stage:Stage", path: "accessLogSettings", kind: hides,
		judge: fewer("requests are no longer recorded")},
	{token: "aws:apigateway/stage:Stage", path: "xrayTracingEnabled", kind: hides,
		judge: from("true", "requests are no longer traced")},
	{token: "aws:apigateway/stage:Stage", path: "deployment", judge: harmless},
	{token: "aws:apigateway/stage:Stage", path: "variables", judge: harmless},
}

const (
	invokeConfigType  = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
	restAPIMethodType = "aws:apigateway/method:Method"
	restAPIType       = "aws:apigateway/restApi:RestApi"
)
