package storage

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/iam"
)

// bucket is what all buckets have in common. One resource of a bucket at a time is changed by S3, and some need another
// to be there first, so each waits for the one before.
type bucket struct {
	// keep makes Pulumi refuse to delete the bucket and what guards it. Without it a bucket is emptied and deleted with
	// the stack.
	keep bool
	// versions keeps what was replaced or deleted.
	versions bool
	rules    s3.BucketLifecycleConfigurationV2RuleArray
	// statements go into the policy beside that for TLS.
	statements func(arn pulumi.StringInput) []iam.Statement
	// logs is where server access logs go; nil for the bucket that holds them.
	logs *Logs
}

// abortDays is after how many days S3 removes the parts of a multipart upload that nobody completed. It exceeds the day
// after which the app itself does so (DOSSIER_RECONCILE_AGE), which knows more.
const abortDays = 7

func (b bucket) create(ctx *pulumi.Context, name string, parent pulumi.ResourceOption) (*s3.BucketV2, pulumi.Resource,
	error) {
	made, err := s3.NewBucketV2(ctx, name, &s3.BucketV2Args{ForceDestroy: pulumi.Bool(!b.keep)}, parent,
		pulumi.Protect(b.keep))
	if err != nil {
		return nil, nil, err
	}
	id := made.ID().ToStringOutput()
	guard := pulumi.Protect(b.keep)
	owner, err := s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: id, Rule: &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, parent, guard)
	if err != nil {
		return nil, nil, err
	}
	block, err := s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket: id, BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true),
		IgnorePublicAcls:      pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	}, parent, guard, after(owner))
	if err != nil {
		return nil, nil, err
	}
	statements := iam.TLSOnly(made.Arn)
	if b.statements != nil {
		statements = append(statements, b.statements(made.Arn)...)
	}
	policy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{Bucket: id, Policy: iam.Document(statements...)},
		parent, guard, after(block))
	if err != nil {
		return nil, nil, err
	}
	encryption, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name,
		&s3.BucketServerSideEncryptionConfigurationV2Args{
			Bucket: id,
			Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{
				&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
					ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
						SseAlgorithm: pulumi.String("AES256"),
					},
				}},
		}, parent, guard, after(policy))
	if err != nil {
		return nil, nil, err
	}
	var last pulumi.Resource = encryption
	if b.versions {
		last, err = s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
			Bucket: id,
			VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String(
				"Enabled")},
		}, parent, guard, after(last))
		if err != nil {
			return nil, nil, err
		}
	}
	rules := append(s3.BucketLifecycleConfigurationV2RuleArray{&s3.BucketLifecycleConfigurationV2RuleArgs{
		Id: pulumi.String("abort-unfinished-uploads"), Status: pulumi.String("Enabled"), Filter: everything(),
		AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
			DaysAfterInitiation: pulumi.Int(abortDays)},
	}}, b.rules...)
	last, err = s3.NewBucketLifecycleConfigurationV2(ctx, name,
		&s3.BucketLifecycleConfigurationV2Args{Bucket: id, Rules: rules}, parent, guard, after(last))
	if err != nil {
		return nil, nil, err
	}
	if b.logs != nil {
		last, err = s3.NewBucketLoggingV2(ctx, name, &s3.BucketLoggingV2Args{
			Bucket: id, TargetBucket: b.logs.Bucket.ID(), TargetPrefix: pulumi.Sprintf("%s%s/", serverLogs, name),
		}, parent, after(last, b.logs.Ready))
		if err != nil {
			return nil, nil, err
		}
	}
	return made, last, nil
}

func after(r ...pulumi.Resource) pulumi.ResourceOption { return pulumi.DependsOn(r) }

func everything() *s3.BucketLifecycleConfigurationV2RuleFilterArgs {
	return &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")}
}

// expire removes objects so many days after they were written.
func expire(days int) *s3.BucketLifecycleConfigurationV2RuleArgs {
	return &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id: pulumi.String("expire"), Status: pulumi.String("Enabled"), Filter: everything(),
		Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(days)},
	}
}

// forget removes old versions so many days after they were replaced or deleted, and then the marker that stood for
// them.
func forget(days int) s3.BucketLifecycleConfigurationV2RuleArray {
	return s3.BucketLifecycleConfigurationV2RuleArray{
		&s3.BucketLifecycleConfigurationV2RuleArgs{
			Id: pulumi.String("forget-old-versions"), Status: pulumi.String("Enabled"), Filter: everything(),
			NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
				NoncurrentDays: pulumi.Int(days)},
			Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{
				ExpiredObjectDeleteMarker: pulumi.Bool(true)},
		},
	}
}
