package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"dossier.example/plan/graph"
)

// changedInputs are the dangers of inputs that differ, and of those of what is created where they open something. What
// nothing judges is told.
func changedInputs(e *Environment, base, head *graph.Graph) []Danger {
	var found []Danger
	for _, c := range e.Changes {
		now, old := head.ByURN(c.URN), (*graph.Resource)(nil)
		if c.Action == Delete || now == nil {
			continue
		}
		if !c.made() {
			old = base.Was(now)
		}
		unknown := !judged(c.Type)
		if c.made() {
			unknown = !judgedNew(c.Type) && !styles(now)
		}
		if c.Action == Import {
			found = append(found, takenOver(c))
		}
		if c.verdict(UnknownType) {
			found = append(found, ruled(c, old, now, false)...)
			continue // else told by unsure
		}
		if unknown && c.Action != Replace {
			verb := map[Action]string{Create: "is created", Import: "is taken over", Update: "changes"}[c.Action]
			why := "nothing here judges type " + code(c.Type)
			if judged(c.Type) {
				why = "nothing here judges whom a new one lets in, or what it costs"
			}
			found = append(found, c.danger(notJudged, " %s: %s.", verb, why))
			if c.Action == Update {
				found = append(found, ruled(c, old, now, false)...)
				continue
			}
		}
		newWhole := base == nil
		if whole := head.Resolve(now.Input(partOf[c.Type])); whole != nil && whole != now && !newWhole {
			newWhole = base.Was(whole) == nil
		}
		found = append(found, ruled(c, old, now, newWhole)...)
		if paths := toBeSeen(c.Type, old, now); len(paths) > 0 {
			found = append(found, c.danger(notJudged, ": what %s will be, only a deployment knows.",
				strings.Join(few(spans(paths)), ", ")))
		}
		if strings.HasPrefix(c.Type, "aws:s3/bucketLifecycleConfiguration") || c.Type == "aws:s3/bucket:Bucket" {
			// A bucket that is made with it has nothing yet.
			bucket := head.Resolve(now.Input("bucket"), "aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket")
			if (old != nil || base != nil && (bucket == nil || base.Was(bucket) != nil)) &&
				(c.Type != bucketType || old != nil) {
				for _, of := range []struct {
					kind string
					what []string
				}{{expires, lifecycle(old, now)}, {stops, frozen(old, now)}} {
					if len(of.what) > 0 {
						found = append(found, c.danger(of.kind, ": %s.", strings.Join(of.what, "; ")))
					}
				}
			}
		}
		if left := unknownInputs(c, old, now); len(left) > 0 &&
			(c.Action == Update || c.Action == Replace && quiet(c)) {
			found = append(found, c.danger(notJudged, ": nothing here judges what changes in %s.",
				strings.Join(few(left), ", ")))
		}
		if (c.Type == serverType || c.Type == templateType) && old != nil {
			if why := otherArchitecture(old, now); why != "" {
				found = append(found, c.danger(refused, ": %s.", why))
			}
		}
		if c.Action != Update {
			continue
		}
		if why := operations(old, now); c.Type == databaseType && why != "" {
			found = append(found, c.danger(shrinks, ": %s.", why))
		}
		if why := tokenLives(old, now); c.Type == poolClientType && why != "" {
			found = append(found, c.danger(weakens, ": %s.", why))
		}
		if why := keyTypes(old, now); c.Type == tableType && why != "" {
			found = append(found, c.danger(stops, ": %s.", why))
		}
		if c.Type == "aws:cloudwatch/metricAlarm:MetricAlarm" {
			if why := alarmThreshold(old, now); why != "" {
				found = append(found, c.danger(hides, ": %s.", why))
			}
		}
	}
	return found
}

// danger is one of a change, of whose resource it tells.
func (c Change) danger(kind, format string, args ...any) Danger {
	return Danger{Kind: kind, Resource: c.String(),
		What: fmt.Sprintf("**%s** %s", c.Kind, code(c.Name)) + fmt.Sprintf(format, args...)}
}

// quiet reports whether nothing is told of the replacement of a resource as such, so that its inputs have to be judged
// as those of an update.
func quiet(c Change) bool {
	if slices.Contains(disposable, c.Type) {
		return true
	}
	loss, known := losses[c.Type]
	return known && loss.kind != stops && !c.First && holding[c.Type] == ""
}

