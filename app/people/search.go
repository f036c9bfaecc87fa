package people

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dossier.example/app"
	"gorm.io/gorm"
)

// How a search finds its page. What begins with a word counts, so each word of a search is a range of the index
// words_newest. That is in order of the words, and each word's persons are newest first:
//
//   - One word with few entries in its range: they are sorted.
//   - Several conditions, of which one has few (a word's entries, the people of some days, or people by name): these
//     are read, and looked at for the others.
//   - One that stands for few different words: the lists of those are merged, from the newest on, until the page is
//     full.
//   - Else people are walked from the newest on. As many have what begins with the word, that soon fills the page;
//     where all of them are old, the range is sorted after all.
//
// A list that is sorted by another column is one range of that index as well: that of the words by which it is sorted,
// of which everybody has one. Store.byKey tells how it is read.
//
// Each statement reads one range, or looks words up by the table's key or by when their people were added, so that
// every server plans it alike. To look somebody up takes as long as to read some 16 entries of a range, because the
// page that it is on has to be read for it alone. How much is read is bounded, so that a page may have fewer than it
// might, and a count may stop early.
type searchBounds struct {
	// sorted is how many entries of one word are sorted, and counted.
	sorted int
	// tested is how many persons are looked at for the other words where they are counted; a quarter of that where
	// there are more, because the count does not become exact then.
	tested int
	// merged is how many different words are merged.
	merged int
	// gathered is how many people of a condition are read, to be recognized in a list that is sorted by a word.
	gathered int
	// walked is how many people are walked without filling a page before a range is sorted, and examined how many are
	// looked at for a page in all.
	walked, examined int
}

// defaultBounds has sorted such that the count of one word is exact up to dossier.MaxCount.
var defaultBounds = searchBounds{sorted: dossier.MaxCount, tested: 1000, merged: 16, gathered: 60_000, walked: 10_000,
	examined: 100_000}

// place is where a person stands in a list.
type place struct {
	// Word is that by which the list is sorted; empty where it is by time.
	Word    string `gorm:"column:word"`
	Created int64  `gorm:"column:created_at"`
	Person  string `gorm:"column:person_id"`
}

// compare orders places, the oldest first.
func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.Word, q.Word), cmp.Compare(p.Created, q.Created),
		strings.Compare(p.Person, q.Person))
}

// span is what begins with a word, or another range of words.
type span struct{ low, high string }

func spanOf(word string) span { return span{word, successor(word)} }

// of restricts a query of words.
func (r span) of(tx *gorm.DB) *gorm.DB {
	// A range instead of LIKE: nothing to escape, SQLite uses its index too, and neither LIKE's own idea of case nor a
	// collation's has a say.
	tx = tx.Model(&word{}).Where("word >= ?", r.low)
	if r.high != "" {
		tx = tx.Where("word < ?", r.high)
	}
	return tx
}

// condition is met by who has a word in one of several ranges.
type condition struct {
	ranges []span
	// words are all words of the ranges, if they are few enough to be looked for one by one, which different has found
	// out if it is set.
	words     []string
	different bool
	// looked is at how many people it was looked whether they meet the condition, and met how many do.
	looked, met int
}

// common reports whether of those who were looked at so many meet the condition that a list is soon found by walking.
func (c *condition) common() bool { return c.looked > 0 && lookups*c.met > c.looked }

func conditionOf(w dossier.SearchWord) *condition {
	c := &condition{ranges: make([]span, len(w))}
	for i, spelling := range w {
		c.ranges[i] = spanOf(spelling)
	}
	return c
}

// window is a range of creation times: from one on, and before another; 0: no bound.
type window struct{ from, until int64 }

func windowOf(q dossier.Search) (w window) {
	if !q.From.IsZero() {
		w.from = max(0, q.From.UnixMicro())
	}
	if !q.Until.IsZero() {
		w.until = max(1, q.Until.UnixMicro())
	}
	return w
}

// bounded reports whether the window is not that of everybody.
func (w window) bounded() bool { return w != window{} }

// of restricts a query.
func (w window) of(tx *gorm.DB) *gorm.DB {
	if w.from > 0 {
		tx = tx.Where("created_at >= ?", w.from)
	}
	if w.until > 0 {
		tx = tx.Where("created_at < ?", w.until)
	}
	return tx
}

func (w window) has(p place) bool {
	return p.Created >= w.from && (w.until == 0 || p.Created < w.until)
}

// look is what a search looks for.
type look struct {
	has, not []*condition
	window
	// among are the only people that are looked at; nil: everybody.
	among []string
	// by is the range of the words by which the list is sorted; zero: it is by time.
	by span
	d  direction
}

