package main

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dossier.example/app/audit"
	"dossier.example/app/config"
	"dossier.example/app/people"
)

func (p *program) auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify, export or prune the audit trail",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(p.auditVerifyCommand(), p.auditExportCommand(), p.auditPruneCommand())
	return c
}

func (p *program) auditVerifyCommand() *cobra.Command {
	var seals []string
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check that no entry of the audit trail was changed or removed",
		Long: `Read the whole audit trail and check every hash, every chain and every seal. It only reads, and can run
beside servers.

It finds any entry that was changed, added to the past or removed, and any chain that was removed, as far as they were
sealed. It cannot find that the newest entries, which no seal covers yet, were removed from the end of a chain. Whoever
may change the whole table can also make all hashes and seals anew: to find that, keep the seals that servers log
("sealed the audit trail") elsewhere, and give the newest with --seal.

Changes that were begun and have no end are counted: a server stopped in the middle of them, or could not record how
they ended.

Exit status: 0 the trail is sound, 1 it could not be read, 3 it was tampered with.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.auditVerify(c.Context(), seals, asJSON) },
	}
	c.Flags().StringArrayVar(&seals, "seal", nil, "a seal that was logged, as NUMBER:HASH; may be repeated")
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as one line of JSON")
	return c
}

func (p *program) auditVerify(ctx context.Context, seals []string, asJSON bool) error {
	known, err := parseSeals(seals)
	if err != nil {
		return err
	}
	_, store, err := p.openAudit(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := audit.Verify(ctx, store, known)
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(p.stdout).Encode(r)
	} else {
		p.showAudit(r)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if r.Wrong > 0 {
		return exit{exitDamaged, errors.New("the audit trail is not what was entered: see the lines above and " +
			"docs/audit.md")}
	}
	return nil
}

// parseSeals reads the values of --seal.
func parseSeals(texts []string) (map[int64]audit.Hash, error) {
	seals := map[int64]audit.Hash{}
	for _, text := range texts {
		number, hash, _ := strings.Cut(text, ":")
		n, errNumber := strconv.ParseInt(number, 10, 64)
		h, errHash := audit.ParseHash(hash)
		if errNumber != nil || errHash != nil || n < 1 {
			return nil, fmt.Errorf("--seal %q: enter a seal as servers log it, a number, a colon and 64 hexadecimal "+
				"digits",
				text)
		}
		if other, there := seals[n]; there && other != h {
			return nil, fmt.Errorf("--seal: seal %d is given with two hashes", n)
		}
		seals[n] = h
	}
	return seals, nil
}

func (p *program) showAudit(r audit.Report) {
	for _, f := range r.Findings {
		fmt.Fprintf(p.stdout, "chain %s, entry %d: %s\n", f.Chain, f.Sequence, f.What)
	}
	if more := r.Wrong - len(r.Findings); more > 0 {
		fmt.Fprintf(p.stdout, "and %d more\n", more)
	}
	fmt.Fprintf(p.stdout, "%7d  entries in %d chains\n%7d  of them not sealed yet\n", r.Entries, r.Chains, r.Unsealed)
	if r.Pruned > 0 {
		fmt.Fprintf(p.stdout, "%7d  pruned\n", r.Pruned)
	}
	if r.Unfinished > 0 {
		fmt.Fprintf(p.stdout, "%7d  changes begun without an end\n", r.Unfinished)
	}
	if r.Seals > 0 {
		fmt.Fprintf(p.stdout, "Last of %d seals, made %s: %s\n", r.Seals, r.SealedAt.Format(time.RFC3339), r.LastSeal)
	}
	if r.Wrong == 0 {
		fmt.Fprintln(p.stdout, "The audit trail is sound.")
	}
}

func (p *program) auditExportCommand() *cobra.Command {
	var from, to string
	var asJSON bool
	q := audit.Query{}
	var action, result string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write entries of the audit trail as CSV",
		Long: `Write entries of the audit trail to standard output, the newest first, with everything that their
hashes are made of. The export is itself an entry.

Exit status: 0 everything was written, 1 it was not.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if q.From, err = parseTime("--from", from); err != nil {
				return err
			}
			if q.To, err = parseTime("--to", to); err != nil {
				return err
			}
			if q.Action = audit.Action(action); action != "" && !q.Action.Known() {
				return fmt.Errorf("--action %q: there is no such action; see docs/audit.md", action)
			}
			q.Result = audit.Result(result)
			return p.auditExport(c.Context(), q, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", "", "the first time that counts, for example 2026-11-01T00:00:00Z")
	f.StringVar(&to, "to", "", "the first time that does not count any more")
	f.StringVar(&action, "action", "", "only this action, for example person.view")
	f.StringVar(&result, "result", "", "only this result: allowed, refused, begun, done or failed")
	f.StringVar(&q.Actor, "actor", "", "only this account, by its ID; or shared, holder, nobody, program")
	f.StringVar(&q.Subject, "subject", "", "only this person, account or session, by its ID")
	f.BoolVar(&asJSON, "json", false, "write JSON lines instead")
	return c
}

func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q is not a time such as 2026-11-26T09:00:00Z", flag, text)
	}
	return at.UTC(), nil
}

