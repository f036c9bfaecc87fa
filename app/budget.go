package dossier

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A person's quota limits one person, but strangers can create any number of people. So there are two more limits above
// it: for what all people have together, and for what one network adds in a day (networks.go). Both are counted as the
// quota is, by File.Counted.
//
// A single counter that every upload writes would be the busiest record of all. So an instance takes a block of the
// budget by one conditional write, and counts its uploads against that block. It returns what it does not use when it
// stops, and never holds more than two blocks. If the budget has no block left, it takes exactly what a file needs.
//
// So no number of instances exceeds the budget. A sweep sets the counter to what is recorded, without knowing of
// blocks: until instances read the counter again, and learn of the sweep, they may exceed the budget by the blocks that
// they hold. An instance that is killed leaves its block counted until the next sweep.

// Budget limits what the store accepts in total, and from one network in a day. Zero means no limit.
type Budget struct {
	// StoreFiles and StoreBytes are the limits for all people together.
	StoreFiles, StoreBytes int64
	// DayPersons, DayFiles and DayBytes are the limits for what one network adds from midnight to midnight UTC. What is
	// removed on the same day still counts.
	DayPersons, DayFiles, DayBytes int64
}

// Block returns how much of the budget for all people an instance takes at once: a thousandth, and no more than 1 GiB
// and a thousand files. An instance holds two blocks at most.
func (b Budget) Block() Quota {
	a := blockOf(amount{Files: b.StoreFiles, Bytes: b.StoreBytes}, 1024)
	return Quota{Files: a.Files, Bytes: a.Bytes}
}

// Room is what can be accepted at the moment.
type Room struct {
	Files, Bytes int64
	// Why is the refusal if nothing can be accepted, otherwise nil.
	Why *Error
}

// roomAge is how long what was read of a budget is used to answer Room.
const roomAge = 5 * time.Second

// Room returns roughly how much can be accepted at the moment from the sender of ctx, from a person that has nothing
// yet. It is information for before bytes are sent; what is sent is then counted.
func (s *Service) Room(ctx context.Context) (Room, error) {
	room := Room{Files: int64(s.limits.PersonFiles), Bytes: s.limits.PersonBytes}
	if err := s.fits(0); err != nil {
		return room.none(err)
	}
	for _, a := range []*account{s.store, s.networks.of(SenderOf(ctx).Client)} {
		left, err := a.left(ctx)
		if err != nil {
			return Room{}, fmt.Errorf("read what is left of the budget: %w", err)
		}
		room.Files, room.Bytes = min(room.Files, left.Files), min(room.Bytes, left.Bytes)
		if room.Files <= 0 || room.Bytes <= 0 {
			return room.none(a.short())
		}
	}
	return room, nil
}

// none returns no room, with the reason.
func (r Room) none(err error) (Room, error) {
	var why *Error
	if !errors.As(err, &why) || why.Code != CodeFull && why.Code != CodeDay {
		return Room{}, err
	}
	return Room{Why: why}, nil
}

// Shortage is how short of space the store is.
type Shortage int

// The shortages.
const (
	// SpaceEnough: the largest file that is accepted fits.
	SpaceEnough Shortage = iota
	// SpaceShort: it does not.
	SpaceShort
	// SpaceNone: nothing is accepted.
	SpaceNone
)

// Shortage returns how short of space the store is: the disk of embedded stores, or the budget for all people.
func (s *Service) Shortage(ctx context.Context) (Shortage, error) {
	left, err := s.store.left(ctx)
	if err != nil {
		return SpaceEnough, fmt.Errorf("read what is left of the budget: %w", err)
	}
	if left.Files <= 0 || left.Bytes <= 0 {
		return SpaceNone, nil
	}
	if err := s.fits(0); err != nil {
		return full(SpaceNone, err)
	}
	if left.Bytes < s.limits.FileBytes {
		return SpaceShort, nil
	}
	return full(SpaceShort, s.fits(s.limits.FileBytes))
}

// full returns a shortage if that is what an error of Options.Fits says.
func full(as Shortage, err error) (Shortage, error) {
	switch {
	case err == nil:
		return SpaceEnough, nil
	case errors.Is(err, ErrFull):
		return as, nil
	}
	return SpaceEnough, err
}

// errBudget is the cause of refusals because the budget for all is used up.
var errBudget = errors.New("the budget of the store is used up")

func outOfBudget() error {
	return Errorf(CodeFull, errBudget,
		"The site accepts no files right now because its storage is full. Stored files are "+
			"safe. Try again later.")
}

func outOfDay() error {
	return Errorf(CodeDay, nil,
		"Your network has reached its limit for today. Send the rest after midnight UTC.")
}

// noRoom reports whether something was refused because of a limit on how much there is, and nothing was changed.
func noRoom(err error) bool {
	return errors.Is(err, ErrQuota) || errors.Is(err, errBudget) || errors.Is(err, ErrDay)
}

