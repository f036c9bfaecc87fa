package engine

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// leastSecret is the length from which a line of a secret is one by itself; shorter ones, such as the marks around a
// key, are not.
const leastSecret = 20

// Leaked returns those of the secrets that the text holds: as they are, as a part of JSON or of a URL, in base64 at any
// place within what was encoded, or of a secret of several lines one of them. It names them by their first characters.
func Leaked(text string, secrets []string) []string {
	var found []string
	for _, secret := range secrets {
		for _, line := range strings.Split(secret, "\n") {
			if len(line) < leastSecret || strings.HasPrefix(line, "-----") {
				continue
			}
			if slices.ContainsFunc(forms(line), func(form string) bool { return strings.Contains(text, form) }) {
				found = append(found, line[:4]+"…")
			}
		}
	}
	return found
}

// forms are the ways in which a text may stand in another.
func forms(text string) []string {
	quoted, err := json.Marshal(text)
	if err != nil {
		quoted = nil
	}
	all := []string{text, strings.Trim(string(quoted), `"`), url.QueryEscape(text)}
	// What stands before it decides at which of three places within four characters it begins; the characters at its
	// ends, which hold bits of others, are left out.
	for before := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
			from, to := (before*8+5)/6, (before+len(text))*8/6
			all = append(all, encoded[from:to])
		}
	}
	return slices.DeleteFunc(all, func(form string) bool { return form == "" })
}
