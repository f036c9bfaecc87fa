package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// ConfigFile is the file at a repository's root that says what to plan. A repository needs none where its Pulumi
// projects and their stacks can be found, and nothing more is to be said of them.
const ConfigFile = "stackplan.yaml"

// Config is what ConfigFile has. Every path in it is relative to the repository's root, with slashes.
type Config struct {
	// Projects are the Pulumi projects to plan; without any, every one in the repository.
	Projects []ProjectConfig `yaml:"projects"`
	// Exceptions are where rules are not kept on purpose.
	Exceptions []Exception `yaml:"exceptions"`
	// Rules is the folder of a Go program that serves rules.
	Rules string `yaml:"rules"`
	// Prices is the file of the prices; empty: those that come with the command.
	Prices string `yaml:"prices"`
	// FailInherited makes a plan fail for what base has already: rules that it breaks, resources that nothing judges.
	FailInherited bool `yaml:"failInherited"`
}

// ProjectConfig is what there is to say of a Pulumi project.
type ProjectConfig struct {
	// Folder is where its Pulumi.yaml is.
	Folder string `yaml:"folder"`
	// Stacks are those to plan; without any, those that have a file with their configuration.
	Stacks []string `yaml:"stacks"`
	// Production are the stacks whose data must outlive mistakes, which more rules are about; absent: all.
	Production *[]string `yaml:"production"`
	// Environment are variables that the program runs with, which is given few others.
	Environment map[string]string `yaml:"environment"`
	// Artifacts are the files and folders that a build makes and the program uploads, with what each is made of: files,
	// folders or patterns as of path.Match. They need not exist: a hash of what they are made of stands for them.
	Artifacts map[string][]string `yaml:"artifacts"`
	// Config is configuration of which a deployment gets other values elsewhere, such as from Pulumi ESC. It holds in
	// plans alone, where no file of Pulumi's has the key.
	Config map[string]string `yaml:"config"`
	// Tags are build tags.
	Tags []string `yaml:"tags"`
	// Package is the folder of the Go package that the program is made of; empty: that of the program itself. Where
	// Pulumi.yaml names a binary, it may be another one.
	Package string `yaml:"package"`
	// Migrations are the SQL files that a deployment runs on a database in the order of their names: a folder, or a
	// pattern as of path.Match.
	Migrations string `yaml:"migrations"`
}

// Exception is where a rule is not kept on purpose.
type Exception struct {
	// Rule is its id.
	Rule string `yaml:"rule"`
	// Resource is the name of the resource in the program, or a pattern as of path.Match.
	Resource string `yaml:"resource"`
	// Type is the type of the resource, such as aws:s3/bucket:Bucket; empty: any.
	Type string `yaml:"type"`
	// Stacks are where it holds; none: in all.
	Stacks []string `yaml:"stacks"`
	// Reason says why.
	Reason string `yaml:"reason"`
}

// readConfig reads the configuration of a tree. Where there is none, found is false.
func readConfig(dir, file string) (config Config, found bool, err error) {
	text, err := inTree(dir, path.Clean(file), maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		if other := strings.TrimSuffix(ConfigFile, "yaml") + "yml"; file == ConfigFile && exists(rooted(dir), other) {
			return config, true, fmt.Errorf("%s is not read: call it %s", other, ConfigFile)
		}
		return config, false, nil
	}
	if err != nil {
		return config, true, fmt.Errorf("reading %s: %w", file, unplaced(err))
	}
	if err := config.read(text); err != nil {
		return config, true, fmt.Errorf("reading %s: %w", file, err)
	}
	return config, true, nil
}

// maxConfig bounds a file of YAML that people write, in bytes.
const maxConfig = 1 << 20

