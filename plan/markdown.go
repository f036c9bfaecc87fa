package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"dossier.example/plan/markdown"
	"dossier.example/plan/prices"
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
				FaultProgram: "the program fails"}[e.Fault.Kind]
			fmt.Fprintf(&b, "> [!CAUTION]\n> **%s: %s**, so nothing else is known about it, and nothing can be "+
				"deployed there.\n\n%s\n", e.Name, what, fence(e.Fault.Said, ""))
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

// table is a line for each thing that is looked at, a column for each environment.
func (p Plan) table() string {
	names := []string{""}
	rows := []struct {
		title string
		of    func(e Environment) string
	}{
		{"Resources", func(e Environment) string { return tally(e) }},
		{"Instances of the app", func(e Environment) string {
			switch {
			case e.New || e.BaseFault != nil:
				return "new"
			case e.exchanges():
				return "exchanged, one after the other"
			}
			return "stay"
		}},
		{"A month, idle", func(e Environment) string { return money(e.Cost, e.BaseFault == nil && !e.New) }},
		{"Who reaches whom", func(e Environment) string {
			counts := map[Difference]int{}
			for _, r := range e.Reach {
				counts[r.Change]++
			}
			return plusMinus(counts, e)
		}},
		{"What roles may do", func(e Environment) string {
			counts := map[Difference]int{}
			for _, r := range e.Roles {
				for _, g := range r.Grants {
					counts[g.Change]++
				}
			}
			return plusMinus(counts, e)
		}},
		{"Rules", func(e Environment) string {
			if n := len(e.Policy.Broken); n > 0 {
				return fmt.Sprintf("**%d broken**", n)
			}
			return "all kept, or exempted with a reason"
		}},
	}
	for _, e := range p.Environments {
		names = append(names, cut(e.Name, 64))
	}
	table := markdown.NewTable(names...)
	for _, row := range rows {
		cells := []string{row.title}
		for _, e := range p.Environments {
			switch {
			case e.Gone:
				cells = append(cells, "the stack's file was removed; what is deployed stays until `pulumi destroy`")
			case e.Fault != nil:
				cells = append(cells, "–")
			default:
				cells = append(cells, row.of(e))
			}
		}
		table.Row(cells...)
	}
	migrations := "none"
	if len(p.Migrations) > 0 {
		migrations = strconv.Itoa(len(p.Migrations))
		if slices.ContainsFunc(p.Migrations, func(m Migration) bool { return m.Unsafe != "" }) {
			migrations += ", **not all safe**"
		} else {
			migrations += ", safe while the old version serves"
		}
	}
	app := "unchanged"
	switch {
	case p.Release.Before == "" || p.Release.After == "":
		app = "not known"
	case p.Release.Before != p.Release.After:
		app = "another release"
	}
	return fmt.Sprintf("%s\nMigrations: %s. App: %s.\n", table, migrations, app)
}

// exchanges reports whether instances are started from something else.
func (e Environment) exchanges() bool {
	return slices.ContainsFunc(e.Changes, func(c Change) bool {
		return c.Type == "aws:ec2/launchTemplate:LaunchTemplate" && c.Action != Create
	})
}

// command tells a change that is nothing but a command which runs again.
func (c Change) command() bool {
	return strings.HasPrefix(c.Type, "command:") && (c.Action == Replace || c.Action == Update)
}

func plusMinus(counts map[Difference]int, e Environment) string {
	switch {
	case e.New || e.BaseFault != nil:
		return "all new"
	case counts[Added]+counts[Removed] == 0:
		return "unchanged"
	}
	return fmt.Sprintf("+%d −%d", counts[Added], counts[Removed])
}

func tally(e Environment) string {
	counts, commands := map[Action]int{}, 0
	for _, c := range e.Changes {
		if c.command() {
			commands++
		} else {
			counts[c.Action]++
		}
	}
	var said []string
	for _, a := range []struct {
		Action
		past string
		loud bool
	}{{Delete, "deleted", true}, {Replace, "replaced", true}, {Update, "updated", false}, {Create, "created", false}} {
		if n := counts[a.Action]; n > 0 {
			text := fmt.Sprintf("%d %s", n, a.past)
			if a.loud {
				text = "**" + text + "**"
			}
			said = append(said, text)
		}
	}
	if commands > 0 {
		said = append(said, counting(commands, "command runs", "commands run"))
	}
	if len(said) == 0 {
		return "unchanged"
	}
	return strings.Join(said, ", ")
}

