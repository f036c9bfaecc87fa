// Orders takes orders by HTTP, keeps them, and works on them in the background.
package main

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() { pulumi.Run(run) }

func run(ctx *pulumi.Context) error {
	conf := config.New(ctx, "")

	table, err := dynamodb.NewTable(ctx, "orders", &dynamodb.TableArgs{
		BillingMode: pulumi.String("PAY_PER_REQUEST"),
		HashKey:     pulumi.String("customer"),
		RangeKey:    pulumi.String("placed"),
		Attributes: dynamodb.TableAttributeArray{
			&dynamodb.TableAttributeArgs{Name: pulumi.String("customer"), Type: pulumi.String("S")},
			&dynamodb.TableAttributeArgs{Name: pulumi.String("placed"), Type: pulumi.String("S")},
			&dynamodb.TableAttributeArgs{Name: pulumi.String("state"), Type: pulumi.String("S")},
		},
		GlobalSecondaryIndexes: dynamodb.TableGlobalSecondaryIndexArray{
			&dynamodb.TableGlobalSecondaryIndexArgs{
				Name: pulumi.String("by-state"), HashKey: pulumi.String("state"), RangeKey: pulumi.String("placed"),
				ProjectionType: pulumi.String("ALL"),
			},
		},
		PointInTimeRecovery:       &dynamodb.TablePointInTimeRecoveryArgs{Enabled: pulumi.Bool(true)},
		DeletionProtectionEnabled: pulumi.Bool(true),
	})
	if err != nil {
		return err
	}

	// What cannot be worked on is kept for two weeks.
	dead, err := sqs.NewQueue(ctx, "dead", &sqs.QueueArgs{MessageRetentionSeconds: pulumi.Int(1209600)})
	if err != nil {
		return err
	}
	queue, err := sqs.NewQueue(ctx, "work", &sqs.QueueArgs{
		VisibilityTimeoutSeconds: pulumi.Int(180),
		MessageRetentionSeconds:  pulumi.Int(345600),
		SqsManagedSseEnabled:     pulumi.Bool(true),
		RedrivePolicy:            pulumi.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":5}`, dead.Arn),
	})
	if err != nil {
		return err
	}

	take, err := function(ctx, "take", "functions/orders", 10, pulumi.StringMap{
		"TABLE": table.Name, "QUEUE": queue.Url,
	}, pulumi.All(table.Arn, queue.Arn).ApplyT(func(args []any) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["dynamodb:PutItem","dynamodb:GetItem","dynamodb:Query"],
				"Resource":["%[1]s","%[1]s/index/*"]},
			{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"%[2]s"}]}`, args...)
	}).(pulumi.StringOutput))
	if err != nil {
		return err
	}
	work, err := function(ctx, "mail", "functions/mail", 30, pulumi.StringMap{
		"TO": pulumi.String(conf.Require("mailTo")),
	}, pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"],"Resource":"%s"},
		{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*"}]}`, queue.Arn))
	if err != nil {
		return err
	}
	_, err = lambda.NewEventSourceMapping(ctx, "mail", &lambda.EventSourceMappingArgs{
		EventSourceArn:                 queue.Arn,
		FunctionName:                   work.Arn,
		BatchSize:                      pulumi.Int(10),
		MaximumBatchingWindowInSeconds: pulumi.Int(5),
	})
	if err != nil {
		return err
	}

	api, err := apigatewayv2.NewApi(ctx, "orders", &apigatewayv2.ApiArgs{
		ProtocolType: pulumi.String("HTTP"),
		CorsConfiguration: &apigatewayv2.ApiCorsConfigurationArgs{
			AllowOrigins: pulumi.ToStringArray([]string{"https://shop.example"}),
			AllowMethods: pulumi.ToStringArray([]string{"POST"}),
		},
	})
	if err != nil {
		return err
	}
	integration, err := apigatewayv2.NewIntegration(ctx, "take", &apigatewayv2.IntegrationArgs{
		ApiId: api.ID(), IntegrationType: pulumi.String("AWS_PROXY"), IntegrationUri: take.InvokeArn,
		PayloadFormatVersion: pulumi.String("2.0"),
	})
	if err != nil {
		return err
	}
	_, err = apigatewayv2.NewRoute(ctx, "take", &apigatewayv2.RouteArgs{
		ApiId: api.ID(), RouteKey: pulumi.String("POST /orders"), AuthorizationType: pulumi.String("AWS_IAM"),
		Target: pulumi.Sprintf("integrations/%s", integration.ID()),
	})
	if err != nil {
		return err
	}
	_, err = apigatewayv2.NewStage(ctx, "default", &apigatewayv2.StageArgs{
		ApiId: api.ID(), Name: pulumi.String("$default"), AutoDeploy: pulumi.Bool(true),
		DefaultRouteSettings: &apigatewayv2.StageDefaultRouteSettingsArgs{
			ThrottlingBurstLimit: pulumi.Int(50), ThrottlingRateLimit: pulumi.Float64(20),
		},
	})
	if err != nil {
		return err
	}
	_, err = lambda.NewPermission(ctx, "api", &lambda.PermissionArgs{
		Action: pulumi.String("lambda:InvokeFunction"), Function: take.Name,
		Principal: pulumi.String("apigateway.amazonaws.com"), SourceArn: pulumi.Sprintf("%s/*/*", api.ExecutionArn),
	})
	if err != nil {
		return err
	}
	if err := nightly(ctx, queue); err != nil {
		return err
	}
	if err := watch(ctx, dead, conf.Require("mailTo")); err != nil {
		return err
	}
	ctx.Export("endpoint", api.ApiEndpoint)
	return nil
}

