package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
)

// innards stands in the cause of every injected failure, and must stand in no answer.
const innards = "dial tcp 10.1.2.3:3306: password hunter2"

// faults makes calls to the stores fail by the name of the method, as "people.List".
type faults struct {
	mu    sync.Mutex
	calls map[string]int
	fail  map[string]func(call int) error
}

// set makes fail decide from now on about each call, which it gets the number of, from 1. nil heals.
func (f *faults) set(name string, fail func(call int) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[name], f.fail[name] = 0, fail
}

// down makes every call fail as a store does that is down.
func (f *faults) down(name string) {
	f.set(name, func(int) error { return dossier.Unavailable(context.Background(), name, errors.New(innards)) })
}

func (f *faults) enter(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[name]++
	if fail := f.fail[name]; fail != nil {
		return fail(f.calls[name])
	}
	return nil
}

type faultyPeople struct {
	dossier.People
	f *faults
}

func (p faultyPeople) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	if err := p.f.enter("people.Person"); err != nil {
		return dossier.Person{}, err
	}
	return p.People.Person(ctx, id)
}

func (p faultyPeople) List(ctx context.Context, prefix string, after dossier.Cursor, limit int) ([]dossier.Person, error) {
	if err := p.f.enter("people.List"); err != nil {
		return nil, err
	}
	return p.People.List(ctx, prefix, after, limit)
}

func (p faultyPeople) Delete(ctx context.Context, id dossier.PersonID) error {
	if err := p.f.enter("people.Delete"); err != nil {
		return err
	}
	return p.People.Delete(ctx, id)
}

type faultyCatalog struct {
	dossier.Catalog
	f *faults
}

func (c faultyCatalog) File(ctx context.Context, person dossier.PersonID, file dossier.FileID) (dossier.File, error) {
	if err := c.f.enter("catalog.File"); err != nil {
		return dossier.File{}, err
	}
	return c.Catalog.File(ctx, person, file)
}

func (c faultyCatalog) Remove(ctx context.Context, person dossier.PersonID, file dossier.FileID) (*dossier.File, error) {
	if err := c.f.enter("catalog.Remove"); err != nil {
		return nil, err
	}
	return c.Catalog.Remove(ctx, person, file)
}

// faultyObjects also notes what is read.
type faultyObjects struct {
	dossier.Objects
	f *faults

	mu     sync.Mutex
	opened []opening
	read   int64
	// breaks: every reader ends with this error after so many bytes in all; nil: not.
	breaks     error
	breakAfter int64
}

type opening struct{ offset, length int64 }

func (o *faultyObjects) Delete(ctx context.Context, key string) error {
	if err := o.f.enter("objects.Delete"); err != nil {
		return err
	}
	return o.Objects.Delete(ctx, key)
}

func (o *faultyObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := o.f.enter("objects.Open"); err != nil {
		return nil, err
	}
	r, err := o.Objects.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = append(o.opened, opening{offset, length})
	return &countedReader{r, o}, nil
}

// forget begins the counting anew, and sets how readers break.
func (o *faultyObjects) forget(breaks error, after int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened, o.read, o.breaks, o.breakAfter = nil, 0, breaks, after
}

func (o *faultyObjects) seen() ([]opening, int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.opened), o.read
}

type countedReader struct {
	io.ReadCloser
	o *faultyObjects
}

func (r *countedReader) Read(p []byte) (int, error) {
	r.o.mu.Lock()
	defer r.o.mu.Unlock()
	if r.o.breaks != nil {
		if r.o.read >= r.o.breakAfter {
			return 0, r.o.breaks
		}
		p = p[:min(int64(len(p)), r.o.breakAfter-r.o.read)]
	}
	n, err := r.ReadCloser.Read(p)
	r.o.read += int64(n)
	return n, err
}

// clock is a clock that only a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// journal is a log that a test can read while the server writes.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

const siteSecret = "the staff secret of these tests"

