package markdown

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain returns text of a stranger as Markdown that shows it as it is, on one line: nothing in it is a mark, a link, a
// picture or HTML, and GitHub makes nothing of it either: no mention, no reference to an issue or a commit, no link of
// an address, no formula and no emoji (https://docs.github.com/en/get-started/writing-on-github). Words of which GitHub
// would make something are code, because it leaves code alone. It may stand wherever a line of text can.
func Plain(s string) string {
	words := strings.Fields(Visible(s))
	for i, word := range words {
		words[i] = plain(word, i == 0)
	}
	return strings.Join(words, " ")
}

// plain is a word in plain text; first tells one that may begin a line.
func plain(word string, first bool) string {
	if noticed.MatchString(word) && !amount.MatchString(word) {
		begin := len(word) - len(strings.TrimLeft(word, `("'`))
		end := len(strings.TrimRight(word, `)"'.,;:`))
		if begin >= end {
			return Code(word)
		}
		return word[:begin] + Code(word[begin:end]) + word[end:]
	}
	if first {
		if mark := beginning.FindString(word); mark != "" {
			last := len(mark) - 1 // the dot or bracket behind a number, or the mark itself
			return mark[:last] + `\` + mark[last:] + escape(word[len(mark):])
		}
	}
	return escape(word)
}

// noticed are the words of which GitHub, or the extension of Markdown that it uses, would make more than text: mentions
// and mail addresses, references to issues, commits and advisories, addresses of the web, alerts, formulas
// and emoji.
var noticed = regexp.MustCompile("(?i)[@$`]|#[0-9]|\\[!|gh-[0-9]|(^|[^0-9a-z])[0-9a-f]{7,40}([^0-9a-z]|$)|:/|www\\.|" +
	"mailto:|xmpp:|:[0-9a-z_+-]+:|(cve|ghsa)-")

// amount is one of money, which is no formula.
var amount = regexp.MustCompile(`^[−+-]?\$[0-9][0-9.,]*[.,;:]?$`)

// escape keeps the marks of Markdown in a word from being any.
func escape(word string) string {
	runes := []rune(word)
	letter := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	var b strings.Builder
	for i, r := range runes {
		switch r {
		case '<':
			b.WriteString("&lt;")
			continue
		case '>':
			b.WriteString("&gt;")
			continue
		case '&':
			b.WriteString("&amp;")
			continue
		case '\\', '*', '[', ']', '~', '#':
			b.WriteByte('\\')
		case '_':
			if !letter(i-1) || !letter(i+1) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// beginning is what makes a block of a line: a list, a heading by what is below it, or a line across.
var beginning = regexp.MustCompile(`^([-+]$|--|=|[0-9]{1,9}[.)]$)`)

// Visible writes out what cannot be seen, or changes the order in which the rest is: control characters and those of
// formatting. What separates words stays.
func Visible(s string) string {
	shown := func(r rune) bool { return unicode.IsSpace(r) || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) }
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !shown(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s { // bytes that are no character give U+FFFD
		if shown(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// Code returns a text as a code span, on one line: nothing in it is a mark, and GitHub makes nothing of it.
func Code(s string) string {
	s = strings.Join(strings.Fields(Visible(strings.ReplaceAll(s, "\n", " ⏎ "))), " ")
	if s == "" {
		return "` `"
	}
	if !strings.Contains(s, "`") {
		return "`" + s + "`"
	}
	marks := "``"
	for strings.Contains(s, marks) {
		marks += "`"
	}
	return marks + " " + s + " " + marks
}

// Fence returns a text as a block of code, each line after the indent.
func Fence(s, indent string, language ...string) string {
	s = Visible(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s))
	marks := "```"
	for strings.Contains(s, marks) {
		marks += "`"
	}
	var b strings.Builder
	b.WriteString(indent + marks + strings.Join(language, "") + "\n")
	for l := range strings.Lines(strings.TrimRight(s, "\n") + "\n") {
		b.WriteString(indent + l)
	}
	b.WriteString(indent + marks + "\n")
	return b.String()
}

// Inline returns a sentence that has names of strangers in it, on one line: code spans and bold text stay what they
// are, everything else is Plain. Whatever marks a name opens or closes, no more than these two come of it.
func Inline(sentence string) string {
	pieces := pieces(Visible(sentence))
	bold := 0
	for _, p := range pieces {
		if p.kind == strong {
			bold++
		}
	}
	var b strings.Builder
	write := func(text string) {
		if strings.HasSuffix(b.String(), "`") && strings.HasPrefix(text, "`") {
			b.WriteByte(' ') // two spans that meet would be one
		}
		b.WriteString(text)
	}
	open := false
	for i, p := range pieces {
		switch {
		case p.kind == span:
			write(Code(p.text))
		case p.kind == strong && (open || bold > 1):
			write("**")
			open, bold = !open, bold-1
		case p.kind == strong:
			write(`\*\*`) // nothing closes it
		default:
			words := strings.Fields(p.text)
			if len(words) == 0 {
				write(" ")
				continue
			}
			if i > 0 && !strings.HasPrefix(p.text, words[0]) {
				write(" ")
			}
			for j, word := range words {
				if j > 0 {
					write(" ")
				}
				write(plain(word, i == 0 && j == 0))
			}
			if i < len(pieces)-1 && !strings.HasSuffix(p.text, words[len(words)-1]) {
				write(" ")
			}
		}
	}
	return b.String()
}

// kind tells the pieces of a sentence apart.
type kind int

const (
	text   kind = iota
	span        // the content of a code span
	strong      // the mark that begins or ends bold text
)

type piece struct {
	kind kind
	text string
}

// pieces takes a sentence apart, as CommonMark reads code spans: one ends at the next mark of as many backticks.
func pieces(sentence string) []piece {
	var found []piece
	add := func(k kind, s string) {
		if last := len(found) - 1; k == text && last >= 0 && found[last].kind == text {
			found[last].text += s
		} else if k != text || s != "" {
			found = append(found, piece{k, s})
		}
	}
	for sentence != "" {
		i := strings.IndexAny(sentence, "`*")
		if i < 0 {
			add(text, sentence)
			break
		}
		add(text, sentence[:i])
		sentence = sentence[i:]
		if sentence[0] == '*' {
			if rest, is := strings.CutPrefix(sentence, "**"); is {
				add(strong, "")
				sentence = rest
			} else {
				add(text, "*")
				sentence = sentence[1:]
			}
			continue
		}
		rest := strings.TrimLeft(sentence, "`")
		marks := sentence[:len(sentence)-len(rest)]
		end := closing(rest, marks)
		if end < 0 {
			add(text, marks)
			sentence = rest
			continue
		}
		content := rest[:end]
		if inner := strings.TrimSpace(content); inner != "" && strings.HasPrefix(content, " ") &&
			strings.HasSuffix(content, " ") {
			content = inner
		}
		add(span, content)
		sentence = rest[end+len(marks):]
	}
	return found
}

// closing is where the next run of exactly these backticks begins, or -1.
func closing(rest, marks string) int {
	for from := 0; ; {
		i := strings.IndexByte(rest[from:], '`')
		if i < 0 {
			return -1
		}
		begin := from + i
		from = begin + len(rest[begin:]) - len(strings.TrimLeft(rest[begin:], "`"))
		if from-begin == len(marks) {
			return begin
		}
	}
}

// Summary returns a text as the HTML of a line in which Markdown means nothing, such as the summary of a fold.
func Summary(s string) string {
	words := strings.Fields(Visible(s))
	for i, word := range words {
		words[i] = html.EscapeString(word)
		if noticed.MatchString(word) {
			words[i] = "<code>" + words[i] + "</code>"
		}
	}
	return strings.Join(words, " ")
}
