package dossier

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanFileName(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "report.pdf", "report.pdf"},
		{"empty", "", "unnamed"},
		{"spaces", "  ", "unnamed"},
		{"dots", "..", "unnamed"},
		{"dot file", ".profile", ".profile"},
		{"climbs", "../../x", "x"},
		{"windows path", `C:\Users\me\x.txt`, "x.txt"},
		{"folder", "a/b/", "unnamed"},
		{"NUL", "a\x00b.txt", "ab.txt"},
		{"right-to-left override", "invoice\u202Efdp.exe", "invoicefdp.exe"},
		{"quotes", `a "b" 'c'.txt`, "a _b_ 'c'.txt"},
		{"header break", "a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"},
		{"emoji", "👩‍🚀 photo.png", "👩‍🚀 photo.png"},
		{"composed", "Re\u0301sume\u0301.pdf", "Résumé.pdf"},
		{"not UTF-8", "a\xff.txt", "a\uFFFD.txt"},
		{"trailing dots", "x.txt. . ", "x.txt"},
		{"tab", "a\tb", "ab"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := CleanFileName(tc.in); got != tc.want {
				t.Errorf("CleanFileName(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
	long := CleanFileName(strings.Repeat("é", 4096) + ".tar.gz")
	if len(long) > MaxFileNameBytes || !strings.HasSuffix(long, ".gz") || !utf8.ValidString(long) {
		t.Errorf("4 KB name became %q (%d bytes)", long, len(long))
	}
}

func FuzzCleanFileName(f *testing.F) {
	for _, s := range []string{"", "a.txt", "../x", "a\x00", "\u202Ex", strings.Repeat("é", 300) + ".pdf",
		strings.Repeat(".", 300), "x" + strings.Repeat(" .", 200) + ".y", "e\u0000\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name := CleanFileName(raw)
		switch {
		case name == "", name == ".", name == "..", len(name) > MaxFileNameBytes, !utf8.ValidString(name):
			t.Fatalf("CleanFileName(%q) = %q", raw, name)
		case strings.ContainsFunc(name, hidden), strings.ContainsAny(name, `/\<>:"|?*`):
			t.Fatalf("CleanFileName(%q) = %q: has a character that it must not", raw, name)
		case strings.HasPrefix(name, " "), strings.HasSuffix(name, " "), strings.HasSuffix(name, "."):
			t.Fatalf("CleanFileName(%q) = %q: space or dot at an end", raw, name)
		}
		if again := CleanFileName(name); again != name {
			t.Fatalf("not idempotent: %q, then %q", name, again)
		}
	})
}
