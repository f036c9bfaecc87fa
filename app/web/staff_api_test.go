package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// allowed is what each operation of the API for staff needs, told a second time.
var allowed = []struct {
	method, path string
	scope        staff.Scope
	role         staff.Role
	status       int
}{
	{"GET", "/staff/people", "read", "viewer", 200},
	{"GET", "/staff/people.csv", "export", "administrator", 200},
	{"GET", "/staff/people.jsonl", "export", "administrator", 200},
	{"GET", "/staff/people/:id", "read", "viewer", 200},
	{"DELETE", "/staff/people/:id", "trash", "editor", 204},
	{"GET", "/staff/people/:id/files.zip", "download", "viewer", 200},
	{"GET", "/staff/people/:id/files/:file", "read", "viewer", 200},
	{"DELETE", "/staff/people/:id/files/:file", "trash", "editor", 204},
	{"GET", "/staff/people/:id/files/:file/content", "download", "viewer", 200},
}

// The table, the document and the list above say the same.
func TestStaffOperationsAreTheDocuments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ops := s.server.staffOperations()
	if len(ops) != len(allowed) {
		t.Fatalf("%d operations, want %d", len(ops), len(allowed))
	}
	for i, o := range ops {
		want := allowed[i]
		if o.method != want.method || o.path != want.path || o.scope != want.scope || o.needs != want.role {
			t.Errorf("operation %d is %s %s, which needs %s and %s; want %+v", i, o.method, o.path, o.scope, o.needs,
				want)
		}
		path := strings.NewReplacer(":id", "{id}", ":file", "{file}").Replace(o.path)
		op, ok := s.server.document.parts.operationAt(o.method, path)
		if !ok || op.Scope != string(want.scope) || op.Role != string(want.role) {
			t.Errorf("%s %s: the document says the scope %q and the role %q", o.method, o.path, op.Scope, op.Role)
			continue
		}
		var schemes []string
		for _, one := range *op.Security {
			for name := range one {
				schemes = append(schemes, name)
			}
		}
		may := []string{"token", "session"}
		if o.method == "DELETE" {
			may = may[:1]
		}
		if !slices.Equal(schemes, may) {
			t.Errorf("%s %s: the document lets in %q, want %q", o.method, o.path, schemes, may)
		}
	}
}

// targets is what the paths of a test name; a deletion gets its own.
type targets struct {
	s    *site
	file dossier.File
}

func (x *targets) path(t *testing.T, method, path string) (string, dossier.File) {
	t.Helper()
	f := x.file
	if method == "DELETE" || f.ID == (dossier.FileID{}) {
		_, files := x.s.submit(t, "Ada", upload{"a.txt", "secret content"})
		if f = files[0]; method != "DELETE" {
			x.file = f
		}
	}
	return api.Prefix + strings.NewReplacer(":id", f.Person.String(), ":file", f.ID.String()).Replace(path), f
}

// isThere reports whether staff find a file and its person, outside of the trash.
func (s *site) isThere(t *testing.T, f dossier.File) bool {
	t.Helper()
	_, err := s.svc.Person(t.Context(), f.Person)
	if err == nil {
		_, err = s.svc.File(t.Context(), f.Person, f.ID)
	}
	if err != nil && !errors.Is(err, dossier.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// refusedAs checks a refusal: the problem, and what RFC 6750 has said of it.
func refusedAs(t *testing.T, a answer, code dossier.Code, challenge string) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Code != string(code) || p.Status != a.status ||
		p.Detail == "" || a.header.Get("Content-Type") != problemType {
		t.Errorf("the problem is %s, %v, want code %q", a.body, err, code)
	}
	if got := a.header.Get("WWW-Authenticate"); got != challenge {
		t.Errorf("WWW-Authenticate is %q, want %q", got, challenge)
	}
	if a.header.Get("Set-Cookie") != "" {
		t.Error("a program got a cookie")
	}
}

// Each operation, with each scope, for each role, by the role that the owner has now: all were administrators when
// their tokens were made.
func TestStaffAPIByScopeAndRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	x := &targets{s: s}
	sets := map[string][]staff.Scope{"all": staff.Scopes}
	for _, scope := range staff.Scopes {
		sets[string(scope)] = []staff.Scope{scope}
		sets["all but "+string(scope)] = slices.DeleteFunc(slices.Clone(staff.Scopes),
			func(o staff.Scope) bool { return o == scope })
	}
	s.account(t, "Stays", staff.Administrator)
	rows := 0
	for _, role := range staff.Roles {
		owner := s.account(t, "Owner", staff.Administrator)
		tokens := map[string]string{}
		for name, scopes := range sets {
			tokens[name], _ = s.tokenOf(t, owner, 1, scopes...)
		}
		owner.Role = role
		s.set(t, owner)
		for name, scopes := range sets {
			for _, o := range allowed {
				methods := []string{o.method}
				if o.method == "GET" {
					methods = append(methods, "HEAD")
				}
				for _, method := range methods {
					rows++
					path, f := x.path(t, method, o.path)
					c := scenario{method: method, path: path, header: bearerOf(tokens[name]), status: o.status}
					inScope, inRole := slices.Contains(scopes, o.scope), role.May(o.role)
					if !inScope || !inRole {
						c.status, c.hasNot = 403, []string{"Ada", "secret content"}
					}
					t.Run(fmt.Sprintf("%s %s, %s, %s", method, o.path, name, role), func(t *testing.T) {
						a := s.play(t, c)
						switch {
						case method == "HEAD":
							if a.body != "" {
								t.Errorf("HEAD is answered with %q", a.body)
							}
						case !inScope:
							refusedAs(t, a, "insufficient_scope",
								`Bearer realm="dossier", error="insufficient_scope", scope="`+string(o.scope)+`"`)
						case !inRole:
							refusedAs(t, a, dossier.CodeForbidden, "")
						}
						if method == "DELETE" {
							if there := s.isThere(t, f); there != (c.status != 204) {
								t.Errorf("status %d, and it is there: %t", a.status, there)
							}
						}
					})
				}
			}
		}
	}
	if want := 3 * 9 * 16; rows != want {
		t.Errorf("%d rows, want %d", rows, want)
	}
}

