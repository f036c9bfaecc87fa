package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Ask runs an executable that nobody has read yet and returns what it writes, with the bounds of Run.
func Ask(ctx context.Context, p Program) (answer string, err error) {
	outer := ctx
	ctx, stop := context.WithCancelCause(outer)
	defer stop(nil)
	limit := cmp.Or(p.Time, runTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it had not ended after %v and was stopped", limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path)
	cmd.Dir, cmd.Env = p.Dir, slices.Clone(p.Env)
	wrote := &beginning{left: mostWritten, most: mostWritten, stop: stop}
	cmd.Stdout, cmd.Stderr = wrote, wrote
	apart(cmd)
	cmd.Cancel = func() error { return end(cmd) }
	cmd.WaitDelay = 2 * time.Second
	err = cmd.Run()
	if cmd.Process != nil {
		_ = end(cmd) // what it left behind; most often there is nothing
	}
	answer = wrote.kept.String()
	said := strings.TrimSpace(answer[:min(len(answer), mostSaid)])
	switch {
	case outer.Err() != nil:
		return "", context.Cause(outer)
	case ctx.Err() != nil:
		return "", &ProgramError{Said: strings.TrimSpace(context.Cause(ctx).Error() + "\n" + said)}
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return answer, nil
	}
	if _, is := errors.AsType[*exec.ExitError](err); !is {
		return "", err
	}
	return "", &ProgramError{Said: cmp.Or(said, err.Error())}
}
