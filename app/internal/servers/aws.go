//go:build unix

package servers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// AWS is a server that answers as one of AWS's services.
type AWS struct {
	// Endpoint is the base URL.
	Endpoint string
	// Region, AccessKey and SecretKey sign the requests.
	Region, AccessKey, SecretKey string
	// Data is where S3's buckets are, each a folder in which every object is the file of its key; empty for other
	// servers.
	Data string
	*Process
}

// Config returns the settings for a client of the AWS SDK: the endpoint, the region and static credentials. Retries are
// the SDK's own.
func (a *AWS) Config() aws.Config {
	return aws.Config{
		Region:       a.Region,
		BaseEndpoint: aws.String(a.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(a.AccessKey, a.SecretKey, ""),
	}
}

// S3 starts versitygw. It is strict: signatures and checksums are verified. It keeps objects as files with extended
// attributes, which the temporary folder's file system must have. There are no buckets in it yet; they may keep
// versions.
func S3(t T) *AWS {
	t.Helper()
	program := require(t, "versitygw", "versitygw")
	a := &AWS{Region: "us-east-1", AccessKey: secret(), SecretKey: secret()}
	dir := tempDir(t, "s3")
	data, versions := filepath.Join(dir, "data"), filepath.Join(dir, "versions")
	for _, folder := range []string{data, versions} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	a.Data = data
	a.run(t, dir, server{
		name: "versitygw",
		command: func(dir string, port int) *exec.Cmd {
			cmd := exec.Command(program, "--port", address(port), "--quiet", "--region", a.Region, "posix",
				"--versioning-dir", versions, data)
			cmd.Env = environment(dir, "ROOT_ACCESS_KEY="+a.AccessKey, "ROOT_SECRET_KEY="+a.SecretKey)
			return cmd
		},
		ready: func(ctx context.Context, port int) error {
			_, err := s3.NewFromConfig(a.once(port)).ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		},
	})
	return a
}

// DynamoDB starts dynalite. It accepts any credentials, and has no transactions, TTL or point-in-time recovery. There
// are no tables in it yet.
func DynamoDB(t T) *AWS {
	t.Helper()
	program := require(t, "dynalite", "dynalite")
	if _, ok := find("node"); !ok {
		Missing(t, "node, which dynalite needs, is not installed")
	}
	a := &AWS{Region: "us-east-1", AccessKey: secret(), SecretKey: secret()}
	dir := tempDir(t, "dynamodb")
	// It ends when a client goes away in the middle of a request, as one does that is killed. DynamoDB does not.
	const patient = "process.on('uncaughtException', (e) => { if (e.code !== 'ECONNRESET') { console.error(e); " +
		"process.exit(1); } });\n"
	if err := os.WriteFile(filepath.Join(dir, "patient.cjs"), []byte(patient), 0o644); err != nil {
		t.Fatal(err)
	}
	a.run(t, dir, server{
		name: "dynalite",
		command: func(dir string, port int) *exec.Cmd {
			// Tables pass through CREATING and DELETING as in AWS, only sooner.
			cmd := exec.Command(program, "--host", "127.0.0.1", "--port", strconv.Itoa(port),
				"--createTableMs", "20", "--updateTableMs", "20", "--deleteTableMs", "20")
			// In memory it takes a quarter less, and nobody restarts a server that others use.
			if _, shared := t.(lasting); !shared {
				cmd.Args = append(cmd.Args, "--path", filepath.Join(dir, "data"))
			}
			cmd.Env = append(environment(dir), "NODE_OPTIONS=--require="+filepath.Join(dir, "patient.cjs"))
			return cmd
		},
		ready: func(ctx context.Context, port int) error {
			_, err := dynamodb.NewFromConfig(a.once(port)).ListTables(ctx, &dynamodb.ListTablesInput{})
			return err
		},
		says: "istening at",
	})
	return a
}

func (a *AWS) run(t T, dir string, s server) {
	t.Helper()
	a.Process = launch(t, dir, s)
	a.Endpoint = "http://" + address(a.port)
}

// once is Config for a single try at a server that may not be there yet.
func (a *AWS) once(port int) aws.Config {
	c := a.Config()
	c.BaseEndpoint = aws.String("http://" + address(port))
	c.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return c
}