// site is a server on a port of its own, over embedded stores that can fail.
type site struct {
	server  *Server
	svc     *dossier.Service
	stores  teststores.Stores // without faults
	objects *faultyObjects
	faults  *faults
	clock   *clock
	log     *journal
	url     string
	client  *http.Client
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	s := &site{
		stores: teststores.Embedded(t, teststores.Folder(t)),
		faults: &faults{calls: map[string]int{}, fail: map[string]func(int) error{}},
		clock:  &clock{at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)},
		log:    &journal{},
	}
	s.objects = &faultyObjects{Objects: s.stores.Objects, f: s.faults}
	s.svc = dossier.New(faultyPeople{s.stores.People, s.faults}, faultyCatalog{s.stores.Catalog, s.faults}, s.objects, dossier.Options{Now: s.clock.now})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.server.ServeHTTP(w, r) }))
	s.url = "http://" + srv.Listener.Addr().String()
	o := Options{PublicURL: s.url, StaffSecret: siteSecret, Now: s.clock.now, Log: slog.New(slog.NewTextHandler(s.log, nil)), Version: "v1.2.3"}
	for _, c := range change {
		c(&o)
	}
	var err error
	if s.server, err = New(s.svc, o); err != nil {
		t.Fatalf("New: %v", err)
	}
	srv.Start()
	transport := &http.Transport{DisableCompression: true}
	s.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return s
}

// member is a signed-in member of the staff.
type member struct {
	cookie *http.Cookie
	token  string
}

func (s *site) signIn(t *testing.T) *member {
	t.Helper()
	m := &member{cookie: s.server.sessions.begin()}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(m.cookie)
	one, ok := s.server.sessions.of(r)
	if !ok {
		t.Fatal("a new session is not known")
	}
	m.token = s.server.sessions.token(one)
	return m
}

// upload is a file to be submitted.
type upload struct {
	name, content string
}

// submit stores a person with files, one second after the last, and returns the files in the order of the uploads.
func (s *site) submit(t *testing.T, name string, uploads ...upload) (dossier.Receipt, []dossier.File) {
	t.Helper()
	s.clock.advance(time.Second)
	receipt := dossier.NewReceipt()
	sub, err := s.svc.Begin(t.Context(), receipt, dossier.Details{Name: name, Location: "Zürich", Age: 36, Technology: "Go"})
	if err != nil {
		t.Fatalf("begin %q: %v", name, err)
	}
	for _, u := range uploads {
		if err := sub.AddFile(t.Context(), u.name, strings.NewReader(u.content)); err != nil {
			t.Fatalf("add file %q: %v", u.name, err)
		}
	}
	if err := sub.Acknowledge(t.Context()); err != nil {
		t.Fatalf("acknowledge %q: %v", name, err)
	}
	var files []dossier.File
	for _, o := range sub.Outcomes() {
		if o.File == nil {
			t.Fatalf("file %q was not stored: %v", o.Name, o.Err)
		}
		files = append(files, *o.File)
	}
	return receipt, files
}

// scenario is a request and what it must be answered.
type scenario struct {
	name   string
	method string // default GET, or POST with a form
	path   string
	header map[string]string
	by     *member
	form   url.Values
	status int
	want   map[string]string // headers; empty: absent
	has    []string          // in the body
	hasNot []string
}

// answer is what came back. err is what broke the reading of the body off.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// ask sends a request, and checks what holds for every answer.
func (s *site) ask(t *testing.T, c scenario) answer {
	t.Helper()
	var body io.Reader
	method := c.method
	if c.form != nil {
		body = strings.NewReader(c.form.Encode())
		if method == "" {
			method = http.MethodPost
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+c.path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, c.path, err)
	}
	if c.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.by != nil {
		r.AddCookie(&http.Cookie{Name: c.by.cookie.Name, Value: c.by.cookie.Value})
	}
	for name, value := range c.header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, c.path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, string(b), err}
	checkSecurity(t, r.Method+" "+c.path, a)
	return a
}

// checkSecurity checks what no answer may be without.
func checkSecurity(t *testing.T, what string, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: header %s is %q, want %q", what, name, got, want)
		}
	}
	for _, name := range []string{"Referrer-Policy", "Permissions-Policy", "X-Request-Id", "Cache-Control"} {
		if a.header.Get(name) == "" {
			t.Errorf("%s: no header %s", what, name)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if policy == picturePolicy {
		// The style is the browser's own, and the sandbox keeps everything else out.
		policy = filePolicy
	}
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s: Content-Security-Policy is %q", what, policy)
	}
	for _, secret := range []string{innards, "hunter2", "10.1.2.3", siteSecret} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s: the answer shows %q", what, secret)
		}
	}
}

// play asks and checks one scenario.
func (s *site) play(t *testing.T, c scenario) answer {
	t.Helper()
	a := s.ask(t, c)
	if a.status != c.status {
		t.Errorf("%s %s: status %d, want %d; body:\n%.600s", c.method, c.path, a.status, c.status, a.body)
	}
	for name, want := range c.want {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s %s: header %s is %q, want %q", c.method, c.path, name, got, want)
		}
	}
	for _, part := range c.has {
		if !strings.Contains(a.body, part) {
			t.Errorf("%s %s: %q is missing in\n%.3000s", c.method, c.path, part, a.body)
		}
	}
	for _, part := range c.hasNot {
		if strings.Contains(a.body, part) {
			t.Errorf("%s %s: %q must not be in\n%.3000s", c.method, c.path, part, a.body)
		}
	}
	return a
}

