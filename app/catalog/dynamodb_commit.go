package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dossier "dossier.example/app"
)

// How a path (folder and name) and a content are stored once within a person, with conditional writes of single items
// only.
//
// Each pair of path and content has a claim: an item in the person's partition whose sort key is a hash of the pair
// (claimKey). It holds (owner, revision): the file that the pair belongs to, and the revision of that file's record. A
// record's revision is counted up by every Describe, so it stands for one content; and a record goes uploading, stored,
// deleting, absent, never back, because ids are never used twice.
//
// A claim (F, r) is dead when F is absent, or deleting, or stored with another content, or uploading at another
// revision than r. Dead is for ever. (An id that a sender made up may be used again after its file is gone. That
// changes nothing: revisions begin at the time of creation, so they are others.) The rules are:
//
//	A. A claim is written only where there is none, over one of the same owner that is not of a later revision, or
//	   over one that was seen to be dead, on condition that it is still the very same (owner, revision).
//	B. A record becomes stored only by a write on condition that it is uploading at revision r, after the claim (F, r)
//	   was seen or written.
//	C. A claim is deleted only when its owner is deleting or absent, on condition that it still has that owner.
//
// Hence: when F becomes stored at r, its claim is (F, r) at that moment. It was, when seen (B). Had it been overwritten
// since by another owner, (F, r) was dead (A), and by a later revision of F, F had moved on; had it been deleted, F was
// deleting or absent (C): in each case the write fails its condition. And as long as F is stored, (F, r) is not dead
// and has no later revision, so it stays. Two stored records of one pair would need one claim to be two things: there
// is at most one. No step of this assumes that a writer is alive, or soon done: one that wakes up in the middle, hours
// later, finds a condition that fails.
//
// Anybody who meets a claim that is not dead and whose owner is still uploading stores the owner's record himself and
// answers with it: nobody waits for somebody else. A dead claim is taken over. So a claim that was left behind is never
// an answer and stands in nobody's way.
//
// What is left behind, and who clears it: a claim whose owner lives goes with its owner, in Remove. Remove deletes
// claims first and the record last, so a Remove that died half-way is found again by its record, and is repeated. The
// other order would leave claims that nothing leads to. Only a Commit that wrote its claim behind Remove's back and
// died before it released it leaves one whose owner is gone; Remove of any file of the person clears those too.
//
// Claims have no time to live: one that vanished under a stored record would let the same be stored twice. Taking the
// attribute away after the record is stored would leave just that when the process dies in between; before, it protects
// nothing.

// commitTries bounds how often Commit starts anew. It does so only when somebody else has changed the record or the
// claim between two of its requests, which means that somebody got on.
const commitTries = 64

// claimKey returns the sort key of the claim for a path and content. A NUL cannot be in a path, and the rest has a
// fixed length, so no two pairs have the same input. A path without a folder is a name, whose key a release without
// folders makes as well. It is hashed to be short and to carry no name.
func (i *item) claimKey() string {
	h := sha256.New()
	h.Write([]byte(i.Path + "\x00" + i.SHA256))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(*i.Size)))
	return besides + "claim#" + hex.EncodeToString(h.Sum(nil))
}

// behindClaims is greater than every key of a record or a claim, and less than every other: "$" follows "#".
const behindClaims = besides + "claim$"

// described reports whether the content is known.
func (i *item) described() bool { return i.Size != nil }

const committing = "commit a file"

var errContended = errors.New("too many concurrent changes to the same record")

