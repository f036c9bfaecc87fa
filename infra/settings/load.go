package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Key is the one object of configuration that holds all settings: so that keys which nobody reads can be found and
// refused.
const Key = "dossier:settings"

const regionKey = "aws:region"

// Pulumi is what Load asks Pulumi for: *pulumi.Context has it. The package does not import Pulumi, whose compilation
// would make the tests and the fuzzing of pure functions a matter of minutes.
type Pulumi interface {
	// Stack returns the name of the stack.
	Stack() string
	// GetConfig returns the value of a key of configuration, and whether there is one.
	GetConfig(key string) (string, bool)
	// IsConfigSecret reports whether the value, or a part of it, is secret.
	IsConfigSecret(key string) bool
}

// Load reads, parses and checks the settings of the stack that is run. The error is an *Error that holds all faults at
// once.
func Load(ctx Pulumi) (Settings, error) {
	region, _ := ctx.GetConfig(regionKey)
	raw, _ := ctx.GetConfig(Key)
	// Pulumi does not tell which part of an object is secret, so no part of one that holds a secret is ever printed.
	return parse(ctx.Stack(), region, raw, ctx.IsConfigSecret(Key))
}

// Parse is Load without Pulumi: raw is the value of Key as Pulumi hands it to a program, an object as JSON, and empty
// where it is not set.
func Parse(stack, region, raw string) (Settings, error) { return parse(stack, region, raw, false) }

func parse(stack, region, raw string, secret bool) (Settings, error) {
	l := &loader{
		Settings: Settings{Stack: stack, Region: region, Preset: Dev},
		table:    keys(), secret: secret, given: map[string]given{}, bad: map[string]bool{},
	}
	l.names()
	l.read(raw)
	l.values()
	l.unknown()
	l.together()
	if l.faults != nil {
		return Settings{}, &Error{Stack: stack, Faults: l.faults}
	}
	return l.Settings, nil
}

// loader is the state of one parse.
type loader struct {
	Settings
	table  []key
	secret bool
	// given holds, by key, what the configuration says.
	given map[string]given
	// strange are the keys that are not in the table.
	strange []string
	// bad are the keys whose value is not what was meant; rules over several keys leave them alone.
	bad    map[string]bool
	faults []Fault
}

// given is a value as it is parsed, and as it is shown.
type given struct{ text, shown string }

// isGiven reports whether the configuration has a value for a key.
func (l *loader) isGiven(name string) bool { _, ok := l.given[name]; return ok }

func (l *loader) fault(f Fault) { l.faults = append(l.faults, f) }

// file is where the stack's configuration stands.
func (l *loader) file() string { return "Pulumi." + plain(l.Stack) + ".yaml" }

// faultOf describes a fault in the value that a key has now.
func (l *loader) faultOf(name, problem string) Fault {
	f := Fault{Key: name, Problem: problem}
	if g, ok := l.given[name]; ok {
		f.Value, f.Source = g.shown, l.file()
	} else if preset := l.key(name).preset(l.Preset); preset != "" {
		f.Value, f.Source = preset, "preset "+string(l.Preset)
	}
	return f
}

// key returns the row of a name.
func (l *loader) key(name string) key {
	return l.table[slices.IndexFunc(l.table, func(k key) bool { return k.name == name })]
}

const (
	// maxProject is the longest name that a project may have: that of the database's administrator, dossier_admin,
	// begins with it and has at most 16 characters
	// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html).
	maxProject = 16 - len("_admin")
	// maxStack leaves room for the strictest of the limits on names that contain the stack's: an RDS identifier,
	// dossier-<stack>, has at most 63 letters, digits and hyphens, no two hyphens in a row and none at the end (the
	// same page). The others allow more: an Auto Scaling group 255, a dashboard 255, a parameter's path 1011, a
	// description of a security group 255, the display name of a topic 100. Names that Pulumi makes up, such as those
	// of roles (64) and load balancers (32), do not contain the stack's. It does not depend on what the project is
	// called.
	maxStack = 63 - maxProject - len("-")
	// regionForm is that of the regions of the partition aws, which policies name in their ARNs: not China (cn-…), not
	// GovCloud (us-gov-…).
	regionForm = `(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]{4,12}-[1-9][0-9]?`
)

