//go:build linux

package testservers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is a database server, prepared and perhaps not started yet. It is MySQL where only that is installed, or what
// DOSSIER_TEST_MYSQLD names.
type MariaDB struct {
	// Host is 127.0.0.1.
	Host string
	Port int
	// AdminUser may do what the master user of RDS may, and connects with TLS only.
	AdminUser, AdminPassword string
	// CA is the authority, in PEM, that signed the server's certificate, for 127.0.0.1.
	CA []byte

	t       testing.TB
	program string
	dir     string
	owner   *syscall.Credential // nil: the current user
	more    []string            // arguments that MySQL takes and MariaDB does not
}

// What the master user of RDS for MySQL 8.4 may, as far as MariaDB knows it too
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html).
const adminPrivileges = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, " +
	"CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, " +
	"CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"

// NewMariaDB prepares a server on a free port, on which nothing listens until Start.
func NewMariaDB(t testing.TB) *MariaDB {
	t.Helper()
	m := &MariaDB{
		Host: "127.0.0.1", Port: freePort(t), AdminUser: "admin_" + strings.ToLower(rand.Text()[:8]), AdminPassword: rand.Text(),
		t: t, dir: folder(t, "db"), owner: databaseUser(t),
	}
	if m.program = os.Getenv("DOSSIER_TEST_MYSQLD"); m.program == "" {
		m.program = Require(t, "mariadbd", "mysqld")
	}
	m.certificates()
	// Run at each start before the first connection is taken. A statement has to stand on one line.
	m.write("accounts.sql", []byte(strings.Join([]string{
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'127.0.0.1' IDENTIFIED BY '%s' REQUIRE SSL;", m.AdminUser, m.AdminPassword),
		fmt.Sprintf("GRANT %s ON *.* TO '%s'@'127.0.0.1' WITH GRANT OPTION;", adminPrivileges, m.AdminUser),
		"DROP USER IF EXISTS 'root'@'127.0.0.1';",
		"DROP USER IF EXISTS 'root'@'::1';",
		fmt.Sprintf("ALTER USER 'root'@'localhost' IDENTIFIED BY '%s';", m.AdminPassword),
	}, "\n")+"\n"))
	m.own()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	run := func(program string, args ...string) []byte {
		cmd := exec.CommandContext(ctx, program, append([]string{"--no-defaults"}, args...)...)
		cmd.WaitDelay = time.Second
		out, err := m.asOwner(cmd).CombinedOutput()
		if err != nil {
			t.Fatalf("preparing the database: %s: %v\n%s", program, err, out)
		}
		return out
	}
	// MariaDB installs a mysqld as well, by its older name.
	if bytes.Contains(run(m.program, "--version"), []byte("MariaDB")) {
		run(Require(t, "mariadb-install-db"), "--datadir="+filepath.Join(m.dir, "data"),
			"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
		return m
	}
	run(m.program, "--initialize-insecure", "--datadir="+filepath.Join(m.dir, "data"))
	// A second protocol on a port of its own, and a folder that a package's server makes.
	m.more = []string{"--mysqlx=OFF", "--secure-file-priv=NULL"}
	return m
}

// Start starts the server and waits until it answers. It fails the test when it does not.
func (m *MariaDB) Start() {
	m.t.Helper()
	path := func(name string) string { return filepath.Join(m.dir, name) }
	start(m.t, m.asOwner(exec.Command(m.program, append([]string{
		"--no-defaults", "--datadir=" + path("data"), "--init-file=" + path("accounts.sql"),
		"--socket=" + path("socket"), "--pid-file=" + path("pid"),
		"--bind-address=" + m.Host, "--port=" + strconv.Itoa(m.Port), "--skip-name-resolve",
		"--ssl-ca=" + path("ca.pem"), "--ssl-cert=" + path("server.pem"), "--ssl-key=" + path("server-key.pem"),
		// The default of MySQL 8.4 (https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html); MariaDB's own is laxer.
		"--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
		"--skip-log-bin", "--performance-schema=OFF", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2",
	}, m.more...)...)), func(ctx context.Context) error {
		db := m.Open(m.AdminUser, m.AdminPassword, "")
		defer db.Close()
		return db.PingContext(ctx)
	})
}

// Open returns a pool of connections by TLS to a database of the server, or to none when the name is empty. It connects
// when it is used.
func (m *MariaDB) Open(user, password, database string) *sql.DB {
	m.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(m.CA)
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", address(m.Port), user, password, database
	c.TLS = &tls.Config{RootCAs: roots, ServerName: m.Host}
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, 5*time.Second, 5*time.Second
	c.Logger = &mysql.NopLogger{} // it would tell of every try before the server is up
	connector, err := mysql.NewConnector(c)
	if err != nil {
		m.t.Fatal(err)
	}
	return sql.OpenDB(connector)
}

// asOwner has a program run as the database's user, in the server's folder.
func (m *MariaDB) asOwner(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = m.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "HOME=" + m.dir, "TMPDIR=" + m.dir, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: m.owner}
	return cmd
}

func (m *MariaDB) write(name string, content []byte) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), content, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// own gives the folder and what is in it to the database's user.
func (m *MariaDB) own() {
	m.t.Helper()
	if m.owner == nil {
		return
	}
	err := filepath.WalkDir(m.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(m.owner.Uid), int(m.owner.Gid))
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// databaseUser returns whom to run as: MariaDB refuses to run as root. It is nil for the current user.
func databaseUser(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("mysql")
	if err != nil { // packages that bring only the program make no user
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatalf("finding a user to run MariaDB as, since root may not: %v", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// certificates writes a fresh authority, and a certificate by it for 127.0.0.1, both valid for a day. The authority's
// key is kept nowhere.
func (m *MariaDB) certificates() {
	m.t.Helper()
	ca, caKey := newAuthority(m.t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test database"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		m.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		m.t.Fatal(err)
	}
	m.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	m.write("ca.pem", m.CA)
	m.write("server.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	m.write("server-key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// Authority returns, in PEM, a fresh certificate authority that signed nothing.
func Authority(t testing.TB) []byte {
	t.Helper()
	ca, _ := newAuthority(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
}

func newAuthority(t testing.TB) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return ca, key
}
