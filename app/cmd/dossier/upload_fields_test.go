package main

import (
	"fmt"
	"testing"

	"dossier.example/app"
)

// Each of a person's details has a flag, and arrives by it.
func TestUploadFields(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	_, paths := files(t, map[string][]byte{"a.txt": []byte("a")})
	args := append([]string{"--to", s.app.URL}, paths...)
	want := map[string]string{}
	for i, f := range dossier.Fields {
		want[f.Name] = fmt.Sprintf("Detail %d", i)
		if f.IsNumber() {
			want[f.Name] = fmt.Sprint(f.Most - i)
		}
		args = append(args, "--"+f.Name, want[f.Name])
	}
	_, summary := newUploader(t).run(exitOK, args...)
	var told struct{ Person map[string]any }
	s.told(t, summary.ReceiptURL, &told)
	for name, value := range want {
		if got := fmt.Sprint(told.Person[name]); got != value {
			t.Errorf("--%s %q arrives as %q", name, value, got)
		}
	}
}
