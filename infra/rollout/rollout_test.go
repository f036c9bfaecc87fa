package rollout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/infra/rollout"
)

// expect checks exit status and what must stand in one of the outputs.
func expect(t *testing.T, got outcome, status int, words ...string) {
	t.Helper()
	all := got.stdout + got.stderr
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("%q is not in the output", word)
		}
	}
	if got.status != status {
		t.Errorf("exit status %d, expected %d", got.status, status)
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", got.stdout, got.stderr)
	}
}

func expectChanges(t *testing.T, w *world, expected ...string) {
	t.Helper()
	if got := w.changes(); !slices.Equal(got, expected) {
		t.Errorf("the command called %q, expected %q", got, expected)
	}
}

func TestRollsOutANewVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		got := w.run(flags("--alarms", "errors, latency", "--warmup", "90s", "--bake", "5m")...)
		expect(t, got, 0,
			"started the instance refresh refresh-1 of dossier-test-app from version 7 of "+templateID+" to version 8",
			"refresh-1: InProgress, 0 %, 2 instances left", "refresh-1: InProgress, 50 %, 1 instance left",
			"refresh-1: Successful, 100 %",
			"/readyz returned 200 5 times in a row")
		const result = "refreshed: version 8 of lt-0123456789abcdef0 serves on dossier-test-app: 2 instances in " +
			"service, " +
			"all healthy in the load balancer; https://files.example.org/readyz returned 200\n"
		if got.stdout != result {
			t.Errorf("stdout:\n%q\nexpected:\n%q", got.stdout, result)
		}
		expectChanges(t, w, "StartInstanceRefresh")
		expected := url.Values{
			"AutoScalingGroupName": {groupName}, "Strategy": {"Rolling"},
			"DesiredConfiguration.LaunchTemplate.LaunchTemplateId": {templateID},
			"DesiredConfiguration.LaunchTemplate.Version":          {"8"},
			"Preferences.MinHealthyPercentage":                     {"100"},
			"Preferences.MaxHealthyPercentage":                     {"110"},
			"Preferences.InstanceWarmup":                           {"90"},
			"Preferences.BakeTime":                                 {"300"},
			"Preferences.SkipMatching":                             {"true"},
			"Preferences.AutoRollback":                             {"true"},
			"Preferences.ScaleInProtectedInstances":                {"Refresh"},
			"Preferences.StandbyInstances":                         {"Ignore"},
			"Preferences.AlarmSpecification.Alarms.member.1":       {"errors"},
			"Preferences.AlarmSpecification.Alarms.member.2":       {"latency"},
		}
		if sent := w.of("StartInstanceRefresh")[0].form; !maps.EqualFunc(sent, expected, slices.Equal) {
			t.Errorf("sent:\n%v\nexpected:\n%v", sent, expected)
		}
		if w.asked != 5 {
			t.Errorf("the site was asked %d times", w.asked)
		}
		for line, n := range countLines(got.stderr) {
			if n > 1 {
				t.Errorf("said %d times: %s", n, line)
			}
		}
	})
}

