// Runcommand runs a bash script on one instance through Systems Manager, as ssh does on a host: the script comes from
// standard input, its output goes to standard output and standard error when it has finished, and its exit status is
// this program's. No port of the instance has to be open.
//
//	runcommand --instance i-0123456789abcdef0 --region eu-central-1 --timeout 30m < script
//
// The script must be safe to run again: a request whose answer is lost on the way is sent once more. An interrupt
// cancels it.
//
// # What it may do
//
// Who runs it needs, in IAM's terms: ssm:DescribeInstanceInformation, ssm:GetCommandInvocation and ssm:CancelCommand on
// *, for they know no narrower resources, and ssm:SendCommand on the instance and on the document AWS-RunShellScript.
//
// # Exit statuses
//
// The script's own; 124 when the time was over, 125 when the script could not be run or its end is not known, 130 when
// it was cancelled. "go run" makes 1 of each of them but 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, pace: usual()}.run(ctx, os.Args[1:]))
}

// The exit statuses that are not the script's.
const (
	statusTimedOut  = 124
	statusFailed    = 125
	statusCancelled = 130
)

// program is one run, with what it takes from the outside.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	pace           pace
}

// run returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	o, err := parse(args, p.stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		o.script, err = read(p.stdin)
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "runcommand:", err)
		return statusFailed
	}
	status, err := p.execute(ctx, o)
	if err != nil {
		fmt.Fprintln(p.stderr, "runcommand:", err)
	}
	return status
}

// options is what to run, where.
type options struct {
	instance, region, comment string
	// timeout bounds everything.
	timeout time.Duration
	script  string
}

// What Systems Manager takes.
const (
	// maxTimeout is the largest executionTimeout of AWS-RunShellScript, 48 hours
	// (https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html#aws-runShellScript).
	maxTimeout = 48 * time.Hour
	minTimeout = 2 * time.Minute
	// maxComment is in characters
	// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html).
	maxComment = 100
	// maxScript is in bytes: a document with its parameters may have 64 KB
	// (https://docs.aws.amazon.com/general/latest/gr/ssm.html), of which quoting and the rest take some.
	maxScript = 48 << 10
)

var (
	instanceForm = regexp.MustCompile(`\A(i-([0-9a-f]{8}|[0-9a-f]{17}))\z`)
	regionForm   = regexp.MustCompile(`\A[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}\z`)
)

// parse reads the command line. The error tells everything that is wrong with it.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("runcommand", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.instance, "instance", "", "`id` of the instance, such as i-0123456789abcdef0")
	flags.StringVar(&o.region, "region", "", "AWS `region` of the instance")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Minute,
		"`time` limit for everything, including the wait for the instance")
	flags.StringVar(&o.comment, "comment", "", "`text` that Systems Manager shows with the command")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr,
			"usage: runcommand --instance id --region region [--timeout time] [--comment text] < script")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("%w; see --help", err)
	}
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(flags.NArg() == 0, "%q: unexpected arguments; the script is read from standard input", flags.Args())
	check(instanceForm.MatchString(o.instance), "--instance = %q must be an instance ID such as i-0123456789abcdef0",
		o.instance)
	check(regionForm.MatchString(o.region), "--region = %q must be an AWS region such as eu-central-1", o.region)
	check(o.timeout >= minTimeout && o.timeout <= maxTimeout, "--timeout = %v must be from %v to %v", o.timeout,
		minTimeout, maxTimeout)
	check(utf8.RuneCountInString(o.comment) <= maxComment,
		"--comment has %d characters; Systems Manager takes %d at most", utf8.RuneCountInString(o.comment), maxComment)
	return o, errors.Join(errs...)
}

// read reads the script.
func read(stdin io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(stdin, maxScript+1))
	script := string(b)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the script from standard input: %w", err)
	case strings.TrimSpace(script) == "":
		return "", errors.New("standard input has no script")
	case len(script) > maxScript:
		return "", fmt.Errorf("the script has more than %d bytes, the limit of Systems Manager", maxScript)
	case !utf8.ValidString(script) || strings.ContainsRune(script, 0):
		return "", errors.New("the script is not UTF-8 text")
	case strings.Contains(script, "{{"):
		return "", errors.New(`the script contains "{{", which Systems Manager would treat as a parameter; rewrite it`)
	}
	return script, nil
}
