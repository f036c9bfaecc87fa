package plan

import (
	"dossier.example/plan/graph"
)

// anotherPassword judges that of a database: whoever has the former one is shut out at once, also where only a counter
// or a random value behind it is another.
func anotherPassword(old, now any) string {
	if old == nil || now == nil {
		return ""
	}
	return "whoever signs in with the former password no longer can"
}

// unencrypted judges the protocol by which targets are asked.
func unencrypted(old, now any) string {
	was, is := graph.Text(old), graph.Text(now)
	if (was == "HTTPS" || was == "TLS") && is != "HTTPS" && is != "TLS" {
		return "requests to its targets are not encrypted (" + was + " → " + is + ")"
	}
	return ""
}

// prefixes judges the entries of a list of blocks of addresses.
func prefixes(means string, newly bool) judge {
	return oneSided(means+" %s", newly, func(v any) []string { return mergedTexts(textsAt("cidr")(v)) }, holds)
}

// networksMoved judges a set of addresses that rules let in or keep out.
func networksMoved(old, now any) string {
	return sentences(further("rules no longer keep out, or let in, %s")(now, old),
		further("rules now keep out, or let in, %s")(old, now))
}

// newlyIn judges whom a permission lets in.
func newlyIn(_, now any) string {
	switch who := graph.Text(now); who {
	case "":
		return ""
	case "*", "all":
		return "everyone may use it"
	default:
		return code(cut(who, longest)) + " may use it"
	}
}

const unsigned = "requests that are not signed are refused"

// whenNewly judges what was not there.
func whenNewly(means string) judge { return ends(means, empty) }

// guarded judges how callers are known that were not asked before.
func guarded(old, now any) string {
	if now == nil {
		return ""
	}
	return to("callers that are not known are refused", "AWS_IAM", "JWT", "CUSTOM", "COGNITO_USER_POOLS")(old, now)
}

// unreached judges a public address that is taken away.
var unreached = from("true", "it loses its public address, and is no longer reached from outside its network")
