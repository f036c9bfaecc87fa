package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repository writes files into a new folder.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFind: programs of any layout are found, with their stacks.
func TestFind(t *testing.T) {
	const pulumi, mod = "name: web\nruntime: go\n", "module example.org/web\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		// want are the projects as "key main: stacks"; unread says what is said of those that are not looked at.
		want   []string
		unread string
	}{
		{"one module at the root", map[string]string{"Pulumi.yaml": pulumi, "go.mod": mod, "Pulumi.dev.yaml": "",
			"Pulumi.prod.yaml": "config: {}"}, []string{"web .: dev prod"}, ""},
		{"main in a subfolder", map[string]string{"infra/Pulumi.yaml": pulumi + "main: cmd/infra\n", "go.mod": mod,
			"infra/Pulumi.dev.yaml": "", "infra/cmd/infra/main.go": ""}, []string{"web infra/cmd/infra: dev"}, ""},
		{"main is a file", map[string]string{"Pulumi.yaml": pulumi + "main: cmd/main.go\n", "go.mod": mod,
			"Pulumi.dev.yaml": "", "cmd/main.go": ""}, []string{"web cmd: dev"}, ""},
		{"several projects", map[string]string{"go.mod": mod, "a/Pulumi.yaml": "name: a\nruntime: go",
			"a/Pulumi.dev.yaml": "", "b/Pulumi.yml": "name: b\nruntime: {name: go, options: {buildTarget: bin/b}}",
			"b/Pulumi.eu-1.yml": "", "b/Pulumi.us.yaml": ""}, []string{"a a: dev", "b b: eu-1"}, ""},
		{"two folders of one name", map[string]string{"go.mod": mod, "a/Pulumi.yaml": pulumi, "a/Pulumi.x.yaml": "",
			"b/Pulumi.yaml": pulumi, "b/Pulumi.y.yaml": ""}, []string{"web in a a: x", "web in b b: y"}, ""},
		{"stacks elsewhere", map[string]string{"go.mod": mod, "Pulumi.yaml": pulumi + "stackConfigDir: stacks\n",
			"stacks/Pulumi.dev.yaml": "", "Pulumi.other.yaml": ""}, []string{"web .: dev"}, ""},
		{"stacks elsewhere, as it was once written", map[string]string{"go.mod": mod,
			"Pulumi.yaml": pulumi + "config: stacks\n", "stacks/Pulumi.dev.yaml": ""}, []string{"web .: dev"}, ""},
		{"no stacks", map[string]string{"go.mod": mod, "Pulumi.yaml": pulumi}, []string{"web .: dev"}, ""},
		{"a deployment's settings", map[string]string{"go.mod": mod, "Pulumi.yaml": pulumi, "Pulumi.dev.yaml": "",
			"Pulumi.dev.deploy.yaml": ""}, []string{"web .: dev"}, ""},
		{"as JSON", map[string]string{"go.mod": mod, "Pulumi.json": `{"name": "web", "runtime": "go"}`,
			"Pulumi.dev.json": `{"config": {"web:a": "1"}}`}, []string{"web .: dev"}, ""},
		{"another language", map[string]string{"go.mod": mod, "Pulumi.yaml": pulumi, "Pulumi.dev.yaml": "",
			"site/Pulumi.yaml": "name: site\nruntime: nodejs"}, []string{"web .: dev"},
			"site in site: its program is not in Go: its runtime is nodejs"},
		{"no module", map[string]string{"Pulumi.yaml": pulumi}, nil, "web in .: there is no go.mod in the root folder"},
		{"a program elsewhere", map[string]string{"infra/Pulumi.yaml": pulumi + "main: ../..\n", "go.mod": mod}, nil,
			"web in infra: main, ../.., is not in this repository"},
		{"no project file", map[string]string{"Pulumi.yaml": "runtime: go", "go.mod": mod}, nil,
			"missing a 'name' attribute"},
		{"examples of dependencies", map[string]string{"Pulumi.yaml": pulumi, "go.mod": mod, "Pulumi.dev.yaml": "",
			"node_modules/x/Pulumi.yaml": pulumi, "vendor/y/Pulumi.yaml": pulumi, ".git/Pulumi.yaml": pulumi},
			[]string{"web .: dev"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, unread, err := (&tree{name: "it", dir: repository(t, c.files)}).programs()
			if err != nil {
				t.Fatal(err)
			}
			nameApart(found)
			var got []string
			for _, p := range found {
				got = append(got, p.key+" "+p.main+": "+strings.Join(slices.Sorted(maps.Keys(p.stacks)), " "))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			said := ""
			for _, u := range unread {
				said += u.Project + " in " + u.Folder + ": " + u.Why
			}
			if !strings.Contains(said, c.unread) || c.unread == "" && said != "" {
				t.Errorf("not looked at: %q, want %q", said, c.unread)
			}
		})
	}
}

