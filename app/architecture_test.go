package dossier_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Imports point one way: the domain knows no store and no web framework, stores and pages know the domain and not each
// other, and only the command knows all.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}",
		"./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const module = "dossier.example/app"
	// What each package may import of the project. Test support may import what it is for.
	may := map[string][]string{
		"":            {"/bounds"},
		"/staff":      {"", "/bounds"},
		"/audit":      {""},
		"/issuer":     {"", "/staff"},
		"/people":     {"", "/audit", "/migrations", "/staff"},
		"/objects":    {""},
		"/catalog":    {"", "/migrations"},
		"/space":      {"", "/audit", "/staff"},
		"/scanner":    {""},
		"/thumbnail":  {"", "/bounds"},
		"/migrations": {},
		"/bounds":     {},
		"/setting":    {},
		"/docstest":   {},
		"/config":     {"/bounds", "/setting"},
		"/api":        {},
		"/web":        {"", "/api", "/audit", "/bounds", "/staff"},
		"/upload":     {"", "/api"},
		"/backup":     {""},
		"/cmd/dossier": {"", "/people", "/objects", "/catalog", "/space", "/scanner", "/thumbnail", "/migrations", "/bounds",
			"/config", "/web", "/upload", "/backup", "/staff", "/issuer", "/audit"},
		"/storetest":           {"", "/audit", "/staff"},
		"/internal/servers":    {},
		"/internal/testissuer": {},
		"/internal/teststores": {"", "/people", "/objects", "/catalog", "/migrations", "/internal/servers"},
		"/internal/release010": {"/internal/servers", "/internal/teststores"},
		"/internal/cloud":      {"/internal/servers", "/internal/teststores"},
		"/internal/contract":   {"", "/config", "/catalog", "/bounds"},
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		allowed, ok := may[name]
		if !ok {
			t.Errorf("package %s is not in the table of this test", fields[0])
		}
		for _, imported := range fields[1:] {
			if own, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s", fields[0], imported)
			}
			if name == "" && (strings.Contains(imported, "echo") || strings.Contains(imported, "aws") ||
				strings.Contains(imported, "gorm") || strings.Contains(imported, "sql")) {
				t.Errorf("the domain imports %s", imported)
			}
			// The program of the stack imports it too, and needs no module of the app's for that.
			if host, _, _ := strings.Cut(imported, "/"); name == "/setting" && strings.Contains(host, ".") {
				t.Errorf("the settings of both programs import %s", imported)
			}
		}
	}
}
