// Package upload is the client of the site: it sends files of the disk by the JSON API (docs/api.md), their bytes in
// parts straight to the object store, and resumes where an earlier run was interrupted.
//
// It is for the command alone, which parses what it is asked and shows what it does. All that sending needs is in here,
// so that nothing of it can be forgotten: what is asked beforehand (Open), what is kept on the disk (journal.go), what
// is tried again (site.go), and how one file comes into the store whole (file.go).
//
// What it promises:
//
//   - The receipt of a new person is kept until the caller says that it was handed over (Run.Forget): however a run
//     ends before, the next run of the same command has the same person and the same receipt.
//   - A file that is told as stored was acknowledged by the site, with the size and the checksums that were computed
//     here.
//   - What is stored is the file as it was at one moment: one that changes while it is read is told, and not stored.
//   - A run that ends, in whatever way, can be run again: what is stored is not sent again, nor are parts that the
//     store has; and a person who is new stays one person.
//   - Memory does not grow with the size of files, and with their number only by what is known of each by name.
//   - It ends: with nothing succeeding for Options.Patience it gives up.
package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
)

// Options is what is to be sent, to whom, and how.
type Options struct {
	// Site is the site's origin.
	Site *url.URL
	// Receipt is that of the person whose files they are; nil for a person who is new.
	Receipt *dossier.Receipt
	// Details are those of the person who is new.
	Details dossier.Details
	// Files are those to send.
	Files Files
	// Parallel is how many parts, and how many files, are on their way at once; at least 1.
	Parallel int
	// Patience is how long nothing may succeed until the run ends; Stall how long a server may take no byte of a part
	// until that is tried again.
	Patience, Stall time.Duration
	// State is the folder of the journals; see StateFolder.
	State string
	// Notice is told, now and then, why nothing goes on.
	Notice func(string)
	// Ended is told of each file as its way ends, stored or not, one at a time. Files that were not tried are not among
	// them. An error ends the run, for nobody would learn what became of the other files.
	Ended func(Result) error
}

// Result is what became of one file.
type Result struct {
	Source Source
	// File is the site's record; nil where the file is not stored.
	File *api.File
	// Sent is the number of bytes that the object store took in this run.
	Sent int64
	// Err is why the file is not stored.
	Err error
}

// Summary is what became of all.
type Summary struct {
	// Stored, Failed and Left are numbers of files: those that the site has, those that it does not, and those that the
	// run did not come to.
	Stored, Failed, Left int
	// StoredBytes is the size of those stored, SentBytes what the object store took in this run.
	StoredBytes, SentBytes int64
	// Resumed: this run resumed an earlier one.
	Resumed bool
	// Person is the person's id, and Link the page of the receipt: a secret. Empty while there is no person.
	Person, Link string
}

// Progress is how far a run is.
type Progress struct {
	// Files and Bytes are all, Done and DoneBytes those that are on the other side.
	Files, Done      int
	Bytes, DoneBytes int64
}

// Run is one run of the client. It is used by one goroutine, but for Progress.
type Run struct {
	o       Options
	site    *site
	journal *journal
	receipt dossier.Receipt
	limits  api.Limits
	resumed bool
	// there holds the stored files of the person that may be among those to send, as they were at Open: those of which
	// the site found nothing wrong.
	there map[twin][]api.File
	// begun holds those that broke off, or are on their way from elsewhere.
	begun map[twin][]api.File
	// slots bounds the parts on their way.
	slots chan struct{}

	bytes, doneBytes atomic.Int64
	done             atomic.Int64

	mu      sync.Mutex // one file ends at a time
	summary Summary
	// untold is why Options.Ended could not be told.
	untold error
}

// twin is what files have in common that may be one and the same.
type twin struct {
	path string
	size int64
}

func (s Source) twin(size int64) twin { return twin{dossier.JoinPath(s.Folder, s.Name), size} }

// folderOf returns the folder of a file at the site.
func folderOf(f api.File) string {
	if f.Folder == nil {
		return ""
	}
	return *f.Folder
}

