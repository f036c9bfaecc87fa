package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"dossier.example/app/setting"
)

// shown prints v in every way that a program may print it by mistake.
func shown(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%08.3v"} {
		if verb == "%T %v" {
			fmt.Fprintf(&out, verb+"\n", v, v)
		} else {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, v, []any{v}, map[string]any{"v": v})
	if err := json.NewEncoder(&out).Encode(v); err != nil {
		t.Fatal(err)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "v", v, "in", []any{v})
	}
	return out.String()
}

// refuseLeak fails if out holds a secret as it is or in hexadecimal.
func refuseLeak(t *testing.T, out string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprint([]byte(s))} {
			if strings.Contains(out, form) {
				t.Errorf("the secret %q shows in:\n%s", s, out)
			}
		}
	}
}

func TestSecretIsHidden(t *testing.T) {
	const text = "correct horse battery"
	type holder struct {
		S Secret
		P *Secret
		M map[string]Secret
	}
	type element struct{ S Secret }
	s := Secret(text)
	for _, v := range []any{s, &s, []Secret{s}, holder{s, &s, map[string]Secret{"k": s}}, &holder{S: s}} {
		out := shown(t, v)
		refuseLeak(t, out, text)
		if !strings.Contains(out, setting.Hidden) {
			t.Errorf("%T: nothing tells that there is a secret: %s", v, out)
		}
	}
	x, err := xml.Marshal(element{s})
	if err != nil {
		t.Fatal(err)
	}
	refuseLeak(t, string(x), text)
	if s.Reveal() != text {
		t.Errorf("Reveal: got %q", s.Reveal())
	}
	if got := fmt.Sprint(Secret("")); got != "" {
		t.Errorf("no secret shows as %q", got)
	}
}
