package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// copyTree copies a folder or a file, as cp -r does.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else {
		var data []byte
		if data, err = os.ReadFile(from); err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serveRefused runs serve, which has to refuse the folder, and to say each of wants.
func serveRefused(t *testing.T, data string, wants ...string) {
	t.Helper()
	status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + data, "DOSSIER_LISTEN=127.0.0.1:0"}, "serve")
	if status != exitFailed {
		t.Errorf("serve: exit status %d", status)
	}
	for _, want := range append(wants, data, "dossier restore", "dossier backup", "--despite-losses") {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
}

// A data folder that was copied while it was in use, file by file, is refused: whatever was copied first lacks what
// came while the rest was copied.
func TestFolderCopiedWhileServing(t *testing.T) {
	t.Parallel()
	in, p, _ := newFilled(t, 1, 10)
	parts := []string{"objects", "people.db", "people.db-wal", "catalog.db", "catalog.db-wal", "staff-secret"}
	for name, tc := range map[string]struct {
		order []string
		want  string
	}{
		"objects first": {parts, "stored files have no object"},
		"catalog first": {[]string{"catalog.db", "catalog.db-wal", "people.db", "people.db-wal", "objects",
			"staff-secret"}, "objects have no record"},
		"people first": {[]string{"people.db", "people.db-wal", "objects", "catalog.db", "catalog.db-wal",
			"staff-secret"}, "records of files have no person"},
	} {
		data := teststores.Folder(t)
		for _, part := range tc.order {
			copyTree(t, filepath.Join(in.data, part), filepath.Join(data, part))
			submit(t, p.base, 5)
		}
		serveRefused(t, data, tc.want)
		// The word of a person: it is served, and says what is missing.
		q := startCommand(t, freeAddress(t), []string{"DOSSIER_DATA=" + data}, "serve", "--despite-losses")
		if out := q.output.String(); !strings.Contains(out, "level=ERROR") || !strings.Contains(out,
			strings.SplitN(tc.want, " have", 2)[0]) {
			t.Errorf("%s: the server does not tell what is missing:\n%s", name, out)
		}
		q.kill()
		// Reconciliation is how a person mends it.
		if status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + data}, "reconcile",
			"--dry-run"); status != exitOK {
			t.Errorf("%s: reconcile: exit status %d\n%s", name, status, stderr)
		}
	}
}

// Malformed and missing databases are refused before anything is made in their place.
func TestMalformedFolder(t *testing.T) {
	t.Parallel()
	in, p, _ := newFilled(t, 3, 10)
	p.kill()
	reconcileNow(t, in.env()) // closes the databases well, so that all of them is in their one file
	overwrite := func(name string, at int64, with string) func(t *testing.T, data string) {
		return func(t *testing.T, data string) {
			f, err := os.OpenFile(filepath.Join(data, name), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte(with), at); err != nil {
				t.Fatal(err)
			}
		}
	}
	truncate := func(name string, to int64) func(t *testing.T, data string) {
		return func(t *testing.T, data string) {
			if err := os.Truncate(filepath.Join(data, name), to); err != nil {
				t.Fatal(err)
			}
		}
	}
	without := func(name string) func(t *testing.T, data string) {
		return func(t *testing.T, data string) { remove(t, filepath.Join(data, name)) }
	}
	for name, tc := range map[string]struct {
		damage func(t *testing.T, data string)
		want   string
	}{
		"people.db is no database":     {overwrite("people.db", 0, "something else!!"), "people.db is malformed"},
		"catalog.db is no database":    {overwrite("catalog.db", 0, "something else!!"), "catalog.db is malformed"},
		"people.db ends too early":     {truncate("people.db", 10_000), "people.db"},
		"catalog.db ends too early":    {truncate("catalog.db", 10_000), "catalog.db"},
		"a page of catalog.db is torn": {overwrite("catalog.db", 8192, strings.Repeat("\xff", 4096)), "catalog.db"},
		"people.db is empty":           {truncate("people.db", 0), "people.db is missing or empty"},
		"catalog.db is empty":          {truncate("catalog.db", 0), "catalog.db is missing or empty"},
		"people.db is missing":         {without("people.db"), "people.db is missing or empty, but catalog.db holds"},
		"catalog.db is missing":        {without("catalog.db"), "catalog.db is missing or empty, but people.db holds"},
		"objects are missing":          {without("objects"), "objects is missing or empty, but people.db holds"},
	} {
		t.Run(name, func(t *testing.T) {
			data := teststores.Folder(t)
			copyTree(t, in.data, data)
			tc.damage(t, data)
			before := listing(t, data)
			serveRefused(t, data, tc.want)
			for _, args := range [][]string{{"reconcile"}, {"reconcile", "--at", "2026-11-26T09:00:00Z"},
				{"backup", filepath.Join(teststores.Folder(t), "b")}} {
				status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + data}, args...)
				if status != exitFailed || !strings.Contains(stderr, tc.want) {
					t.Errorf("%v: exit status %d\n%s", args, status, stderr)
				}
			}
			if strings.Contains(tc.want, "people.db is missing") {
				withoutPeople(t, data, tc.want)
			}
			if after := listing(t, data); after != before {
				t.Errorf("a refusal changed the folder from\n%s to\n%s", before, after)
			}
		})
	}
	// The whole folder is served, and a new one as well.
	for _, data := range []string{in.data, filepath.Join(teststores.Folder(t), "new")} {
		q := start(t, freeAddress(t), []string{"DOSSIER_DATA=" + data})
		if res, err := http.Get(q.base + "/readyz"); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("not ready: %v", err)
		}
		if strings.Contains(q.output.String(), "level=ERROR") {
			t.Errorf("the server says\n%s", q.output)
		}
		q.kill()
	}
}