// takenOver is what a reviewer has to know of a resource that is imported: a deployment fails where the program asks
// for something else than there is (https://www.pulumi.com/docs/iac/concepts/resources/options/import/).
func takenOver(c Change) Danger {
	return c.danger(notJudged, " takes over what exists as %s (option `import`). Its inputs have to agree with that, "+
		"or the deployment stops there: nobody can tell without credentials. From then on Pulumi changes and deletes "+
		"it.", code(cut(c.Existing, longest)))
}

// ruled are the dangers that the rules for inputs find in a change, one for each kind; old is nil for a new resource,
// and newWhole tells that what it is a part of is new as well.
func ruled(c Change, old, now *graph.Resource, newWhole bool) []Danger {
	var found []Danger
	type reason struct{ kind, why string }
	paths := map[reason][]string{}
	said := map[string][]reason{}
	var kinds []string
	tell := func(kind, why, path string) {
		if said[kind] == nil {
			kinds = append(kinds, kind)
		}
		r := reason{kind, why}
		if paths[r] == nil {
			said[kind] = append(said[kind], r)
		}
		if path = code(path); !slices.Contains(paths[r], path) {
			paths[r] = append(paths[r], path)
		}
	}
	for _, r := range rulesOf(c.Type, old, now) {
		if c.Action == Replace && r.kind == stops && (addressed[c.Type] != "" || losses[c.Type].kind == stops) {
			continue // that it goes is told
		}
		if r.fresh && (r.kind == expires || r.kind == notJudged) && newWhole {
			continue // it has nothing yet, or all is new
		}
		if old == nil && !r.made && !r.fresh || old != nil && r.fresh ||
			r.kind == refused && c.Action == Replace {
			continue
		}
		if needs := onlyWith[c.Type+" "+r.path]; needs != "" && !graph.Is(now.Input(needs), true) {
			continue
		}
		if by := scaling[c.Type]; r.kind == shrinks && by.path != "" && graph.Text(now.Input(by.path)) == by.value {
			continue
		}
		var was any
		if old != nil {
			was = old.Input(r.path)
		}
		is := now.Input(r.path)
		if is == graph.Unknown {
			continue // told by toBeSeen
		}
		if by := unsetBy[c.Type+" "+r.path]; by != "" {
			was, is = orInput(was, old, by), orInput(is, now, by)
		}
		// Of two secrets nobody sees more than that they are not the same.
		masked := was == graph.Secret && is == graph.Secret && changes(c, r.path)
		if !r.fresh && !masked && (reflect.DeepEqual(was, is) || old != nil && same(c.Type, r.path, was, is)) ||
			old != nil && follows(c, r.path) {
			continue
		}
		why := r.judge(was, is)
		if why == "" {
			why = r.judge(given(c.Type, r.path, was, old), given(c.Type, r.path, is, now))
		}
		if why != "" && was == graph.Unknown && r.judge(nil, is) == "" {
			tell(notJudged, "what it was before is not known", r.path)
		} else if why != "" {
			tell(r.kind, why, r.path)
		}
	}
	if c.Type == distributionType && old != nil {
		behaves(old, now, tell)
	}
	for _, kind := range kinds {
		var texts []string
		for _, r := range said[kind] {
			texts = append(texts, fmt.Sprintf("%s (%s)", r.why, strings.Join(paths[r], ", ")))
		}
		found = append(found, c.danger(kind, ": %s.", strings.Join(texts, "; ")))
	}
	return found
}

// toBeSeen are the inputs that something here judges and that are known no longer, or, of a new resource, not yet.
func toBeSeen(token string, old, now *graph.Resource) []string {
	var found []string
	add := func(path string) {
		if holdsUnknown("", now.Input(path)) && (old == nil || !holdsUnknown("", old.Input(path))) &&
			!slices.ContainsFunc(found, func(other string) bool { return within(path, []string{other}) }) {
			found = append(found, path)
		}
	}
	for _, r := range rulesOf(token, old, now) {
		if r.kind != "" && (r.made || r.fresh == (old == nil)) {
			add(r.path)
		}
	}
	if old == nil {
		return found
	}
	for _, g := range guardsOf(token) {
		add(g.path)
	}
	for _, path := range slices.Sorted(maps.Keys(ciphers(old))) {
		add(position.ReplaceAllString(path, ""))
	}
	if token == distributionType {
		found = append(found, behaviorsToBeSeen(old, now)...)
	}
	return found
}

// onlyWith are the inputs that mean nothing unless another one is true: a standard queue or topic refuses no message
// for want of what it is twice of.
var onlyWith = map[string]string{
	queueType + " contentBasedDeduplication":        "fifoQueue",
	"aws:sns/topic:Topic contentBasedDeduplication": "fifoTopic",
}

