package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:generate go test . -run ^TestDocuments$ -update

// Collation is the collation that the database must have by default: texts compare by code point, as in SQLite. The
// migrations cannot name it, because SQLite does not know it.
const Collation = "utf8mb4_bin"

// App says what Provision makes for the application on a MySQL server.
type App struct {
	// Database and User begin with a letter and hold letters, digits and underscores only; 64 and 32 characters at
	// most.
	Database, User string
	// Password of User.
	Password string
	// Host is where User may connect from, as MySQL writes it. Default "%", anywhere: which addresses reach a server in
	// a private network is for its security groups to say.
	Host string
	// RequireTLS has the server refuse User, and Pruner, without TLS.
	RequireTLS bool
	// Pruner is the user that removes old entries of the audit trail, which User may not. Made only where
	// PrunerPassword is set.
	Pruner, PrunerPassword string
}

// account is a user that Provision makes, with what it may do, by table.
type account struct {
	user, password string
	grants         map[string][]string
}

// accounts returns the users to make.
func (a App) accounts() []account {
	all := []account{{a.User, a.Password, grants()}}
	if a.PrunerPassword != "" {
		all = append(all, account{a.Pruner, a.PrunerPassword, pruning()})
	}
	return all
}

// pruning returns what the user may that prunes the audit trail: enter what it removes, and remove it.
func pruning() map[string][]string {
	return map[string][]string{
		"audit":               {"SELECT", "INSERT", "DELETE"},
		People.VersionTable(): {"SELECT"},
	}
}

// grants returns what the application does, by table, and so may.
func grants() map[string][]string {
	return map[string][]string{
		"audit":               {"SELECT", "INSERT"},
		"people":              {"SELECT", "INSERT", "UPDATE", "DELETE"},
		"words":               {"SELECT", "INSERT", "UPDATE", "DELETE"},
		"sessions":            {"SELECT", "INSERT", "UPDATE", "DELETE"},
		"accounts":            {"SELECT", "INSERT", "UPDATE", "DELETE"},
		"tokens":              {"SELECT", "INSERT", "UPDATE", "DELETE"},
		People.VersionTable(): {"SELECT"},
	}
}

