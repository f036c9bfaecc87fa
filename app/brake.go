package dossier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Only reconciliation removes what no person asked to remove, and if bytes are removed with it, it passes
// Service.allow: it is counted over all instances, limited, and logged with its reason. Each kind has its own limit:
//
//   - ownerless: an object without a record, or a record without a person. It may have been acknowledged, and a store
//     may have been emptied or rolled back without the program's knowledge. So instances must have seen it without an
//     owner for an age, and only a small share of all is removed automatically. More is held back until a person
//     allows it.
//   - unacknowledged: by its own record, nobody was ever told that it is stored;
//   - infected: a scanner found malware in it long ago.
//
// The bytes of all of them are set aside, so that a wrong decision can be undone.

// removalClass is a kind of removal that has its own limit.
type removalClass string

const (
	ownerlessClass      removalClass = "ownerless"
	unacknowledgedClass removalClass = "unacknowledged"
	infectedClass       removalClass = "infected"
)

// The limits for removalWindow, over all instances.
const (
	removalWindow = 24 * time.Hour
	// The limit for what is ownerless; it must also be less than tooMuch.
	ownerlessMost = 100
	// The limit for what was never acknowledged; or one submission, however many files it has.
	unacknowledgedMost = 1000
	infectedMost       = 1000
)

// little is how much may be wrong in stores of this size from the same moment: a twentieth, but at least one.
func little(of int) int { return max(1, of/20) }

// tooMuch reports whether so much is wrong that the stores can hardly be from the same moment: all, or more than
// little.
func tooMuch(n, of int) bool { return n > 0 && (n >= of || n > little(of)) }

// most is the number of removals of a class that are allowed in a store with this many files.
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

// allow reports whether n more removals of a class may be made automatically in a store with this many files, and
// counts them as made: every removal is counted before it is made. Instances share the count.
func (s *Service) allow(ctx context.Context, c removalClass, n, files int) (allowed bool, err error) {
	err = s.editNote(ctx, removalsNote, func(value []byte) ([]byte, error) {
		var r removals
		allowed = false
		if len(value) > 0 {
			if err := json.Unmarshal(value, &r); err != nil {
				// The number is unknown, so it may have been all that is allowed.
				s.log.WarnContext(ctx, "nobody can read what was removed lately: nothing more is for a day", "err", err)
				return json.Marshal(removals{Since: s.time(), Removed: map[removalClass]int{
					ownerlessClass: ownerlessMost, unacknowledgedClass: unacknowledgedMost, infectedClass: infectedMost}})
			}
		}
		// A window that seems to begin in the future belongs to another instance, whose clock differs.
		if now := s.time(); r.Removed == nil || now.Sub(r.Since) >= removalWindow || r.Since.Sub(now) >= removalWindow {
			r = removals{Since: now, Removed: map[removalClass]int{}}
		}
		// A single submission with more files than that would wait forever, so it may be removed alone.
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
	// TrashedAt and TrashedBy are File.Trash.
	TrashedAt time.Time `json:"trashed_at,omitzero"`
	TrashedBy string    `json:"trashed_by,omitempty"`
	// Content is nil if nobody knew what the bytes have to be.
	Content *Content `json:"content,omitempty"`
}

// about describes a file for undoing its removal.
func about(f File) []byte {
	b, err := json.Marshal(kept{Person: f.Person.String(), File: f.ID.String(), Folder: f.Folder, Name: f.Name,
		Author: f.Author, State: f.State, Created: f.CreatedAt, TrashedAt: f.Trash.At, TrashedBy: f.Trash.By,
		Content: f.Content})
	if err != nil {
		panic(err) // of strings, numbers and a time
	}
	return b
}
