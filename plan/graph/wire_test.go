package graph

import (
	"reflect"
	"testing"
)

// TestWire: a graph in another process is the same one.
func TestWire(t *testing.T) {
	value := map[string]any{"$": "mark", "value": 1.0,
		"deep": []any{nil, true, "text", Secret, map[string]any{"$": "x"}}}
	sent, err := New("web", "dev", &Resource{
		Token: "aws:s3/bucket:Bucket", Name: "files", Custom: true, ID: "id", Parent: "urn:parent",
		Inputs: map[string]any{"a": value, "b": Unknown, "c": Asset{Name: "x.zip", SHA256: "12", Archive: true},
			"d": nil},
		Outputs: map[string]any{"e": map[string]any{}, "f": []any{}}, Dependencies: []string{"urn:other"},
		PropertyDependencies: map[string][]string{"a": {"urn:other"}},
		Options:              Options{Protect: true, Provider: "p::id"},
	}, &Resource{Token: "sample:index:Component", Name: "all"})
	if err != nil {
		t.Fatal(err)
	}
	sent.Exports, sent.Leaks = map[string]any{"out": Secret, "more": value}, []Leak{{URN: "u", Property: "p"}}
	text, err := sent.Wire()
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromWire(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("got %+v, want %+v", got, sent)
	}
	for _, text := range []string{"", `{"Resources":[{"Token":"t","Name":"n","Inputs":{"a":{"$":"other"}}}]}`,
		`{"Resources":[{"Name":"n"}]}`} {
		if _, err := FromWire([]byte(text)); err == nil {
			t.Errorf("%q is a graph", text)
		}
	}
}
