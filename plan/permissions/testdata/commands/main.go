// Command commands is an example: subcommands that call AWS in ways that an analysis can miss.
package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{}
	root.AddCommand(upload(), paginate(), presign(), wait(), methodValue(), served(), queries(), versions(), parent(), nothing())
	_ = root.ExecuteContext(context.Background())
}

func sdk(ctx context.Context) aws.Config {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		panic(err)
	}
	return cfg
}

// upload uses a part of the transfer manager, which holds the client as an interface of all that it could call.
func upload() *cobra.Command {
	return &cobra.Command{Use: "upload FILE", RunE: func(c *cobra.Command, _ []string) error {
		m := transfermanager.New(s3.NewFromConfig(sdk(c.Context())))
		_, err := m.UploadObject(c.Context(), &transfermanager.UploadObjectInput{Bucket: aws.String("b"), Tagging: aws.String("a=b")})
		return err
	}}
}

func paginate() *cobra.Command {
	return &cobra.Command{Use: "paginate", RunE: func(c *cobra.Command, _ []string) error {
		pages := s3.NewListObjectsV2Paginator(s3.NewFromConfig(sdk(c.Context())), &s3.ListObjectsV2Input{})
		for pages.HasMorePages() {
			if _, err := pages.NextPage(c.Context()); err != nil {
				return err
			}
		}
		return nil
	}}
}

func presign() *cobra.Command {
	return &cobra.Command{Use: "presign", RunE: func(c *cobra.Command, _ []string) error {
		p := s3.NewPresignClient(s3.NewFromConfig(sdk(c.Context())))
		if _, err := p.PresignPostObject(c.Context(), &s3.PutObjectInput{}); err != nil {
			return err
		}
		_, err := p.PresignGetObject(c.Context(), &s3.GetObjectInput{})
		return err
	}}
}

func wait() *cobra.Command {
	return &cobra.Command{Use: "wait", RunE: func(c *cobra.Command, _ []string) error {
		return ssm.NewCommandExecutedWaiter(ssm.NewFromConfig(sdk(c.Context()))).Wait(c.Context(), &ssm.GetCommandInvocationInput{}, time.Minute)
	}}
}

// call is how a wrapper bounds every operation.
func call[In, Out, Option any](ctx context.Context, f func(context.Context, *In, ...func(*Option)) (*Out, error), in *In) (*Out, error) {
	return f(ctx, in)
}

func methodValue() *cobra.Command {
	return &cobra.Command{Use: "method-value", RunE: func(c *cobra.Command, _ []string) error {
		client := dynamodb.NewFromConfig(sdk(c.Context()))
		_, err := call(c.Context(), client.GetItem, &dynamodb.GetItemInput{})
		return err
	}}
}

// getter is made after the client, so that tests can stand in for it.
type getter interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

type pages struct{ store getter }

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := p.store.GetObject(r.Context(), &s3.GetObjectInput{})
	if err == nil {
		_, _ = io.Copy(w, out.Body)
	}
}

// served calls from a handler and from a goroutine.
func served() *cobra.Command {
	return &cobra.Command{Use: "served", RunE: func(c *cobra.Command, _ []string) error {
		client := s3.NewFromConfig(sdk(c.Context()))
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = client.HeadBucket(c.Context(), &s3.HeadBucketInput{}) })
		defer wg.Wait()
		return http.ListenAndServe("localhost:0", pages{client})
	}}
}

// queries asks a table and an index by the same call, and another index always.
func queries() *cobra.Command {
	index := ""
	c := &cobra.Command{Use: "queries"}
	c.RunE = func(c *cobra.Command, _ []string) error {
		client := dynamodb.NewFromConfig(sdk(c.Context()))
		in := &dynamodb.QueryInput{TableName: aws.String("t")}
		if index != "" {
			in.IndexName = &index
		}
		if _, err := client.Query(c.Context(), in); err != nil {
			return err
		}
		_, err := client.Scan(c.Context(), &dynamodb.ScanInput{IndexName: aws.String("i")})
		return err
	}
	c.Flags().StringVar(&index, "index", "", "")
	return c
}

func pinned(in *s3.GetObjectInput) *s3.GetObjectInput {
	in.VersionId = aws.String("v")
	return in
}

// versions sets a field in an input that was made elsewhere.
func versions() *cobra.Command {
	return &cobra.Command{Use: "versions", RunE: func(c *cobra.Command, _ []string) error {
		_, err := s3.NewFromConfig(sdk(c.Context())).GetObject(c.Context(), pinned(&s3.GetObjectInput{}))
		return err
	}}
}

// parent makes the subcommands that it has itself.
func parent() *cobra.Command {
	c := &cobra.Command{Use: "parent"}
	c.AddCommand(&cobra.Command{Use: "child", RunE: func(c *cobra.Command, _ []string) error {
		_, err := s3.NewFromConfig(sdk(c.Context())).DeleteObject(c.Context(), &s3.DeleteObjectInput{})
		return err
	}})
	return c
}

func nothing() *cobra.Command {
	return &cobra.Command{Use: "nothing", Run: func(*cobra.Command, []string) { println("nothing") }}
}
