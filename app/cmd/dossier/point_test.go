package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// TestReconcileAt: objects that are gone while people and records are there come back from the bucket's versions; one
// of which no version is left needs a person.
func TestReconcileAt(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	c := teststores.Cloud(t)
	ctx, client, s := t.Context(), c.Buckets(), c.Stores(t)
	if _, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &c.Bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	svc := dossier.New(s.People, s.Catalog, s.Objects, dossier.Options{Limits: dossier.DefaultLimits()})
	receipt := dossier.NewReceipt()
	sub, err := svc.Begin(ctx, receipt, dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36,
		Technology: "Analytical Engine"})
	if err != nil {
		t.Fatal(err)
	}
	const files = 3
	large := strings.Repeat("a large file ", 500_000)
	for i, text := range []string{"one", "two", large} {
		if err := sub.AddFile(ctx, []string{"1.txt", "2.txt", "3.txt"}[i], strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := sub.Acknowledge(ctx); err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Format(time.RFC3339)
	stored, err := svc.Files(ctx, receipt.Person, dossier.FilesQuery{Limit: files})
	if err != nil || len(stored.Files) != files {
		t.Fatalf("%d files, %v", len(stored.Files), err)
	}
	for _, f := range stored.Files {
		if err := s.Objects.Delete(ctx, f.Key()); err != nil {
			t.Fatal(err)
		}
	}
	reconcile := func(wantStatus int, args ...string) dossier.PointReport {
		t.Helper()
		status, stdout, stderr := runBinary(t, c.Environ(),
			append([]string{"reconcile", "--at", at, "--json"}, args...)...)
		if status != wantStatus {
			t.Errorf("reconcile --at %v: exit status %d, want %d\n%s%s", args, status, wantStatus, stdout, stderr)
		}
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		var report dossier.PointReport
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
			t.Fatalf("read the report: %v in %q", err, lines)
		}
		return report
	}
	if r := reconcile(exitDamaged, "--dry-run"); r.Counts[dossier.DamageMissing] != files || !r.DryRun {
		t.Errorf("a dry run reports %+v", r)
	}
	if r := reconcile(exitOK); r.Counts[dossier.RepairRevived] != files || r.Verified != files {
		t.Errorf("it reports %+v", r)
	}
	for i, want := range []string{"one", "two", large} {
		body, err := svc.Open(ctx, stored.Files[i], dossier.ToAll, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		_ = body.Close()
		if err != nil || string(got) != want {
			t.Errorf("%s came back with %d bytes, %v", stored.Files[i].Name, len(got), err)
		}
	}
	if r := reconcile(exitOK); len(r.Counts) != 0 || r.Verified != files {
		t.Errorf("a second run reports %+v", r)
	}
	key := stored.Files[0].Key()
	versions, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &c.Bucket, Prefix: &key})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions.Versions {
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &c.Bucket, Key: &key,
			VersionId: v.VersionId}); err != nil {
			t.Fatal(err)
		}
	}
	if r := reconcile(exitDamaged); r.Counts[dossier.DamageMissing] != 1 || r.Verified != files-1 {
		t.Errorf("with no version left it reports %+v", r)
	}
	status, stdout, stderr := runBinary(t, c.Environ(), "reconcile", "--at", at)
	if status != exitDamaged || !strings.Contains(stdout, dossier.DamageMissing+": person "+receipt.Person.String()) ||
		!strings.Contains(stderr, "docs/restore.md") {
		t.Errorf("for people it says, with exit status %d:\n%s%s", status, stdout, stderr)
	}
}