// Each operation, with everything that is no token, or no more.
func TestStaffAPIWithoutAToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	x := &targets{s: s}
	other := newSite(t, func(o *Options) { o.StaffSecret = "another secret" })
	admin := func(name string) staff.Account { return s.account(t, name, staff.Administrator) }
	expired, _ := s.tokenOf(t, admin("Expired"), 1, staff.Scopes...)
	s.clock.advance(24 * time.Hour)
	right, _ := s.tokenOf(t, admin("Right"), 1, staff.Scopes...)
	revoked, one := s.tokenOf(t, admin("Revoked"), 1, staff.Scopes...)
	if _, err := s.server.tokens.Revoke(t.Context(), staff.Actor{Account: admin("Revoker")}, one.ID); err != nil {
		t.Fatal(err)
	}
	// plant adds a token to the table, as nothing of the program does.
	plant := func(one staff.Token) {
		t.Helper()
		if err := s.staffStore().AddToken(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	in := func(state staff.State, back bool) string {
		a := admin(string(state))
		token, one := s.tokenOf(t, a, 1, staff.Scopes...)
		a.State = state
		s.set(t, a)
		if back {
			plant(one)
		}
		return token
	}
	remove := func(back bool) string {
		a := admin("Gone")
		token, one := s.tokenOf(t, a, 1, staff.Scopes...)
		r, err := s.staffStore().Account(t.Context(), a.ID)
		if err == nil {
			err = s.staffStore().RemoveAccount(t.Context(), r)
		}
		if err != nil {
			t.Fatal(err)
		}
		if back {
			plant(one)
		}
		return token
	}
	// Suspended, and resumed: what ended does not come back.
	resumed := admin("Resumed")
	ended, _ := s.tokenOf(t, resumed, 1, staff.Scopes...)
	for _, state := range []staff.State{staff.Suspended, staff.Active} {
		resumed.State = state
		s.set(t, resumed)
	}
	// Whoever writes to the table, and not the secret, cannot make a token.
	foreign, planted := other.tokenOf(t, other.account(t, "Foreigner", staff.Administrator), 1, staff.Scopes...)
	planted.Account, planted.Hash = resumed.ID, sha256.Sum256([]byte(foreign))
	plant(planted)
	receipt, _ := s.submit(t, "Grace")

	const none, invalid = `Bearer realm="dossier"`, `Bearer realm="dossier", error="invalid_token"`
	for name, c := range map[string]struct {
		header    []string
		challenge string
		detail    string
	}{
		"nothing":                     {nil, none, "Send a personal token"},
		"empty":                       {[]string{""}, none, "must be one"},
		"another scheme":              {[]string{"Basic " + right}, none, "must be one"},
		"no scheme":                   {[]string{right}, none, "must be one"},
		"two headers":                 {[]string{"Bearer " + right, "Bearer " + right}, none, "must be one"},
		"malformed":                   {[]string{"Bearer x"}, invalid, "not a personal token"},
		"a receipt":                   {[]string{"Bearer " + receipt.String()}, invalid, "not a personal token"},
		"the staff secret":            {[]string{"Bearer " + siteSecret}, invalid, "not a personal token"},
		"mistyped":                    {[]string{"Bearer " + flip(right, 30)}, invalid, "mistyped"},
		"cut off":                     {[]string{"Bearer " + right[:len(right)-1]}, invalid, "mistyped"},
		"unknown":                     {[]string{"Bearer " + foreign}, invalid, "not known"},
		"expired":                     {[]string{"Bearer " + expired}, invalid, "has expired"},
		"revoked":                     {[]string{"Bearer " + revoked}, invalid, "not known"},
		"suspended owner":             {[]string{"Bearer " + in(staff.Suspended, false)}, invalid, "not known"},
		"suspended owner, token back": {[]string{"Bearer " + in(staff.Suspended, true)}, invalid, "not active"},
		"resumed owner":               {[]string{"Bearer " + ended}, invalid, "not known"},
		"invited owner":               {[]string{"Bearer " + in(staff.Invited, false)}, invalid, "not active"},
		"removed owner":               {[]string{"Bearer " + remove(false)}, invalid, "not known"},
		"removed owner, token back":   {[]string{"Bearer " + remove(true)}, invalid, "not known"},
	} {
		for _, o := range allowed {
			t.Run(name+" "+o.method+" "+o.path, func(t *testing.T) {
				path, f := x.path(t, o.method, o.path)
				r, err := http.NewRequestWithContext(t.Context(), o.method, s.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if c.header != nil {
					r.Header["Authorization"] = c.header
				}
				a := s.send(t, r)
				if a.status != 401 || !strings.Contains(a.body, c.detail) ||
					strings.Contains(a.body, "secret content") {
					t.Errorf("status %d, %s; want 401 and %q", a.status, a.body, c.detail)
				}
				refusedAs(t, a, codeUnauthorized, c.challenge)
				if !s.isThere(t, f) {
					t.Error("something was deleted")
				}
			})
		}
	}
	s.play(t, scenario{name: "the right one", path: api.Prefix + "/staff/people", header: bearerOf(right), status: 200})
	for _, token := range []string{right, expired, revoked, foreign} {
		if strings.Contains(s.log.String(), token) {
			t.Error("the log holds a token")
		}
	}
}

// send sends a request, and checks what holds for every answer.
func (s *site) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, string(b), err}
	checkSecurity(t, r.Method+" "+r.URL.Path, a)
	return a
}

