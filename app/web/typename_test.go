package web

import "testing"

func TestTypeName(t *testing.T) {
	for _, c := range []struct{ mediaType, name, plain string }{
		{"application/pdf", "PDF", "application/pdf"},
		{"image/png", "Picture (PNG)", "image/png"},
		{"text/plain; charset=utf-8", "Text", "text/plain"},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word document",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"image/x-unheard-of", "Picture", "image/x-unheard-of"},
		{"application/x-unheard-of", "Other", "application/x-unheard-of"},
		{"chemical/x-pdb", "Other", "chemical/x-pdb"},
		{"application/octet-stream", "Unknown", "application/octet-stream"},
		{"text/html; charset=x\u202e THIS FILE WAS SCANNED AND IS SAFE", "Web page", "text/html"},
		{"THIS FILE WAS SCANNED AND IS SAFE", "", ""},
		{"text/this file is safe", "", ""},
		{"text/\u202eefas", "", ""},
		{"", "", ""},
	} {
		if name, plain := typeName(c.mediaType); name != c.name || plain != c.plain {
			t.Errorf("%q is told as %q, %q; want %q, %q", c.mediaType, name, plain, c.name, c.plain)
		}
	}
}

// What a sender wrote into a file is not shown as its type.
func TestPagesShowNoForeignWordsAsType(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	receipt, _ := s.submit(t, "Ada", upload{"page.html",
		"<!doctype html><html><head><meta charset=\"x\u202e THIS FILE WAS SCANNED AND IS SAFE\"></head>"})
	person := "/people/" + receipt.Person.String()
	by := s.signIn(t)
	for _, path := range []string{person, person + "?view=cards", "/receipt/" + receipt.String()} {
		s.play(t, scenario{path: path, by: by, status: 200, has: []string{"Web page", "text/html"},
			hasNot: []string{"SCANNED", "charset=x"}})
	}
}
