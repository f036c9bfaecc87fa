package web

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// failingTrail is a store of the audit trail that fails when told so.
type failingTrail struct {
	audit.Store

	mu sync.Mutex
	// fails decides about each call of AppendEntries, by the entries.
	fails func(entries []audit.Entry) bool
	// finds decides about each call of FindEntries, by how many there were.
	finds func(call int) error
	found int
}

func (f *failingTrail) FindEntries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	f.mu.Lock()
	f.found++
	call, finds := f.found, f.finds
	f.mu.Unlock()
	if finds != nil {
		if err := finds(call); err != nil {
			return nil, err
		}
	}
	return f.Store.FindEntries(ctx, q)
}

// breakOff has calls of FindEntries from now on fail as finds says.
func (f *failingTrail) breakOff(finds func(call int) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finds, f.found = finds, 0
}

func (f *failingTrail) AppendEntries(ctx context.Context, entries []audit.Entry) error {
	f.mu.Lock()
	fails := f.fails != nil && f.fails(entries)
	f.mu.Unlock()
	if fails {
		return dossier.Unavailable(ctx, "appending", errors.New(innards))
	}
	return f.Store.AppendEntries(ctx, entries)
}

func (f *failingTrail) set(fails func([]audit.Entry) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = fails
}

func always([]audit.Entry) bool { return true }

// newAuditSite is a site whose trail can fail.
func newAuditSite(t *testing.T) (*site, *failingTrail) {
	t.Helper()
	f := &failingTrail{}
	s := newSite(t, func(o *Options) {
		f.Store = o.Staff.(audit.Store)
		trail, err := audit.NewTrail(f, audit.Options{Now: o.Now})
		if err != nil {
			t.Fatal(err)
		}
		o.Trail = trail
	})
	return s, f
}

