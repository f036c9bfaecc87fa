package plan

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestPlainSecrets: a password in plain is told where it is new, whatever form its place has, and shown nowhere. What
// only speaks of one is not told.
func TestPlainSecrets(t *testing.T) {
	const (
		function, task, server = "lambda/function:Function", "ecs/taskDefinition:TaskDefinition",
			"ec2/instance:Instance"
		strange, old, secret, short = "other:a/b:C", "Tr0ub4dor", "hunter2hunter2", "pw-1"
	)
	variable := func(name string, value any) in { return in{"environment": in{"variables": in{name: value}}} }
	script := func(line string) in { return in{"userData": "#!/bin/sh\necho\n" + line + "\n"} }
	containers := func(v string) in { return in{"family": "f", "containerDefinitions": v} }
	for _, c := range []struct {
		name, kind string
		was, is    in
		at         string // where it is told; empty: nowhere
	}{
		{"an input", strange, in{"adminPassword": old}, in{"adminPassword": secret}, "adminPassword"},
		{"a new input", strange, in{"a": 1}, in{"a": 1, "masterPassword": secret}, "masterPassword"},
		{"a short one", strange, in{"adminPassword": old}, in{"adminPassword": short}, "adminPassword"},
		{"a word", strange, in{"adminPassword": old}, in{"adminPassword": "swordfish"}, "adminPassword"},
		{"one of several", strange, in{"passwords": []string{old}}, in{"passwords": []string{old, secret}},
			"passwords[1]"},
		{"deeper", strange, in{"os": in{"a": 1}}, in{"os": in{"a": 1, "adminPassword": secret}}, "os.adminPassword"},
		{"a variable", function, variable("A", "a"), variable("DB_PASSWORD", secret),
			"environment.variables.DB_PASSWORD"},
		{"a token", function, variable("A", "a"), variable("API_TOKEN", "k3yK3yK3yK3yK3yK3y"),
			"environment.variables.API_TOKEN"},
		{"an address", function, variable("A", "a"), variable("URL", "mysql://app:"+secret+"@db/x"),
			"environment.variables.URL"},
		{"of a container", task, containers(`[{"name":"a"}]`),
			containers(`[{"name":"a","environment":[{"value":"` + secret + `","name":"DB_PASSWORD"}]}]`),
			"containerDefinitions[0].environment[0].value"},
		{"of a new container", task, nil,
			containers(`[{"name":"a","environment":[{"name":"DB_PASSWORD","value":"` + short + `"}]}]`),
			"containerDefinitions[0].environment[0].value"},
		{"in a script", server, script("echo"), script("export DB_PASSWORD=" + secret), "userData"},
		{"a short one in a script", server, script("DB_PASSWORD=" + old), script("DB_PASSWORD=" + short), "userData"},
		{"quoted", server, script("echo"), script(`PASSWORD="` + secret + ` x"`), "userData"},
		{"a flag", server, script("echo"), script("mysql --password " + secret), "userData"},
		{"a setting", server, script("echo"), script("  password: " + secret), "userData"},
		{"a key of JSON", server, script("echo"), script(`curl -d '{"password": "` + secret + `"}'`), "userData"},
		{"in another form", server, in{"userDataBase64": base64.StdEncoding.EncodeToString([]byte("a\nb\nc"))},
			in{"userDataBase64": base64.StdEncoding.EncodeToString([]byte("a\nb\nPASSWORD=" + secret))},
			"userDataBase64"},
		{"of a new server", server, nil,
			in{"userDataBase64": base64.StdEncoding.EncodeToString([]byte("PASSWORD=" + secret))}, "userDataBase64"},

		{"a secret", function, variable("A", "a"), variable("DB_PASSWORD", graph.Secret), ""},
		{"unknown", function, variable("A", "a"), variable("DB_PASSWORD", graph.Unknown), ""},
		{"the one that was there", strange, in{"adminPassword": old}, in{"adminPassword": old, "a": 1}, ""},
		{"where it is kept", function, variable("A", "a"), variable("DB_PASSWORD", "/dossier/db/password"), ""},
		{"its ARN", function, variable("A", "a"), variable("DB_PASSWORD",
			"arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf"), ""},
		{"its name", function, variable("A", "a"), variable("DB_PASSWORD", "dossier-db-password"), ""},
		{"the name of a secret", function, variable("A", "a"), variable("DB_SECRET",
			"dossier-database-credentials"), ""},
		{"a file", function, variable("A", "a"), variable("DB_PASSWORD_FILE", "/run/secrets/db"), ""},
		{"a switch", strange, in{"a": 1}, in{"manageMasterUserPassword": true, "requirePassword": "required"}, ""},
		{"a token of requests", strange, in{"a": 1}, in{"creationToken": "MyFiles2024Dossier"}, ""},
		{"a policy", strange, in{"a": 1}, in{"passwordPolicy": in{"minimumLength": 8}}, ""},
		{"tokens of instances", server, in{"metadataOptions": in{"httpTokens": "optional"}},
			in{"metadataOptions": in{"httpTokens": "required"}}, ""},
		{"a variable of a script", server, script("echo"), script("DB_PASSWORD=$(aws ssm get-parameter)"), ""},
		{"a quoted variable", server, script("echo"), script(`mysql --password="$PASSWORD"`), ""},
		{"a template", server, script("echo"), script("password: {{ password }}"), ""},
		{"a call", server, script("echo"), script("password = get_secret('a')"), ""},
		{"another name", server, script("echo"), script("password = args.password"), ""},
		{"a sentence", server, script("echo"), script("# The password is read from Parameter Store."), ""},
		{"a right", task, nil, containers(`[{"name":"a","secrets":[{"name":"DB_PASSWORD","valueFrom":"` +
			`arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf:password::"}]}]`), ""},
		{"an address without one", function, variable("A", "a"), variable("URL", "mysql://app@db:3306/x"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := between(became(t, c.kind, c.was, c.is))
			got := ""
			for _, d := range p.Environments[0].Dangers {
				if _, rest, is := strings.Cut(d.What, "a secret in plain (`"); is {
					got, _, _ = strings.Cut(rest, "`")
				}
			}
			if got != c.at {
				t.Errorf("it tells of %q, want %q", got, c.at)
			}
			shown, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			text := string(shown) + p.Markdown()
			for _, secret := range []string{old, secret, short, "swordfish", "k3yK3y",
				base64.StdEncoding.EncodeToString([]byte("PASSWORD=" + secret))} {
				if strings.Contains(text, secret) {
					t.Errorf("it shows %q:\n%s", secret, p.Markdown())
				}
			}
		})
	}
}

