package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestNewUsers: what a new user pool lets in is told, and a client, a domain, a group and the style of its pages are
// nothing to be told. With the pool its parts go, and that its users go is what counts.
func TestNewUsers(t *testing.T) {
	parts := func(inputs map[string]any) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			pool := b.Add("cognito/userPool:UserPool", "users", inputs)
			b.Add("cognito/userPoolClient:UserPoolClient", "site", map[string]any{"userPoolId": pool.ID,
				"generateSecret": true})
			b.Add("cognito/userPoolDomain:UserPoolDomain", "pages",
				map[string]any{"userPoolId": pool.ID, "domain": "a"})
			b.Add("cognito/userGroup:UserGroup", "editors", map[string]any{"userPoolId": pool.ID, "name": "editor"})
			b.Add("cloudcontrol/resource:Resource", "style", map[string]any{
				"typeName": "AWS::Cognito::ManagedLoginBranding", "desiredState": `{"UserPoolId":"a"}`})
		}
	}
	closed := map[string]any{"adminCreateUserConfig": map[string]any{"allowAdminCreateUserOnly": true},
		"deletionProtection": "ACTIVE"}
	for name, c := range map[string]struct {
		base, head func(*graphtest.Builder)
		want       []string
	}{
		"made by administrators": {nil, parts(closed), nil},
		"open to everyone":       {nil, parts(nil), []string{exposes + " everyone can make an account in it"}},
		"a resource of anything": {nil, func(b *graphtest.Builder) {
			b.Add("cloudcontrol/resource:Resource", "any", map[string]any{"typeName": "AWS::IAM::User"})
		}, []string{notJudged + " nothing here judges"}},
		"the style goes": {parts(closed), func(b *graphtest.Builder) {
			b.Remove("cloudcontrol/resource:Resource", "style")
		}, nil},
		"a client without a secret": {parts(closed), func(b *graphtest.Builder) {
			b.Set("cognito/userPoolClient:UserPoolClient", "site", "generateSecret", false)
		}, []string{weakens + " whoever knows its ID can pass for it", stops + " is replaced by a new one"}},
		"tokens that nobody revokes": {parts(closed), func(b *graphtest.Builder) {
			b.Set("cognito/userPoolClient:UserPoolClient", "site", "enableTokenRevocation", false)
		}, []string{weakens + " tokens can no longer be revoked"}},
		"a group goes": {parts(closed), func(b *graphtest.Builder) {
			b.Remove("cognito/userGroup:UserGroup", "editors")
		}, []string{stops + " its members lose"}},
		"the pool goes with all": {parts(closed), func(b *graphtest.Builder) {
			for _, of := range []string{"cognito/userPool:UserPool users", "cognito/userPoolClient:UserPoolClient site",
				"cognito/userPoolDomain:UserPoolDomain pages", "cognito/userGroup:UserGroup editors",
				"cloudcontrol/resource:Resource style"} {
				kind, name, _ := strings.Cut(of, " ")
				b.Remove(kind, name)
			}
		}, []string{"data deleted its users with it; AWS refuses, because of its deletion protection"}},
	} {
		t.Run(name, func(t *testing.T) {
			nothing := func(*graphtest.Builder) {}
			if c.base == nil {
				c.base = nothing
			}
			base, head := two(t, c.base, c.head)
			found := between(base, head).Environments[0].Dangers
			for _, want := range c.want {
				i := slices.IndexFunc(found, func(d Danger) bool {
					rest, ok := strings.CutPrefix(want, d.Kind+" ")
					return ok && strings.Contains(d.What, rest)
				})
				if i < 0 {
					t.Errorf("there is no %q in %v", want, found)
				}
			}
			if len(found) != len(c.want) {
				t.Errorf("the dangers are %v, want %d", found, len(c.want))
			}
		})
	}
}
