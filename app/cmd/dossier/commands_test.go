package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/people"
)

// run executes the command in this process and returns its exit status and what it printed.
func run(ctx context.Context, env []string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := program{environ: env, stdout: &out, stderr: &errs}
	status = p.run(ctx, args)
	return status, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	data := "DOSSIER_DATA=" + teststores.Folder(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// A store of people from before there were migrations.
	old := teststores.Folder(t)
	db, err := people.ConnectSQLite(t.Context(), filepath.Join(old, peopleDatabase))
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	// The SDK reads its own settings from the environment of the process.
	for _, v := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	for _, tc := range []struct {
		name   string
		env    []string
		args   []string
		status int
		want   []string // in stdout or stderr
	}{
		{"help", nil, []string{"--help"}, 0, []string{"serve", "upload", "migrate", "reconcile", "version",
			"healthcheck"}},
		{"no command", nil, []string{}, 0, []string{"serve"}},
		{"unknown command", nil, []string{"destroy"}, 1, []string{`unknown command "destroy"`}},
		{"unknown flag", nil, []string{"reconcile", "--force"}, 1, []string{"unknown flag: --force"}},
		{"surplus argument", nil, []string{"serve", "now"}, 1, []string{"now"}},
		{"version", nil, []string{"version"}, 0, []string{"dossier ", "go1."}},
		{"settings", nil, []string{"settings"}, 0, []string{"DOSSIER_LISTEN", "localhost:8080"}},
		{"every fault at once", []string{"DOSSIER_LISTEN=here", "DOSSIER_MAX_FILES=none", "DOSSIER_LISTNE=x"},
			[]string{"serve"}, 1,
			[]string{"3 invalid settings", "DOSSIER_LISTEN", `"here"`, "DOSSIER_MAX_FILES", `"none"`, "DOSSIER_LISTNE"}},
		{"port taken", []string{data, "DOSSIER_LISTEN=" + taken.Addr().String()}, []string{"serve"}, 1,
			[]string{taken.Addr().String(), "another program uses this port", "DOSSIER_LISTEN"}},
		{"address of another machine", []string{data, "DOSSIER_LISTEN=192.0.2.1:80"}, []string{"serve"}, 1,
			[]string{"192.0.2.1:80", "DOSSIER_LISTEN"}},
		{"data folder is a file", []string{"DOSSIER_DATA=" + file, "DOSSIER_LISTEN=127.0.0.1:0"}, []string{"serve"}, 1,
			[]string{file, "DOSSIER_DATA"}},
		{"nobody listens", []string{"DOSSIER_LISTEN=127.0.0.1:1"}, []string{"healthcheck"}, 1, []string{"healthcheck"}},
		{"status of an empty database", []string{"DOSSIER_DATA=" + old}, []string{"migrate", "status"}, 1,
			[]string{"missing", "dossier migrate up"}},
		{"migrate embedded", []string{data}, []string{"migrate", "up"}, 0, []string{"applied"}},
		{"migrate again", []string{data}, []string{"migrate", "up"}, 0, []string{"up to date"}},
		{"status", []string{data}, []string{"migrate", "status"}, 0, []string{"people"}},
		{"nothing to reconcile", []string{data}, []string{"reconcile"}, 0, []string{"Nothing to do."}},
		{"no folder to reconcile", []string{data + "-of-another-name"}, []string{"reconcile", "--dry-run"}, 1,
			[]string{"does not exist", "DOSSIER_DATA"}},
		{"no folder to set to a point", []string{data + "-of-another-name"},
			[]string{"reconcile", "--at", "2026-11-26T09:00:00Z"}, 1, []string{"does not exist", "DOSSIER_DATA"}},
		{"a dry run that would put back", []string{data}, []string{"reconcile", "--put-back", "--dry-run"}, 1,
			[]string{"put-back", "dry-run"}},
		{"putting back and deleting", []string{data}, []string{"reconcile", "--put-back", "--yes-delete", "3"}, 1,
			[]string{"put-back", "yes-delete"}},
		{"a time before now", []string{data}, []string{"reconcile", "--older-than", "-5h"}, 1,
			[]string{"--older-than -5h", "24h"}},
		{"fewer than none", []string{data}, []string{"reconcile", "--yes-delete", "-5"}, 1,
			[]string{"--yes-delete -5"}},
		{"to wait for less than no time", []string{data}, []string{"migrate", "up", "--wait", "-5m"}, 1,
			[]string{"--wait -5m"}},
		{"a word without a sweep", []string{data}, []string{"reconcile", "--sweep=false", "--yes-delete", "3"}, 1,
			[]string{"--yes-delete", "--sweep"}},
		{"a point", []string{data}, []string{"reconcile", "--at", "2026-11-26T09:00:00+01:00"}, 0,
			[]string{"0  stored files are intact"}},
		{"a point as JSON", []string{data}, []string{"reconcile", "--at", "2026-11-26T09:00:00+01:00", "--json"}, 0,
			[]string{`"at":"2026-11-26T08:00:00Z"`, `"verified":0`}},
		{"no point", []string{data}, []string{"reconcile", "--at", "yesterday"}, 1,
			[]string{"--at", "yesterday", "2026-11-26T09:00:00Z"}},
		{"a point to come", []string{data}, []string{"reconcile", "--at", "2999-01-01T00:00:00Z"}, 1,
			[]string{"in the future"}},
		{"a point and a comparison", []string{data}, []string{"reconcile", "--at", "2026-11-26T09:00:00Z", "--verify"},
			1, []string{"at", "verify"}},
		{"a variable of the client", []string{data, "DOSSIER_UPLOAD_RECEIPT=secret"}, []string{"reconcile"}, 0,
			[]string{"Nothing to do."}},
		{"no region", []string{data, "DOSSIER_BUCKET=some-bucket"}, []string{"reconcile"}, 1, []string{"AWS_REGION"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, stdout, stderr := run(t.Context(), tc.env, tc.args...)
			if status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			for _, want := range tc.want {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("%q is not in\n%s%s", want, stdout, stderr)
				}
			}
		})
	}
}

