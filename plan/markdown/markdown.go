// Package markdown writes the tables of reports and documents, and texts of strangers so that they stay texts.
package markdown

import "strings"

// Table is a Markdown table.
type Table struct {
	b strings.Builder
}

// NewTable begins a table with the titles of its columns. One that ends with a colon has numbers below it, which are
// set to the right.
func NewTable(titles ...string) *Table {
	t := &Table{}
	var head, lines []string
	for _, title := range titles {
		title, numbers := strings.CutSuffix(title, ":")
		head, lines = append(head, title), append(lines, map[bool]string{false: "---", true: "---:"}[numbers])
	}
	t.Row(head...)
	t.Row(lines...)
	return t
}

// Row adds a row of cells in Markdown. What would end a cell is escaped; HTML is not: see Text.
func (t *Table) Row(cells ...string) {
	for _, cell := range cells {
		t.b.WriteString("|")
		if cell != "" {
			t.b.WriteString(" " + strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell))
		}
		t.b.WriteString(" ")
	}
	t.b.WriteString("|\n")
}

// String returns the table, each row on a line.
func (t *Table) String() string { return t.b.String() }

// Text keeps a text's angle brackets from being taken for HTML.
func Text(text string) string { return strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text) }
