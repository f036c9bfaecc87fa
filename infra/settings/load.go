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

	"dossier.example/app/setting"
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

// Load reads, parses and checks the settings of the stack that is run. names are those of all configuration (Names),
// which Pulumi's context does not list. The error is an *Error that holds all faults at once.
func Load(ctx Pulumi, names []string) (Settings, error) {
	region, _ := ctx.GetConfig(regionKey)
	raw, _ := ctx.GetConfig(Key)
	// Pulumi does not tell which part of an object is secret, so no part of one that holds a secret is ever printed.
	return parse(ctx.Stack(), region, raw, ctx.IsConfigSecret(Key), func(l *loader) {
		l.misplaced(names)
		l.identity(ctx)
		tags, _ := ctx.GetConfig(tagsKey)
		l.tags(tags, ctx.IsConfigSecret(tagsKey))
	})
}

// Parse is Load without Pulumi, and without what stands beside Key: raw is its value as Pulumi hands it to a program,
// an object as JSON, and empty where it is not set.
func Parse(stack, region, raw string) (Settings, error) {
	return parse(stack, region, raw, false, func(*loader) {})
}

// parse reads the settings; beside looks at the rest of the configuration, before what does not go together is told.
func parse(stack, region, raw string, secret bool, beside func(*loader)) (Settings, error) {
	l := &loader{Settings: Settings{Stack: stack, Region: region, Preset: Dev}, table: keys(), secret: secret}
	l.Loader = setting.NewLoader(&l.Settings, l.preset)
	l.names()
	l.read(raw)
	for _, k := range l.table { // The preset, from which the defaults come, is the first.
		l.Take(k.name, k.Field)
	}
	if !l.IsGiven(insights) {
		l.Database.PerformanceInsights = hasInsights(l.Database.Class)
	}
	l.unknown()
	beside(l)
	l.together()
	if l.Faults != nil {
		return Settings{}, failure(stack, l.Faults)
	}
	return l.Settings, nil
}

const insights = "database.performanceInsights"

// loader is the state of one parse.
type loader struct {
	Settings
	setting.Loader[Settings]
	table  []key
	secret bool
	// strange are the keys that are not in the table.
	strange []string
}

// file is where the stack's configuration stands.
func (l *loader) file() string { return "Pulumi." + setting.Plain(l.Stack) + ".yaml" }

// preset returns the default of a key.
func (l *loader) preset(name string) setting.Value {
	var text string
	if i := l.index(name); i >= 0 {
		text = l.table[i].preset(l.Preset)
	}
	return setting.Value{Text: text, Shown: text, Source: "preset " + string(l.Preset)}
}

// index returns the place of a key in the table, or -1.
func (l *loader) index(name string) int {
	return slices.IndexFunc(l.table, func(k key) bool { return k.name == name })
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
		l.Fault(Fault{Name: "stack", Value: setting.Quoted(l.Stack),
			Problem: fmt.Sprintf("the stack's name must be 1 to %d lower-case letters, digits and single hyphens "+
				"between them, because resource names contain it; choose another with \"pulumi stack rename\"",
				maxStack)})
	}
	if !regionName.MatchString(l.Region) {
		f := Fault{Name: regionKey, Problem: fmt.Sprintf("must be an AWS region of the standard partition such as "+
			"eu-central-1; set it with \"pulumi config set %s <region>\"", regionKey)}
		l.Bad[regionKey] = true
		if l.Region != "" {
			f.Value, f.Source = setting.Quoted(l.Region), l.file()
		}
		l.Fault(f)
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
			err = setting.ErrNot
		}
	}
	entries, ok := object.(map[string]any)
	if err != nil || !ok {
		f := Fault{Name: Key, Value: setting.Hidden, Source: l.file(), Problem: "must be " + example}
		if !l.secret {
			f.Value = setting.Quoted(raw)
		}
		l.Fault(f)
		for _, k := range l.table {
			l.Bad[k.name] = true
		}
		return
	}
	l.entries("", entries)
}

