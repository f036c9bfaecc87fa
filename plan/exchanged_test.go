package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestExchanged: an id to import that the resource may not have takes what exists in its place, and deletes the former
// one with what it holds. One that it has, or none, does nothing.
func TestExchanged(t *testing.T) {
	with := func(kind, id string, more in, options ...func(b *graphtest.Builder)) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			if b.Add(kind, "x", more).Options.Import = id; len(options) > 0 {
				options[0](b)
			}
		}
	}
	const (
		database = "rds/instance:Instance"
		table    = "dynamodb/table:Table"
		group    = "rds/parameterGroup:ParameterGroup"
		function = "lambda/function:Function"
	)
	kept := func(b *graphtest.Builder) { b.Get(table, "x").Options.RetainOnDelete = true }
	protected := func(b *graphtest.Builder) { b.Get(function, "x").Options.Protect = true }
	for _, c := range []struct {
		name         string
		before, head func(*graphtest.Builder)
		want         [][2]string
	}{
		{"a database gets an import", with(database, "", in{"deletionProtection": true}),
			with(database, "other", in{"deletionProtection": true}), [][2]string{{"data replaced",
				"is replaced by what exists as `other` (option `import`), unless it is that already: the former one " +
					"is deleted, and its data with it; AWS refuses, because of its deletion protection"}}},
		{"a table gets another import", with(table, "first", in{}), with(table, "second", in{}),
			[][2]string{{"data replaced", "exists as `second` (option `import`): the former one is deleted, and its " +
				"records with it. The inputs have to agree"}}},
		{"what AWS keeps", with(table, "", in{}, kept), with(table, "second", in{}, kept),
			[][2]string{{"replaced by another", "AWS keeps the former one, and Pulumi forgets it."}}},
		{"what is deleted first otherwise", with(database, "", in{"identifier": "a"}),
			with(database, "b", in{"identifier": "a"}), [][2]string{{"data replaced", "exists as `b`"}}},
		{"what nobody misses", with(group, "", in{}), with(group, "other", in{}),
			[][2]string{{"replaced by another", "the former one is deleted."}}},
		{"what is protected", with(function, "", in{}, protected), with(function, "other", in{}, protected),
			[][2]string{{"replaced by another", "Pulumi refuses, because it is protected"}}},
		{"a load balancer", with("lb/loadBalancer:LoadBalancer", "", in{}),
			with("lb/loadBalancer:LoadBalancer", "arn", in{}),
			[][2]string{{"address replaced", "and with it its DNS name"}}},

		{"the import is taken out", with(database, "first", in{}), with(database, "", in{}), nil},
		{"it stays", with(database, "first", in{}), with(database, "first", in{}), nil},
		{"it is what the resource has", with(database, "", in{}), with(database, "instance-x", in{}), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := graphtest.New(t), graphtest.New(t)
			c.before(before)
			c.head(after)
			p := between(before.Graph(), after.Graph())
			e, text := p.Environments[0], p.Markdown()
			tells(t, e.Dangers, c.want)
			if len(c.want) == 0 {
				if len(e.Changes) > 0 || !strings.Contains(text, "nothing changes") {
					t.Errorf("%s", text)
				}
				return
			}
			if len(e.Changes) != 1 || e.Changes[0].Action != Replace || e.Changes[0].First ||
				e.Changes[0].Existing == "" ||
				!strings.Contains(text, " by what exists as `"+e.Changes[0].Existing+"`") {
				t.Errorf("%+v\n%s", e.Changes, text)
			}
		})
	}
}
