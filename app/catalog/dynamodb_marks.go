package catalog

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dossier "dossier.example/app"
)

// The marks of stored records: what is damaged, what scanners for malware found, and what is in the trash. They share
// the one attribute of the index, so each is written on condition that the others are still as they were read. A former
// release knows no trash, and may take a record out of the place that it has in the index; SetTrash puts it back.

// damagedBucket is in place of a state in the index's hash key of a stored record that has a damage. Of one in whose
// scan state there is something to do, it is that state.
const damagedBucket = "damaged"

// trashedBucket is that of a record in the trash, whatever else is known of it.
const trashedBucket = "trashed"

// indexed adds to a change of a stored record where it stands in the index, if it does.
func indexed(change expression.UpdateBuilder, file, damage string,
	scan dossier.ScanState, trashed bool) expression.UpdateBuilder {
	place := ""
	switch {
	case trashed:
		place = trashedBucket
	case scan == dossier.ScanInfected:
		place = string(scan)
	case damage != "":
		place = damagedBucket
	case scan == dossier.ScanWaiting, scan == dossier.ScanFailed:
		place = string(scan)
	}
	id, err := dossier.ParseFileID(file)
	if place == "" || err != nil { // parse refuses such a record
		return change.Remove(expression.Name("unfinished"))
	}
	return change.Set(expression.Name("unfinished"), expression.Value(bucket(dossier.FileState(place), shard(id))))
}

// inTrash reports whether a record stands in the index among those in the trash.
func (i *item) inTrash() bool {
	id, err := dossier.ParseFileID(i.File)
	return err == nil && i.Unfinished == bucket(trashedBucket, shard(id))
}

// unchanged holds for a record whose attribute is still that: empty for absent.
func unchanged(name, value string) expression.ConditionBuilder {
	if value == "" {
		return expression.AttributeNotExists(expression.Name(name))
	}
	return expression.Name(name).Equal(expression.Value(value))
}

// SetDamage implements dossier.Catalog.
func (d *DynamoDB) SetDamage(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	damage *dossier.Damage) error {
	const doing = "mark a file's damage"
	for range commitTries {
		own, err := d.get(ctx, doing, person.String(), file.String())
		switch {
		case err != nil:
			return err
		case own == nil || own.State != dossier.FileStored:
			return errLost
		}
		kind := ""
		change := expression.Remove(expression.Name("damage")).Remove(expression.Name("damaged_at"))
		if damage != nil {
			kind = string(damage.Kind)
			change = expression.Set(expression.Name("damage"), expression.Value(kind)).
				Set(expression.Name("damaged_at"), expression.Value(damage.FoundAt.UnixMicro()))
		}
		_, err = d.update(ctx, doing, own.Person, own.File,
			indexed(change, own.File, kind, own.Scan, own.TrashedAt != nil),
			inState(dossier.FileStored).And(unchanged("scan_revision", own.ScanRevision)).And(sameTrash(own.TrashedAt)))
		if !errors.Is(err, errCondition) {
			return err
		}
	}
	return dossier.Unavailable(ctx, doing, errContended)
}

// Damaged implements dossier.Catalog.
func (d *DynamoDB) Damaged(ctx context.Context) iter.Seq2[dossier.File, error] {
	return d.indexedAs(ctx, "list the damaged files", damagedBucket,
		func(f dossier.File) bool { return f.Damage != nil && f.Trash == (dossier.Trash{}) })
}

// sameTrash holds for a record that is in the trash since that time, or with nil is not there.
func sameTrash(since *int64) expression.ConditionBuilder {
	if since == nil {
		return expression.AttributeNotExists(expression.Name("trashed_at"))
	}
	return expression.Name("trashed_at").Equal(expression.Value(*since))
}

// SetTrash implements dossier.Catalog.
func (d *DynamoDB) SetTrash(ctx context.Context, person dossier.PersonID, file dossier.FileID, since time.Time,
	t dossier.Trash) error {
	const doing = "move a file to or from the trash"
	for range commitTries {
		own, err := d.get(ctx, doing, person.String(), file.String())
		if err != nil {
			return err
		}
		trashed := !t.At.IsZero()
		switch {
		case own == nil, own.State != dossier.FileStored:
			return errLost
		case trashed && own.TrashedAt != nil && *own.TrashedAt == t.At.UnixMicro() && own.TrashedBy == t.By &&
			since.IsZero():
			return nil // this very write, whose answer was lost before the SDK sent it again
		case aws.ToInt64(own.TrashedAt) != micros(since):
			return errLost
		case trashed && aws.ToInt64(own.TrashedAt) == t.At.UnixMicro() && own.TrashedBy == t.By && own.inTrash():
			return nil
		}
		change := expression.Remove(expression.Name("trashed_at")).Remove(expression.Name("trashed_by"))
		if trashed {
			change = expression.Set(expression.Name("trashed_at"), expression.Value(t.At.UnixMicro())).
				Set(expression.Name("trashed_by"), expression.Value(t.By))
		}
		_, err = d.update(ctx, doing, own.Person, own.File, indexed(change, own.File, own.Damage, own.Scan, trashed),
			inState(dossier.FileStored).And(unchanged("scan_revision", own.ScanRevision)).
				And(unchanged("damage", own.Damage)).And(sameTrash(own.TrashedAt)))
		if !errors.Is(err, errCondition) {
			return err
		}
	}
	return dossier.Unavailable(ctx, doing, errContended)
}