// countLines counts the lines without the time before them.
func countLines(s string) map[string]int {
	lines := map[string]int{}
	for line := range strings.Lines(s) {
		if _, after, ok := strings.Cut(line, "] "); ok {
			line = after
		}
		lines[line]++
	}
	return lines
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		got := w.runWith(context.Background(), []string{
			"PATH=/usr/bin",
			rollout.EnvGroup + "=" + groupName, rollout.EnvTemplate + "=" + templateID, rollout.EnvVersion + "=6",
			rollout.EnvTargetGroup + "=" + targetGroup, rollout.EnvURL + "=" + siteURL, rollout.EnvAlarms + "=errors",
			rollout.EnvMinHealthy + "=50", rollout.EnvMaxHealthy + "=150", rollout.EnvWarmup + "=30s", rollout.EnvBake +
				"=1m",
			rollout.EnvTimeout + "=30m", rollout.EnvRegion + "=eu-central-1", rollout.EnvJSON + "=true",
			rollout.EnvCheck + "=",
			rollout.EnvCancelRunning + "=false",
		}, "--version", "8", "--warmup=45s")
		expect(t, got, 0)
		sent := w.of("StartInstanceRefresh")[0].form
		for name, value := range map[string]string{
			"DesiredConfiguration.LaunchTemplate.Version": "8", "Preferences.InstanceWarmup": "45",
			"Preferences.BakeTime":             "60",
			"Preferences.MinHealthyPercentage": "50", "Preferences.MaxHealthyPercentage": "150",
			"Preferences.AlarmSpecification.Alarms.member.1": "errors",
		} {
			if sent.Get(name) != value {
				t.Errorf("%s = %q, expected %q", name, sent.Get(name), value)
			}
		}
		expected := rollout.Result{
			Outcome: "refreshed", Group: groupName, Template: templateID, Version: "8", Refresh: "refresh-1",
			InService: 2,
			Asked:     siteURL + "/readyz",
		}
		if result := decode(t, got.stdout); result != expected {
			t.Errorf("result %+v\nexpected %+v", result, expected)
		}
	})
}

func decode(t *testing.T, stdout string) rollout.Result {
	t.Helper()
	var result rollout.Result
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatalf("stdout is not one JSON value: %s\n%s", err, stdout)
	}
	return result
}

func TestWhatIsThereIsNotRefreshed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		got := w.run(flags("--version", "7")...)
		expect(t, got, 0, "already has version 7 of "+templateID+": no instance refresh is needed",
			"unchanged: version 7")
		expectChanges(t, w)
	})
}

func TestFirstUpWaitsForTheInstancesToBoot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.version, w.instances = "8", nil
		w.in(-time.Hour, func() { // an old failure, of no interest
			w.activities = append(w.activities, activity{id: "old", status: "Failed", description: "Launching",
				message: "long ago", at: time.Now().Add(-time.Hour)})
		})
		w.in(30*time.Second, func() {
			w.activities = slices.Insert(w.activities, 0, activity{
				id: "a", status: "Failed", description: "Launching a new EC2 instance",
				message: "We currently do not have sufficient t4g.small capacity", at: time.Now(),
			})
		})
		w.in(time.Minute, func() { w.boot("8"); w.boot("8") })
		got := w.run(flags()...)
		expect(t, got, 0, "no instance refresh is needed", "waiting: 0 of 2 instances in service", "is Pending:Wait",
			"sufficient t4g.small capacity",
			"initial (Target registration is in progress)", "unchanged: version 8")
		if strings.Contains(got.stderr, "long ago") {
			t.Error("tells a failure from before this rollout")
		}
		expectChanges(t, w)
	})
}

func TestJoinsARefreshToTheSameVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.replace(w.begin("8", "InProgress"))
		expect(t, w.run(flags()...), 0, "refresh-1 to version 8 of "+templateID+" is already running: waiting for it",
			"refreshed: version 8")
		expectChanges(t, w)
	})
}

func TestJoinsARefreshThatBakes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, i := range w.instances {
			i.version = "8"
		}
		r := w.begin("8", "Baking")
		w.in(5*time.Minute, func() { r.status, w.version = "Successful", "8" })
		expect(t, w.run(flags()...), 0, "refresh-1: Baking", "refreshed: version 8")
		expectChanges(t, w)
	})
}

func TestWaitsForAnotherRefresh(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		other := w.begin("9", "InProgress")
		w.replace(other)
		got := w.run(flags()...)
		expect(t, got, 0,
			"another instance refresh, refresh-1 to version 9 of "+templateID+", is InProgress: waiting for it to end",
			"started the instance refresh refresh-2", "refreshed: version 8")
		expectChanges(t, w, "StartInstanceRefresh")
		if other.status != "Successful" {
			t.Errorf("the other refresh is %s", other.status)
		}
	})
}

func TestWaitsForTheRollbackOfTheSameVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.begin("8", "RollbackInProgress")
		w.in(4*time.Minute, func() { r.status = "RollbackSuccessful" })
		expect(t, w.run(flags()...), 0, "another instance refresh, refresh-1 to version 8", "is RollbackInProgress",
			"started the instance refresh refresh-2")
		expectChanges(t, w, "StartInstanceRefresh")
	})
}

func TestCancelsAnotherRefreshWhereAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		other := w.begin("9", "InProgress")
		got := w.run(flags("--cancel-running")...)
		expect(t, got, 0, "is InProgress: cancelling it", "refreshed: version 8")
		expectChanges(t, w, "CancelInstanceRefresh", "StartInstanceRefresh")
		if other.status != "Cancelled" {
			t.Errorf("the other refresh is %s", other.status)
		}
	})
}

func TestDoesNotCancelItsOwnVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.replace(w.begin("8", "InProgress"))
		expect(t, w.run(flags("--cancel-running")...), 0, "is already running: waiting for it")
		expectChanges(t, w)
	})
}

func TestAnotherRefreshStartedInTheSameMoment(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.faults["StartInstanceRefresh"] = []answer{{status: 400, code: "InstanceRefreshInProgress",
			message: "An Instance Refresh is already in progress"}}
		w.in(5*time.Second, func() { w.replace(w.begin("8", "InProgress")) })
		expect(t, w.run(flags()...), 0, "is already running: waiting for it", "refreshed: version 8")
		expectChanges(t, w, "StartInstanceRefresh")
	})
}

func TestStartWhoseAnswerIsLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.faults["StartInstanceRefresh"] = []answer{{status: 500, code: "InternalFailure", message: "lost",
			after: true}}
		expect(t, w.run(flags()...), 0, "is already running: waiting for it", "refreshed: version 8")
		if len(w.refreshes) != 1 {
			t.Errorf("%d refreshes were started", len(w.refreshes))
		}
	})
}

func TestFailedRefreshIsExplained(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails = true
		got := w.run(flags("--json")...)
		expect(t, got, 1,
			"refresh-1: RollbackInProgress, 0 %, 2 instances left: rolled back: Rollback started automatically",
			"version 8 of "+templateID+" was not rolled out on dossier-test-app: the instance refresh refresh-1 "+
				"ended as RollbackSuccessful: Instance launches failed too often.",
			"Cancelled: Launching a new EC2 instance: i-00000000000000003: Instance failed to complete user's "+
				"Lifecycle Action",
			"what serves now: 2 instances with version 7 of "+templateID+"; the group is pinned to version 7 of "+templateID,
			"fix: the group serves the previous version; fix the cause, then run pulumi up again")
		result := decode(t, got.stdout)
		if result.Outcome != "failed" || result.InService != 0 || !strings.Contains(result.Error, "ABANDON") {
			t.Errorf("result %+v", result)
		}
		if w.asked != 0 {
			t.Error("the site was asked after a failure")
		}
	})
}

