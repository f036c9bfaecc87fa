package dossier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// A file that is to be scanned is marked as waiting in its record from the moment it is stored. Every instance looks
// for such records, and leases one before it reads the file: so no two scan the same file, and a file whose instance
// dies is free again when the lease ends. The verdict is written only if the lease still holds. An outage of the
// scanner only means that files wait longer.

// The timing of scans.
const (
	// scanLease is how long a file is reserved for the instance that scans it; the instance renews its lease meanwhile.
	scanLease = time.Minute
	// scanTime limits the scan of one file.
	scanTime = 10 * time.Minute
	// scanTries is how often a scan may fail to finish while the scanner responds, before the file becomes ScanFailed;
	// scanTriesMost is the same whether it responds or not, for a file that crashes the scanner.
	scanTries     = 5
	scanTriesMost = 20
	// scanSoonest is the pause after a file came; each one after it is twice as long. Most verdicts come within
	// seconds.
	scanSoonest = time.Second
	// scanPause is the longest pause before a file is tried again.
	scanPause = time.Hour
	// scanPatience is the age at which a file becomes ScanNone if a scanner that reads objects by itself has reported
	// nothing: it may never read the file, for example one that is older than its configuration.
	scanPatience = 24 * time.Hour
)

// scanSoon makes this instance look for waiting files.
func (s *Service) scanSoon() {
	select {
	case s.waiting <- struct{}{}:
	default:
	}
}

// Scan scans waiting files until ctx ends. It looks for more while some are being scanned, so that a file that takes
// long holds up no other as long as a worker is free.
func (s *Service) Scan(ctx context.Context) {
	if s.scanning.Scanner == nil {
		return
	}
	down, pause := false, scanSoonest
	workers := s.scanners(ctx, func(File) {})
	defer func() { _ = workers.end() }()
	for ctx.Err() == nil {
		err := s.scanWaiting(ctx, workers)
		switch {
		case ctx.Err() != nil:
		case err != nil && !down:
			down = true
			s.log.ErrorContext(ctx, "files are not scanned for malware: they wait, and are not handed out", "err", err)
		case err == nil && down:
			down = false
			s.log.InfoContext(ctx, "files are scanned for malware again")
		}
		if workers.ctx.Err() != nil {
			_ = workers.end()
			workers = s.scanners(ctx, func(File) {})
		}
		select {
		case <-ctx.Done():
		case <-s.waiting:
			pause = scanSoonest
		case <-time.After(min(pause, s.scanning.Retry)):
			pause = min(2*pause, s.scanning.Retry)
		}
	}
}

// ScanTurn scans the waiting files, as many at once as there are workers, except those that another instance has. A
// returned error comes from the scanner or a store, and ends the turn; a file that cannot be scanned does not.
func (s *Service) ScanTurn(ctx context.Context) error {
	workers := s.scanners(ctx, func(File) {})
	err := s.scanWaiting(ctx, workers)
	return cmp.Or(err, workers.end())
}

