package main

import (
	"fmt"
	"strings"
	"testing"

	"dossier.example/infra/settings"
	"dossier.example/plan/graph"
	"dossier.example/plan/prices"
)

// pricedRegion is the one that the documents' costs are of.
const pricedRegion = "us-east-1"

// TestPrices: what the presets create has a price or costs nothing by time.
func TestPrices(t *testing.T) {
	dev, prod := stacks(t)
	graphs := []*graph.Graph{dev.graph, prod.graph}
	for _, more := range []map[string]any{
		{"storage": map[string]any{"malwareProtection": true},
			"jump": map[string]any{"operatorCIDRs": []string{"203.0.113.0/24"}}, "site": map[string]any{
				"webAcl": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/01234567-89ab-cdef-0123-456789abcdef",
			}},
		{"network": map[string]any{"nat": "instance"}},
		{"site": map[string]any{"domain": "files.example.org", "zoneId": "Z1"},
			"staff": map[string]any{"pool": true, "poolDomain": "example-files"}},
	} {
		d, err := recordStack("other", map[string]any{"aws:region": "us-east-1", settings.Key: more})
		if err != nil {
			t.Fatal(err)
		}
		graphs = append(graphs, d.graph)
	}
	for _, g := range graphs {
		bill := prices.Builtin().Idle(g, pricedRegion)
		if len(bill.Unpriced) > 0 {
			t.Errorf("stack %s: without a price: %q", g.Stack, bill.Unpriced)
		}
		if bill.Total() < 10 {
			t.Errorf("stack %s costs %g", g.Stack, bill.Total())
		}
	}
	d, err := recordStack("large", map[string]any{"aws:region": "us-east-1", settings.Key: map[string]any{
		"service": map[string]any{"instanceType": "c7g.large"}, "database": map[string]any{"class": "db.m7g.large"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	unpriced := fmt.Sprint(prices.Builtin().Idle(d.graph, pricedRegion).Unpriced)
	for _, want := range []string{"c7g.large", "db.m7g.large"} {
		if !strings.Contains(unpriced, want) {
			t.Errorf("%s is not named as without a price: %q", want, unpriced)
		}
	}
}
