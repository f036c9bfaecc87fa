package prove

import (
	"fmt"
	"strings"
)

// Document is the part of docs/verification.md that lists what is proven.
func Document() string {
	var b strings.Builder
	b.WriteString("| Point | Says |\n| --- | --- |\n")
	for _, p := range Points() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", p.ID, cell(p.Says))
	}
	b.WriteString("\n| Drill | Does | Costs | Takes | Proves |\n| --- | --- | --- | --- | --- |\n")
	for _, d := range drills() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.name, cell(d.does), cell(d.costs), cell(d.takes), cell(d.says))
	}
	return b.String()
}
