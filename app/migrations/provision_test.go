package migrations_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dossier.example/app/internal/servers"
	"dossier.example/app/migrations"
	"dossier.example/app/people"
)

var counter atomic.Int64

func newName(prefix string) string { return fmt.Sprintf("%s_%d", prefix, counter.Add(1)) }

func config(server *servers.MySQL, database string) people.MySQLConfig {
	return people.MySQLConfig{Host: server.Host, Port: server.Port, Name: database, User: server.AdminUser, Password: server.AdminPassword,
		TLS: true, CAFile: server.CAFile}
}

func connect(t *testing.T, server *servers.MySQL, database string) *sql.DB {
	t.Helper()
	db, err := people.ConnectMySQL(t.Context(), config(server, database))
	return closing(t, db, err)
}

func newDatabase(t *testing.T, server *servers.MySQL, charset, collation string) string {
	t.Helper()
	name := newName("test")
	exec(t, connect(t, server, ""), "CREATE DATABASE "+name+" CHARACTER SET "+charset+" COLLATE "+collation)
	return name
}

// admin returns the function with which Provision connects.
func admin(server *servers.MySQL) func(context.Context, string) (*sql.DB, error) {
	return func(ctx context.Context, database string) (*sql.DB, error) {
		return people.ConnectMySQL(ctx, config(server, database))
	}
}

func newApp() migrations.App {
	return migrations.App{Database: newName("db"), User: newName("app"), Password: "secret-" + newName("p"), RequireTLS: true}
}

func mustProvision(t *testing.T, server *servers.MySQL, app migrations.App) []migrations.Migration {
	t.Helper()
	done, err := migrations.Provision(t.Context(), admin(server), app)
	if err != nil {
		t.Fatalf("Provision: %v", err)
	}
	return done
}

// login tries to connect as the application.
func login(t *testing.T, server *servers.MySQL, app migrations.App, tls bool) error {
	t.Helper()
	c := config(server, app.Database)
	c.User, c.Password, c.TLS = app.User, app.Password, tls
	db, err := people.ConnectMySQL(t.Context(), c)
	if err == nil {
		_ = db.Close()
	}
	return err
}

// privileges returns all that the account may, each as "schema.table PRIVILEGE".
func privileges(t *testing.T, db *sql.DB, app migrations.App) []string {
	t.Helper()
	host := app.Host
	if host == "" {
		host = "%"
	}
	account := "'" + app.User + "'@'" + host + "'"
	list := column(t, db, `SELECT CONCAT('*.* ', privilege_type) FROM information_schema.user_privileges WHERE grantee = ?
		UNION ALL SELECT CONCAT(table_schema, '.* ', privilege_type) FROM information_schema.schema_privileges WHERE grantee = ?
		UNION ALL SELECT CONCAT(table_schema, '.', table_name, ' ', privilege_type) FROM information_schema.table_privileges WHERE grantee = ?`,
		account, account, account)
	slices.Sort(list)
	return list
}

func wantPrivileges(app migrations.App) []string {
	// The audit trail is only added to.
	want := []string{"*.* USAGE", app.Database + ".goose_people SELECT", app.Database + ".audit SELECT",
		app.Database + ".audit INSERT"}
	for _, p := range []string{"DELETE", "INSERT", "SELECT", "UPDATE"} {
		want = append(want, app.Database+".people "+p, app.Database+".words "+p,
			app.Database+".sessions "+p, app.Database+".accounts "+p,
			app.Database+".tokens "+p)
	}
	slices.Sort(want)
	return want
}

