// Package apart runs programs that nobody has read yet apart from this system, as far as the system lets it: without
// its network, its other processes and its files, with bounded memory, and so that they end with all that they started.
//
// A program is started by another start of this executable, which makes the namespaces ready first. Package graph has
// it do so (Main), and runs Pulumi programs by it; package cli runs Go's compiler by it.
package apart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Program is what is run.
type Program struct {
	// Path is the executable, Args what it is given after its name.
	Path string
	Args []string
	// Dir is the folder that it runs in.
	Dir string
	// Env is its whole environment.
	Env []string
	// Output takes what it writes to its standard output and its standard error.
	Output io.Writer
	// Files are what it finds of this system beside what programs need; it finds them all where Isolated is empty.
	Files Files
	// Sockets are a folder in which it finds the socket "engine" of this process, and this process its relay.
	Sockets string
	// Memory is how much it may take, in bytes: each process for itself, and where they are counted all of them.
	Memory uint64
	// Clock is by how much its clock is ahead of that of this system; it may only be set where ClockMoves gives no
	// reason against it.
	Clock time.Duration
}

// Files are what a program finds of this system's files.
type Files struct {
	// Tree is a folder that it may change for itself: what it writes there is gone after it.
	Tree string
	// Read are files and folders that it can read, Write those that it can also write.
	Read, Write []string
	// Empty are folders that are there and empty, such as its home.
	Empty []string
}

// ExceededError tells that a program did not keep to a bound.
type ExceededError struct{ What string }

// Error implements error.
func (e *ExceededError) Error() string { return e.What }

// The names of the files within Program.Sockets.
const (
	// Engine is the socket that this process serves, Relay the one that is served beside the program.
	Engine, Relay = "engine", "relay"
	faultFile     = "fault"
)

// EnginePath is where an isolated program finds the socket of the engine.
const EnginePath = "/run/plan/" + Engine

const (
	// faultOfProgram begins what the program is at fault for; all else is a fault of what surrounds it.
	faultOfProgram = "program: "
	// wait is how long what a program left behind may hold its output.
	wait = 2 * time.Second
)

// Run runs a program to its end, or until the context ends. The error is an *exec.ExitError where it failed by itself,
// an *ExceededError where it took too much memory, and another one where it could not be run.
func Run(ctx context.Context, p Program) error {
	sockets := p.Sockets
	if sockets == "" {
		dir, err := os.MkdirTemp("", "plan-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		sockets = dir
	}
	fault := filepath.Join(sockets, faultFile)
	if err := os.WriteFile(fault, nil, 0o600); err != nil {
		return err
	}
	cmd, err := command(ctx, p, sockets)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = p.Output, p.Output
	cmd.Cancel = func() error { return end(cmd) }
	cmd.WaitDelay = wait
	err = cmd.Run()
	if cmd.Process != nil {
		_ = end(cmd) // what it left behind; most often there is nothing
	}
	said, readErr := os.ReadFile(fault)
	if readErr != nil {
		return readErr
	}
	if text, is := strings.CutPrefix(string(said), faultOfProgram); is {
		return &ExceededError{What: text}
	}
	if len(said) > 0 {
		return fmt.Errorf("running %s apart from this system: %s", filepath.Base(p.Path), said)
	}
	// Where something that the program left behind held its output open, it has ended all the same.
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// Beginning keeps the first bytes that are written to it, and calls Stop, where there is one, after more than Most.
type Beginning struct {
	Keep, Most int
	Stop       func()
	kept       bytes.Buffer // no embedded one: io.Copy would read into it, past Write
}

// Write implements io.Writer.
func (b *Beginning) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), b.Keep-b.kept.Len())])
	if b.Most -= len(p); b.Most < 0 && b.Stop != nil {
		b.Stop()
	}
	return len(p), nil
}

// String is what is kept.
func (b *Beginning) String() string { return b.kept.String() }

// Size is a size for people.
func Size(bytes uint64) string {
	if bytes >= 1<<30 {
		return strconv.FormatFloat(float64(bytes)/(1<<30), 'f', -1, 64) + " GB"
	}
	return strconv.FormatUint(bytes>>20, 10) + " MB"
}
