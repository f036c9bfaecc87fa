package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// patience bounds every wait of these tests. It decides nothing: what is waited for comes in milliseconds, or the test fails.
const patience = 30 * time.Second

// site is the real server over stores, on a real port.
type site struct {
	t      *testing.T
	stores teststores.Stores
	svc    *dossier.Service
	addr   string
	client *http.Client
	log    *buffer
	// private is what must never stand in the log.
	private *secrets
}

// secrets are texts that many may add to at once.
type secrets struct {
	mu   sync.Mutex
	list []string
}

// in returns the same site for a part of its test.
func (s *site) in(t *testing.T) *site {
	part := *s
	part.t = t
	return &part
}

// setup is what differs from site to site.
type setup struct {
	// stores default to embedded ones in an empty folder. wrap stands between them and the service.
	stores *teststores.Stores
	wrap   func(teststores.Stores) teststores.Stores
	// others are the stores of further instances of the server, over the same data. Requests go to one after the other.
	others []teststores.Stores
	domain dossier.Options
	web    web.Options
}

// small is a limit that tests can go over.
var small = dossier.Limits{FileBytes: 1000, Files: 3}

func open(t *testing.T, o setup) *site {
	t.Helper()
	if o.stores == nil {
		s := teststores.Embedded(t, teststores.Folder(t))
		o.stores = &s
	}
	s := &site{t: t, stores: *o.stores, log: &buffer{}, private: &secrets{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.domain.Log, o.web.Log = log, log
	server := httptest.NewUnstartedServer(nil)
	s.addr = server.Listener.Addr().String()
	o.web.PublicURL, o.web.StaffSecret = "http://"+s.addr, staffSecret
	var instances turns
	for i, stores := range append([]teststores.Stores{*o.stores}, o.others...) {
		// An embedded store takes the parts of files itself.
		o.web.Parts, _ = stores.Objects.(web.PartReceiver)
		if o.wrap != nil {
			stores = o.wrap(stores)
		}
		svc := dossier.New(stores.People, stores.Catalog, stores.Objects, o.domain)
		if i == 0 {
			s.svc = svc
		}
		h, err := web.New(svc, o.web)
		if err != nil {
			t.Fatal(err)
		}
		instances.handlers = append(instances.handlers, h)
	}
	server.Config.Handler = &instances
	server.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelError)
	server.Start()
	s.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
	host, _, _ := net.SplitHostPort(s.addr)
	s.hide(ada.name, ada.location, ada.technology, host)
	// Every test has this check: whatever happens to a request, the log tells nobody's details.
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		server.Close()
		text := s.log.String()
		s.private.mu.Lock()
		defer s.private.mu.Unlock()
		for _, private := range s.private.list {
			if strings.Contains(text, private) {
				t.Errorf("the log holds %q:\n%s", private, text)
			}
		}
	})
	return s
}

// staffSecret is what staff sign in with at a site.
const staffSecret = "secret of the staff"

// turns gives requests to one handler after the other, as a load balancer does.
type turns struct {
	handlers []http.Handler
	n        atomic.Uint64
}

func (h *turns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.handlers[h.n.Add(1)%uint64(len(h.handlers))].ServeHTTP(w, r)
}

// hide adds texts that must never stand in the log.
func (s *site) hide(private ...string) {
	s.private.mu.Lock()
	defer s.private.mu.Unlock()
	for _, p := range private {
		// Very short texts may stand there by chance.
		if len(p) >= 6 {
			s.private.list = append(s.private.list, p)
		}
	}
}

// line returns the log's line of a request.
func (s *site) line(id string) map[string]any {
	s.t.Helper()
	var line map[string]any
	// It is written after the answer.
	s.until("the log has the line of request "+id, func() bool {
		for text := range strings.Lines(s.log.String()) {
			var l map[string]any
			if json.Unmarshal([]byte(text), &l) == nil && l["msg"] == "request" && l["request_id"] == id {
				line = l
			}
		}
		return line != nil
	})
	return line
}

// until waits for something that must come about.
func (s *site) until(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("it never came about that %s", what)
		}
	}
}

// held is what the stores hold, by number.
type held struct {
	// people are acknowledged ones, pending those who are not.
	people, pending int
	// records are those of files, in whatever state, and objects what lies in the object store, finished or not.
	records, objects int
}

