package prove

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/infra/internal/refusal"
)

var pointDrill = drill{
	name: "point",
	does: "Restores the table as it was a quarter of an hour ago to a new table, looks in the bucket for the " +
		"bytes of its files, and deletes it.",
	costs: "0.15 $ for each GB of the table", takes: "ten minutes to half an hour",
	changes: true, limit: time.Hour,
	says: "Records and bytes can be restored to one point: for each stored file, the bucket has the object or a " +
		"version of it.",
	mend: "see dossier reconcile --at in docs/restore.md; what it cannot find has to be sent again",
	run:  pointInTime,
}

const (
	// back is how far the drill goes back: DynamoDB restores up to five minutes ago.
	back = 15 * time.Minute
	// pointFiles bounds how many files are looked for.
	pointFiles = 1000
)

func pointInTime(ctx context.Context, d *drilling) (answer, error) {
	source, err := d.look.findTable(ctx)
	if err != nil {
		return answer{}, err
	}
	bucket, err := d.look.value(ctx, "bucket")
	if err != nil {
		return answer{}, err
	}
	at := d.started.Add(-back).UTC()
	earliest, err := d.earliest(ctx, aws.ToString(source.TableName))
	if err != nil {
		return answer{}, err
	}
	if at.Before(earliest) {
		return skip(fmt.Sprintf("the table can be restored from %s on only: it is too new",
			earliest.Format(time.RFC3339)))
	}
	table, err := d.restoreTableTo(ctx, aws.ToString(source.TableName), "-drill-"+at.Format("20060102150405"), &at)
	if err != nil {
		return answer{}, err
	}
	files, err := d.storedFiles(ctx, table)
	if err != nil {
		return answer{}, err
	}
	there := 0
	for _, f := range files {
		has, err := d.has(ctx, bucket, f)
		if err != nil {
			return answer{}, err
		}
		if has {
			there++
		} else {
			d.progress("no version of %s is what its record says", f.key)
		}
	}
	of := fmt.Sprintf(" of %d files that were stored at %s", len(files), at.Format(time.RFC3339))
	return equal(fmt.Sprintf("the bucket has the bytes of %d", there)+of,
		fmt.Sprintf("the bucket has the bytes of %d", len(files))+of)
}

// earliest is the first time that a table can be restored to.
func (d *drilling) earliest(ctx context.Context, table string) (time.Time, error) {
	out, err := d.look.dynamo.DescribeContinuousBackups(ctx,
		&dynamodb.DescribeContinuousBackupsInput{TableName: &table})
	if err != nil {
		return time.Time{}, err
	}
	backups := out.ContinuousBackupsDescription
	if backups == nil || backups.PointInTimeRecoveryDescription == nil ||
		backups.PointInTimeRecoveryDescription.EarliestRestorableDateTime == nil {
		return time.Time{}, fmt.Errorf("the table %s has no point-in-time recovery", table)
	}
	return *backups.PointInTimeRecoveryDescription.EarliestRestorableDateTime, nil
}

// storedFile is what a record says of its object.
type storedFile struct {
	key  string
	size int64
	// checksum is the CRC-64/NVME as S3 writes it.
	checksum string
}

// storedFiles reads the records of stored files, as the app keeps them, up to pointFiles of them.
func (d *drilling) storedFiles(ctx context.Context, table string) (list []storedFile, err error) {
	pages := dynamodb.NewScanPaginator(d.look.dynamo, &dynamodb.ScanInput{
		TableName: &table, ProjectionExpression: aws.String("object_key, #size, crc64"),
		FilterExpression:         aws.String("#state = :stored"),
		ExpressionAttributeNames: map[string]string{"#size": "size", "#state": "state"},
		ExpressionAttributeValues: map[string]tabletypes.AttributeValue{
			":stored": &tabletypes.AttributeValueMemberS{Value: "stored"},
		},
	})
	for read := 0; pages.HasMorePages() && read < countPages && len(list) < pointFiles; read++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the records of %s: %w", table, err)
		}
		for _, item := range page.Items {
			f, err := parseStored(item)
			if err != nil {
				return nil, err
			}
			if list = append(list, f); len(list) == pointFiles {
				break
			}
		}
	}
	return list, nil
}

func parseStored(item map[string]tabletypes.AttributeValue) (f storedFile, err error) {
	key, _ := item["object_key"].(*tabletypes.AttributeValueMemberS)
	size, _ := item["size"].(*tabletypes.AttributeValueMemberN)
	sum, _ := item["crc64"].(*tabletypes.AttributeValueMemberS)
	if key == nil || size == nil || sum == nil {
		return storedFile{},
			fmt.Errorf("a record of a stored file lacks its key, its size or its checksum: %d attributes",
				len(item))
	}
	raw, err := hex.DecodeString(sum.Value)
	if err == nil {
		f = storedFile{key: key.Value, checksum: base64.StdEncoding.EncodeToString(raw)}
		f.size, err = strconv.ParseInt(size.Value, 10, 64)
	}
	if err != nil {
		return storedFile{}, fmt.Errorf("the record of %s: %w", key.Value, err)
	}
	return f, nil
}

// has reports whether the bucket has a version of a file's key with its size and checksum, the latest or an old one.
func (d *drilling) has(ctx context.Context, bucket string, f storedFile) (bool, error) {
	pages := s3.NewListObjectVersionsPaginator(d.look.s3, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &f.key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("listing the versions of %s: %w", f.key, err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) != f.key || aws.ToInt64(v.Size) != f.size {
				continue
			}
			out, err := d.look.s3.HeadObject(ctx,
				&s3.HeadObjectInput{Bucket: &bucket, Key: &f.key, VersionId: v.VersionId,
					ChecksumMode: s3types.ChecksumModeEnabled})
			switch {
			case refusal.Absent(err): // expired or deleted meanwhile
			case err != nil:
				return false, fmt.Errorf("looking at a version of %s: %w", f.key, err)
			case aws.ToString(out.ChecksumCRC64NVME) == f.checksum:
				return true, nil
			}
		}
	}
	return false, nil
}
