package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sound is a workspace of two modules. The tests of one use a package that imports it, and what only its tests export.
var sound = map[string]string{
	"go.work":    "go 1.26.0\n\nuse (\n\t./one\n\t./two\n)\n",
	"one/go.mod": "module one.example\n\ngo 1.26.0\n",
	"one/base.go": "package one\n\nimport (\n\t_ \"embed\"\n\t\"strings\"\n)\n\n//go:embed text\nvar text " +
		"string\n\nfunc Text() string { return strings.ToUpper(text) }\n",
	"one/text":      "text",
	"one/export.go": "package one\n\ntype Kind int\n",
	"one/x_test.go": "package one\n\nvar Hidden = text\n",
	"one/out_test.go": "package one_test\n\nimport (\n\t\"one.example\"\n\t\"one.example/user\"\n)\n\nvar _ " +
		"one.Kind = user.Kind()\n\nvar _ = one.Hidden\n",
	"one/user/u.go": "package user\n\nimport \"one.example\"\n\nfunc Kind() one.Kind { return 1 }\n",
	"two/go.mod":    "module two.example\n\ngo 1.26.0\n",
	"two/main.go": "package main\n\nimport (\n\t\"fmt\"\n\n\t\"one.example\"\n)\n\nfunc main() { " +
		"fmt.Println(one.Text()) }\n",
}

// TestCheck: what does not compile is found, wherever it stands; what does is not.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name        string
		files       map[string]string
		remove      string
		wants, nots []string
	}{
		{name: "sound"},
		{name: "another type", files: map[string]string{"one/export.go": "package one\n\ntype Kind string\n"},
			wants: []string{"user/u.go:5", "cannot use 1"}},
		{name: "a name that another module uses", files: map[string]string{
			"one/base.go": strings.Replace(sound["one/base.go"], "Text()", "Words()", 1)},
			wants: []string{"two/main.go:9", "undefined: one.Text"}},
		{name: "an unused variable", files: map[string]string{"two/more.go": "package main\n\nfunc f() { v := 1 }\n"},
			wants: []string{"two/more.go:3", "declared and not used: v"}},
		{name: "an unused import", files: map[string]string{"two/more.go": "package main\n\nimport \"os\"\n"},
			wants: []string{`"os" imported and not used`}},
		{name: "a test", files: map[string]string{"one/x_test.go": "package one\n\nvar Hidden = texts\n"},
			wants: []string{"one/x_test.go:3", "undefined: texts"}},
		{name: "a test from outside", files: map[string]string{
			"one/out_test.go": "package one_test\n\nimport \"one.example\"\n\nvar _ = one.Nothing\n"},
			wants: []string{"one/out_test.go:5", "undefined: one.Nothing"}},
		{name: "a call of another module's package", files: map[string]string{
			"two/more.go": "package main\n\nimport \"strings\"\n\nvar _ = strings.Nothing()\n"},
			wants: []string{"two/more.go:5", "undefined: strings.Nothing"}},
		{name: "syntax", files: map[string]string{"two/more.go": "package main\n\nfunc {\n"},
			wants: []string{"more.go:3"}},
		{name: "a newer Go", files: map[string]string{"two/go.mod": "module two.example\n\ngo 1.17\n",
			"two/more.go": "package main\n\nfunc f[T any](T) {}\n"}, wants: []string{"requires go1.18 or later"}},
		{name: "a package that does not exist", files: map[string]string{
			"two/more.go": "package main\n\nimport _ \"one.example/nothing\"\n"},
			wants: []string{"one.example/nothing"}},
		{name: "a file to embed", remove: "one/text", wants: []string{"pattern text: no matching files"}},
		{name: "many", files: map[string]string{"two/more.go": "package main\n\nvar _ = " +
			strings.Repeat("unknown + ", 20) + "last\n"}, wants: []string{"undefined: unknown"},
			nots: []string{"last"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := maps.Clone(sound)
			maps.Copy(files, c.files)
			delete(files, c.remove)
			for name, text := range files {
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := append(os.Environ(), "GOWORK=", "GOFLAGS=", "PWD=")
			err := check(t.Context(), dir, env, "./one/...", "./two/...")
			if len(c.wants) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("nothing was found")
			}
			for _, want := range c.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it does not say %q: %v", want, err)
				}
			}
			for _, not := range c.nots {
				if strings.Contains(err.Error(), not) {
					t.Errorf("it says %q: %v", not, err)
				}
			}
		})
	}
}
