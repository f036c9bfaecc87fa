package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

const (
	templateType = "aws:ec2/launchTemplate:LaunchTemplate"
	groupsType   = "aws:autoscaling/group:Group"
	serverType   = "aws:ec2/instance:Instance"
	volumeType   = "aws:ebs/volume:Volume"
	checkType    = "aws:route53/healthCheck:HealthCheck"
)

// servingRules judge the inputs of what serves, and of what it runs on, beside those of stackRules and serviceRules.
var servingRules = slices.Concat(originRules, balancerRules, hostRules, taskRules, callRules)

// takenBack is what AWS may do with capacity that nobody else pays more for.
const takenBack = "AWS may take it back at any time, with a notice of two minutes"

var originRules = []rule{
	{token: distributionType, path: "origins", kind: stops, judge: askedOtherwise},
	{token: distributionType, path: "origins", kind: weakens, judge: askedInTheClear},
	{token: distributionType, path: "restrictions", kind: exposes, judge: countries(true)},
	{token: distributionType, path: "restrictions", kind: stops, judge: countries(false)},
	{token: distributionType, path: "defaultCacheBehavior.fieldLevelEncryptionId", kind: weakens,
		judge: fewer("fields of requests are no longer encrypted for themselves")},
	{token: distributionType, path: "isIpv6Enabled", kind: stops, judge: from("true", "it is not reached over IPv6")},

	{token: checkType, path: "disabled", kind: hides,
		judge: to("it is always healthy, whatever its endpoint does", "true")},
	{token: checkType, path: "failureThreshold", kind: weakens,
		judge: higher(3, "its endpoint counts as failed after %s failures instead of %s")},
	{token: checkType, path: "failureThreshold", kind: stops,
		judge: lower(3, "its endpoint counts as failed after %s failures instead of %s")},
	{token: checkType, path: "invertHealthcheck", kind: stops,
		judge: always("healthy is what was not, and the other way round")},
	{token: checkType, path: "fqdn", kind: weakens, judge: other("something else is checked")},
	{token: checkType, path: "ipAddress", kind: weakens, judge: other("something else is checked")},
	{token: checkType, path: "port", kind: weakens, judge: other("another port is checked")},
	{token: checkType, path: "resourcePath", kind: weakens, judge: other("another path is checked")},
	{token: checkType, path: "searchString", kind: weakens, judge: other("it is healthy by other answers")},
	{token: checkType, path: "type", kind: weakens, judge: other("it is checked another way")},
	{token: checkType, path: "measureLatency", judge: harmless},
	{token: checkType, path: "requestInterval", kind: weakens, judge: higher(30,
		"it is checked every %s seconds instead of %s")},
	// internal/service/route53/record.go: another type is made, and the former one deleted, in one batch.
	{token: recordType, path: "type", kind: stops,
		judge: other("the name is of another type, and whoever asks for the former one gets no answer")},
}

// originsOf are the origins of a distribution, by their ids.
func originsOf(v any) (map[string]any, bool) { return byName(graph.Items(v), "originId") }

