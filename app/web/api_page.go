package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
)

// apiView is the API's document for people (api.html).
type apiView struct {
	page
	Heading, Version string
	// Intro is the document's description in paragraphs.
	Intro []string
	// Document is the path of the document itself.
	Document string
	// Security says who may ask, by name.
	Security []apiTerm
	Groups   []apiGroup
	Schemas  []apiSchema
	Problems []apiProblem
}

// apiGroup is a group of operations.
type apiGroup struct {
	Name, Text string
	Operations []apiOperation
}

// apiOperation is one operation.
type apiOperation struct {
	// ID is its name in the document, and its anchor.
	ID, Method, Path, Summary string
	Text                      []string
	// Who may ask for it.
	Who        string
	Parameters []apiTerm
	// Samples are commands that show how it is used.
	Samples []string
	// Body is what is sent; its Kind is empty where nothing is.
	Body apiTerm
	// Answers are by status.
	Answers []apiTerm
}

// apiTerm is something with a name.
type apiTerm struct {
	Name string
	// Kind says what it is, Schema is the name of its schema; each may be empty.
	Kind, Schema string
	Text         string
}

// apiSchema is a schema with its members.
type apiSchema struct {
	Anchor, Name, Kind, Text string
	Members                  []apiTerm
}

// apiProblem is a code of a refusal.
type apiProblem struct {
	Anchor, Code, Title, Detail string
	Status                      int
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
		Heading: d.Info.Title + " API", Version: d.Info.Version, Intro: paragraphs(d.Info.Description),
		Document: api.Prefix + "/openapi.json",
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.SecuritySchemes)) {
		text := strings.Join(paragraphs(d.Components.SecuritySchemes[name].Description), " ")
		v.Security = append(v.Security, apiTerm{Name: name, Text: text})
	}
	for _, tag := range d.Tags {
		group := apiGroup{Name: tag.Name, Text: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range []string{"post", "put", "get", "delete"} {
				if op, ok := d.operationAt(method, path); ok && slices.Contains(op.Tags, tag.Name) {
					group.Operations = append(group.Operations, d.operation(path, method, op))
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
		v.Problems = append(v.Problems, apiProblem{Anchor: problemAnchor(code), Code: string(code), Status: r.inAPI(),
			Title: r.heading, Detail: r.detail})
	}
	slices.SortStableFunc(v.Problems, func(a, b apiProblem) int { return cmp.Compare(a.Status, b.Status) })
	return v
}

func (d documentParts) operation(path, method string, op documentOperation) apiOperation {
	v := apiOperation{
		ID: op.OperationID, Method: strings.ToUpper(method), Path: api.Prefix + path, Summary: op.Summary,
		Text: paragraphs(op.Description),
	}
	switch {
	case op.Security == nil:
		v.Who = "A receipt or staff"
	case op.Scope != "":
		v.Who = fmt.Sprintf("Staff with the role %s: a personal token with the scope %s", op.Role, op.Scope)
		if len(*op.Security) > 1 {
			v.Who += ", or a session"
		}
	case len(*op.Security) == 0:
		v.Who = "Anyone"
	default:
		v.Who = "Anyone, with or without a receipt made by the client"
	}
	for _, s := range op.Samples {
		v.Samples = append(v.Samples, strings.TrimSpace(s.Source))
	}
	for _, p := range op.Parameters {
		v.Parameters = append(v.Parameters, apiTerm{
			Name: p.Name, Kind: joined(p.In, kindOf(p.Schema), optional(p.Required, "may be left out")),
			Schema: schemaOf(p.Schema), Text: p.Description,
		})
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
			Name: member, Kind: joined(kindOf(p), optional(slices.Contains(s.Required, member), "may be absent")),
			Schema: schemaOf(p), Text: p.Description,
		})
	}
	return v
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
