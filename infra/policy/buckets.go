package policy

import (
	"slices"
	"strings"

	"dossier.example/infra/graph"
)

func bucketRules() []Rule {
	return []Rule{
		{
			ID: "S3.5", Also: []string{"CIS 2.1.1", "CKV_AWS_379"},
			Says:  "Buckets refuse requests that do not come by TLS.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "deny s3:* to everyone on the bucket and its objects where aws:SecureTransport is false"
				arn := graph.Text(bucket.Output("arn"))
				for _, r := range of(g, bucketPolicyType, bucket) {
					d, err := parseDocument(r, r.Input("policy"))
					if err != nil {
						return []Violation{at(r, mend, "%v", err)}
					}
					for _, s := range d.statements {
						if !s.allow && s.everyone && slices.Contains(s.actions, "s3:*") && s.insecureOnly &&
							slices.Contains(s.resources, arn) && slices.Contains(s.resources, arn+"/*") {
							return nil
						}
					}
				}
				return []Violation{at(bucket, mend, "nothing refuses plain HTTP")}
			}),
		},
		{
			ID: "S3.8", Also: []string{"CIS 2.1.4", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"},
			Says:  "All four ways to make a bucket public are blocked, and no policy tries one.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				var found []Violation
				blocks := of(g, blockType, bucket)
				if len(blocks) == 0 {
					found = append(found, at(bucket, "add a BucketPublicAccessBlock", "nothing blocks public access"))
				}
				for _, r := range blocks {
					for _, key := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
						if !graph.Is(r.Input(key), true) {
							found = append(found, at(r, "set "+key+" to true", "%s is %s", key, shown(r.Input(key))))
						}
					}
				}
				for _, r := range of(g, bucketPolicyType, bucket) {
					const mend = "name the service or role that is meant"
					d, err := parseDocument(r, r.Input("policy"))
					if err != nil {
						found = append(found, at(r, mend, "%v", err))
						continue
					}
					for _, s := range d.statements {
						if s.allow && s.everyone {
							found = append(found, at(r, mend, "its statement %s allows everyone", s.name()))
						}
					}
				}
				return found
			}),
		},
		{
			ID: "S3.9", Also: []string{"CKV_AWS_18"},
			Says:  "Who does what with a bucket is logged, into another bucket of the stack.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "add a BucketLoggingV2 whose target is the bucket of logs"
				for _, r := range of(g, bucketLoggingType, bucket) {
					if target := bucketOf(g, r.Input("targetBucket")); target != nil && target != bucket {
						return nil
					}
				}
				return []Violation{at(bucket, mend, "its access is not logged to another bucket of the stack")}
			}),
			Exceptions: []Exception{{
				Reason: "Logs of the access to the bucket of logs would themselves be accesses to it, without end.",
				When:   "Logs of another bucket or of a load balancer go there.",
				Holds:  func(g *graph.Graph, _ Environment, v Violation) bool { return holdsLogs(g, g.ByURN(v.URN)) },
			}},
		},
		{
			ID: "S3.12", Also: []string{"CKV2_AWS_65"},
			Says:  "Buckets have no access control lists: who owns the bucket owns every object.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "add BucketOwnershipControls with BucketOwnerEnforced, and no ACL"
				var found []Violation
				for _, r := range of(g, bucketACLType, bucket) {
					found = append(found, at(r, mend, "it sets an access control list"))
				}
				if bucket.Input("acl") != nil || len(graph.Items(bucket.Input("grants"))) > 0 {
					found = append(found, at(bucket, mend, "it sets an access control list"))
				}
				enforced := slices.ContainsFunc(of(g, bucketOwnershipType, bucket), func(r *graph.Resource) bool {
					return graph.Text(r.Input("rule.objectOwnership")) == "BucketOwnerEnforced"
				})
				if !enforced {
					found = append(found, at(bucket, mend, "nothing turns its access control lists off"))
				}
				return found
			}),
		},
		{
			ID: "S3.13", Also: []string{"CKV_AWS_300", "CKV2_AWS_61"},
			Says:  "Every bucket has a lifecycle, which also removes the parts of uploads that nobody finished.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				const mend = "add a rule for all objects with abortIncompleteMultipartUpload"
				for _, r := range of(g, bucketLifecycleType, bucket) {
					for _, rule := range graph.Items(r.Input("rules")) {
						days, ok := graph.Number(graph.At(rule, "abortIncompleteMultipartUpload.daysAfterInitiation"))
						if ok && days >= 1 && graph.Text(graph.At(rule, "status")) == "Enabled" && forAll(rule) {
							return nil
						}
					}
				}
				return []Violation{at(bucket, mend, "no lifecycle rule removes unfinished uploads of the whole bucket")}
			}),
		},
		{
			ID: "S3.14", Also: []string{"CKV_AWS_21"},
			Says:  "Buckets keep old versions, and remove them after a set time.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				on := slices.ContainsFunc(of(g, bucketVersioningType, bucket), func(r *graph.Resource) bool {
					return graph.Text(r.Input("versioningConfiguration.status")) == "Enabled"
				})
				if !on {
					return []Violation{at(bucket, "add BucketVersioningV2 with the status Enabled", "it keeps no old versions")}
				}
				for _, r := range of(g, bucketLifecycleType, bucket) {
					for _, rule := range graph.Items(r.Input("rules")) {
						days, ok := graph.Number(graph.At(rule, "noncurrentVersionExpiration.noncurrentDays"))
						if ok && days >= 1 && graph.Text(graph.At(rule, "status")) == "Enabled" && forAll(rule) {
							return nil
						}
					}
				}
				return []Violation{at(bucket, "add a lifecycle rule for all objects with noncurrentVersionExpiration", "it keeps old versions for ever, so what was deleted is never gone")}
			}),
			Exceptions: []Exception{{
				Reason: "Each log is written once under a name of its own, and nothing in the stack may delete one; versions would keep what is to be gone after its days.",
				When:   "Logs of another bucket or of a load balancer go there, and a lifecycle rule removes them.",
				Holds: func(g *graph.Graph, _ Environment, v Violation) bool {
					bucket := g.ByURN(v.URN)
					return holdsLogs(g, bucket) && slices.ContainsFunc(of(g, bucketLifecycleType, bucket), func(r *graph.Resource) bool {
						return slices.ContainsFunc(graph.Items(r.Input("rules")), func(rule any) bool {
							days, ok := graph.Number(graph.At(rule, "expiration.days"))
							return ok && days >= 1 && graph.Text(graph.At(rule, "status")) == "Enabled" && forAll(rule)
						})
					})
				},
			}},
		},
		{
			ID: "CKV_AWS_145", Also: []string{"S3.17"},
			Says:  "Buckets are encrypted with a key of the customer's own in KMS.",
			Needs: []string{bucketType, oldBucketType},
			Check: eachBucket(func(g *graph.Graph, bucket *graph.Resource) []Violation {
				algorithm := any(nil)
				for _, r := range of(g, bucketEncryptionType, bucket) {
					for _, rule := range graph.Items(r.Input("rules")) {
						algorithm = graph.At(rule, "applyServerSideEncryptionByDefault.sseAlgorithm")
						key := graph.At(rule, "applyServerSideEncryptionByDefault.kmsMasterKeyId")
						if strings.HasPrefix(graph.Text(algorithm), "aws:kms") && key != nil {
							return nil
						}
					}
				}
				return []Violation{at(bucket, "add BucketServerSideEncryptionConfigurationV2", "its encryption is %s", shown(algorithm))}
			}),
			Exceptions: []Exception{{
				Reason: "S3 encrypts with keys that it manages. A key of one's own costs per month and per request, must be granted to the load balancer's log delivery and to whoever gets a presigned URL, and protects against nobody whom the bucket's policy and roles let in.",
				When:   "The bucket's default encryption is written out as AES256.",
				Holds: func(g *graph.Graph, _ Environment, v Violation) bool {
					return slices.ContainsFunc(of(g, bucketEncryptionType, g.ByURN(v.URN)), func(r *graph.Resource) bool {
						return slices.ContainsFunc(graph.Items(r.Input("rules")), func(rule any) bool {
							return graph.Text(graph.At(rule, "applyServerSideEncryptionByDefault.sseAlgorithm")) == "AES256"
						})
					})
				},
			}},
		},
	}
}

