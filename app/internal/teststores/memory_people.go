package teststores

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"dossier.example/app"
)

// memoryPeople is a dossier.People in a map.
type memoryPeople struct {
	guard
	rows map[dossier.PersonID]dossier.Worded
}

func newMemoryPeople() *memoryPeople {
	return &memoryPeople{rows: map[dossier.PersonID]dossier.Worded{}}
}

func (m *memoryPeople) copied() *memoryPeople { return &memoryPeople{rows: maps.Clone(m.rows)} }

func (m *memoryPeople) Insert(ctx context.Context, p dossier.Person) error {
	return m.do(ctx, "add a person", func() error {
		if _, ok := m.rows[p.ID]; ok {
			return dossier.ErrExists
		}
		p.CreatedAt, p.UpdatedAt = micro(p.CreatedAt), micro(p.UpdatedAt)
		if !p.ReceiptExpires.IsZero() {
			p.ReceiptExpires = micro(p.ReceiptExpires)
		}
		m.rows[p.ID] = dossier.Worded{Person: p}
		return nil
	})
}

func (m *memoryPeople) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	w, err := m.Words(ctx, id)
	return w.Person, err
}

// change changes a person whom is finds right; ErrNotFound, ErrLost.
func (m *memoryPeople) change(ctx context.Context, doing string, id dossier.PersonID, is func(dossier.Worded) bool,
	change func(*dossier.Worded)) error {
	return m.do(ctx, doing, func() error {
		w, ok := m.rows[id]
		if !ok {
			return dossier.ErrNotFound
		}
		if !is(w) {
			return dossier.ErrLost
		}
		change(&w)
		m.rows[id] = w
		return nil
	})
}

func (m *memoryPeople) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time,
	from ...dossier.PersonState) error {
	return m.change(ctx, "move a person", id, func(w dossier.Worded) bool { return slices.Contains(from, w.State) },
		func(w *dossier.Worded) {
			w.State, w.UpdatedAt = to, micro(at)
			if to == dossier.PersonDeleting {
				w.Words = nil
			}
		})
}

func (m *memoryPeople) SetReceipt(ctx context.Context, id dossier.PersonID, from, to [32]byte,
	expires time.Time) error {
	return m.change(ctx, "set a receipt", id, func(w dossier.Worded) bool { return w.ReceiptHash == from },
		func(w *dossier.Worded) {
			if w.ReceiptHash, w.ReceiptExpires = to, expires; !expires.IsZero() {
				w.ReceiptExpires = micro(expires)
			}
		})
}

func (m *memoryPeople) Acknowledge(ctx context.Context, id dossier.PersonID, at time.Time, words []string) error {
	return m.change(ctx, "acknowledge a person", id,
		func(w dossier.Worded) bool { return w.State == dossier.PersonSubmitting }, func(w *dossier.Worded) {
			w.State, w.UpdatedAt = dossier.PersonSubmitted, micro(at)
			w.Version, w.Revision = dossier.WordsVersion, w.Revision+1
			w.Words = moreWords(w.Words, words)
		})
}

func (m *memoryPeople) Delete(ctx context.Context, p dossier.Person) error {
	return m.do(ctx, "delete a person", func() error {
		w, ok := m.rows[p.ID]
		if ok && (w.State != dossier.PersonDeleting || !w.CreatedAt.Equal(p.CreatedAt)) {
			return dossier.ErrLost
		}
		delete(m.rows, p.ID)
		return nil
	})
}

func submitted(w dossier.Worded) bool {
	return w.State == dossier.PersonSubmitted && w.Trash == (dossier.Trash{})
}

func (m *memoryPeople) Trash(ctx context.Context, ids []dossier.PersonID, t dossier.Trash) (int, error) {
	return get(ctx, &m.guard, "move people to the trash", func() (moved int, err error) {
		t.At = micro(t.At)
		for _, id := range ids {
			if w, ok := m.rows[id]; ok && submitted(w) {
				w.Trash, w.Words, w.Revision = t, nil, w.Revision+1
				m.rows[id] = w
				moved++
			}
		}
		return moved, nil
	})
}

// trashed returns whether a person is in the trash since that time.
func trashed(since time.Time) func(dossier.Worded) bool {
	return func(w dossier.Worded) bool {
		return w.State == dossier.PersonSubmitted && !since.IsZero() && w.Trash.At.Equal(since)
	}
}

