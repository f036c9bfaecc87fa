package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"dossier.example/app"
)

const (
	// mostTogether is how many entries are written by one statement, and mostWaiting how many may wait for that. A
	// request has one at a time, so as many are rarely there; who comes then is refused.
	mostTogether = 64
	mostWaiting  = 4096
	// tries is how often entries are tried that find their place taken.
	tries = 3
)

// Options are the parts of a Trail that have defaults.
type Options struct {
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log receives the seals, and what cannot be returned to any caller. Default: discarded.
	Log *slog.Logger
}

// Trail appends entries to the chain of one run of one instance. All methods are safe for concurrent use.
//
// Entries that come while others are being written are written together by the next statement, so what one waits is two
// statements at most, however many come.
type Trail struct {
	store Store
	chain Chain
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	waiting []*pending
	writing bool
	// floor is the time of the last seal that is known: no entry claims to be older.
	floor time.Time

	// What follows is the writer's.

	// last is the place of the chain's last entry, and at its time. Not known: a write failed, and may have had effect.
	last  Place
	at    time.Time
	known bool
	// warned: it was logged that the clock went back.
	warned bool
}

// pending are entries that wait to be written, together.
type pending struct {
	entries []Entry
	done    chan error
}

// NewTrail returns a trail that begins a chain of its own.
func NewTrail(store Store, o Options) (*Trail, error) {
	chain, err := NewChain()
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Trail{store: store, chain: chain, now: o.Now, log: o.Log, last: Place{Chain: chain}, known: true}, nil
}

// Append appends entries, all of them or none. Without an error they are stored. With one they may be: what they tell
// of must not happen then, and a trail that has them tells of what was begun and has no end.
func (t *Trail) Append(ctx context.Context, entries ...Entry) error {
	const doing = "recording in the audit trail"
	p := &pending{slices.Clone(entries), make(chan error, 1)}
	for i := range p.entries {
		e := &p.entries[i]
		if err := e.check(); err != nil {
			return err
		}
		e.Actor.Name, e.Client = dossier.Shown(e.Actor.Name, MaxName), dossier.Shown(e.Client, MaxClient)
	}
	if err := ctx.Err(); err != nil {
		return dossier.Unavailable(ctx, doing, err)
	}
	t.mu.Lock()
	if len(t.waiting) >= mostWaiting {
		t.mu.Unlock()
		return dossier.Unavailable(ctx, doing, errors.New("too many entries are waiting"))
	}
	t.waiting = append(t.waiting, p)
	if !t.writing {
		t.writing = true
		go t.write() // ends by itself, as soon as nothing waits
	}
	t.mu.Unlock()
	select {
	case err := <-p.done:
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return nil
	case <-ctx.Done():
		return dossier.Unavailable(ctx, doing, ctx.Err())
	}
}

// Find returns what a query asks for, of all instances, the newest first.
func (t *Trail) Find(ctx context.Context, q Query) ([]Entry, error) {
	return t.store.FindEntries(ctx, q)
}

// write writes what waits, until nothing does. It does not end with any caller's context: others wait for the same
// statement. The store bounds its calls in time.
func (t *Trail) write() {
	for {
		t.mu.Lock()
		n := min(len(t.waiting), mostTogether)
		batch := t.waiting[:n:n]
		t.waiting = t.waiting[n:]
		if n == 0 {
			t.waiting, t.writing = nil, false
			t.mu.Unlock()
			return
		}
		floor := t.floor
		t.mu.Unlock()
		var entries []Entry
		for _, p := range batch {
			entries = append(entries, p.entries...)
		}
		err := t.append(context.Background(), entries, floor)
		for _, p := range batch {
			p.done <- err
		}
	}
}

// append gives entries their places and stores them.
func (t *Trail) append(ctx context.Context, entries []Entry, floor time.Time) error {
	for try := 1; ; try++ {
		if !t.known {
			// A write whose answer was lost may have had effect, also one that the caller gave up.
			last, err := t.store.LastEntry(ctx, t.chain)
			switch {
			case errors.Is(err, dossier.ErrNotFound):
				t.last, t.known = Place{Chain: t.chain}, true
			case err != nil:
				return err
			default:
				t.last, t.at, t.known = last.Place(), later(t.at, last.At), true
			}
		}
		at := t.time(floor)
		last := t.last
		for i := range entries {
			entries[i].At = at
			entries[i] = last.next(entries[i])
			last = entries[i].Place()
		}
		err := t.store.AppendEntries(ctx, entries)
		if err == nil {
			t.last, t.at = last, at
			return nil
		}
		t.known = false
		if !errors.Is(err, dossier.ErrExists) || try == tries {
			return err
		}
	}
}

// time returns the time of the next entries: it never goes back, whatever the clock does.
func (t *Trail) time(floor time.Time) time.Time {
	now := t.now().UTC().Truncate(time.Microsecond)
	least := later(t.at, floor)
	if behind := least.Sub(now); behind > time.Second && !t.warned {
		t.warned = true
		t.log.Warn("the clock of this instance is behind the audit trail: entries have the time of the one before",
			"behind", behind)
	} else if behind <= 0 {
		t.warned = false
	}
	return later(now, least)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// next returns an entry as the one behind a place.
func (p Place) next(e Entry) Entry {
	e.Chain, e.Sequence, e.Previous = p.Chain, p.Sequence+1, p.Hash
	e.Hash = e.Sum()
	return e
}
