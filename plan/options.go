package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// optional are the resources whose options differ. Only Pulumi's state keeps them: AWS is not asked for anything.
func optional(base, head *graph.Graph) []Change {
	var found []Change
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil || !now.Custom || now.Read || strings.HasPrefix(now.Token, "pulumi:") {
			continue
		}
		c := change(Update, now)
		add := func(path, before, after string) {
			if before != after {
				c.Properties = append(c.Properties, Property{Path: path, Before: before, After: after})
			}
		}
		was, is := old.Options, now.Options
		add("protect", strconv.FormatBool(was.Protect), strconv.FormatBool(is.Protect))
		add("retainOnDelete", strconv.FormatBool(was.RetainOnDelete), strconv.FormatBool(is.RetainOnDelete))
		add("deleteBeforeReplace", strconv.FormatBool(was.DeleteBeforeReplace),
			strconv.FormatBool(is.DeleteBeforeReplace))
		add("ignoreChanges", strings.Join(was.IgnoreChanges, ", "), strings.Join(is.IgnoreChanges, ", "))
		add("replaceOnChanges", strings.Join(was.ReplaceOnChanges, ", "), strings.Join(is.ReplaceOnChanges, ", "))
		add("deletedWith", was.DeletedWith, is.DeletedWith)
		add("provider", providerURN(was.Provider), providerURN(is.Provider))
		if len(c.Properties) > 0 {
			found = append(found, c)
		}
	}
	return found
}

// providerURN is a provider's reference without its id, which AWS makes up; empty for the default one.
func providerURN(reference string) string {
	if i := strings.LastIndex(reference, "::"); i >= 0 && strings.Count(reference, "::") > 3 {
		return reference[:i]
	}
	return reference
}

// heed are the dangers of options that differ: what was held on to is let go.
func heed(changes []Change) []Danger {
	var found []Danger
	for _, c := range changes {
		for _, p := range c.Properties {
			tell := func(kind, format string, args ...any) {
				found = append(found, Danger{Kind: kind, Resource: c.String(),
					What: fmt.Sprintf("**%s** %s: ", c.Kind, code(c.Name)) + fmt.Sprintf(format, args...) + "."})
			}
			switch p.Path {
			case "ignoreChanges":
				was, is := namesIn(p.Before), namesIn(p.After)
				if come := without(is, was); len(come) > 0 {
					tell("options", "changes of %s are no longer made", strings.Join(few(come), ", "))
				}
				if gone := without(was, is); len(gone) > 0 {
					tell("options", "changes of %s are no longer ignored; what was set by hand or by AWS there is lost",
						strings.Join(few(gone), ", "))
				}
			case "replaceOnChanges":
				if p.After != "" {
					tell("options", "a change of %s replaces it from now on", code(p.After))
				}
			case "deleteBeforeReplace":
				if p.After == "true" {
					tell("options", "whenever it is replaced, it is deleted before there is a new one")
				}
			case "deletedWith":
				tell("options", "Pulumi takes it for deleted with something else (%s → %s)",
					code(cmp.Or(p.Before, "nothing")), code(cmp.Or(p.After, "nothing")))
			}
		}
	}
	return found
}

// namesIn are the texts of a list as optional shows it.
func namesIn(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ", ")
}

