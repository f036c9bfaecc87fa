package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
)

// apiDocument is the API's document: as it is served, and what the page is made of.
type apiDocument struct {
	text  []byte
	parts documentParts
}

// documentParts is as much of OpenAPI as the document uses and the page shows.
type documentParts struct {
	Info struct{ Title, Version, Description string }
	Tags []struct{ Name, Description string }
	// Paths has operations by method, in lower case, and "parameters", which the page reads beside them.
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		SecuritySchemes map[string]struct{ Description string }
		Parameters      map[string]documentParameter
		Responses       map[string]documentResponse
		Schemas         map[string]documentSchema
	}
}

type documentOperation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          *[]map[string]any
	// Scope and Role are what an operation for staff needs; empty for others.
	Scope       string                    `json:"x-scope"`
	Role        string                    `json:"x-role"`
	Samples     []struct{ Source string } `json:"x-codeSamples"`
	Parameters  []documentParameter
	RequestBody *struct{ Content documentContent }
	Responses   map[string]documentResponse
}

type documentParameter struct {
	Ref                   string `json:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                documentSchema
}

type documentResponse struct {
	Ref         string `json:"$ref"`
	Description string
	Content     documentContent
}

type documentContent map[string]struct{ Schema documentSchema }

type documentSchema struct {
	Ref                       string `json:"$ref"`
	Type, Format, Description string
	Pattern                   string
	Enum                      []string
	Required                  []string
	Minimum, Maximum          *json.Number
	MinLength, MaxLength      *json.Number
	MinItems, MaxItems        *json.Number
	Properties                map[string]documentSchema
	Items                     *documentSchema
	AdditionalProperties      json.RawMessage
}

func loadDocument() (apiDocument, error) {
	text, err := api.Document()
	if err != nil {
		return apiDocument{}, err
	}
	if text, err = withFields(text); err != nil {
		return apiDocument{}, err
	}
	d := apiDocument{text: append(text, '\n')}
	if err := json.Unmarshal(text, &d.parts); err != nil {
		return d, fmt.Errorf("read the API's document: %w", err)
	}
	if len(d.parts.Paths) == 0 {
		return d, fmt.Errorf("the API's document has no paths")
	}
	for path, methods := range d.parts.Paths {
		for method, text := range methods {
			if method == "parameters" {
				continue
			}
			var op documentOperation
			if err := json.Unmarshal(text, &op); err != nil {
				return d, fmt.Errorf("read the API's document: %s %s: %w", method, path, err)
			}
		}
	}
	return d, nil
}

// fieldsParameter is the parameter of the document that stands for those of all fields.
const fieldsParameter = "Details"

// withFields returns the document with a parameter for each of dossier.Fields by which people are filtered.
func withFields(text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // numbers stay as they are written
	var document map[string]any
	if err := d.Decode(&document); err != nil {
		return nil, fmt.Errorf("read the API's document: %w", err)
	}
	at := func(v any, name string) map[string]any {
		m, _ := v.(map[string]any)
		found, _ := m[name].(map[string]any)
		return found
	}
	const ref = "#/components/parameters/"
	parameters := at(at(document, "components"), "parameters")
	if parameters[fieldsParameter] == nil {
		return nil, fmt.Errorf("the API's document has no parameter %s", fieldsParameter)
	}
	delete(parameters, fieldsParameter)
	var refs []any
	for _, p := range fieldParameters() {
		name, _ := p["name"].(string)
		parameters[name] = p
		refs = append(refs, map[string]any{"$ref": ref + name})
	}
	for _, methods := range at(document, "paths") {
		all, _ := methods.(map[string]any)
		for method := range all {
			op := at(all, method)
			list, _ := op["parameters"].([]any)
			i := slices.IndexFunc(list, func(p any) bool {
				one, _ := p.(map[string]any)
				return one["$ref"] == ref+fieldsParameter
			})
			if i >= 0 {
				op["parameters"] = slices.Replace(list, i, i+1, refs...)
			}
		}
	}
	return json.Marshal(document)
}

// fieldParameters are the parameters by which dossier.ParseFilter filters people by their details.
func fieldParameters() (all []map[string]any) {
	add := func(name, description string, schema map[string]any) {
		all = append(all, map[string]any{"name": name, "in": "query", "description": description, "schema": schema})
	}
	for _, f := range dossier.Fields {
		label := strings.ToLower(f.Label)
		if !f.IsNumber() {
			add(f.Name, "Words, each of which must begin a word of the "+label+".",
				map[string]any{"type": "string", "maxLength": f.Most})
			continue
		}
		bounds := map[string]any{"type": "integer", "minimum": f.Least, "maximum": f.Most}
		add(f.FromName(), "The least "+label+".", bounds)
		add(f.ToName(), "The highest "+label+".", bounds)
	}
	return all
}

// operation returns an operation of the document, with the parameters that its path shares.
func (d documentParts) operationAt(method, path string) (documentOperation, bool) {
	text, ok := d.Paths[path][strings.ToLower(method)]
	if !ok {
		return documentOperation{}, false
	}
	var op documentOperation
	var shared []documentParameter
	// Read without a fault before, by loadDocument.
	_ = json.Unmarshal(text, &op)
	_ = json.Unmarshal(d.Paths[path]["parameters"], &shared)
	op.Parameters = append(shared, op.Parameters...)
	for i, p := range op.Parameters {
		if p.Ref != "" {
			op.Parameters[i] = d.Components.Parameters[last(p.Ref)]
		}
	}
	return op, true
}

// apiDocument serves the document. Programs of other sites may read it too; it is the same for everybody.
func (s *Server) apiDocument(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "application/json", s.document.text)
}

// schemaOf returns the name of the schema that another one is, or is an array of; empty where it has none.
func schemaOf(s documentSchema) string {
	switch {
	case s.Ref != "":
		return last(s.Ref)
	case s.Items != nil:
		return schemaOf(*s.Items)
	}
	return ""
}

// kindOf says in words what a value is; what a schema with a name is, that one says.
func kindOf(s documentSchema) string {
	within := func(what string, least, most *json.Number) string {
		switch {
		case least != nil && most != nil:
			return fmt.Sprintf(", %s%s to %s", what, *least, *most)
		case least != nil:
			return fmt.Sprintf(", %sfrom %s", what, *least)
		case most != nil:
			return fmt.Sprintf(", %sup to %s", what, *most)
		}
		return ""
	}
	switch {
	case s.Ref != "":
		return ""
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, " | ")
	case s.Items != nil:
		return "array" + within("items: ", s.MinItems, s.MaxItems)
	case s.Pattern != "":
		return s.Type + " like " + s.Pattern
	case s.Type == "object" && len(s.AdditionalProperties) > 0 && s.AdditionalProperties[0] == '{':
		return "object of strings"
	}
	kind := s.Type
	if s.Format != "" && s.Format != "int64" {
		kind += " (" + s.Format + ")"
	}
	return kind + within("", s.Minimum, s.Maximum) + within("characters: ", s.MinLength, s.MaxLength)
}

// last returns the last segment of a reference.
func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