func (s *site) playAll(t *testing.T, all []scenario) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { s.play(t, c) })
	}
}

// exists tells whether staff still find a person, and which files are stored.
func (s *site) exists(t *testing.T, id dossier.PersonID) (bool, []string) {
	t.Helper()
	_, err := s.svc.Person(t.Context(), id)
	if errors.Is(err, dossier.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		t.Fatalf("read person: %v", err)
	}
	files, err := s.stores.Catalog.Files(t.Context(), id, dossier.FileID{}, dossier.MaxFilesPage)
	if err != nil {
		t.Fatal(err)
	}
	var stored []string
	for _, f := range files {
		if f.State == dossier.FileStored {
			stored = append(stored, f.Name)
		}
	}
	return true, stored
}

// objectCount returns how many objects the store holds.
func (s *site) objectCount(t *testing.T) int {
	t.Helper()
	n := 0
	for _, err := range s.stores.Objects.List(t.Context(), "") {
		if err != nil {
			t.Fatalf("list objects: %v", err)
		}
		n++
	}
	return n
}

// insert adds acknowledged persons without files, each a second after the last.
func (s *site) insert(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		s.clock.advance(time.Second)
		at := s.clock.now()
		err := s.stores.People.Insert(t.Context(), dossier.Person{
			ID: dossier.NewPersonID(), Details: dossier.Details{Name: name, Location: "Oslo", Age: 40, Technology: "Go"},
			State: dossier.PersonSubmitted, CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			t.Fatalf("insert %q: %v", name, err)
		}
	}
}

// numbered returns n names from "Person 001" on.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("Person %03d", i+1)
	}
	return names
}

// listed returns the names on a page of the directory in their order, and the path of the next page.
func listed(t *testing.T, body string) (names []string, next string) {
	t.Helper()
	d := parseDocument(t, body)
	for n := range d.all("th") {
		if scope, _ := attr(n, "scope"); scope == "row" {
			names = append(names, textOf(n))
		}
	}
	for n := range d.all("a") {
		if rel, _ := attr(n, "rel"); rel == "next" {
			next, _ = attr(n, "href")
		}
	}
	return names, next
}

func reversed(names []string) []string {
	r := slices.Clone(names)
	slices.Reverse(r)
	return r
}

func TestDirectoryPages(t *testing.T) {
	s := newSite(t)
	by := s.signIn(t)
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"Nobody yet"}, hasNot: []string{`rel="next"`, `rel="first"`}})

	want := numbered(2*peoplePerPage + 1)
	s.insert(t, want...)
	var got []string
	pages := 0
	for next := "/people"; next != ""; pages++ {
		if pages > 10 {
			t.Fatal("the pages do not end")
		}
		a := s.play(t, scenario{path: next, by: by, status: 200})
		if hasFirst := strings.Contains(a.body, `rel="first"`); hasFirst != (pages > 0) {
			t.Errorf("page %d: link to the newest is %t", pages+1, hasFirst)
		}
		var names []string
		names, next = listed(t, a.body)
		got = append(got, names...)
		if pages == 0 {
			// Who arrives while somebody leafs shifts nobody.
			s.insert(t, "Late Comer")
		}
	}
	if pages != 3 || !slices.Equal(got, reversed(want)) {
		t.Errorf("%d pages list %q, want 3 with everybody once, newest first", pages, got)
	}

	t.Run("exactly one page has no next", func(t *testing.T) {
		s := newSite(t)
		s.insert(t, numbered(peoplePerPage)...)
		a := s.play(t, scenario{path: "/people", by: s.signIn(t), status: 200, hasNot: []string{`rel="next"`}})
		if names, _ := listed(t, a.body); len(names) != peoplePerPage {
			t.Errorf("%d names, want %d", len(names), peoplePerPage)
		}
	})
}

