package moto

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/plan/graph"
)

// bucketKinds are S3's. A bucket's settings are resources of their own, each with the bucket's name as id.
var bucketKinds = map[string]kind{
	"aws:s3/bucketV2:BucketV2": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			bucket := in.text("bucket")
			_, err := a.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
			return made{"id": bucket, "arn": aws.String("arn:aws:s3:::" + in.must("bucket"))}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			_, err := a.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &id})
			return fields{"bucket": id}, err
		},
		unread: map[string]string{
			"forceDestroy": "of the deletion",
		},
	},
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
				Bucket: in.text("bucket"), OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{
					{ObjectOwnership: types.ObjectOwnership(in.must("rule.objectOwnership"))},
				}},
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			rule, err := one(out.OwnershipControls.Rules)
			return fields{"bucket": id, "rule": fields{"objectOwnership": rule.ObjectOwnership}}, err
		},
	},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
				Bucket: in.text("bucket"), PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
					BlockPublicAcls: in.flag("blockPublicAcls"), BlockPublicPolicy: in.flag("blockPublicPolicy"), IgnorePublicAcls: in.flag("ignorePublicAcls"),
					RestrictPublicBuckets: in.flag("restrictPublicBuckets"),
				},
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			block := out.PublicAccessBlockConfiguration
			return fields{
				"bucket": id, "blockPublicAcls": block.BlockPublicAcls, "blockPublicPolicy": block.BlockPublicPolicy, "ignorePublicAcls": block.IgnorePublicAcls,
				"restrictPublicBuckets": block.RestrictPublicBuckets,
			}, nil
		},
	},
	"aws:s3/bucketPolicy:BucketPolicy": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: in.text("bucket"), Policy: in.text("policy")})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			return fields{"bucket": id, "policy": out.Policy}, nil
		},
	},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
				Bucket: in.text("bucket"), ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
					Rules: each(in.list("rules"), func(rule values) types.ServerSideEncryptionRule {
						return types.ServerSideEncryptionRule{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
							SSEAlgorithm: types.ServerSideEncryption(rule.must("applyServerSideEncryptionByDefault.sseAlgorithm")),
						}}
					}),
				},
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			var rules []fields
			for _, rule := range out.ServerSideEncryptionConfiguration.Rules {
				rules = append(rules, fields{"applyServerSideEncryptionByDefault": fields{"sseAlgorithm": rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm}})
			}
			return fields{"bucket": id, "rules": rules}, nil
		},
	},
	"aws:s3/bucketVersioningV2:BucketVersioningV2": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: in.text("bucket"), VersioningConfiguration: &types.VersioningConfiguration{
					Status: types.BucketVersioningStatus(in.must("versioningConfiguration.status")),
				},
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			return fields{"bucket": id, "versioningConfiguration": fields{"status": out.Status}}, nil
		},
	},
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
				Bucket: in.text("bucket"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: each(in.list("rules"), lifecycleRule)},
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			var rules []fields
			for _, rule := range out.Rules {
				f := fields{"id": rule.ID, "status": rule.Status}
				if rule.Filter != nil {
					f["filter"] = fields{"prefix": rule.Filter.Prefix}
				}
				if abort := rule.AbortIncompleteMultipartUpload; abort != nil {
					f["abortIncompleteMultipartUpload"] = fields{"daysAfterInitiation": abort.DaysAfterInitiation}
				}
				if expiration := rule.Expiration; expiration != nil {
					f["expiration"] = fields{"days": expiration.Days, "expiredObjectDeleteMarker": expiration.ExpiredObjectDeleteMarker}
				}
				if old := rule.NoncurrentVersionExpiration; old != nil {
					f["noncurrentVersionExpiration"] = fields{"noncurrentDays": old.NoncurrentDays}
				}
				rules = append(rules, f)
			}
			return fields{"bucket": id, "rules": rules}, nil
		},
	},
	"aws:s3/bucketLoggingV2:BucketLoggingV2": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			target, prefix := in.must("targetBucket"), in.must("targetPrefix")
			err := a.withPolicy(ctx, target, loggingPolicy(target, prefix), func() error {
				_, err := a.s3.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{
					Bucket: in.text("bucket"), BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: &types.LoggingEnabled{
						TargetBucket: &target, TargetPrefix: &prefix,
					}},
				})
				return err
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			f := fields{"bucket": id}
			if logging := out.LoggingEnabled; logging != nil {
				f["targetBucket"], f["targetPrefix"] = logging.TargetBucket, logging.TargetPrefix
			}
			return f, nil
		},
	},
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.s3.PutBucketCors(ctx, &s3.PutBucketCorsInput{
				Bucket: in.text("bucket"), CORSConfiguration: &types.CORSConfiguration{CORSRules: each(in.list("corsRules"), func(rule values) types.CORSRule {
					return types.CORSRule{
						AllowedOrigins: rule.texts("allowedOrigins"), AllowedMethods: rule.texts("allowedMethods"), AllowedHeaders: rule.texts("allowedHeaders"),
						ExposeHeaders: rule.texts("exposeHeaders"), MaxAgeSeconds: rule.number("maxAgeSeconds"),
					}
				})},
			})
			return ofBucket(in, err)
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.s3.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: &id})
			if err != nil {
				return nil, err
			}
			var rules []fields
			for _, rule := range out.CORSRules {
				rules = append(rules, fields{
					"allowedOrigins": rule.AllowedOrigins, "allowedMethods": rule.AllowedMethods, "allowedHeaders": rule.AllowedHeaders,
					"exposeHeaders": rule.ExposeHeaders, "maxAgeSeconds": rule.MaxAgeSeconds,
				})
			}
			return fields{"bucket": id, "corsRules": rules}, nil
		},
	},
	"aws:s3/bucketObjectv2:BucketObjectv2": {
		create: createObject,
		read:   readObject,
	},
}

