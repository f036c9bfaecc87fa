package dossier

import (
	"context"
	"fmt"
	"time"
)

// amount is what a budget is counted in.
type amount struct {
	Persons int64 `json:"p,omitempty"`
	Files   int64 `json:"f,omitempty"`
	Bytes   int64 `json:"b,omitempty"`
}

func (q Quota) amount() amount { return amount{Files: q.Files, Bytes: q.Bytes} }

// each returns an amount whose parts are those of a and b, combined by f.
func (a amount) each(b amount, f func(a, b int64) int64) amount {
	return amount{f(a.Persons, b.Persons), f(a.Files, b.Files), f(a.Bytes, b.Bytes)}
}

func (a amount) plus(b amount) amount  { return a.each(b, func(a, b int64) int64 { return a + b }) }
func (a amount) minus(b amount) amount { return a.each(b, func(a, b int64) int64 { return a - b }) }

func (a amount) atMost(b amount) amount {
	return a.each(b, func(a, b int64) int64 { return min(a, b) })
}
func (a amount) atLeast(b amount) amount {
	return a.each(b, func(a, b int64) int64 { return max(a, b) })
}

// covers reports whether no part of b exceeds that of a.
func (a amount) covers(b amount) bool { return a.atMost(b) == b }

// boundless is more than any budget.
const boundless = 1 << 62

// bounds returns a budget's limits, with those that are zero out of reach.
func (a amount) bounds() amount {
	return a.each(amount{}, func(n, _ int64) int64 {
		if n == 0 {
			return boundless
		}
		return n
	})
}

// blockOf returns how much of a budget is taken at once: one of parts equal parts, and no more than makes sense to
// hold. Of a budget with fewer units than parts it is nothing: then exactly what is needed is taken, and returned at
// once.
func blockOf(most amount, parts int64) amount {
	largest := amount{Persons: 100, Files: 1000, Bytes: 1 << 30}
	block := most.bounds().each(amount{}, func(n, _ int64) int64 { return n / parts })
	return block.atMost(largest)
}

// entry is a counter of a budget, as it is stored.
type entry struct {
	// Version is the version of this format.
	Version int `json:"v,omitempty"`
	// Used is what is counted, including what instances hold.
	Used amount `json:"used"`
	// Taken and Given are the totals that instances took and gave back.
	Taken amount `json:"taken"`
	Given amount `json:"given"`
	// Epoch changes when the counter is set to something else: what was taken before is then not included.
	Epoch string `json:"epoch"`
}

// account is what one instance knows, and holds, of a counter in the store. A nil account has no limit.
type account struct {
	svc *Service
	// most is the budget, and block how much of it is taken at once. Parts of most that are zero have no limit.
	most, block amount
	// edit changes the counter by a conditional write, or reads it if nothing is changed. It may call change again.
	edit func(ctx context.Context, change func(*entry) error) error
	// short returns the refusal; over reports whether what is held belongs to a period that has ended.
	short func() error
	over  func(epoch string) bool

	// turn is held by whoever uses the fields below.
	turn chan struct{}
	// spare was taken in an epoch and has not been used yet.
	spare amount
	epoch string
	// used is what the counter said at that time.
	used amount
	at   time.Time
}

func newAccount(s *Service, most, block amount, short func() error) *account {
	return &account{svc: s, most: most, block: block, short: short, over: func(string) bool { return false },
		turn: make(chan struct{}, 1)}
}

func (a *account) bound() bool { return a != nil && a.most != amount{} }

// enter gives the caller exclusive use of the account until leave.
func (a *account) enter(ctx context.Context) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return Unavailable(ctx, "wait for a part of the budget", context.Cause(ctx))
	}
	if a.epoch != "" && a.over(a.epoch) {
		a.spare, a.epoch, a.used, a.at = amount{}, "", amount{}, time.Time{}
	}
	return nil
}

func (a *account) leave() { <-a.turn }

