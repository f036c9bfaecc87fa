package issuer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"dossier.example/app"
	"dossier.example/app/internal/testissuer"
	"dossier.example/app/staff"
)

const redirect = "http://localhost:8080/back"

// journal is a log that is read while it is written.
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

// site is a site that signs in at an issuer of its own.
type site struct {
	*Issuer
	at  *testissuer.Issuer
	log journal
}

func start(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	s := &site{at: testissuer.Start(t, redirect)}
	o := Options{URL: s.at.URL, Name: "People & Co", ClientID: testissuer.ClientID,
		ClientSecret: testissuer.ClientSecret,
		RoleClaim:    "groups", Roles: []Grant{{"administrators", staff.Administrator}, {"everybody", staff.Viewer}},
		Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	for _, c := range change {
		c(&o)
	}
	var err error
	if s.Issuer, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the log:\n%s", s.log.String())
		}
	})
	return s
}

// signIn signs in whoever the issuer says. Where the site sends nobody to the issuer, the error is that of Begin.
func (s *site) signIn(t *testing.T) (staff.Identity, error) {
	t.Helper()
	address, secret, err := s.Begin(t.Context(), redirect, "a state", false)
	if err != nil {
		return staff.Identity{}, err
	}
	back := s.at.Visit(t, address)
	if back.Query().Get("state") != "a state" {
		t.Errorf("the issuer sends the browser to %s", back)
	}
	return s.Finish(t.Context(), redirect, secret, back.Query())
}

// refused checks that nobody was signed in, by a code, with a message that has some words.
func (s *site) refused(t *testing.T, who staff.Identity, err error, code dossier.Code, words string) {
	t.Helper()
	var told *dossier.Error
	if !errors.As(err, &told) || told.Code != code || !strings.Contains(told.Message, words) ||
		who != (staff.Identity{}) {
		t.Errorf("signed in %+v, error %v, want code %s with %q", who, err, code, words)
	}
	if told != nil && (told.Message == "" || strings.ContainsAny(told.Message, "<>")) {
		t.Errorf("somebody is told %q", told.Message)
	}
}

func TestSignIn(t *testing.T) {
	ada := staff.Identity{Subject: "ada-1815", Name: "Ada Lovelace", Address: "ada@people.example", Verified: true,
		Role: staff.Administrator}
	for name, inToken := range map[string]bool{"claims in the token": true, "claims elsewhere": false} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			ada.Issuer = s.at.URL
			s.at.KeepClaims(inToken)
			for range 2 {
				if who, err := s.signIn(t); who != ada || err != nil {
					t.Errorf("signed in %+v, error %v, want %+v", who, err, ada)
				}
			}
			asked := s.at.Asked(testissuer.UserInfo)
			if s.at.Asked(testissuer.Metadata) != 1 || s.at.Asked(testissuer.Keys) != 1 || (asked == 0) != inToken {
				t.Errorf("asked for the metadata %d times, for the keys %d times, for claims %d times",
					s.at.Asked(testissuer.Metadata), s.at.Asked(testissuer.Keys), asked)
			}
		})
	}
}

// Codes are bound to the sign-in that they are of, and to one use.
func TestCodes(t *testing.T) {
	s := start(t)
	begin := func() (secret string, answer url.Values) {
		t.Helper()
		address, secret, err := s.Begin(t.Context(), redirect, "a state", false)
		if err != nil {
			t.Fatal(err)
		}
		return secret, s.at.Visit(t, address).Query()
	}
	secret, answer := begin()
	if _, err := s.Finish(t.Context(), redirect, secret, answer); err != nil {
		t.Fatal(err)
	}
	who, err := s.Finish(t.Context(), redirect, secret, answer)
	s.refused(t, who, err, dossier.CodeForbidden, "already used")

	// Whoever learns a code cannot use it without the secret of its sign-in.
	_, stolen := begin()
	other, _ := begin()
	who, err = s.Finish(t.Context(), redirect, other, stolen)
	s.refused(t, who, err, dossier.CodeForbidden, "already used, or took too long")
	secret, answer = begin()
	who, err = s.Finish(t.Context(), "http://localhost:8080/elsewhere", secret, answer)
	s.refused(t, who, err, dossier.CodeForbidden, "already used, or took too long")

	for name, answer := range map[string]url.Values{
		"none":    {},
		"empty":   {"code": {""}},
		"two":     {"code": {"a", "b"}},
		"long":    {"code": {strings.Repeat("x", maxCode+1)}},
		"unknown": {"code": {"\x00<b>"}},
	} {
		t.Run(name, func(t *testing.T) {
			secret, _ := begin()
			who, err := s.Finish(t.Context(), redirect, secret, answer)
			s.refused(t, who, err, dossier.CodeForbidden, "Sign in again.")
		})
	}
	if log := s.log.String(); strings.Contains(log, stolen.Get("code")) || strings.Contains(log, secret) {
		t.Errorf("the log has a code or a secret:\n%s", log)
	}
}

