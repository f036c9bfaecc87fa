package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/host/userdata"
	"dossier.example/infra/rollout"
	"dossier.example/plan/engine"
)

// TestEngineReleases lets releases come, fail, be gone back to and age, for over a year. Whatever AWS may start at
// any time can be installed at that time, and in the end what is old is gone.
func TestEngineReleases(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	var of []made
	for n := range 10 {
		of = append(of, fixed(t, fmt.Sprintf("release %d", n)))
	}
	s := newStack(t, "dev", nil, of[1])
	r := &releases{Stack: s, t: t, kept: true}
	s.Cloud.Run(r.run)

	r.up("release 1", of[1])
	r.fails("release 2", of[2])
	s.Cloud.Pass(2)
	r.up("back to release 1", of[1])
	r.pass("a month later", 40)
	unchanged(t, "a run a month later", s.Up())
	for n := 3; n <= 6; n++ {
		r.up(fmt.Sprintf("release %d", n), of[n])
		r.pass(fmt.Sprintf("a month after release %d", n), 40)
	}
	r.fails("release 7", of[7])
	r.pass("a month after release 7 failed", 40)
	r.up("release 8", of[8])
	r.pass("a month after release 8", 40)
	r.expectReleases(of[5], of[6], of[7], of[8])
	for _, gone := range of[1:5] {
		if _, found := s.Cloud.Object(r.bucket(), gone.release.Key); found {
			t.Errorf("%s is kept although nothing names it any more", gone.release.Key)
		}
	}
	r.up("back to release 1, which is gone", of[1])
	r.pass("a month after that", 40)
	unchanged(t, "a run after all of them", s.Up())
	succeed(t, s.Refresh())
	unchanged(t, "a run after a refresh", s.Up())
	gone(t, s)
}

// TestEngineReleasesOfBefore begins with a stack whose objects Pulumi deletes, under keys of their former form. Its
// first update may fail and be gone back from.
func TestEngineReleasesOfBefore(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	first, second, third := fixed(t, "release 1"), fixed(t, "release 2"), fixed(t, "release 3")
	before := func(m made) pulumi.RunFunc {
		m.release.Key = "releases/" + m.release.SHA256 + ".tar.gz"
		return func(ctx *pulumi.Context) error {
			deleted := func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
				if args.Type+" "+args.Name != releaseName {
					return nil
				}
				return &pulumi.ResourceTransformationResult{
					Props: args.Props, Opts: append(args.Opts, pulumi.RetainOnDelete(false)),
				}
			}
			if err := ctx.RegisterStackTransformation(deleted); err != nil {
				return err
			}
			return stack(m)(ctx)
		}
	}
	s := newStack(t, "dev", nil, first)
	r := &releases{Stack: s, t: t}
	s.Cloud.Run(r.run)
	for _, m := range []made{first, second} {
		s.Program(before(m))
		succeed(t, s.Up())
	}
	r.fails("release 3", third)
	r.up("back to release 2", second)
	r.pass("a month later", 40)
	for range 2 {
		r.up("release 3", third)
		r.pass("a month after release 3", 40)
		r.up("release 2", second)
		r.pass("a month after release 2", 40)
		r.kept = true // the versions of before are gone
	}
	r.expectReleases(second, third)
	gone(t, s)
}

// releases is a stack whose rollouts prune as cmd/rollout does.
type releases struct {
	*engine.Stack
	t *testing.T
	// kept: each version of the template must be installable, not only what the group and the parameter name.
	kept bool
	// broken: the next rollout fails, and AWS leaves the group as it was.
	broken bool
}

var errBroken = errors.New("the instance refresh ended as RollbackSuccessful")