func money(c Cost, compared bool) string {
	sum := fmt.Sprintf("$%.2f", c.After)
	switch {
	case compared && c.Incomparable:
		sum = fmt.Sprintf("$%.2f → $%.2f, **not comparable**: something has a price on one side only", c.Before,
			c.After)
	case compared && c.Before != c.After:
		sum = fmt.Sprintf("$%.2f → $%.2f (**%+.2f**)", c.Before, c.After, c.After-c.Before)
	case compared:
		sum += ", unchanged"
	}
	if n := slices.IndexFunc(c.Unpriced, func(u Unpriced) bool { return u.Change != Removed }); n >= 0 {
		sum += ", **without what has no price here**"
	}
	if c.Region != "" {
		sum += ", **at the prices of " + prices.Region + "**, not of " + code(c.Region)
	}
	return sum
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

func (p Plan) migrations() string {
	if len(p.Migrations) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(heading2("Migrations"))
	b.WriteString("They run on every environment's database before an instance starts; in the meantime the old " +
		"version serves.\n\n")
	for _, m := range p.Migrations {
		verdict := "safe: " + m.Note
		if m.Unsafe != "" {
			verdict = "**not safe:** " + m.Unsafe
		}
		fmt.Fprintf(&b, "- %s: %s\n", code(cut(m.Path, longest)), oneLine(verdict))
		if m.SQL != "" {
			b.WriteString("\n" + fence(cut(m.SQL, 8*longest), "  ") + "\n")
		}
	}
	return b.String()
}

// mostCreated is how many new resources are named one by one in the first place.
const mostCreated = 12

// changes lists them, the gravest first. In short form the properties of what is updated are left out, and new ones are
// counted by type.
func (e Environment) changes(brief bool) string {
	if len(e.Changes) == 0 {
		return ""
	}
	var b strings.Builder
	created := 0
	for _, c := range e.Changes {
		if c.Action == Create {
			created++
		}
	}
	var counted []string
	numbers := map[string]int{}
	for _, c := range e.Changes {
		if c.Action == Create && len(c.Properties) == 0 && (created > mostCreated || brief) {
			if numbers[c.Kind]++; numbers[c.Kind] == 1 {
				counted = append(counted, c.Kind)
			}
			continue
		}
		verb := string(c.Action)
		if c.Action == Delete || c.Action == Replace {
			verb = "**" + verb + "**"
		}
		if c.command() {
			verb = "run again"
		}
		fmt.Fprintf(&b, "- %s %s %s", verb, oneLine(c.Kind), code(c.Name))
		switch {
		case c.Kept && c.Action == Replace:
			b.WriteString(" (AWS keeps the old one, and Pulumi forgets it)")
		case c.Kept:
			b.WriteString(": Pulumi forgets it, AWS keeps it")
		case c.Unsure:
			b.WriteString(" (or **replace**: not known here)")
		}
		if len(c.Properties) > 0 && brief && c.Action == Update {
			fmt.Fprintf(&b, " (%s)", counting(len(c.Properties), "property", "properties"))
		} else {
			for i, property := range c.Properties {
				property.Replaces = property.Replaces && c.Action == Replace && !c.command()
				if i == mostProperties {
					fmt.Fprintf(&b, "\n  - … and %s", counting(len(c.Properties)-i, "property more", "properties more"))
					break
				}
				fmt.Fprintf(&b, "\n  - %s", property)
			}
		}
		b.WriteString("\n")
	}
	if len(counted) > 0 {
		slices.Sort(counted)
		for i, kind := range counted {
			counted[i] = fmt.Sprintf("%d %s", numbers[kind], kind)
		}
		total := 0
		for _, n := range numbers {
			total += n
		}
		fmt.Fprintf(&b, "- create %d: %s\n", total, strings.Join(counted, ", "))
	}
	return b.String()
}

// withheld are the changes that AWS is not asked for: inputs that the program says to ignore, and options.
func (e Environment) withheld() string {
	var b strings.Builder
	list := func(title string, changes []Change) {
		names := map[string][]string{}
		var order []string
		for _, c := range changes {
			var text strings.Builder
			for i, property := range c.Properties {
				if i == mostProperties {
					fmt.Fprintf(&text, "  - … and %s\n",
						counting(len(c.Properties)-i, "property more", "properties more"))
					break
				}
				fmt.Fprintf(&text, "  - %s\n", property)
			}
			if names[text.String()] == nil {
				order = append(order, text.String())
			}
			names[text.String()] = append(names[text.String()], c.Kind+" "+code(c.Name))
		}
		for i, text := range order {
			if i == 0 {
				b.WriteString(title + "\n\n")
			}
			if i == mostWithheld {
				fmt.Fprintf(&b, "- … and %d differences more\n", len(order)-i)
				break
			}
			fmt.Fprintf(&b, "- %s\n%s", strings.Join(few(names[text]), ", "), text)
		}
	}
	list("Asked for in vain, because the program says to ignore it (option `ignoreChanges`): AWS keeps what it has.",
		e.Ignored)
	if len(e.Ignored) > 0 && len(e.Options) > 0 {
		b.WriteString("\n")
	}
	list("Options of resources, which Pulumi alone keeps:", e.Options)
	return b.String()
}

// mostWithheld is how many differences withheld tells in each list.
const mostWithheld = 30

// mostProperties is how many of one resource are shown.
const mostProperties = 12

// String is the property in Markdown.
func (p Property) String() string {
	why := ""
	if p.Replaces {
		why = " — this replaces it"
	}
	switch {
	case p.Before == "":
		return fmt.Sprintf("%s: %s added%s", code(p.Path), code(p.After), why)
	case p.After == "":
		return fmt.Sprintf("%s: %s removed%s", code(p.Path), code(p.Before), why)
	}
	return fmt.Sprintf("%s: %s → %s%s", code(p.Path), code(p.Before), code(p.After), why)
}

func (e Environment) broken() string {
	var b strings.Builder
	for _, v := range e.Policy.Broken {
		when := ""
		if v.Before {
			when = " (also before)"
		}
		fmt.Fprintf(&b, "- **%s**%s%s: %s. Fix: %s.\n", v.Rule, of(v.Resource), when, oneLine(v.Message),
			oneLine(v.Mend))
	}
	for _, m := range e.Policy.Mended {
		fmt.Fprintf(&b, "- kept again: %s\n", oneLine(m))
	}
	return b.String()
}

func (e Environment) reachability() string {
	table := markdown.NewTable("", "From", "To", "Ports", "By way of")
	for _, r := range e.Reach {
		ports := strings.TrimSpace(r.Protocol + " " + r.Ports)
		if r.Protocol == "all" {
			ports = "all"
		}
		cells := []string{sign(r.Change), r.From, r.To, ports, r.Via}
		for i, c := range cells[1:] {
			i++
			cells[i] = markdown.Text(c)
			if r.Change != Same {
				cells[i] = "**" + cells[i] + "**"
			}
			if r.Change == Removed {
				cells[i] = "~~" + cells[i] + "~~"
			}
		}
		table.Row(cells...)
	}
	return table.String()
}

func sign(d Difference) string { return map[Difference]string{Added: "**+**", Removed: "**−**"}[d] }

func (e Environment) permissions() string {
	var b strings.Builder
	for _, r := range e.Roles {
		counts := map[Difference]int{}
		for _, g := range r.Grants {
			counts[g.Change]++
		}
		fmt.Fprintf(&b, "**%s**: %d before, %d after\n\n", r.Name, counts[Same]+counts[Removed],
			counts[Same]+counts[Added])
		if e.New || e.BaseFault != nil {
			b.Reset()
			continue
		}
		for _, line := range r.lines() {
			b.WriteString(line)
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		for _, r := range e.Roles {
			fmt.Fprintf(&b, "**%s**\n\n%s\n", r.Name, strings.Join(r.lines(), ""))
		}
	}
	return b.String()
}

// lines are the grants with all actions on one resource in one line, what changes first.
func (r Role) lines() []string {
	type key struct {
		change                      Difference
		effect, resource, condition string
		trust                       bool
	}
	var order []key
	actions := map[key][]string{}
	for _, g := range r.Grants {
		k := key{g.Change, g.Effect, g.Resource, g.Condition, g.Action == assumed}
		if actions[k] == nil {
			order = append(order, k)
		}
		actions[k] = append(actions[k], code(g.Action))
	}
	rank := map[Difference]int{Added: 0, Removed: 1, Same: 2}
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Compare(rank[a.change], rank[b.change]) })
	var lines []string
	for _, k := range order {
		text := strings.Join(actions[k], ", ") + " on " + code(k.resource)
		if k.trust {
			text = "assumed by " + code(k.resource)
		}
		if k.effect != "Allow" {
			text = k.effect + " " + text
		}
		if k.condition != "" {
			text += " if " + code(cut(k.condition, longest))
		}
		if s := sign(k.change); s != "" {
			text = s + " " + text
		}
		lines = append(lines, "- "+text+"\n")
	}
	return lines
}

