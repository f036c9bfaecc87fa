package policy

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

func bucketRules() []Rule {
	return needing([]Rule{
		{
			ID: "S3.5", Also: []string{"CIS 2.1.1", "CKV_AWS_379"},
			Says: "Buckets refuse requests that do not come by TLS.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "deny s3:* to everyone on the bucket and its objects where aws:SecureTransport is false"
				arn := graph.Text(bucket.Output("arn"))
				for _, r := range policiesOf(g, bucket) {
					statements, err := parseDocument(r.Input("policy"))
					if err != nil {
						return []Violation{At(r, mend, "%v", err)}
					}
					for _, s := range statements {
						all := slices.Contains(s.Action, "s3:*") || slices.Contains(s.Action, "*")
						if !s.Allows() && everyone(s) && all && insecureOnly(s) &&
							slices.Contains(s.Resource, arn) && slices.Contains(s.Resource, arn+"/*") {
							return nil
						}
					}
				}
				return []Violation{At(bucket, mend, "nothing refuses plain HTTP")}
			}),
		},
		{
			ID: "S3.8", Also: []string{"CIS 2.1.4", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"},
			Says: "All four ways to make a bucket public are blocked, and no policy tries one.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				var found []Violation
				blocks := OfBucket(g, blockType, bucket)
				if len(blocks) == 0 {
					found = append(found, At(bucket, "add a BucketPublicAccessBlock", "nothing blocks public access"))
				}
				for _, r := range blocks {
					for _, key := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls",
						"restrictPublicBuckets"} {
						if !graph.Is(r.Input(key), true) {
							found = append(found, At(r, "set "+key+" to true", "%s is %s", key, Shown(r.Input(key))))
						}
					}
				}
				for _, r := range policiesOf(g, bucket) {
					const mend = "name the service or role that is meant"
					statements, err := parseDocument(r.Input("policy"))
					if err != nil {
						found = append(found, At(r, mend, "%v", err))
						continue
					}
					for _, s := range statements {
						if s.Allows() && everyone(s) {
							found = append(found, At(r, mend, "its statement %s allows everyone", name(s)))
						}
					}
				}
				return found
			}),
		},
		{
			ID: "S3.9", Also: []string{"CKV_AWS_18"},
			Says: "Who does what with a bucket is logged, into another bucket of the stack.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "add a BucketLoggingV2 whose target is the bucket of logs"
				targets := within([]any{bucket.Inputs}, "loggings", "targetBucket")
				for _, r := range OfBucket(g, bucketLoggingType, bucket) {
					targets = append(targets, r.Input("targetBucket"))
				}
				for _, v := range targets {
					if target := Bucket(g, v); target != nil && target != bucket {
						return nil
					}
				}
				return []Violation{At(bucket, mend, "its access is not logged to another bucket of the stack")}
			}),
		},
		{
			ID: "S3.12", Also: []string{"CKV2_AWS_65"},
			Says: "Buckets have no access control lists: who owns the bucket owns every object.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "add BucketOwnershipControls with BucketOwnerEnforced, and no ACL"
				var found []Violation
				for _, r := range OfBucket(g, bucketACLType, bucket) {
					found = append(found, At(r, mend, "it sets an access control list"))
				}
				if bucket.Input("acl") != nil || len(graph.Items(bucket.Input("grants"))) > 0 {
					found = append(found, At(bucket, mend, "it sets an access control list"))
				}
				enforced := slices.ContainsFunc(OfBucket(g, bucketOwnershipType, bucket), func(r *graph.Resource) bool {
					return graph.Text(r.Input("rule.objectOwnership")) == "BucketOwnerEnforced"
				})
				if !enforced {
					found = append(found, At(bucket, mend, "nothing turns its access control lists off"))
				}
				return found
			}),
		},
		{
			ID: "S3.13", Also: []string{"CKV_AWS_300", "CKV2_AWS_61"},
			Says: "Every bucket has a lifecycle, which also removes the parts of uploads that nobody finished.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "add a rule for all objects with abortIncompleteMultipartUpload"
				if removes(g, bucket, "abortIncompleteMultipartUpload.daysAfterInitiation",
					"abortIncompleteMultipartUploadDays") {
					return nil
				}
				return []Violation{At(bucket, mend, "no lifecycle rule removes unfinished uploads of the whole bucket")}
			}),
		},
		{
			ID: "S3.14", Also: []string{"CKV_AWS_21"},
			Says: "Buckets keep old versions, and remove them after a set time.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				on := slices.ContainsFunc(OfBucket(g, bucketVersioningType, bucket), func(r *graph.Resource) bool {
					return graph.Text(r.Input("versioningConfiguration.status")) == "Enabled"
				}) || slices.ContainsFunc(within([]any{bucket.Inputs}, "versioning versionings", "enabled"),
					func(v any) bool { return graph.Is(v, true) })
				if !on {
					return []Violation{At(bucket, "add BucketVersioningV2 with the status Enabled",
						"it keeps no old versions")}
				}
				if removes(g, bucket, "noncurrentVersionExpiration.noncurrentDays",
					"noncurrentVersionExpiration noncurrentVersionExpirations", "days") {
					return nil
				}
				return []Violation{At(bucket, "add a lifecycle rule for all objects with noncurrentVersionExpiration",
					"it keeps old versions for ever, so what was deleted is never gone")}
			}),
		},
		{
			ID: "CKV_AWS_145", Also: []string{"S3.17"},
			Says: "Buckets are encrypted with a customer-managed KMS key.",
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				algorithm := any(nil)
				rules := within([]any{bucket.Inputs},
					"serverSideEncryptionConfiguration serverSideEncryptionConfigurations", "rule rules")
				for _, r := range OfBucket(g, bucketEncryptionType, bucket) {
					rules = append(rules, graph.Items(r.Input("rules"))...)
				}
				for _, by := range within(rules,
					"applyServerSideEncryptionByDefault applyServerSideEncryptionByDefaults") {
					algorithm = graph.At(by, "sseAlgorithm")
					if strings.HasPrefix(graph.Text(algorithm), "aws:kms") && graph.At(by, "kmsMasterKeyId") != nil {
						return nil
					}
				}
				return []Violation{At(bucket, "add BucketServerSideEncryptionConfigurationV2", "its encryption is %s",
					Shown(algorithm))}
			}),
		},
	}, bucketType, oldBucketType)
}

