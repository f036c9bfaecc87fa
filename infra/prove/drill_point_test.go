package prove_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/prove"
)

// pointing lets the world restore a table, from the earliest time on, that has these files, of which the bucket has
// versions: by key, the checksum of each, in hexadecimal digits as the app's records have them.
func (w *world) pointing(earliest time.Time, records map[string]string,
	versions map[string][]string) (there map[string]bool) {
	there = w.restoring(0)
	awsfake.On(w.Cloud, func(context.Context,
		*dynamodb.DescribeContinuousBackupsInput) (*dynamodb.DescribeContinuousBackupsOutput, error) {
		return &dynamodb.DescribeContinuousBackupsOutput{
			ContinuousBackupsDescription: &tabletypes.ContinuousBackupsDescription{
				PointInTimeRecoveryDescription: &tabletypes.PointInTimeRecoveryDescription{
					EarliestRestorableDateTime: aws.Time(earliest),
				},
			},
		}, nil
	})
	awsfake.On(w.Cloud, func(_ context.Context, in *dynamodb.ScanInput) (*dynamodb.ScanOutput, error) {
		if !there[*in.TableName] {
			w.t.Errorf("reads %s, which is not the restored table", *in.TableName)
		}
		out := &dynamodb.ScanOutput{}
		for key, sum := range records {
			out.Items = append(out.Items, map[string]tabletypes.AttributeValue{
				"object_key": &tabletypes.AttributeValueMemberS{Value: key},
				"size":       &tabletypes.AttributeValueMemberN{Value: "1000"},
				"crc64":      &tabletypes.AttributeValueMemberS{Value: sum},
			})
		}
		return out, nil
	})
	awsfake.On(w.Cloud, func(_ context.Context, in *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
		if *in.Bucket != files {
			w.t.Errorf("looks into %s", *in.Bucket)
		}
		out := &s3.ListObjectVersionsOutput{}
		for _, sum := range versions[*in.Prefix] {
			out.Versions = append(out.Versions, s3types.ObjectVersion{Key: in.Prefix, VersionId: aws.String(sum),
				Size: aws.Int64(1000)})
		}
		return out, nil
	})
	awsfake.On(w.Cloud, func(_ context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
		raw, err := hex.DecodeString(*in.VersionId)
		if err != nil {
			return nil, awsfake.Refuse("NotFound", "expired meanwhile")
		}
		return &s3.HeadObjectOutput{ChecksumCRC64NVME: aws.String(base64.StdEncoding.EncodeToString(raw))}, nil
	})
	return there
}

func TestPoint(t *testing.T) {
	const one, two, three = "0011223344556677", "8899aabbccddeeff", "0123456789abcdef"
	records := map[string]string{"files/a/1": one, "files/a/2": two}
	for name, c := range map[string]struct {
		versions map[string][]string
		age      time.Duration
		result   string
		seen     string
	}{
		"all there": {map[string][]string{"files/a/1": {one}, "files/a/2": {three, "expired", two}}, time.Hour, prove.Proven,
			"the bytes of 2 of 2 files"},
		"other bytes": {map[string][]string{"files/a/1": {one}, "files/a/2": {three}}, time.Hour, prove.Wrong,
			"the bytes of 1 of 2 files"},
		"gone":    {map[string][]string{"files/a/1": {one}}, time.Hour, prove.Wrong, "the bytes of 1 of 2 files"},
		"too new": {nil, time.Minute, prove.Skipped, "it is too new"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := deployed(t, "dev")
				w.now = time.Now()
				there := w.pointing(w.now.Add(-c.age), records, c.versions)
				got, points := w.drilled(t.Context(), nil, "point")
				expectDrill(t, points, c.result, c.seen)
				if len(there) > 0 {
					t.Errorf("left: %v", there)
				}
				want := []string{"RestoreTableToPointInTime", "DeleteTable"}
				if c.result == prove.Skipped {
					want = nil
				}
				if !slices.Equal(w.changes(), want) {
					t.Errorf("it changed %q, want %q\n%s", w.changes(), want, got.stderr)
				}
			})
		})
	}
}
