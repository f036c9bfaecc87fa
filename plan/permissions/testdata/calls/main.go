// Command calls is an example: it calls AWS in ways that a reader of its source can miss.
package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// started is called before main.
var started = func() error {
	_, err := sts.New(sts.Options{}).GetCallerIdentity(context.Background(), nil)
	return err
}()

func main() {
	ctx, client := context.Background(), s3.New(s3.Options{})
	table := dynamodb.New(dynamodb.Options{})
	steps := []func() error{
		func() error { return paginate(ctx, client) },
		func() error { return presign(ctx, s3.NewPresignClient(client)) },
		func() error { return wait(ctx, ssm.New(ssm.Options{})) },
		func() error { return queries(ctx, table, "") },
	}
	go func() { _, _ = client.HeadBucket(ctx, &s3.HeadBucketInput{}) }()
	for _, step := range steps {
		_ = step()
	}
	_, _ = call(ctx, table.GetItem, &dynamodb.GetItemInput{})
	_, _ = client.HeadObject(ctx, pinned(&s3.HeadObjectInput{VersionId: nil}))
	var k keeper = logged{&roles{iam.New(iam.Options{})}}
	k.keep(ctx)
	_ = http.ListenAndServe("localhost:0", pages{client})
}

func paginate(ctx context.Context, client *s3.Client) error {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{})
	_, err := pages.NextPage(ctx)
	return err
}

func presign(ctx context.Context, p *s3.PresignClient) error {
	_, err := p.PresignPostObject(ctx, &s3.PutObjectInput{Tagging: aws.String("a=b")})
	return err
}

func wait(ctx context.Context, client *ssm.Client) error {
	return ssm.NewCommandExecutedWaiter(client).Wait(ctx, &ssm.GetCommandInvocationInput{}, time.Minute)
}

// call is how a wrapper bounds every operation.
func call[In, Out, Option any](ctx context.Context, f func(context.Context, *In, ...func(*Option)) (*Out, error),
	in *In) (*Out, error) {
	return f(ctx, in)
}

// queries asks a table and an index by the same call, and another index always.
func queries(ctx context.Context, client *dynamodb.Client, index string) error {
	in := &dynamodb.QueryInput{TableName: aws.String("t")}
	if index != "" {
		in.IndexName = &index
	}
	if _, err := client.Query(ctx, in); err != nil {
		return err
	}
	_, err := client.Scan(ctx, &dynamodb.ScanInput{IndexName: aws.String("i")})
	return err
}

// pinned sets a field in an input that was made elsewhere.
func pinned(in *s3.HeadObjectInput) *s3.HeadObjectInput {
	in.VersionId = aws.String("v")
	return in
}

// getter is made after the client, so that tests can stand in for it.
type getter interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// pages is called by package http alone.
type pages struct{ store getter }

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := p.store.GetObject(r.Context(), &s3.GetObjectInput{})
	if err == nil {
		_, _ = io.Copy(w, out.Body)
	}
}

type keeper interface{ keep(ctx context.Context) }

// logged has the method of what is embedded in it.
type logged struct{ keeper }

type roles struct{ client *iam.Client }

func (r *roles) keep(ctx context.Context) { _, _ = r.client.GetRole(ctx, &iam.GetRoleInput{}) }
