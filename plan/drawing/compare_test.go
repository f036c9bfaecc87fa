package drawing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// changed is a drawing of the tiers as they are, compared with one in which a bucket is replaced, the second NAT is
// new, and the names are gone.
func changed(t *testing.T) Drawing {
	t.Helper()
	build := func(nats ...string) (*graphtest.Builder, *graph.Graph) {
		b := graphtest.New(t)
		network(b)
		tiers(b)
		for _, n := range nats {
			b.Add("ec2/natGateway:NatGateway", "nat-"+n, in{"subnetId": "subnet-public"})
		}
		return b, b.Graph()
	}
	_, before := build("1")
	b, after := build("1", "2")
	d := Of(before)
	d.Nodes = append(d.Nodes, Node{ID: "names", Area: Services, Lines: []string{"Route 53"}})
	d.Edges = append(d.Edges, Edge{From: "names", To: "load_balancer", Reference: true, Labels: []string{"name"}})
	return Compare(d, Of(after), map[string]Mark{
		b.Get("s3/bucketV2:BucketV2", "logs").URN: Replaced, b.Get("ec2/natGateway:NatGateway", "nat-2").URN: Added,
		b.Get("rds/instance:Instance", "db").URN: Changed,
	})
}

func TestCompare(t *testing.T) {
	d := changed(t)
	var got []string
	for _, n := range d.Nodes {
		if n.Mark != Unmarked {
			got = append(got, fmt.Sprintf("%s %s", n.ID, n.Mark))
		}
	}
	for _, e := range d.Edges {
		if e.Mark != Unmarked {
			got = append(got, fmt.Sprintf("%s to %s %s", e.From, e.To, e.Mark))
		}
	}
	want := []string{"nat changed", "database changed", "names removed", "s3 replaced",
		"names to load_balancer removed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, n := range Compare(Of(graphOf(t)), Of(graphOf(t)), nil).Nodes {
		if n.Mark != Unmarked {
			t.Errorf("%s is %s, and nothing changed", n.ID, n.Mark)
		}
	}
}

// TestReadMarks: what a program begins or ceases to read is drawn as such, not as added or removed.
func TestReadMarks(t *testing.T) {
	build := func(read bool) Drawing {
		b := graphtest.New(t)
		network(b)
		tiers(b)
		b.Get("s3/bucketV2:BucketV2", "logs").Read = read
		b.Get("rds/instance:Instance", "db").Read = read
		return Of(b.Graph())
	}
	none := Of(graphtest.New(t).Graph())
	for _, c := range []struct {
		name          string
		before, after Drawing
		want          map[string]Mark
	}{
		{"begins to read", none, build(true), map[string]Mark{"s3": Read, "load_balancer": Added}},
		{"ceases to read", build(true), none, map[string]Mark{"s3": Unread, "load_balancer": Removed}},
		{"its own", none, build(false), map[string]Mark{"s3": Added}},
		{"reads on", build(true), build(true), map[string]Mark{"s3": Unmarked}},
	} {
		d := Compare(c.before, c.after, nil)
		for id, want := range c.want {
			i := slices.IndexFunc(d.Nodes, func(n Node) bool { return n.ID == id })
			if i < 0 || d.Nodes[i].Mark != want {
				t.Errorf("%s: %s is not %q: %+v", c.name, id, want, d.Nodes)
			}
		}
		text, mark := d.Mermaid(), c.want["s3"]
		if mark != Unmarked && !strings.Contains(text, "S3 ("+string(mark)+")") ||
			strings.Contains(text, "class n_s3 no") || strings.Contains(text, "class n_s3 read") {
			t.Errorf("%s: it is drawn as\n%s", c.name, text)
		}
	}
}

func graphOf(t *testing.T) *graph.Graph {
	t.Helper()
	b := graphtest.New(t)
	network(b)
	tiers(b)
	return b.Graph()
}

func TestMarksInMermaid(t *testing.T) {
	text := changed(t).Mermaid()
	for _, want := range []string{
		`"2 × NAT gateway (changed)"`, "class n_nat,n_database changed", "class n_s3 replaced", "class n_names removed",
		"stroke-dasharray",
		`n_names -.->|"name (removed)"| n_load_balancer`, "linkStyle ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if text := Of(graphOf(t)).Mermaid(); strings.Contains(text, "class") {
		t.Errorf("nothing is marked, and there are colors:\n%s", text)
	}
}
