package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	dossier "dossier.example/app"
)

// S3 keeps objects in a bucket of Amazon S3, or of a server that speaks its protocol and keeps CRC-64/NVME checksums.
//
// # What the role needs
//
//	on arn:aws:s3:::BUCKET
//	  s3:ListBucket                   List and Ping; without it an absent object answers 403 instead of 404
//	  s3:ListBucketMultipartUploads   Unfinished
//	  s3:ListBucketVersions           Revive
//	on arn:aws:s3:::BUCKET/files/*
//	  s3:PutObject                    Put, in one request or in parts; Start, Finish, Revive, and what Sign signs
//	  s3:GetObject                    Open, Stat; and what Link signs
//	  s3:GetObjectVersion             Revive
//	  s3:GetObjectTagging             Tags, where GuardDuty checks for malware
//	  s3:DeleteObject                 Delete
//	  s3:ListMultipartUploadParts     Parts, Finish
//	  s3:AbortMultipartUpload         Put that fails, Drop
//	on arn:aws:s3:::BUCKET/thumbs/*
//	  s3:PutObject, s3:GetObject, s3:DeleteObject   the methods of dossier.Thumbnails
//
// It must not have s3:PutObjectTagging where GuardDuty checks for malware: Tags are what GuardDuty says.
//
// A signed request is made with the role's rights at the time when it is sent. For a browser to send it from the site's
// pages, the bucket's CORS rule has to allow PUT from the site's origin with the header x-amz-checksum-crc64nvme.
//
// s3:ListBucket must carry no condition on s3:prefix: HeadBucket sends none. A bucket encrypted with a customer's KMS
// key also needs kms:GenerateDataKey and kms:Decrypt on the key; one encrypted with S3's own keys needs nothing more.
//
// # What is created in the bucket, and when it goes
//
//   - files/<person>/<file>, one object each, without metadata or tags. It goes with Delete. In a bucket with
//     versioning Delete puts a delete marker and the bytes stay as a noncurrent version, until the bucket's lifecycle
//     rule expires it: that rule decides when deleted means gone.
//   - thumbs/<person>/<file>, the thumbnail of a picture, 64 KiB at most. It goes with DeleteThumbnail, as an object
//     does.
//   - For an object of a part's size or more, and from each Start on, a multipart upload while it is being sent. A Put
//     that fails aborts it. One whose process was killed stays, invisible but paid for, until Drop or the lifecycle
//     rule for unfinished uploads; Unfinished finds it. A Start whose answer was lost, and that was tried again, leaves
//     one too.
//
// # What is verified
//
// Each request carries the CRC-64/NVME of its bytes and S3 refuses it if they differ; the parts of a multipart upload
// are put together only if they have the number of bytes that were sent. S3 then keeps the checksum of the whole
// object, and Stat returns that one. A signed request for a part has its length and its checksum among the signed
// headers, so S3 refuses any other (see s3_multipart.go).
//
// # What is not promised
//
//   - When the answer to a Put's last request is lost, nobody knows whether the object became visible. Put then deletes
//     it, but that request can be lost too, or overtake the first; so an object may exist though Put failed.
//   - A Put that is cancelled may leave its multipart upload though it aborts it: S3 may still be busy with a part
//     whose sender is gone (https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html).
//   - A Put to a key that is taken is not refused; it replaces. No two Puts share a key.
//   - The same holds for Finish, which deletes nothing: who repeats it finds the multipart upload gone, and Stat tells.
//   - ModifiedAt of a multipart object is when its upload began: that is what S3 keeps.
//   - Bytes that Open returns are not compared with the checksum: a range has none.
type S3 struct {
	client   *s3.Client
	presign  *s3.PresignClient
	bucket   string
	timeout  time.Duration
	partSize int64
	memory   *memory
	// putMemory is the share of one Put.
	putMemory int64
	// copyPart is up to how many bytes one request copies.
	copyPart int64
	// skew is how far the server's clock is ahead of this machine's, in nanoseconds, by the last answer.
	skew atomic.Int64
}

