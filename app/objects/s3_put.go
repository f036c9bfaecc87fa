package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	dossier "dossier.example/app"
)

// Put implements dossier.Objects. It may run for as long as r has bytes; each request that it makes is bounded. It
// waits for a Read of r that blocks. ErrTooLarge: more than 10,000 parts.
//
// S3 keeps an object only if its bytes have the checksum and the length that are sent with them, and answers with the
// checksum that it keeps
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html): Put returns that one.
// A server that answers without it is asked by Stat.
//
// A part is read while those before it are on their way, as far as S3Config.PutMemory reaches. It is held in blocks
// that are taken as its bytes come, so that a slow sender holds what it has sent of a part, and not a part.
func (s *S3) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	const doing = "put object"
	if err := checkKey(key); err != nil {
		return dossier.Held{}, fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return dossier.Held{}, unavailable(ctx, doing, nil)
	}
	p := &put{s: s, key: key, own: make(chan struct{}, s.putMemory/blockSize),
		src: &source{ctx: ctx, doing: doing, r: r, most: s.partSize * dossier.MaxParts}}
	err := p.run(ctx)
	if err == nil {
		return p.held, nil
	}
	if p.undecided {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cleanupTime())
		defer cancel()
		// What this cannot remove has no record, so reconciliation does.
		_, _ = s.client.DeleteObject(clean, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	}
	return dossier.Held{}, p.src.failure(unavailable(ctx, doing, err))
}

// put is one Put under way.
type put struct {
	s   *S3
	key string
	src *source
	// own has one for each block that this Put holds.
	own chan struct{}
	// held is what the store says that it holds.
	held dossier.Held
	// undecided: the request that makes the object visible was sent, and no answer says that it was refused.
	undecided bool
}

func (p *put) run(ctx context.Context) error {
	part, last, err := p.read(ctx)
	if err != nil {
		return err
	}
	if last {
		defer part.release()
		return p.whole(ctx, part)
	}
	create, cancel := p.s.within(ctx)
	out, err := p.s.client.CreateMultipartUpload(create, &s3.CreateMultipartUploadInput{
		Bucket: &p.s.bucket, Key: &p.key,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	})
	cancel()
	if err != nil {
		part.release()
		return err
	}
	if err := p.inParts(ctx, out.UploadId, part); err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.s.cleanupTime())
		defer cancel()
		// What this leaves goes with Drop.
		_, _ = p.s.client.AbortMultipartUpload(clean, &s3.AbortMultipartUploadInput{Bucket: &p.s.bucket, Key: &p.key, UploadId: out.UploadId})
		return err
	}
	return nil
}

// read reads the next part; last tells that the source ended with it.
func (p *put) read(ctx context.Context) (part *buffer, last bool, err error) {
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	part = p.s.memory.buffer(p.own, dossier.SenderOf(ctx))
	if last, err = part.fill(ctx, p.src, p.s.partSize); err != nil {
		part.release()
		return nil, false, err
	}
	return part, last, nil
}

// whole sends an object in one request.
func (p *put) whole(ctx context.Context, b *buffer) error {
	call, cancel := p.s.within(ctx)
	defer cancel()
	out, err := p.s.client.PutObject(call, &s3.PutObjectInput{
		Bucket: &p.s.bucket, Key: &p.key, Body: b.reader(), ContentLength: &b.size,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumCRC64NVME: aws.String(encodeCRC64(b.sum())),
	}, unsignedPayload)
	if p.undecided = undecided(err); err != nil {
		return err
	}
	return p.answered(ctx, b.size, out.ChecksumCRC64NVME, out.ChecksumType)
}

// answered notes what the answer to the last request says that the store holds. The store took exactly size bytes.
func (p *put) answered(ctx context.Context, size int64, sum *string, of types.ChecksumType) (err error) {
	if sum = ofWhole(sum, of); sum == nil {
		p.held, err = p.s.Stat(ctx, p.key)
	} else {
		p.held.Size = size
		p.held.CRC64, err = decodeCRC64(*sum)
	}
	// The object is visible, and must not be.
	p.undecided = err != nil
	return err
}

// inParts sends an object in parts, the first of which was read already. Each is sent as soon as it is full.
func (p *put) inParts(ctx context.Context, upload *string, part *buffer) error {
	sending, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // of parts
		parts []types.CompletedPart
		whole dossier.Held
	)
	for last := false; ; {
		sent, sum, i := part, part.sum(), len(parts)
		whole = dossier.Held{Size: whole.Size + part.size, CRC64: dossier.CombineCRC64(whole.CRC64, sum, part.size)}
		mu.Lock()
		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ChecksumCRC64NVME: aws.String(encodeCRC64(sum))})
		mu.Unlock()
		wg.Go(func() {
			tag, err := p.part(sending, upload, int32(i+1), sent)
			sent.release()
			if err != nil {
				stop(err)
			}
			mu.Lock()
			parts[i].ETag = tag
			mu.Unlock()
		})
		if last {
			break
		}
		var err error
		if part, last, err = p.read(sending); err != nil {
			stop(err)
			break
		}
		if last && part.size == 0 { // the one before was full
			part.release()
			break
		}
	}
	wg.Wait()
	if sending.Err() != nil {
		return context.Cause(sending)
	}
	call, cancel := context.WithTimeout(ctx, 2*completeFactor*p.s.timeout)
	defer cancel()
	out, err := p.s.client.CompleteMultipartUpload(call, &s3.CompleteMultipartUploadInput{
		Bucket: &p.s.bucket, Key: &p.key, UploadId: upload,
		MultipartUpload:   &types.CompletedMultipartUpload{Parts: parts},
		MpuObjectSize:     &whole.Size,
		ChecksumType:      types.ChecksumTypeFullObject,
		ChecksumCRC64NVME: aws.String(encodeCRC64(whole.CRC64)),
	})
	if noUpload(err) {
		// An earlier attempt, whose answer was lost, has completed it: nobody else writes under this key. All bytes
		// were sent, so to fail now would have the sender send them again.
		if held, statErr := p.s.Stat(ctx, p.key); statErr == nil && held == whole {
			p.held = held
			return nil
		}
	}
	if p.undecided = undecided(err); err != nil {
		return err
	}
	return p.answered(ctx, whole.Size, out.ChecksumCRC64NVME, out.ChecksumType)
}

// part sends one part and returns its ETag.
func (p *put) part(ctx context.Context, upload *string, number int32, b *buffer) (*string, error) {
	call, cancel := p.s.within(ctx)
	defer cancel()
	out, err := p.s.client.UploadPart(call, &s3.UploadPartInput{
		Bucket: &p.s.bucket, Key: &p.key, UploadId: upload, PartNumber: &number,
		Body: b.reader(), ContentLength: &b.size,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumCRC64NVME: aws.String(encodeCRC64(b.sum())),
	}, unsignedPayload)
	if err != nil {
		return nil, err
	}
	return out.ETag, nil
}

// unsignedPayload leaves the SHA-256 of the body out of what is signed. The CRC-64/NVME, which S3 verifies, is a header
// and is signed; a second hash would take longer than sending.
func unsignedPayload(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// undecided tells that err leaves open whether the request had its effect: not when the server refused it, and not when
// no connection to it came about.
func undecided(err error) bool {
	if err == nil {
		return false
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= 400 && answer.HTTPStatusCode() < 500 {
		// The upload is unknown when an earlier attempt, whose answer was lost, has completed it.
		return noUpload(err)
	}
	var op *net.OpError
	return !errors.As(err, &op) || op.Op != "dial"
}
