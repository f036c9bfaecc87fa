package config

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"dossier.example/app/setting"
)

// Issuer is the OpenID Connect issuer that staff sign in with.
type Issuer struct {
	// URL names the issuer as it names itself, to the letter; empty: there is none.
	URL string
	// Name is what people call it; empty: its host.
	Name string
	// ClientID and ClientSecret are what the site is registered by.
	ClientID     string
	ClientSecret Secret
	// Scopes are what is asked for.
	Scopes []string
	// Contexts are those (acr) of which a sign-in has one, and Methods those (amr) that it has all of; empty: any will
	// do.
	Contexts, Methods []string
	// RoleClaim is the claim that gives roles; empty: none does.
	RoleClaim string
	// Roles are the values of that claim that give a role.
	Roles []Grant
	// Allow are addresses, and domains of addresses, that come in; without a role, accounts keep their own.
	Allow []Grant
	// Only: staff sign in with the issuer alone.
	Only bool
}

// Grant gives a role to whom it names.
type Grant struct {
	// To is a value of a claim, an address or a domain.
	To string
	// Role is the name of a role; empty: none in particular.
	Role string
}

// roles are the names of the roles; those of package staff, of which this one knows nothing.
var roles = []string{"viewer", "editor", "administrator"}

// issuerURL takes the URL of an issuer. It stays as it is, with or without a slash at its end: issuers are compared to
// the letter (OpenID Connect Core 1.0, section 2).
func issuerURL() setting.Kind[string] {
	return setting.Kind[string]{
		Allowed: "an https URL without a query, such as https://accounts.google.com; http is accepted for this " +
			"machine alone",
		Parse: func(s string) (string, error) {
			u, err := url.Parse(s)
			if err != nil || u.Host == "" || !isHost(u.Hostname()) || u.User != nil || strings.ContainsAny(s, "?#") ||
				u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
				return "", setting.ErrNot
			}
			return s, nil
		},
		Format: setting.Itself,
	}
}

// line takes a short text on one line.
func line(most int) setting.Kind[string] {
	return setting.Kind[string]{
		Allowed: fmt.Sprintf("text of up to %d characters on one line", most),
		Parse: func(s string) (string, error) {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most ||
				strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				return "", setting.ErrNot
			}
			return s, nil
		},
		Format: setting.Itself,
	}
}

// words takes a list of texts of a pattern.
func words(allowed, pattern string) setting.Kind[[]string] {
	one := setting.Text("", pattern)
	return setting.Kind[[]string]{
		Allowed: allowed,
		Parse: func(s string) ([]string, error) {
			var all []string
			for word := range strings.SplitSeq(s, ",") {
				word = strings.TrimSpace(word)
				if _, err := one.Parse(word); err != nil {
					return nil, err
				}
				all = append(all, word)
			}
			return all, nil
		},
		Format: func(all []string) string { return strings.Join(all, ",") },
	}
}

// scopes takes a list of scopes (RFC 6749, section 3.3), of which one makes the request OpenID Connect's.
func scopes() setting.Kind[[]string] {
	k := words("a list of scopes separated by commas that contains openid, such as openid,profile,email",
		`[!#-\[\]-~]+`)
	parse := k.Parse
	k.Parse = func(s string) ([]string, error) {
		all, err := parse(s)
		if err == nil && !slices.Contains(all, "openid") {
			return nil, errors.New("openid is missing")
		}
		return all, err
	}
	return k
}

// claimed takes a list of what an issuer says of how somebody signed in.
func claimed(such string) setting.Kind[[]string] {
	return words("a list separated by commas, such as "+such, `[!-+\--~]{1,200}`)
}

