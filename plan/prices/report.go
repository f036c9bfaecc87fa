package prices

import (
	"fmt"
	"strings"

	"dossier.example/plan/markdown"
)

// Markdown is the bill for a page: a table with its sum, and after it what the sum leaves out.
func (b Bill) Markdown() string {
	table := markdown.NewTable("What", "Resource", "$ a month:")
	for _, l := range b.Lines {
		table.Row(l.What, "`"+l.Resource+"`", fmt.Sprintf("%.2f", l.Monthly))
	}
	table.Row("**Sum**", "", fmt.Sprintf("**%.2f**", b.Total()))
	var s strings.Builder
	s.WriteString(table.String())
	if len(b.Unpriced) > 0 {
		s.WriteString("\n**Not in the sum, because no price is known:**\n\n")
		for _, u := range b.Unpriced {
			fmt.Fprintf(&s, "- %s\n", u)
		}
	}
	return s.String()
}

// Environment is a stack with its bill.
type Environment struct {
	Name string
	Bill Bill
}

// Document is the part of a documentation that tells costs: each environment at rest in a region, what that leaves out,
// and what use costs.
func (t *Table) Document(region string, environments ...Environment) string {
	var s strings.Builder
	fmt.Fprintf(&s, "List prices of %s, on demand, in US dollars, as published in %s; a month has %d hours.\n"+
		"They are a copy: AWS's bill is what counts. Most other regions are more expensive.\n", region, t.Date, Hours)
	for _, e := range environments {
		fmt.Fprintf(&s, "\n`%s` while idle: **$%.2f a month**.\n\n%s", e.Name, e.Bill.Total(), e.Bill.Markdown())
	}
	s.WriteString("\nNot counted:\n\n")
	for _, n := range NotCounted() {
		fmt.Fprintf(&s, "- %s\n", n)
	}
	table := markdown.NewTable("What", "$:", "for each")
	for _, u := range t.AllUses(region) {
		table.Row(u.What, fmt.Sprint(u.Price), u.Unit)
	}
	return s.String() + "\nWhat usage adds:\n\n" + table.String()
}
