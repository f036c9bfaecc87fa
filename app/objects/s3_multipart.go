package objects

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	dossier "dossier.example/app"
)

// A multipart upload is S3's own, whose parts and whole have a CRC-64/NVME; its id is S3's.

// Start implements dossier.MultipartUploads.
func (s *S3) Start(ctx context.Context, key string) (string, error) {
	const doing = "start multipart upload"
	if err := checkKey(key); err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	call, cancel := s.within(ctx)
	defer cancel()
	out, err := s.client.CreateMultipartUpload(call, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &key,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		return "", unavailable(ctx, doing, err)
	}
	return aws.ToString(out.UploadId), nil
}

// Sign implements dossier.MultipartUploads: a presigned UploadPart. ExpiresAt is in whole seconds, and never after the
// credentials' own end, for S3 refuses the request from then on: ErrUnavailable where they end within a second.
func (s *S3) Sign(ctx context.Context, key, uploadID string, part dossier.Part,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	const doing = "sign part"
	if err := checkSign(key, uploadID, part, lifetime); err != nil {
		return dossier.SignedRequest{}, fmt.Errorf("%s: %w", doing, err)
	}
	return s.sign(ctx, doing, partHeader(part), lifetime,
		func(ctx context.Context, o func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error) {
			return s.presign.PresignUploadPart(ctx, &s3.UploadPartInput{
				Bucket: &s.bucket, Key: &key, UploadId: &uploadID, PartNumber: aws.Int32(int32(part.Number)),
			}, o)
		})
}

// leastSkew is the difference from the server's clock from which requests are signed by that clock. A smaller one does
// no harm, and is partly the time that an answer took.
const leastSkew = 30 * time.Second

// sign has presign make a request by the presigner of this package.
func (s *S3) sign(ctx context.Context, doing string, header map[string]string, lifetime time.Duration,
	presign func(context.Context, func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error)) (dossier.SignedRequest,
	error) {
	if ctx.Err() != nil {
		return dossier.SignedRequest{}, unavailable(ctx, doing, nil)
	}
	call, cancel := s.within(ctx) // the credentials may have to be renewed
	defer cancel()
	p := &presigner{header: header, lifetime: lifetime}
	if skew := time.Duration(s.skew.Load()); skew.Abs() >= leastSkew {
		p.skew = skew
	}
	signed, err := presign(call, func(o *s3.PresignOptions) { o.Presigner = p })
	if err == nil && p.expires.IsZero() {
		err = errors.New("there are no credentials to sign with")
	}
	if err != nil {
		return dossier.SignedRequest{}, unavailable(ctx, doing, err)
	}
	return dossier.SignedRequest{Method: signed.Method, URL: signed.URL, Header: header, ExpiresAt: p.expires}, nil
}

// Origin returns the origin to which signed requests lead, as "https://bucket.s3.eu-west-1.amazonaws.com". It asks
// nothing of a server, and needs no credentials.
func (s *S3) Origin(ctx context.Context) (string, error) {
	const doing = "find the bucket's origin"
	// The address of a request tells, whoever signed it.
	signed, err := s.presign.PresignUploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: aws.String(dossier.ObjectPrefix), UploadId: aws.String("none"),
		PartNumber: aws.Int32(1),
	}, s3.WithPresignClientFromClientOptions(func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("none", "none", "")
	}))
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	u, err := url.Parse(signed.URL)
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	return u.Scheme + "://" + u.Host, nil
}

// presigner signs one request by Signature Version 4 in its query
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). The SDK's own leaves a Content-Length
// of 0 unsigned, and who has the URL of an empty part could then send 5 GiB: bytes with a given CRC are easily made.
// Nor does it know of the end of credentials, or of the server's clock, by which the SDK dates what it sends itself:
// where this machine's is wrong, what is only signed would be over, or not valid yet. Otherwise it makes the same URLs.
type presigner struct {
	// header is what is signed beside the host, and sent with the request.
	header   map[string]string
	lifetime time.Duration
	// skew is how far the server's clock is ahead.
	skew time.Duration
	// expires is set when the request is signed.
	expires time.Time
}

