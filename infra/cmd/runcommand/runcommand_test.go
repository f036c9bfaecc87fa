//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// quick is a pace for tests.
func quick() pace {
	return pace{
		first: time.Millisecond, most: 10 * time.Millisecond, backoff: 10 * time.Millisecond, attempt: 10 * time.Second,
		call:   30 * time.Second,
		appear: 30 * time.Second, cancel: 30 * time.Second,
	}
}

// said is how a run ended.
type said struct {
	status         int
	stdout, stderr string
}

func run(t *testing.T, ctx context.Context, script string, args ...string) said {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{stdin: strings.NewReader(script), stdout: &stdout, stderr: &stderr, pace: quick()}
	status := p.run(ctx, append([]string{"--instance", testInstance, "--region", testRegion}, args...))
	return said{status, stdout.String(), stderr.String()}
}

// execute is run with a time that the command line would not take.
func execute(ctx context.Context, p pace, timeout time.Duration, script string) (said, error) {
	var stdout, stderr bytes.Buffer
	o := options{instance: testInstance, region: testRegion, timeout: timeout, script: script}
	status, err := program{stdout: &stdout, stderr: &stderr, pace: p}.execute(ctx, o)
	return said{status, stdout.String(), stderr.String()}, err
}

// TestBash: the script is run by bash, whatever runs commands on the host, and gets its text as it is.
func TestBash(t *testing.T) {
	f := newFake(t)
	script := `#!/usr/bin/env bash
# It's a script: "quotes", $dollars, \backslashes\\ and ` + "`backticks`" + `.
set -euo pipefail
declare -A words=([a]='it'"'"'s' [b]="two  words")
[[ ${words[a]} =~ ^it ]] && printf '%s|' "${words[@]}" "$(printf 'Zoë\n\n')" "${BASH_VERSION:+bash}"
read -r line || echo "no input: ${line:-}"
echo fault >&2
`
	got := run(t, t.Context(), script, "--comment", "A comment", "--timeout", "30m")
	if got.status != 0 || !strings.HasSuffix(got.stdout, "Zoë|bash|no input: \n") ||
		!strings.Contains(got.stdout, "two  words|") || !strings.Contains(got.stdout, "it's|") ||
		got.stderr != "fault\n" {
		t.Errorf("got %+v", got)
	}
	if want := []string{"DescribeInstanceInformation", "SendCommand"}; !slices.Equal(f.operations()[:2], want) ||
		f.count("CancelCommand") != 0 {
		t.Errorf("calls %q", f.operations())
	}
	if f.sent["Comment"] != "A comment" {
		t.Errorf("the comment is %v", f.sent["Comment"])
	}
	seconds, err := strconv.Atoi(f.parameter("executionTimeout"))
	if most := int((30*time.Minute - delivery - reserve).Seconds()); err != nil || seconds > most || seconds < most-60 {
		t.Errorf("executionTimeout is %q, want %d seconds or a little less", f.parameter("executionTimeout"), most)
	}
}

// TestStatus: the script's status is the program's, and its last line stays the last.
func TestStatus(t *testing.T) {
	for _, status := range []int{1, 3, 124, 255} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			newFake(t)
			got := run(t, t.Context(), fmt.Sprintf("echo done; echo 'schema: failed: this; do that' >&2; exit %d",
				status))
			want := said{status, "done\n", fmt.Sprintf("runcommand: command %s on %s ended with status %d\nschema: "+
				"failed: this; do that\n", testCommand, testInstance, status)}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	t.Run("nothing said", func(t *testing.T) {
		newFake(t)
		if got := run(t, t.Context(), "exit 7"); got.status != 7 || got.stdout != "" ||
			!strings.HasSuffix(got.stderr, "ended with status 7\n") {
			t.Errorf("got %+v", got)
		}
	})
}

// TestUnsteady: what passes is waited for: throttling, an instance that is not there yet, a command that is not known
// yet.
func TestUnsteady(t *testing.T) {
	f := newFake(t)
	f.pings = []string{"", "", "ConnectionLost", "Inactive"}
	unknown := answer{http.StatusBadRequest, "InvocationDoesNotExist", ""}
	fault := answer{http.StatusInternalServerError, "InternalServerError", "Sorry"}
	f.answers = map[string][]answer{
		"DescribeInstanceInformation": {throttled(), fault, {http.StatusBadRequest, "InvalidInstanceId", "not yet"}},
		"SendCommand":                 {throttled(), throttled()},
		"GetCommandInvocation":        {unknown, throttled(), unknown, fault, unknown},
	}
	// Once, at the first status.
	waits := fmt.Sprintf("runcommand: waiting for the agent on %s, whose status is ConnectionLost; if the instance is "+
		"stopped, start it: aws ec2 start-instances --region %s --instance-ids %[1]s\n", testInstance, testRegion)
	if got := run(t, t.Context(), "echo done"); got != (said{0, "done\n", waits}) {
		t.Errorf("got %+v", got)
	}
	for operation, least := range map[string]int{"DescribeInstanceInformation": 8, "SendCommand": 3,
		"GetCommandInvocation": 6} {
		if n := f.count(operation); n < least {
			t.Errorf("%s was called %d times, want %d at least", operation, n, least)
		}
	}
}

