package dossier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// What a network adds in a day is counted in a note that it shares with others. The number of notes, and of networks in
// each, is limited, so that no number of networks makes the store grow. If a note has no place left, the network in it
// that added least is forgotten. A note starts over with the first network that is counted in it on another day.
//
// No address is kept, only a hash of it with a salt that the note has for that day; a sweep empties the notes of past
// days.
const (
	networkNotes    = 256
	networksPerNote = 256
	// rememberedNetworks limits the memory of one instance.
	rememberedNetworks = 10_000
)

const networkPrefix = "network-"

func networkNoteName(i int) string { return fmt.Sprintf("%s%02x", networkPrefix, i) }

// networkNote is what some networks added on a day.
type networkNote struct {
	Day  string            `json:"day"`
	Salt string            `json:"salt"`
	Used map[string]amount `json:"used"`
}

// networks are the accounts of networks.
type networks struct {
	svc  *Service
	most amount

	mu       sync.Mutex
	accounts map[string]*account
}

func (s *Service) newNetworks(b Budget) *networks {
	return &networks{svc: s, most: amount{b.DayPersons, b.DayFiles, b.DayBytes}, accounts: map[string]*account{}}
}

// of returns the account of a client's network; nil if there is no limit, or the client is unknown.
func (n *networks) of(client string) *account {
	if n.most == (amount{}) || client == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.accounts[client]; a != nil {
		return a
	}
	for forgotten := range n.accounts {
		if len(n.accounts) < rememberedNetworks {
			break
		}
		// What it holds is forgotten with it, and stays counted for the day.
		delete(n.accounts, forgotten)
	}
	a := newAccount(n.svc, n.most, blockOf(n.most, 64), outOfDay)
	a.over = func(day string) bool { return day < n.svc.today() }
	a.edit = func(ctx context.Context, change func(*entry) error) error { return n.edit(ctx, client, change) }
	n.accounts[client] = a
	return a
}

func (s *Service) today() string { return s.time().Format(time.DateOnly) }

// edit changes the counter of a network.
func (n *networks) edit(ctx context.Context, client string, change func(*entry) error) error {
	name := networkNoteName(int(sha256.Sum256([]byte(client))[0]) * networkNotes / 256)
	return n.svc.editNote(ctx, name, func(value []byte) ([]byte, error) {
		note := n.note(value)
		sum := sha256.Sum256([]byte(note.Salt + client))
		key := hex.EncodeToString(sum[:8])
		e := entry{Used: note.Used[key], Epoch: note.Day}
		if err := change(&e); err != nil || e.Used == note.Used[key] {
			return nil, err
		}
		if _, known := note.Used[key]; !known && len(note.Used) >= networksPerNote {
			n.forgetLeast(note.Used)
		}
		note.Used[key] = e.Used
		return json.Marshal(note)
	})
}

// note parses a note; a note of a past day is empty. A day that another instance's clock has already begun counts.
func (n *networks) note(value []byte) networkNote {
	var note networkNote
	if json.Unmarshal(value, &note) != nil || note.Day < n.svc.today() {
		note = networkNote{Day: n.svc.today(), Salt: rand.Text()}
	}
	if note.Used == nil {
		note.Used = map[string]amount{}
	}
	return note
}

// forgetLeast forgets the network that has used the least share of its limit.
func (n *networks) forgetLeast(used map[string]amount) {
	least, of := "", 0
	for key, a := range used {
		s := max(share(a.Persons, n.most.Persons), share(a.Files, n.most.Files), share(a.Bytes, n.most.Bytes))
		if least == "" || s < of {
			least, of = key, s
		}
	}
	delete(used, least)
}

// forgetDays empties the notes of past days.
func (r *reconciler) forgetDays(ctx context.Context) error {
	n := r.networks
	if r.DryRun || n.most == (amount{}) {
		return nil
	}
	for i := range networkNotes {
		err := n.svc.editNote(ctx, networkNoteName(i), func(value []byte) ([]byte, error) {
			var old networkNote
			if len(value) == 0 || json.Unmarshal(value, &old) == nil && (len(old.Used) == 0 || old.Day >= n.svc.today()) {
				return nil, nil
			}
			return json.Marshal(n.note(nil))
		})
		if err != nil {
			return fmt.Errorf("forget what networks added on days that are over: %w", err)
		}
	}
	return nil
}

// close returns what this instance holds of the networks' budgets.
func (n *networks) close(ctx context.Context) error {
	n.mu.Lock()
	accounts := n.accounts
	n.accounts = map[string]*account{}
	n.mu.Unlock()
	var errs []error
	for _, a := range accounts {
		if err := a.close(ctx); err != nil {
			if errs = append(errs, err); len(errs) == 3 {
				break // the store does not answer
			}
		}
	}
	return errors.Join(errs...)
}
