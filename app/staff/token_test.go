package staff

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// The form of a token is for ever: programs have it in files.
func TestTokenText(t *testing.T) {
	var secret [tokenBytes]byte
	for i := range secret {
		secret[i] = byte(i)
	}
	text := formatToken(secret)
	// The last 7 characters hold the checksum of the prefix and the secret.
	const prefix, written = "dossier_pat_", "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp"
	all := binary.BigEndian.AppendUint32(secret[:], crc32.ChecksumIEEE([]byte(prefix+string(secret[:]))))
	want := prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(all))
	if text != want || !strings.HasPrefix(text, prefix+written) || len(text) != len(prefix+written)+7 {
		t.Errorf("a token is %q, want %q", text, want)
	}
	if back, err := parseToken(text); err != nil || back != secret {
		t.Errorf("%q is read as %x, %v", text, back, err)
	}
	for name, c := range map[string]struct {
		text string
		want InvalidToken
	}{
		"nothing":              {"", TokenMalformed},
		"the prefix alone":     {TokenPrefix, TokenMistyped},
		"without the prefix":   {strings.TrimPrefix(text, TokenPrefix), TokenMalformed},
		"another prefix":       {strings.Replace(text, "pat", "pet", 1), TokenMalformed},
		"in capitals":          {strings.ToUpper(text), TokenMalformed},
		"a capital":            {TokenPrefix + "A" + text[len(TokenPrefix)+1:], TokenMistyped},
		"cut off":              {text[:len(text)-1], TokenMistyped},
		"longer":               {text + "a", TokenMistyped},
		"twice":                {text + text[len(TokenPrefix):], TokenMistyped},
		"a line break":         {text[:20] + "\n" + text[20:], TokenMistyped},
		"padded":               {text + "======", TokenMistyped},
		"bits behind the last": {text[:len(text)-1] + "j", TokenMistyped},
		"quoted":               {`"` + text + `"`, TokenMalformed},
	} {
		if _, err := parseToken(c.text); err != c.want {
			t.Errorf("%s: %q is refused with %v, want %v", name, c.text, err, c.want)
		}
	}
	// Whatever single character is wrong, or two neighbors are swapped, the checksum tells.
	for i := len(TokenPrefix); i < len(text); i++ {
		for _, r := range "abcdefghijklmnopqrstuvwxyz234567" {
			if typo := text[:i] + string(r) + text[i+1:]; typo != text {
				if _, err := parseToken(typo); err != TokenMistyped {
					t.Fatalf("%q is read, or refused with %v", typo, err)
				}
			}
		}
		if i+1 < len(text) && text[i] != text[i+1] {
			if _, err := parseToken(text[:i] + text[i+1:i+2] + text[i:i+1] + text[i+2:]); err != TokenMistyped {
				t.Fatalf("swapped at %d it is read, or refused with %v", i, err)
			}
		}
	}
}

func TestScopes(t *testing.T) {
	want := map[Scope]Role{ScopeRead: Viewer, ScopeDownload: Viewer, ScopeTrash: Editor, ScopeExport: Administrator}
	if len(Scopes) != len(want) {
		t.Errorf("there are %d scopes, want %d", len(Scopes), len(want))
	}
	for _, s := range Scopes {
		if parsed, err := ParseScope(string(s)); err != nil || parsed != s || s.Needs() != want[s] {
			t.Errorf("scope %q is read as %q, %v, and needs %q, want %q", s, parsed, err, s.Needs(), want[s])
		}
	}
	for _, text := range []string{"", "Read", "read ", "all", "read download"} {
		if _, err := ParseScope(text); err == nil {
			t.Errorf("%q is a scope", text)
		}
	}
	if got := Scope("all").Needs(); got != Administrator {
		t.Errorf("a scope that is none needs %q", got)
	}
}

// FuzzToken reads any text as a token. What is read has no other text.
func FuzzToken(f *testing.F) {
	text := formatToken([tokenBytes]byte{1, 2, 3})
	for _, seed := range []string{text, text[:40], text + "a", "", TokenPrefix, strings.ToUpper(text), text + "\n",
		TokenPrefix + strings.Repeat("=", 58), TokenPrefix + "\xff", strings.Repeat("a", 70)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := parseToken(text)
		switch {
		case err == nil:
			if back := formatToken(secret); back != text {
				t.Fatalf("%q is read, and written %q", text, back)
			}
		case !slices.Contains([]error{TokenMalformed, TokenMistyped}, err):
			t.Fatalf("%q is refused with %v", text, err)
		case !bytes.Equal(secret[:], make([]byte, tokenBytes)):
			t.Fatalf("%q is refused, and %x comes back", text, secret)
		}
		var invalid InvalidToken
		if err != nil && !errors.As(err, &invalid) {
			t.Fatalf("%v is no InvalidToken", err)
		}
	})
}
