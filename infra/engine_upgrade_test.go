package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEngineUpgrade previews this program over the states that release 0.1.0 left, which are in testdata/state-0.1.0 as
// that release's program made them on the double of AWS. Whoever updates loses neither data nor the network beneath it.
func TestEngineUpgrade(t *testing.T) {
	for _, name := range []string{"dev", "prod"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, name, nil, fixed(t, "second release"))
			s.Import(uncompressed(t, filepath.Join("testdata", "state-0.1.0", name+".json.gz")))
			r := s.Preview()
			succeed(t, r)
			var gone []string
			for _, change := range r.Changes {
				operation, what, _ := strings.Cut(change, " ")
				token, _, _ := strings.Cut(what, " ")
				if operation != "create" && operation != "update" {
					gone = append(gone, change)
				}
				if operation != "update" && slices.Contains([]string{
					"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:rds/instance:Instance", "aws:dynamodb/table:Table",
					"aws:s3/bucketV2:BucketV2",
					"aws:lb/loadBalancer:LoadBalancer", "aws:ec2/natGateway:NatGateway", "aws:route53/record:Record",
					"random:index/randomPassword:RandomPassword",
				}, token) {
					t.Errorf("the update would %s", change)
				}
			}
			// Flow logs went to CloudWatch Logs then, and a release had another key.
			compareLines(t, gone, strings.ReplaceAll(`
				delete aws:cloudwatch/logGroup:LogGroup dossier-network-flow
				delete aws:iam/role:Role dossier-network-flow
				delete aws:iam/rolePolicy:RolePolicy dossier-network-flow
				replace aws:ec2/flowLog:FlowLog dossier-network
				replace aws:s3/bucketObjectv2:BucketObjectv2 dossier-storage-release
				replace command:local:Command dossier-rollout`, "\t", ""))
		})
	}
}

// uncompressed reads a file that gzip made.
func uncompressed(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(text)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
