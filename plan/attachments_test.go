package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestAttachments: a policy for a list of users, groups and roles is told of each, and so is that nobody else keeps it.
func TestAttachments(t *testing.T) {
	const (
		admin = "arn:aws:iam::aws:policy/AdministratorAccess"
		kind  = "iam/policyAttachment:PolicyAttachment"
		other = "from every other user, group and role in the account"
	)
	list := func(inputs in) in {
		inputs["name"] = "x"
		if inputs["policyArn"] == nil {
			inputs["policyArn"] = admin
		}
		return inputs
	}
	nothing := func(*graphtest.Builder) {}
	bob := func(b *graphtest.Builder) { b.Add(kind, "x", list(in{"users": []string{"bob"}})) }
	for _, c := range []struct {
		name          string
		build, change func(b *graphtest.Builder)
		want          [][2]string
	}{
		{"a user", nothing, bob,
			[][2]string{{moreRights, "gives user `bob` the policy `" + admin + "`"}, {stops, other}}},
		{"a group", nothing, func(b *graphtest.Builder) { b.Add(kind, "x", list(in{"groups": []string{"ops"}})) },
			[][2]string{{moreRights, "gives group `ops`"}, {stops, other}}},
		{"a role of others", nothing, func(b *graphtest.Builder) {
			b.Add(kind, "x", list(in{"roles": []string{"existing"}}))
		}, [][2]string{{moreRights, "gives role `existing`"}, {stops, other}}},
		{"a user of the program", nothing, func(b *graphtest.Builder) {
			b.Add("iam/user:User", "bob", in{})
			b.Add(kind, "x", list(in{"users": []string{"user-bob"}}))
		}, [][2]string{{moreRights, "gives user `IAM User bob`"}, {stops, other}, {notJudged, "User"}}},
		{"one user more", bob, func(b *graphtest.Builder) { b.Set(kind, "x", "users", []string{"bob", "eve"}) },
			[][2]string{{moreRights, "gives user `eve`"}}},
		{"one user less", func(b *graphtest.Builder) {
			b.Add(kind, "x", list(in{"users": []string{"bob", "eve"}}))
		}, func(b *graphtest.Builder) { b.Set(kind, "x", "users", []string{"bob"}) },
			[][2]string{{stops, "no longer gives user `eve` the policy"}}},
		{"none any longer", bob, func(b *graphtest.Builder) { b.Remove(kind, "x") },
			[][2]string{{stops, "no longer gives user `bob`"}}},
		{"another policy", bob, func(b *graphtest.Builder) {
			b.Set(kind, "x", "policyArn", "arn:aws:iam::aws:policy/PowerUserAccess")
		}, [][2]string{{moreRights, "gives user `bob` the policy `arn:aws:iam::aws:policy/PowerUserAccess`"},
			{stops, "no longer gives user `bob`"}, {stops, other}}},
		{"in place of one for each", func(b *graphtest.Builder) {
			b.Add("iam/userPolicyAttachment:UserPolicyAttachment", "x", in{"user": "bob", "policyArn": admin})
		}, func(b *graphtest.Builder) {
			b.Remove("iam/userPolicyAttachment:UserPolicyAttachment", "x")
			bob(b)
		}, [][2]string{{stops, "the user loses"}, {stops, other}}},
		{"the same", bob, nothing, nil},
		{"a new policy", nothing, func(b *graphtest.Builder) {
			p := b.Add("iam/policy:Policy", "p", in{"policy": statements(read)})
			b.Add(kind, "x", list(in{"users": []string{"bob"}, "policyArn": p.Outputs["arn"]}))
		}, [][2]string{{moreRights, "gives user `bob` the policy `{arn of IAM Policy p}`"}}},
		{"a role of the program, by a policy of its own", func(b *graphtest.Builder) {
			b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":` +
				`{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)})
		}, func(b *graphtest.Builder) {
			p := b.Add("iam/policy:Policy", "p", in{"policy": statements(
				`{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*"}`)})
			b.Add(kind, "x", list(in{"roles": []string{"role-app"}, "policyArn": p.Outputs["arn"]}))
		}, nil},
		{"a policy that was there", func(b *graphtest.Builder) {
			b.Add("iam/policy:Policy", "p", in{"policy": statements(read)})
		}, func(b *graphtest.Builder) {
			b.Add(kind, "x", list(in{"users": []string{"bob"},
				"policyArn": b.Get("iam/policy:Policy", "p").Outputs["arn"]}))
		}, [][2]string{{moreRights, "gives user `bob`"}, {stops, other}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}