// entries returns the entries of the trail, the first first.
func (s *site) entries(t *testing.T, q audit.Query) []audit.Entry {
	t.Helper()
	q.Limit = 10_000
	all, err := s.server.o.Trail.Find(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// recordedBy returns what the trail has of a request, as lines.
func (s *site) recordedBy(t *testing.T, a answer) []string {
	t.Helper()
	var lines []string
	for _, e := range s.entries(t, audit.Query{}) {
		if e.Request != a.header.Get("X-Request-Id") {
			continue
		}
		line := fmt.Sprintf("%s %s %s", e.Actor.ID, e.Action, e.Result)
		if e.Count != 0 {
			line += fmt.Sprintf(" %d", e.Count)
		}
		if e.Subject.Kind != "" {
			line += fmt.Sprintf(" %s %s", e.Subject.Kind, e.Subject.ID)
		}
		if e.Subject.File != "" {
			line += " file " + e.Subject.File
		}
		if e.Detail != "" {
			line += ": " + e.Detail
		}
		lines = append(lines, line)
	}
	return lines
}

func TestEveryStaffRouteNamesItsAction(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, r := range s.server.staffRoutes() {
		switch {
		case !r.action.Known():
			t.Errorf("%s %s: the action is %q", r.method, r.path, r.action)
		case r.method == http.MethodPost && !r.action.Changes():
			t.Errorf("POST %s changes something, and %s is an action that does not", r.path, r.action)
		}
	}
}

func TestStaffIsRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada Lovelace", upload{"private.txt", "a"}, upload{"dot.png", onePixelPNG},
		upload{"c.txt", "c"})
	other, _ := s.submit(t, "Babbage")
	id, file := receipt.Person.String(), files[0].ID.String()
	token := url.Values{"csrf": {by.token}}
	person, of := " person "+id, " file "+file
	absent := dossier.NewPersonID().String()
	for _, c := range []struct {
		scenario
		want []string
	}{
		{scenario{path: "/people", status: 200}, []string{"shared people.search allowed"}},
		{scenario{path: "/people?q=Lovelace+private", status: 200}, []string{"shared people.search allowed 2"}},
		{scenario{path: "/people.csv?q=Lovelace", status: 200},
			[]string{"shared people.export begun", "shared people.export done 1"}},
		{scenario{path: "/people.csv?q=Nobody+at+all", status: 200},
			[]string{"shared people.export begun", "shared people.export done"}},
		{scenario{path: api.Prefix + "/staff/people.jsonl", status: 200},
			[]string{"shared people.export begun", "shared people.export done 2"}},
		{scenario{path: api.Prefix + "/staff/people.jsonl?q=Lovelace", status: 200},
			[]string{"shared people.export begun", "shared people.export done 1"}},
		{scenario{path: "/people.csv", status: 200},
			[]string{"shared people.export begun", "shared people.export done 2"}},
		{scenario{path: "/people/selected", form: url.Values{"csrf": {by.token}, "do": {"csv"},
			"person": {id, other.Person.String()}},
			status: 200}, []string{"shared person.download allowed" + person + ": csv",
			"shared person.download allowed person " + other.Person.String() + ": csv",
			"shared people.export begun: csv", "shared people.export done 2: csv"}},
		{scenario{path: "/people/selected", form: url.Values{"csrf": {by.token}, "do": {"zip"}, "all": {"yes"},
			"asked": {"2026-11-25T00:00:00Z"}}, status: 200},
			[]string{"shared people.export begun: zip", "shared people.export done 2: zip"}},
		{scenario{path: "/people/selected", form: url.Values{"csrf": {by.token}, "do": {"zip"}}, status: 303}, nil},
		{scenario{path: "/people/" + id, status: 200}, []string{"shared person.view allowed" + person}},
		{scenario{path: "/people/" + id, method: http.MethodHead, status: 200},
			[]string{"shared person.view allowed" + person}},
		{scenario{path: "/people/" + absent, status: 404},
			[]string{"shared person.view allowed person " + absent, "shared person.view failed person " + absent}},
		{scenario{path: "/people/Lovelace", status: 404},
			[]string{"shared person.view allowed person ", "shared person.view failed person "}},
		{scenario{path: "/people/" + id + "/files.zip", status: 200},
			[]string{"shared person.download allowed" + person}},
		{scenario{path: "/people/" + id + "/files/" + file, status: 200},
			[]string{"shared file.download allowed" + person + of}},
		{scenario{path: "/people/" + id + "/files/" + file + "/delete", status: 200},
			[]string{"shared file.view allowed" + person + of}},
		{scenario{path: "/people/" + id + "/files/" + file + "/delete", form: token, status: 303},
			[]string{"shared file.delete begun" + person + of, "shared file.delete done" + person + of}},
		{scenario{path: "/people/" + id + "/files/" + file + "/delete", form: token, status: 404},
			[]string{"shared file.delete begun" + person + of, "shared file.delete failed" + person + of}},
		{scenario{path: "/people/" + id + "/expire", form: url.Values{"csrf": {by.token}, "expires": {"day"}},
			status: 303},
			[]string{"shared person.link begun" + person, "shared person.link done" + person}},
		{scenario{path: "/people/" + id + "/expire", form: url.Values{"csrf": {by.token}, "expires": {"Lovelace"}},
			status: 400},
			[]string{"shared person.link begun" + person, "shared person.link failed" + person}},
		{scenario{path: "/people/" + id + "/delete", form: url.Values{"csrf": {"wrong"}}, status: 403},
			[]string{"shared person.delete begun" + person, "shared person.delete refused" + person}},
		{scenario{path: "/people/" + id + "/delete", status: 200}, []string{"shared person.view allowed" + person}},
		{scenario{path: "/people/" + other.Person.String() + "/delete", form: token, status: 303},
			[]string{"shared person.delete begun person " + other.Person.String(),
				"shared person.delete done person " + other.Person.String()}},
		{scenario{path: "/staff/storage", status: 200}, []string{"shared stores.view allowed"}},
		{scenario{path: "/staff/sessions", status: 200}, []string{"shared session.list allowed"}},
		{scenario{path: "/staff/audit", status: 200}, []string{"shared audit.view allowed"}},
		{scenario{path: "/staff/audit?from=Lovelace", status: 400},
			[]string{"shared audit.view allowed", "shared audit.view failed"}},
		{scenario{path: "/staff/sessions/" + absent + "/end", form: token, status: 303},
			[]string{"shared session.end begun session " + absent, "shared session.end done session " + absent}},
		{scenario{path: "/staff/sessions/end-others", form: token, status: 303},
			[]string{"shared session.end-others begun", "shared session.end-others done"}},

		{scenario{path: api.Prefix + "/receipt?person=" + id, status: 200},
			[]string{"shared person.view allowed" + person}},
		{scenario{path: api.Prefix + "/files/" + files[2].ID.String() + "/content?person=" + id, status: 200},
			[]string{"shared file.download allowed" + person + " file " + files[2].ID.String()}},
		{scenario{path: api.Prefix + "/files/" + files[2].ID.String() + "?person=" + id, method: http.MethodDelete,
			status: 409},
			[]string{"shared file.delete begun" + person + " file " + files[2].ID.String(),
				"shared file.delete failed" + person + " file " + files[2].ID.String()}},
		{scenario{path: api.Prefix + "/receipt?person=Lovelace", status: 404}, nil},

		{scenario{path: "/staff/sign-out", form: token, status: 303},
			[]string{"shared session.end begun", "shared session.end done"}},
	} {
		c.by = by
		if c.name == "" {
			c.name = c.method + " " + c.path
		}
		s.clock.advance(time.Second)
		a := s.play(t, c.scenario)
		if got := s.recordedBy(t, a); !slices.Equal(got, c.want) {
			t.Errorf("%s: the trail has\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	for _, e := range s.entries(t, audit.Query{}) {
		if e.Actor.Session == "" || e.Actor.Name != "shared key" || e.Client != "127.0.0.1" {
			t.Errorf("an entry lacks who or from where: %+v", e)
		}
		for _, text := range e.Record() {
			for _, private := range []string{"Ada", "Lovelace", "private", "Zürich", "Babbage", by.cookie.Value,
				by.token} {
				if strings.Contains(text, private) {
					t.Errorf("%q is in an entry: %v", private, e)
				}
			}
		}
	}
}

// Whoever may use the API by a session is recorded, at each of its routes. Those for staff are beside
// TestStaffAPIAudit.
func TestAPIOfStaffIsRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	// What needs no session, or a receipt alone.
	open := []string{"/", "/openapi.json", "/limits", "/people", "/receipt/replacement",
		"/transfers/:transfer/parts/:number"}
	asked := 0
	for _, r := range s.server.echo.Routes() {
		path, ok := strings.CutPrefix(r.Path, api.Prefix)
		if !ok || path == "" || slices.Contains(open, path) || strings.HasPrefix(path, "/staff/") {
			continue
		}
		asked++
		path = strings.NewReplacer(":file", files[0].ID.String()).Replace(r.Path)
		a := s.ask(t, scenario{method: r.Method, path: path + "?person=" + receipt.Person.String(), by: by,
			header: map[string]string{"Content-Type": "application/json"}})
		if got := s.recordedBy(t, a); len(got) == 0 || !strings.Contains(got[0], receipt.Person.String()) {
			t.Errorf("%s %s: status %d, the trail has %q", r.Method, r.Path, a.status, got)
		}
	}
	if asked < 10 {
		t.Errorf("only %d routes were asked", asked)
	}
}

// A page or a file that cannot be recorded is not shown, and nothing is changed.
func TestWhatCannotBeRecordedIsRefused(t *testing.T) {
	t.Parallel()
	s, f := newAuditSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "secret content"}, upload{"b.txt", "more"})
	s.client.Jar.SetCookies(mustURL(t, s.url+receiptPath(receipt.Person)), []*http.Cookie{{
		Name: s.server.receiptCookieName(), Value: receipt.String(), Path: receiptPath(receipt.Person)}})
	f.set(always)
	token := url.Values{"csrf": {by.token}, "do": {"csv"}, "person": {receipt.Person.String()}}
	refused := scenario{by: by, status: 503, hasNot: []string{"Ada", "secret content", "a.txt", innards}}
	for _, route := range s.staffRoutes(files[0]) {
		c := refused
		c.method, c.path = route[0], route[1]
		if c.method == http.MethodPost {
			c.form = token
		}
		s.play(t, c)
	}
	for _, path := range []string{api.Prefix + "/receipt?person=" + receipt.Person.String(),
		api.Prefix + "/files/" + files[0].ID.String() + "/content?person=" + receipt.Person.String(),
		receiptPath(receipt.Person), receiptPath(receipt.Person) + "/files/" + files[0].ID.String()} {
		c := refused
		c.path = path
		s.play(t, c)
	}
	s.play(t, scenario{name: "right key", path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 503,
		want: map[string]string{"Set-Cookie": ""}})
	s.play(t, scenario{name: "wrong key", path: "/staff/sign-in", form: url.Values{"key": {"wrong"}}, status: 503})
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 2 {
		t.Error("something was deleted and not recorded")
	}
	// Who is not staff goes on.
	s.play(t, scenario{name: "a holder", path: receiptPath(receipt.Person), status: 200, has: []string{"Ada"}})
	f.set(nil)
	s.play(t, scenario{name: "the trail is back", path: "/people", by: by, status: 200, has: []string{"Ada"}})
	if r, err := audit.Verify(t.Context(), f.Store, nil); err != nil || r.Wrong != 0 {
		t.Errorf("the trail is damaged: %+v, %v", r, err)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// How something ended cannot be recorded: it has happened, and the trail tells that its end is not known.
func TestAnEndThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	s, f := newAuditSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada")
	f.set(func(entries []audit.Entry) bool { return entries[0].Result == audit.Done })
	a := s.play(t, scenario{path: "/people/" + receipt.Person.String() + "/delete", by: by,
		form: url.Values{"csrf": {by.token}}, status: 303})
	if there, _ := s.exists(t, receipt.Person); there {
		t.Error("the person is not deleted")
	}
	if got := s.recordedBy(t, a); len(got) != 1 || !strings.Contains(got[0], "person.delete begun") {
		t.Errorf("the trail has %q, want only what was begun", got)
	}
	if r, err := audit.Verify(t.Context(), f.Store, nil); err != nil || r.Wrong != 0 || r.Unfinished != 1 {
		t.Errorf("a verification reports %+v, %v, want one without an end", r, err)
	}
	if log := s.log.String(); !strings.Contains(log, "could not be recorded") || strings.Contains(log, "Ada") {
		t.Errorf("the log tells\n%s", log)
	}
}

func TestAPanicIsRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada")
	s.faults.set("people.Move", func(int) error { panic("injected") })
	a := s.play(t, scenario{path: "/people/" + receipt.Person.String() + "/delete", by: by,
		form: url.Values{"csrf": {by.token}}, status: 500})
	want := []string{"shared person.delete begun person " + receipt.Person.String(),
		"shared person.delete failed person " + receipt.Person.String()}
	if got := s.recordedBy(t, a); !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
}

func TestSignInsAreRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 303})
	want := []string{"shared session.begin begun", "shared session.begin done"}
	if got := s.recordedBy(t, a); !slices.Equal(got, want) {
		t.Errorf("a sign-in: the trail has %q, want %q", got, want)
	}
	a = s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {"my other password"}}, status: 401})
	if got, want := s.recordedBy(t, a), []string{"nobody session.fail refused 1"}; !slices.Equal(got, want) {
		t.Errorf("a wrong key: the trail has %q, want %q", got, want)
	}
	for _, e := range s.entries(t, audit.Query{}) {
		if text := strings.Join(e.Record(), " "); strings.Contains(text, "password") ||
			strings.Contains(text, siteSecret) {
			t.Errorf("what was typed is in an entry: %s", text)
		}
	}
}

// Strangers can neither fill the trail nor hide in it: of what they do too often the number is recorded.
func TestFailedSignInsAreBounded(t *testing.T) {
	t.Parallel()
	const clients, each = 1000, 10
	s := newSite(t, func(o *Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.SignInRate = Rate{PerMinute: 1, Burst: 3}
	})
	fail := func(client int) {
		t.Helper()
		a := s.ask(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {"wrong"}},
			header: map[string]string{"X-Forwarded-For": fmt.Sprintf("203.0.%d.%d", client/256, client%256)}})
		if a.status != 401 && a.status != 429 {
			t.Fatalf("a wrong key: status %d", a.status)
		}
	}
	for n := range clients * each / 5 {
		fail(n % clients)
	}
	s.clock.advance(time.Hour)
	fail(clients)
	var counted int64
	all := s.entries(t, audit.Query{Action: audit.SessionFail})
	for _, e := range all {
		counted += e.Count
	}
	if len(all) > 150 || counted != clients*each/5+1 {
		t.Errorf("%d entries count %d failures, want at most 150 that count %d", len(all), counted, clients*each/5+1)
	}
}

