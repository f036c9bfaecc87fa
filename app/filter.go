package dossier

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Filter says who is in a list of the directory: those for whom all of it is true. The zero Filter lets everybody
// through. It is valid as ParseFilter returns it.
type Filter struct {
	// Search contains words, each of which must begin a word of the details or of names of stored files; see
	// SearchWords.
	Search string
	// Details are those that are asked for, in the order of Fields.
	Details []DetailFilter
	// From and To are the first and the last day of submission in Zone, as 2006-01-02; empty: no bound.
	From, To string
	// Zone is the name of a time zone in the IANA's database; empty: UTC.
	Zone string
	// Files is WithFiles, WithoutFiles, or empty.
	Files FilesFilter
	// Unfinished: only people with uploads that are being sent or were interrupted. These are read from an index that
	// may be seconds behind.
	Unfinished bool
}

// DetailFilter asks for one of a person's details.
type DetailFilter struct {
	Field
	// Text contains words, each of which must begin a word of the detail.
	Text string
	// Least and Most bound a number; nil: no bound.
	Least, Most *int
}

// FilesFilter asks for people with or without stored files.
type FilesFilter string

// The values of FilesFilter.
const (
	WithFiles    FilesFilter = "with"
	WithoutFiles FilesFilter = "without"
)

// The names under which a Filter's values are typed and kept in addresses, besides those of Fields: a text has the
// field's own name, a number two, which FromName and ToName return. They are never those of a field.
const (
	FilterSearch     = "q"
	FilterFrom       = "submitted_from"
	FilterTo         = "submitted_to"
	FilterZone       = "zone"
	FilterFiles      = "files"
	FilterUnfinished = "unfinished"
)

// FromName and ToName are the names of the bounds of a number in a Filter.
func (f Field) FromName() string { return f.Name + "_from" }

// ToName is the other one.
func (f Field) ToName() string { return f.Name + "_to" }

// day is how the days of a Filter are written.
const day = time.DateOnly

// maxZone is the length of the longest name of a time zone, with room to spare.
const maxZone = 64

// ParseFilter reads a Filter from what was typed, by name. The error is an ErrInvalid that lists every invalid value by
// its name; the returned Filter then lacks these.
func ParseFilter(typed func(name string) string) (Filter, error) {
	p := filterParser{typed: typed, zone: time.UTC}
	f := &p.Filter
	f.Search = p.text(FilterSearch, MaxNameLength, false)
	for _, field := range Fields {
		p.detail(field)
	}
	f.Zone = p.typed(FilterZone)
	if loc, err := time.LoadLocation(f.Zone); err != nil || f.Zone == "Local" || len(f.Zone) > maxZone {
		f.Zone = ""
		p.fault(FilterZone, "There is no such time zone. Use a name such as Europe/Paris, or UTC.")
	} else {
		p.zone = loc
	}
	f.From, f.To = p.day(FilterFrom), p.day(FilterTo)
	if f.From != "" && f.To != "" && f.To < f.From {
		f.To = ""
		p.fault(FilterTo, "Must not be before the first day.")
	}
	switch f.Files = FilesFilter(p.typed(FilterFiles)); f.Files {
	case "", WithFiles, WithoutFiles:
	default:
		f.Files = ""
		p.fault(FilterFiles, fmt.Sprintf("Must be %q, %q or empty.", WithFiles, WithoutFiles))
	}
	switch p.typed(FilterUnfinished) {
	case "":
	case "yes":
		f.Unfinished = true
	default:
		p.fault(FilterUnfinished, `Must be "yes" or empty.`)
	}
	if f.From == "" && f.To == "" {
		f.Zone = "" // it says nothing
	}
	if p.faults != nil {
		return *f, &Error{Code: CodeInvalid, Message: "Some filters need your attention.", Fields: p.faults}
	}
	return *f, nil
}

type filterParser struct {
	Filter
	typed  func(string) string
	zone   *time.Location
	faults []FieldFault
}

func (p *filterParser) fault(name, message string) {
	p.faults = append(p.faults, FieldFault{name, message})
}

// text reads words. A text without words is a fault, unless nobody may have any.
func (p *filterParser) text(name string, most int, legible bool) string {
	typed := strings.TrimSpace(p.typed(name))
	text := strings.TrimSpace(shown(strings.ToValidUTF8(typed, "")))
	// The length comes first: to find the words takes a time that grows with the square of their number.
	if utf8.RuneCountInString(text) > most {
		p.fault(name, fmt.Sprintf("Must be at most %d characters long.", most))
		return ""
	}
	switch words := len(SearchWords(text)); {
	case text == "" && typed != "": // nobody sees it, and whoever sent it asked for something
		p.fault(name, "Must contain a letter or a digit.")
		return ""
	case text == "":
	case words > MaxSearchWords:
		p.fault(name, fmt.Sprintf("Search for at most %d words.", MaxSearchWords))
		return ""
	case words == 0 && legible:
		p.fault(name, "Must contain a letter or a digit.")
		return ""
	}
	return text
}

