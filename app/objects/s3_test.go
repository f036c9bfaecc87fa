//go:build unix

package objects

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/uuid"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/storetest"
)

// openS3 returns the store in the bucket, or in a fresh one where none is named.
func openS3(t *testing.T, cfg aws.Config, c S3Config) *S3 {
	t.Helper()
	c.PathStyle = true
	if c.Bucket == "" {
		c.Bucket = newBucket(t, cfg)
	}
	s, err := NewS3(cfg, c)
	if err != nil {
		t.Fatalf("NewS3: %v", err)
	}
	return s
}

func newBucket(t *testing.T, cfg aws.Config) string {
	t.Helper()
	bucket := "dossier-" + uuid.NewString()
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatalf("CreateBucket: %v", err)
	}
	return bucket
}

// bounded returns a context for calls that have to end by limits of their own, long before it does.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

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
		cfg := cfg.Copy()
		// versitygw keeps objects in folders. A PutObject that meets the removal of the person's emptied one is refused with this
		// code, which S3, where there are no folders, does not have.
		cfg.Retryer = func() aws.Retryer {
			return retry.AddWithErrorCodes(retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 10 }), "ExistingObjectIsDirectory")
		}
		storetest.Objects(t, func(t *testing.T) (dossier.Objects, storetest.Send) {
			return openS3(t, cfg, S3Config{Timeout: 20 * time.Second}), sendHTTP
		})
	})
}

// sendHTTP sends over HTTP what was signed. It repeats what was reset: a server may refuse a part before it has read it, and close the
// connection, whereupon the bytes still on their way take its answer with them (RFC 9112, section 9.6).
func sendHTTP(ctx context.Context, signed dossier.SignedRequest, body []byte) error {
	for attempt := 1; ; attempt++ {
		err := sendOnce(ctx, signed, body)
		if attempt == 50 || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			return err
		}
	}
}

func sendOnce(ctx context.Context, signed dossier.SignedRequest, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range signed.Header {
		// As in a browser, Content-Length is that of the body.
		if name != "Content-Length" {
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		return fmt.Errorf("%w: %s: %s", storetest.ErrRefused, resp.Status, answer)
	}
	return fmt.Errorf("%w: %s: %s", dossier.ErrUnavailable, resp.Status, answer)
}

// through returns cfg with all requests going through do.
func through(cfg aws.Config, do func(*http.Request) (*http.Response, error)) aws.Config {
	cfg.HTTPClient = smithyhttp.ClientDoFunc(do)
	return cfg
}

// operation names the request by what S3's API reference calls it, for those that the tests treat specially.
func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPost && q.Has("uploadId"):
		return "CompleteMultipartUpload"
	case r.Method == http.MethodPut && q.Has("uploadId"):
		return "UploadPart"
	case r.Method == http.MethodPut:
		return "PutObject"
	}
	return r.Method
}

// expectAbsent fails the test if the object, or a multipart upload of it, is there.
func expectAbsent(t *testing.T, s *S3, key string) {
	t.Helper()
	if h, err := s.Stat(t.Context(), key); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Stat = %+v, %v; want ErrNotFound", h, err)
	}
	if n := drop(t, s); n != 0 {
		t.Errorf("%d unfinished multipart uploads; want nothing left", n)
	}
}

// drop drops all multipart uploads and returns how many there were.
func drop(t *testing.T, s *S3) (count int) {
	t.Helper()
	for tr, err := range s.Unfinished(t.Context(), time.Now().Add(time.Hour)) {
		if err == nil {
			err = s.Drop(t.Context(), tr.Key, tr.ID)
		}
		if err != nil {
			t.Fatalf("dropping what is unfinished: %v", err)
		}
		count++
	}
	return count
}