func eachBucket(test func(g *graph.Graph, bucket *graph.Resource) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, _ Environment) []Violation {
		var found []Violation
		for _, bucket := range g.ByType(bucketType, oldBucketType) {
			found = append(found, test(g, bucket)...)
		}
		return found
	}
}

// bucketOf is the bucket that a value names.
func bucketOf(g *graph.Graph, v any) *graph.Resource {
	return g.Resolve(v, bucketType, oldBucketType)
}

// of are the resources of a type that belong to a bucket.
func of(g *graph.Graph, token string, bucket *graph.Resource) []*graph.Resource {
	var found []*graph.Resource
	for _, r := range g.ByType(token) {
		if bucket != nil && bucketOf(g, r.Input("bucket")) == bucket {
			found = append(found, r)
		}
	}
	return found
}

// forAll tells whether a lifecycle rule is for every object of its bucket.
func forAll(rule any) bool {
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

// holdsLogs tells whether logs of others go into the bucket.
func holdsLogs(g *graph.Graph, bucket *graph.Resource) bool {
	return bucket != nil && (slices.ContainsFunc(g.ByType(bucketLoggingType), func(r *graph.Resource) bool {
		return bucketOf(g, r.Input("targetBucket")) == bucket && bucketOf(g, r.Input("bucket")) != bucket
	}) || slices.ContainsFunc(g.ByType(balancerType), func(r *graph.Resource) bool {
		return bucketOf(g, r.Input("accessLogs.bucket")) == bucket
	}))
}
