// Package issuer signs staff in through an OpenID Connect issuer: it sends browsers there by the authorization code
// flow with PKCE, exchanges the code that they bring back, checks the ID token, and makes a staff.Identity of it.
//
// It decides who may come in, by a claim that gives a role and by addresses that are allowed. It keeps nothing of one
// sign-in: package web gives each browser what belongs to its sign-in and gets it back. The issuer is asked for its
// metadata and keys when somebody signs in, never at the start, so the site runs while its issuer is down.
package issuer

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// Options say which issuer, and whom it lets in.
type Options struct {
	// URL names the issuer, exactly as its metadata and its tokens do: with https, or with http on this machine.
	URL string
	// Name is what people call the issuer, on the button and in messages. Default: the host of URL.
	Name string
	// ClientID and ClientSecret are what the site proves itself to the issuer by.
	ClientID, ClientSecret string
	// Scopes are asked for. Default: DefaultScopes.
	Scopes []string
	// Contexts are authentication contexts (acr) of which an ID token must name one. The issuer is asked for them, the
	// first one first. Empty: any will do.
	Contexts []string
	// Methods are authentication methods (amr, RFC 8176), such as "mfa", all of which an ID token must name.
	Methods []string
	// RoleClaim is the claim that gives roles: a text or a list of texts. A name with dots that is no claim itself is
	// the path to one, such as "realm_access.roles". Empty: no claim gives any.
	RoleClaim string
	// Roles are the values of that claim that give a role. Of several, the role that may do most counts.
	Roles []Grant
	// Allow are the addresses that may come in, if the issuer has verified them.
	Allow []Grant
	// Timeout bounds one request to the issuer. Default: DefaultTimeout.
	Timeout time.Duration
	// KeysEvery is how long keys that were fetched are not fetched again, whatever a token names. Default:
	// DefaultKeysEvery.
	KeysEvery time.Duration
	// MetadataAge is how long metadata and keys are used until they are fetched again. Default: DefaultMetadataAge.
	MetadataAge time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log receives why a sign-in failed, without tokens, codes and addresses. Default: discarded.
	Log *slog.Logger
}

// Grant gives a role to whom it names.
type Grant struct {
	// To is a value of the claim; or, of those that are allowed, an address or the domain of addresses.
	To string
	// Role is empty for those that are allowed without one: an account keeps its own, and a new one is a viewer's.
	Role staff.Role
}

// DefaultScopes ask for the subject, a name and an address.
var DefaultScopes = []string{"openid", "profile", "email"}

// The defaults of Options.
const (
	DefaultTimeout     = 5 * time.Second
	DefaultKeysEvery   = 10 * time.Second
	DefaultMetadataAge = time.Hour
)

const (
	// skew is how far the issuer's clock may be from ours.
	skew = time.Minute
	// whole bounds all requests of one sign-in together, in timeouts of one.
	whole = 3
	// exchanges is how many sign-ins are exchanged at once. A stranger can have codes exchanged that are none, so there
	// is a bound; the issuer has its own for each client.
	exchanges = 32
	// maxCode bounds the code that a browser brings, in bytes: many times what issuers make.
	maxCode = 4 << 10
)

// Issuer signs staff in.
type Issuer struct {
	o      Options
	client *http.Client
	meta   metadata
	turns  chan struct{}
	// google: the issuer is Google.
	google bool
}