// grants takes a list of what gives a role. An entry may lack its role if optional. A comma that belongs to an entry
// has a backslash before it: directories name groups by several parts, such as CN=Clerks,OU=Groups. No other backslash
// means anything, for Windows has them in names of groups.
func grants(allowed string, optional bool, good func(to string) bool) setting.Kind[[]Grant] {
	const comma = "\x00" // no variable holds it
	return setting.Kind[[]Grant]{
		Allowed: allowed,
		Parse: func(s string) ([]Grant, error) {
			var all []Grant
			n := 0
			for entry := range strings.SplitSeq(strings.ReplaceAll(s, `\,`, comma), ",") {
				n++
				entry = strings.ReplaceAll(entry, comma, ",")
				g := Grant{To: strings.TrimSpace(entry)}
				if at := strings.LastIndexByte(entry, '='); at >= 0 {
					g = Grant{To: strings.TrimSpace(entry[:at]), Role: strings.TrimSpace(entry[at+1:])}
					if !slices.Contains(roles, g.Role) {
						return nil, fmt.Errorf("entry %d gives no role that exists", n)
					}
				} else if !optional {
					return nil, fmt.Errorf("entry %d gives no role", n)
				}
				if !good(g.To) {
					return nil, fmt.Errorf("entry %d names nobody", n)
				}
				all = append(all, g)
			}
			return all, nil
		},
		Format: func(all []Grant) string {
			entries := make([]string, len(all))
			for i, g := range all {
				if entries[i] = strings.ReplaceAll(g.To, ",", `\,`); g.Role != "" {
					entries[i] += "=" + g.Role
				}
			}
			return strings.Join(entries, ",")
		},
	}
}

// isAddressOrDomain reports whether mail goes to s, or to addresses of s.
func isAddressOrDomain(s string) bool {
	domain := s
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		address, err := mail.ParseAddress(s)
		if err != nil || address.Address != s {
			return false
		}
		domain = s[at+1:]
	}
	_, err := netip.ParseAddr(domain)
	return err != nil && isHost(domain) && strings.Contains(domain, ".") && !strings.HasSuffix(domain, ".")
}

// The settings of the issuer, which rules over several name.
const (
	issuerEnv       = "DOSSIER_STAFF_ISSUER"
	clientIDEnv     = "DOSSIER_STAFF_CLIENT_ID"
	clientSecretEnv = "DOSSIER_STAFF_CLIENT_SECRET"
	roleClaimEnv    = "DOSSIER_STAFF_ROLE_CLAIM"
	rolesEnv        = "DOSSIER_STAFF_ROLES"
	allowEnv        = "DOSSIER_STAFF_ALLOW"
)

// issuerSettings say which issuer staff sign in with, and who may.
var issuerSettings = sync.OnceValue(func() []row {
	return []row{
		define(row{
			env: issuerEnv, parameter: "staff/issuer", purposes: Serve,
			doc: "OpenID Connect issuer that staff sign in with, exactly as it names itself (see " +
				"[sign-in.md](sign-in.md)); requires `DOSSIER_PUBLIC_URL` with https, except on this machine. Not " +
				"set: staff sign in without one.",
		}, issuerURL(), func(c *Config) *string { return &c.Staff.Issuer.URL }),
		define(row{
			env: "DOSSIER_STAFF_ISSUER_NAME", parameter: "staff/issuer-name", purposes: Serve,
			doc: "What people call the issuer: the button says \"Sign in with\" and this name. Not set: its host.",
		}, line(40), func(c *Config) *string { return &c.Staff.Issuer.Name }),
		define(row{
			env: "DOSSIER_STAFF_ISSUER_ONLY", parameter: "staff/issuer-only", preset: "false", purposes: Serve,
			doc: "Whether staff sign in with the issuer alone. Keys and passwords are then neither asked for nor " +
				"accepted.",
		}, boolean(), func(c *Config) *bool { return &c.Staff.Issuer.Only }),
		define(row{
			env: clientIDEnv, parameter: "staff/client-id", purposes: Serve,
			doc: "ID of the client that this site is registered as; required with `DOSSIER_STAFF_ISSUER`.",
		}, setting.Text("1 to 255 printable ASCII characters", `[!-~]([ -~]{0,253}[!-~])?`), func(c *Config) *string {
			return &c.Staff.Issuer.ClientID
		}),
		define(row{
			env: clientSecretEnv, parameter: "staff/client-secret", purposes: Serve,
			doc: "Secret of that client; required with `DOSSIER_STAFF_ISSUER`.",
		}, secret(1), func(c *Config) *Secret { return &c.Staff.Issuer.ClientSecret }),
		define(row{
			env: "DOSSIER_STAFF_SCOPES", parameter: "staff/scopes", preset: "openid,profile,email", purposes: Serve,
			doc: "Scopes that the issuer is asked for.",
		}, scopes(), func(c *Config) *[]string { return &c.Staff.Issuer.Scopes }),
		define(row{
			env: "DOSSIER_STAFF_ACR", parameter: "staff/acr", purposes: Serve,
			doc: "Authentication contexts (`acr`), as the issuer names them, of which each sign-in must have one. " +
				"The issuer is asked for them. Not set: any will do.",
		}, claimed("urn:example:silver,urn:example:gold"), func(c *Config) *[]string {
			return &c.Staff.Issuer.Contexts
		}),
		define(row{
			env: "DOSSIER_STAFF_AMR", parameter: "staff/amr", purposes: Serve,
			doc: "Authentication methods (`amr`), as the issuer names them, all of which each sign-in must have, " +
				"such as `mfa`. Not set: any will do.",
		}, claimed("pwd,otp"), func(c *Config) *[]string { return &c.Staff.Issuer.Methods }),
		define(row{
			env: roleClaimEnv, parameter: "staff/role-claim", purposes: Serve,
			doc: "Claim that gives roles, such as `groups`, `cognito:groups` or, with a path, `realm_access.roles`. " +
				"Not set: no claim does.",
		}, setting.Text("1 to 200 characters without white space", `[^\s\x00-\x1f\x7f]{1,200}`),
			func(c *Config) *string {
				return &c.Staff.Issuer.RoleClaim
			}),
		define(row{
			env: rolesEnv, parameter: "staff/roles", preset: "viewer=viewer,editor=editor,administrator=administrator",
			purposes: Serve,
			doc: "Values of that claim, each with the role that it gives. Of several, the role that may do most " +
				"counts, from each sign-in on.",
		}, grants("a list of values with their roles separated by commas (one in a value has a backslash before it), "+
			"such as dossier-admins=administrator,clerks=editor: each role viewer, editor or administrator", false,
			func(to string) bool { return to != "" }),
			func(c *Config) *[]Grant { return &c.Staff.Issuer.Roles }),
		define(row{
			env: allowEnv, parameter: "staff/allow", purposes: Serve,
			doc: "Addresses, and domains of addresses, that may come in if the issuer has verified the address, " +
				"each with " +
				"a role if it is to hold from each sign-in on. Without one, new accounts are viewers, and " +
				"administrators change that. Not set: nobody comes in by an address.",
		}, grants("a list of addresses and domains separated by commas, such as "+
			"example.org,ada@example.org=administrator: "+
			"each role viewer, editor or administrator", true, isAddressOrDomain),
			func(c *Config) *[]Grant { return &c.Staff.Issuer.Allow }),
	}
})

