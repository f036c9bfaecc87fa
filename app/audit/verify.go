package audit

import (
	"context"
	"fmt"
	"time"
)

// What a verification finds.
const (
	// FindingChanged: an entry's hash is not that of what it says.
	FindingChanged = "changed"
	// FindingBroken: an entry does not name the hash of the one before it.
	FindingBroken = "does not follow the entry before it"
	// FindingMissing: entries are missing.
	FindingMissing = "entries are missing before it"
	// FindingTail: a chain goes less far than a seal says.
	FindingTail = "its end is missing"
	// FindingGone: a chain that a seal names is not there.
	FindingGone = "the whole chain is missing"
	// FindingOther: an entry is not the one that a seal names.
	FindingOther = "is not the entry that was sealed"
	// FindingTime: an entry claims to be older than the one before it.
	FindingTime = "is older than the entry before it"
	// FindingLate: an entry claims to be older than a seal that does not cover it.
	FindingLate = "was added after the seal of its time"
	// FindingPruned: what was pruned had not been sealed so.
	FindingPruned = "was pruned without having been sealed"
	// FindingSeal: a seal is not the one that was noted elsewhere.
	FindingSeal = "is not the seal that was given"
)

// lateness is by how much an entry may be older than a seal that does not cover it: one that was on its way, or that of
// an instance whose clock differs a little.
const lateness = 15 * time.Minute

// mostFindings is how many findings a report lists. All are counted.
const mostFindings = 100

// Finding is something wrong with the trail.
type Finding struct {
	Chain    string `json:"chain"`
	Sequence int64  `json:"sequence"`
	What     string `json:"what"`
}

// Report is what a verification found.
type Report struct {
	// Entries and Chains are how many there are, without those of the seals.
	Entries int64 `json:"entries"`
	Chains  int   `json:"chains"`
	// Seals is how many there are, LastSeal the last as verify --seal takes it, and SealedAt its time.
	Seals    int       `json:"seals"`
	LastSeal string    `json:"last_seal,omitempty"`
	SealedAt time.Time `json:"sealed_at,omitzero"`
	// Unsealed is how many entries no seal covers yet. Nobody can tell whether there were more.
	Unsealed int64 `json:"unsealed"`
	// Pruned is how many entries were pruned.
	Pruned int64 `json:"pruned"`
	// Unfinished is how many changes have no end: of those it is not known whether they were made.
	Unfinished int64 `json:"unfinished"`
	// Findings are the first of what is wrong, and Wrong is how much is.
	Findings []Finding `json:"findings"`
	Wrong    int       `json:"wrong"`
}

func (r *Report) find(chain Chain, sequence int64, what string) {
	if r.Wrong++; r.Wrong <= mostFindings {
		r.Findings = append(r.Findings, Finding{chain.String(), sequence, what})
	}
}

// Verify reads the whole trail and reports what is wrong with it. Seals are such as were noted elsewhere, by their
// sequence. Its memory depends on the number of chains, not on that of entries. Entries may be added meanwhile, but
// none pruned.
func Verify(ctx context.Context, store Store, seals map[int64]Hash) (Report, error) {
	r := Report{Findings: []Finding{}}
	v := &verifying{report: &r, open: map[begun]int{}}
	s, err := readSeals(ctx, store, func(e Entry) {
		v.entry(e)
		if want, given := seals[e.Sequence]; given && want != e.Hash {
			r.find(Seals, e.Sequence, FindingSeal)
		}
		if e.Action == PruneEntries {
			r.Pruned += e.Count
		}
	})
	if err != nil {
		return r, err
	}
	for sequence := range seals {
		if sequence > s.last.Sequence {
			r.find(Seals, sequence, FindingTail)
		}
	}
	if n := len(s.seals); n > 0 {
		last := s.seals[n-1]
		r.Seals, r.SealedAt = n, last.At
		r.LastSeal = fmt.Sprintf("%d:%s", last.Sequence, last.Hash)
	}
	r.Entries = 0 // those of the seals do not count
	v.sealed = s
	v.begin(Seals)
	there := map[Chain]bool{}
	err = walk(ctx, store, Seals, s.last.Sequence, func(e Entry) bool {
		if e.Chain == Seals {
			return true // made meanwhile
		}
		if e.Chain != v.last.Chain {
			v.end()
			v.begin(e.Chain)
			there[e.Chain] = true
		}
		v.entry(e)
		return true
	})
	if err != nil {
		return r, err
	}
	v.end()
	for _, n := range v.open {
		r.Unfinished += int64(max(n, 0))
	}
	r.Chains = len(there)
	for chain := range s.heads {
		if most := s.furthest(chain); !there[chain] && most.Sequence > s.pruned[chain].Sequence {
			r.find(chain, most.Sequence, FindingGone)
		}
	}
	for chain, p := range s.pruned {
		if !s.covers(p) {
			r.find(chain, p.Sequence, FindingPruned)
		}
	}
	return r, nil
}

