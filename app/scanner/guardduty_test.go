package scanner

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/objects"
)

const bucket = "dossier-files"

// tagged is a service whose files lie on a real S3 server and are checked by GuardDuty, which is played by the test.
type tagged struct {
	*dossier.Service
	stores teststores.Stores
	s3     *s3.Client
	// ahead is how far the service's clock is ahead.
	ahead atomic.Int64
	// fault is what S3 answers to who reads tags; nil: the truth.
	fault atomic.Pointer[fault]
}

// fault is an error that S3 gives (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList).
type fault struct {
	status int
	code   string
}

func startTagged(t *testing.T) *tagged {
	t.Helper()
	server := servers.S3(t)
	g := &tagged{stores: teststores.Embedded(t, teststores.Migrated(t)),
		s3: s3.NewFromConfig(server.Config(), func(o *s3.Options) { o.UsePathStyle = true })}
	if _, err := g.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	open := func(cfg aws.Config) *objects.S3 {
		o, err := objects.NewS3(cfg, objects.S3Config{Bucket: bucket, PathStyle: true})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	g.stores.Objects = open(server.Config())
	reading := server.Config()
	reading.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	reading.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
		if f := g.fault.Load(); f != nil {
			return &http.Response{StatusCode: f.status, Request: r, Header: http.Header{"Content-Type": {"application/xml"}},
				Body: io.NopCloser(strings.NewReader("<Error><Code>" + f.code + "</Code></Error>"))}, nil
		}
		return http.DefaultClient.Do(r)
	})
	g.Service = dossier.New(g.stores.People, g.stores.Catalog, g.stores.Objects, dossier.Options{
		Now:      func() time.Time { return time.Now().UTC().Add(time.Duration(g.ahead.Load())) },
		Scanning: dossier.Scanning{Scanner: NewGuardDuty(open(reading)), Pending: dossier.ToStaff, Unscanned: dossier.ToAll},
	})
	return g
}

// store stores a file and returns its record.
func (g *tagged) store(t *testing.T) dossier.File {
	t.Helper()
	r := dossier.NewReceipt()
	sub, err := g.Begin(t.Context(), r,
		dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36, Technology: "Analytical Engine"})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Abandon(t.Context())
	err = sub.AddFile(t.Context(), "a", bytes.NewReader([]byte("letter")))
	if err == nil {
		err = sub.Acknowledge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for f, err := range g.stores.Catalog.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Person == r.Person {
			return f
		}
	}
	t.Fatal("the file has no record")
	return dossier.File{}
}

// tag does what GuardDuty does at its end: the tag stands beside those that are there.
func (g *tagged) tag(t *testing.T, f dossier.File, status string) {
	t.Helper()
	_, err := g.s3.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: aws.String(bucket),
		Key: aws.String(f.Key()), Tagging: &types.Tagging{TagSet: []types.Tag{
			{Key: aws.String("department"), Value: aws.String("NO_THREATS_FOUND")},
			{Key: aws.String(guardDutyTag), Value: &status},
		}}})
	if err != nil {
		t.Fatal(err)
	}
}

// turns scans as often as files are tried, and returns the file's record.
func (g *tagged) turns(t *testing.T, f dossier.File, n int) dossier.File {
	t.Helper()
	for range n {
		if err := g.ScanTurn(t.Context()); err != nil {
			t.Fatalf("ScanTurn: %v", err)
		}
		g.ahead.Add(int64(15 * time.Minute))
	}
	return g.now(t, f)
}

