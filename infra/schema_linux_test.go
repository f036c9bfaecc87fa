package main

import (
	"testing"
	"time"

	"dossier.example/infra/host/schema"
	"dossier.example/infra/host/schema/schematest"
	"dossier.example/infra/parameters"
	"dossier.example/plan/graph"
)

// TestSchemaCommand runs, over SSH on a host that plays the jump server, the very text that stands in the resource
// graph. By whichever way the command goes, the text is the same.
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
	schematest.Suite(t, repository, sameSchemaScript(t, overSSH), schemaScript(t, overSSH))
}

// sameSchemaScript returns what the script in the graph was rendered from: where it looks for things.
func sameSchemaScript(t *testing.T, e documented) schema.Script {
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
	return script
}
