package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// claims are what the issuer says of somebody, by name.
type claims struct {
	subject string
	all     map[string]json.RawMessage
}

// text returns a claim that is a text; empty if there is none.
func (c *claims) text(name string) string {
	var text string
	if json.Unmarshal(c.all[name], &text) != nil {
		return ""
	}
	return text
}

// at returns the time of a claim, zero if there is none, and whether it is a time.
func (c *claims) at(name string) (time.Time, bool) {
	raw, sent := c.all[name]
	if !sent {
		return time.Time{}, true
	}
	var seconds float64
	// Beyond these bounds, which are far from now, conversions have no meaning.
	if err := json.Unmarshal(raw, &seconds); err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// verify checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7) and returns its claims.
func (i *Issuer) verify(ctx context.Context, found *discovered, raw, nonce string) (*claims, error) {
	token, err := found.verifier.Verify(i.with(ctx), raw)
	if err != nil {
		// Only what was fetched may be better later. What comes of the token stays as it is.
		if outage(err) {
			return nil, i.down(ctx, err)
		}
		return nil, i.refuse(ctx, shortened(err).Error(), i.unfit())
	}
	c := &claims{subject: token.Subject, all: map[string]json.RawMessage{}}
	if err := token.Claims(&c.all); err != nil {
		return nil, i.refuse(ctx, "the ID token is not an object", i.unfit())
	}
	c.tidy()
	// Package oidc decodes as package json does: names count in any case, and of several the last. So a claim that an
	// issuer lets its users name could stand for another one. What was verified must be what the exact names say.
	if c.text("sub") != token.Subject || c.text("iss") != token.Issuer || c.text("nonce") != token.Nonce ||
		!slices.Equal(c.texts("aud"), token.Audience) {
		return nil, i.refuse(ctx, "the ID token has two claims whose names differ in their case alone", i.unfit())
	}
	switch client, sent := c.all["azp"]; {
	case sent && c.text("azp") != i.o.ClientID:
		return nil, i.refuse(ctx, "the ID token is for another client, by its claim azp: "+shortText(string(client)),
			i.unfit())
	case !sent && len(token.Audience) > 1:
		return nil, i.refuse(ctx, "the ID token has several audiences, and does not say which client it is for",
			i.unfit())
	}
	if !sameText(token.Nonce, nonce) {
		return nil, i.refuse(ctx, "the ID token has another nonce, so it is of another sign-in", i.unfit())
	}
	if token.Subject == "" || len(token.Subject) > maxSubject || !utf8.ValidString(token.Subject) ||
		strings.ContainsFunc(token.Subject, unicode.IsControl) {
		return nil, i.refuse(ctx, "the ID token has no subject, or one that cannot be", i.unfit())
	}
	if err := i.times(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// maxSubject is the longest subject (OpenID Connect Core 1.0, section 2), in ASCII characters.
const maxSubject = 255

// outage reports whether a token could not be checked because keys could not be fetched.
func outage(err error) bool {
	// Package oidc wraps no cause here.
	return strings.Contains(err.Error(), "fetching keys") && !strings.Contains(err.Error(), errSeldom.Error())
}

// times checks when an ID token is good, with the skew.
func (i *Issuer) times(ctx context.Context, c *claims) error {
	expires, ok1 := c.at("exp")
	issued, ok2 := c.at("iat")
	begins, ok3 := c.at("nbf")
	if !ok1 || !ok2 || !ok3 || expires.IsZero() || issued.IsZero() {
		return i.refuse(ctx, "the ID token has no times, or ones that cannot be read", i.unfit())
	}
	now := i.o.Now()
	clocks := func(why string) error {
		return i.refuse(ctx, why+"; compare the clocks", dossier.Errorf(dossier.CodeForbidden, nil,
			"The answer of %s is too old, or from the future. Sign in again. If this happens again, the clock of "+
				"this site or "+
				"of %s is wrong: tell an administrator.", i.o.Name, i.o.Name))
	}
	switch {
	case !now.Before(expires.Add(skew)):
		return clocks(fmt.Sprintf("the ID token expired %s ago", now.Sub(expires).Round(time.Second)))
	case issued.After(now.Add(skew)):
		return clocks(fmt.Sprintf("the ID token was issued in %s", issued.Sub(now).Round(time.Second)))
	case begins.After(now.Add(skew)):
		return clocks(fmt.Sprintf("the ID token is good only in %s", begins.Sub(now).Round(time.Second)))
	}
	return nil
}

// asked checks that somebody has proven themselves to the issuer since a sign-in began, in seconds since 1970; empty:
// it may be longer ago. Some issuers, Google among them, do not say when it was. There, whoever signs out and in again
// is not asked either; elsewhere, staff.Identity says how long ago it was.
func (i *Issuer) asked(ctx context.Context, c *claims, begun string) error {
	if begun == "" {
		return nil
	}
	since, err := strconv.ParseInt(begun, 10, 64)
	if err != nil {
		return fmt.Errorf("the secret of a sign-in is none that Begin made: %w", err)
	}
	at, ok := c.at("auth_time")
	if !ok || !at.IsZero() && at.Before(time.Unix(since, 0).Add(-skew)) {
		return i.refuse(ctx, "the issuer has not asked for proof again", dossier.Errorf(dossier.CodeForbidden, nil,
			"%s has not asked you for proof again. Sign out there, and try again.", i.o.Name))
	}
	return nil
}

// strong checks how somebody has proven themselves, by the signed ID token alone. An issuer need not do what it is
// asked for (OpenID Connect Core 1.0, section 3.1.2.1, acr_values).
func (i *Issuer) strong(ctx context.Context, c *claims) error {
	why := ""
	if context := c.text("acr"); len(i.o.Contexts) > 0 && !slices.Contains(i.o.Contexts, context) {
		why = fmt.Sprintf("the ID token has the authentication context %s; accepted are %q",
			shortText(strconv.Quote(context)), i.o.Contexts)
	}
	methods := c.texts("amr")
	for _, method := range i.o.Methods {
		if !slices.Contains(methods, method) {
			why = fmt.Sprintf("the ID token has the authentication methods %s; %q is needed",
				shortText(fmt.Sprintf("%q", methods)), method)
		}
	}
	if why == "" {
		return nil
	}
	return i.refuse(ctx, why, dossier.Errorf(dossier.CodeForbidden, nil, "%s did not say that you proved yourself as "+
		"this site asks for, such as with a second factor. Set one up there, sign out there, and sign in again. If "+
		"this happens again, tell an administrator, who finds in the log what is missing.", i.o.Name))
}

// complete adds the claims that the ID token has not, but that are needed, from where the issuer keeps them: the
// standard allows both (OpenID Connect Core 1.0, section 5.4). What the ID token says counts more, since it is signed.
func (i *Issuer) complete(ctx context.Context, found *discovered, token *oauth2.Token, c *claims) error {
	_, address := c.all["email"]
	if nameOf(c, "") != "" && address && (i.o.RoleClaim == "" || c.find(i.o.RoleClaim) != nil) || found.userInfo == "" {
		return nil
	}
	more, err := i.userInfo(ctx, found, token)
	if refusal, ok := errors.AsType[*statusError](err); ok &&
		(refusal.status == http.StatusUnauthorized || refusal.status == http.StatusForbidden) {
		// The scopes do not open it (RFC 6750, section 3.1), which stays so. The ID token may be enough.
		i.o.Log.WarnContext(ctx, "the issuer refuses the claims that the ID token has not: compare the scopes",
			"issuer", i.o.Name, "err", shortened(err))
		return nil
	}
	if err != nil {
		return i.down(ctx, fmt.Errorf("read the claims: %w", err))
	}
	// The address could have been exchanged for that of somebody else's claims.
	if more.text("sub") != c.subject {
		return i.refuse(ctx, "the claims are of another subject than the ID token", i.unfit())
	}
	for name, value := range more.all {
		// An address and whether it is verified belong together.
		if _, sent := c.all[name]; !sent && (name != "email_verified" && name != "xms_edov" || !address) {
			c.all[name] = value
		}
	}
	return nil
}

// userInfo asks for the claims that the access token opens (OpenID Connect Core 1.0, section 5.3): an object, or one
// that is signed. Package oidc refuses all of them where email_verified is no boolean.
func (i *Issuer) userInfo(ctx context.Context, found *discovered, token *oauth2.Token) (*claims, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, found.userInfo, nil)
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(r)
	res, err := i.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() // only read from
	if res.StatusCode != http.StatusOK {
		return nil, &statusError{r.URL.Redacted(), res.StatusCode}
	}
	body, err := io.ReadAll(res.Body) // which bounded bounds
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "application/jwt" {
		if body, err = found.keys.VerifySignature(ctx, string(body)); err != nil {
			return nil, err
		}
	}
	c := &claims{}
	if err := json.Unmarshal(body, &c.all); err != nil || c.all == nil {
		return nil, errors.New("the claims are not an object")
	}
	c.tidy()
	return c, nil
}

// tidy removes claims that are null, which is to mean that they are not there (OpenID Connect Core 1.0, section 5.3.2).
func (c *claims) tidy() {
	maps.DeleteFunc(c.all, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
}

// find returns a claim by its name, or by the path to it, with dots; nil if there is none.
func (c *claims) find(name string) json.RawMessage {
	if raw, sent := c.all[name]; sent {
		return raw
	}
	at := c.all
	for {
		first, rest, deeper := strings.Cut(name, ".")
		if !deeper {
			return at[first]
		}
		var next map[string]json.RawMessage
		if json.Unmarshal(at[first], &next) != nil {
			return nil
		}
		at, name = next, rest
	}
}

// texts returns the texts of a claim: itself, or those of its list.
func (c *claims) texts(name string) []string {
	raw := c.find(name)
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list) // what is no list has no texts
	var texts []string
	for _, item := range list {
		if json.Unmarshal(item, &one) == nil {
			texts = append(texts, one)
		}
	}
	return texts
}

// admit makes an identity of the claims, if the settings let it in.
func (i *Issuer) admit(ctx context.Context, c *claims) (staff.Identity, error) {
	who := staff.Identity{Issuer: i.o.URL, Subject: c.subject, Address: addressOf(c), Verified: verified(c)}
	if who.Address == "" {
		who.Verified = false
	}
	who.Name = nameOf(c, who.Address)
	if at, ok := c.at("auth_time"); ok && !at.IsZero() && i.o.Now().Sub(at) > skew {
		who.Proof = i.o.Now().Sub(at)
	}
	allowed := false
	give := func(role staff.Role) {
		if allowed = true; !who.Role.May(role) && role != "" {
			who.Role = role
		}
	}
	if i.o.RoleClaim != "" {
		values := c.texts(i.o.RoleClaim)
		for _, g := range i.o.Roles {
			if slices.Contains(values, g.To) {
				give(g.Role)
			}
		}
	}
	byAddress, outside := false, false
	for _, g := range i.o.Allow {
		switch {
		case !fits(g.To, who.Address):
		case i.google && !strings.Contains(g.To, "@") && !hostedByGoogle(c, who.Address):
			outside = true
		default:
			if byAddress = true; who.Verified {
				give(g.Role)
			}
		}
	}
	switch {
	case allowed:
		return who, nil
	case byAddress:
		return staff.Identity{}, i.refuse(ctx, "the address is allowed, but the issuer has not verified it",
			dossier.Errorf(
				dossier.CodeForbidden, nil, "%s has not verified that the address %s is yours. Verify it there, and "+
					"sign in again.",
				i.o.Name, who.Address))
	}
	if outside {
		return staff.Identity{}, i.refuse(ctx, "the domain of the address is allowed, but the account at Google is of "+
			"no organization, by its claim hd: whoever left one may still have it; list the address itself in "+
			"DOSSIER_STAFF_ALLOW to let it in",
			dossier.Errorf(dossier.CodeForbidden, nil, "%s knows you as %s, but not by an account of an organization. "+
				"Sign in with the account that your organization gave you.", i.o.Name, who.Address))
	}
	known := "you"
	if who.Address != "" {
		known = "you as " + who.Address
	}
	why := "no claim and no address gives access"
	if i.o.RoleClaim != "" && c.find("_claim_names."+i.o.RoleClaim) != nil {
		// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#groups-overage-claim
		why += ": the claim " + i.o.RoleClaim + " is too long for the token, which says where it is instead; have " +
			"the issuer send fewer values, such as app roles"
	}
	return staff.Identity{}, i.refuse(ctx, why,
		dossier.Errorf(dossier.CodeForbidden, nil, "%s knows %s, but you have no access to this site. Ask an "+
			"administrator of the site for one of the roles viewer, editor and administrator.", i.o.Name, known))
}

// addressOf returns the address of mail; empty if there is none, or what is there is none.
func addressOf(c *claims) string {
	address := c.text("email")
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > maxAddress {
		return ""
	}
	return address
}

// googleURL is Google's issuer.
const googleURL = "https://accounts.google.com"

// hostedByGoogle reports whether Google still vouches for an address that it has verified: for those of accounts of an
// organization, and its own. Anybody can make an account with an address of another provider, which Google verifies
// once, and which they keep after they lost the address
// (https://developers.google.com/identity/gsi/web/guides/verify-google-id-token).
func hostedByGoogle(c *claims, address string) bool {
	return c.text("hd") != "" || fits("gmail.com", address) || fits("googlemail.com", address)
}

// maxAddress is the longest address that mail can be sent to (RFC 5321, section 4.5.3.1.3, without the brackets).
const maxAddress = 254

// verified reports whether the issuer vouches for the address. Some, Cognito among them, write it as a text. Entra says
// instead whether the address is of a domain that the organization has proven to be its own.
func verified(c *claims) bool {
	for _, name := range []string{"email_verified", "xms_edov"} {
		if raw, sent := c.all[name]; sent {
			text := strings.Trim(string(raw), `"`)
			return text == "true" || name == "xms_edov" && text == "1"
		}
	}
	return false
}

// nameOf returns what to call somebody: the name, else its parts, else what they sign in with.
func nameOf(c *claims, address string) string {
	for _, name := range []string{c.text("name"), c.text("given_name") + " " + c.text("family_name"),
		c.text("preferred_username"), address} {
		if name = tidy(name); name != "" {
			return name
		}
	}
	return ""
}

// tidy returns a name on one line, without what nobody sees, and no longer than names are here.
func tidy(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, name)
	runes := []rune(strings.Join(strings.Fields(name), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), dossier.MaxNameLength)]))
}

// fits reports whether an address is the one that is allowed, or of the domain. Case counts for nothing in ASCII alone:
// elsewhere, letters that look different would count as the same.
func fits(allowed, address string) bool {
	if strings.ContainsFunc(address, func(r rune) bool { return r > unicode.MaxASCII }) {
		return false
	}
	allowed, address = strings.ToLower(allowed), strings.ToLower(address)
	if strings.Contains(allowed, "@") {
		return allowed == address
	}
	at := strings.LastIndexByte(address, '@')
	return at > 0 && address[at+1:] == allowed
}

// shortText returns a stranger's text as the log may have it.
func shortText(text string) string { return shortened(errors.New(text)).Error() }
