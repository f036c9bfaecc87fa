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
		{"がぎ, かき", "かき がぎ き ぎ"},
		{"ｶﾞ ＡＢＣ１２", "12 abc12 ガ"},
		{"ไทย", "ทย ย ไทย"},
		{"각 가나", "가나 각가나"},
		// A name is written with a space or without.
		{"山田　太郎 Tower", "tower 太郎 山田太郎 田太郎 郎"},
		{"ジョン・スミス", "ジョンスミス ス スミス ミス ョンスミス ンスミス"},
		{"김 철수", "김철수 철수"},
		{"على علی فاطمة کتاب", "علي فاطمه كتاب"},
		{"ٱلرَّحْمَٰن الرحمن", "الرحمن"},
		{"ھندوستان ہندوستان خانۀ خانه بڑے بڑي", "بڑي خانه هندوستان"},
		{"צה״ל צהל", "ל צהל"},
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
		"jean-luc o’brien":      "jean luc|jeanluc obrien",
		"luc jean–luc jean":     "jean luc",
		"2025-11-28":            "11|202511 2025 28|1128|20251128",
		"-a- a-":                "a",
		"a-aa":                  "aa",
		"1-2-3-4-5-6":           "123456",
		"ジョン・スミス 山田 太郎":         "ジョン スミス|ジョンスミス 太郎 山田",
		"東京Tower":               "東京tower",
		"report_final.PDF":      "final pdf report",
		"PostgreSQL":            "postgresql",
	} {
		var got []string
		for _, w := range SearchWords(search) {
			got = append(got, strings.Join(w, "|"))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("the words of the search %q: got %q, want %q", search, got, want)
		}
	}
}

func TestWordsOfDetails(t *testing.T) {
	d := Details{Name: "Ada Lovelace", Location: "St. John's", Age: 36, Technology: "Analytical Engine"}
	words := d.words()
	for _, f := range Fields {
		if f.Of(d) == "" { // a later field, which is empty here
			words = slices.DeleteFunc(words, func(w string) bool { return w == f.sortLabel(d) })
		}
	}
	if got, want := strings.Join(words, "|"), "36|@age>036|@location:johns|@location:s|@location:st|"+
		"@location>st johns|@name:ada|@name:lovelace|@name>ada lovelace|@technology:analytical|@technology:engine|"+
		"@technology>analytical engine|ada|analytical|engine|johns|lovelace|s|st"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := Details{Name: strings.Repeat("山", MaxNameLength), Location: strings.TrimSpace(strings.Repeat("é ", 100))}
	// Each word with its label, the number, and the label by which each field is sorted.
	if n, most := len(long.words()), 2*2*MaxTextWords+1+len(Fields); n > most {
		t.Errorf("%d words, want %d at most", n, most)
	}
	for _, w := range long.words() {
		if utf8.RuneCountInString(w) > MaxWordLength {
			t.Errorf("%q is longer than %d", w, MaxWordLength)
		}
	}
}

// No search finds a label: what it begins with is never the beginning of a word.
func TestLabelsAreNoWords(t *testing.T) {
	check := func(text string) bool {
		for _, word := range append(SearchWords(text), textWords(text, 1000)) {
			if slices.ContainsFunc(word, func(w string) bool { return strings.HasPrefix(w, labelOf) }) {
				return false
			}
		}
		return true
	}
	for _, text := range []string{"@files", "@name:ada", "＠files", "a@files", "@"} {
		if !check(text) {
			t.Errorf("%q has a label among its words", text)
		}
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

// Texts are sorted by what is read, not by case, accents, hyphens or signs.
func TestSortKey(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"Ada  Lovelace":   "ada lovelace",
		"“Ada” Lovelace.": "ada lovelace",
		"Łukasz O’Brien":  "lukasz obrien",
		"Jean-Luc Picard": "jean luc picard",
		"Åsa Öberg":       "asa oberg",
		"C++ and C#":      "c++ and c#",
		"山田 太郎":           "山田太郎",
		"山田太郎":            "山田太郎",
		"… – !":           "",
	} {
		if got := sortKey(text); got != want {
			t.Errorf("%q is sorted as %q, want %q", text, got, want)
		}
	}
	age := Fields[slices.IndexFunc(Fields, Field.IsNumber)]
	var labels []string
	for _, n := range []int{age.Least, 5, 40, 100, age.Most, age.Most + 1} {
		labels = append(labels, age.numberLabel(n))
	}
	if !slices.IsSorted(labels) {
		t.Errorf("numbers are sorted as %q", labels)
	}
}

func TestWordsOfFile(t *testing.T) {
	f := File{Name: "Annual_Report-2025.final.PDF"}
	if got, want := strings.Join(f.words(), " "), "2025 @files annual final pdf report2025"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Folder = "Board meetings/March-2024"
	if got, want := strings.Join(f.words(), " "),
		"2024 2025 @files annual board final march2024 meetings pdf report2025"; got != want {
		t.Errorf("in folders: got %q, want %q", got, want)
	}
	f.Folder = ""
	f.Name = strings.Repeat("名", 80) + ".docx"
	if got := f.words(); len(got) != MaxFileWords+1 || !slices.Contains(got, "docx") {
		t.Errorf("a long name has %d words, want %d and a label, the extension among them: %q", len(got),
			MaxFileWords, got)
	}
}

// A name is found whichever of hyphen, space and nothing stands in it and in the search.
func TestHyphenOrSpace(t *testing.T) {
	finds := func(text, search string) bool {
		words := textWords(text, 100)
		return !slices.ContainsFunc(SearchWords(search), func(w SearchWord) bool {
			return !slices.ContainsFunc(words, func(has string) bool { return begun(has, w) })
		})
	}
	for _, c := range []struct {
		text  string
		found []string
		not   []string
	}{
		{"Jean Luc Picard", []string{"jean-luc", "jean luc", "Jean\u2011Luc", "jean-luc picard", "jean-luc-picard",
			"luc-jean"},
			[]string{"jean-marie", "jean-luca"}},
		{"Jean-Luc", []string{"jean-luc", "jean luc", "jeanluc", "luc"}, []string{"jean-marc"}},
		{"Jeanluc", []string{"jean-luc", "jeanluc"}, []string{"luc", "jean-marc"}},
		{"Annemarie Luise", []string{"anne-marie-luise", "annemarie-luise", "anne-marie luise"},
			[]string{"anne-luise-marie"}},
		{"scan_20251128.pdf", []string{"2025-11-28", "scan-2025"}, []string{"2025-11-29"}},
		{"山田 太郎", []string{"山田太郎", "山田　太郎", "太郎 山田"}, []string{"太郎山田"}},
		{"佐藤花子", []string{"佐藤 花子", "佐藤花子", "花子"}, nil},
		{"홍길동", []string{"홍길동", "홍"}, nil},
	} {
		for _, search := range c.found {
			if !finds(c.text, search) {
				t.Errorf("%q does not find %q", search, c.text)
			}
		}
		for _, search := range c.not {
			if finds(c.text, search) {
				t.Errorf("%q finds %q", search, c.text)
			}
		}
	}
}

// Whatever somebody types of a text finds it: every beginning of every word, as it is written.
func TestEveryTextIsFoundByItself(t *testing.T) {
	check := func(text string) bool {
		words := textWords(text, 10_000)
		for _, word := range SearchWords(text) {
			if slices.ContainsFunc(word, func(way string) bool {
				return !utf8.ValidString(way) || utf8.RuneCountInString(way) > MaxWordLength
			}) || !slices.ContainsFunc(words, func(w string) bool { return begun(w, word) }) {
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
