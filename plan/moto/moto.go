// Package moto builds what a resource graph describes in an AWS that other people wrote: moto
// (https://docs.getmoto.org), through the SDK's own clients, in the order of the dependencies; and reads back what is
// there then. An AWS of the program's own (package awsmodel) cannot contradict the program; this one refuses what
// refers to nothing and what its services do not take, and tells what it kept.
//
// What it does not prove: moto is lenient about many values, enforces no IAM policy, and starts nothing. Nor is the
// translation from inputs to requests the AWS provider's own; it is written after that, for the inputs that this
// program gives.
//
// Each file holds the types of one service: how one is created, and how it is read, in the names and the shape of its
// inputs. What was read is compared with all inputs, so that whatever gets lost on the way is found. Of inputs that
// moto forgets, the request is looked at instead; those that are not AWS's are listed with the reason. Only test code
// may import it; every way in wants a testing.TB.
package moto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"dossier.example/plan/graph"
)

// Account is an AWS account without anything in it, on a server of its own that ends with the test.
type Account struct {
	acm     *acm.Client
	alarms  *cloudwatch.Client
	db      *rds.Client
	ec2     *ec2.Client
	elb     *elasticloadbalancingv2.Client
	events  *eventbridge.Client
	groups  *autoscaling.Client
	iam     *iam.Client
	logs    *cloudwatchlogs.Client
	route53 *route53.Client
	s3      *s3.Client
	sns     *sns.Client
	ssm     *ssm.Client
	tables  *dynamodb.Client

	region string
	config aws.Config
	// files are the contents of assets, by their SHA-256.
	files map[string]string
	names *names
	built map[string]*built
	// sent are the requests since it was emptied last.
	sent []any
}

const (
	// startTime bounds the start of the server: two seconds are usual.
	startTime = time.Minute
	pollEvery = 25 * time.Millisecond
	// callTime bounds one request to it.
	callTime = 20 * time.Second
)

// Start starts a server with an empty account in a region. Where moto is not installed or does not start, the test is
// skipped.
func Start(t testing.TB, region string) *Account {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not on PATH (pip install 'moto[server]'): the stack is not built in moto")
	}
	url, err := serve(t, program)
	if err != nil {
		t.Skipf("moto_server is on PATH but does not start: the stack is not built in moto: %v", err)
	}
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		// Connections of its own: servers of other tests close those of the default transport when they end.
		HTTPClient: &http.Client{Timeout: callTime, Transport: http.DefaultTransport.(*http.Transport).Clone()},
		// What fails here fails again.
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	a := &Account{region: region, config: cfg.Copy(), files: map[string]string{}, names: &names{},
		built: map[string]*built{}}
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Sent", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			a.sent = append(a.sent, in.Parameters)
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	})
	a.acm = acm.NewFromConfig(cfg)
	// Moto does not have the protocol that the SDK speaks to CloudWatch by default.
	a.alarms = cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
		o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801)
	})
	a.db = rds.NewFromConfig(cfg)
	a.ec2 = ec2.NewFromConfig(cfg)
	a.elb = elasticloadbalancingv2.NewFromConfig(cfg)
	a.events = eventbridge.NewFromConfig(cfg)
	a.groups = autoscaling.NewFromConfig(cfg)
	a.iam = iam.NewFromConfig(cfg)
	a.logs = cloudwatchlogs.NewFromConfig(cfg)
	a.route53 = route53.NewFromConfig(cfg)
	a.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	a.sns = sns.NewFromConfig(cfg)
	a.ssm = ssm.NewFromConfig(cfg)
	a.tables = dynamodb.NewFromConfig(cfg)
	return a
}

// Config is for clients of the test's own. Moto wants the path style of S3, which an address of numbers has anyway, and
// knows an older protocol of CloudWatch than the SDK speaks by default.
func (a *Account) Config() aws.Config { return a.config.Copy() }

// Outputs are the stack's, with the names that things have in the account. Call it after Build.
func (a *Account) Outputs(g *graph.Graph) any { return a.names.in("output", g.Exports) }

// File tells where the content of an asset is.
func (a *Account) File(sha256, path string) { a.files[sha256] = path }

// Image lets an image of the account's stand for one that the program looked up or that its settings name.
func (a *Account) Image(t testing.TB, id string) {
	t.Helper()
	out, err := a.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []ec2types.Filter{
		{Name: aws.String("architecture"), Values: []string{"arm64"}},
		{Name: aws.String("state"), Values: []string{"available"}},
	}})
	if err != nil {
		t.Fatalf("looking for an image: %v", err)
	}
	if len(out.Images) == 0 {
		t.Fatal("the account offers no image for arm64")
	}
	a.names.set(id, aws.ToString(out.Images[0].ImageId))
}

// Zone makes the hosted zone that the settings name: the program expects it.
func (a *Account) Zone(t testing.TB, id, domain string) {
	t.Helper()
	out, err := a.route53.CreateHostedZone(t.Context(),
		&route53.CreateHostedZoneInput{Name: &domain, CallerReference: &id})
	if err != nil {
		t.Fatalf("making the hosted zone %s: %v", domain, err)
	}
	a.names.set(id, filepath.Base(aws.ToString(out.HostedZone.Id)))
}

// serve starts the server on a free port of its choice and returns its address.
func serve(t testing.TB, program string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// The shell ends the server when its own input ends, which it also does when the test's process is killed.
	cmd := exec.Command("sh", "-c", `exec 3<&0
"$0" -H 127.0.0.1 -p 0 3<&- & server=$!
(cat <&3 >/dev/null; kill -9 $server) 2>/dev/null &
wait $server`, program)
	// A certificate is issued at once instead of after a minute.
	cmd.Env = append(os.Environ(), "MOTO_ACM_VALIDATION_WAIT=0")
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is ended by a signal, or its log tells
		close(done)
	}()
	t.Cleanup(func() {
		_ = input.Close()
		<-done
	})
	listens := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	for {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if m := listens.FindSubmatch(text); m != nil && answers(ctx, string(m[1])) {
			return string(m[1]), nil
		}
		select {
		case <-done:
			text, err := os.ReadFile(path) // all of it
			return "", errors.Join(fmt.Errorf("it ended, its last words %q", lastLine(text)), err)
		case <-ctx.Done():
			return "", fmt.Errorf("it is not ready after %v, its last words %q", startTime, lastLine(text))
		case <-time.After(pollEvery):
		}
	}
}

func lastLine(text []byte) string { return last(strings.TrimSpace(string(text)), "\n") }

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/moto-api/", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}
