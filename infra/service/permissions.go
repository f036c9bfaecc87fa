package service

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/iam"
	"dossier.example/infra/parameters"
	"dossier.example/infra/storage"
)

// statements is what an instance of the app may do. A test compares it with the calls that the app and the instances'
// user-data make.
func statements(args Args, logs *cloudwatch.LogGroup, group string) []iam.Statement {
	table, files := args.Storage.Table.Arn, args.Storage.Files.Arn
	list := []iam.Statement{
		{
			Sid: "Release", Actions: []string{"s3:GetObject"},
			Resources: []pulumi.StringInput{pulumi.Sprintf("%s/releases/*", args.Storage.Releases.Arn)},
		},
		{
			// Versions are read to bring back what was lost; none may be deleted.
			Sid: "Files",
			Actions: []string{
				"s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:AbortMultipartUpload",
				"s3:ListMultipartUploadParts",
			},
			Resources: []pulumi.StringInput{pulumi.Sprintf("%s/%s*", files, storage.FilesPrefix)},
		},
		{
			// Thumbnails have no multipart uploads, and nobody needs an old version of one.
			Sid: "Thumbnails", Actions: []string{"s3:PutObject", "s3:GetObject", "s3:DeleteObject"},
			Resources: []pulumi.StringInput{pulumi.Sprintf("%s/thumbs/*", files)},
		},
		{
			// The comparison of all objects with all records; a missing object is then a 404, not a 403.
			Sid:       "Bucket",
			Actions:   []string{"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"},
			Resources: []pulumi.StringInput{files},
		},
		{
			Sid: "Records",
			Actions: []string{
				"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:Scan",
			},
			Resources: []pulumi.StringInput{table},
		},
		{
			Sid: "Unfinished", Actions: []string{"dynamodb:Query"},
			Resources: []pulumi.StringInput{pulumi.Sprintf("%s/index/%s", table, storage.UnfinishedIndex)},
		},
		{
			// The app asks for each setting by its name, whether it is there or not, and one that it may not read
			// refuses them all.
			Sid: "Settings", Actions: []string{"ssm:GetParameters"}, Resources: []pulumi.StringInput{args.Parameters.ARN("*")},
		},
		{
			Sid: "NotTheAdministrators", Deny: true,
			Actions: []string{"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"},
			Resources: []pulumi.StringInput{
				args.Parameters.ARN(parameters.Admin + "/*"), args.Parameters.ARN(parameters.JumpHostKey),
			},
		},
		{
			Sid: "Ready", Actions: []string{"autoscaling:CompleteLifecycleAction"},
			// The group's id is not known before the group is; its name is unique in a region.
			Resources: []pulumi.StringInput{pulumi.String(fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s", args.Region, args.Account, group))},
		},
		{Sid: "LogStream", Actions: []string{"logs:CreateLogStream"}, Resources: []pulumi.StringInput{pulumi.Sprintf("%s:*", logs.Arn)}},
		{Sid: "Logs", Actions: []string{"logs:PutLogEvents"}, Resources: []pulumi.StringInput{pulumi.Sprintf("%s:log-stream:*", logs.Arn)}},
	}
	if args.Storage.Scanned {
		list = append(list, iam.Statement{
			// Of the latest version only: what replaces an object is scanned anew.
			Sid: "ScanResults", Actions: []string{"s3:GetObjectTagging"},
			Resources: []pulumi.StringInput{pulumi.Sprintf("%s/%s*", files, storage.FilesPrefix)},
		})
	}
	return list
}
