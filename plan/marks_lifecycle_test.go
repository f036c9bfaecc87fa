package plan

import "testing"

// TestLifecycleWithoutIDs: a bucket's own rules need no id, and a rule may act from a date on.
func TestLifecycleWithoutIDs(t *testing.T) {
	const bucket, lifecycle = "s3/bucket:Bucket", "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	const source = "s3/bucket.go: lifecycle_rule, id: Optional"
	rule := func(prefix string, days int) in {
		return in{"enabled": true, "prefix": prefix, "expiration": in{"days": days}}
	}
	rules := func(all ...in) in { return in{"lifecycleRules": several(all...)} }
	everything := in{"enabled": true, "expiration": in{"days": 1}}
	dated := func(expiration in) in {
		return in{"rules": several(in{"id": "r", "status": "Enabled", "expiration": expiration})}
	}
	archive := func(prefix string, days int) in {
		return in{"enabled": true, "prefix": prefix, "transitions": several(in{"days": days,
			"storageClass": "GLACIER"})}
	}
	for _, c := range []fresh{
		{"the second sooner", source, bucket, rules(rule("a/", 300), rule("b/", 300)),
			rules(rule("a/", 300), rule("b/", 3)), Update,
			[][2]string{{expires, "the rule for `b/` deletes objects after 3 days instead of 300"}}},
		{"all objects, beside another one", source, bucket, rules(rule("a/", 1)), rules(rule("a/", 1), everything),
			Update,
			[][2]string{{expires, "the rule for all objects deletes objects after 1 day."}}},
		{"all objects, before another one", source, bucket, rules(rule("a/", 1)), rules(everything, rule("a/", 1)),
			Update,
			[][2]string{{expires, "the rule for all objects deletes objects after 1 day."}}},
		{"by a tag", source, bucket, rules(rule("a/", 1)), rules(rule("a/", 1), in{"enabled": true,
			"tags": in{"k": "v"}, "expiration": in{"days": 9}}), Update,
			[][2]string{{expires, "a rule without an id deletes objects after 9 days"}}},
		{"one is enabled", source, bucket, rules(rule("a/", 1), in{"enabled": false, "prefix": "b/",
			"expiration": in{"days": 9}}), rules(rule("a/", 1), rule("b/", 9)), Update,
			[][2]string{{expires, "the rule for `b/` deletes objects after 9 days."}}},
		{"the second is archived sooner", "S3: restoring-objects", bucket, rules(archive("a/", 90), archive("b/", 90)),
			rules(archive("a/", 90), archive("b/", 9)), Update,
			[][2]string{{stops, "the rule for `b/` moves objects to GLACIER after 9 days"}}},
		{"from a day on", "S3: LifecycleExpiration, Date", lifecycle, in{"rules": several(in{"id": "r",
			"status": "Enabled"})}, dated(in{"date": "2027-01-01T00:00:00Z"}), Update,
			[][2]string{{expires, "rule `r` deletes objects from `2027-01-01T00:00:00Z` on"}}},
		{"from an earlier day on", "S3: LifecycleExpiration, Date", lifecycle,
			dated(in{"date": "2028-01-01T00:00:00Z"}),
			dated(in{"date": "2027-01-01T00:00:00Z"}), Update,
			[][2]string{{expires, "from `2027-01-01T00:00:00Z` on instead of from `2028-01-01T00:00:00Z` on"}}},
		{"from a day on, not after days", "S3: LifecycleExpiration, Date", lifecycle, dated(in{"days": 400}),
			dated(in{"date": "2027-01-01T00:00:00Z"}), Update,
			[][2]string{{expires, "from `2027-01-01T00:00:00Z` on instead of after 400 days"}}},

		{"later", source, bucket, rules(rule("a/", 300), rule("b/", 3)), rules(rule("a/", 300), rule("b/", 30)), Update,
			nil},
		{"from a later day on", "S3: LifecycleExpiration, Date", lifecycle, dated(in{"date": "2027-01-01T00:00:00Z"}),
			dated(in{"date": "2028-01-01T00:00:00Z"}), Update, nil},
		{"one less", source, bucket, rules(rule("a/", 300), rule("b/", 3)), rules(rule("b/", 3)), Update, nil},
		{"later, and in another order", source, bucket, rules(rule("a/", 300), rule("b/", 3)),
			rules(rule("b/", 4), rule("a/", 300)), Update, nil},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}