// detail reads what is asked for of a field.
func (p *filterParser) detail(field Field) {
	if !field.IsNumber() {
		if text := p.text(field.Name, field.Most, true); text != "" {
			p.Details = append(p.Details, DetailFilter{Field: field, Text: text})
		}
		return
	}
	d := DetailFilter{Field: field, Least: p.number(field, field.FromName()), Most: p.number(field, field.ToName())}
	if d.Least != nil && d.Most != nil && *d.Most < *d.Least {
		p.fault(field.ToName(), fmt.Sprintf("Must not be less than %d.", *d.Least))
		d.Most = nil
	}
	if d.Least != nil || d.Most != nil {
		p.Details = append(p.Details, d)
	}
}

func (p *filterParser) number(field Field, name string) *int {
	typed := strings.TrimSpace(p.typed(name))
	if typed == "" {
		return nil
	}
	text := strings.TrimSpace(shown(typed))
	n, err := ParseNumber(text)
	if err != nil || n < field.Least || n > field.Most {
		p.fault(name, "Must be a whole number. "+field.numberRule())
		return nil
	}
	return &n
}

func (p *filterParser) day(name string) string {
	text := strings.TrimSpace(p.typed(name))
	if text == "" {
		return ""
	}
	if at, err := time.Parse(day, text); err != nil || at.Year() < 1970 || at.Year() > 9998 {
		p.fault(name, "Enter a day as year-month-day, such as 2026-11-30.")
		return ""
	}
	return text
}