func (s *site) holds() held {
	s.t.Helper()
	var h held
	// Not the test's own context, so that clean-ups may ask too.
	ctx := context.Background()
	list, err := s.stores.People.List(ctx, "", dossier.Cursor{}, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	h.people = len(list)
	for _, err := range s.stores.People.Leftovers(ctx, time.Now().Add(time.Hour)) {
		if err != nil {
			s.t.Fatal(err)
		}
		h.pending++
	}
	for _, err := range s.stores.Catalog.All(ctx) {
		if err != nil {
			s.t.Fatal(err)
		}
		h.records++
	}
	for o, err := range s.stores.Objects.List(ctx, "") {
		if err != nil {
			s.t.Fatal(err)
		}
		if _, _, err := dossier.ParseObjectKey(o.Key); err != nil {
			s.t.Errorf("an object lies under %q, which is no generated key", o.Key)
		}
		h.objects++
	}
	for _, err := range s.stores.Objects.Unfinished(ctx, time.Now().Add(time.Hour)) {
		if err != nil {
			s.t.Fatal(err)
		}
		h.objects++
	}
	return h
}

func (s *site) mustHold(want held) {
	s.t.Helper()
	if got := s.holds(); got != want {
		s.t.Errorf("the stores hold %+v, want %+v", got, want)
	}
}

// reconcile reconciles as if everything were old, and checks that what is acknowledged is whole.
func (s *site) reconcile() {
	s.t.Helper()
	svc := dossier.New(s.stores.People, s.stores.Catalog, s.stores.Objects, dossier.Options{})
	report, err := svc.Reconcile(s.t.Context(), dossier.ReconcileOptions{OlderThan: -time.Hour, Sweep: true, Verify: true}, nil)
	if err != nil || report.Damaged() {
		s.t.Errorf("reconcile: %+v, %v", report, err)
	}
}

// file is a file of a form.
type file struct{ name, data string }

// form is a filled-in form as a browser would send it.
type form struct {
	receipt, name, location, age, technology string
	files                                    []file
}

// ada's details are unlike anything that a log holds by chance.
var ada = form{name: "Ada Lovelace", location: "London", age: "36", technology: "Analytical Engine"}

// with returns a form with files and a receipt of its own.
func (f form) with(files ...file) form {
	f.receipt, f.files = dossier.NewReceipt().String(), files
	return f
}

func (f form) parsed(t *testing.T) dossier.Receipt {
	t.Helper()
	r, err := dossier.ParseReceipt(f.receipt)
	if err != nil {
		t.Fatalf("receipt %q: %v", f.receipt, err)
	}
	return r
}

// some returns n files of different names and contents.
func some(n int) []file {
	files := make([]file, n)
	for i := range files {
		files[i] = file{fmt.Sprintf("letter-%02d.txt", i), fmt.Sprintf("Dear Charles, this is letter %d.", i)}
	}
	return files
}

// boundary is one that a browser makes.
const boundary = "----WebKitFormBoundaryA7fQe0Zx3kPq9LmB"

const formType = "multipart/form-data; boundary=" + boundary

// part is one part of a body, as it stands there.
type part struct{ header, data string }

// escape is what browsers do to names (https://html.spec.whatwg.org/#multipart-form-data).
var escape = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

func field(name, value string) part {
	return part{`Content-Disposition: form-data; name="` + escape.Replace(name) + `"`, value}
}

func attached(name, data string) part {
	return part{`Content-Disposition: form-data; name="files"; filename="` + escape.Replace(name) + `"` + "\r\nContent-Type: application/octet-stream", data}
}

// notChosen is what browsers send for a file field in which nothing was chosen.
var notChosen = attached("", "")

func (f form) fields() []part {
	return []part{
		field("receipt", f.receipt), field("name", f.name), field("location", f.location), field("age", f.age),
		field("technology", f.technology),
	}
}

func (f form) parts() []part {
	parts := f.fields()
	for _, one := range f.files {
		parts = append(parts, attached(one.name, one.data))
	}
	if len(f.files) == 0 {
		parts = append(parts, notChosen)
	}
	return parts
}

func (f form) body() string { return encode(f.parts()...) }

// encode returns the body that consists of parts.
func encode(parts ...part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + p.header + "\r\n\r\n" + p.data + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String()
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %v\n%s", a.status, a.header, a.body) }

// id returns the request's id.
func (a answer) id() string { return a.header.Get("X-Request-Id") }

func (s *site) do(method, path string, header http.Header, body io.Reader) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("%s: %v", method, err)
	}
	return s.read(res)
}

