package engine

import (
	"encoding/base64"
	"strings"
)

// userDataBytes is the limit of EC2, before the encoding: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html.
const userDataBytes = 16384

// graviton is what an instance type begins with whose processor is the image's: "g" follows the generation
// (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
const graviton = `^[a-z]+[0-9]+g[a-z]*\.[a-z0-9]+$`

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func limitInstance(l look) {
	l.required("ami", "instanceType")
	l.match("ami", `^ami-[0-9a-f]{8,17}$`, "an image's id")
	l.match("instanceType", graviton, "of a Graviton family, as the image is for arm64")
	if data, known := l.text("userData"); known {
		if len(data) > userDataBytes {
			l.refuse("userData", "has %d bytes, and may have %d", len(data), userDataBytes)
		}
		startsScript(l, "userData", data)
	}
	l.exclusive("userData", "userDataBase64")
	metadata(l, "metadataOptions")
	if root, given := l.object("rootBlockDevice"); given {
		volume(root)
	}
	// A tag on the volume that the root device has as well would be set by two.
	checkTags(instanceType, l, "volumeTags")
}

// startsScript refuses what cloud-init would not run:
// https://cloudinit.readthedocs.io/en/latest/explanation/format.html.
func startsScript(l look, key, data string) {
	if !strings.HasPrefix(data, "#!") && !strings.HasPrefix(data, "#cloud-config") && !strings.HasPrefix(data, "Content-Type: multipart") {
		l.refuse(key, "begins with neither #! nor another mark of cloud-init, so nothing would run it")
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsRequest.html
func metadata(l look, key string) {
	if options, given := l.object(key); given {
		options.oneOf("httpEndpoint", "enabled", "disabled")
		options.oneOf("httpTokens", "optional", "required")
		options.between("httpPutResponseHopLimit", 1, 64)
	}
}

// volume keeps the limits of gp3, and of the image, whose snapshot has 8 GiB: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html.
func volume(l look) {
	l.oneOf("volumeType", "gp3", "gp2", "io1", "io2", "st1", "sc1", "standard")
	l.between("volumeSize", 8, 16384)
	l.between("iops", 3000, 16000)
	l.between("throughput", 125, 1000)
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
func limitTemplate(l look) {
	l.length("description", 0, 255)
	l.match("imageId", `^ami-[0-9a-f]{8,17}$`, "an image's id")
	l.match("instanceType", graviton, "of a Graviton family, as the image is for arm64")
	if data, known := l.text("userData"); known {
		raw, err := base64.StdEncoding.DecodeString(data)
		switch {
		case err != nil:
			l.refuse("userData", "is not in base64: %v", err)
		case len(raw) > userDataBytes:
			l.refuse("userData", "has %d bytes, and may have %d", len(raw), userDataBytes)
		default:
			startsScript(l, "userData", string(raw))
		}
	}
	metadata(l, "metadataOptions")
	if len(l.list("networkInterfaces")) > 0 && len(l.list("vpcSecurityGroupIds")) > 0 {
		l.refuse("vpcSecurityGroupIds", "belong into networkInterfaces where there are any")
	}
	for _, device := range l.objects("blockDeviceMappings") {
		if ebs, given := device.object("ebs"); given {
			volume(ebs)
			ebs.oneOf("encrypted", "true", "false")
			ebs.oneOf("deleteOnTermination", "true", "false")
		}
	}
	for _, network := range l.objects("networkInterfaces") {
		network.oneOf("associatePublicIpAddress", "true", "false")
		network.oneOf("deleteOnTermination", "true", "false")
	}
	if credit, given := l.object("creditSpecification"); given {
		credit.oneOf("cpuCredits", "standard", "unlimited")
		if kind, known := l.text("instanceType"); known && kind[0] != 't' {
			l.refuse("creditSpecification", "is for burstable instances, not %s", kind)
		}
	}
	for _, spec := range l.objects("tagSpecifications") {
		spec.oneOf("resourceType", "instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu")
		checkTags(templateType, spec, "tags")
	}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html
func limitKeyPair(l look) {
	l.match("publicKey", `^(ssh-(rsa|ed25519)) [A-Za-z0-9+/=]+`, "an RSA or ED25519 key in OpenSSH's form")
	l.length("keyName", 1, 255)
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
func limitBalancer(l look) {
	l.oneOf("loadBalancerType", "application")
	l.between("idleTimeout", 1, 4000)
	l.between("clientKeepAlive", 60, 604800)
	l.oneOf("desyncMitigationMode", "monitor", "defensive", "strictest")
	l.oneOf("xffHeaderProcessingMode", "append", "preserve", "remove")
	l.exclusive("subnets", "subnetMappings")
	l.count("subnets", 2, 100)
	if logs, given := l.object("accessLogs"); given {
		// The bucket's policy and the console speak of paths without slashes at their ends.
		logs.match("prefix", `^([^/].*[^/]|[^/])?$`, "without a slash at an end")
		if prefix, known := logs.text("prefix"); known && strings.Contains(prefix, "AWSLogs") {
			logs.refuse("prefix", "is %q: AWSLogs is added by AWS", prefix)
		}
	}
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html and
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
func limitTargetGroup(l look) {
	l.oneOf("protocol", "HTTP", "HTTPS")
	l.oneOf("targetType", "instance", "ip", "lambda", "alb")
	if kind, _ := l.text("targetType"); kind != "lambda" {
		l.required("port", "protocol", "vpcId")
	}
	l.between("port", 1, 65535)
	if v, known := l.number("deregistrationDelay"); known && (v < 0 || v > 3600) {
		l.refuse("deregistrationDelay", "is %v, and has to be 0 to 3600", v)
	}
	l.between("slowStart", 0, 900)
	l.oneOf("loadBalancingAlgorithmType", "round_robin", "least_outstanding_requests", "weighted_random")
	check, given := l.object("healthCheck")
	if !given {
		return
	}
	check.between("interval", 5, 300)
	check.between("timeout", 2, 120)
	check.between("healthyThreshold", 2, 10)
	check.between("unhealthyThreshold", 2, 10)
	check.length("path", 1, 1024)
	check.match("path", `^/`, "a path that begins with a slash")
	check.match("matcher", `^[0-9]{3}([,-][0-9]{3})*$`, "status codes such as 200 or 200-299")
	interval, one := check.number("interval")
	timeout, two := check.number("timeout")
	if one && two && timeout >= interval {
		check.refuse("timeout", "is %v: it has to be shorter than the interval, %v", timeout, interval)
	}
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
func limitListener(l look) {
	l.required("defaultActions", "port")
	l.between("port", 1, 65535)
	l.oneOf("protocol", "HTTP", "HTTPS")
	protocol, _ := l.text("protocol")
	if protocol == "HTTPS" {
		l.required("certificateArn", "sslPolicy")
	} else if protocol == "HTTP" && (l.given("certificateArn") || l.given("sslPolicy")) {
		l.refuse("protocol", "is HTTP, with which neither a certificate nor a TLS policy goes")
	}
	if protocol == "HTTP" && l.given("routingHttpResponseStrictTransportSecurityHeaderValue") {
		l.refuse("routingHttpResponseStrictTransportSecurityHeaderValue", "is for HTTPS listeners")
	}
	l.match("sslPolicy", `^ELBSecurityPolicy-`, "a policy of Elastic Load Balancing")
	for _, action := range l.objects("defaultActions") {
		action.oneOf("type", "forward", "redirect", "fixed-response", "authenticate-oidc", "authenticate-cognito")
		switch kind, _ := action.text("type"); kind {
		case "forward":
			action.exclusive("targetGroupArn", "forward")
			if !action.given("forward") {
				action.required("targetGroupArn")
			}
		case "redirect":
			redirect, given := action.object("redirect")
			if !given {
				action.required("redirect")
				break
			}
			redirect.oneOf("statusCode", "HTTP_301", "HTTP_302")
			redirect.oneOf("protocol", "HTTP", "HTTPS", "#{protocol}")
		}
	}
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html and
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceMaintenancePolicy.html
func limitGroup(l look) {
	least, one := l.number("minSize")
	most, two := l.number("maxSize")
	if one && two && least > most {
		l.refuse("minSize", "is %v, above maxSize, %v", least, most)
	}
	if want, three := l.number("desiredCapacity"); one && two && three && (want < least || want > most) {
		l.refuse("desiredCapacity", "is %v, and has to be minSize to maxSize, %v to %v", want, least, most)
	}
	l.exclusive("launchTemplate", "launchConfiguration", "mixedInstancesPolicy")
	l.exclusive("vpcZoneIdentifiers", "availabilityZones")
	l.oneOf("healthCheckType", "EC2", "ELB")
	if template, given := l.object("launchTemplate"); given {
		template.match("version", `^[1-9][0-9]*$`, "a number: with $Latest or $Default a new version would not be seen as a change")
		template.exclusive("id", "name")
	}
	if policy, given := l.object("instanceMaintenancePolicy"); given {
		least, most := -2.0, -2.0
		if v, known := policy.number("minHealthyPercentage"); known {
			least = v
		}
		if v, known := policy.number("maxHealthyPercentage"); known {
			most = v
		}
		switch {
		case least == -1 && most == -1, least == -2 || most == -2:
		case least < 0 || least > 100:
			policy.refuse("minHealthyPercentage", "is %v, and has to be 0 to 100", least)
		case most < 100 || most > 200:
			policy.refuse("maxHealthyPercentage", "is %v, and has to be 100 to 200", most)
		case most-least > 100:
			policy.refuse("maxHealthyPercentage", "exceeds minHealthyPercentage by more than 100")
		}
	}
	for _, hook := range l.objects("initialLifecycleHooks") {
		limitHook(hook)
	}
	for _, tag := range l.objects("tags") {
		name, _ := tag.text("key")
		value, _ := tag.text("value")
		checkTag(tag, "key", name, value)
	}
	metrics := map[string]bool{}
	for _, m := range []string{
		"GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances", "GroupStandbyInstances",
		"GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity", "GroupPendingCapacity", "GroupStandbyCapacity",
		"GroupTerminatingCapacity", "GroupTotalCapacity", "WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity",
		"WarmPoolTerminatingCapacity", "WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity",
	} {
		metrics[m] = true
	}
	for _, m := range l.texts("enabledMetrics") {
		if !metrics[m] {
			l.refuse("enabledMetrics", "has %q, which is no metric of groups", m)
		}
	}
	l.oneOf("metricsGranularity", "1Minute")
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html
func limitScalingPolicy(l look) {
	l.oneOf("policyType", "SimpleScaling", "StepScaling", "TargetTrackingScaling", "PredictiveScaling")
	target, given := l.object("targetTrackingConfiguration")
	if kind, _ := l.text("policyType"); kind == "TargetTrackingScaling" && !given {
		l.required("targetTrackingConfiguration")
	}
	if !given {
		return
	}
	if v, known := target.number("targetValue"); known && v <= 0 {
		target.refuse("targetValue", "is %v, and has to be above 0", v)
	}
	target.exclusive("predefinedMetricSpecification", "customizedMetricSpecification")
	if metric, given := target.object("predefinedMetricSpecification"); given {
		metric.oneOf("predefinedMetricType", "ASGAverageCPUUtilization", "ASGAverageNetworkIn", "ASGAverageNetworkOut", "ALBRequestCountPerTarget")
		kind, _ := metric.text("predefinedMetricType")
		if kind == "ALBRequestCountPerTarget" {
			metric.required("resourceLabel")
			metric.match("resourceLabel", `^app/[^/]+/[0-9a-f]+/targetgroup/[^/]+/[0-9a-f]+$`, "app/<load balancer>/<id>/targetgroup/<target group>/<id>")
		} else if metric.given("resourceLabel") {
			metric.refuse("resourceLabel", "goes with ALBRequestCountPerTarget only")
		}
		if v, known := target.number("targetValue"); known && kind == "ASGAverageCPUUtilization" && v > 100 {
			target.refuse("targetValue", "is %v percent", v)
		}
	}
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html
func limitHook(l look) {
	l.match("name", `^[A-Za-z0-9\-_/]{1,255}$`, "letters, digits, hyphens, underscores and slashes")
	l.between("heartbeatTimeout", 30, 7200)
	l.oneOf("defaultResult", "CONTINUE", "ABANDON")
	l.oneOf("lifecycleTransition", "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING")
	l.required("lifecycleTransition")
}
