//go:build unix

package objects

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/storetest"
)

func TestS3(t *testing.T) {
	cfg := servers.S3(t).Config()
	// What the SDK sets where it loads the configuration itself, as in production.
	cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	cfg.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	// What measures the process comes first and alone; the others, parallel, only then.
	t.Run("leaks nothing", func(t *testing.T) { testS3Leaks(t, cfg) })
	t.Run("memory", func(t *testing.T) { testS3Memory(t, cfg) })
	for name, test := range map[string]func(*testing.T, aws.Config){
		"requests":                   testS3Requests,
		"answers to a Put":           testS3Answers,
		"TLS":                        testS3TLS,
		"changed on the way":         testS3Changed,
		"wrong checksum":             testS3WrongChecksum,
		"foreign objects":            testS3Foreign,
		"refused":                    testS3Refused,
		"server errors":              testS3ServerErrors,
		"hanging connection":         testS3Hanging,
		"lost answer":                testS3LostAnswer,
		"little memory":              testS3LittleMemory,
		"body that stops coming":     testS3Stall,
		"signed requests":            testS3Signed,
		"multipart upload: requests": testS3MultipartRequests,
		"finish meanwhile":           testS3FinishMeanwhile,
		"finish as listed":           testS3FinishListed,
		"finish answered":            testS3FinishAnswers,
		"foreign uploads":            testS3ForeignUploads,
		"refusals":                   testS3Refusals,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, cfg)
		})
	}
	t.Run("suite", func(t *testing.T) {
		cfg := asking(patient(cfg), func(input any) {
			if list, ok := input.(*s3.ListObjectsV2Input); ok {
				list.MaxKeys = aws.Int32(storetest.ListedObjects / 3)
			}
		})
		storetest.Objects(t, func(t *testing.T) (dossier.Objects, storetest.Send) {
			return openS3(t, cfg, S3Config{Timeout: 20 * time.Second}), sendHTTP
		})
	})
}

func testS3Requests(t *testing.T, cfg aws.Config) {
	var mu sync.Mutex
	var seen []string
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		line := operation(r)
		for _, h := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type", "X-Amz-Mp-Object-Size",
			"X-Amz-Checksum-Mode", "X-Amz-Sdk-Checksum-Algorithm"} {
			if v := r.Header.Get(h); v != "" {
				line += " " + strings.TrimPrefix(h, "X-Amz-") + "=" + v
			}
		}
		if r.Header.Get("X-Amz-Checksum-Crc64nvme") != "" {
			line += " with CRC64"
		}
		seen = append(seen, line)
		return http.DefaultClient.Do(r)
	}), S3Config{Bucket: newBucket(t, cfg)})
	for size, want := range map[int64][]string{
		0:                       {"PutObject Sdk-Checksum-Algorithm=CRC64NVME with CRC64"},
		dossier.MinPartSize - 1: {"PutObject Sdk-Checksum-Algorithm=CRC64NVME with CRC64"},
		dossier.MinPartSize + 1: {
			"CreateMultipartUpload Checksum-Algorithm=CRC64NVME Checksum-Type=FULL_OBJECT",
			"UploadPart Sdk-Checksum-Algorithm=CRC64NVME with CRC64",
			"UploadPart Sdk-Checksum-Algorithm=CRC64NVME with CRC64",
			fmt.Sprintf("CompleteMultipartUpload Checksum-Type=FULL_OBJECT Mp-Object-Size=%d with CRC64", dossier.MinPartSize+1),
		},
	} {
		seen = nil
		key := newKey()
		if _, err := s.Put(t.Context(), key, byteStream(size)); err != nil {
			t.Fatalf("Put: %v", err)
		}
		if got := strings.Join(seen, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("Put of %d bytes asks\n%s\nwant\n%s", size, got, strings.Join(want, "\n"))
		}
		seen = nil
		if _, err := s.Stat(t.Context(), key); err != nil {
			t.Fatalf("Stat: %v", err)
		}
		if got := strings.Join(seen, "\n"); got != "HEAD Checksum-Mode=ENABLED" {
			t.Errorf("Stat asks %q", got)
		}
		seen = nil
		r, err := s.Open(t.Context(), key, 0, -1)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		// Asked for the checksum of the whole object, a server may send it with a range, and the SDK would find that it
		// differs.
		if got := strings.Join(seen, "\n"); got != "GET" {
			t.Errorf("Open asks %q", got)
		}
	}
	seen = nil
	if err := s.PutThumbnail(t.Context(), dossier.NewPersonID(), dossier.NewFileID(), []byte("small")); err != nil {
		t.Fatalf("PutThumbnail: %v", err)
	}
	if got := strings.Join(seen, "\n"); got != "PutObject Sdk-Checksum-Algorithm=CRC64NVME with CRC64" {
		t.Errorf("PutThumbnail asks %q", got)
	}
}

