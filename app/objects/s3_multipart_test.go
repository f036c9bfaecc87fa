//go:build unix

package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	dossier "dossier.example/app"
	"dossier.example/app/storetest"
)

// TestPresigner compares with the SDK's presigner where that one signs what is wanted: for every part that has bytes.
func TestPresigner(t *testing.T) {
	at := time.Date(2026, 11, 26, 1, 2, 3, 456, time.FixedZone("", 3600))
	for _, c := range []struct {
		name, url, region string
		credentials       aws.Credentials
	}{
		{"path style, with a port", "http://127.0.0.1:7070/bucket/files/a/b?partNumber=1&uploadId=u&x-id=UploadPart",
			"us-east-1", aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}},
		{"host style",
			"https://bucket.s3.eu-central-1.amazonaws.com/files/a/b?partNumber=10000&uploadId=u&x-id=UploadPart",
			"eu-central-1", aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "se/cr+et="}},
		{"default port of https", "https://bucket.example:443/files/a/b?partNumber=1&uploadId=u", "us-east-1",
			aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}},
		{"default port of http", "http://bucket.example:80/files/a/b?partNumber=1&uploadId=u", "us-east-1",
			aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}},
		{"the credentials of a role", "https://bucket.s3.amazonaws.com/files/a/b?partNumber=1&uploadId=u", "us-east-1",
			aws.Credentials{
				AccessKeyID: "ASIA", SecretAccessKey: "SECRET", SessionToken: "a/+b c==&d", CanExpire: true,
				Expires: at.Add(6 * time.Hour)}},
		{"an id with everything in it", "https://bucket.s3.amazonaws.com/files/a/b?partNumber=1&uploadId=" +
			url.QueryEscape("a.b_c~d-e/f+g h=i&j%k*l"), "us-east-1",
			aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}},
	} {
		part := dossier.Part{Number: 1, Size: 5 << 20, CRC64: 0x0123456789abcdef}
		r, err := http.NewRequest(http.MethodPut, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := &presigner{header: partHeader(part), lifetime: 15*time.Minute + 999*time.Millisecond}
		got, _, err := p.PresignHTTP(t.Context(), c.credentials, r, "UNSIGNED-PAYLOAD", "s3", c.region, at)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if want := at.Truncate(time.Second).Add(15 * time.Minute); !p.expires.Equal(want) {
			t.Errorf("%s: expires at %s; want %s", c.name, p.expires, want)
		}
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "900")
		r.URL.RawQuery = q.Encode()
		r.ContentLength = part.Size
		r.Header.Set(checksumHeader, encodeCRC64(part.CRC64))
		signer := v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableHeaderHoisting, o.DisableURIPathEscaping = true, true
		})
		want, header, err := signer.PresignHTTP(t.Context(), c.credentials, r, "UNSIGNED-PAYLOAD", "s3", c.region, at)
		if err != nil {
			t.Fatal(err)
		}
		if header.Get("Content-Length") == "" || header.Get(checksumHeader) == "" {
			t.Fatalf("%s: the SDK signs only %v; it is no standard", c.name, header)
		}
		// The SDK leaves a default port in the address, but not in what it signs.
		want = strings.Replace(strings.Replace(want, ".example:443/", ".example/", 1), ".example:80/", ".example/", 1)
		if got != want {
			t.Errorf("%s:\n%s\nthe SDK makes\n%s", c.name, got, want)
		}
	}
}

// What is only signed is valid by the server's clock, which each answer tells, and which may be far from this one.
func TestS3SignSkewed(t *testing.T) {
	for _, skew := range []time.Duration{0, 20 * time.Minute, -20 * time.Minute} {
		cfg := through(aws.Config{Region: "us-east-1", Credentials: provider(func(context.Context) (aws.Credentials,
			error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		})}, func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Request: r, Body: http.NoBody,
				Header: http.Header{"Date": {time.Now().Add(skew).UTC().Format(http.TimeFormat)}}}, nil
		})
		s := openS3(t, cfg, S3Config{Bucket: "any-bucket"})
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		signed, err := s.Link(t.Context(), newKey(), dossier.ResponseHeader{}, 5*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(signed.URL)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(at) - skew; off.Abs() > time.Minute || !signed.ExpiresAt.Equal(at.Add(5*time.Minute)) {
			t.Errorf("signed at %s by a server whose clock is %s ahead, expires at %s", at, skew, signed.ExpiresAt)
		}
	}
}

