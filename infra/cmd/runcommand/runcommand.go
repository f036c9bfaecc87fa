package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// pace is how often things are asked and how long an answer may take.
type pace struct {
	// first and most are the shortest and the longest pause between two questions.
	first, most time.Duration
	// backoff is the longest pause before a refused call is made again.
	backoff time.Duration
	// attempt bounds one request, call all requests of one call.
	attempt, call time.Duration
	// appear is how long a command that was sent may be unknown: what was sent is not known everywhere at once.
	appear time.Duration
	// cancel is how long a cancelled command has to end.
	cancel time.Duration
}

func usual() pace {
	return pace{
		first: time.Second, most: 8 * time.Second, backoff: 20 * time.Second, attempt: 15 * time.Second,
		call:   2 * time.Minute,
		appear: time.Minute, cancel: 30 * time.Second,
	}
}

const (
	// delivery is how long a command may be on its way to an agent that is known to be there; Systems Manager takes 30
	// seconds or more.
	delivery = 60 * time.Second
	// reserve is kept from the time for everything, so that Systems Manager's own end of the time comes first, with
	// what was said until then.
	reserve = 15 * time.Second
)

// manager talks to Systems Manager about one command.
type manager struct {
	client *ssm.Client
	pace   pace
	options
}

// execute runs the script and prints what it said. The status is the program's; the error, if there is one, is for the
// end of standard error.
func (p program) execute(ctx context.Context, o options) (int, error) {
	deadline := time.Now().Add(o.timeout)
	bounded, cancel := context.WithDeadlineCause(ctx, deadline, errTimeOver)
	defer cancel()
	m, err := newManager(bounded, o, p.pace)
	if err != nil {
		return failed(bounded, err)
	}
	if err := m.waitManaged(bounded, p.stderr); err != nil {
		return failed(bounded, err)
	}
	id, err := m.send(bounded, deadline)
	if err != nil {
		return failed(bounded, err)
	}
	end, err := m.waitEnd(bounded, id)
	if err != nil {
		// It may still run: whoever gives up on it, ends it.
		status, err := failed(bounded, err)
		return status, errors.Join(err, p.abandon(ctx, m, id))
	}
	return p.tell(m, id, end)
}

// failed returns the status for what was not the script's fault.
func failed(ctx context.Context, err error) (int, error) {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeOver):
		return statusTimedOut, err
	case cause != nil:
		return statusCancelled, err
	}
	return statusFailed, err
}

var errTimeOver = errors.New("the time limit was reached")

func newManager(ctx context.Context, o options, p pace) (*manager, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(o.region),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(p.attempt)),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts, s.MaxBackoff = 8, p.backoff })
		}))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of the AWS SDK: %w", err)
	}
	return &manager{client: ssm.NewFromConfig(cfg), pace: p, options: o}, nil
}

// waitManaged waits until the agent on the instance has reported to Systems Manager. An agent that was there before and
// is gone is mostly that of an instance that was stopped, to save money, so it says that before the time is over.
func (m *manager) waitManaged(ctx context.Context, says io.Writer) error {
	var pause pauses
	var status types.PingStatus
	for asked, told := false, false; ; asked = true {
		now, err := m.ping(ctx)
		switch {
		case err == nil && now == types.PingStatusOnline:
			return nil
		case err == nil:
			status = now
			if status != "" && !told {
				told = true
				fmt.Fprintf(says, "runcommand: waiting for the agent on %s, whose status is %s; if the instance is "+
					"stopped, start it: aws ec2 start-instances --region %s --instance-ids %s\n", m.instance, status,
					m.region, m.instance)
			}
		case !asked || ctx.Err() == nil:
			return err
		} // else the time ended within a question, and the last answer is what counts
		if err := pause.wait(ctx, m.pace); err != nil {
			const mend = "check that it is running, that its role allows the agent, and that it can reach Systems " +
				"Manager"
			if status == "" {
				return fmt.Errorf("%s is not known to Systems Manager in %s (%w); %s", m.instance, m.region, err, mend)
			}
			return fmt.Errorf("the agent on %s does not respond: its status is %s (%w); %s", m.instance, status, err,
				mend)
		}
	}
}

