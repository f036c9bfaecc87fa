package prove

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/infra/internal/refusal"
)

// every has f say what is wrong with each of some buckets. What a bucket does not have at all is wrong with it.
func (l *look) every(ctx context.Context, expected string, choose func(buckets) []string,
	f func(bucket string) (string, error)) (answer, error) {
	all, err := l.buckets(ctx)
	if err != nil {
		return answer{}, err
	}
	var problems []string
	for _, name := range choose(all) {
		wrong, err := f(name)
		if refusal.Absent(err) {
			wrong = "has none"
		} else if err != nil {
			return answer{}, err
		}
		if wrong != "" {
			problems = append(problems, name+" "+wrong)
		}
	}
	return without(problems, expected)
}

// eachBucket is the point that nothing is wrong with each of some buckets.
func eachBucket(expected string, choose func(buckets) []string,
	f func(ctx context.Context, l *look, bucket string) (string, error)) func(context.Context, *look) (answer, error) {
	return func(ctx context.Context, l *look) (answer, error) {
		return l.every(ctx, expected, choose, func(bucket string) (string, error) { return f(ctx, l, bucket) })
	}
}

func (b buckets) versioned() []string { return []string{b.files, b.releases} }

// unless returns the text where a condition does not hold.
func unless(ok bool, wrong string) (string, error) {
	if ok {
		return "", nil
	}
	return wrong, nil
}

