package prove_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/prove"
)

// outcome is what a call of the command left.
type outcome struct {
	status         int
	stdout, stderr string
}

// call calls the command in a world.
func (w *world) call(ctx context.Context, environment map[string]string, args ...string) outcome {
	outputs, err := json.Marshal(w.stack.Outputs)
	if err != nil {
		w.t.Fatal(err)
	}
	stack := w.stack.Settings.Stack
	var stdout, stderr bytes.Buffer
	status := prove.Command{
		Args: append(args, stack), Getenv: func(name string) string { return environment[name] },
		ReadFile: func(name string) ([]byte, error) {
			if name != "./Pulumi."+stack+".yaml" {
				return nil, os.ErrNotExist
			}
			return []byte("config:\n  aws:region: " + region + "\n  dossier:settings: " + stacks[stack] + "\n"), nil
		},
		Stdin: bytes.NewReader(outputs), Stdout: &stdout, Stderr: &stderr, Network: w, DNS: w,
		AWS:     func(context.Context, string) (aws.Config, error) { return w.Config(region), nil },
		Execute: w.execute,
	}.Run(ctx)
	return outcome{status, stdout.String(), stderr.String()}
}

// drilled calls the command with drills in a bubble, and returns what the report says of them.
func (w *world) drilled(ctx context.Context, environment map[string]string, names string) (outcome, []prove.Point) {
	got := w.call(ctx, environment, "--format", "json", "--drills", names)
	var report prove.Report
	if got.status != 2 {
		if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
			w.t.Fatalf("%v in:\n%s\n%s", err, got.stdout, got.stderr)
		}
	}
	return got, report.Drills
}

func expectDrill(t *testing.T, points []prove.Point, result, seen string) {
	t.Helper()
	if len(points) != 1 || points[0].Result != result || !strings.Contains(points[0].Seen, seen) {
		t.Errorf("%+v, expected %s: %s", points, result, seen)
	}
}

// changes are the operations that do not only read.
func (w *world) changes() (list []string) {
	for _, call := range w.Calls() {
		_, operation, _ := strings.Cut(call, ".")
		if !slices.ContainsFunc([]string{"Get", "Describe", "List", "Head", "Filter", "Scan"}, func(p string) bool {
			return strings.HasPrefix(operation, p)
		}) {
			list = append(list, operation)
		}
	}
	return list
}

// living makes the group of a world a living one, in which instances come and go.
type living struct {
	*world
	version  string
	desired  int
	ids      []string
	bootsAt  []time.Time
	launched int
	refresh  *scalingtypes.InstanceRefresh
}

const boot = 2 * time.Minute

func (w *world) live() *living {
	l := &living{world: w, version: "7", desired: w.stack.Settings.Service.Min}
	w.now = time.Now()
	for i := range l.desired {
		l.ids, l.bootsAt = append(l.ids, fmt.Sprintf("i-app%d", i+1)), append(l.bootsAt, time.Time{})
	}
	l.launched = l.desired
	awsfake.Change(w.Cloud,
		func(_ *autoscaling.DescribeAutoScalingGroupsInput, out *autoscaling.DescribeAutoScalingGroupsOutput) {
			l.fill()
			g := &out.AutoScalingGroups[0]
			g.DesiredCapacity, g.LaunchTemplate.Version, g.Instances = aws.Int32(int32(l.desired)), &l.version, nil
			for i, id := range l.ids {
				state := scalingtypes.LifecycleStateInService
				if time.Now().Before(l.bootsAt[i]) {
					state = scalingtypes.LifecycleStatePendingWait
				}
				g.Instances = append(g.Instances, scalingtypes.Instance{InstanceId: &id, LifecycleState: state,
					HealthStatus: aws.String("Healthy"),
					LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: aws.String(templateID),
						Version: &l.version}})
			}
		})
	awsfake.Change(w.Cloud, func(_ *elb.DescribeTargetHealthInput, out *elb.DescribeTargetHealthOutput) {
		out.TargetHealthDescriptions = nil
		for _, id := range l.ids {
			out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbtypes.TargetHealthDescription{
				Target:       &elbtypes.TargetDescription{Id: &id},
				TargetHealth: &elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumHealthy},
			})
		}
	})
	awsfake.On(w.Cloud,
		func(_ context.Context, in *autoscaling.SetDesiredCapacityInput) (*autoscaling.SetDesiredCapacityOutput,
			error) {
			l.desired = int(*in.DesiredCapacity)
			for len(l.ids) > l.desired {
				l.ids, l.bootsAt = l.ids[1:], l.bootsAt[1:]
			}
			return &autoscaling.SetDesiredCapacityOutput{}, nil
		})
	awsfake.On(w.Cloud,
		func(_ context.Context,
			in *autoscaling.TerminateInstanceInAutoScalingGroupInput) (
			*autoscaling.TerminateInstanceInAutoScalingGroupOutput, error) {
			at := slices.Index(l.ids, *in.InstanceId)
			l.ids, l.bootsAt = slices.Delete(l.ids, at, at+1), slices.Delete(l.bootsAt, at, at+1)
			return &autoscaling.TerminateInstanceInAutoScalingGroupOutput{}, nil
		})
	return l
}