// lookOf returns what a search looks for; false if nobody can be found.
func lookOf(q dossier.Search) (look, bool) {
	l := look{window: windowOf(q)}
	for _, w := range q.Words {
		if slices.ContainsFunc(w, func(spelling string) bool { return !utf8.ValidString(spelling) }) {
			return look{}, false // no word is like that, and MySQL refuses the comparison
		}
		l.has = append(l.has, conditionOf(w))
	}
	for _, w := range q.Not {
		l.not = append(l.not, conditionOf(w))
	}
	for _, r := range q.Ranges {
		l.has = append(l.has, &condition{ranges: []span{{r.Low, r.High}}})
	}
	if q.Among != nil {
		l.among = make([]string, len(q.Among))
		for i, id := range q.Among {
			l.among[i] = id.String()
		}
		slices.Sort(l.among)
		l.among = slices.Compact(l.among)
	}
	if q.Order.By != "" {
		l.by = spanOf(q.Order.By)
	}
	placeOf := func(c dossier.Cursor) *place {
		p := place{Created: c.CreatedAt.UnixMicro(), Person: c.ID.String()}
		if q.Order.By != "" {
			p.Word = q.Order.By + c.Key
		}
		return &p
	}
	l.d = direction{up: q.Order.Ascending, window: l.window}
	switch {
	case !q.Before.IsZero():
		l.d.up, l.d.from = !l.d.up, placeOf(q.Before)
	case !q.After.IsZero():
		l.d.from = placeOf(q.After)
	}
	return l, true
}

// keyed reports whether the list is sorted by a word.
func (l look) keyed() bool { return l.by != span{} }

// conditional reports whether not everybody is looked for.
func (l look) conditional() bool {
	return len(l.has)+len(l.not) > 0 || l.among != nil || l.window.bounded()
}

// direction is the way in which a list is read, and from where.
type direction struct {
	up   bool
	from *place
	window
}

// page orders a query by time, from its place on. id is the column that holds the person's.
func (d direction) page(tx *gorm.DB, id string, limit int) *gorm.DB {
	within := d.window
	switch from := d.from; {
	case from == nil:
	case d.up && from.Created >= within.from:
		// The first comparison follows from the second, and lets every planner start within the index. There must be no
		// other on the same side, or SQLite might start there.
		tx = tx.Where("created_at >= ? AND (created_at > ? OR (created_at = ? AND "+id+" > ?))", from.Created,
			from.Created, from.Created, from.Person)
		within.from = 0
	case !d.up && (within.until == 0 || from.Created < within.until):
		tx = tx.Where("created_at <= ? AND (created_at < ? OR (created_at = ? AND "+id+" < ?))", from.Created,
			from.Created, from.Created, from.Person)
		within.until = 0
	}
	return within.of(tx).Order(d.order(id)).Limit(limit)
}

func (d direction) order(id string) string {
	if d.up {
		return "created_at, " + id
	}
	return "created_at DESC, " + id + " DESC"
}

// behind reports whether a place comes behind where the list is read from.
func (d direction) behind(p place) bool { return d.from == nil || d.compare(p, *d.from) > 0 }

// compare orders places as they are read.
func (d direction) compare(p, q place) int {
	if d.up {
		return p.compare(q)
	}
	return q.compare(p)
}

// Find implements dossier.People.
func (s *Store) Find(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	l, ok := lookOf(q)
	switch {
	case q.Limit < 1 || !ok:
		return dossier.Found{}, nil
	case l.keyed():
		return s.byKey(ctx, q, l)
	case len(l.has)+len(l.not) == 0 && l.among == nil:
		return s.everybody(ctx, q, l)
	case len(l.has) == 1 && len(l.has[0].ranges) == 1 && len(l.not) == 0 && l.among == nil:
		return s.byWord(ctx, q, l)
	}
	return s.byWords(ctx, q, l)
}

// everybody is Find without conditions.
func (s *Store) everybody(ctx context.Context, q dossier.Search, l look) (dossier.Found, error) {
	list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return newest(tx, l.d, q.Limit+1) })
	if err != nil {
		return dossier.Found{}, err
	}
	out, err := s.found(ctx, q, list, nil)
	if err != nil || q.Count == 0 {
		return out, err
	}
	n, err := s.countWithin(ctx, l.window, q.Count+1)
	out.Matches, out.Capped = min(n, q.Count), n > q.Count
	return out, err
}

// newest is the query of a page of everybody. It reads the index alone: for whole rows, MariaDB walks all pages up to
// this one.
func newest(tx *gorm.DB, d direction, limit int) *gorm.DB {
	return d.page(acknowledged(tx).Select("created_at", "id AS person_id"), "id", limit)
}

// acknowledged restricts a query of people to those that are found.
func acknowledged(tx *gorm.DB) *gorm.DB {
	return tx.Model(&row{}).Clauses(useIndex("people_listed")).
		Where("state = ? AND trashed_at = 0", string(dossier.PersonSubmitted))
}

// acknowledgedOf is acknowledged for those of ids. NOT keeps SQLite, which knows of no table how large it is, from
// walking an index over everybody who is acknowledged, instead of looking up each id.
func acknowledgedOf(tx *gorm.DB, ids []string) *gorm.DB {
	return tx.Model(&row{}).Where("id IN ? AND NOT (state <> ? OR trashed_at <> 0)", ids,
		string(dossier.PersonSubmitted))
}