func testS3Requests(t *testing.T, cfg aws.Config) {
	var mu sync.Mutex
	var seen []string
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		line := operation(r)
		for _, h := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type", "X-Amz-Mp-Object-Size", "X-Amz-Checksum-Mode"} {
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
		0:                       {"PutObject with CRC64"},
		dossier.MinPartSize - 1: {"PutObject with CRC64"},
		dossier.MinPartSize + 1: {
			"CreateMultipartUpload Checksum-Algorithm=CRC64NVME Checksum-Type=FULL_OBJECT",
			"UploadPart with CRC64", "UploadPart with CRC64",
			fmt.Sprintf("CompleteMultipartUpload Checksum-Type=FULL_OBJECT Mp-Object-Size=%d with CRC64", dossier.MinPartSize+1),
		},
	} {
		seen = nil
		key := newKey()
		if err := s.Put(t.Context(), key, byteStream(size)); err != nil {
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
		// Asked for the checksum of the whole object, a server may send it with a range, and the SDK would find that it differs.
		if got := strings.Join(seen, "\n"); got != "GET" {
			t.Errorf("Open asks %q", got)
		}
	}
}

// tlsProxy returns cfg for a proxy that takes TLS, as Amazon does, and hands the requests on to the server.
func tlsProxy(t *testing.T, cfg aws.Config, change func(*http.Request)) aws.Config {
	t.Helper()
	target, err := url.Parse(*cfg.BaseEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		r.Out.Host = r.In.Host // it is signed
		change(r.Out)
	}})
	t.Cleanup(proxy.Close)
	cfg.BaseEndpoint = aws.String(proxy.URL)
	cfg.HTTPClient = proxy.Client()
	return cfg
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
		if err := s.Put(t.Context(), key, io.TeeReader(byteStream(size), crc)); err != nil {
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

// flip changes one byte in the middle of what is read.
type flip struct {
	io.ReadCloser
	at int64
}

func (f *flip) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if f.at >= 0 && f.at < int64(n) {
		p[f.at] ^= 1
	}
	f.at -= int64(n)
	return n, err
}

func testS3Changed(t *testing.T, cfg aws.Config) {
	bucket := newBucket(t, cfg)
	var changed atomic.Int64
	s := openS3(t, tlsProxy(t, cfg, func(r *http.Request) {
		if r.Method == http.MethodPut {
			r.Body = &flip{r.Body, 2000}
			changed.Add(1)
		}
	}), S3Config{Bucket: bucket})
	for _, size := range []int64{10_000, 2 * dossier.MinPartSize} {
		key := newKey()
		before := changed.Load()
		if err := s.Put(t.Context(), key, byteStream(size)); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("Put of %d bytes of which one changes on its way: %v; want ErrUnavailable", size, err)
		}
		if changed.Load() == before {
			t.Errorf("Put of %d bytes: nothing was changed", size)
		}
		expectAbsent(t, s, key)
	}
}

func testS3WrongChecksum(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{})
	key := newKey()
	crc := dossier.NewCRC64()
	_, _ = crc.Write([]byte("other bytes")) // a hash never fails
	_, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: strings.NewReader("these bytes"),
		ChecksumCRC64NVME: aws.String(base64.StdEncoding.EncodeToString(crc.Sum(nil))),
	})
	if code(err) != "BadDigest" {
		t.Errorf("PutObject with the checksum of other bytes: %v; want BadDigest", err)
	}
	expectAbsent(t, s, key)
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
	for o, err := range s.List(t.Context(), dossier.ObjectPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		found[o.Key] = true
	}
	if len(found) != 2 || !found[stray] {
		t.Errorf("List = %v; want both, also the one that nobody here made", found)
	}
}