func TestDirectorySearch(t *testing.T) {
	s := newSite(t)
	by := s.signIn(t)
	s.insert(t, "Ångström", "Angela", "Bo 100%", "Bo_b", "Boab", `Back\slash`, "Éva <b>", "ANGUS", "Nobody Angst", "日本 太郎", "Ｗｉｄｅ")
	for _, c := range []struct {
		search string
		want   []string
	}{
		{"ang", []string{"ANGUS", "Angela", "Ångström"}},
		{"ÅNG", []string{"ANGUS", "Angela", "Ångström"}},
		{"  Angs ", []string{"Ångström"}},
		{"éVA", []string{"Éva <b>"}},
		{"eva <B>", []string{"Éva <b>"}},
		{"bo 100%", []string{"Bo 100%"}},
		{"%", nil},
		{"bo_", []string{"Bo_b"}},
		{"_", nil},
		{`back\`, []string{`Back\slash`}},
		{`\`, nil},
		{"'; DROP TABLE people; --", nil},
		{"日", []string{"日本 太郎"}},
		{"wide", []string{"Ｗｉｄｅ"}},
		{"gela", nil},
		{"an\x00g", []string{"ANGUS", "Angela", "Ångström"}},
		{"ang\xff", []string{"ANGUS", "Angela", "Ångström"}},
		{strings.Repeat("é", dossier.MaxNameLength), nil},
	} {
		t.Run(c.search, func(t *testing.T) {
			query := url.Values{"q": {c.search}}.Encode()
			a := s.play(t, scenario{path: "/people?" + query, by: by, status: 200})
			if names, _ := listed(t, a.body); !slices.Equal(names, c.want) {
				t.Errorf("search %q finds %q, want %q", c.search, names, c.want)
			}
			if c.want == nil && !strings.Contains(a.body, "Nobody found") {
				t.Errorf("search %q does not say that nobody was found", c.search)
			}
			a = s.play(t, scenario{path: "/people.csv?" + query, by: by, status: 200})
			rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
			if err != nil || len(rows) != len(c.want)+1 {
				t.Errorf("search %q as CSV: %d rows, error %v, want %d", c.search, len(rows), err, len(c.want)+1)
			}
		})
	}

	t.Run("next page keeps the search", func(t *testing.T) {
		s := newSite(t)
		s.insert(t, numbered(peoplePerPage+1)...)
		s.insert(t, "Somebody Else")
		by := s.signIn(t)
		a := s.play(t, scenario{path: "/people?q=person", by: by, status: 200})
		_, next := listed(t, a.body)
		a = s.play(t, scenario{path: next, by: by, status: 200})
		if names, next := listed(t, a.body); !slices.Equal(names, []string{"Person 001"}) || next != "" {
			t.Errorf("the second page lists %q, next %q", names, next)
		}
	})
}

func TestDirectoryRefusals(t *testing.T) {
	s := newSite(t)
	by := s.signIn(t)
	s.insert(t, "Ada")
	good := dossier.Cursor{CreatedAt: s.clock.now(), ID: dossier.NewPersonID()}.String()
	long := strings.Repeat("é", dossier.MaxNameLength+1)
	var all []scenario
	for _, cursor := range []string{"x", good[1:], good + "A", good[:31] + "!", strings.Repeat("A", 32), strings.Repeat("_", 32), good[:31] + "\n", "%00"} {
		all = append(all, scenario{
			name: "cursor " + cursor, path: "/people?after=" + url.QueryEscape(cursor), by: by, status: 400,
			has: []string{"address is damaged"}, hasNot: []string{"Ada"},
		})
	}
	all = append(all,
		scenario{name: "cursor of nobody", path: "/people?after=" + good, by: by, status: 200},
		scenario{name: "page after the last", path: "/people?after=" + dossier.Cursor{CreatedAt: time.Unix(0, 0).UTC(), ID: dossier.NewPersonID()}.String(), by: by,
			status: 200, has: []string{"Nobody further", `href="/people"`}},
		scenario{name: "long search", path: "/people?" + url.Values{"q": {long}}.Encode(), by: by, status: 400, has: []string{"at most 200 characters"}},
		scenario{name: "long search as CSV", path: "/people.csv?" + url.Values{"q": {long}}.Encode(), by: by, status: 400,
			want: map[string]string{"Content-Disposition": "", "Content-Type": "text/html; charset=UTF-8"}},
		scenario{name: "markup in search", path: "/people?q=%3Cscript%3Ealert(1)%3C/script%3E", by: by, status: 200, hasNot: []string{"<script>alert"}},
	)
	s.playAll(t, all)

	s.faults.down("people.List")
	s.playAll(t, []scenario{
		{name: "store down", path: "/people", by: by, status: 503, want: map[string]string{"Retry-After": retryAfter}, has: []string{"Not available just now"}},
		{name: "store down, CSV", path: "/people.csv", by: by, status: 503, want: map[string]string{"Content-Disposition": "", "Retry-After": retryAfter}},
	})
}

func TestPeopleCSV(t *testing.T) {
	s := newSite(t)
	by := s.signIn(t)
	// As an id sorts newest first, the last inserted is the first row.
	odd := []string{
		`Quote "Q", comma`, "=1+1", "+1", "-1", "@SUM(A1)", "＝1", "O'Brien", "Ångström", "semi;colon", "1=1",
	}
	s.insert(t, odd...)
	many := numbered(2*peoplePerRead + 1 - len(odd))
	s.insert(t, many...)

	a := s.play(t, scenario{path: "/people.csv", by: by, status: 200, want: map[string]string{"Content-Type": "text/csv; charset=utf-8; header=present", "Cache-Control": "no-store"}})
	if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="people.csv"`) {
		t.Errorf("Content-Disposition is %q", got)
	}
	if !strings.Contains(a.body, "\r\n") || strings.Contains(strings.ReplaceAll(a.body, "\r\n", ""), "\n") {
		t.Error("lines do not end in CRLF")
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil {
		t.Fatalf("read CSV: %v", err)
	}
	if want := []string{"id", "name", "location", "age", "technology", "submitted_at"}; !slices.Equal(rows[0], want) {
		t.Errorf("header is %q, want %q", rows[0], want)
	}
	var names []string
	ids := map[string]bool{}
	for _, row := range rows[1:] {
		names = append(names, row[1])
		if _, err := dossier.ParsePersonID(row[0]); err != nil || ids[row[0]] {
			t.Errorf("id %q is none, or there twice", row[0])
		}
		ids[row[0]] = true
		if _, err := time.Parse(time.RFC3339Nano, row[5]); err != nil || row[2] != "Oslo" || row[3] != "40" || row[4] != "Go" {
			t.Errorf("row is %q", row)
		}
	}
	want := slices.Concat([]string{
		`Quote "Q", comma`, "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'＝1", "O'Brien", "Ångström", "semi;colon", "1=1",
	}, many)
	if !slices.Equal(names, reversed(want)) {
		t.Errorf("names are %q, want %q", names, reversed(want))
	}

	s.play(t, scenario{method: "HEAD", path: "/people.csv", by: by, status: 200})

	t.Run("store fails in the middle", func(t *testing.T) {
		s.faults.set("people.List", func(call int) error {
			if call == 2 {
				return dossier.Unavailable(context.Background(), "list", errors.New(innards))
			}
			return nil
		})
		a := s.ask(t, scenario{path: "/people.csv", by: by})
		if a.status != 200 || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("status %d, reading ends with %v, want a body that breaks off", a.status, a.err)
		}
	})
}

func TestPersonPage(t *testing.T) {
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, `<script>alert("n")</script> & Söhne`,
		upload{`evil"<img src=x onerror=alert(1)>.png`, "<!doctype html><html><body>x"}, upload{"real.dat", onePixelPNG}, upload{"empty.png", ""},
		upload{"draw.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`})
	path := "/people/" + receipt.Person.String()
	picture := path + "/files/" + files[1].ID.String() + "/picture"
	a := s.play(t, scenario{
		path: path, by: by, status: 200,
		has: []string{
			"&lt;script&gt;alert", "Zürich", ">36<", "4 files", picture, fmt.Sprintf("%x", files[0].Content.SHA256),
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "(0 bytes)", "image/svg+xml", "image/png",
			path + "/delete", path + "/files/" + files[0].ID.String() + "/delete",
		},
		hasNot: []string{"<script>alert", "<img src=x", receipt.String()},
	})
	pictures := 0
	for n := range parseDocument(t, a.body).all("img") {
		if src, _ := attr(n, "src"); src != picture {
			t.Errorf("the page shows the picture %q", src)
		}
		pictures++
	}
	if pictures != 1 {
		t.Errorf("the page shows %d pictures, want the one PNG", pictures)
	}
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"&lt;script&gt;", `href="` + path + `"`}, hasNot: []string{"<script>alert"}})

	t.Run("unfinished files offer nothing", func(t *testing.T) {
		f := s.uploading(t, receipt.Person, "half.bin")
		s.play(t, scenario{path: path, by: by, status: 200, has: []string{"half.bin", "Not complete", "4 files"}, hasNot: []string{f.ID.String()}})
	})

	t.Run("ids of nobody are all the same", func(t *testing.T) {
		pending := dossier.NewReceipt()
		if _, err := s.svc.Begin(t.Context(), pending, dossier.Details{Name: "Pending", Location: "x", Technology: "y"}); err != nil {
			t.Fatal(err)
		}
		id := receipt.Person.String()
		var first string
		for _, bad := range []string{
			dossier.NewPersonID().String(), pending.Person.String(), "1", "x", strings.ToUpper(id), "{" + id + "}", strings.ReplaceAll(id, "-", ""),
			"00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479", url.PathEscape("../" + id), url.PathEscape("' OR 1=1 --"), "%00", "",
		} {
			for _, tail := range []string{"", "/delete", "/files/" + files[0].ID.String(), "/files/" + files[1].ID.String() + "/picture"} {
				a := s.play(t, scenario{path: "/people/" + bad + tail, by: by, status: 404, hasNot: []string{"Pending"}})
				text := strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "")
				text = strings.ReplaceAll(text, by.token, "")
				if first == "" {
					first = text
				}
				if text != first {
					t.Errorf("the page for %q%s differs from the others:\n%s", bad, tail, text)
				}
			}
		}
	})
}

