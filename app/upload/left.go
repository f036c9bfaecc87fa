package upload

import (
	"context"
	"net/http"

	"dossier.example/app"
)

// What earlier runs of a command left can be shown, and given up, without another run.

// Reopen opens the journal that earlier runs of the same command left, for GiveUp. The site is asked nothing, and the
// files of o need not exist. The caller closes.
func Reopen(o Options) (*Run, error) { return reopen(o) }

// GiveUp removes at the site what earlier runs began and did not store, and returns the number of files given up, and
// the link of the receipt; empty where there is no person. What is stored stays. The journal stays until Forget.
func (run *Run) GiveUp(ctx context.Context) (n int, link string, err error) {
	if run.o.Receipt != nil {
		run.receipt = *run.o.Receipt
	} else if run.receipt, err = dossier.ParseReceipt(run.journal.state.Receipt); err != nil {
		return 0, "", nil // no receipt, so nothing was begun
	}
	run.site.receipt = run.receipt.String()
	for _, id := range run.journal.unfinished() {
		// A file that is stored after all stays; nothing is there to be given up for a person who is gone.
		switch err := asError(run.site.call(ctx, http.MethodDelete, "files/"+id, nil, nil)); Code(err) {
		case "lost":
		case "unauthorized":
			return n, "", nil
		default:
			if err != nil {
				return n, "", err
			}
			n++
		}
	}
	return n, run.o.link(run.receipt), nil
}

// Kept is what the journal of a command has of its new person.
type Kept struct {
	// Person is the person's id, and Link the page of the receipt: a secret.
	Person, Link string
	// Registered: the site has confirmed the person. Without it the run ended before that, or is not that far yet.
	Registered bool
}

// KeptReceipt returns the receipt that a run of the same command keeps: one that was interrupted, or could not hand it
// over, or is under way. The site is asked nothing, nothing is changed, and the files of o need not exist.
//
// Errors: an Error, with CodeNone where no receipt is kept.
func KeptReceipt(o Options) (Kept, error) {
	if o.Receipt != nil {
		return Kept{}, inputf(nil, "a receipt is kept only for a new person, and this command names an existing one")
	}
	if err := o.clean(); err != nil {
		return Kept{}, err
	}
	state, err := peekJournal(o.State, o.key())
	if err != nil {
		return Kept{}, err
	}
	if state.Receipt == "" {
		return Kept{}, errorf(CodeNone, nil, "no receipt is kept for this command: it was not run here with the same "+
			"site, details and paths, or its receipt was printed when everything was stored")
	}
	receipt, err := dossier.ParseReceipt(state.Receipt)
	if err != nil {
		return Kept{}, errorf(CodeJournal, err, "the journal of this command is damaged")
	}
	return Kept{Person: receipt.Person.String(), Link: o.link(receipt), Registered: state.Registered}, nil
}
