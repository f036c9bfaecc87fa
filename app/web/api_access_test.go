package web_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// anyFile returns a file's address that nothing has.
func anyFile() string { return "/files/" + dossier.NewFileID().String() }

func TestAPIRegister(t *testing.T) {
	s := open(t, setup{})
	var made api.Registered
	s.ask(call{name: "by the server's receipt", method: "POST", path: "/people", body: adaRegistration}, &made)
	s.hide(made.Receipt)
	if made.ReceiptURL != "http://"+s.addr+"/receipt#"+made.Receipt || made.Person.State != api.Submitted ||
		made.Person.Name != ada.name {
		t.Errorf("registered as %+v", made)
	}
	s.get("/receipt/"+made.Receipt).must(t, http.StatusOK, "Received, thank you", ada.name)

	own := dossier.NewReceipt()
	for range 2 {
		var again api.Registered
		s.ask(call{name: "by a receipt of one's own", method: "POST", path: "/people", receipt: own.String(),
			body: adaRegistration}, &again)
		if again.Receipt != own.String() || again.Person.ID != own.Person.String() {
			t.Errorf("registered as %+v, want the client's own receipt", again)
		}
	}
	pasted := adaRegistration
	pasted.Name = "\u202A" + pasted.Name + "\u202C\u200B\t"
	var clean api.Registered
	s.ask(call{name: "with invisible characters", method: "POST", path: "/people", receipt: own.String(), body: pasted},
		&clean)
	if clean.Person.Name != adaRegistration.Name {
		t.Errorf("registered as %q, want it without what nobody sees", clean.Person.Name)
	}
	other := adaRegistration
	other.Age++
	thief := dossier.NewReceipt()
	thief.Person = own.Person
	for _, c := range []call{
		{name: "other details by the same receipt", receipt: own.String(), body: other, status: 409,
			code: dossier.CodeConflict},
		{name: "the same person by another secret", receipt: thief.String(), body: adaRegistration, status: 409,
			code: dossier.CodeConflict},
		{name: "a receipt that is none", receipt: "x", body: adaRegistration, status: 401, code: "unauthorized"},
		{name: "faulty details", body: `{"name":"","location":"!!","age":131,"technology":"` +
			strings.Repeat("x", 201) + `"}`, status: 422, code: dossier.CodeInvalid,
			has: []string{`"pointer":"#/name"`, `"pointer":"#/location"`, `"pointer":"#/age"`,
				`"pointer":"#/technology"`, "200 characters", "0 to 130"}},
		{name: "an age that is no number", body: `{"name":"Ada","location":"London","age":"36","technology":"Engine"}`,
			status: 422, code: dossier.CodeInvalid, has: []string{`"pointer":"#/age"`}},
		{name: "nothing", body: `{}`, status: 422, code: dossier.CodeInvalid,
			has: []string{`"pointer":"#/name"`, `"pointer":"#/technology"`}},
		{name: "a receipt in the body",
			body: `{"name":"Ada","location":"London","age":36,"technology":"Engine","receipt":"x"}`, status: 422,
			code: dossier.CodeInvalid, has: []string{`"pointer":"#/receipt"`}},
	} {
		c.method, c.path = "POST", "/people"
		s.ask(c, nil)
	}
	s.mustHold(held{people: 2})
	s.reconcile()
}