// TestAlarmThatRingsAlready: what mends the cause of an alarm can be rolled out while it rings, and the others still
// end the refresh.
func TestAlarmThatRingsAlready(t *testing.T) {
	for _, c := range []struct {
		name          string
		ringing       []string
		watched, says []string
	}{
		{"none", []string{"of-another-stack"}, []string{"errors", "latency"}, nil},
		{"one", []string{"errors"}, []string{"latency"},
			[]string{"the alarm errors is in ALARM already, so it says nothing of version 8"}},
		{"all", []string{"errors", "latency"}, nil, []string{"the alarm errors is", "the alarm latency is"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.ringing = c.ringing
				got := w.run(flags("--alarms", "errors,latency")...)
				expect(t, got, 0, c.says...)
				var watched []string
				form := w.of("StartInstanceRefresh")[0].form
				for n := 1; ; n++ {
					name := form.Get(fmt.Sprintf("Preferences.AlarmSpecification.Alarms.member.%d", n))
					if name == "" {
						break
					}
					watched = append(watched, name)
				}
				if !slices.Equal(watched, c.watched) {
					t.Errorf("the refresh watches %q, expected %q", watched, c.watched)
				}
				if c.says == nil && strings.Contains(got.stderr, "ALARM") {
					t.Errorf("stderr:\n%s", got.stderr)
				}
			})
		})
	}
	t.Run("one that goes off later", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.in(10*time.Second, func() { w.ringing = []string{"errors"} })
			expect(t, w.run(flags("--alarms", "errors,latency")...), 1, "The alarm errors is in ALARM")
		})
	})
	t.Run("without the right to ask", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.faults["DescribeAlarms"] = []answer{{status: 403, code: "AccessDenied", message: "not authorized"}}
			expect(t, w.run(flags("--alarms", "errors")...), 0, "describing the alarms errors",
				"if one of them is in ALARM already, the refresh is given up at once")
			if got := w.of("StartInstanceRefresh")[0].form.Get("Preferences.AlarmSpecification.Alarms.member.1"); got !=
				"errors" {
				t.Errorf("the refresh watches %q", got)
			}
		})
	})
}

func TestEndsThatAreNotSuccess(t *testing.T) {
	for status, words := range map[string]string{
		"RollbackFailed": "the group may hold both versions: deploy the earlier revision",
		"Failed":         "it was not rolled back, so the group may hold both versions",
		"Cancelled":      "someone cancelled the refresh; the replaced instances stay",
	} {
		t.Run(status, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				r := w.begin("8", "InProgress")
				w.in(time.Minute, func() { r.status, r.why = status, "an alarm <errors> is in ALARM" })
				expect(t, w.run(flags()...), 1, "ended as "+status+": an alarm <errors> is in ALARM", words,
					"the group has no failed launch or termination since then")
			})
		})
	}
}

func TestNoRollbackToTheVersionItself(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.version, w.fails = "8", true
		got := w.run(flags()...)
		expect(t, got, 1, "without automatic rollback: the group is already pinned to version 8", "ended as Failed")
		if sent := w.of("StartInstanceRefresh")[0].form.Get("Preferences.AutoRollback"); sent != "false" {
			t.Errorf("AutoRollback = %s", sent)
		}
	})
}

func TestNoRollbackFromAGroupWithoutANumber(t *testing.T) {
	for _, version := range []string{"$Latest", "$Default"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.version = version
			expect(t, w.run(flags()...), 0, "without automatic rollback: the group follows "+version,
				"refreshed: version 8")
		})
	}
}

func TestOldInstanceThatIsStillToServeIsRefreshed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.version = "8"
		w.instances[0].version, w.instances[1].version = "8", "8"
		w.boot("7")
		expect(t, w.run(flags("--timeout", "10m")...), 1)
		expectChanges(t, w, "StartInstanceRefresh")
	})
}

func TestThrottlingSlowsTheQuestionsDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 30 {
			w.faults["DescribeInstanceRefreshes"] = append(w.faults["DescribeInstanceRefreshes"],
				answer{status: 400, code: "Throttling", message: "Rate exceeded"})
		}
		start := time.Now()
		got := w.run(flags()...)
		expect(t, got, 0, "Rate exceeded; retrying in 20s", "retrying in 2m0s", "refreshed: version 8")
		first := w.of("DescribeInstanceRefreshes")[:31]
		if took := first[30].at.Sub(start); took < 8*time.Minute {
			t.Errorf("31 questions were asked in %s although AWS throttles", took)
		}
	})
}

