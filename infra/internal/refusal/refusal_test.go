package refusal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"

	"dossier.example/infra/internal/refusal"
)

// TestActions: the services' prefixes and the actions that are not named like their operation, as the Service
// Authorization Reference has them.
func TestActions(t *testing.T) {
	for _, c := range []struct{ service, operation, want string }{
		{"ACM", "DescribeCertificate", "acm:DescribeCertificate"},
		{"Auto Scaling", "DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingGroups"},
		{"CloudWatch", "GetDashboard", "cloudwatch:GetDashboard"},
		{"CloudWatch Logs", "DescribeLogGroups", "logs:DescribeLogGroups"},
		{"DynamoDB", "DescribeTable", "dynamodb:DescribeTable"},
		{"EC2", "DescribeVpcs", "ec2:DescribeVpcs"},
		{"Elastic Load Balancing v2", "DescribeListeners", "elasticloadbalancing:DescribeListeners"},
		{"EventBridge", "DescribeRule", "events:DescribeRule"},
		{"FreeTier", "GetAccountPlanState", "freetier:GetAccountPlanState"},
		{"IAM", "GetRole", "iam:GetRole"},
		{"RDS", "DescribeDBInstances", "rds:DescribeDBInstances"},
		{"Route 53", "GetHostedZone", "route53:GetHostedZone"},
		{"S3", "GetBucketPolicy", "s3:GetBucketPolicy"},
		{"S3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"},
		{"S3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"},
		{"S3", "ListObjectsV2", "s3:ListBucket"},
		{"Service Quotas", "GetServiceQuota", "servicequotas:GetServiceQuota"},
		{"SNS", "ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic"},
		{"SSM", "GetParametersByPath", "ssm:GetParametersByPath"},
	} {
		if got := refusal.Action(c.service, c.operation); got != c.want {
			t.Errorf("%s %s: %s, expected %s", c.service, c.operation, got, c.want)
		}
	}
}

func TestDeniedAndAbsent(t *testing.T) {
	of := func(code string) error {
		return fmt.Errorf("asking: %w", &smithy.OperationError{ServiceID: "EC2", OperationName: "DescribeVpcs",
			Err: &smithy.GenericAPIError{Code: code}})
	}
	for code, want := range map[string][2]bool{
		"AccessDenied": {true, false}, "AccessDeniedException": {true, false}, "UnauthorizedOperation": {true, false},
		"AuthorizationError": {true, false},
		"Forbidden":          {true, false}, "DBInstanceNotFound": {false, true},
		"InvalidVpcID.NotFound":                          {false, true},
		"NoSuchBucketPolicy":                             {false, true},
		"ServerSideEncryptionConfigurationNotFoundError": {false, true}, "ResourceNotFoundException": {false, true},
		"Throttling": {false, false},
	} {
		action, denied := refusal.Denied(of(code))
		if denied != want[0] || denied && action != "ec2:DescribeVpcs" {
			t.Errorf("%s: denied %t, %q", code, denied, action)
		}
		if absent := refusal.Absent(of(code)); absent != want[1] {
			t.Errorf("%s: absent %t", code, absent)
		}
	}
	if _, denied := refusal.Denied(errors.New("connection refused")); denied || refusal.Absent(nil) {
		t.Error("an error of the network is neither")
	}
}