// Who has no receipt, or a wrong one, gets nothing, at no address.
func TestAPINeedsAReceipt(t *testing.T) {
	s := open(t, setup{})
	receipt := s.register()
	u := s.announce(receipt, "letter of ada.txt", []byte("x"))
	forged, err := dossier.ParseReceipt(receipt)
	if err != nil {
		t.Fatal(err)
	}
	forged.Secret[31] ^= 1
	calls := []call{
		{method: "GET", path: "/receipt"},
		{method: "HEAD", path: "/receipt"},
		{method: "GET", path: u.path},
		{method: "DELETE", path: u.path},
		{method: "PUT", path: anyFile(), body: api.Announcement{Name: "x", Size: 1}},
		{method: "POST", path: u.path + "/parts", body: api.PartsToSign{Parts: []api.Part{u.partOf(1)}}},
		{method: "POST", path: u.path + "/complete", body: u.sums()},
	}
	for name, header := range map[string][]string{
		"nothing":                nil,
		"empty":                  {""},
		"a scheme alone":         {"Bearer"},
		"no scheme":              {receipt},
		"another scheme":         {"Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+receipt))},
		"two headers":            {"Bearer " + receipt, "Bearer " + receipt},
		"too short":              {"Bearer " + receipt[:63]},
		"too long":               {"Bearer " + receipt + "A"},
		"with a space behind":    {"Bearer " + receipt[:63] + " "},
		"a wrong secret":         {"Bearer " + forged.String()},
		"a person not there":     {"Bearer " + dossier.NewReceipt().String()},
		"quoted":                 {`Bearer "` + receipt + `"`},
		"a receipt for a cookie": {"Cookie dossier_session=" + receipt},
	} {
		for _, c := range calls {
			c.name, c.status, c.code = name, 401, "unauthorized"
			if header != nil {
				c.header = http.Header{"Authorization": header}
			}
			if a := s.ask(c, nil); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: WWW-Authenticate is %q", name, a.header.Get("WWW-Authenticate"))
			}
		}
	}
	// A receipt in an address is none.
	for _, query := range []string{"?receipt=" + receipt, "?access_token=" + receipt, "?person=" +
		forged.Person.String()} {
		s.ask(call{path: "/receipt" + query, status: 401, code: "unauthorized"}, nil)
	}
	s.ask(call{path: "/receipt?person=" + dossier.NewPersonID().String(), receipt: receipt, status: 404,
		code: dossier.CodeNotFound}, nil)
	s.ask(call{path: "/receipt?person=" + forged.Person.String(), receipt: receipt}, nil)
	s.ask(call{path: "/receipt", header: http.Header{"Authorization": {"bearer  " + receipt}}}, nil)
	u.mustHaveParts()
	s.mustHold(held{people: 1, records: 1, objects: 1})
}

// What every body must be, at each address that takes one.
func TestAPIBodies(t *testing.T) {
	s := open(t, setup{})
	receipt := s.register()
	u := s.announce(receipt, "letter of ada.txt", []byte("x"))
	large := `{"name":"` + strings.Repeat("x", 1<<20) + `","size":1}`
	for _, to := range []call{
		{method: "POST", path: "/people"}, {method: "PUT", path: anyFile()}, {method: "POST", path: u.path + "/parts"},
		{method: "POST", path: u.path + "/complete"},
	} {
		typed := func(mediaType string) http.Header { return http.Header{"Content-Type": {mediaType}} }
		for _, c := range []call{
			{name: "malformed", body: `{"name":`, status: 400, code: dossier.CodeMalformed},
			{name: "no JSON", body: `name=x&size=1`, status: 400, code: dossier.CodeMalformed},
			{name: "nothing", body: ``, status: 400, code: dossier.CodeMalformed},
			{name: "an array", body: `[]`, status: 400, code: dossier.CodeMalformed},
			{name: "two values", body: `{} {}`, status: 400, code: dossier.CodeMalformed},
			{name: "an unknown member", body: `{"surprise":1}`, status: 422, code: dossier.CodeInvalid,
				has: []string{`"pointer":"#/surprise"`}},
			{name: "too large", body: large, status: 413, code: dossier.CodeTooLarge},
			{name: "a form", body: `name=x`, header: typed("application/x-www-form-urlencoded"), status: 415,
				code: "media_type"},
			{name: "text", body: `{}`, header: typed("text/plain"), status: 415, code: "media_type"},
			{name: "JSON of another kind", body: `{}`, header: typed("application/merge-patch+json"), status: 415,
				code: "media_type"},
			{name: "JSON in another encoding", body: `{}`, header: typed("application/json; charset=utf-16"),
				status: 415, code: "media_type"},
			{name: "a damaged type", body: `{}`, header: typed("application/json; charset"), status: 415,
				code: "media_type"},
			{name: "compressed JSON", body: "\x1f\x8b", header: http.Header{"Content-Type": {"application/json"},
				"Content-Encoding": {"gzip"}}, status: 415, code: "media_type", has: []string{"uncompressed"}},
			{name: "JSON that is not compressed", body: `{"surprise":1}`, header: http.Header{
				"Content-Type": {"application/json"}, "Content-Encoding": {"Identity"}}, status: 422,
				code: dossier.CodeInvalid},
			{name: "JSON that tells its encoding", body: `{"surprise":1}`,
				header: typed("application/json; charset=UTF-8"), status: 422, code: dossier.CodeInvalid},
		} {
			c.method, c.path, c.receipt = to.method, to.path, receipt
			s.ask(c, nil)
		}
	}
	for name, announcement := range map[string]api.Announcement{
		"no name": {Name: "", Size: 1}, "too long a name": {Name: strings.Repeat("ä", 4097), Size: 1},
		"a negative size": {Name: "x", Size: -1},
	} {
		s.ask(call{name: name, method: "PUT", path: anyFile(), receipt: receipt, body: announcement, status: 422,
			code: dossier.CodeInvalid}, nil)
	}
	for _, id := range []string{"x", "018f2e3c-7b1a-4d52-9f2f-0a6f1c110000",
		strings.ToUpper(dossier.NewFileID().String()), "{" + dossier.NewFileID().String() + "}"} {
		s.ask(call{name: "an id that is none", method: "PUT", path: "/files/" + url.PathEscape(id), receipt: receipt,
			body: api.Announcement{Name: "x", Size: 1}, status: 400, code: dossier.CodeMalformed}, nil)
		s.ask(call{name: "an id that is none", path: "/files/" + url.PathEscape(id), receipt: receipt, status: 404,
			code: dossier.CodeNotFound}, nil)
	}
	s.mustHold(held{people: 1, records: 1, objects: 1})
}