func (m *memoryPeople) PutBack(ctx context.Context, id dossier.PersonID, since time.Time) error {
	return m.change(ctx, "put a person back", id, trashed(since), func(w *dossier.Worded) {
		w.Trash, w.Version = dossier.Trash{}, 0
	})
}

func (m *memoryPeople) MoveTrashed(ctx context.Context, id dossier.PersonID, since, at time.Time) error {
	return m.change(ctx, "move a person", id, trashed(since), func(w *dossier.Worded) {
		w.State, w.UpdatedAt = dossier.PersonDeleting, micro(at)
	})
}

func (m *memoryPeople) Trashed(ctx context.Context, before time.Time, after dossier.Cursor,
	limit int) ([]dossier.Person, error) {
	return get(ctx, &m.guard, "list the trash", func() (people []dossier.Person, err error) {
		place := func(p dossier.Person) dossier.Cursor { return dossier.Cursor{CreatedAt: p.Trash.At, ID: p.ID} }
		newest := func(a, b dossier.Cursor) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), bytes.Compare(b.ID[:], a.ID[:]))
		}
		for _, w := range m.rows {
			if w.State == dossier.PersonSubmitted && !w.Trash.At.IsZero() && w.Trash.At.Before(before) &&
				(after.IsZero() || newest(after, place(w.Person)) < 0) {
				people = append(people, w.Person)
			}
		}
		slices.SortFunc(people, func(a, b dossier.Person) int { return newest(place(a), place(b)) })
		return people[:min(len(people), limit)], nil
	})
}

// moreWords returns words with as many of more as there is room for, in order.
func moreWords(words, more []string) []string {
	more = more[:max(0, min(len(more), dossier.MaxPersonWords-len(words)))]
	words = slices.Concat(words, more)
	slices.Sort(words)
	return slices.Compact(words)
}

func (m *memoryPeople) AddWords(ctx context.Context, id dossier.PersonID, words []string) error {
	return m.change(ctx, "add words", id, submitted, func(w *dossier.Worded) {
		w.Words, w.Revision = moreWords(w.Words, words), w.Revision+1
	})
}

func (m *memoryPeople) Words(ctx context.Context, id dossier.PersonID) (dossier.Worded, error) {
	return get(ctx, &m.guard, "read a person", func() (dossier.Worded, error) {
		w, ok := m.rows[id]
		if !ok {
			return dossier.Worded{}, dossier.ErrNotFound
		}
		w.Words = slices.Clone(w.Words)
		return w, nil
	})
}

func (m *memoryPeople) SetWords(ctx context.Context, seen dossier.Worded, words []string) error {
	err := m.change(ctx, "set words", seen.ID,
		func(w dossier.Worded) bool { return submitted(w) && w.Revision == seen.Revision },
		func(w *dossier.Worded) {
			w.Words, w.Version, w.Revision = moreWords(nil, words), dossier.WordsVersion, w.Revision+1
		})
	if err == error(dossier.ErrNotFound) {
		return dossier.ErrLost
	}
	return err
}

// ordered returns the people that is finds right, by their ids.
func (m *memoryPeople) ordered(is func(dossier.Worded) bool) []dossier.Worded {
	var found []dossier.Worded
	for _, w := range m.rows {
		if is(w) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b dossier.Worded) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return found
}

func (m *memoryPeople) Unworded(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return walk(ctx, &m.guard, "look for people without words", func() (ids []dossier.PersonID) {
		for _, w := range m.ordered(submitted) {
			if w.Version < dossier.WordsVersion {
				ids = append(ids, w.ID)
			}
		}
		return ids
	})
}

// StrayWords yields nothing: words are kept with their person here.
func (m *memoryPeople) StrayWords(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return walk(ctx, &m.guard, "look for words without a person", func() []dossier.PersonID { return nil })
}

func (m *memoryPeople) RemoveWords(ctx context.Context, id dossier.PersonID) error {
	return m.do(ctx, "remove words", func() error {
		w, ok := m.rows[id]
		if ok && submitted(w) {
			return dossier.ErrLost
		}
		if w.Words = nil; ok {
			m.rows[id] = w
		}
		return nil
	})
}

// placed is a person in a list.
type placed struct {
	dossier.Person
	at dossier.Cursor
}