// expectUnavailable calls every method and wants ErrUnavailable. No call may need the end of ctx for it.
func expectUnavailable(t *testing.T, s *S3) {
	t.Helper()
	ctx, key := bounded(t), newKey()
	first := func() (err error) {
		for _, err = range s.List(ctx, dossier.ObjectPrefix) {
			break
		}
		return err
	}
	calls := map[string]func() error{
		"Ping":          func() error { return s.Ping(ctx) },
		"Put, small":    func() error { return s.Put(ctx, key, byteStream(10)) },
		"Put, in parts": func() error { return s.Put(ctx, key, byteStream(2*dossier.MinPartSize)) },
		"Stat":          func() error { _, err := s.Stat(ctx, key); return err },
		"Open":          func() error { _, err := s.Open(ctx, key, 0, -1); return err },
		"Open, nothing": func() error { _, err := s.Open(ctx, key, 0, 0); return err },
		"Open, range":   func() error { _, err := s.Open(ctx, key, 5, 5); return err },
		"Delete":        func() error { return s.Delete(ctx, key) },
		"List":          first,
		"Start":         func() error { _, err := s.Start(ctx, key); return err },
		"Parts":         func() error { _, err := s.Parts(ctx, key, "an-upload"); return err },
		"Finish": func() error {
			return s.Finish(ctx, key, "an-upload", []dossier.Part{{Number: 1}}, dossier.Held{})
		},
		"Drop": func() error { return s.Drop(ctx, key, "an-upload") },
		"Unfinished": func() (err error) {
			for _, err = range s.Unfinished(ctx, time.Now()) {
				break
			}
			return err
		},
	}
	var wg sync.WaitGroup
	for name, call := range calls {
		wg.Go(func() {
			if err := call(); !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v; want ErrUnavailable, and not context.Canceled", name, err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		t.Error("a call ended only when its caller's context did")
	}
}

func testS3Refused(t *testing.T, cfg aws.Config) {
	bucket := newBucket(t, cfg)
	wrong := cfg.Copy()
	wrong.Credentials = credentials.NewStaticCredentialsProvider("nobody", "nothing", "")
	t.Run("unknown user", func(t *testing.T) { expectUnavailable(t, openS3(t, wrong, S3Config{Bucket: bucket})) })
	t.Run("no such bucket", func(t *testing.T) { expectUnavailable(t, openS3(t, cfg, S3Config{Bucket: "there-is-no-such-bucket"})) })
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	gone := cfg.Copy()
	gone.BaseEndpoint = aws.String(closed.URL)
	t.Run("nobody listens", func(t *testing.T) { expectUnavailable(t, openS3(t, gone, S3Config{Bucket: bucket})) })
	secret, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong.Credentials = credentials.NewStaticCredentialsProvider(secret.AccessKeyID, "the-wrong-secret", "")
	err = openS3(t, wrong, S3Config{Bucket: bucket}).Ping(t.Context())
	if !errors.Is(err, dossier.ErrUnavailable) || strings.Contains(err.Error(), "the-wrong-secret") {
		t.Errorf("Ping with the wrong secret: %v; want ErrUnavailable that does not tell the secret", err)
	}
}

func testS3ServerErrors(t *testing.T, cfg aws.Config) {
	for _, c := range []struct {
		status int
		code   string
	}{{500, "InternalError"}, {503, "SlowDown"}, {503, ""}, {403, "AccessDenied"}, {307, ""}, {200, "InternalError"}} {
		t.Run(fmt.Sprint(c.status, c.code), func(t *testing.T) {
			cfg := through(cfg, func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					_, _ = io.Copy(io.Discard, r.Body) // the answer is the same if it fails
				}
				status, body := c.status, ""
				if c.code != "" {
					body = "<Error><Code>" + c.code + "</Code><Message>as the test wants</Message></Error>"
				}
				if status == 200 && operation(r) != "CompleteMultipartUpload" {
					// Only this one may fail after it has said 200.
					r.Body = nil
					return nil, errors.New("reset by the test")
				}
				return &http.Response{
					StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: r,
					Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body)),
				}, nil
			})
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			expectUnavailable(t, openS3(t, cfg, S3Config{Bucket: "any-bucket"}))
		})
	}
	t.Run("200 that is an error, at the last step", func(t *testing.T) {
		cfg := through(cfg, func(r *http.Request) (*http.Response, error) {
			if operation(r) != "CompleteMultipartUpload" {
				return http.DefaultClient.Do(r)
			}
			return &http.Response{
				StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: http.Header{"Content-Type": {"application/xml"}},
				Body: io.NopCloser(strings.NewReader("<Error><Code>InternalError</Code><Message>as the test wants</Message></Error>")),
			}, nil
		})
		s := openS3(t, cfg, S3Config{})
		key := newKey()
		if err := s.Put(bounded(t), key, byteStream(dossier.MinPartSize+1)); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("Put: %v; want ErrUnavailable", err)
		}
		expectAbsent(t, s, key)
	})
}

