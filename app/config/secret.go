package config

import (
	"fmt"
	"io"
	"log/slog"

	"dossier.example/app/setting"
)

// Secret is a text that no print, log or encoder shows; Reveal alone does. Keep it in exported fields: package fmt
// cannot call the methods of a value that lies in an unexported one, and would print the text.
type Secret string

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns "(hidden)", or nothing where there is no secret, so that a log reports whether one is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return setting.Hidden
}

// Format implements fmt.Formatter. A String method would not be enough: %x, %#v and %d go past it.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText implements encoding.TextMarshaler, and so covers JSON, XML and whatever else encodes by it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