func TestRefusalsEndAtOnce(t *testing.T) {
	for action, code := range map[string]string{
		"DescribeAutoScalingGroups": "AccessDenied", "DescribeInstanceRefreshes": "ExpiredToken",
		"StartInstanceRefresh": "ValidationError",
		"DescribeTargetHealth": "TargetGroupNotFound",
	} {
		t.Run(action, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.faults[action] = []answer{{status: 400, code: code, message: "the reason of AWS"}}
				expect(t, w.run(flags()...), 1, code, "the reason of AWS", "was not rolled out on dossier-test-app")
				if n := len(w.of(action)); n != 1 {
					t.Errorf("%s was called %d times", action, n)
				}
			})
		})
	}
}

func TestDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		start := time.Now()
		got := w.run(flags("--timeout", "4m")...)
		expect(t, got, 1, "it took longer than 4m0s", "the instance refresh refresh-1 continues in AWS",
			"aws autoscaling cancel-instance-refresh --auto-scaling-group-name dossier-test-app",
			"rollout rollback --group dossier-test-app",
			"what serves now: 1 instance with version 7 of "+templateID+" and 1 instance with version 8 of "+templateID)
		if took := time.Since(start); took < 4*time.Minute || took > 5*time.Minute {
			t.Errorf("took %s", took)
		}
		expectChanges(t, w, "StartInstanceRefresh")
	})
}

func TestInterrupted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		start := time.Now()
		got := w.runWith(ctx, nil, flags("--json")...)
		expect(t, got, 130, "interrupted: stopped waiting for dossier-test-app",
			"the instance refresh refresh-1 continues in AWS",
			"aws autoscaling cancel-instance-refresh")
		if result := decode(t, got.stdout); result.Outcome != "interrupted" || result.Refresh != "refresh-1" {
			t.Errorf("result %+v", result)
		}
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("ended %s after the start", took)
		}
		expectChanges(t, w, "StartInstanceRefresh")
	})
}

func TestInterruptedWithNothingRunning(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.version, w.instances = "8", nil
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		expect(t, w.runWith(ctx, nil, flags()...), 130, "nothing started by this command is running in AWS")
	})
}

func TestGroupScaledToZero(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.desired, w.instances = 0, nil
		expect(t, w.run(flags()...), 1, "the group is scaled to zero: pinned it to version 8", "cannot be verified",
			"set-desired-capacity --auto-scaling-group-name dossier-test-app")
		expectChanges(t, w, "UpdateAutoScalingGroup")
		expected := url.Values{
			"AutoScalingGroupName": {groupName}, "LaunchTemplate.LaunchTemplateId": {templateID},
			"LaunchTemplate.Version": {"8"},
		}
		if sent := w.of("UpdateAutoScalingGroup")[0].form; !maps.EqualFunc(sent, expected, slices.Equal) {
			t.Errorf("sent %v", sent)
		}

		w.calls = nil
		expect(t, w.run(flags()...), 1, "cannot be verified") // the second time it is pinned already
		expectChanges(t, w)

		w.desired = 1
		w.boot("8")
		expect(t, w.run(flags()...), 0, "unchanged: version 8", "1 instance in service")
		expectChanges(t, w)
	})
}

func TestGroupsThatCannotBeRefreshed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		words  string
	}{
		"absent": {func(w *world) { w.gone = true },
			"no Auto Scaling group dossier-test-app exists in this account and region"},
		"being deleted": {func(w *world) { w.status = "Delete in progress" },
			"the group is being deleted (Delete in progress)"},
		"mixed": {func(w *world) { w.template = "" }, "mixed instances policy"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c.change(w)
				expect(t, w.run(flags()...), 1, c.words)
				expectChanges(t, w)
			})
		})
	}
}

func TestSuspendedProcessesAreTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.suspended = []string{"Launch", "AZRebalance"}
		got := w.run(flags()...)
		expect(t, got, 0, "the process Launch of the group is suspended",
			"resume-processes --auto-scaling-group-name dossier-test-app --scaling-processes Launch")
		if strings.Contains(got.stderr, "AZRebalance") {
			t.Error("tells a process that no refresh needs")
		}
	})
}

