package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// peoplePerPage is how many persons a page of the directory shows.
const peoplePerPage = 50

// directoryView is the list of people (directory.html).
type directoryView struct {
	page
	// Filters are the controls of the filters, Open means that they are not folded.
	Filters directoryFilters
	Open    bool
	// Fault is what is wrong with the filters, where they cannot be; then there is no list.
	Fault string
	// Chips are the filters that are set, each with the way to the list without it; Clear is the path without any.
	Chips []chipView
	Clear string
	// Incomplete: some people may be missing, because the words of this release are still being written.
	Incomplete bool
	// Columns are those of the table, Order how it is sorted: "newest first".
	Columns []columnView
	Order   string
	People  []personView
	// Count is how many there are in all: "2,000 people", "More than 10,000 people".
	Count string
	// Export is the path of all that the list has as CSV; empty for those who may not export everybody.
	Export string
	Bulk   bulkView
	// Running are the changes of many people that run.
	Running []jobView
	// Space is what those who may delete are told of the space.
	Space spaceView
	pager
}

// directoryFilters are the controls of the filters, with what was typed.
type directoryFilters struct {
	Search string
	// Details are the fields of a person.
	Details []filterField
	// From, To and Zone are the days of submission.
	From, To, Zone string
	Files          dossier.FilesFilter
	Unfinished     bool
	Sorts          []sortView
	// Faults are what is wrong, by the names of dossier.ParseFilter.
	Faults map[string]string
}

// filterField is the control of one of a person's details: of a number, there are two.
type filterField struct {
	dossier.Field
	Value, From, To string
	Faults          map[string]string
}

// sortView is a way to sort the list.
type sortView struct {
	Value, Label string
	Selected     bool
}

// columnView is the head of a column.
type columnView struct {
	Label    string
	IsNumber bool
	// Sorted is "ascending" or "descending"; empty: by another column. Path sorts by it, or the other way.
	Sorted, Path string
}

// chipView is a filter that is set.
type chipView struct {
	Label, Value string
	// Without is the path of the list without it.
	Without string
	// Found is how many people that list has; empty: nobody, or it was not counted.
	Found string
}

// Loosen returns the filters without which somebody is found.
func (v directoryView) Loosen() []chipView {
	return slices.DeleteFunc(slices.Clone(v.Chips), func(c chipView) bool { return c.Found == "" })
}

// FilterLabel returns what a control is called whose name a fault gives.
func (directoryView) FilterLabel(name string) string {
	for _, f := range dossier.Fields {
		switch name {
		case f.Name:
			return f.Label
		case f.FromName():
			return f.Label + ", from"
		case f.ToName():
			return f.Label + ", to"
		}
	}
	return map[string]string{dossier.FilterSearch: "Search", dossier.FilterFrom: "First day",
		dossier.FilterTo: "Last day", dossier.FilterZone: "Time zone", dossier.FilterFiles: "Files",
		dossier.FilterUnfinished: "Uploads", "sort": "Order"}[name]
}

// SearchHint says what of a person is searched for.
func (directoryFilters) SearchHint() string {
	texts, numbers := "", ""
	for _, f := range dossier.Fields {
		if f.IsNumber() {
			numbers += f.Noun + ", "
		} else {
			texts += strings.ToLower(f.Label) + ", "
		}
	}
	return "Words of a " + strings.TrimSuffix(texts, ", ") + " or file name, " + numbers + "or how these begin."
}

// directoryPlace is a page of the directory: who is in the list, in which order, and where the page begins or ends.
type directoryPlace struct {
	filter        dossier.Filter
	sort          dossier.Sort
	after, before dossier.Cursor
}

// directoryPlaceOf returns the page that a query names. If a filter or the order cannot be, the error is an
// ErrInvalid, and the place that of the rest.
func directoryPlaceOf(v url.Values) (directoryPlace, error) {
	var p directoryPlace
	var faulty, unsortable error
	p.filter, faulty = dossier.ParseFilter(v.Get)
	p.sort, unsortable = dossier.ParseSort(v.Get("sort"))
	var err error
	if p.after, err = dossier.ParseCursor(v.Get("after")); err != nil {
		return directoryPlace{filter: p.filter, sort: p.sort}, err
	}
	if p.before, err = dossier.ParseCursor(v.Get("before")); err != nil {
		return directoryPlace{filter: p.filter, sort: p.sort}, err
	}
	if faulty != nil {
		return p, faulty
	}
	return p, unsortable
}