// uploading puts a file record that is not complete.
func (s *site) uploading(t *testing.T, person dossier.PersonID, name string) dossier.File {
	t.Helper()
	now := s.clock.now()
	f := dossier.File{Person: person, ID: dossier.NewFileID(), Name: name, State: dossier.FileUploading, CreatedAt: now, UpdatedAt: now}
	if err := s.stores.Catalog.Put(t.Context(), f); err != nil {
		t.Fatalf("put record: %v", err)
	}
	return f
}

func TestDeleteFile(t *testing.T) {
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a <i>.txt", "a"}, upload{"b.txt", "b"})
	person := "/people/" + receipt.Person.String()
	page := person + "/files/" + files[0].ID.String() + "/delete"
	form := url.Values{"csrf": {by.token}}

	s.play(t, scenario{path: page, by: by, status: 200, has: []string{"Delete the file a _i_.txt?", "cannot be undone", by.token, `action="` + page + `"`, `href="` + person + `"`}})
	s.play(t, scenario{method: "HEAD", path: page, by: by, status: 200})
	if _, stored := s.exists(t, receipt.Person); len(stored) != 2 {
		t.Fatalf("asking changed the files to %q", stored)
	}

	s.faults.down("objects.Delete")
	s.play(t, scenario{path: page, by: by, form: form, status: 503, want: map[string]string{"Retry-After": retryAfter}, has: []string{"finished later by itself"}})
	s.play(t, scenario{path: person + "/files/" + files[0].ID.String(), by: by, status: 404})
	s.faults.set("objects.Delete", nil)
	s.play(t, scenario{path: page, by: by, form: form, status: 303, want: map[string]string{"Location": person}})
	if _, stored := s.exists(t, receipt.Person); !slices.Equal(stored, []string{"b.txt"}) || s.objectCount(t) != 1 {
		t.Errorf("after the deletion %q are stored, with %d objects", stored, s.objectCount(t))
	}
	s.playAll(t, []scenario{
		{name: "delete again", path: page, by: by, form: form, status: 404},
		{name: "ask again", path: page, by: by, status: 404},
		{name: "download", path: person + "/files/" + files[0].ID.String(), by: by, status: 404},
		{name: "receipt", path: "/receipt/" + receipt.String(), status: 200, has: []string{"b.txt"}, hasNot: []string{"a _i_.txt"}},
		{name: "unfinished", path: person + "/files/" + s.uploading(t, receipt.Person, "half").ID.String() + "/delete", by: by, form: form, status: 404},
		{name: "another's", path: "/people/" + dossier.NewPersonID().String() + "/files/" + files[1].ID.String() + "/delete", by: by, form: form, status: 404},
	})
	if _, stored := s.exists(t, receipt.Person); !slices.Equal(stored, []string{"b.txt"}) {
		t.Errorf("refused deletions left %q", stored)
	}
}

