package web

import (
	"context"
	"maps"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// clientRetry, in seconds, is how long a client that already runs as much as it may is asked to wait.
const clientRetry = "5"

// A guest makes room for another, even one of its own client or of a client that has as many, after it has been in for
// guestGrace if it moves less than guestRate bytes per second.
const (
	guestGrace = 5 * time.Second
	guestRate  = 16 << 10
)

// busyFor is how long a gate counts as full after it turned somebody away.
const busyFor = time.Minute

// gate limits how many things run at once, per client and in total. Its memory is bounded by the total.
//
// When a client has reached its limit, its slowest guest makes room if it is almost idle: somebody who shares an
// address with an attacker is not kept out by connections that do nothing. When the total has been reached, a guest
// that can be cut off makes room: the slowest one of the client that has most, if that has more than the newcomer's
// client would have, or else the slowest of all, if it is almost idle. So a client with many requests never keeps out
// others, and many clients do so only with real traffic.
type gate struct {
	name  string
	bound bounds.Share

	mu     sync.Mutex
	guests map[netip.Prefix]map[*guest]bool
	count  int
	// turned is when somebody was last turned away, or cut off, because of the total.
	turned time.Time
	// most is the largest number at once, and away the number turned away or cut off, since the last call of load.
	most, away int
}

// gates are the gates of a server.
type gates struct{ json, forms, parts, archives, completions *gate }

func newGates(b bounds.Bounds) gates {
	return gates{
		json: newGate("json", b.JSON), forms: newGate("forms", b.Forms), parts: newGate("parts", b.Parts),
		archives: newGate("archives", b.Archives), completions: newGate("completions", b.Completions),
	}
}

// all returns them in the order of the table of limits.
func (g gates) all() []*gate { return []*gate{g.json, g.forms, g.parts, g.archives, g.completions} }

// guest is something that runs inside a gate.
type guest struct {
	gate   *gate
	client netip.Prefix
	since  time.Time
	pace   *pace
	cut    func()
}

func newGate(name string, bound bounds.Share) *gate {
	return &gate{name: name, bound: bound, guests: map[netip.Prefix]map[*guest]bool{}}
}

// enter lets something of a client in, which must call leave at its end. cut, which must not block, ends it early; nil
// if that is not possible. p measures its pace.
func (g *gate) enter(client netip.Prefix, p *pace, cut func()) (*guest, error) {
	now := time.Now()
	one := &guest{g, client, now, p, cut}
	var loser *guest
	g.mu.Lock()
	defer func() {
		g.mu.Unlock()
		if loser != nil {
			loser.cut()
		}
	}()
	if own := g.guests[client]; len(own) >= g.bound.Client {
		g.away++
		if loser = slowest(now, now.Add(-guestGrace), guestRate, own); loser == nil {
			return nil, &dossier.Error{Code: codeLimited}
		}
		g.remove(loser)
	} else if g.count >= g.bound.All {
		g.turned = now
		g.away++
		if loser = g.loser(client, now); loser == nil {
			return nil, &dossier.Error{Code: codeBusy}
		}
		g.remove(loser)
	}
	if g.guests[client] == nil {
		g.guests[client] = map[*guest]bool{}
	}
	g.guests[client][one] = true
	g.count++
	g.most = max(g.most, g.count)
	return one, nil
}

// loser returns the guest that makes room for one of a client; nil if there is none.
func (g *gate) loser(client netip.Prefix, now time.Time) *guest {
	most := len(g.guests[client]) + 1 // what the client would have, and nobody may lose a fair share to it
	var of map[*guest]bool
	for other, theirs := range g.guests {
		if other != client && len(theirs) > most {
			most, of = len(theirs), theirs
		}
	}
	if loser := slowest(now, now, math.Inf(1), of); loser != nil {
		return loser
	}
	return slowest(now, now.Add(-guestGrace), guestRate, slices.Collect(maps.Values(g.guests))...)
}

// slowest returns the slowest guest that can be cut off, entered before a time and moves less than rate bytes per
// second; of several, the one that entered last. nil: there is none.
func slowest(now, before time.Time, rate float64, guests ...map[*guest]bool) *guest {
	var loser *guest
	for _, all := range guests {
		for one := range all {
			if one.cut == nil || one.since.After(before) {
				continue
			}
			its := one.pace.rate(now)
			if its < rate || its == rate && loser != nil && loser.since.Before(one.since) {
				loser, rate = one, its
			}
		}
	}
	return loser
}

func (g *gate) remove(one *guest) {
	theirs := g.guests[one.client]
	if !theirs[one] {
		return // it was cut off before
	}
	delete(theirs, one)
	if len(theirs) == 0 {
		delete(g.guests, one.client)
	}
	g.count--
}

// leave ends a visit. It may be called several times.
func (one *guest) leave() {
	one.gate.mu.Lock()
	defer one.gate.mu.Unlock()
	one.gate.remove(one)
}

// busy reports whether the gate is full, or has just turned somebody away.
func (g *gate) busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count >= g.bound.All || !g.turned.IsZero() && time.Since(g.turned) < busyFor
}