// fill launches what the group lacks.
func (l *living) fill() {
	for len(l.ids) < l.desired {
		l.launched++
		l.ids, l.bootsAt = append(l.ids, fmt.Sprintf("i-app%d", l.launched)), append(l.bootsAt, time.Now().Add(boot))
	}
}

var yes = map[string]string{"PROD": "yes"}

func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "prod").live()
		got, points := w.drilled(t.Context(), yes, "replace")
		expectDrill(t, points, prove.Proven, "replaced; the site kept responding")
		if !slices.Equal(w.changes(), []string{"TerminateInstanceInAutoScalingGroup"}) || w.launched != 3 {
			t.Errorf("%q, %d launched", w.changes(), w.launched)
		}
		if !strings.Contains(got.stderr,
			"drill replace: Ends one of the app's instances and waits until the group replaced it. It costs ") ||
			got.status != 0 {
			t.Errorf("status %d:\n%s", got.status, got.stderr)
		}
	})
}

// TestReplaceOfOne: a group of one gets a second instance first, and loses it again.
func TestReplaceOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev").live()
		_, points := w.drilled(t.Context(), nil, "replace")
		expectDrill(t, points, prove.Proven, "replaced")
		if w.desired != 1 ||
			!slices.Equal(w.changes(), []string{"SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup",
				"SetDesiredCapacity"}) {
			t.Errorf("%d wanted after %q", w.desired, w.changes())
		}
	})
}

func TestReplaceNoticesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "prod").live()
		awsfake.Change(w.Cloud,
			func(*autoscaling.TerminateInstanceInAutoScalingGroupInput,
				*autoscaling.TerminateInstanceInAutoScalingGroupOutput) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.answers[w.stack.Outputs.URL+"/livez"] = page{status: http.StatusBadGateway, header: http.Header{}}
			})
		got, points := w.drilled(t.Context(), yes, "replace")
		expectDrill(t, points, prove.Wrong, "requests failed, the last: 502")
		if got.status != 1 {
			t.Errorf("status %d", got.status)
		}
	})
}

// TestInterrupted: what was begun is undone, with a time of its own.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev").live()
		ctx, cancel := context.WithCancel(t.Context())
		awsfake.Change(w.Cloud,
			func(*autoscaling.TerminateInstanceInAutoScalingGroupInput,
				*autoscaling.TerminateInstanceInAutoScalingGroupOutput) {
				cancel()
			})
		got, points := w.drilled(ctx, nil, "replace,again")
		expectDrill(t, points, prove.Unseen, "interrupted")
		if w.desired != 1 || got.status != 130 {
			t.Errorf("%d wanted, status %d", w.desired, got.status)
		}
	})
}

func TestUndoThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev").live()
		awsfake.Change(w.Cloud,
			func(*autoscaling.TerminateInstanceInAutoScalingGroupInput,
				*autoscaling.TerminateInstanceInAutoScalingGroupOutput) {
				w.Deny("autoscaling.SetDesiredCapacity")
			})
		_, points := w.drilled(t.Context(), nil, "replace")
		expectDrill(t, points, prove.Wrong,
			"not undone: set the size of dossier-dev-app to 1 again: aws autoscaling set-desired-capacity")
	})
}

func TestProtectedStackRefuses(t *testing.T) {
	w := deployed(t, "prod").live()
	got, _ := w.drilled(t.Context(), nil, "again,replace")
	if got.status != 2 || !strings.Contains(got.stderr, "PROD=yes") || len(w.Calls()) > 0 {
		t.Errorf("status %d, %s, called %q", got.status, got.stderr, w.Calls())
	}
	// Nothing in AWS changes by this one.
	got, points := w.drilled(t.Context(), nil, "again")
	expectDrill(t, points, prove.Proven, "no changes")
	if !slices.Equal(w.executed,
		[]string{"pulumi preview --stack prod --non-interactive --refresh --diff --expect-no-changes"}) {
		t.Errorf("%q, status %d", w.executed, got.status)
	}
}

func TestAgainNoticesChanges(t *testing.T) {
	w := deployed(t, "dev")
	w.executeError = errors.New("exit status 255")
	_, points := w.drilled(t.Context(), nil, "again")
	expectDrill(t, points, prove.Wrong, "pulumi preview: exit status 255")
}

// rolling lets the world roll out: the refresh to a version ends so after some minutes.
func (l *living) rolling(ends scalingtypes.InstanceRefreshStatus) {
	var made, deleted []string
	awsfake.On(l.Cloud,
		func(_ context.Context, in *ec2.CreateLaunchTemplateVersionInput) (*ec2.CreateLaunchTemplateVersionOutput,
			error) {
			script, err := base64.StdEncoding.DecodeString(*in.LaunchTemplateData.UserData)
			if err != nil || *in.SourceVersion != "7" ||
				!strings.Contains(string(script), "--lifecycle-action-result ABANDON") ||
				!strings.Contains(string(script), "'dossier-dev-app'") {
				l.t.Errorf("from version %s: %q, %v", *in.SourceVersion, script, err)
			}
			made = append(made, "8")
			return &ec2.CreateLaunchTemplateVersionOutput{LaunchTemplateVersion: &types.LaunchTemplateVersion{
				VersionNumber: aws.Int64(8)}}, nil
		})
	awsfake.On(l.Cloud,
		func(_ context.Context, in *ec2.DeleteLaunchTemplateVersionsInput) (*ec2.DeleteLaunchTemplateVersionsOutput,
			error) {
			deleted = append(deleted, in.Versions...)
			if !slices.Equal(made, deleted) {
				l.t.Errorf("made %q, deleted %q", made, deleted)
			}
			return &ec2.DeleteLaunchTemplateVersionsOutput{}, nil
		})
	var endsAt time.Time
	awsfake.On(l.Cloud,
		func(_ context.Context, in *autoscaling.StartInstanceRefreshInput) (*autoscaling.StartInstanceRefreshOutput,
			error) {
			l.refresh, endsAt = &scalingtypes.InstanceRefresh{InstanceRefreshId: aws.String("refresh-1"),
				Status: scalingtypes.InstanceRefreshStatusInProgress, AutoScalingGroupName: in.AutoScalingGroupName,
				StartTime: aws.Time(time.Now())}, time.Now().Add(5*time.Minute)
			l.refresh.DesiredConfiguration = in.DesiredConfiguration
			return &autoscaling.StartInstanceRefreshOutput{InstanceRefreshId: aws.String("refresh-1")}, nil
		})
	awsfake.On(l.Cloud,
		func(context.Context, *autoscaling.RollbackInstanceRefreshInput) (*autoscaling.RollbackInstanceRefreshOutput,
			error) {
			l.refresh.Status, endsAt = scalingtypes.InstanceRefreshStatusRollbackInProgress, time.Now().Add(time.Minute)
			return &autoscaling.RollbackInstanceRefreshOutput{InstanceRefreshId: aws.String("refresh-1")}, nil
		})
	awsfake.Change(l.Cloud,
		func(_ *autoscaling.DescribeInstanceRefreshesInput, out *autoscaling.DescribeInstanceRefreshesOutput) {
			if l.refresh == nil {
				return
			}
			if time.Now().After(endsAt) {
				l.refresh.Status = ends
				if ends == scalingtypes.InstanceRefreshStatusSuccessful {
					l.version = "8"
				}
			}
			r := *l.refresh
			out.InstanceRefreshes = []scalingtypes.InstanceRefresh{r}
		})
	for path := range map[string]bool{"/readyz": true} {
		l.answers[l.stack.Outputs.URL+path] = page{200, http.Header{}}
	}
}

func TestRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev").live()
		w.rolling(scalingtypes.InstanceRefreshStatusRollbackSuccessful)
		got, points := w.drilled(t.Context(), nil, "rollback")
		expectDrill(t, points, prove.Proven, "rolled back; the site kept responding")
		if !slices.Equal(w.changes(), []string{"CreateLaunchTemplateVersion", "StartInstanceRefresh",
			"DeleteLaunchTemplateVersions"}) {
			t.Errorf("%q\n%s", w.changes(), got.stderr)
		}
	})
}

func TestRollbackThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev").live()
		w.rolling(scalingtypes.InstanceRefreshStatusSuccessful)
		_, points := w.drilled(t.Context(), nil, "rollback")
		expectDrill(t, points, prove.Wrong, "was rolled out all the same")
		if !slices.Contains(w.changes(), "DeleteLaunchTemplateVersions") {
			t.Errorf("%q", w.changes())
		}
	})
}

func TestRollbackInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev").live()
		w.rolling(scalingtypes.InstanceRefreshStatusRollbackSuccessful)
		ctx, cancel := context.WithCancel(t.Context())
		awsfake.Change(w.Cloud, func(*autoscaling.StartInstanceRefreshInput, *autoscaling.StartInstanceRefreshOutput) {
			cancel()
		})
		_, points := w.drilled(ctx, nil, "rollback")
		expectDrill(t, points, prove.Unseen, "interrupted")
		if !slices.Equal(w.changes(), []string{"CreateLaunchTemplateVersion", "StartInstanceRefresh",
			"RollbackInstanceRefresh", "DeleteLaunchTemplateVersions"}) {
			t.Errorf("%q", w.changes())
		}
	})
}

