package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// accessKeyID is the name of an access key of AWS's. It lets nobody in without the key itself, which has no form of its
// own and is looked for beside the name
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html,
// https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
var (
	accessKeyID = regexp.MustCompile(`^A[KS]IA`)
	accessKey   = regexp.MustCompile(`(?:^|[^A-Za-z0-9+/])([A-Za-z0-9+/]{40})(?:$|[^A-Za-z0-9+/=])`)
)

// A password is what is called one. Of what is called a secret or a token, some are the name of one.
const (
	passwordName = `(?:password|passwd|passphrase|pwd)s?`
	tokenName    = `(?:secret|secret_?(?:access_?)?key|secret_?string|token|api_?key|private_?key|connection_?string)`
)

var (
	namesPassword = regexp.MustCompile(`(?i)` + passwordName + `$`)
	namesToken    = regexp.MustCompile(`(?i)` + tokenName + `$`)
	// requestToken is of what tells requests apart and lets nobody in.
	requestToken = regexp.MustCompile(`(?i)(?:client|creation|idempotency|next|request)_?token$`)
	// noSecret is of what is said of a secret: a switch, a variable, a place where it is kept.
	noSecret = regexp.MustCompile(`(?i)^` + graph.Sealed + `|` +
		`^(?:true|false|none|null|required|optional|enabled|disabled|default|string|` +
		`[*x.]+)$|^[$<{(%[@#/~!=-]|^arn:|^[a-z][a-z0-9+.-]*://|\$[({]|\{\{`)
)

// assigned find a secret within a script, a command, or a file of settings: its name and its value, which may be
// quoted, and, where the value is a call, its bracket.
var assigned = func() []*regexp.Regexp {
	const name, value = `([a-z0-9_.-]*(?:` + passwordName + `|` + tokenName + `))`,
		`(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'` + "`" + `<>(){}\[\];,|&\\]+)([(\[]?))`
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)` + name + `["']?[ \t]*=[ \t]*` + value),
		regexp.MustCompile(`(?i)"` + name + `"[ \t]*:[ \t]*` + value),
		regexp.MustCompile(`(?im)^[ \t]*(?:-[ \t]+)?` + name + `:[ \t]+` + value + `[ \t\r]*$`),
		regexp.MustCompile(`(?i)--` + name + `[ \t]+` + value),
	}
}()

// inAddress is the password of an address.
var inAddress = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s:@/"']*:([^\s:@/"']+)@`)

// isPlain reports whether a value under a name is a secret.
func isPlain(name, value string) bool {
	switch {
	case len(value) < 4 || noSecret.MatchString(value):
		return false
	case namesPassword.MatchString(name):
		return !namesPassword.MatchString(value)
	case namesToken.MatchString(name) && !requestToken.MatchString(name):
		return len(value) >= 16 && madeUp(value)
	}
	return false
}

// madeUp reports whether a text has what words do not.
func madeUp(text string) bool {
	return !strings.ContainsAny(text, " :") && strings.ContainsAny(text, "0123456789") &&
		strings.ToLower(text) != text && strings.ToUpper(text) != text
}

// place is where something stands in a list, or in a text.
var place = regexp.MustCompile(`\[(?:line )?\d+\]`)

// lastName is the last part of a path, or of a variable that is known by its name, that name.
func lastName(path string) string {
	path = place.ReplaceAllString(path, "")
	if whole, is := strings.CutSuffix(path, "].value"); is {
		path = whole
	}
	return strings.TrimSuffix(path[strings.LastIndexAny(path, ".[")+1:], "]")
}

// plainIn visits the secrets that stand in plain within a value at a path, of which known tells what is none.
func plainIn(path string, v any, known func(text string) bool, visit func(path, secret string)) {
	switch v := v.(type) {
	case map[string]any:
		name := graph.Text(v["name"]) + graph.Text(v["key"])
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := strings.TrimPrefix(path+"."+key, ".")
			if inner, is := v[key].(string); is && key == "value" && isPlain(name, inner) && !known(inner) {
				visit(at, inner)
				continue
			}
			plainIn(at, v[key], known, visit)
		}
	case []any:
		for i, e := range v {
			plainIn(fmt.Sprintf("%s[%d]", path, i), e, known, visit)
		}
	case string:
		if isPlain(lastName(path), v) {
			if !known(v) {
				visit(path, v)
			}
			return
		}
		if inner, is := parsed(v); is {
			plainIn(path, inner, known, visit)
			return
		}
		for _, key := range keysOf(v) {
			if !accessKeyID.MatchString(key) {
				visit(path, key)
			}
		}
		if decoded, err := graph.Decode(v); err == nil {
			v = decoded
		}
		for _, m := range inAddress.FindAllStringSubmatch(v, -1) {
			if isPlain("password", m[1]) && !known(m[1]) {
				visit(path, m[1])
			}
		}
		for _, form := range assigned {
			for _, m := range form.FindAllStringSubmatch(v, -1) {
				if value := m[2] + m[3] + m[4]; m[5] == "" && isPlain(m[1], value) && !known(value) {
					visit(path, value)
				}
			}
		}
	}
}

