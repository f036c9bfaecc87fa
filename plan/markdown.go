package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
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
		b.WriteString("\n" + cut(fmt.Sprintf("> **Left out, because a comment takes %d characters:** %s. `make plan "+
			"FORMAT=json` has everything.", Limit, strings.Join(missing, ", ")), reserve-100) + "\n")
	}
	return b.String()
}

// Failed is the comment where no plan could be made.
func Failed(err error) string {
	return "## Plan: there is none\n\n> [!CAUTION]\n> **No plan could be made**, so nothing is known of what this " +
		"change " +
		"does.\n\n" + fence(cut(err.Error(), 32*longest), "")
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
	for _, e := range p.Environments {
		if e.Fault != nil {
			what := map[FaultKind]string{FaultSettings: "its settings cannot be used",
				FaultProgram: "the program fails", FaultBuild: "the program does not compile"}[e.Fault.Kind]
			fmt.Fprintf(&b, "> [!CAUTION]\n> **%s: %s**, so nothing else is known about it, and nothing can be "+
				"deployed there.\n\n%s\n", e.Name, what, fence(e.Fault.Said, ""))
		}
	}
	for _, e := range p.Environments {
		if e.Policy.Fault != "" {
			fmt.Fprintf(&b, "> [!CAUTION]\n> **%s: its rules could not be asked**, so nothing is known of them.\n\n%s\n",
				cut(e.Name, 64), fence(cut(e.Policy.Fault, 32*longest), ""))
		}
	}
	b.WriteString(p.alarm(brief))
	b.WriteString(p.table())
	return b.String()
}

// verdict is the plan in a few words.
func (p Plan) verdict() string {
	if p.Build != nil {
		return "the program does not compile"
	}
	var faults []string
	dangers, changes, unknown, withheld := 0, 0, 0, 0
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
			if d.Kind == notJudged {
				unknown++
			} else {
				dangers++
			}
		}
		changes += len(e.Changes)
		withheld += len(e.Ignored) + len(e.Options)
	}
	unsafe := p.unsafe()
	var said []string
	if len(faults) > 0 {
		said = append(said, "no plan for "+strings.Join(faults, " and "))
	}
	if dangers > 0 || unsafe != "" {
		said = append(said, "⛔ "+p.worst(unsafe))
	}
	if unknown > 0 {
		said = append(said, fmt.Sprintf("❓ %s that nothing here judges", counting(unknown, "change", "changes")))
	}
	switch {
	case len(said) > 0:
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
				in[d.Kind] = append(in[d.Kind], cut(name, 64))
			}
		}
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%s in %s", kind, strings.Join(in[kind], " and "))
	}
	if len(kinds) > mostKinds {
		kinds = append(kinds[:mostKinds], fmt.Sprintf("and %d kinds more", len(kinds)-mostKinds))
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
}

// grouped are the dangers of all environments, each once.
func (p Plan) grouped() []inEnvironments {
	var found []inEnvironments
	for _, e := range p.Environments {
		for _, d := range e.Dangers {
			i := slices.IndexFunc(found, func(f inEnvironments) bool { return f.Danger == d })
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
				code(cmp.Or(d.Resource, cut(plainText(d.What), 60)))+" ("+strings.Join(d.in, ", ")+")")
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
			fmt.Fprintf(&b, "> - **%s: %d.** %s", kind, len(kinds[kind]), strings.Join(kinds[kind][:shown], ", "))
			if rest := len(kinds[kind]) - shown; rest > 0 {
				fmt.Fprintf(&b, ", and **%d more of the same kind**", rest)
			}
			b.WriteString("\n")
		}
	} else {
		for _, d := range all {
			fmt.Fprintf(&b, "> - %s: %s\n", strings.Join(d.in, ", "), oneLine(d.What))
		}
	}
	for i, m := range unsafe {
		if i == 20 {
			fmt.Fprintf(&b, "> - **%d more migrations that are not safe**\n", len(unsafe)-i)
			break
		}
		fmt.Fprintf(&b, "> - database: migration %s is **not safe while the old version still serves**: %s\n",
			code(cut(m.Path, longest)), cut(oneLine(m.Unsafe), 2*longest))
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
		add("changes of "+group.names, heading2("Changes in "+group.names)+group.text,
			heading2("Changes in "+group.names)+group.first.changes(true))
	}
	for _, group := range p.alike(Environment.withheld) {
		add("options of "+group.names, heading2("Not for AWS: "+group.names)+group.text, "")
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
				title := s.title + ": " + group.names
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
	names, text string
	first       Environment
}

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
			groups = append(groups, group{e.Name, text, e})
			continue
		}
		groups[i].names += " and " + e.Name
	}
	return groups
}

func heading2(title string) string { return "\n### " + title + "\n\n" }

func details(title, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("\n<details><summary>%s</summary>\n\n%s\n</details>\n", title, text)
}

// sources tell what was compared.
func (p Plan) sources() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s against %s, without credentials: [docs/review.md](../blob/HEAD/docs/review.md) describes "+
		"what only the real preview knows.\n", p.Head, p.Base)
	for _, u := range p.Unread {
		changes := ""
		if u.Changed {
			changes = " **The change touches it, and nothing here judges that.**"
		}
		fmt.Fprintf(&b, "\n> Project %s in %s is not looked at: %s.%s\n", code(u.Project), code(u.Folder),
			code(cut(u.Why, longest)),
			changes)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "\n> %s\n", n)
	}
	for _, e := range p.Environments {
		if e.BaseFault != nil {
			fmt.Fprintf(&b, "\n> **%s is not compared:** at %s %s.\n>\n%s", cut(e.Name, 64), p.Base,
				map[FaultKind]string{FaultSettings: "its settings cannot be used", FaultProgram: "the program fails",
					FaultBuild: "the program does not compile"}[e.BaseFault.Kind],
				fence(cut(e.BaseFault.Said, 600), "> "))
		}
		if e.New {
			fmt.Fprintf(&b, "\n> **%s is new:** all of it is created.\n", cut(e.Name, 64))
		}
	}
	return b.String()
}

// code is a text in a code span.
func code(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\n", " ⏎ ")), " ")
	if text == "" {
		return "` `"
	}
	if !strings.Contains(text, "`") {
		return "`" + text + "`"
	}
	marks := "``"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	return marks + " " + text + " " + marks
}

// fence is a text as a block of code, each line after the indent.
func fence(text, indent string, language ...string) string {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	var b strings.Builder
	b.WriteString(indent + marks + strings.Join(language, "") + "\n")
	for l := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		b.WriteString(indent + l)
	}
	b.WriteString(indent + marks + "\n")
	return b.String()
}

// oneLine keeps a text on one line, short of what a paragraph may hold, and its angle brackets from being taken for
// HTML.
func oneLine(text string) string {
	return cut(strings.NewReplacer("\n", " ", "<", "&lt;", ">", "&gt;").Replace(text), 6*longest)
}

// plainText is Markdown without its marks.
func plainText(text string) string { return strings.NewReplacer("*", "", "`", "").Replace(text) }
