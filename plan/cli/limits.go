package cli

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/apart"
)

// limits bound the programs of a plan.
type limits struct {
	// time and memory, in bytes, are for each run of a program.
	time   time.Duration
	memory uint64
	// running has room for the runs that there may be at once: what all of them take, the machine has.
	running chan struct{}
}

// register has flags say the limits.
func (l *limits) register(flags *flag.FlagSet) {
	flags.DurationVar(&l.time, "time-limit", graph.RunTime, "how `long` a program may run")
	l.memory = graph.RunMemory
	flags.Func("memory-limit", "how much memory a program may take, in `megabytes` (default "+
		strconv.Itoa(graph.RunMemory>>20)+")", func(value string) error {
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil || n < leastMemory {
			return fmt.Errorf("it is no number of megabytes, or less than %d", leastMemory)
		}
		l.memory = n << 20
		return nil
	})
}

// leastMemory is what a Go program with the SDK of Pulumi takes, in megabytes.
const leastMemory = 64

// ready makes room for as many runs as the machine has processors, and memory left for.
func (l *limits) ready() {
	n := uint64(runtime.NumCPU())
	if has := apart.MemoryOfSystem(); has > 0 {
		n = min(n, has/4*3/l.memory)
	}
	l.running = make(chan struct{}, max(1, n))
}

// begin waits for room for a run, which ends by done.
func (l limits) begin(ctx context.Context) (done func(), err error) {
	select {
	case l.running <- struct{}{}:
		return func() { <-l.running }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// line is a text of others on one line of a terminal or of a job's log, where a line that begins as a command would be
// one.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " / "))
}
