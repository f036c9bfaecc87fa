package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// attic keeps versions for a store that has none: what was put there.
type attic struct {
	objects dossier.Objects
	mu      sync.Mutex
	kept    map[string][][]byte
	// meanwhile is called once, before anything is brought back.
	meanwhile func()
}

// keep puts an object away, as a bucket with versioning does with what is deleted.
func (a *attic) keep(t *testing.T, key string) {
	t.Helper()
	r, err := a.objects.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	a.kept[key] = append(a.kept[key], data)
}

func (a *attic) Revive(ctx context.Context, key string, want dossier.Held) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.meanwhile != nil {
		a.meanwhile()
		a.meanwhile = nil
	}
	if len(a.kept[key]) == 0 {
		return &dossier.Error{Code: dossier.CodeNotFound}
	}
	for _, data := range a.kept[key] {
		if (dossier.Held{Size: int64(len(data)), CRC64: crc(data)}) == want {
			if err := a.objects.Delete(ctx, key); err != nil {
				return err
			}
			_, err := a.objects.Put(ctx, key, bytes.NewReader(data))
			return err
		}
	}
	return &dossier.Error{Code: dossier.CodeCorrupt}
}

// faultyVersions lets a call go wrong.
type faultyVersions struct {
	to dossier.Versions
	f  *faults
}

func (v faultyVersions) Revive(ctx context.Context, key string, want dossier.Held) error {
	return v.f.Around(ctx, "versions.Revive", func() error { return v.to.Revive(ctx, key, want) })
}

// restored are stores as they are after people and records were restored to a point, and the objects were not.
type restored struct {
	stores
	versions dossier.Versions
	at       time.Time
	kept     dossier.Receipt
	want     map[string]int
}

// lose takes a file's object away. forGood leaves no version of it.
func (r *restored) lose(t *testing.T, f dossier.File, forGood bool) {
	t.Helper()
	switch v := r.versions.(type) {
	case *attic:
		if !forGood {
			v.keep(t, f.Key())
		}
	case versionedBucket:
		if forGood {
			v.purge(t, f.Key())
			return
		}
	}
	if err := r.objects.Delete(t.Context(), f.Key()); err != nil {
		t.Fatal(err)
	}
}

// versionedBucket is a bucket of the S3 server that keeps versions.
type versionedBucket struct {
	dossier.Versions
	client *s3.Client
	bucket string
}

func (b versionedBucket) purge(t *testing.T, key string) {
	t.Helper()
	out, err := b.client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &b.bucket, Prefix: &key})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range out.Versions {
		if _, err := b.client.DeleteObject(t.Context(),
			&s3.DeleteObjectInput{Bucket: &b.bucket, Key: &key, VersionId: v.VersionId}); err != nil {
			t.Fatal(err)
		}
	}
}

func embeddedVersions(t *testing.T) (stores, dossier.Versions) { return versioned(embedded(t)) }

func freshVersions(t *testing.T) (stores, dossier.Versions) { return versioned(fresh(t)) }

func versioned(s stores) (stores, dossier.Versions) {
	return s, &attic{objects: s.objects, kept: map[string][][]byte{}}
}

func cloudVersions(t *testing.T) (stores, dossier.Versions) {
	c := teststores.Cloud(t)
	s := c.Stores(t)
	client := c.Buckets()
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &c.Bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	return over(s), versionedBucket{s.Objects.(dossier.Versions), client, c.Bucket}
}

// undisturbed are the calls of what restore interrupts.
type undisturbed struct{ oneForm, twoForm, sent []string }

func calls(t *testing.T) undisturbed {
	return undisturbed{anotherFormCalls(t), formCalls(t), directCalls(t)}
}

