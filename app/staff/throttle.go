package staff

import (
	"container/list"
	"fmt"
	"sync"
	"time"
)

// RetryError refuses a sign-in for now: too many have failed, or, if Busy, too many are being checked.
type RetryError struct {
	// After is how long to wait.
	After time.Duration
	Busy  bool
}

// Error implements error.
func (e *RetryError) Error() string {
	if e.Busy {
		return "too many sign-ins at once"
	}
	return fmt.Sprintf("too many failed sign-ins: wait %s", e.After)
}

// throttle is a bucket of tokens for each key. Unlike that of a rate.Limiter, a token can be given back: an attempt
// takes one before it is known how it ends, or many at once would all find the same last one.
type throttle struct {
	burst float64
	every time.Duration

	mu      sync.Mutex
	buckets map[string]*list.Element
	recent  *list.List // of *bucket, the latest first
}

type bucket struct {
	key    string
	tokens float64
	at     time.Time
}

// rememberedKeys bounds the memory: what was used longest ago is forgotten, and has a full bucket again.
const rememberedKeys = 10_000

func newThrottle(burst int, every time.Duration) *throttle {
	return &throttle{burst: float64(burst), every: every, buckets: map[string]*list.Element{}, recent: list.New()}
}

// bucket returns the bucket of a key as it is now.
func (t *throttle) bucket(key string, now time.Time) *bucket {
	e, ok := t.buckets[key]
	if !ok {
		if t.recent.Len() >= rememberedKeys {
			oldest := t.recent.Back()
			delete(t.buckets, oldest.Value.(*bucket).key)
			t.recent.Remove(oldest)
		}
		e = t.recent.PushFront(&bucket{key, t.burst, now})
		t.buckets[key] = e
	}
	t.recent.MoveToFront(e)
	b := e.Value.(*bucket)
	if past := now.Sub(b.at); past > 0 {
		b.tokens = min(t.burst, b.tokens+float64(past)/float64(t.every))
		b.at = now
	}
	return b
}

// take takes a token, or a RetryError says when there is one.
func (t *throttle) take(key string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucket(key, now)
	if b.tokens < 1 {
		return &RetryError{After: max(time.Second, time.Duration((1-b.tokens)*float64(t.every)))}
	}
	b.tokens--
	return nil
}

// giveBack gives back the token of an attempt that did not fail.
func (t *throttle) giveBack(key string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucket(key, now)
	b.tokens = min(t.burst, b.tokens+1)
}