// TestPlainOutputs: a password among the outputs of a stack, in its configuration, or in the settings of a provider is
// shown nowhere, and told where it is new in the stack's file.
func TestPlainOutputs(t *testing.T) {
	const old, secret = "swordfish", "hunter2"
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("pulumi:providers:mysql", "p", in{"password": old})
	}, func(b *graphtest.Builder) { b.Get("pulumi:providers:mysql", "p").Inputs["password"] = secret })
	base.Exports, head.Exports = map[string]any{"dbPassword": old}, map[string]any{"dbPassword": secret}
	revision := func(g *graph.Graph, value string) Revision {
		return Revision{Stacks: map[string]Stack{"e": {Project: "a", Graph: g, Config: map[string]string{
			"mysql:password": value, "a:dbPassword": value, "a:in": `{"password":"` + value + `"}`,
			"a:b": value + "s"}}}}
	}
	p := Make(revision(base, old), revision(head, secret))
	for _, key := range []string{"mysql:password", "a:dbPassword", "a:in.password"} {
		if !slices.ContainsFunc(p.Environments[0].Dangers, func(d Danger) bool {
			return d.Kind == inPlain && strings.Contains(d.What, "`"+key+"`")
		}) {
			t.Errorf("it says nothing of %s: %+v", key, p.Environments[0].Dangers)
		}
	}
	shown, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(shown) + p.Markdown(); strings.Contains(text, old) || strings.Contains(text, secret) {
		t.Errorf("it shows a password:\n%s", p.Markdown())
	}
	for _, d := range Make(revision(base, old), revision(base, old)).Environments[0].Dangers {
		t.Errorf("of what stays it says %s", d.What)
	}
}
