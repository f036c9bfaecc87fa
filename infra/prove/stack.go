package prove

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"dossier.example/infra/settings"
)

// Stack is what is proven: the settings, and what the deployment said of itself.
type Stack struct {
	Settings settings.Settings
	Outputs  Outputs
}

// Outputs are the outputs of main.go that are needed here.
type Outputs struct {
	URL          string `json:"url"`
	Group        string `json:"group"`
	JumpInstance string `json:"jumpInstance"`
	JumpAddress  string `json:"jumpAddress"`
	Parameters   string `json:"parameters"`
	Release      string `json:"release"`
	// Rollout are the variables of cmd/rollout.
	Rollout map[string]string `json:"rollout"`
}

// The variables of cmd/rollout that are read here; package rollout has them too, and a test compares.
const (
	rolloutTemplate    = "DOSSIER_ROLLOUT_TEMPLATE"
	rolloutVersion     = "DOSSIER_ROLLOUT_VERSION"
	rolloutTargetGroup = "DOSSIER_ROLLOUT_TARGET_GROUP"
)

// Read reads a stack from its name, its file Pulumi.<stack>.yaml, and what "pulumi stack output --json" printed.
func Read(stack string, file, outputs []byte) (Stack, error) {
	var s Stack
	var content struct {
		Config map[string]any `yaml:"config"`
	}
	if err := yaml.Unmarshal(file, &content); err != nil {
		return s, fmt.Errorf("reading Pulumi.%s.yaml: %w", stack, err)
	}
	var err error
	if s.Settings, err = settings.Load(configuration{stack, content.Config}, nil); err != nil {
		return s, err
	}
	if err := json.Unmarshal(outputs, &s.Outputs); err != nil {
		return s, fmt.Errorf("reading the stack's outputs: %w; they are what \"pulumi stack output --json\" prints",
			err)
	}
	missing := map[string]bool{}
	for name, value := range map[string]string{
		"url": s.Outputs.URL, "group": s.Outputs.Group, "jumpInstance": s.Outputs.JumpInstance,
		"parameters": s.Outputs.Parameters,
		"release":    s.Outputs.Release, "rollout." + rolloutTemplate: s.Outputs.Rollout[rolloutTemplate],
		"rollout." + rolloutVersion: s.Outputs.Rollout[rolloutVersion], "rollout." +
			rolloutTargetGroup: s.Outputs.Rollout[rolloutTargetGroup],
	} {
		if value == "" {
			missing[name] = true
		}
	}
	if len(missing) > 0 {
		return s, fmt.Errorf("the stack %s has no output %s: run \"pulumi up\" to its end first", stack,
			strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
	}
	return s, nil
}

// configuration is that of a stack's file, as Pulumi hands it to the program.
type configuration struct {
	stack  string
	values map[string]any
}

func (c configuration) Stack() string              { return c.stack }
func (c configuration) IsConfigSecret(string) bool { return false }
func (c configuration) GetConfig(key string) (string, bool) {
	switch value := c.values[key].(type) {
	case nil:
		return "", false
	case string:
		return value, true
	default:
		text, err := json.Marshal(value)
		if err != nil { // a key that is no text
			return fmt.Sprint(value), true
		}
		return string(text), true
	}
}

// prefix begins the names of what the stack is made of.
func (s Stack) prefix() string { return "dossier-" + s.Settings.Stack }