// A token opens nothing but the API for staff, and counts in no place but its header.
func TestTokensAreForTheAPIAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Administrator), 1, staff.Scopes...)
	for _, route := range s.staffRoutes(files[0]) {
		c := scenario{method: route[0], path: route[1], header: bearerOf(token), status: 303,
			hasNot: []string{"Ada", "secret content"}}
		if route[0] == http.MethodPost {
			c.form = map[string][]string{"token": {token}}
		}
		s.play(t, c)
	}
	s.play(t, scenario{name: "as a receipt", path: api.Prefix + "/receipt", header: bearerOf(token), status: 401,
		has: []string{"personal token"}})
	for _, name := range []string{"access_token", "token", "authorization"} {
		s.play(t, scenario{name: name + " in the query", path: api.Prefix + "/staff/people?" + name + "=" + token,
			status: 401})
		s.play(t, scenario{name: name + " in the query and in the header",
			path: api.Prefix + "/staff/people?" + name + "=" + token, header: bearerOf(token), status: 400,
			has: []string{"no parameter"}})
	}
	for _, cookie := range []string{"dossier_session=", "dossier_pat="} {
		s.play(t, scenario{name: "as a cookie", path: api.Prefix + "/staff/people",
			header: map[string]string{"Cookie": cookie + token}, status: 401})
	}
	if strings.Contains(s.log.String(), token) {
		t.Error("the log holds the token")
	}
}

