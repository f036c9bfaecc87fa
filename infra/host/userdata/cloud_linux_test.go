package userdata

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// cloud is what a machine sees of AWS: the instance metadata service, the AWS CLI (a stand-in that asks here), and
// Parameter Store for the app's own client. It is strict about what it is asked: an unknown command, option or value
// fails the test.
type cloud struct {
	t *testing.T
	m *machine

	mu sync.Mutex
	// instance is the id that the metadata service tells.
	instance string
	// objects are the objects of S3 by bucket and key; faults are answers to give instead, by command, the first one
	// first.
	objects map[[2]string][]byte
	faults  map[string][]string
	// parameters are those of Parameter Store.
	parameters map[string]parameter
	// ssmRefuses makes Parameter Store answer the app so.
	ssmRefuses string
	// waiting reports whether the group waits for the instance's answer.
	waiting bool
	calls   []call
}

type parameter struct {
	secure bool
	value  string
}

// call is one that the AWS CLI was asked for.
type call struct {
	command string
	options map[string]string
	// events are those of put-log-events.
	events []string
}

const (
	// instanceID is what the metadata service of every machine tells.
	instanceID = "i-0123456789abcdef0"
	// cliAddress and ssmAddress are on the machine's loopback.
	cliAddress = "127.0.0.1:7001"
	ssmAddress = "127.0.0.1:7002"
	imdsToken  = "token-of-the-metadata-service"
)

// newCloud puts AWS around a machine.
func newCloud(t *testing.T, m *machine) *cloud {
	t.Helper()
	c := &cloud{t: t, m: m, instance: instanceID, objects: map[[2]string][]byte{}, faults: map[string][]string{},
		parameters: map[string]parameter{}, waiting: true}
	m.itself("/usr/bin/aws")
	c.connect()
	return c
}

// connect serves the machine's network, which is a new one after each start.
func (c *cloud) connect() {
	c.t.Helper()
	c.serve("169.254.169.254:80", c.imds)
	c.serve(cliAddress, c.cli)
	c.serve(ssmAddress, c.ssm)
}

