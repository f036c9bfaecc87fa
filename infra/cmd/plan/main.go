// Plan shows reviewers how a change affects Dossier's stacks: the command of package cli, with Dossier's settings,
// rules, migrations and release. docs/review.md describes its report.
package main

import (
	"context"
	"strings"

	"dossier.example/infra/host/release"
	"dossier.example/infra/rules"
	"dossier.example/infra/settings"
	"dossier.example/plan/cli"
	"dossier.example/plan/policy"
)

func main() { cli.Main(project) }

// project is what is Dossier's own.
var project = cli.Project{
	Policy:        held,
	SettingsFault: settingsFault,
	Artifact: &cli.Artifact{
		Variable: release.StandIn, Output: "release",
		Sources: func(ctx context.Context, root string) (string, error) { return release.Sources(ctx, root, "arm64") },
	},
}

// held returns what a stack is held to; nil where its settings do not keep their rules.
func held(stack string, config map[string]string) *policy.Set {
	s, err := settings.Parse(stack, config["aws:region"], config[settings.Key])
	if err != nil {
		return nil
	}
	set := rules.For(s)
	return &set
}

// settingsFault finds in what the program says that its settings do not keep their rules. The rules are in the program
// at head, whose words are those to go by.
func settingsFault(said string) (fault string, is bool) {
	if !strings.Contains(said, "in the settings of stack") {
		return "", false
	}
	if _, list, _ := strings.Cut(said, "* "); strings.TrimSpace(list) != "" {
		return strings.TrimSpace(list), true
	}
	return said, true
}
