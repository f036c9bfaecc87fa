package issuer

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/testissuer"
	"dossier.example/app/staff"
)

// cognitoSubject is in the form of a user's id in a pool.
const cognitoSubject = "b3a4c8d2-70a1-7001-4f2e-1c9d7a9e5b60"

// asCognito has an issuer answer as a user pool of Amazon Cognito does, by AWS's documents: its metadata name it by one
// host and its pages and endpoints by another, and promise no parameter iss
// (https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html); an ID token has neither azp
// nor a name, unless somebody gave one, and lists groups under "cognito:groups"
// (https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html); where
// the access token opens the claims, email_verified is a text
// (https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html). It returns the pages' host.
func asCognito(t *testing.T, at *testissuer.Issuer, groups ...string) (pages string) {
	t.Helper()
	pages = strings.Replace(at.URL, "localhost", "127.0.0.1", 1)
	claims := map[string]any{"email": "ada@people.example", "email_verified": true,
		"cognito:username": cognitoSubject}
	if len(groups) > 0 {
		claims["cognito:groups"] = groups
	}
	at.SignsIn(testissuer.Person{Subject: cognitoSubject, Claims: claims})
	at.Change(testissuer.Metadata, func(answer map[string]any) {
		clear(answer)
		for name, value := range map[string]any{
			"issuer": at.URL, "jwks_uri": at.URL + testissuer.Keys,
			"authorization_endpoint":                pages + testissuer.Authorization,
			"token_endpoint":                        pages + testissuer.Token,
			"userinfo_endpoint":                     pages + testissuer.UserInfo,
			"revocation_endpoint":                   pages + "/oauth2/revoke",
			"end_session_endpoint":                  pages + "/logout",
			"id_token_signing_alg_values_supported": []string{"RS256"},
			"response_types_supported":              []string{"code", "token"},
			"scopes_supported":                      []string{"openid", "email", "phone", "profile"},
			"subject_types_supported":               []string{"public"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		} {
			answer[name] = value
		}
	})
	at.Forge(t, func(f *testissuer.Forged) {
		delete(f.Claims, "azp")
		f.Claims["aud"], f.Claims["token_use"] = testissuer.ClientID, "id"
		f.Claims["origin_jti"], f.Claims["event_id"] = "a", "b"
	})
	at.Change(testissuer.UserInfo, func(answer map[string]any) {
		clear(answer)
		answer["sub"], answer["username"] = cognitoSubject, cognitoSubject
		answer["email"], answer["email_verified"] = "ada@people.example", "true"
	})
	return pages
}

func pool(o *Options) {
	o.Name, o.RoleClaim = "Amazon Cognito", "cognito:groups"
	o.Roles = []Grant{{"viewer", staff.Viewer}, {"editor", staff.Editor}, {"administrator", staff.Administrator}}
}

// Who is in a group of a user pool comes in with its role, and nobody else does.
func TestCognito(t *testing.T) {
	for name, c := range map[string]struct {
		groups []string
		want   staff.Role
	}{
		"one group":   {[]string{"viewer"}, staff.Viewer},
		"two groups":  {[]string{"viewer", "administrator"}, staff.Administrator},
		"no group":    {nil, ""},
		"other group": {[]string{"us-east-1_A1b2C3d4E_Google"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, pool)
			pages := asCognito(t, s.at, c.groups...)
			address, _, err := s.Begin(t.Context(), redirect, "a state", false)
			if err != nil || !strings.HasPrefix(address, pages+testissuer.Authorization+"?") {
				t.Errorf("the browser is sent to %s, error %v", address, err)
			}
			who, err := s.signIn(t)
			if c.want == "" {
				s.refused(t, who, err, dossier.CodeForbidden, "Amazon Cognito")
				return
			}
			want := staff.Identity{Issuer: s.at.URL, Subject: cognitoSubject,
				Name: "ada@people.example", Address: "ada@people.example", Verified: true, Role: c.want}
			if err != nil || who != want {
				t.Errorf("signed in %+v, error %v, want %+v", who, err, want)
			}
		})
	}
}

// Managed login asks for proof again where it is asked to, and the pages of before do not: then nobody is taken for
// proven.
func TestCognitoAgain(t *testing.T) {
	for name, old := range map[string]time.Duration{"managed login": 0, "classic pages": 40 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := start(t, pool)
			asCognito(t, s.at, "administrator")
			s.at.Forge(t, func(f *testissuer.Forged) { f.Claims["auth_time"] = time.Now().Add(-old).Unix() })
			address, secret, err := s.Begin(t.Context(), redirect, "a state", true)
			if err != nil {
				t.Fatal(err)
			}
			if u, err := url.Parse(address); err != nil || u.Query().Get("prompt") != "login" {
				t.Errorf("the browser is sent to %s, error %v", address, err)
			}
			who, err := s.Finish(t.Context(), redirect, secret, s.at.Visit(t, address).Query())
			if old > 0 {
				s.refused(t, who, err, dossier.CodeForbidden, "has not asked you for proof again")
			} else if err != nil || who.Role != staff.Administrator {
				t.Errorf("signed in %+v, error %v", who, err)
			}
		})
	}
}
