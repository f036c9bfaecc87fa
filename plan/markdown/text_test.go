package markdown_test

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/markdown"
	"dossier.example/plan/markdown/markdowntest"
)

// places are where a report puts a text: what comes before it and behind it, and by which function it is written.
var places = []struct {
	name, before, after string
	write               func(string) string
}{
	{"a line", "", "\n", markdown.Plain},
	{"a heading", "## Plan: ", "\n", markdown.Plain},
	{"an item", "- ", "\n- next\n", markdown.Plain},
	{"bold", "- **", "** `x`\n", markdown.Plain},
	{"a quote", "> [!CAUTION]\n> - e: ", "\n> - next\n", markdown.Plain},
	{"a sentence", "> - ", "\n", markdown.Inline},
	{"code", "- x ", ": y\n", markdown.Code},
	{"a summary", "<details><summary>", "</summary>\n\nx\n</details>\n", markdown.Summary},
	{"a block", "- x\n\n", "\n- y\n", func(s string) string { return markdown.Fence(s, "  ") }},
	{"a quoted block", "> x\n>\n", "\ny\n", func(s string) string { return markdown.Fence(s, "> ") }},
	{"a cell", "", "", func(s string) string {
		t := markdown.NewTable("a", "b")
		t.Row(markdown.Plain(s), "x")
		return t.String()
	}},
	{"code in a cell", "", "", func(s string) string {
		t := markdown.NewTable("a", "b")
		t.Row(markdown.Code(s), "x")
		return t.String()
	}},
}

var hostile = []string{
	"# heading", "a\n# heading\n\n## more", "a\r# heading\r\rb", "a\r\n\r\n# heading", "===", "---", "- item",
	"+ item", "* item", "1. item", "12) item", "> quote", "[!NOTE]\nb", "    indented", "```\nfence", "~~~\nfence",
	"a ``` b ```` c", "`", "``", "a`b", "`a`", "` `` ```", "a | b\n--- | ---\nc | d", "|", `\|`, `\\|`, `a\`, `\`,
	"a|b|c", "`|`", "`\\|`", `\` + "`" + `|`, "[text](https://example.org)",
	"[text][ref]\n\n[ref]: https://example.org", "![image](https://example.org/a.png)", "<https://example.org>",
	"https://example.org/a", "www.example.org", "a@example.org", "mailto:a@example.org", "<a@example.org>",
	"@octocat", "@org/team", "(@octocat)", "#123", "octo/repo#123", "GH-123", "gh-1",
	"0123456789abcdef0123456789abcdef01234567", "octo@0123456", "deadbeef", "_deadbeef_", "CVE-2024-1234",
	"GHSA-aaaa-bbbb-cccc", ":tada:", "a:shipit:b", "$a$", "$`a`$", "$$a$$", "<script>alert(1)</script>",
	"</details>", "</summary></details>", "<details><summary>a</summary>\n\nb", "<!-- dossier plan -->",
	"<img src=x>", "<b>", "<a href=x>", "&lt;b&gt;", "&#60;b&#62;", "&amp;", "&copy", "a&b;c", "<?php ?>",
	"<![CDATA[x]]>", "<!DOCTYPE x>", "**bold**", "**", "***", "*a*", "_a_", "__a__", "a_b_c", "_", "~~a~~", "~a~",
	"[^1]", "[^1]: note", "[ ] task", "[x] task", "**a", "a** **b", "`a** `b", "** `a` **", "a\\*b", "\\`a\\`",
	"{{ x }}", "%%{init: {}}%%", "\u202egnp.exe", "a\u200bb", "a\x00b", "a\x1b[31mb", "a\xffb", "\u2028# a",
	"\u0085# a", "a\v# b", "a\f# b", "\ufeff# a", " ", "", "\n\n", strings.Repeat("`", 50),
	strings.Repeat("*", 50) + "a", strings.Repeat("> ", 30) + "a", strings.Repeat("- ", 30) + "a",
	"aws:s3/bucket:Bucket", "urn:pulumi:prod::x::aws:s3/bucket:Bucket::@a",
}

// TestStrangers: whatever a text holds, it is a text wherever it stands, all of it is shown, and GitHub makes nothing
// of it.
func TestStrangers(t *testing.T) {
	for i, s := range hostile {
		strange(t, s)
		strange(t, s+strings.Repeat(" ", i%2)+hostile[(i*7+3)%len(hostile)])
	}
}

func FuzzStrangers(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { strange(t, s) })
}

func strange(t *testing.T, s string) {
	t.Helper()
	for _, p := range places {
		read := func(s string) markdowntest.Document {
			d, err := markdowntest.Read(p.before + p.write(s) + p.after)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		want := read("friendly")
		if strings.TrimSpace(s) == "" && p.name != "code" && p.name != "code in a cell" {
			continue // an empty line is no paragraph
		}
		got := read(s)
		if !slices.Equal(got.Outline, want.Outline) {
			t.Errorf("%q in %s: it is\n%s\nand not\n%s\nas\n%s", s, p.name, strings.Join(got.Outline, "\n"),
				strings.Join(want.Outline, "\n"), p.before+p.write(s)+p.after)
		}
		if len(got.Live) > 0 {
			t.Errorf("%q in %s: %q as\n%s", s, p.name, got.Live, p.before+p.write(s)+p.after)
		}
		if p.name == "a sentence" {
			continue // its marks are its own
		}
		if g, w := letters(got.Text), letters(strings.Replace(want.Text, "friendly", markdown.Visible(s), 1)); g != w {
			t.Errorf("%q in %s: it shows %q, want %q, as\n%s", s, p.name, g, w, p.before+p.write(s)+p.after)
		}
	}
}

// letters is a text without what separates words.
func letters(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "⏎", " ")), "")
}

// TestInline: a sentence keeps its own marks, whatever the names in it.
func TestInline(t *testing.T) {
	for sentence, want := range map[string]string{
		"**Table** `a` is deleted.":     "**Table** `a` is deleted.",
		"**Table** `` a`b `` is new.":   "**Table** `` a`b `` is new.",
		"**T*b** `a` and `b`, `c` on x": `**T\*b** ` + "`a` and `b`, `c` on x",
		"**Table `a` is":                `\*\*Table ` + "`a` is",
		"x by @a: `b`":                  "x by `@a`: `b`",
		"x @a`b`":                       "x `@a` `b`",
		"it is <b> (`c`: 1 → 2).":       "it is &lt;b&gt; (`c`: 1 → 2).",
		"$0.50, $1, $a$ $1$":            "$0.50, $1, `$a$` `$1$`",
		"`a` b":                         "`a` b",
		"  a ":                          "a",
	} {
		if got := strings.TrimSpace(markdown.Inline(sentence)); got != want {
			t.Errorf("%q: got %q, want %q", sentence, got, want)
		}
	}
}
