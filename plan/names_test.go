package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/drawing"
	"dossier.example/plan/graph/graphtest"
)

// TestOtherNames: what only has another name in the program, by an alias, is the same in every part of a plan.
func TestOtherNames(t *testing.T) {
	const trust = `{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`
	build := func(b *graphtest.Builder) {
		table := b.Add("dynamodb/table:Table", "files", in{"hashKey": "a"})
		table.Options.Protect = true
		role := b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(trust)})
		b.Add("iam/rolePolicy:RolePolicy", "app", in{"role": role.ID, "policy": statements(
			`{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"` + table.ID + `"}`)})
		bucket := b.Add("s3/bucketV2:BucketV2", "files", in{})
		b.Add("s3/bucketPolicy:BucketPolicy", "files", in{"bucket": bucket.ID, "policy": statements(
			`{"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},` +
				`"Action":"s3:GetObject","Resource":"` +
				bucket.ID + `"}`)})
		group := b.Add("ec2/securityGroup:SecurityGroup", "web", in{"ingress": []any{in{"protocol": "tcp",
			"fromPort": 443, "toPort": 443, "cidrBlocks": []any{"0.0.0.0/0"}}}})
		b.Add("ec2/instance:Instance", "web", in{"instanceType": "t4g.nano", "associatePublicIpAddress": true,
			"vpcSecurityGroupIds": []any{group.ID}})
	}
	rename := func(b *graphtest.Builder) {
		for _, r := range b.Graph().Resources {
			r.Options.Aliases = []string{r.URN}
			r.Name, r.URN = "other-"+r.Name, r.URN+"-other"
		}
	}
	base, head := two(t, build, rename)
	e := between(base, head).Environments[0]
	if len(e.Changes)+len(e.Dangers) > 0 || len(e.Roles) != 1 || e.Roles[0].Changed() {
		t.Errorf("another name is told as a change: %+v, %+v, %+v", e.Changes, e.Dangers, e.Roles)
	}
	for _, r := range e.Reach {
		if r.Change != Same {
			t.Errorf("another name changes who reaches whom: %+v", r)
		}
	}
	for _, l := range e.Cost.Lines {
		if l.Before != l.After || l.Was != l.Is {
			t.Errorf("another name changes what it costs: %+v", l)
		}
	}
	for _, n := range e.Drawing.Nodes {
		if n.Mark != drawing.Unmarked {
			t.Errorf("another name is drawn as a change: %+v", n)
		}
	}
	base, head = two(t, build, func(b *graphtest.Builder) {
		b.Set("aws:dynamodb/table:Table", "files", "hashKey", "b")
		rename(b)
	})
	if got := between(base, head).Environments[0].Dangers; len(got) != 1 || !strings.Contains(got[0].What,
		"Pulumi refuses, because it is protected") {
		t.Errorf("a protected table of another name is replaced: %+v", got)
	}
}
