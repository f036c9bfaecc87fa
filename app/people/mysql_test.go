package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/internal/servers"
	"dossier.example/app/migrations"
	"dossier.example/app/staff"
	"dossier.example/app/storetest"
	"github.com/go-sql-driver/mysql"
)

// mariaDB is a server whose databases are made as "dossier migrate" makes them.
type mariaDB struct {
	*servers.MySQL
	count atomic.Int64
}

func (m *mariaDB) adminConfig(database string) MySQLConfig {
	return MySQLConfig{Host: m.Host, Port: m.Port, Name: database, User: m.AdminUser, Password: m.AdminPassword,
		TLS: true, CAFile: m.CAFile}
}

func (m *mariaDB) provision(t testing.TB, app migrations.App) {
	t.Helper()
	open := func(ctx context.Context, database string) (*sql.DB, error) {
		return ConnectMySQL(ctx, m.adminConfig(database))
	}
	if _, err := migrations.Provision(t.Context(), open, app); err != nil {
		t.Fatalf("Provision: %v", err)
	}
}

// app makes a database and its application's user.
func (m *mariaDB) app(t testing.TB) (migrations.App, MySQLConfig) {
	t.Helper()
	n := m.count.Add(1)
	app := migrations.App{Database: fmt.Sprintf("dossier_%d", n), User: fmt.Sprintf("app_%d", n),
		Password: fmt.Sprintf("secret-%d", n), RequireTLS: true}
	m.provision(t, app)
	c := m.adminConfig(app.Database)
	c.User, c.Password = app.User, app.Password
	return app, c
}

// pruner makes the user that prunes the audit trail.
func (m *mariaDB) pruner(t testing.TB, app migrations.App) MySQLConfig {
	t.Helper()
	app.Pruner, app.PrunerPassword = "prune_"+app.User, "secret of the pruner"
	m.provision(t, app)
	c := m.adminConfig(app.Database)
	c.User, c.Password = app.Pruner, app.PrunerPassword
	return c
}

