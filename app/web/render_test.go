package web

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"dossier.example/app"
)

// embeddedPages loads the templates as the server does.
func embeddedPages(t *testing.T) (pages, *assets) {
	t.Helper()
	files, err := loadAssets(embedded)
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadPages(embedded, files)
	if err != nil {
		t.Fatal(err)
	}
	return all, files
}

// renderSample renders a page as the server does.
func renderSample(t *testing.T, all pages, s sample) string {
	t.Helper()
	var b bytes.Buffer
	if err := all[s.page].ExecuteTemplate(&b, "layout", s.view); err != nil {
		t.Fatalf("render %s: %v", s.name, err)
	}
	return b.String()
}

// document is a parsed page with what the checks ask of it.
type document struct {
	root *html.Node
}

func parseDocument(t *testing.T, text string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("parse HTML: %v", err)
	}
	return document{root}
}

// all yields the elements with one of the given names in document order; all elements where none is given.
func (d document) all(names ...string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for n := range d.root.Descendants() {
			if n.Type == html.ElementNode && (len(names) == 0 || slices.Contains(names, n.Data)) && !yield(n) {
				return
			}
		}
	}
}

func (d document) byID(id string) *html.Node {
	for n := range d.all() {
		if v, ok := attr(n, "id"); ok && v == id {
			return n
		}
	}
	return nil
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func attrOf(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

// textOf returns the text in n with white space folded.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func tag(n *html.Node) string {
	return fmt.Sprintf("<%s id=%q class=%q name=%q>", n.Data, attrOf(n, "id"), attrOf(n, "class"), attrOf(n, "name"))
}

// What must hold of every page, whatever it shows.
func TestPagesAreSound(t *testing.T) {
	all, _ := embeddedPages(t)
	for _, s := range samples("/picture.png") {
		t.Run(s.name, func(t *testing.T) {
			d := parseDocument(t, renderSample(t, all, s))
			checkIDs(t, d)
			checkStructure(t, d)
			checkControls(t, d)
			checkPolicy(t, d)
			checkFaults(t, d)
		})
	}
}

// TestPasswordFields: what is typed is hidden, password managers know what it is, and nothing keeps them from it.
func TestPasswordFields(t *testing.T) {
	all, _ := embeddedPages(t)
	found := map[string]bool{}
	for _, s := range samples("/picture.png") {
		d := parseDocument(t, renderSample(t, all, s))
		for n := range d.all() {
			name := attrOf(n, "name")
			secret := slices.Contains([]string{"password", "current", "key"}, name) && attrOf(n, "type") != "hidden"
			if n.Data != "input" || !secret {
				continue
			}
			found[name] = true
			purpose := attrOf(n, "autocomplete")
			if attrOf(n, "type") != "password" || purpose != "current-password" && purpose != "new-password" {
				t.Errorf("%s: %s has type %q and autocomplete %q", s.name, tag(n), attrOf(n, "type"), purpose)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "readonly" || a.Key == "pattern" {
					t.Errorf("%s: %s has %s", s.name, tag(n), a.Key)
				}
			}
		}
	}
	if len(found) != 3 {
		t.Errorf("found only %v", found)
	}
}

// checkIDs: ids are unique, and whatever refers to one finds it.
func checkIDs(t *testing.T, d document) {
	t.Helper()
	ids := map[string]int{}
	for n := range d.all() {
		if id, ok := attr(n, "id"); ok {
			if id == "" || strings.ContainsAny(id, " \t\n") {
				t.Errorf("%s: id %q is no id", tag(n), id)
			}
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q stands %d times", id, n)
		}
	}
	for n := range d.all() {
		for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "data-copy"} {
			for _, id := range strings.Fields(attrOf(n, name)) {
				if ids[id] == 0 {
					t.Errorf("%s: %s names %q, which is not there", tag(n), name, id)
				}
			}
		}
		if id, ok := strings.CutPrefix(attrOf(n, "href"), "#"); ok && ids[id] == 0 {
			t.Errorf("%s: leads to #%s, which is not there", tag(n), id)
		}
	}
}

