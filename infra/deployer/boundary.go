package deployer

// boundary is the most that a role of the environment may do: what its hosts' own policies allow, with patterns where
// AWS or Pulumi makes a part of a name. A role has no more than both its policy and this allow.
var boundary = []struct {
	sid                string
	actions, resources []string
}{
	{"Releases", []string{"s3:GetObject"}, []string{releasesBucket + "/releases/*"}},
	{"Files", []string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion",
		"s3:ListMultipartUploadParts", "s3:PutObject"}, []string{filesBucket + "/files/*"}},
	{"Thumbnails", []string{"s3:DeleteObject", "s3:GetObject", "s3:PutObject"}, []string{filesBucket + "/thumbs/*"}},
	{"FilesBucket", []string{"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"},
		[]string{filesBucket}},
	{"Records", []string{"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
		"dynamodb:Scan", "dynamodb:UpdateItem"}, []string{table}},
	{"Unfinished", []string{"dynamodb:Query"}, []string{table + "/index/unfinished"}},
	{"Settings", []string{"ssm:GetParameters"}, []string{parameters}},
	{"Start", []string{"ssm:GetParameter"}, []string{
		"arn:aws:ssm:{region}:{account}:parameter/dossier/{stack}/jump/host-key",
		"arn:aws:ssm:{region}:{account}:parameter/dossier/{stack}/release",
	}},
	{"Ready", []string{"autoscaling:CompleteLifecycleAction"}, []string{group}},
	{"Logs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{appLogs}},
	{"SystemsManagerAgent", []string{
		"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage",
		"ec2messages:GetEndpoint",
		"ec2messages:GetMessages", "ec2messages:SendReply", "ssm:UpdateInstanceInformation",
		"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
		"ssmmessages:OpenDataChannel",
	}, []string{"*"}},
	// Of the role by which GuardDuty scans files.
	{"ScanResults", []string{"s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging",
		"s3:PutObjectVersionTagging"}, []string{filesBucket + "/files/*"}},
	{"ScanProbe", []string{"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging",
		"s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
		[]string{filesBucket + "/malware-protection-resource-validation-object"}},
	{"ScanEvents", []string{"s3:GetBucketNotification", "s3:PutBucketNotification"}, []string{filesBucket}},
	{scanRuleSid, []string{"events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"},
		[]string{scanRule}},
	{"LookAtScanRule", []string{"events:DescribeRule", "events:ListTargetsByRule"}, []string{scanRule}},
}

const scanRuleSid = "ScanRule"

// boundaryConditions are under what a statement of the boundary holds, by its Sid: operator, key, values.
var boundaryConditions = map[string]map[string]map[string][]string{
	// GuardDuty makes the rule by the role, and it alone changes it then.
	scanRuleSid: {"StringEquals": {"events:ManagedBy": {scanService}}},
}