// scaling are the inputs, with their values, by which capacity follows the load, whatever else is said of it.
var scaling = map[string]struct{ path, value string }{
	tableType:                   {"billingMode", "PAY_PER_REQUEST"},
	"aws:kinesis/stream:Stream": {"streamModeDetails.streamMode", "ON_DEMAND"},
}

// follows reports whether what differs at a path is nothing but the new id or name of what is replaced itself.
func follows(c Change, path string) bool {
	found := false
	for _, p := range c.Properties {
		if within(p.Path, []string{path}) {
			if !p.follows() {
				return false
			}
			found = true
		}
	}
	return found
}

// nameless takes from what AWS makes up that it is made up anew.
var nameless = strings.NewReplacer("{new ", "{", "{next ", "{")

func (p Property) follows() bool {
	return strings.Contains(p.Before, " of ") && nameless.Replace(p.After) == p.Before
}

// judgedTypes are all types that something here judges.
var judgedTypes = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for _, table := range []map[string]string{holding, addressed, founding, documents} {
		for token := range table {
			known[token] = true
		}
	}
	for _, token := range disposable {
		known[token] = true
	}
	for token := range losses {
		known[token] = true
	}
	for _, token := range elsewhere {
		known[token] = true
	}
	for token := range neutral {
		known[token] = true
	}
	for _, g := range guards {
		known[g.token] = true
	}
	for _, r := range inputRules {
		known[r.token] = true
	}
	return known
})

func judged(token string) bool { return judgedTypes()[token] }

// judgedNew reports whether it is known of a new resource of a type whom it lets in, and that it costs little by
// itself, or what. A person has to look at all else that is created.
func judgedNew(token string) bool {
	return slices.Contains(elsewhere, token) || slices.Contains(closed, token)
}

// judgedGone reports whether it is known that nothing is lost with a resource of a type.
func judgedGone(token string) bool {
	return slices.Contains(elsewhere, token) || slices.Contains(disposable, token) || documents[token] != ""
}

// unknownInputs are the inputs of an update that nothing judges.
func unknownInputs(c Change, old, now *graph.Resource) []string {
	if old == nil || slices.Contains(elsewhere, c.Type) {
		return nil
	}
	var left []string
	known := func(path string) bool {
		key, _, _ := strings.Cut(path, ".")
		if rest, is := strings.CutPrefix(path, otherBehaviors); is && c.Type == distributionType {
			path = strings.TrimSuffix(defaultBehavior+rest, ".pathPattern") // behaves judges them by the same rules
		}
		_, ciphers := encrypts(path) // of which unciphered tells
		return ciphers || key == "import" && c.Existing != "" || slices.Contains(neutral[""], key) ||
			c.Action == Replace && strings.HasPrefix(key, "name") ||
			slices.Contains(neutral[c.Type], key) ||
			interruptions[c.Type][key] != "" || documents[c.Type] == key ||
			c.Type == "aws:cloudwatch/metricAlarm:MetricAlarm" && key == "threshold" ||
			slices.ContainsFunc(guardsOf(c.Type), func(g guard) bool { return within(path, []string{g.path}) }) ||
			settledEverywhere(c.Type, path, old, now) ||
			slices.ContainsFunc(inputRules, func(r rule) bool {
				return r.token == c.Type && within(path, []string{r.path})
			})
	}
	for _, p := range c.Properties {
		path := position.ReplaceAllString(p.Path, "")
		paths := inside(path, old, now)
		unknown := slices.DeleteFunc(slices.Clone(paths), known)
		if len(unknown) == len(paths) {
			unknown = []string{p.Path}
		}
		told := known(path) && slices.ContainsFunc(inputRules, func(r rule) bool {
			return r.token == c.Type && within(path, []string{r.path}) &&
				r.judge(old.Input(r.path), now.Input(r.path)) != ""
		})
		for _, path := range unknown {
			if text := code(path); !told && !p.follows() && !slices.Contains(left, text) {
				left = append(left, text)
			}
		}
	}
	return left
}

// inside are the paths within an object that one side alone has at a path; else that path.
func inside(path string, old, now *graph.Resource) []string {
	was, before := old.Input(path).(map[string]any)
	is, after := now.Input(path).(map[string]any)
	if before == after || len(was)+len(is) == 0 {
		return []string{path}
	}
	var found []string
	collect := func(at string, _ any) { found = append(found, position.ReplaceAllString(at, "")) }
	graph.Walk(path, was, collect)
	graph.Walk(path, is, collect)
	return slices.Compact(found)
}
