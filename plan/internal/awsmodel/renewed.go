package awsmodel

import "slices"

// Renewed are the outputs that are made anew when these inputs of a resource of the type change in place.
func Renewed(token string, changed []string) []string {
	some := func(matters func(key string) bool, outputs ...string) []string {
		if slices.ContainsFunc(changed, matters) {
			return outputs
		}
		return nil
	}
	switch token {
	case "aws:ec2/launchTemplate:LaunchTemplate":
		// A version is of what instances are started with:
		// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html; for which inputs
		// the provider makes one is in its internal/service/ec2/ec2_launch_template.go.
		return some(func(key string) bool {
			return key != "tags" && key != "defaultVersion" && key != "updateDefaultVersion" && key != "disableApiTermination"
		}, "latestVersion")
	case "aws:s3/bucketObjectv2:BucketObjectv2":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_object: what makes the
		// provider upload again.
		return some(func(key string) bool {
			return slices.Contains([]string{"source", "content", "contentBase64", "sourceHash", "etag"}, key)
		}, "etag", "versionId")
	case "aws:ssm/parameter:Parameter":
		// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
		return some(func(key string) bool { return key == "value" }, "version")
	case "command:local:Command", "command:remote:Command":
		// A command that changes runs again: https://www.pulumi.com/registry/packages/command/api-docs/local/command/.
		return []string{"stdout", "stderr"}
	}
	return nil
}
