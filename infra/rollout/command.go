package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"dossier.example/infra/internal/wait"
)

// The exit statuses of the command. The last is the shell's custom for a program that was interrupted.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Command is one call of the command.
type Command struct {
	// Args are the arguments without the program's name, Environ the environment as "NAME=value".
	Args, Environ []string
	// Stdout gets the result, Stderr what goes on meanwhile and the reason of a failure.
	Stdout, Stderr io.Writer

	// AWS returns the SDK's configuration for a region (empty: the one that the SDK finds); nil means the SDK's own
	// chain.
	AWS func(ctx context.Context, region string) (aws.Config, error)
	// Site carries the requests to the site; nil means the network, with certificates verified.
	Site http.RoundTripper
}

// Result is what the command prints with --json.
type Result struct {
	// Outcome is "refreshed" (a refresh was made, or joined), "unchanged" (none was needed), "verified" (--check),
	// "rolled-back", "failed" or "interrupted".
	Outcome string `json:"outcome"`
	Group   string `json:"group"`
	// Template and Version are what was asked for; empty for the subcommand rollback.
	Template string `json:"template,omitempty"`
	Version  string `json:"version,omitempty"`
	// Refresh is the id of the instance refresh that was made, joined or rolled back.
	Refresh string `json:"refresh,omitempty"`
	// InService is the number of instances that serve the version, all of them healthy; 0 where it was not verified.
	InService int `json:"in_service"`
	// Asked is the address that answered 200; empty where none was asked.
	Asked string `json:"asked,omitempty"`
	// PrunedVersions and PrunedReleases are how many old versions of the template and old releases were deleted
	// afterwards.
	PrunedVersions int `json:"pruned_versions"`
	PrunedReleases int `json:"pruned_releases"`
	// Error is the reason of a failure, several lines.
	Error string `json:"error,omitempty"`
}

// The reasons why a wait ends before its time.
var (
	errDeadline    = errors.New("the time limit was reached")
	errInterrupted = errors.New("interrupted")
)

// run is one call with everything it needs.
type run struct {
	cloud
	options
	templates templates
	objects   objects
	client    *http.Client // for the site
	stdout    io.Writer
	stderr    io.Writer
	started   time.Time

	result Result
	last   string // the last line of progress, so that nothing is said twice
	told   map[string]bool
}

// Run does what the command line says and returns the exit status. When ctx ends, it stops waiting; what goes on in AWS
// goes on.
func (c Command) Run(ctx context.Context) int {
	o, err := parse(c.Args, c.Environ)
	if wrong, ok := errors.AsType[*usageError](err); ok {
		if wrong.help != "" {
			_, _ = io.WriteString(c.Stdout, wrong.help)
			return exitDone
		}
		_, _ = fmt.Fprintf(c.Stderr, "rollout: %s\nrollout --help lists the flags.\n", wrong)
		return exitUsage
	}

	load := c.AWS
	if load == nil {
		load = loadAWS
	}
	cfg, err := load(ctx, o.region)
	if err != nil {
		_, _ = fmt.Fprintf(c.Stderr, "rollout: loading the AWS configuration: %s\n", err)
		return exitFailed
	}
	if cfg.Region == "" {
		_, _ = fmt.Fprintf(c.Stderr, "rollout: no AWS region: use --region, or set %s or AWS_REGION\n", EnvRegion)
		return exitUsage
	}
	scaling := autoscaling.NewFromConfig(cfg)
	r := &run{
		cloud: cloud{
			reader: reader{groups: scaling, groupName: o.group}, scaling: scaling, balancing: elb.NewFromConfig(cfg),
			watching: cloudwatch.NewFromConfig(cfg), targetGroup: o.targetARN,
		},
		templates: ec2.NewFromConfig(cfg), objects: s3.NewFromConfig(cfg),
		options: o, client: siteClient(c.Site), stdout: c.Stdout, stderr: c.Stderr, started: time.Now(),
		told:   map[string]bool{},
		result: Result{Group: o.group, Template: o.want.id, Version: o.want.version},
	}
	return r.run(ctx)
}

