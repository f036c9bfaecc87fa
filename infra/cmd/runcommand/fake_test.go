//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	testInstance = "i-0123456789abcdef0"
	testRegion   = "eu-central-1"
	testCommand  = "6e5b4f4e-0000-4000-8000-1a2b3c4d5e6f"
)

// fake answers as Systems Manager does (JSON 1.1), and is the agent on the instance too: it runs what it is sent, by
// sh, as the document AWS-RunShellScript does.
type fake struct {
	t   *testing.T
	dir string

	mu sync.Mutex
	// answers are given in place of the real ones, first come first served, by operation.
	answers map[string][]answer
	// ping is the agent's status; empty: Systems Manager does not know the instance.
	ping string
	// pings go before ping, one for each question.
	pings []string
	// outcome, when set, is how the command ends without having run.
	outcome *invocation
	// deaf makes the agent run on when it is told to cancel.
	deaf bool
	// onTheWay, when set, is called when the command has arrived and its id is about to be sent back.
	onTheWay func(request context.Context)

	calls  []string
	sent   map[string]any
	cmd    *exec.Cmd
	cancel bool
	over   bool
	end    *invocation
	done   chan struct{}
}

type answer struct {
	status        int
	code, message string
}

type invocation struct {
	CommandId, InstanceId                       string
	Status, StatusDetails                       string
	ResponseCode                                int
	StandardOutputContent, StandardErrorContent string
}

// throttled is how Systems Manager refuses when it is asked too often.
func throttled() answer {
	return answer{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"}
}

func denied(action string) answer {
	return answer{http.StatusBadRequest, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/someone is not authorized to perform: " + action}
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, dir: t.TempDir(), ping: "Online", answers: map[string][]answer{}, done: make(chan struct{})}
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		f.mu.Lock()
		running := f.cmd != nil
		f.mu.Unlock()
		if running {
			f.kill()
			<-f.done
		}
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SSM": server.URL, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": filepath.Join(f.dir, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(f.dir, "none"),
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return f
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.")
	if !ok || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || !strings.Contains(r.Header.Get("Authorization"), "/"+testRegion+"/ssm/") {
		f.t.Errorf("not a request to Systems Manager in %s: %v", testRegion, r.Header)
	}
	f.calls = append(f.calls, operation)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		f.t.Logf("%s: %v", operation, err) // the program's own time was over while it sent this
		return
	}
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		f.t.Errorf("%s: %v", operation, err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if queue := f.answers[operation]; len(queue) > 0 {
		f.answers[operation] = queue[1:]
		f.refuse(w, queue[0])
		return
	}
	var out any
	switch operation {
	case "DescribeInstanceInformation":
		out = f.describe(in)
	case "SendCommand":
		out = f.send(in)
		if f.onTheWay != nil {
			f.onTheWay(r.Context())
		}
	case "GetCommandInvocation":
		if in["CommandId"] != testCommand || in["InstanceId"] != testInstance {
			f.t.Errorf("GetCommandInvocation of %v", in)
		}
		out = f.invocation()
	case "CancelCommand":
		if in["CommandId"] != testCommand || fmt.Sprint(in["InstanceIds"]) != "["+testInstance+"]" {
			f.t.Errorf("CancelCommand of %v", in)
		}
		f.cancel = true
		if f.cmd != nil && !f.deaf {
			f.kill()
		}
		out = struct{}{}
	default:
		f.t.Errorf("unexpected call of %s", operation)
		f.refuse(w, answer{http.StatusBadRequest, "UnknownOperationException", operation})
		return
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		f.t.Logf("%s: %v", operation, err) // the client has gone
	}
}

func (f *fake) refuse(w http.ResponseWriter, a answer) {
	w.WriteHeader(a.status)
	if err := json.NewEncoder(w).Encode(map[string]string{"__type": a.code, "message": a.message}); err != nil {
		f.t.Logf("refusing: %v", err) // the client has gone
	}
}

func (f *fake) describe(in map[string]any) any {
	if want := fmt.Sprintf("[map[Key:InstanceIds Values:[%s]]]", testInstance); fmt.Sprint(in["Filters"]) != want {
		f.t.Errorf("DescribeInstanceInformation with the filters %v, want %s", in["Filters"], want)
	}
	status := f.ping
	if len(f.pings) > 0 {
		status, f.pings = f.pings[0], f.pings[1:]
	}
	list := []map[string]string{}
	if status != "" {
		list = append(list, map[string]string{"InstanceId": testInstance, "PingStatus": status})
	}
	return map[string]any{"InstanceInformationList": list}
}

// send runs the command.
func (f *fake) send(in map[string]any) any {
	f.sent = in
	timeout, _ := in["TimeoutSeconds"].(float64)
	if in["DocumentName"] != "AWS-RunShellScript" || fmt.Sprint(in["InstanceIds"]) != "["+testInstance+"]" || timeout < 30 {
		f.t.Errorf("SendCommand of %v", in)
	}
	parameters, _ := in["Parameters"].(map[string]any)
	commands, _ := parameters["commands"].([]any)
	seconds, err := strconv.Atoi(strings.Trim(fmt.Sprint(parameters["executionTimeout"]), "[]"))
	if err != nil || seconds < 1 || seconds > 172800 || len(commands) == 0 || len(parameters) != 2 {
		f.t.Errorf("SendCommand with the parameters %v (%v)", parameters, err)
	}
	if f.outcome != nil {
		f.end = f.outcome
		close(f.done)
		return f.sendOutput()
	}
	var lines []string
	for _, command := range commands {
		lines = append(lines, command.(string))
	}
	path := filepath.Join(f.dir, "_script.sh")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o700); err != nil {
		f.t.Error(err)
	}
	var stdout, stderr bytes.Buffer
	f.cmd = exec.Command("sh", path)
	f.cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // an agent's is as bare
	f.cmd.Stdout, f.cmd.Stderr = &stdout, &stderr
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	f.cmd.WaitDelay = time.Second
	if err := f.cmd.Start(); err != nil {
		f.t.Error(err)
	}
	timer := time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.over = true
		f.kill()
	})
	go func() {
		_ = f.cmd.Wait() // its status is looked at
		timer.Stop()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.end = f.ended(stdout.String(), stderr.String())
		close(f.done)
	}()
	return f.sendOutput()
}

