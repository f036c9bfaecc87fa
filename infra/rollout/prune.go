package rollout

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"dossier.example/infra/host/release"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/internal/pages"
)

const (
	// pruneTime bounds one pruning. It does not count against the time of the rollout, which has succeeded by then.
	pruneTime = 5 * time.Minute
	// spare is how many of the versions that are old enough to go stay all the same, the newest first. A version's
	// age does not say until when it served: one that was replaced a minute ago may be a year old, with failed ones
	// between it and its successor.
	spare = 3
	// maxVersions is how many versions one DeleteLaunchTemplateVersions takes.
	maxVersions = 200
)

// templates is the part of EC2's API in use.
type templates interface {
	DescribeLaunchTemplateVersions(
		context.Context, *ec2.DescribeLaunchTemplateVersionsInput, ...func(*ec2.Options),
	) (*ec2.DescribeLaunchTemplateVersionsOutput, error)
	DeleteLaunchTemplateVersions(
		context.Context, *ec2.DeleteLaunchTemplateVersionsInput, ...func(*ec2.Options),
	) (*ec2.DeleteLaunchTemplateVersionsOutput, error)
}

// objects is the part of S3's API in use.
type objects interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Pruner deletes the versions of a launch template that are no longer of use, and the releases that none of the
// others names.
type Pruner struct {
	// Groups, Templates and Objects are what is in use of AWS's API; the SDK's clients have it.
	Groups    groups
	Templates templates
	Objects   objects
	// Group is the name of the Auto Scaling group, Template the id of its launch template, Version the one that was
	// rolled out.
	Group, Template, Version string
	// Bucket holds the releases.
	Bucket string
	// Keep is for how long a version and a release stay whatever names them, and Now is from when that is counted.
	Keep time.Duration
	Now  time.Time
}

// Pruned is what was deleted.
type Pruned struct {
	Versions []int64
	// Releases are keys. In a bucket with versions the bytes stay as an old version, until the bucket's lifecycle
	// removes them.
	Releases []string
}

// Prune deletes nothing unless it could read everything: the group, its refresh, each version that stays, and the
// list of the releases. The error then says what could not be read. An error while it deletes leaves a part for the
// next time.
func (p Pruner) Prune(ctx context.Context) (Pruned, error) {
	var pruned Pruned
	versions, err := p.versions(ctx)
	if err != nil {
		return pruned, err
	}
	inUse, err := p.inUse(ctx)
	if err != nil {
		return pruned, err
	}
	kept, old := p.sort(versions, inUse)
	named, err := p.named(kept)
	if err != nil {
		return pruned, err
	}
	releases, err := p.releases(ctx)
	if err != nil {
		return pruned, err
	}
	if err := p.present(kept, releases); err != nil {
		return pruned, err
	}

	pruned.Versions, err = p.deleteVersions(ctx, old)
	if err != nil {
		return pruned, err
	}
	// What EC2 did not delete names its release as before.
	left := slices.DeleteFunc(old, func(v ec2types.LaunchTemplateVersion) bool {
		return slices.Contains(pruned.Versions, number(v))
	})
	more, err := p.named(left)
	if err != nil {
		return pruned, err
	}
	for _, r := range releases {
		if slices.Contains(named, r.key) || slices.Contains(more, r.key) || !p.over(&r.written) {
			continue
		}
		if err := p.deleteRelease(ctx, r.key); err != nil {
			return pruned, err
		}
		pruned.Releases = append(pruned.Releases, r.key)
	}
	return pruned, nil
}

// over reports whether something is older than what is kept in any case. What has no date is not.
func (p Pruner) over(made *time.Time) bool { return made != nil && p.Now.Sub(*made) > p.Keep }

func number(v ec2types.LaunchTemplateVersion) int64 { return aws.ToInt64(v.VersionNumber) }

// versions returns the versions of the template, the newest first.
func (p Pruner) versions(ctx context.Context) ([]ec2types.LaunchTemplateVersion, error) {
	all, err := pages.All(ctx, ec2.NewDescribeLaunchTemplateVersionsPaginator(p.Templates,
		&ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &p.Template}),
		func(page *ec2.DescribeLaunchTemplateVersionsOutput) []ec2types.LaunchTemplateVersion {
			return page.LaunchTemplateVersions
		})
	if err != nil {
		return nil, fmt.Errorf("describing the versions of %s: %w", p.Template, err)
	}
	slices.SortFunc(all, func(a, b ec2types.LaunchTemplateVersion) int { return int(number(b) - number(a)) })
	return all, nil
}

// inUse returns the versions that the group, an instance or a refresh names. A refresh that is rolled back goes to
// the group's.
func (p Pruner) inUse(ctx context.Context) ([]pin, error) {
	of := reader{groups: p.Groups, groupName: p.Group}
	group, err := of.describeGroup(ctx)
	if err != nil {
		return nil, err
	}
	active, err := of.activeRefresh(ctx)
	if err != nil {
		return nil, err
	}
	pins := []pin{{p.Template, p.Version}, pinOf(group.LaunchTemplate)}
	for _, i := range group.Instances {
		pins = append(pins, pinOf(i.LaunchTemplate))
	}
	if active != nil {
		pins = append(pins, desiredPin(active))
	}
	for _, pin := range pins {
		if pin.id != p.Template {
			return nil, fmt.Errorf("%s is also in use, but its releases are unknown: %s", describePin(pin), p.Group)
		}
	}
	return pins, nil
}