// S3Config says which bucket, and how it is used.
type S3Config struct {
	// Bucket is the bucket's name; it must exist.
	Bucket string
	// Timeout bounds each attempt of a request, from the dial to the end of the answer, and each wait for the next
	// bytes of an object that is being read. A request is tried again as the client's retryer decides, for at most
	// twice Timeout in all; the last step of a multipart upload has longer. Default 10 seconds, for which a part of the
	// default size needs 4 Mbit/s.
	Timeout time.Duration
	// PartSize in bytes is how much of an object is sent in one request: a smaller object goes in one, any other in
	// parts, 10,000 at most. Default and minimum 5 MiB, the least that S3 takes.
	PartSize int64
	// PutMemory in bytes is what one Put holds at most of the parts that it reads and sends: at least a part and 64
	// KiB, default two parts. While a part is on its way, a Put then reads the next, and begins to send it.
	PutMemory int64
	// Memory in bytes is what all Puts together hold at most of the parts that they send; a Put that needs more waits.
	// Default 256 MiB; at least two parts and what one Put may hold.
	Memory int64
	// PathStyle puts the bucket into the path instead of the host name, for servers other than Amazon's.
	PathStyle bool
}

const (
	defaultTimeout = 10 * time.Second
	defaultMemory  = 256 << 20
	// completeFactor times Timeout is what CompleteMultipartUpload may take: S3 warns of minutes for large objects
	// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html). So may what copies.
	completeFactor = 6
	// maxCleanup bounds each request that puts a failed Put right: its caller is waiting, or has left.
	maxCleanup = 5 * time.Second
)

// MemoryFull reports whether a Put waits, or waited within the last minute, longer than a moment for memory that all
// share.
func (s *S3) MemoryFull() bool { return s.memory.full() }

// NewS3 returns the store in a bucket. It makes no request; Ping does.
func NewS3(cfg aws.Config, c S3Config) (*S3, error) {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.PartSize == 0 {
		c.PartSize = dossier.MinPartSize
	}
	if c.PutMemory == 0 {
		c.PutMemory = 2 * c.PartSize
	}
	if c.Memory == 0 {
		c.Memory = max(defaultMemory, 2*c.PartSize, c.PutMemory)
	}
	switch {
	case c.Bucket == "":
		return nil, errors.New("S3: no bucket named")
	case c.Timeout < 0:
		return nil, fmt.Errorf("S3: timeout of %s", c.Timeout)
	case c.PartSize < dossier.MinPartSize, c.PartSize > dossier.MaxPartSize:
		return nil, fmt.Errorf("S3: parts of %d bytes; S3 takes %d to %d", c.PartSize, int64(dossier.MinPartSize),
			int64(dossier.MaxPartSize))
	case c.PutMemory < c.PartSize+blockSize:
		return nil, fmt.Errorf("S3: %d bytes of memory for one object; with parts of %d bytes it needs %d", c.PutMemory,
			c.PartSize, c.PartSize+blockSize)
	case c.Memory < max(2*c.PartSize, c.PutMemory):
		return nil, fmt.Errorf("S3: %d bytes of memory in all; with parts of %d bytes and %d for one object it "+
			"needs %d", c.Memory, c.PartSize, c.PutMemory, max(2*c.PartSize, c.PutMemory))
	}
	s := &S3{bucket: c.Bucket, timeout: c.Timeout, partSize: c.PartSize, putMemory: c.PutMemory,
		copyPart: copyPart, memory: newMemory(c.Memory, c.PartSize, c.PutMemory)}
	s.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		// By default the SDK asks for the checksum of the whole object with each read, and a server that sends it with
		// a range makes the read fail.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			if _, ok := stack.Finalize.Get("Retry"); !ok {
				return nil // a request that is only signed is not attempted
			}
			return stack.Finalize.Insert(attemptDeadline{s.attemptTime, &s.skew}, "Retry", middleware.After)
		})
	})
	s.presign = s3.NewPresignClient(s.client)
	return s, nil
}

func (s *S3) cleanupTime() time.Duration { return min(s.timeout, maxCleanup) }

// Ping reports whether the bucket is there and may be used: ErrUnavailable.
func (s *S3) Ping(ctx context.Context) error {
	const doing = "check bucket"
	call, cancel := s.within(ctx)
	defer cancel()
	if _, err := s.client.HeadBucket(call, &s3.HeadBucketInput{Bucket: &s.bucket}); err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Stat implements dossier.Objects. An object without a CRC-64/NVME of the whole was written by some other program and
// is an error.
func (s *S3) Stat(ctx context.Context, key string) (dossier.Held, error) {
	const doing = "stat object"
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return dossier.Held{}, fmt.Errorf("%s: %w", doing, err)
	}
	out, err := s.head(ctx, doing, key)
	if err != nil {
		return dossier.Held{}, err
	}
	whole := ofWhole(out.ChecksumCRC64NVME, out.ChecksumType)
	if whole == nil {
		return dossier.Held{}, fmt.Errorf("%s: the store keeps no CRC-64/NVME of the whole object: another program "+
			"wrote it, or the server cannot", doing)
	}
	sum, err := decodeCRC64(*whole)
	if err != nil {
		return dossier.Held{}, fmt.Errorf("%s: %w", doing, err)
	}
	return dossier.Held{Size: aws.ToInt64(out.ContentLength), CRC64: sum}, nil
}

