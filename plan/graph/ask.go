package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"dossier.example/plan/internal/apart"
)

// Ask runs an executable that nobody has read yet and returns what it writes, with the bounds of Run.
func Ask(ctx context.Context, p Program) (answer string, err error) {
	outer := ctx
	ctx, stop := context.WithCancelCause(outer)
	defer stop(nil)
	limit := cmp.Or(p.Time, RunTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it had not ended after %v and was stopped", limit))
	defer cancel()
	wrote := &apart.Beginning{Keep: mostWritten, Most: mostWritten, Stop: func() { stop(errWroteTooMuch) }}
	if p, err = p.whole(); err != nil {
		return "", err
	}
	err = apart.Run(ctx, p.apart(wrote))
	answer = wrote.String()
	said := strings.TrimSpace(answer[:min(len(answer), mostSaid)])
	switch {
	case outer.Err() != nil:
		return "", context.Cause(outer)
	case ctx.Err() != nil:
		return "", &ProgramError{Said: strings.TrimSpace(context.Cause(ctx).Error() + "\n" + said)}
	case err == nil:
		return answer, nil
	}
	if exceeded, is := errors.AsType[*apart.ExceededError](err); is {
		return "", &ProgramError{Said: strings.TrimSpace(exceeded.What + "\n" + said)}
	}
	if _, is := errors.AsType[*exec.ExitError](err); !is {
		return "", err
	}
	return "", &ProgramError{Said: cmp.Or(said, err.Error())}
}
