package rollout_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/encoding/cbor"

	"dossier.example/infra/rollout"
)

const (
	groupName   = "dossier-test-app"
	templateID  = "lt-0123456789abcdef0"
	targetGroup = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/dossier-test/0123456789abcdef"
	siteURL     = "https://files.example.org"
)

// The times that the world takes.
const (
	bootTime  = 90 * time.Second
	drainTime = 2 * time.Minute
)

// instance is one of the group's.
type instance struct {
	id, template, version string
	state, health         string
	target                string // state in the target group; empty: not registered
	targetWhy             string
}

// refresh is one instance refresh of the world.
type refresh struct {
	id, status, why   string
	template, version string
	percent, left     int
	rollbackWhy       string
	autoRollback      bool
	startedAt         time.Time
}

// activity is one scaling activity.
type activity struct {
	id, status, description, message string
	at                               time.Time
}

// call is one request that came.
type call struct {
	action string
	form   url.Values
	at     time.Time
}

// answer is a fault that the world gives instead of working; after: the world works, and the answer is lost.
type answer struct {
	status        int
	code, message string
	after         bool
}

// event is something that happens at a time.
type event struct {
	at time.Time
	do func()
}

// world is AWS with one group and one target group, and the site, over the Query protocol. It lives in a bubble of
// synctest: its clock is the bubble's, and what is due happens when the next request comes.
type world struct {
	t  *testing.T
	mu sync.Mutex

	template, version string // that the group is pinned to; no template: a mixed instances policy
	desired           int
	suspended         []string
	status            string
	gone              bool
	instances         []*instance
	refreshes         []*refresh // newest first
	activities        []activity // newest first
	site              func(n int) *http.Response
	versions          []version // of the template
	objects           []object  // of the bucket of releases
	stubborn          int       // the number of a version that EC2 does not delete
	afterVerify       func()    // happens when the site was asked for the last time

	ringing  []string // the alarms that are in ALARM
	fails    bool     // instances of a refresh do not get ready
	faults   map[string][]answer
	calls    []call
	asked    int
	events   []event
	launched int
}

// inWorld runs a test in a bubble with a group of two instances in service with version 7.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, template: templateID, version: "7", desired: 2, faults: map[string][]answer{}}
		w.site = func(int) *http.Response { return page(http.StatusOK, "ready\n") }
		w.serve("7")
		w.serve("7")
		test(t, w)
	})
}

// outcome is what a call of the command left.
type outcome struct {
	status         int
	stdout, stderr string
}

// flags are those of an ordinary call for version 8.
func flags(more ...string) []string {
	return append([]string{
		"--group", groupName, "--template", templateID, "--version", "8", "--target-group", targetGroup, "--url", siteURL,
	}, more...)
}

func (w *world) run(args ...string) outcome {
	return w.runWith(context.Background(), nil, args...)
}

func (w *world) runWith(ctx context.Context, environ []string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	status := rollout.Command{
		Args: args, Environ: environ, Stdout: &stdout, Stderr: &stderr, Site: http.RoundTripper(siteOf{w}),
		AWS: func(_ context.Context, region string) (aws.Config, error) {
			if region == "" {
				region = "eu-central-1"
			}
			return aws.Config{
				Region: region, HTTPClient: &http.Client{Transport: w},
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
			}, nil
		},
	}.Run(ctx)
	return outcome{status, stdout.String(), stderr.String()}
}

// in makes something happen after d.
func (w *world) in(d time.Duration, do func()) {
	w.events = append(w.events, event{time.Now().Add(d), do})
	slices.SortStableFunc(w.events, func(a, b event) int { return a.at.Compare(b.at) })
}

func (w *world) elapse() {
	for len(w.events) > 0 && !w.events[0].at.After(time.Now()) {
		next := w.events[0]
		w.events = w.events[1:]
		next.do()
	}
}

// serve adds an instance that is in service and healthy.
func (w *world) serve(version string) *instance {
	i := w.launch(version)
	i.state, i.target = "InService", "healthy"
	return i
}

// launch adds an instance that boots.
func (w *world) launch(version string) *instance {
	w.launched++
	i := &instance{id: fmt.Sprintf("i-%017d", w.launched), template: templateID, version: version, state: "Pending:Wait", health: "Healthy"}
	w.instances = append(w.instances, i)
	return i
}

// boot launches an instance that gets ready.
func (w *world) boot(version string) *instance {
	i := w.launch(version)
	w.in(bootTime, func() { i.state, i.target, i.targetWhy = "InService", "initial", "Target registration is in progress" })
	w.in(bootTime+20*time.Second, func() { i.target, i.targetWhy = "healthy", "" })
	return i
}

// retire drains and terminates an instance.
func (w *world) retire(i *instance) {
	i.state, i.target, i.targetWhy = "Terminating", "draining", "Target deregistration is in progress"
	w.in(drainTime, func() {
		w.instances = slices.DeleteFunc(w.instances, func(other *instance) bool { return other == i })
	})
}

