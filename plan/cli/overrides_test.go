package cli

import (
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
)

// TestOverrides: flags take the place of what the configuration says, and are held to the same rules.
func TestOverrides(t *testing.T) {
	production := []string{"prod"}
	given := Config{Projects: []ProjectConfig{{Folder: "a", Stacks: []string{"dev"},
		Environment: map[string]string{"A": "1",
			"B": "1"}}, {Folder: "b"}}}
	for _, c := range []struct {
		args  string
		want  []ProjectConfig
		wrong string
	}{
		{"", []ProjectConfig{{Folder: "a", Stacks: []string{"dev"}, Environment: map[string]string{"A": "1", "B": "1"}},
			{Folder: "b"}}, ""},
		{"--project a --stack prod --production prod --set A=2 --artifact x.zip=x,y --tags t,u --migrations m",
			[]ProjectConfig{{Folder: "a", Stacks: production, Production: &production, Environment: map[string]string{
				"A": "2", "B": "1"}, Artifacts: map[string][]string{"x.zip": {"x", "y"}}, Tags: []string{"t", "u"},
				Migrations: "m"}}, ""},
		{"--project c", []ProjectConfig{{Folder: "c"}}, ""},
		{"--project ../c", nil, "is not below the repository's root"},
		{"--set PULUMI_STACK=x", nil, "cannot be set"},
		{"--set A", nil, "is not NAME=value"},
		{"--artifact a.zip", nil, "is not FILE=of,of"},
		{"--artifact ../a.zip=a", nil, "is no name below"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var over overrides
			flags := flag.NewFlagSet("plan", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			over.register(flags)
			err := flags.Parse(strings.Fields(c.args))
			var got Config
			if err == nil {
				got, err = over.apply(given)
			}
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Projects {
				p := &got.Projects[i]
				if len(p.Environment) == 0 {
					p.Environment = nil
				}
				if len(p.Artifacts) == 0 {
					p.Artifacts = nil
				}
			}
			if !reflect.DeepEqual(got.Projects, c.want) {
				t.Errorf("got %+v, want %+v", got.Projects, c.want)
			}
		})
	}
}
