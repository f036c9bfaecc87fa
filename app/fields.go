package dossier

import (
	"fmt"
	"strconv"
	"strings"
)

// Details is what people say about themselves. It is valid after Clean returned nil. Its fields stand in the order of
// Fields, and so do those of the API's Registration: the one type converts to the other.
type Details struct {
	Name       string
	Location   string
	Age        int // years
	Technology string
}

// Fields are the fields of Details, in the order in which they are asked for and shown. The form and its reader, the
// receipt and the person's page, the directory and its search, the CSV file, the flags of the command and the script of
// the form all come from here. Each field has a column of its name in table people (package migrations) and a member of
// its name in the API (openapi.yaml). A name is one word of a-z, so costcenter and not cost_center, because each of
// these writes several words its own way; in Details it has a capital, Costcenter. A name that has been released stays.
// Nobody changes the slice.
//
// A field that a later release adds is best optional: people who are there already have none, their receipts' forms
// send none, and neither do programs that know the API of before.
var Fields = []Field{
	{
		Name: "name", Label: "Name", Noun: "a name", Autocomplete: "name", Most: MaxNameLength,
		text: func(d *Details) *string { return &d.Name },
	}, {
		Name: "location", Label: "Location", Noun: "a location", Autocomplete: "address-level2", Most: 200,
		Hint: "A town, region or country.", text: func(d *Details) *string { return &d.Location },
	}, {
		Name: "age", Label: "Age", Noun: "an age", Least: 0, Most: 130, Unit: "years",
		number: func(d *Details) *int { return &d.Age },
	}, {
		Name: "technology", Label: "Technology", Noun: "a technology", Most: 200,
		Hint: "What you work with most, such as Go or PostgreSQL.",
		text: func(d *Details) *string { return &d.Technology },
	},
}

// Field is one of a person's details: a text, or a whole number.
type Field struct {
	// Name is what programs call the field: the form, the API, the CSV file, the command's flags and the SQL column.
	Name string
	// Label is what people read, and Noun is how a sentence speaks of one: "a location".
	Label, Noun string
	// Hint is a sentence of the form on what is asked for; may be empty, as the rule follows it.
	Hint string
	// Autocomplete is the token of HTML by which browsers fill the field in; empty: none.
	Autocomplete string
	// Optional: it may be empty. A number is never.
	Optional bool
	// Least, which is not negative, and Most bound a number, in Unit, a plural. Most bounds a text, in Unicode code
	// points after normalization: at most the width of the column.
	Least, Most int
	Unit        string

	// text and number return where the value stands; one of them is nil.
	text   func(*Details) *string
	number func(*Details) *int
}

// IsNumber reports whether the field is a number, not a text.
func (f Field) IsNumber() bool { return f.number != nil }

// Of returns the field of a person's details as text.
func (f Field) Of(d Details) string {
	if f.IsNumber() {
		return strconv.Itoa(*f.number(&d))
	}
	return *f.text(&d)
}

// Rule is what the field may be, in a sentence.
func (f Field) Rule() string {
	if f.IsNumber() {
		return fmt.Sprintf("In whole %s, from %d to %d.", f.Unit, f.Least, f.Most)
	}
	return fmt.Sprintf("Up to %d characters.", f.Most)
}

// ParseDetails reads Details from what was typed into the fields, by their names. A number may use the digits of any
// script. The error is an ErrInvalid that lists every invalid field; the returned details then contain what could be
// read.
func ParseDetails(typed map[string]string) (Details, error) {
	var d Details
	unread := map[string]string{}
	for _, f := range Fields {
		if !f.IsNumber() {
			*f.text(&d) = typed[f.Name]
			continue
		}
		text := strings.TrimSpace(shown(typed[f.Name]))
		n, err := ParseNumber(text)
		*f.number(&d) = n
		switch {
		case text == "":
			unread[f.Name] = f.numberRule()
		case err != nil:
			unread[f.Name] = "Must be a whole number. " + f.numberRule()
		}
	}
	return d, d.clean(unread)
}

// Clean normalizes the texts (invisible characters removed, Unicode NFC, spaces trimmed and folded) and checks every
// rule. The error is an ErrInvalid that lists every invalid field.
func (d *Details) Clean() error { return d.clean(nil) }

// clean is Clean for details of which some numbers could not be read.
func (d *Details) clean(unread map[string]string) error {
	var faults []FieldFault
	for _, f := range Fields {
		fault := unread[f.Name]
		switch {
		case !f.IsNumber():
			text := f.text(d)
			*text, fault = f.CleanText(*text)
		case fault == "" && (*f.number(d) < f.Least || *f.number(d) > f.Most):
			fault = f.numberRule()
		}
		if fault != "" {
			faults = append(faults, FieldFault{f.Name, fault})
		}
	}
	if faults != nil {
		return &Error{Code: CodeInvalid, Message: "Some fields need your attention.", Fields: faults}
	}
	return nil
}

func (f Field) numberRule() string {
	return fmt.Sprintf("Enter %s in %s from %d to %d.", f.Noun, f.Unit, f.Least, f.Most)
}
