package dossier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// A person is found by words: those of the details and those of the names of the stored files. A search finds the
// people who have, for each word of the search, a word that begins with it. The same function makes both sides, so the
// databases' ideas of letters do not matter.

const (
	// WordsVersion is the version of the rules in this file. Reconciliation rewrites words of another version.
	// A new field of Details raises it, so that lists by that field have everybody.
	WordsVersion = 3
	// MaxWordLength is the length at which a word is cut, in code points.
	MaxWordLength = 64
	// MaxTextWords is how many words of each detail are kept. A text of MaxNameLength has no more whole words.
	MaxTextWords = 100
	// MaxFileWords is how many words of a file's name are kept, and how many of its folders.
	MaxFileWords = 32
	// MaxPersonWords is how many words of a person are kept: first those of the details, then those of files.
	MaxPersonWords = 20_000
	// MaxSearchWords is how many words a search may have.
	MaxSearchWords = 16
)

// words returns the words of the details, each once, with the labels by which lists are filtered and sorted.
func (d Details) words() []string {
	var all []string
	for _, f := range Fields {
		words := textWords(f.Of(d), MaxTextWords)
		all = append(all, words...)
		all = append(all, f.sortLabel(d))
		if !f.IsNumber() {
			for _, w := range words {
				all = append(all, f.label(w))
			}
		}
	}
	return sortedWords(all)
}

// Among the words of a person are labels, which no search finds: they begin with a sign that begins no word.
//
//	@location:york      a word of this detail, for filters
//	@location>new york  the detail as it is sorted, one for each field
//	@age>036            the same of a number
//	@files              there is a stored file
const (
	labelOf   = "@"
	labelWord = ":"
	labelSort = ">"
	// labelFiles is the label of who has a stored file. It is kept as the words of the file's name are.
	labelFiles = labelOf + "files"
)

// label returns the label of a word of the field.
func (f Field) label(word string) string {
	return FirstCodePoints(labelOf+f.Name+labelWord+word, MaxWordLength)
}

// sortBy is what the field's sort labels begin with.
func (f Field) sortBy() string { return labelOf + f.Name + labelSort }

// sortLabel returns the label by which a list is sorted by the field.
func (f Field) sortLabel(d Details) string {
	if f.IsNumber() {
		return f.numberLabel(*f.number(&d))
	}
	return strings.TrimRight(FirstCodePoints(f.sortBy()+sortKey(f.Of(d)), MaxWordLength), " ")
}

// numberLabel returns the sort label of a number, with as many digits as the largest has.
func (f Field) numberLabel(n int) string {
	return fmt.Sprintf("%s%0*d", f.sortBy(), len(strconv.Itoa(f.Most+1)), n)
}

// sortKey returns a text as lists are sorted by it, by code points: folded as its words are, with one space for all
// that separates them.
func sortKey(text string) string {
	w := wordSplitter{fold: cases.Fold()}
	var key []string
	w.split(text, func() bool {
		from := 0
		for _, to := range append(w.hyphens, len(w.word)) {
			key = append(key, norm.NFC.String(string(w.word[from:to])))
			from = to
		}
		return true
	})
	return strings.Join(key, " ")
}

// words returns the words of a file's name, including the extension, and of its folders, and the label of files.
func (f File) words() []string {
	name, extension := f.Name, ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name, extension = name[:i], name[i:]
	}
	// The extension comes first, so that a name of many words does not push it out.
	words := append(textWords(extension+" "+name, MaxFileWords), textWords(f.Folder, MaxFileWords)...)
	return sortedWords(append(words, labelFiles))
}

