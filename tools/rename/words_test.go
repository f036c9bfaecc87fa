package main

import (
	"slices"
	"testing"
)

func TestText(t *testing.T) {
	ledger := project{name: "ledger", module: "ledger.example", title: "Ledger"}
	atlas := project{name: "atlas", module: "github.com/atlas/maps", title: "Atlas Maps"}
	rooms := []string{"app", "tools"}
	for _, c := range []struct{ what, old, new string }{
		{"a package", "package ledger", "package atlas"},
		{"an import", `import ledger "ledger.example/app"`, `import atlas "github.com/atlas/maps/app"`},
		{"a package in a folder with the name", `"ledger.example/app/cmd/ledger"`, `"github.com/atlas/maps/app/cmd/atlas"`},
		{"a module in go.mod", "module ledger.example/tools\n", "module github.com/atlas/maps/tools\n"},
		{"the beginning of all modules", `"ledger.example/"`, `"github.com/atlas/maps/"`},
		{
			"modules in a regular expression",
			"^ledger\\.example/app/|ledger\\.example$",
			"^github\\.com/atlas/maps/app/|atlas\\.example$",
		},
		{"a host", `"ledger.example"`, `"atlas.example"`},
		{"a page of a host", "https://ledger.example/receipt", "https://atlas.example/receipt"},
		{"a page that is called as a module is", "https://ledger.example/app", "https://atlas.example/app"},
		{"a folder that only begins as a module does", "ledger.example/apple", "atlas.example/apple"},
		{"a host below another", "files.ledger.example/app", "files.atlas.example/app"},
		{"a resource", "ledger-network-flow", "atlas-network-flow"},
		{"a token of Pulumi", "ledger:settings", "atlas:settings"},
		{"a path", "/ledger/dev", "/atlas/dev"},
		{"a user", "ledger_admin", "atlas_admin"},
		{"a cookie", "__Host-ledger_staff", "__Host-atlas_staff"},
		{"a variable", "LEDGER_DB_HOST", "ATLAS_DB_HOST"},
		{"a variable of Go", "ledgerDir", "atlasDir"},
		{"a type of Go", "LedgerDeadline, newLedgerDeadline", "AtlasDeadline, newAtlasDeadline"},
		{"a rule", "Ledger.Network.1", "Atlas.Network.1"},
		{"the beginning of rules", "`Ledger.`", "`Atlas.`"},
		{"a sentence", "This is Ledger. Ledger's pages.", "This is Atlas Maps. Atlas Maps's pages."},
		{"after an escape", `"\nledger %sledger \tLedger"`, `"\natlas %satlas \tAtlas Maps"`},
		{
			"other words",
			"ledgers, subledger, LEDGERS, Ledgers, ledger2, myledger", "ledgers, subledger, LEDGERS, Ledgers, ledger2, myledger",
		},
		{"nothing", "", ""},
	} {
		if got := newRenaming(ledger, atlas, rooms).text(c.old); got != c.new {
			t.Errorf("%s: %q became %q, want %q", c.what, c.old, got, c.new)
		}
	}

	// And on to a third name: of a title and a path of several words.
	third := newRenaming(atlas, project{name: "quay", module: "quay.example", title: "Quay"}, rooms)
	for old, want := range map[string]string{
		"https://github.com/atlas/maps.":      "https://quay.example.",
		"github.com/atlas/maps/app/cmd/atlas": "quay.example/app/cmd/quay",
		"github.com/atlas/maps2":              "github.com/quay/maps2",
		"Atlas Maps's pages":                  "Quay's pages",
		"AtlasDeadline of Atlas.Network.1":    "QuayDeadline of Quay.Network.1",
		"ATLAS_DB_HOST=atlas":                 "QUAY_DB_HOST=quay",
	} {
		if got := third.text(old); got != want {
			t.Errorf("%q became %q, want %q", old, got, want)
		}
	}
}

func TestRemains(t *testing.T) {
	r := newRenaming(
		project{"ledger", "ledger.example", "Ledger"}, project{"atlas", "github.com/atlas/ledger", "Atlas"}, nil)
	for text, want := range map[string][]int{
		"atlas":                       nil,
		"github.com/atlas/ledger/app": nil,
		"github\\.com/atlas/ledger/":  nil,
		"ledger":                      {0},
		"the subLEDGERs, a Ledger":    {7, 18},
	} {
		if got := r.remains(text); !slices.Equal(got, want) {
			t.Errorf("in %q the old name remains at %v, want %v", text, got, want)
		}
	}
}
