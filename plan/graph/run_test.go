package graph

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// TestMain lets the test's own executable be the program that Run runs.
func TestMain(m *testing.M) {
	switch os.Getenv("DOSSIER_TEST_PROGRAM") {
	case "":
		os.Exit(m.Run())
	case "fails":
		pulumi.Run(func(*pulumi.Context) error { return errors.New("no such zone") })
	case "panics":
		panic("on purpose")
	default:
		pulumi.Run(ran)
	}
}

// ran has a component, what refers to another, a secret, a lookup and an output.
func ran(ctx *pulumi.Context) error {
	var component pulumi.ResourceState
	if err := ctx.RegisterComponentResource("test:index:Component", "part", &component); err != nil {
		return err
	}
	var password, bucket, object, found pulumi.CustomResourceState
	if err := ctx.RegisterResource("random:index/randomPassword:RandomPassword", "password", pulumi.Map{"length": pulumi.Int(20)}, &password); err != nil {
		return err
	}
	name := config.New(ctx, "test").Require("bucket")
	if err := ctx.RegisterResource("aws:s3/bucketV2:BucketV2", "bucket", pulumi.Map{"bucketPrefix": pulumi.String(name)}, &bucket, pulumi.Parent(&component)); err != nil {
		return err
	}
	if err := ctx.RegisterResource("aws:s3/bucketObjectv2:BucketObjectv2", "object", pulumi.Map{
		"bucket": bucket.ID(), "key": pulumi.String("k"), "content": pulumi.ToSecret(pulumi.String("hidden, and long enough to be one")),
	}, &object, pulumi.DependsOn([]pulumi.Resource{&password}), pulumi.IgnoreChanges([]string{"tags"})); err != nil {
		return err
	}
	if err := ctx.ReadResource("aws:ec2/vpc:Vpc", "found", pulumi.ID("vpc-1"), nil, &found); err != nil {
		return err
	}
	ctx.Export("bucket", bucket.ID())
	return nil
}

func self(t *testing.T, kind string) Program {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Program{Path: path, Dir: t.TempDir(), Env: []string{"DOSSIER_TEST_PROGRAM=" + kind, "HOME=" + t.TempDir()}}
}

// TestRun: an executable gives the graph that the same program gives within the process.
func TestRun(t *testing.T) {
	settings := map[string]string{"aws:region": "eu-central-1", "test:bucket": "files"}
	want, err := Record("test", "dev", settings, ran)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Run(t.Context(), self(t, "ran"), Before{}, "test", "dev", settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Resources) != len(want.Resources) || len(got.Resources) < 5 {
		t.Fatalf("%d resources, want %d", len(got.Resources), len(want.Resources))
	}
	for i, r := range got.Resources {
		if !reflect.DeepEqual(r, want.Resources[i]) {
			t.Errorf("got\n%+v, want\n%+v", r, want.Resources[i])
		}
	}
	if !reflect.DeepEqual(got.Exports, want.Exports) {
		t.Errorf("outputs %v, want %v", got.Exports, want.Exports)
	}
}

// TestRunAfter: what is replaced has another id for what comes after it, and what stays keeps its own.
func TestRunAfter(t *testing.T) {
	settings := map[string]string{"aws:region": "eu-central-1", "test:bucket": "files"}
	old, err := Record("test", "dev", settings, ran)
	if err != nil {
		t.Fatal(err)
	}
	const bucket, object = "aws:s3/bucketV2:BucketV2", "aws:s3/bucketObjectv2:BucketObjectv2"
	for _, replaced := range []bool{false, true} {
		now, err := Run(t.Context(), self(t, "ran"), Before{Graph: old, Renew: func(was, is *Resource) Renewal {
			if was.URN != is.URN {
				t.Errorf("%s came of %s", is.URN, was.URN)
			}
			return Renewal{Replaced: replaced && is.Token == bucket}
		}}, "test", "dev", settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		was, is := old.ByName(object, "object"), now.ByName(object, "object")
		if same := was.Same(is, "bucket"); same == replaced {
			t.Errorf("the bucket was replaced: %t; the object's bucket stayed: %t", replaced, same)
		}
		if !was.Same(is, "content") || is.Inputs["content"] != Secret {
			t.Errorf("the secret is %v, and not what it was", is.Inputs["content"])
		}
	}
}

func TestRunFails(t *testing.T) {
	settings := map[string]string{"test:bucket": "files"}
	for kind, want := range map[string]string{"fails": "no such zone", "panics": "on purpose"} {
		_, err := Run(t.Context(), self(t, kind), Before{}, "test", "dev", settings, nil)
		if failed, is := errors.AsType[*ProgramError](err); !is || !strings.Contains(failed.Said, want) {
			t.Errorf("a program that %s: %v", kind, err)
		}
	}
	missing := self(t, "ran")
	missing.Path = filepath.Join(t.TempDir(), "none")
	if _, err := Run(t.Context(), missing, Before{}, "test", "dev", settings, nil); !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := Run(ctx, self(t, "ran"), Before{}, "test", "dev", settings, nil); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("a run that is given up: %v", err)
	}
}
