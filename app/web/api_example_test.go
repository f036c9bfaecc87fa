package web_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
)

// blocks returns the code of a language in docs/api.md, in its order.
func blocks(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, block := range strings.Split(string(text), "```"+language+"\n")[1:] {
		block, _, ok := strings.Cut(block, "```\n")
		if !ok {
			t.Fatal("a block of code has no end")
		}
		code.WriteString(block)
	}
	if code.Len() == 0 {
		t.Fatalf("docs/api.md has no %s", language)
	}
	return code.String()
}

// programs skips a test on a machine that lacks one, or fails it where none may be skipped.
func programs(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			servers.Missing(t, name+" is not installed")
		}
	}
}

// The commands of docs/api.md do what they say, with S3 and with embedded stores.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	programs(t, "bash", "curl", "jq", "perl", "sha256sum", "split", "base64")
	script := blocks(t, "sh")
	everywhere(t, setup{}, func(s *site) {
		for name, data := range map[string][]byte{"empty.txt": nil, "letter of ada.txt": []byte("Dear Charles"),
			"drawing.bin": random(dossier.PartSize(1) + 1234)} {
			s.t.Run(name, func(t *testing.T) {
				if len(data) > 1<<20 { // Perl takes seconds for its CRC
					servers.EndToEnd(t)
				}
				s := s.in(t)
				folder := t.TempDir()
				source := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(source, data, 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
				cmd.Dir = folder
				cmd.Env = append(os.Environ(), "SITE=http://"+s.addr, "FILE="+source)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				s.hide(name)
				var person api.Registered
				text, err := os.ReadFile(filepath.Join(folder, "person.json"))
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(text, &person); err != nil {
					t.Fatal(err)
				}
				s.hide(person.Receipt)
				s.mustBeStored(person.Receipt, file{name, string(data)})
			})
		}
		s.reconcile()
	})
}

// So do the three lines, also when they are cut off and the second is sent again.
func TestDocumentedForm(t *testing.T) {
	programs(t, "bash", "curl", "sed")
	script := blocks(t, "bash")
	everywhere(t, setup{}, func(s *site) {
		folder := s.t.TempDir()
		source := filepath.Join(folder, "letter of ada.txt")
		if err := os.WriteFile(source, []byte("Dear Charles"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		lines := strings.Split(script, "\n")
		cmd := exec.CommandContext(s.t.Context(), "bash", "-euo", "pipefail", "-c",
			strings.Join([]string{lines[0], lines[1], lines[1], lines[2]}, "\n"))
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "SITE=http://"+s.addr, "FILE="+source)
		out, err := cmd.CombinedOutput()
		if err != nil {
			s.t.Fatalf("%v\n%s", err, out)
		}
		s.hide("letter of ada.txt")
		_, receipt, ok := strings.Cut(strings.TrimSpace(string(out)), "/receipt#")
		if !ok {
			s.t.Fatalf("it printed no link: %s", out)
		}
		s.hide(receipt)
		s.mustBeStored(receipt, file{"letter of ada.txt", "Dear Charles"})
		s.reconcile()
	})
}

// The script of docs/api.md does what it says. Node.js has what it needs of a browser, but for CORS, which TestAPICORS
// looks at.
func TestDocumentedScript(t *testing.T) {
	programs(t, "node")
	script := blocks(t, "js")
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		var all []file
		for name, data := range map[string][]byte{"empty.txt": nil, "letter of ada.txt": []byte("Dear Charles"),
			"drawing.bin": random(dossier.PartSize(1) + 1234)} {
			s.t.Run(name, func(t *testing.T) {
				source := filepath.Join(t.TempDir(), "data")
				if err := os.WriteFile(source, data, 0o600); err != nil {
					t.Fatal(err)
				}
				call := `
const [site, receipt, id, name, source] = process.argv.slice(1);
const fs = await import("node:fs");
const file = new Blob([fs.readFileSync(source)]);
file.name = name;
console.log(JSON.stringify(await send(site, receipt, id, file)));
`
				cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", script+call,
					"http://"+s.addr, receipt, dossier.NewFileID().String(), name, source)
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, stderr.String())
				}
				var f api.File
				if err := json.Unmarshal(out, &f); err != nil || f.State != api.Stored || f.Name != name {
					t.Fatalf("the script ends with %s, %v", out, err)
				}
				s.hide(name)
				all = append(all, file{name, string(data)})
			})
		}
		s.mustBeStored(receipt, all...)
	})
}
