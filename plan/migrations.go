package plan

import (
	"regexp"
	"strings"
)

// File is a file of a revision, by its path in the repository.
type File struct {
	Path string
	Text string
}

// Migration is one migration that a deployment would run, or that should not have changed.
type Migration struct {
	Path string `json:"path"`
	// SQL is the statement, without comments.
	SQL string `json:"sql,omitempty"`
	// Unsafe says why it is not safe while instances of the old version still serve; empty: it is.
	Unsafe string `json:"unsafe,omitempty"`
	// Note tells what is worth knowing of one that is safe.
	Note string `json:"note,omitempty"`
}

// migrations are those of head that base does not have, in order, and those that both have and that differ.
func migrations(base, head []File) []Migration {
	was := map[string]string{}
	last := ""
	for _, f := range base {
		was[f.Path] = f.Text
		last = max(last, f.Path)
	}
	var found []Migration
	still := map[string]bool{}
	for _, f := range head {
		still[f.Path] = true
		text, known := was[f.Path]
		m := Migration{Path: f.Path, SQL: statement(f.Text)}
		switch {
		case known && statement(text) == m.SQL:
			continue
		case known:
			m.Unsafe = "it was changed after it may have run: a database that has it will not get the change; write another migration"
		case f.Path < last:
			m.Unsafe = "its number is below one that may have run already: it would be out of order; give it the next number"
		default:
			m.Unsafe, m.Note = additive(m.SQL)
		}
		found = append(found, m)
	}
	for _, f := range base {
		if !still[f.Path] {
			found = append(found, Migration{Path: f.Path, Unsafe: "it was removed after it may have run: new databases would lack what the old ones have; put it back"})
		}
	}
	return found
}

// statement is the SQL of a migration on one line, without comments.
func statement(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if before, _, found := strings.Cut(line, "--"); found {
			line = before
		}
		kept = append(kept, strings.Fields(line)...)
	}
	return strings.Join(kept, " ")
}

var (
	creates     = regexp.MustCompile(`(?i)^CREATE TABLE `)
	indexes     = regexp.MustCompile(`(?i)^CREATE INDEX `)
	uniques     = regexp.MustCompile(`(?i)^CREATE UNIQUE INDEX `)
	alters      = regexp.MustCompile("(?i)^ALTER TABLE (`?\\w+`?) (.*?);?$")
	addsColumn  = regexp.MustCompile("(?i)^ADD (COLUMN )?(IF NOT EXISTS )?(`?\\w+`?) ")
	addsOther   = regexp.MustCompile(`(?i)^ADD (CONSTRAINT|UNIQUE|PRIMARY|FOREIGN|CHECK|INDEX|KEY|FULLTEXT|SPATIAL)\b`)
	addsIndex   = regexp.MustCompile(`(?i)^ADD (INDEX|KEY)\b`)
	notNull     = regexp.MustCompile(`(?i)\bNOT NULL\b`)
	hasDefault  = regexp.MustCompile(`(?i)\bDEFAULT\b`)
	constrained = regexp.MustCompile(`(?i)\b(UNIQUE|PRIMARY KEY|REFERENCES|CHECK)\b`)
)

// additive tells why a statement is not safe for code that does not know it yet; empty where it only adds what that
// code does not see. Any statement that is not of a known, additive form is not safe.
func additive(sql string) (unsafe, note string) {
	if strings.Count(sql, ";") > 1 || strings.Contains(strings.TrimSuffix(sql, ";"), ";") {
		return "it has more than one statement", ""
	}
	switch {
	case creates.MatchString(sql):
		return "", "a new table, which the old version does not know"
	case indexes.MatchString(sql):
		return "", "a new index; on a large table it takes a while, and MySQL lets writes go on in the meantime"
	case uniques.MatchString(sql):
		return "a unique index refuses what the old version may still write, and cannot be made where there are duplicates", ""
	}
	alter := alters.FindStringSubmatch(sql)
	if alter == nil {
		verb, _, _ := strings.Cut(sql, " ")
		return strings.ToUpper(verb) + " is no statement that only adds", ""
	}
	for _, clause := range clauses(alter[2]) {
		switch {
		case addsIndex.MatchString(clause):
		case addsOther.MatchString(clause):
			return "the constraint refuses what the old version may still write: " + cut(clause, 60), ""
		case !addsColumn.MatchString(clause):
			return "it changes or takes away what the old version uses: " + cut(clause, 60), ""
		case constrained.MatchString(clause):
			return "the new column is constrained, which the old version does not keep to: " + cut(clause, 60), ""
		case notNull.MatchString(clause) && !hasDefault.MatchString(clause):
			return "the new column has to be filled, and the old version does not: give it a default, or let it be NULL", ""
		}
	}
	return "", "a new column, which the old version leaves to its default"
}

// clauses are the parts of ALTER TABLE: separated by commas that are in no parentheses and no quotes.
func clauses(text string) []string {
	var parts []string
	depth, from := 0, 0
	var quote rune
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"' || r == '`':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[from:]))
}