// read reads a configuration, and checks it.
func (c *Config) read(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(c)
	if errors.Is(err, io.EOF) {
		return nil // it is empty, or has comments alone
	}
	if err != nil {
		return plainly(err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.New("it has more than one document: keep one, and no line --- after its first")
	}
	return c.check()
}

// What the parser says of keys and values, in its own words and those of Go.
var (
	unknownKey = regexp.MustCompile(`^(line \d+): field (.*) not found in type cli\.(\w+)$`)
	wrongValue = regexp.MustCompile("(?s)^(line \\d+): cannot unmarshal !!(\\w+)(?: (`.*`))? into (.+)$")
	keyTwice   = regexp.MustCompile(`^(line \d+): mapping key (".*") already defined at (line \d+)$`)
)

// plainly says what is wrong with a file of YAML in words of the file.
func plainly(err error) error {
	typed, is := errors.AsType[*yaml.TypeError](err)
	if !is {
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if strings.Contains(text, "cannot start any token") {
			text += " (is it a tab? indent by spaces)"
		}
		return errors.New(text)
	}
	const most = 10
	var errs []error
	for i, text := range typed.Errors {
		if i == most {
			errs = append(errs, fmt.Errorf("and %d more", len(typed.Errors)-most))
			break
		}
		if m := unknownKey.FindStringSubmatch(text); m != nil {
			errs = append(errs, fmt.Errorf("%s: there is no key %q: those here are %s", m[1], m[2], keysOf(m[3])))
		} else if m := wrongValue.FindStringSubmatch(text); m != nil {
			errs = append(errs, fmt.Errorf("%s: %s stands where %s should", m[1],
				strings.TrimSpace(cmp.Or(kinds[m[2]], m[2])+" "+m[3]), cmp.Or(wanted[m[4]], m[4])))
		} else if m := keyTwice.FindStringSubmatch(text); m != nil {
			errs = append(errs, fmt.Errorf("%s: the key %s is there already, in %s", m[1], m[2], m[3]))
		} else {
			errs = append(errs, errors.New(text))
		}
	}
	return errors.Join(errs...)
}

// kinds are what a file has, wanted what it should have.
var (
	kinds = map[string]string{"str": "the text", "seq": "a list", "map": "keys with values", "int": "the number",
		"float": "the number", "bool": "the word", "null": "nothing", "timestamp": "the date"}
	wanted = map[string]string{"bool": "true or false", "string": "a text", "[]string": "a list of texts",
		"map[string]string": "names with a text each", "map[string][]string": "names with a list each",
		"[]cli.ProjectConfig": "a list of projects", "cli.ProjectConfig": "a project, such as folder: infra,",
		"[]cli.Exception": "a list of exceptions", "cli.Exception": "an exception, such as rule: EC2.9,",
		"cli.Config": "keys such as projects"}
)

// keysOf are the keys of a part of the configuration, by the name of its type.
func keysOf(name string) string {
	for _, of := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[ProjectConfig](),
		reflect.TypeFor[Exception]()} {
		if of.Name() != name {
			continue
		}
		var keys []string
		for field := range of.Fields() {
			keys = append(keys, field.Tag.Get("yaml"))
		}
		return strings.Join(keys, ", ")
	}
	return name
}

// variable is what a name of a variable of the environment looks like.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check says all that is wrong with a configuration, and writes its paths alike.
func (c *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	local := func(what string, at *string) {
		if *at = path.Clean(*at); !filepath.IsLocal(filepath.FromSlash(*at)) {
			wrong("%s: %q is not below the repository's root", what, *at)
		}
	}
	folders := map[string]bool{}
	for i := range c.Projects {
		p := &c.Projects[i]
		at := fmt.Sprintf("projects[%d]", i)
		local(at+".folder", &p.Folder)
		if p.Package != "" {
			local(at+".package", &p.Package)
		}
		if folders[p.Folder] {
			wrong("%s.folder: %q is listed twice", at, p.Folder)
		}
		folders[p.Folder] = true
		if p.Migrations != "" {
			local(at+".migrations", &p.Migrations)
			if _, err := path.Match(p.Migrations, ""); err != nil {
				wrong("%s.migrations: %q is no pattern: %w", at, p.Migrations, err)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(p.Environment)) {
			if !variable.MatchString(name) || strings.HasPrefix(name, "PULUMI_") {
				wrong("%s.environment: %q cannot be set: a name has letters, digits and _, and does not begin with "+
					"PULUMI_",
					at, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(p.Config)) {
			if namespace, key, is := strings.Cut(name, ":"); name == "" || is && (namespace == "" || key == "") {
				wrong("%s.config: %q is no key: it is a name, with or without a namespace and a colon in front", at,
					name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(p.Artifacts)) {
			for _, of := range append([]string{name}, p.Artifacts[name]...) {
				if !filepath.IsLocal(filepath.FromSlash(of)) || path.Clean(of) != of {
					wrong("%s.artifacts: %q is no name below the repository's root", at, of)
				}
				if _, err := path.Match(of, ""); err != nil {
					wrong("%s.artifacts: %q is no pattern: %w", at, of, err)
				}
			}
			if len(p.Artifacts[name]) == 0 {
				wrong("%s.artifacts: %q is made of nothing", at, name)
			}
		}
		for _, name := range append(slices.Clone(p.Stacks), p.productive()...) {
			if !stackName.MatchString(name) {
				wrong("%s: %q is not the name of a stack", at, name)
			}
		}
	}
	for i, e := range c.Exceptions {
		at := fmt.Sprintf("exceptions[%d]", i)
		if e.Rule == "" || e.Resource == "" || e.Reason == "" {
			wrong("%s: it needs a rule, a resource and a reason", at)
		}
		if _, err := path.Match(e.Resource, ""); err != nil {
			wrong("%s.resource: %q is no pattern: %w", at, e.Resource, err)
		}
	}
	if c.Rules != "" {
		local("rules", &c.Rules)
	}
	if c.Prices != "" {
		local("prices", &c.Prices)
	}
	return errors.Join(errs...)
}

// running is what a configuration says of what is run, and with what: nothing of what a stack is held to.
func (c Config) running() Config {
	r := Config{Prices: c.Prices, Projects: slices.Clone(c.Projects)}
	for i := range r.Projects {
		r.Projects[i].Production = nil
	}
	return r
}

// productive are the stacks that are named as production.
func (p ProjectConfig) productive() []string {
	if p.Production == nil {
		return nil
	}
	return *p.Production
}

// production reports whether a stack's data must outlive mistakes.
func (p ProjectConfig) production(stack string) bool {
	return p.Production == nil || slices.Contains(*p.Production, stack)
}

// unplaced is an error of a file without the file's name, which is one of this machine.
func unplaced(err error) error {
	if at, is := errors.AsType[*fs.PathError](err); is {
		return at.Err
	}
	return err
}