// MarkTrashed implements dossier.Catalog.
func (d *DynamoDB) MarkTrashed(ctx context.Context, person dossier.PersonID, file dossier.FileID, since,
	at time.Time) error {
	const doing = "mark a file in the trash for deletion"
	was := since.UnixMicro()
	_, err := d.update(ctx, doing, person.String(), file.String(), deleting(file, at),
		inState(dossier.FileStored).And(sameTrash(&was)))
	if !errors.Is(err, errCondition) {
		return err
	}
	// It may be this very write, whose answer was lost before the SDK sent it again.
	found, err := d.get(ctx, doing, person.String(), file.String())
	switch {
	case err != nil:
		return err
	case found != nil && found.State == dossier.FileDeleting && found.UpdatedAt != nil &&
		*found.UpdatedAt == at.UnixMicro():
		return nil
	}
	return errLost
}

// TrashedFiles implements dossier.Catalog.
func (d *DynamoDB) TrashedFiles(ctx context.Context) iter.Seq2[dossier.File, error] {
	return d.indexedAs(ctx, "list the files in the trash", trashedBucket,
		func(f dossier.File) bool { return f.Trash != (dossier.Trash{}) })
}

// SetScan implements dossier.Catalog.
func (d *DynamoDB) SetScan(ctx context.Context, person dossier.PersonID, file dossier.FileID, revision string,
	scan dossier.Scan) (dossier.Scan, error) {
	const doing = "note the scan of a file"
	scan.Revision = rand.Text()
	for range commitTries {
		own, err := d.get(ctx, doing, person.String(), file.String())
		switch {
		case err != nil:
			return dossier.Scan{}, err
		case own != nil && own.State == dossier.FileStored && own.ScanRevision == scan.Revision:
			return scan, nil // this very write, whose answer was lost before the SDK sent it again
		case own == nil || own.State != dossier.FileStored || own.ScanRevision != revision:
			return dossier.Scan{}, errLost
		}
		change := expression.Set(expression.Name("scan"), expression.Value(string(scan.State))).
			Set(expression.Name("scan_detail"), expression.Value(scan.Detail)).
			Set(expression.Name("scan_at"), expression.Value(micros(scan.At))).
			Set(expression.Name("scan_tries"), expression.Value(scan.Tries)).
			Set(expression.Name("scan_until"), expression.Value(micros(scan.Until))).
			Set(expression.Name("scan_revision"), expression.Value(scan.Revision))
		_, err = d.update(ctx, doing, own.Person, own.File,
			indexed(change, own.File, own.Damage, scan.State, own.TrashedAt != nil),
			inState(dossier.FileStored).And(unchanged("scan_revision", revision)).
				And(unchanged("damage", own.Damage)).And(sameTrash(own.TrashedAt)))
		if !errors.Is(err, errCondition) {
			if err != nil {
				return dossier.Scan{}, err
			}
			return scan, nil
		}
	}
	return dossier.Scan{}, dossier.Unavailable(ctx, doing, errContended)
}

// Scans implements dossier.Catalog.
func (d *DynamoDB) Scans(ctx context.Context, state dossier.ScanState) iter.Seq2[dossier.File, error] {
	return d.indexedAs(ctx, "list the files by what scanners found", string(state), func(f dossier.File) bool {
		return f.ScanState() == state && f.Trash == (dossier.Trash{}) &&
			(f.Damage == nil || state == dossier.ScanInfected)
	})
}

// indexedAs yields the stored records that stand in the index at a place, and belong there: the index may be behind.
func (d *DynamoDB) indexedAs(ctx context.Context, doing, place string,
	belongs func(dossier.File) bool) iter.Seq2[dossier.File, error] {
	return func(yield func(dossier.File, error) bool) {
		for shard := range shards {
			keys := expression.Key("unfinished").Equal(expression.Value(bucket(dossier.FileState(place), shard)))
			in := &dynamodb.QueryInput{IndexName: aws.String(unfinishedIndex), Limit: &d.page}
			there := func(f dossier.File, err error) bool {
				return err == nil && !(f.State == dossier.FileStored && belongs(f)) || yield(f, err)
			}
			if !yieldFiles(d.query(ctx, doing, in, keys), there) {
				return
			}
		}
	}
}
