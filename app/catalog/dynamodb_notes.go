package catalog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	dossier "dossier.example/app"
)

const (
	// notesPerson is the partition of the notes. It is a UUIDv7 of nobody, for releases that know no notes and read
	// each partition key as a person's.
	notesPerson = "00000000-0000-7000-8000-000000000000"
	noteKey     = besides + "note#"
	// ownerlessKey begins the sort key of what was seen without an owner, in the partition of its person.
	ownerlessKey = besides + "ownerless#"
)

// Note implements dossier.Notes.
func (d *DynamoDB) Note(ctx context.Context, name string) (dossier.Note, error) {
	i, err := d.get(ctx, "read a note", notesPerson, noteKey+name)
	if err != nil || i == nil {
		return dossier.Note{}, err
	}
	return dossier.Note{Value: i.Value, Revision: i.Writer}, nil
}

// SetNote implements dossier.Notes.
func (d *DynamoDB) SetNote(ctx context.Context, name, revision string, value []byte) (dossier.Note, error) {
	const doing = "write a note"
	wanted := item{Person: notesPerson, File: noteKey + name, Value: value, Writer: rand.Text()}
	unchanged := absent
	if revision != "" {
		unchanged = expression.Name("writer").Equal(expression.Value(revision))
	}
	noted := dossier.Note{Value: value, Revision: wanted.Writer}
	err := d.put(ctx, doing, wanted, unchanged)
	if !errors.Is(err, errCondition) {
		return noted, err
	}
	// This very write may have taken effect, its answer lost, before the SDK sent it again.
	found, err := d.get(ctx, doing, wanted.Person, wanted.File)
	switch {
	case err != nil:
		return dossier.Note{}, err
	case found != nil && found.Writer == wanted.Writer:
		return noted, nil
	}
	return dossier.Note{}, errLost
}

// SeeOwnerless implements dossier.Notes.
func (d *DynamoDB) SeeOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (time.Time, error) {
	const doing = "note what has no owner"
	wanted := item{Person: person.String(), File: ownerlessKey + file.String(), CreatedAt: aws.Int64(at.UnixMicro())}
	// Read first: a write that finds one there costs as much as one that does not.
	for range 3 {
		found, err := d.get(ctx, doing, wanted.Person, wanted.File)
		if err != nil {
			return time.Time{}, err
		}
		if found != nil {
			return instant(aws.ToInt64(found.CreatedAt)), nil
		}
		err = d.put(ctx, doing, wanted, absent)
		if !errors.Is(err, errCondition) {
			return instant(at.UnixMicro()), err
		}
	}
	return time.Time{}, dossier.Unavailable(ctx, doing, errContended)
}

// ForgetOwnerless implements dossier.Notes.
func (d *DynamoDB) ForgetOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	err := d.remove(ctx, "forget what had no owner", person.String(), ownerlessKey+file.String(),
		expression.AttributeExists(expression.Name("person_id")))
	if errors.Is(err, errCondition) {
		return nil
	}
	return err
}

// Ownerless implements dossier.Notes. It scans the table once.
func (d *DynamoDB) Ownerless(ctx context.Context) iter.Seq2[dossier.Ownerless, error] {
	const doing = "list what has no owner"
	marks := expression.NewBuilder().WithFilter(expression.Name("file_id").BeginsWith(ownerlessKey))
	return func(yield func(dossier.Ownerless, error) bool) {
		for i, err := range d.scan(ctx, doing, marks) {
			var o dossier.Ownerless
			if err == nil {
				o.Since = instant(aws.ToInt64(i.CreatedAt))
				if o.Person, o.File, err = parseKey(i.Person, strings.TrimPrefix(i.File, ownerlessKey)); err != nil {
					err = fmt.Errorf("%s: %w", doing, err)
				}
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}
