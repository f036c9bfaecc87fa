// Package cli is the command that shows reviewers how a change affects the stacks of a repository. It
// runs the Pulumi programs of two revisions without a cloud, without credentials and without the Pulumi CLI, and
// compares what they register (package plan).
//
//	plan [--base origin/main] [--format markdown|json|sarif] [--json file] [--sarif file] [--root folder]
//	     [--config stackplan.yaml] [--project folder]… [--stack name]… [--production name]… [--set NAME=value]…
//	     [--artifact FILE=of,of]… [--tags list] [--migrations folder] [--rules folder]
//	     [--time-limit 5m] [--memory-limit MB]
//
// Head is the working tree as it stands, base the commit that it left the given revision at (git merge-base). The plan
// goes to standard output, how long its parts took to standard error. The exit status is for CI:
//
//	0  nothing dangerous was found, and everything was judged
//	1  no plan could be made
//	2  it was called wrongly
//	3  a rule is broken that base keeps, or, with --fail-inherited, any
//	4  the program does not compile, or fails
//	5  settings cannot be used
//	6  something is dangerous, or nothing here judges it, and wants a person's eye
//
// Where several hold, the first of 5, 4, 3, 6.
//
// cmd/plan is this command for any repository. What it cannot find out stands in a file of the repository (Config),
// and flags stand in for that.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"dossier.example/plan"
)

// The exit statuses.
const (
	StatusClean = iota
	StatusFailed
	StatusUsage
	StatusPolicy
	StatusProgram
	StatusSettings
	StatusDangerous
)

// Main runs the command with the process's arguments and ends the process.
func Main(project Project) {
	if err := forget(); err != nil {
		fmt.Fprintf(os.Stderr, "plan: no plan: leaving the environment behind: %v\n", err)
		os.Exit(StatusFailed)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := Run(ctx, project, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Run runs the command with arguments, and returns its exit status. The plan goes to out, everything else to log.
func Run(ctx context.Context, project Project, args []string, out, log io.Writer) int {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	flags.SetOutput(log)
	var (
		base   = flags.String("base", "origin/main", "the revision that the change is for")
		format = flags.String("format", "markdown", "markdown, for a comment on a pull request, json or sarif")
		also   = map[string]*string{
			"json":  flags.String("json", "", "a `file` that gets the plan as JSON, too"),
			"sarif": flags.String("sarif", "", "a `file` that gets the plan as SARIF, too"),
		}
		root = flags.String("root", "", "the repository's root `folder` (default: of the one that this folder is in)")
		over overrides
	)
	over.register(flags)
	project.limits.register(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return StatusClean
		}
		return StatusUsage
	}
	if flags.NArg() > 0 || !slices.Contains([]string{"markdown", "json", "sarif"}, *format) ||
		strings.HasPrefix(*base, "-") || *base == "" || project.limits.time <= 0 {
		fmt.Fprintf(log,
			"plan: the format is markdown, json or sarif, the base a revision, and nothing follows the flags\n")
		flags.Usage()
		return StatusUsage
	}
	project.limits.ready()
	watch := &stopwatch{from: time.Now(), last: time.Now()}
	p, err := project.compare(ctx, *root, *base, over, watch)
	if err == nil {
		err = write(p, *format, out)
		for form, file := range also {
			if *file != "" && err == nil {
				err = writeTo(p, form, *file)
			}
		}
	}
	watch.lap("writing it")
	fmt.Fprintf(log, "plan: %s\n", watch)
	if err != nil {
		fmt.Fprintf(log, "plan: no plan: %s\n", line(err.Error()))
		if *format == "markdown" {
			// Whoever puts the plan somewhere must not put an empty one there.
			if _, err := io.WriteString(out, plan.Failed(err)); err != nil {
				fmt.Fprintf(log, "plan: writing that there is none: %v\n", err)
			}
		}
		return StatusFailed
	}
	return status(p)
}

// write writes the plan in a form.
func write(p plan.Plan, format string, out io.Writer) error {
	var text []byte
	var err error
	switch format {
	case "json":
		if text, err = json.MarshalIndent(p, "", "  "); err != nil {
			return fmt.Errorf("writing the plan as JSON: %w", err)
		}
		text = append(text, '\n')
	case "sarif":
		if text, err = p.SARIF(); err != nil {
			return err
		}
	default:
		text = []byte(p.Markdown())
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// writeTo writes the plan in a form to a file.
func writeTo(p plan.Plan, format, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("writing the plan as %s: %w", format, err)
	}
	return errors.Join(write(p, format, f), f.Close())
}

// status is the exit status for a plan.
func status(p plan.Plan) int {
	if p.Build != nil {
		return StatusProgram
	}
	settings, program, broken, dangerous := false, unasked(p), false, false
	for _, e := range p.Environments {
		if e.Fault != nil {
			settings = settings || e.Fault.Kind == plan.FaultSettings
			program = program || e.Fault.Kind != plan.FaultSettings
		}
		inherited := e.Policy.Inherited()
		broken = broken || len(e.Policy.Broken) > inherited || p.FailInherited && inherited > 0
		dangerous = dangerous || len(e.Dangers) > 0 || p.FailInherited && len(e.Unjudged) > 0
	}
	for _, u := range p.Unread {
		dangerous = dangerous || u.Changed
	}
	for _, m := range p.Migrations {
		dangerous = dangerous || m.Unsafe != ""
	}
	switch {
	case settings:
		return StatusSettings
	case program:
		return StatusProgram
	case broken:
		return StatusPolicy
	case dangerous:
		return StatusDangerous
	}
	return StatusClean
}

// stopwatch tells how long the parts of a plan take.
type stopwatch struct {
	from, last time.Time
	parts      []string
}

// lap ends a part.
func (s *stopwatch) lap(what string) {
	now := time.Now()
	s.parts = append(s.parts, fmt.Sprintf("%s %.1f s", what, now.Sub(s.last).Seconds()))
	s.last = now
}

func (s *stopwatch) String() string {
	return fmt.Sprintf("made in %.1f s: %s", s.last.Sub(s.from).Seconds(), strings.Join(s.parts, ", "))
}