func (p directoryPlace) values() url.Values {
	v := url.Values{}
	for name, value := range p.filter.Values() {
		v.Set(name, value)
	}
	if text := p.sort.String(); text != "" {
		v.Set("sort", text)
	}
	if !p.after.IsZero() {
		v.Set("after", p.after.String())
	}
	if !p.before.IsZero() {
		v.Set("before", p.before.String())
	}
	return v
}

func (p directoryPlace) path() string { return withQuery("/people", p.values()) }

// first returns the first page of the list.
func (p directoryPlace) first() directoryPlace { return directoryPlace{filter: p.filter, sort: p.sort} }

// people shows a page of the directory.
func (s *Server) people(c echo.Context) error {
	query := c.QueryParams()
	at, err := directoryPlaceOf(query)
	if errors.Is(err, dossier.ErrInvalid) {
		return s.faultyFilters(c, at, err)
	}
	if err != nil {
		return err
	}
	if hasEmpty(query) {
		// A form sends its empty fields too. The address that is kept and shared does without.
		return c.Redirect(http.StatusSeeOther, at.path())
	}
	asked := s.now()
	found, err := s.svc.People(c.Request().Context(), dossier.PeopleQuery{Filter: at.filter, Sort: at.sort,
		After: at.after, Before: at.before, Limit: peoplePerPage})
	if err != nil {
		return err
	}
	v := directoryAt(s.page(c, "Directory"), at)
	v.Count, v.Incomplete, v.Running = countOf(found), found.Incomplete, s.runningJobs(c)
	if v.Editor {
		v.Space = s.space(c, v.page)
	}
	for _, p := range found.People {
		v.People = append(v.People, personForStaff(p, place{from: at}))
	}
	if !found.Previous.IsZero() {
		v.First = at.first().path()
		v.Previous = directoryPlace{filter: at.filter, sort: at.sort, before: found.Previous}.path()
	}
	if !found.Next.IsZero() {
		v.Next = directoryPlace{filter: at.filter, sort: at.sort, after: found.Next}.path()
	}
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	v.Bulk = bulkOf(at, asked, actor.Role())
	if everybody(dossier.Selection{Filter: at.filter}) && !actor.Role().May(staff.Administrator) {
		v.Export = ""
	}
	if (v.First != "" || v.Next != "") && v.Bulk.mayAll() {
		v.Bulk.All = allOf(found, v.Chips != nil)
	}
	if v.People == nil && v.Next == "" && len(v.Chips) > 1 {
		for i, part := range at.filter.Parts() {
			without, err := s.svc.People(c.Request().Context(), dossier.PeopleQuery{Filter: part.Without, Limit: 1})
			if err != nil {
				return err
			}
			if without.Count > 0 {
				v.Chips[i].Found = countOf(without)
			}
		}
	}
	return s.render(c, http.StatusOK, "directory", v)
}

// hasEmpty reports whether a query has a value that is empty.
func hasEmpty(query url.Values) bool {
	for _, values := range query {
		for _, value := range values {
			if value == "" {
				return true
			}
		}
	}
	return false
}

// faultyFilters shows what is wrong with the filters, beside each.
func (s *Server) faultyFilters(c echo.Context, at directoryPlace, err error) error {
	v := directoryAt(s.page(c, "Directory"), at)
	_, v.Fault = codeOf(err)
	v.Open = true
	query := c.QueryParams()
	faults := map[string]string{}
	var refused *dossier.Error
	if errors.As(err, &refused) {
		for _, f := range refused.Fields {
			faults[f.Field] = f.Message
		}
	}
	v.Filters = filtersOf(at, query.Get, faults)
	if faults[dossier.FilterZone] != "" {
		// Browsers know zones before servers do, and no one can correct a field that is not shown: the next try is in
		// UTC.
		v.Filters.Zone = ""
	}
	return s.render(c, http.StatusUnprocessableEntity, "directory", v)
}

