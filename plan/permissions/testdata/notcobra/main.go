// Command notcobra is an example: a program without subcommands.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	_, _ = s3.New(s3.Options{}).CopyObject(context.Background(), &s3.CopyObjectInput{})
}