// New returns the issuer. It asks nobody.
func New(o Options) (*Issuer, error) {
	u, err := url.Parse(o.URL)
	if err != nil || !safe(u) {
		return nil, fmt.Errorf("issuer: %q must be an https URL, or http on this machine", o.URL)
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("issuer: a client ID and a client secret are needed")
	}
	if o.Name == "" {
		o.Name = u.Host
	}
	if len(o.Scopes) == 0 {
		o.Scopes = DefaultScopes
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.KeysEvery <= 0 {
		o.KeysEvery = DefaultKeysEvery
	}
	if o.MetadataAge <= 0 {
		o.MetadataAge = DefaultMetadataAge
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	i := &Issuer{o: o, client: newClient(o.Timeout), turns: make(chan struct{}, exchanges),
		google: o.URL == googleURL}
	i.meta = metadata{issuer: i, lock: make(chan struct{}, 1)}
	return i, nil
}

// Name returns what people call the issuer.
func (i *Issuer) Name() string { return i.o.Name }

// Begin returns where a browser goes to sign in, and the secret of this sign-in, which Finish needs, and which nobody
// but this browser may bring. The issuer sends the browser to redirect, with the state. Again: it is to ask for proof,
// also of somebody whom it knows.
func (i *Issuer) Begin(ctx context.Context, redirect, state string, again bool) (address, secret string, err error) {
	found, err := i.meta.get(ctx)
	if err != nil {
		return "", "", i.down(ctx, err)
	}
	verifier, nonce := oauth2.GenerateVerifier(), rand.Text()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce)}
	if len(i.o.Contexts) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(i.o.Contexts, " ")))
	}
	secret = verifier + "." + nonce + "."
	if again {
		// Not 0: issuers that look at it a second time, when somebody has just signed in, would ask for ever
		// (https://github.com/DuendeSoftware/products/issues/1545). What is as old is taken for new here.
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"),
			oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(skew/time.Second))))
		secret += strconv.FormatInt(i.o.Now().Unix(), 10)
	}
	return i.config(found, redirect).AuthCodeURL(state, options...), secret, nil
}

// Finish returns who signed in, from the answer that a browser brought from the issuer: the query of its request, of
// which the caller has checked the state. The redirect and the secret are those of Begin. An error is
// dossier.CodeForbidden if somebody else has to sign in or something else has to be set up, and dossier.CodeUnavailable
// if it may be better later; its message is for the one who signs in.
func (i *Issuer) Finish(ctx context.Context, redirect, secret string, answer url.Values) (staff.Identity, error) {
	parts := strings.Split(secret, ".")
	if len(parts) != 3 {
		return staff.Identity{}, errors.New("the secret of a sign-in is none that Begin made")
	}
	verifier, nonce, begun := parts[0], parts[1], parts[2]
	ctx, cancel := context.WithTimeout(ctx, whole*i.o.Timeout)
	defer cancel()
	select {
	case i.turns <- struct{}{}:
		defer func() { <-i.turns }()
	case <-ctx.Done():
		return staff.Identity{}, i.down(ctx, fmt.Errorf("wait for a turn: %w", ctx.Err()))
	}
	found, err := i.meta.get(ctx)
	if err != nil {
		return staff.Identity{}, i.down(ctx, err)
	}
	code, err := i.code(ctx, found, answer)
	if err != nil {
		return staff.Identity{}, err
	}
	token, err := i.config(found, redirect).Exchange(i.with(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return staff.Identity{}, i.exchangeFault(ctx, err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return staff.Identity{}, i.refuse(ctx, "the answer has no ID token", i.unfit())
	}
	c, err := i.verify(ctx, found, raw, nonce)
	if err != nil {
		return staff.Identity{}, err
	}
	if err := i.asked(ctx, c, begun); err != nil {
		return staff.Identity{}, err
	}
	if err := i.strong(ctx, c); err != nil {
		return staff.Identity{}, err
	}
	if err := i.complete(ctx, found, token, c); err != nil {
		return staff.Identity{}, err
	}
	return i.admit(ctx, c)
}

// config returns what package oauth2 needs of a sign-in.
func (i *Issuer) config(found *discovered, redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: i.o.ClientID, ClientSecret: i.o.ClientSecret, Endpoint: found.endpoint,
		RedirectURL: redirect, Scopes: i.o.Scopes}
}

// code returns the code of an answer. Which issuer it is from is looked at first: the answer of another one must get
// nothing from this site (RFC 9207).
func (i *Issuer) code(ctx context.Context, found *discovered, answer url.Values) (string, error) {
	if from, sent := answer["iss"]; sent && !slices.Equal(from, []string{i.o.URL}) || !sent && found.sendsIssuer {
		return "", i.refuse(ctx, "the answer is not from this issuer, by its parameter iss", dossier.Errorf(
			dossier.CodeForbidden, nil, "This answer is not from %s. Sign in again.", i.o.Name))
	}
	if answer.Has("error") {
		return "", i.declined(ctx, answer.Get("error"))
	}
	if codes := answer["code"]; len(codes) == 1 && codes[0] != "" && len(codes[0]) <= maxCode {
		return codes[0], nil
	}
	return "", i.refuse(ctx, "the answer has no code", i.unfit())
}

// sameText compares in constant time.
func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
