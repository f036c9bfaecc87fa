package graph

import "testing"

// TestType: what several services of AWS have is told with the service.
func TestType(t *testing.T) {
	for token, want := range map[string]string{
		"aws:ec2/instance:Instance": "EC2 Instance", "aws:rds/instance:Instance": "RDS Instance",
		"aws:s3/bucketV2:BucketV2": "BucketV2", "aws:other/cluster:Cluster": "other Cluster",
		"aws:iam/policy:Policy": "IAM Policy", "aws:appautoscaling/policy:Policy": "Application Auto Scaling Policy",
		"aws:autoscaling/group:Group": "Auto Scaling Group", "aws:lambda/function:Function": "Lambda Function",
		"aws:ecs/cluster:Cluster": "ECS Cluster", "aws:cfg/rule:Rule": "Config Rule", "aws:iam/role:Role": "Role",
		"aws:apigatewayv2/route:Route": "API Gateway v2 Route", "aws:ec2/route:Route": "EC2 Route",
		"gcp:compute/instance:Instance": "Instance", "": "",
	} {
		if got := Type(token); got != want {
			t.Errorf("%s: got %q, want %q", token, got, want)
		}
	}
}
