package graph

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TestSealedConfiguration: an encrypted value of the configuration that the program gives in plain is a leak, wherever
// it stands, and no graph shows it.
func TestSealedConfiguration(t *testing.T) {
	config := map[string]string{"it:password": Sealed + "v1:AAAA", "it:db": `{"user":"writer","key":"sealed v1:BBBB"}`,
		"it:open": "readable"}
	m := echo
	m.sealed = sealedTexts(config, []string{"it:password", "it:db", "it:absent"})
	if want := []string{Sealed + "v1:AAAA", Sealed + "v1:BBBB"}; !slices.Equal(m.sealed, want) {
		t.Fatalf("encrypted are %q, want %q", m.sealed, want)
	}
	run := func(plainly bool) *Graph {
		g, err := record("it", "dev", config, func(ctx *pulumi.Context) error {
			for i, key := range []string{"it:password", "it:db", "it:open"} {
				value, _ := ctx.GetConfig(key)
				var v pulumi.Input = pulumi.String("to " + value)
				if !plainly && i < 2 {
					v = pulumi.ToSecret(v)
				}
				register(t, ctx, "aws:lambda/function:Function", strings.TrimPrefix(key, "it:"), pulumi.Map{"a": v})
				ctx.Export(strings.TrimPrefix(key, "it:"), v)
			}
			return nil
		}, m)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	closed, open := run(false), run(true)
	if len(closed.Leaks) != 0 {
		t.Errorf("marked, and told as leaks: %v", closed.Leaks)
	}
	var at []string
	for _, l := range open.Leaks {
		at = append(at, l.URN[strings.LastIndexByte(l.URN, ':')+1:]+" "+l.Property)
	}
	if want := []string{" db", " password", "db a", "password a"}; !slices.Equal(at, want) {
		t.Errorf("leaks are %q, want %q", at, want)
	}
	was, is, dropped := Seal(closed, open)
	if !slices.Equal(dropped, open.Leaks) {
		t.Errorf("no longer marked: %v, want %v", dropped, open.Leaks)
	}
	for _, g := range []*Graph{was, is, open} {
		text, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "v1:") || !strings.Contains(string(text), "to readable") {
			t.Errorf("a graph shows %s", text)
		}
	}
	if _, _, dropped := Seal(open, closed); len(dropped) != 0 {
		t.Errorf("marked from now on, and told: %v", dropped)
	}
	if was, is, dropped := Seal(nil, open); was != nil || len(dropped) != 0 || !slices.Contains(is.Marked(),
		Sealed+"v1:AAAA") {
		t.Errorf("without a base: %v, %v, %q", was, dropped, is.Marked())
	}
}

// TestSealIgnored: what the program says to ignore stays marked as it was, and is not told.
func TestSealIgnored(t *testing.T) {
	run := func(v pulumi.Input, opts ...pulumi.ResourceOption) *Graph {
		g, err := record("it", "dev", nil, func(ctx *pulumi.Context) error {
			register(t, ctx, "aws:lambda/function:Function", "f", pulumi.Map{"a": pulumi.Map{"b": v}}, opts...)
			return nil
		}, echo)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	secret := run(pulumi.ToSecret(pulumi.String("s")))
	for path, want := range map[string]int{"": 1, "a": 0, "a.b": 0, "a.c": 1} {
		_, is, dropped := Seal(secret, run(pulumi.String("s"), pulumi.IgnoreChanges([]string{path})))
		if len(dropped) != want {
			t.Errorf("ignoring %q: told are %v, want %d", path, dropped, want)
		}
		if got := is.Resources[0].Input("a.b"); got != Secret {
			t.Errorf("ignoring %q: shown is %v", path, got)
		}
	}
}
