// Package dossier is the language and the rules of the application: people submit their details and files, and staff
// find them again.
//
// Service is the only code that writes. Every entry point (page, API or command) calls it, so the promises below hold
// for all of them. Where to read on:
//
//   - what exists: person.go, fields.go, file.go, receipt.go, each with what makes it valid; content.go (what is
//     known about bytes), multipart.go (files in parts), errors.go (what may fail);
//   - what is required of the stores: stores.go. Three of them hold the data and share no transaction:
//     People (details, SQL), Catalog (one record per file) and Objects (the bytes);
//   - the two write paths: submission.go (a form, whose bytes pass through this program) and direct.go with
//     completion.go (a client that sends parts to the object store itself). What they share is in quota.go (reserve,
//     release), budget.go and networks.go (the limits for all people, in total and per day) and removal.go (discard,
//     give up, delete);
//   - what repairs anything left half-done: reconcile.go; what is removed automatically, and how much: ownerless.go and
//     brake.go, and undo.go to restore it;
//   - what happens when stored bytes change: damage.go (found and marked), twin.go (sent again), scrub.go (everything
//     is read again and again), custody.go (what is reported about it);
//   - what keeps malware from being handed out: scan.go (the state of a file, and the one gate), scanning.go (who scans
//     when), infected.go (what happens to infected files);
//   - how people are found: words.go (the words of a text), indexing.go (how they are kept right);
//   - what is read: directory.go, file.go, archive.go; thumbnail.go, which shows pictures.
//
// The package imports no store, no web framework and no SDK. Stores and the web package import it, never the other way
// round.
//
// What Service promises:
//
//   - a file record in state FileStored has its object, with that size and checksum, and its person. If a store lost
//     or changed an object since, no complete response of this program contains it, the scrub finds it and marks the
//     record, and the same file sent again takes its place;
//   - an object under ObjectPrefix has a record. One that has none is removed an age after it was first seen so, and
//     only if few are: otherwise a person is asked;
//   - if a scanner is configured, a file is not handed out until the scanner found nothing in the whole of it, except
//     to those whom the settings name;
//   - nothing that was acknowledged is lost, until it is deleted on purpose, or some time after malware was found in
//     it;
//   - nothing that was not acknowledged stays forever;
//   - no person has more files or bytes than Limits allows, however many come at once, nor all together more than
//     Budget. Only copies that are known to be damaged do not count, for files of their name.
//
// A crash may leave the second and the fourth promise unkept for a while, or a removed file counted; Service.Reconcile
// repairs both. What was removed automatically is kept for a while, so that it can be put back.
package dossier

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"dossier.example/app/bounds"
)

// Service does everything that changes or reads the three stores. No promise depends on what it keeps between two
// calls, so any number of instances may serve the same stores. It is safe for concurrent use.
type Service struct {
	people  People
	catalog Catalog
	objects Objects
	limits  Limits
	// stall is how long a store may accept no byte of a file before it counts as unavailable.
	stall time.Duration
	// receiptLifetime is how long the receipt of a new person is valid; 0: forever.
	receiptLifetime time.Duration

	now func() time.Time
	log *slog.Logger
	// rereads is the only thing that is remembered between two calls: a limit of this instance alone.
	rereads  rereads
	scanning Scanning
	// waiting is signaled when a file that is to be scanned was stored.
	waiting chan struct{}
	// maker makes thumbnails; nil: none are made.
	maker PictureMaker
	// instance distinguishes this instance from others that serve the same stores.
	instance string
	// store and networks are what is held of the budgets.
	store    *account
	networks *networks
	fits     func(bytes int64) error
}

// Options are the parts of a Service that have useful defaults.
type Options struct {
	// Limits that are zero default to those of DefaultLimits.
	Limits Limits
	// Budget limits what the store accepts in total, and from one network in a day. Default: no limit.
	Budget Budget
	// Fits reports whether the stores have space for this many more bytes: ErrFull. Default: they have.
	Fits func(bytes int64) error
	// Scanning says who scans files for malware; default: nobody.
	Scanning Scanning
	// Stall is how long a store may accept no byte of a file that is being sent before the file fails with
	// ErrUnavailable. Default: bounds.StoreStall.
	Stall time.Duration
	// ReceiptLifetime is how long the receipt of a new person is valid; 0: forever.
	ReceiptLifetime time.Duration
	// Pictures makes thumbnails. Default: none are made.
	Pictures PictureMaker
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log receives what cannot be returned to any caller. Default: discarded.
	Log *slog.Logger
}

// New returns the service over three stores.
func New(people People, catalog Catalog, objects Objects, o Options) *Service {
	if o.Stall == 0 {
		o.Stall = bounds.StoreStall
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Fits == nil {
		o.Fits = func(int64) error { return nil }
	}
	s := &Service{people: people, catalog: catalog, objects: objects, limits: o.Limits.withDefaults(), stall: o.Stall,
		receiptLifetime: o.ReceiptLifetime, now: o.Now, log: o.Log, fits: o.Fits, maker: o.Pictures,
		scanning: o.Scanning.withDefaults(), waiting: make(chan struct{}, 1), instance: rand.Text()}
	s.store, s.networks = s.storeAccount(o.Budget), s.newNetworks(o.Budget)
	return s
}

// time returns the current time as the stores keep it: UTC, whole microseconds.
func (s *Service) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// cleanupTime limits the work that is done for a request after its own context has ended.
const cleanupTime = 10 * time.Second

// detached returns a context that outlives ctx by at most cleanupTime, for cleaning up after a cancelled request.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
}
