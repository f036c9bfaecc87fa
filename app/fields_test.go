package dossier

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// What has been released keeps its name and its place: in the table, in the API, in the CSV file and among the flags.
func TestFieldsStay(t *testing.T) {
	released := []string{"name", "location", "age", "technology"}
	var names []string
	for _, f := range Fields {
		names = append(names, f.Name)
	}
	if len(names) < len(released) || !slices.Equal(names[:len(released)], released) {
		t.Errorf("the fields are %q, want %q first", names, released)
	}
}

func TestFields(t *testing.T) {
	of := reflect.TypeFor[Details]()
	if of.NumField() != len(Fields) {
		t.Fatalf("Details has %d fields, and Fields %d", of.NumField(), len(Fields))
	}
	for i, f := range Fields {
		if !regexp.MustCompile(`^[a-z]{1,32}$`).MatchString(f.Name) || !strings.EqualFold(of.Field(i).Name, f.Name) {
			t.Errorf("field %d is %q, and %s in Details: want one word of a-z, and the same", i, f.Name,
				of.Field(i).Name)
		}
		if slices.Contains([]string{"id", "files", "receipt", "state"}, f.Name) {
			t.Errorf("%s: the form or the table has another field of that name", f.Name)
		}
		if f.Label == "" || f.Noun == "" || (f.text == nil) == (f.number == nil) || f.Most <= f.Least {
			t.Errorf("%s: has no label, no noun, no limit, or is not either a text or a number: %+v", f.Name, f)
		}
		if f.IsNumber() && (f.Unit == "" || f.Optional || f.Least < 0) || !f.IsNumber() && f.Least != 0 {
			t.Errorf("%s: a number has a unit, is not negative and never optional, a text has no Least: %+v", f.Name, f)
		}
		// Each is kept in a place of its own.
		var d Details
		want := reflect.ValueOf(&d).Elem().Field(i)
		if f.IsNumber() {
			*f.number(&d) = 7
		} else {
			*f.text(&d) = "7"
		}
		if f.Of(d) != "7" || want.IsZero() {
			t.Errorf("%s does not stand in its field of Details: %+v", f.Name, d)
		}
	}
}

// An optional text may be empty, and keeps the other rules.
func TestOptionalField(t *testing.T) {
	f := Field{Name: "team", Noun: "a team", Most: 5, Optional: true}
	for raw, want := range map[string]string{
		"": "", " \u200b ": "", "abcde": "", "abcdef": "at most 5", "…": "a letter", "a\xff": "UTF-8",
	} {
		if clean, fault := f.CleanText(raw); !strings.Contains(fault, want) || (fault == "") != (want == "") ||
			utf8.RuneCountInString(clean) > 6 {
			t.Errorf("%q is cleaned to %q, and told %q, want %q", raw, clean, fault, want)
		}
	}
}
