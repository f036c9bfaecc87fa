package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"dossier.example/plan"
	"dossier.example/plan/servicespec"
)

// What is tested here is the program against what AWS publishes of its resources for CloudFormation. Nobody who works
// on this repository wrote that. Where the two differ, a table says who is right, and why; the Terraform provider, on
// which Pulumi's is built, stands at https://github.com/hashicorp/terraform-provider-aws.

// TestServiceSpec holds every input of every resource against the properties that CloudFormation has, as far as names
// map.
func TestServiceSpec(t *testing.T) {
	t.Parallel()
	spec := servicespec.Load(t)
	agreed := map[string]string{
		`aws:ssm/parameter:Parameter type: "SecureString" is none of [String StringList]`: "CloudFormation creates no " +
			"secure strings, so that no template holds a secret; the API has them " +
			"(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html)",
	}
	seen := map[string]bool{}
	compared := 0
	eachRecorded(t, func(t *testing.T, e documented) {
		report := spec.Check(e.graph)
		t.Logf("%s %s of %d types: inputs: %s; values: %s", "@aws-cdk/aws-service-spec", spec.Version, spec.Resources,
			report.Inputs, report.Values)
		for _, finding := range report.Findings {
			if seen[finding] = true; agreed[finding] == "" {
				t.Errorf("%s", finding)
			}
		}
		// What the program asks for grows; what is looked at has to grow with it.
		if report.Inputs.Percent() < 98 || report.Values.Percent() < 98 {
			t.Errorf("too few are compared; mappings in plan/servicespec lacks names")
		}
		if absent := 100 * report.Inputs.Absent / report.Inputs.All(); absent > 8 {
			t.Errorf("CloudFormation is said to lack %d %% of the inputs", absent)
		}
		compared += report.Inputs.Compared
	})
	if compared < 2200 {
		t.Errorf("%d inputs of all stacks were compared, want 2200 at least", compared)
	}
	stale(t, agreed, seen)
}

