package drawing

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
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
		t.Errorf("nothing is marked, and there are colours:\n%s", text)
	}
}

// TestSVG: the picture is a document that a browser reads, with every node and every label that is not implied by a
// line, and no two nodes on each other.
func TestSVG(t *testing.T) {
	d := changed(t)
	text := d.SVG()
	var shown strings.Builder
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if chars, is := token.(xml.CharData); is {
			shown.Write(chars)
			shown.WriteByte('\n')
		}
	}
	for _, n := range d.Nodes {
		for _, line := range n.shown() {
			if !strings.Contains(shown.String(), "\n"+line+"\n") {
				t.Errorf("the picture lacks %q of %s", line, n.ID)
			}
		}
	}
	for _, want := range []string{"HTTP 8080", "3306", "name (removed)", "changed", "AWS services"} {
		if !strings.Contains(shown.String(), "\n"+want+"\n") {
			t.Errorf("the picture lacks %q", want)
		}
	}
	l := d.layout()
	for i, a := range l.order {
		for _, b := range l.order[i+1:] {
			if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h {
				t.Errorf("%s lies on %s", a.ID, b.ID)
			}
		}
		if a.x < 0 || a.y < 0 || a.x+a.w > l.width || a.y+a.h > l.height {
			t.Errorf("%s lies outside", a.ID)
		}
	}
	if again := changed(t).SVG(); again != text {
		t.Error("the same gave another picture")
	}
}