// directoryAt returns what the page of a place has, but for the people.
func directoryAt(p page, at directoryPlace) directoryView {
	values := at.filter.Values()
	v := directoryView{page: p, Order: orderOf(at.sort),
		Filters: filtersOf(at, func(name string) string { return values[name] }, nil),
		Clear:   directoryPlace{sort: at.sort}.path(),
		Export:  withQuery("/people.csv", at.first().values()),
		pager:   pager{FirstText: "First", PreviousText: "Previous", NextText: "Next"}}
	if at.sort == (dossier.Sort{}) {
		v.pager = pager{FirstText: "Newest", PreviousText: "Previous", NextText: "Older"}
	}
	for _, part := range at.filter.Parts() {
		v.Chips = append(v.Chips, chipView{Label: part.Label, Value: part.Value,
			Without: directoryPlace{filter: part.Without, sort: at.sort}.path()})
	}
	column := func(label string, number bool, by string, reversed bool) {
		one := columnView{Label: label, IsNumber: number}
		next := dossier.Sort{By: by}
		if at.sort.By == by {
			next.Reverse = !at.sort.Reverse
			one.Sorted = "ascending"
			if at.sort.Reverse != reversed {
				one.Sorted = "descending"
			}
		}
		one.Path = directoryPlace{filter: at.filter, sort: next}.path()
		v.Columns = append(v.Columns, one)
	}
	for _, f := range dossier.Fields {
		column(f.Label, f.IsNumber(), f.Name, false)
	}
	column("Submitted", false, "", true)
	return v
}

// filtersOf returns the controls of the filters, with what was typed.
func filtersOf(at directoryPlace, typed func(string) string, faults map[string]string) directoryFilters {
	v := directoryFilters{Search: typed(dossier.FilterSearch), From: typed(dossier.FilterFrom),
		To: typed(dossier.FilterTo), Zone: typed(dossier.FilterZone), Files: at.filter.Files,
		Unfinished: at.filter.Unfinished, Faults: faults}
	for _, f := range dossier.Fields {
		v.Details = append(v.Details, filterField{f, typed(f.Name), typed(f.FromName()), typed(f.ToName()), faults})
	}
	sorts := []dossier.Sort{{}, {Reverse: true}}
	for _, f := range dossier.Fields {
		sorts = append(sorts, dossier.Sort{By: f.Name}, dossier.Sort{By: f.Name, Reverse: true})
	}
	for _, o := range sorts {
		label := orderOf(o)
		v.Sorts = append(v.Sorts, sortView{o.String(), strings.ToUpper(label[:1]) + label[1:], o == at.sort})
	}
	return v
}

// orderOf says how a list is sorted.
func orderOf(o dossier.Sort) string {
	switch {
	case o == dossier.Sort{}:
		return "newest first"
	case o.By == "":
		return "oldest first"
	}
	for _, f := range dossier.Fields {
		switch {
		case f.Name != o.By:
		case f.IsNumber() && o.Reverse:
			return "highest " + strings.ToLower(f.Label) + " first"
		case f.IsNumber():
			return "lowest " + strings.ToLower(f.Label) + " first"
		case o.Reverse:
			return "by " + strings.ToLower(f.Label) + ", Z to A"
		default:
			return "by " + strings.ToLower(f.Label) + ", A to Z"
		}
	}
	return ""
}

// countOf returns how many people there are on all pages.
func countOf(p dossier.PeoplePage) string {
	n := humanize.Comma(int64(p.Count))
	switch {
	case p.Capped:
		return "More than " + n + " people"
	case p.Count == 1:
		return "1 person"
	}
	return n + " people"
}

// allOf says who all people of the list are.
func allOf(p dossier.PeoplePage, filtered bool) string {
	all := "All " + humanize.Comma(int64(p.Count)) + " people"
	if p.Capped {
		all = "All people"
	}
	if filtered {
		all += " that match"
	}
	return all + ", on every page"
}
