package objects

import (
	"context"
	"io"
	"sync"
	"time"

	dossier "dossier.example/app"
)

// receiving lets one request at a time write a part, so that a part takes room on the disk once, however often it is
// sent at once. The others wait for their turn, and read nothing. They do not wait for a sender that is stalled: a
// client that sends a part again has most likely given up the request before, whose connection may be dead.
type receiving struct {
	// patience is how long nothing may come from the sender whose turn it is while others wait; 0: stalledAfter.
	patience time.Duration

	mu    sync.Mutex
	parts map[string]*turn
}

const stalledAfter = 2 * time.Second

// turn is that of one part. Its fields are receiving's, under the mutex.
type turn struct {
	free  chan struct{} // holds a value while nobody has the turn
	users int
	has   *receiver
}

// receiver reads what the sender sends whose turn it is.
type receiver struct {
	r    io.Reader
	in   *receiving
	last time.Time // when something came last, under the mutex of in
	stop func()
}

func (r *receiver) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if n > 0 {
		r.in.mu.Lock()
		defer r.in.mu.Unlock()
		r.last = time.Now()
	}
	return n, err
}

// begin waits for the turn to write a part, whose bytes r has. The ctx and the reader that it returns end when others
// wait and nothing comes; end must be called.
func (r *receiving) begin(ctx context.Context, part string, from io.Reader) (
	own context.Context, bytes io.Reader, end func(), err error) {
	r.mu.Lock()
	if r.parts == nil {
		r.parts = map[string]*turn{}
	}
	t := r.parts[part]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		r.parts[part] = t
	}
	t.users++
	patience := r.patience
	r.mu.Unlock()
	if patience == 0 {
		patience = stalledAfter
	}
	leave := func() {
		if t.users--; t.users == 0 {
			delete(r.parts, part)
		}
	}
	r.cutStalled(t, patience)
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case <-t.free:
		case <-tick.C:
			r.cutStalled(t, patience)
			continue
		case <-ctx.Done():
			r.mu.Lock()
			defer r.mu.Unlock()
			leave()
			return nil, nil, nil, unavailable(ctx, "wait for the part's turn", nil)
		}
		own, cancel := context.WithCancel(ctx)
		one := &receiver{r: from, in: r, last: time.Now(), stop: dossier.SenderOf(ctx).Cut}
		if one.stop == nil {
			one.stop = cancel
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		t.has = one
		return own, one, func() {
			cancel()
			r.mu.Lock()
			defer r.mu.Unlock()
			t.has = nil
			t.free <- struct{}{}
			leave()
		}, nil
	}
}

// cutStalled ends the request whose turn it is, if nothing came of it for so long.
func (r *receiving) cutStalled(t *turn, patience time.Duration) {
	r.mu.Lock()
	one := t.has
	stalled := one != nil && time.Since(one.last) >= patience
	r.mu.Unlock()
	if stalled {
		one.stop()
	}
}
