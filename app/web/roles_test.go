package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// addAccount adds an account to a site, with nothing to sign in with.
func (s *site) addAccount(t *testing.T, role staff.Role, change ...func(*staff.Record)) staff.Record {
	t.Helper()
	id, err := staff.NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	r := staff.Record{Account: staff.Account{ID: id, Name: "The " + string(role),
		Address: id.String() + "@site.example",
		Role:    role, State: staff.Active, CreatedAt: s.clock.now(), ChangedAt: s.clock.now()}, Revision: 1}
	for _, c := range change {
		c(&r)
	}
	if err := s.stores.People.(staff.Store).AddAccount(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// as begins a session of an account, or with zero one of the shared key.
func (s *site) as(t *testing.T, id staff.AccountID) *member {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
	cookie, session, err := s.server.sessions.begin(r, id, "192.0.2.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	return &member{cookie: cookie, token: s.server.sessions.token(session)}
}

// decisions are what each route of staff needs, decided here and not read from the routes: one that is not here fails.
var decisions = map[string]staff.Role{
	"POST /staff/sign-out": staff.Viewer,

	"GET /people":                                 staff.Viewer,
	"GET /people.csv":                             staff.Viewer, // everybody's needs more: see TestSelectedByRole
	"GET /people/selected":                        staff.Viewer,
	"GET /people/jobs/:id":                        staff.Viewer,
	"POST /people/jobs/:id/stop":                  staff.Editor,
	"GET /trash/empty":                            staff.Administrator,
	"POST /trash/empty":                           staff.Administrator,
	"POST /people/selected":                       staff.Viewer, // what it does may need more, and says so itself
	"GET /people/:id":                             staff.Viewer,
	"GET /people/:id/delete":                      staff.Editor,
	"POST /people/:id/delete":                     staff.Editor,
	"GET /people/:id/link":                        staff.Editor,
	"POST /people/:id/expire":                     staff.Editor,
	"GET /people/:id/files.zip":                   staff.Viewer,
	"GET /people/:id/export.zip":                  staff.Viewer,
	"GET /people/:id/files/:file":                 staff.Viewer,
	"GET /people/:id/files/:file/picture":         staff.Viewer,
	"GET /people/:id/files/:file/delete":          staff.Editor,
	"POST /people/:id/files/:file/delete":         staff.Editor,
	"GET /staff/administration":                   staff.Administrator,
	"GET /staff/storage":                          staff.Administrator,
	"GET /staff/sessions":                         staff.Viewer,
	"POST /staff/sessions/end-others":             staff.Viewer,
	"POST /staff/sessions/:id/end":                staff.Viewer,
	"GET /trash":                                  staff.Editor,
	"POST /trash/people/:id/put-back":             staff.Editor,
	"GET /trash/people/:id/erase":                 staff.Administrator,
	"POST /trash/people/:id/erase":                staff.Administrator,
	"POST /trash/people/:id/files/:file/put-back": staff.Editor,
	"GET /trash/people/:id/files/:file/erase":     staff.Administrator,
	"POST /trash/people/:id/files/:file/erase":    staff.Administrator,
	"POST /trash/moves/:at/put-back":              staff.Editor,
	"GET /staff/audit":                            staff.Administrator,
	"GET /staff/audit.csv":                        staff.Administrator,
	"GET /staff/tokens":                           staff.Viewer,
	"POST /staff/tokens":                          staff.Viewer,
	"POST /staff/tokens/:id/revoke":               staff.Viewer,
	"GET /staff/proof":                            staff.Viewer,
	"POST /staff/proof":                           staff.Viewer,
	"GET /staff/account":                          staff.Viewer,
	"POST /staff/account/name":                    staff.Viewer,
	"POST /staff/account/password":                staff.Viewer,
	"GET /staff/account/codes":                    staff.Viewer,
	"POST /staff/account/codes":                   staff.Viewer,
	"GET /staff/first":                            staff.Administrator,
	"POST /staff/first":                           staff.Administrator,
	"GET /staff/accounts":                         staff.Administrator,
	"POST /staff/accounts":                        staff.Administrator,
	"GET /staff/accounts/:id":                     staff.Administrator,
	"POST /staff/accounts/:id/role":               staff.Administrator,
	"POST /staff/accounts/:id/suspend":            staff.Administrator,
	"POST /staff/accounts/:id/resume":             staff.Administrator,
	"POST /staff/accounts/:id/link":               staff.Administrator,
	"GET /staff/accounts/:id/remove":              staff.Administrator,
	"POST /staff/accounts/:id/remove":             staff.Administrator,
}

// Every route with nobody, with each role, with accounts that may nothing, and with the shared key before and after
// there is an administrator; forms with their token, with another session's, and with none. Hundreds of rows.
func TestRoutesByRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	old := newSite(t) // without an administrator
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	routes := s.server.staffRoutes()
	seen := map[string]bool{}
	for _, r := range routes {
		name := r.method + " " + r.path
		seen[name] = true
		if need, decided := decisions[name]; !decided || need != r.needs {
			t.Errorf("%s needs %q; the decision is %q: enter what it is to need in this test, too", name, r.needs, need)
		}
	}
	for name := range decisions {
		if !seen[name] {
			t.Errorf("%s is no route", name)
		}
	}
	admin := s.addAccount(t, staff.Administrator)
	suspended := s.addAccount(t, staff.Administrator, func(r *staff.Record) { r.State = staff.Suspended })
	invited := s.addAccount(t, staff.Administrator, func(r *staff.Record) { r.State = staff.Invited })
	removed, err := staff.NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	viewer, editor := s.addAccount(t, staff.Viewer), s.addAccount(t, staff.Editor)
	by := func(id staff.AccountID) func(*testing.T) *member {
		return func(t *testing.T) *member { return s.as(t, id) }
	}
	actors := []struct {
		name string
		site *site
		role staff.Role // empty: nobody is signed in
		by   func(*testing.T) *member
	}{
		{"nobody", s, "", func(*testing.T) *member { return nil }},
		{"suspended", s, "", by(suspended.ID)},
		{"invited", s, "", by(invited.ID)},
		{"removed", s, "", by(removed)},
		{"shared key beside an administrator", s, "", by(staff.AccountID{})},
		{"viewer", s, staff.Viewer, by(viewer.ID)},
		{"editor", s, staff.Editor, by(editor.ID)},
		{"administrator", s, staff.Administrator, by(admin.ID)},
		{"shared key", old, staff.Administrator, func(t *testing.T) *member { return old.as(t, staff.AccountID{}) }},
	}
	// What there is not: a row that is let through changes nothing.
	fill := strings.NewReplacer("/people/:id", "/people/"+dossier.NewPersonID().String(), ":file",
		dossier.NewFileID().String(), "/trash/people/:id", "/trash/people/"+dossier.NewPersonID().String(), ":at", "1",
		"/people.csv",
		"/people.csv?q=ada", ":id", uuid.Must(uuid.NewV7()).String())
	rows := 0
	for _, actor := range actors {
		foreign := actor.site.as(t, admin.ID).token
		for _, r := range routes {
			forms := []string{""}
			if r.method == http.MethodPost {
				forms = []string{"own token", "another's token", "no token"}
			}
			for _, kind := range forms {
				rows++
				who := actor.by(t)
				c := scenario{method: r.method, path: fill.Replace(r.path), by: who}
				if r.method == http.MethodPost {
					c.form = url.Values{"x": {"y"}}
					switch {
					case kind == "another's token":
						c.form.Set("csrf", foreign)
					case kind == "own token" && who != nil:
						c.form.Set("csrf", who.token)
					}
				}
				a := actor.site.ask(t, c)
				name := fmt.Sprintf("%s: %s %s %s", actor.name, r.method, r.path, kind)
				to, _ := url.Parse(a.header.Get("Location"))
				signIn := a.status == http.StatusSeeOther && to.Path == "/staff/sign-in" && to.Query().Has("next")
				refused := a.status == http.StatusForbidden && strings.Contains(a.body, "Your role, ")
				forged := a.status == http.StatusForbidden && strings.Contains(a.body,
					"did not come from a page of this site")
				switch {
				case actor.role == "":
					if !signIn {
						t.Errorf("%s: status %d to %v, want the sign-in", name, a.status, to)
					}
				case !actor.role.May(decisions[r.method+" "+r.path]):
					if !refused {
						t.Errorf("%s: status %d, want it refused for the role", name, a.status)
					}
				case kind == "another's token" || kind == "no token":
					if !forged {
						t.Errorf("%s: status %d, want it refused for the token", name, a.status)
					}
				default:
					if signIn || refused || forged || a.status >= 500 {
						t.Errorf("%s: status %d to %v, want it let through", name, a.status, to)
					}
				}
			}
		}
	}
	if rows < 500 {
		t.Errorf("only %d rows", rows)
	}
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 1 || len(files) != 1 {
		t.Error("a row deleted something")
	}
	if all, err := s.server.accounts.List(t.Context()); err != nil || len(all) != 5 {
		t.Errorf("the accounts afterwards are %v, %v", all, err)
	}
}

// A role that is taken away in the middle of a session holds at the next request, and so does a suspension.
func TestRoleTakenAwayInMidSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addAccount(t, staff.Administrator)
	receipt, _ := s.submit(t, "Ada")
	page := "/people/" + receipt.Person.String() + "/delete"
	store := s.stores.People.(staff.Store)
	from := s.addAccount(t, staff.Editor)
	by := s.as(t, from.ID)
	s.play(t, scenario{path: page, by: by, status: 200})
	to := from
	to.Role = staff.Viewer
	// As another instance does it that leaves the session.
	if err := store.SetAccount(t.Context(), from, to, false); err != nil {
		t.Fatal(err)
	}
	s.play(t, scenario{path: page, by: by, status: 403, has: []string{"Your role, viewer", "needs the role editor"}})
	s.play(t, scenario{path: "/people", by: by, status: 200})
	to.Revision = 2
	gone := to
	gone.State = staff.Suspended
	if err := store.SetAccount(t.Context(), to, gone, false); err != nil {
		t.Fatal(err)
	}
	s.play(t, scenario{path: "/people", by: by, status: 303})
}

// A viewer sees and ends their own sessions, and nobody else's; an administrator everybody's.
func TestSessionsOfOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin, viewer := s.addAccount(t, staff.Administrator), s.addAccount(t, staff.Viewer)
	a, v1, v2 := s.as(t, admin.ID), s.as(t, viewer.ID), s.as(t, viewer.ID)
	all := s.play(t, scenario{path: "/staff/sessions", by: a, status: 200, has: []string{"The viewer",
		"The administrator"}})
	paths := ends(all.body)
	if len(paths) != 3 {
		t.Fatalf("the administrator sees %q", paths)
	}
	own := ends(s.play(t, scenario{path: "/staff/sessions", by: v1, status: 200,
		hasNot: []string{"The administrator"}}).body)
	if len(own) != 2 {
		t.Fatalf("the viewer sees %q", own)
	}
	for _, path := range paths {
		if !slices.Contains(own, path) {
			s.play(t, scenario{name: "another's", path: path, by: v1, form: url.Values{"csrf": {v1.token}},
				status: 303})
		}
	}
	s.play(t, scenario{path: "/staff/sessions/end-others", by: v1, form: url.Values{"csrf": {v1.token}}, status: 303})
	s.play(t, scenario{name: "the administrator stays", path: "/people", by: a, status: 200})
	s.play(t, scenario{name: "the viewer's other is over", path: "/people", by: v2, status: 303})
	s.play(t, scenario{name: "the viewer's stays", path: "/people", by: v1, status: 200})
	for _, path := range ends(s.play(t, scenario{path: accountPath(viewer.ID), by: a, status: 200}).body) {
		s.play(t, scenario{path: path, by: a, form: url.Values{"csrf": {a.token}}, status: 303})
	}
	s.play(t, scenario{name: "ended by the administrator", path: "/people", by: v1, status: 303})
}

