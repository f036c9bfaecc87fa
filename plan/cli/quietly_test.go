package cli

import (
	"bytes"
	"strings"
	"testing"

	"dossier.example/plan/internal/apart"
)

// TestQuietly: what Go says against a program is kept, also after more downloads than are kept, and however it is cut.
func TestQuietly(t *testing.T) {
	var said strings.Builder
	for range 2 * mostSaid / 40 {
		said.WriteString("go: downloading example.com/module v1.2.3\n")
	}
	said.WriteString("go: example.com/module@v9.9.9: unknown revision\nno end")
	for _, size := range []int{1, 7, said.Len()} {
		kept := &apart.Beginning{Keep: mostSaid + 1}
		q := &quietly{to: kept}
		for part := []byte(said.String()); len(part) > 0; part = part[min(size, len(part)):] {
			if n, err := q.Write(bytes.Clone(part[:min(size, len(part))])); err != nil || n != min(size, len(part)) {
				t.Fatal(n, err)
			}
		}
		q.end()
		if got, want := kept.String(), "go: example.com/module@v9.9.9: unknown revision\nno end"; got != want {
			t.Errorf("in parts of %d: got %q, want %q", size, got, want)
		}
	}
}
