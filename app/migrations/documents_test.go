package migrations

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dossier.example/app/docstest"
)

// The rights that operators see with SHOW GRANTS.
func TestDocuments(t *testing.T) {
	var b strings.Builder
	b.WriteString("| Table | The app's user | The user that prunes |\n| --- | --- | --- |\n")
	app, pruner := grants(), pruning()
	for _, table := range slices.Sorted(maps.Keys(app)) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", table, strings.Join(app[table], ", "),
			strings.Join(pruner[table], ", "))
	}
	for table := range pruner {
		if app[table] == nil {
			t.Errorf("the table has no row of %s, which only prunes", table)
		}
	}
	docstest.Section(t, "../../docs/operators.md", "grants", b.String())
}

// Who restores a database reads of every table whether it has to come back, and the command takes exactly those.
func TestRestoredTables(t *testing.T) {
	page, err := os.ReadFile("../../docs/restore.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| .* \\| (restore|leave) it[:;]?.* \\|$").
		FindAllStringSubmatch(string(page), -1) {
		told[row[1]] = row[2]
	}
	if want, got := slices.Sorted(maps.Keys(grants())), slices.Sorted(maps.Keys(told)); !slices.Equal(want, got) {
		t.Errorf("docs/restore.md tells of the tables %q, want %q", got, want)
	}
	command := regexp.MustCompile(`(?m)--replace dossier ([a-z ]+) > all\.sql$`).FindStringSubmatch(string(page))
	if command == nil {
		t.Fatal("docs/restore.md has no command that dumps all tables")
	}
	dumped := strings.Fields(command[1])
	for table, what := range told {
		if slices.Contains(dumped, table) != (what == "restore") {
			t.Errorf("docs/restore.md says of table %s: %s it; it dumps %q", table, what, dumped)
		}
	}
}
