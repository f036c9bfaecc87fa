package main

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/infra/settings"
	"dossier.example/plan/drawing"
)

// TestDrawing: the parts that the design asks for are in the pictures of the repository's stacks, and lead to each
// other.
func TestDrawing(t *testing.T) {
	dev, prod := stacks(t)
	operators, err := recordStack("operators", map[string]any{"aws:region": "us-east-1", settings.Key: map[string]any{
		"jump":    map[string]any{"operatorCIDRs": []string{"203.0.113.0/24"}},
		"network": map[string]any{"nat": "instance"}, "storage": map[string]any{"malwareProtection": true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	common := []string{
		"load_balancer app HTTP 8080", "app database 3306", "jump database 3306", "app nat 443", "jump outgoing 443",
		"app s3 443 by gateway endpoint", "app dynamodb 443 by gateway endpoint", "internet load_balancer HTTP 80",
		"app parameters reads", "jump parameters reads", "app watching logs", "database watching logs",
		"load_balancer s3 access logs",
		"load_balancer watching metrics", "app watching metrics", "database watching metrics",
		"dynamodb watching metrics",
		"watching told alarms", "watching told events",
	}
	for _, test := range []struct {
		of    documented
		wants []string
		not   []string
	}{
		{dev, nil, []string{"internet load_balancer HTTPS 443", "names load_balancer name", "operators jump 22"}},
		{prod, []string{"internet load_balancer HTTPS 443", "names load_balancer name"}, []string{"operators jump 22"}},
		{recorded(t, "maximal"), []string{"users names signs in to", "operators jump 22"}, nil},
		{operators, []string{"operators jump 22", "nat outgoing 443"}, []string{"internet jump 22"}},
	} {
		got := map[string]bool{}
		d := drawing.Of(test.of.graph)
		for _, e := range d.Edges {
			for _, label := range e.Labels {
				got[e.From+" "+e.To+" "+label] = true
			}
		}
		for _, want := range append(slices.Clone(common), test.wants...) {
			if !got[want] {
				t.Errorf("stack %s: there is no %q in\n%s", test.of.graph.Stack, want, d.Mermaid())
			}
		}
		scanned := strings.Contains(d.Mermaid(), "storage-files, scanned by GuardDuty")
		if want := len(test.of.graph.ByType(scanPlan)) > 0; scanned != want {
			t.Errorf("stack %s: that files are scanned is drawn: %t, want %t\n%s", test.of.graph.Stack, scanned, want,
				d.Mermaid())
		}
		for _, not := range test.not {
			if got[not] {
				t.Errorf("stack %s: there is %q", test.of.graph.Stack, not)
			}
		}
	}
}