// checkStructure: language, title, landmarks, one h1 and no level of heading left out, tables and lists as they should
// be.
func checkStructure(t *testing.T, d document) {
	t.Helper()
	count := map[string]int{}
	level := 0
	for n := range d.all() {
		count[n.Data]++
		if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			l := int(n.Data[1] - '0')
			// The summary of faults stands before the page's own subheadings, but after its h1.
			if l > level+1 {
				t.Errorf("%s %q follows a heading of level %d", tag(n), textOf(n), level)
			}
			if textOf(n) == "" {
				t.Errorf("%s is empty", tag(n))
			}
			level = l
		}
		switch n.Data {
		case "html":
			if attrOf(n, "lang") == "" {
				t.Error("the page has no language")
			}
		case "title":
			if textOf(n) == "" || !strings.HasSuffix(textOf(n), "Dossier") {
				t.Errorf("title %q", textOf(n))
			}
		case "table":
			if c := (document{n}); len(slices.Collect(c.all("caption"))) != 1 {
				t.Errorf("%s has no caption", tag(n))
			}
		case "th":
			if attrOf(n, "scope") == "" || attrOf(n, "role") == "" {
				t.Errorf("%s %q has no scope or no role", tag(n), textOf(n))
			}
		case "time":
			if attrOf(n, "datetime") == "" {
				t.Errorf("%s %q has no datetime", tag(n), textOf(n))
			}
		case "img":
			if attrOf(n, "alt") == "" || attrOf(n, "width") == "" || attrOf(n, "height") == "" {
				t.Errorf("%s has no alt or no size", tag(n))
			}
		case "a":
			if textOf(n) == "" && len(slices.Collect(document{n}.all("img"))) == 0 {
				t.Errorf("%s to %q says nothing", tag(n), attrOf(n, "href"))
			}
		}
	}
	for _, name := range []string{"title", "h1", "main", "header"} {
		if count[name] != 1 {
			t.Errorf("%d <%s>, want 1", count[name], name)
		}
	}
}

// checkControls: every control has one label, every button a type and a text, every form that staff send its token.
func checkControls(t *testing.T, d document) {
	t.Helper()
	labels := map[string]int{}
	for n := range d.all("label") {
		labels[attrOf(n, "for")]++
	}
	for n := range d.all("input", "textarea", "select") {
		if _, hidden := attr(n, "hidden"); !hidden && attrOf(n, "type") != "hidden" && labels[attrOf(n, "id")] != 1 {
			t.Errorf("%s has %d labels", tag(n), labels[attrOf(n, "id")])
		}
	}
	for n := range d.all("button") {
		if attrOf(n, "type") == "" || textOf(n) == "" {
			t.Errorf("%s has no type or no text", tag(n))
		}
	}
	for n := range d.all("form") {
		var token bool
		for in := range (document{n}).all("input") {
			token = token || attrOf(in, "name") == "csrf" && attrOf(in, "value") != ""
		}
		action := attrOf(n, "action")
		// What carries no authority, or the secret itself.
		open := []string{"/submissions", "/staff/sign-in", "/receipt", invitationPath, invitationPath + "/accept"}
		if attrOf(n, "method") == "post" && !slices.Contains(open, action) && !token {
			t.Errorf("form to %q carries no token", action)
		}
	}
}

// checkFaults: a control that is wrong leads to why, and the title begins with that, which is the first thing heard.
func checkFaults(t *testing.T, d document) {
	t.Helper()
	wrong := d.byID("summary") != nil || d.byID("issuer-fault") != nil
	for n := range d.all() {
		if attrOf(n, "aria-invalid") != "true" {
			continue
		}
		wrong = true
		var why bool
		for _, id := range strings.Fields(attrOf(n, "aria-describedby")) {
			by := d.byID(id)
			why = why || by != nil && (attrOf(by, "class") == "fault" || attrOf(by, "role") == "alert")
		}
		if !why {
			t.Errorf("%s is marked as faulty, and is not described by its fault", tag(n))
		}
	}
	for n := range d.all("title") {
		if told := strings.HasPrefix(textOf(n), "Error: "); told != wrong {
			t.Errorf("title %q of a page with faults: %t", textOf(n), wrong)
		}
	}
}