// countWithin counts the people of a window, up to most.
func (s *Store) countWithin(ctx context.Context, w window, most int) (int, error) {
	return s.count(ctx, most, func(tx *gorm.DB) *gorm.DB { return w.of(acknowledged(tx).Select("id")) })
}

// count returns how many rows a query has, up to most.
func (s *Store) count(ctx context.Context, most int, query func(*gorm.DB) *gorm.DB) (int, error) {
	var n int64
	err := s.do(ctx, "counting people", func(tx *gorm.DB) error {
		return tx.Table("(?) AS counted", query(tx).Limit(most)).Count(&n).Error
	})
	return int(n), err
}

// places reads what a query of places finds.
func (s *Store) places(ctx context.Context, query func(*gorm.DB) *gorm.DB) ([]place, error) {
	var list []place
	err := s.do(ctx, "looking for people", func(tx *gorm.DB) error { return query(tx).Find(&list).Error })
	return list, err
}

// byWord is Find by one range of words.
func (s *Store) byWord(ctx context.Context, q dossier.Search, l look) (dossier.Found, error) {
	r := l.has[0].ranges[0]
	entries, err := s.count(ctx, s.bounds.sorted+1, func(tx *gorm.DB) *gorm.DB { return r.of(tx).Select("person_id") })
	if err != nil || entries == 0 {
		return dossier.Found{}, err
	}
	if entries <= s.bounds.sorted {
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return sort(tx, r, l.d, q.Limit+1) })
		if err != nil {
			return dossier.Found{}, err
		}
		out, err := s.found(ctx, q, list, nil)
		if err != nil || q.Count == 0 {
			return out, err
		}
		n := len(list)
		if l.d.from != nil || n > q.Limit {
			n, err = s.countPersons(ctx, r, l.window)
		}
		out.Matches, out.Capped = min(n, q.Count), n > q.Count
		return out, err
	}
	if l.window.bounded() {
		return s.byWords(ctx, q, l)
	}
	w, err := s.walker(ctx, l)
	if err != nil {
		return dossier.Found{}, err
	}
	list, stopped, _, err := w.fill(ctx, l.d, q.Limit+1, s.bounds.examined)
	if err != nil {
		return dossier.Found{}, err
	}
	out, err := s.found(ctx, q, list, stopped)
	if err != nil || q.Count == 0 {
		return out, err
	}
	// Where all entries are of one word, each is another person's.
	n := entries
	if len(w.lists) != 1 {
		n, err = s.countSome(ctx, r, entries)
	}
	out.Matches, out.Capped = min(n-1, q.Count), true
	return out, err
}

// countPersons counts who of a window have a word in a range that has few entries: some have several such words.
func (s *Store) countPersons(ctx context.Context, r span, within window) (n int, err error) {
	err = s.do(ctx, "counting people", func(tx *gorm.DB) error {
		return within.of(r.of(tx)).Select("COUNT(DISTINCT person_id)").Scan(&n).Error
	})
	return n, err
}

// countSome counts who have what begins with a word among the first entries, or a few less: it tells them apart by when
// they were added, which takes a third of the time.
func (s *Store) countSome(ctx context.Context, r span, entries int) (n int, err error) {
	err = s.do(ctx, "counting people", func(tx *gorm.DB) error { return some(tx, r, entries).Scan(&n).Error })
	return n, err
}

// some is the query of countSome.
func some(tx *gorm.DB, r span, entries int) *gorm.DB {
	return tx.Table("(?) AS counted", r.of(tx).Select("created_at").Limit(entries)).
		Select("COUNT(DISTINCT created_at)")
}

// sort is the query of a page from a whole range.
func sort(tx *gorm.DB, r span, d direction, limit int) *gorm.DB {
	return d.page(r.of(tx).Distinct("created_at", "person_id"), "person_id", limit)
}

// placesOf returns the positions of the first n people who meet a condition.
func (s *Store) placesOf(ctx context.Context, c *condition, d direction, n int) ([]place, error) {
	var all []place
	for _, r := range c.ranges {
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return sort(tx, r, d, n) })
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	if len(c.ranges) > 1 {
		slices.SortFunc(all, d.compare)
		all = slices.Compact(all)
	}
	return all[:min(n, len(all))], nil
}

// source is where everybody is that a look looks for: the people who meet one condition, are among some, or are of a
// window.
type source struct {
	// n is how many entries it has, of which one may have several.
	n         int
	condition *condition
	among     []string
}

