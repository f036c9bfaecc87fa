package permissions

// cloudWatchAgent is what the CloudWatch agent calls to ship logs, without metrics and without a retention to set. It
// makes its stream; the group is there. That it asks for the streams of the group is long past, though the managed
// policy still allows it
// (https://github.com/aws/amazon-cloudwatch-agent/blob/main/plugins/outputs/cloudwatchlogs/internal/pusher/target.go).
var cloudWatchAgent = []Call{
	{Service: "cloudwatchlogs", Operation: "CreateLogStream"},
	{Service: "cloudwatchlogs", Operation: "PutLogEvents"},
}

// SystemsManagerAgent returns what the agent of Systems Manager calls so that commands and sessions work, and nothing
// else of what Systems Manager can do. The agent gets commands by the message gateway (ssmmessages) and, where it may
// not, by the older message delivery service (ec2messages)
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html).
func SystemsManagerAgent() []Call {
	calls := []Call{{Service: "ssm", Operation: "UpdateInstanceInformation"}}
	for _, operation := range []string{"CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"} {
		calls = append(calls, Call{Service: "ssmmessages", Operation: operation})
	}
	for _, operation := range []string{"AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply"} {
		calls = append(calls, Call{Service: "ec2messages", Operation: operation})
	}
	return sorted(calls)
}
