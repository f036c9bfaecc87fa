package plan

import (
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestOwnAccount: where the stack says which account it is deployed to, what is written out of that one is not
// foreign, and what is of another one is.
func TestOwnAccount(t *testing.T) {
	const own, foreign = "111122223333", "444455556666"
	role := func(account string) in {
		return in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account +
			`:role/ci"},"Action":"sts:AssumeRole"}`)}
	}
	trusted := [][2]string{{"a foreign principal trusted", "the foreign account of"}}
	one := map[string]string{"aws:allowedAccountIds": `["` + own + `"]`}
	for _, c := range []struct {
		name     string
		config   map[string]string
		provider in
		account  string
		want     [][2]string
	}{
		{"nothing says", nil, nil, own, trusted},
		{"the one that is allowed", one, nil, own, nil},
		{"another one", one, nil, foreign, trusted},
		{"one of two", map[string]string{"aws:allowedAccountIds": `["` + own + `","` + foreign + `"]`}, nil, own,
			trusted},
		{"by a role", map[string]string{"aws:assumeRole": `{"roleArn":"arn:aws:iam::` + own + `:role/deploy"}`}, nil,
			own, nil},
		{"by a provider", nil, in{"allowedAccountIds": `["` + own + `"]`}, own, nil},
		{"by a provider's role", nil, in{"assumeRole": in{"roleArn": "arn:aws:iam::" + own + ":role/deploy"}}, own,
			nil},
		{"a provider that signs in otherwise", one, in{"profile": "other"}, own, trusted},
		{"a provider that signs in as the stack does", one, in{"region": "us-east-1"}, own, nil},
		{"a provider of another one", one, in{"allowedAccountIds": []string{foreign}}, own, trusted},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				if c.provider != nil {
					b.Add("pulumi:providers:aws", "p", c.provider)
				}
			}, func(b *graphtest.Builder) { b.Add("iam/role:Role", "r", role(c.account)) })
			stack := func(g *graph.Graph) Revision {
				return Revision{Stacks: map[string]Stack{"e": {Graph: g, Config: c.config}}}
			}
			tells(t, Make(stack(base), stack(head)).Environments[0].Dangers, c.want)
		})
	}
}

// TestOwnAccountSaid: that a stack says which account it is deployed to takes the account from nobody.
func TestOwnAccountSaid(t *testing.T) {
	const own = "111122223333"
	said := map[string]string{"aws:allowedAccountIds": `["` + own + `"]`}
	build := func(b *graphtest.Builder) {
		b.Add("iam/role:Role", "r", in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":{"AWS":` +
			`"arn:aws:iam::` + own + `:role/ci"},"Action":"sts:AssumeRole"}`)})
	}
	for name, c := range map[string]struct{ was, is map[string]string }{
		"said now": {nil, said}, "no longer said": {said, nil}, "said before": {said, said},
	} {
		base, head := two(t, build, func(*graphtest.Builder) {})
		stack := func(g *graph.Graph, config map[string]string) Revision {
			return Revision{Stacks: map[string]Stack{"e": {Graph: g, Config: config}}}
		}
		for _, d := range Make(stack(base, c.was), stack(head, c.is)).Environments[0].Dangers {
			if d.Resource == "Role r" {
				t.Errorf("%s: %s", name, d.What)
			}
		}
	}
}

// TestOtherAccount: a provider that takes the role of another account is told.
func TestOtherAccount(t *testing.T) {
	provider := func(account string) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add("pulumi:providers:aws", "p",
				in{"assumeRole": in{"roleArn": "arn:aws:iam::" + account + ":role/deploy"}})
		}
	}
	base, _ := two(t, provider("111122223333"), func(*graphtest.Builder) {})
	head, _ := two(t, provider("444455556666"), func(*graphtest.Builder) {})
	tells(t, between(base, head).Environments[0].Dangers, [][2]string{
		{notJudged, "nothing here judges what that makes of its resources"}, {exposes, "444455556666"}})
}