// fewest returns the source that has fewest, if those are most at most, and takes its condition out of the look. False
// if all have more.
func (s *Store) fewest(ctx context.Context, l *look, most int) (source, bool, error) {
	if l.among != nil {
		return source{n: len(l.among), among: l.among}, true, nil
	}
	least, few := most+1, -1
	for i, c := range l.has {
		if c.common() {
			continue // to count up to so many takes long
		}
		n := 0
		for _, r := range c.ranges {
			more, err := s.count(ctx, most+1-n, func(tx *gorm.DB) *gorm.DB { return r.of(tx).Select("person_id") })
			if err != nil {
				return source{}, false, err
			}
			if n += more; n > most {
				break
			}
		}
		if n == 0 {
			return source{}, true, nil
		}
		if n < least {
			least, few = n, i
		}
	}
	if l.window.bounded() {
		n, err := s.countWithin(ctx, l.window, least)
		if err != nil {
			return source{}, false, err
		}
		if n < least {
			return source{n: n}, true, nil
		}
	}
	if few < 0 {
		return source{}, false, nil
	}
	c := l.has[few]
	l.has = slices.Delete(slices.Clone(l.has), few, few+1)
	return source{n: least, condition: c}, true, nil
}

// peopleOf returns the positions of the people of a source, in any order.
func (s *Store) peopleOf(ctx context.Context, from source, within window) ([]place, error) {
	switch {
	case from.n == 0:
		return nil, nil
	case from.among != nil:
		return s.placesAmong(ctx, from.among, within)
	case from.condition == nil:
		return s.places(ctx, func(tx *gorm.DB) *gorm.DB {
			return newest(tx, direction{window: within}, from.n)
		})
	}
	var all []place
	limit := 2 * (from.n + s.bounds.tested) // some were added since they were counted, but not so many
	for _, r := range from.condition.ranges {
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return entries(tx, r, within, limit) })
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(p place) bool {
		again := seen[p.Person]
		seen[p.Person] = true
		return again
	}), nil
}

// entries is the query of peopleOf.
func entries(tx *gorm.DB, r span, within window, limit int) *gorm.DB {
	return within.of(r.of(tx).Select("created_at", "person_id")).Limit(limit)
}

// placesAmong returns the positions of those of ids who are found.
func (s *Store) placesAmong(ctx context.Context, ids []string, within window) ([]place, error) {
	var all []place
	for chunk := range slices.Chunk(ids, chunkSize) {
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB {
			return acknowledgedOf(tx, chunk).Select("created_at", "id AS person_id")
		})
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(list, func(p place) bool { return !within.has(p) })...)
	}
	return all, nil
}

// byWords is Find by several conditions.
func (s *Store) byWords(ctx context.Context, q dossier.Search, l look) (dossier.Found, error) {
	// The longest first: of those with many entries it may have the fewest.
	slices.SortStableFunc(l.has, func(a, b *condition) int {
		return utf8.RuneCountInString(b.ranges[0].low) - utf8.RuneCountInString(a.ranges[0].low)
	})
	few, ok, err := s.fewest(ctx, &l, s.bounds.tested)
	if err != nil {
		return dossier.Found{}, err
	}
	if !ok {
		return s.byManyWords(ctx, q, l)
	}
	list, err := s.peopleOf(ctx, few, l.window)
	if err == nil {
		list, err = s.test(ctx, list, l)
	}
	if err != nil {
		return dossier.Found{}, err
	}
	slices.SortFunc(list, l.d.compare)
	return s.pageOf(ctx, q, l, list)
}

// pageOf makes the page of all that is found, in the order in which it is read.
func (s *Store) pageOf(ctx context.Context, q dossier.Search, l look, list []place) (dossier.Found, error) {
	matches := len(list)
	if from := slices.IndexFunc(list, l.d.behind); from >= 0 {
		list = list[from:]
	} else {
		list = nil
	}
	out, err := s.found(ctx, q, list[:min(len(list), q.Limit+1)], nil)
	if q.Count > 0 {
		out.Matches, out.Capped = min(matches, q.Count), matches > q.Count
	}
	return out, err
}

// byManyWords is Find by conditions that many meet, each of them.
func (s *Store) byManyWords(ctx context.Context, q dossier.Search, l look) (dossier.Found, error) {
	w, err := s.walker(ctx, l)
	if err != nil {
		return dossier.Found{}, err
	}
	// What is read to be counted is the beginning of the first page.
	var first []place
	var out dossier.Found
	if q.Count > 0 {
		seen, ended, err := w.block(ctx, direction{up: q.Order.Ascending, window: l.window}, max(1, s.bounds.tested/4))
		if err == nil {
			first, err = s.test(ctx, seen, w.tests)
		}
		if err != nil {
			return dossier.Found{}, err
		}
		out.Matches, out.Capped = min(len(first), q.Count), !ended || len(first) > q.Count
		if l.d.from == nil && (ended || len(first) > q.Limit) {
			page, err := s.found(ctx, q, first[:min(len(first), q.Limit+1)], nil)
			page.Matches, page.Capped = out.Matches, out.Capped
			return page, err
		}
	}
	list, stopped, _, err := w.fill(ctx, l.d, q.Limit+1, s.bounds.examined)
	if err != nil {
		return dossier.Found{}, err
	}
	page, err := s.found(ctx, q, list, stopped)
	page.Matches, page.Capped = out.Matches, out.Capped
	if q.Count > 0 && l.d.from == nil {
		// The page was looked for longer than all were counted.
		page.Matches = min(max(out.Matches, min(len(list), q.Limit)), q.Count)
		page.Capped = stopped != nil || len(list) > page.Matches
	}
	return page, err
}