// Commit implements dossier.Catalog.
func (d *DynamoDB) Commit(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (dossier.File, error) {
	own, err := d.get(ctx, committing, person.String(), file.String())
	if err != nil {
		return dossier.File{}, err
	}
	return d.commit(ctx, person, file, own, true, at)
}

// CommitAsPut implements dossier.Catalog. What Put wrote is known, with its revision. If the record is not like that
// any more, the write on which rule B insists fails, and everything is looked at; so it is before the answer is another
// file.
func (d *DynamoDB) CommitAsPut(ctx context.Context, f dossier.File, at time.Time) (dossier.File, error) {
	own := newItem(f)
	return d.commit(ctx, f.Person, f.ID, &own, false, at)
}

// commit is Commit of a record that was seen as own (nil: absent), or is only believed to be like that.
func (d *DynamoDB) commit(ctx context.Context, person dossier.PersonID, file dossier.FileID, own *item, seen bool,
	at time.Time) (dossier.File, error) {
	var claimed []string
	for range commitTries {
		switch {
		case own == nil, own.State == dossier.FileDeleting, own.State == dossier.FileUploading && !own.described():
			if err := d.release(ctx, person.String(), file.String(), claimed); err != nil {
				return dossier.File{}, err
			}
			return dossier.File{}, errLost
		case own.State == dossier.FileStored:
			return own.file()
		case own.Type == "":
			// No claim is written for such a revision, so none is stored by a helper either.
			if err := d.release(ctx, person.String(), file.String(), claimed); err != nil {
				return dossier.File{}, err
			}
			return dossier.File{}, errIncomplete
		}
		switch retired, err := d.retired(ctx, committing, *own, at); {
		case err != nil:
			return dossier.File{}, err
		case retired:
			if err := d.release(ctx, person.String(), file.String(), claimed); err != nil {
				return dossier.File{}, err
			}
			return dossier.File{}, errLost
		}
		stored, err := d.claim(ctx, own, at)
		if err == nil && stored == nil {
			claimed = append(claimed, own.claimKey())
			stored, err = d.store(ctx, own, at)
		}
		another := err == nil && stored.File != own.File && !seen
		if !errors.Is(err, errCondition) && !another {
			return finish(stored, err)
		}
		seen = true
		// Helped, described anew, deleting or gone; or this very write took effect and its answer was lost. The next
		// look tells.
		if own, err = d.get(ctx, committing, person.String(), file.String()); err != nil {
			return dossier.File{}, err
		}
	}
	return dossier.File{}, dossier.Unavailable(ctx, committing, errContended)
}

// How the id of a file that was removed is not used again. A file's key is that of its object, and who is removing a
// file removes whatever lies under the key: so if its sender announced the file once more under the same id, its object
// would go with the old one.
//
// The id is in an item beside the records, because releases that know nothing of it take every other item for a record.
// Remove writes it first, and then removes the record. So whoever removes a file did so before the item was written, or
// meets the record; and a record that was put afterwards is not committed, because Commit looks for the item. Put looks
// as well, so that nobody sends bytes in vain, but a record that it puts may be removed and put again between its two
// requests. A form's files have ids that this program has just drawn, and are not looked for.

func retiredKey(file string) string { return besides + "removed#" + file }

// retire keeps an id from being used again for a while; then time to live removes the item.
func (d *DynamoDB) retire(ctx context.Context, doing, person, file string, at time.Time) error {
	return d.put(ctx, doing, item{Person: person, File: retiredKey(file),
		ExpiresAt: aws.Int64(at.Add(dossier.RemovedFor).Unix() + 1)}, anyway)
}

// anyway holds always.
var anyway = expression.Or(absent, expression.AttributeExists(expression.Name("person_id")))

// retired reports whether a record, of a file whose sender chose the id, is not to be used at that time.
func (d *DynamoDB) retired(ctx context.Context, doing string, i item, at time.Time) (bool, error) {
	if i.UploadID == nil {
		return false, nil
	}
	found, err := d.get(ctx, doing, i.Person, retiredKey(i.File))
	return found != nil && aws.ToInt64(found.ExpiresAt) > at.Unix(), err
}

func finish(stored *item, err error) (dossier.File, error) {
	if err != nil {
		return dossier.File{}, err
	}
	return stored.file()
}

// claim gets the claim for an uploading record. It returns nil when the record has it; another record, stored, when
// that has it; and errCondition when everything has to be looked at anew.
func (d *DynamoDB) claim(ctx context.Context, own *item, at time.Time) (*item, error) {
	wanted := item{Person: own.Person, File: own.claimKey(), Owner: own.File, Revision: own.Revision}
	err := d.put(ctx, committing, wanted, expression.Or(absent,
		ownedBy(own.File).And(expression.Name("revision").LessThanEqual(expression.Value(own.Revision)))))
	if !errors.Is(err, errCondition) {
		return nil, err
	}
	found, err := d.get(ctx, committing, wanted.Person, wanted.File)
	if err != nil {
		return nil, err
	}
	if found == nil || found.Owner == own.File {
		return nil, errCondition
	}
	other, err := d.get(ctx, committing, own.Person, found.Owner)
	if err != nil {
		return nil, err
	}
	if other != nil && other.described() && other.claimKey() == wanted.File {
		switch {
		case other.State == dossier.FileStored:
			return other, nil
		case other.State == dossier.FileUploading && other.Revision == found.Revision:
			return d.store(ctx, other, at)
		}
	}
	return nil, d.put(ctx, committing, wanted,
		ownedBy(found.Owner).And(expression.Name("revision").Equal(expression.Value(found.Revision))))
}

// store moves a record to FileStored if it is uploading and was not described anew since it was read, or put;
// errCondition. A revision stands for one content, so the other condition only guards against a caller of CommitAsPut
// that is wrong about what it put.
func (d *DynamoDB) store(ctx context.Context, i *item, at time.Time) (*item, error) {
	// Its Scan cannot change before it is stored.
	change := indexed(expression.
		Set(expression.Name("state"), expression.Value(dossier.FileStored)).
		Set(expression.Name("updated_at"), expression.Value(at.UnixMicro())).
		Remove(expression.Name("expires_at")), i.File, "", i.Scan, false)
	return d.update(ctx, committing, i.Person, i.File, change,
		inState(dossier.FileUploading).And(expression.Name("revision").Equal(expression.Value(i.Revision))).
			And(expression.Name("sha256").Equal(expression.Value(i.SHA256))))
}

func ownedBy(file string) expression.ConditionBuilder {
	return expression.Name("owner").Equal(expression.Value(file))
}

// release deletes claims of a file that is deleting or absent.
func (d *DynamoDB) release(ctx context.Context, person, file string, claims []string) error {
	for _, claim := range claims {
		if err := d.remove(ctx, "release a claim", person, claim, ownedBy(file)); err != nil &&
			!errors.Is(err, errCondition) {
			return err
		}
	}
	return nil
}

// Remove implements dossier.Catalog.
func (d *DynamoDB) Remove(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (*dossier.File, error) {
	const doing = "remove a file record"
	p, f := person.String(), file.String()
	own, err := d.get(ctx, doing, p, f)
	if err != nil {
		return nil, err
	}
	if own == nil {
		if err := d.retire(ctx, doing, p, f, at); err != nil {
			return nil, err
		}
		// Put since by somebody who did not see that yet.
		if own, err = d.get(ctx, doing, p, f); err != nil || own == nil {
			return nil, err
		}
	}
	if own.State != dossier.FileDeleting {
		return nil, errLost
	}
	removed, err := own.file()
	if err != nil {
		return nil, err
	}
	if err := d.removeClaims(ctx, p, f); err != nil {
		return nil, err
	}
	if err := d.retire(ctx, doing, p, f, at); err != nil {
		return nil, err
	}
	// A record that is deleting can only vanish, so the condition fails for none but the absent: removed by somebody
	// else, or by this very request, whose answer was lost before the SDK sent it again. A request that succeeds is the
	// one that removed it.
	err = d.remove(ctx, doing, p, f, inState(dossier.FileDeleting))
	switch {
	case errors.Is(err, errCondition):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &removed, nil
}

// removeClaims deletes every claim of a file that is deleting, and those of files that are gone. The claims are looked
// for instead of computed from the record, because a record that was described twice may have left more than one.
func (d *DynamoDB) removeClaims(ctx context.Context, person, file string) error {
	const doing = "remove the claims of a file"
	records := map[string]bool{}
	// Claims sort after the records, so the owner of a claim was there to be seen, unless it was put after the walk
	// passed its place: hence the second look.
	in := &dynamodb.QueryInput{ConsistentRead: aws.Bool(true), Limit: &d.page}
	keys := expression.Key("person_id").Equal(expression.Value(person)).
		And(expression.Key("file_id").LessThan(expression.Value(behindClaims)))
	for i, err := range d.query(ctx, doing, in, keys) {
		if err != nil {
			return err
		}
		if i.Owner == "" {
			records[i.File] = true
			continue
		}
		if i.Owner != file {
			if records[i.Owner] {
				continue
			}
			owner, err := d.get(ctx, doing, person, i.Owner)
			if err != nil {
				return err
			}
			if owner != nil {
				continue
			}
		}
		if err := d.release(ctx, person, i.Owner, []string{i.File}); err != nil {
			return err
		}
	}
	return nil
}
