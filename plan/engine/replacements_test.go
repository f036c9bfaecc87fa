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
	agreed := map[string]string{
		"aws:ec2/eip:Eip vpc":                                                "the older word for domain, which this program does not use",
		"aws:ec2/flowLog:FlowLog logGroupName":                               "deprecated; this program does not use it",
		"aws:ec2/instance:Instance cpuCoreCount":                             "this program does not use it",
		"aws:ec2/instance:Instance cpuThreadsPerCore":                        "this program does not use it",
		"aws:ec2/instance:Instance enclaveOptions":                           "this program does not use it",
		"aws:ec2/instance:Instance launchTemplate":                           "this program does not use it",
		"aws:lb/loadBalancer:LoadBalancer subnetMappings":                    "this program gives subnets",
		"aws:s3/bucketV2:BucketV2 objectLockConfiguration.objectLockEnabled": "this program does not use it",
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
			return slices.ContainsFunc(list, func(other string) bool { return name == other || strings.HasPrefix(name, other+".") })
		}
		for _, name := range double {
			if within(name, inputs) {
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
