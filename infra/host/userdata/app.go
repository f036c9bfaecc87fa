package userdata

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// App is an instance of the service. Its user-data installs one release, starts it, waits until it is ready, and tells
// the Auto Scaling group so: the group's lifecycle hook for launches (default result ABANDON, heartbeat timeout
// BootTimeout) keeps an instance out of the load balancer until then, and for ever when anything failed.
type App struct {
	// Region is the AWS region of everything here.
	Region string
	// Bucket and Key name the S3 object that holds the release: a gzipped tar of "dossier", a static program for the
	// instance's architecture, and "rds-ca.pem", the certificates that the database's is verified by. No version is
	// named: SHA256 decides whether the bytes are right, and a version that was named would go some days after the same
	// bytes were uploaded again.
	Bucket, Key string
	// SHA256 is that of the object, in lower-case hexadecimal.
	SHA256 string
	// Parameters is the Parameter Store path of the app's settings, such as /dossier/dev.
	Parameters string
	// Group and Hook name the Auto Scaling group and its lifecycle hook for launches.
	Group, Hook string
	// LogGroup is the CloudWatch log group of the app. It exists already, with its retention: nothing on the instance
	// creates groups.
	LogGroup string
	// Port is where the app listens, from 1024, for it has no privileges.
	Port int
	// ShutdownTimeout is how long requests that still run get after the stop signal (DOSSIER_TIMEOUT_SHUTDOWN).
	ShutdownTimeout time.Duration
	// StopTimeout is after how long systemd kills the app when it does not stop. It exceeds ShutdownTimeout by
	// StopMargin at least.
	StopTimeout time.Duration
	// BootTimeout is how long an instance may take from launch to ready: the lifecycle hook's heartbeat timeout.
	BootTimeout time.Duration
}

const (
	// StopMargin is what the app needs at most, after the time for running requests is over, to cut them off and clean
	// up.
	StopMargin = 20 * time.Second
	// BootMargin is the part of BootTimeout that the script leaves alone: the instance's own start before it, and
	// telling the group of a failure after it.
	BootMargin = 90 * time.Second
	// MaxBootTimeout is the longest heartbeat timeout of a lifecycle hook
	// (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html).
	MaxBootTimeout = 2 * time.Hour
)

// UserData returns the script, of at most MaxUserData bytes. The error tells every field that is not of the form that
// its comment and AWS allow.
func (a App) UserData() (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	return a.script(a.BootTimeout - BootMargin)
}

func (a App) check() error {
	f := &faults{of: "App"}
	f.region(a.Region)
	f.text("Bucket", a.Bucket, bucketForm, bucketLength, "an S3 bucket name")
	f.text("Key", a.Key, keyForm, keyLength, "an S3 key of letters, digits, slashes, dots, hyphens and underscores")
	f.text("SHA256", a.SHA256, sha256Form, sha256Length, "64 lower-case hexadecimal digits")
	f.parameter("Parameters", a.Parameters)
	f.text("Group", a.Group, groupForm, groupLength,
		"the name of an Auto Scaling group: letters, digits, dots, hyphens and underscores")
	f.text("Hook", a.Hook, hookForm, hookLength,
		"the name of a lifecycle hook: letters, digits, hyphens and underscores")
	f.text("LogGroup", a.LogGroup, logGroupForm, logGroupLength,
		"the name of a log group: letters, digits, slashes, dots, hyphens and underscores")
	if a.Port < 1024 || a.Port > 65535 {
		f.add("Port", "= %d must be from 1024 to 65535", a.Port)
	}
	f.duration("ShutdownTimeout", a.ShutdownTimeout, time.Second, 24*time.Hour)
	f.duration("StopTimeout", a.StopTimeout, time.Second, 25*time.Hour)
	if a.StopTimeout < a.ShutdownTimeout+StopMargin {
		f.add("StopTimeout",
			"= %v must exceed ShutdownTimeout = %v by %v at least, or the app is killed while it stops",
			a.StopTimeout, a.ShutdownTimeout, StopMargin)
	}
	f.duration("BootTimeout", a.BootTimeout, 2*BootMargin, MaxBootTimeout)
	return f.err()
}

// releaseOf finds the lines in which script has what it fetches.
var releaseOf = regexp.MustCompile(`(?m)^bucket='([^']+)'\nkey='([^']+)'$`)

// Release returns the bucket and the key that the user-data of an instance of the app names; false where it is of
// another form than UserData gives it.
func Release(userData string) (bucket, key string, found bool) {
	all := releaseOf.FindAllStringSubmatch(userData, -1)
	if len(all) != 1 {
		return "", "", false
	}
	return all[0][1], all[0][2], true
}

// script renders the user-data. The budget is what the script itself may take.
func (a App) script(budget time.Duration) (string, error) {
	unit, err := a.unit()
	if err != nil {
		return "", err
	}
	agent, err := a.agent()
	if err != nil {
		return "", err
	}
	logs, err := render("logs.bash", nil)
	if err != nil {
		return "", err
	}
	return userData("app.bash", struct {
		App
		Budget            string
		Unit, Agent, Logs string
		EOF               string
	}{a, seconds(budget), unit, agent, logs, endOfFile})
}

// unit renders the systemd unit of the app.
func (a App) unit() (string, error) {
	return render("dossier.service", struct {
		App
		Shutdown, Stop string
	}{a, seconds(a.ShutdownTimeout) + "s", seconds(a.StopTimeout)})
}

// logFile is where the unit writes to and the agent reads from.
const logFile = "/var/log/dossier/app.log"

// agent returns the configuration of the CloudWatch agent. It has no metrics: each costs by the month, and no alarm
// needs one. It sets no retention, so that the agent neither creates nor changes a group.
func (a App) agent() (string, error) {
	type file struct {
		Path   string `json:"file_path"`
		Group  string `json:"log_group_name"`
		Stream string `json:"log_stream_name"`
	}
	type object = map[string]any
	out, err := json.MarshalIndent(object{
		"agent": object{"region": a.Region, "run_as_user": "cwagent"},
		"logs": object{"logs_collected": object{"files": object{"collect_list": []file{
			{Path: logFile, Group: a.LogGroup, Stream: "{instance_id}"},
		}}}},
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing the configuration of the CloudWatch agent: %w", err)
	}
	return string(out) + "\n", nil
}

// seconds returns whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