// Open prepares a run: it asks the site what it takes, refuses what the site would refuse, and opens the journal.
// Nothing is sent yet, and no person is made. The caller closes.
//
// Errors: an Error, with CodeInput for what is not to be had by trying again.
func Open(ctx context.Context, o Options) (_ *Run, err error) {
	run, err := reopen(o)
	if err != nil {
		return nil, err
	}
	o = run.o // with the details as they are kept
	defer func() {
		if err != nil {
			err = errors.Join(err, run.Close())
		}
	}()
	run.resumed = run.journal.begun()
	if err := run.site.call(ctx, http.MethodGet, "limits", nil, &run.limits); err != nil {
		return nil, asError(err)
	}
	switch {
	case o.Receipt != nil:
		run.receipt = *o.Receipt
	case run.journal.state.Receipt != "":
		if run.receipt, err = dossier.ParseReceipt(run.journal.state.Receipt); err != nil {
			return nil, errorf(CodeJournal, err, "the journal %s is damaged: delete it to start over", run.journal.path)
		}
	default:
		run.receipt = dossier.NewReceipt()
	}
	run.site.receipt = run.receipt.String()
	var has dossier.Quota
	if o.Receipt != nil || run.journal.state.Registered {
		if has, err = run.readReceipt(ctx); err != nil {
			return nil, err
		}
		run.summary.Person, run.summary.Link = run.receipt.Person.String(), run.o.link(run.receipt)
	}
	if err := run.fits(has); err != nil {
		return nil, err
	}
	if !run.resumed && has == (dossier.Quota{}) {
		// Else what is to be sent may be counted already, and the site decides.
		if err := run.roomy(); err != nil {
			return nil, err
		}
	}
	run.bytes.Store(o.Files.Bytes())
	return run, nil
}

// reopen opens the journal for a run, and asks the site nothing.
func reopen(o Options) (*Run, error) {
	// Before the site is asked anything.
	if err := o.clean(); err != nil {
		return nil, err
	}
	journal, err := openJournal(o.State, o.key())
	if err != nil {
		return nil, err
	}
	return &Run{o: o, site: newSite(o), journal: journal, there: map[twin][]api.File{}, begun: map[twin][]api.File{},
		slots: make(chan struct{}, o.Parallel)}, nil
}

// clean makes the details of a new person what the site will keep.
func (o *Options) clean() error {
	if o.Receipt != nil {
		return nil
	}
	if err := o.Details.Clean(); err != nil {
		return inputf(err, "%s", faultsOf(err))
	}
	return nil
}

// key is what makes a command the same as another. The details must be clean.
func (o Options) key() []string {
	key := []string{o.Site.Scheme + "://" + o.Site.Host}
	if o.Receipt != nil {
		key = append(key, "receipt", o.Receipt.Person.String())
	} else {
		key = append(key, "new")
		for _, f := range dossier.Fields {
			if value := f.Of(o.Details); !f.Optional {
				key = append(key, value)
			} else if value != "" { // so that a release that adds a field finds the journals of the former
				key = append(key, f.Name, value)
			}
		}
	}
	return append(key, o.Files.asked...)
}

func faultsOf(err error) string {
	var coded *dossier.Error
	if !errors.As(err, &coded) {
		return err.Error()
	}
	faults := make([]string, len(coded.Fields))
	for i, f := range coded.Fields {
		faults[i] = f.Field + ": " + f.Message
	}
	return listed(faults)
}

// link is the page of a receipt. The receipt is its fragment, which no server sees.
func (o Options) link(r dossier.Receipt) string {
	page := o.Site.JoinPath("receipt")
	page.Fragment = r.String()
	return page.String()
}

