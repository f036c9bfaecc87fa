package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/markdown"
)

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
		names = append(names, markdown.Plain(cut(e.Name, 64)))
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
