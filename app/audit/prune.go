package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dossier.example/app"
)

// removedTogether is how many entries are removed by one statement, so that none takes long.
const removedTogether = 1000

// DamagedError says that a trail is not what was entered, and why it was not pruned.
type DamagedError struct{ Report Report }

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the audit trail is damaged in %d places, so nothing was pruned: see dossier audit verify",
		e.Report.Wrong)
}

// Prune removes the entries that were sealed before a time, and returns how many. First it verifies the trail: of what
// is damaged nothing is removed, and the error is a *DamagedError. Then it enters, in the chain of seals, how far each
// chain is removed and which entry that was; so what is left still proves itself. The seals stay. A run that broke off
// is completed by the next.
func Prune(ctx context.Context, store Store, remover Remover, before, now time.Time) (removed int64, err error) {
	report, err := Verify(ctx, store, nil)
	if err != nil {
		return 0, err
	}
	if report.Wrong > 0 {
		return 0, &DamagedError{report}
	}
	for {
		s, err := readSeals(ctx, store, nil)
		if err != nil {
			return 0, err
		}
		heads, err := store.Heads(ctx)
		if err != nil {
			return 0, fmt.Errorf("read the heads of the audit trail's chains: %w", err)
		}
		due, count := s.due(heads, before)
		if len(due) > 0 {
			_, err := s.append(ctx, store, now, PruneHead, due, Entry{Action: PruneEntries, Count: count,
				Detail: "sealed before " + before.UTC().Format(time.RFC3339)})
			if errors.Is(err, dossier.ErrExists) {
				continue // a seal was made meanwhile
			}
			if err != nil {
				return 0, fmt.Errorf("enter in the audit trail what is pruned: %w", err)
			}
			for _, p := range due {
				s.pruned[p.Chain] = p
			}
		}
		return remove(ctx, remover, heads, s.pruned)
	}
}

// due returns how far each chain that is there can be removed, as far as it is not yet, and how many entries that are.
func (s sealed) due(heads []Place, before time.Time) (due []Place, count int64) {
	for _, there := range heads {
		var most head
		for _, h := range s.heads[there.Chain] {
			if h.at.Before(before) && h.Sequence > most.Sequence {
				most = h
			}
		}
		if done := s.pruned[there.Chain].Sequence; most.Sequence > done {
			due = append(due, most.Place)
			count += most.Sequence - done
		}
	}
	return due, count
}

func remove(ctx context.Context, remover Remover, heads []Place, pruned map[Chain]Place) (removed int64, err error) {
	for _, there := range heads {
		upTo := pruned[there.Chain].Sequence
		for upTo > 0 {
			n, err := remover.RemoveEntries(ctx, there.Chain, upTo, removedTogether)
			removed += int64(n)
			if err != nil {
				return removed, fmt.Errorf("remove entries of the audit trail: %w", err)
			}
			if n < removedTogether {
				break
			}
		}
	}
	return removed, nil
}
