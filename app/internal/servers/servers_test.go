//go:build unix

package servers

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/go-sql-driver/mysql"
)

func TestMariaDB(t *testing.T) {
	t.Parallel()
	m := MariaDB(t)
	// The server commits nothing by itself: see MariaDB.
	db := open(t, m, func(c *mysql.Config) { c.Params = map[string]string{"autocommit": "1"} })
	for _, statement := range []string{
		"CREATE DATABASE app",
		"CREATE USER 'app'@'127.0.0.1' IDENTIFIED BY 'of no value'",
		"GRANT SELECT, INSERT ON app.* TO 'app'@'127.0.0.1'",
		"CREATE TABLE app.t (n INT NOT NULL)",
		"INSERT INTO app.t VALUES (7)",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}

	m.Kill()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a killed server answered")
	}
	port := m.Port
	m.Restart()
	if m.Port != port {
		t.Errorf("restarted on port %d, want %d", m.Port, port)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT n FROM app.t").Scan(&n); err != nil || n != 7 {
		t.Errorf("after kill and restart the row reads %d, %v; want 7", n, err)
	}

	if _, err := db.ExecContext(t.Context(), "SET GLOBAL max_connections = 10"); err == nil {
		t.Error("the administrator may set a global variable, which the master user of RDS may not")
	}
}

func TestMariaDBLogins(t *testing.T) {
	t.Parallel()
	m := MariaDB(t)
	pem, err := os.ReadFile(m.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("CAFile holds no certificate")
	}
	for name, test := range map[string]struct {
		change func(*mysql.Config)
		ok     bool
		why    string // in the error
	}{
		"administrator":         {func(*mysql.Config) {}, true, ""},
		"TLS, by address":       {func(c *mysql.Config) { c.TLS = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"} }, true, ""},
		"TLS, by name":          {func(c *mysql.Config) { c.TLS = &tls.Config{RootCAs: roots, ServerName: "localhost"} }, true, ""},
		"TLS, by another name":  {func(c *mysql.Config) { c.TLS = &tls.Config{RootCAs: roots, ServerName: "example.com"} }, false, "example.com"},
		"TLS, by another CA":    {func(c *mysql.Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"} }, false, "unknown authority"},
		"wrong password":        {func(c *mysql.Config) { c.Passwd = "wrong" }, false, "Access denied"},
		"root without password": {func(c *mysql.Config) { c.User, c.Passwd = "root", "" }, false, "Access denied"},
		"nobody":                {func(c *mysql.Config) { c.User, c.Passwd = "", "" }, false, "Access denied"},
		"root through its socket": {func(c *mysql.Config) {
			c.Net, c.Addr = "unix", filepath.Join(filepath.Dir(m.CAFile), "socket")
			c.User, c.Passwd = "root", ""
		}, false, "Access denied"},
	} {
		t.Run(name, func(t *testing.T) {
			err := open(t, m, test.change).PingContext(t.Context())
			if test.ok && err != nil {
				t.Errorf("logging in: %v", err)
			}
			if !test.ok && (err == nil || !strings.Contains(err.Error(), test.why)) {
				t.Errorf("logging in: %v; want an error with %q", err, test.why)
			}
		})
	}
}

func TestS3(t *testing.T) {
	t.Parallel()
	a := S3(t)
	client := s3.NewFromConfig(a.Config())
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("files")}); err != nil {
		t.Fatal(err)
	}
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("files"), Key: aws.String("a/b"), Body: strings.NewReader("seven"),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Kill()
	a.Restart()
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a/b")})
	if err != nil {
		t.Fatalf("after kill and restart: %v", err)
	}
	defer out.Body.Close()
	if body, err := io.ReadAll(out.Body); err != nil || string(body) != "seven" {
		t.Errorf("after kill and restart the object reads %q, %v; want seven", body, err)
	}

	forged := *a
	forged.SecretKey = "wrong"
	if _, err := s3.NewFromConfig(forged.Config()).ListBuckets(t.Context(), &s3.ListBucketsInput{}); err == nil {
		t.Error("a wrong secret was accepted")
	}
}

func TestDynamoDB(t *testing.T) {
	t.Parallel()
	a := DynamoDB(t)
	client := dynamodb.NewFromConfig(a.Config())
	table := aws.String("files")
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            table,
		BillingMode:          ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddb.ScalarAttributeTypeS}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddb.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: table}, startTime); err != nil {
		t.Fatal(err)
	}
	item := map[string]ddb.AttributeValue{"id": &ddb.AttributeValueMemberS{Value: "seven"}}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: item}); err != nil {
		t.Fatal(err)
	}
	a.Kill()
	a.Restart()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: item, ConsistentRead: aws.Bool(true)})
	if err != nil || len(out.Item) == 0 {
		t.Errorf("after kill and restart the item reads %v, %v; want it back", out, err)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	a := DynamoDB(t)
	list := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := dynamodb.NewFromConfig(a.once(a.port)).ListTables(ctx, &dynamodb.ListTablesInput{})
		return err
	}
	a.Pause()
	if err := list(200 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("asking a paused server: %v; want the deadline to pass", err)
	}
	a.Resume()
	if err := list(startTime); err != nil {
		t.Errorf("asking a resumed server: %v", err)
	}
	a.Pause()
	a.Restart()
	if err := list(startTime); err != nil {
		t.Errorf("asking a server restarted while it was paused: %v", err)
	}
}