func provision(t *testing.T, server *servers.MySQL) {
	root := connect(t, server, "")

	t.Run("provision from nothing, and again", func(t *testing.T) {
		app := newApp()
		if done := mustProvision(t, server, app); len(done) == 0 {
			t.Error("Provision of an empty server applied no migration")
		}
		if err := login(t, server, app, true); err != nil {
			t.Errorf("logging in as the application: %v", err)
		}
		if err := login(t, server, app, false); err == nil {
			t.Error("logging in without TLS: got no error")
		}
		if got, want := privileges(t, root, app), wantPrivileges(app); !slices.Equal(got, want) {
			t.Errorf("the application may %q, want %q", got, want)
		}
		got := column(t, root, "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = ? AND collation_name IS NOT NULL", app.Database)
		if !slices.Equal(got, []string{migrations.Collation}) {
			t.Errorf("columns have the collations %q, want %s", got, migrations.Collation)
		}
		for _, table := range tables(t, connect(t, server, app.Database), migrations.MySQL) {
			if !slices.ContainsFunc(wantPrivileges(app), func(p string) bool { return strings.HasPrefix(p, app.Database+"."+table+" ") }) {
				t.Errorf("the application has no privilege on table %s", table)
			}
		}
		if done := mustProvision(t, server, app); len(done) != 0 {
			t.Errorf("a second Provision applied %v", done)
		}
		if err := login(t, server, app, true); err != nil {
			t.Errorf("logging in after a second Provision: %v", err)
		}
	})

	t.Run("the password and the TLS rule change", func(t *testing.T) {
		app := newApp()
		mustProvision(t, server, app)
		old := app
		app.Password = `new '"\` + "`" + `; DROP DATABASE x -- ü %s ?`
		app.RequireTLS = false
		mustProvision(t, server, app)
		if err := login(t, server, old, true); err == nil {
			t.Error("logging in with the old password: got no error")
		}
		for _, tls := range []bool{true, false} {
			if err := login(t, server, app, tls); err != nil {
				t.Errorf("logging in with the new password (TLS: %v): %v", tls, err)
			}
		}
		app.RequireTLS = true
		mustProvision(t, server, app)
		if err := login(t, server, app, false); err == nil {
			t.Error("logging in without TLS, now required: got no error")
		}
	})

	t.Run("a session that takes backslashes as they are", func(t *testing.T) {
		app := newApp()
		app.Password = `back\slash 'quoted' \' \\`
		open := func(ctx context.Context, database string) (*sql.DB, error) {
			db, err := admin(server)(ctx, database)
			if err != nil {
				return nil, err
			}
			// The pool's idle connections get the mode, and those only are used.
			var conns []*sql.Conn
			for range 2 {
				conn, err := db.Conn(ctx)
				if err != nil {
					return nil, err
				}
				if _, err := conn.ExecContext(ctx, "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"); err != nil {
					return nil, err
				}
				conns = append(conns, conn)
			}
			for _, conn := range conns {
				_ = conn.Close()
			}
			db.SetMaxOpenConns(2)
			return db, nil
		}
		if _, err := migrations.Provision(t.Context(), open, app); err != nil {
			t.Fatalf("Provision: %v", err)
		}
		if err := login(t, server, app, true); err != nil {
			t.Errorf("logging in: %v", err)
		}
	})

	t.Run("privileges beyond the need go", func(t *testing.T) {
		for _, more := range []string{
			"GRANT SELECT ON *.* TO USER",
			"GRANT DROP ON DB.* TO USER",
			"GRANT ALTER ON DB.people TO USER",
			"GRANT UPDATE (version_id) ON DB.goose_people TO USER",
			"GRANT SELECT ON DB.people TO USER WITH GRANT OPTION",
		} {
			app := newApp()
			mustProvision(t, server, app)
			exec(t, root, strings.NewReplacer("USER", "'"+app.User+"'@'%'", "DB", app.Database).Replace(more))
			mustProvision(t, server, app)
			if got, want := privileges(t, root, app), wantPrivileges(app); !slices.Equal(got, want) {
				t.Errorf("after %q the application may %q, want %q", more, got, want)
			}
			if got := column(t, root, "SELECT column_name FROM information_schema.column_privileges WHERE grantee = ?", "'"+app.User+"'@'%'"); len(got) != 0 {
				t.Errorf("after %q the application may change columns %q", more, got)
			}
		}
	})

	t.Run("the user that prunes the audit trail", func(t *testing.T) {
		app := newApp()
		mustProvision(t, server, app)
		app.Pruner, app.PrunerPassword = newName("prune"), "secret of the pruner"
		mustProvision(t, server, app)
		pruner := app
		pruner.User, pruner.Password = app.Pruner, app.PrunerPassword
		if err := login(t, server, pruner, true); err != nil {
			t.Errorf("logging in: %v", err)
		}
		if err := login(t, server, pruner, false); err == nil {
			t.Error("logging in without TLS: got no error")
		}
		want := []string{"*.* USAGE", app.Database + ".audit DELETE", app.Database + ".audit INSERT",
			app.Database + ".audit SELECT", app.Database + ".goose_people SELECT"}
		if got := privileges(t, root, pruner); !slices.Equal(got, want) {
			t.Errorf("who prunes may %q, want %q", got, want)
		}
		exec(t, root, "GRANT UPDATE ON "+app.Database+".audit TO '"+app.Pruner+"'@'%'")
		mustProvision(t, server, app)
		if got := privileges(t, root, pruner); !slices.Equal(got, want) {
			t.Errorf("after more was granted, who prunes may %q, want %q", got, want)
		}
		if got, want := privileges(t, root, app), wantPrivileges(app); !slices.Equal(got, want) {
			t.Errorf("the application may %q, want %q", got, want)
		}
	})

	t.Run("a database that was there with another collation", func(t *testing.T) {
		app := newApp()
		app.Database = newDatabase(t, server, "latin1", "latin1_swedish_ci")
		if done := mustProvision(t, server, app); len(done) == 0 {
			t.Error("Provision applied no migration")
		}
		if err := migrations.CheckCollations(t.Context(), connect(t, server, app.Database)); err != nil {
			t.Errorf("CheckCollations: %v", err)
		}
	})

	t.Run("columns that compare otherwise are noticed", func(t *testing.T) {
		app := newApp()
		mustProvision(t, server, app)
		db := connect(t, server, app.Database)
		exec(t, db, "ALTER TABLE people MODIFY name_key VARCHAR(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL")
		wantError(t, "CheckCollations", migrations.CheckCollations(t.Context(), db), "people.name_key (utf8mb4_general_ci)")
		exec(t, db, "ALTER TABLE words CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
		wantError(t, "CheckCollations", migrations.CheckCollations(t.Context(), db),
			"people.name_key (utf8mb4_general_ci), words.person_id (utf8mb4_general_ci), words.word (utf8mb4_general_ci)",
			"ALTER TABLE people CONVERT", "; ALTER TABLE words CONVERT")
	})

	t.Run("many at once", func(t *testing.T) {
		app := newApp()
		var applied atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				done, err := migrations.Provision(t.Context(), admin(server), app)
				if err != nil {
					t.Errorf("Provision among others: %v", err)
				}
				applied.Add(int64(len(done)))
			})
		}
		wg.Wait()
		all, err := migrations.Status(t.Context(), connect(t, server, app.Database), migrations.MySQL, migrations.People)
		if err != nil || applied.Load() != int64(len(all)) {
			t.Errorf("together they applied %d migrations, want %d; error %v", applied.Load(), len(all), err)
		}
		if err := login(t, server, app, true); err != nil {
			t.Errorf("logging in: %v", err)
		}
	})

	t.Run("a host of its own", func(t *testing.T) {
		app := newApp()
		app.Host = "127.0.0.1"
		mustProvision(t, server, app)
		if err := login(t, server, app, true); err != nil {
			t.Errorf("logging in: %v", err)
		}
		if got, want := privileges(t, root, app), wantPrivileges(app); !slices.Equal(got, want) {
			t.Errorf("the application may %q, want %q", got, want)
		}
	})

	t.Run("refused before anything is done", func(t *testing.T) {
		for name, change := range map[string]func(*migrations.App){
			"database name":      func(a *migrations.App) { a.Database = "a`b" },
			"empty database":     func(a *migrations.App) { a.Database = "" },
			"long database name": func(a *migrations.App) { a.Database = strings.Repeat("d", 65) },
			"user name":          func(a *migrations.App) { a.User = "a'b" },
			"long user name":     func(a *migrations.App) { a.User = strings.Repeat("u", 33) },
			"host":               func(a *migrations.App) { a.Host = "%' IDENTIFIED BY 'x" },
			"empty password":     func(a *migrations.App) { a.Password = "" },
			"NUL in password":    func(a *migrations.App) { a.Password = "hidden\x00thing" },
			"who prunes": func(a *migrations.App) {
				a.Pruner, a.PrunerPassword = "a'b", "x"
			},
			"who prunes is the app": func(a *migrations.App) {
				a.Pruner, a.PrunerPassword = a.User, "x"
			},
			"broken password": func(a *migrations.App) { a.Password = "hidden\xff" },
		} {
			app := newApp()
			change(&app)
			open := func(context.Context, string) (*sql.DB, error) {
				t.Errorf("%s: Provision connected", name)
				return nil, context.Canceled
			}
			_, err := migrations.Provision(t.Context(), open, app)
			if err == nil {
				t.Errorf("%s: got no error", name)
			} else if strings.Contains(err.Error(), "hidden") || app.Password != "" && strings.Contains(err.Error(), app.Password) {
				t.Errorf("%s: the error holds the password: %v", name, err)
			}
		}
	})

	t.Run("the administrator is not the application's user", func(t *testing.T) {
		app := newApp()
		app.User = server.AdminUser
		_, err := migrations.Provision(t.Context(), admin(server), app)
		wantError(t, "Provision", err, "is the administrator")
		if _, err := root.Exec("SELECT 1"); err != nil {
			t.Errorf("the administrator afterwards: %v", err)
		}
	})

	t.Run("a refused statement does not show the password", func(t *testing.T) {
		// An administrator who may not create users.
		weak := migrations.App{User: newName("weak"), Password: "weak-password"}
		exec(t, root, "CREATE USER '"+weak.User+"'@'%' IDENTIFIED BY '"+weak.Password+"'")
		app := newApp()
		exec(t, root, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON "+app.Database+".* TO '"+weak.User+"'@'%'")
		open := func(ctx context.Context, database string) (*sql.DB, error) {
			c := config(server, database)
			c.User, c.Password = weak.User, weak.Password
			return people.ConnectMySQL(ctx, c)
		}
		_, err := migrations.Provision(t.Context(), open, app)
		wantError(t, "Provision", err, "creating database user "+app.User, "error 1227")
		if err != nil && (strings.Contains(fmt.Sprintf("%+v", err), app.Password) || strings.Contains(err.Error(), "IDENTIFIED")) {
			t.Errorf("the error holds the password: %v", err)
		}
	})

	t.Run("rules of the table people", func(t *testing.T) {
		app := newApp()
		mustProvision(t, server, app)
		peopleRules(t, connect(t, server, app.Database))
	})
}

