package dossier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"dossier.example/app"
)

// How a call to a store goes wrong.
type mode int

const (
	failBefore mode = iota // the call fails and nothing happened
	failAfter              // the call took effect, its answer is lost
	failIn                 // the bytes break off in the middle; other calls as failBefore
	dieBefore              // the process dies before the call: no call afterwards reaches a store
	dieAfter               // the process dies after the call took effect
)

func (m mode) String() string {
	return [...]string{"fails before", "fails after", "fails in the middle", "process dies before",
		"process dies after"}[m]
}

var errInjected = errors.New("injected")

// faults stands between the service and its stores. It counts calls and lets the one numbered at go wrong.
type faults struct {
	mu    sync.Mutex
	calls []string // what was called, in order
	at    int      // index of the call that goes wrong; negative: none
	mode  mode
	dead  bool
}

// failing returns the fault of the nth call of one kind, from 1 on, among those that a clean run makes.
func failing(t *testing.T, clean []string, m mode, call string, nth int) *faults {
	t.Helper()
	for i, c := range clean {
		if c == call {
			if nth--; nth == 0 {
				return &faults{at: i, mode: m}
			}
		}
	}
	t.Fatalf("there are not so many calls of %s among %v", call, clean)
	return nil
}

// enter is called at the start of each call: verdict says whether to run it, and after says whether to lose its answer.
func (f *faults) enter(call string) (run, after, in bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.calls)
	f.calls = append(f.calls, call)
	if f.dead {
		return false, false, false
	}
	if n != f.at {
		return true, false, false
	}
	switch f.mode {
	case dieBefore:
		f.dead = true
		return false, false, false
	case dieAfter:
		f.dead = true
		return true, true, false
	case failAfter:
		return true, true, false
	case failIn:
		return call == "objects.Put", true, true
	}
	return false, false, false
}

func (f *faults) do(ctx context.Context, call string, do func() error) error {
	run, after, _ := f.enter(call)
	if !run {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	err := do()
	if after {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	return err
}

// faultyObjects are objects whose bytes may break off, which no call as a whole does.
type faultyObjects struct {
	dossier.Objects
	to dossier.Objects
	f  *faults
}

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) error {
	run, after, in := o.f.enter("objects.Put")
	if !run {
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
	if in {
		// The store breaks off after some bytes.
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		return dossier.Unavailable(ctx, "objects.Put", o.to.Put(ctx, key, half))
	}
	err := o.to.Put(ctx, key, r)
	if after {
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
	return err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errInjected }

func name(i int, call string, m mode) string { return fmt.Sprintf("%02d %s %s", i, call, m) }

// faultCases runs test with each call of clean going wrong in every way.
func faultCases(t *testing.T, clean []string, test func(t *testing.T, f *faults)) {
	for i, call := range clean {
		for m := failBefore; m <= dieAfter; m++ {
			t.Run(name(i, call, m), func(t *testing.T) { test(t, &faults{at: i, mode: m}) })
		}
	}
}

// formCalls returns the calls of a submission of two files.
func formCalls(t *testing.T) []string {
	t.Helper()
	s, clean := fresh(t), &faults{at: -1}
	if _, err := submit(t.Context(), s.faulty(clean), dossier.NewReceipt(), twoFiles); err != nil {
		t.Fatal(err)
	}
	return clean.calls
}

// anotherFormCalls returns the calls of a submission of one more file, by a person that is known.
func anotherFormCalls(t *testing.T) []string {
	t.Helper()
	s, r, clean := fresh(t), dossier.NewReceipt(), &faults{at: -1}
	for _, svc := range []*dossier.Service{s.service(dossier.DefaultLimits()), s.faulty(clean)} {
		if _, err := submit(t.Context(), svc, r, []upload{{"one.txt", []byte("one")}}); err != nil {
			t.Fatal(err)
		}
	}
	return clean.calls
}
