// Package web is Dossier's interface to browsers and programs: the form, the receipt, the staff pages and downloads,
// and the JSON API, over dossier.Service. It decides nothing about people and files; it reads requests within limits,
// calls the service, and turns the results into pages and statuses. Only cmd/dossier imports it.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/bounds"
	"dossier.example/app/staff"
)

// Options is what New needs besides the service. A zero duration or size means the default.
type Options struct {
	// PublicURL is the origin at which people reach the site, such as "https://dossier.example". Links that leave the
	// site are built from it. With https, cookies are Secure and HSTS is sent.
	PublicURL string
	// OriginOfRequest means that no public URL is configured and PublicURL is only a guess. Links that leave the site
	// are then built from the Host of the request that they are returned to.
	OriginOfRequest bool
	// StaffSecret is what staff sign in with until an administrator is active. Session keys derive from it: changing it
	// ends all sessions. Required.
	StaffSecret string
	// Staff stores the accounts, the sessions and the personal tokens of staff. Required.
	Staff staff.Store
	// Trail records what staff do. Required.
	Trail *audit.Trail
	// SessionLifetime is how long a session lasts at most, SessionIdle how long without use. Default:
	// staff.DefaultLifetime and staff.DefaultIdle.
	SessionLifetime, SessionIdle time.Duration
	// Issuer is the OpenID Connect issuer that staff sign in with; nil: there is none. IssuerOnly: they sign in in no
	// other way.
	Issuer     Issuer
	IssuerOnly bool
	// PlainPasswords has passwords of accounts accepted over plain HTTP from other machines.
	PlainPasswords bool
	// HSTSSubdomains extends HSTS to the subdomains of the site's host: each must be reachable by https only.
	HSTSSubdomains bool
	// TrustedProxies are the peers whose X-Forwarded-For is trusted. Empty: nobody's.
	TrustedProxies []netip.Prefix
	// SubmitRate limits POST /submissions, and SignInRate wrong keys at POST /staff/sign-in and wrong
	// personal tokens, each per client address.
	SubmitRate, SignInRate Rate
	// RegisterRate, AnnounceRate and SignRate limit what the API is asked for: people, files and signatures of parts,
	// each per client address.
	RegisterRate, AnnounceRate, SignRate Rate
	// Bounds limit what may run at once. Default: bounds.Default.
	Bounds bounds.Bounds
	// Full returns the names of the other limits on all clients that have been reached; nil: there are none.
	Full func() []string
	// APIOrigins are the origins of other sites whose pages may use the API, as browsers write them. Empty: none.
	APIOrigins []string
	// SignatureLifetime is how long a signed request for a part is valid. A store checks it when the part begins to
	// arrive. Default 15 minutes.
	SignatureLifetime time.Duration
	// LinkLifetime is how long a link for a download directly from the object store is valid, if the store has such
	// links. A store checks it when a request begins. Default 5 minutes: enough for a browser to resume after a short
	// interruption, and for clocks that differ.
	LinkLifetime time.Duration
	// NoLinks makes all downloads pass through this server, for object stores that browsers cannot reach.
	NoLinks bool
	// Parts receives parts if the object store is embedded. nil: signed requests are not for this server.
	Parts PartReceiver
	// PartsOrigin is the origin of signed requests that are not for this server, such as
	// "https://bucket.s3.eu-west-1.amazonaws.com": pages that send files are allowed to connect to it. Empty: none.
	PartsOrigin string
	// IdleTimeout is how long a client may send, or accept, no byte; see pacedWriter for one that was quick. Default:
	// bounds.ClientIdle.
	IdleTimeout time.Duration
	// BodyTimeout is the maximum time for the body of one request. Default: bounds.BodyTime.
	BodyTimeout time.Duration
	// DrainBytes and DrainTime limit how much of a refused request's body is read and dropped, so that the refusal
	// reaches a browser that sends its whole body before it reads. Default 1 GiB and 30 seconds.
	DrainBytes int64
	DrainTime  time.Duration
	// TrashTime is how long what staff delete stays in the trash, as reconciliation has it; 0: it is deleted at once.
	TrashTime time.Duration
	// KeepInfected is how long a file in which malware was found is kept, as shown on pages; 0: nothing is shown.
	KeepInfected time.Duration
	// Ready checks the stores by name; nil errors are healthy. It must respect the deadline of ctx. nil: nothing to
	// check.
	Ready func(ctx context.Context) map[string]error
	// Log receives one line per request. Default: discarded.
	Log *slog.Logger
	// Version is shown to staff.
	Version string
	// Settings are those in force, as administrators are shown them.
	Settings []Setting
	// Now is the clock of sessions and rate limits; default time.Now.
	Now func() time.Time
}

