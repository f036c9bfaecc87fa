package prove_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dossier.example/infra/prove"
	"dossier.example/infra/rollout"
)

// TestDocument: docs/verification.md lists all points and drills, and names none that there is not.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/verification.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if !strings.Contains(text, "<!-- points -->\n\n"+prove.Document()+"\n<!-- /points -->") {
		t.Error("docs/verification.md does not list the points and drills as they are: make generate")
	}
	known, rooms := map[string]bool{}, map[string]bool{}
	for _, p := range prove.Points() {
		room, _, ok := strings.Cut(p.ID, "/")
		if !ok || known[p.ID] || p.Says == "" || p.Mend == "" {
			t.Errorf("%+v", p)
		}
		known[p.ID], rooms[room] = true, true
	}
	named := regexp.MustCompile("`(" + strings.Join(slices.Sorted(maps.Keys(rooms)), "|") + ")/([a-z-]+)`")
	found := map[string]bool{}
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if id := m[1] + "/" + m[2]; !known[id] {
			t.Errorf("there is no point %s", id)
		} else {
			found[id] = true
		}
	}
	if len(found) != len(known) {
		t.Errorf("%d of %d points are named", len(found), len(known))
	}
	drills := regexp.MustCompile("drill\\s+`([a-z]+)`").FindAllStringSubmatch(text, -1)
	for _, m := range drills {
		if !slices.Contains(prove.DrillNames(), m[1]) {
			t.Errorf("there is no drill %s", m[1])
		}
	}
	if len(drills) < 3 {
		t.Errorf("%d drills are named", len(drills))
	}
}

// TestRolloutVariables: the outputs are read by the names that package rollout gives them.
func TestRolloutVariables(t *testing.T) {
	w := deployed(t, "dev")
	for _, name := range []string{rollout.EnvTemplate, rollout.EnvVersion, rollout.EnvTargetGroup} {
		if w.stack.Outputs.Rollout[name] == "" {
			t.Errorf("nothing is read from %s", name)
		}
	}
	if len(w.stack.Outputs.Rollout) != 3 {
		t.Errorf("%v", w.stack.Outputs.Rollout)
	}
}

// TestRead: the repository's own stacks are read as Pulumi reads them.
func TestRead(t *testing.T) {
	outputs := []byte(`{"url": "http://x", "group": "g", "jumpInstance": "i", "jumpPrivateKey": "[secret]", "parameters": "/dossier/x", "release": "0",
		"rollout": {"DOSSIER_ROLLOUT_TEMPLATE": "lt-0", "DOSSIER_ROLLOUT_VERSION": "7", "DOSSIER_ROLLOUT_TARGET_GROUP": "arn"}}`)
	for _, stack := range []string{"dev", "prod"} {
		file, err := os.ReadFile("../../Pulumi." + stack + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		s, err := prove.Read(stack, file, outputs)
		if err != nil {
			t.Error(err)
		}
		if s.Settings.Stack != stack || string(s.Settings.Preset) != stack || s.Settings.Region == "" ||
			s.Outputs.Rollout["DOSSIER_ROLLOUT_VERSION"] != "7" {
			t.Errorf("%s: %+v", stack, s)
		}
	}
	file := "config:\n  aws:region: us-east-1\n  aws:defaultTags: {tags: {Cost: 17}}\n"
	if s, err := prove.Read("dev", []byte(file), outputs); err != nil || s.Settings.Tags["Cost"] != "17" {
		t.Errorf("read the tags %v, error %v", s.Settings.Tags, err)
	}
	for _, c := range []struct{ file, outputs, says string }{
		{"config: [", "{}", "reading Pulumi.dev.yaml"},
		{"config:\n  aws:region: nowhere\n", "{}", "aws:region"},
		{"config:\n  aws:region: us-east-1\n", "", "reading the stack's outputs"},
		{"config:\n  aws:region: us-east-1\n", "{}",
			"has no output group, jumpInstance, parameters, release, rollout.DOSSIER_ROLLOUT_TARGET_GROUP"},
	} {
		if _, err := prove.Read("dev", []byte(c.file), []byte(c.outputs)); err == nil ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, %q: %v", c.file, c.outputs, err)
		}
	}
}
