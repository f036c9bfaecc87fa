// Package refusal reads what AWS answers instead of doing what it was asked: that the caller may not, and which action
// would allow it, or that there is no such thing.
package refusal

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// Denied reports whether err is AWS's refusal to answer this caller, and names the action that an IAM policy would have
// to allow.
func Denied(err error) (action string, denied bool) {
	switch Code(err) {
	// The name differs by service: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html for EC2,
	// https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html for SNS, "AccessDenied" or "AccessDeniedException"
	// elsewhere. A HEAD of S3 has no body, so the SDK names the error by its status.
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "Forbidden":
	default:
		return "", false
	}
	operation, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return "an action that the error does not name", true
	}
	return Action(operation.Service(), operation.Operation()), true
}

// Absent reports whether err says that what was asked about does not exist.
func Absent(err error) bool {
	code := Code(err)
	return strings.Contains(code, "NotFound") || strings.HasPrefix(code, "NoSuch")
}

// Code is the code of what AWS refused; empty for any other error.
func Code(err error) string {
	if api, is := errors.AsType[smithy.APIError](err); is {
		return api.ErrorCode()
	}
	return ""
}

// prefixes are the services' prefixes in IAM, by the ids that the SDK has for them, where one is not the other in lower
// case.
var prefixes = map[string]string{
	"Auto Scaling": "autoscaling", "CloudWatch Logs": "logs", "Elastic Load Balancing v2": "elasticloadbalancing",
	"EventBridge": "events",
	"Route 53":    "route53", "Service Quotas": "servicequotas",
}

// actions are those that have another name than their operation: the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html).
var actions = map[string]string{
	"s3:GetBucketEncryption":             "s3:GetEncryptionConfiguration",
	"s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
	"s3:GetPublicAccessBlock":            "s3:GetBucketPublicAccessBlock",
	"s3:GetBucketCors":                   "s3:GetBucketCORS",
	"s3:HeadBucket":                      "s3:ListBucket",
	"s3:ListObjectsV2":                   "s3:ListBucket",
}

// Action returns the action of IAM for an operation, both by the SDK's names.
func Action(service, operation string) string {
	prefix := prefixes[service]
	if prefix == "" {
		prefix = strings.ToLower(service)
	}
	action := prefix + ":" + operation
	if other := actions[action]; other != "" {
		return other
	}
	return action
}
