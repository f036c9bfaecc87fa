package teststores

import (
	"context"
	"iter"
	"sync"
	"time"

	"dossier.example/app"
)

// Memory returns stores for tests that ask what the domain does when a store fails, and not how a store works: they are
// maps, and pass the suites that the real ones pass. A call takes microseconds, where SQLite takes a tenth of a
// millisecond to read a statement, and a file as long to be made.
func Memory() Stores { return Stores{newMemoryPeople(), newMemoryCatalog(), newMemoryObjects()} }

// CopyOfMemory returns a copy of what Memory returned, which nobody writes to at the moment.
func CopyOfMemory(s Stores) Stores {
	return Stores{s.People.(*memoryPeople).copied(), s.Catalog.(*memoryCatalog).copied(),
		s.Objects.(*memoryObjects).copied()}
}

// guard lets one call at a time into a store.
type guard struct{ mu sync.Mutex }

// do makes a call, unless its context has ended.
func (g *guard) do(ctx context.Context, doing string, call func() error) error {
	if err := ctx.Err(); err != nil {
		return dossier.Unavailable(ctx, doing, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return call()
}

// get is do for a call that returns a value.
func get[T any](ctx context.Context, g *guard, doing string, call func() (T, error)) (v T, err error) {
	err = g.do(ctx, doing, func() (err error) { v, err = call(); return err })
	return v, err
}

// walk yields what find returns, which is asked once.
func walk[T any](ctx context.Context, g *guard, doing string, find func() []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		found, err := get(ctx, g, doing, func() ([]T, error) { return find(), nil })
		for _, v := range found {
			if err = ctx.Err(); err != nil {
				err = dossier.Unavailable(ctx, doing, err)
				break
			}
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// micro is a time as databases keep it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