// shut is a standard output that cannot be written.
type shut struct{}

func (shut) Write([]byte) (int, error) { return 0, errors.New("no space left on the device") }

// What a command has to tell and cannot is no success.
func TestUnwrittenOutput(t *testing.T) {
	t.Parallel()
	data := filepath.Join(teststores.Folder(t), "data")
	backups := filepath.Join(teststores.Folder(t), "backup")
	for _, args := range []string{
		"version", "settings", "help", "migrate up", "migrate status",
		"staff list", "staff invite --name Ada --address ada@site.example", "staff recover ada@site.example",
		"reconcile", "reconcile --json", "reconcile --dry-run --json", "audit verify", "audit verify --json",
		"audit export", "audit prune --older-than 24h", "backup " + backups, "backup --json " + backups,
	} {
		env := []string{"DOSSIER_DATA=" + data, "DOSSIER_AUDIT_RETENTION=8760h"}
		var errs bytes.Buffer
		p := program{environ: env, stdout: shut{}, stderr: &errs}
		status := p.run(t.Context(), strings.Fields(args))
		if status != exitFailed || !strings.Contains(errs.String(), "no space left on the device") {
			t.Errorf("%s: exit status %d\n%s", args, status, &errs)
		}
		if args != "migrate up" {
			continue
		}
		// The other stores of the folder.
		start(t, freeAddress(t), env).kill()
	}
}

