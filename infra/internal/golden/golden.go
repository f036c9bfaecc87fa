// Package golden compares texts with the files that hold what they should be. Only test code may import it.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Update declares the flag -update, which lets Compare write the files anew.
func Update() *bool { return flag.Bool("update", false, "write anew what is generated") }

// Compare compares a text with a file, or writes it.
func Compare(t testing.TB, update *bool, file, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text == string(want) {
		return
	}
	got, wanted := strings.Split(text, "\n"), strings.Split(string(want), "\n")
	same := 0
	for same < min(len(got), len(wanted)) && got[same] == wanted[same] {
		same++
	}
	t.Errorf("%s differs from line %d on; -update writes it anew\ngot\n%s\nwant\n%s", file, same+1,
		strings.Join(got[same:min(same+6, len(got))], "\n"), strings.Join(wanted[same:min(same+6, len(wanted))], "\n"))
}