// testS3Hanging lets the first attempt of each request hang; the second has to come in time.
func testS3Hanging(t *testing.T, cfg aws.Config) {
	bucket := newBucket(t, cfg)
	present := newKey()
	if err := openS3(t, cfg, S3Config{Bucket: bucket}).Put(t.Context(), present, byteStream(1000)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	hung := map[string]bool{}
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		name := r.Method + r.URL.String()
		again := hung[name]
		hung[name] = true
		mu.Unlock()
		// The last step of an upload in parts is allowed far longer, so the test does not wait for that one.
		if !again && operation(r) != "CompleteMultipartUpload" {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return http.DefaultClient.Do(r)
	}), S3Config{Bucket: bucket, Timeout: 2 * time.Second})
	ctx := bounded(t)
	var wg sync.WaitGroup
	for name, call := range map[string]func() error{
		"Put, small":    func() error { return s.Put(ctx, newKey(), byteStream(10)) },
		"Put, in parts": func() error { return s.Put(ctx, newKey(), byteStream(dossier.MinPartSize+1)) },
		"Stat":          func() error { _, err := s.Stat(ctx, present); return err },
		"Open": func() error {
			r, err := s.Open(ctx, present, 0, -1)
			if err != nil {
				return err
			}
			got, err := io.ReadAll(r)
			if len(got) != 1000 {
				t.Errorf("Open: read %d bytes; want 1000", len(got))
			}
			return errors.Join(err, r.Close())
		},
		"Delete": func() error { return s.Delete(ctx, newKey()) },
	} {
		wg.Go(func() {
			if err := call(); err != nil {
				t.Errorf("%s whose first attempts hang: %v", name, err)
			}
		})
	}
	wg.Wait()
}

// testS3LittleMemory has many Puts at once share what two parts need.
func testS3LittleMemory(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{Memory: 2 * dossier.MinPartSize})
	ctx := bounded(t)
	const size = 2*dossier.MinPartSize + 1000
	crc := dossier.NewCRC64()
	if _, err := io.Copy(crc, byteStream(size)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			key := newKey()
			if err := s.Put(ctx, key, byteStream(size)); err != nil {
				t.Errorf("Put beside others: %v", err)
				return
			}
			if h, err := s.Stat(ctx, key); err != nil || h != (dossier.Held{Size: size, CRC64: crc.Sum64()}) {
				t.Errorf("Stat = %+v, %v", h, err)
			}
		})
	}
	wg.Wait()
}

// testS3LostAnswer loses the answer to the request that makes an object visible, after the server did what it asks.
func testS3LostAnswer(t *testing.T, cfg aws.Config) {
	for _, c := range []struct {
		name  string
		size  int64
		op    string
		times int64 // answers lost
		want  bool  // that Put succeeds
	}{
		{"one request, answered at the second try", 10, "PutObject", 1, true},
		{"one request, never answered", 10, "PutObject", 100, false},
		{"in parts, never answered", dossier.MinPartSize + 1, "CompleteMultipartUpload", 100, false},
		{"in parts, answered at the second try", dossier.MinPartSize + 1, "CompleteMultipartUpload", 1, true},
		{"a part, answered at the second try", dossier.MinPartSize + 1, "UploadPart", 1, true},
		{"a part, never answered", dossier.MinPartSize + 1, "UploadPart", 100, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lost, done atomic.Int64
			s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
				resp, err := http.DefaultClient.Do(r)
				if err == nil && operation(r) == c.op && !strings.HasSuffix(r.URL.Path, "/") && strings.Contains(r.URL.Path, "/files/") {
					if resp.StatusCode == http.StatusOK {
						done.Add(1)
					}
					if lost.Add(1) <= c.times {
						return nil, errors.Join(errors.New("connection reset by the test"), resp.Body.Close())
					}
				}
				return resp, err
			}), S3Config{})
			key := newKey()
			err := s.Put(bounded(t), key, byteStream(c.size))
			if done.Load() == 0 {
				t.Fatalf("the server did nothing: %v", err)
			}
			if c.want {
				if err != nil {
					t.Errorf("Put: %v", err)
				}
				if h, err := s.Stat(t.Context(), key); err != nil || h.Size != c.size {
					t.Errorf("Stat = %+v, %v", h, err)
				}
				return
			}
			if !errors.Is(err, dossier.ErrUnavailable) {
				t.Errorf("Put: %v; want ErrUnavailable", err)
			}
			expectAbsent(t, s, key)
		})
	}
}