func (f *fake) sendOutput() any {
	return map[string]any{"Command": map[string]any{"CommandId": testCommand, "Status": "Pending"}}
}

// kill ends the command with all that it started.
func (f *fake) kill() {
	_ = syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself
}

// ended is what Systems Manager tells of a command that ran.
func (f *fake) ended(stdout, stderr string) *invocation {
	code := f.cmd.ProcessState.ExitCode()
	i := &invocation{Status: "Success", StatusDetails: "Success", ResponseCode: code}
	switch {
	case f.over:
		i.Status, i.StatusDetails, i.ResponseCode = "TimedOut", "ExecutionTimedOut", -1
	case f.cancel && code != 0:
		i.Status, i.StatusDetails, i.ResponseCode = "Cancelled", "Cancelled", -1
	case code != 0:
		i.Status, i.StatusDetails = "Failed", "Failed"
		stderr += fmt.Sprintf("failed to run commands: exit status %d", code)
	}
	cut := func(text string, kept int) string {
		const mark = "--output truncated--"
		if len(text) < kept {
			return text
		}
		return text[:kept-len(mark)] + mark
	}
	i.StandardOutputContent, i.StandardErrorContent = cut(stdout, stdoutKept), cut(stderr, stderrKept)
	return i
}

func (f *fake) invocation() any {
	i := f.end
	if i == nil {
		i = &invocation{Status: "InProgress", StatusDetails: "InProgress", ResponseCode: -1}
		if f.cancel {
			i.Status, i.StatusDetails = "Cancelling", "Cancelling"
		}
	}
	copied := *i
	copied.CommandId, copied.InstanceId = testCommand, testInstance
	return copied
}

// count returns how often an operation was called.
func (f *fake) count(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, call := range f.calls {
		if call == operation {
			n++
		}
	}
	return n
}

// parameter returns what was sent as a parameter of the document.
func (f *fake) parameter(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	parameters, _ := f.sent["Parameters"].(map[string]any)
	values, _ := parameters[name].([]any)
	return strings.Trim(fmt.Sprint(values), "[]")
}

func (f *fake) operations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}