var storageChecks = []check{
	{"storage/public", "Every bucket refuses to become public (S3.8).", refresh,
		eachBucket("all four blocks", buckets.all, func(ctx context.Context, l *look, name string) (string, error) {
			out, err := l.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &name})
			if err != nil {
				return "", err
			}
			c := out.PublicAccessBlockConfiguration
			return unless(c != nil && aws.ToBool(c.BlockPublicAcls) && aws.ToBool(c.BlockPublicPolicy) &&
				aws.ToBool(c.IgnorePublicAcls) && aws.ToBool(c.RestrictPublicBuckets), "does not block all")
		})},
	{"storage/owner", "No bucket has access control lists: the account owns all objects (S3.12).", refresh,
		eachBucket("BucketOwnerEnforced", buckets.all, func(ctx context.Context, l *look, name string) (string, error) {
			out, err := l.s3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &name})
			if err != nil {
				return "", err
			}
			c := out.OwnershipControls
			return unless(c != nil && len(c.Rules) == 1 &&
				c.Rules[0].ObjectOwnership == types.ObjectOwnershipBucketOwnerEnforced, "has them")
		})},
	{"storage/encrypted", "Every bucket encrypts what is written.", refresh,
		eachBucket("AES256", buckets.all, func(ctx context.Context, l *look, name string) (string, error) {
			out, err := l.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &name})
			if err != nil {
				return "", err
			}
			c := out.ServerSideEncryptionConfiguration
			return unless(c != nil && len(c.Rules) == 1 && c.Rules[0].ApplyServerSideEncryptionByDefault != nil &&
				c.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm == types.ServerSideEncryptionAes256,
				"does not with keys of S3")
		})},
	{"storage/policy", "Every bucket's policy refuses requests without TLS (S3.5).", refresh,
		eachBucket("a denial", buckets.all, func(ctx context.Context, l *look, name string) (string, error) {
			out, err := l.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name})
			if err != nil {
				return "", err
			}
			return unless(deniesPlain(aws.ToString(out.Policy)), "has no denial")
		})},
	{"storage/plain", "S3 refuses a signed request over HTTP that it accepts over HTTPS.",
		"look at the bucket's policy",
		eachBucket("refused", buckets.all, func(ctx context.Context, l *look, name string) (string, error) {
			if _, err := l.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name}); err != nil {
				return "", err
			}
			_, err := l.plainS3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
			if _, denied := refusal.Denied(err); denied {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			return "answers by HTTP", nil
		})},
	{"storage/versions", "The buckets of files and releases keep old versions.", refresh,
		eachBucket("Enabled", buckets.versioned, func(ctx context.Context, l *look, name string) (string, error) {
			out, err := l.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &name})
			if err != nil {
				return "", err
			}
			return unless(out.Status == types.BucketVersioningStatusEnabled, "does not")
		})},
	{"storage/deleted", "Deleted files are removed after storage.deletedDays, and parts of unfinished uploads after " +
		"seven days (S3.13).", refresh, func(ctx context.Context, l *look) (answer, error) {
		days := l.Stack.Settings.Storage.DeletedDays
		return l.every(ctx, fmt.Sprintf("old versions %d days, parts 7 days", days), func(b buckets) []string {
			return []string{b.files}
		}, func(name string) (string, error) {
			rules, err := l.rules(ctx, name)
			if err != nil {
				return "", err
			}
			old := slices.ContainsFunc(rules, func(r types.LifecycleRule) bool {
				return r.NoncurrentVersionExpiration != nil &&
					aws.ToInt32(r.NoncurrentVersionExpiration.NoncurrentDays) == int32(days)
			})
			parts := slices.ContainsFunc(rules, func(r types.LifecycleRule) bool {
				return r.AbortIncompleteMultipartUpload != nil &&
					aws.ToInt32(r.AbortIncompleteMultipartUpload.DaysAfterInitiation) == 7
			})
			return unless(old && parts, "has no such rules")
		})
	}},
	{"storage/old-logs", "Access logs are removed after storage.accessLogDays.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			days := l.Stack.Settings.Storage.AccessLogDays
			return l.every(ctx, fmt.Sprintf("%d days", days), func(b buckets) []string { return []string{b.logs} },
				func(name string) (string, error) {
					rules, err := l.rules(ctx, name)
					if err != nil {
						return "", err
					}
					return unless(slices.ContainsFunc(rules, func(r types.LifecycleRule) bool {
						return r.Expiration != nil && aws.ToInt32(r.Expiration.Days) == int32(days)
					}), "has no such rule")
				})
		}},
	{"storage/cors", "Browsers may send parts of files only from the site and from site.apiOrigins.",
		refresh, about((*look).buckets, func(ctx context.Context, l *look, all buckets) (answer, error) {
			want := append([]string{l.Stack.Outputs.URL}, l.Stack.Settings.Site.APIOrigins...)
			slices.Sort(want)
			expected := "PUT from " + strings.Join(want, ", ")
			out, err := l.s3.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: &all.files})
			if err != nil {
				return answer{expected: expected}, err
			}
			var seen []string
			for _, r := range out.CORSRules {
				seen = append(seen, strings.Join(slices.Sorted(slices.Values(r.AllowedMethods)),
					" ")+" from "+strings.Join(slices.Sorted(slices.Values(r.AllowedOrigins)), ", "))
			}
			return equal(list(seen), expected)
		})},
	{"storage/logging", "The buckets of files and releases write access logs to the log bucket (S3.9).", refresh,
		about((*look).buckets, func(ctx context.Context, l *look, all buckets) (answer, error) {
			return l.every(ctx, "to "+all.logs, buckets.versioned, func(name string) (string, error) {
				out, err := l.s3.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &name})
				if err != nil {
					return "", err
				}
				return unless(out.LoggingEnabled != nil && aws.ToString(out.LoggingEnabled.TargetBucket) == all.logs,
					"does not")
			})
		})},
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html: a test file is
	// written when logs are turned on.
	{"storage/balancer-logs", "The load balancer's access logs arrive.", "look at the policy of the bucket of logs",
		func(ctx context.Context, l *look) (answer, error) {
			return l.arrived(ctx, "load-balancer/", 0)
		}},
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html: "within a few hours".
	{"storage/bucket-logs", "The buckets' access logs arrive.",
		"S3 delivers them within hours; look at the policy of the bucket of logs",
		func(ctx context.Context, l *look) (answer, error) {
			return l.arrived(ctx, "s3/", 24*time.Hour)
		}},
	{"storage/release", "The release that instances install exists, and is the one that was deployed.",
		"\"pulumi up\" uploads it again",
		about((*look).template, func(ctx context.Context, l *look, t template) (answer, error) {
			// Read and not only looked at: of an object that came in parts S3 keeps no checksum of the whole.
			out, err := l.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &t.bucket, Key: &t.key})
			if err != nil {
				return answer{expected: l.Stack.Outputs.Release}, err
			}
			defer func() { _ = out.Body.Close() }()
			hash := sha256.New()
			if _, err := io.Copy(hash, out.Body); err != nil {
				return answer{}, fmt.Errorf("reading %s: %w", t.key, err)
			}
			if seen := hex.EncodeToString(hash.Sum(nil)); seen != t.sha256 {
				return holds(false, "an object with the checksum "+seen, t.sha256)
			}
			return equal(t.sha256, l.Stack.Outputs.Release)
		})},
}

