package dossier

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxFileNameBytes is the longest file name kept, in bytes of UTF-8: what common file systems take (NAME_MAX).
const MaxFileNameBytes = 255

// maxExtensionBytes is the longest end of a name, with its dot, that is taken for an extension.
const maxExtensionBytes = 32

// CleanFileName makes a name fit to be shown and to be offered for download: the part after the last slash or
// backslash, valid UTF-8 in NFC, no control or direction-changing characters, no characters that Windows refuses, at
// most MaxFileNameBytes with the extension kept. It never returns an empty name, "." or "..", and is idempotent.
func CleanFileName(raw string) string {
	name := norm.NFC.String(strings.ToValidUTF8(raw, "\uFFFD"))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case hidden(r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	// Removing a character can bring two together that compose.
	name = norm.NFC.String(name)
	// Windows drops trailing dots and spaces.
	trim := func(s string) string { return strings.TrimRight(strings.TrimLeft(s, " "), " .") }
	name = trim(name)
	if len(name) > MaxFileNameBytes {
		ext := path.Ext(name)
		if len(ext) > maxExtensionBytes {
			ext = ""
		}
		name = trim(truncate(strings.TrimSuffix(name, ext), MaxFileNameBytes-len(ext))) + ext
	}
	if name == "" {
		return "unnamed"
	}
	return name
}

// truncate cuts s to at most n bytes without cutting a character in two.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