// replace plays a refresh: one instance after the other, new before old.
func (w *world) replace(r *refresh) {
	r.status = "InProgress"
	var old []*instance
	for _, i := range w.instances {
		if i.version != r.version && i.state == "InService" {
			old = append(old, i)
		}
	}
	r.left = len(old)
	if w.fails && len(old) > 0 {
		w.fail(r)
		return
	}
	const each = 3 * time.Minute
	for n, i := range old {
		at := time.Duration(n) * each
		w.in(at, func() { w.boot(r.version) })
		w.in(at+each, func() {
			w.retire(i)
			r.left--
			r.percent = 100 * (n + 1) / len(old)
		})
	}
	w.in(time.Duration(len(old))*each, func() {
		if r.status == "InProgress" {
			r.status, r.percent = "Successful", 100
			w.template, w.version = r.template, r.version
		}
	})
}

// fail plays a refresh whose first instance is given up.
func (w *world) fail(r *refresh) {
	i := w.launch(r.version)
	w.in(5*time.Minute, func() {
		w.retire(i)
		w.activities = slices.Insert(w.activities, 0, activity{
			id: "act-" + i.id, status: "Cancelled", description: "Launching a new EC2 instance: " + i.id,
			message: "Instance failed to complete user's Lifecycle Action: Lifecycle Action was abandoned: Lifecycle Action Completed with ABANDON Result",
			at:      time.Now().Add(-5 * time.Minute),
		})
		if !r.autoRollback {
			r.status, r.why = "Failed", "Instance launches failed too often."
			return
		}
		r.status, r.rollbackWhy = "RollbackInProgress", "Rollback started automatically after the refresh failed."
	})
	w.in(8*time.Minute, func() {
		if r.status == "RollbackInProgress" {
			r.status, r.why = "RollbackSuccessful", "Instance launches failed too often."
		}
	})
}

func (w *world) active() *refresh {
	for _, r := range w.refreshes {
		switch r.status {
		case "Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed":
		default:
			return r
		}
	}
	return nil
}

// begin puts a running refresh into the world.
func (w *world) begin(version, status string) *refresh {
	r := &refresh{
		id: fmt.Sprintf("refresh-%d", len(w.refreshes)+1), status: status, template: templateID, version: version, startedAt: time.Now(),
		autoRollback: true,
	}
	w.refreshes = slices.Insert(w.refreshes, 0, r)
	return r
}

// of returns the requests of one action.
func (w *world) of(action string) []call {
	var found []call
	for _, c := range w.calls {
		if c.action == action {
			found = append(found, c)
		}
	}
	return found
}

// changes returns the actions that are not questions.
func (w *world) changes() []string {
	var found []string
	for _, c := range w.calls {
		if !strings.HasPrefix(c.action, "Describe") && !strings.HasPrefix(c.action, "List") {
			found = append(found, c.action)
		}
	}
	return found
}

