//go:build linux

// Package schematest runs the schema script as the stack does: over SSH, on a host with an AWS CLI, with a real
// release, against a database that verifies passwords and shows a certificate. A private sshd on loopback plays the
// jump server, MariaDB plays RDS, an HTTP server Parameter Store, and a small program the AWS CLI. Only tests may
// import it.
package schematest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dossier.example/infra/host/release"
	"dossier.example/infra/host/schema"
	"dossier.example/infra/internal/testservers"
)

// runTime bounds one run of the script in a test.
const runTime = 3 * time.Minute

// World is everything around the script.
type World struct {
	// Database is prepared; nothing listens on its port until it is started.
	Database *testservers.MariaDB
	// Release is in the bucket; its rds-ca.pem has the authority of the database's certificate.
	Release release.Release
	// AppPassword is that of the app's own user, "dossier".
	AppPassword string

	t          *testing.T
	script     schema.Script
	parameters *testservers.Parameters
	sshd       *testservers.SSHD
	dir        string
	env        []string
}

// New makes a world in which the script that has these fields finds what it looks for. The folder root is the
// repository's.
func New(t *testing.T, root string, script schema.Script) *World {
	t.Helper()
	// First what may be missing on this machine.
	for _, program := range []string{"bash", "flock", "tar", "sshd"} {
		testservers.Require(t, program)
	}
	w := &World{t: t, script: script, AppPassword: rand.Text(), dir: t.TempDir(), Database: testservers.NewMariaDB(t)}
	for _, dir := range []string{"bin", "s3", "temp"} {
		if err := os.Mkdir(w.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.standIns()
	w.Release = w.Build(root, w.Database.CA)
	w.parameters = testservers.NewParameters(t)
	w.Set(nil)
	w.env = []string{
		"PATH=" + w.path("bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + w.dir,
		"TMPDIR=" + w.path("temp"),
		"AWS_ENDPOINT_URL_SSM=" + w.parameters.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=" + w.AppPassword,
		"AWS_EC2_METADATA_DISABLED=true",
		"STANDIN_S3=" + w.path("s3"), "STANDIN_LOG=" + w.path("calls"),
		// What a session may have got from elsewhere must not decide.
		"DOSSIER_DB_HOST=192.0.2.1", "DOSSIER_DB_ADMIN_USER=someone_else", "DOSSIER_LOG_LEVLE=debug",
	}
	w.sshd = testservers.NewSSHD(t, w.env...)
	return w
}

func (w *World) path(name string) string { return filepath.Join(w.dir, name) }

// standIns puts programs before those of the system: the AWS CLI, and a sleep that does not, for the pauses between
// tries.
func (w *World) standIns() {
	w.t.Helper()
	// Unlike go build, go run keeps what it links.
	cmd := exec.CommandContext(w.t.Context(), "go", "run", "-buildvcs=false", "-exec", "cp",
		"dossier.example/infra/host/schema/schematest/aws", w.path("bin/aws"))
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("building the stand-in for the AWS CLI: %v\n%s", err, out)
	}
	if err := os.WriteFile(w.path("bin/sleep"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// built is this machine's release, of the first root that it is asked for.
var built struct {
	once sync.Once
	release.Release
	err error
}

// Build builds a release for this machine with the given authorities (PEM) and puts it into the bucket. Its program is
// built once for all tests.
func (w *World) Build(root string, authorities []byte) release.Release {
	w.t.Helper()
	built.once.Do(func() { built.Release, built.err = release.Build(context.Background(), root, runtime.GOARCH) })
	if built.err != nil {
		w.t.Fatal(built.err)
	}
	r, err := release.WithAuthorities(built.Release, authorities)
	if err != nil {
		w.t.Fatal(err)
	}
	content, err := os.ReadFile(r.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	// No other test has these authorities, so none will want it from the user's cache.
	if err := os.Remove(r.Path); err != nil {
		w.t.Error(err)
	}
	w.Put(r.Key, content)
	return r
}

// Put puts an object into the bucket.
func (w *World) Put(key string, content []byte) {
	w.t.Helper()
	file := filepath.Join(w.path("s3"), w.script.Bucket, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// ReleaseParameter is what the release's parameter holds for a release.
func ReleaseParameter(r release.Release) string { return r.Key + " " + r.SHA256 }

// Set sets all parameters to what they should be, but for those given: by name below the path, or "release". An empty
// value takes one away.
func (w *World) Set(change map[string]string) {
	values := map[string]string{
		w.script.ReleaseParameter: ReleaseParameter(w.Release),
	}
	for name, value := range map[string]string{
		"db/host": w.Database.Host, "db/port": strconv.Itoa(w.Database.Port), "db/name": "dossier",
		"db/user": "dossier", "db/password": w.AppPassword,
		"db/admin/user": w.Database.AdminUser, "db/admin/password": w.Database.AdminPassword,
	} {
		values[w.script.Parameters+"/"+name] = value
	}
	for name, value := range change {
		full := w.script.Parameters + "/" + name
		if name == "release" {
			full = w.script.ReleaseParameter
		}
		if value == "" {
			delete(values, full)
		} else {
			values[full] = value
		}
	}
	w.parameters.Set(values)
}

// In returns the world for a subtest: what fails there, fails that one.
func (w World) In(t *testing.T) *World {
	w.t = t
	return &w
}

// Temp is the folder for the temporary files of the script.
func (w *World) Temp() string { return w.path("temp") }

// Command returns how to run a script on the host without SSH, in a process group of its own.
func (w *World) Command(script string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = w.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Run runs a script on the host over SSH and returns how it ended. Whatever it did, it must have left no file, and no
// secret anywhere. Run may be called beside the test's own goroutine.
func (w *World) Run(script string, secrets ...string) (testservers.Result, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), runTime)
	defer cancel()
	result, err := w.sshd.Run(ctx, script)
	w.Clean(result, slices.Concat(secrets, []string{w.AppPassword, w.Database.AdminPassword}))
	return result, err
}

// Clean looks for what a run must not leave: files, and secrets in what it said or in arguments.
func (w *World) Clean(result testservers.Result, secrets []string) {
	w.t.Helper()
	calls, err := os.ReadFile(w.path("calls"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Error(err)
	}
	for place, text := range map[string]string{"the output": result.Stdout, "the errors": result.Stderr,
		"the AWS CLI's arguments": string(calls), "sshd's log": w.sshd.Log()} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				w.t.Errorf("there is a secret in %s", place)
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(w.Temp(), "*"))
	if err != nil {
		w.t.Error(err)
	}
	lock := fmt.Sprintf("dossier-schema-%d.lock", os.Getuid())
	for _, path := range left {
		if filepath.Base(path) != lock {
			w.t.Errorf("the script left %s", path)
		}
	}
}

// succeed runs a script and wants it to succeed.
func (w *World) succeed(script string) string {
	w.t.Helper()
	result, err := w.Run(script)
	if err != nil || result.Status != 0 || result.Stderr != "" {
		w.t.Fatalf("the script ended with %v, status %d and said:\n%s%s", err, result.Status, result.Stdout,
			result.Stderr)
	}
	return result.Stdout
}

// Fail runs a script and wants it to fail, with a last line that contains all of the given texts. It returns all that
// it said.
func (w *World) Fail(script string, last ...string) string {
	w.t.Helper()
	result, err := w.Run(script)
	return w.Failed(result, err, last...)
}

// Failed wants that a run failed, with a last line that contains all of the given texts. It returns all that it said.
func (w *World) Failed(result testservers.Result, err error, last ...string) string {
	w.t.Helper()
	all := result.Stdout + result.Stderr
	if err != nil || result.Status == 0 {
		w.t.Fatalf("the script ended with %v, status %d and said:\n%s", err, result.Status, all)
	}
	lines := strings.Split(strings.TrimSuffix(result.Stderr, "\n"), "\n")
	line := lines[len(lines)-1]
	if !strings.HasPrefix(line, "schema: failed: ") {
		w.t.Errorf("the last line is %q, want one that begins \"schema: failed: \"", line)
	}
	for _, want := range last {
		if !strings.Contains(line, want) {
			w.t.Errorf("the last line is %q, want it to contain %q", line, want)
		}
	}
	return all
}

// Suite is what the script promises. It runs the text; the script that it was rendered from only says where things are.
// A wait of some ten seconds or more is needed, for MariaDB is started in it.
func Suite(t *testing.T, root string, script schema.Script, text string) {
	w := New(t, root, script)

	t.Run("wrong host key", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), runTime)
		defer cancel()
		client, err := w.sshd.Dial(ctx, testservers.NewHostKey(t))
		if err == nil {
			t.Errorf("a server with another host key than the one that is expected is talked to: %v", client.Close())
		} else if !strings.Contains(err.Error(), "host key mismatch") {
			t.Errorf("error %v, want that the host key is not the one", err)
		}
		if asked := w.parameters.Asked(); len(asked) > 0 || strings.Contains(w.sshd.Log(), "Starting session") {
			t.Errorf("a session was started; parameters read: %q", asked)
		}
	})

	// In this order: each scenario goes on from what the one before left.
	var first string
	if !t.Run("the database comes later", func(t *testing.T) {
		w := w.In(t)
		w.later(text)
		first = w.Dump()
	}) {
		return
	}
	t.Run("again", func(t *testing.T) {
		w := w.In(t)
		w.Set(nil)
		if said := w.succeed(text); !strings.Contains(said, "the schema is up to date") ||
			strings.Contains(said, "applied 0") {
			t.Errorf("the second run says:\n%s", said)
		}
		if second := w.Dump(); second != first {
			t.Errorf("the second run changed the database from\n%s\nto\n%s", first, second)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		w := w.In(t)
		wrong := rand.Text()
		w.Set(map[string]string{"db/admin/password": wrong})
		result, err := w.Run(text, wrong)
		said := w.Failed(result, err, script.Parameters+"/db/admin/password", "pulumi up")
		if !strings.Contains(said, "MySQL error 1045") || !strings.Contains(said, w.Database.AdminUser) {
			t.Errorf("what the database said is not told:\n%s", said)
		}
		if after := w.Dump(); after != first {
			t.Errorf("a run with a wrong password changed the database from\n%s\nto\n%s", first, after)
		}
	})
}

// later starts the database when the script has found it unreachable.
func (w *World) later(text string) {
	w.t.Helper()
	w.Set(nil)
	// Whoever connects is hung up on: a server that is there, and is none yet.
	l, err := net.Listen("tcp", net.JoinHostPort(w.Database.Host, strconv.Itoa(w.Database.Port)))
	if err != nil {
		w.t.Fatal(err)
	}
	type end struct {
		result testservers.Result
		err    error
	}
	ended := make(chan end, 1)
	go func() {
		result, err := w.Run(text)
		ended <- end{result, err}
	}()
	tried := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = conn.Close()
		}
		tried <- err
	}()
	select {
	case err := <-tried:
		if err != nil {
			w.t.Error(err)
		}
	case e := <-ended:
		_ = l.Close() // the test has failed
		w.t.Fatalf("the script ended before it tried the database: %v, status %d:\n%s%s", e.err, e.result.Status,
			e.result.Stdout, e.result.Stderr)
	}
	if err := l.Close(); err != nil {
		w.t.Error(err)
	}
	select {
	case e := <-ended:
		w.t.Fatalf("the script did not wait: %v, status %d:\n%s%s", e.err, e.result.Status, e.result.Stdout,
			e.result.Stderr)
	default:
	}
	w.Database.Start()
	e := <-ended
	if e.err != nil || e.result.Status != 0 {
		w.t.Fatalf("the script ended with %v, status %d and said:\n%s%s", e.err, e.result.Status, e.result.Stdout,
			e.result.Stderr)
	}
	if said := e.result.Stdout; !strings.Contains(said, "applied 00001_create_people.sql") ||
		!strings.HasSuffix(said, "schema: the database has the schema of the release\n") {
		w.t.Errorf("the first run says:\n%s", said)
	}
	if want := w.script.Parameters + "/db/admin/password"; !slices.Contains(w.parameters.Asked(), want) {
		w.t.Errorf("the parameters read are %q, want %s among them", w.parameters.Asked(), want)
	}
	app := w.Database.Open("dossier", w.AppPassword, "dossier")
	defer app.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), runTime)
	defer cancel()
	var n int
	if err := app.QueryRowContext(ctx, "SELECT COUNT(*) FROM people").Scan(&n); err != nil || n != 0 {
		w.t.Errorf("the app's own user counts %d people, %v", n, err)
	}
}

// Dump returns what the script makes in the database: tables, the migrations that were entered and when, users and what
// they may.
func (w *World) Dump() string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), runTime)
	defer cancel()
	db := w.Database.Open(w.Database.AdminUser, w.Database.AdminPassword, "")
	defer db.Close()
	var b strings.Builder
	for _, query := range []string{
		"SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata " +
			"WHERE schema_name = 'dossier'",
		"SELECT table_name, engine, table_collation, create_time FROM information_schema.tables WHERE table_schema " +
			"= 'dossier' ORDER BY 1",
		"SELECT table_name, ordinal_position, column_name, column_type, is_nullable, column_default, collation_name " +
			"FROM information_schema.columns WHERE table_schema = 'dossier' ORDER BY 1, 2",
		"SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics " +
			"WHERE table_schema = 'dossier' ORDER BY 1, 2, 3",
		"SELECT id, version_id, is_applied, tstamp FROM dossier.goose_people ORDER BY 1",
		// MySQL salts a password anew whenever it is set.
		"SELECT user, host, plugin, IF(plugin LIKE '%sha2%', '', authentication_string), ssl_type FROM mysql.user " +
			"ORDER BY 1, 2",
		"SELECT grantee, table_schema, table_name, privilege_type, is_grantable FROM " +
			"information_schema.table_privileges ORDER BY 1, 2, 3, 4",
	} {
		n, err := rows(ctx, db, query, &b)
		if err != nil {
			w.t.Fatalf("%s: %v", query, err)
		}
		if n == 0 {
			w.t.Errorf("%s: nothing", query)
		}
	}
	return b.String()
}

// rows writes what a query gives, a line for each row.
func rows(ctx context.Context, db *sql.DB, query string, b *strings.Builder) (n int, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	for ; rows.Next(); n++ {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		for _, v := range values {
			fmt.Fprintf(b, "%q ", v.String)
		}
		b.WriteByte('\n')
	}
	return n, rows.Err()
}
