package plan

import (
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
	// SQL is what runs, on one line and without comments.
	SQL string `json:"sql,omitempty"`
	// Unsafe says why it is not safe while instances of the old version still serve; empty: it is.
	Unsafe string `json:"unsafe,omitempty"`
	// Unjudged tells that it is called unsafe because nobody knows what it does: MySQL's grammar has no such statement.
	Unjudged bool `json:"unjudged,omitempty"`
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
		m := Migration{Path: f.Path, SQL: statement(upward(f.Text))}
		switch {
		case known && statement(upward(text)) == m.SQL:
			continue
		case known:
			m.Unsafe = "it was changed after it may have run: a database that has it will not get the change; write another migration"
		case f.Path < last:
			m.Unsafe = "its number is below one that may have run already: it would be out of order; give it the next number"
		default:
			v := judgeSQL(upward(f.Text))
			m.Unsafe, m.Unjudged, m.Note = v.unsafe, v.unjudged, v.note
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

// upward is the part of a migration that a deployment runs: with annotations of goose, which stand on lines of their
// own whatever is around them, what is not below "-- +goose Down". Without any it is all.
func upward(text string) string {
	var up strings.Builder
	down := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "--") && strings.Contains(line, "+goose") {
			switch _, annotation, _ := strings.Cut(line, "+goose"); strings.ToUpper(strings.TrimSpace(annotation)) {
			case "UP":
				down = false
			case "DOWN":
				down = true
			}
		}
		if !down {
			up.WriteString(line)
		}
	}
	return up.String()
}

// statement is SQL on one line, without comments. What stands in quotes stays as it is, and so do comments that MySQL
// may run.
func statement(sql string) string {
	var b strings.Builder
	space := func() {
		if b.Len() > 0 && !strings.HasSuffix(b.String()[b.Len()-1:], " ") {
			b.WriteByte(' ')
		}
	}
	for i := 0; i < len(sql); {
		n := 0
		switch rest := sql[i:]; {
		case strings.ContainsRune("'\"`", rune(sql[i])):
			n = quoted(rest)
			b.WriteString(rest[:n])
		case sql[i] == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
			if n = strings.IndexByte(rest, '\n'); n < 0 {
				n = len(rest)
			}
			space()
		case strings.HasPrefix(rest, "/*") && !runs(rest):
			n = len(rest)
			if end := strings.Index(rest[2:], "*/"); end >= 0 {
				n = end + 4
			}
			space()
		case sql[i] <= ' ':
			n = 1
			space()
		default:
			n = 1
			b.WriteByte(sql[i])
		}
		i += n
	}
	return strings.TrimSpace(b.String())
}

// quoted is how long what begins with a quote is, up to the next of its kind. A doubled quote is two texts side by
// side, which is the same here.
func quoted(sql string) int {
	for i := 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && sql[0] != '`':
			i++
		case sql[i] == sql[0]:
			return i + 1
		}
	}
	return len(sql)
}

// runs reports whether what begins like a comment is one that MySQL, or another reader of its language, runs.
func runs(sql string) bool {
	for _, beginning := range []string{"/*!", "/*T!", "/*M!", "/*+"} {
		if strings.HasPrefix(sql, beginning) {
			return true
		}
	}
	return false
}