// byKey is Find in a list that is sorted by a word. What a look at somebody costs depends on what is known:
//
//   - Where a condition has few people, the words of each by which the list is sorted are looked up.
//   - Where one has not so few, they are read at once, in the order of its words, and the list is walked and compared
//     with them here, which takes little for each. If a page of them would be far to walk, their words are looked up
//     after all.
//   - Else so many pass that a page is soon full; the list is walked, and who comes is looked for among those who meet
//     each condition.
func (s *Store) byKey(ctx context.Context, q dossier.Search, l look) (dossier.Found, error) {
	k := &keyWalk{walker: walker{s: s, tests: l, keyed: true}, q: q, l: l, d: l.d}
	steps := []keyStep{{walked: s.bounds.examined}}
	if l.conditional() {
		page, ok, err := s.byFewKeys(ctx, q, l, s.bounds.tested)
		if ok || err != nil {
			return page, err
		}
		steps = []keyStep{
			{4 * (q.Limit + 1), s.bounds.sorted}, // of many, a page may be full at once
			{4 * s.bounds.tested, s.bounds.gathered},
			{s.bounds.examined, 0},
		}
		if l.among != nil {
			steps = []keyStep{{0, s.bounds.gathered}}
		}
	}
	for _, step := range steps {
		if err := k.walk(ctx, step.walked); err != nil {
			return dossier.Found{}, err
		}
		if k.ended || step.gathered == 0 {
			break
		}
		page, ok, err := k.gather(ctx, step.gathered)
		if ok || err != nil {
			return page, err
		}
	}
	out, err := s.found(ctx, q, k.list, k.stopped())
	if err != nil || q.Count == 0 {
		return out, err
	}
	// How many there are does not depend on their order.
	q.Order, q.After, q.Before, q.Limit = dossier.Order{}, dossier.Cursor{}, dossier.Cursor{}, 1
	all, err := s.Find(ctx, q)
	out.Matches, out.Capped = all.Matches, all.Capped
	if out.Capped { // the page was looked for longer than all were counted
		out.Matches = max(out.Matches, min(len(out.People), q.Count))
	}
	return out, err
}

// keyStep is how many of a list are walked before the people of one condition are read, if these are so many at most.
type keyStep struct{ walked, gathered int }

// keyWalk is a walk of a list that is sorted by a word.
type keyWalk struct {
	walker
	q dossier.Search
	l look
	// d is where the list is read from next, and list what was found so far, after a look at seen.
	d     direction
	list  []place
	seen  int
	ended bool
}

// walk continues until the page is full, the list ends, or so many were seen.
func (k *keyWalk) walk(ctx context.Context, most int) error {
	for !k.ended && k.seen < most {
		more, at, seen, err := k.fill(ctx, k.d, k.q.Limit+1-len(k.list), most-k.seen)
		if err != nil {
			return err
		}
		k.list, k.seen, k.ended = append(k.list, more...), k.seen+seen, at == nil
		if at != nil {
			k.d.from = at
		}
	}
	return nil
}

// stopped returns the last who was seen, unless the page is full or the list ended.
func (k *keyWalk) stopped() *place {
	if k.ended {
		return nil
	}
	return k.d.from
}

// lookups is about how many of a list are walked in the time in which the word of one person is looked up.
const lookups = 16

// gather makes the page by reading the people who meet one condition; false if each has more than most.
func (k *keyWalk) gather(ctx context.Context, most int) (dossier.Found, bool, error) {
	s, rest := k.s, k.l
	few, ok, err := s.fewest(ctx, &rest, most)
	if err != nil || !ok {
		return dossier.Found{}, false, err
	}
	// Those of a window are recognized by their time.
	var people []place
	matches := few.n
	if few.condition != nil || few.among != nil || few.n == 0 {
		if people, err = s.peopleOf(ctx, few, k.l.window); err != nil {
			return dossier.Found{}, false, err
		}
		matches = len(people)
		k.only = make(map[string]bool, len(people))
		for _, p := range people {
			k.only[p.Person] = true
		}
	}
	k.tests = rest
	for !k.ended {
		// As many as have to be walked yet, if those who pass are as frequent there.
		far := (k.q.Limit + 1 - len(k.list)) * k.seen / max(1, len(k.list))
		if few.n <= s.bounds.sorted && (far > lookups*few.n || k.seen >= s.bounds.examined) {
			if people == nil {
				people, err = s.peopleOf(ctx, few, k.l.window)
			}
			if err != nil {
				return dossier.Found{}, false, err
			}
			page, err := s.lookUp(ctx, k.q, k.l, rest, people)
			return page, true, err
		}
		if k.seen >= s.bounds.examined {
			break
		}
		if err := k.walk(ctx, k.seen+1); err != nil {
			return dossier.Found{}, false, err
		}
	}
	if len(rest.has)+len(rest.not) > 0 && k.q.Count > 0 {
		return dossier.Found{}, false, nil // the page is there; they are counted in another way
	}
	out, err := s.found(ctx, k.q, k.list, k.stopped())
	if k.q.Count > 0 {
		out.Matches, out.Capped = min(matches, k.q.Count), matches > k.q.Count
	}
	return out, true, err
}

