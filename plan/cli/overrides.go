package cli

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// overrides are flags that take the place of what ConfigFile says, for every project.
type overrides struct {
	// Config is the name of the file, where it is not ConfigFile.
	Config                       string
	projects, stacks, production []string
	environment                  map[string]string
	artifacts                    map[string][]string
	migrations, tags, rules      string
	prices                       string
	failInherited                bool
}

func (o *overrides) register(flags *flag.FlagSet) {
	flags.StringVar(&o.Config, "config", "", "the configuration `file`, from the root folder (default "+ConfigFile+")")
	list := func(to *[]string, name, usage string) {
		flags.Func(name, usage+" (may be repeated)", func(value string) error {
			*to = append(*to, value)
			return nil
		})
	}
	list(&o.projects, "project", "plan the Pulumi project in this `folder`, instead of all")
	list(&o.stacks, "stack", "plan the stack of this `name`, instead of all")
	list(&o.production, "production", "the stack of this `name` is production; without any, every stack is")
	flags.Func("set", "run the program with this variable, `NAME=value` (may be repeated)", func(value string) error {
		name, text, is := strings.Cut(value, "=")
		if !is {
			return fmt.Errorf("%q is not NAME=value", value)
		}
		if o.environment == nil {
			o.environment = map[string]string{}
		}
		o.environment[name] = text
		return nil
	})
	flags.Func("artifact", "a build makes this file of those, `FILE=of,of` (may be repeated)",
		func(value string) error {
			name, of, is := strings.Cut(value, "=")
			if !is {
				return fmt.Errorf("%q is not FILE=of,of", value)
			}
			if o.artifacts == nil {
				o.artifacts = map[string][]string{}
			}
			o.artifacts[name] = strings.Split(of, ",")
			return nil
		})
	flags.StringVar(&o.rules, "rules", "", "the `folder` of a Go program with rules")
	flags.StringVar(&o.tags, "tags", "", "a comma-separated `list` of build tags")
	flags.StringVar(&o.prices, "prices", "", "the `file` of the prices, instead of those that come with the command")
	flags.BoolVar(&o.failInherited, "fail-inherited", false,
		"fail for what base has already, too: rules that it breaks, resources that nothing judges")
	flags.StringVar(&o.migrations, "migrations", "", "the `folder` with the SQL files of a database, or a pattern")
}

// config is the name of the configuration file.
func (o overrides) config() string { return cmp.Or(o.Config, ConfigFile) }

// apply changes a configuration to what the flags say, and checks it again.
func (o overrides) apply(config Config) (Config, error) {
	if len(o.projects) > 0 {
		var chosen []ProjectConfig
		for _, folder := range o.projects {
			i := slices.IndexFunc(config.Projects, func(p ProjectConfig) bool { return p.Folder == folder })
			if i < 0 {
				chosen = append(chosen, ProjectConfig{Folder: folder})
				continue
			}
			chosen = append(chosen, config.Projects[i])
		}
		config.Projects = chosen
	} else {
		config.Projects = slices.Clone(config.Projects)
	}
	for i, p := range config.Projects {
		config.Projects[i] = o.project(p)
	}
	if err := config.check(); err != nil {
		return config, fmt.Errorf("using the flags: %w", err)
	}
	return config, nil
}

// project changes what a project's configuration says.
func (o overrides) project(p ProjectConfig) ProjectConfig {
	if len(o.stacks) > 0 {
		p.Stacks = o.stacks
	}
	if len(o.production) > 0 {
		p.Production = &o.production
	}
	p.Environment = joined(p.Environment, o.environment)
	p.Artifacts = joined(p.Artifacts, o.artifacts)
	p.Migrations = cmp.Or(o.migrations, p.Migrations)
	if o.tags != "" {
		p.Tags = strings.Split(o.tags, ",")
	}
	return p
}

// joined returns both maps as one, in which the second goes first.
func joined[V any](one, first map[string]V) map[string]V {
	all := map[string]V{}
	maps.Copy(all, one)
	maps.Copy(all, first)
	return all
}

// quoted is a text from a repository for a note, which is Markdown.
func quoted(text string) string {
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "`", "'")
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:300]) + "…"
	}
	return "`" + text + "`"
}
