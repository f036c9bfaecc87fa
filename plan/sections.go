package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/markdown"
)

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
		fmt.Fprintf(&b, "- %s: %s\n", code(cut(m.Path, longest)), sentence(verdict))
		if m.SQL != "" {
			b.WriteString("\n" + fence(cut(m.SQL, 8*longest), "  ") + "\n")
		}
	}
	return b.String()
}

// mostCreated is how many new resources are named one by one in the first place.
const mostCreated = 12

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
			names[text.String()] = append(names[text.String()], markdown.Plain(c.Kind)+" "+code(c.Name))
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
	why := p.does()
	switch {
	case p.Before == "":
		return fmt.Sprintf("%s: %s added%s", code(p.Path), code(p.After), why)
	case p.After == "":
		return fmt.Sprintf("%s: %s removed%s", code(p.Path), code(p.Before), why)
	}
	return fmt.Sprintf("%s: %s → %s%s", code(p.Path), code(p.Before), code(p.After), why)
}

// does is what the difference does to the resource, where it is more than an update.
func (p Property) does() string {
	switch {
	case p.Replaces && p.Source == fromCloudFormation:
		return " — this replaces it (" + p.Source + ")"
	case p.Replaces:
		return " — this replaces it"
	case p.Verdict == MayReplace:
		return " — this may replace it (" + p.Source + ")"
	case p.Verdict == UnknownInput, p.Verdict == UnknownType:
		return " — whether this replaces it is not known"
	}
	return ""
}

func (e Environment) broken() string {
	var b strings.Builder
	type place struct {
		rule, message, mend string
		before              bool
	}
	var order []place
	where := map[place][]string{}
	for _, v := range e.Policy.Broken {
		name := bareName(v.Resource)
		at := place{v.Rule, own(v.Message, name), v.Mend, v.Before}
		if v.Resource == "" {
			at.message = v.Message
		}
		if where[at] == nil {
			order = append(order, at)
		}
		where[at] = append(where[at], v.Resource)
	}
	for _, at := range order {
		when, by, message := "", "", at.message
		if at.before {
			when = " (inherited)"
		}
		if names := where[at]; len(names) > 1 || names[0] != "" {
			by = " by " + namesOf(names, mostNames)
		}
		if names := where[at]; len(names) == 1 {
			message = strings.ReplaceAll(message, itsName, bareName(names[0]))
		}
		fmt.Fprintf(&b, "- **%s**%s%s: %s. Fix: %s.\n", markdown.Plain(at.rule), by, when, sentence(message),
			sentence(at.mend))
	}
	for _, m := range e.Policy.Mended {
		fmt.Fprintf(&b, "- no longer found: %s\n", sentence(m))
	}
	return b.String()
}

func (e Environment) reachability() string {
	if len(e.Reach) == 0 {
		return ""
	}
	table := markdown.NewTable("", "From", "To", "Ports", "By way of")
	for _, r := range e.Reach {
		ports := strings.TrimSpace(r.Protocol + " " + r.Ports)
		if r.Protocol == "all" {
			ports = "all"
		}
		cells := []string{sign(r.Change), r.From, r.To, ports, r.Via}
		for i, c := range cells[1:] {
			i++
			cells[i] = markdown.Plain(c)
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
		fmt.Fprintf(&b, "**%s**: %d before, %d after\n\n", markdown.Plain(r.Name), counts[Same]+counts[Removed],
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
			fmt.Fprintf(&b, "**%s**\n\n%s\n", markdown.Plain(r.Name), strings.Join(r.lines(), ""))
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

func (e Environment) results() string {
	var b strings.Builder
	for _, o := range e.Outputs {
		fmt.Fprintf(&b, "- %s\n", o)
	}
	return b.String()
}

func (e Environment) mermaid() string {
	if len(e.Drawing.Nodes) == 0 {
		return ""
	}
	return fence(e.Drawing.Mermaid(), "", "mermaid")
}

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
			where = " (" + markdown.Plain(strings.Join(names, ", ")) + ")"
		}
		fmt.Fprintf(&b, "- **%s**%s%s: %s\n", markdown.Plain(x.Rule), isNew, where, sentence(x.Reason))
	}
	return b.String()
}

// notAsked are the resources that rules are not asked of, those of one rule for one reason as one.
func (e Environment) notAsked() string {
	type reason struct{ rule, why string }
	var order []reason
	of := map[reason][]string{}
	for _, n := range e.Policy.NotAsked {
		at := reason{n.Rule, own(n.Why, bareName(n.Resource))}
		if of[at] == nil {
			order = append(order, at)
		}
		of[at] = append(of[at], n.Resource)
	}
	var b strings.Builder
	for _, at := range order {
		why := at.why
		if names := of[at]; len(names) == 1 {
			why = strings.ReplaceAll(why, itsName, bareName(names[0]))
		}
		fmt.Fprintf(&b, "- **%s** of %s: %s\n", markdown.Plain(at.rule), namesOf(of[at], mostNames), sentence(why))
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
		"What needs another resource is taken from the source of the Terraform AWS provider 5.46, by hand from the " +
			"reference of 5.100 for what came since, and from CloudFormation's data for younger types. What a " +
			"provider decides from several values at once is known in part.",
		"How much the app is used.",
	} {
		fmt.Fprintf(&b, "- %s\n", l)
	}
	b.WriteString("\n" + p.Prices.origin())
	return b.String()
}