// load returns what happened since its last call.
func (g *gate) load() (most, away int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	most, away = g.most, g.away
	g.most, g.away = g.count, 0
	return most, away
}

// full returns the names of the limits on all clients that are, or have just been, reached.
func (s *Server) full() []string {
	var full []string
	for _, g := range s.gates.all() {
		if g.busy() {
			full = append(full, g.name)
		}
	}
	if s.o.Full != nil {
		full = append(full, s.o.Full()...)
	}
	return full
}

// Load returns how close the server came to its limits since the last call.
func (s *Server) Load() bounds.Load {
	l := bounds.Load{Saturated: len(s.full())}
	for _, g := range s.gates.all() {
		most, away := g.load()
		l.TurnedAway += away
		l.Most = append(l.Most, bounds.Most{Name: g.name, Is: most})
	}
	return l
}

// enter lets a request through a gate until leave is called. A request with a body can be cut off.
func (s *Server) enter(c echo.Context, g *gate) (leave func(), err error) {
	p, cut := (*pace)(nil), (func())(nil)
	if b := bodyOf(c); b != nil {
		p, cut = &b.pace, b.cut
	}
	return s.enterAs(c, g, p, cut)
}

func (s *Server) enterAs(c echo.Context, g *gate, p *pace, cut func()) (leave func(), err error) {
	one, err := g.enter(s.client(c), p, cut)
	if err != nil {
		if code, _ := codeOf(err); code == codeLimited {
			c.Response().Header().Set("Retry-After", clientRetry)
		}
		return nil, err
	}
	return one.leave, nil
}

// through runs a route's handler inside a gate.
func (s *Server) through(g *gate) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			leave, err := s.enter(c, g)
			if err != nil {
				return err
			}
			defer leave()
			return next(c)
		}
	}
}

// client returns what counts as the request's client.
func (s *Server) client(c echo.Context) netip.Prefix { return addressBlock(s.address(c.Request())) }

// sending returns the context of a request with its sender.
func (s *Server) sending(c echo.Context) context.Context {
	sender := dossier.Sender{Client: s.client(c).String()}
	if b := bodyOf(c); b != nil {
		sender.Cut = b.cut
	}
	return dossier.WithSender(c.Request().Context(), sender)
}

// pace measures how fast bytes move, over the last paceTime to twice that.
type pace struct {
	mu sync.Mutex
	// begun is when the current interval began, bytes what moved in it; before and took are those of the previous one.
	begun         time.Time
	bytes, before int64
	took          time.Duration
}

const paceTime = 5 * time.Second

// add counts bytes.
func (p *pace) add(n int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now)
	p.bytes += int64(n)
}

func (p *pace) turn(now time.Time) {
	if p.begun.IsZero() {
		p.begun = now
	}
	if d := now.Sub(p.begun); d >= paceTime {
		p.begun, p.bytes, p.before, p.took = now, 0, p.bytes, d
	}
}

// rate returns the recent rate in bytes per second. Without a pace, it is not slow.
func (p *pace) rate(now time.Time) float64 {
	if p == nil {
		return math.Inf(1)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now)
	return float64(p.bytes+p.before) / max(now.Sub(p.begun)+p.took, time.Millisecond).Seconds()
}