// sort divides the versions, newest first, into those that stay and those that are to go.
func (p Pruner) sort(versions []ec2types.LaunchTemplateVersion, inUse []pin) (kept,
	old []ec2types.LaunchTemplateVersion) {
	spared := 0
	for i, v := range versions {
		named := slices.Contains(inUse, pin{p.Template, strconv.FormatInt(number(v), 10)})
		switch {
		// The newest is Pulumi's, and $Latest; EC2 does not delete the default one.
		case i == 0, named, aws.ToBool(v.DefaultVersion), !p.over(v.CreateTime):
			kept = append(kept, v)
		case spared < spare:
			spared++
			kept = append(kept, v)
		default:
			old = append(old, v)
		}
	}
	return kept, old
}

// named returns the keys of the releases in the bucket that the versions name in their user-data.
func (p Pruner) named(versions []ec2types.LaunchTemplateVersion) ([]string, error) {
	var keys []string
	for _, v := range versions {
		text := ""
		if v.LaunchTemplateData != nil {
			text = aws.ToString(v.LaunchTemplateData.UserData)
		}
		script, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("decoding the user-data of version %d of %s: %w", number(v), p.Template, err)
		}
		bucket, key, found := userdata.Release(string(script))
		if !found {
			return nil, fmt.Errorf("the user-data of version %d of %s does not say which release it installs",
				number(v), p.Template)
		}
		if bucket == p.Bucket {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// stored is a release in the bucket.
type stored struct {
	key     string
	written time.Time
}

func (p Pruner) releases(ctx context.Context) ([]stored, error) {
	var all []stored
	pages := s3.NewListObjectsV2Paginator(p.Objects, &s3.ListObjectsV2Input{
		Bucket: &p.Bucket, Prefix: aws.String(release.Keys),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the releases in %s: %w", p.Bucket, err)
		}
		for _, o := range page.Contents {
			if o.Key != nil && o.LastModified != nil {
				all = append(all, stored{*o.Key, *o.LastModified})
			}
		}
	}
	return all, nil
}

// present checks that the version that was rolled out and its release are among what was read. Where they are not,
// something else was read than what serves.
func (p Pruner) present(kept []ec2types.LaunchTemplateVersion, releases []stored) error {
	i := slices.IndexFunc(kept, func(v ec2types.LaunchTemplateVersion) bool {
		return strconv.FormatInt(number(v), 10) == p.Version
	})
	if i < 0 {
		return fmt.Errorf("%s has no version %s", p.Template, p.Version)
	}
	keys, err := p.named(kept[i : i+1])
	if err != nil {
		return err
	}
	if len(keys) == 0 || !slices.ContainsFunc(releases, func(r stored) bool { return r.key == keys[0] }) {
		return fmt.Errorf("the release of version %s of %s is missing from %s: new instances cannot start; run pulumi "+
			"refresh and pulumi up",
			p.Version, p.Template, p.Bucket)
	}
	return nil
}

// deleteVersions returns the numbers of the versions that are gone.
func (p Pruner) deleteVersions(ctx context.Context, versions []ec2types.LaunchTemplateVersion) (gone []int64,
	err error) {
	for chunk := range slices.Chunk(versions, maxVersions) {
		in := &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: &p.Template}
		for _, v := range chunk {
			in.Versions = append(in.Versions, strconv.FormatInt(number(v), 10))
		}
		out, err := p.Templates.DeleteLaunchTemplateVersions(ctx, in)
		if err != nil {
			return gone, fmt.Errorf("deleting old versions of %s: %w", p.Template, err)
		}
		for _, v := range out.SuccessfullyDeletedLaunchTemplateVersions {
			gone = append(gone, aws.ToInt64(v.VersionNumber))
		}
	}
	return gone, nil
}

func (p Pruner) deleteRelease(ctx context.Context, key string) error {
	if _, err := p.Objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &key}); err != nil {
		return fmt.Errorf("deleting s3://%s/%s: %w", p.Bucket, key, err)
	}
	return nil
}

// prune runs after a rollout that succeeded, where a bucket of releases was named. What fails in it is told and fails
// nothing.
func (r *run) prune(ctx context.Context) {
	if r.bucket == "" {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pruneTime, errors.New("it took longer than "+pruneTime.String()))
	defer cancel()
	pruned, err := Pruner{
		Groups: r.scaling, Templates: r.templates, Objects: r.objects,
		Group: r.group, Template: r.want.id, Version: r.want.version, Bucket: r.bucket, Keep: r.keep, Now: time.Now(),
	}.Prune(ctx)
	r.result.PrunedVersions, r.result.PrunedReleases = len(pruned.Versions), len(pruned.Releases)
	if len(pruned.Versions)+len(pruned.Releases) > 0 {
		r.progress("deleted %s of %s and %s that are no longer used",
			count(len(pruned.Versions), "old version"), r.want.id, count(len(pruned.Releases), "release"))
	}
	if err != nil {
		r.progress("warning: the other old releases were kept; a later rollout will delete them: %s", err)
	}
}