// read takes an answer to its end and checks what every answer has.
func (s *site) read(res *http.Response) answer {
	s.t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("the answer broke off: %v", err)
	}
	a := answer{res.StatusCode, res.Header, string(b)}
	if a.id() == "" {
		s.t.Errorf("the answer has no request id: %v", a)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			s.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
		s.t.Errorf("the Content-Security-Policy is %q", policy)
	}
	if a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
		s.t.Error("503 without Retry-After")
	}
	return a
}

func (s *site) get(path string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, nil)
}

// post sends a body as the form's.
func (s *site) post(body string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, "/submissions", http.Header{"Content-Type": {formType}}, strings.NewReader(body))
}

// submit sends a form.
func (s *site) submit(f form) answer {
	s.t.Helper()
	s.remember(f)
	return s.post(f.body())
}

// remember makes sure that the log will not hold what stands in the form.
func (s *site) remember(f form) {
	s.hide(f.receipt, f.name, f.location, f.technology)
	for _, one := range f.files {
		s.hide(one.name)
	}
}

// mustAccept checks that a form was acknowledged with its receipt and that the receipt has each file, once, with its bytes.
func (s *site) mustAccept(a answer, f form) {
	s.t.Helper()
	if want := "/receipt/" + f.receipt; a.status != http.StatusSeeOther || a.header.Get("Location") != want {
		s.t.Fatalf("got %v\nwant 303 to the form's receipt", a)
	}
	s.mustHave(f, f.files...)
}

// mustHave checks that the form's person is acknowledged and has exactly these files, with their bytes.
func (s *site) mustHave(f form, want ...file) {
	s.t.Helper()
	svc := dossier.New(s.stores.People, s.stores.Catalog, s.stores.Objects, dossier.Options{})
	p, err := svc.ByReceipt(s.t.Context(), f.parsed(s.t))
	if err != nil {
		s.t.Fatalf("open the receipt: %v", err)
	}
	records := s.records(p.ID)
	if p.State != dossier.PersonSubmitted || p.Name != strings.TrimSpace(f.name) {
		s.t.Errorf("the person is %+v", p)
	}
	var got []file
	for _, r := range records {
		if r.State != dossier.FileStored {
			continue
		}
		content, err := svc.Open(s.t.Context(), r, 0, -1)
		if err != nil {
			s.t.Fatalf("open %q: %v", r.Name, err)
		}
		data, err := io.ReadAll(content)
		content.Close()
		if err != nil {
			s.t.Fatalf("read %q: %v", r.Name, err)
		}
		got = append(got, file{r.Name, string(data)})
	}
	cleaned := []file{}
	for _, one := range want {
		cleaned = append(cleaned, file{dossier.CleanFileName(one.name), one.data})
	}
	order := func(a, b file) int { return strings.Compare(a.name+"\x00"+a.data, b.name+"\x00"+b.data) }
	slices.SortFunc(got, order)
	slices.SortFunc(cleaned, order)
	if !slices.Equal(got, cleaned) {
		s.t.Errorf("%d files are stored:\n%.500q\nwant %d:\n%.500q", len(got), got, len(cleaned), cleaned)
	}
}

