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
		{"zero-width space", "\u200B", "unnamed"},
		{"invisible in the middle", "a\u200Bb\u2060\u00AD.t\u200Fxt", "ab.txt"},
		{"a filler", "\u3164", "unnamed"},
		{"joiners alone", "\u200D\u200C", "unnamed"},
		{"a selector and a mark alone", "\uFE0F\u0301", "unnamed"},
		{"a blank that is a symbol", "\u2800", "unnamed"},
		{"joiners of Persian", "می\u200Cخواهم.txt", "می\u200Cخواهم.txt"},
		{"a flag of tags", "🏴\U000E0067\U000E0062\U000E007F", "🏴\U000E0067\U000E0062\U000E007F"},
		{"a heart", "❤\uFE0F.png", "❤\uFE0F.png"},
		{"a sign before numbers of Arabic", "\u06DD12", "\u06DD12"},
		{"a stack of Tibetan", "\u0F67\u0F90\u0FB5\u0FA8\u0FB3\u0FBA\u0FBC\u0FBB\u0F82",
			"\u0F67\u0F90\u0FB5\u0FA8\u0FB3\u0FBA\u0FBC\u0FBB\u0F82"},
		{"a stack over other lines", "a" + strings.Repeat("\u0301", 30) + "\u200D" + strings.Repeat("\u0301", 30) +
			"b\u0301", "á" + strings.Repeat("\u0301", 12) + "\u200Db\u0301"},
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
	if other := CleanFileName(strings.Repeat("é", 4095) + "è.tar.gz"); other == long {
		t.Errorf("two long names became one, %q", long)
	}
	if just := strings.Repeat("x", MaxFileNameBytes-4) + ".txt"; CleanFileName(just) != just {
		t.Errorf("a name of %d bytes became %q", len(just), CleanFileName(just))
	}
}

func TestTitledFileName(t *testing.T) {
	for title, want := range map[string]string{
		"Anna c/o Bob": "Anna c_o Bob", `..\..\etc`: ".._.._etc", "Ada": "Ada", "/": "_", "": "unnamed",
	} {
		if got := TitledFileName(title); got != want {
			t.Errorf("TitledFileName(%q) = %q, want %q", title, got, want)
		}
	}
}

func TestCleanFolder(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"none", "", ""},
		{"one", "photos", "photos"},
		{"several", "photos/day 1/raw", "photos/day 1/raw"},
		{"of Windows", `photos\day 1`, "photos/day 1"},
		{"slashes", "//a///b/", "a/b"},
		{"climbs", "../../etc/./../a", "etc/a"},
		{"only dots", ".../. ./x", "unnamed/unnamed/x"},
		{"cleaned", "a:b/c\u202Ed/ e. ", "a_b/cd/e"},
		{"composed", "Re\u0301sume\u0301", "Résumé"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := CleanFolder(tc.in); got != tc.want {
				t.Errorf("CleanFolder(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
	deep := func(first string) string { return first + strings.Repeat("/x", MaxFolderDepth) }
	wide := func(first string) string { return first + strings.Repeat("/"+strings.Repeat("é", 100), 5) + "/end" }
	for _, of := range []func(string) string{deep, wide} {
		one, other := CleanFolder(of("one")), CleanFolder(of("other"))
		if one == other {
			t.Errorf("two paths that end alike became one, %q", one)
		}
		end := of("")[len(of(""))-4:]
		if len(one) > MaxFolderBytes || strings.Count(one, "/") >= MaxFolderDepth || !strings.HasSuffix(one, end) {
			t.Errorf("%q became %q (%d bytes)", of("one"), one, len(one))
		}
	}
}

func TestCleanPath(t *testing.T) {
	for _, tc := range []struct{ in, folder, name string }{
		{"x.txt", "", "x.txt"},
		{"a/b/x.txt", "a/b", "x.txt"},
		{"a/../x.txt", "a", "x.txt"},
		{"/home/ada/x.txt", "", "x.txt"},
		{"C:/Users/ada/x.txt", "", "x.txt"},
		{`C:\fakepath\x.txt`, "", "x.txt"},
		{`a\b/x.txt`, "", "x.txt"},
		{"primary:Download/x.txt", "", "x.txt"},
		{"1A2B-3C4D:DCIM/Camera/x.jpg", "", "x.jpg"},
		{"notes: May/x.txt", "notes_ May", "x.txt"},
		{"a/", "a", "unnamed"},
		{"", "", "unnamed"},
	} {
		folder, name := CleanPath(tc.in)
		if folder != tc.folder || name != tc.name {
			t.Errorf("CleanPath(%q) = %q, %q; want %q, %q", tc.in, folder, name, tc.folder, tc.name)
		}
		if f, n := SplitPath(JoinPath(folder, name)); f != folder || n != name {
			t.Errorf("SplitPath of JoinPath of %q, %q = %q, %q", folder, name, f, n)
		}
	}
}

func FuzzCleanFolder(f *testing.F) {
	for _, s := range []string{"", "a/b", "../x", `a\b`, "\u202E/x", strings.Repeat("é/", 500), strings.Repeat("a/", 100),
		strings.Repeat("x", 800), "…-0123/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		folder := CleanFolder(raw)
		if again := CleanFolder(folder); again != folder {
			t.Fatalf("not idempotent: %q, then %q", folder, again)
		}
		if folder == "" {
			return
		}
		parts := strings.Split(folder, "/")
		if len(folder) > MaxFolderBytes || len(parts) > MaxFolderDepth {
			t.Fatalf("CleanFolder(%q) = %q: too long", raw, folder)
		}
		for _, part := range parts {
			if part == "" || part != CleanFileName(part) {
				t.Fatalf("CleanFolder(%q) = %q: %q is no clean name", raw, folder, part)
			}
		}
	})
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
		case strings.ContainsFunc(name, Hidden), strings.ContainsAny(name, `/\<>:"|?*`):
			t.Fatalf("CleanFileName(%q) = %q: has a character that it must not", raw, name)
		case strings.HasPrefix(name, " "), strings.HasSuffix(name, " "), strings.HasSuffix(name, "."):
			t.Fatalf("CleanFileName(%q) = %q: space or dot at an end", raw, name)
		}
		if again := CleanFileName(name); again != name {
			t.Fatalf("not idempotent: %q, then %q", name, again)
		}
	})
}