func TestAPIUnknown(t *testing.T) {
	s := open(t, setup{})
	for _, c := range []call{
		{path: "/x", status: 404, code: dossier.CodeNotFound},
		{path: "/people/x", status: 404, code: dossier.CodeNotFound},
		{method: "DELETE", path: "/people", status: 405, code: "method"},
		{method: "PATCH", path: anyFile(), status: 405, code: "method"},
		{method: "POST", path: "/limits", status: 405, code: "method"},
		// Where S3 takes the parts, none is taken here; and here none without a signature.
		{method: "PUT", path: "/transfers/x/parts/1", body: "x",
			header: http.Header{"Content-Type": {"application/octet-stream"}}, status: 403,
			code: dossier.CodeForbidden},
	} {
		s.ask(c, nil)
	}
}

func TestAPILimits(t *testing.T) {
	s := open(t, setup{domain: dossier.Options{Limits: dossier.Limits{FileBytes: 1000, Files: 3, PersonFiles: 2,
		PersonBytes: 1500}}})
	var l api.Limits
	s.ask(call{path: "/limits"}, &l)
	want := api.Limits{
		MaxFileSize: 1000, MaxFiles: 2, MaxTotalSize: 1500, MaxParts: 10_000, MinPartSize: 5 << 20,
		MaxPartSize: 5 << 30, MaxPartsPerRequest: 100,
		MaxRequestSize: 64 << 10, SignatureLifetime: 900,
	}
	if l.RoomFiles == nil || *l.RoomFiles != 2 || l.RoomSize == nil || *l.RoomSize != 1500 {
		t.Errorf("the room is %v, %v, want that of one person", l.RoomFiles, l.RoomSize)
	}
	l.RoomFiles, l.RoomSize = nil, nil
	if l != want {
		t.Errorf("the limits are %+v, want %+v", l, want)
	}
	receipt := s.register()
	announce := func(size int64, status int, code dossier.Code) string {
		t.Helper()
		path := anyFile()
		s.ask(call{method: "PUT", path: path, receipt: receipt, body: api.Announcement{Name: "letter.txt", Size: size},
			status: status, code: code}, nil)
		return path
	}
	announce(1001, 413, dossier.CodeTooLarge)
	announce(1<<62, 413, dossier.CodeTooLarge)
	first := announce(1000, 200, "")
	announce(501, 409, dossier.CodeQuota)
	announce(500, 200, "")
	announce(0, 409, dossier.CodeQuota)
	// What is given up leaves its place.
	s.ask(call{method: "DELETE", path: first, receipt: receipt, status: 204}, nil)
	announce(1000, 200, "")
	s.mustHold(held{people: 1, records: 2, objects: 2})
}

