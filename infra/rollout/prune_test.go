package rollout_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/infra/host/release"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/rollout"
)

const (
	bucketName = "dossier-test-releases"
	day        = 24 * time.Hour
)

// version is one of the template's.
type version struct {
	number    int
	made      time.Time
	byDefault bool
	userData  string
}

// object is one of the bucket's.
type object struct {
	key     string
	written time.Time
}

// keyOf is the key of the release with that number.
func keyOf(n int) string { return release.Key(fmt.Sprintf("%064d", n)) }

// userDataOf is the user-data of an instance that installs the release.
func userDataOf(t *testing.T, bucket, key string) string {
	t.Helper()
	script, err := userdata.App{
		Region: "eu-central-1", Bucket: bucket, Key: key, SHA256: strings.Repeat("a", 64), Parameters: "/dossier/test",
		Group: groupName, Hook: "ready", LogGroup: "/dossier/test/app", Port: 8080,
		ShutdownTimeout: 30 * time.Second, StopTimeout: time.Minute, BootTimeout: 10 * time.Minute,
	}.UserData()
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString([]byte(script))
}

// describeVersions answers in two pages, so that one that reads the first alone is found out.
func (w *world) describeVersions(to http.ResponseWriter, form url.Values) {
	if form.Get("LaunchTemplateId") != templateID {
		w.t.Errorf("asked for the versions of %s", form.Get("LaunchTemplateId"))
	}
	half, next := len(w.versions)/2, el("nextToken", "rest")
	page := w.versions[:half]
	if form.Get("NextToken") == "rest" {
		page, next = w.versions[half:], ""
	}
	var b strings.Builder
	for _, v := range page {
		b.WriteString(el("item", el("launchTemplateId", templateID), el("versionNumber", strconv.Itoa(v.number)),
			el("createTime", v.made.UTC().Format(time.RFC3339)), el("defaultVersion", strconv.FormatBool(v.byDefault)),
			el("launchTemplateData", el("userData", v.userData))))
	}
	_, _ = io.WriteString(to, el("DescribeLaunchTemplateVersionsResponse", el("launchTemplateVersionSet", b.String()),
		next))
}

func (w *world) deleteVersions(to http.ResponseWriter, form url.Values) {
	var gone, failed strings.Builder
	for n := 1; form.Get(fmt.Sprintf("LaunchTemplateVersion.%d", n)) != ""; n++ {
		number, _ := strconv.Atoi(form.Get(fmt.Sprintf("LaunchTemplateVersion.%d", n)))
		i := slices.IndexFunc(w.versions, func(v version) bool { return v.number == number })
		item := el("item", el("launchTemplateId", templateID), el("versionNumber", strconv.Itoa(number)))
		if i >= 0 && w.versions[i].byDefault {
			w.t.Errorf("version %d is the default one, and was to be deleted", number)
		}
		if i < 0 || w.versions[i].byDefault || number == w.stubborn {
			failed.WriteString(item)
			continue
		}
		w.versions = slices.Delete(w.versions, i, i+1)
		gone.WriteString(item)
	}
	_, _ = io.WriteString(to, el("DeleteLaunchTemplateVersionsResponse",
		el("successfullyDeletedLaunchTemplateVersionSet", gone.String()),
		el("unsuccessfullyDeletedLaunchTemplateVersionSet", failed.String())))
}

