package storetest

import (
	"errors"
	"iter"
	"sync"
	"testing"
)

// part is a part of a suite.
type part[S any] struct {
	name string
	test func(*testing.T, S)
}

// suite runs each part on a store of its own.
func suite[S any](t *testing.T, open func(*testing.T) S, parts []part[S]) {
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.test(t, open(t)) })
	}
}

// must ends the test unless doing something worked.
func must(t testing.TB, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// wants fails the test unless doing something gave the wanted error: nil, or one that it wraps.
func wants(t testing.TB, doing string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", doing, got, want)
	}
}

// second is the error of a call whose value does not matter.
func second[T any](_ T, err error) error { return err }

// collect returns all that a sequence yields; an error of it ends the test.
func collect[T any](t testing.TB, doing string, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for v, err := range seq {
		must(t, doing, err)
		all = append(all, v)
	}
	return all
}

// firstError returns the first error that a sequence yields.
func firstError[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// errAnother tells that another one did it.
var errAnother = errors.New("another one did it")

// AtOnce runs do n times at once, all released at the same moment, and waits for all.
func AtOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

// tried does something n times at once, and returns which of them worked; the others have to give the error.
func tried(t testing.TB, doing string, n int, otherwise error, do func(i int) error) (worked []int) {
	t.Helper()
	errs := make([]error, n)
	AtOnce(n, func(i int) { errs[i] = do(i) })
	for i, err := range errs {
		if err == nil {
			worked = append(worked, i)
		} else {
			wants(t, doing+" beside others", err, otherwise)
		}
	}
	return worked
}

// oneWins is tried for what works once, and returns which one it was.
func oneWins(t testing.TB, doing string, n int, otherwise error, do func(i int) error) int {
	t.Helper()
	worked := tried(t, doing, n, otherwise, do)
	if len(worked) != 1 {
		t.Fatalf("%s: %d of %d at once worked, want one", doing, len(worked), n)
	}
	return worked[0]
}