// Values returns what the filter was read from, by name; nothing is empty.
func (f Filter) Values() map[string]string {
	all := map[string]string{
		FilterSearch: f.Search, FilterFrom: f.From, FilterTo: f.To, FilterZone: f.Zone, FilterFiles: string(f.Files),
	}
	if f.Unfinished {
		all[FilterUnfinished] = "yes"
	}
	for _, d := range f.Details {
		all[d.Name] = d.Text
		if d.Least != nil {
			all[d.FromName()] = fmt.Sprint(*d.Least)
		}
		if d.Most != nil {
			all[d.ToName()] = fmt.Sprint(*d.Most)
		}
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// FilterPart is one thing that a Filter asks for.
type FilterPart struct {
	// Label and Value say what: "Location", "Oslo".
	Label, Value string
	// Without is the Filter without it.
	Without Filter
}

// Parts returns what the filter asks for, one by one, in the order of the page.
func (f Filter) Parts() (parts []FilterPart) {
	add := func(label, value string, drop func(*Filter)) {
		without := f
		if drop(&without); without.From == "" && without.To == "" {
			without.Zone = ""
		}
		parts = append(parts, FilterPart{label, value, without})
	}
	if f.Search != "" {
		add("Search", f.Search, func(g *Filter) { g.Search = "" })
	}
	for i, d := range f.Details {
		add(d.Label, d.value(), func(g *Filter) {
			g.Details = append(append([]DetailFilter(nil), f.Details[:i]...), f.Details[i+1:]...)
		})
	}
	if f.From != "" || f.To != "" {
		zone := f.Zone
		if zone == "" {
			zone = "UTC"
		}
		add("Submitted", between(f.From, f.To, "from", "until")+" ("+zone+")",
			func(g *Filter) { g.From, g.To = "", "" })
	}
	if f.Files != "" {
		add("Files", string(f.Files), func(g *Filter) { g.Files = "" })
	}
	if f.Unfinished {
		add("Uploads", "unfinished", func(g *Filter) { g.Unfinished = false })
	}
	return parts
}

// value says what is asked for.
func (d DetailFilter) value() string {
	text := func(n *int) string {
		if n == nil {
			return ""
		}
		return fmt.Sprint(*n)
	}
	if d.Text != "" {
		return d.Text
	}
	return between(text(d.Least), text(d.Most), "at least", "at most")
}

// between says what lies between two bounds, of which at most one is empty.
func between(from, to, only, until string) string {
	switch {
	case from == to:
		return from
	case to == "":
		return only + " " + from
	case from == "":
		return until + " " + to
	}
	return from + " to " + to
}

// window returns the times of the filter's days: from one on, and before another; zero: no bound.
func (f Filter) window() (from, until time.Time) {
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		zone = time.UTC // ParseFilter refuses such a name
	}
	begin := func(text string, days int) time.Time {
		at, err := time.Parse(day, text)
		if err != nil {
			return time.Time{} // empty
		}
		// Not a day of 24 hours after the other one: in some zones, some days are longer.
		return time.Date(at.Year(), at.Month(), at.Day()+days, 0, 0, 0, 0, zone).UTC()
	}
	return begin(f.From, 0), begin(f.To, 1)
}

// search returns what the store looks for; false if nobody can be found.
func (s *Service) search(ctx context.Context, f Filter, o Sort) (q Search, capped, ok bool, err error) {
	q.Words = SearchWords(f.Search)
	switch {
	case len(q.Words) > MaxSearchWords:
		return q, false, false, Errorf(CodeMalformed, nil, "Search for at most %d words.", MaxSearchWords)
	case len(q.Words) == 0 && strings.TrimSpace(f.Search) != "":
		return q, false, false, nil // only signs, which are no words
	}
	for _, d := range f.Details {
		if d.IsNumber() {
			q.Ranges = append(q.Ranges, d.span())
			continue
		}
		for _, word := range SearchWords(d.Text) {
			labels := make(SearchWord, len(word))
			for i, spelling := range word {
				labels[i] = d.label(spelling)
			}
			q.Words = append(q.Words, labels)
		}
	}
	switch f.Files {
	case WithFiles:
		q.Words = append(q.Words, SearchWord{labelFiles})
	case WithoutFiles:
		q.Not = append(q.Not, SearchWord{labelFiles})
	}
	q.From, q.Until = f.window()
	q.Order = o.order()
	if f.Unfinished {
		q.Among, capped, err = s.unfinishedPeople(ctx)
	}
	return q, capped, err == nil, err
}

// span returns the range of the number's labels.
func (d DetailFilter) span() WordRange {
	least, most := d.Field.Least, d.Field.Most
	if d.Least != nil {
		least = *d.Least
	}
	if d.Most != nil {
		most = *d.Most
	}
	return WordRange{d.numberLabel(least), d.numberLabel(most + 1)}
}

// unfinishedPeople returns the people who have uploads that are being sent or were interrupted, as Summary tells them;
// capped: only the first MaxAmong of them.
func (s *Service) unfinishedPeople(ctx context.Context) (ids []PersonID, capped bool, err error) {
	// Of a person who only has uploads of forms, each may have been made good since; and a form that is arriving is
	// that of somebody who is not in the directory yet.
	forms, direct := map[PersonID]bool{}, map[PersonID]bool{}
	// What shows progress at this moment counts, whatever the clock of the instance that wrote it.
	for f, err := range s.catalog.Unfinished(ctx, s.time().Add(time.Hour)) {
		switch {
		case err != nil:
			return nil, false, fmt.Errorf("list unfinished uploads: %w", err)
		case f.State != FileUploading:
			continue
		case f.Multipart == nil:
			forms[f.Person] = true
		default:
			direct[f.Person] = true
		}
		if capped = len(forms)+len(direct) >= MaxAmong; capped {
			break
		}
	}
	ids = []PersonID{}
	for id := range direct {
		delete(forms, id)
		ids = append(ids, id)
	}
	q := Search{Among: make([]PersonID, 0, len(forms)), Limit: MaxAmong}
	for id := range forms {
		q.Among = append(q.Among, id)
	}
	if len(forms) == 0 {
		return ids, capped, nil
	}
	found, err := s.people.Find(ctx, q)
	if err != nil {
		return nil, false, fmt.Errorf("list people with unfinished uploads: %w", err)
	}
	for _, p := range found.People {
		has, err := s.Summary(ctx, p.ID)
		if err != nil {
			return nil, false, err
		}
		if has.UnfinishedCount > 0 {
			ids = append(ids, p.ID)
		}
	}
	return ids, capped, nil
}

// Sort is the order of a list of the directory. The zero Sort is newest first.
type Sort struct {
	// By is the name of one of Fields; empty: when people submitted.
	By string
	// Reverse: from the last to the first, as numbers and letters go; of times, from the first to the last.
	Reverse bool
}

// SortSubmitted is what people's time of submission is called in addresses.
const SortSubmitted = "submitted"

// ParseSort reads an order as String writes it: ErrInvalid, with the field "sort".
func ParseSort(text string) (Sort, error) {
	by, reverse := strings.CutPrefix(text, "-")
	switch {
	case text == "" || text == "-"+SortSubmitted:
		return Sort{}, nil
	case by == SortSubmitted:
		return Sort{Reverse: true}, nil
	}
	for _, f := range Fields {
		if f.Name == by {
			return Sort{by, reverse}, nil
		}
	}
	return Sort{}, &Error{Code: CodeInvalid, Message: "Some filters need your attention.", Fields: []FieldFault{{"sort",
		"The list cannot be sorted by this. Choose one of its columns."}}}
}

// String returns the order as addresses have it; empty for the zero Sort. A hyphen stands for the way down.
func (o Sort) String() string {
	switch {
	case o.By == "" && o.Reverse:
		return SortSubmitted
	case o.Reverse:
		return "-" + o.By
	}
	return o.By
}

// order returns what the store is asked for.
func (o Sort) order() Order {
	for _, f := range Fields {
		if f.Name == o.By {
			return Order{By: f.sortBy(), Ascending: !o.Reverse}
		}
	}
	return Order{Ascending: o.Reverse}
}