func TestDeletePerson(t *testing.T) {
	for _, step := range []string{"", "objects.Delete", "catalog.Remove", "people.Delete"} {
		t.Run("fails at "+step, func(t *testing.T) {
			s := newSite(t)
			by := s.signIn(t)
			receipt, files := s.submit(t, "Ada <b>", upload{"a.txt", "a"}, upload{"b.txt", "b"})
			other, _ := s.submit(t, "Bob", upload{"c.txt", "c"})
			person := "/people/" + receipt.Person.String()
			form := url.Values{"csrf": {by.token}}

			s.play(t, scenario{path: person + "/delete", by: by, status: 200, has: []string{"Delete Ada &lt;b&gt; and 2 files?", by.token}})
			if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 2 {
				t.Fatal("asking deleted something")
			}
			if step != "" {
				s.faults.down(step)
				s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 503, want: map[string]string{"Retry-After": retryAfter}, has: []string{"finished later by itself"}})
				s.play(t, scenario{path: person, by: by, status: 200, has: []string{"Being deleted"}})
				s.play(t, scenario{path: "/people", by: by, status: 200, hasNot: []string{person}})
				s.play(t, scenario{path: "/receipt/" + receipt.String(), status: 404})
				s.faults.set(step, nil)
			}
			s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 303, want: map[string]string{"Location": "/people"}})
			s.playAll(t, []scenario{
				{name: "delete again", path: person + "/delete", by: by, form: form, status: 404},
				{name: "ask again", path: person + "/delete", by: by, status: 404},
				{name: "page", path: person, by: by, status: 404},
				{name: "file", path: person + "/files/" + files[0].ID.String(), by: by, status: 404},
				{name: "receipt", path: "/receipt/" + receipt.String(), status: 404},
				{name: "directory", path: "/people", by: by, status: 200, has: []string{"Bob"}, hasNot: []string{"Ada"}},
			})
			if there, stored := s.exists(t, other.Person); !there || len(stored) != 1 || s.objectCount(t) != 1 {
				t.Errorf("the other person: there %t, files %q; %d objects in all", there, stored, s.objectCount(t))
			}
		})
	}
}