func (m *mariaDB) admin(t *testing.T, database string) *sql.DB {
	t.Helper()
	db, err := ConnectMySQL(t.Context(), m.adminConfig(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec1(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func openMySQL(t *testing.T, c MySQLConfig) *Store {
	t.Helper()
	s, err := OpenMySQL(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A server that would refuse every change is refused by whoever migrates, and by who serves.
func TestMySQLThatLogsStatements(t *testing.T) {
	t.Parallel()
	m := &mariaDB{MySQL: servers.MariaDB(t, "--log-bin=binlog", "--binlog-format=STATEMENT")}
	app := migrations.App{Database: "dossier", User: "app", Password: "secret"}
	_, migrate := migrations.Provision(t.Context(), func(ctx context.Context, database string) (*sql.DB, error) {
		return ConnectMySQL(ctx, m.adminConfig(database))
	}, app)
	_, serve := OpenMySQL(t.Context(), m.adminConfig(app.Database))
	for who, err := range map[string]error{"migrate": migrate, "serve": serve} {
		if err == nil || !strings.Contains(err.Error(), "SET GLOBAL binlog_format = 'ROW'") {
			t.Errorf("%s: %v, want what is wrong and how to mend it", who, err)
		}
	}
}

func TestMariaDB(t *testing.T) {
	m := &mariaDB{MySQL: servers.MariaDB(t)}
	t.Run("release 0.1.0 serves", func(t *testing.T) {
		_, c := m.app(t)
		serves010(t, openMySQL(t, c))
	})
	t.Run("suite", func(t *testing.T) {
		app, c := m.app(t)
		db := m.admin(t, app.Database)
		storetest.People(t, func(t *testing.T) dossier.People {
			// To make another database takes longer than most parts.
			exec1(t, db, "DELETE FROM words")
			exec1(t, db, "DELETE FROM people")
			return openMySQL(t, c)
		})
		storetest.Sessions(t, func(t *testing.T) staff.Store {
			exec1(t, db, "DELETE FROM sessions")
			return openMySQL(t, c)
		})
		storetest.Accounts(t, func(t *testing.T) staff.Store {
			exec1(t, db, "DELETE FROM sessions")
			exec1(t, db, "DELETE FROM accounts")
			return openMySQL(t, c)
		})
		storetest.Tokens(t, func(t *testing.T) staff.Store {
			exec1(t, db, "DELETE FROM tokens")
			exec1(t, db, "DELETE FROM accounts")
			return openMySQL(t, c)
		})
		pruner := m.pruner(t, app)
		storetest.Audit(t, func(t *testing.T) storetest.AuditStore {
			exec1(t, db, "DELETE FROM audit")
			return storetest.AuditStore{Store: openMySQL(t, c), Remover: openMySQL(t, pruner)}
		})
	})
	for _, c := range []struct {
		name string
		test func(*testing.T, *mariaDB)
	}{
		{"session", mysqlSession},
		{"plans", mysqlPlans},
		{"search", func(t *testing.T, m *mariaDB) { _, c := m.app(t); searchWays(t, openMySQL(t, c)) }},
		{"least privilege", mysqlLeastPrivilege},
		{"the audit trail is only added to", mysqlAuditPrivileges},
		{"TLS", mysqlTLS},
		{"password rotation", mysqlRotation},
		{"schema", mysqlSchema},
		{"no database", mysqlNoDatabase},
		{"errors hold no details", mysqlErrors},
		{"locked row", mysqlLocked},
		{"read-only", mysqlReadOnly},
		{"pool", mysqlPool},
		{"kept after close", mysqlReopen},
		// These stop the server, so they come last.
		{"paused", mysqlPaused},
		{"restarted", mysqlRestarted},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, m) })
	}
}

func mysqlSession(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	c.Timeout = 2500 * time.Millisecond
	s := openMySQL(t, c)
	for variable, want := range map[string]string{
		"character_set_client":     "utf8mb4",
		"collation_connection":     "utf8mb4_bin",
		"time_zone":                "+00:00",
		"innodb_lock_wait_timeout": "3",
		"lock_wait_timeout":        "3",
		"autocommit":               "1",
		"completion_type":          "NO_CHAIN",
	} {
		var got string
		if err := s.DB().QueryRow("SELECT @@SESSION." + variable).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q and error %v, want %q", variable, got, err, want)
		}
	}
	var mode, name, isolation string
	if err := s.DB().QueryRow("SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', "+
		"'tx_isolation')").Scan(&name, &isolation); err != nil || isolation != "READ-COMMITTED" {
		t.Errorf("%s: got %q and error %v, want READ-COMMITTED", name, isolation, err)
	}
	if err := s.DB().QueryRow("SELECT @@SESSION.sql_mode").Scan(&mode); err != nil ||
		!strings.Contains(mode, "STRICT_ALL_TABLES") {
		t.Errorf("sql_mode: got %q and error %v, want STRICT_ALL_TABLES in it", mode, err)
	}
	var cipher, unused string
	if err := s.DB().QueryRow("SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&unused, &cipher); err != nil ||
		cipher == "" {
		t.Errorf("the connection's cipher: got %q and error %v, want one", cipher, err)
	}
	if _, err := s.DB().Exec("DO 1; DO 2"); err == nil {
		t.Error("the connections for queries take two statements in one request")
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

func mysqlPlans(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	s := openMySQL(t, c)
	db := m.admin(t, app.Database)
	// Nearly all are submitted, and of the others there is more than a page. The server makes the rows.
	exec1(t, db, `INSERT INTO people (id, name, location, age, technology, receipt_hash, state, name_key, created_at, updated_at)
		WITH RECURSIVE h (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM h WHERE i < 99),
			n (i) AS (SELECT a.i * 100 + b.i FROM h a, h b)
		SELECT CONCAT(LPAD(HEX(i), 8, '0'), '-0000-7000-8000-000000000000'), CONCAT('name ', i), 'l', 1, 't', '',
			CASE WHEN i % 20 = 0 THEN 'deleting' WHEN i % 21 = 0 THEN 'submitting' ELSE 'submitted' END,
			CONCAT('name ', i), ? + i, ? + i FROM n`, plansBegin, plansBegin)
	// By statistics of all pages, which the server does not take anew, by a sample, in the middle of this.
	exec1(t, db, "ALTER TABLE people STATS_AUTO_RECALC = 0, STATS_SAMPLE_PAGES = 10000")
	exec1(t, db, "INSERT INTO words (person_id, word, created_at) SELECT id, 'common', created_at FROM people WHERE "+
		"state = 'submitted'")
	exec1(t, db, "INSERT INTO words (person_id, word, created_at) SELECT id, CONCAT('name', RIGHT(name, 4)), "+
		"created_at FROM people WHERE state = 'submitted'")
	exec1(t, db, "UPDATE people SET words_version = 1 WHERE state = 'submitted' AND name NOT LIKE '%7'")
	exec1(t, db, "ALTER TABLE words STATS_AUTO_RECALC = 0, STATS_SAMPLE_PAGES = 10000")
	exec1(t, db, "ANALYZE TABLE people, words")
	covered := len(coveredPlans())
	for i, q := range slices.Concat(coveredPlans(), plans()) {
		if strings.HasPrefix(q.index, "people_") && q.index != "people_key" &&
			!strings.Contains(q.sql(s), "SELECT /*+ INDEX(people "+q.index+") */ ") {
			t.Errorf("%s: %s does not tell MySQL to use index %s", q.name, q.sql(s), q.index)
		}
		rows, err := s.DB().Query("EXPLAIN FORMAT=TRADITIONAL " + q.sql(s))
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]sql.NullString, len(columns))
			pointers := make([]any, len(columns))
			for j := range values {
				pointers[j] = &values[j]
			}
			if err := rows.Scan(pointers...); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for j, column := range columns {
				got[column] = values[j].String
			}
			index := q.index
			if strings.HasSuffix(index, "_key") {
				index = "PRIMARY"
			}
			if got["key"] != index {
				t.Errorf("%s: plan is %v, want index %s", q.name, got, q.index)
			}
			if q.index == "people_listed" && q.ordered && q.name != "first page" && q.name != "count of all" &&
				got["type"] != "range" {
				t.Errorf("%s: plan is %v, want one that begins within the index", q.name, got)
			}
			if q.ordered && strings.Contains(got["Extra"], "filesort") {
				t.Errorf("%s: plan is %v, want no sorting", q.name, got)
			}
			if i < covered && (got["type"] != "range" || !strings.Contains(got["Extra"], "Using index")) {
				t.Errorf("%s: plan is %v, want ranges of the index alone", q.name, got)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// plansBegin is when the rows of mysqlPlans begin, in microseconds; plans asks for the middle of them.
var plansBegin = time.Date(2026, time.March, 1, 12, 0, 0, 0,
	time.UTC).Add(500*time.Microsecond - 5000*time.Microsecond).UnixMicro()

func mysqlLeastPrivilege(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	other, _ := m.app(t)
	s := openMySQL(t, c)
	for _, statement := range []string{
		"DROP TABLE people",
		"TRUNCATE TABLE people",
		"CREATE TABLE more (i INT)",
		"ALTER TABLE people ADD COLUMN more INT",
		"CREATE INDEX more ON people (name)",
		"LOCK TABLES people WRITE",
		"INSERT INTO goose_people (version_id, is_applied) VALUES (99, 1)",
		"UPDATE goose_people SET version_id = 99",
		"DELETE FROM goose_people",
		"DROP DATABASE " + app.Database,
		"CREATE DATABASE more",
		"SELECT id FROM " + other.Database + ".people",
		"USE " + other.Database,
		"SELECT user FROM mysql.user",
		"CREATE USER more",
		"GRANT SELECT ON people TO " + other.User,
		"SELECT 1 INTO OUTFILE '/tmp/more'",
		"KILL 1",
		"SET GLOBAL max_connections = 1",
	} {
		wantRefusal(t, s, statement)
	}
	wantPerson(t, s, insert(t, s, dossier.PersonSubmitted))
}

func wantRefusal(t *testing.T, s *Store, statement string) {
	t.Helper()
	_, err := s.DB().Exec(statement)
	if _, ok := errors.AsType[*mysql.MySQLError](err); !ok {
		t.Errorf("%s: got error %v, want the server's refusal", statement, err)
	}
}

func mysqlAuditPrivileges(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	s, pruner := openMySQL(t, c), openMySQL(t, m.pruner(t, app))
	e := audit.Entry{Chain: audit.Chain{1}, Sequence: 1, At: time.Now(), Actor: audit.Actor{ID: audit.Shared},
		Action: audit.PersonView, Result: audit.Allowed}
	if err := s.AppendEntries(t.Context(), []audit.Entry{e}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"UPDATE audit SET actor_name = 'nobody'",
		"DELETE FROM audit",
		"DELETE FROM audit WHERE seq = 2",
		"TRUNCATE TABLE audit",
		"DROP TABLE audit",
		"ALTER TABLE audit DROP COLUMN client",
		"RENAME TABLE audit TO audits",
		"REPLACE INTO audit SELECT * FROM audit",
		"INSERT INTO audit SELECT * FROM audit a ON DUPLICATE KEY UPDATE actor_name = 'nobody'",
		"CREATE TRIGGER t BEFORE INSERT ON audit FOR EACH ROW SET NEW.actor_name = 'nobody'",
		"LOCK TABLES audit WRITE",
	} {
		wantRefusal(t, s, statement)
	}
	for _, statement := range []string{
		"UPDATE audit SET actor_name = 'nobody'",
		"TRUNCATE TABLE audit",
		"DROP TABLE audit",
		"SELECT * FROM people",
		"SELECT * FROM sessions",
	} {
		wantRefusal(t, pruner, statement)
	}
	if got, err := s.FindEntries(t.Context(), audit.Query{Limit: 2}); err != nil || len(got) != 1 {
		t.Errorf("the trail has %v, error %v", got, err)
	}
	if n, err := pruner.RemoveEntries(t.Context(), e.Chain, 1, 10); err != nil || n != 1 {
		t.Errorf("the pruning user removed %d, error %v", n, err)
	}
}

func mysqlTLS(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	openMySQL(t, c)

	wrong := c
	wrong.CAFile = otherCA(t)
	_, err := OpenMySQL(t.Context(), wrong)
	wantError(t, "connecting with another CA", err, dossier.ErrUnavailable, "certificate")

	system := c
	system.CAFile = ""
	_, err = OpenMySQL(t.Context(), system)
	wantError(t, "connecting with the system's CAs", err, dossier.ErrUnavailable, "certificate")

	missing := c
	missing.CAFile = filepath.Join(t.TempDir(), "absent.pem")
	_, err = OpenMySQL(t.Context(), missing)
	wantError(t, "connecting with a CA file that is absent", err, os.ErrNotExist, "CA")

	empty := c
	empty.CAFile = filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty.CAFile, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenMySQL(t.Context(), empty)
	wantError(t, "connecting with a CA file without a certificate", err, nil, "no certificate")

	off := c
	off.TLS = false
	_, err = OpenMySQL(t.Context(), off)
	wantError(t, "connecting without TLS as a user who must use it", err, dossier.ErrUnavailable, "1045")
	app.RequireTLS = false
	m.provision(t, app)
	s := openMySQL(t, off)
	wantPerson(t, s, insert(t, s, dossier.PersonSubmitted))
}

func mysqlRotation(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	running := openMySQL(t, c)
	p := insert(t, running, dossier.PersonSubmitted)
	app.Password = "another-secret"
	m.provision(t, app)
	wantPerson(t, running, p) // who is connected stays so

	_, err := OpenMySQL(t.Context(), c)
	wantError(t, "connecting with the old password", err, dossier.ErrUnavailable, "1045")
	if err != nil && strings.Contains(err.Error(), c.Password) {
		t.Errorf("the error holds the password: %v", err)
	}
	c.Password = app.Password
	wantPerson(t, openMySQL(t, c), p)

	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), slog.AnyValue(c).Resolve().String()} {
		if strings.Contains(text, c.Password) {
			t.Errorf("the settings print as %q, with the password", text)
		}
	}
}

func mysqlSchema(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	db := m.admin(t, app.Database)
	exec1(t, db, "INSERT INTO goose_people (version_id, is_applied) VALUES (99, 1)")
	exec1(t, db, "ALTER TABLE people ADD COLUMN later INT NULL")
	s := openMySQL(t, c) // ahead
	wantPerson(t, s, insert(t, s, dossier.PersonSubmitted))

	exec1(t, db, "DELETE FROM goose_people WHERE version_id >= 4")
	_, err := OpenMySQL(t.Context(), c)
	if behind, ok := errors.AsType[*migrations.BehindError](err); !ok || behind.Found != 3 {
		t.Errorf("opening a schema that is behind: got error %v, want version 3 found", err)
	}
	wantError(t, "opening a schema that is behind", err, nil, `run "dossier migrate up"`)

	exec1(t, db, "DROP TABLE goose_people")
	_, err = OpenMySQL(t.Context(), c)
	if behind, ok := errors.AsType[*migrations.BehindError](err); !ok || behind.Found != 0 {
		t.Errorf("opening a schema without versions: got error %v, want version 0 found", err)
	}

	app, c = m.app(t)
	exec1(t, m.admin(t, app.Database), "ALTER TABLE people CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	_, err = OpenMySQL(t.Context(), c)
	wantError(t, "opening a schema with another collation", err, nil, "utf8mb4_general_ci", "ALTER TABLE")
}

func mysqlNoDatabase(t *testing.T, m *mariaDB) {
	_, err := OpenMySQL(t.Context(), m.adminConfig("absent"))
	wantError(t, "opening a database that is absent", err, nil, "1049", `"dossier migrate up"`)
	c := m.adminConfig("absent")
	c.Port = 1 // nobody listens there
	_, err = OpenMySQL(t.Context(), c)
	wantError(t, "opening a server that is absent", err, dossier.ErrUnavailable, "127.0.0.1:1")
}

func mysqlErrors(t *testing.T, m *mariaDB) {
	app, c := m.app(t)
	s := openMySQL(t, c)
	p := newPerson(dossier.PersonSubmitting)
	p.Name = "Lovelace\xff" // the server's message quotes it
	err := s.Insert(t.Context(), p)
	wantError(t, "Insert of broken UTF-8", err, nil, "adding a person", "1366")
	p = newPerson(dossier.PersonSubmitting)
	p.Location = strings.Repeat("London", 100)
	err = s.Insert(t.Context(), p)
	wantError(t, "Insert of a text that is too long", err, nil, "adding a person", "1406")
	if errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, dossier.ErrExists) {
		t.Errorf("Insert of a text that is too long: got error %v, want a fault", err)
	}
	// What is locked or taken away, as it may be for a moment, is an outage.
	admin := m.admin(t, app.Database)
	user := "'" + app.User + "'@'%'"
	exec1(t, admin, "REVOKE INSERT ON people FROM "+user)
	wantError(t, "Insert without the privilege", s.Insert(t.Context(), newPerson(dossier.PersonSubmitting)),
		dossier.ErrUnavailable, "1142")
	exec1(t, admin, "GRANT INSERT ON people TO "+user)
	exec1(t, admin, "ALTER USER "+user+" ACCOUNT LOCK")
	_, err = OpenMySQL(t.Context(), c)
	wantError(t, "connecting as a user that is locked", err, dossier.ErrUnavailable)
	if e, ok := errors.AsType[*mysql.MySQLError](err); !ok || e.Number != 3118 && e.Number != 4151 {
		t.Errorf("connecting as a user that is locked: got error %v, want MySQL's 3118 or MariaDB's 4151", err)
	}
	exec1(t, admin, "ALTER USER "+user+" ACCOUNT UNLOCK")
	exec1(t, admin, "DROP TABLE people")
	wantError(t, "Ping without the table", s.Ping(t.Context()), nil, "people")
}

func mysqlLocked(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	s := openMySQL(t, c)
	p := insert(t, s, dossier.PersonSubmitting)
	s.timeout = 300 * time.Millisecond
	tx, err := s.DB().Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("UPDATE people SET updated_at = 0 WHERE id = ?", p.ID.String()); err != nil {
		t.Fatal(err)
	}
	move := func(ctx context.Context) error {
		return s.Move(ctx, p.ID, dossier.PersonSubmitted, p.UpdatedAt, dossier.PersonSubmitting)
	}
	wantError(t, "Move of a locked row", move(t.Context()), dossier.ErrUnavailable)
	wantPerson(t, s, p) // reading goes on, and reads what is committed
	s.timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- move(ctx) }()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Move of a locked row, cancelled: got error %v, want context.Canceled, and no outage", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := move(t.Context()); err != nil && !errors.Is(err, dossier.ErrLost) {
		// A statement whose caller gave up may still have been carried out.
		t.Errorf("Move afterwards: %v", err)
	}
}

func mysqlReadOnly(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	s := openMySQL(t, c)
	p := insert(t, s, dossier.PersonSubmitting)
	pools := []*sql.DB{s.DB(), s.server.(mysqlServer).batches}
	for _, pool := range pools {
		pool.SetMaxOpenConns(1)
	}
	// Connections that lead to the former writer after a failover refuse writes. Others are made in their place.
	readOnly := func() {
		t.Helper()
		for _, pool := range pools {
			exec1(t, pool, "SET SESSION TRANSACTION READ ONLY")
		}
	}
	readOnly()
	wantPerson(t, s, p)
	wantPerson(t, s, insert(t, s, dossier.PersonSubmitting))
	readOnly()
	if err := s.Acknowledge(t.Context(), p.ID, p.UpdatedAt, []string{"word"}); err != nil {
		t.Errorf("Acknowledge: %v", err)
	}
	// What is a transaction fails, once.
	readOnly()
	move := func() error {
		return s.Move(t.Context(), p.ID, dossier.PersonDeleting, p.UpdatedAt, dossier.PersonSubmitted)
	}
	wantError(t, "Move", move(), dossier.ErrUnavailable, "read-only")
	if err := move(); err != nil {
		t.Errorf("Move, tried again: %v", err)
	}
}

func mysqlPool(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	c.MaxOpen = 2
	s := openMySQL(t, c)
	s.timeout = 300 * time.Millisecond
	var held []*sql.Conn
	for range s.DB().Stats().MaxOpenConnections {
		conn, err := s.DB().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	wantError(t, "Ping while all connections are taken", s.Ping(t.Context()), dossier.ErrUnavailable)
	for _, conn := range held {
		_ = conn.Close()
	}
	s.timeout = 5 * time.Second
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping afterwards: %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			p := newPerson(dossier.PersonSubmitting)
			err := s.Insert(t.Context(), p)
			if err == nil {
				err = s.Acknowledge(t.Context(), p.ID, p.UpdatedAt, []string{"word"})
			}
			if err != nil {
				t.Errorf("a submission among many: %v", err)
			}
		})
	}
	wg.Wait()
	open, batches := s.DB().Stats().OpenConnections, s.server.(mysqlServer).batches.Stats().OpenConnections
	if open == 0 || batches == 0 || open+batches > c.MaxOpen {
		t.Errorf("%d and %d connections are open, want %d at most", open, batches, c.MaxOpen)
	}
}

