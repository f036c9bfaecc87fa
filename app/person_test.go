package dossier

import (
	"errors"
	"strings"
	"testing"
)

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
		{"spaces are trimmed and folded", [4]string{"  Ada   Lovelace ", " London", " 36 ", "Analytical  Engine "}, ok, ""},
		{"composed", [4]string{"Rene\u0301", "x", "1", "x"}, Details{Name: "René", Location: "x", Age: 1, Technology: "x"}, ""},
		{"longest", [4]string{long, long, "130", long}, Details{Name: long, Location: long, Age: 130, Technology: long}, ""},
		{"youngest", [4]string{"a", "b", "0", "c"}, Details{Name: "a", Location: "b", Technology: "c"}, ""},
		{"persian joiner", [4]string{"نیم\u200cفاصله", "b", "1", "c"}, Details{Name: "نیم\u200cفاصله", Location: "b", Age: 1, Technology: "c"}, ""},
		{"all empty", [4]string{}, Details{}, "name location age technology"},
		{"only spaces", [4]string{" ", "\t", " ", "\n"}, Details{}, "name location age technology"},
		{"too long", [4]string{long + "x", long + "x", "1", long + "x"}, Details{Name: long + "x", Location: long + "x", Age: 1, Technology: long + "x"}, "name location technology"},
		{"ten thousand runes", [4]string{strings.Repeat("a", 10000), "b", "1", "c"}, Details{Name: strings.Repeat("a", 10000), Location: "b", Age: 1, Technology: "c"}, "name"},
		{"age below", [4]string{"a", "b", "-1", "c"}, Details{Name: "a", Location: "b", Age: -1, Technology: "c"}, "age"},
		{"age above", [4]string{"a", "b", "200", "c"}, Details{Name: "a", Location: "b", Age: 200, Technology: "c"}, "age"},
		{"age no number", [4]string{"a", "b", "x", "c"}, Details{Name: "a", Location: "b", Technology: "c"}, "age"},
		{"age huge", [4]string{"a", "b", "99999999999999999999", "c"}, Details{Name: "a", Location: "b", Age: 1<<63 - 1, Technology: "c"}, "age"},
		{"age fraction", [4]string{"a", "b", "1.5", "c"}, Details{Name: "a", Location: "b", Technology: "c"}, "age"},
		{"control characters", [4]string{"\x01\x02", "b\x00c", "1", "c\u202Ed"}, Details{Name: "\x01\x02", Location: "b\x00c", Age: 1, Technology: "c\u202Ed"}, "name location technology"},
		{"line break inside", [4]string{"a\nb", "b", "1", "c"}, Details{Name: "a b", Location: "b", Age: 1, Technology: "c"}, "name"},
		{"no letter", [4]string{"...", "b", "1", "!"}, Details{Name: "...", Location: "b", Age: 1, Technology: "!"}, "name technology"},
		{"not UTF-8", [4]string{"a\xff", "b", "1", "c"}, Details{Name: "a\uFFFD", Location: "b", Age: 1, Technology: "c"}, "name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseDetails(tc.in[0], tc.in[1], tc.in[2], tc.in[3])
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

func TestErrorsRepeatNoValue(t *testing.T) {
	_, err := ParseDetails("secret\x01name", "", "secretage", "")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error repeats what was typed: %v", err)
	}
}

func TestSearchKey(t *testing.T) {
	for _, tc := range [][2]string{
		{"René  Müller", "rene muller"}, {"RENE\u0301 MU\u0308LLER", "rene muller"}, {"Straße", "strasse"}, {"ＡＢＣ", "abc"},
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
		"", "x", strings.ToUpper(id.String()), "{" + id.String() + "}", "urn:uuid:" + id.String(), strings.ReplaceAll(id.String(), "-", ""),
		"00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479", id.String() + "0", "../" + id.String()[3:],
	} {
		if _, err := ParsePersonID(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("ParsePersonID(%q): %v, want ErrNotFound", bad, err)
		}
		if _, err := ParseFileID(bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("ParseFileID(%q): %v, want ErrNotFound", bad, err)
		}
	}
}
