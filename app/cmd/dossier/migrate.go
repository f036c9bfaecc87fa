package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/backup"
	"dossier.example/app/config"
	"dossier.example/app/migrations"
	"dossier.example/app/people"
)

func (p *program) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Update the database schema to this release, or show its state",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var wait time.Duration
	up := &cobra.Command{
		Use:   "up",
		Short: "Apply missing migrations; as administrator, also create the database and the app's user",
		Long: `Apply missing migrations. It is safe to run at any time, even several times at once.

If DOSSIER_DB_ADMIN_USER is set, the command connects as that user, creates the database if it does not exist, applies
the migrations, creates the app's own user with only the privileges that the app needs, and sets that user's password to
DOSSIER_DB_PASSWORD. With DOSSIER_DB_ADMIN_PRUNE_PASSWORD it creates the user of "dossier audit prune" as well.
Otherwise it connects as the app's own user, who must be allowed to change the schema.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if wait < 0 {
				return fmt.Errorf("--wait %s: enter a time of 0 or more, such as 5m", wait)
			}
			return p.migrateUp(c.Context(), wait)
		},
	}
	up.Flags().DurationVar(&wait, "wait", 0,
		"how long to wait for a database that does not respond yet, for example 5m")
	c.AddCommand(up, &cobra.Command{
		Use:   "status",
		Short: "List the migrations and when each was applied; exit with 1 if any is missing",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return p.migrateStatus(c.Context()) },
	})
	return c
}

func (p *program) migrateUp(ctx context.Context, wait time.Duration) error {
	cfg, log, err := p.load(ctx, config.Migrate)
	if err != nil {
		return err
	}
	var applied []migrations.Migration
	until := time.Now().Add(wait)
	for {
		applied, err = migrateOnce(ctx, cfg)
		if err == nil || !mayPass(err) || !time.Now().Before(until) {
			break
		}
		log.Info("the database does not respond yet", "left", time.Until(until).Round(time.Second), "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(2*time.Second, time.Until(until))):
		}
	}
	for _, m := range applied {
		fmt.Fprintln(p.stdout, "applied", m.Name)
	}
	if err != nil {
		return err
	}
	if len(applied) == 0 {
		fmt.Fprintln(p.stdout, "the schema is up to date")
	}
	return nil
}

// migrateOnce applies what is missing, by the way that the settings ask for.
func migrateOnce(ctx context.Context, cfg *config.Config) ([]migrations.Migration, error) {
	if !cfg.People.Embedded() && cfg.People.AdminUser != "" {
		open := func(ctx context.Context, database string) (*sql.DB, error) {
			return connectSchema(ctx, cfg, cfg.People.AdminUser, cfg.People.AdminPassword, database)
		}
		return migrations.Provision(ctx, open, migrations.App{
			Database: cfg.People.Name, User: cfg.People.User, Password: cfg.People.Password.Reveal(),
			RequireTLS: cfg.People.TLS == config.TLSVerify,
			Pruner:     cfg.People.PruneUser, PrunerPassword: cfg.People.PrunePassword.Reveal(),
		})
	}
	if err := mayMakePeople(ctx, cfg); err != nil {
		return nil, err
	}
	db, dialect, err := openSchema(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return migrations.Up(ctx, db, dialect, migrations.People)
}

// mayMakePeople refuses a data folder that lost its store of people: an empty one in its place would look as if
// everybody had been deleted. Which of the other stores are embedded is not read here, so a folder whose people are
// there is not judged by them.
func mayMakePeople(ctx context.Context, cfg *config.Config) error {
	if !cfg.People.Embedded() {
		return nil
	}
	there, err := peopleThere(cfg)
	switch {
	case err != nil:
		return err
	case !there:
		return backup.Check(ctx, cfg.Data, backup.Parts{People: true, Catalog: true, Objects: true})
	}
	return backup.Unfinished(cfg.Data)
}

// mayPass reports whether waiting can help: the server cannot be reached or is not ready, or is read-only, as after a
// failover, or somebody uses the table, as the change does of a run that was ended. A login that it refuses stays
// refused.
func mayPass(err error) bool {
	if refusal, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch refusal.Number {
		case 1044, 1045: // ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR
			return false
		case 1205: // ER_LOCK_WAIT_TIMEOUT
			return true
		}
	}
	return errors.Is(err, dossier.ErrUnavailable) || errors.Is(err, driver.ErrBadConn)
}

// openSchema connects to the database whose schema is asked about, as the app's own user.
func openSchema(ctx context.Context, cfg *config.Config) (*sql.DB, migrations.Dialect, error) {
	if cfg.People.Embedded() {
		db, err := people.ConnectSQLite(ctx, peopleFile(cfg))
		return db, migrations.SQLite, err
	}
	db, err := connectSchema(ctx, cfg, cfg.People.User, cfg.People.Password, cfg.People.Name)
	return db, migrations.MySQL, err
}

func connectSchema(ctx context.Context, cfg *config.Config, user string, password config.Secret,
	database string) (*sql.DB, error) {
	c := mysqlConfig(cfg, user, password, database)
	c.Migrates = true
	return people.ConnectMySQL(ctx, c)
}

func (p *program) migrateStatus(ctx context.Context) error {
	cfg, _, err := p.load(ctx, config.Migrate)
	if err != nil {
		return err
	}
	if err := existingPeople(cfg); err != nil {
		return err
	}
	db, dialect, err := openSchema(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := migrations.Status(ctx, db, dialect, migrations.People)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, m := range all {
		name, when := m.Name, "missing"
		if name == "" {
			name = "(from a later release)"
		}
		if !m.AppliedAt.IsZero() {
			when = m.AppliedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", m.Version, when, name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var behind *migrations.BehindError
	if err := migrations.Check(ctx, db, dialect, migrations.People); errors.As(err, &behind) {
		return err
	} else if err != nil {
		return fmt.Errorf("check the schema: %w", err)
	}
	return nil
}
