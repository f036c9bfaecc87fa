package plan

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

const (
	ipSetType        = "aws:wafv2/ipSet:IpSet"
	prefixListType   = "aws:ec2/managedPrefixList:ManagedPrefixList"
	eksAccessType    = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	cacheUserType    = "aws:elasticache/user:User"
	firehoseType     = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
	lambdaAliasType  = "aws:lambda/alias:Alias"
	eventsOfDatabase = "aws:rds/eventSubscription:EventSubscription"
	payerType        = "aws:s3/bucketRequestPaymentConfigurationV2:BucketRequestPaymentConfigurationV2"
	websiteType      = "aws:s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2"
	accelerateType   = "aws:s3/bucketAccelerateConfigurationV2:BucketAccelerateConfigurationV2"
	apiKeyType       = "aws:apigateway/apiKey:ApiKey"
	targetGroupType  = "aws:lb/targetGroup:TargetGroup"
	commandHere      = "command:local:Command"
	commandThere     = "command:remote:Command"
)

// smallRules are those of types with few inputs, and of inputs that few types have.
var smallRules = slices.Concat(passwords(map[string]string{
	databaseType: "password", auroraType: "masterPassword", warehouseType: "masterPassword",
	"aws:docdb/cluster:Cluster": "masterPassword",
}), commands(commandHere, commandThere), []rule{
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
	{token: databaseType, path: "licenseModel", kind: stops, judge: other("it restarts under another licence")},
	{token: databaseType, path: "domain", kind: stops,
		judge: other("whoever signs in by its former directory can no longer")},
	{token: tableType, path: "onDemandThroughput.maxReadRequestUnits", kind: shrinks,
		judge: lower(endless, "%s reads a second instead of %s")},
	{token: tableType, path: "onDemandThroughput.maxWriteRequestUnits", kind: shrinks,
		judge: lower(endless, "%s writes a second instead of %s")},
	{token: eventsOfDatabase, path: "enabled", kind: hides, judge: to("nobody is told of its events", "false")},
	{token: eventsOfDatabase, path: "snsTopic", kind: hides, judge: other("somebody else is told of its events")},
	{token: eventsOfDatabase, path: "eventCategories", kind: hides, judge: fewer("some events are no longer told")},
	{token: eventsOfDatabase, path: "sourceIds", kind: hides, judge: fewer("events of some are no longer told")},
	{token: eventsOfDatabase, path: "sourceType", kind: hides, judge: always("events of something else are told")},

	{token: payerType, path: "payer", kind: stops,
		judge: to("whoever does not offer to pay for requests is refused", "Requester")},
	{token: websiteType, path: "indexDocument", kind: stops, judge: other("another page is the first one")},
	{token: websiteType, path: "errorDocument", judge: harmless},
	{token: websiteType, path: "redirectAllRequestsTo", kind: stops, judge: always("requests lead elsewhere")},
	{token: websiteType, path: "routingRules", kind: stops, judge: always("some requests lead elsewhere")},
	{token: websiteType, path: "routingRuleDetails", kind: stops, judge: always("some requests lead elsewhere")},
	{token: accelerateType, path: "status", kind: stops,
		judge: to("requests to the accelerated address are refused", "Suspended")},
	{token: "aws:s3/bucketObjectv2:BucketObjectv2", path: "acl", kind: exposes, made: true,
		judge: to("everyone reads it", "public-read", "public-read-write", "authenticated-read")},

	{token: groupsType, path: "healthCheckGracePeriod", kind: stops, judge: lower(300, "an instance that does not "+
		"answer is replaced %s seconds after its start instead of %s: one that needs longer never serves")},
	{token: groupsType, path: "warmPool", kind: shrinks, judge: fewer("no warm instances wait for more load")},
	{token: endpointType, path: "routeTableIds", kind: stops,
		judge: fewer("subnets with a route table that it leaves no longer reach the service through it")},
	{token: endpointType, path: "subnetIds", kind: shrinks, judge: fewer("it is in fewer subnets")},
	{token: prefixListType, path: "entries", kind: exposes, judge: prefixes("rules and routes with it also hold for",
		true)},
	{token: prefixListType, path: "entries", kind: stops,
		judge: prefixes("rules and routes with it no longer hold for",
			false)},
	{token: prefixListType, path: "maxEntries", judge: harmless},
	{token: ipSetType, path: "addresses", kind: weakens, judge: networksMoved},

	{token: targetGroupType, path: "protocol", kind: weakens, judge: unencrypted},
	{token: "aws:lb/listener:Listener", path: "defaultActions", kind: exposes, judge: unasked},
	{token: "aws:lb/listenerRule:ListenerRule", path: "actions", kind: exposes, judge: unasked},
	{token: lambdaAliasType, path: "functionVersion", kind: stops, judge: lower(0,
		"its callers get version %s, which "+
			"is earlier than %s")},
	{token: lambdaAliasType, path: "routingConfig", judge: harmless},
	{token: apiKeyType, path: "enabled", kind: stops, judge: to("whoever uses the key is refused", "false")},
	// A topic that is another one has no subscribers by mail until they confirm.
	{token: "aws:sns/topic:Topic", path: "fifoTopic", kind: hides, judge: always("whoever is told by mail has to " +
		"confirm again, and whoever publishes has to know its new ARN")},
	{token: eksAccessType, path: "policyArn", kind: moreRights, made: true, judge: func(_, now any) string {
		return code(graph.Text(now)) + " is given in the cluster"
	}},
	{token: "aws:cloudwatch/metricAlarm:MetricAlarm", path: "unit", kind: hides,
		judge: always("it looks at values in another unit, of which there may be none")},
	{token: firehoseType, path: "extendedS3Configuration.bucketArn", kind: hides,
		judge: other("records go elsewhere")},
	{token: firehoseType, path: "destination", kind: hides, judge: other("records go elsewhere")},
	{token: cacheUserType, path: "accessString", kind: moreRights, judge: func(old, now any) string {
		return "other commands and keys are allowed: " + code(orUnset(old)) + " → " + code(orUnset(now))
	}},
	{token: cacheUserType, path: "noPasswordRequired", kind: weakens, made: true,
		judge: to("it needs no password", "true")},
	{token: "aws:iam/accessKey:AccessKey", path: "status", kind: stops,
		judge: to("whoever uses it can no longer sign in", "Inactive")},
})

