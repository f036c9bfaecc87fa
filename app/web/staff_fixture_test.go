package web

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
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
	"dossier.example/app/audit"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/staff"
	"dossier.example/app/thumbnail"
)

// faults makes calls to the stores fail by the name of the method, as "people.Find".
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

// do makes a call that is not to fail.
func (f *faults) do(_ context.Context, call string, do func() error) error {
	if err := f.enter(call); err != nil {
		return err
	}
	return do()
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

// faultyObjects also notes what is read.
type faultyObjects struct {
	dossier.Objects

	mu     sync.Mutex
	opened []opening
	read   int64
	// breaks: every reader ends with this error after so many bytes in all; nil: not.
	breaks     error
	breakAfter int64
}

type opening struct{ offset, length int64 }

func (o *faultyObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
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

// site is a server on a port of its own, over embedded stores that can fail.
type site struct {
	server  *Server
	svc     *dossier.Service
	stores  teststores.Stores // without faults
	objects *faultyObjects
	faults  *faults
	clock   *clock
	log     *teststores.Journal
	url     string
	client  *http.Client
}

// NewTrail returns the audit trail of a server over stores.
func NewTrail(t testing.TB, stores teststores.Stores, now func() time.Time) *audit.Trail {
	t.Helper()
	trail, err := audit.NewTrail(stores.People.(audit.Store), audit.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	s := &site{
		stores: teststores.Embedded(t, teststores.Migrated(t)),
		faults: &faults{calls: map[string]int{}, fail: map[string]func(int) error{}},
		clock:  &clock{at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)},
		log:    &teststores.Journal{},
	}
	all := s.stores.Intercept(s.faults.do)
	s.objects = &faultyObjects{Objects: all.Objects}
	s.svc = dossier.New(all.People, all.Catalog, s.objects,
		dossier.Options{Now: s.clock.now, Pictures: thumbnail.Self()})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.server.ServeHTTP(w, r)
	}))
	s.url = "http://" + srv.Listener.Addr().String()
	o := Options{PublicURL: s.url, StaffSecret: siteSecret, Staff: s.stores.People.(staff.Store), Now: s.clock.now,
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Version: "v1.2.3"}
	o.Trail = NewTrail(t, s.stores, s.clock.now)
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
		Jar:           NewReceiptJar(),
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
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
	cookie, _, err := s.server.sessions.begin(r, staff.AccountID{}, "192.0.2.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{cookie: cookie}
	r.AddCookie(m.cookie)
	actor, ok, err := s.server.sessions.of(r)
	if !ok || err != nil {
		t.Fatalf("a new session is not known: %v", err)
	}
	m.token = s.server.sessions.token(actor.Session)
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
	sub, err := s.svc.Begin(t.Context(), receipt,
		dossier.Details{Name: name, Location: "Zürich", Age: 36, Technology: "Go"})
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
	HoldReceipt(s.client, r)
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
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
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
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") ||
		strings.Contains(policy, "unsafe") {
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

// exists reports whether staff still find a person, and which files are stored.
func (s *site) exists(t *testing.T, id dossier.PersonID) (bool, []string) {
	t.Helper()
	_, err := s.stores.People.Person(t.Context(), id)
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
	for _, err := range s.stores.Objects.List(t.Context(), "", "") {
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
			ID: dossier.NewPersonID(), Details: dossier.Details{Name: name, Location: "Oslo", Age: 40,
				Technology: "Go"},
			State: dossier.PersonSubmitted, CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			t.Fatalf("insert %q: %v", name, err)
		}
	}
	svc := dossier.New(s.stores.People, s.stores.Catalog, s.stores.Objects, dossier.Options{})
	if _, err := svc.WriteWords(t.Context()); err != nil {
		t.Fatalf("write words: %v", err)
	}
}

// insertMany adds so many people called Ada, without words or files. The store takes one call for each person, so it
// gets the first, and a statement copies that.
func (s *site) insertMany(t *testing.T, n int) {
	t.Helper()
	at := s.clock.now()
	first := dossier.Person{ID: dossier.NewPersonID(), Details: dossier.Details{Name: "Ada"},
		State: dossier.PersonSubmitted, CreatedAt: at, UpdatedAt: at}
	if err := s.stores.People.Insert(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	db := s.stores.People.(interface{ DB() *sql.DB }).DB()
	var columns string
	if err := db.QueryRowContext(t.Context(),
		"SELECT group_concat(name) FROM pragma_table_info('people') WHERE name <> 'id'").Scan(&columns); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies)
		INSERT INTO people (id, `+columns+`) SELECT substr(id, 1, 24) || printf('%012x', n), `+columns+`
		FROM people, (SELECT n FROM copies LIMIT ?) WHERE id = ?`, n-1, first.ID.String()); err != nil {
		t.Fatal(err)
	}
}

// uploading puts a file record that is not complete.
func (s *site) uploading(t *testing.T, person dossier.PersonID, name string) dossier.File {
	t.Helper()
	now := s.clock.now()
	f := dossier.File{Person: person, ID: dossier.NewFileID(), Name: name, State: dossier.FileUploading, CreatedAt: now,
		UpdatedAt: now}
	if err := s.stores.Catalog.Put(t.Context(), f); err != nil {
		t.Fatalf("put record: %v", err)
	}
	return f
}

// staffRoutes returns method and path of every route for staff, filled in with a person and a file.
func (s *site) staffRoutes(f dossier.File) [][2]string {
	var all [][2]string
	for _, r := range s.server.echo.Routes() {
		// Who may use the API is told in other ways, and tested beside it.
		if !slices.Contains(public, r.Path) && !strings.HasPrefix(r.Path, api.Prefix) {
			all = append(all,
				[2]string{r.Method,
					strings.NewReplacer(":id", f.Person.String(), ":file", f.ID.String()).Replace(r.Path)})
		}
	}
	return all
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

// acquit takes every file's mark of damage away.
func (s *site) acquit(t *testing.T) {
	t.Helper()
	for f, err := range s.stores.Catalog.Damaged(t.Context()) {
		if err == nil {
			err = s.stores.Catalog.SetDamage(t.Context(), f.Person, f.ID, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ServedDocument returns the API's document as the server serves it.
func ServedDocument() ([]byte, error) {
	d, err := loadDocument()
	return d.text, err
}