// Who is to prove themselves again is asked by the issuer, even if it knows them.
func TestAgain(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		name  string
		again bool
		// at is what the issuer says of when it asked; nil: nothing.
		at    any
		words string
	}{
		{"now", true, time.Now().Unix(), ""},
		{"now, by a clock that is late", true, time.Now().Add(-30 * time.Second).Unix(), ""},
		{"unsaid", true, nil, ""},
		{"an hour ago", true, time.Now().Add(-time.Hour).Unix(), "has not asked you for proof again"},
		{"at no time", true, "now", "has not asked you for proof again"},
		{"an hour ago, at a first sign-in", false, time.Now().Add(-time.Hour).Unix(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.at.Forge(t, func(f *testissuer.Forged) {
				if delete(f.Claims, "auth_time"); c.at != nil {
					f.Claims["auth_time"] = c.at
				}
			})
			address, secret, err := s.Begin(t.Context(), redirect, "a state", c.again)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(address, "prompt=login") && strings.Contains(address,
				"max_age="); got != c.again {
				t.Errorf("the browser is sent to %s", address)
			}
			who, err := s.Finish(t.Context(), redirect, secret, s.at.Visit(t, address).Query())
			if c.words != "" {
				s.refused(t, who, err, dossier.CodeForbidden, c.words)
			} else if old := strings.HasPrefix(c.name, "an hour"); err != nil || old != (who.Proof >= time.Hour) ||
				!old && who.Proof != 0 {
				t.Errorf("proved %v ago, error %v", who.Proof, err)
			}
		})
	}
}

// An issuer that looks at max_age again, when somebody comes back from its pages, asks for proof once.
func TestAgainOnce(t *testing.T) {
	s := start(t)
	var proven time.Time
	s.at.Fail(testissuer.Authorization, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		age, err := strconv.Atoi(query.Get("max_age"))
		if err != nil {
			t.Errorf("the issuer is asked for proof of the age %q", query.Get("max_age"))
		}
		if query.Get("prompt") != "login" && time.Since(proven) <= time.Duration(age)*time.Second {
			s.at.Real(w, r)
			return
		}
		proven = time.Now()
		query.Del("prompt")
		http.Redirect(w, r, testissuer.Authorization+"?"+query.Encode(), http.StatusFound)
	})
	address, _, err := s.Begin(t.Context(), redirect, "a state", true)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(address)
	if err != nil {
		t.Fatalf("the issuer asks for ever: %v", err)
	}
	defer res.Body.Close()
	if asked := s.at.Asked(testissuer.Authorization); res.StatusCode != http.StatusOK || asked != 2 {
		t.Errorf("the issuer answers %s, asked %d times", res.Status, asked)
	}
}