// byFewKeys is byKey where a condition has few people; false where none has.
func (s *Store) byFewKeys(ctx context.Context, q dossier.Search, l look, most int) (dossier.Found, bool, error) {
	rest := l
	few, ok, err := s.fewest(ctx, &rest, most)
	if err != nil || !ok || few.n > most {
		return dossier.Found{}, false, err
	}
	list, err := s.peopleOf(ctx, few, l.window)
	if err != nil {
		return dossier.Found{}, false, err
	}
	out, err := s.lookUp(ctx, q, l, rest, list)
	return out, true, err
}

// lookUp makes a page of a list that is sorted by a word, of people among whom are all that are looked for; rest is
// what they have to be tested for.
func (s *Store) lookUp(ctx context.Context, q dossier.Search, l, rest look, list []place) (dossier.Found, error) {
	list, err := s.test(ctx, list, rest)
	if err == nil {
		list, err = s.keys(ctx, list, l)
	}
	if err != nil {
		return dossier.Found{}, err
	}
	return s.pageOf(ctx, q, l, list)
}

// keys returns the places of people in the list that is sorted by a word.
func (s *Store) keys(ctx context.Context, list []place, l look) ([]place, error) {
	all := make([]place, 0, len(list))
	created := make(map[string]int64, len(list))
	for _, p := range list {
		created[p.Person] = p.Created
	}
	for ids := range persons(list) {
		some, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return keysOf(tx, l.by, ids) })
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			p.Created = created[p.Person]
			all = append(all, p)
		}
	}
	slices.SortFunc(all, l.d.compare)
	return all, nil
}

// keysOf is the query of keys. Without created_at, SQLite reads the index alone.
func keysOf(tx *gorm.DB, by span, ids []string) *gorm.DB {
	return by.of(tx).Select("word", "person_id").Where("person_id IN ?", ids)
}

// chunkSize is how many people a statement names.
const chunkSize = 500

// persons yields the ids of a list, as many at a time as a statement names.
func persons(list []place) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for chunk := range slices.Chunk(list, chunkSize) {
			ids := make([]string, len(chunk))
			for i, p := range chunk {
				ids[i] = p.Person
			}
			if !yield(ids) {
				return
			}
		}
	}
}

// found makes what was found of places, in the order in which they were read, of which one beyond q.Limit says that
// there are more. Where fewer were looked for than there may be, stopped is the last that was.
func (s *Store) found(ctx context.Context, q dossier.Search, list []place, stopped *place) (dossier.Found, error) {
	var out dossier.Found
	if len(list) > q.Limit {
		list = list[:q.Limit]
		stopped = &list[q.Limit-1]
	}
	var err error
	if stopped != nil {
		if out.Further, err = cursorOf(*stopped, q.Order); err != nil {
			return dossier.Found{}, err
		}
	}
	if len(list) == 0 {
		return out, nil
	}
	rows := make(map[string]row, len(list))
	for ids := range persons(list) {
		var some []row
		err = s.do(ctx, "listing people", func(tx *gorm.DB) error {
			return acknowledgedOf(tx, ids).Find(&some).Error
		})
		if err != nil {
			return dossier.Found{}, err
		}
		for _, r := range some {
			rows[r.ID] = r
		}
	}
	if !q.Before.IsZero() {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	for _, p := range list {
		r, ok := rows[p.Person]
		if !ok {
			continue // deleted since
		}
		person, err := r.person()
		if err != nil {
			return dossier.Found{}, err
		}
		at, err := cursorOf(p, q.Order)
		if err != nil {
			return dossier.Found{}, err
		}
		out.People, out.Places = append(out.People, person), append(out.Places, at)
	}
	return out, nil
}

// cursorOf returns a place in a list of this order.
func cursorOf(p place, o dossier.Order) (dossier.Cursor, error) {
	id, err := dossier.ParsePersonID(p.Person)
	if err != nil {
		return dossier.Cursor{}, errors.New("a row's id is no person's id")
	}
	return dossier.Cursor{CreatedAt: time.UnixMicro(p.Created).UTC(), ID: id,
		Key: strings.TrimPrefix(p.Word, o.By)}, nil
}

// test returns those of a list who are what a look looks for.
func (s *Store) test(ctx context.Context, list []place, l look) ([]place, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(p place) bool { return !l.window.has(p) })
	for i, c := range slices.Concat(l.has, l.not) {
		has, err := s.have(ctx, list, c)
		if err != nil {
			return nil, err
		}
		wanted := i < len(l.has)
		c.looked, c.met = c.looked+len(list), c.met+len(has)
		list = slices.DeleteFunc(list, func(p place) bool { return has[p.Person] != wanted })
	}
	return list, nil
}

// sought is of how many words each is looked for by itself.
const sought = 2