// sortedWords returns each word once, in order.
func sortedWords(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// SearchWord is a word of a search in all its spellings. One of them is enough, and none begins with another.
type SearchWord []string

// implies reports whether v finds everybody that w finds: each spelling of w begins with one of v.
func (w SearchWord) implies(v SearchWord) bool {
	return !slices.ContainsFunc(w, func(spelling string) bool { return !begun(spelling, v) })
}

// begun reports whether a word begins with any of several.
func begun(word string, by []string) bool {
	return slices.ContainsFunc(by, func(b string) bool { return strings.HasPrefix(word, b) })
}

// SearchWords returns the words of a search, without those that others imply. If there are none, nobody is found,
// unless the search is empty. The part after a hyphen is a separate word or continues the one before it: jean-luc finds
// Jean-Luc, Jean Luc and Jeanluc.
func SearchWords(search string) []SearchWord {
	var all []SearchWord
	w := wordSplitter{fold: cases.Fold(), search: true}
	w.split(search, func() bool {
		all = append(all, w.hyphened()...)
		return true
	})
	slices.SortFunc(all, func(a, b SearchWord) int { return slices.Compare(a, b) })
	all = slices.CompactFunc(all, slices.Equal[SearchWord])
	// Two words that differ do not imply each other.
	return slices.DeleteFunc(slices.Clone(all), func(v SearchWord) bool {
		return slices.ContainsFunc(all, func(w SearchWord) bool { return !slices.Equal(v, w) && w.implies(v) })
	})
}

// textWords returns up to most words of a text, in their order.
func textWords(text string, most int) []string {
	var all []string
	splitWords(text, func(word string) bool {
		if !slices.Contains(all, word) {
			all = append(all, word)
		}
		return len(all) < most
	})
	return all
}

// splitWords yields the folded words of a text, whole ones and what else of them is found by its beginning:
// what stands behind an apostrophe or a hyphen (O'Brien is obrien and brien), a capital in the middle (postgresql,
// sql), a change between letters and digits, and each character of scripts that put no spaces between words.
func splitWords(text string, yield func(word string) bool) {
	w := wordSplitter{fold: cases.Fold()}
	w.split(text, func() bool {
		for _, start := range w.starts {
			if !yield(w.piece(start, len(w.word))) {
				return false
			}
		}
		return true
	})
}

// split calls ended with each word of a text, until it returns false.
func (w *wordSplitter) split(text string, ended func() bool) {
	runes := []rune(norm.NFKD.String(joined.Replace(strings.ToValidUTF8(text, " "))))
	for i, r := range runes {
		if w.take(r, runes[i+1:]) {
			continue
		}
		if len(w.word) > 0 && !ended() {
			return
		}
		w.reset()
	}
	if len(w.word) > 0 {
		ended()
	}
}

// joined is what stands for an apostrophe and has a compatibility form that does not.
var joined = strings.NewReplacer("´", "'", "΄", "'", "᾽", "'", "᾿", "'", "῾", "'")

type wordSplitter struct {
	fold cases.Caser
	// search: the text is a search.
	search bool
	word   []byte
	// starts are the positions in word at which a search may begin, hyphens those of them after a hyphen.
	starts, hyphens []int
	last            rune // of word, before it was folded; 0: none
	// apart: the next character is a start; hyphen: because of a hyphen.
	apart, hyphen bool
	// base is the last character that is not a mark.
	base rune
}

// take adds a character to the word; false if the word ends before it.
func (w *wordSplitter) take(r rune, next []rune) bool {
	switch {
	case ignored(r):
		return true
	case unicode.Is(unicode.M, r):
		if len(w.word) > 0 && !accent(r, w.base) {
			w.word = utf8.AppendRune(w.word, r)
		}
		return true
	case joins(r):
		w.apart, w.hyphen = true, w.hyphen || hyphen(r)
		return true
	case !w.search && unicode.IsSpace(r) && unspaced(w.last) && unspaced(following(next)):
		w.apart = true
		return true
	case (r == '+' || r == '#') && len(w.word) > 0 && !w.apart:
		// C++ and C# are words, a+b are two.
		if rest := slices.IndexFunc(next, func(n rune) bool { return n != '+' && n != '#' }); rest < 0 ||
			!inWord(next[rest]) {
			w.word = append(w.word, byte(r))
			return true
		}
		return false
	case !inWord(r):
		return false
	}
	if len(w.word) == 0 || w.apart || w.begins(r, next) {
		w.starts = append(w.starts, len(w.word))
	}
	if len(w.word) > 0 && w.hyphen {
		w.hyphens = append(w.hyphens, len(w.word))
	}
	w.apart, w.hyphen, w.last, w.base = false, false, r, r
	w.word = append(w.word, w.folded(r)...)
	return true
}

// begins reports whether a search may begin at a character in the middle of a word.
func (w *wordSplitter) begins(r rune, next []rune) bool {
	switch {
	case spaceless(r), spaceless(w.last):
		return true
	case unicode.IsNumber(r) != unicode.IsNumber(w.last), unicode.Is(unicode.So, r) != unicode.Is(unicode.So, w.last):
		return true
	case !unicode.IsUpper(r):
		return false
	case unicode.IsUpper(w.last): // HTMLParser
		i := slices.IndexFunc(next, func(n rune) bool { return !unicode.Is(unicode.M, n) })
		return i >= 0 && unicode.IsLower(next[i])
	}
	return true
}

// reset begins another word.
func (w *wordSplitter) reset() {
	*w = wordSplitter{fold: w.fold, search: w.search, word: w.word[:0], starts: w.starts[:0], hyphens: w.hyphens[:0]}
}

// piece returns a part of the word as it is stored.
func (w *wordSplitter) piece(from, to int) string {
	return FirstCodePoints(norm.NFC.String(string(w.word[from:to])), MaxWordLength)
}

// maxHyphened is the largest number of parts of a word with hyphens. A word with more is not divided.
const maxHyphened = 5

// hyphened returns the parts of the word between its hyphens. The spellings of each part begin with it or with any part
// before it, because some people write them as one word.
func (w *wordSplitter) hyphened() []SearchWord {
	if len(w.hyphens) >= maxHyphened {
		return []SearchWord{{w.piece(0, len(w.word))}}
	}
	var all []SearchWord
	starts := append([]int{0}, w.hyphens...)
	ends := append(slices.Clone(w.hyphens), len(w.word))
	for i, end := range ends {
		var one SearchWord
		for _, start := range slices.Backward(starts[:i+1]) {
			if spelling := w.piece(start, end); !begun(spelling, one) {
				longer := func(other string) bool { return strings.HasPrefix(other, spelling) }
				one = append(slices.DeleteFunc(one, longer), spelling)
			}
		}
		all = append(all, one)
	}
	return all
}

// folded returns what a letter or digit is compared as.
func (w *wordSplitter) folded(r rune) string {
	if r < utf8.RuneSelf {
		return strings.ToLower(string(r))
	}
	if unicode.Is(unicode.Nd, r) {
		return string(ASCIIDigit(r))
	}
	folded := w.fold.String(string(r))
	if plain, ok := latin[folded]; ok {
		return plain
	}
	if plain, ok := arabic[r]; ok {
		return string(plain)
	}
	return folded
}

// arabic has letters that some keyboards or people write for another:
// https://github.com/apache/lucene, ArabicNormalizer.java, PersianNormalizer.java and SoraniNormalizer.java; and the
// alef of words that are written with their vowels, as in scripture.
var arabic = map[rune]rune{'ٱ': 'ا', 'ى': 'ي', 'ی': 'ي', 'ے': 'ي', 'ک': 'ك', 'ة': 'ه', 'ہ': 'ه', 'ھ': 'ه', 'ە': 'ه'}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.So, r)
}