// passwords are the rules of those that a database is given: whoever has the former one is shut out at once, also where
// only a counter or a random value behind it is another.
func passwords(of map[string]string) []rule {
	var rules []rule
	for token, path := range of {
		rules = append(rules, rule{token: token, path: path, kind: stops, judge: func(old, now any) string {
			if old == nil || now == nil {
				return ""
			}
			return "whoever signs in with the former password no longer can"
		}})
	}
	return rules
}

// commands are the rules of what runs on a machine: a person has to read it. What only runs once more does what was
// accepted (https://www.pulumi.com/registry/packages/command/api-docs/local/command/).
func commands(tokens ...string) []rule {
	var rules []rule
	for _, token := range tokens {
		for _, path := range []string{"create", "update", "delete", "stdin", "interpreter", "environment", "dir"} {
			rules = append(rules, rule{token: token, path: path, kind: notJudged,
				judge: always("what it does on its machine is not known here")})
		}
	}
	return rules
}

// unencrypted judges the protocol by which targets are asked.
func unencrypted(old, now any) string {
	was, is := graph.Text(old), graph.Text(now)
	if (was == "HTTPS" || was == "TLS") && is != "HTTPS" && is != "TLS" {
		return "requests to its targets are not encrypted (" + was + " → " + is + ")"
	}
	return ""
}

// unasked judges actions of a listener that no longer make people sign in.
func unasked(old, now any) string {
	asks := func(v any) bool {
		return slices.ContainsFunc(graph.Items(v), func(action any) bool {
			return strings.HasPrefix(graph.Text(graph.At(action, "type")), "authenticate-")
		})
	}
	if asks(old) && !asks(now) {
		return "nobody has to sign in for its requests any longer"
	}
	return ""
}

// prefixes judges the entries of a list of blocks of addresses.
func prefixes(means string, newly bool) judge {
	of := func(v any) []string {
		var found []string
		for _, e := range graph.Items(v) {
			found = append(found, graph.Text(graph.At(e, "cidr")))
		}
		return found
	}
	return func(old, now any) string {
		list, other := of(old), of(now)
		if newly {
			list, other = other, list
		}
		found := without(slices.DeleteFunc(list, func(text string) bool {
			return slices.ContainsFunc(other, func(o string) bool { return holds(o, text) })
		}), other)
		if len(found) == 0 {
			return ""
		}
		return means + " " + strings.Join(few(found), ", ")
	}
}

// networksMoved judges a set of addresses that rules let in or keep out.
func networksMoved(old, now any) string {
	gone, come := without(graph.Texts(old), graph.Texts(now)), without(graph.Texts(now), graph.Texts(old))
	var said []string
	if len(gone) > 0 {
		said = append(said, "rules no longer keep out, or let in, "+strings.Join(few(gone), ", "))
	}
	if len(come) > 0 {
		said = append(said, "rules now keep out, or let in, "+strings.Join(few(come), ", "))
	}
	return strings.Join(said, "; ")
}