// records returns what the catalog has of a person.
func (s *site) records(person dossier.PersonID) []dossier.File {
	s.t.Helper()
	files, err := s.stores.Catalog.Files(s.t.Context(), person, dossier.FileID{}, math.MaxInt32)
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

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
			if attribute(n, "action") != "/submissions" || attribute(n, "method") != "post" || attribute(n, "enctype") != "multipart/form-data" {
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
		name := text(n)
		if n.Parent.Data == "th" {
			stored = append(stored, name)
			return
		}
		for m := n.NextSibling; m != nil; m = m.NextSibling {
			if attribute(m, "class") == "missing-why" {
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

// wire is a connection on which a test writes and reads what it likes.
type wire struct {
	*net.TCPConn
	s *site
	r *bufio.Reader
}

func (s *site) dial() *wire {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &wire{c.(*net.TCPConn), s, bufio.NewReader(c)}
}

// head writes a request's head.
func (w *wire) head(method, path string, header ...string) {
	w.s.t.Helper()
	w.write(method + " " + path + " HTTP/1.1\r\nHost: " + w.s.addr + "\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n")
}

// postHead writes the head of a form with a body of that length.
func (w *wire) postHead(length int) {
	w.s.t.Helper()
	w.head("POST", "/submissions", "Content-Type: "+formType, fmt.Sprintf("Content-Length: %d", length))
}

func (w *wire) write(text string) {
	w.s.t.Helper()
	if _, err := io.WriteString(w.TCPConn, text); err != nil {
		w.s.t.Fatalf("the server does not take what is sent: %v", err)
	}
}

// answer reads the answer; interim is whether a "100 Continue" came first.
func (w *wire) answer() (a answer, interim bool) {
	w.s.t.Helper()
	req := &http.Request{Method: http.MethodPost}
	for {
		res, err := http.ReadResponse(w.r, req)
		if err != nil {
			w.s.t.Fatalf("no answer came: %v", err)
		}
		if res.StatusCode != http.StatusContinue {
			return w.s.read(res), interim
		}
		interim = true
	}
}

// mustEnd checks that the server closes the connection, in order and not by a reset, and sends nothing more.
func (w *wire) mustEnd() {
	w.s.t.Helper()
	if n, err := io.Copy(io.Discard, w.r); n != 0 || err != nil {
		w.s.t.Errorf("after the answer came %d bytes and %v, want the end of the connection", n, err)
	}
}

// buffer is a log that many may write at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// How a call to a store goes wrong.
type mode string

const (
	failBefore mode = "fails before"      // the call fails and nothing happened
	failAfter  mode = "fails after"       // the call took effect, its answer is lost
	failIn     mode = "breaks off within" // the bytes break off in the middle; other calls as failBefore
	hang       mode = "hangs"             // a store takes some bytes and then none; other calls as failBefore
	panics     mode = "panics"
)

var errInjected = errors.New("injected")

// faults stands between the service and its stores. It counts calls and lets those for which wrong says so go wrong.
type faults struct {
	wrong func(n int, call string) mode

	mu    sync.Mutex
	calls []string
}

// at makes the n-th call go wrong.
func at(n int, m mode) *faults {
	return &faults{wrong: func(i int, _ string) mode {
		if i == n {
			return m
		}
		return ""
	}}
}

// every makes every call of that name go wrong.
func every(call string, m mode) *faults {
	return &faults{wrong: func(_ int, c string) mode {
		if c == call {
			return m
		}
		return ""
	}}
}

// set makes wrong decide from now on; nil heals.
func (f *faults) set(wrong func(n int, call string) mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong = wrong
}

func (f *faults) enter(call string) mode {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	if f.wrong == nil {
		return ""
	}
	m := f.wrong(len(f.calls)-1, call)
	if m == panics {
		panic("injected panic with details of the inside")
	}
	return m
}

// taken returns the calls so far and forgets them.
func (f *faults) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *faults) wrap(s teststores.Stores) teststores.Stores {
	return teststores.Stores{People: faultyPeople{s.People, f}, Catalog: faultyCatalog{s.Catalog, f}, Objects: faultyObjects{s.Objects, f}}
}

func (f *faults) do(ctx context.Context, call string, do func() error) error {
	m := f.enter(call)
	if m != "" && m != failAfter {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	err := do()
	if m == failAfter {
		return dossier.Unavailable(ctx, call, errInjected)
	}
	return err
}

func value[T any](ctx context.Context, f *faults, call string, do func() (T, error)) (T, error) {
	var v T
	if err := f.do(ctx, call, func() (err error) { v, err = do(); return err }); err != nil {
		var none T
		return none, err
	}
	return v, nil
}

type faultyPeople struct {
	dossier.People
	f *faults
}

func (p faultyPeople) Insert(ctx context.Context, v dossier.Person) error {
	return p.f.do(ctx, "people.Insert", func() error { return p.People.Insert(ctx, v) })
}

func (p faultyPeople) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	return value(ctx, p.f, "people.Person", func() (dossier.Person, error) { return p.People.Person(ctx, id) })
}

func (p faultyPeople) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time, from ...dossier.PersonState) error {
	return p.f.do(ctx, "people.Move", func() error { return p.People.Move(ctx, id, to, at, from...) })
}

type faultyCatalog struct {
	dossier.Catalog
	f *faults
}

func (c faultyCatalog) Put(ctx context.Context, v dossier.File) error {
	return c.f.do(ctx, "catalog.Put", func() error { return c.Catalog.Put(ctx, v) })
}

func (c faultyCatalog) File(ctx context.Context, p dossier.PersonID, id dossier.FileID) (dossier.File, error) {
	return value(ctx, c.f, "catalog.File", func() (dossier.File, error) { return c.Catalog.File(ctx, p, id) })
}

func (c faultyCatalog) Files(ctx context.Context, p dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File, error) {
	return value(ctx, c.f, "catalog.Files", func() ([]dossier.File, error) { return c.Catalog.Files(ctx, p, after, limit) })
}

func (c faultyCatalog) Describe(ctx context.Context, p dossier.PersonID, id dossier.FileID, v dossier.Content, at time.Time) error {
	return c.f.do(ctx, "catalog.Describe", func() error { return c.Catalog.Describe(ctx, p, id, v, at) })
}

func (c faultyCatalog) Commit(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) (dossier.File, error) {
	return value(ctx, c.f, "catalog.Commit", func() (dossier.File, error) { return c.Catalog.Commit(ctx, p, id, at) })
}

func (c faultyCatalog) Touch(ctx context.Context, p dossier.PersonID, id dossier.FileID, at time.Time) error {
	return c.f.do(ctx, "catalog.Touch", func() error { return c.Catalog.Touch(ctx, p, id, at) })
}

func (c faultyCatalog) Reserve(ctx context.Context, p dossier.PersonID, add, most dossier.Quota, at time.Time) (dossier.Usage, error) {
	return value(ctx, c.f, "catalog.Reserve", func() (dossier.Usage, error) { return c.Catalog.Reserve(ctx, p, add, most, at) })
}

type faultyObjects struct {
	dossier.Objects
	f *faults
}

func (o faultyObjects) Start(ctx context.Context, key string) (string, error) {
	return value(ctx, o.f, "objects.Start", func() (string, error) { return o.Objects.Start(ctx, key) })
}

func (o faultyObjects) Parts(ctx context.Context, key, uploadID string) ([]dossier.Part, error) {
	return value(ctx, o.f, "objects.Parts", func() ([]dossier.Part, error) { return o.Objects.Parts(ctx, key, uploadID) })
}

func (o faultyObjects) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part, whole dossier.Held) error {
	return o.f.do(ctx, "objects.Finish", func() error { return o.Objects.Finish(ctx, key, uploadID, parts, whole) })
}

func (o faultyObjects) Put(ctx context.Context, key string, r io.Reader) error {
	switch m := o.f.enter("objects.Put"); m {
	case "", failAfter:
		err := o.Objects.Put(ctx, key, r)
		if m == failAfter {
			return dossier.Unavailable(ctx, "objects.Put", errInjected)
		}
		return err
	case failIn:
		half := io.MultiReader(io.LimitReader(r, 10), broken{})
		return dossier.Unavailable(ctx, "objects.Put", o.Objects.Put(ctx, key, half))
	case hang:
		_, _ = r.Read(make([]byte, 10))
		<-ctx.Done()
		return dossier.Unavailable(ctx, "objects.Put", context.Cause(ctx))
	default:
		return dossier.Unavailable(ctx, "objects.Put", errInjected)
	}
}

func (o faultyObjects) Stat(ctx context.Context, key string) (dossier.Held, error) {
	return value(ctx, o.f, "objects.Stat", func() (dossier.Held, error) { return o.Objects.Stat(ctx, key) })
}

func (o faultyObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return value(ctx, o.f, "objects.Open", func() (io.ReadCloser, error) { return o.Objects.Open(ctx, key, offset, length) })
}

func (o faultyObjects) List(ctx context.Context, prefix string) iter.Seq2[dossier.Object, error] {
	return o.Objects.List(ctx, prefix)
}

// broken is a source that fails at once.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errInjected }

// bending is a store that changes some bytes on their way.
type bending struct{ dossier.Objects }

func (b bending) Put(ctx context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return b.Objects.Put(ctx, key, bytes.NewReader(bytes.Replace(data, []byte("bend"), []byte("bent"), 1)))
}
