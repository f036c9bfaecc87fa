package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"dossier.example/plan/internal/apart"
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
	case "hangs":
		if err := left(); err != nil {
			panic(err)
		}
		fmt.Println("still here")
		select {}
	case "leaves":
		if err := left(); err != nil {
			panic(err)
		}
		pulumi.Run(ran)
	case "prints":
		for line := bytes.Repeat([]byte("much "), 1<<10); ; {
			if _, err := os.Stdout.Write(line); err != nil {
				panic(err)
			}
		}
	case "registers":
		pulumi.Run(registers)
	case "foreign":
		pulumi.Run(foreign)
	case "aliases":
		pulumi.Run(aliased)
	case "spies":
		pulumi.Run(spies)
	case "uploads":
		pulumi.Run(uploads)
	case "asks":
		// A plan's own process, which was started with a token, and the program that looks for it.
		executable, err := os.Executable()
		if err != nil {
			panic(err)
		}
		_, err = Run(context.Background(),
			Program{Path: executable, Dir: "project", Env: []string{"DOSSIER_TEST_PROGRAM=spies"}},
			Before{}, "test", "dev", map[string]string{"test:address": os.Getenv("DOSSIER_TEST_ADDRESS"),
				"test:home": os.Getenv("HOME")}, nil)
		fmt.Println(err)
	default:
		pulumi.Run(ran)
	}
}

// ran has a component, what refers to another, a secret, a lookup and an output.
func ran(ctx *pulumi.Context) error {
	var component pulumi.ResourceState
	if err := part(ctx, &component); err != nil {
		return err
	}
	var password, bucket, object, found pulumi.CustomResourceState
	if err := made(ctx, "random:index/randomPassword:RandomPassword", "password",
		pulumi.Map{"length": pulumi.Int(20)}, &password); err != nil {
		return err
	}
	name := config.New(ctx, "test").Require("bucket")
	if err := made(ctx, "aws:s3/bucketV2:BucketV2", "bucket",
		pulumi.Map{"bucketPrefix": pulumi.String(name)}, &bucket, pulumi.Parent(&component)); err != nil {
		return err
	}
	if err := made(ctx, "aws:s3/bucketObjectv2:BucketObjectv2", "object", pulumi.Map{
		"bucket": bucket.ID(), "key": pulumi.String("k"),
		"content": pulumi.ToSecret(pulumi.String("hidden, and long enough to be one")),
	}, &object, pulumi.DependsOn([]pulumi.Resource{&password}), pulumi.IgnoreChanges([]string{"tags"})); err != nil {
		return err
	}
	if err := ctx.ReadResource("aws:ec2/vpc:Vpc", "found", pulumi.ID("vpc-1"), nil, &found); err != nil {
		return err
	}
	ctx.Export("bucket", bucket.ID())
	return nil
}

// part and made are constructors as an SDK has them: what calls them is what registers a resource.
func part(ctx *pulumi.Context, r pulumi.ComponentResource) error {
	return ctx.RegisterComponentResource("test:index:Component", "part", r)
}

func made(ctx *pulumi.Context, token, name string, in pulumi.Map, r pulumi.CustomResource,
	opts ...pulumi.ResourceOption) error {
	return ctx.RegisterResource(token, name, in, r, opts...)
}

// registers registers without an end, one after the other.
func registers(ctx *pulumi.Context) error {
	text := strings.Repeat("much", 1<<20)
	var before []pulumi.Resource
	for i := range 1 << 7 {
		var r pulumi.CustomResourceState
		if err := ctx.RegisterResource("aws:sns/topic:Topic", fmt.Sprint(i),
			pulumi.Map{"displayName": pulumi.String(text)}, &r, pulumi.DependsOn(before)); err != nil {
			return err
		}
		before = []pulumi.Resource{&r}
	}
	return nil
}

// spies looks for what others were started with, and for somebody to tell it.
func spies(ctx *pulumi.Context) error {
	var found []string
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return err
	}
	for _, file := range environments {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("DOSSIER_TEST_TOKEN=")) {
			found = append(found, "a token")
		}
	}
	for _, file := range []string{"secret", "project/.git/config", "project/shown"} {
		if _, err := os.ReadFile(filepath.Join(config.New(ctx, "test").Require("home"), file)); err == nil {
			found = append(found, file)
		}
	}
	if conn, err := net.DialTimeout("tcp", config.New(ctx, "test").Require("address"), 10*time.Second); err == nil {
		_ = conn.Close()
		found = append(found, "the network")
	}
	return fmt.Errorf("found %q in %d places", found, len(environments))
}

func self(t *testing.T, kind string) Program {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Program{Path: path, Dir: t.TempDir(),
		Env: []string{"DOSSIER_TEST_PROGRAM=" + kind, "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}}
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

// TestSource: every resource that a program registers is known by the line that does it, in a file of the repository;
// where the program's code is elsewhere, by none.
func TestSource(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("run_test.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	settings := map[string]string{"aws:region": "eu-central-1", "test:bucket": "files"}
	for root, want := range map[string]string{here: "run_test.go", filepath.Dir(here): "graph/run_test.go",
		t.TempDir(): ""} {
		program := self(t, "ran")
		program.Root = root
		g, err := Run(t.Context(), program, Before{}, "test", "dev", settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range g.Resources {
			if r.Read || strings.HasPrefix(r.Token, "pulumi:") {
				continue
			}
			if r.Source.File != want || (r.Source.Line > 0) != (want != "") {
				t.Errorf("with the repository at %s, %s is at %+v, want %q", root, r, r.Source, want)
			}
			text := lines[max(0, r.Source.Line-1)]
			if want != "" && !strings.Contains(text, "made(ctx") && !strings.Contains(text, "part(ctx") {
				t.Errorf("%s is registered at line %d, which is %q", r, r.Source.Line, text)
			}
		}
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
	if _, err := Run(t.Context(), missing, Before{}, "test", "dev", settings, nil); !errors.Is(err, exec.ErrNotFound) &&
		!errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := Run(ctx, self(t, "ran"), Before{}, "test", "dev", settings, nil); err == nil ||
		!strings.Contains(err.Error(), "enough") {
		t.Errorf("a run that is given up: %v", err)
	}
}

// TestRunIsApart: a program finds neither what this process was started with nor the network, and of its files no more
// than the repository's own, without what git keeps.
func TestRunIsApart(t *testing.T) {
	if why := apart.Isolated(); why != "" {
		t.Skip(why)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := self(t, "asks")
	for _, name := range []string{"secret", "project/.git/config", "project/shown"} {
		file := filepath.Join(p.Dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), p.Path)
	cmd.Dir, cmd.Env = p.Dir,
		append(p.Env, "HOME="+p.Dir, "DOSSIER_TEST_TOKEN=secret", "DOSSIER_TEST_ADDRESS="+listener.Addr().String())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `found ["project/shown"] in `) ||
		strings.Contains(string(out), "in 0 places") {
		t.Errorf("it says %s, %v", out, err)
	}
}
