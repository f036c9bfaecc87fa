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
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dossier "dossier.example/app"
)

// A person's counter is an item of the person's partition. Reserve and Release add to it by one conditional write each,
// so any number of them at once need neither a look before nor a second try.
//
// An addition that is made twice is a fault, and one below what is there breaks the quota. So these two are not sent
// again when their answer is lost, as the SDK would: the item is looked at, and its writer shows whether the write
// took effect. Where somebody else has written since, nobody knows; then the call fails, and the counter may be too
// high.

// once makes a request be sent again only where the server refused it unseen, because of too many others.
func once(o *dynamodb.Options) { o.Retryer = unseenOnly{o.Retryer} }

type unseenOnly struct{ aws.Retryer }

var throttled = retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}

func (unseenOnly) IsErrorRetryable(err error) bool {
	return throttled.IsErrorRetryable(err) == aws.TrueTernary
}

// Reserve implements dossier.Counters.
func (d *DynamoDB) Reserve(ctx context.Context, person dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	room := dossier.Quota{Files: most.Files - add.Files, Bytes: most.Bytes - add.Bytes}
	if room.Files < 0 || room.Bytes < 0 {
		return dossier.Usage{}, errQuota
	}
	i, err := d.count(ctx, "count a person's files", person, add, at, expression.Or(absent,
		expression.Name("files").LessThanEqual(expression.Value(room.Files)).
			And(expression.Name("bytes").LessThanEqual(expression.Value(room.Bytes)))))
	if errors.Is(err, errCondition) {
		return dossier.Usage{}, errQuota
	}
	if err != nil {
		return dossier.Usage{}, err
	}
	return i.usage(person)
}

// Release implements dossier.Counters.
func (d *DynamoDB) Release(ctx context.Context, person dossier.PersonID, off dossier.Quota, epoch string,
	at time.Time) error {
	const doing = "uncount a person's files"
	if epoch == "" {
		return nil // there was no counter
	}
	i, err := d.count(ctx, doing, person, dossier.Quota{Files: -off.Files, Bytes: -off.Bytes}, at,
		expression.Name("epoch").Equal(expression.Value(epoch)).
			And(expression.Name("files").GreaterThanEqual(expression.Value(off.Files))).
			And(expression.Name("bytes").GreaterThanEqual(expression.Value(off.Bytes))))
	if errors.Is(err, errCondition) {
		return nil
	}
	if err != nil {
		return err
	}
	if u, err := i.usage(person); err != nil || u.Quota != (dossier.Quota{}) {
		return err
	}
	err = d.remove(ctx, doing, person.String(), usageKey,
		expression.Name("files").Equal(expression.Value(0)).And(expression.Name("bytes").Equal(expression.Value(0))))
	if errors.Is(err, errCondition) {
		return nil
	}
	return err
}

// count adds to a counter, once at most, and returns it; errCondition.
func (d *DynamoDB) count(ctx context.Context, doing string, person dossier.PersonID, add dossier.Quota, at time.Time,
	condition expression.ConditionBuilder) (*item, error) {
	writer := rand.Text()
	change := expression.
		Add(expression.Name("files"), expression.Value(add.Files)).
		Add(expression.Name("bytes"), expression.Value(add.Bytes)).
		Set(expression.Name("epoch"), expression.IfNotExists(expression.Name("epoch"), expression.Value(rand.Text()))).
		Set(expression.Name("writer"), expression.Value(writer)).
		Set(expression.Name("updated_at"), expression.Value(at.UnixMicro()))
	i, err := d.update(ctx, doing, person.String(), usageKey, change, condition, once)
	if err == nil || !errors.Is(err, dossier.ErrUnavailable) {
		return i, err
	}
	if found, look := d.get(ctx, doing, person.String(), usageKey); look == nil && found != nil &&
		found.Writer == writer {
		return found, nil
	}
	return nil, err
}

// Usage implements dossier.Counters.
func (d *DynamoDB) Usage(ctx context.Context, person dossier.PersonID) (dossier.Usage, error) {
	i, err := d.get(ctx, "read what a person has", person.String(), usageKey)
	if err != nil {
		return dossier.Usage{}, err
	}
	return i.usage(person)
}

// usage reads a counter; nil is that of a person that has none.
func (i *item) usage(person dossier.PersonID) (dossier.Usage, error) {
	u := dossier.Usage{Person: person}
	if i == nil {
		return u, nil
	}
	if i.Files == nil || i.Bytes == nil || i.UpdatedAt == nil || i.Epoch == "" || i.Writer == "" {
		return u, fmt.Errorf("read what person %s has: an attribute is missing", person)
	}
	u.Files, u.Bytes, u.Epoch, u.Revision, u.UpdatedAt = *i.Files, *i.Bytes, i.Epoch, i.Writer, instant(*i.UpdatedAt)
	return u, nil
}

// Recount implements dossier.Counters. It may be sent again: what it writes is the same, on condition that nobody else
// wrote.
func (d *DynamoDB) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	const doing = "count a person's files anew"
	person, unchanged := seen.Person.String(), absent
	if seen.Revision != "" {
		unchanged = expression.Name("writer").Equal(expression.Value(seen.Revision))
	}
	wanted := item{
		Person: person, File: usageKey, Files: &to.Files, Bytes: &to.Bytes, Epoch: rand.Text(), Writer: rand.Text(),
		UpdatedAt: aws.Int64(at.UnixMicro()),
	}
	var err error
	if to != (dossier.Quota{}) {
		err = d.put(ctx, doing, wanted, unchanged)
	} else {
		err = d.remove(ctx, doing, person, usageKey, unchanged)
	}
	if !errors.Is(err, errCondition) {
		return err
	}
	found, err := d.get(ctx, doing, person, usageKey)
	switch {
	case err != nil:
		return err
	case found == nil && to == (dossier.Quota{}), found != nil && found.Writer == wanted.Writer:
		return nil
	}
	return errLost
}

// Miscounted implements dossier.Counters. It scans the table once. Where the items of one person were not together, the
// person would be among them, so it does not depend on that.
func (d *DynamoDB) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	what := expression.NewBuilder().WithProjection(expression.NamesList(
		expression.Name("person_id"), expression.Name("file_id"), expression.Name("size"),
		expression.Name("upload_size"),
		expression.Name("files"), expression.Name("bytes")))
	return func(yield func(dossier.PersonID, error) bool) {
		var person string
		var excess dossier.Quota // of the counter over the records
		// last hands on the person whose items are behind.
		last := func() bool {
			if excess == (dossier.Quota{}) {
				return true
			}
			excess = dossier.Quota{}
			id, err := dossier.ParsePersonID(person)
			if err != nil {
				err = errors.New("look for miscounted persons: the person's id is not a UUIDv7")
			}
			return yield(id, err) && err == nil
		}
		for i, err := range d.scan(ctx, "look for miscounted persons", what) {
			if err != nil {
				yield(dossier.PersonID{}, err)
				return
			}
			if i.Person != person {
				if !last() {
					return
				}
				person = i.Person
			}
			switch {
			case i.File == usageKey:
				excess.Files, excess.Bytes = excess.Files+aws.ToInt64(i.Files), excess.Bytes+aws.ToInt64(i.Bytes)
			case strings.HasPrefix(i.File, besides): // counts nothing
			default: // a record; what it counts is dossier.File.Counted
				excess.Files--
				if i.UploadSize != nil {
					excess.Bytes -= *i.UploadSize
				} else {
					excess.Bytes -= aws.ToInt64(i.Size)
				}
			}
		}
		last()
	}
}
