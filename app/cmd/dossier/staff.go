package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/config"
	"dossier.example/app/staff"
)

func (p *program) staffCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "staff",
		Short: "List, invite and recover accounts of staff",
		Long: `List, invite and recover accounts of staff, on a machine that has the site's settings. Administrators do
the same, and more, at /staff/accounts; this command needs no account, so it helps when nobody can sign in. It can run
beside servers.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withAccounts(c.Context(), func(accounts *staff.Accounts, _ audit.Store, _ *config.Config) error {
				return p.listStaff(c.Context(), accounts)
			})
		},
	}
	var i staff.Invitation
	var role string
	invite := &cobra.Command{
		Use:   "invite --address ADDRESS --name NAME [--role ROLE]",
		Short: "Make an account, and print the link for its owner",
		Long: `Make an account, and print the link by which its owner sets a password and codes. The link works once,
for three days. For an account whose invitation was not accepted, a new link is made, and the former one ends.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withAccounts(c.Context(), func(accounts *staff.Accounts, trail audit.Store,
				cfg *config.Config) (err error) {
				if i.Role, err = staff.ParseRole(role); err != nil {
					return errors.New("--role is one of viewer, editor and administrator")
				}
				return p.linked(c.Context(), trail, audit.AccountInvite, cfg, staff.InvitationLifetime,
					func() (staff.Account, string, error) { return accounts.Invite(c.Context(), i) })
			})
		},
	}
	f := invite.Flags()
	f.StringVar(&i.Address, "address", "", "address of mail, with which the owner signs in")
	f.StringVar(&i.Name, "name", "", "name of the owner")
	f.StringVar(&role, "role", string(staff.Viewer), "viewer, editor or administrator")
	var toIssuer bool
	recover := &cobra.Command{
		Use:   "recover ADDRESS",
		Short: "Make an account an administrator's again, and print a link",
		Long: `Make an account an administrator's that is not suspended and signs in with a password, whatever it was,
and print the link by which its owner sets a new password and new codes. The link works once, for a day. All sessions
of the account end.

With --issuer, no link is printed: password and codes end, and the account belongs to whoever signs in next with the
site's issuer (DOSSIER_STAFF_ISSUER), if that has verified the address as theirs. It is for an account that was there
before the issuer, or that another issuer, or the same one after it was set up anew, knows by another subject.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withAccounts(c.Context(), func(accounts *staff.Accounts, trail audit.Store,
				cfg *config.Config) error {
				return p.recoverStaff(c.Context(), accounts, trail, cfg, args[0], toIssuer)
			})
		},
	}
	recover.Flags().BoolVar(&toIssuer, "issuer", false,
		"hand the account over to whoever owns its address at the issuer")
	c.AddCommand(list, invite, recover)
	return c
}

// withAccounts opens the accounts of the site, with the audit trail beside them, and closes them.
func (p *program) withAccounts(ctx context.Context, do func(*staff.Accounts, audit.Store,
	*config.Config) error) (err error) {
	cfg, log, err := p.load(ctx, config.Serve)
	if err != nil {
		return err
	}
	if err := existingPeople(cfg); err != nil {
		return err
	}
	store, err := openPeople(ctx, cfg)
	if err != nil {
		return fmt.Errorf("open the store of people: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	secret, _, err := staffSecret(ctx, cfg, store, log, false)
	if err != nil {
		return err
	}
	accounts, err := staff.NewAccounts(store, secret, staff.Options{Log: log})
	if err != nil {
		return err
	}
	return do(accounts, store, cfg)
}

func (p *program) listStaff(ctx context.Context, accounts *staff.Accounts) error {
	all, err := accounts.List(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(p.stdout, "There are no accounts. The link that \"dossier serve\" prints makes the first "+
			"administrator.")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tNAME\tROLE\tSTATE\tLAST SIGN-IN")
	for _, a := range all {
		last := "never"
		if !a.SignedInAt.IsZero() {
			last = a.SignedInAt.Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Address, a.Name, a.Role, a.State, last)
	}
	return w.Flush()
}

func (p *program) recoverStaff(ctx context.Context, accounts *staff.Accounts, trail audit.Store, cfg *config.Config,
	address string, toIssuer bool) error {
	if toIssuer && cfg.Staff.Issuer.URL == "" {
		return errors.New("--issuer: the site has no issuer that could sign anybody in; set DOSSIER_STAFF_ISSUER")
	}
	account, err := accounts.At(ctx, address)
	if errors.Is(err, dossier.ErrNotFound) {
		return fmt.Errorf("there is no account with the address %s: \"dossier staff list\" shows all, and \"dossier "+
			"staff "+
			"invite --role administrator\" makes one", address)
	}
	if err != nil {
		return err
	}
	if !toIssuer {
		return p.linked(ctx, trail, audit.AccountRecover, cfg, staff.ResetLifetime,
			func() (staff.Account, string, error) { return accounts.Recover(ctx, account.ID) })
	}
	err = p.linked(ctx, trail, audit.AccountRecover, cfg, 0, func() (staff.Account, string, error) {
		account, err := accounts.HandOver(ctx, account.ID)
		return account, "", err
	})
	if err == nil {
		fmt.Fprintf(p.stdout, "The account of %s belongs to whoever signs in next as %s at %s.\n", account.Name,
			account.Address, cfg.Staff.Issuer.URL)
	}
	return err
}

// linked makes an account, or a link for one, records that, and prints the link.
func (p *program) linked(ctx context.Context, trail audit.Store, action audit.Action, cfg *config.Config,
	lasts time.Duration, do func() (staff.Account, string, error)) error {
	var account staff.Account
	var link string
	err := recordCommand(ctx, trail, action, onCommandLine, func(e *audit.Entry) (err error) {
		if account, link, err = do(); err == nil {
			e.Subject = audit.Subject{Kind: audit.KindAccount, ID: account.ID.String()}
			e.Detail = string(account.Role) + ", " + onCommandLine
		}
		return err
	})
	if link != "" {
		// Also where its end could not be recorded: the account is changed, and nothing else has the link.
		p.printLink(cfg, account, link, lasts)
	}
	return explained(err)
}

// printLink prints a link for the owner of an account.
func (p *program) printLink(cfg *config.Config, account staff.Account, link string, lasts time.Duration) {
	fmt.Fprintf(p.stdout, "%s (%s) becomes %s by this link, which works once, for %d hours:\n%s/staff/invitation#%s\n",
		account.Name, account.Address, account.Role, int(lasts.Hours()), cfg.HTTP.Origin(nil), link)
}

// explained is an error with what its fields say.
func explained(err error) error {
	coded, ok := errors.AsType[*dossier.Error](err)
	if !ok || len(coded.Fields) == 0 {
		return err
	}
	var all []error
	for _, f := range coded.Fields {
		all = append(all, fmt.Errorf("--%s: %s", f.Field, f.Message))
	}
	return errors.Join(all...)
}
