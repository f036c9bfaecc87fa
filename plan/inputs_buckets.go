package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html and its neighbors
var bucketRules = []rule{
	{token: bucketType, path: "versioning.enabled", kind: weakens,
		judge: from("true", "objects that are overwritten or deleted in it are lost at once")},
	{token: bucketType, path: "versioning.mfaDelete", kind: weakens,
		judge: from("true", "versions are deleted without a second factor")},
	{token: bucketType, path: "serverSideEncryptionConfiguration", kind: weakens, judge: encryptedOtherwise},
	{token: bucketType, path: "corsRules", kind: exposes, made: true, judge: origins},
	{token: bucketType, path: "loggings", kind: hides, judge: fewer("access to it is no longer recorded")},
	{token: bucketType, path: "logging", kind: hides, judge: fewer("access to it is no longer recorded")},
	{token: bucketType, path: "replicationConfiguration", kind: weakens,
		judge: fewer("its objects are no longer copied elsewhere")},
	{token: bucketType, path: "lifecycleRules", judge: harmless}, // judged as a whole: lifecycle
	{token: "aws:s3/bucketVersioningV2:BucketVersioningV2", path: "versioningConfiguration.mfaDelete", kind: weakens,
		judge: from("Enabled", "versions are deleted without a second factor")},
	{token: "aws:s3/bucketVersioningV2:BucketVersioningV2", path: "mfa", judge: harmless},
	{token: "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", path: "rules",
		kind: weakens, judge: encryptedOtherwise},

	{token: objectLockType, path: "rule.defaultRetention.days", kind: weakens,
		judge: lower(0, "new objects are locked for %s days instead of %s")},
	{token: objectLockType, path: "rule.defaultRetention.years", kind: weakens,
		judge: lower(0, "new objects are locked for %s years instead of %s")},
	{token: objectLockType, path: "rule.defaultRetention.mode", kind: weakens,
		judge: from("COMPLIANCE", "whoever has the right may delete new objects in spite of their lock")},
	{token: objectLockType, path: "rule", kind: weakens, judge: fewer("new objects are locked only where they say so")},

	{token: objectCopyType, path: "rules", kind: weakens, judge: copies},
	{token: objectCopyType, path: "rules", kind: exposes, judge: copiedElsewhere},
	{token: objectCopyType, path: "role", kind: weakens, judge: other("objects are copied with other rights")},

	{token: objectEventType, path: "queues", kind: stops, judge: told("queueArn")},
	{token: objectEventType, path: "topics", kind: stops, judge: told("topicArn")},
	{token: objectEventType, path: "lambdaFunctions", kind: stops, judge: told("lambdaFunctionArn")},
	{token: objectEventType, path: "eventbridge", kind: stops,
		judge: from("true", "EventBridge is no longer told of objects")},
}

// encryptedOtherwise judges how a bucket's objects are encrypted; whether KMS is asked for each (a bucket key) is none
// of it.
func encryptedOtherwise(old, now any) string {
	if old == nil {
		return ""
	}
	by := func(v any) string {
		var found []string
		for _, r := range graph.Items(v) {
			for _, path := range []string{"applyServerSideEncryptionByDefault",
				"rule.applyServerSideEncryptionByDefault"} {
				if set := graph.At(r, path); set != nil {
					found = append(found, fmt.Sprint(graph.At(set, "sseAlgorithm"), graph.At(set, "kmsMasterKeyId")))
				}
			}
		}
		return strings.Join(found, " ")
	}
	if by(old) == by(now) {
		return ""
	}
	return "new objects are encrypted another way"
}

// copies judges the rules by which objects are copied to other buckets.
func copies(old, now any) string {
	of := func(v any) []string {
		var found []string
		for _, r := range graph.Items(v) {
			if !disabled(r) {
				found = append(found, fmt.Sprint(graph.Text(graph.At(r, "id")), graph.At(r, "filter"),
					graph.At(r, "prefix")))
			}
		}
		return found
	}
	gone := without(of(old), of(now))
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("some objects are no longer copied elsewhere (%d of %d rules)", len(gone), len(of(old)))
}

// copiedElsewhere judges where objects are copied to.
func copiedElsewhere(old, now any) string {
	of := func(v any) []string {
		var found []string
		for _, r := range graph.Items(v) {
			if !disabled(r) {
				found = append(found, graph.Text(graph.At(r, "destination.bucket")))
			}
		}
		return found
	}
	come := slices.DeleteFunc(without(of(now), of(old)), func(to string) bool { return to == code("") })
	if len(come) == 0 {
		return ""
	}
	return "objects are copied to " + strings.Join(few(come), ", ")
}