// function makes a function that may write to its log and do what a policy says.
func function(ctx *pulumi.Context, name, code string, timeout int, variables pulumi.StringMap,
	policy pulumi.StringInput) (*lambda.Function, error) {
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		AssumeRolePolicy: pulumi.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		return nil, err
	}
	_, err = iam.NewRolePolicyAttachment(ctx, name, &iam.RolePolicyAttachmentArgs{
		Role:      role.Name,
		PolicyArn: iam.ManagedPolicyAWSLambdaBasicExecutionRole,
	})
	if err != nil {
		return nil, err
	}
	if _, err = iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: role.ID(), Policy: policy}); err != nil {
		return nil, err
	}
	made, err := lambda.NewFunction(ctx, name, &lambda.FunctionArgs{
		Role: role.Arn, Runtime: pulumi.String("nodejs22.x"), Handler: pulumi.String("index.handler"),
		Architectures: pulumi.ToStringArray([]string{"arm64"}), MemorySize: pulumi.Int(256),
		Timeout:     pulumi.Int(timeout),
		Code:        pulumi.NewFileArchive(code),
		Environment: &lambda.FunctionEnvironmentArgs{Variables: variables},
	})
	if err != nil {
		return nil, err
	}
	_, err = cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name: pulumi.Sprintf("/aws/lambda/%s", made.Name), RetentionInDays: pulumi.Int(30),
	})
	return made, err
}

// nightly asks for a summary every night.
func nightly(ctx *pulumi.Context, queue *sqs.Queue) error {
	rule, err := cloudwatch.NewEventRule(ctx, "nightly", &cloudwatch.EventRuleArgs{
		ScheduleExpression: pulumi.String("cron(0 3 * * ? *)"),
	})
	if err != nil {
		return err
	}
	_, err = cloudwatch.NewEventTarget(ctx, "nightly", &cloudwatch.EventTargetArgs{
		Rule: rule.Name, Arn: queue.Arn, Input: pulumi.String(`{"kind":"summary"}`),
	})
	if err != nil {
		return err
	}
	_, err = sqs.NewQueuePolicy(ctx, "work", &sqs.QueuePolicyArgs{
		QueueUrl: queue.Url,
		Policy: pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
			`"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"%s",`+
			`"Condition":{"ArnEquals":{"aws:SourceArn":"%s"}}}]}`, queue.Arn, rule.Arn),
	})
	return err
}

// watch sends mail when something is left over.
func watch(ctx *pulumi.Context, dead *sqs.Queue, address string) error {
	topic, err := sns.NewTopic(ctx, "alarms", nil)
	if err != nil {
		return err
	}
	_, err = sns.NewTopicSubscription(ctx, "alarms", &sns.TopicSubscriptionArgs{
		Topic: topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(address),
	})
	if err != nil {
		return err
	}
	_, err = cloudwatch.NewMetricAlarm(ctx, "dead", &cloudwatch.MetricAlarmArgs{
		Namespace: pulumi.String("AWS/SQS"), MetricName: pulumi.String("ApproximateNumberOfMessagesVisible"),
		Dimensions: pulumi.StringMap{"QueueName": dead.Name}, Statistic: pulumi.String("Maximum"),
		ComparisonOperator: pulumi.String("GreaterThanThreshold"), Threshold: pulumi.Float64(0),
		Period: pulumi.Int(300), EvaluationPeriods: pulumi.Int(1), AlarmActions: pulumi.Array{topic.Arn},
	})
	return err
}
