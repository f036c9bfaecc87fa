package config

//go:generate go run ../internal/settingstable settings ../../docs/app-settings.md
//go:generate go run ../internal/settingstable limits ../../docs/limits.md

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

// LimitsMarkdown writes the table of the settings that bound how much is taken, and how often and for how long, for
// docs/limits.md: variable, default, meaning.
func LimitsMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| Bound | Default | Setting |\n| --- | --- | --- |\n")
	for _, s := range settings() {
		for _, of := range []string{"MAX_", "RATE_", "TIMEOUT_", "DISK_", "SCAN_MAX_", "SCAN_WORKERS"} {
			if strings.HasPrefix(s.env, "DOSSIER_"+of) {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", s.doc, code(s.preset), code(s.env))
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the table of limits: %w", err)
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
