package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/engine"
)

// What is tested here is the program under the real engine, against a double of its providers: that a second run
// changes nothing, what a change of one thing touches, in which order things come and go, and what is left at the end.
// Package engine says what that does not prove.

// Resources that tests speak of, as the engine's results name them.
const (
	groupName    = "aws:autoscaling/group:Group dossier-app"
	templateName = "aws:ec2/launchTemplate:LaunchTemplate dossier-app"
	databaseName = "aws:rds/instance:Instance dossier-database"
	rolloutName  = "command:local:Command dossier-rollout"
	schemaName   = "command:local:Command dossier-jump-schema"
	releaseName  = "aws:s3/bucketObjectv2:BucketObjectv2 dossier-storage-release"
	alarmName    = "aws:cloudwatch/metricAlarm:MetricAlarm dossier-observe-latency"
)

func TestEngineLifecycle(t *testing.T) {
	for _, c := range []struct {
		stack string
		end   func(*testing.T, *engine.Stack)
	}{
		{"dev", destroyed},
		{"prod", refusedToBeDestroyed},
	} {
		t.Run(c.stack, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, c.stack, nil, fixed(t, "first release"))
			preview, up := begins(t, s)
			commands := s.Cloud.Commands()
			stays(t, s)
			// Three passwords, each with its hash.
			t.Run("secrets", func(t *testing.T) { keptSecret(t, s, 6, preview.Said+up.Said, commands) })
			c.end(t, s)
		})
	}
}

// begins previews an empty stack and deploys it: all is made, and the preview says so.
func begins(t *testing.T, s *engine.Stack) (preview, up engine.Result) {
	t.Helper()
	preview = succeed(t, s.Preview())
	if n := len(s.Cloud.Events()); n > 0 {
		t.Errorf("the preview made %d calls that change AWS", n)
	}
	up = succeed(t, s.Up())
	compareLines(t, up.Changes, strings.Join(preview.Changes, "\n"))
	for _, change := range up.Changes {
		if !strings.HasPrefix(change, "create ") {
			t.Errorf("the first run did not only create: %s", change)
		}
	}
	return preview, up
}

// stays is a second run and a refresh: neither finds anything to do.
func stays(t *testing.T, s *engine.Stack) {
	t.Helper()
	s.Cloud.Forget()
	unchanged(t, "a second run", s.Up())
	unchanged(t, "a refresh", s.Refresh())
	for _, e := range s.Cloud.Events() {
		t.Errorf("although all was as it should be, AWS was called: %s %s %s", e.Operation, e.Token, e.Name)
	}
}

// destroyed puts a file where the app does, and destroys the stack.
func destroyed(t *testing.T, s *engine.Stack) {
	t.Helper()
	files, found := s.Cloud.Get("aws:s3/bucketV2:BucketV2", "dossier-storage-files")
	if !found {
		t.Fatal("there is no bucket of files")
	}
	s.Cloud.Put(files.ID, "files/person/file")
	gone(t, s)
}

// gone destroys what there is, and finds nothing then.
func gone(t *testing.T, s *engine.Stack) {
	t.Helper()
	succeed(t, s.Destroy())
	for _, r := range s.Cloud.Resources() {
		if r.Name == "dossier-site-proof" {
			continue // stays on purpose: TestEngineSharedRecord
		}
		t.Errorf("left in AWS: %s %s", r.Token, r.ID)
	}
}

// refusedToBeDestroyed: what holds data is protected, and "pulumi destroy" says so before it touches anything. With the
// protection taken away, as docs/teardown.md tells, all goes.
func refusedToBeDestroyed(t *testing.T, s *engine.Stack) {
	t.Helper()
	refusedToBeDestroyedBut(t, s, nil)
}

