//go:build unix

// Cloud runs the app on this machine as it runs in AWS: its settings come from Parameter Store, people are kept by a
// MySQL server, files by an S3 server, their records by a DynamoDB server, and "dossier migrate" makes the schema
// first, as the administrator. "make cloud" runs it.
//
// Files are scanned by clamd, with the signatures of the tests: it finds the EICAR test file.
//
// "cloud run PROGRAM" starts the servers that the tests use, each a private one with credentials of its own, and the
// program. All of it ends with Ctrl-C, or with the program, and nothing stays.
//
// "cloud prepare" makes the bucket and the table at the servers that the AWS SDK's own variables name, for
// compose.yaml.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

const (
	// path is where the parameters are.
	path = "/dossier/cloud"
	// defaultListen is where the app listens unless told otherwise, as without a cloud.
	defaultListen = "localhost:8080"
	// stopTime is the patience with the app after Ctrl-C; its own is 30 s by default.
	stopTime = 45 * time.Second
	// prepareTime is the patience with servers that are starting.
	prepareTime = 2 * time.Minute
)

func main() {
	args := os.Args[1:]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &session{ctx: ctx}
	switch {
	case len(args) == 2 && args[0] == "run":
		s.run(func() { s.serve(args[1]) })
	case len(args) == 1 && args[0] == "prepare":
		s.run(s.prepare)
	default:
		s.Errorf(`usage: cloud run PROGRAM, where PROGRAM is what "make build" made ("make cloud" does both); cloud prepare`)
	}
	if s.failed {
		os.Exit(1)
	}
}

// prepare makes the bucket and the table, waiting for servers that are still starting.
func (s *session) prepare() {
	ctx, cancel := context.WithTimeout(s.ctx, prepareTime)
	defer cancel()
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		s.Fatalf("load the AWS SDK's settings: %v", err)
	}
	bucket, table, origin := os.Getenv("DOSSIER_BUCKET"), os.Getenv("DOSSIER_TABLE"), os.Getenv("DOSSIER_PUBLIC_URL")
	if bucket == "" || table == "" || origin == "" {
		s.Fatal("set DOSSIER_BUCKET, DOSSIER_TABLE and DOSSIER_PUBLIC_URL")
	}
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	for {
		err := errors.Join(
			teststores.Prepare(ctx, buckets, dynamodb.NewFromConfig(cfg), bucket, table),
			teststores.Allow(ctx, buckets, bucket, origin),
		)
		if err == nil {
			fmt.Printf("The bucket %s and the table %s are there.\n", bucket, table)
			return
		}
		select {
		case <-ctx.Done():
			s.Fatalf("not ready within %v: %v", prepareTime, err)
		case <-time.After(time.Second):
		}
	}
}

// serve starts everything and returns when the app has ended.
func (s *session) serve(program string) {
	fmt.Println("Starting a MySQL, an S3 and a DynamoDB server, a Parameter Store and clamd …")
	stores, clamd := teststores.Start(s), servers.StartClamd(s)
	listen := cmp.Or(os.Getenv("DOSSIER_LISTEN"), defaultListen)
	origin := cmp.Or(os.Getenv("DOSSIER_PUBLIC_URL"), "http://"+listen)
	if err := teststores.Allow(s.ctx, stores.Buckets(), stores.Bucket, origin); err != nil {
		s.Fatal(err)
	}
	staff := rand.Text()
	env := append(os.Environ(),
		"DOSSIER_PARAMETERS="+path, "DOSSIER_LISTEN="+listen, "DOSSIER_LOG_FORMAT="+cmp.Or(os.Getenv("DOSSIER_LOG_FORMAT"), "text"),
		"AWS_ENDPOINT_URL_SSM="+s.parameters(stores, clamd, staff),
		"AWS_ENDPOINT_URL_S3="+stores.S3.Endpoint, "AWS_ENDPOINT_URL_DYNAMODB="+stores.DynamoDB.Endpoint,
		"AWS_REGION="+stores.S3.Region, "AWS_ACCESS_KEY_ID="+stores.S3.AccessKey, "AWS_SECRET_ACCESS_KEY="+stores.S3.SecretKey,
		// Nobody's own credentials or settings may reach the servers here, or the real ones.
		"AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_ENDPOINT_URL=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
		"NO_PROXY=localhost,127.0.0.1",
	)
	s.command(program, env, "migrate", "up", "--wait", "1m")
	if s.ctx.Err() == nil {
		fmt.Printf("Staff sign in at %s/staff/sign-in#key=%s\nCtrl-C ends all of it, and nothing is kept.\n", origin, staff)
		s.command(program, env, "serve")
	}
}

// parameters serves what the stack writes to Parameter Store, and returns the endpoint.
func (s *session) parameters(stores *teststores.Servers, clamd *servers.Clamd, staff string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatalf("serve Parameter Store: %v", err)
	}
	text := func(value string) servers.Parameter { return servers.Parameter{Type: "String", Value: value} }
	secret := func(value string) servers.Parameter { return servers.Parameter{Type: "SecureString", Value: value} }
	store := servers.ParameterStore{}
	for name, p := range map[string]servers.Parameter{
		"db/host": text(stores.MySQL.Host), "db/port": text(strconv.Itoa(stores.MySQL.Port)), "db/name": text(stores.Database),
		"db/user": text(stores.User), "db/password": secret(stores.Password), "db/ca-file": text(stores.MySQL.CAFile),
		"db/admin/user": text(stores.MySQL.AdminUser), "db/admin/password": secret(stores.MySQL.AdminPassword),
		"bucket": text(stores.Bucket), "s3/path-style": text("true"), "table": text(stores.Table),
		"staff/secret": secret(staff), "scanner": text("clamd"), "scan/clamd": text(clamd.Socket),
	} {
		store[path+"/"+name] = p
	}
	server := &http.Server{Handler: store, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	s.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// command runs the program to its end.
func (s *session) command(program string, env []string, args ...string) {
	cmd := exec.CommandContext(s.ctx, program, args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, nil, os.Stdout, os.Stderr
	// A process group of its own, so that Ctrl-C reaches it once, by this program, which waits for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	err := cmd.Run()
	if err != nil && s.ctx.Err() == nil {
		s.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
}

// session is what the servers belong to (servers.T).
type session struct {
	ctx      context.Context
	cleanups []func()
	failed   bool
}

// errEnded is thrown where a session cannot go on.
var errEnded = errors.New("ended")

// run calls f, then what Cleanup was given.
func (s *session) run(f func()) {
	defer func() {
		for len(s.cleanups) > 0 {
			last := s.cleanups[len(s.cleanups)-1]
			s.cleanups = s.cleanups[:len(s.cleanups)-1]
			last()
		}
	}()
	defer func() {
		if v := recover(); v != nil && v != any(errEnded) {
			panic(v)
		}
	}()
	f()
}

func (s *session) Helper()                  {}
func (s *session) Context() context.Context { return s.ctx }
func (s *session) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }
func (s *session) Errorf(format string, args ...any) {
	s.failed = true
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
func (s *session) Fatalf(format string, args ...any) { s.Errorf(format, args...); panic(errEnded) }
func (s *session) Fatal(args ...any)                 { s.Fatalf("%s", fmt.Sprint(args...)) }
func (s *session) Skip(args ...any)                  { s.Fatal(args...) }