// A page shows up to a hundred previews: one entry counts for those of a person, for a while.
func TestPreviewsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by, other := s.signIn(t), s.signIn(t)
	_, files := s.submit(t, "Ada", upload{"a.png", onePixelPNG}, upload{"b.png", onePixelPNG})
	_, more := s.submit(t, "Babbage", upload{"a.png", onePixelPNG})
	look := func(by *member, f dossier.File, want int) {
		t.Helper()
		a := s.ask(t, scenario{path: "/people/" + f.Person.String() + "/files/" + f.ID.String() + "/picture", by: by})
		got := s.recordedBy(t, a)
		if len(got) != want || want > 0 && got[0] != "shared file.preview allowed person "+f.Person.String() {
			t.Errorf("a preview: status %d, the trail has %q, want %d entries", a.status, got, want)
		}
	}
	look(by, files[0], 1)
	look(by, files[0], 0)
	look(by, files[1], 0)
	look(other, files[0], 1)
	look(by, more[0], 1)
	s.clock.advance(previewEvery)
	look(by, files[1], 1)
}

func TestHoldersAreRecordedWhereTheyChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	path := receiptPath(receipt.Person)
	of := " person " + receipt.Person.String()
	quiet := func(c scenario) {
		t.Helper()
		before := len(s.entries(t, audit.Query{}))
		a := s.play(t, c)
		if after := len(s.entries(t, audit.Query{})); after != before {
			t.Errorf("%s: the trail has %q", c.path, s.recordedBy(t, a))
		}
	}
	s.client.Jar.SetCookies(mustURL(t, s.url+path), []*http.Cookie{{Name: s.server.receiptCookieName(),
		Value: receipt.String(), Path: path}})
	quiet(scenario{path: path, status: 200})
	quiet(scenario{path: path + "/files/" + files[0].ID.String(), status: 200})
	quiet(scenario{path: path + "/replace", form: url.Values{"csrf": {"wrong"}, "receipt": {receipt.String()}},
		status: 303})

	by := s.signIn(t)
	a := s.play(t, scenario{name: "staff with the receipt", path: path + "/files/" + files[0].ID.String(), by: by,
		status: 200})
	want := []string{"shared file.download allowed" + of + " file " + files[0].ID.String() + ": with the private link"}
	if got := s.recordedBy(t, a); !slices.Equal(got, want) {
		t.Errorf("staff with the receipt: the trail has %q, want %q", got, want)
	}

	a = s.play(t, scenario{path: path + "/expire", form: url.Values{"csrf": {s.server.sessions.receiptToken(receipt)},
		"expires": {"day"}}, status: 303})
	want = []string{"holder receipt.expire begun" + of, "holder receipt.expire done" + of}
	if got := s.recordedBy(t, a); !slices.Equal(got, want) {
		t.Errorf("a holder sets an expiry: the trail has %q, want %q", got, want)
	}
	stranger, to := dossier.NewReceipt(), dossier.NewReceipt()
	stranger.Person, to.Person = receipt.Person, receipt.Person
	body := func(r dossier.Receipt) string { return fmt.Sprintf(`{"receipt":%q}`, r) }
	replace := func(with dossier.Receipt) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+api.Prefix+"/receipt/replacement",
			strings.NewReader(body(to)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+with.String())
		res, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return answer{status: res.StatusCode, header: res.Header}
	}
	if a := replace(stranger); a.status != 401 || len(s.recordedBy(t, a)) != 0 {
		t.Errorf("a stranger's replacement: status %d, the trail has %q", a.status, s.recordedBy(t, a))
	}
	a = replace(receipt)
	want = []string{"holder receipt.replace begun" + of, "holder receipt.replace done" + of}
	if got := s.recordedBy(t, a); a.status != 200 || !slices.Equal(got, want) {
		t.Errorf("a replacement: status %d, the trail has %q, want %q", a.status, got, want)
	}
	if a := replace(receipt); a.status != 200 || len(s.recordedBy(t, a)) != 0 {
		t.Errorf("the same again: status %d, the trail has %q", a.status, s.recordedBy(t, a))
	}
}

func TestAuditPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada Lovelace")
	id := receipt.Person.String()
	s.play(t, scenario{path: "/people/" + id, by: by, status: 200})
	s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {"wrong"}}, status: 401})
	s.clock.advance(24 * time.Hour) // and everybody is signed out
	by = s.signIn(t)
	for range entriesPerPage {
		s.play(t, scenario{path: "/people", by: by, status: 200})
	}
	a := s.play(t, scenario{path: "/staff/audit", by: by, status: 200,
		has:    []string{"Viewed the directory", "Older", "Download the whole trail"},
		hasNot: []string{"Lovelace", "/people/" + id}})
	next := hrefOf(t, a.body, "next")
	a = s.play(t, scenario{name: "the next page", path: next, by: by, status: 200,
		has: []string{"Viewed a person", "Failed to sign in", "Nobody", "/people/" + id, "Newest"}})
	if strings.Contains(a.body, `rel="next"`) {
		t.Error("there is a page behind the last")
	}
	rows := func(query string) int {
		t.Helper()
		a := s.play(t, scenario{path: "/staff/audit?" + query, by: by, status: 200})
		return strings.Count(a.body, `scope="row"`)
	}
	for query, want := range map[string]int{
		"action=person.view":                        1,
		"subject=" + id:                             1,
		"subject=+" + strings.ToUpper(id) + "+":     1,
		"subject=" + dossier.NewPersonID().String(): 0,
		"actor=nobody":                              1,
		"result=refused":                            1,
		"result=refused&actor=shared":               0,
		"from=2026-11-24&to=2026-11-24":             2,
		"to=2026-11-23":                             0,
		"from=2026-11-26":                           0,
	} {
		if got := rows(query); got != want {
			t.Errorf("%s: %d rows, want %d", query, got, want)
		}
	}
	for _, query := range []string{"action=x", "result=x", "subject=Ada", "actor=Ada", "from=yesterday",
		"to=2026-13-01",
		"from=0001-01-01", "after=x", "after=1.2.3"} {
		s.play(t, scenario{name: query, path: "/staff/audit?" + query, by: by, status: 400})
		s.play(t, scenario{name: "csv " + query, path: "/staff/audit.csv?" + query, by: by, status: 400})
	}
}