// refusedToBeDestroyedBut is refusedToBeDestroyed of a stack with settings of its own, of which more changes with the
// protection.
func refusedToBeDestroyedBut(t *testing.T, s *engine.Stack, own values, more ...string) {
	t.Helper()
	s.Cloud.Forget()
	r := s.Destroy()
	if r.Err == nil {
		t.Fatal("a protected stack was destroyed")
	}
	if !strings.Contains(r.Err.Error(), "protected") {
		t.Errorf("the refusal does not tell of the protection: %v", r.Err)
	}
	for _, e := range s.Cloud.Events() {
		t.Errorf("a destroy that was refused called AWS: %s %s %s", e.Operation, e.Token, e.Name)
	}

	s.Configure(environment(t, "prod", with(values{"protect": false}, own)))
	changes(t, s.Up(), append(more,
		"update aws:lb/loadBalancer:LoadBalancer dossier-site",
		"update "+databaseName,
		"delete random:index/randomId:RandomId dossier-database-final-snapshot",
		"update aws:dynamodb/table:Table dossier-storage-files",
		"update aws:s3/bucketV2:BucketV2 dossier-storage-files",
	)...)
	destroyed(t, s)
}

// TestEngineKeepsData destroys prod as docs/teardown.md tells for who wants to keep the data: what holds it remains, in
// AWS and in the state.
func TestEngineKeepsData(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "prod", nil, fixed(t, "first release"))
	succeed(t, s.Up())
	files, _ := s.Cloud.Get("aws:s3/bucketV2:BucketV2", "dossier-storage-files")
	s.Cloud.Put(files.ID, "files/person/file")

	s.CLI("state", "unprotect", s.State().URN(databaseName))
	for _, err := range []error{
		s.Cloud.Change("aws:rds/instance:Instance", "dossier-database", "deletionProtection", false),
		s.Cloud.Change("aws:lb/loadBalancer:LoadBalancer", "dossier-site", "enableDeletionProtection", false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if database, _ := s.Cloud.Get("aws:rds/instance:Instance",
		"dossier-database"); !database.Inputs["finalSnapshotIdentifier"].IsString() {
		t.Error("the database would leave no snapshot")
	}
	s.CLI("destroy", "--yes", "--exclude-protected")
	var left []string
	for _, r := range s.Cloud.Resources() {
		left = append(left, r.Token+" "+r.Name)
	}
	// The bucket with all that guards it.
	want := []string{
		"aws:dynamodb/table:Table dossier-storage-files", "aws:s3/bucketV2:BucketV2 dossier-storage-files",
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2 dossier-storage-files",
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls dossier-storage-files",
		"aws:s3/bucketPolicy:BucketPolicy dossier-storage-files",
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock dossier-storage-files",
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2 " +
			"dossier-storage-files",
		"aws:s3/bucketVersioningV2:BucketVersioningV2 dossier-storage-files",
	}
	// Other certificates for the domain are renewed by the same record, so it stays, unknown to Pulumi.
	compareLines(t, left, strings.Join(append(want, "aws:route53/record:Record dossier-site-proof"), "\n"))
	state := s.State()
	for _, name := range want {
		if state.URN(name) == "" {
			t.Errorf("the state lacks %s", name)
		}
	}
}

func TestEngineChanges(t *testing.T) {
	t.Parallel()
	first := fixed(t, "first release")
	s := newStack(t, "dev", nil, first)
	succeed(t, s.Up())

	second := fixed(t, "second release")
	t.Run("another release", func(t *testing.T) {
		s.Program(stack(second))
		s.Cloud.Forget()
		changes(t, s.Up(),
			"replace "+releaseName,
			"update aws:ssm/parameter:Parameter dossier-parameters-release",
			"update "+templateName,
			"replace "+rolloutName,
		)
		// The new object is there before anything points at it. TestEngineReleases says what becomes of the old one.
		order(t, s, "create "+releaseName, "update "+templateName, "create "+rolloutName)
		order(t, s, "create "+releaseName, "update aws:ssm/parameter:Parameter dossier-parameters-release")
		if commands := s.Cloud.Commands(); len(commands) != 1 ||
			commands[0].Environment["DOSSIER_ROLLOUT_VERSION"] != "2" {
			t.Errorf("the rollout of version 2 should have been the one command: %+v", commands)
		}
	})
	t.Run("a refresh after a rollout", func(t *testing.T) {
		// The rollout has moved the group to the new version, which the state learns by a refresh, and which is no
		// change to be undone.
		changes(t, s.Refresh(), "update "+groupName)
		unchanged(t, "the run after it", s.Up())
	})
	t.Run("the release before", func(t *testing.T) {
		s.Program(stack(first))
		changes(t, s.Up(),
			"replace "+releaseName,
			"update aws:ssm/parameter:Parameter dossier-parameters-release",
			"update "+templateName,
			"replace "+rolloutName,
		)
	})
	t.Run("another migration", func(t *testing.T) {
		next := first
		next.migrations = "second migrations"
		s.Program(stack(next))
		changes(t, s.Up(), "replace "+schemaName)
		first = next
	})
	// Settings, one after the other.
	now := values{}
	for _, c := range []struct {
		name    string
		changed values
		want    []string
	}{
		{"an alarm's threshold", values{"observe.latencySeconds": 7}, []string{"update " + alarmName}},
		{"the instances' type", values{"service.instanceType": "t4g.medium"},
			[]string{"update " + templateName, "replace " + rolloutName}},
		{"a setting of the app", values{"service.maxFileSize": "2GiB"}, []string{
			"update aws:ssm/parameter:Parameter dossier-parameters-max-file-size", "update " + templateName,
			"replace " + rolloutName,
		}},
		{"the group's size", values{"service.max": 3}, []string{"update " + groupName, "update " + rolloutName}},
		{"who is told of alarms", values{"observe.email": "oncall@example.org"},
			[]string{"create aws:sns/topicSubscription:TopicSubscription dossier-observe"}},
		{"the database's class", values{"database.class": "db.t4g.small"}, []string{"update " + databaseName}},
		{"how long deleted files can be got back", values{"storage.deletedDays": 8}, []string{
			"update aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2 dossier-storage-files",
		}},
		{"the database's passwords", values{"database.credentials": 2}, []string{
			"replace random:index/randomPassword:RandomPassword dossier-database-admin",
			"replace random:index/randomPassword:RandomPassword dossier-database-app",
			"update " + databaseName,
			"update aws:ssm/parameter:Parameter dossier-parameters-db-admin-password",
			"update aws:ssm/parameter:Parameter dossier-parameters-db-password",
			"update aws:ssm/parameter:Parameter dossier-parameters-db-user",
			"replace " + schemaName,
			"update " + templateName,
			"replace " + rolloutName,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			maps.Copy(now, c.changed)
			s.Configure(environment(t, "dev", now))
			if slices.Contains(c.want, "replace "+rolloutName) {
				// Versions and passwords are not known yet, and what depends on them is told all the same.
				changes(t, s.Preview(), c.want...)
			}
			changes(t, s.Up(), c.want...)
		})
	}
	t.Run("the group keeps its version", func(t *testing.T) {
		// The group was changed since the last refresh while the state held an old version: the one that the rollout
		// set must not be undone.
		group, _ := s.Cloud.Get("aws:autoscaling/group:Group", "dossier-app")
		template, _ := s.Cloud.Get("aws:ec2/launchTemplate:LaunchTemplate", "dossier-app")
		of := group.Inputs["launchTemplate"].ObjectValue()["version"].StringValue()
		if latest := fmt.Sprint(template.Outputs["latestVersion"].NumberValue()); of != latest {
			t.Errorf("the group has version %s, and the template %s", of, latest)
		}
	})
	unchanged(t, "a run after all of them", s.Up())
}

// order checks that each of the operations ended before the next began. Each is an operation, a type and a name.
func order(t *testing.T, s *engine.Stack, operations ...string) {
	t.Helper()
	last := 0
	for _, operation := range operations {
		found := false
		for _, e := range s.Cloud.Events() {
			if string(e.Operation)+" "+e.Token+" "+e.Name == operation {
				if found = true; e.Start < last {
					t.Errorf("%s began before what it has to come after had ended: %v", operation, operations)
				}
				last = e.End
				break
			}
		}
		if !found {
			t.Errorf("there was no %s", operation)
		}
	}
}
