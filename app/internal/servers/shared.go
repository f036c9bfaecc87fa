//go:build unix

package servers

import (
	"context"
	"sync"
)

// Shared returns a function whose first call starts a server, or several, and whose every call returns them: for all
// tests of a package. Each test uses names of its own there, and none stops or pauses what others use. They end with
// the test's process.
func Shared[S any](start func(T) S) func(T) S {
	var mu sync.Mutex
	var started *S
	return func(t T) S {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if started == nil { // also after a test that was skipped, or failed, in start
			s := start(lasting{t})
			started = &s
		}
		return *started
	}
}

// lasting is a test whose servers outlive it, until their guards end them.
type lasting struct{ T }

func (lasting) Context() context.Context { return context.Background() }

func (lasting) Cleanup(func()) {}