// scanWaiting has the waiting files scanned. It returns when the last one has a worker, or the first error of a worker.
func (s *Service) scanWaiting(ctx context.Context, workers *scanners) error {
	if err := s.scanning.Scanner.Ping(ctx); err != nil {
		return fmt.Errorf("ask the scanner: %w", err)
	}
	return workers.scan(func(yield func(File, error) bool) {
		for f, err := range s.catalog.Scans(ctx, ScanWaiting) {
			if err == nil && s.leased(f) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	})
}

// leased reports whether a file is left alone for now. A lease that ends too far ahead was set by a wrong clock, and
// does not count.
func (s *Service) leased(f File) bool {
	if f.Scan == nil {
		return false
	}
	left := f.Scan.Until.Sub(s.time())
	return left > 0 && left <= 2*scanPause
}

// scanners are workers that scan files.
type scanners struct {
	svc *Service
	// ctx ends with the first error, which is its cause.
	ctx  context.Context
	stop context.CancelCauseFunc
	// slots has one element for each file that is being scanned.
	slots   chan struct{}
	running sync.WaitGroup
	// one is held while done is called with a file that has a verdict.
	one  sync.Mutex
	done func(File)
}

// scanners returns workers that pass files with a verdict to done, one by one. They must be ended.
func (s *Service) scanners(ctx context.Context, done func(File)) *scanners {
	w := &scanners{svc: s, slots: make(chan struct{}, s.scanning.Workers), done: done}
	w.ctx, w.stop = context.WithCancelCause(ctx)
	return w
}

// scan gives each file to a worker, as soon as one is free. It does not wait for them, and returns the first error of
// any.
func (w *scanners) scan(files func(func(File, error) bool)) error {
	for f, err := range files {
		if err != nil {
			w.stop(fmt.Errorf("look for files to scan: %w", err))
			break
		}
		select {
		case w.slots <- struct{}{}:
			w.running.Go(func() {
				w.file(f)
				<-w.slots
			})
			continue
		case <-w.ctx.Done():
		}
		break
	}
	return context.Cause(w.ctx)
}

func (w *scanners) file(f File) {
	switch scanned, err := w.svc.scanFile(w.ctx, f); {
	case errors.Is(err, ErrLost), errors.Is(err, ErrIncomplete): // another has it, it is gone, or not yet
	case err != nil:
		w.stop(err)
	default:
		w.one.Lock()
		defer w.one.Unlock()
		w.done(scanned)
	}
}

// end waits for the workers, and returns the first error of any.
func (w *scanners) end() error {
	w.running.Wait()
	err := context.Cause(w.ctx)
	w.stop(nil)
	return err
}

// scanFile leases a file, has it scanned, and records the verdict. ErrLost if another instance has it, or it no longer
// exists; ErrIncomplete if there is no verdict yet, and the file waits for one. Other errors are from the scanner or a
// store.
func (s *Service) scanFile(ctx context.Context, f File) (File, error) {
	l := &lease{svc: s, file: f, scan: Scan{State: ScanNone}}
	revision := ""
	if f.Scan != nil {
		l.scan, revision = *f.Scan, f.Scan.Revision
	}
	l.scan.Until = s.time().Add(scanLease)
	var err error
	if l.scan, err = s.catalog.SetScan(ctx, f.Person, f.ID, revision, l.scan); err != nil {
		return File{}, fmt.Errorf("lease file %s of person %s: %w", f.ID, f.Person, err)
	}
	scanning, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	release := l.keep(scanning, cancel)
	verdict, err := s.look(scanning, f)
	release()
	if err != nil {
		return File{}, s.unscanned(ctx, l, err)
	}
	if verdict.State != ScanInfected || l.scan.State != ScanInfected {
		l.scan.At = s.time() // else it goes when it was to go
	}
	l.scan.State, l.scan.Detail, l.scan.Tries, l.scan.Until = verdict.State, verdict.Detail, 0, time.Time{}
	if verdict.State == ScanInfected {
		// Logged before the mark, so that it is reported even if this process dies in between.
		s.log.ErrorContext(ctx, "malware was found in a stored file: it is not handed out", "person", f.Person.String(),
			"file", f.ID.String(), "found", verdict.Detail)
	}
	if err := l.write(ctx); err != nil {
		return File{}, err
	}
	f.Scan = &l.scan
	return f, nil
}

// look has a file scanned. It is clean only if the scanner got all bytes that its record describes, and no others, or
// reads the object by itself.
func (s *Service) look(ctx context.Context, f File) (Verdict, error) {
	if f.Content == nil {
		return Verdict{}, fmt.Errorf("stored file %s of person %s has no description", f.ID, f.Person)
	}
	if f.Content.Size > s.scanning.MaxBytes {
		return Verdict{State: ScanNone, Detail: fmt.Sprintf("larger than %s", FormatLimit(s.scanning.MaxBytes))}, nil
	}
	r := &scanned{ctx: ctx, svc: s, file: f}
	defer r.close()
	v, err := s.scanning.Scanner.Scan(ctx, f.Key(), r)
	switch {
	case r.err != nil:
		return v, &storeError{r.err}
	case errors.Is(err, ErrIncomplete) && s.given(f):
		return Verdict{State: ScanNone, Detail: "no result within 24 hours"}, nil
	case err != nil:
		return v, err
	}
	v.Detail = scanDetail(v.Detail)
	if v.State == ScanClean && r.opened && !r.whole {
		return v, errors.New("the scanner reports the file as clean but did not read all of it")
	}
	return v, nil
}

// given reports whether a verdict on the file has had its time. An earlier one stands as long as there is no other.
func (s *Service) given(f File) bool {
	state := f.ScanState()
	return state != ScanClean && state != ScanInfected && s.time().Sub(f.UpdatedAt) >= scanPatience
}

// scanDetail makes a scanner's words fit to be stored and displayed.
func scanDetail(text string) string {
	var b []byte
	for _, r := range text {
		if r < ' ' || r > '~' {
			r = '?'
		}
		if b = append(b, byte(r)); len(b) == MaxScanDetail {
			break
		}
	}
	return string(b)
}

// storeError is a failure of a store during a scan, which does not count as a try of the scanner.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// unscanned records that a scan did not finish, so that the file is tried again after a pause and others go first, or
// becomes ScanFailed after too many tries. It returns what ends the turn: the outage of the scanner; ErrIncomplete if
// the next file may do better.
func (s *Service) unscanned(ctx context.Context, l *lease, cause error) error {
	f := l.file
	cause = fmt.Errorf("scan file %s of person %s: %w", f.ID, f.Person, cause)
	if ctx.Err() != nil { // this instance is about to end: another may begin at once
		ctx, cancel := detached(ctx)
		defer cancel()
		l.scan.Until = time.Time{}
		_ = l.write(ctx) // else the lease ends by itself
		return cause
	}
	goOn := &Error{Code: CodeIncomplete, Err: cause}
	var outage error
	switch _, ofStore := errors.AsType[*storeError](cause); {
	case l.lost:
		return &Error{Code: CodeLost, Err: cause}
	case ofStore:
		s.log.WarnContext(ctx, "file to be scanned cannot be read: it is tried again", "err", cause)
	case errors.Is(cause, ErrIncomplete): // whoever reads it by himself is not that far
		// The longer it has waited, the less often it is checked: otherwise a day of waiting would be thousands of
		// writes.
		waited := s.time().Sub(f.UpdatedAt)
		l.scan.Until = s.time().Add(min(max(scanSoonest, waited/8), scanPause))
		return errors.Join(goOn, l.write(ctx))
	default:
		l.scan.Tries++
		if outage = s.scanning.Scanner.Ping(ctx); outage != nil {
			outage = fmt.Errorf("%w; then the scanner did not answer: %w", cause, outage)
		}
		if l.scan.Tries >= scanTriesMost || l.scan.Tries >= scanTries && outage == nil {
			s.log.ErrorContext(ctx, "file cannot be scanned for malware", "tries", l.scan.Tries, "err", cause)
			l.scan.State, l.scan.Detail, l.scan.At = ScanFailed, "the scanner failed again and again", s.time()
			l.scan.Tries, l.scan.Until = 0, time.Time{}
			return errors.Join(goOn, l.write(ctx))
		}
		s.log.WarnContext(ctx, "scan of a file failed: it is tried again", "tries", l.scan.Tries, "err", cause)
	}
	l.scan.Until = s.time().Add(min(s.scanning.Retry<<min(l.scan.Tries, 10), scanPause))
	if err := l.write(ctx); err != nil {
		return err
	}
	if outage != nil {
		return outage
	}
	return goOn
}

// lease is this instance's right to scan a file.
type lease struct {
	svc  *Service
	file File
	// scan is the file's current scan as stored. Between keep and the call of what keep returned, it belongs to the
	// renewals.
	scan Scan
	lost bool
}

// keep renews the lease until the returned function is called, and calls lost if another instance has the file.
func (l *lease) keep(ctx context.Context, lost context.CancelFunc) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(scanLease / 3):
			}
			l.scan.Until = l.svc.time().Add(scanLease)
			if err := l.write(ctx); errors.Is(err, ErrLost) {
				l.lost = true
				lost()
				return
			}
		}
	})
	return func() { cancel(); renewing.Wait() }
}

