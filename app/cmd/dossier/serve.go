package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/bounds"
	"dossier.example/app/config"
	"dossier.example/app/issuer"
	"dossier.example/app/staff"
	"dossier.example/app/web"
)

func (p *program) serveCommand() *cobra.Command {
	var despite bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the pages",
		Long: `Serve the pages until SIGTERM or Ctrl-C.

Without any settings, everything is kept in the folder ./data and served on http://localhost:8080. See
"dossier settings".

Embedded stores are checked at the start: no database may be malformed or missing, and records, objects and people must
match. If much is missing, the server refuses to start, because such a folder is usually a copy made while in use. It
also refuses if the staff secret is missing while there are accounts.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.serve(c.Context(), despite) },
	}
	c.Flags().BoolVar(&despite, "despite-losses", false,
		"serve an incomplete data folder as it is; a missing store starts empty, and a lost staff secret is made anew")
	return c
}

// collectAt is how much the heap may grow between two garbage collections, in percent (GOGC). What is alive in this
// program is mostly the parts of files on their way to S3, a few MiB each; to let them double, as is Go's default,
// costs small instances more than collecting sooner does: little garbage is made per byte.
const collectAt = 50

// collectAfter is how many bytes at least are allocated between two garbage collections where files are in a folder:
// little is alive then, and many small submissions would be collected after all the time. Go has no setting for that,
// but memory that is only held counts as alive, and the system gives none until it is written to. With S3, the parts of
// files that are alive come on top, and with them more garbage.
const collectAfter = 16 << 20

func (p *program) serve(ctx context.Context, despite bool) (err error) {
	cfg, log, err := p.load(ctx, config.Serve)
	if err != nil {
		return err
	}
	slog.SetDefault(log) // for what libraries log
	if _, set := p.lookup("GOGC"); !set {
		debug.SetGCPercent(collectAt)
		// A limit would count what is held.
		if _, limited := p.lookup("GOMEMLIMIT"); !limited && cfg.Objects.Embedded() {
			defer runtime.KeepAlive(make([]byte, collectAfter*100/collectAt))
		}
	}
	listener, err := listen(ctx, cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	inspected, err := checkFolder(ctx, cfg, log, despite)
	if err != nil {
		return err
	}
	s, err := openStores(ctx, cfg)
	if err != nil {
		return err
	}
	whole := false
	defer func() {
		if err = errors.Join(err, s.close()); err == nil && whole {
			leaveFolder(cfg, log)
		}
	}()
	secret, generated, err := staffSecret(ctx, cfg, s.staff(cfg), log, despite)
	if err != nil {
		return err
	}
	svc := s.service(cfg, log)
	if whole, err = inspectFolder(ctx, svc, cfg, log, inspected, despite); err != nil {
		return err
	}
	origin := cfg.HTTP.Origin(listener.Addr())
	trail, err := audit.NewTrail(s.audit(cfg), audit.Options{Log: log})
	if err != nil {
		return err
	}
	options := webOptions(cfg, s, trail, origin, secret, log)
	if options.Issuer, err = openIssuer(cfg, log); err != nil {
		return err
	}
	pages, err := web.New(svc, options)
	if err != nil {
		return err
	}
	if err := recordStart(ctx, trail, cfg); err != nil {
		return err
	}
	// Requests run under a context that ends only when the patience for them does, not with the first signal.
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       bounds.KeepAlive,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	var running sync.WaitGroup
	running.Go(func() { trail.Keep(background, s.pruneDaily(cfg, log)) })
	running.Go(func() { writeWords(background, svc, log) })
	running.Go(func() { svc.KeepJobs(background, pages) })
	running.Go(func() { reconcileLoop(background, svc, cfg, log) })
	running.Go(func() { svc.Scrub(background, dossier.ScrubOptions(cfg.Scrub)) })
	running.Go(func() { svc.Scan(background) })
	running.Go(func() { metricsLoop(background, svc, pages.Load, log) })
	running.Go(func() { s.space.Keep(background, log) })
	defer running.Wait()
	defer stopBackground()

	log.Info("starting", "version", buildVersion())
	log.Debug("settings", "settings", cfg)
	fmt.Fprintf(p.stdout, "Dossier is at %s\n", origin)
	if generated && !cfg.Staff.Issuer.Only {
		administered, err := options.Staff.Administered(ctx)
		if err != nil {
			return fmt.Errorf("look for an administrator: %w", err)
		}
		if administered {
			fmt.Fprintf(p.stdout, "Staff sign in at %s/staff/sign-in\n", origin)
		} else {
			fmt.Fprintf(p.stdout, "Make the first administrator at %s/staff/sign-in?next=/staff/first#key=%s\n", origin,
				url.PathEscape(secret))
		}
	}
	failed := make(chan error, 1)
	running.Go(func() { failed <- server.Serve(listener) })
	if p.listening != nil {
		p.listening(listener.Addr())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping", "drain", cfg.Timeouts.Drain, "patience", cfg.Timeouts.Shutdown)
	pages.Drain()
	select {
	case <-time.After(cfg.Timeouts.Drain):
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	}
	if !shutdown(requests, server, cfg.Timeouts.Shutdown) {
		log.Warn("requests are still running; stopping them now")
		abort()
		// Handlers see their context end and clean up; the bound is theirs plus a little.
		if !shutdown(context.WithoutCancel(ctx), server, 15*time.Second) {
			_ = server.Close()
		}
	}
	stopBackground()
	giveBack(ctx, svc, log)
	log.Info("stopped")
	return nil
}

// giveBack gives back what a service holds of the budgets, when nothing uses it any more.
func giveBack(ctx context.Context, svc *dossier.Service, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := svc.Close(ctx); err != nil {
		log.Warn("a part of the budget stays counted until the next sweep", "err", err)
	}
}

// shutdown lets the server finish its requests within that time, and reports whether it did.
func shutdown(ctx context.Context, server *http.Server, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return server.Shutdown(ctx) == nil
}

// webOptions returns what the site is told by the settings and the stores.
func webOptions(cfg *config.Config, s *stores, trail *audit.Trail, origin, secret string,
	log *slog.Logger) web.Options {
	return web.Options{
		PublicURL:       origin,
		OriginOfRequest: cfg.HTTP.PublicURL == "",
		StaffSecret:     secret,
		Staff:           s.staff(cfg),
		Trail:           trail,
		SessionLifetime: cfg.Staff.SessionLifetime,
		SessionIdle:     cfg.Staff.SessionIdle,
		IssuerOnly:      cfg.Staff.Issuer.Only,
		PlainPasswords:  cfg.Staff.PlainPasswords,
		TrustedProxies:  cfg.HTTP.TrustedProxies,
		SubmitRate:      webRate(cfg.Rates.Submissions),
		SignInRate:      webRate(cfg.Rates.SignIns),
		RegisterRate:    webRate(cfg.Rates.Registrations),
		AnnounceRate:    webRate(cfg.Rates.Announcements),
		SignRate:        webRate(cfg.Rates.Signatures),
		Bounds:          cfg.Bounds,
		Full:            s.full,
		HSTSSubdomains:  cfg.HTTP.HSTSSubdomains,
		APIOrigins:      cfg.HTTP.APIOrigins,
		NoLinks:         !cfg.Objects.Links,
		Parts:           s.parts,
		PartsOrigin:     s.partsOrigin,
		IdleTimeout:     cfg.Timeouts.Idle,
		KeepInfected:    cfg.Scan.KeepInfected,
		TrashTime:       cfg.Reconcile.KeepTrash,
		BodyTimeout:     cfg.Timeouts.Upload,
		Ready:           s.ready,
		Log:             log,
		Version:         buildVersion(),
		Settings:        webSettings(cfg),
	}
}

// webSettings returns the settings in force, for administrators.
func webSettings(cfg *config.Config) []web.Setting {
	var all []web.Setting
	for _, one := range cfg.InForce() {
		all = append(all, web.Setting(one))
	}
	return all
}

// openIssuer returns the issuer that staff sign in with; nil: there is none. It is asked when somebody signs in, so the
// server starts without it.
func openIssuer(cfg *config.Config, log *slog.Logger) (web.Issuer, error) {
	o := cfg.Staff.Issuer
	if o.URL == "" {
		return nil, nil
	}
	grants := func(all []config.Grant) (grants []issuer.Grant) {
		for _, g := range all {
			grants = append(grants, issuer.Grant{To: g.To, Role: staff.Role(g.Role)})
		}
		return grants
	}
	return issuer.New(issuer.Options{
		URL: o.URL, Name: o.Name, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), Scopes: o.Scopes,
		Contexts: o.Contexts, Methods: o.Methods, RoleClaim: o.RoleClaim, Roles: grants(o.Roles),
		Allow: grants(o.Allow), Log: log,
	})
}

func webRate(r config.Rate) web.Rate {
	return web.Rate{PerMinute: float64(r.PerMinute), Burst: r.Burst}
}

// listen opens the port, with a message that helps when it cannot be had.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on %s: another program uses this port; stop it, or set DOSSIER_LISTEN to "+
			"another, for example localhost:8081", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen on %s: the current user may not use this port; set DOSSIER_LISTEN to a port "+
			"above 1023",
			address)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w; set DOSSIER_LISTEN to an address of this machine", address, err)
	}
	return l, nil
}
