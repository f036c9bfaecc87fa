package setting

import "strings"

// Code writes a literal in Markdown, and nothing where there is none.
func Code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// Cell keeps a text from ending a table's cell or being read as HTML.
func Cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;").Replace(s)
}
