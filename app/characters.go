package dossier

import (
	"strconv"
	"strings"
	"unicode"
)

// shown returns a text without what nobody sees: white space of every kind becomes a space, and control characters and
// invisible format characters are removed. A name copied from a phone's contacts, for example, contains marks that set
// its direction. What affects drawing stays: the joiners and variation selectors that scripts and emoji need.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), invisible(r):
			return -1
		}
		return r
	}, text)
}

// invisible reports whether a character is never drawn and does not change how others are (Default_Ignorable of
// Unicode, without those that shape their neighbors).
func invisible(r rune) bool {
	switch {
	case r == '\u200C', r == '\u200D': // joiners
		return false
	case r >= 0xE0020 && r <= 0xE007F: // tags, of which flags are made
		return false
	case r >= 0x13430 && r <= 0x1343F: // they arrange hieroglyphs
		return false
	case r == '\u3164', r == '\uFFA0': // fillers, letters by their category
		return true
	}
	// Signs that stand before Arabic or Syriac numbers are format characters, but are drawn.
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// maxMarks is how many marks one character keeps: more than any script stacks. With many more, a name covers the lines
// around it.
const maxMarks = 12

// unstacked returns a text in NFC without the marks that are too many.
func unstacked(text string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		switch {
		case !unicode.In(r, unicode.M, unicode.Cf):
			marks = 0
		case unicode.IsMark(r):
			if marks++; marks > maxMarks {
				return -1
			}
		}
		return r
	}, text)
}

// legible reports whether a character is a letter or a digit that is drawn.
func legible(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r)) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// ParseNumber reads a whole number in the digits of any script.
func ParseNumber(text string) (int, error) {
	return strconv.Atoi(strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return r
		}
		return ASCIIDigit(r)
	}, text))
}

// ASCIIDigit returns the ASCII form of a decimal digit of any script, for which unicode.IsDigit is true.
func ASCIIDigit(r rune) rune {
	// Unicode has them in runs from zero to nine.
	value := rune(0)
	for unicode.IsDigit(r - value - 1) {
		value++
	}
	return '0' + value%10
}

// FirstCodePoints returns the first n code points of s, or all of it if it has no more.
func FirstCodePoints(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