// readReceipt returns what the person has that is not among the files to send, and remembers what may be.
func (run *Run) readReceipt(ctx context.Context) (has dossier.Quota, err error) {
	wanted := make(map[twin]bool, len(run.o.Files.Sources))
	for _, s := range run.o.Files.Sources {
		wanted[s.twin(s.Size)] = true
	}
	own := map[string]bool{}
	for _, id := range run.journal.unfinished() {
		own[id] = true
	}
	err = run.site.call(ctx, http.MethodGet, "receipt", nil, func(body io.Reader) error {
		has = dossier.Quota{}
		clear(run.there)
		clear(run.begun)
		return eachFile(body, func(f api.File) {
			t := twin{path: dossier.JoinPath(folderOf(f), f.Name)}
			if f.Size != nil {
				t.size = *f.Size
			}
			switch {
			case wanted[t] && f.State == api.Stored && f.Content != nil:
				run.there[t] = append(run.there[t], f)
			case wanted[t] && f.State == api.Uploading && f.PartSize != nil && !own[f.ID]:
				run.begun[t] = append(run.begun[t], f)
			case !own[f.ID]:
				has.Files++
				has.Bytes += t.size
			}
		})
	})
	if Code(asError(err)) == "expired" {
		return has, inputf(err,
			"the receipt has expired: ask the staff of %s to reopen it, then run the same command again",
			run.o.Site)
	}
	if Code(asError(err)) == "unauthorized" {
		if run.o.Receipt != nil {
			return has, inputf(err,
				"the receipt opens nothing at %s: check the receipt and the address; it may have been replaced, or "+
					"its person deleted",
				run.o.Site)
		}
		return has, inputf(err,
			"the person of the interrupted run was deleted, or the receipt replaced: continue with the new one by "+
				"--receipt-file, or forget that run by --give-up and start over")
	}
	if err == nil {
		err = run.check(ctx)
	}
	return has, asError(err)
}

// check has the site look at the stored files that would not be sent again, and forgets those that are damaged: what is
// sent in their place replaces them.
func (run *Run) check(ctx context.Context) error {
	var ids []string
	for _, twins := range run.there {
		for _, f := range twins {
			ids = append(ids, f.ID)
		}
	}
	whole := make(map[string]bool, len(ids))
	for batch := range slices.Chunk(ids, dossier.MaxChecked) {
		var checked api.CheckedFiles
		err := run.site.call(ctx, http.MethodPost, "checks", api.FilesToCheck{Files: batch}, &checked)
		if Code(asError(err)) == "not_found" {
			return nil // the site's release is older than checks
		}
		if err != nil {
			return err
		}
		for _, f := range checked.Files {
			whole[f.ID] = f.Damage == nil
		}
	}
	for t, twins := range run.there {
		run.there[t] = slices.DeleteFunc(twins, func(f api.File) bool { return !whole[f.ID] })
	}
	return nil
}

