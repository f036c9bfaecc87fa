package dossier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

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

func value[T any](ctx context.Context, f *faults, call string, do func() (T, error)) (T, error) {
	var v T
	err := f.do(ctx, call, func() (err error) { v, err = do(); return err })
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

func sequence[T any](ctx context.Context, f *faults, call string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := f.do(ctx, call, func() error { return nil }); err != nil {
			var none T
			yield(none, err)
			return
		}
		seq(yield)
	}
}

type faultyPeople struct {
	dossier.People
	f *faults
}

func (p faultyPeople) Insert(ctx context.Context, v dossier.Person) error {
	return p.f.do(ctx, "people.Insert", func() error { return p.People.Insert(ctx, v) })
}

func (p faultyPeople) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	return value(ctx, p.f, "people.Person", func() (dossier.Person, error) { return p.People.Person(ctx, id) })
}

func (p faultyPeople) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time,
	from ...dossier.PersonState) error {
	return p.f.do(ctx, "people.Move", func() error { return p.People.Move(ctx, id, to, at, from...) })
}

func (p faultyPeople) Delete(ctx context.Context, id dossier.PersonID) error {
	return p.f.do(ctx, "people.Delete", func() error { return p.People.Delete(ctx, id) })
}

func (p faultyPeople) Leftovers(ctx context.Context, before time.Time) iter.Seq2[dossier.Person, error] {
	return sequence(ctx, p.f, "people.Leftovers", p.People.Leftovers(ctx, before))
}

func (p faultyPeople) Existing(ctx context.Context, ids []dossier.PersonID) (map[dossier.PersonID]bool, error) {
	return value(ctx, p.f, "people.Existing", func() (map[dossier.PersonID]bool, error) {
		return p.People.Existing(ctx, ids)
	})
}

type faultyCatalog struct {
	dossier.Catalog
	f *faults
}

func (c faultyCatalog) Put(ctx context.Context, v dossier.File) error {
	return c.f.do(ctx, "catalog.Put", func() error { return c.Catalog.Put(ctx, v) })
}

func (c faultyCatalog) File(ctx context.Context, p dossier.PersonID, id dossier.FileID) (dossier.File, error) {
	return value(ctx, c.f, "catalog.File", func() (dossier.File, error) { return c.Catalog.File(ctx, p, id) })
}

func (c faultyCatalog) Files(ctx context.Context, p dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File,
	error) {
	return value(ctx, c.f, "catalog.Files", func() ([]dossier.File, error) {
		return c.Catalog.Files(ctx, p, after, limit)
	})
}

func (c faultyCatalog) Describe(ctx context.Context, p dossier.PersonID, id dossier.FileID, v dossier.Content,
	at time.Time) error {
	return c.f.do(ctx, "catalog.Describe", func() error { return c.Catalog.Describe(ctx, p, id, v, at) })
}

func (c faultyCatalog) Commit(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) (dossier.File,
	error) {
	return value(ctx, c.f, "catalog.Commit", func() (dossier.File, error) { return c.Catalog.Commit(ctx, p, id, at) })
}

func (c faultyCatalog) MarkDeleting(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time,
	from ...dossier.FileState) error {
	return c.f.do(ctx, "catalog.MarkDeleting", func() error { return c.Catalog.MarkDeleting(ctx, p, id, at, from...) })
}

func (c faultyCatalog) Touch(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) error {
	return c.f.do(ctx, "catalog.Touch", func() error { return c.Catalog.Touch(ctx, p, id, at) })
}

func (c faultyCatalog) Remove(ctx context.Context, p dossier.PersonID, id dossier.FileID) (*dossier.File, error) {
	return value(ctx, c.f, "catalog.Remove", func() (*dossier.File, error) { return c.Catalog.Remove(ctx, p, id) })
}

func (c faultyCatalog) Reserve(ctx context.Context, p dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	return value(ctx, c.f, "catalog.Reserve", func() (dossier.Usage, error) {
		return c.Catalog.Reserve(ctx, p, add, most, at)
	})
}

func (c faultyCatalog) Release(ctx context.Context, p dossier.PersonID, off dossier.Quota, epoch string,
	at time.Time) error {
	return c.f.do(ctx, "catalog.Release", func() error { return c.Catalog.Release(ctx, p, off, epoch, at) })
}