func (e Environment) costs() string {
	c := e.Cost
	table := markdown.NewTable("What", "Resource", "before:", "after:")
	compared := !e.New && e.BaseFault == nil
	for _, l := range c.Lines {
		what := cmp.Or(l.After, l.Before)
		if l.Before != l.After && l.Before != "" && l.After != "" && compared {
			what = l.Before + " → " + l.After
		}
		was, is := fmt.Sprintf("%.2f", l.Was), fmt.Sprintf("%.2f", l.Is)
		if !compared {
			was = "–"
		} else if l.Was != l.Is {
			is = "**" + is + "**"
		}
		table.Row(markdown.Text(what), code(l.Resource), was, is)
	}
	sum := fmt.Sprintf("%.2f", c.Before)
	if !compared {
		sum = "–"
	}
	table.Row("**Sum**, $ a month while nobody uses it", "", "**"+sum+"**", fmt.Sprintf("**%.2f**", c.After))
	var b strings.Builder
	b.WriteString(table.String())
	if len(c.Unpriced) > 0 {
		b.WriteString("\n**Not in the sum, because no price is known:**\n\n")
		for _, u := range c.Unpriced {
			fmt.Fprintf(&b, "- %s\n", strings.TrimSpace(sign(u.Change)+" "+oneLine(u.What)))
		}
	}
	table = markdown.NewTable("", "What use costs on top", "$:", "for each")
	for _, u := range c.Uses {
		table.Row(sign(u.Change), markdown.Text(u.What), fmt.Sprint(u.Price), markdown.Text(u.Unit))
	}
	return b.String() + "\n" + table.String()
}