// TestServiceSpecReplacements holds what plans say a change replaces against what CloudFormation says. "Maybe" agrees
// with both.
func TestServiceSpecReplacements(t *testing.T) {
	t.Parallel()
	spec := servicespec.Load(t)
	const (
		inPlaceRule = "in place by ModifySecurityGroupRules: internal/service/ec2/vpc_security_group_ingress_rule.go"
		dividedList = "CloudFormation has a list in one resource that Terraform divides into resources"
	)
	const unchangeable = "CloudFormation fails on the change, which no pool takes " +
		"(https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-updating.html); " +
		"internal/service/cognitoidp/user_pool.go"
	agreed := map[string]string{
		"aws:cloudwatch/eventTarget:EventTarget targetId: plans replace": dividedList +
			": internal/service/events/target.go, target_id",
		"aws:cloudwatch/logGroup:LogGroup logGroupClass: plans replace": "CloudFormation refuses the change; " +
			"internal/service/logs/group.go, log_group_class",
		"aws:dynamodb/table:Table localSecondaryIndexes: plans replace": "DynamoDB cannot change them " +
			"(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html); " +
			"internal/service/dynamodb/table.go",
		"aws:ec2/eip:Eip publicIpv4Pool: plans replace": "an address stays in its pool; " +
			"internal/service/ec2/ec2_eip.go, public_ipv4_pool",
		"aws:ec2/natGateway:NatGateway secondaryPrivateIpAddressCount: plans replace": "CloudFormation assigns and " +
			"unassigns addresses; internal/service/ec2/vpc_nat_gateway.go does not",
		"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan protectedResource.s3Bucket.bucketName: " +
			"plans replace": "an update takes prefixes only " +
			"(https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateS3BucketResource.html); " +
			"internal/service/guardduty/malware_protection_plan.go, bucket_name",
		"aws:cognito/userPool:UserPool aliasAttributes: plans replace":                     unchangeable,
		"aws:cognito/userPool:UserPool usernameAttributes: plans replace":                  unchangeable,
		"aws:cognito/userPool:UserPool usernameConfiguration.caseSensitive: plans replace": unchangeable,
		"aws:cognito/userPool:UserPool name: plans replace": "CloudFormation renames a pool; " +
			"internal/service/cognitoidp/user_pool.go, name",
		"aws:ssm/parameter:Parameter dataType: plans replace": "CloudFormation writes another version; " +
			"internal/service/ssm/parameter.go, data_type",
		"aws:autoscaling/lifecycleHook:LifecycleHook autoscalingGroupName: CloudFormation replaces": "the provider " +
			"puts the hook to the other group: internal/service/autoscaling/lifecycle_hook.go",
		"aws:s3/bucketV2:BucketV2 objectLockConfiguration.objectLockEnabled: plans replace": "CloudFormation " +
			"replaces for ObjectLockEnabled beside it; internal/service/s3/bucket.go, object_lock_enabled",
		"aws:sns/topicPolicy:TopicPolicy arn: plans replace": dividedList +
			": internal/service/sns/topic_policy.go, arn",

		"aws:ec2/internetGateway:InternetGateway vpcId: CloudFormation replaces": "CloudFormation replaces the " +
			"attachment, a resource of its own; internal/service/ec2/vpc_internet_gateway.go detaches and attaches",
		"aws:ec2/routeTableAssociation:RouteTableAssociation routeTableId: CloudFormation replaces": "in place by " +
			"ReplaceRouteTableAssociation: internal/service/ec2/vpc_route_table_association.go",
		"aws:rds/instance:Instance dbSubnetGroupName: CloudFormation replaces": "in place by ModifyDBInstance, " +
			"which moves an instance to another VPC: internal/service/rds/instance.go",
		"aws:rds/instance:Instance identifier: CloudFormation replaces": "in place by ModifyDBInstance, " +
			"NewDBInstanceIdentifier: internal/service/rds/instance.go",
	}
	for _, name := range []string{"Ingress", "Egress"} {
		for _, input := range []string{"cidrIpv4", "fromPort", "ipProtocol", "referencedSecurityGroupId", "toPort"} {
			agreed[fmt.Sprintf("aws:vpc/securityGroup%sRule:SecurityGroup%sRule %s: CloudFormation replaces", name,
				name, input)] = inPlaceRule
		}
	}

	for _, input := range []string{"", ".defaultResult", ".heartbeatTimeout", ".lifecycleTransition", ".name"} {
		agreed["aws:autoscaling/group:Group initialLifecycleHooks"+input+": plans replace"] = "they are put to the group " +
			"when it is made: internal/service/autoscaling/group.go, initial_lifecycle_hook"
	}

	seen := map[string]bool{}
	differs := func(token, input, who string) {
		point := token + " " + input + ": " + who
		if seen[point] = true; agreed[point] == "" {
			t.Error(point)
		}
	}
	same, maybe, unknown := 0, 0, 0
	given := givenInputs(t)
	for token, inputs := range given {
		ours, known := plan.Replacements(token)
		if !known {
			t.Errorf("plans know nothing of %s", token)
			continue
		}
		all := slices.Contains(ours, "*")
		for _, name := range ours {
			if name != "*" {
				inputs[name] = true
			}
		}
		for input := range inputs {
			replaced := all || slices.ContainsFunc(ours, func(name string) bool {
				return name == input || strings.HasPrefix(input, name+".")
			})
			theirs, has := spec.Replaces(token, input)
			switch {
			case !has:
				unknown++
			case theirs == "maybe":
				maybe++
			case replaced && theirs == "":
				differs(token, input, "plans replace")
			case !replaced && theirs == "yes":
				differs(token, input, "CloudFormation replaces")
			default:
				same++
			}
		}
	}
	t.Logf("of the inputs of %d types, given or replacing, %d agree, %d differ, %d depend on the change, and "+
		"CloudFormation lacks %d",
		len(given), same, len(seen), maybe, unknown)
	if same < 300 {
		t.Errorf("plans and CloudFormation agree on %d inputs, want 300 at least: what has become of the rest?", same)
	}
	stale(t, agreed, seen)
}

// givenInputs are the inputs of the AWS provider's types that any stack gives.
func givenInputs(t *testing.T) map[string]map[string]bool {
	t.Helper()
	given := map[string]map[string]bool{}
	all, err := recordings()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		for _, r := range e.graph.Resources {
			if !r.Custom || !strings.HasPrefix(r.Token, "aws:") {
				continue
			}
			if given[r.Token] == nil {
				given[r.Token] = map[string]bool{}
			}
			givenPaths(given[r.Token], "", r.Inputs)
		}
	}
	return given
}

// givenPaths adds the paths of the inputs, those in objects and lists as well.
func givenPaths(paths map[string]bool, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if unicode.IsUpper(rune(name[0])) {
				continue // the name of a tag or a dimension, not of an input
			}
			path := strings.TrimPrefix(at+"."+name, ".")
			paths[path] = true
			givenPaths(paths, path, value)
		}
	case []any:
		for _, value := range v {
			givenPaths(paths, at, value)
		}
	}
}

// stale fails on entries of a table of differences that nobody sees any more.
func stale(t *testing.T, agreed map[string]string, seen map[string]bool) {
	t.Helper()
	for _, point := range slices.Sorted(maps.Keys(agreed)) {
		if !seen[point] {
			t.Errorf("the table explains what is not there: %s", point)
		}
	}
}
