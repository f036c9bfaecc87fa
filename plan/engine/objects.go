package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// Object is the current version of an object in a bucket: what a GET of its key returns.
type Object struct {
	Key string
	// VersionID is empty in a bucket that never had versioning.
	VersionID string
	// SHA256 is the hash of its bytes where a resource wrote them from a file; what Put wrote has none.
	SHA256 string
	// Day is the one on which it was written: see Pass.
	Day int
}

// buckets is what the buckets hold, whether a resource stands for it or not.
type buckets struct {
	// keys are the versions of each key of each bucket, oldest first. A key that is listed has one at least.
	keys map[string]map[string][]*objectVersion
	// versioned are the buckets that had versioning at some time.
	versioned map[string]bool
	// writes counts the versions that were given an id.
	writes int
}

// objectVersion is a version of an object, or the marker that hides a deleted one.
type objectVersion struct {
	id     string
	marker bool
	sha256 string
	// written is the day on which it came, replaced the one on which another became the current version.
	written, replaced int
}

const (
	// nullVersion is the id of what is written while versioning is off
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html).
	nullVersion = "null"
	// never is the day on which the current version was replaced.
	never = -1
)

func newBuckets() buckets {
	return buckets{keys: map[string]map[string][]*objectVersion{}, versioned: map[string]bool{}}
}

// Put puts an object into a bucket, as the app or AWS does: no resource stands for it.
func (c *Cloud) Put(bucket, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(bucket, key)
}

func (c *Cloud) put(bucket, key string) { c.write(bucket, key, objectVersion{}) }

// DeleteObject deletes an object without naming a version.
func (c *Cloud) DeleteObject(bucket, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleteObject(bucket, key)
}

// Object returns the current version of a key; false where a GET would answer 404, also because of a marker.
func (c *Cloud) Object(bucket, key string) (Object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.object(bucket, key)
}

// Objects returns what ListObjectsV2 does: the current versions, by key.
func (c *Cloud) Objects(bucket string) []Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Object
	for _, key := range slices.Sorted(maps.Keys(c.buckets.keys[bucket])) {
		if o, found := c.object(bucket, key); found {
			list = append(list, o)
		}
	}
	return list
}

// Versions counts the versions and the markers in a bucket, the current ones among them.
func (c *Cloud) Versions(bucket string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stored(bucket)
}

// Day is today, by a clock that only Pass moves; the first is 0.
func (c *Cloud) Day() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.day
}

// Pass lets days go by, on each of which S3 applies the buckets' lifecycle rules.
func (c *Cloud) Pass(days int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range days {
		c.day++
		for _, r := range c.resources {
			if r.Token != bucketLifecycleType {
				continue
			}
			for _, rule := range (look{in: r.Inputs}).objects("rules") {
				c.expire(r.text("bucket"), rule)
			}
		}
	}
}

func (c *Cloud) object(bucket, key string) (Object, bool) {
	versions := c.buckets.keys[bucket][key]
	if len(versions) == 0 || versions[len(versions)-1].marker {
		return Object{}, false
	}
	v := versions[len(versions)-1]
	o := Object{Key: key, SHA256: v.sha256, Day: v.written}
	if c.buckets.versioned[bucket] {
		o.VersionID = v.id
	}
	return o, true
}

// versioning reports whether a bucket gives what is written a version of its own.
func (c *Cloud) versioning(bucket string) bool {
	return slices.ContainsFunc(c.of(bucketVersioningType, "bucket", bucket), func(r *Resource) bool {
		configuration, _ := (look{in: r.Inputs}).object("versioningConfiguration")
		return configuration.textOr("status") == "Enabled"
	})
}

// write makes v the current version of a key. With versioning it is one more, else it takes the place of the one
// whose id is null
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersioningEnabledBuckets.html, and of
// suspended ones above). PutObject overwrites: a key that exists is no error
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html).
func (c *Cloud) write(bucket, key string, v objectVersion) {
	v.id, v.written, v.replaced = nullVersion, c.day, never
	if c.versioning(bucket) {
		c.buckets.versioned[bucket] = true
		c.buckets.writes++
		v.id = fmt.Sprintf("%032x", c.buckets.writes)
	}
	if c.buckets.keys[bucket] == nil {
		c.buckets.keys[bucket] = map[string][]*objectVersion{}
	}
	versions := c.buckets.keys[bucket][key]
	for _, other := range versions {
		if other.replaced == never {
			other.replaced = c.day
		}
	}
	if v.id == nullVersion {
		versions = slices.DeleteFunc(versions, func(v *objectVersion) bool { return v.id == nullVersion })
	}
	c.buckets.keys[bucket][key] = append(versions, &v)
}