// hrefOf returns where the link of a relation leads.
func hrefOf(t *testing.T, body, rel string) string {
	t.Helper()
	before, _, ok := strings.Cut(body, `" rel="`+rel+`"`)
	if !ok {
		t.Fatalf("there is no link %q:\n%s", rel, body)
	}
	return strings.ReplaceAll(before[strings.LastIndex(before, `href="`)+len(`href="`):], "&amp;", "&")
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	for range entriesPerRead + 7 {
		e := audit.Entry{Actor: audit.Actor{ID: audit.Shared, Name: "=cmd|x"}, Action: audit.PersonView,
			Result: audit.Allowed}
		if err := s.server.o.Trail.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	a := s.play(t, scenario{path: "/staff/audit.csv?action=person.view", by: by, status: 200,
		want: map[string]string{"Content-Type": "text/csv; charset=utf-8; header=present"}})
	records, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(records) != entriesPerRead+7+1 || !slices.Equal(records[0], audit.Columns) {
		t.Fatalf("the file has %d rows, error %v", len(records), err)
	}
	if name := records[1][slices.Index(audit.Columns, "actor_name")]; name != "'=cmd|x" {
		t.Errorf("a name that is a formula is written as %q", name)
	}
	want := []string{"shared audit.export begun", fmt.Sprintf("shared audit.export done %d", entriesPerRead+7)}
	if got := s.recordedBy(t, a); !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
	if a := s.play(t, scenario{method: http.MethodHead, path: "/staff/audit.csv", by: by, status: 200}); a.body != "" {
		t.Errorf("HEAD is answered with %q", a.body)
	}
}

func TestHistoryOfAPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	other, _ := s.submit(t, "Babbage")
	path := "/people/" + receipt.Person.String()
	s.play(t, scenario{path: path + "/files/" + files[0].ID.String(), by: by, status: 200})
	s.play(t, scenario{path: path, by: by, status: 200, has: []string{"History", "Downloaded a file", "Shared key",
		"/staff/audit?subject=" + receipt.Person.String()}, hasNot: []string{"127.0.0.1"}})
	s.play(t, scenario{path: "/people/" + other.Person.String(), by: by, status: 200,
		hasNot: []string{"Downloaded a file"}})
}

