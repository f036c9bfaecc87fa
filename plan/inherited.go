package plan

import (
	"fmt"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/markdown"
)

// unlooked are the resources of base that stay as they are, of types that no table here knows: what is told of one that
// is created or changes holds for them, too, but the change makes nothing worse.
func unlooked(base, head *graph.Graph, changes []Change) []string {
	if base == nil {
		return nil
	}
	changed := map[string]bool{}
	for _, c := range changes {
		changed[c.URN] = true
	}
	var found []string
	for _, now := range head.Resources {
		if now.Custom && !now.Read && !strings.HasPrefix(now.Token, "pulumi:") && !judged(now.Token) &&
			!changed[now.URN] && base.Was(now) != nil {
			found = append(found, now.String())
		}
	}
	return found
}

// inheritance counts what base has already, which does not fail unless somebody asks for that.
func (p Plan) inheritance() string {
	broken, unjudged := 0, 0
	for _, e := range p.Environments {
		broken += e.Policy.Inherited()
		unjudged += len(e.Unjudged)
	}
	var said []string
	if broken > 0 && p.FailInherited { // else the table tells
		said = append(said, counting(broken, "place where a rule is broken", "places where rules are broken"))
	}
	if unjudged > 0 {
		said = append(said, counting(unjudged, "resource that does not change is", "resources that do not change are")+
			" of types that nothing here judges")
	}
	switch {
	case len(said) == 0:
		return ""
	case p.FailInherited:
		return fmt.Sprintf("\n**Inherited from %s, and failing all the same** (`failInherited`): %s.\n",
			markdown.Plain(p.Base), strings.Join(said, "; "))
	}
	return fmt.Sprintf("\nInherited from %s: %s.\n", markdown.Plain(p.Base), strings.Join(said, "; "))
}