// Of a multipart upload that has ended, or never was, S3 says NoSuchUpload, and Ceph to some requests NoSuchKey.
func TestS3NoUpload(t *testing.T) {
	for _, code := range []string{"NoSuchUpload", "NoSuchKey"} {
		s := openS3(t, through(aws.Config{Region: "us-east-1"}, func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNotFound, Request: r,
				Header: http.Header{"Content-Type": {"application/xml"}},
				Body:   io.NopCloser(strings.NewReader("<Error><Code>" + code + "</Code></Error>"))}, nil
		}), S3Config{Bucket: "any-bucket"})
		part := dossier.Part{Number: 1}
		if parts, err := s.Parts(t.Context(), newKey(), "gone"); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s: Parts = %v, %v; want ErrNotFound", code, parts, err)
		}
		err := s.Finish(t.Context(), newKey(), "gone", []dossier.Part{part}, dossier.Held{})
		if !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s: Finish: %v; want ErrNotFound", code, err)
		}
		if err := s.Drop(t.Context(), newKey(), "gone"); err != nil {
			t.Errorf("%s: Drop: %v", code, err)
		}
	}
}

// A completion that finds no multipart upload any longer is one that an earlier attempt has done, if the object is
// there.
func TestS3FinishedBefore(t *testing.T) {
	part := dossier.Part{Number: 1, Size: 3, CRC64: 5}
	sum := encodeCRC64(part.CRC64)
	for _, code := range []string{"NoSuchUpload", "NoSuchKey"} {
		for stored, want := range map[string]error{sum: nil, encodeCRC64(6): dossier.ErrNotFound} {
			s := openS3(t, through(aws.Config{Region: "us-east-1"}, func(r *http.Request) (*http.Response, error) {
				answer := func(status int, body string, header http.Header) (*http.Response, error) {
					return &http.Response{StatusCode: status, Request: r, Header: header,
						Body: io.NopCloser(strings.NewReader(body))}, nil
				}
				switch r.Method {
				case http.MethodGet:
					return answer(http.StatusOK, `<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>"1"</ETag>`+
						`<Size>3</Size><ChecksumCRC64NVME>`+sum+`</ChecksumCRC64NVME></Part></ListPartsResult>`, nil)
				case http.MethodHead:
					return answer(http.StatusOK, "", http.Header{"Content-Length": {"3"},
						"X-Amz-Checksum-Crc64nvme": {stored}, "X-Amz-Checksum-Type": {"FULL_OBJECT"}})
				}
				return answer(http.StatusNotFound, "<Error><Code>"+code+"</Code></Error>", nil)
			}), S3Config{Bucket: "any-bucket"})
			err := s.Finish(t.Context(), newKey(), "gone", []dossier.Part{part},
				dossier.Held{Size: 3, CRC64: part.CRC64})
			if !errors.Is(err, want) {
				t.Errorf("%s, where %s is stored: %v, want %v", code, stored, err, want)
			}
		}
	}
}

// provider gives credentials, or none.
type provider func(ctx context.Context) (aws.Credentials, error)

func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) { return p(ctx) }