// have returns who of a list meet a condition. The entries of one word are a small part of the table, in which the
// people of a list are close together; their own words are all over the table. So people are looked for among the
// entries, unless these are of many words.
func (s *Store) have(ctx context.Context, list []place, c *condition) (map[string]bool, error) {
	if !c.different && len(list) > s.bounds.tested/10 {
		var err error
		if c.words, err = s.differentOf(ctx, c, sought); err != nil {
			return nil, err
		}
		c.different = true
	}
	has := make(map[string]bool, len(list))
	if c.words != nil {
		for _, w := range c.words {
			if err := s.markAmong(ctx, has, list, w); err != nil {
				return nil, err
			}
		}
		return has, nil
	}
	for _, r := range c.ranges {
		if err := s.mark(ctx, has, list, r); err != nil {
			return nil, err
		}
	}
	return has, nil
}

// markAmong adds to has the people of a list who have a word, and perhaps others.
func (s *Store) markAmong(ctx context.Context, has map[string]bool, list []place, w string) error {
	for chunk := range slices.Chunk(list, chunkSize) {
		at := make([]int64, len(chunk))
		for i, p := range chunk {
			at[i] = p.Created
		}
		// Others may have been added in the same microsecond, but hardly many.
		most := 4 * len(chunk)
		var found []string
		err := s.do(ctx, "looking for people", func(tx *gorm.DB) error {
			return havingAt(tx, w, at, most).Pluck("person_id", &found).Error
		})
		if err == nil && len(found) == most {
			err = s.mark(ctx, has, chunk, span{w, w + "\x00"})
		}
		if err != nil {
			return err
		}
		for _, id := range found {
			has[id] = true
		}
	}
	return nil
}

// havingAt is the query of Store.markAmong.
func havingAt(tx *gorm.DB, w string, at []int64, limit int) *gorm.DB {
	return tx.Model(&word{}).Where("word = ? AND created_at IN ?", w, at).Limit(limit)
}

// mark adds to has the people of a list who have a word in a range.
func (s *Store) mark(ctx context.Context, has map[string]bool, list []place, r span) error {
	for ids := range persons(list) {
		var found []string
		err := s.do(ctx, "looking for people", func(tx *gorm.DB) error {
			return having(tx, r, ids).Pluck("person_id", &found).Error
		})
		if err != nil {
			return err
		}
		for _, id := range found {
			has[id] = true
		}
	}
	return nil
}

// having is the query of Store.mark.
func having(tx *gorm.DB, r span, ids []string) *gorm.DB {
	return r.of(tx).Where("person_id IN ?", ids).Distinct()
}

// walker walks a list, or the other way, among whom are all that meet a condition.
type walker struct {
	s *Store
	// tests are what those who are walked have to be tested for.
	tests look
	// keyed: the list that is sorted by a word is walked.
	keyed bool
	// lists are the words whose persons are walked; none: all people are.
	lists []string
	// whole: the ranges of this condition are sorted, for people were walked in vain.
	whole *condition
	// only, unless nil, has all who may pass.
	only map[string]bool
}

// walker returns the one for conditions that many meet, in a list by time.
func (s *Store) walker(ctx context.Context, l look) (*walker, error) {
	for i, c := range l.has {
		lists, err := s.differentOf(ctx, c, s.bounds.merged)
		if err != nil {
			return nil, err
		}
		if len(lists) > 0 {
			l.has = slices.Delete(slices.Clone(l.has), i, i+1)
			return &walker{s: s, lists: lists, tests: l}, nil
		}
	}
	return &walker{s: s, tests: l}, nil
}

// differentOf returns the different words that meet a condition, if they are at most so many; otherwise nil.
func (s *Store) differentOf(ctx context.Context, c *condition, most int) ([]string, error) {
	var all []string
	for _, r := range c.ranges {
		lists, err := s.different(ctx, r, most)
		if err != nil || lists == nil {
			return nil, err
		}
		if all = append(all, lists...); len(all) > most {
			return nil, nil
		}
	}
	return all, nil
}

// different returns the different words in a range, where they are at most so many; else nil.
func (s *Store) different(ctx context.Context, r span, most int) ([]string, error) {
	all := []string{}
	for from := ""; ; {
		var next []string
		err := s.do(ctx, "looking for words", func(tx *gorm.DB) error {
			return nextWords(tx, r, from, 4*most).Pluck("word", &next).Error
		})
		if err != nil {
			return nil, err
		}
		// Where a word fills what was read, the next look skips the rest of it.
		if len(next) == 0 {
			return all, nil
		}
		from = next[len(next)-1]
		if all = append(all, slices.Compact(next)...); len(all) > most {
			return nil, nil
		}
	}
}

// nextWords is the query of different.
func nextWords(tx *gorm.DB, r span, from string, limit int) *gorm.DB {
	if from != "" {
		// Not beside the range's own beginning: SQLite would start there.
		tx = tx.Model(&word{}).Where("word > ?", from)
		if r.high != "" {
			tx = tx.Where("word < ?", r.high)
		}
		return tx.Order("word").Limit(limit)
	}
	return r.of(tx).Order("word").Limit(limit)
}

