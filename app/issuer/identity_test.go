package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"dossier.example/app"
	"dossier.example/app/internal/testissuer"
	"dossier.example/app/staff"
)

// Who comes in, as whom, by claims and settings.
func TestAdmission(t *testing.T) {
	type m = map[string]any
	roles := []Grant{{"admins", staff.Administrator}, {"clerks", staff.Editor}, {"all", staff.Viewer}}
	allow := []Grant{{"ada@people.example", staff.Editor}, {"people.example", ""}, {"lab.example", staff.Viewer}}
	for _, c := range []struct {
		name   string
		claim  string
		roles  []Grant
		allow  []Grant
		claims m
		role   staff.Role
		// words are what people are told; empty: they come in.
		words string
	}{
		{"nobody by default", "", nil, nil, m{"email": "ada@people.example", "email_verified": true}, "",
			"knows you as ada@people.example, but you have no access"},
		{"nobody without an address", "", nil, allow, m{}, "", "knows you, but you have no access"},
		{"a role by a list", "groups", roles, nil, m{"groups": []string{"x", "clerks"}}, staff.Editor, ""},
		{"a role by a text", "role", roles, nil, m{"role": "all"}, staff.Viewer, ""},
		{"the most of several", "groups", roles, nil, m{"groups": []string{"all", "admins", "clerks"}},
			staff.Administrator, ""},
		{"no group of ours", "groups", roles, nil, m{"groups": []string{"Admins", "admins ", "adm"}}, "", "no access"},
		{"no groups", "groups", roles, nil, m{}, "", "no access"},
		{"groups that are none", "groups", roles, nil, m{"groups": m{"admins": true}}, "", "no access"},
		{"a list of odd things", "groups", roles, nil, m{"groups": []any{7, nil, m{}, "all"}}, staff.Viewer, ""},
		{"a path", "realm_access.roles", roles, nil, m{"realm_access": m{"roles": []string{"admins"}}},
			staff.Administrator, ""},
		{"a path that ends early", "realm_access.roles", roles, nil, m{"realm_access": "admins"}, "", "no access"},
		{"a name with dots", "https://people.example/roles", roles, nil,
			m{"https://people.example/roles": []string{"all"}}, staff.Viewer, ""},
		{"Cognito's name", "cognito:groups", roles, nil, m{"cognito:groups": []string{"clerks"}}, staff.Editor, ""},
		{"an address", "", nil, allow, m{"email": "ADA@People.example", "email_verified": true}, staff.Editor, ""},
		{"an address, as a text", "", nil, allow, m{"email": "ada@people.example", "email_verified": "true"},
			staff.Editor, ""},
		{"a domain, without a role", "", nil, allow, m{"email": "eve@people.example", "email_verified": true}, "", ""},
		{"a domain, with a role", "", nil, allow, m{"email": "eve@lab.example", "email_verified": true}, staff.Viewer,
			""},
		{"a claim and an address", "groups", roles, allow,
			m{"groups": "admins", "email": "ada@people.example", "email_verified": true}, staff.Administrator, ""},
		{"an address above a claim", "groups", roles, allow,
			m{"groups": "all", "email": "ada@people.example", "email_verified": true}, staff.Editor, ""},
		{"not verified", "", nil, allow, m{"email": "ada@people.example", "email_verified": false}, "",
			"has not verified that the address ada@people.example is yours"},
		{"verified by a word", "", nil, allow, m{"email": "ada@people.example", "email_verified": "yes"}, "",
			"has not verified"},
		{"verified by a number", "", nil, allow, m{"email": "ada@people.example", "email_verified": 1}, "",
			"has not verified"},
		{"of a proven domain", "", nil, allow, m{"email": "ada@people.example", "xms_edov": true}, staff.Editor, ""},
		{"of a proven domain, as a number", "", nil, allow, m{"email": "ada@people.example", "xms_edov": "1"},
			staff.Editor,
			""},
		{"not of a proven domain", "", nil, allow, m{"email": "ada@people.example", "xms_edov": false}, "",
			"has not verified"},
		{"of a proven domain, but not verified", "", nil, allow,
			m{"email": "ada@people.example", "email_verified": false, "xms_edov": true}, "", "has not verified"},
		{"nothing said of it", "", nil, allow, m{"email": "ada@people.example"}, "", "has not verified"},
		{"not verified, but a role", "groups", roles, allow, m{"groups": "all", "email": "ada@people.example"},
			staff.Viewer, ""},
		{"a subdomain", "", nil, allow, m{"email": "eve@sub.people.example", "email_verified": true}, "", "no access"},
		{"a domain that ends alike", "", nil, allow, m{"email": "eve@evilpeople.example", "email_verified": true}, "",
			"no access"},
		{"a domain in the local part", "", nil, allow, m{"email": "people.example@evil.example",
			"email_verified": true},
			"", "no access"},
		{"two addresses", "", nil, allow, m{"email": "eve@evil.example,ada@people.example", "email_verified": true}, "",
			"no access"},
		{"two at signs", "", nil, allow, m{"email": `"x@evil.example"@people.example`, "email_verified": true}, "",
			"no access"},
		{"letters that look alike", "", nil, []Grant{{"kelvin.example", ""}},
			m{"email": "eve@\u212Aelvin.example", "email_verified": true}, "", "no access"},
		{"an address that is none", "", nil, allow, m{"email": 7, "email_verified": true}, "", "no access"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, func(o *Options) { o.RoleClaim, o.Roles, o.Allow = c.claim, c.roles, c.allow })
			c.claims["name"] = "Ada"
			s.at.SignsIn(testissuer.Person{Subject: "somebody", Claims: c.claims})
			who, err := s.signIn(t)
			if c.words != "" {
				s.refused(t, who, err, dossier.CodeForbidden, c.words)
				return
			}
			if err != nil || who.Role != c.role || who.Subject != "somebody" || who.Issuer != s.at.URL {
				t.Errorf("signed in %+v, error %v, want the role %q", who, err, c.role)
			}
		})
	}
}

