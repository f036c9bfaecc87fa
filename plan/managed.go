package plan

import "strings"

// writeLogs is what each function needs for its log.
var writeLogs = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}

// managed are policies of AWS's own that programs often attach, each with what it allows on every resource
// (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html).
var managed = map[string][]string{
	"AdministratorAccess": {"*"},
	"IAMFullAccess":       {"iam:*"},
	"AmazonS3FullAccess":  {"s3:*", "s3-object-lambda:*"},

	"service-role/AmazonECSTaskExecutionRolePolicy": {"ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability",
		"ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "logs:CreateLogStream", "logs:PutLogEvents"},
	"service-role/AWSLambdaBasicExecutionRole": writeLogs,
	"service-role/AWSLambdaSQSQueueExecutionRole": append([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage",
		"sqs:GetQueueAttributes"}, writeLogs...),
	"service-role/AWSLambdaVPCAccessExecutionRole": append([]string{"ec2:CreateNetworkInterface",
		"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"}, writeLogs...),
}

// ofAWS is what a policy of AWS's own allows; nil where that is not known here.
func ofAWS(arn string) []string {
	_, name, is := strings.Cut(arn, ":iam::aws:policy/")
	if !is {
		return nil
	}
	return managed[name]
}