// ignored reports whether a character does not count at all: what nobody sees, what only shapes its neighbors, and the
// Arabic line that fills.
func ignored(r rune) bool {
	return invisible(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Variation_Selector, r) || r == '\u0640'
}

// joins reports whether a character is an apostrophe or a hyphen, which people write or leave out.
func joins(r rune) bool {
	return hyphen(r) || strings.ContainsRune("'`‘’‛′‵ʹʻʼʽʾʿˈꞌꞋ՚׳״\u00B7\u2027", r)
}

// hyphen reports whether a character joins words that are also written with a space: a hyphen, or the dot between
// Japanese names.
func hyphen(r rune) bool {
	return unicode.Is(unicode.Pd, r) || r == '\u2212' || r == '\u30FB'
}

// spaceless reports whether a character belongs to a script that puts no spaces between words.
func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer,
		unicode.Myanmar, unicode.Bopomofo, unicode.Yi)
}

// unspaced reports whether a character belongs to a script in which names are written with and without spaces.
func unspaced(r rune) bool { return spaceless(r) || unicode.Is(unicode.Hangul, r) || r == 'ー' }

// following returns the first character that is not a space.
func following(next []rune) rune {
	if i := slices.IndexFunc(next, func(r rune) bool { return !unicode.IsSpace(r) }); i >= 0 {
		return next[i]
	}
	return 0
}

