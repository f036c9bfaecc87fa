package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/docstest"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/staff"
)

// documentRoutes returns what the document names, as the router spells it.
func documentRoutes(t *testing.T) []string {
	t.Helper()
	d, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{([a-z]+)\}`)
	var all []string
	for path, methods := range d.parts.Paths {
		for method := range methods {
			if method != "parameters" {
				all = append(all, strings.ToUpper(method)+" "+api.Prefix+parameter.ReplaceAllString(path, ":$1"))
			}
		}
	}
	return all
}

// The server has exactly the routes that the document names. Each GET is answered to HEAD as well, and the address
// without its last slash leads on.
func TestAPIRoutesAreTheDocuments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var want, got []string
	for _, r := range documentRoutes(t) {
		want = append(want, r)
		if path, ok := strings.CutPrefix(r, "GET "); ok {
			want = append(want, "HEAD "+path)
		}
	}
	for _, r := range s.server.echo.Routes() {
		if strings.HasPrefix(r.Path, api.Prefix+"/") {
			got = append(got, r.Method+" "+r.Path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the server has\n%s\nthe document names\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.play(t, scenario{path: api.Prefix, status: 301, want: map[string]string{"Location": api.Prefix + "/"}})
}

// The numbers that the document tells are those of the program.
func TestAPIDocumentTellsTheRules(t *testing.T) {
	d, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	schemas := d.parts.Components.Schemas
	property := func(schema, name string) documentSchema {
		p, ok := schemas[schema].Properties[name]
		if !ok {
			t.Fatalf("schema %s has no member %s", schema, name)
		}
		return p
	}
	for what, c := range map[string]struct {
		told *json.Number
		want int
	}{
		"parts of a file":       {property("File", "part_count").Maximum, dossier.MaxParts},
		"number of a part":      {property("Part", "number").Maximum, dossier.MaxParts},
		"number of a signed":    {property("SignedPart", "number").Maximum, dossier.MaxParts},
		"parts in a status":     {property("FileStatus", "parts").MaxItems, dossier.MaxParts},
		"parts signed at once":  {property("PartsToSign", "parts").MaxItems, dossier.MaxSigned},
		"characters of a name":  {property("Announcement", "name").MaxLength, maxSentName},
		"least size of a file":  {property("Announcement", "size").Minimum, 0},
		"parts signed at least": {property("PartsToSign", "parts").MinItems, 1},
	} {
		if c.told == nil || c.told.String() != strconv.Itoa(c.want) {
			t.Errorf("%s: the document tells %v, want %d", what, c.told, c.want)
		}
	}
	if text := property("Announcement", "name").Description; !strings.Contains(text,
		strconv.Itoa(dossier.MaxFileNameBytes)+" bytes") {
		t.Errorf("the document says of a file's name %q", text)
	}
	var states []string
	for _, state := range []dossier.PersonState{dossier.PersonSubmitting, dossier.PersonSubmitted,
		dossier.PersonDeleting} {
		states = append(states, string(state))
	}
	if got := property("Person", "state").Enum; !slices.Equal(got, states) {
		t.Errorf("the states of a person are %q, want %q", got, states)
	}
	if got := property("File", "state").Enum; !slices.Equal(got,
		[]string{string(dossier.FileUploading), string(dossier.FileStored)}) {
		t.Errorf("the states of a file are %q", got)
	}
	pattern := regexp.MustCompile(schemas["CRC64NVME"].Pattern)
	for _, sum := range []uint64{0, 1, 0xae8b14860a799888, 1<<64 - 1} {
		text := api.FormatCRC64NVME(sum)
		if back, err := api.ParseCRC64NVME(text); err != nil || back != sum || !pattern.MatchString(text) {
			t.Errorf("%x is written %s and read %x, %v; as the document says: %t", sum, text, back, err,
				pattern.MatchString(text))
		}
	}
	// The check value of https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme.
	crc := dossier.NewCRC64()
	_, _ = crc.Write([]byte("123456789"))
	if got := api.FormatCRC64NVME(crc.Sum64()); got != "rosUhgp5mIg=" {
		t.Errorf("the CRC-64/NVME of 123456789 is written %s", got)
	}
}

// The document has the fields of a person, with their rules, and no others.
func TestAPIDocumentTellsTheFields(t *testing.T) {
	d, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	sent, told := d.parts.Components.Schemas["Registration"], d.parts.Components.Schemas["Person"]
	if len(sent.Properties) != len(dossier.Fields) {
		t.Errorf("schema Registration has %d members, want the %d fields", len(sent.Properties), len(dossier.Fields))
	}
	for _, path := range []string{"/staff/people", "/staff/people.csv", "/staff/people.jsonl"} {
		op, _ := d.parts.operationAt(http.MethodGet, path)
		for _, f := range dossier.Fields {
			names := []string{f.Name}
			if f.IsNumber() {
				names = []string{f.FromName(), f.ToName()}
			}
			for _, name := range names {
				if !slices.ContainsFunc(op.Parameters, func(p documentParameter) bool {
					return p.Name == name && p.In == "query" && p.Description != "" && p.Schema.Type != "" &&
						(p.Schema.Type == "integer") == f.IsNumber()
				}) {
					t.Errorf("%s cannot be filtered by %s, says the document", path, name)
				}
			}
		}
	}
	for _, f := range dossier.Fields {
		kind := "string"
		if f.IsNumber() {
			kind = "integer"
		}
		for name, schema := range map[string]documentSchema{"Registration": sent, "Person": told} {
			if schema.Properties[f.Name].Type != kind || slices.Contains(schema.Required, f.Name) == f.Optional {
				t.Errorf("schema %s: %s is no %s, or not required as it should", name, f.Name, kind)
			}
		}
		p := sent.Properties[f.Name]
		number := func(n *json.Number) string { // the empty one for none
			if n == nil {
				return ""
			}
			return n.String()
		}
		if f.IsNumber() {
			if number(p.Minimum) != strconv.Itoa(f.Least) || number(p.Maximum) != strconv.Itoa(f.Most) {
				t.Errorf("%s: the document says %q to %q, want %d to %d", f.Name, number(p.Minimum), number(p.Maximum),
					f.Least, f.Most)
			}
		} else if !strings.Contains(p.Description, strconv.Itoa(f.Most)+" characters") ||
			(number(p.MinLength) == "1") == f.Optional {
			t.Errorf("%s: the document says %q, with at least %q", f.Name, p.Description, number(p.MinLength))
		}
	}
}

// What is checked before a handler's own rules is what the document's schemas say.
func TestDecodeJSON(t *testing.T) {
	const crc = `"crc64nvme":"AAAAAAAAAAA="`
	const part = `{"number":1,"size":2,` + crc + `}`
	for name, c := range map[string]struct {
		text string
		// faults are pointers; nil: none. malformed: not even JSON.
		faults    []string
		malformed bool
	}{
		"whole":             {text: `{"parts":[` + part + `]}`},
		"spaces":            {text: " \r\n\t{ \"parts\" : [ ] } \n"},
		"empty":             {text: ``, malformed: true},
		"two values":        {text: `{"parts":[]}{}`, malformed: true},
		"cut off":           {text: `{"parts":[`, malformed: true},
		"a trailing comma":  {text: `{"parts":[],}`, malformed: true},
		"a comment":         {text: `{"parts":[]}//x`, malformed: true},
		"an array":          {text: `[]`, malformed: true},
		"null":              {text: `null`, malformed: true},
		"a byte order mark": {text: "\uFEFF{\"parts\":[]}", malformed: true},
		"not UTF-8":         {text: "{\"parts\":[],\"\xff\":1}", malformed: true},
		"nested deeply": {text: `{"parts":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
			malformed: true},
		"nothing in it":           {text: `{}`, faults: []string{"#/parts"}},
		"null for an array":       {text: `{"parts":null}`, faults: []string{"#/parts"}},
		"an object for an array":  {text: `{"parts":{}}`, faults: []string{"#/parts"}},
		"null for an object":      {text: `{"parts":[null]}`, faults: []string{"#/parts/0"}},
		"a number for an object":  {text: `{"parts":[` + part + `,1]}`, faults: []string{"#/parts/1"}},
		"another member":          {text: `{"parts":[],"people":[]}`, faults: []string{"#/people"}},
		"another case":            {text: `{"PARTS":[]}`, faults: []string{"#/parts", "#/PARTS"}},
		"a member with a slash":   {text: `{"parts":[],"a/b~c d":1}`, faults: []string{"#/a~1b~0c%20d"}},
		"a member missing deeply": {text: `{"parts":[{"number":1,` + crc + `}]}`, faults: []string{"#/parts/0/size"}},
		"wrong types": {text: `{"parts":[{"number":"1","size":null,"crc64nvme":5}]}`,
			faults: []string{"#/parts/0/crc64nvme", "#/parts/0/number", "#/parts/0/size"}},
		"fractions": {text: `{"parts":[{"number":1.0,"size":1e3,` + crc + `}]}`,
			faults: []string{"#/parts/0/number", "#/parts/0/size"}},
		"too large a number": {text: `{"parts":[{"number":1,"size":9223372036854775808,` + crc + `}]}`,
			faults: []string{"#/parts/0/size"}},
		"elements without end": {text: `{"parts":[` + strings.Repeat("1,", 9999), faults: []string{"#/parts"}},
		"members without end": {text: `{"parts":[],` + strings.Repeat(`"a":1,`, 9999) + `"b":2}`,
			faults: []string{"#/a", "#/b"}},
		"a member twice":           {text: `{"parts":1,"parts":[` + part + `]}`},
		"another member, deeply":   {text: `{"parts":[],"a":{"b":[[{"c":[[1]]}]]}}`, faults: []string{"#/a"}},
		"another member, too deep": {text: `{"parts":[],"a":` + strings.Repeat(`[`, 8), malformed: true},
		"faults without end": {text: `{"parts":[` + strings.Repeat("1,", 99) + `1]}`,
			faults: slices.Repeat([]string{"*"}, maxFaults)},
	} {
		t.Run(name, func(t *testing.T) {
			var v api.PartsToSign
			err := decodeJSON(strings.NewReader(c.text), &v)
			code, _ := codeOf(err)
			if c.malformed {
				if code != dossier.CodeMalformed {
					t.Errorf("error is %v", err)
				}
				return
			}
			if c.faults == nil {
				if err != nil {
					t.Errorf("error is %v", err)
				}
				return
			}
			if code != dossier.CodeInvalid {
				t.Fatalf("error is %v", err)
			}
			var got []string
			for _, f := range err.(*dossier.Error).Fields {
				got = append(got, pointerOf(f.Field))
			}
			if c.faults[0] == "*" {
				if len(got) != len(c.faults) {
					t.Errorf("%d faults are told, want %d", len(got), len(c.faults))
				}
			} else if !slices.Equal(got, c.faults) {
				t.Errorf("faults are told of %q, want %q", got, c.faults)
			}
		})
	}
}

// Whatever a session's cookie could do is refused to pages of other sites, also of those that may use the API.
func TestAPIStaffSession(t *testing.T) {
	t.Parallel()
	const friend, stranger = "https://friend.example", "https://stranger.example"
	s := newSite(t, func(o *Options) { o.APIOrigins = []string{friend} })
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada", upload{"a.txt", "a"})
	other, _ := s.submit(t, "Grace")
	id := dossier.NewFileID().String()
	file := api.Prefix + "/files/" + id
	ofAda, ofGrace := "?person="+receipt.Person.String(), "?person="+other.Person.String()
	send := func(name, method, path, body string, header map[string]string, status int, has ...string) {
		t.Helper()
		full := map[string]string{"Content-Type": "application/json"}
		maps.Copy(full, header)
		t.Run(name, func(t *testing.T) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range full {
				r.Header.Set(k, v)
			}
			if _, bare := header["Cookie"]; !bare {
				r.AddCookie(&http.Cookie{Name: by.cookie.Name, Value: by.cookie.Value})
			}
			res, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var text strings.Builder
			if err := json.NewDecoder(res.Body).Decode(&map[string]any{}); err != nil && status != 204 {
				text.WriteString(err.Error())
			}
			if res.StatusCode != status || text.Len() > 0 {
				t.Errorf("status %d, want %d; %s", res.StatusCode, status, text.String())
			}
			for _, h := range has {
				if res.Header.Get(h) == "" {
					t.Errorf("no header %s", h)
				}
			}
		})
	}
	const announcement = `{"name":"b.txt","size":3}`
	cross := func(origin string) map[string]string {
		return map[string]string{"Origin": origin, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
	}
	send("no person named", "PUT", file, announcement, nil, 400)
	send("a person's id that is none", "PUT", file+"?person=x", announcement, nil, 404)
	send("a person that is not there", "PUT", file+"?person="+dossier.NewPersonID().String(), announcement, nil, 404)
	send("no session", "PUT", file+ofAda, announcement, map[string]string{"Cookie": "x=y"}, 401, "WWW-Authenticate")
	send("a session that is none", "PUT", file+ofAda, announcement, map[string]string{"Cookie": by.cookie.Name + "=x"},
		401, "WWW-Authenticate")
	send("a page of a stranger", "PUT", file+ofAda, announcement, cross(stranger), 403)
	send("a page of a friend, with the cookie", "PUT", file+ofAda, announcement, cross(friend), 401,
		"Access-Control-Allow-Origin")
	send("a page of a friend reads, with the cookie", "GET", api.Prefix+"/receipt"+ofAda, "", cross(friend), 401,
		"Access-Control-Allow-Origin")
	send("a form of a stranger", "POST", file+"/complete"+ofAda, `{}`,
		map[string]string{"Origin": stranger, "Content-Type": "text/plain"}, 403)
	send("a form of a browser that says nothing", "POST", file+"/complete"+ofAda, `{}`,
		map[string]string{"Content-Type": "text/plain"}, 415)
	if files, err := s.stores.Catalog.Files(t.Context(), receipt.Person, dossier.FileID{}, 2); err != nil ||
		len(files) != 1 {
		t.Fatalf("a refused request did something: %d files, %v", len(files), err)
	}
	send("announce", "PUT", file+ofAda, announcement, nil, 200)
	send("announce from the site's own page", "PUT", file+ofAda, announcement,
		map[string]string{"Origin": s.url, "Sec-Fetch-Site": "same-origin"}, 200)
	send("read", "GET", file+ofAda, "", nil, 200)
	send("read the receipt", "GET", api.Prefix+"/receipt"+ofAda, "", nil, 200)
	send("another person's", "GET", file+ofGrace, "", nil, 404)
	send("give up", "DELETE", file+ofAda, "", nil, 204)
	send("a receipt goes before the session", "GET", api.Prefix+"/receipt"+ofAda, "",
		map[string]string{"Authorization": "Bearer " + other.String()}, 404)
	send("a wrong receipt goes before the session", "GET", api.Prefix+"/receipt"+ofAda, "",
		map[string]string{"Authorization": "Bearer x"}, 401)
	s.clock.advance(s.server.sessions.all.Idle() + time.Second)
	send("an old session", "GET", api.Prefix+"/receipt"+ofAda, "", nil, 401)
	if strings.Contains(s.log.String(), url.QueryEscape(receipt.Person.String())) {
		t.Error("the log tells whom a request was for")
	}
}

// Every problem has its place on the API's page, where its type leads.
func TestAPIPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.play(t,
		scenario{path: api.Prefix + "/", status: 200,
			want: map[string]string{"Content-Type": "text/html; charset=UTF-8"}})
	d := parseDocument(t, a.body)
	for code := range refusals {
		if code == dossier.CodeExists {
			continue
		}
		n := d.byID(problemAnchor(code))
		if n == nil || !strings.Contains(textOf(n), strconv.Itoa(refusals[code].inAPI())) {
			t.Errorf("the page does not tell of %q", code)
		}
	}
	for _, r := range documentRoutes(t) {
		method, path, _ := strings.Cut(regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(r, "{$1}"), " ")
		if !strings.Contains(a.body, method+" "+path) {
			t.Errorf("the page does not tell of %s %s", method, path)
		}
	}
	for name := range s.server.document.parts.Components.Schemas {
		if d.byID("schema-"+name) == nil {
			t.Errorf("the page does not tell of %s", name)
		}
	}
	document := s.play(t,
		scenario{path: api.Prefix + "/openapi.json", status: 200,
			want: map[string]string{"Content-Type": "application/json"}})
	if !json.Valid([]byte(document.body)) || !strings.Contains(document.body, `"openapi":"3.0.`) {
		t.Errorf("the document is %.200s", document.body)
	}
}

// FuzzAnnounce sends any body as an announcement, through the handler. It is answered as the document says, and where a
// file comes of it, it is the one that was announced.
func FuzzAnnounce(f *testing.F) {
	for _, body := range []string{
		`{"name":"a.txt","size":3}`, `{"name":"","size":0}`, `{"name":"a","size":-1}`, `{"name":"a","size":1e3}`,
		`{"name":"a","size":9223372036854775807}`,
		`{"name":"\u0000/..\\","size":0}`, `{"name":"\ud800","size":1}`, `{"NAME":"a","size":1}`,
		`{"name":"a","name":"b","size":1}`, `{}`, `[]`, `null`, ``,
		`{"name":null,"size":null}`, `{"name":"a","size":1,"x":{}}`, `{"name":"a","size":1}{}`, "\xff",
		strings.Repeat(`{"name":`, 100),
	} {
		f.Add([]byte(body))
	}
	s := newFuzzSite(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		id := dossier.NewFileID()
		status, answer := s.announce(t, id, body)
		switch status {
		case 200:
			var in api.Announcement
			if err := json.Unmarshal(body, &in); err != nil {
				t.Fatalf("%q was taken, and is no JSON: %v", body, err)
			}
			var file api.File
			if err := json.Unmarshal(answer, &file); err != nil || file.ID != id.String() ||
				file.Name != dossier.CleanFileName(in.Name) || *file.Size != in.Size || in.Name == "" || in.Size < 0 {
				t.Fatalf("%q became %s, %v", body, answer, err)
			}
			if err := s.svc.GiveUp(t.Context(), s.receipt.Person, id); err != nil {
				t.Fatal(err)
			}
		case 400, 413, 422:
			var p api.Problem
			if err := json.Unmarshal(answer, &p); err != nil || p.Status != status || p.Code == "" || p.Detail == "" {
				t.Fatalf("%q is answered with %s, %v", body, answer, err)
			}
			if p.Code == string(dossier.CodeInvalid) && (p.Errors == nil || len(*p.Errors) == 0) {
				t.Fatalf("%q is answered with %s, which names no member", body, answer)
			}
		default:
			t.Fatalf("%q is answered with %d %s", body, status, answer)
		}
	})
}

// fuzzSite is a server without a network, with a person registered.
type fuzzSite struct {
	server  *Server
	svc     *dossier.Service
	receipt dossier.Receipt
}

func newFuzzSite(f *testing.F) *fuzzSite {
	f.Helper()
	stores := teststores.Embedded(f, teststores.Migrated(f))
	s := &fuzzSite{svc: dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{}),
		receipt: dossier.NewReceipt()}
	var err error
	if s.server, err = New(s.svc, Options{PublicURL: "http://dossier.test", StaffSecret: siteSecret,
		Staff: stores.People.(staff.Store), Trail: NewTrail(f, stores, nil)}); err != nil {
		f.Fatal(err)
	}
	if _, err := s.svc.Register(f.Context(), s.receipt,
		dossier.Details{Name: "Ada", Location: "London", Age: 36, Technology: "Engine"}); err != nil {
		f.Fatal(err)
	}
	return s
}

func (s *fuzzSite) announce(t *testing.T, id dossier.FileID, body []byte) (status int, answer []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, api.Prefix+"/files/"+id.String(),
		bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.receipt.String())
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// The table of problems in docs/api.md is that of the program.
func TestProblemsAreDocumented(t *testing.T) {
	d, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| status | code | what it says where it knows nothing more exact |\n| --- | --- | --- |\n")
	for _, p := range d.parts.view().Problems {
		fmt.Fprintf(&table, "| %d | `%s` | %s |\n", p.Status, p.Code, p.Detail)
	}
	docstest.Section(t, "../../docs/api.md", "problems", table.String())
}
