package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dossier.example/app"
	"dossier.example/app/api"
)

const crcRule = "Must be the base64 of eight bytes, 12 characters."

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

// decodeJSON reads text into v, a pointer to a struct of package api. It is stricter than encoding/json, and so as strict as the document: names count
// with their case, every member must be there unless its tag says omitempty, none may be null, and there are no others.
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

// checkJSON adds to faults what keeps the JSON text, which is valid and stands at a pointer, from being a value of type t.
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

// pointerToken writes a member's name as it stands in a JSON pointer (RFC 6901). What is too long to be a mistake in writing is cut.
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

// What the domain's values look like in the API.

func apiPerson(p dossier.Person) api.Person {
	return api.Person{
		ID: p.ID.String(), Name: p.Name, Location: p.Location, Age: p.Age, Technology: p.Technology,
		State: api.PersonState(p.State), CreatedAt: p.CreatedAt.UTC(),
	}
}

func apiFile(f dossier.File) api.File {
	out := api.File{
		ID: f.ID.String(), Name: f.Name, State: api.FileState(f.State), CreatedAt: f.CreatedAt.UTC(), UpdatedAt: f.UpdatedAt.UTC(),
	}
	if f.Multipart != nil {
		count := partCount(f.Multipart.Size, f.Multipart.PartSize)
		out.Size, out.PartSize, out.PartCount = &f.Multipart.Size, &f.Multipart.PartSize, &count
	}
	// A record may be described before it is stored; until then the content is nothing to rely on.
	if f.Content != nil && f.State == dossier.FileStored {
		out.Size = &f.Content.Size
		out.Content = &api.Content{
			Crc64Nvme: api.FormatCRC64NVME(f.Content.CRC64), Sha256: api.FormatSHA256(f.Content.SHA256), Type: f.Content.Type,
		}
	}
	return out
}

// partCount returns the number of parts of a file; an empty one has one, of no bytes.
func partCount(size, partSize int64) int { return max(1, int((size+partSize-1)/partSize)) }
