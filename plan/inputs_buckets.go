package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
)

// ciphersOf are the ways in which a bucket encrypts its objects, each with its key; that KMS is asked for each (a
// bucket key) is none of it.
func ciphersOf(v any) []string {
	var found []string
	for _, r := range graph.Items(v) {
		for _, path := range []string{"applyServerSideEncryptionByDefault", "rule.applyServerSideEncryptionByDefault"} {
			if set := graph.At(r, path); set != nil {
				found = append(found, strings.TrimSpace(graph.Text(graph.At(set, "sseAlgorithm"))+" "+
					graph.Text(graph.At(set, "kmsMasterKeyId"))))
			}
		}
	}
	return found
}

// encryptedOtherwise judges new objects of a bucket that a key no longer encrypts, or another one.
func encryptedOtherwise(old, now any) string {
	was, is := ciphersOf(old), ciphersOf(now)
	switch {
	case slices.Equal(was, is), !slices.ContainsFunc(was, byKey):
		return ""
	case !slices.ContainsFunc(is, byKey):
		return "new objects are encrypted by S3's own key, which no policy of the account guards"
	}
	return "new objects are encrypted by another key"
}

// keyNeeded judges new objects of a bucket that a key encrypts
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html).
func keyNeeded(old, now any) string {
	was, is := ciphersOf(old), ciphersOf(now)
	if old == nil || slices.Equal(was, is) || !slices.ContainsFunc(is, byKey) {
		return ""
	}
	return "whoever reads or writes new objects needs rights for their key"
}

func byKey(cipher string) bool { return strings.HasPrefix(cipher, "aws:") }

// unlocked judges for how long, and how firmly, new objects of a bucket are locked.
func unlocked(old, now any) string {
	const kept = "defaultRetention."
	days := func(v any) float64 {
		return numberOr(graph.At(v, kept+"days"), 0) + 365*numberOr(graph.At(v, kept+"years"), 0)
	}
	if holdsUnknown("", now) {
		return "" // told by toBeSeen
	}
	if was, is := days(old), days(now); was > 0 && is == 0 {
		return "new objects are locked only where they say so"
	}
	return sentences(lower(0, "new objects are locked for %s days instead of %s")(days(old), days(now)),
		from("COMPLIANCE", "whoever has the right may delete new objects in spite of their lock")(
			graph.At(old, kept+"mode"), graph.At(now, kept+"mode")))
}

// copyRules are the rules by which objects are copied to other buckets, by what tells them apart.
func copyRules(v any) map[string]any {
	found := map[string]any{}
	for _, r := range graph.Items(v) {
		if !disabled(r) {
			found[fmt.Sprint(graph.Text(graph.At(r, "id")), graph.At(r, "filter"), graph.At(r, "prefix"))] = r
		}
	}
	return found
}

// copies judges the rules by which objects are copied to other buckets.
func copies(old, now any) string {
	was, is := copyRules(old), copyRules(now)
	gone := without(slices.Collect(maps.Keys(was)), slices.Collect(maps.Keys(is)))
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("some objects are no longer copied elsewhere (%d of %d rules)", len(gone), len(was))
}

// copiedOtherwise judges how a rule that stays copies objects: what holds of it on one side only, as on tells.
func copiedOtherwise(means string, newly bool, on func(rule any) bool) judge {
	return func(old, now any) string {
		was, is := copyRules(old), copyRules(now)
		for of, rule := range is {
			if before := was[of]; before != nil && on(rule) == newly && on(before) != newly {
				return means
			}
		}
		return ""
	}
}

// copiesDeletions reports whether a rule copies that an object is deleted, unless it says no more than a rule did
// before there were filters, which does
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-marker-replication.html).
func copiesDeletions(rule any) bool {
	status := graph.Text(graph.At(rule, "deleteMarkerReplication.status")) +
		graph.Text(graph.At(rule, "deleteMarkerReplicationStatus"))
	return status == "Enabled" || status == "" && graph.At(rule, "filter") == nil
}

// copiesEncrypted reports whether a rule copies objects that a key encrypts.
func copiesEncrypted(rule any) bool {
	const of = "sourceSelectionCriteria.sseKmsEncryptedObjects"
	return graph.Text(graph.At(rule, of+".status")) == "Enabled" || graph.Is(graph.At(rule, of+".enabled"), true)
}

