// Package testissuer is an OpenID Connect issuer for tests: zitadel's provider, which people sign in to by a button,
// and which can be made to fail, to lie, and to send what no issuer may.
package testissuer

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// ClientID and ClientSecret are those of the one client.
const (
	ClientID     = "dossier-test"
	ClientSecret = "the client's secret: ?&%+/="
)

// The paths of the issuer.
const (
	Metadata      = "/.well-known/openid-configuration"
	Keys          = "/keys"
	Authorization = "/authorize"
	Token         = "/oauth/token"
	UserInfo      = "/userinfo"
)

// Person is somebody who signs in.
type Person struct {
	Subject string
	// Claims are what is said of them beside the subject.
	Claims map[string]any
}

// Ada is a person with a verified address and the group "administrators".
func Ada() Person {
	return Person{Subject: "ada-1815", Claims: map[string]any{"name": "Ada Lovelace", "email": "ada@people.example",
		"email_verified": true, "groups": []string{"everybody", "administrators"}}}
}

// Issuer is a running issuer with one client.
type Issuer struct {
	// URL names the issuer.
	URL string

	server   *httptest.Server
	provider http.Handler
	store    *store

	mu     sync.Mutex
	faults map[string]http.HandlerFunc
	asked  map[string]int
}

// Start starts an issuer whose client gets its codes at the redirects.
func Start(t testing.TB, redirects ...string) *Issuer {
	t.Helper()
	i := &Issuer{faults: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	i.store = &store{redirects: redirects, requests: map[string]*request{}, codes: map[string]string{},
		tokens: map[string]Person{}, person: Ada(), inToken: true}
	key, err := firstKey()
	if err != nil {
		t.Fatal(err)
	}
	i.store.key = key
	i.server = httptest.NewUnstartedServer(i)
	// Another site than one at 127.0.0.1, for browsers: ports do not make sites.
	_, port, err := net.SplitHostPort(i.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	i.URL = "http://localhost:" + port
	var tokens [32]byte
	_, _ = rand.Read(tokens[:])
	provider, err := op.NewProvider(&op.Config{CryptoKey: tokens, CodeMethodS256: true}, i.store,
		op.StaticIssuer(i.URL),
		op.WithAllowInsecure())
	if err != nil {
		t.Fatalf("start an issuer: %v", err)
	}
	i.provider = provider
	i.store.callback = op.AuthCallbackURL(provider)
	i.server.Start()
	t.Cleanup(i.server.Close)
	return i
}

// SignsIn sets who signs in next.
func (i *Issuer) SignsIn(p Person) {
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	i.store.person = p
}

// KeepClaims sets whether the claims are in the ID token, as at first, or where the access token opens them alone.
func (i *Issuer) KeepClaims(inToken bool) {
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	i.store.inToken = inToken
}

// Rotate replaces the key that tokens are signed with; the former one is no longer among the keys.
func (i *Issuer) Rotate(t testing.TB) {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	i.store.key = key
}

// Fail has a path answered otherwise; nil: as the issuer does.
func (i *Issuer) Fail(path string, answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults[path] = answer
}

// Real answers as the issuer does.
func (i *Issuer) Real(w http.ResponseWriter, r *http.Request) { i.provider.ServeHTTP(w, r) }

// Change has the JSON that a path answers changed; nil: not.
func (i *Issuer) Change(path string, change func(answer map[string]any)) {
	if change == nil {
		i.Fail(path, nil)
		return
	}
	i.Fail(path, func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{}
		status, err := i.record(r, &answer)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		change(answer)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// record returns what the issuer answers.
func (i *Issuer) record(r *http.Request, answer any) (status int, err error) {
	res := httptest.NewRecorder()
	i.provider.ServeHTTP(res, r)
	if err := json.Unmarshal(res.Body.Bytes(), answer); err != nil {
		return 0, fmt.Errorf("the issuer answers %q: %w", res.Body, err)
	}
	return res.Code, nil
}

// Forged is an ID token that is not the issuer's own.
type Forged struct {
	Claims map[string]any
	// Last has claims that come after all others.
	Last map[string]any
	// Algorithm, Key and KeyID are those that it is signed with; at first the issuer's own. The algorithm "none" needs
	// no key.
	Algorithm jose.SignatureAlgorithm
	Key       any
	KeyID     string
}

// Forge has every ID token changed, and signed again; nil: not.
func (i *Issuer) Forge(t testing.TB, change func(*Forged)) {
	if change == nil {
		i.Change(Token, nil)
		return
	}
	i.Change(Token, func(answer map[string]any) {
		raw, _ := answer["id_token"].(string)
		if raw == "" {
			return // a refusal
		}
		i.store.mu.Lock()
		key := i.store.key
		i.store.mu.Unlock()
		f := &Forged{Algorithm: jose.RS256, Key: key.key, KeyID: key.id}
		token, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
		if err == nil {
			err = json.Unmarshal(token.UnsafePayloadWithoutVerification(), &f.Claims)
		}
		if err == nil {
			change(f)
			answer["id_token"], err = f.sign()
		}
		if err != nil {
			t.Errorf("forge a token: %v", err)
		}
	})
}

func (f *Forged) sign() (string, error) {
	payload, err := json.Marshal(f.Claims)
	if err != nil {
		return "", err
	}
	if len(f.Last) > 0 {
		last, err := json.Marshal(f.Last)
		if err != nil {
			return "", err
		}
		payload = slices.Concat(payload[:len(payload)-1], []byte(","), last[1:])
	}
	if f.Algorithm == "none" {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." +
			base64.RawURLEncoding.EncodeToString(payload) + ".", nil
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: f.Algorithm,
		Key: jose.JSONWebKey{Key: f.Key, KeyID: f.KeyID}},
		nil)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// PublicKey returns the key that whoever asks gets.
func (i *Issuer) PublicKey() crypto.PublicKey {
	i.store.mu.Lock()
	defer i.store.mu.Unlock()
	return i.store.key.key.Public()
}

// Asked returns how often a path was asked for.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked[r.URL.Path]++
	fault := i.faults[r.URL.Path]
	i.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, r)
	case r.URL.Path == loginPath:
		i.login(w, r)
	default:
		i.provider.ServeHTTP(w, r)
	}
}

const loginPath = "/login"

var loginPage = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Issuer</title>
<link rel="icon" href="data:,">
<form method="post" action="/login"><input type="hidden" name="id" value="{{.}}">
<button id="agree">Sign in</button> <button id="decline" name="decline" value="yes">Cancel</button></form></html>`))

// login is the page on which somebody signs in, or declines to.
func (i *Issuer) login(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	if r.Method == http.MethodGet {
		_ = loginPage.Execute(w, id)
		return
	}
	i.store.mu.Lock()
	asked := i.store.requests[id]
	person := i.store.person
	i.store.mu.Unlock()
	if asked == nil {
		http.Error(w, "no such sign-in", http.StatusNotFound)
		return
	}
	if r.FormValue("decline") != "" {
		http.Redirect(w, r, asked.RedirectURI+"?"+url.Values{"error": {"access_denied"},
			"error_description": {"<b>declined</b>"}, "state": {asked.State}}.Encode(), http.StatusFound)
		return
	}
	i.store.mu.Lock()
	asked.person, asked.done = person, time.Now()
	i.store.mu.Unlock()
	http.Redirect(w, r, i.store.callback(r.Context(), id), http.StatusFound)
}

// Visit signs somebody in, as a browser that was sent to an address does, and returns where it is sent then.
func (i *Issuer) Visit(t testing.TB, address string) *url.URL {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(method, address string, form url.Values) *url.URL {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := client.Do(r)
		if err != nil {
			t.Fatalf("visit the issuer: %v", err)
		}
		defer res.Body.Close()
		to, err := res.Location()
		if err != nil {
			body, _ := io.ReadAll(res.Body)
			t.Fatalf("the issuer answers %s to %s: %s", res.Status, address, body)
		}
		return to
	}
	login := visit(http.MethodGet, address, nil)
	back := visit(http.MethodPost, i.URL+loginPath, login.Query())
	return visit(http.MethodGet, back.String(), nil)
}

// store is what the provider keeps. The methods that are not here are those of grants that the client has not.
type store struct {
	op.Storage
	redirects []string
	callback  func(context.Context, string) string

	mu       sync.Mutex
	key      signingKey
	person   Person
	inToken  bool
	requests map[string]*request
	codes    map[string]string
	tokens   map[string]Person
}

// request is one sign-in.
type request struct {
	*oidc.AuthRequest
	id     string
	person Person
	done   time.Time
}

func (r *request) GetID() string                      { return r.id }
func (r *request) GetACR() string                     { return "" }
func (r *request) GetAMR() []string                   { return []string{"pwd"} }
func (r *request) GetAudience() []string              { return []string{r.ClientID} }
func (r *request) GetAuthTime() time.Time             { return r.done }
func (r *request) GetClientID() string                { return r.ClientID }
func (r *request) GetNonce() string                   { return r.Nonce }
func (r *request) GetRedirectURI() string             { return r.RedirectURI }
func (r *request) GetResponseType() oidc.ResponseType { return r.ResponseType }
func (r *request) GetResponseMode() oidc.ResponseMode { return r.ResponseMode }
func (r *request) GetScopes() []string                { return r.Scopes }
func (r *request) GetState() string                   { return r.State }
func (r *request) GetSubject() string                 { return r.person.Subject }
func (r *request) Done() bool                         { return !r.done.IsZero() }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

func (s *store) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	// What this site must send, whatever a lenient issuer would take.
	if asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || asked.Nonce == "" || asked.State == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("a challenge, a nonce and a state are needed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &request{AuthRequest: asked, id: rand.Text()}
	s.requests[r.id] = r
	return r, nil
}

func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.requests[id]; r != nil {
		return r, nil
	}
	return nil, errors.New("no such sign-in")
}

func (s *store) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	maps.DeleteFunc(s.codes, func(_, of string) bool { return of == id })
	return nil
}

func (s *store) CreateAccessToken(_ context.Context, asked op.TokenRequest) (string, time.Time, error) {
	r, ok := asked.(*request)
	if !ok {
		return "", time.Time{}, errors.New("no sign-in")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := rand.Text()
	s.tokens[id] = r.person
	return id, time.Now().Add(time.Minute), nil
}

func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != ClientID {
		return nil, errors.New("no such client")
	}
	return client{s}, nil
}

func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != ClientID || secret != ClientSecret {
		return errors.New("another secret")
	}
	return nil
}

func (s *store) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, _ []string) error {
	info.Subject = subject
	return nil
}

// SetUserinfoFromRequest puts claims into the ID token.
func (s *store) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, asked op.IDTokenRequest,
	_ []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := asked.(*request); ok && s.inToken {
		fill(info, r.person)
	}
	return nil
}

// SetUserinfoFromToken returns claims for an access token.
func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, ok := s.tokens[id]
	if !ok {
		return errors.New("no such token")
	}
	info.Subject = person.Subject
	fill(info, person)
	return nil
}

func fill(info *oidc.UserInfo, p Person) {
	for name, value := range p.Claims {
		info.AppendClaims(name, value)
	}
}

func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, nil
}

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *store) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []op.Key{publicKey{s.key}}, nil
}

func (s *store) Health(context.Context) error { return nil }

type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

func newKey() (signingKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return signingKey{rand.Text(), key}, err
}

// firstKey is that of all issuers of a process, for making one takes time.
var firstKey = sync.OnceValues(newKey)

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type publicKey struct{ signingKey }

func (k publicKey) Key() any                           { return k.key.Public() }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }

// client is the one client.
type client struct{ store *store }

func (c client) GetID() string                       { return ClientID }
func (c client) RedirectURIs() []string              { return c.store.redirects }
func (c client) PostLogoutRedirectURIs() []string    { return nil }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c client) LoginURL(id string) string {
	return loginPath + "?" + url.Values{"id": {cmp.Or(id, "none")}}.Encode()
}
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration      { return 5 * time.Minute }
func (c client) DevMode() bool                       { return true } // takes redirects by http
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c client) IsScopeAllowed(string) bool           { return true }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) ClockSkew() time.Duration             { return 0 }