// No page offers what its reader's role may not do.
func TestLinksByRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"}, upload{"b.png", onePixelPNG})
	person := "/people/" + receipt.Person.String()
	admin := s.addAccount(t, staff.Administrator)
	type pattern struct {
		method string
		path   *regexp.Regexp
		needs  staff.Role
	}
	var patterns []pattern
	for _, r := range s.server.staffRoutes() {
		path := regexp.MustCompile(`:[a-z]+`).ReplaceAllString(regexp.QuoteMeta(r.path), `[^/]+`)
		patterns = append(patterns, pattern{r.method, regexp.MustCompile("^" + path + "$"), r.needs})
	}
	pages := []string{"/people", person, person + "?view=cards", "/staff/sessions", "/staff/account", "/staff/proof",
		"/staff/accounts", accountPath(admin.ID), "/staff/administration", "/staff/storage", person + "/link",
		person + "/delete", person + "/files/" + files[0].ID.String() + "/delete"}
	for _, role := range staff.Roles {
		by := s.as(t, s.addAccount(t, role).ID)
		found := 0
		for _, page := range pages {
			a := s.ask(t, scenario{path: page, by: by})
			if a.status != http.StatusOK {
				continue
			}
			check := func(method, address string) {
				u, err := url.Parse(address)
				if err != nil || u.Host != "" || u.Path == "" {
					return
				}
				if u.Path == "/people.csv" && u.RawQuery == "" && role != staff.Administrator {
					t.Errorf("the page %s offers everybody's list to a %s, who may not", page, role)
				}
				for _, p := range patterns {
					if p.method == method && p.path.MatchString(u.Path) {
						found++
						if !role.May(p.needs) {
							t.Errorf("the page %s offers %s %s to a %s, who may not", page, method, u.Path, role)
						}
					}
				}
			}
			d := parseDocument(t, a.body)
			for n := range d.all("a") {
				check(http.MethodGet, attrOf(n, "href"))
			}
			for n := range d.all("form") {
				check(strings.ToUpper(attrOf(n, "method")), attrOf(n, "action"))
			}
			for n := range d.all("button") {
				check(http.MethodPost, attrOf(n, "formaction"))
			}
		}
		if found < 10 {
			t.Errorf("only %d links and forms were found for a %s", found, role)
		}
	}
}