// public are the routes that need no session. Every other must ask for one.
var public = []string{
	"/", "/submissions", "/receipt/:receipt", "/receipt/:receipt/files.zip", "/receipt/:receipt/files/:file", "/staff/sign-in", "/livez", "/readyz", "/static/:hash/:name",
	"/favicon.ico", "/robots.txt",
}

// staffRoutes returns method and path of every route for staff, filled in with a person and a file.
func (s *site) staffRoutes(f dossier.File) [][2]string {
	var all [][2]string
	for _, r := range s.server.echo.Routes() {
		// Who may use the API is told in other ways, and tested beside it.
		if !slices.Contains(public, r.Path) && !strings.HasPrefix(r.Path, api.Prefix) {
			all = append(all, [2]string{r.Method, strings.NewReplacer(":id", f.Person.String(), ":file", f.ID.String()).Replace(r.Path)})
		}
	}
	return all
}

func TestStaffRoutesNeedASession(t *testing.T) {
	s := newSite(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	by := s.signIn(t)
	other := newSite(t, func(o *Options) { o.StaffSecret = "another secret" })
	value := by.cookie.Value
	cookies := map[string]string{
		"none":           "",
		"empty":          by.cookie.Name + "=",
		"garbage":        by.cookie.Name + "=garbage",
		"truncated":      by.cookie.Name + "=" + value[:len(value)-1],
		"longer":         by.cookie.Name + "=" + value + "A",
		"padded":         by.cookie.Name + "=" + value + "==",
		"other secret":   other.server.sessions.begin().String(),
		"other name":     "dossier=" + value,
		"first changed":  by.cookie.Name + "=" + flip(value, 0),
		"expiry changed": by.cookie.Name + "=" + flip(value, 30),
		"mac changed":    by.cookie.Name + "=" + flip(value, 40),
		"all zero":       by.cookie.Name + "=" + strings.Repeat("A", len(value)),
	}
	routes := s.staffRoutes(files[0])
	if len(routes) < 15 {
		t.Fatalf("only %d staff routes: %v", len(routes), routes)
	}
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		for _, route := range routes {
			c := scenario{method: route[0], path: route[1], header: map[string]string{"Cookie": cookies[name]}, status: 303, hasNot: []string{"Ada", "secret content"}}
			if route[0] == http.MethodPost {
				c.form = url.Values{"csrf": {by.token}}
			}
			t.Run(name+" "+route[0]+" "+route[1], func(t *testing.T) {
				a := s.play(t, c)
				to, err := url.Parse(a.header.Get("Location"))
				if err != nil || to.Path != "/staff/sign-in" || to.Host != "" {
					t.Fatalf("leads to %q", a.header.Get("Location"))
				}
				want := "/people"
				if strings.HasPrefix(route[1], "/people/") {
					want = route[1]
				}
				if got := to.Query().Get("next"); got != want {
					t.Errorf("next is %q, want %q", got, want)
				}
			})
		}
	}
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 1 {
		t.Error("something was deleted without a session")
	}
	s.play(t, scenario{name: "query is kept", path: "/people?q=a%26b&after=", status: 303, want: map[string]string{"Location": "/staff/sign-in?next=%2Fpeople%3Fafter%3D%26q%3Da%2526b"}})

	t.Run("expired", func(t *testing.T) {
		s.clock.advance(sessionTime - time.Second)
		s.play(t, scenario{path: "/people", by: by, status: 200})
		s.clock.advance(time.Second)
		s.play(t, scenario{path: "/people", by: by, status: 303})
	})
}