// entries takes the entries of the object, or of a group in it.
func (l *loader) entries(prefix string, entries map[string]any) {
	for _, entry := range slices.Sorted(maps.Keys(entries)) {
		name, value := prefix+entry, entries[entry]
		switch {
		case strings.Contains(entry, "."):
			l.strange = append(l.strange, name) // It would pass for a nested key.
		case l.index(name) >= 0:
			l.scalar(l.table[l.index(name)], value)
		case prefix == "" && slices.Contains(groups(l.table), name):
			l.group(name, value)
		default:
			l.strange = append(l.strange, name)
		}
	}
}

func (l *loader) group(name string, value any) {
	if entries, ok := value.(map[string]any); ok {
		l.entries(name+".", entries)
		return
	}
	var known []string
	for _, k := range l.table {
		if rest, ok := strings.CutPrefix(k.name, name+"."); ok {
			known, l.Bad[k.name] = append(known, rest), true
		}
	}
	problem := "must be an object with keys of " + strings.Join(known, ", ")
	if value == nil { // as where all that is in it is commented out
		problem += "; " + missing
	}
	l.Fault(Fault{Name: name, Value: l.show(value), Source: l.file(), Problem: problem})
}

// scalar takes the value of one key. Text, number and boolean are the same when they are written the same: "pulumi
// config set" and YAML differ in when they make the one of the other.
func (l *loader) scalar(k key, value any) {
	text, problem := textOf(k, value)
	l.Given[k.name] = setting.Value{Text: text, Shown: l.show(value), Source: l.file()}
	if problem != "" {
		l.Wrong(k.name, k.Field, problem)
	}
}

// missing is what is wrong with a key that is there without a value.
const missing = "the value is missing; set one, or remove the key to use the default"

// textOf returns a value as it is parsed, or what is wrong with it.
func textOf(k key, value any) (text, problem string) {
	if items, ok := value.([]any); ok && k.List {
		var texts []string
		for _, item := range items {
			text, ok := scalarText(item)
			switch {
			case !ok:
				return "", "each item must be text"
			case strings.TrimSpace(text) == "":
				return "", "an item is empty"
			}
			texts = append(texts, text)
		}
		return strings.Join(texts, ","), ""
	}
	text, ok := scalarText(value)
	switch {
	case value == nil:
		return "", missing
	case !ok:
		return "", "it must not be a list or an object"
	}
	return strings.TrimSpace(text), ""
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
		return setting.Hidden
	}
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return setting.Quoted(value)
	case []any:
		items := make([]string, 0, len(value))
		for _, item := range value {
			items = append(items, l.show(item))
		}
		return setting.Shortened("[" + strings.Join(items, ", ") + "]")
	case map[string]any:
		return "{…}"
	}
	return setting.Shortened(fmt.Sprint(value))
}

// unknown refuses the keys that are not in the table. Their values stay hidden: what one puts under a wrong name may be
// a password.
func (l *loader) unknown() {
	for _, name := range l.strange {
		problem := "unknown key; remove it"
		if near := setting.Nearest(name, l.known()); near != nil {
			problem = "unknown key; did you mean " + setting.Alternatives(near) + "?"
			l.meant(near...)
			if near[0] == name {
				group, rest, _ := strings.Cut(name, ".")
				problem = fmt.Sprintf("a dot does not nest keys here; write %s inside %s", rest, group)
			}
		}
		l.Fault(Fault{Name: setting.Plain(name), Value: setting.Hidden, Source: l.file(), Problem: problem})
	}
}

// known are the names of the groups and the keys.
func (l *loader) known() []string {
	known := groups(l.table)
	for _, k := range l.table {
		known = append(known, k.name)
	}
	return known
}

// meant notes the keys, or those of the groups, for which a value stands under a wrong name: theirs is not known.
func (l *loader) meant(names ...string) {
	for _, k := range l.table {
		group, _, _ := strings.Cut(k.name, ".")
		if !l.IsGiven(k.name) && (slices.Contains(names, k.name) || slices.Contains(names, group)) {
			l.Bad[k.name] = true
		}
	}
}
