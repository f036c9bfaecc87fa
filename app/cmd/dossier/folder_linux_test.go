package main

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// A server that stops leaves word that the folder is whole, so that the next one need not look at every file. Whatever
// touches the stores in between, and keeps their times as well as a program can, has them inspected.
func TestFolderTouchedAfterStop(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	in, p, forms := newFilled(t, 3, 4)
	env := append(in.env(), "DOSSIER_LOG_LEVEL=debug")
	stop := func(t *testing.T, p *process) {
		t.Helper()
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-p.ended
	}
	starts := func(t *testing.T, inspected bool) *process {
		t.Helper()
		p := start(t, freeAddress(t), env)
		if skipped := strings.Contains(p.output.String(), "so it is not inspected"); skipped == inspected {
			t.Errorf("inspected: %t, want %t:\n%s", !skipped, inspected, p.output)
		}
		return p
	}
	stop(t, p)
	p = starts(t, false)
	stop(t, p)

	person := forms[0].receipt.Person
	aside := filepath.Join(teststores.Folder(t), "aside")
	at := func(name string) string { return filepath.Join(in.data, name) }
	// renewed puts a file or folder there that says of itself what the one before said.
	renewed := func(t *testing.T, name string) {
		t.Helper()
		info, err := os.Stat(at(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(at(name), aside); err != nil {
			t.Fatal(err)
		}
		copyTree(t, aside, at(name))
		if err := os.Chtimes(at(name), info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(aside); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		touch func(t *testing.T)
	}{
		{"killed", func(t *testing.T) { starts(t, false).kill() }},
		{"people.db copied", func(t *testing.T) { renewed(t, "people.db") }},
		{"catalog.db copied", func(t *testing.T) { renewed(t, "catalog.db") }},
		{"catalog.db written where it is", func(t *testing.T) {
			data, err := os.ReadFile(at("catalog.db"))
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(at("catalog.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at("catalog.db"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(at("catalog.db"), info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		}},
		{"all objects copied", func(t *testing.T) { renewed(t, "objects/files") }},
		{"a person's folder moved away and back", func(t *testing.T) {
			folder := at(filepath.Join("objects/files", person.String()))
			if err := os.Rename(folder, aside); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(aside, folder); err != nil {
				t.Fatal(err)
			}
		}},
		{"the whole folder copied", func(t *testing.T) { renewed(t, "") }},
		{"a note that was cut off", func(t *testing.T) {
			if err := os.Truncate(at("inspected"), 10); err != nil {
				t.Fatal(err)
			}
		}},
		{"a record written by another program", func(t *testing.T) {
			db, err := sql.Open("sqlite", at("catalog.db"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.ExecContext(t.Context(), "UPDATE files SET updated_at = updated_at + 1")
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.touch(t)
			stop(t, starts(t, true))
			stop(t, starts(t, false))
		})
	}

	// What is lost is found, and found again by each start: nobody says that such a folder is whole.
	remove(t, objectPath(in.data, stored(t, in.data, person)[0]))
	starts(t, false).kill()
	for range 2 {
		p := starts(t, true)
		if !strings.Contains(p.output.String(), "stored files have no object") {
			t.Errorf("the server does not tell what is missing:\n%s", p.output)
		}
		stop(t, p)
	}
}