func (r *run) run(parent context.Context) int {
	ctx, cancel := context.WithTimeoutCause(parent, r.timeout, errDeadline)
	defer cancel()

	var err error
	switch {
	case r.rollback:
		err = r.rollBack(ctx)
	case r.check:
		r.result.Outcome = "verified"
		err = r.verify(ctx)
	default:
		if err = r.deploy(ctx); err == nil {
			err = r.verify(ctx)
		}
		if err == nil {
			r.prune(parent)
		}
	}
	if err == nil {
		r.succeed()
		return exitDone
	}
	if parent.Err() != nil {
		r.fail("interrupted", r.interrupted())
		return exitInterrupted
	}
	// The deadline is over, but what the failure looks like is worth one more minute.
	after, cancelAfter := context.WithTimeout(context.WithoutCancel(parent), callTimeout)
	defer cancelAfter()
	r.fail("failed", r.explain(after, err))
	return exitFailed
}

func (r *run) succeed() {
	if r.json {
		r.print()
		return
	}
	if r.rollback {
		_, _ = fmt.Fprintf(r.stdout, "rolled back: the refresh %s of %s\n", r.result.Refresh, r.group)
		return
	}
	_, _ = fmt.Fprintf(r.stdout, "%s: %s serves on %s: %s in service, all healthy in the load balancer",
		r.result.Outcome, r.want, r.group,
		count(r.result.InService, "instance"))
	if r.result.Asked != "" {
		_, _ = fmt.Fprintf(r.stdout, "; %s returned 200", r.result.Asked)
	}
	_, _ = fmt.Fprintln(r.stdout)
}

func (r *run) fail(outcome, why string) {
	r.result.Outcome, r.result.Error, r.result.InService = outcome, why, 0
	_, _ = fmt.Fprintf(r.stderr, "rollout: %s\n", why)
	if r.json {
		r.print()
	}
}

func (r *run) print() {
	encoder := json.NewEncoder(r.stdout)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(r.result) // stdout is gone: nobody to tell
}

// progress prints a line on stderr with the time since the start, unless it is the line printed last.
func (r *run) progress(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if line == r.last {
		return
	}
	r.last = line
	_, _ = fmt.Fprintf(r.stderr, "[%s] %s\n", time.Since(r.started).Truncate(time.Second), line)
}

// once prints a line of progress that must not come again, whatever stood between.
func (r *run) once(key, format string, args ...any) {
	if !r.told[key] {
		r.told[key] = true
		r.progress(format, args...)
	}
}

const (
	// pollEvery is far below the minutes that an instance takes, and far above what Auto Scaling throttles.
	pollEvery = 10 * time.Second
	// pollSlowest is where the growing pause ends while AWS throttles or does not answer.
	pollSlowest = 2 * time.Minute
)

// until looks again and again until it is done, ctx ends, or an error comes that asking again does not mend.
func (r *run) until(ctx context.Context, look func(context.Context) (done bool, err error)) error {
	pause := pollEvery
	for {
		done, err := look(ctx)
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			pause = pollEvery
		case ctx.Err() != nil && (transient(err) || errors.Is(err, context.Canceled)):
			return cause(ctx)
		case transient(err):
			pause = min(2*pause, pollSlowest)
			r.progress("%s; retrying in %s", err, pause)
		default:
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// sleep waits for d; the error is errDeadline or errInterrupted.
func sleep(ctx context.Context, d time.Duration) error {
	if wait.For(ctx, d) != nil {
		return cause(ctx)
	}
	return nil
}

func cause(ctx context.Context) error {
	if err := context.Cause(ctx); errors.Is(err, errDeadline) || errors.Is(err, errSite) {
		return err
	}
	return errInterrupted
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
