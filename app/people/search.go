package people

import (
	"context"
	"errors"
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
//   - Several words, of which one has few: its entries are read, and those persons' words looked at for the others.
//   - One that stands for few different words: the lists of those are merged, from the newest on, until the page is
//     full.
//   - Else people are walked from the newest on. As many have what begins with the word, that soon fills the page;
//     where all of them are old, the range is sorted after all.
//
// Each statement reads one range, or looks words up by the table's key, so that every server plans it alike. How much
// is read is bounded, so that a page may have fewer than it might, and a count may stop early.
type searchBounds struct {
	// sorted is how many entries of one word are sorted, and counted.
	sorted int
	// tested is how many persons are looked at for the other words where they are counted; a quarter of that where
	// there are more, because the count does not become exact then.
	tested int
	// merged is how many different words are merged.
	merged int
	// walked is how many people are walked without filling a page before a range is sorted, and examined how many are
	// looked at for a page in all.
	walked, examined int
}

// defaultBounds has sorted such that the count of one word is exact up to dossier.MaxCount.
var defaultBounds = searchBounds{sorted: dossier.MaxCount, tested: 1000, merged: 16, walked: 10_000, examined: 100_000}

// place is where a person stands in the directory.
type place struct {
	Created int64  `gorm:"column:created_at"`
	Person  string `gorm:"column:person_id"`
}

func placeOf(c dossier.Cursor) place { return place{c.CreatedAt.UnixMicro(), c.ID.String()} }

// compare orders places, the oldest first.
func (p place) compare(q place) int {
	if p.Created != q.Created {
		return int(min(1, max(-1, p.Created-q.Created)))
	}
	return strings.Compare(p.Person, q.Person)
}

func (p place) cursor() (dossier.Cursor, error) {
	id, err := dossier.ParsePersonID(p.Person)
	if err != nil {
		return dossier.Cursor{}, errors.New("a row's id is no person's id")
	}
	return dossier.Cursor{CreatedAt: time.UnixMicro(p.Created).UTC(), ID: id}, nil
}

// span is what begins with a word.
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

// direction is the way in which a list is read, and from where.
type direction struct {
	up   bool
	from *place
}

func directionOf(q dossier.Search) direction {
	switch {
	case !q.Before.IsZero():
		p := placeOf(q.Before)
		return direction{true, &p}
	case !q.After.IsZero():
		p := placeOf(q.After)
		return direction{from: &p}
	}
	return direction{}
}

// page orders a query, from its place on. id is the column that holds the person's.
func (d direction) page(tx *gorm.DB, id string, limit int) *gorm.DB {
	if d.from != nil {
		at := d.from.Created
		// The first comparison follows from the second, and lets every planner start within the index.
		if d.up {
			tx = tx.Where("created_at >= ? AND (created_at > ? OR (created_at = ? AND "+id+" > ?))", at, at, at,
				d.from.Person)
		} else {
			tx = tx.Where("created_at <= ? AND (created_at < ? OR (created_at = ? AND "+id+" < ?))", at, at, at,
				d.from.Person)
		}
	}
	return tx.Order(d.order(id)).Limit(limit)
}

func (d direction) order(id string) string {
	if d.up {
		return "created_at, " + id
	}
	return "created_at DESC, " + id + " DESC"
}

// behind reports whether a place comes behind where the list is read from.
func (d direction) behind(p place) bool {
	switch {
	case d.from == nil:
		return true
	case d.up:
		return p.compare(*d.from) > 0
	}
	return p.compare(*d.from) < 0
}

// Find implements dossier.People.
func (s *Store) Find(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	if q.Limit < 1 {
		return dossier.Found{}, nil
	}
	for _, w := range q.Words {
		if slices.ContainsFunc(w, func(spelling string) bool { return !utf8.ValidString(spelling) }) {
			return dossier.Found{}, nil // no word is like that, and MySQL refuses the comparison
		}
	}
	switch {
	case len(q.Words) == 0:
		return s.everybody(ctx, q)
	case len(q.Words) == 1 && len(q.Words[0]) == 1:
		return s.byWord(ctx, q)
	}
	return s.byWords(ctx, q)
}

// everybody is Find without words.
func (s *Store) everybody(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	d := directionOf(q)
	list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return newest(tx, d, q.Limit+1) })
	if err != nil {
		return dossier.Found{}, err
	}
	out, err := s.found(ctx, q, list, nil)
	if err != nil || q.Count == 0 {
		return out, err
	}
	n, err := s.count(ctx, q.Count+1, func(tx *gorm.DB) *gorm.DB { return acknowledged(tx).Select("id") })
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
	return tx.Model(&row{}).Where("state = ?", string(dossier.PersonSubmitted))
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

