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
		// A version is of what instances are started with.
		return some(func(key string) bool {
			return key != "tags" && key != "defaultVersion" && key != "updateDefaultVersion" && key != "disableApiTermination"
		}, "latestVersion")
	case "aws:s3/bucketObjectv2:BucketObjectv2":
		return some(func(key string) bool {
			return slices.Contains([]string{"source", "content", "contentBase64", "sourceHash", "etag"}, key)
		}, "etag", "versionId")
	case "aws:ssm/parameter:Parameter":
		return some(func(key string) bool { return key == "value" }, "version")
	case "command:local:Command", "command:remote:Command":
		return []string{"stdout", "stderr"} // a command that changes runs again
	}
	return nil
}
