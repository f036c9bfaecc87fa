// Command aws stands in for the AWS CLI on a jump server in tests. It knows the two calls that the schema script makes,
// in exactly the form that the script makes them in, and refuses everything else:
//
//	aws ssm get-parameter --region R --name N --query Parameter.Value --output text
//	aws s3api get-object --region R --bucket B --key K FILE
//
// Parameters come from the endpoint that AWS_ENDPOINT_URL_SSM names, objects from the folder STANDIN_S3, where key K in
// bucket B is the file B/K. Each call is noted in the file STANDIN_LOG.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		// The status of the AWS CLI when the service refuses.
		fmt.Fprintln(os.Stderr, "aws:", err)
		os.Exit(254)
	}
}

func run(args []string) error {
	if err := note(strings.Join(args, " ")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if values, ok := match(args, "ssm", "get-parameter", "--region", "", "--name", "", "--query", "Parameter.Value",
		"--output", "text"); ok {
		return parameter(ctx, values[1])
	}
	if values, ok := match(args, "s3api", "get-object", "--region", "", "--bucket", "", "--key", "", ""); ok {
		return object(values[1], values[2], values[3])
	}
	return fmt.Errorf("this stand-in does not know the call %q", args)
}

// match compares a command line with a pattern, and returns what stands in the pattern's empty places.
func match(args []string, pattern ...string) (values []string, ok bool) {
	if !slices.EqualFunc(args, pattern, func(a, p string) bool { return a == p || p == "" && a != "" }) {
		return nil, false
	}
	for i, p := range pattern {
		if p == "" {
			values = append(values, args[i])
		}
	}
	return values, true
}

func note(line string) (err error) {
	f, err := os.OpenFile(os.Getenv("STANDIN_LOG"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = fmt.Fprintln(f, line)
	return err
}

func parameter(ctx context.Context, name string) error {
	in, err := json.Marshal(map[string]string{"Name": name})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_SSM"), bytes.NewReader(in))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var out struct {
		Type      string `json:"__type"`
		Parameter struct{ Value string }
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&out); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("an error occurred (%s) when calling the GetParameter operation", out.Type)
	}
	fmt.Println(out.Parameter.Value)
	return nil
}

func object(bucket, key, file string) (err error) {
	from, err := os.Open(filepath.Join(os.Getenv("STANDIN_S3"), bucket, filepath.FromSlash(key)))
	if err != nil {
		return fmt.Errorf("an error occurred (NoSuchKey) when calling the GetObject operation: %w", err)
	}
	defer from.Close()
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	fmt.Println(`{"ServerSideEncryption": "AES256"}`)
	return nil
}
