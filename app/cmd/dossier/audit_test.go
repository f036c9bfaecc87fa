package main

import (
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app/audit"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/migrations"
	"dossier.example/app/people"
)

// audited is a client of a member of the staff.
type audited struct {
	t      *testing.T
	client *http.Client
	base   string
}

// asStaff signs in with the key of a data folder.
func asStaff(t *testing.T, base, data string) *audited {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(data, "staff-secret"))
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &audited{t, &http.Client{Jar: jar, Timeout: time.Minute}, base}
	if status, _ := a.post("/staff/sign-in", url.Values{"key": {strings.TrimSpace(string(key))}}); status != 200 {
		t.Fatalf("sign in: status %d", status)
	}
	return a
}

func (a *audited) get(path string) (int, string) {
	a.t.Helper()
	res, err := a.client.Get(a.base + path)
	if err != nil {
		a.t.Fatal(err)
	}
	return res.StatusCode, text(a.t, res)
}

func (a *audited) post(path string, form url.Values) (int, string) {
	a.t.Helper()
	res, err := a.client.PostForm(a.base+path, form)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, text(a.t, res)
}

// text returns the body of an answer.
func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// token returns what the forms of the session carry.
func (a *audited) token() string {
	a.t.Helper()
	_, page := a.get("/people")
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		a.t.Fatalf("the page has no token:\n%s", page)
	}
	return found[1]
}

// verified runs dossier audit verify, and returns its report.
func verified(t *testing.T, env []string, status int, args ...string) audit.Report {
	t.Helper()
	got, stdout, stderr := run(t.Context(), env, append([]string{"audit", "verify", "--json"}, args...)...)
	var r audit.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || got != status {
		t.Fatalf("verify: exit status %d, want %d, error %v\n%s%s", got, status, err, stdout, stderr)
	}
	return r
}

// exported runs dossier audit export, and returns the rows without their head.
func exported(t *testing.T, env []string, args ...string) [][]string {
	t.Helper()
	status, stdout, stderr := run(t.Context(), env, append([]string{"audit", "export"}, args...)...)
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || status != exitOK || len(rows) == 0 || !slices.Equal(rows[0], audit.Columns) {
		t.Fatalf("export: exit status %d, error %v\n%s%s", status, err, stdout, stderr)
	}
	return rows[1:]
}