// A session reads on pages of this site, and changes nothing; pages of other sites get nothing by it.
func TestStaffAPIBySession(t *testing.T) {
	t.Parallel()
	const friend, stranger = "https://friend.example", "https://stranger.example"
	s := newSite(t, func(o *Options) { o.APIOrigins = []string{friend} })
	x := &targets{s: s}
	grace := s.account(t, "Grace", staff.Administrator)
	by := s.signInAs(t, grace)
	token, _ := s.tokenOf(t, grace, 1, staff.Scopes...)
	for _, o := range allowed {
		for name, c := range map[string]struct {
			header map[string]string
			status int
		}{
			"no headers":                          {nil, 200},
			"a page of this site":                 {map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
			"typed in":                            {map[string]string{"Sec-Fetch-Site": "none"}, 200},
			"a page of a sibling":                 {map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
			"a link on another site":              {map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
			"a stranger's page":                   {map[string]string{"Origin": stranger}, 403},
			"a friend's page":                     {map[string]string{"Origin": friend}, 401},
			"a wrong token goes before a session": {bearerOf("x"), 401},
		} {
			t.Run(o.method+" "+o.path+" "+name, func(t *testing.T) {
				path, f := x.path(t, o.method, o.path)
				q := scenario{method: o.method, path: path, by: by, header: c.header, status: c.status}
				if o.method == "DELETE" && c.status == 200 {
					q.status = 401
				}
				if q.status != 200 {
					q.hasNot = []string{"Ada", "secret content"}
				}
				s.play(t, q)
				if !s.isThere(t, f) {
					t.Error("a session deleted something")
				}
			})
		}
	}
	s.play(t, scenario{name: "a friend's page with a token", path: api.Prefix + "/staff/people",
		header: map[string]string{"Origin": friend, "Sec-Fetch-Site": "cross-site", "Authorization": "Bearer " + token},
		status: 200, want: map[string]string{"Access-Control-Allow-Origin": friend,
			"Access-Control-Allow-Credentials": ""}})
	s.clock.advance(s.server.sessions.all.Idle() + time.Second)
	s.play(t, scenario{name: "an old session", path: api.Prefix + "/staff/people", by: by, status: 401})
}

// Wrong tokens are limited for each client, and the right one from the same network is not.
func TestWrongTokensAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.SignInRate = Rate{PerMinute: 6, Burst: 3} })
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Viewer), 1, staff.ScopeRead)
	ask := func(token string, status int, wait string) {
		t.Helper()
		a := s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: status,
			want: map[string]string{"Retry-After": wait}})
		if status == 429 {
			refusedAs(t, a, codeLimited, "")
		}
	}
	for range 3 {
		ask(flip(token, 20), 401, "")
	}
	for range 5 {
		ask(flip(token, 20), 429, "10")
		ask(token, 200, "")
	}
	// The keys of the sign-in are counted apart.
	s.play(t, scenario{path: "/staff/sign-in", form: map[string][]string{"key": {"wrong"}}, status: 401})
	s.clock.advance(10 * time.Second)
	ask("x", 401, "")
}

// failingTokens is a store of tokens that is down as it is told.
type failingTokens struct {
	staff.Store
	reads, writes, accounts bool
}

func (f *failingTokens) fault(write bool) error {
	if write && f.writes || !write && f.reads {
		return dossier.Unavailable(context.Background(), "asking for a token", errors.New(innards))
	}
	return nil
}

func (f *failingTokens) Account(ctx context.Context, id staff.AccountID) (staff.Record, error) {
	if f.accounts {
		return staff.Record{}, dossier.Unavailable(ctx, "reading an account", errors.New(innards))
	}
	return f.Store.Account(ctx, id)
}

func (f *failingTokens) Token(ctx context.Context, hash [sha256.Size]byte) (staff.Token, error) {
	if err := f.fault(false); err != nil {
		return staff.Token{}, err
	}
	return f.Store.Token(ctx, hash)
}

func (f *failingTokens) UseToken(ctx context.Context, id staff.TokenID, at time.Time) error {
	if err := f.fault(true); err != nil {
		return err
	}
	return f.Store.UseToken(ctx, id, at)
}

// With a store down, nobody is let in, and nobody is told that their token is wrong.
func TestStaffAPIStoresDown(t *testing.T) {
	f := &failingTokens{}
	s := newSite(t, func(o *Options) { f.Store, o.Staff = o.Staff, f })
	x := &targets{s: s}
	token, one := s.tokenOf(t, s.account(t, "Grace", staff.Administrator), 2, staff.Scopes...)
	down := func(t *testing.T) {
		t.Helper()
		for _, o := range allowed {
			path, file := x.path(t, o.method, o.path)
			a := s.play(t, scenario{method: o.method, path: path, header: bearerOf(token), status: 503,
				hasNot: []string{"Ada", "secret content", innards}, want: map[string]string{"Retry-After": retryAfter}})
			refusedAs(t, a, dossier.CodeUnavailable, "")
			if !s.isThere(t, file) {
				t.Error("something was deleted")
			}
		}
	}
	t.Run("tokens", func(t *testing.T) {
		f.reads = true
		down(t)
		f.reads = false
	})
	t.Run("accounts", func(t *testing.T) {
		f.accounts = true
		down(t)
		f.accounts = false
	})
	t.Run("the last use cannot be noted", func(t *testing.T) {
		f.writes = true
		s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: 200})
		f.writes = false
	})
	if now, err := f.TokenByID(t.Context(), one.ID); err != nil || !now.UsedAt.IsZero() {
		t.Errorf("it was used at %s, %v", now.UsedAt, err)
	}
	_, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	person := api.Prefix + "/staff/people/" + files[0].Person.String()
	for call, paths := range map[string][]string{
		"people.Find": {api.Prefix + "/staff/people", api.Prefix + "/staff/people.csv",
			api.Prefix + "/staff/people.jsonl"},
		"people.Person": {person, person + "/files.zip"},
		"catalog.Files": {person, person + "/files.zip"},
		"catalog.File": {person + "/files/" + files[0].ID.String(),
			person + "/files/" + files[0].ID.String() + "/content",
			"DELETE " + person + "/files/" + files[0].ID.String()},
		"catalog.SetTrash": {"DELETE " + person + "/files/" + files[0].ID.String()},
		"people.Trash":     {"DELETE " + person},
		"objects.Open":     {person + "/files/" + files[0].ID.String() + "/content"},
	} {
		t.Run(call, func(t *testing.T) {
			s.faults.down(call)
			defer s.faults.set(call, nil)
			for _, path := range paths {
				method, path, _ := strings.Cut("GET "+path, " ")
				if rest, ok := strings.CutPrefix(path, "DELETE "); ok {
					method, path = "DELETE", rest
				}
				a := s.play(t, scenario{method: method, path: path, header: bearerOf(token), status: 503,
					hasNot: []string{innards}, want: map[string]string{"Retry-After": retryAfter}})
				refusedAs(t, a, dossier.CodeUnavailable, "")
			}
		})
	}
	s.play(t, scenario{name: "all is well", method: "DELETE", path: person, header: bearerOf(token), status: 204})
	s.play(t, scenario{name: "again", method: "DELETE", path: person, header: bearerOf(token), status: 404})
}

