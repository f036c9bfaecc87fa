package awsmodel

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// answers is written with outputs.
//
//go:embed answers.txt
var answers string

// answered are the texts and the lists of texts of what functions answer, by token.
var answered = sync.OnceValue(func() map[string][]string { return read(answers) })

// read reads a table: a token and its names in each line.
func read(text string) map[string][]string {
	table := map[string][]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); words[0] != "#" {
			table[words[0]] = words[1:]
		}
	}
	return table
}

// listed is how many texts stand in for a list of which nobody here knows how long it is: a program that takes one
// from it, or asks for a few, goes on.
const listed = 3

// StandIns are texts for what a function answers and nobody here knows, by the names of the answer's texts and lists of
// texts. of tells this question from others. None of them is a text that a program has of its own.
func (m Model) StandIns(token, of string) (texts map[string]string, lists map[string][]string) {
	texts, lists = map[string]string{}, map[string][]string{}
	service, _, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), "/")
	function := token[strings.LastIndexByte(token, ':')+1:]
	for _, name := range answered()[token] {
		name, list := strings.CutSuffix(name, "[]")
		text := strings.ToLower(fmt.Sprintf("unknown-%s-%s-%.10s", function, name, of))
		if lower := strings.ToLower(name); strings.HasSuffix(strings.TrimSuffix(lower, "s"), "arn") {
			// Programs take ARNs apart.
			text = fmt.Sprintf("arn:%s:%s:%s:%s:%s", m.Partition(), service, m.Region, m.Account, text)
		}
		if !list {
			texts[name] = text
			continue
		}
		for i := range listed {
			lists[name] = append(lists[name], fmt.Sprintf("%s-%d", text, i+1))
		}
	}
	return texts, lists
}