// withoutPeople runs what opens the store of people alone: an empty one would hide from every later command that the
// folder lost it.
func withoutPeople(t *testing.T, data, want string) {
	t.Helper()
	for _, args := range [][]string{{"staff", "list"}, {"staff", "recover", "ada@site.example"},
		{"staff", "invite", "--name", "Ada", "--address", "ada@site.example"}, {"migrate", "status"},
		{"audit", "verify"}, {"audit", "export"}, {"audit", "prune"}} {
		status, stdout, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + data}, args...)
		if status != exitFailed || stdout != "" || !strings.Contains(stderr, "has no store of people") ||
			!strings.Contains(stderr, data) || !strings.Contains(stderr, "DOSSIER_DATA") {
			t.Errorf("%v: exit status %d\n%s%s", args, status, stdout, stderr)
		}
	}
	if status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + data}, "migrate",
		"up"); status != exitFailed || !strings.Contains(stderr, want) {
		t.Errorf("migrate up: exit status %d\n%s", status, stderr)
	}
}

// In a folder that is not there, or is another one, these commands make nothing.
func TestWrongFolder(t *testing.T) {
	t.Parallel()
	parent := teststores.Folder(t)
	empty := filepath.Join(parent, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	before := listing(t, parent)
	for _, data := range []string{empty, filepath.Join(parent, "absent")} {
		withoutFolder := [][]string{{"staff", "list"}, {"staff", "invite", "--name", "Ada", "--address",
			"ada@site.example"}, {"migrate", "status"}, {"audit", "verify"}}
		for _, args := range withoutFolder {
			status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + data}, args...)
			if status != exitFailed || !strings.Contains(stderr, "has no store of people") {
				t.Errorf("%v: exit status %d\n%s", args, status, stderr)
			}
		}
	}
	if after := listing(t, parent) + listing(t, empty); after != before {
		t.Errorf("the commands changed the folder from\n%s to\n%s", before, after)
	}
}

// listing returns the names and sizes of what is in a folder.
func listing(t *testing.T, folder string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			fmt.Fprintf(&b, "%s/\n", e.Name())
			continue
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %d\n", info.Mode(), e.Name(), info.Size())
	}
	return b.String()
}

// A little loss is told and served; a person whose only file is lost is not alone in that.
func TestLittleLossIsServed(t *testing.T) {
	t.Parallel()
	in, p, forms := newFilled(t, 1, 10)
	p.kill()
	files := stored(t, in.data, forms[0].receipt.Person)
	remove(t, objectPath(in.data, files[0]))
	s := teststores.Embedded(t, in.data)
	if _, err := s.Objects.Put(t.Context(), dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()),
		strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	q := start(t, freeAddress(t), in.env())
	for _, want := range []string{"stored files have no object", "count=1 of=10", files[0].ID.String(),
		"objects have no record"} {
		if out := q.output.String(); !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	q.kill()
	if err := os.Truncate(objectPath(in.data, files[1]), 0); err != nil {
		t.Fatal(err)
	}
	serveRefused(t, in.data, "2 of 10 stored files", "1 of 10 objects have no record")
}