// bucket is S3: it lists in pages of two.
func (w *world) bucket(to http.ResponseWriter, request *http.Request) {
	if !strings.HasPrefix(request.URL.Host, bucketName+".s3.eu-central-1.") {
		w.t.Errorf("a request went to %s", request.URL.Host)
	}
	query := request.URL.Query()
	key := strings.TrimPrefix(request.URL.Path, "/")
	action := map[string]string{http.MethodGet: "ListObjectsV2", http.MethodDelete: "DeleteObject"}[request.Method]
	w.calls = append(w.calls, call{action, url.Values{"Key": {key}}, time.Now()})
	if queue := w.faults[action]; len(queue) > 0 {
		w.faults[action] = queue[1:]
		refuse(to, queue[0].status, queue[0].code, queue[0].message)
		return
	}
	switch action {
	case "ListObjectsV2":
		from, _ := strconv.Atoi(query.Get("continuation-token"))
		var b strings.Builder
		for _, o := range w.objects[from:min(from+2, len(w.objects))] {
			if strings.HasPrefix(o.key, query.Get("prefix")) {
				written := o.written.UTC().Format(time.RFC3339)
				b.WriteString(el("Contents", el("Key", o.key), el("LastModified", written)))
			}
		}
		more := from+2 < len(w.objects)
		if more {
			b.WriteString(el("NextContinuationToken", strconv.Itoa(from+2)))
		}
		_, _ = io.WriteString(to, el("ListBucketResult", el("IsTruncated", strconv.FormatBool(more)), b.String()))
	case "DeleteObject":
		if query.Has("versionId") {
			w.t.Errorf("a version of %s is deleted for good", key)
		}
		w.objects = slices.DeleteFunc(w.objects, func(o object) bool { return o.key == key })
		to.WriteHeader(http.StatusNoContent)
	default:
		w.t.Errorf("%s %s is no request that the command may make", request.Method, request.URL)
	}
}

// history gives the world seven old versions with a release each, 1 to 7, and 8, which was made today and is the
// default one. The instances that serve have version 7, and one still leaves when a rollout ends.
func history(w *world) {
	for n := 1; n <= 8; n++ {
		made := time.Now().Add(-time.Duration(9-n) * 100 * day)
		if n == 8 {
			made = time.Now()
		}
		key := keyOf(n)
		w.versions = append(w.versions, version{n, made, n == 8, userDataOf(w.t, bucketName, key)})
		w.objects = append(w.objects, object{key, made})
	}
	w.objects = append(w.objects, object{"other/file", time.Now().Add(-1000 * day)})
}

// left are the numbers of the versions, and those of the releases, that are there.
func (w *world) left() (versions, releases []int) {
	for _, v := range w.versions {
		versions = append(versions, v.number)
	}
	for n := range 100 {
		if slices.ContainsFunc(w.objects, func(o object) bool { return o.key == keyOf(n) }) {
			releases = append(releases, n)
		}
	}
	return versions, releases
}

func prunes(more ...string) []string {
	return flags(append([]string{"--releases", bucketName, "--keep", "720h"}, more...)...)
}

