//go:build unix

package objects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/storetest"
)

// keepVersions turns a bucket's versioning on.
func keepVersions(t *testing.T, cfg aws.Config, bucket string) {
	t.Helper()
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatalf("PutBucketVersioning: %v", err)
	}
}

// revivedBy is a store whose objects come back by another one on the same bucket.
type revivedBy struct {
	*S3
	by *S3
}

func (r revivedBy) Revive(ctx context.Context, key string, want dossier.Held) error {
	return r.by.Revive(ctx, key, want)
}

// asking returns cfg for requests that change has changed before.
func asking(cfg aws.Config, change func(input any)) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Asking", func(ctx context.Context,
			in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput,
			middleware.Metadata, error) {
			change(in.Parameters)
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
	return cfg
}

// twoAPage returns cfg for listings of two versions a page, where S3 has a thousand.
func twoAPage(cfg aws.Config) aws.Config {
	return asking(cfg, func(input any) {
		if list, ok := input.(*s3.ListObjectVersionsInput); ok {
			list.MaxKeys = aws.Int32(2)
		}
	})
}

// withoutPartSums returns cfg for multipart uploads of which no checksum is said at the start. Where one is, versitygw
// takes the checksum of a whole object for that of the part that is copied of it. Without one it computes that of the
// whole, and compares it with what is said at the end, as S3 does.
func withoutPartSums(cfg aws.Config) aws.Config {
	return asking(cfg, func(input any) {
		switch in := input.(type) {
		case *s3.CreateMultipartUploadInput:
			in.ChecksumAlgorithm, in.ChecksumType = "", ""
		case *s3.CompleteMultipartUploadInput:
			in.ChecksumType = ""
		}
	})
}

func TestS3Versions(t *testing.T) {
	t.Parallel()
	cfg := patient(servers.S3(t).Config())
	for name, c := range map[string]struct {
		cfg      aws.Config
		copyPart int64
	}{
		"suite":           {cfg, copyPart},
		"suite, in pages": {twoAPage(cfg), copyPart},
		"suite, in parts": {withoutPartSums(cfg), dossier.MinPartSize},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Versions(t, func(t *testing.T) (storetest.VersionedObjects, func()) {
				s := openS3(t, cfg, S3Config{})
				by := openS3(t, c.cfg, S3Config{Bucket: s.bucket})
				by.copyPart = c.copyPart
				return revivedBy{s, by}, func() { keepVersions(t, cfg, s.bucket) }
			})
		})
	}
	t.Run("foreign", func(t *testing.T) { t.Parallel(); testReviveForeign(t, cfg) })
	t.Run("failing", func(t *testing.T) { t.Parallel(); testReviveFailing(t, cfg) })
}

// testReviveForeign: versions that another program wrote, of this key without a checksum of the whole, or of a key that
// begins with this one, are none of the file's.
func testReviveForeign(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{})
	keepVersions(t, cfg, s.bucket)
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	key, body := newKey(), "some bytes"
	crc := dossier.NewCRC64()
	_, _ = crc.Write([]byte(body))
	want := dossier.Held{Size: int64(len(body)), CRC64: crc.Sum64()}
	longer := key + "0"
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: &longer,
		Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme}); err != nil {
		t.Fatal(err)
	}
	if err := s.Revive(t.Context(), key, want); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Revive where only a longer key has versions: %v; want ErrNotFound", err)
	}
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: &key,
		Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmSha256}); err != nil {
		t.Fatal(err)
	}
	if err := s.Revive(t.Context(), key, want); !errors.Is(err, dossier.ErrCorrupt) {
		t.Errorf("Revive of a version without the checksum: %v; want ErrCorrupt", err)
	}
}