// Google verifies an address once. Whoever left an organization keeps an account with its address.
func TestGoogle(t *testing.T) {
	type m = map[string]any
	allow := []Grant{{"people.example", ""}, {"bob@people.example", staff.Editor}, {"gmail.com", ""},
		{"googlemail.com", ""}}
	for name, c := range map[string]struct {
		claims m
		role   staff.Role
		// words are what people are told; empty: they come in.
		words string
	}{
		"of the organization":           {m{"email": "ada@people.example", "hd": "people.example"}, "", ""},
		"of its second domain":          {m{"email": "ada@people.example", "hd": "main.example"}, "", ""},
		"of none":                       {m{"email": "ada@people.example"}, "", "not by an account of an organization"},
		"of none, with a plus":          {m{"email": "ada+x@people.example"}, "", "of an organization"},
		"of none that is said":          {m{"email": "ada@people.example", "hd": ""}, "", "of an organization"},
		"named by its address":          {m{"email": "bob@people.example"}, staff.Editor, ""},
		"named, and of the domain":      {m{"email": "bob@people.example", "hd": "people.example"}, staff.Editor, ""},
		"Google's own":                  {m{"email": "eve@GMAIL.com"}, "", ""},
		"Google's own, elsewhere":       {m{"email": "eve@googlemail.com"}, "", ""},
		"of another organization":       {m{"email": "eve@evil.example", "hd": "evil.example"}, "", "no access"},
		"another, that says it is ours": {m{"email": "eve@evil.example", "hd": "people.example"}, "", "no access"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(o *Options) { o.RoleClaim, o.Roles, o.Allow = "", nil, allow })
			s.google = true
			c.claims["name"], c.claims["email_verified"] = "Somebody", true
			s.at.SignsIn(testissuer.Person{Subject: "somebody", Claims: c.claims})
			who, err := s.signIn(t)
			if c.words != "" {
				s.refused(t, who, err, dossier.CodeForbidden, c.words)
				mend := "list the address itself in DOSSIER_STAFF_ALLOW to let it in"
				logged, wants := strings.Contains(s.log.String(), mend), strings.Contains(c.words, "organization")
				if logged != wants {
					t.Errorf("the log says to list the address: %v, want %v", logged, wants)
				}
				return
			}
			if err != nil || who.Role != c.role || who.Address != c.claims["email"] {
				t.Errorf("signed in %+v, error %v, want the role %q", who, err, c.role)
			}
		})
	}
	for address, want := range map[string]bool{googleURL: true, "https://people.example": false,
		googleURL + ".people.example": false} {
		if i, err := New(Options{URL: address, ClientID: "a", ClientSecret: "b"}); err != nil || i.google != want {
			t.Errorf("%s is Google: %v, error %v", address, i.google, err)
		}
	}
}