func (e Environment) results() string {
	var b strings.Builder
	for _, o := range e.Outputs {
		fmt.Fprintf(&b, "- %s\n", o)
	}
	return b.String()
}

func (e Environment) mermaid() string { return fence(e.Drawing.Mermaid(), "", "mermaid") }

func (e Environment) exceptions() string {
	var b strings.Builder
	for _, x := range e.Policy.Exceptions {
		isNew := ""
		if x.New {
			isNew = " **(new)**"
		}
		where := ""
		if len(x.Resources) > 0 {
			names := x.Resources
			if len(names) > 3 {
				names = append(slices.Clone(names[:3]), fmt.Sprintf("%d more", len(x.Resources)-3))
			}
			where = " (" + strings.Join(names, ", ") + ")"
		}
		fmt.Fprintf(&b, "- **%s**%s%s: %s\n", x.Rule, isNew, where, oneLine(x.Reason))
	}
	return b.String()
}

// limits are what the plan does not know.
func (p Plan) limits() string {
	var b strings.Builder
	for _, l := range []string{
		"What is really deployed. The plan compares two revisions of the repository: what was changed by hand, was " +
			"never deployed or failed half-way is seen by the preview alone.",
		"What AWS makes up. Ids, addresses and names in braces stand for it.",
		"Whether AWS accepts it: quotas, capacity, names that are taken, features that a region lacks.",
		"What needs another resource is taken from the source of the Terraform AWS provider 1.60, and by hand from " +
			"the reference of 5.100 for what came since. What a provider decides from several values at once is in " +
			"neither.",
		"How much the app is used.",
	} {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	fmt.Fprintf(&b, "\nPrices: lists of %s, %s, in US dollars. Not counted: %s.\n", p.Prices.Region, p.Prices.Date,
		strings.Join(p.Prices.NotCounted, "; "))
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
