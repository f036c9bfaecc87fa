package plan

import (
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// asksToSignIn reports whether one of a balancer's actions is about signing in.
func asksToSignIn(action any) bool {
	return strings.HasPrefix(graph.Text(graph.At(action, "type")), "authenticate-")
}

// signsIn reports whether one of a listener's actions makes people sign in: with allow, whoever has not passes as well
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html).
func signsIn(v any) bool {
	return slices.ContainsFunc(graph.Items(v), func(action any) bool {
		const key = ".onUnauthenticatedRequest"
		return asksToSignIn(action) && graph.Text(graph.At(action, "authenticateOidc"+key)) != "allow" &&
			graph.Text(graph.At(action, "authenticateCognito"+key)) != "allow"
	})
}

// parts are the actions of a listener that people sign in by, and those by which their requests are answered. In which
// order they are written tells nothing beside what they are.
func parts(v any) (signIn, answer []any) {
	for _, action := range graph.Items(v) {
		if asksToSignIn(action) {
			signIn = append(signIn, action)
			continue
		}
		if m, is := action.(map[string]any); is {
			rest := map[string]any{}
			for key, value := range m {
				if key != "order" {
					rest[key] = value
				}
			}
			action = rest
		}
		answer = append(answer, action)
	}
	return signIn, answer
}

// goElsewhere judges where requests go that come in, or may come in.
func goElsewhere(old, now any) string {
	_, was := parts(old)
	_, is := parts(now)
	if old == nil || reflect.DeepEqual(was, is) {
		return ""
	}
	return "requests go elsewhere, where no target may be healthy yet"
}

// signInOtherwise judges by what people sign in.
func signInOtherwise(old, now any) string {
	was, _ := parts(old)
	is, _ := parts(now)
	switch {
	case old == nil || reflect.DeepEqual(was, is), !signsIn(now):
		return ""
	case !signsIn(old):
		return "whoever is not signed in is no longer served"
	}
	return "people sign in another way, and some may no longer be let in"
}