// tamper changes the table as somebody who has the file can.
func tamper(t *testing.T, data, statement string) {
	t.Helper()
	db, err := people.ConnectSQLite(t.Context(), filepath.Join(data, "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := append(migrations.AuditUnguard(), statement)
	for _, s := range append(all, migrations.AuditGuards()...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestAuditCommands(t *testing.T) {
	in, p, sent := newFilled(t, 1, 1)
	staff := asStaff(t, p.base, in.data)
	person := sent[0].receipt.Person.String()
	if status, _ := staff.get("/people/" + person); status != 200 {
		t.Fatalf("the person's page: status %d", status)
	}
	r := verified(t, in.env(), exitOK)
	if r.Wrong != 0 || r.Entries < 5 || r.Chains != 1 || r.Unfinished != 0 {
		t.Errorf("while the server runs: %+v", r)
	}
	rows := exported(t, in.env(), "--subject", person)
	if len(rows) != 1 || rows[0][slices.Index(audit.Columns, "action")] != "person.view" {
		t.Errorf("the export of a person has %v", rows)
	}
	if rows := exported(t, in.env(), "--action", "audit.export"); len(rows) < 2 {
		t.Errorf("of the exports %d are recorded", len(rows))
	}
	status, stdout, _ := run(t.Context(), in.env(), "audit", "export", "--json", "--action", "person.view")
	var line map[string]string
	if err := json.Unmarshal([]byte(stdout), &line); err != nil || status != exitOK || line["subject"] != person {
		t.Errorf("as JSON: exit status %d, %v\n%s", status, err, stdout)
	}
	p.kill()

	// The start that follows seals nothing new today; a seal of the trail is made by hand.
	store, err := people.OpenSQLite(t.Context(), filepath.Join(in.data, "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	trail, err := audit.NewTrail(store, audit.Options{Now: func() time.Time { return time.Now().Add(24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := trail.Seal(t.Context()); err != nil || e.Sequence == 0 {
		t.Fatalf("Seal: %v, %v", e, err)
	}
	r = verified(t, in.env(), exitOK)
	if r.Unsealed != 0 || r.LastSeal == "" {
		t.Errorf("after a seal: %+v", r)
	}
	verified(t, in.env(), exitOK, "--seal", r.LastSeal)
	other := r.LastSeal[:len(r.LastSeal)-1] + "0"
	if strings.HasSuffix(r.LastSeal, "0") {
		other = r.LastSeal[:len(r.LastSeal)-1] + "1"
	}
	verified(t, in.env(), exitDamaged, "--seal", other)
	verified(t, in.env(), exitDamaged, "--seal", "999:"+strings.Repeat("0", 64))

	tells := func(status int, want ...string) {
		t.Helper()
		got, stdout, stderr := run(t.Context(), in.env(), "audit", "verify")
		for _, w := range want {
			if !strings.Contains(stdout+stderr, w) {
				t.Errorf("%q is not in\n%s%s", w, stdout, stderr)
			}
		}
		if got != status {
			t.Errorf("verify: exit status %d, want %d", got, status)
		}
	}
	tells(exitOK, "The audit trail is sound.", "seal")
	prune := func(status int, want string, args ...string) {
		t.Helper()
		got, stdout, stderr := run(t.Context(), in.env(), append([]string{"audit", "prune"}, args...)...)
		if got != status || !strings.Contains(stdout+stderr, want) {
			t.Errorf("prune %q: exit status %d, want %d and %q\n%s%s", args, got, status, want, stdout, stderr)
		}
	}
	prune(exitOK, "removed 0 entries")
	tamper(t, in.data, "UPDATE audit SET client = '192.0.2.9' WHERE action = 'person.view'")
	tells(exitDamaged, audit.FindingChanged, "docs/audit.md")
	prune(exitDamaged, "nothing was pruned", "--older-than", "0")
	tamper(t, in.data, "UPDATE audit SET client = '127.0.0.1' WHERE action = 'person.view'")
	tells(exitOK)
	prune(exitOK, "removed 0 entries", "--older-than", "1h") // the seal is of tomorrow
}

func TestAuditCommandLine(t *testing.T) {
	in := newInstalled(t)
	for name, c := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"no folder":             {[]string{"DOSSIER_DATA=" + t.TempDir()}, []string{"verify"}, "no store of people"},
		"a seal without a hash": {in.env(), []string{"verify", "--seal", "7"}, "a number, a colon"},
		"a seal that is none": {in.env(), []string{"verify", "--seal", "x:" + strings.Repeat("0", 64)},
			"a number, a colon"},
		"a seal of two hashes": {in.env(), []string{"verify", "--seal", "1:" + strings.Repeat("0", 64), "--seal",
			"1:" + strings.Repeat("1", 64)}, "two hashes"},
		"an argument":         {in.env(), []string{"verify", "x"}, "unknown command"},
		"a time that is none": {in.env(), []string{"export", "--from", "yesterday"}, "is not a time"},
		"an unknown action":   {in.env(), []string{"export", "--action", "person.look"}, "no such action"},
		"a negative age":      {in.env(), []string{"prune", "--older-than", "-1h"}, "0 or more"},
		"who prunes is not told": {append(in.env(), "DOSSIER_DB_HOST=db.example", "DOSSIER_DB_PASSWORD=x"),
			[]string{"prune"}, "DOSSIER_DB_ADMIN_PRUNE_PASSWORD"},
	} {
		status, stdout, stderr := run(t.Context(), c.env, append([]string{"audit"}, c.args...)...)
		if status != exitFailed || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%s: exit status %d, want %d and %q\n%s%s", name, status, exitFailed, c.want, stdout, stderr)
		}
	}
	status, stdout, stderr := run(t.Context(), append(in.env(), "DOSSIER_AUDIT_RETENTION=0"), "audit", "prune")
	if status != exitOK || !strings.Contains(stdout, "forever") {
		t.Errorf("prune where all is kept: exit status %d\n%s%s", status, stdout, stderr)
	}
}

// A server is killed between what was begun and its end: the trail has the one and not the other, and is sound.
func TestAuditAfterKill(t *testing.T) {
	in := newInstalled(t)
	p := start(t, freeAddress(t), append(in.env(), "DOSSIER_TRASH_RETENTION=0"))
	person := submit(t, p.base, 1).receipt.Person.String()
	staff := asStaff(t, p.base, in.data)
	token := staff.token()
	// While somebody else writes in the catalog, the deletion waits.
	db, err := people.ConnectSQLite(t.Context(), filepath.Join(in.data, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	answered := make(chan int, 1)
	go func() {
		status, _ := staff.post("/people/"+person+"/delete", url.Values{"csrf": {token}})
		answered <- status
	}()
	eventually(t, "the deletion is begun", func() bool { return changes(t, in.data, person) == "begun" })
	p.kill()
	if status := <-answered; status != 0 {
		t.Errorf("the deletion was answered with status %d", status)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	r := verified(t, in.env(), exitOK)
	if r.Unfinished != 1 || r.Wrong != 0 {
		t.Errorf("after the kill: %+v, want one change without an end", r)
	}
	// Another instance goes on in a chain of its own.
	p = start(t, freeAddress(t), in.env())
	asStaff(t, p.base, in.data)
	if r := verified(t, in.env(), exitOK); r.Unfinished != 1 || r.Chains < 2 {
		t.Errorf("after the next start: %+v", r)
	}
}

// changes returns the results of the deletions of a person, in order.
func changes(t *testing.T, data, person string) string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all sql.NullString
	err = db.QueryRow("SELECT GROUP_CONCAT(result) FROM audit WHERE subject_id = ? AND action = 'person.delete'",
		person).Scan(&all)
	if err != nil && !strings.Contains(err.Error(), "locked") {
		t.Fatal(err)
	}
	return all.String
}

// The trail is in a backup, and a restored one says that it is one.
func TestAuditIsBackedUp(t *testing.T) {
	in, p, sent := newFilled(t, 1, 1)
	staff := asStaff(t, p.base, in.data)
	person := sent[0].receipt.Person.String()
	staff.get("/people/" + person)
	_, o := in.backup(exitOK)
	staff.get("/people/" + person)
	data, _, _ := in.restore(exitOK)
	env := []string{"DOSSIER_DATA=" + data}
	if r := verified(t, env, exitOK); r.Wrong != 0 || r.Chains != 2 {
		t.Errorf("the restored trail: %+v", r)
	}
	if rows := exported(t, env, "--subject", person); len(rows) != 1 {
		t.Errorf("the restored trail has %d views, want the one before the backup", len(rows))
	}
	rows := exported(t, env, "--action", "stores.restore", "--result", "done")
	if len(rows) != 1 || rows[0][slices.Index(audit.Columns, "detail")] != "backup "+o.Point {
		t.Errorf("the restored trail says of the restore %v", rows)
	}
}

// In MySQL the app's user cannot prune, and the one whom migrate makes can.
func TestAuditOnMariaDB(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	c := teststores.Cloud(t)
	env := append(c.Environ(), "DOSSIER_DB_ADMIN_USER="+c.MySQL.AdminUser,
		"DOSSIER_DB_ADMIN_PASSWORD="+c.MySQL.AdminPassword,
		"DOSSIER_DB_ADMIN_PRUNE_USER=prune_"+c.User, "DOSSIER_DB_ADMIN_PRUNE_PASSWORD=secret of the pruner")
	if status, stdout, stderr := run(t.Context(), env, "migrate", "up"); status != exitOK {
		t.Fatalf("migrate up: exit status %d\n%s%s", status, stdout, stderr)
	}
	store := c.Stores(t).People.(audit.Store)
	day := time.Now().Add(-72 * time.Hour)
	trail, err := audit.NewTrail(store, audit.Options{Now: func() time.Time { return day }})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		e := audit.Entry{Actor: audit.Actor{ID: audit.Shared}, Action: audit.PersonView, Result: audit.Allowed}
		if err := trail.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := trail.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := run(t.Context(), env, "audit", "prune", "--older-than", "48h")
	if status != exitOK || !strings.Contains(stdout, "removed 3 entries") {
		t.Errorf("prune: exit status %d\n%s%s", status, stdout, stderr)
	}
	if r := verified(t, c.Environ(), exitOK); r.Pruned != 3 || r.Entries != 0 {
		t.Errorf("after pruning: %+v", r)
	}
	wrong := append(slices.Clone(env), "DOSSIER_DB_ADMIN_PRUNE_USER="+fmt.Sprint("x", c.User))
	if status, _, stderr := run(t.Context(), wrong, "audit", "prune"); status != exitFailed ||
		strings.Contains(stderr, "secret of") {
		t.Errorf("prune as somebody else: exit status %d\n%s", status, stderr)
	}
}
