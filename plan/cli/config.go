package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
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
	// Tags are build tags.
	Tags []string `yaml:"tags"`
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
	text, err := inTree(dir, path.Clean(file))
	if errors.Is(err, fs.ErrNotExist) {
		return config, false, nil
	}
	if err != nil {
		return config, false, fmt.Errorf("reading %s: %w", file, unplaced(err))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil && !errors.Is(err, io.EOF) {
		return config, true, fmt.Errorf("reading %s: %w", file, err)
	}
	if err := config.check(); err != nil {
		return config, true, fmt.Errorf("reading %s: %w", file, err)
	}
	return config, true, nil
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