func TestPeopleRulesSQLite(t *testing.T) {
	db, err := people.ConnectSQLite(t.Context(), t.TempDir()+"/test.db")
	db = closing(t, db, err)
	if _, err := migrations.Up(t.Context(), db, migrations.SQLite, migrations.People); err != nil {
		t.Fatal(err)
	}
	peopleRules(t, db)
}

// peopleRules checks what the table people itself refuses.
func peopleRules(t *testing.T, db *sql.DB) {
	insert := func(id string, age, state, name any) error {
		_, err := db.Exec(`INSERT INTO people (id, name, location, age, technology, receipt_hash, state, name_key, created_at, updated_at)
			VALUES (?, ?, 'l', ?, 't', 'h', ?, 'k', 0, 0)`, id, name, age, state)
		return err
	}
	for _, c := range []struct {
		doing string
		err   error
		ok    bool
	}{
		{"age 0", insert("a", 0, "submitting", "n"), true},
		{"the same id", insert("a", 0, "submitting", "n"), false},
		{"an id in the other case", insert("A", 130, "submitted", "n"), true},
		{"an id with an accent", insert("ä", 1, "deleting", "n"), true},
		{"age -1", insert("b", -1, "submitting", "n"), false},
		{"age 131", insert("c", 131, "submitting", "n"), false},
		{"no age", insert("d", nil, "submitting", "n"), false},
		{"another state", insert("e", 1, "gone", "n"), false},
		{"a state in the other case", insert("f", 1, "SUBMITTED", "n"), false},
		{"no name", insert("g", 1, "submitting", nil), false},
	} {
		if ok := c.err == nil; ok != c.ok {
			t.Errorf("%s: got error %v, want one: %v", c.doing, c.err, !c.ok)
		}
	}
}