// TestPrune: what a rollout deletes after it, and each reason to keep something.
func TestPrune(t *testing.T) {
	for _, c := range []struct {
		name               string
		prepare            func(w *world)
		args               []string
		versions, releases []int
	}{
		{name: "the newest of the old ones", versions: []int{4, 5, 6, 7, 8}, releases: []int{4, 5, 6, 7, 8}},
		{name: "what is younger",
			args:     []string{"--keep", "12120h"},
			versions: []int{3, 4, 5, 6, 7, 8}, releases: []int{3, 4, 5, 6, 7, 8},
			prepare: func(w *world) {
				// All are over but 4 and 8: 6, 5 and 3 are the newest of the old ones.
				for i := range 7 {
					made := time.Now().Add(-600 * day)
					w.versions[i].made, w.objects[i].written = made, made
				}
				w.versions[3].made = time.Now().Add(-504 * day)
			}},
		{name: "the newest",
			versions: []int{4, 5, 6, 7, 8, 9}, releases: []int{4, 5, 6, 7, 8, 9},
			prepare: func(w *world) {
				made := time.Now().Add(-40 * day)
				w.versions = append(w.versions, version{9, made, false, userDataOf(w.t, bucketName, keyOf(9))})
				w.objects = append(w.objects, object{keyOf(9), made})
			}},
		{name: "the default one",
			versions: []int{2, 4, 5, 6, 7, 8}, releases: []int{2, 4, 5, 6, 7, 8},
			prepare: func(w *world) {
				w.versions[1].byDefault, w.versions[7].byDefault = true, false
			}},
		{name: "the one rolled out",
			args:     []string{"--version", "2"},
			versions: []int{2, 5, 6, 7, 8}, releases: []int{2, 5, 6, 7, 8},
			prepare: func(w *world) {
				w.afterVerify = func() { w.instances, w.version = nil, "8" }
			}},
		{name: "an instance's",
			versions: []int{1, 4, 5, 6, 7, 8}, releases: []int{1, 4, 5, 6, 7, 8},
			prepare: func(w *world) {
				i := w.serve("1")
				i.state, i.target = "Standby", ""
			}},
		{name: "a running refresh's",
			versions: []int{3, 4, 5, 6, 7, 8}, releases: []int{3, 4, 5, 6, 7, 8},
			prepare: func(w *world) {
				w.afterVerify = func() { w.begin("3", "InProgress") }
			}},
		{name: "the group's",
			versions: []int{3, 4, 5, 6, 7, 8}, releases: []int{3, 4, 5, 6, 7, 8},
			prepare: func(w *world) {
				w.afterVerify = func() { w.version = "3" }
			}},
		{name: "a release of two versions",
			versions: []int{4, 5, 6, 7, 8}, releases: []int{1, 4, 5, 7, 8},
			prepare: func(w *world) {
				w.versions[5].userData = w.versions[0].userData
			}},
		{name: "a young release that nothing names",
			versions: []int{4, 5, 6, 7, 8}, releases: []int{4, 5, 6, 7, 8, 9},
			prepare: func(w *world) {
				w.objects = append(w.objects, object{keyOf(9), time.Now().Add(-29 * day)})
				w.objects = append(w.objects, object{keyOf(10), time.Now().Add(-31 * day)})
			}},
		{name: "that of a version that could not be deleted",
			versions: []int{2, 4, 5, 6, 7, 8}, releases: []int{2, 4, 5, 6, 7, 8},
			prepare: func(w *world) {
				w.stubborn = 2
			}},
		{name: "nothing for another bucket",
			versions: []int{4, 5, 6, 7, 8}, releases: []int{4, 5, 7, 8},
			prepare: func(w *world) {
				w.versions[5].userData = userDataOf(w.t, "dossier-other-releases", keyOf(6))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				history(w)
				if c.prepare != nil {
					c.prepare(w)
				}
				total := len(w.versions) + len(w.objects)
				got := w.run(prunes(append(c.args, "--json")...)...)
				expect(t, got, 0, "that are no longer used")
				versions, releases := w.left()
				if !slices.Equal(versions, c.versions) || !slices.Equal(releases, c.releases) {
					t.Errorf("left are the versions %v and the releases %v, want %v and %v\n%s",
						versions, releases, c.versions, c.releases, got.stderr)
				}
				if !slices.ContainsFunc(w.objects, func(o object) bool { return o.key == "other/file" }) {
					t.Error("what is no release was deleted")
				}
				result := decode(t, got.stdout)
				if n := result.PrunedVersions + result.PrunedReleases; n != total-len(w.versions)-len(w.objects) {
					t.Errorf("%d deletions are told of: %+v", n, result)
				}
			})
		})
	}
}

// TestPruneKeepsAll: where something cannot be read, nothing goes, and the rollout has succeeded all the same.
func TestPruneKeepsAll(t *testing.T) {
	denied := []answer{{status: 403, code: "AccessDenied", message: "User is not authorized"}}
	for _, c := range []struct {
		name    string
		prepare func(w *world)
		warning string
	}{
		{"versions denied", func(w *world) { w.faults["DescribeLaunchTemplateVersions"] = denied },
			"describing the versions of " + templateID},
		{"releases denied", func(w *world) { w.faults["ListObjectsV2"] = denied }, "listing the releases in " +
			bucketName},
		{"the group denied", func(w *world) {
			w.afterVerify = func() { w.faults["DescribeAutoScalingGroups"] = denied }
		}, "describing the Auto Scaling group"},
		{"refreshes denied", func(w *world) {
			w.afterVerify = func() { w.faults["DescribeInstanceRefreshes"] = denied }
		}, "describing the instance refreshes"},
		{"deletion of versions denied", func(w *world) {
			w.faults["DeleteLaunchTemplateVersions"] = denied
		}, "deleting old versions of " + templateID},
		{"user-data of no script", func(w *world) {
			w.versions[6].userData = "not base64"
		}, "decoding the user-data of version 7"},
		{"user-data of another form", func(w *world) {
			w.versions[6].userData = base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))
		}, "the user-data of version 7"},
		{"no user-data", func(w *world) { w.versions[6].userData = "" }, "the user-data of version 7"},
		{"another template in use", func(w *world) {
			i := w.serve("1")
			i.state, i.target, i.template = "Standby", "", "lt-00000000000000000"
		}, "lt-00000000000000000 is also in use"},
		{"the version is not listed", func(w *world) { w.versions = w.versions[:7] }, "has no version 8"},
		{"its release is gone", func(w *world) {
			w.objects = slices.Delete(w.objects, 7, 8)
		}, "is missing from " + bucketName + ": new instances cannot start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				history(w)
				c.prepare(w)
				versions, objects := len(w.versions), len(w.objects)
				got := w.run(prunes()...)
				expect(t, got, 0, "refreshed: version 8", "warning: the other old releases were kept", c.warning)
				if len(w.versions) != versions || len(w.objects) != objects {
					t.Errorf("%d of %d versions and %d of %d objects are left",
						len(w.versions), versions, len(w.objects), objects)
				}
			})
		})
	}
}