func (r *releases) run(c engine.Command) (string, error) {
	if strings.Contains(c.Script, "cmd/rollout") && r.broken {
		return "", errBroken
	}
	out, err := rollouts(r.Cloud)(c)
	if err != nil || !strings.Contains(c.Script, "cmd/rollout") {
		return out, err
	}
	keep, err := time.ParseDuration(c.Environment[rollout.EnvKeep])
	if err != nil {
		return "", err
	}
	api := apiOf{r.Cloud}
	_, err = rollout.Pruner{
		Groups: api, Templates: api, Objects: api,
		Group: c.Environment[rollout.EnvGroup], Template: c.Environment[rollout.EnvTemplate],
		Version: c.Environment[rollout.EnvVersion], Bucket: c.Environment[rollout.EnvReleases],
		Keep: keep, Now: at(r.Cloud.Day()).Add(12 * time.Hour),
	}.Prune(context.Background())
	return "", err
}

func (r *releases) up(what string, m made) {
	r.t.Helper()
	r.Program(stack(m))
	if result := r.Up(); result.Err != nil {
		r.t.Fatalf("%s: %v", what, result.Err)
	}
	r.installable(what)
}

func (r *releases) fails(what string, m made) {
	r.t.Helper()
	r.Program(stack(m))
	r.broken = true
	defer func() { r.broken = false }()
	if result := r.Up(); result.Err == nil || !strings.Contains(result.Err.Error(), errBroken.Error()) {
		r.t.Fatalf("%s: the rollout should have failed: %v", what, result.Err)
	}
	r.installable(what + ", whose rollout failed")
}

func (r *releases) pass(what string, days int) {
	r.t.Helper()
	r.Cloud.Pass(days)
	r.installable(what)
}

func (r *releases) get(name string) engine.Resource {
	r.t.Helper()
	token, name, _ := strings.Cut(name, " ")
	found, there := r.Cloud.Get(token, name)
	if !there {
		r.t.Fatalf("there is no %s", name)
	}
	return found
}

func (r *releases) bucket() string {
	return r.get("aws:s3/bucketV2:BucketV2 dossier-storage-releases").ID
}

// installable checks that what an instance would fetch is in the bucket, with the bytes that it wants: one that the
// group starts, one that each version of the template is for, and the jump server.
func (r *releases) installable(when string) {
	r.t.Helper()
	group := r.get(groupName).Inputs["launchTemplate"].ObjectValue()
	serves, found := group["version"].StringValue(), false
	for _, v := range r.Cloud.TemplateVersions(group["id"].StringValue()) {
		current := strconv.Itoa(v.Number) == serves
		found = found || current
		if !current && !r.kept {
			continue
		}
		script, err := base64.StdEncoding.DecodeString(v.UserData)
		if err != nil {
			r.t.Fatal(err)
		}
		bucket, key, _ := userdata.Release(string(script))
		r.fetch(fmt.Sprintf("%s: version %d (the group has %s)", when, v.Number, serves), bucket, key)
	}
	if !found {
		r.t.Errorf("%s: the group has version %s, which is gone", when, serves)
	}
	parameter := r.get("aws:ssm/parameter:Parameter dossier-parameters-release").Inputs["value"]
	if parameter.IsSecret() {
		parameter = parameter.SecretValue().Element
	}
	key, _, _ := strings.Cut(parameter.StringValue(), " ")
	r.fetch(when+": the schema command", r.bucket(), key)
}

func (r *releases) fetch(who, bucket, key string) {
	r.t.Helper()
	if o, found := r.Cloud.Object(bucket, key); !found || !strings.Contains(key, o.SHA256) || o.SHA256 == "" {
		r.t.Errorf("%s cannot install s3://%s/%s: found: %t, SHA-256 %q", who, bucket, key, found, o.SHA256)
	}
}

