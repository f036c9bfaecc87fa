// Package web is Dossier's face to browsers and programs: the form, the receipt, the staff's pages and downloads, and
// the JSON API, over dossier.Service. It decides nothing about people and files; it reads requests within bounds, calls
// the service, and turns what comes back into pages and statuses. Only cmd/dossier imports it.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// Options is what New needs beside the service. A zero duration or size means the default.
type Options struct {
	// PublicURL is the origin at which people reach the site, as "https://dossier.example". Links that leave the site
	// are made of it. With https, cookies are Secure and HSTS is sent.
	PublicURL string
	// OriginOfRequest: nobody said at which address people reach the site, and PublicURL is only a guess. Links that
	// leave the site are then made of the Host of the request that is answered with them.
	OriginOfRequest bool
	// StaffSecret is what staff sign in with. Session keys derive from it: changing it ends all sessions. Required.
	StaffSecret string
	// HSTSSubdomains extends HSTS to the sub-domains of the site's host: each must be reached by https alone.
	HSTSSubdomains bool
	// TrustedProxies are the peers whose X-Forwarded-For is believed. Empty: nobody's.
	TrustedProxies []netip.Prefix
	// SubmitRate bounds POST /submissions, and SignInRate wrong keys at POST /staff/sign-in, each by client address.
	SubmitRate, SignInRate Rate
	// RegisterRate, AnnounceRate and SignRate bound what the API is asked for: persons, files and signatures of parts,
	// each by client address.
	RegisterRate, AnnounceRate, SignRate Rate
	// Bounds are what may run at once. Default: bounds.Default.
	Bounds bounds.Bounds
	// Full returns the names of the other bounds on all clients that are reached; nil: there are none.
	Full func() []string
	// APIOrigins are the origins of other sites whose pages may use the API, as browsers write them. Empty: none.
	APIOrigins []string
	// SignatureLifetime is how long a signed request for a part can be used. A store looks at it when the part begins
	// to arrive. Default 15 minutes.
	SignatureLifetime time.Duration
	// LinkLifetime is how long the link can be used by which a download is taken from the object store itself, where
	// that has any. A store looks at it when a request begins. Default 5 minutes: enough for a browser to go on after a
	// short break, and for clocks that differ.
	LinkLifetime time.Duration
	// NoLinks has all downloads pass through this server, for object stores that browsers do not reach.
	NoLinks bool
	// Parts takes parts where the object store is embedded. nil: signed requests do not lead here.
	Parts PartReceiver
	// PartsOrigin is the origin to which signed requests lead where they do not lead here, as
	// "https://bucket.s3.eu-west-1.amazonaws.com": pages that send files are allowed to connect to it. Empty: none.
	PartsOrigin string
	// IdleTimeout is how long a client may send, or take, no byte. Default 30 seconds.
	IdleTimeout time.Duration
	// BodyTimeout is how long the body of one request may take in all. Default 6 hours: 5 GiB at 2 Mbit/s.
	BodyTimeout time.Duration
	// DrainBytes and DrainTime bound how much of a refused request's body is read and dropped, so that the refusal
	// reaches a browser that sends its whole body before it reads. Default 1 GiB and 30 seconds.
	DrainBytes int64
	DrainTime  time.Duration
	// KeepInfected is how long a file stays in which malware was found, as pages tell it; 0: nothing is told.
	KeepInfected time.Duration
	// Ready checks the stores by name; nil errors are healthy. It must keep to the deadline of ctx. nil: nothing to
	// check.
	Ready func(ctx context.Context) map[string]error
	// Log receives one line per request. Default: discarded.
	Log *slog.Logger
	// Version is shown to staff by /readyz.
	Version string
	// Now is the clock of sessions and rate limits; default time.Now.
	Now func() time.Time
}

// Server answers all requests. The http.Server around it must leave ReadTimeout and WriteTimeout at zero, because both
// would cut long uploads and downloads that make progress, and should set ReadHeaderTimeout and IdleTimeout: bodies are
// timed here, byte by byte.
type Server struct {
	svc      *dossier.Service
	o        Options
	echo     *echo.Echo
	pages    pages
	assets   *assets
	sessions *sessions
	origins  *http.CrossOriginProtection
	address  func(*http.Request) string
	document apiDocument
	// makers bounds how many thumbnails are made.
	makers *turns
	health health
	gates  gates
	// guesses counts the wrong keys of each client; nil: nobody counts.
	guesses *limiter
	// completing has one completion of a file run at a time.
	completing single
	draining   atomic.Bool
	log        *slog.Logger
	now        func() time.Time
	https      bool
	// uploadPolicy is the Content-Security-Policy of pages that send files.
	uploadPolicy string
	// formWindow is the time over which the rate of a form's body is an average.
	formWindow time.Duration
	// mostBytes is the Content-Length of the largest form that could be taken whole.
	mostBytes int64
}

// New returns a server over svc. Its error names the option that is wrong.
func New(svc *dossier.Service, o Options) (*Server, error) {
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = 6 * time.Hour
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
		(origin.Path != "" && origin.Path != "/") || origin.RawQuery != "" || origin.Fragment != "" || origin.User != nil {
		return nil, fmt.Errorf("web: the public URL %q must be an origin, such as https://dossier.example", o.PublicURL)
	}
	o.PublicURL = origin.Scheme + "://" + origin.Host
	if o.StaffSecret == "" {
		return nil, errors.New("web: the staff secret is empty")
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
		mostBytes: mostBytes(svc.Limits()), uploadPolicy: uploadPolicy(o.PartsOrigin),
	}
	if s.assets, err = loadAssets(embedded); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.pages, err = loadPages(embedded, s.assets); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.document, err = loadDocument(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.sessions, err = newSessions(o.StaffSecret, s.https, o.Now); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.origins = http.NewCrossOriginProtection()
	// Behind a proxy that changes Host, the site's own origin would look foreign.
	if err := s.origins.AddTrustedOrigin(o.PublicURL); err != nil {
		return nil, fmt.Errorf("web: public URL: %w", err)
	}
	if o.SignInRate.PerMinute > 0 {
		s.guesses = newLimiter(o.SignInRate)
	}
	s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Drain makes /readyz answer 503 from now on, so that a load balancer sends nobody new while what runs is finished.
func (s *Server) Drain() { s.draining.Store(true) }