// testReviveFailing: where S3 refuses a step, the error says that it may be tried again, and nothing is left.
func testReviveFailing(t *testing.T, cfg aws.Config) {
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	copies := func(r *http.Request) bool { return r.Header.Get("X-Amz-Copy-Source") != "" }
	for name, fails := range map[string]func(*http.Request) bool{
		"listing":  func(r *http.Request) bool { return r.URL.Query().Has("versions") },
		"looking":  func(r *http.Request) bool { return r.Method == http.MethodHead && r.URL.Query().Has("versionId") },
		"starting": func(r *http.Request) bool { return operation(r) == "CreateMultipartUpload" },
		"a part": func(r *http.Request) bool {
			return copies(r) && r.URL.Query().Get("partNumber") == "2"
		},
		"finishing": func(r *http.Request) bool { return operation(r) == "CompleteMultipartUpload" },
		"copying":   func(r *http.Request) bool { return copies(r) && !r.URL.Query().Has("uploadId") },
	} {
		t.Run(name, func(t *testing.T) {
			s := openS3(t, cfg, S3Config{})
			keepVersions(t, cfg, s.bucket)
			size := int64(dossier.MinPartSize + 1)
			key := newKey()
			if _, err := s.Put(t.Context(), key, byteStream(size)); err != nil {
				t.Fatal(err)
			}
			want, err := s.Stat(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			failing := openS3(t, through(withoutPartSums(cfg), func(r *http.Request) (*http.Response, error) {
				if fails(r) {
					return nil, errors.New("no route")
				}
				return http.DefaultClient.Do(r)
			}), S3Config{Bucket: s.bucket})
			if name != "copying" {
				failing.copyPart = dossier.MinPartSize
			}
			if err := failing.Revive(t.Context(), key, want); !errors.Is(err, dossier.ErrUnavailable) {
				t.Errorf("Revive: %v; want ErrUnavailable", err)
			}
			expectAbsent(t, s, key)
			if err := s.Revive(t.Context(), key, want); err != nil {
				t.Errorf("Revive afterwards: %v", err)
			}
		})
	}
}

func TestDirectoryKeepsNoVersions(t *testing.T) {
	t.Parallel()
	d := openDirectory(t, t.TempDir())
	if err := d.Revive(t.Context(), newKey(), dossier.Held{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Revive: %v; want ErrUnsupported", err)
	}
}

// TestReviveRequests: what S3 is asked where a version is copied in parts, that it may compare the whole before anybody
// sees it.
func TestReviveRequests(t *testing.T) {
	t.Parallel()
	key, want := newKey(), dossier.Held{Size: 12, CRC64: 0x0123456789abcdef}
	sum := encodeCRC64(want.CRC64)
	var asked []string
	answer := func(r *http.Request) (header http.Header, body string) {
		q := r.URL.Query()
		switch {
		case q.Has("versions"):
			return nil, "<ListVersionsResult><Version><Key>" + key + "</Key><VersionId>v/1</VersionId><Size>12</Size>" +
				"<IsLatest>false</IsLatest></Version></ListVersionsResult>"
		case r.Method == http.MethodHead:
			return http.Header{"Content-Length": {"12"}, "X-Amz-Checksum-Crc64nvme": {sum},
				"X-Amz-Checksum-Type": {"FULL_OBJECT"}}, ""
		case q.Has("uploads"):
			return nil, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
		case r.Method == http.MethodPut:
			return nil, "<CopyPartResult><ETag>e" + q.Get("partNumber") + "</ETag></CopyPartResult>"
		}
		return nil, "<CompleteMultipartUploadResult/>"
	}
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		line := r.Method + " " + r.URL.Query().Get("partNumber")
		for _, name := range []string{"Copy-Source", "Copy-Source-Range", "Checksum-Algorithm", "Checksum-Type",
			"Mp-Object-Size", "Checksum-Crc64nvme"} {
			if v := r.Header.Get("X-Amz-" + name); v != "" {
				line += " " + name + "=" + v
			}
		}
		asked = append(asked, line)
		header, body := answer(r)
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)), Request: r}, nil
	}), S3Config{Bucket: "files-1"})
	s.copyPart = 5
	if err := s.Revive(t.Context(), key, want); err != nil {
		t.Fatal(err)
	}
	source := " Copy-Source=files-1/" + key + "?versionId=v%2F1 Copy-Source-Range=bytes="
	wanted := []string{
		"GET ", "HEAD ",
		"POST  Checksum-Algorithm=CRC64NVME Checksum-Type=FULL_OBJECT",
		"PUT 1" + source + "0-4", "PUT 2" + source + "5-9", "PUT 3" + source + "10-11",
		"POST  Checksum-Type=FULL_OBJECT Mp-Object-Size=12 Checksum-Crc64nvme=" + sum,
	}
	if got := strings.Join(asked, "\n"); got != strings.Join(wanted, "\n") {
		t.Errorf("Revive asks\n%s\nwant\n%s", got, strings.Join(wanted, "\n"))
	}
}
