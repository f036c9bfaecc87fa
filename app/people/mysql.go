package people

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"strconv"
	"time"

	"dossier.example/app"
	"dossier.example/app/migrations"
	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// MySQLConfig says how to reach a MySQL or MariaDB server.
type MySQLConfig struct {
	Host string
	// Port defaults to 3306.
	Port int
	// Name is the database's; empty to connect to the server only, as an administrator does.
	Name           string
	User, Password string
	// TLS encrypts the connection and verifies the server's certificate: by the CAs in the PEM file CAFile, or by the
	// system's where that is empty.
	TLS    bool
	CAFile string
	// Timeout bounds one call to the database, including the wait for a connection. Default 5 seconds.
	Timeout time.Duration
	// Migrates lets a statement take as long as it takes: MySQL would carry on with a change of a large table whose
	// client gave up. Whether the server is still there is then for TCP to find out.
	Migrates bool
	// MaxOpen bounds the connections of this process, a quarter of which, but at least one, are for submissions that
	// end; so there are at least two. Default 10: the smallest RDS instance allows about 60
	// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections), and several
	// instances share it.
	MaxOpen int
	// MaxIdle is how many connections are kept for the next call. Default: MaxOpen.
	MaxIdle int
	// MaxLifetime is how long a connection is used, so that a server that took over after a failover gets its share.
	// Default 5 minutes.
	MaxLifetime time.Duration
}

// String implements fmt.Stringer; the password is left out.
func (c MySQLConfig) String() string {
	return fmt.Sprintf("%s@%s/%s", c.User, c.address(), c.Name)
}

