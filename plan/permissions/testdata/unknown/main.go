// Command unknown is an example: a program that takes on a role itself, by a part of the SDK that makes calls.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	role := stscreds.NewAssumeRoleProvider(sts.New(sts.Options{}), "arn:aws:iam::123456789012:role/other")
	_, _ = s3.New(s3.Options{Credentials: role}).HeadBucket(context.Background(), &s3.HeadBucketInput{})
}
