package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/plan/engine"
)

// What is tested here is what a real account does beyond taking inputs: what a new one refuses, what takes its time,
// and what is left behind. Each behavior of the double names its source in package engine.

// TestEngineNewAccount is the life of dev in an account on the Free plan that never ran anything: made, unchanged,
// destroyed, and made again.
func TestEngineNewAccount(t *testing.T) {
	t.Parallel()
	s := newStack(t, "dev", nil, fixed(t, "first release"))
	s.Cloud.FreePlan()
	for _, time := range []string{"the first time", "again"} {
		s.Cloud.Forget()
		succeed(t, s.Up())
		works(t, s, time)
		unchanged(t, "a second run", s.Up())
		s.Cloud.Forget()
		gone(t, s)
		inMinutes(t, s)
	}
}

// TestEngineProductionAgain is the same with prod, once its protection is taken away. Somebody else's certificate for
// the domain is renewed by the record that the stack made.
func TestEngineProductionAgain(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "prod", values{"protect": false}, fixed(t, "first release"))
	for _, time := range []string{"the first time", "again"} {
		s.Cloud.Forget()
		succeed(t, s.Up())
		works(t, s, time)
		proof, there := s.Cloud.Get("aws:route53/record:Record", "dossier-site-proof")
		if !there {
			t.Fatal("there is no record that proves the domain")
		}
		s.Cloud.Share(proof.Inputs["name"].StringValue())
		s.Cloud.Forget()
		gone(t, s)
		inMinutes(t, s)
	}
	for _, broken := range s.Cloud.Broken() {
		t.Errorf("after the stack went: %s", broken)
	}
}

// works looks at what was made: nothing is broken, and no alarm began with a false alarm.
func works(t *testing.T, s *engine.Stack, when string) {
	t.Helper()
	for _, broken := range s.Cloud.Broken() {
		t.Errorf("made %s: %s", when, broken)
	}
	for _, alarm := range s.Cloud.Alarmed() {
		t.Errorf("made %s: the alarm %s began in ALARM", when, alarm)
	}
}

// inMinutes adds up what AWS takes to let things go, while the stack is locked.
func inMinutes(t *testing.T, s *engine.Stack) {
	t.Helper()
	var all time.Duration
	for _, e := range s.Cloud.Events() {
		all += e.Takes
	}
	if all == 0 || all > 15*time.Minute {
		t.Errorf("a destroy waits %v for draining instances", all)
	}
}

// TestEngineNATChanges: the way out changes between a gateway and an instance and back, with private subnets never
// without a route.
func TestEngineNATChanges(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "dev", nil, fixed(t, "first release"))
	succeed(t, s.Up())
	for _, nat := range []string{"instance", "single", "per-zone", "instance", "per-zone"} {
		s.Configure(environment(t, "dev", values{"network.nat": nat}))
		r := succeed(t, s.Up())
		for _, change := range r.Changes {
			if strings.HasPrefix(change, "replace ") || strings.HasPrefix(change, "delete aws:ec2/route:Route") {
				t.Errorf("to %s: %s", nat, change)
			}
		}
		unchanged(t, "the run after it", s.Up())
	}
}

// TestEngineLater is what happens to an environment in the months after it was made.
func TestEngineLater(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "dev", nil, fixed(t, "first release"))
	succeed(t, s.Up())

	t.Run("the jump server is stopped", func(t *testing.T) {
		if err := s.Cloud.Stop("dossier-jump"); err != nil {
			t.Fatal(err)
		}
		succeed(t, s.Refresh())
		unchanged(t, "the run after a refresh", s.Up())
	})
	t.Run("with operators, the jump server is stopped", func(t *testing.T) {
		operators := values{"jump.operatorCIDRs": []any{"203.0.113.0/24"}}
		s.Configure(environment(t, "dev", operators))
		succeed(t, s.Up())
		if err := s.Cloud.Stop("dossier-jump"); err != nil {
			t.Fatal(err)
		}
		succeed(t, s.Refresh())
		unchanged(t, "the run after a refresh", s.Up())
		s.Configure(environment(t, "dev", nil))
		succeed(t, s.Up())
	})
	t.Run("another major version", func(t *testing.T) {
		next := values{"database.version": "9.7"}
		s.Configure(environment(t, "dev", next))
		r := s.Up()
		if r.Err == nil || !strings.Contains(r.Err.Error(), "AllowMajorVersionUpgrade") {
			t.Fatalf("a major upgrade that nobody allowed was not refused: %v", r.Err)
		}
		s.Configure(environment(t, "dev", with(next, values{"database.allowMajorUpgrade": true})))
		changed := succeed(t, s.Up())
		if !slices.Contains(changed.Changes, "update "+databaseName) {
			t.Errorf("the database was not upgraded: %v", changed.Changes)
		}
		s.Configure(environment(t, "dev", next))
		changes(t, s.Up(), "update "+databaseName)
	})
	t.Run("a zone loses the instances' type", func(t *testing.T) {
		s.Cloud.Lack("us-east-1a", "t4g.micro")
		unchanged(t, "a run", s.Up())
	})
}

// TestEngineZones: zones that lack a type are passed over, and that too few are left is said before the first resource.
func TestEngineZones(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "dev", nil, fixed(t, "first release"))
	for _, letter := range "abcd" {
		s.Cloud.Lack(fmt.Sprintf("us-east-1%c", letter), "t4g.micro")
	}
	succeed(t, s.Up())
	for i, want := range []string{"us-east-1e", "us-east-1f"} {
		subnet, _ := s.Cloud.Get("aws:ec2/subnet:Subnet", fmt.Sprintf("dossier-network-private-%d", i+1))
		if got := subnet.Inputs["availabilityZone"].StringValue(); got != want {
			t.Errorf("private subnet %d is in %s, want %s", i+1, got, want)
		}
	}
	few := newStack(t, "dev", nil, fixed(t, "first release"))
	for _, letter := range "abcde" {
		few.Cloud.Lack(fmt.Sprintf("us-east-1%c", letter), "db.t4g.micro")
	}
	r := few.Up()
	if r.Err == nil || !strings.Contains(r.Err.Error(), "network.zones is 2, and 1 of the region's 6 availability "+
		"zones offer what the settings ask for") {
		t.Errorf("one zone offers the database's class, and two are asked for: %v", r.Err)
	}
	for _, r := range few.Cloud.Resources() {
		if strings.HasPrefix(r.Token, "aws:ec2/") || strings.HasPrefix(r.Token, "aws:rds/") {
			t.Errorf("made all the same: %s %s", r.Token, r.Name)
		}
	}
	named := newStack(t, "dev", values{"network.zoneNames": []any{"us-east-1d", "us-east-1b"}},
		fixed(t, "first release"))
	succeed(t, named.Up())
	if subnet, _ := named.Cloud.Get("aws:ec2/subnet:Subnet",
		"dossier-network-private-1"); subnet.Inputs["availabilityZone"].StringValue() != "us-east-1d" {
		t.Errorf("the first private subnet is in %v, and the settings name us-east-1d",
			subnet.Inputs["availabilityZone"])
	}
}
