package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"dossier.example/plan/internal/awsmodel"
)

// world is a cloud in the making.
type world struct {
	*Cloud
	t *testing.T
}

func urnOf(token, name string) resource.URN {
	return resource.NewURN("dev", "dossier", "", tokens.Type(token), name)
}

// try creates a resource.
func (w world) try(token, name string, inputs in) (Resource, error) {
	w.t.Helper()
	if _, _, err := w.create(urnOf(token, name), inputs.properties()); err != nil {
		return Resource{}, err
	}
	r, _ := w.Get(token, name)
	return r, nil
}

// add creates a resource that nothing is wrong with.
func (w world) add(token, name string, inputs in) Resource {
	w.t.Helper()
	r, err := w.try(token, name, inputs)
	if err != nil {
		w.t.Fatalf("creating %s %s: %v", token, name, err)
	}
	return r
}

func (r Resource) output(key string) string {
	return awsmodel.Text(r.Outputs[resource.PropertyKey(key)])
}

// a whole world, small: what is in it is named by type and name.
func wholeWorld(t *testing.T) (w world, at map[string]Resource) {
	t.Helper()
	w, at = world{NewCloud(), t}, map[string]Resource{}
	for _, service := range []string{"elasticloadbalancing.amazonaws.com", "autoscaling.amazonaws.com",
		"rds.amazonaws.com"} {
		w.MakeServiceRole(service)
	}
	add := func(key, token string, inputs in) Resource {
		t.Helper()
		at[key] = w.add(token, key, inputs)
		return at[key]
	}
	vpc := add("vpc", vpcType, in{"cidrBlock": "10.0.0.0/16"})
	other := add("other vpc", vpcType, in{"cidrBlock": "10.1.0.0/16"})
	gateway := add("gateway", gatewayType, in{"vpcId": vpc.ID})
	a := add("subnet a", subnetType, in{"vpcId": vpc.ID, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-east-1a"})
	b := add("subnet b", subnetType, in{"vpcId": vpc.ID, "cidrBlock": "10.0.1.0/24", "availabilityZone": "us-east-1b"})
	add("subnet a again", subnetType, in{"vpcId": vpc.ID, "cidrBlock": "10.0.2.0/24", "availabilityZone": "us-east-1a"})
	add("small subnet", subnetType, in{"vpcId": vpc.ID, "cidrBlock": "10.0.3.0/28", "availabilityZone": "us-east-1d"})
	add("other subnet", subnetType, in{"vpcId": other.ID, "cidrBlock": "10.1.0.0/24", "availabilityZone": "us-east-1b"})
	group := add("group", securityGroupType, in{"vpcId": vpc.ID, "name": "group"})
	peer := add("peer", securityGroupType, in{"vpcId": vpc.ID, "name": "peer"})
	add("other group", securityGroupType, in{"vpcId": other.ID, "name": "group"})
	add("rule", ingressType, in{"securityGroupId": group.ID, "ipProtocol": "tcp", "fromPort": 80, "toPort": 80,
		"referencedSecurityGroupId": peer.ID})
	table := add("table", routeTableType, in{"vpcId": vpc.ID})
	add("other table", routeTableType, in{"vpcId": other.ID})
	add("association", associationType, in{"subnetId": a.ID, "routeTableId": table.ID})
	add("route", routeType, in{"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.ID})
	eip := add("eip", eipType, in{"domain": "vpc"})
	add("free eip", eipType, in{"domain": "vpc"})
	add("nat", natType, in{"subnetId": a.ID, "allocationId": eip.ID})

	role := add("role", roleType, in{"name": "app", "assumeRolePolicy": policyOf(trust)})
	add("role policy", rolePolicyType, in{"name": "app", "role": role.ID, "policy": policyOf(identity)})
	profile := add("profile", profileType, in{"name": "app", "role": role.ID})
	add("empty profile", profileType, in{"name": "empty"})
	add("instance", instanceType, good[instanceType].with(in{
		"subnetId": b.ID, "vpcSecurityGroupIds": list(group.ID), "iamInstanceProfile": profile.ID,
		"associatePublicIpAddress": true,
	}))

	logs := add("logs", bucketType, in{"bucket": "logs"})
	add("delivery", bucketPolicyType, in{"bucket": logs.ID, "policy": policyOf(
		`{"Effect":"Allow","Principal":{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/lb/AWSLogs/123456789012/*"}`)})
	files := add("files", bucketType, in{"bucket": "files"})
	add("block of files", bucketBlockType, in{"bucket": files.ID, "blockPublicPolicy": true})
	add("versioning", bucketVersioningType, in{"bucket": files.ID, "versioningConfiguration": in{"status": "Enabled"}})
	add("object", bucketObjectType, in{"bucket": files.ID, "key": "releases/1", "content": "one"})

	scans := add("scan role", roleType, in{"name": "scan", "assumeRolePolicy": policyOf(scanTrust)})
	add("scan policy", rolePolicyType, in{"name": "scan", "role": scans.ID, "policy": policyOf(scanIdentity)})
	add("scan", malwarePlanType, good[malwarePlanType].with(in{"role": scans.output("arn")}))
	add("scan role without a policy", roleType, in{"name": "scan-2", "assumeRolePolicy": policyOf(scanTrust)})

	pool := add("pool", userPoolType, good[userPoolType].with(in{"deletionProtection": "INACTIVE"}))
	site := add("client", poolClientType, good[poolClientType].with(in{"userPoolId": pool.ID}))
	add("pool's domain", poolDomainType, in{"userPoolId": pool.ID, "domain": "example-files", "managedLoginVersion": 2})
	add("editors", poolGroupType, in{"userPoolId": pool.ID, "name": "editor"})
	add("style", cloudControlType, styleOf(pool.ID, site.ID))

	balancer := add("balancer", balancerType, in{
		"name": "site", "subnets": list(a.ID, b.ID), "securityGroups": list(group.ID),
		"accessLogs": in{"bucket": logs.ID, "prefix": "lb", "enabled": true},
	})
	targets := add("targets", targetGroupType, in{"name": "app", "vpcId": vpc.ID, "port": 8080, "protocol": "HTTP"})
	add("unused targets", targetGroupType, in{"name": "unused", "vpcId": vpc.ID, "port": 8080, "protocol": "HTTP"})
	add("other targets", targetGroupType, in{"name": "other", "vpcId": other.ID, "port": 8080, "protocol": "HTTP"})
	add("listener", listenerType, in{"loadBalancerArn": balancer.ID, "port": 80, "protocol": "HTTP",
		"defaultActions": list(in{"type": "forward", "targetGroupArn": targets.ID})})
	add("certificate", certificateType, in{"domainName": "files.example.org", "validationMethod": "DNS"})
	template := add("template", templateType, good[templateType].with(in{
		"name": "app", "iamInstanceProfile": in{"arn": profile.output("arn")},
		"networkInterfaces": list(in{"securityGroups": list(group.ID)}),
	}))
	add("app", groupType, in{
		"name": "app", "minSize": 1, "maxSize": 2, "launchTemplate": in{"id": template.ID, "version": "1"},
		"vpcZoneIdentifiers": list(a.ID, b.ID),
		"targetGroupArns":    list(targets.ID), "healthCheckType": "ELB",
	})
	add("log of errors", logGroupType, in{"name": "/aws/rds/instance/db/error"})
	subnets := add("subnets", subnetGroupType, in{"name": "db", "subnetIds": list(a.ID, b.ID)})
	parameters := add("parameters", parameterGroupType, in{"name": "db", "family": "mysql8.4"})
	add("database", databaseType, in{
		"identifier": "db", "engine": "mysql", "engineVersion": "8.4", "instanceClass": "db.t4g.micro",
		"dbSubnetGroupName": subnets.ID, "parameterGroupName": parameters.ID,
		"vpcSecurityGroupIds": list(peer.ID), "enabledCloudwatchLogsExports": list("error"), "skipFinalSnapshot": true,
	})
	topic := add("topic", topicType, in{"name": "alarms"})
	add("alarm", alarmType, good[alarmType].with(in{"name": "alarm", "alarmActions": list(topic.ID)}))
	return w, at
}

// TestPlace: what AWS refuses because of what else there is.
func TestPlace(t *testing.T) {
	w, at := wholeWorld(t)
	id := func(key string) string {
		r, has := at[key]
		if !has {
			t.Fatalf("there is no %s", key)
		}
		return r.ID
	}
	w.account.leftovers["/aws/rds/instance/gone/error"] = true
	tried := map[string]bool{}
	for _, c := range []struct {
		name, token string
		in          in
		want        string
	}{
		{"a log group that came back", logGroupType, in{"name": "/aws/rds/instance/gone/error"},
			"ResourceAlreadyExistsException"},
		{"a subnet outside its VPC", subnetType, in{"vpcId": id("vpc"), "cidrBlock": "10.9.0.0/24"},
			"InvalidSubnet.Range"},
		{"a subnet over another", subnetType, in{"vpcId": id("vpc"), "cidrBlock": "10.0.0.128/25"},
			"InvalidSubnet.Conflict"},
		{"a subnet of no VPC", subnetType, in{"vpcId": "vpc-0", "cidrBlock": "10.0.9.0/24"},
			`"vpc-0" does not exist, which vpcId names`},
		{"a table of another VPC", associationType, in{"subnetId": id("subnet b"), "routeTableId": id("other table")},
			"different VPCs"},
		{"a subnet with two tables", associationType, in{"subnetId": id("subnet a"), "routeTableId": id("table")},
			"AlreadyExists"},
		{"a route twice", routeType, in{"routeTableId": id("table"), "destinationCidrBlock": "0.0.0.0/0",
			"natGatewayId": id("nat")}, "AlreadyExists"},
		{"a route to another VPC's gateway", routeType,
			in{"routeTableId": id("other table"), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": id("gateway")},
			"different VPCs"},
		{"a route to another VPC's NAT", routeType,
			in{"routeTableId": id("other table"), "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": id("nat")},
			"different VPCs"},
		{
			"a route to an instance that drops", routeType,
			in{"routeTableId": id("table"), "destinationCidrBlock": "10.9.0.0/16",
				"networkInterfaceId": at["instance"].output("primaryNetworkInterfaceId")}, "sourceDestCheck is on",
		},
		{"an address for two", natType, in{"subnetId": id("subnet b"), "allocationId": id("eip")},
			"Resource.AlreadyAssociated"},
		{"a NAT without a gateway", natType, in{"subnetId": id("other subnet"), "allocationId": id("free eip")},
			"Gateway.NotAttached"},
		{"an address that is taken", eipAssociationType, in{"instanceId": id("instance"), "allocationId": id("eip")},
			"Resource.AlreadyAssociated"},
		{"an endpoint with another VPC's table", endpointType,
			in{"vpcId": id("vpc"), "serviceName": "com.amazonaws.us-east-1.s3",
				"routeTableIds": list(id("other table"))}, "is not in"},
		{
			"a rule twice", ingressType,
			in{"securityGroupId": id("group"), "ipProtocol": "tcp", "fromPort": 80, "toPort": 80,
				"referencedSecurityGroupId": id("peer")}, "InvalidPermission.Duplicate",
		},
		{"a rule across VPCs", egressType, in{"securityGroupId": id("group"), "ipProtocol": "tcp", "fromPort": 1,
			"toPort": 1, "referencedSecurityGroupId": id("other group")}, "not, as the others"},
		{"two groups of one name", securityGroupType, in{"vpcId": id("vpc"), "name": "group"}, "AlreadyExists"},
		{"an instance with another VPC's group", instanceType,
			good[instanceType].with(in{"subnetId": id("subnet a"), "vpcSecurityGroupIds": list(id("other group"))}),
			"InvalidParameter"},
		{"a profile without a role", instanceType,
			good[instanceType].with(in{"subnetId": id("subnet a"), "iamInstanceProfile": id("empty profile")}),
			"has no role"},
		{"a template with groups of two VPCs", templateType,
			in{"name": "two", "networkInterfaces": list(in{"securityGroups": list(id("group"), id("other group"))})},
			"not, as the others"},
		{"a load balancer in one zone", balancerType,
			in{"name": "a", "subnets": list(id("subnet a"), id("subnet a again"))}, "are both in us-east-1a"},
		{"a load balancer in two VPCs", balancerType,
			in{"name": "a", "subnets": list(id("subnet a"), id("other subnet"))}, "not, as the others"},
		{"a load balancer without a gateway", balancerType, in{"name": "a", "subnets": list(id("other subnet"))},
			"has no internet gateway"},
		{
			"a load balancer that may not log", balancerType,
			in{"name": "a", "subnets": list(id("subnet a"), id("subnet b")),
				"accessLogs": in{"bucket": id("logs"), "prefix": "elsewhere", "enabled": true}},
			"Access Denied for bucket",
		},
		{"two listeners on a port", listenerType,
			in{"loadBalancerArn": id("balancer"), "port": 80,
				"defaultActions": list(in{"type": "forward", "targetGroupArn": id("targets")})}, "AlreadyExists"},
		{"a listener to another VPC", listenerType,
			in{"loadBalancerArn": id("balancer"), "port": 81,
				"defaultActions": list(in{"type": "forward", "targetGroupArn": id("other targets")})},
			"not in the load balancer's VPC"},
		{
			"a certificate that is not valid", listenerType,
			in{"loadBalancerArn": id("balancer"), "port": 443, "certificateArn": id("certificate"),
				"defaultActions": list(in{"type": "forward", "targetGroupArn": id("targets")})},
			"UnsupportedCertificate",
		},
		{"a version that is not there", groupType,
			in{"name": "b", "launchTemplate": in{"id": id("template"), "version": "2"},
				"vpcZoneIdentifiers": list(id("subnet a"))}, "has no version"},
		{"a group in another VPC than its instances' groups", groupType,
			in{"name": "b", "launchTemplate": in{"id": id("template"), "version": "1"},
				"vpcZoneIdentifiers": list(id("other subnet"))}, "not, as the others"},
		{
			"a group of targets that nothing forwards to", groupType,
			in{
				"name": "b", "launchTemplate": in{"id": id("template"), "version": "1"},
				"vpcZoneIdentifiers": list(id("subnet a")), "healthCheckType": "ELB",
				"targetGroupArns": list(id("unused targets")),
			}, "has no listener",
		},
		{"a group of another VPC's targets", groupType,
			in{"name": "b", "launchTemplate": in{"id": id("template"), "version": "1"},
				"vpcZoneIdentifiers": list(id("subnet a")), "targetGroupArns": list(id("other targets"))}, "is not in"},
		{
			"scaling by requests to others", scalingPolicyType,
			in{"autoscalingGroupName": "app", "name": "p",
				"targetTrackingConfiguration": in{"predefinedMetricSpecification": in{
					"resourceLabel": at["balancer"].output("arnSuffix") + "/" +
						at["unused targets"].output("arnSuffix"),
				}}}, "is not a target group of app",
		},
		{
			"scaling by requests to nothing", scalingPolicyType,
			in{"autoscalingGroupName": "app", "name": "p",
				"targetTrackingConfiguration": in{"predefinedMetricSpecification": in{
					"resourceLabel": "app/x/0/targetgroup/y/0",
				}}}, "names no load balancer and target group",
		},
		{"a database in one zone", subnetGroupType,
			in{"name": "one", "subnetIds": list(id("subnet a"), id("subnet a again"))},
			"DBSubnetGroupDoesNotCoverEnoughAZs"},
		{"a database with another VPC's group", databaseType,
			in{"identifier": "x", "dbSubnetGroupName": id("subnets"), "vpcSecurityGroupIds": list(id("other group"))},
			"InvalidParameterCombination"},
		{"a database with another version's parameters", databaseType,
			in{"identifier": "x", "engine": "mysql", "engineVersion": "8.0", "dbSubnetGroupName": id("subnets"),
				"parameterGroupName": id("parameters")}, "InvalidParameterCombination"},
		{"a database whose logs would be kept for ever", databaseType,
			in{"identifier": "x", "dbSubnetGroupName": id("subnets"), "enabledCloudwatchLogsExports": list("error")},
			"it has to be there before"},
		{"a database of a name that is taken", databaseType, in{"identifier": "db", "dbSubnetGroupName": id("subnets")},
			"AlreadyExists"},
		{"a bucket's policy of another bucket", bucketPolicyType,
			in{"bucket": id("files"), "policy": policyOf(strings.ReplaceAll(onBucket, ":files", ":logs"))},
			"MalformedPolicy"},
		{
			"a public bucket", bucketPolicyType,
			in{"bucket": id("files"),
				"policy": policyOf(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject",` +
					`"Resource":"arn:aws:s3:::files/*"}`)}, "AccessDenied",
		},
		{"a scan by a role of others", malwarePlanType, good[malwarePlanType].with(in{"role": at["role"].output("arn")}),
			"does not trust malware-protection-plan.guardduty.amazonaws.com"},
		{
			"a scan by a role that may nothing", malwarePlanType,
			good[malwarePlanType].with(in{"role": at["scan role without a policy"].output("arn")}),
			"does not have the required permissions: s3:ListBucket on arn:aws:s3:::files",
		},
		{"a scan of another bucket than its role's", malwarePlanType, good[malwarePlanType].with(in{
			"role": at["scan role"].output("arn"), "protectedResource": in{"s3Bucket": in{"bucketName": id("logs")}},
		}), "s3:ListBucket on arn:aws:s3:::logs"},
		{"a second domain of a pool", poolDomainType, in{"userPoolId": id("pool"), "domain": "more-files"},
			"has the domain example-files already"},
		{"a domain that another pool has", poolDomainType, in{"userPoolId": id("pool"), "domain": "example-files"},
			"AlreadyExists"},
		{"a client of no pool", poolClientType, good[poolClientType], "does not exist, which userPoolId names"},
		{"a second style of a client", cloudControlType, styleOf(id("pool"), id("client")), "has a style already"},
		{"a style of no client", cloudControlType, styleOf(id("pool"), "nobody"), "nobody does not exist"},
		{"policies that are too long together", rolePolicyType,
			in{"name": "b", "role": "app",
				"policy": policyOf(strings.Replace(identity, "files", strings.Repeat("f", inlinePolicyChars-200), 1))},
			"LimitExceeded"},
		{"a certificate without its record", validationType, in{"certificateArn": id("certificate")},
			"stays PENDING_VALIDATION"},
		{"an alarm to nobody", alarmType,
			in{"name": "b", "alarmActions": list("arn:aws:sns:us-east-1:123456789012:nobody")},
			"does not exist, which alarmActions[] names"},
		{"an alarm on nothing", alarmType, in{"name": "b", "dimensions": in{"TableName": "nothing"}},
			"does not exist, which dimensions.TableName names"},
		{"a role of a name that is taken", roleType, in{"name": "app"}, "AlreadyExists"},
	} {
		tried[c.token] = true
		before := len(w.Resources())
		_, err := w.try(c.token, "new "+c.name, c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got the error %v, want %q", c.name, err, c.want)
		}
		if after := len(w.Resources()); after != before {
			t.Errorf("%s: it is there although it was refused", c.name)
		}
	}
	tried[userPoolType] = true // TestPagesNeedTheirPlan
	for token := range places {
		if !tried[token] {
			t.Errorf("no case breaks what %s has to keep", token)
		}
	}

	// With its record, the certificate can be validated and used.
	option := (look{in: at["certificate"].Outputs}).objects("domainValidationOptions")[0]
	w.add(recordType, "proof", in{
		"zoneId": "Z1", "name": option.textOr("resourceRecordName"), "type": "CNAME", "ttl": 300,
		"records": list(option.textOr("resourceRecordValue")),
	})
	w.add(validationType, "valid", in{"certificateArn": id("certificate")})
	w.add(listenerType, "https", in{
		"loadBalancerArn": id("balancer"), "port": 443, "certificateArn": id("certificate"),
		"defaultActions": list(in{"type": "forward", "targetGroupArn": id("targets")}),
	})
}

func TestSmallSubnet(t *testing.T) {
	w, at := wholeWorld(t)
	subnets := list(at["subnet a"].ID, at["small subnet"].ID)
	w.add(balancerType, "fits", in{"name": "fits", "subnets": subnets})
	for i := range 4 {
		w.add(instanceType, fmt.Sprint("neighbour ", i), good[instanceType].with(in{"subnetId": at["small subnet"].ID}))
	}
	if _, err := w.try(balancerType, "full", in{"name": "full", "subnets": subnets}); err == nil ||
		!strings.Contains(err.Error(), "7 addresses are free") {
		t.Errorf("a load balancer in a subnet with seven free addresses: %v", err)
	}
}

// TestDelete: what AWS does not let go while it is in use, and that everything goes in the order in which it came,
// turned around.
func TestDelete(t *testing.T) {
	w, at := wholeWorld(t)
	for _, key := range []string{
		"vpc", "subnet a", "subnet b", "group", "peer", "gateway", "table", "eip", "role", "profile", "template",
		"targets", "subnets", "parameters", "topic", "scan role",
	} {
		r := at[key]
		err := w.delete(resource.URN(r.URN), r.ID, 0)
		if err == nil || !strings.Contains(err.Error(), "DependencyViolation") {
			t.Errorf("%s: got the error %v, want DependencyViolation", key, err)
		}
	}
	for token := range references {
		hard := slices.ContainsFunc(references[token], func(ref reference) bool { return !ref.soft })
		if hard && kinds[token].imaginary {
			t.Errorf("%s is nothing in AWS, so nothing can be in use by it", token)
		}
	}
	all := w.Resources()
	var errs []error
	for _, r := range slices.Backward(all) {
		if r.Token == bucketType {
			continue
		}
		errs = append(errs, w.delete(resource.URN(r.URN), r.ID, 0))
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	// The load balancer has written to the one, somebody to the other: of what the resource of an object wrote, nothing
	// is left.
	if _, found := w.Object(at["files"].ID, "releases/1"); found {
		t.Error("an object is there although its resource was deleted")
	}
	w.Put(at["files"].ID, "files/person/file")
	for _, key := range []string{"logs", "files"} {
		r := at[key]
		if err := w.delete(resource.URN(r.URN), r.ID, 0); err == nil ||
			!strings.Contains(err.Error(), "BucketNotEmpty") {
			t.Errorf("the bucket %s: got the error %v, want BucketNotEmpty", key, err)
		}
		before := r.Inputs
		if _, err := w.update(resource.URN(r.URN), r.ID, before,
			in{"bucket": key, "forceDestroy": true}.properties()); err != nil {
			t.Fatal(err)
		}
		if err := w.delete(resource.URN(r.URN), r.ID, 0); err != nil {
			t.Error(err)
		}
	}
	if left := w.Resources(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// styleOf are the inputs of how the pages of a client look.
func styleOf(pool, client string) in {
	return in{"typeName": "AWS::Cognito::ManagedLoginBranding",
		"desiredState": fmt.Sprintf(`{"UserPoolId":%q,"ClientId":%q,"UseCognitoProvidedValues":true}`, pool, client)}
}

// TestPagesNeedTheirPlan: the plan of a pool that has managed login is not lowered, and managed login is not turned on
// in a plan that lacks it.
func TestPagesNeedTheirPlan(t *testing.T) {
	w, at := wholeWorld(t)
	pool := at["pool"]
	lite := pool.Inputs.Copy()
	lite["userPoolTier"] = resource.NewProperty("LITE")
	if _, err := w.update(resource.URN(pool.URN), pool.ID, pool.Inputs, lite); err == nil ||
		!strings.Contains(err.Error(), "FeatureUnavailableInTierException") {
		t.Errorf("a pool with managed login becomes LITE: %v", err)
	}
	domain := at["pool's domain"]
	classic := domain.Inputs.Copy()
	classic["managedLoginVersion"] = resource.NewProperty(1.0)
	if _, err := w.update(resource.URN(domain.URN), domain.ID, domain.Inputs, classic); err != nil {
		t.Fatal(err)
	}
	if _, err := w.update(resource.URN(pool.URN), pool.ID, pool.Inputs, lite); err != nil {
		t.Fatal(err)
	}
	if _, err := w.update(resource.URN(domain.URN), domain.ID, classic, domain.Inputs); err == nil ||
		!strings.Contains(err.Error(), "FeatureUnavailableInTierException") {
		t.Errorf("managed login in a pool that is LITE: %v", err)
	}
}

func TestDeletionProtection(t *testing.T) {
	w, at := wholeWorld(t)
	for _, c := range []struct {
		key    string
		inputs in
		want   string
	}{
		{"database", in{"deletionProtection": true}, "deletion protection of db is on"},
		{"database", in{"skipFinalSnapshot": false}, "finalSnapshotIdentifier is required"},
		{"balancer", in{"enableDeletionProtection": true}, "OperationNotPermitted"},
	} {
		r := at[c.key]
		inputs := r.Inputs.Copy()
		for key, v := range c.inputs {
			inputs[resource.PropertyKey(key)] = resource.NewPropertyValue(v)
		}
		if _, err := w.update(resource.URN(r.URN), r.ID, r.Inputs, inputs); err != nil {
			t.Fatal(err)
		}
		if c.key == "balancer" {
			listener := at["listener"]
			if err := w.delete(resource.URN(at["app"].URN), at["app"].ID, 0); err != nil {
				t.Fatal(err)
			}
			if err := w.delete(resource.URN(listener.URN), listener.ID, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.delete(resource.URN(r.URN), r.ID, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: got the error %v, want %q", c.key, c.inputs, err, c.want)
		}
		if _, err := w.update(resource.URN(r.URN), r.ID, inputs, r.Inputs); err != nil {
			t.Fatal(err)
		}
	}
	users := w.add(userPoolType, "users", good[userPoolType].with(in{"name": "users"}))
	if err := w.delete(resource.URN(users.URN), users.ID, 0); err == nil ||
		!strings.Contains(err.Error(), "deletion protection is activated") {
		t.Errorf("a protected user pool: %v", err)
	}
	table := w.add(tableType, "table", good[tableType].with(in{"name": "files", "deletionProtectionEnabled": true}))
	if err := w.delete(resource.URN(table.URN), table.ID, 0); err == nil ||
		!strings.Contains(err.Error(), "ValidationException") {
		t.Errorf("a protected table: %v", err)
	}
}

// TestGatewayWaitsForAddresses: AWS does not detach a gateway while there are public addresses.
func TestGatewayWaitsForAddresses(t *testing.T) {
	for _, kind := range []string{"nat", "instance", "balancer"} {
		w, at := wholeWorld(t)
		for _, r := range slices.Backward(w.Resources()) {
			public := r.Token == natType || r.Token == instanceType || r.Token == balancerType
			if r.Token == gatewayType || r.Token == vpcType || r.Token == subnetType || r.ID == at[kind].ID ||
				!public && r.Token != listenerType && r.Token != groupType {
				continue
			}
			if err := w.delete(resource.URN(r.URN), r.ID, 0); err != nil {
				t.Fatal(err)
			}
		}
		gateway := at["gateway"]
		if err := w.delete(resource.URN(gateway.URN), gateway.ID, 0); err == nil ||
			!strings.Contains(err.Error(), "mapped public addresses") {
			t.Errorf("%s: got the error %v, want mapped public addresses", kind, err)
		}
	}
}

func TestUpdate(t *testing.T) {
	w, at := wholeWorld(t)
	template := at["template"]
	change := func(r Resource, olds, news in) resource.PropertyMap {
		t.Helper()
		outputs, err := w.update(resource.URN(r.URN), r.ID, olds.properties(), news.properties())
		if err != nil {
			t.Fatal(err)
		}
		return outputs
	}
	was := in(template.Inputs.Mappable())
	tagged := was.with(in{"tags": in{"a": "b"}})
	if v := change(template, was, tagged)["latestVersion"].NumberValue(); v != 1 {
		t.Errorf("tags made version %v", v)
	}
	larger := tagged.with(in{"instanceType": "t4g.small"})
	if v := change(template, tagged, larger)["latestVersion"].NumberValue(); v != 2 {
		t.Errorf("another instance type made version %v, want 2", v)
	}
	parameter := w.add(parameterType, "p", in{"name": "/p", "type": "String", "value": "a"})
	if v := change(parameter, in{"name": "/p", "type": "String", "value": "a"},
		in{"name": "/p", "type": "String", "value": "b"})["version"].NumberValue(); v != 2 {
		t.Errorf("another value made version %v, want 2", v)
	}

	// What somebody else changed stays when something else is changed.
	if err := w.Change(groupType, "app", "launchTemplate",
		map[string]any{"id": template.ID, "version": "2"}); err != nil {
		t.Fatal(err)
	}
	group := in(at["app"].Inputs.Mappable())
	outputs := change(at["app"], group, group.with(in{"maxSize": 3}))
	if version := outputs["launchTemplate"].ObjectValue()["version"].StringValue(); version != "2" {
		t.Errorf("the group's version is %s after another change, want 2", version)
	}
	if outputs["maxSize"].NumberValue() != 3 {
		t.Errorf("the group's largest size is %v, want 3", outputs["maxSize"])
	}
	// An id that changes tells of a hole in the table of what needs another resource.
	if _, err := w.update(resource.URN(at["topic"].URN), at["topic"].ID, in{"name": "alarms"}.properties(),
		in{"name": "else"}.properties()); err == nil {
		t.Error("a topic was renamed in place")
	}
}

func TestReplacementHasOtherIDs(t *testing.T) {
	w := world{NewCloud(), t}
	first := w.add(vpcType, "vpc", in{"cidrBlock": "10.0.0.0/16"})
	second := w.add(vpcType, "vpc", in{"cidrBlock": "10.1.0.0/16"})
	if first.ID == second.ID {
		t.Errorf("both are %s", first.ID)
	}
	password := w.add(passwordType, "p", in{"length": 20})
	again := w.add(passwordType, "p", in{"length": 20})
	if password.output("result") == again.output("result") {
		t.Error("a replaced password is the same")
	}
	// Both have the id "none": the first to go is the one that was replaced.
	if err := w.delete(resource.URN(password.URN), password.ID, 0); err != nil {
		t.Fatal(err)
	}
	if left, _ := w.Get(passwordType, "p"); left.output("result") != again.output("result") {
		t.Error("the new password went instead of the old")
	}
}

func TestFault(t *testing.T) {
	w := world{NewCloud(), t}
	w.Fail(Fault{Operation: Create, Token: vpcType, Name: "vpc", Nth: 2})
	w.Fail(Fault{Operation: Delete, Token: vpcType, Name: "vpc", After: true})
	first := w.add(vpcType, "vpc", in{"cidrBlock": "10.0.0.0/16"})
	if _, err := w.try(vpcType, "vpc", in{"cidrBlock": "10.0.0.0/16"}); err == nil || len(w.Resources()) != 1 {
		t.Errorf("the second creation: %v, %d resources", err, len(w.Resources()))
	}
	w.add(vpcType, "vpc", in{"cidrBlock": "10.0.0.0/16"})
	if err := w.delete(resource.URN(first.URN), first.ID, 0); err == nil || len(w.Resources()) != 1 {
		t.Errorf("a deletion that says that it failed, but did not: %v, %d resources", err, len(w.Resources()))
	}
	if err := w.delete(resource.URN(first.URN), first.ID, 0); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}

	w.Fail(Fault{Operation: Create, Token: topicType, Name: "topic", After: true})
	_, err := w.try(topicType, "topic", in{"name": "topic"})
	var there *partial
	if !errors.As(err, &there) || there.id == "" || there.outputs["arn"].IsNull() {
		t.Errorf("a creation whose wait ran out should tell what there is: %v", err)
	}
}

func TestDiffer(t *testing.T) {
	unknown := resource.MakeComputed(resource.NewProperty(""))
	for _, c := range []struct {
		name, token string
		olds, news  in
		diffs       []string
		replaces    []string
		before      bool
	}{
		{name: "nothing", token: vpcType, olds: in{"cidrBlock": "a", "__defaults": list()}, news: in{"cidrBlock": "a"}},
		{name: "in place", token: vpcType, olds: in{"tags": in{"a": "b"}}, news: in{"tags": in{"a": "c"}},
			diffs: []string{"tags"}},
		{name: "by another", token: subnetType, olds: in{"vpcId": "a"}, news: in{"vpcId": "b"},
			diffs: []string{"vpcId"}, replaces: []string{"vpcId"}},
		{
			name: "within an object", token: instanceType,
			olds: in{"rootBlockDevice": in{"encrypted": false, "volumeSize": 8}},
			news: in{"rootBlockDevice": in{"encrypted": true, "volumeSize": 8}}, diffs: []string{"rootBlockDevice"},
			replaces: []string{"rootBlockDevice.encrypted"},
		},
		{name: "beside it", token: instanceType, olds: in{"rootBlockDevice": in{"volumeSize": 8}},
			news: in{"rootBlockDevice": in{"volumeSize": 9}}, diffs: []string{"rootBlockDevice"}},
		{name: "user-data", token: instanceType, olds: in{"userData": "a"}, news: in{"userData": "b"},
			diffs: []string{"userData"}},
		{
			name: "user-data that replaces", token: instanceType,
			olds: in{"userData": "a", "userDataReplaceOnChange": true},
			news: in{"userData": "b", "userDataReplaceOnChange": true}, diffs: []string{"userData"},
			replaces: []string{"userData"},
		},
		{name: "what is not known", token: localCommandType, olds: in{"triggers": list("1")},
			news: in{"triggers": list(unknown)}, diffs: []string{"triggers"}, replaces: []string{"triggers[0]"}},
		{name: "a command's text", token: localCommandType, olds: in{"create": "a"}, news: in{"create": "b"},
			diffs: []string{"create"}},
		{
			name: "a name of the program's", token: roleType, olds: in{"name": "a", "path": "/a/"},
			news:  in{"name": "a", "path": "/b/"},
			diffs: []string{"path"}, replaces: []string{"path"}, before: true,
		},
		{
			name: "a name of the provider's", token: roleType, olds: in{"name": "a", "path": "/a/"},
			news:  in{"name": "a", "path": "/b/", "__defaults": list("name")},
			diffs: []string{"path"}, replaces: []string{"path"},
		},
		{name: "all of a password", token: passwordType, olds: in{"keepers": in{"a": "1"}},
			news: in{"keepers": in{"a": "2"}}, diffs: []string{"keepers"}, replaces: []string{"keepers.a"}},
	} {
		got := differ(kinds[c.token], c.token, c.olds.properties(), c.news.properties())
		if !slices.Equal(got.GetDiffs(), c.diffs) || !slices.Equal(got.GetReplaces(), c.replaces) ||
			got.GetDeleteBeforeReplace() != c.before {
			t.Errorf("%s: %v, replaced by %v, deleted before %v; want %v, %v, %v", c.name, got.GetDiffs(),
				got.GetReplaces(), got.GetDeleteBeforeReplace(), c.diffs, c.replaces, c.before)
		}
	}
}

func TestForesee(t *testing.T) {
	w := world{NewCloud(), t}
	outputs := w.foresee(urnOf(balancerType, "site"), in{"name": "site"}.properties())
	if !outputs["dnsName"].IsComputed() || outputs["name"].StringValue() != "site" {
		t.Errorf("of a new load balancer its name is known and nothing that AWS adds: %v", outputs)
	}
	olds := in{"name": "app", "instanceType": "t4g.micro", "imageId": "ami-1"}
	was := in{"name": "app", "instanceType": "t4g.micro", "imageId": "ami-1", "latestVersion": 3, "arn": "arn"}
	outputs = foresee(templateType, olds.properties(), was.properties(),
		olds.with(in{"instanceType": "t4g.small", "imageId": nil}).properties())
	if !outputs["latestVersion"].IsComputed() || outputs["arn"].StringValue() != "arn" ||
		outputs["instanceType"].StringValue() != "t4g.small" || !outputs["imageId"].IsNull() {
		t.Errorf("of a changed template its next version is not known: %v", outputs)
	}
	outputs = foresee(templateType, olds.properties(), was.properties(),
		olds.with(in{"tags": in{"a": "b"}}).properties())
	if outputs["latestVersion"].NumberValue() != 3 {
		t.Errorf("tags make no version: %v", outputs["latestVersion"])
	}
}

func TestCommand(t *testing.T) {
	w := world{NewCloud(), t}
	w.Run(func(c Command) (string, error) {
		if c.Stdin == "bad" {
			return "", errors.New("exit status 1")
		}
		return "printed by " + c.Script, nil
	})
	first := w.add(localCommandType, "c",
		in{"create": "make", "update": "mend", "stdin": "x", "environment": in{"A": "1"}})
	if first.output("stdout") != "printed by make" {
		t.Errorf("stdout is %q", first.output("stdout"))
	}
	outputs, err := w.update(resource.URN(first.URN), first.ID, first.Inputs,
		in{"create": "make", "update": "mend", "stdin": "y"}.properties())
	if err != nil || outputs["stdout"].StringValue() != "printed by mend" {
		t.Errorf("the update printed %v: %v", outputs["stdout"], err)
	}
	if _, err := w.try(localCommandType, "d", in{"create": "make", "stdin": "bad"}); err == nil ||
		!strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("a command that fails: %v", err)
	}
	if _, there := w.Get(localCommandType, "d"); there {
		t.Error("a command that failed is there")
	}
	commands := w.Commands()
	if len(commands) != 2 || commands[0].Script != "make" || commands[0].Environment["A"] != "1" ||
		commands[1].Script != "mend" {
		t.Errorf("the commands were %+v", commands)
	}
}