// TestCut: of much output the beginning comes, and the word that it is not all.
func TestCut(t *testing.T) {
	newFake(t)
	got := run(t, t.Context(), `printf '%0100000d' 0; printf '%0100000d' 1 >&2; exit 4`)
	if got.status != 4 || !strings.HasPrefix(got.stdout, strings.Repeat("0", 20_000)) ||
		len(got.stdout) != stdoutKept+1 {
		t.Errorf("status %d, %d bytes of output", got.status, len(got.stdout))
	}
	for _, want := range []string{"this stdout is truncated: Systems Manager keeps 24000 characters",
		"this stderr is truncated: Systems Manager keeps 8000 characters", testCommand} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("standard error does not say %q", want)
		}
	}
	newFake(t)
	if got := run(t, t.Context(), `printf '%020000d' 0`); got.status != 0 || strings.Contains(got.stderr, "cut") ||
		len(got.stdout) != 20_001 {
		t.Errorf("status %d, %d bytes, and %q", got.status, len(got.stdout), got.stderr)
	}
}

// TestRefusals: each says what is wrong and what to do.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string][]answer
		outcome *invocation
		status  int
		want    []string
		cancels int
	}{
		"may not ask": {
			map[string][]answer{"DescribeInstanceInformation": {denied("ssm:DescribeInstanceInformation")}}, nil,
			statusFailed, []string{"grant the caller ssm:DescribeInstanceInformation", "not authorized"}, 0,
		},
		"may not send": {
			map[string][]answer{"SendCommand": {denied("ssm:SendCommand")}}, nil,
			statusFailed, []string{"grant the caller ssm:SendCommand on the instance and on the document"}, 0,
		},
		"may not look": {
			map[string][]answer{"GetCommandInvocation": {denied("ssm:GetCommandInvocation")}}, nil,
			statusFailed, []string{"grant the caller ssm:GetCommandInvocation", "was cancelled"}, 1,
		},
		"gone meanwhile": {
			map[string][]answer{"SendCommand": {{http.StatusBadRequest, "InvalidInstanceId",
				"Instances not in a valid state for account"}}}, nil,
			statusFailed, []string{"does not know " + testInstance + " in " + testRegion, "not in a valid state"}, 0,
		},
		"credentials": {
			map[string][]answer{"DescribeInstanceInformation": {{http.StatusBadRequest, "UnrecognizedClientException",
				"The security token is invalid"}}}, nil,
			statusFailed, []string{"check the AWS credentials"}, 0,
		},
		"not delivered": {
			nil, &invocation{Status: "TimedOut", StatusDetails: "Delivery Timed Out", ResponseCode: -1},
			statusFailed, []string{"was not delivered", "agent"}, 0,
		},
		"undeliverable": {
			nil, &invocation{Status: "Failed", StatusDetails: "Undeliverable", ResponseCode: -1},
			statusFailed, []string{"was not delivered (Undeliverable)", "agent"}, 0,
		},
		"cancelled by another": {
			nil, &invocation{Status: "Cancelled", StatusDetails: "Cancelled", ResponseCode: -1},
			statusCancelled, []string{"cancelled by someone else"}, 0,
		},
		"another status": {
			nil, &invocation{Status: "Failed", StatusDetails: "InvalidPlatform", ResponseCode: -1},
			statusFailed, []string{"was not run", "InvalidPlatform"}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.answers, f.outcome = c.answers, c.outcome
			if f.answers == nil {
				f.answers = map[string][]answer{}
			}
			got := run(t, t.Context(), "sleep 60")
			if got.status != c.status {
				t.Errorf("status %d, want %d", got.status, c.status)
			}
			for _, want := range c.want {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("standard error is %q, want %q in it", got.stderr, want)
				}
			}
			if n := f.count("CancelCommand"); n != c.cancels {
				t.Errorf("CancelCommand was called %d times, want %d", n, c.cancels)
			}
		})
	}
}