// claim counts something against the budgets, which extra may exceed.
func (s *Service) claim(ctx context.Context, add, extra Quota) error {
	if err := s.store.take(ctx, add.amount(), extra.amount()); err != nil {
		return err
	}
	err := s.networks.of(SenderOf(ctx).Client).take(ctx, add.amount(), extra.amount())
	if err != nil {
		s.store.put(ctx, add.amount())
	}
	return err
}

// unclaim takes back what was claimed for the same request.
func (s *Service) unclaim(ctx context.Context, off Quota) {
	s.store.put(ctx, off.amount())
	s.networks.of(SenderOf(ctx).Client).put(ctx, off.amount())
}

// Close gives back what this instance holds of the budgets and does not use. Without it, that stays counted until the
// next sweep, or the next day. The service can still be used afterwards.
func (s *Service) Close(ctx context.Context) error {
	return errors.Join(s.store.close(ctx), s.networks.close(ctx))
}

const budgetNote = "budget"

// storeAccount returns the account of the budget for all people.
func (s *Service) storeAccount(b Budget) *account {
	most := amount{Files: b.StoreFiles, Bytes: b.StoreBytes}
	a := newAccount(s, most, blockOf(most, 1024), outOfBudget)
	a.edit = s.editBudget
	return a
}

// editBudget changes the counter of the budget for all people.
func (s *Service) editBudget(ctx context.Context, change func(*entry) error) error {
	return s.editNote(ctx, budgetNote, func(value []byte) ([]byte, error) {
		var e entry
		if json.Unmarshal(value, &e) != nil || e.Epoch == "" {
			// This is the first count. The last sweep's result is closest to the truth, and the next one corrects it.
			e = entry{Epoch: rand.Text()}
			saw, err := s.lastSweep(ctx)
			if err != nil {
				return nil, err
			}
			if saw != nil {
				e.Used = amount{Files: int64(saw.Files), Bytes: saw.Bytes}
			}
		}
		before := e
		if err := change(&e); err != nil || e == before {
			return nil, err
		}
		return json.Marshal(e)
	})
}

// BudgetStatus is how much of the budget for all people is used, including the blocks that instances hold.
type BudgetStatus struct {
	Files     int64 `json:"files"`
	Bytes     int64 `json:"bytes"`
	MostFiles int64 `json:"most_files,omitempty"`
	MostBytes int64 `json:"most_bytes,omitempty"`
	// Percent is the larger of the two used shares, rounded up; 0 if there is no limit.
	Percent int `json:"percent"`
}

// budgetStatus returns how much of the budget for all people is used; nil if there is no limit.
func (s *Service) budgetStatus(ctx context.Context) (*BudgetStatus, error) {
	most := s.store.most
	if most == (amount{}) {
		return nil, nil
	}
	var used amount
	if err := s.editBudget(ctx, func(e *entry) error { used = e.Used; return nil }); err != nil {
		return nil, fmt.Errorf("read what is used of the budget: %w", err)
	}
	percent := max(share(used.Files, most.Files), share(used.Bytes, most.Bytes))
	return &BudgetStatus{Files: used.Files, Bytes: used.Bytes, MostFiles: most.Files, MostBytes: most.Bytes,
		Percent: percent}, nil
}

// share returns the percentage of most that is used, rounded up.
func share(used, most int64) int {
	if most == 0 || used <= 0 {
		return 0
	}
	percent := float64(used) / float64(most) * 100
	if whole := int(percent); float64(whole) == percent {
		return whole
	}
	return int(percent) + 1
}

// budgeted corrects the counter of the budget for all people to what the walk over all records between began and now
// found.
//
// Uploads continue during the walk, which may or may not see them. What instances took of the budget or returned
// meanwhile may also have been seen or not: so the counter is moved only as far as it is certainly wrong, to the nearer
// end of the possible range.
func (r *reconciler) budgeted(ctx context.Context, began entry, saw amount) error {
	if r.DryRun {
		return nil
	}
	err := r.editBudget(ctx, func(e *entry) error {
		if e.Epoch != began.Epoch {
			return nil // another sweep did it meanwhile
		}
		highest := saw.plus(e.Taken.minus(began.Taken))
		lowest := saw.minus(e.Given.minus(began.Given))
		used := e.Used.atMost(highest).atLeast(lowest).atLeast(amount{})
		if used != e.Used {
			r.log.InfoContext(ctx, "counted anew what is used of the budget", "files", used.Files, "bytes", used.Bytes,
				"files_before", e.Used.Files, "bytes_before", e.Used.Bytes)
			e.Used, e.Epoch = used, rand.Text()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count anew what is used of the budget: %w", err)
	}
	return nil
}

// budgetNow returns the counter of the budget for all people, less what this instance holds of it: that is returned
// first.
func (r *reconciler) budgetNow(ctx context.Context) (e entry, err error) {
	if r.DryRun {
		return e, nil
	}
	if err := r.store.close(ctx); err != nil {
		return e, err
	}
	err = r.editBudget(ctx, func(now *entry) error {
		if now.Version == 0 {
			now.Version = 1 // so that it is written, where there was none
		}
		e = *now
		return nil
	})
	return e, err
}
