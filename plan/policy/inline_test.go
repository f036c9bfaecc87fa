package policy

import (
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy/policytest"
)

// TestBucketInputs: what a bucket says in its own inputs counts as what resources beside it say, by the names that
// either type of bucket has for it.
func TestBucketInputs(t *testing.T) {
	kms := in{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:eu-west-1:123456789012:key/a"}
	old := in{
		"versioning": in{"enabled": true}, "loggings": []any{in{"targetBucket": "bucketv2-logs"}},
		"lifecycleRules": []any{in{"enabled": true, "abortIncompleteMultipartUploadDays": 7,
			"noncurrentVersionExpiration": in{"days": 30}}},
		"serverSideEncryptionConfiguration": in{"rule": in{"applyServerSideEncryptionByDefault": kms}},
	}
	newer := in{
		"versionings": []any{in{"enabled": true}}, "loggings": []any{in{"targetBucket": "bucketv2-logs"}},
		"lifecycleRules": []any{in{"enabled": true, "abortIncompleteMultipartUploadDays": 7,
			"noncurrentVersionExpirations": []any{in{"days": 30}}}},
		"serverSideEncryptionConfigurations": []any{in{"rules": []any{in{"applyServerSideEncryptionByDefaults": []any{
			kms}}}}},
	}
	for kind, inputs := range map[string]in{oldBucketType: old, bucketType: newer} {
		broken := func(id string, change func(*graphtest.Builder)) bool {
			t.Helper()
			b := policytest.Stack(t)
			r := b.Add(kind, "inline", inputs)
			b.Set(kind, "inline", "policy", policytest.PolicyText(policytest.TLSOnly(graph.Text(r.Output("arn")))))
			change(b)
			for _, v := range ruled(t, b.Graph(), id).Violations {
				if v.URN == r.URN {
					return true
				}
			}
			return false
		}
		set := func(path string, value any) func(*graphtest.Builder) {
			return func(b *graphtest.Builder) { b.Set(kind, "inline", path, value) }
		}
		rule := func(changes in) func(*graphtest.Builder) {
			all := in{"enabled": true, "abortIncompleteMultipartUploadDays": 7,
				"noncurrentVersionExpiration": in{"days": 30}}
			for key, v := range changes {
				all[key] = v
			}
			return set("lifecycleRules", []any{all})
		}
		for id, breaks := range map[string][]func(*graphtest.Builder){
			"S3.5": {set("policy", nil),
				set("policy", policytest.PolicyText(policytest.TLSOnly("arn:aws:s3:::other")))},
			"S3.9": {set("loggings", nil), set("loggings", []any{in{"targetBucket": "elsewhere"}})},
			"S3.13": {set("lifecycleRules", nil), rule(in{"enabled": false}), rule(in{"prefix": "tmp/"}),
				rule(in{"tags": in{"a": "b"}}), rule(in{"abortIncompleteMultipartUploadDays": 0})},
			"S3.14": {func(b *graphtest.Builder) {
				set("versioning", nil)(b)
				set("versionings", nil)(b)
			}, set("lifecycleRules", nil), rule(in{"noncurrentVersionExpiration": nil})},
			"CKV_AWS_145": {func(b *graphtest.Builder) {
				set("serverSideEncryptionConfiguration", nil)(b)
				set("serverSideEncryptionConfigurations", nil)(b)
			}},
		} {
			if broken(id, func(*graphtest.Builder) {}) {
				t.Errorf("%s: %s is broken", kind, id)
			}
			for i, change := range breaks {
				if !broken(id, change) {
					t.Errorf("%s: %s is not broken by change %d", kind, id, i)
				}
			}
		}
		open := policytest.PolicyText(in{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
			"Resource": "*"})
		if !broken("S3.8", set("policy", open)) {
			t.Errorf("%s: a public policy within the bucket breaks nothing", kind)
		}
	}
}

// TestAllActionsRefused: a policy that refuses every action of AWS by plain HTTP refuses those of S3.
func TestAllActionsRefused(t *testing.T) {
	b := policytest.Stack(t)
	s := policytest.TLSOnly(graph.Text(b.Get(bucketType, "files").Output("arn")))
	s["Action"] = "*"
	b.Set(bucketPolicyType, "files", "policy", policytest.PolicyText(s))
	if v := ruled(t, b.Graph(), "S3.5").Violations; len(v) > 0 {
		t.Error(v)
	}
}