// RoundTrip answers AWS's Query protocol, and the REST of S3.
func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	w.elapse()
	if strings.Contains(request.URL.Host, ".s3.") {
		w.bucket(recorder, request)
		return recorder.Result(), nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(request.URL.Host, "monitoring.") {
		err := w.alarms(recorder, request, body)
		return recorder.Result(), err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	w.query(recorder, request, form)
	return recorder.Result(), nil
}

func (w *world) query(to http.ResponseWriter, request *http.Request, form url.Values) {
	action := form.Get("Action")
	service, version := "autoscaling", "2011-01-01"
	if action == "DescribeTargetHealth" {
		service, version = "elasticloadbalancing", "2015-12-01"
	}
	if strings.Contains(action, "LaunchTemplateVersions") {
		service, version = "ec2", "2016-11-15"
	}
	if form.Get("Version") != version || !strings.HasPrefix(request.URL.Host, service+".eu-central-1.") {
		w.t.Errorf("%s went to %s with API version %s", action, request.URL.Host, form.Get("Version"))
	}
	form.Del("Action")
	form.Del("Version")
	w.calls = append(w.calls, call{action, form, time.Now()})
	if queue := w.faults[action]; len(queue) > 0 {
		fault := queue[0]
		w.faults[action] = queue[1:]
		if fault.after {
			w.act(httptest.NewRecorder(), action, form)
		}
		refuse(to, fault.status, fault.code, fault.message)
		return
	}
	if service == "autoscaling" && form.Get("AutoScalingGroupName") != groupName && form.Get("AutoScalingGroupNames.member.1") != groupName {
		w.t.Errorf("%s is not about %s: %v", action, groupName, form)
	}
	w.act(to, action, form)
}

func (w *world) act(to http.ResponseWriter, action string, form url.Values) {
	switch action {
	case "DescribeAutoScalingGroups":
		give(to, action, el("AutoScalingGroups", w.groupXML()))
	case "DescribeInstanceRefreshes":
		var b strings.Builder
		for _, r := range w.refreshes {
			if id := form.Get("InstanceRefreshIds.member.1"); id == "" || id == r.id {
				b.WriteString(el("member", r.xml()))
			}
		}
		give(to, action, el("InstanceRefreshes", b.String()))
	case "DescribeScalingActivities":
		var b strings.Builder
		for _, a := range w.activities {
			b.WriteString(el("member", el("ActivityId", text(a.id)), el("StatusCode", a.status), el("Description", text(a.description)),
				el("StatusMessage", text(a.message)), el("StartTime", a.at.UTC().Format(time.RFC3339)), el("AutoScalingGroupName", groupName),
				el("Cause", "At 2026-01-01T00:00:00Z an instance was started in response to a difference.")))
		}
		give(to, action, el("Activities", b.String()))
	case "StartInstanceRefresh":
		w.start(to, form)
	case "CancelInstanceRefresh":
		r := w.active()
		if r == nil {
			refuse(to, 400, "ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found.")
			return
		}
		r.status = "Cancelling"
		w.in(time.Minute, func() { r.status, r.why = "Cancelled", "Cancelled due to user request." })
		give(to, action, el("InstanceRefreshId", r.id))
	case "RollbackInstanceRefresh":
		r := w.active()
		if r == nil {
			refuse(to, 400, "ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found.")
			return
		}
		r.status, r.rollbackWhy = "RollbackInProgress", "Rollback requested by the user."
		w.in(3*time.Minute, func() { r.status = "RollbackSuccessful" })
		give(to, action, el("InstanceRefreshId", r.id))
	case "UpdateAutoScalingGroup":
		if r := w.active(); r != nil {
			refuse(to, 400, "ValidationError", "An active instance refresh with a desired configuration exists.")
			return
		}
		w.template, w.version = form.Get("LaunchTemplate.LaunchTemplateId"), form.Get("LaunchTemplate.Version")
		give(to, action, "")
	case "DescribeTargetHealth":
		if form.Get("TargetGroupArn") != targetGroup {
			w.t.Errorf("DescribeTargetHealth asks for %s", form.Get("TargetGroupArn"))
		}
		var b strings.Builder
		for _, i := range w.instances {
			if i.target == "" {
				continue
			}
			health := el("State", i.target)
			if i.targetWhy != "" {
				health += el("Description", text(i.targetWhy))
			}
			b.WriteString(el("member", el("Target", el("Id", i.id), el("Port", "8080")), el("TargetHealth", health)))
		}
		give(to, action, el("TargetHealthDescriptions", b.String()))
	case "DescribeLaunchTemplateVersions":
		w.describeVersions(to, form)
	case "DeleteLaunchTemplateVersions":
		w.deleteVersions(to, form)
	default:
		w.t.Errorf("the action %q is none that the command may call", action)
		refuse(to, 400, "InvalidAction", "Could not find operation "+action)
	}
}

// start refuses what AWS documents that it refuses, and plays the refresh.
func (w *world) start(to http.ResponseWriter, form url.Values) {
	invalid := func(message string) { refuse(to, 400, "ValidationError", message) }
	least, _ := strconv.Atoi(form.Get("Preferences.MinHealthyPercentage"))
	most, _ := strconv.Atoi(form.Get("Preferences.MaxHealthyPercentage"))
	autoRollback := form.Get("Preferences.AutoRollback") == "true"
	r := &refresh{
		template:     form.Get("DesiredConfiguration.LaunchTemplate.LaunchTemplateId"),
		version:      form.Get("DesiredConfiguration.LaunchTemplate.Version"),
		autoRollback: autoRollback, startedAt: time.Now(), status: "Pending",
	}
	switch {
	case w.active() != nil:
		refuse(to, 400, "InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
	case least < 0 || least > 100 || most < 100 || most > 200 || most-least > 100:
		invalid("the healthy percentages are out of range")
	case autoRollback && (r.template == "" || strings.HasPrefix(w.version, "$")):
		invalid("The AutoRollback parameter cannot be set to true")
	default:
		r.id = fmt.Sprintf("refresh-%d", len(w.refreshes)+1)
		w.refreshes = slices.Insert(w.refreshes, 0, r)
		w.in(15*time.Second, func() {
			for n := 1; form.Has(fmt.Sprintf("Preferences.AlarmSpecification.Alarms.member.%d", n)); n++ {
				if name := form.Get(fmt.Sprintf("Preferences.AlarmSpecification.Alarms.member.%d", n)); slices.Contains(
					w.ringing, name) {
					r.status, r.why = "RollbackSuccessful", "The alarm "+name+" is in ALARM."
					return
				}
			}
			w.replace(r)
		})
		give(to, "StartInstanceRefresh", el("InstanceRefreshId", r.id))
	}
}

func (w *world) groupXML() string {
	if w.gone {
		return ""
	}
	var instances, suspended strings.Builder
	for _, i := range w.instances {
		instances.WriteString(el("member", el("InstanceId", i.id), el("LifecycleState", i.state), el("HealthStatus", i.health),
			el("AvailabilityZone", "eu-central-1a"), el("ProtectedFromScaleIn", "false"), template(i.template, i.version)))
	}
	for _, name := range w.suspended {
		suspended.WriteString(el("member", el("ProcessName", name)))
	}
	spec := el("MixedInstancesPolicy", "")
	if w.template != "" {
		spec = template(w.template, w.version)
	}
	status := ""
	if w.status != "" {
		status = el("Status", w.status)
	}
	return el("member", el("AutoScalingGroupName", groupName), spec, status, el("DesiredCapacity", strconv.Itoa(w.desired)),
		el("MinSize", "0"), el("MaxSize", "4"), el("Instances", instances.String()), el("SuspendedProcesses", suspended.String()))
}

func (r *refresh) xml() string {
	parts := []string{
		el("InstanceRefreshId", r.id), el("AutoScalingGroupName", groupName), el("Status", r.status),
		el("PercentageComplete", strconv.Itoa(r.percent)), el("InstancesToUpdate", strconv.Itoa(r.left)),
		el("StartTime", r.startedAt.UTC().Format(time.RFC3339)), el("DesiredConfiguration", template(r.template, r.version)),
	}
	if r.why != "" {
		parts = append(parts, el("StatusReason", text(r.why)))
	}
	if r.rollbackWhy != "" {
		parts = append(parts, el("RollbackDetails", el("RollbackReason", text(r.rollbackWhy))))
	}
	return strings.Join(parts, "")
}

func template(id, version string) string {
	return el("LaunchTemplate", el("LaunchTemplateId", id), el("LaunchTemplateName", "dossier-test-app"), el("Version", version))
}

func el(name string, content ...string) string {
	return "<" + name + ">" + strings.Join(content, "") + "</" + name + ">"
}

func text(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func give(to http.ResponseWriter, action, result string) {
	to.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(to, el(action+"Response", el(action+"Result", result), el("ResponseMetadata", el("RequestId", "0"))))
}

func refuse(to http.ResponseWriter, status int, code, message string) {
	to.Header().Set("Content-Type", "text/xml")
	to.WriteHeader(status)
	_, _ = io.WriteString(to, el("ErrorResponse", el("Error", el("Type", "Sender"), el("Code", code), el("Message", text(message))), el("RequestId", "0")))
}

// siteOf is the site of a world.
type siteOf struct{ *world }

// RoundTrip answers /readyz.
func (s siteOf) RoundTrip(request *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	if got := request.URL.String(); got != siteURL+"/readyz" {
		s.t.Errorf("the site was asked for %s", got)
	}
	s.elapse()
	s.asked++
	if s.asked == 5 && s.afterVerify != nil {
		s.afterVerify()
	}
	return s.site(s.asked), nil
}

func page(status int, body string) *http.Response {
	recorder := httptest.NewRecorder()
	recorder.WriteHeader(status)
	_, _ = io.WriteString(recorder, body)
	return recorder.Result()
}

// alarms answers CloudWatch's DescribeAlarms, in CBOR
// (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
func (w *world) alarms(to http.ResponseWriter, request *http.Request, body []byte) error {
	const action = "DescribeAlarms"
	if !strings.HasSuffix(request.URL.Path, "/operation/"+action) {
		w.t.Errorf("CloudWatch is asked for %s", request.URL)
	}
	decoded, err := cbor.Decode(body)
	if err != nil {
		return err
	}
	in := decoded.(cbor.Map)
	w.calls = append(w.calls, call{action, nil, time.Now()})
	to.Header().Set("Content-Type", "application/cbor")
	to.Header().Set("smithy-protocol", "rpc-v2-cbor")
	if queue := w.faults[action]; len(queue) > 0 {
		w.faults[action] = queue[1:]
		to.WriteHeader(queue[0].status)
		_, err = to.Write(cbor.Encode(cbor.Map{"__type": cbor.String(queue[0].code),
			"message": cbor.String(queue[0].message)}))
		return err
	}
	list := cbor.List{}
	for _, name := range in["AlarmNames"].(cbor.List) {
		if slices.Contains(w.ringing, string(name.(cbor.String))) && in["StateValue"] == cbor.String("ALARM") {
			list = append(list, cbor.Map{"AlarmName": name, "StateValue": cbor.String("ALARM")})
		}
	}
	_, err = to.Write(cbor.Encode(cbor.Map{"MetricAlarms": list}))
	return err
}
