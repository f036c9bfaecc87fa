package config

//go:generate go test . -run ^TestDocuments$ -update

import (
	"fmt"
	"strings"

	"dossier.example/app/setting"
)

// Markdown returns the table of all settings for docs/app-settings.md: variable, parameter, default, meaning with what
// is allowed.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| Variable | Parameter | Default | Meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range settings() {
		meaning := s.doc
		if s.Secret {
			meaning += " Secret."
		}
		meaning += " Allowed: " + s.Allowed + "."
		preset := setting.Code(s.preset)
		if s.presetInAWS != "" {
			preset += ", with " + setting.Code(parametersEnv) + " " + setting.Code(s.presetInAWS)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", setting.Code(s.env), setting.Code(s.parameter), preset, meaning)
	}
	return b.String()
}

// LimitsMarkdown returns the table of the settings that bound how much is taken, and how often and for how long, for
// docs/limits.md: variable, default, meaning.
func LimitsMarkdown() string {
	var b strings.Builder
	b.WriteString("| Bound | Default | Setting |\n| --- | --- | --- |\n")
	for _, s := range settings() {
		for _, of := range []string{"MAX_", "RATE_", "TIMEOUT_", "DISK_", "SCAN_MAX_", "SCAN_WORKERS"} {
			if strings.HasPrefix(s.env, prefix+of) {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", s.doc, setting.Code(s.preset), setting.Code(s.env))
			}
		}
	}
	return b.String()
}
