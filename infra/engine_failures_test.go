package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/engine"
)

// TestEngineFailures: whatever fails, the run says so, and the next one goes on from there, until one completes. The
// run after that changes nothing.
func TestEngineFailures(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "dev", nil, fixed(t, "first release"))
	var faults []engine.Fault
	for _, of := range []string{databaseName, schemaName, groupName, alarmName, rolloutName} {
		for _, after := range []bool{false, true} { // what is refused at first has its effect the second time, but says that it failed
			faults = append(faults, fail(s, engine.Create, of, after))
		}
	}
	said := ""
	runs := 0
	for {
		r := s.Up()
		if r.Err == nil {
			break
		}
		said += r.Err.Error()
		if runs++; runs > len(faults) {
			t.Fatalf("after %d runs, more than there are faults, it still fails: %v", runs, r.Err)
		}
		if !strings.Contains(r.Err.Error(), "injected fault") {
			t.Fatalf("the run failed for a reason of its own: %v", r.Err)
		}
		exist := func(name string) bool {
			token, name, _ := strings.Cut(name, " ")
			_, there := s.Cloud.Get(token, name)
			return there
		}
		for _, c := range [][2]string{{schemaName, databaseName}, {groupName, schemaName}, {rolloutName, groupName}} {
			if exist(c[0]) && !exist(c[1]) {
				t.Errorf("there is %s, and no %s", c[0], c[1])
			}
		}
	}
	for _, f := range faults {
		if !strings.Contains(said, f.Error()) {
			t.Errorf("no run told of the %v", &f)
		}
	}
	unchanged(t, "the run after it", s.Up())

	t.Run("the rollout of another release fails", func(t *testing.T) {
		s.Program(stack(fixed(t, "second release")))
		fail(s, engine.Create, rolloutName, false)
		failed(t, s.Up(), rolloutName)
		s.Cloud.Forget()
		r := succeed(t, s.Up())
		if !slices.ContainsFunc(r.Changes, func(change string) bool { return strings.HasSuffix(change, rolloutName) }) {
			t.Errorf("the run after a failed rollout did not roll out: %v", r.Changes)
		}
		if commands := s.Cloud.Commands(); len(commands) != 1 || commands[0].Environment["DOSSIER_ROLLOUT_VERSION"] != "2" {
			t.Errorf("the rollout of version 2 should have been the one command: %+v", commands)
		}
		unchanged(t, "the run after it", s.Up())
	})

	t.Run("a destroy stops half-way", func(t *testing.T) {
		const subnet = "aws:ec2/subnet:Subnet dossier-network-private-1"
		fail(s, engine.Delete, subnet, false)
		failed(t, s.Destroy(), subnet)
		gone(t, s)
	})
}

// TestEngineFailedCommand: what a command says when it fails is what "pulumi up" says.
func TestEngineFailedCommand(t *testing.T) {
	t.Parallel()
	s := newStack(t, "dev", nil, fixed(t, "first release"))
	s.Cloud.Run(func(c engine.Command) (string, error) {
		if c.Name == "dossier-jump-schema" {
			return "", errors.New("the database does not answer")
		}
		return rollouts(s.Cloud)(c)
	})
	r := s.Up()
	if r.Err == nil || !strings.Contains(r.Err.Error(), "the database does not answer") {
		t.Fatalf("the failed schema command's reason is not told: %v", r.Err)
	}
	for _, e := range s.Cloud.Events() {
		if e.Token+" "+e.Name == groupName {
			t.Error("the group was tried, although the schema command had failed")
		}
	}
}

func fail(s *engine.Stack, op engine.Operation, of string, after bool) engine.Fault {
	token, name, _ := strings.Cut(of, " ")
	f := engine.Fault{Operation: op, Token: token, Name: name, After: after}
	s.Cloud.Fail(f)
	return f
}

// failed is a run that failed at the resource.
func failed(t *testing.T, r engine.Result, of string) {
	t.Helper()
	switch {
	case r.Err == nil:
		t.Fatal("the run succeeded, although a call failed")
	case !strings.Contains(r.Err.Error(), "injected fault") || !strings.Contains(r.Err.Error(), of):
		t.Fatalf("the run failed for another reason than %s: %v", of, r.Err)
	}
}

// TestEngineSettings: bad settings are all told, before anything is made.
func TestEngineSettings(t *testing.T) {
	t.Parallel()
	s := newStack(t, "dev", values{"network.zones": 9, "service.maxfilesize": "1GiB", "database.class": "big", "site.domain": "files.example.org"}, fixed(t, "first release"))
	for what, r := range map[string]engine.Result{"preview": s.Preview(), "up": s.Up()} {
		if r.Err == nil {
			t.Fatalf("%s succeeded with bad settings", what)
		}
		for _, key := range []string{"network.zones", "service.maxfilesize", "database.class", "site.zoneId"} {
			if !strings.Contains(r.Err.Error(), key) {
				t.Errorf("%s does not tell of %s: %v", what, key, r.Err)
			}
		}
		if len(r.Changes) > 0 {
			t.Errorf("%s changed something in spite of bad settings: %v", what, r.Changes)
		}
	}
	if len(s.Cloud.Events()) > 0 {
		t.Errorf("AWS was called in spite of bad settings: %v", s.Cloud.Events())
	}
}