func eachBucket(test func(g *graph.Graph, bucket *graph.Resource) []Violation) func(*graph.Graph,
	Environment) []Violation {
	return func(g *graph.Graph, _ Environment) []Violation {
		var found []Violation
		for _, bucket := range g.ByType(bucketType, oldBucketType) {
			found = append(found, test(g, bucket)...)
		}
		return found
	}
}

// within returns what is in values at a path of keys, through lists. A key may be one of several words: a type of
// bucket calls an input by the singular of what another calls it.
func within(values []any, path ...string) []any {
	for _, keys := range path {
		var next []any
		for _, v := range values {
			for _, key := range strings.Fields(keys) {
				switch inner := graph.At(v, key).(type) {
				case nil:
				case []any:
					next = append(next, inner...)
				default:
					next = append(next, inner)
				}
			}
		}
		values = next
	}
	return values
}

// policiesOf are the resources that have an input policy of the bucket: policies by themselves, and the bucket.
func policiesOf(g *graph.Graph, bucket *graph.Resource) []*graph.Resource {
	found := OfBucket(g, bucketPolicyType, bucket)
	if bucket.Input("policy") != nil {
		found = append(found, bucket)
	}
	return found
}

// removes reports whether a lifecycle rule for all of a bucket has a number of days at a path: of a resource by itself,
// or within the bucket.
func removes(g *graph.Graph, bucket *graph.Resource, path string, inner ...string) bool {
	for _, r := range OfBucket(g, bucketLifecycleType, bucket) {
		for _, rule := range graph.Items(r.Input("rules")) {
			days, ok := graph.Number(graph.At(rule, path))
			if ok && days >= 1 && graph.Text(graph.At(rule, "status")) == "Enabled" && WholeBucket(rule) {
				return true
			}
		}
	}
	for _, rule := range graph.Items(bucket.Input("lifecycleRules")) {
		if !graph.Is(graph.At(rule, "enabled"), true) || graph.At(rule, "tags") != nil || !WholeBucket(rule) {
			continue
		}
		for _, v := range within([]any{rule}, inner...) {
			if days, ok := graph.Number(v); ok && days >= 1 {
				return true
			}
		}
	}
	return false
}

// Bucket returns the bucket that a value names, nil where the graph has none.
func Bucket(g *graph.Graph, v any) *graph.Resource {
	return g.Resolve(v, bucketType, oldBucketType)
}

// OfBucket returns the resources of a type that belong to a bucket.
func OfBucket(g *graph.Graph, token string, bucket *graph.Resource) []*graph.Resource {
	var found []*graph.Resource
	for _, r := range g.ByType(token) {
		if bucket != nil && Bucket(g, r.Input("bucket")) == bucket {
			found = append(found, r)
		}
	}
	return found
}

// WholeBucket reports whether a lifecycle rule is for every object of its bucket.
func WholeBucket(rule any) bool {
	if graph.Text(graph.At(rule, "prefix")) != "" {
		return false
	}
	filter := graph.At(rule, "filter")
	if filter == nil {
		return true
	}
	m, is := filter.(map[string]any)
	if !is {
		return false
	}
	for key, v := range m {
		if key != "prefix" || v != "" {
			return false
		}
	}
	return true
}