// The last use is noted about once a minute.
func TestLastUseIsNoted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token, one := s.tokenOf(t, s.account(t, "Grace", staff.Viewer), 1, staff.ScopeRead)
	use := func(want time.Time) {
		t.Helper()
		s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: 200})
		now, err := s.staffStore().TokenByID(t.Context(), one.ID)
		if err != nil || !now.UsedAt.Equal(want) {
			t.Errorf("it was used at %s, %v; want %s", now.UsedAt, err, want)
		}
	}
	first := s.clock.now()
	use(first)
	s.clock.advance(59 * time.Second)
	use(first)
	s.clock.advance(time.Second)
	use(first.Add(time.Minute))
}

// page reads a page of people.
func (s *site) peoplePage(t *testing.T, token, query string) api.People {
	t.Helper()
	a := s.play(t, scenario{path: api.Prefix + "/staff/people" + query, header: bearerOf(token), status: 200,
		want: map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}})
	var p api.People
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// 1,000 people are paged through while others are added and deleted: nobody who stays is left out or listed twice.
func TestStaffAPIPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Viewer), 1, staff.ScopeRead)
	names := numbered(1000)
	s.insert(t, names...)
	if p := s.peoplePage(t, token, "?limit=1"); p.Total == nil || *p.Total != 1000 || len(p.People) != 1 {
		t.Fatalf("the first page is %+v", p)
	}
	var seen []string
	var deleted []string
	for query, pages := "?limit=37", 0; ; pages++ {
		p := s.peoplePage(t, token, query)
		if pages > 0 && p.Total != nil {
			t.Errorf("page %d tells a total", pages)
		}
		for _, one := range p.People {
			seen = append(seen, one.Name)
		}
		if p.Next == nil {
			break
		}
		if pages%3 == 0 {
			// One who was seen, and is where the next page begins, and one who is not seen yet, go.
			s.insert(t, "Newcomer "+strconv.Itoa(pages))
			after := s.peoplePage(t, token, "?limit=3&after="+*p.Next)
			for _, one := range []api.Person{p.People[len(p.People)-1], after.People[1]} {
				id, err := dossier.ParsePersonID(one.ID)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.svc.DeletePerson(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(seen, one.Name) {
					deleted = append(deleted, one.Name)
				}
			}
		}
		query = "?limit=37&after=" + *p.Next
	}
	want := slices.DeleteFunc(reversed(names), func(name string) bool { return slices.Contains(deleted, name) })
	if len(deleted) < 5 || !slices.Equal(seen, want) {
		t.Errorf("%d are deleted unseen; listed are\n%q\nwant\n%q", len(deleted), seen, want)
	}
	found := s.peoplePage(t, token, "?limit=100&q=newcomer")
	if found.Total == nil || *found.Total != len(found.People) || len(found.People) < 5 || found.Next != nil {
		t.Errorf("found are %+v", found)
	}
}

