package dossier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// What no person asked to be removed is removed by reconciliation alone, and where bytes go with it passes
// Service.allow: it is counted over all instances, bounded, and logged with its reason. Each kind has a bound of its
// own:
//
//   - ownerless: an object without a record, or a record without a person. It may have been acknowledged, and a store
//     may have been emptied, or set back, behind the program's back. So it has to be seen without an owner for an age,
//     by whichever instance, and only a small share of all goes by itself. More is held back until a person says the
//     word.
//   - unacknowledged: by its own record nobody was ever told that it is stored;
//   - infected: a scanner found malware in it long ago.
//
// The bytes of all are set aside, so that a wrong decision can be undone.

// removalClass is a kind of removal that has a bound of its own.
type removalClass string

const (
	ownerlessClass      removalClass = "ownerless"
	unacknowledgedClass removalClass = "unacknowledged"
	infectedClass       removalClass = "infected"
)

// The bounds, for removalWindow, over all instances.
const (
	removalWindow = 24 * time.Hour
	// Of what is ownerless at most so many, and less than is tooMuch.
	ownerlessMost = 100
	// Of what was never acknowledged; or one submission, however many files it has.
	unacknowledgedMost = 1000
	infectedMost       = 1000
)

// little is how much may be wrong in stores of so much that are all of one moment: a twentieth, but one in any case.
func little(of int) int { return max(1, of/20) }

// tooMuch reports whether so much is wrong that the stores can hardly be of one moment: all, or more than little.
func tooMuch(n, of int) bool { return n > 0 && (n >= of || n > little(of)) }

// most is how many removals of a class are allowed in a store of so many files.
func (c removalClass) most(files int) int {
	switch c {
	case ownerlessClass:
		return min(ownerlessMost, little(files))
	case infectedClass:
		return infectedMost
	}
	return unacknowledgedMost
}

// removals is the note of what was removed in the window that began at Since.
type removals struct {
	Since   time.Time            `json:"since"`
	Removed map[removalClass]int `json:"removed"`
}

const removalsNote = "removals"

// allow reports whether n more removals of a class may be made by themselves in a store of so many files, and counts
// them as made: none is made that was not counted. Instances share the count.
func (s *Service) allow(ctx context.Context, c removalClass, n, files int) (allowed bool, err error) {
	err = s.editNote(ctx, removalsNote, func(value []byte) ([]byte, error) {
		var r removals
		allowed = false
		if len(value) > 0 {
			if err := json.Unmarshal(value, &r); err != nil {
				// Nobody can tell any more, so it may have been all that is allowed.
				s.log.WarnContext(ctx, "nobody can read what was removed lately: nothing more is for a day", "err", err)
				return json.Marshal(removals{Since: s.time(), Removed: map[removalClass]int{
					ownerlessClass: ownerlessMost, unacknowledgedClass: unacknowledgedMost, infectedClass: infectedMost}})
			}
		}
		// A window that seems to begin in the future is another instance's, whose clock differs.
		if now := s.time(); r.Removed == nil || now.Sub(r.Since) >= removalWindow || r.Since.Sub(now) >= removalWindow {
			r = removals{Since: now, Removed: map[removalClass]int{}}
		}
		// One submission of more files than that would wait for ever, so it may go alone.
		alone := c == unacknowledgedClass && r.Removed[c] == 0
		if r.Removed[c]+n > c.most(files) && !alone {
			return nil, nil
		}
		r.Removed[c] += n
		allowed = true
		return json.Marshal(r)
	})
	if err != nil {
		return false, fmt.Errorf("note what is removed: %w", err)
	}
	return allowed, nil
}

// kept is what is kept of a file beside its bytes when they are set aside.
type kept struct {
	Person  string    `json:"person"`
	File    string    `json:"file"`
	Folder  string    `json:"folder,omitempty"`
	Name    string    `json:"name,omitempty"`
	Author  string    `json:"author,omitempty"`
	State   FileState `json:"state,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// Content is nil if nobody knew what the bytes have to be.
	Content *Content `json:"content,omitempty"`
}

// about describes a file for whoever undoes its removal.
func about(f File) []byte {
	b, err := json.Marshal(kept{Person: f.Person.String(), File: f.ID.String(), Folder: f.Folder, Name: f.Name,
		Author: f.Author, State: f.State, Created: f.CreatedAt, Content: f.Content})
	if err != nil {
		panic(err) // of strings, numbers and a time
	}
	return b
}