// told judges who is told of a bucket's objects.
func told(by string) judge {
	of := func(v any) []string {
		var found []string
		for _, n := range graph.Items(v) {
			found = append(found, graph.Text(graph.At(n, by)))
		}
		return found
	}
	return func(old, now any) string {
		gone := without(of(old), of(now))
		switch {
		case len(gone) > 0:
			return "no longer told of objects: " + strings.Join(few(gone), ", ")
		case old != nil && now != nil && len(of(old)) >= len(of(now)):
			return "who is told of objects is told of others"
		}
		return ""
	}
}

// https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRule.html
var backupRules = []rule{
	{token: "aws:backup/plan:Plan", path: "rules", kind: weakens, judge: backups},
	{token: "aws:backup/plan:Plan", path: "rules", kind: expires, judge: keptBackups},
	{token: "aws:backup/plan:Plan", path: "advancedBackupSettings", kind: weakens,
		judge: other("backups of Windows are made another way")},
	{token: "aws:backup/selection:Selection", path: "resources", kind: weakens,
		judge: fewer("some of what it selects is no longer backed up")},
	{token: "aws:backup/selection:Selection", path: "notResources", kind: weakens,
		judge: further("%s is no longer backed up")},
	{token: "aws:backup/selection:Selection", path: "selectionTags", kind: weakens,
		judge: other("other resources are backed up")},
	{token: "aws:backup/selection:Selection", path: "conditions", kind: weakens,
		judge: always("other resources are backed up")},
	{token: "aws:backup/selection:Selection", path: "iamRoleArn", kind: weakens,
		judge: other("backups are made with other rights")},
	{token: "aws:backup/vaultLockConfiguration:VaultLockConfiguration", path: "minRetentionDays", kind: weakens,
		judge: lower(0, "backups can be deleted after %s days instead of %s")},
	{token: "aws:backup/vaultLockConfiguration:VaultLockConfiguration", path: "changeableForDays", kind: weakens,
		judge: other("the lock becomes final at another time, or never")},
	{token: "aws:efs/backupPolicy:BackupPolicy", path: "backupPolicy.status", kind: weakens,
		judge: to("its files are no longer backed up", "DISABLED")},
	{token: filesType, path: "provisionedThroughputInMibps", kind: shrinks,
		judge: lower(0, "%s MB a second instead of %s")},
	{token: filesType, path: "throughputMode", kind: shrinks,
		judge: from("provisioned", "its speed follows what it holds, or what is used")},
	{token: filesType, path: "lifecyclePolicies", judge: harmless},
	{token: "aws:secretsmanager/secret:Secret", path: "replicas", kind: stops,
		judge: fewer("a replica in another region is deleted, and whoever reads it there fails")},
	{token: "aws:secretsmanager/secret:Secret", path: "kmsKeyId", kind: weakens,
		judge: other("it is encrypted by another key, or by AWS's own")},
	{token: "aws:secretsmanager/secret:Secret", path: "forceOverwriteReplicaSecret", judge: harmless},
	{token: "aws:secretsmanager/secretPolicy:SecretPolicy", path: "blockPublicPolicy", kind: weakens,
		judge: from("true", "the secret can be opened to everyone")},
	{token: "aws:ecr/lifecyclePolicy:LifecyclePolicy", path: "policy", kind: expires, fresh: true,
		judge: whenNewly("images that its repository already has may be deleted")},
}

// backups judges the rules of a plan for backups.
func backups(old, now any) string {
	was, okBefore := byName(graph.Items(old), "ruleName")
	is, okAfter := byName(graph.Items(now), "ruleName")
	if !okBefore || !okAfter {
		return "backups are made by other rules"
	}
	var found []string
	for name, before := range was {
		after := is[name]
		switch {
		case after == nil:
			found = append(found, "rule "+code(name)+" is gone")
		case graph.Text(graph.At(before, "schedule")) != graph.Text(graph.At(after, "schedule")):
			found = append(found, "by rule "+code(name)+" backups are made at other times")
		case graph.Is(graph.At(before, "enableContinuousBackup"), true) &&
			!graph.Is(graph.At(after, "enableContinuousBackup"), true):
			found = append(found, "by rule "+code(name)+" nothing can be restored to any point in time")
		case graph.Text(graph.At(before, "targetVaultName")) != graph.Text(graph.At(after, "targetVaultName")):
			found = append(found, "by rule "+code(name)+" backups go to another vault")
		}
		if after != nil && len(graph.Items(graph.At(after, "copyActions"))) <
			len(graph.Items(graph.At(before, "copyActions"))) {
			found = append(found, "by rule "+code(name)+" fewer copies are made")
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// keptBackups judges how long the rules of a plan keep backups.
func keptBackups(old, now any) string {
	was, _ := byName(graph.Items(old), "ruleName")
	is, _ := byName(graph.Items(now), "ruleName")
	var found []string
	for name, after := range is {
		const path = "lifecycle.deleteAfter"
		if was[name] == nil {
			continue
		}
		less := lower(endless, "by rule "+code(name)+" backups are deleted after %s days instead of %s")(
			graph.At(was[name], path), graph.At(after, path))
		if less != "" {
			found = append(found, less)
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}