// What a page refuses.
func TestStaffAPIParameters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Administrator), 1, staff.Scopes...)
	person := "/staff/people/" + files[0].Person.String()
	for path, c := range map[string]struct {
		status int
		has    string
	}{
		"/staff/people?limit=0":                                        {400, "limit"},
		"/staff/people?limit=101":                                      {400, "1 to 100"},
		"/staff/people?limit=x":                                        {400, "limit"},
		"/staff/people?after=x":                                        {400, "after"},
		"/staff/people?after=" + strings.Repeat("A", 32):               {400, "after"},
		"/staff/people?age_from=x":                                     {422, `"pointer":"#/age_from"`},
		"/staff/people?age=36":                                         {400, "no parameter"},
		"/staff/people?sort=x":                                         {422, `"pointer":"#/sort"`},
		"/staff/people?before=x":                                       {400, "no parameter"},
		"/staff/people.csv?zone=Moon":                                  {422, `"pointer":"#/zone"`},
		"/staff/people.jsonl?unfinished=no":                            {422, `"pointer":"#/unfinished"`},
		"/staff/people?q=" + strings.Repeat("x", 201):                  {422, "200 characters"},
		"/staff/people?q=a&q=b":                                        {400, "twice"},
		"/staff/people?Q=ada":                                          {400, "no parameter"},
		"/staff/people.csv?search=ada":                                 {400, "no parameter"},
		"/staff/people.jsonl?limit=1":                                  {400, "no parameter"},
		"/staff/people?q=100%":                                         {400, "%25"},
		"/staff/people.csv?q=zoe%zz":                                   {400, "%25"},
		"/staff/people.csv?q=zoe;zoe":                                  {400, "%3B"},
		"/staff/people.jsonl?sort=name;q=zoe":                          {400, "%3B"},
		"/staff/people?zzz=%":                                          {400, "%25"},
		"/staff/people.jsonl?q=%E9":                                    {422, `"pointer":"#/q"`},
		"/staff/people.jsonl?q=%E2%80%8B":                              {422, `"pointer":"#/q"`},
		person + "?limit=1001":                                         {400, "1 to 1000"},
		person + "?after=x":                                            {400, "after"},
		person + "?q=a":                                                {400, "no parameter"},
		person + "/files/x":                                            {404, ""},
		"/staff/people/x":                                              {404, ""},
		"/staff/people/" + strings.ToUpper(files[0].Person.String()):   {404, ""},
		"/staff/people/" + dossier.NewPersonID().String():              {404, ""},
		person + "/files/" + dossier.NewFileID().String():              {404, ""},
		person + "/files/" + dossier.NewFileID().String() + "/content": {404, ""},
		"/staff/nothing":                                               {404, ""},
	} {
		s.play(t, scenario{name: path, path: api.Prefix + path, header: bearerOf(token), status: c.status,
			has: []string{c.has}, want: map[string]string{"Content-Type": problemType}})
	}
	for _, path := range []string{"/staff/people/x", "/staff/people/" + dossier.NewPersonID().String(),
		person + "/files/x", person + "/files/" + dossier.NewFileID().String()} {
		s.play(t, scenario{method: "DELETE", path: api.Prefix + path, header: bearerOf(token), status: 404})
	}
	s.play(t, scenario{method: "POST", path: api.Prefix + "/staff/people", header: bearerOf(token), status: 405})
	s.play(t, scenario{method: "PUT", path: api.Prefix + person, header: bearerOf(token), status: 405})
}

