package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestSlowFunctions: a function must be done with a message before its queue hands it out again.
func TestSlowFunctions(t *testing.T) {
	build := func(timeout int) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			queue := b.Add("sqs/queue:Queue", "work", in{"visibilityTimeoutSeconds": 180})
			function := b.Add("lambda/function:Function", "mail", in{"timeout": timeout})
			b.Add("lambda/eventSourceMapping:EventSourceMapping", "mail",
				in{"eventSourceArn": queue.ID, "functionName": function.ID})
		}
	}
	timeout := func(seconds float64) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Set("aws:lambda/function:Function", "mail", "timeout", seconds) }
	}
	for _, c := range []struct {
		name          string
		build, change func(b *graphtest.Builder)
		kind          string
	}{
		{"longer than the queue waits", build(30), timeout(300), stops},
		{"as long as the queue waits", build(30), timeout(180), ""},
		{"too long before as well", build(200), timeout(300), ""},
		{"a new one", func(*graphtest.Builder) {}, build(300), refused},
	} {
		base, head := two(t, c.build, c.change)
		var kinds []string
		for _, d := range between(base, head).Environments[0].Dangers {
			if strings.Contains(d.What, "may work for") {
				kinds = append(kinds, d.Kind)
			}
		}
		if c.kind == "" && len(kinds) > 0 || c.kind != "" && !slices.Equal(kinds, []string{c.kind}) {
			t.Errorf("%s: got %q, want %q", c.name, kinds, c.kind)
		}
	}
}