// write stores scan if the stored one is still what this instance wrote last. ErrLost.
func (l *lease) write(ctx context.Context) error {
	noted, err := l.svc.catalog.SetScan(ctx, l.file.Person, l.file.ID, l.scan.Revision, l.scan)
	if err != nil {
		return fmt.Errorf("note the scan of file %s of person %s: %w", l.file.ID, l.file.Person, err)
	}
	l.scan = noted
	return nil
}

// scanned is a file's bytes on their way to a scanner. They are compared with the record as they pass.
type scanned struct {
	ctx    context.Context
	svc    *Service
	file   File
	r      io.ReadCloser
	opened bool  // with the first Read
	whole  bool  // all bytes were read, and are those of the record
	err    error // of the store
}

// Read implements io.Reader.
func (r *scanned) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if !r.opened {
		r.opened = true
		// Without the gate: handing bytes to a scanner is not handing out the file.
		if r.r, r.err = r.svc.open(r.ctx, r.file, 0, -1); r.err != nil {
			return 0, r.err
		}
	}
	n, err := r.r.Read(p)
	switch {
	case err == io.EOF:
		r.whole = true
	case err != nil:
		r.err = err
	}
	return n, err
}

func (r *scanned) close() {
	if r.r != nil {
		_ = r.r.Close() // only read from
	}
}