func TestS3Sign(t *testing.T) {
	key, part := newKey(), dossier.Part{Number: 3, Size: 1000, CRC64: 5}
	role := aws.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "SECRET", SessionToken: "TOKEN", CanExpire: true}
	ending := func(in time.Duration) provider {
		return func(context.Context) (aws.Credentials, error) {
			c := role
			c.Expires = time.Now().Add(in)
			return c, nil
		}
	}
	broken := errors.New("no instance metadata")
	for _, c := range []struct {
		name        string
		credentials aws.CredentialsProvider
		lifetime    time.Duration
		want        time.Duration // 0: ErrUnavailable
	}{
		{"credentials that last", provider(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}), time.Hour, time.Hour},
		{"credentials that end later", ending(2 * time.Hour), time.Hour, time.Hour},
		{"credentials that end sooner", ending(10 * time.Minute), time.Hour, 10 * time.Minute},
		{"credentials that end at once", ending(0), time.Hour, 0},
		{"credentials that have ended", ending(-time.Minute), time.Hour, 0},
		{"no credentials to be had", provider(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, broken
		}), time.Hour, 0},
		{"nobody's", aws.AnonymousCredentials{}, time.Hour, 0},
		{"credentials that do not come", provider(func(ctx context.Context) (aws.Credentials, error) {
			<-ctx.Done()
			return aws.Credentials{}, ctx.Err()
		}), time.Hour, 0},
	} {
		for _, pathStyle := range []bool{true, false} {
			cfg := through(aws.Config{Region: "eu-central-1", Credentials: c.credentials},
				func(r *http.Request) (*http.Response, error) {
					t.Errorf("%s: Sign asks the server: %s %s", c.name, r.Method, r.URL)
					return nil, errors.New("refused by the test")
				})
			s, err := NewS3(cfg, S3Config{Bucket: "some-bucket", PathStyle: pathStyle, Timeout: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			// Whatever the credentials, and without a request.
			wantOrigin := map[bool]string{false: "https://some-bucket.s3.eu-central-1.amazonaws.com",
				true: "https://s3.eu-central-1.amazonaws.com"}[pathStyle]
			if origin, err := s.Origin(t.Context()); origin != wantOrigin || err != nil {
				t.Errorf("%s: Origin = %q, %v; want %q", c.name, origin, err, wantOrigin)
			}
			from := time.Now()
			r, err := s.Sign(t.Context(), key, "upload", part, c.lifetime)
			if c.want == 0 {
				if !errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, context.Canceled) {
					t.Errorf("%s: Sign = %+v, %v; want ErrUnavailable", c.name, r, err)
				}
				if link, err := s.Link(t.Context(), key, dossier.ResponseHeader{}, c.lifetime); !errors.Is(err,
					dossier.ErrUnavailable) || link.URL != "" {
					t.Errorf("%s: Link = %+v, %v; want ErrUnavailable", c.name, link, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: Sign: %v", c.name, err)
				continue
			}
			if r.ExpiresAt.Before(from.Add(c.want-2*time.Second)) || r.ExpiresAt.After(time.Now().Add(c.want)) {
				t.Errorf("%s: expires after %s; want %s", c.name, r.ExpiresAt.Sub(from), c.want)
			}
			u, err := url.Parse(r.URL)
			if err != nil {
				t.Fatal(err)
			}
			host, path := "some-bucket.s3.eu-central-1.amazonaws.com", "/"+key
			if pathStyle {
				host, path = "s3.eu-central-1.amazonaws.com", "/some-bucket/"+key
			}
			q := u.Query()
			if u.Scheme != "https" || u.Host != host || u.Path != path || q.Get("partNumber") != "3" ||
				q.Get("uploadId") != "upload" {
				t.Errorf("%s: signed %s", c.name, r.URL)
			}
			if got := q.Get("X-Amz-SignedHeaders"); got != "content-length;host;x-amz-checksum-crc64nvme" {
				t.Errorf("%s: signed headers %q", c.name, got)
			}
			for name := range q {
				if strings.Contains(strings.ToLower(name), "checksum") {
					t.Errorf("%s: %s is in the query, where S3 does not look at it", c.name, name)
				}
			}
			link, err := s.Link(t.Context(), key, dossier.ResponseHeader{ContentType: "text/plain"}, c.lifetime)
			if err != nil || link.ExpiresAt.Before(from.Add(c.want-2*time.Second)) ||
				link.ExpiresAt.After(time.Now().Add(c.want)) {
				t.Errorf("%s: Link = %+v, %v; want one that ends with what it was signed by", c.name, link, err)
			}
			for _, absent := range []string{"response-content-disposition", "response-cache-control"} {
				if strings.Contains(link.URL, absent) {
					t.Errorf("%s: the link says %s, which nobody asked for: %s", c.name, absent, link.URL)
				}
			}
			expires, err := strconv.Atoi(q.Get("X-Amz-Expires"))
			date, dateErr := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
			if err != nil || dateErr != nil || !date.Add(time.Duration(expires)*time.Second).Equal(r.ExpiresAt) {
				t.Errorf("%s: signed on %s for %s seconds; told is %s", c.name, q.Get("X-Amz-Date"),
					q.Get("X-Amz-Expires"), r.ExpiresAt)
			}
		}
	}
}

// testS3Signed sends what was signed for another request, with headers of its own making.
func testS3Signed(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{})
	key, body := newKey(), readAll(t, 1000)
	uploadID, err := s.Start(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(t.Context(), key, uploadID, partOf(1, body), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	other := append(slices.Clone(body[1:]), body[0])
	for _, c := range []struct {
		name   string
		method string
		body   []byte
		change func(http.Header)
		want   int // status
		code   string
	}{
		{"other bytes with the signed checksum", "PUT", other, func(http.Header) {}, 400, "BadDigest"},
		{"other bytes with their own checksum", "PUT", other, func(h http.Header) {
			h.Set(checksumHeader, encodeCRC64(checksumOf(other)))
		}, 403, "SignatureDoesNotMatch"},
		{"other bytes without a checksum", "PUT", other, func(h http.Header) { h.Del(checksumHeader) }, 403, ""},
		{"other bytes with another kind of checksum", "PUT", other, func(h http.Header) {
			h.Del(checksumHeader)
			h.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		}, 403, ""},
		{"more bytes", "PUT", append(slices.Clone(body), 1), func(http.Header) {}, 403, "SignatureDoesNotMatch"},
		{"fewer bytes", "PUT", body[1:], func(http.Header) {}, 403, "SignatureDoesNotMatch"},
		{"a read", "GET", nil, func(http.Header) {}, 403, ""},
		{"a removal", "DELETE", nil, func(http.Header) {}, 403, ""},
		{"as it was signed", "PUT", body, func(http.Header) {}, 200, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, signed.URL, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(checksumHeader, signed.Header[checksumHeader])
		c.change(r.Header)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		// Without a header that was signed the server may say so instead, but not accept.
		if resp.StatusCode != c.want && (c.code != "" || resp.StatusCode/100 != 4) ||
			!strings.Contains(string(answer), c.code) {
			t.Errorf("%s: %s %s; want %d %s", c.name, resp.Status, answer, c.want, c.code)
		}
		want := 0
		if c.want == 200 {
			want = 1
		}
		if parts, err := s.Parts(t.Context(), key, uploadID); err != nil || len(parts) != want {
			t.Errorf("%s: Parts = %v, %v; want %d", c.name, parts, err, want)
		}
	}
	// A client that leaves in the middle of the body.
	u, err := url.Parse(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	signed, err = s.Sign(t.Context(), key, uploadID, partOf(2, body), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	_, path, _ := strings.Cut(signed.URL, u.Host)
	fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n%s: %s\r\n\r\n%s", path, u.Host,
		checksumHeader, signed.Header[checksumHeader], body[:500])
	if err := errors.Join(c.(*net.TCPConn).CloseWrite(), c.SetDeadline(time.Now().Add(5*time.Second))); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c) // until the server has given it up, with or without an answer
	_ = c.Close()
	if parts, err := s.Parts(t.Context(), key, uploadID); err != nil || len(parts) != 1 {
		t.Errorf("after half a part: Parts = %v, %v; want 1", parts, err)
	}
}

// sentPartsS3 starts a multipart upload and sends it the bodies, as parts 1 and so on.
func sentPartsS3(t *testing.T, s *S3, key string, bodies ...[]byte) (uploadID string, parts []dossier.Part,
	whole dossier.Held) {
	t.Helper()
	uploadID, err := s.Start(t.Context(), key)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	for i, body := range bodies {
		part := partOf(i+1, body)
		sendS3(t, s, key, uploadID, part, body)
		parts = append(parts, part)
		whole = dossier.Held{Size: whole.Size + part.Size,
			CRC64: dossier.CombineCRC64(whole.CRC64, part.CRC64, part.Size)}
	}
	return uploadID, parts, whole
}

func sendS3(t *testing.T, s *S3, key, uploadID string, part dossier.Part, body []byte) {
	t.Helper()
	signed, err := s.Sign(t.Context(), key, uploadID, part, time.Minute)
	if err == nil {
		err = sendHTTP(t.Context(), signed, body)
	}
	if err != nil {
		t.Fatalf("sending part %d: %v", part.Number, err)
	}
}

func testS3MultipartRequests(t *testing.T, cfg aws.Config) {
	var seen []string
	bucket := newBucket(t, cfg)
	s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
		line := operation(r)
		for _, h := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type", "X-Amz-Mp-Object-Size",
			checksumHeader} {
			if v := r.Header.Get(h); v != "" {
				line += " " + strings.TrimPrefix(h, "X-Amz-") + "=" + v
			}
		}
		if line[:2] == "Co" {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			line += fmt.Sprintf(" with %d ETags, %d checksums", strings.Count(string(body), "<ETag>"),
				strings.Count(string(body), "<ChecksumCRC64NVME>"))
		}
		seen = append(seen, line)
		return http.DefaultClient.Do(r)
	}), S3Config{Bucket: bucket})
	key := newKey()
	uploadID, parts, whole := sentPartsS3(t, s, key, readAll(t, dossier.MinPartSize), []byte("tail"))
	if err := s.Finish(t.Context(), key, uploadID, parts, whole); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	uploadID, _, _ = sentPartsS3(t, s, key)
	if err := s.Drop(t.Context(), key, uploadID); err != nil {
		t.Fatalf("Drop: %v", err)
	}
	// Without an id neither is a request: it would be one for the object.
	if err := s.Drop(t.Context(), key, ""); err != nil {
		t.Errorf("Drop without an id: %v", err)
	}
	if _, err := s.Parts(t.Context(), key, ""); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Parts without an id: %v; want ErrNotFound", err)
	}
	want := []string{
		"CreateMultipartUpload Checksum-Algorithm=CRC64NVME Checksum-Type=FULL_OBJECT",
		"GET",
		fmt.Sprintf("CompleteMultipartUpload Checksum-Type=FULL_OBJECT Mp-Object-Size=%d Checksum-Crc64nvme=%s with "+
			"2 ETags, 2 checksums", whole.Size, encodeCRC64(whole.CRC64)),
		"CreateMultipartUpload Checksum-Algorithm=CRC64NVME Checksum-Type=FULL_OBJECT",
		"DELETE",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	if h, err := s.Stat(t.Context(), key); err != nil || h != whole {
		t.Errorf("Stat = %+v, %v; want %+v", h, err, whole)
	}
}

