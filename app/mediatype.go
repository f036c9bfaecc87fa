package dossier

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// detectType returns the media type of a file from its first bytes.
func detectType(head []byte) string { return CleanMediaType(mimetype.Detect(head).String()) }

// CleanMediaType returns a media type without anything that the file's sender may have written: type and subtype, and
// of the parameters only a known charset. An HTML page or an XML document names its charset itself, and may put a
// sentence in its place. An invalid media type becomes application/octet-stream; an empty text stays empty.
func CleanMediaType(raw string) string {
	if raw == "" {
		return ""
	}
	base, parameters, _ := strings.Cut(raw, ";")
	base = strings.ToLower(strings.TrimSpace(base))
	if !mediaTypeName.MatchString(base) {
		return "application/octet-stream"
	}
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		value = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))
		if strings.EqualFold(strings.TrimSpace(name), "charset") && slices.Contains(charsets, value) {
			return base + "; charset=" + value
		}
	}
	return base
}

// mediaTypeName matches type and subtype (RFC 6838, section 4.2).
var mediaTypeName = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$`)

// charsets are the encodings of https://encoding.spec.whatwg.org/#names-and-labels, by name, and others that a
// byte-order mark indicates or that many pages use.
var charsets = []string{
	"utf-8", "utf-16", "utf-16be", "utf-16le", "utf-32be", "utf-32le", "us-ascii",
	"iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
	"iso-8859-8-i", "iso-8859-9", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16",
	"windows-874", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
	"windows-1256", "windows-1257", "windows-1258", "ibm866", "koi8-r", "koi8-u", "macintosh", "x-mac-cyrillic",
	"gb2312", "gbk", "gb18030", "big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr",
}