// byWord is Find by one word.
func (s *Store) byWord(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	r, d := spanOf(q.Words[0][0]), directionOf(q)
	entries, err := s.count(ctx, s.bounds.sorted+1, func(tx *gorm.DB) *gorm.DB { return r.of(tx).Select("person_id") })
	if err != nil || entries == 0 {
		return dossier.Found{}, err
	}
	if entries <= s.bounds.sorted {
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return sort(tx, r, d, q.Limit+1) })
		if err != nil {
			return dossier.Found{}, err
		}
		out, err := s.found(ctx, q, list, nil)
		if err != nil || q.Count == 0 {
			return out, err
		}
		n := len(list)
		if d.from != nil || n > q.Limit {
			n, err = s.countPersons(ctx, r)
		}
		out.Matches, out.Capped = min(n, q.Count), n > q.Count
		return out, err
	}
	w, err := s.walker(ctx, q.Words)
	if err != nil {
		return dossier.Found{}, err
	}
	list, stopped, err := w.fill(ctx, d, q.Limit+1)
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

// countPersons counts who have what begins with a word that has few entries: some have several such words.
func (s *Store) countPersons(ctx context.Context, r span) (n int, err error) {
	err = s.do(ctx, "counting people", func(tx *gorm.DB) error {
		return r.of(tx).Select("COUNT(DISTINCT person_id)").Scan(&n).Error
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

// placesOf returns the positions of the first n people who have a word that begins with w in any of its spellings.
func (s *Store) placesOf(ctx context.Context, w dossier.SearchWord, d direction, n int) ([]place, error) {
	var all []place
	for _, spelling := range w {
		list, err := s.places(ctx, func(tx *gorm.DB) *gorm.DB { return sort(tx, spanOf(spelling), d, n) })
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	if len(w) > 1 {
		slices.SortFunc(all, func(a, b place) int {
			if d.up {
				return a.compare(b)
			}
			return b.compare(a)
		})
		all = slices.Compact(all)
	}
	return all[:min(n, len(all))], nil
}

// byWords is Find by several words, or by one that has several spellings.
func (s *Store) byWords(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	d := directionOf(q)
	// The longest first: of those with many entries it may have the fewest.
	words := slices.Clone(q.Words)
	slices.SortStableFunc(words, func(a, b dossier.SearchWord) int {
		return utf8.RuneCountInString(b[0]) - utf8.RuneCountInString(a[0])
	})
	least, few := s.bounds.tested+1, 0
	for i, w := range words {
		n := 0
		for _, spelling := range w {
			more, err := s.count(ctx, s.bounds.tested+1-n, func(tx *gorm.DB) *gorm.DB {
				return spanOf(spelling).of(tx).Select("person_id")
			})
			if err != nil {
				return dossier.Found{}, err
			}
			if n += more; n > s.bounds.tested {
				break
			}
		}
		if n == 0 {
			return dossier.Found{}, nil
		}
		if n < least {
			least, few = n, i
		}
	}
	words[0], words[few] = words[few], words[0]
	if least > s.bounds.tested {
		return s.byManyWords(ctx, q, words, d)
	}
	list, err := s.placesOf(ctx, words[0], direction{up: d.up}, s.bounds.tested+1)
	if err != nil {
		return dossier.Found{}, err
	}
	if list, err = s.having(ctx, list, words[1:]); err != nil {
		return dossier.Found{}, err
	}
	matches := len(list)
	if from := slices.IndexFunc(list, d.behind); from >= 0 {
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

// byManyWords is Find by words that many have, each of them.
func (s *Store) byManyWords(ctx context.Context, q dossier.Search, words []dossier.SearchWord, d direction) (
	dossier.Found, error) {
	w, err := s.walker(ctx, words)
	if err != nil {
		return dossier.Found{}, err
	}
	// What is read to be counted is the beginning of the first page.
	var newest []place
	var out dossier.Found
	if q.Count > 0 {
		seen, ended, err := w.block(ctx, direction{}, max(1, s.bounds.tested/4))
		if err == nil {
			newest, err = s.having(ctx, seen, w.tests)
		}
		if err != nil {
			return dossier.Found{}, err
		}
		out.Matches, out.Capped = min(len(newest), q.Count), !ended || len(newest) > q.Count
		if d.from == nil && (ended || len(newest) > q.Limit) {
			page, err := s.found(ctx, q, newest[:min(len(newest), q.Limit+1)], nil)
			page.Matches, page.Capped = out.Matches, out.Capped
			return page, err
		}
	}
	list, stopped, err := w.fill(ctx, d, q.Limit+1)
	if err != nil {
		return dossier.Found{}, err
	}
	page, err := s.found(ctx, q, list, stopped)
	page.Matches, page.Capped = out.Matches, out.Capped
	if q.Count > 0 && d.from == nil {
		// The page was looked for longer than all were counted.
		page.Matches = min(max(out.Matches, min(len(list), q.Limit)), q.Count)
		page.Capped = stopped != nil || len(list) > page.Matches
	}
	return page, err
}

// found makes what was found of places, of which one beyond q.Limit says that there are more. Where fewer were looked
// for than there may be, stopped is the last that was.
func (s *Store) found(ctx context.Context, q dossier.Search, list []place, stopped *place) (dossier.Found, error) {
	var out dossier.Found
	if len(list) > q.Limit {
		list = list[:q.Limit]
		stopped = &list[q.Limit-1]
	}
	var err error
	if stopped != nil {
		if out.Further, err = stopped.cursor(); err != nil {
			return dossier.Found{}, err
		}
	}
	if len(list) == 0 {
		return out, nil
	}
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.Person
	}
	var rows []row
	err = s.do(ctx, "listing people", func(tx *gorm.DB) error {
		return acknowledged(tx).Where("id IN ?", ids).Find(&rows).Error
	})
	if err != nil {
		return dossier.Found{}, err
	}
	slices.SortFunc(rows, func(a, b row) int { return place{b.Created, b.ID}.compare(place{a.Created, a.ID}) })
	out.People, err = persons(rows)
	return out, err
}

// having returns those of a list of whose words one begins with each of words.
func (s *Store) having(ctx context.Context, list []place, words []dossier.SearchWord) ([]place, error) {
	for _, w := range words {
		has := make(map[string]bool, len(list))
		for _, spelling := range w {
			if err := s.mark(ctx, has, list, spanOf(spelling)); err != nil {
				return nil, err
			}
		}
		list = slices.DeleteFunc(slices.Clone(list), func(p place) bool { return !has[p.Person] })
	}
	return list, nil
}

// mark adds to has the people of a list who have a word in a range.
func (s *Store) mark(ctx context.Context, has map[string]bool, list []place, r span) error {
	for chunk := range slices.Chunk(list, 500) {
		ids := make([]string, len(chunk))
		for i, p := range chunk {
			ids[i] = p.Person
		}
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

// walker walks persons from the newest on, or the other way, among whom are all that have what begins with a word.
type walker struct {
	s *Store
	// tests are the words that those who are walked need not have.
	tests []dossier.SearchWord
	// lists are the words whose persons are walked; none: all people are, and tests are all words.
	lists []string
	// whole: the range of this word is sorted, for people were walked in vain.
	whole dossier.SearchWord
}

// walker returns the one for words that many have.
func (s *Store) walker(ctx context.Context, words []dossier.SearchWord) (*walker, error) {
	for i, w := range words {
		lists, err := s.differentOf(ctx, w)
		if err != nil {
			return nil, err
		}
		if len(lists) > 0 {
			return &walker{s: s, lists: lists, tests: slices.Delete(slices.Clone(words), i, i+1)}, nil
		}
	}
	return &walker{s: s, tests: words}, nil
}

// differentOf returns the different words that begin with w in any of its spellings, if they are few; otherwise nil.
func (s *Store) differentOf(ctx context.Context, w dossier.SearchWord) ([]string, error) {
	var all []string
	for _, spelling := range w {
		lists, err := s.different(ctx, spanOf(spelling))
		if err != nil || lists == nil {
			return nil, err
		}
		if all = append(all, lists...); len(all) > s.bounds.merged {
			return nil, nil
		}
	}
	return all, nil
}

// different returns the different words in a range, where they are few; else nil.
func (s *Store) different(ctx context.Context, r span) ([]string, error) {
	all := []string{}
	for from := ""; ; {
		var next []string
		err := s.do(ctx, "looking for words", func(tx *gorm.DB) error {
			return nextWords(tx, r, from, 4*s.bounds.merged).Pluck("word", &next).Error
		})
		if err != nil {
			return nil, err
		}
		// Where a word fills what was read, the next look skips the rest of it.
		if len(next) == 0 {
			return all, nil
		}
		from = next[len(next)-1]
		if all = append(all, slices.Compact(next)...); len(all) > s.bounds.merged {
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
func (w *walker) block(ctx context.Context, d direction, n int) ([]place, bool, error) {
	if w.whole != nil {
		list, err := w.s.placesOf(ctx, w.whole, d, n)
		return list, len(list) < n, err
	}
	list, err := w.s.places(ctx, func(tx *gorm.DB) *gorm.DB {
		switch {
		case w.lists != nil:
			return merge(tx, w.lists, d, n)
		}
		return newest(tx, d, n)
	})
	return list, len(list) < n, err
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

// fill returns up to n persons with all words, and where it stopped, unless at the end or with n.
func (w *walker) fill(ctx context.Context, d direction, n int) ([]place, *place, error) {
	var all []place
	size := n
	for seen := 0; seen < w.s.bounds.examined; {
		list, ended, err := w.block(ctx, d, size)
		if err != nil {
			return nil, nil, err
		}
		if len(list) > 0 {
			d.from = &list[len(list)-1]
		}
		seen += len(list)
		matches, err := w.s.having(ctx, list, w.tests)
		if err != nil {
			return nil, nil, err
		}
		if all = append(all, matches...); ended || len(all) >= n {
			return all[:min(len(all), n)], nil, nil
		}
		size = min(2*size, w.s.bounds.tested)
		if w.lists == nil && seen >= w.s.bounds.walked {
			if w.whole == nil {
				w.whole, w.tests = w.tests[0], w.tests[1:]
			}
			size = w.s.bounds.walked // a look sorts all of the range
		}
	}
	return all, d.from, nil
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
