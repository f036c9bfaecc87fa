package settings

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dossier.example/app/setting"
	"dossier.example/infra/deployer"
)

// besideKey is a configuration that has these values beside the settings.
func besideKey(stack, settings string, more map[string]string) (Settings, error) {
	all := map[string]string{regionKey: region, Key: settings}
	maps.Copy(all, more)
	return Load(context{stack: stack, config: all}, slices.Collect(maps.Keys(all)))
}

func TestNames(t *testing.T) {
	for config, want := range map[string][]string{
		"": nil, "null": nil, "[]": nil, "{}": nil,
		`{"dossier:settings": "{}", "aws:region": "us-east-1", "dossier:netwrok": "3"}`: {
			"aws:region", "dossier:netwrok", "dossier:settings"},
	} {
		if got := Names(config); !slices.Equal(got, want) {
			t.Errorf("the names of %s are %v, want %v", config, got, want)
		}
	}
}

func TestMisplaced(t *testing.T) {
	for _, c := range []struct{ key, says string }{
		{"dossier:network",
			"did you mean dossier:settings.network? Remove it with \"pulumi config rm dossier:network\""},
		{"dossier:service", "did you mean dossier:settings.service?"},
		{"dossier:network.zones", "did you mean dossier:settings.network.zones?"},
		{"dossier:zones", "did you mean dossier:settings.network.zones?"},
		{"dossier:instanceType",
			"did you mean dossier:settings.service.instanceType or dossier:settings.jump.instanceType? Remove it"},
		{"dossier:preset", "did you mean dossier:settings.preset?"},
		{"dossier:setings", "all settings are in dossier:settings; did you mean that?"},
		{"dossier:Settings", "did you mean that?"},
		{"dossier:password", "all settings are in dossier:settings. Remove it"},
		{"dossier:a b", `dossier:"a b"`},
		{"dossier:", `dossier:""`},
	} {
		for _, value := range []string{"null", `{"min": 3}`, "hunter2", ""} {
			_, err := besideKey("dev", "{}", map[string]string{c.key: value})
			if f := faultsOf(t, err); len(f) != 1 || !strings.HasPrefix(f[0].Name, "dossier:") ||
				!strings.Contains(f[0].String(), c.says) || f[0].Value != setting.Hidden {
				t.Errorf("%s = %s gives %+v, want one fault that says %q", c.key, value, f, c.says)
			}
		}
	}
	// A preset that was meant and is not known breaks no rule besides, nor do other programs' keys.
	_, err := besideKey("prod", `{"service": {"min": 5}}`, map[string]string{"dossier:setting": `{"preset": "prod"}`})
	if f := faultsOf(t, err); len(f) != 1 {
		t.Errorf("a misspelt key of all settings gives %v", err)
	}
	if _, err := besideKey("dev", "{}", map[string]string{"aws:profile": "work", "aws:maxRetries": "9",
		"pulumi:tags": "{}", "webshop:network": "3"}); err != nil {
		t.Error(err)
	}
}

func TestIdentity(t *testing.T) {
	for _, i := range identities {
		_, err := besideKey("dev", "{}", map[string]string{i.key: "hunter2"})
		if f := faultsOf(t, err); len(f) != 1 || f[0].Name != i.key || f[0].Value != setting.Hidden ||
			!strings.Contains(f[0].Problem, "use "+i.instead) ||
			!strings.Contains(f[0].Problem, "pulumi config rm "+i.key) {
			t.Errorf("%s gives %v", i.key, err)
		}
		for _, none := range []string{"", "[]", "{}", "null"} {
			if _, err := besideKey("dev", "{}", map[string]string{i.key: none}); err != nil {
				t.Errorf("%s = %q: %v", i.key, none, err)
			}
		}
	}
}

func TestTags(t *testing.T) {
	boundary := func(name string) string {
		return `{"access": {"boundary": "arn:aws:iam::123456789012:policy/` + name + `"}}`
	}
	of := deployer.Stack{Name: "dev", Account: "123456789012", Region: region}
	own := boundary(of.BoundaryName())
	for _, c := range []struct {
		name, settings, raw string
		tags                map[string]string
		says                string
	}{
		{"none", "{}", "", nil, ""},
		{"empty", "{}", `{"tags": {}}`, nil, ""},
		{"of the checked-in files", own, `{"tags": {"Project": "dossier", "Stack": "dev"}}`,
			map[string]string{"Project": "dossier", "Stack": "dev"}, ""},
		{"with others", own, `{"tags": {"Project": "dossier", "Stack": "dev", "Cost": 17, "Live": true}}`,
			map[string]string{"Project": "dossier", "Stack": "dev", "Cost": "17", "Live": "true"}, ""},
		{"of one's own", "{}", `{"tags": {"Project": "webshop", "Stack": "production"}}`,
			map[string]string{"Project": "webshop", "Stack": "production"}, ""},
		{"of one's own, with a boundary of one's own", boundary("dossier-permissions-boundary"),
			`{"tags": {"Project": "webshop"}}`, map[string]string{"Project": "webshop"}, ""},
		{"of another stack", "{}", `{"tags": {"Project": "dossier", "Stack": "prod"}}`, nil,
			"pass for the stack prod; set it with \"pulumi config set --path aws:defaultTags.tags.Stack dev\""},
		{"missing for a narrow role", own, "", nil,
			`must have the tags {"tags": {"Project": "dossier", "Stack": "dev"}}`},
		{"incomplete for a narrow role", own, `{"tags": {"Project": "dossier"}}`, nil, "they allow changes only to"},
		{"others for a narrow role", own, `{"tags": {"Project": "webshop", "Stack": "dev"}}`, nil, "they allow"},
		{"a text", "{}", "dossier", nil, "must be an object of tags"},
		{"a list", "{}", `["dossier"]`, nil, "must be an object of tags"},
		{"without tags", "{}", `{"Project": "dossier", "Stack": "dev"}`, nil, "must be an object of tags"},
		{"nested", "{}", `{"tags": {"Project": {"a": "b"}}}`, nil, "must be an object of tags"},
		{"null", "{}", `{"tags": {"Project": null}}`, nil, "must be an object of tags"},
		{"too many", "{}", `{"tags": {"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11}}`, nil,
			"at most 10 tags"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := besideKey("dev", c.settings, map[string]string{tagsKey: c.raw})
			if c.says == "" {
				if err != nil || !reflect.DeepEqual(s.Tags, c.tags) {
					t.Errorf("got %v, %v, want %v", s.Tags, err, c.tags)
				}
				return
			}
			f := faultsOf(t, err)
			if len(f) != 1 || f[0].Name != tagsKey || !strings.Contains(f[0].Problem, c.says) {
				t.Errorf("got %v, want one fault of %s that says %q", err, tagsKey, c.says)
			}
			if shown := f[0].Value != ""; shown != (c.raw != "") {
				t.Errorf("the value of %q is shown as %q", c.raw, f[0].Value)
			}
		})
	}
}

func TestTagsHideSecrets(t *testing.T) {
	for _, raw := range []string{`{"tags": {"Project": "dossier", "Stack": "hunter2"}}`, `["hunter2"]`, "hunter2"} {
		_, err := Load(context{"dev", map[string]string{regionKey: region, tagsKey: raw}, true}, []string{tagsKey})
		if f := faultsOf(t, err); len(f) != 1 || f[0].Name != tagsKey || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s gives %v", raw, err)
		}
	}
}
