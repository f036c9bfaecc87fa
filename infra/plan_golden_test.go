package main

import (
	"fmt"
	"regexp"
	"strings"
)

// folded is a section of a comment that is folded away: its title, what is said of it, its text.
var folded = regexp.MustCompile(`(?s)(<details><summary>([^<]*?)(?:, unchanged)?</summary>\n)(.*?)(</details>\n)`)

// apart is a comment with each folded section as a difference from the section of that title in the comment on a change
// of nothing: a price or a rule then stands in one golden file instead of all.
func apart(comment, nothing string) string {
	before := map[string]string{}
	for _, m := range folded.FindAllStringSubmatch(nothing, -1) {
		before[m[2]] = m[3]
	}
	return folded.ReplaceAllStringFunc(comment, func(section string) string {
		m := folded.FindStringSubmatch(section)
		was, is := before[m[2]]
		if !is {
			return section
		}
		return m[1] + difference(strings.Split(was, "\n"), strings.Split(m[3], "\n")) + m[4]
	})
}

// difference is what has to be known, beside the one text, to write the other.
func difference(was, is []string) string {
	common := make([][]int, len(was)+1) // the length of the longest common subsequence from there on
	for i := range common {
		common[i] = make([]int, len(is)+1)
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(is) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if was[i] == is[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var b strings.Builder
	for i, j, same := 0, 0, 0; i < len(was) || j < len(is); {
		equal := i < len(was) && j < len(is) && was[i] == is[j]
		if equal {
			i, j, same = i+1, j+1, same+1
		}
		if same > 0 && (!equal || i == len(was) && j == len(is)) {
			fmt.Fprintf(&b, "= %d lines of nothing.md\n", same)
			same = 0
		}
		switch {
		case equal:
		case j == len(is) || i < len(was) && common[i+1][j] >= common[i][j+1]:
			b.WriteString("- " + was[i] + "\n")
			i++
		default:
			b.WriteString("+ " + is[j] + "\n")
			j++
		}
	}
	return b.String()
}
