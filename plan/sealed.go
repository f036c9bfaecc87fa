package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// inPlain is of secrets that can be read where they could not.
const inPlain = "secret in plain"

// leaksRule is the rule of the catalogue that tells of secrets in plain.
const leaksRule = "Plan.Secrets.1"

// unsealed are the secrets that stand in plain from now on: those of unsealed, which the program marked before, and
// values of secrets at places where base has none. What the rules tell of it is not told again.
func unsealed(dropped []graph.Leak, base, head *graph.Graph, rules Policy) []Danger {
	type group struct {
		urn    string
		marked bool
	}
	var order []group
	paths := map[group][]string{}
	add := func(l graph.Leak, marked bool) {
		name := ""
		if r := head.ByURN(l.URN); r != nil {
			name = r.String()
		}
		if slices.ContainsFunc(rules.Broken, func(b Broken) bool {
			return b.Rule == leaksRule && b.Resource == name && strings.Contains(b.Message, l.Property)
		}) {
			return
		}
		in := group{l.URN, marked}
		if paths[in] == nil {
			order = append(order, in)
		}
		paths[in] = append(paths[in], l.Property)
	}
	for _, l := range dropped {
		add(l, true)
	}
	for _, l := range head.Leaks {
		if !slices.Contains(dropped, l) && (base == nil || !slices.Contains(base.Leaks, l)) {
			add(l, false)
		}
	}
	var found []Danger
	for _, in := range order {
		names := codes(few(paths[in]))
		what, who := "the outputs "+names, "`pulumi stack output` shows it, and the stacks that read it get it in plain"
		d := Danger{Kind: inPlain}
		if r := head.ByURN(in.urn); r != nil {
			d.Resource = r.String()
			what, who = fmt.Sprintf("**%s** %s: %s", r.Kind(), code(r.Name), names),
				"whoever reads the state, a preview or its log reads it"
		}
		why := "has the value of a secret that is not marked as one"
		if in.marked {
			why = "is no longer marked as secret"
		}
		d.What = fmt.Sprintf("%s %s: the next deployment writes it in plain into the state, and %s.",
			strings.ToUpper(what[:1])+what[1:], why, who)
		found = append(found, d)
	}
	return found
}

// decrypted are the values of a stack's file that were encrypted in base's and stand there in plain, and passwords that
// are new there.
func decrypted(base, head Stack) []Danger {
	var found []Danger
	for _, key := range slices.Sorted(maps.Keys(head.Config)) {
		had := secretsIn(key, parsedConfig(base.Config[key]))
		plainIn(key, parsedConfig(head.Config[key]), func(text string) bool { return slices.Contains(had, text) },
			func(path, _ string) {
				if !slices.Contains(base.Secrets, key) {
					found = append(found, Danger{Kind: inPlain, What: fmt.Sprintf("The configuration %s stands in "+
						"plain in the stack's file: whoever reads the repository reads it. Encrypt it (`pulumi config "+
						"set --secret`), and end this value where it is used.", code(path))})
				}
			})
		if !slices.Contains(base.Secrets, key) {
			continue
		}
		for _, path := range openedPaths(key, parsedConfig(base.Config[key]), parsedConfig(head.Config[key])) {
			found = append(found, Danger{Kind: inPlain, What: fmt.Sprintf("The configuration %s was encrypted "+
				"(`secure:`) and stands in plain in the stack's file: whoever reads the repository reads it, and its "+
				"history keeps it. Encrypt another value, and end this one where it is used.", code(path))})
		}
	}
	return found
}

// secretUnless is the mark of a secret, or nil where there is none.
func secretUnless(none bool) any {
	if none {
		return nil
	}
	return graph.Secret
}

// parsedConfig is a value of the configuration, which is JSON where it is an object or a list.
func parsedConfig(text string) any {
	var v any
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if json.Unmarshal([]byte(text), &v) == nil {
			return v
		}
	}
	return text
}

// openedPaths are the places at which was is encrypted and is is in plain.
func openedPaths(path string, was, is any) []string {
	switch w := was.(type) {
	case string:
		text, _ := is.(string)
		if strings.HasPrefix(w, graph.Sealed) && is != nil && is != "" && !strings.HasPrefix(text, graph.Sealed) {
			return []string{path}
		}
	case map[string]any:
		i, _ := is.(map[string]any)
		var found []string
		for _, key := range slices.Sorted(maps.Keys(w)) {
			found = append(found, openedPaths(path+"."+key, w[key], i[key])...)
		}
		return found
	case []any:
		i, _ := is.([]any)
		var found []string
		for n := range min(len(w), len(i)) {
			found = append(found, openedPaths(fmt.Sprintf("%s[%d]", path, n), w[n], i[n])...)
		}
		return found
	}
	return nil
}

// masking puts the mark of a secret in the place of texts that must not be shown.
func masking(texts []string) []string {
	var pairs []string
	for _, text := range texts {
		pairs = append(pairs, text, graph.Secret.String())
		if quoted, err := json.Marshal(text); err == nil && string(quoted) != `"`+text+`"` {
			pairs = append(pairs, strings.Trim(string(quoted), `"`), graph.Secret.String())
		}
	}
	return pairs
}

// mask masks texts, and keys, in all that an environment says.
func (e *Environment) mask(texts []string) {
	names := strings.NewReplacer(masking(texts)...)
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		case reflect.String:
			if v.CanSet() {
				v.SetString(keys.ReplaceAllString(names.Replace(v.String()), graph.Secret.String()))
			}
		}
	}
	walk(reflect.ValueOf(e))
}