// TestSettle: a stack's configuration is its file's, and the project's for what that does not set, with full keys.
func TestSettle(t *testing.T) {
	dir := repository(t, map[string]string{"go.mod": "module m", "Pulumi.yaml": `name: web
runtime: go
config:
  aws:region: eu-central-1
  size: {type: integer, default: 2}
  names: {type: array, items: {type: string}, default: [a, b]}
  token: {type: string, secret: true, default: t}
  needed: {type: string}
  other:region: {value: x}
`, "Pulumi.dev.yaml": `encryptionsalt: v1:abc=
config:
  web:size: 3
  day: 2026-11-29
  on: true
  web:config:old: kept
  web:password: {secure: v1:AAAA}
  web:nested: {a: 1, b: [{secure: v1:BBBB}]}
`, "Pulumi.wrong.yaml": `config:
  web:size: many
  web:names: [1, 2]
  web:token: plain
  web:needed: {secure: v1:CCCC}
`, "Pulumi.bad.yaml": "config: [", "Pulumi.odd.yaml": "config: {a:b:c:d: 1}",
		"Pulumi.esc.yaml": "environment: [shared/aws]\n"})
	it := &tree{name: "it", dir: dir}
	found, _, err := it.programs()
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	dev := found[0].stacks["dev"]
	want := map[string]string{"aws:region": "eu-central-1", "web:size": "3", "web:names": `["a","b"]`, "web:token": "t",
		"other:region": "x", "web:day": "2026-11-29 00:00:00 +0000 UTC", "web:on": "true", "web:old": "kept",
		"web:password": "sealed v1:AAAA", "web:nested": `{"a":1,"b":["sealed v1:BBBB"]}`}
	if !maps.Equal(dev.Config, want) {
		t.Errorf("the configuration is %q, want %q", dev.Config, want)
	}
	if want := []string{"web:nested", "web:password", "web:token"}; !slices.Equal(dev.Secrets, want) {
		t.Errorf("secrets are %q, want %q", dev.Secrets, want)
	}
	for _, name := range []string{"bad", "odd"} {
		if s := found[0].stacks[name]; s.Fault == nil || !strings.Contains(s.Fault.Said, "Pulumi."+name+".yaml") ||
			strings.Contains(s.Fault.Said, dir) {
			t.Errorf("%s: the fault is %v", name, s.Fault)
		}
	}
	wants := []string{"configuration of stack `dev` for what `Pulumi.yaml` declares: `needed` has no value and no " +
		"default, unless something else sets it.", "`shared/aws`", "stack `wrong` for what `Pulumi.yaml` declares: " +
		"`names` is no value of type `array<string>`, `size` is no value of type `integer`, `token` is a secret, and " +
		"has to be encrypted."}
	for i, want := range wants {
		if len(it.notes) != len(wants) || !strings.Contains(it.notes[i], want) {
			t.Errorf("the notes are %q, want %q", it.notes, wants)
		}
	}
	past := &tree{name: "it", dir: dir, past: true}
	if _, _, err := past.programs(); err != nil || len(past.notes) != 1 {
		t.Errorf("of base, %v is told with %q", err, past.notes)
	}
}

// TestConfigForPlans: configuration for plans holds where no file of Pulumi's sets a key, and that is told.
func TestConfigForPlans(t *testing.T) {
	dir := repository(t, map[string]string{"go.mod": "module m",
		"Pulumi.yaml":     "name: web\nruntime: go\nconfig: {zone: {default: a}}\n",
		"Pulumi.dev.yaml": "environment: [shared]\nconfig: {size: 3, \"web:token\": {secure: v1:AAAA}}\n",
		"stackplan.yaml": "projects: [{folder: ., config: {size: 9, zone: b, token: t, needed: 5, \"aws:region\": " +
			"eu-west-1}}]\n"})
	read, found, err := readConfig(dir, ConfigFile)
	if err != nil || !found {
		t.Fatal(err)
	}
	it := &tree{name: "it", dir: dir, config: read}
	programs, _, err := it.programs()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"web:size": "3", "web:zone": "a", "web:token": "sealed v1:AAAA", "web:needed": "5",
		"aws:region": "eu-west-1"}
	if got := programs[0].stacks["dev"].Config; !maps.Equal(got, want) {
		t.Errorf("the configuration is %q, want %q", got, want)
	}
	const note = "Stack `dev` is planned with values for `aws:region, web:needed` that stackplan.yaml has for plans"
	if len(it.notes) != 2 || !strings.Contains(it.notes[1], note) {
		t.Errorf("the notes are %q", it.notes)
	}
}

