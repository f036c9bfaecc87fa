package prices

import (
	"fmt"
	"strings"
)

// Markdown is the bill for a page or a comment: a table with its sum, and after it what the sum leaves out.
func (b Bill) Markdown() string {
	var s strings.Builder
	s.WriteString("| What | Resource | $ a month |\n| --- | --- | ---: |\n")
	for _, l := range b.Lines {
		fmt.Fprintf(&s, "| %s | `%s` | %.2f |\n", cell(l.What), l.Resource, l.Monthly)
	}
	fmt.Fprintf(&s, "| **Sum** | | **%.2f** |\n", b.Total())
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

// Document is the part of the documentation that tells costs: each environment at rest, what that leaves out, and what
// use costs.
func Document(environments ...Environment) string {
	var s strings.Builder
	fmt.Fprintf(&s, "List prices of %s, on demand, in US dollars, as published in %s; a month has %d hours.\n"+
		"They are a copy: AWS's bill is what counts. Most other regions are more expensive.\n", Region, Date, Hours)
	for _, e := range environments {
		fmt.Fprintf(&s, "\n`%s` while idle: **$%.2f a month**.\n\n%s", e.Name, e.Bill.Total(), e.Bill.Markdown())
	}
	s.WriteString("\nNot counted:\n\n")
	for _, n := range NotCounted() {
		fmt.Fprintf(&s, "- %s\n", n)
	}
	s.WriteString("\nWhat usage adds:\n\n| What | $ | for each |\n| --- | ---: | --- |\n")
	for _, u := range Uses() {
		fmt.Fprintf(&s, "| %s | %g | %s |\n", cell(u.What), u.Price, u.Unit)
	}
	return s.String()
}

// cell makes a text fit for a cell of a Markdown table.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