func (p *program) auditExport(ctx context.Context, q audit.Query, asJSON bool) error {
	_, store, err := p.openAudit(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return recordCommand(ctx, store, audit.AuditExport, onCommandLine, func(*audit.Entry) error {
		w := csv.NewWriter(p.stdout)
		write := w.Write
		if asJSON {
			enc := json.NewEncoder(p.stdout)
			write = func(record []string) error {
				line := map[string]string{}
				for i, name := range audit.Columns {
					line[name] = record[i]
				}
				return enc.Encode(line)
			}
		} else if err := write(audit.Columns); err != nil {
			return fmt.Errorf("write the entries: %w", err)
		}
		for q.Limit = 500; ; {
			page, err := store.FindEntries(ctx, q)
			if err != nil {
				return err
			}
			for _, e := range page {
				if err := write(e.Record()); err != nil {
					return fmt.Errorf("write the entries: %w", err)
				}
			}
			if len(page) < q.Limit {
				break
			}
			q.After = audit.CursorOf(page[len(page)-1])
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return fmt.Errorf("write the entries: %w", err)
		}
		return nil
	})
}

func (p *program) auditPruneCommand() *cobra.Command {
	var olderThan time.Duration
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove old entries of the audit trail that are sealed",
		Long: `Remove the entries of the audit trail that were sealed longer ago than DOSSIER_AUDIT_RETENTION, or
--older-than. What is removed is entered in the chain of seals first, so that "dossier audit verify" tells it from
tampering. The trail is verified before; of a damaged one nothing is removed.

In MySQL it connects as DOSSIER_DB_ADMIN_PRUNE_USER, because the app's own user cannot remove entries; "dossier migrate
up" creates that user. Servers with an embedded store prune daily by themselves.

Exit status: 0 what is old was removed, 1 it could not be, 3 the trail was tampered with and nothing was removed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("older-than") {
				olderThan = -1
			} else if olderThan < 0 {
				return fmt.Errorf("--older-than %s: enter a time of 0 or more, such as 9600h", olderThan)
			}
			return p.auditPrune(c.Context(), olderThan)
		},
	}
	c.Flags().DurationVar(&olderThan, "older-than", 0, "how old a seal must be (default: DOSSIER_AUDIT_RETENTION)")
	return c
}

func (p *program) auditPrune(ctx context.Context, olderThan time.Duration) error {
	cfg, _, err := p.load(ctx, config.Migrate)
	if err != nil {
		return err
	}
	if olderThan < 0 {
		if olderThan = cfg.Staff.AuditRetention; olderThan == 0 {
			fmt.Fprintln(p.stdout, "nothing was removed: DOSSIER_AUDIT_RETENTION is 0, forever")
			return nil
		}
	}
	var store *people.Store
	if cfg.People.Embedded() {
		store, err = openEmbeddedAudit(ctx, cfg)
	} else {
		if cfg.People.PrunePassword == "" {
			return errors.New("set DOSSIER_DB_ADMIN_PRUNE_PASSWORD, and run dossier migrate up as administrator " +
				"once: the " +
				"app's own user cannot remove entries of the audit trail")
		}
		store, err = people.OpenMySQL(ctx, mysqlConfig(cfg, cfg.People.PruneUser, cfg.People.PrunePassword,
			cfg.People.Name))
	}
	if err != nil {
		return err
	}
	defer store.Close()
	now := time.Now()
	n, err := audit.Prune(ctx, store, store, now.Add(-olderThan), now)
	var damaged *audit.DamagedError
	switch {
	case errors.As(err, &damaged):
		return exit{exitDamaged, err}
	case err != nil:
		return err
	}
	fmt.Fprintf(p.stdout, "removed %d entries that were sealed more than %v ago\n", n, olderThan)
	return nil
}

// openAudit opens the store of the audit trail, as the app's own user.
func (p *program) openAudit(ctx context.Context) (*config.Config, *people.Store, error) {
	cfg, _, err := p.load(ctx, config.Reconcile) // which reads where the stores are
	if err != nil {
		return nil, nil, err
	}
	if cfg.People.Embedded() {
		store, err := openEmbeddedAudit(ctx, cfg)
		return cfg, store, err
	}
	store, err := openPeople(ctx, cfg)
	return cfg, store, err
}

// openEmbeddedAudit opens the store of a data folder, which must exist.
func openEmbeddedAudit(ctx context.Context, cfg *config.Config) (*people.Store, error) {
	if err := existingPeople(cfg); err != nil {
		return nil, err
	}
	return openPeople(ctx, cfg)
}

// onCommandLine is the detail of what is done there instead of on the site.
const onCommandLine = "on the command line"

// recordCommand records what a command does, before and after. The command completes the entry of how it ended.
func recordCommand(ctx context.Context, store audit.Store, action audit.Action, detail string,
	do func(*audit.Entry) error) error {
	trail, err := audit.NewTrail(store, audit.Options{})
	if err != nil {
		return err
	}
	e := audit.Entry{Actor: audit.Actor{ID: audit.Program}, Action: action, Result: audit.Begun, Detail: detail}
	if err := trail.Append(ctx, e); err != nil {
		return err
	}
	e.Result = audit.Done
	did := do(&e)
	if did != nil {
		e.Result = audit.Failed
	}
	return errors.Join(did, trail.Append(context.WithoutCancel(ctx), e))
}

// recordRestore enters in a restored trail that it is one: what it had since the point is not in it any more.
func recordRestore(ctx context.Context, data, point string) error {
	store, err := people.OpenSQLite(ctx, filepath.Join(data, peopleDatabase))
	if err != nil {
		return err
	}
	err = recordCommand(ctx, store, audit.StoresRestore, "backup "+point,
		func(*audit.Entry) error { return nil })
	return errors.Join(err, store.Close())
}

// recordStart records that an instance starts: which release, and with which settings, as a digest.
func recordStart(ctx context.Context, trail *audit.Trail, cfg *config.Config) error {
	h := sha256.New()
	for _, one := range cfg.InForce() {
		fmt.Fprintf(h, "%s=%q\n", one.Name, one.Value)
	}
	detail := fmt.Sprintf("settings %x, release %.80s", h.Sum(nil)[:8], buildVersion())
	return trail.Append(ctx, audit.Entry{Actor: audit.Actor{ID: audit.Program}, Action: audit.SettingsStart,
		Result: audit.Allowed, Detail: detail})
}

// pruneDaily returns what removes old entries from an embedded store; nil where another user has to.
func (s *stores) pruneDaily(cfg *config.Config, log *slog.Logger) func(context.Context) error {
	keep := cfg.Staff.AuditRetention
	if !cfg.People.Embedded() || keep == 0 {
		return nil
	}
	return func(ctx context.Context) error {
		now := time.Now()
		n, err := audit.Prune(ctx, s.audit(cfg), s.people, now.Add(-keep), now)
		if n > 0 {
			log.Info("removed old entries of the audit trail", "entries", n)
		}
		return err
	}
}
