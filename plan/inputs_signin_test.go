package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestSignIn: of a balancer's actions, who has to sign in is told apart from where requests go.
func TestSignIn(t *testing.T) {
	type actions = []any
	forward := func(to string) any { return in{"type": "forward", "targetGroupArn": to} }
	sign := func(by, without string) any {
		inputs := in{"issuer": "https://a.example"}
		if without != "" {
			inputs["onUnauthenticatedRequest"] = without
		}
		return in{"type": "authenticate-" + by, "authenticate" + map[string]string{"oidc": "Oidc",
			"cognito": "Cognito"}[by]: inputs}
	}
	ordered := func(action any, n int) any {
		with := in{"order": n}
		for key, v := range action.(in) {
			with[key] = v
		}
		return with
	}
	const nobody, elsewhere = "nobody has to sign in", "requests go elsewhere"
	for _, c := range []struct {
		name    string
		was, is actions
		want    [][2]string
	}{
		{"oidc, for those who want", actions{sign("oidc", "deny"), forward("a")},
			actions{sign("oidc", "allow"), forward("a")}, [][2]string{{exposes, nobody}}},
		{"cognito, for those who want", actions{sign("cognito", "authenticate"), forward("a")},
			actions{sign("cognito", "allow"), forward("a")}, [][2]string{{exposes, nobody}}},
		{"for those who want, where nothing was said", actions{sign("oidc", ""), forward("a")},
			actions{sign("oidc", "allow"), forward("a")}, [][2]string{{exposes, nobody}}},
		{"for nobody", actions{sign("oidc", "deny"), forward("a")}, actions{forward("a")},
			[][2]string{{exposes, nobody}}},
		{"for everyone", actions{sign("oidc", "allow"), forward("a")}, actions{sign("oidc", "deny"), forward("a")},
			[][2]string{{stops, "not signed in is no longer served"}}},
		{"newly", actions{forward("a")}, actions{sign("cognito", ""), forward("a")},
			[][2]string{{stops, "not signed in is no longer served"}}},
		{"newly, for those who want", actions{forward("a")}, actions{sign("cognito", "allow"), forward("a")}, nil},
		{"another way", actions{sign("oidc", "deny"), forward("a")}, actions{sign("cognito", "deny"), forward("a")},
			[][2]string{{stops, "sign in another way"}}},
		{"to another target", actions{sign("oidc", "deny"), forward("a")}, actions{sign("oidc", "deny"), forward("b")},
			[][2]string{{stops, elsewhere}}},
		{"in the same order, said", actions{sign("oidc", "deny"), forward("a")},
			actions{ordered(sign("oidc", "deny"), 1), ordered(forward("a"), 2)}, nil},
		{"to both", actions{sign("oidc", "deny"), forward("a")}, actions{sign("oidc", "allow"), forward("b")},
			[][2]string{{exposes, nobody}, {stops, elsewhere}}},
	} {
		for token, path := range map[string]string{"lb/listener:Listener": "defaultActions",
			"lb/listenerRule:ListenerRule": "actions"} {
			t.Run(c.name+" "+path, func(t *testing.T) {
				base, head := two(t, func(b *graphtest.Builder) {
					b.Add(token, "x", in{"listenerArn": "l", path: c.was})
				}, func(b *graphtest.Builder) { b.Set(token, "x", path, c.is) })
				tells(t, between(base, head).Environments[0].Dangers, c.want)
			})
		}
	}
}
