// Package dossier is the language and the rules of the application: people submit their details and files, staff
// find them again.
//
// It holds the types (Person, File, Receipt), what makes them valid, and Service, the only code that writes: its
// write paths (intake.go, direct.go), removal (removal.go) and reconciliation (reconcile.go). Every way in, be it a page, an API or
// a command, calls Service, so the promises below hold whichever way was taken.
//
// Three stores hold the data and none shares a transaction with another: People (details, SQL), Catalog (one record
// per file) and Objects (the bytes). The package declares what it needs of each (stores.go) and imports no store, no web
// framework and no SDK. Stores and the web package import it, never the other way round.
//
// What Service promises:
//
//   - a file record in state FileStored has its object, with that size and checksum, and its person;
//   - no object lies under ObjectPrefix without a record;
//   - nothing that was acknowledged is lost, until it is deleted on purpose;
//   - nothing that was not acknowledged stays for ever;
//   - no person has more files or bytes than Limits allows, however many come at once.
//
// A crash may leave a promise of the second and fourth kind unkept for a while, or count a file that is gone; Service.Reconcile makes it
// whole.
package dossier

import (
	"context"
	"log/slog"
	"math"
	"time"
)

// Limits bounds what one submission, and one person, may carry.
type Limits struct {
	// FileBytes is the size of the largest file taken, in bytes.
	FileBytes int64
	// Files is the number of files taken in one form.
	Files int
	// PersonFiles is the number of files that one person may have, whichever way they came; those on their way count too. Zero: 20 full
	// forms, and 10,000 at least.
	PersonFiles int
	// PersonBytes is the number of bytes that these may have together. Zero: one form full of the largest files, and 250 GiB at least.
	PersonBytes int64
}

// DefaultLimits is what holds where the settings say nothing. 5 GiB is what S3 takes in one request
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html), hence the size that people expect to work.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = 5 << 30
	}
	if l.Files == 0 {
		l.Files = 50
	}
	if l.PersonFiles == 0 {
		l.PersonFiles = max(10_000, 20*l.Files)
	}
	if l.PersonBytes == 0 {
		full := int64(math.MaxInt64)
		if l.FileBytes <= full/int64(l.Files) {
			full = l.FileBytes * int64(l.Files)
		}
		l.PersonBytes = max(250<<30, full)
	}
	return l
}

// quota is what one person may have.
func (l Limits) quota() Quota { return Quota{Files: int64(l.PersonFiles), Bytes: l.PersonBytes} }

// Service does everything that changes or reads the three stores. It keeps no state of its own between two calls, so any number
// of instances may serve the same stores. It is safe for concurrent use.
type Service struct {
	people  People
	catalog Catalog
	objects Objects
	limits  Limits
	// stall is how long a store may take no byte of a file before it counts as unavailable.
	stall time.Duration
	now   func() time.Time
	log   *slog.Logger
}

// Options are the parts of a Service that have a sensible value of their own.
type Options struct {
	// Limits that are zero default to those of DefaultLimits.
	Limits Limits
	// Stall is how long a store may take no byte of a file that is being sent before the transfer is given up as
	// ErrUnavailable. Default 30 seconds.
	Stall time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log receives what no caller can be told any more. Default: discarded.
	Log *slog.Logger
}

// New returns the service over three stores.
func New(people People, catalog Catalog, objects Objects, o Options) *Service {
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{people: people, catalog: catalog, objects: objects, limits: o.Limits.withDefaults(), stall: o.Stall, now: o.Now, log: o.Log}
}

// Limits returns what one submission, and one person, may carry.
func (s *Service) Limits() Limits { return s.limits }

// time returns the current time as the stores keep it: UTC, whole microseconds.
func (s *Service) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// cleanupTime bounds the work that is done for a request after its own context has ended.
const cleanupTime = 10 * time.Second

// detached returns a context that outlives ctx by at most cleanupTime, for putting right what a cancelled request began.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}