// TestNotManaged: an instance that does not come is waited for as long as there is time.
func TestNotManaged(t *testing.T) {
	for ping, want := range map[string]string{"": "is not known to Systems Manager in " + testRegion,
		"ConnectionLost": "its status is ConnectionLost"} {
		f := newFake(t)
		f.ping = ping
		got, err := execute(t.Context(), quick(), 4*time.Second, "true")
		if got.status != statusTimedOut || err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "role") {
			t.Errorf("%q: status %d, error %v; want %q", ping, got.status, err, want)
		}
		if f.count("DescribeInstanceInformation") < 2 || f.count("SendCommand") != 0 {
			t.Errorf("%q: calls %q", ping, f.operations())
		}
	}
}

// TestTimeOver: Systems Manager ends what takes too long, and what was said until then is told.
func TestTimeOver(t *testing.T) {
	f := newFake(t)
	// So that executionTimeout is a second, the least.
	got, err := execute(t.Context(), quick(), delivery+reserve, "echo begun; sleep 600")
	if got.status != statusTimedOut || got.stdout != "begun\n" || err == nil ||
		!strings.Contains(err.Error(), "--timeout") {
		t.Errorf("got %+v, %v", got, err)
	}
	if f.parameter("executionTimeout") != "1" || f.count("CancelCommand") != 0 {
		t.Errorf("executionTimeout %s, calls %q", f.parameter("executionTimeout"), f.operations())
	}
}

// TestOwnTimeOver: where Systems Manager does not end it, this program does.
func TestOwnTimeOver(t *testing.T) {
	f := newFake(t)
	unknown := make([]answer, 10_000)
	for i := range unknown {
		unknown[i] = answer{http.StatusBadRequest, "InvocationDoesNotExist", ""}
	}
	f.answers["GetCommandInvocation"] = unknown
	p := quick()
	p.cancel = 200 * time.Millisecond
	got, err := execute(t.Context(), p, 3*time.Second, "sleep 600")
	if got.status != statusTimedOut || !errors.Is(err, errTimeOver) || !strings.Contains(err.Error(), "may still run") {
		t.Errorf("got %+v, %v", got, err)
	}
	if f.count("CancelCommand") != 1 {
		t.Errorf("CancelCommand was called %d times, want once", f.count("CancelCommand"))
	}
}

// TestNeverAppears: a command that Systems Manager forgot is given up.
func TestNeverAppears(t *testing.T) {
	f := newFake(t)
	for range 10_000 {
		f.answers["GetCommandInvocation"] = append(f.answers["GetCommandInvocation"],
			answer{http.StatusBadRequest, "InvocationDoesNotExist", ""})
	}
	p := quick()
	p.appear, p.cancel = 50*time.Millisecond, 50*time.Millisecond
	got, err := execute(t.Context(), p, time.Hour, "sleep 600")
	if got.status != statusFailed || err == nil || !strings.Contains(err.Error(), "InvocationDoesNotExist") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// eventually polls with a deadline.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// TestCancel: what is cancelled ends on the instance too, and what it said is told.
func TestCancel(t *testing.T) {
	f := newFake(t)
	begun := filepath.Join(t.TempDir(), "begun")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan said, 1)
	go func() { result <- run(t, ctx, "echo begun; : >'"+begun+"'; sleep 600; echo not this") }()
	eventually(t, "the script runs", func() bool { _, err := os.Stat(begun); return err == nil })
	cancel()
	got := <-result
	if got.status != statusCancelled || got.stdout != "begun\n" ||
		!strings.Contains(got.stderr, "was cancelled and has ended") {
		t.Errorf("got %+v", got)
	}
	if n := f.count("CancelCommand"); n != 1 {
		t.Errorf("CancelCommand was called %d times, want once", n)
	}
	<-f.done
}

// TestCancelOnTheWay: a command whose id is still on its way to the program is cancelled when it is there.
func TestCancelOnTheWay(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.onTheWay = func(request context.Context) {
		cancel()
		select {
		case <-request.Done(): // the program went away
		case <-time.After(200 * time.Millisecond):
		}
	}
	got := run(t, ctx, "sleep 600")
	if got.status != statusCancelled || !strings.Contains(got.stderr, "was cancelled and has ended") {
		t.Errorf("got %+v", got)
	}
	if n := f.count("CancelCommand"); n != 1 {
		t.Errorf("CancelCommand was called %d times, want once", n)
	}
}

