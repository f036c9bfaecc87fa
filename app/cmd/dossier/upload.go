package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dossier.example/app"
	"dossier.example/app/upload"
)

// Exit statuses of upload, beside exitOK and exitFailed: some files are not stored.
const (
	// exitUsage: what was asked for cannot be done as it is; nothing was sent.
	exitUsage = 2
	// exitInterrupted is what shells make of a program that SIGINT ended.
	exitInterrupted = 130
)

// receiptVariable names the variable that may hold the receipt.
const receiptVariable = "DOSSIER_UPLOAD_RECEIPT"

// uploadFlags are the flags of upload.
type uploadFlags struct {
	to, receipt, receiptFile string
	// details are the flags of dossier.Fields, for a new person, by name.
	details                map[string]*string
	recursive, quiet, json bool
	giveUp, showReceipt    bool
	parallel               int
	patience               time.Duration
}

func (p *program) uploadCommand() *cobra.Command {
	o := uploadFlags{details: map[string]*string{}}
	c := &cobra.Command{
		Use:   "upload FILE… --to URL",
		Short: "Send files to a site, and resume after an interruption",
		Long: `Send files to a site of Dossier, for a new person or with the receipt of an earlier submission. The bytes go in
parts straight to the site's object store. At the end the link of the receipt is printed: whoever has it sees the
details and the files.

A run that was interrupted, by Ctrl-C, a crash, a lost network or a restart of the machine, resumes when the same
command is run again: only the missing parts are sent, and a new person stays one person. What that needs, including the
receipt of a new person, is kept in a file that only this user can read, below $XDG_STATE_HOME/dossier/uploads
(~/.local/state/dossier/uploads), until everything is stored and the receipt is printed, or for 30 days. The same
command is one with the same site, person or receipt, and paths. With a receipt, an upload that another machine or the
page began resumes too, if the parts that are already stored match the file.

If the receipt cannot be printed, because the disk is full or nothing reads the pipe, the run fails and keeps the
receipt: the same command, run again, sends nothing twice and prints it. --show-receipt only prints the receipt that is
kept, without contacting the site, even while another run is in progress. With --json, a line that cannot be printed
ends the run. For a new person, and with --json, nothing is sent if standard output is closed; >/dev/null is accepted.

The receipt is a secret, and other users of this machine may see command lines. So put its link, or only the last part
of it, into a file and name that with --receipt-file (- is standard input), or into the variable
` + receiptVariable + `. --receipt accepts it, too.

Symbolic links that are named are followed. Folders need --recursive; then everything in them is sent except links,
devices, sockets, pipes, and the files that systems and programs keep there for themselves (.DS_Store, Thumbs.db,
desktop.ini, ~$…, ._… and the like). Each of these is reported as skipped. Files from a folder keep their folders on the
site. A file that is named twice is sent once. Two files that would have the same path on the site stay two: the second
one gets a number, such as "report (2).pdf". A file that changes while it is being sent is reported, and not stored.

Before the first byte the site is asked for its limits. Files that are too large, too many or unreadable are reported
then, and nothing is sent.

With --json each file is a line of standard output as soon as it is stored or has failed:
  {"type":"file","path":…,"folder":…,"name":…,"size":…,"state":"stored","id":…,"sha256":…,"crc64nvme":…,"sent":…}
  {"type":"file","path":…,"folder":…,"name":…,"size":…,"state":"failed","sent":…,"error":{"code":…,"message":…}}
folder is left out for a file that is in none; sent is the number of bytes sent in this run. The last line is always
  {"type":"summary","state":…,"stored":…,"failed":…,"left":…,"stored_bytes":…,"sent_bytes":…,"resumed":…,
   "person":…,"receipt_url":…,"error":…}
with the state "complete", "incomplete", "interrupted" or "refused". person and receipt_url are left out while there is
no person, error where there is none. More members may be added; these stay.

Exit status: 0 all files are stored and everything is printed; 1 some are not stored, or standard output cannot be
written; 2 the command or its files are wrong, and nothing was sent; 130 interrupted. After 1 and 130, run the same
command again.`,
		Example: `  dossier upload drawing.pdf notes.txt --to https://files.example.org \
      --name "Ada Lovelace" --location London --age 36 --technology "Analytical Engine"
  dossier upload --recursive photos/ --to https://files.example.org --receipt-file receipt.txt
  ` + receiptVariable + `="$(pass dossier)" dossier upload *.log --to https://files.example.org --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exit{exitUsage, errors.New("name at least one file; see dossier upload --help")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, paths []string) error { return p.upload(c, o, paths) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return exit{exitUsage, fmt.Errorf("%w; see dossier upload --help", err)}
	})
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.to, "to", "",
		"address of the site, such as https://files.example.org (default: that of the receipt's link)")
	for _, field := range dossier.Fields {
		usage := strings.ToLower(field.Label) + " of a new person"
		switch {
		case field.IsNumber():
			usage += ", in " + field.Unit
		case field.Optional:
			usage += " (optional)"
		}
		o.details[field.Name] = f.String(field.Name, "", usage)
	}
	f.StringVar(&o.receiptFile, "receipt-file", "",
		"file that holds the receipt of an earlier submission, or its link; - is standard input")
	f.StringVar(&o.receipt, "receipt", "", "the receipt itself, or its link; others may see it on the command line")
	f.BoolVarP(&o.recursive, "recursive", "r", false, "send the files in folders")
	f.IntVar(&o.parallel, "parallel", 4, "number of parts to send at once (1 to 64)")
	f.DurationVar(&o.patience, "patience", 5*time.Minute, "how long to keep trying while nothing succeeds")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "do not show progress")
	f.BoolVar(&o.json, "json", false, "print JSON lines; see above")
	f.BoolVar(&o.showReceipt, "show-receipt", false,
		"send nothing; print the receipt that an unfinished run of this command keeps")
	f.BoolVar(&o.giveUp, "give-up", false,
		"send nothing; discard what interrupted runs of this command left unfinished")
	return c
}

// errInterrupted is the end of a run by a signal.
var errInterrupted = errors.New("interrupted")

func (p *program) upload(c *cobra.Command, o uploadFlags, paths []string) error {
	// Else this process would end, without a word, where it writes to a pipe that nobody reads any more. It stays so
	// for the message of its end.
	signal.Ignore(syscall.SIGPIPE)
	r := &uploadReport{progress: progress{stderr: p.stderr, quiet: o.quiet}, stdout: p.stdout, flags: o}
	run, summary, err := p.doUpload(c, o, paths, r)
	if r.broken != nil && errors.Is(err, r.broken) {
		err = nil // which is told below
	}
	status, err := outcome(c.Context(), summary, err)
	untold := r.end(summary, status, err)
	done := err == nil && untold == nil
	if err != nil && status != exitUsage && !o.giveUp && !o.showReceipt {
		err = fmt.Errorf("%w; run the same command again to resume", err)
	}
	if untold != nil {
		err = errors.Join(err, fmt.Errorf("%w; %s", untold, o.mend(summary)))
	}
	if run != nil {
		if done {
			err = run.Forget()
		}
		err = errors.Join(err, run.Close())
	}
	if err == nil {
		return nil
	}
	if status == exitOK {
		status = exitFailed
	}
	return exit{status, err}
}

// outcome returns the exit status of a run that ended so, and what is to be told of its end.
func outcome(ctx context.Context, s upload.Summary, err error) (int, error) {
	switch {
	case err != nil && ctx.Err() != nil:
		return exitInterrupted, errInterrupted
	case err != nil && upload.Code(err) == upload.CodeInput:
		return exitUsage, err
	case err != nil:
		return exitFailed, err
	case s.Failed > 0:
		return exitFailed, fmt.Errorf("%d of %d files are not stored", s.Failed, s.Failed+s.Stored)
	}
	return exitOK, nil
}

// mend says what helps where standard output could not be written.
func (o uploadFlags) mend(s upload.Summary) string {
	switch {
	case s.Link == "" || o.giveUp || o.showReceipt:
		return "fix that, and run the same command again"
	case *o.details["name"] != "": // of a new person
		return "the receipt is kept: fix that, and run the same command again, which sends nothing twice and " +
			"prints it, or run it with --show-receipt"
	}
	return "fix that, and run the same command again, which sends nothing twice"
}

// doUpload does what the flags ask for. The run, if there is one, is the caller's to close.
func (p *program) doUpload(c *cobra.Command, o uploadFlags, paths []string, r *uploadReport) (*upload.Run,
	upload.Summary, error) {
	ctx := c.Context()
	options, err := p.uploadOptions(c, o)
	if err != nil {
		return nil, upload.Summary{}, err
	}
	// Now, while there is no person yet. Whoever already has the receipt may do without an outcome.
	if (options.Receipt == nil || o.json) && isClosed(p.stdout) {
		return nil, upload.Summary{}, &upload.Error{Code: upload.CodeInput, Message: "standard output is closed (or is " +
			"/dev/null, opened for reading as well), so nobody would get the receipt: redirect it, for example with " +
			">receipt.txt"}
	}
	options.Files, err = upload.Collect(paths, o.recursive, func(path, why string) {
		r.say("skipped: %s: %s", path, why)
	})
	if err != nil && !o.giveUp && !o.showReceipt {
		return nil, upload.Summary{}, err
	}
	options.Notice = func(text string) { r.say("%s", text) }
	options.Ended = r.ended
	if o.showReceipt {
		kept, err := upload.KeptReceipt(options)
		if err == nil && !kept.Registered {
			r.say("the site has not confirmed this person yet: the receipt may not work until the same command has " +
				"run again")
		}
		return nil, upload.Summary{Person: kept.Person, Link: kept.Link}, err
	}
	if o.giveUp {
		run, err := upload.Reopen(options)
		if err != nil {
			return nil, upload.Summary{}, err
		}
		n, link, err := run.GiveUp(ctx)
		r.say("%d unfinished files were discarded", n)
		return run, upload.Summary{Link: link}, err
	}
	if options.Site.Scheme == "http" && !local(options.Site.Hostname()) {
		r.say("%s is not encrypted: others on the network can read what is sent, including the receipt", options.Site)
	}
	run, err := upload.Open(ctx, options)
	if err != nil {
		return nil, upload.Summary{}, err
	}
	stop := r.follow(func() extent {
		e := run.Progress()
		return extent{int64(e.Done), int64(e.Files), e.DoneBytes, e.Bytes}
	})
	summary, err := run.Do(ctx)
	stop()
	return run, summary, err
}

// uploadOptions makes the options of the flags, the environment and the files that they name.
func (p *program) uploadOptions(c *cobra.Command, o uploadFlags) (upload.Options, error) {
	fault := func(format string, args ...any) (upload.Options, error) {
		return upload.Options{}, &upload.Error{Code: upload.CodeInput, Message: fmt.Sprintf(format, args...)}
	}
	out := upload.Options{Parallel: o.parallel, Patience: o.patience, Stall: time.Minute}
	if o.parallel < 1 || o.parallel > 64 {
		return fault("--parallel must be from 1 to 64")
	}
	if o.patience <= 0 {
		return fault("--patience must be more than 0")
	}
	var err error
	if out.State, err = upload.StateFolder(p.lookup); err != nil {
		return out, err
	}
	details := map[string]string{}
	for name, text := range o.details {
		if c.Flags().Changed(name) {
			details[name] = *text
		}
	}
	receipt, from, err := p.receipt(o)
	switch {
	case err != nil:
		return out, err
	case from != "" && len(details) > 0:
		return fault("a new person's details and a receipt (%s) are both given: leave one of them out", from)
	case from == "" && len(details) == 0:
		return fault("say whose files they are: %s for a new person, or --receipt-file for an earlier one",
			requiredFlags())
	case from == "":
		if out.Details, err = dossier.ParseDetails(details); err != nil {
			var coded *dossier.Error
			if !errors.As(err, &coded) {
				return out, err
			}
			var faults []string
			for _, f := range coded.Fields {
				faults = append(faults, "--"+f.Field+": "+f.Message)
			}
			return fault("%s", strings.Join(faults, "\n"))
		}
	}
	if o.giveUp && o.showReceipt {
		return fault("--give-up and --show-receipt are both given: leave one of them out")
	}
	var linked *url.URL
	if from != "" {
		at, parsed, unread := dossier.ParseReceiptLink(receipt)
		if at != "" {
			if linked, err = origin(at); err != nil {
				return fault("the receipt's link (%s) does not begin with the address of a site", from)
			}
		}
		if unread != nil {
			return fault("what %s gives is not a receipt: a receipt has 64 characters; give it, or the link of its page", from)
		}
		out.Receipt = &parsed
	}
	switch {
	case o.to != "":
		if out.Site, err = origin(o.to); err != nil {
			return fault("--to must be the address of a site, such as https://files.example.org: %v", err)
		}
		if linked != nil && linked.String() != out.Site.String() {
			return fault("the receipt is for %s, and would be sent to %s: name the same site, or leave --to out",
				linked, out.Site)
		}
	case linked != nil:
		out.Site = linked
	default:
		return fault("name the site: --to https://files.example.org")
	}
	return out, nil
}

// requiredFlags lists the flags that a new person cannot do without: "--name, --location and --age".
func requiredFlags() string {
	var flags []string
	for _, f := range dossier.Fields {
		if !f.Optional {
			flags = append(flags, "--"+f.Name)
		}
	}
	last := len(flags) - 1
	return strings.Join(flags[:last], ", ") + " and " + flags[last]
}

// receipt returns the receipt that is given, and by what; the flags go before the variable.
func (p *program) receipt(o uploadFlags) (text, from string, err error) {
	variable, _ := p.lookup(receiptVariable)
	switch {
	case o.receipt != "" && o.receiptFile != "":
		return "", "", &upload.Error{Code: upload.CodeInput,
			Message: "--receipt and --receipt-file are both given: leave one of them out"}
	case o.receipt != "":
		return o.receipt, "--receipt", nil
	case o.receiptFile != "":
		const most = 4096
		in := p.stdin
		if o.receiptFile != "-" {
			f, err := os.Open(o.receiptFile)
			if err != nil {
				return "", "", &upload.Error{Code: upload.CodeInput, Message: "read the receipt: " + err.Error(),
					Err: err}
			}
			defer f.Close()
			in = f
		}
		b, err := io.ReadAll(io.LimitReader(in, most))
		if err != nil {
			return "", "", &upload.Error{Code: upload.CodeInput, Message: "read the receipt: " + err.Error(), Err: err}
		}
		return string(b), "--receipt-file", nil
	case variable != "":
		return variable, receiptVariable, nil
	}
	return "", "", nil
}

// origin reads the address of a site: an origin, perhaps with a slash behind it.
func origin(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("http or https, a host, a port if need be, no path")
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
