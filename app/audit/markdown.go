package audit

import "strings"

//go:generate go test . -run ^TestDocuments$ -update

// Markdown returns the table of all actions.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| Action | Means | Entries |\n| --- | --- | --- |\n")
	for _, k := range actions {
		entries := "one"
		if k.changes {
			entries = "before and after"
		}
		b.WriteString("| `" + string(k.action) + "` | " + k.text + " | " + entries + " |\n")
	}
	return b.String()
}