// testS3FinishMeanwhile replaces a part, or drops the multipart upload, between the look at the parts and the last
// request.
func testS3FinishMeanwhile(t *testing.T, cfg aws.Config) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, s *S3, key, uploadID string)
		want error
	}{
		{"a part sent again, the same", func(t *testing.T, s *S3, key, uploadID string) {
			sendS3(t, s, key, uploadID, partOf(1, []byte("bytes")), []byte("bytes"))
		}, nil},
		{"a part replaced by another of its length", func(t *testing.T, s *S3, key, uploadID string) {
			sendS3(t, s, key, uploadID, partOf(1, []byte("other")), []byte("other"))
		}, dossier.ErrCorrupt},
		{"a part replaced by a longer one", func(t *testing.T, s *S3, key, uploadID string) {
			sendS3(t, s, key, uploadID, partOf(1, []byte("longer")), []byte("longer"))
		}, dossier.ErrCorrupt},
		{"dropped", func(t *testing.T, s *S3, key, uploadID string) {
			if err := s.Drop(t.Context(), key, uploadID); err != nil {
				t.Error(err)
			}
		}, dossier.ErrNotFound},
		{"finished by somebody else", func(t *testing.T, s *S3, key, uploadID string) {
			part := partOf(1, []byte("bytes"))
			if err := s.Finish(t.Context(), key, uploadID, []dossier.Part{part},
				dossier.Held{Size: part.Size, CRC64: part.CRC64}); err != nil {
				t.Error(err)
			}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain := openS3(t, cfg, S3Config{})
			key := newKey()
			uploadID, parts, whole := sentPartsS3(t, plain, key, []byte("bytes"))
			s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
				if operation(r) == "CompleteMultipartUpload" {
					c.do(t, plain, key, uploadID)
				}
				return http.DefaultClient.Do(r)
			}), S3Config{Bucket: plain.bucket})
			if err := s.Finish(t.Context(), key, uploadID, parts, whole); !errors.Is(err, c.want) ||
				errors.Is(err, dossier.ErrUnavailable) {
				t.Errorf("Finish: %v; want %v", err, c.want)
			}
			h, err := plain.Stat(t.Context(), key)
			if c.want == nil && (err != nil || h != whole) || c.want != nil && !errors.Is(err, dossier.ErrNotFound) {
				t.Errorf("Stat = %+v, %v", h, err)
			}
		})
	}
}