var (
	databaseName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
	userName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,31}$`)
	hostName     = regexp.MustCompile(`^[A-Za-z0-9.:/%_-]{1,255}$`)
)

func (a App) check() error {
	var errs []error
	if !databaseName.MatchString(a.Database) {
		errs = append(errs, fmt.Errorf("database name %q: want a letter, then up to 63 letters, digits or underscores",
			a.Database))
	}
	if !hostName.MatchString(a.Host) {
		errs = append(errs, fmt.Errorf("database user's host %q: want an address, a pattern or %%", a.Host))
	}
	for _, one := range a.accounts() {
		if !userName.MatchString(one.user) {
			errs = append(errs,
				fmt.Errorf("database user %q: want a letter, then up to 31 letters, digits or underscores", one.user))
		}
		if one.password == "" || strings.ContainsFunc(one.password, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == 0xfffd
		}) {
			errs = append(errs, errors.New("database user's password: must not be empty or contain control characters"))
		}
	}
	if a.PrunerPassword != "" && a.Pruner == a.User {
		errs = append(errs, fmt.Errorf("database user %s prunes the audit trail: give the app another user", a.Pruner))
	}
	return errors.Join(errs...)
}

// Provision makes a server ready for the application, where only an administrator exists: it creates the database,
// applies the People migrations, and creates the application's own user, who may read and write rows and nothing else,
// and the one that prunes the audit trail, if it is asked for.
// It returns the migrations that it applied. All of it may be run again, also twice at once: a user that is there gets
// the given password and TLS rule, and loses what it may beyond the application's need.
//
// The open function connects as the administrator: to the server without a database (an empty name), and to the named
// one. It is called for each once; Provision closes what it returns.
func Provision(ctx context.Context, open func(ctx context.Context, database string) (*sql.DB, error),
	app App) ([]Migration, error) {
	if app.Host == "" {
		app.Host = "%"
	}
	if err := app.check(); err != nil {
		return nil, err
	}
	server, err := open(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("connecting as administrator: %w", err)
	}
	defer server.Close()
	release, err := lockSession(ctx, server, app.Database)
	if err != nil {
		return nil, err
	}
	done, err := provision(ctx, server, open, app)
	return done, errors.Join(err, release())
}

func provision(ctx context.Context, server *sql.DB, open func(context.Context, string) (*sql.DB, error),
	app App) ([]Migration, error) {
	if err := createDatabase(ctx, server, app.Database); err != nil {
		return nil, err
	}
	db, err := open(ctx, app.Database)
	if err != nil {
		return nil, fmt.Errorf("connecting as administrator to database %s: %w", app.Database, err)
	}
	defer db.Close()
	done, err := up(ctx, db, MySQL, People)
	if err != nil {
		return done, fmt.Errorf("migrating schema %q: %w", People, err)
	}
	// One connection, because the form of its string literals depends on the session.
	conn, err := server.Conn(ctx)
	if err != nil {
		return done, err
	}
	defer conn.Close()
	for _, one := range app.accounts() {
		if err := createUser(ctx, conn, app, one); err != nil {
			return done, err
		}
	}
	return done, nil
}

func createDatabase(ctx context.Context, db *sql.DB, name string) error {
	// MySQL's statements wait for all who use a table of the database, and keep others from it meanwhile.
	var collation string
	err := db.QueryRowContext(ctx, "SELECT default_collation_name FROM information_schema.schemata "+
		"WHERE schema_name = ?", name).Scan(&collation)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("looking for database %s: %w", name, err)
	}
	if collation == Collation {
		return nil
	}
	// A database that is there may have been created with the server's default; ALTER is for the tables to come.
	for _, verb := range []string{"CREATE DATABASE IF NOT EXISTS ", "ALTER DATABASE "} {
		if _, err := db.ExecContext(ctx, verb+"`"+name+"` CHARACTER SET utf8mb4 COLLATE "+Collation); err != nil {
			return fmt.Errorf("creating database %s: %w", name, err)
		}
	}
	return nil
}

// checkDatabase makes sure of what the migrations rely on but cannot say themselves.
func checkDatabase(ctx context.Context, db *sql.DB) error {
	var name, collation string
	err := db.QueryRowContext(ctx,
		"SELECT schema_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()").
		Scan(&name, &collation)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return errors.New("the connection is not open on a database")
	case err != nil:
		return fmt.Errorf("reading the database's collation: %w", err)
	case collation != Collation:
		return fmt.Errorf("database %s has the default collation %s, which new tables would inherit: run ALTER "+
			"DATABASE `%s` CHARACTER SET utf8mb4 COLLATE %s",
			name, collation, name, Collation)
	}
	return CheckBinaryLog(ctx, db)
}

// CheckBinaryLog returns an error when the server logs changes as statements, which InnoDB refuses (error 1665) of
// transactions that read what is committed, as those of the app do. It needs no privilege.
func CheckBinaryLog(ctx context.Context, db *sql.DB) error {
	var logs bool
	var name, format string
	err := db.QueryRowContext(ctx, "SELECT @@log_bin").Scan(&logs)
	if err == nil {
		err = db.QueryRowContext(ctx, "SHOW VARIABLES LIKE 'binlog_format'").Scan(&name, &format)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows): // a server that can only log rows
		return nil
	case err != nil:
		return fmt.Errorf("reading how the server logs changes: %w", err)
	case logs && format == "STATEMENT":
		return errors.New("the server's binlog_format is STATEMENT, with which it refuses changes: set it to ROW or " +
			"MIXED, as by SET GLOBAL binlog_format = 'ROW', and in the server's configuration")
	}
	return nil
}

// CheckCollations returns an error when a text column of the set's tables does not compare by code point. It needs no
// more than SELECT on those tables, and only MySQL can be wrong.
func CheckCollations(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT table_name, column_name, collation_name FROM information_schema.columns
		WHERE table_schema = DATABASE() AND table_name IN ('people', 'words', 'sessions', 'accounts', 'audit', 'tokens')
		AND collation_name IS NOT NULL AND collation_name <> ?
		ORDER BY table_name, ordinal_position`, Collation)
	if err != nil {
		return fmt.Errorf("reading the columns' collations: %w", err)
	}
	defer rows.Close()
	var wrong, mend []string
	for rows.Next() {
		var table, column, collation string
		if err := rows.Scan(&table, &column, &collation); err != nil {
			return fmt.Errorf("reading the columns' collations: %w", err)
		}
		wrong = append(wrong, fmt.Sprintf("%s.%s (%s)", table, column, collation))
		mend = append(mend, fmt.Sprintf("ALTER TABLE %s CONVERT TO CHARACTER SET utf8mb4 COLLATE %s", table, Collation))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the columns' collations: %w", err)
	}
	if wrong != nil {
		return fmt.Errorf("columns do not compare by code point: %s; run %s", strings.Join(wrong, ", "),
			strings.Join(slices.Compact(mend), "; "))
	}
	return nil
}

