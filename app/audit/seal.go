package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"dossier.example/app"
)

// sealEvery is the pause between two looks whether a seal is due.
const sealEvery = 10 * time.Minute

// sealed is what the chain of seals says.
type sealed struct {
	// last is the last entry of the chain; its sequence is 0 where there is none.
	last Entry
	// heads are how far each chain was sealed, by each seal that has it, and pruned how far it was removed.
	heads  map[Chain][]head
	pruned map[Chain]Place
	// seals are the seals in order: of each the time.
	seals []Entry
}

// head is how far a seal covers a chain.
type head struct {
	Place
	// seal is the sequence of the seal, and at its time.
	seal int64
	at   time.Time
}

// furthest returns the head of a chain that covers most.
func (s sealed) furthest(chain Chain) (most head) {
	for _, h := range s.heads[chain] {
		if h.Sequence > most.Sequence {
			most = h
		}
	}
	return most
}

// readSeals reads the chain of seals. Each entry goes to look first, which may be nil.
func readSeals(ctx context.Context, store Store, look func(Entry)) (sealed, error) {
	s := sealed{heads: map[Chain][]head{}, pruned: map[Chain]Place{}}
	var sealing, pruning []Place
	err := walk(ctx, store, Seals, 0, func(e Entry) bool {
		if e.Chain != Seals {
			return false
		}
		if look != nil {
			look(e)
		}
		s.last = e
		switch e.Action {
		case SealHead, PruneHead:
			chain, errChain := ParseChain(e.Subject.ID)
			hash, errHash := ParseHash(e.Detail)
			if errChain != nil || errHash != nil {
				break // which its own hash tells
			}
			p := Place{chain, e.Count, hash}
			if e.Action == SealHead {
				sealing = append(sealing, p)
			} else {
				pruning = append(pruning, p)
			}
		case Seal:
			for _, p := range sealing {
				s.heads[p.Chain] = append(s.heads[p.Chain], head{p, e.Sequence, e.At})
			}
			s.seals = append(s.seals, e)
			sealing = nil
		case PruneEntries:
			for _, p := range pruning {
				s.pruned[p.Chain] = p
			}
			pruning = nil
		}
		return true
	})
	return s, err
}

// append appends places to the chain of seals, each with an action, and one entry that ends them; dossier.ErrExists if
// another instance was first.
func (s sealed) append(ctx context.Context, store Store, now time.Time, each Action, places []Place, end Entry) (Entry,
	error) {
	at := later(now.UTC().Truncate(time.Microsecond), s.last.At)
	last := Place{Seals, s.last.Sequence, s.last.Hash}
	entries := make([]Entry, 0, len(places)+1)
	add := func(e Entry) {
		e.At, e.Actor.ID, e.Result = at, Program, Done
		e = last.next(e)
		last = e.Place()
		entries = append(entries, e)
	}
	for _, p := range places {
		add(Entry{Action: each, Subject: Subject{Kind: KindChain, ID: p.Chain.String()}, Count: p.Sequence,
			Detail: p.Hash.String()})
	}
	add(end)
	return entries[len(entries)-1], store.AppendEntries(ctx, entries)
}

// Seal makes the seal of a day, if it is due: the first of a day of UTC, by whichever instance comes first. It covers
// all entries that are stored by then. The returned entry is the seal's; its sequence is 0 if none was made.
func (t *Trail) Seal(ctx context.Context) (Entry, error) {
	last, err := t.store.LastEntry(ctx, Seals)
	if err != nil && !errors.Is(err, dossier.ErrNotFound) {
		return Entry{}, fmt.Errorf("look for the last seal: %w", err)
	}
	t.lift(last.At)
	now := t.now().UTC()
	if doneOn(now, last) {
		return Entry{}, nil
	}
	return t.seal(ctx, now)
}

// doneOn reports whether the last entry of the seals was made on the day of a time, or later.
func doneOn(now time.Time, last Entry) bool {
	return last.Sequence > 0 && !last.At.Before(now.Truncate(24*time.Hour))
}

// lift has no entry from now on claim to be older than a seal.
func (t *Trail) lift(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.floor = later(t.floor, at)
}

func (t *Trail) seal(ctx context.Context, now time.Time) (Entry, error) {
	s, err := readSeals(ctx, t.store, nil)
	if err != nil {
		return Entry{}, err
	}
	if doneOn(now, s.last) { // by another instance, since Seal looked
		return Entry{}, nil
	}
	heads, err := t.store.Heads(ctx)
	if err != nil {
		return Entry{}, fmt.Errorf("read the heads of the audit trail's chains: %w", err)
	}
	var open []Place
	for _, p := range heads {
		if p.Chain != Seals && p.Sequence > s.furthest(p.Chain).Sequence {
			open = append(open, p)
		}
	}
	if len(open) == 0 && s.last.Sequence == 0 {
		return Entry{}, nil
	}
	made, err := s.append(ctx, t.store, now, SealHead, open, Entry{Action: Seal, Count: int64(len(open))})
	if errors.Is(err, dossier.ErrExists) {
		return Entry{}, nil // another instance was first
	}
	if err != nil {
		return Entry{}, fmt.Errorf("seal the audit trail: %w", err)
	}
	t.lift(made.At)
	// Whoever can change the whole table can make another chain of seals, but does not reach the log, where that is
	// kept elsewhere: dossier audit verify --seal compares.
	t.log.Info("sealed the audit trail", "seal", strconv.FormatInt(made.Sequence, 10)+":"+made.Hash.String(),
		"chains", len(open))
	return made, nil
}

// Keep seals the trail daily, until ctx ends. After a seal that it made, then is called, if there is something to do
// daily.
func (t *Trail) Keep(ctx context.Context, then func(context.Context) error) {
	for {
		made, err := t.Seal(ctx)
		if err == nil && then != nil && made.Sequence > 0 {
			err = then(ctx)
		}
		if err != nil && ctx.Err() == nil {
			t.log.Error("the audit trail could not be sealed or pruned: this is tried again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(float64(sealEvery) * (0.5 + rand.Float64()))):
		}
	}
}
