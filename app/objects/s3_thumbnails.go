package objects

import (
	"bytes"
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	dossier "dossier.example/app"
)

// PutThumbnail implements dossier.Thumbnails.
func (s *S3) PutThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID, b []byte) error {
	const doing = "put thumbnail"
	if len(b) > dossier.MaxThumbnail {
		return tooLargeThumbnail(doing, b)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	crc := dossier.NewCRC64()
	crc.Write(b)
	call, cancel := s.within(ctx)
	defer cancel()
	_, err := s.client.PutObject(call, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: aws.String(dossier.ThumbnailKey(person, file)), Body: bytes.NewReader(b),
		ContentLength:     aws.Int64(int64(len(b))),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumCRC64NVME: aws.String(encodeCRC64(crc.Sum64())),
	}, unsignedPayload)
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Thumbnail implements dossier.Thumbnails.
func (s *S3) Thumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) ([]byte, error) {
	const doing = "read thumbnail"
	if ctx.Err() != nil {
		return nil, unavailable(ctx, doing, nil)
	}
	r, err := s.get(ctx, doing, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(dossier.ThumbnailKey(person, file))})
	if err != nil {
		return nil, err
	}
	defer r.Close() // only read from
	return readThumbnail(ctx, doing, r)
}

// DeleteThumbnail implements dossier.Thumbnails.
func (s *S3) DeleteThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return s.delete(ctx, "delete thumbnail", dossier.ThumbnailKey(person, file))
}

// Thumbnails implements dossier.Thumbnails. What has another key was put there by somebody's hand, and is left.
func (s *S3) Thumbnails(ctx context.Context, after string) iter.Seq2[dossier.ThumbnailOf, error] {
	return func(yield func(dossier.ThumbnailOf, error) bool) {
		for o, err := range s.List(ctx, dossier.ThumbnailPrefix, after) {
			if err != nil {
				yield(dossier.ThumbnailOf{}, err)
				return
			}
			if t, err := dossier.ParseThumbnailKey(o.Key); err == nil && !yield(t, nil) {
				return
			}
		}
	}
}
