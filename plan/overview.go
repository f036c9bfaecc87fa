package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
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
		{"Instances of groups", Environment.exchange},
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
			all, inherited := len(e.Policy.Broken), e.Policy.Inherited()
			switch {
			case all > inherited && inherited > 0:
				return fmt.Sprintf("**%d newly broken**, %d inherited", all-inherited, inherited)
			case all > inherited:
				return fmt.Sprintf("**%d broken**", all)
			case all > 0:
				return fmt.Sprintf("none newly broken, %d inherited", inherited)
			}
			if e.Policy.Asked == 0 {
				return "none asked"
			}
			rules := map[string]bool{}
			for _, n := range e.Policy.NotAsked {
				rules[n.Rule] = true
			}
			if len(rules) > 0 {
				return fmt.Sprintf("all kept, or exempted with a reason; %d not asked of some resources", len(rules))
			}
			return "all kept, or exempted with a reason"
		}},
	}
	for _, e := range p.Environments {
		names = append(names, markdown.Plain(cut(e.Name, 64)))
	}
	table := markdown.NewTable(names...)
	for _, row := range rows {
		if row.title == "Instances of groups" && !slices.ContainsFunc(p.Environments, func(e Environment) bool {
			return e.fleet != noFleet
		}) {
			continue
		}
		cells := []string{row.title}
		for _, e := range p.Environments {
			switch {
			case e.Gone:
				text := "no longer in the repository; what is deployed stays until `pulumi destroy`"
				if e.Left != "" {
					text = "no longer looked at"
				}
				cells = append(cells, text)
			case e.Fault != nil:
				cells = append(cells, "–")
			default:
				cells = append(cells, row.of(e))
			}
		}
		table.Row(cells...)
	}
	if !p.deploys {
		return table.String() + p.inheritance()
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
	return fmt.Sprintf("%s\nMigrations: %s. App: %s.\n%s", table, migrations, app, p.inheritance())
}

// fleet is how the instances of a stack's Auto Scaling groups follow their launch template.
type fleet int

const (
	noFleet fleet = iota
	// refreshed groups exchange their instances when the template changes.
	refreshed
	// lasting groups leave that to others, such as a command of the stack; new instances are started from the new one.
	// Where there are groups of both kinds, this is what is said.
	lasting
)

// fleetOf looks at the groups of a graph.
func fleetOf(g *graph.Graph) fleet {
	found := noFleet
	for _, group := range g.ByType("aws:autoscaling/group:Group") {
		if group.Read {
			continue
		}
		if group.Input("instanceRefresh") == nil {
			return lasting
		}
		found = refreshed
	}
	return found
}

// exchange is what happens to the instances of groups.
func (e Environment) exchange() string {
	template := slices.ContainsFunc(e.Changes, func(c Change) bool {
		return c.Type == "aws:ec2/launchTemplate:LaunchTemplate" && !c.made()
	})
	switch {
	case e.fleet == noFleet:
		return "none"
	case e.New || e.BaseFault != nil:
		return "new"
	case template && e.fleet == refreshed:
		return "exchanged, one after the other"
	case template:
		return "get another launch template"
	}
	return "stay"
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
	}{{Delete, "deleted", true}, {Replace, "replaced", true}, {Update, "updated", false}, {Import, "taken over", true},
		{Create, "created", false}} {
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