func (s *S3) head(ctx context.Context, doing, key string) (*s3.HeadObjectOutput, error) {
	call, cancel := s.within(ctx)
	defer cancel()
	out, err := s.client.HeadObject(call,
		&s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		err = failed(ctx, doing, err)
		if errors.Is(err, dossier.ErrNotFound) {
			// An answer to HEAD has no body and does not say whether the object or the whole bucket is missing.
			if err := s.Ping(ctx); err != nil {
				return nil, err
			}
		}
		return nil, err
	}
	return out, nil
}

// Head implements dossier.Objects.
func (s *S3) Head(ctx context.Context, key string) (dossier.Head, error) {
	const doing = "look at object"
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return dossier.Head{}, fmt.Errorf("%s: %w", doing, err)
	}
	out, err := s.head(ctx, doing, key)
	if err != nil {
		return dossier.Head{}, err
	}
	h := dossier.Head{Size: aws.ToInt64(out.ContentLength)}
	if whole := ofWhole(out.ChecksumCRC64NVME, out.ChecksumType); whole != nil {
		sum, err := decodeCRC64(*whole)
		if err != nil {
			return dossier.Head{}, fmt.Errorf("%s: %w", doing, err)
		}
		h.CRC64 = &sum
	}
	return h, nil
}

// Tags returns the tags of an object, which others put there: ErrNotFound, ErrUnavailable. In a bucket with versioning
// they are those of the version that Open reads; no other version shares them.
func (s *S3) Tags(ctx context.Context, key string) (map[string]string, error) {
	const doing = "read the tags of an object"
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	call, cancel := s.within(ctx)
	defer cancel()
	out, err := s.client.GetObjectTagging(call, &s3.GetObjectTaggingInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, failed(ctx, doing, err)
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, tag := range out.TagSet {
		name := aws.ToString(tag.Key)
		if _, twice := tags[name]; twice {
			return nil, fmt.Errorf("%s: the store returned two tags named %q", doing, name)
		}
		tags[name] = aws.ToString(tag.Value)
	}
	return tags, nil
}

// Open implements dossier.Objects. An offset at the end or beyond it gives a reader without bytes.
func (s *S3) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const doing = "open object"
	if err := checkRead(key, offset); err != nil {
		return nil, err
	}
	if length == 0 { // not expressible as a range
		if _, err := s.head(ctx, doing, key); err != nil {
			return nil, err
		}
		return http.NoBody, nil
	}
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	switch {
	case length > 0 && offset+length > 0: // no overflow
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	return s.get(ctx, doing, in)
}

// get returns the bytes that a request asks for.
func (s *S3) get(ctx context.Context, doing string, in *s3.GetObjectInput) (io.ReadCloser, error) {
	b := &body{caller: ctx, timeout: s.timeout}
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	timer := time.AfterFunc(2*s.timeout, func() { b.cancel(errors.New("no answer in time")) })
	out, err := s.client.GetObject(b.ctx, in)
	timer.Stop()
	if err != nil {
		if b.ctx.Err() != nil {
			err = context.Cause(b.ctx)
		}
		b.cancel(nil)
		if code(err) == "InvalidRange" {
			return http.NoBody, nil
		}
		return nil, failed(ctx, doing, err)
	}
	b.r = out.Body
	return b, nil
}

// body reads an object for as long as its caller's context lasts and bytes keep coming.
type body struct {
	caller  context.Context
	ctx     context.Context // of the request
	cancel  context.CancelCauseFunc
	r       io.ReadCloser
	timeout time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	const doing = "read object"
	if b.caller.Err() != nil {
		return 0, unavailable(b.caller, doing, nil)
	}
	// It runs only while the server is waited for, so a slow reader is not cut off.
	timer := time.AfterFunc(b.timeout, func() { b.cancel(fmt.Errorf("no byte for %s", b.timeout)) })
	n, err := b.r.Read(p)
	timer.Stop()
	if err != nil && err != io.EOF {
		if b.ctx.Err() != nil {
			err = context.Cause(b.ctx)
		}
		err = unavailable(b.caller, doing, err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.r.Close()
	b.cancel(nil)
	return err
}

// Link implements dossier.Objects: a presigned GetObject whose query says the headers of the answer
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html), so that they are signed too. ExpiresAt is as
// that of Sign.
func (s *S3) Link(ctx context.Context, key string, as dossier.ResponseHeader,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	const doing = "sign link"
	if err := errors.Join(checkKey(key), checkLifetime(lifetime)); err != nil {
		return dossier.SignedRequest{}, fmt.Errorf("%s: %w", doing, err)
	}
	given := func(header string) *string { // empty would be a parameter that S3 refuses
		if header == "" {
			return nil
		}
		return &header
	}
	return s.sign(ctx, doing, nil, lifetime,
		func(ctx context.Context, o func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error) {
			return s.presign.PresignGetObject(ctx, &s3.GetObjectInput{
				Bucket: &s.bucket, Key: &key,
				ResponseContentType: given(as.ContentType), ResponseContentDisposition: given(as.ContentDisposition),
				ResponseCacheControl: given(as.CacheControl),
			}, o)
		})
}

// Delete implements dossier.Objects.
func (s *S3) Delete(ctx context.Context, key string) error {
	const doing = "delete object"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return s.delete(ctx, doing, key)
}

func (s *S3) delete(ctx context.Context, doing, key string) error {
	call, cancel := s.within(ctx)
	defer cancel()
	_, err := s.client.DeleteObject(call, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	if err == nil {
		return nil
	}
	if err = failed(ctx, doing, err); errors.Is(err, dossier.ErrNotFound) {
		return nil
	}
	return err
}

// SetAside implements dossier.Objects: it deletes, because the bucket keeps the bytes as a noncurrent version, for as
// long as its lifecycle rule says.
func (s *S3) SetAside(ctx context.Context, key string, _ []byte) error { return s.Delete(ctx, key) }

// Kept implements dossier.Objects.
func (s *S3) Kept(context.Context) iter.Seq2[dossier.Kept, error] {
	return func(func(dossier.Kept, error) bool) {}
}

// PutBack implements dossier.Objects.
func (s *S3) PutBack(context.Context, string) error {
	return fmt.Errorf("put object back: %w", &dossier.Error{Code: dossier.CodeNotFound})
}

// ForgetKept implements dossier.Objects.
func (s *S3) ForgetKept(context.Context, string) error { return nil }

// Expire implements dossier.Objects.
func (s *S3) Expire(context.Context, time.Time) (int, error) { return 0, nil }

// List implements dossier.Objects, a page of 1,000 at a time. It yields every object, whoever put it there. Its key may
// have characters that XML cannot, so the keys are asked for as parts of addresses are written.
func (s *S3) List(ctx context.Context, prefix, after string) iter.Seq2[dossier.Object, error] {
	const doing = "list objects"
	return func(yield func(dossier.Object, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, EncodingType: types.EncodingTypeUrl}
		if after != "" {
			in.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(s.client, in)
		for pages.HasMorePages() {
			call, cancel := s.within(ctx)
			page, err := pages.NextPage(call)
			cancel()
			if err != nil {
				yield(dossier.Object{}, unavailable(ctx, doing, err))
				return
			}
			for _, o := range page.Contents {
				if ctx.Err() != nil {
					yield(dossier.Object{}, unavailable(ctx, doing, nil))
					return
				}
				key := aws.ToString(o.Key)
				if page.EncodingType == types.EncodingTypeUrl { // not every server knows it
					if key, err = url.QueryUnescape(key); err != nil {
						yield(dossier.Object{}, fmt.Errorf("%s: %w", doing, err))
						return
					}
				}
				if !yield(dossier.Object{Key: key, Size: aws.ToInt64(o.Size),
					ModifiedAt: aws.ToTime(o.LastModified).UTC()}, nil) {
					return
				}
			}
		}
	}
}

// within bounds one request with all its attempts.
func (s *S3) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 2*s.timeout)
}

// attemptTime is the time of one attempt of an operation of the SDK.
func (s *S3) attemptTime(operation string) time.Duration {
	switch operation {
	case "CompleteMultipartUpload", "CopyObject", "UploadPartCopy":
		return completeFactor * s.timeout
	}
	return s.timeout
}

// failed gives the error of a request that names a key. A bucket that is missing says nothing of the key.
func failed(ctx context.Context, doing string, err error) error {
	switch code(err) {
	case noSuchKey, "NotFound":
		return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound, Err: err})
	}
	return unavailable(ctx, doing, err)
}

// code returns S3's name for an error (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html); empty
// where it gave none.
func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}
