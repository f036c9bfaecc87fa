package engine

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan"
)

// TestReplacementsAgree holds two tables of what needs another resource against each other: the double's, which was
// written from the provider's reference, and that of plans, which is generated from the provider's source. A line of
// agreed says who is right where they differ, and why.
func TestReplacementsAgree(t *testing.T) {
	const unused = "this program does not use it"
	agreed := map[string]string{
		"aws:autoscaling/group:Group initialLifecycleHooks":   unused,
		"aws:dynamodb/table:Table importTable.s3BucketSource": unused,
		"aws:dynamodb/table:Table restoreDateTime":            unused,
		"aws:dynamodb/table:Table restoreToLatestTime":        unused,
		"aws:ec2/eip:Eip vpc": "the older word for domain, which this " +
			"program does not use",
		"aws:ec2/flowLog:FlowLog logGroupName":                "deprecated; this program does not use it",
		"aws:ec2/flowLog:FlowLog transitGatewayAttachmentId":  unused,
		"aws:ec2/flowLog:FlowLog transitGatewayId":            unused,
		"aws:ec2/instance:Instance cpuCoreCount":              unused,
		"aws:ec2/instance:Instance cpuOptions.amdSevSnp":      unused,
		"aws:ec2/instance:Instance cpuOptions.coreCount":      unused,
		"aws:ec2/instance:Instance cpuOptions.threadsPerCore": unused,
		"aws:ec2/instance:Instance cpuThreadsPerCore":         unused,
		"aws:ec2/instance:Instance ebsOptimized": "ForceNew in " +
			"internal/service/ec2/ec2_instance.go; " + unused,
		"aws:ec2/instance:Instance enclaveOptions.enabled":                   unused,
		"aws:ec2/instance:Instance instanceMarketOptions":                    unused,
		"aws:ec2/instance:Instance ipv6Addresses":                            unused,
		"aws:ec2/instance:Instance launchTemplate":                           unused,
		"aws:ec2/instance:Instance placementPartitionNumber":                 unused,
		"aws:ec2/instance:Instance privateDnsNameOptions":                    unused,
		"aws:ec2/vpcEndpoint:VpcEndpoint resourceConfigurationArn":           unused,
		"aws:ec2/vpcEndpoint:VpcEndpoint serviceNetworkArn":                  unused,
		"aws:rds/instance:Instance customIamInstanceProfile":                 unused,
		"aws:rds/instance:Instance name":                                     unused,
		"aws:s3/bucketV2:BucketV2 objectLockConfiguration.objectLockEnabled": unused,
		"aws:ssm/parameter:Parameter dataType":                               unused,
	}
	differ := map[string]bool{}
	for token, k := range kinds {
		inputs, known := plan.Replacements(token)
		if !known {
			t.Errorf("plans know nothing of %s", token)
			continue
		}
		double := strings.Fields(k.replace)
		if strings.HasPrefix(token, "command:") {
			double = nil // what a command runs again for, the SDK sends with it
		}
		double, inputs = spelled(double, k), spelled(inputs, k)
		within := func(name string, list []string) bool {
			return slices.ContainsFunc(list, func(other string) bool {
				return name == other || strings.HasPrefix(name,
					other+".")
			})
		}
		for _, name := range double {
			// Of some lists, plans have which parts of an element need another resource.
			if within(name, inputs) || slices.ContainsFunc(inputs, func(part string) bool {
				return strings.HasPrefix(part,
					name+".")
			}) {
				continue
			}
			if differ[token+" "+name] = true; agreed[token+" "+name] == "" {
				t.Errorf("%s: the double says that another %s needs another resource, and plans do not", token, name)
			}
		}
		for _, name := range inputs {
			if within(name, double) {
				continue
			}
			if differ[token+" "+name] = true; agreed[token+" "+name] == "" {
				t.Errorf("%s: plans say that another %s needs another resource, and the double does not", token, name)
			}
		}
	}
	for name := range agreed {
		if !differ[name] {
			t.Errorf("%s is agreed on, and nobody differs", name)
		}
	}
}

// spelled are the inputs that a list means, where * stands for all.
func spelled(names []string, k kind) []string {
	if !slices.Contains(names, "*") {
		return names
	}
	return slices.Sorted(maps.Keys(properties(argsType(k.args))))
}