// TestCancelNeverSent: where the answer does not come either, the program ends and says what it knows.
func TestCancelNeverSent(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.onTheWay = func(request context.Context) {
		cancel()
		<-request.Done()
	}
	p := quick()
	p.cancel = 200 * time.Millisecond
	got, err := execute(ctx, p, time.Hour, "sleep 600")
	if got.status != statusCancelled || err == nil || !strings.Contains(err.Error(), "it may run on") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCancelFails: it is said when the command may run on.
func TestCancelFails(t *testing.T) {
	for name, prepare := range map[string]func(*fake){
		"not allowed":        func(f *fake) { f.answers["CancelCommand"] = []answer{denied("ssm:CancelCommand")} },
		"the agent does not": func(f *fake) { f.deaf = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			prepare(f)
			p := quick()
			p.cancel = time.Second
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			result := make(chan error, 1)
			go func() {
				got, err := execute(ctx, p, time.Hour, "sleep 600")
				if got.status != statusCancelled {
					err = fmt.Errorf("status %d, error %v", got.status, err)
				}
				result <- err
			}()
			eventually(t, "the command is looked at", func() bool { return f.count("GetCommandInvocation") > 0 })
			cancel()
			if err := <-result; err == nil || !strings.Contains(err.Error(), "may still run on "+testInstance) {
				t.Errorf("error %v, want that it may still run", err)
			}
		})
	}
}

// TestInterrupt sends the real program the signal.
func TestInterrupt(t *testing.T) {
	f := newFake(t)
	bin := filepath.Join(t.TempDir(), "runcommand")
	// Unlike go build, go run keeps what it links.
	if out, err := exec.CommandContext(t.Context(), "go", "run", "-buildvcs=false", "-exec", "cp", ".",
		bin).CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	begun := filepath.Join(t.TempDir(), "begun")
	cmd := exec.Command(bin, "--instance", testInstance, "--region", testRegion, "--timeout", "10m")
	cmd.Stdin = strings.NewReader("echo begun; : >'" + begun + "'; sleep 600\n")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the script runs", func() bool { _, err := os.Stat(begun); return err == nil })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its status is looked at
	if got := cmd.ProcessState.ExitCode(); got != statusCancelled || stdout.String() != "begun\n" ||
		!strings.Contains(stderr.String(), "was cancelled and has ended") {
		t.Errorf("status %d, said %q and %q", got, stdout.String(), stderr.String())
	}
	if n := f.count("CancelCommand"); n != 1 {
		t.Errorf("CancelCommand was called %d times, want once", n)
	}
}

func TestCommandLine(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		stdin io.Reader
		want  []string
	}{
		"nothing": {nil, strings.NewReader("true"), []string{"--instance = ", "--region = "}},
		"all wrong": {[]string{"--instance", "i-1", "--region", "Frankfurt", "--timeout", "1s", "--comment",
			strings.Repeat("ä", 101), "more"}, strings.NewReader("true"),
			[]string{`"i-1"`, `"Frankfurt"`, "1s must be from 2m0s to 48h0m0s", "101 characters", "more"}},
		"no such option": {[]string{"--instances", "i-1"}, strings.NewReader("true"),
			[]string{"-instances", "--help"}},
		"no script": {valid(), strings.NewReader(" \n"), []string{"no script"}},
		"a long script": {valid(), strings.NewReader(strings.Repeat("#", maxScript+1)),
			[]string{"more than 49152 bytes"}},
		"not a text":       {valid(), strings.NewReader("echo \xff"), []string{"UTF-8"}},
		"a template":       {valid(), strings.NewReader("echo {{ ssm:secret }}"), []string{`"{{"`}},
		"unreadable input": {valid(), iotest.ErrReader(io.ErrClosedPipe), []string{"reading the script"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			var stdout, stderr bytes.Buffer
			status := program{stdin: c.stdin, stdout: &stdout, stderr: &stderr, pace: quick()}.run(t.Context(), c.args)
			if status != statusFailed || stdout.Len() > 0 {
				t.Errorf("status %d, output %q", status, &stdout)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("standard error is %q, want %q in it", &stderr, want)
				}
			}
			if len(f.operations()) > 0 {
				t.Errorf("calls %q", f.operations())
			}
		})
	}
	var stderr bytes.Buffer
	if status := (program{stderr: &stderr}).run(t.Context(), []string{"--help"}); status != 0 ||
		!strings.Contains(stderr.String(), "usage:") || !strings.Contains(stderr.String(), "-timeout") {
		t.Errorf("--help: status %d, %q", status, &stderr)
	}
}

func valid() []string { return []string{"--instance", testInstance, "--region", testRegion} }