// expectReleases: the bucket holds these releases, and no other version of anything.
func (r *releases) expectReleases(want ...made) {
	r.t.Helper()
	var keys, got []string
	for _, m := range want {
		keys = append(keys, m.release.Key)
	}
	for _, o := range r.Cloud.Objects(r.bucket()) {
		got = append(got, o.Key)
	}
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		r.t.Errorf("the releases are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(keys, "\n"))
	}
	if n := r.Cloud.Versions(r.bucket()); n != len(got) {
		r.t.Errorf("the bucket holds %d versions and markers of %d objects", n, len(got))
	}
}

// at is the morning of a day of the double's.
func at(day int) time.Time { return time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC) }

// apiOf answers what a Pruner asks of AWS from a double.
type apiOf struct{ *engine.Cloud }

func (a apiOf) DescribeAutoScalingGroups(
	context.Context, *autoscaling.DescribeAutoScalingGroupsInput, ...func(*autoscaling.Options),
) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	r, found := a.Get("aws:autoscaling/group:Group", "dossier-app")
	if !found {
		return &autoscaling.DescribeAutoScalingGroupsOutput{}, nil
	}
	of := r.Inputs["launchTemplate"].ObjectValue()
	template := &scaling.LaunchTemplateSpecification{
		LaunchTemplateId: aws.String(of["id"].StringValue()), Version: aws.String(of["version"].StringValue()),
	}
	return &autoscaling.DescribeAutoScalingGroupsOutput{AutoScalingGroups: []scaling.AutoScalingGroup{{
		AutoScalingGroupName: &r.ID, LaunchTemplate: template,
		Instances: []scaling.Instance{{LaunchTemplate: template}},
	}}}, nil
}

func (a apiOf) DescribeInstanceRefreshes(
	context.Context, *autoscaling.DescribeInstanceRefreshesInput, ...func(*autoscaling.Options),
) (*autoscaling.DescribeInstanceRefreshesOutput, error) {
	return &autoscaling.DescribeInstanceRefreshesOutput{}, nil
}

func (a apiOf) DescribeLaunchTemplateVersions(
	_ context.Context, in *ec2.DescribeLaunchTemplateVersionsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	out := &ec2.DescribeLaunchTemplateVersionsOutput{}
	for _, v := range a.TemplateVersions(*in.LaunchTemplateId) {
		out.LaunchTemplateVersions = append(out.LaunchTemplateVersions, ec2types.LaunchTemplateVersion{
			VersionNumber: aws.Int64(int64(v.Number)), DefaultVersion: &v.Default, CreateTime: aws.Time(at(v.Day)),
			LaunchTemplateData: &ec2types.ResponseLaunchTemplateData{UserData: &v.UserData},
		})
	}
	return out, nil
}

func (a apiOf) DeleteLaunchTemplateVersions(
	_ context.Context, in *ec2.DeleteLaunchTemplateVersionsInput, _ ...func(*ec2.Options),
) (*ec2.DeleteLaunchTemplateVersionsOutput, error) {
	out := &ec2.DeleteLaunchTemplateVersionsOutput{}
	for _, text := range in.Versions {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		if err := a.DeleteTemplateVersions(*in.LaunchTemplateId, n); err != nil {
			return nil, err
		}
		out.SuccessfullyDeletedLaunchTemplateVersions = append(out.SuccessfullyDeletedLaunchTemplateVersions,
			ec2types.DeleteLaunchTemplateVersionsResponseSuccessItem{VersionNumber: aws.Int64(int64(n))})
	}
	return out, nil
}

func (a apiOf) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input,
	_ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out := &s3.ListObjectsV2Output{}
	for _, o := range a.Objects(*in.Bucket) {
		if strings.HasPrefix(o.Key, *in.Prefix) {
			out.Contents = append(out.Contents, s3types.Object{Key: &o.Key, LastModified: aws.Time(at(o.Day))})
		}
	}
	return out, nil
}

func (a apiOf) DeleteObject(_ context.Context, in *s3.DeleteObjectInput,
	_ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	a.Cloud.DeleteObject(*in.Bucket, *in.Key)
	return &s3.DeleteObjectOutput{}, nil
}