// ping returns the agent's status; empty when Systems Manager does not know the instance.
func (m *manager) ping(ctx context.Context) (types.PingStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, m.pace.call)
	defer cancel()
	out, err := m.client.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
		Filters: []types.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"),
			Values: []string{m.instance}}},
	})
	if _, unknown := errors.AsType[*types.InvalidInstanceId](err); unknown {
		return "", nil
	}
	if err != nil {
		return "", m.explain(ctx, "asking Systems Manager for "+m.instance, "ssm:DescribeInstanceInformation", err)
	}
	for _, info := range out.InstanceInformationList {
		if aws.ToString(info.InstanceId) == m.instance {
			return info.PingStatus, nil
		}
	}
	return "", nil
}

// send sends the command and returns its id. An end of ctx does not cut the request off at once: what arrived may run,
// and without its id nobody could cancel it.
func (m *manager) send(ctx context.Context, deadline time.Time) (string, error) {
	// Rounded down, and one second at least.
	execution := max(1, int64((time.Until(deadline)-delivery-reserve)/time.Second))
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.pace.call)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(m.pace.cancel, cancel) })()
	in := &ssm.SendCommandInput{
		DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{m.instance},
		TimeoutSeconds: aws.Int32(int32(delivery / time.Second)),
		Parameters: map[string][]string{"commands": {underBash(m.script)},
			"executionTimeout": {strconv.FormatInt(execution, 10)}},
	}
	if m.comment != "" {
		in.Comment = &m.comment
	}
	out, err := m.client.SendCommand(call, in)
	if err != nil {
		err := m.explain(call, "sending the command to "+m.instance,
			"ssm:SendCommand on the instance and on the document AWS-RunShellScript", err)
		if call.Err() != nil {
			err = fmt.Errorf("%w; if it arrived, it may run on %s: look at Run Command in Systems Manager", err,
				m.instance)
		}
		return "", err
	}
	if out.Command == nil || aws.ToString(out.Command.CommandId) == "" {
		return "", errors.New("sending the command: Systems Manager gave it no id")
	}
	return *out.Command.CommandId, nil
}

// underBash returns a script for any shell that has bash run a script: AWS-RunShellScript uses sh. The script is an
// argument and not standard input, which programs in it could read away; that is how sshd runs one too.
func underBash(script string) string {
	return "exec bash -c '" + strings.ReplaceAll(script, "'", `'\''`) + "'\n"
}

// waitEnd waits until the command has ended.
func (m *manager) waitEnd(ctx context.Context, id string) (*ssm.GetCommandInvocationOutput, error) {
	unknownUntil := time.Now().Add(m.pace.appear)
	var pause pauses
	for {
		out, err := m.invocation(ctx, id)
		_, unknown := errors.AsType[*types.InvocationDoesNotExist](err)
		switch {
		case unknown && time.Now().Before(unknownUntil):
		case err != nil:
			return nil, m.explain(ctx, "asking for the status of command "+id, "ssm:GetCommandInvocation", err)
		case ended(out.Status):
			return out, nil
		}
		if err := pause.wait(ctx, m.pace); err != nil {
			return nil, fmt.Errorf("waiting for command %s on %s: %w", id, m.instance, err)
		}
	}
}

func (m *manager) invocation(ctx context.Context, id string) (*ssm.GetCommandInvocationOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, m.pace.call)
	defer cancel()
	return m.client.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: &m.instance})
}

// ended reports whether a status is a last one. Those that this program does not know are: waiting for what never
// changes helps nobody.
func ended(status types.CommandInvocationStatus) bool {
	switch status {
	case types.CommandInvocationStatusPending, types.CommandInvocationStatusInProgress,
		types.CommandInvocationStatusDelayed,
		types.CommandInvocationStatusCancelling:
		return false
	}
	return true
}

// abandon cancels a command that is not waited for any more, gives it some time to end, and prints what it said until
// then. The context given may have ended.
func (p program) abandon(ctx context.Context, m *manager, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.pace.cancel)
	defer cancel()
	_, err := m.client.CancelCommand(ctx, &ssm.CancelCommandInput{CommandId: &id, InstanceIds: []string{m.instance}})
	if err != nil {
		return fmt.Errorf("command %s may still run on %s: %w", id, m.instance,
			m.explain(ctx, "cancelling it", "ssm:CancelCommand", err))
	}
	end, err := m.waitEnd(ctx, id)
	if err != nil {
		return fmt.Errorf("command %s was cancelled and may still run on %s: %w", id, m.instance, err)
	}
	if err := p.output(m, id, end); err != nil {
		return err
	}
	return fmt.Errorf("command %s on %s was cancelled and has ended (%s)", id, m.instance, end.Status)
}

