package schema

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier.example/infra/internal/testservers"
)

func valid() Script {
	return Script{
		Region: "eu-central-1", Bucket: "dossier-dev-releases-1a2b3c", Parameters: "/dossier/dev", ReleaseParameter: "/dossier/dev/release", Wait: 10 * time.Minute,
	}
}

func render(t *testing.T, s Script) string {
	t.Helper()
	text, err := s.Render()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRender(t *testing.T) {
	s := valid()
	text := render(t, s)
	for _, want := range []string{
		"#!/usr/bin/env bash\n", "\nset -euo pipefail\n", "\nregion='eu-central-1'\n", "\nbucket='dossier-dev-releases-1a2b3c'\n",
		"\nparameters='/dossier/dev'\n", "\nrelease_parameter='/dossier/dev/release'\n", "\nwait=600 ", "\nlimit=1500 ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the script does not contain %q", want)
		}
	}
	if again := render(t, s); again != text {
		t.Error("rendered again, the script is another")
	}
	// Systems Manager would take it for a parameter of its own.
	if strings.Contains(text, "{{"+"") || strings.Contains(text, "<no value>") {
		t.Error("the script contains what a template left")
	}
	if s.Limit() != 25*time.Minute {
		t.Errorf("the limit is %v, want 25m", s.Limit())
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*Script){
		"Region":           func(s *Script) { s.Region = "eu-central-1'; reboot; '" },
		"Bucket":           func(s *Script) { s.Bucket = "No_Bucket" },
		"Parameters":       func(s *Script) { s.Parameters = "/dossier/dev/" },
		"ReleaseParameter": func(s *Script) { s.ReleaseParameter = "/dossier/$(reboot)" },
		"Wait":             func(s *Script) { s.Wait = 1500 * time.Millisecond },
	} {
		s := valid()
		change(&s)
		if text, err := s.Render(); err == nil || text != "" || !strings.Contains(err.Error(), "Script."+name+" = ") || strings.Count(err.Error(), "\n") != 0 {
			t.Errorf("%s: rendered %q with error %v, want one that names the field", name, text, err)
		}
	}
	_, err := Script{Parameters: "/" + strings.Repeat("a", parameterLength), Wait: 2 * MaxWait}.Render()
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("error %v, want one line for each of the 5 fields", err)
	}
}

// TestShellcheck has a program read the script that knows shells better.
func TestShellcheck(t *testing.T) {
	program := testservers.Require(t, "shellcheck")
	path := filepath.Join(t.TempDir(), "schema.bash")
	if err := os.WriteFile(path, []byte(render(t, valid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "--norc", "--enable=all", "--exclude=SC2250,SC2310,SC2312", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
