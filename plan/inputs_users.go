package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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

// inTheClear are the addresses of pages on other machines that a client sends people back to without encryption.
func inTheClear(v any) []string {
	return slices.DeleteFunc(graph.Texts(v), func(address string) bool {
		host, is := strings.CutPrefix(address, "http://")
		host, _, _ = strings.Cut(host, "/")
		host, _, _ = strings.Cut(host, ":")
		return !is || host == "localhost" || host == "127.0.0.1" || host == "["
	})
}

// tokenLives judges for how long tokens hold that nobody takes back: an hour unless it says otherwise
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html).
func tokenLives(old, now *graph.Resource) string {
	minutes := func(r *graph.Resource, token string) float64 {
		n := numberOr(r.Input(token+"Validity"), 0)
		switch unitOf(r, token) {
		case "seconds":
			return n / 60
		case "minutes":
			return n
		case "days":
			return n * 24 * 60
		}
		return n * 60
	}
	var found []string
	for _, token := range []string{"accessToken", "idToken"} {
		was, is := cmp.Or(minutes(old, token), 60), cmp.Or(minutes(now, token), 60)
		if is > was {
			found = append(found, fmt.Sprintf("%s for %s minutes instead of %s", code(token), plainNumber(is),
				plainNumber(was)))
		}
	}
	return told("whoever has a token of it is let in for longer: %s", found)
}

func unitOf(r *graph.Resource, token string) string {
	for _, units := range graph.Items(r.Input("tokenValidityUnits")) {
		return graph.Text(graph.At(units, token))
	}
	return ""
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
