package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// bucketWith makes a bucket, with versioning or without, and with lifecycle rules.
func bucketWith(t *testing.T, versioned bool, rules ...any) world {
	t.Helper()
	w := world{NewCloud(), t}
	w.add(bucketType, "b", in{"bucket": "b"})
	if versioned {
		w.add(bucketVersioningType, "b", in{"bucket": "b", "versioningConfiguration": in{"status": "Enabled"}})
	}
	if len(rules) > 0 {
		w.add(bucketLifecycleType, "b", in{"bucket": "b", "rules": list(rules...)})
	}
	return w
}

// held is what the bucket holds, key by key: each version by the day on which it was written, a marker with an m.
func (w world) held() string {
	var keys []string
	for key, versions := range w.buckets.keys["b"] {
		var days []string
		for _, v := range versions {
			day := fmt.Sprint(v.written)
			if v.marker {
				day = "m" + day
			}
			days = append(days, day)
		}
		keys = append(keys, key+":"+strings.Join(days, ","))
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func (w world) expectHeld(when, want string) {
	w.t.Helper()
	if got := w.held(); got != want {
		w.t.Errorf("%s the bucket holds %q, want %q", when, got, want)
	}
}

// TestObjectIsOverwritten: a resource for a key that exists writes one more version.
func TestObjectIsOverwritten(t *testing.T) {
	w := bucketWith(t, true)
	first := w.add(bucketObjectType, "o", in{"bucket": "b", "key": "k", "content": "one"})
	w.Pass(1)
	second := w.add(bucketObjectType, "o", in{"bucket": "b", "key": "k", "content": "one"})
	w.expectHeld("after two writes", "k:0,1")
	if a, b := first.output("versionId"), second.output("versionId"); a == "" || a == b {
		t.Errorf("two writes made the versions %q and %q", a, b)
	}
	if o, found := w.Object("b", "k"); !found || o.VersionID != second.output("versionId") || o.Day != 1 {
		t.Errorf("the current version is %+v, want the second", o)
	}
	if n := len(w.Resources()); n != 3 {
		t.Errorf("%d resources, want the bucket, its versioning and one object", n)
	}

	// In place, another content is one more version, other tags are none.
	change := func(olds Resource, news in) {
		t.Helper()
		if _, err := w.update(urnOf(bucketObjectType, "o"), "k", olds.Inputs, news.properties()); err != nil {
			t.Fatal(err)
		}
	}
	change(second, in{"bucket": "b", "key": "k", "content": "two"})
	w.expectHeld("after a change", "k:0,1,1")
	third, _ := w.Get(bucketObjectType, "o")
	change(third, in{"bucket": "b", "key": "k", "content": "two", "tags": in{"a": "b"}})
	w.expectHeld("after other tags", "k:0,1,1")

	plain := bucketWith(t, false)
	written := plain.add(bucketObjectType, "o", in{"bucket": "b", "key": "k", "content": "one"})
	if v := written.output("versionId"); v != "" {
		t.Errorf("without versioning the version is %q", v)
	}
	plain.Put("b", "k")
	plain.expectHeld("without versioning,", "k:0")
	plain.DeleteObject("b", "k")
	plain.expectHeld("after a deletion without versioning,", "")
}

// TestObjectsDeletion: the provider deletes every version of the key, also those that another resource wrote, and the
// refresh after it finds nothing; what is deleted without a version leaves a marker.
func TestObjectsDeletion(t *testing.T) {
	w := bucketWith(t, true)
	first := w.add(bucketObjectType, "o", in{"bucket": "b", "key": "k", "content": "one"})
	w.add(bucketObjectType, "o", in{"bucket": "b", "key": "k", "content": "one"})
	w.Put("b", "k2")
	if err := w.delete(resource.URN(first.URN), first.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.expectHeld("after the older resource was deleted,", "k2:0")
	if _, _, found := w.read(urnOf(bucketObjectType, "o"), "k"); found {
		t.Error("a refresh finds the object of the newer resource")
	}

	w.DeleteObject("b", "k2")
	w.expectHeld("after a deletion", "k2:0,m0")
	if _, found := w.Object("b", "k2"); found || len(w.Objects("b")) > 0 {
		t.Error("a marker is taken for an object")
	}
	w.add(bucketObjectType, "o", in{"bucket": "b", "key": "k2", "content": "one"})
	w.expectHeld("after another write", "k2:0,m0,0")
	if _, _, found := w.read(urnOf(bucketObjectType, "o"), "k2"); !found {
		t.Error("a refresh does not find the object")
	}

	// Suspended: what is written has the id null, and takes the place of the one that has it; what had an id of its
	// own stays.
	versioning, _ := w.Get(bucketVersioningType, "b")
	if err := w.delete(resource.URN(versioning.URN), versioning.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.Put("b", "k2")
	w.Pass(1)
	w.DeleteObject("b", "k2")
	w.expectHeld("with versioning suspended,", "k2:0,m0,0,m1")
}

func TestLifecycle(t *testing.T) {
	rule := func(more in) in { return in{"id": "r", "status": "Enabled"}.with(more) }
	marker := in{"expiration": in{"expiredObjectDeleteMarker": true}}
	old := in{"noncurrentVersionExpiration": in{"noncurrentDays": 3}}

	w := bucketWith(t, true, rule(old).with(marker))
	w.Put("b", "kept")
	w.Put("b", "replaced")
	w.Put("b", "deleted")
	w.Pass(10)
	w.Put("b", "replaced")
	w.DeleteObject("b", "deleted")
	// A day is over at the midnight after it.
	w.Pass(3)
	w.expectHeld("after three days,", "deleted:0,m10 kept:0 replaced:0,10")
	w.Pass(1)
	w.expectHeld("after four days,", "kept:0 replaced:10")
	w.Pass(100)
	w.expectHeld("much later", "kept:0 replaced:10")

	w = bucketWith(t, true, rule(in{"expiration": in{"days": 3}, "filter": in{"prefix": "a/"}}).with(old))
	w.Put("b", "a/1")
	w.Put("b", "b/1")
	w.Pass(3)
	w.expectHeld("after three days,", "a/1:0 b/1:0")
	w.Pass(1)
	w.expectHeld("when the current version expired,", "a/1:0,m4 b/1:0")
	w.Pass(4)
	w.expectHeld("when the old one is over,", "b/1:0")

	w = bucketWith(t, false, rule(in{"expiration": in{"days": 3}}))
	w.Put("b", "k")
	w.Pass(4)
	w.expectHeld("without versioning,", "")

	for name, idle := range map[string]in{
		"switched off": {"status": "Disabled"}, "for objects with a tag": {"filter": in{"tag": in{"key": "a", "value": "b"}}},
		"for larger ones": {"filter": in{"and": in{"prefix": "", "objectSizeGreaterThan": 5}}},
	} {
		w = bucketWith(t, true, rule(in{"expiration": in{"days": 3}}).with(idle))
		w.Put("b", "k")
		w.Pass(10)
		w.expectHeld("with a rule "+name, "k:0")
	}
}

func TestTemplateVersions(t *testing.T) {
	w := world{NewCloud(), t}
	inputs := in{"name": "app", "userData": "MQ=="}
	template := w.add(templateType, "t", inputs)
	w.Pass(2)
	change := func(olds, news in) {
		t.Helper()
		if _, err := w.update(resource.URN(template.URN), template.ID, olds.properties(), news.properties()); err != nil {
			t.Fatal(err)
		}
	}
	second := inputs.with(in{"userData": "Mg=="})
	change(inputs, second)
	want := []TemplateVersion{{Number: 1, UserData: "MQ==", Default: true}, {Number: 2, UserData: "Mg==", Day: 2}}
	if got := w.TemplateVersions(template.ID); !slices.Equal(got, want) {
		t.Errorf("the versions are %+v, want %+v", got, want)
	}
	if err := w.DeleteTemplateVersions(template.ID, 1); err == nil || !strings.Contains(err.Error(), "default") {
		t.Errorf("deleting the default version: %v", err)
	}
	moving := second.with(in{"updateDefaultVersion": true})
	change(second, moving)
	if err := w.DeleteTemplateVersions(template.ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteTemplateVersions(template.ID, 1); err == nil {
		t.Error("a version was deleted twice")
	}
	change(moving, moving.with(in{"userData": "Mw=="}))
	want = []TemplateVersion{{Number: 2, UserData: "Mg==", Day: 2}, {Number: 3, UserData: "Mw==", Day: 2, Default: true}}
	if got := w.TemplateVersions(template.ID); !slices.Equal(got, want) {
		t.Errorf("the versions are %+v, want %+v", got, want)
	}
}