func (l *look) rules(ctx context.Context, bucket string) ([]types.LifecycleRule, error) {
	out, err := l.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out.Rules, func(r types.LifecycleRule) bool {
		return r.Status != types.ExpirationStatusEnabled
	}), nil
}

// arrived proves that there are logs below a prefix, once they had the time to come.
func (l *look) arrived(ctx context.Context, prefix string, within time.Duration) (answer, error) {
	all, err := l.buckets(ctx)
	if err != nil {
		return answer{}, err
	}
	out, err := l.s3.ListObjectsV2(ctx,
		&s3.ListObjectsV2Input{Bucket: &all.logs, Prefix: &prefix, MaxKeys: aws.Int32(1)})
	if err != nil {
		return answer{}, err
	}
	if len(out.Contents) > 0 {
		return equal("an object below "+prefix, "an object below "+prefix)
	}
	balancer, err := l.balancer(ctx)
	if err != nil {
		return answer{}, err
	}
	if balancer.CreatedTime != nil && l.Now().Sub(*balancer.CreatedTime) < within {
		return answer{}, fmt.Errorf("nothing below %s yet; the stack is younger than %s", prefix, within)
	}
	return holds(false, "nothing", "an object below "+prefix)
}

// deniesPlain reports whether a policy denies everything to everybody who comes without TLS.
func deniesPlain(policy string) bool {
	var document struct {
		Statement []struct {
			Effect    string
			Principal any
			Condition map[string]map[string]any
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	for _, s := range document.Statement {
		everybody := s.Principal == "*"
		if m, ok := s.Principal.(map[string]any); ok {
			everybody = m["AWS"] == "*"
		}
		if s.Effect == "Deny" && everybody && fmt.Sprint(s.Condition["Bool"]["aws:SecureTransport"]) == "false" {
			return true
		}
	}
	return false
}

var tableChecks = []check{
	{"table/form", "The table of file records is active, billed per request, and has its index.", refresh,
		about((*look).table, func(ctx context.Context, l *look, t tabletypes.TableDescription) (answer, error) {
			mode := ""
			if t.BillingModeSummary != nil {
				mode = string(t.BillingModeSummary.BillingMode)
			}
			var indexes []string
			for _, i := range t.GlobalSecondaryIndexes {
				indexes = append(indexes, aws.ToString(i.IndexName)+" "+string(i.IndexStatus))
			}
			return equal(fmt.Sprintf("%s, %s, %s", t.TableStatus, mode, list(indexes)),
				"ACTIVE, PAY_PER_REQUEST, unfinished ACTIVE")
		})},
	{"table/protection", "The table is protected from deletion as `protect` says (DynamoDB.6).", refresh,
		about((*look).table, func(ctx context.Context, l *look, t tabletypes.TableDescription) (answer, error) {
			return equal(aws.ToBool(t.DeletionProtectionEnabled), l.Stack.Settings.Protect)
		})},
	{"table/expiry", "Records of uploads that never finished expire.", refresh,
		about((*look).table, func(ctx context.Context, l *look, t tabletypes.TableDescription) (answer, error) {
			out, err := l.dynamo.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: t.TableName})
			if err != nil {
				return answer{}, err
			}
			d := out.TimeToLiveDescription
			if d == nil {
				d = &tabletypes.TimeToLiveDescription{}
			}
			return equal(string(d.TimeToLiveStatus)+" on "+aws.ToString(d.AttributeName), "ENABLED on expires_at")
		})},
	{"table/recovery", "The table can be restored to a point in time (DynamoDB.2).", refresh,
		about((*look).table, func(ctx context.Context, l *look, t tabletypes.TableDescription) (answer, error) {
			out, err := l.dynamo.DescribeContinuousBackups(ctx,
				&dynamodb.DescribeContinuousBackupsInput{TableName: t.TableName})
			if err != nil {
				return answer{}, err
			}
			seen := tabletypes.PointInTimeRecoveryStatusDisabled
			if d := out.ContinuousBackupsDescription; d != nil && d.PointInTimeRecoveryDescription != nil {
				seen = d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus
			}
			return equal(seen, tabletypes.PointInTimeRecoveryStatusEnabled)
		})},
}