// testS3Answers lets the server answer a Put without the checksum that it keeps, and with that of other bytes.
func testS3Answers(t *testing.T, cfg aws.Config) {
	var answer func(http.Header)
	heads := 0
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		if operation(r) == http.MethodHead {
			heads++
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil && operation(r) == "PutObject" {
			answer(resp.Header)
		}
		return resp, err
	}), S3Config{Bucket: newBucket(t, cfg)})
	crc := dossier.NewCRC64()
	_, _ = io.Copy(crc, byteStream(1000))
	held := dossier.Held{Size: 1000, CRC64: crc.Sum64()}

	answer = func(h http.Header) { h.Del(checksumHeader) }
	if got, err := s.Put(t.Context(), newKey(), byteStream(1000)); err != nil || got != held || heads != 1 {
		t.Errorf("answered without a checksum, Put returns %+v, %v after %d looks; want %+v after one", got, err, heads,
			held)
	}
	other := dossier.Held{Size: held.Size, CRC64: held.CRC64 + 1}
	answer = func(h http.Header) { h.Set(checksumHeader, encodeCRC64(other.CRC64)) }
	if got, err := s.Put(t.Context(), newKey(), byteStream(1000)); err != nil || got != other {
		t.Errorf("answered with the checksum of other bytes, Put returns %+v, %v; want what the answer says", got, err)
	}
	key := newKey()
	answer = func(h http.Header) { h.Set(checksumHeader, "no checksum") }
	if _, err := s.Put(t.Context(), key, byteStream(1000)); err == nil {
		t.Error("Put took an answer that nobody can read")
	}
	expectAbsent(t, s, key)
}

func testS3TLS(t *testing.T, cfg aws.Config) {
	var summed, hashed atomic.Int64
	s := openS3(t, tlsProxy(t, cfg, func(r *http.Request) {
		if r.Method != http.MethodPut {
			return
		}
		if r.Header.Get(checksumHeader) != "" {
			summed.Add(1)
		}
		if r.Header.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" {
			hashed.Add(1)
		}
	}), S3Config{Bucket: newBucket(t, cfg)})
	for _, size := range []int64{0, 1, dossier.MinPartSize - 1, dossier.MinPartSize, 2*dossier.MinPartSize + 1} {
		key, crc := newKey(), dossier.NewCRC64()
		if _, err := s.Put(t.Context(), key, io.TeeReader(byteStream(size), crc)); err != nil {
			t.Fatalf("Put of %d bytes: %v", size, err)
		}
		if h, err := s.Stat(t.Context(), key); err != nil || h != (dossier.Held{Size: size, CRC64: crc.Sum64()}) {
			t.Errorf("Stat of %d bytes = %+v, %v", size, h, err)
		}
	}
	// The bucket is made past the proxy.
	if summed.Load() == 0 || hashed.Load() != 0 {
		t.Errorf("%d bodies came with their checksum, %d with another hash; want all with the one and none with the other", summed.Load(), hashed.Load())
	}
}