// checkPolicy: nothing that "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'" would refuse.
func checkPolicy(t *testing.T, d document) {
	t.Helper()
	for n := range d.all() {
		switch n.Data {
		case "style", "base", "iframe", "object", "embed":
			t.Errorf("%s has no place here", tag(n))
		case "script":
			if attrOf(n, "src") == "" || textOf(n) != "" {
				t.Errorf("inline script %q", textOf(n))
			}
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "style", strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: attribute %s=%q", tag(n), a.Key, a.Val)
			case slices.Contains([]string{"src", "href", "action"}, a.Key):
				// An authenticator app on the same device is opened by its own scheme.
				if a.Val != "" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "otpauth://totp/") &&
					(!strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//")) {
					t.Errorf("%s: %s=%q leaves the site", tag(n), a.Key, a.Val)
				}
			}
		}
	}
}

// Every text of every view is replaced by one that would break out of any context it could stand in; it must come out
// as text or as an attribute's value, whole, and change nothing of the page's elements.
func TestUserValuesAreEscaped(t *testing.T) {
	all, _ := embeddedPages(t)
	const hostile = `"'><script>alert(%d)</script><img src=x onerror=alert(1)>&amp;{{.}}` + "`"
	for _, s := range samples("/picture.png") {
		t.Run(s.name, func(t *testing.T) {
			var n int
			view := replaceStrings(s.view, func(field string) string {
				n++
				return fmt.Sprintf(hostile, n)
			})
			d := parseDocument(t, renderSample(t, all, sample{name: s.name, page: s.page, view: view}))
			for e := range d.all() {
				if e.Data == "script" && !strings.HasPrefix(attrOf(e, "src"), "/static/") ||
					e.Data == "img" && attrOf(e, "src") == "x" {
					t.Errorf("a value became an element %s", tag(e))
				}
				for _, a := range e.Attr {
					if strings.HasPrefix(a.Key, "on") || strings.ContainsAny(a.Key, `"'<>`) {
						t.Errorf("a value became an attribute %s of %s", a.Key, tag(e))
					}
				}
			}
			if n == 0 {
				t.Fatal("no value was replaced")
			}
		})
	}
}

// A path is made by the server; should a user's text ever reach one, it still must not run.
func TestNoPathRunsScript(t *testing.T) {
	all, _ := embeddedPages(t)
	for _, s := range samples("/picture.png") {
		view := replaceStrings(s.view, func(string) string { return "javascript:alert(1)" })
		d := parseDocument(t, renderSample(t, all, sample{name: s.name, page: s.page, view: view}))
		for n := range d.all() {
			for _, name := range []string{"href", "src", "action", "formaction"} {
				if strings.HasPrefix(strings.TrimSpace(strings.ToLower(attrOf(n, name))), "javascript:") {
					t.Errorf("%s: %s has %s=%q", s.name, tag(n), name, attrOf(n, name))
				}
			}
		}
	}
}

// The values that the page shows come out unchanged, be they markup, right-to-left or emoji.
func TestValuesComeOutUnchanged(t *testing.T) {
	all, _ := embeddedPages(t)
	for _, text := range []string{markup, arabic, emoji, unbroken, "a & b &amp; c", `C:\x "y" 'z'`} {
		form := with(sampleForm(), func(v *formView) {
			v.Typed = fields{}
			for _, f := range dossier.Fields {
				v.Typed[f.Name] = text
			}
		})
		d := parseDocument(t, renderSample(t, all, sample{"form", "form", form}))
		for _, f := range dossier.Fields {
			if got := attrOf(d.byID(f.Name), "value"); got != text {
				t.Errorf("field %s keeps %q, want %q", f.Name, got, text)
			}
		}
		person := personPageView{page: page{Title: text, Staff: true, CSRF: "x"}, Cards: true,
			Person: with(ada(), func(p *personView) { p.Name = text }),
			Files:  []fileView{storedFile(text, "text/plain", "1 B", "1 byte")}}
		d = parseDocument(t, renderSample(t, all, sample{"person", "person", person}))
		for n := range d.all("h1", "h3") {
			if got, want := textOf(n), strings.Join(strings.Fields(text), " "); got != want {
				t.Errorf("%s shows %q, want %q", n.Data, got, want)
			}
		}
	}
}

