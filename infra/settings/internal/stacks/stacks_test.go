// Package stacks_test runs package settings with what Pulumi makes of the checked-in files and of its command. It
// stands apart so that the tests of package settings need not compile Pulumi.
package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/settings"
)

// root is the top of the repository.
const root = "../../../.."

// load calls settings.Load as Pulumi runs the program.
func load(t *testing.T, stack string, values map[string]string, secret ...string) (settings.Settings, error) {
	t.Helper()
	var s settings.Settings
	err := pulumi.RunErr(func(ctx *pulumi.Context) (err error) {
		s, err = settings.Load(ctx, slices.Collect(maps.Keys(values)))
		return err
	}, pulumi.WithMocks("dossier", stack, noResources{}), func(info *pulumi.RunInfo) {
		info.Config, info.ConfigSecretKeys = values, secret
	})
	return s, err
}

// noResources answers for a program that makes none.
type noResources struct{}

func (noResources) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, fmt.Errorf("the resource %s is not expected", args.Name)
}

func (noResources) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the call of %s is not expected", args.Token)
}

// configured is the configuration of a checked-in stack, as the engine hands it to the program.
func configured(t *testing.T, stack string) map[string]string {
	t.Helper()
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if project.Name != "dossier" || project.Main != "infra" || project.Runtime.Name() != "go" {
		t.Errorf("Pulumi.yaml has name %s, main %s, runtime %s", project.Name, project.Main, project.Runtime.Name())
	}
	file, err := workspace.LoadProjectStack(nil, project, filepath.Join(root, "Pulumi."+stack+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return texts(t, file.Config)
}

func texts(t *testing.T, c config.Map) map[string]string {
	t.Helper()
	plain, err := c.Decrypt(config.NopDecrypter)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for key, value := range plain {
		all[key.String()] = value
	}
	return all
}

func TestCheckedInStacks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "Pulumi.*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]settings.Settings{}
	for _, file := range files {
		stack := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml")
		all := configured(t, stack)
		s, err := load(t, stack, all)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		found[stack] = s
		for key := range all {
			if strings.HasPrefix(key, "dossier:") && key != settings.Key {
				t.Errorf("%s sets %s, which nobody reads; it belongs into %s", file, key, settings.Key)
			}
		}
		// main.go puts the same on instances and volumes of the group, which the provider's tags do not reach.
		var tags struct{ Tags map[string]string }
		if err := json.Unmarshal([]byte(all["aws:defaultTags"]), &tags); err != nil ||
			!maps.Equal(tags.Tags, map[string]string{"Project": "dossier", "Stack": stack}) {
			t.Errorf("%s: aws:defaultTags is %s (%v)", file, all["aws:defaultTags"], err)
		}
	}
	if found["dev"].Preset != settings.Dev || found["prod"].Preset != settings.Prod {
		t.Errorf("the stacks are %v, want dev and prod, each of its preset", slices.Sorted(maps.Keys(found)))
	}
	if s := found["dev"]; s.Site.Domain != "" || s.Jump.OperatorCIDRs != nil || s.Observe.Email != "" {
		t.Errorf("Pulumi.dev.yaml does not work as it stands: %+v", s)
	}
	if s := found["prod"]; s.Site.Domain == "" || s.Observe.Email == "" {
		t.Errorf("Pulumi.prod.yaml shows no domain or mail address: %+v", s)
	}
}

// What "pulumi config set --path" makes of its text arrives as what was meant.
func TestPathsOfThePulumiCommand(t *testing.T) {
	c := config.Map{}
	for _, set := range []struct{ path, value string }{
		{"network.zones", "3"}, {"network.nat", "instance"}, {"database.version", "8.4"}, {"database.multiAZ", "true"},
		{"observe.latencySeconds", "2.5"},
		{"service.maxFileSize", "10000000"}, {"service.uploadTimeout", "90s"}, {"jump.operatorCIDRs[0]", "203.0.113.7"},
		{"jump.operatorCIDRs[1]", "198.51.100.0/24"},
	} {
		key := config.MustMakeKey("dossier", "settings."+set.path)
		if err := c.Set(key, config.NewValue(set.value), true); err != nil {
			t.Fatal(err)
		}
	}
	all := texts(t, c)
	s, err := settings.Parse("dev", "eu-central-1", all[settings.Key])
	if err != nil {
		t.Fatalf("%s: %v", all[settings.Key], err)
	}
	if s.Network.Zones != 3 || s.Network.NAT != settings.NATInstance || s.Database.Version != "8.4" ||
		!s.Database.MultiAZ || s.Observe.LatencySeconds != 2.5 ||
		s.Service.MaxFileBytes != 10_000_000 || s.Service.UploadTimeout.Seconds() != 90 ||
		len(s.Jump.OperatorCIDRs) != 2 {
		t.Errorf("%s gives %+v", all[settings.Key], s)
	}
}

// One value that is encrypted in the file makes the whole object secret.
func TestSecretValues(t *testing.T) {
	c := config.Map{}
	for _, set := range []struct {
		path  string
		value config.Value
	}{
		{"observe.email", config.NewSecureValue("aHVudGVyMg==")}, {"network.zones", config.NewValue("7777")},
	} {
		if err := c.Set(config.MustMakeKey("dossier", "settings."+set.path), set.value, true); err != nil {
			t.Fatal(err)
		}
	}
	var secret []string
	for _, key := range c.SecureKeys() {
		secret = append(secret, key.String())
	}
	plain, err := c.Decrypt(config.Base64Crypter)
	if err != nil {
		t.Fatal(err)
	}
	raw := plain[config.MustMakeKey("dossier", "settings")]
	if !strings.Contains(raw, "hunter2") {
		t.Fatalf("the program is handed %s, without the secret", raw)
	}
	_, err = load(t, "dev", map[string]string{"aws:region": "eu-central-1", settings.Key: raw}, secret...)
	if err == nil || !strings.Contains(err.Error(), "observe.email") || strings.Contains(err.Error(), "hunter2") ||
		strings.Contains(err.Error(), "7777") {
		t.Errorf("the error is %v", err)
	}
}