// LogValue implements slog.LogValuer; the password is left out.
func (c MySQLConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

func (c MySQLConfig) address() string {
	port := c.Port
	if port == 0 {
		port = 3306
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(port))
}

// or returns v, or d where v is not set.
func or[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

func (c MySQLConfig) timeout() time.Duration { return or(c.Timeout, 5*time.Second) }

// OpenMySQL connects to the database and makes sure that its schema is not behind (the error says what to run), that
// texts compare by code point in it, and that the server accepts changes.
func OpenMySQL(ctx context.Context, c MySQLConfig) (*Store, error) {
	open := or(c.MaxOpen, defaultMaxOpen)
	c.MaxOpen = max(1, open-max(1, open/4))
	db, err := ConnectMySQL(ctx, c)
	if err != nil {
		return nil, err
	}
	c.MaxOpen = max(1, open/4)
	batches, err := c.pool(true)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s, err := newStore(db, gormmysql.New(gormmysql.Config{
		Conn: db,
		// All that gorm asks the version for is which schema changes and which RETURNING it may write; it writes none
		// here.
		SkipInitializeWithVersion: true,
	}), c.timeout(), mysqlServer{batches})
	if err == nil {
		err = s.checkSchema(ctx, func(ctx context.Context) error {
			if err := migrations.CheckBinaryLog(ctx, db); err != nil {
				return err
			}
			if err := migrations.Check(ctx, db, migrations.MySQL, migrations.People); err != nil {
				return err
			}
			return migrations.CheckCollations(ctx, db)
		})
	}
	if err != nil {
		return nil, errors.Join(err, batches.Close(), db.Close())
	}
	return s, nil
}

// checkSchema makes a check with the time limit and in the terms of a call.
func (s *Store) checkSchema(ctx context.Context, check func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := check(bounded)
	if err == nil {
		return nil
	}
	const doing = "checking the database's schema"
	if _, ok := errors.AsType[*migrations.BehindError](err); ok {
		return err
	}
	if bounded.Err() != nil {
		return dossier.Unavailable(ctx, doing, bounded.Err())
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// ConnectMySQL returns a pool of connections as OpenMySQL uses it, whatever the schema, for migrations. It makes one
// connection, so that a wrong setting shows at once.
func ConnectMySQL(ctx context.Context, c MySQLConfig) (*sql.DB, error) {
	db, err := c.pool(false)
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("connecting to %v", c)
	bounded, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	if err := db.PingContext(bounded); err != nil {
		_ = db.Close() // it holds no connection
		if bounded.Err() != nil {
			err = bounded.Err()
		}
		what, err := mysqlServer{}.judge(err)
		if what == outage {
			return nil, dossier.Unavailable(ctx, doing, err)
		}
		if e, ok := errors.AsType[*mysql.MySQLError](err); ok && (e.Number == 1044 || e.Number == 1049) {
			return nil, fmt.Errorf("%s: %w; \"dossier migrate up\" creates the database", doing, err)
		}
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return db, nil
}

// defaultMaxOpen is MySQLConfig's MaxOpen where that is not set.
const defaultMaxOpen = 10

// pool returns a pool of connections without making one. If batches, a request may hold several statements.
func (c MySQLConfig) pool(batches bool) (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", c.address()
	cfg.DBName, cfg.User, cfg.Passwd = c.Name, c.User, c.Password
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = c.timeout(), c.timeout(), c.timeout()
	if c.Migrates {
		cfg.ReadTimeout = 0
	}
	// A change to what a row already holds counts as well: the state's condition is what matters.
	cfg.ClientFoundRows = true
	// Needed by goose, which keeps times as DATETIME.
	cfg.ParseTime = true
	// Otherwise each statement with values would take two requests: to be prepared, and to be executed. The driver
	// quotes the values, which is safe with utf8mb4 (and refused with the character sets with which it is not).
	cfg.InterpolateParams = true
	cfg.MultiStatements = batches
	// After a failover, connections may lead to the former writer, and refuse writes for as long as they are used.
	cfg.RejectReadOnly = true
	// What it tells is told by errors too.
	cfg.Logger = &mysql.NopLogger{}
	seconds := strconv.Itoa(int(math.Ceil(c.timeout().Seconds())))
	cfg.Params = map[string]string{
		"sql_mode":  "'TRADITIONAL'", // no silent cutting or adjusting of values
		"time_zone": "'+00:00'",
		// A server may have other defaults, by which nothing would be committed.
		"autocommit":      "1",
		"completion_type": "'NO_CHAIN'",
		// The server gives up waiting when the caller has; its own limits are 50 seconds and a year.
		"innodb_lock_wait_timeout": seconds,
		"lock_wait_timeout":        seconds,
	}
	if err := cfg.Apply(mysql.Charset("utf8mb4", migrations.Collation)); err != nil {
		return nil, err
	}
	if c.TLS {
		var err error
		if cfg.TLS, err = tlsConfig(c); err != nil {
			return nil, err
		}
	}
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("settings for %v: %w", c, err)
	}
	db := sql.OpenDB(connector{inner})
	open := or(c.MaxOpen, defaultMaxOpen)
	db.SetMaxOpenConns(open)
	db.SetMaxIdleConns(min(or(c.MaxIdle, open), open))
	db.SetConnMaxLifetime(or(c.MaxLifetime, 5*time.Minute))
	db.SetConnMaxIdleTime(time.Minute)
	return db, nil
}

func tlsConfig(c MySQLConfig) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.Host}
	if c.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the database's CA: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the database's CA: no certificate in PEM form in %s", c.CAFile)
	}
	return t, nil
}

// connector makes connections whose transactions read what is committed.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	// A statement and no setting of the driver's: MySQL and MariaDB 10 name the variable differently.
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// atOnce makes several statements by one request and returns how many rows each matched. After an error the connection
// is not used again: it may be in the middle of a transaction, which the server rolls back.
func atOnce(ctx context.Context, db *sql.DB, statements string, args ...any) (rows []int64, err error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	once := func() error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.Raw(func(c any) error {
			var done driver.Result
			if done, err = c.(driver.ExecerContext).ExecContext(ctx, statements, named); err != nil {
				return driver.ErrBadConn // closes the connection
			}
			rows = done.(mysql.Result).AllRowsAffected()
			return nil
		})
		return err
	}
	// As database/sql does: a connection that the server closed meanwhile is found out by using it, and not used.
	for range db.Stats().MaxOpenConnections + 1 {
		if err = once(); !errors.Is(err, driver.ErrBadConn) {
			break
		}
	}
	return rows, err
}

// addWordsAtOnce is what addWords does, for the person that the statement before it changed, if it did.
const addWordsAtOnce = `INSERT INTO words (person_id, word, created_at)
SELECT p.id, w.word, p.created_at
FROM people p JOIN JSON_TABLE(?, '$[*]' COLUMNS (nth FOR ORDINALITY, word VARCHAR(64) PATH '$')) w
WHERE p.id = ? AND ROW_COUNT() = 1
AND w.nth <= ? - (SELECT COUNT(*) FROM words h WHERE h.person_id = p.id)
ON DUPLICATE KEY UPDATE words.created_at = words.created_at`

// changeWithWords implements server. It takes one request instead of five; a transaction is rolled back whole, as
// always, if its connection ends before COMMIT.
func (m mysqlServer) changeWithWords(ctx context.Context, _ *gorm.DB, id dossier.PersonID, words []string,
	update string, args ...any) (changed bool, err error) {
	list, err := json.Marshal(words)
	if err != nil {
		return false, err
	}
	rows, err := atOnce(ctx, m.batches, "START TRANSACTION;\n"+update+";\n"+addWordsAtOnce+";\nCOMMIT",
		append(args, string(list), id.String(), int64(dossier.MaxPersonWords))...)
	if err != nil {
		return false, err
	}
	return rows[1] > 0, nil
}