// checkIssuer applies the rules that concern several settings of the issuer.
func (l *loader) checkIssuer() {
	if !l.wants(issuerEnv) {
		return
	}
	if !l.IsGiven(issuerEnv) {
		for _, r := range issuerSettings() {
			if l.IsGiven(r.env) {
				l.missing(issuerEnv, "needed because "+r.env+" is set")
				return
			}
		}
		return
	}
	for _, env := range []string{clientIDEnv, clientSecretEnv} {
		if !l.IsGiven(env) {
			l.missing(env, "needed because "+issuerEnv+" is set")
		}
	}
	switch {
	case !l.IsGiven(roleClaimEnv) && l.IsGiven(rolesEnv):
		l.missing(roleClaimEnv, "needed because "+rolesEnv+" is set")
	case !l.IsGiven(roleClaimEnv) && !l.IsGiven(allowEnv):
		l.missing(allowEnv, "needed because "+issuerEnv+" is set, but not "+roleClaimEnv+": nobody could come in")
	}
	if !l.sound("DOSSIER_PUBLIC_URL", "DOSSIER_LISTEN") || l.Config.HTTP.SecureCookies() {
		return
	}
	// The issuer sends codes there, which nobody may read on the way.
	if u, err := url.Parse(l.Config.HTTP.Origin(nil)); err != nil || !isLoopback(u.Hostname()) ||
		l.Config.HTTP.PublicURL == "" && !l.listensHere() {
		if l.Config.HTTP.PublicURL == "" {
			l.missing("DOSSIER_PUBLIC_URL", "needed because "+issuerEnv+" is set, and others can reach the server")
			return
		}
		l.Fault(l.FaultOf("DOSSIER_PUBLIC_URL", "must begin with https because "+issuerEnv+
			" is set: sign-ins would travel unencrypted"))
	}
}

// listensHere reports whether this machine alone can reach the server.
func (l *loader) listensHere() bool {
	u, err := url.Parse("http://" + l.Config.HTTP.Listen)
	return err == nil && isLoopback(u.Hostname())
}
