package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestNoStatement: a document without a statement allows and denies nothing, of each type that has one.
func TestNoStatement(t *testing.T) {
	const none = `{"Version":"2012-10-17","Statement":[]}`
	some := statements(`{"Effect":"Allow","Principal":"*","Action":"x:Read","Resource":"*"}`)
	for token := range documents {
		if token == endpointType {
			continue // it only narrows
		}
		t.Run(token, func(t *testing.T) {
			told := func(was, is string) []Danger {
				base, head := two(t, func(b *graphtest.Builder) { b.Add(token, "x", documentOf(token, was, "y")) },
					func(b *graphtest.Builder) { b.Set(token, "x", documents[token], is) })
				return opened(base, head, nil)
			}
			tells(t, told(some, none), [][2]string{{stops, "no longer allows **everyone** `x:Read`"}})
			tells(t, told(none, some), [][2]string{{exposes, "newly allows **everyone** `x:Read`"}})
			tells(t, told(none, `{"Statement":[]}`), nil)
			tells(t, told(none, `{"Statement":[`), [][2]string{{exposes, "not understood"}})
			tells(t, told(none, `{}`), [][2]string{{exposes, "not understood"}})
		})
	}
	// Neither does one of a role.
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("iam/role:Role", "app", in{"assumeRolePolicy": none})
		b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": none})
	}, func(b *graphtest.Builder) {
		b.Set("iam/rolePolicy:RolePolicy", "x", "policy",
			statements(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/b"}`))
	})
	tells(t, between(base, head).Environments[0].Dangers, nil)
	tells(t, between(head, base).Environments[0].Dangers, [][2]string{{stops, "may no longer `s3:GetObject`"}})
}

// TestNewDocuments: whom a new document of its own lets in is told once, and of one for the account nothing is.
func TestNewDocuments(t *testing.T) {
	of := func(who string) string {
		return statements(`{"Effect":"Allow","Principal":{"AWS":"` + who + `"},"Action":"x:Read","Resource":"*"}`)
	}
	types := []string{"aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "aws:ecr/registryPolicy:RegistryPolicy"}
	for token := range subjects {
		types = append(types, token)
	}
	for _, token := range types {
		t.Run(token, func(t *testing.T) {
			told := func(policy string) []Danger {
				base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
					b.Add(token, "x", documentOf(token, policy, "y"))
				})
				return between(base, head).Environments[0].Dangers
			}
			tells(t, told(of("*")), [][2]string{{exposes, "newly allows **everyone** `x:Read`"}})
			tells(t, told(of("arn:aws:iam::123456789012:role/a")), nil)
		})
	}
}