// covers reports whether a seal names a place.
func (s sealed) covers(p Place) bool {
	for _, h := range s.heads[p.Chain] {
		if h.Place == p {
			return true
		}
	}
	return false
}

// verifying is the verification of one chain after the other.
type verifying struct {
	report *Report
	sealed sealed

	last Entry
	// heads are those of the chain that are still to come, in order, pruned how far it was pruned.
	heads  []head
	pruned Place
	// begun counts the changes that have no end yet, by what their ends have in common with them.
	begun map[begun]int
	// open is what begun had at the end of each chain, less the ends that another chain has: a change of many people
	// goes on after a restart.
	open map[begun]int
}

type begun struct {
	request string
	action  Action
}

func (v *verifying) begin(chain Chain) {
	v.last = Entry{Chain: chain}
	v.heads, v.pruned = v.sealed.heads[chain], v.sealed.pruned[chain]
	v.begun = map[begun]int{}
}

// entry checks an entry against the one before it in its chain.
func (v *verifying) entry(e Entry) {
	r, last := v.report, v.last
	r.Entries++
	switch {
	case e.Hash != e.Sum():
		r.find(e.Chain, e.Sequence, FindingChanged)
	case last.Sequence == 0 && e.Sequence > 1 && e.Sequence <= v.pruned.Sequence:
		// Pruning broke off, and what is left goes next time. What was removed is known by the pruned head alone.
	case last.Sequence == 0 && v.pruned.Sequence > 0 && e.Sequence > v.pruned.Sequence:
		last.Sequence, last.Hash = v.pruned.Sequence, v.pruned.Hash
		fallthrough
	default:
		switch {
		case e.Sequence != last.Sequence+1:
			r.find(e.Chain, e.Sequence, FindingMissing)
		case e.Previous != last.Hash:
			r.find(e.Chain, e.Sequence, FindingBroken)
		}
	}
	if e.At.Before(v.last.At) {
		r.find(e.Chain, e.Sequence, FindingTime)
	}
	v.last = e
	if e.Chain == Seals {
		return
	}
	v.sealedAs(e)
	key := begun{e.Request, e.Action}
	switch {
	case e.Result == Begun:
		v.begun[key]++
	case e.Result.Ends() && v.begun[key] > 1:
		v.begun[key]--
	case e.Result.Ends() && v.begun[key] == 1:
		delete(v.begun, key)
	case e.Action.Changes() && (e.Result == Done || e.Result == Failed):
		v.open[key]--
	}
}

// sealedAs checks an entry against the seals.
func (v *verifying) sealedAs(e Entry) {
	r := v.report
	for len(v.heads) > 0 && v.heads[0].Sequence < e.Sequence {
		v.heads = v.heads[1:] // a gap, which was told
	}
	wrong := false
	for _, h := range v.heads {
		if h.Sequence != e.Sequence {
			break
		}
		wrong = wrong || h.Hash != e.Hash
	}
	if wrong {
		r.find(e.Chain, e.Sequence, FindingOther)
	}
	// The first seal that covers it is the next head's, if there is one. An entry that is older than the seal before
	// that one was not there when that was made.
	covered := int64(0)
	if len(v.heads) > 0 {
		covered = v.heads[0].seal
	} else {
		r.Unsealed++
	}
	if before, ok := v.sealed.before(covered); ok && before.At.Sub(e.At) > lateness {
		r.find(e.Chain, e.Sequence, FindingLate)
	}
}

// before returns the last seal before the one of a sequence; before none: the last of all.
func (s sealed) before(sequence int64) (Entry, bool) {
	for i := len(s.seals) - 1; i >= 0; i-- {
		if sequence == 0 || s.seals[i].Sequence < sequence {
			return s.seals[i], true
		}
	}
	return Entry{}, false
}

// end ends a chain.
func (v *verifying) end() {
	most := v.sealed.furthest(v.last.Chain)
	if v.last.Chain != Seals && v.last.Sequence < most.Sequence {
		v.report.find(v.last.Chain, most.Sequence, FindingTail)
	}
	for key, n := range v.begun {
		v.open[key] += n
	}
}
