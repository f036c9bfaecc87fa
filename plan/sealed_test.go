package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan/graph"
)

// secretText is a secret that nobody may be shown; as short as secrets are, and one that is shorter.
const secretText, shortSecret = "correct horse 7", "hunter2"

// planted is a resource of a program, or an output of its stack where it has no token.
type planted struct {
	token string
	in    pulumi.Map
}

// program registers them by name.
func program(t *testing.T, base *graph.Graph, entries map[string]planted) *graph.Graph {
	t.Helper()
	var before graph.Before
	if base != nil {
		before = After(base)
	}
	g, err := graph.RecordAfter(before, "test", "dev", map[string]string{"aws:region": "us-east-1"},
		func(ctx *pulumi.Context) error {
			for name, e := range entries {
				if e.token == "" {
					ctx.Export(name, e.in["value"])
					continue
				}
				var r pulumi.CustomResourceState
				if err := ctx.RegisterResource(e.token, name, e.in, &r); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestUnsealed: what a program marked as secret and gives in plain from then on is told, at each place, and no form of
// the plan shows it; what stays marked, is gone, or is no longer secret is not told.
func TestUnsealed(t *testing.T) {
	text := func(s string) pulumi.Input { return pulumi.String(s) }
	secret := func(s string) pulumi.Input { return pulumi.ToSecret(pulumi.String(s)) }
	lambda := func(variables pulumi.Map) planted {
		return planted{functionType, pulumi.Map{"environment": pulumi.Map{"variables": variables}}}
	}
	output := func(value pulumi.Input) planted { return planted{"", pulumi.Map{"value": value}} }
	one := func(name string, e planted) map[string]planted { return map[string]planted{name: e} }
	parameter := func(kind, value string) planted {
		return planted{"aws:ssm/parameter:Parameter", pulumi.Map{"type": text(kind), "value": secret(value)}}
	}
	list := func(values ...pulumi.Input) planted {
		all := pulumi.Array{}
		for _, v := range values {
			all = append(all, v)
		}
		return planted{taskType, pulumi.Map{"family": text("f"), "list": all}}
	}
	named := func(name string, value pulumi.Input) pulumi.Input {
		return pulumi.Map{"name": text(name), "value": value}
	}
	document := func(value string) string { return `[{"name":"web","environment":[{"value":"` + value + `"}]}]` }
	for _, c := range []struct {
		name    string
		was, is map[string]planted
		want    []string // of each danger
	}{
		{"a variable", one("f", lambda(pulumi.Map{"PW": secret(secretText)})),
			one("f", lambda(pulumi.Map{"PW": text(secretText)})), []string{"environment.variables.PW"}},
		{"a short one", one("f", lambda(pulumi.Map{"PW": secret(shortSecret)})),
			one("f", lambda(pulumi.Map{"PW": text(shortSecret)})), []string{"environment.variables.PW"}},
		{"another value", one("f", lambda(pulumi.Map{"PW": secret("battery staple")})),
			one("f", lambda(pulumi.Map{"PW": text(secretText)})), []string{"environment.variables.PW"}},
		{"all variables", one("f", planted{functionType, pulumi.Map{"environment": pulumi.ToSecret(pulumi.Map{
			"variables": pulumi.Map{"PW": text(secretText)}})}}),
			one("f", lambda(pulumi.Map{"PW": text(secretText)})), []string{"environment"}},
		{"an output", one("dsn", output(secret("mysql://root:"+secretText+"@db"))),
			one("dsn", output(text("mysql://root:"+secretText+"@db"))), []string{"The outputs `dsn`"}},
		{"an output with an object", one("db", output(pulumi.Map{"user": text("u"), "password": secret(secretText)})),
			one("db", output(pulumi.Map{"user": text("u"), "password": text(secretText)})), []string{"`db.password`"}},
		{"two places, while a parameter keeps its mark",
			map[string]planted{"p": parameter("SecureString", secretText),
				"f": lambda(pulumi.Map{"PW": secret(secretText)}),
				"o": output(secret(secretText))},
			map[string]planted{"p": parameter("SecureString", secretText),
				"f": lambda(pulumi.Map{"PW": text(secretText)}),
				"o": output(text(secretText))}, []string{"`o`", "environment.variables.PW"}},
		{"a parameter for anyone", one("p", parameter("SecureString", secretText)),
			one("p", parameter("String", secretText)), []string{"`value`"}},
		{"in a list of names, at another place", one("t", list(named("A", secret(secretText)))),
			one("t", list(named("B", text("1")), named("A", text(secretText)))), []string{"list[1].value"}},
		{"a document", one("t", planted{taskType, pulumi.Map{"containerDefinitions": secret(document(secretText))}}),
			one("t", planted{taskType, pulumi.Map{"containerDefinitions": text(document(secretText))}}),
			[]string{"containerDefinitions"}},
		{"a document with a secret that is known", map[string]planted{"p": parameter("SecureString", secretText),
			"t": {taskType, pulumi.Map{"containerDefinitions": secret(document(secretText))}}},
			map[string]planted{"p": parameter("SecureString", secretText),
				"t": {taskType, pulumi.Map{"containerDefinitions": text(document("x" + secretText))}}},
			[]string{"containerDefinitions"}},

		{"a mark that stays", one("f", lambda(pulumi.Map{"PW": secret(secretText), "N": text("1")})),
			one("f", lambda(pulumi.Map{"PW": secret("battery staple"), "N": text("2")})), nil},
		{"a mark on what was plain", one("f", lambda(pulumi.Map{"N": text("12345678"), "M": text("1")})),
			one("f", lambda(pulumi.Map{"N": secret("12345678"), "M": text("2")})), nil},
		{"a variable that is gone", one("f", lambda(pulumi.Map{"PW": secret(secretText), "N": text("1")})),
			one("f", lambda(pulumi.Map{"N": text("1")})), nil},
		{"a mark on a part instead of the whole", one("f", planted{functionType, pulumi.Map{
			"environment": pulumi.ToSecret(pulumi.Map{"variables": pulumi.Map{"PW": text(secretText),
				"N": text("1")}})}}),
			one("f", lambda(pulumi.Map{"PW": secret(secretText), "N": text("1")})), nil},
		{"the secret leaves a document", map[string]planted{"p": parameter("SecureString", secretText),
			"t": {taskType, pulumi.Map{"containerDefinitions": secret(document(secretText))}}},
			map[string]planted{"p": parameter("SecureString", secretText),
				"t": {taskType, pulumi.Map{"containerDefinitions": text(document("none"))}}}, nil},
		{"a plain one takes the place of a secret that goes", one("t", list(secret(secretText), text("a"))),
			one("t", list(text("a"))), nil},
		{"a word", map[string]planted{"f": lambda(pulumi.Map{"ON": secret("true")}),
			"g": lambda(pulumi.Map{"B": text("1")})},
			map[string]planted{"f": lambda(pulumi.Map{"ON": secret("true")}),
				"g": lambda(pulumi.Map{"B": text("true")})}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := program(t, nil, c.was)
			p := between(base, program(t, base, c.is))
			var got []string
			for _, d := range p.Environments[0].Dangers {
				if d.Kind == inPlain {
					got = append(got, d.What)
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q, want %q in it", got[i], want)
				}
			}
			raw, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			for form, text := range map[string]string{"JSON": string(raw), "Markdown": p.Markdown()} {
				if strings.Contains(text, secretText) || strings.Contains(text, shortSecret) {
					t.Errorf("the secret stands in the %s:\n%s", form, text)
				}
			}
			if c.name == "a word" && !strings.Contains(p.Markdown(), "`1` → `true`") {
				t.Error("a word is masked because it is marked elsewhere")
			}
		})
	}
}

// TestMarkedElsewhere: a text that is marked at one place is masked at all others, in a new resource as well.
func TestMarkedElsewhere(t *testing.T) {
	secret := planted{"aws:ssm/parameter:Parameter", pulumi.Map{"type": pulumi.String("SecureString"),
		"value": pulumi.ToSecret(pulumi.String(secretText))}}
	base := program(t, nil, map[string]planted{"p": secret})
	for length := range 160 { // wherever a long value is cut
		dsn := strings.Repeat("x", length) + "mysql://root:" + secretText + "@db"
		text := between(base, program(t, base, map[string]planted{"p": secret, "f": {functionType, pulumi.Map{
			"environment": pulumi.Map{"variables": pulumi.Map{"DSN": pulumi.String(dsn)}}}}})).Markdown()
		if strings.Contains(text, "correct") || length == 0 && !strings.Contains(text, "mysql://root:[secret]") {
			t.Fatalf("the secret is not masked after %d characters:\n%s", length, text)
		}
	}
}

// TestMarkedInAccount: a marked text that has the number of the stack's own account is masked as well.
func TestMarkedInAccount(t *testing.T) {
	const text = "https://x-111122223333.example/?k=" + secretText
	function := func(url pulumi.Input) planted {
		return planted{functionType, pulumi.Map{"environment": pulumi.Map{"variables": pulumi.Map{"URL": url}}}}
	}
	secret := function(pulumi.ToSecret(pulumi.String(text)))
	base := program(t, nil, map[string]planted{"f": secret})
	head := program(t, base, map[string]planted{"f": secret, "g": function(pulumi.String(text))})
	of := func(g *graph.Graph) Revision {
		return Revision{Stacks: map[string]Stack{"e": {Graph: g, Config: map[string]string{
			"aws:region": "us-east-1", "aws:allowedAccountIds": `["111122223333"]`}}}}
	}
	if shown := Make(of(base), of(head)).Markdown(); strings.Contains(shown, "correct") ||
		!strings.Contains(shown, "[secret]") {
		t.Errorf("the secret is not masked:\n%s", shown)
	}
}

// TestDecrypted: values of a stack's file that were encrypted, and are no longer, are told and shown nowhere.
func TestDecrypted(t *testing.T) {
	for _, c := range []struct {
		name            string
		key, was, is    string
		wasSafe, isSafe bool
		want            string
	}{
		{"in plain", "test:password", "sealed v1:a", shortSecret, true, false, "`test:password`"},
		{"in plain, of a provider", "cloud:token", "sealed v1:a", shortSecret, true, false, "`cloud:token`"},
		{"a part of an object", "test:db", `{"user":"u","password":"sealed v1:a"}`,
			`{"user":"u","password":"hunter2"}`, true, false, "`test:db.password`"},
		{"one of two parts", "test:db", `{"a":["sealed v1:a"],"b":"sealed v1:b"}`,
			`{"a":["hunter2"],"b":"sealed v1:b"}`, true, true, "`test:db.a[0]`"},
		{"another one", "test:password", "sealed v1:a", "sealed v1:b", true, true, ""},
		{"a part of an object that is gone", "test:db", `{"user":"u","password":"sealed v1:a"}`, `{"user":"u"}`, true,
			false, ""},
		{"encrypted from now on", "test:password", shortSecret, "sealed v1:a", false, true, ""},
		{"gone", "test:password", "sealed v1:a", "", true, false, ""},
		{"a default of the project", "test:password", "t", "u", true, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			stack := func(value string, safe bool) Stack {
				s := Stack{Project: "test", Config: map[string]string{}, Graph: program(t, nil, nil)}
				if value != "" {
					s.Config[c.key] = value
				}
				if safe {
					s.Secrets = []string{c.key}
				}
				return s
			}
			p := Make(Revision{Name: "base", Stacks: map[string]Stack{"e": stack(c.was, c.wasSafe)}},
				Revision{Name: "head", Stacks: map[string]Stack{"e": stack(c.is, c.isSafe)}})
			var got []string
			for _, d := range p.Environments[0].Dangers {
				if d.Kind == inPlain {
					got = append(got, d.What)
				}
			}
			if len(got) > 1 || (c.want == "") != (len(got) == 0) || !strings.Contains(strings.Join(got, ""), c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if text := p.Markdown(); strings.Contains(text, shortSecret) || strings.Contains(text, "sealed") {
				t.Errorf("a secret is shown:\n%s", text)
			}
		})
	}
}