// replaceStrings returns a copy of view in which every non-empty string of a user's or a store's making is replaced.
// States and field names choose between branches of a template and stay.
func replaceStrings(view any, replace func(field string) string) any {
	keep := []string{"State", "Order"}
	var walk func(v reflect.Value, name string)
	walk = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.String:
			if v.CanSet() && v.String() != "" && !slices.Contains(keep, name) {
				v.SetString(replace(name))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), v.Type().Field(i).Name)
			}
		case reflect.Slice:
			// A copy, because samples may share the array below.
			if name != "Order" && v.CanSet() && v.Len() > 0 {
				fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
				reflect.Copy(fresh, v)
				for i := range fresh.Len() {
					walk(fresh.Index(i), name)
				}
				v.Set(fresh)
			}
		case reflect.Map:
			if v.CanSet() && v.Len() > 0 {
				fresh := reflect.MakeMap(v.Type())
				for k := range v.Seq() {
					fresh.SetMapIndex(k, reflect.ValueOf(replace(name)))
				}
				v.Set(fresh)
			}
		}
	}
	fresh := reflect.New(reflect.TypeOf(view)).Elem()
	fresh.Set(reflect.ValueOf(view))
	walk(fresh, "")
	return fresh.Interface()
}

// The server reads the body as a stream: what it must know first stands first.
func TestFormHasTheOrderOfTheStream(t *testing.T) {
	all, _ := embeddedPages(t)
	d := parseDocument(t, renderSample(t, all, sample{"form", "form", sampleForm()}))
	form := d.byID("submission")
	for name, want := range map[string]string{"method": "post", "action": "/submissions",
		"enctype": "multipart/form-data"} {
		if got := attrOf(form, name); got != want {
			t.Errorf("form has %s=%q, want %q", name, got, want)
		}
	}
	var got []string
	for n := range (document{form}).all("input", "textarea", "select", "button") {
		got = append(got, attrOf(n, "type")+" "+attrOf(n, "name"))
	}
	want := []string{"hidden receipt"}
	for _, f := range dossier.Fields {
		want = append(want, "text "+f.Name)
	}
	want = append(want, "file files", "submit ")
	if !slices.Equal(got, want) {
		t.Errorf("fields are %q, want %q", got, want)
	}
}

func TestFormTellsTheRules(t *testing.T) {
	all, _ := embeddedPages(t)
	view := sampleForm()
	d := parseDocument(t, renderSample(t, all, sample{"form", "form", view}))
	type control struct {
		field string
		attrs map[string]string
		hint  []string
	}
	controls := []control{
		{"name", map[string]string{"autocomplete": "name"}, nil},
		{"age", map[string]string{"inputmode": "numeric"}, nil},
		{"files", map[string]string{"multiple": ""}, []string{strconv.Itoa(view.Limits.Files), view.MaxFile}},
	}
	for _, f := range dossier.Fields {
		c := control{f.Name, map[string]string{}, []string{f.Hint, strconv.Itoa(f.Most)}}
		if f.IsNumber() {
			c.hint = append(c.hint, strconv.Itoa(f.Least))
		}
		if !f.Optional {
			c.attrs["required"] = ""
		}
		controls = append(controls, c)
	}
	for _, c := range controls {
		input := d.byID(c.field)
		for _, name := range slices.Sorted(maps.Keys(c.attrs)) {
			if got, ok := attr(input, name); !ok || got != c.attrs[name] {
				t.Errorf("%s has %s=%q (%t), want %q", c.field, name, got, ok, c.attrs[name])
			}
		}
		if _, ok := attr(input, "aria-invalid"); ok {
			t.Errorf("%s is marked as faulty without a fault", c.field)
		}
		hint := textOf(d.byID(attrOf(input, "aria-describedby")))
		for _, want := range c.hint {
			if !strings.Contains(hint, want) {
				t.Errorf("hint of %s is %q, which does not tell %q", c.field, hint, want)
			}
		}
	}
	if d.byID("summary") != nil {
		t.Error("a first visit shows a summary of faults")
	}
}

