package dossier

import (
	"errors"
	"strings"
	"testing"
	"unicode"
)

// typed is what was typed into the fields name, location, age and technology.
func typed(text [4]string) map[string]string {
	return map[string]string{"name": text[0], "location": text[1], "age": text[2], "technology": text[3]}
}

func TestParseDetails(t *testing.T) {
	ok := Details{Name: "Ada Lovelace", Location: "London", Age: 36, Technology: "Analytical Engine"}
	long := strings.Repeat("é", 200)
	for _, tc := range []struct {
		name   string
		in     [4]string
		want   Details
		faulty string // fields, joined by a space
	}{
		{"plain", [4]string{"Ada Lovelace", "London", "36", "Analytical Engine"}, ok, ""},
		{"spaces are trimmed and folded", [4]string{"  Ada   Lovelace ", " London", " 36 ", "Analytical  Engine "}, ok,
			""},
		{"composed", [4]string{"Rene\u0301", "x", "1", "x"},
			Details{Name: "René", Location: "x", Age: 1, Technology: "x"}, ""},
		{"longest", [4]string{long, long, "130", long}, Details{Name: long, Location: long, Age: 130, Technology: long},
			""},
		{"youngest", [4]string{"a", "b", "0", "c"}, Details{Name: "a", Location: "b", Technology: "c"}, ""},
		{"persian joiner", [4]string{"نیم\u200cفاصله", "b", "1", "c"},
			Details{Name: "نیم\u200cفاصله", Location: "b", Age: 1, Technology: "c"}, ""},
		{"all empty", [4]string{}, Details{}, "name location age technology"},
		{"only spaces", [4]string{" ", "\t", " ", "\n"}, Details{}, "name location age technology"},
		{"too long", [4]string{long + "x", long + "x", "1", long + "x"},
			Details{Name: long + "x", Location: long + "x", Age: 1, Technology: long + "x"},
			"name location technology"},
		{"ten thousand runes", [4]string{strings.Repeat("a", 10000), "b", "1", "c"},
			Details{Name: strings.Repeat("a", 10000), Location: "b", Age: 1, Technology: "c"}, "name"},
		{"age below", [4]string{"a", "b", "-1", "c"}, Details{Name: "a", Location: "b", Age: -1, Technology: "c"},
			"age"},
		{"age above", [4]string{"a", "b", "200", "c"}, Details{Name: "a", Location: "b", Age: 200, Technology: "c"},
			"age"},
		{"age no number", [4]string{"a", "b", "x", "c"}, Details{Name: "a", Location: "b", Technology: "c"}, "age"},
		{"age huge", [4]string{"a", "b", "99999999999999999999", "c"},
			Details{Name: "a", Location: "b", Age: 1<<63 - 1, Technology: "c"}, "age"},
		{"age fraction", [4]string{"a", "b", "1.5", "c"}, Details{Name: "a", Location: "b", Technology: "c"}, "age"},
		{"control characters go", [4]string{"A\x00da\x1b", "b\x7fc", "1", "c\u009fd"},
			Details{Name: "Ada", Location: "bc", Age: 1, Technology: "cd"}, ""},
		{"only control characters", [4]string{"\x01\x02", "b", "1", "c"},
			Details{Location: "b", Age: 1, Technology: "c"}, "name"},
		{"line breaks and tabs are spaces", [4]string{"a\r\nb", "b\tc", "1", "c\u2028\u0085d"},
			Details{Name: "a b", Location: "b c", Age: 1, Technology: "c d"}, ""},
		{"invisible characters go", [4]string{"\u202AAda\u202C\u200B Love\u00ADlace\uFEFF", "\u2066London\u2069",
			"\u200E36\u200F", "En\u2060gine\u3164"},
			Details{Name: "Ada Lovelace", Location: "London", Age: 36, Technology: "Engine"}, ""},
		{"what they part composes", [4]string{"Rene\u200B\u0301", "x", "1", "x"},
			Details{Name: "René", Location: "x", Age: 1, Technology: "x"}, ""},
		{"only invisible characters", [4]string{"\u202A\u202C", "\u3164\u115F", "1", "\u200D\uFE0F"},
			Details{Location: "\u115F", Age: 1, Technology: "\u200D\uFE0F"}, "name location technology"},
		{"marks over other lines", [4]string{"A" + strings.Repeat("\u0335", 60) + "da", "b", "1", "c"},
			Details{Name: "A" + strings.Repeat("\u0335", 12) + "da", Location: "b", Age: 1, Technology: "c"}, ""},
		{"only combining characters", [4]string{"\u0301\u0308", "b", "1", "c"},
			Details{Name: "\u0301\u0308", Location: "b", Age: 1, Technology: "c"}, "name"},
		{"what emoji are made of stays", [4]string{"Ada 👩‍🚀❤️🏴󠁧󠁢󠁳󠁣󠁴󠁿", "葛\U000E0100城", "1", "c"},
			Details{Name: "Ada 👩‍🚀❤️🏴󠁧󠁢󠁳󠁣󠁴󠁿", Location: "葛\U000E0100城", Age: 1, Technology: "c"}, ""},
		{"an Arabic number sign is drawn", [4]string{"a\u0600", "b", "1", "c"},
			Details{Name: "a\u0600", Location: "b", Age: 1, Technology: "c"}, ""},
		{"wide digits", [4]string{"a", "b", "３６", "c"}, Details{Name: "a", Location: "b", Age: 36, Technology: "c"},
			""},
		{"Arabic digits", [4]string{"a", "b", "٣٦", "c"}, Details{Name: "a", Location: "b", Age: 36, Technology: "c"},
			""},
		{"Devanagari digits", [4]string{"a", "b", " ३६ ", "c"},
			Details{Name: "a", Location: "b", Age: 36, Technology: "c"}, ""},
		{"Adlam digits", [4]string{"a", "b", "𞥓𞥖", "c"}, Details{Name: "a", Location: "b", Age: 36, Technology: "c"},
			""},
		{"a number sign is no digit", [4]string{"a", "b", "Ⅻ", "c"}, Details{Name: "a", Location: "b", Technology: "c"},
			"age"},
		{"no letter", [4]string{"...", "b", "1", "!"}, Details{Name: "...", Location: "b", Age: 1, Technology: "!"},
			"name technology"},
		{"not UTF-8", [4]string{"a\xff", "b", "1", "c"},
			Details{Name: "a\uFFFD", Location: "b", Age: 1, Technology: "c"}, "name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseDetails(typed(tc.in))
			var fields []string
			var fault *Error
			if errors.As(err, &fault) {
				for _, f := range fault.Fields {
					if f.Message == "" {
						t.Errorf("field %s has no message", f.Field)
					}
					fields = append(fields, f.Field)
				}
			}
			if faulty := strings.Join(fields, " "); faulty != tc.faulty {
				t.Errorf("faulty fields %q, want %q", faulty, tc.faulty)
			}
			if (err != nil) != errors.Is(err, ErrInvalid) {
				t.Errorf("error %v is not ErrInvalid", err)
			}
			if got != tc.want {
				t.Errorf("got %+v\nwant %+v", got, tc.want)
			}
			if err == nil {
				again := got
				if err := again.Clean(); err != nil || again != got {
					t.Errorf("cleaning what is clean: %+v, %v", again, err)
				}
			}
		})
	}
}

