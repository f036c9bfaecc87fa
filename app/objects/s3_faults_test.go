//go:build unix

package objects

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

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
		if _, err := s.Put(t.Context(), key, byteStream(size)); !errors.Is(err, dossier.ErrUnavailable) {
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

// expectUnavailable calls every method and wants ErrUnavailable. No call may need the end of ctx for it.
func expectUnavailable(t *testing.T, s *S3) {
	t.Helper()
	ctx, key := bounded(t), newKey()
	first := func() (err error) {
		for _, err = range s.List(ctx, dossier.ObjectPrefix, "") {
			break
		}
		return err
	}
	calls := map[string]func() error{
		"Ping":          func() error { return s.Ping(ctx) },
		"Put, small":    func() error { _, err := s.Put(ctx, key, byteStream(10)); return err },
		"Put, in parts": func() error { _, err := s.Put(ctx, key, byteStream(2*dossier.MinPartSize)); return err },
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
	t.Run("no such bucket", func(t *testing.T) {
		expectUnavailable(t, openS3(t, cfg, S3Config{Bucket: "there-is-no-such-bucket"}))
	})
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
					Header: http.Header{"Content-Type": {"application/xml"}},
					Body:   io.NopCloser(strings.NewReader(body)),
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
				StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Request: r,
				Header: http.Header{"Content-Type": {"application/xml"}},
				Body: io.NopCloser(strings.NewReader("<Error><Code>InternalError</Code><Message>as the test " +
					"wants</Message></Error>")),
			}, nil
		})
		s := openS3(t, cfg, S3Config{})
		key := newKey()
		if _, err := s.Put(bounded(t), key, byteStream(dossier.MinPartSize+1)); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("Put: %v; want ErrUnavailable", err)
		}
		expectAbsent(t, s, key)
	})
}

// testS3Hanging lets the first attempt of each request hang; the second has to come in time.
func testS3Hanging(t *testing.T, cfg aws.Config) {
	bucket := newBucket(t, cfg)
	present := newKey()
	if _, err := openS3(t, cfg, S3Config{Bucket: bucket}).Put(t.Context(), present, byteStream(1000)); err != nil {
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
		"Put, small":    func() error { _, err := s.Put(ctx, newKey(), byteStream(10)); return err },
		"Put, in parts": func() error { _, err := s.Put(ctx, newKey(), byteStream(dossier.MinPartSize+1)); return err },
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

// testS3LostAnswer loses the answer to the request that makes an object visible, after the server did what it asks.
func testS3LostAnswer(t *testing.T, cfg aws.Config) {
	for _, c := range []struct {
		name  string
		size  int64
		op    string
		times int64 // answers lost
		want  bool  // that Put succeeds
		// then, if set, is what the server answers afterwards, as S3 may to an upload that it has completed.
		then string
	}{
		{"in parts, unknown at the second try", dossier.MinPartSize + 1, "CompleteMultipartUpload", 1, true,
			"NoSuchUpload"},
		{"in parts, unknown all the time", dossier.MinPartSize + 1, "CompleteMultipartUpload", 0, false,
			"NoSuchUpload"},
		{"one request, answered at the second try", 10, "PutObject", 1, true, ""},
		{"one request, never answered", 10, "PutObject", 100, false, ""},
		{"in parts, never answered", dossier.MinPartSize + 1, "CompleteMultipartUpload", 100, false, ""},
		{"in parts, answered at the second try", dossier.MinPartSize + 1, "CompleteMultipartUpload", 1, true, ""},
		{"a part, answered at the second try", dossier.MinPartSize + 1, "UploadPart", 1, true, ""},
		{"a part, never answered", dossier.MinPartSize + 1, "UploadPart", 100, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lost, done atomic.Int64
			s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
				if c.then != "" && operation(r) == c.op && lost.Load() == c.times {
					if r.Body != nil {
						_, _ = io.Copy(io.Discard, r.Body) // the answer is the same if it fails
					}
					done.Add(1)
					return &http.Response{StatusCode: 404, ProtoMajor: 1, ProtoMinor: 1, Request: r,
						Header: http.Header{"Content-Type": {"application/xml"}},
						Body:   io.NopCloser(strings.NewReader("<Error><Code>" + c.then + "</Code></Error>"))}, nil
				}
				resp, err := http.DefaultClient.Do(r)
				if err == nil && operation(r) == c.op && !strings.HasSuffix(r.URL.Path, "/") &&
					strings.Contains(r.URL.Path, "/files/") {
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
			_, err := s.Put(bounded(t), key, byteStream(c.size))
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
					}{io.MultiReader(byteStream(1000), readFunc(func([]byte) (int, error) {
						return 0, c.rest(r.Context())
					})), http.NoBody},
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

func TestS3Killed(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	s := openS3(t, server.Config(), S3Config{Timeout: 2 * time.Second})
	ctx, key := bounded(t), newKey()
	source := byteStream(4 * dossier.MinPartSize)
	_, err := s.Put(ctx, key, io.MultiReader(io.LimitReader(source, dossier.MinPartSize+1),
		readFunc(func(p []byte) (int, error) {
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
	if _, err := s.Put(ctx, key, byteStream(2*dossier.MinPartSize)); err != nil {
		t.Errorf("Put after the restart: %v", err)
	}
}

func TestUndecided(t *testing.T) {
	answered := func(status int, code string) error {
		return &smithy.OperationError{Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      &smithy.GenericAPIError{Code: code},
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
