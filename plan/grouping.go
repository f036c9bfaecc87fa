package plan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"dossier.example/plan/graph"
	"dossier.example/plan/markdown"
)

// itsName stands in what is told of several resources at once for the name of each.
const itsName = "{its name}"

// own is a text with itsName in place of a name, where the name stands for itself and is not a part of another word.
func own(text, name string) string {
	if name == "" || !strings.Contains(text, name) {
		return text
	}
	word := func(r rune) bool { return r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	var b strings.Builder
	rest := text
	for {
		i := strings.Index(rest, name)
		if i < 0 {
			return b.String() + rest
		}
		done := text[:len(text)-len(rest)+i]
		left, _ := utf8.DecodeLastRuneInString(done)
		right, _ := utf8.DecodeRuneInString(rest[i+len(name):])
		b.WriteString(rest[:i])
		if word(left) || word(right) {
			b.WriteString(name)
		} else {
			b.WriteString(itsName)
		}
		rest = rest[i+len(name):]
	}
}

// own is the property with itsName in place of a name.
func (p Property) own(name string) Property {
	p.Path, p.Before, p.After = own(p.Path, name), own(p.Before, name), own(p.After, name)
	return p
}

// batch is changes that are told in one line.
type batch struct {
	// Change is the first of them. Where they differ in their names alone, its properties have itsName.
	Change
	names []string
}

// together are changes with those in one that do the same to resources of the same type.
func together(changes []Change) []batch {
	type group struct {
		batch
		first     Change
		identical bool
	}
	text := func(c Change, name string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%q%q%t%t%t%q%q", c.Action, c.Type, c.Kept, c.First, c.Unsure, c.Existing, c.Reads)
		differ := [][]Property{c.Properties, c.odd}
		if c.brief() {
			differ = differ[1:] // what they have in common is told of them
		}
		for _, properties := range differ {
			b.WriteString("\n")
			for _, p := range properties {
				fmt.Fprintf(&b, "%q", p.own(name))
			}
		}
		return b.String()
	}
	var groups []*group
	by := map[string]*group{}
	for _, c := range changes {
		key := text(c, c.Name)
		g := by[key]
		if g == nil {
			g = &group{batch: batch{Change: c}, first: c, identical: true}
			by[key] = g
			groups = append(groups, g)
		}
		g.names = append(g.names, c.Name)
		if c.brief() && len(g.names) > 1 {
			g.Properties = common(g.Properties, g.first.Name, c)
		}
		g.identical = g.identical && (c.brief() || text(c, "") == text(g.first, ""))
	}
	found := make([]batch, 0, len(groups))
	for _, g := range groups {
		if !g.identical {
			for _, list := range []*[]Property{&g.Properties, &g.odd} {
				*list = slices.Clone(*list)
				for i, p := range *list {
					(*list)[i] = p.own(g.first.Name)
				}
			}
		}
		found = append(found, g.batch)
	}
	return found
}

// brief reports whether a change is told on one line: what is created of a type that is known.
func (c Change) brief() bool { return c.Action == Create && judgedNew(c.Type) }

// common are the properties that another change has as well, apart from the names of the two.
func common(of []Property, name string, other Change) []Property {
	var found []Property
	for _, p := range of {
		if slices.ContainsFunc(other.Properties, func(q Property) bool { return p.own(name) == q.own(other.Name) }) {
			found = append(found, p.own(name))
		}
	}
	return found
}

// mostNames is how many names of changes that are alike are told; mostEndangered is that of the names in a danger.
// Names with consecutive numbers count as one.
const (
	mostNames      = 12
	mostEndangered = 200
)

// numbered is a name with the number that is its last one.
var numbered = regexp.MustCompile(`^(.*?)(\d{1,9})(\D*)$`)

// fewestRun is how many names with consecutive numbers are told as the first and the last.
const fewestRun = 4

// namesOf are names in code spans, sorted: those that differ in a number which counts up as the first and the last, and
// at most so many others or such rows, and how many names more there are.
func namesOf(names []string, most int) string {
	type parsed struct {
		name, around string
		digits       string
		number       int
	}
	all := make([]parsed, len(names))
	for i, name := range names {
		all[i] = parsed{name: name, around: name, number: -1}
		if parts := numbered.FindStringSubmatch(name); parts != nil {
			all[i].around = parts[1] + "\x00" + parts[3]
			all[i].digits = parts[2]
			all[i].number, _ = strconv.Atoi(parts[2]) // nine digits at most
		}
	}
	slices.SortStableFunc(all, func(a, b parsed) int {
		return cmp.Or(cmp.Compare(a.around, b.around), cmp.Compare(a.number, b.number))
	})
	// Of numbers with zeros before them, those of as many digits count up.
	next := func(a, b parsed) bool {
		return a.number >= 0 && a.around == b.around && b.number == a.number+1 &&
			(len(a.digits) == len(b.digits) || a.digits[0] != '0' && b.digits[0] != '0' || a.digits == "0")
	}
	var shown []string
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && next(all[end-1], all[end]) {
			end++
		}
		if end-i < fewestRun {
			end = i + 1
		}
		if len(shown) == most && end < len(all) {
			shown = append(shown, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		text := code(cut(all[i].name, longest))
		if end-i > 1 {
			text += " … " + code(cut(all[end-1].name, longest))
		}
		shown = append(shown, text)
		i = end
	}
	return strings.Join(shown, ", ")
}

// fewestAlike is how many resources of a type have to be created for one among them to be odd.
const fewestAlike = 4

// oddities are, by URN, the inputs in which a new resource differs from the others of its type, where at least three
// quarters of these are alike.
func oddities(fresh []*graph.Resource, shown namer) map[string][]Property {
	types := map[string][]*graph.Resource{}
	for _, r := range fresh {
		types[r.Token] = append(types[r.Token], r)
	}
	shown.before = shown.after
	found := map[string][]Property{}
	for _, all := range types {
		if len(all) < fewestAlike {
			continue
		}
		like := map[string][]*graph.Resource{}
		var common string
		for _, r := range all {
			shape := own(shown.show(shown.after, "", r.Inputs), r.Name)
			like[shape] = append(like[shape], r)
			if len(like[shape]) > len(like[common]) {
				common = shape
			}
		}
		if 4*len(like[common]) < 3*len(all) {
			continue
		}
		model := like[common][0]
		for shape, others := range like {
			if shape == common {
				continue
			}
			for _, r := range others {
				for _, l := range unlike(model, r) {
					p := Property{Path: own(l.path, r.Name)}
					p.Before, p.After = shown.both(l)
					if own(p.Before, model.Name) != own(p.After, r.Name) {
						found[r.URN] = append(found[r.URN], p)
					}
				}
			}
		}
	}
	return found
}

// differs is an odd property in Markdown.
func (p Property) differs() string {
	switch {
	case p.Before == "":
		return fmt.Sprintf("%s: %s, which the others do not have", code(p.Path), code(p.After))
	case p.After == "":
		return fmt.Sprintf("%s: none, where the others have %s", code(p.Path), code(p.Before))
	}
	return fmt.Sprintf("%s: %s, where the others have %s", code(p.Path), code(p.After), code(p.Before))
}

// subject takes the resource that a danger is told of out of its text: what stands before it, its kind and name, and
// what follows; kind is empty where the text does not begin with it.
func (d Danger) subject() (before, kind, name, after string, ok bool) {
	if rest, bold := strings.CutPrefix(d.What, "**"); bold {
		if kind, rest, closed := strings.Cut(rest, "** "); closed && strings.HasPrefix(d.Resource, kind+" ") {
			name := strings.TrimPrefix(d.Resource, kind+" ")
			if after, is := strings.CutPrefix(rest, code(name)); is {
				return "", kind, name, after, true
			}
		}
	}
	if d.Resource == "" {
		return "", "", "", "", false
	}
	before, after, ok = strings.Cut(d.What, " by "+code(d.Resource))
	return before, "", d.Resource, after, ok
}

// kinds are what types that are known are called, with a word for their service.
var kinds = sync.OnceValue(func() map[string]bool {
	found := map[string]bool{}
	for token := range replacements() {
		if kind := graph.Type(token); strings.Contains(kind, " ") {
			found[kind] = true
		}
	}
	return found
})

// bareName is the name of a resource that is given with its kind.
func bareName(resource string) string {
	for i, r := range resource {
		if r == ' ' && kinds()[resource[:i]] {
			return resource[i+1:]
		}
	}
	_, name, _ := strings.Cut(resource, " ")
	return name
}

// merged are dangers with those in one that say the same of several resources.
func merged(all []inEnvironments) []inEnvironments {
	type group struct {
		at                  int
		before, kind, after string
		names               []string
	}
	var found []inEnvironments
	by := map[string]*group{}
	for _, d := range all {
		before, kind, name, after, ok := d.subject()
		if !ok {
			found = append(found, d)
			continue
		}
		bare := name
		if kind == "" {
			bare = bareName(name)
		}
		after = own(after, bare)
		key := fmt.Sprintf("%q", []any{d.Kind, d.in, before, kind, after})
		if by[key] == nil {
			by[key] = &group{at: len(found), before: before, kind: kind, after: after}
			found = append(found, d)
		}
		by[key].names = append(by[key].names, name)
	}
	for _, g := range by {
		if len(g.names) < 2 {
			continue
		}
		names := namesOf(g.names, mostEndangered)
		found[g.at].named = utf8.RuneCountInString(names)
		if g.kind != "" {
			found[g.at].What = fmt.Sprintf("Each of %d **%s** (%s)%s", len(g.names), g.kind, names, g.after)
		} else {
			found[g.at].What = fmt.Sprintf("%s by each of %d (%s)%s", g.before, len(g.names), names, g.after)
		}
	}
	return found
}

// line is the change in Markdown, without its properties.
func (m batch) line() string {
	verb := string(m.Action)
	if m.Action == Import {
		verb = "**take over** (import)"
	}
	if m.Action == Delete || m.Action == Replace {
		verb = "**" + verb + "**"
	}
	if m.command() {
		verb = "run again"
	}
	text := verb
	if len(m.names) > 1 {
		text += fmt.Sprintf(" %d", len(m.names))
	}
	text += " " + markdown.Plain(m.Kind) + " " + namesOf(m.names, mostNames)
	if m.Action == Replace && m.Existing != "" {
		text += " by what exists as " + code(cut(m.Existing, longest))
	}
	it, old := "it", "the old one"
	if len(m.names) > 1 {
		it, old = "them", "the old ones"
	}
	switch {
	case m.Kept && m.Action == Replace:
		text += fmt.Sprintf(" (AWS keeps %s, and Pulumi forgets %s)", old, it)
	case m.Kept:
		text += fmt.Sprintf(": Pulumi forgets %s, AWS keeps %s", it, it)
	case m.First && len(m.names) > 1:
		text += " (each old one goes before its new one is made)"
	case m.First:
		text += " (the old one goes before the new one is made)"
	case m.Action == Import:
		text += " what exists as " + code(cut(m.Existing, longest))
	case m.Unsure:
		text += " (or **replace**)"
	}
	if len(m.Reads) > 0 {
		text += " (on " + strings.Join(few(spans(m.Reads)), ", ") + " of others, which the program only reads)"
	}
	return text
}

// properties are those of the changes, in Markdown, each on a line of its own.
func (m batch) properties() string {
	var b strings.Builder
	if m.brief() {
		b.WriteString(m.inputs())
	}
	for i, p := range m.Properties {
		if m.brief() {
			break
		}
		if m.made() {
			p.Verdict = ""
		}
		if m.Action == Replace != p.Replaces || m.command() {
			p.Replaces, p.Verdict = false, ""
		}
		if i == mostProperties {
			fmt.Fprintf(&b, "\n  - … and %s", counting(len(m.Properties)-i, "property more", "properties more"))
			break
		}
		fmt.Fprintf(&b, "\n  - %s", p)
	}
	for i, p := range m.odd {
		if i == mostProperties {
			fmt.Fprintf(&b, "\n  - … and %s", counting(len(m.odd)-i, "difference more", "differences more"))
			break
		}
		fmt.Fprintf(&b, "\n  - %s", p.differs())
	}
	return b.String()
}

// mostInputs is how many inputs of something new are told on its line.
const mostInputs = 6

// inputs are those of what is created, on one line: first those that something here judges.
func (m batch) inputs() string {
	if len(m.odd) > 0 {
		return "" // what sets it apart is told
	}
	matters := func(p Property) int {
		own := func(r rule) bool { return r.token == m.Type && within(p.Path, []string{r.path}) }
		if slices.ContainsFunc(inputRules, own) || len(alike(m.Type, position.ReplaceAllString(p.Path, ""))) > 0 ||
			slices.ContainsFunc(guardsOf(m.Type), func(g guard) bool { return within(p.Path, []string{g.path}) }) ||
			interruptions[m.Type][p.Path] != "" || documents[m.Type] == p.Path {
			return 0
		}
		return 1
	}
	all := slices.DeleteFunc(slices.Clone(m.Properties), func(p Property) bool {
		return p.Path == cmp.Or(unique[m.Type], "name") && (p.After == itsName || p.After == m.Name) // the line has it
	})
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b Property) int { return cmp.Compare(matters(a), matters(b)) })
	var shown []string
	for i, p := range all {
		if i == mostInputs {
			shown = append(shown, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		shown = append(shown, code(p.Path)+" "+code(cut(p.After, longest/2)))
	}
	return " with " + strings.Join(shown, ", ")
}

// changes lists them, the gravest first, what is alike in one line. In short form the properties of what is updated are
// left out, and new ones are counted by type.
func (e Environment) changes(brief bool) string {
	if len(e.Changes) == 0 {
		return ""
	}
	all := together(e.Changes)
	plain := func(m batch) bool { return m.brief() && len(m.odd) == 0 && len(m.Reads) == 0 }
	created := 0
	for _, m := range all {
		if m.Action == Create {
			created++
		}
	}
	var b strings.Builder
	numbers, total := map[string]int{}, 0
	for _, m := range all {
		switch {
		case plain(m) && (created > mostCreated || brief):
			numbers[m.Kind] += len(m.names)
			total += len(m.names)
			continue
		case len(m.Properties) > 0 && brief && m.Action == Update:
			fmt.Fprintf(&b, "- %s (%s)", m.line(), counting(len(m.Properties), "property", "properties"))
		default:
			fmt.Fprintf(&b, "- %s%s", m.line(), m.properties())
		}
		b.WriteString("\n")
	}
	if total > 0 {
		var kinds []string
		for kind, n := range numbers {
			kinds = append(kinds, fmt.Sprintf("%d %s", n, markdown.Plain(kind)))
		}
		slices.SortFunc(kinds, func(a, b string) int {
			_, x, _ := strings.Cut(a, " ")
			_, y, _ := strings.Cut(b, " ")
			return cmp.Compare(x, y)
		})
		fmt.Fprintf(&b, "- create %d: %s\n", total, strings.Join(kinds, ", "))
	}
	return b.String()
}