// TestResealed: that a stack's secrets are encrypted with another key is told, where they are on both sides.
func TestResealed(t *testing.T) {
	const secret = "config: {\"web:a\": {secure: v1:AAAA}}\n"
	read := func(files map[string]string) *program {
		t.Helper()
		files["go.mod"], files["Pulumi.yaml"] = "module m", "name: web\nruntime: go\n"
		found, _, err := (&tree{name: "it", dir: repository(t, files)}).programs()
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		return found[0]
	}
	const salted, other = "encryptionsalt: v1:a\n", "encryptionsalt: v1:b\n"
	const kms = "secretsprovider: awskms:///"
	notes := resealed(read(map[string]string{
		"Pulumi.salt.yaml": salted + secret, "Pulumi.kms.yaml": kms + "a\n" + secret,
		"Pulumi.same.yaml": salted + secret, "Pulumi.none.yaml": salted + "config: {}\n",
		"Pulumi.first.yaml": "config: {}\n",
	}), read(map[string]string{
		"Pulumi.salt.yaml": other + secret, "Pulumi.kms.yaml": kms + "b\n" + secret,
		"Pulumi.same.yaml": salted + secret, "Pulumi.none.yaml": other + "config: {}\n",
		"Pulumi.first.yaml": other + secret, "Pulumi.new.yaml": other + secret,
	}))
	if len(notes) != 2 || !strings.Contains(notes[0], "Stack `kms` of project `web`") ||
		!strings.Contains(notes[1], "Stack `salt` of project `web`") {
		t.Errorf("the notes are %q", notes)
	}
}

// TestConfig: what a configuration says wrong is named.
func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, text, wrong string }{
		{"nothing", "", ""},
		{"everything", `projects:
  - {folder: infra, stacks: [dev], production: [], environment: {A: b}, tags: [x],
     artifacts: {dist/a.zip: [lambda, "*.json"]}, migrations: db/*.sql}
exceptions: [{rule: EC2.9, resource: "nat-*", type: "aws:ec2/instance:Instance", stacks: [dev], reason: It is a NAT.}]
rules: infra/rules
prices: prices.json
`, ""},
		{"comments alone", "# nothing yet\n", ""},
		{"keys that are none", "projects: [{folder: a, config: {\":b\": c}}]", `projects[0].config: ":b" is no key`},
		{"an unknown key", "project: {}", `line 1: there is no key "project": those here are projects, exceptions`},
		{"an unknown key of a project", "projects:\n  - stack: [dev]", `line 2: there is no key "stack": those here ` +
			"are folder, stacks, production"},
		{"a key twice", "rules: a\nrules: b", `line 2: the key "rules" is there already, in line 1`},
		{"tabs", "projects:\n\t- folder: .", "line 2: found character that cannot start any token (is it a tab?"},
		{"a text for a list", "projects: [{folder: ., production: prod}]",
			"line 1: the text `prod` stands where a list of texts should"},
		{"a list for names", "projects: [{folder: ., environment: [A=b]}]",
			"line 1: a list stands where names with a text each should"},
		{"a word for a choice", "failInherited: maybe", "line 1: the text `maybe` stands where true or false should"},
		{"a list at its top", "- folder: .", "line 1: a list stands where keys such as projects should"},
		{"unknown keys without end", unknownKeys(30), "and 20 more"},
		{"several documents", "rules: a\n---\nrules: b\n", "it has more than one document"},
		{"more than anybody writes", "# " + strings.Repeat("x", maxConfig), "it is larger than 1 MB"},
		{"no YAML", "projects: [", "did not find"},
		{"a folder outside", "projects: [{folder: ../x}]", `projects[0].folder: "../x" is not below`},
		{"a folder twice", "projects: [{folder: a}, {folder: ./a}]", `"a" is listed twice`},
		{"a variable of Pulumi's", "projects: [{folder: ., environment: {PULUMI_MONITOR: x}}]",
			`"PULUMI_MONITOR" cannot be set`},
		{"no variable", "projects: [{folder: ., environment: {a-b: x}}]", `"a-b" cannot be set`},
		{"a stack outside", "projects: [{folder: ., stacks: [../x]}]", `"../x" is not the name of a stack`},
		{"no pattern", "projects: [{folder: ., migrations: 'a['}]", `"a[" is no pattern`},
		{"an artifact outside", "projects: [{folder: ., artifacts: {../a.zip: [a]}}]", `"../a.zip" is no name below`},
		{"an artifact of nothing", "projects: [{folder: ., artifacts: {a.zip: []}}]", `"a.zip" is made of nothing`},
		{"no reason", "exceptions: [{rule: EC2.9, resource: a}]", "it needs a rule, a resource and a reason"},
		{"rules outside", "rules: /etc", `rules: "/etc" is not below`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, found, err := readConfig(repository(t, map[string]string{ConfigFile: c.text}), ConfigFile)
			if !found || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%v, want %q", err, c.wrong)
			}
		})
	}
	if _, found, err := readConfig(t.TempDir(), ConfigFile); found || err != nil {
		t.Errorf("without one: %t, %v", found, err)
	}
	if _, _, err := readConfig(repository(t, map[string]string{"stackplan.yml": "rules: a"}), ConfigFile); err == nil ||
		!strings.Contains(err.Error(), "stackplan.yml is not read: call it stackplan.yaml") {
		t.Errorf("under another name: %v", err)
	}
}

func unknownKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: 1\n", i)
	}
	return b.String()
}

// TestMistakenStacks: the name of a stack that nothing here has gives no plan in which nothing changes, and no laxer
// rules without a word.
func TestMistakenStacks(t *testing.T) {
	const pulumi, mod = "name: web\nruntime: go\n", "module example.org/web\n"
	with := map[string]string{"go.mod": mod, "Pulumi.yaml": pulumi, "Pulumi.prod.yaml": ""}
	without := map[string]string{"go.mod": mod, "Pulumi.yaml": pulumi}
	removed := maps.Clone(with)
	removed["Pulumi.old.yaml"] = ""
	const fault = "there is no Pulumi.old.yaml, and stacks with a file are prod: correct the name"
	const lax = "No stack of project `web` is production: the name `live` is that of none"
	for _, c := range []struct {
		name            string
		base, head      map[string]string
		over            overrides
		fault, notes    string
		wantsStackNamed string
	}{
		{"a stack with a file", with, with, overrides{stacks: []string{"prod"}}, "", "", "prod"},
		{"one without, beside others", with, with, overrides{stacks: []string{"old"}}, fault, "", "old"},
		{"one whose file was removed", removed, with, overrides{stacks: []string{"old"}}, "",
			"There is no `Pulumi.old.yaml`", "old"},
		{"one of a project without files", without, without, overrides{stacks: []string{"old"}}, "",
			"There is no `Pulumi.old.yaml`", "old"},
		{"production", with, with, overrides{production: []string{"live", "prod"}}, "", "", "prod"},
		{"no production", with, with, overrides{production: []string{"live"}}, "", lax, "prod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := &tree{dir: repository(t, c.base)}
			head := &tree{dir: repository(t, c.head), base: base, over: c.over}
			head.config.Projects = []ProjectConfig{{Folder: "."}}
			found, _, err := head.programs()
			if err != nil || len(found) != 1 {
				t.Fatalf("%v, %v", found, err)
			}
			s, has := found[0].stacks[c.wantsStackNamed]
			said := ""
			if s.Fault != nil {
				said = s.Fault.Said
			}
			if !has || !strings.Contains(said, c.fault) || c.fault == "" && said != "" {
				t.Errorf("%t, the fault is %q, want %q", has, said, c.fault)
			}
			if notes := strings.Join(head.notes, "\n"); !strings.Contains(notes, c.notes) ||
				c.notes == "" && notes != "" {
				t.Errorf("the notes are %q, want %q", notes, c.notes)
			}
		})
	}
	dir := repository(t, map[string]string{"infra/Pulumi.yaml": pulumi, "go.mod": mod})
	lost := &tree{name: "it", dir: dir, config: Config{Projects: []ProjectConfig{{Folder: "."}}}}
	if _, _, err := lost.programs(); err == nil || !strings.Contains(err.Error(), "such as infra") {
		t.Errorf("a folder without a project: %v", err)
	}
}