// block returns up to n persons that come next, and whether they are the last.
func (w *walker) block(ctx context.Context, d direction, n int) (list []place, last bool, err error) {
	switch {
	case w.keyed:
		list, err = w.s.sorted(ctx, w.tests.by, d, n)
	case w.whole != nil:
		list, err = w.s.placesOf(ctx, w.whole, d, n)
	default:
		list, err = w.s.places(ctx, func(tx *gorm.DB) *gorm.DB {
			if w.lists != nil {
				return merge(tx, w.lists, d, n)
			}
			return newest(tx, d, n)
		})
	}
	return list, len(list) < n, err
}

// sorted returns the first n of the list that is sorted by the words of a range.
func (s *Store) sorted(ctx context.Context, by span, d direction, n int) ([]place, error) {
	var all []place
	if d.from != nil {
		// Who has the same word, however many these are, and then who has another.
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return sameWord(tx, d, n) })
		if err != nil {
			return nil, err
		}
		all = list
	}
	if len(all) == n {
		return all, nil
	}
	list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return otherWords(tx, by, d, n-len(all)) })
	return append(all, list...), err
}

// sameWord is the query of those who have the word of the place where a list is read from.
func sameWord(tx *gorm.DB, d direction, n int) *gorm.DB {
	d.window = window{}
	tx = tx.Model(&word{}).Select("word", "created_at", "person_id").Where("word = ?", d.from.Word)
	return d.page(tx, "person_id", n)
}

// otherWords is the query of those whose words come behind that place.
func otherWords(tx *gorm.DB, by span, d direction, n int) *gorm.DB {
	order := "word, created_at, person_id"
	if !d.up {
		order = "word DESC, created_at DESC, person_id DESC"
	}
	switch {
	case d.from == nil:
		tx = by.of(tx)
	case d.up:
		// Not beside the range's own beginning: SQLite would start there.
		if tx = tx.Model(&word{}).Where("word > ?", d.from.Word); by.high != "" {
			tx = tx.Where("word < ?", by.high)
		}
	default:
		tx = tx.Model(&word{}).Where("word >= ? AND word < ?", by.low, d.from.Word)
	}
	return tx.Select("word", "created_at", "person_id").Order(order).Limit(n)
}

// merge is the query of the persons of several words.
func merge(tx *gorm.DB, words []string, d direction, n int) *gorm.DB {
	var selects []string
	var lists []any
	for _, w := range words {
		list := d.page(tx.Session(&gorm.Session{NewDB: true}).Model(&word{}).Select("created_at",
			"person_id").Where("word = ?", w), "person_id", n)
		if len(words) == 1 {
			return list
		}
		selects = append(selects, "SELECT created_at, person_id FROM (?) AS list"+strconv.Itoa(len(lists)))
		lists = append(lists, list)
	}
	// UNION leaves one of each person.
	return tx.Raw(strings.Join(selects, " UNION ")+" ORDER BY "+d.order("person_id")+" LIMIT ?", append(lists, n)...)
}

// fill returns up to n persons who pass the tests, and where it stopped, unless at the end or with n: after looking at
// about as many as most. seen is at how many it looked.
func (w *walker) fill(ctx context.Context, d direction, n, most int) (all []place, stopped *place, seen int,
	err error) {
	size := n
	switch {
	case w.only != nil || w.tests.conditional() && len(w.tests.has)+len(w.tests.not) == 0:
		size = w.s.bounds.tested // to look at somebody takes little
	case w.tests.conditional():
		size = min(4*n, w.s.bounds.tested) // as not everybody passes, and each look takes its time
	}
	for seen < most {
		list, ended, err := w.block(ctx, d, size)
		if err != nil {
			return nil, nil, 0, err
		}
		if len(list) > 0 {
			d.from = &list[len(list)-1]
		}
		seen += len(list)
		matches := list
		if w.only != nil {
			matches = slices.DeleteFunc(slices.Clone(list), func(p place) bool { return !w.only[p.Person] })
		}
		if matches, err = w.s.test(ctx, matches, w.tests); err != nil {
			return nil, nil, 0, err
		}
		if all = append(all, matches...); ended || len(all) >= n {
			return all[:min(len(all), n)], nil, seen, nil
		}
		size = min(2*size, w.s.bounds.tested)
		has := w.tests.has
		if w.lists == nil && !w.keyed && seen >= w.s.bounds.walked && (w.whole != nil || len(has) > 0) {
			if w.whole == nil {
				w.whole, w.tests.has = has[0], has[1:]
			}
			size = w.s.bounds.walked // a look sorts all of the range
		}
	}
	return all, d.from, seen, nil
}

// successor returns the least string, by code points, above all that begin with s; empty when there is none.
func successor(s string) string {
	for s != "" {
		last, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		switch {
		case last == 0xD7FF: // what follows are surrogates, which no text holds
			return s + "\uE000"
		case last < utf8.MaxRune:
			return s + string(last+1)
		}
	}
	return ""
}