// testS3FinishListed gives Finish listings that lack parts, as some servers answer while another call finishes or drops
// the multipart upload.
func testS3FinishListed(t *testing.T, cfg aws.Config) {
	const lacking, gone, whole = "lacking", "gone", "" // the last is the server's own answer
	for _, c := range []struct {
		name  string
		shown []string
		want  error
		asked int64
	}{
		{"whole", []string{whole}, nil, 1},
		{"lacking a part, then gone", []string{lacking, gone}, dossier.ErrNotFound, 2},
		{"lacking a part, then whole: the other call was refused", []string{lacking, whole}, nil, 2},
		{"lacking a part for good", []string{lacking, lacking, whole}, dossier.ErrCorrupt, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain := openS3(t, cfg, S3Config{})
			key := newKey()
			uploadID, parts, held := sentPartsS3(t, plain, key, []byte("bytes"))
			var asked atomic.Int64
			s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
				if r.Method != http.MethodGet || !r.URL.Query().Has("uploadId") {
					return http.DefaultClient.Do(r)
				}
				status, body := http.StatusOK, ""
				switch c.shown[asked.Add(1)-1] {
				case whole:
					return http.DefaultClient.Do(r)
				case gone:
					status, body = http.StatusNotFound, "<Error><Code>NoSuchUpload</Code></Error>"
				case lacking:
					body = "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"
				}
				return &http.Response{
					StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: r,
					Header: http.Header{"Content-Type": {"application/xml"}},
					Body:   io.NopCloser(strings.NewReader(body)),
				}, nil
			}), S3Config{Bucket: plain.bucket})
			if err := s.Finish(t.Context(), key, uploadID, parts, held); !errors.Is(err, c.want) ||
				(err == nil) != (c.want == nil) {
				t.Errorf("Finish: %v; want %v", err, c.want)
			}
			if asked.Load() != c.asked {
				t.Errorf("the parts were listed %d times; want %d", asked.Load(), c.asked)
			}
			if h, err := plain.Stat(t.Context(), key); c.want == nil && (err != nil || h != held) ||
				c.want != nil && !errors.Is(err, dossier.ErrNotFound) {
				t.Errorf("Stat = %+v, %v", h, err)
			}
		})
	}
}