// deleteObject is DeleteObject without a version id: permanent in a bucket that never had versioning, else a marker
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html).
func (c *Cloud) deleteObject(bucket, key string) {
	if c.versioning(bucket) || c.buckets.versioned[bucket] {
		c.write(bucket, key, objectVersion{marker: true})
		return
	}
	delete(c.buckets.keys[bucket], key)
}

// keep drops the versions of a key that keep does not want, for good. The newest of those that are left is then the
// current one (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManagingDelMarkers.html).
func (c *Cloud) keep(bucket, key string, keep func(v *objectVersion) bool) {
	versions := slices.DeleteFunc(c.buckets.keys[bucket][key], func(v *objectVersion) bool { return !keep(v) })
	if len(versions) == 0 {
		delete(c.buckets.keys[bucket], key)
		return
	}
	versions[len(versions)-1].replaced = never
	c.buckets.keys[bucket][key] = versions
}

// stored counts the versions and markers in a bucket, of which none may be left when it is deleted
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html).
func (c *Cloud) stored(bucket string) int {
	n := 0
	for _, versions := range c.buckets.keys[bucket] {
		n += len(versions)
	}
	return n
}

// upload does for a resource what the provider does: it puts the object and reads the id of the version that is
// current then (resourceObjectUpload in
// https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/s3/object.go).
func (c *Cloud) upload(r *Resource) {
	v := objectVersion{}
	if source := awsmodel.Plain(r.Inputs["source"]); source.IsAsset() {
		v.sha256 = source.AssetValue().Hash
	}
	c.write(r.text("bucket"), r.text("key"), v)
	c.readVersion(r)
}

// readVersion reports whether the key of a resource has a current version, and gives the resource its id: the
// provider asks by key alone, and forgets a resource whose key answers 404 (resourceObjectRead, as above).
func (c *Cloud) readVersion(r *Resource) bool {
	o, found := c.object(r.text("bucket"), r.text("key"))
	r.Outputs["versionId"] = resource.NewProperty(o.VersionID)
	return found
}

// unload does what the provider does to delete a resource: when it has a version id, it deletes every version and
// every marker of its key, whoever wrote them; else the one object (resourceObjectDelete, as above, and
// deleteAllObjectVersions in delete.go beside it; https://github.com/hashicorp/terraform-provider-aws/issues/4500).
func (c *Cloud) unload(r *Resource) {
	bucket, key := r.text("bucket"), r.text("key")
	if awsmodel.Text(r.Outputs["versionId"]) == "" {
		c.deleteObject(bucket, key)
		return
	}
	c.keep(bucket, key, func(*objectVersion) bool { return false })
}

// expire applies a lifecycle rule to a bucket as it is today. Days count from the day of the event, rounded up to the
// next midnight (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html, "Lifecycle rules:
// Based on an object's age").
func (c *Cloud) expire(bucket string, rule look) {
	prefix, applies := prefixOf(rule)
	if status, _ := rule.text("status"); status != "Enabled" || !applies {
		return
	}
	over := func(since int, days float64) bool { return float64(c.day-since) > days }
	expiration, _ := rule.object("expiration")
	days, byAge := expiration.number("days")
	noncurrent, _ := rule.object("noncurrentVersionExpiration")
	noncurrentDays, byReplacement := noncurrent.number("noncurrentDays")
	for _, key := range slices.Sorted(maps.Keys(c.buckets.keys[bucket])) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		// "Expiration": a marker over the current version, or its end where there is no versioning.
		if o, found := c.object(bucket, key); found && byAge && over(o.Day, days) {
			c.deleteObject(bucket, key)
		}
		// "NoncurrentVersionExpiration": versions, markers among them, so long after another became current.
		if byReplacement {
			c.keep(bucket, key, func(v *objectVersion) bool {
				return v.replaced == never || !over(v.replaced, noncurrentDays)
			})
		}
		// "ExpiredObjectDeleteMarker", which a rule by age brings with it: a marker that hides nothing any more.
		versions := c.buckets.keys[bucket][key]
		alone := len(versions) == 1 && versions[0].marker
		if alone && (expiration.flag("expiredObjectDeleteMarker") || byAge && over(versions[0].written, days)) {
			delete(c.buckets.keys[bucket], key)
		}
	}
}

// prefixOf is the prefix of the keys that a lifecycle rule is for; false where it is for objects with tags or of some
// size, which none here is known to have
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-filters.html).
func prefixOf(rule look) (prefix string, applies bool) {
	filter, _ := rule.object("filter")
	and, both := filter.object("and")
	for _, other := range []string{"tag", "tags", "objectSizeGreaterThan", "objectSizeLessThan"} {
		if filter.given(other) || and.given(other) {
			return "", false
		}
	}
	if both {
		return and.textOr("prefix"), true
	}
	return filter.textOr("prefix") + rule.textOr("prefix"), true
}