func (c *cloud) serve(address string, h http.HandlerFunc) {
	c.t.Helper()
	l, err := listenIn(c.m.pid, address)
	if err != nil {
		c.t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	c.t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// imds is the instance metadata service, version 2 only.
func (c *cloud) imds(w http.ResponseWriter, r *http.Request) {
	const role = "dossier-dev-app"
	if r.URL.Path == "/latest/api/token" {
		if r.Method != http.MethodPut || r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") == "" {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		fmt.Fprint(w, imdsToken)
		return
	}
	if r.Header.Get("X-aws-ec2-metadata-token") != imdsToken {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case "/latest/meta-data/instance-id":
		c.mu.Lock()
		defer c.mu.Unlock()
		fmt.Fprint(w, c.instance)
	case "/latest/meta-data/iam/security-credentials/":
		fmt.Fprint(w, role)
	case "/latest/meta-data/iam/security-credentials/" + role:
		_ = json.NewEncoder(w).Encode(map[string]string{
			"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIATEST", "SecretAccessKey": "of-the-role",
			"Token":       "of-the-role",
			"LastUpdated": time.Now().UTC().Format(time.RFC3339),
			"Expiration":  time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339),
		})
	default:
		http.NotFound(w, r)
	}
}

// ssm is Parameter Store as the app asks it.
func (c *cloud) ssm(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil ||
		r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameters" {
		c.t.Errorf("Parameter Store was asked for %s: %v", r.Header.Get("X-Amz-Target"), err)
	}
	if r.Header.Get("X-Amz-Security-Token") != "of-the-role" ||
		!strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/ssm/aws4_request") {
		c.t.Errorf("Parameter Store was not asked with the role's credentials, or elsewhere: %s",
			r.Header.Get("Authorization"))
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ssmRefuses != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":"not authorized to perform: ssm:GetParameters"}`, c.ssmRefuses)
		return
	}
	type item struct{ Name, Type, Value string }
	out := struct{ Parameters []item }{}
	for _, name := range in.Names {
		if p, ok := c.parameters[name]; ok {
			out.Parameters = append(out.Parameters, item{name, "String", p.value})
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// cliRequest is one run of the AWS CLI's stand-in; cliAnswer what it shall do.
type cliRequest struct {
	Args   []string
	Region string
	// Events is the content of the file that put-log-events names.
	Events []byte
}

type cliAnswer struct {
	Status         int
	Stdout, Stderr string
	// File is to be written to the path that get-object names.
	Path string
	File []byte
}

// commands are those of the AWS CLI that hosts use, with their options; true: one without a value.
var commands = map[string]map[string]bool{
	"autoscaling complete-lifecycle-action": {
		"auto-scaling-group-name": false, "lifecycle-hook-name": false, "instance-id": false,
		"lifecycle-action-result": false},
	"s3api get-object":       {"bucket": false, "key": false},
	"ssm get-parameter":      {"name": false, "with-decryption": true, "query": false, "output": false},
	"logs create-log-stream": {"log-group-name": false, "log-stream-name": false},
	"logs put-log-events":    {"log-group-name": false, "log-stream-name": false, "log-events": false},
}

// cli answers the stand-in of the AWS CLI.
func (c *cloud) cli(w http.ResponseWriter, r *http.Request) {
	var in cliRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		c.t.Errorf("the AWS CLI's stand-in: %v", err)
		return
	}
	_ = json.NewEncoder(w).Encode(c.answer(in))
}

func (c *cloud) answer(in cliRequest) cliAnswer {
	usage := func(format string, args ...any) cliAnswer {
		text := fmt.Sprintf(format, args...)
		c.t.Errorf("the AWS CLI does not take %q: %s", in.Args, text)
		return cliAnswer{Status: 252, Stderr: text + "\n"}
	}
	if in.Region != "eu-central-1" {
		return usage("the region is %q", in.Region)
	}
	if len(in.Args) < 2 {
		return usage("no command")
	}
	made := call{command: in.Args[0] + " " + in.Args[1], options: map[string]string{}}
	known, ok := commands[made.command]
	if !ok {
		return usage("no such command")
	}
	var words []string
	for _, arg := range in.Args[2:] {
		option, isOption := strings.CutPrefix(arg, "--")
		if !isOption {
			words = append(words, arg)
			continue
		}
		name, value, hasValue := strings.Cut(option, "=")
		if flag, ok := known[name]; !ok || flag == hasValue {
			return usage("option %s", arg)
		}
		made.options[name] = value
	}
	if len(made.options) != len(known) {
		return usage("it lacks options")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.calls = append(c.calls, made) }()
	operation := in.Args[1]
	refuse := func(code, message string) cliAnswer {
		return cliAnswer{Status: 254,
			Stderr: fmt.Sprintf("\nAn error occurred (%s) when calling the %s operation: %s\n", code, operation,
				message)}
	}
	if faults := c.faults[made.command]; len(faults) > 0 {
		c.faults[made.command] = faults[1:]
		return refuse(faults[0], "so the test wants it")
	}
	o := made.options
	switch made.command {
	case "s3api get-object":
		if len(words) != 1 || !filepath.IsAbs(words[0]) {
			return usage("the file to write is %q", words)
		}
		content, ok := c.objects[[2]string{o["bucket"], o["key"]}]
		if !ok {
			return refuse("NoSuchKey", "The specified key does not exist.")
		}
		return cliAnswer{Stdout: "{\"ServerSideEncryption\": \"AES256\"}\n", Path: words[0], File: content}
	case "ssm get-parameter":
		p, ok := c.parameters[o["name"]]
		if !ok {
			return refuse("ParameterNotFound", "")
		}
		if o["query"] != "Parameter.Value" || o["output"] != "text" {
			return usage("it prints more than the value")
		}
		// --output text ends every value with a line end of its own.
		return cliAnswer{Stdout: p.value + "\n"}
	case "autoscaling complete-lifecycle-action":
		if !slices.Contains([]string{"CONTINUE", "ABANDON"}, o["lifecycle-action-result"]) ||
			o["instance-id"] != c.instance {
			return usage("result or instance")
		}
		if !c.waiting {
			return refuse("ValidationError", "No active Lifecycle Action found with instance ID "+o["instance-id"])
		}
		c.waiting = false
	case "logs put-log-events":
		var events []struct {
			Timestamp int64  `json:"timestamp"`
			Message   string `json:"message"`
		}
		if err := json.Unmarshal(in.Events, &events); err != nil || len(events) == 0 {
			return usage("the events are %s: %v", in.Events, err)
		}
		for _, e := range events {
			if at := time.UnixMilli(e.Timestamp); time.Since(at).Abs() > time.Hour || e.Message == "" {
				return usage("an event is from %v: %q", at, e.Message)
			}
			made.events = append(made.events, e.Message)
		}
		return cliAnswer{Stdout: "{}\n"}
	}
	return cliAnswer{}
}

// made returns the calls of one command.
func (c *cloud) made(command string) []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.calls), func(made call) bool { return made.command != command })
}

// answers are what the group was told, in order.
func (c *cloud) answers() []string {
	var out []string
	for _, made := range c.made("autoscaling complete-lifecycle-action") {
		out = append(out, made.options["lifecycle-action-result"])
	}
	return out
}

// forget drops the calls made so far.
func (c *cloud) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// set changes what the cloud answers, safely beside a running machine.
func (c *cloud) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// TestMain lets a copy of this test's program be the AWS CLI of a machine.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "aws" {
		os.Exit(awsCLI(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// awsCLI is the stand-in of the AWS CLI: it asks the cloud of the test what to do.
func awsCLI(args []string) int {
	in := cliRequest{Args: args, Region: os.Getenv("AWS_REGION")}
	for _, arg := range args {
		if path, ok := strings.CutPrefix(arg, "--log-events=file://"); ok {
			events, err := os.ReadFile(path)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 252
			}
			in.Events = events
		}
	}
	body, err := json.Marshal(in)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+cliAddress, bytes.NewReader(body))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	defer res.Body.Close()
	var out cliAnswer
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	if out.Path != "" {
		if err := os.WriteFile(out.Path, out.File, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 255
		}
	}
	_, _ = io.WriteString(os.Stdout, out.Stdout)
	_, _ = io.WriteString(os.Stderr, out.Stderr)
	return out.Status
}