// A folder that cannot be written is told at the start, with the mend. The real binary runs as a user who may not
// write, because root may write everywhere.
func TestReadOnlyDataFolder(t *testing.T) {
	t.Parallel()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(bin), filepath.Dir(t.TempDir())} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, "serve")
	cmd.Dir = "/"
	cmd.Env = []string{"DOSSIER_DATA=" + folder, "DOSSIER_LISTEN=127.0.0.1:0"}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("ended with %v, want exit status %d", err, exitFailed)
	}
	for _, want := range []string{folder, "DOSSIER_DATA"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// The first start: what a newcomer sees. The folder and the staff's secret persist over a restart.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	env := []string{"DOSSIER_DATA=" + filepath.Join(teststores.Folder(t), "new", "data")}
	listen := freeAddress(t)
	var link string
	for range 2 {
		p := start(t, listen, env)
		// The server answers before what it printed has come through the pipe.
		var m string
		for until := time.Now().Add(time.Minute); m == "" &&
			time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			m = regexp.MustCompile(`http://\S+/staff/sign-in\?next=/staff/first#key=\S+\n`).FindString(
				p.output.String())
		}
		m = strings.TrimSpace(m)
		if m == "" || link != "" && m != link {
			t.Fatalf("sign-in link %q, before %q, in\n%s", m, link, p.output)
		}
		link = m
		if status, page := get(t, link); status != http.StatusOK || !bytes.Contains(page, []byte("<form")) {
			t.Errorf("the sign-in link answers %d", status)
		}
		if status, _, stderr := run(t.Context(), []string{"DOSSIER_LISTEN=" + listen}, "healthcheck",
			"--ready"); status != exitOK {
			t.Errorf("healthcheck: %s", stderr)
		}
		p.kill()
	}
}

// begin sends half of the form, and waits until the server is at it. What is left to send goes into w.
func (f *form) begin(t *testing.T, p *process, data string) (w *io.PipeWriter, rest []byte, done <-chan error) {
	t.Helper()
	half, other := halves(t, f)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- postBody(t.Context(), p.base, half.contentType, r) }()
	if _, err := w.Write(half.body); err != nil {
		t.Fatal(err)
	}
	// The server is at it once the record is there.
	stores := teststores.Embedded(t, data)
	eventually(t, "the upload began", func() bool {
		files, err := stores.Catalog.Files(t.Context(), f.receipt.Person, dossier.FileID{}, 2)
		return err == nil && len(files) == 1
	})
	return w, other, ended
}

// SIGTERM in the middle of an upload: nothing new is taken, what runs is finished, the exit status is 0.
func TestStopFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	data := teststores.Migrated(t)
	p := start(t, freeAddress(t), []string{"DOSSIER_DATA=" + data})
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{bytes.Repeat([]byte("x"), 300_000)}}
	w, rest, done := f.begin(t, p, data)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if _, err := w.Write(rest); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := <-done; err != nil {
		t.Errorf("the upload that ran was not finished: %v", err)
	}
	<-p.ended
	if code := p.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("exit status %d, want 0\n%s", code, p.output)
	}
	f.verify(t, start(t, freeAddress(t), []string{"DOSSIER_DATA=" + data}).base)
}

// SIGTERM with a client that never ends: cut off when the patience ends, exit status 0, and nothing of it stays.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	data := teststores.Migrated(t)
	env := []string{"DOSSIER_DATA=" + data}
	p := start(t, freeAddress(t), append(env, "DOSSIER_TIMEOUT_SHUTDOWN=300ms"))
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{bytes.Repeat([]byte("x"), 300_000)}}
	w, _, done := f.begin(t, p, data)
	stores := teststores.Embedded(t, data)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(60 * time.Second):
		t.Fatalf("the server does not stop\n%s", p.output)
	}
	if code := p.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("exit status %d, want 0\n%s", code, p.output)
	}
	_ = w.Close()
	if err := <-done; err == nil {
		t.Error("an upload that was cut off was acknowledged")
	}
	reconcileNow(t, env)
	for f := range stores.Catalog.All(t.Context()) {
		t.Errorf("left behind: %+v", f)
	}
}