// restoring lets the world restore: what is asked for is there after a while, and gone after it was deleted.
func (w *world) restoring(records int32) (there map[string]bool) {
	there = map[string]bool{}
	ready := map[string]time.Time{}
	database, table := "", ""
	awsfake.On(w.Cloud,
		func(_ context.Context, in *rds.RestoreDBInstanceToPointInTimeInput) (*rds.RestoreDBInstanceToPointInTimeOutput,
			error) {
			if *in.SourceDBInstanceIdentifier != w.prefix() || *in.PubliclyAccessible || *in.MultiAZ ||
				!slices.Equal(in.VpcSecurityGroupIds, []string{"sg-db"}) || *in.DBSubnetGroupName == "" {
				w.t.Errorf("%+v", in)
			}
			database = *in.TargetDBInstanceIdentifier
			there[database], ready[database] = true, time.Now().Add(20*time.Minute)
			return &rds.RestoreDBInstanceToPointInTimeOutput{}, nil
		})
	before := w.describeDatabase
	awsfake.On(w.Cloud, func(ctx context.Context, in *rds.DescribeDBInstancesInput) (*rds.DescribeDBInstancesOutput,
		error) {
		if !there[*in.DBInstanceIdentifier] {
			return before(in)
		}
		status := "creating"
		if time.Now().After(ready[database]) {
			status = "available"
		}
		return &rds.DescribeDBInstancesOutput{DBInstances: []rdstypes.DBInstance{{DBInstanceStatus: &status}}}, nil
	})
	awsfake.On(w.Cloud, func(_ context.Context, in *rds.DeleteDBInstanceInput) (*rds.DeleteDBInstanceOutput, error) {
		if !there[*in.DBInstanceIdentifier] || !*in.SkipFinalSnapshot {
			return nil, awsfake.Refuse("DBInstanceNotFound", "not found")
		}
		if time.Now().Before(ready[database]) {
			return nil, awsfake.Refuse("InvalidDBInstanceState", "Instance is not in available state.")
		}
		delete(there, *in.DBInstanceIdentifier)
		return &rds.DeleteDBInstanceOutput{}, nil
	})
	awsfake.On(w.Cloud,
		func(_ context.Context, in *dynamodb.RestoreTableToPointInTimeInput) (*dynamodb.RestoreTableToPointInTimeOutput,
			error) {
			table = *in.TargetTableName
			there[table], ready[table] = true, time.Now().Add(5*time.Minute)
			return &dynamodb.RestoreTableToPointInTimeOutput{}, nil
		})
	awsfake.Change(w.Cloud, func(in *dynamodb.DescribeTableInput, out *dynamodb.DescribeTableOutput) {
		if there[*in.TableName] && time.Now().Before(ready[table]) {
			out.Table.TableStatus = tabletypes.TableStatusCreating
		}
	})
	awsfake.On(w.Cloud, func(_ context.Context, in *dynamodb.ScanInput) (*dynamodb.ScanOutput, error) {
		if *in.TableName == files {
			return &dynamodb.ScanOutput{Count: 12}, nil
		}
		return &dynamodb.ScanOutput{Count: records}, nil
	})
	awsfake.On(w.Cloud, func(_ context.Context, in *dynamodb.DeleteTableInput) (*dynamodb.DeleteTableOutput, error) {
		if !there[*in.TableName] || *in.TableName == files {
			w.t.Errorf("deletes %s", *in.TableName)
		}
		delete(there, *in.TableName)
		return &dynamodb.DeleteTableOutput{}, nil
	})
	return there
}

func TestRestore(t *testing.T) {
	for _, c := range []struct {
		records int32
		result  string
	}{{12, prove.Proven}, {11, prove.Wrong}} {
		synctest.Test(t, func(t *testing.T) {
			w := deployed(t, "dev")
			w.now = time.Now()
			there := w.restoring(c.records)
			_, points := w.drilled(t.Context(), nil, "restore")
			expectDrill(t, points, c.result, fmt.Sprintf("the table has %d records", c.records))
			if len(there) > 0 {
				t.Errorf("left: %v", there)
			}
			if !slices.Equal(w.changes(), []string{"RestoreDBInstanceToPointInTime", "RestoreTableToPointInTime",
				"DeleteTable", "DeleteDBInstance"}) {
				t.Errorf("%q", w.changes())
			}
		})
	}
}

// TestRestoreInterrupted: a database that is still being made refuses to be deleted, and is deleted all the same.
func TestRestoreInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := deployed(t, "dev")
		w.now = time.Now()
		there := w.restoring(12)
		ctx, cancel := context.WithCancel(t.Context())
		awsfake.Change(w.Cloud,
			func(*rds.RestoreDBInstanceToPointInTimeInput, *rds.RestoreDBInstanceToPointInTimeOutput) { cancel() })
		_, points := w.drilled(ctx, nil, "restore")
		expectDrill(t, points, prove.Unseen, "interrupted")
		if len(there) > 0 {
			t.Errorf("left: %v", there)
		}
	})
}
