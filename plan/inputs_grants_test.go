package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestGrants: a list of grants can open a bucket as a canned one does.
func TestGrants(t *testing.T) {
	const kind, all = "s3/bucketAclV2:BucketAclV2", "http://acs.amazonaws.com/groups/global/"
	to := func(grantees ...any) in {
		var grants []any
		for _, g := range grantees {
			grants = append(grants, in{"permission": "READ", "grantee": g})
		}
		return in{"owner": in{"id": "o"}, "grants": grants}
	}
	group := func(uri string) any { return in{"type": "Group", "uri": uri} }
	owner := in{"type": "CanonicalUser", "id": "o"}
	for _, c := range []struct {
		name    string
		was, is any
		want    [][2]string
	}{
		{"everyone, newly", nil, to(owner, group(all+"AllUsers")), [][2]string{{exposes, "everyone"}}},
		{"everyone", to(owner), to(owner, group(all+"AllUsers")), [][2]string{{exposes, "everyone"}}},
		{"whoever has an account", to(owner), to(owner, group(all+"AuthenticatedUsers")),
			[][2]string{{exposes, "everyone"}}},
		{"everyone as before", to(owner, group(all+"AllUsers")), to(group(all + "AllUsers")), nil},
		{"the owner, newly", nil, to(owner), nil},
		{"the logs", nil, to(owner, group("http://acs.amazonaws.com/groups/s3/LogDelivery")), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				if c.was != nil {
					b.Add(kind, "a", in{"bucket": "b", "accessControlPolicy": c.was})
				}
			}, func(b *graphtest.Builder) {
				if c.was == nil {
					b.Add(kind, "a", in{"bucket": "b"})
				}
				b.Set(kind, "a", "accessControlPolicy", c.is)
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}
