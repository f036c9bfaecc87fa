package plan

import (
	"encoding/json"
	"slices"

	"dossier.example/plan/graph"
)

const signUp = "everyone can make an account in it"

// rank judges a word that goes down in an order, from the least; an absent one is unset.
func rank(means, unset string, order ...string) judge {
	word := func(v any) string {
		if v == nil {
			return unset
		}
		return graph.Text(v)
	}
	return func(old, now any) string {
		was, is := word(old), word(now)
		if slices.Index(order, is) >= slices.Index(order, was) {
			return ""
		}
		return means + " (" + was + " → " + is + ")"
	}
}

// styles reports whether a resource of Cloud Control, which can be anything, is how the pages of a user pool look: it
// lets nobody in, and nothing is lost with it but its looks.
func styles(r *graph.Resource) bool {
	if r == nil || r.Token != cloudControlType ||
		graph.Text(r.Input("typeName")) != "AWS::Cognito::ManagedLoginBranding" {
		return false
	}
	var state map[string]json.RawMessage
	return json.Unmarshal([]byte(graph.Text(r.Input("desiredState"))), &state) == nil
}