// Every run of decimal digits begins with a zero, which parseNumber counts from.
func TestParseNumber(t *testing.T) {
	digits := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsDigit(r) {
			continue
		}
		got, err := ParseNumber("1" + string(r))
		if want := 10 + digits%10; err != nil || got != want {
			t.Errorf("1 and U+%04X is %d, %v; want %d", r, got, err, want)
		}
		digits++
	}
	if digits < 600 {
		t.Errorf("Unicode has %d digits", digits)
	}
}

func TestErrorsRepeatNoValue(t *testing.T) {
	_, err := ParseDetails(typed([4]string{"secret\x01name", "", "secretage", ""}))
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error repeats what was typed: %v", err)
	}
}

func TestSearchKey(t *testing.T) {
	for _, tc := range [][2]string{
		{"René  Müller", "rene muller"}, {"RENE\u0301 MU\u0308LLER", "rene muller"}, {"Straße", "strasse"},
		{"ＡＢＣ", "abc"},
		{"ΣΊΣΥΦΟΣ", "σισυφοσ"}, {"", ""}, {"100%_\\", "100%_\\"}, {"👩‍🚀", "👩‍🚀"},
	} {
		if got := SearchKey(tc[0]); got != tc[1] {
			t.Errorf("SearchKey(%q) = %q, want %q", tc[0], got, tc[1])
		}
	}
	// A prefix of a name finds the name.
	name := "Ægir Øystein Ångström"
	for i := range name {
		if !strings.HasPrefix(SearchKey(name), strings.TrimRight(SearchKey(name[:i]), " ")) {
			t.Errorf("key of prefix %q is no prefix of the key", name[:i])
		}
	}
}

func TestIDs(t *testing.T) {
	id := NewPersonID()
	if got, err := ParsePersonID(id.String()); err != nil || got != id {
		t.Errorf("round trip: %v, %v", got, err)
	}
	for _, bad := range []string{
		"", "x", strings.ToUpper(id.String()), "{" + id.String() + "}", "urn:uuid:" + id.String(),
		strings.ReplaceAll(id.String(), "-", ""),
		"00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479", id.String() + "0", "../" +
			id.String()[3:],
	} {
		if _, err := ParsePersonID(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("ParsePersonID(%q): %v, want ErrNotFound", bad, err)
		}
		if _, err := ParseFileID(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("ParseFileID(%q): %v, want ErrNotFound", bad, err)
		}
	}
}

// TestShown: what is hidden is left out, and no character is cut in two.
func TestShown(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"Ada", 3, "Ada"}, {"Ada", 2, "Ad"}, {"A\x00d\u202Ea\u2028\r\n\xff", 100, "Ada"}, {"aé", 2, "a"},
		{"aé", 3, "aé"}, {"\u202E\u202Eé", 2, "é"}, {"", 0, ""},
	} {
		if got := Shown(c.text, c.most); got != c.want {
			t.Errorf("Shown(%q, %d) is %q, want %q", c.text, c.most, got, c.want)
		}
	}
}
