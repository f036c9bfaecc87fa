package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

const (
	// maxJSON bounds the body of a request in bytes. A hundred parts take about ten thousand.
	maxJSON = 1 << 20
	// jsonTime bounds how long such a body may take to arrive.
	jsonTime = time.Minute
)

// faultList collects the faulty members of a request, by JSON pointers without the first slash.
type faultList []dossier.FieldFault

// maxFaults is how many are told.
const maxFaults = 20

func (l *faultList) add(pointer, message string) {
	if len(*l) < maxFaults {
		*l = append(*l, dossier.FieldFault{Field: pointer, Message: message})
	}
}

// err returns the refusal, or nil where there is no fault.
func (l faultList) err() error {
	if len(l) == 0 {
		return nil
	}
	return &dossier.Error{Code: dossier.CodeInvalid, Fields: l}
}

// invalid is the refusal of one member.
func invalid(pointer, message string) error {
	return faultList{{Field: pointer, Message: message}}.err()
}

// decodeJSON reads text into v, a pointer to a struct of package api. It is stricter than encoding/json, and so as
// strict as the document: names count with their case, every member must be there unless its tag says omitempty, none
// may be null, and there are no others.
func decodeJSON(text []byte, v any) error {
	if !utf8.Valid(text) || !json.Valid(text) || !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return malformed(nil, "The body must be one JSON object in UTF-8.")
	}
	var faults faultList
	checkJSON(&faults, "", text, reflect.TypeOf(v).Elem())
	if err := faults.err(); err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return malformed(err, "The body must be the JSON that the document describes.")
	}
	return nil
}

// checkJSON adds to faults what keeps the JSON text, which is valid and stands at a pointer, from being a value of type
// t.
func checkJSON(faults *faultList, at string, text json.RawMessage, t reflect.Type) {
	if len(*faults) >= maxFaults {
		return
	}
	below := func(name string) string { return strings.TrimPrefix(at+"/"+name, "/") }
	switch t.Kind() {
	case reflect.Struct:
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil || members == nil {
			faults.add(at, "Must be an object.")
			return
		}
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			member, there := members[name]
			delete(members, name)
			switch {
			case there:
				checkJSON(faults, below(name), member, t.Field(i).Type)
			case options != "omitempty":
				faults.add(below(name), "Is missing.")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			faults.add(below(pointerToken(name)), "Is not known here.")
		}
	case reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil || items == nil {
			faults.add(at, "Must be an array.")
			return
		}
		for i, item := range items {
			checkJSON(faults, below(strconv.Itoa(i)), item, t.Elem())
		}
	case reflect.String:
		if text[0] != '"' {
			faults.add(at, "Must be a string.")
		}
	default:
		if err := json.Unmarshal(text, reflect.New(t).Interface()); err != nil || string(text) == "null" {
			faults.add(at, "Must be a whole number.")
		}
	}
}

// pointerToken writes a member's name as it stands in a JSON pointer (RFC 6901). What is too long to be a mistake in
// writing is cut.
func pointerToken(name string) string {
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// pointerOf writes a field of a fault as a JSON pointer in the form of a URI's fragment.
func pointerOf(field string) string {
	if field == "" {
		return "#"
	}
	u := url.URL{Fragment: "/" + field}
	return u.String()
}

// readJSON reads a request's body into v as the document says: all members that v's type has, and no others.
func readJSON(c echo.Context, v any) error {
	req := c.Request()
	mediaType, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"],
		"utf-8") {
		return dossier.Errorf(codeMediaType, err, "The body must be sent as application/json.")
	}
	tooLarge := dossier.Errorf(dossier.CodeTooLarge, nil, "The body may have up to %s.", dossier.FormatBytes(maxJSON))
	if req.ContentLength > maxJSON {
		return tooLarge
	}
	if b := bodyOf(c); b != nil {
		b.within(jsonTime)
	}
	text, err := io.ReadAll(io.LimitReader(req.Body, maxJSON+1))
	if err != nil {
		return ofBody(err)
	}
	if len(text) > maxJSON {
		return tooLarge
	}
	return decodeJSON(text, v)
}

// ofBody takes the message, which speaks of a form, from an error of reading a body.
func ofBody(err error) error {
	var coded *dossier.Error
	if errors.As(err, &coded) && (coded.Code == codeTimeout || coded.Code == dossier.CodeMalformed) {
		return &dossier.Error{Code: coded.Code, Err: err}
	}
	return err
}

// writeJSON answers with v.
func writeJSON(c echo.Context, status int, mediaType string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return c.Blob(status, mediaType, append(text, '\n'))
}

func answerJSON(c echo.Context, v any) error {
	return writeJSON(c, http.StatusOK, "application/json", v)
}