// What is read of a person and files, in all states that staff see.
func TestStaffAPIReadsFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, files := s.submit(t, "Ada", upload{"a.txt", "Dear Charles"}, upload{"b.txt", ""}, upload{"c.txt", "damaged"})
	unfinished := s.uploading(t, files[0].Person, "d.txt")
	err := s.stores.Catalog.SetDamage(t.Context(), files[2].Person, files[2].ID,
		&dossier.Damage{Kind: dossier.ObjectMissing, FoundAt: s.clock.now()})
	if err != nil {
		t.Fatal(err)
	}
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Editor), 1, staff.ScopeRead, staff.ScopeDownload,
		staff.ScopeTrash)
	by, person := bearerOf(token), api.Prefix+"/staff/people/"+files[0].Person.String()
	read := func(query string) (api.PersonWithFiles, string) {
		t.Helper()
		a := s.play(t, scenario{path: person + query, header: by, status: 200,
			want: map[string]string{"Cache-Control": "no-store"}})
		var p api.PersonWithFiles
		if err := json.Unmarshal([]byte(a.body), &p); err != nil {
			t.Fatal(err)
		}
		return p, a.header.Get("Etag")
	}
	all, tag := read("")
	if all.Person.Name != "Ada" || len(all.Files) != 4 || all.Next != nil {
		t.Fatalf("the person is %+v", all)
	}
	for i, f := range append(slices.Clone(files), unfinished) {
		got := all.Files[i]
		if got.ID != f.ID.String() || got.Name != f.Name || (got.State == api.Stored) != (i < 3) ||
			(got.Content != nil) != (i < 3) || (got.Damage != nil) != (i == 2) {
			t.Errorf("file %d is %+v", i, got)
		}
	}
	if c := all.Files[0].Content; c.Sha256 != fmt.Sprintf("%x", sha256.Sum256([]byte("Dear Charles"))) ||
		*all.Files[0].Size != 12 || c.Type != "text/plain; charset=utf-8" {
		t.Errorf("its content is %+v", c)
	}
	if first, _ := read("?limit=3"); len(first.Files) != 3 || first.Next == nil {
		t.Errorf("the first page is %+v", first)
	} else if second, _ := read("?limit=3&after=" + *first.Next); len(second.Files) != 1 || second.Next != nil ||
		second.Files[0].Name != "d.txt" {
		t.Errorf("the second page is %+v", second)
	}

	same := func(path, tag string, status int) {
		t.Helper()
		a := s.play(t, scenario{path: path, status: status,
			header: map[string]string{"Authorization": by["Authorization"], "If-None-Match": tag,
				"Range": "bytes=0-1"}})
		if status == 304 && a.body != "" {
			t.Errorf("304 with %q", a.body)
		}
	}
	same(person, tag, 304)
	list := s.play(t, scenario{path: api.Prefix + "/staff/people", header: by, status: 200})
	same(api.Prefix+"/staff/people", list.header.Get("Etag"), 304)
	same(api.Prefix+"/staff/people", tag, 200)

	file := func(i int) string { return person + "/files/" + all.Files[i].ID }
	a := s.play(t, scenario{path: file(0) + "/content", header: by, status: 200, has: []string{"Dear Charles"},
		want: map[string]string{"Etag": `"` + all.Files[0].Content.Sha256 + `"`}})
	if !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("it is sent as %q", a.header.Get("Content-Disposition"))
	}
	a = s.play(t, scenario{path: file(0) + "/content", status: 206,
		header: map[string]string{"Authorization": by["Authorization"], "Range": "bytes=5-"},
		want:   map[string]string{"Content-Range": "bytes 5-11/12"}})
	if a.body != "Charles" {
		t.Errorf("the range is %q", a.body)
	}
	s.play(t, scenario{path: file(1) + "/content", header: by, status: 200})
	s.play(t, scenario{path: file(3) + "/content", header: by, status: 404})
	s.play(t, scenario{path: file(3), header: by, status: 200, has: []string{`"state":"uploading"`}})

	s.play(t, scenario{method: "DELETE", path: file(3), header: by, status: 204})
	s.play(t, scenario{method: "DELETE", path: file(3), header: by, status: 404})
	s.play(t, scenario{method: "DELETE", path: file(0), header: by, status: 204})
	same(person, tag, 200)
	if left, _ := read(""); len(left.Files) != 2 {
		t.Errorf("left are %+v", left.Files)
	}
}

// idleScanner is there, and scans nothing.
type idleScanner struct{ dossier.Scanner }

// Withheld files are refused as on pages.
func TestStaffAPIWithholds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, files := s.submit(t, "Ada", upload{"waiting.txt", "w"}, upload{"infected.txt", "i"})
	for i, scan := range []dossier.Scan{{State: dossier.ScanWaiting, At: s.clock.now()},
		{State: dossier.ScanInfected, Detail: "Eicar", At: s.clock.now()}} {
		if _, err := s.stores.Catalog.SetScan(t.Context(), files[i].Person, files[i].ID, "", scan); err != nil {
			t.Fatal(err)
		}
	}
	s.svc = dossier.New(s.stores.People, s.stores.Catalog, s.stores.Objects, dossier.Options{Now: s.clock.now,
		Scanning: dossier.Scanning{Scanner: idleScanner{}, Pending: dossier.ToNobody}})
	s.server.svc = s.svc
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Viewer), 1, staff.ScopeDownload)
	for i, want := range []struct {
		status int
		code   dossier.Code
	}{{409, dossier.CodeScanning}, {403, dossier.CodeWithheld}} {
		a := s.play(t, scenario{path: api.Prefix + "/staff/people/" + files[i].Person.String() + "/files/" +
			files[i].ID.String() + "/content", header: bearerOf(token), status: want.status})
		refusedAs(t, a, want.code, "")
	}
}