// Server handles all requests. The http.Server around it must leave ReadTimeout and WriteTimeout at zero, because both
// would cut off long uploads and downloads that make progress, and should set ReadHeaderTimeout and IdleTimeout: this
// package itself times bodies, byte by byte.
type Server struct {
	svc *dossier.Service
	o   Options
	*fixed
	echo     *echo.Echo
	sessions *sessions
	pendings *pendings
	// accounts are the members of the staff.
	accounts *staff.Accounts
	origins  *http.CrossOriginProtection
	address  func(*http.Request) string
	// makers limits how many thumbnails are made at once.
	makers *turns
	health health
	gates  gates
	tokens *staff.Tokens
	// guesses counts the wrong keys of each client, and wrongTokens the wrong tokens; nil: they are not counted.
	guesses, wrongTokens *limiter
	// failures are the failed sign-ins, tokenFailures the wrong tokens, and previews what was recorded of previews.
	failures, tokenFailures *failures
	previews                previews
	// completing lets only one completion of a file run at a time.
	completing single
	draining   atomic.Bool
	log        *slog.Logger
	now        func() time.Time
	started    time.Time
	https      bool
	// uploadPolicy is the Content-Security-Policy of pages that send files.
	uploadPolicy string
	// formWindow is the time over which the rate of a form's body is averaged.
	formWindow time.Duration
	// handfuls counts the small files that forms hold.
	handfuls handfuls
	// mostBytes is the Content-Length of the largest form that can be accepted completely.
	mostBytes int64
}

// fixed is what all servers of a process have in common: the files, the templates and the document of this release.
type fixed struct {
	assets   *assets
	pages    pages
	document apiDocument
}

var loadFixed = sync.OnceValues(func() (f *fixed, err error) {
	f = &fixed{}
	if f.assets, err = loadAssets(embedded); err != nil {
		return nil, err
	}
	if f.pages, err = loadPages(embedded, f.assets); err != nil {
		return nil, err
	}
	f.document, err = loadDocument()
	return f, err
})

// New returns a server over svc. Its error names the invalid option.
func New(svc *dossier.Service, o Options) (*Server, error) {
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = bounds.ClientIdle
	}
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = bounds.BodyTime
	}
	if o.SignatureLifetime <= 0 {
		o.SignatureLifetime = 15 * time.Minute
	}
	if o.LinkLifetime <= 0 {
		o.LinkLifetime = 5 * time.Minute
	}
	if o.DrainBytes <= 0 {
		o.DrainBytes = 1 << 30
	}
	if o.DrainTime <= 0 {
		o.DrainTime = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Bounds == (bounds.Bounds{}) {
		o.Bounds = bounds.Default()
	}
	origin, err := url.Parse(o.PublicURL)
	if err != nil || (origin.Scheme != "http" && origin.Scheme != "https") || origin.Host == "" ||
		(origin.Path != "" && origin.Path != "/") || origin.RawQuery != "" || origin.Fragment != "" ||
		origin.User != nil {
		return nil, fmt.Errorf("web: the public URL %q must be an origin, such as https://dossier.example", o.PublicURL)
	}
	o.PublicURL = origin.Scheme + "://" + origin.Host
	if o.StaffSecret == "" {
		return nil, errors.New("web: the staff secret is empty")
	}
	if o.Staff == nil {
		return nil, errors.New("web: there is no store for the accounts and sessions of staff")
	}
	if o.IssuerOnly && o.Issuer == nil {
		return nil, errors.New("web: staff are to sign in with an issuer alone, and there is none")
	}
	if o.Trail == nil {
		return nil, errors.New("web: there is no audit trail")
	}
	for _, p := range o.TrustedProxies {
		if !p.IsValid() {
			return nil, errors.New("web: a trusted proxy is not a range of addresses")
		}
	}

	s := &Server{
		svc: svc, o: o, log: o.Log, now: o.Now, https: origin.Scheme == "https",
		address: clientAddress(o.TrustedProxies), health: health{check: o.Ready}, gates: newGates(o.Bounds),
		formWindow: bounds.FormWindow, makers: newTurns(bounds.PicturesWaiting, bounds.PicturesWaitingClient),
		mostBytes: mostBytes(svc.Limits()), failures: newFailures(), tokenFailures: newFailures(),
		uploadPolicy: uploadPolicy(o.PartsOrigin), started: o.Now(),
	}
	if s.fixed, err = loadFixed(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	all, err := staff.NewSessions(o.Staff, o.StaffSecret,
		staff.Options{Lifetime: o.SessionLifetime, Idle: o.SessionIdle,
			Now: o.Now, Log: o.Log})
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.accounts, err = staff.NewAccounts(o.Staff, o.StaffSecret, staff.Options{Now: o.Now, Log: o.Log}); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.sessions, err = newSessions(all, o.StaffSecret, s.https, o.Now); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.pendings, err = newPendings(o.StaffSecret, s.https, o.Now); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.tokens, err = staff.NewTokens(o.Staff, o.StaffSecret, staff.Options{Now: o.Now, Log: o.Log}); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.origins = http.NewCrossOriginProtection()
	// Behind a proxy that changes Host, the site's own origin would look foreign.
	if err := s.origins.AddTrustedOrigin(o.PublicURL); err != nil {
		return nil, fmt.Errorf("web: public URL: %w", err)
	}
	if o.SignInRate.PerMinute > 0 {
		s.guesses, s.wrongTokens = newLimiter(o.SignInRate), newLimiter(o.SignInRate)
	}
	s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Drain makes /readyz return 503 from now on, so that a load balancer sends no new requests while running ones finish.
func (s *Server) Drain() { s.draining.Store(true) }