// Who has to prove themselves in some way is let in only if the signed token says that they did.
func TestStrength(t *testing.T) {
	contexts := func(o *Options) { o.Contexts = []string{"gold", "silver"} }
	methods := func(o *Options) { o.Methods = []string{"pwd", "otp"} }
	both := func(o *Options) { contexts(o); methods(o) }
	for _, c := range []struct {
		name string
		need func(*Options)
		// acr and amr are what the issuer says; nil: nothing.
		acr, amr any
		ok       bool
	}{
		{"nothing is asked, and nothing said", func(*Options) {}, nil, nil, true},
		{"one of the contexts", contexts, "silver", nil, true},
		{"no context", contexts, nil, nil, false},
		{"another context", contexts, "bronze", nil, false},
		{"a context in other letters", contexts, "Silver", nil, false},
		{"all contexts in one text", contexts, "gold silver", nil, false},
		{"a list of contexts", contexts, []string{"gold"}, nil, false},
		{"all methods, and one more", methods, nil, []string{"otp", "pwd", "mfa"}, true},
		{"one method", methods, nil, []string{"pwd"}, false},
		{"no method", methods, nil, nil, false},
		{"methods in one text", methods, nil, "pwd otp", false},
		{"methods of no text", methods, nil, []any{1, nil, map[string]string{"pwd": "otp"}}, false},
		{"both", both, "gold", []string{"pwd", "otp"}, true},
		{"the context alone", both, "gold", []string{"pwd"}, false},
		{"the methods alone", both, "0", []string{"pwd", "otp"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.need)
			s.at.Forge(t, func(f *testissuer.Forged) {
				for name, value := range map[string]any{"acr": c.acr, "amr": c.amr} {
					if delete(f.Claims, name); value != nil {
						f.Claims[name] = value
					}
				}
				// Names in other letters say nothing.
				f.Last = map[string]any{"ACR": "gold", "AMR": []string{"pwd", "otp"}}
			})
			address, secret, err := s.Begin(t.Context(), redirect, "a state", false)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := u.Query().Get("acr_values"), strings.Join(s.o.Contexts, " "); got != want {
				t.Errorf("the issuer is asked for %q, want %q", got, want)
			}
			who, err := s.Finish(t.Context(), redirect, secret, s.at.Visit(t, address).Query())
			if !c.ok {
				s.refused(t, who, err, dossier.CodeForbidden, "did not say that you proved yourself")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// What the issuer answers instead of a code is told in our own words.
func TestDeclined(t *testing.T) {
	s := start(t)
	for code, want := range map[string]struct {
		code  dossier.Code
		words string
	}{
		"access_denied":           {dossier.CodeForbidden, "canceled"},
		"temporarily_unavailable": {dossier.CodeUnavailable, "not responding"},
		"server_error":            {dossier.CodeUnavailable, "not responding"},
		"login_required":          {dossier.CodeForbidden, "do something there first"},
		"unauthorized_client":     {dossier.CodeUnavailable, "not set up correctly"},
		"invalid_scope":           {dossier.CodeUnavailable, "not set up correctly"},
		"<script>alert(1)":        {dossier.CodeForbidden, "refused the sign-in"},
		"":                        {dossier.CodeForbidden, "refused the sign-in"},
	} {
		t.Run(code, func(t *testing.T) {
			_, secret, err := s.Begin(t.Context(), redirect, "a state", false)
			if err != nil {
				t.Fatal(err)
			}
			who, err := s.Finish(t.Context(), redirect, secret, url.Values{"error": {code}, "code": {"x"},
				"error_description": {"<i>words of strangers</i>"}, "error_uri": {"https://evil.example"}})
			s.refused(t, who, err, want.code, want.words)
			if all := fmt.Sprint(err) + s.log.String(); strings.Contains(all, "strangers") ||
				strings.Contains(all, "evil") || strings.Contains(all, "alert") {
				t.Errorf("words of strangers are repeated: %s", all)
			}
		})
	}
	if n := s.at.Asked(testissuer.Token); n != 0 {
		t.Errorf("%d codes were exchanged", n)
	}
}

// An answer that says that it is from another issuer gets nothing from this site, and one that does not say it where
// the issuer promises to.
func TestMixUp(t *testing.T) {
	s := start(t)
	promise := func(answer map[string]any) { answer["authorization_response_iss_parameter_supported"] = true }
	for _, c := range []struct {
		name    string
		promise func(map[string]any)
		from    []string
		ok      bool
	}{
		{"silent", nil, nil, true},
		{"its own", nil, []string{s.at.URL}, true},
		{"another", nil, []string{"https://evil.example"}, false},
		{"empty", nil, []string{""}, false},
		{"two", nil, []string{s.at.URL, "https://evil.example"}, false},
		{"promised and sent", promise, []string{s.at.URL}, true},
		{"promised and silent", promise, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.at.Change(testissuer.Metadata, c.promise)
			issuer, err := New(s.o)
			if err != nil {
				t.Fatal(err)
			}
			s := &site{Issuer: issuer, at: s.at}
			address, secret, err := s.Begin(t.Context(), redirect, "a state", false)
			if err != nil {
				t.Fatal(err)
			}
			answer := s.at.Visit(t, address).Query()
			if answer.Del("iss"); c.from != nil {
				answer["iss"] = c.from
			}
			exchanged := s.at.Asked(testissuer.Token)
			who, err := s.Finish(t.Context(), redirect, secret, answer)
			if c.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			s.refused(t, who, err, dossier.CodeForbidden, "not from People & Co")
			if s.at.Asked(testissuer.Token) != exchanged {
				t.Error("the code of another issuer was sent to this one")
			}
		})
	}
}

// Tokens that must not be accepted, and some that must.
func TestTokens(t *testing.T) {
	s := start(t)
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	// The mistake of many libraries: the public key, which everybody has, taken for a key that is shared.
	der, err := x509.MarshalPKIXPublicKey(s.at.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	claim := func(name string, value any) func(*testissuer.Forged) {
		return func(f *testissuer.Forged) { f.Claims[name] = value }
	}
	without := func(name string) func(*testissuer.Forged) {
		return func(f *testissuer.Forged) { delete(f.Claims, name) }
	}
	// To a decoder for which names count in any case, and of several the last, the claim is still the issuer's own.
	folded := func(name string, value any) func(*testissuer.Forged) {
		return func(f *testissuer.Forged) {
			f.Last = map[string]any{strings.ToUpper(name): f.Claims[name]}
			f.Claims[name] = value
		}
	}
	for _, c := range []struct {
		name   string
		change func(*testissuer.Forged)
		// words are what people are told; empty: they are signed in.
		words string
		// algorithm: it is why.
		algorithm bool
	}{
		{"signed again", func(*testissuer.Forged) {}, "", false},
		{"of another issuer", claim("iss", "https://evil.example"), "not accepted", false},
		{"of the issuer with a slash", claim("iss", s.at.URL+"/"), "not accepted", false},
		{"for another client", claim("aud", []string{"another"}), "not accepted", false},
		{"for nobody", without("aud"), "not accepted", false},
		{"for two clients, one of them authorized", claim("aud", []string{"another", testissuer.ClientID}), "", false},
		{"for two clients, the other authorized", func(f *testissuer.Forged) {
			f.Claims["aud"], f.Claims["azp"] = []string{testissuer.ClientID, "another"}, "another"
		}, "not accepted", false},
		{"for two clients, none authorized", func(f *testissuer.Forged) {
			f.Claims["aud"] = []string{testissuer.ClientID, "another"}
			delete(f.Claims, "azp")
		}, "not accepted", false},
		{"for us, another authorized", claim("azp", "another"), "not accepted", false},
		{"for us, authorized is a number", claim("azp", 7), "not accepted", false},
		{"for us as one text, nobody authorized", func(f *testissuer.Forged) {
			f.Claims["aud"] = testissuer.ClientID
			delete(f.Claims, "azp")
		}, "", false},
		{"of another sign-in", claim("nonce", "another"), "not accepted", false},
		{"without a nonce", without("nonce"), "not accepted", false},
		{"without a subject", without("sub"), "not accepted", false},
		{"with another subject that reads the same to a decoder", claim("\u017fub", "eve"), "not accepted", false},
		{"of another issuer, and ours to a decoder that folds", folded("iss", "https://evil.example"), "not accepted",
			false},
		{"for another client, and us to a decoder that folds", folded("aud", "another"), "not accepted", false},
		{"of another sign-in, and ours to a decoder that folds", folded("nonce", "another"), "not accepted", false},
		{"of another subject, and ours to a decoder that folds", folded("sub", "eve"), "not accepted", false},
		{"with a subject that is too long", claim("sub", strings.Repeat("s", 256)), "not accepted", false},
		{"with a subject of two lines", claim("sub", "a\nb"), "not accepted", false},
		{"unsigned", func(f *testissuer.Forged) { f.Algorithm = "none" }, "not accepted", true},
		{"with the public key as a shared one", func(f *testissuer.Forged) {
			f.Algorithm, f.Key = jose.HS256, public
		}, "not accepted", true},
		{"with the client's secret as the key", func(f *testissuer.Forged) {
			f.Algorithm, f.Key = jose.HS256, []byte(strings.Repeat(testissuer.ClientSecret, 2))
		}, "not accepted", true},
		{"signed by a stranger who names the issuer's key", func(f *testissuer.Forged) { f.Key = other },
			"not accepted", false},
		{"signed by a stranger", func(f *testissuer.Forged) { f.Key, f.KeyID = other, "stranger" }, "not accepted",
			false},
		{"expired 30 seconds ago", claim("exp", at(-30*time.Second)), "", false},
		{"expired 5 minutes ago", claim("exp", at(-5*time.Minute)), "the clock of this site", false},
		{"without an end", without("exp"), "not accepted", false},
		{"with an end that is no time", claim("exp", "soon"), "not accepted", false},
		{"with an end beyond all times", claim("exp", 1e300), "not accepted", false},
		{"issued in 30 seconds", claim("iat", at(30*time.Second)), "", false},
		{"issued in 5 minutes", claim("iat", at(5*time.Minute)), "the clock of this site", false},
		{"without a beginning", without("iat"), "not accepted", false},
		{"good in 30 seconds", claim("nbf", at(30*time.Second)), "", false},
		{"good in 2 minutes", claim("nbf", at(2*time.Minute)), "the clock of this site", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.at.Forge(t, c.change)
			algorithms := strings.Count(s.log.String(), "unexpected signature algorithm")
			who, err := s.signIn(t)
			if c.words == "" {
				if err != nil || who.Subject != "ada-1815" {
					t.Errorf("signed in %+v, error %v", who, err)
				}
				return
			}
			s.refused(t, who, err, dossier.CodeForbidden, c.words)
			// No key decides about an algorithm that is not allowed.
			if c.algorithm != (strings.Count(s.log.String(), "unexpected signature algorithm") > algorithms) {
				t.Errorf("whether the algorithm is why: not %t", c.algorithm)
			}
		})
	}
}

// A site whose clock is wrong.
func TestClock(t *testing.T) {
	for wrong, ok := range map[time.Duration]bool{30 * time.Second: true, -30 * time.Second: true,
		// Tokens of this issuer last five minutes, so a clock that is ahead of it by less does not show.
		7 * time.Minute: false, -5 * time.Minute: false} {
		t.Run(wrong.String(), func(t *testing.T) {
			s := start(t, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(wrong) } })
			who, err := s.signIn(t)
			if ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			s.refused(t, who, err, dossier.CodeForbidden, "the clock of this site or of People & Co is wrong")
		})
	}
}

// A key that the issuer replaces is found, and no token makes the site ask for keys again and again.
func TestRotation(t *testing.T) {
	s := start(t, func(o *Options) { o.KeysEvery = time.Nanosecond })
	if _, err := s.signIn(t); err != nil {
		t.Fatal(err)
	}
	s.at.Rotate(t)
	if _, err := s.signIn(t); err != nil {
		t.Errorf("after the key was replaced: %v", err)
	}

	s = start(t, func(o *Options) { o.KeysEvery = time.Hour })
	if _, err := s.signIn(t); err != nil {
		t.Fatal(err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s.at.Forge(t, func(f *testissuer.Forged) { f.Key, f.KeyID = stranger, rand.Text() })
	for range 5 {
		who, err := s.signIn(t)
		s.refused(t, who, err, dossier.CodeForbidden, "not accepted")
	}
	if n := s.at.Asked(testissuer.Keys); n != 1 {
		t.Errorf("strangers' tokens had the keys fetched %d times", n)
	}
}

// Metadata are fetched again when they are old, with the keys: one that the issuer withdrew is not good for ever. While
// they cannot be fetched, the old ones are good.
func TestMetadataAge(t *testing.T) {
	s := start(t, func(o *Options) { o.MetadataAge, o.KeysEvery = time.Nanosecond, time.Nanosecond })
	for range 2 {
		if _, err := s.signIn(t); err != nil {
			t.Fatal(err)
		}
	}
	if s.at.Asked(testissuer.Metadata) < 2 || s.at.Asked(testissuer.Keys) != 2 {
		t.Errorf("metadata were fetched %d times, keys %d times", s.at.Asked(testissuer.Metadata),
			s.at.Asked(testissuer.Keys))
	}
	s.at.Fail(testissuer.Metadata, status(http.StatusInternalServerError))
	if _, err := s.signIn(t); err != nil {
		t.Errorf("while only the metadata fail: %v", err)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>innards</h1>", code) }
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// cut ends the connection without an answer, as an issuer that is down.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Each way in which an issuer can fail is an outage, is told as one, and is over when the issuer is back.
func TestOutages(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed to %s", r.URL)
	}))
	t.Cleanup(elsewhere.Close)
	// A server sees that its client has left once it has read the request.
	wait := func(r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	faults := map[string]http.HandlerFunc{
		"cut":  cut,
		"slow": func(_ http.ResponseWriter, r *http.Request) { wait(r) },
		"slow after a word": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			wait(r)
		},
		"500":     status(500),
		"503":     status(503),
		"404":     status(404),
		"garbage": body("\x00\x01<html>garbage"),
		"list":    body("[]"),
		"1 GB": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"keys":["`)
			for block, n := bytes.Repeat([]byte("x"), 1<<20), 0; n < 1<<10; n++ {
				if _, err := w.Write(block); err != nil {
					return // the site has had enough
				}
			}
			t.Error("the site took 1 GB")
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
	}
	for _, path := range []string{testissuer.Metadata, testissuer.Token, testissuer.Keys, testissuer.UserInfo} {
		for name, fault := range faults {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				timeout := 300 * time.Millisecond
				if name == "1 GB" {
					timeout = time.Minute // which must not be what ends it
				}
				s := start(t, func(o *Options) { o.Timeout, o.KeysEvery = timeout, time.Nanosecond })
				s.at.KeepClaims(path != testissuer.UserInfo)
				s.at.Fail(path, fault)
				who, err := s.signIn(t)
				s.refused(t, who, err, dossier.CodeUnavailable, "People & Co is not responding")
				if text := err.Error(); len(text) > 600 {
					t.Errorf("the error has %d bytes", len(text))
				}
				s.at.Fail(path, nil)
				// A busy machine may need more than the time that made the fault a short one.
				s.o.Timeout = time.Minute
				s.client, s.meta = newClient(time.Minute), metadata{issuer: s.Issuer, lock: make(chan struct{}, 1)}
				if _, err := s.signIn(t); err != nil {
					t.Errorf("after the fault: %v", err)
				}
			})
		}
	}
}

// Metadata that would send secrets where anybody can read them, or that are another issuer's.
func TestMetadata(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":      func(m map[string]any) { m["issuer"] = "https://evil.example" },
		"a slash":             func(m map[string]any) { m["issuer"] = fmt.Sprint(m["issuer"], "/") },
		"no token endpoint":   func(m map[string]any) { delete(m, "token_endpoint") },
		"token in clear":      func(m map[string]any) { m["token_endpoint"] = "http://people.example/token" },
		"keys in clear":       func(m map[string]any) { m["jwks_uri"] = "http://people.example/keys" },
		"keys in a file":      func(m map[string]any) { m["jwks_uri"] = "file:///etc/passwd" },
		"sign-in by script":   func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)//x" },
		"sign-in is relative": func(m map[string]any) { m["authorization_endpoint"] = "/authorize" },
		"claims in clear":     func(m map[string]any) { m["userinfo_endpoint"] = "http://people.example/claims" },
		"no secret is taken": func(
			m map[string]any) {
			m["token_endpoint_auth_methods_supported"] = []string{"none"}
		},
		"methods are no list":  func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = 7 },
		"a user in an address": func(m map[string]any) { m["token_endpoint"] = "https://a:b@people.example/token" },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.at.Change(testissuer.Metadata, change)
			address, _, err := s.Begin(t.Context(), redirect, "a state", false)
			words := "not responding"
			if name == "another issuer" || name == "a slash" {
				words = "not set up correctly"
				if text := s.log.String(); !strings.Contains(text, "names itself otherwise than DOSSIER_STAFF_ISSUER") {
					t.Errorf("the log does not say what to do:\n%s", text)
				}
			}
			s.refused(t, staff.Identity{}, err, dossier.CodeUnavailable, words)
			if address != "" {
				t.Errorf("the browser is sent to %s", address)
			}
		})
	}
}

