package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

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
	return teststores.Stores{People: faultyPeople{s.People, f}, Catalog: faultyCatalog{s.Catalog, f},
		Objects: faultyObjects{s.Objects, f}}
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

func value[T any](ctx context.Context, f *faults, call string, do func() (T, error)) (T, error) {
	var v T
	if err := f.do(ctx, call, func() (err error) { v, err = do(); return err }); err != nil {
		var none T
		return none, err
	}
	return v, nil
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

func (c faultyCatalog) Touch(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) error {
	return c.f.do(ctx, "catalog.Touch", func() error { return c.Catalog.Touch(ctx, p, id, at) })
}

func (c faultyCatalog) Reserve(ctx context.Context, p dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	return value(ctx, c.f, "catalog.Reserve", func() (dossier.Usage, error) {
		return c.Catalog.Reserve(ctx, p, add, most, at)
	})
}

type faultyObjects struct {
	dossier.Objects
	f *faults
}

func (o faultyObjects) Start(ctx context.Context, key string) (string, error) {
	return value(ctx, o.f, "objects.Start", func() (string, error) { return o.Objects.Start(ctx, key) })
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

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) error {
	switch m := o.f.enter("objects.Put"); m {
	case "", failAfter:
		err := o.Objects.Put(ctx, key, r)
		if m == failAfter {
			return dossier.Unavailable(ctx, "objects.Put", errInjected)
		}
		return err
	case failIn:
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		return dossier.Unavailable(ctx, "objects.Put", o.Objects.Put(ctx, key, half))
	case hang:
		_, _ = r.Read(make([]byte, 10))
		<-ctx.Done()
		return dossier.Unavailable(ctx, "objects.Put", context.Cause(ctx))
	default:
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
}

func (o faultyObjects) Stat(ctx context.Context, key string) (dossier.Held, error) {
	return value(ctx, o.f, "objects.Stat", func() (dossier.Held, error) { return o.Objects.Stat(ctx, key) })
}

func (o faultyObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return value(ctx, o.f, "objects.Open", func() (io.ReadCloser, error) {
		return o.Objects.Open(ctx, key, offset, length)
	})
}

func (o faultyObjects) List(ctx context.Context, prefix string) iter.Seq2[dossier.Object, error] {
	return o.Objects.List(ctx, prefix)
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