// listed returns the people whom a search finds, in its order.
func (m *memoryPeople) listed(q dossier.Search) (all []placed) {
	for _, w := range m.rows {
		at, ok := matches(w, q)
		if ok {
			all = append(all, placed{w.Person, at})
		}
	}
	slices.SortFunc(all, func(a, b placed) int { return ordered(q.Order, a.at, b.at) })
	return all
}

// ordered compares two places of a list.
func ordered(o dossier.Order, a, b dossier.Cursor) int {
	c := cmp.Or(cmp.Compare(a.Key, b.Key), a.CreatedAt.Compare(b.CreatedAt), bytes.Compare(a.ID[:], b.ID[:]))
	if o.Ascending {
		return c
	}
	return -c
}

// matches reports whether a search finds somebody, and where.
func matches(w dossier.Worded, q dossier.Search) (at dossier.Cursor, ok bool) {
	at = dossier.Cursor{CreatedAt: w.CreatedAt, ID: w.ID}
	if !submitted(w) || !has(w.Words, q.Words) || q.Among != nil && !slices.Contains(q.Among, w.ID) ||
		w.CreatedAt.Before(q.From) || !q.Until.IsZero() && !w.CreatedAt.Before(q.Until) {
		return at, false
	}
	for _, not := range q.Not {
		if has(w.Words, []dossier.SearchWord{not}) {
			return at, false
		}
	}
	for _, r := range q.Ranges {
		if i, _ := slices.BinarySearch(w.Words, r.Low); i == len(w.Words) || w.Words[i] >= r.High {
			return at, false
		}
	}
	if q.Order.By == "" {
		return at, true
	}
	i, _ := slices.BinarySearch(w.Words, q.Order.By)
	if i == len(w.Words) {
		return at, false
	}
	at.Key, ok = strings.CutPrefix(w.Words[i], q.Order.By)
	return at, ok
}

func (m *memoryPeople) Find(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	return get(ctx, &m.guard, "find people", func() (found dossier.Found, err error) {
		if q.Limit < 1 {
			return found, nil
		}
		all := m.listed(q)
		found.Matches, found.Capped = min(len(all), q.Count), q.Count > 0 && len(all) > q.Count
		if !q.Before.IsZero() {
			all = slices.DeleteFunc(all, func(p placed) bool { return ordered(q.Order, p.at, q.Before) >= 0 })
			from := max(0, len(all)-q.Limit)
			if all = all[from:]; from > 0 {
				found.Further = all[0].at
			}
		} else {
			if !q.After.IsZero() {
				all = slices.DeleteFunc(all, func(p placed) bool { return ordered(q.Order, p.at, q.After) <= 0 })
			}
			if len(all) > q.Limit {
				all = all[:q.Limit]
				found.Further = all[q.Limit-1].at
			}
		}
		for _, p := range all {
			found.People, found.Places = append(found.People, p.Person), append(found.Places, p.at)
		}
		return found, nil
	})
}

// has reports whether each of the wanted words, in one of its spellings, begins one of the words.
func has(words []string, wanted []dossier.SearchWord) bool {
	return !slices.ContainsFunc(wanted, func(want dossier.SearchWord) bool {
		return !slices.ContainsFunc(words, func(word string) bool {
			return slices.ContainsFunc(want, func(way string) bool { return strings.HasPrefix(word, way) })
		})
	})
}

func (m *memoryPeople) Leftovers(ctx context.Context, before time.Time) iter.Seq2[dossier.Person, error] {
	return walk(ctx, &m.guard, "look for leftover people", func() (people []dossier.Person) {
		for _, w := range m.ordered(func(w dossier.Worded) bool { return w.State == dossier.PersonDeleting }) {
			people = append(people, w.Person)
		}
		for _, w := range m.ordered(func(w dossier.Worded) bool {
			return w.State == dossier.PersonSubmitting && w.UpdatedAt.Before(before)
		}) {
			people = append(people, w.Person)
		}
		return people
	})
}

func (m *memoryPeople) Existing(ctx context.Context, ids []dossier.PersonID) (map[dossier.PersonID]bool, error) {
	return get(ctx, &m.guard, "look for people", func() (map[dossier.PersonID]bool, error) {
		there := map[dossier.PersonID]bool{}
		for _, id := range ids {
			if _, ok := m.rows[id]; ok {
				there[id] = true
			}
		}
		return there, nil
	})
}