// restore makes stores with everything that can be wrong after a restore.
func restore(t *testing.T, s stores, versions dossier.Versions, calls undisturbed) *restored {
	t.Helper()
	ctx, svc := t.Context(), s.service(dossier.DefaultLimits())
	r := &restored{stores: s, versions: versions, kept: dossier.NewReceipt()}
	oneForm, twoForm, sent := calls.oneForm, calls.twoForm, calls.sent

	lost := map[string]upload{}
	var files []upload
	for _, name := range []string{"fine.txt", "deleted.txt", "overwritten.txt", "for-good.txt", "other-bytes.txt"} {
		u := upload{name, bytes.Repeat([]byte(name), 1000)}
		files, lost[name] = append(files, u), u
	}
	if _, err := submit(ctx, svc, r.kept, files); err != nil {
		t.Fatal(err)
	}
	replace := func(f dossier.File) {
		if _, err := s.objects.Put(ctx, f.Key(), bytes.NewReader([]byte("other bytes"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range s.opens(t, r.kept) {
		switch f.Name {
		case "deleted.txt":
			r.lose(t, f, false)
		case "overwritten.txt":
			r.lose(t, f, false)
			replace(f)
		case "for-good.txt":
			r.lose(t, f, true)
		case "other-bytes.txt":
			r.lose(t, f, true)
			replace(f)
		}
	}

	// Uploads whose bytes are all there: described or not, by a form and in parts.
	_, _ = submit(ctx, s.faulty(failing(t, oneForm, dieBefore, "catalog.Commit", 1)), r.kept,
		[]upload{{"described.txt", []byte("described")}})
	_, _ = submit(ctx, s.faulty(failing(t, twoForm, dieBefore, "catalog.Describe", 1)), r.kept,
		[]upload{{"undescribed.txt", make([]byte, dossier.SmallBytes+1)}})
	_, _ = submit(ctx, s.faulty(failing(t, oneForm, dieBefore, "catalog.Commit", 1)), r.kept,
		[]upload{lost["fine.txt"]}) // stored already
	_, _ = submit(ctx, s.faulty(failing(t, oneForm, dieAfter, "catalog.Put", 1)), r.kept,
		[]upload{{"no-bytes.txt", []byte("no bytes")}})
	for name, step := range map[string]struct {
		m    mode
		call string
	}{"in-parts.png": {dieAfter, "objects.Finish"}, "not-put-together.png": {dieBefore, "objects.Finish"}} {
		_, _ = s.sendDirectly(t, s.faulty(failing(t, sent, step.m, step.call, 1)), r.kept, dossier.NewFileID(),
			upload{name, direct.data})
	}

	// A submission that was not acknowledged; a record without a person; an object without a record.
	_, _ = submit(ctx, s.faulty(failing(t, twoForm, dieBefore, "catalog.Commit", 2)), dossier.NewReceipt(), twoFiles)
	now := s.clock.now().Truncate(time.Microsecond)
	nobodys := dossier.File{Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Name: "x", Author: "y",
		State: dossier.FileUploading, CreatedAt: now, UpdatedAt: now}
	if _, err := s.catalog.Reserve(ctx, nobodys.Person, nobodys.Counted(), dossier.Quota{Files: 9, Bytes: 9},
		now); err != nil {
		t.Fatal(err)
	}
	if err := s.catalog.Put(ctx, nobodys); err != nil {
		t.Fatal(err)
	}
	if _, err := s.objects.Put(ctx, newKey(), bytes.NewReader([]byte("nobody's"))); err != nil {
		t.Fatal(err)
	}
	// A counter that is too high.
	usage, err := s.catalog.Usage(ctx, r.kept.Person)
	if err != nil {
		t.Fatal(err)
	}
	high := usage.Quota
	high.Files, high.Bytes = high.Files+3, high.Bytes+300
	if err := s.catalog.Recount(ctx, usage, high, s.clock.now()); err != nil {
		t.Fatal(err)
	}

	// S3 tells times in whole seconds, and of an object that came in parts, when it began.
	r.at = time.Now().Add(time.Second).UTC()
	s.clock.forward(time.Hour)
	// What came after the point is none of its business.
	_, _ = submit(ctx, s.faulty(failing(t, oneForm, dieBefore, "catalog.Commit", 1)), r.kept,
		[]upload{{"later.txt", []byte("later")}})
	r.want = map[string]int{
		dossier.RepairRevived: 2, dossier.DamageMissing: 1, dossier.DamageDiffers: 1,
		dossier.RepairFinished: 2, dossier.RepairFound: 1, dossier.PointTwin: 1,
		dossier.PointNoPerson: 1, dossier.PointNoRecord: 1, dossier.PointSubmitting: 1,
		dossier.PointUncounted: 1, dossier.RepairWords: 1,
	}
	return r
}

func newKey() string { return dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()) }

func (r *restored) options() dossier.PointOptions {
	return dossier.PointOptions{At: r.at, Settled: 24 * time.Hour}
}

// agree runs the reconciliation on the stores themselves.
func (r *restored) agree(t *testing.T, o dossier.PointOptions) *dossier.PointReport {
	t.Helper()
	told := map[string]int{}
	report, err := r.service(dossier.DefaultLimits()).ReconcileAt(t.Context(), r.versions, o,
		func(rep dossier.Repair) { told[rep.What]++ })
	if err != nil {
		t.Fatalf("ReconcileAt: %v", err)
	}
	if !maps.Equal(told, report.Counts) {
		t.Errorf("told %v, reported %v", told, report.Counts)
	}
	return report
}

// settled wants what ReconcileAt does to have been done.
func (r *restored) settled(t *testing.T) {
	t.Helper()
	stored := []upload{{name: "fine.txt"}, {name: "deleted.txt"}, {name: "overwritten.txt"}, {name: "described.txt"},
		{name: "undescribed.txt"}, {name: "in-parts.png"}}
	r.checkAcknowledged(t, r.kept, stored)
	svc := r.service(dossier.DefaultLimits())
	for _, f := range r.opens(t, r.kept) {
		if f.State != dossier.FileStored || f.Name == "for-good.txt" || f.Name == "other-bytes.txt" {
			continue
		}
		body, err := svc.Open(t.Context(), f, dossier.ToAll, 0, -1)
		if err != nil {
			t.Errorf("open %s: %v", f.Name, err)
			continue
		}
		data, err := io.ReadAll(body)
		_ = body.Close()
		if err != nil || sums(data) != (dossier.Checksums{CRC64: f.Content.CRC64, SHA256: f.Content.SHA256}) ||
			f.Content.Type == "" {
			t.Errorf("%s has %d bytes (%v), its record says %+v", f.Name, len(data), err, f.Content)
		}
	}
}

func TestReconcileAt(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (stores, dossier.Versions){
		"embedded": embeddedVersions, "cloud": cloudVersions,
	} {
		t.Run(name, func(t *testing.T) {
			s, versions := open(t)
			r := restore(t, s, versions, calls(t))
			people, records, objects := r.count(t)

			dry := r.options()
			dry.DryRun = true
			report := r.agree(t, dry)
			// It cannot tell what comes back, nor what is a twin.
			want := maps.Clone(r.want)
			delete(want, dossier.RepairRevived)
			delete(want, dossier.PointTwin)
			want[dossier.DamageMissing], want[dossier.DamageDiffers], want[dossier.RepairFinished] = 2, 2, 3
			if !maps.Equal(report.Counts, want) || !report.NeedsPerson() || !report.DryRun {
				t.Errorf("a dry run tells %v, want %v", report.Counts, want)
			}
			if p, f, o := r.count(t); p != people || f != records || o != objects {
				t.Errorf("a dry run made %d people, %d records, %d objects of %d, %d, %d", p, f, o, people, records,
					objects)
			}

			if report := r.agree(t, r.options()); !maps.Equal(report.Counts, r.want) || !report.NeedsPerson() ||
				report.Verified != 7 {
				// The seventh is one of the submission that was not acknowledged.
				t.Errorf("it did %v and verified %d files, want %v and 7", report.Counts, report.Verified, r.want)
			}
			r.settled(t)
			// Nothing was removed, and what was missing is there again.
			if p, f, o := r.count(t); p != people || f != records || o != objects+1 {
				t.Errorf("there are %d people, %d records, %d objects; there were %d, %d, %d, and one was missing", p, f,
					o, people, records, objects)
			}

			// Once nothing moves any more, the counter goes too; the rest is as it was left.
			r.clock.forward(48 * time.Hour)
			again := map[string]int{dossier.DamageMissing: 1, dossier.DamageDiffers: 1, dossier.PointTwin: 1,
				dossier.PointNoPerson: 1, dossier.PointNoRecord: 1, dossier.PointSubmitting: 1, dossier.RepairRecounted: 1}
			if report := r.agree(t, r.options()); !maps.Equal(report.Counts, again) {
				t.Errorf("a second run did %v, want %v", report.Counts, again)
			}
			delete(again, dossier.RepairRecounted)
			if report := r.agree(t, r.options()); !maps.Equal(report.Counts, again) {
				t.Errorf("a third run did %v, want %v", report.Counts, again)
			}
		})
	}
}

// Of an object without a record it tells whether one was to be expected; and an upload that began later is left.
func TestReconcileAtBeforeAll(t *testing.T) {
	s, versions := freshVersions(t)
	r := restore(t, s, versions, calls(t))
	r.at = r.at.Add(-time.Hour)
	want := map[string]int{dossier.RepairRevived: 2, dossier.DamageMissing: 1, dossier.DamageDiffers: 1,
		dossier.PointNoPerson: 1, dossier.PointLater: 1, dossier.PointUncounted: 1, dossier.RepairWords: 1}
	if report := r.agree(t, r.options()); !maps.Equal(report.Counts, want) {
		t.Errorf("it did %v, want %v", report.Counts, want)
	}
}

func TestReconcileAtAllAgree(t *testing.T) {
	s, versions := freshVersions(t)
	r := &restored{stores: s, versions: versions, kept: dossier.NewReceipt(), at: time.Now().UTC()}
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r.kept, twoFiles); err != nil {
		t.Fatal(err)
	}
	s.clock.forward(time.Hour)
	report := r.agree(t, r.options())
	if len(report.Counts) != 0 || report.NeedsPerson() || report.Verified != len(twoFiles) {
		t.Errorf("of stores that agree it tells %+v", report)
	}
	o := r.options()
	o.At = s.clock.now().Add(time.Hour)
	if _, err := s.service(dossier.DefaultLimits()).ReconcileAt(t.Context(), versions, o, nil); err == nil {
		t.Error("a point in the future is taken")
	}
}

// A store without versions brings nothing back, and says what is missing.
func TestReconcileAtWithoutVersions(t *testing.T) {
	s, versions := freshVersions(t)
	r := restore(t, s, versions, calls(t))
	r.versions = s.objects.(dossier.Versions)
	report := r.agree(t, r.options())
	if report.Counts[dossier.RepairRevived] != 0 || report.Counts[dossier.DamageMissing] != 2 ||
		report.Counts[dossier.DamageDiffers] != 2 {
		t.Errorf("it did %v", report.Counts)
	}
}

// A file that is deleted while its object is brought back leaves no object without a record.
func TestReconcileAtBesideDeletion(t *testing.T) {
	s := fresh(t)
	versions := &attic{objects: s.objects, kept: map[string][][]byte{}}
	r := &restored{stores: s, versions: versions, kept: dossier.NewReceipt(), at: time.Now().UTC()}
	svc := s.service(dossier.DefaultLimits())
	if _, err := submit(t.Context(), svc, r.kept, twoFiles[:1]); err != nil {
		t.Fatal(err)
	}
	f := s.opens(t, r.kept)[0]
	r.lose(t, f, false)
	versions.meanwhile = func() {
		if err := svc.DeleteFile(t.Context(), f.Person, f.ID); err != nil {
			t.Error(err)
		}
	}
	s.clock.forward(time.Hour)
	if report := r.agree(t, r.options()); len(report.Counts) != 0 {
		t.Errorf("it did %v", report.Counts)
	}
	if _, err := s.objects.Stat(t.Context(), f.Key()); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("the object of the deleted file: %v, want ErrNotFound", err)
	}
}

// It is cut off at every call; the next run ends the work.
func TestFaultAtEveryStepOfReconcileAt(t *testing.T) {
	run := func(r *restored, f *faults) (*dossier.PointReport, error) {
		return r.faulty(f).ReconcileAt(t.Context(), faultyVersions{r.versions, f}, r.options(), nil)
	}
	clean, interrupted := noFault(), calls(t)
	s, versions := freshVersions(t)
	if _, err := run(restore(t, s, versions, interrupted), clean); err != nil {
		t.Fatal(err)
	}
	// Records are looked at some at once, so the order of the calls differs from run to run; their number hardly does.
	for i := range clean.Calls() {
		for _, m := range []mode{failBefore, dieAfter} {
			t.Run(name(i, "", m), func(t *testing.T) {
				s, versions := freshVersions(t)
				r := restore(t, s, versions, interrupted)
				people, records, objects := r.count(t)
				if report, err := run(r, fault(i, m)); err != nil && !errors.Is(err, dossier.ErrUnavailable) {
					t.Errorf("ReconcileAt: %+v, %v; want ErrUnavailable", report, err)
				}
				if p, f, o := r.count(t); p != people || f != records || o < objects {
					t.Errorf("left %d people, %d records, %d objects of %d, %d, %d", p, f, o, people, records, objects)
				}
				r.agree(t, r.options())
				r.settled(t)
			})
		}
	}
}
