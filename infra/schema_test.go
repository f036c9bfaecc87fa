package main

import (
	"testing"
	"time"

	"dossier.example/infra/host/schema"
	"dossier.example/infra/parameters"
	"dossier.example/plan/graph"
)

// TestSchemaCommand compares the text that stands in the resource graph with the script that package schema renders and
// its tests run. By whichever way the command goes, the text is the same.
func TestSchemaCommand(t *testing.T) {
	overSSH := recorded(t, "maximal")
	if overSSH.graph.ByName("command:remote:Command", "dossier-jump-schema") == nil {
		t.Fatal("with operators, the command does not go over SSH")
	}
	managed := recorded(t, "dev")
	local := managed.graph.ByName("command:local:Command", "dossier-jump-schema")
	if local == nil {
		t.Fatal("without operators, the command does not go through Systems Manager")
	}
	want := "go run dossier.example/infra/cmd/runcommand --instance " + managed.graph.ByName("aws:ec2/instance:Instance", "dossier-jump").ID +
		" --region us-east-1 --timeout 30m0s"
	if got := graph.Text(local.Input("create")); got != want {
		t.Errorf("what is run is %q, want %q", got, want)
	}

	sameSchemaScript(t, managed)
	sameSchemaScript(t, overSSH)
}

// sameSchemaScript wants the script in the graph to be rendered from where things are.
func sameSchemaScript(t *testing.T, e documented) {
	t.Helper()
	path := "/dossier/" + e.settings.Stack
	script := schema.Script{
		Region: e.settings.Region, Bucket: graph.Text(e.graph.ByName("aws:s3/bucketV2:BucketV2", "dossier-storage-releases").Output("bucket")),
		Parameters: path, ReleaseParameter: path + "/" + parameters.Release, Wait: 10 * time.Minute,
	}
	want, err := script.Render()
	if err != nil {
		t.Fatal(err)
	}
	if got := schemaScript(t, e); got != want {
		t.Fatalf("the graph of %s holds the script\n%s\nwant\n%s", e.settings.Stack, got, want)
	}
}
