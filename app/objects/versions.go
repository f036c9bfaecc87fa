package objects

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	dossier "dossier.example/app"
)

var (
	_ dossier.Versions = (*Directory)(nil)
	_ dossier.Versions = (*S3)(nil)
)

// Revive implements dossier.Versions: a folder keeps no versions.
func (d *Directory) Revive(context.Context, string, dossier.Held) error {
	return fmt.Errorf("revive object: %w", errors.ErrUnsupported)
}

// copyPart is the size of the parts in which a large version is copied: S3 copies up to 5 GiB by one request
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html), and the time of a request has to do for it.
const copyPart = 256 << 20

// Revive implements dossier.Versions. In a bucket with versioning a deletion leaves a delete marker and what is
// overwritten stays, until the bucket's lifecycle rule expires it. The version is copied over the key, so that what is
// there now becomes a version itself, and nobody needs a right to delete versions. One that was written before the
// bucket had versioning has the id "null" and is copied alike.
func (s *S3) Revive(ctx context.Context, key string, want dossier.Held) error {
	const doing = "revive object"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	version, held, err := s.version(ctx, doing, key, want)
	if err != nil || held {
		return err
	}
	source := url.PathEscape(s.bucket) + "/" + key + "?versionId=" + url.QueryEscape(version)
	if want.Size > s.copyPart {
		return s.copyParts(ctx, doing, key, source, want)
	}
	call, cancel := context.WithTimeout(ctx, 2*completeFactor*s.timeout)
	defer cancel()
	// By REPLACE it has no tags, as everything here, and the role needs no right to read any.
	if _, err := s.client.CopyObject(call, &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: &key, CopySource: &source, TaggingDirective: types.TaggingDirectiveReplace,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	}); err != nil {
		// Another may have been faster, and S3 does not copy what is there to itself; or only the answer was lost.
		if now, statErr := s.Stat(ctx, key); statErr == nil && now == want {
			return nil
		}
		return failed(ctx, doing, err)
	}
	return nil
}

// version returns the newest version of the key that holds what is wanted, or that the key holds it. Listings say no
// checksum, so those of the right size are asked. ErrNotFound; ErrCorrupt.
func (s *S3) version(ctx context.Context, doing, key string, want dossier.Held) (id string, held bool, err error) {
	versions := 0
	// The keys of others begin with this one nowhere, but who knows what somebody else put there.
	pages := s3.NewListObjectVersionsPaginator(s.client, &s3.ListObjectVersionsInput{Bucket: &s.bucket, Prefix: &key})
	for pages.HasMorePages() {
		call, cancel := s.within(ctx)
		page, err := pages.NextPage(call)
		cancel()
		if err != nil {
			return "", false, unavailable(ctx, doing, err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) != key {
				continue
			}
			versions++
			if aws.ToInt64(v.Size) != want.Size {
				continue
			}
			id, latest := v.VersionId, aws.ToBool(v.IsLatest)
			if latest {
				id = nil
			}
			switch is, err := s.versionIs(ctx, doing, key, id, want); {
			case err != nil:
				return "", false, err
			case is:
				return aws.ToString(v.VersionId), latest, nil
			}
		}
	}
	if versions == 0 {
		return "", false, fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound})
	}
	return "", false, fmt.Errorf("%s: %w", doing, corrupt("none of its %d versions is the file", versions))
}

// versionIs reports whether a version (nil: the latest) holds what is wanted. One that was expired meanwhile does not,
// nor does one without a checksum of the whole: another program wrote it.
func (s *S3) versionIs(ctx context.Context, doing, key string, version *string, want dossier.Held) (bool, error) {
	call, cancel := s.within(ctx)
	defer cancel()
	out, err := s.client.HeadObject(call, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, VersionId: version,
		ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		if err = failed(ctx, doing, err); errors.Is(err, dossier.ErrNotFound) {
			return false, nil
		}
		return false, err
	}
	return aws.ToInt64(out.ContentLength) == want.Size &&
		aws.ToString(ofWhole(out.ChecksumCRC64NVME, out.ChecksumType)) == encodeCRC64(want.CRC64), nil
}

// copyParts copies a version in parts. S3 compares the whole with what is wanted before it makes it visible.
func (s *S3) copyParts(ctx context.Context, doing, key, source string, want dossier.Held) (err error) {
	id, err := s.Start(ctx, key)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cleanupTime())
			defer cancel()
			// What stays goes with Unfinished and Drop, as any other.
			_ = s.Drop(clean, key, id)
		}
	}()
	size := max(s.copyPart, (want.Size+dossier.MaxParts-1)/dossier.MaxParts)
	var parts []types.CompletedPart
	for from := int64(0); from < want.Size; from += size {
		part, err := s.copyOne(ctx, doing, key, id, source, int32(len(parts)+1), from, min(from+size, want.Size)-1)
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	call, cancel := context.WithTimeout(ctx, 2*completeFactor*s.timeout)
	defer cancel()
	if _, err := s.client.CompleteMultipartUpload(call, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		MpuObjectSize: &want.Size, ChecksumType: types.ChecksumTypeFullObject,
		ChecksumCRC64NVME: aws.String(encodeCRC64(want.CRC64)),
	}); err != nil {
		return uploadFailed(ctx, doing, err)
	}
	return nil
}

// copyOne copies the bytes first to last of a version into a part.
func (s *S3) copyOne(ctx context.Context, doing, key, id, source string, number int32,
	first, last int64) (types.CompletedPart, error) {
	call, cancel := context.WithTimeout(ctx, 2*completeFactor*s.timeout)
	defer cancel()
	out, err := s.client.UploadPartCopy(call, &s3.UploadPartCopyInput{
		Bucket: &s.bucket, Key: &key, UploadId: &id, PartNumber: &number,
		CopySource: &source, CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, last)),
	})
	if err != nil {
		return types.CompletedPart{}, uploadFailed(ctx, doing, err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag,
		ChecksumCRC64NVME: out.CopyPartResult.ChecksumCRC64NVME}, nil
}