// ScanRequest says which of the stored files ScanStored scans.
type ScanRequest struct {
	// With All, all files are scanned, including those with a verdict, for example after new signatures. Otherwise
	// those that no scanner ever read, that wait and that failed; and with Unscanned those that none read completely.
	All, Unscanned bool
}

// ScanReport is the result of ScanStored.
type ScanReport struct {
	// Files is the number of stored files that are not damaged, Scanned how many of them were scanned, by result.
	Files   int               `json:"files"`
	Scanned map[ScanState]int `json:"scanned"`
	// Unfinished is the number of files that are left: another instance has them, or their scan did not finish.
	Unfinished int `json:"unfinished"`
}

// ScanStored scans files that are already stored, as many at once as there are workers, while servers run. A file keeps
// its state until there is a verdict. It may be stopped at any time and called again: what has been scanned since is
// skipped, except with All. Each verdict is passed to done (unless nil). If the scanner fails, it returns an error.
func (s *Service) ScanStored(ctx context.Context, o ScanRequest, done func(File)) (*ScanReport, error) {
	report := &ScanReport{Scanned: map[ScanState]int{}}
	if s.scanning.Scanner == nil {
		return report, Errorf(CodeInvalid, nil, "No scanner is configured: set DOSSIER_SCANNER.")
	}
	if err := s.scanning.Scanner.Ping(ctx); err != nil {
		return report, fmt.Errorf("ask the scanner: %w", err)
	}
	chosen := 0
	workers := s.scanners(ctx, func(f File) {
		report.Scanned[f.Scan.State]++
		if done != nil {
			done(f)
		}
	})
	err := workers.scan(func(yield func(File, error) bool) {
		for f, err := range s.catalog.All(ctx) {
			if err == nil && (f.State != FileStored || f.Damage != nil) {
				continue
			}
			if err == nil {
				report.Files++
				if !o.wants(f) {
					continue
				}
				chosen++
				if s.leased(f) {
					continue
				}
			}
			if !yield(f, err) {
				return
			}
		}
	})
	err = cmp.Or(workers.end(), err)
	report.Unfinished = chosen
	for _, n := range report.Scanned {
		report.Unfinished -= n
	}
	return report, err
}

// wants reports whether a stored file is to be scanned.
func (o ScanRequest) wants(f File) bool {
	switch {
	case o.All, f.Scan == nil:
		return true
	case f.Scan.State == ScanNone:
		// Without a verdict, an earlier request did not finish.
		return o.Unscanned || f.Scan.At.IsZero()
	}
	return f.Scan.State == ScanWaiting || f.Scan.State == ScanFailed
}
