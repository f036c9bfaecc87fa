package modules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinkedPackages: npm empties the folder that it installs into. Where tools/node_modules leads elsewhere, that is
// somebody else's.
func TestLinkedPackages(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"install", "common.bash", ".npmrc", "package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(root, "tools", name))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(dir, "tools", name), string(text))
	}
	write(filepath.Join(dir, "go.mod"), "module example.org/x\n\ngo 1.26\n")
	write(filepath.Join(dir, "bin", "node"), "#!/bin/sh\necho v22.0.0\n")
	write(filepath.Join(dir, "bin", "npm"), "#!/bin/sh\nrm -rf tools/node_modules/*\nmkdir -p tools/node_modules\n")
	theirs := filepath.Join(elsewhere, "theirs")
	write(theirs, "")
	install := func() (string, error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "tools", "install"), "packages")
		cmd.Env = append(os.Environ(), "GOWORK=off", "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	link, stamp := filepath.Join(dir, "tools", "node_modules"), filepath.Join(dir, "tools", "node_modules", ".stamp")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	if said, err := install(); err == nil || !strings.Contains(said, "Remove the link (rm tools/node_modules)") {
		t.Errorf("with a link: %v\n%s", err, said)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if said, err := install(); err != nil {
		t.Fatalf("without it: %v\n%s", err, said)
	}
	installed, err := os.ReadFile(stamp)
	if err != nil {
		t.Fatal(err)
	}

	// Nothing is installed where everything is there, so a link does no harm.
	write(filepath.Join(dir, "bin", "npm"), "#!/bin/sh\nexit 1\n")
	write(filepath.Join(elsewhere, ".stamp"), string(installed))
	if err := os.RemoveAll(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	if said, err := install(); err != nil {
		t.Errorf("with a link to all that is needed: %v\n%s", err, said)
	}
}
