package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
)

// shortest is how long a text is at least that is taken for something that AWS made up.
const shortest = 8

// labels are, by text, what AWS makes up: ids, ARNs, names and addresses, each with what it is of. What a model of AWS
// says instead would look like the truth and is none. again are the URNs of what is made anew.
func labels(g *graph.Graph, again map[string]bool) *strings.Replacer {
	texts := map[string]string{}
	if g != nil {
		// A zone that the program names is no secret of AWS, whatever else stands in it.
		zones := map[string]bool{}
		for _, r := range g.Resources {
			const key = "availabilityZone"
			if zone, is := r.Input(key).(string); is && len(r.PropertyDependencies[key]) == 0 {
				zones[zone] = true
			}
		}
		for _, r := range g.Resources {
			given := map[string]bool{}
			graph.Walk("", r.Inputs, func(_ string, v any) { given[graph.Text(v)] = true })
			add := func(text, what string) {
				if len(text) < shortest || given[text] || zones[text] || texts[text] != "" {
					return
				}
				if again[r.URN] {
					what = "new " + what
				}
				texts[text] = "{" + what + " of " + r.String() + "}"
			}
			if r.Custom && !r.Read {
				add(r.ID, "id")
				for _, key := range slices.Sorted(maps.Keys(r.Outputs)) {
					// Where it is and whose is of the account and of the configuration.
					if text, is := r.Outputs[key].(string); is && key != "region" && key != "ownerId" {
						add(text, key)
					}
				}
			}
		}
	}
	// The longest first: an id stands within an ARN.
	order := slices.Collect(maps.Keys(texts))
	slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	texts[awsmodel.Account] = "{account}"
	pairs := masking(g.Marked())
	for _, text := range append(order, awsmodel.Account) {
		pairs = append(pairs, text, texts[text])
	}
	return strings.NewReplacer(pairs...)
}

// namer shows values.
type namer struct{ before, after *strings.Replacer }

// longest is how many characters of a value are shown.
const longest = 160

// both are the two sides of a difference. Of long texts only the part that differs is shown.
func (n namer) both(l leaf) (before, after string) {
	if l.before == graph.Secret && l.after == graph.Secret {
		return "[secret]", "[another secret]"
	}
	before, after = n.show(n.before, l.path, l.before), n.show(n.after, l.path, l.after)
	if before == after && !slices.Equal(secretsIn(l.path, l.before), secretsIn(l.path, l.after)) {
		after = strings.ReplaceAll(after, graph.Secret.String(), "[another secret]")
	}
	if b, a := hash.ReplaceAllString(before, "$1…"), hash.ReplaceAllString(after, "$1…"); b != a {
		before, after = b, a
	}
	if before == after && before != "" {
		// Only what AWS makes up differs.
		after = "[made anew] " + after
	}
	return shorten(before, after)
}

func (n namer) show(names *strings.Replacer, path string, v any) string {
	v = concealed(path, v, func(text string) bool { // what AWS makes up is none
		shown := names.Replace(text)
		return shown != text && !strings.Contains(shown, graph.Secret.String())
	})
	switch v := v.(type) {
	case nil:
		return ""
	case graph.Mark:
		return v.String()
	case graph.Asset:
		return fmt.Sprintf("file with SHA-256 %.12s…", v.SHA256)
	case string:
		if v == "" {
			return `""`
		}
		return names.Replace(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return names.Replace(string(text))
}

// hash is a SHA-256, of which the beginning tells enough.
var hash = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{52}\b`)

// shorten cuts two texts to the part in which they differ, and that to what is shown.
func shorten(before, after string) (string, string) {
	if utf8.RuneCountInString(before) <= longest/2 && utf8.RuneCountInString(after) <= longest/2 {
		return before, after
	}
	if before != "" && after != "" {
		a, b := []rune(before), []rune(after)
		same := 0
		for same < len(a) && same < len(b) && a[same] == b[same] {
			same++
		}
		if same > 24 {
			from := same - 16
			a, b = append([]rune("…"), a[from:]...), append([]rune("…"), b[from:]...)
		}
		before, after = string(a), string(b)
	}
	return cut(before, longest), cut(after, longest)
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
