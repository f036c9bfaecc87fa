//go:build unix

package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MySQL is a server that speaks MySQL's protocol.
type MySQL struct {
	// Host is 127.0.0.1.
	Host string
	Port int
	// AdminUser may create databases and users, as the master user of RDS may, and is no more than that.
	AdminUser, AdminPassword string
	// CAFile holds, in PEM, the CA that signed the server's certificate (for 127.0.0.1 and localhost). TLS is offered,
	// not required.
	CAFile string
	*Process
}

// The privileges of the master user of RDS for MySQL 8.4, as far as MariaDB knows them too
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html). An administrator who may
// do everything would hide a migration that cannot run in RDS.
const adminPrivileges = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, " +
	"CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, " +
	"CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"

// What it may besides where the server is MySQL, and what it may not in the database mysql.
const (
	adminMore  = "CREATE ROLE, DROP ROLE, APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN, SET_ANY_DEFINER, XA_RECOVER_ADMIN"
	adminMayNo = "INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, " +
		"LOCK TABLES, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER"
)

// The default of MySQL 8.4 (https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html); MariaDB's own is laxer.
const sqlMode = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

// mysqld returns the programs to look for: MariaDB, or MySQL where only that is installed. DOSSIER_TEST_MYSQLD names
// another.
func mysqld() []string {
	if program := os.Getenv("DOSSIER_TEST_MYSQLD"); program != "" {
		return []string{program}
	}
	return []string{"mariadbd", "mysqld"}
}

// MariaDB starts MariaDB, or MySQL where mysqld finds that, with more options, if any.
func MariaDB(t T, options ...string) *MySQL {
	t.Helper()
	program := require(t, "MariaDB or MySQL", mysqld()...)
	m := &MySQL{Host: "127.0.0.1", AdminUser: "admin_" + strings.ToLower(secret()[:8]), AdminPassword: secret()}
	dir := tempDir(t, "db")
	m.CAFile = filepath.Join(dir, "ca.pem")

	owner, err := databaseUser()
	if err != nil {
		t.Fatal(err)
	}
	d := database{dir: dir, program: program, owner: owner, options: options}
	if err := d.prepare(t.Context(), m.AdminUser, m.AdminPassword); err != nil {
		// Nothing removes the folder yet: launch would.
		_ = os.RemoveAll(dir)
		t.Fatalf("preparing %s: %v", filepath.Base(program), err)
	}
	m.Process = launch(t, dir, server{
		name:    filepath.Base(program),
		command: d.command,
		ready:   m.ready,
	})
	m.Port = m.port
	return m
}