// testS3FinishAnswers gives Finish each kind of answer to its last request.
func testS3FinishAnswers(t *testing.T, cfg aws.Config) {
	answer := func(status int, code string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: r,
				Header: http.Header{"Content-Type": {"application/xml"}},
				Body: io.NopCloser(strings.NewReader("<Error><Code>" + code +
					"</Code><Message>as the test wants</Message></Error>")),
			}, nil
		}
	}
	// lose does what is asked, and loses so many answers.
	lose := func(times int64) func(*http.Request) (*http.Response, error) {
		var lost atomic.Int64
		return func(r *http.Request) (*http.Response, error) {
			resp, err := http.DefaultClient.Do(r)
			if err == nil && lost.Add(1) <= times {
				return nil, errors.Join(errors.New("connection reset by the test"), resp.Body.Close())
			}
			return resp, err
		}
	}
	// gone is how S3 answers a second attempt once it has forgotten the upload.
	gone := func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		if err := resp.Body.Close(); err != nil {
			return nil, err
		}
		return answer(404, "NoSuchUpload")(r)
	}
	for _, c := range []struct {
		name string
		do   func(*http.Request) (*http.Response, error)
		want error
		made bool // the object
	}{
		{"a part has another checksum", answer(400, "InvalidPart"), dossier.ErrCorrupt, false},
		{"the whole has another checksum", answer(400, "BadDigest"), dossier.ErrCorrupt, false},
		{"the upload is gone", answer(404, "NoSuchUpload"), dossier.ErrNotFound, false},
		{"the upload is gone, by an attempt of its own", gone, nil, true},
		{"the server failed", answer(500, "InternalError"), dossier.ErrUnavailable, false},
		{"the server failed after it said 200", answer(200, "InternalError"), dossier.ErrUnavailable, false},
		{"not allowed", answer(403, "AccessDenied"), dossier.ErrUnavailable, false},
		{"the bucket is gone", answer(404, "NoSuchBucket"), dossier.ErrUnavailable, false},
		{"the first answer lost", lose(1), nil, true},
		{"every answer lost", lose(100), dossier.ErrUnavailable, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain := openS3(t, cfg, S3Config{})
			key := newKey()
			uploadID, parts, whole := sentPartsS3(t, plain, key, []byte("bytes"))
			s := openS3(t, through(cfg, func(r *http.Request) (*http.Response, error) {
				if operation(r) != "CompleteMultipartUpload" {
					return http.DefaultClient.Do(r)
				}
				return c.do(r)
			}), S3Config{Bucket: plain.bucket})
			if err := s.Finish(bounded(t), key, uploadID, parts, whole); !errors.Is(err, c.want) ||
				errors.Is(err, context.Canceled) {
				t.Errorf("Finish: %v; want %v", err, c.want)
			}
			if h, err := plain.Stat(t.Context(), key); (err == nil && h == whole) != c.made {
				t.Errorf("Stat = %+v, %v", h, err)
			}
			// Repeated, it ends well.
			want := error(nil)
			if c.made {
				want = dossier.ErrNotFound
			}
			if err := plain.Finish(t.Context(), key, uploadID, parts, whole); !errors.Is(err, want) {
				t.Errorf("Finish once more: %v; want %v", err, want)
			}
			if h, err := plain.Stat(t.Context(), key); err != nil || h != whole {
				t.Errorf("Stat after Finish once more = %+v, %v", h, err)
			}
		})
	}
}

