package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
)

// peopleCalls is every call, on a person who is in state PersonDeleting and on a new one.
func peopleCalls(s dossier.People, p, fresh dossier.Person) map[string]func(context.Context) error {
	deleting := p.ID
	return map[string]func(context.Context) error{
		"Insert": func(ctx context.Context) error { return s.Insert(ctx, fresh) },
		"Person": func(ctx context.Context) error { return second(s.Person(ctx, deleting)) },
		"Move": func(ctx context.Context) error {
			return s.Move(ctx, deleting, dossier.PersonSubmitted, peopleEpoch, dossier.PersonDeleting)
		},
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, p) },
		"Trash": func(ctx context.Context) error {
			return second(s.Trash(ctx, []dossier.PersonID{deleting}, dossier.Trash{At: peopleEpoch}))
		},
		"PutBack": func(ctx context.Context) error { return s.PutBack(ctx, deleting, peopleEpoch) },
		"MoveTrashed": func(ctx context.Context) error {
			return s.MoveTrashed(ctx, deleting, peopleEpoch, peopleEpoch)
		},
		"Trashed": func(ctx context.Context) error { return second(s.Trashed(ctx, peopleEpoch, dossier.Cursor{}, 10)) },
		"Find":    func(ctx context.Context) error { return second(s.Find(ctx, dossier.Search{Limit: 10})) },
		"Find by a word": func(ctx context.Context) error {
			return second(s.Find(ctx, dossier.Search{Words: peopleWays("ada"),
				After: dossier.Cursor{CreatedAt: peopleEpoch, ID: deleting},
				Limit: 10, Count: 10}))
		},
		"Find by words": func(ctx context.Context) error {
			return second(s.Find(ctx, dossier.Search{Words: peopleWays("ada", "b|c"), Limit: 10}))
		},
		"Acknowledge": func(ctx context.Context) error {
			return s.Acknowledge(ctx, deleting, peopleEpoch, []string{"ada"})
		},
		"AddWords": func(ctx context.Context) error { return s.AddWords(ctx, deleting, []string{"ada"}) },
		"Words":    func(ctx context.Context) error { return second(s.Words(ctx, deleting)) },
		"SetWords": func(ctx context.Context) error {
			return s.SetWords(ctx, dossier.Worded{Person: dossier.Person{ID: deleting}}, []string{"ada"})
		},
		"RemoveWords": func(ctx context.Context) error { return s.RemoveWords(ctx, deleting) },
		"Unworded":    func(ctx context.Context) error { return firstError(s.Unworded(ctx)) },
		"StrayWords":  func(ctx context.Context) error { return firstError(s.StrayWords(ctx)) },
		"Leftovers":   func(ctx context.Context) error { return firstError(s.Leftovers(ctx, peopleEpoch)) },
		"Existing":    func(ctx context.Context) error { return second(s.Existing(ctx, []dossier.PersonID{deleting})) },
	}
}

// peopleRefused makes every call with a context that has ended and checks the error, and that nothing was done.
func peopleRefused(t *testing.T, s dossier.People, ctx context.Context, want error) {
	t.Helper()
	p := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, p)
	fresh := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	for name, call := range peopleCalls(s, p, fresh) {
		err := call(ctx)
		wants(t, name, err, want)
		if err != nil && (strings.Contains(err.Error(), "Lovelace") || strings.Contains(err.Error(), "London")) {
			t.Errorf("%s: the error tells a detail: %v", name, err)
		}
	}
	peopleIs(t, s, "a call that failed changed the person", p)
	_, err := s.Person(t.Context(), fresh.ID)
	wants(t, "Person, after an Insert that failed", err, dossier.ErrNotFound)
}

func peopleCancelled(t *testing.T, s dossier.People) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	peopleRefused(t, s, ctx, context.Canceled)
}

func peopleDeadline(t *testing.T, s dossier.People) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	peopleRefused(t, s, ctx, dossier.ErrUnavailable)
}

func peopleCancelledMeanwhile(t *testing.T, s dossier.People) {
	for round := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var acknowledged sync.Map
		var wg sync.WaitGroup
		var done atomic.Int32
		for range 8 {
			wg.Go(func() {
				for {
					p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
					err := s.Insert(ctx, p)
					if err != nil {
						wants(t, "Insert cancelled on its way", err, context.Canceled)
						return
					}
					acknowledged.Store(p.ID, p)
					if int(done.Add(1)) > round {
						cancel()
					}
				}
			})
		}
		wg.Wait()
		cancel()
		for id, p := range acknowledged.Range {
			if got := peopleGet(t, s, id.(dossier.PersonID)); got != p {
				t.Errorf("acknowledged: got %+v, want %+v", got, p)
			}
		}
		// A connection that was cut off must not spoil what comes next.
		p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
		peopleInsert(t, s, p)
		peopleIs(t, s, "after a cancelled call", p)
	}
}

func peopleParallel(t *testing.T, s dossier.People) {
	stays := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	peopleInsert(t, s, stays)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 6 {
				p := peopleNew(dossier.PersonSubmitting,
					peopleEpoch.Add(time.Duration(rand.IntN(1000))*time.Microsecond))
				steps := []struct {
					name string
					do   func() error
				}{
					{"Insert", func() error { return s.Insert(t.Context(), p) }},
					{"Acknowledge", func() error {
						return s.Acknowledge(t.Context(), p.ID, peopleEpoch, []string{"ada", "lovelace"})
					}},
					{"AddWords", func() error { return s.AddWords(t.Context(), p.ID, []string{"engine"}) }},
					{"Find", func() error {
						found, err := s.Find(t.Context(), dossier.Search{Limit: 1000})
						if ids := peopleIDs(found.People); err == nil &&
							(!slices.Contains(ids, p.ID) || !slices.Contains(ids, stays.ID)) {
							return errors.New("somebody is missing")
						}
						return err
					}},
					{"Find by words", func() error {
						found, err := s.Find(t.Context(), dossier.Search{Words: peopleWays("ada", "eng"), Limit: 1000})
						if err == nil && !slices.Contains(peopleIDs(found.People), p.ID) {
							return errors.New("somebody is missing")
						}
						return err
					}},
					{"Move to deleting", func() error {
						return s.Move(t.Context(), p.ID, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted)
					}},
					{"Leftovers", func() error {
						for q, err := range s.Leftovers(t.Context(), peopleEpoch) {
							if err != nil || q.ID == p.ID {
								return err
							}
						}
						return errors.New("a person in state deleting is missing")
					}},
					{"Delete", func() error { return s.Delete(t.Context(), p) }},
					{"Existing", func() error {
						there, err := s.Existing(t.Context(), []dossier.PersonID{p.ID, stays.ID})
						if err == nil && (there[p.ID] || !there[stays.ID]) {
							return errors.New("wrong answer")
						}
						return err
					}},
				}
				for _, step := range steps {
					if err := step.do(); err != nil {
						t.Errorf("%s, among others: %v", step.name, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