// copyRulesJudged are the rules for those of a bucket's copies, at a path.
func copyRulesJudged(path string) []rule {
	return []rule{
		input(path, weakens, copies),
		input(path, exposes, come(copiedTo, "objects are copied to %s")),
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
		input(path, weakens, copiedOtherwise("what is deleted is deleted in the copy as well", true, copiesDeletions)),
		input(path, stops, copiedOtherwise("what is deleted stays in the copy", false, copiesDeletions)),
		input(path, weakens,
			copiedOtherwise("objects that a key encrypts are no longer copied", false, copiesEncrypted)),
		input(path, weakens, copiedOtherwise("the copy is encrypted by S3's own key", false, func(rule any) bool {
			return graph.At(rule, "destination.encryptionConfiguration") != nil ||
				graph.At(rule, "destination.replicaKmsKeyId") != nil
		})),
		input(path, exposes, come(copiedInto, "the copies are of the foreign account %s")),
	}
}

// copiedInto are the foreign accounts that rules say to copy objects to.
func copiedInto(v any) []string {
	var found []string
	for _, rule := range copyRules(v) {
		account := graph.Text(graph.At(rule, "destination.account")) +
			graph.Text(graph.At(rule, "destination.accountId"))
		if account != "" && account != awsmodel.Account {
			found = append(found, account)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// unaborted judges rules of a bucket of which none ends uploads any longer that nobody ended: what came of them stays,
// and is paid (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html).
var unaborted = ends("uploads that nobody ended stay, and are paid for", func(v any) bool {
	return slices.ContainsFunc(graph.Items(v), func(rule any) bool {
		days := numberOr(graph.At(rule, "abortIncompleteMultipartUpload.daysAfterInitiation"), 0)
		return !disabled(rule) && days+numberOr(graph.At(rule, "abortIncompleteMultipartUploadDays"), 0) > 0
	})
})

// copiedTo are the buckets that rules copy objects to.
func copiedTo(v any) []string {
	on := slices.DeleteFunc(slices.Clone(graph.Items(v)), disabled)
	return textsAt("destination.bucket", withText("destination.bucket"))(on)
}

// toldBy judges who is told of a bucket's objects.
func toldBy(path string) judge {
	of := textsAt(path)
	return func(old, now any) string {
		gone := without(of(old), of(now))
		switch {
		case len(gone) > 0:
			return told("no longer told of objects: %s", few(gone))
		case old != nil && now != nil && len(of(old)) >= len(of(now)):
			return "who is told of objects is told of others"
		}
		return ""
	}
}

// backups judges the rules of a plan for backups.
func backups(old, now any) string {
	if !named("ruleName", old, now) {
		return "backups are made by other rules"
	}
	return strings.Join(few(byEach("ruleName", old, now, func(name string, was, is any) []string {
		switch {
		case was == nil:
			return nil
		case is == nil:
			return []string{"rule " + name + " is gone"}
		}
		var found []string
		differs := func(path string) bool { return graph.Text(graph.At(was, path)) != graph.Text(graph.At(is, path)) }
		switch {
		case differs("schedule"):
			found = append(found, "by rule "+name+" backups are made at other times")
		case from("true", "off")(graph.At(was, "enableContinuousBackup"), graph.At(is, "enableContinuousBackup")) != "":
			found = append(found, "by rule "+name+" nothing can be restored to any point in time")
		case differs("targetVaultName"):
			found = append(found, "by rule "+name+" backups go to another vault")
		}
		if len(graph.Items(graph.At(is, "copyActions"))) < len(graph.Items(graph.At(was, "copyActions"))) {
			found = append(found, "by rule "+name+" fewer copies are made")
		}
		return found
	})), "; ")
}

// keptBackups judges how long the rules of a plan keep backups.
func keptBackups(old, now any) string {
	return strings.Join(few(byEach("ruleName", old, now, func(name string, was, is any) []string {
		if was == nil || is == nil {
			return nil
		}
		const path = "lifecycle.deleteAfter"
		return []string{lower(endless, "by rule "+name+" backups are deleted after %s days instead of %s")(
			graph.At(was, path), graph.At(is, path))}
	})), "; ")
}