// What the ID token says of an address is not mixed with what is said elsewhere.
func TestClaimsElsewhere(t *testing.T) {
	s := start(t, func(o *Options) { o.RoleClaim, o.Allow = "", []Grant{{"people.example", ""}} })
	s.at.KeepClaims(false)
	s.at.Forge(t, func(f *testissuer.Forged) { f.Claims["email"] = "eve@people.example" })
	who, err := s.signIn(t)
	s.refused(t, who, err, dossier.CodeForbidden, "has not verified that the address eve@people.example is yours")

	s.at.Forge(t, nil)
	for _, change := range []func(map[string]any){
		func(answer map[string]any) { answer["sub"] = "somebody else" },
		func(answer map[string]any) { answer["sub"], answer["\u017fub"] = "somebody else", answer["sub"] },
	} {
		s.at.Change(testissuer.UserInfo, change)
		who, err = s.signIn(t)
		s.refused(t, who, err, dossier.CodeForbidden, "not accepted")
	}
}

// An issuer that refuses the other claims, or writes one oddly, keeps nobody out whom the ID token lets in.
func TestOddClaimsElsewhere(t *testing.T) {
	type m = map[string]any
	inToken := func(claims m) testissuer.Person { return testissuer.Person{Subject: "somebody", Claims: claims} }
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		claims m
		fail   http.HandlerFunc
		change func(m)
		want   staff.Identity
		// words are what people are told; empty: they come in.
		words string
		// logged is in the log.
		logged string
	}{
		"refused, but not needed": {claims: m{"groups": "everybody", "name": "Ada"}, fail: status(403),
			want: staff.Identity{Name: "Ada", Role: staff.Viewer}, logged: "compare the scopes"},
		"refused otherwise": {claims: m{"groups": "everybody", "name": "Ada"}, fail: status(401),
			want: staff.Identity{Name: "Ada", Role: staff.Viewer}, logged: "compare the scopes"},
		"refused, and needed": {claims: m{"name": "Ada"}, fail: status(403), words: "no access",
			logged: "compare the scopes"},
		"down": {claims: m{"groups": "everybody", "name": "Ada"}, fail: status(429), words: "not responding"},
		"an address verified by a number": {claims: m{"groups": "everybody"},
			change: func(answer m) {
				answer["name"], answer["email"], answer["email_verified"] = "Ada", "ada@people.example", 1
			},
			want: staff.Identity{Name: "Ada", Address: "ada@people.example", Role: staff.Viewer}},
		"an address verified by nothing": {claims: m{"groups": "everybody"},
			change: func(answer m) {
				answer["name"], answer["email"], answer["email_verified"] = "Ada", "ada@people.example", nil
			},
			want: staff.Identity{Name: "Ada", Address: "ada@people.example", Role: staff.Viewer}},
		"claims that are null": {claims: m{"groups": nil, "email": nil, "name": "Ada", "azp": nil, "nbf": nil},
			change: func(answer m) {
				answer["groups"], answer["email"], answer["email_verified"] = "everybody", "ada@people.example", true
				answer["name"] = nil
			},
			want: staff.Identity{Name: "Ada", Address: "ada@people.example", Verified: true, Role: staff.Viewer}},
		"too many groups": {claims: m{"name": "Ada", "email": "ada@people.example",
			"_claim_names":   m{"groups": "src1"},
			"_claim_sources": m{"src1": m{"endpoint": "https://graph.example/users/1/getMemberObjects"}}},
			words: "no access", logged: "the claim groups is too long for the token"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.at.SignsIn(inToken(c.claims))
			s.at.Forge(t, func(f *testissuer.Forged) {
				for name, value := range c.claims {
					if value == nil { // which the issuer leaves out
						f.Claims[name] = nil
					}
				}
			})
			if c.fail != nil {
				s.at.Fail(testissuer.UserInfo, c.fail)
			}
			if c.change != nil {
				s.at.Change(testissuer.UserInfo, c.change)
			}
			who, err := s.signIn(t)
			switch {
			case c.words == "not responding":
				s.refused(t, who, err, dossier.CodeUnavailable, c.words)
			case c.words != "":
				s.refused(t, who, err, dossier.CodeForbidden, c.words)
			default:
				c.want.Issuer, c.want.Subject = s.at.URL, "somebody"
				if err != nil || who != c.want {
					t.Errorf("signed in %+v, error %v, want %+v", who, err, c.want)
				}
			}
			if !strings.Contains(s.log.String(), c.logged) {
				t.Errorf("%q is not in the log:\n%s", c.logged, s.log.String())
			}
		})
	}
}