// What changes accounts asks for proof once the sign-in is long ago, and leads back.
func TestProofAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.joined(t, staff.Administrator)
	other := s.addAccount(t, staff.Viewer)
	by := s.as(t, m.ID)
	page := accountPath(other.ID)
	role := scenario{path: page + "/role", by: by, form: url.Values{"csrf": {by.token}, "role": {"editor"}},
		status: 303}
	s.clock.advance(proofAge)
	role.want = map[string]string{"Location": "/staff/proof?next=" + url.QueryEscape(page)}
	s.play(t, role)
	if a, err := s.server.accounts.Account(t.Context(), other.ID); err != nil || a.Role != staff.Viewer {
		t.Errorf("without proof, the account is %+v, %v", a, err)
	}
	receipt, _ := s.submit(t, "Ada", upload{"a.txt", "one"})
	for path, back := range map[string]string{
		"/people.csv":                              "/people",
		"/people.csv?name=Ada":                     "/people?name=Ada",
		personPath(receipt.Person) + "/export.zip": personPath(receipt.Person) + "/export.zip",
	} {
		s.play(t, scenario{path: path, by: by, status: 303, hasNot: []string{"one"},
			want: map[string]string{"Location": "/staff/proof?next=" + url.QueryEscape(back)}})
	}
	s.play(t, scenario{path: personPath(receipt.Person) + "/files.zip", by: by, status: 200})
	s.play(t, scenario{name: "suspending needs none", path: page + "/suspend", by: by,
		form: url.Values{"csrf": {by.token}}, status: 303, want: map[string]string{"Location": page}})
	a := s.play(t, scenario{path: "/staff/proof?next=" + url.QueryEscape(page), by: by, status: 200,
		has: []string{"Confirm that it is you"}})
	if next := fieldValue(t, a.body, "next"); next != page {
		t.Errorf("the proof leads to %q", next)
	}
	form := url.Values{"csrf": {by.token}, "next": {page}, "password": {"wrong"}, "code": {m.code(s)}}
	s.play(t, scenario{path: "/staff/proof", by: by, form: form, status: 401, has: []string{"Not confirmed"},
		want: map[string]string{"Set-Cookie": ""}})
	form.Set("password", goodPassword)
	a = s.play(t, scenario{path: "/staff/proof", by: by, form: form, status: 303,
		want: map[string]string{"Location": page}})
	renewed, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || renewed.Value == by.cookie.Value {
		t.Fatalf("the proof did not renew the session: %q, %v", a.header.Get("Set-Cookie"), err)
	}
	s.play(t, scenario{name: "the session before is over", path: "/people", by: by, status: 303})
	by = &member{cookie: renewed}
	by.token = fieldValue(t, s.play(t, scenario{path: page, by: by, status: 200}).body, "csrf")
	role.by, role.form, role.want = by, url.Values{"csrf": {by.token}, "role": {"editor"}},
		map[string]string{"Location": page}
	s.play(t, role)

	t.Run("with the shared key", func(t *testing.T) {
		s := newSite(t)
		by := s.as(t, staff.AccountID{})
		s.clock.advance(proofAge)
		s.play(t, scenario{path: "/staff/accounts", by: by, form: url.Values{"csrf": {by.token}}, status: 303,
			want: map[string]string{"Location": "/staff/proof?next=" + url.QueryEscape("/staff/accounts")}})
		s.play(t, scenario{path: "/staff/proof", by: by, form: url.Values{"csrf": {by.token}, "key": {"wrong"}},
			status: 401})
		s.play(t, scenario{path: "/staff/proof", by: by, form: url.Values{"csrf": {by.token}, "key": {siteSecret},
			"next": {"/staff/accounts"}}, status: 303, want: map[string]string{"Location": "/staff/accounts"}})
	})
}