// The client proves itself in the way that the issuer takes, at the first try: a failed one could use up the code.
func TestClientSecret(t *testing.T) {
	for name, methods := range map[string][]string{"basic": {"client_secret_basic", "client_secret_post"},
		"unsaid": nil} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.at.Change(testissuer.Metadata, func(m map[string]any) {
				if delete(m, "token_endpoint_auth_methods_supported"); methods != nil {
					m["token_endpoint_auth_methods_supported"] = methods
				}
			})
			if _, err := s.signIn(t); err != nil || s.at.Asked(testissuer.Token) != 1 {
				t.Errorf("signed in after %d tries, error %v", s.at.Asked(testissuer.Token), err)
			}
		})
	}
	t.Run("in the form", func(t *testing.T) {
		s := start(t)
		s.at.Change(testissuer.Metadata, func(m map[string]any) {
			m["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
		})
		s.at.Fail(testissuer.Token, func(w http.ResponseWriter, r *http.Request) {
			if _, _, basic := r.BasicAuth(); basic || r.PostFormValue("client_secret") != testissuer.ClientSecret {
				t.Error("the secret is not in the form")
			}
			s.at.Real(w, r)
		})
		if _, err := s.signIn(t); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong", func(t *testing.T) {
		s := start(t, func(o *Options) { o.ClientSecret = "wrong" })
		who, err := s.signIn(t)
		s.refused(t, who, err, dossier.CodeUnavailable, "not set up correctly at People & Co")
		if s.at.Asked(testissuer.Token) != 1 || !strings.Contains(s.log.String(), "compare the client ID") {
			t.Errorf("after %d tries, the log is\n%s", s.at.Asked(testissuer.Token), s.log.String())
		}
	})
}