// Claims that are signed are believed if the issuer signed them.
func TestSignedClaimsElsewhere(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]bool{"the issuer's": false, "somebody else's": true} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.at.SignsIn(testissuer.Person{Subject: "somebody", Claims: map[string]any{"groups": "everybody"}})
			var signed string
			s.at.Forge(t, func(f *testissuer.Forged) {
				key := jose.JSONWebKey{Key: f.Key, KeyID: f.KeyID}
				if forged {
					key.Key = stranger
				}
				signer, err := jose.NewSigner(jose.SigningKey{Algorithm: f.Algorithm, Key: key}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				token, err := signer.Sign([]byte(`{"sub": "somebody", "name": "Ada"}`))
				if err == nil {
					signed, err = token.CompactSerialize()
				}
				if err != nil {
					t.Error(err)
				}
			})
			s.at.Fail(testissuer.UserInfo, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/jwt; charset=utf-8")
				_, _ = io.WriteString(w, signed)
			})
			who, err := s.signIn(t)
			if forged {
				s.refused(t, who, err, dossier.CodeUnavailable, "not responding")
			} else if err != nil || who.Name != "Ada" {
				t.Errorf("signed in %+v, error %v", who, err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	type m = map[string]any
	for _, c := range []struct {
		claims m
		want   string
	}{
		{m{"name": "Ada Lovelace"}, "Ada Lovelace"},
		{m{"name": " \t\n", "given_name": "Ada", "family_name": "Lovelace"}, "Ada Lovelace"},
		{m{"family_name": "Lovelace"}, "Lovelace"},
		{m{"preferred_username": "ada"}, "ada"},
		{m{"email": "ada@people.example"}, "ada@people.example"},
		{m{}, ""},
		{m{"name": 7, "preferred_username": "ada"}, "ada"},
		{m{"name": "<script>alert(1)</script>"}, "<script>alert(1)</script>"}, // pages escape it
		{m{"name": "Ada\u202e\u0000\r\nLovelace\ufeff"}, "Ada Lovelace"},
		{m{"name": "\xff"}, ""},
		{m{"name": strings.Repeat("é", 300)}, strings.Repeat("é", dossier.MaxNameLength)},
	} {
		s := start(t, func(o *Options) { o.Roles = []Grant{{"all", staff.Viewer}} })
		c.claims["groups"] = "all"
		s.at.SignsIn(testissuer.Person{Subject: "somebody", Claims: c.claims})
		if who, err := s.signIn(t); err != nil || who.Name != c.want {
			t.Errorf("%v is called %q, error %v, want %q", c.claims, who.Name, err, c.want)
		}
	}
}