// Logs carry no detail of a person, no file name, no address, no receipt and no secret.
func TestLogsKeepSecrets(t *testing.T) {
	t.Parallel()
	p := start(t, freeAddress(t), []string{"DOSSIER_DATA=" + teststores.Migrated(t), "DOSSIER_LOG_LEVEL=debug",
		"DOSSIER_STAFF_SECRET=the secret of the staff"})
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{[]byte("content")}}
	var n atomic.Int64
	if err := f.post(t.Context(), p.base, &n); err != nil {
		t.Fatal(err)
	}
	f.verify(t, p.base)
	get(t, p.base+"/receipt/"+f.receipt.String()[:60]+"AAAA")
	get(t, p.base+"/staff/sign-in?key=the+secret+of+the+staff")
	get(t, p.base+"/people?q=Grace")
	p.kill()
	for _, secret := range []string{"Grace", "Hopper", "Arlington", "COBOL", f.name(0), "content", f.receipt.String(),
		f.receipt.String()[:60], "secret of", "secret+of", "127.0.0.1:5"} {
		if strings.Contains(p.output.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, p.output)
		}
	}
	if !strings.Contains(p.output.String(), "/receipt/:id") {
		t.Errorf("requests are not logged by their route:\n%s", p.output)
	}
}

// The page on running the app has every command.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/run.md")
	if err != nil {
		t.Fatal(err)
	}
	_, help, _ := run(t.Context(), nil, "--help")
	names := regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`).FindAllStringSubmatch(help, -1)
	if len(names) < 10 {
		t.Fatalf("--help lists %d commands:\n%s", len(names), help)
	}
	for _, name := range names {
		if name[1] != "help" && !regexp.MustCompile(`(?m)^dossier `+name[1]+`( |$)`).Match(page) {
			t.Errorf("docs/run.md does not have \"dossier %s\"", name[1])
		}
	}
}

// On a server where only the administrator exists, migrate makes all that serve needs; before that serve refuses and
// says what to run.
func TestMigrateMySQL(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	db := servers.MariaDB(t)
	env := []string{
		"DOSSIER_DATA=" + teststores.Folder(t), "DOSSIER_LISTEN=127.0.0.1:0",
		"DOSSIER_STAFF_SECRET=the secret of the staff",
		"DOSSIER_DB_HOST=" + db.Host, fmt.Sprintf("DOSSIER_DB_PORT=%d", db.Port), "DOSSIER_DB_NAME=dossier_test",
		"DOSSIER_DB_USER=app", "DOSSIER_DB_PASSWORD=the password of the app", "DOSSIER_DB_CA_FILE=" + db.CAFile,
	}
	admin := append(env, "DOSSIER_DB_ADMIN_USER="+db.AdminUser, "DOSSIER_DB_ADMIN_PASSWORD="+db.AdminPassword)
	expect := func(what string, env []string, status int, want []string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		got, stdout, stderr := run(ctx, env, args...)
		if got != status {
			t.Errorf("%s: exit status %d, want %d\n%s%s", what, got, status, stdout, stderr)
		}
		for _, w := range want {
			if !strings.Contains(stdout+stderr, w) {
				t.Errorf("%s: %q is not in\n%s%s", what, w, stdout, stderr)
			}
		}
		for _, secret := range []string{"password of the app", db.AdminPassword, "secret of the staff"} {
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("%s: a secret is in\n%s%s", what, stdout, stderr)
			}
		}
	}
	expect("serve before anything", env, exitFailed, []string{"app"}, "serve")
	expect("migrate with a wrong password",
		append(env, "DOSSIER_DB_ADMIN_USER="+db.AdminUser, "DOSSIER_DB_ADMIN_PASSWORD=wrong"), exitFailed,
		[]string{"denied"}, "migrate", "up", "--wait", "1h")
	// Two at once, while the server is not there yet.
	db.Kill()
	results := make(chan [2]any, 2)
	for range 2 {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			status, stdout, stderr := run(ctx, admin, "migrate", "up", "--wait", "1m")
			results <- [2]any{status, stdout + stderr}
		}()
	}
	db.Restart()
	applied := 0
	for range 2 {
		r := <-results
		if r[0] != exitOK {
			t.Errorf("migrate up: exit status %v\n%v", r[0], r[1])
		}
		if strings.Contains(r[1].(string), "applied") {
			applied++
		}
	}
	if applied == 0 {
		t.Error("neither of two migrations at once applied anything")
	}
	expect("again", admin, exitOK, []string{"up to date"}, "migrate", "up")
	migrateUsed(t, db, append(admin, "DOSSIER_TIMEOUT_STORE=900ms"))
	expect("status as the app", env, exitOK, []string{"people"}, "migrate", "status")
	expect("reconcile as the app", env, exitOK, []string{"Nothing to do."}, "reconcile")
	expect("the app may not migrate", append(env, "DOSSIER_DB_NAME=other_db"), exitFailed, nil, "migrate", "up")
	listen := freeAddress(t)
	p := start(t, listen, env)
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{[]byte("one")}}
	var n atomic.Int64
	if err := f.post(t.Context(), p.base, &n); err != nil {
		t.Fatal(err)
	}
	f.verify(t, p.base)
}

// migrateUsed migrates a table that somebody reads meanwhile, for longer than a statement waits or a call may take.
func migrateUsed(t *testing.T, server *servers.MySQL, env []string) {
	t.Helper()
	db, err := people.ConnectMySQL(t.Context(), people.MySQLConfig{Host: server.Host, Port: server.Port,
		Name: "dossier_test", User: server.AdminUser, Password: server.AdminPassword, TLS: true, CAFile: server.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	read := func() *sql.Tx {
		t.Helper()
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM accounts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	tx := read()
	if status, stdout, stderr := run(t.Context(), env, "migrate", "up"); status != exitOK {
		t.Errorf("migrate up with nothing to do while a table is read: exit status %d\n%s%s", status, stdout, stderr)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"ALTER TABLE accounts DROP COLUMN role_given",
		"ALTER TABLE sessions DROP COLUMN proved_at",
		"DELETE FROM goose_people WHERE version_id >= 19"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	tx = read()
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan string, 1)
	go func() {
		status, stdout, stderr := run(ctx, env, "migrate", "up", "--wait", "1m")
		done <- fmt.Sprintf("exit status %d\n%s%s", status, stdout, stderr)
	}()
	// Once a second connection waits for the table, the first has waited for as long as it does.
	for waiting := map[int]bool{}; len(waiting) < 2; {
		var id int
		err := db.QueryRow("SELECT id FROM information_schema.processlist " +
			"WHERE state LIKE 'Waiting for table metadata%' AND info LIKE '%ALTER TABLE accounts%'").Scan(&id)
		if err == nil {
			waiting[id] = true
		} else if !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		select {
		case got := <-done:
			t.Fatalf("migrate up of a table that is read: %s", got)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := <-done; !strings.HasPrefix(got, "exit status 0") || !strings.Contains(got, "00019") {
		t.Errorf("migrate up of a table that was read: %s", got)
	}
}

// half is the first part of a form's body.
type half struct {
	contentType string
	body        []byte
}

// halves cuts a form's body in two, inside its file.
func halves(t *testing.T, f *form) (half, []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := f.body(w); err != nil {
		t.Fatal(err)
	}
	cut := b.Len() / 2
	return half{w.FormDataContentType(), b.Bytes()[:cut]}, b.Bytes()[cut:]
}

// postBody sends a body to the form's address; nil for the redirect to the receipt.
func postBody(ctx context.Context, base, contentType string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/submissions", body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		page, _ := io.ReadAll(res.Body)
		return fmt.Errorf("status %s: %s", res.Status, page)
	}
	return nil
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("does not happen: %s", what)
		}
	}
}
