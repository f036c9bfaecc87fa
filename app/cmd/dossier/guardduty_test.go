package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// The real program over a real S3 server, whose objects the test tags as GuardDuty does.
func TestGuardDutyReal(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	buckets := s3.NewFromConfig(server.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("dossier-files")
	if _, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	// tag puts the tag on the object with these bytes.
	tag := func(content []byte, status string) {
		t.Helper()
		list, err := buckets.ListObjectsV2(t.Context(),
			&s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String(dossier.ObjectPrefix)})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Contents {
			got, err := buckets.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: o.Key})
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(got.Body)
			got.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(data, content) {
				continue
			}
			if _, err := buckets.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: bucket, Key: o.Key,
				Tagging: &types.Tagging{TagSet: []types.Tag{
					{Key: aws.String("GuardDutyMalwareScanStatus"), Value: &status}}}}); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Fatalf("no object has the bytes %q", content)
	}

	env := []string{"DOSSIER_DATA=" + teststores.Migrated(t), "DOSSIER_BUCKET=" + *bucket, "DOSSIER_S3_PATH_STYLE=true",
		"DOSSIER_STAFF_SECRET=" + teststores.StaffSecret, "AWS_ENDPOINT_URL_S3=" + server.Endpoint,
		"AWS_REGION=" + server.Region, "AWS_ACCESS_KEY_ID=" + server.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + server.SecretKey, "AWS_EC2_METADATA_DISABLED=true",
		"DOSSIER_SCANNER=guardduty",
		"DOSSIER_SCAN_MAX_SIZE=1kB", // of what clamd is sent: no limit here
	}
	p := start(t, freeAddress(t), slices.Clone(env))
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{bytes.Repeat([]byte("letter "), 1000), []byte("virus"),
		[]byte("encrypted"), []byte("late")}}
	if err := f.post(t.Context(), p.base, new(atomic.Int64)); err != nil {
		t.Fatalf("a form: %v; the program says:\n%s", err, p.output)
	}
	f.becomes(t, p, "waiting 409", "waiting 409", "waiting 409", "waiting 409")
	tag(f.files[0], "NO_THREATS_FOUND")
	tag(f.files[1], "THREATS_FOUND")
	tag(f.files[2], "UNSUPPORTED")
	f.becomes(t, p, "clean 200", "infected 403", "not_scanned 403", "waiting 409")

	tag(f.files[3], "NO_THREATS_FOUND")
	f.becomes(t, p, "clean 200", "infected 403", "not_scanned 403", "clean 200")

	// What GuardDuty says on request counts on request.
	tag(f.files[2], "NO_THREATS_FOUND")
	if status, out := command(t, env, "scan", "--unscanned"); status != 0 ||
		!strings.Contains(out, "Of 4 stored files") {
		t.Errorf("dossier scan: status %d\n%s", status, out)
	}
	f.becomes(t, p, "clean 200", "infected 403", "clean 200", "clean 200")

	env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "DOSSIER_BUCKET=") })
	if status, out := command(t, env, "scan"); status != exitFailed || !strings.Contains(out, "DOSSIER_SCANNER") ||
		!strings.Contains(out, "DOSSIER_BUCKET") {
		t.Errorf("dossier scan with no bucket: status %d\n%s", status, out)
	}
}