// askedOtherwise judges how the origins of a distribution are asked.
func askedOtherwise(old, now any) string {
	was, okBefore := originsOf(old)
	is, okAfter := originsOf(now)
	if !okBefore || !okAfter {
		return other("requests go to another origin")(old, now)
	}
	var found []string
	for id, before := range was {
		after := is[id]
		if after == nil {
			found = append(found, "origin "+code(id)+" is gone")
			continue
		}
		differs := func(path string) bool { return !reflect.DeepEqual(graph.At(before, path), graph.At(after, path)) }
		had, has := graph.Text(graph.At(before, "originAccessControlId")),
			graph.Text(graph.At(after, "originAccessControlId"))
		switch {
		case differs("domainName"), differs("originPath"):
			found = append(found, "requests go to another origin in place of "+code(id))
		case had != "" && has == "":
			found = append(found, "requests to origin "+code(id)+" are no longer signed, and it may refuse them")
		case had != has, differs("s3OriginConfig"):
			found = append(found, "requests to origin "+code(id)+" are signed another way")
		case differs("customOriginConfig.httpPort"), differs("customOriginConfig.httpsPort"):
			found = append(found, "origin "+code(id)+" is asked on another port")
		case differs("vpcOriginConfig"):
			found = append(found, "origin "+code(id)+" is reached another way")
		}
		headers, _ := byName(graph.Items(graph.At(before, "customHeaders")), "name")
		still, _ := byName(graph.Items(graph.At(after, "customHeaders")), "name")
		for name, header := range headers {
			if !reflect.DeepEqual(header, still[name]) {
				found = append(found, "origin "+code(id)+" no longer gets header "+code(name)+" as it was, by which "+
					"it may know the distribution")
			}
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// askedInTheClear judges whether the origins of a distribution are asked by an encrypted connection.
func askedInTheClear(old, now any) string {
	was, _ := originsOf(old)
	is, _ := originsOf(now)
	var found []string
	for id, before := range was {
		const protocol, versions = "customOriginConfig.originProtocolPolicy", "customOriginConfig.originSslProtocols"
		from, to := graph.Text(graph.At(before, protocol)), graph.Text(graph.At(is[id], protocol))
		if from == "https-only" && to != from && is[id] != nil {
			found = append(found, fmt.Sprintf("origin %s is asked without encryption (%s → %s)", code(id), from,
				orUnset(unset(to))))
		}
		more := without(graph.Texts(graph.At(is[id], versions)), graph.Texts(graph.At(before, versions)))
		for _, of := range more {
			if of != code("TLSv1.2") && of != code("TLSv1.3") {
				found = append(found, "origin "+code(id)+" may be asked by "+of)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// countries judges which ones are served: those that newly are, or no longer.
func countries(newly bool) judge {
	return func(old, now any) string {
		kind := func(v any) string { return graph.Text(graph.At(v, "geoRestriction.restrictionType")) }
		list := func(v any) []string { return graph.Texts(graph.At(v, "geoRestriction.locations")) }
		// gone reports whether a country that one restriction serves is not served by another.
		gone := func(from, to any) bool {
			switch {
			case kind(to) == "whitelist" && kind(from) == "whitelist":
				return len(without(list(from), list(to))) > 0
			case kind(to) == "whitelist":
				return true
			case kind(to) == "blacklist" && kind(from) == "blacklist":
				return len(without(list(to), list(from))) > 0
			case kind(to) == "blacklist" && kind(from) == "whitelist":
				return len(without(list(from), list(to))) < len(list(from))
			}
			return kind(to) == "blacklist" && len(list(to)) > 0
		}
		switch {
		case newly && gone(now, old):
			return "other countries are served"
		case !newly && gone(old, now):
			return "some countries are no longer served"
		}
		return ""
	}
}

var balancerRules = []rule{
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "enableWafFailOpen", kind: weakens,
		judge: to("requests pass unseen when their filter does not answer", "true")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "connectionLogs.enabled", kind: hides,
		judge: from("true", "connections are no longer recorded")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "connectionLogs.bucket", kind: hides,
		judge: other("connections are recorded elsewhere")},
	{token: "aws:lb/loadBalancer:LoadBalancer", path: "connectionLogs", judge: harmless},
	{token: "aws:lb/targetGroup:TargetGroup", path: "stickiness.enabled", kind: stops,
		judge: from("true", "whoever was bound to a target gets to another target")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "stickiness.type", kind: stops,
		judge: other("whoever was bound to a target gets to another target")},
	{token: "aws:lb/targetGroup:TargetGroup", path: "stickiness", judge: harmless},
	{token: "aws:lb/targetGroup:TargetGroup", path: "slowStart", judge: harmless},
	{token: "aws:lb/targetGroup:TargetGroup", path: "loadBalancingAlgorithmType", judge: harmless},
	{token: "aws:lb/targetGroup:TargetGroup", path: "preserveClientIp", kind: hides,
		judge: from("true", "targets see another address than the client's")},
	{token: "aws:lb/listener:Listener", path: "mutualAuthentication.mode", kind: exposes,
		judge: from("verify", "clients need no certificate")},
	{token: "aws:lb/listener:Listener", path: "mutualAuthentication.mode", kind: stops,
		judge: to("clients without a certificate are refused", "verify")},
	{token: "aws:lb/listener:Listener", path: "mutualAuthentication.trustStoreArn", kind: exposes,
		judge: other("certificates of others are taken")},
	{token: "aws:lb/listener:Listener", path: "mutualAuthentication.ignoreClientCertificateExpiry", kind: weakens,
		judge: to("certificates that are over are taken", "true")},
	{token: "aws:lb/listener:Listener", path: "alpnPolicy", judge: harmless},
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html and its neighbors
var hostRules = []rule{
	{token: templateType, path: "instanceMarketOptions.marketType", kind: stops, judge: to(takenBack, "spot")},
	{token: templateType, path: "networkInterfaces", kind: exposes, judge: publicInterfaces},
	{token: templateType, path: "keyName", kind: exposes, judge: func(old, now any) string {
		if now == nil {
			return ""
		}
		return fmt.Sprintf("whoever has the key signs in to its instances (%s → %s)", orUnset(old), orUnset(now))
	}},
	{token: templateType, path: "metadataOptions.httpEndpoint", kind: stops,
		judge: to("programs on its instances get no credentials", "disabled")},
	{token: serverType, path: "metadataOptions.httpEndpoint", kind: stops,
		judge: to("programs on it get no credentials", "disabled")},
	{token: serverType, path: "rootBlockDevice.deleteOnTermination", kind: weakens,
		judge: from("false", "when it is deleted, its disk goes with it")},
	{token: serverType, path: "instanceInitiatedShutdownBehavior", kind: weakens,
		judge: to("it is deleted when it is shut down", "terminate")},
	{token: serverType, path: "sourceDestCheck", kind: weakens,
		judge: to("it takes and sends packets that are not its own", "false")},
	{token: serverType, path: "sourceDestCheck", kind: stops,
		judge: from("false", "packets that are not its own are dropped, such as those that it passes on")},
	{token: serverType, path: "monitoring", kind: hides,
		judge: from("true", "it is watched every five minutes instead of every one")},
	{token: serverType, path: "disableApiStop", kind: weakens, judge: from("true", "AWS no longer refuses to stop it")},
	{token: serverType, path: "creditSpecification.cpuCredits", kind: costs,
		judge: to("what it needs beyond its share of the processor is paid", "unlimited")},
	{token: serverType, path: "creditSpecification.cpuCredits", kind: shrinks,
		judge: from("unlimited", "it gets no more of the processor than its share")},
	{token: serverType, path: "rootBlockDevice.iops", kind: shrinks, judge: lower(0,
		"%s operations a second instead of %s")},
	{token: serverType, path: "rootBlockDevice.throughput", kind: shrinks,
		judge: lower(0, "%s MB a second instead of %s")},
	{token: serverType, path: "rootBlockDevice.volumeType", kind: shrinks,
		judge: other("its disk is of another type, with another speed")},
	{token: serverType, path: "userDataReplaceOnChange", judge: harmless},
	{token: volumeType, path: "iops", kind: shrinks, judge: lower(0, "%s operations a second instead of %s")},
	{token: volumeType, path: "throughput", kind: shrinks, judge: lower(0, "%s MB a second instead of %s")},
	{token: volumeType, path: "type", kind: shrinks, judge: func(old, now any) string {
		if old == nil || graph.Text(old) == "gp2" && graph.Text(now) == "gp3" {
			return ""
		}
		return fmt.Sprintf("another type, with another speed (%s → %s)", orUnset(old), orUnset(now))
	}},
	{token: volumeType, path: "finalSnapshot", kind: weakens, judge: from("true",
		"no snapshot is left when it is deleted")},

	{token: groupsType, path: "availabilityZones", kind: shrinks,
		judge: fewer("it no longer starts instances in some zones")},
	{token: groupsType, path: "mixedInstancesPolicy.instancesDistribution.onDemandBaseCapacity", kind: stops,
		judge: lower(0, takenBack+": %s instances are paid in full instead of %s")},
	{token: groupsType, path: "mixedInstancesPolicy.instancesDistribution.onDemandPercentageAboveBaseCapacity",
		kind: stops, judge: lower(100, takenBack+": %s percent of what is added are paid in full instead of %s")},
	{token: groupsType, path: "enabledMetrics", kind: hides, judge: fewer("its instances are no longer counted")},
	{token: groupsType, path: "forceDelete", kind: weakens,
		judge: to("it is deleted without waiting for its instances", "true")},
	{token: groupsType, path: "protectFromScaleIn", kind: weakens,
		judge: from("true", "instances may be ended when there is less to do")},
	{token: groupsType, path: "maxInstanceLifetime", kind: stops, judge: noneIsEndless(lower(endless,
		"an instance is replaced after %s seconds instead of %s"))},
	{token: groupsType, path: "terminationPolicies", kind: stops, judge: always("other instances are ended first")},
	{token: groupsType, path: "defaultCooldown", judge: harmless},
	{token: groupsType, path: "defaultInstanceWarmup", judge: harmless},

	{token: "aws:ec2/vpcEndpoint:VpcEndpoint", path: "privateDnsEnabled", kind: stops,
		judge: from("true", "the service's name no longer leads to it, but out of the network")},
	{token: "aws:ec2/subnet:Subnet", path: "assignIpv6AddressOnCreation", kind: exposes,
		judge: to("what is started in it gets addresses of IPv6, which are public", "true")},
	{token: "aws:eks/cluster:Cluster", path: "vpcConfig.publicAccessCidrs", kind: exposes,
		judge: networks("its API is reached from", true)},
	{token: "aws:eks/cluster:Cluster", path: "vpcConfig.publicAccessCidrs", kind: stops,
		judge: networks("its API is no longer reached from", false)},
	{token: "aws:eks/cluster:Cluster", path: "vpcConfig.endpointPrivateAccess", kind: stops,
		judge: from("true", "its API is reached from within its network only by way of the internet")},
	{token: "aws:eks/nodeGroup:NodeGroup", path: "scalingConfig.minSize", kind: shrinks,
		judge: lower(0, "at least %s nodes instead of %s")},
	{token: "aws:eks/nodeGroup:NodeGroup", path: "scalingConfig.maxSize", kind: shrinks,
		judge: lower(0, "at most %s nodes instead of %s")},
	{token: "aws:eks/nodeGroup:NodeGroup", path: "scalingConfig.desiredSize", kind: shrinks,
		judge: lower(0, "%s nodes instead of %s")},
	{token: "aws:eks/nodeGroup:NodeGroup", path: "version", kind: stops,
		judge: other("its nodes are exchanged one by one")},
	{token: "aws:eks/nodeGroup:NodeGroup", path: "releaseVersion", kind: stops,
		judge: other("its nodes are exchanged one by one")},
}

// publicInterfaces judges the interfaces of a launch template by whether instances get public addresses.
func publicInterfaces(old, now any) string {
	public := func(v any) bool {
		return slices.ContainsFunc(graph.Items(v), func(i any) bool {
			return graph.Is(graph.At(i, "associatePublicIpAddress"), true)
		})
	}
	if public(now) && !public(old) {
		return "its instances get a public address"
	}
	return ""
}
