package plan

import (
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestUnknownPeers: a rule whose addresses or ports only a deployment tells may let anyone in, which is said so, not as
// a fact. What it may no longer let in is not said to be gone.
func TestUnknownPeers(t *testing.T) {
	rule := func(key string, peer any) in {
		return in{"protocol": "tcp", "fromPort": 5432, "toPort": 5432, key: peer}
	}
	private, world := rule("cidrBlocks", []string{"10.0.0.0/8"}), rule("cidrBlocks", []string{"0.0.0.0/0"})
	// set gives a group its rules; in the test's graph what is not known is put in last.
	set := func(r *graph.Resource, rule in) {
		entry := map[string]any{"protocol": "tcp", "fromPort": 5432.0, "toPort": 5432.0}
		for key, v := range rule {
			switch v := v.(type) {
			case []string:
				entry[key] = []any{v[0]}
			case graph.Mark:
				entry[key] = v
			}
		}
		r.Inputs["ingress"] = []any{entry}
	}
	unknown := rule("cidrBlocks", graph.Unknown)
	ports := rule("cidrBlocks", []string{"0.0.0.0/0"})
	ports["fromPort"] = graph.Unknown
	for _, c := range []struct {
		name    string
		was, is in
		want    [][2]string // of a group that nothing has
		reached [][2]string // of one that an instance with a public address has
	}{
		{"another stack's addresses", private, unknown,
			[][2]string{{exposes,
				"may let the whole internet in on tcp 5432, to whatever has its group: its addresses"}},
			[][2]string{{"open to the outside", "Anyone on the **internet** may now reach **door** on tcp 5432, " +
				"because whom its security group lets in is not known here"}}},
		{"ports that are not known", private, ports, [][2]string{{exposes, "may let the whole internet in"}},
			[][2]string{{"open to the outside", "may now reach **door**"}}},
		{"known, but the internet", unknown, world, [][2]string{{exposes, "lets the whole internet in on tcp 5432"}},
			[][2]string{{"open to the outside", "Anyone on the **internet** can now reach **door**"}}},
		{"known, and private", unknown, private,
			[][2]string{{stops, "no longer lets whoever is not known here on tcp 5432 in"}},
			[][2]string{{stops, "No longer reached: whoever is not known here → `door` on tcp 5432"}}},
		{"no longer the internet", world, unknown, nil, nil},
		{"still not known", unknown, unknown, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			make := func(build func(b *graphtest.Builder), rule in) *graph.Graph {
				b := graphtest.New(t)
				build(b)
				set(b.Get(groupType, "door"), rule)
				return b.Graph()
			}
			alone := func(b *graphtest.Builder) { b.Add(groupType, "door", in{}) }
			tells(t, reached(make(alone, c.was), make(alone, c.is)), c.want)
			tells(t, reached(make(door(), c.was), make(door(), c.is)), c.reached)
		})
	}
}