// plainOf visits the secrets in plain of a resource.
func plainOf(g *graph.Graph, r *graph.Resource, visit func(path, secret string)) {
	known := func(text string) bool { return g.Resolve(text) != nil }
	plainIn("", r.Inputs, known, visit)
	paired := false
	graph.Walk("", r.Inputs, func(_ string, v any) {
		paired = paired || slices.ContainsFunc(keysOf(v), accessKeyID.MatchString)
	})
	graph.Walk("", r.Inputs, func(path string, v any) {
		for _, m := range accessKey.FindAllStringSubmatch(graph.Text(v), -1) {
			if paired && madeUp(m[1]) && !known(m[1]) {
				visit(path, m[1])
			}
		}
	})
}

// plainTexts are the secrets in plain of graphs that must not be shown. Words are hidden only where they stand for one:
// they may say something else elsewhere.
func plainTexts(graphs ...*graph.Graph) []string {
	found := map[string]bool{}
	for _, g := range graphs {
		if g == nil {
			continue
		}
		add := func(_, secret string) {
			if len(secret) >= shortest && strings.ContainsAny(secret, "0123456789") &&
				!slices.ContainsFunc(g.Resources, func(r *graph.Resource) bool {
					return strings.Contains(r.URN, secret)
				}) {
				found[secret] = true
			}
		}
		for _, r := range g.Resources {
			plainOf(g, r, add)
		}
		plainIn("", g.Exports, func(text string) bool { return g.Resolve(text) != nil }, add)
	}
	return slices.Collect(maps.Keys(found))
}

// secretsIn are the secrets in plain within a value at a path.
func secretsIn(path string, v any) []string {
	var found []string
	plainIn(path, v, func(string) bool { return false }, func(_, secret string) { found = append(found, secret) })
	return found
}

// concealed is a value at a path without the secrets that stand in it in plain.
func concealed(path string, v any, known func(text string) bool) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		name := graph.Text(v["name"]) + graph.Text(v["key"])
		for key, e := range v {
			m[key] = concealed(path+"."+key, e, known)
			if inner, is := e.(string); is && key == "value" && isPlain(name, inner) && !known(inner) {
				m[key] = graph.Secret
			}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = concealed(path, e, known)
		}
		return list
	case string:
		text := v
		plainIn(path, v, known, func(_, secret string) {
			hidden := strings.ReplaceAll(text, secret, graph.Secret.String())
			if hidden == text { // it stands there in another form
				hidden = graph.Secret.String()
			}
			text = hidden
		})
		if text == graph.Secret.String() {
			return graph.Secret
		}
		return text
	}
	return v
}

// plainSecrets are the dangers of secrets that a resource newly has in plain.
func plainSecrets(base, head *graph.Graph, old, now *graph.Resource) []Danger {
	had := map[string]bool{}
	if old != nil {
		plainOf(base, old, func(_, secret string) { had[secret] = true })
	}
	var paths []string
	plainOf(head, now, func(path, secret string) {
		leaked := slices.ContainsFunc(head.Leaks, func(l graph.Leak) bool {
			return l.URN == now.URN && within(path, []string{l.Property})
		})
		if !had[secret] && !leaked && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	})
	if len(paths) == 0 {
		return nil
	}
	slices.Sort(paths)
	return []Danger{{Kind: exposes, Resource: now.String(),
		What: fmt.Sprintf("**%s** %s has a secret in plain (%s): whoever reads the repository, the stack's state or "+
			"the resource gets in with it. Mark it as secret, and replace it.", now.Kind(), code(now.Name),
			strings.Join(few(spans(paths)), ", "))}}
}
