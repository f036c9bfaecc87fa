package dossier

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // in order, with a space between them
	}{
		{"", ""},
		{"  – ' !?", ""},
		{"Ada Lovelace", "ada lovelace"},
		{"René MU\u0308LLER", "muller rene"},
		{"Łukasz Ø ø Đặng ħ ŧ ſ", "dang h lukasz o s t"},
		{"Straße STRASSE ẞ", "ss strasse"},
		{"Æsir œuvre Þór İstanbul Diyarbakır ĳs ﬁnn", "aesir diyarbakir finn ijs istanbul oeuvre thor"},
		{"O’Brien O'Brien OʼBrien O´Brien O`Brien", "brien obrien"},
		{"OBRIEN", "obrien"},
		{"Jean-Luc Jean\u2010Luc Jean\u2011Luc Jean–Luc", "jeanluc luc"},
		{"Jean\u00ADLuc J\u200Bean\u200DL\u2060uc \u202AJeanluc\u202C", "jeanluc luc"},
		{"a-b-c", "abc bc c"},
		{"-a- 'b'", "a b"},
		{"col·lega", "collega lega"},
		{"ΣΊΣΥΦΟΣ Σίσυφος", "σισυφοσ"},
		{"Андрей андреи ёлка", "андреи андрей елка"},
		{"山田太郎", "太郎 山田太郎 田太郎 郎"},
		{"东京2024 東京Tower", "2024 tower 东京2024 京2024 京tower 東京tower"},
		{"がぎ かき", "かき がぎ き ぎ"},
		{"ｶﾞ ＡＢＣ１２", "12 abc12 ガ"},
		{"ไทย", "ทย ย ไทย"},
		{"각 가나", "가나 각"},
		// Vowel signs tell words apart.
		{"कि की क", "क कि की"},
		{"हिन्\u200Dदी हिन्दी", "हिन्दी"},
		{"سَلَام سلام ســلام", "سلام"},
		{"שָׁלוֹם שלום", "שלום"},
		{"٣٦ ३६ ３６ 𝟛𝟞 36", "36"},
		{"C++ C# a+b c+ .NET g++7", "7 a b c# c+ c++ g net"},
		{"PostgreSQL HTMLParser iPhone", "htmlparser iphone parser phone postgresql sql"},
		{"IMG20240101 2024report", "20240101 2024report img20240101 report"},
		{"😀 one 😀two", "one two 😀 😀two"},
		{"100%_\\", "100"},
		{strings.Repeat("ab", 60), strings.Repeat("ab", 32)},
		{strings.Repeat("𠀀", 1), "𠀀"},
	} {
		if got := strings.Join(sortedWords(textWords(c.text, 1000)), " "); got != c.want {
			t.Errorf("the words of %q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestSearchWords(t *testing.T) {
	for search, want := range map[string]string{
		"":                      "",
		" – ":                   "",
		"lovelace ADA lovelace": "ada lovelace",
		"go golang":             "golang",
		"jean-luc o’brien":      "jeanluc obrien",
		"東京Tower":               "東京tower",
		"report_final.PDF":      "final pdf report",
		"PostgreSQL":            "postgresql",
	} {
		if got := strings.Join(SearchWords(search), " "); got != want {
			t.Errorf("the words of the search %q: got %q, want %q", search, got, want)
		}
	}
}

func TestWordsOfDetails(t *testing.T) {
	d := Details{Name: "Ada Lovelace", Location: "St. John's", Age: 36, Technology: "Analytical Engine"}
	if got, want := strings.Join(d.words(), " "), "36 ada analytical engine johns lovelace s st"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := Details{Name: strings.Repeat("山", MaxNameLength), Location: strings.TrimSpace(strings.Repeat("é ", 100))}
	if n := len(long.words()); n > 2*MaxTextWords+1 {
		t.Errorf("%d words, want %d at most", n, 2*MaxTextWords+1)
	}
}

func TestWordsOfFile(t *testing.T) {
	f := File{Name: "Annual_Report-2025.final.PDF"}
	if got, want := strings.Join(f.words(), " "), "2025 annual final pdf report2025"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Folder = "Board meetings/March-2024"
	if got, want := strings.Join(f.words(), " "),
		"2024 2025 annual board final march2024 meetings pdf report2025"; got != want {
		t.Errorf("in folders: got %q, want %q", got, want)
	}
	f.Folder = ""
	f.Name = strings.Repeat("名", 80) + ".docx"
	if got := f.words(); len(got) != MaxFileWords || !slices.Contains(got, "docx") {
		t.Errorf("a long name has %d words, want %d, the extension among them: %q", len(got), MaxFileWords, got)
	}
}

// Whatever somebody types of a text finds it: every beginning of every word, as it is written.
func TestEveryTextIsFoundByItself(t *testing.T) {
	check := func(text string) bool {
		words := textWords(text, 10_000)
		for _, word := range SearchWords(text) {
			if !utf8.ValidString(word) || utf8.RuneCountInString(word) > MaxWordLength ||
				!slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, word) }) {
				t.Logf("%q: %q is not among %q", text, word, words)
				return false
			}
		}
		return true
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}
