package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
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
	_, receipt, _ := strings.Cut(summary.ReceiptURL, "#")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.app.URL+api.Prefix+"/receipt", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+receipt)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var told struct{ Person map[string]any }
	if err := json.NewDecoder(res.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if got := fmt.Sprint(told.Person[name]); got != value {
			t.Errorf("--%s %q arrives as %q", name, value, got)
		}
	}
}
