package prove

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"

	"dossier.example/infra/preflight"
)

// The exit statuses. The last is the shell's custom for a program that was interrupted.
const (
	exitProven      = 0
	exitWrong       = 1
	exitUsage       = 2
	exitUnseen      = 3
	exitInterrupted = 130
)

// Command is one call of cmd/prove.
type Command struct {
	// Args are the arguments without the program's name.
	Args []string
	// Getenv is os.Getenv.
	Getenv func(string) string
	// ReadFile is os.ReadFile.
	ReadFile func(string) ([]byte, error)
	// Stdin has the stack's outputs, Stdout gets the report, Stderr what goes on meanwhile.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// AWS returns the SDK's configuration for a region; nil means the SDK's own chain.
	AWS func(ctx context.Context, region string) (aws.Config, error)
	// Network and DNS are nil for the network and the system's resolver.
	Network Network
	DNS     preflight.Resolver
	// Execute runs a program with its output on Stderr; nil means os/exec.
	Execute func(ctx context.Context, program string, args ...string) error
}

const usage = `usage: pulumi stack output --json --stack STACK | prove [flags] STACK     (make prove STACK=dev does it)

Compares the stack that was deployed with what Pulumi.STACK.yaml asks for. Reads only, unless --drills names some.

`

const usageEnd = `
Exit status: 0 proven, 1 something is wrong, 2 wrong command line, 3 nothing is wrong but something could not be seen, 130 interrupted.
`

// options is what the command line says.
type options struct {
	stack, format, dir string
	drills             []drill
}

func (c Command) parse() (o options, err error) {
	set := flag.NewFlagSet("prove", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&o.format, "format", "table", "`form` of the report: table, json or markdown")
	set.StringVar(&o.dir, "dir", ".", "`folder` of Pulumi.STACK.yaml")
	var names string
	set.StringVar(&names, "drills", "",
		"`names` of drills, comma-separated, which change something and undo it: "+strings.Join(DrillNames(), ", "))
	switch err := set.Parse(c.Args); {
	case errors.Is(err, flag.ErrHelp):
		var b strings.Builder
		b.WriteString(usage)
		set.SetOutput(&b)
		set.PrintDefaults()
		b.WriteString("\n" + describeDrills() + usageEnd)
		_, _ = io.WriteString(c.Stdout, b.String())
		return o, flag.ErrHelp
	case err != nil:
		return o, err
	case set.NArg() != 1 || set.Arg(0) == "":
		return o, errors.New("name one stack, after the flags")
	case !slices.Contains([]string{"table", "json", "markdown"}, o.format):
		return o, fmt.Errorf("--format %q is not table, json or markdown", o.format)
	}
	o.stack = set.Arg(0)
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		at := slices.IndexFunc(drills(), func(d drill) bool { return d.name == name })
		if at < 0 {
			return o, fmt.Errorf("unknown drill %q; choose from %s", name, strings.Join(DrillNames(), ", "))
		}
		o.drills = append(o.drills, drills()[at])
	}
	return o, nil
}

// Run does what the command line says and returns the exit status.
func (c Command) Run(ctx context.Context) int {
	o, err := c.parse()
	if errors.Is(err, flag.ErrHelp) {
		return exitProven
	}
	if err != nil {
		return c.fail(exitUsage, "%s\nprove --help lists the flags", err)
	}
	file, err := c.ReadFile(o.dir + "/Pulumi." + o.stack + ".yaml")
	if err != nil {
		return c.fail(exitUsage, "reading the stack's settings: %s", err)
	}
	outputs, err := io.ReadAll(io.LimitReader(c.Stdin, 1<<20))
	if err != nil {
		return c.fail(exitUsage, "reading the stack's outputs: %s", err)
	}
	stack, err := Read(o.stack, file, outputs)
	if err != nil {
		return c.fail(exitUsage, "%s", err)
	}
	if stack.Settings.Protect && slices.ContainsFunc(o.drills, func(d drill) bool { return d.changes }) &&
		c.Getenv("PROD") != "yes" {
		return c.fail(exitUsage, "the stack %s is protected: set PROD=yes to have drills change something in it",
			o.stack)
	}
	load := c.AWS
	if load == nil {
		load = loadAWS
	}
	cfg, err := load(ctx, stack.Settings.Region)
	if err != nil {
		return c.fail(exitWrong, "loading the AWS configuration: %s", err)
	}
	prover := Prover{Config: cfg, Stack: stack, Network: c.Network, DNS: c.DNS}
	report := Report{Version: Version, Stack: o.stack, Region: stack.Settings.Region, Points: prover.Prove(ctx),
		Drills: []Point{}}
	if ctx.Err() == nil {
		report.Drills = c.drill(ctx, prover, o.drills)
	}
	write := map[string]func(io.Writer) error{"table": report.Table, "json": report.JSON,
		"markdown": report.Markdown}[o.format]
	if err := write(c.Stdout); err != nil {
		return c.fail(exitWrong, "writing the report: %s", err)
	}
	switch {
	case ctx.Err() != nil:
		return c.fail(exitInterrupted, "interrupted")
	case report.Count(Wrong) > 0:
		return exitWrong
	case report.Count(Unseen) > 0:
		return exitUnseen
	}
	return exitProven
}

func (c Command) fail(status int, format string, args ...any) int {
	_, _ = fmt.Fprintf(c.Stderr, "prove: "+format+"\n", args...)
	return status
}

// drill does the drills one after the other, as far as the first that fails: what it left is looked at before the next
// one changes more.
func (c Command) drill(ctx context.Context, p Prover, list []drill) []Point {
	execute := c.Execute
	if execute == nil {
		execute = func(ctx context.Context, program string, args ...string) error {
			command := exec.CommandContext(ctx, program, args...)
			command.Stdout, command.Stderr = c.Stderr, c.Stderr
			return command.Run()
		}
	}
	if p.Network == nil {
		p.Network = newInternet()
	}
	points := []Point{}
	for _, d := range list {
		_, _ = fmt.Fprintf(c.Stderr, "drill %s: %s It costs %s and takes %s.\n", d.name, d.does, d.costs, d.takes)
		run := &drilling{Prover: p, look: newLook(p), execute: execute, stderr: c.Stderr, name: d.name,
			started: time.Now()}
		point := d.point(ctx, run)
		points = append(points, point)
		if point.Result != Proven {
			break
		}
	}
	return points
}

func loadAWS(ctx context.Context, region string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryer(func() aws.Retryer {
		// Ninety questions at once are more than some services answer.
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 6 })
	}))
}