// ready logs in as administrator, over TLS, and makes a query.
func (m *MySQL) ready(ctx context.Context, port int) error {
	pem, err := os.ReadFile(m.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd = "tcp", address(port), m.AdminUser, m.AdminPassword
	c.TLS = &tls.Config{RootCAs: roots, ServerName: m.Host}
	c.Timeout, c.ReadTimeout, c.WriteTimeout = askTime, askTime, askTime
	c.Logger = &mysql.NopLogger{} // it would tell of every try before the server is up
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	var one int
	return db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// database is a server's data folder in the making.
type database struct {
	dir     string
	program string
	owner   *syscall.Credential // nil: the current user
	isMySQL bool
	options []string
}

func (d *database) data() string { return filepath.Join(d.dir, "data") }

// prepare fills the folder: system tables, certificates, and the SQL that makes the administrator's account.
func (d *database) prepare(ctx context.Context, admin, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := writeCertificates(d.dir, time.Now()); err != nil {
		return err
	}
	if err := d.own(); err != nil {
		return err
	}
	version, err := d.run(ctx, d.program, "--no-defaults", "--version")
	if err != nil {
		return err
	}
	// MariaDB installs a mysqld as well, by its older name.
	d.isMySQL = !strings.Contains(version, "MariaDB")
	// Run at each start before the first connection is taken, so no account without a password can ever be used. A
	// statement must stand on one line.
	accounts := []string{
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'127.0.0.1' IDENTIFIED BY '%s';", admin, password),
		fmt.Sprintf("GRANT %s ON *.* TO '%s'@'127.0.0.1' WITH GRANT OPTION;", adminPrivileges, admin),
		"DROP USER IF EXISTS 'root'@'127.0.0.1';",
		"DROP USER IF EXISTS 'root'@'::1';",
		fmt.Sprintf("ALTER USER 'root'@'localhost' IDENTIFIED BY '%s';", password),
	}
	if d.isMySQL {
		accounts = append(accounts,
			fmt.Sprintf("GRANT %s ON *.* TO '%s'@'127.0.0.1' WITH GRANT OPTION;", adminMore, admin),
			fmt.Sprintf("REVOKE %s ON mysql.* FROM '%s'@'127.0.0.1';", adminMayNo, admin))
	}
	if err := os.WriteFile(d.accountsFile(), []byte(strings.Join(accounts, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	if err := d.own(); err != nil {
		return err
	}

	if d.isMySQL {
		_, err = d.run(ctx, d.program, "--no-defaults", "--initialize-insecure", "--datadir="+d.data())
		return err
	}
	installer, ok := find("mariadb-install-db", "mysql_install_db")
	if !ok {
		return fmt.Errorf("mariadb-install-db is not installed%s", remedy)
	}
	_, err = d.run(ctx, installer, "--no-defaults", "--datadir="+d.data(), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve")
	return err
}

func (d *database) accountsFile() string { return filepath.Join(d.dir, "accounts.sql") }

// command returns the server's command line.
func (d *database) command(dir string, port int) *exec.Cmd {
	args := []string{
		"--no-defaults", // has to be the first
		"--datadir=" + d.data(),
		"--init-file=" + d.accountsFile(),
		"--socket=" + filepath.Join(dir, "socket"),
		"--pid-file=" + filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1",
		"--port=" + strconv.Itoa(port),
		"--skip-name-resolve",
		"--ssl-ca=" + filepath.Join(dir, "ca.pem"),
		"--ssl-cert=" + filepath.Join(dir, "server.pem"),
		"--ssl-key=" + filepath.Join(dir, "server-key.pem"),
		"--sql-mode=" + sqlMode,
		// Defaults as an operator might set them, that a client must not rely on.
		"--autocommit=0",
		"--completion-type=CHAIN",
		"--skip-log-bin",
		"--performance-schema=OFF",
		"--innodb-buffer-pool-size=32M",
		// A commit reaches the operating system at once and the disk within a second: it survives the end of the
		// process, which is what tests bring about, not that of the machine, and it is many times faster.
		"--innodb-flush-log-at-trx-commit=2",
	}
	if d.isMySQL {
		args = append(args,
			"--partial-revokes=ON",    // for adminMayNo
			"--mysqlx=OFF",            // a second protocol on a port of its own
			"--secure-file-priv=NULL") // by default a folder that not all packages make
	}
	cmd := exec.Command(d.program, append(args, d.options...)...)
	cmd.Dir = dir
	cmd.Env = environment(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.owner}
	return cmd
}

// run runs a program to its end, as the database's user.
func (d *database) run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = d.dir
	cmd.Env = environment(d.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.owner}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running %s: %w\n%s", filepath.Base(program), err, out[max(0, len(out)-tailBytes):])
	}
	return string(out), nil
}

// own gives the folder and what is in it to the database's user.
func (d *database) own() error {
	if d.owner == nil {
		return nil
	}
	return filepath.WalkDir(d.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(d.owner.Uid), int(d.owner.Gid))
	})
}

// databaseUser returns whom to run as: the database refuses to run as root. Packages make a user "mysql" for it, but
// not those that bring only the program; then it is "nobody". It is nil for the current user.
func databaseUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("mysql")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("finding a user to run the database as, since root may not: %w", err)
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("the ids of user %s: %w", u.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
