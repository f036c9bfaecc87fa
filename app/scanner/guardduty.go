package scanner

import (
	"context"
	"errors"
	"fmt"
	"io"

	dossier "dossier.example/app"
)

var _ dossier.Scanner = (*GuardDuty)(nil)

// GuardDuty is GuardDuty Malware Protection for S3. It reads each new object of the bucket by itself, and puts what it
// found into a tag of the object; that tag is all that is read here. The documents:
//
//   - the tag: https://docs.aws.amazon.com/guardduty/latest/ug/monitor-enable-s3-object-tagging-malware-protection.html
//   - its values: https://docs.aws.amazon.com/guardduty/latest/ug/monitoring-malware-protection-s3-scans-gdu.html
//     ("S3 object potential malware scan result status values")
//   - what it skips: https://docs.aws.amazon.com/guardduty/latest/ug/malware-protection-s3-quotas-guardduty.html
//   - who may write tags: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
//
// # How it must be set up
//
// The bucket has a Malware Protection plan that covers dossier.ObjectPrefix, with tagging enabled. Whoever may put tags
// on objects may call them clean: only the plan's role may have s3:PutObjectTagging and s3:PutObjectVersionTagging
// there, and this program's role must not. It needs s3:GetObjectTagging, and s3:ListBucket, without which S3 does not
// say that an object is absent.
//
// # Which version is asked for
//
// The latest. No two files share a key, and a version has tags of its own: what replaces an object, as its earlier
// version that is brought back, begins without.
//
// # What is not promised
//
// GuardDuty says nothing of objects that are older than the plan. It can be asked to check one anew
// (https://docs.aws.amazon.com/guardduty/latest/APIReference/API_SendObjectMalwareScan.html), which is not done here:
// it is paid for by the byte, and would need a right beyond the bucket.
type GuardDuty struct{ tags Tags }

// Tags reads the tags of objects, as objects.S3 does: ErrNotFound, ErrUnavailable.
type Tags interface {
	Tags(ctx context.Context, key string) (map[string]string, error)
}

// NewGuardDuty returns the GuardDuty that tags these objects. Nothing is asked of it yet.
func NewGuardDuty(tags Tags) *GuardDuty { return &GuardDuty{tags} }

// guardDutyTag is the name of the tag.
const guardDutyTag = "GuardDutyMalwareScanStatus"

// Ping implements dossier.Scanner: it reports whether tags can be read, by those of an object that is not there.
// Without it an outage of S3, or a right that is missing, would look like one file after the other that cannot be
// checked. Whether there is a plan it cannot tell: without one files wait, which an alarm notices.
func (g *GuardDuty) Ping(ctx context.Context) error {
	_, err := g.tags.Tags(ctx, dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()))
	if errors.Is(err, dossier.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = errors.New("S3 has tags for an object that was never stored")
	}
	return dossier.Unavailable(ctx, "read GuardDuty's tags: is there the right s3:GetObjectTagging?", err)
}

// Scan implements dossier.Scanner. It reads r only where the object is gone, so that who opens it takes notice.
func (g *GuardDuty) Scan(ctx context.Context, key string, r io.Reader) (dossier.Verdict, error) {
	tags, err := g.tags.Tags(ctx, key)
	if errors.Is(err, dossier.ErrNotFound) {
		if _, err := r.Read(make([]byte, 1)); err != nil && err != io.EOF {
			return dossier.Verdict{}, fmt.Errorf("open the untagged object: %w", err)
		}
		return dossier.Verdict{}, untagged()
	}
	if err != nil {
		return dossier.Verdict{}, dossier.Unavailable(ctx, "read GuardDuty's tag", err)
	}
	status, ok := tags[guardDutyTag]
	if !ok {
		return dossier.Verdict{}, untagged()
	}
	return verdictOf(ctx, status)
}

// verdictOf returns what a value of the tag says. Only one of them is clean.
func verdictOf(ctx context.Context, status string) (dossier.Verdict, error) {
	switch status {
	case "NO_THREATS_FOUND":
		return dossier.Verdict{State: dossier.ScanClean}, nil
	case "THREATS_FOUND":
		return dossier.Verdict{State: dossier.ScanInfected,
			Detail: "THREATS_FOUND: GuardDuty's tag does not say which"}, nil
	case "UNSUPPORTED":
		return dossier.Verdict{State: dossier.ScanNone, Detail: "UNSUPPORTED: GuardDuty skipped it, as what is too " +
			"large or has a password"}, nil
	case "ACCESS_DENIED":
		return dossier.Verdict{State: dossier.ScanNone, Detail: "ACCESS_DENIED: GuardDuty could not read it; see the " +
			"role of its plan"}, nil
	case "FAILED":
		// An internal error of GuardDuty, which may say something else the next time; so it is counted as a try.
		return dossier.Verdict{},
			dossier.Unavailable(ctx, "have GuardDuty check a file", errors.New("it reported FAILED"))
	}
	return dossier.Verdict{State: dossier.ScanNone, Detail: fmt.Sprintf("GuardDuty's tag says %.100q", status)}, nil
}

func untagged() error {
	return &dossier.Error{Code: dossier.CodeIncomplete, Err: errors.New("GuardDuty has not tagged the object yet")}
}
