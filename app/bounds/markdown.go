package bounds

import (
	"fmt"
	"strings"
)

// Env returns the variable that changes the bound.
func (s Setting) Env() string {
	return "DOSSIER_BOUND_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Markdown returns the tables of docs/limits.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| Bound | Default | Why | Setting |\n| --- | --- | --- | --- |\n")
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| %s | %d | %s | `%s` |\n", s.Doc, s.Preset, s.Why, s.Env())
	}
	for _, f := range FixedBounds() {
		fmt.Fprintf(&b, "| %s | %s | %s |  |\n", f.Doc, f.Value, f.Why)
	}
	return b.String()
}
