package prove

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"dossier.example/infra/internal/wait"
)

// drill changes something in the stack to see what happens, and undoes it.
type drill struct {
	name, does, costs, takes string
	// changes reports whether anything in AWS changes: such a drill is refused on a protected stack.
	changes bool
	// says is the point that it proves, mend what to do where it does not.
	says, mend string
	limit      time.Duration
	run        func(ctx context.Context, d *drilling) (answer, error)
}

// drilling is one drill that is done.
type drilling struct {
	Prover
	look    *look
	execute func(ctx context.Context, program string, args ...string) error
	stderr  io.Writer
	name    string
	started time.Time
	// undo is what is still to be undone, the last first, each with what it is, for who has to do it by hand.
	undo []undoing
}

type undoing struct {
	what string
	do   func(context.Context) error
}

// The times of a drill's waiting, and of its undoing, which has its own: it is done when the drill was interrupted,
// too.
const (
	drillPause  = 10 * time.Second
	undoTimeout = 45 * time.Minute
)

// drills are all, in the order of the help.
func drills() []drill {
	return []drill{replaceDrill, rollbackDrill, restoreDrill, pointDrill, againDrill}
}

// DrillNames are the names of the drills.
func DrillNames() (names []string) {
	for _, d := range drills() {
		names = append(names, d.name)
	}
	return names
}

func describeDrills() string {
	var b strings.Builder
	b.WriteString("Drills:\n")
	for _, d := range drills() {
		fmt.Fprintf(&b, "  %-10s%s It costs %s and takes %s.\n", d.name, d.does, d.costs, d.takes)
	}
	return b.String()
}

// point does the drill and undoes what it did, whatever happens.
func (d drill) point(parent context.Context, run *drilling) Point {
	ctx, cancel := context.WithTimeoutCause(parent, d.limit, fmt.Errorf("it took longer than %s", d.limit))
	defer cancel()
	point := Point{ID: "drill/" + d.name, Says: d.says, Mend: d.mend}
	found, err := d.run(ctx, run)
	point.Seen, point.Expected = found.seen, found.expected
	switch {
	case err != nil && ctx.Err() != nil:
		point.Result, point.Seen = Wrong, context.Cause(ctx).Error()
		if parent.Err() != nil {
			point.Result, point.Seen = Unseen, "interrupted"
		}
	case err != nil:
		point.Result, point.Seen = Wrong, err.Error()
	case found.skip != "":
		point.Result, point.Seen, point.Mend = Skipped, found.skip, ""
	case found.wrong:
		point.Result = Wrong
	default:
		point.Result, point.Mend = Proven, ""
	}
	if left := run.undoAll(parent); left != nil {
		point.Result, point.Seen, point.Mend = Wrong, fmt.Sprintf("%s; not undone: %s", point.Seen, left),
			"undo it by hand"
	}
	return point
}

// undoAll undoes all that is noted, with a time of its own. The error names what is left.
func (d *drilling) undoAll(parent context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), undoTimeout)
	defer cancel()
	var left []error
	for len(d.undo) > 0 {
		last := d.undo[len(d.undo)-1]
		d.undo = d.undo[:len(d.undo)-1]
		d.progress("undoing: %s", last.what)
		if err := last.do(ctx); err != nil {
			left = append(left, fmt.Errorf("%s: %w", last.what, err))
		}
	}
	return errors.Join(left...)
}

// later notes what is to be undone.
func (d *drilling) later(what string, do func(context.Context) error) {
	d.undo = append(d.undo, undoing{what, do})
}

func (d *drilling) progress(format string, args ...any) {
	_, _ = fmt.Fprintf(d.stderr, "[%s] drill %s: %s\n", time.Since(d.started).Truncate(time.Second), d.name,
		fmt.Sprintf(format, args...))
}

// until asks again and again until it is done, an error comes, or ctx ends.
func until(ctx context.Context, ask func() (done bool, err error)) error {
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		if err := wait.For(ctx, drillPause); err != nil {
			return err
		}
	}
}