func (c faultyCatalog) Usage(ctx context.Context, p dossier.PersonID) (dossier.Usage, error) {
	return value(ctx, c.f, "catalog.Usage", func() (dossier.Usage, error) { return c.Catalog.Usage(ctx, p) })
}

func (c faultyCatalog) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return c.f.do(ctx, "catalog.Recount", func() error { return c.Catalog.Recount(ctx, seen, to, at) })
}

func (c faultyCatalog) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return sequence(ctx, c.f, "catalog.Miscounted", c.Catalog.Miscounted(ctx))
}

func (c faultyCatalog) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return sequence(ctx, c.f, "catalog.Unfinished", c.Catalog.Unfinished(ctx, before))
}

func (c faultyCatalog) All(ctx context.Context) iter.Seq2[dossier.File, error] {
	return sequence(ctx, c.f, "catalog.All", c.Catalog.All(ctx))
}

type faultyObjects struct {
	dossier.Objects
	f *faults
}

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) error {
	run, after, in := o.f.enter("objects.Put")
	if !run {
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
	if in {
		// The store breaks off after some bytes.
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		return dossier.Unavailable(ctx, "objects.Put", o.Objects.Put(ctx, key, half))
	}
	err := o.Objects.Put(ctx, key, r)
	if after {
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
	return err
}

func (o faultyObjects) Stat(ctx context.Context, key string) (dossier.Held, error) {
	return value(ctx, o.f, "objects.Stat", func() (dossier.Held, error) { return o.Objects.Stat(ctx, key) })
}

func (o faultyObjects) Delete(ctx context.Context, key string) error {
	return o.f.do(ctx, "objects.Delete", func() error { return o.Objects.Delete(ctx, key) })
}

func (o faultyObjects) List(ctx context.Context, prefix string) iter.Seq2[dossier.Object, error] {
	return sequence(ctx, o.f, "objects.List", o.Objects.List(ctx, prefix))
}

func (o faultyObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return value(ctx, o.f, "objects.Open", func() (io.ReadCloser, error) {
		return o.Objects.Open(ctx, key, offset, length)
	})
}

func (o faultyObjects) Start(ctx context.Context, key string) (string, error) {
	return value(ctx, o.f, "objects.Start", func() (string, error) { return o.Objects.Start(ctx, key) })
}

func (o faultyObjects) Sign(ctx context.Context, key, uploadID string, p dossier.Part,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	return value(ctx, o.f, "objects.Sign", func() (dossier.SignedRequest, error) {
		return o.Objects.Sign(ctx, key, uploadID, p, lifetime)
	})
}

func (o faultyObjects) Parts(ctx context.Context, key, uploadID string) ([]dossier.Part, error) {
	return value(ctx, o.f, "objects.Parts", func() ([]dossier.Part, error) {
		return o.Objects.Parts(ctx, key, uploadID)
	})
}

func (o faultyObjects) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part,
	whole dossier.Held) error {
	return o.f.do(ctx, "objects.Finish", func() error { return o.Objects.Finish(ctx, key, uploadID, parts, whole) })
}

func (o faultyObjects) Drop(ctx context.Context, key, uploadID string) error {
	return o.f.do(ctx, "objects.Drop", func() error { return o.Objects.Drop(ctx, key, uploadID) })
}

func (o faultyObjects) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.MultipartUpload, error] {
	return sequence(ctx, o.f, "objects.Unfinished", o.Objects.Unfinished(ctx, before))
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
	s, clean := embedded(t), &faults{at: -1}
	if _, err := submit(t.Context(), s.faulty(clean), dossier.NewReceipt(), twoFiles); err != nil {
		t.Fatal(err)
	}
	return clean.calls
}

// anotherFormCalls returns the calls of a submission of one more file, by a person that is known.
func anotherFormCalls(t *testing.T) []string {
	t.Helper()
	s, r, clean := embedded(t), dossier.NewReceipt(), &faults{at: -1}
	for _, svc := range []*dossier.Service{s.service(dossier.DefaultLimits()), s.faulty(clean)} {
		if _, err := submit(t.Context(), svc, r, []upload{{"one.txt", []byte("one")}}); err != nil {
			t.Fatal(err)
		}
	}
	return clean.calls
}
