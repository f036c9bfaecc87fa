package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// How a call to a store goes wrong.
type mode string

const (
	failBefore mode = "fails before"      // the call fails and nothing happened
	failAfter  mode = "fails after"       // the call took effect, its answer is lost
	failIn     mode = "breaks off within" // the bytes break off in the middle; other calls as failBefore
	hang       mode = "hangs"             // a store takes some bytes and then none; other calls as failBefore
	panics     mode = "panics"
)

var errInjected = errors.New("injected")

// faults stands between the service and its stores. It counts calls and lets those for which wrong says so go wrong.
type faults struct {
	wrong func(n int, call string) mode

	mu    sync.Mutex
	calls []string
}

// at makes the n-th call go wrong.
func at(n int, m mode) *faults {
	return &faults{wrong: func(i int, _ string) mode {
		if i == n {
			return m
		}
		return ""
	}}
}

// every makes every call of that name go wrong.
func every(call string, m mode) *faults {
	return &faults{wrong: func(_ int, c string) mode {
		if c == call {
			return m
		}
		return ""
	}}
}

// set makes wrong decide from now on; nil heals.
func (f *faults) set(wrong func(n int, call string) mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = wrong
}

func (f *faults) enter(call string) mode {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	if f.wrong == nil {
		return ""
	}
	m := f.wrong(len(f.calls)-1, call)
	if m == panics {
		panic("injected panic with details of the inside")
	}
	return m
}

// taken returns the calls so far and forgets them.
func (f *faults) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *faults) wrap(s teststores.Stores) teststores.Stores {
	all := s.Intercept(f.do)
	all.Objects = faultyObjects{all.Objects, s.Objects, f}
	return all
}

func (f *faults) do(ctx context.Context, call string, do func() error) error {
	m := f.enter(call)
	if m != "" && m != failAfter {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	err := do()
	if m == failAfter {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	return err
}

// faultyObjects are objects whose bytes may break off or hang, which no call as a whole does.
type faultyObjects struct {
	dossier.Objects
	to dossier.Objects
	f  *faults
}

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) error {
	switch m := o.f.enter("objects.Put"); m {
	case "", failAfter:
		err := o.to.Put(ctx, key, r)
		if m == failAfter {
			return dossier.Unavailable(ctx, "objects.Put", errInjected)
		}
		return err
	case failIn:
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		return dossier.Unavailable(ctx, "objects.Put", o.to.Put(ctx, key, half))
	case hang:
		_, _ = r.Read(make([]byte, 10))
		<-ctx.Done()
		return dossier.Unavailable(ctx, "objects.Put", context.Cause(ctx))
	default:
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
}

// broken is a source that fails at once.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errInjected }

// bending is a store that changes some bytes on their way.
type bending struct{ dossier.Objects }

func (b bending) Put(ctx context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return b.Objects.Put(ctx, key, bytes.NewReader(bytes.Replace(data, []byte("bend"), []byte("bent"), 1)))
}
