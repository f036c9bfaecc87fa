package config

//go:generate go run ../internal/settingstable settings ../../docs/app-settings.md

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the table of all settings for docs/app-settings.md: variable, parameter, default, meaning with what
// is allowed.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| Variable | Parameter | Default | Meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range settings() {
		meaning := s.doc
		if s.secret {
			meaning += " Secret."
		}
		meaning += " Allowed: " + s.allowed + "."
		preset := code(s.preset)
		if s.presetInAWS != "" {
			preset += ", with " + code(parametersEnv) + " " + code(s.presetInAWS)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(s.env), code(s.parameter), preset, meaning)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the settings table: %w", err)
	}
	return nil
}

// code shows a literal, and nothing where there is none.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