func TestStandbyIsLeftAloneAndNamed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.desired = 1
		w.instances[0].state, w.instances[0].target = "Standby", ""
		expect(t, w.run(flags()...), 0, "note: i-00000000000000001 is in Standby with version 7",
			"1 instance in service")
	})
}

func TestVerificationFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		words  string
	}{
		"unhealthy target": {
			func(w *world) {
				w.instances[0].target, w.instances[0].targetWhy = "unhealthy",
					"Health checks failed with these codes: [503]"
			},
			"the load balancer finds i-00000000000000001 unhealthy (Health checks failed with these codes: [503])",
		},
		"health checks off": {func(w *world) { w.instances[0].target = "unavailable" },
			"the load balancer finds i-00000000000000001 unavailable"},
		"not registered": {func(w *world) { w.instances[0].target = "" },
			"i-00000000000000001 is not in the target group"},
		"unhealthy instance": {func(w *world) { w.instances[0].health = "Unhealthy" },
			"the group considers i-00000000000000001 unhealthy"},
		"too few": {func(w *world) { w.desired = 3 }, "2 of 3 instances in service"},
		"other version": {
			func(w *world) { w.instances[0].version = "7" },
			"i-00000000000000001 has version 7 of " + templateID,
		},
		"other template": {
			func(w *world) { w.instances[0].template = "lt-0ffffffffffffffff" },
			"i-00000000000000001 has version 8 of lt-0ffffffffffffffff",
		},
		"old one still serves": {
			func(w *world) {
				old := w.serve("7")
				old.state = "Terminating:Wait"
			},
			"the load balancer still sends requests to i-00000000000000003",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.version = "8"
				for _, i := range w.instances {
					i.version = "8"
				}
				c.change(w)
				start := time.Now()
				got := w.run(flags("--check")...)
				expect(t, got, 1, c.words,
					"version 8 of "+templateID+" does not serve on dossier-test-app: after 2m0s: ")
				if took := time.Since(start); took < 2*time.Minute {
					t.Errorf("gave up after %s", took)
				}
				expectChanges(t, w)
				if w.asked != 0 {
					t.Error("asked the site although the group is not right")
				}
			})
		})
	}
}

func TestDrainingTargetsAreNoneThatServe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, state := range []string{"draining", "unhealthy.draining"} {
			old := w.serve("6")
			old.state, old.target = "Terminating", state
		}
		expect(t, w.run(flags("--version", "7")...), 0, "unchanged: version 7")
	})
}

func TestCheckStartsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		start := time.Now()
		got := w.run(flags("--check")...)
		expect(t, got, 1,
			"the group is pinned to version 7 of "+templateID+", not to version 8 of "+templateID+
				", and no refresh to it is running",
			"fix: run pulumi up, or this command without --check")
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %s for what nothing brings", took)
		}
		expect(t, w.run(flags("--check", "--version", "7")...), 0, "verified: version 7")
		expectChanges(t, w)
	})
}

func TestCheckWaitsForARefreshThatRuns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.replace(w.begin("8", "InProgress"))
		expect(t, w.run(flags("--check", "--timeout", "20m")...), 0, "the group is pinned to version 7",
			"verified: version 8")
		expectChanges(t, w)
	})
}

func TestCheckOfAnEmptyGroup(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.desired, w.instances = 0, nil
		expect(t, w.run(flags("--check", "--version", "7")...), 1, "the group is scaled to zero, so nothing serves")
		expectChanges(t, w)
	})
}

func TestSiteMustAnswerSeveralTimesInARow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.site = func(n int) *http.Response {
			if n == 4 {
				return page(http.StatusServiceUnavailable, "database: no connection\n")
			}
			return page(http.StatusOK, "ready\n")
		}
		expect(t, w.run(flags("--version", "7")...), 0, `503 Service Unavailable: "database: no connection\n"`,
			"returned 200 5 times in a row")
		if w.asked != 9 {
			t.Errorf("asked %d times, expected 9: three, one bad, five", w.asked)
		}
	})
}