func (g *tagged) now(t *testing.T, f dossier.File) dossier.File {
	t.Helper()
	f, err := g.stores.Catalog.File(t.Context(), f.Person, f.ID)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Each value of the tag, and who then has the file where staff may have what waits, and all what nobody checked.
func TestGuardDuty(t *testing.T) {
	g := startTagged(t)
	for status, want := range map[string]struct {
		state        dossier.ScanState
		detail       string
		staff, whole error
	}{
		"NO_THREATS_FOUND": {dossier.ScanClean, "", nil, nil},
		"THREATS_FOUND":    {dossier.ScanInfected, "THREATS_FOUND", dossier.ErrWithheld, dossier.ErrWithheld},
		"UNSUPPORTED":      {dossier.ScanNone, "UNSUPPORTED", nil, nil},
		"ACCESS_DENIED":    {dossier.ScanNone, "ACCESS_DENIED", nil, nil},
		"FAILED":           {dossier.ScanFailed, "failed again and again", nil, dossier.ErrWithheld},
		"no_threats_found": {dossier.ScanNone, `"no_threats_found"`, nil, nil},
		"":                 {dossier.ScanNone, `""`, nil, nil},
	} {
		t.Run(status, func(t *testing.T) {
			f := g.store(t)
			if f = g.turns(t, f, 1); f.ScanState() != dossier.ScanWaiting || f.Scan.Tries != 0 {
				t.Fatalf("without a tag the file is %+v", *f.Scan)
			}
			if err := g.HandOut(f, dossier.ToAll); !errors.Is(err, dossier.ErrScanning) {
				t.Errorf("without a tag it is handed out: %v", err)
			}
			g.tag(t, f, status)
			f = g.turns(t, f, 5)
			if f.ScanState() != want.state || !strings.Contains(f.Scan.Detail, want.detail) ||
				want.detail == "" && f.Scan.Detail != "" {
				t.Errorf("the file is %+v, want %s, %q", *f.Scan, want.state, want.detail)
			}
			if err := g.HandOut(f, dossier.ToStaff); !errors.Is(err, want.staff) {
				t.Errorf("to staff: %v, want %v", err, want.staff)
			}
			if err := g.HandOut(f, dossier.ToAll); !errors.Is(err, want.whole) {
				t.Errorf("to all: %v, want %v", err, want.whole)
			}
		})
	}
}

// FAILED may become another word before the tries are over.
func TestGuardDutyFailsOnce(t *testing.T) {
	g := startTagged(t)
	f := g.store(t)
	g.tag(t, f, "FAILED")
	if f = g.turns(t, f, 1); f.ScanState() != dossier.ScanWaiting || f.Scan.Tries != 1 {
		t.Fatalf("after FAILED the file is %+v", *f.Scan)
	}
	g.tag(t, f, "NO_THREATS_FOUND")
	if f = g.turns(t, f, 1); f.ScanState() != dossier.ScanClean {
		t.Errorf("then it is %+v", *f.Scan)
	}
}

// What GuardDuty never tags waits for a day, and no longer; what it says later counts on request.
func TestGuardDutyNeverTags(t *testing.T) {
	g := startTagged(t)
	f := g.store(t)
	if f = g.turns(t, f, 4*23); f.ScanState() != dossier.ScanWaiting {
		t.Fatalf("within a day the file is %+v", *f.Scan)
	}
	if f = g.turns(t, f, 12); f.ScanState() != dossier.ScanNone || f.Scan.Detail != "no result within 24 hours" {
		t.Fatalf("after a day the file is %+v", *f.Scan)
	}
	g.tag(t, f, "THREATS_FOUND")
	report, err := g.ScanStored(t.Context(), dossier.ScanRequest{Unscanned: true}, nil)
	if err != nil || report.Scanned[dossier.ScanInfected] != 1 {
		t.Errorf("on request: %+v, %v", report, err)
	}
}

// While tags cannot be read, nothing changes.
func TestGuardDutyOutOfReach(t *testing.T) {
	g := startTagged(t)
	f := g.store(t)
	g.tag(t, f, "NO_THREATS_FOUND")
	for _, what := range []fault{{http.StatusServiceUnavailable, "ServiceUnavailable"},
		{http.StatusForbidden, "AccessDenied"}, {http.StatusNotFound, "NoSuchBucket"}} {
		g.fault.Store(&what)
		for range 30 {
			err := g.ScanTurn(t.Context())
			if !errors.Is(err, dossier.ErrUnavailable) || !strings.Contains(err.Error(), "s3:GetObjectTagging") {
				t.Fatalf("%s: ScanTurn: %v", what.code, err)
			}
			g.ahead.Add(int64(time.Hour))
		}
		if got := g.now(t, f); *got.Scan != *f.Scan {
			t.Errorf("%s: the file was %+v and is %+v", what.code, *f.Scan, *got.Scan)
		}
		g.fault.Store(nil)
	}
	if f = g.turns(t, f, 1); f.ScanState() != dossier.ScanClean {
		t.Errorf("once S3 answers the file is %+v", *f.Scan)
	}
}

// An object that is gone is known to be damage, and is no failure of GuardDuty.
func TestGuardDutyWithoutObject(t *testing.T) {
	g := startTagged(t)
	f := g.store(t)
	if err := g.stores.Objects.Delete(t.Context(), f.Key()); err != nil {
		t.Fatal(err)
	}
	if f = g.turns(t, f, 6); f.ScanState() != dossier.ScanWaiting || f.Scan.Tries != 0 || f.Damage == nil {
		t.Errorf("the file is %+v, its damage %v", *f.Scan, f.Damage)
	}
}

// In a bucket with versions, what replaces an object has not been checked, whatever the tag of what it replaced.
func TestGuardDutyOfAnotherVersion(t *testing.T) {
	g := startTagged(t)
	_, err := g.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String(bucket),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	f := g.store(t)
	g.tag(t, f, "NO_THREATS_FOUND")
	if _, err := g.stores.Objects.Put(t.Context(), f.Key(), strings.NewReader("letter")); err != nil {
		t.Fatal(err)
	}
	if f = g.turns(t, f, 1); f.ScanState() != dossier.ScanWaiting {
		t.Errorf("the file is %+v", *f.Scan)
	}
}