func TestFormTellsEveryFault(t *testing.T) {
	all, _ := embeddedPages(t)
	names := []string{"files"}
	for _, f := range dossier.Fields {
		names = append(names, f.Name)
	}
	for _, field := range names {
		const message = "This is what is allowed."
		view := with(sampleForm(), func(v *formView) {
			v.Order, v.Faults = []string{field}, map[string]string{field: message}
		})
		d := parseDocument(t, renderSample(t, all, sample{"form", "form", view}))
		for n := range d.all("input") {
			id := attrOf(n, "id")
			if faulty := attrOf(n, "aria-invalid") == "true"; faulty != (id == field) {
				t.Errorf("with a fault in %s: %s is marked as faulty: %t", field, id, faulty)
			}
		}
		described := strings.Fields(attrOf(d.byID(field), "aria-describedby"))
		if fault := d.byID(field + "-fault"); fault == nil || !strings.Contains(textOf(fault), message) ||
			!slices.Contains(described, field+"-fault") {
			t.Errorf("%s does not tell its fault in place", field)
		}
		summary := d.byID("summary")
		if summary == nil || attrOf(summary, "role") != "alert" || attrOf(summary, "tabindex") != "-1" {
			t.Fatalf("with a fault in %s: no summary that announces itself and takes the focus", field)
		}
		var linked bool
		for a := range (document{summary}).all("a") {
			linked = linked || attrOf(a, "href") == "#"+field
		}
		if !linked || !strings.Contains(textOf(summary), message) {
			t.Errorf("summary %q does not lead to %s", textOf(summary), field)
		}
	}
}

func TestReceiptTellsWhatIsMissingFirst(t *testing.T) {
	all, _ := embeddedPages(t)
	for _, s := range samples("") {
		if s.name != "receipt-part" {
			continue
		}
		text := textOf(parseDocument(t, renderSample(t, all, s)).root)
		missing, why := strings.Index(text, "holiday.mov"), strings.Index(text, "Exceeds the limit")
		link, stored := strings.Index(text, "https://dossier.example/receipt#"),
			strings.Index(text, "engine-drawing.png")
		if missing < 0 || why < missing || link < why || stored < link {
			t.Errorf("order is missing file %d, reason %d, link %d, stored file %d", missing, why, link, stored)
		}
		return
	}
	t.Fatal("no sample of a receipt with missing files")
}

// A page never says that all is well when it is not.
func TestReceiptStates(t *testing.T) {
	all, _ := embeddedPages(t)
	for _, c := range []struct {
		name                       string
		complete, sending, pending bool
		want                       string
	}{
		{"everything stored", true, false, false, "Complete"},
		{"something is missing", false, false, false, "Incomplete"},
		{"what is missing is on its way", false, true, false, "Being sent"},
		{"not acknowledged", false, false, true, "Not confirmed"},
		{"not acknowledged, though every file is there", true, false, true, "Not confirmed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			view := receiptView{page: page{Title: "Receipt"}, Complete: c.complete, Sending: c.sending,
				Pending: c.pending, Person: ada()}
			d := parseDocument(t, renderSample(t, all, sample{c.name, "receipt", view}))
			var got []string
			for n := range d.all("p") {
				if strings.HasPrefix(attrOf(n, "class"), "badge") {
					got = append(got, textOf(n))
				}
			}
			if !slices.Equal(got, []string{c.want}) {
				t.Errorf("state is told as %q, want %q", got, c.want)
			}
		})
	}
}

// TestPreview writes every sample with the static files beside it, to be looked at: into the folder named by
// DOSSIER_PREVIEW, which is served as a site's root, else into one that is thrown away.
func TestPreview(t *testing.T) {
	dir := os.Getenv("DOSSIER_PREVIEW")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.RemoveAll(filepath.Join(dir, "static")); err != nil {
		t.Fatal(err)
	}
	all, files := embeddedPages(t)
	for name, f := range files.files {
		path, err := files.path(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.FromSlash(string(path)))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range samples("/picture.png") {
		if err := os.WriteFile(filepath.Join(dir, s.name+".html"), []byte(renderSample(t, all, s)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
