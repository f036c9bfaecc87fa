package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	generator "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the schema anew")

// TestSchema: the published schema is that of the types, and plans keep to it.
func TestSchema(t *testing.T) {
	r := &generator.Reflector{ExpandedStruct: true}
	for path, base := range map[string]string{".": "dossier.example/plan", "./graph": "dossier.example/plan"} {
		if err := r.AddGoComments(base, path); err != nil {
			t.Fatal(err)
		}
	}
	made := r.Reflect(&Plan{})
	made.ID, made.Title = "", "A plan in version 2 of its form"
	want, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.json differs from the types: -update writes it anew")
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(raw []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	plans := []Plan{Make(Revision{}, Revision{}),
		Make(Revision{}, Revision{Build: &Fault{Kind: FaultBuild, Said: "x"}})}
	for _, n := range strangers {
		plans = append(plans, strange(t, n))
	}
	for _, p := range plans {
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(raw); err != nil {
			t.Errorf("a plan does not keep to the schema: %v", err)
		}
	}
	for _, wrong := range []string{`{}`, `{"version":"2"}`, `[]`} {
		if valid([]byte(wrong)) == nil {
			t.Errorf("%s keeps to the schema", wrong)
		}
	}
}
