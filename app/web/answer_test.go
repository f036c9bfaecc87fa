package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %v\n%s", a.status, a.header, a.body) }

// id returns the request's id.
func (a answer) id() string { return a.header.Get("X-Request-Id") }

// must checks an answer's status and what its body holds.
func (a answer) must(t *testing.T, status int, contains ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %v\nwant status %d", a, status)
	}
	for _, text := range contains {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page does not say %q:\n%s", text, a.body)
		}
	}
}

func (a answer) mustNot(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("the page says %q:\n%s", text, a.body)
		}
	}
}

// pageForm reads the submission form of a page as a browser does, and the order of its fields.
func (a answer) pageForm(t *testing.T) (f form, order []string) {
	t.Helper()
	found := false
	a.walk(t, func(n *html.Node) {
		switch {
		case n.Data == "form" && attribute(n, "id") == "submission":
			found = true
			if attribute(n, "action") != "/submissions" || attribute(n, "method") != "post" ||
				attribute(n, "enctype") != "multipart/form-data" {
				t.Errorf("the form is %v", n.Attr)
			}
		case n.Data == "input" && found && attribute(n, "name") != "csrf":
			order = append(order, attribute(n, "name"))
			value := attribute(n, "value")
			switch attribute(n, "name") {
			case "receipt":
				f.receipt = value
				if attribute(n, "type") != "hidden" {
					t.Error("the receipt is not hidden")
				}
			case "name":
				f.name = value
			case "location":
				f.location = value
			case "age":
				f.age = value
			case "technology":
				f.technology = value
			}
		}
	})
	if !found {
		t.Fatalf("the page has no form: %v", a)
	}
	return f, order
}

// told returns the names of files on a page, as people read them: those stored, and those that are not with the reason.
func (a answer) told(t *testing.T) (stored []string, missing map[string]string) {
	t.Helper()
	missing = map[string]string{}
	a.walk(t, func(n *html.Node) {
		if attribute(n, "class") != "file-name" {
			return
		}
		// Without the folders before it.
		name := text(n.LastChild)
		if n.Parent.Data == "th" {
			stored = append(stored, name)
			return
		}
		for m := n.NextSibling; m != nil; m = m.NextSibling {
			if strings.HasPrefix(attribute(m, "class"), "missing-why") {
				missing[name] = text(m)
			}
		}
	})
	return stored, missing
}

func (a answer) walk(t *testing.T, see func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			see(n)
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for m := range n.Descendants() {
		if m.Type == html.TextNode {
			b.WriteString(m.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
