package prove

import "dossier.example/plan/markdown"

// Document is the part of docs/verification.md that lists what is proven.
func Document() string {
	points := markdown.NewTable("Point", "Says")
	for _, p := range Points() {
		points.Row("`"+p.ID+"`", markdown.Text(p.Says))
	}
	table := markdown.NewTable("Drill", "Does", "Costs", "Takes", "Proves")
	for _, d := range drills() {
		table.Row("`"+d.name+"`", markdown.Text(d.does), d.costs, d.takes, markdown.Text(d.says))
	}
	return points.String() + "\n" + table.String()
}