// PresignHTTP implements s3.HTTPPresignerV4.
func (p *presigner) PresignHTTP(_ context.Context, c aws.Credentials, r *http.Request, payloadHash, service,
	region string, at time.Time, _ ...func(*v4.SignerOptions)) (string, http.Header, error) {
	const algorithm = "AWS4-HMAC-SHA256"
	at = at.Add(p.skew).UTC().Truncate(time.Second)
	lifetime := p.lifetime
	if c.CanExpire {
		lifetime = min(lifetime, c.Expires.Sub(at))
	}
	if lifetime = lifetime.Truncate(time.Second); lifetime < time.Second {
		return "", nil, fmt.Errorf("the credentials end at %s", c.Expires.UTC().Format(time.RFC3339))
	}
	u := *r.URL
	// Clients leave the default port out of the host that they send.
	u.Host = strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	signed := map[string]string{"host": u.Host}
	for name, value := range p.header {
		signed[strings.ToLower(name)] = value
	}
	names := slices.Sorted(maps.Keys(signed))
	date := at.Format("20060102T150405Z")
	scope := strings.Join([]string{date[:8], region, service, "aws4_request"}, "/")

	query := u.Query()
	query.Set("X-Amz-Algorithm", algorithm)
	query.Set("X-Amz-Credential", c.AccessKeyID+"/"+scope)
	query.Set("X-Amz-Date", date)
	query.Set("X-Amz-Expires", strconv.FormatInt(int64(lifetime/time.Second), 10))
	query.Set("X-Amz-SignedHeaders", strings.Join(names, ";"))
	if c.SessionToken != "" {
		query.Set("X-Amz-Security-Token", c.SessionToken)
	}
	encoded := strings.ReplaceAll(query.Encode(), "+", "%20") // a plus itself is encoded

	request := sha256.New()
	fmt.Fprintf(request, "%s\n%s\n%s\n", r.Method, u.EscapedPath(), encoded)
	for _, name := range names {
		fmt.Fprintf(request, "%s:%s\n", name, signed[name])
	}
	fmt.Fprintf(request, "\n%s\n%s", strings.Join(names, ";"), payloadHash)

	secret := []byte("AWS4" + c.SecretAccessKey)
	for _, step := range []string{date[:8], region, service, "aws4_request", algorithm + "\n" + date + "\n" + scope +
		"\n" + hex.EncodeToString(request.Sum(nil))} {
		mac := hmac.New(sha256.New, secret)
		_, _ = io.WriteString(mac, step) // a hash never fails
		secret = mac.Sum(nil)
	}
	u.RawQuery = encoded + "&X-Amz-Signature=" + hex.EncodeToString(secret)
	p.expires = at.Add(lifetime)
	return u.String(), nil, nil
}

// Parts implements dossier.MultipartUploads, a page of 1,000 at a time.
func (s *S3) Parts(ctx context.Context, key, uploadID string) ([]dossier.Part, error) {
	const doing = "list parts"
	parts, _, err := s.parts(ctx, doing, key, uploadID)
	return parts, err
}

// parts also returns each part's ETag, which S3 wants to be told at the end.
func (s *S3) parts(ctx context.Context, doing, key, uploadID string) (parts []dossier.Part, tags []*string, err error) {
	// Without an id the request would be another one.
	if _, _, err := dossier.ParseObjectKey(key); err != nil || uploadID == "" {
		return nil, nil, fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound, Err: err})
	}
	pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{Bucket: &s.bucket, Key: &key, UploadId: &uploadID})
	for pages.HasMorePages() {
		call, cancel := s.within(ctx)
		page, err := pages.NextPage(call)
		cancel()
		if err != nil {
			return nil, nil, uploadFailed(ctx, doing, err)
		}
		for _, p := range page.Parts {
			if p.ChecksumCRC64NVME == nil {
				return nil, nil, fmt.Errorf("%s: the store keeps no CRC-64/NVME of the parts: another program "+
					"started the upload, or the server cannot", doing)
			}
			sum, err := decodeCRC64(*p.ChecksumCRC64NVME)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", doing, err)
			}
			parts = append(parts, dossier.Part{Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size),
				CRC64: sum})
			tags = append(tags, p.ETag)
		}
	}
	return parts, tags, nil
}