func createUser(ctx context.Context, conn *sql.Conn, app App, one account) error {
	var admin, mode string
	if err := conn.QueryRowContext(ctx, "SELECT CURRENT_USER(), @@SESSION.sql_mode").Scan(&admin, &mode); err != nil {
		return fmt.Errorf("asking who the administrator is: %w", err)
	}
	if name := admin[:max(0, strings.LastIndexByte(admin, '@'))]; name == one.user {
		return fmt.Errorf("database user %s is the administrator: give the app its own users", one.user)
	}
	quote := quoter(mode)
	account := quote(one.user) + "@" + quote(app.Host)
	tls := " REQUIRE NONE"
	if app.RequireTLS {
		tls = " REQUIRE SSL"
	}
	for _, verb := range []string{"CREATE USER IF NOT EXISTS ", "ALTER USER "} {
		if _, err := conn.ExecContext(ctx, verb+account+" IDENTIFIED BY "+quote(one.password)+tls); err != nil {
			return fmt.Errorf("creating database user %s: %w", one.user, withoutText(ctx, err))
		}
	}
	grant := func() error {
		for table, may := range one.grants {
			statement := fmt.Sprintf("GRANT %s ON `%s`.`%s` TO %s", strings.Join(may, ", "), app.Database, table,
				account)
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("granting database user %s its privileges on %s: %w", one.user, table, err)
			}
		}
		return nil
	}
	if err := grant(); err != nil {
		return err
	}
	more, err := surplus(ctx, conn, app, one)
	if err != nil || more == nil {
		return err
	}
	// One by one: the master user of RDS, who may not write to the database mysql, may not revoke all of another.
	for _, privilege := range more {
		if _, err := conn.ExecContext(ctx, "REVOKE "+privilege+" FROM "+account); err != nil {
			return fmt.Errorf("revoking the excess privileges of database user %s: %w", one.user, err)
		}
	}
	return grant()
}

// surplus returns what the user may beyond what grants says, as REVOKE takes it.
func surplus(ctx context.Context, conn *sql.Conn, app App, one account) ([]string, error) {
	// As information_schema writes it.
	grantee := "'" + one.user + "'@'" + app.Host + "'"
	rows, err := conn.QueryContext(ctx, `
		SELECT '', '', '', privilege_type, is_grantable FROM information_schema.user_privileges WHERE grantee = ?
		UNION ALL SELECT table_schema, '', '', privilege_type, is_grantable
			FROM information_schema.schema_privileges WHERE grantee = ?
		UNION ALL SELECT table_schema, table_name, '', privilege_type, is_grantable
			FROM information_schema.table_privileges WHERE grantee = ?
		UNION ALL SELECT table_schema, table_name, column_name, privilege_type, is_grantable
			FROM information_schema.column_privileges WHERE grantee = ?`,
		grantee, grantee, grantee, grantee)
	if err != nil {
		return nil, fmt.Errorf("reading the privileges of database user %s: %w", one.user, err)
	}
	defer rows.Close()
	var more []string
	for rows.Next() {
		var schema, table, column, privilege, grantable string
		if err := rows.Scan(&schema, &table, &column, &privilege, &grantable); err != nil {
			return nil, fmt.Errorf("reading the privileges of database user %s: %w", one.user, err)
		}
		on := " ON *.*"
		switch {
		case table != "":
			on = " ON `" + schema + "`.`" + table + "`"
		case schema != "":
			on = " ON `" + schema + "`.*"
		}
		if option := "GRANT OPTION" + on; grantable == "YES" && !slices.Contains(more, option) {
			more = append(more, option)
		}
		switch {
		case schema == "" && privilege == "USAGE": // the right to connect
		case schema == app.Database && column == "" && slices.Contains(one.grants[table], privilege):
		case column != "":
			more = append(more, privilege+" (`"+column+"`)"+on)
		default:
			more = append(more, privilege+on)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the privileges of database user %s: %w", one.user, err)
	}
	return more, nil
}

// quoter returns what makes string literals for a session of the given sql_mode.
func quoter(mode string) func(string) string {
	backslash := `\\`
	if slices.Contains(strings.Split(mode, ","), "NO_BACKSLASH_ESCAPES") {
		backslash = `\`
	}
	escape := strings.NewReplacer(`'`, `''`, `\`, backslash)
	return func(s string) string { return "'" + escape.Replace(s) + "'" }
}

// withoutText returns an error for a statement that holds a password: the server's message may repeat part of the
// statement, so only its number is kept.
func withoutText(ctx context.Context, err error) error {
	switch n := number(err); {
	case ctx.Err() != nil:
		return ctx.Err()
	case n == 1819: // ER_NOT_VALID_PASSWORD
		return errors.New("the server's password policy refuses the password (error 1819)")
	case n != 0:
		return fmt.Errorf("the server refused (error %d)", n)
	}
	return errors.New("the connection failed")
}