func createObject(ctx context.Context, a *Account, in values) (made, error) {
	source, is := in["source"].(graph.Asset)
	if !is {
		return nil, fmt.Errorf("its source is a %T, not a file", in["source"])
	}
	path, known := a.files[source.SHA256]
	if !known {
		return nil, fmt.Errorf("its source is a file of the SHA-256 %s, which the test did not name", source.SHA256)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m := made{"id": in.text("key")}
	err = a.withPolicy(ctx, in.must("bucket"), noPolicy, func() error {
		out, err := a.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: in.text("bucket"), Key: in.text("key"), Body: file, ContentType: in.text("contentType"),
			ChecksumAlgorithm: types.ChecksumAlgorithm(in.must("checksumAlgorithm")),
		})
		if err != nil {
			return err
		}
		m["versionId"] = out.VersionId
		return nil
	})
	return m, err
}

func readObject(ctx context.Context, a *Account, id string, in values) (fields, error) {
	var out *s3.HeadObjectOutput
	err := a.withPolicy(ctx, in.must("bucket"), noPolicy, func() (err error) {
		out, err = a.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.text("bucket"), Key: &id, ChecksumMode: types.ChecksumModeEnabled})
		return err
	})
	if err != nil {
		return nil, err
	}
	f := fields{"bucket": in.text("bucket"), "key": id, "contentType": out.ContentType}
	if out.ChecksumSHA256 != nil {
		raw, err := base64.StdEncoding.DecodeString(*out.ChecksumSHA256)
		if err != nil {
			return nil, err
		}
		f["checksumAlgorithm"], f["source"] = "SHA256", hex.EncodeToString(raw)
	}
	return f, nil
}

func lifecycleRule(rule values) types.LifecycleRule {
	made := types.LifecycleRule{ID: rule.text("id"), Status: types.ExpirationStatus(rule.must("status"))}
	if filter := rule.object("filter"); filter != nil {
		made.Filter = &types.LifecycleRuleFilter{Prefix: filter.text("prefix")}
	}
	if abort := rule.object("abortIncompleteMultipartUpload"); abort != nil {
		made.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: abort.number("daysAfterInitiation")}
	}
	if expiration := rule.object("expiration"); expiration != nil {
		made.Expiration = &types.LifecycleExpiration{
			Days: expiration.number("days"), ExpiredObjectDeleteMarker: expiration.flag("expiredObjectDeleteMarker"),
		}
	}
	if old := rule.object("noncurrentVersionExpiration"); old != nil {
		made.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: old.number("noncurrentDays")}
	}
	return made
}

func ofBucket(in values, err error) (made, error) { return made{"id": in.text("bucket")}, err }

// withPolicy makes a call for which moto does not understand a bucket's policy. For that time the bucket has another,
// or none where that is empty.
func (a *Account) withPolicy(ctx context.Context, bucket string, instead func(policy string) (string, error), call func() error) error {
	out, err := a.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil {
		return fmt.Errorf("the policy of the bucket %s: %w", bucket, err)
	}
	readable, err := instead(aws.ToString(out.Policy))
	if err != nil {
		return fmt.Errorf("the policy of the bucket %s: %w", bucket, err)
	}
	if readable == "" {
		_, err = a.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &bucket})
	} else {
		_, err = a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &readable})
	}
	if err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	_, err = a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: out.Policy})
	return err
}

// noPolicy is for calls about objects: moto knows no conditions, so that a refusal of plain HTTP refuses everything.
func noPolicy(string) (string, error) { return "", nil }

// loggingPolicy is for a call that wants S3 to be let write its logs below a prefix of the bucket. Moto finds that only
// in a statement of that very prefix, and breaks on a principal that is a text. It is an error when the bucket's own
// policy does not allow the same.
func loggingPolicy(bucket, prefix string) func(string) (string, error) {
	return func(text string) (string, error) {
		type statement struct {
			Effect           string
			Principal        any
			Action, Resource []string
		}
		var policy struct{ Statement []statement }
		if err := json.Unmarshal([]byte(text), &policy); err != nil {
			return "", err
		}
		resource := "arn:aws:s3:::" + bucket + "/" + prefix
		covers := func(pattern string) bool {
			start, all := strings.CutSuffix(pattern, "*")
			return all && strings.HasPrefix(resource, start)
		}
		if !slices.ContainsFunc(policy.Statement, func(s statement) bool {
			return s.Effect == "Allow" && graph.Text(graph.At(s.Principal, "Service")) == "logging.s3.amazonaws.com" &&
				slices.Contains(s.Action, "s3:PutObject") && slices.ContainsFunc(s.Resource, covers)
		}) {
			return "", fmt.Errorf("it does not let S3 write logs below %s", prefix)
		}
		return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
			"Action": ["s3:PutObject"], "Resource": %q}]}`, resource+"*"), nil
	}
}