// A server that ends unasked fails its test, and says why.
func TestUnexpectedEnd(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		after  func(*Process)
		want   string
	}{
		"while starting": {"echo no such disk; exit 3", nil, "ended; its log ends:\nno such disk"},
		"later": {"echo up; read -r _ <fifo; echo tired", func(p *Process) {
			f, err := os.OpenFile(filepath.Join(p.dir, "fifo"), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			<-p.done
		}, "ended during the test; its log ends:\nup\ntired"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			dir := tempDir(t, "end")
			if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
				t.Fatal(err)
			}
			r.run(func() {
				p := launch(r, dir, server{
					name: "frail",
					command: func(dir string, _ int) *exec.Cmd {
						cmd := exec.Command("/bin/sh", "-c", test.script)
						cmd.Dir = dir
						return cmd
					},
					ready: func(context.Context, int) error { return nil },
					says:  "up",
				})
				test.after(p)
			})
			if got := strings.Join(r.said, "\n"); !strings.Contains(got, test.want) {
				t.Errorf("the test was told %q; want %q in it", got, test.want)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its folder is still there: %v", err)
			}
		})
	}
}

// A port that is taken between the look and the start is given up for another.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	dir := tempDir(t, "port")
	var ports []int
	p := launch(t, dir, server{
		name: "late",
		command: func(_ string, port int) *exec.Cmd {
			ports = append(ports, port)
			if len(ports) < 3 {
				return exec.Command("/bin/sh", "-c", "echo 'listen: Address already in use'; exit 1")
			}
			return exec.Command("/bin/sh", "-c", "echo up; exec sleep 600")
		},
		ready: func(context.Context, int) error { return nil },
		says:  "up",
	})
	if len(ports) != 3 || p.port != ports[2] {
		t.Errorf("ports tried: %v, taken: %d; want the third of three", ports, p.port)
	}
}

// Plain "go test" starts no server, whether there is one or not; where everything has to run, one must be there.
func TestMissingProgram(t *testing.T) {
	for require, want := range map[string]string{
		"":  "skipped: needs the browser" + remedyQuick,
		"1": "failed: the browser is not installed" + remedy,
	} {
		t.Setenv("DOSSIER_TEST_REQUIRE", require)
		r := &recorder{TB: t}
		r.run(func() { requireProgram(r) })
		if got := strings.Join(r.said, "\n"); got != want {
			t.Errorf("with DOSSIER_TEST_REQUIRE=%q the test was told %q", require, got)
		}
	}
}

func requireProgram(t testing.TB) { require(t, "the browser", "no-such-browser", "/no/such/browser") }

// Servers and their data go when the test's process is killed, which runs no cleanup.
func TestKilledTest(t *testing.T) {
	if os.Getenv("DOSSIER_TEST_VICTIM") == "1" {
		m := MariaDB(t)
		s := S3(t)
		line, err := json.Marshal(victim{[]int{m.cmd.Process.Pid, s.cmd.Process.Pid}, []string{m.dir, s.dir}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s\n", line)
		<-t.Context().Done() // never: it is killed
		return
	}
	// Where servers are not asked for, this test is skipped, not failed.
	require(t, "MariaDB or MySQL", mysqld()...)
	require(t, "versitygw", "versitygw")
	t.Parallel()

	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledTest$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), "DOSSIER_TEST_VICTIM=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadBytes('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	var v victim
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatalf("the test that was to be killed printed %q (%v): %v", line, readErr, err)
	}
	if len(v.PIDs) != 2 || len(v.Folders) != 2 {
		t.Fatalf("the test that was to be killed printed %s; want two servers", line)
	}

	for _, dir := range v.Folders {
		eventually(t, dir+" is removed", func() bool {
			_, err := os.Stat(dir)
			return errors.Is(err, os.ErrNotExist)
		})
	}
	for _, pid := range v.PIDs {
		eventually(t, "process "+strconv.Itoa(pid)+" has ended", func() bool { return ended(t, pid) })
	}
}

type victim struct {
	PIDs    []int
	Folders []string
}

// ended reports whether a process is gone or waits only to be collected, which depends on the machine's first process.
func ended(t *testing.T, pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// No program that is shipped may depend on this package.
func TestNotInPrograms(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{if eq .Name "main"}}{{.ImportPath}}{{range .Deps}} {{.}}{{end}}{{end}}`, "dossier.example/app/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Split(strings.TrimSpace(string(out)), "\n")
	if programs[0] == "" {
		t.Fatal("go list found no program")
	}
	for _, line := range programs {
		program, _, _ := strings.Cut(line, " ")
		if program != "dossier.example/app/internal/cloud" && strings.Contains(line+" ", " dossier.example/app/internal/servers ") {
			t.Errorf("%s depends on the package that starts servers for tests", program)
		}
	}
}

// open returns a pool for the administrator, with changes.
func open(t *testing.T, m *MySQL, change func(*mysql.Config)) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd = "tcp", address(m.Port), m.AdminUser, m.AdminPassword
	c.Timeout, c.ReadTimeout, c.WriteTimeout = startTime, startTime, startTime
	c.Logger = &mysql.NopLogger{}
	change(c)
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTime); !holds(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Errorf("not within %v: %s", startTime, what)
			return
		}
	}
}

// recorder is a test that keeps what it is told instead of failing.
type recorder struct {
	testing.TB
	said     []string
	cleanups []func()
}

type ending struct{}

// run runs a test's body and its cleanups.
func (r *recorder) run(body func()) {
	func() {
		defer func() {
			if e := recover(); e != nil && e != (ending{}) {
				panic(e)
			}
		}()
		body()
	}()
	for len(r.cleanups) > 0 {
		last := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		last()
	}
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
	panic(ending{})
}
func (r *recorder) Fatal(args ...any) {
	r.said = append(r.said, "failed: "+fmt.Sprint(args...))
	panic(ending{})
}
func (r *recorder) Skip(args ...any) {
	r.said = append(r.said, "skipped: "+fmt.Sprint(args...))
	panic(ending{})
}