func TestAPIRates(t *testing.T) {
	slow := web.Rate{PerMinute: 0.001, Burst: 2}
	s := open(t, setup{web: web.Options{RegisterRate: slow, AnnounceRate: slow, SignRate: slow}})
	receipt := s.register()
	u := s.announce(receipt, "letter of ada.txt", []byte("x"))
	u.sign(1)
	for _, c := range []call{
		{name: "register", method: "POST", path: "/people", body: adaRegistration},
		{name: "announce", method: "PUT", path: anyFile(), receipt: receipt,
			body: api.Announcement{Name: "x", Size: 1}},
		{name: "sign", method: "POST", path: u.path + "/parts", receipt: receipt,
			body: api.PartsToSign{Parts: []api.Part{u.partOf(1)}}},
	} {
		s.ask(c, nil)
		c.status, c.code = 429, "limited"
		a := s.ask(c, nil)
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 {
			t.Errorf("%s: Retry-After is %q", c.name, a.header.Get("Retry-After"))
		}
	}
	// What is on its way can be brought to its end.
	u.s.mustSend(u.sign0(), u.data)
	u.complete()
}

// sign0 signs the first part past the API, which refuses.
func (u *upload) sign0() api.SignedPart {
	u.s.t.Helper()
	receipt, err := dossier.ParseReceipt(u.receipt)
	if err != nil {
		u.s.t.Fatal(err)
	}
	id, err := dossier.ParseFileID(u.file.ID)
	if err != nil {
		u.s.t.Fatal(err)
	}
	crc := dossier.NewCRC64()
	_, _ = crc.Write(u.data)
	file, err := u.s.svc.Announced(u.s.t.Context(), receipt.Person, id)
	if err != nil {
		u.s.t.Fatal(err)
	}
	signed, err := u.s.svc.SignParts(u.s.t.Context(), file,
		[]dossier.Part{{Number: 1, Size: int64(len(u.data)), CRC64: crc.Sum64()}}, patience)
	if err != nil {
		u.s.t.Fatal(err)
	}
	return api.SignedPart{Number: 1, Method: api.SignedPartMethod(signed[0].Method), URL: signed[0].URL,
		Headers: signed[0].Header}
}

// A store that is down is a 503 that asks for the same again, whichever call meets it; then the same again ends well.
func TestAPIOutages(t *testing.T) {
	t.Parallel()
	for _, m := range []mode{failBefore, failAfter} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			f := teststores.NewFaults(nil)
			s := open(t, setup{wrap: f.Wrap})
			whole := []byte("Dear Charles")
			own := dossier.NewReceipt().String()
			u := &upload{s: s, receipt: own, path: anyFile(), data: whole}
			steps := []call{
				{method: "POST", path: "/people", receipt: own, body: adaRegistration},
				{method: "PUT", path: u.path, receipt: own,
					body: api.Announcement{Name: "letter of ada.txt", Size: int64(len(whole))}},
				{method: "POST", path: u.path + "/parts", receipt: own,
					body: api.PartsToSign{Parts: []api.Part{{Number: 1, Size: int64(len(whole)),
						Crc64Nvme: crc64Of(whole)}}}},
				{path: u.path, receipt: own},
				u.completion(),
				{path: "/receipt", receipt: own},
			}
			for _, c := range steps {
				failed := 0
				// Each store call that the step makes goes wrong once, until it needs no more.
				for n := 0; ; n++ {
					f.Forget()
					f.Set(func(i int, _ string) mode {
						if i == n {
							return m
						}
						return sound
					})
					header := http.Header{"Authorization": {"Bearer " + own}, "Content-Type": {"application/json"}}
					s.hide(own)
					a := s.do(c.method, api.Prefix+c.path, header, strings.NewReader(encoded(t, c.body)))
					f.Set(nil)
					calls := len(f.Forget())
					if a.status == 503 {
						failed++
						if !strings.Contains(a.body, `"code":"unavailable"`) || a.header.Get("Retry-After") == "" {
							t.Errorf("%s %s: %v", c.method, c.path, a)
						}
						s.mustAgree("outage", method(c), c.path, header, []byte(encoded(t, c.body)), a)
					} else if a.status != 200 {
						t.Fatalf("%s %s, call %d goes wrong: %v", c.method, c.path, n, a)
					}
					if calls <= n {
						break
					}
				}
				if failed == 0 {
					t.Errorf("%s %s: no fault was told", c.method, c.path)
				}
				s.ask(c, nil)
				if strings.HasSuffix(c.path, "/parts") {
					var out api.SignedParts
					s.ask(c, &out)
					s.mustSend(out.Parts[0], whole)
				}
			}
			s.mustBeStored(own, file{"letter of ada.txt", string(whole)})
			s.reconcile()
			s.mustHold(held{people: 1, records: 1, objects: 1})
		})
	}
}

