package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// algorithms are those that an ID token may be signed with: none that need no key, and none whose key the issuer shares
// with its clients, such as HS256, so that a public key can never pass for a shared one.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256,
	oidc.ES384,
	oidc.ES512, oidc.EdDSA}

// discovered is what the issuer says of itself (OpenID Connect Discovery 1.0), with its keys.
type discovered struct {
	endpoint oauth2.Endpoint
	// userInfo is where claims are that the ID token has not; empty: nowhere.
	userInfo string
	// sendsIssuer: each answer says which issuer it is from (RFC 9207).
	sendsIssuer bool
	keys        oidc.KeySet
	verifier    *oidc.IDTokenVerifier
}

// metadata is what was found out about the issuer, fetched when it is needed and too old.
type metadata struct {
	issuer *Issuer
	// lock has room for the one who reads and writes what follows, so that who waits for it can give up.
	lock  chan struct{}
	found *discovered
	// tried and err are the last try; zero: there was none.
	tried time.Time
	err   error
	// fresh is when found was fetched.
	fresh time.Time
}

// get returns the metadata. One caller fetches them for all who wait. Where that fails, those of before are good for as
// long as the issuer's keys are.
func (m *metadata) get(ctx context.Context) (*discovered, error) {
	came := time.Now()
	select {
	case m.lock <- struct{}{}:
		defer func() { <-m.lock }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the issuer's metadata: %w", ctx.Err())
	}
	// Elapsed time is read from the monotonic clock, so not from Options.Now.
	stale := m.found == nil || time.Since(m.fresh) >= m.issuer.o.MetadataAge
	if stale && !m.tried.After(came) && (m.found == nil || time.Since(m.tried) >= m.issuer.o.KeysEvery) {
		// What one caller fetches is for all: it does not end because that one leaves. The client bounds it.
		found, err := m.fetch(context.WithoutCancel(ctx))
		m.tried, m.err = time.Now(), err
		if err == nil {
			m.found, m.fresh = found, m.tried
		} else {
			m.issuer.o.Log.ErrorContext(ctx, "the issuer's metadata could not be read", "issuer", m.issuer.o.Name,
				"err", shortened(err))
		}
	}
	if m.found == nil {
		return nil, m.err
	}
	return m.found, nil
}

// fetch asks the issuer.
func (m *metadata) fetch(ctx context.Context) (*discovered, error) {
	i := m.issuer
	ctx = i.with(ctx)
	provider, err := oidc.NewProvider(ctx, i.o.URL)
	if err != nil {
		return nil, fmt.Errorf("read the issuer's metadata: %w", err)
	}
	var more struct {
		Keys        string   `json:"jwks_uri"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("read the issuer's metadata: %w", err)
	}
	found := &discovered{endpoint: provider.Endpoint(), userInfo: provider.UserInfoEndpoint(),
		sendsIssuer: more.SendsIssuer}
	for what, address := range map[string]string{"authorization_endpoint": found.endpoint.AuthURL,
		"token_endpoint": found.endpoint.TokenURL, "jwks_uri": more.Keys, "userinfo_endpoint": found.userInfo} {
		if address == "" && what == "userinfo_endpoint" {
			continue
		}
		if u, err := url.Parse(address); err != nil || !safe(u) {
			return nil, fmt.Errorf("the issuer's metadata have no %s that is an https URL", what)
		}
	}
	// A way is chosen, not tried: an attempt that fails can use up the code. The default is RFC 8414's.
	switch {
	case len(more.AuthMethods) == 0, slices.Contains(more.AuthMethods, "client_secret_basic"):
		found.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	case slices.Contains(more.AuthMethods, "client_secret_post"):
		found.endpoint.AuthStyle = oauth2.AuthStyleInParams
	default:
		return nil, errors.New("the issuer takes no client secret: neither client_secret_basic nor client_secret_post")
	}
	keys := &http.Client{Timeout: i.client.Timeout, CheckRedirect: i.client.CheckRedirect,
		Transport: &seldom{RoundTripper: i.client.Transport, every: i.o.KeysEvery}}
	found.keys = oidc.NewRemoteKeySet(oidc.ClientContext(ctx, keys), more.Keys)
	found.verifier = oidc.NewVerifier(i.o.URL, found.keys, &oidc.Config{
		ClientID: i.o.ClientID, SupportedSigningAlgs: algorithms,
		// Package oidc allows no skew for the one, and five minutes for the other. See times.
		SkipExpiryCheck: true,
	})
	return found, nil
}

// with returns a context by which packages oidc and oauth2 use this issuer's client.
func (i *Issuer) with(ctx context.Context) context.Context { return oidc.ClientContext(ctx, i.client) }

// errSeldom says that keys are not fetched because they just were.
var errSeldom = errors.New("the keys were fetched a moment ago, and the token's is not among them")

// seldom fetches keys only if those that were fetched last are some time old. Package oidc asks for them whenever a
// token is signed by none that it knows.
type seldom struct {
	http.RoundTripper
	every time.Duration

	mu   sync.Mutex
	last time.Time
}

func (s *seldom) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && time.Since(s.last) < s.every {
		return nil, errSeldom
	}
	res, err := s.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body) // which bounded bounds
	err = errors.Join(err, res.Body.Close())
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	// What are no keys may be better at once.
	if json.Valid(body) {
		s.last = time.Now()
	}
	return res, nil
}