// flip returns a text with another letter at i.
func flip(text string, i int) string {
	b := []byte(text)
	if b[i] == 'B' {
		b[i] = 'C'
	} else {
		b[i] = 'B'
	}
	return string(b)
}

func TestStaffFormsNeedTheirToken(t *testing.T) {
	s := newSite(t)
	by, other := s.signIn(t), s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	right := url.Values{"csrf": {by.token}}
	const attacker = "https://attacker.example"
	refused := []scenario{
		{name: "missing token", form: url.Values{"other": {"x"}}, status: 403},
		{name: "empty token", form: url.Values{"csrf": {""}}, status: 403},
		{name: "wrong token", form: url.Values{"csrf": {flip(by.token, 3)}}, status: 403},
		{name: "short token", form: url.Values{"csrf": {by.token[:10]}}, status: 403},
		{name: "other session's token", form: url.Values{"csrf": {other.token}}, status: 403},
		{name: "foreign origin", form: right, header: map[string]string{"Origin": attacker}, status: 403},
		{name: "null origin", form: right, header: map[string]string{"Origin": "null"}, status: 403},
		{name: "cross-site", form: right, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403},
		{name: "same-site", form: right, header: map[string]string{"Sec-Fetch-Site": "same-site"}, status: 403},
		{name: "cross-site with foreign origin", form: right, header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": attacker}, status: 403},
		{name: "cross-site that forges Host", form: right, header: map[string]string{"Origin": attacker, "Host": "attacker.example.evil"}, status: 403},
		{name: "right origin, wrong token", form: url.Values{"csrf": {"x"}}, header: map[string]string{"Origin": s.url, "Sec-Fetch-Site": "same-origin"}, status: 403},
		{name: "not a form", form: right, header: map[string]string{"Content-Type": "text/plain"}, status: 400},
		{name: "no type", form: right, header: map[string]string{"Content-Type": ""}, status: 400},
		{name: "damaged", form: url.Values{}, header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, status: 400},
		{name: "too long", form: url.Values{"csrf": {by.token}, "x": {strings.Repeat("x", maxStaffForm)}}, status: 413},
	}
	for _, route := range s.staffRoutes(files[0]) {
		if route[0] != http.MethodPost {
			continue
		}
		for _, c := range refused {
			c.method, c.path, c.by = route[0], route[1], by
			c.want = map[string]string{"Set-Cookie": ""}
			t.Run(c.name+" "+c.path, func(t *testing.T) { s.play(t, c) })
		}
		// A token in the query is no token: addresses get into logs and histories.
		s.play(t, scenario{method: route[0], path: route[1] + "?csrf=" + by.token, by: by, form: url.Values{"x": {"y"}}, status: 403})
	}
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 1 {
		t.Fatal("a refused form deleted something")
	}
}

func TestStaffFormsOfThisSite(t *testing.T) {
	for name, c := range map[string]struct {
		public string
		header map[string]string
	}{
		"no headers at all":           {"", nil},
		"same origin":                 {"", map[string]string{"Sec-Fetch-Site": "same-origin"}},
		"typed in":                    {"", map[string]string{"Sec-Fetch-Site": "none"}},
		"origin, proxy changes Host":  {"https://dossier.example", map[string]string{"Origin": "https://dossier.example", "Host": "10.0.0.7:8080"}},
		"origin, proxy keeps Host":    {"https://dossier.example", map[string]string{"Origin": "https://dossier.example", "Host": "dossier.example"}},
		"same origin, proxy and Host": {"https://dossier.example", map[string]string{"Origin": "https://dossier.example", "Sec-Fetch-Site": "same-origin", "Host": "10.0.0.7"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) {
				if c.public != "" {
					o.PublicURL = c.public
				}
			})
			by := s.signIn(t)
			receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
			person := "/people/" + receipt.Person.String()
			form := url.Values{"csrf": {by.token}}
			s.play(t, scenario{path: person + "/files/" + files[0].ID.String() + "/delete", by: by, form: form, header: c.header, status: 303})
			s.play(t, scenario{path: person + "/delete", by: by, form: form, header: c.header, status: 303})
			s.play(t, scenario{path: "/staff/sign-out", by: by, form: form, header: c.header, status: 303})
			if there, _ := s.exists(t, receipt.Person); there {
				t.Error("the person was not deleted")
			}
		})
	}
}

// onePixelPNG is a whole PNG picture.
const onePixelPNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