// The one rule: whatever exports people, or the trail, and whatever erases, asks for proof if the sign-in was long ago.
// It is asked of every route by what the audit trail calls it, and by what the route answers.
func TestExportsAndErasuresAskForProof(t *testing.T) {
	must := func(action audit.Action) bool {
		name := string(action)
		return strings.HasSuffix(name, ".export") || strings.HasSuffix(name, ".erase") || action == audit.TrashEmpty
	}
	s := newSite(t, withTrash)
	routes := s.server.staffRoutes()
	for _, o := range s.server.staffOperations() {
		routes = append(routes, o.staffRoute)
	}
	asked := 0
	for _, r := range routes {
		erases := r.action == audit.PersonDelete || r.action == audit.FileDelete
		switch {
		case must(r.action) && r.proof != proof,
			r.action == audit.PeopleSelect && r.method == http.MethodPost && r.proof != proofByForm,
			// A token's deletion always goes to the trash.
			erases && r.method == http.MethodPost && r.proof != proofToErase:
			t.Errorf("%s %s (%s) does not ask for proof", r.method, r.path, r.action)
		case r.proof != noProof:
			asked++
		}
	}
	for _, a := range bulkActions() {
		if must(a.action) && a.proof != proof || a.Danger && a.proof != proofToErase {
			t.Errorf("with selected people, %s does not ask for proof", a.Name)
		}
	}
	if asked < 15 {
		t.Errorf("only %d routes ask for proof", asked)
	}

	for name, s := range map[string]*site{"with a trash": s, "without one": newSite(t)} {
		t.Run(name, func(t *testing.T) {
			receipt, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
			other, _ := s.submit(t, "Bob")
			if _, err := s.svc.TrashPerson(t.Context(), other.Person, "x"); err != nil {
				t.Fatal(err)
			}
			by := s.as(t, s.addAccount(t, staff.Administrator).ID)
			form, _ := bulkForm(t, s.play(t, scenario{path: "/people", by: by, status: 200}))
			s.clock.advance(proofAge)
			fill := strings.NewReplacer("/trash/people/:id", "/trash/people/"+other.Person.String(), "/people/:id",
				"/people/"+receipt.Person.String(), ":file", files[0].ID.String(), ":at", "1")
			refused := func(what string, a answer, action audit.Action) {
				t.Helper()
				if !strings.HasPrefix(a.header.Get("Location"), "/staff/proof?") {
					t.Errorf("%s: status %d to %q, want the page that asks for proof", what, a.status,
						a.header.Get("Location"))
				}
				got := s.recordedBy(t, a)
				if len(got) == 0 || !strings.Contains(got[len(got)-1], string(action)+" refused") {
					t.Errorf("%s: the trail has %q", what, got)
				}
			}
			for _, r := range s.server.staffRoutes() {
				c := scenario{method: r.method, path: fill.Replace(r.path), by: by}
				if r.method == http.MethodPost {
					c.form = more(url.Values{"csrf": {by.token}}, "name", "Ada", "number", "1", "asked",
						form.Get("asked"))
				}
				if s.server.asks(r.proof) {
					refused(r.method+" "+r.path, s.ask(t, c), r.action)
				}
				// What is downloaded is an export, but for the files of one person.
				if r.method == http.MethodGet && !strings.HasPrefix(r.path, "/people/:id/files") {
					if got := s.ask(t, c).header.Get("Content-Disposition"); got != "" {
						t.Errorf("%s is downloaded (%s) without proof", r.path, got)
					}
				}
			}
			for _, all := range []url.Values{more(form, "all", "yes"), more(form, "person", receipt.Person.String())} {
				for _, do := range bulkActions() {
					if s.server.asks(do.proof) {
						a := s.ask(t, scenario{path: "/people/selected", by: by,
							form: more(all, "do", do.Name, "confirmed", "1", "number", "1")})
						refused(do.Name, a, do.action)
					}
				}
			}
			// A session reads the API as well.
			for _, o := range s.server.staffOperations() {
				if o.proof != proof {
					continue
				}
				a := s.ask(t, scenario{path: api.Prefix + o.path, by: by, header: map[string]string{
					"Sec-Fetch-Site": "same-origin"}})
				if a.status != http.StatusForbidden || !strings.Contains(a.body, "/staff/proof") {
					t.Errorf("%s by a session: status %d\n%s", o.path, a.status, a.body)
				}
			}
			if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 1 {
				t.Error("something was deleted without proof")
			}
			if _, err := s.svc.TrashedPerson(t.Context(), other.Person); err != nil {
				t.Errorf("somebody was erased without proof: %v", err)
			}
			fresh := s.as(t, s.addAccount(t, staff.Administrator).ID)
			s.play(t, scenario{path: "/people.csv", by: fresh, status: 200, has: []string{"Ada"}})
			s.play(t, scenario{path: api.Prefix + "/staff/people.csv", by: fresh, status: 200, has: []string{"Ada"},
				header: map[string]string{"Sec-Fetch-Site": "same-origin"}})
		})
	}
}
