package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/people"
	"dossier.example/app/staff"
)

// By what docs/restore.md says, an empty database that served meanwhile is filled from one that was deleted: afterwards
// staff, their tokens, the trail and the people are there, and the people are found.
func TestFillMySQL(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	page, err := os.ReadFile("../../../docs/restore.md")
	if err != nil {
		t.Fatal(err)
	}
	find := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindAllSubmatch(page, -1)
		if len(found) != 1 {
			t.Fatalf("docs/restore.md has %d times %s", len(found), pattern)
		}
		return string(found[0][1])
	}
	tables := strings.Fields(find(`(?m)--no-create-info --complete-insert --replace dossier ([a-z ]+) > all\.sql$`))
	cleared := strings.Split(find(`(?m)--execute "([^"]+)"$`), "; ")

	ctx, old, fresh := t.Context(), teststores.Cloud(t), teststores.Cloud(t)
	fresh.Bucket, fresh.Table = old.Bucket, old.Table
	// serve does to a site what its staff and as many instances do.
	serve := func(c *teststores.Servers, address string, instances int) teststores.Stores {
		t.Helper()
		if status, stdout, stderr := run(ctx, c.Environ(), "staff", "invite", "--name", "Grace", "--address",
			address); status != exitOK {
			t.Fatalf("staff invite: exit status %d\n%s%s", status, stdout, stderr)
		}
		s := c.Stores(t)
		for n := range instances {
			trail, err := audit.NewTrail(s.People.(audit.Store), audit.Options{})
			if err == nil {
				err = trail.Append(ctx, audit.Entry{Actor: audit.Actor{ID: audit.Program},
					Action: audit.SettingsStart, Result: audit.Allowed})
			}
			if err == nil && n == instances-1 {
				_, err = trail.Seal(ctx)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return s
	}

	s := serve(old, "grace@site.example", 1)
	sub, err := dossier.New(s.People, s.Catalog, s.Objects, dossier.Options{Limits: dossier.DefaultLimits()}).
		Begin(ctx, dossier.NewReceipt(), dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36,
			Technology: "Analytical Engine"})
	if err == nil {
		err = sub.AddFile(ctx, "notes.txt", strings.NewReader("notes"))
	}
	if err == nil {
		err = sub.Acknowledge(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	accounts := s.People.(staff.Store)
	all, err := accounts.Accounts(ctx)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d accounts, %v", len(all), err)
	}
	token := staff.Token{ID: staff.TokenID(uuid.New()), Account: all[0].ID, Name: "nightly",
		Scopes: []staff.Scope{staff.ScopeRead}, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	if err := accounts.AddToken(ctx, token); err != nil {
		t.Fatal(err)
	}
	was := verified(t, old.Environ(), exitOK)

	// More instances have served the empty site, so that its seals are longer.
	filled := serve(fresh, "mallory@site.example", 4).People
	db, err := people.ConnectMySQL(ctx, people.MySQLConfig{Host: old.MySQL.Host, Port: old.MySQL.Port,
		Name: fresh.Database, User: old.MySQL.AdminUser, Password: old.MySQL.AdminPassword, TLS: true,
		CAFile: old.MySQL.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	statements := cleared
	for _, table := range tables {
		statements = append(statements, "REPLACE INTO "+table+" SELECT * FROM "+old.Database+"."+table)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}

	status, stdout, stderr := run(ctx, fresh.Environ(), "staff", "list")
	if status != exitOK || !strings.Contains(stdout, "grace@site.example") || strings.Contains(stdout, "mallory@") {
		t.Errorf("staff list: exit status %d\n%s%s", status, stdout, stderr)
	}
	if r := verified(t, fresh.Environ(), exitOK, "--seal", was.LastSeal); r.Entries != was.Entries ||
		r.Seals != was.Seals {
		t.Errorf("the trail has %d entries and %d seals, want %d and %d", r.Entries, r.Seals, was.Entries, was.Seals)
	}
	tokens, err := filled.(staff.Store).Tokens(ctx)
	if err != nil || !slices.ContainsFunc(tokens, func(one staff.Token) bool { return one.ID == token.ID }) {
		t.Errorf("the tokens are %v, %v", tokens, err)
	}
	status, stdout, stderr = runBinary(t, fresh.Environ(), "reconcile", "--at",
		time.Now().UTC().Format(time.RFC3339))
	if status != exitOK || !strings.Contains(stdout, dossier.RepairWords) {
		t.Errorf("reconcile --at: exit status %d\n%s%s", status, stdout, stderr)
	}
	found, err := filled.Find(ctx, dossier.Search{Words: dossier.SearchWords("Ada notes"), Limit: 10})
	if err != nil || len(found.People) != 1 {
		t.Errorf("a search finds %d people, %v", len(found.People), err)
	}
}
