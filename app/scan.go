package dossier

import (
	"context"
	"crypto/rand"
	"io"
	"time"
)

// ScanState is what a malware scanner reported about a stored file.
type ScanState string

const (
	// ScanWaiting: the file is to be scanned, and has not been yet.
	ScanWaiting ScanState = "waiting"
	// ScanClean: a scanner read the whole file and found nothing.
	ScanClean ScanState = "clean"
	// ScanInfected: a scanner found malware. The file is handed out to nobody, and is removed after a while.
	ScanInfected ScanState = "infected"
	// ScanFailed: a scanner tried repeatedly without reaching a verdict. It tries again on request.
	ScanFailed ScanState = "failed"
	// ScanNone: no scanner read the whole file: there was none at the time, or the file is too large, too deeply nested
	// or encrypted.
	ScanNone ScanState = "not_scanned"
)

// Scan is the state of a file's scan, and who is working on it.
type Scan struct {
	State ScanState
	// Detail says what was found, or why the scanner did not read the whole file. It is for staff, in the scanner's own
	// words: at most MaxScanDetail characters of printable ASCII.
	Detail string
	// At is when State was set. All times are UTC, whole microseconds.
	At time.Time
	// Tries is the number of scans that began and did not finish.
	Tries int
	// Until is how long others leave the file to the instance that scans it, or when to try it again; zero: now.
	Until time.Time
	// Revision changes with every change of the scan. It is opaque, and never used twice.
	Revision string
}

// MaxScanDetail is the maximum length of Scan.Detail.
const MaxScanDetail = 200

// Scanner scans files for malware.
type Scanner interface {
	// Ping reports whether the scanner responds, and finds what it must find; ErrUnavailable.
	Ping(ctx context.Context) error
	// Scan scans a stored file. It may read the bytes from r, which opens the object with the first Read, or ask a
	// service that has read the object with that key. It learns nothing else about the file. ErrUnavailable: there is
	// no verdict, and the same call may succeed later. ErrIncomplete: a service that reads the object by itself has not
	// done so yet; a file that is older than 24 hours then becomes ScanNone.
	Scan(ctx context.Context, key string, r io.Reader) (Verdict, error)
}

// Verdict is the result of a scan.
type Verdict struct {
	// State is ScanClean, ScanInfected or ScanNone.
	State ScanState
	// Detail becomes Scan.Detail.
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

// Scanning says who scans files for malware, and who may have a file before that.
type Scanning struct {
	// Scanner is nil if nobody scans: then everything is handed out except what was found to be infected before.
	Scanner Scanner
	// Pending is who may have a file that is ScanWaiting or ScanFailed, Unscanned who may have one that is ScanNone.
	// The default of both is ToNobody.
	Pending, Unscanned Audience
	// MaxBytes is the size of the largest file that the scanner gets; larger ones become ScanNone. Default 100 MiB.
	MaxBytes int64
	// Workers is how many files one instance scans at once; default 2.
	Workers int
	// Retry is the longest pause before waiting files are looked for again, and the first pause before a file whose
	// scan failed is tried again. Default 15 seconds.
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

// ScanState returns the state of the file's scan. A record that was written while there was no scanner, or by a release
// without scanning, is ScanNone.
func (f File) ScanState() ScanState {
	if f.Scan == nil {
		return ScanNone
	}
	return f.Scan.State
}

// firstScan returns the Scan of a new record: with it the file is waiting from the moment it is stored.
func (s *Service) firstScan() *Scan {
	if s.scanning.Scanner == nil {
		return nil
	}
	return &Scan{State: ScanWaiting, At: s.time(), Revision: rand.Text()}
}

// Scanned reports whether files are scanned for malware.
func (s *Service) Scanned() bool { return s.scanning.Scanner != nil }

// HandOut is the one place that decides whether a stored file is handed out, ToStaff or ToAll (also to its submitter).
// Everything that hands out bytes, or says how to get them, calls it: Open, Link and Archive, and responses without
// bytes, such as to a HEAD request. Errors: ErrNotFound if the file is in the trash; ErrScanning if the file is not
// scanned yet; ErrWithheld if waiting does not help.
func (s *Service) HandOut(f File, to Audience) error {
	if f.Trash != (Trash{}) {
		return &Error{Code: CodeNotFound}
	}
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

// withheldWords say why a file is not handed out, in neutral words: its submitter reads them too, and may be anybody.
var withheldWords = map[ScanState]string{
	ScanWaiting:  "This file is still being checked for malware.",
	ScanInfected: "This file did not pass the check for malware.",
	ScanFailed: "The check of this file for malware failed, so the file cannot be downloaded until the check is " +
		"repeated.",
	ScanNone: "This file could not be fully checked for malware, so it cannot be downloaded.",
}

// Withheld says why a file is not handed out, and returns an empty string if it is.
func (s *Service) Withheld(f File, to Audience) string {
	if s.HandOut(f, to) == nil {
		return ""
	}
	return withheldWords[f.ScanState()]
}
