package main

import (
	"regexp"
	"slices"
	"strings"
)

// word is one form in which text has a project's name.
type word struct {
	from string
	// fits reports whether what was found at text[start:end] is the word, and not a part of another.
	fits func(text string, start, end int) bool
	to   func(project) string
}

// wordsOf returns the forms of a project's names that are not empty, longer ones before their parts. rooms are the
// folders of its modules.
func wordsOf(p project, rooms []string) []word {
	var words []word
	if p.module != "" {
		fits := func(text string, start, end int) bool { return isModule(rooms, text, start, end) }
		words = append(words, word{from: p.module, fits: fits, to: func(to project) string { return to.module }})
		// As it stands in regular expressions.
		if quoted := regexp.QuoteMeta(p.module); quoted != p.module {
			to := func(to project) string { return regexp.QuoteMeta(to.module) }
			words = append(words, word{from: quoted, fits: fits, to: to})
		}
	}
	name := capital(p.name)
	var title word
	if p.title != "" {
		title = word{from: p.title, fits: apart, to: func(to project) string { return to.title }}
	}
	if p.title != name && p.title != "" {
		words = append(words, title)
	}
	if p.name == "" {
		return words
	}
	// An upper-case letter after one of the next two begins the next word of an identifier.
	identifier := word{
		from: name, to: func(to project) string { return capital(to.name) },
		fits: func(text string, start, end int) bool { return !isLower(at(text, end)) && !isDigit(at(text, end)) },
	}
	plain := word{
		from: p.name, to: func(to project) string { return to.name },
		fits: func(text string, start, end int) bool {
			return begins(text, start) && !isLower(at(text, end)) && !isDigit(at(text, end))
		},
	}
	if p.title == name {
		title.fits = func(text string, start, end int) bool {
			return apart(text, start, end) && !identifies(text, start, end)
		}
		words = append(words, title)
	}
	capitals := word{
		from: strings.ToUpper(p.name), fits: apart, to: func(to project) string { return strings.ToUpper(to.name) },
	}
	return append(words, identifier, capitals, plain)
}

// isModule reports whether text[start:end] begins the path of a module. A path of one element may be a host as well:
// it is a module's if a module's folder follows, or a slash and the end of a string, and no scheme precedes it.
func isModule(rooms []string, text string, start, end int) bool {
	if before := at(text, start-1); isWord(before) && !escaped(text, start) || before == '.' || before == '-' {
		return false
	}
	rest := text[end:]
	if strings.Contains(text[start:end], "/") {
		return !isWord(at(rest, 0)) && at(rest, 0) != '-'
	}
	if strings.HasSuffix(text[:start], "//") {
		return false
	}
	if strings.HasPrefix(rest, `/"`) {
		return true
	}
	for _, room := range rooms {
		if after, found := strings.CutPrefix(rest, "/"+room); found && !isWord(at(after, 0)) {
			return true
		}
	}
	return false
}

// apart reports whether no letter or digit touches text[start:end].
func apart(text string, start, end int) bool {
	return begins(text, start) && !isLetter(at(text, end)) && !isDigit(at(text, end))
}

// begins reports whether a word can begin at start: no letter or digit precedes it, except that of an escape such as \n
// or %s.
func begins(text string, start int) bool {
	before := at(text, start-1)
	return !isLetter(before) && !isDigit(before) || escaped(text, start)
}

func escaped(text string, start int) bool {
	return isLower(at(text, start-1)) && (at(text, start-2) == '\\' || at(text, start-2) == '%')
}

// at returns the byte at i, or a space outside of the text.
func at(text string, i int) byte {
	if i < 0 || i >= len(text) {
		return ' '
	}
	return text[i]
}

func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return isLower(c) || 'A' <= c && c <= 'Z' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

// next returns the first place of a word at or after start; of two words at one place, the first of words.
func next(words []word, text string, start int) (found word, place int) {
	for i := start; i < len(text); i++ {
		for _, w := range words {
			if text[i] == w.from[0] && strings.HasPrefix(text[i:], w.from) && w.fits(text, i, i+len(w.from)) {
				return w, i
			}
		}
	}
	return word{}, -1
}

// renaming changes text of one project to that of another.
type renaming struct {
	from, to project
	words    []word
}

func newRenaming(from, to project, rooms []string) renaming {
	return renaming{from, to, wordsOf(from, rooms)}
}

// identifies reports whether text[start:end] is part of an identifier rather than of a sentence: of Go, of a rule such
// as Acme.Network.1, or of a path.
func identifies(text string, start, end int) bool {
	before, after := at(text, start-1), at(text, end)
	if isWord(before) && !escaped(text, start) || before == '.' || before == '/' || isWord(after) || after == '/' {
		return true
	}
	beyond := at(text, end+1)
	return after == '.' && (isWord(beyond) || beyond == '`')
}

// text returns text with all words changed.
func (r renaming) text(text string) string {
	var b strings.Builder
	done := 0
	for {
		w, i := next(r.words, text, done)
		if i < 0 {
			b.WriteString(text[done:])
			return b.String()
		}
		b.WriteString(text[done:i])
		b.WriteString(w.to(r.to))
		done = i + len(w.from)
	}
}

// remains returns the offsets in a text of the old project's names, in any case, alone or in another word.
func (r renaming) remains(text string) []int {
	old := []string{r.from.name, strings.ToLower(r.from.title), strings.ToLower(r.from.module)}
	text = strings.ToLower(text)
	// What is new may hold what is old: github.com/acme/ledger, of a ledger that becomes an atlas.
	for _, to := range []string{r.to.module, regexp.QuoteMeta(r.to.module), r.to.title, r.to.name} {
		to = strings.ToLower(to)
		if slices.ContainsFunc(old, func(o string) bool { return strings.Contains(to, o) }) {
			text = strings.ReplaceAll(text, to, strings.Repeat(" ", len(to)))
		}
	}
	var places []int
	for _, o := range old {
		for from := 0; ; {
			i := strings.Index(text[from:], o)
			if i < 0 {
				break
			}
			places = append(places, from+i)
			from += i + len(o)
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}