// testS3Stall reads an object whose bytes stop coming in the middle.
func testS3Stall(t *testing.T, cfg aws.Config) {
	for _, c := range []struct {
		name string
		// rest is what the connection does after the first bytes.
		rest func(ctx context.Context) error
	}{
		{"silence", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		{"cut off", func(context.Context) error { return io.ErrUnexpectedEOF }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: http.Header{},
					Body: struct {
						io.Reader
						io.Closer
					}{io.MultiReader(byteStream(1000), readFunc(func([]byte) (int, error) { return 0, c.rest(r.Context()) })), http.NoBody},
				}, nil
			}), S3Config{Bucket: "any-bucket", Timeout: 500 * time.Millisecond})
			ctx := bounded(t)
			r, err := s.Open(ctx, newKey(), 0, -1)
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			n, err := io.Copy(io.Discard, r)
			if n != 1000 || !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
				t.Errorf("read %d bytes, %v; want 1000, ErrUnavailable", n, err)
			}
			if ctx.Err() != nil {
				t.Error("the reading ended only when its caller's context did")
			}
			if err := r.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// testS3Leaks cancels many uploads in the middle and wants their goroutines and buffers gone.
func testS3Leaks(t *testing.T, cfg aws.Config) {
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	var begun, aborted atomic.Int64
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		resp, err := client.Do(r)
		if err == nil && operation(r) == "CreateMultipartUpload" && resp.StatusCode == http.StatusOK {
			begun.Add(1)
		}
		if err == nil && r.Method == http.MethodDelete && r.URL.Query().Has("uploadId") && resp.StatusCode == http.StatusNoContent {
			aborted.Add(1)
		}
		return resp, err
	}), S3Config{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	goroutines, before := runtime.NumGoroutine(), heap()
	const uploads = 12
	for i := range uploads {
		ctx, cancel := context.WithCancel(t.Context())
		at := dossier.MinPartSize + int64(i)*dossier.MinPartSize/4
		whole := byteStream(100 << 20)
		err := s.Put(ctx, newKey(), io.MultiReader(io.LimitReader(whole, at), readFunc(func(p []byte) (int, error) {
			cancel()
			return whole.Read(p)
		})))
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Put cancelled after %d bytes: %v", at, err)
		}
	}
	if begun.Load() != uploads || aborted.Load() != uploads {
		t.Errorf("%d uploads begun, %d aborted; want %d", begun.Load(), aborted.Load(), uploads)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		transport.CloseIdleConnections()
		n, h := runtime.NumGoroutine(), heap()
		// One upload holds a part and a half, so two that leaked would show.
		if n <= goroutines && h < before+2*dossier.MinPartSize {
			return
		}
		if time.Now().After(deadline) {
			stacks := make([]byte, 64<<10)
			t.Fatalf("%d goroutines, want %d; heap %d bytes more\n%s", n, goroutines, h-before, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func testS3Memory(t *testing.T, cfg aws.Config) {
	const size, most = 256 << 20, 64 << 20
	s := openS3(t, cfg, S3Config{})
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak, read := m.HeapInuse, uint64(0), int64(0)
	crc, source := dossier.NewCRC64(), byteStream(size)
	err := s.Put(t.Context(), newKey(), readFunc(func(p []byte) (int, error) {
		n, err := source.Read(p)
		crc.Write(p[:n])
		if read/(1<<20) != (read+int64(n))/(1<<20) {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
		read += int64(n)
		return n, err
	}))
	if err != nil || read != size {
		t.Fatalf("Put read %d bytes: %v", read, err)
	}
	t.Logf("heap in use before %d MiB, at most %d MiB", before>>20, peak>>20)
	if peak > most {
		t.Errorf("the heap grew to %d MiB; want at most %d MiB", peak>>20, most>>20)
	}
	for o, err := range s.List(t.Context(), dossier.ObjectPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		if h, err := s.Stat(t.Context(), o.Key); err != nil || h != (dossier.Held{Size: size, CRC64: crc.Sum64()}) {
			t.Errorf("Stat = %+v, %v", h, err)
		}
	}
}

func TestS3Paused(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	cfg := server.Config()
	s := openS3(t, cfg, S3Config{Timeout: 1500 * time.Millisecond})
	long := openS3(t, cfg, S3Config{Bucket: s.bucket})
	large, ctx := newKey(), bounded(t)
	// More than all the buffers between the two processes hold.
	const size = 32 << 20
	if err := long.Put(ctx, large, byteStream(size)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(ctx, large, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	source := byteStream(size)
	reached, paused := make(chan struct{}), make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	cut := newKey()
	go func() {
		done <- s.Put(ctx, cut, io.MultiReader(io.LimitReader(source, dossier.MinPartSize+1), readFunc(func(p []byte) (int, error) {
			once.Do(func() { close(reached) })
			<-paused
			return source.Read(p)
		})))
	}()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("Put: %v", err)
	}

	server.Pause()
	close(paused)
	if err := <-done; !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("Put in the middle: %v; want ErrUnavailable", err)
	}
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("reading in the middle: %d bytes, %v; want ErrUnavailable", n, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	expectUnavailable(t, s)

	server.Resume()
	// Whatever arrived late is without effect on what is visible, or is removed by whoever looks for it.
	if err := long.Ping(ctx); err != nil {
		t.Fatalf("Ping after the pause: %v", err)
	}
	if _, err := long.Stat(ctx, cut); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Stat of what was cut off: %v; want ErrNotFound", err)
	}
	if h, err := long.Stat(ctx, large); err != nil || h.Size != size {
		t.Errorf("Stat after the pause = %+v, %v", h, err)
	}
}

func TestS3Killed(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	s := openS3(t, server.Config(), S3Config{Timeout: 2 * time.Second})
	ctx, key := bounded(t), newKey()
	source := byteStream(4 * dossier.MinPartSize)
	err := s.Put(ctx, key, io.MultiReader(io.LimitReader(source, dossier.MinPartSize+1), readFunc(func(p []byte) (int, error) {
		server.Kill()
		return source.Read(p)
	})))
	if !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Put whose server is killed: %v; want ErrUnavailable", err)
	}
	expectUnavailable(t, s)
	server.Restart()
	if _, err := s.Stat(ctx, key); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Stat: %v; want ErrNotFound", err)
	}
	// Nobody could tell the server, so the upload is still there. One more may have been begun above.
	if drop(t, s) == 0 {
		t.Error("no multipart upload is unfinished; want what was left")
	}
	expectAbsent(t, s, key)
	if err := s.Put(ctx, key, byteStream(2*dossier.MinPartSize)); err != nil {
		t.Errorf("Put after the restart: %v", err)
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

func TestUndecided(t *testing.T) {
	answered := func(status int, code string) error {
		return &smithy.OperationError{Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: &smithy.GenericAPIError{Code: code},
		}}}
	}
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"success", nil, false},
		{"refused", answered(403, "AccessDenied"), false},
		{"checksum differs", answered(400, "BadDigest"), false},
		{"upload unknown", answered(404, "NoSuchUpload"), true},
		{"server failed", answered(500, "InternalError"), true},
		{"error in a 200", answered(200, "InternalError"), true},
		{"timeout", attemptTimeout{"PutObject", time.Second}, true},
		{"connection cut", io.ErrUnexpectedEOF, true},
		{"TLS refused", &tls.CertificateVerificationError{Err: errors.New("unknown")}, true},
	} {
		if got := undecided(c.err); got != c.want {
			t.Errorf("%s: undecided = %v; want %v", c.name, got, c.want)
		}
	}
	_, err := http.Get("http://127.0.0.1:0")
	if undecided(err) {
		t.Errorf("no connection: undecided; want not (%v)", err)
	}
}