func method(c call) string {
	if c.method == "" {
		return http.MethodGet
	}
	return c.method
}

func TestAPICORS(t *testing.T) {
	const friend, other, stranger = "https://friend.example", "http://localhost:3000", "https://stranger.example"
	s := open(t, setup{web: web.Options{APIOrigins: []string{friend, other}}})
	receipt := s.register()
	u := s.announce(receipt, "letter of ada.txt", []byte("x"))
	cross := func(origin string, more ...string) http.Header {
		h := http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	preflight := func(origin, method string) http.Header {
		return cross(origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers",
			"authorization,content-type")
	}
	allowed := func(a answer) string {
		t.Helper()
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("credentials are allowed: %v", a)
		}
		if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
			t.Errorf("no Vary: Origin: %v", a)
		}
		return a.header.Get("Access-Control-Allow-Origin")
	}
	for _, origin := range []string{friend, other} {
		for path, method := range map[string]string{"/people": "POST", "/receipt": "GET", u.path: "PUT", u.path +
			"/complete": "POST", "/transfers/x/parts/1": "PUT"} {
			a := s.do(http.MethodOptions, api.Prefix+path, preflight(origin, method), nil)
			a.must(t, http.StatusNoContent)
			if allowed(a) != origin || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), method) ||
				a.header.Get("Access-Control-Max-Age") == "" {
				t.Errorf("%s from %s: %v", path, origin, a)
			}
			for _, name := range []string{"Authorization", "Content-Type"} {
				if !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), name) {
					t.Errorf("%s from %s: %s is not allowed", path, origin, name)
				}
			}
		}
	}
	for _, origin := range []string{stranger, "null", friend + ".evil.example", "http://friend.example",
		strings.ToUpper(friend), ""} {
		a := s.do(http.MethodOptions, api.Prefix+u.path, preflight(origin, "PUT"), nil)
		if allowed(a) != "" || a.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("from %q: %v", origin, a)
		}
	}
	// Only the API is open to others.
	if a := s.do(http.MethodOptions, "/submissions", preflight(friend, "POST"),
		nil); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the form is open: %v", a)
	}
	for _, c := range []call{
		{name: "register", method: "POST", path: "/people", body: adaRegistration},
		{name: "announce", method: "PUT", path: anyFile(), receipt: receipt,
			body: api.Announcement{Name: "x", Size: 1}},
		{name: "read", path: "/receipt", receipt: receipt},
		{name: "sign", method: "POST", path: u.path + "/parts", receipt: receipt,
			body: api.PartsToSign{Parts: []api.Part{u.partOf(1)}}},
		{name: "a refusal", path: u.path, status: 401, code: "unauthorized"},
		{name: "nothing there", path: "/x", status: 404, code: dossier.CodeNotFound},
	} {
		c.header = cross(friend)
		a := s.ask(c, nil)
		if allowed(a) != friend || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s: %v", c.name, a)
		}
		if c.method == "" {
			continue
		}
		for _, header := range []http.Header{cross(stranger), cross("null"), {"Origin": {stranger}},
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}} {
			c.header, c.status, c.code = header, 403, dossier.CodeForbidden
			if a := s.ask(c, nil); allowed(a) != "" {
				t.Errorf("%s from %v: %v", c.name, header, a)
			}
		}
	}
	// Bytes too, where the site keeps them.
	p := u.sign(1)[0]
	p.Headers["Origin"] = friend
	p.Headers["Sec-Fetch-Site"] = "cross-site"
	s.mustSend(p, u.data)
	p.Headers["Origin"] = stranger
	if status := s.send(p, u.data); status != 403 {
		t.Errorf("a part from a stranger's page is answered with %d", status)
	}
	u.complete()
}

// A body that breaks off or comes too slowly is told as such.
func TestAPIBodyBreaksOff(t *testing.T) {
	t.Parallel()
	s := open(t, setup{})
	receipt := s.register()
	w := s.dial()
	w.head("PUT", api.Prefix+anyFile(), "Authorization: Bearer "+receipt, "Content-Type: application/json",
		"Content-Length: 100")
	w.write(`{"name":`)
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	a, _ := w.answer()
	a.must(t, http.StatusBadRequest, `"code":"malformed"`, "ended too early")
	a.mustNot(t, "The form")
	s.mustHold(held{people: 1})
}

func encoded(t *testing.T, body any) string {
	t.Helper()
	if body == nil {
		return ""
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
