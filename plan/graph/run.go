package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan/internal/apart"
)

// Program is a Pulumi program as "go build" left it.
type Program struct {
	// Path is the executable, Dir the folder that it runs in: that of its source, as with Pulumi.
	Path, Dir string
	// Root is the folder of the repository that it was built in; empty: no resource gets a Source.
	Root string
	// Tree is the folder of the repository that the program is of: all of this system's files that it finds, beside
	// what programs need; empty: Dir. What it writes there is gone after it. Read are other files and folders that it
	// can read, Empty folders that are there and empty. Where apart.Isolated gives a reason, it finds all files.
	Tree        string
	Read, Empty []string
	// StandIns are hashes that stand for files which a build would make, by their full names.
	StandIns map[string]string
	// Env is the whole environment that it runs with. Run adds what an engine tells a program by it.
	Env []string
	// Time bounds its run; 0 is some minutes, which is plenty for a program that asks nobody.
	Time time.Duration
	// Memory bounds what it takes, in bytes; 0 is some gigabytes.
	Memory uint64
	// Project is the folder of the project's file, which the program may ask for; empty: Dir.
	Project string
	// Later is by how much its clock is ahead, which needs apart.ClockMoves to give no reason against it.
	Later time.Duration
}

// whole is the program with the full paths of what it is made of.
func (p Program) whole() (Program, error) {
	p.Tree = cmp.Or(p.Tree, p.Dir)
	p.Project = cmp.Or(p.Project, p.Dir)
	for _, path := range []*string{&p.Path, &p.Dir, &p.Tree, &p.Project} {
		full, err := filepath.Abs(*path)
		if err != nil {
			return p, err
		}
		*path = full
	}
	_, err := os.Stat(p.Path)
	return p, err
}

// apart is how the program is run apart from this system.
func (p Program) apart(output io.Writer) apart.Program {
	return apart.Program{Path: p.Path, Dir: p.Dir, Env: p.Env, Output: output, Memory: cmp.Or(p.Memory, RunMemory),
		Clock: p.Later,
		Files: apart.Files{Tree: p.Tree, Read: p.Read, Empty: p.Empty}}
}

// ProgramError is what a program said when it failed.
type ProgramError struct {
	Stack string
	// Said is what it told the engine, else what it wrote to its standard error.
	Said string
	// Unanswered are the functions, by their tokens, that it had asked and of which nobody here knows what they answer.
	Unanswered []string
}

// Error implements error.
func (e *ProgramError) Error() string {
	return fmt.Sprintf("the program of stack %s failed: %s", e.Stack, e.Said)
}

const (
	// RunTime bounds a run that has no bound of its own.
	RunTime = 5 * time.Minute
	// largestMessage is more than all inputs of one resource take in good faith.
	largestMessage = 64 << 20
	// RunMemory bounds what such a run takes: a program with the SDK of AWS takes half a gigabyte.
	RunMemory = 4 << 30
	// mostSaid is how much of what a program says is kept, mostWritten how much it may write before it is stopped.
	mostSaid    = 32 << 10
	mostWritten = 64 << 20
	// mostRegistered is how much a program may register before it is stopped, in bytes of the protocol.
	mostRegistered = 128 << 20
)

// Run is RecordAfter of an executable, of whatever revision: it is served as an engine serves it. It is code that
// nobody has read yet, so it is bounded in time, in memory and in what it writes and registers, it ends with all that
// it started, and where apart.Isolated gives no reason against it, it has no network and finds no files but its own. A
// program that fails, or does not keep to its bounds, gives a *ProgramError.
func Run(ctx context.Context, p Program, before Before, project, stack string, config map[string]string,
	secretKeys []string) (*Graph, error) {
	fail := func(err error) (*Graph, error) {
		return nil, fmt.Errorf("running the program of stack %s: %w", stack, err)
	}
	outer := ctx
	ctx, stop := context.WithCancelCause(outer)
	defer stop(nil)
	limit := cmp.Or(p.Time, RunTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it had not ended after %v and was stopped", limit))
	defer cancel()
	m := modelOf(config)
	m.before, m.sealed = before, sealedTexts(config, secretKeys)
	p, err := p.whole()
	if err != nil {
		return fail(err)
	}
	served := &monitor{rec: newRecorder(project, stack, m), left: mostRegistered, stop: stop,
		assets: &assetFolders{dir: p.Dir, within: slices.Concat([]string{p.Tree}, p.Read, p.Empty),
			standIns: p.StandIns, left: mostHashed}}
	served.rec.root = p.Root
	told := &engine{}
	dir, err := os.MkdirTemp("", "plan-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	at := ""
	if apart.Isolated() == "" {
		at = dir
		served.callbacks.relay = "unix://" + filepath.Join(dir, apart.Relay)
	}
	address, closed, err := serve(served, told, at)
	if err != nil {
		return fail(err)
	}
	defer closed()
	if at != "" {
		address = "unix://" + apart.EnginePath
	}

	configured, err := json.Marshal(config)
	if err != nil {
		return fail(err)
	}
	secrets, err := json.Marshal(secretKeys)
	if err != nil {
		return fail(err)
	}
	p.Env = append(slices.Clone(p.Env),
		pulumi.EnvProject+"="+project, pulumi.EnvStack+"="+stack, pulumi.EnvOrganization+"=organization",
		pulumi.EnvConfig+"="+string(configured), pulumi.EnvConfigSecretKeys+"="+string(secrets),
		pulumi.EnvMonitor+"="+address, pulumi.EnvEngine+"="+address, pulumi.EnvDryRun+"=true", pulumi.EnvParallel+"=0",
		pulumi.EnvPulumiRootDirectory+"="+p.Project)
	wrote := &apart.Beginning{Keep: mostSaid, Most: mostWritten, Stop: func() { stop(errWroteTooMuch) }}
	program := p.apart(wrote)
	program.Sockets = dir
	err = apart.Run(ctx, program)
	if outer.Err() != nil {
		return fail(context.Cause(outer))
	}
	said := told.all()
	if said == "" {
		said = strings.TrimSpace(wrote.String())
	}
	failed := func(said string) (*Graph, error) {
		return nil, &ProgramError{Stack: stack, Said: strings.TrimSpace(said), Unanswered: served.rec.unanswered()}
	}
	if ctx.Err() != nil {
		return failed(context.Cause(ctx).Error() + "\n" + said)
	}
	if err != nil {
		exceeded, tooMuch := errors.AsType[*apart.ExceededError](err)
		_, exited := errors.AsType[*exec.ExitError](err)
		switch {
		case tooMuch:
			said = exceeded.What + "\n" + said
		case !exited:
			return fail(err)
		case outOfMemory.MatchString(wrote.String()):
			said = "it asked for more than " + apart.Size(program.Memory) + " of memory\n" + said
		}
		return failed(cmp.Or(said, err.Error()))
	}
	if early := served.early(); early != "" {
		return failed(early + "\n" + said)
	}
	g, err := served.rec.graph()
	if err != nil {
		return fail(err)
	}
	return g, nil
}

// outOfMemory is what Go and the C library say where there is no more.
var outOfMemory = regexp.MustCompile(`(?m)^(?:fatal error|runtime|runtime/cgo): .*out of memory|` +
	`[Cc]annot allocate memory`)

// errWroteTooMuch is why a program is stopped that writes more than mostWritten.
var errWroteTooMuch = fmt.Errorf("it wrote more than %d MB and was stopped", mostWritten>>20)