var (
	stackName  = regexp.MustCompile(`\A[a-z0-9]+(-[a-z0-9]+)*\z`)
	regionName = regexp.MustCompile(`\A` + regionForm + `\z`)
)

// names checks what does not come from the object.
func (l *loader) names() {
	if !stackName.MatchString(l.Stack) || len(l.Stack) > maxStack {
		l.fault(Fault{Key: "stack", Value: quoted(l.Stack),
			Problem: fmt.Sprintf("the stack's name must be 1 to %d lower-case letters, digits and single hyphens "+
				"between them, because resource names contain it; choose another with \"pulumi stack rename\"",
				maxStack)})
	}
	if !regionName.MatchString(l.Region) {
		f := Fault{Key: regionKey, Problem: fmt.Sprintf("must be an AWS region of the standard partition such as "+
			"eu-central-1; set it with \"pulumi config set %s <region>\"", regionKey)}
		l.bad[regionKey] = true
		if l.Region != "" {
			f.Value, f.Source = quoted(l.Region), l.file()
		}
		l.fault(f)
	}
}

// example shows the form of the object.
const example = `an object of keys such as {"preset": "dev", "network": {"zones": 3}}; set single keys with "pulumi config set --path ` + Key + `.network.zones 3"`

// read takes the object apart into given and strange.
func (l *loader) read(raw string) {
	if strings.TrimSpace(raw) == "" {
		return
	}
	var object any
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.UseNumber() // 8.4 and 10000000 stay as they are written.
	err := decoder.Decode(&object)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errNot
		}
	}
	entries, ok := object.(map[string]any)
	if err != nil || !ok && object != nil {
		f := Fault{Key: Key, Value: hidden, Source: l.file(), Problem: "must be " + example}
		if !l.secret {
			f.Value = quoted(raw)
		}
		l.fault(f)
		for _, k := range l.table {
			l.bad[k.name] = true
		}
		return
	}
	l.take("", entries)
}

// take reads the entries of the object, or of a group in it.
func (l *loader) take(prefix string, entries map[string]any) {
	for _, entry := range slices.Sorted(maps.Keys(entries)) {
		name, value := prefix+entry, entries[entry]
		switch {
		case strings.Contains(entry, "."):
			l.strange = append(l.strange, name) // It would pass for a nested key.
		case slices.ContainsFunc(l.table, func(k key) bool { return k.name == name }):
			l.scalar(l.key(name), value)
		case prefix == "" && slices.Contains(groups(l.table), name):
			l.group(name, value)
		default:
			l.strange = append(l.strange, name)
		}
	}
}

func (l *loader) group(name string, value any) {
	switch value := value.(type) {
	case nil: // All that is in it is commented out.
	case map[string]any:
		l.take(name+".", value)
	default:
		var known []string
		for _, k := range l.table {
			if rest, ok := strings.CutPrefix(k.name, name+"."); ok {
				known, l.bad[k.name] = append(known, rest), true
			}
		}
		l.fault(Fault{Key: name, Value: l.show(value), Source: l.file(), Problem: "must be an object with keys of " +
			strings.Join(known, ", ")})
	}
}

// scalar takes the value of one key. Text, number and boolean are the same when they are written the same: "pulumi
// config set" and YAML differ in when they make the one of the other.
func (l *loader) scalar(k key, value any) {
	shown := l.show(value)
	if items, ok := value.([]any); ok && k.list {
		var texts []string
		for _, item := range items {
			text, ok := scalarText(item)
			if !ok {
				l.wrong(k, shown, "each item must be text")
				return
			}
			if strings.TrimSpace(text) == "" {
				l.wrong(k, shown, "an item is empty")
				return
			}
			texts = append(texts, text)
		}
		l.given[k.name] = given{strings.Join(texts, ","), shown}
		return
	}
	text, ok := scalarText(value)
	switch {
	case value == nil:
		l.wrong(k, shown, "the value is missing; set one, or remove the key to use the default")
	case !ok:
		l.wrong(k, shown, "it must not be a list or an object")
	default:
		l.given[k.name] = given{strings.TrimSpace(text), shown}
	}
}

