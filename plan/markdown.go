package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"dossier.example/plan/markdown"
)

// Limit is how many characters a comment has at most: what GitHub takes, 65,536, without what goes around a plan. They
// are counted by size.
const Limit = 64000

// size is how many characters of a comment a text takes: units of UTF-16, and two for an @, which is kept from calling
// somebody by another character.
func size(text string) int {
	n := strings.Count(text, "@")
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// reserve is left for the line that tells what was cut.
const reserve = 1200

// Markdown is the plan as a comment on a pull request, within Limit characters whatever changes: what does not fit is
// left out from the end, where what matters least stands, and told. What is dangerous is never left out; where even
// that is too much, it is counted by kind, with the names.
func (p Plan) Markdown() string {
	top := p.top(false)
	if size(top) > Limit/2 {
		top = p.top(true)
	}
	if size(top) > Limit-reserve { // hundreds of stacks
		top = fmt.Sprintf("## Plan: %s\n\n%s\n> [!CAUTION]\n> **%d stacks are too many for a comment.**\n", p.verdict(),
			p.alarm(true), len(p.Environments))
	}
	var b strings.Builder
	b.WriteString(top)
	written := size(top)
	add := func(text string) bool {
		n := size(text)
		if text == "" || written+n > Limit-reserve {
			return false
		}
		b.WriteString(text)
		written += n
		return true
	}
	var missing []string
	for _, part := range p.parts() {
		switch {
		case add(part.whole):
		case add(part.short):
			missing = append(missing, part.name+" (shortened)")
		default:
			missing = append(missing, part.name)
		}
	}
	if len(missing) > 0 {
		// What keeps names from being marks may take more room than they do.
		names := strings.Join(missing, ", ")
		for most := reserve; size(markdown.Plain(names)) > reserve-200; most -= 50 {
			names = cut(names, most)
		}
		fmt.Fprintf(&b, "\n> **Left out, because a comment takes %d characters:** %s. `make plan FORMAT=json` has "+
			"everything.\n", Limit, markdown.Plain(names))
	}
	return b.String()
}

// Failed is the comment where no plan could be made.
func Failed(err error) string {
	return "## Plan: there is none\n\n> [!CAUTION]\n> **No plan could be made**, so nothing is known of what this " +
		"change does.\n\n" + fence(cut(err.Error(), 32*longest), "")
}

// part is a piece of the comment that can be left out, or be written shorter.
type part struct{ name, whole, short string }

// top is what nobody may overlook: the verdict, the dangers, a table of all environments.
func (p Plan) top(brief bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Plan: %s\n\n", p.verdict())
	if p.Build != nil {
		fmt.Fprintf(&b, "> [!CAUTION]\n> **The program of the stack does not compile**, so nothing else is known, "+
			"and nothing can be deployed.\n\n%s\n", fence(p.Build.Said, ""))
		return b.String() + p.sources()
	}
	b.WriteString(p.faults())
	b.WriteString(p.alarm(brief))
	b.WriteString(p.table())
	return b.String()
}

// faults are why there is no plan for some environments, or nothing known of their rules, each once.
func (p Plan) faults() string {
	type fault struct{ what, said string }
	var order []fault
	in := map[fault][]string{}
	add := func(name string, f fault) {
		if in[f] == nil {
			order = append(order, f)
		}
		in[f] = append(in[f], name)
	}
	for _, e := range p.Environments {
		if e.Fault != nil {
			what := map[FaultKind]string{FaultSettings: "its settings cannot be used",
				FaultProgram: "the program fails",
				FaultBuild:   "the program does not compile"}[e.Fault.Kind]
			what += "**, so nothing else is known about it"
			if e.Fault.Kind == FaultProgram {
				what += ", but it need not fail in a deployment. A plan has no network, no .git, no variables and no " +
					"artifacts of a build: where the program needs them, give it stand-ins by environment and " +
					"artifacts in stackplan.yaml"
			} else {
				what += ", and nothing can be deployed there"
			}
			add(e.Name, fault{what, e.Fault.Said})
		}
		if e.Policy.Fault != "" {
			add(e.Name, fault{"its rules could not be asked**, so nothing is known of them", e.Policy.Fault})
		}
	}
	var b strings.Builder
	for i, f := range order {
		if i == mostFaults {
			fmt.Fprintf(&b, "> [!CAUTION]\n> **%d other faults** keep stacks from being looked at.\n\n", len(order)-i)
			break
		}
		fmt.Fprintf(&b, "> [!CAUTION]\n> **%s: %s.\n\n%s\n", markdown.Plain(stacks(in[f], ", ")), f.what,
			fence(cut(f.said, Limit/3/min(len(order), mostFaults)), ""))
	}
	return b.String()
}

// mostFaults is how many different faults are told.
const mostFaults = 4

// verdict is the plan in a few words.
func (p Plan) verdict() string {
	if p.Build != nil {
		return "the program does not compile"
	}
	var faults []string
	dangers, changes, unknown, withheld, excused := 0, 0, 0, 0, false
	undecided := map[string]bool{}
	for _, u := range p.Unread {
		if u.Changed {
			unknown++
		}
	}
	for _, e := range p.Environments {
		if e.Fault != nil {
			faults = append(faults, e.Name)
		}
		for _, d := range e.Dangers {
			switch {
			case len(d.undecided) > 0:
				for _, input := range d.undecided {
					undecided[input] = true
				}
			case d.Kind == notJudged:
				unknown++
			default:
				dangers++
			}
		}
		changes += len(e.Changes)
		withheld += len(e.Ignored) + len(e.Options)
		excused = excused || slices.ContainsFunc(e.Policy.Exceptions, func(x Except) bool { return x.New })
	}
	unsafe := p.unsafe()
	var said []string
	if len(faults) > 0 {
		said = append(said, "no plan for "+markdown.Plain(stacks(faults, " and ")))
	}
	if dangers > 0 || unsafe != "" {
		said = append(said, "⛔ "+p.worst(unsafe))
	}
	if unknown > 0 {
		said = append(said, fmt.Sprintf("❓ %s that nothing here judges", counting(unknown, "change", "changes")))
	}
	if n := len(undecided); n > 0 {
		said = append(said, "❓ not known whether "+counting(n, "input changes", "inputs change"))
	}
	switch {
	case len(said) > 0:
	case changes == 0 && len(p.Migrations) == 0 && len(faults) == 0 && excused:
		return "nothing changes in AWS; rules get exceptions"
	case changes == 0 && len(p.Migrations) == 0 && len(faults) == 0 && withheld == 0:
		return "nothing changes"
	case changes == 0 && len(p.Migrations) == 0 && len(faults) == 0:
		return "nothing changes in AWS; options do, or what is ignored"
	default:
		said = append(said,
			fmt.Sprintf("%s, nothing found of data deleted, access opened, service stopped, protection "+
				"weakened or alarms hidden", counting(changes, "change", "changes")))
	}
	return strings.Join(said, "; ")
}

// mostKinds is how many kinds of dangers the title names.
const mostKinds = 4

// unsafe counts the migrations that are not safe, and among them those that nobody could judge.
func (p Plan) unsafe() string {
	unsafe, unjudged := 0, 0
	for _, m := range p.Migrations {
		if m.Unsafe != "" {
			unsafe++
		}
		if m.Unjudged {
			unjudged++
		}
	}
	switch {
	case unsafe == 0:
		return ""
	case unjudged == unsafe:
		return counting(unsafe, "migration that cannot be judged", "migrations that cannot be judged")
	}
	text := "a migration that is not safe"
	if unsafe > 1 {
		text = fmt.Sprintf("%d migrations that are not safe", unsafe)
	}
	if unjudged > 0 {
		text += fmt.Sprintf(", of which %d cannot be judged", unjudged)
	}
	return text
}

// worst names the kinds of dangers, each with its environments, and the migrations that are not safe.
func (p Plan) worst(unsafe string) string {
	var kinds []string
	in := map[string][]string{}
	for _, d := range p.grouped() {
		if d.Kind == notJudged {
			continue // counted apart
		}
		if in[d.Kind] == nil {
			kinds = append(kinds, d.Kind)
		}
		for _, name := range d.in {
			if !slices.Contains(in[d.Kind], name) {
				in[d.Kind] = append(in[d.Kind], name)
			}
		}
	}
	for i, kind := range kinds {
		kinds[i] = markdown.Plain(fmt.Sprintf("%s in %s", kind, stacks(in[kind], " and ")))
	}
	if len(kinds) > mostKinds {
		kinds = append(kinds[:mostKinds], "and "+counting(len(kinds)-mostKinds, "kind more", "kinds more"))
	}
	if unsafe != "" {
		kinds = append(kinds, unsafe)
	}
	return strings.Join(kinds, ", ")
}

func counting(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// inEnvironments is a danger with the environments that it is in.
type inEnvironments struct {
	Danger
	in []string
	// named is how many characters of it are names of several resources.
	named int
}

// grouped are the dangers of all environments, each once.
func (p Plan) grouped() []inEnvironments {
	var found []inEnvironments
	for _, e := range p.Environments {
		for _, d := range e.Dangers {
			i := slices.IndexFunc(found, func(f inEnvironments) bool {
				return f.What == d.What && f.Resource == d.Resource && f.Kind == d.Kind
			})
			if i < 0 {
				i = len(found)
				found = append(found, inEnvironments{Danger: d})
			}
			found[i].in = append(found[i].in, e.Name)
		}
	}
	return found
}

// alarm is what is dangerous.
func (p Plan) alarm(brief bool) string {
	all := p.grouped()
	var unsafe []Migration
	for _, m := range p.Migrations {
		if m.Unsafe != "" {
			unsafe = append(unsafe, m)
		}
	}
	if len(all)+len(unsafe) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("> [!CAUTION]\n")
	if brief {
		kinds := map[string][]string{}
		var order []string
		for _, d := range all {
			if kinds[d.Kind] == nil {
				order = append(order, d.Kind)
			}
			kinds[d.Kind] = append(kinds[d.Kind],
				code(cmp.Or(d.Resource, cut(plainText(d.What), 60)))+" ("+markdown.Plain(stacks(d.in, ", "))+")")
		}
		for _, kind := range order {
			// A third of a comment for each of at most so many: what does not fit is counted.
			shown, taken := 0, 0
			for _, name := range kinds[kind] {
				if taken += size(name) + 2; taken > Limit/3/len(order) {
					break
				}
				shown++
			}
			fmt.Fprintf(&b, "> - **%s: %d.** %s", markdown.Plain(kind), len(kinds[kind]),
				strings.Join(kinds[kind][:shown], ", "))
			if rest := len(kinds[kind]) - shown; rest > 0 {
				fmt.Fprintf(&b, ", and **%d more of the same kind**", rest)
			}
			b.WriteString("\n")
		}
	} else {
		for _, d := range merged(all) {
			fmt.Fprintf(&b, "> - %s: %s\n", markdown.Plain(stacks(d.in, ", ")),
				strings.TrimSpace(markdown.Inline(cut(d.What, 6*longest+d.named))))
		}
	}
	for i, m := range unsafe {
		if i == 20 {
			fmt.Fprintf(&b, "> - **%d more migrations that are not safe**\n", len(unsafe)-i)
			break
		}
		fmt.Fprintf(&b, "> - database: migration %s is **not safe while the old version still serves**: %s\n",
			code(cut(m.Path, longest)), sentence(cut(m.Unsafe, 2*longest)))
	}
	return b.String() + "\n"
}

// parts are all that follows the top, in the order in which it matters.
func (p Plan) parts() []part {
	if p.Build != nil {
		return nil
	}
	var parts []part
	add := func(name, whole, short string) {
		if whole != "" {
			parts = append(parts, part{name, whole, short})
		}
	}
	add("the sources of this plan", p.sources(), "")
	add("migrations", p.migrations(), "")
	for _, group := range p.alike(func(e Environment) string { return e.changes(false) }) {
		add("changes of "+group.title(), heading2("Changes in "+group.title())+group.text,
			heading2("Changes in "+group.title())+group.first.changes(true))
	}
	for _, group := range p.alike(Environment.withheld) {
		add("options of "+group.title(), heading2("Not for AWS: "+group.title())+group.text, "")
	}
	sections := []struct {
		title   string
		of      func(Environment) string
		changed func(Environment) bool
	}{
		{"Rules that are broken", Environment.broken, func(Environment) bool { return true }},
		{"Who reaches whom", Environment.reachability, func(e Environment) bool {
			return slices.ContainsFunc(e.Reach, func(r Reach) bool { return r.Change != Same })
		}},
		{"What roles may do", Environment.permissions, func(e Environment) bool {
			return slices.ContainsFunc(e.Roles, Role.Changed)
		}},
		{"What it costs", Environment.costs, func(e Environment) bool {
			return e.Cost.Before != e.Cost.After || e.Cost.Incomparable ||
				slices.ContainsFunc(e.Cost.Lines, func(l CostLine) bool {
					return l.Before != l.After
				}) ||
				slices.ContainsFunc(e.Cost.Unpriced, func(u Unpriced) bool { return u.Change != Same })
		}},
		{"Outputs of the stack", Environment.results, func(Environment) bool { return true }},
		{"Drawing", Environment.mermaid, func(e Environment) bool { return len(e.Changes) > 0 }},
		{"Rules that are deliberately not kept", Environment.exceptions, func(e Environment) bool {
			return slices.ContainsFunc(e.Policy.Exceptions, func(x Except) bool { return x.New })
		}},
		{"Rules that are not asked", Environment.notAsked, func(Environment) bool { return false }},
	}
	// What changes stands before what does not, whatever it is about.
	for _, changed := range []bool{true, false} {
		for _, s := range sections {
			for _, group := range p.alike(func(e Environment) string {
				if (e.New || e.BaseFault != nil || s.changed(e)) != changed {
					return ""
				}
				return s.of(e)
			}) {
				title := s.title + ": " + group.title()
				if !changed {
					title += ", unchanged"
				}
				add(title, details(title, group.text), "")
			}
		}
	}
	add("limits", details("What this plan does not know", p.limits()), "")
	return parts
}

// group is a text that several environments share.
type group struct {
	names []string
	text  string
	first Environment
}

func (g group) title() string { return stacks(g.names, " and ") }

// alike are the texts of the environments, each once.
func (p Plan) alike(of func(Environment) string) []group {
	var groups []group
	for _, e := range p.Environments {
		if e.Fault != nil || e.Gone {
			continue
		}
		text := of(e)
		if text == "" {
			continue
		}
		i := slices.IndexFunc(groups, func(g group) bool { return g.text == text })
		if i < 0 {
			groups = append(groups, group{[]string{e.Name}, text, e})
			continue
		}
		groups[i].names = append(groups[i].names, e.Name)
	}
	return groups
}

func heading2(title string) string { return "\n### " + markdown.Plain(title) + "\n\n" }

func details(title, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("\n<details><summary>%s</summary>\n\n%s\n</details>\n", markdown.Summary(title), text)
}

// sentence says that it is not looked at, and why.
func (u Unread) sentence() string {
	what, is := "Project", "is"
	switch len(u.Stacks) {
	case 0:
	case 1:
		what = "Stack " + code(cut(u.Stacks[0], 64)) + " of project"
	default:
		what, is = "Stacks "+strings.Join(few(spans(u.Stacks)), ", ")+" of project", "are"
	}
	return fmt.Sprintf("%s %s in %s %s not looked at: %s.", what, code(u.Project), code(u.Folder), is,
		code(cut(u.Why, longest)))
}

// sources tell what was compared.
func (p Plan) sources() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s against %s, without credentials: what only the real preview knows stands at the end.\n",
		markdown.Plain(p.Head), markdown.Plain(p.Base))
	for _, u := range p.Unread {
		changes := ""
		if u.Changed {
			changes = " **The change touches it, and nothing here judges that.**"
		}
		fmt.Fprintf(&b, "\n> %s%s\n", u.sentence(), changes)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "\n> %s\n", sentence(n))
	}
	var notes alikeNotes
	for _, e := range p.Environments {
		if e.BaseFault != nil {
			notes.add(e.Name, fmt.Sprintf("not compared:** at %s %s.\n>\n%s", markdown.Plain(p.Base),
				map[FaultKind]string{FaultSettings: "the settings cannot be used", FaultProgram: "the program fails",
					FaultBuild: "the program does not compile"}[e.BaseFault.Kind],
				fence(cut(e.BaseFault.Said, 600), "> ")))
		}
		if e.New {
			notes.add(e.Name, "new:** everything is created.\n")
		}
	}
	for _, s := range notes {
		be := "is"
		if len(s.names) > 1 {
			be = "are"
		}
		fmt.Fprintf(&b, "\n> **%s %s %s", markdown.Plain(stacks(s.names, " and ")), be, s.text)
	}
	return b.String()
}

// code is a text in a code span.
func code(text string) string { return markdown.Code(text) }

// fence is a text as a block of code, each line after the indent.
func fence(text, indent string, language ...string) string {
	return markdown.Fence(text, indent, language...)
}

// sentence is one with names in it, on one line, short of what a paragraph may hold.
func sentence(text string) string { return strings.TrimSpace(markdown.Inline(cut(text, 6*longest))) }

// plainText is Markdown without its marks.
func plainText(text string) string { return strings.NewReplacer("*", "", "`", "").Replace(text) }

// mostStacks is how many names of stacks are told at a time.
const mostStacks = 8

// stacks are names of stacks as text.
func stacks(names []string, separator string) string {
	var shown []string
	for i, name := range names {
		if i == mostStacks {
			shown = append(shown, fmt.Sprintf("%d more", len(names)-i))
			break
		}
		shown = append(shown, cut(name, 64))
	}
	return strings.Join(shown, separator)
}