// The export is of all whom a search finds, by pages, whole or broken off.
func TestStaffAPIExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	names := append(numbered(501), "=1+1", "Zoë 👩🏽‍🚀 \"Z\"")
	s.insert(t, names...)
	grace := s.account(t, "Grace", staff.Administrator)
	token, _ := s.tokenOf(t, grace, 1, staff.ScopeExport)
	lines := func(body string) (all []string) {
		t.Helper()
		for line := range strings.Lines(body) {
			var p api.Person
			if err := json.Unmarshal([]byte(line), &p); err != nil || !strings.HasSuffix(line, "\n") {
				t.Fatalf("line %q: %v", line, err)
			}
			all = append(all, p.Name)
		}
		return all
	}
	a := s.play(t, scenario{path: api.Prefix + "/staff/people.jsonl", header: bearerOf(token), status: 200,
		want: map[string]string{"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}})
	if got := lines(a.body); !slices.Equal(got, reversed(names)) {
		t.Errorf("exported are %q", got)
	}
	a = s.play(t, scenario{path: api.Prefix + "/staff/people.jsonl?q=zoe", header: bearerOf(token), status: 200})
	if got := lines(a.body); !slices.Equal(got, names[len(names)-1:]) {
		t.Errorf("exported are %q", got)
	}
	page := s.play(t, scenario{path: "/people.csv", by: s.signInAs(t, grace), status: 200})
	if a := s.play(t, scenario{path: api.Prefix + "/staff/people.csv", header: bearerOf(token), status: 200,
		want: map[string]string{"Content-Type": "text/csv; charset=utf-8; header=present"}}); a.body != page.body {
		t.Error("the CSV is not that of the directory")
	}
	for _, path := range []string{"/staff/people.csv", "/staff/people.jsonl"} {
		s.faults.set("people.Find", func(call int) error {
			if call == 2 {
				return dossier.Unavailable(context.Background(), "list", errors.New(innards))
			}
			return nil
		})
		a := s.ask(t, scenario{path: api.Prefix + path, header: bearerOf(token)})
		if a.status != 200 || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: status %d, reading ends with %v, want a body that breaks off", path, a.status, a.err)
		}
	}
}

// Many requests with one token at once are all answered.
func TestTokenAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token, _ := s.tokenOf(t, s.account(t, "Grace", staff.Viewer), 1, staff.ScopeRead)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: 200})
		})
	}
	wg.Wait()
}

// Each operation is recorded with its owner, the token and the person, before it is done; so is what is refused. What
// cannot be recorded is refused.
func TestStaffAPIAudit(t *testing.T) {
	t.Parallel()
	s, trail := newAuditSite(t)
	x := &targets{s: s}
	boss := s.account(t, "Grace", staff.Administrator)
	token, one := s.tokenOf(t, boss, 1, staff.Scopes...)
	a := s.account(t, "Eve", staff.Administrator)
	weak, weakOne := s.tokenOf(t, a, 1, staff.Scopes...)
	a.Role = staff.Viewer
	s.set(t, a)
	for _, o := range allowed {
		path, f := x.path(t, o.method, o.path)
		has := func(what string, a answer, of staff.Token, results ...audit.Result) {
			t.Helper()
			entries := s.entries(t, audit.Query{})
			var got []audit.Result
			for _, e := range entries {
				if e.Request != a.header.Get("X-Request-Id") {
					continue
				}
				got = append(got, e.Result)
				person := strings.Contains(o.path, ":id")
				if e.Actor.ID != of.Account.String() || e.Actor.Session != of.ID.String() || e.Detail != byProgram ||
					person != (e.Subject.ID == f.Person.String()) ||
					strings.Contains(o.path, ":file") != (e.Subject.File == f.ID.String()) {
					t.Errorf("%s %s %s: the entry is %+v", what, o.method, o.path, e)
				}
			}
			if !slices.Equal(got, results) {
				t.Errorf("%s %s %s: the trail has %q, want %q", what, o.method, o.path, got, results)
			}
		}
		narrow := slices.DeleteFunc(slices.Clone(staff.Scopes), func(s staff.Scope) bool { return s == o.scope })
		text, two := s.tokenOf(t, boss, 1, narrow...)
		has("out of scope", s.play(t, scenario{method: o.method, path: path, header: bearerOf(text), status: 403}), two,
			audit.Refused)
		if o.role != staff.Viewer {
			has("refused", s.play(t, scenario{method: o.method, path: path, header: bearerOf(weak), status: 403}),
				weakOne,
				audit.Refused)
		}
		trail.set(always)
		s.play(t, scenario{method: o.method, path: path, header: bearerOf(token), status: 503,
			has: []string{"is recorded"}})
		trail.set(nil)
		if !s.isThere(t, f) {
			t.Errorf("%s %s: was done though it could not be recorded", o.method, o.path)
		}
		want := []audit.Result{audit.Allowed}
		if o.method == "DELETE" || o.scope == staff.ScopeExport {
			want = []audit.Result{audit.Begun, audit.Done}
		}
		has("done", s.play(t, scenario{method: o.method, path: path, header: bearerOf(token), status: o.status}), one,
			want...)
	}
	wrong := s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(flip(token, 30)), status: 401})
	if got := s.recordedBy(t, wrong); len(got) != 1 || !strings.Contains(got[0], "token.fail refused") {
		t.Errorf("of a wrong token, the trail has %q", got)
	}
}