func TestSiteThatNeverAnswersWell(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.site = func(int) *http.Response { return page(http.StatusBadGateway, strings.Repeat("x", 5000)) }
		start := time.Now()
		got := w.run(flags("--version", "7")...)
		expect(t, got, 1, "did not return 200 5 times in a row: 502 Bad Gateway",
			"check what is in front of it (name, certificate, listener)")
		if took := time.Since(start); took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("took %s", took)
		}
		if len(got.stderr) > 3000 {
			t.Errorf("%d bytes on stderr", len(got.stderr))
		}
	})
}

func TestRedirectIsNotTheSite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.site = func(int) *http.Response {
			answer := page(http.StatusMovedPermanently, "")
			answer.Header.Set("Location", "https://www.example.org/readyz")
			return answer
		}
		expect(t, w.run(flags("--version", "7")...), 1,
			"301 Moved Permanently to https://www.example.org/readyz: use the final address as --url")
	})
}

func TestWithoutAnAddressTheSiteIsNotAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		got := w.run(flags("--version", "7", "--url", "")...)
		expect(t, got, 0, "no --url: the site itself is not checked")
		if w.asked != 0 || strings.Contains(got.stdout, "returned 200") {
			t.Errorf("asked %d times; stdout: %s", w.asked, got.stdout)
		}
	})
}

func TestRollback(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.begin("8", "InProgress")
		got := w.run("rollback", "--group", groupName, "--json")
		expect(t, got, 0, "rolling back the instance refresh refresh-1 to version 8",
			"refresh-1: RollbackInProgress")
		expectChanges(t, w, "RollbackInstanceRefresh")
		expected := rollout.Result{Outcome: "rolled-back", Group: groupName, Refresh: "refresh-1"}
		if result := decode(t, got.stdout); result != expected {
			t.Errorf("result %+v", result)
		}
	})
}

func TestRollbackThatRunsAlready(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.begin("8", "RollbackInProgress")
		w.in(time.Minute, func() { r.status = "RollbackSuccessful" })
		got := w.run("rollback", "--group", groupName)
		expect(t, got, 0, "is already being rolled back", "rolled back: the refresh refresh-1 of dossier-test-app")
		expectChanges(t, w)
	})
}

func TestRollbacksThatCannotBe(t *testing.T) {
	const deploy = "deploy the earlier revision"
	for name, c := range map[string]struct {
		change func(w *world)
		words  string
	}{
		"nothing runs": {func(w *world) { w.begin("8", "Successful") },
			"no instance refresh of dossier-test-app is running"},
		"cancelling": {func(w *world) { w.begin("8", "Cancelling") },
			"is being cancelled, which keeps the replaced instances"},
		"ended just now": {func(w *world) {
			w.begin("8", "InProgress")
			w.faults["RollbackInstanceRefresh"] = []answer{{status: 400, code: "ActiveInstanceRefreshNotFound",
				message: "none"}}
		}, "no instance refresh of dossier-test-app is running"},
		"irreversible": {func(w *world) {
			w.begin("8", "InProgress")
			w.faults["RollbackInstanceRefresh"] = []answer{{status: 400, code: "IrreversibleInstanceRefresh",
				message: "uses $Latest"}}
		}, "aws autoscaling cancel-instance-refresh"},
		"fails": {func(w *world) {
			r := w.begin("8", "RollbackInProgress")
			w.in(time.Minute, func() { r.status = "RollbackFailed" })
		}, "the rollback failed too, so the group may hold both versions"},
		"through first": {func(w *world) {
			r := w.begin("8", "RollbackInProgress")
			w.in(time.Minute, func() { r.status = "Successful" })
		}, "the refresh finished before it could be rolled back"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c.change(w)
				expect(t, w.run("rollback", "--group", groupName), 1, "nothing was rolled back on dossier-test-app",
					c.words, deploy)
			})
		})
	}
}