// testS3ForeignUploads has uploads that some other program began.
func testS3ForeignUploads(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{})
	key := newKey()
	var ids []string
	for _, k := range []string{key, dossier.ObjectPrefix + "by-hand", "elsewhere/" + key} {
		out, err := s.client.CreateMultipartUpload(t.Context(),
			&s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &k})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.UploadId)
	}
	cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).UploadPart(t.Context(),
		&s3.UploadPartInput{
			Bucket: &s.bucket, Key: &key, UploadId: &ids[0], PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
		})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Parts(t.Context(), key, ids[0])
	if err == nil || errors.Is(err, dossier.ErrNotFound) || errors.Is(err, dossier.ErrUnavailable) ||
		!strings.Contains(err.Error(), "CRC-64/NVME") {
		t.Errorf("Parts of an upload without checksums = %v, %v; want an error that says so", parts, err)
	}
	for tr, err := range s.Unfinished(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil || tr.Key != key || tr.ID != ids[0] {
			t.Errorf("Unfinished yields %+v, %v; want only what has a key of this program", tr, err)
		}
	}
	if n := drop(t, s); n != 1 {
		t.Errorf("%d unfinished multipart uploads; want 1", n)
	}
}

// testS3Refusals sees that the harness tells a refusal from an outage.
func testS3Refusals(t *testing.T, cfg aws.Config) {
	s := openS3(t, cfg, S3Config{})
	signed, err := s.Sign(t.Context(), newKey(), "no-such-upload", partOf(1, nil), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := sendHTTP(t.Context(), signed, nil); !errors.Is(err, storetest.ErrRefused) ||
		!strings.Contains(err.Error(), "NoSuchUpload") {
		t.Errorf("a part of no upload: %v; want it refused with NoSuchUpload", err)
	}
	signed.URL = "http://127.0.0.1:1/"
	if err := sendHTTP(t.Context(), signed, nil); err == nil || errors.Is(err, storetest.ErrRefused) {
		t.Errorf("a part where nobody listens: %v; want an error that is no refusal", err)
	}
}
