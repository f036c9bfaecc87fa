// Package storage builds the stores of bytes and records: the bucket of files, the bucket of releases, the table of
// files' records, and the bucket of access logs. main.go imports it.
package storage

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/host/release"
)

// Args is what a Storage is built from.
type Args struct {
	// Logs receives the buckets' access logs.
	Logs *Logs
	// Origin is the site's, from whose pages browsers may send parts of files to S3, and Others are those of other
	// sites that may as well.
	Origin pulumi.StringInput
	Others []string
	// DeletedDays is for how many days a deleted file can still be got back.
	DeletedDays int
	// ReleaseDays is for how many days a release is kept as an old version after it was deleted.
	ReleaseDays int
	// Release is the release of the app to keep.
	Release release.Release
	// Protect keeps the files and the table from being destroyed with the stack.
	Protect bool
	// MalwareProtection has GuardDuty scan the files.
	MalwareProtection bool
	// Region and Account are the stack's; Account is the id of the AWS account.
	Region, Account string
	// Boundary is the permissions boundary of the role that GuardDuty has; empty means none.
	Boundary string
}

// Storage is the buckets and the table.
type Storage struct {
	pulumi.ResourceState

	Files, Releases *s3.BucketV2
	Table           *dynamodb.Table
	// Release is the object that holds the release.
	Release *s3.BucketObjectv2
	// Scanned tells that GuardDuty writes to each file what it found in it.
	Scanned bool
	// Ready is there when files may be written.
	Ready []pulumi.Resource
}

// FilesPrefix is what the keys of files begin with in their bucket. The app's ObjectPrefix is the same.
const FilesPrefix = "files/"

// The keys and the index of the table of files' records. They are those of the app's catalog package, which a test
// compares.
const (
	personID = "person_id"
	fileID   = "file_id"
	// UnfinishedIndex is sparse: only records of uploads that have not ended are in it.
	UnfinishedIndex = "unfinished"
	updatedAt       = "updated_at"
	expiresAt       = "expires_at"
)

// New builds a Storage.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Storage, error) {
	s := &Storage{}
	if err := ctx.RegisterComponentResource("dossier:storage:Storage", name, s, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(s)
	var (
		last pulumi.Resource
		err  error
	)
	files := bucket{keep: args.Protect, versions: true, rules: forget(args.DeletedDays), logs: args.Logs}
	var scan *scanner
	if args.MalwareProtection {
		if scan, err = newScanner(ctx, name+"-malware", args, parent); err != nil {
			return nil, err
		}
		files.statements = scan.onlyItTags
	}
	s.Files, last, err = files.create(ctx, name+"-files", parent)
	if err != nil {
		return nil, err
	}
	cors, err := s3.NewBucketCorsConfigurationV2(ctx, name+"-files", &s3.BucketCorsConfigurationV2Args{
		Bucket: s.Files.ID(),
		CorsRules: s3.BucketCorsConfigurationV2CorsRuleArray{&s3.BucketCorsConfigurationV2CorsRuleArgs{
			AllowedOrigins: append(pulumi.StringArray{args.Origin}, pulumi.ToStringArray(args.Others)...),
			// What the app signs for browsers to send. Downloads need nothing here: browsers go to them, no page reads
			// them.
			AllowedMethods: pulumi.ToStringArray([]string{"PUT"}),
			// A part has its checksum among the signed headers, and the type of what the page cut it from.
			AllowedHeaders: pulumi.ToStringArray([]string{"content-type", "x-amz-checksum-crc64nvme"}),
			ExposeHeaders:  pulumi.ToStringArray([]string{"ETag", "x-amz-checksum-crc64nvme"}),
			MaxAgeSeconds:  pulumi.Int(3600),
		}},
	}, parent, after(last))
	if err != nil {
		return nil, err
	}
	s.Table, err = dynamodb.NewTable(ctx, name+"-files", &dynamodb.TableArgs{
		BillingMode: pulumi.String("PAY_PER_REQUEST"), HashKey: pulumi.String(personID),
		RangeKey: pulumi.String(fileID),
		Attributes: dynamodb.TableAttributeArray{
			attribute(personID, "S"), attribute(fileID, "S"), attribute(UnfinishedIndex, "S"),
			attribute(updatedAt, "N"),
		},
		GlobalSecondaryIndexes: dynamodb.TableGlobalSecondaryIndexArray{&dynamodb.TableGlobalSecondaryIndexArgs{
			Name: pulumi.String(UnfinishedIndex), HashKey: pulumi.String(UnfinishedIndex),
			RangeKey:       pulumi.String(updatedAt),
			ProjectionType: pulumi.String("ALL"),
		}},
		Ttl: &dynamodb.TableTtlArgs{AttributeName: pulumi.String(expiresAt),
			Enabled: pulumi.Bool(true)},
		PointInTimeRecovery:       &dynamodb.TablePointInTimeRecoveryArgs{Enabled: pulumi.Bool(true)},
		DeletionProtectionEnabled: pulumi.Bool(args.Protect),
	}, parent, pulumi.Protect(args.Protect))
	if err != nil {
		return nil, err
	}

	s.Releases, last, err = bucket{
		versions: true, rules: forget(args.ReleaseDays), logs: args.Logs,
	}.create(ctx, name+"-releases", parent)
	if err != nil {
		return nil, err
	}
	// A new release has a new key: it is written before anything points at it. Pulumi never deletes an object of a
	// former one, for the provider would delete every version of its key, also the one that was uploaded since for
	// going back to it (https://github.com/hashicorp/terraform-provider-aws/issues/4500). The rollout deletes what
	// nothing names any more.
	s.Release, err = s3.NewBucketObjectv2(ctx, name+"-release", &s3.BucketObjectv2Args{
		Bucket: s.Releases.ID(), Key: pulumi.String(args.Release.Key), Source: pulumi.NewFileAsset(args.Release.Path),
		ContentType: pulumi.String("application/gzip"), ChecksumAlgorithm: pulumi.String("SHA256"),
	}, parent, after(last), pulumi.ReplaceOnChanges([]string{"key"}), pulumi.RetainOnDelete(true))
	if err != nil {
		return nil, err
	}
	s.Ready = []pulumi.Resource{cors, s.Table}
	if scan != nil {
		plan, err := scan.protect(ctx, s.Files, parent, cors)
		if err != nil {
			return nil, err
		}
		s.Scanned, s.Ready = true, append(s.Ready, plan)
	}
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{"files": s.Files.ID(), "releases": s.Releases.ID(),
		"table": s.Table.Name})
}

func attribute(name, kind string) *dynamodb.TableAttributeArgs {
	return &dynamodb.TableAttributeArgs{Name: pulumi.String(name), Type: pulumi.String(kind)}
}