// Many people who sign in at once ask the issuer for its metadata and keys together, and wait for a slow one together.
func TestTogether(t *testing.T) {
	s := start(t)
	const people = 10
	arrived := make(chan struct{}, people)
	open := make(chan struct{})
	s.at.Fail(testissuer.Metadata, func(w http.ResponseWriter, r *http.Request) {
		<-open
		s.at.Real(w, r)
	})
	var all sync.WaitGroup
	for range people {
		all.Go(func() {
			arrived <- struct{}{}
			if _, err := s.signIn(t); err != nil {
				t.Error(err)
			}
		})
	}
	for range people {
		<-arrived
	}
	close(open)
	all.Wait()
	if n := s.at.Asked(testissuer.Metadata); n != 1 {
		t.Errorf("the metadata were fetched %d times", n)
	}
	if n := s.at.Asked(testissuer.Token); n != people {
		t.Errorf("%d codes were exchanged", n)
	}
}

// Who waited while somebody else asked an issuer that is down does not ask it again.
func TestTogetherDown(t *testing.T) {
	s := start(t)
	s.meta.tried, s.meta.err = time.Now().Add(time.Hour), errors.New("the issuer is down")
	_, _, err := s.Begin(t.Context(), redirect, "a state", false)
	s.refused(t, staff.Identity{}, err, dossier.CodeUnavailable, "not responding")
	if n := s.at.Asked(testissuer.Metadata); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

// Who goes away is told nothing, and does not spoil what others wait for.
func TestGone(t *testing.T) {
	s := start(t)
	asked := make(chan struct{})
	open := make(chan struct{})
	s.at.Fail(testissuer.Metadata, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-open
		s.at.Real(w, r)
	})
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, _, err := s.Begin(ctx, redirect, "a state", false)
		first <- err
	}()
	<-asked
	second := make(chan error, 1)
	waiting, give := context.WithCancel(t.Context())
	go func() {
		_, _, err := s.Begin(waiting, redirect, "a state", false)
		second <- err
	}()
	give()
	if err := <-second; !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("who gave up waiting got %v", err)
	}
	leave()
	close(open)
	<-first
	if _, _, err := s.Begin(t.Context(), redirect, "a state", false); err != nil ||
		s.at.Asked(testissuer.Metadata) != 1 {
		t.Errorf("the next got %v after %d fetches", err, s.at.Asked(testissuer.Metadata))
	}
}

func TestNew(t *testing.T) {
	good := Options{URL: "https://people.example", ClientID: "id", ClientSecret: "secret"}
	for name, change := range map[string]func(*Options){
		"in clear":     func(o *Options) { o.URL = "http://people.example" },
		"no host":      func(o *Options) { o.URL = "https:///x" },
		"with a user":  func(o *Options) { o.URL = "https://a:b@people.example" },
		"no client":    func(o *Options) { o.ClientID = "" },
		"no secret":    func(o *Options) { o.ClientSecret = "" },
		"no URL":       func(o *Options) { o.URL = "" },
		"unreadable":   func(o *Options) { o.URL = "https://people.example:port" },
		"other scheme": func(o *Options) { o.URL = "ftp://people.example" },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, address := range []string{"https://people.example", "http://localhost:1", "http://127.0.0.1:1",
		"http://[::1]:1"} {
		o := good
		o.URL = address
		if i, err := New(o); err != nil || i.Name() != strings.SplitN(address, "/", 3)[2] {
			t.Errorf("%s: %v", address, err)
		}
	}
}