// wrong refuses the value of a key.
func (l *loader) wrong(k key, shown, detail string) {
	l.bad[k.name] = true
	f := Fault{Key: k.name, Value: shown, Source: l.file(), Problem: "must be " + k.allowed}
	if detail != "" {
		f.Problem += "; " + detail
	}
	l.fault(f)
}

func scalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return fmt.Sprint(value), true
	}
	return "", false
}

// show prints a value of the configuration, if it may be.
func (l *loader) show(value any) string {
	if l.secret {
		return hidden
	}
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return quoted(value)
	case []any:
		items := make([]string, 0, len(value))
		for _, item := range value {
			items = append(items, l.show(item))
		}
		return cut("[" + strings.Join(items, ", ") + "]")
	case map[string]any:
		return "{…}"
	}
	return cut(fmt.Sprint(value))
}

func cut(s string) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// values sets every field: to what is given, and else to the preset's default. The preset itself is the table's first
// row.
func (l *loader) values() {
	for _, k := range l.table {
		if l.bad[k.name] {
			continue
		}
		g, ok := l.given[k.name]
		if !ok {
			if g.text = k.preset(l.Preset); g.text == "" {
				continue
			}
		}
		if err := k.set(&l.Settings, g.text); err != nil {
			detail := err.Error()
			if l.secret {
				detail = ""
			}
			l.wrong(k, g.shown, detail)
		}
	}
	if !l.isGiven(insights) {
		l.Database.PerformanceInsights = hasInsights(l.Database.Class)
	}
}

const insights = "database.performanceInsights"

// unknown refuses the keys that are not in the table. Their values stay hidden: what one puts under a wrong name may be
// a password.
func (l *loader) unknown() {
	for _, name := range l.strange {
		problem := "unknown key; remove it"
		if near := l.nearest(name); near != nil {
			problem = "unknown key; did you mean " + alternatives(near) + "?"
			for _, k := range l.table { // The value that was meant for it is not known.
				if !l.isGiven(k.name) && (slices.Contains(near, k.name) || strings.HasPrefix(k.name, near[0]+".")) {
					l.bad[k.name] = true
				}
			}
			if near[0] == name {
				group, rest, _ := strings.Cut(name, ".")
				problem = fmt.Sprintf("a dot does not nest keys here; write %s inside %s", rest, group)
			}
		}
		l.fault(Fault{Key: plain(name), Value: hidden, Source: l.file(), Problem: problem})
	}
}

// nearest returns the keys or the group that a wrong one was most likely meant to be, or nothing: those spelt alike,
// and else those whose last part is the same, in another group.
func (l *loader) nearest(name string) []string {
	known := groups(l.table)
	for _, k := range l.table {
		known = append(known, k.name)
	}
	folded := fold(name)
	if len(folded) > most {
		return nil
	}
	// A third of the letters, or more than three of them, make another word.
	var best []string
	least := min(len(folded)/3, 3)
	for _, k := range known {
		switch d := distance(folded, fold(k)); {
		case d < least || d == least && best == nil:
			best, least = []string{k}, d
		case d == least:
			best = append(best, k)
		}
	}
	if best != nil {
		return best
	}
	last := func(s string) string { return fold(s[strings.LastIndex(s, ".")+1:]) }
	for _, k := range known {
		if last(k) == last(name) {
			best = append(best, k)
		}
	}
	return best
}

// fold takes away what people write names differently by.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance is the Levenshtein distance of two names, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