// Finish implements dossier.MultipartUploads. It says what each part and the whole must be, so that a part which is
// replaced after the look at them makes S3 refuse. A key that is taken is replaced, as by Put.
func (s *S3) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part, whole dossier.Held) error {
	const doing = "finish multipart upload"
	if err := checkParts(parts, whole); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	tags, err := s.exactly(ctx, doing, key, uploadID, parts)
	if err != nil {
		return err
	}
	completed := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		completed[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: tags[i],
			ChecksumCRC64NVME: aws.String(encodeCRC64(p.CRC64))}
	}
	call, cancel := context.WithTimeout(ctx, 2*completeFactor*s.timeout)
	defer cancel()
	_, err = s.client.CompleteMultipartUpload(call, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &uploadID,
		MultipartUpload:   &types.CompletedMultipartUpload{Parts: completed},
		MpuObjectSize:     &whole.Size,
		ChecksumType:      types.ChecksumTypeFullObject,
		ChecksumCRC64NVME: aws.String(encodeCRC64(whole.CRC64)),
	})
	switch code(err) {
	case "":
		if err == nil {
			return nil
		}
	case "InvalidPart", "BadDigest", "XAmzContentChecksumMismatch":
		return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeCorrupt, Err: err})
	case noSuchUpload, noSuchKey:
		// It was there a moment ago. So an earlier attempt, whose answer was lost, has finished it, or somebody else
		// has, or it was dropped.
		if there, statErr := s.Stat(ctx, key); statErr == nil && there == whole {
			return nil
		}
	}
	return uploadFailed(ctx, doing, err)
}

// looks is how often exactly lists the parts at most.
const looks = 4

// exactly returns the ETags of a multipart upload's parts if they are these: ErrCorrupt, ErrNotFound as for Parts.
// While another call finishes or drops the multipart upload, a server that takes its parts away one by one lists some
// of them. So a difference holds that two listings, one after the other, agree in.
func (s *S3) exactly(ctx context.Context, doing, key, uploadID string, parts []dossier.Part) ([]*string, error) {
	var before []dossier.Part
	for look := 1; ; look++ {
		held, tags, err := s.parts(ctx, doing, key, uploadID)
		if err != nil {
			return nil, err
		}
		err = compareParts(held, parts)
		switch {
		case err == nil:
			return tags, nil
		case look == looks, look > 1 && slices.Equal(held, before):
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		before = held
	}
}

// Drop implements dossier.MultipartUploads.
func (s *S3) Drop(ctx context.Context, key, uploadID string) error {
	const doing = "drop multipart upload"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	if uploadID == "" { // without an id the request would delete the object
		return nil
	}
	call, cancel := s.within(ctx)
	defer cancel()
	_, err := s.client.AbortMultipartUpload(call,
		&s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &uploadID})
	if err == nil || noUpload(err) {
		return nil
	}
	return unavailable(ctx, doing, err)
}

// Unfinished implements dossier.MultipartUploads: the multipart uploads, a page of 1,000 at a time. A Put in one
// request leaves nothing unfinished. What some other program began under a key that dossier.ObjectKey never makes is
// left out, and goes with the bucket's lifecycle rule.
func (s *S3) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.MultipartUpload, error] {
	const doing = "list unfinished multipart uploads"
	return func(yield func(dossier.MultipartUpload, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(s.client,
			&s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: aws.String(dossier.ObjectPrefix)})
		for pages.HasMorePages() {
			call, cancel := s.within(ctx)
			page, err := pages.NextPage(call)
			cancel()
			if err != nil {
				yield(dossier.MultipartUpload{}, unavailable(ctx, doing, err))
				return
			}
			for _, u := range page.Uploads {
				t := dossier.MultipartUpload{Key: aws.ToString(u.Key), ID: aws.ToString(u.UploadId),
					StartedAt: aws.ToTime(u.Initiated).UTC()}
				if checkKey(t.Key) != nil || !t.StartedAt.Before(before) {
					continue
				}
				if ctx.Err() != nil {
					yield(dossier.MultipartUpload{}, unavailable(ctx, doing, nil))
					return
				}
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

// uploadFailed gives the error of a request that names a multipart upload.
func uploadFailed(ctx context.Context, doing string, err error) error {
	if noUpload(err) {
		return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound, Err: err})
	}
	return unavailable(ctx, doing, err)
}

// What S3 says where there is no such multipart upload, and what Ceph says to who lists its parts.
const (
	noSuchUpload = "NoSuchUpload"
	noSuchKey    = "NoSuchKey"
)

// noUpload reports whether a request that names a multipart upload failed because there is none.
func noUpload(err error) bool { return code(err) == noSuchUpload || code(err) == noSuchKey }