// see records what the counter says. What was taken in another epoch is no longer included in it.
func (a *account) see(e *entry) {
	if a.epoch != "" && a.epoch != e.Epoch {
		a.spare = amount{}
	}
	a.epoch, a.used, a.at = e.Epoch, e.Used, a.svc.time()
}

// take counts something. If that would exceed the budget plus extra, it returns the refusal, and nothing is counted.
// After another error, something may be counted that is not used.
func (a *account) take(ctx context.Context, add, extra amount) error {
	if !a.bound() || add == (amount{}) {
		return nil
	}
	if err := a.enter(ctx); err != nil {
		return err
	}
	defer a.leave()
	if a.spare.covers(add) {
		a.spare = a.spare.minus(add)
		return nil
	}
	// Before the counter is written: the last space of a full disk is for what frees some.
	if err := a.svc.fits(0); err != nil {
		return err
	}
	most := a.most.bounds().plus(extra)
	var got amount
	err := a.edit(ctx, func(e *entry) error {
		a.see(e)
		need := add.minus(a.spare).atLeast(amount{})
		left := most.minus(e.Used).atLeast(amount{})
		if !left.covers(need) {
			return a.short()
		}
		// Take a block, as far as there is one, of what is needed, and of what is limited and used up: who adds a
		// person adds files and their bytes next, and each write of the counter is paid for.
		wanted := need.atLeast(a.most.each(a.spare, func(most, spare int64) int64 {
			if spare > 0 {
				return 0
			}
			return min(most, 1)
		}))
		block := a.block.each(wanted, func(block, wanted int64) int64 {
			if wanted == 0 {
				return 0
			}
			return block
		})
		got = need.atLeast(block.atMost(left))
		e.Used, e.Taken = e.Used.plus(got), e.Taken.plus(got)
		a.used = e.Used
		return nil
	})
	if err != nil {
		return fmt.Errorf("count against the budget: %w", err)
	}
	a.spare = a.spare.plus(got).minus(add)
	return nil
}

// put takes back what was counted. It also works when ctx has ended, and does not fail: what does not reach the counter
// is corrected by the next sweep.
func (a *account) put(ctx context.Context, off amount) {
	if !a.bound() || off == (amount{}) {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if a.enter(ctx) != nil {
		return
	}
	defer a.leave()
	a.spare = a.spare.plus(off)
	back := a.spare.each(a.block, func(spare, block int64) int64 {
		if spare <= 2*block {
			return 0
		}
		return spare - block
	})
	if err := a.give(ctx, back); err != nil {
		a.svc.log.DebugContext(ctx, "a part of the budget could not be given back yet", "err", err)
	}
}

// give returns a part of what is held.
func (a *account) give(ctx context.Context, back amount) error {
	if back == (amount{}) {
		return nil
	}
	err := a.edit(ctx, func(e *entry) error {
		a.see(e)
		back = back.atMost(a.spare)
		e.Used, e.Given = e.Used.minus(back).atLeast(amount{}), e.Given.plus(back)
		a.used = e.Used
		return nil
	})
	if err == nil {
		a.spare = a.spare.minus(back)
	}
	return err
}

// close returns everything that is held.
func (a *account) close(ctx context.Context) error {
	if !a.bound() {
		return nil
	}
	if err := a.enter(ctx); err != nil {
		return err
	}
	defer a.leave()
	if err := a.give(ctx, a.spare); err != nil {
		return fmt.Errorf("give back what is left of the budget: %w", err)
	}
	return nil
}

// left returns roughly how much may be taken.
func (a *account) left(ctx context.Context) (amount, error) {
	if !a.bound() {
		return (amount{}).bounds(), nil
	}
	if err := a.enter(ctx); err != nil {
		return amount{}, err
	}
	defer a.leave()
	if age := a.svc.time().Sub(a.at); age < 0 || age > roomAge {
		if err := a.edit(ctx, func(e *entry) error { a.see(e); return nil }); err != nil {
			return amount{}, err
		}
	}
	return a.most.bounds().minus(a.used).plus(a.spare).atLeast(amount{}), nil
}