// mysqlServer is MySQL or MariaDB.
type mysqlServer struct {
	// batches are connections of which a request may hold several statements. They are kept apart, and constants of
	// this file alone reach them: a fault in a query on the others cannot be made to run a second statement.
	batches *sql.DB
}

// close implements server.
func (m mysqlServer) close() error { return m.batches.Close() }

func (mysqlServer) judge(err error) (verdict, error) {
	if errors.Is(err, driver.ErrBadConn) {
		return outage, fmt.Errorf("the server ends connections, or is read-only, as after a failover: %w", err)
	}
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		// No answer of the server: it could not be reached, or the connection broke.
		return outage, err
	}
	switch e.Number {
	case 1062: // ER_DUP_ENTRY; the table has no other unique key than its primary
		return taken, reply{e}
	case 1213: // ER_LOCK_DEADLOCK: rolled back whole
		return again, reply{e}
	case
		1021, // ER_DISK_FULL
		1026, // ER_ERROR_ON_WRITE
		1030, // ER_GET_ERRNO: the storage engine failed, as with a full disk
		1037, // ER_OUTOFMEMORY
		1038, // ER_OUT_OF_SORTMEMORY
		1040, // ER_CON_COUNT_ERROR: too many connections
		1041, // ER_OUT_OF_RESOURCES
		1043, // ER_HANDSHAKE_ERROR
		1045, // ER_ACCESS_DENIED_ERROR: the password is being changed
		1047, // ER_UNKNOWN_COM_ERROR: a node of a cluster of MariaDB that is not ready
		1053, // ER_SERVER_SHUTDOWN
		1105, // ER_UNKNOWN_ERROR
		1114, // ER_RECORD_FILE_FULL
		1129, // ER_HOST_IS_BLOCKED
		1130, // ER_HOST_NOT_PRIVILEGED
		1135, // ER_CANT_CREATE_THREAD
		1142, // ER_TABLEACCESS_DENIED_ERROR: between the steps in which somebody changes privileges
		1152, // ER_ABORTING_CONNECTION
		1158, // ER_NET_READ_ERROR
		1159, // ER_NET_READ_INTERRUPTED
		1160, // ER_NET_ERROR_ON_WRITE
		1161, // ER_NET_WRITE_INTERRUPTED
		1180, // ER_ERROR_DURING_COMMIT
		1184, // ER_NEW_ABORTING_CONNECTION
		1203, // ER_TOO_MANY_USER_CONNECTIONS
		1205, // ER_LOCK_WAIT_TIMEOUT
		1206, // ER_LOCK_TABLE_FULL
		1226, // ER_USER_LIMIT_REACHED
		1317, // ER_QUERY_INTERRUPTED
		1820, // ER_MUST_CHANGE_PASSWORD
		1862, // ER_MUST_CHANGE_PASSWORD_LOGIN
		1878, // ER_TEMP_FILE_WRITE_FAILURE
		1927, // ER_CONNECTION_KILLED (MariaDB)
		1969, // ER_STATEMENT_TIMEOUT (MariaDB)
		3024, // ER_QUERY_TIMEOUT
		3118, // ER_ACCOUNT_HAS_BEEN_LOCKED
		3159, // ER_SECURE_TRANSPORT_REQUIRED
		4031, // ER_CLIENT_INTERACTION_TIMEOUT
		4151: // ER_ACCOUNT_HAS_BEEN_LOCKED (MariaDB)
		return outage, reply{e}
	}
	return fault, reply{e}
}

// reply is a server's error without the values that its message may quote. The original is what it unwraps to.
type reply struct{ err *mysql.MySQLError }

// Error implements error.
func (r reply) Error() string {
	switch r.err.Number {
	case 1665: // ER_BINLOG_STMT_MODE_AND_ROW_ENGINE
		return fmt.Sprintf("MySQL error %d (%s): the server's binlog_format has to be MIXED or ROW", r.err.Number,
			r.err.SQLState[:])
	// what quotes names of users, databases and tables, and no values
	case 1044, 1045, 1049, 1142, 1143, 1146, 3159:
		return fmt.Sprintf("MySQL error %d (%s): %s", r.err.Number, r.err.SQLState[:], r.err.Message)
	}
	return fmt.Sprintf("MySQL error %d (%s)", r.err.Number, r.err.SQLState[:])
}

// Unwrap returns the server's error.
func (r reply) Unwrap() error { return r.err }