// TestPruneIsInterrupted: a deletion that is denied leaves the rest for the next rollout.
func TestPruneIsInterrupted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		history(w)
		w.faults["DeleteObject"] = []answer{{status: 403, code: "AccessDenied", message: "User is not authorized"}}
		expect(t, w.run(prunes()...), 0,
			"deleted 3 old versions", "0 releases", "warning", "deleting s3://"+bucketName+"/"+keyOf(1))
		expect(t, w.run(prunes()...), 0, "unchanged", "deleted 0 old versions", "3 releases")
		if _, releases := w.left(); !slices.Equal(releases, []int{4, 5, 6, 7, 8}) {
			t.Errorf("left are the releases %v", releases)
		}
	})
}

// TestPruneManyVersions: one call takes 200 at most.
func TestPruneManyVersions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		history(w)
		for n := 9; n <= 408; n++ {
			old := w.versions[0]
			old.number = n
			w.versions = append(w.versions, old)
		}
		expect(t, w.run(prunes()...), 0)
		if n := len(w.of("DeleteLaunchTemplateVersions")); n != 3 {
			t.Errorf("%d calls for 403 versions", n)
		}
		for _, c := range w.of("DeleteLaunchTemplateVersions") {
			if c.form.Get("LaunchTemplateVersion.201") != "" {
				t.Error("a call has more than 200")
			}
		}
	})
}

// TestWhatPrunesNothing: no bucket, a check, a rollback, a rollout that fails.
func TestWhatPrunesNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(w *world)
		environ []string
		args    []string
	}{
		{name: "no bucket", args: flags()},
		{name: "an empty bucket", args: flags(), environ: []string{rollout.EnvReleases + "="}},
		{name: "a check", args: prunes("--check", "--version", "7")},
		{name: "a failure", args: prunes(), prepare: func(w *world) { w.fails = true }},
		{
			name: "a rollback", args: []string{"rollback", "--group", groupName, "--region", "eu-central-1"},
			environ: []string{rollout.EnvReleases + "=" + bucketName}, prepare: func(w *world) {
				w.begin("8", "InProgress")
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				history(w)
				if c.prepare != nil {
					c.prepare(w)
				}
				w.runWith(context.Background(), c.environ, c.args...)
				for _, made := range w.calls {
					if strings.Contains(made.action, "LaunchTemplateVersions") ||
						strings.Contains(made.action, "Object") {
						t.Errorf("it called %s", made.action)
					}
				}
			})
		})
	}
}

func TestPruneSettings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		expect(t, w.run(flags("--releases", "No_Bucket", "--keep", "23h")...), 2,
			"--releases = \"No_Bucket\"", "--keep = \"23h\"", "24h")
		history(w)
		environ := []string{rollout.EnvReleases + "=" + bucketName, rollout.EnvKeep + "=8400h"}
		got := w.runWith(context.Background(), environ, flags()...)
		expect(t, got, 0, "deleted 2 old versions")
	})
}