// eachFile reads the answer with a person's files, of which there may be a million, one after the other.
func eachFile(body io.Reader, do func(api.File)) error {
	d := json.NewDecoder(body)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("not an object"), err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name != "files" {
			var other json.RawMessage
			if err := d.Decode(&other); err != nil {
				return err
			}
			continue
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return errors.Join(errors.New("not an array"), err)
		}
		for d.More() {
			var f api.File
			if err := d.Decode(&f); err != nil {
				return err
			}
			do(f)
		}
		if _, err := d.Token(); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// fits refuses what the site would refuse, before anything is sent.
func (run *Run) fits(has dossier.Quota) error {
	l := run.limits
	largest := min(l.MaxFileSize, int64(l.MaxParts)*min(l.MaxPartSize, dossier.MaxPartSize))
	var faults []string
	for _, s := range run.o.Files.Sources {
		if s.Size > largest {
			faults = append(faults, fmt.Sprintf("%s has %s, and the site accepts files of up to %s", s.Path,
				dossier.FormatBytes(s.Size), dossier.FormatLimit(largest)))
		}
	}
	more := ""
	if has.Files > 0 {
		more = fmt.Sprintf(" in addition to the %d (%s) already there", has.Files, dossier.FormatBytes(has.Bytes))
	}
	if n := has.Files + int64(len(run.o.Files.Sources)); n > int64(l.MaxFiles) {
		faults = append(faults, fmt.Sprintf("these are %d files%s, and one person may have %d",
			len(run.o.Files.Sources), more, l.MaxFiles))
	}
	if n := run.o.Files.Bytes(); has.Bytes+n > l.MaxTotalSize {
		faults = append(faults, fmt.Sprintf("these files have %s in total%s, and one person may have %s",
			dossier.FormatBytes(n), more, dossier.FormatLimit(l.MaxTotalSize)))
	}
	if len(faults) > 0 {
		return inputf(nil, "%s", listed(faults))
	}
	return nil
}

// roomy refuses what the site has no room for at the moment, before anything is sent.
func (run *Run) roomy() error {
	l, n, size := run.limits, len(run.o.Files.Sources), run.o.Files.Bytes()
	switch {
	case n == 0:
	case l.NotTaking != nil:
		return errorf(CodeFull, nil, "%s", *l.NotTaking)
	case l.RoomFiles != nil && int64(n) > *l.RoomFiles:
		return errorf(CodeFull, nil, "these are %d files, and the site accepts %d more at the moment", n, *l.RoomFiles)
	case l.RoomSize != nil && size > *l.RoomSize:
		return errorf(CodeFull, nil, "these files have %s in total, and the site accepts %s more at the moment",
			dossier.FormatBytes(size), dossier.FormatLimit(*l.RoomSize))
	}
	return nil
}

// Progress returns how far the run is. It may be called at any time, by anybody.
func (run *Run) Progress() Progress {
	return Progress{Files: len(run.o.Files.Sources), Done: int(run.done.Load()), Bytes: run.bytes.Load(),
		DoneBytes: run.doneBytes.Load()}
}

// Do sends the files. The summary is right whatever the error says: ctx's cause, that of Options.Ended, or an Error
// that ended the run before its time. Files that failed alone are no error; the summary counts them.
//
// The journal stays, so that the summary, with the receipt, can be had again until Forget.
func (run *Run) Do(ctx context.Context) (Summary, error) {
	run.summary.Left, run.summary.Resumed = len(run.o.Files.Sources), run.resumed
	if err := run.register(ctx); err != nil {
		return run.summary, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sources := make(chan Source)
	var wg sync.WaitGroup
	for range min(run.o.Parallel, len(run.o.Files.Sources)) {
		wg.Go(func() {
			for s := range sources {
				r, err := run.send(ctx, s)
				if err != nil {
					run.left(r)
					stop(err)
					return
				}
				if err := run.ended(r); err != nil {
					stop(err)
					return
				}
			}
		})
	}
feed:
	for _, s := range run.o.Files.Sources {
		select {
		case sources <- s:
		case <-ctx.Done():
			break feed
		}
	}
	close(sources)
	wg.Wait()
	switch {
	case run.untold != nil:
		return run.summary, run.untold
	case run.summary.Left > 0:
		return run.summary, context.Cause(ctx)
	}
	return run.summary, nil
}

// Forget ends the journal once the summary has been handed over. It does nothing while files are not stored, because
// the same command then resumes.
func (run *Run) Forget() error {
	if run.summary.Failed+run.summary.Left > 0 {
		return nil
	}
	return run.journal.remove()
}

// register makes the person, where one is new. The receipt is on the disk before: so the same command, run again, is
// the same person.
func (run *Run) register(ctx context.Context) error {
	if run.o.Receipt != nil || run.journal.state.Registered {
		return nil
	}
	if run.journal.state.Receipt == "" {
		if err := run.journal.append(record{Receipt: run.receipt.String()}, true); err != nil {
			return err
		}
	}
	in := api.Registration(run.o.Details)
	var out api.Registered
	if err := run.site.call(ctx, http.MethodPost, "people", in, &out); err != nil {
		err := asError(err)
		if Code(err) == "invalid" || Code(err) == "conflict" {
			return inputf(err, "%s", err)
		}
		return err
	}
	run.summary.Person, run.summary.Link = run.receipt.Person.String(), run.o.link(run.receipt)
	return run.journal.append(record{Registered: true}, true)
}

// left counts what was sent of a file that the run did not come to an end with.
func (run *Run) left(r Result) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.summary.SentBytes += r.Sent
}

// ended counts a file, and tells of it.
func (run *Run) ended(r Result) error {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.summary.Left--
	run.summary.SentBytes += r.Sent
	if r.Err != nil {
		run.summary.Failed++
	} else {
		run.summary.Stored++
		run.summary.StoredBytes += *r.File.Size
		run.done.Add(1)
	}
	if err := run.o.Ended(r); err != nil {
		run.untold = err
	}
	return run.untold
}

// Close lets another run of the same command begin.
func (run *Run) Close() error {
	var err error
	if !run.journal.begun() {
		err = run.journal.remove()
	}
	run.site.http.CloseIdleConnections()
	return errors.Join(err, run.journal.close())
}
