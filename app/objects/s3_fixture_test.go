//go:build unix

package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/uuid"

	dossier "dossier.example/app"
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

// patient returns cfg for requests that are repeated where versitygw refuses them and S3 does not. It keeps objects in
// folders: a PutObject that meets the removal of the person's emptied one is refused.
func patient(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer {
		return retry.AddWithErrorCodes(retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = 10, 50*time.Millisecond
		}), "ExistingObjectIsDirectory")
	}
	return cfg
}

// bounded returns a context for calls that have to end by limits of their own, long before it does.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// sendHTTP sends over HTTP what was signed. It repeats what was reset: a server may refuse a part before it has read
// it, and close the connection, whereupon the bytes still on their way take its answer with them (RFC 9112, section
// 9.6).
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
