package web

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// turns lets one after the other do what costs much. Clients take turns, so that one who asks for much delays another
// by one turn, not by all of its own.
type turns struct {
	// most is how many may wait, and mostEach how many of one client.
	most, mostEach int

	mu      sync.Mutex
	busy    bool
	waiting int
	// queues has the clients that wait, and order in which order they get their turns.
	queues map[netip.Prefix][]chan struct{}
	order  []netip.Prefix
}

func newTurns(most, mostEach int) *turns {
	return &turns{most: most, mostEach: mostEach, queues: map[netip.Prefix][]chan struct{}{}}
}

// take waits for a turn, for as long as patience and ctx last, and returns what ends it. It refuses at once where too
// many wait.
func (t *turns) take(ctx context.Context, client netip.Prefix, patience time.Duration) (release func(), ok bool) {
	t.mu.Lock()
	if !t.busy {
		t.busy = true
		t.mu.Unlock()
		return t.next, true
	}
	if t.waiting >= t.most || len(t.queues[client]) >= t.mostEach {
		t.mu.Unlock()
		return nil, false
	}
	turn := make(chan struct{}, 1)
	if len(t.queues[client]) == 0 {
		t.order = append(t.order, client)
	}
	t.queues[client] = append(t.queues[client], turn)
	t.waiting++
	t.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-turn:
		return t.next, true
	case <-ctx.Done():
	}
	if !t.leave(client, turn) {
		t.next() // the turn came in between
	}
	return nil, false
}

// next gives the turn to who waits longest of the client that is next.
func (t *turns) next() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == 0 {
		t.busy = false
		return
	}
	client := t.order[0]
	t.order = t.order[1:]
	turn := t.queues[client][0]
	t.drop(client, 0)
	if len(t.queues[client]) > 0 {
		t.order = append(t.order, client)
	}
	turn <- struct{}{}
}

// leave takes one who waits out of the queue, and reports whether it was there.
func (t *turns) leave(client netip.Prefix, turn chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.queues[client], turn)
	if i < 0 {
		return false
	}
	t.drop(client, i)
	if len(t.queues[client]) == 0 {
		t.order = slices.DeleteFunc(t.order, func(c netip.Prefix) bool { return c == client })
	}
	return true
}

// drop removes one from a queue.
func (t *turns) drop(client netip.Prefix, i int) {
	t.queues[client] = slices.Delete(t.queues[client], i, i+1)
	t.waiting--
	if len(t.queues[client]) == 0 {
		delete(t.queues, client)
	}
}