// A hundred at once: each waits for its own entry, and the chain is whole.
func TestAHundredViewsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada")
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			a := s.ask(t, scenario{path: "/people/" + receipt.Person.String(), by: by})
			if a.status != 200 {
				t.Errorf("a view among many: status %d", a.status)
			}
		})
	}
	wg.Wait()
	if got := s.entries(t, audit.Query{Action: audit.PersonView}); len(got) != 100 {
		t.Errorf("the trail has %d views, want 100", len(got))
	}
	if r, err := audit.Verify(t.Context(), s.stores.People.(audit.Store), nil); err != nil || r.Wrong != 0 {
		t.Errorf("the trail is damaged: %+v, %v", r, err)
	}
}

// colleague is a member of the staff with an account.
type colleague struct {
	*member
	account staff.Account
}

// signInWith makes an active account and signs in with it.
func (s *site) signInWith(t *testing.T, name string, role staff.Role) colleague {
	t.Helper()
	id, err := staff.NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	at := s.clock.now()
	account := staff.Account{ID: id, Name: name, Address: strings.ToLower(name) + "@site.example", Role: role,
		State: staff.Active, CreatedAt: at, ChangedAt: at, SignedInAt: at}
	store := s.stores.People.(staff.Store)
	if err := store.AddAccount(t.Context(), staff.Record{Account: account, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
	cookie, one, err := s.server.sessions.begin(r, id, "192.0.2.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	return colleague{&member{cookie: cookie, token: s.server.sessions.token(one)}, account}
}

// What a role is not enough for is refused, and that is recorded, too; by whom, and with the name as it was then.
func TestAccountsAreRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin, key := s.signInWith(t, "Grace", staff.Administrator), s.signInWith(t, "Vera", staff.Viewer)
	viewer := key.account.ID.String()
	receipt, _ := s.submit(t, "Ada")
	person := "/people/" + receipt.Person.String()
	for _, c := range []struct {
		scenario
		want []string
	}{
		{scenario{path: person + "/delete", by: key.member, form: url.Values{"csrf": {key.token}}, status: 403},
			[]string{viewer + " person.delete refused person " + receipt.Person.String()}},
		{scenario{path: "/staff/audit", by: key.member, status: 403}, []string{viewer + " audit.view refused"}},
		{scenario{path: api.Prefix + "/files/" + receipt.Person.String() + "?person=" + receipt.Person.String(),
			method: http.MethodDelete,
			by:     key.member, status: 403}, []string{viewer + " file.delete refused person " +
			receipt.Person.String() +
			" file " + receipt.Person.String()}},
		{scenario{path: "/staff/accounts/" + viewer + "/role", by: admin.member, form: url.Values{"csrf": {admin.token},
			"role": {"editor"}}, status: 303}, []string{
			admin.account.ID.String() + " account.role begun account " + viewer,
			admin.account.ID.String() + " account.role done account " + viewer + ": editor"}},
		{scenario{path: "/staff/accounts/" + viewer + "/suspend", by: admin.member,
			form:   url.Values{"csrf": {admin.token}},
			status: 303}, []string{admin.account.ID.String() + " account.suspend begun account " + viewer,
			admin.account.ID.String() + " account.suspend done account " + viewer}},
	} {
		a := s.play(t, c.scenario)
		if got := s.recordedBy(t, a); !slices.Equal(got, c.want) {
			t.Errorf("%s: the trail has\n%s\nwant\n%s", c.path, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	if there, _ := s.exists(t, receipt.Person); !there {
		t.Error("a viewer deleted somebody")
	}
	for _, e := range s.entries(t, audit.Query{Actor: viewer}) {
		if e.Actor.Name != "Vera" {
			t.Errorf("the name is %q", e.Actor.Name)
		}
	}
	// Long after the sign-in, proof is asked for first: nothing was done.
	s.clock.advance(proofAge + time.Minute)
	a := s.play(t, scenario{path: "/staff/accounts/" + viewer + "/resume", by: admin.member,
		form: url.Values{"csrf": {admin.token}}, status: 303})
	want := []string{admin.account.ID.String() + " account.resume begun account " + viewer,
		admin.account.ID.String() + " account.resume refused account " + viewer}
	if got := s.recordedBy(t, a); !slices.Equal(got, want) {
		t.Errorf("without proof: the trail has %q, want %q", got, want)
	}
}