func testS3Foreign(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{})
	key, stray := newKey(), dossier.ObjectPrefix+"put-by-hand"
	for _, k := range []string{key, stray} {
		_, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &s.bucket, Key: &k, Body: strings.NewReader("x"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Stat(t.Context(), key)
	if err == nil || errors.Is(err, dossier.ErrNotFound) || errors.Is(err, dossier.ErrUnavailable) || !strings.Contains(err.Error(), "CRC-64/NVME") {
		t.Errorf("Stat of an object that has no CRC-64/NVME: %v; want an error that says so", err)
	}
	found := map[string]bool{}
	for o, err := range s.List(t.Context(), dossier.ObjectPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		found[o.Key] = true
	}
	if len(found) != 2 || !found[stray] {
		t.Errorf("List = %v; want both, also the one that nobody here made", found)
	}
}

// S3 keeps a CRC-64/NVME of whole objects only. Ceph words that of an object in one part as one of parts.
func TestS3ChecksumOfWhole(t *testing.T) {
	want := dossier.Held{Size: 5, CRC64: 0x0123456789abcdef}
	sum := encodeCRC64(want.CRC64)
	for _, c := range []struct {
		name, sum, of string
		whole         bool
	}{
		{"S3", sum, "FULL_OBJECT", true},
		{"a server that names no type", sum, "", true},
		{"Ceph, one part", sum + "-1", "COMPOSITE", true},
		{"of two parts", sum + "-2", "COMPOSITE", false},
		{"none", "", "", false},
	} {
		s := openS3(t, through(aws.Config{Region: "us-east-1"}, func(r *http.Request) (*http.Response, error) {
			h := http.Header{"Content-Length": {"5"}}
			if c.sum != "" {
				h.Set(checksumHeader, c.sum)
			}
			if c.of != "" {
				h.Set("X-Amz-Checksum-Type", c.of)
			}
			return &http.Response{StatusCode: http.StatusOK, Request: r, Header: h, Body: http.NoBody}, nil
		}), S3Config{Bucket: "any-bucket"})
		held, err := s.Stat(t.Context(), newKey())
		if c.whole && (err != nil || held != want) || !c.whole && err == nil {
			t.Errorf("%s: Stat = %+v, %v", c.name, held, err)
		}
		head, err := s.Head(t.Context(), newKey())
		if err != nil || c.whole != (head.CRC64 != nil && *head.CRC64 == want.CRC64) {
			t.Errorf("%s: Head = %+v, %v", c.name, head, err)
		}
	}
}

// A key that somebody's hand made may have characters that XML cannot: S3 then writes what no parser reads
// (https://github.com/aws/aws-sdk-go/issues/1914), unless it is asked to encode the keys.
func TestS3ListOddKeys(t *testing.T) {
	const plain = "<Key>files/put&#x1; by+hand</Key>"
	for _, c := range []struct{ name, encoded string }{
		{"S3", "<Key>files/put%01+by%2Bhand</Key>"},
		{"a server that writes spaces otherwise", "<Key>files%2Fput%01%20by%2Bhand</Key>"},
	} {
		s := openS3(t, through(aws.Config{Region: "us-east-1"}, func(r *http.Request) (*http.Response, error) {
			list := plain
			if r.URL.Query().Get("encoding-type") == "url" {
				list = "<EncodingType>url</EncodingType>" + c.encoded
			}
			kind, key, _ := strings.Cut(list, "<Key>")
			return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{},
				Body: io.NopCloser(strings.NewReader("<ListBucketResult>" + kind + "<Contents><Key>" + key +
					"</Contents></ListBucketResult>"))}, nil
		}), S3Config{Bucket: "any-bucket"})
		var keys []string
		for o, err := range s.List(t.Context(), dossier.ObjectPrefix, "") {
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			keys = append(keys, o.Key)
		}
		if len(keys) != 1 || keys[0] != "files/put\x01 by+hand" {
			t.Errorf("%s: List = %q", c.name, keys)
		}
	}
}

func TestNewS3(t *testing.T) {
	for name, c := range map[string]S3Config{
		"no bucket":       {},
		"small parts":     {Bucket: "b", PartSize: dossier.MinPartSize - 1},
		"negative parts":  {Bucket: "b", PartSize: -1},
		"too little each": {Bucket: "b", PutMemory: dossier.MinPartSize},
		"too little":      {Bucket: "b", Memory: dossier.MinPartSize},
		"negative memory": {Bucket: "b", Memory: -1},
		"negative time":   {Bucket: "b", Timeout: -1},
		"a part too long": {Bucket: "b", PartSize: 5<<30 + 1},
	} {
		if s, err := NewS3(aws.Config{}, c); err == nil {
			t.Errorf("%s: NewS3 = %+v; want an error", name, s)
		}
	}
	if _, err := NewS3(aws.Config{}, S3Config{Bucket: "b"}); err != nil {
		t.Errorf("NewS3 with defaults: %v", err)
	}
}