// tell prints what the command said and returns the status for how it ended.
func (p program) tell(m *manager, id string, end *ssm.GetCommandInvocationOutput) (int, error) {
	if end.Status == types.CommandInvocationStatusFailed && end.ResponseCode > 0 {
		// First, so that the script's own last line stays the last.
		fmt.Fprintf(p.stderr, "runcommand: command %s on %s ended with status %d\n", id, m.instance, end.ResponseCode)
	}
	if err := p.output(m, id, end); err != nil {
		return statusFailed, err
	}
	// Documented as "Delivery Timed Out", sent as "DeliveryTimedOut".
	details := strings.ReplaceAll(aws.ToString(end.StatusDetails), " ", "")
	what := fmt.Sprintf("command %s on %s", id, m.instance)
	switch {
	case end.Status == types.CommandInvocationStatusSuccess:
		return 0, nil
	case end.Status == types.CommandInvocationStatusFailed && end.ResponseCode > 0:
		return min(int(end.ResponseCode), 255), nil
	case details == "DeliveryTimedOut" || details == "Undeliverable":
		return statusFailed, fmt.Errorf("%s was not delivered (%s): check that the instance is still running and "+
			"that its agent can reach Systems Manager", what, details)
	case end.Status == types.CommandInvocationStatusTimedOut:
		return statusTimedOut,
			fmt.Errorf("%s was stopped at the time limit; increase --timeout, or check what it is waiting for", what)
	case end.Status == types.CommandInvocationStatusCancelled:
		return statusCancelled, fmt.Errorf("%s was cancelled by someone else", what)
	}
	return statusFailed, fmt.Errorf("%s was not run: its status is %s (%s)", what, end.Status, details)
}

// Systems Manager keeps so many characters of what a command says
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html).
const (
	stdoutKept = 24_000
	stderrKept = 8_000
)

// output prints what the command said, and whether that is all.
func (p program) output(m *manager, id string, end *ssm.GetCommandInvocationOutput) error {
	for _, stream := range []struct {
		name string
		to   io.Writer
		text string
		kept int
	}{
		{"stdout", p.stdout, aws.ToString(end.StandardOutputContent), stdoutKept},
		{"stderr", p.stderr, aws.ToString(end.StandardErrorContent), stderrKept},
	} {
		cut := utf8.RuneCountInString(stream.text) >= stream.kept
		if stream.name == "stderr" {
			stream.text = withoutAgent(stream.text)
		}
		if stream.text == "" {
			continue
		}
		if !strings.HasSuffix(stream.text, "\n") {
			stream.text += "\n"
		}
		if _, err := io.WriteString(stream.to, stream.text); err != nil {
			return fmt.Errorf("printing what command %s said: %w", id, err)
		}
		if cut {
			fmt.Fprintf(p.stderr, "runcommand: this %s is truncated: Systems Manager keeps %d characters; the rest "+
				"is on %s below /var/lib/amazon/ssm/%s/document/orchestration/%s\n",
				stream.name, stream.kept, m.instance, m.instance, id)
		}
	}
	return nil
}

// withoutAgent takes away the line that the agent adds to what a failed script said, which would hide the script's own
// last line.
func withoutAgent(text string) string {
	head, last := "", strings.TrimRight(text, "\n")
	if i := strings.LastIndexByte(last, '\n'); i >= 0 {
		head, last = last[:i+1], last[i+1:]
	}
	if strings.HasPrefix(last, "failed to run commands: ") {
		return head
	}
	return text
}

// pauses grow from question to question.
type pauses struct{ last time.Duration }

// wait waits, and returns why when there is no time left for it.
func (w *pauses) wait(ctx context.Context, p pace) error {
	w.last = min(max(p.first, w.last*3/2), p.most)
	timer := time.NewTimer(w.last)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
