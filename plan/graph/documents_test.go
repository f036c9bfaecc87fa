package graph_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan/graph"
)

// TestDocuments: a policy that a program gives as an object is the text that the provider makes of it; a resource that
// goes by the name of a policy, and an object of another provider, stay what they are.
func TestDocuments(t *testing.T) {
	custom := func(ctx *pulumi.Context, token, name string, in pulumi.Map) (*pulumi.CustomResourceState, error) {
		var r pulumi.CustomResourceState
		return &r, ctx.RegisterResource(token, name, in, &r)
	}
	g, err := graph.Record("it", "dev", nil, func(ctx *pulumi.Context) error {
		bucket, err := custom(ctx, "aws:s3/bucketV2:BucketV2", "files", pulumi.Map{"bucket": pulumi.String("files")})
		if err != nil {
			return err
		}
		policy := func(id any) pulumi.Input {
			statement := map[string]any{"Effect": "Allow", "Principal": "*", "Action": []any{"s3:GetObject"},
				"Resource": pulumi.Sprintf("arn:aws:s3:::%s/*", id)}
			return pulumi.Any(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
		}
		for name, in := range map[string]struct {
			token string
			in    pulumi.Map
		}{
			"object": {"aws:s3/bucketPolicy:BucketPolicy", pulumi.Map{"policy": policy(bucket.ID())}},
			"text":   {"aws:s3/bucketPolicy:BucketPolicy", pulumi.Map{"policy": pulumi.String("{}")}},
			"secret": {"aws:s3/bucketPolicy:BucketPolicy",
				pulumi.Map{"policy": pulumi.ToSecret(policy("hidden-hidden"))}},
			"resource": {"aws:iot/policyAttachment:PolicyAttachment", pulumi.Map{"policy": bucket.URN()}},
			"tags":     {"aws:s3/bucketV2:BucketV2", pulumi.Map{"tags": pulumi.Map{"policy": pulumi.String("x")}}},
			"other":    {"example:index/it:It", pulumi.Map{"policy": pulumi.Map{"a": pulumi.String("b")}}},
		} {
			if _, err := custom(ctx, in.token, name, in.in); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	policies := map[string]any{}
	var id string
	for _, r := range g.Resources {
		policies[r.Name] = r.Inputs["policy"]
		if r.Name == "files" {
			id = r.ID
		}
	}
	want := `{"Statement":[{"Action":["s3:GetObject"],"Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::` + id +
		`/*"}],"Version":"2012-10-17"}`
	if policies["object"] != want {
		t.Errorf("an object is %v, want %s", policies["object"], want)
	}
	if policies["text"] != "{}" || policies["secret"] != graph.Secret {
		t.Errorf("a text is %v, a secret %v", policies["text"], policies["secret"])
	}
	if text, is := policies["resource"].(string); !is || !strings.HasPrefix(text, "urn:pulumi:") {
		t.Errorf("a resource is %v", policies["resource"])
	}
	if _, is := policies["other"].(map[string]any); !is {
		t.Errorf("an object of another provider is %v", policies["other"])
	}
}