// TestModules: a program is made of its module, and of those of the repository that it requires or imports by a
// workspace or by replacements.
func TestModules(t *testing.T) {
	dir := repository(t, map[string]string{
		"go.work": "go 1.26\nuse ./lib\nuse ./imported\nuse ./unused\nuse ./infra\n",
		"infra/go.mod": "module infra\nrequire (\nlib v0.0.0\nother v0.0.0\nfar v0.0.0\n)\nreplace other => " +
			"../other\nreplace far => ../../far\n",
		"lib/go.mod": "module lib\nrequire deep v0.0.0\nreplace deep => ./deep\n", "lib/deep/go.mod": "module deep\n",
		"lib/l.go":     "package lib\nimport _ \"deep\"",
		"other/go.mod": "module other\n", "unused/go.mod": "module unused\n",
		"infra/cmd/a.go":   "package main\nimport (\n_ \"imported/part\"\n_ \"infra/zones\"\n)",
		"infra/zones/z.go": "package zones\nimport (\n_ \"lib\"\n_ \"embed\"\n_ \"far/away\"\n)\n//go:embed all\nvar F",
		"imported/go.mod":  "module imported\n",
		"alone/go.mod":     "module alone\n", "alone/inner/go.work": "go 1.26\nuse ..\n",
	})
	it := &tree{name: "it", dir: dir}
	infra := &program{tree: it, main: "infra/cmd"}
	found, err := infra.modules()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"infra", "imported", "lib", "other", "lib/deep"}; !slices.Equal(found.compiled, want) {
		t.Errorf("it is made of %q, want %q", found.compiled, want)
	}
	hash := func() string {
		t.Helper()
		sum, err := infra.fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	was := hash()
	for file, changes := range map[string]bool{"unused/x.go": false, "lib/x_test.go": false, "lib/deep/x.go": true,
		"imported/part/x.go": true, "imported/x.go": false, "infra/app/main.go": false, "infra/x.go": false,
		"infra/cmd/x.go": true, "infra/cmd/more/x.go": false, "infra/zones/all/x.go": true, "infra/vendor/y/x.go": true,
		"lib/deep/inner/x.go": false, "infra/app/data.json": true, "infra/cmd/stub.s": true,
		"infra/Pulumi.dev.yaml": false, "infra/Pulumi.yaml": true, "infra/zones/all/Pulumi.dev.yaml": true,
		"other/go.sum": true, "infra/testdata/embedded": true} {
		name := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		if is := hash(); (is != was) != changes {
			t.Errorf("another program by %s: %t, want %t", file, is != was, changes)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for main, want := range map[string]string{"infra/cmd": filepath.Join(dir, "go.work"),
		"alone/inner": filepath.Join(dir, "alone/inner/go.work")} {
		if got := (&program{tree: it, main: main}).workspace(); got != want {
			t.Errorf("the workspace of %s is %s, want %s", main, got, want)
		}
	}
	below := &tree{dir: filepath.Join(dir, "lib"), past: true}
	if got := (&program{tree: below, main: "deep"}).workspace(); got != "off" {
		t.Errorf("the workspace of a revision in a folder of another one is %s", got)
	}
}

// TestBinary: that a project deploys a program which is built elsewhere is told, unless the configuration names what it
// is made of.
func TestBinary(t *testing.T) {
	dir := repository(t, map[string]string{"go.mod": "module m\n", "Pulumi.dev.yaml": "",
		"Pulumi.yaml":   "name: web\nruntime: {name: go, options: {binary: bin/web}}\nmain: infra\n",
		"infra/main.go": ""})
	for named, want := range map[string]int{"": 1, "cmd/web": 0} {
		it := &tree{name: "it", dir: dir, config: Config{Projects: []ProjectConfig{{Folder: ".", Package: named}}}}
		const says = "deploys the program `bin/web`, which is built elsewhere: planned is the one in `infra`"
		if _, _, err := it.programs(); err != nil || len(it.notes) != want ||
			want > 0 && !strings.Contains(it.notes[0], says) {
			t.Errorf("with the package %q: %q, %v", named, it.notes, err)
		}
	}
}
