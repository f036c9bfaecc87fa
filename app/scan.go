package dossier

import (
	"context"
	"crypto/rand"
	"io"
	"time"
)

// ScanState is what is known of a stored file from a scanner for malware.
type ScanState string

const (
	// ScanWaiting: a scanner is to look at the file, and has not yet.
	ScanWaiting ScanState = "waiting"
	// ScanClean: a scanner looked at the whole file and found nothing.
	ScanClean ScanState = "clean"
	// ScanInfected: a scanner found malware. The file is handed out to nobody, and is removed after a while.
	ScanInfected ScanState = "infected"
	// ScanFailed: a scanner tried again and again, and could not say. It tries again when it is asked to.
	ScanFailed ScanState = "failed"
	// ScanNone: no scanner looked at the whole file: there was none at the time, or the file is too large, too deeply
	// nested or encrypted.
	ScanNone ScanState = "not_scanned"
)

// Scan is what is known of a file from a scanner, and who is at it.
type Scan struct {
	State ScanState
	// Detail says what was found, or why the scanner did not look at the whole. It is for staff, in the scanner's own
	// words: MaxScanDetail characters of printable ASCII at most.
	Detail string
	// At is when State was set. All times are UTC, whole microseconds.
	At time.Time
	// Tries is how often a scan began and came to no end.
	Tries int
	// Until is how long others leave the file to the instance that scans it, or when it is to be tried again; zero:
	// now.
	Until time.Time
	// Revision is another after every change: opaque, and never used twice.
	Revision string
}

// MaxScanDetail is the length of Scan.Detail at most.
const MaxScanDetail = 200

// Scanner looks at files for malware.
type Scanner interface {
	// Ping reports whether the scanner answers, and finds what it has to find; ErrUnavailable.
	Ping(ctx context.Context) error
	// Scan looks at a stored file. It may read the bytes from r, which opens the object with the first Read, or ask
	// somebody who has read the object of that key. Nothing else of the file is told to it. ErrUnavailable: nobody
	// could say, and the same call may succeed later. ErrIncomplete: whoever reads the object by himself has not yet;
	// a file that is older than 24 hours is then ScanNone.
	Scan(ctx context.Context, key string, r io.Reader) (Verdict, error)
}

// Verdict is what a scanner found.
type Verdict struct {
	// State is ScanClean, ScanInfected or ScanNone.
	State ScanState
	// Detail is that of Scan.
	Detail string
}

// Audience is who may have a file that no scanner found clean.
type Audience string

const (
	// ToNobody hands it out to nobody.
	ToNobody Audience = "nobody"
	// ToStaff hands it out to staff.
	ToStaff Audience = "staff"
	// ToAll hands it out to staff and to its submitter.
	ToAll Audience = "all"
)

// Scanning says who looks at files for malware, and what is handed out before somebody did.
type Scanning struct {
	// Scanner is nil where nobody looks: then everything is handed out but what was found to be infected before.
	Scanner Scanner
	// Pending is who may have a file that is ScanWaiting or ScanFailed, Unscanned who may have one that is ScanNone.
	// The default of both is ToNobody.
	Pending, Unscanned Audience
	// MaxBytes is the size of the largest file that the scanner is given; larger ones are ScanNone. Default 100 MiB.
	MaxBytes int64
	// Workers is how many files one instance scans at once; default 2.
	Workers int
	// Retry is the longest pause until waiting files are looked for again, and the first until a file is tried again.
	// Default 15 seconds.
	Retry time.Duration
}

func (o Scanning) withDefaults() Scanning {
	if o.MaxBytes == 0 {
		o.MaxBytes = 100 << 20
	}
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Retry == 0 {
		o.Retry = 15 * time.Second
	}
	return o
}

// ScanState returns what is known of the file from a scanner. A record that was put while there was none, or by a
// release that knew none, is ScanNone.
func (f File) ScanState() ScanState {
	if f.Scan == nil {
		return ScanNone
	}
	return f.Scan.State
}

// firstScan is the Scan of a new record: with it the file is waiting from the moment at which it is stored.
func (s *Service) firstScan() *Scan {
	if s.scanning.Scanner == nil {
		return nil
	}
	return &Scan{State: ScanWaiting, At: s.time(), Revision: rand.Text()}
}

// Scanned reports whether files are scanned for malware.
func (s *Service) Scanned() bool { return s.scanning.Scanner != nil }

// HandOut is the one place where it is decided whether a stored file is handed out, to ToStaff or to ToAll (to its
// submitter as well). All that hands out bytes, or says how to get them, asks it: Open, Link and Archive; and whoever
// answers without them, as a HEAD request is answered. Errors: ErrScanning where the file is not scanned yet;
// ErrWithheld where waiting does not help.
func (s *Service) HandOut(f File, to Audience) error {
	state := f.ScanState()
	allowed := ToNobody
	switch {
	case state == ScanInfected:
	case s.scanning.Scanner == nil, state == ScanClean:
		return nil
	case state == ScanNone:
		allowed = s.scanning.Unscanned
	default:
		allowed = s.scanning.Pending
	}
	if allowed == ToAll || allowed == ToStaff && to == ToStaff {
		return nil
	}
	if state == ScanWaiting {
		return Errorf(CodeScanning, nil, "This file is still being checked for malware. Try again in a few minutes.")
	}
	return Errorf(CodeWithheld, nil, "%s", withheldWords[state])
}

// withheldWords say why a file is not handed out, neutrally: its submitter reads them too, and may be anybody.
var withheldWords = map[ScanState]string{
	ScanWaiting:  "This file is still being checked for malware.",
	ScanInfected: "This file did not pass the check for malware.",
	ScanFailed: "The check of this file for malware failed, so the file cannot be downloaded until the check is " +
		"repeated.",
	ScanNone: "This file could not be fully checked for malware, so it cannot be downloaded.",
}

// Withheld says why a file is not handed out, or nothing where it is.
func (s *Service) Withheld(f File, to Audience) string {
	if s.HandOut(f, to) == nil {
		return ""
	}
	return withheldWords[f.ScanState()]
}
