package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
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
	Parameters                        []documentParameter
	RequestBody                       *struct{ Content documentContent }
	Responses                         map[string]documentResponse
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

// apiDocument serves the document. Programs of other sites may read it too; it is the same for everybody.
func (s *Server) apiDocument(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "application/json", s.document.text)
}

// apiPage shows the document to people.
func (s *Server) apiPage(c echo.Context) error {
	v := s.document.parts.view()
	v.page = s.page(c, "API")
	return s.render(c, http.StatusOK, "api", v)
}

// view returns the page of a document.
func (d documentParts) view() apiView {
	v := apiView{
		Heading: d.Info.Title + " API", Version: d.Info.Version, Intro: paragraphs(d.Info.Description), Document: api.Prefix + "/openapi.json",
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.SecuritySchemes)) {
		v.Security = append(v.Security, apiTerm{Name: name, Text: strings.Join(paragraphs(d.Components.SecuritySchemes[name].Description), " ")})
	}
	for _, tag := range d.Tags {
		group := apiGroup{Name: tag.Name, Text: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range []string{"post", "put", "get", "delete"} {
				if text, ok := d.Paths[path][method]; ok {
					if op := d.operation(path, method, text); op.tag == tag.Name {
						group.Operations = append(group.Operations, op.apiOperation)
					}
				}
			}
		}
		v.Groups = append(v.Groups, group)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		v.Schemas = append(v.Schemas, schemaView(name, d.Components.Schemas[name]))
	}
	for _, code := range slices.Sorted(maps.Keys(refusals)) {
		r := refusals[code]
		if code == dossier.CodeExists {
			continue // resolved by the service; never answered
		}
		v.Problems = append(v.Problems, apiProblem{Anchor: problemAnchor(code), Code: string(code), Status: r.inAPI(), Title: r.heading, Detail: r.detail})
	}
	slices.SortStableFunc(v.Problems, func(a, b apiProblem) int { return cmp.Compare(a.Status, b.Status) })
	return v
}

// taggedOperation is an operation with the group that it belongs to.
type taggedOperation struct {
	apiOperation
	tag string
}

func (d documentParts) operation(path, method string, text json.RawMessage) taggedOperation {
	// Read without a fault before, by loadDocument.
	var op documentOperation
	_ = json.Unmarshal(text, &op)
	var shared []documentParameter
	_ = json.Unmarshal(d.Paths[path]["parameters"], &shared)

	v := taggedOperation{apiOperation: apiOperation{
		ID: op.OperationID, Method: strings.ToUpper(method), Path: api.Prefix + path, Summary: op.Summary, Text: paragraphs(op.Description),
	}}
	if len(op.Tags) > 0 {
		v.tag = op.Tags[0]
	}
	switch {
	case op.Security == nil:
		v.Who = "A receipt, or staff"
	case len(*op.Security) == 0:
		v.Who = "Everybody"
	default:
		v.Who = "Everybody; with a receipt of the client's own or without"
	}
	for _, p := range append(shared, op.Parameters...) {
		if p.Ref != "" {
			p = d.Components.Parameters[last(p.Ref)]
		}
		v.Parameters = append(v.Parameters, apiTerm{Name: p.Name, Kind: joined(p.In, kindOf(p.Schema), optional(p.Required, "may be left out")), Schema: schemaOf(p.Schema), Text: p.Description})
	}
	if op.RequestBody != nil {
		v.Body = contentView(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if r.Ref != "" {
			r = d.Components.Responses[last(r.Ref)]
		}
		term := contentView(r.Content)
		if status == "default" {
			status = "Others"
		}
		term.Name, term.Text = status, r.Description
		v.Answers = append(v.Answers, term)
	}
	return v
}

// contentView returns what a body is; there is one type each.
func contentView(content documentContent) apiTerm {
	for mediaType, c := range content {
		return apiTerm{Kind: mediaType, Schema: schemaOf(c.Schema)}
	}
	return apiTerm{}
}

func schemaView(name string, s documentSchema) apiSchema {
	v := apiSchema{Anchor: "schema-" + name, Name: name, Kind: kindOf(s), Text: s.Description}
	for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[member]
		v.Members = append(v.Members, apiTerm{
			Name: member, Kind: joined(kindOf(p), optional(slices.Contains(s.Required, member), "may be absent")), Schema: schemaOf(p), Text: p.Description,
		})
	}
	return v
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

// joined returns those that say something, with commas between.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), ", ")
}

// optional returns the text for what is not required.
func optional(required bool, text string) string {
	if required {
		return ""
	}
	return text
}

// last returns the last segment of a reference.
func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// paragraphs splits a description at its empty lines, and undoes its line breaks.
func paragraphs(text string) []string {
	var all []string
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			all = append(all, p)
		}
	}
	return all
}