// accent reports whether a mark makes no difference: those that scripts share, such as accents and Arabic vowels, and
// those of alphabets that are also read without them. In other scripts, such as Devanagari, marks are vowels and make
// words. The Japanese sounding marks and й, a separate letter for those who write it, make a difference too.
func accent(mark, base rune) bool {
	switch {
	case unicode.Is(unicode.Mc, mark), mark == '\u3099', mark == '\u309A':
		return false
	case mark == '\u0306' && (base == 'и' || base == 'И'):
		return false
	}
	return unicode.In(mark, unicode.Inherited, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew,
		unicode.Arabic, unicode.Syriac) || unicode.Is(unicode.Me, mark)
}

// latin contains, by what they are folded to, the Latin letters that have no decomposition: those in use from Unicode
// CLDR's transliteration Latin-ASCII (https://github.com/unicode-org/cldr, common/transforms/Latin-ASCII.xml).
var latin = func() map[string]string {
	plain := map[string]string{}
	for to, letters := range map[string]string{
		"a": "ⱥᶏ", "b": "ƀƃɓᵬᶀ", "c": "ƈȼɕ", "d": "đðɖɗƌȡᵭᶁᶑ", "e": "ɛɇⱸᶒᶓ", "f": "ƒᵮᶂ", "g": "ɠɡǥᶃ", "h": "ħɦɧⱨ",
		"i": "ıɨɩᶖ", "j": "ȷɉɟʝ", "k": "ƙⱪᶄꝁꝃꝅ", "l": "łƚȴɫɬɭⱡᶅꝇꝉ", "m": "ɱᵯᶆ", "n": "ŋƞɲɳȵᵰᶇ", "o": "øⱺꝋꝍ",
		"p": "ƥᵱᵽᶈꝑꝓꝕ", "q": "ĸɋʠꝗꝙ", "r": "ɍɼɽɾᵲᵳᶉ", "s": "ȿʂᵴᶊẜẝ", "t": "ŧƫƭʈȶⱦᵵ", "u": "ʉᶙ", "v": "ʋⱱⱴᶌꝟỽ", "w": "ⱳ",
		"x": "ᶍ", "y": "ƴɏỿ", "z": "ƶȥɀʐʑⱬᵶᶎ",
		"ae": "æ", "oe": "œ", "th": "þꝥꝧᵺ", "hv": "ƕ", "oi": "ƣ", "db": "ȸ", "qp": "ȹ", "ue": "ᵫ", "ll": "ỻ", "aa": "ꜳ",
		"ao": "ꜵ", "au": "ꜷ", "av": "ꜹꜻ", "ay": "ꜽ", "oo": "ꝏ", "vy": "ꝡ", "dz": "ʣʥ", "ts": "ʦ", "ls": "ʪ", "lz": "ʫ",
	} {
		for _, r := range letters {
			plain[string(r)] = to
		}
	}
	return plain
}()
