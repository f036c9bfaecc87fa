package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"dossier.example/infra/host/release"
	"dossier.example/infra/prepare"
	"dossier.example/infra/settings"
	"dossier.example/plan/engine"
)

// made is a source without a build: a release with the text as its bytes, and migrations with the text as their hash.
type made struct {
	release    release.Release
	migrations string
}

func (made) Preflight(context.Context, settings.Settings, string) ([]string, error) { return nil, nil }
func (m made) Release(context.Context) (release.Release, error)                     { return m.release, nil }
func (m made) Migrations() (string, error)                                          { return m.migrations, nil }

// fixed returns a source whose release holds the text.
func fixed(t *testing.T, text string) made {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	path := filepath.Join(t.TempDir(), hash+".tar.gz")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return made{
		release:    release.Release{Path: path, SHA256: hash, Key: release.Key(hash), Size: int64(len(text))},
		migrations: "first migrations",
	}
}

// newStack makes a stack to which nothing was deployed, with the settings of Pulumi.<name>.yaml but for those that are
// changed.
func newStack(t *testing.T, name string, changed values, from source) *engine.Stack {
	t.Helper()
	s := engine.New(t, "dossier", name, environment(t, name, changed), stack(from))
	s.Cloud.Run(rollouts(s.Cloud))
	return s
}

// rollouts is what the commands do to AWS when they succeed. After the rollout the group has the version; the
// preparation makes the account's service-linked roles, and deletes the log groups of a database that is gone. Of the
// schema command nothing in AWS is changed.
func rollouts(cloud *engine.Cloud) engine.Runner {
	return func(c engine.Command) (string, error) {
		if strings.Contains(c.Script, "cmd/prepare") {
			for _, role := range prepare.Roles() {
				cloud.MakeServiceRole(role.Service)
			}
			_, database, _ := strings.Cut(c.Script, "--database ")
			for _, name := range prepare.LogGroups(database) {
				if _, there := cloud.Get("aws:rds/instance:Instance", "dossier-database"); !there {
					cloud.DeleteLogGroup(name)
				}
			}
			return "", nil
		}
		if !strings.Contains(c.Script, "cmd/rollout") {
			return "", nil
		}
		return "", cloud.Change("aws:autoscaling/group:Group", "dossier-app", "launchTemplate", map[string]any{
			"id": c.Environment["DOSSIER_ROLLOUT_TEMPLATE"], "version": c.Environment["DOSSIER_ROLLOUT_VERSION"],
		})
	}
}

// succeed is a run that does not fail.
func succeed(t *testing.T, r engine.Result) engine.Result {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("the engine failed: %v", r.Err)
	}
	return r
}

// unchanged is a run that finds everything as it should be.
func unchanged(t *testing.T, what string, r engine.Result) {
	t.Helper()
	succeed(t, r)
	for _, change := range r.Changes {
		t.Errorf("%s changed something: %s", what, change)
	}
	if r.Same == 0 {
		t.Errorf("%s found nothing at all", what)
	}
}

// changes compares what a run did with what it should have done.
func changes(t *testing.T, r engine.Result, want ...string) {
	t.Helper()
	succeed(t, r)
	compareLines(t, r.Changes, strings.Join(want, "\n"))
}

// values are settings by name, such as network.zones.
type values map[string]any

// environment is the configuration in Pulumi.<stack>.yaml with some settings changed, as the engine takes it.
func environment(t *testing.T, stack string, changed values) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "Pulumi."+stack+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Config map[string]any }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	set := file.Config["dossier:settings"].(map[string]any)
	for name, value := range changed {
		group, key, nested := strings.Cut(name, ".")
		if !nested {
			set[name] = value
			continue
		}
		within, _ := set[group].(map[string]any)
		within = maps.Clone(within)
		if within == nil {
			within = map[string]any{}
		}
		within[key] = value
		set[group] = within
	}
	config := map[string]string{}
	for key, value := range file.Config {
		if text, plain := value.(string); plain {
			config[key] = text
			continue
		}
		object, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		config[key] = string(object)
	}
	return config
}

func with(some, more values) values {
	all := maps.Clone(some)
	maps.Copy(all, more)
	return all
}