// providers are the dangers of providers that change: another version, other settings, another one for a resource. The
// region of a provider without one of its own is the stack's.
func providers(base, head *graph.Graph, baseRegion, headRegion string) []Danger {
	var found []Danger
	for _, now := range head.Resources {
		old := base.Was(now)
		if !strings.HasPrefix(now.Token, "pulumi:providers:") {
			continue
		}
		if old == nil {
			// The endpoints are where it calls, whoever answers there.
			by := slices.DeleteFunc(append(slices.Clone(credentials), "endpoints"), func(key string) bool {
				return now.Input(key) == nil
			})
			if len(by) > 0 {
				found = append(found, Danger{Kind: notJudged, Resource: now.String(),
					What: fmt.Sprintf("Provider %s is new, and signs in its own way (%s): in which account it makes "+
						"what it has is not known here.", code(now.Name), strings.Join(spans(by), ", "))})
			}
			continue
		}
		for _, l := range differences(old, now) {
			none := func(string) bool { return false }
			from, to := plainly(concealed(l.path, l.before, none)), plainly(concealed(l.path, l.after, none))
			if l.path == "region" {
				found = append(found, Danger{Kind: "everything replaced", Resource: now.String(),
					What: fmt.Sprintf("Provider %s: `region` changes (%s → %s): %s.", code(now.Name), code(from), code(to),
						otherRegion)})
				continue
			}
			found = append(found, Danger{Kind: notJudged, Resource: now.String(),
				What: fmt.Sprintf("Provider %s: %s changes (%s → %s), and nothing here judges what that makes of its "+
					"resources.", code(now.Name), code(l.path), code(cut(from, longest)), code(cut(to, longest)))})
		}
	}
	var moved, handed []string
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil || !now.Custom || providerURN(old.Options.Provider) == providerURN(now.Options.Provider) {
			continue
		}
		if base.Region(old, baseRegion) != head.Region(now, headRegion) {
			moved = append(moved, code(now.String()))
		} else {
			handed = append(handed, code(now.String()))
		}
	}
	if len(moved) > 0 {
		found = append(found, Danger{Kind: "everything replaced", What: fmt.Sprintf("Another provider, of another "+
			"region, has %s: that %s.", strings.Join(few(moved), ", "), movedRegion)})
	}
	if len(handed) > 0 {
		found = append(found, Danger{Kind: notJudged, What: fmt.Sprintf("Another provider has %s: that replaces "+
			"nothing if it is of the same account, which is not known here, and Pulumi is of February 2025 or later; "+
			"older versions may replace it.", strings.Join(few(handed), ", "))})
	}
	return append(found, versions(base, head)...)
}

// otherRegion is what a change of a provider's region makes of what is there, and movedRegion what another provider
// makes of what it gets (https://github.com/pulumi/pulumi-aws/pull/4000, https://github.com/pulumi/pulumi/pull/18509).
const (
	otherRegion = "the provider may replace everything that it has, which is " + inOtherRegion
	movedRegion = "may replace what changes hands, which is " + inOtherRegion

	inOtherRegion = "made anew in the other region and deleted in the old one, data with it; an old version of the " +
		"provider looks for it in the other region, where nothing is, and the deployment fails"
)

// plainly is a value of a provider's input as a program would write it.
func plainly(v any) string {
	switch v.(type) {
	case map[string]any, []any:
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	return orUnset(v)
}

// versions are the dangers of providers that are another version, each once.
func versions(base, head *graph.Graph) []Danger {
	of := func(g *graph.Graph) map[string]map[string]bool {
		found := map[string]map[string]bool{}
		for _, r := range g.Resources {
			name, _, _ := strings.Cut(strings.TrimPrefix(r.Token, "pulumi:providers:"), ":")
			if r.Options.Version == "" {
				continue
			}
			if found[name] == nil {
				found[name] = map[string]bool{}
			}
			found[name][r.Options.Version] = true
		}
		return found
	}
	before, after := of(base), of(head)
	var found []Danger
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, is := slices.Sorted(maps.Keys(before[name])), slices.Sorted(maps.Keys(after[name]))
		if len(was) == 0 || slices.Equal(was, is) {
			continue
		}
		found = append(found, Danger{Kind: notJudged, Resource: "provider " + name,
			What: fmt.Sprintf("Provider %s is another version (%s → %s): what it replaces or sets differently is not "+
				"known here; its notes and a preview tell.", code(name), code(strings.Join(was, ", ")),
				code(strings.Join(is, ", ")))})
	}
	return found
}

// replacing are the options that replace a resource whose inputs may stay as they are
// (https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/resource/deploy/step_generator.go, diff, shouldTriggerReplace).
func replacing(old, now *graph.Resource) []leaf {
	var found []leaf
	was, is := old.Options.ReplacementTrigger, now.Options.ReplacementTrigger
	if holdsUnknown("", was) || holdsUnknown("", is) || was != nil && is != nil && !reflect.DeepEqual(was, is) {
		found = append(found, leaf{key: "replacementTrigger", path: "replacementTrigger", before: was, after: is,
			option: true})
	}
	if imports(old, now) {
		l := leaf{key: "import", path: "import", after: now.Options.Import, option: true}
		if old.Options.Import != "" {
			l.before = old.Options.Import
		}
		found = append(found, l)
	}
	for _, urn := range now.ReplacedWith {
		name := urn[strings.LastIndex(urn, "::")+2:]
		found = append(found, leaf{key: "replaceWith", path: "replaceWith", before: name, after: name, option: true})
	}
	return found
}
