package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// maxElements is how many elements an array may have.
const maxElements = max(dossier.MaxSigned, dossier.MaxChecked)

// decodeJSON reads r, whose length is bounded, into v, a pointer to a struct of package api. It is stricter than
// encoding/json, and so as strict as the document: names count with their case, every member must be there unless its
// tag says omitempty, none may be null, and there are no others. It reads a token at a time, holds no value that v has
// no place for, and goes no deeper than bounds.JSONDepth.
func decodeJSON(r io.Reader, v any) error {
	dec := json.NewDecoder(transform.NewReader(r, encoding.UTF8Validator))
	dec.UseNumber()
	d := &decoder{dec: dec}
	token, err := d.dec.Token()
	if err != nil || token != json.Delim('{') {
		return malformed(err, "The body must be one JSON object in UTF-8.")
	}
	var faults faultList
	err = d.object(&faults, "", reflect.ValueOf(v).Elem())
	if err == nil {
		if _, err = d.dec.Token(); err == io.EOF {
			return faults.err()
		}
	}
	var refused *dossier.Error
	if errors.As(err, &refused) {
		return refused
	}
	return malformed(err, "The body must be one JSON object in UTF-8.")
}

// decoder reads tokens. Its errors are those of JSON that is none, or a refusal.
type decoder struct {
	dec   *json.Decoder
	depth int
}

func below(at, name string) string { return strings.TrimPrefix(at+"/"+name, "/") }

// object reads what follows a "{" into a struct that stands at a pointer, and adds to faults what keeps it from being
// one.
func (d *decoder) object(faults *faultList, at string, into reflect.Value) error {
	if err := d.down(); err != nil {
		return err
	}
	defer d.up()
	t := into.Type()
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	// The faults are told in the order of the document, whatever that of the body.
	found := make([]faultList, t.NumField())
	seen := make([]bool, t.NumField())
	var unknown []string
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		i, known := fields[name]
		if !known {
			if name = pointerToken(name); len(unknown) < maxFaults && !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		seen[i], found[i] = true, nil
		into.Field(i).SetZero()
		if err := d.value(&found[i], below(at, name), into.Field(i)); err != nil {
			return err
		}
	}
	if _, err := d.dec.Token(); err != nil {
		return err
	}
	for i := range found {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if !seen[i] && options != "omitempty" {
			faults.add(below(at, name), "Is missing.")
		}
		for _, f := range found[i] {
			faults.add(f.Field, f.Message)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		faults.add(below(at, name), "Is not a member of this object.")
	}
	return nil
}

// value reads the next value, which stands at a pointer.
func (d *decoder) value(faults *faultList, at string, into reflect.Value) error {
	token, err := d.dec.Token()
	if err != nil {
		return err
	}
	if into.Kind() == reflect.Pointer {
		// A member that may be left out.
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch into.Kind() {
	case reflect.Struct:
		if token == json.Delim('{') {
			return d.object(faults, at, into)
		}
		faults.add(at, "Must be an object.")
	case reflect.Slice:
		if token == json.Delim('[') {
			return d.array(faults, at, into)
		}
		faults.add(at, "Must be an array.")
	case reflect.String:
		text, ok := token.(string)
		if ok {
			into.SetString(text)
			return nil
		}
		faults.add(at, "Must be a string.")
	default:
		number, ok := token.(json.Number)
		if ok {
			n, err := strconv.ParseInt(number.String(), 10, into.Type().Bits())
			if err == nil {
				into.SetInt(n)
				return nil
			}
		}
		faults.add(at, "Must be a whole number.")
	}
	return d.skipFrom(token)
}

// array reads what follows a "[".
func (d *decoder) array(faults *faultList, at string, into reflect.Value) error {
	if err := d.down(); err != nil {
		return err
	}
	defer d.up()
	into.Set(reflect.MakeSlice(into.Type(), 0, 0))
	for i := 0; d.dec.More(); i++ {
		if i == maxElements {
			return invalid(at, fmt.Sprintf("Must have at most %d elements.", maxElements))
		}
		element := reflect.New(into.Type().Elem()).Elem()
		if err := d.value(faults, below(at, strconv.Itoa(i)), element); err != nil {
			return err
		}
		into.Set(reflect.Append(into, element))
	}
	_, err := d.dec.Token()
	return err
}

// skip passes over the next value.
func (d *decoder) skip() error {
	token, err := d.dec.Token()
	if err != nil {
		return err
	}
	return d.skipFrom(token)
}

// skipFrom passes over what is left of a value that begins with a token.
func (d *decoder) skipFrom(token json.Token) error {
	from := d.depth
	for {
		switch token {
		case json.Delim('{'), json.Delim('['):
			if err := d.down(); err != nil {
				return err
			}
		case json.Delim('}'), json.Delim(']'):
			d.up()
		}
		if d.depth == from {
			return nil
		}
		var err error
		if token, err = d.dec.Token(); err != nil {
			return err
		}
	}
}

func (d *decoder) down() error {
	if d.depth++; d.depth > bounds.JSONDepth {
		return malformed(nil, "The body nests objects and arrays more than %d deep.", bounds.JSONDepth)
	}
	return nil
}

func (d *decoder) up() { d.depth-- }
