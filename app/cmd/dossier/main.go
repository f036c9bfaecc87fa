// Command dossier is the application: the web service and the commands that keep its stores in order. It alone reads
// the settings, opens the stores and wires them to the domain and the pages.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"dossier.example/app/config"
	"dossier.example/app/thumbnail"
)

func main() {
	thumbnail.Main()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	// Once the first signal came a second one kills: stop restores the default.
	context.AfterFunc(ctx, stop)
	p := program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// program is one run of the command, with what it takes from the outside, so that tests can start several in one
// process.
type program struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	// listening, when set, is told the address that serve got.
	listening func(net.Addr)
}

// lookup returns a variable of the environment.
func (p *program) lookup(name string) (value string, set bool) {
	for _, kv := range p.environ {
		if rest, ok := strings.CutPrefix(kv, name+"="); ok {
			return rest, true
		}
	}
	return "", false
}

// Exit statuses.
const (
	exitOK = 0
	// exitFailed: the command could not do its work; stderr says why.
	exitFailed = 1
	// exitDamaged: reconcile, backup or restore found stored files whose bytes are missing or differ; scan found
	// malware; audit found that the trail is not what was entered.
	exitDamaged = 3
)

// exit is an error that asks for an exit status of its own.
type exit struct {
	status int
	error
}

func (e exit) Unwrap() error { return e.error }

// run executes the command line and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	root := &cobra.Command{
		Use:           "dossier",
		Short:         "People submit their details and files; staff find them",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	out := &printed{to: p.stdout}
	p.stdout = out
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.serveCommand(), p.uploadCommand(), p.migrateCommand(), p.reconcileCommand(), p.scanCommand(),
		p.backupCommand(), p.restoreCommand(), p.auditCommand(), p.healthcheckCommand(), p.versionCommand(),
		p.settingsCommand(), p.staffCommand())
	command, err := root.ExecuteContextC(ctx)
	// A server's work is another one than to say where it is.
	if err == nil && command.Name() != "serve" {
		err = out.failed()
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(p.stderr, "dossier:", err)
	if e, ok := err.(exit); ok {
		return e.status
	}
	return exitFailed
}

// printed is standard output. It remembers that something could not be written: a report, or a link that nothing
// else has, would be lost, and whoever runs the command in a script would not notice.
type printed struct {
	to io.Writer

	mu  sync.Mutex
	err error
}

// Write implements io.Writer.
func (o *printed) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.to.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// failed returns why something could not be written; nil if everything was.
func (o *printed) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("standard output cannot be written: %w", o.err)
}

// load reads the settings of one command and returns them with the logger that they ask for. Warnings are logged.
func (p *program) load(ctx context.Context, purpose config.Purpose) (*config.Config, *slog.Logger, error) {
	cfg, warnings, err := config.Load(ctx, config.Options{Environ: p.environ, Purpose: purpose})
	if err != nil {
		return nil, nil, err
	}
	var handler slog.Handler = slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: cfg.Log.Level})
	if cfg.Log.Format == config.LogJSON {
		handler = slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: cfg.Log.Level})
	}
	log := slog.New(handler)
	for _, w := range warnings {
		log.Warn(w.Message, "setting", w.Name)
	}
	return cfg, log, nil
}
