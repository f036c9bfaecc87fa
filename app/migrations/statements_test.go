package migrations

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// MySQL commits at each DDL statement: with two in a file, a run that is cut off between them could never be repeated.
func TestEachMigrationIsOneStatement(t *testing.T) {
	name := regexp.MustCompile(`^[0-9]{5}_[a-z0-9_]+\.sql$`)
	kinds := []string{"CREATE TABLE IF NOT EXISTS ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "ALTER TABLE ", "DROP TABLE IF EXISTS ", "DROP INDEX "}
	for _, set := range []Set{People, Catalog} {
		entries, err := fs.ReadDir(files, string(set))
		if err != nil {
			t.Fatal(err)
		}
		for i, entry := range entries {
			file := path.Join(string(set), entry.Name())
			if !name.MatchString(entry.Name()) || !strings.HasPrefix(entry.Name(), fmt.Sprintf("%05d_", i+1)) {
				t.Errorf("%s: want a name like %05d_what_it_does.sql, without a gap before it", file, i+1)
			}
			text, err := fs.ReadFile(files, file)
			if err != nil {
				t.Fatal(err)
			}
			var statement []string
			ups := 0
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if strings.HasPrefix(line, "-- +goose") {
					if line != "-- +goose Up" {
						t.Errorf("%s: %q: only \"-- +goose Up\" is allowed; there is no way back", file, line)
					}
					ups++
				} else if line != "" && !strings.HasPrefix(line, "--") {
					statement = append(statement, line)
				}
			}
			sql := strings.Join(statement, " ")
			if ups != 1 {
				t.Errorf("%s: has %d lines \"-- +goose Up\", want 1", file, ups)
			}
			if strings.Count(sql, ";") != 1 || !strings.HasSuffix(sql, ";") {
				t.Errorf("%s: want one statement that ends with a semicolon, got %q", file, sql)
			}
			if strings.Contains(sql, "--") || strings.Contains(sql, "/*") {
				t.Errorf("%s: comments within the statement: want them above it", file)
			}
			if !slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(sql, kind) }) {
				t.Errorf("%s: want a statement that can be repeated, one of %q; got %q", file, kinds, sql)
			}
			if set == People && strings.Contains(strings.ToUpper(sql), "COLLATE") {
				t.Errorf("%s: names a collation, and none is known to both MySQL and SQLite", file)
			}
		}
	}
}

func TestQuoter(t *testing.T) {
	for _, c := range []struct{ mode, in, want string }{
		{"", `plain`, `'plain'`},
		{"STRICT_ALL_TABLES", `a'b\c"d`, `'a''b\\c"d'`},
		{"STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES", `a'b\c"d`, `'a''b\c"d'`},
		{"", `\'; DROP USER x;--`, `'\\''; DROP USER x;--'`},
		{"NO_BACKSLASH_ESCAPES", `\'; DROP USER x;--`, `'\''; DROP USER x;--'`},
	} {
		if got := quoter(c.mode)(c.in); got != c.want {
			t.Errorf("quoting %q in mode %q: got %s, want %s", c.in, c.mode, got, c.want)
		}
	}
}
