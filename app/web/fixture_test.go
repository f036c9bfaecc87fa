package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
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

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/staff"
	"dossier.example/app/thumbnail"
	"dossier.example/app/web"
)

// patience bounds every wait of these tests. It decides nothing: what is waited for comes in milliseconds, or the test
// fails.
const patience = 30 * time.Second

// site is the real server over stores, on a real port.
type site struct {
	t      *testing.T
	stores teststores.Stores
	svc    *dossier.Service
	server *web.Server
	addr   string
	client *http.Client
	log    *teststores.Journal
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
		s := teststores.Embedded(t, teststores.Migrated(t))
		o.stores = &s
	}
	s := &site{t: t, stores: *o.stores, log: &teststores.Journal{}, private: &secrets{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.domain.Log, o.web.Log = log, log
	o.domain.Pictures = thumbnail.Self()
	server := httptest.NewUnstartedServer(nil)
	s.addr = server.Listener.Addr().String()
	o.web.PublicURL, o.web.StaffSecret = "http://"+s.addr, staffSecret
	var instances turns
	for i, stores := range append([]teststores.Stores{*o.stores}, o.others...) {
		// An embedded store takes the parts of files itself.
		o.web.Parts, _ = stores.Objects.(web.PartReceiver)
		o.web.Staff = stores.People.(staff.Store)
		o.web.Trail = web.NewTrail(t, stores, o.web.Now)
		if o.wrap != nil {
			stores = o.wrap(stores)
		}
		svc := dossier.New(stores.People, stores.Catalog, stores.Objects, o.domain)
		h, err := web.New(svc, o.web)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			s.svc, s.server = svc, h
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
		Jar:           web.NewReceiptJar(),
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
	found, err := s.stores.People.Find(ctx, dossier.Search{Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	h.people = len(found.People)
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
	for o, err := range s.stores.Objects.List(ctx, "", "") {
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
	report, err := svc.Reconcile(s.t.Context(), dossier.ReconcileOptions{OlderThan: -time.Hour, Sweep: true,
		Verify: true, YesRemove: 1000}, nil)
	if err != nil || report.NeedsPerson() {
		s.t.Errorf("reconcile: %+v, %v", report, err)
	}
}

// ada's details are unlike anything that a log holds by chance.
var ada = form{name: "Ada Lovelace", location: "London", age: "36", technology: "Analytical Engine"}

// boundary is one that a browser makes.
const boundary = "----WebKitFormBoundaryA7fQe0Zx3kPq9LmB"

const formType = "multipart/form-data; boundary=" + boundary

// escape is what browsers do to names (https://html.spec.whatwg.org/#multipart-form-data).
var escape = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// notChosen is what browsers send for a file field in which nothing was chosen.
var notChosen = attached("", "")

func (s *site) do(method, path string, header http.Header, body io.Reader) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	web.HoldReceipt(s.client, req)
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
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			s.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	switch referrer := a.header.Get("Referrer-Policy"); referrer {
	case "same-origin", "strict-origin", "no-referrer":
	default:
		s.t.Errorf("Referrer-Policy is %q", referrer)
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") ||
		!strings.Contains(policy, "frame-ancestors 'none'") {
		s.t.Errorf("the Content-Security-Policy is %q", policy)
	}
	if a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
		s.t.Error("503 without Retry-After")
	}
	return a
}

// linked returns how a page links to a path: one of a receipt names the person.
func (s *site) linked(path string) string {
	req := httptest.NewRequest(http.MethodGet, "http://"+s.addr+path, nil)
	web.HoldReceipt(s.client, req)
	return req.URL.Path
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

// mustAccept checks that a form was acknowledged with its receipt and that the receipt has each file, once, with its
// bytes.
func (s *site) mustAccept(a answer, f form) {
	s.t.Helper()
	if want := "/receipt/" + f.parsed(s.t).Person.String(); a.status != http.StatusSeeOther ||
		a.header.Get("Location") != want ||
		a.header.Get("Set-Cookie") != "dossier_receipt="+f.receipt+"; Path="+want+"; HttpOnly; SameSite=Lax" {
		s.t.Fatalf("got %v\nwant 303 to the form's receipt, with its cookie", a)
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
		content, err := svc.Open(s.t.Context(), r, dossier.ToAll, 0, -1)
		if err != nil {
			s.t.Fatalf("open %q: %v", r.Name, err)
		}
		var data strings.Builder
		data.Grow(int(r.Content.Size)) // megabytes would be copied again and again
		_, err = io.Copy(&data, content)
		content.Close()
		if err != nil {
			s.t.Fatalf("read %q: %v", r.Name, err)
		}
		got = append(got, file{r.Name, data.String()})
	}
	cleaned := []file{}
	for _, one := range want {
		cleaned = append(cleaned, file{dossier.CleanFileName(one.name), one.data})
	}
	order := func(a, b file) int { return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.data, b.data)) }
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
