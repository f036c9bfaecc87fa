package teststores

import (
	"context"
	"errors"
	"io"
	"sync"

	"dossier.example/app"
)

// Mode is how a call to a store goes wrong.
type Mode int

// The zero Mode is that of a call that goes well.
const (
	Sound Mode = iota
	// FailBefore: the call fails, and nothing happened.
	FailBefore
	// FailAfter: the call took effect, and its answer is lost.
	FailAfter
	// FailWithin: the bytes of an object break off in the middle. Other calls as FailBefore.
	FailWithin
	// Hang: the object store takes some bytes and then none, until the context ends. Other calls as FailBefore.
	Hang
	// Panic: the call panics.
	Panic
	// DieBefore: the process dies before the call: neither it nor any call afterwards reaches a store.
	DieBefore
	// DieAfter: the process dies after the call took effect.
	DieAfter
)

// String implements fmt.Stringer, for the names of tests.
func (m Mode) String() string {
	return [...]string{"goes well", "fails before", "fails after", "fails in the middle", "hangs", "panics",
		"process dies before", "process dies after"}[m]
}

// ErrInjected is the cause of each failure.
var ErrInjected = errors.New("injected")

// Faults stand between a service and its stores, note the calls, and let some go wrong.
type Faults struct {
	mu    sync.Mutex
	wrong func(n int, call string) Mode
	calls []string
	dead  bool
}

// NewFaults returns faults that wrong decides on, by the number of the call, from 0, and its name, such as
// "people.Insert". With nil all goes well.
func NewFaults(wrong func(n int, call string) Mode) *Faults { return &Faults{wrong: wrong} }

// Nth lets the call of that number, from 0, go wrong.
func Nth(at int, m Mode) *Faults {
	return NewFaults(func(n int, _ string) Mode {
		if n == at {
			return m
		}
		return Sound
	})
}

// NthOf lets the call go wrong that is the one of that number, from 0, among the calls of a clean run. Calls that are
// made at once come in any order, so it is told by its name, and by how many of that name come before it.
func NthOf(clean []string, at int, m Mode) *Faults {
	before := 0
	for _, call := range clean[:at] {
		if call == clean[at] {
			before++
		}
	}
	return NewFaults(func(_ int, call string) Mode {
		if call != clean[at] {
			return Sound
		}
		if before--; before == -1 {
			return m
		}
		return Sound
	})
}

// Every lets each call of that name go wrong.
func Every(name string, m Mode) *Faults {
	return NewFaults(func(_ int, call string) Mode {
		if call == name {
			return m
		}
		return Sound
	})
}

// Set makes wrong decide from now on; nil heals.
func (f *Faults) Set(wrong func(n int, call string) Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = wrong
}

// Calls returns the calls so far, in order.
func (f *Faults) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Forget makes the calls be counted from 0 again, and returns those so far.
func (f *Faults) Forget() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// Wrap returns stores whose calls the faults decide on.
func (f *Faults) Wrap(s Stores) Stores {
	all := s.Intercept(f.Around)
	all.Objects = faultyObjects{all.Objects, s.Objects, f}
	return all
}

// enter notes a call and says how it goes.
func (f *Faults) enter(call string) Mode {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, m := len(f.calls), Sound
	f.calls = append(f.calls, call)
	switch {
	case f.dead:
		return FailBefore
	case f.wrong != nil:
		m = f.wrong(n, call)
	}
	switch m {
	case Panic:
		panic("injected panic with details of the inside")
	case DieBefore:
		f.dead = true
		return FailBefore
	case DieAfter:
		f.dead = true
		return FailAfter
	}
	return m
}

// Around makes a call, or fails, as Intercept wants it.
func (f *Faults) Around(ctx context.Context, call string, do func() error) error {
	return f.make(ctx, call, f.enter(call), do)
}

func (f *Faults) make(ctx context.Context, call string, m Mode, do func() error) error {
	if m == Sound {
		return do()
	}
	if m == FailAfter {
		// What it answers is lost, whatever it is.
		_ = do()
	}
	return dossier.Unavailable(ctx, call, ErrInjected)
}

// faultyObjects are objects whose bytes may break off or hang, which no call as a whole does.
type faultyObjects struct {
	dossier.Objects
	to dossier.Objects
	f  *Faults
}

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) (held dossier.Held, err error) {
	const call = "objects.Put"
	switch m := o.f.enter(call); m {
	case FailWithin:
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		_, err = o.to.Put(ctx, key, half)
		err = dossier.Unavailable(ctx, call, err)
	case Hang:
		_, _ = r.Read(make([]byte, 10))
		<-ctx.Done()
		err = dossier.Unavailable(ctx, call, context.Cause(ctx))
	default:
		err = o.f.make(ctx, call, m, func() (err error) { held, err = o.to.Put(ctx, key, r); return err })
	}
	if err != nil {
		return dossier.Held{}, err
	}
	return held, nil
}

// broken is a source that fails at once.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, ErrInjected }