func mysqlReopen(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	s := openMySQL(t, c)
	p := insert(t, s, dossier.PersonSubmitted)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Ping of a closed store", s.Ping(t.Context()), dossier.ErrUnavailable)
	wantPerson(t, openMySQL(t, c), p)
}

func mysqlPaused(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	c.Timeout = 250 * time.Millisecond
	s := openMySQL(t, c)
	p := insert(t, s, dossier.PersonSubmitting)
	m.Pause()
	paused := true
	resume := func() {
		if paused {
			m.Resume()
			paused = false
		}
	}
	defer resume()
	// The signal may be a moment on its way.
	eventually(t, "the server hangs", func() error {
		if s.Ping(t.Context()) == nil {
			return errors.New("it answers")
		}
		return nil
	})
	for doing, call := range map[string]func(context.Context) error{
		"Ping":   s.Ping,
		"Insert": func(ctx context.Context) error { return s.Insert(ctx, newPerson(dossier.PersonSubmitting)) },
		"Person": func(ctx context.Context) error { _, err := s.Person(ctx, p.ID); return err },
		"Move": func(ctx context.Context) error {
			return s.Move(ctx, p.ID, dossier.PersonSubmitting, p.UpdatedAt, dossier.PersonSubmitting)
		},
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, p) },
		"Find":   func(ctx context.Context) error { _, err := s.Find(ctx, dossier.Search{Limit: 1}); return err },
		"Leftovers": func(ctx context.Context) error {
			for _, err := range s.Leftovers(ctx, time.Now()) {
				return err
			}
			return nil
		},
		"Existing": func(ctx context.Context) error { _, err := s.Existing(ctx, []dossier.PersonID{p.ID}); return err },
		"opening":  func(ctx context.Context) error { _, err := OpenMySQL(ctx, c); return err },
	} {
		// That each ends at all is the store's own doing: the context has no deadline.
		wantError(t, doing+" while the server hangs", call(t.Context()), dossier.ErrUnavailable)
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s while the server hangs, cancelled: got error %v, want context.Canceled", doing, err)
		}
	}
	resume()
	eventually(t, "the store works again", func() error { return s.Ping(t.Context()) })
	wantPerson(t, s, p)
}

func mysqlRestarted(t *testing.T, m *mariaDB) {
	_, c := m.app(t)
	s := openMySQL(t, c)
	var persons []dossier.Person
	for range 20 {
		persons = append(persons, insert(t, s, dossier.PersonSubmitted))
	}
	var wg sync.WaitGroup
	for range 10 { // so that the pool holds several connections
		wg.Go(func() { wantPerson(t, s, persons[0]) })
	}
	wg.Wait()
	m.Kill()
	wantError(t, "Insert while the server is down", s.Insert(t.Context(), newPerson(dossier.PersonSubmitting)),
		dossier.ErrUnavailable)
	m.Restart()
	eventually(t, "the store works again", func() error { return s.Ping(t.Context()) })
	for _, p := range persons {
		wantPerson(t, s, p)
	}
	insert(t, s, dossier.PersonSubmitting)
}
